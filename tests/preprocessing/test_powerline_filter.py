"""Tests of the removal of hum."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import signal as scipy_signal

from sklearn_ecg import ECGRecords
from sklearn_ecg.preprocessing import PowerlineFilter, notch


def test_agrees_with_forward_backward_notch(rng):
    noise = rng.normal(size=40_000)
    expected = scipy_signal.filtfilt(*scipy_signal.iirnotch(50, 50 / 2, fs=5000), noise)
    # SciPy's filter is a digital one: a little wider than the analog one.
    filtered = notch(noise, 5000, 50, n_harmonics=1)
    assert_allclose(filtered[5000:-5000], expected[5000:-5000], atol=5e-3)


@pytest.mark.parametrize("offset", [-10.0, -1.0, -0.5, 0.5, 1.0, 10.0])
def test_gain_of_a_sinusoid_beside_the_frequency(offset):
    times = np.arange(30_000) / 500
    frequency = 50 + offset
    sine = np.sin(2 * np.pi * frequency * times)
    distance = (frequency**2 - 50**2) ** 2
    gain = distance / (distance + (frequency * 2) ** 2)
    middle = slice(5000, -5000)
    assert_allclose(notch(sine, 500, 50)[middle], gain * sine[middle], atol=5e-3)


@pytest.mark.parametrize("frequency", [50, 60])
def test_hum_and_its_multiples_go_up_to_the_ends(frequency, rng):
    times = np.arange(5000) / 500
    hum = sum(
        0.3 * np.sin(2 * np.pi * k * frequency * times + rng.uniform(0, 6)) for k in range(1, 5)
    )
    assert_allclose(notch(hum, 500, frequency), 0, atol=1e-9)
    only_first = notch(hum, 500, frequency, n_harmonics=1)
    assert np.ptp(only_first) > 0.5


def test_hum_of_a_frequency_that_is_slightly_off_and_swells():
    times = np.arange(5000) / 500
    hum = (1 + 0.3 * np.sin(2 * np.pi * 0.1 * times)) * np.sin(2 * np.pi * 50.03 * times)
    assert np.abs(notch(hum, 500, 50))[250:-250].max() < 0.05


def test_beats_stay_as_they_are():
    times = np.arange(5000) / 500
    beats = np.exp(-(((times % 1 - 0.5) / 0.012) ** 2))
    assert_allclose(notch(beats, 500, 50), beats, atol=0.02)


def test_records_in_one_call_as_one_by_one(rng):
    records = ECGRecords(rng.normal(size=(3, 2, 1000)).astype(np.float32), 500)
    filtered = PowerlineFilter(60).fit_transform(records)
    assert filtered.signals.dtype == np.float32
    for signal, alone in zip(records.signals, filtered.signals, strict=True):
        assert_allclose(notch(signal, 500, 60), alone, atol=1e-5)


@pytest.mark.parametrize("n_times", [1, 2, 7, 100])
def test_short_signals(n_times):
    assert np.isfinite(notch(np.ones((2, n_times)), 500, 50)).all()


def test_signals_that_cannot_hold_the_frequency(rng):
    records = ECGRecords(rng.normal(size=(2, 1, 500)), 100)
    with pytest.raises(ValueError, match="frequency=50 Hz must be below half the sampling rate"):
        PowerlineFilter(50).fit_transform(records)

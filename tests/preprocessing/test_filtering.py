"""Tests of zero-phase band-pass filtering."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import signal as scipy_signal

from sklearn_ecg.preprocessing import BandpassFilter, bandpass
from sklearn_ecg.records import ECGRecords


@pytest.mark.parametrize("frequency", [0.2, 0.5, 2.0, 10.0, 40.0, 70.0])
@pytest.mark.parametrize("sampling_rate", [250, 360, 1000])
def test_gain_and_phase_of_a_sinusoid(frequency, sampling_rate):
    times = np.arange(60 * sampling_rate) / sampling_rate
    sine = np.sin(2 * np.pi * frequency * times)
    gain = 1 / (1 + (0.5 / frequency) ** 4) / (1 + (frequency / 40.0) ** 4)
    middle = slice(20 * sampling_rate, -20 * sampling_rate)
    filtered = bandpass(sine, sampling_rate, 0.5, 40)
    assert_allclose(filtered[middle], gain * sine[middle], atol=2e-3)


def test_agrees_with_forward_backward_butterworth(rng):
    noise = np.cumsum(rng.normal(size=20_000))
    sos = scipy_signal.butter(2, 30, fs=1000, output="sos")
    expected = scipy_signal.sosfiltfilt(sos, noise)
    assert_allclose(
        bandpass(noise, 1000, high=30)[1000:-1000], expected[1000:-1000], atol=0.01 * noise.std()
    )


@pytest.mark.parametrize(
    ("sampling_rate", "new_rate"), [(360, 250), (500, 250), (100, 250), (257, 250), (128.5, 250)]
)
def test_resampling_keeps_times_and_heights(sampling_rate, new_rate):
    def wave(times):
        return np.exp(-(((times - 4.321) / 0.03) ** 2))

    times = np.arange(int(10 * sampling_rate)) / sampling_rate
    resampled = bandpass(wave(times), sampling_rate, new_rate=new_rate)
    new_times = np.arange(len(resampled)) / new_rate
    assert len(resampled) == np.ceil(len(times) * new_rate / sampling_rate)
    assert_allclose(resampled, wave(new_times), atol=2e-3)


@pytest.mark.parametrize("n_times", [1, 2, 7, 100])
def test_short_signals(n_times):
    assert np.isfinite(bandpass(np.ones((2, n_times)), 360, 0.5, 40, new_rate=250)).all()


def test_records_keep_everything_but_their_signals(rng):
    records = ECGRecords(
        rng.normal(size=(3, 2, 500)) + 5,
        100,
        lead_names=["I", "II"],
        ids=["a", "b", "c"],
        groups=[1, 1, 2],
        labels=[[1], [0], [1]],
        trusted=[True, False, True],
    )
    filtered = BandpassFilter(1, 30).fit_transform(records)
    assert_allclose(filtered.signals, bandpass(records.signals, 100, 1, 30))
    assert filtered.lead_names == ("I", "II")
    for name in ("ids", "groups", "labels", "trusted"):
        np.testing.assert_array_equal(getattr(filtered, name), getattr(records, name))


def test_edges_in_the_wrong_order(rng):
    with pytest.raises(ValueError, match="low=40 must be below high=1"):
        BandpassFilter(40, 1, sampling_rate=100).fit_transform(rng.normal(size=(2, 1, 500)))
    with pytest.raises(ValueError, match="low=40 must be below high=1"):
        bandpass(np.zeros((2, 100)), 100, 40, 1)


def test_plain_arrays_need_a_rate(rng):
    with pytest.raises(ValueError, match=r"ECGRecords\(X, sampling_rate=...\) or BandpassFilter"):
        BandpassFilter().fit(rng.normal(size=(2, 1, 500)))


def test_rates_that_contradict_each_other(rng):
    records = ECGRecords(rng.normal(size=(2, 1, 500)), 100)
    with pytest.raises(ValueError, match="sampling_rate=250 contradicts the records"):
        BandpassFilter(sampling_rate=250).fit_transform(records)

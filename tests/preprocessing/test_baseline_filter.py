"""Tests of the removal of the baseline."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import ndimage

from sklearn_ecg import ECGRecords
from sklearn_ecg.preprocessing import BandpassFilter, BaselineFilter
from sklearn_ecg.preprocessing._baseline_filter import _median


def test_medians_are_those_of_scipy_lead_by_lead(rng):
    signals = rng.normal(size=(3, 2, 200))
    for window_s, size in ((0.02, 3), (0.2, 21), (0.6, 61)):
        expected = [
            [ndimage.median_filter(lead, size, mode="mirror") for lead in record]
            for record in signals
        ]
        assert_allclose(_median(signals, window_s, reflect_type="even"), expected)


def beats_of(times):
    """QRS complexes and T waves, none of which goes below zero."""
    phase = times % 0.9
    return np.exp(-(((phase - 0.2) / 0.012) ** 2)) + 0.3 * np.exp(-(((phase - 0.5) / 0.05) ** 2))


@pytest.mark.parametrize("sampling_rate", [100, 250, 360, 500, 1000])
def test_wander_goes_and_waves_stay(sampling_rate):
    times = np.arange(10 * sampling_rate) / sampling_rate
    beats, wander = beats_of(times), 3 + 0.5 * np.sin(2 * np.pi * 0.25 * times)
    filtered = BaselineFilter(sampling_rate=sampling_rate).fit_transform((beats + wander)[None])
    error = (filtered[0] - beats)[sampling_rate:-sampling_rate]
    assert np.abs(error).max() < 0.08


def test_line_between_waves_is_zero_where_a_highpass_leaves_the_mean():
    times = np.arange(5000) / 500
    beats = beats_of(times)[None]
    between = beats[0] < 1e-3
    median = BaselineFilter(sampling_rate=500).fit_transform(beats)[0, between]
    highpass = BandpassFilter(0.5, None, sampling_rate=500).fit_transform(beats)[0, between]
    assert np.abs(np.median(median)) < 0.01
    assert np.median(highpass) < -0.05


def test_a_shift_of_the_electrode_changes_nothing(rng):
    signals = np.cumsum(rng.normal(size=(2, 3, 1000)), axis=-1)
    one, other = (BaselineFilter(sampling_rate=100).fit_transform(signals + c) for c in (0, 40))
    assert_allclose(one, other, atol=1e-9)


def test_records_in_one_call_as_one_by_one(rng):
    records = ECGRecords(rng.normal(size=(3, 2, 1000)), 500)
    filtered = BaselineFilter().fit_transform(records).signals
    for i in range(3):
        assert_allclose(BaselineFilter().fit_transform(records[[i]]).signals[0], filtered[i])


@pytest.mark.parametrize("n_times", [1, 2, 7, 300])
def test_short_signals(n_times):
    filtered = BaselineFilter(sampling_rate=250).fit_transform(np.ones((2, 1, n_times)))
    assert filtered.shape == (2, 1, n_times) and np.isfinite(filtered).all()


@pytest.mark.parametrize("windows_s", [(), (0.2, -1), ("0.2",), (np.nan,), (np.inf,), (1e12,)])
def test_windows_that_are_none(windows_s, rng):
    with pytest.raises(ValueError, match="windows_s must be positive numbers of s"):
        BaselineFilter(windows_s, sampling_rate=100).fit_transform(rng.normal(size=(1, 1, 500)))


def test_wander_goes_up_to_the_ends():
    times = np.arange(2500) / 250
    wander = 0.5 * np.sin(2 * np.pi * 0.25 * times + 0.4)
    filtered = BaselineFilter(sampling_rate=250).fit_transform((beats_of(times) + wander)[None])
    assert np.abs(filtered[0] - beats_of(times)).max() < 0.1

"""Tests of resampling to another rate."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.signal import resample_poly

from sklearn_ecg.preprocessing import Resampler
from sklearn_ecg.records import CleanedRecords, ECGRecords, LazySignals


@pytest.mark.parametrize("rate", [125, 360, 500])
def test_a_wave_keeps_its_time_and_height(rate):
    times = np.arange(2500) / 250
    records = ECGRecords(np.exp(-(((times - 4.2) / 0.04) ** 2))[None, None], 250)
    resampled = Resampler(rate).fit_transform(records)
    new_times = np.arange(resampled.n_times) / rate
    assert resampled.sampling_rate == rate
    assert_allclose(resampled.signals[0, 0], np.exp(-(((new_times - 4.2) / 0.04) ** 2)), atol=0.01)


def test_cleaned_records_stay_cleaned(rng):
    cleaned = CleanedRecords(
        rng.normal(size=(2, 1, 500)),
        100,
        labels=[[1], [0]],
        weak_labels=[[1], [1]],
        provenance=[["trusted"], ["removed"]],
        confidence=[[1.0], [0.9]],
    )
    resampled = Resampler(50).fit_transform(cleaned)
    assert isinstance(resampled, CleanedRecords)
    assert resampled.n_times == 250
    np.testing.assert_array_equal(resampled.provenance, cleaned.provenance)


def test_a_table_of_features_is_refused():
    table = CleanedRecords(
        [[0.1, 0.2]], labels=[[1]], weak_labels=[[1]], provenance=[["trusted"]], confidence=[[1.0]]
    )
    with pytest.raises(ValueError, match="table of features"):
        Resampler(50).transform(table)


def test_lazy_and_ragged_signals(rng):
    stored = [rng.normal(size=(2, n)) for n in (400, 600)]
    ragged = Resampler(50).fit_transform(ECGRecords(stored, 100))
    lazy = Resampler(50).fit_transform(
        ECGRecords(LazySignals(lambda i: stored[i], (2, 2)), 100, ids=["a", "b"])
    )
    for i in range(2):
        expected = resample_poly(stored[i], 1, 2, axis=-1, padtype="line")
        assert_allclose(ragged.signals[i], expected)
        assert_allclose(lazy.signals[i], expected)
    assert list(lazy.ids) == ["a", "b"]


def test_parameters_are_checked(rng):
    with pytest.raises(ValueError, match="'new_rate' parameter of Resampler"):
        Resampler(0, sampling_rate=100).fit(rng.normal(size=(2, 1, 500)))

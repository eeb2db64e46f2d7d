"""What a masked array masks was not recorded, in whatever form the array comes."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_ecg import CleanedRecords, ECGFeatureExtractor, ECGRecords
from sklearn_ecg.preprocessing import LeadScaler
from sklearn_ecg.records import LazySignals, as_records, concatenate
from sklearn_ecg.utils import fill_masked

TYPES = [np.float64, np.float32, np.int16, np.int64, np.uint8]


def masked(dtype=np.float64, shape=(3, 2, 20)):
    """Signals, the same with a mask, and with NaN in its place."""
    plain = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    mask = np.zeros(shape, dtype=bool)
    mask[1, 0, 3:7] = mask[2, 1] = True
    expected = plain.astype(np.float64)
    expected[mask] = np.nan
    return plain, np.ma.masked_array(plain, mask), expected


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("form", [lambda s: s, list, tuple], ids=["array", "list", "tuple"])
def test_masked_samples_are_nan(dtype, form):
    plain, given, expected = masked(dtype)
    records = ECGRecords(form(given), 100)
    assert not any(np.ma.isMaskedArray(s) for s in (records.signals, *records.signals))
    assert_array_equal(np.stack(list(records.signals)), expected)
    if dtype in (np.float64, np.float32):
        assert records.signals[1].dtype == dtype
    # What was given is as it was.
    assert given.mask.sum() == 24
    assert_array_equal(given.data, plain)


def test_masked_records_of_different_lengths():
    _, given, expected = masked()
    records = ECGRecords([given[0, :, :9], given[1], np.asarray(expected[2])], 100)
    assert_array_equal(records.signals[1], expected[1])
    assert_array_equal(records.signals[0], expected[0][:, :9])
    assert_array_equal(as_records([given[1], given[0, :, :9]]).signals[0], expected[1])


@pytest.mark.parametrize("mask", [np.ma.nomask, False])
def test_a_mask_that_masks_nothing_changes_nothing(mask):
    plain = masked(np.int16)[0]
    signals = ECGRecords(np.ma.masked_array(plain, mask), 100).signals
    assert signals.dtype == np.int16 and not np.ma.isMaskedArray(signals)
    assert_array_equal(signals, plain)


def test_other_signals_and_other_collections():
    _, given, expected = masked()
    records = ECGRecords(np.zeros((3, 2, 20)), 100)
    assert_array_equal(records.with_signals(given).signals, expected)
    assert_array_equal(as_records(given).signals, expected)
    assert_array_equal(as_records(given[:, 0]).signals, expected[:, :1])
    assert_array_equal(as_records(list(given)).signals, expected)
    one = ECGRecords(given, 100, ids=list("abc"))
    assert_array_equal(
        concatenate([one, ECGRecords(given, 100, ids=list("def"))]).signals[3:], expected
    )


def test_cleaned_records_and_tables():
    fields = {"labels": [[1]] * 3, "weak_labels": [[1]] * 3, "provenance": [["trusted"]] * 3}
    _, given, expected = masked()
    for signals, found in ((given, expected), (given[:, 0], expected[:, 0])):
        cleaned = CleanedRecords(signals, confidence=[[1.0]] * 3, **fields)
        assert_array_equal(cleaned.signals, found)
        assert not np.ma.isMaskedArray(cleaned.signals)


def test_readers_may_return_masked_arrays():
    _, given, expected = masked()
    lazy = LazySignals(given.__getitem__, given.shape)
    assert_array_equal(lazy[1], expected[1])
    assert_array_equal(np.asarray(lazy), expected)
    assert_array_equal(lazy.window(1, 2, 6), expected[1][:, 2:6])
    assert_array_equal(lazy.read_many([2, 1]), expected[[2, 1]])
    assert not np.ma.isMaskedArray(lazy[0])


def test_estimators_see_no_masked_sample(heart):
    signals = np.stack([heart(np.arange(0.5, 9.8, 0.8), rate=250, seed=i) for i in range(3)])
    gap = np.zeros(signals.shape, dtype=bool)
    gap[:, 0, 500:1000] = True
    spoiled = np.where(gap, 1e3, signals)
    given = np.ma.masked_array(spoiled, gap)
    expected = np.where(gap, np.nan, signals)
    extractor = ECGFeatureExtractor(sampling_rate=250)
    assert_array_equal(extractor.fit_transform(given), extractor.fit_transform(expected))
    assert_array_equal(LeadScaler().fit_transform(given), LeadScaler().fit_transform(expected))


def test_a_mask_fills_numbers_alone():
    values = ["a", 1]
    assert fill_masked(values) is values
    with pytest.raises(ValueError, match="numbers in mV"):
        ECGRecords(np.ma.masked_array(np.full((2, 1, 9), "x"), mask=True))

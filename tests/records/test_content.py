"""Equality and hashing by content: what caches rely on."""

import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest

from sklearn_ecg import CleanedRecords, ECGRecords
from sklearn_ecg.records import LazySignals
from sklearn_ecg.records._report import Report


def make_records(**changes):
    rng = np.random.default_rng(0)
    signals = rng.normal(size=(4, 2, 30))
    signals[0, 0, :5] = np.nan
    fields = {
        "signals": signals,
        "sampling_rate": 100,
        "lead_names": ["I", "II"],
        "ids": ["a", "b", "c", "d"],
        "groups": ["p", "p", "q", "q"],
        "labels": [[1, 0], [0, 1], [1, -1], [0, 0]],
        "label_names": ["AF", "PVC"],
        "trusted": [True, True, False, False],
    }
    return ECGRecords(**{**fields, **changes})


def assert_same(first, second):
    assert first == second
    assert hash(first) == hash(second)
    assert joblib.hash(first) == joblib.hash(second)


def test_copies_are_equal():
    report = Report()
    report.add("e", "e.dat", "is missing", "Download it again.")
    for records in (make_records(), make_records(report=report.to_frame())):
        assert_same(records, copy.deepcopy(records))
        assert_same(records, pickle.loads(pickle.dumps(records)))
        pd.testing.assert_frame_equal(copy.deepcopy(records).report, records.report)


def test_equal_content_is_equal():
    assert_same(make_records(), make_records())
    assert (make_records() == make_records()) is True
    assert_same(make_records(), pickle.loads(pickle.dumps(make_records())))
    assert len({make_records(), make_records()}) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"signals": np.zeros((4, 2, 30))},
        {"sampling_rate": 200},
        {"lead_names": ["II", "I"]},
        {"ids": ["a", "b", "c", "e"]},
        {"groups": None},
        {"labels": [[1, 0], [0, 1], [1, -1], [0, 1]]},
        {"label_names": ["AF", "PAC"]},
        {"trusted": [True, True, True, False]},
        {"split": [1, 1, 2, 2]},
        {"metadata": pd.DataFrame({"age_years": [60.0, 50.0, 40.0, np.nan]})},
    ],
)
def test_any_difference_counts(changes):
    one, other = make_records(), make_records(**changes)
    assert one != other
    assert joblib.hash(one) != joblib.hash(other)


def test_one_sample_and_the_type_of_samples_count():
    one = make_records()
    signals = one.signals.copy()
    signals[2, 1, 7] += 1e-9
    assert one != make_records(signals=signals)
    assert one != make_records(signals=one.signals.astype(np.float32))
    assert one != "records" and one != one.signals.tolist()


def test_how_records_were_selected_does_not_matter():
    """A stride, the order of axes, or strings of another width are not content."""
    records = make_records(ids=["a", "b", "c", "a longer one"])
    picked = records[::2]
    rebuilt = ECGRecords(
        np.asfortranarray(records.signals[[0, 2]]),
        100,
        lead_names=["I", "II"],
        ids=np.array(["a", "c"], dtype=object),
        groups=["p", "q"],
        labels=np.array([[1, 0], [1, -1]], dtype=np.int64),
        label_names=["AF", "PVC"],
        trusted=[True, False],
    )
    assert_same(picked, rebuilt)
    assert_same(records[[0, 2]], picked)
    numbered = make_records(ids=np.arange(4, dtype=np.int32), split=[1, 2, 3, 4])
    assert_same(numbered, make_records(ids=range(4), split=np.array([1, 2, 3, 4], dtype=np.int16)))


def test_records_of_different_lengths():
    signals = [np.ones((2, 20)), np.zeros((2, 30))]
    first, second = (ECGRecords([s.copy() for s in signals], 10) for _ in range(2))
    assert_same(first, second)
    assert_same(first[[1]], second[1:])
    assert first != ECGRecords(signals[::-1], 10)


class Reader:
    """Stands for files: it pickles its path and counts what is read."""

    def __init__(self, path):
        self.path = path
        self.n_read = 0

    def __call__(self, i):
        self.n_read += 1
        return np.full((2, 30), float(i))

    def __getstate__(self):
        return {"path": self.path}


def test_lazy_signals_are_compared_by_source_and_place_without_reading():
    first, second = Reader("a.dat"), Reader("a.dat")
    one, other = (ECGRecords(LazySignals(read, (6, 2, 30)), 100) for read in (first, second))
    assert_same(one, other)
    assert_same(one[::2], other[[0, 2, 4]])
    assert one[:3] != other[3:]
    assert one != ECGRecords(LazySignals(Reader("b.dat"), (6, 2, 30)), 100)
    assert first.n_read == second.n_read == 0


def test_lazy_signals_that_cannot_be_pickled_are_known_by_identity():
    def read(i):
        return np.zeros((1, 9))

    assert ECGRecords(LazySignals(read, (3, 1, 9))) == ECGRecords(LazySignals(read, (3, 1, 9)))
    others = LazySignals(lambda i: np.zeros((1, 9)), (3, 1, 9))
    assert ECGRecords(LazySignals(read, (3, 1, 9))) != ECGRecords(others)


def test_a_memory_map_and_its_parts_are_told_by_file(tmp_path):
    stored = make_records(ids=None).signals
    np.save(tmp_path / "a.npy", stored)

    def opened():
        return ECGRecords(np.load(tmp_path / "a.npy", mmap_mode="r"), 100)

    assert_same(opened(), opened())
    np.testing.assert_array_equal(np.asarray(opened()), stored)
    assert_same(opened()[1:][[2, 0]], opened()[1:][[2, 0]])
    part = opened()[1:][[2, 0]]
    again = pickle.loads(pickle.dumps(part))
    np.testing.assert_array_equal(np.asarray(again), stored[[3, 1]])
    # The pickle names the file in the place of its samples.
    assert len(pickle.dumps(part.signals)) < 1000
    before = joblib.hash(part)
    np.save(tmp_path / "a.npy", stored + 1)
    assert joblib.hash(opened()[1:][[2, 0]]) != before


def test_cleaned_records_count_all_they_hold():
    def cleaned(confidence):
        return CleanedRecords(
            [[0.1, 0.2], [0.3, 0.4]],
            labels=[[1], [0]],
            weak_labels=[[1], [1]],
            provenance=[["trusted"], ["removed"]],
            confidence=[[1.0], [confidence]],
        )

    assert_same(cleaned(0.9), cleaned(0.9))
    assert cleaned(0.9) != cleaned(0.8)
    plain = ECGRecords(np.zeros((2, 1, 9)), labels=[[1], [0]])
    assert cleaned(0.9) != plain


def test_a_cache_knows_records_that_it_has_seen(tmp_path):
    calls = []

    def count(records):
        calls.append(len(records))
        return len(records)

    cached = joblib.Memory(tmp_path, verbose=0).cache(count)
    records = make_records()
    assert cached(records[::2]) == cached(make_records()[[0, 2]]) == 2
    assert calls == [2]


def test_unpickled_records_are_immutable_too():
    again = pickle.loads(pickle.dumps(make_records()))
    with pytest.raises(ValueError, match="read-only"):
        again.labels[0] = 0

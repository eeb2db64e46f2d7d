"""ECGRecords: slicing in every form, immutability, and errors that name the argument."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold, train_test_split
from sklearn.utils import resample, shuffle

from sklearn_ecg import ECGRecords
from sklearn_ecg.records import LazySignals, as_records


@pytest.fixture
def records(rng):
    n = 6
    return ECGRecords(
        rng.normal(size=(n, 2, 50)),
        sampling_rate=100,
        lead_names=["I", "II"],
        ids=[f"r{i}" for i in range(n)],
        groups=list("aabbcc"),
        split=[1, 1, 2, 2, 3, 3],
        labels=rng.integers(0, 2, size=(n, 3)),
        label_names=["AF", "LBBB", "STE"],
        trusted=[True, True, False, False, True, False],
    )


def assert_selected(selected, records, index):
    """Every part of `selected` is the same part of `records` at `index`."""
    for name in ("signals", "ids", "groups", "split", "labels", "trusted"):
        np.testing.assert_array_equal(getattr(selected, name), getattr(records, name)[index])
    for name in ("sampling_rate", "lead_names"):
        assert getattr(selected, name) == getattr(records, name)
    np.testing.assert_array_equal(selected.label_names, records.label_names)


@pytest.mark.parametrize(
    ("key", "index"),
    [
        (slice(1, 4), [1, 2, 3]),
        (slice(None, None, -2), [5, 3, 1]),
        ([4, 0], [4, 0]),
        (np.array([2, 2]), [2, 2]),
        (range(3), [0, 1, 2]),
        (pd.Index([5, 1]), [5, 1]),
        (np.array([True, False, True, False, False, False]), [0, 2]),
        ([False, True, False, False, False, True], [1, 5]),
        (3, [3]),
        (np.int64(-1), [5]),
        ([], []),
        (([1, 2], ...), [1, 2]),
        ((slice(2, 3), slice(None)), [2]),
        (..., [0, 1, 2, 3, 4, 5]),
    ],
)
def test_slicing_selects_everything(records, key, index):
    index = np.asarray(index, dtype=int)
    assert_selected(records[key], records, index)
    assert len(records[key]) == len(index)


def test_scikit_learn_splits_records_as_it_splits_arrays(records):
    positions = np.arange(len(records))
    for train, test in KFold(3).split(records):
        assert_selected(records[train], records, train)
        assert_selected(records[test], records, test)
    left, right, i_left, i_right = train_test_split(records, positions, random_state=0)
    assert_selected(left, records, i_left)
    assert_selected(right, records, i_right)
    shuffled, i_shuffled = shuffle(records, positions, random_state=1)
    assert_selected(shuffled, records, i_shuffled)
    again, i_again = resample(records, positions, random_state=2)
    np.testing.assert_array_equal(again.ids, records.ids[i_again])


def test_iterating_yields_one_record_at_a_time(records):
    assert [record.ids[0] for record in records] == list(records.ids)


@pytest.mark.parametrize("name", ["labels", "ids", "groups", "trusted"])
def test_records_are_immutable(records, name):
    with pytest.raises(ValueError, match="read-only"):
        getattr(records, name)[0] = getattr(records, name)[1]
    with pytest.raises(AttributeError):
        setattr(records, name, None)


def test_the_callers_arrays_stay_writable():
    labels = np.zeros((2, 1), dtype=np.int8)
    ECGRecords(np.zeros((2, 1, 9)), labels=labels)
    labels[0] = 1
    assert labels[0, 0] == 1


def test_pickle_and_copy_keep_everything(records):
    for twin in (pickle.loads(pickle.dumps(records)), copy.deepcopy(records), copy.copy(records)):
        assert_selected(twin, records, np.arange(len(records)))


def test_records_of_different_lengths_stay_apart():
    records = ECGRecords([np.zeros((2, 30)), np.ones((2, 40))], sampling_rate=10, ids=["a", "b"])
    assert records.shape == (2, 2)
    assert records.n_times is None
    assert records[1].signals[0].shape == (2, 40)
    assert records[[1]].n_times == 40
    assert "different lengths" in repr(records)
    with pytest.raises(TypeError, match="different lengths"):
        np.asarray(records)


def test_a_memory_map_is_not_read_when_sliced(tmp_path):
    path = tmp_path / "signals.npy"
    np.save(path, np.arange(24.0).reshape(4, 1, 6))
    records = ECGRecords(np.load(path, mmap_mode="r"), sampling_rate=1)
    picked = records[[3, 1]]
    assert isinstance(picked.signals, LazySignals)
    np.testing.assert_array_equal(np.asarray(picked), np.load(path)[[3, 1]])
    assert isinstance(records[1:3].signals, LazySignals)


def test_lazy_signals_read_only_what_is_touched():
    touched = []

    def read(i):
        touched.append(i)
        return np.full((1, 5), i)

    records = ECGRecords(LazySignals(read, (1000, 1, 5)))
    part = records[900:][::-1][[0, 2]]
    assert touched == []
    assert part.signals[1][0, 0] == 997
    assert touched == [997]


def test_a_data_frame_of_labels_names_them():
    labels = pd.DataFrame({"AF": [0, 1], "STE": [1, -1]})
    records = ECGRecords(np.zeros((2, 1, 9)), labels=labels)
    assert list(records.label_names) == ["AF", "STE"]
    assert list(records.to_frame()["STE"]) == [1, -1]


def test_with_labels_replaces_labels_only(records):
    other = records.with_labels(1 - records.labels)
    np.testing.assert_array_equal(other.labels, 1 - records.labels)
    assert list(other.label_names) == list(records.label_names)
    assert other.ids is not None and list(other.ids) == list(records.ids)
    assert records.with_labels(None).labels is None


def test_to_frame_holds_a_row_per_record(records):
    frame = records.to_frame()
    assert list(frame.index) == list(records.ids)
    assert list(frame.columns) == ["group", "split", "trusted", "AF", "LBBB", "STE"]
    np.testing.assert_array_equal(frame[["AF", "LBBB", "STE"]], records.labels)


def test_a_part_without_trusted_records_is_fine(records):
    assert not records[[2, 3]].trusted.any()
    assert not ECGRecords(np.zeros((2, 1, 9)), trusted=[False, False]).trusted.any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"signals": np.zeros((3, 50))}, r"newaxis"),
        ({"signals": np.zeros((3, 5000, 12))}, r"swapped.*np.swapaxes"),
        ({"signals": [np.zeros((2, 9)), np.zeros((3, 9))]}, r"signals\[1\] has 3 leads"),
        ({"signals": [np.zeros((2, 9)), np.zeros(9)]}, r"signals\[1\]"),
        ({"signals": np.zeros((3, 2, 0))}, "no samples"),
        ({"signals": np.array([[["a", "b"]]])}, "numbers in mV"),
        ({"sampling_rate": 0}, "sampling_rate must be a positive"),
        ({"sampling_rate": "360"}, "sampling_rate must be a positive"),
        ({"lead_names": ["I"]}, "lead_names must name each of the 2 leads"),
        ({"lead_names": ["I", "I"]}, "lead_names must be unique"),
        ({"lead_names": ["V1", "C1"]}, "unique: 'V1' and 'C1' are both lead V1"),
        ({"lead_names": "II"}, "lead_names must be a sequence"),
        ({"ids": ["a", "a", "b"]}, r"ids must be unique; repeated: .*'a'"),
        (
            {"ids": ["a\0b", "a\0c", "b"]},
            r"ids must hold no NUL characters; got 'a.x00b' for record 0",
        ),
        ({"ids": ["\ud800", "\ud801", "b"]}, "ids cannot be told apart"),
        ({"groups": ["p\0a", "p\0b", "q"]}, "groups must hold no NUL characters"),
        ({"groups": [1, 2]}, "groups must hold one patient for each of the 3"),
        ({"groups": [1.0, np.nan, 2.0]}, "groups is missing for record 1"),
        ({"labels": [[0], [1], [2]]}, "got 2 for record 2, label 0"),
        ({"labels": [[0], [1], [0.5]]}, "got 0.5 for record 2"),
        ({"labels": [[0], [1]]}, "labels has labels for 2 records"),
        ({"labels": np.zeros((3, 2)), "label_names": ["x"]}, "one name for each of the 2 labels"),
        ({"labels": np.zeros((3, 2)), "label_names": ["x", "x"]}, "label_names must be unique"),
        ({"label_names": ["x"]}, "without labels"),
        ({"trusted": [True]}, "trusted must be a mask with one entry for each of the 3"),
        ({"trusted": [True, False, 3]}, "mask of True and False"),
    ],
)
def test_bad_input_names_the_argument(arguments, message):
    arguments = {"signals": np.zeros((3, 2, 50)), **arguments}
    with pytest.raises(ValueError, match=message):
        ECGRecords(**arguments)


@pytest.mark.parametrize("key", [(0, 1), ("r1",), "r1", 1.5, np.zeros((2, 2), dtype=int), 6])
def test_a_wrong_index_says_what_is_possible(records, key):
    with pytest.raises(IndexError, match="record"):
        records[key]


def test_as_records_reads_every_form(records):
    assert as_records(records) is records
    assert as_records(np.zeros((4, 20)), 10).shape == (4, 1, 20)
    assert as_records(np.zeros((4, 2, 20)), 10).shape == (4, 2, 20)
    assert as_records([np.zeros((2, 20)), np.zeros((2, 30))], 10).n_times is None
    assert as_records(pd.DataFrame(np.zeros((4, 20)))).shape == (4, 1, 20)
    with pytest.raises(ValueError, match="contradicts the records"):
        as_records(records, sampling_rate=500)

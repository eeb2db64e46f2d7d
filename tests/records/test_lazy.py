"""Signals that are read when touched."""

import numpy as np
import pytest

from sklearn_ecg import ECGRecords
from sklearn_ecg.records import LazySignals
from sklearn_ecg.records._report import Report


class Reader:
    """Records of 10, 10, 20 and 20 samples that remember how they were read."""

    lengths = (10, 10, 20, 20)

    def __init__(self):
        self.seen = []

    def __call__(self, i):
        self.seen.append(i)
        return np.full((2, self.lengths[i]), float(i))

    def many(self, indices):
        self.seen.append(list(indices))
        return [np.full((2, self.lengths[i]), float(i)) for i in indices]

    def window(self, i, start, stop):
        self.seen.append((i, start, stop))
        return np.full((2, stop - start), float(i))


def test_lengths_tell_the_shape_of_each_selection():
    reader = Reader()
    records = ECGRecords(LazySignals(reader, (4, 2), lengths=reader.lengths), 10)
    assert records.shape == (4, 2) and records.n_times is None
    assert records[:2].shape == (2, 2, 10) and records[2:].n_times == 20
    assert records[[3, 0]].shape == (2, 2)
    assert list(records.signals[[3, 0]].lengths) == [20, 10]
    assert "1.0 s at 10 Hz" in repr(records[:2])
    assert records[:0].shape == (0, 2)
    assert reader.seen == []


def test_the_faster_ways_of_a_reader_are_taken():
    reader = Reader()
    signals = LazySignals(reader, (4, 2), lengths=reader.lengths)[[3, 2, 0]]
    np.testing.assert_array_equal(signals.window(1, 5, 9), np.full((2, 4), 2.0))
    assert [signal[0, 0] for signal in signals.read_many([2, 0])] == [0.0, 3.0]
    assert [signal[0, 0] for signal in signals.read_many()] == [3.0, 2.0, 0.0]
    assert reader.seen == [(2, 5, 9), [0, 3], [3, 2, 0]]


def test_readers_without_faster_ways():
    stored = np.arange(24.0).reshape(3, 2, 4)
    signals = LazySignals(stored.__getitem__, stored.shape)[[2, 1]]
    np.testing.assert_array_equal(signals.window(0, 1, 3), stored[2, :, 1:3])
    np.testing.assert_array_equal(signals.read_many([1])[0], stored[1])
    np.testing.assert_array_equal(np.asarray(signals, dtype=np.float32), stored[[2, 1]])
    assert list(signals.lengths) == [4, 4]


def test_many_records_become_one_array():
    stored = np.arange(2 * 700.0).reshape(700, 1, 2)
    signals = LazySignals(stored.__getitem__, stored.shape)
    np.testing.assert_array_equal(np.asarray(signals), stored)
    assert np.asarray(signals[:0]).shape == (0, 1, 2)
    with pytest.raises(ValueError, match="without a copy"):
        signals.__array__(copy=False)  # what np.asarray(signals, copy=False) calls


def test_reports_stay_with_their_records():
    report = Report()
    report.add("b", "b.dat", "is missing", "Download it again.")
    records = ECGRecords(np.zeros((3, 1, 5)), ids=["a", "c", "d"], report=report.to_frame())
    for kept in (records[1:], records.with_labels([[1], [0], [1]]), records[:0]):
        assert kept.report["id"].tolist() == ["b"]
    shown = records.report
    shown.loc[0, "id"] = "z"
    assert records.report["id"].tolist() == ["b"]
    assert list(ECGRecords(np.zeros((1, 1, 5))).report.columns) == list(records.report.columns)
    assert ECGRecords(np.zeros((1, 1, 5))).report.empty

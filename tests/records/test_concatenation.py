"""Joining collections: by name, without loss, without guesses."""

import pickle

import numpy as np
import pytest

from sklearn_ecg import CleanedRecords, ECGRecords
from sklearn_ecg.records import LazySignals, concatenate


def make(n=3, start=0, **fields):
    signals = np.arange(start, start + n, dtype=float)[:, None, None] + np.zeros((n, 2, 20))
    signals[:, 1] += 0.5
    fields = {"lead_names": ["I", "II"], "ids": [f"r{start + i}" for i in range(n)], **fields}
    return ECGRecords(fields.pop("signals", signals), fields.pop("rate", 100), **fields)


def test_parts_come_back(rng):
    labels = rng.integers(0, 2, size=(6, 2))
    whole = ECGRecords(
        rng.normal(size=(6, 2, 20)),
        100,
        lead_names=["I", "II"],
        ids=list("abcdef"),
        groups=list("xxyyzz"),
        split=[1, 1, 2, 2, 3, 3],
        labels=labels,
        label_names=["AF", "PVC"],
        trusted=[True, False] * 3,
    )
    assert concatenate([whole[:2], whole[2:5], whole[5:]]) == whole
    assert concatenate([whole]) == whole


def test_leads_are_joined_by_name():
    first, second = make(), make(start=3).select_leads(["II", "I"])
    joined = concatenate([first, second])
    assert joined.lead_names == ("I", "II")
    np.testing.assert_array_equal(joined.signals[:, 0, 0], np.arange(6.0))
    np.testing.assert_array_equal(joined.signals[:, 1, 0], np.arange(6.0) + 0.5)


def test_labels_are_joined_by_name_and_stay_open_where_unknown():
    first = make(2, labels=[[1, 0], [0, 1]], label_names=["AF", "PVC"])
    second = make(1, start=2, labels=[[1, 0]], label_names=["STE", "AF"])
    third = make(1, start=3)
    joined = concatenate([first, second, third])
    assert list(joined.label_names) == ["AF", "PVC", "STE"]
    np.testing.assert_array_equal(joined.labels, [[1, 0, -1], [0, 1, -1], [0, -1, 1], [-1, -1, -1]])
    assert concatenate([make(), make(start=3)]).labels is None


def test_keys_part_the_names():
    first, second = make(groups=[1, 1, 2], ids=None), make(groups=[1, 2, 3], ids=None)
    joined = concatenate([first, second], keys=["a", "b"])
    assert list(joined.ids) == ["a/0", "a/1", "a/2", "b/0", "b/1", "b/2"]
    assert list(joined.groups) == ["a/1", "a/1", "a/2", "b/1", "b/2", "b/3"]
    with pytest.raises(ValueError, match=r"3 ids are in more than one collection.*keys="):
        concatenate([first, second])
    shared = concatenate([make(groups=[1, 1, 2]), make(start=3, groups=[2, 3, 3])])
    assert list(shared.groups) == [1, 1, 2, 2, 3, 3]


def test_records_without_groups_are_patients_of_their_own():
    joined = concatenate([make(groups=list("xxy")), make(start=3)])
    assert list(joined.groups) == ["x", "x", "y", "r3", "r4", "r5"]
    with pytest.raises(ValueError, match="'r4' is a group of another collection"):
        concatenate([make(groups=["x", "x", "r4"]), make(start=3)])


def test_trust_is_not_invented():
    labels = {"labels": [[1], [0], [1]], "label_names": ["AF"]}
    good = make(trusted=[True] * 3, **labels)
    with pytest.raises(ValueError, match=r"collections\[1\] has none.*with_labels"):
        concatenate([good, make(start=3, **labels)])
    assert list(concatenate([good, make(start=3)]).trusted) == [True] * 3 + [False] * 3


def test_split_is_kept_where_all_have_it():
    parts = make(split=[1, 1, 2]), make(start=3, split=[2, 2, 2]), make(start=6)
    assert list(concatenate(parts[:2]).split) == [1, 1, 2, 2, 2, 2]
    assert concatenate(parts).split is None


def test_reports_are_joined():
    first = make()
    report = first.report
    report.loc[0] = ["r9", "r9.hea", "is missing", "Download it again.", False]
    with_report = make(start=3, report=report)
    assert list(concatenate([first, with_report]).report["id"]) == ["r9"]


def test_lengths_may_differ():
    short = make(signals=np.ones((3, 2, 10)))
    joined = concatenate([short, make(start=3)])
    assert joined.n_times is None
    assert [signal.shape[1] for signal in joined.signals] == [10] * 3 + [20] * 3
    assert concatenate([short, short[[0]]], keys="ab").shape == (4, 2, 10)


def test_lazy_signals_stay_unread(tmp_path):
    touched = []

    def read(i):
        touched.append(i)
        return np.full((2, 20), i + 0.0)

    lazy = make(4, start=100, signals=LazySignals(read, (4, 2, 20)))
    np.save(tmp_path / "a.npy", make(3, start=10).signals)
    mapped = make(3, start=10, signals=np.load(tmp_path / "a.npy", mmap_mode="r"))
    joined = concatenate([make(), lazy[::-1], mapped])
    assert joined.shape == (10, 2, 20)
    picked = joined[[8, 0, 3, 6]]
    assert touched == []
    expected = [11, 0, 3, 0]
    assert [signal[0, 0] for signal in picked.signals] == expected
    np.testing.assert_array_equal(np.asarray(picked)[:, 0, 0], expected)
    assert picked.select_leads(["II"]).signals[0][0, 0] == 11.5
    assert touched and set(touched) <= {0, 3}


def test_joined_readers_travel():
    stored = np.arange(5.0)[:, None, None] * np.ones((5, 2, 20))
    lazy = make(5, signals=LazySignals(stored.__getitem__, stored.shape))
    joined = concatenate([lazy, make(3, start=10)])[[6, 1, 7, 2]]
    again = pickle.loads(pickle.dumps(joined))
    np.testing.assert_array_equal(np.asarray(again), np.asarray(joined))
    np.testing.assert_array_equal(again.signals.window(1, 3, 6), np.ones((2, 3)))
    part = pickle.loads(pickle.dumps(joined.select_leads(["II"])))
    np.testing.assert_array_equal(np.asarray(part), np.asarray(joined)[:, 1:])


def test_select_leads(rng):
    records = make(signals=rng.normal(size=(3, 2, 20)), labels=[[1], [0], [1]])
    picked = records.select_leads(("II",))
    assert picked.lead_names == ("II",) and picked.shape == (3, 1, 20)
    np.testing.assert_array_equal(picked.signals, records.signals[:, 1:])
    np.testing.assert_array_equal(picked.labels, records.labels)
    uneven = ECGRecords([np.ones((2, 9)), np.zeros((2, 8))], lead_names=["I", "II"])
    assert [s.shape for s in uneven.select_leads(["II"]).signals] == [(1, 9), (1, 8)]


@pytest.mark.parametrize("names", [["lead II"], ["ii "], ["D2"], ["MDC_ECG_LEAD_II"], (b"II",)])
def test_leads_are_selected_by_any_spelling(rng, names):
    records = make(signals=rng.normal(size=(3, 2, 20)))
    picked = records.select_leads(names)
    assert picked.lead_names == ("II",)
    np.testing.assert_array_equal(picked.signals, records.signals[:, 1:])


def test_collections_of_differently_spelled_leads_are_joined(rng):
    signals = rng.normal(size=(2, 2, 20))
    one = ECGRecords(signals, 100, lead_names=["DI", "C1"])
    other = ECGRecords(signals[:, ::-1], 100, lead_names=["v1 ", "Lead I"])
    joined = concatenate([one, other], keys=["one", "other"])
    assert joined.lead_names == ("I", "V1")
    np.testing.assert_array_equal(joined.signals, np.concatenate([signals, signals]))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["V9"], r"leads \['V9'\], which the records lack; they have \['I', 'II'\]"),
        ("II", "names must be a sequence"),
        (["I", "I"], "names must be unique: 'I' and 'I' are both lead I"),
        (["II", "DII"], "names must be unique: 'II' and 'DII' are both lead II"),
        ([], "names must be a sequence"),
    ],
)
def test_leads_that_are_not_there(names, message):
    with pytest.raises(ValueError, match=message):
        make().select_leads(names)


def test_leads_without_names():
    with pytest.raises(ValueError, match="no names, so names cannot"):
        make(lead_names=None).select_leads(["I"])


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ([{"rate": 500}], r"different sampling rates, \[100.0, 500.0\] Hz.*Resampler"),
        ([{"rate": None}], "different sampling rates"),
        ([{"lead_names": ["I", "V1"]}], r"collections\[1\] has 2 leads named.*V1.*select_leads"),
        ([{"lead_names": None}], r"collections\[1\] has 2 leads named None"),
    ],
)
def test_what_does_not_fit_is_refused(others, message):
    with pytest.raises(ValueError, match=message):
        concatenate([make(), *(make(start=3, **fields) for fields in others)])


def test_unnamed_leads_must_be_as_many():
    fields = {"lead_names": None, "signals": np.zeros((3, 1, 20))}
    with pytest.raises(ValueError, match=r"collections\[1\] has 1 leads"):
        concatenate([make(lead_names=None), make(start=3, **fields)])


def test_other_input_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        concatenate([])
    with pytest.raises(TypeError, match=r"collections\[1\] must be ECGRecords; got ndarray"):
        concatenate([make(), np.zeros((3, 2, 20))])
    with pytest.raises(ValueError, match="keys must hold a different name"):
        concatenate([make(), make(start=3)], keys=["a", "a"])
    cleaned = CleanedRecords(
        [[0.1]], labels=[[1]], weak_labels=[[1]], provenance=[["added"]], confidence=[[1.0]]
    )
    with pytest.raises(TypeError, match="before they are cleaned"):
        concatenate([cleaned])

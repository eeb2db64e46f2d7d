"""Labels, patients and trust reach the records that their index names; trust per label."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from sklearn_ecg import CleanedRecords, ECGRecords
from sklearn_ecg.records import concatenate

IDS = ["r0", "r1", "r2", "r3"]
SIGNALS = np.zeros((4, 1, 9))
LABELS = pd.DataFrame([[1, 0], [0, 1], [0, -1], [0, 0]], IDS, ["AF", "PVC"])
TRUSTED = np.array([[True, True], [True, False], [False, False], [True, True]])


def make_records(**changes):
    return ECGRecords(SIGNALS, ids=IDS, labels=LABELS, **{"trusted": TRUSTED, **changes})


def test_every_table_is_brought_to_the_order_of_the_ids():
    shuffled = LABELS.iloc[[2, 0, 3, 1]]
    records = ECGRecords(
        SIGNALS,
        ids=IDS,
        labels=shuffled,
        groups=pd.Series(["p2", "p0", "p3", "p1"], shuffled.index),
        split=pd.Series([2, 0, 3, 1], shuffled.index),
        trusted=pd.DataFrame(TRUSTED, IDS, LABELS.columns).loc[shuffled.index, ["PVC", "AF"]],
    )
    np.testing.assert_array_equal(records.labels, LABELS)
    assert records.groups.tolist() == ["p0", "p1", "p2", "p3"]
    assert records.split.tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(records.trusted, TRUSTED)
    np.testing.assert_array_equal(records.with_labels(shuffled).labels, LABELS)
    part = records[[3, 1]].with_labels(LABELS.loc[["r1", "r3"]])
    np.testing.assert_array_equal(part.labels, LABELS.loc[["r3", "r1"]])


@pytest.mark.parametrize("name", ["labels", "trusted", "groups", "split"])
def test_a_table_of_other_records_is_refused(name):
    values = {"labels": LABELS, "groups": LABELS["AF"], "split": LABELS["AF"]}
    values["trusted"] = pd.Series([True] * 4, IDS)
    other = values[name].rename(index={"r2": "x"})
    with pytest.raises(ValueError, match=f"{name} does not name .*no row for 'r2'.*'x'"):
        ECGRecords(SIGNALS, ids=IDS, **{name: other})


def test_without_ids_tables_still_agree_among_themselves():
    trusted = pd.Series([True, True, False, False], IDS)
    records = ECGRecords(SIGNALS, labels=LABELS, trusted=trusted.iloc[::-1])
    assert records.trusted.tolist() == trusted.tolist()
    with pytest.raises(ValueError, match=r"trusted does not name .*'x' is no record"):
        ECGRecords(SIGNALS, labels=LABELS, trusted=trusted.rename({"r0": "x"}))


def test_ids_and_labels_of_one_table_belong_together():
    table = LABELS.reset_index(names="name").set_axis([5, 1, 0, 2])
    records = ECGRecords(SIGNALS, ids=table["name"], labels=table[["AF", "PVC"]])
    np.testing.assert_array_equal(records.labels, LABELS)


def test_splitters_of_tables_and_records_stay_together():
    """A selection of rows without names keeps their numbers, which must not be taken for ids."""
    y = LABELS.reset_index(drop=True)
    train, test, y_train, y_test = train_test_split(make_records(), y, random_state=0)
    for records, own in ((train, y_train), (test, y_test)):
        np.testing.assert_array_equal(records.with_labels(own).labels, own)


def test_cleaned_records_are_named_by_their_table():
    frame = pd.DataFrame({"HR": [60.0, 70, 80, 90]}, index=IDS)
    order = ["r1", "r3", "r0", "r2"]
    cleaned = CleanedRecords(
        frame,
        labels=LABELS,
        weak_labels=LABELS.loc[order, ["PVC", "AF"]],
        provenance=pd.DataFrame("confirmed", order, LABELS.columns),
        confidence=pd.DataFrame({"AF": [0.1, 0.3, 0.0, 0.2], "PVC": 1.0}, order),
    )
    assert cleaned.ids.tolist() == IDS and cleaned[[2]].changes().empty
    np.testing.assert_array_equal(cleaned.weak_labels, LABELS)
    assert cleaned.confidence[:, 0].tolist() == [0.0, 0.1, 0.2, 0.3]


@pytest.mark.parametrize("index", [list("aabc"), [1, "b", 2, "c"], [1.5, 2, None, 3]])
def test_an_index_that_names_nobody_is_no_hindrance(index):
    cleaned = CleanedRecords(
        pd.DataFrame({"HR": [60.0, 70, 80, 90]}, index=index),
        labels=LABELS.to_numpy(),
        weak_labels=LABELS.to_numpy(),
        provenance=np.full((4, 2), "confirmed"),
        confidence=np.ones((4, 2)),
    )
    assert cleaned.ids.tolist() == [0, 1, 2, 3]


def test_trust_per_label_goes_with_its_records():
    records = make_records()
    part = records[[3, 1]]
    np.testing.assert_array_equal(part.trusted, TRUSTED[[3, 1]])
    assert part == make_records()[[3, 1]] and records != make_records(trusted=TRUSTED.all(axis=1))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(part)).trusted, part.trusted)
    assert joblib.hash(part) == joblib.hash(make_records()[[3, 1]])
    with pytest.raises(ValueError, match="read-only"):
        records.trusted[0, 0] = False


def test_trust_per_label_is_counted_by_label():
    records = make_records()
    assert "5 labels trusted" in repr(records)
    assert records.label_counts()["present_trusted"].tolist() == [1, 0]
    assert records.to_frame()["trusted"].tolist() == [True, False, False, True]
    html = records._repr_html_()
    assert ">yes<" in html and ">in part<" in html and ">no<" in html
    assert make_records(trusted=True).trusted.tolist() == [True] * 4


def test_trust_per_label_goes_with_its_labels():
    records = make_records()
    swapped = records.with_labels(LABELS[["PVC", "AF"]])
    np.testing.assert_array_equal(swapped.trusted, TRUSTED[:, ::-1])
    assert records.with_labels(None).trusted is None
    assert make_records(trusted=[1, 0, 0, 1]).with_labels(None).trusted.tolist() == [1, 0, 0, 1]
    with pytest.raises(ValueError, match=r"trusted has the labels AF, PVC, but .* AF, STE"):
        records.with_labels(LABELS.set_axis(["AF", "STE"], axis=1))
    with pytest.raises(ValueError, match="records have no labels"):
        ECGRecords(SIGNALS, trusted=TRUSTED)


def test_joined_trust_keeps_what_each_collection_knows():
    whole = ECGRecords(
        np.zeros((2, 1, 9)), ids=["a", "b"], labels=[[1], [0]], label_names=["STE"], trusted=[1, 0]
    )
    joined = concatenate([make_records(), whole])
    assert joined.label_names.tolist() == ["AF", "PVC", "STE"]
    np.testing.assert_array_equal(joined.trusted[:4, :2], TRUSTED)
    # A label that a collection does not know is trusted where the whole record is.
    assert joined.trusted[:4, 2].tolist() == [True, False, False, True]
    np.testing.assert_array_equal(joined.trusted[4:], [[True] * 3, [False] * 3])
    unlabelled = ECGRecords(np.zeros((1, 1, 9)), ids=["c"])
    assert not concatenate([make_records(), unlabelled]).trusted[4].any()

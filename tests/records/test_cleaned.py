"""CleanedRecords: labels with their history, safe from estimators that do not know them."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from sklearn_ecg import CleanedRecords, ECGRecords


def make_cleaned(signals, **changes):
    n_records = len(signals)
    fields = {
        "labels": [[1, 0], [0, -1], [1, 1]][:n_records],
        "weak_labels": [[1, 1], [0, 1], [1, 1]][:n_records],
        "provenance": [["trusted"] * 2, ["confirmed", "undecided"], ["added", "anchor"]],
        "confidence": [[1, 1], [0.9, 0.5], [0.8, 0.7]],
        "label_names": ["AF", "STE"],
        "ids": ["x", "y", "z"],
        **changes,
    }
    return CleanedRecords(signals, **fields)


@pytest.mark.parametrize(
    "signals", [np.zeros((3, 2, 50)), np.zeros((3, 7)), pd.DataFrame(np.zeros((3, 7)))]
)
def test_slicing_keeps_provenance_with_its_labels(signals):
    cleaned = make_cleaned(signals)
    part = cleaned[[2, 1]]
    assert isinstance(part, CleanedRecords)
    assert part.provenance.tolist() == [["added", "anchor"], ["confirmed", "undecided"]]
    assert part.confidence.tolist() == [[0.8, 0.7], [0.9, 0.5]]
    assert part.weak_labels.tolist() == [[1, 1], [0, 1]]
    assert pickle.loads(pickle.dumps(part)).provenance.tolist() == part.provenance.tolist()
    assert len(part.without_labels()) == 2


def test_changes_lists_changed_and_undecided_labels():
    changes = make_cleaned(np.zeros((3, 7))).changes()
    assert changes[["id", "label", "weak", "clean", "provenance"]].to_numpy().tolist() == [
        ["x", "STE", 1, 0, "trusted"],
        ["y", "STE", 1, -1, "undecided"],
    ]


def test_without_labels_gives_back_what_the_cleaner_was_given():
    frame = pd.DataFrame({"HR": [60.0, 70.0, 80.0]})
    assert make_cleaned(frame).without_labels() is frame
    records = make_cleaned(np.zeros((3, 2, 50)), sampling_rate=100, lead_names=["I", "II"])
    plain = records.without_labels()
    assert type(plain) is ECGRecords
    assert plain.labels is None
    assert (plain.sampling_rate, plain.lead_names) == (100, ("I", "II"))


@pytest.mark.parametrize("signals", [np.zeros((3, 2, 50)), np.zeros((3, 7))])
def test_an_estimator_that_does_not_know_cleaned_records_is_told_the_cure(signals):
    cleaned = make_cleaned(signals)
    with pytest.raises(TypeError, match="OnCleanedLabels"):
        LogisticRegression().fit(cleaned, [0, 1, 0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"provenance": [["guess", "anchor"]] * 3}, "provenance must be one of .*guess"),
        ({"provenance": [["anchor"]] * 3}, "provenance must have the shape of labels"),
        ({"confidence": [0.1, 0.2, 0.3]}, "confidence must have the shape of labels"),
        ({"weak_labels": [[1, 1]]}, "weak_labels has labels for 1 records"),
    ],
)
def test_contradictions_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        make_cleaned(np.zeros((3, 7)), **changes)


def test_bad_parts_are_named():
    parts = {
        "labels": [[1], [0]],
        "weak_labels": [[1], [1]],
        "provenance": [["confirmed"], ["removed"]],
        "confidence": [[1.0], [0.9]],
    }
    for changes, message in (
        ({"labels": None}, "labels are None"),
        ({"weak_labels": [[1, 0], [0, 1]]}, "weak_labels must have the shape"),
        ({"confidence": [[7.0], [0.5]]}, "confidence must hold probabilities"),
    ):
        with pytest.raises(ValueError, match=message):
            CleanedRecords(np.zeros((2, 3)), **(parts | changes))
    table = CleanedRecords(np.zeros((2, 3)), **parts)
    assert "3 features" in repr(table)
    with pytest.raises(TypeError, match="other labels as y"):
        table.with_labels([[1], [1]])
    series = pd.Series([1, 0], name="AF")
    assert list(ECGRecords(np.zeros((2, 1, 9)), labels=series).label_names) == ["AF"]
    with pytest.raises(ValueError, match="not the string 'AF'"):
        ECGRecords(np.zeros((2, 1, 9)), labels=[[1], [0]], label_names="AF")

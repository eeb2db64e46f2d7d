"""label_cleaning_report against counts made by hand and by scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, precision_score

from sklearn_ecg import CleanedRecords
from sklearn_ecg.metrics import label_cleaning_report


def test_scores_agree_with_scikit_learn(rng):
    y_true = rng.integers(0, 2, size=(80, 4))
    y_weak, y_clean = (
        np.where(rng.uniform(size=(80, 4)) < p, 1 - y_true, y_true) for p in (0.3, 0.1)
    )
    report = label_cleaning_report(y_true, y_weak, y_clean)
    for prefix, labels in (("weak_", y_weak), ("clean_", y_clean)):
        expected = f1_score(y_true, labels, average=None)
        np.testing.assert_allclose(report[f"{prefix}f1"].iloc[:4], expected)
        weighted = f1_score(y_true, labels, average="weighted")
        assert report.loc["weighted avg", f"{prefix}f1"] == pytest.approx(weighted)
        weighted = precision_score(y_true, labels, average="weighted")
        assert report.loc["weighted avg", f"{prefix}precision"] == pytest.approx(weighted)


def test_each_label_is_counted_once():
    #                  right  mended  missed  broken  undecided(wrong)  undecided(right)
    y_true = np.array([[1], [1], [1], [0], [0], [1]])
    y_weak = np.array([[1], [0], [0], [0], [1], [1]])
    y_clean = np.array([[1], [1], [0], [1], [-1], [-1]])
    row = label_cleaning_report(y_true, y_weak, y_clean, label_names=["AF"]).loc["AF"]
    counts = row[["support", "errors", "found", "missed", "made", "undecided"]]
    assert counts.tolist() == [4, 3, 1, 2, 1, 2]


def test_names_come_from_whoever_knows_them():
    y = pd.DataFrame({"AF": [1, 0], "STE": [0, 1]})
    assert list(label_cleaning_report(y, y, y.to_numpy()).index) == ["AF", "STE", "weighted avg"]
    cleaned = CleanedRecords(
        np.zeros((2, 3)),
        labels=y,
        weak_labels=y,
        provenance=[["confirmed"] * 2] * 2,
        confidence=np.ones((2, 2)),
    )
    report = label_cleaning_report(y.to_numpy(), y.to_numpy(), cleaned)
    assert list(report.index) == ["AF", "STE", "weighted avg"]
    assert (report["clean_f1"] == 1).all()


def test_a_label_that_never_occurs_scores_zero_and_weighs_nothing():
    y = np.array([[1, 0], [1, 0]])
    report = label_cleaning_report(y, y, y)
    assert report["clean_f1"].tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (([[1], [-1]], [[1], [0]], [[1], [0]]), "y_true holds unknown"),
        (([[1], [0]], [[1]], [[1], [0]]), "y_weak has labels for 1 records"),
        (([[1], [0]], [[1], [0]], [[1, 0], [0, 0]]), "y_clean has 2 labels, but y_true has 1"),
        (([[1], [0]], [[1], [0]], [[1], [0.5]]), "y_clean must hold"),
    ],
)
def test_bad_input_names_the_argument(labels, message):
    with pytest.raises(ValueError, match=message):
        label_cleaning_report(*labels)


def test_labels_in_another_order_are_refused():
    truth = pd.DataFrame({"AF": [1, 0], "PVC": [0, 1]})
    with pytest.raises(ValueError, match="y_clean has the labels"):
        label_cleaning_report(truth, truth, truth[["PVC", "AF"]])
    named = label_cleaning_report(truth.to_numpy(), truth, truth.to_numpy())
    assert list(named.index[:2]) == ["AF", "PVC"]


def test_rows_are_found_by_the_index_of_the_true_labels(rng):
    ids = [f"r{i}" for i in range(30)]
    truth, weak, clean = (
        pd.DataFrame(rng.integers(0, 2, size=(30, 2)), ids, ["AF", "PVC"]) for _ in range(3)
    )
    expected = label_cleaning_report(truth, weak, clean)
    found = label_cleaning_report(truth, weak.iloc[::-1], clean.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(found, expected)
    with pytest.raises(ValueError, match=r"y_weak does not name .*'r3'.*'x' is no record"):
        label_cleaning_report(truth, weak.rename({"r3": "x"}), clean)

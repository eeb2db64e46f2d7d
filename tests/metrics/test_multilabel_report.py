"""multilabel_report against scikit-learn, and what it says of labels that it cannot score."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    precision_recall_fscore_support,
    recall_score,
    roc_auc_score,
)

from sklearn_ecg.metrics import multilabel_report

NAMES = ["AF", "PVC", "LBBB"]


@pytest.fixture
def labels(rng):
    y_true = rng.integers(0, 2, (90, 3))
    return y_true, np.clip(0.3 * y_true + 0.7 * rng.uniform(size=(90, 3)).round(1), 0, 1)


def test_agrees_with_scikit_learn(labels):
    y_true, y_score = labels
    report = multilabel_report(y_true, y_score, threshold=[0.4, 0.5, 0.6], label_names=NAMES)
    assert list(report.index) == [*NAMES, "macro avg", "weighted avg", "micro avg"]
    y_pred = (y_score >= [0.4, 0.5, 0.6]).astype(int)
    curves = {"roc_auc": roc_auc_score, "average_precision": average_precision_score}
    for row, average in ((NAMES, None), ("macro avg", "macro"), ("weighted avg", "weighted"),
                         ("micro avg", "micro")):  # fmt: skip
        expected = precision_recall_fscore_support(y_true, y_pred, average=average)[:3]
        found = report.loc[row, ["precision", "recall", "f1"]].to_numpy().T
        np.testing.assert_allclose(found.astype(float), np.array(expected))
        for column, function in curves.items():
            expected = function(y_true, y_score, average=average)
            np.testing.assert_allclose(report.loc[row, column], expected)
    accuracies = [accuracy_score(y_true[:, k], y_pred[:, k]) for k in range(3)]
    np.testing.assert_allclose(report.loc[NAMES, "accuracy"], accuracies)
    specificities = recall_score(1 - y_true, 1 - y_pred, average=None)
    np.testing.assert_allclose(report.loc[NAMES, "specificity"], specificities)
    assert report["support"].tolist()[:3] == y_true.sum(axis=0).tolist()
    assert report.loc["macro avg", "support"] == y_true.sum()
    assert report.loc["micro avg", "known"] == y_true.size


def test_unknown_labels_count_nowhere(labels):
    y_true, y_score = labels
    hidden = y_true.copy()
    hidden[:40, 1] = -1
    report = multilabel_report(hidden, y_score)
    alone = multilabel_report(y_true[40:, 1], y_score[40:, 1])
    np.testing.assert_allclose(report.loc["1"].astype(float), alone.loc["0"].astype(float))
    assert report["known"].tolist()[:3] == [90, 50, 90]
    assert report.loc["micro avg", "known"] == 230


def test_labels_without_positives_are_named_and_in_no_average(labels):
    y_true, y_score = labels
    y_true[:, 1] = 0
    with pytest.warns(UndefinedMetricWarning, match="all records where they are known: PVC"):
        report = multilabel_report(y_true, y_score, label_names=NAMES)
    undefined = ["precision", "recall", "f1", "roc_auc", "average_precision"]
    assert report.loc["PVC", undefined].isna().all()
    assert report.loc["PVC", ["support", "known"]].tolist() == [0, 90]
    assert report.loc["PVC", "specificity"] == 1 - (y_score[:, 1] >= 0.5).mean()
    for column in undefined:
        expected = report.loc[["AF", "LBBB"], column].mean()
        assert report.loc["macro avg", column] == pytest.approx(expected)
    assert report.loc["macro avg", "accuracy"] == pytest.approx(report["accuracy"][:3].mean())


def test_labels_that_all_have_leave_the_area_undefined(labels):
    y_true, y_score = labels
    y_true[:, 0] = 1
    with pytest.warns(UndefinedMetricWarning, match="AF"):
        report = multilabel_report(y_true, y_score, label_names=NAMES)
    assert report.loc["AF", ["roc_auc", "specificity"]].isna().all()
    assert report.loc["AF", "average_precision"] == 1


def test_predictions_alone(labels):
    y_true, y_score = labels
    y_pred = pd.DataFrame(y_score >= 0.5, columns=NAMES).astype(int)
    report = multilabel_report(y_true, y_pred=y_pred)
    assert list(report.index[:3]) == NAMES and "roc_auc" not in report
    both = multilabel_report(y_true, y_score, label_names=NAMES)
    pd.testing.assert_frame_equal(report, both[report.columns])


def test_never_predicted_is_0_as_in_scikit_learn(labels):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = multilabel_report(*labels, threshold=2)
    assert (report[["precision", "recall", "f1"]] == 0).all(axis=None)


def test_bad_input(labels):
    y_true, y_score = labels
    with pytest.raises(ValueError, match="y_score and y_pred are both None"):
        multilabel_report(y_true)
    with pytest.raises(ValueError, match=r"y_score must have the shape \(90, 3\) of y_true"):
        multilabel_report(y_true, y_score[1:])
    with pytest.raises(ValueError, match="y_score has 2 labels, but y_true has 3"):
        multilabel_report(y_true, y_score[:, 1:])
    with pytest.raises(ValueError, match="threshold must be a number, or one for each of the 3"):
        multilabel_report(y_true, y_score, threshold=[0.5, 0.5])
    with pytest.raises(ValueError, match=r"threshold must be a number.*got \[0.5, nan, 0.5\]"):
        multilabel_report(y_true, y_score, threshold=[0.5, np.nan, 0.5])
    y_score[4, 2] = np.nan
    with pytest.raises(ValueError, match="y_score holds nan for record 4, label 2"):
        multilabel_report(y_true, y_score)

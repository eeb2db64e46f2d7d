"""The usual scores of a multi-label classifier in one table."""

import warnings

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import average_precision_score, roc_auc_score

from sklearn_ecg.metrics._inputs import check_predictions, check_scores, common_names
from sklearn_ecg.utils import align_records, ids_of, number_array


def multilabel_report(
    y_true, y_score=None, *, y_pred=None, threshold=0.5, label_names=None
) -> pd.DataFrame:
    """Score a multi-label classifier, label by label and on average.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_records, n_labels)
        1 present, 0 absent, -1 unknown. Unknown labels count nowhere.
    y_score : array-like or DataFrame of shape (n_records, n_labels), default=None
        Probabilities, or any scores that are larger where a label is more likely. Without them
        there are no areas under curves.
    y_pred : array-like or DataFrame of shape (n_records, n_labels), default=None
        Predictions, 1 or 0. By default those whose score reaches the threshold.
    threshold : float or array-like of shape (n_labels,), default=0.5
        From which score on labels are present. A classifier with thresholds of its own needs
        them here, or its predictions as `y_pred`: at 0.5 rare labels are hardly ever present.
    label_names : sequence of str, default=None
        By default the columns of a DataFrame, else numbers.

    Returns
    -------
    DataFrame
        A row per label and three of averages. Columns: ``support``, the records known to have
        the label; ``known``, those of which it is known whether they have it; ``accuracy``,
        ``precision``, ``recall``, ``specificity``, ``f1``, and, from scores, ``roc_auc`` and
        ``average_precision``.

        A label that no record has, or that all have, has NaN for what it leaves undefined, and no
        part in the rows "macro avg", the plain mean over labels, and "weighted avg", that
        weighted by support; a warning names these labels. "micro avg" pools all known entries.

    Warns
    -----
    UndefinedMetricWarning
        If labels have no positives or no negatives.

    See Also
    --------
    bootstrap_interval : How sure such a score is.
    label_cleaning_report : Labels before and after cleaning.

    Notes
    -----
    Precision and F1 of a label that is present but never predicted are 0, as scikit-learn has
    them by default. Its macro averages, unlike ours, count a label without positives as 0.

    Examples
    --------
    >>> from sklearn_ecg.metrics import multilabel_report
    >>> y_true = [[1, 0], [1, 1], [0, 0], [0, -1]]
    >>> y_score = [[0.9, 0.2], [0.4, 0.7], [0.6, 0.1], [0.1, 0.8]]
    >>> report = multilabel_report(y_true, y_score, label_names=["AF", "PVC"])
    >>> report.loc[["AF", "PVC", "macro avg"], ["support", "recall", "f1", "roc_auc"]]
               support  recall    f1  roc_auc
    label
    AF               2    0.50  0.50    0.750
    PVC              1    1.00  1.00    1.000
    macro avg        3    0.75  0.75    0.875

    With thresholds of each label, such as ``thresholds_`` of `LabelCorrelationECGClassifier`:

    >>> report = multilabel_report(y_true, y_score, threshold=[0.4, 0.5])
    >>> report.loc["0", "f1"].round(2)
    np.float64(0.8)
    """
    y_true, y_score, y_pred, names = _read(y_true, y_score, y_pred, threshold, label_names)
    rows = [
        _row(y_true[:, k], y_pred[:, k], None if y_score is None else y_score[:, k])
        for k in range(y_true.shape[1])
    ]
    report = pd.DataFrame(rows, index=pd.Index(names, name="label"))
    one_sided = (report["support"] == 0) | (report["support"] == report["known"])
    if one_sided.any():
        warnings.warn(
            f"These labels are absent, or present, in all records where they are known: "
            f"{', '.join(report.index[one_sided])}. Scores that need both are NaN, and the macro "
            "and weighted averages of those leave these labels out.",
            UndefinedMetricWarning,
            stacklevel=2,
        )
    pooled = _row(y_true.ravel(), y_pred.ravel(), None if y_score is None else y_score.ravel())
    averages = {
        "macro avg": _mean(report, np.ones(len(report))),
        "weighted avg": _mean(report, report["support"].to_numpy(dtype=float)),
        "micro avg": pd.Series(pooled),
    }
    report = pd.concat([report, pd.DataFrame(averages).T])
    counts = {"support": int, "known": int}
    return report.astype(counts).rename_axis("label")


def _read(y_true, y_score, y_pred, threshold, label_names):
    if y_score is None and y_pred is None:
        raise ValueError("Pass y_score, y_pred, or both: there is nothing to score.")
    names = None
    if y_pred is not None:
        y_pred = align_records(y_pred, ids_of(y_true, y_score), name="y_pred")
    if y_score is not None:
        labels, y_score, names = check_scores(y_true, y_score, label_names=label_names)
    if y_pred is None:
        threshold = number_array(threshold, "threshold")
        if threshold.shape not in ((), (labels.shape[1],)) or np.isnan(threshold).any():
            raise ValueError(
                f"threshold must be a number, or one for each of the {labels.shape[1]} labels; "
                f"got {threshold.tolist()}."
            )
        y_pred = (y_score >= threshold).astype(np.int8)
    else:
        labels, y_pred, pred_names = check_predictions(y_true, y_pred, label_names=label_names)
        names = common_names({"y_score": names, "y_pred": pred_names}, labels.shape[1], label_names)
    if names is None:
        names = np.arange(labels.shape[1]).astype(str)
    return labels, y_score, y_pred, names


def _row(truth, predicted, score):
    """Return the scores of one label, of shape (n_records,)."""
    known = truth != -1
    truth, predicted = truth[known] == 1, predicted[known] == 1
    n_hits, n_present = (truth & predicted).sum(), truth.sum()
    n_false = (predicted & ~truth).sum()
    n_absent = len(truth) - n_present
    row = {
        "support": n_present,
        "known": len(truth),
        "accuracy": _ratio((truth == predicted).sum(), len(truth)),
        "precision": np.nan,
        "recall": _ratio(n_hits, n_present),
        "specificity": _ratio(n_absent - n_false, n_absent),
        "f1": np.nan,
    }
    if n_present:
        row["precision"] = n_hits / max(n_hits + n_false, 1)
        row["f1"] = 2 * n_hits / (n_present + n_hits + n_false)
    if score is not None:
        score = score[known]
        row["roc_auc"] = roc_auc_score(truth, score) if n_present and n_absent else np.nan
        row["average_precision"] = average_precision_score(truth, score) if n_present else np.nan
    return row


def _ratio(numerator, denominator):
    return numerator / denominator if denominator else np.nan


def _mean(report, weights):
    """Average each column over the labels for which it is defined."""
    means = report[["support", "known"]].sum().to_dict()
    for column in report.columns.drop(["support", "known"]):
        defined = report[column].notna().to_numpy() & (weights > 0)
        values = report[column].to_numpy()[defined]
        means[column] = np.average(values, weights=weights[defined]) if defined.any() else np.nan
    return pd.Series(means)

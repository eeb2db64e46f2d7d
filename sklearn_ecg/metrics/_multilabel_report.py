"""A table of the usual scores of a multi-label classifier."""

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import average_precision_score, roc_auc_score

from sklearn_ecg.metrics._inputs import check_predictions, check_scores, common_names
from sklearn_ecg.utils import align_records, ids_of, number_array, warn_user


def multilabel_report(
    y_true, y_score=None, *, y_pred=None, threshold=0.5, label_names=None
) -> pd.DataFrame:
    """Score a multi-label classifier, per label and on average.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_records, n_labels)
        1 present, 0 absent, -1 unknown. Unknown labels are not counted.
    y_score : array-like or DataFrame of shape (n_records, n_labels), default=None
        Probabilities, or other scores that rise with the probability. Without them the table has
        no areas under curves.
    y_pred : array-like or DataFrame of shape (n_records, n_labels), default=None
        Predictions, 1 or 0. By default 1 if the score reaches the threshold.
    threshold : float or array-like of shape (n_labels,), default=0.5
        The smallest score that means present. If the classifier has thresholds of its own, pass
        them here, or pass its predictions as `y_pred`: rare labels seldom reach 0.5.
    label_names : sequence of str, default=None
        By default the columns of a DataFrame, else numbers.

    Returns
    -------
    DataFrame
        A row per label, and three rows of averages. Columns: ``support``, the records that have
        the label; ``known``, the records whose label is known; ``accuracy``, ``precision``,
        ``recall``, ``specificity``, ``f1``, and, if there are scores, ``roc_auc`` and
        ``average_precision``.

        A score is NaN for a label that no record has, or that all have, if the score needs both. A
        warning names these labels. "macro avg" is the mean over labels, and "weighted avg" the
        mean weighted by support; both leave NaN out. "micro avg" pools all known entries.

    Raises
    ------
    ValueError
        If there are neither scores nor predictions, or if shapes or names of labels differ.

    Warns
    -----
    UndefinedMetricWarning
        If a label has no positives or no negatives.

    See Also
    --------
    bootstrap_interval : Confidence interval of a score.
    label_cleaning_report : Labels before and after cleaning.

    Notes
    -----
    Precision and F1 of a label that is present but never predicted are 0, as in scikit-learn. A
    label without positives counts as 0 in scikit-learn's macro averages, and is left out here.

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

    With a threshold per label, such as ``thresholds_`` of `LabelCorrelationECGClassifier`:

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
        warn_user(
            f"These labels are absent, or present, in all records where they are known: "
            f"{', '.join(report.index[one_sided])}. Scores that need both are NaN, and the macro "
            "and weighted averages of those leave these labels out.",
            UndefinedMetricWarning,
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
        raise ValueError("y_score and y_pred are both None; pass one of them, or both.")
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

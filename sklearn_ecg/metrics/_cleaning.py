"""Compare cleaned labels with true labels."""

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_fscore_support

from sklearn_ecg.metrics._inputs import check_same_width, common_names
from sklearn_ecg.utils import check_labels, ids_of


def label_cleaning_report(y_true, y_weak, y_clean, *, label_names=None) -> pd.DataFrame:
    """Compare labels before and after cleaning with the true labels.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_records, n_labels)
        True labels, 0 or 1. The rows of the other tables are matched to its index.
    y_weak : array-like or DataFrame of shape (n_records, n_labels)
        Labels before cleaning; -1 (unknown) counts as absent.
    y_clean : array-like, DataFrame or CleanedRecords of shape (n_records, n_labels)
        Labels after cleaning. An undecided label (-1) counts as its weak label.
    label_names : sequence of str, default=None
        By default the names in `y_clean` or `y_true`.

    Returns
    -------
    DataFrame
        A row per label, and a row "weighted avg": scores averaged with the labels' true
        frequencies as weights, as in the AFP paper, and sums of the counts. Columns:

        * ``support``: records that truly have the label;
        * ``weak_precision``, ``weak_recall``, ``weak_f1``, and the same with ``clean_``;
        * ``errors``: wrong weak labels; ``found``: those that cleaning corrected; ``missed``: those
          that are still wrong;
        * ``made``: right labels that cleaning made wrong;
        * ``undecided``: labels left to a person.

    Raises
    ------
    ValueError
        If `y_true` holds unknown labels, or the shapes differ.

    References
    ----------
    .. [1] Han, Chen, Zhao, Lang, Mao (2023), section 5: precision, recall and F1 weighted by label.

    Examples
    --------
    >>> from sklearn_ecg.metrics import label_cleaning_report
    >>> report = label_cleaning_report(
    ...     [[1], [1], [0], [0]], [[1], [0], [1], [0]], [[1], [1], [-1], [0]], label_names=["AF"]
    ... )
    >>> report.loc["AF", ["errors", "found", "missed", "made", "undecided"]].tolist()
    [2.0, 1.0, 1.0, 0.0, 1.0]
    """
    if hasattr(y_clean, "label_names"):
        y_clean = pd.DataFrame(y_clean.labels, y_clean.ids, y_clean.label_names)
    ids = ids_of(y_true, y_weak, y_clean)
    y_true, true_names = check_labels(y_true, name="y_true")
    y_weak, weak_names = check_labels(y_weak, name="y_weak", n_records=len(y_true), ids=ids)
    y_clean, clean_names = check_labels(y_clean, name="y_clean", n_records=len(y_true), ids=ids)
    check_same_width(y_true, y_weak=y_weak, y_clean=y_clean)
    if (y_true == -1).any():
        raise ValueError(
            "y_true holds unknown labels (-1), which cannot be scored. Leave those records out."
        )
    sources = {"y_true": true_names, "y_weak": weak_names, "y_clean": clean_names}
    names = common_names(sources, y_true.shape[1], label_names)
    if names is None:
        names = np.arange(y_true.shape[1]).astype(str)
    weak = (y_weak == 1).astype(np.int8)
    clean = np.where(y_clean == -1, weak, y_clean)
    report = pd.concat([_scores(y_true, weak, "weak_"), _scores(y_true, clean, "clean_")], axis=1)
    report.insert(0, "support", np.append(y_true.sum(axis=0), y_true.sum()))
    wrong_before, wrong_after = weak != y_true, clean != y_true
    counts = {
        "errors": wrong_before,
        "found": wrong_before & ~wrong_after,
        "missed": wrong_before & wrong_after,
        "made": ~wrong_before & wrong_after,
        "undecided": y_clean == -1,
    }
    for column, mask in counts.items():
        report[column] = np.append(mask.sum(axis=0), mask.sum())
    report.index = pd.Index([*names, "weighted avg"], name="label")
    return report


def _scores(y_true, y_pred, prefix):
    scores = np.array(
        [
            precision_recall_fscore_support(truth, pred, average="binary", zero_division=0)[:3]
            for truth, pred in zip(y_true.T, y_pred.T, strict=True)
        ]
    )
    weights = y_true.sum(axis=0)
    average = np.average(scores, axis=0, weights=weights) if weights.any() else np.zeros(3)
    columns = [f"{prefix}{name}" for name in ("precision", "recall", "f1")]
    return pd.DataFrame(np.vstack([scores, average]), columns=columns)

"""Scores of cleaned labels against true ones."""

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_fscore_support

from sklearn_ecg.utils import check_labels


def label_cleaning_report(y_true, y_weak, y_clean, *, label_names=None):
    """Compare labels before and after cleaning with the true ones.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_records, n_labels)
        True labels, 0 or 1.
    y_weak : array-like or DataFrame of shape (n_records, n_labels)
        Labels before cleaning; -1 (unknown) counts as absent.
    y_clean : array-like, DataFrame or CleanedRecords of shape (n_records, n_labels)
        Labels after cleaning. An undecided one (-1) counts as its weak label: nobody has changed
        it.
    label_names : sequence of str, default=None
        By default those of `y_clean` or `y_true` where they are known.

    Returns
    -------
    DataFrame
        A row per label and one named "weighted avg" (scores averaged with the labels' true
        frequencies, as in the AFP paper; counts summed up). Columns: ``support``;
        ``weak_precision``, ``weak_recall``, ``weak_f1`` and the same with ``clean_``;
        ``errors`` in the weak labels, of which ``found`` were mended and ``missed`` were not;
        ``made``, right labels that cleaning broke; ``undecided``.

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
        y_clean = pd.DataFrame(y_clean.labels, columns=y_clean.label_names)
    y_true, true_names = check_labels(y_true, name="y_true")
    y_weak, weak_names = check_labels(y_weak, name="y_weak", n_records=len(y_true))
    y_clean, clean_names = check_labels(y_clean, name="y_clean", n_records=len(y_true))
    for name, labels in (("y_weak", y_weak), ("y_clean", y_clean)):
        if labels.shape != y_true.shape:
            raise ValueError(
                f"{name} has {labels.shape[1]} labels, but y_true has {y_true.shape[1]}."
            )
    if (y_true == -1).any():
        raise ValueError(
            "y_true holds unknown labels (-1): scores need the truth. Leave those records out."
        )
    names = _common_names(label_names, true_names, weak_names, clean_names, y_true.shape[1])
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


def _common_names(label_names, true_names, weak_names, clean_names, n_labels):
    """Return the labels' names, or say which argument has them in another order."""
    if label_names is not None:
        return check_labels(np.empty((0, n_labels)), label_names=label_names)[1]
    sources = {"y_true": true_names, "y_weak": weak_names, "y_clean": clean_names}
    numbered = np.arange(n_labels).astype(str)
    known = {
        source: names
        for source, names in sources.items()
        if names is not None and not np.array_equal(names, numbered)
    }
    first = next(iter(known), None)
    for source, names in known.items():
        if not np.array_equal(names, known[first]):
            raise ValueError(
                f"{source} has the labels {names.tolist()}, but {first} has "
                f"{known[first].tolist()}; bring them to one order, or pass label_names if they "
                "mean the same."
            )
    return numbered if first is None else known[first]


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

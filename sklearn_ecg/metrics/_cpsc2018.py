"""The scores of the China Physiological Signal Challenge 2018."""

import numpy as np
import pandas as pd

from sklearn_ecg.metrics._inputs import check_predictions
from sklearn_ecg.utils import align_records, ids_of

_CLASSES = ("Normal", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE")
_GROUPS = {
    "AF": ("AF",),
    "block": ("I-AVB", "LBBB", "RBBB"),
    "premature": ("PAC", "PVC"),
    "ST": ("STD", "STE"),
}


def cpsc2018_score(y_true, y_pred, *, label_names=None, first_label=None) -> pd.Series:
    """F1 of the nine classes of CPSC2018 and of its four groups, as the challenge counts.

    An algorithm predicts one class per record. If the class is one of the record's true labels, the
    record's true class is that label, else its first label. The true and predicted classes make a
    9 x 9 table of counts N. Each class has ``F1 = 2 N_kk / (N_k. + N_.k)``; a group has the same
    formula with the sums over its classes.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_records, 9)
        1 present, 0 absent, -1 unknown. A record is left out if its predicted label is unknown, or
        if it has no label that is present.
    y_pred : array-like or DataFrame of shape (n_records, 9)
        Exactly one 1 per record.
    label_names : sequence of str of length 9, default=None
        By default the columns of `y_true` or `y_pred`, else the challenge's own order: Normal,
        AF, I-AVB, LBBB, RBBB, PAC, PVC, STD, STE.
    first_label : array-like of str of shape (n_records,), default=None
        Each record's first label in ``REFERENCE.csv``, the true class of a record whose prediction
        is wrong. By default its first label in the challenge's order.

    Returns
    -------
    Series
        F1 of each class by its name; "mean", the challenge's score; "AF group" (the same as AF),
        "block group" (I-AVB, LBBB, RBBB), "premature group" (PAC, PVC) and "ST group" (STD, STE).
        A class that neither occurs nor is predicted is NaN, and then "mean" is NaN too.

    Raises
    ------
    ValueError
        If the labels are not the nine, or `y_pred` has no class or several for a record.

    See Also
    --------
    multilabel_report : Scores of predictions of several labels per record.

    References
    ----------
    .. [1] Liu F et al. An open access database for evaluating the algorithms of
       electrocardiogram rhythm and morphology abnormality detection. J Med Imaging Health Inform
       8:1368-1373 (2018).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.metrics import cpsc2018_score
    >>> y_true = np.eye(9, dtype=int)
    >>> y_pred = y_true[[0, 1, 2, 3, 4, 6, 6, 7, 8]]  # PAC is taken for PVC
    >>> cpsc2018_score(y_true, y_pred)[["PAC", "PVC", "mean", "premature group"]].round(3)
    PAC                0.000
    PVC                0.667
    mean               0.852
    premature group    0.500
    dtype: float64
    """
    first_label = align_records(first_label, ids_of(y_true, y_pred), name="first_label")
    y_true, y_pred, names = check_predictions(y_true, y_pred, label_names=label_names)
    y_true, y_pred = (_in_order(labels, names) for labels in (y_true, y_pred))
    n_predicted = y_pred.sum(axis=1)
    if (n_predicted != 1).any():
        record = int((n_predicted != 1).argmax())
        raise ValueError(
            f"y_pred has {n_predicted[record]} classes for record {record}; the challenge asks "
            "for exactly one. From probabilities p, take the largest: "
            "np.eye(9, dtype=int)[p.argmax(axis=1)]."
        )
    predicted = y_pred.argmax(axis=1)
    rows = np.arange(len(y_true))
    truth = np.where(y_true[rows, predicted] == 1, predicted, _first(y_true, first_label))
    judged = (y_true[rows, predicted] != -1) & (y_true == 1).any(axis=1)
    counts = np.zeros((9, 9))
    np.add.at(counts, (truth[judged], predicted[judged]), 1)
    scores = {name: _f1(counts, [k]) for k, name in enumerate(_CLASSES)}
    scores["mean"] = np.mean(list(scores.values()))
    for group, members in _GROUPS.items():
        scores[f"{group} group"] = _f1(counts, [_CLASSES.index(name) for name in members])
    return pd.Series(scores)


def _in_order(labels, names):
    """Return the columns in the challenge's order."""
    if names is None and labels.shape[1] == 9:
        return labels
    if names is None or sorted(names) != sorted(_CLASSES):
        found = labels.shape[1] if names is None else ", ".join(names)
        raise ValueError(
            f"CPSC2018 is scored on the nine labels {', '.join(_CLASSES)}; got {found}."
        )
    return labels[:, [list(names).index(name) for name in _CLASSES]]


def _first(y_true, first_label):
    if first_label is None:
        return (y_true == 1).argmax(axis=1)
    first_label = np.asarray(first_label, dtype=str)
    if first_label.shape != (len(y_true),):
        raise ValueError(
            f"first_label must name one label for each of the {len(y_true)} records; got an array "
            f"of shape {first_label.shape}."
        )
    positions = pd.Index(_CLASSES).get_indexer(first_label)
    wrong = (positions == -1) | (y_true[np.arange(len(y_true)), positions] != 1)
    if wrong.any():
        record = int(wrong.argmax())
        raise ValueError(
            f"first_label is {str(first_label[record])!r} for record {record}, but y_true says "
            "that the record does not have it."
        )
    return positions


def _f1(counts, classes):
    n_found = counts[classes, classes].sum()
    n_either = counts[classes].sum() + counts[:, classes].sum()
    return 2 * n_found / n_either if n_either else np.nan

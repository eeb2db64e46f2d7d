"""Check true labels and predictions against each other."""

import numpy as np
import pandas as pd

from sklearn_ecg.utils import align_records, check_labels, ids_of, number_array


def check_predictions(y_true, y_pred, *, label_names=None):
    """Check true and predicted labels; rows of predictions are matched by index.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_records, n_labels)
        1 present, 0 absent, -1 unknown.
    y_pred : array-like or DataFrame of shape (n_records, n_labels)
        1 or 0.
    label_names : sequence of str, default=None

    Returns
    -------
    y_true, y_pred : ndarray of shape (n_records, n_labels), int8
    names : ndarray of shape (n_labels,) of str, or None
        None if unknown.
    """
    ids = ids_of(y_true)
    y_true, true_names = check_labels(y_true, name="y_true")
    y_pred, pred_names = check_labels(y_pred, name="y_pred", n_records=len(y_true), ids=ids)
    check_same_width(y_true, y_pred=y_pred)
    if (y_pred == -1).any():
        raise ValueError(
            "y_pred holds unknown labels (-1); predictions must be present (1) or absent (0)."
        )
    sources = {"y_true": true_names, "y_pred": pred_names}
    return y_true, y_pred, common_names(sources, y_true.shape[1], label_names)


def check_scores(y_true, y_score, *, label_names=None):
    """Check true labels and scores, such as probabilities; rows of scores are matched by index.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_records, n_labels)
        1 present, 0 absent, -1 unknown.
    y_score : array-like or DataFrame of shape (n_records, n_labels)
    label_names : sequence of str, default=None

    Returns
    -------
    y_true : ndarray of shape (n_records, n_labels), int8
    y_score : ndarray of shape (n_records, n_labels), float64
    names : ndarray of shape (n_labels,) of str, or None
    """
    y_score = align_records(y_score, ids_of(y_true), name="y_score")
    y_true, true_names = check_labels(y_true, name="y_true")
    score_names = None
    if isinstance(y_score, pd.DataFrame):
        score_names = y_score.columns.to_numpy().astype(str)
    y_score = number_array(y_score, "y_score")
    if y_score.ndim == 1:
        y_score = y_score[:, np.newaxis]
    if y_score.ndim != 2 or len(y_score) != len(y_true):
        raise ValueError(
            f"y_score must have the shape {y_true.shape} of y_true; got {y_score.shape}."
        )
    check_same_width(y_true, y_score=y_score)
    if not np.isfinite(y_score).all():
        record, label = np.argwhere(~np.isfinite(y_score))[0]
        raise ValueError(
            f"y_score holds {y_score[record, label]} for record {record}, label {label}; scores "
            "must be finite."
        )
    sources = {"y_true": true_names, "y_score": score_names}
    return y_true, y_score, common_names(sources, y_true.shape[1], label_names)


def check_same_width(y_true, **others):
    """Check that all arguments have as many labels as y_true."""
    for name, labels in others.items():
        if labels.shape[1] != y_true.shape[1]:
            raise ValueError(
                f"{name} has {labels.shape[1]} labels, but y_true has {y_true.shape[1]}."
            )


def common_names(sources, n_labels, label_names=None):
    """Return the names of the labels; refuse arguments with another order.

    Parameters
    ----------
    sources : dict of str to ndarray of str, or None
        For each argument, its name and its names of the labels.
    n_labels : int
    label_names : sequence of str, default=None
        They win over all sources, but the same names in another order are an error.

    Returns
    -------
    ndarray of str, or None
    """
    given = label_names
    if given is not None:
        given = check_labels(np.empty((0, n_labels)), label_names=given)[1]
        sources = {"label_names": given, **sources}
    numbered = np.arange(n_labels).astype(str)
    known = {
        source: names
        for source, names in sources.items()
        if names is not None and not np.array_equal(names, numbered)
    }
    first = next(iter(known), None)
    for source, names in known.items():
        other_order = sorted(names) == sorted(known[first])
        if not np.array_equal(names, known[first]) and (given is None or other_order):
            raise ValueError(
                f"{source} has the labels {names.tolist()}, but {first} has "
                f"{known[first].tolist()}; bring them into one order, or pass label_names if both "
                "mean the same labels."
            )
    return given if first is None or given is not None else known[first]

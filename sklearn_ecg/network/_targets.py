"""What a classifier is trained on: a multi-label indicator, or classes in one column."""

import warnings

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from sklearn_ecg.records import CleanedRecords, ECGRecords
from sklearn_ecg.utils import align_labels, align_records, check_labels, ids_of, label_array


def resolve_targets(X, y, estimator_name, classes=None):
    """Decide which labels count, and bring them to one form.

    Labels that a step has cleaned win over y; labels that nobody cleaned never do: those of plain
    records are used only where y is None.

    Parameters
    ----------
    X : CleanedRecords, ECGRecords, or anything else
        As the user gave it.
    y : array-like of shape (n_records, n_labels) or (n_records,), or None
    estimator_name : str
        For messages.
    classes : array-like, default=None
        All classes of a one-dimensional y, where they are known; by default those that it has.

    Returns
    -------
    labels : ndarray of shape (n_records, n_labels), int8
        1 present, 0 absent, -1 unknown.
    classes : ndarray of shape (n_labels,)
        Names of the labels, their numbers where they have none, or the classes found in a
        one-dimensional y.
    multilabel : bool
        False for a one-dimensional y.
    """
    if isinstance(X, CleanedRecords) or (y is None and isinstance(X, ECGRecords)):
        y = None if X.labels is None else pd.DataFrame(X.labels, columns=X.label_names)
    if y is None:
        raise ValueError(
            f"{estimator_name} requires y to be passed, but the target y is None: give y, or "
            "records that have labels."
        )
    y = align_records(y, ids_of(X), name="y")
    if not (isinstance(y, pd.DataFrame) or sparse.issparse(y) or np.ma.isMaskedArray(y)):
        y = label_array(y, "y")
    if y.ndim == 1:
        labels, classes = _one_hot(y, estimator_name, classes)
        return labels, classes, False
    label_names = X.label_names if isinstance(X, ECGRecords) else None
    if label_names is not None and y.shape[1:] != label_names.shape:
        label_names = None
    if isinstance(y, pd.DataFrame):
        label_names = None  # its columns name the labels
    labels, names = check_labels(y, label_names=label_names)
    if labels.size and not (labels != -1).any():
        raise ValueError(f"All labels in y are unknown (-1); {estimator_name} cannot learn.")
    return labels, np.arange(labels.shape[1]) if names is None else names, True


def true_labels(X, y, names):
    """Return true labels in the order of a classifier's labels.

    Parameters
    ----------
    X : ECGRecords, or anything else
        As the user gave it.
    y : array-like of shape (n_records, n_labels), or None
        With None those of the records.
    names : ndarray of shape (n_labels,)
        The classifier's labels; numbers where they have no names.

    Returns
    -------
    ndarray of shape (n_records, n_labels), int8
        1 present, 0 absent, -1 unknown.
    """
    given, is_named = None, isinstance(y, pd.DataFrame)
    if not is_named and isinstance(X, ECGRecords):
        given = X.label_names
        if y is None:
            y, is_named = X.labels, given is not None
        elif given is not None and np.shape(y)[1:] != given.shape:
            given = None
    if y is None:
        raise ValueError("There is nothing to compare with: give y, or records that have labels.")
    labels, given = check_labels(y, n_records=len(X), ids=ids_of(X), label_names=given)
    if not is_named and given is not None and set(given) != set(names):
        given = None  # the records' own names, which are not those of y
    return align_labels(labels, given, names, name="y", owner="the classifier was fitted on")


def _one_hot(y, estimator_name, classes):
    if np.ma.is_masked(y):
        raise ValueError(
            f"y is masked for {np.ma.count_masked(y)} records, but one-dimensional y needs the "
            "class of each record: leave them out, or give labels as columns, which may be unknown."
        )
    y = column_or_1d(y)
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise ValueError("Input y contains NaN or infinity.")
    if y.dtype == object and pd.isna(y).any():
        raise ValueError("Input y contains NaN.")
    check_classification_targets(y)
    if type_of_target(y) == "unknown":
        raise ValueError(f"Unknown label type: y holds {y.dtype} values such as {y[0]!r}.")
    if classes is None:
        classes = y
    elif not np.isin(y, classes).all():
        raise ValueError(
            f"y has the classes {np.setdiff1d(y, classes)}, which are not among {classes}."
        )
    classes = np.unique(classes)
    codes = np.searchsorted(classes, y)
    if len(classes) < 2:
        raise ValueError(
            f"{estimator_name} needs at least two classes; y has 1 class: {classes[0]!r}."
        )
    return np.eye(len(classes), dtype=np.int8)[codes], classes


def absent_where_nobody_has_it(labels, names, training):
    """Return labels in which one that no record of training has is absent there, with a warning.

    For labels that begin to be learned, whose output would else be left to chance.

    Parameters
    ----------
    labels : ndarray of shape (n_records, n_labels)
        1 present, 0 absent, -1 unknown.
    names : ndarray of shape (n_labels,)
    training : ndarray of int
        The records that are learned from.
    """
    absent = ~(labels[training] == 1).any(axis=0)
    if absent.any():
        warnings.warn(
            f"No training record has the label {', '.join(map(str, names[absent]))}: it will be "
            "learned as absent. Leave it out of y if that is not wanted.",
            UserWarning,
            stacklevel=4,
        )
    labels = labels.copy()
    labels[np.ix_(training, absent)] = 0
    return labels

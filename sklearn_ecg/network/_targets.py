"""What a classifier is trained on: a multi-label indicator, or classes in one column."""

import warnings

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from sklearn_ecg.records import CleanedRecords, ECGRecords
from sklearn_ecg.utils import check_labels


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
    if not isinstance(y, pd.DataFrame) and not sparse.issparse(y):
        y = _as_array(y)
    if y.ndim == 1:
        labels, classes = _one_hot(y, estimator_name, classes)
        return labels, classes, False
    label_names = X.label_names if isinstance(X, ECGRecords) else None
    if label_names is not None and y.shape[1:] != label_names.shape:
        label_names = None
    if isinstance(y, pd.DataFrame):
        label_names = None  # its columns name the labels
    labels, names = check_labels(y, label_names=label_names)
    labels = _learnable(labels, names, estimator_name)
    return labels, np.arange(labels.shape[1]) if names is None else names, True


def _as_array(y):
    try:
        return np.asarray(y)
    except ValueError as error:
        raise ValueError(
            "y has rows of different lengths. If each holds the names of a record's labels, turn "
            "them into 0 and 1 by sklearn.preprocessing.MultiLabelBinarizer."
        ) from error


def _one_hot(y, estimator_name, classes):
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


def _learnable(labels, names, estimator_name):
    if labels.size and not (labels != -1).any():
        raise ValueError(f"All labels in y are unknown (-1); {estimator_name} cannot learn.")
    absent = ~(labels == 1).any(axis=0)
    if absent.any():
        which = ", ".join(str(k if names is None else names[k]) for k in np.flatnonzero(absent))
        warnings.warn(
            f"No training record has the label {which}: it will be learned as absent. Leave it "
            "out of y if that is not wanted.",
            UserWarning,
            stacklevel=4,
        )
    # What is not known of such a label must not leave its output to chance.
    return np.where(absent, labels.dtype.type(0), labels)

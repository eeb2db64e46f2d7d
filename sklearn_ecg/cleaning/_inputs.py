"""What users pass to a label cleaner, brought to one form."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone

from sklearn_ecg.features import ECGFeatureExtractor
from sklearn_ecg.records import CleanedRecords, ECGRecords
from sklearn_ecg.utils import (
    check_groups,
    check_labels,
    check_trusted,
    has_label_names,
    ids_of,
    warn_user,
)


@dataclass(eq=False)
class CleaningInput:
    """Checked input.

    Attributes
    ----------
    labels : ndarray of int8 of shape (n_records, n_labels)
    label_names : ndarray of str of shape (n_labels,)
    trusted : ndarray of bool of shape (n_records,) or (n_records, n_labels)
    groups : ndarray of shape (n_records,), or None
    """

    labels: np.ndarray
    label_names: np.ndarray
    trusted: np.ndarray
    groups: np.ndarray | None


def check_input(X, y, trusted, groups, *, n_records):
    """Check labels, mask and patients; what is not passed is taken from the records.

    Parameters
    ----------
    X : ECGRecords, array or DataFrame
        Tables of what follows find its records by their index; see `align_records`.
    y : array-like or DataFrame of shape (n_records, n_labels), or None
    trusted : True, array-like of bool of shape (n_records,) or (n_records, n_labels), or None
        None, where the records do not say either, warns and stands for True.
    groups : array-like, or None
    n_records : int

    Returns
    -------
    CleaningInput
    """
    names = None
    if isinstance(X, ECGRecords):
        if trusted is None and X.trusted is not None:
            of_labels = X.trusted.ndim == 2
            trusted = pd.DataFrame(X.trusted, X.ids, X.label_names) if of_labels else X.trusted
        groups = X.groups if groups is None else groups
        names = X.label_names
        if y is None and X.labels is None:
            raise ValueError(
                "y is None and the records carry no labels, so there is nothing to clean; pass y, "
                "or records.with_labels(labels)."
            )
        y = X.labels if y is None else y
    elif y is None:
        raise ValueError(
            "requires y to be passed, but the target y is None: arrays carry no labels. Pass the "
            "weak labels, or ECGRecords that carry theirs."
        )
    if trusted is None:
        _warn_of_no_trust(X, n_records)
    ids = ids_of(X, y, trusted, groups)
    labels, columns = check_labels(y, n_records=n_records, ids=ids)
    if not labels.shape[1]:
        raise ValueError("y has no labels (columns), so there is nothing to clean.")
    if columns is None:
        fits = names is not None and len(names) == labels.shape[1]
        columns = names if fits else np.arange(labels.shape[1]).astype(str)
    trusted = check_trusted(
        trusted, n_records=n_records, ids=ids, n_labels=labels.shape[1], label_names=columns
    )
    return CleaningInput(
        labels,
        np.asarray(columns),
        trusted,
        check_groups(groups, n_records=n_records, ids=ids),
    )


def _warn_of_no_trust(X, n_records):
    lost = (
        ""
        if isinstance(X, ECGRecords)
        else " If ECGRecords knew it, a step before the cleaner has made an array of them: let the "
        "cleaner be the first step, with that step as its `features`."
    )
    warn_user(
        f"Nobody says whose labels are right: those of all {n_records} records are taken as right, "
        "and none is cleaned. Pass trusted=mask, in a Pipeline as <step>__trusted=mask; or "
        f"trusted=True if all are right.{lost}"
    )


def with_labels_in_order(X, label_names):
    """Return records with their labels in the order that a cleaner has learned.

    Parameters
    ----------
    X : ECGRecords, or anything else
    label_names : ndarray of str of shape (n_labels,)

    Returns
    -------
    ECGRecords, or None for what carries no labels, or others
    """
    if not isinstance(X, ECGRecords) or X.labels is None:
        return None
    own, known = X.label_names.tolist(), label_names.tolist()
    if own == known or (len(own) == len(known) and not has_label_names(own)):
        return X
    if set(own) != set(known) or isinstance(X, CleanedRecords):
        return None
    return X.with_labels(X.labels[:, [own.index(name) for name in known]], known)


def is_table(X):
    """Whether X holds a feature table, for which no extractor runs."""
    if isinstance(X, CleanedRecords):
        return X.is_table
    if isinstance(X, ECGRecords) or is_signal_list(X):
        return False
    return isinstance(X, pd.DataFrame) or np.asarray(X).ndim != 3


def is_signal_list(X):
    """Whether X is a list of signals of shape (n_leads, n_times), of equal length or not."""
    return isinstance(X, (list, tuple)) and len(X) > 0 and np.ndim(X[0]) == 2


def fit_extractor(features, X, *, memory=None, n_jobs=None, verbose=0):
    """Fit a clone of the feature extractor, the default one where `features` is None."""
    if features is None:
        extractor = ECGFeatureExtractor(n_jobs=n_jobs, memory=memory, verbose=verbose)
    else:
        extractor = clone(features)
    return extractor.fit(X)

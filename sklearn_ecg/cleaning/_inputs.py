"""What users pass to a label cleaner, brought to one form."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone

from sklearn_ecg.features import ECGFeatureExtractor
from sklearn_ecg.records import CleanedRecords, ECGRecords
from sklearn_ecg.utils import check_groups, check_labels, check_trusted


@dataclass(eq=False)
class CleaningInput:
    """Checked input.

    Attributes
    ----------
    labels : ndarray of int8 of shape (n_records, n_labels)
    label_names : ndarray of str of shape (n_labels,)
    trusted : ndarray of bool of shape (n_records,)
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
    y : array-like of shape (n_records, n_labels), or None
    trusted : array-like of bool, or None
    groups : array-like, or None
    n_records : int

    Returns
    -------
    CleaningInput
    """
    names = None
    if isinstance(X, ECGRecords):
        trusted = X.trusted if trusted is None else trusted
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
    for name, values in (("y", y), ("trusted", trusted), ("groups", groups)):
        _check_order(X, values, name)
    labels, columns = check_labels(y, n_records=n_records)
    if not labels.shape[1]:
        raise ValueError("y has no labels (columns), so there is nothing to clean.")
    if columns is None:
        fits = names is not None and len(names) == labels.shape[1]
        columns = names if fits else np.arange(labels.shape[1]).astype(str)
    return CleaningInput(
        labels,
        np.asarray(columns),
        check_trusted(trusted, n_records=n_records),
        check_groups(groups, n_records=n_records),
    )


def _check_order(X, values, name):
    """Refuse an index that holds the records of `X` in another order; rows go by position."""
    theirs = getattr(values, "index", None)
    if not isinstance(X, pd.DataFrame) or not isinstance(theirs, pd.Index):
        return
    # Rows that are merely numbered have no names to go by.
    if any(isinstance(index, pd.RangeIndex) for index in (X.index, theirs)):
        return
    same_records = len(theirs) == len(X) and theirs.isin(X.index).all()
    if same_records and not theirs.equals(X.index):
        first = np.flatnonzero(theirs != X.index)[0]
        raise ValueError(
            f"{name} has the records of X in another order: row {first} is {theirs[first]!s}, but "
            f"{X.index[first]!s} in X. Rows go by position: pass {name}.loc[X.index], or "
            f"{name}.to_numpy() if only the index is wrong."
        )


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

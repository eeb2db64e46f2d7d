"""Common parts of all kinds of label noise: which records are hit, and the replacements."""

import numbers
from collections.abc import Mapping

import numpy as np
import pandas as pd

from sklearn_ecg.utils import align_labels, check_groups


class LabelNoise:
    """Labels under corruption; each positive is hit at most once.

    Parameters
    ----------
    labels : ndarray of int8 of shape (n_records, n_labels)
        The correct labels.
    label_names : ndarray of str of shape (n_labels,), or None
    confusion : array-like of shape (n_labels, n_labels), or None
    groups : array-like of shape (n_records,), or None
    random : numpy.random.RandomState

    Attributes
    ----------
    corrupted : ndarray of int8 of shape (n_records, n_labels)
    """

    def __init__(self, labels, label_names, *, confusion, groups, random):
        self.labels = labels
        self.corrupted = labels.copy()
        self._names = label_names
        self._groups = check_groups(groups, n_records=len(labels))
        self._random = random
        self._untouched = labels == 1
        self._is_given = confusion is not None
        self._confusion = _confusion(labels, label_names, confusion)

    def n_untouched(self, label):
        """Return how many positives of a label are unchanged."""
        return np.count_nonzero(self._untouched[:, label])

    def hit(self, label, n_hit, kind, *, asked):
        """Corrupt this many positives of a label.

        Parameters
        ----------
        label : int
        n_hit : int
        kind : {"swap", "missing", "extra", "confused"}
        asked : str
            The parameter that asked for it, for the error message.
        """
        weights = self._confusion[label] if kind == "confused" else _others(label, self.labels)
        untouched = self._untouched[:, label]
        if kind == "missing":
            hit = self._choose(np.flatnonzero(untouched), n_hit)
        else:
            if kind == "confused" and self._is_given and not weights.any():
                return
            # The record's true labels are no replacements, also after they were replaced.
            free = (self.labels == 0) & (self.corrupted == 0) & (weights > 0)
            eligible = np.flatnonzero(untouched & free.any(axis=1))
            if len(eligible) < n_hit:
                name = repr(str(self._names[label])) if self._names is not None else label
                raise ValueError(
                    f"{asked} needs {n_hit} records with label {name} that can get another label, "
                    f"but only {len(eligible)} are left. Lower it, or set a kind of noise without "
                    "replacements, such as missing."
                )
            hit = self._choose(eligible, n_hit)
            self.corrupted[hit, _draw(free[hit] * weights, self._random)] = 1
        if kind != "extra":
            self.corrupted[hit, label] = 0
        self._untouched[hit, label] = False

    def _choose(self, eligible, n_hit):
        """Draw records; with patients, all of one patient before the next."""
        if self._groups is None:
            return self._random.choice(eligible, n_hit, replace=False)
        patients, patient = np.unique(self._groups[eligible], return_inverse=True)
        turn = self._random.permutation(len(patients))[patient]
        return eligible[np.lexsort((self._random.permutation(len(eligible)), turn))[:n_hit]]


def check_rates(rate, name, n_labels, label_names):
    """Return a rate per label.

    Parameters
    ----------
    rate : float, sequence of float of length n_labels, dict, or Series by name
    name : str
        The parameter, for error messages.
    n_labels : int
    label_names : ndarray of str of shape (n_labels,), or None

    Returns
    -------
    list of float of length n_labels
    """
    if isinstance(rate, pd.Series) and not isinstance(rate.index, pd.RangeIndex):
        rate = rate.to_dict()
    if isinstance(rate, Mapping):
        keys = list(range(n_labels)) if label_names is None else [str(n) for n in label_names]
        unknown = [key for key in rate if key not in keys]
        if unknown:
            raise ValueError(
                f"{name} has rates for {list(map(str, unknown))}, but the labels are {keys}."
            )
        rates = [rate.get(key, 0.0) for key in keys]
    elif isinstance(rate, str) or not np.ndim(rate):
        rates = [rate] * n_labels
    else:
        rates = list(rate)
        if len(rates) != n_labels:
            raise ValueError(
                f"{name} must be a number, or one for each of the {n_labels} labels; got "
                f"{len(rates)} of them."
            )
    for value in rates:
        if not isinstance(value, numbers.Real) or not 0 <= value <= 1:
            raise ValueError(f"{name} must be a number between 0 and 1; got {value!r}.")
    return [float(value) for value in rates]


def like(y, corrupted):
    """Return the corrupted labels in the form of the correct ones."""
    if isinstance(y, pd.DataFrame):
        return pd.DataFrame(corrupted, index=y.index, columns=y.columns)
    return corrupted.reshape(np.shape(y))


def _confusion(labels, label_names, confusion):
    """Return a matrix whose row i holds the weights of replacements for label i."""
    n_labels = labels.shape[1]
    if confusion is None:
        present = (labels == 1).astype(float)
        weights = 1 + present.T @ present
    else:
        weights = np.array(confusion, dtype=float)
        if isinstance(confusion, pd.DataFrame) and weights.shape == (n_labels, n_labels):
            known = {"known": label_names, "owner": "y has"}
            weights = align_labels(weights, confusion.columns, name="confusion", **known)
            weights = align_labels(weights.T, confusion.index, name="confusion", **known).T
        valid = weights.shape == (n_labels, n_labels) and (weights >= 0).all()
        if not valid or not np.isfinite(weights).all():
            raise ValueError(
                f"confusion must be a matrix of {n_labels} by {n_labels} finite numbers that are "
                f"not negative, a row per true label; got an array of shape {weights.shape}."
            )
    np.fill_diagonal(weights, 0)
    return weights


def _others(label, labels):
    weights = np.ones(labels.shape[1])
    weights[label] = 0
    return weights


def _draw(weights, random):
    """Draw one column per row, in proportion to the row's weights."""
    cumulated = weights.cumsum(axis=1)
    points = random.uniform(size=len(weights)) * cumulated[:, -1]
    return (cumulated > points[:, np.newaxis]).argmax(axis=1)

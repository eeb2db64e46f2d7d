"""Dealing out whole patients, so that every part gets its share of each label."""

import numpy as np
from sklearn.preprocessing import LabelBinarizer

from sklearn_ecg.utils import align_records, check_labels, label_array


def deal_out(patients, labels, shares, random):
    """Deal patients out over folds by iterative stratification.

    This is Algorithm 1 of Sechidis, Tsoumakas, Vlahavas (2011), where a unit is a patient rather
    than a record.

    Parameters
    ----------
    patients : ndarray of int of shape (n_records,)
        At least as many different ones as there are folds.
    labels : ndarray of int of shape (n_records, n_labels)
        1 where present, else 0.
    shares : ndarray of float of shape (n_folds,)
        The part of the records that each fold shall get; they add up to 1.
    random : numpy.random.RandomState
        Breaks ties between folds.

    Returns
    -------
    dict
        From patient to fold; no fold is empty.
    """
    units, unit_of_record = np.unique(patients, return_inverse=True)
    # One more column counts records, so that what no label decides is dealt out by size.
    columns = np.column_stack([labels, np.ones(len(labels), dtype=int)])
    counts = np.zeros((len(units), columns.shape[1]), dtype=int)
    np.add.at(counts, unit_of_record, columns)
    remaining = counts.sum(axis=0)
    wanted = np.outer(shares, remaining)
    empty_folds = set(range(len(shares)))
    waiting = np.ones(len(units), dtype=bool)
    fold = np.empty(len(units), dtype=int)
    for n_waiting in range(len(units), 0, -1):
        # The rarest label first: later there would be no freedom left to spread it.
        label = np.where(remaining > 0, remaining, np.iinfo(int).max).argmin()
        carriers = np.flatnonzero(waiting & (counts[:, label] > 0))
        unit = carriers[counts[carriers, label].argmax()]
        # Every fold needs a patient: when as many wait as folds are empty, those come first.
        must_fill = n_waiting <= len(empty_folds)
        candidates = sorted(empty_folds) if must_fill else range(len(shares))
        fold[unit] = max(
            candidates, key=lambda k: (wanted[k, label], wanted[k, -1], random.uniform())
        )
        wanted[fold[unit]] -= counts[unit]
        remaining -= counts[unit]
        empty_folds.discard(fold[unit])
        waiting[unit] = False
    return dict(zip(units, fold, strict=True))


def number_patients(groups, n_records):
    """Return a number per record, the same for records of one patient."""
    if groups is None:
        return np.arange(n_records)
    return np.unique(groups, return_inverse=True)[1]


def positives(y, n_records, ids=None):
    """Return an indicator of shape (n_records, n_labels) to stratify by."""
    if y is None:
        return np.zeros((n_records, 0), dtype=int)
    y = align_records(y, ids, name="y")
    if label_array(y, "y").ndim == 1:
        labels = LabelBinarizer().fit_transform(y)
    else:
        labels, _ = check_labels(y, n_records=n_records)
    return (labels == 1).astype(int)

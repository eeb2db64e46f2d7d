"""Deal out whole patients, so that every part gets its share of each label."""

import numpy as np
from sklearn.preprocessing import LabelBinarizer

from sklearn_ecg.utils import align_records, check_labels, label_array


def deal_out(patients, labels, shares, random):
    """Deal patients out over folds by iterative stratification.

    This is Algorithm 1 of Sechidis, Tsoumakas, Vlahavas (2011) with patients in place of records.

    Parameters
    ----------
    patients : ndarray of int of shape (n_records,)
        The patient of each record; at least n_folds different patients.
    labels : ndarray of int of shape (n_records, n_labels)
        1 if present, else 0.
    shares : ndarray of float of shape (n_folds,)
        The share of the records for each fold; the sum is 1.
    random : numpy.random.RandomState
        Breaks ties between folds.

    Returns
    -------
    dict
        The fold of each patient; no fold is empty.
    """
    units, unit_of_record = np.unique(patients, return_inverse=True)
    # One more column counts records, so that patients without labels are dealt out by size.
    columns = np.column_stack([labels, np.ones(len(labels), dtype=int)])
    counts = np.zeros((len(units), columns.shape[1]), dtype=int)
    np.add.at(counts, unit_of_record, columns)
    remaining = counts.sum(axis=0)
    wanted = np.outer(shares, remaining)
    empty_folds = set(range(len(shares)))
    waiting = np.ones(len(units), dtype=bool)
    fold = np.empty(len(units), dtype=int)
    for n_waiting in range(len(units), 0, -1):
        # The rarest label comes first, while it can still be spread evenly.
        label = np.where(remaining > 0, remaining, np.iinfo(int).max).argmin()
        carriers = np.flatnonzero(waiting & (counts[:, label] > 0))
        unit = carriers[counts[carriers, label].argmax()]
        # Every fold needs a patient: fill empty folds while enough patients are waiting.
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
    """Return the number of each record's patient."""
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

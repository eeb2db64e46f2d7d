"""A held-out part for early stopping: drawn, whole patients together, or a user's own."""

import numpy as np

# Random subsets of patients from which the best is taken.
_N_CANDIDATES = 100
# With fewer records than this, a held-out part is too small to tell one epoch from another.
_MIN_RECORDS = 20


def validation_mask(labels, groups, fraction, random_state):
    """Choose the records that are held out.

    Of many random sets of whole patients, each with about the wanted share of records, the one
    whose shares of each label's positives are nearest to it.

    Parameters
    ----------
    labels : ndarray of shape (n_records, n_labels)
    groups : ndarray of shape (n_records,), or None
        Patients. With None, or a single patient, records are drawn one by one.
    fraction : float
    random_state : numpy.random.RandomState

    Returns
    -------
    ndarray of bool of shape (n_records,)
        All False with fewer than 20 records.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.network._split import validation_mask
    >>> labels = np.array([[1], [0]]).repeat(20, axis=0)
    >>> patients = np.arange(40) // 4
    >>> held_out = validation_mask(labels, patients, 0.2, np.random.RandomState(0))
    >>> held_out.sum(), np.unique(patients[held_out]).size
    (np.int64(8), 2)
    """
    n_records = len(labels)
    if n_records < _MIN_RECORDS:
        return np.zeros(n_records, dtype=bool)
    codes = np.arange(n_records)
    if groups is not None:
        names, in_group = np.unique(groups, return_inverse=True)
        if len(names) > 1:
            codes = in_group
    present = labels == 1
    counts = np.zeros((codes.max() + 1, 1 + labels.shape[1]))
    np.add.at(counts, codes, np.column_stack([np.ones(n_records), present]))
    totals = counts.sum(axis=0)
    best, best_distance = None, np.inf
    for _ in range(_N_CANDIDATES):
        chosen = _draw(counts[:, 0], fraction * n_records, random_state)
        shares = counts[chosen].sum(axis=0) / np.maximum(totals, 1)
        distance = np.abs(shares - fraction)[totals > 0].sum()
        # A label must not lose all its positives to the held-out part.
        distance += (shares == 1).sum() * len(totals)
        if distance < best_distance:
            best, best_distance = chosen, distance
    return np.isin(codes, best)


def check_validation(validation, n_records):
    """Check the mask of the records that a user holds out.

    Parameters
    ----------
    validation : array-like of bool of shape (n_records,)
    n_records : int

    Returns
    -------
    ndarray of bool of shape (n_records,)
    """
    mask = np.asarray(validation)
    if mask.dtype != bool or mask.shape != (n_records,):
        raise ValueError(
            f"validation must be a mask of True and False, one for each of the {n_records} "
            f"records; got {mask.dtype} values of shape {mask.shape}. Make one of indices with "
            "np.isin(np.arange(n_records), indices)."
        )
    if not mask.any():
        raise ValueError(
            f"validation is False for all {n_records} records: name some to hold out, or pass None."
        )
    return mask


def _draw(sizes, wanted, random_state):
    """Draw groups until they hold about `wanted` records; some always remain."""
    order = random_state.permutation(len(sizes))
    n_drawn = 1 + np.argmin(np.abs(np.cumsum(sizes[order]) - wanted)[: len(sizes) - 1])
    return order[:n_drawn]

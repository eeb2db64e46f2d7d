"""Label noise of known kind and amount."""

import numbers

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from sklearn_ecg.utils import check_labels

_KINDS = ("swap", "missing", "extra", "confused")


def corrupt_labels(y, rate, kind="swap", random_state=None, *, confusion=None):
    """Make correct labels as wrong as weak ones are, by a known amount.

    Of each label, ``round(rate * n_positives)`` of the records that have it are drawn, and there

    - ``"swap"`` replaces it with a random label that the record does not have (the noise of the
      AFP paper);
    - ``"missing"`` drops it;
    - ``"extra"`` keeps it and adds a random label that the record does not have;
    - ``"confused"`` replaces it as ``"swap"`` does, but with a label that it is plausibly
      mistaken for: drawn in proportion to its row of `confusion`.

    Parameters
    ----------
    y : array-like or DataFrame of shape (n_records, n_labels)
        The correct labels: 1 present, 0 absent, -1 unknown. It is not changed.
    rate : float
        Share of each label's positives that are hit, in [0, 1].
    kind : {"swap", "missing", "extra", "confused"}, default="swap"
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same noise each time.
    confusion : array-like of shape (n_labels, n_labels), default=None
        For ``kind="confused"``: ``confusion[i, j]`` is how readily label i is mistaken for
        label j; rows need not sum to one, the diagonal is ignored. A label with a row of zeros
        is never mistaken and stays as it is. By default one plus the number of records that
        have both: findings that appear together are those between which a reader decides.

    Returns
    -------
    ndarray of int8 or DataFrame of the shape of y
        A DataFrame for a DataFrame. Unknown entries (-1) stay unknown.

    Raises
    ------
    ValueError
        Also if fewer records than asked have a label that could come in the place of theirs.

    Notes
    -----
    A replacing label is one that the record has neither in `y` nor by an earlier replacement,
    so ``"swap"`` and ``"confused"`` keep the number of positives exactly.

    References
    ----------
    Han et al., Label cleaning for ECG data based on abnormality feature patterns. Journal of
    Computer Research and Development 60(11) (2023), section on the SMIT data set.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.datasets import corrupt_labels
    >>> y = np.repeat(np.eye(2, dtype=int), 10, axis=0)
    >>> y_weak = corrupt_labels(y, rate=0.2, random_state=0)
    >>> ((y == 1) & (y_weak == 0)).sum(axis=0)
    array([2, 2])
    >>> y_weak.sum()
    np.int64(20)
    """
    labels, names = check_labels(y, name="y")
    if not isinstance(rate, numbers.Real) or not 0 <= rate <= 1:
        raise ValueError(f"rate must be a number between 0 and 1; got {rate!r}.")
    if kind not in _KINDS:
        raise ValueError(f"kind must be one of {_KINDS}; got {kind!r}.")
    if confusion is not None and kind != "confused":
        raise ValueError(f'confusion is for kind="confused" alone; kind is {kind!r}.')
    random_state = check_random_state(random_state)

    weights = _replacement_weights(labels, kind, confusion)
    corrupted = labels.copy()
    for label in range(labels.shape[1]):
        has_label = labels[:, label] == 1
        n_hit = round(rate * np.count_nonzero(has_label))
        if kind == "missing":
            hit = random_state.choice(np.flatnonzero(has_label), n_hit, replace=False)
        else:
            if confusion is not None and not weights[label].any():
                continue
            # The records' own labels must stay out even where they have been replaced already.
            free = (labels == 0) & (corrupted == 0) & (weights[label] > 0)
            eligible = np.flatnonzero(has_label & free.any(axis=1))
            if len(eligible) < n_hit:
                name = repr(str(names[label])) if names is not None else label
                raise ValueError(
                    f"rate={rate:g} asks for {n_hit} records with label {name} to get another "
                    f"label, but only {len(eligible)} have one left that they could get. Lower "
                    'rate, or use kind="missing".'
                )
            hit = random_state.choice(eligible, n_hit, replace=False)
            corrupted[hit, _draw(free[hit] * weights[label], random_state)] = 1
        if kind != "extra":
            corrupted[hit, label] = 0

    if isinstance(y, pd.DataFrame):
        return pd.DataFrame(corrupted, index=y.index, columns=y.columns)
    return corrupted.reshape(np.shape(y))


def _replacement_weights(labels, kind, confusion):
    """Return, in row i, how readily each label comes in the place of label i."""
    n_labels = labels.shape[1]
    if confusion is not None:
        weights = np.array(confusion, dtype=float)
        valid = weights.shape == (n_labels, n_labels) and (weights >= 0).all()
        if not valid or not np.isfinite(weights).all():
            raise ValueError(
                f"confusion must be a matrix of {n_labels} by {n_labels} finite numbers that are "
                f"not negative, a row per true label; got an array of shape {weights.shape}."
            )
    elif kind == "confused":
        present = (labels == 1).astype(float)
        weights = 1 + present.T @ present
    else:
        weights = np.ones((n_labels, n_labels))
    np.fill_diagonal(weights, 0)
    return weights


def _draw(weights, random_state):
    """Draw one column per row, in proportion to the row's weights."""
    cumulated = weights.cumsum(axis=1)
    points = random_state.uniform(size=len(weights)) * cumulated[:, -1]
    return (cumulated > points[:, np.newaxis]).argmax(axis=1)

"""One-to-one matching of detected points to annotated ones."""

import numpy as np


def match_points(annotated, detected, tolerance):
    """Pair every annotated point with at most one detection, closest pairs first.

    Parameters
    ----------
    annotated, detected : array-like of shape (n_annotated,) and (n_detected,)
        Times in ascending order, all in one unit.
    tolerance : float
        Pairs that lie farther apart are none.

    Returns
    -------
    pairs : ndarray of shape (n_pairs, 2)
        Positions in `annotated` and in `detected`, in the order of time.
    """
    annotated, detected = np.asarray(annotated, float), np.asarray(detected, float)
    free_a, free_d = np.arange(len(annotated)), np.arange(len(detected))
    pairs = []
    while len(free_a) and len(free_d):
        nearest_d = _nearest(annotated[free_a], detected[free_d])
        nearest_a = _nearest(detected[free_d], annotated[free_a])
        mutual = nearest_a[nearest_d] == np.arange(len(free_a))
        mutual &= np.abs(annotated[free_a] - detected[free_d[nearest_d]]) <= tolerance
        if not mutual.any():
            break
        pairs.append(np.c_[free_a[mutual], free_d[nearest_d[mutual]]])
        free_d = np.delete(free_d, nearest_d[mutual])
        free_a = free_a[~mutual]
    pairs = np.concatenate([np.empty((0, 2), dtype=np.intp), *pairs])
    return pairs[np.argsort(pairs[:, 0])]


def f1_score(n_matched, n_annotated, n_detected):
    """Return F1 from the numbers of matched, annotated and detected points, 0 of none."""
    return 2 * n_matched / max(n_annotated + n_detected, 1)


def _nearest(points, among):
    """Return for each point the position of the nearest of others, which are in ascending order."""
    after = np.clip(np.searchsorted(among, points), 1, max(1, len(among) - 1))
    after = np.minimum(after, len(among) - 1)
    before = np.maximum(after - 1, 0)
    return np.where(points - among[before] <= among[after] - points, before, after)

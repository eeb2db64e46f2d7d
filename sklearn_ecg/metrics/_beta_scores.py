"""F-beta and G-beta of the PhysioNet/CinC Challenge 2020's first phase."""

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning

from sklearn_ecg.metrics._inputs import check_predictions
from sklearn_ecg.utils import check_sample_weight, ids_of, warn_user


def challenge_fbeta_score(y_true, y_pred, *, beta=2.0, average="macro", sample_weight=None):
    """F-beta of the PhysioNet/CinC Challenge 2020; records with many labels weigh less.

    For each label it is ``(1 + beta²) TP / ((1 + beta²) TP + FP + beta² FN)``. A record with m true
    labels adds ``1 / max(m, 1)`` to TP, FP or FN; in scikit-learn's `fbeta_score` it adds 1.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_records, n_labels)
        1 present, 0 absent, -1 unknown. Unknown labels are not counted.
    y_pred : array-like or DataFrame of shape (n_records, n_labels)
        1 present, 0 absent.
    beta : float, default=2.0
        Weight of recall relative to precision.
    average : {"macro"} or None, default="macro"
        The mean over labels, or the score of each label.
    sample_weight : array-like of shape (n_records,), default=None
        Weights of records, multiplied with those above.

    Returns
    -------
    float, or ndarray of shape (n_labels,)
        NaN for a label that no record has and that is never predicted. The mean leaves such labels
        out, with a warning.

    See Also
    --------
    challenge_gbeta_score : The other score of the same phase.
    challenge_score : The score of the official phase.

    Notes
    -----
    The Challenge used both scores in its unofficial phase; the PTB-XL benchmark [1]_ reports them,
    with beta = 2, for CPSC2018. Their code divides by m, so it has no value for records without a
    label. The Challenge's code of 2021 divides by max(m, 1), as here.

    References
    ----------
    .. [1] Strodthoff N, Wagner P, Schaeffter T, Samek W. Deep learning for ECG analysis:
       benchmarks and insights from PTB-XL. IEEE J Biomed Health Inform 25:1519-1528 (2021).

    Examples
    --------
    >>> from sklearn_ecg.metrics import challenge_fbeta_score
    >>> y_true, y_pred = [[1, 0], [1, 1], [0, 1]], [[1, 0], [0, 1], [1, 1]]
    >>> challenge_fbeta_score(y_true, y_pred, average=None).round(3)
    array([0.625, 1.   ])
    """
    hits, false, missed = _counts(y_true, y_pred, beta, average, sample_weight)
    gain = (1 + beta**2) * hits
    return _averaged(gain, gain + false + beta**2 * missed, average)


def challenge_gbeta_score(y_true, y_pred, *, beta=2.0, average="macro", sample_weight=None):
    """G-beta of the PhysioNet/CinC Challenge 2020; a Jaccard index with weighted misses.

    For each label it is ``TP / (TP + FP + beta FN)``. A record with m true labels adds
    ``1 / max(m, 1)`` to TP, FP or FN.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_records, n_labels)
        1 present, 0 absent, -1 unknown. Unknown labels are not counted.
    y_pred : array-like or DataFrame of shape (n_records, n_labels)
        1 present, 0 absent.
    beta : float, default=2.0
        Weight of a missed label relative to a false one.
    average : {"macro"} or None, default="macro"
        The mean over labels, or the score of each label.
    sample_weight : array-like of shape (n_records,), default=None
        Weights of records, multiplied with those above.

    Returns
    -------
    float, or ndarray of shape (n_labels,)
        As for `challenge_fbeta_score`.

    See Also
    --------
    challenge_fbeta_score : The other score of the same phase, with notes on both.

    Examples
    --------
    >>> from sklearn_ecg.metrics import challenge_gbeta_score
    >>> y_true, y_pred = [[1, 0], [1, 1], [0, 1]], [[1, 0], [0, 1], [1, 1]]
    >>> challenge_gbeta_score(y_true, y_pred, average=None).round(3)
    array([0.333, 1.   ])
    """
    hits, false, missed = _counts(y_true, y_pred, beta, average, sample_weight)
    return _averaged(hits, hits + false + beta * missed, average)


def _counts(y_true, y_pred, beta, average, sample_weight):
    """Return each label's true positives, false positives and false negatives, weighted."""
    if not beta > 0:
        raise ValueError(f"beta must be positive; got {beta!r}.")
    if average not in ("macro", None):
        raise ValueError(f"average must be 'macro' or None; got {average!r}.")
    ids = ids_of(y_true, y_pred)
    y_true, y_pred, _ = check_predictions(y_true, y_pred)
    present, predicted = y_true == 1, y_pred == 1
    weights = check_sample_weight(sample_weight, n_records=len(y_true), ids=ids)
    weights = weights / np.maximum(present.sum(axis=1), 1)
    return (
        weights @ (present & predicted),
        weights @ ((y_true == 0) & predicted),
        weights @ (present & ~predicted),
    )


def _averaged(numerators, denominators, average):
    undefined = denominators == 0
    scores = np.full(len(numerators), np.nan)
    np.divide(numerators, denominators, out=scores, where=~undefined)
    if average is None:
        return scores
    if undefined.any():
        warn_user(
            f"{undefined.sum()} of {len(scores)} labels are neither present nor predicted in any "
            "record; they have no part in the mean.",
            UndefinedMetricWarning,
        )
    return float(scores[~undefined].mean()) if not undefined.all() else np.nan

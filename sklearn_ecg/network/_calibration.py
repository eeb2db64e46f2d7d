"""Probabilities and thresholds that fit the held-out records."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

# Weight of the penalty that holds slope and offset at 1 and 0, in records. It decides where labels
# are rare, or where the held-out records are separated without error.
_PRIOR_STRENGTH = 1.0


def calibrate(logits, labels, method, weights=None):
    """Fit a slope and an offset to each label's logits, so that its probabilities are calibrated.

    Minimises the cross-entropy of ``sigmoid(slope * logit + offset)`` plus a weak quadratic
    penalty on ``log(slope)`` and the offset.

    Parameters
    ----------
    logits, labels : ndarray of shape (n_records, n_labels)
        Labels 1, 0, or -1 for unknown.
    method : {"temperature", "sigmoid"}
        With "temperature" the offset stays 0.
    weights : ndarray of shape (n_records, n_labels), default=None
        Weight of each label of each record, by default 1.

    Returns
    -------
    slope, offset : ndarray of shape (n_labels,)
        1 and 0 for a label that is unknown throughout.

    References
    ----------
    Guo et al. (2017). On Calibration of Modern Neural Networks. ICML.
    Platt (1999). Probabilistic Outputs for Support Vector Machines.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.array([[-4.0], [-4.0], [4.0], [4.0]]).repeat(50, axis=0)
    >>> labels = np.array([[0], [1], [1], [1]]).repeat(50, axis=0)
    >>> slope, offset = calibrate(logits, labels, "sigmoid")
    >>> (1 / (1 + np.exp(-slope * logits[0] - offset))).round(1)
    array([0.5])
    """
    n_labels = logits.shape[1]
    slope, offset = np.ones(n_labels), np.zeros(n_labels)
    weights = np.ones(labels.shape) if weights is None else weights
    for k in range(n_labels):
        known = labels[:, k] != -1
        if not known.any():
            continue
        start = np.zeros(2 if method == "sigmoid" else 1)
        arguments = logits[known, k], labels[known, k], weights[known, k]
        found = minimize(_objective, start, arguments, method="L-BFGS-B", jac=True).x
        slope[k] = np.exp(found[0])
        offset[k] = found[1] if method == "sigmoid" else 0.0
    return slope, offset


def _objective(parameters, logits, labels, weights):
    """Penalised cross-entropy and its gradient over (log slope, offset)."""
    slope = np.exp(parameters[0])
    offset = parameters[1] if len(parameters) == 2 else 0.0
    scores = slope * logits + offset
    loss = (weights * (np.logaddexp(0, scores) - labels * scores)).sum()
    excess = weights * (expit(scores) - labels)
    gradient = np.array([(excess * slope * logits).sum(), excess.sum()])[: len(parameters)]
    penalty = 0.5 * _PRIOR_STRENGTH * (parameters**2).sum()
    return loss + penalty, gradient + _PRIOR_STRENGTH * parameters


def tune_thresholds(logits, labels, weights=None):
    """Find the threshold of each label with the largest expected F1.

    The expected F1 of a threshold follows from the calibrated probabilities: ``2 * sum(p above) /
    (n above + sum(p))``. Counting labels instead is as accurate where positives are many, but
    random where they are few.

    Parameters
    ----------
    logits, labels : ndarray of shape (n_records, n_labels)
        Labels 1, 0, or -1 for unknown.
    weights : ndarray of shape (n_records, n_labels), default=None
        Weight of each label of each record, by default 1.

    Returns
    -------
    ndarray of shape (n_labels,)
        Probabilities, half-way between two that occur. 0.5 for a label without known positives.

    References
    ----------
    Lipton, Elkan, Naryanaswamy (2014). Optimal Thresholding of Classifiers to Maximize F1
    Measure. ECML PKDD.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.linspace(-3, 3, 200)[:, np.newaxis]
    >>> labels = (logits > 1).astype(int)
    >>> tune_thresholds(logits, labels).round(1)
    array([0.7])
    """
    thresholds = np.full(labels.shape[1], 0.5)
    weights = np.ones(labels.shape) if weights is None else weights
    slopes, offsets = calibrate(logits, labels, "sigmoid", weights)
    for k, (slope, offset) in enumerate(zip(slopes, offsets, strict=True)):
        known = labels[:, k] != -1
        if not (labels[known, k] == 1).any():
            continue
        order = np.argsort(-logits[known, k], kind="stable")
        values, counts = logits[known, k][order], weights[known, k][order]
        p = counts * expit(slope * values + offset)
        f1 = 2 * np.cumsum(p) / np.maximum(np.cumsum(counts) + p.sum(), 1e-12)
        # No threshold can separate equal logits.
        f1[:-1][values[:-1] == values[1:]] = -1
        best = f1.argmax()
        below = values[best + 1] if best + 1 < len(values) else values[best] - 1
        thresholds[k] = expit((values[best] + below) / 2)
    return thresholds

"""From cross-fitted scores to probabilities, by what trusted and weak records say together."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from sklearn_ecg.cleaning._noise import noise_rates, posterior

# Beyond these log odds a score is as good as certain; no record is more than certain.
_LARGEST_LOG_ODDS = 7.0


@dataclass(frozen=True, eq=False)
class Calibration:
    """Platt scaling of one label's scores, and the noise rates of its weak labels.

    Attributes
    ----------
    coefficients : ndarray of shape (1 + n_scores,)
        Intercept first.
    missing, wrong : float
        Noise rates, as in `posterior`.
    """

    coefficients: np.ndarray
    missing: float
    wrong: float

    def probability(self, scores):
        """Probability of the label from its scores alone.

        Parameters
        ----------
        scores : ndarray of shape (n_records, n_scores)

        Returns
        -------
        ndarray of shape (n_records,)
        """
        log_odds = self.coefficients[0] + scores @ self.coefficients[1:]
        return expit(np.clip(log_odds, -_LARGEST_LOG_ODDS, _LARGEST_LOG_ODDS))


def calibrate(scores, labels, trusted, *, belief=None, max_iter=30):
    """Calibrate one label's scores on trusted and weak records together, by EM.

    The trusted records give their labels, the weak ones what is believed of theirs: the
    posterior of their scores and weak labels, whose noise rates are estimated on the way. What
    trusted records teach of the scores is worth little where weak records are of other
    patients; there the weak records, which are more, have the last word.

    Parameters
    ----------
    scores : ndarray of shape (n_records, n_scores)
        Log odds that were cross-fitted: no record's own label is in its scores.
    labels : ndarray of shape (n_records,)
        1, 0 or -1 (unknown).
    trusted : ndarray of bool of shape (n_records,)
    belief : ndarray of shape (n_records,), default=None
        What to believe of the labels of weak records at first.
    max_iter : int, default=30

    Returns
    -------
    Calibration
    """
    known = trusted & (labels != -1)
    weak = labels[~trusted]
    targets = np.r_[labels[known] == 1, np.empty(len(weak))].astype(float)
    design = np.r_[scores[known], scores[~trusted]]
    design = np.c_[np.ones(len(design)), design]
    start = (0.1, 0.1 * max((weak == 1).mean(), 0.01)) if len(weak) else (0.1, 0.02)
    missing, wrong = start
    coefficients = _logistic(design[: known.sum()], targets[: known.sum()])
    calibration = Calibration(coefficients, missing, wrong)
    if not len(weak):
        return calibration
    if belief is None:
        belief = posterior(calibration.probability(scores[~trusted]), weak, missing, wrong)
    else:
        belief = belief[~trusted]
    for _ in range(max_iter):
        missing, wrong = noise_rates(belief, weak, *start)
        targets[known.sum() :] = belief
        coefficients = _logistic(design, targets, start=coefficients)
        calibration = Calibration(coefficients, missing, wrong)
        before = belief
        belief = posterior(calibration.probability(scores[~trusted]), weak, missing, wrong)
        if np.abs(belief - before).max() < 1e-3:
            break
    return calibration


def _logistic(design, targets, *, start=None, max_iter=50):
    """Ridge logistic regression on soft targets, by damped Newton steps.

    scikit-learn's takes classes for targets, not probabilities.
    """
    coefficients = np.zeros(design.shape[1]) if start is None else start
    ridge = np.ones(design.shape[1])
    ridge[0] = 1e-3

    def loss(coefficients):
        log_odds = design @ coefficients
        fit = np.logaddexp(0, log_odds).sum() - targets @ log_odds
        return fit + (ridge * coefficients**2).sum() / 2

    current = loss(coefficients)
    for _ in range(max_iter):
        predicted = expit(design @ coefficients)
        gradient = design.T @ (targets - predicted) - ridge * coefficients
        weight = predicted * (1 - predicted)
        hessian = (design * weight[:, np.newaxis]).T @ design + np.diag(ridge)
        step = np.linalg.solve(hessian, gradient)
        # A full step overshoots where all predictions are near 0 or 1.
        while (reached := loss(coefficients + step)) > current + 1e-9 and np.abs(step).max() > 1e-6:
            step /= 2
        coefficients, gained, current = coefficients + step, current - reached, reached
        if gained < 1e-6:
            break
    return coefficients

"""From cross-fitted scores to probabilities, by what trusted and weak records say together."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from sklearn_ecg.cleaning._label_errors import estimate_noise_rates, noise_rates, posterior

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


def calibrate(scores, labels, trusted, *, belief=None, rates=None, max_iter=30):
    """Calibrate one label's scores on trusted and weak records together, by EM.

    The trusted records give their labels, the weak ones what is believed of theirs: the
    posterior of their scores and weak labels, whose noise rates are estimated on the way. What
    trusted records teach of the scores is worth little where weak records are of other
    patients; there the weak records, which are more, have the last word. Where weak labels are
    explained as well by what trusted records teach alone, that is kept: their labels are right.

    Parameters
    ----------
    scores : ndarray of shape (n_records, n_scores)
        Log odds that were cross-fitted: no record's own label is in its scores.
    labels : ndarray of shape (n_records,)
        1, 0 or -1 (unknown).
    trusted : ndarray of bool of shape (n_records,)
    belief : ndarray of shape (n_records,), default=None
        What to believe of the labels of weak records at first.
    rates : (float, float), default=None
        Noise rates, missing and wrong, of a label that no trusted record shows. They are taken
        as given, since without trusted records scores and rates cannot both be told.
    max_iter : int, default=30

    Returns
    -------
    Calibration
    """
    known = trusted & (labels != -1)
    weak, weak_scores = labels[~trusted], scores[~trusted]
    if rates is not None:
        known = np.zeros_like(known)
        belief = _share(weak, *rates)
        expected = rates
    else:
        belief = None if belief is None else belief[~trusted]
        expected = (0.1, 0.1 * max((weak == 1).mean(), 0.01)) if len(weak) else (0.1, 0.02)
    targets = np.r_[labels[known] == 1, np.zeros(len(weak))].astype(float)
    design = np.r_[scores[known], weak_scores]
    design = np.c_[np.ones(len(design)), design]
    n_known = known.sum()
    coefficients = _logistic(design[:n_known], targets[:n_known])
    by_trusted = Calibration(coefficients, *expected)
    if not len(weak):
        return by_trusted
    if rates is None:
        probability = by_trusted.probability(weak_scores)
        by_trusted = Calibration(coefficients, *estimate_noise_rates(probability, weak, *expected))
    if belief is None:
        belief = posterior(by_trusted.probability(weak_scores), weak, *expected)
    for _ in range(max_iter):
        current = noise_rates(belief, weak, *expected) if rates is None else rates
        targets[n_known:] = belief
        coefficients = _logistic(design, targets, start=coefficients)
        together = Calibration(coefficients, *current)
        before = belief
        belief = posterior(together.probability(weak_scores), weak, *current)
        if np.abs(belief - before).max() < 1e-3:
            break
    if rates is None:
        gain = _log_likelihood(together, weak_scores, weak) - _log_likelihood(
            by_trusted, weak_scores, weak
        )
        # What a change of all coefficients gains by chance, by the Bayesian criterion.
        if gain < len(coefficients) / 2 * np.log(len(weak)):
            return by_trusted
    return together


def _log_likelihood(calibration, scores, weak):
    """Log likelihood of weak labels, given scores."""
    probability = calibration.probability(scores)
    given = probability * (1 - calibration.missing) + (1 - probability) * calibration.wrong
    return np.log(given[weak == 1]).sum() + np.log(1 - given[weak == 0]).sum()


def _share(weak, missing, wrong):
    """Belief from weak labels alone, at noise rates that explain how many there are."""
    given = (weak[weak != -1] == 1).mean()
    share = np.clip((given - wrong) / max(1 - missing - wrong, 0.05), 1e-3, 0.9)
    return posterior(np.full(len(weak), share), weak, missing, wrong)


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

"""Turn cross-fitted scores into probabilities, with coefficients that labels share."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

# Log odds are clipped here.
_LARGEST_LOG_ODDS = 7.0
# Penalty of the squared difference of a slope from the mean slope of all labels.
_POOLING = 20.0
_FREE = 1e-2
# Positives beyond this number do not raise a label's weight in the mean slope.
_MOST_POSITIVES = 50
# Prior of the lapses, the error rates of certain scores, as (rate, weight in records): for labels
# that look present, and for labels that look absent.
_LAPSES = ((0.06, 200.0), (0.003, 300.0))
_LAPSE_GRIDS = (
    (0.001, 0.002, 0.004, 0.007, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08),
    (0.0003, 0.001, 0.002, 0.004, 0.008),
)


@dataclass(frozen=True, eq=False)
class Calibration:
    """Platt scaling of several scores for each label.

    Attributes
    ----------
    coefficients : ndarray of shape (n_labels, 1 + n_scores)
        Intercepts, then slopes.
    lapses : (float, float)
        How often a label is absent although features say that it is present, and the reverse. They
        are not 0, because features never agree fully with trusted labels.
    """

    coefficients: np.ndarray
    lapses: tuple = (0.0, 0.0)

    def probability(self, scores):
        """Return the probability of each label, given its scores.

        Parameters
        ----------
        scores : ndarray of shape (n_records, n_labels, n_scores)

        Returns
        -------
        ndarray of shape (n_records, n_labels)
        """
        intercepts, slopes = self.coefficients[:, 0], self.coefficients[:, 1:]
        log_odds = intercepts + np.einsum("nlk,lk->nl", scores, slopes)
        return self.with_lapses(expit(np.clip(log_odds, -_LARGEST_LOG_ODDS, _LARGEST_LOG_ODDS)))

    def with_lapses(self, probability):
        """Limit probabilities to the certainty that the lapses allow."""
        lost, found = self.lapses
        return found + (1 - lost - found) * probability


def calibrate(scores, targets, weights, *, start=None, n_rounds=4):
    """Fit one logistic regression per label, with slopes shrunk to the mean of all labels.

    So a label with few examples borrows its slopes from the others.

    Parameters
    ----------
    scores : ndarray of shape (n_records, n_labels, n_scores)
        Cross-fitted: the scores of a record do not use its label.
    targets : ndarray of shape (n_records, n_labels)
        Probabilities of the labels.
    weights : ndarray of shape (n_records, n_labels)
    start : ndarray of shape (n_labels, 1 + n_scores), default=None
    n_rounds : int, default=4
        Number of updates of the mean slopes.

    Returns
    -------
    ndarray of shape (n_labels, 1 + n_scores)
    """
    n_records, n_labels, n_scores = scores.shape
    design = np.concatenate([np.ones((n_records, n_labels, 1)), scores], axis=2)
    coefficients = start
    if start is None:
        coefficients = np.tile(np.r_[0.0, np.full(n_scores, 0.5)], (n_labels, 1))
    say = np.minimum((weights * targets).sum(axis=0), _MOST_POSITIVES) + 1e-3
    penalty = np.r_[_FREE, np.full(n_scores, _POOLING)]
    for _ in range(n_rounds):
        common = np.average(coefficients, axis=0, weights=say)
        common[0] = 0.0
        coefficients = regress(design, targets, weights, coefficients, common, penalty)
    return coefficients


def find_lapses(probability, labels):
    """Estimate the lapses from cross-fitted probabilities.

    Parameters
    ----------
    probability, labels : ndarray of shape (n_records, n_labels)

    Returns
    -------
    (float, float)
        See `Calibration.lapses`.
    """
    present = labels == 1

    def plausibility(lost, found):
        says = Calibration(None, (lost, found)).with_lapses(probability)
        prior = sum(
            n * (rate * np.log(lapse) + (1 - rate) * np.log1p(-lapse))
            for lapse, (rate, n) in zip((lost, found), _LAPSES, strict=True)
        )
        return np.log(np.where(present, says, 1 - says)).sum() + prior

    pairs = [(lost, found) for lost in _LAPSE_GRIDS[0] for found in _LAPSE_GRIDS[1]]
    return max(pairs, key=lambda pair: plausibility(*pair))


def regress(design, targets, weights, start, centre, penalty, *, max_iter=50):
    """Fit ridge logistic regressions on soft targets, all labels at once, by damped Newton steps.

    scikit-learn's logistic regression does not take probabilities as targets, and shrinks to 0.

    Parameters
    ----------
    design : ndarray of shape (n_records, n_labels, n_terms)
    targets, weights : ndarray of shape (n_records, n_labels)
    start, centre : ndarray of shape (n_labels, n_terms), or one that broadcasts to it
        Initial coefficients, and coefficients without penalty.
    penalty : ndarray of shape (n_terms,)
        Factor of half the squared distance of each coefficient from the centre.
    max_iter : int, default=50

    Returns
    -------
    ndarray of shape (n_labels, n_terms)
    """
    coefficients = start.copy()
    eye = np.diag(penalty)

    def loss(coefficients):
        log_odds = np.einsum("nlp,lp->nl", design, coefficients)
        fit = (weights * (np.logaddexp(0, log_odds) - targets * log_odds)).sum(axis=0)
        return fit + (penalty * (coefficients - centre) ** 2).sum(axis=1) / 2, expit(log_odds)

    current, predicted = loss(coefficients)
    for _ in range(max_iter):
        gradient = np.einsum("nlp,nl->lp", design, weights * (targets - predicted))
        gradient -= penalty * (coefficients - centre)
        curvature = (weights * predicted * (1 - predicted))[..., np.newaxis] * design
        hessian = np.einsum("nlp,nlq->lpq", curvature, design) + eye
        step = np.linalg.solve(hessian, gradient[..., np.newaxis])[..., 0]
        reached, next_predicted = loss(coefficients + step)
        # A full step overshoots if all predictions are near 0 or 1.
        while (worse := reached > current + 1e-9).any() and np.abs(step[worse]).max() > 1e-6:
            step[worse] /= 2
            reached, next_predicted = loss(coefficients + step)
        coefficients, predicted = coefficients + step, next_predicted
        gained, current = (current - reached).max(), reached
        if gained < 1e-6:
            break
    return coefficients

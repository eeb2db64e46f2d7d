"""Bonds between labels: which come together more or less often than features say."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

_RIDGE = 5.0


def fit_bonds(probability, labels):
    """Fit pairwise bonds of labels on trusted records, by ridge pseudo-likelihood.

    A record's label set has log odds of the sum of those of its labels, plus a bias for each, plus
    a bond for each pair.

    Parameters
    ----------
    probability, labels : ndarray of shape (n_records, n_labels)
        What features say of each label alone, and the truth; -1 is left out, and so are labels
        that no record has: of them nothing is known.

    Returns
    -------
    bias : ndarray of shape (n_labels,)
    bonds : ndarray of shape (n_labels, n_labels)
        Symmetric, with a diagonal of 0.
    """
    n_labels = labels.shape[1]
    present = (labels == 1).astype(float)
    known = (labels != -1) & present.any(axis=0)
    offset = logit(np.clip(probability, 1e-3, 1 - 1e-3))
    pairs = np.triu_indices(n_labels, 1)

    def unpack(values):
        bonds = np.zeros((n_labels, n_labels))
        bonds[pairs] = values[n_labels:]
        return values[:n_labels], bonds + bonds.T

    def loss(values):
        bias, bonds = unpack(values)
        log_odds = offset + bias + present @ bonds
        fit = (known * (np.logaddexp(0, log_odds) - present * log_odds)).sum()
        residual = known * (expit(log_odds) - present)
        slope = residual.T @ present
        gradient = np.r_[residual.sum(axis=0), (slope + slope.T)[pairs]]
        return fit + _RIDGE / 2 * values @ values, gradient + _RIDGE * values

    start = np.zeros(n_labels + len(pairs[0]))
    return unpack(minimize(loss, start, jac=True, method="L-BFGS-B").x)

"""Densities of Gaussian components."""

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from sklearn.utils import gen_batches

# Records per batch, to bound memory.
_BATCH = 4096


def log_gaussian_density(X, means, covariances):
    """Return the log density of each record under each component.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_features)
    means : ndarray of shape (n_components, n_features)
    covariances : ndarray of shape (n_components, n_features) or \
            (n_components, n_features, n_features)
        Diagonals, or full matrices.

    Returns
    -------
    ndarray of shape (n_records, n_components)
    """
    distance = _diagonal_distances if covariances.ndim == 2 else _full_distances
    squared, log_det = distance(X, means, covariances)
    return -0.5 * (X.shape[1] * np.log(2 * np.pi) + log_det + squared)


def _diagonal_distances(X, means, variances):
    """Return squared Mahalanobis distances, by products of matrices, and log determinants."""
    squared = np.empty((len(X), len(means)))
    # Centring keeps the squares small, so that their difference keeps its digits.
    centre = means.mean(axis=0)
    shifted, precisions = means - centre, 1 / variances
    linear, constant = shifted * precisions, (shifted**2 * precisions).sum(axis=1)
    for batch in gen_batches(len(X), _BATCH):
        deviation = X[batch] - centre
        squared[batch] = deviation**2 @ precisions.T - 2 * deviation @ linear.T + constant
    return np.maximum(squared, 0), np.log(variances).sum(axis=1)


def _full_distances(X, means, covariances):
    squared, log_det = np.empty((len(X), len(means))), np.empty(len(means))
    for m, (mean, covariance) in enumerate(zip(means, covariances, strict=True)):
        factor = cholesky(covariance, lower=True)
        whitening = solve_triangular(factor, np.eye(len(mean)), lower=True).T
        log_det[m] = 2 * np.log(np.diag(factor)).sum()
        for batch in gen_batches(len(X), _BATCH):
            squared[batch, m] = (((X[batch] - mean) @ whitening) ** 2).sum(axis=1)
    return squared, log_det

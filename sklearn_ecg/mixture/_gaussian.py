"""Densities of Gaussian components."""

import numpy as np
from scipy.linalg import cholesky, solve_triangular


def log_gaussian_density(X, means, covariances):
    """Return the log density of each record under each component.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_features)
    means : ndarray of shape (n_components, n_features)
    covariances : ndarray of shape (n_components, n_features), diagonals, or of shape \
            (n_components, n_features, n_features)

    Returns
    -------
    ndarray of shape (n_records, n_components)
    """
    log_norm = X.shape[1] * np.log(2 * np.pi)
    densities = np.empty((len(X), len(means)))
    for m, (mean, covariance) in enumerate(zip(means, covariances, strict=True)):
        if covariance.ndim == 1:
            distance = ((X - mean) ** 2 / covariance).sum(axis=1)
            log_det = np.log(covariance).sum()
        else:
            factor = cholesky(covariance, lower=True)
            distance = (solve_triangular(factor, (X - mean).T, lower=True) ** 2).sum(axis=0)
            log_det = 2 * np.log(np.diag(factor)).sum()
        densities[:, m] = -0.5 * (log_norm + log_det + distance)
    return densities

"""Normal-inverse-Wishart base distributions, learned from all clusters."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import gammaln

# Records with a smaller probability are left out of a cluster's scatter.
_CERTAIN = 1e-10
# Candidates of the strengths of mean and covariance.
_MEAN_PRECISIONS = (0.01, 0.1, 1.0, 10.0)
_DIAGONAL_FREEDOM = (2.0, 8.0, 32.0, 128.0, 512.0)
_FULL_FREEDOM = (1.0, 2.0, 4.0, 8.0, 16.0, 64.0)


@dataclass(eq=False)
class Moments:
    """Sufficient statistics of clusters.

    Attributes
    ----------
    n : ndarray of shape (n_clusters,)
        Sums of the records' probabilities.
    mean : ndarray of shape (n_clusters, n_features)
        Weighted means.
    scatter : ndarray of shape (n_clusters, n_features) or (n_clusters, n_features, n_features)
        Weighted sums of squares about the mean: diagonals, or full matrices.
    """

    n: np.ndarray
    mean: np.ndarray
    scatter: np.ndarray

    @classmethod
    def of(cls, X, responsibilities, *, full):
        """Compute the moments of records with their probabilities of each cluster."""
        n = responsibilities.sum(axis=0)
        centre = X.mean(axis=0)
        deviation = X - centre
        mean = responsibilities.T @ deviation / n[:, np.newaxis]
        if full:
            pairs = zip(mean, responsibilities.T, strict=True)
            scatter = np.array([_scatter(deviation - m, r) for m, r in pairs])
        else:
            scatter = responsibilities.T @ deviation**2 - n[:, np.newaxis] * mean**2
            scatter = np.maximum(scatter, 0)
        return cls(n, centre + mean, scatter)

    @property
    def full(self):
        return self.scatter.ndim == 3

    def at(self, cluster):
        """Return the moments of one cluster."""
        chosen = slice(cluster, cluster + 1)
        return Moments(self.n[chosen], self.mean[chosen], self.scatter[chosen])

    def joined(self, other):
        """Return the moments of the union of two clusters."""
        n = self.n + other.n
        mean = (self.n[:, np.newaxis] * self.mean + other.n[:, np.newaxis] * other.mean) / n
        between = (self.n * other.n / n) * _square((self.mean - other.mean)[0], self.full)
        return Moments(n, mean, self.scatter + other.scatter + between)


def _scatter(deviation, responsibility):
    # If clusters lie apart, most records have probability 0, and leaving them out saves time.
    belonging = responsibility > _CERTAIN
    deviation = deviation[belonging] * np.sqrt(responsibility[belonging])[:, np.newaxis]
    return deviation.T @ deviation


def _square(difference, full):
    if full:
        return difference[..., :, np.newaxis] * difference[..., np.newaxis, :]
    return difference**2


@dataclass(eq=False)
class BaseDistribution:
    """Normal-inverse-Wishart; for diagonals a Normal-inverse-gamma per feature.

    Attributes
    ----------
    mean : ndarray of shape (n_features,)
        Prior mean.
    mean_precision : float
        Strength of the mean, as a number of records.
    freedom : float
        Degrees of freedom: strength of the covariance, as a number of records.
    covariance : ndarray of shape (n_features,) or (n_features, n_features)
        Inverse of the expected precision; the scale matrix is ``freedom * covariance``.
    """

    mean: np.ndarray
    mean_precision: float
    freedom: float
    covariance: np.ndarray

    @cached_property
    def _log_det_scale(self):
        scale = self.freedom * self.covariance
        return np.log(scale).sum() if scale.ndim == 1 else _log_det(scale)

    def _scale(self, moments):
        """Return the posterior scale matrices."""
        kappa = self.mean_precision
        share = kappa * moments.n / (kappa + moments.n)
        shift = _square(moments.mean - self.mean, moments.full)
        share = share.reshape(-1, *[1] * (shift.ndim - 1))
        return self.freedom * self.covariance + moments.scatter + share * shift

    def posterior(self, moments):
        """Return the posterior means, and the inverses of the expected precisions."""
        n = moments.n[:, np.newaxis]
        kappa = self.mean_precision
        means = (kappa * self.mean + n * moments.mean) / (kappa + n)
        n = n[..., np.newaxis] if moments.full else n
        return means, self._scale(moments) / (self.freedom + n)

    def log_evidence(self, moments):
        """Return the log marginal likelihood of each cluster's records."""
        n, d = moments.n, len(self.mean)
        kappa, nu = self.mean_precision, self.freedom
        after = self._scale(moments)
        if moments.full:
            # The factors of the multivariate gamma function; its constant cancels.
            halves = np.arange(d) / 2
            norm = gammaln((nu + n[:, np.newaxis]) / 2 - halves) - gammaln(nu / 2 - halves)
            log_det, norm = _log_det(after), norm.sum(axis=1)
        else:
            norm = d * (gammaln((nu + n) / 2) - gammaln(nu / 2))
            log_det = np.log(after).sum(axis=1)
        return (
            norm
            + (nu * self._log_det_scale - (nu + n) * log_det) / 2
            - n * d / 2 * np.log(np.pi)
            + d / 2 * np.log(kappa / (kappa + n))
        )


def _log_det(matrices):
    factors = np.linalg.cholesky(matrices)
    return 2 * np.log(np.diagonal(factors, axis1=-2, axis2=-1)).sum(axis=-1)


def learn_base(moments, mean, *, reg_covar, fixed=None):
    """Choose the base distribution with the largest evidence of all clusters.

    Its covariance is the pooled covariance of the clusters; its strength says how similar the
    clusters are. So small clusters borrow from the others.

    Parameters
    ----------
    moments : Moments
    mean : ndarray of shape (n_features,)
    reg_covar : float
    fixed : dict, default=None
        Attributes of `BaseDistribution` that are given, and not chosen.

    Returns
    -------
    BaseDistribution
    """
    fixed = fixed or {}
    first = {"mean_precision": 1.0} | fixed
    if "covariance" in fixed:
        candidates = [BaseDistribution(mean, **first)]
    else:
        d = len(mean)
        freedoms = [(d + 1) * f for f in _FULL_FREEDOM] if moments.full else _DIAGONAL_FREEDOM
        candidates = [
            BaseDistribution(mean, first["mean_precision"], freedom, covariance)
            for covariance in _common_covariances(moments, reg_covar)
            for freedom in freedoms
        ]
    best = _most_probable(candidates, moments)
    if "mean_precision" in fixed:
        return best
    candidates = [
        BaseDistribution(mean, precision, best.freedom, best.covariance)
        for precision in _MEAN_PRECISIONS
    ]
    return _most_probable(candidates, moments)


def _most_probable(candidates, moments):
    if len(candidates) == 1:
        return candidates[0]
    return max(candidates, key=lambda base: base.log_evidence(moments).sum())


def _common_covariances(moments, reg_covar):
    """Return candidates of the pooled covariance: its diagonal and, if full, the shrunk matrix."""
    n, d = moments.n.sum(), moments.mean.shape[1]
    pooled = moments.scatter.sum(axis=0) / n
    if not moments.full:
        return [pooled + reg_covar]
    pooled = pooled + reg_covar * np.eye(d)
    deviations = np.sqrt(np.diag(pooled))
    # Few records with many features overstate correlations, so these are shrunk by OAS (oracle
    # approximating shrinkage), which needs only the number of records.
    correlations = pooled / np.outer(deviations, deviations)
    squared = (correlations**2).mean()
    excess = (n + 1) * (squared - 1 / d)
    shrinkage = min((squared + 1) / excess, 1.0) if excess > 0 else 1.0
    shrunk = (1 - shrinkage) * pooled + shrinkage * np.diag(deviations**2)
    return [np.diag(deviations**2), shrunk] if shrinkage < 1 else [np.diag(deviations**2)]

"""Normal-inverse-Wishart base distributions, learned from what clusters have in common."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import gammaln

# A record with less probability of belonging to a cluster does not spread it.
_CERTAIN = 1e-10
# Strengths that are tried for what is estimated.
_MEAN_PRECISIONS = (0.01, 0.1, 1.0, 10.0)
_DIAGONAL_FREEDOM = (2.0, 8.0, 32.0, 128.0, 512.0)
_FULL_FREEDOM = (1.0, 2.0, 4.0, 8.0, 16.0, 64.0)


@dataclass(eq=False)
class Moments:
    """Sufficient statistics of clusters.

    Attributes
    ----------
    n : ndarray of shape (n_clusters,)
        Records, each counted with its probability of belonging.
    mean : ndarray of shape (n_clusters, n_features)
    scatter : ndarray of shape (n_clusters, n_features), diagonals, or of shape \
            (n_clusters, n_features, n_features)
        Sums of squares about the mean.
    """

    n: np.ndarray
    mean: np.ndarray
    scatter: np.ndarray

    @classmethod
    def of(cls, X, responsibilities, *, full):
        """Sum up records by their probability of belonging to each cluster."""
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
        """Return the moments of both clusters as one."""
        n = self.n + other.n
        mean = (self.n[:, np.newaxis] * self.mean + other.n[:, np.newaxis] * other.mean) / n
        between = (self.n * other.n / n) * _square((self.mean - other.mean)[0], self.full)
        return Moments(n, mean, self.scatter + other.scatter + between)


def _scatter(deviation, responsibility):
    # Where clusters lie apart, all but a few records are certain not to belong to one of them.
    belonging = responsibility > _CERTAIN
    deviation = deviation[belonging] * np.sqrt(responsibility[belonging])[:, np.newaxis]
    return deviation.T @ deviation


def _square(difference, full):
    if full:
        return difference[..., :, np.newaxis] * difference[..., np.newaxis, :]
    return difference**2


@dataclass(eq=False)
class BaseDistribution:
    """Normal-inverse-Wishart; for diagonals Normal-inverse-gamma, feature by feature.

    Attributes
    ----------
    mean : ndarray of shape (n_features,)
    mean_precision : float
        Records that the mean is worth.
    freedom : float
        Degrees of freedom: records that the covariance is worth.
    covariance : ndarray of shape (n_features,) or (n_features, n_features)
        Inverse of the expected precision; the scale matrix is `freedom` times that.
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
        """Posterior scale matrices."""
        kappa = self.mean_precision
        share = kappa * moments.n / (kappa + moments.n)
        shift = _square(moments.mean - self.mean, moments.full)
        share = share.reshape(-1, *[1] * (shift.ndim - 1))
        return self.freedom * self.covariance + moments.scatter + share * shift

    def posterior(self, moments):
        """Return means, and covariances that are inverses of expected precisions."""
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
    """Choose the base distribution under which what the clusters hold is most probable.

    Its covariance is what clusters have in common, its strength how much they have in common.
    Clusters of few records then borrow from all others.

    Parameters
    ----------
    moments : Moments
    mean : ndarray of shape (n_features,)
    reg_covar : float
    fixed : dict, default=None
        Attributes of `BaseDistribution` that are not to be chosen.

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
    """Covariances within clusters, pooled: as a diagonal, and where asked for also as they are."""
    n, d = moments.n.sum(), moments.mean.shape[1]
    pooled = moments.scatter.sum(axis=0) / n
    if not moments.full:
        return [pooled + reg_covar]
    pooled = pooled + reg_covar * np.eye(d)
    deviations = np.sqrt(np.diag(pooled))
    # Few records for many features overstate correlations: they shrink as OAS says, which asks
    # for nothing but their number.
    correlations = pooled / np.outer(deviations, deviations)
    squared = (correlations**2).mean()
    excess = (n + 1) * (squared - 1 / d)
    shrinkage = min((squared + 1) / excess, 1.0) if excess > 0 else 1.0
    shrunk = (1 - shrinkage) * pooled + shrinkage * np.diag(deviations**2)
    return [np.diag(deviations**2), shrunk] if shrinkage < 1 else [np.diag(deviations**2)]

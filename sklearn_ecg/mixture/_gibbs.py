"""Collapsed Gibbs sampling of a Dirichlet-process mixture: Algorithm 1 of the AFP paper."""

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import gammaln, softmax

from sklearn_ecg.mixture._cholesky import rank_one_update


class WishartCluster:
    """The Normal-inverse-Wishart posterior of a cluster with full covariance.

    The scale matrix is stored as its Cholesky factor. A rank-one update adds or removes a record.

    Parameters
    ----------
    mean : ndarray of shape (n_features,)
        Prior mean, the paper's :math:`\\mu_0`.
    mean_precision : float
        Strength of the prior mean as a number of records, :math:`\\kappa_0`.
    degrees_of_freedom : float
        :math:`\\nu_0`, at least n_features.
    factor : ndarray of shape (n_features, n_features)
        Lower Cholesky factor of the prior scale matrix.
    """

    def __init__(self, mean, mean_precision, degrees_of_freedom, factor):
        self.n = 0
        self.mean = mean.copy()
        self.kappa = mean_precision
        self.nu = degrees_of_freedom
        self.factor = factor.copy()

    def add(self, x):
        self.n += 1
        self.kappa += 1
        self.nu += 1
        step = (x - self.mean) / self.kappa
        rank_one_update(self.factor, np.sqrt(self.kappa * (self.kappa - 1)) * step, sign=1)
        self.mean += step

    def remove(self, x):
        step = (x - self.mean) / (self.kappa - 1)
        rank_one_update(self.factor, np.sqrt(self.kappa * (self.kappa - 1)) * step, sign=-1)
        self.mean -= step
        self.n -= 1
        self.kappa -= 1
        self.nu -= 1

    def log_predictive(self, x):
        """Log density of a record given the cluster's records: a multivariate t."""
        d = len(x)
        df = self.nu - d + 1
        scale = (self.kappa + 1) / (self.kappa * df)
        z = solve_triangular(self.factor, x - self.mean, lower=True, check_finite=False)
        log_det = 2 * np.log(np.diag(self.factor)).sum() + d * np.log(scale)
        return _log_t(z @ z / scale, df, d) - 0.5 * log_det

    @property
    def covariance(self):
        """The mode of the posterior."""
        return self.factor @ self.factor.T / (self.nu + len(self.mean) + 2)


class GammaCluster:
    """The posterior of a cluster with diagonal covariance: a Normal-inverse-gamma per feature.

    Parameters
    ----------
    mean, mean_precision, degrees_of_freedom
        As for `WishartCluster`.
    scale : ndarray of shape (n_features,)
        Prior sum of squares of each feature.
    """

    def __init__(self, mean, mean_precision, degrees_of_freedom, scale):
        self.n = 0
        self.mean = mean.copy()
        self.kappa = mean_precision
        self.nu = degrees_of_freedom
        self.scale = scale.copy()

    def add(self, x):
        self.n += 1
        self.kappa += 1
        self.nu += 1
        step = (x - self.mean) / self.kappa
        self.scale += self.kappa * (self.kappa - 1) * step**2
        self.mean += step

    def remove(self, x):
        step = (x - self.mean) / (self.kappa - 1)
        self.scale -= self.kappa * (self.kappa - 1) * step**2
        self.mean -= step
        self.n -= 1
        self.kappa -= 1
        self.nu -= 1

    def log_predictive(self, x):
        """Log density of a record given the cluster's records: a product of Student's t."""
        variance = self.scale * (self.kappa + 1) / (self.kappa * self.nu)
        squared = (x - self.mean) ** 2 / variance
        return (_log_t(squared, self.nu, 1) - 0.5 * np.log(variance)).sum()

    @property
    def covariance(self):
        """The diagonal of the posterior's mode."""
        return self.scale / (self.nu + 3)


def _log_t(squared_distance, df, d):
    """Log density of a d-variate t with unit scale, at a squared distance from its centre."""
    log_norm = gammaln((df + d) / 2) - gammaln(df / 2) - d / 2 * np.log(df * np.pi)
    return log_norm - (df + d) / 2 * np.log1p(squared_distance / df)


def sample_assignments(X, start, new_cluster, *, concentration, max_iter, random_state):
    """Assign records to clusters until no assignment changes.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_features)
    start : ndarray of int of shape (n_records,)
        Initial assignments.
    new_cluster : callable
        Returns an empty cluster, which is the prior.
    concentration : float
        :math:`\\gamma` of the Chinese restaurant process: the probability that a record opens a
        new cluster is proportional to it.
    max_iter : int
        Largest number of sweeps over all records.
    random_state : RandomState instance

    Returns
    -------
    assignments : ndarray of int of shape (n_records,)
    clusters : list
        In the order of `assignments`.
    n_iter : int
    converged : bool
    """
    clusters = [new_cluster() for _ in range(start.max() + 1)]
    assigned = [clusters[m] for m in start]
    for x, cluster in zip(X, assigned, strict=True):
        cluster.add(x)
    empty = new_cluster()
    log_empty = np.array([empty.log_predictive(x) for x in X]) + np.log(concentration)
    n_iter, changed = 0, True
    while changed and n_iter < max_iter:
        n_iter += 1
        changed = False
        for i in random_state.permutation(len(X)):
            old = assigned[i]
            old.remove(X[i])
            if old.n == 0:
                clusters.remove(old)
            # The prior's common denominator, n - 1 + gamma, cancels.
            log_weights = [np.log(c.n) + c.log_predictive(X[i]) for c in clusters]
            log_weights = np.array([*log_weights, log_empty[i]])
            drawn = random_state.choice(len(log_weights), p=softmax(log_weights))
            if drawn == len(clusters):
                chosen = new_cluster()
                clusters.append(chosen)
                changed |= old.n > 0
            else:
                chosen = clusters[drawn]
                changed |= chosen is not old
            chosen.add(X[i])
            assigned[i] = chosen
    position = {id(cluster): m for m, cluster in enumerate(clusters)}
    assignments = np.array([position[id(cluster)] for cluster in assigned])
    return assignments, clusters, n_iter, not changed

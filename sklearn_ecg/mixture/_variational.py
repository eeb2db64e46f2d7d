"""Collapsed variational inference for a Dirichlet-process mixture, with merges."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.special import gammaln, logsumexp, xlogy

from sklearn_ecg.mixture._gaussian import log_gaussian_density
from sklearn_ecg.mixture._prior import Moments, learn_base

# Number of updates between two searches for merges.
_STEPS = 5
# A cluster vanishes if the sum of its records' probabilities is not larger.
_SMALLEST = 0.5


def fit_variational(X, start, *, full, concentration, fixed, reg_covar, max_iter, tol):
    """Find clusters.

    The records' probabilities and the clusters are updated in turn; the base distribution is
    learned with them. Two clusters merge if that raises the bound on the evidence. Clusters without
    records vanish.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_features)
    start : ndarray of int of shape (n_records,)
        Initial assignments.
    full : bool
        Whether covariances are full or diagonal.
    concentration : float
        Concentration of the Dirichlet process.
    fixed : dict
        See `learn_base`.
    reg_covar : float
    max_iter : int
        Largest number of updates of the records' probabilities.
    tol : float
        The loop ends when an update changes the mean log density by less.

    Returns
    -------
    weights, means, covariances : ndarray
    n_iter : int
    converged : bool
    """
    belonging = np.eye(start.max() + 1)[start]
    centre = X.mean(axis=0)
    moments = Moments.of(X, belonging, full=full)
    base = learn_base(moments, centre, reg_covar=reg_covar, fixed=fixed)
    before, settled = -np.inf, False
    for n_iter in range(1, max_iter + 1):
        log_joint = np.log(moments.n / len(X))
        log_joint = log_joint + log_gaussian_density(X, *base.posterior(moments))
        log_density = logsumexp(log_joint, axis=1)
        belonging = np.exp(log_joint - log_density[:, np.newaxis])
        belonging = belonging[:, belonging.sum(axis=0) > _SMALLEST]
        moments = Moments.of(X, belonging, full=full)
        settled = abs(log_density.mean() - before) < tol
        before = log_density.mean()
        if settled or n_iter % _STEPS == 0 or n_iter == max_iter:
            base = learn_base(moments, centre, reg_covar=reg_covar, fixed=fixed)
            merged = merge_clusters(belonging, moments, base, concentration)
            if merged.shape[1] < belonging.shape[1]:
                belonging, before, settled = merged, -np.inf, False
                moments = Moments.of(X, belonging, full=full)
        if settled:
            break
    weights = moments.n / moments.n.sum()
    return weights, *base.posterior(moments), n_iter, settled


@dataclass(eq=False)
class _Cluster:
    moments: Moments
    belonging: np.ndarray
    bound: float


def merge_clusters(belonging, moments, base, concentration):
    """Merge pairs of clusters, the best pair first, while that raises the bound on the evidence.

    Parameters
    ----------
    belonging : ndarray of shape (n_records, n_clusters)
        Probabilities of the clusters.
    moments : Moments
    base : BaseDistribution
    concentration : float

    Returns
    -------
    ndarray of shape (n_records, n_merged_clusters)
    """

    def cluster(its_moments, column):
        # The last term is the cluster's share of the entropy of the assignments.
        bound = (
            base.log_evidence(its_moments)[0]
            + np.log(concentration)
            + gammaln(its_moments.n[0])
            - xlogy(column, column).sum()
        )
        return _Cluster(its_moments, column, bound)

    clusters = {m: cluster(moments.at(m), column) for m, column in enumerate(belonging.T)}
    unions = {}
    while len(clusters) > 1:
        gains = {}
        for pair in combinations(clusters, 2):
            a, b = clusters[pair[0]], clusters[pair[1]]
            if pair not in unions:
                unions[pair] = cluster(a.moments.joined(b.moments), a.belonging + b.belonging)
            gains[pair] = unions[pair].bound - a.bound - b.bound
        best = max(gains, key=gains.get)
        if gains[best] <= 0:
            break
        for m in best:
            del clusters[m]
        clusters[len(belonging.T) + len(unions)] = unions[best]
    return np.column_stack([c.belonging for c in clusters.values()])

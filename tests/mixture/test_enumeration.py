"""Algorithm 1 against plain sums: for five records every partition can be looked at."""

import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import multivariate_t, t

from sklearn_ecg.mixture._gibbs import GammaCluster, WishartCluster, sample_assignments

GAMMA, KAPPA = 0.8, 0.3


def partitions(n):
    """Yield every partition of n records, clusters numbered as they appear."""
    if n == 0:
        yield ()
        return
    for rest in partitions(n - 1):
        for cluster in range(max(rest, default=-1) + 2):
            yield (*rest, cluster)


def log_marginal(X, mean, nu, scale):
    """Log evidence of one cluster by the posterior's formula, afresh for every record."""
    total, d = 0.0, X.shape[1]
    for i, x in enumerate(X):
        before, n = X[:i], i
        kappa = KAPPA + n
        average = before.mean(axis=0) if n else mean
        centre = (KAPPA * mean + n * average) / kappa
        spread = (before - average).T @ (before - average)
        shift = np.outer(average - mean, average - mean)
        matrix = scale + spread + KAPPA * n / kappa * shift
        df = nu + n - d + 1
        total += multivariate_t(centre, matrix * (kappa + 1) / (kappa * df), df).logpdf(x)
    return total


def log_marginal_of_diagonals(X, mean, nu, scale):
    total = 0.0
    for feature in range(X.shape[1]):
        for i, x in enumerate(X[:, feature]):
            before, n = X[:i, feature], i
            kappa = KAPPA + n
            average = before.mean() if n else mean[feature]
            centre = (KAPPA * mean[feature] + n * average) / kappa
            spread = ((before - average) ** 2).sum()
            spread += scale[feature] + KAPPA * n / kappa * (average - mean[feature]) ** 2
            width = np.sqrt(spread * (kappa + 1) / (kappa * (nu + n)))
            total += t(nu + n, loc=centre, scale=width).logpdf(x)
    return total


@pytest.mark.parametrize("kind", ["full", "diagonal"])
def test_sampling_visits_partitions_as_often_as_the_posterior_says(kind):
    X = np.array([[0.0, 0.1], [0.4, -0.3], [1.6, 1.2], [2.1, 1.9], [1.1, 0.4]])
    mean = X.mean(axis=0)
    if kind == "full":
        nu, scale = 2.0, np.diag([0.3, 0.3])
        evidence = log_marginal
        prior = lambda: WishartCluster(mean, KAPPA, nu, np.linalg.cholesky(scale))  # noqa: E731
    else:
        nu, scale = 1.0, np.array([0.3, 0.3])
        evidence = log_marginal_of_diagonals
        prior = lambda: GammaCluster(mean, KAPPA, nu, scale)  # noqa: E731
    states = list(partitions(5))
    assert len(states) == 52
    log_posterior = []
    for state in states:
        members = [np.flatnonzero(np.array(state) == m) for m in range(max(state) + 1)]
        log_posterior.append(
            sum(np.log(GAMMA) + gammaln(len(m)) + evidence(X[m], mean, nu, scale) for m in members)
        )
    expected = np.exp(log_posterior - np.max(log_posterior))
    expected /= expected.sum()
    assert (expected > 0.02).sum() >= 5

    random_state = np.random.RandomState(0)
    visits, state = dict.fromkeys(states, 0), np.zeros(5, dtype=int)
    n_sweeps = 800
    for _ in range(n_sweeps):
        state, *_ = sample_assignments(
            X, state, prior, concentration=GAMMA, max_iter=1, random_state=random_state
        )
        names = {}
        visits[tuple(names.setdefault(m, len(names)) for m in state)] += 1
    found = np.array([visits[s] for s in states]) / n_sweeps
    assert abs(found - expected).sum() / 2 < 0.1

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import multigammaln
from scipy.stats import multivariate_t, t

from sklearn_ecg.mixture._cholesky import rank_one_update
from sklearn_ecg.mixture._gibbs import GammaCluster, WishartCluster


@pytest.mark.parametrize("sign", [1, -1])
def test_rank_one_update_agrees_with_a_new_factorisation(rng, sign):
    root = rng.normal(size=(8, 8))
    matrix = root @ root.T + 20 * np.eye(8)
    vector = rng.normal(size=8)
    updated = rank_one_update(np.linalg.cholesky(matrix), vector, sign=sign)
    assert_allclose(updated, np.linalg.cholesky(matrix + sign * np.outer(vector, vector)))


def test_downdate_refuses_to_leave_the_positive_definite_matrices():
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        rank_one_update(np.eye(2), np.array([2.0, 0.0]), sign=-1)


def test_wishart_cluster_holds_the_closed_form_posterior(rng):
    X, d = rng.normal(size=(12, 3)), 3
    mean0, kappa0, nu0, scale0 = np.ones(d), 0.5, 4.0, 2.0 * np.eye(d)
    cluster = WishartCluster(mean0, kappa0, nu0, np.linalg.cholesky(scale0))
    for x in X:
        cluster.add(x)
    for x in X[10:]:
        cluster.remove(x)
    n, average = 10, X[:10].mean(axis=0)
    scatter = (X[:10] - average).T @ (X[:10] - average)
    shift = np.outer(average - mean0, average - mean0)
    scale = scale0 + scatter + kappa0 * n / (kappa0 + n) * shift
    assert_allclose(cluster.mean, (kappa0 * mean0 + n * average) / (kappa0 + n))
    assert_allclose(cluster.factor @ cluster.factor.T, scale)
    df, kappa = nu0 + n - d + 1, kappa0 + n
    predictive = multivariate_t(cluster.mean, scale * (kappa + 1) / (kappa * df), df)
    assert_allclose(cluster.log_predictive(X[11]), predictive.logpdf(X[11]))


def test_products_of_predictives_are_the_marginal_likelihood(rng):
    # The chain rule: whatever order records join in, the product is the same closed form.
    X, d = rng.normal(size=(6, 2)), 2
    mean0, kappa0, nu0, scale0 = np.zeros(d), 1.0, 3.0, np.eye(d)

    def chained(order):
        cluster, total = WishartCluster(mean0, kappa0, nu0, np.eye(d)), 0.0
        for i in order:
            total += cluster.log_predictive(X[i])
            cluster.add(X[i])
        return total, cluster

    total, cluster = chained(range(6))
    scale = cluster.factor @ cluster.factor.T
    n = len(X)
    expected = (
        -n * d / 2 * np.log(np.pi)
        + multigammaln((nu0 + n) / 2, d)
        - multigammaln(nu0 / 2, d)
        + nu0 / 2 * np.linalg.slogdet(scale0)[1]
        - (nu0 + n) / 2 * np.linalg.slogdet(scale)[1]
        + d / 2 * np.log(kappa0 / (kappa0 + n))
    )
    assert_allclose(total, expected)
    assert_allclose(chained([3, 5, 0, 1, 4, 2])[0], expected)


def test_gamma_cluster_predicts_by_a_product_of_t(rng):
    X = rng.normal(size=(9, 4))
    cluster = GammaCluster(np.zeros(4), 0.5, 1.0, np.full(4, 0.3))
    for x in X:
        cluster.add(x)
    cluster.remove(X[8])
    average = X[:8].mean(axis=0)
    scale = 0.3 + ((X[:8] - average) ** 2).sum(axis=0) + 0.5 * 8 / 8.5 * average**2
    assert_allclose(cluster.scale, scale)
    width = np.sqrt(scale * 9.5 / (8.5 * 9.0))
    expected = t(9.0, loc=8 * average / 8.5, scale=width).logpdf(X[8]).sum()
    assert_allclose(cluster.log_predictive(X[8]), expected)

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import BayesianGaussianMixture

from sklearn_ecg.mixture import DirichletProcessGaussianMixture
from sklearn_ecg.mixture._gaussian import log_gaussian_density
from sklearn_ecg.mixture._gibbs import GammaCluster, WishartCluster
from sklearn_ecg.mixture._prior import BaseDistribution, Moments, learn_base
from sklearn_ecg.mixture._variational import merge_clusters


@pytest.mark.parametrize("full", [True, False])
def test_evidence_is_the_product_of_the_samplers_predictives(rng, full):
    X = rng.normal(size=(25, 3)) + 5
    mean, kappa, nu = np.array([4.0, 5.0, 7.0]), 0.4, 6.0
    covariance = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 0.7]])
    if full:
        cluster = WishartCluster(mean, kappa, nu, np.linalg.cholesky(nu * covariance))
    else:
        covariance = np.diag(covariance)
        cluster = GammaCluster(mean, kappa, nu, nu * covariance)
    total = 0.0
    for x in X:
        total += cluster.log_predictive(x)
        cluster.add(x)
    moments = Moments.of(X, np.ones((25, 1)), full=full)
    base = BaseDistribution(mean, kappa, nu, covariance)
    assert_allclose(base.log_evidence(moments), [total])
    assert_allclose(base.posterior(moments)[0][0], cluster.mean)


@pytest.mark.parametrize("full", [True, False])
def test_moments_join_to_those_of_all_records(rng, full):
    X, shares = rng.normal(size=(40, 3)) + 100, rng.random((40, 2))
    apart = Moments.of(X, shares, full=full)
    joined = apart.at(0).joined(apart.at(1))
    together = Moments.of(X, shares.sum(axis=1, keepdims=True), full=full)
    for name in ("n", "mean", "scatter"):
        assert_allclose(getattr(joined, name), getattr(together, name))
    covariance = np.cov(X.T, aweights=shares[:, 0], ddof=0) * shares[:, 0].sum()
    assert_allclose(apart.scatter[0], covariance if full else np.diag(covariance))


def test_clusters_that_are_alike_borrow_from_one_another(rng):
    belonging = np.repeat(np.eye(4), 100, axis=0)
    centres = np.repeat(rng.normal(0, 5, (4, 6)), 100, axis=0)
    root = rng.normal(size=(6, 6))
    alike = centres + rng.normal(size=(400, 6)) @ root.T
    unlike = centres + np.vstack(
        [rng.normal(size=(100, 6)) @ rng.normal(size=(6, 6)).T for _ in range(4)]
    )
    strengths = [
        learn_base(Moments.of(X, belonging, full=True), X.mean(axis=0), reg_covar=0).freedom
        for X in (alike, unlike)
    ]
    assert strengths[0] >= 8 * strengths[1]
    base = learn_base(Moments.of(alike, belonging, full=True), alike.mean(axis=0), reg_covar=0)
    assert_allclose(base.covariance, root @ root.T, atol=0.25 * abs(root @ root.T).max())


def test_halves_of_a_cluster_merge_and_clusters_do_not(rng):
    X = np.vstack([rng.normal(0, 1, (100, 3)), rng.normal(5, 1, (100, 3))])
    belonging = np.eye(4)[np.r_[np.arange(100) % 2, 2 + np.arange(100) % 2]]
    moments = Moments.of(X, belonging, full=True)
    base = learn_base(moments, X.mean(axis=0), reg_covar=1e-4)
    merged = merge_clusters(belonging, moments, base, 0.1)
    assert_array_equal(merged[:, np.argsort(-merged[0])], np.repeat(np.eye(2), 100, axis=0))


@pytest.mark.parametrize("n_features", [2, 40])
def test_no_worse_than_scikit_learn_on_rotated_clusters(n_features):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 1200)
    X = np.empty((1200, n_features))
    for m in range(4):
        rotation, _ = np.linalg.qr(rng.normal(size=(n_features, n_features)))
        axes = np.exp(rng.uniform(-1.5, 1, n_features))
        noise = rng.normal(size=(1200, n_features)) * axes @ rotation.T
        centre = rng.normal(0, 5 / np.sqrt(n_features), n_features)
        X = np.where((truth == m)[:, np.newaxis], centre + noise, X)
    ours = DirichletProcessGaussianMixture(covariance_type="full", random_state=0).fit(X[:600])
    theirs = BayesianGaussianMixture(n_components=10, max_iter=500, random_state=0).fit(X[:600])
    assert ours.score(X[600:]) > theirs.score(X[600:])
    scores = [adjusted_rand_score(truth[600:], m.predict(X[600:])) for m in (ours, theirs)]
    assert scores[0] >= scores[1] - 0.005
    assert ours.n_components_ == 4


def test_more_features_than_records(rng):
    truth = np.arange(60) % 2
    X = rng.normal(size=(120, 80)) + 3 * np.tile(truth, 2)[:, np.newaxis]
    mixture = DirichletProcessGaussianMixture(covariance_type="full", random_state=0).fit(X[:60])
    assert adjusted_rand_score(truth, mixture.predict(X[60:])) == 1
    shared = multivariate_normal(X[:60].mean(axis=0), np.diag(X[:60].var(axis=0)))
    assert mixture.score(X[60:]) > shared.logpdf(X[60:]).mean()


@pytest.mark.parametrize("n_dimensions", [1, 2])
def test_density_agrees_with_scipy_in_every_batch(rng, n_dimensions):
    X = rng.normal(1000, 1, (9000, 3))
    means = X[:2] + np.array([[0.0], [50.0]])
    covariances = np.array([[0.5, 1.0, 2.0], [1e-3, 1.0, 3.0]])
    if n_dimensions == 2:
        covariances = np.array([np.diag(c) + 1e-4 for c in covariances])
    found = log_gaussian_density(X, means, covariances)
    for m in range(2):
        covariance = np.diag(covariances[m]) if n_dimensions == 1 else covariances[m]
        assert_allclose(found[:, m], multivariate_normal(means[m], covariance).logpdf(X))


@pytest.mark.parametrize("inference", ["variational", "gibbs"])
def test_learns_from_some_records_and_assigns_all(rng, inference):
    truth = np.arange(6000) % 3
    X = (rng.normal(size=(6000, 2)) + 8 * truth[:, np.newaxis]).astype(np.float32)
    mixture = DirichletProcessGaussianMixture(inference=inference, max_samples=100, random_state=0)
    mixture.fit(X)
    assert mixture.labels_.shape == (6000,)
    assert adjusted_rand_score(truth, mixture.labels_) > 0.99
    assert_array_equal(mixture.labels_, mixture.predict(X))


def test_a_given_base_distribution_is_used(rng):
    X = rng.normal(size=(200, 2))
    narrow, wide = (
        DirichletProcessGaussianMixture(
            n_components=1, covariance_prior=prior, mean_precision=1.0, reg_covar=0, random_state=0
        ).fit(X)
        for prior in (1e-9, 100.0)
    )
    scatter = ((X - X.mean(axis=0)) ** 2).sum(axis=0)
    assert_allclose(narrow.covariances_[0], (1e-9 + scatter) / 201)
    assert_allclose(wide.covariances_[0], (100 + scatter) / 201)
    held = DirichletProcessGaussianMixture(mean_precision=1e6, n_components=2, random_state=0)
    held.fit(np.r_[X, X + 50])
    assert np.ptp(held.means_, axis=0).max() < 0.1

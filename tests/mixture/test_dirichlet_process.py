import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ecg.mixture import DirichletProcessGaussianMixture

SETTINGS = [(i, c) for i in ("variational", "gibbs") for c in ("diag", "full")]


# The checks' random points are no clusters, and sampling them does not settle.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        DirichletProcessGaussianMixture(),
        DirichletProcessGaussianMixture(inference="gibbs", max_iter=5),
    ]
)
def test_scikit_learn_checks(check_passes, estimator, check):
    check_passes(estimator, check)


@pytest.fixture
def clusters(rng):
    truth = np.repeat([0, 1, 2], [60, 40, 50])
    centres = np.array([[0, 0, 0], [2, 0, 1], [0, 3, 2]])
    return rng.normal(centres[truth], 0.2), truth


@pytest.mark.parametrize(("inference", "covariance_type"), SETTINGS)
def test_finds_separated_clusters_and_their_number(clusters, inference, covariance_type):
    X, truth = clusters
    mixture = DirichletProcessGaussianMixture(
        inference=inference, covariance_type=covariance_type, random_state=0
    ).fit(X)
    assert mixture.n_components_ == 3
    assert adjusted_rand_score(truth, mixture.labels_) == 1
    assert adjusted_rand_score(truth, mixture.predict(X)) == 1
    for m in range(3):
        members = X[mixture.labels_ == m]
        assert_allclose(mixture.means_[m], members.mean(axis=0), atol=0.02)
    assert_allclose(mixture.weights_.sum(), 1)
    assert_allclose(mixture.predict_proba(X).sum(axis=1), 1)


@pytest.mark.parametrize("covariance_type", ["diag", "full"])
def test_density_is_that_of_the_mixture(clusters, covariance_type):
    X, _ = clusters
    mixture = DirichletProcessGaussianMixture(covariance_type=covariance_type, random_state=0)
    mixture.fit(X)
    density = sum(
        weight * multivariate_normal(mean, np.diag(c) if c.ndim == 1 else c).pdf(X)
        for weight, mean, c in zip(
            mixture.weights_, mixture.means_, mixture.covariances_, strict=True
        )
    )
    assert_allclose(mixture.score_samples(X), np.log(density))


def test_same_seed_same_clusters(clusters):
    X, _ = clusters
    first, second = (
        DirichletProcessGaussianMixture(inference="gibbs", random_state=3).fit(X) for _ in range(2)
    )
    assert_allclose(first.means_, second.means_)


def test_sampling_that_did_not_settle_says_so(rng):
    X = rng.normal(size=(100, 2))
    mixture = DirichletProcessGaussianMixture(inference="gibbs", max_iter=1, random_state=0)
    with pytest.warns(ConvergenceWarning, match="Increase max_iter"):
        mixture.fit(X)
    assert not mixture.converged_


def test_equal_records_form_one_cluster():
    X = np.ones((30, 4))
    for inference in ("variational", "gibbs"):
        mixture = DirichletProcessGaussianMixture(inference=inference, random_state=0).fit(X)
        assert_allclose(mixture.means_, np.ones((mixture.n_components_, 4)), atol=1e-6)
        assert np.isfinite(mixture.score_samples(X)).all()


def test_names_the_bad_parameter():
    with pytest.raises(ValueError, match="'inference' parameter"):
        DirichletProcessGaussianMixture(inference="mcmc").fit(np.eye(4))

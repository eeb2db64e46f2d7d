import numpy as np
import pytest
from numpy.testing import assert_allclose
from simulated_tables import make_weak_table
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import BayesianGaussianMixture

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.cleaning._patterns import Pattern
from sklearn_ecg.mixture import DirichletProcessGaussianMixture


@pytest.fixture(scope="module")
def table():
    return make_weak_table()


def test_pattern_contains_what_lies_within_three_deviations():
    pattern = Pattern(0, True, "trusted", np.zeros(2), np.array([1.0, 4.0]), np.arange(3))
    X = np.array([[2.9, -5.9], [3.1, 0.0], [0.0, 6.1]])
    assert pattern.contains(X).tolist() == [True, False, False]
    assert_allclose(pattern.distance(np.array([[1.0, 2.0]])), 1)


def test_papers_method_warns_once_of_restless_clusters(table):
    X, _, weak, trusted = table
    mixture = DirichletProcessGaussianMixture(3, inference="gibbs", max_iter=1)
    with pytest.warns(ConvergenceWarning) as caught:
        AFPLabelCleaner(method="paper", mixture=mixture, random_state=0).fit(
            X, weak, trusted=trusted
        )
    restless = [w for w in caught if "clusterings" in str(w.message)]
    assert len(restless) == 1 and restless[0].filename == __file__, [str(w.message) for w in caught]


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_scikit_learns_mixtures_find_patterns(table, covariance_type):
    X, _, weak, trusted = table
    mixture = BayesianGaussianMixture(n_components=3, covariance_type=covariance_type)
    cleaner = AFPLabelCleaner(mixture=mixture, discriminators=False, random_state=0)
    cleaner.fit(X, weak, trusted=trusted)
    assert all(len(pattern.members) for pattern in cleaner.patterns_)
    assert all(pattern.variance.shape == (12,) for pattern in cleaner.patterns_)
    assert len(cleaner.anchor_patterns_)


def test_clusterings_that_are_no_mixtures_are_named(table):
    X, _, weak, trusted = table
    with pytest.raises(ValueError, match="mixture KMeans has no means_"):
        AFPLabelCleaner(method="paper", mixture=KMeans(2)).fit(X, weak, trusted=trusted)
    cleaner = AFPLabelCleaner(mixture=KMeans(2), random_state=0).fit(X, weak, trusted=trusted)
    with pytest.raises(ValueError, match="mixture KMeans has no means_"):
        cleaner.patterns_  # noqa: B018

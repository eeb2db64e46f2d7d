import numpy as np
from numpy.testing import assert_allclose
from scipy.linalg import sqrtm
from scipy.spatial.distance import jensenshannon

from sklearn_ecg.cleaning._anchors import (
    find_anchor_labels,
    find_anchor_patterns,
    label_set_distance,
    wasserstein_distance,
)
from sklearn_ecg.cleaning._patterns import find_patterns
from sklearn_ecg.mixture import DirichletProcessGaussianMixture


def random_covariance(rng, d):
    root = rng.normal(size=(d, d))
    return root @ root.T + 0.1 * np.eye(d)


def test_wasserstein_distance_agrees_with_scipy_roots(rng):
    means = rng.normal(size=(2, 5))
    first, second = random_covariance(rng, 5), random_covariance(rng, 5)
    root = sqrtm(second)
    squared = ((means[0] - means[1]) ** 2).sum() + np.trace(
        first + second - 2 * sqrtm(root @ first @ root).real
    )
    assert_allclose(wasserstein_distance(means[0], first, means[1], second), np.sqrt(squared))


def test_wasserstein_distance_of_diagonals_is_that_of_full_matrices(rng):
    means, variances = rng.normal(size=(2, 4)), rng.uniform(0.1, 2, size=(2, 4))
    full = [np.diag(v) for v in variances]
    expected = wasserstein_distance(means[0], full[0], means[1], full[1])
    assert_allclose(wasserstein_distance(means[0], variances[0], means[1], variances[1]), expected)
    assert_allclose(wasserstein_distance(means[0], variances[0], means[1], full[1]), expected)
    assert wasserstein_distance(means[0], full[0], means[0], full[0]) < 1e-6


def test_label_set_distance_agrees_with_scipy(rng):
    first, second = rng.integers(0, 2, (40, 3)), rng.integers(0, 2, (25, 3))
    second[:5] = 1
    shares = [
        [(labels @ [4, 2, 1] == code).mean() for code in range(8)] for labels in (first, second)
    ]
    assert_allclose(label_set_distance(first, second), jensenshannon(*shares, base=2))


def test_label_set_distance_bounds():
    assert label_set_distance(np.eye(2), np.eye(2)) == 0
    assert_allclose(label_set_distance(np.array([[1, 0]]), np.array([[0, 1]])), 1)


def test_matching_patterns_are_anchors_and_strange_ones_are_not(rng):
    # Weak records of label 0 form two clusters: that of the trusted ones, and one far from it.
    X = np.r_[
        rng.normal(0.2, 0.02, (60, 3)),
        rng.normal(0.4, 0.02, (60, 3)),
        rng.normal(0.2, 0.02, (60, 3)),
        rng.normal(0.9, 0.02, (60, 3)),
    ]
    labels = np.ones((240, 1), dtype=np.int8)
    trusted = np.arange(240)[:, np.newaxis] < 120
    patterns = find_patterns(X, labels, trusted, DirichletProcessGaussianMixture(), random_state=0)
    anchors = find_anchor_patterns(patterns, X, labels, trusted)
    anchored = find_anchor_labels(anchors, X, labels)
    assert anchored[120:180, 0].mean() > 0.8
    assert (anchored[120:180, 0] > 0.9).sum() == (anchored[120:180, 0] > 0).sum()
    assert (anchored[180:, 0] > 0).sum() == 0

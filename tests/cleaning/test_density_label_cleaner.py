import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ecg.cleaning import DensityLabelCleaner


@pytest.fixture
def noisy(rng):
    truth = (rng.random((150, 2)) < 0.4).astype(int)
    X = rng.normal(np.repeat(truth, 2, axis=1) * 1.5, 1.0)
    weak = np.where(rng.random(truth.shape) < 0.1, 1, truth)
    weak[rng.random(truth.shape) < 0.05] = -1
    return X, weak, np.arange(150) % 5 == 0


def judge_by_loops(X, weak, k, dense_support, sparse_support):
    """Support of every label and whether it is rejected, record by record."""
    distances = np.array([[np.sqrt(((a - b) ** 2).sum()) for b in X] for a in X])
    np.fill_diagonal(distances, np.inf)
    neighbours = [np.argsort(row)[:k] for row in distances]
    density = [1 / np.mean([distances[i, j] for j in near]) for i, near in enumerate(neighbours)]
    support, rejected = np.empty(weak.shape), np.empty(weak.shape, dtype=bool)
    for i, near in enumerate(neighbours):
        dense = density[i] >= np.mean([density[j] for j in near])
        for label in range(weak.shape[1]):
            given = [weak[j, label] for j in near if weak[j, label] != -1]
            support[i, label] = np.mean(given)
            rejected[i, label] = support[i, label] < (dense_support if dense else sparse_support)
    return support, rejected


@pytest.mark.parametrize("supports", [(0.5, 0.1), (0.2, 0.6)])
def test_agrees_with_plain_loops(noisy, supports):
    X, weak, trusted = noisy
    cleaner = DensityLabelCleaner(7, dense_support=supports[0], sparse_support=supports[1])
    cleaner.fit(X, weak, trusted=trusted)
    low, high = np.percentile(X, [10, 90], axis=0)
    support, rejected = judge_by_loops(X / (high - low), weak, 7, *supports)
    removed = rejected & (weak == 1) & ~trusted[:, np.newaxis]
    assert_array_equal(cleaner.provenance_ == "removed", removed)
    kept = (cleaner.labels_ == 1) & ~trusted[:, np.newaxis]
    assert_allclose(cleaner.confidence_[kept], support[kept])
    assert 0 < removed.sum() < (weak == 1).sum() / 2


def test_regions_have_rules_of_their_own():
    # A tight cluster without the label, and a loose line of records with and without it.
    tight = np.linspace(0, 0.1, 30)
    loose = 10.0 + 1.5 ** np.arange(12)
    X = np.r_[tight, loose][:, np.newaxis]
    y = np.r_[np.zeros(30), [1, 0, 0] * 4].astype(int)
    y[14] = 1
    trusted = np.arange(42) < 5
    cleaner = DensityLabelCleaner(5, sparse_support=0.2).fit(X, y, trusted=trusted)
    assert cleaner.labels_[14] == 0
    farthest = np.flatnonzero(y == 1)[-1]
    assert cleaner.labels_[farthest] == 1
    strict = DensityLabelCleaner(5, sparse_support=0.5).fit(X, y, trusted=trusted)
    assert strict.labels_[farthest] == 0


def test_equal_records_vote_for_one_another():
    X = np.r_[np.zeros((20, 2)), np.ones((20, 2))]
    y = (np.arange(40) >= 20).astype(int)
    y[[3, 30]] = 1, 0
    cleaner = DensityLabelCleaner(5).fit(X, y, trusted=np.arange(40) % 10 == 0)
    assert cleaner.labels_[3] == 0 and cleaner.labels_[30] == 0
    assert np.isfinite(cleaner.confidence_).all()


def test_more_neighbours_than_records_are_all_of_them(noisy):
    X, weak, trusted = noisy
    many = DensityLabelCleaner(10_000).fit(X, weak, trusted=trusted)
    others = np.array([np.delete(weak, i, axis=0) for i in range(len(weak))])
    share = (others == 1).sum(axis=1) / (others != -1).sum(axis=1)
    kept = (many.labels_ == 1) & ~trusted[:, np.newaxis]
    assert_allclose(many.confidence_[kept], share[kept])


@pytest.mark.parametrize("name", ["n_neighbors", "dense_support", "sparse_support"])
def test_bad_parameters_are_named(noisy, name):
    X, weak, trusted = noisy
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        DensityLabelCleaner(**{name: -1}).fit(X, weak, trusted=trusted)

"""Trees as tensors say what scikit-learn's say."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.ensemble import HistGradientBoostingClassifier

from sklearn_ecg.network import BoostedTrees
from sklearn_ecg.network._boosted_trees import _TREES


@pytest.fixture(scope="module")
def tables():
    """Features with ties, gaps and outliers, of records to learn from and of others; labels."""
    rng = np.random.default_rng(0)
    # Of finer values no more than 255 quantiles would count.
    table = rng.lognormal(size=(700, 6)).round(1).astype(np.float32)
    table[:, 1] = rng.integers(0, 3, 700)
    table[rng.random(table.shape) < 0.1] = np.nan
    table[::50, 2] = 1e30
    chance = 1 / (1 + np.exp(-np.nan_to_num(table[:, [0, 1]] - 1) - 2 * np.isnan(table[:, [3, 4]])))
    labels = (rng.random((700, 2)) < chance).astype(np.int8)
    return table[:500], labels[:500], table[500:]


def logits_of_scikit_learn(table, label, new, weight=None):
    boosting = HistGradientBoostingClassifier(
        early_stopping=False, random_state=0, min_samples_leaf=len(table) // 64, **_TREES
    )
    return boosting.fit(table, label, sample_weight=weight).decision_function(new)


def test_logits_are_those_of_scikit_learn(tables):
    table, labels, new = tables
    trees = BoostedTrees.grow(table, labels, random_state=0)
    found = trees(torch.from_numpy(new))
    assert np.isnan(new).any()
    for column, label in enumerate(labels.T):
        expected = logits_of_scikit_learn(table, label, new)
        assert np.ptp(expected) > 1
        assert_allclose(found[:, column], expected, rtol=1e-4, atol=1e-4)


def test_fine_values_count_by_the_quantile_that_they_are_nearest_to():
    rng = np.random.default_rng(0)
    table = rng.standard_cauchy(size=(3000, 1)).astype(np.float32)
    labels = (table > 0.5).astype(np.int8)
    trees = BoostedTrees.grow(table, labels, random_state=0)
    new = torch.linspace(-3, 3, 6000)[:, np.newaxis]
    wrong = new[(trees(new) > 0) != (new > 0.5)]
    # A 255th of the records lies that near to the edge.
    assert ((wrong - 0.5).abs() < 0.02).all()


def test_values_next_to_a_threshold_go_where_they_went():
    # Neighbours in float32, between which no threshold of float32 lies.
    pair = np.array([1.0, np.nextafter(np.float32(1), np.float32(2))], dtype=np.float32)
    table = np.repeat(pair, 100)[:, np.newaxis]
    labels = np.repeat([[0], [1]], 100, axis=0)
    trees = BoostedTrees.grow(table, labels, random_state=0)
    assert torch.equal((trees(torch.from_numpy(table)) > 0).int(), torch.from_numpy(labels).int())


def test_unknown_labels_and_weights(tables):
    table, labels, new = tables
    masked, weights = labels.copy(), np.ones(labels.shape)
    masked[::3, 0] = -1
    weights[::4, 1] = 3
    found = BoostedTrees.grow(table, masked, weights, random_state=0)(torch.from_numpy(new))
    known = masked[:, 0] != -1
    expected = [
        logits_of_scikit_learn(table[known], labels[known, 0], new),
        logits_of_scikit_learn(table, labels[:, 1], new, weights[:, 1]),
    ]
    assert_allclose(found.T, expected, rtol=1e-4, atol=1e-4)


def test_a_label_that_never_varies_has_the_log_odds_of_its_share(tables):
    table, labels, new = tables
    constant = labels.copy()
    constant[:, 0] = 0
    found = BoostedTrees.grow(table, constant, random_state=0)(torch.from_numpy(new))
    assert_allclose(found[:, 0], np.log(0.5 / 500.5), rtol=1e-6)
    assert np.ptp(found[:, 1].numpy()) > 1
    unknown = np.full_like(constant, -1)
    nothing = BoostedTrees.grow(table, unknown, random_state=0)(torch.from_numpy(new))
    assert (nothing == 0).all()


def test_features_that_nobody_has_change_nothing(tables):
    table, labels, new = tables
    labels = labels[:, :1]
    wider = np.column_stack([table, np.full(len(table), np.nan)])
    found = BoostedTrees.grow(wider, labels, random_state=0)
    assert (found.columns < table.shape[1]).all()
    assert (
        found(torch.from_numpy(np.column_stack([new, np.zeros(len(new))])).float()).isfinite().all()
    )


def test_the_largest_values_are_told_apart():
    table = np.repeat(np.float32([-3e38, 3e38]), 50)[:, np.newaxis]
    labels = np.repeat([[0], [1]], 50, axis=0)
    trees = BoostedTrees.grow(table, labels, random_state=0)
    assert torch.equal((trees(torch.from_numpy(table)) > 0).int(), torch.from_numpy(labels).int())


def test_labels_of_another_shape_than_the_table_are_named(tables):
    table, labels, _ = tables
    for wrong in (labels[:, 0], labels[:-1]):
        with pytest.raises(ValueError, match="a row for each of the 500 records"):
            BoostedTrees.grow(table, wrong)


def test_trees_are_whole_in_their_tensors(tables):
    table, labels, new = tables
    trees = BoostedTrees.grow(table, labels, random_state=0)
    again = BoostedTrees(**vars(trees))
    assert torch.equal(again(torch.from_numpy(new)), trees(torch.from_numpy(new)))

"""Forests that were grown, in less memory."""

import pickle

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor

from sklearn_ecg.cleaning._grown_trees import GrownTrees


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_they_answer_as_the_forest_does_and_take_less(n_outputs):
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(600, 8)), 2)  # many values lie on both sides of a threshold
    targets = rng.random((600, n_outputs))
    targets = targets.ravel() if n_outputs == 1 else targets
    forest = ExtraTreesRegressor(20, max_features=0.3, random_state=0).fit(X, targets)
    trees = GrownTrees.of(forest)
    asked = rng.normal(size=(5000, 8))
    expected = forest.predict(asked).reshape(5000, -1)
    np.testing.assert_allclose(trees.predict(asked), expected, atol=1e-6)
    assert len(pickle.dumps(trees)) < len(pickle.dumps(forest)) / 4


def test_a_tree_may_be_a_single_leaf():
    forest = ExtraTreesRegressor(3, random_state=0).fit(np.zeros((5, 1)), np.full(5, 0.25))
    assert GrownTrees.of(forest).predict(np.zeros((2, 1))).tolist() == [[0.25], [0.25]]

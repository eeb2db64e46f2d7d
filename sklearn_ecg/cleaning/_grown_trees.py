"""A fitted forest in a sixth of the memory of scikit-learn's."""

from dataclasses import dataclass

import numpy as np

# Records per batch, few enough for the processor's cache.
_CHUNK = 4096


@dataclass(eq=False)
class GrownTrees:
    """A fitted forest of regression trees that can only predict.

    scikit-learn also stores values that only growing needs, in float64, and a value for each inner
    node. For 20,000 records that takes hundreds of megabytes.

    Parameters
    ----------
    roots : ndarray of int32 of shape (n_trees,)
        The first node of each tree. Nodes are numbered over all trees; the leaf with row `i` of
        `values` has the number ``~i``.
    branches : ndarray of int32 of shape (n_nodes, 2)
        The next node if the feature is at most the threshold, and if it is larger.
    features : ndarray of int of shape (n_nodes,)
        The feature of each node.
    thresholds : ndarray of float32 of shape (n_nodes,)
        The threshold of each node.
    values : ndarray of float32 of shape (n_leaves, n_outputs)
        The prediction of each leaf.
    """

    roots: np.ndarray
    branches: np.ndarray
    features: np.ndarray
    thresholds: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, forest):
        """Return the trees of a fitted scikit-learn forest of regression trees."""
        parts, n_nodes, n_leaves = [], 0, 0
        for tree in (estimator.tree_ for estimator in forest.estimators_):
            is_leaf = tree.children_left == -1
            number = np.where(
                is_leaf, ~(n_leaves + np.cumsum(is_leaf) - 1), n_nodes + np.cumsum(~is_leaf) - 1
            )
            inner, children = ~is_leaf, np.stack([tree.children_left, tree.children_right], axis=1)
            parts.append(
                (
                    number[:1].astype(np.int32),
                    number[children[inner]].astype(np.int32),
                    tree.feature[inner].astype(np.min_scalar_type(forest.n_features_in_)),
                    _rounded_down(tree.threshold[inner]),
                    tree.value[is_leaf, :, 0].astype(np.float32),
                )
            )
            n_nodes, n_leaves = n_nodes + inner.sum(), n_leaves + is_leaf.sum()
        return cls(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def predict(self, X):
        """Return the mean of the trees, of shape (n_records, n_outputs)."""
        X = np.ascontiguousarray(X, dtype=np.float32)
        total = np.zeros((len(X), self.values.shape[1]))
        for start in range(0, len(X), _CHUNK):
            part = X[start : start + _CHUNK]
            for root in self.roots:
                total[start : start + _CHUNK] += self.values[~self._leaves(part, root)]
        return total / len(self.roots)

    def _leaves(self, X, root):
        leaves = np.full(len(X), root)
        # `first` is the index of each record's first value in the flat table.
        rows, first, node = np.arange(len(X)), np.arange(len(X)) * X.shape[1], leaves
        while True:
            is_inner = node >= 0
            if not is_inner.all():
                leaves[rows[~is_inner]] = node[~is_inner]
                rows, first, node = rows[is_inner], first[is_inner], node[is_inner]
            if not len(rows):
                return leaves
            is_right = X.take(first + self.features.take(node)) > self.thresholds.take(node)
            node = self.branches.take(2 * node.astype(np.intp) + is_right)


def _rounded_down(thresholds):
    """Return thresholds in float32 that split float32 values in the same way."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)

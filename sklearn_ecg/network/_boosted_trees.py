"""Boosted trees on features, as tensors: they travel, and run, with the network's weights."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier

# Chosen on PTB-XL's folds 8 and 9: small trees, each split of which sees a tenth of the features.
# Leaves may be smaller where records are few, which was better on the 300 of CPSC2018.
_TREES = {"max_iter": 200, "learning_rate": 0.05, "max_leaf_nodes": 8, "max_features": 0.1}
# scikit-learn splits a feature between as many.
_MOST_VALUES = 255


@dataclass(eq=False)
class BoostedTrees:
    """Gradient boosting of each label on a table of features, with missing values.

    scikit-learn's `HistGradientBoostingClassifier` grows the trees; here they are tensors, which
    safetensors stores and ONNX has operations for.

    Parameters
    ----------
    columns, thresholds, missing_left, branches, values : Tensor of shape \
            (n_labels, n_trees, n_nodes), `branches` of shape (n_labels, n_trees, n_nodes, 2)
        At a node a record takes the first branch where its feature is at or below the
        threshold, or is missing and `missing_left`; leaves branch to themselves, and add their
        value to the label's logit.
    baseline : Tensor of shape (n_labels,)
        Logits that the trees' values are added to.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sklearn_ecg.network import BoostedTrees
    >>> table = np.random.default_rng(0).normal(size=(200, 3))
    >>> trees = BoostedTrees.grow(table, (table[:, :2] > 0).astype(int), random_state=0)
    >>> trees(torch.tensor([[-1.0, 1.0, 0.0]])) > 0
    tensor([[False,  True]])
    """

    columns: torch.Tensor
    thresholds: torch.Tensor
    missing_left: torch.Tensor
    branches: torch.Tensor
    values: torch.Tensor
    baseline: torch.Tensor

    @classmethod
    def grow(cls, table, labels, weights=None, random_state=None):
        """Learn trees.

        Parameters
        ----------
        table : ndarray of shape (n_records, n_features)
            NaN for what is missing.
        labels : ndarray of int of shape (n_records, n_labels)
            1 present, 0 absent, -1 unknown, which leaves the record out for that label.
        weights : ndarray of shape (n_records, n_labels), default=None
            How much each label of each record counts, by default 1.
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        BoostedTrees
        """
        table, labels = _rounded(np.asarray(table, dtype=np.float32)), np.asarray(labels)
        if labels.shape[:1] != table.shape[:1] or labels.ndim != 2:
            raise ValueError(
                f"labels must have a row for each of the {len(table)} records, and a column for "
                f"each label; got shape {labels.shape}."
            )
        weights = np.ones(labels.shape) if weights is None else np.asarray(weights)
        grown = [_grow(table, *of, random_state) for of in zip(labels.T, weights.T, strict=True)]
        trees, baseline = zip(*grown, strict=True)
        arrays = _stacked(trees) | {"baseline": np.array(baseline, dtype=np.float32)}
        return cls(**{name: torch.from_numpy(array) for name, array in arrays.items()})

    def __call__(self, features):
        """Return logits of shape (n_records, n_labels).

        Parameters
        ----------
        features : Tensor of float32 of shape (n_records, n_features)
            NaN for what is missing.
        """
        n_labels, n_trees, n_nodes = self.columns.shape
        columns, thresholds = self.columns.flatten(), self.thresholds.flatten()
        missing_left, branches = self.missing_left.flatten(), self.branches.flatten()
        # Where each record stands in each tree, (n_records, n_labels * n_trees).
        first = torch.arange(n_labels * n_trees, device=features.device) * n_nodes
        node = first.expand(len(features), -1)
        # Every node but leaves has two children, so that no path is longer than this.
        for _ in range(n_nodes // 2):
            value = features.gather(1, columns[node])
            is_left = (value <= thresholds[node]) | (value.isnan() & missing_left[node])
            node = first + branches[2 * node + (~is_left).long()]
        values = self.values.flatten()[node].unflatten(1, (n_labels, n_trees))
        return self.baseline + values.sum(dim=-1)


def _rounded(table):
    """Return a table in which finer values are the nearest of 255 quantiles of their feature.

    scikit-learn splits features between such values in any case. It would find them itself, label
    by label, and where records have weights that takes longer than to grow the trees.
    """
    rounded = np.full_like(table, np.nan)
    for values, nearest in zip(table.T, rounded.T, strict=True):
        known = np.isfinite(values)
        levels = np.unique(values[known])
        if len(levels) > _MOST_VALUES:
            steps = np.linspace(0, 1, _MOST_VALUES)
            levels = np.unique(np.quantile(values[known], steps, method="nearest"))
        if len(levels):
            middles = levels[:-1] / 2 + levels[1:] / 2
            nearest[known] = levels[np.searchsorted(middles, values[known])]
    return rounded


def _grow(table, label, weight, random_state):
    """Return the trees of one label as scikit-learn's arrays of nodes, and the baseline."""
    known = (label != -1) & (weight > 0)
    table, label, weight = table[known], label[known], weight[known]
    n_present = np.sum(weight[label == 1])
    odds = (n_present + 0.5) / (weight.sum() - n_present + 0.5)
    # scikit-learn's binning stumbles over features that nobody has.
    used = np.flatnonzero(np.isfinite(table).any(axis=0))
    if len(np.unique(label)) < 2 or not len(used):
        return [], np.log(odds)
    boosting = HistGradientBoostingClassifier(
        early_stopping=False,
        random_state=random_state,
        min_samples_leaf=int(np.clip(len(table) // 64, 2, 20)),
        **_TREES,
    ).fit(table[:, used], label, sample_weight=weight)
    # The trees have no public form; a test holds what becomes of them to the public answer.
    trees = [tree.nodes for (tree,) in boosting._predictors]
    for tree in trees:
        tree["feature_idx"] = used[tree["feature_idx"]]
    return trees, boosting._baseline_prediction.item()


def _stacked(trees):
    """Return the arrays of `BoostedTrees` from those of scikit-learn, label by label."""
    n_trees = max(1, *map(len, trees))
    n_nodes = max([1, *(len(tree) for forest in trees for tree in forest)])
    shape = len(trees), n_trees, n_nodes
    arrays = {
        "columns": np.zeros(shape, dtype=np.int64),
        "thresholds": np.zeros(shape, dtype=np.float32),
        "missing_left": np.zeros(shape, dtype=bool),
        # A leaf, and a node that is none, is its own child.
        "branches": np.broadcast_to(np.arange(n_nodes)[:, np.newaxis], (*shape, 2)).copy(),
        "values": np.zeros(shape, dtype=np.float32),
    }
    for label, forest in enumerate(trees):
        for number, tree in enumerate(forest):
            inner, at = ~tree["is_leaf"].astype(bool), (label, number, slice(len(tree)))
            arrays["columns"][at] = np.where(inner, tree["feature_idx"], 0)
            arrays["thresholds"][at] = _rounded_down(tree["num_threshold"])
            arrays["missing_left"][at] = tree["missing_go_to_left"]
            arrays["values"][at] = np.where(inner, 0, tree["value"])
            arrays["branches"][at][inner] = np.column_stack([tree["left"], tree["right"]])[inner]
    return arrays


def _rounded_down(thresholds):
    """Return thresholds in float32, which split values of float32 as before."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)

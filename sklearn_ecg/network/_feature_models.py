"""Models on measured features, as tensors: they are stored with the network's weights."""

from dataclasses import dataclass, fields

import joblib
import numpy as np
import torch
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.utils import check_random_state
from threadpoolctl import threadpool_limits

from sklearn_ecg.model_selection._stratification import deal_out, number_patients

# Chosen on PTB-XL's folds 8 and 9: small trees whose splits each see a tenth of the features.
# Leaves are smaller where records are few: this was better on the 300 of CPSC2018.
_BOOSTING = {"max_iter": 200, "learning_rate": 0.05, "max_leaf_nodes": 8, "max_features": 0.1}
_FOREST = {"min_samples_leaf": 2, "max_features": 0.1}
# Trees of all folds together.
_N_FOREST_TREES = 200
# scikit-learn uses as many bins for a feature.
_MOST_VALUES = 255
# A forest's share of votes is clipped to this: no answer is more certain.
_RAREST = 0.002
# A forest's shares are nearer to 0.5 than probabilities. This factor on its logits makes it as
# certain as boosting, so that both count in the mean.
_FOREST_STRENGTH = 1.5
_N_FOLDS = 4
# With fewer records, models learn from all of them: on CPSC2018 that was better than the mean of
# models that each lack a fold. With more records the mean was better, on PTB-XL.
_FEW_RECORDS = 1000


@dataclass(eq=False)
class _Trees:
    """Trees of each label, with missing values, as tensors.

    scikit-learn grows them; safetensors stores them and ONNX has operations for them.
    """

    columns: torch.Tensor
    thresholds: torch.Tensor
    missing_left: torch.Tensor
    branches: torch.Tensor
    values: torch.Tensor

    def __post_init__(self):
        n_nodes = self.columns.shape[-1]
        children = self.branches.reshape(-1, 2).numpy(force=True)
        first = np.arange(len(children)) // max(1, n_nodes) * n_nodes
        children = children + first[:, np.newaxis]
        is_inner = (children != np.arange(len(children))[:, np.newaxis]).any(axis=1)
        reached, self._depth = np.unique(first), 0
        # Every node but leaves has two children, so that no path is longer than this.
        for self._depth in range(n_nodes // 2 + 1):
            reached = reached[is_inner[reached]]
            if not len(reached):
                break
            reached = np.unique(children[reached])

    def tensors(self):
        """Return the tensors by the names of the constructor's parameters.

        Returns
        -------
        dict of str to Tensor
        """
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def check(self, n_features):
        """Raise unless these trees, read from a file, fit this number of features.

        Parameters
        ----------
        n_features : int
            Number of features that the trees are given.

        Raises
        ------
        ValueError
            If a shape, a column or a branch is out of range.
        """
        shape = self.columns.shape
        n_nodes = shape[-1] if len(shape) == 3 else 0
        is_right = (
            n_nodes > 0
            and self.thresholds.shape == self.missing_left.shape == self.values.shape == shape
            and self.branches.shape == (*shape, 2)
            and _are_between(self.columns, n_features)
            and _are_between(self.branches, n_nodes)
        )
        if not is_right:
            raise ValueError(f"The model's trees do not fit {n_features} features.")

    def _leaves(self, features):
        """Return the values of the leaves that records reach, (n_records, n_labels, n_trees)."""
        n_labels, n_trees, n_nodes = self.columns.shape
        columns, thresholds = self.columns.flatten(), self.thresholds.flatten()
        missing_left, branches = self.missing_left.flatten(), self.branches.flatten()
        # The node of each record in each tree, (n_records, n_labels * n_trees).
        first = torch.arange(n_labels * n_trees, device=features.device) * n_nodes
        node = first.expand(features.shape[0], -1)
        for _ in range(self._depth):
            value = features.gather(1, columns[node].long())
            is_left = (value <= thresholds[node]) | (value.isnan() & missing_left[node])
            node = first + branches[2 * node + (~is_left).long()].long()
        return self.values.flatten()[node].unflatten(1, (n_labels, n_trees))


@dataclass(eq=False)
class BoostedTrees(_Trees):
    """Gradient boosting of each label on a table of features, with missing values.

    scikit-learn's `HistGradientBoostingClassifier` grows the trees. They are kept as tensors, which
    safetensors can store and ONNX can run.

    Parameters
    ----------
    columns, thresholds, missing_left, branches, values : Tensor of shape \
            (n_labels, n_trees, n_nodes), `branches` of shape (n_labels, n_trees, n_nodes, 2)
        At each node a record takes the first branch if its feature is at or below the threshold, or
        is missing and `missing_left` is True. A leaf branches to itself, and adds its value to the
        label's logit.
    baseline : Tensor of shape (n_labels,)
        The label's logit before the trees' values are added.

    See Also
    --------
    FeatureModels : Answers from features by these and by forests of randomised trees.

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

    baseline: torch.Tensor

    @classmethod
    def grow(cls, table, labels, weights=None, random_state=None):
        """Learn trees from a table of features.

        Parameters
        ----------
        table : ndarray of shape (n_records, n_features)
            NaN for missing values.
        labels : ndarray of int of shape (n_records, n_labels)
            1 present, 0 absent, -1 unknown. The trees of a label do not learn from unknown records.
        weights : ndarray of shape (n_records, n_labels), default=None
            Weight of each label of each record, by default 1.
        random_state : int, RandomState instance or None, default=None
            Draws the features that each split sees.

        Returns
        -------
        BoostedTrees
        """
        table, labels, weights = _checked(table, labels, weights)
        table = _rounded(table)
        # Threads of OpenMP wait by spinning, which is slow beside any other busy process.
        with threadpool_limits(max(1, joblib.cpu_count() // 2), user_api="openmp"):
            of_labels = zip(labels.T, weights.T, strict=True)
            grown = [_boost(table, *of, random_state) for of in of_labels]
        trees, baseline = zip(*grown, strict=True)
        arrays = _stacked(trees) | {"baseline": np.array(baseline, dtype=np.float32)}
        return cls(**{name: torch.from_numpy(array) for name, array in arrays.items()})

    def __call__(self, features):
        """Return logits of shape (n_records, n_labels).

        Parameters
        ----------
        features : Tensor of float32 of shape (n_records, n_features)
            NaN for missing values.
        """
        return self.baseline + self._leaves(features).sum(dim=-1)


@dataclass(eq=False)
class RandomisedTrees(_Trees):
    """A forest of extremely randomised trees for each label, with missing values.

    scikit-learn's `ExtraTreesClassifier` grows the trees.

    Parameters
    ----------
    columns, thresholds, missing_left, branches, values : Tensor of shape \
            (n_labels, n_trees, n_nodes), `branches` of shape (n_labels, n_trees, n_nodes, 2)
        As in `BoostedTrees`, but the value of a leaf is the share of its records with the label.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sklearn_ecg.network._feature_models import RandomisedTrees
    >>> table = np.random.default_rng(0).normal(size=(200, 3))
    >>> forest = RandomisedTrees.grow(table, (table[:, :2] > 0).astype(int), random_state=0)
    >>> forest(torch.tensor([[-1.0, 1.0, 0.0]])) > 0
    tensor([[False,  True]])
    """

    @classmethod
    def grow(cls, table, labels, weights=None, random_state=None, n_trees=_N_FOREST_TREES):
        """Learn a forest of `n_trees` per label; other parameters as in `BoostedTrees.grow`."""
        table, labels, weights = _checked(table, labels, weights)
        table = np.where(np.isfinite(table), table, np.float32(np.nan))
        of_labels = zip(labels.T, weights.T, strict=True)
        forests = [_forest(table, *of, random_state, n_trees) for of in of_labels]
        return cls(**{name: torch.from_numpy(of) for name, of in _stacked(forests).items()})

    def __call__(self, features):
        """Return logits of shape (n_records, n_labels).

        Parameters
        ----------
        features : Tensor of float32 of shape (n_records, n_features)
            NaN for missing values.
        """
        share = self._leaves(features).mean(dim=-1).clamp(_RAREST, 1 - _RAREST)
        return torch.logit(share)


@dataclass(eq=False)
class FeatureModels:
    """Boosted trees and forests of randomised trees, which answer from measured features.

    Each model learns from the records of all folds of patients but one. The answer is the mean of
    all models; with fewer than 1,000 records it is that of models which learn from all records.
    Each record also gets an answer from the models that have not seen its patient: calibration and
    thresholds can be learned from these answers.

    Parameters
    ----------
    boosted : BoostedTrees
        Boosted trees of all folds.
    forest : RandomisedTrees
        Randomised trees of all folds.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sklearn_ecg.network import FeatureModels
    >>> table = np.random.default_rng(0).normal(size=(200, 3))
    >>> labels = (table[:, :2] > 0).astype(int)
    >>> models, held_out = FeatureModels.learn(table, labels, random_state=0)
    >>> models(torch.tensor([[-1.0, 1.0, 0.0]])) > 0
    tensor([[False,  True]])
    >>> np.mean((held_out > 0) == labels) > 0.9
    np.True_
    """

    boosted: BoostedTrees
    forest: RandomisedTrees

    @classmethod
    def learn(cls, table, labels, weights=None, groups=None, random_state=None, n_folds=_N_FOLDS):
        """Learn models from a table of features.

        Parameters
        ----------
        table : ndarray of shape (n_records, n_features)
            NaN for missing values.
        labels : ndarray of int of shape (n_records, n_labels)
            1 present, 0 absent, -1 unknown. The trees of a label do not learn from unknown records.
        weights : ndarray of shape (n_records, n_labels), default=None
            Weight of each label of each record, by default 1.
        groups : array-like of shape (n_records,), default=None
            Patients. By default each record is a patient.
        random_state : int, RandomState instance or None, default=None
            Draws folds and trees.
        n_folds : int, default=4
            Number of folds; with fewer patients, the number of patients.

        Returns
        -------
        models : FeatureModels
        held_out : ndarray of float32 of shape (n_records, n_labels), or None
            Logits of each record, by the models that have not seen its patient. None if there is
            only one patient.
        """
        table, labels, weights = _checked(table, labels, weights)
        random = check_random_state(random_state)
        patients = number_patients(groups, len(table))
        n_folds = min(n_folds, len(np.unique(patients)))
        if n_folds < 2:
            return cls._grow(table, labels, weights, random, _N_FOREST_TREES), None
        shares = np.full(n_folds, 1 / n_folds)
        fold_of = deal_out(patients, (labels == 1).astype(int), shares, random)
        fold = np.array([fold_of[patient] for patient in patients])
        models, held_out = [], np.empty(labels.shape, dtype=np.float32)
        for number in range(n_folds):
            others, own = fold != number, fold == number
            model = cls._grow(
                table[others], labels[others], weights[others], random, _N_FOREST_TREES // n_folds
            )
            models.append(model)
            held_out[own] = model(torch.from_numpy(table[own])).numpy()
        if len(table) < _FEW_RECORDS:
            return cls._grow(table, labels, weights, random, _N_FOREST_TREES), held_out
        return cls._mean(models), held_out

    @classmethod
    def from_tensors(cls, tensors):
        """Make models from the tensors that `tensors` returned.

        Parameters
        ----------
        tensors : dict of str to Tensor
            As `tensors` returned them.

        Returns
        -------
        FeatureModels
        """
        parts = {}
        for field in fields(cls):
            start = f"{field.name}."
            own = {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
            parts[field.name] = field.type(**own)
        return cls(**parts)

    def check(self, n_features):
        """Raise unless the trees, read from a file, fit this number of features.

        Parameters
        ----------
        n_features : int
            Number of features that the models are given.

        Raises
        ------
        ValueError
            If a shape, a column or a branch is out of range.
        """
        self.boosted.check(n_features)
        self.forest.check(n_features)

    def tensors(self):
        """Return all tensors, such as ``boosted.values``; their first axis is that of labels.

        Returns
        -------
        dict of str to Tensor
        """
        return {
            f"{part}.{name}": tensor
            for part, trees in vars(self).items()
            for name, tensor in trees.tensors().items()
        }

    def __call__(self, features):
        """Return logits of shape (n_records, n_labels).

        Parameters
        ----------
        features : Tensor of float32 of shape (n_records, n_features)
            NaN for missing values.
        """
        return (self.boosted(features) + _FOREST_STRENGTH * self.forest(features)) / 2

    @classmethod
    def _grow(cls, table, labels, weights, random, n_forest_trees):
        seed = random.randint(np.iinfo(np.int32).max)
        return cls(
            BoostedTrees.grow(table, labels, weights, seed),
            RandomisedTrees.grow(table, labels, weights, seed, n_forest_trees),
        )

    @classmethod
    def _mean(cls, models):
        """Return models that answer with the mean of these models' answers."""
        boosted = _side_by_side([model.boosted for model in models])
        boosted["values"] = boosted["values"] / len(models)
        baseline = torch.stack([model.boosted.baseline for model in models]).mean(dim=0)
        forest = _side_by_side([model.forest for model in models])
        return cls(BoostedTrees(**boosted, baseline=baseline), RandomisedTrees(**forest))


def _are_between(values, n):
    return bool(((values >= 0) & (values < n)).all())


def _checked(table, labels, weights):
    """Return arrays with the same number of records."""
    table, labels = np.asarray(table, dtype=np.float32), np.asarray(labels)
    if labels.shape[:1] != table.shape[:1] or labels.ndim != 2:
        raise ValueError(
            f"labels must have a row for each of the {len(table)} records, and a column for "
            f"each label; got shape {labels.shape}."
        )
    weights = np.ones(labels.shape) if weights is None else np.asarray(weights)
    if weights.shape != labels.shape:
        raise ValueError(
            f"weights must have the shape of labels, {labels.shape}; got shape {weights.shape}."
        )
    return table, labels, weights


def _rounded(table):
    """Return the table with fine-grained features rounded to the nearest of 255 quantiles.

    scikit-learn bins features into as many in any case. It would find the bins again for each
    label, and with weights that takes longer than growing the trees.
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


def _known(table, label, weight):
    """Return which records know a label, its log odds, and which features vary.

    No features where all records have the same label.
    """
    known = (label != -1) & (weight > 0)
    table, label, weight = table[known], label[known], weight[known]
    n_present = np.sum(weight[label == 1])
    odds = (n_present + 0.5) / (weight.sum() - n_present + 0.5)
    used = np.flatnonzero(np.isfinite(table).any(axis=0))
    if len(np.unique(label)) < 2:
        used = used[:0]
    return table[:, used], label, weight, np.log(odds), used


def _boost(table, label, weight, random_state):
    """Return the boosted trees of one label as lists of arrays of nodes, and the baseline."""
    table, label, weight, log_odds, used = _known(table, label, weight)
    # scikit-learn's binning fails on features that are missing in all records.
    if not len(used):
        return [], log_odds
    boosting = HistGradientBoostingClassifier(
        early_stopping=False,
        random_state=random_state,
        min_samples_leaf=int(np.clip(len(table) // 64, 2, 20)),
        **_BOOSTING,
    ).fit(table, label, sample_weight=weight)
    # The trees have no public form. A test compares the tensors with the public prediction.
    trees = [
        {
            "columns": used[nodes["feature_idx"]],
            "thresholds": nodes["num_threshold"],
            "missing_left": nodes["missing_go_to_left"],
            "branches": np.column_stack([nodes["left"], nodes["right"]]),
            "values": nodes["value"],
            "is_leaf": nodes["is_leaf"].astype(bool),
        }
        for nodes in (tree.nodes for (tree,) in boosting._predictors)
    ]
    return trees, boosting._baseline_prediction.item()


def _forest(table, label, weight, random_state, n_trees):
    """Return the randomised trees of one label as lists of arrays of nodes."""
    table, label, weight, log_odds, used = _known(table, label, weight)
    if not len(used):
        share = 1 / (1 + np.exp(-log_odds))
        leaf = {"columns": [0], "thresholds": [0.0], "missing_left": [False]}
        leaf |= {"branches": [[0, 0]], "values": [share], "is_leaf": [True]}
        return [{name: np.array(of) for name, of in leaf.items()}] * n_trees
    forest = ExtraTreesClassifier(n_trees, random_state=random_state, **_FOREST)
    forest.fit(table, label, sample_weight=weight)
    return [
        {
            # scikit-learn marks leaves by a negative feature number.
            "columns": used[np.maximum(tree.feature, 0)],
            "thresholds": tree.threshold,
            "missing_left": tree.missing_go_to_left.astype(bool),
            "branches": np.column_stack([tree.children_left, tree.children_right]),
            "values": tree.value[:, 0, 1],
            "is_leaf": tree.children_left == -1,
        }
        for tree in (one.tree_ for one in forest.estimators_)
    ]


def _stacked(trees):
    """Return the arrays of `_Trees` from single trees, label by label."""
    n_trees = max(1, *map(len, trees))
    n_nodes = max([1, *(len(tree["values"]) for forest in trees for tree in forest)])
    shape = len(trees), n_trees, n_nodes
    arrays = {
        "columns": np.zeros(shape, dtype=np.int32),
        "thresholds": np.zeros(shape, dtype=np.float32),
        "missing_left": np.zeros(shape, dtype=bool),
        # A leaf, and an unused place for a node, is its own child.
        "branches": np.zeros((*shape, 2), dtype=np.int32)
        + np.arange(n_nodes, dtype=np.int32)[:, None],
        "values": np.zeros(shape, dtype=np.float32),
    }
    for label, forest in enumerate(trees):
        for number, tree in enumerate(forest):
            inner, at = ~tree["is_leaf"], (label, number, slice(len(tree["values"])))
            arrays["columns"][at] = np.where(inner, tree["columns"], 0)
            arrays["thresholds"][at] = _rounded_down(tree["thresholds"])
            arrays["missing_left"][at] = tree["missing_left"]
            arrays["values"][at] = np.where(inner, 0, tree["values"])
            arrays["branches"][at][inner] = tree["branches"][inner]
    return arrays


def _side_by_side(forests):
    """Return the tensors of `_Trees` that hold the trees of all these forests."""
    n_nodes = max(forest.columns.shape[2] for forest in forests)
    tensors = {}
    for name in (field.name for field in fields(_Trees)):
        widened = []
        for tensor in (getattr(forest, name) for forest in forests):
            n_labels, n_trees, n_had = tensor.shape[:3]
            wide = tensor.new_zeros((n_labels, n_trees, n_nodes, *tensor.shape[3:]))
            if name == "branches":
                wide += torch.arange(n_nodes)[:, None]
            wide[:, :, :n_had] = tensor
            widened.append(wide)
        tensors[name] = torch.cat(widened, dim=1)
    return tensors


def _rounded_down(thresholds):
    """Round thresholds down to float32: then float32 values are split as before."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)

"""Discriminators: scores of every label for every record, cross-fitted."""

import numpy as np
from scipy.linalg import eigh
from scipy.special import logit, ndtr
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import GroupKFold, KFold
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits

from sklearn_ecg.cleaning._grown_trees import GrownTrees
from sklearn_ecg.utils import announce

# Of a few hundred trees, shares below this are not told apart.
_SMALLEST_SHARE = 0.003
_N_FOLDS = 5
# Smaller nodes are leaves. (A least size of leaves in its place would end a tree where a lone
# record far from all others stretches a feature: most random thresholds part it from the rest.)
_MIN_SPLIT = 6
# A tree is grown on no more records, so that a forest's memory is bounded; each on other ones.
_MOST_RECORDS_PER_TREE = 20_000
# Features that a tree chooses among at each split. The square root of their number, which is
# usual, is too few where most features say nothing of a label.
_SHARE_OF_FEATURES = 0.08
# A feature is coded by which of these quantiles it exceeds: evenly spaced ones of a normal score.
_QUANTILES = ndtr(np.linspace(-2, 2, 10))
# Records are compared with all others while these are no more, else with so many drawn ones.
_MOST_COMPARED, _N_DRAWN = 2000, 1000
_PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
# Records whose similarities are held in memory at a time.
_CHUNK = 8192
# Expected beliefs times this vary about as much as log odds do.
_SPREAD = 5.0


class Discriminators:
    """Several discriminators side by side.

    Parameters
    ----------
    members : list of discriminators
    """

    def __init__(self, members):
        self.members = members

    def fit_score(self, X, beliefs, n_jobs=None, *, stage="", verbose=0):
        """As `ForestDiscriminator.fit_score`, of shape (n_records, n_labels, n_members)."""
        scores = []
        for member in self.members:
            announce(f"{stage}: {member.doing}", verbose)
            scores.append(member.fit_score(X, beliefs, n_jobs=n_jobs))
        return np.stack(scores, axis=2)

    def score(self, X):
        """As `ForestDiscriminator.score`, of shape (n_records, n_labels, n_members)."""
        return np.stack([d.score(X) for d in self.members], axis=2)


class ForestDiscriminator:
    """Extra trees on the beliefs in all labels at once.

    Each tree is grown on a bootstrap sample of the records; a record's score is the mean of the
    trees that did not see it. That is cross-fitting at the price of a single forest.

    Parameters
    ----------
    n_estimators : int, default=200
    random_state : int, default=None
    """

    doing = "growing trees"

    def __init__(self, n_estimators=200, random_state=None):
        self.n_estimators = n_estimators
        self.random_state = random_state

    def fit_score(self, X, beliefs, n_jobs=None):
        """Fit, and return the log odds of records that the trees had not seen.

        Parameters
        ----------
        X : ndarray of shape (n_records, n_features)
        beliefs : ndarray of shape (n_records, n_labels)
            In [0, 1].
        n_jobs : int, default=None

        Returns
        -------
        ndarray of shape (n_records, n_labels)
        """
        # A rare label's variance is small; without scaling the frequent ones choose all splits.
        self.scale_ = np.maximum(beliefs.std(axis=0), 0.01)
        targets = beliefs / self.scale_
        if targets.shape[1] == 1:
            targets = targets[:, 0]
        forest = ExtraTreesRegressor(
            self.n_estimators,
            min_samples_split=_MIN_SPLIT,
            max_features=_SHARE_OF_FEATURES,
            bootstrap=True,
            max_samples=min(len(X), _MOST_RECORDS_PER_TREE),
            oob_score=_no_score,
            random_state=self.random_state,
            n_jobs=n_jobs,
        ).fit(X, targets)
        self.trees_ = GrownTrees.of(forest)
        return _log_odds(forest.oob_prediction_.reshape(beliefs.shape) * self.scale_)

    def score(self, X):
        """Return the log odds of new records, of shape (n_records, n_labels)."""
        return _log_odds(self.trees_.predict(X) * self.scale_)


def _no_score(y_true, y_pred):
    return 0.0


class KernelDiscriminator:
    """Ridge regression of the beliefs on similarities of records, by a Laplace kernel.

    Trees ask few features at a time; this sums up small differences in all of them. A feature
    counts by its rank alone, so that its scale and its tails do not matter. A record's score is
    that of the regression without the record itself, in closed form.

    Parameters
    ----------
    random_state : int, default=None
        Draws the records to compare with, where there are many.

    Notes
    -----
    The similarity of two records is :math:`\\exp(-d / 2m)` for the sum :math:`d` over features
    of how many quantiles lie between their values, and the median :math:`m` of that distance.
    """

    doing = "comparing records"

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit_score(self, X, beliefs, n_jobs=None):
        """As `ForestDiscriminator.fit_score`; scores are expected beliefs, not log odds."""
        if getattr(self, "_records", None) is not X:
            self._compare(X)
        self.mean_ = beliefs.mean(axis=0)
        targets = beliefs - self.mean_
        projected = sum(u.T @ targets[rows] for rows, u in self._directions(X))
        error = np.zeros((len(_PENALTIES), beliefs.shape[1]))
        for rows, u in self._directions(X):
            for place, penalty in enumerate(_PENALTIES):
                left_out = self._leave_one_out(u, projected, targets[rows], penalty)
                error[place] += ((left_out - targets[rows]) ** 2).sum(axis=0)
            if rows.stop >= _MOST_RECORDS_PER_TREE:
                break
        chosen = np.array(_PENALTIES)[error.argmin(axis=0)]
        scores = np.empty(beliefs.shape)
        for rows, u in self._directions(X):
            for penalty in np.unique(chosen):
                labels = chosen == penalty
                scores[rows, labels] = self._leave_one_out(
                    u, projected[:, labels], targets[rows][:, labels], penalty
                )
        weights = projected / (self._strength[:, np.newaxis] + chosen)
        self.weights_ = self._to_directions @ (np.sqrt(self._strength)[:, np.newaxis] * weights)
        return _SPREAD * (scores + self.mean_)

    def score(self, X):
        """As `ForestDiscriminator.score`; scores are expected beliefs, not log odds."""
        parts = [self._similarity(X[rows]) @ self.weights_ for rows in _chunks(len(X))]
        return _SPREAD * (np.concatenate(parts) + self.mean_)

    def __getstate__(self):
        # The records of `fit` serve its rounds alone.
        kept = ("random_state", "mean_", "weights_", "_thresholds", "_codes", "_median")
        return {name: value for name, value in vars(self).items() if name in kept}

    def _compare(self, X):
        """Find the main directions of the similarities between records."""
        self._records, self._kept = X, None
        drawn = X
        if len(X) > _MOST_COMPARED:
            rng = np.random.default_rng(self.random_state)
            drawn = X[np.sort(rng.choice(len(X), _N_DRAWN, replace=False))]
        self._thresholds = np.quantile(drawn, _QUANTILES, axis=0).T.astype(np.float32)
        self._codes, self._median = self._code(drawn), 1.0
        distance = self._distance(self._codes)
        self._median = max(float(np.median(distance)), 1.0)
        similarity = np.exp(-0.5 * distance / self._median)
        values, vectors = eigh(similarity.astype(np.float64), check_finite=False)
        held = values > 1e-6 * values[-1]
        values, vectors = values[held], vectors[:, held]
        if drawn is X:
            self._strength, self._to_directions = values, vectors / np.sqrt(values)
            self._kept = [(slice(0, len(X)), vectors)]
            return
        self._to_directions = vectors / np.sqrt(values)
        gram = 0
        for rows in _chunks(len(X)):
            part = self._similarity(X[rows]) @ self._to_directions
            gram = gram + part.T @ part
        values, vectors = eigh(gram, check_finite=False)
        held = values > 1e-6 * values[-1]
        self._strength = values[held]
        self._to_directions = self._to_directions @ vectors[:, held]
        if len(X) <= _CHUNK:
            self._kept = list(self._directions(X))

    def _directions(self, X):
        """Yield the records' coordinates on orthonormal directions, part by part."""
        if self._kept is not None:
            yield from self._kept
            return
        for rows in _chunks(len(X)):
            yield rows, self._similarity(X[rows]) @ self._to_directions / np.sqrt(self._strength)

    def _leave_one_out(self, u, projected, targets, penalty):
        shrink = self._strength / (self._strength + penalty)
        leverage = (u**2) @ shrink
        fitted = u @ (shrink[:, np.newaxis] * projected)
        return targets - (targets - fitted) / (1 - np.minimum(leverage, 0.999))[:, np.newaxis]

    def _similarity(self, X):
        return np.exp(-0.5 * self._distance(self._code(X)) / self._median)

    def _code(self, X):
        """Which quantiles each feature exceeds, of shape (n_records, n_features * n_quantiles)."""
        codes = X.astype(np.float32)[:, :, np.newaxis] > self._thresholds
        return codes.reshape(len(X), -1).astype(np.float32)

    def _distance(self, codes):
        """How many quantiles lie between records and those they are compared with."""
        ours, theirs = codes.sum(axis=1), self._codes.sum(axis=1)
        return ours[:, np.newaxis] + theirs - 2 * (codes @ self._codes.T)


def _chunks(n_records):
    for start in range(0, n_records, _CHUNK):
        yield slice(start, min(start + _CHUNK, n_records))


class ClassifierDiscriminator:
    """Any scikit-learn classifier, one per label, cross-fitted in folds.

    Parameters
    ----------
    classifier : classifier with ``predict_proba``
    groups : ndarray of shape (n_records,), default=None
        Patients; a patient's records share a fold.
    random_state : int, default=None
    """

    doing = "training the discriminator"

    def __init__(self, classifier, groups=None, random_state=None):
        self.classifier = classifier
        self.groups = groups
        self.random_state = random_state

    def fit_score(self, X, beliefs, n_jobs=None):
        """As `ForestDiscriminator.fit_score`."""
        hard = beliefs > 0.5
        n_groups = len(X) if self.groups is None else len(np.unique(self.groups))
        if n_groups < 2:
            raise ValueError(
                "discriminator cannot be cross-fitted: all records are of one patient. Leave "
                "groups=None, or discriminator=None."
            )
        n_folds = min(_N_FOLDS, n_groups)
        if self.groups is None:
            folds = KFold(n_folds, shuffle=True, random_state=self.random_state).split(X)
        else:
            folds = GroupKFold(n_folds).split(X, groups=self.groups)
        shares = np.empty(beliefs.shape)
        classifier = seeded(self.classifier, self.random_state)
        parallel = Parallel(n_jobs=n_jobs)
        for train, test in folds:
            models = parallel(delayed(_fit_one)(classifier, X[train], y) for y in hard[train].T)
            shares[test] = np.column_stack([_share(model, X[test]) for model in models])
        self.models_ = parallel(delayed(_fit_one)(classifier, X, y) for y in hard.T)
        return _log_odds(shares)

    def score(self, X):
        """As `ForestDiscriminator.score`."""
        return _log_odds(np.column_stack([_share(model, X) for model in self.models_]))


def seeded(estimator, seed):
    """Clone an estimator, with a seed where it has none of its own.

    Parameters
    ----------
    estimator : estimator
    seed : int

    Returns
    -------
    estimator
    """
    estimator = clone(estimator)
    unset = {
        name: seed
        for name, value in estimator.get_params().items()
        if name.rpartition("__")[2] == "random_state" and value is None
    }
    return estimator.set_params(**unset)


def _fit_one(classifier, X, y):
    """Fit one label, or note its constant value where a fold holds no other."""
    if y.all() or not y.any():
        return float(y[0])
    with threadpool_limits(limits=1):
        return clone(classifier).fit(X, y)


def _share(model, X):
    if isinstance(model, float):
        return np.full(len(X), model)
    share = model.predict_proba(X)[:, 1]
    unknown = np.flatnonzero(~np.isfinite(share))
    if len(unknown):
        raise ValueError(
            f"discriminator {type(model).__name__} gives {len(unknown)} of {len(X)} records a "
            f"probability of {share[unknown[0]]}. Pass one whose predict_proba is finite."
        )
    return share


def _log_odds(shares):
    return logit(np.clip(shares, _SMALLEST_SHARE, 1 - _SMALLEST_SHARE))

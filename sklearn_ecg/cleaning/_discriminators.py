"""Discriminators: cross-fitted scores of every label for every record."""

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

# A few hundred trees cannot resolve smaller shares.
_SMALLEST_SHARE = 0.003
_N_FOLDS = 5
# Smaller nodes are leaves. (Not a least size of leaves: if one outlier stretches a feature, most
# random thresholds split off only the outlier, and the tree would end there.)
_MIN_SPLIT = 6
# Each tree is grown on its own sample of at most so many records, to bound memory.
_MOST_RECORDS_PER_TREE = 20_000
# Share of the features to choose from at each split. The usual square root of their number is too
# small if most features are unrelated to a label.
_SHARE_OF_FEATURES = 0.08
# A feature is coded by the quantiles that it exceeds, which are evenly spaced on a normal scale.
_QUANTILES = ndtr(np.linspace(-2, 2, 10))
# Up to _MOST_COMPARED records are compared with all others, more with _N_DRAWN random records.
_MOST_COMPARED, _N_DRAWN = 2000, 1000
_PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
# Number of records per batch, to bound memory.
_CHUNK = 8192
# This factor gives expected beliefs about the same spread as log odds.
_SPREAD = 5.0


class Discriminators:
    """Several discriminators whose scores are stacked.

    Parameters
    ----------
    members : list of discriminators
    """

    def __init__(self, members):
        self.members = members

    def fit_score(self, X, beliefs, n_jobs=None, *, stage="", verbose=0):
        """Fit, and return cross-fitted scores of shape (n_records, n_labels, n_members)."""
        scores = []
        for member in self.members:
            announce(f"{stage}: {member.doing}", verbose)
            scores.append(member.fit_score(X, beliefs, n_jobs=n_jobs))
        return np.stack(scores, axis=2)

    def score(self, X):
        """Return the scores of new records, of shape (n_records, n_labels, n_members)."""
        return np.stack([d.score(X) for d in self.members], axis=2)


class ForestDiscriminator:
    """Extra trees on the beliefs in all labels at once.

    Each tree is grown on a bootstrap sample of the records. A record's score is the mean of the
    trees that did not see it, which is cross-fitting with a single forest.

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
        """Fit, and return the log odds of each record from trees that did not see it.

        Parameters
        ----------
        X : ndarray of shape (n_records, n_features)
        beliefs : ndarray of shape (n_records, n_labels)
            Probabilities of the labels.
        n_jobs : int, default=None

        Returns
        -------
        ndarray of shape (n_records, n_labels)
        """
        # A rare label has a small variance; without scaling, frequent labels choose all splits.
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
    """Ridge regression of the beliefs on similarities of records, with a Laplace kernel.

    Trees use few features at a time; the kernel adds small differences in all features. Features
    are ranked, so their scale and tails have no effect. A record's score is that of the regression
    without the record, in closed form.

    Parameters
    ----------
    random_state : int, default=None
        Seed of the records to compare with, if there are many.

    Notes
    -----
    The similarity of two records is :math:`\\exp(-d / 2m)`. The distance :math:`d` is the number of
    quantiles between their values, summed over features, and :math:`m` is its median.
    """

    doing = "comparing records"

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit_score(self, X, beliefs, n_jobs=None):
        """Fit, and return cross-fitted scores; they are expected beliefs, not log odds."""
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
        """Return the scores of new records; they are expected beliefs, not log odds."""
        parts = [self._similarity(X[rows]) @ self.weights_ for rows in _chunks(len(X))]
        return _SPREAD * (np.concatenate(parts) + self.mean_)

    def __getstate__(self):
        # The records are needed only during the rounds of `fit`.
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
        """Return a mask of the exceeded quantiles, (n_records, n_features * n_quantiles)."""
        codes = X.astype(np.float32)[:, :, np.newaxis] > self._thresholds
        return codes.reshape(len(X), -1).astype(np.float32)

    def _distance(self, codes):
        """Return the number of quantiles between records and those to compare with."""
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
        Patients; all records of a patient are in one fold.
    random_state : int, default=None
    """

    doing = "training the discriminator"

    def __init__(self, classifier, groups=None, random_state=None):
        self.classifier = classifier
        self.groups = groups
        self.random_state = random_state

    def fit_score(self, X, beliefs, n_jobs=None):
        """Fit, and return cross-fitted log odds."""
        hard = beliefs > 0.5
        n_groups = len(X) if self.groups is None else len(np.unique(self.groups))
        if n_groups < 2:
            raise ValueError(
                "discriminator cannot be cross-fitted, because groups says that all records are of "
                "one patient. Pass groups=None, or discriminator=None."
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
        """Return the log odds of new records."""
        return _log_odds(np.column_stack([_share(model, X) for model in self.models_]))


def seeded(estimator, seed):
    """Clone an estimator, and set seeds that are None.

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
    """Fit one label; return its value if it is constant in the fold."""
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
            f"discriminator {type(model).__name__} returns the probability {share[unknown[0]]} for "
            f"{len(unknown)} of {len(X)} records. Pass one whose predict_proba is finite."
        )
    return share


def _log_odds(shares):
    return logit(np.clip(shares, _SMALLEST_SHARE, 1 - _SMALLEST_SHARE))

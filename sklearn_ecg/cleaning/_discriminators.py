"""Discriminators: scores of every label for every record, cross-fitted."""

import numpy as np
from scipy.special import logit
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import GroupKFold, KFold
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits

# Of a few hundred trees, shares below this are not told apart.
_SMALLEST_SHARE = 0.003
_N_FOLDS = 5
# Smaller nodes are leaves. (A least size of leaves in its place would end a tree where a lone
# record far from all others stretches a feature: most random thresholds part it from the rest.)
_MIN_SPLIT = 6
# A tree is grown on no more records, so that a forest's memory is bounded; each on other ones.
_MOST_RECORDS_PER_TREE = 20_000


class ForestDiscriminator:
    """Extra trees on the beliefs in all labels at once.

    Each tree is grown on a bootstrap sample of the records; a record's score is the mean of the
    trees that did not see it. That is cross-fitting at the price of a single forest.

    Parameters
    ----------
    n_estimators : int, default=200
    random_state : int, default=None
    """

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
        self.forest_ = ExtraTreesRegressor(
            self.n_estimators,
            min_samples_split=_MIN_SPLIT,
            max_features="sqrt",
            bootstrap=True,
            max_samples=min(len(X), _MOST_RECORDS_PER_TREE),
            oob_score=_no_score,
            random_state=self.random_state,
            n_jobs=n_jobs,
        ).fit(X, targets)
        shares = self.forest_.oob_prediction_.reshape(beliefs.shape) * self.scale_
        del self.forest_.oob_prediction_
        # Threads add up their trees in any order; one thread gives the same last digit always.
        self.forest_.n_jobs = 1
        return _log_odds(shares)

    def score(self, X):
        """Return the log odds of new records, of shape (n_records, n_labels)."""
        return _log_odds(self.forest_.predict(X).reshape(len(X), -1) * self.scale_)


def _no_score(y_true, y_pred):
    return 0.0


class ClassifierDiscriminator:
    """Any scikit-learn classifier, one per label, cross-fitted in folds.

    Parameters
    ----------
    classifier : classifier with ``predict_proba``
    groups : ndarray of shape (n_records,), default=None
        Patients; a patient's records share a fold.
    random_state : int, default=None
    """

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

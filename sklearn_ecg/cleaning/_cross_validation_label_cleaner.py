"""CrossValidationLabelCleaner: cross-validated classifiers vote on labels."""

import functools
import numbers

import joblib
import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import check_random_state
from sklearn.utils.parallel import delayed
from threadpoolctl import threadpool_limits

from sklearn_ecg.cleaning._base import BaseLabelCleaner
from sklearn_ecg.cleaning._discriminators import seeded
from sklearn_ecg.cleaning._filter import (
    filter_labels,
    find_learned,
    removal_rates,
    teaching_records,
)
from sklearn_ecg.cleaning._scaling import FeatureScaling
from sklearn_ecg.utils import HasMethods, Interval, StrOptions, announce, in_parallel, progress

# Least share of classifiers that must say no for a given label to be wrong.
_SHARES = {"S1": 1.0, "S2": 0.8, "S3": 0.6}


class CrossValidationLabelCleaner(BaseLabelCleaner):
    """Remove given labels that cross-validated classifiers do not find.

    Five classifiers are cross-validated per label. A given label is wrong if enough of them,
    trained on other records, say no. The cleaner removes labels, and never adds any.

    Parameters
    ----------
    criterion : {"S1", "S2", "S3"}, default="S1"
        The share of the classifiers that must say no: all ("S1"), at least four fifths ("S2"), or
        at least three fifths ("S3"). With five classifiers these are five, four and three.
    features : transformer, default=None
        Turns signals into a table of features; by default `ECGFeatureExtractor()`. It is not used
        if the input is a table.
    classifiers : classifier or list of classifiers, default=None
        The classifiers that vote; by default a support vector machine, nearest neighbours, naive
        Bayes, linear discriminant analysis and a decision tree, with scikit-learn's settings. They
        get features in units of their range, with NaN filled.
    cv : int or splitter, default=10
        Folds of the weak records. An int makes random folds; a splitter, such as
        ``GroupKFold(10)``, gets `groups`.
    use_trusted : bool, default=True
        Whether trusted records are in every training fold. The published method has no trusted
        records.
    memory : str or joblib.Memory, default=None
        Stores the features of signals.
    n_jobs : int, default=None
        Number of classifiers trained in parallel.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds, and of classifiers without a seed.
    verbose : int, default=0
        If positive, writes the name of each stage, and shows progress bars of records measured
        and of classifiers that vote.

    Attributes
    ----------
    labels_ : ndarray of int8 of shape (n_records, n_labels)
        The labels of the records of `fit`, without removed ones.
    provenance_ : ndarray of str of shape (n_records, n_labels)
        "trusted", "confirmed", "removed", or "undecided" for labels that could not be judged.
    confidence_ : ndarray of shape (n_records, n_labels)
        Share of the classifiers that agree with the cleaned label; not a calibrated probability.
    undecided_ : DataFrame
        The review list of labels that are unknown (-1) or could not be judged: id, label, weak,
        probability (share of classifiers that say yes), errors_resolved (the smaller share).
    noise_rates_ : DataFrame
        Per label ``wrong``, the share of removed labels among the weak records without the label.
        ``missing`` is NaN, because the cleaner does not search for missing labels.
    label_names_ : ndarray of str of shape (n_labels,)
        Names of the labels.
    learned_ : ndarray of bool of shape (n_labels,)
        Whether the label had enough examples; other labels do not change.
    classifiers_ : list of lists
        The classifiers of each learned label, trained on all training records; they vote in
        `clean`. True or False if the label had only one value; None, which abstains, if no feature
        varied.
    n_features_in_ : int
        ``X.shape[1]``: the number of leads, of samples, or of features of a table.

    See Also
    --------
    sklearn_ecg.AFPLabelCleaner : Also adds missing labels, and weighs the weak label as evidence.
    DensityLabelCleaner : Neighbours vote in place of classifiers.

    Notes
    -----
    The vote was published in [1]_ for records with one label. The multi-label form with the
    criteria S1, S2 and S3 is the one with which [2]_ compares its own method. Neither has trusted
    records; ``use_trusted=False`` does not use them.

    References
    ----------
    .. [1] Li, Cui, Wang, Identifying the mislabeled training samples of ECG signals using machine
       learning. arXiv:1712.03792 (2017).
    .. [2] Han et al., Label cleaning for ECG data based on abnormality feature patterns. Journal
       of Computer Research and Development 60(11) (2023), section 5.3.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.cleaning import CrossValidationLabelCleaner
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.integers(0, 2, size=(300, 1))
    >>> X = rng.normal(3 * truth, 0.5, size=(300, 4))
    >>> trusted = np.arange(300) < 100
    >>> weak = truth.copy()
    >>> weak[100:116] = 1  # some of them wrongly
    >>> cleaner = CrossValidationLabelCleaner(random_state=0).fit(X, weak, trusted=trusted)
    >>> (weak != truth).sum(), (cleaner.labels_ != truth).sum()
    (np.int64(8), np.int64(0))
    """

    _parameter_constraints = {
        "criterion": [StrOptions(set(_SHARES))],
        "features": [HasMethods(["fit", "transform"]), None],
        "classifiers": [HasMethods(["fit", "predict"]), list, tuple, None],
        "cv": [Interval(numbers.Integral, 2, None, closed="left"), HasMethods(["split"])],
        "use_trusted": ["boolean"],
        "memory": [str, joblib.Memory, None],
        "n_jobs": [numbers.Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        criterion="S1",
        *,
        features=None,
        classifiers=None,
        cv=10,
        use_trusted=True,
        memory=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.criterion = criterion
        self.features = features
        self.classifiers = classifiers
        self.cv = cv
        self.use_trusted = use_trusted
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def _fit(self, table, labels, trusted, answered, groups, sources):
        weak, teaches = teaching_records(trusted, use_trusted=self.use_trusted)
        self.learned_ = find_learned(labels[teaches], self.label_names_)
        self._scaling = FeatureScaling.learn(table)
        X = self._scaling.standardise(table)
        if (X[0] == X).all():
            raise ValueError(
                f"All features of X are the same for all {len(X)} records, so nothing can be "
                "learned: look at the signals, or pass other features."
            )
        votes = self._cross_validate(X, labels, weak, teaches, groups)
        decisions = filter_labels(labels[weak], *self._count(votes[:, weak]))
        self._noise_rates = removal_rates(decisions, self.learned_ & ~trusted[weak])
        return decisions

    def _clean(self, table, weak, sources):
        X = self._scaling.standardise(table)
        votes = np.full((len(self.classifiers_[0]), *weak.shape), 0.5)
        for label, trained in zip(np.flatnonzero(self.learned_), self.classifiers_, strict=True):
            votes[:, :, label] = [_ask(classifier, X) for classifier in trained]
        return filter_labels(weak, *self._count(votes))

    def _cross_validate(self, X, labels, weak, teaches, groups):
        """Let classifiers vote on weak records that they were not trained on; then train on all."""
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        voters = [seeded(voter, seed) for voter in self._voters()]
        votes = np.full((len(voters), *labels.shape), 0.5)
        learned = np.flatnonzero(self.learned_)
        tasks = []
        for asked in self._folds(X, labels, weak, groups, seed):
            known = teaches.copy()
            known[asked] = False
            tasks += [
                (m, label, known & (labels[:, label] != -1), asked)
                for label in learned
                for m in range(len(voters))
            ]
        # Threads share the features. Each has one BLAS thread, so that their number is n_jobs.
        parallel = functools.partial(in_parallel, n_jobs=self.n_jobs, prefer="threads")
        with threadpool_limits(limits=1):
            found = parallel(
                delayed(_vote)(voters[m], X, labels[:, label], taught, asked)
                for m, label, taught, asked in tasks
            )
            found = progress(found, description="Voting", total=len(tasks), verbose=self.verbose)
            for (m, label, _, asked), vote in zip(tasks, found, strict=True):
                votes[m, asked, label] = vote
            announce("Training voters on all records", self.verbose)
            trained = list(
                parallel(
                    delayed(_train)(voter, X, labels[:, label], teaches & (labels[:, label] != -1))
                    for label in learned
                    for voter in voters
                )
            )
        n = len(voters)
        self.classifiers_ = [trained[i : i + n] for i in range(0, len(trained), n)]
        return votes

    def _count(self, votes):
        support = votes.mean(axis=0)
        # The margin is for rounding: three of five must count as 0.6.
        return support, 1 - support > _SHARES[self.criterion] - 1e-9

    def _voters(self):
        if self.classifiers is None:
            return [
                SVC(),
                KNeighborsClassifier(),
                GaussianNB(),
                LinearDiscriminantAnalysis(),
                DecisionTreeClassifier(),
            ]
        several = isinstance(self.classifiers, (list, tuple))
        voters = list(self.classifiers) if several else [self.classifiers]
        for voter in voters:
            if not is_classifier(voter):
                raise ValueError(f"classifiers must be scikit-learn classifiers; got {voter!r}.")
        if not voters:
            raise ValueError("classifiers is empty; pass at least one, or None for the default.")
        return voters

    def _folds(self, X, labels, weak, groups, seed):
        """Return the rows of each fold; every weak record is in one."""
        rows = np.flatnonzero(weak)
        if not len(rows):
            return []
        if not isinstance(self.cv, numbers.Integral):
            patients = None if groups is None else groups[rows]
            folds = [rows[asked] for _, asked in self.cv.split(X[rows], labels[rows], patients)]
            if not np.array_equal(np.sort(np.concatenate(folds)), rows):
                raise ValueError(
                    f"cv must put every weak record into exactly one test fold; {self.cv!r} does "
                    "not. Use KFold, GroupKFold or a similar splitter."
                )
            return folds
        shuffled = check_random_state(seed).permutation(rows)
        return [fold for fold in np.array_split(shuffled, self.cv) if len(fold)]


def _train(classifier, X, y, taught):
    """Fit one label; return its value if it is constant, None if no feature varies."""
    X, y = X[taught], y[taught]
    # From equal records classifiers learn nothing, and some of them fail.
    if not len(y) or (X[0] == X).all():
        return None
    if (y == y[0]).all():
        return bool(y[0] == 1)
    return clone(classifier).fit(X, y)


def _ask(classifier, X):
    if classifier is None:
        return np.full(len(X), 0.5)
    return np.full(len(X), classifier) if isinstance(classifier, bool) else classifier.predict(X)


def _vote(classifier, X, y, taught, asked):
    return _ask(_train(classifier, X, y, taught), X[asked])

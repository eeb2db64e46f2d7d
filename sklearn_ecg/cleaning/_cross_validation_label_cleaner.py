"""CrossValidationLabelCleaner: classifiers vote on labels that they were not trained on."""

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

# Of how many classifiers at least a "no" makes a given label wrong.
_SHARES = {"S1": 1.0, "S2": 0.8, "S3": 0.6}


class CrossValidationLabelCleaner(BaseLabelCleaner):
    """Remove given labels that cross-validated classifiers agree not to find.

    Five classifiers are cross-validated per label. A given label is wrong if enough of them,
    trained on other records, say no. Labels are removed and never added.

    Parameters
    ----------
    criterion : {"S1", "S2", "S3"}, default="S1"
        How many classifiers must say no: all ("S1"), at least four fifths ("S2"), or at least
        three fifths ("S3") of them. With five classifiers these are five, four and three.
    features : transformer, default=None
        Makes a feature table of signals; by default `ECGFeatureExtractor()`. It does not run for
        input that is a table already.
    classifiers : classifier or list of classifiers, default=None
        Who votes; by default a support vector machine, nearest neighbours, naive Bayes, linear
        discriminant analysis and a decision tree, with scikit-learn's settings. They see features
        without gaps, in units of their range.
    cv : int or splitter, default=10
        Folds of the weak records. An int draws them at random; a splitter, such as
        ``GroupKFold(10)``, is asked for its own and gets `groups`.
    use_trusted : bool, default=True
        Whether trusted records join every training fold. The published method has none.
    memory : str or joblib.Memory, default=None
        Keeps the features of signals.
    n_jobs : int, default=None
        Classifiers trained in parallel.
    random_state : int, RandomState instance or None, default=None
        Draws the folds, and seeds classifiers that have no seed of their own.
    verbose : int, default=0
        Progress over labels, folds and classifiers if positive.

    Attributes
    ----------
    labels_ : ndarray of int8 of shape (n_records, n_labels)
        The labels of the records of `fit` without those removed.
    provenance_ : ndarray of str of shape (n_records, n_labels)
        "trusted", "confirmed", "removed", or "undecided" for what could not be judged.
    confidence_ : ndarray of shape (n_records, n_labels)
        Share of the classifiers that agree with the cleaned label; not a calibrated probability.
    undecided_ : DataFrame
        Unknown labels (-1) and what could not be judged: id, label, weak, probability (share
        of classifiers that say yes), errors_resolved (the smaller share).
    noise_rates_ : DataFrame
        For each label ``wrong``, the share removed among weak records without it; ``missing``
        is NaN, since a filter does not look for missing labels.
    label_names_ : ndarray of str of shape (n_labels,)
    learned_ : ndarray of bool of shape (n_labels,)
        Whether the label had enough examples; the others are kept as they are.
    classifiers_ : list of lists
        For each learned label its classifiers, trained on all records that teach; they vote in
        `clean`. True or False where the label had only one value; None, which abstains, where no
        feature varied.
    n_features_in_ : int

    See Also
    --------
    sklearn_ecg.AFPLabelCleaner : Adds missing labels too, and weighs the weak label as evidence.
    DensityLabelCleaner : Asks neighbours in the place of classifiers.

    Notes
    -----
    The vote is that of [1]_, there for records with one label each, in the multi-label form with
    the criteria S1, S2 and S3 to which [2]_ compares its own method. Neither says what becomes of
    records that are known to be right: with ``use_trusted=False`` they play no part.

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
                f"No feature of X differs between the {len(X)} records, so that nothing can be "
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
        """Let those vote on a weak record who were not trained on it; then train on all."""
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
        # Threads share the features, and their number is n_jobs, not n_jobs times that of BLAS.
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
        # Three of five are 0.6 of them, whatever the last digit of a mean.
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
                    f"cv must put every weak record into one test fold; {self.cv!r} does not. "
                    "Use KFold, GroupKFold or their like."
                )
            return folds
        shuffled = check_random_state(seed).permutation(rows)
        return [fold for fold in np.array_split(shuffled, self.cv) if len(fold)]


def _train(classifier, X, y, taught):
    """Fit one label; note its constant value where it has no other, None where nothing varies."""
    X, y = X[taught], y[taught]
    # Of equal records most classifiers say what is frequent, and some fail; none knows anything.
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

"""AFPLabelCleaner: label cleaning by abnormality feature patterns."""

import hashlib
import numbers
import warnings

import joblib
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, check_memory, validate_data

from sklearn_ecg.cleaning._anchors import find_anchor_labels, find_anchor_patterns
from sklearn_ecg.cleaning._decisions import Decisions, decide
from sklearn_ecg.cleaning._discriminators import ClassifierDiscriminator, ForestDiscriminator
from sklearn_ecg.cleaning._inputs import FeatureScaling, check_input, fit_extractor, is_table
from sklearn_ecg.cleaning._lifetimes import mean_path_length
from sklearn_ecg.cleaning._noise import estimate_noise_rates, posterior
from sklearn_ecg.cleaning._patterns import find_patterns
from sklearn_ecg.cleaning._reports import (
    anchor_table,
    cleaned_records,
    cleaning_report,
    exclusion_table,
    inclusion_table,
    review_list,
)
from sklearn_ecg.cleaning._rounds import clean_in_rounds
from sklearn_ecg.cleaning._rules import (
    apply_exclusion,
    apply_inclusion,
    exclusion_rules,
    inclusion_rules,
)
from sklearn_ecg.cleaning._thresholds import clean_by_thresholds, pattern_discriminators
from sklearn_ecg.mixture import DirichletProcessGaussianMixture
from sklearn_ecg.records import CleanedRecords, ECGRecords
from sklearn_ecg.utils import Interval, StrOptions, check_params

_SHARE = Interval(numbers.Real, 0, 1, closed="both")
# Fewer records than this with or without a label teach nothing of it.
_MIN_EXAMPLES = 5
# With "bayes", rules and anchors that are right less often than this on trusted records are mute.
_MIN_ACCURACY = 0.95


class AFPLabelCleaner(TransformerMixin, BaseEstimator):
    """Clean weak multi-label annotations with the help of some trusted records.

    Every label of every weak record is questioned: wrong labels are removed, missing ones are
    added, and what cannot be told is left to a person. Labels of trusted records stay as they are.

    Parameters
    ----------
    features : transformer, default=None
        Makes a feature table of signals; by default `ECGFeatureExtractor()`. It does not run for
        input that is a table already.
    mixture : estimator, default=None
        Finds patterns; by default `DirichletProcessGaussianMixture`, variational for
        ``method="bayes"``, by Gibbs sampling for ``method="paper"``.
    method : {"bayes", "paper"}, default="bayes"
        "bayes" combines calibrated, cross-fitted discriminators with the weak label by Bayes'
        rule, with noise rates that it estimates label by label. "paper" follows [1]_: hard
        thresholds on how near a record is to the patterns of each side; only given labels and
        those that a rule includes are questioned.
    min_support : int, default=10
        Fewest training records for a rule (the paper's st).
    min_confidence : float, default=0.5
        Least confidence of an inclusion rule (ct).
    min_correlation : float, default=0.5
        Least Kulczynski measure of an inclusion rule (rt).
    max_exclusion : float, default=0.02
        Two frequent labels exclude each other below this correlation (eps).
    lifetime_rate : float, default=1.0
        Rounds per unsettled label of the most common record; rare records live longer.
    max_iter : int, default=3
        Most rounds.
    anchors, rules, discriminators : bool, default=True
        Switch a stage off.
    margin : float, default=0.05
        With "bayes", a label is undecided while its probability is that near to one half.
    undecided : {"unknown", "weak"}, default="unknown"
        What becomes of undecided labels: -1, or the weak label.
    unseen : {"keep", "clean"}, default="keep"
        What becomes of labels that (almost) no trusted record has. "keep" leaves them as they are.
        "clean" believes, with the noise rates of the other labels, what weak records say of one
        another; nobody has vouched for what is learned of such a label.
    discriminator : classifier, default=None
        In the place of the extra trees; cross-fitted by patient where `groups` are known.
    memory : str or joblib.Memory, default=None
        Keeps what does not depend on a threshold, so that a search over thresholds is cheap.
    n_jobs : int, default=None
    random_state : int, RandomState instance or None, default=None
    verbose : int, default=0
        Progress by round and label if positive.

    Attributes
    ----------
    labels_ : ndarray of int8 of shape (n_records, n_labels)
        The cleaned labels of the records of `fit`.
    provenance_ : ndarray of str of shape (n_records, n_labels)
        Where each label comes from, one of `sklearn_ecg.records.PROVENANCES`.
    confidence_ : ndarray of shape (n_records, n_labels)
        Probability that each label is right.
    undecided_ : DataFrame
        What a person must look at, most doubtful first: record, label, weak, probability.
    patterns_ : list of Pattern
        With the label, the side and a Gaussian over scaled features of each cluster.
    anchor_patterns_ : DataFrame
    inclusion_rules_, exclusion_rules_ : DataFrame
        A rule with its measures; ``accuracy`` is the lower 5 % bound of its accuracy on trusted
        records, and ``fires`` whether that is enough for it to be applied.
    noise_rates_ : DataFrame
        For each label the estimated shares ``missing`` and ``wrong``: of the records that have
        it without saying so, and of those that say so without having it.
    lifetimes_ : ndarray of int of shape (n_records,)
        Rounds that each record lived.
    n_iter_ : int
        Rounds until no label changed any more, or no record lived.
    label_names_ : ndarray of str of shape (n_labels,)
    learned_ : ndarray of bool of shape (n_labels,)
        Whether the label could be learned; the others are kept as they are.
    n_features_in_ : int

    See Also
    --------
    sklearn_ecg.OnCleanedLabels : Trains any classifier on what this cleaner returns.

    Notes
    -----
    Records whose features are all NaN, and labels with too few examples, cannot be judged: they
    keep their weak label and are marked undecided.

    References
    ----------
    .. [1] Han et al., Label cleaning for ECG data based on abnormality feature patterns. Journal
       of Computer Research and Development 60(11) (2023).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import AFPLabelCleaner
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.integers(0, 2, size=(300, 1))
    >>> X = rng.normal(3 * truth, 0.5, size=(300, 4))
    >>> trusted = np.arange(300) < 100
    >>> weak = truth.copy()
    >>> weak[100:140] = 1 - weak[100:140]
    >>> cleaner = AFPLabelCleaner(random_state=0).fit(X, weak, trusted=trusted)
    >>> (weak != truth).sum(), (cleaner.labels_ != truth).sum()
    (np.int64(40), np.int64(0))
    """

    _parameter_constraints = {
        "features": "no_validation",
        "mixture": "no_validation",
        "method": [StrOptions({"bayes", "paper"})],
        "min_support": [Interval(numbers.Integral, 1, None, closed="left")],
        "min_confidence": [_SHARE],
        "min_correlation": [_SHARE],
        "max_exclusion": [_SHARE],
        "lifetime_rate": [Interval(numbers.Real, 0, None, closed="neither")],
        "max_iter": [Interval(numbers.Integral, 1, None, closed="left")],
        "anchors": ["boolean"],
        "rules": ["boolean"],
        "discriminators": ["boolean"],
        "margin": [Interval(numbers.Real, 0, 0.5, closed="left")],
        "undecided": [StrOptions({"unknown", "weak"})],
        "unseen": [StrOptions({"keep", "clean"})],
        "discriminator": "no_validation",
        "memory": [str, joblib.Memory, None],
        "n_jobs": [numbers.Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }
    # By default a Pipeline with metadata routing passes both on, without being asked to.
    __metadata_request__fit = {"trusted": True, "groups": True}

    def __init__(
        self,
        features=None,
        mixture=None,
        *,
        method="bayes",
        min_support=10,
        min_confidence=0.5,
        min_correlation=0.5,
        max_exclusion=0.02,
        lifetime_rate=1.0,
        max_iter=3,
        anchors=True,
        rules=True,
        discriminators=True,
        margin=0.05,
        undecided="unknown",
        unseen="keep",
        discriminator=None,
        memory=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.features = features
        self.mixture = mixture
        self.method = method
        self.min_support = min_support
        self.min_confidence = min_confidence
        self.min_correlation = min_correlation
        self.max_exclusion = max_exclusion
        self.lifetime_rate = lifetime_rate
        self.max_iter = max_iter
        self.anchors = anchors
        self.rules = rules
        self.discriminators = discriminators
        self.margin = margin
        self.undecided = undecided
        self.unseen = unseen
        self.discriminator = discriminator
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None, trusted=None, groups=None):
        """Learn from trusted and weak records together, and clean the weak ones.

        Parameters
        ----------
        X : ECGRecords, or array-like of shape (n_records, n_leads, n_times), or array-like or \
                DataFrame of shape (n_records, n_features)
            A table may hold NaN for what could not be measured.
        y : array-like or DataFrame of shape (n_records, n_labels), default=None
            1 present, 0 absent, -1 unknown; by default the labels of the records.
        trusted : array-like of bool of shape (n_records,), default=None
            Whose labels are complete and right; by default what the records say, else all of
            them: then the cleaner learns from an example set alone, for `clean`.
        groups : array-like of shape (n_records,), default=None
            Patients; by default those of the records.

        Returns
        -------
        self
        """
        check_params(self)
        table = self._feature_table(X, reset=True)
        given = check_input(X, y, trusted, groups, n_records=len(table))
        self._seed = check_random_state(self.random_state).randint(2**31 - 1)
        self.label_names_ = given.label_names
        measured = ~np.isnan(table).all(axis=1)
        if not (measured & given.trusted).any():
            raise ValueError(
                "the features of all trusted records are NaN, so that nothing can be learned; "
                "look at the signals, or pass other `features`."
            )
        self._find_learnable(given.labels, given.trusted, measured)
        self._scaling = FeatureScaling.learn(table)
        rows = np.flatnonzero(measured)
        filled = self._scaling.fill(table[rows])
        labels, is_trusted = given.labels[rows], given.trusted[rows]
        patients = None if given.groups is None else given.groups[rows]
        anchored = self._learn_patterns(filled, labels, is_trusted)
        decisions, lived = self._learn_labels(filled, labels, is_trusted, patients, anchored)
        self.lifetimes_ = np.zeros(len(table), dtype=int)
        self.lifetimes_[rows[~is_trusted]] = lived
        self._set_results(X, table, given, rows[~is_trusted], decisions)
        return self

    def fit_transform(self, X, y=None, trusted=None, groups=None):
        """Clean labels and return the records with them.

        Parameters
        ----------
        X, y, trusted, groups
            As for `fit`.

        Returns
        -------
        CleanedRecords
        """
        self.fit(X, y, trusted=trusted, groups=groups)
        given = check_input(X, y, trusted, groups, n_records=len(self.labels_))
        return cleaned_records(X, given, self.labels_, self.provenance_, self.confidence_)

    def clean(self, X, y=None, groups=None):
        """Clean new weak labels with what was learned.

        The noise rates are estimated anew, from those of `fit`.

        Parameters
        ----------
        X : as for `fit`
        y : array-like or DataFrame of shape (n_records, n_labels), default=None
        groups : array-like of shape (n_records,), default=None
            Handed on to the result.

        Returns
        -------
        CleanedRecords
        """
        check_is_fitted(self)
        table = self._feature_table(X, reset=False)
        weak_only = np.ones(len(table), dtype=bool)
        given = check_input(X, y, weak_only, groups, n_records=len(table))
        given.trusted = np.zeros(len(table), dtype=bool)
        self._check_labels(given)
        labels, decisions = self._clean_table(table, given.labels)
        return cleaned_records(X, given, labels, decisions.provenance, decisions.confidence)

    def transform(self, X):
        """Return records with cleaned labels; what carries no labels is handed through.

        Parameters
        ----------
        X : ECGRecords, array-like or DataFrame
            Trusted records keep their labels, records that `fit` saw get those that it gave them,
            others are cleaned with what was learned.

        Returns
        -------
        CleanedRecords, or X
        """
        check_is_fitted(self)
        if not isinstance(X, ECGRecords) or X.labels is None:
            if is_table(X):
                self._feature_table(X, reset=False)
            return X
        trusted = np.zeros(len(X), dtype=bool) if X.trusted is None else X.trusted
        given = check_input(X, None, np.ones(len(X), dtype=bool), None, n_records=len(X))
        given.trusted = trusted
        self._check_labels(given)
        decisions = Decisions.keeping(given.labels, "trusted")
        labels = given.labels.copy()
        weak = np.flatnonzero(~trusted)
        if len(weak):
            table = self._feature_table(X[weak], reset=False)
            labels[weak], found = self._recall_or_clean(table, given.labels[weak])
            decisions.put(weak, np.arange(labels.shape[1]), found)
        return cleaned_records(X, given, labels, decisions.provenance, decisions.confidence)

    def report(self):
        """Return what cleaning did, a row per label.

        Returns
        -------
        DataFrame
            Weak records with the label before and after, labels added, removed and undecided,
            the estimated noise rates, and whether the label could be learned.
        """
        check_is_fitted(self)
        return cleaning_report(self)

    def _feature_table(self, X, *, reset):
        """Return features as an array; extract them if X holds signals."""
        if is_table(X):
            values = X.without_labels() if isinstance(X, CleanedRecords) else X
            return validate_data(
                self,
                values,
                reset=reset,
                dtype=np.float64,
                ensure_all_finite="allow-nan",
                ensure_min_samples=2 if reset else 1,
            )
        n_records = len(X)
        if n_records < (2 if reset else 1):
            raise ValueError(
                f"Found array with {n_records} record(s) while a minimum of {2 if reset else 1} is "
                "required: labels are learned by comparing records."
            )
        if reset:
            self.n_features_in_ = X.shape[1]
            self.extractor_ = fit_extractor(
                self.features, X, memory=self.memory, n_jobs=self.n_jobs, verbose=self.verbose
            )
        if not hasattr(self, "extractor_"):
            raise ValueError("the cleaner was fitted to a feature table; got signals.")
        table = np.asarray(self.extractor_.transform(X), dtype=np.float64)
        if np.isinf(table).any():
            record = int(np.flatnonzero(np.isinf(table).any(axis=1))[0])
            raise ValueError(f"features of record {record} are infinite; look at its signal.")
        return table

    def _find_learnable(self, labels, trusted, measured):
        """Find labels with enough examples on each side, and name the others."""
        by_trusted = _enough(labels[trusted & measured])
        by_weak = _enough(labels[~trusted & measured]) if not trusted.all() else by_trusted
        learned = by_trusted & by_weak
        by_weak_alone = self.unseen == "clean" and self.method == "bayes" and learned.any()
        self._unseen = by_weak & ~by_trusted if by_weak_alone else np.zeros_like(learned)
        self.learned_ = learned | self._unseen
        if not learned.all():
            names = ", ".join(self.label_names_[~learned])
            fate = "they are kept as they are"
            if self._unseen.any():
                cleaned = ", ".join(self.label_names_[self._unseen])
                fate = f"of these {cleaned} are cleaned by what weak records say alone"
            warnings.warn(
                f"Too few examples of labels {names} among the trusted or among the weak records "
                f"(at least {_MIN_EXAMPLES} with and without a label are needed); {fate}. Trust "
                "more records that have them to clean them too.",
                UserWarning,
                stacklevel=3,
            )

    def _learn_patterns(self, filled, labels, trusted):
        """Find patterns, anchors and rules (stage 1)."""
        memory = check_memory(self.memory)
        X = self._scaling.scale(filled)
        self.patterns_ = memory.cache(find_patterns, ignore=["n_jobs"])(
            X, labels, trusted, self._mixture(), random_state=self._seed, n_jobs=self.n_jobs
        )
        self._anchors = []
        if self.anchors:
            find_anchors = memory.cache(find_anchor_patterns)
            self._anchors = find_anchors(self.patterns_, X, labels, trusted)
        anchored = find_anchor_labels(self._anchors, X, labels)
        fully_anchored = (labels == 1).any(axis=1) & ((labels != 1) | (anchored > 0)).all(axis=1)
        self._training = trusted | fully_anchored
        self._inclusion, self._exclusion = [], []
        if self.rules:
            data = X[self._training], labels[self._training], trusted[self._training]
            of_present = [p for p in self.patterns_ if p.present and p.source == "trusted"]
            self._inclusion = inclusion_rules(
                of_present,
                *data,
                min_support=self.min_support,
                min_confidence=self.min_confidence,
                min_correlation=self.min_correlation,
            )
            self._exclusion = exclusion_rules(
                *data[1:], min_support=self.min_support, max_exclusion=self.max_exclusion
            )
        return anchored

    def _mixture(self):
        if self.mixture is not None:
            return self.mixture
        if self.method == "paper":
            return DirichletProcessGaussianMixture(inference="gibbs", max_iter=20)
        return DirichletProcessGaussianMixture(n_components=8, max_iter=30)

    def _learn_labels(self, filled, labels, trusted, patients, anchored):
        """Clean the weak records in rounds (stage 2); return decisions on them, and lifetimes."""
        X = self._scaling.scale(filled)
        learned = np.flatnonzero(self.learned_)
        path_length = check_memory(self.memory).cache(mean_path_length, ignore=["n_jobs"])(
            X, random_state=self._seed, n_jobs=self.n_jobs
        )
        self._calibrations, self._pattern_discriminators = {}, {}
        if self.method == "bayes" and self.discriminators and len(learned):
            rounds = check_memory(self.memory).cache(clean_in_rounds, ignore=["n_jobs", "verbose"])(
                filled,
                labels,
                trusted,
                self._discriminator(patients),
                learned=np.flatnonzero(self.learned_ & ~self._unseen),
                unseen=np.flatnonzero(self._unseen),
                anchored=self._trusted_anchors(anchored),
                path_length=path_length,
                lifetime_rate=self.lifetime_rate,
                max_iter=self.max_iter,
                random_state=self._seed,
                n_jobs=self.n_jobs,
                verbose=self.verbose,
            )
            self._calibrations, self._fitted_discriminator = (
                rounds.calibrations,
                rounds.discriminator,
            )
            self.n_iter_, lived = rounds.n_iter, rounds.lifetimes[~trusted]
            decisions = self._decide(
                rounds.belief[~trusted], X[~trusted], labels[~trusted], anchored[~trusted]
            )
        else:
            if self.discriminators:
                of_trusted = [p for p in self.patterns_ if p.source == "trusted"]
                self._pattern_discriminators = pattern_discriminators(
                    of_trusted, X[self._training], learned
                )
            decisions, lived, self.n_iter_ = self._clean_by_thresholds(
                X[~trusted],
                labels[~trusted],
                anchored[~trusted],
                path_length=path_length[~trusted],
                update=True,
            )
        self.noise_rates_ = self._describe_noise(labels[~trusted], decisions)
        return decisions, lived

    def _discriminator(self, patients):
        if self.discriminator is None:
            return ForestDiscriminator(random_state=self._seed)
        return ClassifierDiscriminator(self.discriminator, patients, random_state=self._seed)

    def _trusted_anchors(self, anchored):
        return anchored >= _MIN_ACCURACY

    def _decide(self, belief, X, weak, anchored):
        settled = (belief >= _MIN_ACCURACY).astype(np.int8)
        return decide(
            belief,
            weak,
            anchors=anchored,
            included=apply_inclusion(self._firing(self._inclusion), X, settled),
            excluded=apply_exclusion(self._firing(self._exclusion), settled),
            min_accuracy=_MIN_ACCURACY,
            margin=self.margin,
        )

    def _firing(self, rules):
        """Rules that are applied: with "bayes" those that hold on the trusted records."""
        if self.method == "paper":
            return rules
        return [rule for rule in rules if rule.accuracy >= _MIN_ACCURACY]

    def _clean_by_thresholds(self, X, weak, anchored, *, path_length, update):
        if self.method == "bayes":
            anchored = np.where(self._trusted_anchors(anchored), anchored, 0)
        return clean_by_thresholds(
            X,
            weak,
            self._pattern_discriminators,
            self._firing(self._inclusion),
            self._firing(self._exclusion),
            anchored=anchored,
            learned=np.flatnonzero(self.learned_),
            path_length=path_length,
            lifetime_rate=self.lifetime_rate,
            max_iter=self.max_iter,
            update=update,
            verbose=self.verbose,
        )

    def _describe_noise(self, weak, decisions):
        rates = np.full((len(self.label_names_), 2), np.nan)
        for label in np.flatnonzero(self.learned_):
            if label in self._calibrations:
                calibration = self._calibrations[label]
                rates[label] = calibration.missing, calibration.wrong
            elif len(weak):
                given, present = weak[:, label] == 1, decisions.labels[:, label] == 1
                rates[label] = (present & ~given).sum(), (given & ~present).sum()
                rates[label] /= np.maximum((present.sum(), (~present).sum()), 1)
        return pd.DataFrame(rates, index=self.label_names_, columns=["missing", "wrong"])

    def _set_results(self, X, table, given, weak_rows, decisions):
        """Keep what was decided of the weak records, and the rest as it is."""
        all_labels = np.arange(given.labels.shape[1])
        results = Decisions.keeping(given.labels, "undecided")
        trusted_rows = np.flatnonzero(given.trusted)
        results.put(
            trusted_rows, all_labels, Decisions.keeping(given.labels[given.trusted], "trusted")
        )
        results.put(weak_rows, np.flatnonzero(self.learned_), decisions)
        self._results = results
        self.labels_ = self._final_labels(results, weak_rows)
        self.provenance_, self.confidence_ = results.provenance, results.confidence
        self._weak, self._trusted = given.labels, given.trusted
        self._position = {key: row for row, key in enumerate(_fingerprints(table, given.labels))}
        ids = X.ids if isinstance(X, ECGRecords) else np.arange(len(table))
        judged = np.isin(np.arange(len(table)), weak_rows)
        self.undecided_ = review_list(results, given, ids, judged[:, np.newaxis] & self.learned_)

    def _final_labels(self, results, judged_rows):
        """Apply the policy of `undecided` to what was judged; the rest keeps its weak label."""
        labels = results.labels.copy()
        if self.undecided == "unknown":
            judged = np.zeros(labels.shape, dtype=bool)
            judged[np.ix_(judged_rows, np.flatnonzero(self.learned_))] = True
            labels[judged & (results.provenance == "undecided")] = -1
        return labels

    def _recall_or_clean(self, table, weak):
        """Return what `fit` gave to records that it saw, and clean the others."""
        positions = [self._position.get(key) for key in _fingerprints(table, weak)]
        seen = np.array([position is not None for position in positions])
        labels, found = weak.copy(), Decisions.keeping(weak, "undecided")
        all_labels = np.arange(weak.shape[1])
        if seen.any():
            rows = np.array([position for position in positions if position is not None])
            labels[seen] = self.labels_[rows]
            found.put(np.flatnonzero(seen), all_labels, self._results.at(rows))
        if not seen.all():
            labels[~seen], new = self._clean_table(table[~seen], weak[~seen])
            found.put(np.flatnonzero(~seen), all_labels, new)
        return labels, found

    def _clean_table(self, table, weak):
        """Clean records that `fit` did not see."""
        results = Decisions.keeping(weak, "undecided")
        rows = np.flatnonzero(~np.isnan(table).all(axis=1))
        learned = np.flatnonzero(self.learned_)
        if len(rows) and len(learned):
            filled = self._scaling.fill(table[rows])
            X, given = self._scaling.scale(filled), weak[rows]
            anchored = find_anchor_labels(self._anchors, X, given)
            if self._calibrations:
                belief = self._believe(filled, given)
                decisions = self._decide(belief, X, given, anchored)
            else:
                path_length = mean_path_length(X, random_state=self._seed)
                decisions, _, _ = self._clean_by_thresholds(
                    X, given, anchored, path_length=path_length, update=False
                )
            results.put(rows, learned, decisions)
        return self._final_labels(results, rows), results

    def _believe(self, filled, weak):
        """Combine learned scores with weak labels, at the noise rates of these records."""
        scores = self._fitted_discriminator.score(filled)
        belief = np.zeros(weak.shape)
        for label, calibration in self._calibrations.items():
            probability = calibration.probability(scores[:, [label]])
            rates = estimate_noise_rates(
                probability, weak[:, label], calibration.missing, calibration.wrong
            )
            belief[:, label] = posterior(probability, weak[:, label], *rates)
        return belief

    def _check_labels(self, given):
        if len(given.label_names) != len(self.label_names_):
            raise ValueError(
                f"y has {len(given.label_names)} labels, but the cleaner was fitted to "
                f"{len(self.label_names_)}: {list(self.label_names_)}."
            )

    @property
    def anchor_patterns_(self):
        check_is_fitted(self)
        return anchor_table(self)

    @property
    def inclusion_rules_(self):
        check_is_fitted(self)
        return inclusion_table(self)

    @property
    def exclusion_rules_(self):
        check_is_fitted(self)
        return exclusion_table(self)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags


def _enough(labels):
    """Whether records with and without each label are enough to learn it."""
    needed = min(_MIN_EXAMPLES, max(len(labels) // 4, 1))
    return ((labels == 1).sum(axis=0) >= needed) & ((labels == 0).sum(axis=0) >= needed)


def _fingerprints(table, weak):
    """A key per record, by which `transform` recognises the records of `fit`."""
    return [
        hashlib.blake2b(row.tobytes() + given.tobytes(), digest_size=16).digest()
        for row, given in zip(np.ascontiguousarray(table), np.ascontiguousarray(weak), strict=True)
    ]

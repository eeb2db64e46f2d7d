"""AFPLabelCleaner: label cleaning by abnormality feature patterns."""

import hashlib
import numbers

import joblib
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_ecg.cleaning._decisions import Decisions
from sklearn_ecg.cleaning._inputs import FeatureScaling, check_input, fit_extractor, is_table
from sklearn_ecg.cleaning._reports import (
    anchor_table,
    cleaned_records,
    cleaning_report,
    exclusion_table,
    inclusion_table,
    review_list,
)
from sklearn_ecg.cleaning._stages import CleaningStages
from sklearn_ecg.records import CleanedRecords, ECGRecords
from sklearn_ecg.utils import HasMethods, Interval, StrOptions, check_params

_BOUNDS = ("", "_low", "_high")
_SHARE = Interval(numbers.Real, 0, 1, closed="both")


class AFPLabelCleaner(CleaningStages, TransformerMixin, BaseEstimator):
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
    joint : bool, default=True
        With "bayes", weigh the labels of a record together, since its errors come together: a
        label is lost where another is written in its place. How they do is estimated as noise
        rates are. If False, each label is weighed alone.
    margin : float, default=0.05
        With "bayes", a label is undecided while its probability is that near to one half.
    undecided : {"unknown", "weak"}, default="unknown"
        What becomes of undecided labels: -1, or the weak label.
    unseen : {"clean", "keep"}, default="clean"
        What becomes of labels that (almost) no trusted record has. "clean" believes, with the
        noise rates of the other labels, what weak records say of one another; nobody has vouched
        for what is learned of such a label, and a warning names it. "keep" leaves them as they
        are.
    discriminator : classifier, default=None
        In the place of the extra trees; cross-fitted by patient where `groups` are known.
    memory : str or joblib.Memory, default=None
        Keeps what does not depend on a threshold, so that a search over thresholds is cheap;
        with an int for `random_state`, since other seeds give other clusters and forests.
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
        Probability that each label is right; 0.5 where nothing is known. With ``method="paper"``
        labels that discriminators settle have the ratio of distances in its place.
    undecided_ : DataFrame
        What a person must look at, most doubtful first: record, label, weak, probability.
    patterns_ : list of Pattern
        With the label, the side and a Gaussian over scaled features of each cluster.
    anchor_patterns_ : DataFrame
    inclusion_rules_, exclusion_rules_ : DataFrame
        A rule with its measures; ``accuracy`` is the lower 5 % bound of its accuracy on trusted
        records, and ``fires`` whether that is enough for it to be applied.
    noise_rates_ : DataFrame
        For each label two estimated shares: ``missing``, of the records that have it, without
        the weak label; ``wrong``, of those that do not have it, with the weak label. The columns
        ``missing_low``, ``missing_high``, ``wrong_low`` and ``wrong_high`` bound their 95 %
        intervals.
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
        "features": [HasMethods(["fit", "transform"]), None],
        "mixture": [HasMethods(["fit"]), None],
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
        "joint": ["boolean"],
        "margin": [Interval(numbers.Real, 0, 0.5, closed="left")],
        "undecided": [StrOptions({"unknown", "weak"})],
        "unseen": [StrOptions({"keep", "clean"})],
        "discriminator": [HasMethods(["fit", "predict_proba"]), None],
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
        joint=True,
        margin=0.05,
        undecided="unknown",
        unseen="clean",
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
        self.joint = joint
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
        self._fit(X, y, trusted, groups)
        return self

    def _fit(self, X, y, trusted, groups):
        """Fit, and return the checked input; warnings count on being one call below the user's."""
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
        return given

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
        given = self._fit(X, y, trusted, groups)
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
            table = validate_data(
                self,
                values,
                reset=reset,
                dtype=np.float64,
                ensure_all_finite=False,
                ensure_min_samples=2 if reset else 1,
            )
            self._check_no_infinity(table, np.arange(len(table)), "Replace it, by NaN if unknown.")
            return table
        n_records = len(X)
        if n_records < (2 if reset else 1):
            why = ": labels are learned by comparing records." if reset else "."
            raise ValueError(
                f"Found array with {n_records} record(s) while a minimum of {2 if reset else 1} is "
                f"required{why}"
            )
        if reset:
            self.n_features_in_ = X.shape[1] if hasattr(X, "shape") else len(X[0])
            self.extractor_ = fit_extractor(
                self.features, X, memory=self.memory, n_jobs=self.n_jobs, verbose=self.verbose
            )
        if not hasattr(self, "extractor_"):
            raise ValueError("the cleaner was fitted to a feature table; got signals.")
        table = np.asarray(self.extractor_.transform(X), dtype=np.float64)
        self._check_no_infinity(
            table, getattr(X, "ids", np.arange(len(table))), "Look at its signal."
        )
        return table

    def _check_no_infinity(self, table, ids, cure):
        infinite = np.argwhere(np.isinf(table))
        if len(infinite):
            record, feature = infinite[0]
            names = getattr(self, "feature_names_in_", np.arange(table.shape[1]))
            raise ValueError(
                f"Input X contains infinity: feature {names[feature]!s} of record {ids[record]!s}, "
                f"and {len(infinite) - 1} other values. {cure}"
            )

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
        keys = _fingerprints(table, given.labels)
        # Weak records last: one that equals a trusted record is not trusted for that.
        self._position = {keys[row]: row for row in np.argsort(~given.trusted, kind="stable")}
        ids = X.ids if isinstance(X, ECGRecords) else np.arange(len(table))
        judged = np.isin(np.arange(len(table)), weak_rows)
        self._review = review_list(results, given, ids, judged[:, np.newaxis] & self.learned_)

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

    def _check_labels(self, given):
        if len(given.label_names) != len(self.label_names_):
            raise ValueError(
                f"y has {len(given.label_names)} labels, but the cleaner was fitted to "
                f"{len(self.label_names_)}: {self.label_names_.tolist()}."
            )
        numbered = np.arange(len(given.label_names)).astype(str)
        known = not np.array_equal(given.label_names, numbered)
        if known and not np.array_equal(given.label_names, self.label_names_):
            raise ValueError(
                f"y has the labels {given.label_names.tolist()}, but the cleaner was fitted to "
                f"{self.label_names_.tolist()}, in this order; reorder or rename them."
            )

    # The tables are made when asked for: skops stores arrays, and no DataFrames.
    @property
    def undecided_(self):
        check_is_fitted(self)
        return pd.DataFrame(self._review)

    @property
    def noise_rates_(self):
        check_is_fitted(self)
        return pd.DataFrame(
            self._noise_rates,
            index=self.label_names_,
            columns=[f"{rate}{bound}" for rate in ("missing", "wrong") for bound in _BOUNDS],
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


def _fingerprints(table, weak):
    """A key per record, by which `transform` recognises the records of `fit`."""
    return [
        hashlib.blake2b(row.tobytes() + given.tobytes(), digest_size=16).hexdigest()
        for row, given in zip(np.ascontiguousarray(table), np.ascontiguousarray(weak), strict=True)
    ]

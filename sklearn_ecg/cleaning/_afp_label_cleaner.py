"""AFPLabelCleaner: label cleaning by abnormality feature patterns."""

import numbers

import joblib
import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_ecg.cleaning._base import BaseLabelCleaner
from sklearn_ecg.cleaning._bayes import BayesMethod
from sklearn_ecg.cleaning._constraints import find_constraints
from sklearn_ecg.cleaning._discriminators import (
    ClassifierDiscriminator,
    Discriminators,
    ForestDiscriminator,
    KernelDiscriminator,
)
from sklearn_ecg.cleaning._label_errors import NOISE_RATES
from sklearn_ecg.cleaning._paper import PaperMethod
from sklearn_ecg.cleaning._pattern_evidence import PatternEvidence
from sklearn_ecg.cleaning._reports import anchor_table, exclusion_table, inclusion_table
from sklearn_ecg.mixture import DirichletProcessGaussianMixture
from sklearn_ecg.utils import HasMethods, Interval, StrOptions, warn_user

# Fewer records than this with or without a label teach nothing of it.
_MIN_EXAMPLES = 5
# With "bayes", rules and anchors that are right less often than this on trusted records are mute.
_MIN_ACCURACY = 0.95
_SHARE = Interval(numbers.Real, 0, 1, closed="both")


class AFPLabelCleaner(BaseLabelCleaner):
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
        ``method="bayes"``, by Gibbs sampling for ``method="paper"``. Any mixture of Gaussians
        will do, scikit-learn's too.
    method : {"bayes", "paper"}, default="bayes"
        "bayes" combines calibrated, cross-fitted discriminators with the weak label by Bayes'
        rule, with errors of the weak labels that it estimates. "paper" follows [1]_: hard
        thresholds on how near a record is to the patterns of each side; only given labels and
        those that a rule includes are questioned.
    min_confidence : float, default=0.55
        Acts with "bayes" alone: a label is changed, or confirmed, if what it becomes is at least
        that probable; else it is undecided. Higher values change fewer labels, more of them
        rightly.
    caution : float, default=1.0
        Acts with "bayes" alone: so many standard errors more noise than trusted records seem to
        show must be seen for half of it to be believed. 0 takes the estimate as it is; higher
        values spare labels that are right where few records are trusted.
    exclusive : list of groups of labels, or dict, default=None
        Acts with "bayes" alone: labels, by name or position, of which a record has at most one:
        ``[("N", "A", "O")]``. As a dict, groups stand under "at_most_one" and "exactly_one".
        What is decided does not break them; weak labels that stay, where they are undecided or
        no feature was measured, still may. With None (and no `implies`), all labels are taken as
        classes if 30 or more records are trusted in full, each of them has exactly one label, and
        so do nearly all others; ``[]`` asks for no constraint.
    implies : list of (sublabel, superlabel), default=None
        Acts with "bayes" alone: a record with the first has the second too, as in
        ``[("AMI", "MI")]``.
    joint : bool, default=True
        Acts with "bayes" alone: weigh the labels of a record together, since its errors come
        together: a label is lost where another is written in its place. How they do is estimated
        as noise rates are. If False, each label is weighed alone.
    max_iter : int, default=2
        Most rounds.
    min_support : int, default=10
        Acts with "paper" alone, as all thresholds of rules; with "bayes" rules explain, and
        decide nothing: fewest training records for a rule (the paper's st).
    min_rule_confidence : float, default=0.5
        Acts with "paper" alone: least confidence of an inclusion rule (ct).
    min_rule_correlation : float, default=0.5
        Acts with "paper" alone: least Kulczynski measure of an inclusion rule (rt).
    max_exclusion : float, default=0.02
        Acts with "paper" alone: two frequent labels exclude each other below this correlation
        (eps).
    lifetime_rate : float, default=1.0
        Acts with "paper" alone: rounds per open label of the most common record; rare records
        live longer.
    anchors, rules, discriminators : bool, default=True
        Act with "paper" alone: switch a stage off.
    undecided : {"unknown", "weak"}, default="unknown"
        What becomes of undecided labels: -1, or the weak label.
    unseen : {"clean", "keep"}, default="clean"
        What becomes of labels that (almost) no trusted record has. "clean" believes, with the
        noise rates of the other labels, what weak records say of one another; nobody has vouched
        for what is learned of such a label, and a warning names it. "keep" leaves them as they
        are.
    discriminator : classifier, default=None
        Acts with "bayes" alone: in the place of extra trees and kernel regression; cross-fitted
        by patient where `groups` are known. (These are cross-fitted record by record, whatever
        `groups`.)
    memory : str or joblib.Memory, default=None
        Keeps what does not depend on a threshold, so that a search over thresholds is cheap;
        with an int for `random_state`, since other seeds give other clusters and forests.
    n_jobs : int, default=None
    random_state : int, RandomState instance or None, default=None
    verbose : int, default=0
        If positive, each stage says its name as it begins, and bars count records.

    Attributes
    ----------
    labels_ : ndarray of int8 of shape (n_records, n_labels)
        The cleaned labels of the records of `fit`.
    provenance_ : ndarray of str of shape (n_records, n_labels)
        Where each label comes from, one of `sklearn_ecg.records.PROVENANCES`.
    confidence_ : ndarray of shape (n_records, n_labels)
        Probability that each label is right (of one left undecided, the weak label); 0.5 where
        nothing is known. With ``method="paper"`` labels that discriminators decide have the ratio
        of distances in its place.
    undecided_ : DataFrame
        What a person must look at: id (of the record, or its index in a DataFrame), label, weak,
        probability, and errors_resolved, the expected number of the record's labels that an
        answer puts right, beyond answers that put right more; it ranks the list. An answer tells
        of other labels too, where they are lost and gained together. `questions` ranks all others
        with them.
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
        intervals. Where there are several sources, rows go by source and label.
    lifetimes_ : ndarray of int of shape (n_records,)
        Rounds that each record lived; with "bayes" all weak records live through all of them.
    n_iter_ : int
        Rounds until no label changed any more, at most `max_iter`; with "paper", or none lived.
    label_names_ : ndarray of str of shape (n_labels,)
    source_names_ : list of str
    learned_ : ndarray of bool of shape (n_labels,)
        Whether the label could be learned; the others are kept as they are.
    n_features_in_ : int

    See Also
    --------
    sklearn_ecg.OnCleanedLabels : Trains any classifier on what this cleaner returns.

    Notes
    -----
    Records whose features are all NaN, and labels with too few examples, cannot be judged: they
    keep their weak label and are marked undecided. Values far outside the middle 80 % of a feature
    (by twice its width) are clipped, so that outlying records hide nothing from the others.

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
        "min_confidence": [Interval(numbers.Real, 0.5, 1, closed="both")],
        "caution": [Interval(numbers.Real, 0, None, closed="left")],
        "exclusive": [list, tuple, dict, None],
        "implies": [list, tuple, None],
        "min_support": [Interval(numbers.Integral, 1, None, closed="left")],
        "min_rule_confidence": [_SHARE],
        "min_rule_correlation": [_SHARE],
        "max_exclusion": [_SHARE],
        "lifetime_rate": [Interval(numbers.Real, 0, None, closed="neither")],
        "max_iter": [Interval(numbers.Integral, 1, None, closed="left")],
        "anchors": ["boolean"],
        "rules": ["boolean"],
        "discriminators": ["boolean"],
        "joint": ["boolean"],
        "undecided": [StrOptions({"unknown", "weak"})],
        "unseen": [StrOptions({"keep", "clean"})],
        "discriminator": [HasMethods(["fit", "predict_proba"]), None],
        "memory": [str, joblib.Memory, None],
        "n_jobs": [numbers.Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        features=None,
        mixture=None,
        *,
        method="bayes",
        min_confidence=0.55,
        caution=1.0,
        exclusive=None,
        implies=None,
        joint=True,
        max_iter=2,
        min_support=10,
        min_rule_confidence=0.5,
        min_rule_correlation=0.5,
        max_exclusion=0.02,
        lifetime_rate=1.0,
        anchors=True,
        rules=True,
        discriminators=True,
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
        self.min_confidence = min_confidence
        self.caution = caution
        self.exclusive = exclusive
        self.implies = implies
        self.joint = joint
        self.max_iter = max_iter
        self.min_support = min_support
        self.min_rule_confidence = min_rule_confidence
        self.min_rule_correlation = min_rule_correlation
        self.max_exclusion = max_exclusion
        self.lifetime_rate = lifetime_rate
        self.anchors = anchors
        self.rules = rules
        self.discriminators = discriminators
        self.undecided = undecided
        self.unseen = unseen
        self.discriminator = discriminator
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def _check_trusted(self, labels, trusted):
        self._constraints = None
        if self.method == "bayes":
            self._constraints = find_constraints(
                self.exclusive, self.implies, labels, trusted, self.label_names_, self._ids
            )
        elif self.exclusive or self.implies:
            raise ValueError(
                "exclusive and implies act with method='bayes' alone; the paper's method learns "
                "exclusion rules of its own (max_exclusion). Leave them out."
            )

    def _fit(self, table, labels, trusted, answered, groups, sources):
        if not trusted.any():
            raise ValueError(
                "the features of all trusted records are NaN, so that nothing can be learned; "
                "look at the signals, or pass other `features`."
            )
        self._method = self._make_method(groups)
        learned = self._find_learnable(labels, trusted)
        decisions = self._method.fit(
            table,
            labels,
            trusted,
            answered,
            sources,
            learned=self.learned_,
            unseen=self.learned_ & ~learned,
        )
        rates = self._method.noise_rates_.reshape(-1, len(NOISE_RATES))
        self._noise_rates = dict(zip(NOISE_RATES, rates.T, strict=True))
        return decisions

    def _make_method(self, groups):
        """Choose who decides, and give it what it needs."""
        by_bayes = self.method == "bayes"
        mixture = self.mixture
        if mixture is None and by_bayes:
            # Here patterns explain what others decide; more records do not change them.
            mixture = DirichletProcessGaussianMixture(n_components=8, max_iter=30, max_samples=2000)
        elif mixture is None:
            mixture = DirichletProcessGaussianMixture(inference="gibbs", max_iter=20)
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        shared = {
            "random_state": seed,
            "memory": self.memory,
            "n_jobs": self.n_jobs,
            "verbose": self.verbose,
        }
        evidence = PatternEvidence(
            mixture,
            min_support=self.min_support,
            min_confidence=self.min_rule_confidence,
            min_correlation=self.min_rule_correlation,
            max_exclusion=self.max_exclusion,
            anchors=self.anchors,
            rules=self.rules,
            min_accuracy=_MIN_ACCURACY if by_bayes else 0.0,
            **shared,
        )
        shared["max_iter"] = self.max_iter
        if not by_bayes:
            return PaperMethod(
                evidence,
                discriminators=self.discriminators,
                lifetime_rate=self.lifetime_rate,
                **shared,
            )
        if self.discriminator is None:
            members = [ForestDiscriminator(random_state=seed), KernelDiscriminator(seed)]
        else:
            members = [ClassifierDiscriminator(self.discriminator, groups, random_state=seed)]
        return BayesMethod(
            Discriminators(members),
            evidence,
            constraints=self._constraints,
            joint=self.joint,
            caution=self.caution,
            min_confidence=self.min_confidence,
            **shared,
        )

    def _find_learnable(self, labels, trusted):
        """Find labels with enough examples on each side, and name the others.

        Sets ``learned_``, and returns which of these labels trusted records show.
        """
        by_trusted = _enough(labels, trusted)
        by_weak = np.where(trusted.all(axis=0), by_trusted, _enough(labels, ~trusted))
        learned = by_trusted & by_weak
        by_weak_alone = self.unseen == "clean" and self._method.cleans_unseen and learned.any()
        unseen = by_weak & ~by_trusted & by_weak_alone
        self.learned_ = learned | unseen
        if not learned.all():
            names = ", ".join(self.label_names_[~learned])
            fate = "they are kept as they are"
            if unseen.any():
                cleaned = ", ".join(self.label_names_[unseen])
                fate = f"of these {cleaned} are cleaned by what weak records say alone"
            warn_user(
                f"Too few examples of labels {names} among the trusted or among the weak records "
                f"({_MIN_EXAMPLES} with and {_MIN_EXAMPLES} without a label are needed, fewer "
                f"among less than {4 * _MIN_EXAMPLES} records); {fate}. Trust "
                "more records that have them to clean them too."
            )
        return learned

    def _clean(self, table, weak, sources):
        return self._method.clean(table, weak, sources)

    def _final_labels(self, decisions, judged):
        labels = decisions.labels.copy()
        if self.undecided == "unknown":
            labels[judged & (decisions.provenance == "undecided")] = -1
        return labels

    @property
    def n_iter_(self):
        check_is_fitted(self)
        return self._method.n_iter_

    @property
    def lifetimes_(self):
        check_is_fitted(self)
        lifetimes = np.zeros(len(self._measured), dtype=int)
        lifetimes[self._measured] = self._method.lifetimes_
        return lifetimes

    @property
    def patterns_(self):
        check_is_fitted(self)
        return self._method.evidence.patterns_

    def _rule_evidence(self):
        return self._method.evidence

    # As in the base, tables are made when asked for.
    @property
    def anchor_patterns_(self):
        check_is_fitted(self)
        return anchor_table(self._method.evidence, self.label_names_)

    @property
    def inclusion_rules_(self):
        check_is_fitted(self)
        return inclusion_table(self._method.evidence, self.label_names_)

    @property
    def exclusion_rules_(self):
        check_is_fitted(self)
        return exclusion_table(self._method.evidence, self.label_names_)


def _enough(labels, asked):
    """Whether the labels that are asked hold enough examples, with and without, to learn each."""
    needed = np.clip(asked.sum(axis=0) // 4, 1, _MIN_EXAMPLES)
    present, absent = (((labels == value) & asked).sum(axis=0) for value in (1, 0))
    return (present >= needed) & (absent >= needed)

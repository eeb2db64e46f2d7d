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
from sklearn_ecg.cleaning._noise_rates import NOISE_RATES
from sklearn_ecg.cleaning._paper import PaperMethod
from sklearn_ecg.cleaning._pattern_evidence import PatternEvidence
from sklearn_ecg.cleaning._reports import anchor_table, exclusion_table, inclusion_table
from sklearn_ecg.mixture import DirichletProcessGaussianMixture
from sklearn_ecg.utils import HasMethods, Interval, StrOptions, warn_user

# A label is learned only from at least so many records with it, and so many without it.
_MIN_EXAMPLES = 5
# With "bayes", rules and anchors are used only if they are right this often on trusted records.
_MIN_ACCURACY = 0.95
_SHARE = Interval(numbers.Real, 0, 1, closed="both")


class AFPLabelCleaner(BaseLabelCleaner):
    """Clean weak multi-label annotations with the help of some trusted records.

    The cleaner checks every label of every weak record. It removes wrong labels, adds missing ones,
    and leaves labels that it cannot decide to a person. Labels of trusted records do not change.

    Parameters
    ----------
    features : transformer, default=None
        Turns signals into a table of features; by default `ECGFeatureExtractor()`. It is not used
        if the input is a table.
    mixture : estimator, default=None
        Finds patterns; by default `DirichletProcessGaussianMixture`, variational for
        ``method="bayes"``, with Gibbs sampling for ``method="paper"``. It may be any mixture of
        Gaussians, also one of scikit-learn.
    method : {"bayes", "paper"}, default="bayes"
        "bayes" combines calibrated, cross-fitted discriminators with the weak label by Bayes'
        rule, and estimates the error rates of the weak labels. "paper" follows [1]_: fixed
        thresholds on the distances of a record to the patterns with and without the label. It
        checks only the given labels and those that a rule includes.
    min_confidence : float, default=0.55
        For "bayes" only. A label is changed or confirmed if its new value has at least this
        probability; else it is undecided. Larger values change fewer labels, and make fewer wrong
        changes.
    caution : float, default=1.0
        For "bayes" only. Half of the estimated noise is believed if it exceeds, by this number of
        standard errors, the noise that trusted records seem to have. 0 believes the whole
        estimate. Larger values protect right labels if few records are trusted.
    exclusive : list of groups of labels, or dict, default=None
        For "bayes" only. Groups of labels, by name or position, that exclude each other:
        ``[("N", "A", "O")]``. A dict has groups under the keys "at_most_one" and "exactly_one".
        Decided labels obey the constraints; weak labels that stay (undecided, or of records
        without features) may break them. With None (and no `implies`), all labels are one group
        if at least 30 records are fully trusted, each of these has exactly one label, and nearly
        all other records too. ``[]`` means no constraint.
    implies : list of (sublabel, superlabel), default=None
        For "bayes" only. A record with the first label also has the second, as in
        ``[("AMI", "MI")]``.
    joint : bool, default=True
        For "bayes" only. Whether to weigh the labels of a record together, because their errors
        come together: one label is often written in place of another. These swaps are estimated
        like noise rates. If False, each label is weighed alone.
    max_iter : int, default=2
        Largest number of rounds.
    min_support : int, default=10
        For "paper" only, as are the other thresholds of rules; with "bayes", rules explain
        decisions but do not make them. Least number of training records for a rule (the paper's
        st).
    min_rule_confidence : float, default=0.5
        For "paper" only. Least confidence of an inclusion rule (ct).
    min_rule_correlation : float, default=0.5
        For "paper" only. Least Kulczynski measure of an inclusion rule (rt).
    max_exclusion : float, default=0.02
        For "paper" only. Two frequent labels exclude each other if their correlation is smaller
        (eps).
    lifetime_rate : float, default=1.0
        For "paper" only. Rounds per open label for the most common record; rare records get more
        rounds.
    anchors, rules, discriminators : bool, default=True
        For "paper" only. False switches a stage off.
    undecided : {"unknown", "weak"}, default="unknown"
        The value of undecided labels: -1, or the weak label.
    unseen : {"clean", "keep"}, default="clean"
        How to treat labels that (almost) no trusted record has. "clean" learns them from weak
        records alone, with the noise rates of the other labels; no trusted record confirms the
        result, and a warning names these labels. "keep" leaves them unchanged.
    discriminator : classifier, default=None
        For "bayes" only. Replaces extra trees and kernel regression. It is cross-fitted by patient
        if `groups` are known; the default is cross-fitted by record.
    memory : str or joblib.Memory, default=None
        Stores results that do not depend on thresholds, so that a search over thresholds is fast.
        It needs an int for `random_state`, because another seed gives other results.
    n_jobs : int, default=None
        Number of joblib workers.
    random_state : int, RandomState instance or None, default=None
        Seed of clusters, forests and simulated noise. Pass an int for the same labels each time.
    verbose : int, default=0
        If positive, writes the name of each stage, and shows progress bars.

    Attributes
    ----------
    labels_ : ndarray of int8 of shape (n_records, n_labels)
        The cleaned labels of the records of `fit`.
    provenance_ : ndarray of str of shape (n_records, n_labels)
        The reason for each label, one of `sklearn_ecg.records.PROVENANCES`.
    confidence_ : ndarray of shape (n_records, n_labels)
        Probability that each label is right (the weak label, if undecided); 0.5 if nothing is
        known. With ``method="paper"``, labels that discriminators decide have a ratio of distances
        instead.
    undecided_ : DataFrame
        The review list of labels for a person: id (of the record, or its index in a DataFrame),
        label, weak, probability, and errors_resolved. The list is sorted by errors_resolved, the
        expected number of labels of the record that the answer corrects, in addition to better
        answers. One answer may settle several labels that are often swapped. `questions` also ranks
        decided labels.
    patterns_ : list of Pattern
        The clusters, each with its label, side, and a Gaussian over scaled features.
    anchor_patterns_ : DataFrame
        Pairs of matching patterns of trusted and weak records.
    inclusion_rules_, exclusion_rules_ : DataFrame
        Rules with their measures. ``accuracy`` is the lower 5 % bound of the accuracy on trusted
        records; ``fires`` says whether the rule is accurate enough to be used.
    noise_rates_ : DataFrame
        Two estimated shares per label: ``missing``, the records that have the label, but not as a
        weak label; ``wrong``, the records that do not have the label, but have it as a weak label.
        The columns ``missing_low``, ``missing_high``, ``wrong_low`` and ``wrong_high`` are the
        ends of their 95 % intervals. With several sources, there is a row per source and label.
    lifetimes_ : ndarray of int of shape (n_records,)
        Number of rounds for each record; with "bayes", all weak records take part in all rounds.
    n_iter_ : int
        Rounds until no label changed, at most `max_iter`; with "paper", or until all lifetimes
        ended.
    label_names_ : ndarray of str of shape (n_labels,)
        Names of the labels.
    source_names_ : list of str
        Names of the sources.
    learned_ : ndarray of bool of shape (n_labels,)
        Whether the label could be learned; other labels do not change.
    n_features_in_ : int
        ``X.shape[1]``: the number of leads, of samples, or of features of a table.

    See Also
    --------
    sklearn_ecg.OnCleanedLabels : Train any classifier on the cleaned labels.

    Notes
    -----
    Records whose features are all NaN, and labels with too few examples, cannot be judged: they
    keep their weak label and are marked undecided. Values that lie more than twice the width of
    the middle 80 % of a feature outside of it are clipped, so that outliers do not dominate.

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
                "exclusive and implies work only with method='bayes'; method='paper' learns its "
                "own exclusion rules (max_exclusion). Leave them out."
            )

    def _fit(self, table, labels, trusted, answered, groups, sources):
        if not trusted.any():
            raise ValueError(
                "The features of all trusted records are NaN, so nothing can be learned; look at "
                "the signals, or pass other `features`."
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
        """Return the method that makes the decisions."""
        by_bayes = self.method == "bayes"
        mixture = self.mixture
        if mixture is None and by_bayes:
            # Here patterns only explain decisions, so 2000 records are enough.
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
        """Find labels with enough examples, and warn of the others.

        Sets ``learned_``, and returns a mask of the labels that trusted records show.
        """
        by_trusted = _enough(labels, trusted)
        by_weak = np.where(trusted.all(axis=0), by_trusted, _enough(labels, ~trusted))
        learned = by_trusted & by_weak
        by_weak_alone = self.unseen == "clean" and self._method.cleans_unseen and learned.any()
        unseen = by_weak & ~by_trusted & by_weak_alone
        self.learned_ = learned | unseen
        if not learned.all():
            names = ", ".join(self.label_names_[~learned])
            fate = "they are not changed"
            if unseen.any():
                cleaned = ", ".join(self.label_names_[unseen])
                fate = f"{cleaned} are learned from weak records alone, the others are not changed"
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

    # As in the base class, tables are made on access.
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
    """Whether the masked entries hold enough examples with and without each label."""
    needed = np.clip(asked.sum(axis=0) // 4, 1, _MIN_EXAMPLES)
    present, absent = (((labels == value) & asked).sum(axis=0) for value in (1, 0))
    return (present >= needed) & (absent >= needed)

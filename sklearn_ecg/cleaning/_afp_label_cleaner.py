"""AFPLabelCleaner: label cleaning by abnormality feature patterns."""

import numbers

import joblib
import numpy as np
import pandas as pd
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_ecg.cleaning._base import BaseLabelCleaner
from sklearn_ecg.cleaning._inputs import FeatureScaling, check_input
from sklearn_ecg.cleaning._reports import anchor_table, exclusion_table, inclusion_table
from sklearn_ecg.cleaning._stages import CleaningStages
from sklearn_ecg.utils import HasMethods, Interval, StrOptions, check_params

_BOUNDS = ("", "_low", "_high")
_SHARE = Interval(numbers.Real, 0, 1, closed="both")


class AFPLabelCleaner(CleaningStages, BaseLabelCleaner):
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
    max_iter : int, default=2
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
        In the place of the extra trees; cross-fitted by patient where `groups` are known. (The
        trees are cross-fitted record by record, whatever `groups`.)
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
        Probability that each label is right (of one left undecided, the weak label); 0.5 where
        nothing is known. With ``method="paper"`` labels that discriminators settle have the ratio
        of distances in its place.
    undecided_ : DataFrame
        What a person must look at: record (its id, or its index in a DataFrame), label, weak,
        probability, and settled, the expected number of the record's labels that an answer
        puts right; it ranks the list. An answer tells of other labels too, where they are lost
        and gained together.
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
        intervals, which do not reckon with errors of the calibration.
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
        max_iter=2,
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

    # The tables are made when asked for: skops stores arrays, and no DataFrames.
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

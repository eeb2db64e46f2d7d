"""PaperMethod: the cleaning of the AFP paper, by fixed thresholds on distances to patterns."""

from dataclasses import replace

import numpy as np
from scipy.special import digamma
from scipy.stats import beta
from sklearn.ensemble import IsolationForest

from sklearn_ecg.cleaning._decisions import Decisions
from sklearn_ecg.cleaning._memory import remembered
from sklearn_ecg.cleaning._noise_rates import NOISE_RATES
from sklearn_ecg.cleaning._scaling import FeatureScaling
from sklearn_ecg.utils import progress


class PaperMethod:
    """Decide by anchors and rules first, then by the distances to the patterns of each side.

    Only given and unknown labels are decided; inclusion rules add others.

    Parameters
    ----------
    evidence : PatternEvidence
    discriminators : bool
        If False, only anchors and rules decide.
    lifetime_rate : float
    max_iter : int
    random_state : int
    memory : str or joblib.Memory, default=None
    n_jobs : int, default=None
    verbose : int, default=0

    Attributes
    ----------
    noise_rates_ : ndarray of shape (1, n_labels, 6)
        Columns `NOISE_RATES`; NaN for labels that are not learned.
    lifetimes_ : ndarray of int of shape (n_records,)
    n_iter_ : int
    """

    cleans_unseen = False

    def __init__(
        self,
        evidence,
        *,
        discriminators,
        lifetime_rate,
        max_iter,
        random_state,
        memory=None,
        n_jobs=None,
        verbose=0,
    ):
        self.evidence = evidence
        self.discriminators = discriminators
        self.lifetime_rate = lifetime_rate
        self.max_iter = max_iter
        self.random_state = random_state
        self.memory = memory
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, table, labels, trusted, answered=None, sources=None, *, learned, unseen=None):
        """Learn from all records, and clean those whose labels are not all trusted.

        Parameters
        ----------
        table : ndarray of shape (n_records, n_features)
            NaN for features that were not measured.
        labels : ndarray of int8 of shape (n_records, n_labels)
        trusted : ndarray of bool of shape (n_records, n_labels)
        learned : ndarray of bool of shape (n_labels,)
            Labels with enough examples.
        answered, sources, unseen : ignored

        Returns
        -------
        Decisions
            For the records whose labels are not all trusted.
        """
        self._scaling = FeatureScaling.learn(table)
        X = self._scaling.scale(table)
        self.evidence.fit(X, labels, trusted)
        self._discriminators = {}
        if self.discriminators:
            patterns = [p for p in self.evidence.patterns_ if p.source == "trusted"]
            for label in np.flatnonzero(learned):
                of_label = [p for p in patterns if p.label == label]
                discriminator = PatternDiscriminator(
                    [p for p in of_label if p.present], [p for p in of_label if not p.present]
                )
                training = X[self.evidence.training_]
                self._discriminators[label] = discriminator.fit_threshold(training)
        self._learned = np.flatnonzero(learned)
        path_length = remembered(self.memory, mean_path_length, ignore=["n_jobs"])(
            X, random_state=self.random_state, n_jobs=self.n_jobs
        )
        weak = ~trusted.all(axis=1)
        decisions, lived, self.n_iter_ = self._decide(
            X[weak], labels[weak], trusted[weak], path_length[weak], update=True
        )
        self.lifetimes_ = np.zeros(len(X), dtype=int)
        self.lifetimes_[weak] = lived
        # Thresholds give no probability, so decided labels are taken as certain.
        self.noise_rates_ = np.full((1, labels.shape[1], len(NOISE_RATES)), np.nan)
        for label in self._learned:
            asked = ~trusted[weak, label]
            belief = 1.0 * (decisions.labels[asked, label] == 1)
            self.noise_rates_[0, label] = describe_noise_rates(belief, labels[weak, label][asked])
        return decisions

    def clean(self, table, weak, sources=None):
        """Clean records that `fit` did not see.

        Parameters
        ----------
        table : ndarray of shape (n_records, n_features)
        weak : ndarray of int8 of shape (n_records, n_labels)
        sources : ignored

        Returns
        -------
        Decisions
        """
        X = self._scaling.scale(table)
        path_length = mean_path_length(X, random_state=self.random_state)
        trusted = np.zeros(weak.shape, dtype=bool)
        return self._decide(X, weak, trusted, path_length, update=False)[0]

    def _decide(self, X, weak, trusted, path_length, *, update):
        """Decide label by label, round by round.

        Parameters
        ----------
        X : ndarray of shape (n_records, n_features)
        weak : ndarray of shape (n_records, n_labels)
        trusted : ndarray of bool of shape (n_records, n_labels)
        path_length : ndarray of shape (n_records,)
        update : bool
            Whether discriminators learn from decided labels.

        Returns
        -------
        decisions : Decisions
        lived : ndarray of int of shape (n_records,)
        n_iter : int
        """
        open_ = np.zeros(weak.shape, dtype=bool)
        open_[:, self._learned] = weak[:, self._learned] != 0
        open_ &= ~trusted
        labels = np.where(weak == 1, 1, 0).astype(np.int8)
        provenance = np.full(weak.shape, "confirmed", dtype="<U9")
        # Labels that are not given are not decided, so nothing is known about them.
        belief = np.full(weak.shape, 0.5)

        def close(where, value, stage, probability):
            labels[where], provenance[where], open_[where] = value, stage, False
            belief[where] = np.broadcast_to(probability, where.shape)[where]

        anchored = self.evidence.anchored(X, weak)
        close(open_ & (anchored > 0), 1, "anchor", anchored)
        given = trusted & (weak == 1)
        accuracy = self.evidence.included(X, given | (anchored > 0))
        close(~trusted & (accuracy > 0) & (labels == 0), 1, "included", accuracy)
        close(open_ & (accuracy > 0), 1, "confirmed", accuracy)
        known = given | np.isin(provenance, ("anchor", "included"))
        accuracy = self.evidence.excluded(known)
        close(open_ & (accuracy > 0), 0, "excluded", 1 - accuracy)

        lived, n_iter = np.zeros(len(X), dtype=int), 0
        alive = open_.any(axis=1)
        n_rounds = self.max_iter if self._discriminators and alive.any() else 0
        for n_iter in range(1, n_rounds + 1):
            lived += alive
            for label, discriminator in progress(
                self._discriminators.items(),
                description=f"Round {n_iter}: labels",
                verbose=self.verbose,
            ):
                asked = np.flatnonzero(alive & open_[:, label])
                if not len(asked):
                    continue
                ratio = discriminator.ratio(X[asked])
                verdict = discriminator.verdict(ratio)
                belief[asked, label] = ratio
                labels[asked[verdict == -1], label] = 0
                labels[asked[verdict == 1], label] = 1
                provenance[asked[verdict == -1], label] = "removed"
                open_[asked[verdict != 0], label] = False
                if update:
                    discriminator.update(X[asked], verdict)
            if update:
                for discriminator in self._discriminators.values():
                    discriminator.fit_threshold(X)
            left = lifetimes(path_length, open_.sum(axis=1), self.lifetime_rate) - n_iter
            alive = alive & (left > 0)
            if not alive.any():
                break
        labels = np.where(open_ & (weak == -1), -1, labels).astype(np.int8)
        provenance[open_] = "undecided"
        provenance[(weak == -1) & (labels == 1) & (provenance == "confirmed")] = "added"
        confidence = np.where(labels == 1, belief, 1 - belief)
        confidence[provenance == "undecided"] = 0.5
        return Decisions(labels, provenance, confidence, belief), lived, n_iter


def mean_path_length(X, *, random_state, n_jobs=None):
    """Return the mean number of splits that isolate each record in an isolation forest.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_features)
    random_state : int
    n_jobs : int, default=None

    Returns
    -------
    ndarray of shape (n_records,)
        Common records have long paths.

    Notes
    -----
    scikit-learn's score is :math:`-2^{-E(h) / c(n)}` for the mean path length :math:`E(h)` and the
    mean length :math:`c(n)` of an unsuccessful search among n records; this function solves it for
    :math:`E(h)`.
    """
    if len(X) < 2:
        return np.ones(len(X))
    forest = IsolationForest(random_state=random_state, n_jobs=n_jobs).fit(X)
    n = forest.max_samples_
    # 2 H(n - 1) - 2 (n - 1) / n, with the harmonic number H.
    typical = 2 * (digamma(n) + np.euler_gamma) - 2 * (n - 1) / n
    return -typical * np.log2(-forest.score_samples(X))


def lifetimes(path_length, n_open, rate):
    """Return the rounds for each record: ``ceil(rate * n_open * longest_path / path)``.

    Parameters
    ----------
    path_length : ndarray of shape (n_records,)
        Common records have long paths, and get fewer rounds.
    n_open : ndarray of int of shape (n_records,)
        Number of labels that are not decided yet.
    rate : float

    Returns
    -------
    ndarray of int of shape (n_records,)
    """
    return np.ceil(rate * n_open * path_length.max() / path_length).astype(int)


class PatternDiscriminator:
    """The ratio ``dr`` of one label, and the fuzzy threshold of its Beta distribution.

    ``dr = d_neg / (d_pos + d_neg)`` for the distances to the nearest pattern of each side. Labels
    within ``theta +- rho / 2`` are undecided; ``theta`` and ``rho`` are the mean and standard
    deviation of the ratio. Both formulas are reconstructions, because the paper's text lacks them.

    Parameters
    ----------
    present, absent : list of Pattern
    """

    def __init__(self, present, absent):
        self.present, self.absent = list(present), list(absent)
        self.theta, self.rho = 0.5, 0.0

    def ratio(self, X):
        """Return ``dr`` of each record, in [0, 1]."""
        if not self.present or not self.absent:
            return np.full(len(X), 0.5)
        to_present = np.min([p.distance(X) for p in self.present], axis=0)
        to_absent = np.min([p.distance(X) for p in self.absent], axis=0)
        return to_absent / np.maximum(to_present + to_absent, 1e-12)

    def fit_threshold(self, X):
        """Fit the Beta distribution by its mean and standard deviation."""
        ratio = self.ratio(X)
        self.theta, self.rho = ratio.mean(), ratio.std()
        return self

    def verdict(self, ratio):
        """Return 1 for present, -1 for absent, 0 for undecided labels."""
        above, below = ratio >= self.theta + self.rho / 2, ratio <= self.theta - self.rho / 2
        return above.astype(int) - below.astype(int)

    def update(self, X, verdict):
        """Add decided records to the nearest pattern of their side."""
        self.present = [*_grown(self.present, X[verdict == 1])]
        self.absent = [*_grown(self.absent, X[verdict == -1])]


def _grown(patterns, X):
    if not len(X) or not patterns:
        return patterns
    nearest = np.argmin([p.distance(X) for p in patterns], axis=0)
    return [_merged(p, X[nearest == m]) for m, p in enumerate(patterns)]


def _merged(pattern, X):
    """Pool means and variances, weighted by the numbers of records."""
    n_old, n_new = max(len(pattern.members), 1), len(X)
    if n_new == 0:
        return pattern
    share = n_new / (n_old + n_new)
    mean = (1 - share) * pattern.mean + share * X.mean(axis=0)
    variance = (1 - share) * (pattern.variance + (pattern.mean - mean) ** 2)
    variance = variance + share * (X.var(axis=0) + (X.mean(axis=0) - mean) ** 2)
    # Only the number of members is used from here on, because positions are of different batches.
    members = np.zeros(n_old + n_new, dtype=int)
    return replace(pattern, mean=mean, covariance=variance, members=members)


def describe_noise_rates(belief, weak):
    """Return the expected noise rates of one label, with intervals.

    Parameters
    ----------
    belief : ndarray of shape (n_records,)
        Probability of the label after cleaning.
    weak : ndarray of shape (n_records,)
        1, 0, or -1 (unknown).

    Returns
    -------
    ndarray of shape (6,)
        `NOISE_RATES`: each rate with its 95 % interval; NaN if no weak label is known.
    """
    known = weak != -1
    belief, weak = belief[known], weak[known]
    if not len(weak):
        return np.full(len(NOISE_RATES), np.nan)
    return np.r_[_rate(belief, weak == 0), _rate(1 - belief, weak == 1)]


def _rate(asked, error):
    """Return the share of errors among records that count with a probability, and its interval.

    The 95 % interval is that of a Beta distribution. Its variance includes that the records are a
    sample, and that it is uncertain which of them count; it does not include errors of the
    probabilities. The interval begins at 0 if there may be no error at all.
    """
    n_asked, n_errors = asked.sum(), asked[error].sum()
    mean = (n_errors + 0.5) / (n_asked + 1)
    variance = mean * (1 - mean) / (n_asked + 2)
    variance += (asked * (1 - asked) * (error - mean) ** 2).sum() / (n_asked + 1) ** 2
    size = max(mean * (1 - mean) / variance - 1, 1e-3)
    low, high = beta.ppf([0.025, 0.975], mean * size, (1 - mean) * size)
    if np.prod(1 - asked[error]) > 0.025:
        low = 0.0
    return n_errors / max(n_asked, 1e-9), low, high

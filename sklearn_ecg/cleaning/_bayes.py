"""BayesMethod: combine features and weak labels by Bayes' rule, learned from trusted records."""

from copy import copy
from dataclasses import dataclass

import numpy as np

from sklearn_ecg.cleaning._decisions import Decisions
from sklearn_ecg.cleaning._memory import remembered
from sklearn_ecg.cleaning._noise_rates import NOISE_RATES
from sklearn_ecg.cleaning._posterior import Posterior, first_belief
from sklearn_ecg.cleaning._scaling import FeatureScaling
from sklearn_ecg.utils import announce


class BayesMethod:
    """Combine features and weak labels in rounds.

    A round fits discriminators to the latest belief in the labels, calibrates their scores, and
    combines them with the weak labels, whose errors it estimates.

    Parameters
    ----------
    discriminators : Discriminators
    evidence : PatternEvidence
        Explains decisions, but makes none.
    constraints : LabelConstraints, default=None
        The possible label sets.
    joint : bool
        Whether the labels of a record are weighed together.
    caution : float
        See `AFPLabelCleaner`.
    min_confidence : float
        A label is undecided if neither value has this probability.
    max_iter : int
        Largest number of rounds.
    random_state : int
    memory : str or joblib.Memory, default=None
    n_jobs : int, default=None
    verbose : int, default=0

    Attributes
    ----------
    noise_rates_ : ndarray of shape (n_sources, n_labels, 6)
        Columns `NOISE_RATES`; NaN for labels that are not learned.
    lifetimes_ : ndarray of int of shape (n_records,)
    n_iter_ : int
    """

    cleans_unseen = True

    def __init__(
        self,
        discriminators,
        evidence,
        *,
        constraints=None,
        joint,
        caution,
        min_confidence,
        max_iter,
        random_state,
        memory=None,
        n_jobs=None,
        verbose=0,
    ):
        self.discriminators = discriminators
        self.evidence = evidence
        self.constraints = constraints
        self.joint = joint
        self.caution = caution
        self.min_confidence = min_confidence
        self.max_iter = max_iter
        self.random_state = random_state
        self.memory = memory
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, table, labels, trusted, answered, sources, *, learned, unseen):
        """Learn from all records, and clean those whose labels are not all trusted.

        Parameters
        ----------
        table : ndarray of shape (n_records, n_features)
            NaN for features that were not measured.
        labels : ndarray of int8 of shape (n_records, n_labels)
        trusted : ndarray of bool of shape (n_records, n_labels)
        answered : ndarray of bool of shape (n_records, n_labels)
            The trusted labels that a person was asked about because they looked wrong.
        sources : ndarray of shape (n_records, n_labels, n_sources)
            The labels of each source, in [0, 1]; NaN if unknown.
        learned : ndarray of bool of shape (n_labels,)
            The labels to clean.
        unseen : ndarray of bool of shape (n_labels,)
            The labels among them that trusted records do not show; they are learned from weak
            records alone.

        Returns
        -------
        Decisions
            For the records whose labels are not all trusted.
        """
        self._scaling = FeatureScaling.learn(table)
        self.evidence.fit(table, labels, trusted, self._scaling)
        self._learned = np.flatnonzero(learned)
        self.noise_rates_ = np.full((sources.shape[2], labels.shape[1], len(NOISE_RATES)), np.nan)
        weak = ~trusted.all(axis=1)
        self.n_iter_, self.lifetimes_ = 0, np.zeros(len(labels), dtype=int)
        decisions = Decisions.keeping(labels[weak], trusted[weak])
        if not learned.any():
            return decisions
        constraints = self.constraints
        posterior = Posterior(
            constraints=None if constraints is None else constraints.among(self._learned),
            joint=self.joint,
            caution=self.caution,
            random_state=self.random_state,
        )
        iterate = remembered(self.memory, clean_in_rounds, ignore=["n_jobs", "verbose"])
        rounds = iterate(
            self._scaling.standardise(table),
            labels[:, learned],
            trusted[:, learned],
            answered[:, learned],
            sources[:, learned],
            self.discriminators,
            posterior,
            unseen=unseen[learned],
            max_iter=self.max_iter,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        self._discriminators, self._posterior = rounds.discriminators, rounds.posterior
        self.n_iter_, self.lifetimes_[weak] = rounds.n_iter, rounds.n_iter
        self.noise_rates_[:, learned] = rounds.noise_rates
        return self._decide(
            decisions,
            rounds.belief[weak],
            rounds.errors_resolved[weak],
            rounds.by_features[weak],
        )

    def clean(self, table, weak, sources):
        """Clean records that `fit` did not see, and estimate the errors of their labels.

        Parameters
        ----------
        table : ndarray of shape (n_records, n_features)
        weak : ndarray of int8 of shape (n_records, n_labels)
        sources : ndarray of shape (n_records, n_labels, n_sources)

        Returns
        -------
        Decisions
        """
        probability = self._posterior.calibration.probability(
            self._discriminators.score(self._scaling.standardise(table))
        )
        posterior, sources = copy(self._posterior), sources[:, self._learned]
        pinned = np.full(probability.shape, np.nan)
        none_trusted = np.ones(len(pinned), dtype=bool)
        posterior.fit(probability, sources, pinned, none_trusted, start=posterior.errors)
        belief, resolved = posterior.weigh(probability, sources, pinned)
        decisions = Decisions.keeping(weak, np.zeros(weak.shape, dtype=bool))
        return self._decide(decisions, belief, resolved, probability)

    def _decide(self, decisions, belief, errors_resolved, by_features):
        """Change improbable labels, and confirm probable ones."""
        weak = decisions.labels[:, self._learned]
        value = belief > 0.5
        probable = np.maximum(belief, 1 - belief)
        # A posterior that is one half by symmetry must not be decided by its last digit.
        sure = (probable >= self.min_confidence) & (probable > 0.5 + 1e-9)
        if self.constraints is not None:
            sure = self._sure_together(sure, value, decisions.labels)
        provenance = np.select(
            [~sure, value == weak, value], ["undecided", "confirmed", "added"], "removed"
        )
        of_weak = np.select([weak == 1, weak == 0], [belief, 1 - belief], 0.5)
        decisions.labels[:, self._learned] = np.where(sure, value, weak)
        decisions.provenance[:, self._learned] = provenance
        decisions.confidence[:, self._learned] = np.where(sure, probable, of_weak)
        decisions.belief[:, self._learned] = belief
        decisions.errors_resolved[:, self._learned] = errors_resolved
        decisions.by_features[:, self._learned] = by_features
        return decisions

    def _sure_together(self, sure, value, labels):
        """Return a mask of decided labels such that changed labels break no constraint.

        For example, all of three exclusive classes may be improbable. A person must then decide.
        """
        decided = labels.copy()
        broken = sure
        # A label that returns to its weak value may break another constraint.
        while broken.any():
            decided[:, self._learned] = np.where(sure, value, labels[:, self._learned])
            broken = sure & self.constraints.violations(decided)[:, self._learned]
            sure = sure & ~broken
        return sure


@dataclass(eq=False)
class Rounds:
    """Results of `clean_in_rounds`.

    Attributes
    ----------
    belief : ndarray of shape (n_records, n_labels)
        Probability of each label, given features and weak labels.
    errors_resolved : ndarray of shape (n_records, n_labels)
        Expected number of the record's errors that a person's answer about the label removes.
    by_features : ndarray of shape (n_records, n_labels)
        Probability of each label, given features only.
    posterior : Posterior
    discriminators : Discriminators
        Fitted in the last round.
    noise_rates : ndarray of shape (n_sources, n_labels, 6)
    n_iter : int
    """

    belief: np.ndarray
    errors_resolved: np.ndarray
    by_features: np.ndarray
    posterior: object
    discriminators: object
    noise_rates: np.ndarray
    n_iter: int


def clean_in_rounds(
    X,
    labels,
    trusted,
    answered,
    sources,
    discriminators,
    posterior,
    *,
    unseen,
    max_iter,
    random_state,
    n_jobs=None,
    verbose=0,
):
    """Fit discriminators to the belief in the labels, update the belief, and repeat.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_features)
    labels : ndarray of shape (n_records, n_labels)
        1, 0 or -1; weak unless trusted.
    trusted, answered : ndarray of bool of shape (n_records, n_labels)
        As for `BayesMethod.fit`.
    sources : ndarray of shape (n_records, n_labels, n_sources)
    discriminators : Discriminators
    posterior : Posterior
    unseen : ndarray of bool of shape (n_labels,)
        The labels that trusted records do not show.
    max_iter : int
    random_state : int
    n_jobs : int, default=None
    verbose : int, default=0

    Returns
    -------
    Rounds
    """
    discriminators, posterior = copy(discriminators), copy(posterior)
    known = trusted & (labels != -1)
    pinned = np.where(known, labels == 1, np.nan)
    # Answered labels looked wrong, so they are not representative of other labels.
    trusted = trusted & ~answered
    control = np.flatnonzero((known & trusted).all(axis=1))
    weak = ~trusted.all(axis=1)
    # The labels of sources for trusted records show the errors of the sources.
    asked = weak | (~np.isnan(sources)).any(axis=(1, 2))
    belief = first_belief(pinned, sources)
    resolved = np.zeros(belief.shape)
    if not weak.any():
        max_iter = 1
    for n_iter in range(1, max_iter + 1):
        stage = f"Cleaning labels, round {n_iter} of at most {max_iter}"
        targets = belief
        if n_iter > 1:
            targets = as_doubtful(belief, trusted, ~unseen, random_state + n_iter)
        scores = discriminators.fit_score(X, targets, n_jobs=n_jobs, stage=stage, verbose=verbose)
        announce(f"{stage}: weighing labels", verbose)
        posterior.learn(scores, pinned, answered, sources, control, unseen=unseen)
        probability = posterior.calibration.probability(scores)
        if not weak.any():
            break
        posterior.fit(probability[asked], sources[asked], pinned[asked], weak[asked])
        updated = belief.copy()
        updated[weak], resolved[weak] = posterior.weigh(
            probability[weak], sources[weak], pinned[weak]
        )
        unchanged = ((updated > 0.5) == (belief > 0.5)).all()
        belief = updated
        if unchanged:
            break
    rates = np.full((sources.shape[2], labels.shape[1], len(NOISE_RATES)), np.nan)
    if weak.any():
        rates = posterior.describe_errors(probability[asked], sources[asked], pinned[asked])
    return Rounds(belief, resolved, probability, posterior, discriminators, rates, n_iter)


def as_doubtful(belief, trusted, learned, random_state):
    """Make the belief in trusted labels as uncertain as the belief in weak labels.

    Discriminators are calibrated on scores of trusted records. If training used certain labels of
    trusted records of the same patients, these scores would be too certain compared with those of
    weak records. So each trusted label is replaced by the belief in a weak record's label. The weak
    record is drawn with the probability that it has the same label.

    Parameters
    ----------
    belief : ndarray of shape (n_records, n_labels)
    trusted : ndarray of bool of shape (n_records, n_labels)
    learned : ndarray of bool of shape (n_labels,)
    random_state : int

    Returns
    -------
    ndarray of shape (n_records, n_labels)
    """
    lent = belief.copy()
    for label in np.flatnonzero(learned):
        rng = np.random.default_rng(random_state)
        ours = trusted[:, label]
        theirs = belief[~ours, label]
        for present, probability in ((1.0, theirs), (0.0, 1 - theirs)):
            rows = np.flatnonzero(ours & (belief[:, label] == present))
            if probability.sum() > 0:
                lent[rows, label] = rng.choice(theirs, len(rows), p=probability / probability.sum())
    return lent

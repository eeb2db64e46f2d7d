"""BayesMethod: calibrated discriminators and weak labels, combined by Bayes' rule."""

import pickle
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from sklearn.utils.validation import check_memory

from sklearn_ecg.cleaning._calibration import calibrate
from sklearn_ecg.cleaning._decisions import Decisions
from sklearn_ecg.cleaning._label_errors import (
    NOISE_RATES,
    SingleErrors,
    describe_noise_rates,
    estimate_errors,
)
from sklearn_ecg.cleaning._lifetimes import lifetimes, mean_path_length
from sklearn_ecg.cleaning._scaling import FeatureScaling
from sklearn_ecg.utils import progress

# A label is open while it is less probable than this, and its contrary too.
_DECIDED = 0.95
# A label is known to be present, for a rule's premise, from this probability on.
_KNOWN = 0.95


class BayesMethod:
    """Believe what discriminators and weak labels say together, round by round.

    Parameters
    ----------
    discriminator : ForestDiscriminator or ClassifierDiscriminator
    evidence : PatternEvidence
    joint : bool
        Whether the labels of a record are weighed together.
    margin : float
        A label is undecided while its probability lies that close to one half.
    lifetime_rate : float
    max_iter : int
    random_state : int
    memory : str or joblib.Memory, default=None
    n_jobs : int, default=None
    verbose : int, default=0

    Attributes
    ----------
    noise_rates_ : ndarray of shape (n_labels, 6)
        Columns `NOISE_RATES`; NaN for labels that are not learned.
    lifetimes_ : ndarray of int of shape (n_records,)
    n_iter_ : int
    """

    cleans_unseen = True

    def __init__(
        self,
        discriminator,
        evidence,
        *,
        joint,
        margin,
        lifetime_rate,
        max_iter,
        random_state,
        memory=None,
        n_jobs=None,
        verbose=0,
    ):
        self.discriminator = discriminator
        self.evidence = evidence
        self.joint = joint
        self.margin = margin
        self.lifetime_rate = lifetime_rate
        self.max_iter = max_iter
        self.random_state = random_state
        self.memory = memory
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, table, labels, trusted, *, learned, unseen):
        """Learn from all records, and clean those of which not all labels are trusted.

        Parameters
        ----------
        table : ndarray of shape (n_records, n_features)
            With NaN for what could not be measured.
        labels : ndarray of int8 of shape (n_records, n_labels)
        trusted : ndarray of bool of shape (n_records, n_labels)
        learned : ndarray of bool of shape (n_labels,)
            Labels to clean.
        unseen : ndarray of bool of shape (n_labels,)
            Those of them that trusted records do not show, which are cleaned by what weak records
            say alone.

        Returns
        -------
        Decisions
            On the records of which not all labels are trusted.
        """
        self._scaling = FeatureScaling.learn(table)
        X = self._scaling.scale(table)
        self.evidence.fit(X, labels, trusted)
        self.noise_rates_ = np.full((labels.shape[1], len(NOISE_RATES)), np.nan)
        self.lifetimes_, self.n_iter_ = np.zeros(len(X), dtype=int), 0
        weak = ~trusted.all(axis=1)
        if not learned.any():
            return Decisions.keeping(labels[weak], trusted[weak])
        cache = check_memory(self.memory).cache
        path_length = cache(mean_path_length, ignore=["n_jobs"])(
            X, random_state=self.random_state, n_jobs=self.n_jobs
        )
        iterate = clean_in_rounds
        if self.memory is not None:
            iterate = cache(_clean_in_rounds_packed, ignore=["n_jobs", "verbose"])
        rounds = iterate(
            self._scaling.standardise(table),
            labels,
            trusted,
            self.discriminator,
            learned=np.flatnonzero(learned & ~unseen),
            unseen=np.flatnonzero(unseen),
            anchored=self.evidence.anchored(X, labels) > 0,
            joint=self.joint,
            path_length=path_length,
            lifetime_rate=self.lifetime_rate,
            max_iter=self.max_iter,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        self._discriminator = rounds.discriminator
        self._calibrations, self._errors = rounds.calibrations, rounds.errors
        self.lifetimes_, self.n_iter_ = rounds.lifetimes, rounds.n_iter
        decisions = self._decide(rounds.belief[weak], X[weak], labels[weak])
        decisions.errors_resolved = rounds.errors_resolved[weak]
        for label in rounds.calibrations:
            asked = weak & ~trusted[:, label]
            self.noise_rates_[label] = describe_noise_rates(
                rounds.belief[asked, label], labels[asked, label]
            )
        return decisions

    def clean(self, table, weak):
        """Clean records that `fit` did not see, with the errors of their own labels.

        Parameters
        ----------
        table : ndarray of shape (n_records, n_features)
        weak : ndarray of int8 of shape (n_records, n_labels)

        Returns
        -------
        Decisions
        """
        discriminator = self._discriminator
        if isinstance(discriminator, bytes):
            discriminator = pickle.loads(discriminator)
        scores = discriminator.score(self._scaling.standardise(table))
        probability = _probabilities(self._calibrations, scores)
        cleaned = list(self._calibrations)
        errors = self._errors.adapted(probability, weak[:, cleaned])
        belief = np.zeros(weak.shape)
        belief[:, cleaned] = errors.posterior(probability, weak[:, cleaned])
        return self._decide(belief, self._scaling.scale(table), weak)

    def _decide(self, belief, X, weak):
        """Decide by Bayes, with rules and anchors where Bayes has no opinion.

        A rule or an anchor pattern never speaks against a discriminator that is sure of the
        contrary.
        """
        present = belief > 0.5
        sure = np.abs(belief - 0.5) >= self.margin
        labels = np.where(sure, present, weak).astype(np.int8)
        provenance = np.select(
            [~sure, labels == weak, labels == 1], ["undecided", "confirmed", "added"], "removed"
        ).astype("<U9")
        of_weak = np.select([weak == 1, weak == 0], [belief, 1 - belief], 0.5)
        confidence = np.where(sure, np.maximum(belief, 1 - belief), of_weak)
        known = belief >= _KNOWN
        stages = (
            ("anchor", 1, self.evidence.anchored(X, weak), weak == 1),
            ("included", 1, self.evidence.included(X, known), weak != 1),
            ("excluded", 0, self.evidence.excluded(known), weak != 0),
        )
        for name, value, accuracy, candidate in stages:
            speaks = candidate & (accuracy > 0) & (~sure | (present == value))
            decides = speaks & ~sure
            labels[speaks] = value
            provenance[speaks] = name
            confidence[decides] = accuracy[decides]
            sure = sure | speaks
            present = np.where(decides, value, present)
        return Decisions(labels, provenance, confidence, belief)


@dataclass(eq=False)
class Rounds:
    """What `clean_in_rounds` found.

    Attributes
    ----------
    belief : ndarray of shape (n_records, n_labels)
        Probability of each label, given features and weak label.
    calibrations : dict of int to Calibration
        Of each label that could be learned.
    errors : SetErrors or SingleErrors
        Of the labels of `calibrations`, in their order.
    discriminator : ForestDiscriminator or ClassifierDiscriminator
        As fitted in the last round; pickled where it comes from a cache.
    errors_resolved : ndarray of shape (n_records, n_labels)
        Expected errors of the record that a person's answer about the label removes.
    lifetimes : ndarray of int of shape (n_records,)
        Rounds that each record lived; 0 where all labels are trusted.
    n_iter : int
    """

    belief: np.ndarray
    calibrations: dict
    errors: SingleErrors
    discriminator: object
    errors_resolved: np.ndarray
    lifetimes: np.ndarray
    n_iter: int


def clean_in_rounds(
    X,
    labels,
    trusted,
    discriminator,
    *,
    learned,
    unseen,
    anchored,
    joint,
    path_length,
    lifetime_rate,
    max_iter,
    random_state,
    n_jobs=None,
    verbose=0,
):
    """Fit discriminators to what is believed, and believe what they say; over again.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_features)
    labels : ndarray of shape (n_records, n_labels)
        1, 0 or -1; weak where not trusted.
    trusted : ndarray of bool of shape (n_records, n_labels)
    discriminator : ForestDiscriminator or ClassifierDiscriminator
    learned : ndarray of int
        The labels that trusted records show.
    unseen : ndarray of int
        Labels that they do not show, to be cleaned by what weak records say alone.
    anchored : ndarray of bool of shape (n_records, n_labels)
        Weak labels to be taken as right at first.
    joint : bool
        Whether to weigh the labels of a record together.
    path_length : ndarray of shape (n_records,)
    lifetime_rate : float
    max_iter : int
    random_state : int
    n_jobs : int, default=None
    verbose : int, default=0

    Returns
    -------
    Rounds
    """
    discriminator = copy(discriminator)
    belief = _first_belief(labels)
    cleaned = np.r_[learned, unseen]
    # Labels are weighed together in records of which all are trusted, and in all others.
    is_trusted = trusted.all(axis=1)
    weak = np.ix_(~is_trusted, cleaned)
    lived = np.zeros(len(X), dtype=int)
    alive, coupled = ~is_trusted, True
    for n_iter in range(1, max_iter + 1):
        first = n_iter == 1
        targets = belief if first else as_doubtful(belief, trusted, learned, random_state + n_iter)
        scores = discriminator.fit_score(X, targets, n_jobs=n_jobs)
        calibrations = {}
        for label in progress(cleaned, description=f"Round {n_iter}: labels", verbose=verbose):
            start = _start(labels[:, label], anchored[:, label]) if first else belief[:, label]
            # Labels that are learned come first, so that there are rates to borrow.
            borrowed = _typical_rates(calibrations, learned) if label in unseen else None
            calibrations[label] = calibrate(
                scores[:, [label]],
                labels[:, label],
                trusted[:, label],
                belief=start,
                rates=borrowed,
            )
        probability = _probabilities(calibrations, scores)
        # What a round believes, the next confirms: labels that go together must show at first,
        # when discriminators have learned from labels as they were given.
        missing, wrong = np.array([(c.missing, c.wrong) for c in calibrations.values()]).T
        errors = estimate_errors(
            probability,
            labels[:, cleaned],
            is_trusted,
            missing,
            wrong,
            joint=joint,
            coupled=coupled,
        )
        coupled = joint and errors.coupled
        updated = belief.copy()
        if alive.any():
            updated[weak] = errors.posterior(probability[~is_trusted], labels[weak])
            updated[trusted] = belief[trusted]
        lived += alive
        unchanged = (updated[alive] > 0.5) == (belief[alive] > 0.5)
        belief[alive] = updated[alive]
        is_open = np.abs(belief[:, cleaned] - 0.5) < _DECIDED - 0.5
        left = lifetimes(path_length, is_open.sum(axis=1), lifetime_rate) - n_iter
        alive &= left > 0
        if not alive.any() or unchanged.all():
            break
    resolved = np.zeros(belief.shape)
    resolved[weak] = errors.errors_resolved(probability[~is_trusted], labels[weak])
    return Rounds(belief, calibrations, errors, discriminator, resolved, lived, n_iter)


def _clean_in_rounds_packed(*args, n_jobs=None, verbose=0, **options):
    """Clean in rounds, the discriminator packed: only new records need it, if any come.

    Of all that a cache holds, hundreds of trees take longest to build again from a file.
    """
    rounds = clean_in_rounds(*args, n_jobs=n_jobs, verbose=verbose, **options)
    return replace(rounds, discriminator=pickle.dumps(rounds.discriminator))


def as_doubtful(belief, trusted, learned, random_state):
    """Make what is believed of trusted labels as doubtful as what is believed of weak ones.

    Discriminators are calibrated on scores of trusted records. These would be surer than those
    of weak records if their neighbours, trusted records of the same patients, had certain labels
    in training. Each trusted label therefore lends the belief in a weak record's label, drawn
    in proportion to how probable it is that this is the same label.

    Parameters
    ----------
    belief : ndarray of shape (n_records, n_labels)
    trusted : ndarray of bool of shape (n_records, n_labels)
    learned : ndarray of int
    random_state : int

    Returns
    -------
    ndarray of shape (n_records, n_labels)
    """
    lent = belief.copy()
    for label in learned:
        rng = np.random.default_rng(random_state)
        ours = trusted[:, label]
        theirs = belief[~ours, label]
        for present, probability in ((1.0, theirs), (0.0, 1 - theirs)):
            rows = np.flatnonzero(ours & (belief[:, label] == present))
            if probability.sum() > 0:
                lent[rows, label] = rng.choice(theirs, len(rows), p=probability / probability.sum())
    return lent


def _probabilities(calibrations, scores):
    """Return the probability of each label that could be learned, from scores alone."""
    return np.column_stack(
        [calibration.probability(scores[:, [label]]) for label, calibration in calibrations.items()]
    )


def _typical_rates(calibrations, learned):
    rates = [(calibrations[label].missing, calibrations[label].wrong) for label in learned]
    return np.median(rates, axis=0)


def _first_belief(labels):
    """The labels as given; unknown ones are as probable as known ones are frequent."""
    belief = labels.astype(np.float64)
    for label, column in enumerate(labels.T):
        known = column != -1
        belief[~known, label] = (column[known] == 1).mean() if known.any() else 0.0
    return belief


def _start(weak, anchored):
    belief = np.select([weak == 1, weak == 0], [0.9, 0.05], 0.5)
    belief[anchored] = 0.98
    return belief

"""Iterative cleaning: discriminators and beliefs sharpen one another, round by round."""

from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from sklearn_ecg.cleaning._calibration import calibrate
from sklearn_ecg.cleaning._label_bonds import fit_bonds
from sklearn_ecg.cleaning._label_sets import SetErrors
from sklearn_ecg.cleaning._lifetimes import lifetimes
from sklearn_ecg.cleaning._noise import SingleErrors
from sklearn_ecg.utils import progress

# A label is settled, until the next round asks again, when it is that probable or improbable.
_SETTLED = 0.95


@dataclass(eq=False)
class Rounds:
    """What iterative cleaning found.

    Attributes
    ----------
    belief : ndarray of shape (n_records, n_labels)
        Probability of each label, given features and weak label.
    calibrations : dict of int to Calibration
        Of each label that could be learned.
    errors : SetErrors or SingleErrors
        Of the labels of `calibrations`, in their order.
    discriminator : ForestDiscriminator or ClassifierDiscriminator
        As fitted in the last round.
    settled : ndarray of shape (n_records, n_labels)
        Expected errors of the record that a person's answer about the label removes.
    lifetimes : ndarray of int of shape (n_records,)
        Rounds that each record lived; 0 for trusted records.
    n_iter : int
    """

    belief: np.ndarray
    calibrations: dict
    errors: SingleErrors
    discriminator: object
    settled: np.ndarray
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
    trusted : ndarray of bool of shape (n_records,)
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
    belief = _first_belief(labels, trusted)
    cleaned = np.r_[learned, unseen]
    weak = np.ix_(~trusted, cleaned)
    lived = np.zeros(len(X), dtype=int)
    alive, coupled = ~trusted, True
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
                scores[:, [label]], labels[:, label], trusted, belief=start, rates=borrowed
            )
        probability = probabilities(calibrations, scores)
        # What a round believes, the next confirms: labels that go together must show at first,
        # when discriminators have learned from labels as they were given.
        errors = find_errors(
            probability, labels[:, cleaned], trusted, calibrations, joint=joint, coupled=coupled
        )
        coupled = joint and errors.coupled
        updated = belief.copy()
        if alive.any():
            updated[weak] = errors.posterior(probability[~trusted], labels[weak])
        lived += alive
        unchanged = (updated[alive] > 0.5) == (belief[alive] > 0.5)
        belief[alive] = updated[alive]
        unsettled = np.abs(belief[:, cleaned] - 0.5) < _SETTLED - 0.5
        left = lifetimes(path_length, unsettled.sum(axis=1), lifetime_rate) - n_iter
        alive &= left > 0
        if not alive.any() or unchanged.all():
            break
    settled = np.zeros(belief.shape)
    settled[weak] = errors.settled(probability[~trusted], labels[weak])
    return Rounds(belief, calibrations, errors, discriminator, settled, lived, n_iter)


def probabilities(calibrations, scores):
    """Return the probability of each label that could be learned, from scores alone."""
    return np.column_stack(
        [calibration.probability(scores[:, [label]]) for label, calibration in calibrations.items()]
    )


def find_errors(probability, labels, trusted, calibrations, *, joint, coupled=True):
    """Estimate how weak label sets differ from true ones, from the noise rates of single labels.

    Parameters
    ----------
    probability, labels : ndarray of shape (n_records, n_calibrations)
    trusted : ndarray of bool of shape (n_records,)
    calibrations : dict of int to Calibration
    joint : bool
    coupled : bool, default=True
        Whether labels that are lost and gained together are looked for.

    Returns
    -------
    SetErrors or SingleErrors
    """
    missing, wrong = np.array([(c.missing, c.wrong) for c in calibrations.values()]).T
    weak = trusted if trusted.all() else ~trusted
    if not joint:
        return SingleErrors(missing, wrong)
    bonds = fit_bonds(probability[trusted], labels[trusted])
    errors = SetErrors.independent(missing, wrong, probability[weak], *bonds)
    phantom = np.inf
    if coupled:
        phantom = errors.fitted(probability[trusted], labels[trusted]).swapped
    errors = replace(errors, phantom=phantom)
    return errors if trusted.all() else errors.adapted(probability[weak], labels[weak])


def as_doubtful(belief, trusted, learned, random_state):
    """Make what is believed of trusted records as doubtful as what is believed of weak ones.

    Discriminators are calibrated on scores of trusted records. These would be surer than those
    of weak records if their neighbours, trusted records of the same patients, had certain labels
    in training. Each trusted label therefore lends the belief in a weak record's label, drawn
    in proportion to how probable it is that this is the same label.

    Parameters
    ----------
    belief : ndarray of shape (n_records, n_labels)
    trusted : ndarray of bool of shape (n_records,)
    learned : ndarray of int
    random_state : int

    Returns
    -------
    ndarray of shape (n_records, n_labels)
    """
    lent = belief.copy()
    if trusted.all():
        return lent
    for label in learned:
        rng = np.random.default_rng(random_state)
        theirs = belief[~trusted, label]
        for present, probability in ((1.0, theirs), (0.0, 1 - theirs)):
            ours = np.flatnonzero(trusted & (belief[:, label] == present))
            if probability.sum() > 0:
                lent[ours, label] = rng.choice(theirs, len(ours), p=probability / probability.sum())
    return lent


def _typical_rates(calibrations, learned):
    rates = [(calibrations[label].missing, calibrations[label].wrong) for label in learned]
    return np.median(rates, axis=0)


def _first_belief(labels, trusted):
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

"""The AFP paper's cleaning: hard thresholds on how near the patterns of each side are."""

from dataclasses import replace

import numpy as np

from sklearn_ecg.cleaning._decisions import Decisions
from sklearn_ecg.cleaning._lifetimes import lifetimes
from sklearn_ecg.cleaning._rules import apply_exclusion, apply_inclusion
from sklearn_ecg.utils import progress


class PatternDiscriminator:
    """The ratio ``dr`` of one label, and the fuzzy threshold of its Beta distribution.

    ``dr = d_neg / (d_pos + d_neg)`` for the distances to the nearest pattern of each side. The
    formula, and that of the interval ``theta +- rho / 2`` with ``theta`` and ``rho`` the mean and
    standard deviation of the ratio, are reconstructions: the paper's text lost them.

    Parameters
    ----------
    present, absent : list of Pattern
    """

    def __init__(self, present, absent):
        self.present, self.absent = list(present), list(absent)
        self.theta, self.rho = 0.5, 0.0

    def ratio(self, X):
        """Return ``dr`` in [0, 1] of each record."""
        if not self.present or not self.absent:
            return np.full(len(X), 0.5)
        to_present = np.min([p.distance(X) for p in self.present], axis=0)
        to_absent = np.min([p.distance(X) for p in self.absent], axis=0)
        return to_absent / np.maximum(to_present + to_absent, 1e-12)

    def fit_threshold(self, X):
        """Fit the Beta distribution by moments, of which mean and deviation are all it takes."""
        ratio = self.ratio(X)
        self.theta, self.rho = ratio.mean(), ratio.std()
        return self

    def verdict(self, ratio):
        """Return 1 where the label is present, -1 where it is not, 0 where that is undecided."""
        above, below = ratio >= self.theta + self.rho / 2, ratio <= self.theta - self.rho / 2
        return above.astype(int) - below.astype(int)

    def update(self, X, verdict):
        """Let newly settled records join the nearest pattern of their side."""
        self.present = [*_grown(self.present, X[verdict == 1])]
        self.absent = [*_grown(self.absent, X[verdict == -1])]


def _grown(patterns, X):
    if not len(X) or not patterns:
        return patterns
    nearest = np.argmin([p.distance(X) for p in patterns], axis=0)
    return [_merged(p, X[nearest == m]) for m, p in enumerate(patterns)]


def _merged(pattern, X):
    """Pool means and variances; the number of records that a pattern has counts."""
    n_old, n_new = max(len(pattern.members), 1), len(X)
    if n_new == 0:
        return pattern
    share = n_new / (n_old + n_new)
    mean = (1 - share) * pattern.mean + share * X.mean(axis=0)
    variance = (1 - share) * (pattern.variance + (pattern.mean - mean) ** 2)
    variance = variance + share * (X.var(axis=0) + (X.mean(axis=0) - mean) ** 2)
    # Only the number of members matters from here on: positions in other batches mean nothing.
    members = np.zeros(n_old + n_new, dtype=int)
    return replace(pattern, mean=mean, covariance=variance, members=members)


def pattern_discriminators(patterns, X_training, learned):
    """Return a discriminator for each label that can be learned.

    Parameters
    ----------
    patterns : list of Pattern
        Of both sides, of trusted records.
    X_training : ndarray of shape (n_records, n_features)
        The trusted and the anchored records.
    learned : ndarray of int

    Returns
    -------
    dict of int to PatternDiscriminator
    """
    return {
        label: PatternDiscriminator(
            [p for p in patterns if p.label == label and p.present],
            [p for p in patterns if p.label == label and not p.present],
        ).fit_threshold(X_training)
        for label in learned
    }


def clean_by_thresholds(
    X,
    weak,
    discriminators,
    inclusion,
    exclusion,
    *,
    anchored,
    learned,
    path_length,
    lifetime_rate,
    max_iter,
    update=True,
    verbose=0,
):
    """Clean weak records round by round, by rules first, then by discriminators.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_features)
        The weak records alone.
    weak : ndarray of shape (n_records, n_labels)
        Only labels that are given, or unknown, are candidates; inclusion rules add others.
    discriminators : dict of int to PatternDiscriminator
        Empty to do without. They learn from what is settled, if `update`.
    inclusion, exclusion : list
    anchored : ndarray of shape (n_records, n_labels)
        Accuracy of the anchor; 0 where the label is not anchored.
    learned : ndarray of int
    path_length : ndarray of shape (n_records,)
    lifetime_rate : float
    max_iter : int
    update : bool, default=True
    verbose : int, default=0

    Returns
    -------
    decisions : Decisions
    lived : ndarray of int of shape (n_records,)
    n_iter : int
    """
    open_ = np.zeros(weak.shape, dtype=bool)
    open_[:, learned] = weak[:, learned] != 0
    labels = np.where(weak == 1, 1, 0).astype(np.int8)
    provenance = np.full(weak.shape, "confirmed", dtype="<U9")
    # Labels that are not given are not questioned, so that nothing is known of them.
    belief = np.full(weak.shape, 0.5)

    def settle(where, value, stage, probability):
        labels[where], provenance[where], open_[where] = value, stage, False
        belief[where] = np.broadcast_to(probability, where.shape)[where]

    settle(open_ & (anchored > 0), 1, "anchor", anchored)
    known = (anchored > 0).astype(np.int8)
    accuracy = apply_inclusion(inclusion, X, known)
    settle((accuracy > 0) & (labels == 0), 1, "included", accuracy)
    settle(open_ & (accuracy > 0), 1, "confirmed", accuracy)
    known = np.where(np.isin(provenance, ("anchor", "included")), 1, 0)
    accuracy = apply_exclusion(exclusion, known)
    settle(open_ & (accuracy > 0), 0, "excluded", 1 - accuracy)

    lived, n_iter = np.zeros(len(X), dtype=int), 0
    alive = open_.any(axis=1)
    for n_iter in range(1, max_iter + 1 if discriminators else 1):
        lived += alive
        for label in progress(learned, description=f"Round {n_iter}: labels", verbose=verbose):
            asked = np.flatnonzero(alive & open_[:, label])
            if not len(asked):
                continue
            ratio = discriminators[label].ratio(X[asked])
            verdict = discriminators[label].verdict(ratio)
            belief[asked, label] = ratio
            labels[asked, label] = np.where(verdict == -1, 0, labels[asked, label])
            labels[asked, label] = np.where(verdict == 1, 1, labels[asked, label])
            provenance[asked[verdict == -1], label] = "removed"
            open_[asked[verdict != 0], label] = False
            if update:
                discriminators[label].update(X[asked], verdict)
        if update:
            for label in learned:
                discriminators[label].fit_threshold(X)
        left = lifetimes(path_length, open_.sum(axis=1), lifetime_rate) - n_iter
        alive = alive & (left > 0)
        if not alive.any():
            break
    labels = np.where(open_ & (weak == -1), -1, labels).astype(np.int8)
    provenance[open_] = "undecided"
    provenance[(weak == -1) & (labels == 1) & (provenance == "confirmed")] = "added"
    confidence = np.where(labels == 1, belief, 1 - belief)
    confidence[provenance == "undecided"] = 0.5
    return Decisions(labels, provenance, confidence, belief), lived, n_iter

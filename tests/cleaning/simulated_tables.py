"""Simulated tables that tests of label cleaning share, and their score."""

from functools import cache

import numpy as np
from scipy.special import expit, logit
from sklearn.metrics import f1_score

from sklearn_ecg import AFPLabelCleaner


def make_table(n_records=600, n_labels=4, n_features=12, seed=0):
    """Multi-label records: label 0 is normal, the others shift some features each."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((n_records, n_labels)) < 0.25).astype(np.int8)
    truth[:, 0] = ~truth[:, 1:].any(axis=1)
    effect = rng.normal(0, 1.5, (n_labels, n_features))
    X = truth @ effect + rng.normal(0, 0.6, (n_records, n_features))
    trusted = np.zeros(n_records, dtype=bool)
    trusted[rng.permutation(n_records)[: n_records // 3]] = True
    return X, truth, trusted


def swap(truth, trusted, rate, seed=0):
    """Replace a share of each label's positives by a label that the record does not have."""
    rng = np.random.default_rng(seed)
    weak = truth.copy()
    for label in range(truth.shape[1]):
        carriers = np.flatnonzero((truth[:, label] == 1) & ~trusted)
        for i in rng.choice(carriers, int(rate * len(carriers)), replace=False):
            free = np.flatnonzero((truth[i] == 0) & (weak[i] == 0))
            if len(free):
                weak[i, label], weak[i, rng.choice(free)] = 0, 1
    return weak


def make_weak_table():
    """Features, truth, weak labels and trust."""
    X, truth, trusted = make_table()
    return X, truth, swap(truth, trusted, 0.2), trusted


@cache
def fit_weak_table():
    """The cleaner, fitted to this table; once for all tests that only look at it."""
    X, _, weak, trusted = make_weak_table()
    return AFPLabelCleaner(random_state=0).fit(X, weak, trusted=trusted)


def weighted_f1(truth, labels, weak):
    """Of labels against the truth, an undecided one counting as its weak label."""
    return f1_score(truth, np.where(labels == -1, weak, labels), average="weighted")


def make_noisy(rng, n_records, rates, frequency=0.3):
    """Informative probabilities, and weak labels with each label's own rates."""
    true = rng.random((n_records, len(rates))) < frequency
    score = np.where(true, 1.5, -1.5) + rng.normal(0, 1, true.shape)
    probability = expit(3 * score + logit(frequency))
    draw = rng.random(true.shape)
    missing, wrong = np.transpose(rates)
    weak = np.where(true, draw >= missing, draw < wrong)
    return probability, weak.astype(float)[..., np.newaxis]

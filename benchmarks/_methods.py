"""Methods of label cleaning that are compared: ours, those of the AFP paper, and peers.

Each is a function of features, weak labels, the mask of trusted records, patients and a seed; it
returns a fitted cleaner, or a `Cleaned`.
"""

from typing import NamedTuple

import joblib
import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.cleaning import CrossValidationLabelCleaner, DensityLabelCleaner
from sklearn_ecg.cleaning._discriminators import ForestDiscriminator

#: Packages whose versions the figures of peers depend on.
PACKAGES = ("cleanlab",)


class Cleaned(NamedTuple):
    """What a peer makes of weak labels, by the names that a fitted cleaner has for it.

    Parameters
    ----------
    labels_ : ndarray of shape (n_records, n_labels)
    confidence_ : ndarray of shape (n_records, n_labels), or None
        Probability that each of `labels_` is right.
    """

    labels_: np.ndarray
    confidence_: np.ndarray | None = None


def doubt(cleaned, y_weak):
    """Return the probability that each weak label is wrong, as a method says it, or None.

    Parameters
    ----------
    cleaned : fitted cleaner or Cleaned
    y_weak : ndarray of shape (n_records, n_labels)

    Returns
    -------
    ndarray of shape (n_records, n_labels), or None
    """
    confidence = cleaned.confidence_
    if confidence is None:
        return None
    # The confidence in an undecided label is that in the weak one.
    is_changed = (cleaned.labels_ != y_weak) & (cleaned.labels_ != -1)
    return np.where(is_changed, confidence, 1 - confidence)


def do_nothing(X, y_weak, trusted, groups, seed):
    return Cleaned(y_weak)


def afp(**options):
    """Return our cleaner with options, undecided labels counting as weak ones."""

    def clean(X, y_weak, trusted, groups, seed):
        cleaner = AFPLabelCleaner(undecided="weak", random_state=seed, n_jobs=-1, **options)
        return cleaner.fit(X, y_weak, trusted=trusted, groups=groups)

    return clean


def votes(least_share, *, use_trusted):
    """Remove given labels that at least a share of the cross-validated classifiers denies."""

    def clean(X, y_weak, trusted, groups, seed):
        key = joblib.hash((X, y_weak, trusted, seed, use_trusted))
        if key not in _VOTED:
            _VOTED.clear()
            cleaner = CrossValidationLabelCleaner(
                "S3", use_trusted=use_trusted, random_state=seed, n_jobs=-1
            )
            _VOTED[key] = cleaner.fit(X, y_weak, trusted=trusted, groups=groups)
        voted = _VOTED[key]
        removed = (voted.provenance_ == "removed") & (voted.confidence_ > least_share - 1e-9)
        return Cleaned(np.where(removed, 0, y_weak))

    return clean


def density(*, use_trusted):
    def clean(X, y_weak, trusted, groups, seed):
        cleaner = DensityLabelCleaner(use_trusted=use_trusted, n_jobs=-1)
        return Cleaned(cleaner.fit(X, y_weak, trusted=trusted).labels_)

    return clean


def out_of_sample(X, y_weak, seed):
    """Log odds by the default's extra trees, of records that a tree was not trained on."""
    return ForestDiscriminator(random_state=seed).fit_score(np.nan_to_num(X), 1.0 * y_weak, -1)


def clean_with_cleanlab(X, y_weak, trusted, groups, seed):
    """Flip what cleanlab flags, from out-of-sample probabilities."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    labels, confidence = y_weak.copy(), np.full(y_weak.shape, 0.5)
    scores = out_of_sample(X, y_weak, seed)
    for label, (given, score) in enumerate(zip(y_weak.T, scores.T, strict=True)):
        if given.all() or not given.any():
            continue
        probabilities = np.column_stack([expit(-score), expit(score)])
        quality = get_label_quality_scores(given, probabilities)
        flagged = find_label_issues(given, probabilities) & ~trusted
        labels[flagged, label] = 1 - given[flagged]
        confidence[:, label] = np.where(flagged, 1 - quality, quality)
    return Cleaned(labels, confidence)


def clean_with_trees_and_bayes(X, y_weak, trusted, groups, seed):
    """Extra trees, Platt scaling on trusted records, Bayes' rule with noise rates by EM."""
    labels, confidence = y_weak.copy(), np.full(y_weak.shape, 0.5)
    scores = out_of_sample(X, y_weak, seed)
    for label, (given, score) in enumerate(zip(y_weak.T, scores.T, strict=True)):
        probability, weak = expit(score[~trusted]), given[~trusted]
        # Fewer trusted records with or without a label cannot calibrate it.
        if 5 <= given[trusted].sum() <= trusted.sum() - 5:
            score = score[:, np.newaxis]
            platt = LogisticRegression(C=1e4).fit(score[trusted], given[trusted])
            probability = platt.predict_proba(score[~trusted])[:, 1]
        missing = wrong = 0.1
        for _ in range(50):
            present = probability * np.where(weak == 1, 1 - missing, missing)
            absent = (1 - probability) * np.where(weak == 1, wrong, 1 - wrong)
            belief = present / (present + absent)
            missing = np.clip(belief[weak == 0].sum() / belief.sum(), 1e-4, 0.9)
            wrong = np.clip((1 - belief)[weak == 1].sum() / (1 - belief).sum(), 1e-4, 0.9)
        labels[~trusted, label] = belief > 0.5
        confidence[~trusted, label] = np.maximum(belief, 1 - belief)
    return Cleaned(labels, confidence)


_SHARES = {"S1": 1.0, "S2": 0.8, "S3": 0.6}
# The last fit that voted, since three criteria count the same votes.
_VOTED = {}
METHODS = {
    "do nothing": do_nothing,
    **{f"CV-{name}, as published": votes(s, use_trusted=False) for name, s in _SHARES.items()},
    "DDF, as published": density(use_trusted=False),
    **{f"CV-{name}": votes(share, use_trusted=True) for name, share in _SHARES.items()},
    "DDF": density(use_trusted=True),
    "cleanlab, flagged labels flipped": clean_with_cleanlab,
    "extra trees, Bayes, EM": clean_with_trees_and_bayes,
    "AFP, the paper's": afp(method="paper"),
    "AFP, labels weighed alone": afp(joint=False),
    "AFPLabelCleaner": afp(),
}
#: Ours beside those that a user would otherwise take.
PEERS = (
    "do nothing",
    "cleanlab, flagged labels flipped",
    "extra trees, Bayes, EM",
    "AFPLabelCleaner",
)

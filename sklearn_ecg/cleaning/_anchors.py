"""Anchor patterns: patterns that trusted and weak records share."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import linear_sum_assignment

from sklearn_ecg.cleaning._patterns import Pattern


@dataclass(frozen=True, eq=False)
class AnchorPattern:
    """A pattern of the trusted records and the pattern of the weak records that matches it.

    Attributes
    ----------
    trusted, weak : Pattern
        The two patterns.
    wasserstein : float
        2-Wasserstein distance of the two Gaussians.
    label_distance : float
        Jensen-Shannon distance of the two clusters' label sets.
    accuracy : float
        Of the trusted records in the weak pattern, the share with its label; one success and one
        failure are added.
    """

    trusted: Pattern
    weak: Pattern
    wasserstein: float
    label_distance: float
    accuracy: float


def wasserstein_distance(mean1, covariance1, mean2, covariance2):
    """2-Wasserstein distance of two Gaussians.

    Parameters
    ----------
    mean1, mean2 : ndarray of shape (n_features,)
    covariance1, covariance2 : ndarray of shape (n_features,) or (n_features, n_features)
        Diagonals, or full matrices.

    Returns
    -------
    float

    Notes
    -----
    .. math:: W_2^2 = |\\mu_1 - \\mu_2|^2 + \\mathrm{tr}(\\Sigma_1 + \\Sigma_2
        - 2 (\\Sigma_2^{1/2} \\Sigma_1 \\Sigma_2^{1/2})^{1/2})
    """
    shift = ((mean1 - mean2) ** 2).sum()
    if covariance1.ndim == covariance2.ndim == 1:
        return np.sqrt(shift + ((np.sqrt(covariance1) - np.sqrt(covariance2)) ** 2).sum())
    covariance1, covariance2 = (
        np.diag(c) if c.ndim == 1 else c for c in (covariance1, covariance2)
    )
    root = _symmetric_root(covariance2)
    cross = np.sqrt(np.clip(eigh(root @ covariance1 @ root, eigvals_only=True), 0, None)).sum()
    spread = np.trace(covariance1) + np.trace(covariance2) - 2 * cross
    return np.sqrt(max(shift + spread, 0.0))


def _symmetric_root(matrix):
    values, vectors = eigh(matrix)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T


def label_set_distance(labels1, labels2):
    """Jensen-Shannon distance of two clusters' distributions over label sets.

    Parameters
    ----------
    labels1, labels2 : ndarray of shape (n_records_i, n_labels)

    Returns
    -------
    float
        Between 0 and 1 (logarithms of base 2).
    """
    sets = np.r_[labels1, labels2] == 1
    which = np.unique(sets, axis=0, return_inverse=True)[1].ravel()
    n_sets = which.max() + 1
    p = np.bincount(which[: len(labels1)], minlength=n_sets) / len(labels1)
    q = np.bincount(which[len(labels1) :], minlength=n_sets) / len(labels2)
    middle = (p + q) / 2
    divergence = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
    return np.sqrt(max(divergence, 0.0))


def _relative_entropy(p, q):
    held = p > 0
    return (p[held] * np.log2(p[held] / q[held])).sum()


def find_anchor_patterns(patterns, X, labels, trusted):
    """Match patterns of trusted and weak records one to one, and keep the good matches.

    The cost of a match is the sum of its two distances, each divided by its mean over all pairs. A
    matched pair is an anchor if its cost is below the mean cost of all pairs. Two points differ
    from the paper. An exact assignment replaces its simulated annealing, and its mean over the
    solutions of the search. In addition, most of the trusted records in an anchor pattern must have
    the label, because patterns overlap if there are many features.

    Parameters
    ----------
    patterns : list of Pattern
    X : ndarray of shape (n_records, n_features)
    labels : ndarray of shape (n_records, n_labels)
    trusted : ndarray of bool of shape (n_records, n_labels)

    Returns
    -------
    list of AnchorPattern
    """
    anchors = []
    for label in range(labels.shape[1]):
        of_label = [p for p in patterns if p.label == label and p.present]
        ours = [p for p in of_label if p.source == "trusted"]
        theirs = [p for p in of_label if p.source == "weak"]
        if not ours or not theirs:
            continue
        wasserstein = np.array(
            [
                [wasserstein_distance(p.mean, p.covariance, q.mean, q.covariance) for q in theirs]
                for p in ours
            ]
        )
        label_distance = np.array(
            [
                [label_set_distance(labels[p.members], labels[q.members]) for q in theirs]
                for p in ours
            ]
        )
        cost = _scaled(wasserstein) + _scaled(label_distance)
        for i, j in zip(*linear_sum_assignment(cost), strict=True):
            if cost[i, j] <= cost.mean():
                inside = theirs[j].contains(X[trusted[:, label]])
                right = (labels[trusted[:, label], label][inside] == 1).sum()
                accuracy = (right + 1) / (inside.sum() + 2)
                if accuracy > 0.5:
                    distances = wasserstein[i, j], label_distance[i, j]
                    anchors.append(AnchorPattern(ours[i], theirs[j], *distances, accuracy))
    return anchors


def _scaled(distances):
    mean = distances.mean()
    return distances / mean if mean > 0 else distances


def find_anchor_labels(anchors, X, labels):
    """Find the weak labels whose records lie in an anchor pattern of the label.

    Parameters
    ----------
    anchors : list of AnchorPattern
    X : ndarray of shape (n_records, n_features)
    labels : ndarray of shape (n_records, n_labels)

    Returns
    -------
    ndarray of shape (n_records, n_labels)
        The accuracy of the best anchor pattern; 0 if there is none.
    """
    accuracy = np.zeros(labels.shape)
    for anchor in anchors:
        label = anchor.weak.label
        carriers = np.flatnonzero(labels[:, label] == 1)
        inside = carriers[anchor.weak.contains(X[carriers])]
        accuracy[inside, label] = np.maximum(accuracy[inside, label], anchor.accuracy)
    return accuracy

"""Cleaning rules: labels that occur together, and labels that exclude each other."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from sklearn_ecg.cleaning._patterns import Pattern


@dataclass(frozen=True, eq=False)
class InclusionRule:
    """A record in both patterns with the label of the first also has the label of the second.

    Attributes
    ----------
    source, target : Pattern
        The first and the second pattern.
    support : int
        Number of training records with both labels in both patterns.
    confidence : float
        Support divided by the number of records of `source`.
    kulczynski : float
        Mean of the two conditional shares.
    accuracy : float
        Lower 5 % bound of the share of trusted records for which the rule holds.
    """

    source: Pattern
    target: Pattern
    support: int
    confidence: float
    kulczynski: float
    accuracy: float

    def applies(self, X, known):
        """Whether the rule applies to each record, given a mask of the known labels."""
        held = known[:, self.source.label] == 1
        held[held] = self.source.contains(X[held])
        held[held] = self.target.contains(X[held])
        return held


@dataclass(frozen=True)
class ExclusionRule:
    """Two frequent labels that (almost) never occur together.

    Attributes
    ----------
    label, opposed : int
    correlation : float
        ``(P(label | opposed) + P(opposed | label)) / 2``
    accuracy : float
        Lower 5 % bound of the share of trusted records with `label` that do not have `opposed`.
    """

    label: int
    opposed: int
    correlation: float
    accuracy: float


def association_rules(labels, *, min_support, min_confidence):
    """Mine pairwise rules ``source -> target``.

    Parameters
    ----------
    labels : ndarray of shape (n_records, n_labels)
    min_support : int
        Least number of records with both labels.
    min_confidence : float
        Least share of the records with the source that also have the target.

    Returns
    -------
    list of (int, int)
    """
    present = (labels == 1).astype(np.int64)
    together = present.T @ present
    frequent = np.maximum(np.diag(together), 1)
    confidence = together / frequent[:, np.newaxis]
    kept = (together >= min_support) & (confidence >= min_confidence)
    np.fill_diagonal(kept, False)
    return [(int(s), int(t)) for s, t in np.argwhere(kept)]


def inclusion_rules(patterns, X, labels, trusted, *, min_support, min_confidence, min_correlation):
    """Refine association rules to patterns.

    Parameters
    ----------
    patterns : list of Pattern
        Patterns of trusted records with a label.
    X : ndarray of shape (n_records, n_features)
        The training data: trusted and anchored records.
    labels : ndarray of shape (n_records, n_labels)
    trusted : ndarray of bool of shape (n_records, n_labels)
        The labels that measure the accuracy of a rule.
    min_support : int
    min_confidence, min_correlation : float

    Returns
    -------
    list of InclusionRule
    """
    pairs = association_rules(labels, min_support=min_support, min_confidence=min_confidence)
    if not pairs:
        return []
    inside = [p.contains(X) for p in patterns]
    rules = []
    for source_label, target_label in pairs:
        sources = [m for m, p in enumerate(patterns) if p.label == source_label]
        targets = [m for m, p in enumerate(patterns) if p.label == target_label]
        has_source, has_target = labels[:, source_label] == 1, labels[:, target_label] == 1
        both_trusted = trusted[:, source_label] & trusted[:, target_label]
        for i in sources:
            in_source = inside[i] & has_source
            for j in targets:
                in_target = inside[j] & has_target
                support = int((in_source & in_target).sum())
                if support < min_support:
                    continue
                confidence = support / in_source.sum()
                correlation = (confidence + support / in_target.sum()) / 2
                if confidence >= min_confidence and correlation >= min_correlation:
                    asked = in_source & inside[j] & both_trusted
                    accuracy = lower_bound((asked & has_target).sum(), asked.sum())
                    rules.append(
                        InclusionRule(
                            patterns[i], patterns[j], support, confidence, correlation, accuracy
                        )
                    )
    return rules


def exclusion_rules(labels, trusted, *, min_support, max_exclusion):
    """Find pairs of frequent labels with a strong negative, null-invariant correlation.

    Parameters
    ----------
    labels : ndarray of shape (n_records, n_labels)
        The training data: trusted and anchored records.
    trusted : ndarray of bool of shape (n_records, n_labels)
    min_support : int
        Least number of records with a frequent label.
    max_exclusion : float
        Upper limit of the correlation.

    Returns
    -------
    list of ExclusionRule
        Both directions of each pair.
    """
    present = (labels == 1).astype(np.int64)
    counts = present.sum(axis=0)
    together = present.T @ present
    rules = []
    frequent = np.flatnonzero(counts >= min_support)
    for s in frequent:
        for t in frequent:
            correlation = (together[s, t] / counts[s] + together[s, t] / counts[t]) / 2
            if s != t and correlation < max_exclusion:
                asked = (present[:, s] == 1) & trusted[:, s] & trusted[:, t]
                accuracy = lower_bound((asked & (present[:, t] == 0)).sum(), asked.sum())
                rules.append(ExclusionRule(int(s), int(t), float(correlation), accuracy))
    return rules


def lower_bound(n_right, n_asked):
    """Return the lower 5 % bound of a share, after `n_right` successes in `n_asked` trials."""
    return float(beta.ppf(0.05, n_right + 1, n_asked - n_right + 1))


def apply_inclusion(rules, X, known):
    """Return the best accuracy of a rule that adds each label; 0 without a rule.

    Parameters
    ----------
    rules : list of InclusionRule
    X : ndarray of shape (n_records, n_features)
    known : ndarray of shape (n_records, n_labels)
        1 for known labels.

    Returns
    -------
    ndarray of shape (n_records, n_labels)
    """
    accuracy = np.zeros(known.shape)
    for rule in rules:
        applies = rule.applies(X, known)
        column = accuracy[:, rule.target.label]
        column[applies] = np.maximum(column[applies], rule.accuracy)
    return accuracy


def apply_exclusion(rules, known):
    """Return the best accuracy of a rule that removes each label; 0 without a rule.

    Parameters
    ----------
    rules : list of ExclusionRule
    known : ndarray of shape (n_records, n_labels)
        1 for known labels.

    Returns
    -------
    ndarray of shape (n_records, n_labels)
    """
    accuracy = np.zeros(known.shape)
    for rule in rules:
        applies = known[:, rule.label] == 1
        column = accuracy[:, rule.opposed]
        column[applies] = np.maximum(column[applies], rule.accuracy)
    return accuracy

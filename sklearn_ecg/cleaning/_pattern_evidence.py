"""PatternEvidence: patterns, and the anchors and rules derived from them."""

import numpy as np

from sklearn_ecg.cleaning._anchors import find_anchor_labels, find_anchor_patterns
from sklearn_ecg.cleaning._memory import remembered
from sklearn_ecg.cleaning._patterns import find_patterns
from sklearn_ecg.cleaning._rules import (
    apply_exclusion,
    apply_inclusion,
    exclusion_rules,
    inclusion_rules,
)
from sklearn_ecg.utils import announce


class PatternEvidence:
    """Evidence for labels from patterns: the paper's first stage.

    Patterns, anchors and rules are computed on first access.

    Parameters
    ----------
    mixture : estimator
        Finds patterns.
    min_support : int
    min_confidence, min_correlation, max_exclusion : float
        Thresholds of rules.
    anchors, rules : bool
        Whether to find any.
    min_accuracy : float
        Least accuracy on trusted labels of the anchors and rules that are used.
    random_state : int
    memory : str or joblib.Memory, default=None
        Stores patterns and anchors, which do not depend on thresholds.
    n_jobs : int, default=None
    verbose : int, default=0
    """

    def __init__(
        self,
        mixture,
        *,
        min_support,
        min_confidence,
        min_correlation,
        max_exclusion,
        anchors,
        rules,
        min_accuracy,
        random_state,
        memory=None,
        n_jobs=None,
        verbose=0,
    ):
        self.mixture = mixture
        self.min_support = min_support
        self.min_confidence = min_confidence
        self.min_correlation = min_correlation
        self.max_exclusion = max_exclusion
        self.anchors = anchors
        self.rules = rules
        self.min_accuracy = min_accuracy
        self.random_state = random_state
        self.memory = memory
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X, labels, trusted, scaling=None):
        """Store the records to learn from.

        Parameters
        ----------
        X : ndarray of shape (n_records, n_features)
            Scaled to [0, 1], unless `scaling` is given.
        labels : ndarray of shape (n_records, n_labels)
        trusted : ndarray of bool of shape (n_records, n_labels)
        scaling : FeatureScaling, default=None
            Scales X on first access, so that no scaled copy is stored.

        Returns
        -------
        self
        """
        self._records = X, labels, trusted, scaling
        self._found = None
        return self

    patterns_ = property(lambda self: self._find()["patterns"])
    anchor_patterns_ = property(lambda self: self._find()["anchor_patterns"])
    inclusion_rules_ = property(lambda self: self._find()["inclusion_rules"])
    exclusion_rules_ = property(lambda self: self._find()["exclusion_rules"])
    # Mask of the records that rules are learned from: trusted records, and records whose labels are
    # all in anchor patterns.
    training_ = property(lambda self: self._find()["training"])

    def _find(self):
        if self._found is None:
            self._found = self._find_in(*self._records)
            self._records = None
        return self._found

    def _find_in(self, X, labels, trusted, scaling):
        announce("Finding patterns, anchors and rules", self.verbose)
        X = X if scaling is None else scaling.scale(X)
        find = remembered(self.memory, _patterns_and_anchors, ignore=["n_jobs"])
        patterns, anchor_patterns = find(
            X, labels, trusted, self.mixture, random_state=self.random_state, n_jobs=self.n_jobs
        )
        if not self.anchors:
            anchor_patterns = []
        present = labels == 1
        anchored = find_anchor_labels(anchor_patterns, X, labels) > 0
        fully_anchored = present.any(axis=1) & (~present | trusted | anchored).all(axis=1)
        training = trusted.all(axis=1) | fully_anchored
        including, excluding = [], []
        if self.rules:
            of_present = [p for p in patterns if p.present and p.source == "trusted"]
            including = inclusion_rules(
                of_present,
                X[training],
                labels[training],
                trusted[training],
                min_support=self.min_support,
                min_confidence=self.min_confidence,
                min_correlation=self.min_correlation,
            )
            excluding = exclusion_rules(
                labels[training],
                trusted[training],
                min_support=self.min_support,
                max_exclusion=self.max_exclusion,
            )
        return {
            "patterns": patterns,
            "anchor_patterns": anchor_patterns,
            "inclusion_rules": including,
            "exclusion_rules": excluding,
            "training": training,
        }

    def fires(self, rule):
        """Whether a rule is accurate enough to be used."""
        return rule.accuracy >= self.min_accuracy

    def anchored(self, X, labels):
        """Return the accuracy of the anchor of each given label; 0 without an anchor.

        Parameters
        ----------
        X : ndarray of shape (n_records, n_features)
        labels : ndarray of shape (n_records, n_labels)

        Returns
        -------
        ndarray of shape (n_records, n_labels)
        """
        accuracy = find_anchor_labels(self.anchor_patterns_, X, labels)
        return np.where(accuracy >= self.min_accuracy, accuracy, 0.0)

    def included(self, X, known):
        """Return the accuracy of the rule that adds each label; 0 without a rule.

        Parameters
        ----------
        X : ndarray of shape (n_records, n_features)
        known : ndarray of bool of shape (n_records, n_labels)
            Mask of labels that are known to be present.

        Returns
        -------
        ndarray of shape (n_records, n_labels)
        """
        return apply_inclusion(filter(self.fires, self.inclusion_rules_), X, known)

    def excluded(self, known):
        """Return the accuracy of the rule that removes each label; 0 without a rule.

        Parameters
        ----------
        known : ndarray of bool of shape (n_records, n_labels)
            Mask of labels that are known to be present.

        Returns
        -------
        ndarray of shape (n_records, n_labels)
        """
        return apply_exclusion(filter(self.fires, self.exclusion_rules_), known)


def _patterns_and_anchors(X, labels, trusted, mixture, *, random_state, n_jobs=None):
    """Find both in one call, so that a cache need not hash hundreds of patterns."""
    patterns = find_patterns(X, labels, trusted, mixture, random_state=random_state, n_jobs=n_jobs)
    return patterns, find_anchor_patterns(patterns, X, labels, trusted)

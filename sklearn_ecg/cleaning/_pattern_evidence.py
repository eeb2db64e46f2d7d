"""PatternEvidence: patterns, and the anchors and rules that follow from them."""

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
    """What patterns say of labels: the paper's first stage.

    Nothing is computed before it is asked for.

    Parameters
    ----------
    mixture : estimator
        Finds patterns.
    min_support : int
    min_confidence, min_correlation, max_exclusion : float
        Thresholds of rules.
    anchors, rules : bool
        Whether there are any.
    min_accuracy : float
        Anchors and rules that are right less often than this on trusted labels are mute.
    random_state : int
    memory : str or joblib.Memory, default=None
        Keeps patterns and anchors, which depend on no threshold.
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
        """Take the records from which to learn.

        Parameters
        ----------
        X : ndarray of shape (n_records, n_features)
            Scaled to [0, 1]; not yet, with `scaling`.
        labels : ndarray of shape (n_records, n_labels)
        trusted : ndarray of bool of shape (n_records, n_labels)
        scaling : FeatureScaling, default=None
            Scales X once it is asked for, so that it is not held a second time.

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
    # The records of `fit` that rules are made of: trusted ones, and those whose labels all lie in
    # anchor patterns.
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
        """Whether a rule is accurate enough to be applied."""
        return rule.accuracy >= self.min_accuracy

    def anchored(self, X, labels):
        """Return the accuracy of the anchor of each given label; 0 where there is none.

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
        """Return the accuracy with which a rule adds each label; 0 where none does.

        Parameters
        ----------
        X : ndarray of shape (n_records, n_features)
        known : ndarray of bool of shape (n_records, n_labels)
            Where a label is known to be present.

        Returns
        -------
        ndarray of shape (n_records, n_labels)
        """
        return apply_inclusion(filter(self.fires, self.inclusion_rules_), X, known)

    def excluded(self, known):
        """Return the accuracy with which a rule drops each label; 0 where none does.

        Parameters
        ----------
        known : ndarray of bool of shape (n_records, n_labels)
            Where a label is known to be present.

        Returns
        -------
        ndarray of shape (n_records, n_labels)
        """
        return apply_exclusion(filter(self.fires, self.exclusion_rules_), known)


def _patterns_and_anchors(X, labels, trusted, mixture, *, random_state, n_jobs=None):
    """Find both in one call, so that a cache need not tell hundreds of patterns from others."""
    patterns = find_patterns(X, labels, trusted, mixture, random_state=random_state, n_jobs=n_jobs)
    return patterns, find_anchor_patterns(patterns, X, labels, trusted)

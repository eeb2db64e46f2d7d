"""From beliefs, rules and anchors to labels, their provenance and confidence."""

from dataclasses import dataclass

import numpy as np


@dataclass(eq=False)
class Decisions:
    """Cleaned labels of n_records.

    Attributes
    ----------
    labels : ndarray of int8 of shape (n_records, n_labels)
        1 or 0 even where undecided: what the weak label says there, -1 if it says nothing.
    provenance : ndarray of str of shape (n_records, n_labels)
    confidence : ndarray of shape (n_records, n_labels)
        Probability that the label is right.
    belief : ndarray of shape (n_records, n_labels)
        Probability of the label.
    settled : ndarray of shape (n_records, n_labels), default=None
        Expected errors of the record that a person's answer about the label removes; by default
        those of the label alone.
    """

    labels: np.ndarray
    provenance: np.ndarray
    confidence: np.ndarray
    belief: np.ndarray
    settled: np.ndarray | None = None

    def __post_init__(self):
        if self.settled is None:
            self.settled = np.minimum(self.belief, 1 - self.belief)

    @classmethod
    def keeping(cls, labels, provenance):
        """Decide nothing: every label as it is."""
        trusted = provenance == "trusted"
        belief = np.select([labels == 1, labels == 0], [1.0, 0.0], 0.5)
        return cls(
            labels.copy(),
            np.full(labels.shape, provenance, dtype="<U9"),
            np.where(trusted & (labels != -1), 1.0, 0.5),
            belief if trusted else np.full(labels.shape, 0.5),
        )

    def put(self, rows, columns, other):
        """Take over the decisions of `other` at some records and labels."""
        where = np.ix_(rows, columns)
        for name in ("labels", "provenance", "confidence", "belief", "settled"):
            getattr(self, name)[where] = getattr(other, name)[:, columns]

    def at(self, rows):
        """Return the decisions on some records."""
        return Decisions(
            self.labels[rows],
            self.provenance[rows],
            self.confidence[rows],
            self.belief[rows],
            self.settled[rows],
        )


def decide(belief, weak, *, anchors, included, excluded, min_accuracy, margin):
    """Decide by Bayes, with rules and anchors where Bayes has no opinion.

    A rule or an anchor pattern speaks only where its accuracy, measured on trusted records, is
    high, and never against a discriminator that is sure of the contrary.

    Parameters
    ----------
    belief : ndarray of shape (n_records, n_labels)
    weak : ndarray of shape (n_records, n_labels)
    anchors, included, excluded : ndarray of shape (n_records, n_labels)
        Accuracy with which an anchor pattern confirms, or a rule adds or drops, a label; 0
        where none does.
    min_accuracy : float
        The least that a rule or anchor needs.
    margin : float
        A label is undecided while its probability lies that close to one half.

    Returns
    -------
    Decisions
    """
    present = belief > 0.5
    sure = np.abs(belief - 0.5) >= margin
    labels = np.where(sure, present, weak).astype(np.int8)
    provenance = np.select(
        [~sure, labels == weak, labels == 1], ["undecided", "confirmed", "added"], "removed"
    ).astype("<U9")
    confidence = np.where(sure, np.maximum(belief, 1 - belief), 0.5)
    confidence = np.where(~sure & (weak != -1), np.where(weak == 1, belief, 1 - belief), confidence)
    stages = (
        ("anchor", 1, anchors, weak == 1),
        ("included", 1, included, weak != 1),
        ("excluded", 0, excluded, weak != 0),
    )
    for name, value, accuracy, candidate in stages:
        speaks = candidate & (accuracy >= min_accuracy) & (~sure | (present == value))
        decides = speaks & ~sure
        labels[speaks] = value
        provenance[speaks] = name
        confidence[decides] = accuracy[decides]
        sure = sure | speaks
        present = np.where(decides, value, present)
    return Decisions(labels, provenance, confidence, belief)

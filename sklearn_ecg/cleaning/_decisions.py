"""The decisions of a cleaner, before undecided labels become -1."""

from dataclasses import dataclass

import numpy as np


@dataclass(eq=False)
class Decisions:
    """Cleaned labels of n_records.

    Attributes
    ----------
    labels : ndarray of int8 of shape (n_records, n_labels)
        1 or 0; for undecided labels the weak label, -1 if unknown.
    provenance : ndarray of str of shape (n_records, n_labels)
        One of `sklearn_ecg.records.PROVENANCES`.
    confidence : ndarray of shape (n_records, n_labels)
        Probability that the label is right.
    belief : ndarray of shape (n_records, n_labels)
        Probability that the label is present.
    errors_resolved : ndarray of shape (n_records, n_labels), default=None
        Expected number of the record's errors that a person's answer about the label removes, in
        addition to better answers about the record; by default only the errors of the label.
    by_features : ndarray of shape (n_records, n_labels), default=None
        Probability of the label, given features only; by default the belief.
    """

    labels: np.ndarray
    provenance: np.ndarray
    confidence: np.ndarray
    belief: np.ndarray
    errors_resolved: np.ndarray | None = None
    by_features: np.ndarray | None = None

    def __post_init__(self):
        if self.by_features is None:
            self.by_features = self.belief.astype(float)
        if self.errors_resolved is None:
            self.errors_resolved = np.minimum(self.belief, 1 - self.belief)

    def __setstate__(self, state):
        # Older files lack some attributes, which get their defaults.
        vars(self).update(state)
        self.__post_init__()

    @classmethod
    def keeping(cls, labels, trusted):
        """Return decisions that change nothing: trusted labels are known, others undecided.

        Parameters
        ----------
        labels : ndarray of int8 of shape (n_records, n_labels)
        trusted : ndarray of bool of shape (n_records, n_labels)

        Returns
        -------
        Decisions
        """
        known = trusted & (labels != -1)
        return cls(
            labels.copy(),
            np.where(trusted, "trusted", "undecided").astype("<U9"),
            np.where(known, 1.0, 0.5),
            np.where(known, labels == 1, 0.5),
        )

    def put(self, rows, other, where=True):
        """Copy the decisions of `other` for some records.

        Parameters
        ----------
        rows : ndarray of int of shape (n_rows,)
        other : Decisions
            Decisions for these records.
        where : ndarray of bool of shape (n_rows, n_labels), default=True
            Mask of the labels to copy.
        """
        for name, theirs in vars(other).items():
            ours = getattr(self, name)
            ours[rows] = np.where(where, theirs, ours[rows])

    def at(self, rows):
        """Return the decisions for some records."""
        return Decisions(*(values[rows] for values in vars(self).values()))

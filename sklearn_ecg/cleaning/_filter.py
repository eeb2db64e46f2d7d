"""Label filters: cleaners that remove given labels and add none."""

import warnings

import numpy as np

from sklearn_ecg.cleaning._base import BaseLabelCleaner
from sklearn_ecg.cleaning._decisions import Decisions
from sklearn_ecg.cleaning._inputs import FeatureScaling, check_input
from sklearn_ecg.utils import check_params

# Fewer records than this with or without a label say nothing of it.
_MIN_EXAMPLES = 5


class BaseLabelFilter(BaseLabelCleaner):
    """Remove given labels that too little speaks for.

    A filter adds ``_fit_filter(X, labels, weak, teaches, groups)``, which learns from the records
    that teach and judges the weak ones, none by itself, and ``_judge(X)`` for records that it has
    not seen. Both return two arrays of shape (n_records, n_labels): the share of votes for
    a label, and whether the label is rejected.
    """

    def _fit(self, X, y, trusted, groups):
        """Fit, and return the checked input; warnings count on being one call below the user's."""
        check_params(self)
        table = self._feature_table(X, reset=True)
        given = check_input(X, y, trusted, groups, n_records=len(table))
        self.label_names_ = given.label_names
        rows = np.flatnonzero(~np.isnan(table).all(axis=1))
        weak = ~given.trusted[rows]
        # Where there is nothing but trusted records they alone can teach.
        teaches = weak | self.use_trusted | ~weak.any()
        if not teaches.any():
            raise ValueError(
                "the features of all records are NaN, so that nothing can be learned; look at the "
                "signals, or pass other `features`."
            )
        labels = given.labels[rows]
        self._find_learnable(labels[teaches])
        self._scaling = FeatureScaling.learn(table)
        features = self._scaling.standardise(self._scaling.fill(table[rows]))
        patients = None if given.groups is None else given.groups[rows]
        decisions = Decisions.keeping(labels[weak], "undecided")
        if self.learned_.any():
            verdict = self._fit_filter(features, labels, weak, teaches, patients)
            decisions = filter_labels(labels[weak], *verdict)
        self._noise_rates = self._describe_noise(labels[weak], decisions)
        self._set_results(X, table, given, rows[weak], decisions)
        return given

    def _find_learnable(self, labels):
        """Find labels with enough examples on each side, and name the others."""
        examples = np.minimum((labels == 1).sum(axis=0), (labels == 0).sum(axis=0))
        self.learned_ = examples >= _MIN_EXAMPLES
        if not self.learned_.all():
            names = ", ".join(self.label_names_[~self.learned_])
            warnings.warn(
                f"Too few examples of labels {names} ({_MIN_EXAMPLES} with and {_MIN_EXAMPLES} "
                "without a label are needed); they are kept as they are.",
                UserWarning,
                stacklevel=4,
            )

    def _describe_noise(self, weak, decisions):
        """Count what was removed; a filter cannot say what is missing."""
        removed = (decisions.provenance == "removed").sum(axis=0)
        absent = (decisions.labels == 0).sum(axis=0)
        wrong = np.divide(removed, absent, out=np.full(len(absent), np.nan), where=absent > 0)
        rates = np.column_stack([np.full(len(wrong), np.nan), wrong])
        return np.where(self.learned_[:, np.newaxis], rates, np.nan)

    def _clean_table(self, table, weak):
        """Clean records that `fit` did not see."""
        results = Decisions.keeping(weak, "undecided")
        rows = np.flatnonzero(~np.isnan(table).all(axis=1))
        if len(rows) and self.learned_.any():
            features = self._scaling.standardise(self._scaling.fill(table[rows]))
            found = filter_labels(weak[rows], *self._judge(features))
            results.put(rows, np.flatnonzero(self.learned_), found)
        return results.labels.copy(), results

    def _final_labels(self, results, judged_rows):
        return results.labels.copy()


def filter_labels(weak, support, rejected):
    """Remove given labels that are rejected; absent ones stay absent.

    Parameters
    ----------
    weak : ndarray of int8 of shape (n_records, n_labels)
    support : ndarray of shape (n_records, n_labels)
        Share of the votes that are for the label.
    rejected : ndarray of bool of shape (n_records, n_labels)

    Returns
    -------
    Decisions
    """
    wrong = (weak == 1) & rejected
    labels = np.where(wrong, 0, weak).astype(np.int8)
    provenance = np.select([weak == -1, wrong], ["undecided", "removed"], "confirmed")
    confidence = np.select([labels == 1, labels == 0], [support, 1 - support], 0.5)
    return Decisions(labels, provenance.astype("<U9"), confidence, support)

"""What label filters share: they remove given labels that too little speaks for, and add none."""

import numpy as np

from sklearn_ecg.cleaning._decisions import Decisions
from sklearn_ecg.utils import warn_user

# Fewer records than this with or without a label say nothing of it.
_MIN_EXAMPLES = 5


def teaching_records(trusted, *, use_trusted):
    """Return which records are to be cleaned, and from which to learn.

    Parameters
    ----------
    trusted : ndarray of bool of shape (n_records, n_labels)
    use_trusted : bool
        Whether records of which all labels are trusted teach. Where there are no others, they do.

    Returns
    -------
    weak, teaches : ndarray of bool of shape (n_records,)
    """
    weak = ~trusted.all(axis=1)
    teaches = weak | use_trusted | ~weak.any()
    if not teaches.any():
        raise ValueError(
            "the features of all records are NaN, so that nothing can be learned; look at the "
            "signals, or pass other `features`."
        )
    return weak, teaches


def find_learned(labels, label_names):
    """Return which labels have enough examples on each side, and name the others in a warning.

    Parameters
    ----------
    labels : ndarray of shape (n_records, n_labels)
        Of the records that teach.
    label_names : ndarray of str of shape (n_labels,)

    Returns
    -------
    ndarray of bool of shape (n_labels,)
    """
    examples = np.minimum((labels == 1).sum(axis=0), (labels == 0).sum(axis=0))
    learned = examples >= _MIN_EXAMPLES
    if not learned.all():
        warn_user(
            f"Too few examples of labels {', '.join(label_names[~learned])} ({_MIN_EXAMPLES} with "
            f"and {_MIN_EXAMPLES} without a label are needed); they are kept as they are."
        )
    return learned


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


def removal_rates(decisions, asked):
    """Return noise rates by what was removed; a filter cannot say what is missing.

    Parameters
    ----------
    decisions : Decisions
    asked : ndarray of bool of shape (n_records, n_labels)
        Labels that were learned and are not trusted.

    Returns
    -------
    dict of ndarray of shape (n_labels,)
        Columns of a table, ``missing`` and ``wrong``; NaN where no label is absent.
    """
    removed = ((decisions.provenance == "removed") & asked).sum(axis=0)
    absent = ((decisions.labels == 0) & asked).sum(axis=0)
    unknown = np.full(len(absent), np.nan)
    wrong = np.divide(removed, absent, out=unknown.copy(), where=absent > 0)
    return {"missing": unknown, "wrong": wrong}

"""Shared parts of label filters, which remove given labels and add none."""

import numpy as np

from sklearn_ecg.cleaning._decisions import Decisions
from sklearn_ecg.utils import warn_user

# A label is learned only from at least so many records with it, and so many without it.
_MIN_EXAMPLES = 5


def teaching_records(trusted, *, use_trusted):
    """Return masks of the records to clean, and of the records to learn from.

    Parameters
    ----------
    trusted : ndarray of bool of shape (n_records, n_labels)
    use_trusted : bool
        Whether to learn from records whose labels are all trusted. If there are no others, the
        filter always learns from them.

    Returns
    -------
    weak, teaches : ndarray of bool of shape (n_records,)
    """
    weak = ~trusted.all(axis=1)
    teaches = weak | use_trusted | ~weak.any()
    if not teaches.any():
        raise ValueError(
            "The features of all records are NaN, so nothing can be learned; look at the signals, "
            "or pass other `features`."
        )
    return weak, teaches


def find_learned(labels, label_names):
    """Return a mask of the labels with enough examples, and warn of the others.

    Parameters
    ----------
    labels : ndarray of shape (n_records, n_labels)
        Labels of the records to learn from.
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
            f"and {_MIN_EXAMPLES} without a label are needed); they are not changed."
        )
    return learned


def filter_labels(weak, support, rejected):
    """Remove rejected labels; absent labels stay absent.

    Parameters
    ----------
    weak : ndarray of int8 of shape (n_records, n_labels)
    support : ndarray of shape (n_records, n_labels)
        Share of the votes for the label.
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
    """Return the rates of removed labels; a filter cannot know the rates of missing ones.

    Parameters
    ----------
    decisions : Decisions
    asked : ndarray of bool of shape (n_records, n_labels)
        Mask of learned labels that are not trusted.

    Returns
    -------
    dict of ndarray of shape (n_labels,)
        The columns ``missing`` and ``wrong``; NaN if no label is absent.
    """
    removed = ((decisions.provenance == "removed") & asked).sum(axis=0)
    absent = ((decisions.labels == 0) & asked).sum(axis=0)
    unknown = np.full(len(absent), np.nan)
    wrong = np.divide(removed, absent, out=unknown.copy(), where=absent > 0)
    return {"missing": unknown, "wrong": wrong}

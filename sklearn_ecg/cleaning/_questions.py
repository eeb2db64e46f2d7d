"""Rank questions about labels by the value of their answers."""

import numbers

import numpy as np

# Assumed error rate of readers for a label with the entropy 1 bit, given features. (Over all
# labels, most of them easy, cardiologists err in 0.3 to 0.6 %.)
_ERRORS_OF_READERS = 0.1


def check_n_questions(value):
    """Return a number of questions as int, or None for all."""
    is_number = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if value is not None and not (is_number and value >= 1):
        raise ValueError(
            f"n_questions must be an int of at least 1, or None for all; got {value!r}."
        )
    return None if value is None else int(value)


def rank_questions(decisions, weak, asked, judged, random_state):
    """Rank labels by the expected value of a reader's answer.

    Parameters
    ----------
    decisions : Decisions
    weak : ndarray of int8 of shape (n_records, n_labels)
    asked : ndarray of bool of shape (n_records, n_labels)
        Labels to rank.
    judged : ndarray of bool of shape (n_records, n_labels)
        Mask of the labels that could be judged. The others get the mean error rate of weak labels.
    random_state : numpy.random.RandomState
        Draws the order of equally useful questions.

    Returns
    -------
    record, label : ndarray of int of shape (n_questions,)
    columns : dict of ndarray of shape (n_questions,)
        Columns wrong, difficulty and value of `BaseLabelCleaner.questions`.
    """
    record, label = np.nonzero(asked)
    by_features, resolved, wrong = (
        values[record, label]
        for values in (
            decisions.by_features,
            decisions.errors_resolved,
            1 - decisions.confidence,
        )
    )
    unjudged = ~judged[record, label]
    if unjudged.any():
        wrong[unjudged] = _usual_error(decisions.belief, weak, asked & judged)[
            weak[record, label][unjudged]
        ]
        by_features[unjudged], resolved[unjudged] = wrong[unjudged], wrong[unjudged]
    difficulty = _entropy(by_features)
    # Reduce the value by the reader's error rate. (Delaying questions that resemble better ones of
    # other records gained nothing: the weak labels of similar records differ, so each error must be
    # found by itself.)
    value = resolved * (1 - 2 * _ERRORS_OF_READERS * difficulty)
    order = np.lexsort((random_state.random_sample(len(value)), -wrong, -value))
    columns = {"wrong": wrong, "difficulty": difficulty, "value": value}
    return record[order], label[order], {name: of[order] for name, of in columns.items()}


def _usual_error(belief, weak, asked):
    """Return the error rates of weak labels 0, 1, and (last) unknown."""
    rates = []
    for value, error in ((0, belief), (1, 1 - belief)):
        of_value = asked & (weak == value)
        rates.append(error[of_value].mean() if of_value.any() else 0.5)
    return np.array([*rates, 0.5])


def _entropy(probability):
    """Return the entropy in bits."""
    p = np.clip(probability, 1e-9, 1 - 1e-9)
    return -(p * np.log2(p) + (1 - p) * np.log2(1 - p))

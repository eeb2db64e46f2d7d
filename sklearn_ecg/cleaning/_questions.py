"""Which labels to ask a reader about: first those whose answers settle most."""

import numbers

import numpy as np

# Where the features leave a label quite open (1 bit), readers are taken to err this often. (Over
# all labels, most of which are plain to see, cardiologists err in 0.3 to 0.6 %.)
_ERRORS_OF_READERS = 0.1


def check_n_questions(value):
    """Raise an error for what is neither a number of questions nor None."""
    is_number = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if value is not None and not (is_number and value >= 1):
        raise ValueError(
            f"n_questions must be an int of at least 1, or None for all; got {value!r}."
        )


def rank_questions(decisions, weak, asked, judged, random_state):
    """Rank labels by what an answer settles, as readers give it.

    Parameters
    ----------
    decisions : Decisions
    weak : ndarray of int8 of shape (n_records, n_labels)
    asked : ndarray of bool of shape (n_records, n_labels)
        Labels to rank.
    judged : ndarray of bool of shape (n_records, n_labels)
        Labels of which something is known. The others are taken to be wrong as often as weak
        labels are.
    random_state : numpy.random.RandomState
        Draws the order of what is equally worth asking.

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
    # What an answer that is wrong so often tells of what one that is always right would. (To let
    # questions wait that are like better ones of other records gained nothing in the end: what
    # weak labels say of similar records differs, and each error has to be found by itself.)
    value = resolved * (1 - 2 * _ERRORS_OF_READERS * difficulty)
    order = np.lexsort((random_state.random_sample(len(value)), -wrong, -value))
    columns = {"wrong": wrong, "difficulty": difficulty, "value": value}
    return record[order], label[order], {name: of[order] for name, of in columns.items()}


def _usual_error(belief, weak, asked):
    """How often weak labels are wrong that say 0, 1, and (last) nothing."""
    rates = []
    for value, error in ((0, belief), (1, 1 - belief)):
        of_value = asked & (weak == value)
        rates.append(error[of_value].mean() if of_value.any() else 0.5)
    return np.array([*rates, 0.5])


def _entropy(probability):
    """In bits."""
    p = np.clip(probability, 1e-9, 1 - 1e-9)
    return -(p * np.log2(p) + (1 - p) * np.log2(1 - p))

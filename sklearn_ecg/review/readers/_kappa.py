"""Agreement of readers beyond chance."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sklearn_ecg.utils import number_array


@dataclass(frozen=True)
class Kappa:
    """Agreement beyond chance, from `cohen_kappa` or `fleiss_kappa`.

    Attributes
    ----------
    kappa : float
        1 is perfect agreement, 0 is agreement by chance. NaN if no question has two answers, or all
        answers are the same.
    standard_error : float
        By the jackknife over questions. NaN if all readers agree, or if there are fewer than three
        questions.
    low, high : float
        The 95 % interval.
    n_questions : int
        Number of questions with two answers or more.
    """

    kappa: float
    standard_error: float
    low: float
    high: float
    n_questions: int


def cohen_kappa(first, second) -> Kappa:
    """Agreement of two readers beyond chance (Cohen 1960).

    Parameters
    ----------
    first, second : array-like of shape (n_questions,)
        Answers to the same questions: 1 present, 0 absent, NaN or -1 no answer. Questions without
        two answers are ignored.

    Returns
    -------
    Kappa

    Raises
    ------
    ValueError
        If there are other values, or the arguments have different lengths or, as Series, different
        indices.

    See Also
    --------
    fleiss_kappa : For more than two readers.

    Notes
    -----
    Leave out answers to disputes: the reader has seen the other answers.

    Examples
    --------
    >>> from sklearn_ecg.review import cohen_kappa
    >>> found = cohen_kappa([1, 1, 0, 0, 0, 1, 0, 0], [1, 1, 0, 0, 0, 0, 0, -1])
    >>> f"{found.kappa:.2f} ({found.low:.2f} to {found.high:.2f})"
    '0.70 (0.05 to 1.00)'
    """
    are_series = isinstance(first, pd.Series) and isinstance(second, pd.Series)
    if are_series and not first.index.equals(second.index):
        raise ValueError(
            "first and second are Series with different indices; reindex both to the questions "
            "that they share."
        )
    one, other = _check_answers(first, "first", 1), _check_answers(second, "second", 1)
    if len(one) != len(other):
        raise ValueError(
            f"first has {len(one)} answers, second has {len(other)}; both must be for the same "
            "questions, with NaN where there is no answer."
        )
    both = ~np.isnan(one) & ~np.isnan(other)
    one, other = one[both], other[both]
    return _kappa(one == other, one, other)


def fleiss_kappa(answers) -> Kappa:
    """Agreement of any number of readers beyond chance (Fleiss 1971).

    Parameters
    ----------
    answers : array-like or DataFrame of shape (n_questions, n_readers)
        1 present, 0 absent, NaN or -1 no answer. Questions may have different numbers of answers;
        those with fewer than two are ignored.

    Returns
    -------
    Kappa

    Raises
    ------
    ValueError
        If there are other values.

    See Also
    --------
    cohen_kappa : For two readers, who may say "present" at different rates.

    Notes
    -----
    Observed agreement is the mean over questions of the share of pairs of readers that agree.
    Agreement by chance follows from the mean share of "present". With equal numbers of readers this
    is Fleiss' statistic, with different numbers Gwet's extension of it [1]_.

    References
    ----------
    .. [1] Gwet KL. Handbook of inter-rater reliability, 4th edition (2014).

    Examples
    --------
    >>> from sklearn_ecg.review import fleiss_kappa
    >>> found = fleiss_kappa([[1, 1, 1], [0, 0, -1], [1, 0, 1], [0, 0, 0], [0, -1, -1]])
    >>> f"{found.kappa:.2f} of {found.n_questions} questions"
    '0.66 of 4 questions'
    """
    answers = _check_answers(answers, "answers", 2)
    n_read = (~np.isnan(answers)).sum(axis=1)
    n_present = (answers == 1).sum(axis=1)[n_read > 1]
    n_read = n_read[n_read > 1]
    n_absent = n_read - n_present
    agreement = n_present * (n_present - 1) + n_absent * (n_absent - 1)
    share = n_present / n_read
    return _kappa(agreement / (n_read * (n_read - 1)), share, share)


def _kappa(agreement, first, second):
    """Return agreement beyond chance, given each question's agreement and shares of "present"."""

    def beyond_chance(observed, one, other):
        expected = one * other + (1 - one) * (1 - other)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(expected < 1 - 1e-12, (observed - expected) / (1 - expected), np.nan)

    n_questions = len(agreement)
    if not n_questions:
        return Kappa(np.nan, np.nan, np.nan, np.nan, 0)
    columns = [np.asarray(column, dtype=float) for column in (agreement, first, second)]
    kappa = float(beyond_chance(*(column.mean() for column in columns)))
    error = np.nan
    if n_questions > 2 and columns[0].min() < 1:
        without = beyond_chance(*((c.sum() - c) / (n_questions - 1) for c in columns))
        error = float(np.sqrt((n_questions - 1) * np.var(without)))
    low, high = np.clip([kappa - 1.96 * error, kappa + 1.96 * error], -1, 1)
    return Kappa(kappa, error, float(low), float(high), n_questions)


def _check_answers(answers, name, n_axes):
    found = number_array(answers, name)
    if found.ndim != n_axes:
        raise ValueError(
            f"{name} must have {n_axes} axes, {('questions', 'questions and readers')[n_axes - 1]};"
            f" got an array of shape {found.shape}."
        )
    found = np.where(found == -1, np.nan, found)
    strange = found[~np.isnan(found) & ~np.isin(found, (0, 1))]
    if len(strange):
        raise ValueError(
            f"{name} must be 1 (present), 0 (absent), and NaN or -1 where there is no answer; got "
            f"{strange[0]:g}."
        )
    return found

"""ReaderModel: error rates of readers, and trust in their answers."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_ecg.utils import Interval, check_params, number_array

# Expected share of findings that readers miss, and of absent ones that they see: the desk asks
# about doubtful labels, and cardiologists miss a tenth even of clear findings.
_MISSED, _IMAGINED = 0.10, 0.03
# Standard deviations, in log odds: of these shares, between readers, between labels.
_SPREADS = 1.0, 0.7, 0.5
# A reader who settles a dispute sees the other answers and takes time. Such answers err less by
# this.
_FINAL = 1 / 3
# Limits of a cleaner's log odds: it is never trusted more (2 %, 98 %).
_MOST_SURE = 4.0
# Prior of intercept and slope of the cleaner's calibration: expected values, standard deviations.
_CALIBRATION, _CALIBRATION_SPREAD = np.array([0.0, 1.0]), np.array([0.7, 0.4])


class ReaderModel(BaseEstimator):
    """Estimate the truth and each reader's error rates from answers.

    The model of Dawid and Skene [1]_: a reader finds a present label with some probability
    (sensitivity), and rejects an absent one with another (specificity). Three things are added.
    First, the prior of each question is the cleaner's probability, with a calibration that is
    learned; single answers count too, and few double readings are enough. Second, errors are
    pooled: the log odds of a reader's error with a label are the sum of a common, a reader's and a
    label's part, so three right answers do not make a reader perfect. Third, an answer that settles
    a dispute, given after seeing the others, counts as that of a better reader, but not as the
    truth.

    Truth, errors and calibration are drawn in turn (Gibbs sampling), not maximised: with few double
    readings many explanations are nearly as good as the best one, and probabilities must average
    over all of them.

    Parameters
    ----------
    n_iter : int, default=400
        Number of draws; the first quarter is discarded.
    random_state : int, RandomState instance or None, default=None
        An int gives the same result each time.

    Attributes
    ----------
    questions_ : DataFrame
        A row per question: label, ``prior`` (probability that it is present before any answer, by
        the calibrated cleaner), ``evidence`` (log likelihood ratio of the answers for "present"),
        ``probability`` (that it is present, given both) and ``n_readers``. Its index is the
        question, or id and label.
    readers_ : DataFrame
        A row per reader: n_answers, sensitivity, specificity, and their 95 % intervals
        (``sensitivity_low`` and so on).
    readers_by_label_ : DataFrame
        The same by reader and label.
    calibration_ : ndarray of shape (2,)
        Intercept and slope that calibrate the cleaner's log odds; 0 and 1 if its probabilities are
        right.

    See Also
    --------
    fleiss_kappa : Agreement of readers, without a model.

    References
    ----------
    .. [1] Dawid AP, Skene AM. Maximum likelihood estimation of observer error-rates using the EM
       algorithm. J R Stat Soc C 28:20-28 (1979).

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ecg.review import ReaderModel
    >>> answers = pd.DataFrame(
    ...     {
    ...         "reader": ["Ann", "Bob", "Ann", "Bob", "Cem", "Bob"],
    ...         "question": [1, 1, 2, 2, 2, 3],
    ...         "label": "AF",
    ...         "answer": [1, 1, 0, 1, 1, 0],
    ...         "probability": 0.5,
    ...         "is_final": [False, False, False, False, True, False],
    ...     }
    ... )
    >>> model = ReaderModel(random_state=0).fit(answers)
    >>> model.trust(pd.Series({1: 1, 2: 1, 3: 0})).round(1).tolist()
    [1.0, 1.0, 0.8]
    """

    _parameter_constraints = {
        "n_iter": [Interval(Integral, 4, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(self, *, n_iter=400, random_state=None):
        self.n_iter = n_iter
        self.random_state = random_state

    def fit(self, answers, y=None):
        """Draw readers' errors and the truth, given the answers.

        Parameters
        ----------
        answers : DataFrame
            Columns reader, question (or id), label and answer (1 present, 0 absent; leave out other
            answers). Optional: probability (the cleaner's, that the label is present, when it
            asked; NaN unknown) and is_final (whether the answer settled a dispute). If a reader
            answered a question several times, the last answer counts, and the last one that settled
            a dispute; the first probability of a question counts.
        y : None, default=None
            Ignored.

        Returns
        -------
        self : ReaderModel

        Raises
        ------
        ValueError
            If a column is missing or has other values.
        """
        check_params(self)
        given = _Answers.read(_check_table(answers))
        random = check_random_state(self.random_state)
        missed, imagined = (
            _Coefficients(given.cells, _centred(usual, given.cells), given.precision)
            for usual in (_MISSED, _IMAGINED)
        )
        calibration = _Coefficients(given.beliefs, _CALIBRATION, 1 / _CALIBRATION_SPREAD**2)
        shares = np.full(len(given.labels), 0.5)
        n_left_out = self.n_iter // 4
        # For each question: prior, likelihoods if present and if absent, probability.
        sums, rates_drawn, calibrations_drawn = np.zeros((4, len(given.questions))), [], []
        for number in range(self.n_iter):
            # Draw the truth of questions, given error rates.
            prior = np.where(given.is_believed, calibration.log_odds(), logit(shares[given.label]))
            rates = expit(missed.log_odds()), expit(imagined.log_odds())
            if_present, if_absent = given.log_likelihoods(*rates)
            probability = expit(prior + if_present - if_absent)
            if number >= n_left_out:
                sums += expit(prior), np.exp(if_present), np.exp(if_absent), probability
                rates_drawn.append(rates)
                calibrations_drawn.append(calibration.values)
            truth = random.uniform(size=len(probability)) < probability
            # Draw error rates and the cleaner's calibration, given the truth.
            missed.draw(*given.errors(truth, where=True), random)
            imagined.draw(*given.errors(truth, where=False), random)
            calibration.draw(truth * given.is_believed, 1.0 * given.is_believed, random)
            shares = given.draw_shares(truth, random)
        prior, if_present, if_absent, probability = sums / (self.n_iter - n_left_out)
        self.questions_ = pd.DataFrame(
            {
                "label": given.labels[given.label],
                "prior": prior,
                "evidence": np.log(if_present / if_absent),
                "probability": probability,
                "n_readers": given.n_readers(),
            },
            index=given.questions,
        )
        self.calibration_ = np.mean(calibrations_drawn, axis=0)
        self._describe_readers(given, np.array(rates_drawn))
        return self

    def trust(self, settled) -> pd.Series:
        """Return the probability that settled answers are right.

        Parameters
        ----------
        settled : Series
            Settled answers, 1 present or 0 absent; its index is that of `questions_`.

        Returns
        -------
        Series of float
            With the same index.

        Raises
        ------
        ValueError
            If a question was not in `fit`, or has another value.
        """
        check_is_fitted(self)
        if not isinstance(settled, pd.Series):
            raise TypeError(f"settled must be a Series; got {type(settled).__name__}.")
        _check_binary(settled.to_numpy(), "settled")
        place = self.questions_.index.get_indexer(settled.index)
        if (place == -1).any():
            raise ValueError(
                f"settled holds question {settled.index[place == -1][0]!s}, for which fit saw no "
                "answer; leave it out, or fit to all answers."
            )
        probability = self.questions_["probability"].to_numpy()[place]
        trust = np.where(settled == 1, probability, 1 - probability)
        return pd.Series(trust, index=settled.index, name="trust")

    def _describe_readers(self, given, rates):
        """Summarise rates, an array of shape (n_draws, 2, n_readers * n_labels)."""
        shape = len(given.readers), len(given.labels)
        n_answers = np.bincount(given.cell, minlength=shape[0] * shape[1])
        right = 1 - rates
        by_label = {"n_answers": n_answers}
        of_reader = {"n_answers": n_answers.reshape(shape).sum(axis=1)}
        weights = n_answers.reshape(shape) / np.maximum(of_reader["n_answers"], 1)[:, np.newaxis]
        for kind, name in enumerate(("sensitivity", "specificity")):
            by_label |= _interval(name, right[:, kind])
            of_labels = right[:, kind].reshape(len(rates), *shape)
            of_reader |= _interval(name, (of_labels * weights).sum(axis=2))
        cells = pd.MultiIndex.from_product([given.readers, given.labels], names=["reader", "label"])
        by_label = pd.DataFrame(by_label, index=cells)
        self.readers_by_label_ = by_label[by_label["n_answers"] > 0]
        self.readers_ = pd.DataFrame(of_reader, index=pd.Index(given.readers, name="reader"))


@dataclass(eq=False)
class _Answers:
    """Answers as numbers.

    Attributes
    ----------
    question, reader, answer, is_final, cell : ndarray of shape (n_answers,)
        `cell` numbers pairs of reader and label.
    label, is_believed : ndarray of shape (n_questions,)
        Number of the label; whether the cleaner gave a probability.
    beliefs : ndarray of shape (n_questions, 2)
        1, and the cleaner's log odds, 0 if unknown.
    questions, readers, labels : Index or ndarray
        Names.
    cells : ndarray of shape (n_readers * n_labels, 1 + n_readers + n_labels)
        Indicators of the reader and the label of each cell, after a column of ones.
    precision : ndarray of shape (1 + n_readers + n_labels,)
    """

    question: np.ndarray
    reader: np.ndarray
    answer: np.ndarray
    is_final: np.ndarray
    cell: np.ndarray
    label: np.ndarray
    is_believed: np.ndarray
    beliefs: np.ndarray
    questions: pd.Index
    readers: np.ndarray
    labels: np.ndarray
    cells: np.ndarray
    precision: np.ndarray

    @classmethod
    def read(cls, table):
        """Number the names in a checked table."""
        by = ["question"] if "question" in table else ["id", "label"]
        table = table.drop_duplicates(["reader", "is_final", *by], keep="last")
        keys = pd.MultiIndex.from_frame(table[by]) if len(by) > 1 else pd.Index(table[by[0]])
        question, questions = keys.factorize()
        label_of_answer, labels = pd.factorize(table["label"].to_numpy(dtype=object))
        reader, readers = pd.factorize(table["reader"].to_numpy(dtype=object))
        _, first = np.unique(question, return_index=True)
        label = label_of_answer[first]
        known = table["probability"].groupby(question).first().to_numpy(dtype=float)
        with np.errstate(divide="ignore"):
            sure = np.clip(logit(known), -_MOST_SURE, _MOST_SURE)
        n_readers, n_labels = len(readers), len(labels)
        of_cell = np.divmod(np.arange(n_readers * n_labels), max(n_labels, 1))
        cells = np.column_stack(
            [np.ones(len(of_cell[0])), np.eye(n_readers)[of_cell[0]], np.eye(n_labels)[of_cell[1]]]
        )
        return cls(
            question=question,
            reader=reader,
            answer=table["answer"].to_numpy(dtype=float),
            is_final=table["is_final"].to_numpy(dtype=bool),
            cell=reader * n_labels + label_of_answer,
            label=label,
            is_believed=~np.isnan(known),
            beliefs=np.column_stack([np.ones(len(known)), np.nan_to_num(sure)]),
            questions=questions,
            readers=readers,
            labels=labels,
            cells=cells,
            precision=1 / np.repeat(_SPREADS, [1, n_readers, n_labels]) ** 2,
        )

    def n_readers(self):
        """Return the number of readers who answered each question."""
        pairs = np.unique(np.column_stack([self.question, self.reader]), axis=0)
        return np.bincount(pairs[:, 0], minlength=len(self.questions))

    def log_likelihoods(self, missed, imagined):
        """Return the log likelihoods of each question's answers, if present and if absent."""
        less = np.where(self.is_final, _FINAL, 1.0)
        missed, imagined = missed[self.cell] * less, imagined[self.cell] * less
        said = self.answer == 1
        return [
            np.bincount(self.question, np.log(np.where(said, *shares)), len(self.questions))
            for shares in ((1 - missed, missed), (imagined, 1 - imagined))
        ]

    def errors(self, truth, *, where):
        """Return, by cell, the number of errors about questions with this truth, and of answers.

        Final answers are left out: after seeing other answers, readers err at another rate.
        """
        counted = (truth[self.question] == where) & ~self.is_final
        return [
            np.bincount(self.cell, 1.0 * which, len(self.cells))
            for which in (counted & (self.answer != where), counted)
        ]

    def draw_shares(self, truth, random):
        """Return how often labels are present for which the cleaner gave no probability."""
        present, absent = (
            np.bincount(self.label, 1.0 * (~self.is_believed & (truth == value)), len(self.labels))
            for value in (True, False)
        )
        return np.clip(random.beta(present + 0.5, absent + 0.5), 1e-4, 1 - 1e-4)


class _Coefficients:
    """Coefficients of a logistic regression with a normal prior, drawn given counts.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_coefficients)
    expected, precision : ndarray of shape (n_coefficients,)
        Of the prior: means, and inverse variances.

    Attributes
    ----------
    values : ndarray of shape (n_coefficients,)
    """

    def __init__(self, X, expected, precision):
        self.X, self.expected, self.precision = X, expected, precision
        self.values = expected

    def log_odds(self):
        return self.X @ self.values

    def draw(self, hits, asked, random):
        """Propose from the normal distribution at the posterior's mode (Metropolis and Hastings).

        Parameters
        ----------
        hits, asked : ndarray of shape (n_rows,)
        random : RandomState
        """
        mode = self.expected
        for _ in range(8):
            step = np.linalg.solve(self._curvature(mode, asked), self._slope(mode, hits, asked))
            # Newton's step from a flat place may be too large.
            step *= min(1, 2 / max(np.abs(self.X @ step).max(initial=0), 1e-9))
            mode = mode + step
            if np.abs(step).max() < 1e-3:
                break
        root = np.linalg.cholesky(self._curvature(mode, asked)).T
        away = random.normal(size=len(mode))
        proposed = mode + np.linalg.solve(root, away)
        gain = self._log_posterior(proposed, hits, asked) + away @ away / 2
        current = root @ (self.values - mode)
        loss = self._log_posterior(self.values, hits, asked) + current @ current / 2
        if np.log(random.uniform()) < gain - loss:
            self.values = proposed

    def _log_posterior(self, values, hits, asked):
        odds = self.X @ values
        likelihood = hits @ odds - asked @ np.logaddexp(0, odds)
        return likelihood - self.precision @ (values - self.expected) ** 2 / 2

    def _slope(self, values, hits, asked):
        missing = hits - asked * expit(self.X @ values)
        return self.X.T @ missing - self.precision * (values - self.expected)

    def _curvature(self, values, asked):
        share = expit(self.X @ values)
        return (self.X.T * (asked * share * (1 - share))) @ self.X + np.diag(self.precision)


def _centred(usual, cells):
    """Return the expected coefficients if readers and labels do not differ."""
    return np.concatenate([[logit(usual)], np.zeros(cells.shape[1] - 1)])


def _interval(name, draws):
    """Return the mean and the 95 % interval of draws, as columns."""
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return {name: draws.mean(axis=0), f"{name}_low": low, f"{name}_high": high}


def _check_table(answers):
    """Return answers with all columns, after checking them."""
    if not isinstance(answers, pd.DataFrame):
        raise TypeError(f"answers must be a DataFrame; got {type(answers).__name__}.")
    needed = ["reader", "label", "answer", "question" if "question" in answers else "id"]
    missing = [column for column in needed if column not in answers]
    if missing:
        raise ValueError(
            f"answers has no column {missing[0]!r}; it needs reader, question (or id), label and "
            f"answer, and has {', '.join(map(str, answers.columns))}."
        )
    unnamed = answers[[column for column in needed if column != "answer"]].isna().any()
    if unnamed.any():
        raise ValueError(f"answers has rows without {unnamed.idxmax()}; leave them out, or add it.")
    if "question" in answers:
        n_labels = answers.groupby("question")["label"].nunique()
        if (n_labels > 1).any():
            raise ValueError(
                f"answers has {n_labels.max()} labels for question {n_labels.idxmax()!s}; a "
                "question must have one."
            )
    _check_binary(answers["answer"].to_numpy(), "the column answer")
    probability = number_array(
        answers.get("probability", np.full(len(answers), np.nan)), "probability"
    )
    impossible = probability[(probability < 0) | (probability > 1)]
    if len(impossible):
        raise ValueError(
            f"the column probability must lie between 0 and 1, NaN where unknown; got "
            f"{impossible[0]:g}."
        )
    is_final = answers.get("is_final", pd.Series(False, index=answers.index))
    if not is_final.isin([True, False]).all():
        raise ValueError("the column is_final must be True or False in all rows.")
    return answers.assign(
        answer=answers["answer"].astype(float), probability=probability, is_final=is_final
    )


def _check_binary(values, name):
    strange = [value for value in values.tolist() if value is pd.NA or value not in (0, 1)]
    if strange:
        raise ValueError(
            f"{name} must be 1 (present) or 0 (absent); got {strange[0]!r}. Leave out other "
            'answers, such as "unsure".'
        )

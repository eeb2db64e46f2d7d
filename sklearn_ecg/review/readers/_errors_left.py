"""Number of wrong labels among those without an answer, and when to stop asking."""

from numbers import Real
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit, logit, softmax
from sklearn.utils import check_random_state

from sklearn_ecg.utils import number_array

# Knots, in the cleaner's log odds of being wrong. Between them the difference between these and the
# answers is linear.
_LOWEST, _HIGHEST = -14.0, 7.0
_KNOTS = np.linspace(_LOWEST, _HIGHEST, 15)
# Labels whose log odds differ by less are counted together.
_STEP = 0.1
# Prior standard deviations of that difference: of its level, per unit of log odds (over- or
# underconfidence), and of other smooth forms, with their length scale in log odds. (Of intervals
# after 48 fits, with four kinds of noise and a third or a tenth of the records trusted, 99 % held.)
_SHIFT, _TILT, _BEND, _REACH = 0.5, 0.15, 0.3, 3.0
# With this prior probability a cleaner is so many times worse calibrated.
_HOW_OFTEN, _WORSE = 0.1, 4.0
_N_DRAWS = 1000


def errors_left(
    answered,
    unanswered,
    *,
    reader_error=0.02,
    n_next=50,
    confidence_level=0.95,
    random_state=None,
) -> pd.Series:
    """Estimate how many labels without an answer are wrong.

    The cleaner gives each label a probability of being wrong. The answers calibrate these
    probabilities. Questions are asked in order of doubt, so their answers are informative only for
    labels with similar probabilities. Control questions, drawn at random from the other labels, are
    needed for labels that the cleaner is sure of.

    Parameters
    ----------
    answered : DataFrame
        A row per answered question: ``probability`` (the cleaner's, that the label was wrong, when
        it asked); ``wrong`` (1 or 0, by the trusted answer); and optionally ``evidence``, the log
        likelihood ratio of the answers for "wrong", if it is better known than by `reader_error`.
        `ReaderModel` gives it for "present"; change its sign where the label was present. Leave out
        questions that readers raised themselves: they say nothing about others.
    unanswered : array-like of shape (n_labels,)
        The cleaner's latest probability that each unanswered label is wrong; NaN if it cannot
        judge. Labels with NaN are ignored.
    reader_error : float, default=0.02
        Probability that a trusted answer is wrong, if there is no ``evidence``.
    n_next : int, default=50
        Number of questions asked next, about the labels that are most probably wrong.
    confidence_level : float, default=0.95
        Probability of the interval from ``low`` to ``high``.
    random_state : int, RandomState instance or None, default=None
        An int gives the same result each time.

    Returns
    -------
    Series of float
        ``estimate`` (median), ``low`` and ``high`` of the number of wrong labels; ``n_labels``, the
        number of judged labels without an answer; ``found_next``, the expected number of errors
        among the next ``n_next``.

    Raises
    ------
    ValueError
        If probabilities are not between 0 and 1, or `wrong` is neither 1 nor 0.

    See Also
    --------
    stopping : Says whether so few errors are acceptable.

    Notes
    -----
    The log odds of being wrong are the cleaner's plus a smooth function of them: a Gaussian process
    with prior mean 0 and a small variance or, for one cleaner in ten, a large one. Its posterior is
    drawn by importance sampling from Laplace's approximation. For each draw, errors are drawn among
    the unanswered labels.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn_ecg.review import errors_left
    >>> rng = np.random.default_rng(0)
    >>> doubt = rng.beta(0.2, 4, size=5000)
    >>> is_wrong = rng.random(5000) < doubt
    >>> asked = np.argsort(-doubt)[:200]
    >>> answers = pd.DataFrame({"probability": doubt[asked], "wrong": is_wrong[asked]})
    >>> left = errors_left(answers, np.delete(doubt, asked), random_state=0)
    >>> bool(left["low"] <= np.delete(is_wrong, asked).sum() <= left["high"])
    True
    """
    _check_number(reader_error, "reader_error", 0, 0.5)
    _check_number(n_next, "n_next", 0, np.inf)
    _check_number(confidence_level, "confidence_level", 0, 1)
    odds, evidence, n_alike = _read_answered(answered, reader_error)
    unanswered = _log_odds(unanswered, "unanswered")
    random = check_random_state(random_state)
    centres, counts = _count(unanswered[~np.isnan(unanswered)])
    result = {"estimate": 0.0, "low": 0.0, "high": 0.0, "n_labels": float(counts.sum())}
    if not len(centres):
        return pd.Series(result | {"found_next": 0.0})
    differences = _draw_differences(odds, evidence, n_alike, random)
    shares = expit(centres + differences @ _between_knots(centres).T)
    wrong = random.binomial(counts, shares).sum(axis=1)
    tail = (1 - confidence_level) / 2
    low, estimate, high = np.quantile(wrong, [tail, 0.5, 1 - tail])
    expected = shares.mean(axis=0)
    first = np.argsort(-expected, kind="stable")
    before = np.cumsum(counts[first]) - counts[first]
    taken = np.clip(n_next - before, 0, counts[first])
    result |= {"estimate": estimate, "low": low, "high": high}
    return pd.Series(result | {"found_next": float(taken @ expected[first])})


class Stopping(NamedTuple):
    """Whether to stop asking, from `stopping`."""

    stop: bool
    why: str


def stopping(left, *, n_labels=None, max_share=0.005, min_found=1.0) -> Stopping:
    """Decide whether to stop asking.

    Parameters
    ----------
    left : Series
        From `errors_left`.
    n_labels : int, default=None
        Number of all labels; by default of those without an answer.
    max_share : float, default=0.005
        Stop if at most this share of the labels is wrong, by the upper end of the interval.
    min_found : float, default=1.0
        Stop also if the next questions are expected to find fewer errors.

    Returns
    -------
    Stopping
        With ``stop``, a bool, and ``why``, a sentence.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ecg.review import stopping
    >>> left = pd.Series(
    ...     {"estimate": 12, "low": 3, "high": 31, "n_labels": 9000, "found_next": 4.2}
    ... )
    >>> stopping(left).why
    'At most 31 of 9000 labels may be wrong, 0.34 %; that is little enough.'
    >>> stopping(left, max_share=0.001).why
    'Up to 31 of 9000 labels may be wrong, 0.34 %; the next questions should find 4.2.'
    """
    names = ("high", "n_labels", "found_next")
    if not isinstance(left, pd.Series) or not set(names) <= set(left.index):
        raise ValueError("left must be the Series from errors_left.")
    n_labels = int(left["n_labels"]) if n_labels is None else n_labels
    _check_number(n_labels, "n_labels", 0, np.inf)
    _check_number(max_share, "max_share", 0, 1)
    _check_number(min_found, "min_found", 0, np.inf)
    if not left["n_labels"]:
        return Stopping(True, "No label is left that could be judged.")
    found, share = left["found_next"], left["high"] / max(n_labels, 1)
    said = f"{left['high']:.0f} of {n_labels} labels may be wrong, {100 * share:.2g} %"
    if share <= max_share:
        return Stopping(True, f"At most {said}; that is little enough.")
    if found < min_found:
        return Stopping(True, f"Up to {said}, but the next questions would find {found:.1f}.")
    return Stopping(False, f"Up to {said}; the next questions should find {found:.1f}.")


def _draw_differences(odds, evidence, counts, random):
    """Draw, at the knots, the differences between true and the cleaner's log odds of being wrong.

    Parameters
    ----------
    odds, evidence, counts : ndarray of shape (n_kinds,)
        Of answered questions, and the number of equal ones.
    random : RandomState

    Returns
    -------
    ndarray of shape (n_draws, n_knots)
    """
    far = _KNOTS[:, np.newaxis] - _KNOTS
    covariance = _SHIFT**2 + _TILT**2 * np.outer(_KNOTS, _KNOTS)
    covariance += _BEND**2 * np.exp(-((far / _REACH) ** 2) / 2) + 1e-6 * np.eye(len(_KNOTS))
    root = np.linalg.cholesky(covariance)
    usual, worse = (
        _propose(scale * root, odds, evidence, counts, random) for scale in (1.0, _WORSE)
    )
    log_weights = np.r_[usual[1] + np.log1p(-_HOW_OFTEN), worse[1] + np.log(_HOW_OFTEN)]
    chosen = random.choice(2 * _N_DRAWS, size=_N_DRAWS, p=softmax(log_weights))
    return np.concatenate([usual[0], worse[0]])[chosen]


def _propose(root, odds, evidence, counts, random):
    """Draw differences near the mode of their posterior.

    Parameters
    ----------
    root : ndarray of shape (n_knots, n_knots)
        Of the prior covariance of differences; they are its product with independent normal values.
    odds, evidence, counts, random
        As for `_draw_differences`.

    Returns
    -------
    differences : ndarray of shape (n_draws, n_knots)
    log_weights : ndarray of shape (n_draws,)
        Of importance sampling, with the same constant for all roots.
    """
    X = _between_knots(odds) @ root
    # Excess over 1 of P(answers | wrong) / P(answers | right).
    excess = np.expm1(evidence)

    def loss(normal):
        share = expit(odds + X @ normal)
        pull = share * (1 - share) * excess / (1 + share * excess)
        likelihood = counts @ np.log1p(share * excess)
        return normal @ normal / 2 - likelihood, normal - X.T @ (counts * pull)

    mode = minimize(loss, np.zeros(len(_KNOTS)), jac=True, method="L-BFGS-B").x
    share = expit(odds + X @ mode)
    wrong = share * (1 + excess) / (1 + share * excess)
    known = counts * np.maximum(share * (1 - share) - wrong * (1 - wrong), 0)
    half = np.linalg.cholesky((X.T * known) @ X + np.eye(len(mode))).T
    # Student's t has heavier tails, where Laplace's approximation is too narrow.
    freedom = 8
    away = random.normal(size=(_N_DRAWS, len(mode)))
    away *= np.sqrt(freedom / random.chisquare(freedom, size=(_N_DRAWS, 1)))
    drawn = mode + np.linalg.solve(half, away.T).T
    target = np.log1p(expit(odds + drawn @ X.T) * excess) @ counts - (drawn**2).sum(axis=1) / 2
    proposed = -(freedom + len(mode)) / 2 * np.log1p((away**2).sum(axis=1) / freedom)
    return drawn @ root.T, target - proposed - np.log(np.diag(half)).sum()


def _between_knots(odds):
    """Return the weights of the knots that interpolate at log odds."""
    return np.column_stack([np.interp(odds, _KNOTS, unit) for unit in np.eye(len(_KNOTS))])


def _count(odds):
    """Return rounded log odds, and the number of labels with each."""
    return np.unique(np.round(odds / _STEP) * _STEP, return_counts=True)


def _log_odds(probability, name):
    """Return log odds of probabilities, after checking them."""
    found = number_array(probability, name)
    if found.ndim != 1:
        raise ValueError(
            f"{name} must have one axis, a probability for each label; got an array of shape "
            f"{found.shape}."
        )
    impossible = found[(found < 0) | (found > 1)]
    if len(impossible):
        raise ValueError(
            f"{name} must hold probabilities between 0 and 1, that a label is wrong; got "
            f"{impossible[0]:g}."
        )
    with np.errstate(divide="ignore"):
        return np.clip(logit(found), _LOWEST, _HIGHEST)


def _read_answered(answered, reader_error):
    """Return log odds of being wrong, log likelihood ratios for it, and numbers of questions."""
    if not isinstance(answered, pd.DataFrame):
        raise TypeError(f"answered must be a DataFrame; got {type(answered).__name__}.")
    missing = {"probability", "wrong"} - set(answered.columns)
    if missing:
        raise ValueError(
            f"answered has no column {min(missing)!r}; it needs probability and wrong, and has "
            f"{', '.join(map(str, answered.columns)) or 'none'}."
        )
    odds = _log_odds(answered["probability"], "the column probability")
    wrong = number_array(answered["wrong"], "the column wrong")
    strange = wrong[~np.isin(wrong, (0, 1))]
    if len(strange):
        raise ValueError(f"the column wrong must be 1 or 0; got {strange[0]:g}.")
    if "evidence" in answered:
        evidence = number_array(answered["evidence"], "the column evidence")
        if np.isnan(evidence).any():
            raise ValueError("the column evidence must be a number in all rows; got NaN.")
    else:
        evidence = np.where(wrong == 1, 1.0, -1.0) * -logit(np.clip(reader_error, 1e-9, None))
    # Labels that the cleaner could not judge say nothing about the others.
    rows = np.column_stack([odds, np.clip(evidence, -20, 20)])[~np.isnan(odds)]
    kinds, counts = np.unique(np.round(rows / _STEP) * _STEP, axis=0, return_counts=True)
    return kinds[:, 0], kinds[:, 1], counts


def _check_number(value, name, low, high):
    if isinstance(value, bool) or not isinstance(value, Real) or not low <= value <= high:
        raise ValueError(f"{name} must be a number between {low} and {high}; got {value!r}.")

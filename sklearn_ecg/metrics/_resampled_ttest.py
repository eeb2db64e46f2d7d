"""Compare two methods over repeated splits."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from sklearn_ecg.utils import number_array


@dataclass(frozen=True)
class ResampledTTest:
    """The mean difference of paired scores, from `corrected_resampled_ttest`.

    Attributes
    ----------
    difference : float
        Mean of ``scores_a - scores_b``.
    low, high : float
        The ends of its confidence interval.
    p_value : float
        Two-sided p-value.
    statistic : float
        Student's t.
    df : int
        Degrees of freedom, the number of splits minus 1.
    """

    difference: float
    low: float
    high: float
    p_value: float
    statistic: float
    df: int


def corrected_resampled_ttest(
    scores_a, scores_b, *, n_train, n_test, confidence_level=0.95
) -> ResampledTTest:
    """Test whether two methods differ in their scores on the same splits.

    Splits of one data set share training records, so their scores are not independent. A plain
    paired t-test would find differences far too often. Nadeau and Bengio [1]_ therefore replace the
    variance ``s²/J`` by ``(1/J + n_test/n_train) s²`` for J splits.

    Parameters
    ----------
    scores_a, scores_b : array-like of shape (n_splits,)
        Scores of two methods, paired by split: from repeated random splits, or from (repeated)
        cross-validation.
    n_train, n_test : float
        Number of records, or patients, in the training and test part of a split; the mean if
        splits differ.
    confidence_level : float, default=0.95
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    ResampledTTest
        With ``difference``, ``low``, ``high``, ``p_value``, ``statistic`` and ``df``.

    See Also
    --------
    paired_bootstrap_test : Compare two trained classifiers on one test set.
    scipy.stats.wilcoxon : Compare scores on independent data sets.

    References
    ----------
    .. [1] Nadeau C, Bengio Y. Inference for the generalization error. Machine Learning
       52:239-281 (2003).

    Examples
    --------
    >>> from sklearn_ecg.metrics import corrected_resampled_ttest
    >>> ours, theirs = [0.91, 0.93, 0.92, 0.90, 0.94], [0.89, 0.92, 0.90, 0.90, 0.91]
    >>> test = corrected_resampled_ttest(ours, theirs, n_train=80, n_test=20)
    >>> f"{test.difference:.3f} ({test.low:.3f} to {test.high:.3f}), p = {test.p_value:.2f}"
    '0.016 (-0.005 to 0.037), p = 0.10'
    """
    scores_a, scores_b = number_array(scores_a, "scores_a"), number_array(scores_b, "scores_b")
    if scores_a.shape != scores_b.shape or scores_a.ndim != 1 or len(scores_a) < 2:
        raise ValueError(
            "scores_a and scores_b must each hold one score per split, for at least 2 splits; got "
            f"the shapes {scores_a.shape} and {scores_b.shape}."
        )
    if not (np.isfinite(scores_a) & np.isfinite(scores_b)).all():
        raise ValueError(
            "scores_a and scores_b must be finite; leave splits without a score out of both."
        )
    if not (n_train > 0 and n_test > 0):
        raise ValueError(f"n_train and n_test must be positive; got {n_train!r} and {n_test!r}.")
    if not 0 < confidence_level < 1:
        raise ValueError(f"confidence_level must lie between 0 and 1; got {confidence_level!r}.")
    differences = scores_a - scores_b
    n_splits = len(differences)
    mean, df = float(differences.mean()), n_splits - 1
    error = np.sqrt((1 / n_splits + n_test / n_train) * differences.var(ddof=1))
    statistic = 0.0
    if mean != 0:
        # If all splits have the same difference, its variance is 0 and t is infinite.
        statistic = mean / error if error > 0 else np.copysign(np.inf, mean)
    reach = stats.t.ppf((1 + confidence_level) / 2, df) * error
    p_value = 2 * stats.t.sf(abs(statistic), df)
    return ResampledTTest(
        mean, float(mean - reach), float(mean + reach), float(p_value), float(statistic), df
    )

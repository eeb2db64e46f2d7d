"""Confidence interval of a score, by resampling patients."""

from dataclasses import dataclass, field

import numpy as np

from sklearn_ecg.metrics._resampled_scores import resampled_scorer
from sklearn_ecg.metrics._resamples import (
    PatientResamples,
    check_resampling,
    drop_undefined,
    interval,
)
from sklearn_ecg.utils import align_records, ids_of


@dataclass(frozen=True)
class BootstrapInterval:
    """A score with its confidence interval, from `bootstrap_interval`.

    Attributes
    ----------
    score : float
        The score of all records.
    low, high : float
        The ends of the interval.
    standard_error : float
        Standard deviation over resamples.
    n_undefined : int
        Number of resamples without a score, which the interval leaves out.
    distribution : ndarray of shape (n_resamples - n_undefined,)
        The scores of the resamples.
    """

    score: float
    low: float
    high: float
    standard_error: float
    n_undefined: int
    distribution: np.ndarray = field(repr=False)


def bootstrap_interval(
    metric,
    y_true,
    y_score,
    *,
    groups=None,
    n_resamples=1000,
    confidence_level=0.95,
    method="percentile",
    random_state=None,
) -> BootstrapInterval:
    """Confidence interval of a score, by a bootstrap over patients.

    Patients are drawn with replacement, each with all of their records. Drawing records would give
    an interval that is too narrow, because records of one patient resemble each other.

    Parameters
    ----------
    metric : {"roc_auc", "average_precision", "f1_macro"} or callable
        The names are means over labels of scikit-learn's metrics, and fast. Unknown labels (-1) are
        not counted; for "f1_macro", scores of 0.5 or more mean present. A function
        ``metric(y_true, y_score)`` must return a number; it is called for each resample, with the
        same rows of both arguments, in the types that were given.
    y_true : array-like or DataFrame of shape (n_records, n_labels)
        1 present, 0 absent, -1 unknown.
    y_score : array-like or DataFrame of shape (n_records, n_labels)
        Probabilities, or the second argument of `metric`.
    groups : array-like of shape (n_records,), default=None
        The patient of each record. By default each record is a patient of its own.
    n_resamples : int, default=1000
        Number of resamples.
    confidence_level : float, default=0.95
        Coverage of the interval, between 0 and 1.
    method : {"percentile", "bca"}, default="percentile"
        Quantiles of the resamples' scores, or bias-corrected and accelerated quantiles [1]_, which
        need one more score per patient.
    random_state : int, RandomState instance or None, default=None
        Seed of the resamples. Pass an int for the same interval each time.

    Returns
    -------
    BootstrapInterval
        With ``score``, ``low``, ``high``, ``standard_error``, ``n_undefined`` and
        ``distribution``.

    Raises
    ------
    ValueError
        If there are fewer than 2 patients, or a named metric meets a label that all or no records
        have.

    Warns
    -----
    UndefinedMetricWarning
        If more than 1 % of the resamples have no score, usually because few patients have some
        label. The interval leaves them out.

    See Also
    --------
    paired_bootstrap_test : The difference of two classifiers.

    References
    ----------
    .. [1] Efron B. Better bootstrap confidence intervals. J Am Stat Assoc 82:171-185 (1987).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.metrics import bootstrap_interval
    >>> rng = np.random.default_rng(1)
    >>> y_true = rng.integers(0, 2, size=(200, 3))
    >>> y_score = y_true + rng.normal(size=(200, 3))
    >>> patients = np.arange(200) // 2
    >>> found = bootstrap_interval("roc_auc", y_true, y_score, groups=patients, random_state=0)
    >>> f"{found.score:.3f} ({found.low:.3f} to {found.high:.3f})"
    '0.759 (0.721 to 0.795)'
    """
    check_resampling(n_resamples, confidence_level, method)
    scorer = resampled_scorer(metric, y_true, y_score)
    groups = align_records(groups, ids_of(y_true, y_score), name="groups")
    resamples = PatientResamples(groups, len(y_true))
    score = float(scorer(np.ones((1, len(y_true)), dtype=np.int64))[0])
    (distribution,) = resamples.scores([scorer], n_resamples, random_state)
    distribution, n_undefined = drop_undefined(distribution)
    left_out = resamples.scores_without_each([scorer])[0] if method == "bca" else None
    low, high = interval(score, distribution, confidence_level, left_out)
    return BootstrapInterval(
        score, low, high, float(distribution.std(ddof=1)), n_undefined, distribution
    )

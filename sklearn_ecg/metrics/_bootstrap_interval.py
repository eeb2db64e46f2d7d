"""How sure a score is, by resampling patients."""

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
        Of all records.
    low, high : float
        The ends of the interval.
    standard_error : float
        Standard deviation over resamples.
    n_undefined : int
        Resamples without a score, which had no part in the interval.
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

    Records of one patient resemble each other, so that an interval over records is too narrow:
    here patients are drawn, with replacement, and come with all of their records.

    Parameters
    ----------
    metric : {"roc_auc", "average_precision", "f1_macro"} or callable
        One of the named ones, all of them means over labels of scikit-learn's metrics, is computed
        for all resamples at once; unknown labels (-1) count nowhere, and for "f1_macro" scores
        of 0.5 or more mean present. A function ``metric(y_true, y_score)`` that returns a number
        is called for each resample, with the same rows of both, in the form in which they were
        given.
    y_true : array-like or DataFrame of shape (n_records, n_labels)
    y_score : array-like or DataFrame of shape (n_records, n_labels)
        Probabilities, or whatever `metric` takes.
    groups : array-like of shape (n_records,), default=None
        The patient of each record. By default every record is taken for a patient of its own.
    n_resamples : int, default=1000
    confidence_level : float, default=0.95
    method : {"percentile", "bca"}, default="percentile"
        Quantiles of the resamples' scores, or bias-corrected and accelerated ones [1]_, which
        compute one more score per patient.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    BootstrapInterval
        With ``score``, ``low``, ``high``, ``standard_error``, ``n_undefined`` and
        ``distribution``.

    Warns
    -----
    UndefinedMetricWarning
        If more than 1 % of the resamples have no score, as happens to macro scores where only a
        few patients have a label. They are left out.

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

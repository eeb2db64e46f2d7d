"""Compare classifiers on the same records, by resampling patients."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sklearn_ecg.metrics._resampled_scores import align_scores, resampled_scorer
from sklearn_ecg.metrics._resamples import (
    PatientResamples,
    check_resampling,
    drop_undefined,
    interval,
)
from sklearn_ecg.utils import align_records


@dataclass(frozen=True)
class PairedBootstrapTest:
    """The difference of two scores, from `paired_bootstrap_test`.

    Attributes
    ----------
    difference : float
        ``score_a - score_b``.
    low, high : float
        The ends of its confidence interval.
    p_value : float
        Two-sided p-value.
    score_a, score_b : float
        The scores of all records.
    n_undefined : int
        Number of resamples without a score, which are left out.
    distribution : ndarray of shape (n_resamples - n_undefined,)
        The differences in the resamples.
    """

    difference: float
    low: float
    high: float
    p_value: float
    score_a: float
    score_b: float
    n_undefined: int
    distribution: np.ndarray = field(repr=False)


def paired_bootstrap_test(
    metric,
    y_true,
    y_score_a,
    y_score_b,
    *,
    groups=None,
    n_resamples=1000,
    confidence_level=0.95,
    method="percentile",
    random_state=None,
) -> PairedBootstrapTest:
    """Test whether two classifiers score differently on the same records.

    Both are scored on the same resamples of patients. Records that are hard for both do not change
    the difference, so its interval is narrower than two separate intervals suggest.

    Parameters
    ----------
    metric : {"roc_auc", "average_precision", "f1_macro"} or callable
        See `bootstrap_interval`.
    y_true : array-like or DataFrame of shape (n_records, n_labels)
        1 present, 0 absent, -1 unknown.
    y_score_a, y_score_b : array-like or DataFrame of shape (n_records, n_labels)
        The probabilities of the two classifiers.
    groups : array-like of shape (n_records,), default=None
        The patient of each record. By default each record is a patient of its own.
    n_resamples : int, default=1000
        Number of resamples.
    confidence_level : float, default=0.95
        Coverage of the interval, between 0 and 1.
    method : {"percentile", "bca"}, default="percentile"
        See `bootstrap_interval`.
    random_state : int, RandomState instance or None, default=None
        Seed of the resamples. Pass an int for the same result each time.

    Returns
    -------
    PairedBootstrapTest
        With ``difference``, ``low``, ``high``, ``p_value``, ``score_a``, ``score_b``,
        ``n_undefined`` and ``distribution``.

    See Also
    --------
    compare_classifiers : Compare more than two classifiers.
    corrected_resampled_ttest : Compare scores of several training runs on splits.

    Notes
    -----
    The p-value is twice the smaller of two shares: of resamples with a difference <= 0, and with a
    difference >= 0. The observed difference counts as one more resample, so p is never 0. The test
    asks how the two *trained* classifiers compare on other patients. It does not say what happens
    if they are trained again, with another seed or on other records.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.metrics import paired_bootstrap_test
    >>> rng = np.random.default_rng(1)
    >>> y_true = rng.integers(0, 2, size=(200, 3))
    >>> good = y_true + rng.normal(size=(200, 3))
    >>> worse = good + rng.normal(size=(200, 3))
    >>> test = paired_bootstrap_test("roc_auc", y_true, good, worse, random_state=0)
    >>> f"{test.difference:.3f} ({test.low:.3f} to {test.high:.3f}), p = {test.p_value:.3f}"
    '0.069 (0.039 to 0.100), p = 0.002'
    """
    check_resampling(n_resamples, confidence_level, method)
    both = {"y_score_a": y_score_a, "y_score_b": y_score_b}
    said, ids = align_scores(y_true, both)
    scorers = [resampled_scorer(metric, y_true, scores) for scores in said]
    groups = align_records(groups, ids, name="groups")
    resamples = PatientResamples(groups, len(y_true))
    score_a, score_b = _observed(scorers, len(y_true))
    scores = resamples.scores(scorers, n_resamples, random_state)
    distribution, n_undefined = drop_undefined(scores[0] - scores[1])
    left_out = None
    if method == "bca":
        without = resamples.scores_without_each(scorers)
        left_out = without[0] - without[1]
    difference = score_a - score_b
    low, high = interval(difference, distribution, confidence_level, left_out)
    return PairedBootstrapTest(
        *(difference, low, high, _p_value(distribution)),
        *(score_a, score_b, n_undefined, distribution),
    )


def compare_classifiers(
    metric,
    y_true,
    y_scores,
    *,
    reference=None,
    groups=None,
    n_resamples=1000,
    confidence_level=0.95,
    random_state=None,
) -> pd.DataFrame:
    """Score several classifiers on the same records, and compare each with a reference.

    Parameters
    ----------
    metric : {"roc_auc", "average_precision", "f1_macro"} or callable
        See `bootstrap_interval`.
    y_true : array-like or DataFrame of shape (n_records, n_labels)
        1 present, 0 absent, -1 unknown.
    y_scores : dict of str to array-like or DataFrame of shape (n_records, n_labels)
        The name of each classifier, and its probabilities.
    reference : str, default=None
        Name of the classifier to compare with; by default the first.
    groups : array-like of shape (n_records,), default=None
        The patient of each record. By default each record is a patient of its own.
    n_resamples : int, default=1000
        Number of resamples.
    confidence_level : float, default=0.95
        Coverage of each single interval, between 0 and 1.
    random_state : int, RandomState instance or None, default=None
        Seed of the resamples. Pass an int for the same table each time.

    Returns
    -------
    DataFrame
        A row per classifier: ``score`` with percentile interval ``low`` to ``high``;
        ``difference``, its score minus the reference's, with ``difference_low`` and
        ``difference_high``; ``p_value`` as in `paired_bootstrap_test`; and ``p_adjusted``, after
        Holm's correction for several comparisons. The differences of the reference are NaN.

    See Also
    --------
    paired_bootstrap_test : Compare two classifiers.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.metrics import compare_classifiers
    >>> rng = np.random.default_rng(1)
    >>> y_true = rng.integers(0, 2, size=(200, 3))
    >>> noise = rng.normal(size=(3, 200, 3))
    >>> said = {"ours": y_true + noise[0], "as ours": y_true + noise[1], "coin": noise[2]}
    >>> table = compare_classifiers("roc_auc", y_true, said, random_state=0)
    >>> table[["score", "difference", "p_adjusted"]].round(3)
             score  difference  p_adjusted
    ours     0.759         NaN         NaN
    as ours  0.753      -0.005       0.871
    coin     0.519      -0.239       0.004
    """
    check_resampling(n_resamples, confidence_level, "percentile")
    if not isinstance(y_scores, Mapping):
        raise TypeError(
            "y_scores must be a dict of names of classifiers to scores; got "
            f"{type(y_scores).__name__}."
        )
    if len(y_scores) < 2:
        raise ValueError(f"y_scores must hold at least 2 classifiers; got {len(y_scores)}.")
    names = list(y_scores)
    reference = names[0] if reference is None else reference
    if reference not in names:
        raise ValueError(
            f"reference={reference!r} is not one of the classifiers {', '.join(map(str, names))}."
        )
    said, ids = align_scores(y_true, {f"y_scores[{n!r}]": s for n, s in y_scores.items()})
    scorers = [resampled_scorer(metric, y_true, scores) for scores in said]
    groups = align_records(groups, ids, name="groups")
    resamples = PatientResamples(groups, len(y_true))
    observed = _observed(scorers, len(y_true))
    scores = resamples.scores(scorers, n_resamples, random_state)
    first = names.index(reference)
    rows = []
    for k in range(len(names)):
        low, high = interval(observed[k], drop_undefined(scores[k])[0], confidence_level)
        row = {"score": observed[k], "low": low, "high": high}
        if k != first:
            differences, _ = drop_undefined(scores[k] - scores[first])
            row["difference"] = observed[k] - observed[first]
            ends = interval(row["difference"], differences, confidence_level)
            row["difference_low"], row["difference_high"] = ends
            row["p_value"] = _p_value(differences)
        rows.append(row)
    table = pd.DataFrame(rows, index=names)
    return table.assign(p_adjusted=_holm(table["p_value"]))


def _observed(scorers, n_records):
    once = np.ones((1, n_records), dtype=np.int64)
    return [float(scorer(once)[0]) for scorer in scorers]


def _p_value(differences):
    n_below, n_above = (differences <= 0).sum(), (differences >= 0).sum()
    return float(min(1.0, 2 * (min(n_below, n_above) + 1) / (len(differences) + 1)))


def _holm(p_values):
    """Return Holm's adjusted p-values; NaN stays NaN."""
    ordered = p_values.dropna().sort_values()
    factors = np.arange(len(ordered), 0, -1)
    adjusted = (ordered * factors).cummax().clip(upper=1.0)
    return adjusted.reindex(p_values.index)

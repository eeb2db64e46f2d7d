"""Nadeau and Bengio's test against SciPy's paired t-test, and on splits of one data set."""

import numpy as np
import pytest
from scipy import stats

from sklearn_ecg.metrics import corrected_resampled_ttest


def test_is_the_paired_test_with_a_wider_error(rng):
    a, b = rng.normal(size=(2, 12))
    test = corrected_resampled_ttest(a, b, n_train=90, n_test=10)
    plain = stats.ttest_rel(a, b)
    assert test.df == plain.df == 11
    factor = np.sqrt((1 / 12 + 10 / 90) / (1 / 12))
    assert test.statistic == pytest.approx(plain.statistic / factor)
    assert test.p_value == pytest.approx(2 * stats.t.cdf(-abs(plain.statistic) / factor, 11))
    low, high = plain.confidence_interval()
    middle = (low + high) / 2
    assert test.difference == pytest.approx(middle)
    assert (test.low, test.high) == pytest.approx(
        (middle - factor * (middle - low), middle + factor * (high - middle))
    )
    # Without test records in common there is nothing to correct.
    assert corrected_resampled_ttest(a, b, n_train=1e12, n_test=1).p_value == pytest.approx(
        plain.pvalue
    )


def test_holds_its_level_over_splits_of_one_data_set():
    rng = np.random.default_rng(0)
    found = {"corrected": 0, "plain": 0}
    for _ in range(200):
        # Per record, how much better one of two equally good methods does: pure chance.
        gains = rng.normal(size=100)
        splits = [rng.permutation(100)[:20] for _ in range(15)]
        scores = np.array([gains[split].mean() for split in splits])
        test = corrected_resampled_ttest(scores, np.zeros(15), n_train=80, n_test=20)
        found["corrected"] += test.p_value < 0.05
        found["plain"] += stats.ttest_1samp(scores, 0).pvalue < 0.05
    # Nominal: 10 of 200.
    assert found["corrected"] <= 24 < 60 < found["plain"]


def test_equal_differences():
    same = corrected_resampled_ttest([0.9, 0.8], [0.9, 0.8], n_train=2, n_test=1)
    assert (same.difference, same.statistic, same.p_value) == (0, 0, 1)
    better = corrected_resampled_ttest([0.75, 0.5], [0.5, 0.25], n_train=2, n_test=1)
    assert (better.statistic, better.p_value, better.low) == (np.inf, 0, 0.25)


def test_bad_input():
    with pytest.raises(ValueError, match=r"each hold one score per split.* \(2,\) and \(3,\)"):
        corrected_resampled_ttest([1, 2], [1, 2, 3], n_train=2, n_test=1)
    with pytest.raises(ValueError, match="for at least 2 splits"):
        corrected_resampled_ttest([1], [1], n_train=2, n_test=1)
    with pytest.raises(ValueError, match="must be finite; leave splits without a score out"):
        corrected_resampled_ttest([1, np.nan], [1, 2], n_train=2, n_test=1)
    with pytest.raises(ValueError, match="n_train and n_test must be positive; got 0 and 1"):
        corrected_resampled_ttest([1, 2], [1, 2], n_train=0, n_test=1)

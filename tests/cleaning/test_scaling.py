from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from simulated_tables import make_weak_table

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.cleaning import CrossValidationLabelCleaner, DensityLabelCleaner
from sklearn_ecg.cleaning._scaling import FeatureScaling
from sklearn_ecg.mixture import DirichletProcessGaussianMixture


@pytest.fixture(scope="module")
def table():
    return make_weak_table()


def test_the_middle_four_fifths_have_a_range_of_one(rng):
    X = rng.normal([0, 1e6], [1e-6, 10], (1000, 2))
    standardised = FeatureScaling.learn(X).standardise(X)
    assert_allclose(np.diff(np.percentile(standardised, [10, 90], axis=0), axis=0), 1)
    assert_allclose(np.median(standardised, axis=0), 0, atol=1e-9)


def test_scaled_features_lie_between_0_and_1_in_their_order(rng):
    X = rng.standard_cauchy((500, 3))
    scaled = FeatureScaling.learn(X).scale(X)
    assert scaled.min() >= 0 and scaled.max() <= 1
    order = np.argsort(X[:, 0])
    assert (np.diff(scaled[order, 0]) >= 0).all()
    # Beyond the fences values are alike, and hardly any else.
    inside = np.abs(X[:, 0]) < 5
    assert len(np.unique(scaled[inside, 0])) == inside.sum()


def test_gaps_are_medians_and_constants_say_nothing():
    X = np.array(
        [[1.0, 7.0, np.nan], [np.nan, 7.0, np.nan], [3.0, 7.0, np.nan], [8.0, 7.0, np.nan]]
    )
    scaling = FeatureScaling.learn(X)
    standardised = scaling.standardise(X)
    assert_allclose(standardised[1, 0], 0)
    assert_allclose(standardised[:, 1:], 0)
    assert_allclose(scaling.scale(X)[:, 1:], 0)


@pytest.mark.parametrize("share", [0.05, 0.005])
def test_features_that_hardly_vary_keep_what_they_tell(share):
    X = (np.arange(1000) < share * 1000).astype(float)[:, np.newaxis]
    standardised = FeatureScaling.learn(X).standardise(X)
    assert_array_equal(standardised, X)


def test_largest_numbers_do_not_overflow():
    X = np.zeros((50, 1))
    X[0], X[1] = np.finfo(float).max, -np.finfo(float).max
    scaling = FeatureScaling.learn(X)
    assert np.isfinite(scaling.standardise(X)).all() and np.isfinite(scaling.scale(X)).all()


def make_two_labels(n_features, n_records=600):
    """Features that part two labels, a tenth of which is wrong, in units of about 1."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (n_records, 2)).astype(np.int8)
    X = 1.5 * truth[:, np.arange(n_features) % 2] + rng.normal(0, 0.7, (n_records, n_features))
    trusted = np.arange(n_records) < n_records // 3
    weak = truth.copy()
    turned = rng.choice(np.flatnonzero(~trusted), n_records // 10, replace=False)
    weak[turned] = 1 - weak[turned]
    return X, truth, weak, trusted


def clean(X, weak, trusted):
    mixture = DirichletProcessGaussianMixture(n_components=2)
    cleaner = AFPLabelCleaner(mixture=mixture, undecided="weak", random_state=0)
    return cleaner.fit(X, weak, trusted=trusted).labels_


@cache
def errors_without_outliers(n_features):
    X, truth, weak, trusted = make_two_labels(n_features)
    return clean(X, weak, trusted) != truth


@pytest.mark.parametrize("n_features", [5, 12])
@pytest.mark.parametrize(("n_outlying", "size"), [(2, 1e3), (6, 1e3), (30, 1e6), (60, 50)])
def test_outlying_records_change_no_others(n_features, n_outlying, size):
    X, truth, weak, trusted = make_two_labels(n_features)
    errors_before = errors_without_outliers(n_features)
    # Both among trusted and among weak records, on either side.
    rows = np.linspace(0, len(X) - 1, n_outlying).astype(int)
    X[rows] = size * np.where(np.arange(n_outlying) % 2, 1, -1)[:, np.newaxis]
    others = np.setdiff1d(np.arange(len(X)), rows)
    errors = clean(X, weak, trusted) != truth
    assert errors[others].sum() <= errors_before[others].sum() + 0.1 * (weak != truth).sum()


def test_heavy_tails_do_not_hide_what_features_tell():
    X, truth, weak, trusted = make_two_labels(12)
    # The same order of records on each feature, though the largest is a hundred ranges away.
    errors, with_tails = (
        (clean(features, weak, trusted) != truth).sum() for features in (X, np.sinh(2 * X))
    )
    assert with_tails <= errors + 0.1 * (weak != truth).sum()


def test_constant_and_duplicated_features_change_next_to_nothing():
    X, truth, weak, trusted = make_two_labels(5)
    padded = np.c_[X, X, np.full((len(X), 3), 7.0), np.full((len(X), 1), np.nan)]
    errors, with_padding = ((clean(f, weak, trusted) != truth).sum() for f in (X, padded))
    assert with_padding <= errors + 0.1 * (weak != truth).sum()


@pytest.mark.parametrize(
    "cleaner",
    [CrossValidationLabelCleaner("S2", cv=3, random_state=0), DensityLabelCleaner()],
    ids=["cross-validation", "density"],
)
def test_filters_bear_outlying_records_too(cleaner):
    X, _, weak, trusted = make_two_labels(5)
    expected = cleaner.fit(X, weak, trusted=trusted).labels_
    X[[3, 590]] = [[1e3], [-1e3]]
    others = np.setdiff1d(np.arange(len(X)), [3, 590])
    assert (cleaner.fit(X, weak, trusted=trusted).labels_ == expected)[others].mean() > 0.99


def test_units_of_features_do_not_matter(table):
    X, _, weak, trusted = table
    units = np.array([1e-9, 1e-3, 1.0, 1e3, 1e45, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    mixture = DirichletProcessGaussianMixture(n_components=3)
    plain, scaled = (
        AFPLabelCleaner(mixture=mixture, max_iter=1, random_state=0)
        .fit(features, weak, trusted=trusted)
        .labels_
        for features in (X, X * units)
    )
    assert (plain == scaled).mean() > 0.99


def test_a_lone_value_far_from_all_others_does_not_stop_cleaning(table):
    X, weak, trusted = (part[:200] for part in (table[0], table[2], table[3]))
    mixture = DirichletProcessGaussianMixture(n_components=1)
    cleaner = AFPLabelCleaner(mixture=mixture, max_iter=1, random_state=0)
    lone = X.copy()
    lone[:, 0], lone[7, 0] = 0, 1e300
    lone[8, 1] = -1e45
    cleaner.fit(lone, weak, trusted=trusted)
    assert (cleaner.labels_[~trusted] != weak[~trusted]).any()
    assert cleaner.clean(lone[:9] * 10, weak[:9]).labels.shape == (9, 4)

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from simulated_tables import make_table, make_weak_table, swap
from sklearn.metrics import f1_score

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.cleaning._bayes import as_doubtful
from sklearn_ecg.mixture import DirichletProcessGaussianMixture


@pytest.fixture(scope="module")
def table():
    return make_weak_table()


@pytest.fixture(scope="module")
def fitted(table):
    X, _, weak, trusted = table
    return AFPLabelCleaner(random_state=0).fit(X, weak, trusted=trusted)


def test_noise_rates_are_estimated(fitted, table):
    _, truth, weak, trusted = table
    for label, rates in enumerate(fitted.noise_rates_.itertuples()):
        present = truth[~trusted, label] == 1
        given = weak[~trusted, label] == 1
        assert abs(rates.missing - (present & ~given).sum() / present.sum()) < 0.1
        assert abs(rates.wrong - (given & ~present).sum() / (~present).sum()) < 0.1
        assert 0 <= rates.missing_low <= rates.missing <= rates.missing_high <= 1
        assert 0 <= rates.wrong_low <= rates.wrong <= rates.wrong_high <= 1


def test_intervals_of_noise_rates_hold_the_true_rates():
    held, n_asked = 0, 0
    for seed in range(3):
        X, truth, trusted = make_table(n_records=400, seed=seed)
        X = X + np.random.default_rng(seed).normal(0, 1, X.shape)
        mixture = DirichletProcessGaussianMixture(n_components=2)
        cleaner = AFPLabelCleaner(mixture=mixture, max_iter=2, random_state=0)
        weak = swap(truth, trusted, 0.2, seed)
        rates = cleaner.fit(X, weak, trusted=trusted).noise_rates_
        true, given = truth[~trusted] == 1, weak[~trusted] == 1
        missing = (true & ~given).sum(axis=0) / true.sum(axis=0)
        wrong = (~true & given).sum(axis=0) / (~true).sum(axis=0)
        for name, rate in (("missing", missing), ("wrong", wrong)):
            held += ((rates[f"{name}_low"] <= rate) & (rate <= rates[f"{name}_high"])).sum()
            n_asked += len(rate)
    assert held >= 0.8 * n_asked


def test_confidence_is_the_share_that_is_right():
    X, truth, trusted = make_table(n_records=1500, seed=3)
    X = X + np.random.default_rng(0).normal(0, 1.2, X.shape)
    cleaner = AFPLabelCleaner(random_state=0, undecided="weak")
    cleaner.fit(X, swap(truth, trusted, 0.3), trusted=trusted)
    right = (cleaner.labels_ == truth)[~trusted]
    assert abs(right.mean() - cleaner.confidence_[~trusted].mean()) < 0.03
    doubtful = cleaner.confidence_[~trusted] < 0.8
    assert right[doubtful].mean() < 0.85 < right[~doubtful].mean()


def test_labels_that_no_trusted_record_has_can_be_cleaned_by_weak_ones_alone(table):
    X, truth, weak, trusted = table
    weak = weak.copy()
    shown = ~(trusted & (weak[:, 2] == 1))
    cleaner = AFPLabelCleaner(random_state=0)
    with pytest.warns(UserWarning, match="2 are cleaned by what weak records say alone"):
        cleaner.fit(X[shown], weak[shown], trusted=trusted[shown])
    labels, asked = cleaner.labels_[:, 2], ~trusted[shown]
    before = f1_score(truth[shown, 2][asked], weak[shown, 2][asked])
    filled = np.where(labels == -1, weak[shown, 2], labels)
    assert f1_score(truth[shown, 2][asked], filled[asked]) > before


def test_trusted_beliefs_are_lent_the_doubts_of_weak_ones(rng):
    belief = np.r_[np.ones(500), np.zeros(500), np.full(300, 0.9), np.full(700, 0.2)][:, None]
    trusted = np.arange(2000)[:, None] < 1000
    lent = as_doubtful(belief, trusted, np.array([True]), random_state=0)
    assert_array_equal(lent[1000:], belief[1000:])
    # 270 of the weak records' 410 expected positives believe 0.9, and 30 of 590 negatives.
    assert_allclose((lent[:500] == 0.9).mean(), 270 / 410, atol=0.07)
    assert_allclose((lent[500:1000] == 0.9).mean(), 30 / 590, atol=0.03)


def test_unknown_weak_labels_are_filled_in(table):
    X, truth, weak, trusted = table
    unknown = weak.copy()
    unknown[np.flatnonzero(~trusted)[:100]] = -1
    mixture = DirichletProcessGaussianMixture(n_components=2)
    cleaner = AFPLabelCleaner(mixture=mixture, max_iter=1, random_state=0)
    cleaner.fit(X, unknown, trusted=trusted)
    filled = (unknown == -1) & (cleaner.labels_ != -1)
    assert filled.sum() > 300
    assert (cleaner.labels_ == truth)[filled].mean() > 0.9

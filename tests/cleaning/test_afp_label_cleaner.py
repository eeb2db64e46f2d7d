import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from simulated_tables import fit_weak_table, make_table, make_weak_table, swap, weighted_f1
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.mixture import DirichletProcessGaussianMixture
from sklearn_ecg.records import PROVENANCES


@pytest.fixture(scope="module")
def table():
    return make_weak_table()


@pytest.fixture(scope="module")
def fitted():
    return fit_weak_table()


class CodedLabels(AFPLabelCleaner):
    """The cleaner, for the checks' targets and outputs.

    The checks pass classes or numbers in one column, where the cleaner takes indicators, and
    expect arrays of fit_transform, where the cleaner returns CleanedRecords so that labels travel
    with their records.
    """

    def fit(self, X, y=None, trusted=None, groups=None):
        if y is not None:
            y = np.asarray(y)
            y = (y == y.max()).astype(int) if y.size else y
        trusted = True if trusted is None else trusted
        return super().fit(X, y, trusted=trusted, groups=groups)

    def fit_transform(self, X, y=None, trusted=None, groups=None):
        self.fit(X, y, trusted=trusted, groups=groups)
        return self.transform(X)


EXPECTED_FAILURES = {
    "check_transformer_data_not_an_array": (
        "transform hands what carries no labels through untouched; the check asks it for a shape"
    ),
}


@pytest.mark.filterwarnings("ignore:Too few examples")
@parametrize_with_checks(
    [CodedLabels(mixture=DirichletProcessGaussianMixture(n_components=2), max_iter=1)],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
)
def test_scikit_learn_checks(check_passes, estimator, check):
    check_passes(estimator, check)


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.4])
def test_cleaning_repairs_simulated_noise(rate):
    X, truth, trusted = make_table(seed=1)
    weak = swap(truth, trusted, rate)
    cleaner = AFPLabelCleaner(random_state=0).fit(X, weak, trusted=trusted)
    before = 1 - weighted_f1(truth, weak, weak)
    after = 1 - weighted_f1(truth, cleaner.labels_, weak)
    assert after < before / 2


@pytest.mark.parametrize("method", ["bayes", "paper"])
def test_trusted_labels_are_never_questioned(table, method):
    X, _, weak, trusted = table
    mixture = DirichletProcessGaussianMixture(n_components=3)
    cleaner = AFPLabelCleaner(method=method, mixture=mixture, random_state=0)
    cleaner.fit(X, weak, trusted=trusted)
    assert_array_equal(cleaner.labels_[trusted], weak[trusted])
    assert (cleaner.provenance_[trusted] == "trusted").all()
    assert (cleaner.provenance_[~trusted] != "trusted").all()
    assert (cleaner.confidence_[trusted] == 1).all()


def test_does_no_harm_where_there_is_no_noise():
    X, truth, trusted = make_table(seed=2)
    cleaner = AFPLabelCleaner(random_state=0).fit(X, truth, trusted=trusted)
    assert weighted_f1(truth, cleaner.labels_, truth) >= 0.998


def test_provenance_says_what_became_of_each_label(fitted, table):
    _, _, weak, trusted = table
    labels, provenance = fitted.labels_, fitted.provenance_
    assert set(np.unique(provenance)) <= set(PROVENANCES)
    assert (weak[provenance == "added"] == 0).all() and (labels[provenance == "added"] == 1).all()
    removed = np.isin(provenance, ("removed", "excluded"))
    assert (weak[removed] == 1).all() and (labels[removed] == 0).all()
    assert_array_equal(labels[provenance == "confirmed"], weak[provenance == "confirmed"])
    assert (labels[provenance == "anchor"] == 1).all() and (weak[provenance == "anchor"] == 1).all()
    assert_array_equal(labels == -1, provenance == "undecided")
    assert ((fitted.confidence_ >= 0) & (fitted.confidence_ <= 1)).all()
    changed = (labels != weak) & (labels != -1)
    assert (fitted.confidence_[changed] >= 0.5).all()
    assert (fitted.lifetimes_[trusted] == 0).all() and (fitted.lifetimes_[~trusted] > 0).all()


def test_stages_can_be_switched_off(table):
    X, truth, weak, trusted = table

    def fit(**switches):
        mixture = DirichletProcessGaussianMixture(n_components=3)
        cleaner = AFPLabelCleaner(
            method="paper", mixture=mixture, max_iter=1, random_state=0, **switches
        )
        return cleaner.fit(X, weak, trusted=trusted)

    complete = fit()
    assert len(complete.anchor_patterns_) and len(complete.exclusion_rules_)
    without_anchors = fit(anchors=False)
    assert len(without_anchors.anchor_patterns_) == 0
    assert not (without_anchors.provenance_ == "anchor").any()
    without_rules = fit(rules=False)
    assert len(without_rules.exclusion_rules_) == len(without_rules.inclusion_rules_) == 0
    assert not np.isin(without_rules.provenance_, ("included", "excluded")).any()
    without_discriminators = fit(discriminators=False)
    assert not np.isin(without_discriminators.provenance_, ("added", "removed")).any()
    score = weighted_f1(truth, complete.labels_, weak)
    assert weighted_f1(truth, without_discriminators.labels_, weak) < score


def test_same_seed_same_labels_whatever_n_jobs(table, forked):
    X, _, weak, trusted = table
    X, weak, trusted = X[:200], weak[:200], trusted[:200]
    first = AFPLabelCleaner(random_state=1, n_jobs=1).fit(X, weak, trusted=trusted)
    second = AFPLabelCleaner(random_state=1, n_jobs=2).fit(X, weak, trusted=trusted)
    assert_array_equal(first.labels_, second.labels_)
    assert_allclose(first.confidence_, second.confidence_, atol=1e-12)


def test_permuting_labels_permutes_the_result(fitted, table):
    X, _, weak, trusted = table
    order = [2, 0, 3, 1]
    permuted = AFPLabelCleaner(random_state=0).fit(X, weak[:, order], trusted=trusted)
    assert (permuted.labels_ == fitted.labels_[:, order]).mean() > 0.995


def test_thresholds_are_searched_without_fitting_again(table, tmp_path, monkeypatch):
    X, _, weak, trusted = table
    X = X + np.random.default_rng(0).normal(0, 1, X.shape)
    first = AFPLabelCleaner(random_state=0, memory=str(tmp_path)).fit(X, weak, trusted=trusted)

    def refuse(*args, **kwargs):
        raise AssertionError("something was fitted again")

    monkeypatch.setattr("sklearn.ensemble.ExtraTreesRegressor.fit", refuse)
    cleaner = AFPLabelCleaner(random_state=0, memory=str(tmp_path), min_confidence=0.8)
    cleaner.fit(X, weak, trusted=trusted)
    assert cleaner.n_iter_ == first.n_iter_
    assert (cleaner.provenance_ == "undecided").sum() > (first.provenance_ == "undecided").sum()
    cleaner.set_params(min_confidence=0.55).fit(X, weak, trusted=trusted)
    assert_array_equal(cleaner.labels_, first.labels_)
    new = X[~trusted] + 0.1, weak[~trusted]
    assert_array_equal(cleaner.clean(*new).labels, first.clean(*new).labels)


def test_labels_that_no_trusted_record_has_are_kept_and_named(table):
    X, _, weak, trusted = table
    weak = pd.DataFrame(weak.copy(), columns=["a", "b", "rare", "d"])
    weak.loc[trusted, "rare"] = 0
    with pytest.warns(UserWarning, match="labels rare among") as caught:
        cleaner = AFPLabelCleaner(unseen="keep", random_state=0).fit(X, weak, trusted=trusted)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert_array_equal(cleaner.labels_[:, 2], weak["rare"])
    assert cleaner.learned_.tolist() == [True, True, False, True]
    assert np.isnan(cleaner.noise_rates_.loc["rare"]).all()

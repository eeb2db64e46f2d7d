import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.mixture import BayesianGaussianMixture
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ecg import AFPLabelCleaner, CleanedRecords, ECGRecords, OnCleanedLabels
from sklearn_ecg.cleaning._rounds import as_doubtful
from sklearn_ecg.mixture import DirichletProcessGaussianMixture
from sklearn_ecg.records import PROVENANCES


def make_table(n_records=600, n_labels=4, n_features=12, seed=0):
    """Multi-label records: label 0 is normal, the others shift some features each."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((n_records, n_labels)) < 0.25).astype(np.int8)
    truth[:, 0] = ~truth[:, 1:].any(axis=1)
    effect = rng.normal(0, 1.5, (n_labels, n_features))
    X = truth @ effect + rng.normal(0, 0.6, (n_records, n_features))
    trusted = np.zeros(n_records, dtype=bool)
    trusted[rng.permutation(n_records)[: n_records // 3]] = True
    return X, truth, trusted


def swap(truth, trusted, rate, seed=0):
    """Replace a share of each label's positives by a label that the record does not have."""
    rng = np.random.default_rng(seed)
    weak = truth.copy()
    for label in range(truth.shape[1]):
        carriers = np.flatnonzero((truth[:, label] == 1) & ~trusted)
        for i in rng.choice(carriers, int(rate * len(carriers)), replace=False):
            free = np.flatnonzero((truth[i] == 0) & (weak[i] == 0))
            if len(free):
                weak[i, label], weak[i, rng.choice(free)] = 0, 1
    return weak


def weighted_f1(truth, labels, weak):
    return f1_score(truth, np.where(labels == -1, weak, labels), average="weighted")


@pytest.fixture(scope="module")
def table():
    X, truth, trusted = make_table()
    return X, truth, swap(truth, trusted, 0.2), trusted


@pytest.fixture(scope="module")
def fitted(table):
    X, _, weak, trusted = table
    return AFPLabelCleaner(random_state=0).fit(X, weak, trusted=trusted)


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
def test_scikit_learn_checks(estimator, check):
    check(estimator)


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


def test_confidence_is_the_share_that_is_right():
    X, truth, trusted = make_table(n_records=1500, seed=3)
    X = X + np.random.default_rng(0).normal(0, 1.2, X.shape)
    cleaner = AFPLabelCleaner(random_state=0, undecided="weak")
    cleaner.fit(X, swap(truth, trusted, 0.3), trusted=trusted)
    right = (cleaner.labels_ == truth)[~trusted]
    assert abs(right.mean() - cleaner.confidence_[~trusted].mean()) < 0.03
    doubtful = cleaner.confidence_[~trusted] < 0.8
    assert right[doubtful].mean() < 0.85 < right[~doubtful].mean()


def test_review_list_is_what_is_undecided_first_what_settles_most(table):
    X, _, weak, trusted = table
    X = X + np.random.default_rng(0).normal(0, 1.5, X.shape)
    cleaner = AFPLabelCleaner(random_state=0, margin=0.2).fit(X, weak, trusted=trusted)
    review = cleaner.undecided_
    undecided = cleaner.provenance_ == "undecided"
    assert len(review) == undecided.sum() > 0
    assert undecided[review["record"], review["label"].astype(int)].all()
    assert ((review["probability"] - 0.5).abs() < 0.2).all()
    assert review["settled"].is_monotonic_decreasing
    # An answer settles at least the label itself, and with swaps more than that.
    own = review["probability"].clip(upper=1 - review["probability"])
    assert (review["settled"] > own - 1e-3).all() and (review["settled"] > own + 0.1).any()
    kept = AFPLabelCleaner(random_state=0, margin=0.2, undecided="weak")
    kept.fit(X, weak, trusted=trusted)
    assert_array_equal(kept.labels_[undecided], weak[undecided])


def test_report_adds_up(fitted, table):
    _, _, weak, trusted = table
    report = fitted.report()
    assert_array_equal(report["weak"], (weak[~trusted] == 1).sum(axis=0))
    given_up = ((fitted.labels_ == -1) & (weak == 1))[~trusted].sum(axis=0)
    assert_array_equal(
        report["clean"], report["weak"] + report["added"] - report["removed"] - given_up
    )
    assert report["learned"].all()


def test_stages_can_be_switched_off(table):
    X, truth, weak, trusted = table

    def fit(**switches):
        mixture = DirichletProcessGaussianMixture(n_components=3)
        cleaner = AFPLabelCleaner(mixture=mixture, max_iter=1, random_state=0, **switches)
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


def test_papers_method_cleans(table):
    X, truth, weak, trusted = table
    mixture = DirichletProcessGaussianMixture(3, inference="gibbs", max_iter=2)
    cleaner = AFPLabelCleaner(method="paper", mixture=mixture, random_state=0)
    with pytest.warns(ConvergenceWarning, match="Assignments still changed"):
        cleaner.fit(X, weak, trusted=trusted)
    added = (weak == 0) & (cleaner.labels_ == 1)
    assert (cleaner.provenance_[added] == "included").all()
    dropped = (weak == 1) & (cleaner.labels_ == 0)
    share_wrong = (truth == 0)[~trusted][weak[~trusted] == 1].mean()
    assert (truth == 0)[dropped].mean() > 1.5 * share_wrong
    assert cleaner.n_iter_ >= 1


def test_same_seed_same_labels_whatever_n_jobs(table):
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


def test_transform_agrees_with_fit_transform(table):
    X, _, weak, trusted = table
    signals = np.zeros((len(X), 1, 12)) + X[:, np.newaxis]
    records = ECGRecords(signals, 10, labels=weak, trusted=trusted, groups=np.arange(len(X)) // 4)
    cleaner = AFPLabelCleaner(FlatSignals(), random_state=0)
    cleaned = cleaner.fit_transform(records)
    again = cleaner.transform(records)
    assert isinstance(again, CleanedRecords)
    for name in ("labels", "provenance", "confidence", "weak_labels", "trusted", "groups"):
        assert_array_equal(getattr(again, name), getattr(cleaned, name))
    shuffled = np.random.default_rng(0).permutation(len(X))[:50]
    assert_array_equal(cleaner.transform(records[shuffled]).labels, cleaned.labels[shuffled])
    assert cleaner.transform(signals) is signals
    unlabelled = ECGRecords(signals, 10)
    assert cleaner.transform(unlabelled) is unlabelled


class FlatSignals(TransformerMixin, BaseEstimator):
    """Features that are the samples themselves."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.stack([np.ravel(signal) for signal in getattr(X, "signals", X)])


class NoFeatures(FlatSignals):
    def transform(self, X):
        raise AssertionError("features were computed")


def test_trusted_records_pass_transform_without_features(table):
    X, _, weak, trusted = table
    records = ECGRecords(X[:, np.newaxis], 10, labels=weak, trusted=trusted)
    cleaner = AFPLabelCleaner(FlatSignals(), random_state=0).fit(records)
    cleaner.extractor_ = NoFeatures()
    kept = cleaner.transform(records[trusted])
    assert_array_equal(kept.labels, weak[trusted])


def test_an_example_set_alone_cleans_new_records(table):
    X, truth, weak, trusted = table
    cleaner = AFPLabelCleaner(random_state=0).fit(X[trusted], truth[trusted])
    assert (cleaner.provenance_ == "trusted").all()
    cleaned = cleaner.clean(X[~trusted], weak[~trusted])
    before = 1 - weighted_f1(truth[~trusted], weak[~trusted], weak[~trusted])
    assert 1 - weighted_f1(truth[~trusted], cleaned.labels, weak[~trusted]) < before / 2
    one = cleaner.clean(X[:1], weak[:1])
    assert one.labels.shape == (1, 4)


def test_arrays_frames_and_pipelines(table):
    X, _, weak, trusted = table
    frame = pd.DataFrame(X).add_prefix("feature_")
    labels = pd.DataFrame(weak, columns=["normal", "AF", "LBBB", "RBBB"])
    cleaned = AFPLabelCleaner(random_state=0).fit_transform(frame, labels, trusted=trusted)
    assert cleaned.is_table and list(cleaned.label_names) == list(labels.columns)
    pipe = make_pipeline(AFPLabelCleaner(random_state=0), OnCleanedLabels(LogisticRegression()))
    pipe.fit(X, weak, afplabelcleaner__trusted=trusted)
    assert pipe.predict(X).shape == weak.shape
    with config_context(enable_metadata_routing=True):
        routed = clone(pipe).fit(X, weak, trusted=trusted)
        assert_array_equal(routed.predict(X), pipe.predict(X))


def test_survives_pickling(fitted, table):
    X, _, weak, trusted = table
    restored = pickle.loads(pickle.dumps(fitted))
    found, expected = (c.clean(X[~trusted], weak[~trusted]) for c in (restored, fitted))
    assert_array_equal(found.labels, expected.labels)
    assert restored.exclusion_rules_.equals(fitted.exclusion_rules_)


def test_thresholds_are_searched_without_fitting_again(table, fitted, tmp_path, monkeypatch):
    X, _, weak, trusted = table
    AFPLabelCleaner(random_state=0, memory=str(tmp_path)).fit(X, weak, trusted=trusted)

    def refuse(*args, **kwargs):
        raise AssertionError("something was fitted again")

    monkeypatch.setattr("sklearn.ensemble.ExtraTreesRegressor.fit", refuse)
    monkeypatch.setattr("sklearn.ensemble.IsolationForest.fit", refuse)
    monkeypatch.setattr("sklearn_ecg.mixture.DirichletProcessGaussianMixture.fit", refuse)
    changed = {"min_confidence": 0.3, "min_correlation": 0.2, "max_exclusion": 0.1, "margin": 0.2}
    cleaner = AFPLabelCleaner(random_state=0, memory=str(tmp_path), min_support=5, **changed)
    cleaner.fit(X, weak, trusted=trusted)
    assert cleaner.n_iter_ == fitted.n_iter_
    cleaner.set_params(min_confidence=0.5, min_correlation=0.5, max_exclusion=0.02, margin=0.05)
    cleaner.set_params(min_support=10).fit(X, weak, trusted=trusted)
    assert_array_equal(cleaner.labels_, fitted.labels_)
    new = X[~trusted] + 0.1, weak[~trusted]
    assert_array_equal(cleaner.clean(*new).labels, fitted.clean(*new).labels)


def test_any_classifier_can_discriminate(table):
    X, truth, weak, trusted = table
    cleaner = AFPLabelCleaner(discriminator=GaussianNB(), random_state=0)
    cleaner.fit(X, weak, trusted=trusted, groups=np.arange(len(X)) // 3)
    assert weighted_f1(truth, cleaner.labels_, weak) > weighted_f1(truth, weak, weak)


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


def test_records_without_any_feature_are_left_to_a_person(table):
    X, _, weak, trusted = table
    X, lost = X.copy(), np.flatnonzero(~trusted)[:3]
    X[lost] = np.nan
    X[np.flatnonzero(~trusted)[5:9], 2] = np.nan
    cleaner = AFPLabelCleaner(random_state=0).fit(X, weak, trusted=trusted)
    assert (cleaner.provenance_[lost] == "undecided").all()
    assert_array_equal(cleaner.labels_[lost], weak[lost])
    assert set(lost) <= set(cleaner.undecided_["record"])


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


def test_labels_that_no_trusted_record_has_can_be_cleaned_by_weak_ones_alone(table):
    X, truth, weak, trusted = table
    weak = weak.copy()
    shown = ~(trusted & (weak[:, 2] == 1))
    cleaner = AFPLabelCleaner(random_state=0)
    with pytest.warns(UserWarning, match="2 are cleaned by what weak records say alone"):
        cleaner.fit(X[shown], weak[shown], trusted=trusted[shown])
    labels, asked = cleaner.labels_[:, 2], ~trusted[shown]
    before = f1_score(truth[shown, 2][asked], weak[shown, 2][asked])
    settled = np.where(labels == -1, weak[shown, 2], labels)
    assert f1_score(truth[shown, 2][asked], settled[asked]) > before


def test_trusted_beliefs_are_lent_the_doubts_of_weak_ones(rng):
    belief = np.r_[np.ones(500), np.zeros(500), np.full(300, 0.9), np.full(700, 0.2)][:, None]
    trusted = np.arange(2000) < 1000
    lent = as_doubtful(belief, trusted, np.array([0]), random_state=0)
    assert_array_equal(lent[~trusted], belief[~trusted])
    # 270 of the weak records' 410 expected positives believe 0.9, and 30 of 590 negatives.
    assert_allclose((lent[:500] == 0.9).mean(), 270 / 410, atol=0.07)
    assert_allclose((lent[500:1000] == 0.9).mean(), 30 / 590, atol=0.03)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trusted": np.zeros(600, dtype=bool)}, "trusted is False for all 600"),
        ({"trusted": np.ones(5, dtype=bool)}, "one entry for each of the 600 records"),
        ({"y": None}, "requires y to be passed"),
        ({"y": np.full((600, 4), 2)}, "must hold 1"),
        ({"y": np.zeros((10, 4), dtype=int)}, "10 records, but there are 600"),
        ({"groups": [1, 2]}, "one patient for each of the 600"),
        ({"X": np.full((600, 12), np.inf)}, "infinity"),
        ({"X": np.full((600, 12), np.nan)}, "all trusted records are NaN"),
        ({"X": np.empty((0, 12))}, "0 sample"),
        ({"X": np.zeros((1, 12))}, "1 sample"),
        ({"X": np.zeros((1, 2, 50))}, "1 record"),
    ],
)
def test_bad_input_is_named(table, changes, message):
    X, _, weak, trusted = table
    arguments = {"X": X, "y": weak, "trusted": trusted} | changes
    with pytest.raises(ValueError, match=message):
        AFPLabelCleaner().fit(**arguments)


def test_bad_parameters_are_named(table):
    X, _, weak, _ = table
    with pytest.raises(ValueError, match="'undecided' parameter"):
        AFPLabelCleaner(undecided="drop").fit(X, weak)


def test_records_without_labels_and_signals_without_rate_name_the_cure(table):
    signals = np.random.default_rng(0).normal(size=(6, 2, 500))
    with pytest.raises(ValueError, match="with_labels"):
        AFPLabelCleaner(FlatSignals()).fit(ECGRecords(signals, 100))
    with pytest.raises(ValueError, match="sampling_rate"):
        AFPLabelCleaner().fit(signals, np.ones((6, 1)))


def test_clean_and_transform_refuse_other_labels(fitted, table):
    X, _, weak, _ = table
    with pytest.raises(ValueError, match="fitted to 4"):
        fitted.clean(X, weak[:, :2])
    with pytest.raises(ValueError, match="12 features"):
        fitted.transform(X[:, :3])


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


def test_infinite_feature_is_named(table):
    X, _, weak, trusted = table
    frame = pd.DataFrame(X).add_prefix("feature_")
    frame.iloc[7, 3] = np.inf
    with pytest.raises(ValueError, match="infinity: feature feature_3 of record 7"):
        AFPLabelCleaner().fit(frame, weak, trusted=trusted)


def test_lists_of_signals_are_signals(table):
    X, _, weak, trusted = table
    n_records = 60
    chosen = np.r_[np.flatnonzero(trusted)[:30], np.flatnonzero(~trusted)[:30]]
    signals = list(X[chosen, np.newaxis])
    mixture = DirichletProcessGaussianMixture(n_components=2)
    cleaner = AFPLabelCleaner(FlatSignals(), mixture=mixture, max_iter=1, random_state=0)
    cleaned = cleaner.fit_transform(signals, weak[chosen], trusted=trusted[chosen])
    assert cleaned.shape == (n_records, 1, 12) and not cleaned.is_table
    nested = cleaner.fit_transform(np.array(signals).tolist(), weak[chosen], trusted[chosen])
    assert_array_equal(nested.labels, cleaned.labels)
    uneven = [np.resize(signal, (1, 12 + i % 2)) for i, signal in enumerate(signals)]
    cleaner.set_params(features=FirstSamples())
    assert cleaner.fit_transform(uneven, weak[chosen], trusted[chosen]).n_times is None


class FirstSamples(FlatSignals):
    """Features that are the first samples, for records of different lengths."""

    def transform(self, X):
        return np.stack([np.ravel(signal)[:12] for signal in getattr(X, "signals", X)])


def test_what_the_loader_left_out_is_still_reported(table):
    X, _, weak, trusted = table
    left_out = pd.DataFrame({"id": ["r"], "file": ["r.dat"], "problem": ["truncated"]})
    records = ECGRecords(X[:, np.newaxis], 10, labels=weak, trusted=trusted, report=left_out)
    mixture = DirichletProcessGaussianMixture(n_components=2)
    cleaner = AFPLabelCleaner(FlatSignals(), mixture=mixture, max_iter=1, random_state=0)
    assert cleaner.fit_transform(records).report.equals(left_out)


def test_a_weak_record_that_equals_a_trusted_one_is_not_trusted(table):
    X, _, weak, trusted = table
    X, weak = X.copy(), weak.copy()
    ours, theirs = np.flatnonzero(trusted)[0], np.flatnonzero(~trusted)[0]
    X[theirs], weak[theirs] = X[ours], weak[ours]
    # Trusted records come last, as they may in a data set.
    order = np.argsort(trusted, kind="stable")
    records = ECGRecords(X[order, np.newaxis], 10, labels=weak[order], trusted=trusted[order])
    mixture = DirichletProcessGaussianMixture(n_components=2)
    cleaner = AFPLabelCleaner(FlatSignals(), mixture=mixture, max_iter=1, random_state=0)
    cleaned = cleaner.fit_transform(records)
    assert_array_equal(cleaner.transform(records).provenance, cleaned.provenance)


def test_unknown_labels_are_never_certain_and_reports_add_up(table):
    X, _, weak, trusted = table
    weak = weak.copy()
    weak[::7, 1] = -1
    mixture = DirichletProcessGaussianMixture(n_components=2)
    cleaner = AFPLabelCleaner(mixture=mixture, max_iter=1, random_state=0, undecided="weak")
    cleaner.fit(X, weak, trusted=trusted)
    assert (cleaner.confidence_[trusted & (weak[:, 1] == -1), 1] == 0.5).all()
    report = cleaner.report()
    assert_array_equal(report["clean"], report["weak"] + report["added"] - report["removed"])


def test_papers_method_claims_nothing_of_labels_that_it_does_not_question(table):
    X, _, weak, trusted = table
    mixture = DirichletProcessGaussianMixture(n_components=3)
    cleaner = AFPLabelCleaner(method="paper", mixture=mixture, rules=False, random_state=0)
    cleaner.fit(X, weak, trusted=trusted)
    assert (cleaner.confidence_[~trusted][weak[~trusted] == 0] == 0.5).all()


def test_papers_method_warns_once_of_restless_clusters(table):
    X, _, weak, trusted = table
    mixture = DirichletProcessGaussianMixture(3, inference="gibbs", max_iter=1)
    with pytest.warns(ConvergenceWarning) as caught:
        AFPLabelCleaner(method="paper", mixture=mixture, random_state=0).fit(
            X, weak, trusted=trusted
        )
    restless = [w for w in caught if "clusterings" in str(w.message)]
    assert len(restless) == 1 and restless[0].filename == __file__, [str(w.message) for w in caught]


@pytest.mark.parametrize("name", ["features", "mixture", "discriminator"])
def test_parameters_that_are_no_estimators_are_named(table, name):
    X, _, weak, trusted = table
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        AFPLabelCleaner(**{name: "forest"}).fit(X, weak, trusted=trusted)


def test_labels_without_a_column_and_without_a_value_name_the_cure(table):
    X, _, weak, trusted = table
    with pytest.raises(ValueError, match="no labels"):
        AFPLabelCleaner().fit(X, weak[:, :0], trusted=trusted)
    with pytest.raises(ValueError, match="write -1"):
        AFPLabelCleaner().fit(X, np.where(weak == 1, np.nan, 0), trusted=trusted)
    unknown = pd.array([True] * 300 + [None] * 300, dtype="boolean")
    with pytest.raises(ValueError, match="trusted is missing for record 300"):
        AFPLabelCleaner().fit(X, weak, trusted=unknown)


def test_papers_method_is_not_silenced_by_anchors_that_trusted_records_contradict():
    X, truth, trusted = make_table(n_records=400, seed=5)
    # Patterns overlap: most records lie within three standard deviations of either side.
    X = X + np.random.default_rng(5).normal(0, 1, X.shape)
    weak = swap(truth, trusted, 0.3)
    mixture = DirichletProcessGaussianMixture(n_components=8)
    cleaner = AFPLabelCleaner(method="paper", mixture=mixture, undecided="weak", random_state=0)
    cleaner.fit(X, weak, trusted=trusted)
    assert (cleaner.anchor_patterns_["accuracy"].to_numpy(dtype=float) > 0.5).all()
    errors_left = (cleaner.labels_ != truth).sum()
    assert errors_left < 0.75 * (weak != truth).sum()


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


def test_classifiers_without_a_seed_get_the_cleaners(table):
    X, weak, trusted = (part[:120] for part in (table[0], table[2], table[3]))
    mixture = DirichletProcessGaussianMixture(n_components=1)
    first, second = (
        AFPLabelCleaner(
            mixture=mixture,
            discriminator=RandomForestClassifier(3),
            joint=False,
            max_iter=1,
            random_state=0,
        ).fit(X, weak, trusted=trusted)
        for _ in range(2)
    )
    assert_array_equal(first.confidence_, second.confidence_)


class Unsure(GaussianNB):
    def predict_proba(self, X):
        return np.full((len(X), 2), np.nan)


def test_a_discriminator_without_probabilities_is_named(table):
    X, weak, trusted = (part[:120] for part in (table[0], table[2], table[3]))
    mixture = DirichletProcessGaussianMixture(n_components=1)
    cleaner = AFPLabelCleaner(mixture=mixture, discriminator=Unsure(), random_state=0)
    with pytest.raises(ValueError, match="discriminator Unsure gives"):
        cleaner.fit(X, weak, trusted=trusted)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_scikit_learns_mixtures_find_patterns(table, covariance_type):
    X, _, weak, trusted = table
    mixture = BayesianGaussianMixture(n_components=3, covariance_type=covariance_type)
    cleaner = AFPLabelCleaner(mixture=mixture, discriminators=False, random_state=0)
    cleaner.fit(X, weak, trusted=trusted)
    assert all(len(pattern.members) for pattern in cleaner.patterns_)
    assert all(pattern.variance.shape == (12,) for pattern in cleaner.patterns_)
    assert len(cleaner.anchor_patterns_)


def test_clusterings_that_are_no_mixtures_are_named(table):
    X, _, weak, trusted = table
    with pytest.raises(ValueError, match="mixture KMeans has no means_"):
        AFPLabelCleaner(mixture=KMeans(2)).fit(X, weak, trusted=trusted)

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from simulated_tables import fit_weak_table, make_weak_table, swap, weighted_f1
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from sklearn_ecg import AFPLabelCleaner, CleanedRecords, ECGRecords, OnCleanedLabels
from sklearn_ecg.cleaning import CrossValidationLabelCleaner, DensityLabelCleaner
from sklearn_ecg.mixture import DirichletProcessGaussianMixture


@pytest.fixture(scope="module")
def table():
    return make_weak_table()


@pytest.fixture(scope="module")
def fitted():
    return fit_weak_table()


class FlatSignals(TransformerMixin, BaseEstimator):
    """Features that are the samples themselves."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.stack([np.ravel(signal) for signal in getattr(X, "signals", X)])


class NoFeatures(FlatSignals):
    def transform(self, X):
        raise AssertionError("features were computed")


class FirstSamples(FlatSignals):
    """Features that are the first samples, for records of different lengths."""

    def transform(self, X):
        return np.stack([np.ravel(signal)[:12] for signal in getattr(X, "signals", X)])


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


def test_trusted_records_pass_transform_without_features(table):
    X, _, weak, trusted = table
    records = ECGRecords(X[:, np.newaxis], 10, labels=weak, trusted=trusted)
    cleaner = AFPLabelCleaner(FlatSignals(), random_state=0).fit(records)
    cleaner.extractor_ = NoFeatures()
    kept = cleaner.transform(records[trusted])
    assert_array_equal(kept.labels, weak[trusted])


def test_an_example_set_alone_cleans_new_records(table):
    X, truth, weak, trusted = table
    cleaner = AFPLabelCleaner(random_state=0).fit(X[trusted], truth[trusted], trusted=True)
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


def test_records_without_any_feature_are_left_to_a_person(table):
    X, _, weak, trusted = table
    X, lost = X.copy(), np.flatnonzero(~trusted)[:3]
    X[lost] = np.nan
    X[np.flatnonzero(~trusted)[5:9], 2] = np.nan
    cleaner = AFPLabelCleaner(random_state=0).fit(X, weak, trusted=trusted)
    assert (cleaner.provenance_[lost] == "undecided").all()
    assert_array_equal(cleaner.labels_[lost], weak[lost])
    assert set(lost) <= set(cleaner.undecided_["id"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trusted": np.zeros(600, dtype=bool)}, "trusted is False for all 600"),
        ({"trusted": np.ones(5, dtype=bool)}, "one entry for each of the 600 records"),
        ({"y": None}, "requires y to be passed"),
        ({"y": np.full((600, 4), 2)}, "must hold labels from 0"),
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


def test_infinite_feature_is_named(table):
    X, _, weak, trusted = table
    frame = pd.DataFrame(X).add_prefix("feature_")
    frame.iloc[7, 3] = np.inf
    with pytest.raises(ValueError, match="infinity: feature feature_3 of record 7"):
        AFPLabelCleaner().fit(frame, weak, trusted=trusted)
    with pytest.raises(ValueError, match="infinity: feature feature_3 of record r7"):
        AFPLabelCleaner().fit(frame.rename(lambda row: f"r{row}"), weak, trusted=trusted)


def test_lists_of_signals_are_signals(table):
    X, _, weak, trusted = table
    n_records = 60
    chosen = np.r_[np.flatnonzero(trusted)[:30], np.flatnonzero(~trusted)[:30]]
    signals, weak = list(X[chosen, np.newaxis]), weak[chosen, :3]
    mixture = DirichletProcessGaussianMixture(n_components=2)
    cleaner = AFPLabelCleaner(FlatSignals(), mixture=mixture, max_iter=1, random_state=0)
    cleaned = cleaner.fit_transform(signals, weak, trusted=trusted[chosen])
    assert cleaned.shape == (n_records, 1, 12) and not cleaned.is_table
    nested = cleaner.fit_transform(np.array(signals).tolist(), weak, trusted[chosen])
    assert_array_equal(nested.labels, cleaned.labels)
    uneven = [np.resize(signal, (1, 12 + i % 2)) for i, signal in enumerate(signals)]
    cleaner.set_params(features=FirstSamples())
    assert cleaner.fit_transform(uneven, weak, trusted[chosen]).n_times is None


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


@pytest.mark.parametrize("name", ["features", "mixture", "discriminator"])
def test_parameters_that_are_no_estimators_are_named(table, name):
    X, _, weak, trusted = table
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        AFPLabelCleaner(**{name: "forest"}).fit(X, weak, trusted=trusted)


def test_labels_without_a_column_and_without_a_value_name_the_cure(table):
    X, _, weak, trusted = table
    with pytest.raises(ValueError, match="no labels"):
        AFPLabelCleaner().fit(X, weak[:, :0], trusted=trusted)
    with pytest.raises(ValueError, match=r"y is unknown .* for all labels"):
        AFPLabelCleaner().fit(X, np.full(weak.shape, np.nan), trusted=trusted)
    unknown = pd.array([True] * 300 + [None] * 300, dtype="boolean")
    with pytest.raises(ValueError, match="trusted is missing for record 300"):
        AFPLabelCleaner().fit(X, weak, trusted=unknown)


def test_what_the_loader_left_out_is_still_reported(table):
    X, _, weak, trusted = table
    left_out = pd.DataFrame({"id": ["r"], "file": ["r.dat"], "problem": ["truncated"]})
    records = ECGRecords(X[:, np.newaxis], 10, labels=weak, trusted=trusted, report=left_out)
    mixture = DirichletProcessGaussianMixture(n_components=2)
    cleaner = AFPLabelCleaner(FlatSignals(), mixture=mixture, max_iter=1, random_state=0)
    assert cleaner.fit_transform(records).report.equals(left_out)


def clean_rows(X, labels, trusted, method="bayes"):
    mixture = DirichletProcessGaussianMixture(n_components=2)
    cleaner = AFPLabelCleaner(method=method, mixture=mixture, undecided="weak", random_state=0)
    return cleaner.fit(X, labels, trusted=trusted)


CLEANERS = {
    "bayes": AFPLabelCleaner(
        mixture=DirichletProcessGaussianMixture(n_components=2), random_state=0
    ),
    "paper": AFPLabelCleaner(
        mixture=DirichletProcessGaussianMixture(n_components=2), method="paper", random_state=0
    ),
    "CV": CrossValidationLabelCleaner(classifiers=[GaussianNB()], cv=5, random_state=0),
    "DDF": DensityLabelCleaner(),
}
WITH_EACH = pytest.mark.parametrize("cleaner", CLEANERS.values(), ids=CLEANERS)


@WITH_EACH
def test_trust_of_all_of_a_records_labels_is_trust_of_the_record(table, cleaner):
    X, _, weak, trusted = table
    per_label = np.repeat(trusted[:, np.newaxis], weak.shape[1], axis=1)
    expected = clone(cleaner).fit_transform(X, weak, trusted=trusted)
    cleaned = clone(cleaner).fit_transform(X, weak, trusted=per_label)
    for name in ("labels", "provenance", "confidence"):
        assert_array_equal(getattr(cleaned, name), getattr(expected, name))


@WITH_EACH
def test_trusted_labels_of_a_record_stay_and_its_others_are_cleaned(table, cleaner):
    X, truth, weak, trusted = table
    weak = weak.copy()
    mask = np.repeat(trusted[:, np.newaxis], weak.shape[1], axis=1)
    # Someone has checked two labels of half of the weak records.
    checked = np.flatnonzero(~trusted)[::2]
    mask[np.ix_(checked, [0, 2])] = True
    weak[np.ix_(checked, [0, 2])] = truth[np.ix_(checked, [0, 2])]
    cleaner = clone(cleaner).fit(X, weak, trusted=mask)
    assert_array_equal(cleaner.provenance_ == "trusted", mask)
    assert_array_equal(cleaner.labels_[mask], weak[mask])
    assert (cleaner.confidence_[mask] == 1).all()
    changed = (cleaner.labels_ != weak) & (cleaner.labels_ != -1)
    others = changed[checked][:, [1, 3]]
    assert others.any() and (cleaner.labels_ == truth)[checked][:, [1, 3]][others].mean() > 0.5
    counted = cleaner.report()
    assert_array_equal(counted["weak"], ((weak == 1) & ~mask).sum(axis=0))
    asked = cleaner.undecided_
    assert not mask[asked["id"], asked["label"].astype(int)].any()


def test_labels_that_are_trusted_teach(table):
    X, truth, _, trusted = table
    # Weak labels of the others have their say too; these are wrong too often to speak louder.
    weak = swap(truth, trusted, 0.4)
    per_record = np.zeros(len(X), dtype=bool)
    per_record[np.flatnonzero(trusted)[:12]] = True
    mask = np.repeat(per_record[:, np.newaxis], weak.shape[1], axis=1)
    weak[trusted, 1], mask[trusted, 1] = truth[trusted, 1], True
    misled = np.where(trusted & ~per_record, 1 - weak[:, 1], weak[:, 1])
    right, wrong = (
        clean_rows(X, np.c_[weak[:, 0], label, weak[:, 2:]], mask).labels_[~trusted, 1]
        for label in (weak[:, 1], misled)
    )
    assert (right == truth[~trusted, 1]).mean() > (wrong == truth[~trusted, 1]).mean() + 0.1


@pytest.mark.parametrize(
    "index",
    [
        [f"r{i}" for i in range(600)],
        range(1000, 1600),
        pd.MultiIndex.from_product([["a", "b"], range(300)]),
    ],
    ids=["str", "int", "multi"],
)
def test_records_go_by_the_index_of_their_table(table, index):
    X, _, weak, trusted = table
    X = pd.DataFrame(X + np.random.default_rng(0).normal(0, 1.5, X.shape), index=index)
    mixture = DirichletProcessGaussianMixture(n_components=2)
    cleaner = AFPLabelCleaner(mixture=mixture, min_confidence=0.7, random_state=0)
    cleaned = cleaner.fit_transform(X, weak, trusted=trusted)
    assert list(cleaned.ids) == list(X.index)
    changes, asked = cleaned.changes(), cleaner.undecided_
    left = changes[changes["provenance"] == "undecided"]
    pairs = [set(zip(t["id"], t["label"], strict=True)) for t in (left, asked)]
    assert pairs[0] == pairs[1] and len(asked)
    again = cleaner.clean(X[~trusted], weak[~trusted])
    assert list(again.ids) == list(X.index[~trusted])


def test_an_index_with_repetitions_names_no_records(table):
    X, _, weak, trusted = table
    frame = pd.DataFrame(X, index=np.arange(len(X)) // 2)
    mixture = DirichletProcessGaussianMixture(n_components=1)
    cleaner = AFPLabelCleaner(mixture=mixture, max_iter=1, random_state=0)
    assert_array_equal(cleaner.fit_transform(frame, weak, trusted=trusted).ids, np.arange(len(X)))


@pytest.mark.parametrize("method", ["bayes", "paper"])
def test_names_of_labels_and_records_change_nothing(table, method):
    X, _, weak, trusted = table
    expected = clean_rows(X, weak, trusted, method)
    names = ["SR", "AF", "PVC", "1AVB"]
    named = clean_rows(
        pd.DataFrame(X, index=[f"r{i}" for i in range(len(X))]),
        pd.DataFrame(weak, columns=names),
        trusted,
        method,
    )
    assert_array_equal(named.labels_, expected.labels_)
    assert_array_equal(named.confidence_, expected.confidence_)

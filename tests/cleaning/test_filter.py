"""What `CrossValidationLabelCleaner` and `DensityLabelCleaner` have in common."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ecg import CleanedRecords, ECGRecords, OnCleanedLabels
from sklearn_ecg.cleaning import CrossValidationLabelCleaner, DensityLabelCleaner
from sklearn_ecg.datasets import corrupt_labels

CLEANERS = [
    CrossValidationLabelCleaner("S2", classifiers=[GaussianNB()], cv=5, random_state=0),
    DensityLabelCleaner(),
]


@pytest.fixture(params=CLEANERS, ids=["cross-validation", "density"])
def cleaner(request):
    return clone(request.param)


@pytest.fixture(scope="module")
def table():
    """Features, truth, weak labels and trust; each label shifts features of its own."""
    rng = np.random.default_rng(0)
    truth = (rng.random((240, 3)) < 0.3).astype(np.int8)
    X = np.repeat(truth, 3, axis=1) * 3 + rng.normal(0, 0.6, (240, 9))
    trusted = np.arange(240) % 3 == 0
    weak = truth.copy()
    weak[~trusted] = corrupt_labels(truth[~trusted], 0.2, kind="extra", random_state=0)
    return X, truth, weak, trusted


class Coded:
    """A cleaner, for the checks' targets and outputs.

    The checks pass classes or numbers in one column, where the cleaner takes indicators, and
    expect arrays of fit_transform, where it returns CleanedRecords.
    """

    def fit(self, X, y=None, trusted=None, groups=None):
        if y is not None:
            y = np.asarray(y)
            y = (y == y.max()).astype(int) if y.size else y
        trusted = True if trusted is None else trusted
        return super().fit(X, y, trusted=trusted, groups=groups)

    def fit_transform(self, X, y=None, trusted=None, groups=None):
        return self.fit(X, y, trusted=trusted, groups=groups).transform(X)


class CodedCrossValidation(Coded, CrossValidationLabelCleaner):
    pass


class CodedDensity(Coded, DensityLabelCleaner):
    pass


EXPECTED_FAILURES = {
    "check_transformer_data_not_an_array": (
        "transform hands what carries no labels through untouched; the check asks it for a shape"
    ),
}


@pytest.mark.filterwarnings("ignore:Too few examples")
@parametrize_with_checks(
    [CodedCrossValidation(cv=2), CodedDensity()],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
)
def test_scikit_learn_checks(check_passes, estimator, check):
    check_passes(estimator, check)


def test_removes_wrong_labels_and_adds_none(cleaner, table):
    X, truth, weak, trusted = table
    cleaner.fit(X, weak, trusted=trusted)
    labels, provenance = cleaner.labels_, cleaner.provenance_
    assert (labels <= weak).all()
    assert (labels != truth).sum() < 0.6 * (weak != truth).sum()
    assert_array_equal(labels[trusted], weak[trusted])
    assert (provenance[trusted] == "trusted").all() and (cleaner.confidence_[trusted] == 1).all()
    assert_array_equal(provenance == "removed", (weak == 1) & (labels == 0))
    assert_array_equal(provenance == "confirmed", (weak == labels) & ~trusted[:, np.newaxis])
    report = cleaner.report()
    assert_array_equal(report["removed"], (weak - labels).sum(axis=0))
    assert report["learned"].all() and not report["added"].any() and report["missing"].isna().all()
    assert_array_equal(
        report["wrong"], (weak - labels).sum(axis=0) / (labels == 0)[~trusted].sum(0)
    )


def test_unknown_labels_are_left_to_a_person(cleaner, table):
    X, truth, weak, trusted = table
    weak = weak.copy()
    unknown = np.flatnonzero(~trusted)[:20]
    weak[unknown, 1] = -1
    cleaner.fit(X, weak, trusted=trusted)
    assert (cleaner.labels_[unknown, 1] == -1).all()
    review = cleaner.undecided_
    assert_array_equal(np.sort(review["id"]), unknown)
    assert (review["probability"] - 0.5).abs().is_monotonic_increasing
    # No one asked may have learned that the label is absent.
    likely = review.set_index("id")["probability"][unknown] > 0.5
    assert (likely == (truth[unknown, 1] == 1)).mean() > 0.9


@pytest.mark.parametrize("n_positive", [0, 1, 2])
def test_rare_labels_are_kept_with_one_warning_that_names_them(cleaner, table, n_positive):
    X, _, weak, trusted = table
    rare = np.zeros((len(X), 1), dtype=int)
    rare[np.flatnonzero(~trusted)[:n_positive]] = 1
    frame = pd.DataFrame(np.hstack([weak, rare]), columns=["a", "b", "c", "rare"])
    with pytest.warns(UserWarning, match="labels rare ") as caught:
        cleaner.fit(X, frame, trusted=trusted)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert_array_equal(cleaner.labels_[:, 3], rare[:, 0])
    assert (cleaner.provenance_[~trusted, 3] == "undecided").all()
    assert cleaner.learned_.tolist() == [True, True, True, False]
    alone = cleaner.fit(X, weak, trusted=trusted).labels_
    with pytest.warns(UserWarning):
        assert_array_equal(cleaner.fit(X, frame, trusted=trusted).labels_[:, :3], alone)


def test_nothing_to_learn_keeps_everything(cleaner, table):
    X, _, weak, trusted = table
    with pytest.warns(UserWarning, match="labels 0, 1, 2 "):
        cleaner.fit(X, np.zeros_like(weak), trusted=trusted)
    assert not cleaner.labels_.any() and not cleaner.learned_.any()
    assert_array_equal(cleaner.clean(X, weak).labels, weak)


def test_cleans_new_records(cleaner, table):
    X, truth, weak, trusted = table
    cleaner.fit(X[trusted], truth[trusted], trusted=True)
    assert (cleaner.provenance_ == "trusted").all()
    cleaned = cleaner.clean(X[~trusted], weak[~trusted])
    assert isinstance(cleaned, CleanedRecords)
    errors = (weak != truth)[~trusted].sum()
    assert (cleaned.labels != truth[~trusted]).sum() < errors / 2
    one = cleaner.clean(X[~trusted][:1], weak[~trusted][:1])
    assert_array_equal(one.labels, cleaned.labels[:1])


class FlatSignals(TransformerMixin, BaseEstimator):
    """Features that are the samples themselves."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.stack([np.ravel(signal) for signal in getattr(X, "signals", X)])


def test_records_and_arrays_of_signals_give_what_their_table_gives(cleaner, table):
    X, _, weak, trusted = table
    expected = cleaner.fit(X, weak, trusted=trusted).labels_
    cleaner.set_params(features=FlatSignals())
    signals = X[:, np.newaxis]
    records = ECGRecords(signals, 10, labels=weak, trusted=trusted, groups=np.arange(240) // 2)
    cleaned = cleaner.fit_transform(records)
    assert_array_equal(cleaned.labels, expected)
    assert_array_equal(cleaned.groups, records.groups)
    again = cleaner.transform(records)
    for name in ("labels", "provenance", "confidence", "weak_labels", "trusted"):
        assert_array_equal(getattr(again, name), getattr(cleaned, name))
    assert_array_equal(cleaner.fit(signals, weak, trusted=trusted).labels_, expected)
    assert cleaner.transform(signals) is signals


def test_pipelines_pickles_and_clones(cleaner, table):
    X, _, weak, trusted = table
    pipe = make_pipeline(cleaner, OnCleanedLabels(LogisticRegression()))
    step = f"{pipe.steps[0][0]}__trusted"
    predicted = pipe.fit(X, weak, **{step: trusted}).predict(X)
    with config_context(enable_metadata_routing=True):
        assert_array_equal(clone(pipe).fit(X, weak, trusted=trusted).predict(X), predicted)
    restored = pickle.loads(pickle.dumps(cleaner))
    assert_array_equal(restored.clean(X, weak).labels, cleaner.clean(X, weak).labels)
    assert clone(cleaner).get_params().keys() == cleaner.get_params().keys()


def test_a_pipeline_may_ask_for_data_frames(cleaner, table):
    X, _, weak, trusted = table
    pipe = make_pipeline(StandardScaler(), cleaner, OnCleanedLabels(LogisticRegression()))
    step = f"{pipe.steps[1][0]}__trusted"
    predicted = clone(pipe).fit(X, weak, **{step: trusted}).predict(X)
    pipe.set_output(transform="pandas").fit(X, weak, **{step: trusted})
    assert_array_equal(pipe.predict(X), predicted)
    assert isinstance(cleaner.transform(pipe[0].transform(X)), pd.DataFrame)


def test_same_labels_whatever_n_jobs(cleaner, table, forked):
    X, _, weak, trusted = table
    first = cleaner.fit(X, weak, trusted=trusted)
    second = clone(cleaner).set_params(n_jobs=2).fit(X, weak, trusted=trusted)
    assert_array_equal(first.labels_, second.labels_)
    assert_array_equal(first.confidence_, second.confidence_)


def test_permuting_labels_and_features_permutes_the_result(cleaner, table):
    X, _, weak, trusted = table
    expected = cleaner.fit(X, weak, trusted=trusted).labels_
    order = [2, 0, 1]
    assert_array_equal(
        cleaner.fit(X[:, ::-1], weak[:, order], trusted=trusted).labels_, expected[:, order]
    )


def test_features_may_have_gaps_be_constant_or_repeat(cleaner, table):
    X, truth, weak, trusted = table
    X = np.hstack([X, np.ones((len(X), 1)), X[:, :2]])
    X[np.flatnonzero(~trusted)[10:30], 4] = np.nan
    lost = np.flatnonzero(~trusted)[:3]
    X[lost] = np.nan
    cleaner.fit(X, weak, trusted=trusted)
    assert (cleaner.provenance_[lost] == "undecided").all()
    assert_array_equal(cleaner.labels_[lost], weak[lost])
    assert (cleaner.labels_ != truth).sum() < 0.6 * (weak != truth).sum()


def test_trusted_records_can_be_left_out(cleaner, table):
    X, _, weak, trusted = table
    cleaner.set_params(use_trusted=False)
    expected = cleaner.fit(X, weak, trusted=trusted).labels_[~trusted]
    misled = np.where(trusted[:, np.newaxis], 1 - weak, weak)
    # Trusted records still take part in the features' scaling, and in nothing else.
    assert_array_equal(cleaner.fit(X, misled, trusted=trusted).labels_[~trusted], expected)
    cleaner.set_params(use_trusted=True)
    assert (cleaner.fit(X, misled, trusted=trusted).labels_[~trusted] != expected).any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trusted": np.zeros(240, dtype=bool)}, "trusted is False for all 240"),
        ({"y": None}, "requires y to be passed"),
        ({"y": np.full((240, 3), 2)}, "must hold labels from 0"),
        ({"X": np.full((240, 9), np.inf)}, "infinity"),
        ({"X": np.full((240, 9), np.nan)}, "all records are NaN"),
        ({"groups": [1, 2]}, "one patient for each of the 240"),
    ],
)
def test_bad_input_is_named(cleaner, table, changes, message):
    X, _, weak, trusted = table
    arguments = {"X": X, "y": weak, "trusted": trusted} | changes
    with pytest.raises(ValueError, match=message):
        cleaner.fit(**arguments)


def test_other_labels_are_refused(cleaner, table):
    X, _, weak, trusted = table
    with pytest.raises(ValueError, match="fitted to 3"):
        cleaner.fit(X, weak, trusted=trusted).clean(X, weak[:, :2])

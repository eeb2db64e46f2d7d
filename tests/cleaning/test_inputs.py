"""What a cleaner is told: labels that find their records, and trust that is said aloud."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_ecg import AFPLabelCleaner, CleanedRecords, ECGRecords, OnCleanedLabels
from sklearn_ecg.cleaning import CrossValidationLabelCleaner, DensityLabelCleaner
from sklearn_ecg.cleaning._inputs import check_input

IDS = [f"r{i}" for i in range(90)]
NAMES = ["AF", "PVC"]
CLEANERS = [
    AFPLabelCleaner(max_iter=1, random_state=0),
    CrossValidationLabelCleaner(classifiers=LogisticRegression(), cv=3, random_state=0),
    DensityLabelCleaner(),
]


@pytest.fixture(scope="module")
def data():
    """Features that tell two labels, weak labels with errors, and whose labels are right."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, size=(90, 2))
    X = pd.DataFrame(rng.normal(3 * truth, 0.5), IDS)
    trusted = pd.Series(np.arange(90) % 2 == 0, IDS)
    weak = pd.DataFrame(truth, IDS, NAMES)
    weak.iloc[1:16:2, 0] = 1 - truth[1:16:2, 0]
    return X, weak, trusted


class Features(FunctionTransformer):
    """The samples of a signal as its features."""

    def transform(self, X):
        return np.stack([np.ravel(signal) for signal in X.signals])


def as_records(X, **fields):
    return ECGRecords(X.to_numpy()[:, np.newaxis], 10, ids=X.index, **fields)


@pytest.mark.parametrize("name", ["y", "trusted", "groups"])
@pytest.mark.parametrize("form", ["table", "records", "array"])
def test_tables_in_another_order_find_their_records(data, form, name):
    X, weak, trusted = data
    given = {"y": weak, "trusted": trusted, "groups": pd.Series(np.arange(90) // 3, IDS)}
    expected = check_input(X, *given.values(), n_records=90)
    given[name] = given[name].sample(frac=1, random_state=0)
    if form == "array":
        # Without names in X, tables go by the first of them.
        order = given["y"].index
        X, expected.labels = X.to_numpy(), weak.loc[order].to_numpy()
        expected.trusted = trusted[order].to_numpy()
        expected.groups = (pd.Series(np.arange(90) // 3, IDS)[order]).to_numpy()
    elif form == "records":
        X = as_records(X)
    found = check_input(X, *given.values(), n_records=90)
    for field in ("labels", "trusted", "groups"):
        assert_array_equal(getattr(found, field), getattr(expected, field))


@pytest.mark.parametrize("cleaner", CLEANERS, ids=lambda cleaner: type(cleaner).__name__)
def test_the_order_of_a_label_table_changes_nothing(data, cleaner):
    X, weak, trusted = data
    expected = cleaner.fit(X, weak, trusted=trusted).labels_.copy()
    shuffled = weak.sample(frac=1, random_state=0)
    assert (cleaner.fit(X, shuffled, trusted=trusted).labels_ == expected).all()
    assert (expected != weak.to_numpy()).any()
    with pytest.raises(ValueError, match=r"y does not name .*'r7' .*'x' is no record"):
        cleaner.fit(X, weak.rename(index={"r7": "x"}), trusted=trusted)
    cleaned = cleaner.clean(X, shuffled)
    assert_array_equal(cleaned.weak_labels, weak)


def test_rows_that_are_merely_numbered_go_by_position(data):
    X, weak, trusted = data
    for index in (IDS, np.arange(7, 97)):
        found = check_input(
            X.set_axis(index), pd.DataFrame(weak.to_numpy()), trusted.to_numpy(), None, n_records=90
        )
        assert_array_equal(found.labels, weak)
    with pytest.raises(ValueError, match="same numbers in another order"):
        check_input(
            X.set_axis(np.arange(90)[::-1]), weak.reset_index(drop=True), True, None, n_records=90
        )


@pytest.mark.parametrize("per_label", [False, True])
def test_trust_keeps_its_shape(data, per_label):
    X, weak, trusted = data
    if per_label:
        trusted = pd.DataFrame({"PVC": trusted, "AF": True})
    found = check_input(X, weak, trusted, None, n_records=90).trusted
    expected = trusted[NAMES] if per_label else trusted
    assert_array_equal(found, expected)
    records = as_records(X, labels=weak, trusted=trusted)
    assert_array_equal(check_input(records, None, None, None, n_records=90).trusted, expected)
    found = check_input(records, weak[["PVC", "AF"]], None, None, n_records=90)
    assert_array_equal(found.trusted, trusted[["PVC", "AF"]] if per_label else trusted)
    assert found.label_names.tolist() == ["PVC", "AF"]


@pytest.mark.parametrize("cleaner", CLEANERS, ids=lambda cleaner: type(cleaner).__name__)
def test_trust_that_nobody_has_spoken_of_is_warned_of(data, cleaner):
    X, weak, trusted = data
    with pytest.warns(UserWarning, match="Nobody says whose labels are right: .* all 90") as caught:
        fitted = cleaner.fit(X, weak)
    assert [warning.filename for warning in caught] == [__file__]
    assert_array_equal(fitted.labels_, weak)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cleaner.fit(X, weak, trusted=trusted)
        said = cleaner.fit(X, weak, trusted=True)
        said.clean(X, weak)
    assert (said.provenance_ == "trusted").all()


def test_trust_that_a_step_has_lost_is_warned_of(data):
    X, weak, trusted = data
    records = as_records(X, labels=weak, trusted=trusted)
    classifier = OnCleanedLabels(LogisticRegression(), features=Features())
    pipeline = make_pipeline(Features(), AFPLabelCleaner(max_iter=1, random_state=0), classifier)
    with pytest.warns(UserWarning, match="<step>__trusted=mask.*made an array of them") as caught:
        pipeline.fit(records, records.labels)
    assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipeline.fit(records, records.labels, afplabelcleaner__trusted=trusted)
        assert ((pipeline[1].provenance_ == "trusted").all(axis=1) == trusted).all()
        make_pipeline(AFPLabelCleaner(Features(), max_iter=1, random_state=0), classifier).fit(
            records, records.labels
        )
    with pytest.warns(UserWarning, match="whose labels are right") as caught:
        AFPLabelCleaner(Features(), max_iter=1, random_state=0).fit(as_records(X, labels=weak))
    assert "made an array" not in str(caught[0].message)


def test_masked_labels_are_unknown(data):
    X, weak, trusted = data
    masked = np.ma.masked_array(weak.to_numpy(), np.arange(180).reshape(90, 2) % 7 == 0)
    found = check_input(X, masked, trusted, None, n_records=90).labels
    assert ((found == -1) == masked.mask).all()


@pytest.fixture(scope="module")
def pipeline(data):
    X, weak, trusted = data
    cleaner = AFPLabelCleaner(Features(), max_iter=1, random_state=0)
    pipeline = make_pipeline(cleaner, OnCleanedLabels(LogisticRegression(), features=Features()))
    return pipeline.fit(as_records(X, labels=weak, trusted=trusted))


@pytest.mark.parametrize(
    "labels",
    [
        None,
        pd.DataFrame(1, IDS, ["AF", "STE"]),
        pd.DataFrame(1, IDS, ["PVC", "AF"]),
        pd.DataFrame(-1, IDS, ["AF"]),
        pd.DataFrame(0, IDS, ["a", "b", "c"]),
        np.ones((90, 2)),
        np.ones((90, 0)),
    ],
)
def test_prediction_needs_no_labels_and_minds_none(data, pipeline, labels):
    records = as_records(data[0], labels=labels)
    assert_array_equal(pipeline.predict(records), pipeline.predict(as_records(data[0])))


def test_labels_in_another_order_are_cleaned_in_that_of_fit(data, pipeline):
    X, weak, trusted = data
    cleaner = pipeline[0]
    expected = cleaner.transform(as_records(X, labels=weak, trusted=trusted))
    swapped = cleaner.transform(as_records(X, labels=weak[["PVC", "AF"]], trusted=trusted))
    assert isinstance(swapped, CleanedRecords) and swapped.label_names.tolist() == NAMES
    assert_array_equal(swapped.labels, expected.labels)
    assert_array_equal(swapped.trusted, trusted)


def test_a_scaler_after_the_cleaner_is_told_its_place(data):
    X, weak, trusted = data
    pipeline = make_pipeline(
        AFPLabelCleaner(max_iter=1, random_state=0),
        StandardScaler(),
        OnCleanedLabels(LogisticRegression()),
    )
    with pytest.raises(TypeError, match=r"scaler.* before the cleaner or with the classifier"):
        pipeline.fit(X, weak, afplabelcleaner__trusted=trusted)
    cured = make_pipeline(
        StandardScaler(),
        AFPLabelCleaner(max_iter=1, random_state=0),
        OnCleanedLabels(make_pipeline(StandardScaler(), LogisticRegression())),
    )
    assert cured.fit(X, weak, afplabelcleaner__trusted=trusted).score(X, weak) > 0.8

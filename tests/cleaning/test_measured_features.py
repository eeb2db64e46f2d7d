"""What a cleaner has measured of signals goes with the cleaned records, once and for all."""

import contextlib
import pickle
from unittest import mock

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import AFPLabelCleaner, CleanedRecords, ECGFeatureExtractor, OnCleanedLabels
from sklearn_ecg.cleaning import CrossValidationLabelCleaner, DensityLabelCleaner
from sklearn_ecg.datasets import corrupt_labels, make_ecg_records
from sklearn_ecg.features._measured_before import measured_before

CLEANERS = [
    AFPLabelCleaner(random_state=0),
    DensityLabelCleaner(),
    CrossValidationLabelCleaner(random_state=0),
]


@pytest.fixture(scope="module")
def records():
    truth = make_ecg_records(60, leads=("I", "II", "V1"), sampling_rate=100, random_state=0)
    trusted = np.arange(60) < 40
    weak = np.where(trusted[:, None], truth.labels, corrupt_labels(truth.labels, 0.2))
    return truth.with_labels(weak, truth.label_names, trusted=trusted)


@pytest.fixture(scope="module")
def table(records):
    return ECGFeatureExtractor().set_output(transform="pandas").fit_transform(records)


@pytest.fixture(scope="module")
def cleaner(records):
    return DensityLabelCleaner().fit(records)


@pytest.fixture(scope="module")
def cleaned(cleaner, records):
    return cleaner.clean(records)


@pytest.mark.filterwarnings("ignore:Too few examples")
@pytest.mark.parametrize("estimator", CLEANERS, ids=lambda cleaner: type(cleaner).__name__)
def test_cleaned_records_carry_what_was_measured(records, table, estimator):
    cleaned = estimator.fit_transform(records)
    pd.testing.assert_frame_equal(cleaned.features, table, check_column_type=False)
    assert cleaned.extractor is estimator.extractor_
    # In the memory of the cleaner, not a second time.
    assert np.shares_memory(cleaned.features.to_numpy(), estimator._table)
    assert repr(cleaned) == repr(cleaned.with_signals(cleaned.signals))


def test_selections_carry_their_part(cleaned, table):
    for key in (slice(5, 20, 3), [7, 3], np.arange(60) % 2 == 0, 4):
        rows = np.arange(60)[key]
        part = cleaned[key].features
        pd.testing.assert_frame_equal(
            part, table.iloc[np.atleast_1d(rows)], check_column_type=False
        )
    assert cleaned[:0].features.shape == (0, table.shape[1])


def test_copies_are_equal(cleaned, records):
    again = pickle.loads(pickle.dumps(cleaned[10:30]))
    pd.testing.assert_frame_equal(again.features, cleaned.features[10:30])
    assert again == cleaned[10:30]
    assert joblib.hash(again) == joblib.hash(cleaned[10:30])
    assert_array_equal(again.extractor.transform(records[:1]), cleaned.features[:1])


def test_nobody_changes_what_the_cleaner_keeps(cleaned):
    features = cleaned.features
    features["another"] = 1.0
    assert "another" not in cleaned.features
    before = cleaned.features.iloc[0, 0]
    with contextlib.suppress(ValueError):
        features.iloc[0, 0] = before + 1
    assert cleaned.features.iloc[0, 0] == before


def test_other_signals_must_be_measured_anew(cleaned):
    for other in (
        cleaned.with_signals(cleaned.signals * 2),
        cleaned.select_leads(["V1", "II"]),
        cleaned.select_leads(["I", "II", "V1", "III"]),
    ):
        assert isinstance(other, CleanedRecords)
        assert other.features is None and other.extractor is None
    assert not hasattr(cleaned.without_labels(), "features")
    assert not hasattr(cleaned.with_labels(cleaned.labels), "features")
    assert cleaned.select_leads(["I", "II", "V1"]).features is not None


def test_new_records_carry_theirs_where_all_are_measured(records, table, cleaner):
    new = records[45:55]
    found = cleaner.clean(new)
    pd.testing.assert_frame_equal(found.features, table[45:55], check_column_type=False)
    weak_alone = cleaner.transform(new)
    pd.testing.assert_frame_equal(weak_alone.features, table[45:55], check_column_type=False)
    # Of trusted records nothing is measured to clean them.
    assert cleaner.transform(records[30:50]).features is None
    assert cleaner.transform(records[:10]).features is None


def test_arrays_and_lists_of_signals(records):
    extractor = ECGFeatureExtractor(sampling_rate=100)
    y, trusted = records.labels, records.trusted
    for X in (records.signals, list(records.signals)):
        cleaned = DensityLabelCleaner(features=extractor).fit_transform(X, y, trusted=trusted)
        assert cleaned.features.shape == (60, len(cleaned.extractor.get_feature_names_out()))
        assert measured_before(cleaned, extractor) is not None
        assert measured_before(cleaned, ECGFeatureExtractor()) is None


def test_other_transformers_make_no_named_features(records, table):
    for features in (
        make_pipeline(ECGFeatureExtractor(), StandardScaler()),
        type("Mine", (ECGFeatureExtractor,), {})(),
    ):
        cleaned = DensityLabelCleaner(features=features).fit_transform(records)
        assert cleaned.features is None and cleaned.extractor is None
    of_table = DensityLabelCleaner().fit_transform(table, records.labels, trusted=records.trusted)
    assert of_table.features is None


def test_the_classifier_behind_measures_nothing_again(records):
    pipe = make_pipeline(DensityLabelCleaner(), OnCleanedLabels(forest()))
    measured = []
    transform = ECGFeatureExtractor.transform

    def counted(self, X, r_peaks=None):
        measured.append(len(X))
        return transform(self, X, r_peaks)

    with mock.patch.object(ECGFeatureExtractor, "transform", counted):
        pipe.fit(records)
        assert measured == [60]
        expected = pipe.predict_proba(records.with_labels(None)[:5])
    by_hand = OnCleanedLabels(forest())
    by_hand.fit(CleanedRecords(records.signals, 100, **labels_of(pipe[0].fit_transform(records))))
    assert by_hand.features_ is not None
    assert_array_equal(by_hand.predict_proba(records.with_labels(None)[:5]), expected)


def forest():
    return RandomForestClassifier(n_estimators=5, random_state=0)


def labels_of(cleaned):
    names = ("lead_names", "ids", "labels", "weak_labels", "provenance", "confidence")
    return {name: getattr(cleaned, name) for name in (*names, "label_names")}


def test_the_extractor_taken_is_as_if_fitted_here(cleaned, table):
    asked = ECGFeatureExtractor(n_jobs=2)
    extractor, found = measured_before(cleaned, asked)
    fresh = ECGFeatureExtractor(n_jobs=2).fit(cleaned)
    assert vars(extractor).keys() == vars(fresh).keys()
    assert extractor.n_jobs == 2 and cleaned.extractor.n_jobs is None
    assert joblib.hash(extractor) == joblib.hash(fresh)
    assert_array_equal(found, table)
    assert isinstance(found, np.ndarray) and found.flags.writeable
    with config_context(transform_output="pandas"):
        assert isinstance(measured_before(cleaned, asked)[1], pd.DataFrame)
    mine = ECGFeatureExtractor().set_output(transform="pandas")
    extractor, found = measured_before(cleaned[:5], mine)
    pd.testing.assert_frame_equal(found, extractor.transform(cleaned[:5]), check_column_type=False)


@pytest.mark.parametrize(
    "asked",
    [
        ECGFeatureExtractor(groups=("rhythm",)),
        ECGFeatureExtractor(groups=None),
        ECGFeatureExtractor(sampling_rate=500),
        StandardScaler(),
        None,
    ],
)
def test_what_was_not_measured_is_not_handed_on(cleaned, asked):
    assert measured_before(cleaned, asked) is None


def test_leads_in_another_order_are_measured_anew(records, cleaner):
    """A fresh extractor would name and order its features by the leads that it is given."""
    other = cleaner.clean(records[45:50].select_leads(["V1", "I", "II"]))
    assert other.features is not None
    assert measured_before(other, ECGFeatureExtractor()) is None


def test_features_are_checked():
    fields = {
        "labels": [[1], [0]],
        "weak_labels": [[1], [0]],
        "provenance": [["trusted"]] * 2,
        "confidence": [[1.0]] * 2,
        "ids": ["a", "b"],
    }
    signals = np.zeros((2, 1, 30))
    table = pd.DataFrame({"HR": [50.0, 80.0]}, index=["b", "a"])
    cleaned = CleanedRecords(signals, features=table, **fields)
    assert cleaned.features["HR"].tolist() == [80.0, 50.0]
    assert cleaned.features.index.tolist() == ["a", "b"]
    assert CleanedRecords(signals, features=[[1.0], [2.0]], **fields).features.columns == ["0"]
    for bad, message in (
        ({"features": np.zeros((3, 2))}, "row for each of the 2 records"),
        ({"features": [["x"], ["y"]]}, "table of numbers"),
        ({"extractor": ECGFeatureExtractor()}, "extractor was given without features"),
    ):
        with pytest.raises(ValueError, match=message):
            CleanedRecords(signals, **bad, **fields)
    with pytest.raises(ValueError, match="features must be None if signals is a table"):
        CleanedRecords(np.zeros((2, 4)), features=table, **fields)
    extractor = ECGFeatureExtractor().fit(make_ecg_records(2, leads=("II",), random_state=0))
    with pytest.raises(ValueError, match="column for each of the"):
        CleanedRecords(signals, features=np.zeros((2, 3)), extractor=extractor, **fields)

"""Age and sex among the features: taken of metadata, never measured, never kept with them."""

import warnings

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg import AFPLabelCleaner, ECGFeatureExtractor, ECGRecords
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.features import _extraction
from sklearn_ecg.records import LazySignals
from sklearn_ecg.shards import CleanLabels, MeasureFeatures, run_shards
from sklearn_ecg.shards._run import _read_by

GROUPS = ("rhythm", "patient")
NAMES = ["age_years", "is_female"]
PATIENTS = pd.DataFrame(
    {
        "age_years": [61, np.nan, 48, 90],
        "sex": ["female", "male", "", "other"],
        "device": ["Cart"] * 4,
    }
)
CATEGORIES = PATIENTS.assign(sex=pd.Categorical(["female", "male", None, "other"]))
EXPECTED = [[61, 1], [np.nan, 0], [48, np.nan], [90, np.nan]]


@pytest.fixture(scope="module")
def records():
    return make_ecg_records(4, leads=["II"], duration_s=5, random_state=0)


@pytest.fixture
def measured(monkeypatch):
    """The records that were measured."""
    found, measure = [], _extraction.measure
    monkeypatch.setattr(_extraction, "measure", lambda *args: found.append(1) or measure(*args))
    return found


@pytest.mark.parametrize("metadata", [PATIENTS, CATEGORIES], ids=["texts", "categories"])
def test_the_columns_stand_behind_what_is_measured(records, metadata):
    known = records.with_metadata(metadata)
    extractor = ECGFeatureExtractor(groups=GROUPS)
    features = extractor.fit_transform(known)
    plain = ECGFeatureExtractor(groups=["rhythm"]).fit_transform(known)
    assert extractor.get_feature_names_out()[-2:].tolist() == NAMES
    assert extractor.feature_units_[-2:].tolist() == ["years", ""]
    assert extractor.describe_features().loc["age_years", "group"] == "patient"
    np.testing.assert_array_equal(features[:, :-2], plain)
    np.testing.assert_array_equal(features[:, -2:], EXPECTED)
    np.testing.assert_array_equal(
        extractor.transform(known[[3, 0]])[:, -2:], [[90, np.nan], [61, 1]]
    )


def test_other_ages_make_nothing_be_measured_again(records, tmp_path, measured):
    extractor = ECGFeatureExtractor(groups=GROUPS, memory=tmp_path).fit(records)
    extractor.transform(records.with_metadata(PATIENTS))
    assert len(measured) == 4
    older = PATIENTS.assign(age_years=70)
    features = extractor.transform(records.with_metadata(older))
    assert len(measured) == 4 and (features[:, -2] == 70).all()
    steps = MeasureFeatures(ECGFeatureExtractor(groups=GROUPS))
    table = run_shards(steps, records.with_metadata(older), tmp_path)
    assert len(measured) == 4
    assert table.columns.tolist() == [*extractor.get_feature_names_out(), "problem"]
    np.testing.assert_array_equal(table[NAMES].to_numpy(float), features[:, -2:])


def test_a_cleaner_hands_them_on_until_they_are_others(records, tmp_path):
    labels = [[1], [0], [1], [0]]
    known = records.with_metadata(PATIENTS).with_labels(labels, ["AF"], trusted=True)
    cleaner = AFPLabelCleaner(features=ECGFeatureExtractor(groups=GROUPS))
    cleaned = cleaner.fit_transform(known)
    np.testing.assert_array_equal(cleaned.features[NAMES], EXPECTED)
    np.testing.assert_array_equal(cleaned[[2]].features[NAMES], EXPECTED[2:3])
    assert cleaned.with_metadata(PATIENTS.assign(age_years=1.0)).features is None
    cleaner.save(tmp_path / "cleaner.skops")
    assert CleanLabels(tmp_path / "cleaner.skops").reads == ("labels", "trusted", "metadata")
    plain = AFPLabelCleaner(features=ECGFeatureExtractor(groups=["rhythm"])).fit_transform(known)
    assert plain.with_metadata(None).features is not None


def test_where_nothing_is_known_one_warning_says_so(records):
    extractor = ECGFeatureExtractor(groups=GROUPS).fit(records)
    with pytest.warns(UserWarning, match="features age_years and is_female are NaN") as caught:
        features = extractor.transform(records.with_metadata(None))
    assert len(caught) == 1 and np.isnan(features[:, -2:]).all()
    with pytest.warns(UserWarning, match="features is_female are NaN"):
        extractor.transform(records.with_metadata(PATIENTS[["age_years"]]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ECGFeatureExtractor(groups=["rhythm"]).fit_transform(records.with_metadata(None))


def test_a_record_that_cannot_be_read_is_nan_throughout(records):
    def read(i):
        if i == 1:
            raise OSError("gone")
        return records.signals[i]

    lazy = ECGRecords(
        LazySignals(read, records.shape),
        records.sampling_rate,
        lead_names=records.lead_names,
        metadata=PATIENTS,
    )
    with pytest.warns(UserWarning, match="cannot be measured"):
        features = ECGFeatureExtractor(groups=GROUPS).fit_transform(lazy)
    assert np.isnan(features[1]).all()
    np.testing.assert_array_equal(features[[0, 2], -2:], [EXPECTED[0], EXPECTED[2]])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (PATIENTS.assign(age_years="old"), "'age_years' of metadata must hold numbers; got object"),
        (
            PATIENTS.assign(age_years=[300, 1, 1, 1]),
            "1 records have other values, such as record P0000-0",
        ),
        (
            PATIENTS.assign(sex=["F", "male", "", "M"]),
            "'sex' .* 2 records have other values, such as record P0000-0",
        ),
    ],
)
def test_columns_that_say_something_else_are_refused(records, table, message):
    extractor = ECGFeatureExtractor(groups=GROUPS).fit(records)
    with pytest.raises(ValueError, match=message):
        extractor.transform(records.with_metadata(table))


def test_a_step_of_ones_own_reads_metadata(records):
    class Step:
        pass

    one, other = (records.with_metadata(PATIENTS.assign(device=name)) for name in "ab")
    assert str(_read_by(Step(), one)) == str(_read_by(Step(), one[:]))
    assert str(_read_by(Step(), one)) != str(_read_by(Step(), other))

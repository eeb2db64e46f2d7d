"""Metadata go with their records, by id, through whatever makes other records of them."""

import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest

from sklearn_ecg import CleanedRecords, ECGRecords
from sklearn_ecg.preprocessing import BandpassFilter, Resampler
from sklearn_ecg.records import as_records, concatenate

IDS = ["a", "b", "c", "d"]


def make_table(ids=IDS):
    """Of every kind of column that loaders make; a date that nanoseconds do not reach."""
    return pd.DataFrame(
        {
            "age_years": [61.0, np.nan, 48.0, 90.0],
            "sex": ["female", "male", "", "male"],
            "recorded_at": np.array(["1650-03-01", "2021-01-01", "NaT", "2020-02-29"], "M8[s]"),
            "machine_statements": [("scp:AFIB", "x"), (), ("normal ECG",), ("scp:AFIB", "x")],
        },
        index=pd.Index(ids, name="id"),
    )


def make_records(ids=IDS, **fields):
    rng = np.random.default_rng(0)
    return ECGRecords(
        rng.normal(size=(4, 2, 300)),
        100,
        lead_names=["I", "II"],
        ids=ids,
        **({"metadata": make_table(ids)} | fields),
    )


def make_cleaned(signals=None, **fields):
    labels = [[1], [0], [0], [1]]
    return CleanedRecords(
        make_records().signals if signals is None else signals,
        ids=IDS,
        labels=labels,
        weak_labels=labels,
        provenance=[["trusted"]] * 4,
        confidence=[[1.0]] * 4,
        metadata=make_table(),
        **fields,
    )


def assert_metadata(records, rows, table=None):
    table = make_table() if table is None else table
    pd.testing.assert_frame_equal(records.metadata, table.iloc[rows])


def test_rows_find_their_records():
    shuffled = make_table().iloc[[2, 0, 3, 1]]
    assert_metadata(make_records(metadata=shuffled), [0, 1, 2, 3])
    assert_metadata(make_records(metadata=None).with_metadata(shuffled), [0, 1, 2, 3])
    by_position = make_records(metadata=make_table().reset_index(drop=True))
    assert_metadata(by_position, [0, 1, 2, 3])
    assert make_records(metadata=None).metadata is None
    assert make_records().with_metadata(None) == make_records(metadata=None)


def test_the_table_is_a_copy():
    given = make_table()
    records = make_records(metadata=given)
    given["age_years"] = 0.0
    records.metadata["age_years"] = 0.0
    records.metadata.drop(columns="sex")
    assert_metadata(records, [0, 1, 2, 3])


@pytest.mark.parametrize("key", [slice(1, 3), [3, 0], 2, [False, True, True, False], []])
def test_selections_select_metadata(key):
    rows = np.atleast_1d(np.arange(4)[key]).astype(int)
    for records in (make_records(), make_cleaned()):
        assert_metadata(records[key], rows)
        assert_metadata(records[key][::-1], rows[::-1])


def test_whatever_makes_other_records_keeps_metadata():
    records, cleaned = make_records(), make_cleaned(sampling_rate=100)
    table = make_cleaned(np.eye(4))
    for found in (
        records.with_labels([[1]] * 4),
        records.with_signals(np.ones((4, 2, 50))),
        records.select_leads(["III", "II"]),
        as_records(records, 100),
        Resampler(50).fit_transform(records),
        BandpassFilter().fit_transform(records),
        cleaned.without_labels(),
        cleaned.with_labels([[1]] * 4),
        cleaned.with_table(np.eye(4)),
        cleaned.with_signals(np.ones((4, 2, 50))),
        table[:],
        copy.deepcopy(cleaned),
        pickle.loads(pickle.dumps(cleaned)),
    ):
        assert_metadata(found, [0, 1, 2, 3])


def test_equal_metadata_have_equal_hashes():
    assert make_records() == make_records()
    assert joblib.hash(make_records()) == joblib.hash(make_records())
    assert joblib.hash(make_records()[[1, 2]]) == joblib.hash(make_records()[1:3])
    shared = ("scp:AFIB", "x")
    table = make_table()
    table["machine_statements"] = [shared, (), ("normal ECG",), shared]
    assert joblib.hash(make_records(metadata=table)) == joblib.hash(make_records())


def test_joined_metadata_have_the_columns_of_all():
    other = pd.DataFrame(
        {"device": ["Cart"] * 4, "recorded_at": pd.to_datetime(["2020-01-01"] * 4), "n": 4},
        index=[*"efgh"],
    )
    first, second = make_records(), make_records([*"efgh"], metadata=other)
    none = make_records([*"ijkl"], metadata=None)
    joined = concatenate([first, second, none]).metadata
    assert joined.index.tolist() == [*"abcdefghijkl"]
    assert [*joined.columns] == [*make_table().columns, "device", "n"]
    pd.testing.assert_frame_equal(joined.iloc[:4, :4], make_table())
    assert joined["sex"][4:].tolist() == [""] * 8
    assert joined["device"].tolist() == [""] * 4 + ["Cart"] * 4 + [""] * 4
    assert joined["machine_statements"][4:].tolist() == [()] * 8
    assert joined["n"].isna().tolist() == [True] * 4 + [False] * 4 + [True] * 4
    assert joined["recorded_at"].dtype == "datetime64[s]" and joined["recorded_at"][8:].isna().all()
    assert joined["recorded_at"]["h"] == pd.Timestamp("2020-01-01")
    keyed = concatenate([first, make_records(ids=IDS)], keys=["x", "y"]).metadata
    assert keyed.index.tolist()[3:5] == ["x/d", "y/a"]
    assert concatenate([none, make_records(metadata=None)]).metadata is None
    parts = concatenate([make_records()[:3], make_records()[3:]])
    assert parts == make_records()


@pytest.mark.parametrize("show", [repr, lambda records: records._repr_html_()])
def test_nothing_shows_the_values(show):
    table = make_table().assign(name="Erika Mustermann", patient_id="19-4711")
    for records in (make_records(metadata=table), make_cleaned().with_metadata(table)):
        text = show(records)
        assert "6 columns of metadata" in text
        assert "Mustermann" not in text and "4711" not in text


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ([1, 2, 3, 4], TypeError, "metadata must be a DataFrame .*got list"),
        (make_table().iloc[:3], ValueError, "metadata does not name .*no row for 'd'"),
        (
            make_table().rename({"a": "z"}),
            ValueError,
            r"'z' is no record .*metadata.set_axis\(ids\)",
        ),
        (make_table().reset_index(drop=True)[:3], ValueError, "metadata has 3 rows, .* 4 records"),
        (make_table().set_axis([*"aabc"], axis=1), ValueError, "more than one column 'a'"),
        (make_table().set_axis([1, 2, 3, 4], axis=1), ValueError, "columns of metadata must have"),
    ],
)
def test_bad_tables_are_refused(table, error, message):
    with pytest.raises(error, match=message):
        make_records(metadata=table)
    with pytest.raises(error, match=message):
        make_records().with_metadata(table)

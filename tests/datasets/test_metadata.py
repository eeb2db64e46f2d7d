"""Tables of what files say of records; patients by it; what is told of nobody."""

import datetime

import numpy as np
import pandas as pd

from sklearn_ecg import ECGRecords
from sklearn_ecg.datasets._metadata import check_patients, metadata_frame, patient_groups
from sklearn_ecg.datasets.formats._recording import FIELDS
from sklearn_ecg.records._report import Report


def test_each_field_has_its_type_and_columns_that_nobody_fills_are_left_out():
    zone = datetime.timezone(datetime.timedelta(hours=2))
    fields = [
        {
            "age_years": 61,
            "sex": "female",
            "recorded_at": datetime.datetime(2021, 5, 1, 8, 30, tzinfo=zone),
            "machine_statements": ["scp:AFIB atrial fibrillation", "x"],
            "site": "",
        },
        {"recorded_at": "1650-01-01", "machine_statements": (), "device": "Cart"},
        {"recorded_at": np.datetime64("2021-01-01T00:00:00.5"), "heart_rate_bpm": 60},
        {},
    ]
    table = metadata_frame(fields, [*"abcd"])
    assert [*table.columns] == [
        "age_years", "sex", "recorded_at", "device", "heart_rate_bpm", "machine_statements"
    ]  # fmt: skip
    assert table.index.tolist() == [*"abcd"] and table.index.name == "id"
    assert table["age_years"].dtype == float and table["recorded_at"].dtype == "datetime64[s]"
    assert table["sex"].tolist() == ["female", "", "", ""]
    assert table["recorded_at"]["a"] == pd.Timestamp("2021-05-01 08:30")
    assert table["recorded_at"]["b"].year == 1650 and pd.isna(table["recorded_at"]["d"])
    statements = [("scp:AFIB atrial fibrillation", "x"), (), (), ()]
    assert table["machine_statements"].tolist() == statements
    assert set(table.columns) <= set(FIELDS)
    nothing = metadata_frame([{}, {}], [0, 1])
    assert nothing.shape == (2, 0)
    assert ECGRecords(np.zeros((2, 1, 9)), metadata=nothing).metadata is None


def test_an_age_that_nobody_has_is_missing():
    fields = [{"age_years": age} for age in (999, -1, 130, 0, np.nan, None)]
    ages = metadata_frame(fields, range(6))["age_years"]
    np.testing.assert_array_equal(ages, [np.nan, np.nan, 130, 0, np.nan, np.nan])


def test_groups_are_patients_and_whoever_has_none_is_one():
    table = metadata_frame([{"patient_id": "p"}, {}, {"patient_id": "p"}, {}], ["x", "p", "y", 7])
    assert patient_groups(table).tolist() == ["p", "record p", "p", "7"]
    assert patient_groups(metadata_frame([{}, {}], [1, 2])) is None


def test_two_people_under_one_patient_id_are_reported():
    def one(patient, sex="", age=None, year=None):
        time = None if year is None else f"{year}-06-01"
        return {"patient_id": patient, "sex": sex, "age_years": age, "recorded_at": time}

    fields = {
        "a": one("p", "female", 60, 2000),
        "b": one("p", "", 65, 2005),
        "c": one("p", "male", 61, 2000),
        "d": one("p", "female", 60, 2005),
        "e": one("q", "male", 30, 2000),
        "f": one("q", "male", 32, 2001),
        "g": one("", "male", 1, 1900),
        "h": one("", "female", 90, 1900),
        "i": one("r", "male", 88, 1990),
        "j": one("r", "male", 90, 2010),
        "k": one("s", "male", 30),
        "l": one("s", "male", 70),
    }
    table = metadata_frame([*fields.values()], [*fields])
    report = Report()
    check_patients(table, report, [f"{id}.xml" for id in fields])
    rows = report.to_frame()
    assert rows[["id", "file"]].to_numpy().tolist() == [["c", "c.xml"], ["d", "d.xml"]]
    assert rows["problem"][0] == "has the patient id of a, and another sex"
    assert "has the patient id of a, and an age that does not fit" in rows["problem"][1]
    assert rows["kept"].all()
    for column in ("patient_id", "sex", "age_years", "recorded_at"):
        report = Report()
        check_patients(table.drop(columns=column), report, [*fields])
        assert len(report) == (0 if column == "patient_id" else 1)

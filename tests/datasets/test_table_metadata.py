"""Columns of people's tables as metadata: what is understood, reported, and never guessed."""

import datetime

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg.datasets import (
    join_labels,
    load_challenge,
    load_cpsc2018,
    load_ludb,
    load_mitdb,
    load_ptbxl,
    load_wfdb,
    read_records,
)
from sklearn_ecg.datasets._table_metadata import table_metadata
from sklearn_ecg.records._report import Report

NAN = float("nan")


def read(name, *values):
    report = Report()
    found = table_metadata(
        pd.DataFrame({"x": list(values)}), {"x": name}, range(len(values)), report, "t.csv"
    )
    wrong = report.to_frame()["id"].astype(int).tolist()
    return found[name].tolist() if name in found else None, wrong


@pytest.mark.parametrize(
    ("name", "cells", "expected"),
    [
        ("age_years", (61, "61,5", "061Y", "006M", ">89", "90+", "≥ 90", "40 years"),
         [61, 61.5, 61, 0.5, 90, 90, 90, 40]),
        ("sex", ("F", "w", "weiblich", "M", "männlich", "男", "Divers", "", None, "unknown"),
         ["female"] * 3 + ["male"] * 3 + ["other"] + [""] * 3),
        ("device", ("CS-12   E", 3.0, NAN), ["CS-12 E", "3", ""]),
        ("patient_id", ("0012", "NA", ""), ["0012", "NA", ""]),
        ("heart_rate_bpm", ("60", 71.5), [60, 71.5]),
        ("machine_statements", ("AFIB\nLBBB", ["x"], None, ""), [("AFIB", "LBBB"), ("x",), (), ()]),
    ],
)  # fmt: skip
def test_cells_are_read_as_what_they_are(name, cells, expected):
    assert read(name, *cells) == (expected, [])


def test_times_are_read_without_their_zone():
    times, wrong = read(
        "recorded_at",
        "2021-03-01 08:30",
        "1650-01-01T00:00:00",
        "2021-03-01T08:30:00+05:00",
        datetime.date(1899, 12, 31),
        pd.Timestamp("2020-02-29 12:00"),
        "",
        "01.03.2021",
        "1.3.2021 8:30",
    )
    assert wrong == [] and [str(time)[:16] for time in times] == [
        "2021-03-01 08:30", "1650-01-01 00:00", "2021-03-01 08:30", "1899-12-31 00:00",
        "2020-02-29 12:00", "NaT", "2021-03-01 00:00", "2021-03-01 08:30",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("age_years", ("300", -1, "old", "inf", "1,234")),
        ("sex", ("0", 1, "Erika")),
        ("recorded_at", ("03.25.2021", "1.3.21", "3/1/2021", 20210301, "noon")),
        ("heart_rate_bpm", ("sixty", "inf", "1,234")),
    ],
)
def test_what_is_not_understood_is_unknown_and_reported_unquoted(name, cells):
    assert read(name, *cells) == (None, [*range(len(cells))])
    report = Report()
    table_metadata(pd.DataFrame({"x": cells}), {"x": name}, range(len(cells)), report, "t.csv")
    problem = f"has a value in the column 'x' that is not a valid {name}"
    assert set(report.to_frame()["problem"]) == {problem} and report.to_frame()["kept"].all()


def test_tables_give_metadata_and_patients(tmp_path):
    (tmp_path / "t.csv").write_text(
        "ecg;AF;Alter;Geschlecht;Pat;Troponin;Datum\n"
        "b;0;61,5;w;0012;1,5;2021-03-01\n"
        "a;1;>89;M;0012;;3/1/2021\n"
        "c;1;;;;2;\n"
    )
    names = {"Alter": "age_years", "Geschlecht": "sex", "Pat": "patient_id", "Datum": "recorded_at"}
    records = read_records(
        np.zeros((4, 1, 50)),
        tmp_path / "t.csv",
        ids=[*"abcd"],
        id_column="ecg",
        metadata_columns={**names, "Troponin": "Troponin"},
    )
    assert records.label_names.tolist() == ["AF"]
    table = records.metadata
    assert [*table.columns] == ["patient_id", "age_years", "sex", "recorded_at", "Troponin"]
    np.testing.assert_array_equal(table["Troponin"], [NAN, 1.5, 2, NAN])
    assert table["patient_id"].tolist() == ["0012", "0012", "", ""]
    assert table["sex"].tolist() == ["male", "female", "", ""]
    assert records.groups.tolist() == ["0012", "0012", "c", "d"]
    report = records.report.set_index("id")
    assert "not a valid recorded_at" in report.loc["a", "problem"]
    assert "the patient id of a, and another sex" in report.loc["b", "problem"]
    assert table["age_years"].tolist()[:2] == [90, 61.5]


def test_joined_metadata_stand_beside_those_of_files():
    records = read_records(np.zeros((2, 1, 50)), ids=["x/a.xml", "x/b.xml"]).with_metadata(
        pd.DataFrame({"age_years": [1.0, 2.0], "device": ["p", "q"]})
    )
    table = pd.DataFrame({"ecg": ["b", "a"], "AF": [1, 0], "age_years": [50, 40]})
    found = join_labels(records, table, id_column="ecg", metadata_columns=["age_years", "ecg"])
    assert found.labels.ravel().tolist() == [0, 1]
    assert found.metadata["age_years"].tolist() == [40, 50]
    assert found.metadata["device"].tolist() == ["p", "q"]
    assert found.metadata["ecg"].tolist() == ["x/a.xml", "x/b.xml"]
    said = {"ecg": ["a", "b", "b"], "label": ["AF", "AF", "PVC"], "said": [["x"], ["y"], ["y"]]}
    options = {"id_column": "ecg", "label_column": "label"}
    names = {"said": "machine_statements"}
    found = join_labels(records, pd.DataFrame(said), **options, metadata_columns=names)
    assert found.metadata["machine_statements"].tolist() == [("x",), ("y",)]
    with pytest.raises(ValueError, match=r"lacks the columns \['sexe'\]"):
        join_labels(records, table, id_column="ecg", metadata_columns={"sexe": "sex"})
    with pytest.raises(ValueError, match="several columns one name"):
        join_labels(records, table, id_column="ecg", metadata_columns={"ecg": "x", "AF": "x"})


def test_data_sets_say_what_their_tables_and_headers_do(shared_data, tmp_path):
    of_headers = {
        load_challenge: ("cpsc2018/wfdb", "A0002", 49, "female"),
        load_cpsc2018: ("cpsc2018/TrainingSet", "A0002", 49, "female"),
        load_ludb: ("ludb", 1, 51, "female"),
        load_wfdb: ("ludb/data", "1", 51, "female"),
        load_ptbxl: ("ptb-xl", 2, 19, "male"),
    }
    for load, (folder, id, age, sex) in of_headers.items():
        told = load(shared_data / folder).metadata.loc[id]
        assert (told["age_years"], told["sex"]) == (age, sex), load
    ludb = load_ludb(shared_data / "ludb").metadata
    assert ludb.loc[2, "reader_statements"][0] == "Sinus rhythm"
    assert ludb["age_years"].max() == 90
    for file in (shared_data / "mitdb").glob("101.*"):
        (tmp_path / file.name).symlink_to(file)
    for windows in (load_mitdb(tmp_path), load_wfdb(tmp_path, window=10)):
        assert windows.metadata["age_years"]["101/001"] == 75 and windows.groups[1] == "101"


def test_the_whole_table_of_ptbxl(shared_data, tmp_path):
    source = shared_data / "ptb-xl"
    table = pd.read_csv(source / "ptbxl_database_original_first_500.csv").head(40)
    table.loc[0, "age"] = 300
    table.loc[1, "initial_autogenerated_report"] = True
    table.to_csv(tmp_path / "ptbxl_database.csv", index=False)
    (tmp_path / "records100").symlink_to(source / "records100")
    told = load_ptbxl(tmp_path).metadata.loc[1]
    assert told[["patient_id", "age_years", "sex"]].tolist() == ["15709", 90, "female"]
    assert told["recorded_at"] == pd.Timestamp("1984-11-09 09:17:34")
    assert (told["device"], told["site"]) == ("CS-12 E", "0")
    assert told["reader_statements"] == ("sinusrhythmus periphere niederspannung",)
    second = load_ptbxl(tmp_path).metadata.loc[2]
    assert second["machine_statements"][0].startswith("sinusbradykardie")
    assert second["reader_statements"] == ()

"""Nothing that names a patient is left, and what belongs together still does."""

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg import ECGRecords
from sklearn_ecg.datasets import anonymise, load_wfdb
from sklearn_ecg.datasets._metadata import metadata_frame
from sklearn_ecg.records import UnreadRecordsWarning
from sklearn_ecg.records._report import Report

KEY = "a key that is long enough"
NAMES = ("Doe", "Mustermann", "4711", "Charité", "/export")
FIELDS = [
    {
        "patient_id": "4711",
        "age_years": 97,
        "recorded_at": "2021-03-01T08:30",
        "site": "Charité",
        "device": "Cart 3",
        "reader_statements": ("snomed:164889003",),
    },
    {"patient_id": "4711", "age_years": 89.5, "recorded_at": "2021-03-08T09:00"},
    {"age_years": 30, "recorded_at": "1650-01-01", "site": "Charité"},
    {},
]
IDS = ["Doe John.xml", "4711-2", "Mustermann", "x"]


def make_records(**changes):
    report = Report()
    report.add("4711-3", "/export/Doe John.xml", "holds 'Doe' as age: Doe", "Mend Doe John.xml.")
    report.add("x", "/export/x.xml", "has the patient id of Doe John.xml, and x", "See", kept=True)
    fields = {
        "ids": IDS,
        "groups": ["4711", "4711", "Mustermann", "x"],
        "split": [1, 1, 2, 2],
        "labels": [[1], [0], [1], [-1]],
        "label_names": ["AF"],
        "metadata": metadata_frame(FIELDS, IDS).assign(name="Erika Mustermann"),
        "report": report.to_frame(),
    }
    return ECGRecords(np.arange(36.0).reshape(4, 1, 9), 100, **(fields | changes))


def everything_said(records):
    tables = [records.metadata.to_csv(), records.report.to_csv(), records.to_frame().to_csv()]
    return "".join(tables) + repr(records) + records._repr_html_()


def test_nothing_names_a_patient_and_what_belongs_together_does():
    given = make_records()
    found = anonymise(given, KEY)
    text = everything_said(found)
    assert not [name for name in NAMES if name in text]
    np.testing.assert_array_equal(found.signals, given.signals)
    np.testing.assert_array_equal(found.labels, given.labels)
    assert found.split.tolist() == [1, 1, 2, 2]
    assert len(set(found.ids)) == 4 and len(set(found.groups)) == 3
    table, before = found.metadata, given.metadata
    assert "name" not in table and table.index.tolist() == found.ids.tolist()
    assert table["patient_id"].tolist() == [*found.groups[:2], "", ""]
    assert table["age_years"].tolist()[:3] == [90, 89.5, 30] and np.isnan(
        table["age_years"].iloc[3]
    )
    assert table["site"].iloc[0] == table["site"].iloc[2] != table["site"].iloc[1] == ""
    for name in ("device", "reader_statements"):
        assert table[name].tolist() == before[name].tolist()
    back = before["recorded_at"].to_numpy() - table["recorded_at"].to_numpy()
    days = back / np.timedelta64(1, "D")
    assert days[0] == days[1] != days[2] and np.isnan(days[3])
    assert ((days[:3] % 1 == 0) & (days[:3] >= 1) & (days[:3] <= 3650)).all()
    report = found.report
    assert report["id"].tolist()[1] == found.ids[3]
    assert report["problem"][1] == f"has the patient id of {found.ids[0]}, and {found.ids[3]}"
    assert report["file"].str.fullmatch(r"f[0-9a-f]{20}").all() and report["kept"][1]


def test_a_key_gives_the_same_names_and_no_key_others():
    given = make_records()
    assert anonymise(given, KEY) == anonymise(given, KEY.encode())
    later = anonymise(given[[1]], KEY)
    assert later.ids[0] == anonymise(given, KEY).ids[1]
    assert (
        later.metadata["recorded_at"].iloc[0]
        == anonymise(given, KEY).metadata["recorded_at"].iloc[1]
    )
    assert set(anonymise(given).ids).isdisjoint(anonymise(given).ids)
    bare = anonymise(ECGRecords(np.zeros((2, 1, 9))), KEY)
    assert bare.groups is None and bare.metadata is None and len(bare.report) == 0
    numbered = anonymise(make_records(ids=[1, 2, 3, 4], metadata=None, groups=[1, 1, 2, 2]), KEY)
    assert len(set(numbered.ids)) == 4 and numbered.metadata is None


def write_wfdb(folder, name):
    samples = np.arange(2000, dtype="<i2") + len(name)
    samples.tofile(folder / f"{name}.dat")
    checksum = samples.sum(dtype="<i2")
    (folder / f"{name}.hea").write_text(
        f"{name} 1 100 2000\n{name}.dat 16 200/mV 16 0 0 {checksum} 0 II\n"
    )


def test_an_error_in_reading_names_the_new_id(tmp_path):
    for name in ("Doe", "Mustermann"):
        write_wfdb(tmp_path, name)
    given = load_wfdb(tmp_path)
    found = anonymise(given, KEY)
    np.testing.assert_array_equal(found.signals[1], given.signals[1])
    np.testing.assert_array_equal(found.signals.window(1, 3, 9), given.signals.window(1, 3, 9))
    np.testing.assert_array_equal(np.asarray(found[::-1].signals), np.asarray(given.signals)[::-1])
    (tmp_path / "Mustermann.dat").write_bytes(b"\0\0")
    for read in (
        lambda signals: signals[1],
        lambda signals: signals.window(1, 3, 9),
        lambda signals: signals.read_many([0, 1]),
    ):
        with pytest.raises(ValueError, match=f"^{found.ids[1]} ") as error:
            read(found.signals)
        assert "Muster" not in str(error.value) and str(tmp_path) not in str(error.value)
    with pytest.warns(UnreadRecordsWarning, match=str(found.ids[1])) as warned:
        np.asarray(found.signals)
    assert "Muster" not in str(warned[0].message) and str(tmp_path) not in str(warned[0].message)


@pytest.mark.parametrize(
    ("records", "key", "error", "message"),
    [
        (np.zeros((1, 1, 9)), KEY, TypeError, "records must be ECGRecords; got ndarray"),
        (make_records(), "short", ValueError, "key must have 16 bytes or more.* got 5"),
        (make_records(), 7, TypeError, "key must be text or bytes; got int"),
        (
            make_records(metadata=pd.DataFrame({"age_years": ["old"] * 4})),
            KEY,
            ValueError,
            "'age_years' of metadata must hold years as numbers; got object",
        ),
        (
            make_records(metadata=pd.DataFrame({"recorded_at": ["2020"] * 4})),
            KEY,
            ValueError,
            "'recorded_at' of metadata must hold times",
        ),
    ],
)
def test_bad_input_is_refused(records, key, error, message):
    with pytest.raises(error, match=message):
        anonymise(records, key)


def test_columns_of_categories_and_numbers_are_hashed():
    table = pd.DataFrame(
        {"patient_id": [4711, 4711], "site": pd.Categorical(["Charité", None])}, index=["a", "b"]
    )
    found = anonymise(ECGRecords(np.zeros((2, 1, 9)), ids=["a", "b"], metadata=table), KEY).metadata
    assert found["patient_id"].nunique() == 1 and found["patient_id"].str.match("p[0-9a-f]+$").all()
    assert found["site"].str.len().tolist() == [21, 0]

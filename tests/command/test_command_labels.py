"""LABELS, and whom to trust."""

from pathlib import Path

import numpy as np
import pytest

from sklearn_ecg import ECGRecords
from sklearn_ecg.command._labels import label_records
from sklearn_ecg.command._messages import Log
from sklearn_ecg.command._run import Run


@pytest.fixture
def records():
    return ECGRecords(np.zeros((3, 1, 500)), 250, ids=["w3/a.xml", "w3/b.xml", "w4/c.xml"])


@pytest.fixture
def labelled(records, tmp_path, monkeypatch):
    """Label the records, by a table and a list written out."""
    monkeypatch.chdir(tmp_path)

    def label(table, trusted=None, **options):
        Path("labels.csv").write_text(table)
        if trusted is not None:
            options["trusted"] = Path("reviewed.txt")
            options["trusted"].write_text(trusted)
        return label_records(Run({}, True, Log(None)), records, Path("labels.csv"), **options)[0]

    return label


def test_the_first_column_finds_records_and_trusted_says_whom_to_trust(labelled):
    found = labelled("ecg,trusted,AF,LBBB\nb,yes,1,0\na,no,0,1\n")
    assert found.label_names.tolist() == ["AF", "LBBB"]
    assert found.labels.tolist() == [[0, 1], [1, 0], [-1, -1]]
    assert found.trusted.tolist() == [False, True, False]


def test_a_column_of_patients_is_no_label(labelled):
    found = labelled("ecg,patient,AF\na,15709,1\nb,15709,0\nc,13243,0\n")
    assert found.label_names.tolist() == ["AF"]
    assert found.groups.astype(str).tolist() == ["15709", "15709", "13243"]


def test_columns_are_named(labelled):
    table = "AF;dx;file;person;seen\n9;AF,LBBB;c.xml;p;ja\n9;none;a;q;nein\n9;AF;b;q;nein\n"
    found = labelled(
        table, id_column="file", label_column="dx", separator=",", label_names="LBBB, AF",
        patient_column="person", trusted_column="seen",
    )  # fmt: skip
    assert found.label_names.tolist() == ["LBBB", "AF"]
    assert found.labels.tolist() == [[0, 0], [0, 1], [1, 1]]
    assert found.groups.tolist() == ["q", "q", "p"]
    assert found.trusted.tolist() == [False, False, True]


@pytest.mark.parametrize("text", ["a\nw4/c.xml\n", "id,by\na,Dr B\nc,Dr B\n", "\n a \n\nc.xml"])
def test_a_list_names_who_is_trusted(labelled, text):
    assert labelled("ecg,AF\na,1\nb,0\nc,1\n", text).trusted.tolist() == [True, False, True]


def test_names_in_a_list_that_fit_no_record_are_told(labelled):
    with pytest.warns(UserWarning, match=r"1 of 2 lines of reviewed\.txt fit no record.*'z'"):
        labelled("ecg,AF\na,1\nb,0\nc,1\n", "a\nz\n")
    with pytest.raises(ValueError, match=r"reviewed\.txt names none of the records, such as w3/a"):
        labelled("ecg,AF\na,1\nb,0\nc,1\n", "y\nz\n")


def test_labels_of_cleaned_records_keep_their_trust_and_patients(records, labelled, tmp_path):
    (tmp_path / "details.csv").write_text(
        "id,label,patient,weak,clean,provenance,confidence\n"
        "w3/a.xml,AF,7,1,1,trusted,1\nw3/a.xml,NA,7,0,-1,undecided,.5\n"
        "w4/c.xml,AF,7,0,0,answered,1\nw4/c.xml,NA,7,1,0,removed,.9\n"
    )
    found, _ = label_records(Run({}, True, Log(None)), records, tmp_path)
    assert found.label_names.tolist() == ["AF", "NA"]
    assert found.labels.tolist() == [[1, -1], [-1, -1], [0, 0]]
    assert found.trusted.tolist() == [[True, False], [False, False], [True, False]]
    assert found.groups.tolist() == ["7", "w3/b.xml", "7"]
    with pytest.raises(ValueError, match="not of the records, such as x"):
        label_records(
            Run({}, True, Log(None)), ECGRecords(np.zeros((1, 1, 5)), ids=["x"]), tmp_path
        )

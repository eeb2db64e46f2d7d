"""One WFDB record among files of other formats: its leads, and what its comments say."""

import os
import pickle

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg.datasets import load_wfdb
from sklearn_ecg.datasets._header import parse_header
from sklearn_ecg.datasets.formats._recording import FIELDS
from sklearn_ecg.datasets.formats._wfdb import header_fields, is_mine, open_recording_at
from sklearn_ecg.records._report import RecordError

# The order in which MIMIC-IV-ECG has them.
LEADS = ["I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6"]


def write(path, samples, start, *comments, gain=200, names=LEADS, units="mV"):
    """Write integers of shape (n_leads, n_times) as MIMIC-IV-ECG does."""
    os.makedirs(path.parent, exist_ok=True)
    samples.T.astype("<i2").tofile(path.with_suffix(".dat"))
    sums = samples.sum(axis=1, dtype=np.int16)
    lines = [f"{path.name} {len(samples)} 500 {samples.shape[1]} {start}".rstrip()]
    for name, own, total in zip(names, samples, sums, strict=True):
        lines.append(f"{path.name}.dat 16 {gain}.0(0)/{units} 16 0 {own[0]} {total} 0 {name}")
    lines += [f"# {comment}" for comment in comments]
    path.with_suffix(".hea").write_text("\n".join(lines) + "\n")


@pytest.fixture
def mimic(tmp_path, rng):
    """A folder as PhysioNet has it, the samples and the list of records."""
    samples, rows = {}, []
    for patient, study in ((10001725, 41420867), (10001725, 50595992), (10002221, 44960371)):
        name = f"files/p{str(patient)[:4]}/p{patient}/s{study}/{study}"
        samples[name] = rng.integers(-900, 900, (12, 500)).astype(np.int16)
        comment = f"subject_id: {patient}"
        write(tmp_path / name, samples[name], "14:37:00 11/08/2180", comment)
        rows.append((patient, study, study, "2180-08-11 14:37:00", name))
    columns = ["subject_id", "study_id", "file_name", "ecg_time", "path"]
    table = pd.DataFrame(rows, columns=columns)
    table.to_csv(tmp_path / "record_list.csv", index=False)
    table.assign(report_0="Sinus rhythm").to_csv(tmp_path / "machine_measurements.csv", index=False)
    return tmp_path, samples, table


def test_the_tree_of_mimic(mimic):
    folder, samples, table = mimic
    records = load_wfdb(folder)
    assert records.ids.tolist() == sorted(table["path"]) and records.report.empty
    assert records.lead_names == tuple(LEADS)
    for id, signal in zip(records.ids, records.signals, strict=True):
        np.testing.assert_array_equal(signal, (samples[id] / 200).astype(np.float32))


def test_a_record_of_mimic(mimic):
    folder, samples, table = mimic
    path = table["path"][0]
    recording = open_recording_at(f"{folder}/{path}.hea", "rhythm")
    assert recording.format == "WFDB" and recording.lead_names == tuple(LEADS)
    assert recording.sampling_rate == 500 and recording.n_times == 500
    assert not recording.remarks
    assert recording.fields == {
        "patient_id": "10001725",
        "recorded_at": np.datetime64("2180-08-11T14:37:00", "s"),
    }
    for own in (recording, pickle.loads(pickle.dumps(recording))):
        found = own.read()
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, (samples[path] / 200).astype(np.float32))


def test_signals_that_are_no_voltage(tmp_path, rng):
    samples = rng.integers(-900, 900, (2, 500)).astype(np.int16)
    write(tmp_path / "a", samples, "", names=["II", "RESP"])
    header = tmp_path / "a.hea"
    header.write_text(header.read_text().replace("/mV 16 0 " + str(samples[1, 0]), "/Ohm 16 0 0"))
    recording = open_recording_at(str(header), "rhythm")
    assert recording.lead_names == ("II",) and recording.read().shape == (1, 500)
    ((problem, what_to_do),) = recording.remarks
    assert problem == "holds signals that are left out: RESP in 'Ohm'" and what_to_do


def test_frames_of_several_samples(tmp_path):
    """II has four samples in a frame, so 4 x 62.5 Hz; the pulse wave two."""
    frames = np.arange(6 * 100).reshape(100, 6).astype("<i2")
    frames.tofile(tmp_path / "a.dat")
    total = frames[:, :4].sum() % 65536
    (tmp_path / "a.hea").write_text(
        f"a 2 62.5 100\na.dat 16x4 100/mV 16 0 0 {total} 0 II\na.dat 16x2 100/mmHg 16 0 4 0 0 P\n"
    )
    recording = open_recording_at(str(tmp_path / "a"), "rhythm")
    assert (recording.sampling_rate, recording.n_times) == (250, 400)
    expected = (frames[:, :4].reshape(1, -1) / 100).astype(np.float32)
    np.testing.assert_array_equal(recording.read(), expected)


def test_what_is_wrong_is_said(mimic):
    folder, _, table = mimic
    path = f"{folder}/{table['path'][0]}"
    with pytest.raises(RecordError, match="hea holds no median beat"):
        open_recording_at(path, "median")
    recording = open_recording_at(path, "rhythm")
    os.truncate(f"{path}.dat", 100)
    with pytest.raises(RecordError, match=r"dat is cut short: it holds 100 bytes"):
        recording.read()
    with pytest.raises(RecordError, match=r"dat is cut short: it holds 100 bytes"):
        open_recording_at(path, "rhythm")
    os.remove(f"{path}.hea")
    with pytest.raises(RecordError, match="hea is missing"):
        open_recording_at(path, "rhythm")
    write(folder / "adu", np.zeros((1, 100), np.int16), "", names=["II"], units="adu")
    with pytest.raises(RecordError, match="holds no readable lead: II in 'adu'"):
        open_recording_at(str(folder / "adu.hea"), "rhythm")


@pytest.mark.parametrize(
    "folder", ["mitdb", "ludb", "ptb-xl/records500", "cpsc2018/wfdb", "cinc2017", "qtdb"]
)
def test_headers_are_recognised(shared_data, folder):
    headers = sorted((shared_data / folder).rglob("*.hea"))[:50]
    assert headers and all(is_mine(path.read_bytes()[:4096]) for path in headers)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"# by a tool\r\na 1 500 100\r\na.dat 16 200\r\n", True),
        (b"a/2 1 500 100\na_1 50\na_2 50\n", True),
        (b"a 1 500 100\n~ 0 200\n", False),
        (b"0 123 456\n1 124 457\n2 16 458\n", False),
        (b"time 1 2\n0.002 16 3\n", False),
        (b"I,II\n1,2\n", False),
        (b"", False),
    ],
)
def test_what_is_a_header(head, expected):
    assert is_mine(head) is expected


CHALLENGE = "# Age: 74\n# Sex: Male\n# Dx: 164889003,59118001\n# Rx: Unknown\n# Hx: Unknown\n"
PTB = (
    "# age: 81\n# sex: female\n# ECG date: 01/10/1990\n# Diagnose:\n"
    "# Reason for admission: Myocardial infarction\n# Additional diagnoses: Diabetes mellitus\n"
    "# Smoker: no\n"
)
LUDB = "#<age>: 51\n#<sex>: F\n#<diagnoses>:\n#Rhythm: Sinus bradycardia.\n#Left overload. \n"
INCART = "# <age>: 65 <sex>: F <diagnoses> Coronary artery disease, hypertension\n# patient 1\n"
CODES = ("snomed:164889003", "snomed:59118001")


@pytest.mark.parametrize(
    ("comments", "age", "sex", "machine", "reader"),
    [
        (CHALLENGE, 74, "male", CODES, None),
        ("#Age: NaN\n#Sex: Unknown\n#Dx: Unknown\n", None, None, None, None),
        ("#Age: 57\n#Sex: F\n#Dx: 426783006, AF\n", 57, "female", ("snomed:426783006", "AF"), None),
        (PTB, 81, "female", None, ("Myocardial infarction", "Diabetes mellitus")),
        (
            PTB.replace("81", "n/a").replace("Diabetes mellitus", "no"),
            None,
            "female",
            None,
            ("Myocardial infarction",),
        ),
        (LUDB, 51, "female", None, ("Rhythm: Sinus bradycardia", "Left overload")),
        (INCART, 65, "female", None, ("Coronary artery disease, hypertension",)),
        ("# 69 M 1085 1629 x1\n# Aldomet, Inderal\n", 69, "male", None, None),
        ("# -1 M 742 654 x1\n", None, "male", None, None),
        ("# Age: 300\n# Average heart rate: 70\n# Percentage: 5\n", None, None, None, None),
    ],
)
def test_comments(comments, age, sex, machine, reader):
    header = parse_header(f"a 1 500 100\na.dat 16 200\n{comments}".encode(), "a")
    expected = {
        "age_years": age,
        "sex": sex,
        "machine_statements": machine,
        "reader_statements": reader,
    }
    found = header_fields(header)
    assert found == {name: value for name, value in expected.items() if value is not None}
    assert set(found) <= set(FIELDS)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("4:7:0.5 1/8/1875", np.datetime64("1875-08-01T04:07:00")),
        ("7:30 01/08/2021", np.datetime64("2021-08-01T00:07:30")),
        ("9:05:07.250 1/2/1987", np.datetime64("1987-02-01T09:05:07", "s")),
        ("14:37:00 11/08/1880", np.datetime64("1880-08-11T14:37:00", "s")),
        ("14:37:00", None),
        ("", None),
        ("14:37:00 31/02/2000", None),
        ("25:00:00 01/02/2000", None),
        ("14:37:00 2000-01-02", None),
    ],
)
def test_when_a_record_began(start, expected):
    header = parse_header(f"a 1 500 100 {start}\na.dat 16 200\n".encode(), "a")
    assert header_fields(header).get("recorded_at") == expected

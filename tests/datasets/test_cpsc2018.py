"""CPSC2018: both of its forms, which must agree, and folders in which something is wrong."""

import csv
import os
import pickle
import shutil
import struct
import zlib

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from sklearn_ecg.datasets import load_cpsc2018
from sklearn_ecg.datasets._mat_files import MatReader, length_of
from sklearn_ecg.records._report import RecordError

NAMES = ["Normal", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE"]


@pytest.fixture(scope="module")
def cpsc2018(shared_data):
    return shared_data / "cpsc2018"


@pytest.fixture(scope="module")
def records(cpsc2018):
    return load_cpsc2018(cpsc2018)


def reference_by_a_plain_loop(folder, ids):
    with open(folder / "REFERENCE.csv", encoding="utf-8") as file:
        of_record = {row[0]: row[1:] for row in csv.reader(file)}
    return [[int(str(code) in of_record[id]) for code in range(1, 10)] for id in ids]


def test_records_with_headers(records, cpsc2018):
    assert len(records) == 300 and records.n_leads == 12 and records.sampling_rate == 500
    assert list(records.label_names) == NAMES
    np.testing.assert_array_equal(records.labels, reference_by_a_plain_loop(cpsc2018, records.ids))
    assert records.report.empty


def test_records_are_of_different_lengths(records, cpsc2018):
    assert records.n_times is None
    headers = [(cpsc2018 / "wfdb" / f"{id}.hea").read_text() for id in records.ids]
    announced = [int(header.split()[3]) for header in headers]
    np.testing.assert_array_equal(records.signals.lengths, announced)
    assert records.signals[7].shape == (12, announced[7])


def test_both_forms_agree(records, cpsc2018):
    own_form = load_cpsc2018(cpsc2018 / "TrainingSet")
    assert list(own_form.ids) == [f"A{i:04d}" for i in range(1, 13)]
    same = records[np.isin(records.ids, own_form.ids)]
    np.testing.assert_array_equal(own_form.labels, same.labels)
    np.testing.assert_array_equal(own_form.signals.lengths, same.signals.lengths)
    assert own_form.lead_names == same.lead_names
    for own, other in zip(own_form.signals, same.signals, strict=True):
        # The headers' form is rounded to 1 uV.
        np.testing.assert_allclose(own, other, atol=0.00051)


def test_the_rest_of_the_data_set_is_counted(cpsc2018):
    report = load_cpsc2018(cpsc2018 / "TrainingSet").report
    assert len(report) == 1 and "lacks 6865 records" in report["problem"][0]


@pytest.fixture
def small(cpsc2018, tmp_path):
    """Four of the records in the challenge's own form, in two folders as it published them."""
    for part, names in (("TrainingSet1", ("A0001", "A0002")), ("TrainingSet2", ("A0003", "A0004"))):
        (tmp_path / part).mkdir()
        for name in names:
            shutil.copy(cpsc2018 / "TrainingSet" / f"{name}.mat", tmp_path / part)
    write_reference(tmp_path, "A0001,5,,\nA0002,1,,\nA0003,2,,\nA0004,2,5,\n")
    return tmp_path


def write_reference(folder, rows):
    head = "Recording,First_label,Second_label,Third_label\n"
    (folder / "REFERENCE.csv").write_text(head + rows, encoding="utf-8")


def labels_of(records, id):
    row = records.labels[records.ids == id][0]
    return {name for name, label in zip(records.label_names, row, strict=True) if label == 1}


def test_folders_of_training_sets(small):
    records = load_cpsc2018(small)
    assert [labels_of(records, id) for id in records.ids] == [
        {"RBBB"},
        {"Normal"},
        {"AF"},
        {"AF", "RBBB"},
    ]
    assert records.report.empty


def test_tables_saved_by_a_spreadsheet_and_repeated_in_each_folder(small):
    rows = "A0001,5.0,,\nA0002,1.0,,\nA0003,2.0,,\nA0004,2.0,5.0,\n"
    write_reference(small, rows)
    shutil.copy(small / "REFERENCE.csv", small / "TrainingSet2")
    records = load_cpsc2018(small)
    assert labels_of(records, "A0004") == {"AF", "RBBB"}
    assert records.report.empty


def test_labels_that_are_missing_or_contradict_each_other_are_unknown(small):
    write_reference(small, "A0001,5,,\nA0002,1,,\nA0002,3,,\nA0003,,,\n")
    records = load_cpsc2018(small)
    assert labels_of(records, "A0001") == {"RBBB"}
    assert (records.labels[1:] == -1).all()
    assert sorted(records.report["id"]) == ["A0002", "A0003", "A0004"]
    assert records.report["kept"].all()


def test_unknown_codes_are_reported(small):
    write_reference(small, "A0001,5,10,\nA0002,1,,\nA0003,2,,\nA0004,2,,\n")
    records = load_cpsc2018(small)
    assert labels_of(records, "A0001") == {"RBBB"}
    assert "'10'" in records.report["problem"][0] and records.report["id"][0] == "A0001"


def test_absent_records_are_named(small):
    (small / "TrainingSet2" / "A0003.mat").unlink()
    records = load_cpsc2018(small)
    assert list(records.ids) == ["A0001", "A0002", "A0004"]
    assert records.report["id"].tolist() == ["A0003"] and not records.report["kept"][0]


def test_doubled_records_are_read_once(small):
    shutil.copy(small / "TrainingSet1" / "A0001.mat", small / "TrainingSet2")
    records = load_cpsc2018(small)
    assert len(records) == 4
    assert "TrainingSet2" in records.report["file"][0]


def test_damaged_records_are_left_out_by_name(small):
    (small / "TrainingSet1" / "A0001.mat").write_bytes(b"MATLAB 5.0 MAT-file, broken off")
    savemat(small / "TrainingSet1" / "A0002.mat", {"val": np.zeros((12, 10))})
    truncated = (small / "TrainingSet2" / "A0003.mat").read_bytes()[:100_000]
    (small / "TrainingSet2" / "A0003.mat").write_bytes(truncated)
    records = load_cpsc2018(small)
    assert list(records.ids) == ["A0004"]
    problems = dict(zip(records.report["id"], records.report["problem"], strict=True))
    assert "cannot be read as a MATLAB file" in problems["A0001"]
    assert "holds no struct ECG" in problems["A0002"] and "['val']" in problems["A0002"]
    assert "cut short: it holds 100000 of" in problems["A0003"]


def test_damage_that_shows_late_names_the_file(small):
    path = small / "TrainingSet1" / "A0001.mat"
    content = bytearray(path.read_bytes())
    content[50_000:50_100] = bytes(100)
    path.write_bytes(content)
    records = load_cpsc2018(small)
    with pytest.raises(ValueError, match=r"A0001\.mat cannot be read as a MATLAB file"):
        records.signals[0]
    (small / "TrainingSet2" / "A0003.mat").unlink()
    with pytest.raises(FileNotFoundError, match=r"A0003\.mat is missing"):
        records.signals[2]
    assert list(load_cpsc2018(small, cache_dir=small / "cache").ids) == ["A0002", "A0004"]


@pytest.mark.parametrize("n_times", [-5, 0, 2_000_000_000])
def test_sizes_that_no_file_can_hold_are_not_believed(small, n_times):
    path = small / "TrainingSet1" / "A0001.mat"
    content = path.read_bytes()
    inner = bytearray(zlib.decompress(content[136:]))
    dimensions = struct.pack("<3i", 5, 8, 12)
    struct.pack_into("<i", inner, inner.index(dimensions) + len(dimensions), n_times)
    inner = zlib.compress(inner)
    path.write_bytes(content[:128] + struct.pack("<2i", 15, len(inner)) + inner)
    (small / "TrainingSet1" / "A0009.mat").mkdir()
    records = load_cpsc2018(small)
    assert not np.isin(["A0001", "A0009"], records.ids).any()
    problems = records.report.set_index("id")["problem"]
    assert f"claims {n_times} samples" in problems["A0001"]
    assert "cannot be read" in problems["A0009"]


def test_files_of_other_programs(small, records):
    signal = records.signals[0]
    content = {"ECG": {"sex": "Male", "age": 74, "data": signal.astype(float)}}
    savemat(small / "TrainingSet1" / "A0001.mat", content, do_compression=False)
    np.testing.assert_array_equal(load_cpsc2018(small).signals[0], signal)


@pytest.mark.parametrize("part", ["TrainingSet", "wfdb"])
def test_a_copy_of_the_signals(cpsc2018, tmp_path, part):
    if part == "wfdb":
        for path in (cpsc2018 / "wfdb").glob("A000*"):
            shutil.copy(path, tmp_path)
    folder = tmp_path if part == "wfdb" else cpsc2018 / part
    direct = load_cpsc2018(folder)
    for _ in range(2):
        cached = load_cpsc2018(folder, cache_dir=tmp_path / "cache")
        np.testing.assert_array_equal(cached.ids, direct.ids)
        np.testing.assert_array_equal(cached.labels, direct.labels)
        for copy, signal in zip(cached.signals, direct.signals, strict=True):
            np.testing.assert_array_equal(copy, signal)
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_records_travel_to_workers(small):
    records = load_cpsc2018(small)[[2]]
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(records)).signals[0], records.signals[0]
    )


def test_headers_with_other_codes_are_reported(cpsc2018, tmp_path):
    for name in ("A0001", "A0002"):
        shutil.copy(cpsc2018 / "wfdb" / f"{name}.mat", tmp_path)
        header = (cpsc2018 / "wfdb" / f"{name}.hea").read_text()
        dx = "# Dx: 59118001" if name == "A0001" else "# Dx: 426783006"
        assert dx in header
        new = "# Dx: 59118001,39732003" if name == "A0001" else "# Dx: Unknown"
        (tmp_path / f"{name}.hea").write_text(header.replace(dx, new))
    records = load_cpsc2018(tmp_path)
    assert labels_of(records, "A0001") == {"RBBB"}
    assert (records.labels[1] == -1).all()
    problems = pd.Series(records.report["problem"].to_numpy(), index=records.report["id"])
    assert "39732003" in problems["A0001"] and "no diagnosis" in problems["A0002"]


def test_wrong_folders_name_the_cure(small, tmp_path):
    (small / "REFERENCE.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"no REFERENCE\.csv"):
        load_cpsc2018(small)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"holds no records \(\*\.mat\)"):
        load_cpsc2018(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_cpsc2018(tmp_path / "nowhere")


def test_records_that_are_named_like_a_gap_keep_their_labels(tmp_path):
    for name in ("NA", "null"):
        data = np.zeros((12, 500))
        savemat(tmp_path / f"{name}.mat", {"ECG": {"sex": "Male", "age": 60, "data": data}})
    write_reference(tmp_path, "null ,5,,\nNA,2,,\n")
    records = load_cpsc2018(tmp_path)
    assert {str(id): labels_of(records, id) for id in records.ids} == {
        "NA": {"AF"},
        "null": {"RBBB"},
    }
    assert records.report.empty


def test_damage_of_every_byte_is_an_error_or_harmless(tmp_path, rng):
    """SciPy's reader ended the process on some of these."""
    path = tmp_path / "r.mat"
    for compress in (False, True):
        content = {"ECG": {"sex": "Male", "age": 74, "data": rng.normal(size=(12, 20))}}
        savemat(path, content, do_compression=compress)
        whole = path.read_bytes()
        for i in range(120, min(len(whole), 700), 4):
            damaged = bytearray(whole)
            damaged[i] = rng.integers(256)
            path.write_bytes(damaged)
            try:
                n_times = length_of(str(path))
                assert MatReader([str(path)])(0).shape == (12, n_times)
            except RecordError as error:
                assert str(path) in str(error)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM" + bytes(400), "not of version 5; save it"),
        (struct.pack("<5i", 0, 12, 100, 0, 4) + b"val\0" + bytes(9600), "not of version 5"),
        (b"MATLAB 5.0".ljust(124) + b"\0\1IM" + struct.pack("<2I", 14, 2**31), "beyond its end"),
        (b"MATLAB 5.0".ljust(124) + b"\0\1IM", r"no struct ECG with data; it holds \[\]"),
        (b"", "not of version 5"),
    ],
)
def test_files_of_another_form(tmp_path, content, problem):
    (tmp_path / "r.mat").write_bytes(content)
    with pytest.raises(RecordError, match=rf"r\.mat cannot be read as a MATLAB file: .*{problem}"):
        length_of(tmp_path / "r.mat")


def test_a_pipe_is_no_record(small):
    (small / "TrainingSet1" / "A0001.mat").unlink()
    os.mkfifo(small / "TrainingSet1" / "A0001.mat")
    records = load_cpsc2018(small)
    assert list(records.ids) == ["A0002", "A0003", "A0004"]
    assert "pipe" in records.report.set_index("id")["problem"]["A0001"]

"""The Challenge of 2017: both versions of its labels, parts of it, tables that do not fit."""

import shutil
from collections import Counter

import numpy as np
import pytest

from sklearn_ecg.datasets import load_cinc2017


@pytest.fixture(scope="module")
def source(shared_data):
    folder = shared_data / "cinc2017"
    if not folder.is_dir():
        pytest.skip(f"{folder} is missing: the PhysioNet Challenge 2017 is not there")
    return folder


def read_reference(file):
    return dict(line.split(",") for line in file.read_text().split())


def label_of(records):
    """Return the label of each record by its id; records with another number of labels fail."""
    assert (records.labels.sum(axis=1) == 1).all()
    named = records.label_names[records.labels.argmax(axis=1)]
    return dict(zip(records.ids.tolist(), named.tolist(), strict=True))


@pytest.fixture
def part(source, tmp_path):
    """Four records, two of them in a folder, and their rows of the table."""
    (tmp_path / "A00").mkdir()
    reference = read_reference(source / "REFERENCE.csv")
    names = list(reference)[:4]
    for name, folder in zip(names, ("", "", "A00", "A00"), strict=True):
        for suffix in (".hea", ".mat"):
            shutil.copy(source / f"{name}{suffix}", tmp_path / folder / f"{name}{suffix}")
    write_reference(tmp_path, *(f"{name},{reference[name]}" for name in names))
    return tmp_path


def write_reference(folder, *lines):
    (folder / "REFERENCE.csv").write_text("\n".join(lines) + "\n")


def rows_of(folder):
    return (folder / "REFERENCE.csv").read_text().split()


@pytest.mark.parametrize(
    ("version", "file"),
    [("revised", "REFERENCE.csv"), ("original", "REFERENCE-original.csv")],
)
def test_labels_are_those_of_the_table(source, version, file):
    records = load_cinc2017(source, labels=version)
    assert records.label_names.tolist() == ["N", "A", "O", "~"]
    reference = read_reference(source / file)
    of_record = label_of(records)
    assert of_record == {name: reference[name] for name in of_record}
    assert len(records) == len(list(source.glob("*.hea")))
    assert records.sampling_rate == 300 and records.n_leads == 1


def test_the_versions_are_of_the_same_records_and_differ(source):
    before, after = (load_cinc2017(source, labels=name) for name in ("original", "revised"))
    np.testing.assert_array_equal(before.ids, after.ids)
    one, other = label_of(before), label_of(after)
    moved = Counter((one[id], other[id]) for id in one if one[id] != other[id])
    # Most of what was revised is too noisy to tell, and nothing was noisy that became clear.
    assert moved["N", "~"] > 0 and moved["O", "~"] > 0
    assert not any(old == "~" for old, _ in moved)


def test_signals_are_in_mV(source):
    import wfdb

    records = load_cinc2017(source)[:3]
    for id, signal in zip(records.ids, records.signals, strict=True):
        expected = wfdb.rdrecord(str(source / id)).p_signal.T
        np.testing.assert_allclose(signal, expected, atol=1e-6)


def test_a_part_in_folders_is_read(part):
    records = load_cinc2017(part)
    assert label_of(records) == dict(row.split(",") for row in rows_of(part))
    assert records.report.empty


def test_rows_without_records_and_records_without_rows_are_reported(part):
    first, *rows = rows_of(part)
    write_reference(part, *rows, "A99999,N")
    records = load_cinc2017(part)
    name = first.split(",")[0]
    assert records.labels[records.ids == name].tolist() == [[-1, -1, -1, -1]]
    assert (records.labels[records.ids != name] != -1).all()
    report = records.report.set_index("id")
    assert report.loc["A99999", "problem"] == "is missing, but the table names it"
    assert not report.loc["A99999", "kept"]
    assert "none of the labels N, A, O, ~" in report.loc[name, "problem"]
    assert report.loc[name, "kept"]


def test_labels_that_nobody_knows_or_that_contradict_are_unknown(part):
    rows = rows_of(part)
    names = [row.split(",")[0] for row in rows]
    write_reference(part, f"{names[0]},P", f"{names[1]},N", f"{names[1]},A", *rows[2:])
    records = load_cinc2017(part)
    unknown = dict(zip(records.ids, (records.labels == -1).all(axis=1), strict=True))
    assert unknown == {name: name in names[:2] for name in names}
    problems = records.report.set_index("id")["problem"]
    assert "none of the labels" in problems[names[0]]
    assert "contradict each other" in problems[names[1]]


def test_a_file_that_is_cut_short_is_left_out(part):
    file = next(part.glob("*.mat"))
    file.write_bytes(file.read_bytes()[:1000])
    records = load_cinc2017(part)
    assert file.stem not in records.ids and len(records) == 3
    assert records.report["id"].tolist() == [file.stem]


def test_wrong_arguments_name_the_cure(part, tmp_path):
    with pytest.raises(ValueError, match=r"labels must be one of \['revised', 'original'\]"):
        load_cinc2017(part, labels="v2")
    with pytest.raises(FileNotFoundError, match=r"holds no REFERENCE-original.csv"):
        load_cinc2017(part, labels="original")
    with pytest.raises(FileNotFoundError, match=r"holds no REFERENCE.csv. There is one in"):
        load_cinc2017(part / "A00")
    write_reference(part, "Recording,First_label,Second_label", "A0001,1,")
    with pytest.raises(ValueError, match="has 3 columns, not two"):
        load_cinc2017(part)
    (tmp_path / "empty").mkdir()
    write_reference(tmp_path / "empty", "A00001,N")
    with pytest.raises(FileNotFoundError, match="holds no WFDB headers"):
        load_cinc2017(tmp_path / "empty")

"""MIT-BIH windows against the published counts, a plain loop, and damaged files."""

import re
import shutil

import numpy as np
import pytest
import wfdb

from sklearn_ecg.datasets import load_mitdb

LABELS = ("N", "V", "L", "A", "R", "/", "F", "f")


@pytest.fixture(scope="module")
def mitdb(shared_data):
    return load_mitdb(shared_data / "mitdb")


@pytest.fixture
def folder(shared_data, tmp_path):
    """A folder of three whole records, free to be damaged."""
    for path in (shared_data / "mitdb").iterdir():
        if path.stem in ("106", "201", "202"):
            shutil.copyfile(path, tmp_path / path.name)
    return tmp_path


def test_counts(mitdb):
    assert mitdb.shape == (7200, 2, 3600)
    assert mitdb.sampling_rate == 360
    assert mitdb.lead_names == ("MLII", "V1")
    assert tuple(mitdb.label_names) == LABELS
    assert list(mitdb.labels.sum(axis=0)) == [5566, 2322, 681, 645, 639, 348, 301, 99]
    assert mitdb.labels.any(axis=1).sum() == 7177
    assert mitdb.signals.dtype == np.float32
    assert mitdb.trusted is None


def test_ids_and_patients(mitdb):
    assert mitdb.ids[0] == "101/000" and mitdb.ids[-1] == "234/179"
    records = np.array([name.split("/")[0] for name in mitdb.ids])
    assert len(np.unique(records)) == 40
    assert len(np.unique(mitdb.groups)) == 39
    assert set(mitdb.groups[np.isin(records, ("201", "202"))]) == {"201"}
    assert set(mitdb.groups[records == "203"]) == {"203"}


def test_windows_against_a_plain_loop(mitdb, shared_data):
    path = str(shared_data / "mitdb" / "208")
    signals = wfdb.rdrecord(path).p_signal
    annotations = wfdb.rdann(path, "atr")
    chosen = mitdb[np.array([name.startswith("208/") for name in mitdb.ids])]
    assert len(chosen) == 180
    for window in range(180):
        start, stop = window * 3600, (window + 1) * 3600
        np.testing.assert_allclose(chosen.signals[window], signals[start:stop].T, atol=1e-5)
        expected = {
            symbol
            for sample, symbol in zip(annotations.sample, annotations.symbol, strict=True)
            if start <= sample < stop
        }
        found = set(chosen.label_names[chosen.labels[window] == 1])
        assert found == expected & set(LABELS)


def test_leads_by_name_in_the_order_asked(shared_data):
    # Record 114 alone holds V5 before MLII.
    records = load_mitdb(shared_data / "mitdb", leads=("MLII", "V5"), window=60)
    chosen = records[records.ids == "114/002"]
    signals = wfdb.rdrecord(str(shared_data / "mitdb" / "114"))
    assert signals.sig_name == ["V5", "MLII"]
    expected = signals.p_signal[2 * 21600 : 3 * 21600, ::-1].T
    np.testing.assert_allclose(chosen.signals[0], expected, atol=1e-5)


def test_single_lead_of_part_of_the_database(folder):
    records = load_mitdb(folder, leads=["V1"], window=5.5, labels=["V", "N"])
    assert records.shape == (3 * 328, 1, 1980)
    assert list(records.label_names) == ["V", "N"]


def assert_left_out(folder, problem):
    """Record 201 is left out and named; where it is the only one, that is an error."""
    records = load_mitdb(folder)
    assert {name.split("/")[0] for name in records.ids} == {"106", "202"}
    (row,) = records.report.itertuples()
    assert row.id == "201" and not row.kept and row.what_to_do
    assert re.search(problem, f"{row.file} {row.problem}")
    for path in folder.iterdir():
        if path.stem != "201":
            path.unlink()
    with pytest.raises(ValueError, match=problem):
        load_mitdb(folder)


@pytest.mark.parametrize("n_bytes", [0, 1000, 1_949_999])
def test_truncated_signals(folder, n_bytes):
    path = folder / "201.dat"
    path.write_bytes(path.read_bytes()[:n_bytes])
    assert_left_out(folder, rf"201\.dat is cut short: it holds {n_bytes} bytes.*1950000")


def test_overwritten_signals_fail_the_checksum(folder):
    path = folder / "201.dat"
    content = bytearray(path.read_bytes())
    content[9000:9003] = b"\x01\x02\x03"
    path.write_bytes(content)
    assert_left_out(folder, r"201\.dat is damaged.*checksum in 201\.hea")


@pytest.mark.parametrize("suffix", ["dat", "atr"])
def test_missing_files(folder, suffix):
    (folder / f"201.{suffix}").unlink()
    assert_left_out(folder, rf"201\.{suffix} is missing")


@pytest.mark.parametrize("n_bytes", [0, 501, 2000])
def test_truncated_annotations(folder, n_bytes):
    path = folder / "201.atr"
    path.write_bytes(path.read_bytes()[:n_bytes])
    assert_left_out(folder, r"201\.atr is cut short")


@pytest.mark.parametrize("header", ["", "no header", "201 2 360 650000\n201.dat 212"])
def test_damaged_headers(folder, header):
    (folder / "201.hea").write_text(header)
    assert_left_out(folder, r"201\.hea")


def test_wrong_folders(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere. does not exist.*fetch_mitdb"):
        load_mitdb(tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(FileNotFoundError, match=r"holds no WFDB headers.*fetch_mitdb"):
        load_mitdb(empty)
    inner = empty / "mitdb"
    inner.mkdir()
    shutil.copyfile(folder / "106.hea", inner / "106.hea")
    with pytest.raises(FileNotFoundError, match=r"\['mitdb'\]: did you mean"):
        load_mitdb(empty)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"leads": ("I", "V1")}, r"No record .* has the leads \('I', 'V1'\).*'MLII', 'V1'"),
        ({"leads": "MLII"}, "leads must be a sequence"),
        ({"leads": ("V1", "V1")}, "leads must be a sequence of different names"),
        ({"labels": ("N", "AF")}, r"labels must be WFDB symbols of beats.*\['AF'\]"),
        ({"labels": ()}, "labels must be WFDB symbols"),
        ({"window": 0}, "window must be a positive number of seconds"),
        ({"window": 0.001}, "shorter than a sample at 360 Hz"),
        ({"window": 3000}, r"106\.hea describes a record of 1805\.6 s, shorter than window=3000"),
    ],
)
def test_bad_arguments(folder, arguments, message):
    with pytest.raises(ValueError, match=message):
        load_mitdb(folder, **arguments)


def test_records_without_the_leads_are_reported(shared_data):
    records = load_mitdb(shared_data / "mitdb")
    on_disk = {path.stem for path in (shared_data / "mitdb").glob("*.hea")}
    loaded = {str(id).split("/")[0] for id in records.ids}
    assert set(records.report["id"]) == on_disk - loaded
    assert len(records.report) == 8 and not records.report["kept"].any()


def test_a_record_of_another_rate_or_length_stops_no_other(folder):
    header = folder / "106.hea"
    header.write_text(header.read_text().replace(" 360 ", " 250 "))
    records = load_mitdb(folder)
    assert "106" not in records.groups and records.sampling_rate == 360
    assert "sampled at 250 Hz" in records.report.set_index("id")["problem"]["106"]

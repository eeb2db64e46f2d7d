"""Whatever an archive's folders and files are, records are found once, or it is said why not."""

import os
import socket
import time

import numpy as np
import pytest

from sklearn_ecg.datasets import load_challenge, load_wfdb

LEADS = ("I", "II")


def write(folder, name, seed=0):
    """Write a record of 100 samples in format 16."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(seed).integers(-900, 900, (100, 2)).astype("<i2")
    (folder / f"{name}.dat").write_bytes(samples.tobytes())
    sums = zip(LEADS, samples.sum(axis=0, dtype="<i2"), strict=True)
    lines = [f"{name}.dat 16 1000/mV 16 0 0 {total} 0 {lead}" for lead, total in sums]
    (folder / f"{name}.hea").write_text(
        "\n".join([f"{name} 2 100 100", *lines, "# Dx: 426783006", ""])
    )


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "archive", "a0", 0)
    for number in (1, 2):
        write(tmp_path / "archive" / "ward", f"a{number}", number)
    return tmp_path / "archive"


@pytest.fixture(params=[load_wfdb, load_challenge])
def load(request):
    return request.param


def names(records):
    return sorted(id.rpartition("/")[2] for id in records.ids)


def test_folders_behind_links(folder, tmp_path, load):
    write(tmp_path / "elsewhere", "a3", 3)
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    records = load(folder)
    assert names(records) == ["a0", "a1", "a2", "a3"] and records.report.empty


def test_links_back_and_aside_lead_to_no_record_twice(folder, load):
    for number in range(3):
        (folder / f"0-loop{number}").symlink_to(".")
        (folder / "ward" / f"up{number}").symlink_to("..")
    (folder / "0-aside").symlink_to("ward")
    records = load(folder)
    assert names(records) == ["a0", "a1", "a2"]
    if load is load_wfdb:
        # What lies inside keeps its own name, whatever links to it.
        assert list(records.ids) == ["a0", "ward/a1", "ward/a2"]


@pytest.mark.parametrize("pattern", ["**/*.hea", "**/a*", "*/**/*.hea", "*/*.hea", "**"])
def test_patterns_over_loops(folder, pattern, monkeypatch):
    for number in range(3):
        (folder / f"loop{number}").symlink_to(".")
        (folder / "ward" / f"up{number}").symlink_to("..")
    monkeypatch.chdir(folder)
    for base in (folder, ""):
        start = time.monotonic()
        records = load_wfdb(os.path.join(base, pattern))
        assert names(records) == ["a0", "a1", "a2"] and records.report.empty
        assert time.monotonic() - start < 5


@pytest.mark.parametrize("pattern", ["", "**/*.hea", "*/*.hea"])
def test_folders_that_cannot_be_read_are_reported(folder, pattern, monkeypatch):
    """Forbidden by hand, since nothing is forbidden to root."""
    write(folder / "other", "a9", 9)
    scandir = os.scandir

    def forbid(path):
        if os.path.basename(path) == "ward":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbid)
    records = load_wfdb(os.path.join(folder, pattern) if pattern else folder)
    assert "a9" in names(records) and "a1" not in names(records)
    row = records.report.iloc[0]
    assert row["file"].endswith("ward") and "Permission denied" in row["problem"]
    (folder / "other" / "a9.hea").unlink()
    (folder / "a0.hea").unlink()
    with pytest.raises(FileNotFoundError, match="ward cannot be read: Permission denied"):
        load_wfdb(folder)


def pipe(path):
    os.mkfifo(path)


def endless(path):
    path.symlink_to("/dev/zero")


def listening(path):
    with socket.socket(socket.AF_UNIX) as opened:
        # The name of a socket may have no more than a hundred letters.
        os.chdir(path.parent)
        opened.bind(path.name)


def nowhere(path):
    path.symlink_to("nowhere")


def itself(path):
    path.symlink_to(path.name)


def of_folder(path):
    path.mkdir()


def of_a_gigabyte(path):
    with open(path, "wb") as file:
        file.truncate(2**30)


@pytest.mark.parametrize("suffix", [".hea", ".dat"])
@pytest.mark.parametrize(
    "make", [pipe, endless, listening, nowhere, itself, of_folder, of_a_gigabyte]
)
def test_what_is_no_file_is_not_waited_for(folder, make, suffix, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / f"a0{suffix}").unlink()
    make(folder / f"a0{suffix}")
    for arguments in ({}, {"verify": True}, {"cache_dir": folder.parent / "cache"}):
        records = load_wfdb(folder, **arguments)
        assert names(records) == ["a1", "a2"]
        assert records.report["file"].str.contains("a0").any()


def test_files_that_change_their_kind_after_opening(folder):
    records = load_wfdb(folder)
    (folder / "a0.dat").unlink()
    os.mkfifo(folder / "a0.dat")
    with pytest.raises(ValueError, match=r"a0\.dat cannot be read"):
        records.signals[0]
    assert records.signals[1].shape == (2, 100)


@pytest.mark.parametrize("name", ["a0.HEA", "a0.Hea"])
def test_headers_in_capitals(folder, load, name):
    (folder / "a0.hea").rename(folder / name)
    records = load(folder)
    assert names(records) == ["a1", "a2"]
    row = records.report[records.report["id"] == "a0"].iloc[0]
    assert f"ends in {name[2:]}" in row["problem"] and "Rename" in row["what_to_do"]
    for number in (1, 2):
        (folder / "ward" / f"a{number}.hea").unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} is left out.*Rename it"):
        load(folder)


def test_signal_files_in_capitals(folder):
    (folder / "a0.dat").rename(folder / "a0.DAT")
    (folder / "ward" / "a2.dat").rename(folder / "ward" / "a2.DAT")
    (folder / "ward" / "a2.hea").unlink()
    records = load_wfdb(folder)
    assert names(records) == ["a1"] and set(records.report["id"]) == {"a0", "ward/a2"}


@pytest.mark.parametrize(
    ("path", "error", "problem"),
    [
        (None, TypeError, "path must be the path of a folder"),
        ("", FileNotFoundError, "is not there|holds no"),
        ("[", FileNotFoundError, "is not there|does not exist"),
        ("a\0b", FileNotFoundError, "is not there|does not exist"),
        ("~nobody/records", FileNotFoundError, "is not there|does not exist"),
        ("a0.dat", FileNotFoundError, "is not a WFDB header|is a file"),
    ],
)
def test_paths_that_are_none(folder, load, path, error, problem, monkeypatch):
    (folder.parent / "empty").mkdir()
    monkeypatch.chdir(folder.parent / "empty")
    path = folder / path if path == "a0.dat" else path
    with pytest.raises(error, match=problem):
        load(path)

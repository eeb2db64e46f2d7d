"""Files of arrays that were damaged: nothing that is not there is read as 0 mV."""

import os
import pickle
import struct
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg.datasets import read_records
from sklearn_ecg.records import UnreadRecordsWarning
from sklearn_ecg.records._report import RecordError

N_RECORDS, SHAPE = 4, (4, 2, 100)


@pytest.fixture
def signals(rng):
    return rng.normal(size=SHAPE).astype(np.float32)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def assert_whole_but(damaged, records, signals, problem):
    """All records but one can be read, by themselves and from a copy; that one is named."""
    for own in (records, pickle.loads(pickle.dumps(records))):
        for i in range(N_RECORDS):
            if i == damaged:
                with pytest.raises(RecordError, match=f"cannot be read at record {i}: .*{problem}"):
                    own.signals[i]
                with pytest.raises(RecordError, match=f"record {i}: .*{problem}"):
                    own.signals.window(i, 60, 70)
            else:
                np.testing.assert_array_equal(own.signals[i], signals[i])
        counted = f"^1 of 4 records cannot be read, and are NaN.*record {damaged}: .*{problem}"
        with pytest.warns(UnreadRecordsWarning, match=counted):
            together = np.asarray(own.signals)
        assert np.isnan(together[damaged]).all()
        others = np.arange(N_RECORDS) != damaged
        np.testing.assert_array_equal(together[others], signals[others])


@pytest.mark.parametrize("shards", [None, (1, 2, 100)])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_chunks_that_a_zarr_store_lost(signals, shards, zarr_format):
    zarr = pytest.importorskip("zarr", minversion="3")
    if shards and zarr_format == 2:
        pytest.skip("has no shards")
    group = zarr.open_group("s.zarr", mode="w", zarr_format=zarr_format)
    array = group.create_array("a/s", shape=SHAPE, dtype="f4", chunks=(1, 1, 50), shards=shards)
    array[:] = signals
    last = sorted(
        path for path in Path("s.zarr/a/s").rglob("*") if path.is_file() and "2" in str(path)
    )[-1]
    last.write_bytes(last.read_bytes()[:10])
    number = 2 if zarr_format == 3 else int(last.name[0])
    records = read_records("s.zarr")
    assert_whole_but(number, records, signals, "")
    last.unlink()
    assert_whole_but(number, read_records("s.zarr"), signals, r"chunk a/s/\S+ is missing")


def test_chunks_that_nobody_wrote(signals):
    h5py = pytest.importorskip("h5py")
    with h5py.File("s.h5", "w") as file:
        stored = file.create_dataset("s", SHAPE, "f4", chunks=(1, 1, 50))
        stored[[0, 1, 3]] = signals[[0, 1, 3]]
        stored[2, 0] = signals[2, 0]
    assert_whole_but(2, read_records("s.h5"), signals, "was never written")


def test_sources_of_a_virtual_dataset(signals):
    h5py = pytest.importorskip("h5py")
    layout = h5py.VirtualLayout(SHAPE, "f4")
    for i in range(N_RECORDS):
        with h5py.File(f"{i}.h5", "w") as file:
            file["s"] = signals[i]
        layout[i] = h5py.VirtualSource(f"{i}.h5", "s", SHAPE[1:])
    with h5py.File("s.h5", "w") as file:
        file.create_virtual_dataset("s", layout)
    np.testing.assert_array_equal(np.asarray(read_records("s.h5")), signals)
    with h5py.File("1.h5", "w") as file:
        file.create_dataset("s", SHAPE[1:], "f4", chunks=(1, 50))
    assert_whole_but(1, read_records("s.h5"), signals, "was never written")
    os.remove("1.h5")
    missing = r"source s in .*1\.h5 is missing or incomplete"
    assert_whole_but(1, read_records("s.h5"), signals, missing)


@pytest.mark.parametrize("n_bytes", [None, 10])
def test_samples_in_an_external_file(signals, n_bytes):
    h5py = pytest.importorskip("h5py")
    with h5py.File("s.h5", "w") as file:
        file.create_dataset("s", SHAPE, "f4", external=[("s.raw", 0, signals.nbytes)])
        file["s"][:] = signals
    np.testing.assert_array_equal(np.asarray(read_records("s.h5")), signals)
    os.remove("s.raw") if n_bytes is None else os.truncate("s.raw", n_bytes)
    with pytest.warns(
        UnreadRecordsWarning, match=r"record 0: .*(samples are in \S*s\.raw|external raw data)"
    ):
        assert np.isnan(np.asarray(read_records("s.h5"))).all()


def test_damaged_chunks_of_hdf5(signals):
    h5py = pytest.importorskip("h5py")
    with h5py.File("s.h5", "w") as file:
        stored = file.create_dataset("s", data=signals, chunks=(1, 2, 100), compression="gzip")
        place = stored.id.get_chunk_info_by_coord((2, 0, 0))
    content = bytearray(Path("s.h5").read_bytes())
    content[place.byte_offset + 2 : place.byte_offset + place.size] = bytes(place.size - 2)
    Path("s.h5").write_bytes(content)
    assert_whole_but(2, read_records("s.h5"), signals, "")


def test_a_mapped_file_that_is_cut(signals):
    """The map would end the process."""
    signals = np.tile(signals, 100)
    for order in "CF":
        np.save("s.npy", np.asarray(signals, order=order))
        records = read_records("s.npy")
        np.testing.assert_array_equal(records.signals[3], signals[3])
        os.truncate("s.npy", 5000)
        with pytest.raises(
            RecordError, match=r"s\.npy (holds 5000 bytes, but record 3|cannot be read at)"
        ):
            records.signals[3]
        with pytest.raises(ValueError, match=r"s\.npy cannot be read"):
            read_records("s.npy")


def replace(old, new):
    def edit(path):
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new, 1))

    return edit


def write(content):
    return lambda path: path.write_bytes(content)


def lengthen(path):
    with open(path, "ab") as file:
        file.write(b"more")


@pytest.mark.parametrize("name", ["s.npy", "s.npz", "s.h5"])
def test_a_pipe_is_not_waited_for(folder, name):
    os.mkfifo(folder / name)
    with pytest.raises(FileNotFoundError, match=f"There is no file .*{name}"):
        read_records(folder / name)


@pytest.mark.parametrize(
    "damage",
    [
        replace(b"(4, 2, 100)", b"(4, 2, 10 )"),
        replace(b"(4, 2, 100)", b"(9, 2, 100)"),
        replace(b"(4, 2, 100)", b"(4, 2, 1e2)"),
        replace(b"(4, 2, 100)", b"(-4,2,-100)"),
        replace(b"<f4", b"<f9"),
        replace(b"<f4", b"<f2"),
        replace(b"<f4", b"|O8"),
        replace(b"NUMPY", b"numpy"),
        write(b""),
        write(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{"),
        lengthen,
    ],
)
@pytest.mark.parametrize("kind", [".npy", ".npz"])
def test_damaged_arrays_of_numpy(signals, folder, damage, kind):
    path = folder / f"s{kind}"
    np.save(folder / "s.npy", signals)
    damage(folder / "s.npy")
    if kind == ".npz":
        with zipfile.ZipFile(path, "w") as file:
            file.write(folder / "s.npy", "s.npy")
    with pytest.raises(ValueError, match=rf"s\{kind} cannot be read as"):
        read_records(path)


def test_archives_of_arrays_of_which_a_part_is_none(signals):
    np.savez("s.npz", s=signals, ids=np.array(list("abcd"), dtype=object))
    assert len(read_records("s.npz")) == N_RECORDS
    with pytest.raises(ValueError, match=r"s\.npz .*ids\.npy holds objects of Python; store text"):
        read_records("s.npz", ids="ids")
    with zipfile.ZipFile("s.npz", "a") as file:
        file.writestr("readme.txt", "no array")
    with pytest.raises(ValueError, match=r"s\.npz .*its member readme\.txt is not an array; name"):
        read_records("s.npz")
    assert len(read_records("s.npz", key="s")) == N_RECORDS
    content = bytearray(Path("s.npz").read_bytes())
    content[1000] ^= 1
    Path("s.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"s\.npz cannot be read .*CRC"):
        read_records("s.npz", key="s")


def test_an_archive_that_would_fill_the_memory():
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000, 2, 200000), }".ljust(117)
    start = time.monotonic()
    with (
        zipfile.ZipFile("s.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        file.open("s.npy", "w", force_zip64=True) as member,
    ):
        member.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + header + b"\n")
        member.write(bytes(1000))
    # What is written by the thousand here is claimed only.
    content = Path("s.npz").read_bytes()
    at = content.rindex(b"PK\x01\x02")
    claimed = bytearray(content)
    struct.pack_into("<I", claimed, at + 24, 1_600_000_128)
    Path("s.npz").write_bytes(claimed)
    with pytest.raises(ValueError, match=r"s\.npy would grow from \d+ to 1600000128 bytes"):
        read_records("s.npz")
    assert time.monotonic() - start < 5


def group_loop(file, _):
    file["a/loop"] = file["/"]


def dangling_link(file, h5py):
    file["link"] = h5py.SoftLink("/nowhere")


def link_to_no_file(file, h5py):
    file["link"] = h5py.ExternalLink("nowhere.h5", "/s")


@pytest.mark.parametrize(
    ("add", "problem"),
    [
        (group_loop, "its group a/loop/ contains itself"),
        (dangling_link, "its link link is broken"),
        (link_to_no_file, "its link link is broken"),
    ],
)
def test_links_in_hdf5(signals, add, problem):
    h5py = pytest.importorskip("h5py")
    with h5py.File("s.h5", "w") as file:
        file["s"] = signals
        add(file, h5py)
    message = rf"s\.h5 cannot be read .*{problem}; name the array by key"
    with pytest.raises(ValueError, match=message):
        read_records("s.h5")
    np.testing.assert_array_equal(np.asarray(read_records("s.h5", key="s")), signals)
    # It was closed after the error.
    with h5py.File("s.h5", "w") as file:
        file["s"] = signals


@pytest.mark.parametrize("n_records", [4, 10**11])
def test_hdf5_of_nothing(n_records):
    h5py = pytest.importorskip("h5py")
    with h5py.File("s.h5", "w") as file:
        file.create_dataset("s", (n_records, 2, 100), "f4", chunks=(1, 2, 100))
    with pytest.raises(ValueError, match=rf"s\.h5 claims {n_records} records .*holds at most 0"):
        read_records("s.h5")


def test_a_zarr_store_that_claims_too_much(signals):
    zarr = pytest.importorskip("zarr", minversion="3")
    zarr.create_array("s.zarr", data=signals, chunks=(1, 2, 100))
    replace(b'"shape": [\n    4', b'"shape": [\n    400000000000')(Path("s.zarr/zarr.json"))
    with pytest.raises(ValueError, match=r"s\.zarr claims 400000000000 records"):
        read_records("s.zarr")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("t.parquet", b"PAR1xxxx", "cannot be read as a Parquet file"),
        ("t.csv", b"", "cannot be read as a table"),
        ("t.csv", b"AF\n1\n\0\n0\n1\n", "holds zero bytes"),
        ("t.csv", b"Gr\xf6\x81e\n1\n0\n0\n1\n", "unknown encoding.*Save it anew, as CSV in UTF-8"),
        (
            "t.csv",
            "AF\n1\n0\n0\n1\n".encode("utf-16")[:-1],
            "begins as UTF-16, but the rest is not",
        ),
        ("t.csv", b'"AF\n1\n0', "cannot be read as a table"),
        ("t.csv", b",".join([b"a"] * 10**6) + b"\n", "has 1000000 columns"),
        ("t.csv", b"AF,LBBB\n1,0\n1,0,1\n", "cannot be read as a table"),
    ],
)
def test_damaged_tables(signals, folder, name, content, problem):
    if name == "t.parquet":
        pytest.importorskip("pyarrow")
    (folder / name).write_bytes(content)
    start = time.monotonic()
    with pytest.raises(ValueError, match=rf"t\.\w+ .*{problem}"):
        read_records(signals, folder / name)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        (np.ones((4, 1)), r"got ndarray\. Convert an array by pd\.DataFrame"),
        ([1, 0, 1, 0], "got list"),
        (pd.DataFrame(np.ones((4, 2), int), columns=["a", "a"]), "more than one column 'a'"),
        (pd.DataFrame(np.ones((4, 20_000), "i1")), "has 20000 columns"),
    ],
)
def test_labels_that_are_no_table(signals, labels, problem):
    with pytest.raises((TypeError, ValueError), match=problem):
        read_records(signals, labels)

"""Signals in files of arrays, and labels in tables, of which something is wrong."""

import json
import os
import shutil
import zipfile
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import zarr

from faults import make
from faults.cases import Area
from sklearn_ecg.datasets import read_records

AREA = Area("files of arrays and tables")
RATE = {"sampling_rate": make.RATE}


def _npy():
    np.save("s.npy", make.signals())
    return "s.npy"


def _npz():
    np.savez("s.npz", s=make.signals())
    return "s.npz"


def _h5(**options):
    with h5py.File("s.h5", "w") as file:
        file.create_dataset("s", data=make.signals(), **options)
    return "s.h5"


def _zarr():
    store = zarr.open("s.zarr", mode="w", shape=(6, 2, 400), chunks=(2, 2, 400), dtype="f8")
    store[:] = make.signals()
    return "s.zarr"


def _read(path, **options):
    """Read record by record: what goes on with NaN for a damaged one is tried in late_files."""
    return np.stack(list(read_records(path, **RATE | options).signals))


def _damaged(write, change):
    """Damage a file; what is read from it is an error, or was not damaged."""
    path = Path(write())
    for file in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()):
        change(file)
    found = _read(path)
    np.testing.assert_array_equal(found, make.signals())
    return "right"


def _packed():
    return _h5(chunks=(1, 2, 400), compression="gzip", fletcher32=True)


for _suffix, _write in {".npz": _npz, ".h5": _packed, ".npy": _npy, ".zarr": _zarr}.items():
    for _name, _change in {
        "cut short": lambda path: make.cut(path, 0.6),
        "that is empty": lambda path: path.write_bytes(b""),
        "of text": lambda path: path.write_text("signals\n1,2,3\n" * 100),
        "of a damaged head": lambda path: make.flip(path, 0, 0.001, 0.002),
    }.items():
        AREA.case("datasets.read_records", f"a file {_suffix} {_name}", "error", "right")(
            partial(_damaged, _write, _change)
        )

for _suffix, _write in {".npz": _npz, ".h5": _packed}.items():
    for _place in (0.3, 0.5, 0.7, 0.95):
        AREA.case(
            "datasets.read_records",
            f"a file {_suffix} with a byte flipped at {_place:.0%} of it",
            "error",
            "right",
        )(partial(_damaged, _write, lambda path, place=_place: make.flip(path, place)))


def _npy_header(**changes):
    """Write a file whose header says something else."""
    header = {"descr": "<f8", "fortran_order": False, "shape": (6, 2, 400)} | changes
    text = repr(header).encode()
    text += b" " * (-(10 + len(text) + 1) % 64) + b"\n"
    head = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little")
    Path("s.npy").write_bytes(head + text + make.signals().tobytes())
    return "s.npy"


def _h5_with(change):
    path = _h5()
    with h5py.File(path, "a") as file:
        change(file)
    return _read(path)


def _missing_chunk():
    path = Path(_zarr())
    chunks = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith((".", "z")))
    chunks[0].unlink()
    return _read(path)


def _zarr_says(**changes):
    path = Path(_zarr())
    file = next(p for p in path.rglob("*") if p.name in ("zarr.json", ".zarray"))
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    return _read(path)


def _virtual():
    _h5()
    layout = h5py.VirtualLayout(shape=(6, 2, 400), dtype="f8")
    layout[:] = h5py.VirtualSource("s.h5", "s", shape=(6, 2, 400))
    with h5py.File("v.h5", "w") as file:
        file.create_virtual_dataset("s", layout)
    os.unlink("s.h5")
    return _read("v.h5")


def _link_loop(file):
    file.create_group("a")
    file["a/loop"] = file["/"]


class _RunsCode:
    def __reduce__(self):
        return Path.touch, (Path("ran"),)


def _pickled(save):
    try:
        save()
        return _read("o.npy" if Path("o.npy").exists() else "o.npz")
    finally:
        assert not Path("ran").exists(), "code of the file was run"


def _objects():
    values = np.empty(1, dtype=object)
    values[0] = _RunsCode()
    return values


def _zip_of_text():
    path = _npz()
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("README.txt", "signals of 2026")
    return np.testing.assert_array_equal(_read(path), make.signals()) or "right"


AREA.case("datasets.read_records", "a text among the arrays of a .npz", "error", "right")(
    _zip_of_text
)
AREA.errors(
    "datasets.read_records",
    {
        "no such file": lambda: _read("none.npy"),
        "a folder": lambda: (os.mkdir("f.npy"), _read("f.npy")),
        "a file of another suffix": lambda: (Path("s.edf").write_text("0"), _read("s.edf")),
        "a file without a suffix": lambda: (Path("s").write_text("0"), _read("s")),
        "a .npy of fewer samples than it says": lambda: _read(_npy_header(shape=(60, 2, 400))),
        "a .npy of 10^15 samples": lambda: _read(_npy_header(shape=(10**12, 2, 500))),
        "a .npy of a negative shape": lambda: _read(_npy_header(shape=(-6, 2, 400))),
        "a .npy of text": lambda: _read(_npy_header(descr="<U2")),
        "a .npy of complex numbers": lambda: _read(_npy_header(descr="<c16", shape=(3, 2, 400))),
        "a .npy with code in its header": lambda: _read(_npy_header(descr="__import__('os')")),
        "a .npy of pickles": lambda: _pickled(lambda: np.save("o.npy", _objects())),
        "a .npz of pickles": lambda: _pickled(lambda: np.savez("o.npz", s=_objects())),
        "a .npy of two axes": lambda: _read(_npy_header(shape=(12, 400))),
        "a .npz of two arrays": lambda: (
            np.savez("s.npz", a=make.signals(), b=make.signals()),
            _read("s.npz"),
        ),
        "a .npz without the key": lambda: _read(_npz(), key="x"),
        "a .npz without arrays": lambda: (np.savez("s.npz"), _read("s.npz")),
        "a .h5 whose source is gone": _virtual,
        "a .h5 of text": lambda: _h5_with(
            lambda file: (file.__delitem__("s"), file.__setitem__("s", ["a", "b"]))
        ),
        "a .zarr with a chunk missing": _missing_chunk,
        "a .zarr of more records than there are": lambda: _zarr_says(shape=[6000, 2, 400]),
        "a .zarr of an unknown format": lambda: _zarr_says(zarr_format=99),
        "a .zarr of an unknown type": lambda: _zarr_says(dtype="<q99", data_type="q99"),
        "whole numbers without units": lambda: (
            np.save("s.npy", np.ones((6, 2, 400), "i2")),
            _read("s.npy"),
        ),
        "unknown units": lambda: _read(_npy(), units="mmHg"),
        "a rate of 0": lambda: _read(_npy(), sampling_rate=0),
        "a rate that is NaN": lambda: _read(_npy(), sampling_rate=np.nan),
        "names of other leads than there are": lambda: _read(_npy(), lead_names=["I"]),
        "ids of another number": lambda: _read(_npy(), ids=["a", "b"]),
        "an array of ids that is not there": lambda: _read(_npz(), ids="names"),
    },
)


@AREA.case("datasets.read_records", "a .npy without records", "right", "error")
def _():
    assert _read(_npy_header(shape=(0, 2, 400))).shape == (0, 2, 400)
    return "right"


@AREA.case("datasets.read_records", "a .h5 whose group holds itself", "right", "error")
def _():
    return _same(_h5_with(_link_loop), make.signals())


@AREA.case("datasets.read_records", "a .h5 with a link to nowhere", "right", "error")
def _():
    found = _h5_with(lambda file: file.__setitem__("x", h5py.SoftLink("/none")))
    return _same(found, make.signals())


@AREA.case("datasets.read_records", "a .npy cut short while it is mapped", "error", "right")
def _():
    records = read_records(_npy(), **RATE)
    os.truncate("s.npy", 128)
    np.testing.assert_array_equal(np.stack(list(records.signals)), make.signals())
    return "right"


@AREA.case("datasets.read_records", "a .zarr store that vanishes before it is touched", "error")
def _():
    records = read_records(_zarr(), **RATE)
    shutil.rmtree("s.zarr")
    return records.signals[0]


@AREA.case("datasets.read_records", "an .h5 file that vanishes before it is touched", "error")
def _():
    records = read_records(_h5(), **RATE)
    os.unlink("s.h5")
    return records.signals[0]


# Tables of labels.

TABLE = pd.DataFrame({"id": make.ids(), **dict(zip(make.LABELS, make.labels().T, strict=True))})


def _labels_of(table, *, id_column="id", **options):
    """Return the labels that records get from a table, in a file or not."""
    records = read_records(
        make.signals(), table, **RATE, ids=make.ids(), id_column=id_column, **options
    )
    return records.labels


def _csv(text=None, **changes):
    Path("t.csv").write_text(TABLE.assign(**changes).to_csv(index=False) if text is None else text)
    return "t.csv"


def _same(found, expected=None):
    np.testing.assert_array_equal(found, make.labels() if expected is None else expected)
    return "right"


@AREA.case("datasets.read_records", "rows of a table in another order", "right")
def _():
    return _same(_labels_of(TABLE.iloc[::-1]))


@AREA.case("datasets.read_records", "a table indexed by ids in another order", "right", "error")
def _():
    return _same(_labels_of(TABLE.set_index("id").iloc[::-1], id_column=None))


@AREA.case("datasets.read_records", "a record without a row", "skip")
def _():
    records = read_records(make.signals(), TABLE.iloc[:-1], **RATE, ids=make.ids(), id_column="id")
    _same(records.labels[:-1], make.labels()[:-1])
    assert (records.labels[-1] == -1).all() and records.report["id"].tolist() == ["r5"]
    return "skip"


@AREA.case("datasets.read_records", "two rows of a record that contradict each other", "skip")
def _():
    table = pd.concat([TABLE, TABLE.iloc[:1].assign(AF=1 - TABLE["AF"])])
    records = read_records(make.signals(), table, **RATE, ids=make.ids(), id_column="id")
    _same(records.labels[1:], make.labels()[1:])
    assert (records.labels[0] == -1).all() and "r0" in records.report["id"].tolist()
    return "skip"


def _ids_of_a_file(written):
    """Labels find records by ids as they are written in the file."""
    table = TABLE.assign(id=written)
    table.iloc[::-1].to_csv("t.csv", index=False)
    found = read_records(make.signals(), "t.csv", **RATE, ids=written, id_column="id")
    return _same(found.labels)


for _name, _written in {
    "ids of 17 digits": [f"1000000000000000{n}" for n in range(6)],
    "ids with zeros before them": [f"00{n}" for n in range(6)],
    "ids that look like floats": [f"1.{n}0" for n in range(6)],
    "ids that look like dates": [f"2026-0{n + 1}-01" for n in range(6)],
    "ids called NA, nan, None and null": ["NA", "nan", "None", "null", "N/A", "0"],
    "ids in Greek and Chinese": ["α", "β", "心", "电", "图", "Ω"],
    "ids with commas and quotes": ['a,"b"', "c,d", "'e'", '"', "f;g", "h\ti"],
}.items():
    AREA.case("datasets.read_records", _name, "right", "error")(partial(_ids_of_a_file, _written))


@AREA.case("datasets.read_records", "a table with a byte order mark, semicolons", "right", "error")
def _():
    text = TABLE.to_csv(index=False, sep=";")
    Path("t.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    return _same(_labels_of("t.csv"))


@AREA.case("datasets.read_records", "numbers of pandas' masked types", "right")
def _():
    table = TABLE.astype({"AF": "Int8"})
    table.loc[2, "AF"] = pd.NA
    expected = make.labels().copy()
    expected[2, 0] = -1
    return _same(_labels_of(table), expected)


AREA.errors(
    "datasets.read_records",
    {
        "no such table": lambda: _labels_of("none.csv"),
        "a table that is empty": lambda: _labels_of(_csv("")),
        "a table of its head alone": lambda: _labels_of(_csv("id,AF,PVC\n")),
        "a table with NULs": lambda: _labels_of(_csv("\0" * 500)),
        "a table of other bytes": lambda: (
            Path("t.csv").write_bytes(bytes(range(128, 256)) * 9),
            _labels_of("t.csv"),
        ),
        "a table with rows of more columns": lambda: _labels_of(_csv("id,AF\nr0,1,1,1\nr1,0\n")),
        "a table of a million columns": lambda: _labels_of(
            _csv("id" + ",a" * 10**6 + "\nr0" + ",1" * 10**6)
        ),
        "an open quote": lambda: _labels_of(_csv('id,AF\nr0,"1\nr1,0\n')),
        "a .parquet of text": lambda: (
            Path("t.parquet").write_bytes(b"PAR1xxxx"),
            _labels_of("t.parquet"),
        ),
        "a table of another suffix": lambda: (Path("t.xls").write_text(""), _labels_of("t.xls")),
        "a column of ids that is not there": lambda: _labels_of(TABLE, id_column="name"),
        "columns of labels that are not there": lambda: _labels_of(TABLE, label_columns=["VT"]),
        "ids of other records": lambda: _labels_of(TABLE.assign(id=list("abcdef"))),
        "fewer rows than records without ids": lambda: _labels_of(
            TABLE.iloc[:3].drop(columns="id"), id_column=None
        ),
        "a label of 2": lambda: _labels_of(TABLE.assign(AF=2)),
        "a label of text": lambda: _labels_of(TABLE.assign(AF="perhaps")),
        "a label of 0.5": lambda: _labels_of(TABLE.assign(AF=0.5)),
        "two columns of one name": lambda: _labels_of(
            pd.concat([TABLE, TABLE[["AF"]]], axis="columns")
        ),
        "labels as an array": lambda: _labels_of(make.labels(), id_column=None),
        "a patient that is missing": lambda: _labels_of(
            TABLE.assign(p=["a", None, "b", "b", "c", "c"]), group_column="p"
        ),
        "trust of 0.5": lambda: _labels_of(TABLE.assign(t=0.5), trusted_column="t"),
        "columns without a table": lambda: _labels_of(None),
    },
)

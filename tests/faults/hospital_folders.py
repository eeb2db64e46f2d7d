"""Archives, folders and streams of hospitals' files, and files that change once they are open."""

import gzip
import io
import os
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np

from faults import exports, make
from faults.cases import as_nobody, skipped
from faults.exports import FORMATS
from faults.hospital_files import AREA, TRUTH, instead, judged, mixture, zipped
from sklearn_ecg import ECGRecords
from sklearn_ecg.datasets import load_ecg_files, read_ecg

# Archives.


def _archive(content, truth=TRUTH, **options):
    return mixture(content, suffix=".zip", truth=truth, **options)


def _own():
    return exports.muse(TRUTH)


def _nested(depth):
    content = exports.aecg(TRUTH)
    for level in range(depth):
        content = zipped([(f"bad{level}", content)])
    return content


def _encrypted_zip():
    content = bytearray(zipped([("a.xml", _own())]))
    for magic, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(magic) + offset] |= 1
    return bytes(content)


def _overlapping():
    """Two names of one place, as bombs without nesting have a thousand of."""
    content = zipped([("a.xml", _own()), ("b.xml", _own())])
    second = content.index(b"PK\3\4", 4)
    place = content.rindex(b"PK\1\2") + 42
    assert struct.unpack_from("<I", content, place)[0] == second
    return content[:place] + struct.pack("<I", 0) + content[place + 4 :]


def _with_link():
    info = zipfile.ZipInfo("a.xml")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return zipped([(info, "/etc/passwd")])


ARCHIVES = {
    "of nothing": (lambda: zipped([]), None),
    "that is a bomb": (lambda: zipped([("a.xml", bytes(3 * 10**8))]), None),
    "that is a bomb of XML": (lambda: zipped([("a.xml", _own() + b" " * (2 * 10**8))]), None),
    "of an archive that is a bomb": (
        lambda: zipped([("a.zip", zipped([("a.xml", bytes(3 * 10**8))]))]),
        None,
    ),
    "of four archives in each other": (lambda: _nested(4), None),
    "that is encrypted": (_encrypted_zip, None),
    "of members that lie on each other": (_overlapping, None),
    "of a link": (_with_link, None),
    "of a method that is not read": (
        lambda: zipped([("a.xml", _own())], zipfile.ZIP_LZMA),
        None,
    ),
    "without its table": (lambda: zipped([("a.xml", _own())])[:-60], None),
    "with bytes before it": (lambda: b"PK\3\4" + bytes(50) + zipped([("a.xml", _own())]), TRUTH),
    "of a member with another checksum": (
        lambda: zipped([("a.xml", _own())], zipfile.ZIP_STORED).replace(b"Rhythm", b"rhythm", 1),
        None,
    ),
    "of a member that leads out of it": (lambda: zipped([("../../bad.xml", _own())]), TRUTH),
    "of a member by its whole path": (lambda: zipped([("/etc/passwd", _own())]), TRUTH),
    "of a member on a drive": (lambda: zipped([("C:\\bad.xml", _own())]), TRUTH),
    "of a member without a name": (lambda: zipped([("..", _own())]), TRUTH),
    "of a name of 60000 characters": (lambda: zipped([("b" * 60000, _own())]), TRUTH),
    "of 3000 empty members": (lambda: zipped([(f"{n}.xml", b"") for n in range(3000)]), None),
}
for _name, (_content, _truth) in ARCHIVES.items():
    AREA.case("datasets.load_ecg_files", f"a ZIP {_name}", "skip", "right")(
        lambda content=_content, truth=_truth: _archive(content(), truth)
    )


@AREA.case("datasets.load_ecg_files", "a ZIP of two members of one name", "skip", "right")
def _():
    good = exports.folder_of()
    other = make.signal(6)
    members = [("a.xml", _own()), ("a.xml", exports.muse(other))]
    Path("f/bad.zip").write_bytes(zipped(members))
    records = load_ecg_files("f", verify=True)
    assert len(set(records.ids)) == len(records)
    assert len(records) + (~records.report["kept"]).sum() == len(good) + 2
    return "right"


# Patients, filters and rates that do not go together.


@AREA.case("datasets.load_ecg_files", "two patients under one id", "right")
def _():
    exports.folder_of()
    Path("f/bad.xml").write_bytes(exports.muse(TRUTH, patient="P7", sex="MALE"))
    records = load_ecg_files("f")
    told = records.report[records.report["kept"]]
    assert set(told["id"]) & {"bad.xml", "g0.xml"} and "another sex" in told["problem"].iloc[0]
    rows = [records.ids.tolist().index(name) for name in ("bad.xml", "g0.xml")]
    assert len(set(records.groups[rows])) == 1
    return "right"


@AREA.case("datasets.load_ecg_files", "a record of another rate", "right")
def _():
    good = exports.folder_of()
    slow = make.signal(5, rate=50)
    Path("f/bad.xml").write_bytes(exports.aecg(slow, step=1 / 50))
    records = load_ecg_files("f")
    assert records.metadata.loc["bad.xml", "stored_hz"] == 50
    assert "bad.xml" in set(records.report["id"])
    found = np.asarray(records.signals[records.ids.tolist().index("bad.xml")])
    assert found.shape == (2, 400) and records.sampling_rate == 100
    for name, signal in good.items():
        np.testing.assert_allclose(
            records.signals[records.ids.tolist().index(name)], signal, atol=1e-3
        )
    return "right"


@AREA.case("datasets.load_ecg_files", "the same file twice", "skip")
def _():
    good = exports.folder_of()
    shutil.copy("f/g0.xml", "f/bad.xml")
    records = load_ecg_files("f")
    assert len(records) == 2
    told = " ".join(records.report.astype(str).to_numpy().ravel())
    assert "bad.xml" in told and "g0.xml" in told
    name = records.ids.tolist().index("g1.xml")
    np.testing.assert_allclose(records.signals[name], good["g1.xml"], atol=1e-3)
    return "skip"


@AREA.case("datasets.load_ecg_files", "what a killed program left of a file", "skip")
def _():
    good = exports.folder_of()
    Path("f/bad.xml.0123.part").write_bytes(_own())
    skipped(load_ecg_files(["f"]), good)
    return skipped(load_ecg_files("f"), good)


@AREA.case("datasets.load_ecg_files", "names that are no UTF-8", "right")
def _():
    good = exports.folder_of()
    Path(os.fsdecode(b"f/bad\xff\xfe.xml")).write_bytes(_own())
    return judged(load_ecg_files("f", verify=True), good)


@AREA.case("datasets.load_ecg_files", "a sub-folder without permission", "skip")
def _():
    good = exports.folder_of()
    exports.folder_of("f/bad")
    Path("f/bad/g0.xml").write_bytes(_own())
    as_nobody("f", load_ecg_files)
    os.chmod("f/bad", 0)
    return skipped(load_ecg_files("f"), good)


@AREA.case("datasets.load_ecg_files", "links that lead in a circle", "right")
def _():
    good = exports.folder_of()
    os.symlink(".", "f/loop")
    os.symlink("..", "f/up")
    assert sorted(load_ecg_files("f").ids) == sorted(good)
    return "right"


@AREA.case("datasets.load_ecg_files", "all files damaged", "error")
def _():
    os.mkdir("f")
    for n in range(5):
        Path(f"f/{n}.dcm").write_bytes(FORMATS["DICOM"](TRUTH)[: 300 + n])
    return load_ecg_files("f", verify=True)


def _load(**options):
    exports.folder_of()
    return load_ecg_files(options.pop("path", "f"), **options)


AREA.errors(
    "datasets.load_ecg_files",
    {
        "no such folder": lambda: load_ecg_files("none"),
        "an empty folder": lambda: (os.mkdir("f"), load_ecg_files("f")),
        "a folder of tables alone": lambda: (
            os.mkdir("f"),
            Path("f/labels.csv").write_text("id,AF\na,1\n"),
            load_ecg_files("f"),
        ),
        "no path": lambda: load_ecg_files(None),
        "a number as path": lambda: load_ecg_files(3),
        "numbers as paths": lambda: load_ecg_files([1, 2]),
        "an empty list": lambda: load_ecg_files([]),
        "an empty path": lambda: load_ecg_files(""),
        "a path with a NUL": lambda: load_ecg_files("f\0g"),
        "a list with a file that is gone": lambda: load_ecg_files(["none.xml"]),
        "a pattern that nothing matches": lambda: _load(path="f/*.none"),
        "leads as one text": lambda: _load(leads="I"),
        "no leads": lambda: _load(leads=[]),
        "leads that are numbers": lambda: _load(leads=[1, 2]),
        "a lead wanted twice": lambda: _load(leads=["I", "i"]),
        "leads that no file has": lambda: _load(leads=["V9"]),
        "a rate of 0": lambda: _load(sampling_rate=0),
        "a rate of text": lambda: _load(sampling_rate="fast"),
        "a rate of NaN": lambda: _load(sampling_rate=np.nan),
        "a rate of 1e12 Hz": lambda: np.asarray(_load(sampling_rate=1e12).signals),
        "a rate of 1e-9 Hz": lambda: np.asarray(_load(sampling_rate=1e-9).signals),
        "an unknown waveform": lambda: _load(waveform="echo"),
        "missing leads of an unknown kind": lambda: _load(missing_leads="guess"),
        "what CSV lacks of an unknown kind": lambda: _load(csv={"gain": 1}),
        "a rate of CSV of 0": lambda: _load(csv={"sampling_rate": 0}),
        "units of CSV of pressure": lambda: _load(csv={"units": "mmHg"}),
        "csv as text": lambda: _load(csv="500 Hz"),
        "a short key": lambda: _load(anonymise="secret"),
        "a number as key": lambda: _load(anonymise=12345678901234567),
        "a file as cache_dir": lambda: (Path("c").write_text(""), _load(cache_dir="c")),
    },
)


# One file.


class _Endless(io.RawIOBase):
    def read(self, n_bytes=-1):
        return bytes(max(n_bytes, 0) or 1)


class _Failing(io.RawIOBase):
    def read(self, n_bytes=-1):
        if n_bytes == 0:
            return b""
        raise OSError(5, "Input/output error")


def _closed():
    file = io.BytesIO(_own())
    file.close()
    return file


AREA.errors(
    "datasets.read_ecg",
    {
        f"{_format} of {_name}": lambda format=_format, share=_share: read_ecg(
            FORMATS[format](TRUTH)[: int(share * len(FORMATS[format](TRUTH)))]
        )
        for _format in FORMATS
        if _format not in ("CSV", "EDF", "ISHNE")
        for _name, _share in {"half of its bytes": 0.5, "a tenth of its bytes": 0.1}.items()
    }
    | {
        "None": lambda: read_ecg(None),
        "a number": lambda: read_ecg(3),
        "an array": lambda: read_ecg(TRUTH),
        "no bytes": lambda: read_ecg(b""),
        "bytes of nothing": lambda: read_ecg(bytes(10**6)),
        "a stream of text": lambda: read_ecg(io.StringIO("I,II")),
        "a stream that is closed": lambda: read_ecg(_closed()),
        "a stream that fails": lambda: read_ecg(_Failing()),
        "a stream that is at its end": lambda: read_ecg(io.BytesIO()),
        "a stream without an end": lambda: read_ecg(_Endless()),
        "a folder": lambda: (os.mkdir("f"), read_ecg("f")),
        "a file that is gone": lambda: read_ecg("none.xml"),
        "a pipe": lambda: (os.mkfifo("p"), read_ecg("p")),
        "a device": lambda: read_ecg("/dev/zero"),
        "a URL of an unknown kind": lambda: read_ecg("gopher://host/a.xml"),
        "a URL of a file that is gone": lambda: read_ecg("file:///none/a.xml"),
        "a URL of a host that is not there": lambda: read_ecg("http://[::1]:9/a.xml"),
        "a member that an archive lacks": lambda: (
            Path("a.zip").write_bytes(zipped([("b", _own())])),
            read_ecg("zip://a.xml::a.zip"),
        ),
        "a bomb of gzip": lambda: read_ecg(gzip.compress(_own() + b" " * (2 * 10**8))),
        "a ZIP": lambda: read_ecg(zipped([("a.xml", _own())])),
        "a median beat that the file lacks": lambda: read_ecg(_own(), waveform="median"),
        "leads that the file lacks": lambda: read_ecg(_own(), ["V1"]),
        "a rate beyond all": lambda: read_ecg(_own(), sampling_rate=1e12),
    },
)


@AREA.case("datasets.read_ecg", "a stream that gives a few bytes at a time", "right")
def _():
    class Slow(io.BytesIO):
        def read(self, n_bytes=-1):
            return super().read(min(n_bytes, 7) if n_bytes > 0 else n_bytes)

    records = read_ecg(Slow(_own()))
    np.testing.assert_allclose(records.signals[0], TRUTH, atol=1e-3)
    return "right"


# Files that change between opening and reading.


def _of_another(path):
    path.write_bytes(exports.muse(make.signal(9)))


LATE = {
    "vanishes": Path.unlink,
    "is cut short": lambda path: make.cut(path, 0.5),
    "is emptied": lambda path: path.write_bytes(b""),
    "is written anew": _of_another,
    "is written anew in its old size and time": lambda path: _at_old_time(path, _of_another),
    "becomes a folder": instead(Path.mkdir),
    "becomes a pipe": instead(os.mkfifo),
    "becomes another format": lambda path: path.write_bytes(exports.aecg(TRUTH)),
    "becomes a bomb": lambda path: path.write_bytes(gzip.compress(_own() + b" " * 10**8)),
}


def _at_old_time(path, change):
    stat = os.stat(path)
    change(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


N_LATE, ROW = 6, 3


def late(change) -> ECGRecords:
    """Return records of files, one of which is changed after they were opened."""
    os.mkdir("f")
    for n in range(N_LATE):
        content = exports.muse(make.signal(n), patient=f"P{n}")
        Path(f"f/{'bad' if n == ROW else f'r{n}'}.xml").write_bytes(content)
    records = load_ecg_files("f")
    change(Path("f/bad.xml"))
    # Of ids in their order, "bad" is the first.
    return records


for _name, _change in LATE.items():
    AREA.case("records.LazySignals", f"a file of an export that {_name}", "error")(
        lambda change=_change: late(change).signals[0]
    )

    @AREA.case("records.ECGRecords", f"verified of a file that {_name}", "skip")
    def _(change=_change):
        good = {f"r{n}.xml": make.signal(n) for n in range(N_LATE) if n != ROW}
        return skipped(late(change).verified(), good)

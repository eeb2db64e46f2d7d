"""Folders of WFDB records in which one is damaged."""

import os
import re
import shutil
from functools import partial
from pathlib import Path

import numpy as np

from faults import make
from faults.cases import Area, as_nobody, skipped
from sklearn_ecg.datasets import load_wfdb

AREA = Area("WFDB folders")

FIRST = "bad.dat 16 1000/mV 16 0 "


def _line(number, change):
    """Return a change of a line of a header."""

    def changed(text):
        lines = text.split("\n")
        lines[number] = change(lines[number])
        return "\n".join(lines)

    return changed


def _format(code):
    return lambda text: text.replace(" 16 1000", f" {code} 1000", 1)


HEADERS = {
    "a block of zeros": lambda text: text.replace("bad.dat", "ba" + "\0" * 16 + "d.dat"),
    "no text": lambda text: "",
    "nothing but comments": lambda text: "# 63 years\n# male\n",
    "nothing but spaces": lambda text: " \n\t\n  \n",
    "half of it": lambda text: text[: len(text) // 2],
    "a word in place of the number of leads": _line(0, lambda line: line.replace(" 2 ", " two ")),
    "fewer leads than announced": lambda text: text.replace("bad 2", "bad 3"),
    "no leads": lambda text: text.replace("bad 2", "bad 0"),
    "a negative number of leads": lambda text: text.replace("bad 2", "bad -2"),
    "10^9 leads": lambda text: text.replace("bad 2", "bad 1000000000"),
    "a rate of 0 Hz": _line(0, lambda line: line.replace(" 100 ", " 0 ")),
    "a negative rate": _line(0, lambda line: line.replace(" 100 ", " -100 ")),
    "a rate of 1e-9 Hz": _line(0, lambda line: line.replace(" 100 ", " 1e-9 ")),
    "a rate of 1e400 Hz": _line(0, lambda line: line.replace(" 100 ", " 1e400 ")),
    "a rate that is no number": _line(0, lambda line: line.replace(" 100 ", " nan ")),
    "no samples": _line(0, lambda line: line.replace(" 400", " 0")),
    "a negative number of samples": _line(0, lambda line: line.replace(" 400", " -400")),
    "10^12 samples": _line(0, lambda line: line.replace(" 400", " 1000000000000")),
    "more samples than there are": _line(0, lambda line: line.replace(" 400", " 401")),
    "a gain of 0": lambda text: text.replace("1000/mV", "0/mV"),
    "a negative gain": lambda text: text.replace("1000/mV", "-1000/mV"),
    "a gain that is no number": lambda text: text.replace("1000/mV", "nan/mV"),
    "a gain of 1e-300": lambda text: text.replace("1000/mV", "1e-300/mV"),
    "units of pressure": lambda text: text.replace("/mV", "/mmHg"),
    "an ADC zero of 400 digits": lambda text: text.replace(" 16 0 ", f" 16 {'9' * 400} "),
    "a format that there is not": _format("99"),
    "a format of other bytes": _format("212"),
    "a compressed format": _format("516"),
    "several samples a frame": _format("16x4"),
    "a skew of samples": _format("16:7"),
    "an offset of bytes beyond the file": _format("16+10000000"),
    "a file that is not there": lambda text: text.replace("bad.dat", "none.dat"),
    "a file outside the folder": lambda text: text.replace("bad.dat", "../../etc/passwd"),
    "a file by its whole path": lambda text: text.replace("bad.dat", "/etc/passwd"),
    "a device as its file": lambda text: text.replace("bad.dat", "/dev/zero"),
    "another name": lambda text: text.replace("bad 2", "good 2"),
    "two leads of one name": lambda text: text.replace(" II\n", " I\n"),
    "another first value": lambda text: re.sub(r"(mV 16 0 )-?\d+", r"\g<1>9999", text, count=1),
    "another checksum": lambda text: re.sub(r"-?\d+ 0 I\n", "12345 0 I\n", text),
    "a million characters in a line": lambda text: text.replace("bad.dat", "b" * 10**6),
    "10^5 comments without an end": lambda text: text[:20] + "#" * 10**5,
}


# What some of these headers say of the samples.
READ_AS = {
    "no samples": lambda mv: mv,
    "a negative gain": lambda mv: -mv,
    "another name": lambda mv: mv,
    "another first value": lambda mv: mv,  # which these formats do not need
    "a skew of samples": lambda mv: np.stack([np.r_[mv[0, 7:], [np.nan] * 7], mv[1]]),
}


def _folder_with_header(change, read_as):
    good = make.folder_of()
    truth = make.wfdb("f", "bad", seed=5, header=change)
    records = load_wfdb("f")
    if "bad" not in records.ids:
        return skipped(records, good)
    found = records.signals[records.ids.tolist().index("bad")]
    assert read_as is not None, f"read as {found!r:.200}"
    np.testing.assert_allclose(found, read_as(truth), atol=1e-3)
    return "right"


for _name, _change in HEADERS.items():
    AREA.case("datasets.load_wfdb", f"a header with {_name}", "skip", "error", "right")(
        partial(_folder_with_header, _change, READ_AS.get(_name))
    )


def _folder_instead(path):
    path.unlink()
    path.mkdir()


FILES = {
    "samples cut short": lambda path: make.cut(path, 0.5),
    "samples cut within a number": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "no samples at all": lambda path: path.write_bytes(b""),
    "one bit of the samples flipped": lambda path: make.flip(path, 0.3),
    "many bytes of the samples flipped": lambda path: make.flip(path, *np.linspace(0.1, 0.9, 50)),
    "a block of samples written twice": lambda path: path.write_bytes(
        path.read_bytes()[:400] + path.read_bytes()[:1200]
    ),
    "samples of another record": lambda path: shutil.copy("f/g1.dat", path),
    "a folder in place of the samples": _folder_instead,
    "a link to nowhere as samples": lambda path: (path.unlink(), path.symlink_to("nowhere")),
    "a link to itself as samples": lambda path: (path.unlink(), path.symlink_to(path.name)),
    "a pipe in place of the samples": lambda path: (path.unlink(), os.mkfifo(path)),
    "samples that are gone": Path.unlink,
}


def _folder_with_file(change, read=load_wfdb):
    good = make.folder_of()
    make.wfdb("f", "bad", seed=5)
    change(Path("f/bad.dat"))
    records = read("f")
    if "bad" in records.ids:
        # Signals are read when they are touched, and then checked.
        records.signals[records.ids.tolist().index("bad")]
        return None
    return skipped(records, good)


for _name, _change in FILES.items():
    AREA.case("datasets.load_wfdb", _name, "skip", "error")(partial(_folder_with_file, _change))
    AREA.case("datasets.load_wfdb", f"{_name}, with verify", "skip")(
        partial(_folder_with_file, _change, partial(load_wfdb, verify=True))
    )


@AREA.case("datasets.load_wfdb", "a pipe in place of a header", "skip")
def _():
    good = make.folder_of()
    os.mkfifo("f/bad.hea")
    return skipped(load_wfdb("f"), good)


@AREA.case("datasets.load_wfdb", "a folder by the name of a header", "skip")
def _():
    good = make.folder_of()
    os.mkdir("f/bad.hea")
    return skipped(load_wfdb("f"), good)


@AREA.case("datasets.load_wfdb", "a header without permission", "skip")
def _():
    good = make.folder_of()
    make.wfdb("f", "bad")
    as_nobody("f", load_wfdb)
    os.chmod("f/bad.hea", 0)
    return skipped(load_wfdb("f"), good)


@AREA.case("datasets.load_wfdb", "a sub-folder without permission", "skip")
def _():
    good = make.folder_of()
    make.wfdb("f/bad", "b0")
    as_nobody("f", load_wfdb)
    os.chmod("f/bad", 0)
    return skipped(load_wfdb("f"), good)


@AREA.case("datasets.load_wfdb", "a sub-folder behind a link", "skip", "right")
def _():
    good = make.folder_of()
    make.wfdb("elsewhere", "b0", seed=7)
    os.symlink(os.path.abspath("elsewhere"), "f/bad")
    records = load_wfdb("f")
    if len(records) == 3:
        return "right"
    return skipped(records, good)


@AREA.case("datasets.load_wfdb", "two links to the folder itself under **", "right")
def _():
    good = make.folder_of()
    os.symlink(".", "f/loop")
    os.symlink(".", "f/loop2")
    records = load_wfdb("f/**/*.hea")
    assert sorted(records.ids) == sorted(good)
    return "right"


@AREA.case("datasets.load_wfdb", "names of files in capitals", "skip", "right")
def _():
    good = make.folder_of()
    make.wfdb("f", "bad")
    os.rename("f/bad.hea", "f/bad.HEA")
    records = load_wfdb("f")
    return "right" if len(records) == 3 else skipped(records, good)


@AREA.case("datasets.load_wfdb", "a segment that is not there", "skip")
def _():
    good = make.folder_of()
    Path("f/bad.hea").write_text("bad/2 2 100 800\ng0 400\nnone 400\n")
    return skipped(load_wfdb("f"), good)


@AREA.case("datasets.load_wfdb", "a record of segments that names itself", "skip")
def _():
    good = make.folder_of()
    Path("f/bad.hea").write_text("bad/2 2 100 800\ng0 400\nbad 400\n")
    return skipped(load_wfdb("f"), good)


@AREA.case("datasets.load_wfdb", "10^9 samples of nothing between segments", "skip")
def _():
    good = make.folder_of()
    Path("f/bad.hea").write_text("bad/3 2 100 1000000800\ng0 400\ng1 400\n~ 1000000000\n")
    return skipped(load_wfdb("f", verify=True), good)


@AREA.case("datasets.load_wfdb", "a record of another rate", "skip")
def _():
    good = make.folder_of()
    make.wfdb("f", "bad", make.signal(rate=250), rate=250)
    return skipped(load_wfdb("f"), good)


@AREA.case("datasets.load_wfdb", "a record of other leads", "skip")
def _():
    good = make.folder_of()
    make.wfdb("f", "bad", leads=["V1", "V2"])
    return skipped(load_wfdb("f", leads=["I", "II"]), good)


@AREA.case("datasets.load_wfdb", "seeded flips of bytes of headers", "skip", "right")
def _():
    """A header of which a byte was flipped is reported, or read as what it now says."""
    good = make.folder_of()
    make.wfdb("f", "bad", seed=5)
    whole = Path("f/bad.hea").read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        content = bytearray(whole)
        content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
        Path("f/bad.hea").write_bytes(content)
        records = load_wfdb("f", verify=True)
        assert {"g0", "g1"} <= {*records.ids, *records.report["id"]}, bytes(content)
        others = set(records.ids) - set(good)
        for row in [records.ids.tolist().index(name) for name in others]:
            values = np.abs(np.asarray(records.signals[row]))
            assert np.nanmax(values, initial=0) < 40, bytes(content)
    return "right"


def _touch(**options):
    return np.stack(list(load_wfdb("f", **options).signals))


AREA.errors(
    "datasets.load_wfdb",
    {
        "no such folder": lambda: load_wfdb("none"),
        "a folder without records": lambda: (os.mkdir("f"), load_wfdb("f")),
        "a file in place of a folder": lambda: (Path("f").write_text("x"), load_wfdb("f")),
        "no path": lambda: load_wfdb(None),
        "a number as path": lambda: load_wfdb(3),
        "a path with a NUL": lambda: load_wfdb("f\0g"),
        "a pattern that nothing matches": lambda: (make.folder_of(), load_wfdb("f/*.x")),
        "leads that no record has": lambda: (make.folder_of(), load_wfdb("f", leads=["V9"])),
        "a lead wanted twice": lambda: (make.folder_of(), load_wfdb("f", leads=["I", "I"])),
        "a rate of 0": lambda: (make.folder_of(), load_wfdb("f", sampling_rate=0)),
        "a rate that is text": lambda: (make.folder_of(), load_wfdb("f", sampling_rate="fast")),
        "a rate of 1e-9": lambda: (make.folder_of(), _touch(sampling_rate=1e-9)),
        "a rate of 1e12": lambda: (make.folder_of(), _touch(sampling_rate=1e12)),
        "a window of no time": lambda: (make.folder_of(), load_wfdb("f", window=0)),
        "a window beyond all records": lambda: (make.folder_of(), load_wfdb("f", window=1e9)),
        "a window that is NaN": lambda: (make.folder_of(), load_wfdb("f", window=np.nan)),
        "missing leads of an unknown kind": lambda: (
            make.folder_of(),
            load_wfdb("f", missing_leads="guess"),
        ),
        "a file as cache_dir": lambda: (
            make.folder_of(),
            Path("c").write_text("x"),
            load_wfdb("f", cache_dir="c"),
        ),
        "all of the records damaged": lambda: (
            make.folder_of(header=lambda text: ""),
            load_wfdb("f"),
        ),
    },
)


# What is read from a copy, or later, is what the files hold then.


def _truth(folder="f"):
    return np.stack(list(load_wfdb(folder).signals))


@AREA.case("datasets.load_wfdb", "a file rewritten in its old size after it was copied", "right")
def _():
    make.folder_of()
    np.stack(list(load_wfdb("f", cache_dir="c", checksums=False).signals))
    stat = os.stat("f/g0.dat")
    shutil.copy("f/g1.dat", "f/g0.dat")
    shutil.copy("f/g1.hea", "f/g0.hea")
    Path("f/g0.hea").write_text(Path("f/g0.hea").read_text().replace("g1", "g0"))
    os.utime("f/g0.dat", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    found = np.stack(list(load_wfdb("f", cache_dir="c", checksums=False).signals))
    np.testing.assert_allclose(found, _truth(), atol=1e-6)
    return "right"


@AREA.case("datasets.load_wfdb", "one cache_dir for two folders of equal names and sizes", "right")
def _():
    make.folder_of(folder="a")
    make.wfdb("b", "g0", seed=8)
    make.wfdb("b", "g1", seed=9)
    for name in ("g0.dat", "g1.dat", "g0.hea", "g1.hea"):
        for folder in "ab":
            os.utime(f"{folder}/{name}", ns=(10**18, 10**18))
    for folder in "ab":
        found = np.stack(list(load_wfdb(folder, cache_dir="c").signals))
        np.testing.assert_allclose(found, _truth(folder), atol=1e-6)
    return "right"


def _damaged_copy(change):
    make.folder_of()
    np.stack(list(load_wfdb("f", cache_dir="c").signals))
    for path in [path for path in Path("c").rglob("*") if path.is_file()]:
        change(path)
    found = np.stack(list(load_wfdb("f", cache_dir="c").signals))
    np.testing.assert_allclose(found, _truth(), atol=1e-6)
    return "right"


for _name, _change in {
    "cut short": lambda path: make.cut(path, 0.5),
    "empty": lambda path: path.write_bytes(b""),
    "with flipped bytes": lambda path: make.flip(path, 0.2, 0.5, 0.8),
    "of zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "deleted": Path.unlink,
}.items():
    AREA.case("datasets.load_wfdb", f"a copy in cache_dir that is {_name}", "right", "error")(
        partial(_damaged_copy, _change)
    )


@AREA.case("datasets.load_wfdb", "cache_dir deleted before the signals are touched", "right")
def _():
    make.folder_of()
    records = load_wfdb("f", cache_dir="c")
    shutil.rmtree("c")
    np.testing.assert_allclose(np.stack(list(records.signals)), _truth(), atol=1e-6)
    return "right"


@AREA.case("datasets.load_wfdb", "a copy cut short while it is mapped", "right", "error")
def _():
    make.folder_of()
    records = load_wfdb("f", cache_dir="c")
    np.asarray(records.signals[0])
    for path in [path for path in Path("c").rglob("*") if path.is_file()]:
        os.truncate(path, 100)
    np.testing.assert_allclose(np.stack(list(records.signals)), _truth(), atol=1e-6)
    return "right"


@AREA.case("records.LazySignals", "a file that vanishes before it is touched", "error")
def _():
    make.folder_of()
    records = load_wfdb("f")
    os.unlink("f/g1.dat")
    return records.signals[1]


@AREA.case("records.LazySignals", "a file cut short before it is touched", "error")
def _():
    make.folder_of()
    records = load_wfdb("f")
    make.cut("f/g1.dat", 0.5)
    return records.signals[1]


@AREA.case("records.LazySignals", "a file changed before it is touched", "error")
def _():
    make.folder_of()
    records = load_wfdb("f")
    shutil.copy("f/g0.dat", "f/g1.dat")
    return records.signals[1]


@AREA.case("records.LazySignals", "a folder that vanishes before it is touched", "error")
def _():
    make.folder_of()
    records = load_wfdb("f")
    shutil.rmtree("f")
    return records.signals[0]

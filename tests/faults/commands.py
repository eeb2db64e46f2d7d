"""The command as schedulers and people in a hurry call it."""

import fcntl
import os
import re
from functools import partial
from pathlib import Path

import pandas as pd
from click.testing import CliRunner

from faults import exports, make
from faults.cases import Area, as_nobody
from faults.hospital_files import DAMAGE
from sklearn_ecg.command import main

AREA = Area("the command", make.prepare_models)
N_RECORDS = 12


def call(*arguments, code=None):
    """Run the command; return its exit code, standard output and error."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    said = result.stdout + result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit), said
    assert "unexpected" not in said and "Traceback" not in said, said
    assert code is None or result.exit_code == code, (result.exit_code, said)
    return result.exit_code, said


def refused(*arguments):
    """Return "error" where the command ends in words on what is wrong, and as an error."""
    code, said = call(*arguments)
    assert code in (1, 2), f"exit code {code}: {said}"
    text = said[said.index("Error: ") :]
    assert len(text) > 25 and not re.search(r"[a-z]Error: \w+Error", text), text
    assert not list(Path().rglob("*.part")), text
    return "error"


def archive(folder="f", n_records=N_RECORDS, first=0):
    """Write records as DICOM, all other as MUSE; and tables of weak and of true labels."""
    Path(folder).mkdir(exist_ok=True)
    labels = make.labels(2 * N_RECORDS)
    rows = []
    for n in range(first, first + n_records):
        is_muse = n % 2 == 0
        name = f"r{n:02d}.{'xml' if is_muse else 'dcm'}"
        write = exports.muse if is_muse else exports.FORMATS["DICOM"]
        Path(folder, name).write_bytes(write(make.signal(n)))
        rows.append([name, *labels[n], "yes" if n % 3 else "no"])
    columns = ["id", *make.LABELS, "trusted"]
    pd.DataFrame(rows, columns=columns).to_csv("labels.csv", index=False)
    return folder


def model():
    make.classifier().save("m")
    return "m"


def predict(*options, folder="f", out="out", **expected):
    return call("predict", folder, "m", "-o", out, *options, **expected)


def predicted(out="out"):
    """Return what nights have predicted, without when, and by which copy of a model."""
    tables = [pd.read_csv(Path(out, f"{name}.csv")) for name in ("probabilities", "labels")]
    return [table.drop(columns=["predicted_at", "model"]).sort_values("id") for table in tables]


def clean(*options, folder="f", out="cleaned", **expected):
    return call("clean", folder, "labels.csv", "-o", out, *options, **expected)


def _text(name, content):
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return name


BAD_CALLS = {
    "no subcommand that there is": lambda: refused("clear", "f"),
    "no arguments": lambda: refused("predict"),
    "an unknown option": lambda: refused("inspect", "f", "--fast"),
    "a folder that there is not": lambda: refused("inspect", "none"),
    "an empty folder": lambda: (os.mkdir("f"), refused("inspect", "f"))[1],
    "a pattern that nothing matches": lambda: refused("inspect", "f/*.xml"),
    "a rate of 0": lambda: refused("inspect", archive(), "--sampling-rate", 0),
    "a rate by a word": lambda: refused("inspect", archive(), "--sampling-rate", "fast"),
    "leads that no file has": lambda: refused("inspect", archive(), "--leads", "V9"),
    "leads without a name": lambda: refused("inspect", archive(), "--leads", ","),
    "a picture as sheet": lambda: refused("inspect", archive(), "--sheet", "s.png"),
    "a sheet in a folder that there is not": lambda: refused(
        "inspect", archive(), "--sheet", "none/s.pdf"
    ),
    "a file as --out": lambda: refused("inspect", archive(), "-o", _text("out", "")),
    "an --out within a file": lambda: (
        _text("out", ""),
        refused("inspect", archive(), "-o", "out/x"),
    )[1],
    "a folder as --log": lambda: refused("inspect", archive(), "--log", "f"),
    "a log in a folder that there is not": lambda: refused(
        "inspect", archive(), "--log", "none/x.log"
    ),
    "a file as --cache": lambda: refused("inspect", archive(), "--cache", _text("c", "")),
    "a short key": lambda: refused("inspect", archive(), "--anonymise", _text("key", "secret")),
    "an empty key": lambda: refused("inspect", archive(), "--anonymise", _text("key", "")),
    "a key that is gone": lambda: refused("inspect", archive(), "--anonymise", "key"),
    "settings that are no TOML": lambda: refused(
        "inspect", archive(), "--settings", _text("s.toml", "[inspect")
    ),
    "settings of another subcommand": lambda: refused(
        "inspect", archive(), "--settings", _text("s.toml", "[clean]\nseed = 1\n")
    ),
    "settings of an unknown option": lambda: refused(
        "inspect", "--settings", _text("s.toml", "[inspect]\nfile = ['f']\n")
    ),
    "settings of another kind": lambda: refused(
        "inspect", "--settings", _text("s.toml", "[inspect]\nfiles = 'f'\n")
    ),
    "settings of bytes": lambda: refused(
        "inspect", archive(), "--settings", _text("s.toml", bytes(range(128, 256)))
    ),
    "a model that there is not": lambda: refused("predict", archive(), "none", "-o", "out"),
    "a model that is an empty folder": lambda: (
        os.mkdir("m"),
        refused("predict", archive(), "m", "-o", "out"),
    )[1],
    "a model that is cut": lambda: (
        [make.cut(path, 0.5) for path in sorted(Path(model()).rglob("*")) if path.is_file()],
        refused("predict", archive(), "m", "-o", "out"),
    )[1],
    "a drive that is not there": lambda: (model(), refused("predict", "drive", "m", "-o", "out"))[
        1
    ],
    "an --out of another model": lambda: (
        model(),
        archive(),
        os.mkdir("out"),
        _text("out/probabilities.csv", "id,VT,problem,model,predicted_at\n"),
        refused("predict", "f", "m", "-o", "out"),
    )[-1],
    "probabilities that are no table": lambda: (
        model(),
        archive(),
        os.mkdir("out"),
        _text("out/probabilities.csv", bytes(range(256))),
        refused("predict", "f", "m", "-o", "out"),
    )[-1],
    "labels that are gone": lambda: refused("clean", archive(), "none.csv", "-o", "out"),
    "labels that are empty": lambda: refused("clean", archive(), _text("l.csv", ""), "-o", "out"),
    "labels of other records": lambda: refused(
        "clean", archive(), _text("l.csv", "id,AF,trusted\nx,1,yes\n"), "-o", "out"
    ),
    "labels of no meaning": lambda: refused(
        "clean", archive(), _text("l.csv", "id,AF\nr00.xml,often\n"), "-o", "out"
    ),
    "labels that nobody trusts": lambda: refused(
        "clean", archive(), _text("l.csv", "id,AF\nr00.xml,1\nr01.dcm,0\n"), "-o", "out"
    ),
    "a list of the trusted of nobody": lambda: refused(
        "clean", archive(), "labels.csv", "-o", "out", "--trusted", _text("t.csv", "nobody\n")
    ),
    "a parameter that there is not": lambda: refused(
        "clean", archive(), "labels.csv", "-o", "out", "-p", "speed=3"
    ),
    "a parameter without a value": lambda: refused(
        "clean", archive(), "labels.csv", "-o", "out", "-p", "max_iter"
    ),
    "a parameter of another kind": lambda: refused(
        "clean", archive(), "labels.csv", "-o", "out", "-p", "random_state=fast"
    ),
    "a confidence beyond 1": lambda: refused(
        "clean", archive(), "labels.csv", "-o", "out", "--min-confidence", 2
    ),
    "training on a folder that is none of clean's": lambda: (
        os.mkdir("c"),
        refused("train", archive(), "c", "-o", "out"),
    )[1],
    "training of no epochs": lambda: refused(
        "train", archive(), "labels.csv", "-o", "out", "--epochs", 0
    ),
    "a card of nothing": lambda: (os.mkdir("c"), refused("card", "c"))[1],
    "an evaluation of nothing": lambda: refused("evaluate", "none.csv", "labels.csv"),
}
for _name, _call in BAD_CALLS.items():
    AREA.case("command.main", _name, "error")(_call)


def _denied(*arguments):
    os.mkdir("out", 0o555)
    as_nobody("f", lambda folder: call("inspect", folder))
    return refused(*arguments)


AREA.case("command.main", "a folder that may not be written", "error")(
    lambda: _denied("inspect", archive(), "-o", "out")
)


@AREA.case("command.main", "files of a folder that may not be read", "error", "skip")
def _():
    archive()
    as_nobody("f", lambda folder: call("inspect", folder))
    for path in Path("f").iterdir():
        os.chmod(path, 0)
    return refused("inspect", "f")


# Nights.


def _night(change):
    """A damaged file costs no other record, is named, and is read when it is whole again."""
    model()
    archive()
    bad = Path("f/r02.xml")
    whole = bad.read_bytes()
    predict(out="whole", code=0)
    change(bad)
    predict(code=0)
    report = pd.read_csv("out/report.csv")
    assert report["id"].astype(str).str.contains("r02").any(), report
    expected = [table[table["id"] != "r02.xml"] for table in predicted("whole")]
    for found, own in zip(predicted(), expected, strict=True):
        own_ids = found[found["problem"].isna()] if "problem" in found else found
        pd.testing.assert_frame_equal(
            own_ids.reset_index(drop=True), own.reset_index(drop=True), check_dtype=False
        )
    if bad.is_dir() and not bad.is_symlink():
        bad.rmdir()
    else:
        bad.unlink(missing_ok=True)
    bad.write_bytes(whole)
    predict(code=0)
    assert pd.read_csv("out/new_probabilities.csv")["id"].tolist() == ["r02.xml"]
    for found, own in zip(predicted(), predicted("whole"), strict=True):
        pd.testing.assert_frame_equal(
            found.reset_index(drop=True), own.reset_index(drop=True), check_dtype=False
        )
    return "skip"


# These are ECGs, and no permission is no matter to root.
for _name in (
    "no byte", "a tenth of its bytes", "half of its bytes", "nothing but zeros", "an HTML page",
    "a link to nowhere", "a pipe", "gzip that is cut",
):  # fmt: skip
    AREA.case("command.main", f"a night with a file of {_name}", "skip")(
        partial(_night, DAMAGE[_name])
    )


@AREA.case("command.main", "a night without files", "right")
def _():
    model()
    os.mkdir("f")
    predict(code=0)
    assert all(len(table) == 0 for table in predicted())
    return "right"


@AREA.case("command.main", "a night of one label table and no ECG", "right")
def _():
    model()
    os.mkdir("f")
    _text("f/labels.csv", "id,AF\na,1\n")
    predict(code=0)
    return "right"


@AREA.case("command.main", "another run in the same folder", "right")
def _():
    model()
    archive()
    os.mkdir("out")
    with open("out/.lock", "a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _, said = predict(code=4)
    assert "Another run" in said
    predict(code=0)
    return "right"


@AREA.case("command.main", "two runs at once in one folder", "right")
def _():
    """One does the work, or after the other; the result is that of one alone."""
    model()
    archive()
    predict(out="alone", code=0)
    child = os.fork()
    if child == 0:
        code, _ = predict()
        os._exit(code)
    code, _ = predict()
    other = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert {code, other} <= {0, 4} and 0 in (code, other), (code, other)
    for found, own in zip(predicted(), predicted("alone"), strict=True):
        pd.testing.assert_frame_equal(found.reset_index(drop=True), own.reset_index(drop=True))
    return "right"


@AREA.case("command.main", "a record that is exported again", "right")
def _():
    model()
    archive()
    predict(code=0)
    Path("f/r02.xml").write_bytes(exports.muse(make.signal(15)))
    predict(code=0)
    assert pd.read_csv("out/new_probabilities.csv")["id"].tolist() == ["r02.xml"]
    predict(out="anew", code=0)
    for found, own in zip(predicted(), predicted("anew"), strict=True):
        pd.testing.assert_frame_equal(found.reset_index(drop=True), own.reset_index(drop=True))
    return "right"


@AREA.case("command.main", "what nights before left, cut short", "right")
def _():
    model()
    archive()
    predict(code=0)
    before = predicted()
    for path in [path for path in Path("out").rglob("*.*") if path.name != "settings.toml"]:
        # A table without its last rows.
        text = path.read_bytes()
        end = text.rfind(b"\n", 0, len(text) // 2) + 1 if path.suffix == ".csv" else len(text) // 2
        path.write_bytes(text[:end])
    predict(code=0)
    for found, own in zip(predicted(), before, strict=True):
        pd.testing.assert_frame_equal(found.reset_index(drop=True), own.reset_index(drop=True))
    return "right"


@AREA.case("command.main", "names that are formulae of Excel", "right")
def _():
    """What a spreadsheet would take for a formula is text in the workbook."""
    import openpyxl

    archive()
    table = pd.read_csv("labels.csv").rename(columns={"AF": "=1+1"})
    table.to_csv("labels.csv", index=False)
    clean(code=0)
    book = openpyxl.load_workbook("cleaned/labels.xlsx")
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds
    return "right"

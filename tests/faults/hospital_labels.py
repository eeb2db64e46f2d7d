"""Tables of labels, statements and metadata as people have them, and what hides or writes them."""

import os
from functools import partial
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

from faults import exports, make
from faults.cases import Area, as_nobody
from sklearn_ecg import CleanedRecords, ECGRecords
from sklearn_ecg.datasets import (
    anonymise,
    join_labels,
    label_sources,
    load_ecg_files,
    statements_to_labels,
    write_ecg_files,
)
from sklearn_ecg.plotting import save_contact_sheet

AREA = Area("tables of hospitals", lambda: mpl.use("Agg"))
R = make.records(4)
IDS = R.ids.tolist()


def _table(**columns):
    return pd.DataFrame({"id": IDS} | columns)


NAMES = _table(diagnoses=["AF;LBBB", "NSR", "", "AF"])
FLAGS = _table(AF=[1, 0, 0, 1], LBBB=[1, 0, 0, 0])


def _join(table=NAMES, **options):
    options = {"id_column": "id", "label_column": "diagnoses", "separator": ";"} | options
    return join_labels(R, table, **options)


def _join_flags(table=FLAGS, **options):
    return join_labels(R, table, id_column="id", **options)


def _file(name, content):
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return name


AREA.errors(
    "datasets.join_labels",
    {
        "no records": lambda: join_labels(None, NAMES, id_column="id"),
        "an array in place of records": lambda: join_labels(make.signals(4), NAMES),
        "None as table": lambda: _join(None),
        "a number as table": lambda: _join(3),
        "a text that is no path": lambda: _join("AF;LBBB"),
        "an array": lambda: _join_flags(np.eye(4)),
        "lists of too few records": lambda: join_labels(R, [["AF"], ["AF", "LBBB"]]),
        "lists of numbers": lambda: join_labels(R, [[1], [2], [3], [4]]),
        "lists of lists of lists": lambda: join_labels(R, [[["AF"]]] * 4),
        "a dict": lambda: join_labels(R, {"r0": ["AF"]}),
        "a set of lists": lambda: join_labels(R, {("AF",), ("NSR",)}),
        "a column that there is not": lambda: _join(label_column="labels"),
        "a column of ids that there is not": lambda: _join(id_column="ecg"),
        "columns of labels that there are not": lambda: _join_flags(label_columns=["VT"]),
        "both forms at once": lambda: _join(label_columns=["diagnoses"]),
        "a separator without a column": lambda: _join_flags(separator=";"),
        "ids of other records": lambda: _join(NAMES.assign(id=list("abcd"))),
        "no rows": lambda: _join(NAMES[:0]),
        "two columns of one name": lambda: _join_flags(FLAGS.set_axis(["id", "AF", "AF"], axis=1)),
        "labels of 0.5": lambda: _join_flags(FLAGS.assign(AF=0.5)),
        "labels of 7": lambda: _join_flags(FLAGS.assign(AF=7)),
        "labels that are dates": lambda: _join_flags(FLAGS.assign(AF=pd.Timestamp("2020-01-01"))),
        "labels that are infinite": lambda: _join_flags(FLAGS.assign(AF=np.inf)),
        "labels by words that are no yes or no": lambda: _join_flags(FLAGS.assign(AF="often")),
        "labels that are lists": lambda: _join_flags(FLAGS.assign(AF=[[1], [0], [], [1]])),
        "names that are dicts": lambda: _join(NAMES.assign(diagnoses=[{"AF": 1}] * 4)),
        "trust by words": lambda: _join(
            NAMES.assign(reviewed=["yes", "no", "perhaps", "no"]), trusted_column="reviewed"
        ),
        "trust by numbers": lambda: _join(
            NAMES.assign(reviewed=[1, 2, 3, 4]), trusted_column="reviewed"
        ),
        "a column of trust that there is not": lambda: _join(trusted_column="reviewed"),
        "a column of patients that there is not": lambda: _join(group_column="patient"),
        "a column of metadata that there is not": lambda: _join(metadata_columns=["age"]),
        "a table that is gone": lambda: _join("none.csv"),
        "a folder as table": lambda: (os.mkdir("t.csv"), _join("t.csv")),
        "a pipe as table": lambda: (os.mkfifo("t.csv"), _join("t.csv")),
        "an empty table": lambda: _join(_file("t.csv", "")),
        "a table of a header alone": lambda: _join(_file("t.csv", "id;diagnoses\n")),
        "a table of zeros": lambda: _join(_file("t.csv", bytes(1000))),
        "a PDF as table": lambda: _join(_file("t.csv", b"%PDF-1.7\n\xff\xfe")),
        "a table of an unknown suffix": lambda: _join(_file("t.doc", "id;diagnoses")),
        "an Excel file that is none": lambda: _join(_file("t.xlsx", "id;diagnoses")),
        "an Excel file that is cut": lambda: (
            NAMES.to_excel("t.xlsx"),
            make.cut("t.xlsx", 0.5),
            _join("t.xlsx"),
        ),
        "a Parquet file that is none": lambda: _join(_file("t.parquet", "PAR1")),
        "a row of more cells than the header": lambda: _join_flags(
            _file("t.csv", "id,AF\nr0,1,1\nr1,0,0\nr2,0,0\nr3,1,1\n")
        ),
        "a quote that is not closed": lambda: _join_flags(
            _file("t.csv", 'id,AF\nr0,"1\nr1,0\nr2,0\nr3,1\n')
        ),
    },
)


def _as_expected(records):
    expected = pd.DataFrame(
        [[1, 1, 0], [0, 0, 1], [-1, -1, -1], [1, 0, 0]], IDS, ["AF", "LBBB", "NSR"]
    )
    found = pd.DataFrame(records.labels, records.ids, records.label_names)
    pd.testing.assert_frame_equal(found[expected.columns], expected, check_dtype=False)
    return "right"


_CSV = "id;diagnoses\nr3;AF\nr1;NSR\nr2;\nr0;AF,LBBB\n"
FORMS = {
    "rows in another order": lambda: NAMES[::-1],
    "lists of names": lambda: NAMES.assign(diagnoses=[["AF", "LBBB"], ["NSR"], None, ["AF"]]),
    "blanks around names": lambda: NAMES.assign(diagnoses=[" AF ; LBBB ", "NSR;", " ", "AF;AF"]),
    "a row for each name": lambda: pd.DataFrame(
        {"id": ["r0", "r0", "r1", "r2", "r3"], "diagnoses": ["AF", "LBBB", "NSR", None, "AF"]}
    ),
    "CSV with the mark of UTF-8": lambda: _file("t.csv", "\ufeff" + _CSV),
    "CSV in UTF-16": lambda: _file("t.csv", _CSV.encode("utf-16")),
    "CSV with lines of Windows": lambda: _file("t.csv", _CSV.replace("\n", "\r\n")),
    "CSV with lines of old Macs": lambda: _file("t.csv", _CSV.replace("\n", "\r")),
    "CSV with sep= before it": lambda: _file("t.csv", "sep=;\n" + _CSV),
    "Excel": lambda: NAMES.to_excel("t.xlsx", index=False) or "t.xlsx",
    "Parquet": lambda: NAMES.to_parquet("t.parquet") or "t.parquet",
}
for _name, _form in FORMS.items():
    AREA.case("datasets.join_labels", _name, "right")(
        lambda form=_form, name=_name: _as_expected(
            _join(form(), separator="," if "CSV" in name else ";")
        )
    )


@AREA.case("datasets.join_labels", "rows that are missing, and rows of nobody", "right")
def _():
    """Of a record without a row nothing is known; the report says whose rows go nowhere."""
    table = pd.concat([FLAGS[1:], FLAGS[:1].assign(id="nobody")])
    records = _join_flags(table)
    labels = pd.DataFrame(records.labels, records.ids)
    if len(records) == 4:
        assert (labels.loc["r0"] == -1).all()
    told = " ".join(records.report.astype(str).to_numpy().ravel())
    assert "nobody" in told and "r0" in told, told
    np.testing.assert_array_equal(labels.loc["r1":"r3"], FLAGS[["AF", "LBBB"]][1:])
    return "right"


@AREA.case("datasets.join_labels", "two rows of a record that contradict", "right")
def _():
    """Nobody knows which is right; all others are as they were."""
    records = _join_flags(pd.concat([FLAGS, FLAGS[:1].assign(AF=0)]))
    labels = pd.DataFrame(records.labels, records.ids, records.label_names)
    assert labels.loc["r0", "AF"] == -1 and "r0" in set(records.report["id"])
    np.testing.assert_array_equal(labels.loc["r1":"r3"], FLAGS[["AF", "LBBB"]][1:])
    return "right"


@AREA.case("datasets.join_labels", "names that no cell holds", "right")
def _():
    records = _join(label_names=["VT"])
    assert not (records.labels == 1).any()
    told = " ".join(records.report.astype(str).to_numpy().ravel())
    assert "AF" in told and "LBBB" in told, told
    return "right"


@AREA.case("datasets.join_labels", "codes that are numbers, with gaps", "right")
def _():
    codes = NAMES.assign(diagnoses=[164889003, np.nan, 426783006, 164889003])
    assert list(_join(codes).label_names) == ["164889003", "426783006"]
    return "right"


@AREA.case("datasets.join_labels", "a name that fits two records", "right", "error")
def _():
    records = make.records(4, ids=["a/x.xml", "b/x.xml", "c.xml", "d.xml"])
    table = pd.DataFrame({"id": ["x", "c", "d"], "AF": [1, 0, 1]})
    labelled = join_labels(records, table, id_column="id")
    labels = pd.DataFrame(labelled.labels, labelled.ids)[0]
    assert not {"a/x.xml", "b/x.xml"} & set(labels[labels != -1].index)
    assert "x" in set(labelled.report["id"].astype(str))
    return "right"


# Statements.


def _unknown(statements, expected=-1):
    """Statements of which nothing is understood leave all labels unknown."""
    labels, _ = statements_to_labels([statements, "Atrial fibrillation"], ["AF"])
    assert labels["AF"].tolist() == [expected, 1], labels
    return "right"


for _name, _statements in {
    "None": None,
    "NaN": np.nan,
    "NA": pd.NA,
    "NaT": pd.NaT,
    "an empty text": "",
    "blanks": "  \n\t ",
    "an empty list": [],
    "an empty array": np.array([], dtype=object),
    "lists of None": [None],
    "signs": "?!;.,;--",
    "10^5 characters": "x" * 10**5,
    "10^5 words": "of " * 10**5,
    "10^4 statements": ["unheard of"] * 10**4,
    "a code without a text": "snomed:",
    "a code that there is not": "snomed:99999999999999999999",
    "a system that there is not": "nobody:AF",
    "letters of no script": "\U0001f493\u200b\ufffe",
    "text that runs from right to left": "رجفان أذيني",
    "formulae of Excel": "=cmd|'/c calc'!A1",
}.items():
    AREA.case("datasets.statements_to_labels", f"a record of {_name}", "right", "error")(
        partial(_unknown, _statements)
    )
AREA.errors(
    "datasets.statements_to_labels",
    {
        "one text": lambda: statements_to_labels("Atrial fibrillation"),
        "None": lambda: statements_to_labels(None),
        "a number": lambda: statements_to_labels(3),
        "a dict": lambda: statements_to_labels({"r0": "AF"}),
        "bytes": lambda: statements_to_labels(b"AF"),
        "numbers": lambda: statements_to_labels([1, 2, 3]),
        "lists of numbers": lambda: statements_to_labels([[1], [2.5]]),
        "dicts for records": lambda: statements_to_labels([{"AF": 1.0}, {}]),
        "lists of dicts": lambda: statements_to_labels([[{"text": "AF"}]]),
        "lists of lists": lambda: statements_to_labels([[["AF"]]]),
        "bytes for records": lambda: statements_to_labels([b"AF", b"NSR"]),
        "dates for records": lambda: statements_to_labels([pd.Timestamp("2020-01-01")]),
        "a table": lambda: statements_to_labels(pd.DataFrame({"a": ["AF"], "b": ["NSR"]})),
        "an array of two axes": lambda: statements_to_labels(np.ones((2, 3))),
        "labels that there are not": lambda: statements_to_labels(["AF"], ["dizzy"]),
        "labels as one text": lambda: statements_to_labels(["AF"], "AF"),
        "labels that are numbers": lambda: statements_to_labels(["AF"], [1]),
        "a column that there is not": lambda: statements_to_labels(["AF"], by="colour"),
        "an unknown system": lambda: statements_to_labels(["AF"], system="icd"),
        "codes of no system": lambda: statements_to_labels(["AF"], by="code"),
    },
)


def _with(**columns):
    return make.records(4).with_metadata(pd.DataFrame(columns, index=IDS))


AREA.errors(
    "datasets.label_sources",
    {
        "no records": lambda: label_sources(None),
        "an array": lambda: label_sources(make.signals()),
        "a table": lambda: label_sources(FLAGS),
        "records without metadata": lambda: label_sources(R),
        "records without statements": lambda: label_sources(_with(age_years=[1.0, 2, 3, 4])),
        "statements that are numbers": lambda: label_sources(_with(machine_statements=range(4))),
        "statements that are dicts": lambda: label_sources(
            _with(machine_statements=[{"a": 1}] * 4)
        ),
        "labels that there are not": lambda: label_sources(
            _with(machine_statements=["AF"] * 4), ["dizzy"]
        ),
    },
)


@AREA.case("datasets.label_sources", "statements of which none is understood", "right")
def _():
    sources, unknown = label_sources(_with(machine_statements=["unheard of"] * 4))
    assert sources == {} and unknown.loc["machine", "unheard of"] == 4
    return "right"


# Metadata.


AREA.errors(
    "records.ECGRecords",
    {
        f"metadata {_name}": lambda table=_table_: R.with_metadata(table)
        for _name, _table_ in {
            "of text": "age",
            "of a number": 3,
            "as a list": [61, 48, 7, 3],
            "as a dict": {"age_years": [61, 48, 7, 3]},
            "as an array": np.ones((4, 2)),
            "as a column": pd.Series([61, 48, 7, 3], IDS),
            "of too few records": pd.DataFrame({"a": [1, 2]}, IDS[:2]),
            "of too many records": pd.DataFrame({"a": range(9)}),
            "of other ids": pd.DataFrame({"a": range(4)}, list("abcd")),
            "of an id that stands twice": pd.DataFrame({"a": range(4)}, ["r0", "r0", "r1", "r2"]),
            "of ids that are missing": pd.DataFrame({"a": range(4)}, ["r0", "r1", "r2", None]),
            "of two columns of one name": pd.DataFrame(np.ones((4, 2)), IDS, ["a", "a"]),
            "of columns that are numbers": pd.DataFrame(np.ones((4, 2)), IDS),
            "of two levels of columns": pd.DataFrame(
                np.ones((4, 2)), IDS, pd.MultiIndex.from_tuples([("a", 1), ("b", 1)])
            ),
            "of two levels of ids": pd.DataFrame(
                {"a": range(4)}, pd.MultiIndex.from_product([["r0", "r1"], ["x", "y"]])
            ),
        }.items()
    },
)


@AREA.case("records.ECGRecords", "metadata in another order", "right")
def _():
    table = pd.DataFrame({"age_years": [3.0, 2, 1, 0]}, IDS[::-1])
    assert R.with_metadata(table).metadata["age_years"].tolist() == [0, 1, 2, 3]
    return "right"


# Names that are hidden.

KEY = "kept in our safe"

AREA.errors(
    "datasets.anonymise",
    {
        "an array": lambda: anonymise(make.signals()),
        "None": lambda: anonymise(None),
        "cleaned records": lambda: anonymise(
            CleanedRecords(
                make.signals(), make.RATE, labels=make.labels(), weak_labels=make.labels(),
                provenance=np.full((6, 2), "kept"), confidence=np.ones((6, 2)),
            )
        ),
        "an empty key": lambda: anonymise(R, ""),
        "a key of 15 characters": lambda: anonymise(R, KEY[:-1]),
        "a key that is a number": lambda: anonymise(R, 4711),
        "a key that is True": lambda: anonymise(R, True),
        "a key that is a list": lambda: anonymise(R, [KEY]),
        "a key that is a path": lambda: anonymise(R, Path(KEY)),
        "ages by words": lambda: anonymise(_with(age_years=["old"] * 4), KEY),
        "times by words": lambda: anonymise(_with(recorded_at=["2020-01-01"] * 4), KEY),
    },
)  # fmt: skip


@AREA.case("datasets.anonymise", "a date before 1700 and none at all", "right")
def _():
    times = np.array(["1690-01-01", "NaT", "2020-01-01", "2020-01-03"], "datetime64[s]")
    records = make.records(4, groups=["a", "b", "c", "c"])
    records = records.with_metadata(pd.DataFrame({"recorded_at": times}, IDS))
    found = anonymise(records, KEY).metadata["recorded_at"].to_numpy()
    assert np.isnat(found).tolist() == [False, True, False, False]
    assert found[3] - found[2] == np.timedelta64(2, "D") and found[0] < times[0]
    return "right"


@AREA.case("datasets.anonymise", "names in the report, the ids and unknown columns", "right")
def _():
    os.mkdir("f")
    for n, name in enumerate(("Doe_John", "Roe_Jane")):
        Path(f"f/{name}.xml").write_bytes(exports.muse(make.signal(n), patient=f"{name}-1950"))
    Path("f/Poe_Edgar.xml").write_bytes(exports.muse(make.signal(3))[:900])
    records = load_ecg_files("f", anonymise=KEY)
    records = records.with_metadata(records.metadata)
    shown = [
        repr(records),
        records._repr_html_(),
        records.metadata.to_string(),
        records.report.to_string(),
        str(records.ids),
        str(records.groups),
    ]
    for name in ("Doe", "Roe", "Poe", "Jane", "1950"):
        assert not any(name in text for text in shown), (name, shown)
    return "right"


# What is written.


def _write(records=R, folder="out", format="wfdb", **options):
    return write_ecg_files(records, folder, format, **options)


def _denied():
    os.mkdir("out")
    as_nobody("out", lambda folder: _write(folder="elsewhere"))
    os.chmod("out", 0o555)
    return _write()


AREA.errors(
    "datasets.write_ecg_files",
    {
        "an array": lambda: _write(make.signals()),
        "None": lambda: _write(None),
        "a table of features": lambda: _write(
            ECGRecords(make.table()[0], labels=make.table()[1], label_names=make.LABELS)
        ),
        "no rate": lambda: _write(ECGRecords(make.signals(), lead_names=make.LEADS)),
        "no names of leads": lambda: _write(ECGRecords(make.signals(), make.RATE)),
        "an unknown format": lambda: _write(format="pdf"),
        "no folder": lambda: _write(folder=None),
        "a file as folder": lambda: (Path("out").write_text(""), _write()),
        "a folder within a file": lambda: (Path("out").write_text(""), _write(folder="out/in")),
        "a folder that may not be written": _denied,
        "files that are there": lambda: (_write(), _write()),
    },
)


def _written_back(format, ids, expected=None):
    """Whatever ids are, each record has a file of its own inside of the folder."""
    records = make.records(4, ids=ids)
    before = set(Path().rglob("*"))
    write_ecg_files(records, "out", format)
    outside = {path for path in Path().rglob("*") if "out" not in path.parts}
    assert outside == before
    signals = load_ecg_files("out", verify=True).signals
    assert len(signals) == 4
    found = sorted(np.asarray(signal)[0, 5] for signal in signals)
    np.testing.assert_allclose(found, sorted(records.signals[:, 0, 5]), atol=1.1e-3)
    return "right"


for _format in ("wfdb", "edf", "dicom", "csv"):
    for _name, _ids in {
        "that lead out of the folder": ["../a", "../../a", "/a", "a"],
        "that differ in case alone": ["a", "A", "b", "B"],
        "of letters that files lack": ["a/b", "a:b", "a*b", "a\nb"],
        "of names that Windows keeps": ["CON", "nul", "com1", "a."],
        "of 300 characters": [f"{'a' * 300}{n}" for n in range(4)],
        "of no ASCII": ["ä", "王", "\U0001f493", "é"],
        "that are numbers": [1, 2, 3, 4],
    }.items():
        AREA.case("datasets.write_ecg_files", f"{_format} by ids {_name}", "right")(
            partial(_written_back, _format, _ids)
        )


def _strange(format, value):
    """What a format cannot hold is said; all else is what it was."""
    signals = make.signals(4)
    signals[1] = value
    records = ECGRecords(signals, make.RATE, lead_names=make.LEADS, ids=IDS)
    written = write_ecg_files(records, "out", format)
    again = load_ecg_files("out", verify=True)
    names = {written.loc[id, "file"]: signals[row] for row, id in enumerate(IDS) if id != "r1"}
    for name, signal in names.items():
        found = np.asarray(again.signals[again.ids.tolist().index(name)])
        np.testing.assert_allclose(found, signal, atol=1.1e-3)
    if written.loc["r1", "problem"]:
        return "nan"
    found = np.asarray(again.signals[again.ids.tolist().index(written.loc["r1", "file"])])
    np.testing.assert_allclose(found, signals[1], rtol=1e-3, atol=1.1e-3)
    return "right"


for _format in ("wfdb", "edf", "dicom", "csv"):
    for _value in (np.nan, np.inf, 0.0, 32.767, 1e4, 1e30, -1e-30):
        AREA.case("datasets.write_ecg_files", f"{_format} of {_value} mV", "right", "nan")(
            partial(_strange, _format, _value)
        )


AREA.errors(
    "plotting.save_contact_sheet",
    {
        "an array": lambda: save_contact_sheet(make.signals(), "s.pdf"),
        "None": lambda: save_contact_sheet(None, "s.pdf"),
        "no path": lambda: save_contact_sheet(R, None),
        "another suffix": lambda: save_contact_sheet(R, "s.png"),
        "a folder as path": lambda: (os.mkdir("s.pdf"), save_contact_sheet(R, "s.pdf")),
        "a folder that there is not": lambda: save_contact_sheet(R, "none/s.pdf"),
        "no pictures": lambda: save_contact_sheet(R, "s.pdf", max_records=0),
        "half a picture": lambda: save_contact_sheet(R, "s.pdf", max_records=0.5),
        "a random state of text": lambda: save_contact_sheet(
            R, "s.pdf", max_records=1, random_state="x"
        ),
        "records without a rate": lambda: save_contact_sheet(ECGRecords(make.signals()), "s.pdf"),
        "no records": lambda: save_contact_sheet(R[:0], "s.pdf"),
        "a table of features": lambda: save_contact_sheet(ECGRecords(make.table()[0]), "s.pdf"),
    },
)


@AREA.case("plotting.save_contact_sheet", "records of NaN, and of endless values", "right")
def _():
    signals = make.signals(4)
    signals[0], signals[1], signals[2, 0] = np.nan, np.inf, 1e30
    records = ECGRecords(signals, make.RATE, lead_names=make.LEADS)
    assert save_contact_sheet(records, "s.pdf") == 4
    return "right"


@AREA.case(
    "plotting.save_contact_sheet", "names that are formulae and letters of all scripts", "right"
)
def _():
    records = make.records(4, ids=["$\\frac{", "王", "a\nb", "x" * 500])
    assert save_contact_sheet(records, "s.pdf") == 4
    return "right"

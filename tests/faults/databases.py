"""Published databases of which a file is damaged, missing or another one, and their downloads."""

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import wfdb
from scipy.io import savemat

from faults import make
from faults.cases import Area
from sklearn_ecg.datasets import (
    _fetch,
    fetch_cpsc2018,
    fetch_ludb,
    fetch_mitdb,
    fetch_ptbxl,
    load_challenge,
    load_cinc2017,
    load_cpsc2018,
    load_ludb,
    load_ludb_annotations,
    load_mitdb,
    load_ptbxl,
    load_vocabulary,
)

AREA = Area("databases")
N_RECORDS = 3


def _header_and_mat(folder, name, mv, rate, leads, comments="", checksums=True):
    """Write a record as the Challenges publish theirs."""
    samples = np.round(mv * 1000).astype("<i2")
    savemat(f"{folder}/{name}.mat", {"val": samples}, format="4")
    lines = [f"{name} {len(mv)} {rate} {mv.shape[1]}"]
    for own, lead in zip(samples, leads, strict=True):
        total = int(own.sum(dtype=np.int16)) if checksums else 0
        lines.append(f"{name}.mat 16+24 1000/mV 16 0 {own[0]} {total} 0 {lead}")
    Path(f"{folder}/{name}.hea").write_text("\n".join(lines) + "\n" + comments)


def _twelve(seed, rate, seconds=10):
    return make.signal(seed, n_leads=12, seconds=seconds, rate=rate)


def _mitdb(folder):
    for number in range(N_RECORDS):
        mv = make.signal(number, seconds=20, rate=360)
        make.wfdb(folder, f"10{number}", mv, rate=360, leads=["MLII", "V1"])
        wfdb.wrann(f"10{number}", "atr", np.array([100, 4000]), ["N", "V"], write_dir=folder)


def _ptbxl(folder):
    rows = ["ecg_id,patient_id,scp_codes,strat_fold,filename_lr,filename_hr"]
    for number in range(1, N_RECORDS + 1):
        place = f"records100/00000/0000{number}_lr"
        make.wfdb(f"{folder}/records100/00000", f"0000{number}_lr", _twelve(number, 100))
        rows.append(f"{number},{number}.0,\"{{'NORM': 100.0}}\",{number},{place},")
    Path(folder, "ptbxl_database.csv").write_text("\n".join(rows) + "\n")


def _ludb(folder):
    columns = ["ID", *dict.fromkeys(load_vocabulary("ludb")["subclass"])]
    rows = [",".join(columns)]
    for number in range(1, N_RECORDS + 1):
        make.wfdb(f"{folder}/data", str(number), _twelve(number, 500), rate=500)
        rows.append(f"{number},Sinus rhythm" + "," * (len(columns) - 2))
        for lead in make.TWELVE:
            waves = np.array([600, 620, 650]), ["(", "N", ")"]
            wfdb.wrann(str(number), "atr", *waves, write_dir=f"{folder}/data")
            os.rename(f"{folder}/data/{number}.atr", f"{folder}/data/{number}.{lead.lower()}")
    Path(folder, "ludb.csv").write_text("\n".join(rows) + "\n")


def _cpsc2018(folder):
    rows = ["Recording,First_label,Second_label,Third_label"]
    for number in range(N_RECORDS):
        ecg = {"sex": "Male", "age": 60, "data": _twelve(number, 500)}
        savemat(f"{folder}/A000{number}.mat", {"ECG": ecg}, do_compression=True)
        rows.append(f"A000{number},{number + 1},,")
    Path(folder, "REFERENCE.csv").write_text("\n".join(rows) + "\n")


def _cinc2017(folder):
    rows = []
    for number in range(N_RECORDS):
        mv = make.signal(number, n_leads=1, seconds=10, rate=300)
        _header_and_mat(folder, f"A0000{number}", mv, 300, ["ECG"], checksums=False)
        rows.append(f"A0000{number},N")
    Path(folder, "REFERENCE.csv").write_text("\n".join(rows) + "\n")


def _challenge(folder):
    for number in range(N_RECORDS):
        mv, name = _twelve(number, 500), f"A000{number}"
        _header_and_mat(folder, name, mv, 500, make.TWELVE, "#Dx: 426783006\n")


@dataclass(frozen=True)
class Database:
    """A database: what loads and writes it, its table, and files of one record."""

    load: Callable
    write: Callable
    table: str | None
    id: str
    header: str | None
    signal: str

    @property
    def function(self):
        return f"datasets.{self.load.__name__}"


DATABASES = [
    Database(load_mitdb, _mitdb, None, "101", "101.hea", "101.dat"),
    Database(
        load_ptbxl,
        _ptbxl,
        "ptbxl_database.csv",
        "2",
        "records100/00000/00002_lr.hea",
        "records100/00000/00002_lr.dat",
    ),
    Database(load_ludb, _ludb, "ludb.csv", "2", "data/2.hea", "data/2.dat"),
    Database(load_cpsc2018, _cpsc2018, "REFERENCE.csv", "A0001", None, "A0001.mat"),
    Database(load_cinc2017, _cinc2017, "REFERENCE.csv", "A00001", "A00001.hea", "A00001.mat"),
    Database(load_challenge, _challenge, None, "A0001", "A0001.hea", "A0001.mat"),
]


def _written(database):
    os.mkdir("d")
    database.write("d")


def _ids(records):
    return {str(id).split("/")[0] for id in records.ids}


def _bad_record(database, file, change):
    """All records but one are read as they were, and that one is reported or an error."""
    _written(database)
    whole = database.load("d")
    truth = {str(id): np.asarray(own) for id, own in zip(whole.ids, whole.signals, strict=True)}
    change(Path("d", getattr(database, file)))
    records = database.load("d")
    assert _ids(records) | {database.id} == _ids(whole), f"{_ids(records)} are left"
    rows = {str(id): row for row, id in enumerate(records.ids)}
    for id, row in rows.items():
        if not id.startswith(database.id):
            np.testing.assert_array_equal(records.signals[row], truth[id])
    if database.id in _ids(records):
        own = next(row for id, row in rows.items() if id.startswith(database.id))
        np.testing.assert_array_equal(records.signals[own], truth[str(records.ids[own])])
        return "right"
    told = records.report[["id", "file"]].astype(str).to_numpy().ravel()
    assert any(database.id in text for text in told), records.report.to_dict("records")
    return "skip"


CHANGES = {
    "cut short": lambda path: make.cut(path, 0.5),
    "empty": lambda path: path.write_bytes(b""),
    "gone": Path.unlink,
    "of other bytes": lambda path: path.write_bytes(bytes(range(256)) * 20),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
}
for _database in DATABASES:
    for _file in ("header", "signal"):
        if getattr(_database, _file) is not None:
            for _name, _change in CHANGES.items():
                AREA.case(
                    _database.function,
                    f"a {_file} that is {_name}",
                    "skip",
                    "error",  # where it is read when it is touched
                )(partial(_bad_record, _database, _file, _change))


def _bad_table(database, change):
    _written(database)
    change(Path("d", database.table))
    return database.load("d")


def _without_last_column(path):
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line.rsplit(",", 1)[0] for line in lines) + "\n")


TABLES = {
    "gone": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "of NULs": lambda path: path.write_bytes(bytes(1000)),
    "another table": lambda path: path.write_text("a,b,c,d,e\n1,2,3,4,5\n"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
}
for _database in DATABASES:
    AREA.errors(
        _database.function,
        {
            "no such folder": lambda load=_database.load: load("none"),
            "an empty folder": lambda load=_database.load: (os.mkdir("d"), load("d")),
            "a file in place of the folder": lambda load=_database.load: (
                Path("d").write_text(""),
                load("d"),
            ),
            "no path": lambda load=_database.load: load(None),
        },
    )
    if _database.table is not None:
        AREA.errors(
            _database.function,
            {
                f"a table that is {name}": partial(_bad_table, _database, change)
                for name, change in TABLES.items()
            },
        )

AREA.errors(
    "datasets.load_ptbxl",
    {
        "a rate that is not published": lambda: load_ptbxl(".", sampling_rate=250),
        "an unknown task": lambda: load_ptbxl(".", task="rhythms"),
        "a table without statements": lambda: _bad_table(
            DATABASES[1],
            lambda path: path.write_text(path.read_text().replace("scp_codes", "codes")),
        ),
        "a path that leaves the folder": lambda: _bad_table(
            DATABASES[1],
            lambda path: path.write_text(path.read_text().replace("records100/", "../")),
        ),
    },
)
AREA.errors(
    "datasets.load_mitdb",
    {
        "a window of no time": lambda: (_written(DATABASES[0]), load_mitdb("d", window=0)),
        "a window that is NaN": lambda: (_written(DATABASES[0]), load_mitdb("d", window=np.nan)),
        "a lead that no record has": lambda: (
            _written(DATABASES[0]),
            load_mitdb("d", leads=["V9"]),
        ),
        "an unknown beat type": lambda: (_written(DATABASES[0]), load_mitdb("d", labels=["AF"])),
        "no labels": lambda: (_written(DATABASES[0]), load_mitdb("d", labels=[])),
    },
)
AREA.errors(
    "datasets.load_challenge",
    {"unknown classes": lambda: (_written(DATABASES[5]), load_challenge("d", classes="best"))},
)
AREA.errors(
    "datasets.load_cinc2017",
    {"unknown labels": lambda: (_written(DATABASES[4]), load_cinc2017("d", labels="true"))},
)


@AREA.case("datasets.load_ptbxl", "statements that are code", "skip", "error")
def _():
    code = "__import__('os').mkdir('ran')"

    def change(path):
        path.write_text(path.read_text().replace("{'NORM': 100.0}", code, 1))

    try:
        records = _bad_table(DATABASES[1], change)
    finally:
        assert not Path("ran").exists(), "code of the table was run"
    assert records.report["id"].astype(str).tolist() == ["1"], records.report
    assert (records.labels[0] == -1).all() and records.labels[1:].any()
    return "skip"


@AREA.case("datasets.load_challenge", "a code that is unknown", "skip")
def _():
    _written(DATABASES[5])
    path = Path("d/A0001.hea")
    path.write_text(path.read_text().replace("426783006", "999999999"))
    records = load_challenge("d")
    assert records.report["id"].astype(str).str.contains("A0001").any()
    return "skip"


def _annotations(change):
    _written(DATABASES[2])
    change(Path("d/data/2.ii"))
    waves = load_ludb_annotations("d")
    named = str(waves.attrs["report"])
    assert len(waves) == 12 * N_RECORDS - 1 and "2.ii" in named, named
    return "skip"


for _name, _change in CHANGES.items():
    AREA.case("datasets.load_ludb_annotations", f"a file that is {_name}", "skip")(
        partial(_annotations, _change)
    )
AREA.errors(
    "datasets.load_ludb_annotations",
    {
        "no such folder": lambda: load_ludb_annotations("none"),
        "an empty folder": lambda: (os.mkdir("d"), load_ludb_annotations("d")),
    },
)


# Downloads from a server on this machine.

FETCHED = {
    fetch_mitdb: ("files/mitdb/1.0.0", "100.hea"),
    fetch_ptbxl: ("files/ptb-xl/1.0.3", "records100/00000/00001_lr.hea"),
    fetch_cpsc2018: ("files/challenge-2020/1.0.2", "training/cpsc_2018/g1/A0001.hea"),
    fetch_ludb: ("files/ludb/1.0.1", "data/1.hea"),
}
_CONTENT = b"100 2 360 650000\n"


def _served(fetch, *, listing=None, body=_CONTENT, status=200):
    """Fetch from a server that answers with other things than it should."""
    place = _fetch._PTBXL.page if fetch is fetch_ptbxl else FETCHED[fetch][0]
    name = FETCHED[fetch][1]
    sums = f"{hashlib.sha256(_CONTENT).hexdigest()} {name}\n" if listing is None else listing

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer = sums.encode() if self.path.endswith("SUMS.txt") else body
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer) if len(answer) < 10**7 else 10))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _fetch._PHYSIONET = f"http://127.0.0.1:{server.server_port}"
    import pooch

    pooch.core.time = SimpleNamespace(sleep=lambda seconds: None)
    try:
        fetch("d", verbose=0)
    finally:
        left = [p for p in Path(".").rglob("*") if p.is_file() and p.name != "SHA256SUMS.txt"]
        assert not left, f"{place}: {left} are left"


for _fetches in FETCHED:
    AREA.errors(
        f"datasets.{_fetches.__name__}",
        {
            "a server that does not know the files": partial(_served, _fetches, status=404),
            "a server that is broken": partial(_served, _fetches, status=503),
            "files that do not agree with their checksums": partial(
                _served, _fetches, body=b"something else"
            ),
            "a list of checksums that is empty": partial(_served, _fetches, listing=""),
            "a list of checksums that is a web page": partial(
                _served, _fetches, listing="<html>Please log in</html>"
            ),
            "a list with files outside the folder": partial(
                _served, _fetches, listing=f"{'0' * 64} ../../etc/cron.d/x\n"
            ),
            "a file as the folder": lambda fetch=_fetches: (
                Path("d").write_text(""),
                fetch("d", verbose=0),
            ),
        },
    )
AREA.errors(
    "datasets.fetch_ptbxl",
    {"a rate that is not published": lambda: fetch_ptbxl("d", sampling_rate=250)},
)

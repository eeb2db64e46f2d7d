"""Review queues of which something is wrong, and what cannot be put into them."""

import functools
import os
import shutil
import socket
import sqlite3
import tempfile
import warnings
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd

from faults import make
from faults.cases import Area, as_nobody
from sklearn_ecg import AFPLabelCleaner, ECGRecords
from sklearn_ecg.records import LazySignals, UnreadRecordsWarning
from sklearn_ecg.review import (
    ANSWERS,
    ECGWidget,
    ReviewQueue,
    create_app,
    from_label_studio,
    serve,
    to_label_studio,
)

N_RECORDS, N_TRUSTED = 40, 20


@functools.cache
def fitted():
    """Return a cleaner and its records."""
    rng = np.random.default_rng(0)
    ids = make.ids(N_RECORDS)
    truth = rng.integers(0, 2, (N_RECORDS, 2))
    features = pd.DataFrame(truth + rng.normal(0, 0.4, truth.shape), ids)
    labels = pd.DataFrame(truth, ids, make.LABELS)
    trusted = np.arange(N_RECORDS) < N_TRUSTED
    cleaner = AFPLabelCleaner(max_iter=1, random_state=0).fit(features, labels, trusted=trusted)
    records = ECGRecords(make.signals(N_RECORDS), make.RATE, ids=ids, lead_names=make.LEADS)
    return cleaner, records


def new(*changed, path="q.sqlite", **options):
    """Make a queue, of the cleaner and records or of others."""
    cleaner, records = changed or fitted()
    return ReviewQueue.from_cleaner(cleaner, records, path, random_state=0, **options)


@functools.cache
def _made_once():
    path = Path(tempfile.mkdtemp()) / "q.sqlite"
    with new(path=path) as queue:
        queue.answer(1, "Ann", "present", key="1")
    return path


def there(change=None):
    """Put a queue with one answer into the folder; `change` takes its connection."""
    shutil.copy(_made_once(), "q.sqlite")
    if change is not None:
        with closing(sqlite3.connect("q.sqlite")) as connection, connection:
            change(connection)
    return "q.sqlite"


def opened():
    return ReviewQueue(there())


def prepare():
    _made_once()


AREA = Area("queues", prepare)


def _opened_after(change):
    def run():
        with ReviewQueue(there(change)) as queue:
            queue.next_questions("Ann")
            queue.answers()

    return run


def _written(content):
    def run():
        Path("q.sqlite").write_bytes(content)
        ReviewQueue("q.sqlite")

    return run


def _cut(share):
    def run():
        content = Path(there()).read_bytes()
        Path("q.sqlite").write_bytes(content[: int(share * len(content))])
        with ReviewQueue("q.sqlite") as queue:
            queue.next_questions("Ann", 50)
            for record in range(1, 20):
                queue.record(record)

    return run


def _sql(statement):
    return _opened_after(lambda connection: connection.execute(statement))


AREA.errors(
    "review.ReviewQueue",
    {
        "no file": lambda: ReviewQueue("q.sqlite"),
        "a folder": lambda: ReviewQueue("."),
        "a number": lambda: ReviewQueue(3),
        "a file that is empty": _written(b""),
        "a file of text": _written(b"id,label\n" * 500),
        "a file of zeros": _written(bytes(8192)),
        "half a queue": _cut(0.5),
        "a tenth of a queue": _cut(0.1),
        "the head of a queue": _cut(0.002),
        "of a newer version": _sql("UPDATE facts SET value = 9 WHERE name = 'schema_version'"),
        "of version 0": _sql("UPDATE facts SET value = 0 WHERE name = 'schema_version'"),
        "of no version": _sql("DELETE FROM facts WHERE name = 'schema_version'"),
        "of another format": _sql("UPDATE facts SET value = '\"x\"' WHERE name = 'format'"),
        "facts that are no JSON": _sql("UPDATE facts SET value = '{'"),
        "without its facts": _sql("DROP TABLE facts"),
        "without its questions": _sql("DROP TABLE questions"),
        "without its labels": _sql("DELETE FROM facts WHERE name = 'label_names'"),
        "a URL of another server": lambda: ReviewQueue("mysql://localhost/x"),
        "a URL of nothing": lambda: ReviewQueue("://"),
        "a server that is not there": lambda: ReviewQueue("postgresql+pg8000://127.0.0.1:1/x"),
        "of no cleaner": lambda: new(None, fitted()[1]),
        "of a cleaner that is not fitted": lambda: new(AFPLabelCleaner(), fitted()[1]),
        "of no records": lambda: new(fitted()[0], None),
        "of signals alone": lambda: new(fitted()[0], fitted()[1].signals),
        "of some records": lambda: new(fitted()[0], fitted()[1][1:]),
        "of other records": lambda: new(fitted()[0], make.records()),
        "of records without sampling rate": lambda: new(
            fitted()[0], ECGRecords(make.signals(N_RECORDS), ids=fitted()[1].ids)
        ),
        "of 0 questions": lambda: new(n_questions=0),
        "of half a question": lambda: new(n_questions=0.5),
        "more doubles than questions": lambda: new(double_share=1.1),
        "controls of NaN": lambda: new(control_share=np.nan),
        "in a folder that is not there": lambda: new(path="x/q.sqlite"),
        "in the place of a folder": lambda: new(path="."),
        "in the place of one with answers": lambda: new(path=there()),
        "an answer of nobody": lambda: opened().answer(1, "", "present"),
        "an answer to no question": lambda: opened().answer(999, "Ann", "present"),
        "an answer to question 1.5": lambda: opened().answer(1.5, "Ann", "present"),
        "an answer to question -1": lambda: opened().answer(-1, "Ann", "present"),
        "a note of half a character": lambda: opened().answer(1, "Ann", "skip", note="\udcff"),
        "a reader of half a character": lambda: opened().next_questions("\udcff"),
        "an answer after -1 seconds": lambda: opened().answer(1, "Ann", "skip", seconds=-1),
        "the key of another answer": lambda: opened().answer(2, "Ann", "absent", key="1"),
        "a label that there is not": lambda: opened().answer(1, "Ann", "absent", labels=["x"]),
        "a label that is a number": lambda: opened().answer(1, "Ann", "absent", labels=[1]),
        "questions for None": lambda: opened().next_questions(None),
        "-1 questions": lambda: opened().next_questions("Ann", -1),
        "a record that there is not": lambda: opened().record(999),
        "signals of a name": lambda: opened().record("r1"),
        "answers of trust 2": lambda: opened().answers(min_trust=2),
        "on records that were not asked": lambda: opened().on_records(
            make.records()[:1], min_trust=0
        ),
        "on a table": lambda: opened().on_records(pd.DataFrame()),
        "an update by no cleaner": lambda: opened().update(None),
    },
)
AREA.errors(
    "review.from_label_studio",
    {
        "no file": lambda: from_label_studio(opened(), "x.json"),
        "a folder": lambda: from_label_studio(opened(), "."),
        "no JSON": lambda: from_label_studio(opened(), there()),
        "into no queue": lambda: from_label_studio(None, "x.json"),
    },
)
AREA.errors(
    "review.to_label_studio",
    {
        "a folder that is not there": lambda: to_label_studio(opened(), "x/y.json"),
        "a folder": lambda: to_label_studio(opened(), "."),
        "of no queue": lambda: to_label_studio("q.sqlite", "y.json"),
    },
)
AREA.errors(
    "review.ANSWERS",
    {"an answer that there is not": lambda: opened().answer(1, "Ann", " ".join(ANSWERS))},
)


@AREA.case("review.ReviewQueue", "of a cleaner of other labels", "error")
def _():
    cleaner = fitted()[0]._of_same_input()
    cleaner.label_names_ = np.array(["A", "B"])
    cleaner._fit_kept()
    opened().update(cleaner)


@AREA.case("review.ReviewQueue", "a database of another program", "right", "error")
def _():
    with closing(sqlite3.connect("q.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE records (name TEXT)")
    before = Path("q.sqlite").read_bytes()
    try:
        new()
    except ValueError:
        assert Path("q.sqlite").read_bytes() == before, "it was changed"
    ReviewQueue("q.sqlite")


@AREA.case("review.ReviewQueue", "a file that may not be written", "error")
def _():
    there()
    os.chmod("q.sqlite", 0o444)
    as_nobody(".", lambda folder: ReviewQueue("q.sqlite").close())
    os.chmod(".", 0o555)
    with ReviewQueue("q.sqlite") as queue:
        queue.answer(2, "Ann", "present")


@AREA.case("review.ReviewQueue", "a file that may not be read", "error")
def _():
    there()
    as_nobody(".", lambda folder: ReviewQueue("q.sqlite").close())
    os.chmod("q.sqlite", 0)
    ReviewQueue("q.sqlite")


@AREA.case("review.ReviewQueue", "a record whose file is gone", "right")
def _():
    cleaner, records = fitted()
    gone = N_RECORDS - 1

    def read(row):
        if row == gone:
            raise FileNotFoundError("x.dat")
        return records.signals[row]

    lazy = records.with_signals(LazySignals(read, records.shape))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        queue = new(cleaner, lazy, n_questions=None)
    said = [str(one.message) for one in caught if one.category is UnreadRecordsWarning]
    assert len(said) == 1, said
    assert records.ids[gone] in said[0], said
    assert queue.progress()["n_questions"] == 2 * (N_RECORDS - N_TRUSTED - 1)
    return "right"


@AREA.case("review.ReviewQueue", "an amplitude of 1e300 mV, and a gap", "right")
def _():
    cleaner, records = fitted()
    signals = np.array(records.signals)
    signals[-1, 0, 5], signals[-1, 1, 9] = 1e300, np.nan
    queue = new(cleaner, records.with_signals(signals), n_questions=None)
    for question in queue.next_questions("Ann", 100):
        record = queue.record(question["record"]["record"])
        if record.ids[0] == records.ids[-1]:
            assert record.signals[0, 0, 5] == 1e300
            assert np.isnan(record.signals[0, 1, 9])
            return "right"
    return "it is not asked about"


def _app(**options):
    return create_app(opened(), **options)


AREA.errors(
    "review.create_app",
    {
        "the path of a queue": lambda: create_app(there()),
        "no queue": lambda: create_app(None),
        "a language that there is not": lambda: _app(language="fr"),
        "a language that is a number": lambda: _app(language=1),
        "a refit after -1 answers": lambda: _app(refit_every=-1),
        "a refit after True answers": lambda: _app(refit_every=True),
        "a refit after half an answer": lambda: _app(refit_every=0.5),
        "a reader without a name": lambda: _app(readers=["Ann", " "]),
        "a reader who is a number": lambda: _app(readers=[7]),
        "readers that are one text": lambda: _app(readers="Ann"),
        "hosts that are one text": lambda: _app(hosts="desk.local"),
    },
)


def _serve(app=None, **options):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        serve(_app() if app is None else app, sock, **options)


AREA.errors(
    "review.serve",
    {
        "a queue in the place of its application": lambda: _serve(opened()),
        "a port in the place of a socket": lambda: serve(_app(), 8765),
        "a certificate that is not there": lambda: _serve(ssl_certfile="x", ssl_keyfile="x"),
        "a certificate that is none": lambda: _serve(ssl_certfile=there(), ssl_keyfile=there()),
        "a certificate without its key": lambda: _serve(ssl_certfile=there()),
        "a key without its certificate": lambda: _serve(ssl_keyfile=there()),
        "a proxy that is one text": lambda: _serve(trusted_proxies="127.0.0.1"),
    },
)
AREA.errors(
    "review.ECGWidget",
    {
        "no records": lambda: ECGWidget(None),
        "signals alone": lambda: ECGWidget(make.signals(2)),
        "records without sampling rate": lambda: ECGWidget(ECGRecords(make.signals(2))),
        "a record that there is not": lambda: ECGWidget(make.records(), 10**6),
        "an id that there is not": lambda: ECGWidget(make.records(), "nobody"),
        "a layout that there is not": lambda: ECGWidget(make.records(), lead_layout="4x3"),
        "a layout that is a number": lambda: ECGWidget(make.records(), lead_layout=12),
        "a speed of 0": lambda: ECGWidget(make.records(), speed=0),
        "a speed of text": lambda: ECGWidget(make.records(), speed="25"),
        "a gain that is NaN": lambda: ECGWidget(make.records(), gain=np.nan),
        "waves in a list": lambda: ECGWidget(make.records(), waves=[1, 2]),
        "waves of another table": lambda: ECGWidget(make.records(), waves=pd.DataFrame({"a": [1]})),
        "waves by their name": lambda: ECGWidget(make.records(), waves="P"),
    },
)

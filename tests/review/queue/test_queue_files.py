"""Files that are no queue, are damaged, of another version, locked, full, or not to be written."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing

import numpy as np
import pytest
import sqlalchemy as sa
from sklearn.exceptions import NotFittedError

from sklearn_ecg import AFPLabelCleaner, CleanedRecords, ECGRecords
from sklearn_ecg.review import ReviewQueue
from sklearn_ecg.review.queue import _database
from tests.review.queues import cleaner_and_records, new_queue, queue_at


@pytest.fixture
def path(tmp_path):
    return tmp_path / "queue.sqlite"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(_database, "_PATIENCE_S", 0.2)


def change(path, statement):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def refuses(path, error, *words):
    with pytest.raises(error) as found:
        ReviewQueue(path)
    for word in (str(path), *words):
        assert word in str(found.value)


def test_a_file_that_is_not_there(path):
    refuses(path, FileNotFoundError, "There is no", "from_cleaner")
    assert not path.exists()
    path.touch()
    refuses(path, FileNotFoundError, "is empty", "from_cleaner")
    refuses(path.parent, IsADirectoryError, "is a folder")
    with pytest.raises(TypeError, match="url must be the path of a file"):
        ReviewQueue(3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"id,label,answer\n1,AF,1\n" * 100, "is no database of SQLite"),
        (b"SQLite format 3\0" + b"\xff" * 5000, "is no database of SQLite"),
    ],
)
def test_a_file_that_is_no_queue(path, content, words):
    path.write_bytes(content)
    refuses(path, ValueError, words)
    with pytest.raises(ValueError, match=words):
        new_queue(path)
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_left_alone(path):
    change(path, "CREATE TABLE answers (answer INTEGER PRIMARY KEY, said TEXT)")
    change(path, "INSERT INTO answers VALUES (1, 'mine')")
    before = path.read_bytes()
    refuses(path, ValueError, "is a database of something else")
    with pytest.raises(ValueError, match="is a database of something else"):
        new_queue(path)
    assert path.read_bytes() == before
    change(path, "DROP TABLE answers")
    change(path, "CREATE TABLE facts (name TEXT, value TEXT)")
    refuses(path, ValueError, "is a database of something else")


def test_a_queue_of_a_newer_version_is_refused(path):
    queue_at(path).close()
    change(path, "UPDATE facts SET value = '99' WHERE name = 'schema_version'")
    change(path, "UPDATE facts SET value = '\"9.9\"' WHERE name = 'made_by'")
    newer = path.read_bytes()
    refuses(path, ValueError, "sklearn_ecg 9.9 with version 99", "Install that version")
    assert path.read_bytes() == newer
    change(path, "UPDATE facts SET value = '\"x\"' WHERE name = 'schema_version'")
    refuses(path, ValueError, "is damaged: its schema_version is 'x'")
    change(path, "UPDATE facts SET value = 'x' WHERE name = 'schema_version'")
    refuses(path, OSError, "is damaged: a value is no JSON")


def test_a_damaged_queue_says_so(path):
    queue_at(path).close()
    content = bytearray(path.read_bytes())
    content[4096 * 3 :] = b"\xa5" * (len(content) - 4096 * 3)
    path.write_bytes(content)
    with (
        pytest.raises(OSError, match=re.escape(f"{path} is damaged")),
        ReviewQueue(path) as queue,
    ):
        queue.next_questions("ana")
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(OSError, match="is damaged"), ReviewQueue(path) as queue:
        queue.next_questions("ana")


def test_a_locked_queue_says_so_and_loses_nothing(path, impatient):
    with queue_at(path) as queue:
        first, second = (q["question"] for q in queue.next_questions("ana", 2))
        queue.answer(first, "ana", "present")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(TimeoutError, match="is locked: others have been writing it"):
                queue.answer(second, "ana", "present", key="k")
            # Reading goes on.
            assert queue.progress("ana")["n_answered_by_reader"] == 1
            other.execute("ROLLBACK")
        queue.answer(second, "ana", "present", key="k")
        assert len(queue.trail()) == 2


def test_a_full_disk_says_so_and_loses_nothing(path):
    with queue_at(path) as queue:
        asked = [question["question"] for question in queue.next_questions("ana", 90)]
        with closing(sqlite3.connect(path)) as connection:
            n_pages = connection.execute("PRAGMA page_count").fetchone()[0]
        queue.close()

        @sa.event.listens_for(queue._database._engine, "connect")
        def bound(connection, record):
            connection.execute(f"PRAGMA max_page_count = {n_pages + 3}")

        stored = []
        with pytest.raises(OSError, match=r"No space left: .*queue\.sqlite cannot be written") as e:
            for question in asked:
                queue.answer(question, "ana", "present", note="x" * 4000)
                stored.append(question)
        assert e.value.errno == 28
        assert 0 < len(stored) < len(asked)
        sa.event.remove(queue._database._engine, "connect", bound)
        queue.close()
        assert len(queue.trail()) == len(stored)
        assert queue.answer(asked[len(stored)], "ana", "present")["state"] == "settled"


def test_a_queue_that_cannot_be_written_can_be_read(path):
    with queue_at(path) as queue:
        question = queue.next_questions("ana")[0]["question"]
        queue.answer(question, "ana", "present")

        @sa.event.listens_for(queue._database._engine, "connect")
        def only_read(connection, record):
            connection.execute("PRAGMA query_only = 1")

        queue.close()
        assert len(queue.trail()) == 1
        assert queue.errors_left()["n_labels"] > 0
        with pytest.raises(PermissionError, match="cannot be written"):
            queue.answer(question, "ben", "present")


def test_a_queue_with_answers_is_not_replaced(path):
    with new_queue(path, n_questions=5) as queue:
        assert queue.progress()["n_questions"] == 5
    # Nobody has answered yet.
    with new_queue(path, n_questions=7) as queue:
        assert queue.progress()["n_questions"] == 7
        queue.answer(queue.next_questions("ana")[0]["question"], "ana", "present")
        with pytest.raises(FileExistsError, match=r"with 1 answers.* call update"):
            new_queue(path)
        queue.undo("ana")
        with pytest.raises(FileExistsError, match="with 2 answers"):
            new_queue(path)
        assert len(queue.trail()) == 2


def test_nothing_is_left_of_a_queue_that_was_not_made(path, monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("sklearn_ecg.review.queue._update._insert_questions", stop)
    with pytest.raises(KeyboardInterrupt):
        new_queue(path)
    assert not list(path.parent.iterdir())
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        new_queue(path / "there" / "queue.sqlite")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda c, r: ("AFP", r), TypeError, "cleaner must be a fitted label cleaner"),
        (lambda c, r: (AFPLabelCleaner(), r), NotFittedError, "not fitted yet"),
        (lambda c, r: (c, r.signals), TypeError, "records must be the ECGRecords"),
        (lambda c, r: (c, r[1:]), ValueError, "records lack 1 of the 90 .*: r00. Pass"),
        (lambda c, r: (c, ECGRecords(r.signals, 100)), ValueError, "lack 90 of the 90"),
        (lambda c, r: (c, ECGRecords(r.signals, ids=r.ids)), ValueError, "no sampling_rate"),
        (
            lambda c, r: (
                c,
                CleanedRecords(
                    np.zeros((1, 2)),
                    labels=[[1]],
                    weak_labels=[[1]],
                    provenance=[["trusted"]],
                    confidence=[[1.0]],
                ),
            ),
            ValueError,
            "records hold a table of features",
        ),
    ],
)
def test_a_queue_is_made_of_a_fitted_cleaner_and_its_records(path, change, error, message):
    with pytest.raises(error, match=message):
        ReviewQueue.from_cleaner(*change(*cleaner_and_records()), path)
    assert not list(path.parent.iterdir())


@pytest.mark.parametrize(
    "options",
    [{"n_questions": 0}, {"double_share": 1.5}, {"control_share": -1}],
)
def test_options_out_of_their_range_are_named(path, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        new_queue(path, **options)
    assert not path.exists()


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        ("mysql://user@host/name", ValueError, "url is of mysql"),
        ("://", ValueError, "url cannot be read"),
        ("postgresql+pg8000://127.0.0.1/x", ValueError, "must name a user"),
        ("postgresql+none://x@127.0.0.1/x", ValueError, "not by 'none'"),
        ("postgresql://x:se/secret@127.0.0.1:1/x", ConnectionError, "does not answer"),
        ("postgresql://x:s@secret@127.0.0.1/x", ValueError, "write @ as %40"),
        ("postgresql://x@127.0.0.1/x?password=secret", ValueError, "sslmode and sslrootcert"),
        ("postgresql://x@127.0.0.1/x?sslmode=on", ValueError, "disable, prefer, require"),
        ("postgresql://x@127.0.0.1/x?sslrootcert=none.pem", ValueError, "'none.pem'"),
        ("postgresql+pg8000://x:secret@127.0.0.1:1/x", ConnectionError, "does not answer"),
    ],
)
def test_a_url_that_leads_nowhere(url, error, message):
    with pytest.raises(error, match=message) as found:
        ReviewQueue(url)
    assert "secret" not in str(found.value)


def test_a_server_that_goes_while_it_is_asked(monkeypatch):
    pg8000 = pytest.importorskip("pg8000", reason="the extra [postgresql] is not installed")
    database = _database.Database("postgresql+pg8000://x@127.0.0.1:1/x")

    def go(**options):
        raise pg8000.InterfaceError("network error")

    monkeypatch.setattr(database, "_connect", go)
    with pytest.raises(ConnectionError, match="does not answer"), database.reading():
        pass


def test_threads_that_answer_at_once_lose_nothing(path):
    queue = queue_at(path)
    stored, errors = [], []

    def read(reader):
        try:
            for _ in range(12):
                for question in queue.next_questions(reader, 2):
                    queue.answer(question["question"], reader, "present")
                    stored.append((question["question"], reader))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=read, args=(f"reader {n}",)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(queue.trail()) == len(stored)
    # What lies before one reader is not before another.
    assert len({question for question, _ in stored}) == len(stored)


def test_names_are_there_without_the_extra():
    code = (
        "import sys; sys.modules['sqlalchemy'] = None\n"
        "import sklearn_ecg.review as review\n"
        "assert 'ReviewQueue' in dir(review) and review.ANSWERS\n"
        "try:\n    review.ReviewQueue\n"
        "except ImportError as error:\n    print(error)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert found.stdout.strip().endswith("pip install sklearn_ecg[review].")


@pytest.mark.parametrize("what", ["an earlier copy", "another queue", "made anew"])
def test_a_queue_that_is_overwritten_in_place_is_noticed(path, tmp_path, what):
    """Its number of a question would mean another question."""
    queue = queue_at(path)
    other = tmp_path / "other.sqlite"
    if what == "an earlier copy":
        shutil.copyfile(path, other)
    else:
        new_queue(other, n_questions=20).close()
    if what == "made anew":
        new_queue(path, n_questions=20).close()
    else:
        queue.answer(1, "ana", "present")
        time.sleep(0.02)  # times of files are coarse
        shutil.copyfile(other, path)  # into the same file, as cp and rsync --inplace do
    for call in (queue.next_questions, queue.progress, lambda who: queue.answer(1, who, "absent")):
        with pytest.raises(FileNotFoundError, match="no longer holds the queue that was opened"):
            call("ana")
    queue.close()
    assert len(ReviewQueue(path).trail()) == 0


def test_a_file_copied_alone_has_all_answers(path, tmp_path):
    """The copy has no -wal, like that of a file whose desk was killed."""
    with queue_at(path) as queue:
        queue.answer(1, "ana", "present")
        shutil.copyfile(path, tmp_path / "copy.sqlite")
    assert len(ReviewQueue(tmp_path / "copy.sqlite").trail()) == 1

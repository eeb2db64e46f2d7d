"""Several processes on one queue: readers of which some are killed, and refits."""

import io
import json
import multiprocessing
import os
import pickle
import random
import signal
import sys
import time
import uuid

import pytest

from sklearn_ecg.review import ReviewQueue
from sklearn_ecg.review.queue import _refit
from sklearn_ecg.review.queue._refit import fit_again
from tests.review.queues import (
    DATABASES,
    cleaner_and_records,
    empty_postgresql,
    new_queue,
    queue_at,
)

N_READERS, N_KILLED, N_ANSWERS = 6, 3, 15


def read(url, reader, acknowledged, rounds):
    """Answer, and tell the file of acknowledged answers of each that was stored."""
    queue = ReviewQueue(url)
    told = os.open(acknowledged, os.O_WRONLY | os.O_APPEND)
    for _ in range(rounds):
        for question in queue.next_questions(reader, 2):
            key = uuid.uuid4().hex
            queue.answer(question["question"], reader, "present", key=key)
            os.write(told, f"{key}\n".encode())
            if random.random() < 0.1:
                queue.undo(reader)
    queue.close()


@pytest.mark.parametrize(
    "kind",
    DATABASES,
)
def test_readers_of_whom_some_are_killed_lose_no_answer(kind, tmp_path):
    if kind == "sqlite":
        url = tmp_path / "queue.sqlite"
        queue = queue_at(url, double_share=1)
    else:
        url = empty_postgresql()
        queue = new_queue(url, double_share=1)
    acknowledged = tmp_path / "acknowledged"
    acknowledged.touch()
    context = multiprocessing.get_context("fork")
    # Those that will be killed would not end before.
    rounds = [sys.maxsize] * N_KILLED + [N_ANSWERS] * (N_READERS - N_KILLED)
    readers = [
        context.Process(target=read, args=(url, f"reader {number}", acknowledged, rounds[number]))
        for number in range(N_READERS)
    ]
    for process in readers:
        process.start()
    for number, process in enumerate(readers[:N_KILLED], start=1):
        while len(acknowledged.read_bytes()) < 33 * 3 * number:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    for process in readers:
        process.join(timeout=120)
    codes = [process.exitcode for process in readers]
    assert codes == [-signal.SIGKILL] * N_KILLED + [0] * (N_READERS - N_KILLED)
    with queue._database.reading() as work:
        stored = [
            row.key
            for row in work.exec_driver_sql("SELECT key, said FROM answers")
            if row.said == "present"
        ]
    told = acknowledged.read_text().split()
    assert len(told) > N_KILLED * 3
    assert set(told) <= set(stored)
    assert len(stored) == len(set(stored)) <= len(told) + N_KILLED
    # What follows from the answers was stored with them.
    states = queue.progress()
    assert states["n_disputed"] == 0
    both = queue.answers(min_trust=0).query("n_readers > 1")
    assert states["n_settled"] == len(both)
    assert (both["state"] == "settled").all()
    queue.close()


def test_a_queue_goes_to_other_processes(tmp_path):
    with queue_at(tmp_path / "queue.sqlite") as queue:
        question = queue.next_questions("ana")[0]["question"]
        again = pickle.loads(pickle.dumps(queue))
        again.answer(question, "ana", "present")
        again.close()
        # A fork leaves the connections alone that it has inherited.
        context = multiprocessing.get_context("fork")
        child = context.Process(target=queue.answer, args=(question, "ben", "present"))
        child.start()
        child.join(timeout=60)
        assert child.exitcode == 0
        assert queue.trail()["reader"].tolist() == ["ana", "ben"]


def answered_queue(path):
    queue = queue_at(path, n_questions=60)
    for question in queue.next_questions("ana", 15):
        likely = "present" if question["probability"] > 0.5 else "absent"
        queue.answer(question["question"], "ana", likely)
    return queue


def test_a_refit_in_another_process_updates_the_queue_while_reading_goes_on(tmp_path):
    path = tmp_path / "queue.sqlite"
    with answered_queue(path) as queue, ReviewQueue(path) as other:
        before = queue.answers()
        assert queue.progress()["refit"] == {
            "running": False,
            "last": None,
            "n_answers_since": 15,
        }
        assert queue.refit()
        assert not other.refit()
        assert other.progress()["refit"]["running"]
        question = other.next_questions("ben")[0]["question"]
        assert other.answer(question, "ben", "unsure")["state"] == "open"
        deadline = time.monotonic() + 120
        while queue.progress()["refit"]["running"] and time.monotonic() < deadline:
            time.sleep(0.2)
        refit = queue.progress()["refit"]
        assert refit["last"]["error"] is None
        assert set(refit["last"]["counts"]) == {"new", "kept", "withdrawn"}
        assert refit["n_answers_since"] == 1
        assert queue.progress()["n_questions"] == 60
        assert queue.answers()["answer"].tolist() == before["answer"].tolist()


@pytest.fixture
def never_start(monkeypatch):
    """Let a refit be claimed, and no process be started for it."""
    claimed = []
    monkeypatch.setattr(_refit, "start_process", lambda url, refit: claimed.append(refit))
    return claimed


def test_a_refit_that_fails_says_why_and_changes_nothing(tmp_path, never_start, monkeypatch):
    with answered_queue(tmp_path / "queue.sqlite") as queue:
        shown = queue.next_questions("ben", 60)

        def fail(*args):
            raise MemoryError("no memory is left")

        monkeypatch.setattr("sklearn_ecg.review.queue._refit.load_cleaner", fail)
        queue.refit()
        fit_again(queue, never_start[0])
        last = queue.progress()["refit"]["last"]
        assert last["error"] == "MemoryError: no memory is left"
        assert queue.next_questions("ben", 60) == shown
        assert queue.refit()


def test_a_refit_runs_where_no_process_can_be_nice(tmp_path, never_start, monkeypatch):
    with queue_at(tmp_path / "queue.sqlite") as queue:
        queue.refit()
        monkeypatch.delattr(os, "nice")
        monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps([queue._url, 1])))
        _refit.main()
        assert not queue.progress()["refit"]["running"]


def test_a_refit_needs_answers(tmp_path, never_start):
    with queue_at(tmp_path / "queue.sqlite") as queue:
        queue.refit()
        fit_again(queue, never_start[0])
        assert "no trusted answers yet" in queue.progress()["refit"]["last"]["error"]


def test_a_refit_that_died_is_taken_over(tmp_path, never_start, monkeypatch):
    with answered_queue(tmp_path / "queue.sqlite") as queue:
        assert queue.refit()
        assert not queue.refit()
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + _refit.DEAD_S + 1)
        refit = queue.progress()["refit"]
        assert not refit["running"]
        assert "ended without a message" in refit["last"]["error"]
        assert queue.refit()
        # It was only slow, and comes too late.
        fit_again(queue, never_start[0])
        assert queue.progress()["refit"]["running"]
        fit_again(queue, never_start[1])
        assert queue.progress()["refit"]["last"]["error"] is None


def test_a_refit_ends_where_a_new_cleaner_is_stored_meanwhile(tmp_path, never_start):
    with answered_queue(tmp_path / "queue.sqlite") as queue:
        assert queue.refit()
        # `sklearn-ecg clean --answers` while the desk is open.
        queue.update(cleaner_and_records()[0].with_answers(queue.answers(0)))
        shown, progress = queue.next_questions("ben", 60), queue.progress()
        assert not progress["refit"]["running"] and progress["refit"]["last"]["error"] is None
        fit_again(queue, never_start[0])
        assert (queue.next_questions("ben", 60), queue.progress()) == (shown, progress)
        assert queue.refit()


def test_a_cleaner_with_parts_that_may_run_code_is_not_refitted(tmp_path):
    cleaner, records = cleaner_and_records()
    cleaner = cleaner._of_same_input()
    cleaner.features = OfOurOwn()
    cleaner._fit_kept()
    path = tmp_path / "queue.sqlite"
    with ReviewQueue.from_cleaner(cleaner, records, path, n_questions=5) as queue:
        with pytest.raises(ValueError, match="may run code"):
            queue.refit()
        queue.answer(queue.next_questions("ana")[0]["question"], "ana", "present")
        queue.update(cleaner.with_answers(queue.answers(min_trust=0)))
    with queue_at(tmp_path / "other.sqlite") as queue:
        # Nor is an older cleaner, which knows less.
        queue.update(cleaner)
        with pytest.raises(ValueError, match="may run code"):
            queue.refit()


class OfOurOwn:
    """A transformer that holds a function."""

    def __init__(self):
        self.function = lambda table: table

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return self.function(X)

"""Refit of the cleaner with the answers, in another process, while reading goes on."""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

import sqlalchemy as sa

from sklearn_ecg.review.queue import _schema as schema
from sklearn_ecg.review.queue._actions import now_as_text
from sklearn_ecg.review.queue._answers import last_answer
from sklearn_ecg.review.queue._cleaner import (
    is_known,
    leave_out_contradicted,
    load_cleaner,
)
from sklearn_ecg.review.queue._schema import refits
from sklearn_ecg.review.queue._update import update

# A refit without a heartbeat for so many seconds has ended; also one whose last heartbeat was far
# in the future, because the clock was set back.
DEAD_S, _AHEAD_S = 30.0, 600.0
_BEAT_S = 3.0
_NICE = 10
DIED = "Its process ended without a message: it was killed, or memory ran out."


def claim(work, now, started):
    """Return the number of a new refit, or None while another one runs.

    Parameters
    ----------
    work : Connection
    now : float
        Seconds since 1970.
    started : str
        The same as text.
    """
    lives = refits.c.heartbeat.between(now - DEAD_S, now + _AHEAD_S)
    running = sa.and_(refits.c.ended.is_(None), lives)
    if work.scalar(sa.select(refits.c.refit).where(running).limit(1)) is not None:
        return None
    work.execute(refits.update().where(refits.c.ended.is_(None)).values(ended=started, error=DIED))
    return work.execute(
        refits.insert().values(started=started, heartbeat=now, last_answer=last_answer(work))
    ).inserted_primary_key[0]


def abandon(work):
    """End a refit that runs: it began with an earlier cleaner than is stored now."""
    work.execute(refits.update().where(refits.c.ended.is_(None)).values(ended=now_as_text()))


def finish(work, refit, ended, **result):
    """Store how a refit ended: its counts, or its error."""
    work.execute(
        refits.update()
        .where(refits.c.refit == refit, refits.c.ended.is_(None))
        .values(ended=ended, **result)
    )


def describe_refits(work, now):
    """Return whether a refit runs, how the last one ended, and the number of answers since."""
    rows = work.execute(sa.select(refits).order_by(refits.c.refit.desc()).limit(2)).all()
    is_running = bool(rows) and rows[0].ended is None
    is_running = is_running and -DEAD_S < rows[0].heartbeat - now < _AHEAD_S
    last = next(iter(rows[is_running:]), None)
    if last is not None:
        last = {
            "started": last.started,
            "ended": last.ended,
            "error": last.error if last.ended else DIED,
            "counts": last.counts,
        }
    n_since = last_answer(work) - (rows[0].last_answer if rows else 0)
    return {"running": is_running, "last": last, "n_answers_since": n_since}


def start_process(url, refit):
    """Start a detached process that fits again."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sklearn_ecg.review.queue._refit"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # Not an argument: all users of a machine see arguments, and a URL may hold a password.
    with process.stdin as pipe:
        pipe.write(json.dumps([url, refit]).encode())
    return process


@contextmanager
def heartbeats(database, refit):
    """Store heartbeats within the block."""
    is_over = threading.Event()

    def beat():
        while not is_over.wait(_BEAT_S):
            # A disk that is full for a moment must not end the refit.
            with suppress(OSError), database.writing() as work:
                work.execute(
                    refits.update().where(refits.c.refit == refit).values(heartbeat=time.time())
                )

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def fit_again(queue, refit):
    """Fit the cleaner of a queue with its answers, and update the queue."""
    database = queue._database

    def check_ours(work):
        is_ours = sa.exists().where(refits.c.refit == refit, refits.c.ended.is_(None))
        if not work.scalar(sa.select(is_ours)):
            raise RuntimeError(
                "Another refit has taken over, because this one gave no heartbeat, or a new "
                "cleaner was stored."
            )

    with heartbeats(database, refit):
        try:
            with database.reading() as work:
                content = schema.get_part(work, "cleaner")
            cleaner = load_cleaner(content)
            found = queue.answers()
            found = leave_out_contradicted(cleaner, found[is_known(cleaner, found["id"])])
            if len(found):
                cleaner = cleaner.with_answers(found)
                result = {"counts": update(database, cleaner, first=check_ours)}
                queue.errors_left()
            else:
                result = {"error": "There are no trusted answers yet."}
        except BaseException as error:
            result = {"error": f"{type(error).__name__}: {error}"}
    with database.writing() as work:
        finish(work, refit, now_as_text(), **result)


def main():
    """Fit again; runs in the process that `start_process` starts."""
    from sklearn_ecg.review.queue._queue import ReviewQueue

    url, refit = json.load(sys.stdin)
    if hasattr(os, "nice"):  # not on Windows
        os.nice(_NICE)
    fit_again(ReviewQueue(url), refit)


if __name__ == "__main__":
    main()

"""What a reader does, stored: an answer with its other labels, or an undo."""

import time
import uuid
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import sqlalchemy as sa

from sklearn_ecg.review.queue import _checks as checks
from sklearn_ecg.review.queue import _worklist as worklist
from sklearn_ecg.review.queue._answers import UNDO, last_answers, standing
from sklearn_ecg.review.queue._questions import find_question, question_of_reader
from sklearn_ecg.review.queue._schema import answers, questions
from sklearn_ecg.review.queue._states import settle_record


def with_key(work, key):
    """Return the answer or undo with a key, or None."""
    return work.execute(sa.select(answers).where(answers.c.key == key)).first()


def put_answer(work, found, answer, about, others=(), shown_dispute=None):
    """Store an answer and its other labels, and update the states of the record's questions.

    Parameters
    ----------
    work : Connection
    found : Row
        Of the question.
    answer : str
    about : dict
        Columns reader, key, note, seconds and software, and "at" for an earlier time.
    others : list of str, default=()
        Other labels that are present.
    shown_dispute : bool, default=None
        Whether the reader saw answers that disagree. By default whether the queue showed them.
    """
    reader = about["reader"]
    if shown_dispute is None:
        shown_dispute = worklist.was_shown_dispute(work, found.question, reader)
    row = {"at": now_as_text()} | about
    decides = answer != "skip" and _decides(work, found, reader, shown_dispute)
    rows = [row | {"question": found.question, "said": answer, "is_final": decides}]
    for label in others:
        other = question_of_reader(work, found, label)
        about_other = {"question": other, "said": "present", "is_final": False}
        rows.append(row | about_other | {"note": "", "seconds": None})
    _put_together(work, rows)
    worklist.release(work, [row["question"] for row in rows], reader)
    _settle(work, found.record)


def put_answer_of(work, row, *, software):
    """Store an answer from another program; return whether it is new.

    Parameters
    ----------
    work : Connection
    row : namedtuple
        From `read_export`.
    software : str
        Name of the other program.
    """
    found = find_question(work, checks.check_number(row.question, "question"))
    if found.label != row.label:
        raise ValueError(f"it is about {found.label} here, not about {row.label}.")
    if with_key(work, row.key) is not None:
        return False
    about = {
        "reader": checks.check_reader(row.reader),
        "note": row.note[: checks.LONGEST_NOTE],
        "seconds": None if np.isnan(row.seconds) else row.seconds,
        "key": row.key,
        "software": software,
    }
    if not pd.isna(row.at):
        about["at"] = row.at.isoformat(timespec="milliseconds")
    put_answer(work, found, row.answer, about, shown_dispute=row.is_final)
    return True


def put_undo(work, reader, key, undoes=None):
    """Take back an answer of a reader; return the number of its question, or None.

    The question is reserved for the reader again.
    """
    stored = with_key(work, key)
    if stored is None:
        undone = last_answers(work, reader, undoes)
        if not undone:
            return None
        common = {"key": key, "reader": reader, "said": UNDO, "at": now_as_text()}
        rows = [{"question": row.question, "undoes": row.answer} for row in undone]
        _put_together(work, [common | row for row in rows])
        _settle(work, find_question(work, undone[0].question).record)
        stored = undone[0]
    elif (stored.said, stored.reader) != (UNDO, reader):
        raise ValueError(f"key {key!r} belongs to an answer; use a new one.")
    worklist.lease(work, [stored.question], reader, time.time())
    return stored.question


def now_as_text():
    """Return the present time in UTC, in the form of the tables."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _decides(work, found, reader, shown_dispute):
    """Whether a reader has seen answers that disagree before this answer."""
    if found.state == "disputed":
        return shown_dispute or _has_decided(work, found, reader)
    return found.state != "open" and _has_decided(work, found, reader)


def _has_decided(work, found, reader):
    given = standing(work, [found.question])[found.question]
    return any(one.reader == reader and one.is_final for one in given)


def _put_together(work, rows):
    """Store rows that belong together: the first row has the key, the others refer to it."""
    first, *others = rows
    number = work.execute(answers.insert().values(first)).inserted_primary_key[0]
    for row in others:
        own = {"key": uuid.uuid4().hex, "goes_with": number}
        work.execute(answers.insert().values(row | own))


def _settle(work, record):
    """Update the states of a record's questions from its answers."""
    rows = work.execute(sa.select(questions).where(questions.c.record == record)).all()
    given = standing(work, [row.question for row in rows])
    states = settle_record(
        {
            row.question: {
                "given": given[row.question],
                "n_needed": row.n_needed,
                "is_withdrawn": row.is_withdrawn,
            }
            for row in rows
        }
    )
    for row in rows:
        state, _ = states[row.question]
        if state != row.state:
            work.execute(
                questions.update().where(questions.c.question == row.question).values(state=state)
            )

"""The answers of readers that count, in SQL."""

from collections import defaultdict

import sqlalchemy as sa

from sklearn_ecg.review.queue._schema import answers, questions
from sklearn_ecg.review.queue._states import Given

# Value of `said` in a row that takes another answer back.
UNDO = "undo"
_given, _undos = answers.alias("given"), answers.alias("undos")


def stands(of=answers):
    """Condition: an answer was not undone, and is not an undo."""
    # Not by `undoes`, which is null in nearly all rows: SQLite would choose its index wrongly.
    return sa.and_(of.c.said != UNDO, ~sa.exists().where(_undos.c.undoes == of.c.answer))


def has_answer(*, reader=None, other_than=None):
    """Condition: a question has a valid answer of this reader and other than this, where given."""
    where = [_given.c.question == questions.c.question, stands(_given)]
    if reader is not None:
        where.append(_given.c.reader == reader)
    if other_than is not None:
        where.append(_given.c.said != other_than)
    return sa.exists().where(*where)


def standing(work, asked):
    """Return the valid answers that count, by question, the oldest first.

    Parameters
    ----------
    work : Connection
    asked : list of int

    Returns
    -------
    dict of int to list of Given
    """
    rows = work.execute(
        sa.select(answers).where(answers.c.question.in_(asked), stands()).order_by(answers.c.answer)
    ).all()
    return given_by_question(rows)


def that_count(rows):
    """Leave out answers that the same reader replaced by a later one to the same question.

    A skip replaces nothing. An answer in a dispute, after seeing the others, does not replace the
    reader's earlier blind answer.

    Parameters
    ----------
    rows : iterable of Row
        Answers, the oldest first.

    Returns
    -------
    list of Row
        The oldest first.
    """
    last = {}
    for row in rows:
        key = row.question, row.reader, row.is_final
        if row.said == "skip" and key in last:
            continue
        # Moved to the end, if the reader has answered before.
        last.pop(key, None)
        last[key] = row
    return list(last.values())


def given_by_question(rows):
    """Return the answers that count by question, from rows of answers in order."""
    given = defaultdict(list)
    for row in that_count(rows):
        given[row.question].append(Given(row.reader, row.said, row.is_final, row.note))
    return given


def last_answer(work):
    """Return the number of the last answer or undo, or 0."""
    return work.scalar(sa.select(sa.func.max(answers.c.answer))) or 0


def last_answers(work, reader, key=None):
    """Return a reader's last valid answer, followed by the answers stored together with it.

    With a key, the valid answer with this key.
    """
    own = sa.select(answers).where(answers.c.reader == reader, stands())
    wanted = own if key is None else own.where(answers.c.key == key)
    last = work.execute(wanted.order_by(answers.c.answer.desc()).limit(1)).first()
    if last is None:
        return []
    first = last.goes_with or last.answer
    together = sa.or_(answers.c.answer == first, answers.c.goes_with == first)
    return work.execute(own.where(together).order_by(answers.c.answer)).all()


def count_answers(work, reader):
    """Return the number of a reader's valid answers."""
    # An undo is a row, too, and removes one.
    each = sa.case((answers.c.undoes.is_(None), 1), else_=-1)
    return int(work.scalar(sa.select(sa.func.sum(each)).where(answers.c.reader == reader)) or 0)

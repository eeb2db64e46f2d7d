"""Choice of a reader's next question, valid answers, and their results, in SQL."""

from collections import defaultdict

import sqlalchemy as sa

from sklearn_ecg.review._schema import answers, leases, questions
from sklearn_ecg.review._settling import Given, settle_record

# Seconds for which a question is reserved for a reader.
LEASE_S = 600.0
# Value of `said` in a row that takes another answer back.
UNDO = "undo"
WAITING = ("open", "disputed")
_given, _undos = answers.alias("given"), answers.alias("undos")


def stands(of=answers):
    """Condition: an answer was not undone, and is not an undo."""
    # Not by `undoes`, which is null in nearly all rows: SQLite would choose its index wrongly.
    return sa.and_(of.c.said != UNDO, ~sa.exists().where(_undos.c.undoes == of.c.answer))


def has_answer(*, reader=None, but=None):
    """Condition: a question has a valid answer, of `reader`, or of anybody but `but`."""
    where = [_given.c.question == questions.c.question, stands(_given)]
    if reader is not None:
        where.append(_given.c.reader == reader)
    if but is not None:
        where.append(_given.c.said != but)
    return sa.exists().where(*where)


def is_leased(now, *, but=None):
    """Condition: a question is reserved for a reader other than `but`."""
    where = [leases.c.question == questions.c.question, leases.c.until > now]
    if but is not None:
        where.append(leases.c.reader != but)
    return sa.exists().where(*where)


def choose(work, reader, n, holding, now):
    """Return questions for a reader, the best first.

    Questions about the record on the reader's screen come first, then disputes of others, then all
    in order, each with the other questions of its record. If none is left, the reader gets disputes
    with an own answer, and at last skipped questions.

    Parameters
    ----------
    work : Connection
    reader : str
    n : int
        The largest number of questions.
    holding : list of int
        Questions that the reader already has.
    now : float
        Seconds since 1970.

    Returns
    -------
    list of int
    """
    last = work.scalar(
        sa.select(questions.c.record)
        .join(answers, answers.c.question == questions.c.question)
        .where(answers.c.reader == reader)
        .order_by(answers.c.answer.desc())
        .limit(1)
    )
    held = work.scalars(sa.select(questions.c.record).where(questions.c.question.in_(holding)))
    chosen = []

    def take(*where, limit, order=questions.c.place):
        found = work.execute(
            sa.select(questions.c.question, questions.c.record)
            .where(
                *where,
                questions.c.question.not_in([*holding, *chosen]),
                ~is_leased(now, but=reader),
            )
            .order_by(order, questions.c.question)
            .limit(limit)
        ).all()
        chosen.extend(row.question for row in found)
        return [row.record for row in found]

    def of_records(records):
        return questions.c.record.in_(records), questions.c.state.in_(WAITING)

    fresh = ~has_answer(reader=reader)
    take(*of_records([last, *held]), fresh, limit=n)
    for state in ("disputed", "open"):
        while len(chosen) < n:
            records = take(questions.c.state == state, fresh, limit=1)
            if not records:
                break
            take(*of_records(records), fresh, limit=n - len(chosen))
    # The question that the reader has not seen for longest comes first, so that skipping goes on.
    last_seen = sa.select(sa.func.max(_given.c.answer)).where(
        _given.c.question == questions.c.question, _given.c.reader == reader
    )
    answered = has_answer(reader=reader)
    skipped = answered, ~has_answer(reader=reader, but="skip")
    for where in (
        (questions.c.state == "disputed", answered),
        (questions.c.state == "open", *skipped),
    ):
        if len(chosen) < n:
            take(*where, limit=n - len(chosen), order=last_seen.scalar_subquery())
    return chosen


def lease(work, chosen, reader, now):
    """Reserve questions for a reader for a while."""
    if chosen:
        work.execute(leases.delete().where(leases.c.question.in_(chosen)))
        rows = sa.select(
            questions.c.question,
            sa.literal(reader),
            sa.literal(now + LEASE_S, sa.Double),
            questions.c.state == "disputed",
        ).where(questions.c.question.in_(chosen))
        names = ["question", "reader", "until", "shows_dispute"]
        work.execute(leases.insert().from_select(names, rows))


def renew(work, holding, reader, now):
    """Extend a reader's reservations, if they are still the reader's."""
    if holding:
        work.execute(
            leases.update()
            .where(leases.c.question.in_(holding), leases.c.reader == reader)
            .values(until=now + LEASE_S)
        )


def was_shown_dispute(work, question, reader):
    """Whether a question was last shown to this reader, and as a dispute."""
    of_reader = leases.c.question == question, leases.c.reader == reader
    return work.scalar(sa.select(sa.exists().where(*of_reader, leases.c.shows_dispute)))


def release(work, answered, reader):
    """End reservations of questions."""
    work.execute(leases.delete().where(leases.c.question.in_(answered), leases.c.reader == reader))


def waiting_of_records(work, of_records, reader):
    """Return, by record, the number of questions that wait for a reader's answer."""
    rows = work.execute(
        sa.select(questions.c.record, questions.c.question).where(
            questions.c.record.in_(of_records),
            questions.c.state.in_(WAITING),
            ~has_answer(reader=reader),
        )
    )
    waiting = defaultdict(set)
    for record, question in rows:
        waiting[record].add(question)
    return waiting


def states_in_order(work):
    """Return the states of all questions that are not withdrawn, in the order of asking."""
    in_order = sa.select(questions.c.question, questions.c.state).order_by(questions.c.place)
    return dict(work.execute(in_order.where(questions.c.state != "withdrawn")).all())


def count_states(work):
    """Return the number of questions in each state."""
    counts = sa.select(questions.c.state, sa.func.count()).group_by(questions.c.state)
    return defaultdict(int, work.execute(counts).all())


def count_answers(work, reader):
    """Return the number of a reader's valid answers."""
    # An undo is a row, too, and removes one.
    each = sa.case((answers.c.undoes.is_(None), 1), else_=-1)
    return int(work.scalar(sa.select(sa.func.sum(each)).where(answers.c.reader == reader)) or 0)


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


def settle(work, record):
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

"""The next questions of a reader, and their reservations."""

import sqlalchemy as sa

from sklearn_ecg.review.queue._answers import has_answer
from sklearn_ecg.review.queue._questions import waiting_of
from sklearn_ecg.review.queue._schema import answers, leases, questions

# Seconds for which a question is reserved for a reader.
LEASE_S = 600.0


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
    of_holding = work.scalars(
        sa.select(questions.c.record).where(questions.c.question.in_(holding)).distinct()
    )
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

    fresh = ~has_answer(reader=reader)
    take(*waiting_of([last, *of_holding]), fresh, limit=n)
    for state in ("disputed", "open"):
        while len(chosen) < n:
            records = take(questions.c.state == state, fresh, limit=1)
            if not records:
                break
            take(*waiting_of(records), fresh, limit=n - len(chosen))
    # The question that the reader has not seen for longest comes first, so that skipping goes on.
    last_seen = sa.select(sa.func.max(answers.c.answer)).where(
        answers.c.question == questions.c.question, answers.c.reader == reader
    )
    answered = has_answer(reader=reader)
    skipped = answered, ~has_answer(reader=reader, other_than="skip")
    for where in (
        (questions.c.state == "disputed", answered),
        (questions.c.state == "open", *skipped),
    ):
        if len(chosen) < n:
            take(*where, limit=n - len(chosen), order=last_seen.scalar_subquery())
    return chosen


def is_leased(now, *, but=None):
    """Condition: a question is reserved for a reader other than `but`."""
    # A later end was written before the clock was set back, and would last for as long.
    holds = leases.c.until.between(now, now + 2 * LEASE_S)
    where = [leases.c.question == questions.c.question, holds]
    if but is not None:
        where.append(leases.c.reader != but)
    return sa.exists().where(*where)


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


def release(work, answered, reader):
    """End reservations of questions."""
    work.execute(leases.delete().where(leases.c.question.in_(answered), leases.c.reader == reader))


def was_shown_dispute(work, question, reader):
    """Whether a question was last shown to this reader, and as a dispute."""
    of_reader = leases.c.question == question, leases.c.reader == reader
    return work.scalar(sa.select(sa.exists().where(*of_reader, leases.c.shows_dispute)))

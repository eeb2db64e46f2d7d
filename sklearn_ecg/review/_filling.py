"""Store records and questions in the tables of a queue, when it is made or updated."""

import time
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import sqlalchemy as sa

from sklearn_ecg.records._report import RecordError
from sklearn_ecg.review import _making as making
from sklearn_ecg.review._asking import WAITING, has_answer, is_leased
from sklearn_ecg.review._schema import (
    get_fact,
    get_part,
    put_fact,
    put_part,
    questions,
    records,
    signals,
)
from sklearn_ecg.utils import warn_of_unread

# Number of values in one statement.
_CHUNK = 500


def put_all(work, cleaner, ecgs, rows, asked, rest, settings):
    """Fill the tables of a new queue.

    Parameters
    ----------
    work : Connection
    cleaner : fitted label cleaner
    ecgs : ECGRecords
    rows : ndarray of int of shape (n_records,)
        Rows of the cleaner's records in `ecgs`.
    asked, rest : DataFrame
        From `choose_questions`; `asked` also with the columns evidence and similar.
    settings : Settings
    """
    put_fact(work, "label_names", [str(name) for name in cleaner.label_names_])
    put_fact(work, "settings", asdict(settings))
    similar = [name for pairs in asked["similar"] for _, name in pairs]
    wanted = [*asked["id"], *similar, *making.spare_ids(rest, settings)]
    stored = _put_records(work, _read_records(cleaner, ecgs, rows, wanted))
    _insert_questions(work, asked, stored)
    _put_unasked(work, rest)


def existing_questions(work, now):
    """Return the questions of a queue.

    Returns
    -------
    DataFrame
        Indexed by id and label: question, place, state, and whether it must stay (``stays``), has
        an answer (``is_answered``), and is about a record with an answer that waits for a second
        one (``is_blind``).
    """
    is_answered = has_answer(but="skip")
    rows = work.execute(
        sa.select(
            records.c.id,
            records.c.id_kind,
            questions.c.label,
            questions.c.question,
            questions.c.record,
            questions.c.place,
            questions.c.state,
            is_answered.label("is_answered"),
            sa.or_(
                is_answered,
                is_leased(now),
                questions.c.is_control,
                questions.c.state.not_in(["open", "withdrawn"]),
            ).label("stays"),
        ).join(records, records.c.record == questions.c.record)
    )
    found = pd.DataFrame(rows.all(), columns=list(rows.keys()))
    ids = [making.given_id(*pair) for pair in zip(found["id"], found["id_kind"], strict=True)]
    arrays = [pd.Index(ids, dtype=object), found["label"]]
    index = pd.MultiIndex.from_arrays(arrays, names=["id", "label"])
    is_blind = found["record"].isin(_blind_records(work))
    stays = found["stays"].astype(bool) | (is_blind & (found["state"] == "open"))
    found = found.assign(is_blind=is_blind, stays=stays)
    found = found.drop(columns=["id", "id_kind", "label", "record"]).set_index(index)
    return found.astype({"place": float, "is_answered": bool})


def stored_records(work):
    """Return the numbers of the records with stored signals, by id."""
    rows = work.execute(sa.select(records.c.id, records.c.id_kind, records.c.record))
    return {making.given_id(row.id, row.id_kind): row.record for row in rows}


def update(database, cleaner, ecgs=None, *, n_questions=None, first=lambda work: None):
    """Replace the questions by those that a cleaner asks now.

    Parameters
    ----------
    database : Database
    cleaner : fitted label cleaner
    ecgs : ECGRecords, default=None
        Allows new questions about any record of the cleaner.
    n_questions : int, default=None
        The largest number of questions from now on; by default as before.
    first : callable
        Is called with the connection of the update. What it stores is stored together with the
        update; if it raises, nothing is stored.

    Returns
    -------
    dict of int
        As from `put_update`.
    """
    changed = {} if n_questions is None else {"n_questions": n_questions}
    with database.reading() as work:
        before = get_fact(work, "settings")
        existing, stored = existing_questions(work, time.time()), stored_records(work)
    settings = making.Settings(**before | changed)
    is_raised = changed and before["n_questions"] is not None
    n_more = max(0, n_questions - before["n_questions"]) if is_raised else 0
    rows = None if ecgs is None else making.find_rows(cleaner, ecgs)
    plan = plan_update(
        cleaner, settings, existing, stored, can_read=ecgs is not None, n_more=n_more
    )
    # Reading signals takes long, and would block other writers.
    read = []
    if ecgs is not None:
        shown = pd.concat([plan.again, plan.new])
        wanted = [*shown["id"], *(name for pairs in shown["similar"] for _, name in pairs)]
        wanted = [name for name in wanted if name not in stored]
        read = list(_read_records(cleaner, ecgs, rows, wanted))
    with database.writing() as work:
        first(work)
        if changed:
            put_fact(work, "settings", asdict(settings))
        return put_update(work, cleaner, read, plan, time.time())


@dataclass(frozen=True)
class Update:
    """Changes of a queue.

    Attributes
    ----------
    again : DataFrame
        Queued questions without an answer, with the cleaner's present values: as from
        `choose_questions`, with their number. Their place is NaN if it does not change.
    new : DataFrame
        New questions.
    withdrawn : list of int
        Questions to withdraw.
    rest : DataFrame
        Labels without a question.
    n_kept : int
    """

    again: pd.DataFrame
    new: pd.DataFrame
    withdrawn: list
    rest: pd.DataFrame
    n_kept: int


def plan_update(cleaner, settings, existing, stored, can_read, n_more):
    """Compare the questions of a queue with those that a cleaner asks now.

    Parameters
    ----------
    cleaner : fitted label cleaner
    settings : Settings
    existing : DataFrame
        From `existing_questions`.
    stored : dict
        From `stored_records`.
    can_read : bool
        Whether new questions may be about records without stored signals.
    n_more : int
        Number of additional questions; the share of controls is drawn from them.

    Returns
    -------
    Update
    """
    rng = np.random.default_rng([settings.seed, len(existing), int(existing["is_answered"].sum())])
    ranked = making.rank_questions(cleaner, settings.seed)
    pairs = pd.MultiIndex.from_arrays([ranked["id"].astype(object), ranked["label"]])
    of_pair = existing.reindex(pairs)
    question = of_pair["question"].astype(float).fillna(-1).to_numpy(int)
    stays = of_pair["stays"].eq(True).to_numpy()
    is_answered = of_pair["is_answered"].eq(True).to_numpy()
    left_alone = existing["is_blind"] | (existing["state"] == "bad signal")
    left_alone = existing.index[left_alone].get_level_values("id")
    can_be_shown = can_read | ranked["id"].isin(list(stored)).to_numpy()
    is_free = ~stays & can_be_shown & ~ranked["id"].isin(left_alone).to_numpy()
    n_stay = int(existing["stays"].sum())
    free = np.flatnonzero(is_free)
    n_free = len(free) if settings.n_questions is None else max(0, settings.n_questions - n_stay)
    # If all labels are asked about, no control can be drawn.
    n_controls = min(n_free, round(settings.control_share * n_more)) if len(free) > n_free else 0
    best, others = np.split(free, [n_free - n_controls])
    controls = rng.choice(others, n_controls, replace=False)
    chosen = np.concatenate([best, controls])
    is_chosen = np.isin(np.arange(len(ranked)), chosen)
    # After all earlier questions: those that wait for a second reader come first.
    behind = existing["place"].where(existing["is_answered"]).max()
    place = np.full(len(ranked), np.nan)
    in_between = rng.uniform(0, len(best), n_controls)
    place[chosen] = (0 if np.isnan(behind) else behind + 1) + np.r_[: len(best), in_between]
    # Remaining questions without an answer get the cleaner's present values.
    is_seen = is_chosen | (stays & ~is_answered)
    is_control = np.isin(np.arange(len(ranked)), controls)
    shown = ranked.assign(place=place, question=question, is_control=is_control)[is_seen]
    shown["evidence"], shown["similar"] = making.evidence_of(cleaner, shown)
    shown = shown.assign(n_needed=making.draw_doubles(len(shown), settings, rng))
    leaves = existing[~existing["stays"] & (existing["state"] == "open")]
    is_new = shown["question"] == -1
    return Update(
        again=shown[~is_new],
        new=shown[is_new],
        withdrawn=leaves["question"][~leaves.index.isin(pairs[is_chosen])].tolist(),
        rest=ranked[~is_chosen & ~stays],
        n_kept=n_stay + int((is_chosen & (question != -1)).sum()),
    )


def put_update(work, cleaner, read, plan, now):
    """Store an update; questions that were answered meanwhile do not change.

    Parameters
    ----------
    work : Connection
    cleaner : fitted label cleaner
    read : list
        From `_read_records`.
    plan : Update
    now : float
        Seconds since 1970.

    Returns
    -------
    dict of int
    """
    stored = _put_records(work, read)
    blind = _blind_records(work)
    _put_labels(work, cleaner, {name: of for name, of in stored.items() if of not in blind})
    _put_again(work, plan.again[~plan.again["id"].map(stored).isin(blind)], stored)
    n_new = _insert_questions(work, plan.new[~plan.new["id"].map(stored).isin(blind)], stored)
    open_ = work.execute(
        sa.select(questions.c.question, questions.c.record).where(questions.c.state == "open")
    )
    stay = {row.question for row in open_ if row.record in blind}
    leave = [question for question in plan.withdrawn if question not in stay]
    n_withdrawn = 0
    for start in range(0, len(leave), _CHUNK):
        n_withdrawn += work.execute(
            questions.update()
            .where(
                questions.c.question.in_(leave[start : start + _CHUNK]),
                questions.c.state == "open",
                ~has_answer(but="skip"),
                ~is_leased(now),
            )
            .values(state="withdrawn", is_withdrawn=True)
        ).rowcount
    _put_unasked(work, plan.rest)
    return {"new": n_new, "kept": plan.n_kept, "withdrawn": n_withdrawn}


def question_of_reader(work, found, label, label_names):
    """Return the question about another label of a record; it is made if a reader names the label.

    Parameters
    ----------
    work : Connection
    found : Row
        Row of a question about the record.
    label : str
    label_names : list of str

    Returns
    -------
    int
    """
    question = work.scalar(
        sa.select(questions.c.question).where(
            questions.c.record == found.record, questions.c.label == label
        )
    )
    if question is not None:
        return question
    of_record = work.execute(
        sa.select(records.c.weak, records.c.labels).where(records.c.record == found.record)
    ).one()
    column = label_names.index(label)
    row = {
        "record": found.record,
        "label": label,
        "weak": of_record.weak[column],
        "held": int(of_record.labels[column] == 1),
        "place": found.place,
        "n_needed": 1,
        "is_control": False,
        "origin": "reader",
    }
    return work.execute(questions.insert().values(row)).inserted_primary_key[0]


def _read_records(cleaner, ecgs, rows, wanted):
    """Yield the stored form of records, and warn of those that cannot be shown.

    Parameters
    ----------
    wanted : list
        Ids, in any order and number.

    Yields
    ------
    name : int or str
        Id of the record.
    row : dict
    content : bytes
    """
    wanted = list(dict.fromkeys(wanted))
    positions = pd.Index(cleaner._ids).get_indexer(pd.Index(wanted, dtype=object))
    trusted = cleaner._trusted | (cleaner._answers != -1)
    unread = {}
    for name, position in zip(wanted, positions, strict=True):
        row = rows[position]
        try:
            signal = np.asarray(ecgs.signals[row])
        except (RecordError, OSError) as error:
            unread[row] = str(error)
            continue
        why_not = making.why_not_shown(signal)
        if why_not is not None:
            unread[row] = why_not
            continue
        of_record, content = making.record_row(ecgs, row, name, signal)
        of_record["weak"] = cleaner._weak[position].tolist()
        of_record["labels"] = cleaner.labels_[position].tolist()
        of_record["trusted"] = trusted[position].tolist()
        yield name, of_record, content
    warn_of_unread(unread, ecgs.ids, "cannot be shown; no questions are about them")


def _put_records(work, read):
    """Store new records; return the numbers of all, by id."""
    stored = stored_records(work)
    for name, of_record, content in read:
        if name not in stored:
            number = work.execute(records.insert().values(of_record)).inserted_primary_key[0]
            work.execute(signals.insert().values(record=number, content=content))
            stored[name] = number
    return stored


def _insert_questions(work, asked, stored):
    """Store new questions about stored records; return their number."""
    # A reader, or another update, may have made one meanwhile.
    pairs = work.execute(sa.select(questions.c.record, questions.c.label))
    there = {(row.record, row.label) for row in pairs}
    rows = [
        {
            "record": stored[one.id],
            "label": str(one.label),
            "weak": int(one.weak),
            "place": float(one.place),
            "n_needed": int(one.n_needed),
            "is_control": bool(one.is_control),
            **_as_seen(one, stored),
        }
        for one in asked.itertuples()
        if one.id in stored and (stored[one.id], one.label) not in there
    ]
    if rows:
        work.execute(questions.insert(), rows)
    return len(rows)


def _put_again(work, again, stored):
    """Store the cleaner's present values of questions without an answer."""
    rows = [
        {"number": one.question, "new_place": _or_none(one.place), "drawn": bool(one.is_control)}
        | {f"new_{name}": value for name, value in _as_seen(one, stored).items()}
        for one in again.itertuples()
    ]
    if not rows:
        return
    names = ("probability", "held", "wrong", "evidence", "similar")
    changes = {name: sa.bindparam(f"new_{name}") for name in names}
    place = sa.func.coalesce(sa.bindparam("new_place", type_=sa.Double), questions.c.place)
    changes["is_control"] = sa.or_(questions.c.is_control, sa.bindparam("drawn", type_=sa.Boolean))
    unanswered = questions.c.question == sa.bindparam("number"), ~has_answer(but="skip")
    work.execute(questions.update().where(*unanswered).values(place=place, **changes), rows)
    for start in range(0, len(rows), _CHUNK):
        numbers = [row["number"] for row in rows[start : start + _CHUNK]]
        work.execute(
            questions.update()
            .where(questions.c.question.in_(numbers), questions.c.state == "withdrawn")
            .values(state="open", is_withdrawn=False)
        )


def _as_seen(one, stored):
    """Return the columns of a question that change with the cleaner."""
    return {
        "probability": _or_none(one.probability),
        "held": int(one.held),
        "wrong": _or_none(one.wrong),
        "evidence": one.evidence,
        "similar": [[bool(has), stored[name]] for has, name in one.similar if name in stored],
    }


def _or_none(number):
    return None if np.isnan(number) else float(number)


def _blind_records(work):
    """Return the records with an answer that waits for a second one.

    They and their questions do not change: present values of the cleaner, also for other labels,
    would tell the second reader the first answer.
    """
    waits = questions.c.state.in_(WAITING), has_answer(but="skip")
    return set(work.scalars(sa.select(questions.c.record).where(*waits)))


def _put_labels(work, cleaner, stored):
    """Store the cleaner's present labels of the records."""
    positions = pd.Index(cleaner._ids).get_indexer(pd.Index(list(stored), dtype=object))
    now = cleaner.labels_[positions].tolist()
    rows = [{"number": of, "now": labels} for of, labels in zip(stored.values(), now, strict=True)]
    if rows:
        of_record = records.update().where(records.c.record == sa.bindparam("number"))
        work.execute(of_record.values(labels=sa.bindparam("now")), rows)


def _put_unasked(work, rest):
    """Store the probabilities that labels without a question are wrong."""
    put_part(work, "unasked", rest["wrong"].to_numpy(np.float32).tobytes())


def get_unasked(work):
    """Return the probabilities that labels without an answer are wrong; NaN unknown.

    Returns
    -------
    ndarray of shape (n_labels,)
    """
    # Withdrawn questions count, with the cleaner's present values.
    where = questions.c.state != "withdrawn", ~has_answer(but="skip")
    in_queue = work.scalars(sa.select(questions.c.wrong).where(*where)).all()
    outside = np.frombuffer(get_part(work, "unasked"), np.float32)
    return np.concatenate([np.array(in_queue, dtype=float), outside])

"""Questions of a cleaner stored: in a new queue, and in one that has answers."""

import time
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
import sqlalchemy as sa

from sklearn_ecg.review.queue import _candidates as candidates
from sklearn_ecg.review.queue import _schema as schema
from sklearn_ecg.review.queue._answers import has_answer
from sklearn_ecg.review.queue._cleaner import save_cleaner
from sklearn_ecg.review.queue._records import (
    find_rows,
    original_id,
    put_labels,
    put_records,
    read_records,
    stored_records,
)
from sklearn_ecg.review.queue._sample import draw_sample, is_only_sample
from sklearn_ecg.review.queue._schema import (
    get_fact,
    get_part,
    put_fact,
    put_part,
    questions,
    records,
)
from sklearn_ecg.review.queue._states import WAITING
from sklearn_ecg.review.queue._worklist import is_leased

# Number of values in one statement.
_CHUNK = 500
# Number of questions that the first cleaner adds to those of a sample.
_N_AFTER_SAMPLE = 1000


def make(database, cleaner, ecgs, settings):
    """Make the tables of a new queue, and fill them.

    Parameters
    ----------
    database : Database
    cleaner : fitted label cleaner
    ecgs : ECGRecords
    settings : Settings
    """
    rows = find_rows(cleaner, ecgs)
    with database.reading() as work:
        schema.check_free(work, database.name)
    asked, unasked = candidates.choose_questions(cleaner, settings)
    asked["evidence"], asked["similar"] = candidates.evidence_of(cleaner, asked)
    content = save_cleaner(cleaner, asked)
    similar = [name for pairs in asked["similar"] for _, name in pairs]
    wanted = [*asked["id"], *similar, *candidates.spare_ids(unasked, settings)]
    with database.writing() as work:
        _put_new(work, database.name, cleaner.label_names_, settings)
        put_part(work, "cleaner", content)
        stored = put_records(work, read_records(cleaner, ecgs, rows, wanted))
        can_be_shown = asked["id"].isin(list(stored))
        _insert_questions(work, asked[can_be_shown], stored)
        _put_unasked(work, pd.concat([unasked, asked[~can_be_shown]]))


def make_of_sample(database, unjudged, n_records, settings):
    """Make the tables of a queue about a random sample of records, and fill them.

    Parameters
    ----------
    database : Database
    unjudged : Unjudged
    n_records : int
    settings : Settings
        Its number of questions becomes that of the sample.
    """
    ecgs = unjudged.records
    rows = find_rows(unjudged, ecgs)
    with database.reading() as work:
        schema.check_free(work, database.name)
    asked = draw_sample(unjudged, n_records, settings)
    with database.writing() as work:
        _put_new(
            work,
            database.name,
            unjudged.label_names_,
            replace(settings, n_questions=len(asked)),
        )
        stored = put_records(work, read_records(unjudged, ecgs, rows, asked["id"]))
        _insert_questions(work, asked, stored)
        _put_unasked(work, asked[:0])


def _put_new(work, name, label_names, settings):
    """Make the tables, and store labels and settings."""
    schema.make(work, name)
    put_fact(work, "label_names", [str(name) for name in label_names])
    put_fact(work, "settings", asdict(settings))


def existing_questions(work, now):
    """Return the questions of a queue.

    Returns
    -------
    DataFrame
        Indexed by id and label: question, place, state, and whether it must stay (``stays``), has
        an answer (``is_answered``), and is about a record with an answer that waits for a second
        one (``is_blind``).
    """
    is_answered = has_answer(other_than="skip")
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
    ids = [original_id(*pair) for pair in zip(found["id"], found["id_kind"], strict=True)]
    arrays = [pd.Index(ids, dtype=object), found["label"]]
    index = pd.MultiIndex.from_arrays(arrays, names=["id", "label"])
    is_blind = found["record"].isin(_blind_records(work))
    stays = found["stays"].astype(bool) | (is_blind & (found["state"] == "open"))
    found = found.assign(is_blind=is_blind, stays=stays)
    found = found.drop(columns=["id", "id_kind", "label", "record"]).set_index(index)
    return found.astype({"place": float, "is_answered": bool})


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
    with database.reading() as work:
        before = get_fact(work, "settings")
        if n_questions is None and is_only_sample(work):
            n_questions = before["n_questions"] + _N_AFTER_SAMPLE
        existing, stored = existing_questions(work, time.time()), stored_records(work)
    changed = {} if n_questions is None else {"n_questions": n_questions}
    settings = candidates.Settings(**before | changed)
    is_raised = changed and before["n_questions"] is not None
    n_more = max(0, n_questions - before["n_questions"]) if is_raised else 0
    rows = None if ecgs is None else find_rows(cleaner, ecgs)
    plan = plan_update(
        cleaner, settings, existing, stored, can_read=ecgs is not None, n_more=n_more
    )
    # Reading signals takes long, and would block other writers.
    read = []
    if ecgs is not None:
        shown = pd.concat([plan.again, plan.new])
        wanted = [*shown["id"], *(name for pairs in shown["similar"] for _, name in pairs)]
        wanted = [name for name in wanted if name not in stored]
        read = list(read_records(cleaner, ecgs, rows, wanted))
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
        Queued questions without an answer, with the cleaner's latest values: as from
        `choose_questions`, with their number. Their place is NaN if it does not change.
    new : DataFrame
        New questions.
    withdrawn : list of int
        Questions to withdraw.
    unasked : DataFrame
        Labels without a question.
    n_kept : int
    """

    again: pd.DataFrame
    new: pd.DataFrame
    withdrawn: list
    unasked: pd.DataFrame
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
    ranked = candidates.rank_questions(cleaner, settings.seed)
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
    # Remaining questions without an answer get the cleaner's latest values, too.
    is_written = is_chosen | (stays & ~is_answered)
    is_control = np.isin(np.arange(len(ranked)), controls)
    shown = ranked.assign(place=place, question=question, is_control=is_control)[is_written]
    shown["evidence"], shown["similar"] = candidates.evidence_of(cleaner, shown)
    shown = shown.assign(n_needed=candidates.draw_doubles(len(shown), settings, rng))
    leaves = existing[~existing["stays"] & (existing["state"] == "open")]
    is_new = shown["question"] == -1
    return Update(
        again=shown[~is_new],
        new=shown[is_new],
        withdrawn=leaves["question"][~leaves.index.isin(pairs[is_chosen])].tolist(),
        unasked=ranked[~is_chosen & ~stays],
        n_kept=n_stay + int((is_chosen & (question != -1)).sum()),
    )


def put_update(work, cleaner, read, plan, now):
    """Store an update; questions that were answered meanwhile do not change.

    Parameters
    ----------
    work : Connection
    cleaner : fitted label cleaner
    read : list
        From `read_records`.
    plan : Update
    now : float
        Seconds since 1970.

    Returns
    -------
    dict of int
    """
    stored = put_records(work, read)
    blind = _blind_records(work)
    put_labels(work, cleaner, {name: of for name, of in stored.items() if of not in blind})
    _put_again(work, plan.again[~plan.again["id"].map(stored).isin(blind)], stored, blind)
    record = plan.new["id"].map(stored)
    can_be_asked = record.notna() & ~record.isin(blind)
    n_new = _insert_questions(work, plan.new[can_be_asked], stored, blind)
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
                ~has_answer(other_than="skip"),
                ~is_leased(now),
            )
            .values(state="withdrawn", is_withdrawn=True)
        ).rowcount
    _put_unasked(work, pd.concat([plan.unasked, plan.new[~can_be_asked]]))
    return {"new": n_new, "kept": plan.n_kept, "withdrawn": n_withdrawn}


def _insert_questions(work, asked, stored, blind=()):
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
            "origin": one.origin,
            **_of_cleaner(one, stored, blind),
        }
        for one in asked.itertuples()
        if (stored[one.id], one.label) not in there
    ]
    if rows:
        work.execute(questions.insert(), rows)
    return len(rows)


def _put_again(work, again, stored, blind):
    """Store the cleaner's latest values of questions without an answer."""
    rows = [
        {"number": one.question, "new_place": _or_none(one.place), "drawn": bool(one.is_control)}
        | {f"new_{name}": value for name, value in _of_cleaner(one, stored, blind).items()}
        for one in again.itertuples()
    ]
    if not rows:
        return
    names = ("probability", "presumed", "wrong", "evidence", "similar")
    changes = {name: sa.bindparam(f"new_{name}") for name in names}
    place = sa.func.coalesce(sa.bindparam("new_place", type_=sa.Double), questions.c.place)
    # What a cleaner asks about is no fair sample any longer.
    changes["origin"] = "cleaner"
    changes["is_control"] = sa.or_(questions.c.is_control, sa.bindparam("drawn", type_=sa.Boolean))
    unanswered = questions.c.question == sa.bindparam("number"), ~has_answer(other_than="skip")
    work.execute(questions.update().where(*unanswered).values(place=place, **changes), rows)
    for start in range(0, len(rows), _CHUNK):
        numbers = [row["number"] for row in rows[start : start + _CHUNK]]
        work.execute(
            questions.update()
            .where(questions.c.question.in_(numbers), questions.c.state == "withdrawn")
            .values(state="open", is_withdrawn=False)
        )


def _of_cleaner(one, stored, blind):
    """Return the columns of a question that change with the cleaner.

    Records of `blind` do not stand there as trusted: it would tell a second reader the first
    answer.
    """
    similar = [(has, stored[name]) for has, name in one.similar if name in stored]
    return {
        "probability": _or_none(one.probability),
        "presumed": int(one.presumed),
        "wrong": _or_none(one.wrong),
        "evidence": one.evidence,
        "similar": [[has, of] for has, of in similar if has is None or of not in blind],
    }


def _or_none(number):
    return None if np.isnan(number) else float(number)


def _blind_records(work):
    """Return the records with an answer that waits for a second one.

    They and their questions do not change: latest values of the cleaner, also for other labels,
    would tell the second reader the first answer.
    """
    waits = questions.c.state.in_(WAITING), has_answer(other_than="skip")
    return set(work.scalars(sa.select(questions.c.record).where(*waits)))


def _put_unasked(work, unasked):
    """Store the probabilities that labels without a question are wrong."""
    put_part(work, "unasked", unasked["wrong"].to_numpy(np.float32).tobytes())


def get_unanswered(work):
    """Return the probabilities that labels without an answer are wrong; NaN unknown.

    Returns
    -------
    ndarray of shape (n_labels,)
    """
    # Withdrawn questions count, with the cleaner's latest values.
    where = questions.c.state != "withdrawn", ~has_answer(other_than="skip")
    in_queue = work.scalars(sa.select(questions.c.wrong).where(*where)).all()
    outside = np.frombuffer(get_part(work, "unasked"), np.float32)
    return np.concatenate([np.array(in_queue, dtype=float), outside])

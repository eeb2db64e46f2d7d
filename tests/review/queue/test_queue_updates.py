"""What a new fit of the cleaner makes of a queue that is being read."""

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.review import ReviewQueue
from sklearn_ecg.review.queue import _queue as queue_module
from sklearn_ecg.review.queue import _records, _schema, _worklist
from tests.review.queues import (
    LABELS,
    N_RECORDS,
    asked,
    cleaner_and_records,
)


def test_an_update_asks_what_the_cleaner_asks_now(make):
    cleaner, records = cleaner_and_records()
    queue = make(n_questions=40, control_share=0.2)
    shown = queue.next_questions("ana", 20)
    for question in shown[:12]:
        likely = "present" if question["probability"] > 0.5 else "absent"
        queue.answer(question["question"], "ana", likely)
    answers = queue.answers(min_trust=0)
    held = [question["question"] for question in shown[12:]]
    again = cleaner.with_answers(answers)
    counts = queue.update(again, records)
    progress = queue.progress()
    assert progress["n_questions"] == 40 == counts["new"] + counts["kept"]
    assert counts["new"] == counts["withdrawn"]
    assert progress["n_settled"] == 12
    pd.testing.assert_frame_equal(queue.answers(min_trust=0), answers)
    # What is before a reader stays there.
    assert set(held) <= set(asked(queue, "ana", 100))
    now = queue.next_questions("ana", 100)
    wanted = again.questions().set_index(["id", "label"])["probability"]
    for question in now:
        pair = question["record"]["id"], question["label"]
        assert question["probability"] == pytest.approx(wanted[pair])
    # The same cleaner once more changes nothing.
    assert queue.update(again, records)["new"] == 0


def test_an_answer_is_stored_while_an_update_packs_signals(make, monkeypatch):
    cleaner, records = cleaner_and_records()
    queue = make(n_questions=5)
    (question,) = asked(queue, "ana")
    pack = _records.record_row

    def pack_and_answer(*arguments):
        with ReviewQueue(queue._url) as other:
            other.answer(question, "ana", "present", key="k")
        return pack(*arguments)

    monkeypatch.setattr(_records, "record_row", pack_and_answer)
    assert queue.update(cleaner, records, n_questions=90)["new"] > 50
    assert queue.progress()["n_settled"] == 1


def fitted_to(ids, rows=slice(None)):
    """Return a cleaner of other records than those of `cleaner_and_records`."""
    known, _ = cleaner_and_records()
    features = pd.DataFrame(np.arange(len(ids))[:, np.newaxis] % 7, ids)
    weak = pd.DataFrame(known._weak[rows], ids, LABELS)
    cleaner = type(known)(max_iter=1, random_state=0)
    return cleaner.fit(features, weak, trusted=known._trusted[rows])


def test_other_records_of_the_patient_stand_beside_a_question(tmp_path):
    known, records = cleaner_and_records()
    table, weak = (pd.DataFrame(of, known._ids) for of in (known._table, known._weak))
    patients = np.arange(N_RECORDS) // 2  # two records of each
    cleaner = AFPLabelCleaner(max_iter=1, random_state=0)
    cleaner.fit(table, weak.set_axis(LABELS, axis=1), trusted=known._trusted, groups=patients)
    queue = ReviewQueue.from_cleaner(cleaner, records, tmp_path / "queue.sqlite", n_questions=9)
    ids = records.ids.tolist()
    for question in queue.next_questions("ana", 9):
        row = ids.index(question["record"]["id"])
        beside = [one["record"]["id"] for one in question["similar"] if one["with_label"] is None]
        assert beside == [ids[row + 1 if row % 2 == 0 else row - 1]]
        assert queue.record(question["similar"][-1]["record"]["record"])


def test_an_update_needs_a_cleaner_of_the_same_records(make):
    cleaner, _ = cleaner_and_records()
    queue = make(n_questions=40)
    before = queue.progress(), queue.question(1)
    with pytest.raises(ValueError, match=r"not fitted to (\d+) of the \1 records of the queue"):
        queue.update(fitted_to([f"x{name}" for name in cleaner._ids]))
    assert (queue.progress(), queue.question(1)) == before


def test_records_that_an_export_has_lost_keep_their_answers(make):
    cleaner, records = cleaner_and_records()
    queue = make(n_questions=12, double_share=0)
    questions = queue.next_questions("ana", 6)
    for question in questions:
        queue.answer(question["question"], "ana", "present", seconds=3)
    before = queue.trail()
    gone = questions[0]["record"]["id"]
    kept = cleaner._ids != gone
    fewer = fitted_to(cleaner._ids[kept], kept)
    with pytest.warns(UserWarning, match=f"not fitted to 1 of .* such as {gone}"):
        queue.update(fewer)
    assert gone not in {one["record"]["id"] for one in queue.next_questions("ben", 100)}
    queue.refit(wait=True)  # the answers about the record are left out
    with pytest.warns(UserWarning, match=f"records lack 1 of .* such as {gone}"):
        found = queue.on_records(records[kept].with_labels(None), min_trust=0)
    assert (found.labels != -1).sum() == (queue.answers(0)["id"] != gone).sum()
    queue.update(cleaner)  # it is back
    pd.testing.assert_frame_equal(queue.trail(), before)


def test_an_answer_that_comes_again_is_known_whatever_has_changed(make):
    queue = make()
    question = queue.next_questions("ana")[0]
    other = question["other_labels"][0]
    sent = {"key": "k", "labels": [other]}
    first = queue.answer(question["question"], "ana", "absent", **sent)
    with queue._database.writing() as work:
        trusted = _schema.records.update().values(trusted=[True] * len(LABELS))
        work.execute(trusted)
    assert queue.answer(question["question"], "ana", "absent", **sent) == first


def test_more_questions_are_asked_where_an_update_allows_them(make):
    cleaner, records = cleaner_and_records()
    queue = make(n_questions=5)
    for question in asked(queue, "ana", 5):
        queue.answer(question, "ana", "present")
    # The budget is of all questions ever asked.
    assert queue.update(cleaner, records)["new"] == 0
    assert queue.update(cleaner, records, n_questions=8)["new"] == 3
    assert queue.update(cleaner, records) == {"new": 0, "kept": 8, "withdrawn": 0}
    with pytest.raises(ValueError, match="n_questions must be an int of at least 1"):
        queue.update(cleaner, records, n_questions=0)


@pytest.mark.parametrize("reads", [True, False])
def test_where_more_questions_are_allowed_their_share_are_controls(make, reads):
    cleaner, records = cleaner_and_records()
    queue = make(n_questions=20, control_share=0.2)

    def controls():
        with queue._database.reading() as work:
            asks = _schema.questions.c
            where = asks.is_control, asks.state == "open"
            rows = work.execute(sa.select(asks.record, asks.label, asks.place).where(*where))
            return {row[:2]: row.place for row in rows}

    before = controls()
    assert len(before) == 4
    records = records if reads else None
    queue.update(cleaner, records)
    assert controls() == before
    queue.update(cleaner, records, n_questions=30)
    assert len(controls()) == 6
    assert controls().items() >= before.items()
    new = {pair: place for pair, place in controls().items() if pair not in before}
    assert all(0 <= place <= 30 for place in new.values())
    queue.update(cleaner, records, n_questions=30)
    assert len(controls()) == 6
    assert queue.progress()["n_questions"] == 30


def test_an_answer_to_a_withdrawn_question_is_stored_all_the_same(make, clock):
    cleaner, _ = cleaner_and_records()
    queue = make(n_questions=10)
    shown = queue.next_questions("ana", 10)
    clock[0] += 2 * _worklist.LEASE_S
    rows = [
        {"id": name, "label": label, "answer": int(truth == 1)}
        for name, of_record in zip(cleaner._ids[-20:], cleaner._weak[-20:], strict=True)
        for label, truth in zip(LABELS, of_record, strict=True)
    ]
    counts = queue.update(cleaner.with_answers(pd.DataFrame(rows)))
    gone = next(
        question["question"]
        for question in shown
        if question["question"] not in asked(queue, "ben", 100)
    )
    assert counts["withdrawn"] > 0
    assert queue.answer(gone, "ana", "skip")["state"] == "withdrawn"
    assert queue.answer(gone, "ana", "present")["state"] == "settled"


def test_a_refit_tells_a_second_reader_nothing(doubles):
    cleaner, _ = cleaner_and_records()
    first = doubles.next_questions("ana")[0]
    of_record = [
        one["question"]
        for one in doubles.next_questions("ana", 100)
        if one["record"] == first["record"]
    ]
    shown = [doubles.question(question, "ben") for question in of_record]
    said = 1 - first["weak"]
    doubles.answer(first["question"], "ana", "present" if said else "absent")
    again = cleaner.with_answers(doubles.answers(min_trust=0))
    doubles.update(again)
    row = again._ids.tolist().index(first["record"]["id"])
    assert again.labels_[row, LABELS.index(first["label"])] == said
    assert len(shown) == len(LABELS)
    assert [doubles.question(one["question"], "ben") for one in shown] == shown


def test_a_record_that_waits_for_a_second_reader_is_no_trusted_example(doubles):
    cleaner, records = cleaner_and_records()
    read = []
    for question in doubles.next_questions("ana", 40):
        doubles.answer(question["question"], "ana", "absent")
        read.append(question["record"]["record"])
    again = cleaner.with_answers(doubles.answers(min_trust=0))
    doubles.update(again, records)
    named = [
        one["record"]["id"]
        for question in doubles.next_questions("ben", 100)
        for one in question["similar"]
    ]
    waiting = [doubles.record(record).ids[0] for record in set(read)]
    assert len(named) > 100 and not set(named) & set(waiting)


@pytest.mark.parametrize("n_questions", [5, 90])
def test_what_is_asked_of_a_record_tells_a_second_reader_nothing(make, clock, n_questions):
    cleaner, records = cleaner_and_records()
    queue = make(double_share=1, n_questions=n_questions)
    first = queue.next_questions("ana")[0]
    said = "absent" if first["weak"] else "present"
    queue.answer(first["question"], "ana", said)
    clock[0] += 2 * _worklist.LEASE_S
    again = cleaner.with_answers(queue.answers(min_trust=0))

    def of_record():
        with queue._database.reading() as work:
            asks = _schema.questions.c
            where = asks.record == first["record"]["record"]
            return work.execute(sa.select(asks.label, asks.state).where(where)).all()

    before = of_record()
    # All labels are asked about, or next to none.
    counts = queue.update(again, records, n_questions=95 - n_questions)
    assert counts["new"] + counts["withdrawn"] > 50
    assert of_record() == before


def test_a_record_with_a_bad_signal_is_not_asked_about_again(make):
    cleaner, records = cleaner_and_records()
    queue = make(n_questions=5)
    first = queue.next_questions("ana")[0]
    queue.answer(first["question"], "ana", "bad signal")
    queue.update(cleaner, records)
    shown = queue.next_questions("ana", 100)
    assert first["record"]["id"] not in {question["record"]["id"] for question in shown}


def test_a_label_that_a_reader_has_named_meanwhile_is_no_new_question(make, monkeypatch):
    cleaner, records = cleaner_and_records()
    queue = make(n_questions=5)
    first = queue.next_questions("ana")[0]
    other = next(label for label in first["other_labels"])
    plan = queue_module.updating.plan_update

    def plan_and_answer(*arguments, **options):
        found = plan(*arguments, **options)
        queue.answer(first["question"], "ana", "absent", labels=[other])
        return found

    monkeypatch.setattr(queue_module.updating, "plan_update", plan_and_answer)
    queue.update(cleaner, records)
    assert sorted(queue.answers(min_trust=0)["label"]) == sorted([first["label"], other])

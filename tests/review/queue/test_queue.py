"""What readers do with a queue, and what comes back of it, in SQLite and in PostgreSQL."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from sklearn_ecg.records import UnreadRecordsWarning
from sklearn_ecg.review import (
    ANSWERS,
    ReaderModel,
    ReviewQueue,
    from_label_studio,
    to_label_studio,
)
from sklearn_ecg.review.queue import _schema, _worklist
from tests.review.queues import (
    LABELS,
    N_RECORDS,
    N_TRUSTED,
    asked,
    cleaner_and_records,
    new_queue,
    queue_at,
    state,
)


def test_the_best_question_comes_first(queue):
    cleaner, _ = cleaner_and_records()
    seed = 0
    ranked = cleaner.questions(random_state=seed)
    assert queue.progress()["n_questions"] == len(ranked) == (N_RECORDS - N_TRUSTED) * len(LABELS)
    first = queue.next_questions("ana")[0]
    assert ranked["value"].max() == pytest.approx(
        ranked.set_index(["id", "label"])["value"][first["record"]["id"], first["label"]]
    )
    assert first["probability"] == pytest.approx(
        ranked.set_index(["id", "label"])["probability"][first["record"]["id"], first["label"]]
    )


def test_a_notebook_shows_how_far_reading_has_come(queue):
    html, n_questions = queue._repr_html_(), queue.progress()["n_questions"]
    assert f"<th>questions</th><td>{n_questions}</td>" in html
    assert f'<progress max="{n_questions}" value="0">' in html


def test_a_question_shows_all_that_a_page_needs(queue):
    cleaner, records = cleaner_and_records()
    question = queue.next_questions("ana")[0]
    assert json.loads(json.dumps(question)) == question
    row = int(np.flatnonzero(records.ids == question["record"]["id"])[0])
    column = LABELS.index(question["label"])
    assert question["weak"] == cleaner._weak[row, column]
    assert list(question["labels_now"].values()) == cleaner.labels_[row].tolist()
    assert question["other_labels"] == [name for name in LABELS if name != question["label"]]
    assert {item["kind"] for item in question["evidence"]} >= {"weak", "belief"}
    # Of what the head of a printed ECG says, the cleaner has measured the QRS duration.
    (head,) = (item["values"] for item in question["evidence"] if item["kind"] == "head")
    (value,) = (one["value"] for one in head if one["feature"] == "QRS_duration_ms")
    assert value == pytest.approx(cleaner._table[row, 1])
    header = question["record"]
    about = (header["leads"], header["sampling_rate"], header["n_times"], header["step_mv"])
    assert about == (["I", "II"], 100.0, 250, 0.001)
    assert (header["age"], header["sex"]) == (float(row), "male")
    for similar in question["similar"]:
        other = int(np.flatnonzero(records.ids == similar["record"]["id"])[0])
        assert cleaner._trusted[other, column]
        assert similar["with_label"] == bool(cleaner._weak[other, column])
    assert len(question["similar"]) == 4


def test_signals_come_back_to_a_microvolt(queue):
    _, records = cleaner_and_records()
    header = queue.next_questions("ana")[0]["record"]
    signal = records.signals[int(np.flatnonzero(records.ids == header["id"])[0])]
    record = queue.record(header["record"])
    np.testing.assert_allclose(record.signals[0], signal, atol=5e-4)
    assert (record.ids[0], list(record.lead_names)) == (header["id"], ["I", "II"])


def test_shares_of_doubles_and_controls_are_kept(tmp_path):
    cleaner, _ = cleaner_and_records()
    path = tmp_path / "queue.sqlite"
    queue = new_queue(path, n_questions=60, double_share=0.5, control_share=0.2)
    shown = queue.next_questions("ana", 100)
    assert len(shown) == 60
    with queue._database.reading() as work:
        n_needed = work.scalars(sa.select(_schema.questions.c.n_needed)).all()
    assert 20 <= n_needed.count(2) <= 40
    best = cleaner.questions().head(48)
    pairs = {(question["record"]["id"], question["label"]) for question in shown}
    n_best = len(pairs & set(zip(best["id"], best["label"], strict=True)))
    assert 40 <= n_best <= 48  # labels of equal value are drawn


def test_questions_of_one_record_come_together(queue):
    shown = queue.next_questions("ana", 30)
    records = [question["record"]["record"] for question in shown]
    assert len(list(itertools.groupby(records))) == len(set(records))
    first, second = shown[0], shown[1]
    assert first["record"] == second["record"]
    assert first["n_more_of_record"] == 2
    queue.answer(first["question"], "ana", "present")
    assert queue.next_questions("ana")[0]["record"]["record"] == first["record"]["record"]


def test_what_a_page_holds_is_not_sent_again(queue):
    first = asked(queue, "ana", 2)
    more = asked(queue, "ana", 3, holding=first)
    assert not set(first) & set(more)
    records = [queue.question(question)["record"]["record"] for question in first + more]
    assert records[0] == records[1] == records[2] != records[3]


def test_two_readers_get_different_questions(queue, clock):
    mine = asked(queue, "ana", 3)
    others = asked(queue, "ben", 3)
    assert not set(mine) & set(others)
    # After a reload the same ones are there.
    assert asked(queue, "ana", 3) == mine
    clock[0] += _worklist.LEASE_S - 1
    asked(queue, "ana", 1, holding=mine[:1])
    clock[0] += 2
    free = asked(queue, "cem", 100)
    assert mine[0] not in free
    assert mine[2] in free


def test_one_answer_settles_a_question_and_two_readers_a_double(make):
    queue = make()
    question = asked(queue, "ana")[0]
    found = queue.answer(question, "ana", "present", note=" broad QRS ", seconds=2)
    assert found == {"stored": True, "question": question, "state": "settled"}
    assert question not in asked(queue, "ben", 100)
    doubles = make(double_share=1)
    question = asked(doubles, "ana")[0]
    assert doubles.answer(question, "ana", "present")["state"] == "open"
    assert question not in asked(doubles, "ana", 100)
    assert question in asked(doubles, "ben", 100)
    assert doubles.answer(question, "ben", "present")["state"] == "settled"


def test_a_double_is_blind(doubles):
    before = doubles.next_questions("ana")[0]
    question = before["question"]
    doubles.answer(question, "ana", "present", note="surely")
    assert doubles.next_questions("ben")[0] == before
    # Nor does it say that a second reader will come.
    with doubles._database.writing() as work:
        work.execute(_schema.questions.update().values(n_needed=1))
    assert doubles.question(question, "ben") == before


def test_a_third_reader_decides_a_dispute_without_names(doubles, clock):
    question = asked(doubles, "ana")[0]
    answers = {"ana": "present", "ben": "absent"}
    assert state(doubles, question, answers) == "disputed"
    assert question not in asked(doubles, "ana", 20)
    assert question not in asked(doubles, "ben", 20)
    shown = doubles.next_questions("cem")[0]
    assert (shown["question"], shown["is_dispute"]) == (question, True)
    assert shown["answers"] == [
        {"answer": "present", "note": ""},
        {"answer": "absent", "note": ""},
    ]
    table = doubles.disputes()
    assert table.loc[0, ["present", "absent"]].tolist() == ["ana", "ben"]
    assert doubles.progress()["n_disputed"] == 1
    assert doubles.answers().empty
    assert doubles.answer(question, "cem", "absent")["state"] == "settled"
    assert doubles.answers(min_trust=0)["answer"].tolist() == [0]
    assert doubles.trail()["is_final"].tolist() == [False, False, True]
    # Of more than one final answer the last counts.
    doubles.answer(question, "cem", "present")
    assert doubles.answers(min_trust=0)["answer"].tolist() == [1]
    doubles.undo("cem")
    assert doubles.answers(min_trust=0)["answer"].tolist() == [0]
    doubles.undo("cem")
    assert doubles.progress()["n_disputed"] == 1
    clock[0] += 2 * _worklist.LEASE_S
    assert asked(doubles, "dan") == [question]
    doubles.answer(question, "dan", "present")
    assert doubles.answers(min_trust=0)["answer"].tolist() == [1]


def test_who_was_not_shown_a_dispute_does_not_decide_it(queue):
    question, other = asked(queue, "ana", 2)
    # Each has it on the screen as it was before the others answered.
    assert state(queue, question, {"ben": "present", "cem": "absent"}) == "disputed"
    asked(queue, "ana", holding=[question, other])
    assert queue.answer(question, "ana", "present")["state"] == "disputed"
    assert not queue.trail()["is_final"].any()
    assert asked(queue, "dan") == [question]
    assert queue.answer(question, "dan", "absent")["state"] == "settled"


@pytest.mark.parametrize("blind", [True, False])
def test_an_annotator_decides_a_dispute_that_the_task_showed(make, tmp_path, blind):
    queue = make(n_questions=1)
    (question,) = asked(queue, "ana")
    state(queue, question, {"ana": "present", "ben": "absent"})
    to_label_studio(queue, tmp_path / "tasks.json", signals=False, blind=blind)
    (task,) = json.loads((tmp_path / "tasks.json").read_text())
    said = {"from_name": "answer_0", "type": "choices", "value": {"choices": ["absent"]}}
    task["annotations"].append({"id": 7, "completed_by": 3, "result": [said]})
    (tmp_path / "export.json").write_text(json.dumps([task]))
    assert from_label_studio(queue, tmp_path / "export.json") == 1
    assert queue.trail()["is_final"].tolist() == [False, False, not blind]
    assert queue.question(question)["is_dispute"] == blind


def test_two_readers_alone_come_to_a_consensus(make):
    queue = make(n_questions=3, double_share=1)
    first, second, third = sorted(asked(queue, "ana", 3))
    for question in (first, second, third):
        queue.answer(question, "ana", "present", note="f waves")
    asked(queue, "ben", 3)
    queue.answer(third, "ben", "unsure")
    queue.answer(first, "ben", "absent")
    # A third reader may still come, and there is something else to read.
    assert asked(queue, "ben") == [second]
    queue.answer(second, "ben", "absent")
    shown = queue.next_questions("ben", 3)
    assert {question["question"] for question in shown} == {first, second}
    assert all(question["is_dispute"] for question in shown)
    assert [one["note"] for one in shown[0]["answers"]] == ["f waves", ""]
    # Nobody else has it meanwhile; a skip takes nothing back, and leads to the next one.
    assert asked(queue, "ana", 3) == []
    oldest = shown[0]["question"]
    assert queue.answer(oldest, "ben", "skip")["state"] == "disputed"
    assert asked(queue, "ben", 3)[-1] == oldest
    assert queue.answer(oldest, "ben", "unsure")["state"] == "disputed"
    asked(queue, "ben", 2)
    assert queue.answer(oldest, "ben", "present")["state"] == "settled"
    found = queue.answers(min_trust=0).set_index("label")
    assert found["readers"].tolist().count("ana, ben") == 1
    assert queue.trail()["is_consensus"].tolist() == [False] * 8 + [True]
    assert queue.trail()["is_final"].tolist() == [False] * 8 + [True]
    # What was said blind still tells how far readers agree.
    assert queue.agreement().loc["all labels", "n_questions"] == 2
    queue.undo("ben")
    assert queue.progress()["n_disputed"] == 2


def test_who_was_unsure_may_decide_a_dispute_when_nothing_else_is_left(make):
    queue = make(n_questions=1)
    (question,) = asked(queue, "ana")
    assert state(queue, question, {"ana": "unsure", "ben": "present"}) == "settled"
    assert queue.answer(question, "cem", "absent")["state"] == "disputed"
    (shown,) = queue.next_questions("ana")
    assert len(shown["answers"]) == 2
    assert queue.answer(question, "ana", "absent")["state"] == "settled"
    assert queue.answers(min_trust=0)["answer"].tolist() == [0]
    assert not queue.trail()["is_consensus"].any()


def test_two_readers_of_one_single_question_at_once_both_count(queue):
    question, other = asked(queue, "ana", 2)
    assert state(queue, question, {"ana": "present", "ben": "present"}) == "settled"
    assert state(queue, other, {"ana": "present", "ben": "absent"}) == "disputed"
    assert queue.answers()["readers"].tolist() == ["ana, ben"]


def test_who_is_unsure_leaves_the_question_to_others(queue):
    question = asked(queue, "ana")[0]
    assert queue.answer(question, "ana", "unsure")["state"] == "open"
    assert question not in asked(queue, "ana", 100)
    assert question in asked(queue, "ben", 100)
    assert queue.answer(question, "ben", "unsure")["state"] == "undecided"
    assert queue.answers().empty
    assert queue.progress()["n_settled"] == 1


def test_what_was_skipped_comes_last(queue):
    everything = asked(queue, "ana", 100)
    first = everything[0]
    queue.answer(first, "ana", "skip")
    assert queue.progress("ana")["n_open"] == queue.progress()["n_questions"]
    assert first not in asked(queue, "ana", 50)
    left = set(asked(queue, "ana", 100))
    while left - {first}:
        for question in left - {first}:
            queue.answer(question, "ana", "absent")
        left = set(asked(queue, "ana", 100))
    assert left == {first}


def test_a_bad_signal_settles_the_record(queue):
    shown = queue.next_questions("ana", 3)
    assert len({question["record"]["record"] for question in shown}) == 1
    first, second, third = (question["question"] for question in shown)
    queue.answer(second, "ana", "present")
    assert queue.answer(first, "ana", "bad signal")["state"] == "bad signal"
    assert third not in asked(queue, "ben", 100)
    assert queue.progress()["n_settled"] == 3
    assert len(queue.answers()) == 1
    queue.undo("ana")
    assert third in asked(queue, "ana", 3)


def test_another_label_is_a_second_answer(queue):
    shown = queue.next_questions("ana")[0]
    other = shown["other_labels"][0]
    queue.answer(shown["question"], "ana", "absent", labels=[other], note="this one")
    found = queue.answers(min_trust=0).set_index("label")["answer"].to_dict()
    assert found == {shown["label"]: 0, other: 1}
    assert queue.undo("ana")["question"] == shown["question"]
    assert queue.answers().empty
    assert queue.trail()["answer"].tolist() == ["absent", "present", "undo", "undo"]


def test_another_label_may_be_one_that_nobody_would_ask_about(make):
    queue = make(n_questions=3)
    shown = queue.next_questions("ana", 3)
    pairs = {(question["record"]["id"], question["label"]) for question in shown}
    question, other = next(
        (question, other)
        for question in shown
        for other in question["other_labels"]
        if (question["record"]["id"], other) not in pairs
    )
    queue.answer(question["question"], "ana", "absent", labels=[other])
    assert queue.progress()["n_questions"] == 4
    assert other in queue.answers(min_trust=0)["label"].tolist()


def test_undo_goes_back_step_by_step_and_leaves_a_trail(queue):
    first, second = asked(queue, "ana", 2)
    queue.answer(first, "ana", "present", key="1")
    queue.answer(first, "ben", "absent")
    queue.answer(second, "ana", "absent", key="2")
    assert queue.undo("ana", key="u1")["question"] == second
    assert queue.undo("ana", key="u1")["question"] == second
    assert queue.progress("ana")["n_answered_by_reader"] == 1
    assert queue.undo("ana", key="u2")["question"] == first
    assert queue.undo("ana") is None
    trail = queue.trail()
    assert trail["answer"].tolist() == ["present", "absent", "absent", "undo", "undo"]
    assert trail["undone"].tolist() == [True, False, True, False, False]
    assert trail["reader"].tolist() == ["ana", "ben", "ana", "ana", "ana"]
    assert queue.answers(min_trust=0)["readers"].tolist() == ["ben"]
    # It is the reader's again.
    assert asked(queue, "cem", 100).count(second) == 0


def test_an_answer_that_is_sent_again_is_stored_once(queue):
    question, other = asked(queue, "ana", 2)
    sent = [queue.answer(question, "ana", "present", key="k") for _ in range(3)]
    assert sent[0] == sent[1] == sent[2]
    assert len(queue.trail()) == 1
    for changed in [(other, "ana", "present"), (question, "ben", "present")]:
        with pytest.raises(ValueError, match="key 'k' belongs to another answer"):
            queue.answer(*changed, key="k")
    with pytest.raises(ValueError, match="key 'k' belongs to an answer"):
        queue.undo("ana", key="k")


def test_of_several_answers_of_a_reader_the_last_counts(queue):
    question = asked(queue, "ana")[0]
    assert state(queue, question, {"ana": "present"}) == "settled"
    queue.answer(question, "ana", "absent")
    assert queue.answers(min_trust=0)["answer"].tolist() == [0]
    queue.undo("ana")
    assert queue.answers(min_trust=0)["answer"].tolist() == [1]


def test_answers_go_back_to_the_cleaner(queue):
    cleaner, records = cleaner_and_records()
    for question in queue.next_questions("ana", 6):
        likely = "present" if question["probability"] > 0.5 else "absent"
        queue.answer(question["question"], "ana", likely, seconds=3)
    answers = queue.answers()
    assert list(answers) == [
        "id",
        "label",
        "answer",
        "trust",
        "n_readers",
        "readers",
        "state",
        "origin",
    ]
    assert len(answers) == 6
    assert answers["trust"].between(0.5, 1).all()
    assert queue.answers(min_trust=1).empty
    again = cleaner.with_answers(answers)
    assert (again.provenance_ == "answered").sum() == 6
    found = queue.on_records(records)
    assert found.trusted.sum() == 6
    rows = [records.ids.tolist().index(name) for name in answers["id"]]
    columns = [LABELS.index(label) for label in answers["label"]]
    assert found.labels[rows, columns].tolist() == answers["answer"].tolist()
    untouched = ~found.trusted
    np.testing.assert_array_equal(found.labels[untouched], records.labels[untouched])
    unlabelled = queue.on_records(records.with_labels(None))
    assert (unlabelled.labels != -1).sum() == 6


def test_answers_are_not_put_on_records_that_contradict_them(queue):
    _, records = cleaner_and_records()
    question = queue.next_questions("ana")[0]
    held = bool(question["weak"])
    queue.answer(question["question"], "ana", "absent" if held else "present")
    trusted = np.ones(len(records), dtype=bool)
    with pytest.raises(ValueError, match="1 answers contradict"):
        queue.on_records(records.with_labels(records.labels, trusted=trusted), min_trust=0)
    with pytest.raises(ValueError, match="lack 1 of the 1 records"):
        queue.on_records(records[:0], min_trust=0)
    with pytest.raises(ValueError, match="have no label"):
        other = records.with_labels(records.labels, ["a", "b", "c"])
        queue.on_records(other, min_trust=0)


def test_tables_of_readers_and_their_agreement(doubles):
    shown = doubles.next_questions("ana", 20)
    for place, question in enumerate(shown):
        said = "present" if place % 2 else "absent"
        doubles.answer(question["question"], "ana", said, seconds=place)
        other = said if place < 18 else "unsure"
        doubles.answer(question["question"], "ben", other, seconds=1)
    readers = doubles.readers()
    assert readers["n_answers"].to_dict() == {"ana": 20, "ben": 20}
    assert readers["median_seconds"].to_dict() == {"ana": 9.5, "ben": 1.0}
    assert readers["kappa"].tolist() == [1.0, 1.0]
    assert readers["n_compared"].tolist() == [18, 18]
    assert readers["sensitivity"].between(0.5, 1).all()
    agreement = doubles.agreement()
    assert agreement.loc["all labels", ["n_questions", "fleiss_kappa"]].tolist() == [18, 1]
    assert agreement.loc["all labels", "ana & ben"] == 1
    assert doubles.disputes().empty


def test_a_reader_may_give_no_seconds_and_rates_are_those_of_before(queue):
    question, other = asked(queue, "ana", 2)
    queue.answer(question, "ana", "present")
    queue.answer(other, "ben", "absent", seconds=3)
    readers = queue.readers()
    np.testing.assert_array_equal(readers["median_seconds"], [np.nan, 3])
    queue.answers(), queue.errors_left()
    pd.testing.assert_frame_equal(queue.readers(), readers)
    with ReviewQueue(queue._url) as again:
        pd.testing.assert_frame_equal(again.readers(), readers)


def test_readers_are_judged_once_for_each_state_of_the_answers(queue, monkeypatch):
    fits = []
    fit = ReaderModel.fit
    monkeypatch.setattr(ReaderModel, "fit", lambda *args: fits.append(1) or fit(*args))
    first, second = asked(queue, "ana", 2)
    queue.answer(first, "ana", "present")
    queue.answers(), queue.readers(), queue.errors_left(), queue.answers(min_trust=0)
    assert len(fits) == 1
    queue.answer(second, "ana", "absent")
    assert len(queue.answers(min_trust=0)) == 2
    queue.undo("ana")
    assert len(queue.answers(min_trust=0)) == 1
    assert len(fits) == 3


def test_tables_of_a_queue_without_answers_are_empty(queue):
    for table in (queue.answers(), queue.trail(), queue.readers(), queue.disputes()):
        assert table.empty
    assert queue.agreement()["n_questions"].tolist() == [0]
    left = queue.progress()["errors_left"]
    assert 0 <= left["low"] <= left["estimate"] <= left["high"] <= left["n_labels"]


def test_answers_change_what_errors_are_expected(queue):
    before = queue.progress()["errors_left"]
    for question in queue.next_questions("ana", 60):
        queue.answer(question["question"], "ana", "present" if question["weak"] else "absent")
    left = queue.errors_left()
    assert left["n_labels"] == before["n_labels"] - 60
    assert left["estimate"] < before["estimate"]
    assert queue.progress()["errors_left"] == left.to_dict()


def test_a_label_that_is_withdrawn_is_expected_to_be_wrong_once(make):
    cleaner, _ = cleaner_and_records()
    queue = make(n_questions=60)
    before = queue.errors_left()
    assert queue.update(cleaner, n_questions=10)["withdrawn"] == 50
    pd.testing.assert_series_equal(queue.errors_left(), before)


def test_a_cleaner_that_asks_nothing_makes_an_empty_queue(tmp_path):
    cleaner, records = cleaner_and_records()
    taught = cleaner._of_same_input()
    taught._trusted = np.ones_like(cleaner._trusted)
    taught._fit_kept()
    queue = ReviewQueue.from_cleaner(taught, records, tmp_path / "queue.sqlite")
    assert queue.next_questions("ana") == []
    assert queue.progress()["n_questions"] == 0
    assert queue.update(taught) == {"new": 0, "kept": 0, "withdrawn": 0}
    # The next one has something to ask.
    assert queue.update(cleaner, records)["new"] == (N_RECORDS - N_TRUSTED) * len(LABELS)
    assert len(queue.next_questions("ana", 5)) == 5


def test_a_queue_of_an_older_version_is_brought_to_this_one(queue, monkeypatch):
    queue.answer(asked(queue, "ana")[0], "ana", "present")
    before = queue.trail()

    def columns():
        with queue._database.reading() as work:
            found = sa.inspect(work).get_columns("records")
            return {column["name"] for column in found}, _schema.get_fact(work, "schema_version")

    def add_a_column(work):
        work.execute(sa.text("ALTER TABLE records ADD COLUMN device VARCHAR"))

    def fail(work):
        work.execute(sa.text("ALTER TABLE records ADD COLUMN other VARCHAR"))
        raise RuntimeError("interrupted")

    monkeypatch.setattr(_schema, "SCHEMA_VERSION", 3)
    monkeypatch.setattr(_schema, "MIGRATIONS", {1: add_a_column, 2: fail})
    as_it_was = columns()
    with pytest.raises(RuntimeError, match="interrupted"):
        ReviewQueue(queue._url)
    assert columns() == as_it_was
    monkeypatch.setattr(_schema, "MIGRATIONS", {1: add_a_column, 2: lambda work: None})
    with ReviewQueue(queue._url) as brought:
        assert columns() == (as_it_was[0] | {"device"}, 3)
        pd.testing.assert_frame_equal(brought.trail(), before)
        assert brought.answer(asked(brought, "ben")[0], "ben", "absent")["state"] == "settled"


def test_label_studio_there_and_back(make, tmp_path):
    queue = make(double_share=1)
    shown = queue.next_questions("ana", 4)
    for question, answer in zip(shown, ANSWERS, strict=False):
        queue.answer(question["question"], "ana", answer, note="n", seconds=2)
    other = shown[0]["other_labels"][0]
    queue.answer(shown[0]["question"], "ben", "absent", labels=[other])
    before = queue.trail()
    to_label_studio(queue, tmp_path / "all.json", blind=False)
    to_label_studio(queue, tmp_path / "blind.json", signals=False)
    tasks = json.loads((tmp_path / "all.json").read_text())
    asked = [one["question"] for task in tasks for one in task["data"]["questions"]]
    assert len(set(asked)) == len(asked) == queue.progress()["n_questions"]
    # The ECG of two questions is drawn once.
    assert len({task["data"]["name"] for task in tasks}) == len(tasks) < len(asked)
    assert all(task["data"]["ecg"].startswith("data:image/svg") for task in tasks)
    assert "<Image" in (tmp_path / "all.xml").read_text()
    blind = json.loads((tmp_path / "blind.json").read_text())
    assert not any(task["annotations"] or "ecg" in task["data"] for task in blind)
    assert from_label_studio(queue, tmp_path / "all.json") == 0
    with queue._database.writing() as work:
        work.execute(_schema.answers.delete())
    # A queue that lost answers is not the one that was opened.
    queue = ReviewQueue(queue._url)
    kept = before[before["answer"] != "skip"]
    assert from_label_studio(queue, tmp_path / "all.json") == len(kept)
    assert from_label_studio(queue, tmp_path / "all.json") == 0
    columns = ["when", "reader", "id", "label", "answer", "note", "seconds"]
    pd.testing.assert_frame_equal(
        queue.trail()[columns].sort_values(columns[:4], ignore_index=True),
        kept[columns].sort_values(columns[:4], ignore_index=True),
        check_dtype=False,
    )


def test_label_studio_answers_of_another_queue_or_label_are_left_out(make, tmp_path):
    queue, path = make(), tmp_path / "tasks.json"
    queue.answer(queue.next_questions("ana")[0]["question"], "ana", "present")
    to_label_studio(queue, path, signals=False)
    tasks = json.loads(path.read_text())
    (answered,) = [task for task in tasks if task["annotations"]]
    answered["data"]["questions"][0]["label"] = "another"
    answered["annotations"][0]["result"][0]["meta"]["sklearn_ecg"]["key"] = "new"
    path.write_text(json.dumps([answered]))
    with pytest.warns(UserWarning, match="it is about .* here, not about another"):
        assert from_label_studio(queue, path) == 0
    with queue._database.writing() as work:
        _schema.put_fact(work, "identity", "other")
    with pytest.warns(UserWarning, match="comes from another queue"):
        assert from_label_studio(queue, path) == 0


def test_ids_that_are_numbers_stay_numbers(tmp_path):
    cleaner, records = cleaner_and_records()
    cleaner = cleaner._of_same_input()
    cleaner._ids = np.arange(N_RECORDS)
    cleaner._fit_kept()
    numbered = records.__class__(records.signals, 100)
    queue = ReviewQueue.from_cleaner(
        cleaner, numbered, tmp_path / "q.sqlite", n_questions=5, random_state=0
    )
    queue.answer(asked(queue, "ana")[0], "ana", "present")
    answers = queue.answers(min_trust=0)
    assert answers["id"].dtype.kind == "i"
    assert list(queue.record(1).lead_names) == ["lead 1", "lead 2"]
    cleaner.with_answers(answers)


def test_records_that_cannot_be_read_are_left_out(tmp_path):
    cleaner, records = cleaner_and_records()
    asked_first = cleaner.questions()["id"].iloc[0]
    signals = np.array(records.signals)
    signals[records.ids == asked_first] = np.nan
    with pytest.warns(UnreadRecordsWarning, match=f"1 of 90 records .*{asked_first}: it holds no"):
        queue = ReviewQueue.from_cleaner(
            cleaner, records.with_signals(signals), tmp_path / "q.sqlite", n_questions=None
        )
    assert queue.progress()["n_questions"] == (N_RECORDS - N_TRUSTED - 1) * len(LABELS)


READER = "name of a reader must be"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"random_state": "x"}, "random_state must be .* got 'x'"),
        ({"n_questions": 0}, "n_questions must be an int of at least 1"),
        ({"double_share": True}, "double_share must be"),
        ({"control_share": 2}, "control_share must be"),
    ],
)
def test_a_bad_argument_of_from_cleaner_is_named(tmp_path, option, message):
    with pytest.raises((TypeError, ValueError), match=message):
        new_queue(tmp_path / "queue.sqlite", **option)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda q: q.next_questions(""), ValueError, READER),
        (lambda q: q.next_questions("a\x1bb"), ValueError, READER),
        (lambda q: q.next_questions("a" * 61), ValueError, "1 to 60 characters"),
        (lambda q: q.next_questions(None), TypeError, "reader must be text"),
        (lambda q: q.next_questions("ana", 0), ValueError, "n must be a whole number from 1"),
        (lambda q: q.next_questions("ana", holding=["1"]), TypeError, "holding must be a whole"),
        (lambda q: q.question(10**12), LookupError, "is not in the queue"),
        (lambda q: q.question(9999), LookupError, "no question 9999"),
        (lambda q: q.record(9999), LookupError, "no record 9999"),
        (lambda q: q.record("1"), TypeError, "record must be a whole number"),
        (lambda q: q.answer(9999, "ana", "present"), LookupError, "no question 9999"),
        (lambda q: q.answer(True, "ana", "present"), TypeError, "question must be a whole"),
        (lambda q: q.answer(1, "ana", "yes"), ValueError, "answer must be one of present"),
        (lambda q: q.answer(1, "ana", "present", note="a\0"), ValueError, "note holds"),
        (lambda q: q.answer(1, "ana", "present", note="\ud800"), ValueError, "note holds"),
        (lambda q: q.answer(1, "ana", "present", note="a" * 5001), ValueError, "at most 5000"),
        (lambda q: q.answer(1, "ana", "present", seconds=-1), ValueError, "seconds must not"),
        (lambda q: q.answer(1, "ana", "present", seconds=np.nan), ValueError, "seconds must not"),
        (lambda q: q.answer(1, "ana", "present", seconds="1"), TypeError, "seconds must be a"),
        (lambda q: q.answer(1, "ana", "present", key=""), ValueError, "key must be text"),
        (lambda q: q.answer(1, "ana", "absent", labels=["x"]), ValueError, "other labels of the"),
        (lambda q: q.answer(1, "ana", "absent", labels="AF"), TypeError, "labels must be a list"),
        (lambda q: q.answer(1, "ana", "skip", labels=["AF"]), ValueError, "labels need"),
        (lambda q: q.answers(min_trust=2), ValueError, "min_trust must be"),
        (lambda q: q.on_records(np.zeros((3, 2, 9))), TypeError, "records must be ECGRecords"),
        (lambda q: q.update("cleaner"), TypeError, "cleaner must be a fitted label cleaner"),
        (lambda q: from_label_studio(q, "/none"), FileNotFoundError, "none"),
    ],
)
def test_bad_arguments_are_named_and_change_nothing(tmp_path, call, error, message):
    queue = queue_at(tmp_path / "queue.sqlite")
    with pytest.raises(error, match=message):
        call(queue)
    assert queue.trail().empty

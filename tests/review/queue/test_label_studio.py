"""Questions and answers as Label Studio's JSON, out and in.

The exports have the layout of those of Label Studio 1.23.
"""

import base64
import json
import warnings
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg.review.queue._label_studio import from_export, labeling_config, to_task

RECORD = {
    "record": 5,
    "name": "ECG 5",
    "leads": ["I", 'V"1'],
    "sampling_rate": 250.0,
    "age": 63.0,
    "sex": None,
}
MEASURED = {
    "kind": "measurement",
    "feature": "QRS_duration_ms",
    "unit": "ms",
    "value": 142.0,
    "score": 0.5,
    "usual_with": [120.0, 180.0],
    "usual_without": [70.0, 110.0],
    "normal": "",
}
AF = {
    "question": 17,
    "label": "AF",
    "asks": "atrial fibrillation",
    "evidence": [
        {"kind": "weak", "said": 1},
        {"kind": "uncompared"},
        {"kind": "belief", "probability": 0.43},
        {"kind": "swap", "with": "SR", "speaks": "against"},
        MEASURED,
    ],
    "record": RECORD,
}
SR = {"question": 18, "label": "SR", "record": RECORD}
ANN = {
    "question": 17,
    "reader": "Ann",
    "answer": "present",
    "note": "no P waves",
    "seconds": 3.25,
    "at": "2026-11-30T06:00:00+00:00",
    "key": "k1",
}
BOB = {"question": 17, "reader": "Bob", "answer": "absent", "note": "", "key": "k2"}
SKIPS = {"question": 18, "reader": "Bob", "answer": "skip", "note": "", "key": "k3"}


def result(choice, name="answer_0"):
    return {
        "value": {"choices": [choice]},
        "id": "jmai1pXL88",
        "from_name": name,
        "to_name": "ecg",
        "type": "choices",
        "origin": "manual",
    }


def annotated(task, *results, number=1001, by=10, **more):
    """Return a task as Label Studio exports it: with an annotation, and fields of its own."""
    annotation = {
        "id": number,
        "completed_by": by,
        "result": list(results),
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2021-03-09T22:16:08.728353Z",
        "updated_at": "2021-03-09T22:16:08.728378Z",
        "draft_created_at": None,
        "lead_time": 4.288,
        "prediction": {},
        "result_count": len(results),
        "unique_id": "afe32d03-e388-410d-8990-e04866e77b2e",
        "task": 1,
        "updated_by": by,
        "parent_annotation": None,
    }
    shell = {
        "id": 1,
        "file_upload": "89c6e6dd-tasks.json",
        "drafts": [],
        "predictions": [],
        "meta": {},
        "created_at": "2021-03-09T21:52:49.513742Z",
        "comment_count": 0,
        "project": 83,
    }
    annotations = [*task["annotations"], annotation | more]
    return shell | {"data": task["data"], "annotations": annotations}


def test_a_task_holds_a_record_with_its_questions_and_the_evidence():
    task = to_task([AF, SR], queue="q")
    data = task["data"]
    assert (data["queue"], data["name"]) == ("q", "ECG 5")
    assert [question["question"] for question in data["questions"]] == [17, 18]
    assert [question["asks"] for question in data["questions"]] == ["atrial fibrillation?", "SR?"]
    assert data["questions"][0]["evidence"].splitlines() == [
        "The given label says yes.",
        "There are too few trusted ECGs to compare with.",
        "The cleaner's probability: 43 %.",
        "For: QRS duration 142 ms (records with AF 120 to 180, without 70 to 110)",
        "Against: AF and SR may have been confused",
    ]
    # Label Studio ticks a prediction as the reader's answer.
    assert "predictions" not in task and task["annotations"] == []
    assert to_task([AF], patient=True)["data"]["name"] == "ECG 5, 63 years"
    json.dumps(task, allow_nan=False)


def test_sources_of_a_label_are_told_apart():
    said = {"ann": 1.0, "bob": 0.25, "cem": -1}
    task = to_task([AF | {"evidence": [{"kind": "weak", "said": said}]}])
    (question,) = task["data"]["questions"]
    assert question["evidence"] == "Sources that say yes: ann 100 %, bob 25 %."


def test_the_ecg_is_a_drawing_that_needs_no_server():
    signal = np.array([[0.1234567, np.nan, 0.1], [0.5, -0.5, 0.2]])
    uri = to_task([AF], signal=signal)["data"]["ecg"]
    kind, content = uri.split(",")
    assert kind == "data:image/svg+xml;base64"
    drawing = ET.fromstring(base64.b64decode(content))
    texts = [one.text for one in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[:2] == ["I", 'V"1']


@pytest.mark.parametrize("signals", [True, False])
def test_the_labelling_interface_fits_the_tasks(signals):
    view = ET.fromstring(labeling_config(signals=signals))
    ecg = view.find("Image" if signals else "Text")
    assert (ecg.get("name"), ecg.get("value")) == ("ecg", "$ecg" if signals else "$name")
    repeated = view.find("Repeater")
    assert repeated.get("on") == "$questions"
    names = {tag.get("name"): tag.get("toName") for tag in repeated.iter() if tag.get("toName")}
    assert names == {"answer_{{idx}}": "ecg", "note_{{idx}}": "ecg"}
    choices = [choice.get("value") for choice in view.iter("Choice")]
    assert choices == ["present", "absent", "unsure", "bad signal"]


def test_answers_come_back_as_they_went():
    task = to_task([SR, AF], [ANN, BOB, SKIPS])
    # One annotation by reader, none for who skipped.
    assert len(task["annotations"]) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = from_export(json.dumps([task]))
    said = found[found["question"] == 17]
    for name in ("reader", "answer", "note", "key"):
        assert said[name].tolist() == [ANN[name], BOB[name]]
    assert said["seconds"].tolist()[0] == 3.25 and np.isnan(said["seconds"].iloc[1])
    assert said["at"].iloc[0] == pd.Timestamp("2026-11-30 06:00", tz="UTC")
    assert pd.isna(said["at"].iloc[1])


def test_answers_of_an_export_are_the_same_in_the_next_one():
    task = annotated(to_task([AF, SR]), result("present"), result("Unsure ", "answer_1"))
    found = from_export([task, task])
    assert found.drop(columns="key").to_dict("records") == [
        {
            "question": number,
            "label": label,
            "reader": "Label Studio user 10",
            "answer": answer,
            "note": "",
            "seconds": 2.144,  # its share
            "at": pd.Timestamp("2021-03-09 22:16:08.728378", tz="UTC"),
            "is_final": False,
        }
        for number, label, answer in [(17, "AF", "present"), (18, "SR", "unsure")]
    ]
    pd.testing.assert_frame_equal(from_export(json.dumps([task]).encode()), found)
    note = result("", "note_0") | {"type": "textarea", "value": {"text": ["P?", "no"]}}
    parts = result("present"), note, result("unsure", "answer_1")
    noted = from_export([annotated(to_task([AF, SR]), *parts)])
    assert noted["note"].tolist() == ["P?\nno", ""]
    # Only the answer that has changed is another one.
    assert (noted["key"] == found["key"]).tolist() == [False, True]


def test_an_answer_that_was_changed_in_label_studio_is_its_changers():
    task = to_task([AF], [ANN])
    (annotation,) = task["annotations"]
    # Whoever imports a task completes its annotations.
    annotation |= {"id": 3, "completed_by": 1, "updated_by": None}
    assert from_export([task])["reader"].tolist() == ["Ann"]
    annotation |= {"updated_by": 7}
    assert from_export([task])["reader"].tolist() == ["Ann"]
    annotation["result"][0]["value"]["choices"] = ["absent"]
    # The note still says what Ann had said.
    found = from_export([task])
    assert found["reader"].tolist() == ["Label Studio user 7"]
    assert found["key"].tolist() != ["k1"]


@pytest.mark.parametrize("shown", [True, False])
def test_a_dispute_is_decided_by_who_saw_it(shown):
    task = to_task([AF | {"is_dispute": True}, SR], [ANN, BOB] if shown else [])
    task = annotated(task, result("absent"), result("absent", "answer_1"))
    assert from_export([task])["is_final"].tolist()[-2:] == [shown, False]


@pytest.mark.parametrize(
    ("by", "reader", "name"),
    [
        (10, None, "Label Studio user 10"),
        (10, "Ann", "Ann"),
        (10, {10: "Ann"}, "Ann"),
        (10, {"10": "Ann"}, "Ann"),
        ({"id": 10, "email": "ann@example.org"}, None, "ann@example.org"),
        ({"id": 10, "email": "ann@example.org"}, {"ann@example.org": "Ann"}, "Ann"),
        ({"id": 10, "email": ""}, {10: "Ann"}, "Ann"),
        ({"id": 10, "email": "ann@example.org"}, {10: "Ann"}, "Ann"),
    ],
)
def test_who_answered(by, reader, name):
    task = annotated(TASK, result("present"), by=by)
    assert from_export([task], reader=reader)["reader"].tolist() == [name]


def test_what_was_skipped_is_a_skip_of_each_question():
    task = annotated(to_task([AF, SR]), was_cancelled=True)
    assert from_export([task])["answer"].tolist() == ["skip", "skip"]


def test_tasks_without_answers_and_predictions_are_no_answers():
    task = {"id": 1, "data": TASK["data"], "annotations": [], "drafts": []}
    task["predictions"] = [{"result": [result("present")], "score": 0.9}]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert from_export([task]).empty


GOOD = annotated(to_task([SR]), result("unsure"))
TASK = to_task([AF])
DRAFT = {"id": 1, "user": "ann@example.org", "result": [result("present")], "annotation": None}


def asking(*questions):
    return {"id": 3, "data": {"questions": list(questions)}}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (None, "task at place 0 is NoneType"),
        ({"id": 3}, "task 3 has no questions"),
        ({"id": 3, "data": {"image": "a.jpg"}, "annotations": []}, "task 3 has no questions"),
        (asking(3), "the question 3, which has no number"),
        (asking({"question": "x" * 99}), "which has no number"),
        (asking({"question": True, "label": "AF"}), "which has no number"),
        (asking({"question": 10**30, "label": "AF"}), "which has no number"),
        (asking({"question": 17}), "has no label of question 17"),
        (annotated(to_task([AF], queue="q"), result("absent")), "1 comes from another queue"),
        ({"data": TASK["data"], "annotations": {}}, "no list of annotations"),
        ({"data": TASK["data"], "annotations": [3]}, "no list of results"),
        (annotated(TASK, result("AF")), "answers question 17 with 'af', not one of present"),
        (annotated(TASK, result(["present"])), "not one of present"),
        (annotated(TASK), "holds 0 answers to question 17"),
        (annotated(TASK, result("present", "verdict")), "holds 0 answers to question 17"),
        (annotated(TASK, result("present", ["x"])), "holds 0 answers to question 17"),
        (annotated(TASK, result("present"), result("absent")), "holds 2 answers to question 17"),
        (annotated(TASK, result("present"), by=None), "names no reader"),
        (annotated(TASK, result("present"), by=[1]), "names no reader"),
        (annotated(TASK, was_cancelled=True, by=None), "names no reader"),
        (GOOD | {"drafts": [DRAFT]}, "task 1 has drafts, which nobody has submitted"),
    ],
)
def test_what_cannot_be_read_is_told_and_left_out(bad, message):
    with pytest.warns(UserWarning, match="The others are read") as told:
        found = from_export([bad, GOOD])
    assert message in str(told[0].message)
    assert found["question"].tolist() == [18]


@pytest.mark.parametrize(
    "junk",
    [
        None,
        [],
        {},
        "soon",
        "now",
        "0001-01-01",
        -3,
        True,
        float("inf"),
        pytest.param(10**400, id="huge"),
    ],
)
def test_times_that_cannot_be_are_unknown(junk):
    times = {"created_at": junk, "updated_at": junk, "lead_time": junk}
    task = annotated(TASK, result("present"), **times)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = from_export([task])
    assert found["at"].isna().all() and found["seconds"].isna().all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "cannot be read as JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
        (b"\xff\xfe\x00", "cannot be read as JSON"),
        ("3", "must be a list of tasks"),
        # What Label Studio exports as JSON-MIN: "answer_0" is nowhere.
        ([TASK["data"] | {"id": 133, "annotator": 1, "annotation_id": 1}], "is JSON-MIN"),
    ],
)
def test_what_is_no_export_is_refused(content, message):
    with pytest.raises(ValueError, match=message):
        from_export(content)


def test_no_tasks_are_no_answers():
    assert from_export([]).columns.tolist()[:4] == ["question", "label", "reader", "answer"]
    with pytest.raises(TypeError, match="reader must be a name"):
        from_export([], reader=3)

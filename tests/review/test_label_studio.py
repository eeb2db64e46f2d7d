"""Questions and answers as Label Studio's JSON, out and in."""

import json
import warnings
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg.review._label_studio import from_export, labeling_config, to_tasks

RECORD = {
    "record": 5,
    "name": "ECG 5",
    "leads": ["I", 'V"1'],
    "sampling_rate": 250.0,
    "age": 63,
    "sex": None,
}
QUESTIONS = [
    {
        "question": 17,
        "label": "AF",
        "asks": "atrial fibrillation",
        "weak": 1,
        "probability": 0.43,
        "record": RECORD,
    },
    {"question": 18, "label": "SR", "probability": float("nan"), "record": RECORD},
]
ANSWERS = [
    {
        "question": 17,
        "reader": "Ann",
        "answer": "present",
        "note": "no P waves",
        "seconds": 3.25,
        "at": "2026-11-30T06:00:00+00:00",
        "key": "k1",
    },
    {"question": 17, "reader": "Bob", "answer": "absent", "note": "", "key": "k2"},
    {"question": 18, "reader": "Bob", "answer": "skip", "note": "", "key": "k3"},
]


def annotated(task, choice, *, number=1001, by=10, **more):
    """Return a task as Label Studio exports it: with an annotation, and fields of its own."""
    result = {
        "from_name": "answer",
        "id": "Dx_aB91ISN",
        "origin": "manual",
        "to_name": "ecg",
        "type": "choices",
        "value": {"choices": [choice]},
    }
    annotation = {
        "id": number,
        "result": [result],
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2021-03-09T22:16:08.728353Z",
        "updated_at": "2021-03-09T22:16:08.728378Z",
        "lead_time": 4.288,
        "result_count": 0,
        "task": 1,
        "completed_by": by,
    }
    shell = {"id": 1, "project": 83, "drafts": [], "created_at": "2021-03-09T21:52:49.513742Z"}
    return shell | {
        "data": task["data"],
        "annotations": [*task["annotations"], annotation | more],
        "predictions": task["predictions"],
    }


def minimal(task):
    """Return the last annotation of an exported task as JSON-MIN has it."""
    annotation = task["annotations"][-1]
    (choice,) = annotation["result"][0]["value"]["choices"]
    return task["data"] | {
        "id": task["id"],
        "answer": choice,
        "annotator": annotation["completed_by"],
        "annotation_id": annotation["id"],
        "created_at": annotation["created_at"],
        "updated_at": annotation["updated_at"],
        "lead_time": annotation["lead_time"],
    }


def test_a_task_holds_the_question_and_what_the_cleaner_believes():
    task, other = to_tasks(QUESTIONS)
    assert task["data"]["question"] == 17
    assert task["data"]["asks"] == "ECG 5: atrial fibrillation?"
    assert task["data"]["age"] == 63 and "sex" not in task["data"]
    (prediction,) = task["predictions"]
    assert prediction["result"][0]["value"] == {"choices": ["absent"]}
    assert prediction["score"] == pytest.approx(0.57)
    assert other["predictions"] == [] and "probability" not in other["data"]
    json.dumps([task, other], allow_nan=False)


def test_the_labelling_interface_fits_the_tasks():
    signal = np.array([[0.1234567, np.nan], [0.5, -0.5]])
    tasks = to_tasks(QUESTIONS, signals={5: signal}.get)
    assert tasks[0]["data"]["ecg"] == {
        "time": [0.0, 0.004],
        "I": [0.123, None],
        'V"1': [0.5, -0.5],
    }
    json.dumps(tasks, allow_nan=False)
    view = ET.fromstring(labeling_config(QUESTIONS[0]["record"]["leads"]))
    assert view.find("TimeSeries").get("value") == "$ecg"
    assert [c.get("column") for c in view.iter("Channel")] == ["I", 'V"1']
    plain = ET.fromstring(labeling_config())
    for config in (view, plain):
        shown = {tag.get("name"): tag.get("toName") for tag in config if tag.get("name")}
        assert shown == {"ecg": None, "answer": "ecg", "note": "ecg"}
        choices = [choice.get("value") for choice in config.iter("Choice")]
        assert choices == ["present", "absent", "unsure", "bad signal"]


def test_answers_come_back_as_they_went():
    found = from_export(json.dumps(to_tasks(QUESTIONS, ANSWERS)))
    assert found["question"].tolist() == [17, 17]
    assert found["label"].tolist() == ["AF", "AF"]
    for name in ("reader", "answer", "note", "key"):
        assert found[name].tolist() == [answer[name] for answer in ANSWERS[:2]]
    assert found["seconds"].tolist()[0] == 3.25 and np.isnan(found["seconds"][1])
    assert found["at"][0] == pd.Timestamp("2026-11-30 06:00", tz="UTC") and pd.isna(found["at"][1])


def test_json_and_json_min_are_the_same_answers_and_the_same_twice():
    task = annotated(to_tasks(QUESTIONS)[0], "present")
    found = from_export([task, task])
    assert found.drop(columns="key").to_dict("records") == [
        {
            "question": 17,
            "label": "AF",
            "reader": "Label Studio user 10",
            "answer": "present",
            "note": "",
            "seconds": 4.288,
            "at": pd.Timestamp("2021-03-09 22:16:08.728353", tz="UTC"),
            "is_final": False,
        }
    ]
    pd.testing.assert_frame_equal(from_export([minimal(task)]), found)
    pd.testing.assert_frame_equal(from_export(json.dumps([task]).encode()), found)
    changed = from_export([annotated(to_tasks(QUESTIONS)[0], "absent")])
    assert changed["key"][0] != found["key"][0]


def test_an_answer_that_was_changed_in_label_studio_is_its_changers():
    (task, _) = to_tasks(QUESTIONS, ANSWERS[:1])
    (annotation,) = task["annotations"]
    annotation |= {"id": 3, "completed_by": {"id": 7, "email": "cem@example.org"}}
    assert from_export([task])["reader"].tolist() == ["Ann"]
    annotation["result"][0]["value"]["choices"] = ["absent"]
    # The note alone still says what Ann had said.
    found = from_export([task])
    assert found["reader"].tolist() == ["cem@example.org"]
    assert found["key"].tolist() != ["k1"]


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
    task = annotated(to_tasks(QUESTIONS)[0], "present", by=by)
    assert from_export([task], reader=reader)["reader"].tolist() == [name]


def test_what_was_skipped_is_a_skip():
    task = annotated(to_tasks(QUESTIONS)[0], "present", was_cancelled=True, result=[])
    assert from_export([task])["answer"].tolist() == ["skip"]


GOOD = annotated(to_tasks(QUESTIONS)[1], "unsure")
TASK = to_tasks(QUESTIONS)[0]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (None, "task at place 0 is NoneType"),
        ({"id": 3}, "task 3 has no question"),
        ({"id": 3, "data": {"image": "a.jpg"}, "annotations": []}, "task 3 has no question"),
        ({"data": {"question": "x" * 99}}, "which is not a number"),
        ({"data": {"question": True, "label": "AF"}}, "which is not a number"),
        ({"data": {"question": 10**30, "label": "AF"}}, "which is not a number"),
        ({"data": {"question": 17}}, "has no label"),
        ({"data": TASK["data"], "annotations": {}}, "no list of annotations"),
        ({"data": TASK["data"], "annotations": [3]}, "no list of results"),
        (annotated(TASK, "AF"), "answers 'af', not one of present"),
        (annotated(TASK, ["present"]), "not one of present"),
        (annotated(TASK, "present", result=[]), "holds 0 answers"),
        (annotated(TASK, "present", by=None), "names no reader"),
        (annotated(TASK, "present", by=[1]), "names no reader"),
        (
            minimal(annotated(to_tasks(QUESTIONS, ANSWERS)[0], "present")),
            "JSON-MIN mixes with new ones",
        ),
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
    task = annotated(TASK, "present", created_at=junk, lead_time=junk)
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
    ],
)
def test_what_is_no_export_is_refused(content, message):
    with pytest.raises(ValueError, match=message):
        from_export(content)


def test_no_tasks_are_no_answers():
    assert from_export([]).columns.tolist()[:4] == ["question", "label", "reader", "answer"]
    with pytest.raises(TypeError, match="reader must be a name"):
        from_export([], reader=3)

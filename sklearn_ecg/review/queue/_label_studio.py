"""Write questions and read answers in Label Studio's JSON.

Layout: https://labelstud.io/guide/task_format and https://labelstud.io/guide/export. A task holds
one record, and all its questions that wait, or all that are done.
"""

import base64
import json
import math
import uuid
from datetime import datetime

import pandas as pd

from sklearn_ecg.cleaning._reasons import measurement_in_words, rule_in_words
from sklearn_ecg.plotting._svg import draw_svg
from sklearn_ecg.utils import warn_user, whole_file

# Choices of a reader; Label Studio has its own button to skip.
_CHOICES = ("present", "absent", "unsure", "bad signal")
# Names of the parts of a task, in the labelling interface and in exports. Those of a question are
# followed by "_" and its place in the task.
_ANSWER, _NOTE, _ECG = "answer", "note", "ecg"
_COLUMNS = ("question", "label", "reader", "answer", "note", "seconds", "at", "key", "is_final")
# Number of unreadable tasks that a warning names, and of measurements that a task shows.
_MOST_NAMED, _MOST_MEASURED = 5, 3
_SAID = {1: "The given label says yes.", 0: "The given label says no."}
_UNSAID = "The given labels do not say."
_LACKING = {
    "unmeasured": "Nothing could be measured in this ECG.",
    "unlearned": "There are too few ECGs with or without the label to learn it.",
    "uncompared": "There are too few trusted ECGs to compare with.",
}

_CONFIG = """<View>
  <Header value="$name" size="5"/>
  {ecg}
  <Repeater on="$questions" indexFlag="{{{{idx}}}}">
    <View>
      <Header value="$questions[{{{{idx}}}}].asks" size="4"/>
      <Text name="evidence_{{{{idx}}}}" value="$questions[{{{{idx}}}}].evidence"/>
      <Choices name="answer_{{{{idx}}}}" toName="ecg" choice="single" showInline="true"
               required="true" requiredMessage="Please answer each question, or skip the task.">
{choices}
      </Choices>
      <TextArea name="note_{{{{idx}}}}" toName="ecg" maxSubmissions="1" placeholder="Note"/>
    </View>
  </Repeater>
</View>
"""
# Label Studio zooms a drawing as a picture of its own size.
_SCALE = 2
# Without a width in pixels, Label Studio cuts off the drawing's left edge.
_IMAGE = '<Image name="ecg" value="$ecg" width="100%" maxWidth="1400px" zoomControl="true"/>'


def to_task(questions, answers=(), *, queue="", signal=None, patient=False) -> dict:
    """Return questions about one record as a task for Label Studio.

    Label Studio shows the given answers to everybody who opens a task: leave out `answers` for
    blind reading. The task holds no prediction, since Label Studio would tick it as the reader's
    answer.

    Parameters
    ----------
    questions : sequence of dict
        With question (its number), label, record (a dict with name, leads, sampling_rate, age and
        sex), and optionally asks (the label in words), evidence and is_dispute.
    answers : sequence of dict, default=()
        With question, reader, answer, key, and optionally note, seconds, at (a time, or ISO 8601)
        and is_final. Skipped questions are left out.
    queue : str, default=""
        What tells the queue from others.
    signal : ndarray of shape (n_leads, n_times), default=None
        The record in mV, with NaN for missing samples. By default the task has no ECG.
    patient : bool, default=False
        Whether the task shows age and sex.

    Returns
    -------
    dict
        For `json.dump`.

    See Also
    --------
    labeling_config : The labelling interface of the tasks.
    from_export : Reads the answers.
    """
    record = questions[0]["record"]
    # A skipped question stays open.
    answers = [answer for answer in answers if answer["answer"] != "skip"]
    asked = []
    for question in questions:
        is_answered = any(answer["question"] == question["question"] for answer in answers)
        asked.append(
            {
                "question": question["question"],
                "label": question["label"],
                "asks": f"{question.get('asks') or question['label']}?",
                "evidence": "\n".join(_tell(question)),
                "shows_dispute": bool(question.get("is_dispute") and is_answered),
            }
        )
    data = {"queue": queue, "name": _name_record(record, patient), "questions": asked}
    if signal is not None:
        drawing = draw_svg(
            signal, record["sampling_rate"], record["leads"], title=record["name"], scale=_SCALE
        )
        data[_ECG] = f"data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()}"
    places = {question["question"]: place for place, question in enumerate(questions)}
    together: dict = {}
    for answer in answers:
        by = answer["reader"], bool(answer.get("is_final"))
        together.setdefault(by, []).extend(_results(answer, places[answer["question"]]))
    return {
        "data": data,
        "annotations": [{"result": parts, "ground_truth": False} for parts in together.values()],
    }


def labeling_config(*, signals=True) -> str:
    """Return the labelling interface of tasks, for the settings of a Label Studio project.

    Parameters
    ----------
    signals : bool, default=True
        Whether the tasks hold ECGs.

    Returns
    -------
    str
        XML.
    """
    choices = "\n".join(f'        <Choice value="{choice}"/>' for choice in _CHOICES)
    # Answers need something that they are about.
    ecg = _IMAGE if signals else '<Text name="ecg" value="$name"/>'
    return _CONFIG.format(ecg=ecg, choices=choices)


def write_tasks(path, tasks, *, signals=True) -> None:
    """Write tasks as a JSON file, and the labelling interface beside it.

    Parameters
    ----------
    path : Path
        The interface gets the same name with ".xml".
    tasks : iterable of dict
        From `to_task`.
    signals : bool, default=True
        Whether they hold ECGs.
    """
    with whole_file(path) as file:
        between = b"[\n"
        for task in tasks:
            file.write(between + json.dumps(task).encode())
            between = b",\n"
        file.write(b"[]\n" if between == b"[\n" else b"\n]\n")
    with whole_file(path.with_suffix(".xml")) as file:
        file.write(labeling_config(signals=signals).encode())


def from_export(content, *, queue="", reader=None) -> pd.DataFrame:
    """Read the answers in an export of Label Studio in JSON.

    Parameters
    ----------
    content : str, bytes or list of dict
        The file's content.
    queue : str, default=""
        What tells the queue from others.
    reader : str or dict, default=None
        Name of the reader of all answers; or names by the export's readers, which are email
        addresses or numbers. By default the export's readers.

    Returns
    -------
    DataFrame
        Columns question, label, reader, answer, note, seconds (an equal share of the annotation's;
        NaN unknown), at (UTC, NaT unknown), key and is_final: whether the reader had seen answers
        that disagree. An answer has the same key in every export until it is changed. An answer
        that `to_task` exported keeps its key.

    Raises
    ------
    ValueError
        If the content is not JSON, or not a list of tasks, or JSON-MIN, in which Label Studio
        leaves out answers to one of several questions.

    Warns
    -----
    UserWarning
        If tasks, annotations or answers cannot be read, or annotations were saved as drafts and not
        submitted; they are left out.
    """
    if not isinstance(reader, str | dict | None):
        raise TypeError(
            "reader must be a name, or a dict of names by Label Studio's readers; got "
            f"{type(reader).__name__}."
        )
    found, unread = [], []
    for place, task in enumerate(_read_tasks(content)):
        name = _name(task, place)
        try:
            asked, annotations = _open_task(task, queue)
        except _UnreadError as error:
            unread.append(f"task {name} {error}")
            continue
        if task.get("drafts"):
            unread.append(f"task {name} has drafts, which nobody has submitted")
        for annotation in annotations:
            places = _places(annotation, len(asked))
            for at in places:
                try:
                    found.append(_read_answer(annotation, at, asked[at], len(places), reader))
                except _UnreadError as error:
                    unread.append(f"an annotation of task {name} {error}")
    if unread:
        shown = "; ".join(unread[:_MOST_NAMED]) + ("; ..." if len(unread) > _MOST_NAMED else "")
        warn_user(
            f"{len(unread)} of Label Studio's tasks, annotations or answers are left out: {shown}. "
            "The others are read."
        )
    table = pd.DataFrame(found, columns=list(_COLUMNS)).drop_duplicates("key")
    table["at"] = pd.to_datetime(table["at"], utc=True)
    return table.astype({"seconds": float}).reset_index(drop=True)


def read_export(path, *, queue="", reader=None) -> pd.DataFrame:
    """Read the answers in an exported file of Label Studio, as `from_export` does.

    Parameters
    ----------
    path : Path
    queue, reader
        As for `from_export`.

    Returns
    -------
    DataFrame
    """
    try:
        return from_export(path.read_bytes(), queue=queue, reader=reader)
    except OSError as error:
        raise type(error)(
            f"{path} cannot be read: {error}. Name a file that Label Studio has exported."
        ) from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


class _UnreadError(Exception):
    """A part of an export that cannot be read, with the reason."""


def _name_record(record, patient):
    about = [record["name"]]
    if patient and not _is_missing(record.get("age")):
        about.append(f"{record['age']:g} years")
    if patient and record.get("sex"):
        about.append(record["sex"])
    return ", ".join(about)


def _tell(question):
    """Return the evidence in words, line by line."""
    label, sides = question["label"], {"for": [], "against": []}
    for one in question.get("evidence") or ():
        if one["kind"] == "weak":
            yield _say_weak(one["said"])
        elif one["kind"] == "belief":
            yield f"The cleaner's probability: {100 * one['probability']:.0f} %."
        elif one["kind"] in _LACKING:
            yield _LACKING[one["kind"]]
        elif one["kind"] == "swap":
            sides[one["speaks"]].append(f"{label} and {one['with']} may have been confused")
        elif one["kind"] == "rule":
            sides[one["speaks"]].append(rule_in_words(one, label))
        elif one["kind"] == "measurement":
            side = sides["for" if one["score"] > 0 else "against"]
            if len(side) < _MOST_MEASURED:
                side.append(measurement_in_words(one, label))
    for side, reasons in sides.items():
        yield from [f"{side.capitalize()}: {reason}" for reason in reasons]


def _say_weak(said):
    if not isinstance(said, dict):
        return _SAID.get(said, _UNSAID)
    shares = [f"{source} {100 * share:.0f} %" for source, share in said.items() if share >= 0]
    return f"Sources that say yes: {', '.join(shares)}." if shares else _UNSAID


def _results(answer, place):
    """Return an answer as results of an annotation.

    Label Studio accepts only its own users as authors. Reader and key are stored in the results,
    which the export returns unchanged.
    """
    said = {name: answer[name] for name in ("reader", "answer", "key")}
    said |= {"note": answer.get("note") or "", "is_final": bool(answer.get("is_final"))}
    if not _is_missing(answer.get("seconds")):
        said["seconds"] = float(answer["seconds"])
    if not _is_missing(answer.get("at")):
        said["at"] = _utc(answer["at"]).isoformat()
    parts = [_result(_ANSWER, place, {"choices": [answer["answer"]]})]
    if said["note"]:
        parts.append(_result(_NOTE, place, {"text": [said["note"]]}))
    return [part | {"meta": {"sklearn_ecg": said}} for part in parts]


def _result(name, place, value):
    kind = {_ANSWER: "choices", _NOTE: "textarea"}[name]
    return {"from_name": f"{name}_{place}", "to_name": _ECG, "type": kind, "value": value}


def _read_tasks(content):
    """Return the list of tasks in a file's content."""
    if isinstance(content, str | bytes):
        try:
            content = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"Label Studio's export cannot be read as JSON: {error}. Export it again, as JSON."
            ) from error
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        raise ValueError(
            "Label Studio's export must be a list of tasks, as its format JSON is; got "
            f"{type(content).__name__}."
        )
    if any(isinstance(task, dict) and "questions" in task for task in content):
        raise ValueError(
            "Label Studio's export is JSON-MIN, which leaves out the answers. Export it again, as "
            "JSON."
        )
    return content


def _open_task(task, queue):
    """Return the questions of a task, and its annotations in the form of JSON."""
    if not isinstance(task, dict):
        raise _UnreadError(f"is {type(task).__name__}, but must be a dict")
    data = task.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("questions"), list):
        raise _UnreadError("has no questions: it does not come from a queue")
    if data.get("queue", "") != queue:
        raise _UnreadError("comes from another queue")
    asked = [_check_question(question) for question in data["questions"]]
    annotations = task.get("annotations", [])
    if not isinstance(annotations, list):
        raise _UnreadError("has no list of annotations")
    return asked, annotations


def _check_question(question):
    number = _whole_number(question.get("question")) if isinstance(question, dict) else None
    if number is None:
        raise _UnreadError(f"has the question {_shown(question)}, which has no number")
    if not isinstance(question.get("label"), str):
        raise _UnreadError(f"has no label of question {number}")
    return question | {"question": number}


def _places(annotation, n_questions):
    """Return the places of the questions that an annotation answers: all, unless it is ours."""
    parts = _parts(annotation)
    named = [part.get("from_name") for part in parts]
    is_ours = any(_said_before(parts, place) for place in range(n_questions))
    return [at for at in range(n_questions) if not is_ours or f"{_ANSWER}_{at}" in named]


def _parts(annotation):
    """Return the results of an annotation; none if it cannot be read."""
    result = annotation.get("result") if isinstance(annotation, dict) else None
    return [part for part in result if isinstance(part, dict)] if isinstance(result, list) else []


def _read_answer(annotation, place, question, n_questions, reader):
    """Return the answer of an annotation to a question, as a row of `from_export`."""
    if not isinstance(annotation, dict) or not isinstance(annotation.get("result"), list):
        raise _UnreadError("has no list of results")
    parts = _parts(annotation)
    number, label = question["question"], question["label"]
    is_skip = annotation.get("was_cancelled") is True
    answer = "skip" if is_skip else _read_choice(parts, f"{_ANSWER}_{place}", number)
    note = "\n".join(map(str, _values(parts, f"{_NOTE}_{place}", "text")))
    before = _said_before(parts, place)
    if before is not None and (before["answer"], before["note"]) == (answer, note):
        who, key = before["reader"], before["key"]
        seconds, at = _seconds(before.get("seconds")), _utc(before.get("at"))
        return number, label, who, answer, note, seconds, at, key, before.get("is_final") is True
    # Whoever imports a task completes its annotations; an answer that was changed is its changer's.
    changed_by = None if before is None else annotation.get("updated_by")
    who = _read_reader(changed_by or annotation.get("completed_by"), reader)
    made_at = _utc(annotation.get("created_at"))
    changed_at = _utc(annotation.get("updated_at"))
    # An annotation without a number is identified by reader and time; the server's clock differs
    # between servers.
    told_by = [number, answer, note, str(annotation.get("id", who)), str(made_at)]
    key = str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(["label studio", *told_by])))
    seconds = _seconds(annotation.get("lead_time")) / n_questions
    at = made_at if _is_missing(changed_at) else changed_at
    is_final = question.get("shows_dispute") is True
    return number, label, who, answer, note, seconds, at, key, is_final


def _said_before(parts, place):
    """Return the answer that `to_task` wrote, or None."""
    for part in parts:
        meta = part.get("meta")
        said = meta.get("sklearn_ecg") if isinstance(meta, dict) else None
        is_ours = part.get("from_name") == f"{_ANSWER}_{place}" and isinstance(said, dict)
        names = ("reader", "answer", "key", "note")
        if is_ours and all(isinstance(said.get(name), str) for name in names):
            return said
    return None


def _read_choice(parts, name, question):
    values = _values(parts, name, "choices")
    if len(values) != 1:
        raise _UnreadError(f"holds {len(values)} answers to question {question} instead of one")
    answer = values[0].strip().lower() if isinstance(values[0], str) else values[0]
    if answer not in _CHOICES:
        raise _UnreadError(
            f"answers question {question} with {_shown(answer)}, not one of {', '.join(_CHOICES)}"
        )
    return answer


def _values(parts, name, field):
    """Return the values of all parts with a name."""
    values = []
    for part in parts:
        value = part.get("value")
        if part.get("from_name") == name and isinstance(value, dict):
            content = value.get(field, [])
            values += content if isinstance(content, list) else [content]
    return values


def _read_reader(completed_by, reader):
    """Return the name of the reader."""
    if isinstance(reader, str):
        return reader
    names = completed_by if isinstance(completed_by, dict) else {"id": completed_by}
    called = [names[key] for key in ("email", "id") if isinstance(names.get(key), str | int)]
    called = [name for name in called if name != "" and not isinstance(name, bool)]
    for name in called:
        for known in (name, str(name)):
            if known in (reader or {}):
                return reader[known]
    if not called:
        raise _UnreadError("names no reader; pass the name as reader")
    return called[0] if isinstance(called[0], str) else f"Label Studio user {called[0]}"


def _seconds(value):
    """Return a duration in s, NaN if it is missing or impossible."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return float(value) if 0 <= value < 1e9 else math.nan


def _utc(value):
    """Return a time, NaT if it is missing or impossible."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            return pd.NaT
    if not isinstance(value, datetime):
        return pd.NaT
    return pd.to_datetime(value, utc=True, errors="coerce")


def _whole_number(value):
    """Return an int, or None."""
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 19:
        value = int(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 <= value < 2**63 else None


def _is_missing(value):
    return value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value))


def _name(task, place):
    number = task.get("id") if isinstance(task, dict) else None
    return f"{_shown(number)}" if isinstance(number, int | str) else f"at place {place}"


def _shown(value):
    text = repr(value)
    return text if len(text) <= 40 else text[:40] + "..."

"""Write questions and read answers in Label Studio's JSON.

Layout: https://labelstud.io/guide/task_format and, for JSON-MIN, https://labelstud.io/guide/export.
"""

import json
import math
import uuid
from datetime import datetime
from xml.sax.saxutils import quoteattr

import numpy as np
import pandas as pd

from sklearn_ecg._version import __version__
from sklearn_ecg.utils import warn_user, whole_file

# Choices of a reader; Label Studio has its own button to skip.
_CHOICES = ("present", "absent", "unsure", "bad signal")
# Names of the parts of a task, in the labelling interface and in exports.
_ANSWER, _NOTE, _ECG = "answer", "note", "ecg"
_COLUMNS = ("question", "label", "reader", "answer", "note", "seconds", "at", "key", "is_final")
# Number of unreadable tasks that a warning names.
_MOST_NAMED = 5


def to_tasks(questions, answers=(), *, signals=None) -> list:
    """Return questions as tasks for Label Studio.

    Label Studio shows the cleaner's probability as a prediction, and the given answers to everybody
    who opens a task: leave out `answers` for blind reading.

    Parameters
    ----------
    questions : sequence of dict
        With question (its number), label, and optionally asks (the label in words), probability and
        record (a dict with record, name, leads, sampling_rate, age and sex).
    answers : sequence of dict, default=()
        With question, reader, answer, key, and optionally note, seconds, at (a time, or ISO 8601)
        and is_final. Skipped questions are left out.
    signals : callable, default=None
        Takes the number of a record, and returns its signals in mV as an array of shape (n_leads,
        n_times), with NaN for missing samples. By default tasks hold no signals.

    Returns
    -------
    list of dict
        For `json.dump`.

    See Also
    --------
    labeling_config : The labelling interface of the tasks.
    from_export : Reads the answers.
    """
    given: dict = {}
    # A skipped question stays open.
    for answer in (answer for answer in answers if answer["answer"] != "skip"):
        given.setdefault(answer["question"], []).append(answer)
    return [
        {
            "data": _data(question, len(given.get(question["question"], ())), signals),
            "predictions": _predictions(question),
            "annotations": [_annotation(answer) for answer in given.get(question["question"], ())],
        }
        for question in questions
    ]


def labeling_config(leads=()) -> str:
    """Return the labelling interface of tasks, for the settings of a Label Studio project.

    Parameters
    ----------
    leads : sequence of str, default=()
        Leads of the signals in the tasks.

    Returns
    -------
    str
        XML.
    """
    if leads:
        channels = "".join(
            f'\n    <Channel column={quoteattr(lead)} displayName={quoteattr(lead)} units="mV"/>'
            for lead in leads
        )
        shown = (
            f'<TimeSeries name="{_ECG}" valueType="json" value="${_ECG}" timeColumn="time" '
            f'timeDisplayFormat=",.1f">{channels}\n  </TimeSeries>'
        )
    else:
        shown = f'<Text name="{_ECG}" value="$asks"/>'
    choices = "".join(
        f'\n    <Choice value="{choice}" hotkey="{number}"/>'
        for number, choice in enumerate(_CHOICES, start=1)
    )
    return (
        f'<View>\n  <Header value="$asks"/>\n  {shown}\n'
        f'  <Choices name="{_ANSWER}" toName="{_ECG}" choice="single" required="true">'
        f"{choices}\n  </Choices>\n"
        f'  <TextArea name="{_NOTE}" toName="{_ECG}" maxSubmissions="1"/>\n</View>\n'
    )


def from_export(content, *, reader=None) -> pd.DataFrame:
    """Read the answers in an export of Label Studio, in JSON or JSON-MIN.

    Parameters
    ----------
    content : str, bytes or list of dict
        The file's content. In JSON every annotation is an answer, in JSON-MIN every item.
    reader : str or dict, default=None
        Name of the reader of all answers; or names by the export's readers, which are email
        addresses or numbers. By default the export's readers.

    Returns
    -------
    DataFrame
        Columns question, label, reader, answer, note, seconds (NaN unknown), at (UTC, NaT unknown),
        key and is_final: whether the reader had seen answers that disagree. An answer has the same
        key in every export. An answer that `to_tasks` exported keeps its key.

    Raises
    ------
    ValueError
        If the content is not JSON, or not a list of tasks.

    Warns
    -----
    UserWarning
        If tasks or annotations cannot be read; they are left out.
    """
    if not isinstance(reader, str | dict | None):
        raise TypeError(
            "reader must be a name, or a dict of names by Label Studio's readers; got "
            f"{type(reader).__name__}."
        )
    found, unread = [], []
    for place, task in enumerate(_read_tasks(content)):
        try:
            question, label, annotations, shows_dispute = _open_task(task)
        except _UnreadError as error:
            unread.append(f"task {_name(task, place)} {error}")
            continue
        for annotation in annotations:
            try:
                read = _read_annotation(annotation, question, reader, shows_dispute)
                found.append((question, label, *read))
            except _UnreadError as error:
                unread.append(f"an annotation of task {_name(task, place)} {error}")
    if unread:
        shown = "; ".join(unread[:_MOST_NAMED]) + ("; ..." if len(unread) > _MOST_NAMED else "")
        warn_user(
            f"{len(unread)} of Label Studio's tasks or annotations are left out: {shown}. The "
            "others are read."
        )
    table = pd.DataFrame(found, columns=list(_COLUMNS)).drop_duplicates("key")
    table["at"] = pd.to_datetime(table["at"], utc=True)
    return table.astype({"seconds": float}).reset_index(drop=True)


def write_tasks(path, tasks, leads=()) -> None:
    """Write tasks as a JSON file, and the labelling interface beside it.

    Parameters
    ----------
    path : Path
        The interface gets the same name with ".xml".
    tasks : iterable of dict
        From `to_tasks`.
    leads : sequence of str, default=()
        All leads in the tasks.
    """
    with whole_file(path) as file:
        between = b"[\n"
        for task in tasks:
            file.write(between + json.dumps(task).encode())
            between = b",\n"
        file.write(b"[]\n" if between == b"[\n" else b"\n]\n")
    with whole_file(path.with_suffix(".xml")) as file:
        file.write(labeling_config(leads).encode())


def read_export(path, reader=None) -> pd.DataFrame:
    """Read the answers in an exported file of Label Studio, as `from_export` does.

    Parameters
    ----------
    path : Path
    reader : str or dict, default=None
        As for `from_export`.

    Returns
    -------
    DataFrame
    """
    try:
        return from_export(path.read_bytes(), reader=reader)
    except OSError as error:
        raise type(error)(
            f"{path} cannot be read: {error}. Name a file that Label Studio has exported."
        ) from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


class _UnreadError(Exception):
    """A part of an export that cannot be read, with the reason."""


def _data(question, n_answers, signals):
    """Return the data of a task, which also identify the question."""
    record = question.get("record") or {}
    data = {
        "question": question["question"],
        "label": question["label"],
        "asks": f"{record.get('name', '')}: {question.get('asks') or question['label']}?",
        "n_answers": n_answers,
        "shows_dispute": bool(question.get("is_dispute") and n_answers),
    }
    shown = {name: record.get(name) for name in ("name", "age", "sex")}
    shown |= {name: question.get(name) for name in ("weak", "probability")}
    data |= {name: value for name, value in shown.items() if not _is_missing(value)}
    data["asks"] = data["asks"].removeprefix(": ")
    if signals is not None:
        values = np.asarray(signals(record["record"]), dtype=float)
        times = np.arange(values.shape[1]) / record["sampling_rate"]
        data[_ECG] = {"time": times.round(6).tolist()}
        for lead, of_lead in zip(record["leads"], values, strict=True):
            # JSON has no NaN. A microvolt is finer than any ECG.
            numbers = of_lead.round(3).astype(object)
            numbers[np.isnan(of_lead)] = None
            data[_ECG][lead] = numbers.tolist()
    return data


def _predictions(question):
    probability = question.get("probability")
    if _is_missing(probability):
        return []
    said = "present" if probability > 0.5 else "absent"
    return [
        {
            "model_version": f"sklearn_ecg {__version__}",
            "score": float(max(probability, 1 - probability)),
            "result": [_result(_ANSWER, "choices", {"choices": [said]})],
        }
    ]


def _annotation(answer):
    """Return an answer as an annotation.

    Label Studio accepts only its own users as authors. Reader and key are stored in the result,
    which the export returns unchanged.
    """
    said = {name: answer[name] for name in ("reader", "answer", "key")}
    said["is_final"] = bool(answer.get("is_final"))
    result = [_result(_ANSWER, "choices", {"choices": [answer["answer"]]})]
    if answer.get("note"):
        result.append(_result(_NOTE, "textarea", {"text": [answer["note"]]}))
    annotation = {"result": result}
    if not _is_missing(answer.get("seconds")):
        annotation["lead_time"] = said["seconds"] = float(answer["seconds"])
    if not _is_missing(answer.get("at")):
        annotation["created_at"] = said["at"] = _utc(answer["at"]).isoformat()
    for part in result:
        part["meta"] = {"sklearn_ecg": said}
    return annotation


def _result(name, kind, value):
    return {"from_name": name, "to_name": _ECG, "type": kind, "value": value}


def _read_tasks(content):
    """Return the list of tasks in a file's content."""
    if isinstance(content, str | bytes):
        try:
            content = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"Label Studio's export cannot be read as JSON: {error}. Export it again, as JSON "
                "or JSON-MIN."
            ) from error
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        raise ValueError(
            "Label Studio's export must be a list of tasks, as its formats JSON and JSON-MIN are; "
            f"got {type(content).__name__}."
        )
    return content


def _open_task(task):
    """Return the question's number and label, annotations, and whether it showed a dispute.

    Annotations are in the form of JSON.
    """
    if not isinstance(task, dict):
        raise _UnreadError(f"is {type(task).__name__}, but must be a dict")
    is_minimal = "data" not in task
    data = task if is_minimal else task["data"]
    if not isinstance(data, dict) or "question" not in data:
        raise _UnreadError("has no question: it does not come from a queue")
    question = _whole_number(data["question"])
    if question is None:
        raise _UnreadError(f"has the question {_shown(data['question'])}, which is not a number")
    label = data.get("label")
    if not isinstance(label, str):
        raise _UnreadError("has no label")
    if is_minimal:
        if _whole_number(data.get("n_answers")) != 0:
            raise _UnreadError(
                "was exported with answers, which JSON-MIN mixes with new ones; export as JSON"
            )
        return question, label, [_from_minimal(task)], False
    annotations = task.get("annotations", [])
    if not isinstance(annotations, list):
        raise _UnreadError("has no list of annotations")
    return question, label, annotations, data.get("shows_dispute") is True


def _from_minimal(task):
    """Return the annotation of a JSON-MIN item, in the form of JSON."""
    result = []
    for name, kind, field in ((_ANSWER, "choices", "choices"), (_NOTE, "textarea", "text")):
        value = task.get(name)
        if isinstance(value, dict):
            value = value.get(field)
        if value is not None:
            value = value if isinstance(value, list) else [value]
            result.append(_result(name, kind, {field: value}))
    return {
        "id": task.get("annotation_id"),
        "completed_by": task.get("annotator"),
        "created_at": task.get("created_at"),
        "lead_time": task.get("lead_time"),
        "result": result,
    }


def _read_annotation(annotation, question, reader, shows_dispute):
    """Return (reader, answer, note, seconds, at, key, is_final)."""
    if not isinstance(annotation, dict) or not isinstance(annotation.get("result"), list):
        raise _UnreadError("has no list of results")
    parts = [part for part in annotation["result"] if isinstance(part, dict)]
    answer = "skip" if annotation.get("was_cancelled") is True else _read_answer(parts)
    note = "\n".join(map(str, _values(parts, _NOTE, "text")))
    before = _said_before(parts, answer)
    if before is not None:
        who, key = before["reader"], before["key"]
        seconds, at = _seconds(before.get("seconds")), _utc(before.get("at"))
        return who, answer, note, seconds, at, key, before.get("is_final") is True
    who = _read_reader(annotation.get("completed_by"), reader)
    at = _utc(annotation.get("created_at"))
    number = annotation.get("id")
    # An annotation without a number is identified by reader and time; the server's clock differs
    # between servers.
    told_by = [question, answer, who if number is None else str(number), str(at)]
    key = str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(["label studio", *told_by])))
    return who, answer, note, _seconds(annotation.get("lead_time")), at, key, shows_dispute


def _said_before(parts, answer):
    """Return the answer that `to_tasks` wrote, unless it was changed since."""
    for part in parts:
        meta = part.get("meta")
        said = meta.get("sklearn_ecg") if isinstance(meta, dict) else None
        if not isinstance(said, dict) or said.get("answer") != answer:
            continue
        if all(isinstance(said.get(name), str) for name in ("reader", "key")):
            return said
    return None


def _read_answer(parts):
    values = _values(parts, _ANSWER, "choices")
    if len(values) != 1:
        raise _UnreadError(f"holds {len(values)} answers instead of one")
    answer = values[0].strip().lower() if isinstance(values[0], str) else values[0]
    if answer not in _CHOICES:
        raise _UnreadError(f"answers {_shown(answer)}, not one of {', '.join(_CHOICES)}")
    return answer


def _values(parts, name, field):
    """Return the values of all parts with a name."""
    values = []
    for part in parts:
        value = part.get("value")
        if part.get("from_name") == name and isinstance(value, dict):
            held = value.get(field, [])
            values += held if isinstance(held, list) else [held]
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

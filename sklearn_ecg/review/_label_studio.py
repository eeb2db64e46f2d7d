"""Questions and answers as Label Studio's JSON, out and in.

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

# What a reader can choose; to skip, Label Studio has a button of its own.
_CHOICES = ("present", "absent", "unsure", "bad signal")
# Names of the parts of a task, in the labelling interface and in what comes back.
_ANSWER, _NOTE, _ECG = "answer", "note", "ecg"
_COLUMNS = ("question", "label", "reader", "answer", "note", "seconds", "at", "key", "is_final")
# Of so many tasks that cannot be read a warning tells.
_MOST_NAMED = 5


def to_tasks(questions, answers=(), *, signals=None) -> list:
    """Return questions as tasks for Label Studio.

    Label Studio shows the cleaner's belief as a prediction, and whoever opens a task may see the
    answers given before: leave out `answers` where reading is to be blind.

    Parameters
    ----------
    questions : sequence of dict
        With question (its number), label, and if known asks (the label in words), probability
        and record (a dict with record, name, leads, sampling_rate, age and sex).
    answers : sequence of dict, default=()
        With question, reader, answer, key, and if known note, seconds, at (a time, or ISO 8601)
        and is_final. Those that only skipped are left out.
    signals : callable, default=None
        Takes the number of a record, and returns its signals in mV as an array of shape (n_leads,
        n_times), NaN where there is none. By default tasks hold no signals.

    Returns
    -------
    list of dict
        To be written by `json.dump`.

    See Also
    --------
    labeling_config : The labelling interface that goes with them.
    from_export : The way back.
    """
    given: dict = {}
    # Who skipped a question left it open.
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
    """Return the labelling interface of tasks, for a project's settings in Label Studio.

    Parameters
    ----------
    leads : sequence of str, default=()
        Whose signals there are in the tasks.

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
    """Read the answers in what Label Studio exports, as JSON or JSON-MIN.

    Parameters
    ----------
    content : str, bytes or list of dict
        The file's content. Of JSON every annotation is an answer, of JSON-MIN every item.
    reader : str or dict, default=None
        Who answered: a name for all; or names by what the export calls readers, which is an
        email address or a number. By default what the export says.

    Returns
    -------
    DataFrame
        Columns question, label, reader, answer, note, seconds (NaN unknown), at (UTC, NaT
        unknown), key and is_final: whether it was given in sight of answers that disagree. The
        same answer has the same key in every export, and an answer that `to_tasks` exported has
        the key that it had.

    Raises
    ------
    ValueError
        If the content is no JSON, or no list of tasks.

    Warns
    -----
    UserWarning
        If tasks, or annotations of them, cannot be read. They are left out.
    """
    if not isinstance(reader, str | dict | None):
        raise TypeError(
            "reader must be a name, or a dict of names by what Label Studio calls readers; got "
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
            f"{len(unread)} of Label Studio's tasks or annotations are left out: {shown}. All "
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
        All that there are in the tasks.
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
    """Read the answers in a file that Label Studio has exported, as `from_export` does.

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
            f"{path} cannot be read: {error}. Name the file that Label Studio has exported."
        ) from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


class _UnreadError(Exception):
    """What cannot be read, and why."""


def _data(question, n_answers, signals):
    """Return what a task shows, and what tells which question it was."""
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
            # JSON knows no NaN; a thousandth of a millivolt is less than any ECG resolves.
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

    Label Studio takes for its author only somebody it knows. Who answered, and the key, go with
    the result, which comes back as it is.
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
        raise _UnreadError(f"is {type(task).__name__}, where a dict is needed")
    is_minimal = "data" not in task
    data = task if is_minimal else task["data"]
    if not isinstance(data, dict) or "question" not in data:
        raise _UnreadError("has no question: it does not come from a queue")
    question = _whole_number(data["question"])
    if question is None:
        raise _UnreadError(f"has the question {_shown(data['question'])}, which is no number")
    label = data.get("label")
    if not isinstance(label, str):
        raise _UnreadError("does not say which label it is about")
    if is_minimal:
        if _whole_number(data.get("n_answers")) != 0:
            raise _UnreadError(
                "was exported with answers, which JSON-MIN does not tell from new ones; export "
                "as JSON"
            )
        return question, label, [_from_minimal(task)], False
    annotations = task.get("annotations", [])
    if not isinstance(annotations, list):
        raise _UnreadError("has no list of annotations")
    return question, label, annotations, data.get("shows_dispute") is True


def _from_minimal(task):
    """Return the one annotation that an item of JSON-MIN is, in the form of JSON."""
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
    # Without its number an annotation is told by who made it; the server's clock tells servers.
    told_by = [question, answer, who if number is None else str(number), str(at)]
    key = str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(["label studio", *told_by])))
    return who, answer, note, _seconds(annotation.get("lead_time")), at, key, shows_dispute


def _said_before(parts, answer):
    """Return what `to_tasks` wrote of an answer, if nobody changed the answer since."""
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
        raise _UnreadError(f"holds {len(values)} answers, and not one")
    answer = values[0].strip().lower() if isinstance(values[0], str) else values[0]
    if answer not in _CHOICES:
        raise _UnreadError(f"answers {_shown(answer)}, which is none of {', '.join(_CHOICES)}")
    return answer


def _values(parts, name, field):
    """Return what parts of one name hold."""
    values = []
    for part in parts:
        value = part.get("value")
        if part.get("from_name") == name and isinstance(value, dict):
            held = value.get(field, [])
            values += held if isinstance(held, list) else [held]
    return values


def _read_reader(completed_by, reader):
    """Return the name of who answered."""
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
        raise _UnreadError("does not say who answered; name the reader")
    return called[0] if isinstance(called[0], str) else f"Label Studio user {called[0]}"


def _seconds(value):
    """Return a duration, NaN where there is none that can be."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return float(value) if 0 <= value < 1e9 else math.nan


def _utc(value):
    """Return a time, NaT where there is none that can be."""
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

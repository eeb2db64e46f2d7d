"""Endpoints of the page, in JSON."""

import json
import unicodedata
import uuid

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sklearn_ecg._version import __version__
from sklearn_ecg.review.desk._guard import read_body, too_many
from sklearn_ecg.review.desk._rates import RateLimit
from sklearn_ecg.review.desk._refusal import Refusal
from sklearn_ecg.review.queue._checks import LARGEST_NUMBER
from sklearn_ecg.review.queue._states import ANSWERS

_WAVES_PER_SESSION = {"per_second": 2, "at_once": 40}
_MOST_QUESTIONS = 5
_MOST_HOLDING = 200
_LONGEST_NOTE = 2000
_MOST_SECONDS = 1e7


class Api:
    """The endpoints under ``/api``.

    Parameters
    ----------
    work : Work
    sessions : Sessions
    show_ids, patient : bool
        Whether a page gets the ids of records, and age and sex.
    """

    def __init__(self, work, sessions, *, show_ids, patient):
        self.work = work
        self.sessions = sessions
        self.show_ids = show_ids
        self.patient = patient
        self._waves_per_session = RateLimit(**_WAVES_PER_SESSION)
        self.routes = [
            Route("/api/questions", self.questions),
            Route("/api/signals/{record}", self.signals),
            Route("/api/waves/{record}", self.waves),
            Route("/api/progress", self.progress),
            Route("/api/answers", self.answers, methods=["POST"]),
            Route("/api/undo", self.undo, methods=["POST"]),
        ]

    async def questions(self, request):
        reader = self._reader(request)
        asked = _query(request, {"n": "1", "holding": ""})
        n = _id(asked["n"], "n", _MOST_QUESTIONS)
        holding = [_id(text, "holding") for text in asked["holding"].split(",") if text]
        if len(holding) > _MOST_HOLDING:
            raise _invalid(
                f"holding names {len(holding)} questions, and {_MOST_HOLDING} are allowed."
            )
        questions, progress = await self.work.write(self._next, reader, n, holding)
        shown = [self._shown(question) for question in questions]
        return JSONResponse({"questions": shown, "progress": progress})

    async def signals(self, request):
        self._reader(request)
        record = _id(request.path_params["record"], "record")
        content = await self._of_record(self.work.read(self.work.signals, record))
        return Response(content, media_type="application/octet-stream")

    async def waves(self, request):
        session = self._session(request)
        record = _id(request.path_params["record"], "record")
        wait = self._waves_per_session.take(session.key)
        if wait:
            raise too_many(wait)
        waves = await self._of_record(self.work.waves(record))
        return JSONResponse({"waves": waves})

    async def progress(self, request):
        reader = self._reader(request)
        return JSONResponse(await self.work.read(self.work.progress, reader))

    async def answers(self, request):
        reader = self._reader(request, sends=True)
        sent = await self._sent(
            request, ("key", "question", "answer"), ("labels", "note", "seconds")
        )
        key, question = _key(sent["key"]), sent["question"]
        if type(question) is not int or not 0 < question <= LARGEST_NUMBER:
            raise _invalid("question must be the number of a question.")
        if sent["answer"] not in ANSWERS:
            raise _invalid(f"answer must be one of {', '.join(ANSWERS)}.")
        labels = sent.get("labels", [])
        # The queue checks number and names of labels.
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise _invalid("labels must be a list of labels.")
        if labels and sent["answer"] != "absent":
            raise _invalid('labels are those present instead: they go with the answer "absent".')
        note = sent.get("note", "")
        _check_text(note, "note", _LONGEST_NOTE)
        about = {
            "note": _without_controls(note),
            "seconds": _seconds(sent.get("seconds")),
            "key": key,
            "software": f"sklearn_ecg {__version__}",
            "labels": labels,
        }
        try:
            is_withdrawn, stored = await self.work.write(
                self._store, question, reader, sent["answer"], about
            )
        except (LookupError, ValueError) as error:
            raise _invalid(_text_of(error)) from None
        self.work.refit_if_due(stored["progress"])
        if is_withdrawn:
            raise Refusal(
                409,
                "The question has left the queue meanwhile.",
                "Go on: the answer is stored all the same.",
                **stored,
            )
        return JSONResponse(stored)

    async def undo(self, request):
        reader = self._reader(request, sends=True)
        sent = await self._sent(request, ("key",), ("undoes",))
        key, undoes = _key(sent["key"]), sent.get("undoes")
        undoes = None if undoes is None else _key(undoes)
        try:
            question, progress = await self.work.write(self._take_back, reader, key, undoes)
        except ValueError as error:
            raise _invalid(_text_of(error)) from None
        shown = None if question is None else self._shown(question)
        return JSONResponse({"question": shown, "progress": progress})

    def _next(self, reader, n, holding):
        queue = self.work.queue
        return queue.next_questions(reader, n=n, holding=holding), self.work.progress(reader)

    def _store(self, question, reader, answer, about):
        queue = self.work.queue
        # Not the state: it would tell the second reader of a double whether they agree.
        state = queue.answer(question, reader, answer, **about)["state"]
        stored = {"stored": True, "question": question, "progress": self.work.progress(reader)}
        return state == "withdrawn", stored

    def _take_back(self, reader, key, undoes):
        queue = self.work.queue
        return queue.undo(reader, key=key, undoes=undoes), self.work.progress(reader)

    def _reader(self, request, *, sends=False):
        return self._session(request, sends=sends).reader

    def _session(self, request, *, sends=False):
        """Return the session of a request; a request that changes something needs our page."""
        session = request.state.session
        if session is None:
            raise Refusal(401, "Nobody is signed in, or no longer.", "Sign in again.")
        token = request.headers.get("x-csrf-token", "")
        if sends and not self.sessions.is_form_token(session, token):
            raise Refusal(403, "This was not sent from the desk's page.", "Load the page again.")
        return session

    def _shown(self, question):
        """Return a question without the data that this desk hides."""
        similar = [one | {"record": self._header(one["record"])} for one in question["similar"]]
        return question | {"record": self._header(question["record"]), "similar": similar}

    def _header(self, record):
        header = {name: value for name, value in record.items() if name != "id"}
        if self.show_ids:
            header["name"] = str(record["id"])
        if not self.patient:
            header |= {"age": None, "sex": None}
        return header

    async def _of_record(self, found):
        try:
            return await found
        except LookupError:
            raise Refusal(404, "The queue has no such ECG.", "Load the page again.") from None

    async def _sent(self, request, needed, optional):
        """Return the fields of a JSON body: all needed ones, and no unknown ones."""
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise Refusal(415, "What was sent is no JSON.", "Send it as application/json.")
        try:
            sent = json.loads(
                await read_body(request), parse_constant=_no_number, object_pairs_hook=_once_each
            )
        except (ValueError, RecursionError):
            raise _invalid("What was sent is no JSON.") from None
        if not isinstance(sent, dict):
            raise _invalid("What was sent is no JSON object.")
        missing, unknown = set(needed) - set(sent), set(sent) - {*needed, *optional}
        if missing or unknown:
            raise _invalid(
                f"The fields must be {', '.join((*needed, *optional))}; "
                f"{len(missing)} are missing, and {len(unknown)} unknown."
            )
        return sent


def _invalid(error):
    return Refusal(422, error, "Load the page again; if it says the same, tell who started it.")


def _text_of(error):
    """Return the text of an error, without KeyError's quotation marks."""
    return str(error.args[0]) if error.args else type(error).__name__


def _no_number(text):
    raise ValueError(text)


def _once_each(pairs):
    """Return a JSON object; a field that occurs twice is an error."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError(pairs)
    return dict(pairs)


def _query(request, allowed):
    """Return the parameters of an address, each at most once, over the allowed defaults."""
    pairs = request.query_params.multi_items()
    if len(pairs) > len(dict(pairs)) or not set(dict(pairs)) <= set(allowed):
        raise _invalid(f"The address may have {', '.join(allowed)}, each once.")
    return allowed | dict(pairs)


def _id(text, name, largest=LARGEST_NUMBER):
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= largest):
        raise _invalid(f"{name} must be a whole number from 1 to {largest}.")
    return int(text)


def _key(text):
    """Return the key of a request in one spelling, so that it is recognised again."""
    try:
        return str(uuid.UUID(text))
    except (ValueError, AttributeError, TypeError):
        raise _invalid("key must be a UUID.") from None


def _check_text(text, name, most):
    if not isinstance(text, str) or len(text) > most:
        raise _invalid(f"{name} must be text of at most {most} characters.")


def _without_controls(text):
    """Remove characters that databases and workbooks refuse, and that pasted text may hold.

    These are control characters, and halves of surrogate pairs.
    """
    return "".join(
        one for one in text if one in "\n\t" or unicodedata.category(one) not in ("Cc", "Cs")
    )


def _seconds(value):
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= _MOST_SECONDS:
        raise _invalid(f"seconds must be a number from 0 to {_MOST_SECONDS:g}.")
    return float(value)

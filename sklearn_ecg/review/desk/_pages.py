"""The pages of the desk, and their files."""

import hashlib
import json
from contextlib import suppress
from importlib.resources import files
from itertools import chain
from urllib.parse import parse_qsl

import jinja2
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sklearn_ecg.review.desk._addresses import network_of
from sklearn_ecg.review.desk._guard import LOG, read_body
from sklearn_ecg.review.desk._rates import RateLimit
from sklearn_ecg.review.desk._refusal import Refusal
from sklearn_ecg.review.desk._sessions import read_known_readers
from sklearn_ecg.review.desk._words import words
from sklearn_ecg.review.queue._checks import LONGEST_NAME
from sklearn_ecg.review.readers._errors_left import stopping

_TYPES = {
    "js": "text/javascript",
    "css": "text/css",
    "svg": "image/svg+xml",
    "json": "application/json",
}
# Wrong sign-ins from an address before it must wait.
_SIGN_INS = {"per_second": 0.1, "at_once": 10}
_MOST_FIELDS = 5
_LANGUAGE = "review-language"
_ONE_YEAR = 365 * 24 * 3600


class Pages:
    """The desk's pages.

    Parameters
    ----------
    work : Work
    sessions : Sessions
    language : str, default=None
        By default the browser's.
    """

    def __init__(self, work, sessions, *, language):
        self.work = work
        self.sessions = sessions
        self.language = language
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("sklearn_ecg.review.desk"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._words = read_words()
        self._static = read_static()
        self._sign_ins = RateLimit(**_SIGN_INS)
        self.routes = [
            Route("/", self.first),
            Route("/enter", self.enter),
            Route("/enter", self.sign_in, methods=["POST"]),
            Route("/leave", self.leave, methods=["POST"]),
            Route("/desk", self.desk),
            Route("/overview", self.overview),
            Route("/static/{name}", self.static),
        ]

    async def first(self, request):
        return _to("enter" if request.state.session is None else "desk")

    async def enter(self, request):
        return self._enter(request)

    async def sign_in(self, request):
        sent = await self._form(request)
        session = self.sessions.read(request, entering=True)
        if session is None or not self.sessions.is_form_token(session, sent.get("csrf", "")):
            return self._enter(request, "expired", 403)
        address, name = network_of(request.client), sent.get("reader", "")
        known = ()
        if not self.sessions.with_tokens:
            known = await self.work.read(read_known_readers, self.work.queue)
        try:
            session = self.sessions.sign_in(name, sent.get("token", ""), known)
        except ValueError:
            error = "name_too_long" if len(name) > LONGEST_NAME else "missing_name"
            return self._enter(request, error, 422)
        except PermissionError:
            wait = self._sign_ins.take(address)
            if wait:
                return self._enter(request, "too_many_tries", 429, seconds=wait)
            # Not each: who floods the desk must not fill the log.
            LOG.warning("A sign-in from %s was refused", address)
            error = "wrong_token" if self.sessions.with_tokens else "unknown_reader"
            return self._enter(request, error, 403)
        LOG.info("%s signed in from %s", session.reader, address)
        response = _to("desk")
        self.sessions.write(session, request, response)
        return response

    async def leave(self, request):
        session, response = request.state.session, _to("enter")
        if session is not None:
            token = request.headers.get("x-csrf-token") or (await self._form(request)).get("csrf")
            if not self.sessions.is_form_token(session, token or ""):
                raise Refusal(403, "This was not sent from the desk's page.", "Load it again.")
            self.sessions.leave(session)
            # Signing out works also if the database is locked.
            with suppress(Refusal):
                await self.work.write(self.sessions.sync)
            self.sessions.forget(request, response)
        return response

    async def desk(self, request):
        session = request.state.session
        return _to("enter") if session is None else self._page(request, "desk", session)

    async def overview(self, request):
        session = request.state.session
        if session is None:
            return _to("enter")
        about = await self.work.read_slow(self._overview)
        return self._page(request, "overview", session, **about)

    async def static(self, request):
        try:
            content, headers = self._static[request.path_params["name"]]
        except KeyError:
            raise Refusal(404, "There is no such file.", "Load the page again.") from None
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers)

    def error(self, request, refusal):
        """Return a refusal as a page, for links and forms."""
        _, words = self._choose_language(request)
        said = refusal.content["error"]
        if refusal.status == 404:
            said = words["errors"]["not_found"]
        said = words.get("server", {}).get(said, said)
        session = request.state.session
        response = self._page(request, "error", session, status=refusal.status, said=said)
        response.headers.update(refusal.headers or {})
        return response

    def _overview(self):
        queue = self.work.queue
        agreement, left, readers = queue.agreement(), queue.errors_left(), queue.readers()
        progress = self.work.progress()
        seconds = readers["median_seconds"].dropna()
        return {
            "progress": progress,
            "minutes_left": progress["n_open"] * seconds.median() / 60 if len(seconds) else None,
            "left": left,
            "may_stop": stopping(left).stop,
            "readers": readers.reset_index().to_dict("records"),
            "agreement": agreement.reset_index().to_dict("records"),
            "pairs": [(name, agreement[name].iloc[0]) for name in agreement if " & " in name],
        }

    def _enter(self, request, error=None, status=200, seconds=0):
        """Show the sign-in page, with the last error."""
        session = self.sessions.read(request, entering=True) or self.sessions.new()
        _, words = self._choose_language(request)
        if error is not None:
            error = words["enter"][error]
            error = error.replace("{most}", str(LONGEST_NAME)).replace("{seconds}", str(seconds))
        about = {
            "error": error,
            "with_tokens": self.sessions.with_tokens,
            "is_signed_in": request.state.session is not None,
            "longest_name": LONGEST_NAME,
        }
        response = self._page(request, "enter", session, status=status, **about)
        self.sessions.write(session, request, response)
        return response

    def _page(self, request, name, session, status=200, **about):
        language, words = self._choose_language(request)
        session = self.sessions.new() if session is None else session
        html = self._templates.get_template(f"{name}.html").render(
            words=words,
            language=language,
            languages={code: words["language"]["name"] for code, words in self._words.items()},
            csrf_token=self.sessions.form_token(session),
            reader=session.reader,
            queue=self.sessions.queue_key,
            root=_way_to_root(request),
            **about,
        )
        response = HTMLResponse(html, status)
        if request.query_params.get("language") == language:
            response.set_cookie(
                _LANGUAGE, language, max_age=_ONE_YEAR, httponly=True, samesite="strict"
            )
        return response

    def _choose_language(self, request):
        """Return the requested language, or the stored one, or the browser's favourite."""
        liked = request.headers.get("accept-language", "").lower().split(",")
        wanted = (
            request.query_params.get("language"),
            request.cookies.get(_LANGUAGE),
            self.language,
            *(one.partition(";")[0].strip().partition("-")[0] for one in liked),
        )
        language = next((one for one in wanted if one in self._words), "en")
        return language, self._words[language]

    async def _form(self, request):
        """Return the fields of a form; an empty dict without a form."""
        try:
            return dict(parse_qsl((await read_body(request)).decode(), max_num_fields=_MOST_FIELDS))
        except ValueError:
            return {}


def read_words():
    """Return the words of the pages, by language."""
    folder = files("sklearn_ecg.review.desk") / "languages"
    read = {
        (code := path.name.removesuffix(".json")): json.loads(path.read_text("utf-8")) | words(code)
        for path in folder.iterdir()
        if path.name.endswith(".json")
    }
    return dict(sorted(read.items()))


def read_static():
    """Return the files of the pages by name; requests name one of these, not a path."""
    static = {}
    folders = files("sklearn_ecg.review.desk") / "static", files("sklearn_ecg.review.paper")
    for path in chain.from_iterable(folder.iterdir() for folder in folders):
        kind = path.name.rpartition(".")[2]
        if kind in _TYPES:
            content = path.read_bytes()
            static[path.name] = (
                content,
                {
                    "Content-Type": f"{_TYPES[kind]}; charset=utf-8",
                    "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
                    # After an update, browsers must not mix old and new files.
                    "Cache-Control": "no-cache",
                },
            )
    return static


def _way_to_root(request):
    """Return the relative address of the first page, since a proxy may add a prefix to all."""
    path = request.scope.get("raw_path") or request.scope["path"].encode()
    return "../" * (path.count(b"/") - 1) or "./"


def _to(address):
    """Lead a browser to another page, by an address relative to that of the request."""
    return RedirectResponse(address, status_code=303)

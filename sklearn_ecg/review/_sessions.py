"""Who is signed in: tokens of readers, signed cookies, and what proves that a page of ours sends.

Cookies are signed with the queue's secret and hold all there is to know of a session, so that it
outlives the server: readers go on where they were after a restart.
"""

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass

import sqlalchemy as sa
from itsdangerous import BadSignature, URLSafeTimedSerializer

from sklearn_ecg.review._checks import check_reader
from sklearn_ecg.review._schema import answers, get_fact, put_fact

_HOURS = 12  # a day at work
_FACTS = ("queue_key", "secret")
_LEFT = "left"


@dataclass(frozen=True)
class Session:
    """Of one browser; `reader` is None while somebody is about to sign in."""

    reader: str | None
    key: str


def read_secret(queue):
    """Return the name by which browsers know a queue, and its secret.

    Both are made when they are first asked for. Whoever knows the secret can sign in as anybody.
    """
    with queue._database.reading() as work:
        found = [get_fact(work, fact) for fact in _FACTS]
    if None in found:
        with queue._database.writing() as work:
            for fact in _FACTS:
                if get_fact(work, fact) is None:  # else another server was first
                    put_fact(work, fact, secrets.token_urlsafe(32))
            found = [get_fact(work, fact) for fact in _FACTS]
    return found


def read_left(queue):
    """Return the keys of sessions that were ended, and when their cookies are void anyway."""
    with queue._database.reading() as work:
        return get_fact(work, _LEFT) or {}


def put_left(queue, left):
    """Store which sessions were ended, beside those that were ended at another server."""
    with queue._database.writing() as work:
        put_fact(work, _LEFT, _not_over((get_fact(work, _LEFT) or {}) | left))


def void_links(queue):
    """Give a queue another secret, so that no link or session of before is good any more."""
    with queue._database.writing() as work:
        put_fact(work, _FACTS[1], secrets.token_urlsafe(32))


def read_known_readers(queue):
    """Return the names of those who have answered."""
    with queue._database.reading() as work:
        return work.scalars(sa.select(answers.c.reader).distinct()).all()


class Sessions:
    """Signs readers in and knows them again.

    Parameters
    ----------
    queue_key, secret : str
        As `read_secret` returns them.
    readers : list of str, default=None
        Who may sign in; by default everybody.
    with_tokens : bool, default=False
        Whether each needs a personal token beside the name.
    left : dict, default=()
        As `read_left` returns it.
    """

    def __init__(self, queue_key, secret, readers=None, with_tokens=False, left=()):
        self.queue_key = queue_key
        self._secret = secret.encode()
        self.readers = None if readers is None else [check_reader(name) for name in readers]
        self.with_tokens = with_tokens
        # Cookies know no ports: two desks on one machine must not sign each other's readers out.
        self._name = f"review-{queue_key[:8]}"
        self.left = dict(left)
        self._signer = URLSafeTimedSerializer(
            self._secret, salt="session", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def token_of(self, reader):
        """Return what proves that somebody is this reader."""
        return self._digest("reader", reader)

    def sign_in(self, name, token, known=()):
        """Return a new session of a reader.

        Parameters
        ----------
        name, token : str
        known : sequence of str, default=()
            Who has answered before. Of whom a name alone is asked, Anna must not become two readers
            because of a capital, and read a double twice.

        Raises
        ------
        ValueError
            If the name cannot be one.
        PermissionError
            If it is nobody's, or the token is another's: a stranger does not learn which.
        """
        reader = check_reader(name)
        if not self.with_tokens:
            written = {of.casefold(): of for of in (*known, *(self.readers or ()))}
            reader = written.get(reader.casefold(), reader)
        is_right = hmac.compare_digest(self.token_of(reader).encode(), token.encode())
        if (self.with_tokens and not is_right) or not self._is_welcome(reader):
            raise PermissionError(reader)
        return self.new(reader)

    def new(self, reader=None):
        """Return a session with a key that nobody can have known before."""
        return Session(reader, secrets.token_urlsafe(16))

    def leave(self, session):
        """End a session for whoever may still hold its cookie."""
        self.left = _not_over(self.left) | {session.key: time.time() + _HOURS * 3600}

    def form_token(self, session):
        """Return what a page of this session sends along, and a page of others cannot know."""
        return self._digest("form", session.key)

    def is_form_token(self, session, text):
        return hmac.compare_digest(self.form_token(session).encode(), text.encode())

    def read(self, request, *, entering=False):
        """Return the session of a request, None if it has none that is valid.

        Parameters
        ----------
        request : Request
        entering : bool, default=False
            Whether to return the one in which somebody is about to sign in. It has a cookie of its
            own: who follows a link to the sign-in is not signed out in another tab.
        """
        text = request.cookies.get(self._cookie_of(request, entering), "")
        try:
            session = Session(*self._signer.loads(text, max_age=_HOURS * 3600))
        except BadSignature:
            return None
        if (session.reader is None) != entering or session.key in self.left:
            return None
        return session if entering or self._is_welcome(session.reader) else None

    def write(self, session, request, response):
        """Let the browser keep a session: for this site alone, and out of reach of scripts."""
        response.set_cookie(
            self._cookie_of(request, session.reader is None),
            self._signer.dumps([session.reader, session.key]),
            max_age=_HOURS * 3600,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )

    def forget(self, request, response):
        """Let the browser delete its session."""
        response.delete_cookie(
            self._cookie_of(request, False),
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )

    def _is_welcome(self, reader):
        return self.readers is None or reader in self.readers

    def _cookie_of(self, request, entering):
        # Under the prefix __Host- no other host of the same domain can have set it.
        secure = "__Host-" if request.url.scheme == "https" else ""
        return f"{secure}{self._name}-{'enter' if entering else 'reader'}"

    def _digest(self, purpose, text):
        digest = hmac.digest(self._secret, f"{purpose}:{text}".encode(), "sha256")
        return urlsafe_b64encode(digest).decode().rstrip("=")


def _not_over(left):
    now = time.time()
    return {key: until for key, until in left.items() if until > now}

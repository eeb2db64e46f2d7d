"""Sign-in: readers' tokens, signed cookies, and proof that our own page sends a request.

Cookies are signed with the queue's secret, and hold the whole session. Sessions therefore survive a
restart of the server.
"""

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass

import sqlalchemy as sa
from itsdangerous import BadSignature, URLSafeTimedSerializer

from sklearn_ecg.review.queue._checks import check_reader
from sklearn_ecg.review.queue._schema import answers, get_fact, put_fact

_HOURS = 12  # a working day
# Facts of the queue. Anybody who knows the secret can sign in as any reader.
_KEY, _SECRET, _LEFT = "queue_key", "secret", "left"


@dataclass(frozen=True)
class Session:
    """A browser's session; `reader` is None during sign-in."""

    reader: str | None
    key: str


def void_links(queue):
    """Give a queue a new secret: all earlier links and sessions become invalid."""
    with queue._database.writing() as work:
        put_fact(work, _SECRET, secrets.token_urlsafe(32))


def read_known_readers(queue):
    """Return the names of readers who have answered."""
    with queue._database.reading() as work:
        return work.scalars(sa.select(answers.c.reader).distinct()).all()


class Sessions:
    """Signs readers in, and recognises them by their cookies.

    Parameters
    ----------
    queue : ReviewQueue
        It keeps the secret, and the keys of ended sessions, which several servers share.
    readers : list of str, default=None
        Names of those who may sign in; by default everybody may.
    with_tokens : bool, default=False
        Whether each needs a personal token besides the name.
    """

    def __init__(self, queue, readers=None, with_tokens=False):
        self._queue = queue
        self._left = {}  # keys of ended sessions, with the times when their cookies expire
        self.readers = None if readers is None else [check_reader(name) for name in readers]
        self.with_tokens = with_tokens
        self.sync()

    def sync(self):
        """Exchange with the queue what other servers, or the command, may have changed."""
        database = self._queue._database
        with database.reading() as work:
            key, secret, left = (get_fact(work, fact) for fact in (_KEY, _SECRET, _LEFT))
        own = _not_over(self._left)
        if secret is None or not own.keys() <= (left or {}).keys():
            with database.writing() as work:
                key, secret = (_fact_or_new(work, fact) for fact in (_KEY, _SECRET))
                left = _not_over((get_fact(work, _LEFT) or {}) | own)
                put_fact(work, _LEFT, left)
        # In place, since a session may end meanwhile in another thread.
        self._left.update(left or {})
        self.queue_key = key
        self._secret = secret.encode()
        self._signer = URLSafeTimedSerializer(
            self._secret,
            # A desk that lets anybody in must not open one that asks for tokens.
            salt="session with token" if self.with_tokens else "session",
            signer_kwargs={"digest_method": hashlib.sha256},
        )

    def token_of(self, reader):
        """Return the token that proves that somebody is this reader."""
        return self._digest("reader", reader)

    def sign_in(self, name, token, known=()):
        """Return a new session of a reader.

        Parameters
        ----------
        name, token : str
        known : sequence of str, default=()
            Names of readers who have answered. Without tokens, "anna" is the reader "Anna", not a
            second reader who could read a double-read question twice.

        Raises
        ------
        ValueError
            If the name is not valid.
        PermissionError
            If the name is unknown or the token is wrong: the message does not tell which.
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
        """Return a session with a new random key."""
        return Session(reader, secrets.token_urlsafe(16))

    def leave(self, session):
        """End a session, also for copies of its cookie."""
        self._left[session.key] = time.time() + _HOURS * 3600

    def form_token(self, session):
        """Return a token for this session's pages, which other sites cannot know."""
        return self._digest("form", session.key)

    def is_form_token(self, session, text):
        return hmac.compare_digest(self.form_token(session).encode(), text.encode())

    def read(self, request, *, entering=False):
        """Return the session of a request, or None without a valid one.

        Parameters
        ----------
        request : Request
        entering : bool, default=False
            Whether to return the session of a sign-in. It has a separate cookie: following a
            sign-in link does not sign out another tab.
        """
        text = request.cookies.get(self._cookie_of(request, entering), "")
        try:
            session = Session(*self._signer.loads(text, max_age=_HOURS * 3600))
        except BadSignature:
            return None
        if (session.reader is None) != entering or session.key in self._left:
            return None
        return session if entering or self._is_welcome(session.reader) else None

    def write(self, session, request, response):
        """Set the cookie of a session, only for this site and not readable by scripts."""
        response.set_cookie(
            self._cookie_of(request, session.reader is None),
            self._signer.dumps([session.reader, session.key]),
            max_age=_HOURS * 3600,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )

    def forget(self, request, response):
        """Delete the cookie of a session."""
        response.delete_cookie(
            self._cookie_of(request, False),
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )

    def _is_welcome(self, reader):
        return self.readers is None or reader in self.readers

    def _cookie_of(self, request, entering):
        # Only this host can set a cookie with the prefix __Host-.
        secure = "__Host-" if request.url.scheme == "https" else ""
        # They ignore ports: two desks on one machine must not sign each other's readers out.
        return f"{secure}review-{self.queue_key[:8]}-{'enter' if entering else 'reader'}"

    def _digest(self, purpose, text):
        digest = hmac.digest(self._secret, f"{purpose}:{text}".encode(), "sha256")
        return urlsafe_b64encode(digest).decode().rstrip("=")


def _fact_or_new(work, name):
    """Return a fact of the queue, which is random and made at first."""
    if get_fact(work, name) is None:
        put_fact(work, name, secrets.token_urlsafe(32))
    return get_fact(work, name)


def _not_over(left):
    now = time.time()
    return {key: until for key, until in dict(left).items() if until > now}

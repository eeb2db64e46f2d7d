"""A database with several writers: transactions, and errors that say what to do."""

import json
import os
import sqlite3
import threading
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from sklearn_ecg.review.queue import _postgresql as postgresql
from sklearn_ecg.review.queue import _sqlite as sqlite

# Seconds that a writer waits for others, in this process and outside.
_PATIENCE_S = 5.0
_KEPT = "What was stored before is kept."


class Database:
    """A file of SQLite, or a database of PostgreSQL.

    Parameters
    ----------
    url : path, or str
        A path, or a URL such as ``"postgresql://user@host/name"``.
    create : bool, default=False
        Whether to make a missing file.

    Attributes
    ----------
    name : str
        Name for messages, without a password.
    path : Path or None
        Path of the file.
    """

    def __init__(self, url, *, create=False):
        self._turn = threading.Lock()
        self._process = os.getpid()
        self._file = self._seen = None
        self._read_mark, self._mark = (lambda work: ("", 0)), ("", 0)
        if isinstance(url, str) and "://" in url:
            self.path = None
            self._engine, self.name = postgresql.connect_to_server(url, _PATIENCE_S)
        elif isinstance(url, str | os.PathLike):
            self.path = Path(url).expanduser().absolute()
            self.name = os.fspath(self.path)
            self._engine = sqlite.connect_to_file(self.path, create, _PATIENCE_S)
        else:
            raise TypeError(
                "url must be the path of a file, or a URL such as "
                f"'postgresql://user@host/name'; got {url!r}."
            )

    @classmethod
    @contextmanager
    def making(cls, url):
        """Yield a database to fill, and close it; if filling fails, leave no new file behind."""
        database = cls(url, create=True)
        is_new = database.path is not None and not database.path.exists()
        try:
            yield database
        except BaseException:
            database.close()
            if is_new:
                database.path.unlink(missing_ok=True)
            raise
        database.close()

    @contextmanager
    def reading(self):
        """Yield a connection that sees one state of the database."""
        options = {"isolation_level": "REPEATABLE READ"} if self.path is None else {}
        with self._saying_what_is_wrong(), self._begin(**options) as connection:
            yield connection

    @contextmanager
    def writing(self):
        """Yield the only writing connection; everything in the block is stored, or nothing.

        Threads of one process take turns; with SQLite alone, their order would be random.
        """
        self._connect_after_fork()
        if not self._turn.acquire(timeout=_PATIENCE_S):
            raise TimeoutError(f"{self.name} is busy: {_busy()}")
        try:
            with self._saying_what_is_wrong(), self._begin(writes=True) as connection:
                yield connection
            self._look_at_file()
        finally:
            self._turn.release()

    def read_beside_writers(self):
        """Let a file be read while it is written, from now on. A server always does."""
        if self.path is not None:
            with self._saying_what_is_wrong(), self._connect() as connection:
                connection.connection.execute("PRAGMA journal_mode=WAL")

    def stay_with(self, read_mark):
        """Raise from now on if the database holds another queue, or an earlier copy of it.

        Its numbers of questions would mean other questions, and an answer would be stored for one
        of these.

        Parameters
        ----------
        read_mark : callable
            Takes a connection; returns which queue it is, as text, and a number that only grows.
        """
        with self.reading() as work:
            mark = read_mark(work)
        self._read_mark, self._mark = read_mark, mark

    def close(self):
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _begin(self, writes=False, **options):
        """Yield a connection in a transaction."""
        # Before the transaction begins, since others may write meanwhile.
        before = self._mark
        connection = self._connect(writes=writes, **options)
        with connection, connection.begin():
            if writes and self._engine.dialect.name == "postgresql":
                postgresql.lock_server(connection, _PATIENCE_S)
            now = self._read_mark(connection)
            if now[0] != before[0] or now[1] < before[1]:
                raise FileNotFoundError(
                    f"{self.name} no longer holds the queue that was opened: it was made anew, or "
                    "replaced by an earlier copy. Open it again."
                )
            yield connection
            if writes:
                now = self._read_mark(connection)
        self._mark = max(self._mark, now)

    def _connect(self, **options):
        self._connect_after_fork()
        if self._file is not None:
            seen = self._seen
            self._look_at_file()
            if self._seen != seen:
                # SQLite does not notice that another program overwrites a file, and would mix its
                # pages with those in memory.
                self._engine.dispose()
        connection = self._engine.connect().execution_options(**options)
        try:
            self._look_at_file()
        except OSError:
            connection.close()
            raise
        return connection

    def _look_at_file(self):
        """Raise if the file is no longer the one that was opened; see when it was changed.

        SQLite would silently write into the deleted file.
        """
        if self.path is None:
            return
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            found = None
        file = found and (found.st_dev, found.st_ino)
        self._file = self._file or file
        self._seen = found and (found.st_mtime_ns, found.st_size)
        if file is None or file != self._file:
            raise FileNotFoundError(
                f"{self.name} is no longer the file that was opened: it was deleted, moved or "
                "replaced. Put it back, and open it again."
            )

    def _connect_after_fork(self):
        """Leave connections to the process that opened them."""
        if self._process != os.getpid():
            self._engine.dispose(close=False)
            self._turn, self._process = threading.Lock(), os.getpid()

    @contextmanager
    def _saying_what_is_wrong(self):
        # pg8000 lets errors of its socket through.
        lost = (ConnectionError, TimeoutError) if self.path is None else ()
        try:
            yield
        except sa.exc.TimeoutError as error:
            raise TimeoutError(f"{self.name} is busy: {_busy()}") from error
        except (sa.exc.DBAPIError, self._engine.dialect.loaded_dbapi.Error, *lost) as error:
            cause = getattr(error, "orig", error)
            in_our_words = (
                sqlite.error_of_file
                if isinstance(cause, sqlite3.Error)
                else postgresql.error_of_server
            )
            clear = in_our_words(cause, self.name, busy=_busy(), kept=_KEPT)
            if clear is None:
                raise
            raise clear from error
        except json.JSONDecodeError as error:
            raise sqlite.damaged(self.name, f"a value is no JSON, {error}") from error


def _busy():
    return (
        f"others have been writing it for {_PATIENCE_S:g} s. {_KEPT} Try again; if it stays so, "
        "look which program keeps it open."
    )

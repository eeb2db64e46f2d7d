"""A database with several writers: transactions, and errors that say what to do."""

import errno
import json
import os
import sqlite3
import threading
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

# Seconds that a writer waits for others, in this process and outside.
_PATIENCE_S = 5.0
_WHAT_IS_SAFE = "What was stored before is kept."


class Database:
    """A file of SQLite, or a database of PostgreSQL.

    Parameters
    ----------
    url : path, or str
        A path, or a URL such as ``"postgresql+pg8000://user@host/name"``.
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
        self._file = None
        if isinstance(url, str) and "://" in url:
            self.path = None
            self._engine, self.name = _server(url)
        elif isinstance(url, str | os.PathLike):
            self.path = Path(url).expanduser().absolute()
            self._engine, self.name = _file(self.path, create), os.fspath(self.path)
        else:
            raise TypeError(
                "url must be the path of a file, or a URL such as "
                f"'postgresql+pg8000://user@host/name'; got {url!r}."
            )

    @contextmanager
    def reading(self):
        """Yield a connection that sees one state of the database."""
        options = {"isolation_level": "REPEATABLE READ"} if self.path is None else {}
        with (
            self._saying_what_is_wrong(),
            self._connect(**options) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def writing(self):
        """Yield the only writing connection; everything in the block is stored, or nothing.

        Threads of one process take turns; with SQLite alone, their order would be random.
        """
        with self._saying_what_is_wrong():
            self._connect_after_fork()
            if not self._turn.acquire(timeout=_PATIENCE_S):
                raise TimeoutError(f"{self.name} is busy: {_locked()}")
            try:
                with self._connect(writes=True) as connection, connection.begin():
                    if self._engine.dialect.name == "postgresql":
                        _lock_server(connection)
                    yield connection
                self._check_file()
            finally:
                self._turn.release()

    def read_beside_writers(self):
        """Let a file be read while it is written, from now on. A server always does."""
        if self.path is not None:
            with self._saying_what_is_wrong(), self._connect() as connection:
                connection.connection.execute("PRAGMA journal_mode=WAL")

    def close(self):
        """Close all connections."""
        self._engine.dispose()

    def _connect(self, **options):
        self._connect_after_fork()
        connection = self._engine.connect().execution_options(**options)
        try:
            self._check_file()
        except OSError:
            connection.close()
            raise
        return connection

    def _check_file(self):
        """Raise if the file is no longer the one that was opened.

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
        try:
            yield
        except sa.exc.TimeoutError as error:
            raise TimeoutError(f"{self.name} is busy: {_locked()}") from error
        except (sa.exc.DBAPIError, self._engine.dialect.loaded_dbapi.Error) as error:
            cause = getattr(error, "orig", error)
            clear = (
                _error_of_file(cause, self.name)
                if isinstance(cause, sqlite3.Error)
                else _error_of_server(cause, self.name)
            )
            if clear is None:
                raise
            raise clear from error
        except json.JSONDecodeError as error:
            raise _damaged(self.name, f"a value is no JSON, {error}") from error


def _file(path, create):
    if not create:
        if not path.exists():
            raise FileNotFoundError(
                f"There is no {path}. Make the queue with ReviewQueue.from_cleaner, or give the "
                "path of one."
            )
        if path.is_file() and not path.stat().st_size:
            raise ValueError(
                f"{path} is empty, and no review queue: making it may have been interrupted. Make "
                "it again with ReviewQueue.from_cleaner."
            )
    if path.is_dir():
        raise IsADirectoryError(
            f"{path} is a folder. Give the path of a file, such as {path / 'queue.sqlite'}."
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent}: make it, or give another path.")
    mode = "rwc" if create else "rw"

    def connect():
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode={mode}",
            uri=True,
            timeout=_PATIENCE_S,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            # With FULL, an answer is on the disk when its transaction ends.
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
        except BaseException:
            connection.close()
            raise
        return connection

    engine = sa.create_engine(
        "sqlite://",
        creator=connect,
        poolclass=sa.QueuePool,
        max_overflow=50,
        pool_timeout=_PATIENCE_S,
    )

    # Python's driver would begin a transaction late. One that reads first and then writes would
    # fail if another process has written in between.
    @sa.event.listens_for(engine, "begin")
    def begin(connection):
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _server(url):
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise ValueError(
            f"url cannot be read: {error}. Give the path of a file, or a URL such as "
            "'postgresql+pg8000://user@host/name'."
        ) from error
    if parsed.get_backend_name() != "postgresql":
        raise ValueError(
            f"url is of {parsed.get_backend_name()}, but a queue is kept in PostgreSQL "
            "('postgresql+pg8000://user@host/name'), or in a file: give its path."
        )
    if parsed.username is None or parsed.database is None:
        raise ValueError(
            f"url must name a user and a database: 'postgresql+pg8000://user@host/name'; got "
            f"{parsed.render_as_string(hide_password=True)!r}."
        )
    try:
        engine = sa.create_engine(
            parsed, pool_pre_ping=True, max_overflow=50, pool_timeout=_PATIENCE_S
        )
    except sa.exc.NoSuchModuleError as error:
        raise ValueError(
            f"url cannot be used: there is no driver {parsed.drivername.partition('+')[2]!r}. "
            "Begin it with 'postgresql+pg8000://'."
        ) from error
    except ModuleNotFoundError as error:
        raise ImportError(
            f"PostgreSQL needs {error.name}: pip install sklearn_ecg[postgresql], and begin the "
            "URL with 'postgresql+pg8000://'."
        ) from error
    return engine, parsed.render_as_string(hide_password=True)


def _lock_server(connection):
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_PATIENCE_S:g}s'")
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('sklearn_ecg.review'))")


def _locked():
    return (
        f"others have been writing it for {_PATIENCE_S:g} s. {_WHAT_IS_SAFE} Try again; if it "
        "stays so, look which program keeps it open."
    )


def _damaged(name, why):
    return OSError(
        errno.EIO,
        f"{name} is damaged: {why}. Go on with an earlier copy; `sqlite3 FILE .recover` prints "
        "what can still be read of a file",
    )


def _error_of_file(cause, name):
    """Return our exception for an error of SQLite, or None."""
    code = getattr(cause, "sqlite_errorname", None) or ""
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return TimeoutError(f"{name} is locked: {_locked()}")
    if code == "SQLITE_FULL":
        return OSError(
            errno.ENOSPC,
            f"No space left: {name} cannot be written. {_WHAT_IS_SAFE} Free some space, and try "
            "again",
        )
    if code.startswith("SQLITE_READONLY") or code == "SQLITE_PERM":
        return PermissionError(
            errno.EACCES,
            f"{name} cannot be written. {_WHAT_IS_SAFE} Allow writing the file and its folder, or "
            "copy it to where that is allowed",
        )
    if code == "SQLITE_NOTADB":
        return ValueError(
            f"{name} is no database of SQLite, and so no review queue, or its beginning is "
            "damaged. Give the path of a queue, or go on with an earlier copy."
        )
    if code.startswith("SQLITE_CORRUPT") or "no such " in str(cause):
        return _damaged(name, cause)
    if code.startswith(("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_NOLFS", "SQLITE_TOOBIG")):
        return OSError(
            errno.EIO,
            f"{name} cannot be opened, read or written: {cause} ({code}). {_WHAT_IS_SAFE} Look at "
            "its disk and its rights",
        )
    return None


def _error_of_server(cause, name):
    """Return our exception for an error of PostgreSQL's driver, or None."""
    told = cause.args[0] if cause.args and isinstance(cause.args[0], dict) else {}
    code = told.get("C") or getattr(cause, "sqlstate", None) or ""
    text = (told.get("M") or str(cause)).rstrip(".")
    if code in ("55P03", "57014", "40P01"):
        return TimeoutError(f"{name} is locked: {_locked()}")
    if code == "53100":
        return OSError(errno.ENOSPC, f"No space left: {name}: {text}. {_WHAT_IS_SAFE}")
    if code in ("25006", "42501"):
        return PermissionError(errno.EACCES, f"{name} cannot be written: {text}")
    if code in ("3D000", "28000", "28P01"):
        return ConnectionError(
            f"{name} lets nobody in: {text}. Look at the name of the database, user and password."
        )
    if not code or code.startswith(("08", "53", "57")):
        return ConnectionError(
            f"{name} does not answer: {text}. {_WHAT_IS_SAFE} Look whether the server runs, and "
            "whether the URL is right."
        )
    return None

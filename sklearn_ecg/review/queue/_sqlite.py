"""A file of SQLite: connections, and its errors in our words."""

import errno
import os
import sqlite3
from contextlib import suppress

import sqlalchemy as sa


def connect_to_file(path, create, patience_s):
    """Return an engine for a file.

    Parameters
    ----------
    path : Path
    create : bool
        Whether to make a missing file.
    patience_s : float
        Seconds to wait while others write.

    Returns
    -------
    Engine
    """
    if not create:
        if not path.exists():
            raise FileNotFoundError(
                f"There is no {path}. Make the queue with `sklearn-ecg clean` or "
                "ReviewQueue.from_cleaner, or give the path of one."
            )
        if path.is_file() and not path.stat().st_size:
            raise FileNotFoundError(
                f"{path} is empty, and no review queue: making it may have been interrupted. Make "
                "it again with `sklearn-ecg clean` or ReviewQueue.from_cleaner."
            )
    if path.is_dir():
        raise IsADirectoryError(
            f"{path} is a folder. Give the path of a file, such as {path / 'queue.sqlite'}."
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent}: make it, or give another path.")
    mode = "rwc" if create else "rw"

    def connect():
        if create:
            # For its owner alone: it holds data of patients, and the secret of readers' links.
            # An existing file must not be opened: to close it would drop this process's locks.
            with suppress(OSError):  # of which SQLite tells below
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode={mode}",
            uri=True,
            timeout=patience_s,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            # With FULL, an answer is on the disk when its transaction ends.
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            # The file itself holds each answer, also if somebody copies it without its -wal.
            connection.execute("PRAGMA wal_autocheckpoint=1")
        except BaseException:
            connection.close()
            raise
        return connection

    engine = sa.create_engine(
        "sqlite://",
        creator=connect,
        poolclass=sa.QueuePool,
        hide_parameters=True,  # notes of readers are not for logs
        max_overflow=50,
        pool_timeout=patience_s,
    )

    # Python's driver would begin a transaction late. One that reads first and then writes would
    # fail if another process has written in between.
    @sa.event.listens_for(engine, "begin")
    def begin(connection):
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def damaged(name, why):
    """Return the exception for a damaged file."""
    return OSError(
        errno.EIO,
        f"{name} is damaged: {why}. Go on with an earlier copy; `sqlite3 FILE .recover` prints "
        "what can still be read of a file",
    )


def error_of_file(cause, name, *, busy, kept):
    """Return our exception for an error of SQLite, or None.

    Parameters
    ----------
    cause : sqlite3.Error
    name : str
        Name of the file, for messages.
    busy, kept : str
        What to say if others keep it locked, and about what was stored before.
    """
    code = getattr(cause, "sqlite_errorname", None) or ""
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return TimeoutError(f"{name} is locked: {busy}")
    if code == "SQLITE_FULL":
        return OSError(
            errno.ENOSPC,
            f"No space left: {name} cannot be written. {kept} Free some space, and try again",
        )
    if code.startswith("SQLITE_READONLY") or code == "SQLITE_PERM":
        return PermissionError(
            errno.EACCES,
            f"{name} cannot be written. {kept} Allow writing the file and its folder, or "
            "copy it to where that is allowed",
        )
    if code == "SQLITE_NOTADB":
        return ValueError(
            f"{name} is no database of SQLite, and so no review queue, or its beginning is "
            "damaged. Give the path of a queue, or go on with an earlier copy."
        )
    if code.startswith("SQLITE_CORRUPT") or "no such " in str(cause):
        return damaged(name, cause)
    if code.startswith(("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_NOLFS", "SQLITE_TOOBIG")):
        return OSError(
            errno.EIO,
            f"{name} cannot be opened, read or written: {cause} ({code}). {kept} Look at "
            "its disk and its rights",
        )
    return None

"""A server of PostgreSQL: its URL, password and encryption, and its errors in our words."""

import errno
import os
import re
import ssl
from pathlib import Path

import sqlalchemy as sa

_EXAMPLE = "'postgresql://user@host/name'"
# What the command writes in place of a password, for example in settings.toml.
_HIDDEN = "***"
# Without an answer for so many seconds, the server is gone; the network may never tell.
_SILENCE_S = 30
_QUERY = ("sslmode", "sslrootcert")
_SSL_MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")


def connect_to_server(url, patience_s):
    """Return an engine for the URL of a database, and the URL without its password.

    A missing password is taken from PGPASSWORD, or from the file of passwords of PostgreSQL. The
    connection is encrypted if the server can do so; ``sslmode`` in the URL demands more, as in
    PostgreSQL's own programs.

    Parameters
    ----------
    url : str
    patience_s : float
        Seconds to wait for a free connection.

    Returns
    -------
    engine : Engine
    name : str
    """
    parsed = _parse(url)
    name = parsed.set(drivername="postgresql").render_as_string(hide_password=True)
    options = {
        "password": _find_password(parsed),
        "ssl_context": _encryption(parsed),
        "timeout": _SILENCE_S,
    }
    try:
        engine = sa.create_engine(
            parsed.set(query={}),
            connect_args=options,
            pool_pre_ping=True,
            hide_parameters=True,  # notes of readers are not for logs
            max_overflow=50,
            pool_timeout=patience_s,
        )
    except ModuleNotFoundError as error:
        raise ImportError(
            f"PostgreSQL needs {error.name}: pip install sklearn_ecg[postgresql]."
        ) from error
    for method in ("do_ping", "do_close", "do_terminate"):
        function = getattr(engine.dialect, method)
        setattr(engine.dialect, method, _or_lost(function, engine.dialect.loaded_dbapi.Error))
    return engine, name


def lock_server(connection, patience_s):
    """Let a connection be the only one that writes until its transaction ends."""
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{patience_s:g}s'")
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('sklearn_ecg.review'))")


def error_of_server(cause, name, *, busy, kept):
    """Return our exception for an error of PostgreSQL's driver, or None.

    Parameters
    ----------
    cause : Exception
    name : str
        Name of the database, for messages.
    busy, kept : str
        What to say if others keep it locked, and about what was stored before.
    """
    told = cause.args[0] if cause.args and isinstance(cause.args[0], dict) else {}
    code = told.get("C") or getattr(cause, "sqlstate", None) or ""
    text = (told.get("M") or str(cause)).rstrip(".")
    if code in ("55P03", "40P01", "40001"):
        return TimeoutError(f"{name} is locked: {busy}")
    if code == "57014":
        return TimeoutError(
            f"{name} took too long: {text}. {kept} Try again; if it stays so, raise the user's "
            "statement_timeout."
        )
    if code == "53100":
        return OSError(errno.ENOSPC, f"No space left: {name}: {text}. {kept}")
    if code == "42P01":
        return FileNotFoundError(
            f"There is no queue in {name} any more: {text}. Restore it from a backup, or make it "
            "again."
        )
    if code in ("25006", "42501"):
        return PermissionError(
            errno.EACCES,
            f"{name} cannot be read or written: {text}. {kept} The user must own the database, or "
            "have the rights to its tables, and to CREATE in its schema for a new queue",
        )
    if code in ("3D000", "28000", "28P01"):
        return ConnectionError(
            f"{name} lets nobody in: {text}. Look at the name of the database, user and password; "
            "a password may be in the URL, in PGPASSWORD or in ~/.pgpass."
        )
    if not code or code.startswith(("08", "53", "57")):
        return ConnectionError(
            f"{name} does not answer: {text}. {kept} Look whether the server runs, and whether the "
            "URL is right."
        )
    return None


def _parse(url):
    """Return a URL of SQLAlchemy; messages show no part of one that cannot be read."""
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise ValueError(
            f"url cannot be read. Give the path of a file, or a URL such as {_EXAMPLE}."
        ) from error
    backend = parsed.get_backend_name()
    if backend not in ("postgresql", "postgres"):
        raise ValueError(
            f"url is of {backend}, but a queue is kept in PostgreSQL ({_EXAMPLE}), or in a file: "
            "give its path."
        )
    # A sign "@" in a password ends it too early.
    if "@" in f"{parsed.host}{parsed.database}":
        raise ValueError(
            f"url cannot be read: in a password, write @ as %40; or give {_EXAMPLE}, and the "
            "password in PGPASSWORD."
        )
    if parsed.username is None or parsed.database is None:
        raise ValueError(
            f"url must name a user and a database: {_EXAMPLE}; got "
            f"{parsed.render_as_string(hide_password=True)!r}."
        )
    unknown = [key for key in parsed.query if key not in _QUERY]
    if unknown:
        raise ValueError(f"url may end with {' and '.join(_QUERY)}; got {unknown[0]!r}.")
    driver = parsed.drivername.partition("+")[2] or "pg8000"
    if driver != "pg8000":
        raise ValueError(
            f"url cannot be used: this package speaks to PostgreSQL by pg8000, not by {driver!r}. "
            f"Begin it with 'postgresql://'."
        )
    return parsed.set(drivername="postgresql+pg8000")


def _encryption(parsed):
    """Return pg8000's argument ``ssl_context`` for ``sslmode``."""
    mode, root = (parsed.query.get(key) for key in _QUERY)
    mode = mode or ("prefer" if root is None else "verify-full")
    if mode not in _SSL_MODES:
        raise ValueError(
            f"sslmode in the url must be one of {', '.join(_SSL_MODES)}; got {mode!r}."
        )
    if mode in ("disable", "prefer", "require"):
        return {"disable": False, "prefer": None, "require": True}[mode]
    try:
        context = ssl.create_default_context(cafile=root)
    except OSError as error:  # ssl.SSLError is one
        raise ValueError(f"sslrootcert in the url cannot be read: {root!r}: {error}.") from error
    context.check_hostname = mode == "verify-full"
    return context


def _or_lost(function, error):
    """Let a function of SQLAlchemy return False for a lost connection.

    pg8000 lets errors of its socket through, which SQLAlchemy does not take for a lost connection.
    """

    def call(connection):
        try:
            return function(connection)
        except (OSError, error):
            return False

    return call


def _find_password(parsed):
    """Return the password for a URL, or "", since some servers ask for none."""
    if parsed.password not in (None, _HIDDEN):
        return parsed.password
    return os.environ.get("PGPASSWORD") or _password_in_file(parsed) or ""


def _password_in_file(parsed):
    """Return the password of a URL in PostgreSQL's file of passwords, or None.

    Like PostgreSQL's own programs, this does not read a file that others can read.
    """
    path = Path(os.environ.get("PGPASSFILE") or "~/.pgpass").expanduser()
    wanted = (
        parsed.host or "localhost",
        str(parsed.port or 5432),
        parsed.database,
        parsed.username,
    )
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            return None
        lines = path.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        # Between colons; a backslash stands before a colon or backslash of a name or password.
        fields = [
            re.sub(r"\\(.)", r"\1", one) for one in re.findall(r"((?:\\.|[^:\\])*)(?::|$)", line)
        ]
        if len(fields) < 5 or line.startswith("#"):
            continue
        if all(field in ("*", name) for field, name in zip(fields, wanted, strict=False)):
            return fields[4]
    return None

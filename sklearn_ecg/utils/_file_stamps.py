"""Notice that a file has changed, without reading it."""

import os
import time
from hashlib import blake2b

# Clocks of file systems tick in up to 10 ms: two writes within one tick have the same time.
_TICK_S = 0.02
_SECOND_NS = 10**9


def file_stamp(path):
    """Return a stamp that changes when the file changes.

    The stamp holds size, time of change (mtime) and time of status change (ctime). The ctime tells
    a file that was rewritten with its old size and mtime. The content is read too if the file
    system stores whole seconds only.

    Parameters
    ----------
    path : path

    Returns
    -------
    tuple
        Absolute path, size in bytes, two times in ns, and a digest of the content or None; the
        path alone if there is no such file. Its `repr` is the same in every process.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_ecg.utils import file_stamp
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.dat"
    ...     _ = path.write_bytes(b"old")
    ...     old = file_stamp(path)
    ...     _ = path.write_bytes(b"new")
    ...     old == file_stamp(path)
    False
    """
    path = os.path.abspath(os.fspath(path))
    try:
        found = os.stat(path)
        age_s = time.time() - max(found.st_mtime, found.st_ctime)
        if age_s < _TICK_S:
            # A later write must get a later time.
            time.sleep(min(_TICK_S, _TICK_S - age_s))
            found = os.stat(path)
    except OSError:
        return (path,)
    times = found.st_mtime_ns, found.st_ctime_ns
    is_coarse = not any(ns % _SECOND_NS for ns in times)
    return (path, found.st_size, *times, _digest(path) if is_coarse else None)


def stamp_of_files(paths):
    """Return one stamp of several files, a text of fixed length; see `file_stamp`.

    Parameters
    ----------
    paths : iterable of path

    Returns
    -------
    str
    """
    digest = blake2b(digest_size=16)
    for path in dict.fromkeys(paths):
        digest.update(repr(file_stamp(path)).encode())
    return digest.hexdigest()


def quick_stamp(paths):
    """Return a number that changes when the sizes or times of files change.

    It is faster than `file_stamp`, but misses the second of two writes within one tick of the
    clock.

    Parameters
    ----------
    paths : iterable of path

    Returns
    -------
    int
    """
    known = []
    for path in paths:
        try:
            found = os.stat(path)
        except OSError:
            known.append(None)
        else:
            known += [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]
    return hash(tuple(known))


def _digest(path):
    digest = blake2b(digest_size=16)
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError:
        return None  # a folder, or forbidden
    return digest.hexdigest()

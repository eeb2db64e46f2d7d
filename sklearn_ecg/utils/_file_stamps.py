"""What tells a file from what stood in its place before."""

import os
import time
from hashlib import blake2b

# Clocks of file systems tick in up to 10 ms: what is written in one tick has one time.
_TICK_S = 0.02
_SECOND_NS = 10**9


def file_stamp(path):
    """Return what is known of a file without reading it: another file has another stamp.

    A file that was rewritten with its old size and time of change is told by the time at which
    that time was set. Where a file system knows whole seconds alone, the content is read too.

    Parameters
    ----------
    path : path

    Returns
    -------
    tuple
        Absolute path, size, two times in ns, and a digest of the content or None; the path alone
        of a file that is not there. It holds nothing but text and numbers, and its `repr` is the
        same in every process.

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
            # Whatever is written after this has a later time.
            time.sleep(min(_TICK_S, _TICK_S - age_s))
            found = os.stat(path)
    except OSError:
        return (path,)
    times = found.st_mtime_ns, found.st_ctime_ns
    is_coarse = not any(ns % _SECOND_NS for ns in times)
    return (path, found.st_size, *times, _digest(path) if is_coarse else None)


def stamp_of_files(paths):
    """Return what is known of several files, in a text of one length; see `file_stamp`.

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
    """Return a number that changes when files do, by their sizes and times alone.

    For readers that look again and again, and can do without what two writes in one tick of the
    clock would hide.

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

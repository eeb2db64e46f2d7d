"""Copies of signals in a folder, which are read at the disk's speed.

The folder holds shards. Each is written to a temporary file, moved into place at once, and never
changed. A shard holds the content of up to 1024 records, one after the other, and then a zip
archive of two arrays: ``index`` (a row per record: key, position of its content, checksum) and
``stamps`` of the files that were copied. The content of a record is its gains and baselines, and
its samples lead by lead: int16, or float32 for signals that are not 16-bit integers times a gain.

The key of a record is a hash of its files' stamps and of the settings for reading. A changed file
is therefore another record, and a copy made for one collection serves the next. A killed process
loses the shard that it was writing. Processes that write at the same time see each other's shards
complete or not at all.

Copies that are no longer used are deleted once they take more space than the used ones.
"""

import contextlib
import errno
import itertools
import json
import os
import shutil
import time
import uuid
import zipfile
from pathlib import Path

import numpy as np

from sklearn_ecg.datasets._cached_reader import (
    INDEX_ROW,
    SUFFIX,
    CachedReader,
    find_copies,
    key_of,
    shards_in,
    stamps_of,
    sum_of,
)
from sklearn_ecg.datasets._header import CURE
from sklearn_ecg.records._report import RecordError
from sklearn_ecg.utils import file_stamp, read_parts, warn_user, whole_file

_VERSION = 2
# A shard is full at so many records or bytes; a killed process loses as much.
_FULL_RECORDS, _FULL_BYTES = 1024, 2**28
# Above this number, shards that are less than half full are merged.
_MOST_SMALL_SHARDS = 16
# Writing one shard never takes longer.
_ABANDONED_S = 600
# The disk is full, or the folder was deleted meanwhile.
_NO_PLACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOENT)


def cache_signals(reader, lengths, n_leads, cache_dir, *, settings):
    """Copy the signals that a folder lacks.

    Parameters
    ----------
    reader : callable
        ``reader(i)`` returns a signal in mV, and ``reader.files(i)`` the paths of the files on
        which it depends. `window` and `take` are those of `LazySignals`. If there is a method
        ``digital(i)``, it returns int16 samples (-32768 where invalid), gains per mV and baselines,
        or None for signals that 16 bits cannot hold. These samples are stored, without loss. If a
        file holds several records, ``digest(i)`` differs between them.
    lengths : array-like of int of shape (n_records,)
    n_leads : int
    cache_dir : path-like
    settings : tuple
        Everything else that the signals depend on.

    Returns
    -------
    cached : CachedReader
        Reader of all records, also of unreadable ones.
    errors : dict of int to RecordError
        The records that could not be read.
    """
    folder = _folder(cache_dir)
    settings = repr((_VERSION, settings, n_leads))
    keys = [key_of(settings, n, stamps_of(reader, i), reader, i) for i, n in enumerate(lengths)]
    missing = np.flatnonzero(find_copies(folder, keys)[1] < 0).tolist()
    errors = {}
    if missing:
        item_bytes = 2 if hasattr(reader, "digital") else 4
        n_bytes = item_bytes * n_leads * sum(int(lengths[i]) for i in missing)
        contents = _contents(reader, lengths, n_leads, settings, missing, keys, errors)
        _copy(folder, contents, len(missing), n_bytes)
        # Tidying can wait until the next call.
        with contextlib.suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            _tidy(folder, set(keys))
    return CachedReader(str(folder), keys, lengths, n_leads, settings, reader), errors


def _folder(cache_dir):
    folder = Path(cache_dir).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        file = next(
            path for path in (folder, *folder.parents) if path.exists() or path.is_symlink()
        )
        raise NotADirectoryError(f"cache_dir must be a folder; {str(file)!r} is a file.") from None
    except OSError as error:
        raise type(error)(
            f"cache_dir={str(folder)!r} cannot be made: {error.strerror}. Choose another folder."
        ) from None
    if not os.access(folder, os.R_OK | os.X_OK):
        raise PermissionError(
            f"cache_dir={str(folder)!r} cannot be read. Check its permissions, or choose another "
            "folder."
        )
    return folder


def _contents(reader, lengths, n_leads, settings, missing, keys, errors):
    """Yield key, stamps and content of records; unreadable ones go into `errors`."""
    for i in missing:
        # A file that changes after this line is newer than its key, never older.
        stamps = stamps_of(reader, i)
        keys[i] = key_of(settings, lengths[i], stamps, reader, i)
        try:
            content = _content(reader, i, (n_leads, int(lengths[i])))
        except RecordError as error:
            errors[i] = error
        else:
            yield keys[i], stamps, content


def _content(reader, i, shape):
    digital = reader.digital(i) if hasattr(reader, "digital") else None
    if digital is None:
        samples = np.asarray(reader(i), dtype="<f4")
        digital = samples, np.ones(len(samples)), np.zeros(len(samples))
    samples, gains, baselines = digital
    if samples.shape != shape:
        raise RecordError(
            reader.files(i)[0],
            f"has {samples.shape[1]} samples instead of {shape[1]}",
            CURE,
        )
    scales = np.concatenate([gains, baselines]).astype("<f8")
    return scales.tobytes() + samples.tobytes()


def _copy(folder, contents, n_records, n_bytes):
    free = shutil.disk_usage(folder).free
    try:
        if free < n_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        _write_shards(folder, contents)
    except OSError as error:
        if error.errno not in _NO_PLACE:
            raise type(error)(
                f"cache_dir={str(folder)!r} cannot be written to ({os.strerror(error.errno)}), and "
                f"lacks copies of {n_records} records. Choose another folder, or cache_dir=None."
            ) from None
        warn_user(
            f"cache_dir={str(folder)!r} cannot hold the copies of {n_records} records "
            f"({os.strerror(error.errno)}): they need {n_bytes / 1e9:.3g} GB, but "
            f"{free / 1e9:.3g} GB were free. Records without a copy are read from their own files. "
            "Free some space, or choose another folder."
        )


def _write_shards(folder, contents):
    """Write records (key, stamps, content) into shards."""
    for first in contents:
        rows, all_stamps = [], []
        with whole_file(folder / f"{uuid.uuid4().hex}{SUFFIX}") as file:
            for key, stamps, content in itertools.chain([first], contents):
                rows.append((key, file.tell(), len(content), sum_of(content)))
                all_stamps.append(stamps)
                file.write(content)
                if len(rows) == _FULL_RECORDS or file.tell() >= _FULL_BYTES:
                    break
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr("index", np.array(rows, dtype=INDEX_ROW).tobytes())
                archive.writestr("stamps", json.dumps(all_stamps))


def _tidy(folder, keys):
    """Delete unused copies if they take more space than used ones, and merge small shards.

    Parameters
    ----------
    folder : Path
    keys : set of bytes
        Keys of records that are in use.
    """
    for path in folder.glob(f"*{SUFFIX}.*.part"):
        if time.time() - path.stat().st_mtime > _ABANDONED_S:
            path.unlink(missing_ok=True)
    shards = shards_in(folder)
    sizes = {path: rows["n_bytes"] for path, rows in shards.items()}
    lives, asked_for, seen = {}, {}, set()
    # If a record has several copies, the last one is read.
    for path, rows in reversed(shards.items()):
        own = rows["key"].tolist()
        lives[path] = np.array([key not in seen for key in own])
        asked_for[path] = np.array([key in keys for key in own])
        seen.update(own)

    n_bytes = sum(int(size.sum()) for size in sizes.values())
    if n_bytes > 2 * sum(int(sizes[p][lives[p] & asked_for[p]].sum()) for p in shards):
        # Copies of other collections are in use as long as their files have not changed.
        for path in shards:
            pairs = zip(asked_for[path], _stamps(path), strict=True)
            lives[path] &= np.array([is_asked or _is_current(stamps) for is_asked, stamps in pairs])
    is_mostly_dead = n_bytes > 2 * sum(int(sizes[path][lives[path]].sum()) for path in shards)
    small = {
        path
        for path, size in sizes.items()
        if len(size) < _FULL_RECORDS // 2 and size.sum() < _FULL_BYTES // 2
    }
    merged = {p for p in shards if not lives[p].any() or (is_mostly_dead and not lives[p].all())}
    if len(small) > _MOST_SMALL_SHARDS:
        merged |= small
    _write_shards(folder, _living(merged, shards, lives))
    for path in merged:
        Path(path).unlink(missing_ok=True)


def _is_current(stamps):
    return all(list(file_stamp(stamp[0])) == stamp for stamp in stamps)


def _stamps(path):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("stamps"))


def _living(merged, shards, lives):
    """Yield the copies in use from some shards."""
    for path in sorted(merged):
        for row, stamps, is_alive in zip(shards[path], _stamps(path), lives[path], strict=True):
            if is_alive:
                (content,) = read_parts(path, [(int(row["begin"]), int(row["n_bytes"]))])
                if sum_of(content) == row["sum"]:
                    yield row["key"].tobytes(), stamps, content

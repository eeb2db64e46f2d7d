"""All signals of a collection in one file, read as a memory map.

A cache is two files in the folder that the user names: ``KEY.int16`` (or ``.float32``, for signals
that are not 16-bit integers times a gain) holds the samples, record after record, lead after lead;
``KEY.npz`` tells where each record lies, its gains, and which records could not be read. The key
is made of the names, sizes and times of change of all files, so that other files mean another
cache. While it is written, samples go to ``KEY.int16.part`` and what is known of the records done
to ``KEY.progress``: whoever is interrupted goes on where it ended. The index comes last, and
under its name at once or not at all.
"""

import contextlib
import hashlib
import json
import os
import shutil
import warnings
import zipfile
from pathlib import Path

import numpy as np

from sklearn_ecg.datasets._cached_reader import ALIGNMENT, CachedReader, places, sum_of
from sklearn_ecg.datasets._header import CURE
from sklearn_ecg.records import LazySignals
from sklearn_ecg.records._report import RecordError
from sklearn_ecg.utils import whole_file

_VERSION = 1
# Records between two notes of progress, each of which waits for the disk.
_CHUNK = 1024


def cache_signals(reader, lengths, n_leads, cache_dir, *, files, settings):
    """Copy signals into one file, or open the copy that is there.

    Parameters
    ----------
    reader : callable
        ``reader(i)`` returns a signal in mV. If it has a method ``digital(i)``, which returns
        int16 samples (-32768 where invalid), gains per mV and baselines, or None where there are
        none, these are stored, and nothing is lost.
    lengths : array-like of int of shape (n_records,)
    n_leads : int
    cache_dir : path-like
    files : list of (list of path)
        The files of each record, by whose names, sizes and times the copy is known.
    settings : tuple
        What else the signals depend on.

    Returns
    -------
    cached : CachedReader
        Of all records, also those that could not be read.
    errors : dict of int to RecordError
        The records that could not be read.
    """
    folder = _folder(cache_dir)
    base = folder / _key(files, (settings, n_leads, [int(n) for n in lengths]))
    stored = _open(base, lengths, n_leads)
    if stored is None:
        try:
            stored = _write(base, reader, lengths, n_leads)
        except FileNotFoundError:
            # Another process has finished the very copy that was to be resumed.
            stored = _open(base, lengths, n_leads) or _write(base, reader, lengths, n_leads)
    index, data = stored
    errors = {int(i): RecordError(*error) for i, *error in json.loads(str(index["errors"]))}
    source = LazySignals(reader, (len(lengths), n_leads), lengths=lengths)
    return CachedReader(str(data.absolute()), index, lengths, n_leads, source), errors


def _folder(cache_dir):
    folder = Path(cache_dir).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        file = next(path for path in (folder, *folder.parents) if path.exists())
        raise NotADirectoryError(
            f"cache_dir must be a folder, which is made where it is missing; {str(file)!r} is a "
            "file."
        ) from None
    return folder


def _key(files, settings):
    digest = hashlib.sha256(repr((_VERSION, settings)).encode())
    for group in files:
        for path in group:
            try:
                stat = os.stat(path)
                known = (os.path.basename(path), stat.st_size, stat.st_mtime_ns)
            except OSError:
                known = (os.path.basename(path), None)
            digest.update(repr(known).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:24]


def _open(base, lengths, n_leads):
    """Return index and data file of a whole cache, or None."""
    index_file = base.with_suffix(".npz")
    if not index_file.exists():
        return None
    try:
        with open(index_file, "rb") as file, np.load(file) as stored:
            index = dict(stored)
        _check_index(index, len(lengths), n_leads)
        dtype = np.dtype(str(index["dtype"]))
        data = base.with_suffix(f".{dtype.name}")
        found, needed = data.stat().st_size, places(lengths, n_leads, dtype)[1]
        if found != needed:
            raise ValueError(f"{data} holds {found} bytes in the place of {needed}")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        warnings.warn(
            f"The copy of the signals in {base.parent} is damaged ({error}); it is written anew.",
            stacklevel=2,
        )
        index_file.unlink()
        return None
    return index, data


def _check_index(index, n_records, n_leads):
    json.loads(str(index["errors"]))
    shapes = {"gains": (n_records, n_leads), "baselines": (n_records, n_leads)}
    for name, shape in {**shapes, "sums": (n_records,)}.items():
        if index[name].shape != shape:
            raise ValueError(f"its {name} have shape {index[name].shape} in the place of {shape}")


def _write(base, reader, lengths, n_leads):
    has_integers = hasattr(reader, "digital")
    try:
        return _write_as(
            np.dtype(np.int16 if has_integers else np.float32), base, reader, lengths, n_leads
        )
    except _NotIntegers:
        return _write_as(np.dtype(np.float32), base, reader, lengths, n_leads)


class _NotIntegers(Exception):
    """A record is not stored as 16-bit integers."""


def _write_as(dtype, base, reader, lengths, n_leads):
    begins, n_bytes = places(lengths, n_leads, dtype)
    data, part = base.with_suffix(f".{dtype.name}"), base.with_suffix(f".{dtype.name}.part")
    progress_file = base.with_suffix(f".{dtype.name}.progress")
    known = _known(progress_file, part, len(begins), n_leads, n_bytes)
    errors = []
    with open(part, "r+b") as samples, open(progress_file, "r+b") as progress:
        for start in range(0, len(begins), _CHUNK):
            chunk = slice(start, min(start + _CHUNK, len(begins)))
            todo = start + np.flatnonzero(known["done"][chunk] == 0)
            for i in todo.tolist():
                try:
                    known[i] = _store(samples, reader, i, lengths[i], begins[i], dtype)
                except RecordError as error:
                    errors.append((i, error.file, error.problem, error.what_to_do))
                except _NotIntegers:
                    _remove(part, progress_file)
                    raise
            if len(todo):
                # A record counts as done only once its samples are on the disk.
                samples.flush()
                os.fsync(samples.fileno())
                progress.seek(start * known.itemsize)
                progress.write(known[chunk].tobytes())
                progress.flush()
    index = {name: known[name] for name in ("gains", "baselines", "sums")}
    index |= {"errors": json.dumps(errors), "dtype": dtype.name}
    # Another process that wrote the same copy may have been faster.
    with contextlib.suppress(FileNotFoundError):
        os.replace(part, data)
    with whole_file(base.with_suffix(".npz")) as file:
        np.savez(file, **index)
    _remove(progress_file)
    return index | {"errors": np.array(index["errors"])}, data


def _known(progress_file, part, n_records, n_leads, n_bytes):
    """Return what is known of the records that are done, and make the files for the others."""
    row = [("done", "u1"), ("sums", "<u8")]
    row += [("gains", "<f8", (n_leads,)), ("baselines", "<f8", (n_leads,))]
    known = np.zeros(n_records, dtype=row)
    is_resumed = (
        part.exists()
        and progress_file.exists()
        and part.stat().st_size == n_bytes
        and progress_file.stat().st_size == known.nbytes
    )
    if is_resumed:
        return np.fromfile(progress_file, dtype=row)
    free = shutil.disk_usage(part.parent).free
    if free < n_bytes:
        raise OSError(
            f"The copy of the signals needs {n_bytes / 1e9:.1f} GB, and {part.parent} has "
            f"{free / 1e9:.1f} GB left. Free some space or choose another cache_dir."
        )
    with open(part, "wb") as file:
        file.truncate(n_bytes)
    known.tofile(progress_file)
    return known


def _store(samples, reader, i, n_times, place, dtype):
    """Write the samples of a record; return its row of what is known."""
    if dtype == np.float32:
        stored = np.ascontiguousarray(reader(i), dtype=np.float32)
        gains, baselines = np.ones(len(stored)), np.zeros(len(stored))
    else:
        digital = reader.digital(i)
        if digital is None:
            raise _NotIntegers
        stored, gains, baselines = digital
    if stored.shape[1] != n_times:
        raise RecordError(
            f"record {i}", f"has {stored.shape[1]} samples in the place of {n_times}", CURE
        )
    content = stored.tobytes()
    content += bytes(-len(content) % ALIGNMENT)
    samples.seek(place)
    samples.write(content)
    return 1, sum_of(np.frombuffer(content, dtype=np.uint64)), gains, baselines


def _remove(*paths):
    for path in paths:
        path.unlink(missing_ok=True)

"""MATLAB files in the form of CPSC2018: a struct ECG of sex, age and data."""

import contextlib
import os
import struct
import zlib

import numpy as np

from sklearn_ecg.datasets._cache import cache_signals
from sklearn_ecg.datasets._files import open_file
from sklearn_ecg.datasets._header import CURE
from sklearn_ecg.records import LazySignals
from sklearn_ecg.records._report import MissingFileError, RecordError
from sklearn_ecg.utils import file_stamp, stamp_of_files

_N_LEADS = 12
# A file begins with 128 bytes of text and version, and the tag (type, size) of its only variable,
# which is compressed. Inside, two 32-bit integers give the size of the matrix of 12 leads.
_HEADER_BYTES, _TAG_BYTES = 128, 8
_COMPRESSED, _INT32 = 15, 5
# zlib expands one byte to no more bytes than this.
_MOST_COMPRESSED = 1032
_DIMENSIONS = struct.pack("<3i", _INT32, 8, _N_LEADS)


def open_mat_files(files, cache_dir, report):
    """Open records; unreadable ones are put into the report.

    Parameters
    ----------
    files : dict of str to Path
        The file of each record by its id.
    cache_dir : path-like or None
    report : Report

    Returns
    -------
    ids : list of str
    signals : LazySignals
    """
    ids, paths, lengths = [], [], []
    for id, path in files.items():
        try:
            lengths.append(length_of(str(path)))
        except RecordError as error:
            report.add_error(id, error)
        else:
            ids.append(id)
            paths.append(str(path))
    if not ids:
        last = " ".join(report.rows[-1][1:3])
        raise ValueError(f"None of the {len(files)} records can be read. The last: {last}. {CURE}")
    reader = MatReader(paths)
    if cache_dir is None:
        return ids, LazySignals(reader, (len(ids), _N_LEADS), lengths=lengths)
    reader, errors = cache_signals(reader, lengths, _N_LEADS, cache_dir, settings=("CPSC2018",))
    for i, failure in errors.items():
        report.add_error(ids[i], failure)
    readable = np.setdiff1d(np.arange(len(ids)), list(errors))
    signals = LazySignals(reader, (len(ids), _N_LEADS), lengths=lengths)
    return [ids[i] for i in readable], signals[readable]


def length_of(path):
    """Return the number of samples of a record, if possible from the first bytes of its file."""
    try:
        with open_file(path) as file:
            head = file.read(4096)
            n_bytes = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise RecordError(path, f"cannot be read: {error.strerror}", CURE) from error
    kind, size = struct.unpack_from("<2i", head.ljust(_HEADER_BYTES + _TAG_BYTES), _HEADER_BYTES)
    if kind == _COMPRESSED:
        needed = _HEADER_BYTES + _TAG_BYTES + size
        if n_bytes < needed:
            raise RecordError(path, f"is cut short: it holds {n_bytes} of {needed} bytes", CURE)
        try:
            begin = zlib.decompressobj().decompress(head[_HEADER_BYTES + _TAG_BYTES :], 1024)
        except zlib.error as error:
            raise RecordError(path, f"cannot be read: {error}", CURE) from error
        at = begin.find(_DIMENSIONS)
        if at >= 0:
            n_times = struct.unpack_from("<i", begin, at + len(_DIMENSIONS))[0]
            if not 0 < n_times * _N_LEADS <= _MOST_COMPRESSED * size:
                problem = f"claims {n_times} samples, but its {n_bytes} bytes cannot hold them"
                raise RecordError(path, problem, CURE)
            return n_times
    return MatReader([path])(0).shape[1]


def said_of(path):
    """Return sex and age from the first bytes of a file; an empty dict if they are not there.

    Returns
    -------
    dict
        Values of the keys "sex" and "age", as stored.
    """
    try:
        with open_file(path) as file:
            begin = file.read(4096)[_HEADER_BYTES:]
        if struct.unpack_from("<i", begin)[0] == _COMPRESSED:
            begin = zlib.decompressobj().decompress(begin[_TAG_BYTES:], 1024)
        _, *parts = _parts(memoryview(begin)[_TAG_BYTES:], _whole_elements)
        fields = _fields(*parts)
        (_, sex), (kind, age) = (_parts(fields[name])[3] for name in ("sex", "age"))
        return {
            "sex": bytes(sex).replace(b"\0", b"").decode("latin-1"),
            "age": np.frombuffer(age, _TYPES[kind]).item(),
        }
    except (OSError, zlib.error, struct.error, ValueError, KeyError, IndexError):
        return {}


class MatReader:
    """The `read` of `LazySignals` for these files.

    Parameters
    ----------
    paths : list of str
    """

    def __init__(self, paths):
        self.paths = paths

    def __call__(self, i):
        """Return record i, of shape (12, n_times), as float32 in mV."""
        path = self.paths[i]
        try:
            with open_file(path) as file:
                content = file.read()
        except FileNotFoundError:
            raise MissingFileError(path, "is missing", CURE) from None
        except OSError as error:
            raise RecordError(path, f"cannot be read: {error.strerror}", CURE) from error
        try:
            # Values beyond float32 are not voltages, and become infinite.
            with np.errstate(over="ignore"):
                return _read_ecg(content).astype(np.float32)
        except Exception as error:
            raise RecordError(path, f"cannot be read as a MATLAB file: {error}", CURE) from error

    def window(self, i, start, stop):
        return self(i)[:, start:stop]

    def stamp(self, i):
        """Return a value that identifies record i, without reading it."""
        return file_stamp(self.paths[i])

    def take(self, indices):
        """Return a reader of some of the records."""
        return MatReader([self.paths[i] for i in indices])

    def files(self, i):
        """Return the paths of the files that hold record i."""
        return [self.paths[i]]

    def __getstate__(self):
        return {"paths": self.paths, "files_stamp": stamp_of_files(self.paths)}

    def __setstate__(self, state):
        self.paths = state["paths"]


# Our own reader of the parts of version 5 that these files use: SciPy's crashes the process on some
# damaged files.
# https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf
_MATRIX, _STRUCT, _COMPLEX = 14, 2, 8
_TYPES = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8"}
_TYPES |= {12: "<i8", 13: "<u8"}
_MOST_BYTES = 2**30


def _read_ecg(content):
    """Return the field `data` of the struct ECG, of shape (12, n_times)."""
    if content[124:128] != b"\0\1IM":
        raise ValueError("it is not of version 5; save it in MATLAB by save -v7")
    variables = dict(_variables(memoryview(content)[_HEADER_BYTES:]))
    fields = _fields(*variables["ECG"]) if "ECG" in variables else {}
    if "data" not in fields:
        raise ValueError(f"it holds no struct ECG with data; it holds {sorted(variables)}")
    shape, flags, (kind, numbers) = _parts(fields["data"])[1:4]
    if len(shape) != 2 or shape[0] != _N_LEADS or kind not in _TYPES or flags[1] & _COMPLEX:
        raise ValueError(
            f"ECG.data is not a matrix of numbers of {_N_LEADS} leads; its size is {shape}"
        )
    return np.frombuffer(numbers, dtype=_TYPES[kind]).reshape(shape, order="F")


def _variables(content):
    """Yield name and parts of each variable of a file."""
    for kind, element in _elements(content):
        if kind == _COMPRESSED:
            inflate = zlib.decompressobj()
            inflated = inflate.decompress(element, _MOST_BYTES)
            if not inflate.eof:
                raise ValueError("its compressed part is damaged or too large")
            ((kind, element),) = _elements(memoryview(inflated))
        if kind == _MATRIX:
            name, *parts = _parts(element)
            yield name, parts


def _elements(content):
    """Yield type and bytes of each element."""
    at = 0
    while at < len(content):
        kind, size = struct.unpack_from("<2I", content, at)
        begin, padding = at + _TAG_BYTES, 0 if kind == _COMPRESSED else -size % 8
        if kind >> 16:
            # An element of four bytes or fewer is in its tag.
            kind, size, begin, padding = kind & 0xFFFF, kind >> 16, at + 4, 4 - (kind >> 16)
        if begin + size > len(content):
            raise ValueError(f"an element of {size} bytes goes beyond its end")
        yield kind, content[begin : begin + size]
        at = begin + size + padding


def _whole_elements(content):
    """Yield type and bytes of each complete element of content that was cut."""
    with contextlib.suppress(ValueError, struct.error):
        yield from _elements(content)


def _parts(matrix, read=_elements):
    """Return name, shape, flags and the elements of a matrix."""
    (_, flags), (_, shape), (_, name), *elements = read(matrix)
    shape = tuple(np.frombuffer(shape, dtype="<i4").tolist())
    return bytes(name).decode("latin-1"), shape, flags, *elements


def _fields(shape, flags, *elements):
    """Return the matrix of each field of a struct by its name."""
    if flags[0] != _STRUCT or shape != (1, 1):
        return {}
    (_, width), (_, names), *values = elements
    width, names = int.from_bytes(width, "little"), bytes(names).decode("latin-1")
    names = [names[i : i + width].rstrip("\0") for i in range(0, len(names), max(width, 1))]
    return {name: value for name, (_, value) in zip(names, values, strict=False)}

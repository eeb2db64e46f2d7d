"""MATLAB files of the form of CPSC2018: a struct ECG of sex, age and data."""

import os
import struct
import zlib

import numpy as np

from sklearn_ecg.datasets._cache import cache_signals
from sklearn_ecg.datasets._header import CURE
from sklearn_ecg.records import LazySignals
from sklearn_ecg.records._report import MissingFileError, RecordError

_N_LEADS = 12
# A file begins with 128 bytes of text and version and the tag (type, size) of its only variable,
# compressed. In that, the size of the matrix of 12 leads stands as two integers of 32 bits.
_HEADER_BYTES, _TAG_BYTES = 128, 8
_COMPRESSED, _INT32 = 15, 5
# zlib makes no more bytes than this of one.
_MOST_COMPRESSED = 1032
_DIMENSIONS = struct.pack("<3i", _INT32, 8, _N_LEADS)


def open_mat_files(files, cache_dir, report):
    """Open records; those that cannot be read are put into the report.

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
        raise ValueError(f"None of the {len(files)} records can be read; the last: {last}. {CURE}")
    reader = MatReader(paths)
    if cache_dir is None:
        return ids, LazySignals(reader, (len(ids), _N_LEADS), lengths=lengths)
    reader, errors = cache_signals(
        reader,
        lengths,
        _N_LEADS,
        cache_dir,
        files=[[path] for path in paths],
        settings=("CPSC2018",),
    )
    for i, error in errors.items():
        report.add_error(ids[i], error)
    readable = np.setdiff1d(np.arange(len(ids)), list(errors))
    signals = LazySignals(reader, (len(ids), _N_LEADS), lengths=lengths)
    return [ids[i] for i in readable], signals[readable]


def length_of(path):
    """Return the number of samples of a record, from the first bytes of its file if possible."""
    try:
        with open(path, "rb") as file:
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
                problem = f"claims {n_times} samples, which its {n_bytes} bytes cannot hold"
                raise RecordError(path, problem, CURE)
            return n_times
    return MatReader([path])(0).shape[1]


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
        from scipy.io import loadmat

        path = self.paths[i]
        try:
            content = loadmat(path, squeeze_me=True, struct_as_record=False)
        except FileNotFoundError:
            raise MissingFileError(path, "is missing", CURE) from None
        except Exception as error:
            # SciPy raises a dozen kinds of errors on damaged files.
            raise RecordError(path, f"cannot be read as a MATLAB file: {error}", CURE) from error
        data = getattr(content.get("ECG"), "data", None)
        if np.ndim(data) != 2 or len(data) != _N_LEADS or np.asarray(data).dtype.kind not in "fiu":
            found = sorted(name for name in content if not name.startswith("__"))
            problem = f"holds no struct ECG with data of {_N_LEADS} leads; it holds {found}"
            raise RecordError(path, problem, CURE)
        return data.astype(np.float32)

    def take(self, indices):
        """Return a reader of some of the records."""
        return MatReader([self.paths[i] for i in indices])

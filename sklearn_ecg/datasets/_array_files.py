"""Signals from arrays and from files of arrays: NumPy, HDF5, Zarr."""

import contextlib
import glob
import os
import zipfile
from pathlib import Path

import numpy as np

from sklearn_ecg.datasets._array_layout import AXES, check_axes, check_shape, turned
from sklearn_ecg.datasets._files import as_path, match_files
from sklearn_ecg.datasets._stored_chunks import files_of, gap_finder, most_records
from sklearn_ecg.records import LazySignals
from sklearn_ecg.records._checks import check_array
from sklearn_ecg.records._readers import (
    MappedSignals,
    as_lazy,
    is_file_of_records,
    join_lazily,
)
from sklearn_ecg.records._report import MissingFileError, RecordError, Report
from sklearn_ecg.utils import fill_masked, quick_stamp, stamp_of_files

_MV_PER_UNIT = {"mV": 1.0, "uV": 1e-3, "\N{MICRO SIGN}V": 1e-3, "V": 1e3}

_CURE = "Write the file anew, or leave the record out by its position."
# A file that would grow more than this is a trap or damaged: no ECG compresses as well.
_LARGE, _MOST_COMPRESSED = 2**30, 100


def open_signals(signals, *, axes, n_names, zero_padded, key, units, ids_key):
    """Return signals in mV, read from files on demand, and the ids stored beside them.

    Parameters
    ----------
    signals : path-like, list of path-like, array-like or list of arrays
    axes : str
        Axes of the arrays, such as "records times leads".
    n_names : int or None
        Number of lead names; helps to find wrong `axes`.
    zero_padded : bool
    key, ids_key : str or None
        Names of arrays in the file.
    units : str or None

    Returns
    -------
    signals : ndarray, memmap, list or LazySignals
        Of shape (n_records, n_leads, n_times).
    ids : ndarray or None
    """
    if units is not None and units not in _MV_PER_UNIT:
        raise ValueError(f"units must be one of {list(_MV_PER_UNIT)}; got {units!r}.")
    axes = check_axes(axes)
    paths = _paths(signals)
    if paths is None:
        if key is not None or ids_key is not None:
            raise ValueError("key, and ids as a string, name arrays of a file; signals has none.")
        signals, ids = _of_memory(signals, axes, n_names, units), None
    else:
        parts = [_open_file(path, axes, n_names, key, units, ids_key) for path in paths]
        signals, ids = parts[0] if len(parts) == 1 else _joined(parts, paths)
    if zero_padded:
        lazy = as_lazy(signals)
        signals = LazySignals(_PaddedSignals(lazy), lazy.shape, lengths=lazy.lengths)
    return signals, ids


def _paths(signals):
    """Return the paths of files of signals, or None for signals that are in memory."""
    if isinstance(signals, (str, os.PathLike)):
        path = as_path(signals)
        if os.path.lexists(path) or not glob.has_magic(path):
            return [Path(path)]
        signals = match_files(path, Report())
        if not signals:
            raise FileNotFoundError(f"There is no file {path!r} with signals.")
    listed = signals if isinstance(signals, list) else []
    are_paths = bool(listed) and all(isinstance(path, (str, os.PathLike)) for path in listed)
    return [Path(as_path(path)) for path in listed] if are_paths else None


def _joined(parts, paths):
    """Return the records of several files, one after the other."""
    signals = [as_lazy(part) for part, _ in parts]
    for path, part in zip(paths, signals, strict=True):
        if part.shape[1] != signals[0].shape[1]:
            raise ValueError(
                f"{path} has {part.shape[1]} leads, {paths[0]} has {signals[0].shape[1]}. Files "
                "that are read together must have the same leads; read these one by one."
            )
    ids = None if parts[0][1] is None else np.concatenate([ids for _, ids in parts])
    return join_lazily(signals), ids


def _of_memory(signals, axes, n_names, units):
    if isinstance(signals, list) and len({np.shape(signal) for signal in signals}) > 1:
        if axes[0] != "records":
            raise ValueError(
                "A list of signals of different lengths holds records, so axes must begin with "
                f"records; got axes={' '.join(axes)!r}."
            )
        return [
            _of_memory(np.asanyarray(signal)[np.newaxis], axes, n_names, units)[0]
            for signal in signals
        ]
    signals = np.asanyarray(fill_masked(signals))
    check_shape(signals.shape, axes, n_names)
    return _scaled(turned(signals, axes), units)


def _open_file(path, axes, n_names, key, units, ids_key):
    suffix = path.suffix.lower()
    if not (os.path.isfile(path) or (suffix == ".zarr" and os.path.isdir(path))):
        raise FileNotFoundError(f"There is no file {str(path)!r} with signals.")
    if suffix == ".npy":
        if key is not None or ids_key is not None:
            raise ValueError(f"{path} holds a single array; key and ids cannot name others.")
        return _memory_map(path, axes, n_names, units), None
    if suffix == ".npz":
        return _from_npz(path, axes, n_names, key, units, ids_key)
    if suffix not in _OPENERS:
        known = sorted([".npz", *_OPENERS])
        raise ValueError(f"signals must be an array or a file of {known}; got {str(path)!r}.")
    return _from_store(path, suffix, axes, n_names, key, units, ids_key)


def _mV_per_unit(units, dtype):
    """Return the mV of a unit. Whole numbers are never mV, so their unit must be given."""
    if units is None and dtype.kind in "iu":
        raise ValueError(
            f"signals are whole numbers ({dtype}) of unknown units: pass units='uV', 'mV' or "
            "'V', or convert the samples to mV by gain and baseline first."
        )
    return 1.0 if units is None else _MV_PER_UNIT[units]


def _scaled(signals, units):
    scale = _mV_per_unit(units, signals.dtype)
    if scale == 1 or signals.dtype.kind not in "fiu":
        return signals
    return signals.astype(np.float32) * np.float32(scale)


def _memory_map(path, axes, n_names, units):
    with _reading(path, "an array of NumPy"):
        stored = _Mapped(path)
    shape = _shape_of(stored, axes, n_names, path)
    scale = _mV_per_unit(units, stored.dtype)
    if axes == AXES and is_file_of_records(stored.mapped):
        is_in_mV = scale == 1 and stored.dtype.kind == "f" and stored.dtype.itemsize > 2
        read = MappedSignals(stored.mapped, None if is_in_mV else scale)
    else:
        read = StoredSignals(str(path), ".npy", None, axes, scale, stored)
    return LazySignals(read, shape)


class _Mapped:
    """A ``.npy`` file. The size is checked, since reading beyond its end kills the process."""

    def __init__(self, path):
        self.path = path
        self.mapped = np.load(path, mmap_mode="r")
        self.shape, self.dtype = self.mapped.shape, self.mapped.dtype
        self._check_size()

    def __getitem__(self, key):
        self._check_size()
        return np.array(self.mapped[key])

    def _check_size(self):
        found, needed = os.stat(self.path).st_size, self.mapped.offset + self.mapped.nbytes
        if found != needed:
            raise ValueError(f"it holds {found} bytes, but its header needs {needed}")


@contextlib.contextmanager
def _reading(path, what):
    """Raise a library's error as a ValueError that names the file and its expected kind."""
    try:
        yield
    except ImportError:
        raise
    except Exception as error:
        reason = error if isinstance(error, (ValueError, OSError)) else repr(error)
        raise ValueError(f"{path} cannot be read as {what}: {reason}. Write it anew.") from error


def _shape_of(stored, axes, n_names, path):
    """Check the shape and type of an array, and return (n_records, n_leads, n_times)."""
    with _reading(path, "an array"):
        array = np.broadcast_to(np.zeros((), dtype=stored.dtype), stored.shape)
    check_shape(array.shape, axes, n_names)
    return check_array(turned(array, axes)).shape


def _from_npz(path, axes, n_names, key, units, ids_key):
    with _reading(path, "arrays of NumPy"), zipfile.ZipFile(path) as file:
        others = [name for name in file.namelist() if not name.endswith(".npy")]
        if others and key is None:
            raise ValueError(f"its member {others[0]} is not an array; name the array by key")
        members = {
            member.filename.removesuffix(".npy"): member
            for member in file.infolist()
            if member.filename.endswith(".npy")
        }
        shapes = {name: _shape_in(file, member) for name, member in members.items()}
    key = _choose(key, shapes, axes, path)
    with _reading(path, "arrays of NumPy"), zipfile.ZipFile(path) as file:
        signals = _read_member(file, members[key])
    signals = _of_memory(signals, axes, n_names, units)
    if ids_key is None:
        return signals, None
    _require(ids_key, shapes, path)
    with _reading(path, "arrays of NumPy"), zipfile.ZipFile(path) as file:
        ids = _as_ids(_read_member(file, members[ids_key]))
    return signals, ids


def _shape_in(file, member):
    with file.open(member) as content:
        return _read_header(content)[0]


def _read_header(content):
    """Return shape, order and type of an array, and move to its first number."""
    version = np.lib.format.read_magic(content)
    return getattr(np.lib.format, "read_array_header_{}_{}".format(*version))(content)


def _read_member(file, member):
    name, size = member.filename, member.file_size
    if size > max(_LARGE, _MOST_COMPRESSED * member.compress_size):
        raise ValueError(f"{name} would grow from {member.compress_size} to {size} bytes")
    with file.open(member) as content:
        shape, _, dtype = _read_header(content)
        found = size - content.tell()
    if dtype.hasobject:
        raise ValueError(f"{name} holds objects of Python; store text as dtype=str")
    needed = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if found != needed:
        raise ValueError(f"{name} holds {found} bytes, but its header needs {needed}")
    with file.open(member) as content:
        return np.lib.format.read_array(content, allow_pickle=False)


def _from_store(path, suffix, axes, n_names, key, units, ids_key):
    with contextlib.ExitStack() as stack:
        with _reading(path, _KINDS[suffix]):
            store = _OPENERS[suffix](str(path))
            # Closed also after an error: an open file could not be written again.
            stack.callback(getattr(store, "close", lambda: None))
            arrays = _arrays_named(store, [name for name in (key, ids_key) if name])
            if key is None or len(arrays) < 1 + (ids_key is not None):
                arrays = _arrays_in(store, str(path))
        shapes = {name: array.shape for name, array in arrays.items()}
        key = _choose(key, shapes, axes, path)
        ids = None
        if ids_key is not None:
            _require(ids_key, shapes, path)
            with _reading(path, _KINDS[suffix]):
                ids = _as_ids(arrays[ids_key])
        shape = _shape_of(arrays[key], axes, n_names, path)
        with _reading(path, _KINDS[suffix]):
            held = most_records(arrays[key], str(path), axes.index("records"))
        if shape[0] > _MOST_COMPRESSED * held:
            raise ValueError(
                f"{path} claims {shape[0]} records in {key!r}, but holds at most {held}. Write it "
                "anew."
            )
        scale = _mV_per_unit(units, arrays[key].dtype)
        read = StoredSignals(str(path), suffix, key, axes, scale, arrays[key])
    return LazySignals(read, shape), ids


def _choose(key, shapes, axes, path):
    """Return the name of the array of signals."""
    if key is None:
        found = [name for name, shape in shapes.items() if len(shape) == len(axes)]
        if len(found) == 1:
            return found[0]
    elif key in shapes:
        return key
    raise ValueError(
        f"key must name the array of signals in {path}, with the axes {' '.join(axes)!r}; it "
        f"holds {shapes}, got key={key!r}."
    )


def _require(ids_key, shapes, path):
    if ids_key not in shapes:
        raise ValueError(f"ids={ids_key!r} is not an array in {path}; it holds {shapes}.")


def _as_ids(stored):
    ids = np.asarray(stored)
    if ids.dtype.kind in "SO":
        # HDF5 stores text as bytes.
        ids = np.array([id.decode() if isinstance(id, bytes) else str(id) for id in ids.tolist()])
    return ids


def _open_hdf5(path):
    try:
        import h5py
    except ImportError as error:
        raise ImportError(f"{path} needs h5py: pip install 'sklearn_ecg[hdf5]'") from error
    return h5py.File(path, "r")


def _open_zarr(path):
    try:
        import zarr
    except ImportError as error:
        raise ImportError(f"{path} needs zarr: pip install 'sklearn_ecg[zarr]'") from error
    return zarr.open(path, mode="r")


_OPENERS = {".npy": _Mapped, ".h5": _open_hdf5, ".hdf5": _open_hdf5, ".zarr": _open_zarr}
_KINDS = {".h5": "an HDF5 file", ".hdf5": "an HDF5 file", ".zarr": "a Zarr store"}


def _arrays_named(store, names):
    found = {name: store.get(name) for name in names} if hasattr(store, "get") else {}
    return {name: array for name, array in found.items() if hasattr(array, "shape")}


def _arrays_in(store, path, prefix="", above=frozenset()):
    """Return the arrays of a store and of its groups, by path."""
    if hasattr(store, "shape"):
        return {"": store}
    place = os.path.join(path, store.path) if hasattr(store, "path") else store["."].id
    place = os.path.realpath(place) if isinstance(place, str) else place
    if place in above:
        raise ValueError(f"its group {prefix} contains itself; name the array by key")
    arrays = {}
    for name in store:
        item = store.get(name)
        if item is None:
            raise ValueError(f"its link {prefix}{name} is broken; name the array by key")
        if getattr(item, "shape", None) is not None:
            arrays[prefix + name] = item
        elif hasattr(item, "keys"):
            arrays |= _arrays_in(item, path, f"{prefix}{name}/", above | {place})
    return arrays


_AGAIN = "Restore the file, or open the records again."


class StoredSignals:
    """The `read` of `LazySignals` for one array of a file.

    Parameters
    ----------
    path, suffix : str
    key : str or None
        Name of the array; empty or None if the file is the array.
    axes : tuple of str
        Axes of the array.
    scale : float
        mV per unit.
    array : array of HDF5, Zarr or NumPy
        The open array.
    """

    def __init__(self, path, suffix, key, axes, scale, array):
        self.path = os.path.abspath(path)
        self.suffix = suffix
        self.key = key
        self.axes = axes
        self.scale = scale
        self.form = _form_of(array)
        self.records = np.arange(array.shape[axes.index("records")])
        # Shared by all selections, which must not open the same file differently.
        self._opened = {}

    def _array(self):
        """Return the open array, and the function that finds its gaps."""
        # An HDF5 file that was opened before a fork must not be read after it.
        stamp = os.getpid(), quick_stamp(self._descriptions())
        if self._opened.get("stamp") != stamp:
            self._close()
            if not os.path.exists(self.path):
                raise MissingFileError(self.path, "is missing", _AGAIN)
            store = _OPENERS[self.suffix](self.path)
            array = store[self.key] if self.key else store
            if _form_of(array) != self.form:
                raise RecordError(self.path, "has changed since it was opened", _AGAIN)
            find_gap = None if self.suffix == ".npy" else gap_finder(array, self.path)
            self._opened |= {"stamp": stamp, "array": array, "find_gap": find_gap}
        return self._opened["array"], self._opened["find_gap"]

    def _close(self):
        pid, _ = self._opened.pop("stamp", (None, None))
        array = self._opened.pop("array", None)
        if pid == os.getpid() and hasattr(array, "file"):
            array.file.close()

    def _descriptions(self):
        """Return the files that describe the form of the array."""
        if self.suffix != ".zarr":
            return [self.path]
        folders = dict.fromkeys([self.path, os.path.join(self.path, self.key or "")])
        return [os.path.join(folder, name) for folder in folders for name in _METADATA]

    def _read(self, first, last, times=slice(None)):
        """Read consecutive records of the file, of shape (last - first, n_leads, n_times)."""
        wanted = {"records": slice(first, last), "leads": slice(None), "times": times}
        key = tuple(wanted[axis] for axis in self.axes)
        try:
            array, find_gap = self._array()
            stored = np.asarray(array[key])
            problem = find_gap and find_gap(_region(key, array.shape), stored)
            if problem is None:
                scale = np.float32(self.scale)
                return np.multiply(turned(stored, self.axes), scale, dtype=np.float32, order="C")
        except RecordError:
            raise
        except Exception as error:
            # Each library has its own errors for damaged or missing files.
            problem = f"{type(error).__name__} {error}"
        raise RecordError(self.path, f"cannot be read at record {first}: {problem}", _CURE)

    def __call__(self, i):
        """Return record i, of shape (n_leads, n_times), as float32 in mV."""
        return self.window(i, None, None)

    def window(self, i, start, stop):
        record = int(self.records[i])
        return self._read(record, record + 1, slice(start, stop))[0]

    def many(self, indices):
        """Return a list of records; consecutive ones are read at once, which suits chunks."""
        records = self.records[indices]
        if len(records) > 1 and (np.diff(records) == 1).all():
            # One by one, so that the error names the record.
            with contextlib.suppress(RecordError):
                return list(self._read(int(records[0]), int(records[-1]) + 1))
        return [self(int(i)) for i in indices]

    def take(self, indices):
        """Return a reader of some of the records."""
        taken = object.__new__(StoredSignals)
        taken.__dict__.update(self.__dict__)
        taken.records = self.records[indices]
        return taken

    def files(self, i):
        """Return the paths of the files that hold record i."""
        return self._files(self.records[[i]])

    def _files(self, records):
        if self.suffix == ".npy":
            return [self.path]
        axis = self.axes.index("records")
        return self._descriptions() + files_of(self._array()[0], self.path, records, axis)

    def __getstate__(self):
        # The stamp enters hashes: overwritten files are another source.
        try:
            files = self._files(self.records)
        except Exception:
            # Errors are raised when a record is read.
            files = self._descriptions()
        state = {name: value for name, value in self.__dict__.items() if name[0] != "_"}
        return state | {"files_stamp": stamp_of_files(files)}

    def __setstate__(self, state):
        self.__dict__.update(state)
        del self.files_stamp
        self._opened = {}


_METADATA = ("zarr.json", ".zarray", ".zgroup", ".zmetadata")


def _form_of(array):
    return tuple(map(int, getattr(array, "shape", ()))), str(getattr(array, "dtype", None))


def _region(key, shape):
    """Return the ranges (first, last) along each axis of an array for slices."""
    return [own.indices(n)[:2] for own, n in zip(key, shape, strict=True)]


class _PaddedSignals:
    """Reads records without the zeros that were added at their ends.

    Parameters
    ----------
    signals : LazySignals
    """

    def __init__(self, signals):
        self.signals = signals

    def __call__(self, i):
        return _without_padding(self.signals[i])

    def many(self, indices):
        return list(map(_without_padding, self.signals.read_many(indices)))

    def window(self, i, start, stop):
        # Only the whole record shows where it ends.
        return self(i)[:, start:stop]

    def take(self, indices):
        """Return a reader of some of the records."""
        return _PaddedSignals(self.signals[indices])

    def stamp(self, i):
        source = self.signals.stamp(i)
        return None if source is None else (source, "zero_padded")


def _without_padding(signal):
    signal = np.array(signal, dtype=np.result_type(signal, np.float32))
    recorded = np.flatnonzero(signal.any(axis=0))
    first, last = (recorded[0], recorded[-1] + 1) if len(recorded) else (0, 0)
    signal[:, :first] = signal[:, last:] = np.nan
    return signal

"""Signals in arrays and files of arrays: NumPy, HDF5, Zarr."""

import os
import zipfile
from pathlib import Path

import numpy as np

from sklearn_ecg.records import LazySignals
from sklearn_ecg.records._checks import check_array

_MV_PER_UNIT = {"mV": 1.0, "uV": 1e-3, "\N{MICRO SIGN}V": 1e-3, "V": 1e3}


def open_signals(signals, key, units, ids_key):
    """Return signals in mV, of files no more than is touched, and the ids stored beside them.

    Parameters
    ----------
    signals : path-like, array-like or list of arrays
    key, ids_key : str or None
        Names of arrays in the file.
    units : str or None

    Returns
    -------
    signals : ndarray, memmap, list or LazySignals
    ids : ndarray or None
    """
    if units is not None and units not in _MV_PER_UNIT:
        raise ValueError(f"units must be one of {list(_MV_PER_UNIT)}; got {units!r}.")
    if not isinstance(signals, (str, os.PathLike)):
        if key is not None or ids_key is not None:
            raise ValueError("key, and ids as a string, name arrays of a file; signals is none.")
        return _scaled(signals, units), None
    path = Path(signals).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"There is no file {str(path)!r} with signals.")
    suffix = path.suffix.lower()
    if suffix == ".npy":
        if key is not None or ids_key is not None:
            raise ValueError(f"{path} holds one array alone; key and ids cannot name others.")
        return _memory_map(path, units), None
    if suffix == ".npz":
        return _from_npz(path, key, units, ids_key)
    if suffix not in _OPENERS:
        known = [".npy", ".npz", *_OPENERS]
        raise ValueError(f"signals must be an array or a file of {known}; got {str(path)!r}.")
    return _from_store(path, suffix, key, units, ids_key)


def _mV_per_unit(units, dtype):
    """Return what a unit is worth; nobody stores whole numbers of mV, so those must be asked."""
    if units is None and dtype.kind in "iu":
        raise ValueError(
            f"signals are whole numbers ({dtype}), whose units must be said: pass units='uV', 'mV' "
            "or 'V', or bring samples of a recorder to mV by its gain and baseline first."
        )
    return 1.0 if units is None else _MV_PER_UNIT[units]


def _scaled(signals, units):
    if isinstance(signals, list) and len({np.shape(signal) for signal in signals}) > 1:
        return [_scaled(np.asarray(signal), units) for signal in signals]
    signals = np.asarray(signals)
    scale = _mV_per_unit(units, signals.dtype)
    if scale == 1 or signals.dtype.kind not in "fiu":
        return signals
    return signals.astype(np.float32) * np.float32(scale)


def _memory_map(path, units):
    signals = _load(path)
    check_array(signals)
    scale = _mV_per_unit(units, signals.dtype)
    if scale == 1 and signals.dtype.kind == "f":
        return signals
    return LazySignals(StoredSignals(str(path), ".npy", None, scale), signals.shape)


def _from_npz(path, key, units, ids_key):
    with _load(path) as stored:
        arrays = dict(stored)
    shapes = {name: array.shape for name, array in arrays.items()}
    ids = None if ids_key is None else _as_ids(arrays, ids_key, shapes, path)
    return _scaled(arrays[_choose(key, shapes, path)], units), ids


def _load(path):
    try:
        return np.load(path, mmap_mode="r")
    except (ValueError, OSError, EOFError, zipfile.BadZipFile):
        # NumPy takes what it does not know for pickled objects, and advises to trust them.
        raise ValueError(f"{path} cannot be read as NumPy arrays of numbers.") from None


def _from_store(path, suffix, key, units, ids_key):
    store = _OPENERS[suffix](str(path))
    arrays = _arrays_in(store)
    shapes = {name: array.shape for name, array in arrays.items()}
    ids = None if ids_key is None else _as_ids(arrays, ids_key, shapes, path)
    key = _choose(key, shapes, path)
    # Checks shape and type without reading anything.
    check_array(np.broadcast_to(np.zeros((), dtype=arrays[key].dtype), shapes[key]))
    scale = _mV_per_unit(units, arrays[key].dtype)
    return LazySignals(StoredSignals(str(path), suffix, key, scale), shapes[key]), ids


def _choose(key, shapes, path):
    """Return the name of the array of signals."""
    if key is None:
        found = [name for name, shape in shapes.items() if len(shape) == 3]
        if len(found) == 1:
            return found[0]
    elif key in shapes:
        return key
    raise ValueError(
        f"key must name the array of signals in {path}, of shape (n_records, n_leads, n_times); "
        f"it holds {shapes}, got key={key!r}."
    )


def _as_ids(arrays, ids_key, shapes, path):
    if ids_key not in shapes:
        raise ValueError(f"ids={ids_key!r} is no array of {path}; it holds {shapes}.")
    ids = np.asarray(arrays[ids_key])
    if ids.dtype.kind in "SO":
        # HDF5 stores text as bytes.
        ids = np.array([id.decode() if isinstance(id, bytes) else str(id) for id in ids.tolist()])
    return ids


def _open_hdf5(path):
    try:
        import h5py
    except ImportError as error:
        raise ImportError(f"{path} needs h5py: pip install 'sklearn_ecg[hdf5]'") from error
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"{path} cannot be read as an HDF5 file: {error}.") from error


def _open_zarr(path):
    try:
        import zarr
    except ImportError as error:
        raise ImportError(f"{path} needs zarr: pip install 'sklearn_ecg[zarr]'") from error
    try:
        return zarr.open(path, mode="r")
    except Exception as error:
        # Versions 2 and 3 of zarr raise errors of their own.
        raise ValueError(f"{path} cannot be read as a Zarr store: {error}.") from error


_OPENERS = {".h5": _open_hdf5, ".hdf5": _open_hdf5, ".zarr": _open_zarr}


def _arrays_in(store, prefix=""):
    """Return the arrays of a store and of its groups by their paths."""
    if hasattr(store, "shape"):
        return {"": store}
    arrays = {}
    for name in store:
        item = store[name]
        if hasattr(item, "shape"):
            arrays[prefix + name] = item
        else:
            arrays |= _arrays_in(item, f"{prefix}{name}/")
    return arrays


class StoredSignals:
    """The `read` of `LazySignals` for one array of a file.

    Parameters
    ----------
    path, suffix : str
    key : str or None
        Of the array; empty or None where the file is the array.
    scale : float
        mV per unit.
    """

    def __init__(self, path, suffix, key, scale):
        self.path = path
        self.suffix = suffix
        self.key = key
        self.scale = scale
        self._opened = None

    def _array(self):
        # An HDF5 file that was opened before a fork must not be read after it.
        if self._opened is None or self._opened[0] != os.getpid():
            store = _load(self.path) if self.suffix == ".npy" else _OPENERS[self.suffix](self.path)
            self._opened = os.getpid(), store[self.key] if self.key else store
        return self._opened[1]

    def _read(self, key):
        return np.asarray(self._array()[key], dtype=np.float32) * np.float32(self.scale)

    def __call__(self, i):
        """Return record i, of shape (n_leads, n_times), as float32 in mV."""
        return self._read(i)

    def window(self, i, start, stop):
        return self._read((i, slice(None), slice(start, stop)))

    def many(self, indices):
        """Return a list of records; a run of them is read at once, as chunks want it."""
        indices = np.asarray(indices)
        if len(indices) > 1 and (np.diff(indices) == 1).all():
            return list(self._read(slice(int(indices[0]), int(indices[-1]) + 1)))
        return [self(int(i)) for i in indices]

    def __getstate__(self):
        return self.__dict__ | {"_opened": None}

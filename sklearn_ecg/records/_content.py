"""Equality and hashing by content, so that caches know records that they have seen."""

import joblib
import numpy as np
import pandas as pd

from sklearn_ecg.records._lazy import LazySignals


class ContentEquality:
    """Makes collections equal when everything in them is.

    Pickling normalises what does not matter (memory layout, the width of strings and integers),
    and ``joblib.hash`` hashes what is pickled: so equal records have equal hashes, and
    `joblib.Memory` finds what it has computed for them.
    """

    def __eq__(self, other):
        """Whether class, signals and all that belongs to them are the same.

        Values are compared, NaN being equal to NaN, and their type: float32 is not float64.
        `LazySignals` are not read: they are the same if their source and their indices are.
        """
        if type(self) is not type(other):
            return NotImplemented
        if self is other:
            return True
        mine, others = self.__getstate__(), other.__getstate__()
        # What is small comes first: most records that differ, differ there.
        names = sorted(mine, key=lambda name: name == "_signals")
        return mine.keys() == others.keys() and all(_same(mine[n], others[n]) for n in names)

    def __hash__(self):
        # Equal records have these in common; hashing the signals would read them all.
        return hash((type(self), self.shape, self._sampling_rate, tuple(self._ids.tolist())))

    def __getstate__(self):
        return {name: _normal(value) for name, value in self.__dict__.items()}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._freeze()


def _normal(value):
    """Return the one form of all that counts as equal; nothing is copied that has it already."""
    if isinstance(value, list):
        return [_normal(item) for item in value]
    if isinstance(value, pd.DataFrame):
        return _normal_frame(value)
    if not isinstance(value, np.ndarray):
        return value
    if value.ndim == 1 and value.dtype.kind in "iu":
        value = value.astype(np.int64, copy=False)
    elif value.dtype.kind == "O" and all(isinstance(item, str) for item in value.flat):
        value = value.astype(str)
    if value.dtype.kind == "U":
        # The narrowest type that holds the strings: a selection keeps that of the whole.
        value = value.astype(f"<U{max(np.char.str_len(value).max(initial=1), 1)}", copy=False)
    # A plain array for a memory map too; to joblib's workers it still travels as its file's name.
    return np.ascontiguousarray(value)


def _normal_frame(frame):
    """Rebuild a table from its columns: how pandas lays them out in blocks shows in hashes."""
    columns = {i: _own_tuples(frame.iloc[:, i].array) for i in range(frame.shape[1])}
    return pd.DataFrame(columns, index=frame.index, copy=True).set_axis(frame.columns, axis=1)


def _own_tuples(values):
    """Make each tuple an object of its own: which cells share one shows in hashes."""
    if values.dtype != object or not any(isinstance(value, tuple) for value in values):
        return values
    values = values.copy()
    for row, value in enumerate(values):
        values[row] = (*value,) if isinstance(value, tuple) else value
    return values


def _same(mine, other):
    if type(mine) is not type(other):
        return False
    if isinstance(mine, list):
        return len(mine) == len(other) and all(map(_same, mine, other))
    if isinstance(mine, np.ndarray):
        if mine.shape != other.shape or mine.dtype != other.dtype:
            return False
        return np.array_equal(mine, other, equal_nan=mine.dtype.kind == "f")
    if isinstance(mine, (pd.DataFrame, pd.Series)):
        return mine.equals(other)
    if isinstance(mine, LazySignals):
        return _is_same_source(mine, other)
    if hasattr(mine, "get_params"):
        # Estimators are equal by identity alone.
        return mine is other or joblib.hash(mine) == joblib.hash(other)
    return mine == other


def _is_same_source(mine, other):
    """Whether the same records of the same source are meant; nothing is read."""
    if len(mine) != len(other) or mine.shape != other.shape:
        return False
    if mine._read is other._read and np.array_equal(mine._indices, other._indices):
        return True
    try:
        return joblib.hash(mine) == joblib.hash(other)
    except Exception:  # What cannot be pickled is known by identity alone.
        return False

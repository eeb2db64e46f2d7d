"""Compare and hash records by content, so that caches recognise them."""

import joblib
import numpy as np
import pandas as pd

from sklearn_ecg.records._lazy import LazySignals


class ContentEquality:
    """Makes two collections equal if their content is equal.

    ``joblib.hash`` hashes the pickle of an object. The pickle here does not depend on memory layout
    or on the width of strings and integers. So equal records have equal hashes, and
    `joblib.Memory` recognises them.
    """

    def __eq__(self, other):
        """Whether class, signals and all other fields are equal.

        Values and types are compared: NaN equals NaN, and float32 differs from float64.
        `LazySignals` are not read: they are equal if their source and their indices are.
        """
        if type(self) is not type(other):
            return NotImplemented
        if self is other:
            return True
        mine, others = self.__getstate__(), other.__getstate__()
        # The signals come last: comparing them is slow, and most differences are elsewhere.
        names = sorted(mine, key=lambda name: name == "_signals")
        return mine.keys() == others.keys() and all(_same(mine[n], others[n]) for n in names)

    def __hash__(self):
        # Without the signals, because hashing them would read all files.
        return hash((type(self), self.shape, self._sampling_rate, tuple(self._ids.tolist())))

    def __getstate__(self):
        return {name: _normal(value) for name, value in self.__dict__.items()}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._freeze()


def _normal(value):
    """Return the same form for all equal values, without a copy if possible."""
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
        # The narrowest type, because a selection keeps the type of the whole.
        value = value.astype(f"<U{max(np.char.str_len(value).max(initial=1), 1)}", copy=False)
    # A memory map becomes a plain array; joblib still sends its file's name to workers.
    return np.ascontiguousarray(value)


def _normal_frame(frame):
    """Rebuild a table from its columns, because the blocks of pandas change the hash."""
    columns = {i: _own_tuples(frame.iloc[:, i].array) for i in range(frame.shape[1])}
    return pd.DataFrame(columns, index=frame.index, copy=True).set_axis(frame.columns, axis=1)


def _own_tuples(values):
    """Copy each tuple, because cells that share one tuple change the hash."""
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
        # `==` compares estimators by identity.
        return mine is other or joblib.hash(mine) == joblib.hash(other)
    return mine == other


def _is_same_source(mine, other):
    """Whether both hold the same records of the same source; nothing is read."""
    if len(mine) != len(other) or mine.shape != other.shape:
        return False
    if mine._read is other._read and np.array_equal(mine._indices, other._indices):
        return True
    try:
        return joblib.hash(mine) == joblib.hash(other)
    except Exception:  # A source that cannot be pickled has only its identity.
        return False

"""Reads signals from the one file in which `cache_signals` put them."""

import warnings

import numpy as np

from sklearn_ecg.datasets._signal_files import to_mV

# Records begin at multiples of so many bytes.
ALIGNMENT = 64
# Marks invalid samples and leads that are missing.
_INVALID = -(2**15)
_UNCHECKED, _WHOLE, _DAMAGED = range(3)


def places(lengths, n_leads, dtype):
    """Return where each record begins, and the size of the whole, in bytes."""
    sizes = np.asarray(lengths, dtype=np.int64) * n_leads * dtype.itemsize
    ends = np.cumsum(-(-sizes // ALIGNMENT) * ALIGNMENT)
    return np.concatenate([[0], ends[:-1]]), int(ends[-1])


def sum_of(words):
    """Return the sum of a record's 64-bit words, which tells whether it is what was written."""
    return words.sum(dtype=np.uint64)


class CachedReader:
    """The `read` of `LazySignals` for a cache.

    Parameters
    ----------
    path : str
        Of the samples.
    index : dict
    lengths : array-like of int of shape (n_records,)
    n_leads : int
    source : LazySignals
        Where a record comes from whose copy turns out to be damaged.
    """

    def __init__(self, path, index, lengths, n_leads, source):
        self.path = path
        self.dtype = np.dtype(str(index["dtype"]))
        self.n_leads = n_leads
        self.lengths = np.asarray(lengths)
        self.begins = places(lengths, n_leads, self.dtype)[0]
        self.gains, self.baselines = index["gains"], index["baselines"]
        self.sums = index["sums"]
        self.source = source
        self._start()

    def _start(self):
        self._map = None
        self._state = np.zeros(len(self.begins), dtype=np.uint8)

    def __call__(self, i):
        """Return record i, of shape (n_leads, n_times), as float32 in mV."""
        stored = self._stored(i)
        return self.source[i] if stored is None else self._to_mV(i, stored)

    def many(self, indices):
        return [self(int(i)) for i in indices]

    def window(self, i, start, stop):
        stored = self._stored(i)
        if stored is None:
            return self.source.window(i, start, stop)
        return self._to_mV(i, stored[:, start:stop])

    def take(self, indices):
        """Return a reader of some of the records."""
        taken = object.__new__(CachedReader)
        taken.__dict__.update(self.__dict__)
        for name in ("lengths", "begins", "gains", "baselines", "sums", "source"):
            setattr(taken, name, getattr(self, name)[indices])
        taken._start()
        return taken

    def _to_mV(self, i, stored):
        if self.dtype == np.float32:
            return stored.copy()
        return to_mV(stored, self.gains[i], self.baselines[i], _INVALID)

    def _stored(self, i):
        """Return the samples of record i as they lie in the map, or None if they are damaged."""
        if self._map is None:
            # A plain array over the map: slicing np.memmap costs as much as scaling a record.
            self._map = np.asarray(np.memmap(self.path, dtype=np.uint8, mode="r"))
        place = int(self.begins[i])
        n_bytes = int(self.lengths[i]) * self.n_leads * self.dtype.itemsize
        if self._state[i] == _UNCHECKED:
            padded = -(-n_bytes // ALIGNMENT) * ALIGNMENT
            is_whole = sum_of(self._map[place : place + padded].view(np.uint64)) == self.sums[i]
            self._state[i] = _WHOLE if is_whole else _DAMAGED
            if not is_whole:
                warnings.warn(
                    f"{self.path} is damaged; a record is read from its own files instead. Delete "
                    "it to have it written anew.",
                    stacklevel=4,
                )
        if self._state[i] == _DAMAGED:
            return None
        return self._map[place : place + n_bytes].view(self.dtype).reshape(self.n_leads, -1)

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name[0] != "_"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._start()

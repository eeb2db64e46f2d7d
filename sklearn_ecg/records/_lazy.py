"""Signals that are read when they are touched."""

import numpy as np


class LazySignals:
    """A sequence of signals, each read anew whenever it is asked for.

    Selecting records composes indices and reads nothing, so that a fold of a data set larger
    than memory costs a few bytes per record.

    Parameters
    ----------
    read : callable
        ``read(i)`` returns the signal of record ``i`` of the source, in mV, of shape
        (n_leads, n_times). A memory map's ``__getitem__`` will do. It must be picklable where
        records travel to worker processes.
    shape : tuple of int
        ``(n_records, n_leads, n_times)``, or ``(n_records, n_leads)`` where lengths differ.
    indices : ndarray of int of shape (n_records,), default=None
        Which records of the source, and in what order; by default all of them.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.records import LazySignals
    >>> stored = np.arange(12.0).reshape(3, 1, 4)
    >>> signals = LazySignals(stored.__getitem__, stored.shape)
    >>> signals[[2, 0]][0]
    array([[ 8.,  9., 10., 11.]])
    """

    def __init__(self, read, shape, indices=None):
        self._read = read
        self._indices = np.arange(shape[0]) if indices is None else np.asarray(indices)
        self.shape = (len(self._indices), *shape[1:])

    def __len__(self):
        return len(self._indices)

    def __getitem__(self, key):
        selected = self._indices[key]
        if np.ndim(selected) == 0:
            return self._read(int(selected))
        return LazySignals(self._read, self.shape, selected)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("Signals that are read from files cannot be shared without a copy.")
        return np.stack([np.asarray(signal, dtype=dtype) for signal in self])

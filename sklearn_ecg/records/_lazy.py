"""Signals that are read when they are needed."""

import numpy as np

from sklearn_ecg.records._report import RecordError
from sklearn_ecg.utils import fill_masked, warn_of_unread


class LazySignals:
    """A sequence of signals; each signal is read each time it is needed.

    Selecting records reads nothing. A fold of a data set larger than memory takes a few bytes per
    record.

    Parameters
    ----------
    read : callable
        ``read(i)`` returns the signal of record ``i`` of the source, in mV, of shape
        (n_leads, n_times), for example the ``__getitem__`` of a memory map. Masked values become
        NaN. It must be picklable if worker processes read the records. It may have these methods:

        * ``read.many(indices)`` returns a list of signals, faster than one by one.
        * ``read.window(i, start, stop)`` reads a part of a record.
        * ``read.take(indices)`` returns a reader of these records only, to send to a worker.
        * ``read.stamp(i)`` returns text and numbers that change when record ``i`` changes, or
          None.
    shape : tuple of int
        ``(n_records, n_leads, n_times)``, or ``(n_records, n_leads)`` if lengths differ.
    indices : ndarray of int of shape (n_records,), default=None
        Records of the source, in order; by default all.
    lengths : ndarray of int of shape (n_source,), default=None
        Samples of each record of the source, if known without reading.

    Attributes
    ----------
    shape : tuple of int
        Has no third entry if the lengths of the selected records differ.
    lengths : ndarray of int of shape (n_records,), or None
        Samples of each selected record, if known without reading.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.records import LazySignals
    >>> stored = np.arange(12.0).reshape(3, 1, 4)
    >>> signals = LazySignals(stored.__getitem__, stored.shape)
    >>> signals[[2, 0]][0]
    array([[ 8.,  9., 10., 11.]])
    >>> signals.window(2, 1, 3)
    array([[ 9., 10.]])
    """

    def __init__(self, read, shape, indices=None, *, lengths=None):
        self._read = read
        indices = np.arange(shape[0]) if indices is None else indices
        # Contiguous, because the hashes of caches depend on strides.
        self._indices = np.ascontiguousarray(indices)
        self._lengths = None if lengths is None else np.asarray(lengths)
        self._n_leads = shape[1]
        self._n_times = shape[2] if len(shape) == 3 else None

    @property
    def lengths(self):
        if self._lengths is not None:
            return self._lengths[self._indices]
        return None if self._n_times is None else np.full(len(self), self._n_times)

    @property
    def shape(self):
        n_times = self._n_times
        if self._lengths is not None:
            lengths = self.lengths
            n_times = int(lengths[0]) if len(lengths) and (lengths == lengths[0]).all() else None
        return (
            (len(self), self._n_leads) if n_times is None else (len(self), self._n_leads, n_times)
        )

    def __len__(self):
        return len(self._indices)

    def __getitem__(self, key):
        selected = self._indices[key]
        if np.ndim(selected) == 0:
            return fill_masked(self._read(int(selected)))
        return LazySignals(self._read, self.shape, selected, lengths=self._lengths)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def window(self, i, start, stop):
        """Read a part of a record, if possible without the rest.

        Parameters
        ----------
        i : int
            The record.
        start, stop : int
            The first sample, and the one after the last.

        Returns
        -------
        ndarray of shape (n_leads, stop - start)
        """
        index = int(self._indices[i])
        if hasattr(self._read, "window"):
            return fill_masked(self._read.window(index, start, stop))
        return np.asarray(fill_masked(self._read(index)))[:, start:stop]

    def stamp(self, i):
        """Return text and numbers that change when a record changes, without reading it.

        Parameters
        ----------
        i : int
            The record.

        Returns
        -------
        tuple, str or None
            None if the reader has no stamps.
        """
        stamp = getattr(self._read, "stamp", None)
        return None if stamp is None else stamp(int(self._indices[i]))

    def read_many(self, indices=None):
        """Read several records at once.

        Parameters
        ----------
        indices : array-like of int, default=None
            The records; by default all.

        Returns
        -------
        list of ndarray of shape (n_leads, n_times_i)
        """
        selected = self._indices if indices is None else self._indices[indices]
        if hasattr(self._read, "many"):
            return fill_masked(self._read.many(selected))
        return [fill_masked(self._read(int(index))) for index in selected]

    def read_or_nan(self, indices=None, ids=None):
        """Yield records one by one; a record that cannot be read is all NaN.

        Parameters
        ----------
        indices : array-like of int, default=None
            The records; by default all.
        ids : array-like of shape (n_records,), default=None
            Names of the records for the warning.

        Yields
        ------
        ndarray of shape (n_leads, n_times_i)

        Warns
        -----
        UnreadRecordsWarning
            Once, after the last record, if any cannot be read.
        """
        rows = np.arange(len(self)) if indices is None else np.asarray(indices)
        problems = {}
        # In chunks, so that memory does not hold all signals twice.
        for start in range(0, len(rows), _CHUNK):
            yield from self._read_or_nan(rows[start : start + _CHUNK], problems)
        ids = np.arange(len(self)) if ids is None else ids
        warn_of_unread(problems, ids, "cannot be read, and are NaN")

    def _read_or_nan(self, rows, problems):
        try:
            return self.read_many(rows)
        except (RecordError, OSError):
            # Read one by one to find the bad record.
            found = {}
        for row in rows.tolist():
            try:
                found[row] = np.asarray(self[row])
            except (RecordError, OSError) as error:
                problems[row], last = f"{error}", error
        like = next(iter(found.values()), np.empty(self.shape[1:], np.float32))
        lengths = self.lengths
        if lengths is None and like.ndim != 2:
            raise last
        for row in rows.tolist():
            if row not in found:
                n_times = like.shape[-1] if lengths is None else lengths[row]
                found[row] = np.full((len(like), n_times), np.nan, like.dtype)
        return [found[row] for row in rows.tolist()]

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("Signals that are read from files cannot be shared without a copy.")
        if not len(self):
            return np.empty(self.shape, dtype=dtype or np.float32)
        signals = self.read_or_nan()
        first = np.asarray(next(signals), dtype=dtype)
        stacked = np.empty((len(self), *first.shape), dtype=first.dtype)
        stacked[0] = first
        for row, signal in enumerate(signals, start=1):
            stacked[row] = signal
        return stacked

    def __getstate__(self):
        if not hasattr(self._read, "take"):
            return self.__dict__
        return {
            "_read": self._read.take(self._indices),
            "_indices": np.arange(len(self)),
            "_lengths": self.lengths if self._lengths is not None else None,
            "_n_leads": self._n_leads,
            "_n_times": self._n_times,
        }


_CHUNK = 256

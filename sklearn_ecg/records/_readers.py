"""Read signals from a memory map, from several sources, or of some leads only."""

import os

import numpy as np

from sklearn_ecg.records._lazy import LazySignals
from sklearn_ecg.records._report import MissingFileError, RecordError
from sklearn_ecg.utils import file_stamp, read_parts


def as_lazy(signals):
    """Return signals of any form as `LazySignals`, without reading them.

    Parameters
    ----------
    signals : LazySignals, ndarray or memmap of shape (n_records, n_leads, n_times), or list

    Returns
    -------
    LazySignals
    """
    if isinstance(signals, LazySignals):
        return signals
    if isinstance(signals, list):
        lengths = np.array([signal.shape[1] for signal in signals])
        return LazySignals(signals.__getitem__, (len(signals), len(signals[0])), lengths=lengths)
    if is_file_of_records(signals):
        return LazySignals(MappedSignals(signals), signals.shape)
    return LazySignals(signals.__getitem__, signals.shape)


def is_file_of_records(signals):
    """Return whether signals are a memory map of a file that holds the records in order."""
    return (
        isinstance(signals, np.memmap)
        and bool(signals.filename)
        # The file lacks the changes to a copy-on-write map.
        and signals.mode != "c"
        and signals.flags.c_contiguous
    )


class MappedSignals:
    """Reads the records of a memory map from its file; its pickle holds the file's name only.

    The process would die if it used the map itself and another process cut the file.

    Parameters
    ----------
    signals : memmap of shape (n_records, n_leads, n_times)
        See `is_file_of_records`.
    scale : float, default=None
        mV per stored unit; records are then float32.
    """

    def __init__(self, signals, scale=None):
        # A selection keeps the offset of the whole map; its address tells where it begins.
        whole = signals
        while isinstance(whole.base, np.memmap):
            whole = whole.base
        self.path = os.path.abspath(signals.filename)
        self.offset = int(whole.offset + signals.ctypes.data - whole.ctypes.data)
        self.dtype, self.shape, self.scale = signals.dtype, signals.shape, scale
        # A changed header of a .npy file means another file. Bytes before other maps may change.
        (head,) = read_parts(self.path, [(0, min(whole.offset, _LONGEST_HEAD))])
        self.head = bytes(head) if head.startswith(np.lib.format.MAGIC_PREFIX) else b""

    def __call__(self, i):
        return self._read(i, 0, self.shape[1] * self.shape[2], 1)

    def window(self, i, start, stop):
        start, stop, _ = slice(start, stop).indices(self.shape[2])
        return self._read(i, start, max(start, stop) - start, self.shape[1])

    def files(self, i):
        """Return the paths of the files that hold record i."""
        return [self.path]

    def __getstate__(self):
        # The stamp is for hashes: an overwritten file is another source.
        return self.__dict__ | {"files_stamp": file_stamp(self.path)}

    def __setstate__(self, state):
        self.__dict__.update(state)
        del self.files_stamp

    def _read(self, i, start, n_samples, n_rows):
        """Read n_samples of each row of a record; a row is one lead or, for one row, all leads."""
        _, n_leads, n_times = self.shape
        size = self.dtype.itemsize
        begin = self.offset + size * (i * n_leads * n_times + start)
        rows = [(begin + row * n_times * size, n_samples * size) for row in range(n_rows)]
        try:
            head, *parts = read_parts(self.path, [(0, len(self.head)), *rows])
        except FileNotFoundError:
            raise MissingFileError(self.path, "is missing", _CURE) from None
        except OSError as error:
            raise RecordError(self.path, f"cannot be read: {error.strerror}", _CURE) from error
        content = b"".join(parts) if n_rows > 1 else parts[0]
        if head != self.head:
            raise RecordError(self.path, "has changed since it was opened", _CURE)
        if len(content) < n_rows * n_samples * size:
            end = rows[-1][0] + rows[-1][1]
            problem = f"holds {os.path.getsize(self.path)} bytes, but record {i} ends at byte {end}"
            raise RecordError(self.path, problem, _CURE)
        signal = np.frombuffer(content, dtype=self.dtype).reshape(n_leads, -1)
        return signal if self.scale is None else signal.astype(np.float32) * np.float32(self.scale)


_LONGEST_HEAD = 2**16
_CURE = "Restore the file, or open the records again."


def select_leads_lazily(signals, selection):
    """Return the same records with the wanted leads.

    Parameters
    ----------
    signals : LazySignals
    selection : LeadSelection

    Returns
    -------
    LazySignals
    """
    shape = (len(signals), len(selection.names), *signals.shape[2:])
    return LazySignals(_SelectedLeads(signals, selection), shape, lengths=signals.lengths)


class _SelectedLeads:
    def __init__(self, signals, selection):
        self.signals = signals
        self.selection = selection

    def __call__(self, record):
        return self.selection.of_record(self.signals[record])

    def many(self, records):
        return [self.selection.of_record(signal) for signal in self.signals.read_many(records)]

    def window(self, record, start, stop):
        part = np.asarray(self.signals.window(record, start, stop))
        if self.selection.computes and not self.selection.is_recorded(part[np.newaxis]):
            # Only the whole record tells a missing lead from a gap in this part.
            return self(record)[:, start:stop]
        return self.selection.of_record(part)

    def take(self, records):
        return _SelectedLeads(self.signals[records], self.selection)

    def stamp(self, record):
        source = self.signals.stamp(record)
        return None if source is None else (source, self.selection.names, self.selection.given)


def join_lazily(parts):
    """Return the records of several sources, one source after the other.

    Parameters
    ----------
    parts : list of LazySignals

    Returns
    -------
    LazySignals
    """
    lengths = [part.lengths for part in parts]
    known = all(length is not None for length in lengths)
    n_records = sum(len(part) for part in parts)
    source = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    place = np.concatenate([np.arange(len(part)) for part in parts])
    return LazySignals(
        _JoinedSignals(parts, source, place),
        (n_records, parts[0].shape[1]),
        lengths=np.concatenate(lengths) if known else None,
    )


class _JoinedSignals:
    """Reads record i from ``parts[source[i]]``, where it is record ``place[i]``."""

    def __init__(self, parts, source, place):
        self.parts = parts
        self.source = source
        self.place = place

    def __call__(self, record):
        return self.parts[self.source[record]][int(self.place[record])]

    def many(self, records):
        signals = [None] * len(records)
        for part, chosen in self._by_part(records):
            read = self.parts[part].read_many(self.place[records[chosen]])
            for position, signal in zip(chosen, read, strict=True):
                signals[position] = signal
        return signals

    def window(self, record, start, stop):
        return self.parts[self.source[record]].window(int(self.place[record]), start, stop)

    def stamp(self, record):
        return self.parts[self.source[record]].stamp(int(self.place[record]))

    def take(self, records):
        parts, place = list(self.parts), np.empty(len(records), dtype=np.int64)
        for part, chosen in self._by_part(records):
            parts[part] = self.parts[part][self.place[records[chosen]]]
            place[chosen] = np.arange(len(chosen))
        return _JoinedSignals(parts, self.source[records], place)

    def _by_part(self, records):
        """Yield each part, and the positions in `records` of its records."""
        for part in range(len(self.parts)):
            yield part, np.flatnonzero(self.source[records] == part)

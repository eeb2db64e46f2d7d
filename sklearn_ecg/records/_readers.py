"""Signals that are read from a memory map, from several sources, or for some leads only."""

import os

import numpy as np

from sklearn_ecg.records._lazy import LazySignals


def as_lazy(signals):
    """Return signals of any form as `LazySignals`; nothing is read.

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
    if isinstance(signals, np.memmap) and signals.filename and signals.flags.c_contiguous:
        return LazySignals(MappedSignals(signals), signals.shape)
    return LazySignals(signals.__getitem__, signals.shape)


class MappedSignals:
    """Reads records from a memory map, and travels as the name of its file.

    Parameters
    ----------
    signals : memmap of shape (n_records, n_leads, n_times)
        In C order.
    """

    def __init__(self, signals):
        self.signals = signals

    def __call__(self, record):
        return self.signals[record]

    def __reduce__(self):
        # A selection keeps the offset of the whole map; where it begins, its address tells.
        whole = self.signals
        while isinstance(whole.base, np.memmap):
            whole = whole.base
        offset = whole.offset + self.signals.ctypes.data - whole.ctypes.data
        path = os.path.abspath(self.signals.filename)
        place = (path, self.signals.dtype.str, self.signals.shape, int(offset))
        # The time of change is there for hashes: a file that was overwritten is another source.
        return _reopen, (*place, os.stat(path).st_mtime_ns)


def _reopen(path, dtype, shape, offset, _changed_ns):
    return MappedSignals(np.memmap(path, dtype, mode="r", offset=offset, shape=shape))


def select_leads_lazily(signals, selection):
    """Return the same records with the leads that are asked for.

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
            # Whether a lead is missing, or has a gap here, the whole record tells.
            return self(record)[:, start:stop]
        return self.selection.of_record(part)

    def take(self, records):
        return _SelectedLeads(self.signals[records], self.selection)


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
    """Reads record i as record ``place[i]`` of ``parts[source[i]]``."""

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

    def take(self, records):
        parts, place = list(self.parts), np.empty(len(records), dtype=np.int64)
        for part, chosen in self._by_part(records):
            parts[part] = self.parts[part][self.place[records[chosen]]]
            place[chosen] = np.arange(len(chosen))
        return _JoinedSignals(parts, self.source[records], place)

    def _by_part(self, records):
        """Yield each part with the positions in `records` of the records that lie in it."""
        for part in range(len(self.parts)):
            yield part, np.flatnonzero(self.source[records] == part)

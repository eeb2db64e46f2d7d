"""Long records as many short ones, each read by itself."""

import numpy as np

from sklearn_ecg.records import LazySignals


class _WindowReader:
    """Reads window i from the one record in which it lies."""

    def __init__(self, signals, sources, starts, n_times):
        self.signals = signals
        self.sources = sources
        self.starts = starts
        self.n_times = n_times

    def __call__(self, i):
        start = int(self.starts[i])
        return self.signals.window(int(self.sources[i]), start, start + self.n_times)

    def window(self, i, start, stop):
        start, stop, _ = slice(start, stop).indices(self.n_times)
        begin = int(self.starts[i])
        return self.signals.window(int(self.sources[i]), begin + start, begin + max(start, stop))

    def stamp(self, i):
        source = self.signals.stamp(int(self.sources[i]))
        return None if source is None else (source, int(self.starts[i]), self.n_times)

    def take(self, indices):
        sources, places = np.unique(self.sources[indices], return_inverse=True)
        return _WindowReader(self.signals[sources], places, self.starts[indices], self.n_times)


def cut_windows(signals, n_times):
    """Cut records into consecutive windows; what is left at their ends goes.

    Parameters
    ----------
    signals : LazySignals
        Of known lengths.
    n_times : int

    Returns
    -------
    windows : LazySignals
        Nothing is read.
    sources : ndarray of int of shape (n_windows,)
        The record of each window.
    numbers : ndarray of int of shape (n_windows,)
        Its place in the record.
    """
    counts = np.asarray(signals.lengths) // n_times
    sources = np.repeat(np.arange(len(counts)), counts)
    numbers = np.arange(len(sources)) - np.repeat(np.cumsum(counts) - counts, counts)
    read = _WindowReader(signals, sources, numbers * n_times, n_times)
    return LazySignals(read, (len(sources), signals.shape[1], n_times)), sources, numbers

"""Long records cut into windows that are read one by one."""

import numpy as np
import pandas as pd

from sklearn_ecg.records import ECGRecords, LazySignals
from sklearn_ecg.records._report import Report


class _WindowReader:
    """Reads window i from its record."""

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
    """Cut records into consecutive windows; shorter rests at their ends are left out.

    Parameters
    ----------
    signals : LazySignals
        With known lengths.
    n_times : int

    Returns
    -------
    windows : LazySignals
        Read on demand.
    sources : ndarray of int of shape (n_windows,)
        The record of each window.
    numbers : ndarray of int of shape (n_windows,)
        Number of each window in its record.
    """
    counts = np.asarray(signals.lengths) // n_times
    sources = np.repeat(np.arange(len(counts)), counts)
    numbers = np.arange(len(sources)) - np.repeat(np.cumsum(counts) - counts, counts)
    read = _WindowReader(signals, sources, numbers * n_times, n_times)
    return LazySignals(read, (len(sources), signals.shape[1], n_times)), sources, numbers


def in_windows(records, window, files):
    """Return the windows of records as separate records.

    Parameters
    ----------
    records : ECGRecords
        Unlabelled, with `LazySignals` of known lengths.
    window : float
        Seconds.
    files : sequence of str of length n_records
        Paths for the report.

    Returns
    -------
    ECGRecords
        The windows of a patient are a group; without a patient, those of a record. Each has the
        metadata of its record, with its own time.
    """
    rate = records.sampling_rate
    n_times = round(window * rate)
    if not n_times:
        raise ValueError(f"window={window:g} s is shorter than a sample at {rate:g} Hz.")
    windows, sources, numbers_in_record = cut_windows(records.signals, n_times)
    if not len(windows):
        longest = records.signals.lengths.max() / rate
        raise ValueError(f"window={window:g} s is longer than the longest record ({longest:g} s).")
    report = Report()
    for source in np.setdiff1d(np.arange(len(records)), sources):
        report.add(
            records.ids[source],
            files[source],
            f"holds a record that is shorter than a window of {window:g} s",
            "Choose a shorter window.",
        )
    groups = records.ids if records.groups is None else records.groups
    own = records.ids[sources]
    ids = [f"{id}/{number:03d}" for id, number in zip(own, numbers_in_record, strict=True)]
    metadata = records.metadata
    if metadata is not None:
        metadata = metadata.iloc[sources].set_axis(ids)
        if "recorded_at" in metadata:
            begins = pd.to_timedelta(numbers_in_record * (n_times / rate), unit="s")
            metadata["recorded_at"] = (metadata["recorded_at"] + begins).astype("datetime64[s]")
    return ECGRecords(
        windows,
        rate,
        lead_names=records.lead_names,
        ids=ids,
        groups=groups[sources],
        metadata=metadata,
        report=pd.concat([records.report, report.to_frame()], ignore_index=True),
    )

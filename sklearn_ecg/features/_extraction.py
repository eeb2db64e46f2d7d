"""Measure many records in parallel, chunk by chunk, and store the results."""

import numpy as np
import pandas as pd
from sklearn.utils.parallel import delayed

from sklearn_ecg.features._catalogue import features_of
from sklearn_ecg.features._measurements import measure
from sklearn_ecg.records import LazySignals
from sklearn_ecg.records._record_keys import record_keys, rows_changed
from sklearn_ecg.records._shard_folder import ShardFolder
from sklearn_ecg.utils import in_parallel, progress

_CHUNK = 16  # records per task: a tenth of a second of work


def extract(signals, sampling_rate, lead_names, r_peaks, *, folder, n_jobs, verbose):
    """Measure all records, chunk by chunk, so that memory holds few signals.

    Parameters
    ----------
    signals : LazySignals, ndarray of shape (n_records, n_leads, n_times), or list
    sampling_rate : float
    lead_names : tuple of str
    r_peaks : list of (ndarray or None), or None
        R peaks of each record; None to detect them.
    folder : path, or None
        Folder of stored features.
    n_jobs, verbose : int

    Returns
    -------
    table : ndarray of float64 of shape (n_records, n_features)
        NaN for records that cannot be measured.
    problems : dict of int to str
        Row of each such record, and the reason.
    """
    step = _Measuring(sampling_rate, lead_names)
    r_peaks = [None] * len(signals) if r_peaks is None else r_peaks
    options = {"n_jobs": n_jobs, "verbose": verbose}
    if folder is None:
        found = _by_chunks(step, signals, r_peaks, **options)
    else:
        found = extract_shards(signals, sampling_rate, lead_names, r_peaks, folder, **options)
    table, problems = np.full((len(signals), len(step.names)), np.nan), {}
    for rows, frame in found:
        table[rows] = frame[step.names]
        problems |= dict(zip(rows.tolist(), frame["problem"], strict=True))
    return table, {row: text for row, text in sorted(problems.items()) if text}


def extract_shards(signals, sampling_rate, lead_names, r_peaks, folder, **options):
    """Measure the records that a folder lacks, and yield the features of all, shard by shard.

    Parameters
    ----------
    signals, sampling_rate, lead_names, r_peaks, folder
        As for `extract`, but `r_peaks` is a list.
    **options
        As for `ShardFolder.results`.

    Yields
    ------
    rows : ndarray of int
    frame : DataFrame
        All features, and a column "problem".
    """
    keys = record_keys(signals, r_peaks)

    def take(rows):
        return _rows(signals, rows), [r_peaks[row] for row in rows], [keys[row] for row in rows]

    settings = {"step": "features", "sampling_rate": sampling_rate, "leads": list(lead_names)}
    step = _Measuring(sampling_rate, lead_names)
    yield from ShardFolder(folder, settings).results(step, take, keys, **options)


def _by_chunks(step, signals, r_peaks, *, n_jobs, verbose):
    starts = range(0, len(signals), _CHUNK)
    chunks = [np.arange(i, min(i + _CHUNK, len(signals))) for i in starts]
    tasks = (
        delayed(step)((_rows(signals, rows), [r_peaks[row] for row in rows], None))
        for rows in chunks
    )
    with progress(description="Measuring records", total=len(signals), verbose=verbose) as bar:
        for rows, frame in zip(chunks, in_parallel(tasks, n_jobs=n_jobs), strict=True):
            bar.update(len(rows))
            yield rows, frame


def _rows(signals, rows):
    return [signals[row] for row in rows] if isinstance(signals, list) else signals[rows]


class _Measuring:
    """Measures some records, and gives the reason for each that cannot be measured."""

    by_record = True
    doing = "Measuring records"

    def __init__(self, sampling_rate, lead_names):
        self.sampling_rate = sampling_rate
        self.lead_names = lead_names
        self.names = list(features_of(lead_names))

    def __call__(self, items):
        signals, r_peaks, keys = items
        table, problems = np.full((len(signals), len(self.names)), np.nan), [""] * len(signals)
        for row, (signal, own) in enumerate(zip(_read(signals), r_peaks, strict=True)):
            try:
                if isinstance(signal, Exception):
                    raise signal
                table[row] = measure(signal, self.sampling_rate, self.lead_names, own)
            except Exception as error:
                problems[row] = f"{error}" or type(error).__name__
        for row in rows_changed(signals, keys, r_peaks):
            # The error of reading, if there is one, is the better reason.
            problems[row] = problems[row] or "its file was changed while it was read"
            table[row] = np.nan
        return pd.DataFrame(table, columns=self.names).assign(problem=problems)


def _read(signals):
    """Return signals; the error in place of each signal that cannot be read."""
    if not isinstance(signals, LazySignals):
        return signals
    try:
        return signals.read_many()
    except Exception:
        return [_read_one(signals, row) for row in range(len(signals))]


def _read_one(signals, row):
    try:
        return signals[row]
    except Exception as error:
        return error

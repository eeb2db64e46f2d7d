"""Measuring many records, in parallel and without holding them all."""

import joblib
import numpy as np

from sklearn_ecg.features._catalogue import features_of
from sklearn_ecg.features._measurements import measure
from sklearn_ecg.records import LazySignals
from sklearn_ecg.records._readers import as_lazy
from sklearn_ecg.utils import progress

_CHUNK = 16  # records per task: a tenth of a second of work


def cheap_to_hash(signals):
    """Return signals in files as `LazySignals`, which caches know by file name and time."""
    return as_lazy(signals) if isinstance(signals, np.memmap) else signals


def extract(signals, sampling_rate, lead_names, version, r_peaks, *, n_jobs, verbose):
    """Measure all records, a chunk at a time, so that no more of them is held than is read.

    `r_peaks` are those of each record, None where they are to be found; None alone for all.
    """
    r_peaks = [None] * len(signals) if r_peaks is None else r_peaks
    chunks = [slice(i, i + _CHUNK) for i in range(0, len(signals), _CHUNK)]
    tasks = (
        joblib.delayed(_measure_chunk)(signals[chunk], sampling_rate, lead_names, r_peaks[chunk])
        for chunk in chunks
    )
    results = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(tasks)
    features = np.empty((len(signals), len(features_of(lead_names))))
    bar = progress(
        zip(chunks, results, strict=True),
        description="Measuring records",
        total=len(chunks),
        verbose=verbose,
    )
    for chunk, values in bar:
        features[chunk] = values
    return features


def _measure_chunk(signals, sampling_rate, lead_names, r_peaks):
    if isinstance(signals, LazySignals):
        signals = signals.read_many()
    return np.stack(
        [
            measure(signal, sampling_rate, lead_names, r_peaks=own)
            for signal, own in zip(signals, r_peaks, strict=True)
        ]
    )

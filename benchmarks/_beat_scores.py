"""How well R peaks are detected, judged by the beat annotations of MIT-BIH."""

from pathlib import Path

import numpy as np

from benchmarks._matching import f1_score, match_points
from sklearn_ecg.datasets._annotations import read_annotations
from sklearn_ecg.datasets._mitdb import _BEATS

SAMPLING_RATE = 360  # of MIT-BIH
TOLERANCES_MS = (150, 50)


def read_beats(folder, record):
    """Read where one record's beats are.

    Parameters
    ----------
    folder : path-like
    record : str
        For example "100".

    Returns
    -------
    beats : ndarray of int of shape (n_beats,)
        Samples of the annotations that mark beats. Marks of flutter waves ("!") are none.
    flutter : ndarray of int of shape (n_episodes, 2)
        First and last sample of each episode of ventricular flutter, which has no beats.
    """
    samples, symbols = read_annotations(Path(folder) / record, "atr")
    beats = samples[np.isin(symbols, list(_BEATS))]
    return beats, np.c_[samples[symbols == "["], samples[symbols == "]"]]


def match_beats(beats, flutter, r_peaks, tolerance_ms):
    """Match one record's detections to its beats, one to one.

    Parameters
    ----------
    beats, flutter : ndarray
        From `read_beats`.
    r_peaks : array-like of int of shape (n_detected,)
        In samples at 360 Hz, in ascending order. Those inside flutter are left out.
    tolerance_ms : float

    Returns
    -------
    counts : tuple of int
        The numbers of matched, annotated and detected beats.
    errors_ms : ndarray of shape (n_matched,)
        Detected minus annotated times.
    """
    r_peaks = np.asarray(r_peaks, dtype=float)
    inside = (r_peaks[:, np.newaxis] >= flutter[:, 0]) & (r_peaks[:, np.newaxis] <= flutter[:, 1])
    r_peaks = r_peaks[~inside.any(axis=1)]
    pairs = match_points(beats, r_peaks, tolerance_ms / 1000 * SAMPLING_RATE)
    errors = (r_peaks[pairs[:, 1]] - beats[pairs[:, 0]]) * (1000 / SAMPLING_RATE)
    return (len(pairs), len(beats), len(r_peaks)), errors


def score_r_peaks(folder, r_peaks, tolerances_ms=TOLERANCES_MS):
    """Score the R peaks of some or all records together.

    Parameters
    ----------
    folder : path-like
        The folder of the database.
    r_peaks : dict of str to array-like of int
        For each record, "100" and so on, the samples detected, in ascending order.
    tolerances_ms : sequence of float, default=(150, 50)

    Returns
    -------
    dict of float to dict
        For each tolerance: f1, sensitivity and precision in per cent over all beats, the numbers
        of missed and false beats, median_error_ms of the matched ones, and by_record, F1 in per
        cent of each record.
    """
    scores = {}
    for tolerance_ms in tolerances_ms:
        counts, errors_ms = {}, []
        for record, found in r_peaks.items():
            beats, flutter = read_beats(folder, record)
            counts[record], errors = match_beats(beats, flutter, found, tolerance_ms)
            errors_ms.append(errors)
        matched, annotated, detected = np.sum(list(counts.values()), axis=0).tolist()
        scores[tolerance_ms] = {
            "f1": 100 * f1_score(matched, annotated, detected),
            "sensitivity": 100 * matched / annotated,
            "precision": 100 * matched / max(detected, 1),
            "missed": annotated - matched,
            "false": detected - matched,
            "median_error_ms": float(np.median(np.concatenate(errors_ms))),
            "by_record": {record: 100 * f1_score(*count) for record, count in counts.items()},
        }
    return scores

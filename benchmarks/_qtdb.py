"""The QT database: its records as experts marked them, and how well waves were delineated."""

import dataclasses

import numpy as np
import pandas as pd
import wfdb

from benchmarks._matching import match_points
from benchmarks._wave_scores import POINTS
from benchmarks.wave_network._patients import qtdb_patient
from sklearn_ecg.datasets._annotations import read_annotations
from sklearn_ecg.datasets._mitdb import _BEATS

SAMPLING_RATE = 250  # of the QT database
TOLERANCE_MS = 150
_MS = 1000 / SAMPLING_RATE
_SYMBOLS = {"P": ["p"], "QRS": list(_BEATS), "T": ["t"]}
_BESIDE = 30 * SAMPLING_RATE  # shown before the first mark and after the last one
# Where the P and the T peak of a marked beat may lie, in ms from its QRS peak.
_REACHES = {"P": (-400, 0), "T": (0, 600)}


@dataclasses.dataclass
class Stretch:
    """The stretch of a record in which the first expert marked beats, with half a minute around it.

    `marks` holds for each point of a wave ("p_onset", "p_peak" and so on, and "r_peak") the
    samples at which it was marked, counted from the stretch's first one.
    """

    record: str
    patient: str
    start: int  # of the stretch in the record
    signal: np.ndarray  # (2, n_times) in mV
    marks: dict


def read_stretch(folder, record):
    """Read one record where the first expert marked its beats."""
    marks = read_marks(folder / record)
    samples = np.concatenate(list(marks.values()))
    start, stop = max(0, samples.min() - _BESIDE), samples.max() + _BESIDE
    stop = min(stop, wfdb.rdheader(str(folder / record)).sig_len)
    signal = wfdb.rdrecord(str(folder / record), sampfrom=start, sampto=stop).p_signal.T
    marks = {point: own - start for point, own in marks.items()}
    return Stretch(record, qtdb_patient(record), start, np.ascontiguousarray(signal), marks)


def read_marks(record, annotator="q1c"):
    """Read what an expert, who saw both leads at once, marked in one record.

    Parameters
    ----------
    record : path-like
        The record's path without suffix.
    annotator : {"q1c", "q2c"}, default="q1c"
        The first or the second expert.

    Returns
    -------
    dict of str to ndarray of int
        For each point of a wave ("p_onset", "p_peak" and so on, and "r_peak") the samples at
        which it was marked. A bound is one if it is the mark next to the wave's peak.
    """
    samples, symbols = read_annotations(record, annotator)
    samples, symbols = np.pad(samples, 1), np.pad(symbols, 1)
    marks = {}
    for wave, names in _SYMBOLS.items():
        at = np.flatnonzero(np.isin(symbols, names))
        peak = "r_peak" if wave == "QRS" else f"{wave.lower()}_peak"
        marks[f"{wave.lower()}_onset"] = samples[at[symbols[at - 1] == "("] - 1]
        marks[peak] = samples[at]
        marks[f"{wave.lower()}_offset"] = samples[at[symbols[at + 1] == ")"] + 1]
    return marks


def errors_of_marks(marks, waves):
    """Return by how much each of one record's marks was missed in the lead that comes nearer.

    In each lead the points found are paired one to one with those marked within 150 ms.

    Parameters
    ----------
    marks : dict of str to ndarray
        From `read_marks`.
    waves : DataFrame
        Any number of rows per lead: the column lead, and the points in samples at 250 Hz.

    Returns
    -------
    DataFrame
        A row per mark: point and error_ms, detected minus marked; NaN where no lead has it.
    """
    leads = [own for _, own in waves.groupby("lead")]
    parts = []
    for name, *_, column in POINTS:
        marked = marks[column]
        errors = np.full((len(leads) + 1, len(marked)), np.nan)
        for lead, own in enumerate(leads):
            found = np.sort(own[column].dropna().to_numpy())
            pairs = match_points(marked, found, TOLERANCE_MS / _MS)
            errors[lead, pairs[:, 0]] = (found[pairs[:, 1]] - marked[pairs[:, 0]]) * _MS
        nearer = np.where(np.isnan(errors), np.inf, np.abs(errors)).argmin(axis=0)
        parts.append(
            pd.DataFrame({"point": name, "error_ms": errors[nearer, np.arange(len(marked))]})
        )
    return pd.concat(parts, ignore_index=True)


def count_beside_marks(marks, waves):
    """Count P and T waves of one record's marked beats that no mark confirms.

    The expert left many beats out, so that only what lies close to a marked QRS peak counts: a P
    peak within 400 ms before it, a T peak within 600 ms after it.

    Parameters
    ----------
    marks, waves
        As for `errors_of_marks`.

    Returns
    -------
    dict of str to tuple of int
        For "P" and "T", the numbers of waves found in all leads, and of those without a mark
        within 150 ms.
    """
    counts = {}
    for wave, reach in _REACHES.items():
        column = f"{wave.lower()}_peak"
        n_found = n_false = 0
        for _, own in waves.groupby("lead"):
            found = np.sort(own[column].dropna().to_numpy())
            distances = (found - marks["r_peak"][:, np.newaxis]) * _MS
            close = ((distances >= reach[0]) & (distances <= reach[1])).any(axis=0)
            matched = match_points(marks[column], found, TOLERANCE_MS / _MS)[:, 1]
            false = close.copy()
            false[matched] = False
            close[matched] = True
            n_found += np.count_nonzero(close)
            n_false += np.count_nonzero(false)
        counts[wave] = (n_found, n_false)
    return counts


def summarise(errors):
    """Return the scores of each point over all records.

    Parameters
    ----------
    errors : DataFrame
        The rows of `errors_of_marks` of all records, with the column record.

    Returns
    -------
    DataFrame
        A row per point: annotated, sensitivity in per cent, mean_ms and sd_ms, the averages of
        each record's mean error and of its standard deviation, and pooled_mean_ms and
        pooled_sd_ms, over all marks at once.
    """
    points = errors.groupby("point", sort=False)["error_ms"]
    by_record = errors.groupby(["point", "record"], sort=False)["error_ms"]
    return pd.DataFrame(
        {
            "annotated": points.size(),
            "sensitivity": 100 * points.count() / points.size(),
            "mean_ms": by_record.mean().groupby("point").mean(),
            "sd_ms": by_record.std(ddof=0).groupby("point").mean(),
            "pooled_mean_ms": points.mean(),
            "pooled_sd_ms": points.std(ddof=0),
        }
    ).loc[errors["point"].unique()]


def sensitivity_by_record(errors, point="P peak"):
    """Return the share in per cent of each record's marks of a point that were found."""
    found = errors[errors["point"] == point].groupby("record", sort=False)["error_ms"]
    return 100 * found.count() / found.size()

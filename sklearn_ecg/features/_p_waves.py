"""The rate of the atria, from P waves before beats and those that no QRS complex follows."""

import numpy as np

from sklearn_ecg.features._heart_beats import P_REGION, WORKING_RATE
from sklearn_ecg.features._statistics import nan_median

_HALF_S = 0.08  # of the piece of signal that is compared with the usual P wave
_ALIKE = 0.92
_SIZES = (0.6, 1.6)  # of the usual P wave
_AFTER_T_S = 0.06
_LEAST_CORRELATION = 0.7  # of the beats' P regions with the usual one, without which there is none
_BEFORE_QRS_S = 0.32  # a P wave nearer to the next QRS is that beat's own
_LEAST_PRESENT = 0.5  # of the beats: with fewer P waves, their likeness is chance

_SAME_S = 0.12  # nearer to each other, two P waves are one
_TOLERANCE = 0.15  # of the usual interval between P waves
_MOST_HIDDEN = 2  # P waves in a row that QRS complexes and T waves hide
_LEAST_INTERVALS = 3
_LEAST_REGULAR = 0.6  # of the time: else the P waves have no rate


def atrial_features(beats, p_present):
    """Measure the rate of all P waves, those that waves of the ventricles hide included.

    Parameters
    ----------
    beats : HeartBeats
    p_present : ndarray of bool of shape (n_leads, n_beats)

    Returns
    -------
    dict of float
        NaN where there are few P waves, or they come without a rhythm.
    """
    times = np.sort(np.append(beats.p_times, _like_the_usual(beats, p_present)))
    times = times[np.diff(times, prepend=-np.inf) > _SAME_S * WORKING_RATE]
    interval_s = _usual_interval(np.diff(times) / WORKING_RATE)
    rr = beats.rr_ms[~np.isnan(beats.rr_ms)]
    if not len(rr):
        return {"P_rate_bpm": 60 / interval_s}
    return {"P_rate_bpm": 60 / interval_s, "P_per_QRS": rr.mean() / 1000 / interval_s}


def _usual_interval(intervals):
    """Return the interval of which most others are one, two or three, or NaN."""
    if len(intervals) < _LEAST_INTERVALS:
        return np.nan
    count = np.round(intervals / intervals[:, np.newaxis])
    fits = np.abs(intervals - count * intervals[:, np.newaxis]) < (
        _TOLERANCE * intervals[:, np.newaxis]
    )
    fits &= (count > 0) & (count <= 1 + _MOST_HIDDEN)
    # Of two that fit all, as one and its double do, the one that is there more often is right.
    score = (fits / np.maximum(count, 1)).sum(axis=1)
    best = score.argmax()
    fits, count = fits[best], count[best]
    regular = intervals[fits].sum() >= _LEAST_REGULAR * intervals.sum()
    if not regular or np.count_nonzero(fits & (count == 1)) < 2:
        return np.nan
    return intervals[fits].sum() / count[fits].sum()


def _like_the_usual(beats, p_present):
    """Return the places between T waves and the next beats that resemble the usual P wave.

    It is weighted over the leads by its size in each.
    """
    nothing = np.empty(0)
    share = (p_present.sum(axis=0) >= beats.shown.sum(axis=0) / 3).mean()
    if share < _LEAST_PRESENT or nan_median(beats.p_correlation) < _LEAST_CORRELATION:
        return nothing
    start = nan_median(beats.waves["t_offset"], axis=0) + _AFTER_T_S * WORKING_RATE
    end = beats.next_r_peaks - _BEFORE_QRS_S * WORKING_RATE
    room = end - start > 2 * _HALF_S * WORKING_RATE
    if not room.any():
        return nothing
    template, weights = _usual_p_wave(beats.main_beat)
    alike = np.flatnonzero(_matches(weights @ beats.filtered, template))
    bounds = np.stack([start[room], end[room] - len(template)]).astype(np.intp).T.ravel()
    return alike[np.searchsorted(bounds, alike, "right") % 2 == 1] + _HALF_S * WORKING_RATE


def _usual_p_wave(main_beat):
    """Return the main beat's P wave in one weighted sum of the leads, and the weights."""
    main_beat = np.where(np.isnan(main_beat), 0, main_beat)
    region = main_beat[:, P_REGION] - main_beat[:, P_REGION].mean(axis=1, keepdims=True)
    peak = (region**2).sum(axis=0).argmax()
    weights = region[:, peak] / np.linalg.norm(region[:, peak])
    half = int(_HALF_S * WORKING_RATE)
    first = max(0, P_REGION.start + peak - half)
    return weights @ main_beat[:, first : P_REGION.start + peak + half + 1], weights


def _matches(signal, template):
    """Return where a piece of the signal begins to be like the template in shape and size."""
    signal, template = signal.astype(np.float64), template.astype(np.float64)
    template = template - template.mean()
    product = np.correlate(signal, template, mode="valid")
    total, squares = (np.append(0, np.cumsum(part)) for part in (signal, signal**2))
    n = len(template)
    mean = (total[n:] - total[:-n]) / n
    energy = squares[n:] - squares[:-n] - n * mean**2
    size = product / (template @ template)
    alike = product / np.sqrt(np.maximum(energy, 0) * (template @ template))
    found = (alike > _ALIKE) & (size > _SIZES[0]) & (size < _SIZES[1])
    return found & ~np.append(False, found[:-1])

"""The atrial rate, from P waves before beats and from blocked P waves."""

import numpy as np

from sklearn_ecg.features._heart_beats import WORKING_RATE
from sklearn_ecg.features._statistics import nan_median

_HALF_S = 0.08  # half the length of the piece that is compared with the usual P wave
_ALIKE = 0.92
_SIZES = (0.6, 1.6)  # of the usual P wave
_AFTER_T_S = 0.06
_LEAST_LIKENESS = 0.8  # median correlation of P waves with their mean, or there is no usual P wave
_BEFORE_R_S = 0.12  # a later P wave cannot be told from the QRS complex

_SAME_S = 0.12  # two P waves nearer to each other are one
_TOLERANCE = 0.15  # of the usual interval between P waves
_MOST_HIDDEN = 2  # successive P waves that QRS complexes and T waves may hide
_LEAST_INTERVALS = 3
_LEAST_REGULAR = 0.6  # of the time must fit the usual interval, or the P waves have no rate


def atrial_features(beats):
    """Measure the rate of all P waves, also of those that QRS complexes and T waves hide.

    Parameters
    ----------
    beats : HeartBeats

    Returns
    -------
    dict of float
        NaN if there are few P waves, or they have no regular rhythm.
    """
    times = np.sort(np.append(beats.p_times, _like_the_usual(beats)))
    times = times[np.diff(times, prepend=-np.inf) > _SAME_S * WORKING_RATE]
    interval_s = _usual_interval(np.diff(times) / WORKING_RATE)
    rr = beats.rr_ms[~np.isnan(beats.rr_ms)]
    if not len(rr):
        return {"P_rate_bpm": 60 / interval_s}
    return {"P_rate_bpm": 60 / interval_s, "P_per_QRS": rr.mean() / 1000 / interval_s}


def _usual_interval(intervals):
    """Return the interval such that most others are 1, 2 or 3 times as long, or NaN."""
    if len(intervals) < _LEAST_INTERVALS:
        return np.nan
    count = np.round(intervals / intervals[:, np.newaxis])
    fits = np.abs(intervals - count * intervals[:, np.newaxis]) < (
        _TOLERANCE * intervals[:, np.newaxis]
    )
    fits &= (count > 0) & (count <= 1 + _MOST_HIDDEN)
    # An interval and its half may both fit all; the one that occurs more often is right.
    score = (fits / np.maximum(count, 1)).sum(axis=1)
    best = score.argmax()
    fits, count = fits[best], count[best]
    regular = intervals[fits].sum() >= _LEAST_REGULAR * intervals.sum()
    if not regular or np.count_nonzero(fits & (count == 1)) < 2:
        return np.nan
    return intervals[fits].sum() / count[fits].sum()


def _like_the_usual(beats):
    """Return places between T waves and QRS complexes that resemble the usual P wave.

    Leads are summed, each with its size in the usual P wave as its weight.
    """
    nothing = np.empty(0)
    half = int(_HALF_S * WORKING_RATE)
    seen = beats.p_times.astype(np.intp)
    seen = seen[(seen >= half) & (seen < beats.filtered.shape[1] - half)]
    if len(seen) <= _LEAST_INTERVALS:
        return nothing
    places = seen[:, np.newaxis] + np.arange(-half, half + 1)
    usual = beats.filtered[:, places].mean(axis=1)
    usual -= usual.mean(axis=-1, keepdims=True)
    weights = usual[:, half] / np.linalg.norm(usual[:, half])
    signal, template = weights @ beats.filtered, weights @ usual
    pieces = signal[places]
    pieces = pieces - pieces.mean(axis=-1, keepdims=True)
    likeness = pieces @ template / np.linalg.norm(pieces, axis=1) / np.linalg.norm(template)
    if nan_median(likeness) < _LEAST_LIKENESS:
        return nothing
    start = nan_median(beats.waves["t_offset"], axis=0) + _AFTER_T_S * WORKING_RATE
    end = beats.next_r_peaks - _BEFORE_R_S * WORKING_RATE
    room = end - start > 2 * half
    bounds = np.stack([start[room], end[room]]).T.ravel()
    alike = np.flatnonzero(_matches(signal, template)) + half
    inside = np.searchsorted(bounds, alike, "right") % 2 == 1
    return alike[inside & (_distance(alike, beats.p_times) > _SAME_S * WORKING_RATE)]


def _distance(places, others):
    """Return the distance of places to the nearest of others, which are in ascending order."""
    others = np.concatenate([[-np.inf], others, [np.inf]])
    after = np.searchsorted(others, places, "right")
    return np.minimum(places - others[after - 1], others[after] - places)


def _matches(signal, template):
    """Return a mask of the first places where the signal has the template's shape and size."""
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

"""The rate of the atria, from P waves before beats and those that no QRS complex follows."""

import numpy as np

from sklearn_ecg.features._heart_beats import WORKING_RATE
from sklearn_ecg.features._statistics import nan_median

_HALF_S = 0.08  # of the piece of signal that is compared with the usual P wave
_ALIKE = 0.92
_SIZES = (0.6, 1.6)  # of the usual P wave
_AFTER_T_S = 0.06
_LEAST_LIKENESS = 0.8  # of the P waves seen to their mean, without which there is no usual one
_BEFORE_R_S = 0.12  # later, a P wave cannot be told from the QRS complex

_SAME_S = 0.12  # nearer to each other, two P waves are one
_TOLERANCE = 0.15  # of the usual interval between P waves
_MOST_HIDDEN = 2  # P waves in a row that QRS complexes and T waves hide
_LEAST_INTERVALS = 3
_LEAST_REGULAR = 0.6  # of the time: else the P waves have no rate


def atrial_features(beats):
    """Measure the rate of all P waves, those that waves of the ventricles hide included.

    Parameters
    ----------
    beats : HeartBeats

    Returns
    -------
    dict of float
        NaN where there are few P waves, or they come without a rhythm.
    """
    times = np.sort(np.append(beats.p_times, _like_the_usual(beats)))
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


def _like_the_usual(beats):
    """Return the places between T waves and QRS complexes that resemble the P waves seen.

    All leads are looked at in one sum, each weighted by its size in the usual P wave.
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
    """Return how far places are from the nearest of others, which are in ascending order."""
    others = np.concatenate([[-np.inf], others, [np.inf]])
    after = np.searchsorted(others, places, "right")
    return np.minimum(places - others[after - 1], others[after] - places)


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

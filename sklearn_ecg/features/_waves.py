"""Bounds and peaks of P waves, QRS complexes and T waves, from what the network sees."""

import numpy as np

from sklearn_ecg.features._statistics import mean_around, nan_median
from sklearn_ecg.features._wave_network import RATE

WAVES = (
    "p_onset",
    "p_peak",
    "p_offset",
    "qrs_onset",
    "r_peak",
    "qrs_offset",
    "t_onset",
    "t_peak",
    "t_offset",
)

_P, _QRS, _T = 1, 2, 3
_SHORTEST = {_P: round(0.02 * RATE), _QRS: round(0.02 * RATE), _T: round(0.032 * RATE)}
# A QRS complex holds its R peak within these times, a T wave follows it within the third, and a
# P wave stands no farther ahead than the last.
_QRS_BEFORE, _QRS_AFTER = 0.16 * RATE, 0.20 * RATE
_T_AFTER = 0.80 * RATE
_P_BEFORE = 0.50 * RATE
_QRS_HALF = 0.048 * RATE  # where the bounds of a QRS complex are not seen
_T_P_OVERLAP = 0.06 * RATE
# P waves of several leads that are one: their middles follow one another within these times.
_SAME_P = 0.06 * RATE
_OTHER_P = 0.12 * RATE  # farther from a beat's own P wave, another one begins
_LAST_P = 0.4 * RATE  # before the record's end: the beat of a P wave may come later
# P waves are believed where those around are sure on average. Of sinus rhythms, also fast ones and
# those of first-degree block, hardly any lies below 0.9; what looks like P waves in atrial
# fibrillation, hardly any above 0.8.
_LEAST_SURE = 0.8
_AROUND = 5 * RATE
_AT_PEAK = np.arange(-4, 5)  # samples


def find_waves(waves, peaks, r_peaks):
    """Find the waves of every beat in every lead.

    Each wave is the largest stretch of its kind, more likely than not, on its side of the beat's
    QRS complex and nearer to this beat than to its neighbours. P waves of which those within five
    seconds are not sure on average are none.

    Parameters
    ----------
    waves : ndarray of shape (4, n_leads, n_times)
        Probabilities of no wave, P, QRS and T, from `look_at`.
    peaks : ndarray of shape (2, n_leads, n_times)
        Logits of P and T peaks.
    r_peaks : ndarray of int of shape (n_beats,)

    Returns
    -------
    dict of ndarray of shape (n_leads, n_beats)
        A column of `WAVES` each, in samples at 250 Hz; NaN where a wave is absent.
    """
    _, n_leads, n_times = waves.shape
    shape = (n_leads, len(r_peaks))
    found = {"r_peak": np.broadcast_to(r_peaks.astype(float), shape).copy()}
    between = (r_peaks[1:] + r_peaks[:-1]) / 2
    start = np.maximum(r_peaks - _QRS_BEFORE, np.r_[-np.inf, between])
    stop = np.minimum(r_peaks + _QRS_AFTER, np.r_[between, np.inf])
    onset, offset = _largest(waves, _QRS, start, stop, shape)
    found["qrs_onset"], found["qrs_offset"] = onset, offset
    onset = np.where(np.isnan(onset), r_peaks - _QRS_HALF, onset)
    offset = np.where(np.isnan(offset), r_peaks + _QRS_HALF, offset)
    beyond = np.full((n_leads, 1), n_times)
    stop = np.minimum(np.concatenate([onset[:, 1:], beyond], axis=1), r_peaks + _T_AFTER)
    found["t_onset"], found["t_offset"] = _largest(waves, _T, offset, stop, shape)
    last = np.where(np.isnan(found["t_offset"]), offset, found["t_offset"] - _T_P_OVERLAP)
    start = np.concatenate([np.zeros((n_leads, 1)), last[:, :-1]], axis=1)
    start = np.maximum(start, r_peaks - _P_BEFORE)
    found["p_onset"], found["p_offset"] = _largest(waves, _P, start, onset, shape)
    for wave, likely in zip("pt", peaks, strict=True):
        found[f"{wave}_peak"] = _likeliest(likely, found[f"{wave}_onset"], found[f"{wave}_offset"])
    sure = mean_around(r_peaks, _sureness(waves[_P], found["p_peak"]), _AROUND)
    for name in ("p_onset", "p_peak", "p_offset"):
        found[name][:, sure < _LEAST_SURE] = np.nan
    return {name: found[name] for name in WAVES}


def _sureness(likely, peak):
    """Return the probability of a wave around its peak, mean over the leads that show it.

    Parameters
    ----------
    likely : ndarray of shape (n_leads, n_times)
    peak : ndarray of shape (n_leads, n_waves)

    Returns
    -------
    ndarray of shape (n_waves,)
        NaN where no lead shows the wave.
    """
    lead, wave = np.nonzero(~np.isnan(peak))
    places = peak[lead, wave].astype(np.intp)[:, np.newaxis] + _AT_PEAK
    places = np.clip(places, 0, likely.shape[1] - 1)
    total = np.bincount(wave, likely[lead[:, np.newaxis], places].mean(axis=1), peak.shape[1])
    count = np.bincount(wave, minlength=peak.shape[1])
    return np.where(count, total / np.maximum(count, 1), np.nan)


def find_blocked_p_waves(waves, peaks, found):
    """Find the P waves that belong to no beat.

    A third of the leads must show one, and two of three or more, and be sure of it. In the last
    0.4 s of the record nobody knows whether a beat follows.

    Parameters
    ----------
    waves, peaks : ndarray
        As for `find_waves`.
    found : dict of ndarray of shape (n_leads, n_beats)
        From `find_waves`.

    Returns
    -------
    dict of ndarray of shape (n_leads, n_p_waves)
        p_onset, p_peak and p_offset, in the order of time; NaN where a lead does not show the wave.
    """
    n_leads = waves.shape[1]
    lead, onset, offset, size = _stretches(waves[_P], _SHORTEST[_P])
    middle = (onset + offset) / 2
    known = nan_median((found["p_onset"] + found["p_offset"]) / 2, axis=0)
    within_qrs = _inside_any(
        middle, nan_median(found["qrs_onset"], axis=0), nan_median(found["qrs_offset"], axis=0)
    )
    is_other = ~within_qrs & ~_inside_any(middle, known - _OTHER_P, known + _OTHER_P)
    order = np.flatnonzero(is_other)
    order = order[np.argsort(middle[order], kind="stable")]
    wave = np.cumsum(np.diff(middle[order], prepend=-np.inf) > _SAME_P) - 1
    n_waves = wave[-1] + 1 if len(wave) else 0
    bounds = np.full((2, n_leads, n_waves), np.nan)
    by_size = np.argsort(size[order], kind="stable")  # the largest of a lead comes last
    lead, wave, order = lead[order][by_size], wave[by_size], order[by_size]
    bounds[:, lead, wave] = onset[order], offset[order]
    seen = np.count_nonzero(~np.isnan(bounds[0]), axis=0)
    bounds = bounds[..., seen >= max(2 if n_leads > 2 else 1, n_leads / 3)]
    peak = _likeliest(peaks[0], *bounds)
    is_blocked = _sureness(waves[_P], peak) > _LEAST_SURE
    is_blocked &= nan_median(peak, axis=0) < waves.shape[2] - _LAST_P
    blocked = {"p_onset": bounds[0], "p_peak": peak, "p_offset": bounds[1]}
    return {name: samples[:, is_blocked] for name, samples in blocked.items()}


def _inside_any(values, starts, stops):
    """Whether values lie in one of the spans, which follow one another; NaN spans hold none."""
    known = ~np.isnan(starts + stops)
    starts, stops = starts[known], stops[known]
    if not len(starts):
        return np.zeros(len(values), dtype=bool)
    place = np.searchsorted(starts, values, "right") - 1
    return (place >= 0) & (values <= stops[np.maximum(place, 0)])


def _largest(waves, kind, start, stop, shape):
    """Return the bounds of each beat's largest stretch whose middle lies from start to stop."""
    lead, onset, offset, size = _stretches(waves[kind], _SHORTEST[kind])
    start, stop = np.broadcast_to(start, shape), np.broadcast_to(stop, shape)
    middle = (onset + offset) / 2
    # All leads stand in one row, far apart, so that one search finds the beats of all of them.
    apart = np.arange(shape[0]) * (2.0 * waves.shape[2])
    starts = np.maximum.accumulate(start, axis=1) + apart[:, np.newaxis]
    place = np.searchsorted(starts.ravel(), middle + apart[lead], "right") - 1
    beat = place - lead * shape[1]
    inside = beat >= 0
    inside[inside] = middle[inside] <= stop[lead[inside], beat[inside]]
    order = np.flatnonzero(inside)[np.argsort(size[inside], kind="stable")]
    bounds = np.full((2, *shape), np.nan)
    bounds[:, lead[order], beat[order]] = onset[order], offset[order]  # the largest comes last
    return bounds


def _stretches(likely, shortest):
    """Return lead, bounds between samples and size of the stretches that are likelier than not."""
    n_leads, n_times = likely.shape
    row = n_times + 1  # with a sample between leads that belongs to no wave
    padded = np.zeros(n_leads * row + 1, dtype=likely.dtype)
    padded[1:].reshape(n_leads, row)[:, :-1] = likely
    inside = padded > 0.5
    changes = np.flatnonzero(inside[1:] != inside[:-1])  # first sample and stop, in turn
    size = np.add.reduceat(padded[1:], changes)[::2] if len(changes) else np.empty(0)
    first, stop = changes[::2], changes[1::2]
    long = stop - first >= shortest
    lead, first = np.divmod(first[long], row)
    stop = stop[long] - lead * row
    onset = _crossing(likely, lead, first, first - 1)
    offset = _crossing(likely, lead, stop - 1, stop)
    return lead, onset, offset, size[long]


def _crossing(likely, lead, inner, outer):
    """Return where the probability is one half, between a sample inside and the one outside."""
    above = likely[lead, inner]
    below = likely[lead, np.clip(outer, 0, likely.shape[1] - 1)]
    share = (above - 0.5) / np.maximum(above - below, 1e-6)
    return inner + (outer - inner) * np.clip(share, 0, 1)


def _likeliest(likely, onset, offset):
    """Return the sample from onset to offset that is most likely the wave's peak."""
    peak = np.full(onset.shape, np.nan)
    lead, beat = np.nonzero(~np.isnan(onset))
    if len(lead):
        first, last = np.ceil(onset[lead, beat]), np.floor(offset[lead, beat])
        places = first[:, np.newaxis] + np.arange(int((last - first).max()) + 1)
        values = likely[lead[:, np.newaxis], np.minimum(places, likely.shape[1] - 1).astype(int)]
        values = np.where(places <= last[:, np.newaxis], values, -np.inf)
        peak[lead, beat] = first + values.argmax(axis=1)
    return peak

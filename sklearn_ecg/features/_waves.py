"""Bounds and peaks of P waves, QRS complexes and T waves, from the network's output."""

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

_P = 1  # the class of P waves
_SHORTEST = np.round(np.array([0.02, 0.02, 0.032]) * RATE).astype(int)  # P, QRS and T
# Largest distances from the R peak: QRS onset before and QRS end after it, T wave after it, P wave
# before it.
_QRS_BEFORE, _QRS_AFTER = 0.16 * RATE, 0.20 * RATE
_T_AFTER = 0.80 * RATE
_P_BEFORE = 0.50 * RATE
_QRS_HALF = 0.048 * RATE  # distance of the bounds of a QRS complex from R, if they are not found
_T_P_OVERLAP = 0.06 * RATE
# P waves of several leads are one wave if successive middles are nearer than this.
_SAME_P = 0.06 * RATE
_OTHER_P = 0.12 * RATE  # a P wave farther from a beat's own P wave is another one
_P_TO_QRS = 0.3 * RATE  # a QRS complex nearer after a P wave belongs to it, even if it is no beat
_LAST_P = 0.4 * RATE  # within this time before the record's end, the beat of a P wave may follow
# Least mean certainty of the P waves around a P wave. In sinus rhythms, also fast ones and with
# first-degree block, it is hardly ever below 0.9; in atrial fibrillation hardly ever above 0.8.
_LEAST_SURE = 0.8
_AROUND = 5 * RATE
_AT_PEAK = np.arange(-4, 5)  # samples


def find_stretches(waves):
    """Find the stretches in which the probability of a wave exceeds one half.

    Parameters
    ----------
    waves : ndarray of shape (4, n_leads, n_times)
        Probabilities of no wave, P, QRS and T, from `look_at`.

    Returns
    -------
    list of (lead, onset, offset, size)
        For P waves, QRS complexes and T waves: four ndarrays of shape (n_stretches,), in the order
        of the leads. Bounds are in samples, also fractions; the size is the sum of probabilities.
    """
    n_leads, n_times = waves.shape[1:]
    likely = waves[1:].reshape(-1, n_times)
    length = n_times + 1  # with a sample between rows that belongs to no wave
    padded = np.zeros(len(likely) * length + 1, dtype=likely.dtype)
    padded[1:].reshape(-1, length)[:, :-1] = likely
    inside = padded > 0.5
    changes = np.flatnonzero(inside[1:] != inside[:-1])  # first sample and stop, in turn
    size = np.add.reduceat(padded[1:], changes)[::2] if len(changes) else np.empty(0)
    row, first = np.divmod(changes[::2], length)
    stop = changes[1::2] - row * length
    long = stop - first >= _SHORTEST[row // n_leads]
    row, first, stop = row[long], first[long], stop[long]
    onset, offset = _crossings(
        likely, row, np.stack([first, stop - 1]), np.stack([first - 1, stop])
    )
    kind, lead = np.divmod(row, n_leads)
    parts = (lead, onset, offset, size[long])
    return [tuple(part[kind == own] for part in parts) for own in range(len(_SHORTEST))]


def find_waves(stretches, waves, peaks, r_peaks):
    """Find the waves of every beat in every lead.

    Each wave is the largest stretch of its kind on its side of the beat's QRS complex that is
    nearer to this beat than to its neighbours. P waves are left out if the P waves within five
    seconds are not certain on average.

    Parameters
    ----------
    stretches : list
        From `find_stretches`.
    waves : ndarray of shape (4, n_leads, n_times)
        Probabilities of no wave, P, QRS and T.
    peaks : ndarray of shape (2, n_leads, n_times)
        Logits of P and T peaks.
    r_peaks : ndarray of int of shape (n_beats,)

    Returns
    -------
    dict of ndarray of shape (n_leads, n_beats)
        The columns `WAVES` in samples at 250 Hz; NaN for an absent wave.
    """
    of_p, of_qrs, of_t = stretches
    _, n_leads, n_times = peaks.shape
    r_peak = r_peaks + np.zeros((n_leads, 1))
    between = (r_peaks[1:] + r_peaks[:-1]) / 2
    start, stop = r_peak - _QRS_BEFORE, r_peak + _QRS_AFTER
    start[:, 1:] = np.maximum(start[:, 1:], between)
    stop[:, :-1] = np.minimum(stop[:, :-1], between)
    qrs = _largest(of_qrs, start, stop, n_times)
    onset = np.where(np.isnan(qrs[0]), r_peak - _QRS_HALF, qrs[0])
    offset = np.where(np.isnan(qrs[1]), r_peak + _QRS_HALF, qrs[1])
    stop = r_peak + _T_AFTER
    stop[:, :-1] = np.minimum(stop[:, :-1], onset[:, 1:])
    t = _largest(of_t, offset, stop, n_times)
    last = np.where(np.isnan(t[1]), offset, t[1] - _T_P_OVERLAP)
    start = r_peak - _P_BEFORE
    start[:, 1:] = np.maximum(start[:, 1:], last[:, :-1])
    p = _largest(of_p, start, onset, n_times)
    onsets, offsets = np.concatenate([p, t], axis=1)  # one row for each wave and lead
    p_peak, t_peak = np.split(_likeliest(peaks.reshape(-1, n_times), onsets, offsets), 2)
    is_unsure = mean_around(r_peaks, _sureness(waves[_P], p_peak), _AROUND) < _LEAST_SURE
    for points in (*p, p_peak):
        points[:, is_unsure] = np.nan
    found = (p[0], p_peak, p[1], qrs[0], r_peak, qrs[1], t[0], t_peak, t[1])
    return dict(zip(WAVES, found, strict=True))


def _sureness(likely, peak):
    """Return the mean probability of a wave around its peak, over the leads that show it.

    Parameters
    ----------
    likely : ndarray of shape (n_leads, n_times)
    peak : ndarray of shape (n_leads, n_waves)

    Returns
    -------
    ndarray of shape (n_waves,)
        NaN if no lead shows the wave.
    """
    lead, wave = np.nonzero(~np.isnan(peak))
    places = peak[lead, wave].astype(np.intp)[:, np.newaxis] + _AT_PEAK
    places = np.clip(places, 0, likely.shape[1] - 1)
    total = np.bincount(wave, likely[lead[:, np.newaxis], places].mean(axis=1), peak.shape[1])
    count = np.bincount(wave, minlength=peak.shape[1])
    return np.where(count, total / np.maximum(count, 1), np.nan)


def find_blocked_p_waves(stretches, waves, peaks, found):
    """Find the P waves that belong to no beat.

    A third of the leads, and at least two of three or more leads, must show the wave, and the P
    waves within five seconds must be certain on average. Waves in the last 0.4 s of the record are
    left out, because their beat may follow later.

    Parameters
    ----------
    stretches, waves, peaks
        As for `find_waves`.
    found : dict of ndarray of shape (n_leads, n_beats)
        From `find_waves`.

    Returns
    -------
    dict of ndarray of shape (n_leads, n_p_waves)
        p_onset, p_peak and p_offset in order of time; NaN if a lead does not show the wave.
    """
    n_leads = peaks.shape[1]
    lead, onset, offset, size = stretches[0]
    middle = (onset + offset) / 2
    own = (found["p_onset"] + found["p_offset"]) / 2
    own, *qrs = nan_median(np.stack([own, found["qrs_onset"], found["qrs_offset"]]), axis=1)
    is_other = ~_inside_any(middle, *qrs) & ~_inside_any(middle, own - _OTHER_P, own + _OTHER_P)
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
    times = nan_median(peak, axis=0)
    is_blocked = mean_around(times, _sureness(waves[_P], peak), _AROUND) >= _LEAST_SURE
    is_blocked &= times < peaks.shape[2] - _LAST_P
    is_blocked &= ~_has_qrs_behind(times, stretches[1], n_leads)
    blocked = {"p_onset": bounds[0], "p_peak": peak, "p_offset": bounds[1]}
    return {name: samples[:, is_blocked] for name, samples in blocked.items()}


def _has_qrs_behind(times, stretches, n_leads):
    """Whether a third of the leads shows a QRS complex soon after, also one that is no beat."""
    onset = np.sort(stretches[1])
    before, behind = onset.searchsorted(times, "right"), onset.searchsorted(times + _P_TO_QRS)
    return behind - before >= n_leads / 3


def _inside_any(values, starts, stops):
    """Whether values lie in one of the spans, which are in order; NaN spans hold no values."""
    known = ~np.isnan(starts + stops)
    starts, stops = starts[known], stops[known]
    if not len(starts):
        return np.zeros(len(values), dtype=bool)
    place = np.searchsorted(starts, values, "right") - 1
    return (place >= 0) & (values <= stops[np.maximum(place, 0)])


def _largest(stretches, start, stop, n_times):
    """Return the bounds of each beat's largest stretch whose middle lies from start to stop."""
    lead, onset, offset, size = stretches
    n_leads, n_beats = start.shape
    middle = (onset + offset) / 2
    # All leads are put into one row, far apart, so that one search serves all of them.
    apart = np.arange(n_leads) * (2.0 * n_times)
    starts = np.maximum.accumulate(start, axis=1) + apart[:, np.newaxis]
    place = np.searchsorted(starts.ravel(), middle + apart[lead], "right") - 1
    inside = place >= lead * n_beats
    inside[inside] = middle[inside] <= stop.ravel()[place[inside]]
    order = np.flatnonzero(inside)
    order = order[np.argsort(size[order], kind="stable")]
    bounds = np.full((2, n_leads * n_beats), np.nan)
    bounds[:, place[order]] = onset[order], offset[order]  # the largest comes last
    return bounds.reshape(2, n_leads, n_beats)


def _crossings(likely, row, inner, outer):
    """Return the place between an inner and an outer sample where the probability is one half."""
    above = likely[row, inner]
    below = likely[row, np.clip(outer, 0, likely.shape[1] - 1)]
    share = (above - 0.5) / np.maximum(above - below, 1e-6)
    return inner + (outer - inner) * np.minimum(share, 1)


def _likeliest(likely, onset, offset):
    """Return the most probable sample of a wave's peak, from onset to offset."""
    peak = np.full(onset.shape, np.nan)
    row, beat = np.nonzero(~np.isnan(onset))
    if len(row):
        first = np.ceil(onset[row, beat]).astype(np.intp)
        last = np.floor(offset[row, beat]).astype(np.intp)[:, np.newaxis]
        places = first[:, np.newaxis] + np.arange((last[:, 0] - first).max() + 1)
        values = likely[row[:, np.newaxis], np.minimum(places, likely.shape[1] - 1)]
        values[places > last] = -np.inf
        peak[row, beat] = first + values.argmax(axis=1)
    return peak

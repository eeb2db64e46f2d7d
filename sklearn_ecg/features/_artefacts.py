"""Artefacts to remove before filtering: pacing spikes, steps, held values."""

import functools

import numpy as np

from sklearn_ecg.features._statistics import nan_median

#: Lowest sampling rate, in Hz, at which a spike is narrower than any wave.
SPIKE_RATE = 250

_SPIKE_S = 0.012  # from the last sample before a spike to the first after it
_FLANK_S = 0.002  # a spike rises by most of its height within this time
_AROUND_S = 0.012  # the signal is nearly straight for this time on both sides
# Least ratio of a spike's height to the residue beside it, and least share of its height within
# _FLANK_S. Lower limits hold if at least half of the leads show the spike.
_STANDS_OUT, _FLANK = 5.0, 0.6
_STANDS_OUT_IN_MANY, _FLANK_IN_MANY = 3.5, 0.5
_BENDS_ON = 1.6  # largest growth of a bend at twice the distance; a wave's grows 2.5 times
_LEAST = 0.1  # of the lead's usual range: smaller spikes are not mistaken for beats
_EVENT_S = 0.012  # spikes of several leads within this time are one

_STEP_S, _AT_ONCE = 0.008, 0.7  # a step makes this share of its size within this time
_PLATEAU_S = 0.04  # the level is constant for this time before and after a step
_PLATEAU_SPREAD = 0.25  # largest deviation from the level, as a share of the step
_LEAST_STEP = 0.15  # of the lead's usual range

_PULSE_S = 0.5  # a beat without P and T waves is shorter; good contact between dropouts is longer
_HELD_S = 0.4
_REST_S, _AT_REST = 0.02, 0.02  # shortest rest, and least share of rests in a lead with many rests
_GENTLE, _TINY = 0.03, 3e-6  # of the lead's range: a step out of a rest, and less than any noise
_EDGE_S, _LEAST_EDGE = 0.012, 4  # length of an edge in s, and at least in samples
_BENDS = 8  # least ratio of a wave's last to its first deviation within an edge


def sharp_bends(signal, sampling_rate, heights):
    """Find bends within 12 ms that do not grow over a longer time; those of waves grow.

    Parameters
    ----------
    signal : ndarray of float32 of shape (n_leads, n_times)
    sampling_rate : float
    heights : ndarray of shape (n_leads,)
        Usual range of values within a second.

    Returns
    -------
    lead, sample : ndarray of int of shape (n_bends,)
    """
    reach = max(1, round(_SPIKE_S / 2 * sampling_rate))
    n_times = signal.shape[1]
    if n_times <= 2 * reach + 2:
        return np.empty((2, 0), np.intp)
    bend = signal[:, : -2 * reach] + signal[:, 2 * reach :]
    bend *= -0.5
    bend += signal[:, reach:-reach]
    np.abs(bend, out=bend)
    least = np.maximum(0.8 * _LEAST * heights, np.finfo(np.float32).tiny)
    is_sharp = bend > least[:, np.newaxis].astype(np.float32)
    is_sharp[:, [0, -1]] = False
    places = np.flatnonzero(is_sharp)
    bend = bend.ravel()
    here = bend[places]
    places = places[(here >= bend[places - 1]) & (here > bend[places + 1])]
    lead, sample = np.divmod(places, n_times - 2 * reach)
    sample += reach
    # At twice the distance, the bend of a wave has grown; that of a spike or step has not.
    before = signal[lead, np.maximum(sample - 2 * reach, 0)]
    after = signal[lead, np.minimum(sample + 2 * reach, n_times - 1)]
    is_over = np.abs(signal[lead, sample] - (before + after) / 2) < _BENDS_ON * bend[places]
    return lead[is_over], sample[is_over]


def take_out_spikes(signal, sampling_rate, heights, bends):
    """Replace pacing spikes and similar spikes by straight lines, in place.

    A spike lasts up to 10 ms, including the effect of the recorder's filter, and the signal is
    nearly straight for 8 ms on both sides. No wave of the heart is so narrow.

    Parameters
    ----------
    signal, sampling_rate, heights
        As for `sharp_bends`.
    bends : tuple of ndarray
        From `sharp_bends`.

    Returns
    -------
    lead, sample : ndarray of int of shape (n_spikes,)
        Leads and samples of the spikes, in order of time.
    """
    nothing = np.empty((2, 0), np.intp)
    if sampling_rate < SPIKE_RATE or not len(bends[0]):
        return nothing
    n_inside = max(2, round(_SPIKE_S * sampling_rate) - 1)
    n_outside = max(3, round(_AROUND_S * sampling_rate))
    n_window = n_inside + 2 * n_outside
    n_flank = max(1, round(_FLANK_S * sampling_rate))
    line = _line_through(n_window, n_outside)
    along = np.arange(n_window)[:, np.newaxis]
    lead, sample = bends
    n_leads, n_times = signal.shape
    found = []
    for before in {n_inside // 2, (n_inside - 1) // 2}:
        first = sample - before - n_outside
        whole = (first >= 0) & (first + n_window <= n_times)
        own, first = lead[whole], first[whole]
        window = signal.ravel()[own * n_times + first + along]  # (n_window, n_bends): fast to scan
        window -= line @ window
        flank = np.abs(window[n_flank:] - window[:-n_flank]).max(axis=0)
        size = np.abs(window)
        height = size[n_outside:-n_outside].max(axis=0)
        rest = np.maximum(size[:n_outside].max(axis=0), size[-n_outside:].max(axis=0))
        may_be = (height > _STANDS_OUT_IN_MANY * rest) & (height > _LEAST * heights[own])
        may_be &= flank > _FLANK_IN_MANY * height
        is_sure = (height > _STANDS_OUT * rest) & (flank > _FLANK * height)
        found.append(np.stack([own, first + n_outside - 1, is_sure])[:, may_be])
    lead, before, is_sure = np.concatenate(found, axis=1)
    if not len(lead):
        return nothing
    seen = _leads_at_once(lead, before, sampling_rate)
    chosen = np.flatnonzero(is_sure | (seen >= max(3, n_leads / 2)))
    chosen = chosen[np.argsort(before[chosen], kind="stable")]
    lead, before = lead[chosen], before[chosen]
    share = np.arange(1, n_inside + 1) / (n_inside + 1)
    start, stop = signal[lead, before, np.newaxis], signal[lead, before + n_inside + 1, np.newaxis]
    places = before[:, np.newaxis] + np.arange(1, n_inside + 1)
    signal[lead[:, np.newaxis], places] = start + share.astype(np.float32) * (stop - start)
    return lead, before + n_inside // 2 + 1


@functools.lru_cache(maxsize=16)
def _line_through(n_window, n_outside):
    """Return the matrix that maps a window to the straight line through its two ends."""
    along = np.arange(n_window) - (n_window - 1) / 2
    line = np.stack([np.ones(n_window), along], axis=1)
    is_outside = np.abs(along) > along[-1] - n_outside
    return (line @ np.linalg.pinv(line * is_outside[:, np.newaxis])).astype(np.float32)


def count_spikes(spikes, n_leads, sampling_rate):
    """Count the times at which a third of the leads, and at least two, show a spike.

    One lead suffices if there is only one.

    Parameters
    ----------
    spikes : tuple of ndarray
        From `take_out_spikes`.
    n_leads : int
        Number of leads that could show them.
    sampling_rate : float
    """
    lead, sample = spikes
    if not len(lead):
        return 0
    is_first = np.diff(sample, prepend=-np.inf) > _EVENT_S * sampling_rate
    seen = _leads_at_once(lead, sample, sampling_rate)[is_first]
    return np.count_nonzero(seen >= max(min(2, n_leads), n_leads / 3))


def _leads_at_once(lead, sample, sampling_rate):
    """Return for each spike the number of leads with a spike at the same time."""
    order = np.argsort(sample, kind="stable")
    apart = np.diff(sample[order], prepend=sample[order[:1]]) > _EVENT_S * sampling_rate
    event = np.empty(len(sample), np.intp)
    event[order] = np.cumsum(apart)
    n_leads = lead.max() + 1
    pairs = np.unique(event * n_leads + lead)
    return np.bincount(pairs // n_leads)[event]


def take_out_steps(signal, sampling_rate, heights, bends):
    """Remove steps from one level to another, in place.

    A step happens within 8 ms, and the level is constant for 40 ms before and after it. Beside the
    flank of a QRS complex it is not. A calibration pulse is two steps.

    Parameters
    ----------
    signal, sampling_rate, heights, bends
        As for `take_out_spikes`.
    """
    lead, sample = bends
    n_edge = max(1, round(_STEP_S * sampling_rate))
    n_level = max(3, round(_PLATEAU_S * sampling_rate))
    n_window = n_edge + 1 + 2 * n_level
    n_times = signal.shape[1]
    if not len(lead) or n_times < n_window:
        return
    # A step bends twice, on either side of its steepest part.
    reach = max(1, round(_SPIKE_S / 2 * sampling_rate)) + n_edge
    before = signal[lead, np.maximum(sample - n_level // 2, 0)]
    after = signal[lead, np.minimum(sample + n_level // 2, n_times - 1)]
    differs = np.abs(after - before) > _LEAST_STEP / 2 * heights[lead]
    differs &= (sample >= reach) & (sample + reach + 1 < n_times)
    lead, sample = lead[differs], sample[differs]
    if not len(lead):
        return
    first = sample - reach
    around = signal.ravel()[lead * n_times + first + np.arange(2 * reach + 2)[:, np.newaxis]]
    rise = np.abs(around[n_edge:] - around[:-n_edge])
    first += rise.argmax(axis=0) - n_level
    rise = rise.max(axis=0)
    whole = (first >= 0) & (first + n_window <= n_times)
    whole &= rise > _AT_ONCE * _LEAST_STEP * heights[lead]
    lead, first, rise = lead[whole], first[whole], rise[whole]
    # The far ends of the levels rule out most flanks of QRS complexes, which saves time.
    stays = np.abs(signal[lead, first + n_window - 1] - signal[lead, first]) > rise / 2
    lead, first = np.divmod(np.unique(lead[stays] * n_times + first[stays]), n_times)
    if not len(lead):
        return
    window = signal[lead[:, np.newaxis], first[:, np.newaxis] + np.arange(n_window)]
    before, after = window[:, : n_level + 1], window[:, -n_level:]
    low, high = nan_median(before), nan_median(after)
    step = high - low
    spread = np.maximum(
        np.abs(before - low[:, np.newaxis]).max(axis=1),
        np.abs(after - high[:, np.newaxis]).max(axis=1),
    )
    rise = window[:, n_level + n_edge] - window[:, n_level]
    is_step = spread < _PLATEAU_SPREAD * np.abs(step)
    is_step &= np.abs(rise - step) < (1 - _AT_ONCE) * np.abs(step)
    is_step &= np.abs(step) > _LEAST_STEP * heights[lead]
    lead, first, step = lead[is_step], first[is_step] + n_level, step[is_step]
    last = np.full(len(signal), -n_times)
    for own, start, size in zip(lead, first, step, strict=True):
        if start - last[own] > n_edge:
            signal[own, start + n_edge :] -= size
            signal[own, start : start + n_edge] = signal[own, start]
            last[own] = start


def find_held(signal, sampling_rate):
    """Find samples where a lead repeats one value so long that nothing was recorded.

    Three kinds of true signals also repeat values, and are left out. A signal without noise bends
    smoothly into the constant stretch and out of it. A compressed or coarsely digitised signal
    leaves it in small steps, and has many short constant stretches. A simulation by pulses always
    returns to the same value.

    Parameters
    ----------
    signal : ndarray of shape (n_leads, n_times)
        NaN is not recorded.
    sampling_rate : float

    Returns
    -------
    ndarray of bool of shape (n_leads, n_times)
    """
    constant, held = np.zeros((2, *signal.shape), dtype=bool)
    least = max(3, round(_HELD_S * sampling_rate))
    n_edge = max(_LEAST_EDGE, round(_EDGE_S * sampling_rate))
    for lead, values in enumerate(signal):
        changes = np.flatnonzero(values[1:] != values[:-1]) + 1
        start, stop = np.r_[0, changes], np.r_[changes, len(values)]
        length = stop - start
        is_long = length >= least
        if not is_long.any() or not len(changes):
            continue
        if _has_pulses_alone(values, start[is_long], stop[is_long], sampling_rate):
            continue
        short = length[~is_long]
        rests = short[short >= max(3, _REST_S * sampling_rate)].sum() > _AT_REST * short.sum()
        height = np.nanmax(values) - np.nanmin(values)
        for first, end in zip(start[is_long], stop[is_long], strict=True):
            constant[lead, first:end] = True
            before = values[max(0, first - n_edge) : first][::-1] - values[first]
            after = values[end : end + n_edge] - values[first]
            edges = [edge for edge in (before, after) if len(edge)]
            held[lead, first:end] = not all(
                _is_natural(edge, n_edge, height, rests) for edge in edges
            )
            if len(edges) == 1:  # at an end of the record, where noise would start with a jump
                is_gentle = rests or abs(edges[0][0]) < _TINY * height
                held[lead, first:end] |= not is_gentle
    # Noise may look like a smooth wave by chance, but not in half of the leads.
    return constant & (held | (held.sum(axis=0) > constant.sum(axis=0) / 2))


def _has_pulses_alone(values, start, stop, sampling_rate):
    """Whether a lead leaves one value only for short pulses, as in some simulations."""
    recorded = np.append(0, np.cumsum(~np.isnan(values)))
    between = recorded[start[1:]] - recorded[stop[:-1]]
    same = (values[start] == values[start[0]]).all()
    return len(between) > 1 and same and between.max() < _PULSE_S * sampling_rate


def _is_natural(edge, n_edge, height, rests):
    """Whether the samples beside a constant stretch leave it as a true signal does."""
    first = abs(edge[0])
    if first < _TINY * height or (rests and first < _GENTLE * height):
        return True
    size = edge * np.sign(edge[0])
    return len(edge) == n_edge and (np.diff(size) >= 0).all() and size[-1] >= _BENDS * size[0]

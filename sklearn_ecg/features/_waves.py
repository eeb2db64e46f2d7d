"""Bounds and peaks of the P wave, the QRS complex and the T wave around known R peaks."""

import numpy as np
from scipy import ndimage

from sklearn_ecg.features._statistics import nan_median

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

# A wave must stand out by this share of the beat's largest QRS deflection, and by this multiple
# of the noise beside it, to be called present.
_SMALLEST_WAVE = 0.03
_WAVE_TO_NOISE = 3.0


def find_waves(signal, r_peaks, rate):
    """Find the waves of every beat in every lead.

    Parameters
    ----------
    signal : ndarray of shape (n_leads, n_times)
        Band-passed signal (about 0.5 to 40 Hz).
    r_peaks : ndarray of int of shape (n_beats,)
    rate : float
        Sampling rate in Hz, 200 at least.

    Returns
    -------
    dict of ndarray of shape (n_leads, n_beats)
        A column of `WAVES` each, in samples; NaN where a wave is absent or outside the record.
    """
    noise = _noise(signal)
    waves = {"r_peak": np.broadcast_to(r_peaks.astype(float), (len(signal), len(r_peaks)))}
    waves["qrs_onset"], waves["qrs_offset"] = qrs_bounds(np.abs(_slope(signal)), r_peaks, rate)
    size = _qrs_size(signal, r_peaks, rate)
    smallest = np.maximum(_SMALLEST_WAVE * size, _WAVE_TO_NOISE * noise[:, np.newaxis])
    previous = np.r_[-np.inf, r_peaks[:-1]]
    following = np.r_[r_peaks[1:], np.inf]
    t_start = waves["qrs_offset"] + 0.04 * rate
    t_end = np.minimum(r_peaks + 0.52 * rate, r_peaks + 0.7 * (following - r_peaks))
    waves.update(
        _find_wave(
            "t", signal, t_start, np.broadcast_to(t_end, t_start.shape), rate, smallest, 0.12
        )
    )
    p_end = waves["qrs_onset"] - 0.008 * rate
    p_start = np.maximum(r_peaks - 0.32 * rate, r_peaks - 0.45 * (r_peaks - previous))
    waves.update(
        _find_wave("p", signal, np.broadcast_to(p_start, p_end.shape), p_end, rate, smallest, 0.08)
    )
    return {name: waves[name] for name in WAVES}


def qrs_bounds(slope, r_peaks, rate):
    """Find where the steep part of each beat begins and ends.

    Parameters
    ----------
    slope : ndarray of shape (..., n_times)
        Absolute slope of a lead, or of several leads taken together.
    r_peaks : ndarray of int of shape (n_beats,)
    rate : float

    Returns
    -------
    onset, offset : ndarray of shape (..., n_beats)
        Samples; NaN where the bound lies outside the record or is not found.
    """
    smooth = ndimage.uniform_filter1d(slope, max(1, round(0.012 * rate)), axis=-1)
    before, after = round(0.16 * rate), round(0.22 * rate)
    windows = take_windows(smooth, r_peaks, before, after)  # (..., n_beats, n_window)
    centre = windows[..., before - round(0.08 * rate) : before + round(0.1 * rate)]
    quiet = windows < 0.11 * np.nan_to_num(centre, nan=-1.0).max(axis=-1, keepdims=True)
    # A bound is quiet for 16 ms; shorter rests are the turning points of the QRS itself.
    run = max(1, round(0.016 * rate))
    quiet_before = ndimage.minimum_filter1d(
        quiet.astype(np.int8), run, axis=-1, origin=(run - 1) // 2
    ).astype(bool)
    quiet_after = ndimage.minimum_filter1d(
        quiet.astype(np.int8), run, axis=-1, origin=-(run // 2)
    ).astype(bool)
    left = quiet_before[..., before::-1]
    right = quiet_after[..., before:]
    onset = np.where(left.any(axis=-1), r_peaks - left.argmax(axis=-1), np.nan)
    offset = np.where(right.any(axis=-1), r_peaks + right.argmax(axis=-1), np.nan)
    return onset, offset


def take_windows(signal, centres, before, after):
    """Cut out ``signal[..., c - before : c + after + 1]`` for each centre; NaN outside."""
    index = np.asarray(centres)[:, np.newaxis] + np.arange(-before, after + 1)
    n_times = signal.shape[-1]
    windows = signal[..., np.clip(index, 0, n_times - 1)].astype(np.float64)
    outside = (index < 0) | (index >= n_times)
    if outside.any():
        windows[..., outside] = np.nan
    return windows


def _slope(signal):
    return np.gradient(signal, axis=-1)


def _noise(signal):
    """Return the usual size of what changes from sample to sample: no wave does."""
    second = np.diff(signal, n=2, axis=-1)
    return nan_median(np.abs(second), axis=-1)


def _qrs_size(signal, r_peaks, rate):
    windows = take_windows(signal, r_peaks, round(0.06 * rate), round(0.08 * rate))
    windows = np.where(np.isnan(windows), windows[..., [round(0.06 * rate)]], windows)
    return np.ptp(windows, axis=-1)


def _find_wave(name, signal, start, end, rate, smallest, longest_half_s):
    """Find one wave between `start` and `end` of each beat; all of shape (n_leads, n_beats)."""
    n_leads, n_times = signal.shape
    length = int(0.52 * rate)
    first = np.nan_to_num(start, nan=0).round().astype(np.intp)
    index = first[..., np.newaxis] + np.arange(length)
    valid = (index <= end[..., np.newaxis]) & (index >= 0) & (index < n_times)
    known = ~np.isnan(start) & ~np.isnan(end) & (valid.sum(axis=-1) >= 0.06 * rate)
    values = signal[np.arange(n_leads)[:, np.newaxis, np.newaxis], np.clip(index, 0, n_times - 1)]
    rows = np.indices(known.shape)

    def at(position):
        return values[rows[0], rows[1], np.clip(position, 0, length - 1)]

    # The line through the ends of the search window is the wave's baseline.
    left = valid.argmax(axis=-1)
    right = length - 1 - valid[..., ::-1].argmax(axis=-1)
    rise = (at(right) - at(left)) / np.maximum(right - left, 1)
    values = (
        values
        - at(left)[..., np.newaxis]
        - rise[..., np.newaxis] * (np.arange(length) - left[..., np.newaxis])
    )
    values = np.where(valid, values, 0.0)
    peak = np.abs(values).argmax(axis=-1)
    height = at(peak)
    margin = 0.012 * rate
    present = known & (np.abs(height) > smallest) & (peak - left > margin) & (right - peak > margin)
    shape = values * np.sign(height)[..., np.newaxis]
    slope = np.gradient(shape, axis=-1)
    half = int(longest_half_s * rate)
    steps = np.arange(half + 1)

    def foot(direction):
        """Where the steepest tangent of the flank meets the baseline."""
        flank = np.clip(
            peak[..., np.newaxis] + direction * steps, left[..., np.newaxis], right[..., np.newaxis]
        )
        flank_slope = -direction * np.take_along_axis(slope, flank, -1)
        steepest = flank_slope.argmax(axis=-1)[..., np.newaxis]
        fall = np.take_along_axis(flank_slope, steepest, -1)[..., 0]
        place = np.take_along_axis(flank, steepest, -1)
        level = np.take_along_axis(shape, place, -1)[..., 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            foot = place[..., 0] + direction * level / fall
        limit = left if direction < 0 else right
        return np.maximum(foot, limit) if direction < 0 else np.minimum(foot, limit)

    found = {f"{name}_onset": foot(-1), f"{name}_peak": peak, f"{name}_offset": foot(+1)}
    return {key: np.where(present, first + value, np.nan) for key, value in found.items()}

"""R peaks of one record, found from all of its leads at once."""

import numpy as np
from scipy import ndimage
from scipy.signal import find_peaks

from sklearn_ecg.features._checks import check_signal
from sklearn_ecg.features._statistics import nan_median
from sklearn_ecg.preprocessing import bandpass

_RATE = 100  # of the QRS energy; what lies in its pass band needs no more
_QRS_BAND = (7.0, 20.0)  # Hz: most of the QRS complex, little of P and T waves
_QRS_SPAN_S = 0.12
_REFRACTORY_S = 0.20
_T_WAVE_S = 0.36
_FLAT_MV = 1e-6
_PEAK_RATE = 250
_PEAK_BAND = (3.0, 30.0)
_PEAK_SPAN_S = 0.08


def detect_r_peaks(signal, sampling_rate):
    """Find the R peak of every heart beat of one record.

    The QRS energy of all leads, weighted by how far each lead's beats rise above its background,
    is compared with a threshold between the signal and the noise level of its surroundings, looked
    at on both sides of the beat. Weak waves that follow a beat within 360 ms, or that stand
    between two beats at the usual distance, are no beats; where a beat is overdue the strongest
    wave below the threshold is taken after all. Each beat is then placed on the largest
    deflection of the first lead that shows the beats well. Ventricular flutter has no beats, but
    its waves are taken for some.

    Parameters
    ----------
    signal : array-like of shape (n_leads, n_times) or (n_times,)
        One record in mV. Leads that are flat or contain NaN have no vote.
    sampling_rate : float
        Hz.

    Returns
    -------
    ndarray of int of shape (n_beats,)
        Samples of the R peaks in ascending order; empty for a record without beats.

    Raises
    ------
    ValueError
        If the signal is not one record, has more leads than samples, or the rate is no rate.

    See Also
    --------
    delineate : Bounds and peaks of the P, QRS and T waves of each beat.

    References
    ----------
    The two levels and the search-back go back to Pan and Tompkins, "A real-time QRS detection
    algorithm", IEEE Trans. Biomed. Eng. 32 (1985); unlike theirs the levels look ahead as well.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.features import detect_r_peaks
    >>> signal = np.zeros(1000)
    >>> signal[[100, 300, 500, 700, 900]] = 1.0
    >>> signal = np.convolve(signal, np.hanning(9), mode="same")
    >>> detect_r_peaks(signal, sampling_rate=250)
    array([100, 300, 500, 700, 900])
    """
    return find_r_peaks(check_signal(signal, sampling_rate), sampling_rate)


def find_r_peaks(signal, sampling_rate):
    """As `detect_r_peaks`, for a signal that was checked."""
    signal = signal[usable_leads(signal)]
    if not len(signal) or signal.shape[1] < _T_WAVE_S * sampling_rate:
        return np.empty(0, dtype=np.intp)
    energy, weights = _fused_energy(bandpass(signal, sampling_rate, *_QRS_BAND, new_rate=_RATE))
    beats = _pick_beats(energy)
    reference = np.flatnonzero(weights >= weights.max() / 16)[0]
    return _place_on_peaks(signal[reference], sampling_rate, beats / _RATE)


def usable_leads(signal):
    """Return which leads of one record have no NaN and are not flat."""
    with np.errstate(invalid="ignore"):
        return np.isfinite(signal).all(axis=1) & (np.ptp(signal, axis=1) > _FLAT_MV)


def _fused_energy(filtered):
    """Return the root of the QRS energy, 1 at a usual beat, and the weights of the leads."""
    span = round(_QRS_SPAN_S * _RATE)
    energy = ndimage.uniform_filter1d(filtered**2, span, axis=-1, mode="nearest")
    background = nan_median(energy, axis=-1)
    blocks = np.arange(0, max(1, energy.shape[-1] - _RATE), int(1.5 * _RATE))
    beats = nan_median(np.maximum.reduceat(energy, blocks, axis=-1), axis=-1)
    floor = 1e-9 * energy.max(axis=-1)
    weights = (np.maximum(beats, floor) / np.maximum(background, floor)) ** 2
    weights = weights / weights.sum()
    return np.sqrt(weights @ (energy / np.maximum(beats, floor)[:, np.newaxis])), weights


def _pick_beats(energy):
    """Choose among the local maxima of the energy those that are beats."""
    level = _beat_level(energy)
    # The small floor keeps rounding noise of an otherwise silent record from being a candidate.
    candidates, _ = find_peaks(
        np.r_[0, energy, 0],
        distance=round(_REFRACTORY_S * _RATE),
        height=np.r_[0, np.maximum(0.12 * level, 1e-3 * energy.max()), 0],
    )
    candidates -= 1
    height = energy[candidates]
    is_beat = height > 0.35 * level[candidates]
    if is_beat.sum() < 2:
        return candidates[is_beat]
    threshold = _two_level_threshold(candidates, height, is_beat)
    is_beat = height > threshold
    for _ in range(2):
        is_beat = _drop_t_and_p_waves(candidates, height, is_beat)
    for _ in range(2):
        is_beat = _drop_between(candidates, height, is_beat)
    is_beat = _search_back(candidates, height, threshold, is_beat)
    return candidates[is_beat]


def _beat_level(energy):
    """Return the usual height of the beats around each sample."""
    hop = _RATE // 2
    starts = np.arange(0, max(1, len(energy) - hop + 1), hop)
    highest = np.maximum.reduceat(energy, starts)
    highest = ndimage.maximum_filter1d(highest, 3, mode="nearest")
    level = ndimage.percentile_filter(highest, 45, size=19, mode="nearest")
    return np.interp(np.arange(len(energy)), starts + hop / 2, level)


def _two_level_threshold(candidates, height, is_beat):
    def local_median(mask):
        values = ndimage.median_filter(
            height[mask], size=min(17, np.count_nonzero(mask)), mode="nearest"
        )
        return np.interp(candidates, candidates[mask], values)

    noise = local_median(~is_beat) if np.count_nonzero(~is_beat) > 3 else 0.0
    return noise + 0.28 * (local_median(is_beat) - noise)


def _drop_t_and_p_waves(candidates, height, is_beat):
    beats = np.flatnonzero(is_beat)
    gap, size = np.diff(candidates[beats]), height[beats]
    after = (gap < _T_WAVE_S * _RATE) & (size[1:] < 0.5 * size[:-1])
    before = (gap < 0.3 * _RATE) & (size[:-1] < 0.4 * size[1:])
    kept = is_beat.copy()
    kept[beats[np.r_[False, after] | np.r_[before, False]]] = False
    return kept


def _drop_between(candidates, height, is_beat):
    """Drop a weak wave between two beats that stand at the usual distance without it."""
    beats = np.flatnonzero(is_beat)
    size, place = height[beats], candidates[beats]
    strong = size > 0.75 * ndimage.maximum_filter1d(ndimage.median_filter(size, 3), 5)
    if np.count_nonzero(strong) < 4:
        return is_beat
    gap = np.diff(place[strong])
    usual = ndimage.median_filter(gap, size=min(9, len(gap)), mode="nearest")
    ratio = (place[2:] - place[:-2]) / np.interp(place, place[strong][1:], usual)[1:-1]
    weak = size[1:-1] < 0.55 * np.minimum(size[2:], size[:-2])
    drop = weak & (ratio > 0.75) & (ratio < 1.25)
    kept = is_beat.copy()
    kept[beats[1:-1][drop]] = False
    return kept


def _search_back(candidates, height, threshold, is_beat):
    """Take the strongest wave of a gap that is much longer than the gaps around it."""
    found = is_beat.copy()
    beats = np.flatnonzero(is_beat)
    if len(beats) < 4:
        return found
    gap = np.diff(candidates[beats])
    usual = ndimage.median_filter(gap, size=min(9, len(gap)), mode="nearest")
    for i in np.flatnonzero(gap > 1.6 * usual):
        between = np.arange(beats[i] + 1, beats[i + 1])
        far = (candidates[between] > candidates[beats[i]] + _T_WAVE_S * _RATE) & (
            candidates[between] < candidates[beats[i + 1]] - 0.25 * _RATE
        )
        between = between[far & (height[between] > 0.5 * threshold[between])]
        if len(between):
            found[between[np.argmax(height[between])]] = True
    return found


def _place_on_peaks(lead, sampling_rate, times_s):
    """Return the sample of the largest deflection within 80 ms of each of the given times."""
    if not len(times_s):
        return np.empty(0, dtype=np.intp)
    rate = max(_PEAK_RATE, sampling_rate)
    filtered = bandpass(lead, sampling_rate, *_PEAK_BAND, new_rate=rate)
    half = round(_PEAK_SPAN_S * rate)
    around = np.round(times_s * rate).astype(np.intp)[:, np.newaxis] + np.arange(-half, half + 1)
    inside = np.clip(around, 0, len(filtered) - 1)
    window = filtered[inside]
    # Upward deflections count more, so that rS and qR beats keep to their R wave.
    size = np.where(around == inside, np.where(window > 0, 1.3 * window, -window), -np.inf)
    peaks = around[np.arange(len(around)), np.argmax(size, axis=1)] * (sampling_rate / rate)
    return np.unique(np.clip(np.round(peaks), 0, None).astype(np.intp))

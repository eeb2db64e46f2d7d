"""Features of each lead's waves: heights, areas and form."""

import numpy as np

from sklearn_ecg.features._heart_beats import MS, WORKING_RATE
from sklearn_ecg.features._statistics import nan_median
from sklearn_ecg.features._waves import take_windows

UNITS = {
    "P_amplitude_mV": "mV",
    "Q_amplitude_mV": "mV",
    "R_amplitude_mV": "mV",
    "S_amplitude_mV": "mV",
    "J_amplitude_mV": "mV",
    "ST60_amplitude_mV": "mV",
    "ST80_amplitude_mV": "mV",
    "T_amplitude_mV": "mV",
    "QRS_peak_to_peak_mV": "mV",
    "R_amplitude_SD_mV": "mV",
    "QRS_area_mV_ms": "mV ms",
    "T_area_mV_ms": "mV ms",
    "QRS_duration_ms": "ms",
    "QRS_early_area_share": "",
    "QRS_late_area_share": "",
    "R_peak_time_ms": "ms",
    "QRS_notches": "",
    "R_share": "",
    "T_to_QRS_ratio": "",
    "T_asymmetry": "",
    "QRS_energy_below_10Hz": "",
    "QRS_energy_10_25Hz": "",
    "QRS_energy_above_40Hz": "",
}

_BEFORE, _AFTER = 25, 40  # samples of the QRS window around R: 100 ms and 160 ms
_SPECTRUM = 128  # points of the Fourier transform of a QRS complex: bins of 2 Hz


def amplitude_features(beats):
    """Measure each lead; every value is the median over the beats, of shape (n_leads,)."""
    signal, waves = beats.filtered, beats.waves
    level = _value_at(signal, waves["qrs_onset"] - 2)  # 8 ms before the QRS: the PR segment
    qrs = take_windows(signal, beats.r_peaks, _BEFORE, _AFTER) - level[..., np.newaxis]
    inside = _inside_qrs(beats)
    qrs_inside = np.where(inside, qrs, np.nan)
    r, q, s = _q_r_s(qrs_inside)
    j = _value_at(signal, waves["qrs_offset"]) - level
    t = _value_at(signal, waves["t_peak"]) - level
    peak_to_peak = nan_median(r - np.minimum(q, s))
    r_median, t_median = nan_median(r), nan_median(t)
    negative = nan_median(-np.minimum(q, s))
    with np.errstate(invalid="ignore", divide="ignore"):
        features = {
            "P_amplitude_mV": nan_median(_value_at(signal, waves["p_peak"]) - level),
            "Q_amplitude_mV": nan_median(q),
            "R_amplitude_mV": r_median,
            "S_amplitude_mV": nan_median(s),
            "J_amplitude_mV": nan_median(j),
            "ST60_amplitude_mV": nan_median(_value_at(signal, waves["qrs_offset"] + 15) - level),
            "ST80_amplitude_mV": nan_median(_value_at(signal, waves["qrs_offset"] + 20) - level),
            "T_amplitude_mV": t_median,
            "QRS_peak_to_peak_mV": peak_to_peak,
            "R_amplitude_SD_mV": _spread(r),
            "QRS_area_mV_ms": nan_median(_sum(qrs_inside)) * MS,
            "T_area_mV_ms": _t_area(beats, level),
            "QRS_duration_ms": nan_median(waves["qrs_offset"] - waves["qrs_onset"]) * MS,
            **_early_and_late_shares(qrs_inside),
            "R_peak_time_ms": nan_median(_first_peak(qrs_inside) - _onset(inside)) * MS,
            "QRS_notches": nan_median(_notches(qrs_inside, peak_to_peak)),
            "R_share": r_median / (r_median + negative),
            "T_to_QRS_ratio": t_median / peak_to_peak,
            "T_asymmetry": nan_median(
                (waves["t_peak"] - waves["t_onset"]) / (waves["t_offset"] - waves["t_onset"])
            ),
        }
    features.update(_band_shares(beats))
    return features


def _value_at(signal, samples):
    """Return the signal at the given samples (n_leads, n_beats), NaN where there is none."""
    n_times = signal.shape[1]
    known = (samples >= 0) & (samples < n_times)
    index = np.where(known, samples, 0).astype(np.intp)
    return np.where(known, np.take_along_axis(signal, index, axis=1), np.nan)


def _inside_qrs(beats):
    offsets = np.arange(-_BEFORE, _AFTER + 1)
    times = beats.r_peaks[:, np.newaxis] + offsets
    onset, offset = beats.waves["qrs_onset"], beats.waves["qrs_offset"]
    return (times >= onset[..., np.newaxis]) & (times <= offset[..., np.newaxis])


def _q_r_s(qrs):
    """Return the heights of R and of the negative waves before and after it."""
    filled = np.where(np.isnan(qrs), -np.inf, qrs)
    peak = filled.argmax(axis=-1)[..., np.newaxis]
    r = np.take_along_axis(filled, peak, -1)[..., 0]
    missing = np.isinf(r)
    position = np.arange(qrs.shape[-1])
    deep = np.where(np.isnan(qrs), np.inf, qrs)
    q = np.where(position <= peak, deep, np.inf).min(axis=-1)
    s = np.where(position >= peak, deep, np.inf).min(axis=-1)
    # A wave that does not cross the baseline is absent, and its height is zero.
    waves = [np.maximum(r, 0), np.minimum(q, 0), np.minimum(s, 0)]
    return [np.where(missing, np.nan, wave) for wave in waves]


def _first_peak(qrs):
    return np.where(np.isnan(qrs), -np.inf, np.abs(qrs)).argmax(axis=-1).astype(float)


def _onset(inside):
    return np.where(inside.any(axis=-1), inside.argmax(axis=-1), np.nan)


def _sum(qrs):
    return np.where(np.isnan(qrs).all(axis=-1), np.nan, np.nansum(qrs, axis=-1))


def _early_and_late_shares(qrs):
    """Signed areas of the first and the last 40 ms of the QRS over its whole absolute area.

    The late share is what tells the two bundle branch blocks apart in V1.
    """
    known = ~np.isnan(qrs)
    samples = np.arange(qrs.shape[-1])
    first = known.argmax(axis=-1)[..., np.newaxis]
    last = qrs.shape[-1] - 1 - known[..., ::-1].argmax(axis=-1)[..., np.newaxis]
    n = round(40 / MS)
    total = _sum(np.abs(qrs))
    return {
        "QRS_early_area_share": nan_median(_sum(np.where(samples < first + n, qrs, 0)) / total),
        "QRS_late_area_share": nan_median(_sum(np.where(samples > last - n, qrs, 0)) / total),
    }


def _spread(values):
    low, high = (
        np.nanmin(values, axis=-1, initial=np.inf),
        np.nanmax(values, axis=-1, initial=-np.inf),
    )
    known = np.isfinite(low) & np.isfinite(high)
    spread = np.full(len(values), np.nan)
    if known.any():
        spread[known] = np.nanstd(values[known], axis=-1)
    return spread


def _t_area(beats, level):
    """Signed area between the bounds of the T wave, over the PR level."""
    total = np.concatenate(
        [np.zeros((len(beats.filtered), 1)), np.cumsum(beats.filtered, axis=1)], axis=1
    )
    onset, offset = beats.waves["t_onset"].round(), beats.waves["t_offset"].round()
    area = _value_at(total, offset + 1) - _value_at(total, onset) - (offset + 1 - onset) * level
    return nan_median(area) * MS


def _notches(qrs, peak_to_peak):
    """Count the turning points of the QRS that stand out by more than 5 % of its height."""
    step = np.nan_to_num(np.diff(qrs, axis=-1))
    # Coarse steps of 3 samples keep noise from counting as a notch.
    coarse = step[..., : step.shape[-1] // 3 * 3].reshape(*step.shape[:-1], -1, 3).sum(axis=-1)
    sign = np.sign(coarse) * (np.abs(coarse) > 0.03 * peak_to_peak[:, np.newaxis, np.newaxis])
    turns = np.zeros(sign.shape[:-1])
    last = sign[..., 0]
    for k in range(1, sign.shape[-1]):
        turns += (sign[..., k] * last) < 0
        last = np.where(sign[..., k] != 0, sign[..., k], last)
    return turns


def _band_shares(beats):
    """Shares of the median QRS's energy in bands: wide beats are slow, pacing spikes are fast."""
    qrs = nan_median(np.nan_to_num(beats.windowed(beats.broad, 120, 160)), axis=1)
    qrs = (qrs - qrs.mean(axis=-1, keepdims=True)) * np.hanning(qrs.shape[-1])
    power = np.abs(np.fft.rfft(qrs, _SPECTRUM)) ** 2
    frequencies = np.fft.rfftfreq(_SPECTRUM, 1 / WORKING_RATE)
    share = power / power.sum(axis=-1, keepdims=True)
    bands = {
        "QRS_energy_below_10Hz": frequencies < 10,
        "QRS_energy_10_25Hz": (frequencies >= 10) & (frequencies < 25),
    }
    # Records sampled below 200 Hz hold too little above 40 Hz to speak of a share.
    if beats.sampling_rate >= 200:
        bands["QRS_energy_above_40Hz"] = frequencies >= 40
    return {name: share[:, band].sum(axis=-1) for name, band in bands.items()}

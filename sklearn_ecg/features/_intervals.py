"""Durations of waves and of the intervals between them, over all leads and in each."""

import numpy as np

from sklearn_ecg.features._heart_beats import MS
from sklearn_ecg.features._p_waves import atrial_features
from sklearn_ecg.features._statistics import nan_median, nan_spread, quantiles

_LEAST_OF_BEATS = 0.5  # of the beats must show a wave: in fibrillation some seem to have a P wave


def interval_features(beats, qt_of_leads):
    """Measure the usual beat of the main shape, from the earliest to the latest lead.

    All durations are differences of the same seven bounds, so QT = QRS + ST + T.

    Parameters
    ----------
    beats : HeartBeats
    qt_of_leads : ndarray of shape (n_leads,)
        From `lead_interval_features`.
    """
    bounds = np.stack(list(beats.bounds.values()))
    # Relative to the QRS onset of the same beat, so that PR and QT are medians over beats.
    from_qrs = (bounds - beats.bounds["qrs_onset"]) * MS
    of_main = from_qrs[:, beats.is_main]
    low, usual, high = np.where(
        _in_enough_beats(of_main, of_main.shape[1]), quantiles(of_main, (0.1, 0.5, 0.9)), np.nan
    )
    at = dict(zip(beats.bounds, usual, strict=True))
    spread = dict(zip(beats.bounds, high - low, strict=True))
    shortest_qrs, wide_qrs, widest_qrs = quantiles(beats.qrs_ms, (0.0, 0.9, 1.0))
    p_present, t_present = (~np.isnan(beats.waves[f"{wave}_peak"]) for wave in "pt")
    features = {
        "P_duration_ms": at["p_offset"] - at["p_onset"],
        "PR_interval_ms": -at["p_onset"],
        "PR_segment_ms": -at["p_offset"],
        "QRS_duration_ms": at["qrs_offset"],
        "QT_interval_ms": at["t_offset"],
        "JT_interval_ms": at["t_offset"] - at["qrs_offset"],
        "ST_duration_ms": at["t_onset"] - at["qrs_offset"],
        "T_duration_ms": at["t_offset"] - at["t_onset"],
        "T_peak_to_end_ms": at["t_offset"] - at["t_peak"],
        "PR_spread_ms": spread["p_onset"],
        "QT_spread_ms": spread["t_offset"],
        "QT_dispersion_ms": nan_spread(qt_of_leads),
        "P_present_fraction": p_present.sum() / beats.shown.sum(),
        "T_present_fraction": t_present.sum() / beats.shown.sum(),
        "P_correlation": nan_median(beats.p_correlation),
        **atrial_features(beats),
        "QRS_duration_max_ms": widest_qrs,
        "QRS_duration_q90_ms": wide_qrs,
        "QRS_duration_min_ms": shortest_qrs,
    }
    if len(beats.rr_ms):
        features |= _corrected_qt(at["t_offset"], nan_median(beats.rr_ms) / 1000)
        pr = -from_qrs[list(beats.bounds).index("p_onset")]
        features["PR_fall_over_pause_ms"] = _fall_over_pause(beats, pr)
    return features


def lead_interval_features(beats):
    """Measure the usual beat of the main shape in each lead; values have the shape (n_leads,)."""
    main = beats.is_main
    p_onset, p_offset, qrs_onset, t_offset = (
        beats.waves[name][:, main] for name in ("p_onset", "p_offset", "qrs_onset", "t_offset")
    )
    by_beat = np.stack([p_offset - p_onset, qrs_onset - p_onset, t_offset - qrs_onset])
    enough = _in_enough_beats(by_beat, beats.shown[:, main].sum(axis=1))
    usual = np.where(enough, nan_median(by_beat) * MS, np.nan)
    return dict(zip(("P_duration_ms", "PR_interval_ms", "QT_interval_ms"), usual, strict=True))


def _in_enough_beats(by_beat, n_beats):
    return np.count_nonzero(~np.isnan(by_beat), axis=-1) >= _LEAST_OF_BEATS * n_beats


def _corrected_qt(qt, rr_s):
    return {
        "QTc_Bazett_ms": qt / np.sqrt(rr_s),
        "QTc_Fridericia_ms": qt / np.cbrt(rr_s),
        "QTc_Framingham_ms": qt + 154 * (1 - rr_s),
        "QTc_Hodges_ms": qt + 1.75 * (60 / rr_s - 60),
    }


def _fall_over_pause(beats, pr):
    """Return PR of the beat before the longest interval minus PR of the beat after it."""
    before = np.flatnonzero(~np.isnan(beats.rr_after[:-1]))
    if not len(before):
        return np.nan
    pause = before[beats.rr_after[before].argmax()]
    return pr[pause] - pr[pause + 1]

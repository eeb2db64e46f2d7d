"""Features of duration: waves and the intervals between them, over all leads and beats."""

import numpy as np

from sklearn_ecg.features._heart_beats import MS
from sklearn_ecg.features._p_waves import atrial_features
from sklearn_ecg.features._statistics import nan_median, nan_spread, quantiles

_WAVES = (
    "p_onset",
    "p_offset",
    "qrs_onset",
    "qrs_offset",
    "t_onset",
    "t_peak",
    "t_offset",
)


def interval_features(beats):
    """Measure the intervals of each beat and summarise them by the median over beats."""
    places = np.stack([beats.waves[name] for name in _WAVES])  # (n_waves, n_leads, n_beats)
    p_onset, p_offset, qrs_onset, qrs_offset, t_onset, t_peak, t_offset = (
        nan_median(places, axis=1) * MS
    )
    pr, qt, qrs = qrs_onset - p_onset, t_offset - qrs_onset, beats.qrs_ms
    by_beat = np.stack(
        [
            p_offset - p_onset,
            pr,
            qrs_onset - p_offset,
            qrs,
            qt,
            t_onset - qrs_offset,
            t_offset - t_onset,
            t_offset - t_peak,
            beats.p_correlation,
        ]
    )
    low, usual, high = quantiles(by_beat, (0.1, 0.5, 0.9))
    p_duration, pr_usual, pr_segment, qrs_usual, qt_usual, st, t_duration, t_to_end, p_alike = usual
    shortest_qrs, widest_qrs = quantiles(qrs, (0.0, 1.0))
    qt_of_leads = nan_median(places[6] - places[2]) * MS
    p_present = ~np.isnan(beats.waves["p_peak"])
    features = {
        "P_duration_ms": p_duration,
        "PR_interval_ms": pr_usual,
        "PR_segment_ms": pr_segment,
        "QRS_duration_ms": qrs_usual,
        "QT_interval_ms": qt_usual,
        "JT_interval_ms": qt_usual - qrs_usual,
        "ST_duration_ms": st,
        "T_duration_ms": t_duration,
        "T_peak_to_end_ms": t_to_end,
        "PR_spread_ms": high[1] - low[1],
        "QT_spread_ms": high[4] - low[4],
        "QT_dispersion_ms": nan_spread(qt_of_leads),
        "P_present_fraction": p_present.sum() / beats.shown.sum(),
        "T_present_fraction": np.count_nonzero(~np.isnan(places[5])) / beats.shown.sum(),
        "P_correlation": p_alike,
        **atrial_features(beats),
        "QRS_duration_max_ms": widest_qrs,
        "QRS_duration_q90_ms": high[3],
        "QRS_duration_min_ms": shortest_qrs,
    }
    if len(beats.rr_ms):
        features |= _corrected_qt(qt_usual, nan_median(beats.rr_ms) / 1000)
        features["PR_fall_over_pause_ms"] = _fall_over_pause(beats, pr)
    return features


def _corrected_qt(qt, rr_s):
    return {
        "QTc_Bazett_ms": qt / np.sqrt(rr_s),
        "QTc_Fridericia_ms": qt / np.cbrt(rr_s),
        "QTc_Framingham_ms": qt + 154 * (1 - rr_s),
        "QTc_Hodges_ms": qt + 1.75 * (60 / rr_s - 60),
    }


def _fall_over_pause(beats, pr):
    """PR of the beat before the longest interval, less PR of the beat after it."""
    before = np.flatnonzero(~np.isnan(beats.rr_after[:-1]))
    if not len(before):
        return np.nan
    pause = before[beats.rr_after[before].argmax()]
    return pr[pause] - pr[pause + 1]

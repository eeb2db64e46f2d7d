"""Features of duration: waves and the intervals between them, over all leads and beats."""

import numpy as np

from sklearn_ecg.features._heart_beats import MS
from sklearn_ecg.features._statistics import nan_median, nan_quantile

UNITS = {
    "P_duration_ms": "ms",
    "PR_interval_ms": "ms",
    "QRS_duration_ms": "ms",
    "QT_interval_ms": "ms",
    "QTc_Bazett_ms": "ms",
    "QTc_Fridericia_ms": "ms",
    "ST_duration_ms": "ms",
    "T_duration_ms": "ms",
    "T_peak_to_end_ms": "ms",
    "PR_spread_ms": "ms",
    "QT_spread_ms": "ms",
    "P_present_fraction": "",
    "T_present_fraction": "",
    "QRS_duration_max_ms": "ms",
    "QRS_duration_q90_ms": "ms",
    "QRS_duration_min_ms": "ms",
}


def interval_features(beats):
    """Measure the intervals of each beat and summarise them by the median over beats."""
    waves = {name: nan_median(samples, axis=0) * MS for name, samples in beats.waves.items()}
    pr = waves["qrs_onset"] - waves["p_onset"]
    qt = waves["t_offset"] - waves["qrs_onset"]
    qrs = beats.qrs_ms
    features = {
        "P_duration_ms": nan_median(waves["p_offset"] - waves["p_onset"]),
        "PR_interval_ms": nan_median(pr),
        "QRS_duration_ms": nan_median(qrs),
        "QT_interval_ms": nan_median(qt),
        "ST_duration_ms": nan_median(waves["t_onset"] - waves["qrs_offset"]),
        "T_duration_ms": nan_median(waves["t_offset"] - waves["t_onset"]),
        "T_peak_to_end_ms": nan_median(waves["t_offset"] - waves["t_peak"]),
        "PR_spread_ms": nan_quantile(pr, 0.9) - nan_quantile(pr, 0.1),
        "QT_spread_ms": nan_quantile(qt, 0.9) - nan_quantile(qt, 0.1),
        "P_present_fraction": np.mean(~np.isnan(beats.waves["p_peak"])),
        "T_present_fraction": np.mean(~np.isnan(beats.waves["t_peak"])),
        "QRS_duration_max_ms": nan_quantile(qrs, 1.0),
        "QRS_duration_q90_ms": nan_quantile(qrs, 0.9),
        "QRS_duration_min_ms": nan_quantile(qrs, 0.0),
    }
    if len(beats) > 1:
        rr_s = np.median(beats.rr_ms) / 1000
        features["QTc_Bazett_ms"] = features["QT_interval_ms"] / np.sqrt(rr_s)
        features["QTc_Fridericia_ms"] = features["QT_interval_ms"] / np.cbrt(rr_s)
    return features

"""Features of shape: the main beat, the beats that differ from it, and their timing."""

import numpy as np

from sklearn_ecg.features._heart_beats import _BEFORE, ALIKE, MS
from sklearn_ecg.features._statistics import nan_median, nan_quantile

#: Times from R (ms) at which beats are sampled.
MAIN_TIMES_MS = (-200, -120, -80, -48, -24, 0, 24, 48, 72, 100, 140, 200, 280, 360)
ODD_TIMES_MS = (-80, -48, -24, 0, 24, 48, 72, 100, 140, 200, 280)

GLOBAL_UNITS = {
    "main_beat_fraction": "",
    "beat_shapes": "",
    "odd_prematurity": "",
    "odd_RR_after_ratio": "",
    "odd_QRS_duration_ms": "ms",
    "odd_QRS_widening_ms": "ms",
    "odd_P_ratio": "",
    "odd_deviation": "",
    "premature_QRS_duration_ms": "ms",
    "premature_QRS_widening_ms": "ms",
    "premature_RR_after_ratio": "",
    "premature_P_ratio": "",
    "premature_deviation": "",
    "premature_correlation": "",
    "second_shape_fraction": "",
    "second_shape_prematurity": "",
    "second_shape_QRS_duration_ms": "ms",
    "main_shape_shortest_RR_ratio": "",
    "main_shape_premature_fraction": "",
    "other_shape_shortest_RR_ratio": "",
    "other_shape_widest_QRS_ms": "ms",
    "wide_fraction": "",
}
LEAD_UNITS = {
    "correlation_min": "",
    "correlation_q10": "",
    "correlation_median": "",
    "deviation_median": "",
    "deviation_q90": "",
    "deviation_max": "",
    "odd_size_ratio": "",
    "odd_area_ratio": "",
    **{f"main_beat_at_{time}ms": "" for time in MAIN_TIMES_MS},
    **{f"odd_beat_at_{time}ms": "" for time in ODD_TIMES_MS},
}


def _columns(times_ms):
    return _BEFORE + np.round(np.asarray(times_ms) / MS).astype(int)


def beat_shape_features(beats):
    """Describe how alike the beats are, and the most different and the most premature one."""
    deviation = beats.deviation.mean(axis=1)
    odd = int(deviation.argmax())
    features = {
        "main_beat_fraction": beats.is_main.mean(),
        "beat_shapes": _n_shapes(beats.similarity),
        "odd_deviation": deviation[odd],
        "odd_P_ratio": _p_ratio(beats, odd),
        **_timing("odd", beats, odd),
    }
    main_prematurity = beats.prematurity[beats.is_main]
    features["main_shape_shortest_RR_ratio"] = nan_quantile(main_prematurity, 0)
    if not np.isnan(main_prematurity).all():
        features["main_shape_premature_fraction"] = np.nanmean(main_prematurity < 0.85)
    features["other_shape_shortest_RR_ratio"] = nan_quantile(beats.prematurity[~beats.is_main], 0)
    features["other_shape_widest_QRS_ms"] = nan_quantile(beats.qrs_ms[~beats.is_main], 1)
    if not np.isnan(beats.qrs_ms).all():
        features["wide_fraction"] = np.mean(beats.qrs_ms[~np.isnan(beats.qrs_ms)] > 120)
    others = np.flatnonzero(~beats.is_main[beats.sample])
    features["second_shape_fraction"] = 0.0
    if len(others):
        alike = beats.similarity[np.ix_(others, others)] > ALIKE
        second = others[alike[alike.sum(axis=1).argmax()]]
        features["second_shape_fraction"] = len(second) / len(beats.sample)
        second = beats.sample[second]
        features["second_shape_prematurity"] = nan_median(beats.prematurity[second])
        features["second_shape_QRS_duration_ms"] = nan_median(beats.qrs_ms[second])
    if len(beats) >= 3:
        early = int(np.nanargmin(beats.prematurity))
        timing = _timing("premature", beats, early)
        timing.pop("premature_prematurity")  # this is the rhythm's RR_shortest_ratio
        features.update(
            timing,
            premature_deviation=deviation[early],
            premature_correlation=beats.correlation[early].mean(),
            premature_P_ratio=_p_ratio(beats, early),
        )
    return features


def lead_shape_features(beats):
    """Describe each lead's main and most different beat, every value of shape (n_leads,)."""
    correlation, deviation = beats.correlation, beats.deviation
    odd = int(deviation.mean(axis=1).argmax())
    scale = np.ptp(beats.main_beat[:, _BEFORE - 25 : _BEFORE + 41], axis=-1)
    main = beats.main_beat / scale[:, np.newaxis]
    different = beats.windows[odd] / scale[:, np.newaxis]
    main = main - main[:, _BEFORE - 25 : _BEFORE - 10].mean(axis=1, keepdims=True)
    different = different - different[:, _BEFORE - 35 : _BEFORE - 15].mean(axis=1, keepdims=True)
    qrs = slice(_BEFORE - 20, _BEFORE + 31)
    area = np.abs(main[:, qrs]).sum(axis=1)
    features = {
        "correlation_min": correlation.min(axis=0),
        "correlation_q10": nan_quantile(correlation, 0.1, axis=0),
        "correlation_median": nan_median(correlation, axis=0),
        "deviation_median": nan_median(deviation, axis=0),
        "deviation_q90": nan_quantile(deviation, 0.9, axis=0),
        "deviation_max": deviation.max(axis=0),
        "odd_size_ratio": np.ptp(different[:, qrs], axis=1),
        "odd_area_ratio": np.abs(different[:, qrs]).sum(axis=1) / area,
    }
    for time, column in zip(MAIN_TIMES_MS, _columns(MAIN_TIMES_MS), strict=True):
        features[f"main_beat_at_{time}ms"] = main[:, column]
    for time, column in zip(ODD_TIMES_MS, _columns(ODD_TIMES_MS), strict=True):
        features[f"odd_beat_at_{time}ms"] = different[:, column]
    return features


def _timing(prefix, beats, beat):
    after = beats.prematurity[beat + 1] if beat + 1 < len(beats) else np.nan
    return {
        f"{prefix}_prematurity": beats.prematurity[beat],
        f"{prefix}_RR_after_ratio": after,
        f"{prefix}_QRS_duration_ms": beats.qrs_ms[beat],
        f"{prefix}_QRS_widening_ms": beats.qrs_ms[beat] - nan_median(beats.qrs_ms),
    }


def _p_ratio(beats, beat):
    """Energy where the P wave of a beat should be, over that of the main beat."""
    p = slice(_BEFORE - 55, _BEFORE - 22)

    def energy(window):
        part = window[:, p]
        return ((part - part.mean(axis=1, keepdims=True)) ** 2).sum()

    return energy(beats.windows[beat]) / energy(beats.main_beat)


def _n_shapes(similarity):
    """Count shapes: take out the beats that are like the most common one, and look again."""
    left = np.ones(len(similarity), dtype=bool)
    shapes = 0
    while left.any():
        alike = (similarity > ALIKE) & left
        left &= ~alike[np.where(left, alike.sum(axis=1), -1).argmax()]
        shapes += 1
    return shapes

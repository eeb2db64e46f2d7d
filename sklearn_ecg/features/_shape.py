"""Features of shape: the main beat, different beats, and their timing."""

import numpy as np

from sklearn_ecg.features._heart_beats import ALIKE, BEFORE, MS, P_REGION
from sklearn_ecg.features._statistics import nan_mean, nan_median, nan_quantile, quantiles

#: Times from R (ms) at which beats are sampled.
MAIN_TIMES_MS = (-200, -120, -80, -48, -24, 0, 24, 48, 72, 100, 140, 200, 280, 360)
ODD_TIMES_MS = (-80, -48, -24, 0, 24, 48, 72, 100, 140, 200, 280)


def _columns(times_ms):
    return BEFORE + np.round(np.asarray(times_ms) / MS).astype(int)


def beat_shape_features(beats):
    """Describe how similar the beats are, and the most different and the most premature beat."""
    deviation, prematurity, qrs = beats.oddness, beats.prematurity, beats.qrs_ms
    odd = int(deviation.argmax())
    main, other = beats.is_main, ~beats.is_main
    features = {
        "main_beat_fraction": main.mean(),
        "beat_shapes": _n_shapes(beats.similarity),
        "odd_deviation": deviation[odd],
        "odd_P_ratio": _p_ratio(beats, odd),
        "odd_prematurity": prematurity[odd],
        **_timing("odd", beats, odd),
        "main_shape_shortest_RR_ratio": nan_quantile(prematurity[main], 0),
        "main_shape_premature_fraction": _share_of_known(prematurity[main], lambda p: p < 0.85),
        "other_shape_shortest_RR_ratio": nan_quantile(prematurity[other], 0),
        "other_shape_widest_QRS_ms": nan_quantile(qrs[other], 1),
        "wide_fraction": _share_of_known(qrs, lambda width: width > 120),
        "second_shape_fraction": 0.0,
    }
    others = np.flatnonzero(other[beats.sample])
    if len(others):
        alike = beats.similarity[np.ix_(others, others)] > ALIKE
        second = others[alike[alike.sum(axis=1).argmax()]]
        features["second_shape_fraction"] = len(second) / len(beats.sample)
        second = beats.sample[second]
        features["second_shape_prematurity"] = nan_median(prematurity[second])
        features["second_shape_QRS_duration_ms"] = nan_median(qrs[second])
    if not np.isnan(prematurity).all():
        early = int(np.nanargmin(prematurity))
        features |= {
            **_timing("premature", beats, early),
            "premature_deviation": deviation[early],
            "premature_correlation": nan_mean(beats.correlation[:, early]),
            "premature_P_ratio": _p_ratio(beats, early),
            "premature_P_correlation": beats.p_correlation[early],
        }
    return features


def lead_shape_features(beats):
    """Describe the main and the most different beat in each lead; values of shape (n_leads,)."""
    odd = int(beats.oddness.argmax())
    scale = np.ptp(beats.main_beat[:, BEFORE - 25 : BEFORE + 41], axis=-1)[:, np.newaxis]
    main, different = beats.main_beat / scale, beats.windows[:, odd] / scale
    main = main - main[:, BEFORE - 25 : BEFORE - 10].mean(axis=1, keepdims=True)
    different = different - different[:, BEFORE - 35 : BEFORE - 15].mean(axis=1, keepdims=True)
    qrs = slice(BEFORE - 20, BEFORE + 31)
    area = np.abs(main[:, qrs]).sum(axis=1)
    alike = quantiles(beats.correlation, (0.0, 0.1, 0.5))
    apart = quantiles(beats.deviation, (0.5, 0.9, 1.0))
    features = {
        "correlation_min": alike[0],
        "correlation_q10": alike[1],
        "correlation_median": alike[2],
        "deviation_median": apart[0],
        "deviation_q90": apart[1],
        "deviation_max": apart[2],
        "odd_size_ratio": np.ptp(different[:, qrs], axis=1),
        "odd_area_ratio": np.abs(different[:, qrs]).sum(axis=1) / area,
    }
    for time, column in zip(MAIN_TIMES_MS, _columns(MAIN_TIMES_MS), strict=True):
        features[f"main_beat_at_{time}ms"] = main[:, column]
    for time, column in zip(ODD_TIMES_MS, _columns(ODD_TIMES_MS), strict=True):
        features[f"odd_beat_at_{time}ms"] = different[:, column]
    return features


def _timing(prefix, beats, beat):
    return {
        f"{prefix}_RR_after_ratio": beats.rr_after[beat],
        f"{prefix}_QRS_duration_ms": beats.qrs_ms[beat],
        f"{prefix}_QRS_widening_ms": beats.qrs_ms[beat] - beats.usual_qrs_ms,
    }


def _share_of_known(values, is_so):
    known = values[~np.isnan(values)]
    return is_so(known).mean() if len(known) else np.nan


def _p_ratio(beats, beat):
    """Return the energy in a beat's P region divided by that of the main beat."""

    def energy(window):
        part = window[beats.shown[:, beat], P_REGION]
        return ((part - part.mean(axis=1, keepdims=True)) ** 2).sum()

    return energy(beats.windows[:, beat]) / energy(beats.main_beat)


def _n_shapes(similarity):
    """Count shapes: remove all beats like the most common one, and repeat."""
    left = np.ones(len(similarity), dtype=bool)
    shapes = 0
    while left.any():
        alike = (similarity > ALIKE) & left
        left &= ~alike[np.where(left, alike.sum(axis=1), -1).argmax()]
        shapes += 1
    return shapes

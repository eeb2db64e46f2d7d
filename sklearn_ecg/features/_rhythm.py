"""Features of the rhythm: the times of the beats alone."""

import numpy as np

UNITS = {
    "n_beats": "",
    "heart_rate_bpm": "bpm",
    "RR_mean_ms": "ms",
    "RR_median_ms": "ms",
    "RR_SD_ms": "ms",
    "RR_RMSSD_ms": "ms",
    "RR_range_ms": "ms",
    "RR_CV": "",
    "RR_pNN50": "",
    "RR_irregularity": "",
    "RR_entropy": "",
    "RR_lag1_correlation": "",
    "RR_shortest_ratio": "",
    "RR_longest_ratio": "",
    "RR_after_shortest_ratio": "",
    "RR_pair_ratio": "",
    "premature_fraction": "",
    "pause_fraction": "",
}


def rhythm_features(beats):
    """Measure the intervals between beats; needs two beats, for variability three."""
    features = {"n_beats": len(beats)}
    if len(beats) < 2:
        return features
    rr = beats.rr_ms
    mean, median = rr.mean(), np.median(rr)
    features.update(
        heart_rate_bpm=60_000 / mean,
        RR_mean_ms=mean,
        RR_median_ms=median,
    )
    if len(beats) < 3:
        return features
    change = np.diff(rr)
    shortest = int(rr.argmin())
    features.update(
        RR_SD_ms=rr.std(ddof=1),
        RR_RMSSD_ms=np.sqrt(np.mean(change**2)),
        RR_range_ms=np.ptp(rr),
        RR_CV=rr.std(ddof=1) / mean,
        RR_pNN50=np.mean(np.abs(change) > 50),
        RR_irregularity=np.mean(np.abs(change)) / mean,
        RR_entropy=_entropy(rr / median),
        RR_shortest_ratio=rr[shortest] / median,
        RR_longest_ratio=rr.max() / median,
        premature_fraction=np.mean(rr < 0.85 * median),
        pause_fraction=np.mean(rr > 1.3 * median),
    )
    if shortest + 1 < len(rr):
        # A premature ventricular beat and its pause together last two intervals; a premature
        # atrial beat resets the sinus node, and the pair is shorter.
        features.update(
            RR_after_shortest_ratio=rr[shortest + 1] / median,
            RR_pair_ratio=(rr[shortest] + rr[shortest + 1]) / (2 * median),
        )
    if len(rr) > 3 and rr.std() > 0:
        centred = rr - mean
        features["RR_lag1_correlation"] = (centred[1:] @ centred[:-1]) / (centred @ centred)
    return features


def _entropy(ratios):
    """Entropy in bits of the intervals over their median, in steps of a tenth."""
    counts = np.bincount(np.clip(np.round(10 * ratios), 0, 30).astype(int))
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum())

"""Features of the rhythm, from the times of the beats."""

import numpy as np


def rhythm_features(beats):
    """Measure the intervals between beats; intervals need two beats, variability three."""
    features = {"n_beats": len(beats.all_r_peaks)}
    rr = beats.rr_ms
    known = ~np.isnan(rr)
    if not known.any():
        return features
    change = np.diff(rr)
    follow = ~np.isnan(change)
    after = np.append(rr[1:], np.nan)[known]
    rr, change = rr[known], change[follow]
    mean, median = rr.sum() / len(rr), _median(rr)
    features.update(
        heart_rate_bpm=60_000 / mean,
        RR_mean_ms=mean,
        RR_median_ms=median,
    )
    if not len(change):
        return features
    size = np.abs(change)
    shortest = int(rr.argmin())
    deviation = np.sqrt(((rr - mean) ** 2).sum() / (len(rr) - 1))
    features.update(
        RR_SD_ms=deviation,
        RR_RMSSD_ms=np.sqrt((change**2).sum() / len(change)),
        RR_range_ms=rr.max() - rr[shortest],
        RR_CV=deviation / mean,
        RR_pNN50=np.count_nonzero(size > 50) / len(size),
        RR_irregularity=size.sum() / len(size) / mean,
        RR_change_median_ratio=_median(size) / median,
        RR_entropy=_entropy(rr / median),
        RR_shortest_ratio=rr[shortest] / median,
        RR_longest_ratio=rr.max() / median,
        premature_fraction=np.count_nonzero(rr < 0.85 * median) / len(rr),
        pause_fraction=np.count_nonzero(rr > 1.3 * median) / len(rr),
        # A premature ventricular beat and its pause last two intervals together. A premature
        # atrial beat resets the sinus node, so the pair is shorter.
        RR_after_shortest_ratio=after[shortest] / median,
        RR_pair_ratio=(rr[shortest] + after[shortest]) / (2 * median),
    )
    if len(change) > 2 and deviation > 0:
        features["RR_lag1_correlation"] = _lag1_correlation(beats.rr_ms - mean)
    return features


def _median(values):
    ordered = np.sort(values)
    middle = len(values) // 2
    return ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _lag1_correlation(centred):
    """Return the correlation of each interval with the next, over the known ones."""
    return np.nansum(centred[1:] * centred[:-1]) / np.nansum(centred**2)


def _entropy(ratios):
    """Return the entropy in bits of the intervals divided by their median, in steps of 0.1."""
    counts = np.bincount(np.clip(np.round(10 * ratios), 0, 30).astype(int))
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum())

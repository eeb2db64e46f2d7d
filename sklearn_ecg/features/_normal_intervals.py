"""Features of heart rate variability: of the intervals between normal beats alone."""

import numpy as np

_PREMATURE = 0.85  # of the usual interval: what comes earlier is no beat of the sinus node
_FEWEST = 3


def normal_interval_features(beats):
    """Measure the intervals between beats of the main shape of which neither is premature.

    An ectopic beat, wide or not, costs the interval before it and the pause after it, and no change
    is taken across them. What rests on fewer than three intervals or changes is NaN.

    Parameters
    ----------
    beats : HeartBeats
    """
    is_whole = beats.is_whole  # the shape of the others is unknown
    is_normal = is_whole.copy()
    # Where the prematurity is unknown, as of the first beat, nothing speaks against it.
    is_normal[is_whole] = beats.is_main & ~(beats.prematurity < _PREMATURE)
    judged = is_whole[1:] & is_whole[:-1] & ~np.isnan(beats.rr_ms)
    nn = np.where(judged & is_normal[1:] & is_normal[:-1], beats.rr_ms, np.nan)
    change = np.diff(nn)
    nn, change = nn[~np.isnan(nn)], change[~np.isnan(change)]
    features = dict.fromkeys(("NN_mean_ms", "NN_SD_ms", "NN_RMSSD_ms", "NN_pNN50"), np.nan)
    features["NN_fraction"] = len(nn) / judged.sum()
    if len(nn) >= _FEWEST:
        features |= {"NN_mean_ms": nn.mean(), "NN_SD_ms": nn.std(ddof=1)}
    if len(change) >= _FEWEST:
        features["NN_RMSSD_ms"] = np.sqrt((change**2).mean())
        features["NN_pNN50"] = np.count_nonzero(np.abs(change) > 50) / len(change)
    return features

"""Features of heart rate variability, from the intervals between normal beats."""

import numpy as np

_PREMATURE = 0.85  # of the usual interval: an earlier beat does not come from the sinus node
_FEWEST = 3


def normal_interval_features(beats):
    """Measure the intervals between two beats of the main shape, neither of them premature.

    An ectopic beat, wide or not, removes the interval before it and the pause after it, and the
    changes across them. Features of fewer than three intervals or changes are NaN.

    Parameters
    ----------
    beats : HeartBeats
    """
    is_whole = beats.is_whole  # the shape of the others is unknown
    is_normal = is_whole.copy()
    # A beat of unknown prematurity, such as the first, counts as normal.
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

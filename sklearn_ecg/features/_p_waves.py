"""P waves that no QRS complex follows."""

import numpy as np

from sklearn_ecg.features._heart_beats import P_REGION, WORKING_RATE
from sklearn_ecg.features._statistics import nan_median

_HALF_S = 0.08  # of the piece of signal that is compared with the usual P wave
_ALIKE = 0.92
_SIZES = (0.6, 1.6)  # of the usual P wave
_AFTER_T_S = 0.06
_LEAST_CORRELATION = 0.7  # of the beats' P regions with the usual one, without which there is none
_BEFORE_QRS_S = 0.32  # a P wave nearer to the next QRS is that beat's own


def p_waves_per_beat(beats, p_present):
    """Count P waves, each beat's own and those in pauses, over beats.

    The usual P wave, weighted over the leads by its size in each, is looked for between the end
    of T and the next beat's own P wave.

    Parameters
    ----------
    beats : HeartBeats
    p_present : ndarray of bool of shape (n_leads, n_beats)

    Returns
    -------
    float
        NaN where fewer than half of the beats have a P wave, or the waves are not alike.
    """
    # A beat has a P wave if a third of its leads shows it: in the others it may be too flat.
    share = (p_present.sum(axis=0) >= beats.shown.sum(axis=0) / 3).mean()
    if share < 0.5 or nan_median(beats.p_correlation) < _LEAST_CORRELATION:
        return np.nan
    start = nan_median(beats.waves["t_offset"], axis=0) + _AFTER_T_S * WORKING_RATE
    end = beats.next_r_peaks - _BEFORE_QRS_S * WORKING_RATE
    room = end - start > 2 * _HALF_S * WORKING_RATE
    if not room.any():
        return share
    template, weights = _usual_p_wave(beats.main_beat)
    alike = _matches(weights @ beats.filtered, template)
    extra = sum(
        np.count_nonzero(alike[int(first) : int(last) - len(template)])
        for first, last in zip(start[room], end[room], strict=True)
    )
    return share + extra / len(beats)


def _usual_p_wave(main_beat):
    """Return the main beat's P wave in one weighted sum of the leads, and the weights."""
    main_beat = np.where(np.isnan(main_beat), 0, main_beat)
    region = main_beat[:, P_REGION] - main_beat[:, P_REGION].mean(axis=1, keepdims=True)
    peak = (region**2).sum(axis=0).argmax()
    weights = region[:, peak] / np.linalg.norm(region[:, peak])
    half = int(_HALF_S * WORKING_RATE)
    first = max(0, P_REGION.start + peak - half)
    return weights @ main_beat[:, first : P_REGION.start + peak + half + 1], weights


def _matches(signal, template):
    """Return where a piece of the signal begins to be like the template in shape and size."""
    signal, template = signal.astype(np.float64), template.astype(np.float64)
    template = template - template.mean()
    product = np.correlate(signal, template, mode="valid")
    total, squares = (np.append(0, np.cumsum(part)) for part in (signal, signal**2))
    n = len(template)
    mean = (total[n:] - total[:-n]) / n
    energy = squares[n:] - squares[:-n] - n * mean**2
    size = product / (template @ template)
    alike = product / np.sqrt(np.maximum(energy, 0) * (template @ template))
    found = (alike > _ALIKE) & (size > _SIZES[0]) & (size < _SIZES[1])
    return found & ~np.append(False, found[:-1])

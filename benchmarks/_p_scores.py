"""Which beats have a P wave, and which P waves were found, over all leads of a record."""

import numpy as np

LEAST_SHARE = 1 / 3  # of the leads that must show a P wave
_LONGEST = 0.5  # s from a P wave's peak to the R peak that it belongs to


def share_with_p(r_peaks, p_peaks, sampling_rate):
    """Return the share of a record's beats that have a P wave in a third of its leads or more.

    A P wave belongs to the next beat, if that follows within 500 ms.

    Parameters
    ----------
    r_peaks : ndarray of shape (n_beats,)
        Samples in ascending order.
    p_peaks : list of ndarray
        The samples of the P peaks of each lead.
    sampling_rate : float
        Hz.

    Returns
    -------
    float
        0 where there are no beats.
    """
    if not len(r_peaks):
        return 0.0
    start = np.maximum(r_peaks - _LONGEST * sampling_rate, np.r_[-np.inf, r_peaks[:-1]])
    has_p = [
        ((own > start[:, np.newaxis]) & (own < r_peaks[:, np.newaxis])).any(axis=1)
        for own in p_peaks
    ]
    return float((np.mean(has_p, axis=0) >= LEAST_SHARE).mean())


def found_in_leads(true_peaks, p_peaks, tolerance):
    """Return of each true P peak whether a third of the leads or more show one so close to it."""
    near = [
        (np.abs(own - np.asarray(true_peaks)[:, np.newaxis]) <= tolerance).any(axis=1)
        for own in p_peaks
    ]
    return np.mean(near, axis=0) >= LEAST_SHARE

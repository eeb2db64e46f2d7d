"""Gaps in signals: where they are, and straight lines across them."""

import numpy as np
from scipy import ndimage

_SHORT_S = 0.01  # a gap of so little, or of one sample, hides no wave: a straight line does


def fill_gaps(signals, finite=None):
    """Draw straight lines across what is missing, and hold the values beside it at the ends.

    Parameters
    ----------
    signals : ndarray of float of shape (..., n_times)
        NaN and infinity mark what is missing.
    finite : ndarray of bool of shape (..., n_times), default=None
        Where they are finite, if that is known.

    Returns
    -------
    ndarray of shape (..., n_times)
        Of the same type: the signals themselves where there are no gaps, else a copy. What has no
        finite sample is 0.
    """
    finite = np.isfinite(signals) if finite is None else finite
    whole = finite.all(axis=-1)
    if whole.all():
        return signals
    filled = np.where(finite, signals, 0)
    times = np.arange(signals.shape[-1])
    for lead in zip(*np.nonzero(~whole & finite.any(axis=-1)), strict=True):
        known = finite[lead]
        filled[lead] = np.interp(times, times[known], signals[lead][known])
    return filled


def recorded_or_short(finite, sampling_rate):
    """Return where there are samples, or gaps too short to matter.

    Parameters
    ----------
    finite : ndarray of bool of shape (..., n_times)
    sampling_rate : float

    Returns
    -------
    ndarray of bool of shape (..., n_times)
    """
    longest = max(1, int(_SHORT_S * sampling_rate))
    window = np.ones((1,) * (finite.ndim - 1) + (longest + 1,))
    return finite | ndimage.binary_closing(finite, window, border_value=1)


def across_gaps(function, signals, sampling_rate, *, new_rate=None):
    """Apply a function to signals as if they had no gaps, and leave missing what was not recorded.

    Parameters
    ----------
    function : callable
        Takes and returns an array of shape (..., n_times).
    signals : ndarray of shape (..., n_times)
        NaN marks what is missing. Gaps up to 10 ms, or of one sample, are filled for good.
    sampling_rate : float
        Hz.
    new_rate : float, default=None
        Of what the function returns; by default the same.

    Returns
    -------
    ndarray of shape (..., n_times_new)
    """
    finite = np.isfinite(signals)
    if finite.all():
        return function(signals)
    result = function(fill_gaps(signals, finite))
    recorded = recorded_or_short(finite, sampling_rate)
    times = np.arange(result.shape[-1]) * (sampling_rate / (new_rate or sampling_rate))
    places = np.minimum(np.round(times).astype(np.intp), finite.shape[-1] - 1)
    return np.where(recorded[..., places], result, np.nan).astype(result.dtype, copy=False)

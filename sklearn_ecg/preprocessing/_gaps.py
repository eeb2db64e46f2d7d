"""Find and bridge gaps in signals."""

import numpy as np
from scipy import ndimage

_SHORT_S = 0.01  # a shorter gap, or one of a single sample, cannot hide a wave


def fill_gaps(signals, finite=None):
    """Fill gaps with straight lines; at the ends, repeat the value beside the gap.

    Parameters
    ----------
    signals : ndarray of float of shape (..., n_times)
        NaN and infinity are missing samples.
    finite : ndarray of bool of shape (..., n_times), default=None
        The mask of finite samples, if it is known.

    Returns
    -------
    ndarray of shape (..., n_times)
        It has the same type; the same array if there are no gaps. Signals without finite samples
        are 0.
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
    """Return a mask of recorded samples and of gaps that are too short to matter.

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
    """Fill gaps, apply a function, and set the gaps to NaN again.

    Parameters
    ----------
    function : callable
        Takes and returns an array of shape (..., n_times).
    signals : ndarray of shape (..., n_times)
        NaN is missing. Gaps of at most 10 ms, or of one sample, stay filled.
    sampling_rate : float
        Samples per second (Hz).
    new_rate : float, default=None
        Sampling rate of the function's result in Hz; by default the same.

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

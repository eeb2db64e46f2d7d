"""Check one record, given as a plain array."""

import numbers

import numpy as np


def check_signal(signal, sampling_rate):
    """Return one record as a float64 array of shape (n_leads, n_times)."""
    if np.ma.isMaskedArray(signal):
        signal = np.ma.filled(signal.astype(np.float64), np.nan)
    signal = np.atleast_2d(np.asarray(signal))
    if signal.ndim != 2 or signal.dtype.kind not in "fiu":
        raise ValueError(
            "signal must be one record: numbers in mV of shape (n_leads, n_times) or (n_times,); "
            f"got an array of {signal.dtype} of shape {signal.shape}."
        )
    n_leads, n_times = signal.shape
    if n_leads > n_times:
        raise ValueError(
            f"signal has more leads ({n_leads}) than samples ({n_times}); it must have the shape "
            "(n_leads, n_times). If times and leads are swapped, pass signal.T."
        )
    if not isinstance(sampling_rate, numbers.Real) or not 0 < sampling_rate < np.inf:
        raise ValueError(
            f"sampling_rate must be a positive number of samples per second; got {sampling_rate!r}."
        )
    return signal.astype(np.float64)


def check_r_peaks(r_peaks, n_times, name="r_peaks"):
    """Return the R peaks of one record as a float64 array."""
    r_peaks = np.asarray(r_peaks)
    if r_peaks.ndim != 1 or r_peaks.dtype.kind not in "iuf":
        raise ValueError(
            f"{name} must be an array of samples (also fractions) of shape (n_beats,); got an "
            f"array of {r_peaks.dtype} of shape {r_peaks.shape}."
        )
    r_peaks = r_peaks.astype(np.float64)
    if not np.isfinite(r_peaks).all():
        raise ValueError(f"{name} must be finite samples; got {r_peaks[~np.isfinite(r_peaks)][0]}.")
    if (np.diff(r_peaks) <= 0).any():
        first = np.flatnonzero(np.diff(r_peaks) <= 0)[0]
        raise ValueError(
            f"{name} must be in ascending order, without repeats; got {r_peaks[first]:g} before "
            f"{r_peaks[first + 1]:g}."
        )
    if len(r_peaks) and not 0 <= r_peaks[0] <= r_peaks[-1] <= n_times - 1:
        raise ValueError(
            f"{name} must lie in the record's {n_times} samples, counted from 0; got values from "
            f"{r_peaks[0]:g} to {r_peaks[-1]:g}. Give them in samples at the record's sampling "
            "rate, not in seconds."
        )
    return r_peaks

"""Zero-phase filtering in the frequency domain, of many signals at once."""

import numbers
from fractions import Fraction

import numpy as np
from scipy import fft

from sklearn_ecg.utils import plain_float

# Beyond these limits a parameter is probably given in another unit.
_SLOWEST_HZ = 1e-6
_MOST_MULTIPLES = 1000
# Largest ratio of two sampling rates.
_MOST_TIMES = 10_000
# After this time, in s times Hz of bandwidth, a step has no effect on a notch filter.
_NOTCH_MEMORY = 2.0


def bandpass(signals, sampling_rate, low=None, high=None, *, new_rate=None) -> np.ndarray:
    """Filter signals without a shift in time, and resample them in the same step.

    The gain at a frequency f is ``1 / (1 + (low / f)**4) / (1 + (f / high)**4)``. It is the gain of
    an analog Butterworth filter of second order, applied forwards and backwards: zero phase, and
    the same at every sampling rate. The ends are extended by reflection.

    Parameters
    ----------
    signals : ndarray of shape (..., n_times)
        Finite values. NaN would spread over its whole lead: fill gaps with `GapFiller`, or use
        `BandpassFilter`, which bridges them.
    sampling_rate : float
        Samples per second (Hz).
    low, high : float, default=None
        Edges of the pass band in Hz; None leaves that side open. `low` must be below half the
        sampling rate.
    new_rate : float, default=None
        Sampling rate of the result in Hz; by default that of the signals.

    Returns
    -------
    ndarray of shape (..., n_times_new)
        ``n_times_new = ceil(n_times * new_rate / sampling_rate)``.

    Raises
    ------
    ValueError
        If a parameter is out of its range, or the signals are not numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.preprocessing import bandpass
    >>> times = np.arange(1000) / 250
    >>> drift, beat = np.sin(2 * np.pi * 0.05 * times), np.sin(2 * np.pi * 10 * times)
    >>> filtered = bandpass(drift + beat, 250, low=0.5, high=40)
    >>> bool(np.abs(filtered - beat)[250:-250].max() < 0.02)
    True
    """
    signals = _as_float(signals)
    check_rate(sampling_rate)
    check_band(low, high, sampling_rate)
    ratio = resampling_ratio(sampling_rate, sampling_rate if new_rate is None else new_rate)
    n_times = signals.shape[-1]
    n_pad = min(n_times - 1, int(np.ceil(sampling_rate * (1.5 / low if low else 0.5))))
    # The padding before is a whole number of new samples, so that time zero stays in place.
    n_pad -= n_pad % ratio.denominator
    n_padded = ratio.denominator * fft.next_fast_len(
        -(-(n_times + 2 * n_pad) // ratio.denominator), real=True
    )
    padded = _reflect(signals, n_pad, n_padded)
    n_new = int(n_padded * ratio)
    spectrum = fft.rfft(padded, axis=-1)[..., : n_new // 2 + 1]
    frequencies = np.arange(spectrum.shape[-1]) * (sampling_rate / n_padded)
    gain = _gain(frequencies, low, high)
    if ratio < 1:
        gain[n_new // 2 :] = 0
    spectrum *= gain.astype(signals.dtype) * signals.dtype.type(ratio)
    filtered = fft.irfft(spectrum, n_new, axis=-1)
    start = int(n_pad * ratio)
    return filtered[..., start : start + -int(-n_times * ratio // 1)]


def notch(signals, sampling_rate, frequency, bandwidth=2.0, *, n_harmonics=None) -> np.ndarray:
    """Remove one frequency and its multiples, without a shift in time.

    The gain near each multiple f0 is ``(f**2 - f0**2)**2 / ((f**2 - f0**2)**2 + (f *
    bandwidth)**2)``, that of an analog notch filter of second order, applied forwards and
    backwards. The best fit of sine waves is subtracted first, which changes only the ends: there a
    reflected sine wave has another phase, and would remain.

    Parameters
    ----------
    signals : ndarray of shape (..., n_times)
        Finite values. NaN would spread over its whole lead: fill gaps with `GapFiller`, or use
        `PowerlineFilter`, which bridges them.
    sampling_rate : float
        Samples per second (Hz).
    frequency : float
        The frequency in Hz, below half the sampling rate.
    bandwidth : float, default=2.0
        Width in Hz of the band in which the gain is below one half.
    n_harmonics : int, default=None
        Number of multiples, including the frequency itself; by default all below half the sampling
        rate.

    Returns
    -------
    ndarray of shape (..., n_times)

    Raises
    ------
    ValueError
        If a parameter is out of its range, or the signals are not numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.preprocessing import notch
    >>> times = np.arange(1000) / 500
    >>> beat, hum = np.sin(2 * np.pi * 10 * times), np.sin(2 * np.pi * 50 * times)
    >>> bool(np.abs(notch(beat + hum, 500, 50) - beat).max() < 0.02)
    True
    """
    signals = _as_float(signals)
    check_rate(sampling_rate)
    multiples = _multiples(sampling_rate, frequency, bandwidth, n_harmonics)
    n_times = signals.shape[-1]
    signals = signals - _steady_part(signals, multiples / sampling_rate)
    n_pad = int(min(n_times - 1, np.ceil(sampling_rate * _NOTCH_MEMORY / bandwidth)))
    n_padded = fft.next_fast_len(n_times + 2 * n_pad, real=True)
    spectrum = fft.rfft(_reflect(signals, n_pad, n_padded), axis=-1)
    frequencies = np.arange(spectrum.shape[-1]) * (sampling_rate / n_padded)
    for multiple in multiples:
        distance = (frequencies**2 - multiple**2) ** 2
        spectrum *= (distance / (distance + (frequencies * bandwidth) ** 2)).astype(signals.dtype)
    return fft.irfft(spectrum, n_padded, axis=-1)[..., n_pad : n_pad + n_times]


def check_band(low, high, sampling_rate=None):
    """Check that two edges in Hz make a band; None is an open side."""
    for name, edge in (("low", low), ("high", high)):
        if edge is not None:
            _check_frequency(edge, name)
    if low is not None and high is not None and low >= high:
        raise ValueError(f"low={low:g} must be below high={high:g}.")
    if low is not None and sampling_rate is not None and low >= sampling_rate / 2:
        raise ValueError(
            f"low={low:g} Hz must be below half the sampling rate, {sampling_rate / 2:g} Hz; else "
            "the filter would remove everything."
        )


def check_rate(rate, name="sampling_rate"):
    """Check that a rate is a positive number of Hz."""
    if not isinstance(rate, numbers.Real) or not 0 < rate < np.inf:
        raise ValueError(f"{name} must be a positive number of samples per second; got {rate!r}.")


def _check_frequency(frequency, name):
    if not isinstance(frequency, numbers.Real) or not _SLOWEST_HZ <= frequency < np.inf:
        raise ValueError(
            f"{name} must be a positive number of Hz, of at least {_SLOWEST_HZ:g}; got "
            f"{frequency!r}."
        )


def resampling_ratio(sampling_rate, new_rate):
    """Return the ratio of a new rate to an old one, as a fraction with small numbers.

    Parameters
    ----------
    sampling_rate, new_rate : float
        Hz.

    Returns
    -------
    Fraction

    Raises
    ------
    ValueError
        If the ratio is too large or too small.
    """
    check_rate(sampling_rate)
    check_rate(new_rate, "new_rate")
    if not 1 / _MOST_TIMES <= new_rate / sampling_rate <= _MOST_TIMES:
        raise ValueError(
            f"Signals of {sampling_rate:g} Hz cannot be brought to {new_rate:g} Hz: one rate is "
            f"more than {_MOST_TIMES} times the other. Give both in samples per second."
        )
    return Fraction(float(new_rate / sampling_rate)).limit_denominator(10_000)


def _multiples(sampling_rate, frequency, bandwidth, n_harmonics):
    """Return the frequencies to remove; check the parameters."""
    nyquist = sampling_rate / 2
    _check_frequency(frequency, "frequency")
    _check_frequency(bandwidth, "bandwidth")
    if frequency >= nyquist:
        raise ValueError(
            f"frequency={frequency:g} Hz must be below half the sampling rate, {nyquist:g} Hz; "
            "the signals cannot hold a higher one."
        )
    if n_harmonics is not None and not (
        isinstance(n_harmonics, numbers.Integral) and n_harmonics > 0
    ):
        raise ValueError(f"n_harmonics must be a positive integer, or None; got {n_harmonics!r}.")
    n_all = int(min(np.ceil(nyquist / frequency) - 1, 2**31))
    n_multiples = n_all if n_harmonics is None else min(n_harmonics, n_all)
    if n_multiples > _MOST_MULTIPLES:
        raise ValueError(
            f"frequency={frequency:g} Hz has {n_multiples} multiples below half the sampling rate, "
            f"{nyquist:g} Hz; at most {_MOST_MULTIPLES} are allowed. Give the mains frequency in "
            "Hz, 50 or 60, or fewer n_harmonics."
        )
    widest = frequency if n_multiples > 1 else nyquist
    if bandwidth >= widest:
        raise ValueError(
            f"bandwidth={bandwidth:g} Hz must be below {widest:g} Hz; else the filter would remove "
            "everything."
        )
    return np.arange(1, n_multiples + 1) * frequency


def _as_float(signals):
    """Return signals as floats; refuse other types and empty signals."""
    signals = np.asarray(signals)
    if not signals.ndim or not signals.shape[-1] or signals.dtype.kind not in "biuf":
        raise ValueError(
            "signals must be numbers of shape (..., n_times) with at least one sample; got an "
            f"array of {signals.dtype} of shape {signals.shape}."
        )
    return plain_float(signals)


def _steady_part(signals, cycles_per_sample):
    """Return the least-squares fit of sine waves with given frequencies to each signal."""
    angles = 2 * np.pi * np.outer(np.arange(signals.shape[-1]), cycles_per_sample)
    basis, _ = np.linalg.qr(np.hstack([np.cos(angles), np.sin(angles)]))
    basis = basis.astype(signals.dtype)
    return (signals @ basis) @ basis.T


def _reflect(signals, n_pad, n_padded):
    """Add `n_pad` mirrored samples before, and more after, up to `n_padded`."""
    n_times = signals.shape[-1]
    mirrored = signals[..., ::-1]
    n_periods = -(-(n_padded - n_pad) // (2 * n_times))
    parts = [mirrored[..., n_times - n_pad :], *[signals, mirrored] * n_periods]
    return np.concatenate(parts, axis=-1)[..., :n_padded]


def _gain(frequencies, low, high):
    """Return the gain of a Butterworth filter of second order, applied twice."""
    gain = np.ones(len(frequencies))
    if low:
        power = np.square(np.square(frequencies / low))
        gain *= power / (1 + power)
    if high:
        gain /= 1 + np.square(np.square(frequencies / high))
    return gain

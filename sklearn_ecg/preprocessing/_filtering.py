"""Zero-phase filtering in the frequency domain, for whole stacks of signals at once."""

from fractions import Fraction

import numpy as np
from scipy import fft

# Seconds times Hz of bandwidth after which a notch filter has forgotten a step.
_NOTCH_MEMORY = 2.0


def bandpass(signals, sampling_rate, low=None, high=None, *, new_rate=None):
    """Filter signals without shifting them in time, and resample them in the same step.

    The gain at a frequency f is that of an analog Butterworth filter of second order applied
    forwards and backwards, ``1 / (1 + (low / f)**4) / (1 + (f / high)**4)``: zero phase, and the
    same at every sampling rate. The ends are extended by reflection.

    Parameters
    ----------
    signals : ndarray of shape (..., n_times)
        Finite values: NaN spreads over its whole lead. `GapFiller` fills gaps, and
        `BandpassFilter` bridges them.
    sampling_rate : float
        Hz.
    low, high : float, default=None
        Edges of the pass band in Hz; None leaves that side open.
    new_rate : float, default=None
        Sampling rate of the result in Hz; by default that of the signals.

    Returns
    -------
    ndarray of shape (..., n_times_new)
        ``n_times_new = ceil(n_times * new_rate / sampling_rate)``.

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
    check_band(low, high)
    signals = _as_float(signals)
    ratio = Fraction(1 if new_rate is None else new_rate / sampling_rate).limit_denominator(10_000)
    n_times = signals.shape[-1]
    n_pad = min(n_times - 1, int(np.ceil(sampling_rate * (1.5 / low if low else 0.5))))
    # The padding in front holds whole samples of the new rate, so that time zero stays in place.
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


def notch(signals, sampling_rate, frequency, bandwidth=2.0, *, n_harmonics=None):
    """Remove one frequency and its multiples, without shifting anything in time.

    The gain around each multiple f0 is that of an analog notch filter of second order applied
    forwards and backwards, ``(f**2 - f0**2)**2 / ((f**2 - f0**2)**2 + (f * bandwidth)**2)``. What
    is steady over the whole signal is subtracted beforehand, which changes nothing but the ends:
    there a reflected sine wave would be out of step, and remain.

    Parameters
    ----------
    signals : ndarray of shape (..., n_times)
        Finite values: NaN spreads over its whole lead. `GapFiller` fills gaps, and
        `PowerlineFilter` bridges them.
    sampling_rate : float
        Hz.
    frequency : float
        Hz; must lie below half the sampling rate.
    bandwidth : float, default=2.0
        Width in Hz of the band of which less than half the amplitude passes.
    n_harmonics : int, default=None
        How many multiples, the first being the frequency itself; by default all below half the
        sampling rate.

    Returns
    -------
    ndarray of shape (..., n_times)

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.preprocessing import notch
    >>> times = np.arange(1000) / 500
    >>> beat, hum = np.sin(2 * np.pi * 10 * times), np.sin(2 * np.pi * 50 * times)
    >>> bool(np.abs(notch(beat + hum, 500, 50) - beat).max() < 0.02)
    True
    """
    if frequency >= sampling_rate / 2:
        raise ValueError(
            f"frequency={frequency:g} Hz must be below half the sampling rate, "
            f"{sampling_rate / 2:g} Hz: such signals cannot hold it."
        )
    signals = _as_float(signals)
    multiples = np.arange(frequency, sampling_rate / 2, frequency)[:n_harmonics]
    n_times = signals.shape[-1]
    signals = signals - _steady_part(signals, multiples / sampling_rate)
    n_pad = min(n_times - 1, int(np.ceil(sampling_rate * _NOTCH_MEMORY / bandwidth)))
    n_padded = fft.next_fast_len(n_times + 2 * n_pad, real=True)
    spectrum = fft.rfft(_reflect(signals, n_pad, n_padded), axis=-1)
    frequencies = np.arange(spectrum.shape[-1]) * (sampling_rate / n_padded)
    for multiple in multiples:
        distance = (frequencies**2 - multiple**2) ** 2
        spectrum *= (distance / (distance + (frequencies * bandwidth) ** 2)).astype(signals.dtype)
    return fft.irfft(spectrum, n_padded, axis=-1)[..., n_pad : n_pad + n_times]


def check_band(low, high):
    """Say so if no band lies between two edges in Hz, of which None is open."""
    if low is not None and high is not None and low >= high:
        raise ValueError(f"low={low:g} must be below high={high:g}.")


def _as_float(signals):
    signals = np.asarray(signals)
    return signals if signals.dtype.kind == "f" else signals.astype(np.float64)


def _steady_part(signals, cycles_per_sample):
    """Return the least-squares fit of sine waves of given frequencies to each signal."""
    angles = 2 * np.pi * np.outer(np.arange(signals.shape[-1]), cycles_per_sample)
    basis, _ = np.linalg.qr(np.hstack([np.cos(angles), np.sin(angles)]))
    basis = basis.astype(signals.dtype)
    return (signals @ basis) @ basis.T


def _reflect(signals, n_pad, n_padded):
    """Put `n_pad` mirrored samples in front, and fill up behind."""
    n_times = signals.shape[-1]
    mirrored = signals[..., ::-1]
    n_periods = -(-(n_padded - n_pad) // (2 * n_times))
    parts = [mirrored[..., n_times - n_pad :], *[signals, mirrored] * n_periods]
    return np.concatenate(parts, axis=-1)[..., :n_padded]


def _gain(frequencies, low, high):
    """Return the gain of two passes of a Butterworth filter of second order."""
    gain = np.ones(len(frequencies))
    if low:
        power = np.square(np.square(frequencies / low))
        gain *= power / (1 + power)
    if high:
        gain /= 1 + np.square(np.square(frequencies / high))
    return gain

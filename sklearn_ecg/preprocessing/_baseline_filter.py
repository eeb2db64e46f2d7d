"""BaselineFilter: subtract the baseline."""

import numbers

import numpy as np
from scipy import ndimage

from sklearn_ecg.preprocessing._base import SignalTransformer
from sklearn_ecg.preprocessing._filtering import bandpass
from sklearn_ecg.preprocessing._gaps import across_gaps
from sklearn_ecg.utils import Interval

_POSITIVE = Interval(numbers.Real, 0, None, closed="neither")
# The baseline changes slowly, so medians at this low rate are exact enough, and fast.
_RATE = 100
_WAVE_BAND_HZ = 20.0
_LOWEST_RATE = 10
# A longer window is probably given in another unit than s.
_LONGEST_S = 60
# Breathing and movement are slower, ST segments are faster.
_BASELINE_HZ = 1.0


class BaselineFilter(SignalTransformer):
    """Subtract the baseline, found by medians, without a shift in time.

    A median over 200 ms removes QRS complexes and P waves, and a second one over 600 ms removes T
    waves. The rest, smoothed to below 1 Hz, is the baseline between the waves. The filter brings
    this baseline to zero. A high-pass filter brings the mean to zero, which includes the waves.

    Parameters
    ----------
    windows_s : tuple of float, default=(0.2, 0.6)
        Lengths of the medians in s, in their order; at most 60 s.
    sampling_rate : float, default=None
        Samples per second (Hz). Needed for plain arrays only; `ECGRecords` know their rate.

    See Also
    --------
    BandpassFilter : ``BandpassFilter(low=0.5, high=None)`` is a linear filter for the same job.

    Notes
    -----
    The medians are those of the paper, which does not smooth the baseline afterwards.

    References
    ----------
    de Chazal P, O'Dwyer M, Reilly RB. Automatic classification of heartbeats using ECG morphology
    and heartbeat interval features. IEEE Trans Biomed Eng 51(7):1196-1206 (2004).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import ECGRecords
    >>> from sklearn_ecg.preprocessing import BaselineFilter
    >>> times = np.arange(2500) / 250
    >>> beats = np.exp(-(((times % 1 - 0.5) / 0.01) ** 2))
    >>> wander = 2 + np.sin(2 * np.pi * 0.2 * times)
    >>> records = ECGRecords((beats + wander)[None, None], sampling_rate=250, lead_names=["II"])
    >>> filtered = BaselineFilter().fit_transform(records)
    >>> bool(np.abs(filtered.signals[0, 0] - beats).max() < 0.1)
    True
    """

    _parameter_constraints = {
        "windows_s": [tuple, list],
        "sampling_rate": [_POSITIVE, None],
    }

    def __init__(self, windows_s=(0.2, 0.6), *, sampling_rate=None):
        self.windows_s = windows_s
        self.sampling_rate = sampling_rate

    def _check_together(self):
        valid = [
            isinstance(window, numbers.Real) and 0 < window <= _LONGEST_S
            for window in self.windows_s
        ]
        if not valid or not all(valid):
            raise ValueError(
                f"windows_s must be positive numbers of s, of at most {_LONGEST_S}; got "
                f"{self.windows_s!r}."
            )

    def _transform_signals(self, signals, sampling_rate):
        if sampling_rate < _LOWEST_RATE:
            raise ValueError(
                f"sampling_rate={sampling_rate:g} Hz is too low to tell QRS complexes from the "
                f"baseline; at least {_LOWEST_RATE} Hz are needed. Give it in samples per second."
            )

        def take_off_baseline(whole):
            return whole - self._baseline(whole, sampling_rate)

        return across_gaps(take_off_baseline, signals, sampling_rate)

    def _baseline(self, signals, sampling_rate):
        baseline = bandpass(signals, sampling_rate, high=_WAVE_BAND_HZ, new_rate=_RATE)
        first, *others = self.windows_s
        # The first median mirrors the ends in time only, because they hold waves. Later steps also
        # mirror them in height, so that a rising baseline goes on rising.
        baseline = _median(baseline, first, reflect_type="even")
        for window in others:
            baseline = _median(baseline, window, reflect_type="odd")
        baseline = _extend(baseline, _RATE, reflect_type="odd")
        smooth = bandpass(baseline, _RATE, high=_BASELINE_HZ)[..., _RATE:]
        smooth = bandpass(smooth, _RATE, new_rate=sampling_rate)
        return smooth[..., : signals.shape[-1]]


def _median(signals, window_s, reflect_type):
    """Return running medians of signals at `_RATE`."""
    half = round(window_s * _RATE / 2)
    padded = _extend(signals, half, reflect_type)
    # SciPy's median is fast in one dimension only; the padding keeps the signals apart.
    medians = ndimage.median_filter(padded.ravel(), 2 * half + 1).reshape(padded.shape)
    return medians[..., half : half + signals.shape[-1]]


def _extend(signals, n_samples, reflect_type):
    widths = [(0, 0)] * (signals.ndim - 1) + [(n_samples, n_samples)]
    return np.pad(signals, widths, mode="reflect", reflect_type=reflect_type)

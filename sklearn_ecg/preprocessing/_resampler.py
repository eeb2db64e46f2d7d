"""Resampler: bring records to one sampling rate."""

import numbers

import numpy as np
from scipy.signal import resample_poly

from sklearn_ecg.preprocessing._base import SignalTransformer
from sklearn_ecg.preprocessing._filtering import check_rate, resampling_ratio
from sklearn_ecg.preprocessing._gaps import across_gaps
from sklearn_ecg.utils import Interval, empty_array, plain_float

_POSITIVE = Interval(numbers.Real, 0, None, closed="neither")


class Resampler(SignalTransformer):
    """Bring signals to another sampling rate, with a polyphase filter against aliasing.

    Parameters
    ----------
    new_rate : float
        The new sampling rate in Hz.
    sampling_rate : float, default=None
        Samples per second (Hz). Needed for plain arrays only; `ECGRecords` know their rate.

    See Also
    --------
    scipy.signal.resample_poly : The filter.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import ECGRecords
    >>> from sklearn_ecg.preprocessing import Resampler
    >>> Resampler(100).fit_transform(ECGRecords(np.zeros((3, 2, 5000)), sampling_rate=500))
    ECGRecords: 3 records, 2 leads, 10.0 s at 100 Hz
    """

    _parameter_constraints = {"new_rate": [_POSITIVE], "sampling_rate": [_POSITIVE, None]}

    def __init__(self, new_rate, *, sampling_rate=None):
        self.new_rate = new_rate
        self.sampling_rate = sampling_rate

    def _transform_signals(self, signals, sampling_rate):
        duration_s = signals.shape[-1] / sampling_rate
        check_rate(self.new_rate, "new_rate")
        if duration_s * self.new_rate < 1:
            raise ValueError(
                f"new_rate={self.new_rate:g} Hz leaves no sample of signals of {duration_s:g} s; "
                "give the rate in Hz, such as new_rate=250."
            )
        return resample(signals, sampling_rate, self.new_rate)

    def _new_rate(self, sampling_rate):
        return float(self.new_rate)


def resample(signals, sampling_rate, new_rate):
    """Bring signals of shape (..., n_times) to another rate; gaps stay NaN."""
    ratio = resampling_ratio(sampling_rate, new_rate)
    if ratio == 1:
        return signals

    n_new = -(-signals.shape[-1] * ratio.numerator // ratio.denominator)
    # This array is only a check of the size: SciPy would fail later, or fill all memory.
    empty_array((*signals.shape[:-1], n_new), np.float64, f"new_rate={new_rate:g} Hz")

    def at_new_rate(whole):
        whole = plain_float(whole)
        return resample_poly(whole, ratio.numerator, ratio.denominator, axis=-1, padtype="line")

    return across_gaps(at_new_rate, signals, sampling_rate, new_rate=new_rate)

"""FixedLength: crop or pad records to one length."""

import numbers

from sklearn_ecg.preprocessing._base import SignalTransformer
from sklearn_ecg.utils import Interval, StrOptions, empty_array

_POSITIVE = Interval(numbers.Real, 0, None, closed="neither")


class FixedLength(SignalTransformer):
    """Crop or pad every signal to one length, so that records of all lengths make one array.

    Parameters
    ----------
    n_times : int, default=None
        The new length in samples. Give either `n_times` or `duration_s`.
    duration_s : float, default=None
        The new length in seconds.
    align : {"start", "center", "end"}, default="center"
        The part of a longer signal that is kept, and the place of a shorter signal in its padding.
    pad_value : float, default=0.0
        The value of the padding in mV; ``nan`` marks it as missing.
    sampling_rate : float, default=None
        Samples per second (Hz). Needed only for `duration_s` with plain arrays.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import ECGRecords
    >>> from sklearn_ecg.preprocessing import FixedLength
    >>> records = ECGRecords([np.ones((2, 900)), np.ones((2, 1200))], sampling_rate=100)
    >>> FixedLength(duration_s=10).fit_transform(records)
    ECGRecords: 2 records, 2 leads, 10.0 s at 100 Hz
    """

    _parameter_constraints = {
        "n_times": [Interval(numbers.Integral, 1, None, closed="left"), None],
        "duration_s": [_POSITIVE, None],
        "align": [StrOptions({"start", "center", "end"})],
        "pad_value": [numbers.Real],
        "sampling_rate": [_POSITIVE, None],
    }

    def __init__(
        self, n_times=None, *, duration_s=None, align="center", pad_value=0.0, sampling_rate=None
    ):
        self.n_times = n_times
        self.duration_s = duration_s
        self.align = align
        self.pad_value = pad_value
        self.sampling_rate = sampling_rate

    def _check_together(self):
        if (self.n_times is None) == (self.duration_s is None):
            raise ValueError(
                "Exactly one of n_times and duration_s must be given; got "
                f"n_times={self.n_times!r} and duration_s={self.duration_s!r}."
            )

    def _needs_sampling_rate(self):
        return self.duration_s is not None

    def _transform_signals(self, signals, sampling_rate):
        n_new = self.n_times
        if n_new is None:
            # The limit avoids an overflow; `empty_array` then refuses the size.
            n_new = max(1, round(min(float(self.duration_s) * sampling_rate, 1e300)))
        surplus = signals.shape[-1] - n_new
        before = {"start": 0, "center": abs(surplus) // 2, "end": abs(surplus)}[self.align]
        if surplus >= 0:
            return signals[..., before : before + n_new]
        asked = f"{type(self).__name__}(n_times={self.n_times}, duration_s={self.duration_s})"
        padded = empty_array((*signals.shape[:-1], n_new), signals.dtype, asked)
        padded.fill(self.pad_value)
        padded[..., before : before + signals.shape[-1]] = signals
        return padded

"""BandpassFilter: remove baseline wander and high-frequency noise."""

import numbers

from sklearn_ecg.preprocessing._base import SignalTransformer
from sklearn_ecg.preprocessing._filtering import bandpass, check_band
from sklearn_ecg.preprocessing._gaps import across_gaps
from sklearn_ecg.utils import Interval

_POSITIVE = Interval(numbers.Real, 0, None, closed="neither")


class BandpassFilter(SignalTransformer):
    """Remove frequencies outside of a band, without a shift in time.

    Parameters
    ----------
    low : float, default=0.5
        Lower edge in Hz. None keeps all low frequencies and the mean.
    high : float, default=40.0
        Upper edge in Hz. None keeps all high frequencies.
    sampling_rate : float, default=None
        Samples per second (Hz). Needed for plain arrays only; `ECGRecords` know their rate.

    See Also
    --------
    bandpass : The function that filters, with the exact gain.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import ECGRecords
    >>> from sklearn_ecg.preprocessing import BandpassFilter
    >>> records = ECGRecords(np.full((1, 2, 500), 3.0), sampling_rate=100, lead_names=["I", "II"])
    >>> filtered = BandpassFilter(low=0.5, high=40).fit_transform(records)
    >>> filtered
    ECGRecords: 1 records, 2 leads (I, II), 5.0 s at 100 Hz
    >>> bool(abs(filtered.signals).max() < 1e-9)
    True
    """

    _parameter_constraints = {
        "low": [_POSITIVE, None],
        "high": [_POSITIVE, None],
        "sampling_rate": [_POSITIVE, None],
    }

    def __init__(self, low=0.5, high=40.0, *, sampling_rate=None):
        self.low = low
        self.high = high
        self.sampling_rate = sampling_rate

    def _check_together(self):
        check_band(self.low, self.high)

    def _transform_signals(self, signals, sampling_rate):
        def keep_band(whole):
            return bandpass(whole, sampling_rate, self.low, self.high)

        return across_gaps(keep_band, signals, sampling_rate)

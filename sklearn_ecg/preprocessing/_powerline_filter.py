"""PowerlineFilter: remove mains hum."""

import numbers

from sklearn_ecg.preprocessing._base import SignalTransformer
from sklearn_ecg.preprocessing._filtering import notch
from sklearn_ecg.preprocessing._gaps import across_gaps
from sklearn_ecg.utils import Interval

_POSITIVE = Interval(numbers.Real, 0, None, closed="neither")


class PowerlineFilter(SignalTransformer):
    """Remove the mains frequency and its multiples, without a shift in time.

    Parameters
    ----------
    frequency : float, default=50.0
        Mains frequency in Hz, below half the sampling rate: 50 in most countries, 60 in the
        Americas and parts of Asia.
    bandwidth : float, default=2.0
        Width in Hz of the band in which the gain is below one half. A wider band also removes hum
        that changes fast, but changes the QRS complex more.
    n_harmonics : int, default=None
        Number of multiples, including the frequency itself; by default all below half the sampling
        rate.
    sampling_rate : float, default=None
        Samples per second (Hz). Needed for plain arrays only; `ECGRecords` know their rate.

    See Also
    --------
    notch : The function that filters, with the exact gain.
    BandpassFilter : With ``high=40`` it also removes the hum, and everything above it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import ECGRecords
    >>> from sklearn_ecg.preprocessing import PowerlineFilter
    >>> hum = 0.2 * np.sin(2 * np.pi * 60 * np.arange(2500) / 250)
    >>> records = ECGRecords(np.tile(hum, (1, 2, 1)), sampling_rate=250, lead_names=["I", "II"])
    >>> bool(abs(PowerlineFilter(60).fit_transform(records).signals).max() < 1e-9)
    True
    """

    _parameter_constraints = {
        "frequency": [_POSITIVE],
        "bandwidth": [_POSITIVE],
        "n_harmonics": [Interval(numbers.Integral, 1, None, closed="left"), None],
        "sampling_rate": [_POSITIVE, None],
    }

    def __init__(self, frequency=50.0, *, bandwidth=2.0, n_harmonics=None, sampling_rate=None):
        self.frequency = frequency
        self.bandwidth = bandwidth
        self.n_harmonics = n_harmonics
        self.sampling_rate = sampling_rate

    def _transform_signals(self, signals, sampling_rate):
        def take_out_hum(whole):
            return notch(
                whole, sampling_rate, self.frequency, self.bandwidth, n_harmonics=self.n_harmonics
            )

        return across_gaps(take_out_hum, signals, sampling_rate)

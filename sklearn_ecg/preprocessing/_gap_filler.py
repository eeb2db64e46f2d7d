"""GapFiller: fill gaps with straight lines."""

import numbers

import numpy as np

from sklearn_ecg.preprocessing._base import SignalTransformer
from sklearn_ecg.preprocessing._gaps import fill_gaps


class GapFiller(SignalTransformer):
    """Fill gaps with straight lines, for estimators that do not accept NaN.

    A gap at an end of a signal gets the value beside it. Use it only before estimators of other
    packages: filters, `ECGFeatureExtractor` and `LabelCorrelationECGClassifier` bridge gaps
    themselves, and the extractor needs to know what is missing.

    Parameters
    ----------
    missing_lead : float, default=0.0
        The value of a lead without samples, in mV; ``nan`` keeps it missing.

    See Also
    --------
    sklearn_ecg.ECGFeatureExtractor.quality_report : The gaps of each lead.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.preprocessing import GapFiller
    >>> signals = np.array([[[1, np.nan, np.nan, 4, np.inf], [np.nan] * 5]])
    >>> GapFiller().fit_transform(signals)
    array([[[1., 2., 3., 4., 4.],
            [0., 0., 0., 0., 0.]]])
    """

    _parameter_constraints = {"missing_lead": [numbers.Real]}

    def __init__(self, *, missing_lead=0.0):
        self.missing_lead = missing_lead

    def _transform_signals(self, signals, sampling_rate):
        finite = np.isfinite(signals)
        filled = fill_gaps(signals, finite)
        nothing = ~finite.any(axis=-1)
        if nothing.any():
            filled[nothing] = self.missing_lead
        return filled

    def _needs_sampling_rate(self):
        return False

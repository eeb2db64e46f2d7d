"""GapFiller: straight lines across what was not recorded."""

import numbers

import numpy as np

from sklearn_ecg.preprocessing._base import SignalTransformer
from sklearn_ecg.preprocessing._gaps import fill_gaps


class GapFiller(SignalTransformer):
    """Draw straight lines across gaps, for estimators that take no NaN.

    At the ends of a signal the value beside the gap is held. Filters, features and
    `LabelCorrelationECGClassifier` bridge gaps by themselves, and the extractor knows afterwards
    what was not recorded; so this belongs behind it, or in front of estimators of other packages.

    Parameters
    ----------
    missing_lead : float, default=0.0
        What stands in a lead without any sample, in mV; ``nan`` keeps it known as missing.

    See Also
    --------
    sklearn_ecg.ECGFeatureExtractor.quality_report : Which leads have gaps, and how much is missing.

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

"""LeadScaler: bring the leads to one scale."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_ecg.preprocessing._base import SignalTransformer
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.records._lead_order import order_leads
from sklearn_ecg.records._readers import as_lazy
from sklearn_ecg.utils import plain_float

_FLAT_MV = 1e-6


class LeadScaler(SignalTransformer):
    """Divide each lead by a scale of its own, learned from many records.

    Precordial leads are some times as large as limb leads, which is no finding. The scale belongs
    to the lead and not to the record, so a record with low voltage keeps it; zero stays zero.
    What comes out is in units of the lead's usual standard deviation and no longer in mV: features
    must be measured before.

    Parameters
    ----------
    robust : bool, default=True
        Whether the scale is the median over records of the lead's standard deviation, which loose
        electrodes and pacing spikes in fewer than half of the records don't move. Otherwise it is
        the root of the mean variance.

    Attributes
    ----------
    scale_ : ndarray of shape (n_leads,)
        In mV; 1 for a lead that is flat or missing in all records. Records in which a lead is flat
        have no part in its scale.
    lead_names_ : tuple of str or None
        The leads in order, where they have names.

    See Also
    --------
    sklearn.preprocessing.StandardScaler : Scales features.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import ECGRecords
    >>> from sklearn_ecg.preprocessing import LeadScaler
    >>> sine = np.sqrt(2) * np.sin(np.arange(1000) * 2 * np.pi / 100)
    >>> records = ECGRecords(np.stack([[0.5 * sine, 2 * sine]] * 3), 100, lead_names=["I", "V2"])
    >>> scaler = LeadScaler().fit(records)
    >>> scaler.scale_
    array([0.5, 2. ])
    """

    _parameter_constraints = {"robust": ["boolean"]}

    def __init__(self, *, robust=True):
        self.robust = robust

    def fit(self, X, y=None):
        """Learn the scale of each lead.

        Parameters
        ----------
        X : ECGRecords, or array-like of shape (n_records, n_leads, n_times) or (n_records, n_times)
            Records that are read from files are read one at a time.
        y : None
            Ignored.

        Returns
        -------
        self
        """
        super().fit(X)
        is_records = isinstance(X, ECGRecords)
        if is_records and not len(X):
            raise ValueError("X holds no records: there is no scale to learn.")
        self.lead_names_ = X.lead_names if is_records else None
        if is_records:
            signals = as_lazy(X.signals).read_or_nan(ids=X.ids)
        else:
            signals = self._check_array(X, reset=False)
        spread = np.array([_deviation(plain_float(np.atleast_2d(signal))) for signal in signals])
        self.scale_ = _usual(spread, self.robust)
        return self

    def transform(self, X):
        """Divide every lead by its scale.

        Parameters
        ----------
        X : ECGRecords, or array-like of shape (n_records, n_leads, n_times) or (n_records, n_times)
            Leads that have names may come in any order, with others among them; they leave in the
            order of `lead_names_`. Limb leads that are missing are computed from two others.

        Returns
        -------
        ECGRecords or ndarray
            As `X`.
        """
        check_is_fitted(self)
        if isinstance(X, ECGRecords):
            X = order_leads(X, self.lead_names_, len(self.scale_), "LeadScaler")
        return super().transform(X)

    def _transform_signals(self, signals, sampling_rate):
        scale = self.scale_.astype(signals.dtype if signals.dtype.kind == "f" else np.float64)
        return signals / scale[:, np.newaxis]

    def _needs_sampling_rate(self):
        return False

    def __sklearn_is_fitted__(self):
        return hasattr(self, "scale_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = True
        return tags


def _deviation(signal):
    """Return the standard deviation of each lead about its mean, NaN where it is flat."""
    known = np.isfinite(signal)
    n_known = np.maximum(known.sum(axis=-1), 1)
    signal = np.where(known, signal, 0.0).astype(np.float64)
    centred = np.where(known, signal - (signal.sum(axis=-1) / n_known)[:, np.newaxis], 0.0)
    with np.errstate(over="ignore"):  # such a deviation is infinite, and has no part in the scale
        deviation = np.sqrt((centred**2).sum(axis=-1) / n_known)
    return np.where(deviation > _FLAT_MV, deviation, np.nan)


def _usual(spread, robust):
    """Return one scale per lead from the deviations of shape (n_records, n_leads)."""
    scale = np.ones(spread.shape[1])
    for lead, values in enumerate(spread.T):
        values = values[np.isfinite(values)]
        if len(values):
            scale[lead] = np.median(values) if robust else np.sqrt(np.mean(values**2))
    return scale

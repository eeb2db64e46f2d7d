"""LeadScaler: divide each lead by its scale."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_ecg.preprocessing._base import SignalTransformer
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.records._lead_order import order_leads
from sklearn_ecg.records._readers import as_lazy
from sklearn_ecg.utils import plain_float

_FLAT_MV = 1e-6


class LeadScaler(SignalTransformer):
    """Divide each lead by its own scale, learned from many records.

    Precordial leads are several times as large as limb leads. All records share the scale of a
    lead, so low voltage in a record stays visible. Zero stays zero. The result is in units of the
    lead's usual standard deviation, and not in mV: measure features before this step.

    Parameters
    ----------
    robust : bool, default=True
        Whether the scale is the median of the lead's standard deviations over records. Loose
        electrodes and pacing spikes in less than half of the records hardly change it. If False,
        it is the root of the mean variance.

    Attributes
    ----------
    scale_ : ndarray of shape (n_leads,)
        Scale of each lead in mV, without records in which the lead is flat; 1 for a lead that is
        flat or missing in all records.
    lead_names_ : tuple of str or None
        Names of the leads of `fit`, in order.
    n_features_in_ : int
        ``X.shape[1]``, if `X` was an array.

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
            Signals in mV. Records in files are read one at a time.
        y : object, default=None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there are no records.
        """
        super().fit(X)
        is_records = isinstance(X, ECGRecords)
        if is_records and not len(X):
            raise ValueError("X holds no records, so no scale can be learned.")
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
            Signals in mV. Leads with names may have any order, and there may be others. Missing
            limb leads are computed from two others.

        Returns
        -------
        ECGRecords or ndarray
            The type of `X`, with the leads in the order of `lead_names_`.
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
    """Return the standard deviation of each lead, NaN for a flat lead."""
    known = np.isfinite(signal)
    n_known = np.maximum(known.sum(axis=-1), 1)
    signal = np.where(known, signal, 0.0).astype(np.float64)
    centred = np.where(known, signal - (signal.sum(axis=-1) / n_known)[:, np.newaxis], 0.0)
    with np.errstate(over="ignore"):  # `_usual` leaves infinite deviations out
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

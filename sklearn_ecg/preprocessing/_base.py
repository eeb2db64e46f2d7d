"""Base class of the transformers of signals."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import validate_data

from sklearn_ecg.preprocessing._filtering import check_rate
from sklearn_ecg.records import CleanedRecords, ECGRecords
from sklearn_ecg.records._checks import check_array
from sklearn_ecg.records._readers import as_lazy
from sklearn_ecg.utils import check_params, fill_masked, plain_float


class SignalTransformer(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Base class of stateless transformers of signals.

    A subclass transforms an array of shape (..., n_leads, n_times) in
    `_transform_signals(signals, sampling_rate)`. This class passes it all signals of one length at
    once, and signals of different lengths one by one. It returns `ECGRecords` with labels, patients
    and metadata for `ECGRecords`, and an array for an array. `_check_together` checks parameters
    that depend on each other.
    """

    # Signals are not a table, so `set_output` and scikit-learn's configuration must not apply.
    _sklearn_auto_wrap_output_keys: frozenset[str] = frozenset()

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(auto_wrap_output_keys=None, **kwargs)

    def set_output(self, *, transform=None):
        """Do nothing: signals are never returned as a table.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            Ignored.

        Returns
        -------
        self
        """
        return self

    def get_feature_names_out(self, input_features=None):
        """Return the given names, because signals have no names of features.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of features.

        Returns
        -------
        array-like of str, or None
            The same object.
        """
        return input_features

    def fit(self, X, y=None):
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X : ECGRecords, or array-like of shape (n_records, n_leads, n_times) or (n_records, n_times)
            Signals in mV.
        y : object, default=None
            Ignored.

        Returns
        -------
        self
        """
        check_params(self)
        self._check_together()
        if not isinstance(X, ECGRecords):
            X = self._check_array(X, reset=True)
        self._sampling_rate_of(X)
        return self

    def transform(self, X):
        """Transform every signal.

        Parameters
        ----------
        X : ECGRecords, or array-like of shape (n_records, n_leads, n_times) or (n_records, n_times)
            Signals in mV. NaN and infinity are missing samples; the transformer bridges gaps.

        Returns
        -------
        ECGRecords or ndarray
            The type of `X`. Signals from files are read, and then held in memory.

        Raises
        ------
        ValueError
            If the sampling rate is needed and unknown, or contradicts that of the records.

        Warns
        -----
        UnreadRecordsWarning
            If some records cannot be read; they are NaN.
        """
        check_params(self)
        self._check_together()
        if not isinstance(X, ECGRecords):
            X = self._check_array(X, reset=False)
            return self._transform_signals(_readable(X), self._sampling_rate_of(X))
        if isinstance(X, CleanedRecords) and X.is_table:
            raise ValueError(
                f"{type(self).__name__} transforms signals, but X holds a table of features; put "
                "it before the step that makes features."
            )
        rate = self._sampling_rate_of(X)
        if isinstance(X.signals, np.ndarray):
            signals = self._transform_signals(_readable(X.signals), rate)
        else:
            source = as_lazy(X.signals).read_or_nan(ids=X.ids)
            signals = [self._transform_signals(_readable(np.asarray(s)), rate) for s in source]
            if len({signal.shape for signal in signals}) == 1:
                signals = np.stack(signals)
        return X.with_signals(signals, self._new_rate(rate))

    def _check_array(self, X, *, reset):
        X = fill_masked(X)
        X = list(X) if isinstance(X, np.ndarray) and X.dtype.hasobject and X.ndim == 1 else X
        if isinstance(X, list) and X and np.ndim(X[0]) == 2 and len({np.shape(x) for x in X}) > 1:
            raise ValueError(
                "The signals of X have different lengths; pass ECGRecords(signals, sampling_rate)."
            )
        X = validate_data(self, X, reset=reset, allow_nd=True, ensure_all_finite=False)
        return check_array(X if X.ndim != 2 else X[:, np.newaxis]).reshape(X.shape)

    def _sampling_rate_of(self, X):
        """Return the sampling rate of `X`; None if unknown and not needed."""
        known = X.sampling_rate if isinstance(X, ECGRecords) else None
        given = getattr(self, "sampling_rate", None)
        if known is not None and given is not None and known != given:
            raise ValueError(
                f"sampling_rate={given:g} contradicts the records, which were sampled at "
                f"{known:g} Hz; leave sampling_rate=None to use theirs."
            )
        rate = known if known is not None else given
        if rate is not None:
            check_rate(rate)
        if rate is None and self._needs_sampling_rate():
            raise ValueError(
                "The sampling rate of X is unknown: pass ECGRecords(X, sampling_rate=...)"
                + self._other_cure()
            )
        return rate

    def _check_together(self):
        """Check parameters that depend on each other."""

    def _needs_sampling_rate(self):
        return True

    def _other_cure(self):
        return f" or {type(self).__name__}(..., sampling_rate=...)."

    def _new_rate(self, sampling_rate):
        return sampling_rate

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.requires_fit = False
        return tags


def _readable(signals):
    """Return signals as floats, with NaN in place of infinity."""
    signals = plain_float(signals)
    if not np.isinf(signals).any():
        return signals
    return np.where(np.isinf(signals), np.nan, signals).astype(signals.dtype, copy=False)

"""Turn the signals that users have into ECGRecords."""

import numpy as np
from sklearn.utils import check_array

from sklearn_ecg.records._checks import signal_array
from sklearn_ecg.records._cleaned import CleanedRecords
from sklearn_ecg.records._records import ECGRecords
from sklearn_ecg.utils import fill_masked


def as_records(X, sampling_rate=None) -> ECGRecords:
    """Turn signals of any accepted form into `ECGRecords`.

    Parameters
    ----------
    X : ECGRecords, or array-like of shape (n_records, n_leads, n_times) or (n_records, n_times)
        Signals in mV. Two-dimensional input holds records of a single lead. A list of arrays of
        shape (n_leads, n_times_i) holds records of different lengths. Masked values become NaN.
    sampling_rate : float, default=None
        Samples per second (Hz). It must equal the rate of `X`, if `X` has one.

    Returns
    -------
    ECGRecords

    Raises
    ------
    TypeError
        If `X` holds anything but numbers.
    ValueError
        If the shape of `X` is wrong, or `sampling_rate` contradicts that of `X`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.records import as_records
    >>> as_records(np.zeros((4, 500)), sampling_rate=100)
    ECGRecords: 4 records, 1 leads, 5.0 s at 100 Hz
    """
    if isinstance(X, CleanedRecords) and X.is_table:
        X = X.without_labels()
    if isinstance(X, ECGRecords):
        return _at_rate(X, sampling_rate)
    X = fill_masked(X)
    if isinstance(X, list) and X:
        X = [signal_array(signal, record) for record, signal in enumerate(X)]
        if X[0].ndim == 2 and len({signal.shape for signal in X}) > 1:
            return ECGRecords(X, sampling_rate)
    try:
        signals = check_array(X, allow_nd=True, ensure_all_finite=False, dtype="numeric")
    except TypeError as error:
        raise TypeError(f"signals must be an array of numbers in mV: {error}.") from error
    if signals.ndim == 2:
        signals = signals[:, np.newaxis, :]
    return ECGRecords(signals, sampling_rate)


def _at_rate(records, sampling_rate):
    if sampling_rate is None or records.sampling_rate == sampling_rate:
        return records
    if records.sampling_rate is not None:
        raise ValueError(
            f"sampling_rate={sampling_rate:g} contradicts the records, which were sampled at "
            f"{records.sampling_rate:g} Hz; leave sampling_rate=None to use theirs."
        )
    return records._with(sampling_rate=float(sampling_rate))

"""ECGFeatureExtractor: records in, a table of named measurements out."""

import numbers

import joblib
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, check_memory, validate_data

from sklearn_ecg.features._measurements import feature_units, measure
from sklearn_ecg.records import ECGRecords, as_records
from sklearn_ecg.utils import Interval, check_params, progress

_CHUNK = 16  # records per task: a tenth of a second of work


class ECGFeatureExtractor(TransformerMixin, BaseEstimator):
    """Measure rhythm, intervals, amplitudes and beat shapes of ECG records.

    Each record becomes a row of numbers with names and units: first those of the whole record
    (`RR_mean_ms`, `QRS_duration_ms`, ...), then those of each lead (`II_R_amplitude_mV`, ...).
    Besides the usual beat, the features describe the beat that differs most from it and the one
    that comes earliest, since one ectopic beat in ten seconds is enough for a label.

    Parameters
    ----------
    sampling_rate : float, default=None
        Hz. Needed for plain arrays only; `ECGRecords` know their own.
    n_jobs : int, default=None
        Number of joblib workers.
    memory : str or joblib.Memory, default=None
        Where to keep the features of each call, so that the same records are measured once.
    verbose : int, default=0
        A progress bar if positive.

    Attributes
    ----------
    lead_names_ : tuple of str
        The leads in order; ``lead0``, ``lead1``, ... where they have no names.
    sampling_rate_ : float
        Hz, of the records that were fitted; assumed for plain arrays given to `transform`.
    feature_units_ : ndarray of str of shape (n_features_out,)
        The unit of each feature; empty for counts and ratios.
    n_features_in_ : int
        ``X.shape[1]``: the number of leads, or of samples for two-dimensional input.

    See Also
    --------
    detect_r_peaks : The beats on which all features rest.
    delineate : The waves of each beat.

    Notes
    -----
    Every record is resampled to 250 Hz and band-passed from 0.5 to 40 Hz without phase shift.
    What cannot be measured is NaN: all features of a lead that is flat or contains NaN, the
    amplitude of a P wave that is absent, everything for a record without beats. Estimators that
    cannot take NaN need an imputer.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import ECGFeatureExtractor, ECGRecords
    >>> signal = np.zeros(2500)
    >>> signal[125::250] = 1.0
    >>> signal = np.convolve(signal, np.hanning(20), mode="same")
    >>> records = ECGRecords(signal[None, None], sampling_rate=250, lead_names=["II"])
    >>> extractor = ECGFeatureExtractor().set_output(transform="pandas")
    >>> features = extractor.fit_transform(records)
    >>> features.loc[0, ["n_beats", "RR_mean_ms"]].tolist()
    [10.0, 1000.0]
    """

    _parameter_constraints = {
        "sampling_rate": [Interval(numbers.Real, 0, None, closed="neither"), None],
        "n_jobs": [numbers.Integral, None],
        "memory": [str, joblib.Memory, None],
        "verbose": ["verbose"],
    }

    def __init__(self, sampling_rate=None, *, n_jobs=None, memory=None, verbose=0):
        self.sampling_rate = sampling_rate
        self.n_jobs = n_jobs
        self.memory = memory
        self.verbose = verbose

    def fit(self, X, y=None):
        """Learn which leads there are and what their features are called.

        Parameters
        ----------
        X : ECGRecords, or array-like of shape (n_records, n_leads, n_times) or (n_records, n_times)
        y : None
            Ignored.

        Returns
        -------
        self
        """
        check_params(self)
        records = self._check_records(X, reset=True)
        names = records.lead_names
        self.lead_names_ = names or tuple(f"lead{i}" for i in range(records.n_leads))
        self.sampling_rate_ = records.sampling_rate
        units = feature_units(self.lead_names_)
        self.feature_units_ = np.array(list(units.values()))
        self._n_features_out = len(units)
        return self

    def transform(self, X):
        """Measure every record.

        Parameters
        ----------
        X : ECGRecords, or array-like of shape (n_records, n_leads, n_times) or (n_records, n_times)

        Returns
        -------
        ndarray of float64 of shape (n_records, n_features_out)
            Or a DataFrame, as `set_output` asks for.
        """
        check_is_fitted(self)
        records = self._check_records(X, reset=False)
        extract = check_memory(self.memory).cache(_extract, ignore=["ids", "n_jobs", "verbose"])
        return extract(
            records.signals,
            records.ids,
            records.sampling_rate,
            self.lead_names_,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features.

        Parameters
        ----------
        input_features : None
            Ignored; the names depend on the leads alone.

        Returns
        -------
        ndarray of str of shape (n_features_out,)
        """
        check_is_fitted(self)
        return np.array(list(feature_units(self.lead_names_)), dtype=object)

    def _check_records(self, X, *, reset):
        is_array = not isinstance(X, ECGRecords) and not (
            isinstance(X, list) and X and np.ndim(X[0]) == 2
        )
        if is_array:
            X = validate_data(self, X, reset=reset, allow_nd=True, ensure_all_finite=False)
        records = as_records(X, self.sampling_rate)
        if not len(records):
            raise ValueError("X holds no records: there is nothing to measure.")
        if reset:
            self.n_features_in_ = X.shape[1] if is_array else records.n_leads
        else:
            self._check_leads(records)
            if records.sampling_rate is None:
                records = as_records(records, self.sampling_rate_)
        if records.sampling_rate is None:
            raise ValueError(
                "The sampling rate of X is unknown: pass ECGRecords(X, sampling_rate=...) or "
                "ECGFeatureExtractor(sampling_rate=...)."
            )
        return records

    def _check_leads(self, records):
        if records.n_leads != len(self.lead_names_):
            raise ValueError(
                f"X has {records.n_leads} leads, but {type(self).__name__} was fitted with "
                f"{len(self.lead_names_)}: {self.lead_names_}."
            )
        if records.lead_names not in (None, self.lead_names_):
            raise ValueError(
                f"X has the leads {records.lead_names}, but {type(self).__name__} was fitted with "
                f"{self.lead_names_}; give it the same leads in the same order."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags


def _extract(signals, ids, sampling_rate, lead_names, *, n_jobs, verbose):
    """Measure all records, a chunk at a time, so that no more of them is held than is read."""
    chunks = [slice(i, i + _CHUNK) for i in range(0, len(signals), _CHUNK)]
    tasks = (
        joblib.delayed(_measure_chunk)(signals[chunk], ids[chunk], sampling_rate, lead_names)
        for chunk in chunks
    )
    results = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(tasks)
    features = np.empty((len(signals), len(feature_units(lead_names))))
    bar = progress(
        zip(chunks, results, strict=True),
        description="Measuring records",
        total=len(chunks),
        verbose=verbose,
    )
    for chunk, values in bar:
        features[chunk] = values
    return features


def _measure_chunk(signals, ids, sampling_rate, lead_names):
    rows = []
    for signal, record in zip(signals, ids, strict=True):
        if np.isinf(signal).any():
            raise ValueError(
                f"X contains infinity in record {record}; mark samples that were not recorded "
                "with NaN."
            )
        rows.append(measure(signal, sampling_rate, lead_names))
    return np.stack(rows)

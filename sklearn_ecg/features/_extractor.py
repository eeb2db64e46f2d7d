"""ECGFeatureExtractor: records in, a table of named measurements out."""

import numbers
import os
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn import get_config
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_ecg.features._catalogue import (
    GROUPS,
    features_lost,
    features_of,
    metadata_features,
)
from sklearn_ecg.features._extraction import extract, extract_shards
from sklearn_ecg.features._given_r_peaks import r_peaks_by_record
from sklearn_ecg.features._patient import patient_features
from sklearn_ecg.features._quality_report import report_problems, warn_of_problems
from sklearn_ecg.records import CleanedRecords, ECGRecords, as_records
from sklearn_ecg.records._checks import signal_array
from sklearn_ecg.records._lead_order import order_leads
from sklearn_ecg.utils import (
    LEADS_12,
    Interval,
    Saved,
    check_params,
    fill_masked,
    is_known_lead,
    warn_of_unread,
    warn_user,
)

_FEWEST_LEADS = 3  # that are worth a warning: of one or two, no feature needs more than these have


class ECGFeatureExtractor(Saved, TransformerMixin, BaseEstimator):
    """Measure rhythm, intervals, amplitudes and beat shapes of ECG records.

    Each record becomes a row of numbers with names and units: first those of the whole record
    (`RR_mean_ms`, `QRS_duration_ms`, ...), then those of each lead (`II_R_amplitude_mV`, ...).
    Besides the usual beat, the features describe the beat that differs most from it and the one
    that comes earliest, since one ectopic beat in ten seconds is enough for a label.

    Parameters
    ----------
    sampling_rate : float, default=None
        Hz. Needed for plain arrays only; `ECGRecords` know their own.
    groups : sequence of str, default=("rhythm", "intervals", "axes", "amplitudes", "shape")
        Which features to return. A further group, "quality", tells of the signal and not of the
        heart: gaps, noise, drift, pacing spikes. The group "patient" is age and sex, of
        ``records.metadata``: columns ``age_years`` and ``sex``.
    n_jobs : int, default=None
        Number of joblib workers.
    memory : path-like or joblib.Memory, default=None
        A folder that keeps features, so that each record is measured once, whatever the groups
        and whatever other records it comes with. They are written while they are measured: whoever
        is interrupted, and calls again, goes on. Records in files of their own are known by these
        files' names, sizes and times of change, others by their samples.
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
    Every record is resampled to 250 Hz and band-passed from 0.5 to 40 Hz without phase shift, so
    that features mean the same at every rate from 100 Hz on. The price is a lower R wave than on
    paper, where 150 Hz are usual. Of the height in the unfiltered records of LUDB remain, in the
    median and in the worst of 20 records, 89 and 75 % in II, 93 and 82 % in V5, 91 and 55 % in V1:
    limits of voltages, such as those of Sokolow and Lyon, are for paper.

    Intervals of the record (`PR_interval_ms`, `QRS_duration_ms`, `QT_interval_ms`, ...) are those
    that recorders print: from the earliest onset to the latest end of all leads, of beats of the
    main shape, so that QT = QRS + ST + T. They are longer than those of a single lead
    (`II_QT_interval_ms`, ...). Earliest and latest are the quantiles of 5 and 95 % of the leads,
    and a wave counts where a third of the leads and half of the beats show it.

    A limb lead that is missing, from all records given to `transform` or from some, is computed
    from two others; see `ECGRecords.select_leads`.

    What cannot be measured is NaN: all features of a lead that is flat or lacks a fifth of what
    other leads have, the amplitude of a P wave that is absent, everything for a record without
    beats. A shorter gap (NaN, infinity, or a value that is held bit for bit for 0.4 s or more)
    costs its lead the beats that it cuts off; those that it cuts off in more than half of the
    leads, or an end of the record in all, count for the rhythm alone, and no RR interval spans a
    gap of all leads. Gaps up to 10 ms, or of one sample, are bridged. Estimators that cannot take
    NaN need an imputer.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import ECGFeatureExtractor, ECGRecords
    >>> signal = np.zeros(2500)
    >>> signal[125::250] = 1.0
    >>> signal = np.convolve(signal, np.hanning(21), mode="same")
    >>> records = ECGRecords(signal[None, None], sampling_rate=250, lead_names=["II"])
    >>> extractor = ECGFeatureExtractor().set_output(transform="pandas")
    >>> features = extractor.fit_transform(records)
    >>> features.loc[0, ["n_beats", "RR_mean_ms"]].round(1).tolist()
    [10.0, 1000.0]
    >>> extractor.describe_features().loc["PR_interval_ms", ["definition", "normal"]].tolist()
    ['Earliest P onset to earliest QRS onset of all leads', '120-200']
    """

    _parameter_constraints = {
        "sampling_rate": [Interval(numbers.Real, 0, None, closed="neither"), None],
        "groups": [list, tuple],
        "n_jobs": [numbers.Integral, None],
        "memory": [str, os.PathLike, joblib.Memory, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        sampling_rate=None,
        *,
        groups=("rhythm", "intervals", "axes", "amplitudes", "shape"),
        n_jobs=None,
        memory=None,
        verbose=0,
    ):
        self.sampling_rate = sampling_rate
        self.groups = groups
        self.n_jobs = n_jobs
        self.memory = memory
        self.verbose = verbose

    def fit(self, X, y=None):
        """Learn which leads there are and what their features are called.

        Parameters
        ----------
        X : ECGRecords, or array-like of shape (n_records, n_leads, n_times) or (n_records, n_times)
        y : None
            Ignored; but refused beside `CleanedRecords`, whose labels are lost here.

        Returns
        -------
        self

        Warns
        -----
        UserWarning
            If three leads or more have names of which some are not known, or twelve have none, and
            features that need certain leads are lost by that; the message names both.
        """
        check_params(self)
        if y is not None and isinstance(X, CleanedRecords):
            raise TypeError(
                "The features of CleanedRecords are an array without the cleaned labels, and the "
                "next step of the Pipeline would train on the weak y. Leave this step out: "
                "OnCleanedLabels(classifier, features=ECGFeatureExtractor(...)) measures by itself."
            )
        if not self.groups or not set(self.groups) <= set(GROUPS):
            raise ValueError(f"groups must be some of {list(GROUPS)}; got {self.groups!r}.")
        records = self._check_records(X, reset=True)
        names = records.lead_names
        self.lead_names_ = names or tuple(f"lead{i}" for i in range(records.n_leads))
        self.sampling_rate_ = records.sampling_rate
        _warn_of_unknown_leads(names, records.n_leads, self.groups)
        chosen = self._chosen()
        self.feature_units_ = np.array([feature.unit for feature, _ in chosen.values()], dtype=str)
        self._n_features_out = len(chosen)
        return self

    def transform(self, X, r_peaks=None):
        """Measure every record.

        Parameters
        ----------
        X : ECGRecords, or array-like of shape (n_records, n_leads, n_times) or (n_records, n_times)
            Leads that have names may come in any order and spelling, with others among them. Limb
            leads that are missing are computed from two others.
        r_peaks : sequence, Series or dict of array-like of shape (n_beats,), default=None
            R peaks that someone has corrected, in samples of X (also between two of them): one
            array for each record, and None for a record in which they are to be found; a Series
            is aligned by the records' ids, and a dict names some records by id. By default they
            are found in all. In a Pipeline or a search with scikit-learn's metadata routing, ask
            for them by ``set_transform_request(r_peaks=True)``; a dict cannot be split there.

        Returns
        -------
        ndarray of float64 of shape (n_records, n_features_out)
            Or a DataFrame, as `set_output` asks for; one of pandas is indexed by the records' ids.

        Warns
        -----
        UserWarning
            If leads contradict each other, repeat each other or hold infinity, or a record has no
            whole beat to measure, or QRS complexes of a size that they do not have in mV; the
            message names the records. So does another one of records that cannot be read, whose
            features are NaN.

        Raises
        ------
        ValueError
            If no record can be read.
        """
        records, table, problems = self._measure(X, r_peaks)
        _check_any_read(records, problems)
        warn_of_unread(problems, records.ids, "cannot be measured, and are NaN")
        warn_of_problems(self._report(records, table, {}))
        features = self._choose(table, self._of_patients(records))
        if self._output_container() == "pandas" and isinstance(X, ECGRecords):
            index = pd.Index(records.ids, name="id")
            return pd.DataFrame(features, index=index, columns=list(self._chosen()))
        return features

    def fit_transform(self, X, y=None, r_peaks=None):
        """Learn which leads there are, and measure every record.

        Parameters
        ----------
        X : ECGRecords, or array-like of shape (n_records, n_leads, n_times) or (n_records, n_times)
        y : None
            As in `fit`.
        r_peaks : sequence, Series or dict of array-like of shape (n_beats,), default=None
            As in `transform`.

        Returns
        -------
        ndarray of float64 of shape (n_records, n_features_out), or DataFrame
            As of `transform`.
        """
        # scikit-learn's own hands metadata to fit alone.
        return self.fit(X, y).transform(X, r_peaks=r_peaks)

    def quality_report(self, X, r_peaks=None):
        """List what is wrong with records, so that a person can look at them.

        With `memory`, what `transform` has measured is not measured again. A limb lead that is
        missing as a whole, and was computed from two others, is no finding.

        Parameters
        ----------
        X : ECGRecords, or array-like of shape (n_records, n_leads, n_times) or (n_records, n_times)
        r_peaks : sequence, Series or dict of array-like of shape (n_beats,), default=None
            As in `transform`.

        Returns
        -------
        DataFrame
            A row per finding: id (of the record), lead (empty where it is about the record),
            problem, value (how much of it), and what_to_do. Empty where all is well.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_ecg import ECGFeatureExtractor, ECGRecords
        >>> signal = np.convolve(np.arange(2500) % 250 == 125, np.hanning(21), mode="same")
        >>> signals = np.stack([signal, signal])[:, np.newaxis]
        >>> signals[1, 0, 600:900] = np.nan
        >>> records = ECGRecords(signals, 250, lead_names=["II"], ids=["a", "b"])
        >>> report = ECGFeatureExtractor().fit(records).quality_report(records)
        >>> report[["id", "lead", "problem", "value"]]
          id lead          problem  value
        0  b   II  missing samples   0.12
        """
        records, table, problems = self._measure(X, r_peaks)
        _check_any_read(records, problems)
        return self._report(records, table, problems)

    def describe_features(self):
        """Return the catalogue of the features: what each is, and what is normal.

        Returns
        -------
        DataFrame
            A row per feature, indexed by its name, with the columns lead (empty for the whole
            record), group, unit, definition, normal (range in adults, where one exists) and source.
        """
        check_is_fitted(self)
        rows = [
            (lead, feature.group, feature.unit, feature.definition, feature.normal, feature.source)
            for feature, lead in self._chosen().values()
        ]
        columns = ["lead", "group", "unit", "definition", "normal", "source"]
        index = pd.Index(list(self._chosen()), name="feature")
        return pd.DataFrame(rows, index=index, columns=columns)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features.

        Parameters
        ----------
        input_features : None
            Ignored; the names depend on leads and groups alone.

        Returns
        -------
        ndarray of str of shape (n_features_out,)
        """
        check_is_fitted(self)
        return np.array(list(self._chosen()), dtype=object)

    def _chosen(self):
        """Return the features of the groups asked for, by name."""
        features = features_of(self.lead_names_) | metadata_features()
        return {name: pair for name, pair in features.items() if pair[0].group in self.groups}

    def _of_patients(self, records):
        """Return what metadata say of the patients, as columns; none unless they are asked for."""
        if "patient" not in self.groups:
            return np.empty((len(records), 0))
        return patient_features(records)

    def _choose(self, table, of_patients):
        """Return the columns of the groups asked for, of all that is measured, and of patients."""
        chosen = self._chosen()
        measured = table[:, [name in chosen for name in features_of(self.lead_names_)]]
        # Of what could not be read all is NaN: else it would pass for measured.
        is_lost = np.isnan(table).all(axis=1)[:, np.newaxis]
        return np.hstack([measured, np.where(is_lost, np.nan, of_patients)])

    def _measure(self, X, r_peaks):
        """Return the records with leads in the order of fit, all features, and what went wrong."""
        check_is_fitted(self)
        records = self._check_records(X, reset=False)
        table, problems = extract(
            records.signals,
            records.sampling_rate,
            self.lead_names_,
            r_peaks_by_record(r_peaks, records),
            folder=_folder_of(self.memory),
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        return records, table, problems

    def _shards(self, records, folder, **options):
        """Yield rows and features, as `extract_shards` does, and keep those of all groups."""
        records = self._check_records(records, reset=False)
        of_patients, names = self._of_patients(records), self.get_feature_names_out()
        shards = extract_shards(
            records.signals,
            records.sampling_rate,
            self.lead_names_,
            [None] * len(records),
            _folder_of(folder),
            **options,
        )
        for rows, frame in shards:
            features = self._choose(frame.drop(columns="problem").to_numpy(), of_patients[rows])
            yield rows, pd.DataFrame(features, columns=names).assign(problem=frame["problem"])

    def _report(self, records, table, problems):
        return report_problems(table, records.ids, self.lead_names_, problems)

    def _output_container(self):
        # Set by set_output; scikit-learn keeps the index of a DataFrame that it is given.
        config = getattr(self, "_sklearn_output_config", {})
        return config.get("transform", get_config()["transform_output"])

    def _check_records(self, X, *, reset):
        X = fill_masked(X)
        if isinstance(X, list) and X:
            X = [signal_array(signal, record) for record, signal in enumerate(X)]
        is_array = not isinstance(X, ECGRecords) and not (
            isinstance(X, list) and X and X[0].ndim == 2
        )
        if is_array:
            if not reset and self._fits_any_length() and np.asarray(X).ndim == 2:
                X = np.asarray(X)[:, np.newaxis]
            try:
                X = validate_data(self, X, reset=reset, allow_nd=True, ensure_all_finite=False)
            except TypeError as error:
                raise TypeError(f"signals must be an array of numbers in mV: {error}.") from error
        records = as_records(X, self.sampling_rate)
        if not len(records):
            raise ValueError("X holds no records: there is nothing to measure.")
        if reset:
            self.n_features_in_ = X.shape[1] if is_array else records.n_leads
        else:
            n_leads = len(self.lead_names_)
            records = order_leads(records, self.lead_names_, n_leads, type(self).__name__)
            if records.sampling_rate is None:
                records = as_records(records, self.sampling_rate_)
        if records.sampling_rate is None:
            raise ValueError(
                "The sampling rate of X is unknown: pass ECGRecords(X, sampling_rate=...) or "
                "ECGFeatureExtractor(sampling_rate=...)."
            )
        return records

    def _check_learned(self):
        n_leads = len(getattr(self, "lead_names_", ""))
        # An array of which each sample is a feature has one lead.
        if n_leads > 1 and self.n_features_in_ != n_leads:
            raise ValueError(f"n_features_in_ is {self.n_features_in_}, with {n_leads} leads")

    def _fits_any_length(self):
        # Fitted on records of one lead, and not on an array of which each sample is a feature.
        return self.n_features_in_ == len(self.lead_names_) == 1

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags


def _folder_of(memory):
    """Return the folder that keeps features, or None."""
    location = memory.location if isinstance(memory, joblib.Memory) else memory
    return None if location is None else Path(location).expanduser() / "features"


def _check_any_read(records, problems):
    if len(problems) == len(records):
        first = min(problems)
        raise ValueError(
            f"None of the {len(records)} records can be measured, for example "
            f"{records.ids[first]}: {problems[first]}"
        )


def _warn_of_unknown_leads(names, n_leads, groups):
    """Warn if features are lost because leads have no names, or such as nobody knows."""
    if (names is None and n_leads != len(LEADS_12)) or n_leads < _FEWEST_LEADS:
        return
    lost = features_lost(names or ("",) * n_leads, groups)
    if not lost:
        return
    unknown = [name for name in names or () if not is_known_lead(name)]
    what = (
        f"leads go by unknown names, {unknown}" if names else f"the {n_leads} leads have no names"
    )
    warn_user(
        f"{len(lost)} features are lost, such as {lost[0]}, because {what}: which of them are "
        f"{', '.join(LEADS_12)}? Name these in ECGRecords(signals, lead_names=...)."
    )

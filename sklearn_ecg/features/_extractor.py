"""ECGFeatureExtractor: turn records into a table of named measurements."""

import numbers
import os
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
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
    listed,
    output_container,
    warn_of_unread,
    warn_user,
    with_summary,
)

_FEWEST_LEADS = 3  # no warning for one or two leads: features of several leads are not expected


class ECGFeatureExtractor(Saved, TransformerMixin, BaseEstimator):
    """Measure rhythm, intervals, amplitudes and beat shapes of ECG records.

    Each record becomes a row of numbers with names and units: first features of the whole record
    (`RR_mean_ms`, `QRS_duration_ms`, ...), then features of each lead (`II_R_amplitude_mV`, ...).
    They describe the usual beat, the most different beat and the earliest beat, because one ectopic
    beat in ten seconds is enough for a label.

    Parameters
    ----------
    sampling_rate : float, default=None
        Samples per second (Hz). Needed for plain arrays only; `ECGRecords` know their rate.
    groups : sequence of str, default=("rhythm", "intervals", "axes", "amplitudes", "shape")
        The groups of features to return. "quality" describes the signal: gaps, noise, drift,
        pacing spikes. "patient" is age and sex, from the columns ``age_years`` and ``sex`` of
        ``records.metadata``.
    n_jobs : int, default=None
        Number of joblib workers.
    memory : path-like or joblib.Memory, default=None
        A folder that stores features of all groups, so that each record is measured once. After an
        interruption, the next call goes on. A record in files is recognised by the files' names,
        sizes and times of change, another record by its samples.
    verbose : int, default=0
        Shows a progress bar over records if positive; in a log, a line every ten seconds.

    Attributes
    ----------
    lead_names_ : tuple of str
        The leads in order; ``lead0``, ``lead1``, ... if they have no names.
    sampling_rate_ : float
        Sampling rate in `fit` (Hz), assumed for plain arrays in `transform`.
    feature_units_ : ndarray of str of shape (n_features_out,)
        The unit of each feature; empty for counts and ratios.
    n_features_in_ : int
        ``X.shape[1]``: the number of leads, or of samples for two-dimensional input.

    See Also
    --------
    detect_r_peaks : Find the beats.
    delineate : Find the waves of each beat.

    Notes
    -----
    Every record is resampled to 250 Hz and band-passed from 0.5 to 40 Hz without phase shift, so
    that features are comparable at every rate from 100 Hz on. The R wave becomes lower than on
    paper, where 150 Hz are usual. In 20 records of LUDB, the median (and worst) share of the
    unfiltered height that remains is 89 % (75 %) in II, 93 % (82 %) in V5 and 91 % (55 %) in V1.
    Limits of voltages on paper, such as those of Sokolow and Lyon, therefore do not apply.

    Intervals of the record (`PR_interval_ms`, `QRS_duration_ms`, `QT_interval_ms`, ...) are defined
    as recorders print them: from the earliest onset to the latest end of all leads, for beats of
    the main shape, so QT = QRS + ST + T. They are longer than those of a single lead
    (`II_QT_interval_ms`, ...). "Earliest" and "latest" are the quantiles 5 % and 95 % of the leads.
    A wave is measured if a third of the leads and half of the beats show it.

    A limb lead that all or some records lack is computed from two others; see
    `ECGRecords.select_leads`.

    Features that cannot be measured are NaN: all features of a lead that is flat or lacks a fifth
    of the time of the other leads, the amplitude of an absent P wave, all features of a record
    without beats. A shorter gap (NaN, infinity, or one value repeated for 0.4 s or more) removes
    the beats that it cuts off from its lead. A beat that a gap cuts off in more than half of the
    leads, or that an end of the record cuts off, is used for the rhythm only. No RR interval spans
    a gap of all leads. Gaps of at most 10 ms, or of one sample, are bridged. Estimators that do not
    accept NaN need an imputer.

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
        """Learn the leads and the names of the features.

        Parameters
        ----------
        X : ECGRecords, or array-like of shape (n_records, n_leads, n_times) or (n_records, n_times)
            Signals in mV.
        y : object, default=None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If `X` is `CleanedRecords` and `y` is given: the next step would train on the weak
            labels.
        ValueError
            If the sampling rate is unknown, a group is unknown, or there are no records.

        Warns
        -----
        UserWarning
            If features cannot be measured because leads have unknown names, or twelve leads have
            no names.
        """
        check_params(self)
        if y is not None and isinstance(X, CleanedRecords):
            raise TypeError(
                "X are CleanedRecords. Their features are an array without the cleaned labels, so "
                "the next step of the Pipeline would train on the weak y. Leave this step out: "
                "OnCleanedLabels(classifier, features=ECGFeatureExtractor(...)) measures itself."
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
            Signals in mV. Leads with names may have any order and spelling, and there may be
            others. Missing limb leads are computed from two others.
        r_peaks : sequence, Series or dict of array-like of shape (n_beats,), default=None
            R peaks that a person has corrected, in samples of `X` (also fractions): one array per
            record, None to detect them. A Series is matched to the records' ids, and a dict has
            the ids of some records as keys. By default all are detected. With scikit-learn's
            metadata routing, request them by ``set_transform_request(r_peaks=True)``; splitters
            cannot split a dict.

        Returns
        -------
        ndarray of float64 of shape (n_records, n_features_out)
            Or a DataFrame, see `set_output`; the index of a pandas DataFrame is the records' ids.

        Raises
        ------
        ValueError
            If no record can be read, or leads of `fit` are missing.

        Warns
        -----
        UserWarning
            If the leads of a record contradict each other, repeat each other or hold infinity, if
            a record has no complete beat, or if its QRS complexes have an impossible size in mV.
        UnreadRecordsWarning
            If records cannot be read; their features are NaN.
        """
        records, table, problems = self._measure(X, r_peaks)
        _check_any_read(records, problems)
        warn_of_unread(problems, records.ids, "cannot be measured, and are NaN")
        warn_of_problems(self._report(records, table, {}))
        features = self._choose(table, self._of_patients(records))
        if output_container(self) == "pandas" and isinstance(X, ECGRecords):
            # scikit-learn keeps the index of a DataFrame that it is given.
            index = pd.Index(records.ids, name="id")
            return pd.DataFrame(features, index=index, columns=list(self._chosen()))
        return features

    def fit_transform(self, X, y=None, r_peaks=None):
        """Learn the leads, and measure every record.

        Parameters
        ----------
        X : ECGRecords, or array-like of shape (n_records, n_leads, n_times) or (n_records, n_times)
            Signals in mV.
        y : object, default=None
            As in `fit`.
        r_peaks : sequence, Series or dict of array-like of shape (n_beats,), default=None
            As in `transform`.

        Returns
        -------
        ndarray of float64 of shape (n_records, n_features_out), or DataFrame
            As in `transform`.
        """
        # The fit_transform of scikit-learn would pass r_peaks to fit only.
        return self.fit(X, y).transform(X, r_peaks=r_peaks)

    def quality_report(self, X, r_peaks=None):
        """List the problems of the records, for a person to look at.

        With `memory`, records that `transform` has measured are not measured again. A missing limb
        lead that was computed from two others is not a problem.

        Parameters
        ----------
        X : ECGRecords, or array-like of shape (n_records, n_leads, n_times) or (n_records, n_times)
            Signals in mV.
        r_peaks : sequence, Series or dict of array-like of shape (n_beats,), default=None
            As in `transform`.

        Returns
        -------
        DataFrame
            A row per problem: id of the record, lead (empty if the problem is of the whole
            record), problem, value (its size), and what_to_do. Empty if there are no problems.

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
        """Return the catalogue of the features, with definitions and normal ranges.

        Returns
        -------
        DataFrame
            A row per feature, with its name as index. Columns: lead (empty for the whole record),
            group, unit, definition, normal (range in adults, empty if there is none) and source.
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
        input_features : object, default=None
            Ignored; the names depend on leads and groups only.

        Returns
        -------
        ndarray of str of shape (n_features_out,)
        """
        check_is_fitted(self)
        return np.array(list(self._chosen()), dtype=object)

    def _chosen(self):
        """Return the features of the wanted groups, by name."""
        features = features_of(self.lead_names_) | metadata_features()
        return {name: pair for name, pair in features.items() if pair[0].group in self.groups}

    def _of_patients(self, records):
        """Return features from the metadata; no columns unless the group "patient" is wanted."""
        if "patient" not in self.groups:
            return np.empty((len(records), 0))
        return patient_features(records)

    def _choose(self, table, of_patients):
        """Return the columns of the wanted groups, from all measured features and the metadata."""
        chosen = self._chosen()
        measured = table[:, [name in chosen for name in features_of(self.lead_names_)]]
        # Age and sex are NaN too if a record cannot be read, so that its row is all NaN.
        is_lost = np.isnan(table).all(axis=1)[:, np.newaxis]
        return np.hstack([measured, np.where(is_lost, np.nan, of_patients)])

    def _measure(self, X, r_peaks):
        """Return the records with leads in the order of fit, all features, and problems by row."""
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
        """Yield rows and features of the wanted groups; the folder stores those of all groups."""
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
            raise ValueError("X holds no records; pass at least one.")
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
        # A two-dimensional array, in which each sample is a feature, has one lead.
        if n_leads > 1 and self.n_features_in_ != n_leads:
            raise ValueError(f"n_features_in_ is {self.n_features_in_}, with {n_leads} leads")

    def _fits_any_length(self):
        # Fitted on records of one lead, not on an array in which each sample is a feature.
        return self.n_features_in_ == len(self.lead_names_) == 1

    def _get_fitted_attr_html(self, doc_link=""):
        """Add a summary of the features to scikit-learn's table."""
        groups = [feature.group for feature, _ in self._chosen().values()]
        learned = {
            "features": f"{len(groups)}: "
            + ", ".join(f"{name} {groups.count(name)}" for name in dict.fromkeys(groups)),
            "leads": f"{len(self.lead_names_)}: {listed(self.lead_names_)}",
            "sampling rate": f"{self.sampling_rate_:g} Hz",
        }
        return with_summary(super()._get_fitted_attr_html(doc_link), learned)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags


def _folder_of(memory):
    """Return the folder that stores features, or None."""
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
    """Warn if features cannot be measured because leads have unknown names, or none."""
    if (names is None and n_leads != len(LEADS_12)) or n_leads < _FEWEST_LEADS:
        return
    lost = features_lost(names or ("",) * n_leads, groups)
    if not lost:
        return
    unknown = [name for name in names or () if not is_known_lead(name)]
    what = f"leads have unknown names, {unknown}" if names else f"the {n_leads} leads have no names"
    warn_user(
        f"{len(lost)} features, such as {lost[0]}, cannot be measured, because {what}. Name the "
        f"leads {', '.join(LEADS_12)} by ECGRecords(signals, lead_names=...)."
    )

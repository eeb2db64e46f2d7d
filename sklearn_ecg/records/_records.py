"""ECGRecords: signals with their labels, patients and metadata."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sklearn_ecg.records._checks import (
    check_array,
    check_ids,
    check_lead_names,
    check_record_labels,
    check_record_trust,
    check_sampling_rate,
    check_sequence,
    find_leads,
)
from sklearn_ecg.records._content import ContentEquality
from sklearn_ecg.records._lazy import LazySignals
from sklearn_ecg.records._limb_leads import LeadSelection
from sklearn_ecg.records._metadata import check_metadata
from sklearn_ecg.records._readers import as_lazy, is_file_of_records
from sklearn_ecg.records._report import RecordError, Report
from sklearn_ecg.records._selection import row_index, take, take_leads
from sklearn_ecg.records._summary import RecordsSummary
from sklearn_ecg.utils import check_groups, fill_masked, ids_of, label_array


class ECGRecords(RecordsSummary, ContentEquality):
    """An immutable, sliceable collection of ECG records.

    Selecting records also selects their labels, patients, metadata and trust. The collection
    passes through scikit-learn's splitters, searches and pipelines as an array does.

    The rows of a DataFrame or Series of labels, trust, patients, folds or metadata are matched to
    `ids` by the index, in any order. Rows go by position if there are no `ids`, or if the index
    only counts rows.

    Two collections are equal if their class and their content are. Equal collections have equal
    ``joblib.hash``, so caches recognise them. Lazy signals are compared by source and position,
    without reading them.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times), or sequence of n_records arrays of \
            shape (n_leads, n_times_i)
        Signals in mV: an array for records of one length, a list for records of different lengths,
        or `LazySignals` for records that are read when needed. A memory map becomes `LazySignals`.
        NaN marks samples that were not recorded; masked values become NaN. A lead that a record
        lacks is all NaN.
    sampling_rate : float, default=None
        Samples per second (Hz). None if unknown; steps that need the rate then raise an error.
    lead_names : sequence of str of length n_leads, default=None
        For example ``("I", "II", "III", "aVR", ...)``. The attribute has the usual spelling: DII,
        "Lead II" and MDC_ECG_LEAD_II become II, C1 becomes V1. Unknown names stay as they are, and
        MLII, another lead than II, stays MLII.
    ids : array-like of shape (n_records,), default=None
        A unique name for each record, used in messages and reports. By default the
        numbers from 0 on.
    groups : array-like of shape (n_records,), default=None
        The patient of each record. Splitters keep all records of a patient on one side.
    split : array-like of shape (n_records,), default=None
        The published folds of the data set.
    labels : array-like or DataFrame of shape (n_records, n_labels), default=None
        1 present, 0 absent, -1 unknown. Masked and missing values (NaN, None, NA) are unknown.
    label_names : sequence of str of length n_labels, default=None
        By default the columns of `labels` if it is a DataFrame, else "0", "1", ....
    trusted : True, or array-like of bool of shape (n_records,) or (n_records, n_labels), \
            default=None
        The records, or single labels, that are known to be complete and right. True trusts all;
        None means that nothing is known. The attribute has the shape that was given. Scores use
        records whose labels are all trusted.
    metadata : DataFrame with a row per record, default=None
        Other facts about the records, such as ``age_years``, ``sex`` or ``device``; see
        :doc:`/records` for the names that loaders use. The attribute is a copy with the index
        `ids`, or None.
    report : DataFrame, default=None
        The problems that a loader found: columns id, file, problem, what_to_do and kept (True if
        the record was kept in spite of the problem, False if it was left out). Selections keep the
        whole report.

    Attributes
    ----------
    n_records, n_leads, n_labels : int
        `n_labels` is 0 for records without labels.
    n_times : int or None
        Samples of each record; None if lengths differ.
    shape : tuple
        ``(n_records, n_leads, n_times)``, or ``(n_records, n_leads)`` if lengths differ.

    Raises
    ------
    ValueError
        If an argument does not fit the number of records or leads, or a table names other records;
        the message names the argument.

    See Also
    --------
    CleanedRecords : Records whose labels were cleaned.
    sklearn_ecg.records.concatenate : Join collections by the names of their leads and labels.
    sklearn_ecg.preprocessing.Resampler : Bring records to another sampling rate.
    sklearn_ecg.model_selection.patient_train_test_split : Hold out whole patients.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import ECGRecords
    >>> records = ECGRecords(
    ...     np.zeros((3, 2, 1000)), sampling_rate=100, lead_names=["I", "II"],
    ...     labels=[[1, 0], [0, 1], [1, 1]], label_names=["AF", "LBBB"],
    ... )
    >>> records
    ECGRecords: 3 records, 2 leads (I, II), 10.0 s at 100 Hz, 2 labels (AF 2, LBBB 2)
    >>> records[records.labels[:, 0] == 1].ids
    array([0, 2])
    """

    # The arrays that slicing slices; subclasses with more arrays extend the tuple.
    _per_record: tuple[str, ...] = ("ids", "groups", "split", "labels", "trusted")
    # The fields that all records share.
    _shared = ("sampling_rate", "lead_names", "label_names")

    def __init__(
        self,
        signals,
        sampling_rate=None,
        *,
        lead_names=None,
        ids=None,
        groups=None,
        split=None,
        labels=None,
        label_names=None,
        trusted=None,
        metadata=None,
        report=None,
    ):
        self._signals = self._check_signals(signals)
        n_records = len(self._signals)
        self._sampling_rate = check_sampling_rate(sampling_rate)
        self._lead_names = check_lead_names(lead_names, self.n_leads)
        self._ids = check_ids(ids, n_records)
        # Without ids, the first table names the rows, so that the other tables are matched to it.
        names = ids_of(labels, trusted, groups, split, metadata) if ids is None else ids
        self._groups = check_groups(groups, n_records=n_records, ids=names)
        self._split = check_groups(split, n_records=n_records, ids=names, name="split", what="fold")
        self._labels, self._label_names = check_record_labels(labels, label_names, names, n_records)
        self._trusted = check_record_trust(trusted, self._label_names, names, n_records)
        self._metadata = check_metadata(metadata, names, n_records)
        self._report = Report().to_frame() if report is None else report
        self._freeze()

    def _freeze(self):
        for name in self._per_record:
            values = self.__dict__.get(f"_{name}")
            if isinstance(values, np.ndarray):
                frozen = values.view()
                frozen.flags.writeable = False
                setattr(self, f"_{name}", frozen)

    def _check_signals(self, signals):
        if isinstance(signals, LazySignals):
            return signals
        if is_file_of_records(signals):
            return as_lazy(check_array(signals))
        if isinstance(signals, np.ndarray) and signals.dtype != object:
            return check_array(fill_masked(signals))
        if isinstance(signals, (Sequence, np.ndarray)):
            return check_sequence(signals)
        raise TypeError(
            "signals must be an array of shape (n_records, n_leads, n_times) or a sequence of "
            f"arrays of shape (n_leads, n_times); got {type(signals).__name__}."
        )

    signals = property(lambda self: self._signals)
    sampling_rate = property(lambda self: self._sampling_rate)
    lead_names = property(lambda self: self._lead_names)
    ids = property(lambda self: self._ids)
    groups = property(lambda self: self._groups)
    split = property(lambda self: self._split)
    labels = property(lambda self: self._labels)
    label_names = property(lambda self: self._label_names)
    trusted = property(lambda self: self._trusted)
    report = property(lambda self: self._report.copy())

    @property
    def metadata(self):
        if self._metadata is None:
            return None
        return self._metadata.set_axis(pd.Index(self._ids, name="id"))

    @property
    def shape(self):
        if isinstance(self._signals, list):
            shapes = {signal.shape for signal in self._signals}
            n_leads = self._signals[0].shape[0] if self._signals else 0
            times = {shape[1] for shape in shapes}
            lengths = tuple(times) if len(times) == 1 else ()
            return (len(self._signals), n_leads, *lengths)
        return self._signals.shape

    @property
    def n_records(self):
        return len(self._signals)

    @property
    def n_leads(self):
        return self.shape[1]

    @property
    def n_times(self):
        return self.shape[2] if len(self.shape) == 3 else None

    @property
    def n_labels(self):
        return 0 if self._labels is None else self._labels.shape[1]

    def __len__(self):
        return len(self._signals)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key):
        """Select records by an integer, slice, mask or array of indices.

        An integer selects a collection of one record. ``records[key, ...]``, which scikit-learn's
        splitters use, is the same as ``records[key]``.
        """
        index = row_index(key, len(self))
        arrays = {name: getattr(self, f"_{name}") for name in self._per_record}
        selected = {
            name: values[index] if values is not None else None for name, values in arrays.items()
        }
        metadata = self._metadata
        if metadata is not None:
            metadata = metadata.iloc[index].reset_index(drop=True)
        return self._with(signals=take(self._signals, index), metadata=metadata, **selected)

    def _with(self, **changes):
        """Return a copy with some private fields replaced, without checks."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        for name, value in changes.items():
            setattr(other, f"_{name}", value)
        other._freeze()
        return other

    def with_labels(self, labels, label_names=None, *, trusted=None):
        """Return the same records with other labels.

        Parameters
        ----------
        labels : array-like or DataFrame of shape (n_records, n_labels), or None
            The rows of a DataFrame are matched to `ids` by its index.
        label_names : sequence of str, default=None
            By default the columns of a DataFrame, else the present names if their number fits.
        trusted : True, or array-like of bool of shape (n_records,) or (n_records, n_labels), \
                default=None
            By default the present mask. A mask of labels can only be kept with the same labels.

        Returns
        -------
        ECGRecords
        """
        if labels is not None and label_names is None and not isinstance(labels, pd.DataFrame):
            # `label_array` cannot take a sparse matrix, which has a shape; lists have none.
            shape = getattr(labels, "shape", None) or label_array(labels, "labels").shape
            if len(shape) == 2 and shape[1] == self.n_labels:
                label_names = self._label_names
        if trusted is None and self._trusted is not None:
            trusted = self._trusted
            if trusted.ndim == 2:
                # A mask of labels belongs to the labels.
                own = pd.DataFrame(trusted, self._ids, self._label_names)
                trusted = None if labels is None else own
        arguments = {name: getattr(self, name) for name in ("ids", "groups", "split")}
        return ECGRecords(
            self._signals,
            self._sampling_rate,
            lead_names=self._lead_names,
            labels=labels,
            label_names=label_names,
            trusted=trusted,
            metadata=self.metadata,
            report=self._report,
            **arguments,
        )

    def with_metadata(self, metadata):
        """Return the same records with other metadata.

        Parameters
        ----------
        metadata : DataFrame with a row per record, or None
            Its rows are matched to `ids` by its index. If the table has more records, pass
            ``table.loc[records.ids]``; if it lacks some, pass ``table.reindex(records.ids)``.

        Returns
        -------
        ECGRecords
            It has the same class.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> from sklearn_ecg import ECGRecords
        >>> records = ECGRecords(np.zeros((2, 1, 9)), ids=["a", "b"])
        >>> table = pd.DataFrame({"age_years": [48.0, 61.0, 7.0]}, index=["b", "a", "c"])
        >>> records = records.with_metadata(table.loc[records.ids])
        >>> records.metadata
            age_years
        id
        a        61.0
        b        48.0
        >>> device = pd.Series(["Cart 1", "Cart 2"], records.ids)
        >>> records = records.with_metadata(records.metadata.assign(device=device))
        """
        return self._with(metadata=check_metadata(metadata, self._ids, len(self)))

    def with_signals(self, signals, sampling_rate=None):
        """Return the same records with other signals.

        Parameters
        ----------
        signals : as for the constructor
            Signals in mV of the same number of records and leads.
        sampling_rate : float, default=None
            Samples per second (Hz); by default the present rate.

        Returns
        -------
        ECGRecords
            It has the same class: cleaned records stay `CleanedRecords`.

        Raises
        ------
        ValueError
            If the number of records or leads differs.
        """
        signals = self._check_signals(signals)
        rate = self._sampling_rate if sampling_rate is None else check_sampling_rate(sampling_rate)
        other = self._with(signals=signals, sampling_rate=rate)
        if other.shape[:2] != self.shape[:2]:
            raise ValueError(
                f"signals must hold the same {len(self)} records of {self.n_leads} leads; got "
                f"{len(other)} records of {other.n_leads} leads."
            )
        return other

    def verified(self):
        """Read every signal now, and return the records that can be read.

        Returns
        -------
        ECGRecords
            It has the same class. Its `report` names the other records and their problems.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_ecg import ECGRecords
        >>> records = ECGRecords(np.zeros((3, 2, 1000)), sampling_rate=100)
        >>> len(records.verified())
        3
        """
        report, is_read = Report(), np.ones(len(self), dtype=bool)
        # Signals in memory were read already.
        rows = range(len(self)) if isinstance(self._signals, LazySignals) else ()
        for row in rows:
            try:
                self._signals[row]
            except RecordError as error:
                is_read[row] = False
                report.add_error(self._ids[row], error)
        if is_read.all():
            return self
        reports = [self._report, report.to_frame()]
        return self[is_read]._with(report=pd.concat(reports, ignore_index=True))

    def select_leads(self, names, *, missing="raise"):
        """Return the same records with the named leads, in that order.

        A missing limb lead (I, II, III, aVR, aVL, aVF or -aVR) is computed from two others:
        III = II - I, aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2. A lead without a
        finite sample in a record is missing from that record.

        Parameters
        ----------
        names : sequence of str
            Names of leads, in any spelling.
        missing : {"raise", "nan"}, default="raise"
            Whether a lead that is missing and cannot be computed is an error or all NaN.

        Returns
        -------
        ECGRecords
            It has the same class. Lazy signals stay lazy.

        Raises
        ------
        ValueError
            If a lead is missing, or two names mean the same lead; the message lists the leads of
            the records.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_ecg import ECGRecords
        >>> signals = np.full((3, 3, 50), [[0.5], [1.0], [2.0]])
        >>> records = ECGRecords(signals, 100, lead_names=["I", "II", "V1"])
        >>> records.select_leads(["V1", "III", "aVF"])
        ECGRecords: 3 records, 3 leads (V1, III, aVF), 0.5 s at 100 Hz
        >>> records.select_leads(["V1", "III", "aVF"]).signals[0, :, 0]
        array([2.  , 0.5 , 0.75])
        """
        names = find_leads(names, self._lead_names, missing)
        return self._with_leads(names, self._lead_names)

    def _with_leads(self, names, given):
        """Return the records with the leads `names`, made from their leads, called `given`."""
        signals = take_leads(self._signals, LeadSelection(names, given))
        if signals is self._signals and self._lead_names in (None, names):
            return self
        if self._lead_names is None:
            names = None
        return self._with(signals=signals, lead_names=names)

    def __array__(self, dtype=None, copy=None):
        if self.n_times is None:
            raise TypeError(
                "Records of different lengths cannot become one array; bring them to one length "
                "first (sklearn_ecg.preprocessing.FixedLength), or iterate over records.signals."
            )
        signals = np.asarray(self._signals, dtype=dtype)
        return signals.copy() if copy and np.shares_memory(signals, self._signals) else signals

"""CleanedRecords: the output of a label cleaner."""

import numpy as np
import pandas as pd

from sklearn_ecg.records._records import ECGRecords
from sklearn_ecg.utils import align_labels, align_records, check_labels, fill_masked, ids_of

#: The possible reasons for a cleaned label.
PROVENANCES = (
    "trusted",  # the record is trusted, so its label was not questioned
    "answered",  # a person has answered whether the record has the label
    "anchor",  # the weak label lies in a pattern that trusted records share
    "included",  # an inclusion rule added the label
    "excluded",  # an exclusion rule removed the label
    "confirmed",  # a discriminator agrees with the weak label, or nothing contradicts it
    "added",  # a discriminator found a missing label, or found an unknown one present
    "removed",  # a discriminator found a wrong label, or found an unknown one absent
    "undecided",  # a person must decide
)


class CleanedRecords(ECGRecords):
    """Records with cleaned labels.

    Later steps of a Pipeline that know `CleanedRecords` train on `labels`, and ignore the weak
    ``y`` that the Pipeline still passes: **labels that a step has cleaned win over y**. Other
    estimators cannot train on the weak labels by accident: they turn the records into an array,
    which raises `TypeError`. Wrap them in `OnCleanedLabels`.

    Parameters
    ----------
    signals : as for `ECGRecords`, or DataFrame or ndarray of shape (n_records, n_features)
        The input of the cleaner: signals in mV, or a table of features.
    sampling_rate : float, default=None
        Samples per second (Hz).
    labels : array-like of shape (n_records, n_labels)
        The cleaned labels: 1 present, 0 absent, -1 undecided.
    weak_labels : array-like of shape (n_records, n_labels)
        The labels before cleaning.
    provenance : array-like of str of shape (n_records, n_labels)
        The reason for each cleaned label, one of `PROVENANCES`.
    confidence : array-like of float of shape (n_records, n_labels)
        Probability in [0, 1] that the cleaned label is right.
    features : DataFrame or ndarray of shape (n_records, n_features), default=None
        The features that the cleaner measured, so that no later step measures them again.
        Selections of records keep them; records with other signals or leads lose them. The
        attribute is a DataFrame with the records' ids as index, or None.
    extractor : ECGFeatureExtractor, default=None
        The fitted extractor that measured `features`.
    **fields : lead_names, ids, groups, split, label_names, trusted, metadata, report
        As for `ECGRecords`. If `signals` is a DataFrame whose index names its rows, `ids` are its
        index by default.

    See Also
    --------
    sklearn_ecg.OnCleanedLabels : Lets any scikit-learn classifier train on cleaned labels.

    Examples
    --------
    >>> from sklearn_ecg import CleanedRecords
    >>> cleaned = CleanedRecords(
    ...     [[0.1, 0.2], [0.3, 0.4]],
    ...     labels=[[1], [0]],
    ...     weak_labels=[[1], [1]],
    ...     provenance=[["trusted"], ["removed"]],
    ...     confidence=[[1.0], [0.9]],
    ...     label_names=["AF"],
    ... )
    >>> cleaned.changes()
      id label  weak  clean provenance  confidence
    0  1    AF     1      0    removed         0.9
    """

    _per_record = (
        *ECGRecords._per_record,
        "weak_labels",
        "provenance",
        "confidence",
        "features",
    )

    def __init__(
        self,
        signals,
        sampling_rate=None,
        *,
        labels,
        weak_labels,
        provenance,
        confidence,
        features=None,
        extractor=None,
        **fields,
    ):
        if labels is None:
            raise ValueError("labels are None; records without labels are ECGRecords.")
        if isinstance(signals, pd.DataFrame) and fields.get("ids") is None:
            index = signals.index
            if index.is_unique and index.inferred_type in ("string", "integer"):
                fields["ids"] = index
        index = signals.index.to_flat_index() if isinstance(signals, pd.DataFrame) else None
        if index is not None and index.is_unique and not index.hasnans:
            # Any other index does not name records; rows go by position then.
            signals = align_records(signals, fields.get("ids"), name="signals")
        super().__init__(signals, sampling_rate, labels=labels, **fields)
        names = fields.get("ids")
        if names is None:
            names = ids_of(labels, weak_labels, provenance, confidence)
        self._weak_labels, weak_names = check_labels(
            weak_labels, n_records=len(self), ids=names, name="weak_labels"
        )
        self._provenance = self._of_labels(provenance, names, "provenance", "<U9")
        self._confidence = self._of_labels(confidence, names, "confidence", np.float64)
        shape = self._labels.shape
        for name in ("weak_labels", "provenance", "confidence"):
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(
                    f"{name} must have the shape of labels, {shape}; got an array of shape {found}."
                )
        self._weak_labels = align_labels(
            self._weak_labels,
            weak_names,
            self._label_names,
            name="weak_labels",
            owner="the cleaned labels are",
        )
        unknown = np.setdiff1d(self._provenance, PROVENANCES)
        if len(unknown):
            raise ValueError(f"provenance must be one of {PROVENANCES}; got {unknown.tolist()}.")
        if not ((self._confidence >= 0) & (self._confidence <= 1)).all():
            raise ValueError("confidence must hold probabilities in [0, 1], without NaN.")
        self._features, self._feature_names = self._check_features(features, extractor, names)
        self._extractor = extractor
        self._freeze()

    weak_labels = property(lambda self: self._weak_labels)
    provenance = property(lambda self: self._provenance)
    confidence = property(lambda self: self._confidence)
    extractor = property(lambda self: self._extractor)

    @property
    def features(self):
        if self._features is None:
            return None
        # The values are shared with the cleaner, and read only.
        index = pd.Index(self._ids, name="id")
        return pd.DataFrame(self._features, index, self._feature_names, copy=False)

    def _of_labels(self, values, ids, name, dtype):
        """Return a table with an entry per label, in the order of the records and labels."""
        values = align_records(values, ids, name=name)
        columns = getattr(values, "columns", None)
        values = np.asarray(fill_masked(values), dtype=dtype)
        if columns is None or values.shape != self._labels.shape:
            return values
        return align_labels(
            values, columns, self._label_names, name=name, owner="the cleaned labels are"
        )

    def _check_features(self, features, extractor, ids):
        """Return features as an array, and their names."""
        if features is None:
            if extractor is not None:
                raise ValueError(
                    "extractor was given without features; pass the features that it measured too."
                )
            return None, None
        if self.is_table:
            raise ValueError(
                "features must be None if signals is a table of features; pass the table as "
                "signals only."
            )
        features = align_records(features, ids, name="features")
        names = getattr(features, "columns", None)
        if names is None and extractor is not None:
            names = extractor.get_feature_names_out()
        values = np.asarray(features)
        if values.ndim != 2 or len(values) != len(self) or values.dtype.kind not in "fiu":
            raise ValueError(
                f"features must be a table of numbers with a row for each of the {len(self)} "
                f"records; got an array of {values.dtype} of shape {values.shape}."
            )
        names = np.arange(values.shape[1]).astype(str) if names is None else np.asarray(names, str)
        if len(names) != values.shape[1]:
            raise ValueError(
                f"features must have a column for each of the {len(names)} features of extractor; "
                f"got {values.shape[1]}."
            )
        return values, names

    def _with(self, **changes):
        # Features of other signals, leads or patients must be measured again.
        of_patients = "patient" in getattr(self._extractor, "groups", ())
        measured = {"signals", "metadata"} if of_patients else {"signals"}
        if measured & changes.keys() and "features" not in changes:
            changes |= {"features": None, "feature_names": None, "extractor": None}
        return super()._with(**changes)

    def _check_signals(self, signals):
        signals = fill_masked(signals)
        if isinstance(signals, pd.DataFrame):
            return signals
        if isinstance(signals, list) and signals and np.ndim(signals[0]) == 1:
            signals = np.asarray(signals)
        if isinstance(signals, np.ndarray) and signals.ndim == 2:
            return signals
        return super()._check_signals(signals)

    @property
    def is_table(self):
        """Whether `signals` is a table of features."""
        return getattr(self._signals, "ndim", None) == 2

    def changes(self):
        """Return a table of the labels that cleaning changed or left undecided.

        Returns
        -------
        DataFrame
            A row per such label; columns id, label, weak, clean, provenance and confidence.
        """
        changed = self._labels != self._weak_labels
        record, label = np.nonzero(changed | (self._provenance == "undecided"))
        return pd.DataFrame(
            {
                "id": self._ids[record],
                "label": self._label_names[label],
                "weak": self._weak_labels[record, label],
                "clean": self._labels[record, label],
                "provenance": self._provenance[record, label],
                "confidence": self._confidence[record, label],
            }
        )

    def with_table(self, table):
        """Replace the signals by a table of features, and keep the labels.

        Parameters
        ----------
        table : DataFrame or ndarray of shape (n_records, n_features)
            For example embeddings of the signals, in the order of the records.

        Returns
        -------
        CleanedRecords
        """
        of_records = {
            name: getattr(self, name)
            for name in ("labels", "weak_labels", "provenance", "confidence", "ids", "groups",
                         "split", "trusted", "label_names", "metadata")
        }  # fmt: skip
        return CleanedRecords(table, **of_records)

    def with_labels(self, labels, label_names=None, *, trusted=None):
        """Return the same records, not cleaned, with other labels.

        Parameters
        ----------
        labels : array-like or DataFrame of shape (n_records, n_labels), or None
            As for `ECGRecords.with_labels`, as are the other parameters.
        label_names : sequence of str, default=None
            Names of the labels.
        trusted : True, or array-like of bool of shape (n_records,) or (n_records, n_labels), \
                default=None
            The trusted records or labels.

        Returns
        -------
        ECGRecords

        Raises
        ------
        TypeError
            If the records hold a table of features, which cannot be `ECGRecords`.
        """
        if self.is_table:
            raise TypeError(
                "a feature table cannot be ECGRecords; pass the table, cleaned.without_labels(), "
                "as X and the other labels as y."
            )
        return super().with_labels(labels, label_names, trusted=trusted)

    def __repr__(self):
        text = super().__repr__()
        if not self.is_table:
            return text
        return text.replace(
            f"{self.n_leads} leads, {self._describe_length()}", f"{self.n_leads} features", 1
        )

    def without_labels(self):
        """Return the input of the cleaner without labels.

        Returns
        -------
        ECGRecords, or DataFrame or ndarray of shape (n_records, n_features)
        """
        if self.is_table:
            return self._signals
        return ECGRecords(
            self._signals,
            self._sampling_rate,
            lead_names=self._lead_names,
            ids=self._ids,
            groups=self._groups,
            split=self._split,
            metadata=self.metadata,
            report=self._report,
        )

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "CleanedRecords were given to an estimator that does not know them and would train on "
            "the weak labels. Wrap a classifier: OnCleanedLabels(estimator). Put a transformer of "
            "features before the cleaner or with the classifier: "
            "OnCleanedLabels(make_pipeline(scaler, estimator)). Put OnCleanedLabels around a "
            "meta-estimator, not inside: OnCleanedLabels(ClassifierChain(estimator))."
        )

"""What a net learns of the records that it reads, and how it brings others to the same form."""

import warnings

import numpy as np
import torch

from sklearn_ecg.network._batches import SignalDataset
from sklearn_ecg.network._feature_table import fit_extractor, measure
from sklearn_ecg.network._signals import (
    LeadScaler,
    prepare_signals,
    valid_lengths,
)
from sklearn_ecg.records import CleanedRecords, as_records
from sklearn_ecg.records._lead_order import order_leads

# Of 2.5, 5 and 10 s the shortest was as accurate on PTB-XL's superclasses, in the least time.
_AUTO_CROP_S = 2.5
# So many times the size of training's signals, or the reverse, no patient's are.
_OTHER_UNIT = 100


class RecordReading:
    """From records of any form to the tensors that a net reads.

    It reads the parameters ``sampling_rate``, ``highpass``, ``duration_s``, ``crop_s`` and
    ``features``.
    """

    def _learn_input(self, records):
        self.n_leads_in_ = records.n_leads
        self.lead_names_in_ = records.lead_names
        if records.sampling_rate is not None:
            self.sampling_rate_ = float(self.sampling_rate)
            self.n_times_ = round(self.sampling_rate_ * self._seconds_at_once())
            if self.n_times_ < 1:
                raise ValueError(
                    f"sampling_rate={self.sampling_rate:g} Hz leaves no sample of the "
                    f"{self._seconds_at_once():g} s that the network reads at a time."
                )
            self.n_features_in_ = records.n_leads
            return
        if self.crop_s not in (None, "auto"):
            raise ValueError(
                "crop_s is in seconds, which needs a known sampling rate: pass "
                "ECGRecords(signals, sampling_rate=...)."
            )
        if records.n_times is None:
            raise ValueError(
                "Records of different lengths need a known sampling rate, by which they are cut "
                "to one duration: pass ECGRecords(signals, sampling_rate=...)."
            )
        self.sampling_rate_ = None
        self.n_times_ = records.n_times
        self.n_features_in_ = records.n_times if records.n_leads == 1 else records.n_leads

    def _seconds_at_once(self):
        if self.crop_s is None:
            return self.duration_s
        if self.crop_s != "auto":
            return self.crop_s
        return _AUTO_CROP_S if self.duration_s is None else min(_AUTO_CROP_S, self.duration_s)

    def _prepare(self, records):
        self._check_highpass(records)
        n_times = self.n_times_
        if self.sampling_rate_ is not None and self.duration_s is None:
            n_times = None
        elif self.sampling_rate_ is not None:
            n_times = max(n_times, round(self.sampling_rate_ * self.duration_s))
        name = type(self).__name__
        return prepare_signals(
            order_leads(records, self.lead_names_in_, self.n_leads_in_, name),
            sampling_rate=self.sampling_rate_,
            n_times=n_times,
            n_least=self.n_times_,
            highpass=self.highpass,
        )

    def _check_highpass(self, records):
        if self.highpass is None or self.sampling_rate_ is None:
            return
        rate = min(self.sampling_rate_, records.sampling_rate)
        if self.highpass >= rate / 2:
            raise ValueError(
                f"highpass={self.highpass:g} Hz would leave nothing of signals sampled at {rate:g} "
                f"Hz, which hold frequencies up to {rate / 2:g} Hz: lower it, or set it to None."
            )

    def _learn_leads(self, signals, training):
        """Learn from the training records how leads are standardised."""
        scaler = LeadScaler.learn(signals, training)
        self.lead_center_, self.lead_scale_ = scaler.center, scaler.scale

    def _learn_features(self, records, training):
        """Learn from the training records how features are measured."""
        self.features_ = None
        if self.features is not None:
            self.features_ = fit_extractor(self.features, records[training])
        return self._read_features(records)

    def _read_features(self, records):
        """Return features of shape (n_records, n_features), or None where none are read."""
        return None if self.features_ is None else measure(self.features_, records)

    def _dataset_of(self, signals, labels, weights=None, training=None, validation=()):
        """Scale signals in place and make the training part, with the held-out part in it."""
        lengths = torch.from_numpy(valid_lengths(signals))
        LeadScaler(self.lead_center_, self.lead_scale_).transform(signals)
        arrays = {
            "signals": torch.from_numpy(signals),
            "lengths": lengths,
            "labels": torch.from_numpy(labels),
            "weights": None if weights is None else torch.from_numpy(weights),
        }
        held_out = None
        if len(validation):
            held_out = SignalDataset(**arrays, rows=torch.from_numpy(validation))
        rows = None if training is None else torch.from_numpy(training)
        return SignalDataset(**arrays, rows=rows, held_out=held_out)

    def _check_units(self, sizes, ids):
        """Warn of signals whose size says that they are in another unit than those of training."""
        other = np.flatnonzero((sizes >= _OTHER_UNIT) | (sizes <= 1 / _OTHER_UNIT))
        if len(other):
            first = other[0]
            warnings.warn(
                f"{len(other)} of {len(ids)} records are far larger or smaller than those of "
                f"training, the first of them {ids[first]}, {sizes[first]:.2g} times their size: "
                "are they in another unit, such as microvolt for mV, or was nothing recorded? What "
                "is predicted for them means nothing then; bring them to the unit of training.",
                UserWarning,
                stacklevel=4,
            )

    def _check_input(self, X):
        records = records_of(X)
        name = type(self).__name__
        if len(records) == 0:
            raise ValueError(f"X holds no records; {name} needs at least one to predict.")
        if self.sampling_rate_ is None:
            if records.n_times != self.n_times_:
                found = "different numbers of" if records.n_times is None else records.n_times
                raise ValueError(
                    f"X has {found} features, but {name} is expecting {self.n_times_} features as "
                    "input, the samples of each lead. Fit on ECGRecords with a sampling rate to "
                    "predict on records of any length."
                )
        elif records.sampling_rate is None:
            raise ValueError(
                f"{name} was fitted on records of known sampling rate; X has none. Pass "
                "ECGRecords(X, sampling_rate=...)."
            )
        return records


def records_of(X):
    """Return X as records; their labels are read by `resolve_targets`."""
    if isinstance(X, CleanedRecords) and X.is_table:
        raise TypeError(
            "LabelCorrelationECGClassifier learns from signals, but the CleanedRecords hold a "
            "table of features. Give the cleaner signals, or use OnCleanedLabels with a classifier "
            "of features."
        )
    return as_records(X)

"""SignalReader: turns records of any form into the standardised tensors of the network."""

import math
import os
import tempfile
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from scipy.signal import resample_poly

from sklearn_ecg.network._batches import SignalDataset
from sklearn_ecg.preprocessing import LeadScaler, bandpass
from sklearn_ecg.preprocessing._gaps import fill_gaps
from sklearn_ecg.records import CleanedRecords, LazySignals, as_records
from sklearn_ecg.records._lead_order import order_leads
from sklearn_ecg.utils import warn_user

# Of 2.5, 5 and 10 s the shortest was as accurate on PTB-XL's superclasses, and fastest.
_AUTO_CROP_S = 2.5
# Records resampled and filtered together: few enough for the processor's cache.
_CHUNK = 64
# Bytes of memory that padding may take, where padding is most of the data.
_MOST_GB = 8
_MOST_PADDING = 0.75
# Samples read together for prediction: 256 MB.
_MOST_SAMPLES = 2**26
# Bytes of signals held in memory. Larger arrays are in a file, which the system reads ahead.
_MOST_IN_MEMORY = 2**30
# A thousand records are enough to find the usual size of a lead.
_RECORDS_FOR_SCALE = 1000
# No patient's signals are larger or smaller than those of training by this factor.
_OTHER_UNIT = 100


@dataclass(frozen=True, eq=False)
class Reading:
    """Signals of records, and the reasons why some were not read.

    Attributes
    ----------
    dataset : SignalDataset
        With zeros for records that could not be read.
    reasons : dict of int to str
        {row: why the record cannot be read}.
    """

    dataset: SignalDataset
    reasons: dict

    @property
    def is_read(self):
        """Whether each record was read, of shape (n_records,)."""
        is_read = np.ones(len(self.dataset), dtype=bool)
        is_read[list(self.reasons)] = False
        return is_read


class SignalReader:
    """Bring records to one rate, length, order of leads and size.

    Gaps become straight lines. A lead without any sample becomes 0 mV throughout if some training
    records lack it too; otherwise the record cannot be read. Missing limb leads are computed from
    others.

    Parameters
    ----------
    sampling_rate : float
        Hz. Records of known rate are resampled to it.
    highpass : float or None
        Cut-off in Hz. Slower changes are removed from records of known rate.
    duration_s : float or None
        Seconds. Records of known rate are cropped or padded at their end to this length; None reads
        all.
    crop_s : float, "auto" or None
        Seconds that the network reads at a time; None is all of `duration_s`.

    Attributes
    ----------
    lead_names_ : tuple of str, or None
    n_leads_ : int
    sampling_rate_ : float or None
        Hz; None after records of unknown rate.
    n_times_ : int
        Samples that the network reads at a time.
    n_features_in_ : int
        Number of leads. For arrays of a single lead, number of samples, as scikit-learn counts the
        columns of X.
    lead_scale_ : ndarray of shape (n_leads,)
        mV, see `sklearn_ecg.preprocessing.LeadScaler`.
    may_lack_ : ndarray of bool of shape (n_leads,)
        True for leads that a training record lacks.
    """

    def __init__(self, sampling_rate, highpass, duration_s, crop_s):
        if crop_s is None and duration_s is None:
            raise ValueError(
                "With duration_s=None records are read whole. Set crop_s, the seconds that the "
                "network reads at a time."
            )
        is_number = crop_s not in (None, "auto")
        if is_number and duration_s is not None and crop_s > duration_s:
            raise ValueError(f"crop_s={crop_s:g} must not exceed duration_s={duration_s:g}.")
        self.sampling_rate = sampling_rate
        self.highpass = highpass
        self.duration_s = duration_s
        self.crop_s = crop_s

    def learn(self, records, training):
        """Learn leads, rate, length and scaling; return all records as tensors.

        Parameters
        ----------
        records : ECGRecords
        training : ndarray of int
            Rows of the records that fit the scaling of leads.

        Returns
        -------
        Reading
        """
        self.n_leads_ = records.n_leads
        self.lead_names_ = records.lead_names
        self._learn_length(records)
        # A limb lead that a record lacks is computed, as in prediction.
        records = order_leads(
            records, self.lead_names_, self.n_leads_, type(self).__name__, missing="nan"
        )
        self.may_lack_ = np.ones(records.n_leads, dtype=bool)
        signals, lacks, reasons = self._prepare(records)
        usable = np.setdiff1d(training, list(reasons))
        if not len(usable):
            raise ValueError(f"No record can be read. The first: {next(iter(reasons.values()))}")
        self.may_lack_ = lacks[usable].any(axis=0)
        sample = usable[:: max(1, len(usable) // _RECORDS_FOR_SCALE)]
        self.lead_scale_ = LeadScaler().fit(signals[sample]).scale_.astype(np.float32)
        return self._standardised(signals, reasons)

    def read(self, records):
        """Read records as in `learn`.

        Parameters
        ----------
        records : ECGRecords

        Returns
        -------
        Reading
        """
        try:
            signals, _, reasons = self._prepare(records)
        except _WrongRate as error:
            signals = np.zeros((len(records), self.n_leads_, self.n_times_), dtype=np.float32)
            reasons = dict.fromkeys(range(len(records)), str(error))
        return self._standardised(signals, reasons)

    def answers(self, records, ask, n_columns):
        """Read records in parts that fit into memory, and ask a network about each part.

        Parameters
        ----------
        records : ECGRecords
            From `check`.
        ask : callable
            Takes a SignalDataset and its records, and returns an array with a row for each.
        n_columns : int
            Number of columns of that array.

        Returns
        -------
        answers : ndarray of shape (n_records, n_columns)
            NaN where there is none.
        reasons : dict of int to str
            {row: why there is none}.
        """
        answers, sizes = np.full((len(records), n_columns), np.nan), np.empty(len(records))
        reasons = {}
        for rows in self._parts(records):
            part = records if len(rows) == len(records) else records[rows]
            reading = self.read(part)
            sizes[rows] = reading.dataset.sizes()
            reasons |= {int(rows[row]): reason for row, reason in reading.reasons.items()}
            read = np.flatnonzero(reading.is_read)
            if len(read):
                part = part if len(read) == len(part) else part[read]
                answers[rows[read]] = ask(reading.dataset.select(read), part)
                bad = read[~np.isfinite(answers[rows[read]]).all(axis=1)]
                reasons |= dict.fromkeys(
                    rows[bad].tolist(),
                    "the network has no finite answer: are its signals in mV?",
                )
        warn_of_other_units(sizes, records.ids)
        answers[list(reasons)] = np.nan
        return answers, reasons

    def _parts(self, records):
        """Split rows of records so that no record is padded to the length of a much longer one.

        Returns
        -------
        list of ndarray of int
            One part if the records are few enough to be read together.
        """
        lengths = _lengths(records)
        if self.duration_s is not None and records.sampling_rate is not None:
            lengths = np.minimum(lengths, np.ceil(self.duration_s * records.sampling_rate))
        if lengths.max(initial=0) * records.n_leads * len(lengths) <= _MOST_SAMPLES:
            return [np.arange(len(lengths))]
        parts = [[]]
        for row in np.argsort(lengths, kind="stable"):
            if parts[-1] and (len(parts[-1]) + 1) * lengths[row] * records.n_leads > _MOST_SAMPLES:
                parts.append([])
            parts[-1].append(row)
        return [np.array(part) for part in parts]

    def check(self, X, owner):
        """Return X as records, after checking that rate and length fit those of `learn`.

        Parameters
        ----------
        X : ECGRecords or array-like
        owner : str
            Name of the estimator, for messages.
        """
        records = records_of(X, owner)
        if self.sampling_rate_ is None:
            if len(records) and records.n_times != self.n_times_:
                found = "different numbers of" if records.n_times is None else records.n_times
                raise ValueError(
                    f"X has {found} features, but {owner} is expecting {self.n_times_} features as "
                    "input, the samples of each lead. To predict on records of any length, fit on "
                    "ECGRecords with a sampling rate."
                )
        elif records.sampling_rate is None:
            raise ValueError(
                f"{owner} was fitted on records of known sampling rate; X has none. Pass "
                "ECGRecords(X, sampling_rate=...)."
            )
        return order_leads(records, self.lead_names_, self.n_leads_, owner, missing="nan")

    def _learn_length(self, records):
        if records.sampling_rate is not None:
            self.sampling_rate_ = float(self.sampling_rate)
            self.n_times_ = round(self.sampling_rate_ * self._seconds_at_once())
            if self.n_times_ < 1:
                raise ValueError(
                    f"sampling_rate={self.sampling_rate:g} Hz leaves no sample in the "
                    f"{self._seconds_at_once():g} s that the network reads at a time. Set a "
                    "higher one."
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
                "Records of different lengths need a known sampling rate, to be cut to one "
                "duration: pass ECGRecords(signals, sampling_rate=...)."
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
        """Return signals in mV padded with NaN, the leads that records lack, and reasons."""
        ratio = self._ratio(records)
        n_times = self._n_times_kept(records, ratio)
        signals = _room((len(records), self.n_leads_, n_times))
        lacks = np.zeros((len(records), self.n_leads_), dtype=bool)
        reasons = {}
        for start in range(0, len(records), _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, len(records)))
            signals[start : start + _CHUNK] = np.nan
            for of, found in self._read_chunk(records[rows], rows, n_times, ratio, reasons):
                lacks[of] = ~np.isfinite(found).any(axis=-1)
                reasons |= self._unreadable(of, lacks[of], found.shape[-1])
                found = self._resampled(fill_gaps(found), ratio)[..., :n_times]
                signals[of, :, : found.shape[-1]] = found
        return signals, lacks, reasons

    def _read_chunk(self, records, rows, n_times, ratio, reasons):
        """Yield (rows, signals of one length), without the records that raise an error."""
        n_needed = int(np.ceil(n_times / ratio))
        signals = records.signals
        is_long = records.n_times is None or records.n_times > n_needed
        is_lazy = isinstance(signals, LazySignals)
        if not is_long or (records.n_times and not is_lazy):
            try:
                together = np.asarray(signals.read_many() if is_lazy else signals)[..., :n_needed]
                together = self._checked(together.astype(np.float32, copy=False))
            except Exception:
                pass  # read one by one below, to find the record
            else:
                yield rows, together
                return
        for i, row in enumerate(rows):
            try:
                # No more of a long record is read than is used.
                signal = signals.window(i, 0, n_needed) if is_lazy else signals[i]
                signal = np.asarray(signal, dtype=np.float32)[np.newaxis, ..., :n_needed]
                signal = self._checked(signal)
            except Exception as error:
                reasons[row] = f"it cannot be read ({type(error).__name__}: {error})."
            else:
                yield np.array([row]), signal

    def _checked(self, signals):
        if signals.ndim != 3 or signals.shape[1] != self.n_leads_ or not signals.shape[2]:
            raise ValueError(
                f"its signal is of shape {signals.shape[1:]}, not {self.n_leads_} leads and "
                "samples of each"
            )
        return signals

    def _unreadable(self, rows, lacks, n_read):
        nothing, unlike = lacks.all(axis=1), (lacks & ~self.may_lack_).any(axis=1)
        names = np.array(self.lead_names_ or [f"number {i + 1}" for i in range(self.n_leads_)])
        reasons = {}
        for row, lacking in zip(rows[nothing | unlike], lacks[nothing | unlike], strict=True):
            reasons[row] = f"it has no finite sample in the first {n_read} of each lead."
            if not lacking.all():
                reasons[row] = (
                    f"it lacks lead {', '.join(names[lacking])}, which all training records have."
                )
        return reasons

    def _resampled(self, signals, ratio):
        if ratio != 1:
            # The record is continued beyond its ends by a line through them, which avoids ringing.
            signals = resample_poly(
                signals, ratio.numerator, ratio.denominator, axis=-1, padtype="line"
            )
        if self.highpass is not None and self.sampling_rate_ is not None:
            signals = bandpass(signals, self.sampling_rate_, low=self.highpass)
        return signals

    def _ratio(self, records):
        own_rate = records.sampling_rate
        if self.sampling_rate_ is None or own_rate is None:
            return Fraction(1)
        lower = min(self.sampling_rate_, own_rate)
        if self.highpass is not None and self.highpass >= lower / 2:
            raise _WrongRate(
                f"highpass={self.highpass:g} Hz would remove the whole signal: signals sampled at "
                f"{lower:g} Hz hold frequencies up to {lower / 2:g} Hz. Lower it, set it to None, "
                "or check the sampling rate of the records."
            )
        ratio = Fraction(self.sampling_rate_ / own_rate).limit_denominator(1000)
        if ratio == 0:
            raise _WrongRate(
                f"Records of {own_rate:g} Hz cannot be resampled to {self.sampling_rate_:g} Hz, "
                "less than a thousandth of that. Check sampling_rate of the classifier and of the "
                "records."
            )
        return ratio

    def _n_times_kept(self, records, ratio):
        if self.sampling_rate_ is None:
            return self.n_times_
        if self.duration_s is not None:
            return max(self.n_times_, round(self.sampling_rate_ * self.duration_s))
        lengths = -(-_lengths(records) * ratio.numerator // ratio.denominator)
        self._check_padding(lengths, records.ids)
        return max(self.n_times_, int(lengths.max(initial=0)))

    def _check_padding(self, lengths, ids):
        n_padded = lengths.max(initial=0) * len(lengths)
        gigabytes = 4e-9 * self.n_leads_ * n_padded
        if gigabytes > _MOST_GB and 1 - lengths.sum() / n_padded > _MOST_PADDING:
            longest = lengths.argmax()
            raise ValueError(
                f"With duration_s=None all {len(lengths)} records are padded to the longest, "
                f"{ids[longest]} of {lengths[longest] / self.sampling_rate_:g} s: {gigabytes:.0f} "
                "GB, most of it padding. Set duration_s, or cut the longest records."
            )

    def _standardised(self, signals, reasons):
        lengths = np.empty(len(signals), dtype=np.int64)
        for start in range(0, len(signals), _CHUNK):
            part = signals[start : start + _CHUNK]
            lengths[start : start + _CHUNK] = (~np.isnan(part[:, 0])).sum(axis=-1)
            part /= self.lead_scale_[:, np.newaxis]
            np.nan_to_num(part, copy=False, nan=0.0)
        return Reading(SignalDataset(torch.from_numpy(signals), torch.from_numpy(lengths)), reasons)


def _room(shape):
    """Return an array for signals; above a GB it is in a temporary file.

    Training reads one batch of it at a time, at no cost where it fits into memory.
    """
    n_bytes = 4 * math.prod(shape)
    if n_bytes <= _MOST_IN_MEMORY:
        return np.empty(shape, dtype=np.float32)
    with tempfile.TemporaryFile() as file:
        try:
            # Without reserved space, a full disk would kill the process when it writes.
            os.posix_fallocate(file.fileno(), 0, n_bytes)
        except OSError as error:
            raise OSError(
                error.errno,
                f"{error.strerror}: signals at the network's rate need {n_bytes / 1e9:.1f} GB in "
                f"{tempfile.gettempdir()}. Free them, or name another folder by the environment "
                "variable TMPDIR",
            ) from error
        return np.asarray(np.memmap(file, dtype=np.float32, mode="r+", shape=shape))


class _WrongRate(ValueError):
    """Records of a rate that cannot be resampled to the network's."""


def records_of(X, owner):
    """Return X as records; their labels are read by `resolve_labels`."""
    if isinstance(X, CleanedRecords) and X.is_table:
        raise TypeError(
            f"{owner} learns from signals, but the CleanedRecords hold a table of features. Give "
            "the cleaner signals, or use OnCleanedLabels with a classifier of features."
        )
    return as_records(X)


def warn_of_other_units(sizes, ids):
    """Warn of signals that are probably in another unit than those of training.

    Parameters
    ----------
    sizes : ndarray of shape (n_records,)
        See `SignalDataset.sizes`.
    ids : ndarray of shape (n_records,)
    """
    other = np.flatnonzero((sizes >= _OTHER_UNIT) | (sizes <= 1 / _OTHER_UNIT))
    if len(other):
        first = other[0]
        warn_user(
            f"{len(other)} of {len(ids)} records are far larger or smaller than those of "
            f"training. The first is {ids[first]}, {sizes[first]:.2g} times their size: are they "
            "in another unit, such as microvolt, or was nothing recorded? Their predictions are "
            "meaningless. Bring the records to the unit of training."
        )


def _lengths(records):
    """Return the number of samples of each record."""
    if records.n_times is not None:
        return np.full(len(records), records.n_times)
    lengths = getattr(records.signals, "lengths", None)
    if lengths is None:
        lengths = [signal.shape[-1] for signal in records.signals]
    return np.asarray(lengths)

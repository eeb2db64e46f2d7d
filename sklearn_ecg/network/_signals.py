"""From records of any form to one standardised float32 array."""

from fractions import Fraction
from functools import partial

import numpy as np
import torch
from scipy.signal import resample_poly

from sklearn_ecg.preprocessing import bandpass
from sklearn_ecg.preprocessing._gaps import fill_gaps
from sklearn_ecg.records import LazySignals

# Records that are resampled and filtered together: few enough to stay in the cache.
_CHUNK = 64
# What padding may take in memory, where it is also most of what is kept.
_MOST_GB = 8
_MOST_PADDING = 0.75
# Samples that are read together for prediction: 256 MB.
_MOST_SAMPLES = 2**26
# Deviations of a lead below this, where 1 is usual, are rounding errors of a flat line.
_FLAT = 1e-4


def prepare_signals(records, *, sampling_rate, n_times, n_least=1, highpass=None):
    """Bring records to one rate, length and type, with straight lines across gaps.

    A lead that is missing from a record is 0 mV throughout.

    Parameters
    ----------
    records : ECGRecords
    sampling_rate : float or None
        Hz. None, or records whose own rate is unknown: nothing is resampled.
    n_times : int or None
        Longer records lose their end, shorter ones are padded with NaN, which
        `LeadScaler.transform` turns into the lead's centre. None keeps all of the longest.
    n_least : int, default=1
        Where n_times is None, the smallest length of the result.
    highpass : float, default=None
        Hz; what is slower is removed from records of known rate.

    Returns
    -------
    ndarray of shape (n_records, n_leads, n_times), float32
    """
    n_leads = records.n_leads
    ratio = _ratio(sampling_rate, records.sampling_rate)
    if n_times is None:
        lengths = -(-_lengths(records) * ratio.numerator // ratio.denominator)
        _check_padding(lengths, n_leads, sampling_rate, records.ids)
        n_times = max(n_least, int(lengths.max()))
    prepared = np.full((len(records), n_leads, n_times), np.nan, dtype=np.float32)
    # Samples of the source that are enough for the part that is kept.
    n_needed = int(np.ceil(n_times / ratio))
    for start in range(0, len(records), _CHUNK):
        chunk = records[start : start + _CHUNK]
        for rows, signals in _of_equal_length(chunk, n_needed):
            _check_recorded(signals, chunk[rows])
            signals = fill_gaps(signals)
            if ratio != 1:
                # The record goes on beyond its ends as a line through them: no step there rings.
                signals = resample_poly(
                    signals, ratio.numerator, ratio.denominator, axis=-1, padtype="line"
                )
            signals = signals[..., :n_times]
            if highpass is not None and sampling_rate is not None:
                signals = bandpass(signals, sampling_rate, low=highpass)
            prepared[start + rows, :, : signals.shape[-1]] = signals
    return prepared


def _ratio(sampling_rate, own_rate):
    if sampling_rate is None or own_rate is None:
        return Fraction(1)
    ratio = Fraction(sampling_rate / own_rate).limit_denominator(1000)
    if ratio == 0:
        raise ValueError(
            f"Records of {own_rate:g} Hz cannot be resampled to {sampling_rate:g} Hz, less than a "
            "thousandth of that: look at sampling_rate, of the classifier and of the records."
        )
    return ratio


def _lengths(records):
    """Return the number of samples of each record."""
    if records.n_times is not None:
        return np.full(len(records), records.n_times)
    lengths = getattr(records.signals, "lengths", None)
    if lengths is None:
        lengths = [signal.shape[-1] for signal in records.signals]
    return np.asarray(lengths)


def _check_padding(lengths, n_leads, sampling_rate, ids):
    n_padded = lengths.max() * len(lengths)
    gigabytes = 4e-9 * n_leads * n_padded
    if gigabytes > _MOST_GB and 1 - lengths.sum() / n_padded > _MOST_PADDING:
        longest = lengths.argmax()
        raise ValueError(
            f"With duration_s=None all {len(lengths)} records are padded to the longest, "
            f"{ids[longest]} of {lengths[longest] / sampling_rate:g} s: {gigabytes:.0f} GB, most "
            "of it padding. Set duration_s, or cut the longest records."
        )


def parts_of_like_length(records, duration_s=None):
    """Split records so that none is padded to the length of one that is much longer.

    Parameters
    ----------
    records : ECGRecords
    duration_s : float, default=None
        What is kept of longer records of known rate.

    Returns
    -------
    list of ndarray of int
        All in one part where they are few enough to be read together.
    """
    lengths = _lengths(records)
    if duration_s is not None and records.sampling_rate is not None:
        lengths = np.minimum(lengths, np.ceil(duration_s * records.sampling_rate))
    if lengths.max(initial=0) * records.n_leads * len(lengths) <= _MOST_SAMPLES:
        return [np.arange(len(lengths))]
    parts = [[]]
    for row in np.argsort(lengths, kind="stable"):
        if parts[-1] and (len(parts[-1]) + 1) * lengths[row] * records.n_leads > _MOST_SAMPLES:
            parts.append([])
        parts[-1].append(row)
    return [np.array(part) for part in parts]


def valid_lengths(signals):
    """Return each record's samples before its padding (NaN), of (n_records, n_leads, n_times)."""
    return signals.shape[-1] - np.isnan(signals[:, 0]).sum(axis=-1)


def typical_sizes(signals, lengths):
    """Return each record's standard deviation, the median over its leads that are not flat.

    Parameters
    ----------
    signals : Tensor of shape (n_records, n_leads, n_times)
        Standardised, so that about 1 is usual, with 0 as padding.
    lengths : Tensor of int of shape (n_records,)

    Returns
    -------
    ndarray of shape (n_records,)
        NaN for a record that is flat in all leads.
    """
    # A quarter of the samples is enough to tell a size by.
    signals, lengths = signals[..., ::4], (lengths[:, None] + 3) // 4
    lengths = lengths.clamp_min(1)
    # In single precision the difference of the two would not be 0 for a flat line off the centre.
    means = signals.sum(dim=-1, dtype=torch.float64) / lengths
    norms = torch.linalg.vector_norm(signals, dim=-1, dtype=torch.float64)
    squares = norms.square() / lengths
    sizes = (squares - means.square()).clamp_min(0).sqrt()
    sizes = sizes.where(sizes > _FLAT, torch.nan)
    # torch takes the lower of two middle values: of two leads the one that has come off.
    lower, upper = sizes.nanmedian(dim=-1).values, -(-sizes).nanmedian(dim=-1).values
    return ((lower + upper) / 2).numpy()


def _of_equal_length(records, n_needed):
    """Yield (rows, signals of shape (n_rows, n_leads, n_times)), cut to what is needed."""
    signals = records.signals
    is_long = records.n_times is None or records.n_times > n_needed
    if isinstance(signals, LazySignals) and is_long:
        # Of long records no more is read than is kept.
        signals = map(partial(signals.window, start=0, stop=n_needed), range(len(signals)))
    elif records.n_times is not None:
        signals = np.asarray(signals)[..., :n_needed]
        yield np.arange(len(records)), signals.astype(np.float32, copy=False)
        return
    for row, signal in enumerate(signals):
        yield np.array([row]), np.asarray(signal, dtype=np.float32)[np.newaxis, :, :n_needed]


def _check_recorded(signals, records):
    """Say which record holds nothing that could be read."""
    nothing = ~np.isfinite(signals).any(axis=(1, 2))
    if nothing.any():
        raise ValueError(
            f"Record {records.ids[np.argmax(nothing)]} has no finite sample in the "
            f"{signals.shape[-1]} that are read of each lead: leave it out."
        )


class LeadScaler:
    """Centre and scale each lead by what is typical of a record, robust against bad ones.

    Parameters
    ----------
    center, scale : ndarray of shape (n_leads,), float32
        In mV: the median over records of a record's median, and of its standard deviation.
    """

    def __init__(self, center, scale):
        self.center = center
        self.scale = scale

    @classmethod
    def learn(cls, signals, rows):
        """Learn centre and scale from rows of signals of shape (n_records, n_leads, n_times).

        A lead that is flat in most records has the scale 1. A thousand records are enough.
        """
        signals = signals[rows[:: max(1, len(rows) // 1000)]]
        center = np.median(np.nanmedian(signals, axis=-1), axis=0)
        scale = np.median(np.nanstd(signals, axis=-1), axis=0)
        scale = np.where(scale > 1e-6, scale, 1.0)
        return cls(center.astype(np.float32), scale.astype(np.float32))

    def transform(self, signals):
        """Scale in place and fill the padding (NaN) with 0, the lead's centre."""
        signals -= self.center[:, np.newaxis]
        signals /= self.scale[:, np.newaxis]
        np.nan_to_num(signals, copy=False, nan=0.0)
        return signals

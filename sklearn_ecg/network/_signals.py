"""From records of any form to one standardised float32 array."""

from fractions import Fraction

import numpy as np
from scipy.signal import resample_poly

# Records that are resampled together: enough to be fast, few enough to stay out of memory's way.
_CHUNK = 512


def prepare_signals(records, *, sampling_rate, n_times):
    """Bring records to one rate, length and type.

    Parameters
    ----------
    records : ECGRecords
    sampling_rate : float or None
        Hz. None, or records whose own rate is unknown: nothing is resampled.
    n_times : int
        Longer records lose their end, shorter ones are padded with NaN, which
        `LeadScaler.transform` turns into the lead's centre.

    Returns
    -------
    ndarray of shape (n_records, n_leads, n_times), float32
    """
    prepared = np.full((len(records), records.n_leads, n_times), np.nan, dtype=np.float32)
    ratio = Fraction(1)
    if sampling_rate is not None and records.sampling_rate is not None:
        ratio = Fraction(sampling_rate / records.sampling_rate).limit_denominator(1000)
    # Samples of the source that are enough for the part that is kept.
    n_needed = int(np.ceil(n_times / ratio))
    for start in range(0, len(records), _CHUNK):
        chunk = records[start : start + _CHUNK]
        for rows, signals in _of_equal_length(chunk, n_needed):
            _check_finite(signals, chunk[rows])
            if ratio != 1:
                # The record goes on beyond its ends as a line through them: no step there rings.
                signals = resample_poly(
                    signals, ratio.numerator, ratio.denominator, axis=-1, padtype="line"
                )
            signals = signals[..., :n_times]
            prepared[start + rows, :, : signals.shape[-1]] = signals
    return prepared


def _of_equal_length(records, n_needed):
    """Yield (rows, signals of shape (n_rows, n_leads, n_times)), cut to what is needed."""
    if records.n_times is not None:
        signals = np.asarray(records.signals)[..., :n_needed]
        yield np.arange(len(records)), signals.astype(np.float32, copy=False)
        return
    for row, signal in enumerate(records.signals):
        yield np.array([row]), np.asarray(signal, dtype=np.float32)[np.newaxis, :, :n_needed]


def _check_finite(signals, records):
    bad = ~np.isfinite(signals)
    if not bad.any():
        return
    row, lead = np.argwhere(bad.any(axis=-1))[0]
    name = records.lead_names[lead] if records.lead_names is not None else lead
    raise ValueError(
        f"Signals contain NaN or infinity: {bad[row, lead].sum()} of {signals.shape[-1]} samples "
        f"in record {records.ids[row]}, lead {name} ({bad.any(axis=(1, 2)).sum()} records in "
        "this part). Fill them, for example with np.nan_to_num, or drop the records."
    )


def match_leads(records, lead_names, n_leads):
    """Return records with the leads that a model was trained on, in its order.

    Parameters
    ----------
    records : ECGRecords
    lead_names : tuple of str or None
        The model's leads; None where they were unknown.
    n_leads : int
        Their number.

    Returns
    -------
    ECGRecords
        The same records, or the same with leads reordered by name. Leads that the model does not
        know are left out.
    """
    if lead_names is None or records.lead_names is None:
        if records.n_leads != n_leads:
            names = "" if lead_names is None else f" ({', '.join(lead_names)})"
            raise ValueError(
                f"The records have {records.n_leads} leads, but the classifier was fitted on "
                f"{n_leads} leads{names}."
            )
        return records
    if records.lead_names == lead_names:
        return records
    missing = [name for name in lead_names if name not in records.lead_names]
    if missing:
        raise ValueError(
            f"The records lack leads that the classifier was fitted on: {', '.join(missing)}; "
            f"they have {', '.join(records.lead_names)}."
        )
    order = [records.lead_names.index(name) for name in lead_names]
    return _OrderedLeads(records, order, lead_names)


class _OrderedLeads:
    """The view of records that `prepare_signals` reads, with leads in another order."""

    def __init__(self, records, order, lead_names):
        self._records = records
        self._order = order
        self.lead_names = lead_names
        self.n_leads = len(order)
        self.n_times = records.n_times
        self.sampling_rate = records.sampling_rate
        self.ids = records.ids

    def __len__(self):
        return len(self._records)

    def __getitem__(self, rows):
        return _OrderedLeads(self._records[rows], self._order, self.lead_names)

    @property
    def signals(self):
        if self.n_times is not None:
            return np.asarray(self._records.signals)[:, self._order]
        return [np.asarray(signal)[self._order] for signal in self._records.signals]


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

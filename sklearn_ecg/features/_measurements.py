"""All features of one record, in a fixed order."""

import functools

import numpy as np

from sklearn_ecg.features import (
    _amplitudes,
    _axes,
    _intervals,
    _lead_swaps,
    _normal_intervals,
    _quality,
    _rhythm,
    _shape,
    _voltages,
)
from sklearn_ecg.features._catalogue import lead_features, record_features
from sklearn_ecg.features._heart_beats import HeartBeats
from sklearn_ecg.utils import LEADS_12, plain_float

# Leads are measured in this order, so that the order in a record does not change the results.
_USUAL_ORDER = [*LEADS_12[:2], "MLII", *LEADS_12[2:]]


def measure(signal, sampling_rate, lead_names, r_peaks=None, *, network=None):
    """Measure one record.

    Parameters
    ----------
    signal : ndarray of shape (n_leads, n_times)
        One record in mV.
    sampling_rate : float
    lead_names : tuple of str
    r_peaks : ndarray of shape (n_beats,), default=None
        R peaks in samples; by default they are detected.
    network : WaveNetwork, default=None
        By default the network of the package.

    Returns
    -------
    ndarray of float64 of shape (n_features,)
        In the order of `features_of`; NaN for features that cannot be measured.
    """
    order, back = _orders(lead_names)
    ordered = tuple(lead_names[lead] for lead in order)
    # A share of 0 becomes NaN below, without a warning.
    with np.errstate(divide="ignore", invalid="ignore"):
        of_record, of_leads = _measure(
            plain_float(np.asarray(signal))[order], sampling_rate, ordered, r_peaks, network
        )
    nothing = np.full(len(lead_names), np.nan)
    by_lead = np.stack([of_leads.get(f.name, nothing) for f in lead_features()])
    of_record = [of_record.get(f.name, np.nan) for f in record_features(lead_names)]
    values = np.concatenate([np.array(of_record, dtype=np.float64), by_lead.T[back].ravel()])
    values[np.isinf(values)] = np.nan
    return values


@functools.lru_cache(maxsize=16)
def _orders(lead_names):
    """Return the order in which leads are measured, and the inverse order."""

    def key(lead):
        name = lead_names[lead]
        known = name in _USUAL_ORDER
        return (_USUAL_ORDER.index(name), 0, "") if known else (99, len(name), name)

    order = np.array(sorted(range(len(lead_names)), key=key))
    return order, np.argsort(order)


def _measure(signal, sampling_rate, lead_names, r_peaks, network):
    """Return features by name: numbers of the record, and arrays of shape (n_leads,)."""
    beats = HeartBeats(signal, sampling_rate, r_peaks=r_peaks, network=network)
    checked, usable = beats.checked, beats.checked.usable
    of_record, measured = dict(checked.record_features), {}
    of_leads = dict(checked.lead_features)
    used_names = [name for name, used in zip(lead_names, usable, strict=True) if used]
    if used_names:
        of_record |= _rhythm.rhythm_features(beats)
    if beats.filtered.size:
        of_record |= _quality.lead_relations(beats.filtered_without_gaps, used_names)
        measured["noise_mV"] = _quality.noise(beats.filtered)
    if len(beats.all_r_peaks):
        of_record["measured_beat_fraction"] = len(beats) / len(beats.all_r_peaks)
    if len(beats):
        measured |= _amplitudes.amplitude_features(beats) | _shape.lead_shape_features(beats)
        measured |= _intervals.lead_interval_features(beats)
        of_record |= _intervals.interval_features(beats, measured["QT_interval_ms"])
        of_record |= _shape.beat_shape_features(beats)
        of_record |= _normal_intervals.normal_interval_features(beats)
        of_record |= _axes.axis_features(measured, used_names)
        qrs_ms = of_record["QRS_duration_ms"]
        of_record |= _voltages.voltage_features(measured, used_names, qrs_ms)
        misfit = of_record["limb_lead_misfit"]
        of_record |= _lead_swaps.swap_features(beats.main_beat, used_names, misfit)
        of_record["pacing_spikes_per_beat"] = checked.n_spikes / len(beats.all_r_peaks)
    return of_record, of_leads | _to_all_leads(measured, usable)


def _to_all_leads(measured, usable):
    """Extend values of the usable leads to all leads, with NaN for the others."""
    if usable.all() or not measured:
        return measured
    spread = np.full((len(measured), len(usable)), np.nan)
    spread[:, usable] = np.array(list(measured.values()))
    return dict(zip(measured, spread, strict=True))

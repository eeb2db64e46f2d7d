"""All features of one record, in a fixed order."""

import functools

import numpy as np

from sklearn_ecg.features import _amplitudes, _axes, _intervals, _rhythm, _shape
from sklearn_ecg.features._heart_beats import HeartBeats

_GLOBAL_UNITS = _rhythm.UNITS | _intervals.UNITS | _shape.GLOBAL_UNITS
_LEAD_UNITS = _amplitudes.UNITS | _shape.LEAD_UNITS


def feature_units(lead_names):
    """Return the unit of every feature of records with these leads, by the feature's name.

    Parameters
    ----------
    lead_names : sequence of str

    Returns
    -------
    dict of str to str
        In the order in which `measure` returns the features.
    """
    units = dict(_GLOBAL_UNITS)
    if _axes.axis_leads(lead_names):
        units |= _axes.UNITS
    for lead in lead_names:
        units |= {f"{lead}_{feature}": unit for feature, unit in _LEAD_UNITS.items()}
    return units


@functools.lru_cache(maxsize=16)
def _names(lead_names):
    return tuple(feature_units(lead_names))


def measure(signal, sampling_rate, lead_names):
    """Measure one record.

    Parameters
    ----------
    signal : ndarray of shape (n_leads, n_times)
        In mV; leads that are flat or hold NaN are left out, and their features are NaN.
    sampling_rate : float
    lead_names : sequence of str

    Returns
    -------
    ndarray of float64 of shape (n_features,)
        In the order of `feature_units`; NaN for what cannot be measured.
    """
    # A share of nothing is not measurable: it becomes NaN below, without a warning.
    with np.errstate(divide="ignore", invalid="ignore"):
        features = _measure(np.asarray(signal, dtype=np.float64), sampling_rate, lead_names)
    values = np.array([features.get(name, np.nan) for name in _names(tuple(lead_names))])
    return np.where(np.isfinite(values), values, np.nan)


def _measure(signal, sampling_rate, lead_names):
    """Return what can be measured, by name."""
    beats = HeartBeats(signal, sampling_rate)
    features = {"n_beats": len(beats)} if beats.usable.any() else {}
    by_lead = {}
    if len(beats):
        features = (
            _rhythm.rhythm_features(beats)
            | _intervals.interval_features(beats)
            | _shape.beat_shape_features(beats)
        )
        measured = _amplitudes.amplitude_features(beats) | _shape.lead_shape_features(beats)
        by_lead = {name: _to_all_leads(values, beats.usable) for name, values in measured.items()}
        leads = _axes.axis_leads(lead_names)
        if leads:
            features |= _axes.axis_features(by_lead, leads)
    for name, values in by_lead.items():
        for lead, value in zip(lead_names, values, strict=True):
            features[f"{lead}_{name}"] = value
    return features


def _to_all_leads(values, usable):
    spread = np.full(len(usable), np.nan)
    spread[usable] = values
    return spread

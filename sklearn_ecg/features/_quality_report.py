"""What is wrong with records, as a table and as a warning."""

import warnings

import numpy as np
import pandas as pd

from sklearn_ecg.features._catalogue import features_of
from sklearn_ecg.features._quality import NOISY
from sklearn_ecg.features._statistics import nan_median

_COLUMNS = ["id", "lead", "problem", "value", "what_to_do"]
_NAMED = 5  # records that a warning names; the report has them all

_MIXED_UP = "III must be II - I: check order, polarity and scale of the limb leads."

# Of the whole record: the feature, from where on it is a problem, its name, and the cure.
_SEVERE_RULES = (
    (
        "usable_leads",
        lambda v: v == 0,
        "no lead recorded",
        "All its features are NaN: leave it out.",
    ),
    ("n_beats", lambda v: v == 0, "no beats found", "Its features are NaN: look at the signal."),
    (
        "measured_beat_fraction",
        lambda v: v == 0,
        "no beat whole",
        "Gaps or the record's ends cut all beats off: trust the rhythm alone.",
    ),
    (
        "infinite_fraction",
        lambda v: v > 0,
        "infinite samples",
        "Treated as missing; mend the file.",
    ),
    (
        "dropout_fraction",
        lambda v: v > 0,
        "all leads held constant",
        "Taken as a gap, which no RR interval spans: mark it by NaN.",
    ),
    ("limb_lead_misfit", lambda v: v > 0.5, "limb leads contradict each other", _MIXED_UP),
    ("identical_leads", lambda v: v > 0, "identical leads", "Look which lead was stored twice."),
)
_UNITS = "QRS of unlikely size"  # in mV, the median over the leads
_SMALLEST_MV, _LARGEST_MV = 0.02, 20.0
_MILD_RULES = (
    (
        "measured_beat_fraction",
        lambda v: (v > 0) & (v < 0.5),
        "most beats cut off by gaps or ends",
        "Trust the rhythm alone.",
    ),
    ("pacing_spikes_per_beat", lambda v: v >= 0.5, "pacing spikes", "Read QRS features with care."),
)
_SEVERE = [*(rule[2] for rule in _SEVERE_RULES), _UNITS]

_LEAD_RULES = (
    ("missing_fraction", lambda v: v > 0, "missing samples", "Beats beside gaps are not measured."),
    ("flat_fraction", lambda v: v > 0, "flat", "Taken as a gap: check the electrode."),
    ("saturated_fraction", lambda v: v > 0.005, "saturated", "Its amplitudes are too small."),
    ("baseline_drift_mV", lambda v: v > 2.0, "baseline wander", "Read its ST with care."),
)
_LEFT_OUT = "The lead is left out."


def report_problems(table, ids, lead_names):
    """Return a row per finding.

    Parameters
    ----------
    table : ndarray of shape (n_records, n_features)
        All features, in the order of `features_of`.
    ids : ndarray of shape (n_records,)
    lead_names : tuple of str

    Returns
    -------
    DataFrame
        With the columns id, lead, problem, value and what_to_do, in the order of the records.
    """
    column = {name: place for place, name in enumerate(features_of(lead_names))}
    found = []

    def add(values, is_so, lead, problem, what_to_do):
        for record in np.flatnonzero(is_so):
            found.append((record, lead, problem, values[record], what_to_do))

    for name, is_so, problem, what_to_do in (*_SEVERE_RULES, *_MILD_RULES):
        if name in column:
            values = table[:, column[name]]
            add(values, is_so(values), "", problem, what_to_do)
    sizes = table[:, [column[f"{lead}_QRS_peak_to_peak_mV"] for lead in lead_names]]
    usual = nan_median(sizes)
    unlikely = (usual < _SMALLEST_MV) | (usual > _LARGEST_MV)
    add(usual, unlikely, "", _UNITS, "Is the signal in mV? Convert V, uV or ADC units.")
    for lead in lead_names:
        noise, size, left_out = _noise_and_size(table, column, lead)
        for name, is_so, problem, what_to_do in _LEAD_RULES:
            values = table[:, column[f"{lead}_{name}"]]
            add(values, is_so(values) & left_out, lead, problem, _LEFT_OUT)
            add(values, is_so(values) & ~left_out, lead, problem, what_to_do)
        add(noise, noise > NOISY * size, lead, "noisy", "Its beats hardly rise above the noise.")
    found.sort(key=lambda row: row[0])
    rows = [(ids[record], *rest) for record, *rest in found]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _noise_and_size(table, column, lead):
    noise = table[:, column[f"{lead}_noise_mV"]]
    return noise, table[:, column[f"{lead}_QRS_peak_to_peak_mV"]], np.isnan(noise)


def warn_of_problems(report):
    """Warn once of records that cannot be measured or whose leads are mixed up."""
    severe = report[report["problem"].isin(_SEVERE)]
    if severe.empty:
        return
    parts = []
    n_records = severe["id"].nunique()
    records = "1 record is" if n_records == 1 else f"{n_records} records are"
    for problem, rows in severe.groupby("problem", sort=False):
        names = [str(record) for record in rows["id"][:_NAMED]]
        more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
        if problem == _UNITS:
            problem += ", is it in mV?"
        parts.append(f"{problem} ({', '.join(names)}{more})")
    warnings.warn(
        f"{records} in doubt: {'; '.join(parts)}. "
        "ECGFeatureExtractor.quality_report(records) says what to do.",
        UserWarning,
        stacklevel=4,
    )

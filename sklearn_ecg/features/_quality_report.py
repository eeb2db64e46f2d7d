"""Report problems of records in a table and in a warning."""

import numpy as np
import pandas as pd

from sklearn_ecg.features._catalogue import features_of
from sklearn_ecg.features._quality import CONTRADICTING, NOISY
from sklearn_ecg.features._statistics import nan_median
from sklearn_ecg.utils import warn_user

_COLUMNS = ["id", "lead", "problem", "value", "what_to_do"]
_NAMED = 5  # records that a warning names; the report has all

_MIXED_UP = "III must be II - I: check order, polarity and scale of the limb leads."

# Problems of a whole record: the feature, when it is a problem, the problem, and what to do.
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
        "Gaps or the record's ends cut all beats off: trust only the rhythm.",
    ),
    (
        "infinite_fraction",
        lambda v: v > 0,
        "infinite samples",
        "Treated as missing; mend the file.",
    ),
    (
        "limb_lead_misfit",
        lambda v: v > CONTRADICTING,
        "limb leads contradict each other",
        _MIXED_UP,
    ),
    (
        "dropout_fraction",
        lambda v: v > 0,
        "all leads held constant",
        "Taken as a gap, which no RR interval spans: mark it by NaN.",
    ),
    ("identical_leads", lambda v: v > 0, "identical leads", "Find the lead that is stored twice."),
)
_UNITS = "QRS of unlikely size"  # in mV, the median over the leads
_SMALLEST_MV, _LARGEST_MV = 0.02, 20.0
_MILD_RULES = (
    (
        "measured_beat_fraction",
        lambda v: (v > 0) & (v < 0.5),
        "most beats cut off by gaps or ends",
        "Trust only the rhythm.",
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
_HUM_MV = 0.05
# Least evidence of a swap. It is higher for LA and LL, whose leads are similar.
_LIMB_EVIDENCE = {"LA_RA": 0.5, "LA_LL": 0.9, "RA_LL": 0.5}
_CHEST_EVIDENCE = 1.2
_UNDO = {
    "LA_RA": "invert I, exchange II with III and aVR with aVL",
    "LA_LL": "invert III, exchange I with II and aVL with aVF",
    "RA_LL": "invert II, exchange I with -III and aVR with aVF",
}
_COMPARE = "Compare with another record of the patient; to undo it"
_FLAT_RATIO = 0.1
# The limb lead that is flat, and the swap that explains it.
_RIGHT_LEG = {1: "arms and legs", 2: "RA and RL", 3: "LA and RL"}


def report_problems(table, ids, lead_names, unread):
    """Return a row per problem.

    Parameters
    ----------
    table : ndarray of shape (n_records, n_features)
        All features, in the order of `features_of`.
    ids : ndarray of shape (n_records,)
    lead_names : tuple of str
    unread : dict of int to str
        Rows of records that were not measured, and the reasons.

    Returns
    -------
    DataFrame
        Columns id, lead, problem, value and what_to_do, in the order of the records.
    """
    column = {name: place for place, name in enumerate(features_of(lead_names))}
    found = [(row, "", "cannot be measured", np.nan, why) for row, why in unread.items()]

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
    for row in _swaps(table, column):
        add(*row)
    for lead in lead_names:
        noise, size, left_out = _noise_and_size(table, column, lead)
        for name, is_so, problem, what_to_do in _LEAD_RULES:
            values = table[:, column[f"{lead}_{name}"]]
            add(values, is_so(values) & left_out, lead, problem, _LEFT_OUT)
            add(values, is_so(values) & ~left_out, lead, problem, what_to_do)
        add(noise, noise > NOISY * size, lead, "noisy", "Read its waves with care.")
        hum = table[:, column[f"{lead}_mains_hum_mV"]]
        frequency = table[:, column["mains_frequency_Hz"]]
        for mains in (50, 60):
            is_so = (hum > _HUM_MV) & (frequency == mains)
            add(hum, is_so, lead, "mains hum", f"Filter it for plots: PowerlineFilter({mains}).")
    found.sort(key=lambda row: row[0])
    rows = [(ids[record], *rest) for record, *rest in found]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _swaps(table, column):
    """Yield problems of electrodes: values, mask of records, lead, problem, what to do."""
    if "smallest_limb_lead" in column:
        ratio, which = (table[:, column[f"smallest_limb_lead{end}"]] for end in ("_ratio", ""))
        for lead, pair in _RIGHT_LEG.items():
            is_so = (ratio < _FLAT_RATIO) & (which == lead)
            what_to_do = f"{'I' * lead} is flat, so all limb leads are wrong: leave the record out."
            yield ratio, is_so, "", f"{pair} look swapped", what_to_do
    if "chest_swap_evidence" not in column:
        return
    evidence = table[:, [column[f"{pair}_swap_evidence"] for pair in _UNDO]]
    chest, leads = (table[:, column[f"chest_swap_{what}"]] for what in ("evidence", "leads"))
    limb_pairs, chest_pairs = find_swap(evidence, chest, leads)
    for place, (pair, undo) in enumerate(_UNDO.items()):
        problem = f"{pair.replace('_', ' and ')} look swapped"
        yield evidence[:, place], limb_pairs == pair, "", problem, f"{_COMPARE}, {undo}."
    for pair in np.unique(chest_pairs[chest_pairs != ""]):
        problem = f"{pair.replace('_', ' and ')} look swapped"
        yield chest, chest_pairs == pair, "", problem, f"{_COMPARE}, exchange the two."


def find_swap(limb_evidence, chest_evidence, chest_leads):
    """Decide which pair of electrodes was swapped, at most one per record.

    Parameters
    ----------
    limb_evidence : ndarray of shape (n_records, 3)
        For LA and RA, LA and LL, RA and LL.
    chest_evidence, chest_leads : ndarray of shape (n_records,)

    Returns
    -------
    limb_pairs, chest_pairs : ndarray of str of shape (n_records,)
        For example "LA_RA" and "V1_V2"; "" for no swap.
    """
    pairs, needed = np.array(list(_LIMB_EVIDENCE)), list(_LIMB_EVIDENCE.values())
    limb_evidence = np.nan_to_num(limb_evidence, nan=-np.inf)
    best = (limb_evidence - needed).argmax(axis=1)
    limb = np.take_along_axis(limb_evidence, best[:, np.newaxis], axis=1)[:, 0]
    chest = np.nan_to_num(chest_evidence, nan=-np.inf)
    # Swapped limb leads also make chest leads look swapped, and the reverse: take the stronger.
    is_limb = (limb > np.take(needed, best)) & (limb >= chest)
    is_chest = (chest > _CHEST_EVIDENCE) & (chest > limb)
    first, second = np.divmod(np.nan_to_num(chest_leads).astype(int), 10)
    names = np.array([f"V{a}_V{b}" for a, b in zip(first, second, strict=True)])
    return np.where(is_limb, pairs[best], ""), np.where(is_chest, names, "")


def _noise_and_size(table, column, lead):
    noise = table[:, column[f"{lead}_noise_mV"]]
    return noise, table[:, column[f"{lead}_QRS_peak_to_peak_mV"]], np.isnan(noise)


def warn_of_problems(report):
    """Warn once of all records that cannot be measured or have mixed-up leads."""
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
    warn_user(
        f"{records} in doubt: {'; '.join(parts)}. "
        "ECGFeatureExtractor.quality_report(records) says what to do.",
    )

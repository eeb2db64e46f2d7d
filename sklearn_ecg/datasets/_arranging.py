"""Bring records of different leads and rates together, and report the changes."""

import itertools
import math
from collections import Counter, defaultdict

from sklearn_ecg.datasets._bookkeeping import report_files
from sklearn_ecg.preprocessing._resampler import resampling_ratio
from sklearn_ecg.records._limb_leads import is_computable
from sklearn_ecg.utils import LEADS_12

# A sampling rate outside of these is a damaged number.
_MOST_TIMES_THE_RATE = 1000


def arrange(opened, leads, sampling_rate, missing_leads, report):
    """Return the records that fit together, and their common leads and rate.

    Parameters
    ----------
    opened : list of Opened
    leads, sampling_rate, missing_leads
        As for `load_ecg_files`.
    report : Report

    Returns
    -------
    opened : list of Opened
        With unique ids.
    leads : tuple of str
    sampling_rate : float
        Hz; NaN if there are no records.
    """
    opened = _with_unique_ids(opened)
    remarks = defaultdict(list)
    for record in opened:
        for remark in record.remarks:
            remarks[tuple(remark)].append(record)
    for (problem, what_to_do), holding in remarks.items():
        _report_kept(holding, problem, what_to_do, report)
    if leads is None:
        leads = _common_leads(opened, report)
    opened = _with_leads(opened, leads, missing_leads, report)
    if sampling_rate is None:
        rates = Counter(record.source.sampling_rate for record in opened)
        sampling_rate = rates.most_common(1)[0][0] if rates else math.nan
    return _with_rate(opened, sampling_rate, report), leads, float(sampling_rate)


def _with_unique_ids(opened):
    """Number ids that several members of an archive share."""
    known = Counter(record.id for record in opened)
    taken, unique = set(known), []
    for record in opened:
        id = record.id
        if known[id] > 1:
            names = (f"{record.id} ({number})" for number in itertools.count(1))
            id = next(name for name in names if name not in taken)
            taken.add(id)
            place = record.source.place._replace(id=id)
            record = record._replace(source=record.source._replace(place=place))
        unique.append(record)
    return unique


def _common_leads(opened, report):
    """Return the 12 standard leads, if most records have them or leads to compute them from.

    Otherwise the leads that most records hold.
    """
    counts = Counter(frozenset(record.source.lead_names) for record in opened)
    n_standard = sum(n for names, n in counts.items() if _has_all(LEADS_12, names))
    if 2 * n_standard >= len(opened):
        leads = LEADS_12
    else:
        commonest = counts.most_common(1)[0][0]
        all_names = (record.source.lead_names for record in opened)
        leads = next(names for names in all_names if commonest == set(names))
    holders = defaultdict(list)
    for record in opened:
        others = [name for name in record.source.lead_names if name not in leads]
        if others and set(others) != set(record.source.lead_names):
            holders[", ".join(others)].append(record)
    for others, holding in holders.items():
        problem = f"holds leads that are left out: {others}"
        _report_kept(holding, problem, "Name other leads by leads=, if you want any.", report)
    return leads


def _has_all(leads, names):
    return all(lead in names or is_computable(lead, tuple(names)) for lead in leads)


def _with_leads(opened, leads, missing_leads, report):
    """Return the records that have the leads, and report computed and missing ones."""
    kept, said = [], defaultdict(list)
    for record in opened:
        names = record.source.lead_names
        computed = [lead for lead in leads if lead not in names and is_computable(lead, names)]
        missing = [lead for lead in leads if lead not in names and lead not in computed]
        if missing and (missing_leads == "leave out" or len(missing) == len(leads)):
            problem = f"lacks {_listed(missing)}: it has {_listed(names)}"
            what_to_do = 'Name leads that all records have, or set missing_leads="nan".'
            report.add(record.id, record.file, problem, what_to_do)
            continue
        kept.append(record)
        if computed:
            said[_listed(computed), *_COMPUTED].append(record)
        if missing:
            said[_listed(missing), *_MISSING].append(record)
    for (lacking, how, what_to_do), holding in said.items():
        _report_kept(holding, f"lacks {lacking}, {how}", what_to_do, report)
    return kept


_COMPUTED = "computed from other limb leads", "Nothing: each is a sum of the others."
_MISSING = "which are NaN", "Name leads that all records have, to avoid NaN."


def _listed(leads):
    return ("lead " if len(leads) == 1 else "leads ") + ", ".join(leads)


def _with_rate(opened, sampling_rate, report):
    """Return the records that can be resampled to a rate, and report which are."""
    kept, resampled = [], defaultdict(list)
    for record in opened:
        rate = record.source.sampling_rate
        if 1 / _MOST_TIMES_THE_RATE <= sampling_rate / rate <= _MOST_TIMES_THE_RATE:
            kept.append(record)
            # Rates that differ by a file's rounding are the same.
            if resampling_ratio(rate, sampling_rate) != 1:
                resampled[rate].append(record)
            continue
        problem = (
            f"gives a sampling rate of {rate:g} Hz, which is too far from {sampling_rate:g} Hz "
            "to be resampled"
        )
        report.add(record.id, record.file, problem, "Write the true sampling rate into it.")
    for rate, holding in sorted(resampled.items()):
        problem = f"was recorded at {rate:g} Hz and is resampled to {sampling_rate:g} Hz"
        what_to_do = f"Set sampling_rate={rate:g} to keep it as it is."
        _report_kept(holding, problem, what_to_do, report)
    return kept


def _report_kept(opened, problem, what_to_do, report):
    pairs = [(record.id, record.file) for record in opened]
    report_files(report, pairs, problem, what_to_do, kept=True)

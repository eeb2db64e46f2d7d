"""Stages that find the loadable records of a folder; each reports those that it drops."""

import filecmp
import os
from collections import Counter, defaultdict
from typing import NamedTuple

from sklearn_ecg.datasets._bookkeeping import report_many
from sklearn_ecg.datasets._files import find_files
from sklearn_ecg.datasets._header import CURE, Header, read_header
from sklearn_ecg.datasets._reader import check_units
from sklearn_ecg.datasets._signal_files import check_files, units_per_mV
from sklearn_ecg.records._report import RecordError, Report


class Candidate(NamedTuple):
    """A record that no stage has dropped so far."""

    position: int
    id: object
    path: str
    header: Header | None
    n_times: int
    sampling_rate: float
    lead_names: tuple


def relative_names(paths, folder=None):
    """Return the paths relative to a folder, with "/" between their parts.

    By default to the folder that all of them share.
    """
    if folder is None:
        folder = os.path.commonpath([os.path.dirname(path) for path in paths]) if paths else ""
    prefix = os.path.join(folder, "")
    return [path.removeprefix(prefix).replace(os.sep, "/") for path in paths]


def report_orphans(folder, suffix, known, report, *, deep=True):
    """Report signal files without a header.

    Parameters
    ----------
    folder, suffix, report, deep
        As for `sklearn_ecg.datasets._files.find_files`.
    known : set of str
        Files that headers name.
    """
    search = Report()
    for path in find_files(folder, suffix, search, deep=deep):
        if path not in known:
            id = relative_names([path.removesuffix(suffix)], os.fspath(folder))[0]
            report.add(id, path, "has no header that describes it", CURE)
    # The report already names folders that could not be searched.
    in_capitals = [row for row in search.rows if row[1].lower().endswith(suffix)]
    report.rows += [row for row in in_capitals if row[1] not in known]


def with_headers(paths, ids, leads, report):
    """Return the records with readable headers and files of the described size.

    Their rate is that of the wanted leads, by default of all voltages.
    """
    headers = {}
    for position, (path, id) in enumerate(zip(paths, ids, strict=True)):
        try:
            headers[position] = read_header(path)
        except RecordError as error:
            report.add_error(id, error)
    lengths = {}
    for position, header in headers.items():
        try:
            lengths[position] = check_files(header)
        except RecordError as error:
            report.add_error(ids[position], error)
    # Segments are read as parts of their records.
    segments = {
        part.path
        for position in lengths
        for part, _ in headers[position].segments
        if part is not None
    }
    candidates = []
    for position, n_times in lengths.items():
        path, id, header = paths[position], ids[position], headers[position]
        if path in segments:
            continue
        is_wanted = [
            units_per_mV(unit) is not None if leads is None else name in leads
            for name, unit in zip(header.lead_names, header.units, strict=True)
        ]
        header = header.at_rate_of_leads(is_wanted)
        n_times *= header.per_frame
        candidates.append(
            Candidate(position, id, path, header, n_times, header.sampling_rate, header.lead_names)
        )
    return candidates


def report_segments(candidates, kept, report):
    """Report the segments of records that were left out, and that were therefore not read."""
    for candidate in candidates:
        segments = candidate.header.segments if candidate.header else ()
        if not segments or candidate.position in kept:
            continue
        folder = "".join(str(candidate.id).rpartition("/")[:2])
        parts = [part for part, n_times in segments if part and n_times]
        for path in dict.fromkeys(part.path for part in parts):
            report.add(
                folder + os.path.basename(path),
                f"{path}.hea",
                f"describes a segment of record {candidate.id}, which is left out",
                f"Move {candidate.path}.hea out of the folder to load its segments by themselves.",
            )


def by_layout(paths, ids, layout, report):
    """Return records whose files exist and are large enough, without reading headers."""
    n_bytes = layout.n_bytes or 2 * layout.n_times * len(layout.leads)
    candidates = []
    for position, (path, id) in enumerate(zip(paths, ids, strict=True)):
        file = path + layout.suffix
        try:
            os.stat(f"{path}.hea")
            found = os.stat(file).st_size
        except OSError as error:
            report.add(id, error.filename, "is missing", CURE)
            continue
        if found < n_bytes:
            report.add(id, file, f"is cut short: it holds {found} of {n_bytes} bytes", CURE)
            continue
        candidates.append(
            Candidate(position, id, path, None, layout.n_times, layout.sampling_rate, layout.leads)
        )
    return candidates


def without_copies(candidates, report):
    """Leave out records with the same samples as another one.

    A copy on both sides of a split would make scores too good.
    """
    firsts = {}
    kept = []
    for candidate in candidates:
        header = candidate.header
        sums = header.checksums
        # Only records with the same header values for the samples are compared.
        key = (sums, header.initial_values, candidate.n_times, header.lead_names)
        first = None
        if None not in sums and any(sums):
            first = firsts.setdefault(key, candidate)
        if first in (None, candidate) or not _same_files(first.header, header):
            kept.append(candidate)
            continue
        report.add(
            candidate.id,
            f"{candidate.path}.hea",
            f"describes the same samples as record {first.id}",
            "Move one of the two out of the folder.",
        )
    return kept


def _same_files(header, other):
    pairs = zip(header.files, other.files, strict=False)
    return len(header.files) == len(other.files) and all(
        mine == theirs or filecmp.cmp(mine, theirs, shallow=False) for mine, theirs in pairs
    )


def with_voltages(candidates, report):
    """Return the records that hold any lead in volts."""
    kept = []
    for candidate in candidates:
        if _voltages(candidate):
            kept.append(candidate)
            continue
        report.add(
            candidate.id,
            f"{candidate.path}.hea",
            f"holds no readable lead: {_signals_beside((), candidate)}",
            "Write true gains and units, such as 1000/mV, and different names into its header.",
        )
    return kept


def common_leads(candidates, report):
    """Return the leads that most records hold, in the order of the first of these.

    Other leads of the records are reported.
    """
    counts = Counter(_voltages(candidate) for candidate in candidates)
    leads = counts.most_common(1)[0][0] if counts else ()
    holders = defaultdict(list)
    for candidate in candidates:
        others = _signals_beside(leads, candidate)
        if others and set(leads) <= set(candidate.lead_names):
            holders[others].append(candidate)
    for others, holding in holders.items():
        problem = f"holds signals that are left out: {others}"
        ids, what_to_do = [c.id for c in holding], "Name other leads by leads=, if you want any."
        report_many(report, ids, f"{holding[0].path}.hea", problem, what_to_do, kept=True)
    return leads


def _voltages(candidate):
    header = candidate.header
    return tuple(
        name
        for name, unit, (_, per_frame, _, _) in zip(
            header.lead_names, header.units, header.formats, strict=True
        )
        if units_per_mV(unit)
        and per_frame == header.per_frame
        and header.lead_names.count(name) == 1
    )


def _signals_beside(leads, candidate):
    """Describe the signals that are not among the leads."""
    parts = {}
    names = candidate.lead_names
    for name, unit in zip(names, candidate.header.units, strict=True):
        if name not in leads:
            several = f" ({names.count(name)} signals)" * (names.count(name) > 1)
            parts[name] = f"{name}{several}" + f" in {unit!r}" * (units_per_mV(unit) is None)
    return ", ".join(parts.values())


def with_leads(candidates, leads, missing_leads, report):
    """Return the records that hold the leads, calibrated in volts."""
    kept = []
    for candidate in candidates:
        missing = [lead for lead in leads if lead not in candidate.lead_names]
        if missing and (missing_leads == "leave out" or len(missing) == len(leads)):
            report.add(
                candidate.id,
                f"{candidate.path}.hea",
                f"lacks {_listed(missing)}: it has {_listed(candidate.lead_names)}",
                'Name leads that all records have, or set missing_leads="nan".',
            )
            continue
        if missing:
            report.add(
                candidate.id,
                f"{candidate.path}.hea",
                f"lacks {_listed(missing)}, which are NaN",
                "Name leads that all records have, to avoid NaN.",
                kept=True,
            )
        try:
            if candidate.header is not None:
                check_units(candidate.header, leads)
        except RecordError as error:
            report.add_error(candidate.id, error)
            continue
        kept.append(candidate)
    return kept


def _listed(leads):
    return ("lead " if len(leads) == 1 else "leads ") + ", ".join(leads)


def common_rate(candidates):
    """Return the sampling rate of most records."""
    counts = Counter(candidate.sampling_rate for candidate in candidates)
    return counts.most_common(1)[0][0] if counts else None


def with_rate(candidates, sampling_rate, report):
    """Return the records of one sampling rate."""
    kept = []
    for candidate in candidates:
        if candidate.sampling_rate == sampling_rate:
            kept.append(candidate)
            continue
        report.add(
            candidate.id,
            f"{candidate.path}.hea",
            f"was sampled at {candidate.sampling_rate:g} Hz, most others at {sampling_rate:g} Hz",
            f"Set sampling_rate={sampling_rate:g} to have it resampled.",
        )
    return kept


# A sampling rate outside of these is a damaged number.
_MOST_TIMES_THE_RATE = 1000


def with_possible_rate(candidates, sampling_rate, report):
    """Return the records that can be resampled to a rate."""
    kept = []
    for candidate in candidates:
        ratio = sampling_rate / candidate.sampling_rate
        if 1 / _MOST_TIMES_THE_RATE <= ratio <= _MOST_TIMES_THE_RATE:
            kept.append(candidate)
            continue
        report.add(
            candidate.id,
            f"{candidate.path}.hea",
            f"gives a sampling rate of {candidate.sampling_rate:g} Hz, which is too far from "
            f"{sampling_rate:g} Hz to be resampled",
            "Write the true sampling rate into it.",
        )
    return kept

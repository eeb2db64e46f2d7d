"""Which records of a folder can be loaded, found out in stages; each names those that it drops."""

import filecmp
import functools
import os
from collections import Counter
from typing import NamedTuple

from sklearn_ecg.datasets._header import CURE, Header, read_header
from sklearn_ecg.datasets._reader import check_units
from sklearn_ecg.datasets._signal_files import check_files, units_per_mV
from sklearn_ecg.records._report import RecordError


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


def with_headers(paths, ids, report):
    """Return the records whose headers make sense and whose files are as large as these say."""
    headers = {}
    for position, (path, id) in enumerate(zip(paths, ids, strict=True)):
        try:
            headers[position] = read_header(path)
        except RecordError as error:
            report.add_error(id, error)
    # Segments are read as parts of the records that they belong to.
    segments = {
        os.path.join(os.path.dirname(header.path), name)
        for header in headers.values()
        for name in header.segments
    }
    candidates = []
    for position, header in headers.items():
        path, id = paths[position], ids[position]
        if path in segments:
            continue
        try:
            n_times = check_files(header)
        except RecordError as error:
            report.add_error(id, error)
            continue
        candidates.append(
            Candidate(position, id, path, header, n_times, header.sampling_rate, header.lead_names)
        )
    return candidates


def by_layout(paths, ids, layout, report):
    """Take the layout's word for every record whose files are there and large enough."""
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
    """Leave out records whose samples another one holds as well.

    A copy on both sides of a split would flatter every score.
    """
    firsts = {}
    kept = []
    for candidate in candidates:
        header = candidate.header
        sums = header.checksums
        # Only records that agree in all that headers tell of the samples are compared.
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


def common_leads(candidates):
    """Return the leads that most records hold, in the order of the first of these."""
    counts = Counter(_voltages(c.lead_names, c.header.units) for c in candidates)
    counts.pop((), None)
    return counts.most_common(1)[0][0] if counts else ()


@functools.lru_cache(maxsize=1024)
def _voltages(names, units):
    pairs = zip(names, units, strict=True)
    return tuple(name for name, unit in pairs if units_per_mV(unit) and names.count(name) == 1)


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
                'Ask for leads that all records have, or for missing_leads="nan".',
            )
            continue
        if missing:
            report.add(
                candidate.id,
                f"{candidate.path}.hea",
                f"lacks {_listed(missing)}, which are NaN",
                "Ask for leads that all records have to do without NaN.",
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
            f"Give sampling_rate={sampling_rate:g} to have it resampled.",
        )
    return kept

"""From WFDB files to ECGRecords: the core on which every loader of files stands.

`open_collection` takes paths of records and returns a `Collection`: signals that are read when
touched, and the report of what was left out. A loader looks up what belongs to the records that
are there, and makes the collection its result::

    paths = [folder / name for name in table["filename_lr"]]
    collection = open_collection(
        paths,
        ids=table.index,  # default: names relative to the common folder
        leads=LEADS_12,  # default: those that most records hold
        sampling_rate=None,  # Hz; others are resampled. None: as they are
        layout=Layout(100, 1000, LEADS_12),  # headers are not opened until touched
        cache_dir=cache_dir,
        report=report,  # a Report, with what the loader found before
    )
    table = table.iloc[collection.kept]  # positions in `paths` of the records kept
    collection.headers[0].comments  # headers of the records kept (None by layout)
    return collection.to_records(labels=labels, label_names=names, groups=patients, split=folds)

Without `layout` each header is read and checked at once; `collection.headers` then hold the
comments in which some data sets keep diagnoses. All fields of `to_records` are aligned with
`collection.ids`. `RecordError` names file, problem and cure, and ``report.add_error(id, error)``
puts one into the report.
"""

import dataclasses
import filecmp
import functools
import os
from collections import Counter
from typing import NamedTuple

import numpy as np

from sklearn_ecg.datasets._cache import cache_signals
from sklearn_ecg.datasets._header import CURE, Header, read_header
from sklearn_ecg.datasets._leads import canonical_lead
from sklearn_ecg.datasets._reader import WFDBReader, check_units, resampled_length
from sklearn_ecg.datasets._signal_files import check_files, units_per_mV
from sklearn_ecg.records import ECGRecords, LazySignals
from sklearn_ecg.records._report import RecordError, Report


class Layout(NamedTuple):
    """What a data set's documentation says of every record, so that opening needs no headers.

    Each header is held against it when its signal is first read.

    Parameters
    ----------
    sampling_rate : float
        Hz.
    n_times : int
    leads : tuple of str
    suffix : str
        Of the signal files.
    n_bytes : int or None
        The least size of a signal file; by default of 16 bits a sample.
    """

    sampling_rate: float
    n_times: int
    leads: tuple
    suffix: str = ".dat"
    n_bytes: int | None = None


@dataclasses.dataclass
class Collection:
    """Records that were found whole, with what was found wrong.

    Parameters
    ----------
    signals : LazySignals
    sampling_rate : float
    leads : tuple of str
    ids : ndarray of shape (n_records,)
    kept : ndarray of int of shape (n_records,)
        Positions of the records in the paths that were given.
    headers : list of Header, or None if a layout was given
    report : Report
    """

    signals: LazySignals
    sampling_rate: float
    leads: tuple
    ids: np.ndarray
    kept: np.ndarray
    headers: list | None
    report: Report

    def to_records(self, **fields):
        """Return `ECGRecords` with more fields, such as labels, aligned with `ids`."""
        return ECGRecords(
            self.signals,
            self.sampling_rate,
            lead_names=self.leads,
            ids=self.ids,
            report=self.report.to_frame(),
            **fields,
        )


def open_collection(
    paths,
    *,
    ids=None,
    leads=None,
    sampling_rate=None,
    missing_leads="leave out",
    layout=None,
    checksums=True,
    verify=False,
    cache_dir=None,
    report=None,
):
    """Open WFDB records; see the top of this module for an example.

    Parameters
    ----------
    paths : sequence of path-like
        Of the records, with or without ".hea".
    ids : sequence, default=None
        A unique name per path; by default the path relative to the folder that all share.
    leads : sequence of str, default=None
        The leads, in the order wanted, in any spelling. By default those that most records hold.
    sampling_rate : float, default=None
        Hz. Records of another rate are resampled to it; by default records of another rate than
        most are left out.
    missing_leads : {"leave out", "nan"}, default="leave out"
        What becomes of records that lack some of the leads: left out, or filled with NaN.
    layout : Layout, default=None
        What is known of all records, so that no header is opened before it is needed.
    checksums : bool, default=True
        Hold signals against their headers' checksums when they are first read.
    verify : bool, default=False
        Read every signal once, so that damaged ones are left out and reported now; else they
        raise `RecordError` when they are touched.
    cache_dir : path-like, default=None
        Folder for a copy of all signals in one file, from which they are read from then on.
    report : Report, default=None
        What the loader found before.

    Returns
    -------
    Collection

    Raises
    ------
    ValueError
        If no record is left; the message says what was wrong with the first ones.
    """
    report = Report() if report is None else report
    paths = [os.fspath(path).removesuffix(".hea") for path in paths]
    ids = np.asarray(relative_names(paths) if ids is None else ids)
    if len(ids) != len(paths):
        raise ValueError(f"ids must name each of the {len(paths)} paths; got {len(ids)}.")
    leads = None if leads is None else tuple(canonical_lead(lead) for lead in leads)
    if layout is None:
        candidates = _with_headers(paths, ids, report)
        candidates = _without_copies(candidates, report)
    else:
        candidates = _by_layout(paths, ids, layout, report)
    if leads is None:
        leads = _common_leads(candidates) if layout is None else tuple(layout.leads)
    candidates = _with_leads(candidates, leads, missing_leads, report)
    if sampling_rate is None:
        sampling_rate = _common_rate(candidates)
        candidates = _with_rate(candidates, sampling_rate, report)
    if not candidates:
        raise ValueError(_nothing_left(paths, report))

    rate = float(sampling_rate)
    reader = WFDBReader(
        [candidate.path for candidate in candidates],
        None if layout is not None else [candidate.header for candidate in candidates],
        [candidate.n_times for candidate in candidates],
        leads=leads,
        sampling_rate=rate,
        layout=layout,
        checksums=checksums,
    )
    lengths = np.array([resampled_length(c.n_times, c.sampling_rate, rate) for c in candidates])
    errors = {}
    signals = LazySignals(reader, (len(lengths), len(leads)), lengths=lengths)
    if cache_dir is not None:
        cached, errors = cache_signals(
            reader,
            lengths,
            len(leads),
            cache_dir,
            files=[reader.files(i) for i in range(len(reader))],
            settings=(leads, rate, checksums, layout),
        )
        signals = LazySignals(cached, (len(lengths), len(leads)), lengths=lengths)
    elif verify:
        errors = _errors(reader)
    kept = np.array([candidate.position for candidate in candidates])
    for i, error in errors.items():
        report.add_error(ids[kept[i]], error)
    readable = np.setdiff1d(np.arange(len(kept)), list(errors))
    if not len(readable):
        raise ValueError(_nothing_left(paths, report))
    return Collection(
        signals[readable],
        sampling_rate=rate,
        leads=leads,
        ids=ids[kept[readable]],
        kept=kept[readable],
        headers=None if layout is not None else [candidates[i].header for i in readable],
        report=report,
    )


class _Candidate(NamedTuple):
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


def _with_headers(paths, ids, report):
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
            _Candidate(position, id, path, header, n_times, header.sampling_rate, header.lead_names)
        )
    return candidates


def _by_layout(paths, ids, layout, report):
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
            _Candidate(position, id, path, None, layout.n_times, layout.sampling_rate, layout.leads)
        )
    return candidates


def _without_copies(candidates, report):
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


def _common_leads(candidates):
    """Return the leads that most records hold, in the order of the first of these."""
    counts = Counter(_voltages(c.lead_names, c.header.units) for c in candidates)
    counts.pop((), None)
    return counts.most_common(1)[0][0] if counts else ()


@functools.lru_cache(maxsize=1024)
def _voltages(names, units):
    pairs = zip(names, units, strict=True)
    return tuple(name for name, unit in pairs if units_per_mV(unit) and names.count(name) == 1)


def _with_leads(candidates, leads, missing_leads, report):
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


def _common_rate(candidates):
    counts = Counter(candidate.sampling_rate for candidate in candidates)
    return counts.most_common(1)[0][0] if counts else None


def _with_rate(candidates, sampling_rate, report):
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


def _errors(reader):
    """Return what is wrong with the signals that cannot be read."""
    errors = {}
    for i in range(len(reader)):
        try:
            reader(i)
        except RecordError as error:
            errors[i] = error
    return errors


def _nothing_left(paths, report):
    if not paths:
        return "There are no records to read."
    first = "; ".join(f"{file} {problem}" for _, file, problem, *_ in report.rows[:3])
    advice = report.rows[0][3] if len(report) else CURE
    return f"None of the {len(paths)} records can be read: {first}. {advice}"

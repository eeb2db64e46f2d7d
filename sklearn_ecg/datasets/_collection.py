"""From WFDB files to ECGRecords: every loader of WFDB files uses this module.

`open_collection` takes paths of records and returns a `Collection`: signals that are read on
demand, and a report of what was left out. A loader adds the labels of these records, and returns
the collection as records::

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

Without `layout` each header is read and checked at once. `collection.headers` then hold the
comments, in which some data sets keep diagnoses, age and sex. All fields of `to_records` are
aligned with `collection.ids`. A `RecordError` names file, problem and cure; ``report.add_error(id,
error)`` adds it to the report.
"""

import dataclasses
import os
from typing import NamedTuple

import numpy as np

from sklearn_ecg.datasets._cache import cache_signals
from sklearn_ecg.datasets._candidates import (
    by_layout,
    common_leads,
    common_rate,
    relative_names,
    report_segments,
    with_headers,
    with_leads,
    with_possible_rate,
    with_rate,
    with_voltages,
    without_copies,
)
from sklearn_ecg.datasets._checksums import checksums_hold
from sklearn_ecg.datasets._header import CURE
from sklearn_ecg.datasets._metadata import check_patients, metadata_frame, patient_groups
from sklearn_ecg.datasets._reader import WFDBReader, resampled_length
from sklearn_ecg.datasets.formats._wfdb import header_fields
from sklearn_ecg.records import ECGRecords, LazySignals
from sklearn_ecg.records._report import RecordError, Report
from sklearn_ecg.utils import canonical_lead, progress


class Layout(NamedTuple):
    """Properties of every record, from a data set's documentation; headers are not needed.

    Each header is compared with it when its signal is first read.

    Parameters
    ----------
    sampling_rate : float
        Hz.
    n_times : int
    leads : tuple of str
    suffix : str
        Suffix of the signal files.
    n_bytes : int or None
        The least size of a signal file; by default for 16 bits a sample.
    """

    sampling_rate: float
    n_times: int
    leads: tuple
    suffix: str = ".dat"
    n_bytes: int | None = None


@dataclasses.dataclass
class Collection:
    """Records that were found complete, and a report of problems.

    Parameters
    ----------
    signals : LazySignals
    sampling_rate : float
    leads : tuple of str
    ids : ndarray of shape (n_records,)
    kept : ndarray of int of shape (n_records,)
        Positions of the records in the given paths.
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

    def metadata(self):
        """Return the metadata in headers; report patients who have more than one age or sex."""
        if self.headers is None:
            return metadata_frame([{}] * len(self.ids), self.ids)
        metadata = metadata_frame([header_fields(header) for header in self.headers], self.ids)
        check_patients(metadata, self.report, [f"{header.path}.hea" for header in self.headers])
        return metadata

    def to_records(self, *, metadata=None, groups=None, **fields):
        """Return `ECGRecords` with more fields, such as labels, aligned with `ids`.

        By default metadata are those of the headers, and groups the patients in them.
        """
        metadata = self.metadata() if metadata is None else metadata
        return ECGRecords(
            self.signals,
            self.sampling_rate,
            lead_names=self.leads,
            ids=self.ids,
            groups=patient_groups(metadata) if groups is None else groups,
            metadata=metadata,
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
        Paths of records, with or without ".hea".
    ids : sequence, default=None
        A unique name per path. By default the path relative to the common folder.
    leads : sequence of str, default=None
        The wanted leads in order, in any spelling. By default those that most records hold.
    sampling_rate : float, default=None
        Hz. Records of another rate are resampled to it. By default records of another rate than
        most are left out.
    missing_leads : {"leave out", "nan"}, default="leave out"
        Records that lack some of the leads are left out, or filled with NaN.
    layout : Layout, default=None
        Properties of all records; headers are then opened on demand.
    checksums : bool, default=True
        Compare signals with their headers' checksums when they are first read.
    verify : bool, default=False
        Read every signal now; damaged ones are left out and reported. Otherwise they raise
        `RecordError` when they are read.
    cache_dir : path-like, default=None
        Folder for copies of the signals, which are read instead of the files.
    report : Report, default=None
        Problems that the loader has found before.

    Returns
    -------
    Collection

    Raises
    ------
    ValueError
        If no record is left; the message names the first problems.
    """
    report = Report() if report is None else report
    paths = [os.fspath(path).removesuffix(".hea") for path in paths]
    ids = np.asarray(relative_names(paths) if ids is None else ids)
    if len(ids) != len(paths):
        raise ValueError(f"ids must name each of the {len(paths)} paths; got {len(ids)}.")
    leads = None if leads is None else tuple(canonical_lead(lead) for lead in leads)
    if layout is None:
        candidates = with_headers(paths, ids, leads, report)
        candidates = without_copies(candidates, report)
    else:
        candidates = by_layout(paths, ids, layout, report)
    opened = candidates
    if leads is None and layout is None:
        candidates = with_voltages(candidates, report)
        leads = common_leads(candidates, report)
    elif leads is None:
        leads = tuple(layout.leads)
    candidates = with_leads(candidates, leads, missing_leads, report)
    if sampling_rate is None:
        sampling_rate = common_rate(candidates)
        candidates = with_rate(candidates, sampling_rate, report)
    candidates = with_possible_rate(candidates, sampling_rate, report)
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
    tried = [
        (i, candidate.id, f"{candidate.path}.hea", len(leads) * candidate.n_times)
        for i, candidate in enumerate(candidates)
    ]
    if checksums and not checksums_hold(reader, tried, report):
        checksums, reader = False, reader.without_checksums()
    lengths = np.array([resampled_length(c.n_times, c.sampling_rate, rate) for c in candidates])
    errors = {}
    signals = LazySignals(reader, (len(lengths), len(leads)), lengths=lengths)
    if cache_dir is not None:
        cached, errors = cache_signals(
            reader,
            lengths,
            len(leads),
            cache_dir,
            settings=(leads, rate, checksums, layout),
        )
        signals = LazySignals(cached, (len(lengths), len(leads)), lengths=lengths)
    elif verify:
        errors = errors_of(reader)
    kept = np.array([candidate.position for candidate in candidates])
    for i, error in errors.items():
        report.add_error(ids[kept[i]], error)
    readable = np.setdiff1d(np.arange(len(kept)), list(errors))
    report_segments(opened, kept[readable], report)
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


def errors_of(reader, verbose=0):
    """Return the errors of signals that cannot be read, by position."""
    errors = {}
    for i in progress(range(len(reader)), description="Reading records", verbose=verbose):
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

"""Open files of any format without their samples, and report files without an ECG."""

import filecmp
import itertools
import os
from collections import defaultdict
from typing import NamedTuple

from sklearn.utils.parallel import delayed

from sklearn_ecg.datasets._bookkeeping import report_files
from sklearn_ecg.datasets._file_reader import Source, digest_of, open_recording
from sklearn_ecg.datasets._other_files import describe
from sklearn_ecg.datasets._packed_files import ZIP, Place, members_of, read_place
from sklearn_ecg.datasets.formats._registry import formats, recognise
from sklearn_ecg.records._report import HIDDEN, NO_ECG, RecordError, is_lost
from sklearn_ecg.utils import in_parallel, progress, quick_stamp

_CHUNK = 32
# Levels of nested archives that are searched.
_DEEPEST = 2


class Opened(NamedTuple):
    """A record, and what its file says of it.

    Parameters
    ----------
    source : Source
    format : str
        The file's own name of its format, for example with a version.
    fields : dict
    remarks : list of (str, str)
    stamp : int
        `quick_stamp` of its file before it was opened.
    """

    source: Source
    format: str
    fields: dict
    remarks: list
    stamp: int

    @property
    def id(self):
        return self.source.place.id

    @property
    def file(self):
        return self.source.place.file


class _Other(NamedTuple):
    """A file without an ECG."""

    place: Place
    problem: str
    what_to_do: str


class _Archive(NamedTuple):
    place: Place


class _Failed(NamedTuple):
    place: Place
    error: RecordError


def open_files(places, how, report, *, verbose=0, n_jobs=None):
    """Open all readable files, also in archives.

    Parameters
    ----------
    places : list of Place
    how : How
    report : Report
        Gets each damaged file, and other files by kind.
    verbose, n_jobs : int

    Returns
    -------
    opened : list of Opened
        Sorted by id. Of files with the same content only the first.
    n_ecgs : int
        Number of files that should be ECGs, with damaged ones and copies.
    """
    opened, failed, others = [], [], []
    while places:
        archives = []
        kinds = {Opened: opened, _Failed: failed, _Other: others, _Archive: archives}
        for result in _open_all(places, how, verbose, n_jobs):
            kinds[type(result)].append(result)
        places = []
        for (archive,) in archives:
            try:
                members, unreadable = members_of(archive)
            except RecordError as error:
                failed.append(_Failed(archive, error))
                continue
            others += itertools.starmap(_Other, unreadable)
            if not members and not unreadable:
                others.append(_Other(archive, *_NO_FILES))
            if any(member.file == f"{archive.file}/[Content_Types].xml" for member in members):
                others.append(_Other(archive, *_OFFICE))
            else:
                places += without_hidden(members, report)
    failed.sort(key=lambda result: result.place.id)
    for place, problem in failed:
        report.add_error(place.id, problem)
    opened.sort(key=lambda record: record.id)
    _report_others(_without_companions(others, opened, failed), report)
    return _without_copies(opened, report), len(opened) + len(failed)


_NO_FILES = "is a ZIP archive without files", "Pack it again, if ECGs should be in it."
_OFFICE = NO_ECG + "an Office document", "Nothing."


def _open_all(places, how, verbose, n_jobs):
    chunks = [places[i : i + _CHUNK] for i in range(0, len(places), _CHUNK)]
    tasks = (delayed(_open_some)(chunk, how) for chunk in chunks)
    results = itertools.chain.from_iterable(in_parallel(tasks, n_jobs=n_jobs))
    return progress(results, description="Files", total=len(places), verbose=verbose)


def _open_some(places, how):
    # Errors of these imports are not errors of a file.
    formats()
    return [_open(place, how) for place in places]


def _open(place, how):
    """Return the content of a place, as one of four types."""
    format = None

    def is_ecg(head):
        nonlocal format
        format = recognise(head)
        return format is not None

    stamp = quick_stamp([place.path])
    try:
        content = read_place(place, is_ecg)
        if format is not None:
            recording = open_recording(content, place, format, how)
            return as_opened(recording, content, place, format, stamp)
    except RecordError as error:
        return _Failed(place, error)
    if content.startswith(ZIP) and len(place.members) < _DEEPEST:
        return _Archive(place)
    return _Other(place, *describe(content, place.file))


def as_opened(recording, content, place, format, stamp=0):
    """Return a recording without its samples."""
    source = Source(
        place,
        format,
        digest_of(content),
        tuple(recording.lead_names),
        float(recording.sampling_rate),
        int(recording.n_times),
        tuple(dict.fromkeys([place.path, *recording.files])),
    )
    return Opened(source, recording.format, recording.fields, recording.remarks, stamp)


def without_hidden(places, report):
    """Leave out hidden files of systems and programs, and incomplete ones."""
    hidden = [place for place in places if "/." in f"/{place.id}"]
    parts = [place for place in places if place.id.endswith(".part") and place not in hidden]
    for found, problem, what_to_do in ((hidden, HIDDEN, _RENAME), (parts, _PART, _DELETE)):
        if found:
            report_files(report, [(p.id, p.file) for p in found], problem, what_to_do)
    left_out = {*hidden, *parts}
    return [place for place in places if place not in left_out]


_RENAME = "Rename it, if it holds an ECG."
_PART, _DELETE = "is an incomplete file of a program that was stopped while writing", "Delete it."


def _without_companions(others, opened, failed):
    """Leave out files that belong to WFDB headers, such as signals and annotations."""
    headers = [record.source.place for record in opened if len(record.source.files) > 1]
    headers += [place for place, _ in failed if place.file.endswith(".hea")]
    stems = set(map(_stem, headers))
    files = {file for record in opened for file in record.source.files}
    return [
        other
        for other in others
        if is_lost(other.place.file)
        or (other.place.file not in files and _stem(other.place) not in stems)
    ]


def _stem(place):
    return os.path.splitext(place.file)[0]


def _report_others(others, report):
    """Report files without an ECG by kind, but one by one if their names say that they are ECGs."""
    kinds = defaultdict(list)
    for place, problem, what_to_do in others:
        if is_lost(place.file):
            report.add(place.id, place.file, problem, what_to_do)
        else:
            kinds[problem, what_to_do].append((place.id, place.file))
    for (problem, what_to_do), found in sorted(kinds.items()):
        report_files(report, sorted(found), problem, what_to_do)


def _without_copies(opened, report):
    """Leave out files with the same content as another one.

    A copy on both sides of a split would make scores too good.
    """
    firsts, kept = defaultdict(list), []
    for record in opened:
        known = firsts[record.source.digest]
        first = next((r for r in known if _same_files(r.source.files, record.source.files)), None)
        if first is not None:
            problem = f"is the same file as {first.id}, which is read"
            report.add(record.id, record.file, problem, "Delete one of the two.")
            continue
        known.append(record)
        kept.append(record)
    return kept


def _same_files(mine, theirs):
    """Return whether the files beside the two are the same, too."""
    return len(mine) == len(theirs) and all(
        filecmp.cmp(*pair, shallow=False) for pair in zip(mine[1:], theirs[1:], strict=True)
    )

"""One record of WFDB: a header and the signal files that it names, which lie beside it.

What the header's record and signal lines say stands in `sklearn_ecg.datasets._header`. Its comments
have no common form; these are understood, in any case of letters and with or without "<>":

======================================================  ===========================================
``Age: 74``, ``Sex: Male``, ``Dx: 164889003,59118001``  PhysioNet's Challenges of 2020 to 2025
``subject_id: 10001725``                                MIMIC-IV-ECG
``age: 81``, ``Reason for admission: ...``,             PTB Diagnostic ECG Database
``Additional diagnoses: ...``
``<diagnoses>:``, then a diagnosis in each line         LUDB; in the same line, INCART
``69 M 1085 1629 x1``                                   MIT-BIH databases: age and sex
======================================================  ===========================================

Patients of MIT-BIH whose age is unknown are of the age -1 there.
"""

import contextlib
import datetime
import functools
import re
from collections import defaultdict

import numpy as np

from sklearn_ecg.datasets._candidates import common_leads, with_headers, with_leads, with_voltages
from sklearn_ecg.datasets._reader import WFDBReader
from sklearn_ecg.datasets.formats._recording import MOST_YEARS, Recording
from sklearn_ecg.records._report import RecordError, Report

NAME = "WFDB"

_SEXES = {"f": "female", "female": "female", "m": "male", "male": "male", "other": "other"}
_UNKNOWN = {"", "unknown", "nan", "n/a", "na", "none", "no", "?"}
# Several may stand in one line.
_KEY = re.compile(
    r"<?\b(age|sex|subject_id|dx|reason for admission|additional diagnoses|diagnoses)"
    r"(?:>\s*:?|\s*:)\s*",
    re.IGNORECASE,
)
# A record line, then a line of a signal or segment.
_BEGIN = re.compile(
    rb"[\w.-]+(?:/\d+)?[ \t]+\d+[ \t]+\d[^\r\n]*[\r\n]+"
    rb"(?:(?=\S*[A-Za-z~])\S+[ \t]+(?:8|16|24|32|61|80|160|212|31[01]|508|516|524)[x:+ \t\r\n]"
    rb"|[\w~-]+[ \t]+\d+[\r\n])"
)
_OF_MIT = re.compile(r"(-?\d{1,3}|\?) ([MF?])(?: \d+ \d+ x\d+)?")


def is_mine(head):
    """Return whether a file begins with the record line and the next line of a header."""
    lines = head.removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True)
    return bool(_BEGIN.match(b"".join(line for line in lines if line.strip() and line[:1] != b"#")))


def open_recording(content, name, waveform):
    """Say that a header alone is no recording."""
    raise RecordError(
        name,
        "is a WFDB header, beside which its signal files must lie",
        "Unpack the record, and give the path of its header or the folder.",
    )


def open_recording_at(path, waveform, *, checksums=True):
    """Open the record of a header.

    Parameters
    ----------
    path : str
        Of the header, with or without ".hea".
    waveform : {"rhythm", "median"}
        WFDB has no median beats.
    checksums : bool, default=True
        Compare the signals with the checksums in the header.

    Returns
    -------
    Recording
        Of all leads that are measured in volts and have the rate of most of them; `remarks` names
        what else there is.
    """
    path = path.removesuffix(".hea")
    if waveform != "rhythm":
        raise RecordError(
            f"{path}.hea",
            f"holds no {waveform} beat, which WFDB has no place for",
            'Read it with waveform="rhythm".',
        )
    report = Report()
    candidates = with_voltages(with_headers([path], [path], None, report), report)
    leads = common_leads(candidates, report)
    candidates = with_leads(candidates, leads, "leave out", report)
    if not candidates:
        _, *problem, _ = report.rows[-1]
        raise RecordError(*problem)
    candidate = candidates[0]
    rate, n_times = candidate.sampling_rate, candidate.n_times
    headers = [candidate.header]
    options = {"leads": leads, "sampling_rate": rate, "checksums": checksums}
    reader = WFDBReader([path], headers, [n_times], **options)
    return Recording(
        NAME,
        leads,
        rate,
        n_times,
        functools.partial(reader, 0),
        header_fields(candidate.header),
        [(problem, what_to_do) for _, _, problem, what_to_do, _ in report.rows],
        tuple(reader.files(0)),
    )


def header_fields(header):
    """Return the metadata in a header.

    Parameters
    ----------
    header : Header

    Returns
    -------
    dict
        As `Recording.fields`.
    """
    said = _said(header.comments)
    codes = [code.strip() for text in said["dx"] for code in text.split(",")]
    readers = [*said["diagnoses"], *said["reason for admission"], *said["additional diagnoses"]]
    fields = {
        "patient_id": " ".join(said["subject_id"]) or None,
        "age_years": _age(said["age"]),
        "sex": _SEXES.get(" ".join(said["sex"]).lower()),
        "recorded_at": _recorded_at(header.start),
        "machine_statements": _known(f"snomed:{c}" if c.isdigit() else c for c in codes),
        "reader_statements": _known(text.strip().rstrip(".") for text in readers),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _known(statements):
    return tuple(text for text in statements if text.lower() not in _UNKNOWN) or None


def _said(comments):
    """Return the texts of the comments, as a list per key."""
    said = defaultdict(list)
    of_mit = _OF_MIT.fullmatch(comments[0]) if comments else None
    if of_mit:
        said["age"], said["sex"] = [of_mit[1]], [of_mit[2]]
    open_key = None
    for comment in comments:
        before, *parts = _KEY.split(comment)
        if open_key and before:
            said[open_key].append(before)
        for key, value in zip(parts[::2], parts[1::2], strict=True):
            said[key.lower()].append(value.strip())
            # A list of diagnoses may follow line by line.
            open_key = key.lower() if key.lower() == "diagnoses" and not value else None
    return said


def _age(texts):
    with contextlib.suppress(ValueError):
        age = float(" ".join(texts))
        if 0 <= age <= MOST_YEARS:
            return age
    return None


def _recorded_at(start):
    """Return the start of a record, from its time "14:37:00" and its date "11/08/2180".

    A time with fewer parts holds seconds, or minutes and seconds.
    """
    if len(start) < 2:
        return None
    with contextlib.suppress(ValueError):
        day, month, year = map(int, start[1].split("/"))
        parts = [0, 0, *(int(part.split(".")[0]) for part in start[0].split(":"))]
        hour, minute, second = parts[-3:]
        return np.datetime64(datetime.datetime(year, month, day, hour, minute, second), "s")
    return None

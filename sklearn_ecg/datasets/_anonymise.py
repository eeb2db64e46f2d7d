"""Records without data that identify patients."""

import contextlib
import hmac
import re
import secrets
from pathlib import Path

import numpy as np

from sklearn_ecg.datasets.formats._recording import FIELDS
from sklearn_ecg.records import CleanedRecords, ECGRecords, LazySignals
from sklearn_ecg.records._readers import as_lazy
from sklearn_ecg.records._report import RecordError

_LEAST_KEY_BYTES = 16
# 80 bits: a million names have different hashes.
_HASH_DIGITS = 20
# Dates move back by up to this many days, which hides the season and about ten years.
_MOST_DAYS = 3650
# The US Safe Harbor rule allows this for all ages of 90 and more.
_OLDEST = 90
# Columns that `load_ecg_files` adds to a file's own metadata.
_OF_LOADERS = ("format", "stored_hz", "stored_leads")
_AROUND_WORDS = "'\"()[]{}<>.,;:"


def anonymise(records, key=None) -> ECGRecords:
    """Return records without data that identify patients.

    Parameters
    ----------
    records : ECGRecords
        Records to anonymise.
    key : str or bytes of 16 bytes or more, default=None
        The same key gives the same hashes, so that later records can be joined with these. Keep it
        apart from the records: anybody who has it can find a known patient again. By default a new
        random key, which is not kept.

    Returns
    -------
    ECGRecords
        `ids`, `groups`, and the metadata ``patient_id`` and ``site`` are hashes (HMAC-SHA256).
        ``recorded_at`` moves back by 1 to 3650 days. All records of a patient move by the same
        number, so intervals and times of day stay. ``age_years`` above 90 become 90. Of the
        metadata only columns that loaders make are kept: other columns may hold anything. `report`
        names records and files by hashes. Text that a problem quotes from a file, and names after a
        colon, are left out.

    Raises
    ------
    TypeError
        If `records` are not ECGRecords, or are cleaned.
    ValueError
        If the key is too short, or a column of the metadata has values of a wrong type.

    Warnings
    --------
    Statements are free text and do not change: one of them may hold a name. Signals that are read
    on demand keep the paths of their files. Errors name the new ids, but pickles and
    ``joblib.dump`` write the paths. Write the signals to new files before you give them away.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn_ecg import ECGRecords
    >>> from sklearn_ecg.datasets import anonymise
    >>> metadata = pd.DataFrame({"patient_id": ["19-4711"], "age_years": [97.0]})
    >>> records = ECGRecords(np.zeros((1, 1, 9)), ids=["Doe 1"], metadata=metadata)
    >>> anonymise(records, key="kept in our safe").metadata
                                      patient_id  age_years
    id
    r4b3a12c09d6d92d5d031  pc091d5bc0d268f9ea419       90.0
    """
    if not isinstance(records, ECGRecords) or isinstance(records, CleanedRecords):
        raise TypeError(
            f"records must be ECGRecords; got {type(records).__name__}. For cleaned records pass "
            "cleaned.with_labels(cleaned.labels)."
        )
    hashes = _Hashes(_check_key(key))
    ids = np.array([hashes.record(id) for id in records.ids], dtype=str)
    groups = records.groups
    if groups is not None:
        groups = np.array([hashes.patient(group) for group in groups], dtype=str)
    signals = records.signals
    if isinstance(signals, (LazySignals, np.memmap)):
        signals = _nameless(as_lazy(signals), ids)
    return records._with(
        signals=signals,
        ids=ids,
        groups=groups,
        metadata=_anonymous_metadata(records, hashes),
        report=_anonymous_report(records, hashes),
    )


def _check_key(key):
    if key is None:
        return secrets.token_bytes(32)
    if not isinstance(key, str | bytes):
        raise TypeError(f"key must be text or bytes; got {type(key).__name__}.")
    key = key.encode() if isinstance(key, str) else key
    if len(key) < _LEAST_KEY_BYTES:
        raise ValueError(
            f"key must have {_LEAST_KEY_BYTES} bytes or more, so that it cannot be guessed; got "
            f"{len(key)}. Make one by secrets.token_hex(16)."
        )
    return key


class _Hashes:
    """Hashes of names. They begin with a letter, since digits alone would be read as numbers."""

    def __init__(self, key):
        self.key = key

    def record(self, name):
        return "r" + self._digest("record", name)[:_HASH_DIGITS]

    def patient(self, name):
        return "p" + self._digest("patient", name)[:_HASH_DIGITS]

    def site(self, name):
        return "s" + self._digest("site", name)[:_HASH_DIGITS]

    def file(self, name):
        return "f" + self._digest("file", name)[:_HASH_DIGITS]

    def days(self, patient):
        return 1 + int(self._digest("days", patient), 16) % _MOST_DAYS

    def _digest(self, kind, name):
        message = f"{kind}\0{name}".encode("utf-8", "surrogateescape")
        return hmac.digest(self.key, message, "sha256").hex()


def _anonymous_metadata(records, hashes):
    metadata = records.metadata
    if metadata is None:
        return None
    kept = [name for name in (*_OF_LOADERS, *FIELDS) if name in metadata]
    metadata = metadata[kept].reset_index(drop=True)
    if "recorded_at" in metadata:
        metadata["recorded_at"] = _shifted(metadata["recorded_at"], _patients(records), hashes)
    for name, hashed in (("patient_id", hashes.patient), ("site", hashes.site)):
        if name in metadata:
            values = _without_gaps(metadata[name])
            metadata[name] = [hashed(value) if value != "" else "" for value in values]
    if "age_years" in metadata:
        _check_column(metadata["age_years"], "iuf", "years as numbers")
        metadata["age_years"] = metadata["age_years"].clip(upper=_OLDEST)
    return metadata if len(metadata.columns) else None


def _without_gaps(values):
    # As objects, since "" cannot be added to categories.
    return values.astype(object).where(values.notna(), "")


def _patients(records):
    """Return the patient of each record, as far as known."""
    metadata = records.metadata
    patients = records.ids if records.groups is None else records.groups
    if "patient_id" not in metadata:
        return patients
    known = _without_gaps(metadata["patient_id"])
    return [own if own != "" else other for own, other in zip(known, patients, strict=True)]


def _shifted(times, patients, hashes):
    _check_column(times, "M", "times (datetime64)")
    # The local time on the clock, also if it has a zone.
    times = times.dt.tz_localize(None).to_numpy("datetime64[s]")
    days = np.array([hashes.days(patient) for patient in patients], dtype="timedelta64[D]")
    return times - days


def _check_column(values, kinds, what):
    if values.dtype.kind not in kinds:
        raise ValueError(
            f"The column {values.name!r} of metadata must hold {what}; got {values.dtype}. Change "
            "it with records.with_metadata, or leave the column out."
        )


def _anonymous_report(records, hashes):
    report = records.report
    files = {str(file): hashes.file(file) for file in report["file"] if file}
    names = {Path(file).stem: hashed for file, hashed in files.items()}
    names |= {Path(file).name: hashed for file, hashed in files.items()} | files
    if records.groups is not None:
        names |= {str(group): hashes.patient(group) for group in records.groups}
    names |= {str(id): hashes.record(id) for id in [*records.ids, *report["id"]]}
    return report.assign(
        id=[hashes.record(id) for id in report["id"]],
        file=[files.get(str(file), "") for file in report["file"]],
        problem=[_without_names(_without_values(text), names) for text in report["problem"]],
        what_to_do=[_without_names(text, names) for text in report["what_to_do"]],
    )


def _without_values(problem):
    """Remove text that a message quotes from a file, and names after a colon."""
    return re.sub(r"'[^']*'|\"[^\"]*\"", "...", problem.partition(":")[0])


def _without_names(text, names):
    for name in sorted(names, key=len, reverse=True):
        if " " in name:
            text = text.replace(name, names[name])

    def hashed(match):
        word = match[0].strip(_AROUND_WORDS)
        found = names.get(word, "..." if "/" in word or "\\" in word else word)
        return match[0].replace(word, found) if word else match[0]

    return re.sub(r"\S+", hashed, text)


def _nameless(signals, ids):
    """Return the same signals, with new names in errors."""
    lengths = signals.lengths
    return LazySignals(_NamelessSignals(signals, ids), signals.shape, lengths=lengths)


class _NamelessSignals:
    def __init__(self, signals, ids):
        self.signals = signals
        self.ids = ids

    def __call__(self, record):
        with self._naming(record):
            return self.signals[record]

    def many(self, records):
        try:
            return self.signals.read_many(records)
        except Exception:  # read one by one, so that the error names the record
            return [self(record) for record in records]

    def window(self, record, start, stop):
        with self._naming(record):
            return self.signals.window(record, start, stop)

    def take(self, records):
        return _NamelessSignals(self.signals[records], self.ids[records])

    def stamp(self, record):
        return self.signals.stamp(record)

    @contextlib.contextmanager
    def _naming(self, record):
        try:
            yield
        except RecordError as error:
            found = _without_values(error.problem), _without_names(error.what_to_do, {})
        except Exception as error:
            found = f"cannot be read ({type(error).__name__})", "Check the record's file."
        else:
            return
        raise RecordError(self.ids[record], *found) from None

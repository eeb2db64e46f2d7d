"""Write records and their labels as files of standard formats."""

import importlib
import itertools
import os
import re
from contextlib import contextmanager

import numpy as np
import pandas as pd

from sklearn_ecg.datasets._bookkeeping import some
from sklearn_ecg.datasets.writers import _csv, _dicom, _edf, _parquet, _wfdb
from sklearn_ecg.datasets.writers._to_write import RecordToWrite
from sklearn_ecg.records import CleanedRecords, ECGRecords
from sklearn_ecg.records._report import RecordError, naming
from sklearn_ecg.utils import (
    check_option,
    check_path,
    progress,
    trusted_records,
    warn_of_unread,
    whole_file,
    writing,
)

_WRITERS = {"wfdb": _wfdb, "edf": _edf, "dicom": _dicom, "csv": _csv}
_PACKAGES = {"edf": ("edfio", "hospital"), "dicom": ("pydicom", "hospital")}
_PACKAGES["parquet"] = ("pyarrow", "parquet")
_LABELS, _RECORDS = "labels.csv", "records.csv"
# Columns of the tables besides metadata and labels.
_OWN = (*_parquet.OF_SIGNALS, "file", "patient", "split", "trusted")


def write_ecg_files(records, folder, format="wfdb", *, overwrite=False, verbose=0) -> pd.DataFrame:
    """Write records as files that other programs read, with their labels.

    Two tables are written beside the signals. ``labels.csv`` has a row per file and a column per
    label (1, 0, or empty for unknown). ``records.csv`` has id, patient, fold, trust and metadata of
    each record, and for cleaned records the provenance and confidence of each label. Metadata with
    the name of another column, such as ``file``, become ``metadata file``.

    Parameters
    ----------
    records : ECGRecords or CleanedRecords
        Records of signals with a sampling rate and lead names. They are read one by one.
    folder : path-like
        Is made if it is missing.
    format : {"wfdb", "edf", "dicom", "csv", "parquet"}, default="wfdb"
        One file per record; "parquet" has one per thousand records, with signals and labels in its
        rows for training elsewhere, for example with ``datasets.load_dataset("parquet",
        data_files=...)`` of Hugging Face. EDF and DICOM need ``sklearn_ecg[hospital]``, Parquet
        ``sklearn_ecg[parquet]``.
    overwrite : bool, default=False
        Whether to replace existing files.
    verbose : int, default=0
        A progress bar if positive.

    Returns
    -------
    DataFrame
        Indexed by the records' ids. `file` is relative to the folder; `problem` is empty if the
        record was written.

    Raises
    ------
    ValueError
        If the sampling rate or the lead names are unknown, or a label has the name of another
        column, such as "file". For Parquet also if a column of metadata holds values of several
        types.
    FileExistsError
        If a file exists already; then nothing is written.
    ImportError
        If the package for the format is missing; the message names the extra.

    Warns
    -----
    UserWarning
        If some records cannot be read, or do not fit the format; `problem` gives the reasons.

    See Also
    --------
    load_ecg_files : Reads all of these formats but Parquet.
    join_labels : Reads the labels back, from ``labels.csv`` with ``id_column="file"``.

    Notes
    -----
    WFDB, EDF and DICOM hold whole microvolts in 16 bits; leads beyond 32.767 mV are written in
    larger steps. Present labels are comments of the WFDB header, or annotations of EDF+ and DICOM.
    Names of patients are not written, but ids of patients are: see `anonymise`. A lead without any
    sample is left out of the record's file. EDF cannot mark single missing samples.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_ecg.datasets import load_wfdb, make_ecg_records, write_ecg_files
    >>> records = make_ecg_records(2, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     written = write_ecg_files(records, folder)
    ...     again = load_wfdb(folder)
    >>> written["file"].tolist()
    ['P0000-0.hea', 'P0000-1.hea']
    >>> again.lead_names == records.lead_names
    True
    """
    if not isinstance(records, ECGRecords) or getattr(records, "is_table", False):
        raise TypeError(f"records must be ECGRecords of signals; got {type(records).__name__}.")
    check_option(format, [*_WRITERS, "parquet"], "format")
    if records.sampling_rate is None or records.lead_names is None:
        missing = "sampling_rate" if records.sampling_rate is None else "lead_names"
        raise ValueError(
            f"records must have {missing} to be written; got None. Pass it by ECGRecords(signals, "
            f"{missing}=...)."
        )
    _check_package(format)
    labels, facts = _labels(records), _facts(records)
    _check_names(labels, facts)
    folder = check_path(folder, "folder")
    suffix = ".parquet" if format == "parquet" else _WRITERS[format].SUFFIX
    files = [name + suffix for name in _file_names(records.ids)]
    if format == "parquet":
        files = [f"part-{i // _parquet.RECORDS_PER_FILE:05d}.parquet" for i in range(len(files))]
    _check_free(folder, [*files, _LABELS, _RECORDS], overwrite)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)

    read = _Reading(records)
    bar = progress(range(len(records)), description="Writing records", verbose=verbose)
    if format == "parquet":
        for file, rows in itertools.groupby(bar, files.__getitem__):
            _parquet.write_rows(read, rows, pd.concat([facts, labels], axis=1), folder / file)
    else:
        for i in bar:
            record = read(i)
            with read.noting(i):
                if record is not None:
                    _WRITERS[format].write(record, folder / files[i])
    problems = [read.problems.get(i, "") for i in range(len(records))]
    written = pd.DataFrame({"file": files, "problem": problems}, facts.index)
    written["file"] = written["file"].where(written["problem"] == "", "")
    is_there = written["problem"] == ""
    # In a Parquet file a record is found only by its id.
    names = written.index if format == "parquet" else written["file"]
    tables = {
        _LABELS: labels.set_axis(pd.Index(names, name="id" if format == "parquet" else "file")),
        _RECORDS: pd.concat([written[["file"]], facts], axis=1).map(_as_text),
    }
    for name, table in tables.items():
        with whole_file(folder / name) as file:
            table[is_there.to_numpy()].to_csv(file)
    warn_of_unread(read.problems, records.ids, "are not written")
    return written


def _as_text(value):
    return "; ".join(value) if isinstance(value, tuple) else value


def _check_package(format):
    package, extra = _PACKAGES.get(format, (None, None))
    if package is None:
        return
    try:
        importlib.import_module(package)
    except ImportError as error:
        raise ImportError(
            f"format={format!r} needs {package}: pip install 'sklearn_ecg[{extra}]'."
        ) from error


def _file_names(ids):
    """Return a unique file name for each record, from its id."""
    names = [re.sub(r"[^A-Za-z0-9_-]+", "_", str(id)).strip("_")[:100] or "record" for id in ids]
    # Many disks ignore case in names, and the tables' names are taken, too.
    taken, unique = {"labels", "records"}, []
    for name in names:
        candidates = itertools.chain([name], (f"{name}_{i}" for i in itertools.count(2)))
        free = next(c for c in candidates if c.lower() not in taken)
        taken.add(free.lower())
        unique.append(free)
    return unique


def _check_free(folder, files, overwrite):
    if overwrite or not os.path.isdir(folder):
        return
    there = {name.lower() for name in os.listdir(folder)}
    taken = [file for file in dict.fromkeys(files) if file.lower() in there]
    if taken:
        raise FileExistsError(
            f"{folder} already holds {some(taken, 3)}. Use an empty folder, or overwrite=True."
        )


def _check_names(labels, facts):
    """Check that no label has the name of another column."""
    clashing = [name for name in labels if name in _OWN or name in facts]
    if clashing:
        raise ValueError(
            f"The labels {clashing} have names of other columns of the tables. Rename them "
            "by records.with_labels(records.labels, names)."
        )


def _labels(records):
    """Return a column per label: 1, 0, or missing for unknown."""
    labels = [] if records.labels is None else records.labels
    labels = pd.DataFrame(labels, _index(records), records.label_names).astype("Int8")
    return labels.mask(labels == -1)


def _facts(records):
    """Return everything about each record besides its signal and labels."""
    trusted = None if records.trusted is None else trusted_records(records.trusted)
    known = {"patient": records.groups, "split": records.split, "trusted": trusted}
    facts = {name: values for name, values in known.items() if values is not None}
    if records.metadata is not None:
        columns = records.metadata.items()
        facts |= {f"metadata {n}" if n in _OWN else n: column.array for n, column in columns}
    if isinstance(records, CleanedRecords):
        for i, name in enumerate(records.label_names):
            facts[f"{name} provenance"] = records.provenance[:, i]
            facts[f"{name} confidence"] = records.confidence[:, i].round(6)
    return pd.DataFrame(facts, _index(records))


def _index(records):
    return pd.Index(records.ids.astype(str), name="id")


class _Reading:
    """Reads records one by one, and keeps their problems."""

    def __init__(self, records):
        self.records = records
        self.problems = {}
        metadata = records.metadata
        self._fields = [{}] * len(records) if metadata is None else metadata.to_dict("records")

    def __call__(self, i):
        """Return record i, or None if it cannot be written."""
        with self.noting(i):
            return self._read(i)

    @contextmanager
    def noting(self, i):
        """Keep the error of record i."""
        try:
            yield
        except RecordError as error:
            self.problems[i] = f"{error}"
        except ValueError as error:
            # Errors of libraries, for values too long or too large for the format.
            what_to_do = "Choose another format, or leave it out."
            found = RecordError(self.records.ids[i], f"cannot be written: {error}", what_to_do)
            self.problems[i] = f"{found}"

    def _read(self, i):
        records, id = self.records, str(self.records.ids[i])
        with naming(id, "Check its file, or leave it out."):
            signal = np.asarray(records.signals[i], dtype=np.float64)
        is_there = np.isfinite(signal).any(axis=1)
        if not is_there.any():
            raise RecordError(id, "holds no samples", "Leave it out.")
        labels = [] if records.labels is None else records.labels[i].tolist()
        return RecordToWrite(
            id,
            np.where(np.isfinite(signal), signal, np.nan)[is_there],
            records.sampling_rate,
            tuple(np.array(records.lead_names)[is_there]),
            "" if records.groups is None else str(records.groups[i]),
            self._fields[i],
            dict(zip(records.label_names, labels, strict=False)) if labels else {},
        )

"""The Lobachevsky University Database: diagnoses, and waves marked by hand."""

import re
import warnings
from itertools import zip_longest

import numpy as np
import pandas as pd

from sklearn_ecg.datasets._annotations import read_annotations
from sklearn_ecg.datasets._bookkeeping import (
    find_folder,
    find_table,
    forget_labels,
    read_csv,
    report_absent,
    report_unknown_codes,
    report_unlabelled,
    require_columns,
    unique_rows,
)
from sklearn_ecg.datasets._collection import open_collection
from sklearn_ecg.datasets._files import find_headers
from sklearn_ecg.datasets._table_metadata import table_metadata
from sklearn_ecg.datasets._vocabulary import codes_to_labels, load_vocabulary
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.records._report import RecordError, Report
from sklearn_ecg.utils import LEADS_12

_DATASET = "LUDB (ludb.csv beside data/)"
_WAVES = {"p": "P", "N": "QRS", "t": "T"}
# Columns of the table beside the diagnoses, by their names in the metadata.
_METADATA = {"Age": "age_years", "Sex": "sex"}


def load_ludb(path, *, cache_dir=None) -> ECGRecords:
    """Load the Lobachevsky University Database, or whatever part of it is there.

    Parameters
    ----------
    path : path-like
        The folder that holds ``ludb.csv`` and ``data/``.
    cache_dir : path-like, default=None
        Folder for copies of the signals, from which epochs are read at the disk's speed. Records
        that are new or have changed are copied, and no others.

    Returns
    -------
    ECGRecords
        12 leads of 10 s at 500 Hz of 200 persons; `ids` and `groups` are the numbers of the
        records. The labels are those of ``load_vocabulary("ludb")``, all of them, present or not.
        `report` names what is not there and what the vocabulary does not know. `metadata` are age
        (90 for ">89"), sex and the cardiologists' statements.

    Raises
    ------
    FileNotFoundError
        If the folder or ``ludb.csv`` is missing, or there are no records.
    ValueError
        If none of the records can be read, or ``ludb.csv`` is another table.

    See Also
    --------
    load_ludb_annotations : The waves of each lead, marked by cardiologists.

    Notes
    -----
    Statements of ``ludb.csv`` that differ in place or detail alone make one label: STEMI, SCAR,
    LOCAL_ISC (ischemia), UNDEF_ISC (undefined ischemia, scar or suspected NSTEMI) and NSREPOL
    (non-specific repolarization abnormalities) wherever they are; PAC and PVC for extrasystoles
    of any focus or pattern; PACE for any pacing. All others are labels of their own.

    References
    ----------
    Kalyakulina AI et al. LUDB: a new open-access validation tool for electrocardiogram
    delineation algorithms. IEEE Access 8:186181-186190 (2020).
    https://doi.org/10.1109/ACCESS.2020.3029211

    Examples
    --------
    >>> from sklearn_ecg.datasets import load_ludb
    >>> records = load_ludb("ludb")  # doctest: +SKIP
    """
    folder = find_folder(path, dataset=_DATASET)
    table_file = find_table(folder, "ludb.csv", dataset=_DATASET)
    vocabulary = load_vocabulary("ludb")
    table = read_csv(table_file, dtype=str, keep_default_na=False)
    columns = list(dict.fromkeys(vocabulary["subclass"]))
    require_columns(table, ["ID", *columns], table_file)
    report = Report()
    table["ID"] = table["ID"].str.strip()
    table, contradicting = unique_rows(table, "ID", report, table_file)
    table = table.set_index("ID")

    paths = _records(folder, report)
    names = [path.name for path in paths]
    absent = [id for id in table.index if id not in names]
    if absent:
        report_absent(report, absent, [f"data/{id}.hea" for id in absent], folder)
    collection = open_collection(
        paths, ids=_numbers(names), leads=LEADS_12, cache_dir=cache_dir, report=report
    )
    names = [names[position] for position in collection.kept]
    statements = [_statements(table.loc[id, columns]) if id in table.index else [] for id in names]
    report_unknown_codes(report, statements, names, "ludb", table_file)
    labels, _ = codes_to_labels(
        statements,
        "ludb",
        by="abbreviation",
        label_names=dict.fromkeys(vocabulary["abbreviation"]),
    )
    without = [id for id, own in zip(names, statements, strict=True) if not own]
    report_unlabelled(report, without, table_file, "gives no diagnosis for the record")
    others = {column: name for column, name in _METADATA.items() if column in table}
    others["statements"] = "reader_statements"
    rows = table.drop(index=list(contradicting)).reindex(names).assign(statements=statements)
    return collection.to_records(
        labels=forget_labels(labels, np.isin(names, [*without, *contradicting])),
        label_names=labels.columns,
        groups=collection.ids,
        metadata=table_metadata(rows, others, collection.ids, report, table_file),
    )


def _records(folder, report):
    paths = find_headers(folder / "data", report, dataset=_DATASET, deep=False)
    return sorted(paths, key=lambda path: (len(path.name), path.name))


def _numbers(names):
    return np.array([int(name) if name.isdigit() else name for name in names])


def _statements(row):
    lines = [line.strip() for cell in row for line in cell.splitlines()]
    return [line for line in lines if line]


def load_ludb_annotations(path) -> pd.DataFrame:
    """Load the waves that cardiologists marked in LUDB, each lead by itself.

    Parameters
    ----------
    path : path-like
        The folder that holds ``ludb.csv`` and ``data/``, as for `load_ludb`.

    Returns
    -------
    DataFrame
        A row per wave, in the order of records, leads and time:

        - ``id``: the record's number, ``lead``: in the usual spelling;
        - ``wave``: "P", "QRS" or "T", and "" for a wave whose peak was not marked, by which they
          are told apart (there is one);
        - ``onset``, ``peak``, ``offset``: in samples at 500 Hz, NaN where it was not marked;
        - ``span_start``, ``span_stop``: the first and last sample that is annotated in this lead.
          What lies outside was not looked at, mostly the first and last beat: a detection there
          is neither right nor wrong.

        Leads whose file is missing or damaged are left out with a warning, and
        ``attrs["report"]`` names each as `ECGRecords.report` does, in a list of dicts.

    Raises
    ------
    FileNotFoundError
        If the folder or its records are missing.
    ValueError
        If no file of annotations can be read; then the message names the first.

    See Also
    --------
    load_ludb : The signals and diagnoses.
    sklearn_ecg.features.delineate : Finds the waves that these annotations judge.

    Notes
    -----
    Rows are waves and not beats, because some waves belong to no beat that is annotated: P waves
    that were blocked, T waves before the first QRS complex. They are what was marked: two T waves
    of record 116 were marked several times, and some peaks lie a sample outside of their
    boundaries.

    Examples
    --------
    Detected R peaks of a record that can be judged in lead II:

    >>> from sklearn_ecg.datasets import load_ludb_annotations
    >>> waves = load_ludb_annotations("ludb")  # doctest: +SKIP
    >>> own = waves[(waves["id"] == 1) & (waves["lead"] == "II")]  # doctest: +SKIP
    >>> start, stop = own[["span_start", "span_stop"]].iloc[0]  # doctest: +SKIP
    >>> judged = r_peaks[(r_peaks >= start) & (r_peaks <= stop)]  # doctest: +SKIP
    """
    rows, errors, report = [], [], Report()
    paths = _records(find_folder(path, dataset=_DATASET), report)
    for id, record in zip(_numbers([path.name for path in paths]).tolist(), paths, strict=True):
        for lead in LEADS_12:
            try:
                samples, symbols = read_annotations(record, lead.lower())
            except RecordError as error:
                errors.append(error)
                report.add_error(id, error)
                continue
            span = samples[:1].tolist() + samples[-1:].tolist()
            rows += [(id, lead, *wave, *span) for wave in _waves(samples, symbols)]
    if len(errors) == len(paths) * len(LEADS_12):
        raise errors[0]
    if errors:
        warnings.warn(
            f"The annotations of {len(errors)} leads are left out, the first since {errors[0]} "
            'The attribute attrs["report"] of the result names all of them.',
            UserWarning,
            stacklevel=2,
        )
    columns = ["id", "lead", "wave", "onset", "peak", "offset", "span_start", "span_stop"]
    frame = pd.DataFrame(rows, columns=columns)
    frame = frame.astype(dict.fromkeys(["onset", "peak", "offset"], float))
    # Not a DataFrame, which pandas could not compare when it joins tables.
    frame.attrs["report"] = report.to_frame().to_dict("records")
    return frame


# A wave is an opening bracket, the mark of its peak, and a closing one. Some lack a part, and waves
# that were marked several times have several of each.
_GROUP = re.compile(r"(\(*)([pNt]*)(\)*)")


def _waves(samples, symbols):
    """Return (wave, onset, peak, offset) of each wave of one lead, in the order of time."""
    groups = []
    for match in _GROUP.finditer("".join(symbols)):
        group = [list(range(*match.span(part))) for part in (1, 2, 3)]
        if groups and _belong_together(groups[-1], group):
            # The mark of the peak stands a sample or two outside of its brackets.
            groups[-1] = [a + b for a, b in zip(groups[-1], group, strict=True)]
        else:
            groups.append(group)
    times = [*samples.tolist(), float("nan")]
    names = [*(_WAVES.get(symbol, "") for symbol in symbols), ""]
    return [
        (names[peak], times[onset], times[peak], times[offset])
        for group in groups
        for onset, peak, offset in zip_longest(*group, fillvalue=-1)
    ]


def _belong_together(first, second):
    """Whether one is the mark of a peak without brackets, the other brackets without a mark."""
    present = [tuple(len(part) for part in group) for group in (first, second)]
    return sorted(present) == [(0, 1, 0), (1, 0, 1)]

"""The Lobachevsky University Database: diagnoses, and waves marked by cardiologists."""

import re
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
from sklearn_ecg.utils import LEADS_12, warn_user

_DATASET = "LUDB (ludb.csv beside data/)"
_WAVES = {"p": "P", "N": "QRS", "t": "T"}
# Columns of the table besides the diagnoses, by their names in the metadata.
_METADATA = {"Age": "age_years", "Sex": "sex"}


def load_ludb(path, *, cache_dir=None) -> ECGRecords:
    """Load the Lobachevsky University Database, or a part of it.

    Parameters
    ----------
    path : path-like
        Folder that holds ``ludb.csv`` and ``data/``.
    cache_dir : path-like, default=None
        Folder for copies of the signals, from which epochs are read at the disk's speed. Only new
        and changed records are copied.

    Returns
    -------
    ECGRecords
        12 leads of 10 s at 500 Hz of 200 persons. `ids` and `groups` are the numbers of the
        records. The labels are all of ``load_vocabulary("ludb")``, also those without a positive.
        `report` names missing files and unknown statements. `metadata` are age (90 for ">89"), sex
        and the cardiologists' statements.

    Raises
    ------
    FileNotFoundError
        If the folder or ``ludb.csv`` is missing, or there are no records.
    ValueError
        If no record can be read, or ``ludb.csv`` has other columns.

    See Also
    --------
    load_ludb_annotations : The waves of each lead, marked by cardiologists.

    Notes
    -----
    Statements of ``ludb.csv`` that differ only in place or detail are one label: STEMI, SCAR,
    LOCAL_ISC (ischemia), UNDEF_ISC (undefined ischemia, scar or suspected NSTEMI) and NSREPOL
    (non-specific repolarization abnormalities) at any place; PAC and PVC for extrasystoles of any
    focus or pattern; PACE for any pacing. Each other statement is a label.

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
    """Load the waves that cardiologists marked in LUDB, separately for each lead.

    Parameters
    ----------
    path : path-like
        Folder that holds ``ludb.csv`` and ``data/``, as for `load_ludb`.

    Returns
    -------
    DataFrame
        A row per wave, in the order of records, leads and time:

        - ``id``: the record's number, ``lead``: in the usual spelling;
        - ``wave``: "P", "QRS" or "T", and "" for a wave without a marked peak (there is one): the
          peak's mark names the kind;
        - ``onset``, ``peak``, ``offset``: samples at 500 Hz, NaN if not marked;
        - ``span_start``, ``span_stop``: the first and last annotated sample of this lead. Beats
          outside were not annotated, mostly the first and the last: a detection there is neither
          right nor wrong.

        Leads with a missing or damaged file are left out with a warning. ``attrs["report"]`` names
        each as `ECGRecords.report` does, in a list of dicts.

    Raises
    ------
    FileNotFoundError
        If the folder or its records are missing.
    ValueError
        If no file of annotations can be read; the message names the first.

    See Also
    --------
    load_ludb : The signals and diagnoses.
    sklearn_ecg.features.delineate : Finds waves; these annotations can score it.

    Notes
    -----
    Rows are waves, not beats, because some waves belong to no annotated beat: blocked P waves, and
    T waves before the first QRS complex. Marks are returned as they are: two T waves of record 116
    were marked several times, and some peaks lie a sample outside of their bounds.

    Examples
    --------
    Detected R peaks of a record in the annotated part of lead II:

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
        warn_user(
            f"The annotations of {len(errors)} leads are left out. The first: {errors[0]} "
            'The attribute attrs["report"] of the result names all of them.',
        )
    columns = ["id", "lead", "wave", "onset", "peak", "offset", "span_start", "span_stop"]
    frame = pd.DataFrame(rows, columns=columns)
    frame = frame.astype(dict.fromkeys(["onset", "peak", "offset"], float))
    # Not a DataFrame: pandas cannot compare it when it joins tables.
    frame.attrs["report"] = report.to_frame().to_dict("records")
    return frame


# A wave is an opening bracket, the mark of its peak, and a closing bracket. Some waves lack a part;
# waves that were marked several times have several of each.
_GROUP = re.compile(r"(\(*)([pNt]*)(\)*)")


def _waves(samples, symbols):
    """Return (wave, onset, peak, offset) of each wave of one lead, sorted by time."""
    groups = []
    for match in _GROUP.finditer("".join(symbols)):
        group = [list(range(*match.span(part))) for part in (1, 2, 3)]
        if groups and _belong_together(groups[-1], group):
            # The mark of the peak may lie a sample or two outside of its brackets.
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
    """Whether one is a peak without brackets, and the other brackets without a peak."""
    present = [tuple(len(part) for part in group) for group in (first, second)]
    return sorted(present) == [(0, 1, 0), (1, 0, 1)]

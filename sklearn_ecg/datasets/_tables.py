"""People's own data: signals in an array or a file of arrays, labels in a table."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from sklearn_ecg.datasets._array_files import open_signals
from sklearn_ecg.datasets._bookkeeping import (
    MOST_COLUMNS,
    check_width,
    forget_labels,
    read_csv,
    report_many,
    report_unlabelled,
    require_columns,
    some,
    unique_rows,
)
from sklearn_ecg.datasets._files import as_path
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.records._report import Report
from sklearn_ecg.utils import align_records, as_pandas, comparable_ids, fill_masked


def read_records(
    signals,
    labels=None,
    *,
    sampling_rate=None,
    lead_names=None,
    units=None,
    ids=None,
    key=None,
    id_column=None,
    label_columns=None,
    group_column=None,
    split_column=None,
    trusted_column=None,
) -> ECGRecords:
    """Make records of signals in an array or file, and labels in a table beside it.

    Parameters
    ----------
    signals : path-like or array-like of shape (n_records, n_leads, n_times), or list of arrays \
            of shape (n_leads, n_times_i)
        An array, or a file by its suffix: ``.npy``, ``.npz`` (read whole),
        ``.h5`` or ``.hdf5`` (needs ``sklearn_ecg[hdf5]``) or a ``.zarr`` store (needs
        ``sklearn_ecg[zarr]``). Of ``.npy``, HDF5 and Zarr no more is read than what is
        touched.
    labels : path-like or DataFrame, default=None
        A table with a row per record: a DataFrame, a ``.csv`` or a ``.parquet`` file.
    sampling_rate : float, default=None
        Hz.
    lead_names : sequence of str, default=None
    units : {"mV", "uV", "V"}, default=None
        The units of `signals`; by default mV, but units of whole numbers must be said.
    ids : array-like of shape (n_records,), or str, default=None
        The name of each record of `signals`, in their order; a string names the array of the file
        that holds them. By default the numbers 0, 1, ....
    key : str, default=None
        Which array of a ``.npz``, HDF5 or Zarr file; not needed where there is but one.
    id_column : str, default=None
        The column of `labels` by which rows find their records among `ids`; of a ``.csv`` file it
        is read as the text that stands there. By default the index of a DataFrame that names
        `ids`, else rows belong to records in order; either way there must be as many.
    label_columns : sequence of str, default=None
        The columns that are labels: 1 present, 0 absent, -1 or empty unknown. By default all
        that are not named otherwise.
    group_column, split_column, trusted_column : str, default=None
        The columns of patients, folds, and whose labels are known to be right. Every record needs
        a patient and a fold; one without a row is not trusted.

    Returns
    -------
    ECGRecords
        In the order of `signals`, in mV. Records without a row, or with rows that contradict each
        other, have unknown labels (-1); `report` names them, and rows without a record.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ImportError
        If the package for the file is missing; the message names the extra.
    ValueError
        If signals and table do not fit each other; the message says how to join them.

    See Also
    --------
    load_wfdb : Folders of WFDB files.
    codes_to_labels : Labels of codes, such as SNOMED CT or SCP-ECG.
    ECGRecords : For parts that are in memory already.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn_ecg.datasets import read_records
    >>> signals = np.zeros((3, 2, 500))
    >>> table = pd.DataFrame({"ecg": ["c", "a", "x"], "AF": [1, 0, 1]})
    >>> records = read_records(
    ...     signals, table, sampling_rate=250, ids=["a", "b", "c"], id_column="ecg"
    ... )
    >>> records.labels.ravel()
    array([ 0, -1,  1], dtype=int8)
    >>> records.report[["id", "problem", "kept"]]
      id                     problem   kept
    0  b   has no row for the record   True
    1  x  has a row without a record  False
    """
    signals, stored_ids = open_signals(signals, key, units, ids if isinstance(ids, str) else None)
    if isinstance(labels, pd.DataFrame) and id_column is None:
        labels = align_records(labels, ids if stored_ids is None else stored_ids, name="labels")
    labels = as_pandas(labels)
    ids = ids if stored_ids is None else stored_ids
    ids = np.arange(len(signals)) if ids is None else np.asarray(fill_masked(as_pandas(ids)))
    if ids.shape != (len(signals),):
        raise ValueError(
            f"ids must name each of the {len(signals)} records; got an array of shape {ids.shape}."
        )
    fields = {"sampling_rate": sampling_rate, "lead_names": lead_names, "ids": ids}
    named = {"groups": group_column, "split": split_column, "trusted": trusted_column}
    named = {field: column for field, column in named.items() if column is not None}
    if labels is None:
        _refuse_columns(id_column, label_columns, *named.values())
        return ECGRecords(signals, **fields)

    table, file = _read_table(labels, id_column, group_column)
    if not table.columns.is_unique:
        repeated = table.columns[table.columns.duplicated()][0]
        raise ValueError(
            f"{file} has more than one column {repeated!r}: give each a name of its own."
        )
    needed = [*named.values(), *([] if id_column is None else [id_column]), *(label_columns or [])]
    require_columns(table, needed, file)
    if label_columns is None:
        label_columns = [c for c in table.columns if c not in {id_column, *named.values()}]
    report = Report()
    rows, is_contradicting = _rows_of(ids, table, id_column, report, file)
    for field, column in named.items():
        values = rows[column]
        # A record of which nothing is known is not trusted.
        fields[field] = _trusted(values, file) if field == "trusted" else _known(values, ids, file)
    if label_columns:
        fields["labels"] = forget_labels(
            _indicator(rows[label_columns], ids, file), is_contradicting
        )
        fields["label_names"] = [str(column) for column in label_columns]
    return ECGRecords(signals, report=report.to_frame(), **fields)


def _refuse_columns(*columns):
    if any(column is not None for column in columns):
        raise ValueError("Columns were named without a table: give it as labels.")


def _read_table(labels, id_column, group_column):
    """Return the table, and its name for messages."""
    if isinstance(labels, pd.DataFrame):
        table, file = labels, "the table of labels"
    elif isinstance(labels, (str, os.PathLike)):
        file = Path(as_path(labels))
        table = _read_table_file(file, id_column, group_column)
    else:
        raise TypeError(
            f"labels must be a DataFrame or the path of a table; got {type(labels).__name__}. Make "
            "an array one by pd.DataFrame(labels, columns=[...]), which names the labels."
        )
    check_width(len(table.columns), file)
    return table, file


def _read_table_file(path, id_column, group_column):
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file {str(path)!r} with labels.")
    if path.suffix.lower() == ".csv":
        # Names are text, so that 0012 keeps its zeros, 17 digits their last and "NA" itself; in the
        # other columns "NA" is a gap.
        names = {id_column, group_column}
        texts = read_csv(path, usecols=names.__contains__, dtype=str, keep_default_na=False)
        table = read_csv(path)
        if not isinstance(table.index, pd.RangeIndex):
            raise ValueError(
                f"{path} has rows of more values than its header names, and does not say which is "
                "which. Mend the header, or end no row with a comma."
            )
        return table.assign(**texts)
    if path.suffix.lower() in (".parquet", ".pq"):
        return _read_parquet(path)
    raise ValueError(
        f"labels must be a DataFrame or a .csv or .parquet file; got {str(path)!r}. Read it with "
        "pandas and give the DataFrame."
    )


def _read_parquet(path):
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(f"{path} needs pyarrow: pip install 'sklearn_ecg[parquet]'") from error
    try:
        n_columns = parquet.read_metadata(path).num_columns
        if n_columns <= MOST_COLUMNS:
            # Of whole numbers beside a gap pandas would else make floats, which lose digits.
            table = pd.read_parquet(path, dtype_backend="numpy_nullable")
    except Exception as error:
        raise ValueError(
            f"{path} cannot be read as a Parquet file: {error}. Write it anew."
        ) from error
    check_width(n_columns, path)
    return table


def _rows_of(ids, table, id_column, report, file):
    """Return a row per record in the order of the signals, and where rows contradict each other."""
    if id_column is None:
        if len(table) != len(ids):
            raise ValueError(
                f"{file} has {len(table)} rows for {len(ids)} records. Name its column of ids with "
                f"id_column, one of {list(table.columns)}, and the records with ids."
            )
        return table.reset_index(drop=True), np.zeros(len(ids), dtype=bool)
    names, known = comparable_ids(table[id_column], ids, name=f"The column {id_column!r} of {file}")
    nameless = np.flatnonzero(names.isna())
    report_many(
        report,
        [f"row {row + 1}" for row in nameless],
        file,
        f"has no name in the column {id_column!r}, by which it would find its record",
        "Write the record's id there, or delete the row.",
    )
    table, names = table[names.notna()], names[names.notna()]
    table, contradicting = unique_rows(table.assign(**{id_column: names}), id_column, report, file)
    table = table.set_index(id_column)
    has_row = known.isin(table.index)
    if not has_row.any():
        raise ValueError(
            f"None of the ids in the column {id_column!r} of {file} ({some(table.index, 3)}) is "
            f"that of a record ({some(ids, 3)}). Are they written alike?"
        )
    report_unlabelled(report, ids[~has_row], file, "has no row for the record")
    report_many(
        report,
        table.index[~table.index.isin(known)],
        file,
        "has a row without a record",
        "Add its signal, or delete the row.",
    )
    return table.reindex(known).reset_index(drop=True), known.isin(contradicting)


def _known(values, ids, file):
    is_missing = values.isna() | values.astype(str).str.strip().eq("")
    if is_missing.any():
        raise ValueError(
            f"The column {values.name!r} of {file} has no value for the records "
            f"{some(ids[is_missing])}. Give one, a patient or fold of its own if need be, or "
            "leave these records out."
        )
    return values.to_numpy()


def _trusted(values, file):
    values = values.where(values.notna(), 0)
    if not values.isin([0, 1]).all():
        raise ValueError(f"The column {values.name!r} of {file} must hold True and False alone.")
    return values.astype(bool).to_numpy()


def _indicator(rows, ids, file):
    """Return labels of int8, -1 where the table is empty."""
    columns = []
    for column in rows:
        values = pd.to_numeric(rows[column].astype(object), errors="coerce")
        is_wrong = ~values.isin([-1, 0, 1]) & rows[column].notna() & rows[column].ne("")
        if is_wrong.any():
            position = int(np.flatnonzero(is_wrong)[0])
            raise ValueError(
                f"The column {column!r} of {file} holds {rows[column].iloc[position]} for the "
                f"record {ids[position]}; labels are 1, 0, and -1 or empty for unknown. Name the "
                "columns that are labels with label_columns, or make labels of codes with "
                "codes_to_labels."
            )
        columns.append(values.fillna(-1).to_numpy(dtype=np.int8))
    return np.stack(columns, axis=1)

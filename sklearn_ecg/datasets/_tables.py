"""People's own data: signals in an array or a file of arrays, labels in a table."""

from pathlib import Path

import numpy as np
import pandas as pd

from sklearn_ecg.datasets._array_files import open_signals
from sklearn_ecg.datasets._bookkeeping import (
    forget_labels,
    read_csv,
    report_many,
    report_unlabelled,
    require_columns,
    some,
    unique_rows,
)
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.records._report import Report
from sklearn_ecg.utils import align_records, comparable_ids


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
):
    """Make records of signals in an array or file, and labels in a table beside it.

    Parameters
    ----------
    signals : path-like or array-like of shape (n_records, n_leads, n_times), or list of arrays \
            of shape (n_leads, n_times_i)
        An array, or a file by its suffix: ``.npy`` (read as a memory map), ``.npz`` (read whole),
        ``.h5`` or ``.hdf5`` (needs ``sklearn_ecg[hdf5]``) or a ``.zarr`` store (needs
        ``sklearn_ecg[zarr]``). Of memory maps, HDF5 and Zarr no more is read than what is
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
    ids = np.arange(len(signals)) if ids is None else np.asarray(ids)
    ids = ids if stored_ids is None else stored_ids
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
        return labels, "the table of labels"
    path = Path(labels).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r} with labels.")
    if path.suffix.lower() == ".csv":
        # Names are text, so that 0012 keeps its zeros and 17 digits their last. A converter keeps
        # an id "NA" too, where a missing patient stays missing.
        converters = {} if id_column is None else {id_column: str}
        return read_csv(path, converters=converters, dtype={group_column: str}), path
    if path.suffix.lower() in (".parquet", ".pq"):
        try:
            return pd.read_parquet(path), path
        except ImportError as error:
            raise ImportError(
                f"{path} needs pyarrow: pip install 'sklearn_ecg[parquet]'"
            ) from error
    raise ValueError(
        f"labels must be a DataFrame or a .csv or .parquet file; got {str(path)!r}. Read it with "
        "pandas and give the DataFrame."
    )


def _rows_of(ids, table, id_column, report, file):
    """Return a row per record in the order of the signals, and where rows contradict each other."""
    if id_column is None:
        if len(table) != len(ids):
            raise ValueError(
                f"{file} has {len(table)} rows for {len(ids)} records. Name its column of ids with "
                f"id_column, one of {list(table.columns)}, and the records with ids."
            )
        return table.reset_index(drop=True), np.zeros(len(ids), dtype=bool)
    names, known = comparable_ids(table[id_column], ids)
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
    if values.isna().any():
        raise ValueError(
            f"The column {values.name!r} of {file} has no value for the records "
            f"{some(ids[values.isna()])}. Give one, a patient or fold of its own if need be, or "
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
        is_wrong = ~values.isin([-1, 0, 1]) & rows[column].notna() & (rows[column] != "")
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

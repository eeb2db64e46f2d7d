"""Own data: signals in an array or a file of arrays, labels in a table."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sklearn_ecg.datasets._array_files import open_signals
from sklearn_ecg.datasets._bookkeeping import (
    check_width,
    forget_labels,
    report_many,
    report_unlabelled,
    some,
    unique_rows,
)
from sklearn_ecg.datasets._files import as_path
from sklearn_ecg.datasets._metadata import check_patients, patient_groups
from sklearn_ecg.datasets._table_files import A_TABLE, read_table
from sklearn_ecg.datasets._table_labels import (
    NO,
    YES,
    labels_of_columns,
    labels_of_names,
    read_words,
    split_cells,
)
from sklearn_ecg.datasets._table_metadata import table_metadata
from sklearn_ecg.datasets._table_names import find_by_name
from sklearn_ecg.datasets.formats._recording import FIELDS
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.records._report import Report
from sklearn_ecg.utils import align_records, as_pandas, check_groups, comparable_ids, fill_masked


def read_records(
    signals,
    labels=None,
    *,
    sampling_rate=None,
    lead_names=None,
    units=None,
    axes="records leads times",
    zero_padded=False,
    ids=None,
    key=None,
    id_column=None,
    label_columns=None,
    label_column=None,
    separator=None,
    label_names=None,
    group_column=None,
    split_column=None,
    trusted_column=None,
    metadata_columns=None,
) -> ECGRecords:
    """Make records from signals in an array or file, and labels in a table.

    Parameters
    ----------
    signals : path-like, list of path-like, array-like of shape (n_records, n_leads, n_times), \
            or list of arrays of shape (n_leads, n_times_i)
        An array, or a file by its suffix: ``.npy``, ``.npz`` (read whole), ``.h5`` or ``.hdf5``
        (needs ``sklearn_ecg[hdf5]``) or a ``.zarr`` store (needs ``sklearn_ecg[zarr]``). ``.npy``,
        HDF5 and Zarr are read on demand. Several files, in a list or by a pattern such as
        ``"exams_part*.hdf5"``, are joined in order.
    labels : path-like, DataFrame, or list of lists of str, default=None
        A table: a DataFrame, a ``.csv`` file (with commas, semicolons or tabs, in UTF-8, UTF-16 or
        an encoding of Excel), an ``.xlsx`` file (its first sheet; needs ``sklearn_ecg[excel]``) or
        a ``.parquet`` file. Or the names of each record's labels, in order: ``[["AF"], ["NSR",
        "PVC"], []]``.
    sampling_rate : float, default=None
        Hz.
    lead_names : sequence of str, default=None
        Names of the leads, in the order of `signals`.
    units : {"mV", "uV", "V"}, default=None
        Units of `signals`. By default mV; whole numbers need a unit.
    axes : str, default="records leads times"
        Axes of the array: these three words in any order, or "records times" for a single lead.
        Other orders are transposed when records are read; the array is not copied.
    zero_padded : bool, default=False
        Whether shorter records were filled up with zeros, at the start or the end. Samples at an
        end that are 0 in all leads then become NaN: they were not recorded.
    ids : array-like of shape (n_records,), or str, default=None
        Name of each record of `signals`, in order; or the name of the array in the file that holds
        them. If several records in the file have the same name, they are left out, and `report`
        names them. By default the numbers 0, 1, ....
    key : str, default=None
        Name of the array in a ``.npz``, HDF5 or Zarr file; not needed if there is only one.
    id_column : str, default=None
        Column of `labels` with the records' `ids`; in a ``.csv`` file it is read as text. By
        default the index of a DataFrame that names `ids`. Without such an index, rows belong to
        records in order, their numbers must be equal, and a table with a column of the ids in
        another order is refused.
    label_columns : sequence of str, default=None
        Columns that are labels, in a table with a row per record: 1 or yes present, 0 or no absent,
        -1 or empty unknown; also true and false, ja and nein, oui and non, si and no, x. By default
        all columns that no other parameter names.
    label_column : str, default=None
        Column that holds the names of labels instead: several in a cell with `separator` between
        them, or in several rows of the record, or both. Labels that are not named are absent. A
        record with empty cells has unknown labels; the name ``none`` means that it has no label.
    separator : str, default=None
        Text between the names in a cell of `label_column`, such as ``";"``. Spaces around names are
        removed. ``""`` means that each cell holds one name.
    label_names : sequence of str, default=None
        The wanted labels of `label_column`, in order; by default all that occur, in alphabetical
        order.
    group_column, split_column, trusted_column : str, default=None
        Columns of patients, of folds, and of records with right labels (words for yes and no as
        above). Every record needs a patient and a fold: records of a file with `ids` that have no
        row are left out, and `report` names them. A record without a row, or with an empty cell, is
        not trusted.
    metadata_columns : sequence of str, or dict of str to str, default=None
        Further columns for ``records.metadata``. A dict gives them other names, such as ``{"Alter":
        "age_years", "Geschlecht": "sex"}``. The names that :doc:`/records` explains are parsed:
        ``age_years`` from 61, "61.5", "061Y" or ">89" (90), ``sex`` from f, w, m, female, weiblich
        and so on, ``recorded_at`` from 2021-03-01T08:30 or 01.03.2021 08:30. Values that are not
        understood are unknown, and reported. Without `group_column`, ``patient_id`` are the
        patients.

    Returns
    -------
    ECGRecords
        In the order of `signals`, in mV. Records without a row, or with contradicting rows, have
        unknown labels (-1). `report` names them, and rows without a record.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ImportError
        If the package for the file is missing; the message names the extra.
    ValueError
        If signals and table do not fit together; the message says how to join them. If the shape
        contradicts `axes` or `lead_names`; the message suggests axes.

    See Also
    --------
    join_labels : The same table, for records of any loader.
    load_wfdb : Load folders of WFDB files.
    codes_to_labels : Labels from codes, such as SNOMED CT or SCP-ECG.
    ECGRecords : Make records from arrays in memory.

    Examples
    --------
    CODE-15 % as published; the last entry of each file, with the id 0, is empty:

    >>> from sklearn_ecg.datasets import read_records
    >>> read_records(
    ...     "exams_part*.hdf5", "exams.csv", axes="records times leads", zero_padded=True,
    ...     key="tracings", ids="exam_id", id_column="exam_id", group_column="patient_id",
    ...     label_columns=["1dAVb", "RBBB", "LBBB", "SB", "ST", "AF"], units="mV",
    ...     sampling_rate=400, lead_names=LEADS_OF_CODE,
    ... )  # doctest: +SKIP

    >>> import numpy as np, pandas as pd
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

    Names of labels, as in a hospital's export:

    >>> table = pd.DataFrame({"ecg": ["a", "b", "c"], "diagnoses": ["AF;LBBB", "AF", ""]})
    >>> records = read_records(
    ...     signals, table, ids=["a", "b", "c"], id_column="ecg", label_column="diagnoses",
    ...     separator=";",
    ... )
    >>> records.label_names, records.labels.tolist()
    (array(['AF', 'LBBB'], dtype='<U4'), [[1, 1], [1, 0], [-1, -1]])
    """
    columns = _Columns(
        id_column, label_columns, label_column, separator, label_names, group_column,
        split_column, trusted_column, metadata_columns,
    )  # fmt: skip
    signals, stored_ids = open_signals(
        signals,
        axes=axes,
        n_names=None if lead_names is None else len(lead_names),
        zero_padded=zero_padded,
        key=key,
        units=units,
        ids_key=ids if isinstance(ids, str) else None,
    )
    report = Report()
    if stored_ids is not None:
        is_one = ~pd.Index(stored_ids).duplicated(keep=False)
        report_many(
            report,
            pd.unique(stored_ids[~is_one]),
            f"the array {ids!r} of names",
            "names several records, which cannot be told apart",
            "Give each record another name; in CODE-15 % those without samples all have the id 0.",
        )
        signals, stored_ids = signals[is_one], stored_ids[is_one]
    names = ids if stored_ids is None else stored_ids
    ids = np.arange(len(signals)) if names is None else np.asarray(fill_masked(as_pandas(names)))
    if ids.shape != (len(signals),):
        raise ValueError(
            f"ids must name each of the {len(signals)} records; got an array of shape {ids.shape}."
        )
    records = ECGRecords(
        signals, sampling_rate, lead_names=lead_names, ids=ids, report=report.to_frame()
    )
    if labels is not None:
        return _join(records, labels, names, columns, leaves_out=stored_ids is not None)
    if any(value is not None for value in vars(columns).values()):
        raise ValueError("Columns were named without a table: pass it as labels.")
    return records


def join_labels(
    records,
    table,
    *,
    id_column=None,
    label_columns=None,
    label_column=None,
    separator=None,
    label_names=None,
    group_column=None,
    split_column=None,
    trusted_column=None,
    metadata_columns=None,
) -> ECGRecords:
    """Return records with the labels of a table, matched by the records' ids.

    Parameters
    ----------
    records : ECGRecords
        Records of any loader. If ids are paths, such as ``"ward3/a.xml"``, rows may also name them
        ``"a.xml"`` or ``"a"``, unless another record has this name.
    table : path-like, DataFrame, or list of lists of str
        As `labels` of `read_records`; so are the other parameters.
    id_column : str, default=None
        Column with the records' ids.
    label_columns : sequence of str, default=None
        Columns that are labels.
    label_column : str, default=None
        Column that holds the names of labels instead.
    separator : str, default=None
        Text between the names in a cell of `label_column`.
    label_names : sequence of str, default=None
        The wanted labels of `label_column`, in order.
    group_column, split_column, trusted_column : str, default=None
        Columns of patients, of folds, and of records with right labels.
    metadata_columns : sequence of str, or dict of str to str, default=None
        Further columns for ``records.metadata``.

    Returns
    -------
    ECGRecords
        The same records with these labels instead of their own. Patients, folds, trust and metadata
        are replaced if a column is named. `report` also names records without a row, and rows
        without a record.

    Raises
    ------
    FileNotFoundError, ImportError, TypeError, ValueError
        As in `read_records`.

    See Also
    --------
    read_records : For signals in an array, with a table.
    statements_to_labels : Labels from statements in the files themselves.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn_ecg import ECGRecords
    >>> from sklearn_ecg.datasets import join_labels
    >>> records = ECGRecords(np.zeros((3, 1, 500)), 250, ids=["w3/a.xml", "w3/b.xml", "w4/c.xml"])
    >>> table = pd.DataFrame(
    ...     {
    ...         "file": ["a", "b.xml", "w4/c.xml"],
    ...         "diagnoses": ["AF; LBBB", "NSR", "LBBB"],
    ...         "reviewed": ["ja", "nein", ""],
    ...     }
    ... )
    >>> labelled = join_labels(
    ...     records,
    ...     table,
    ...     id_column="file",
    ...     label_column="diagnoses",
    ...     separator=";",
    ...     trusted_column="reviewed",
    ... )
    >>> labelled
    ECGRecords: 3 records, 1 leads, 2.0 s at 250 Hz, 3 labels (AF 1, LBBB 2, NSR 1), 1 trusted
    """
    if not isinstance(records, ECGRecords):
        raise TypeError(f"records must be ECGRecords; got {type(records).__name__}.")
    columns = _Columns(
        id_column, label_columns, label_column, separator, label_names, group_column,
        split_column, trusted_column, metadata_columns,
    )  # fmt: skip
    return _join(records, table, records.ids, columns)


@dataclasses.dataclass
class _Columns:
    """Columns of a table, by the parameters of `read_records`."""

    id: str | None
    labels: Sequence[str] | None
    names: str | None
    separator: str | None
    label_names: Sequence[str] | None
    groups: str | None
    split: str | None
    trusted: str | None
    metadata: Sequence[str] | dict | None

    def __post_init__(self):
        if self.labels is not None and self.names is not None:
            raise ValueError(
                "label_columns names columns of 1 and 0, label_column a column of names of "
                "labels: set one of the two."
            )
        for field in ("id", "names", "groups", "split", "trusted"):
            if pd.api.types.is_list_like(getattr(self, field)):
                raise TypeError(
                    f"A column's name must be text; got {getattr(self, field)!r}. Name several "
                    "columns of labels by label_columns."
                )
        if isinstance(self.labels, str):
            self.labels = [self.labels]
        if isinstance(self.metadata, str):
            self.metadata = [self.metadata]
        if self.metadata is not None:
            # Names in the metadata, by column.
            is_dict = isinstance(self.metadata, dict)
            self.metadata = self.metadata if is_dict else {c: c for c in self.metadata}
            if len(set(self.metadata.values())) < len(self.metadata):
                raise ValueError(
                    "metadata_columns gives several columns one name: "
                    f"{list(self.metadata.values())}. Use different names."
                )

    @property
    def of_text(self):
        """Columns that are read from a file as text, even if they look like numbers."""
        texts = {self.id, self.groups, self.names}
        metadata = (self.metadata or {}).items()
        return texts | {c for c, name in metadata if FIELDS.get(name) in (str, tuple)}

    @property
    def others(self):
        """The named columns of patients, folds and trust."""
        named = {"groups": self.groups, "split": self.split, "trusted": self.trusted}
        return {field: column for field, column in named.items() if column is not None}

    @property
    def named(self):
        """All named columns, once each."""
        columns = (self.id, *(self.labels or ()), self.names, *self.others.values())
        columns = dict.fromkeys([*columns, *(self.metadata or ())])
        return [column for column in columns if column is not None]


def _join(records, table, names, columns, leaves_out=False):
    """Return records with the labels of a table; `names` are ids for matching with an index."""
    report = Report()
    table, file = _open_table(table, names, columns, report)
    if columns.names is None and (columns.separator, columns.label_names) != (None, None):
        raise ValueError(
            "separator and label_names are for labels that are names in one column: name it "
            "by label_column. Name columns of 1 and 0, in order, by label_columns."
        )
    if columns.labels is None and columns.names is None:
        columns.labels = [column for column in table if column not in columns.named]
    # Other columns of a table may differ between rows of a record.
    table = table[columns.named]
    for column in columns.metadata or ():
        if table[column].dtype == object:
            # Rows of a record are compared, which fails for lists.
            cells = table[column].map(lambda cell: tuple(cell) if isinstance(cell, list) else cell)
            table = table.assign(**{column: cells})
    ids = records.ids
    # A record in a file that has no row also has no patient or fold, so it is left out.
    leaves_out = leaves_out and not {"groups", "split"}.isdisjoint(columns.others)
    owners = _owners(ids, table, columns, report, file, leaves_out)
    if leaves_out:
        has_row = np.isin(np.arange(len(ids)), owners)
        records, ids = records[has_row], ids[has_row]
        owners = np.where(owners >= 0, has_row.cumsum()[owners] - 1, -1)
    if columns.trusted is not None:
        trusted = _trusted(table[columns.trusted], table.get(columns.id), file)
        table = table.assign(**{columns.trusted: trusted})
    rows, is_contradicting = _rows_of(ids, owners, table, columns, report, file)
    changes = {}
    for field, what in (("groups", "patient"), ("split", "fold")):
        if field in columns.others:
            values = _known(rows[columns.others[field]], ids, file)
            changes[field] = check_groups(
                values, n_records=len(ids), ids=ids, name=field, what=what
            )
    labels, label_names, trusted = records.labels, records.label_names, None
    if columns.names is not None:
        labels = _labels_of_names(ids, owners, table, columns, report, file)
    elif columns.labels:
        labels = labels_of_columns(rows[columns.labels], ids, file, report)
    if labels is not records.labels:
        label_names = list(labels.columns)
        labels = forget_labels(labels, is_contradicting)
    if columns.trusted is not None:
        # A record without a row is not trusted.
        trusted = rows[columns.trusted].eq(True).to_numpy() & ~is_contradicting
    if columns.metadata is not None:
        rows = rows.assign(**({} if columns.id is None else {columns.id: ids}))
        told = rows[~is_contradicting].reindex(rows.index)
        metadata = table_metadata(told, columns.metadata, ids, report, file)
        check_patients(metadata, report, [file] * len(ids))
        if columns.groups is None and "patient_id" in metadata:
            changes["groups"] = patient_groups(metadata)
        if records.metadata is not None:
            others = records.metadata.columns.difference(metadata.columns, sort=False)
            metadata = records.metadata[others].join(metadata)
        records = records.with_metadata(metadata)
    labelled = records.with_labels(labels, label_names, trusted=trusted)
    changes["report"] = pd.concat([records.report, report.to_frame()], ignore_index=True)
    return labelled._with(**changes)


def _open_table(table, names, columns, report):
    """Return the table, and its name for messages."""
    file = "the table of labels"
    if isinstance(table, str | os.PathLike):
        file = Path(as_path(table))
        table = read_table(file, columns.of_text, report)
    elif _are_names(table):
        if columns.names is None:
            columns.names = "labels"
        values = align_records(table, names, name="labels")
        table = pd.DataFrame({columns.names: pd.Series(list(values), dtype=object)})
    else:
        table = as_pandas(table)
        if not isinstance(table, pd.DataFrame):
            raise TypeError(
                "labels must be a DataFrame or the path of a table, or the names of each record's "
                f"labels, such as [['AF'], ['NSR', 'PVC'], []]; got {type(table).__name__}. "
                "Convert an array by pd.DataFrame(labels, columns=[...]), with the names of "
                "the labels."
            )
        if columns.id is None and columns.names is not None and not table.index.is_unique:
            # A row per record and label.
            columns.id = table.index.name or "index"
            table = table.rename_axis(index=columns.id).reset_index()
        elif columns.id is None:
            table = align_records(table, names, name="labels")
    check_width(len(table.columns), file)
    if not table.columns.is_unique:
        repeated = table.columns[table.columns.duplicated()][0]
        raise ValueError(f"{file} has more than one column {repeated!r}: use different names.")
    missing = [column for column in columns.named if column not in table.columns]
    if missing:
        raise ValueError(
            f"{file} lacks the columns {missing}: it has {list(table.columns)}. Name one of these, "
            f"or write its name into the first row. {A_TABLE}"
        )
    if columns.id is None and names is not None and isinstance(table.index, pd.RangeIndex):
        _check_order(table, names, file)
    return table, file


def _check_order(table, ids, file):
    """Refuse rows without ids if a column names the records in another order.

    Columns of numbers alone are not checked: they may be something else.
    """
    kinds = ("string",) if pd.Index(ids).dtype.kind in "iuf" else ("string", "integer")
    orders = {}
    for column in table:
        if pd.api.types.infer_dtype(table[column]) in kinds:
            owners, _ = find_by_name(*comparable_ids(table[column], ids))
            rows = np.flatnonzero(owners >= 0)
            are_names = len(np.unique(owners[rows])) > len(table) / 2
            orders[column] = are_names, (owners[rows] == rows).all()
    named = [column for column, (are_names, _) in orders.items() if are_names]
    if named and not any(is_same for are_names, is_same in orders.values() if are_names):
        raise ValueError(
            f"The column {named[0]!r} of {file} names the records in another order: set "
            f"id_column={named[0]!r} to match rows with records."
        )


def _are_names(labels):
    """Whether labels are a sequence of names, or of lists of names, per record."""
    if isinstance(labels, str) or not isinstance(labels, list | tuple | np.ndarray | pd.Series):
        return False
    cells = [cell for cell in labels if cell is not None]
    parts = [name for cell in cells for name in ([cell] if isinstance(cell, str) else _parts(cell))]
    return bool(cells) and all(isinstance(name, str) for name in parts)


def _parts(cell):
    is_list = isinstance(cell, list | tuple | set | np.ndarray) and pd.api.types.is_list_like(cell)
    return cell if is_list else [cell]


def _owners(ids, table, columns, report, file, leaves_out):
    """Return the record of each row of the table; -1 for none."""
    if columns.id is None:
        if len(table) != len(ids):
            raise ValueError(
                f"{file} has {len(table)} rows for {len(ids)} records. Name its column of ids by "
                f"id_column, one of {list(table.columns)}, and the records by ids. {A_TABLE}"
            )
        return np.arange(len(ids))
    names, known = comparable_ids(
        table[columns.id], ids, name=f"The column {columns.id!r} of {file}"
    )
    nameless = np.flatnonzero(names.isna())
    report_many(
        report,
        [f"row {row + 1}" for row in nameless],
        file,
        f"has no name in the column {columns.id!r}, so its record is unknown",
        "Write the record's id there, or delete the row.",
    )
    owners, doubtful = find_by_name(names, known)
    if not (owners >= 0).any():
        raise ValueError(
            f"None of the ids in the column {columns.id!r} of {file} ({some(names.dropna(), 3)}) "
            f"is that of a record ({some(ids, 3)}). Check their spelling."
        )
    has_row = np.isin(np.arange(len(ids)), owners)
    if leaves_out:
        problem = "has no row for the record, which needs a patient or fold"
        report_many(report, ids[~has_row], file, problem, "Add a row to keep the record.")
    else:
        report_unlabelled(report, ids[~has_row], file, "has no row for the record")
    report_many(
        report,
        sorted(doubtful),
        file,
        "has a row that could be of several records",
        "Write the record's whole id, with its folder and suffix.",
    )
    unknown = names[(owners < 0) & names.notna() & ~names.isin(doubtful)].unique()
    report_many(
        report, unknown, file, "has a row without a record", "Add its signal, or delete the row."
    )
    return owners


def _rows_of(ids, owners, table, columns, report, file):
    """Return a row per record, and which records have contradicting rows."""
    if columns.id is None:
        return table.reset_index(drop=True), np.zeros(len(ids), dtype=bool)
    if columns.names is not None:
        # With a row per record and label, only the other columns must agree.
        table = table.drop(columns=columns.names)
    own = table[owners >= 0].assign(**{columns.id: owners[owners >= 0]})
    if columns.names is not None:
        if columns.trusted is not None:
            # A record is reviewed only if all its rows are.
            own[columns.trusted] = own.groupby(columns.id)[columns.trusted].transform("min")
        own = own.drop_duplicates()
    # A report names the records.
    own[columns.id] = ids[own[columns.id].to_numpy(dtype=int)]
    own, contradicting = unique_rows(own, columns.id, report, file)
    rows = own.set_index(columns.id, drop=False).reindex(ids)
    return rows.reset_index(drop=True), pd.Index(ids).isin(contradicting)


def _labels_of_names(ids, owners, table, columns, report, file):
    place = f"The column {columns.names!r} of {file}"
    names = [None] * len(ids)
    cells = split_cells(table[columns.names].tolist(), columns.separator, place)
    for owner, own in zip(owners, cells, strict=True):
        if owner >= 0 and own is not None:
            names[owner] = [*(names[owner] or ()), *own]
    is_silent = np.array([own is None for own in names]) & np.isin(np.arange(len(ids)), owners)
    report_many(
        report,
        ids[is_silent],
        file,
        "has no label in the row for the record",
        "Its labels are unknown (-1); write them, or none if it has none of them.",
        kept=True,
    )
    return labels_of_names(names, columns.label_names, ids, file, report)


def _known(values, ids, file):
    is_missing = values.isna() | values.astype(str).str.strip().eq("")
    if is_missing.any():
        raise ValueError(
            f"The column {values.name!r} of {file} has no value for the records "
            f"{some(ids[is_missing])}. Give each a patient or fold, or "
            "leave these records out."
        )
    return values.to_numpy()


def _trusted(values, names, file):
    said = read_words(values)
    if np.isnan(said).any():
        position = int(np.flatnonzero(np.isnan(said))[0])
        name = f"row {position + 1}" if names is None else names.iloc[position]
        raise ValueError(
            f"The column {values.name!r} of {file} holds {values.iloc[position]!r} for {name}; "
            f"whether labels are trusted is one of {', '.join(YES)}, or {', '.join(NO)} or empty, "
            "for example\n    ecg,diagnoses,reviewed\n    a,AF;LBBB,yes\n    b,NSR,no"
        )
    return said == 1

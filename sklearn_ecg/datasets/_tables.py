"""People's own data: signals in an array or a file of arrays, labels in a table."""

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
    """Make records of signals in an array or file, and labels in a table beside it.

    Parameters
    ----------
    signals : path-like, list of path-like, array-like of shape (n_records, n_leads, n_times), \
            or list of arrays of shape (n_leads, n_times_i)
        An array, or a file by its suffix: ``.npy``, ``.npz`` (read whole),
        ``.h5`` or ``.hdf5`` (needs ``sklearn_ecg[hdf5]``) or a ``.zarr`` store (needs
        ``sklearn_ecg[zarr]``). Of ``.npy``, HDF5 and Zarr no more is read than what is
        touched. Several files, by a list or a pattern such as ``"exams_part*.hdf5"``, are read one
        after the other.
    labels : path-like, DataFrame, or list of lists of str, default=None
        A table: a DataFrame, a ``.csv`` file (with commas, semicolons or tabs, in UTF-8, UTF-16
        or what Excel writes else), an ``.xlsx`` file (its first sheet; needs
        ``sklearn_ecg[excel]``) or a ``.parquet`` file. Or the names of each record's labels, in
        order: ``[["AF"], ["NSR", "PVC"], []]``.
    sampling_rate : float, default=None
        Hz.
    lead_names : sequence of str, default=None
    units : {"mV", "uV", "V"}, default=None
        The units of `signals`; by default mV, but units of whole numbers must be said.
    axes : str, default="records leads times"
        What the axes of the array are: these three words in any order, or "records times" of a
        single lead. Other orders are turned as records are read, and never copied as a whole.
    zero_padded : bool, default=False
        Whether records that are shorter than others were filled up with zeros, before or behind.
        What all leads hold as 0 from there to the record's end is then NaN: it was not recorded.
    ids : array-like of shape (n_records,), or str, default=None
        The name of each record of `signals`, in their order; a string names the array of the file
        that holds them; records of one name there are left out, and `report` says so. By default
        the numbers 0, 1, ....
    key : str, default=None
        Which array of a ``.npz``, HDF5 or Zarr file; not needed where there is but one.
    id_column : str, default=None
        The column of `labels` by which rows find their records among `ids`; of a ``.csv`` file it
        is read as the text that stands there. By default the index of a DataFrame that names
        `ids`, else rows belong to records in order; either way there must be as many. A table in
        which a column names them in another order is refused.
    label_columns : sequence of str, default=None
        The columns that are labels, of a table with a row per record: 1 or yes present, 0 or no
        absent, -1 or empty unknown; also true and false, ja and nein, oui and non, si and no, x.
        By default all that are not named otherwise.
    label_column : str, default=None
        The column that holds the names of labels instead, several in a cell with `separator`
        between them, or in several rows of the record, or both. A label that a record's names
        lack is absent. A record whose cells are empty has unknown labels; the name ``none`` says
        that it has none of them.
    separator : str, default=None
        What stands between the names in a cell of `label_column`, such as ``";"``. Spaces around
        names do not count. ``""`` says that no cell holds more than one, whatever stands in it.
    label_names : sequence of str, default=None
        The labels wanted of `label_column`, in order; by default all that occur, in the order of
        the alphabet.
    group_column, split_column, trusted_column : str, default=None
        The columns of patients, folds, and whose labels are known to be right, in the words for
        yes and no above. Every record needs a patient and a fold: records of a file that names
        them (`ids`) are left out without a row, and `report` says so. One without a row, or with
        an empty cell, is not trusted.
    metadata_columns : sequence of str, or dict of str to str, default=None
        The columns of what else is known of the records, for ``records.metadata``; a dict gives
        them other names, such as ``{"Alter": "age_years", "Geschlecht": "sex"}``. Those with a name
        that :doc:`/records` explains are read as what they are: ``age_years`` from 61, "61.5",
        "061Y" or ">89" (90), ``sex`` from f, w, m, female, weiblich and so on, ``recorded_at`` from
        2021-03-01T08:30 or 01.03.2021 08:30. What is not understood is unknown, and reported.
        Without `group_column`, ``patient_id`` are the patients.

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
        If signals and table do not fit each other; the message says how to join them. If the shape
        contradicts `axes` or `lead_names`; the message says which axes would do.

    See Also
    --------
    join_labels : The same table, for records of any loader.
    load_wfdb : Folders of WFDB files.
    codes_to_labels : Labels of codes, such as SNOMED CT or SCP-ECG.
    ECGRecords : For parts that are in memory already.

    Examples
    --------
    CODE-15 %, as it is published; the last entry of each file, of the id 0, is empty:

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

    Names of labels, as an export of a hospital holds them:

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
            "is the name of several records, of which nothing tells which is meant",
            "Give each a name of its own; those of CODE-15 % without samples are all called 0.",
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
        raise ValueError("Columns were named without a table: give it as labels.")
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
    """Return records with the labels of a table, whose rows find them by their ids.

    Parameters
    ----------
    records : ECGRecords
        Of any loader. Where ids are paths, such as ``"ward3/a.xml"``, rows find them also by
        ``"a.xml"`` or ``"a"``, if no other record is called so.
    table : path-like, DataFrame, or list of lists of str
        As `labels` of `read_records`.
    id_column, label_columns, label_column, separator, label_names, group_column, split_column, \
            trusted_column, metadata_columns
        As for `read_records`.

    Returns
    -------
    ECGRecords
        The same records with these labels in place of any that they had; patients, folds, trust
        and metadata are replaced where a column of them is named. `report` goes on with records
        without a row and rows without a record.

    Raises
    ------
    FileNotFoundError, ImportError, TypeError, ValueError
        As for `read_records`.

    See Also
    --------
    read_records : Of signals in an array, with a table.
    statements_to_labels : Labels of what is written in the files themselves.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn_ecg import ECGRecords
    >>> from sklearn_ecg.datasets import join_labels
    >>> records = ECGRecords(np.zeros((3, 1, 500)), 250, ids=["w3/a.xml", "w3/b.xml", "w4/c.xml"])
    >>> table = pd.DataFrame(
    ...     {"file": ["a", "b.xml", "w4/c.xml"], "diagnoses": ["AF; LBBB", "NSR", "LBBB"],
    ...      "reviewed": ["ja", "nein", ""]}
    ... )
    >>> labelled = join_labels(
    ...     records, table, id_column="file", label_column="diagnoses", separator=";",
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
    """What the columns of a table are, as `read_records` has it."""

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
                "label_columns names columns of 1 and 0, label_column one that holds the names of "
                "labels: give one of the two."
            )
        for field in ("id", "names", "groups", "split", "trusted"):
            if pd.api.types.is_list_like(getattr(self, field)):
                raise TypeError(
                    f"A column is named by a text; got {getattr(self, field)!r}. Several columns "
                    "of labels are named with label_columns."
                )
        if isinstance(self.labels, str):
            self.labels = [self.labels]
        if isinstance(self.metadata, str):
            self.metadata = [self.metadata]
        if self.metadata is not None:
            # By column the name in the metadata.
            is_dict = isinstance(self.metadata, dict)
            self.metadata = self.metadata if is_dict else {c: c for c in self.metadata}
            if len(set(self.metadata.values())) < len(self.metadata):
                raise ValueError(
                    "metadata_columns gives several columns one name: "
                    f"{list(self.metadata.values())}. Give each its own."
                )

    @property
    def of_text(self):
        """Those of which a file's text counts, where it might pass for numbers."""
        texts = {self.id, self.groups, self.names}
        metadata = (self.metadata or {}).items()
        return texts | {c for c, name in metadata if FIELDS.get(name) in (str, tuple)}

    @property
    def others(self):
        """The columns of patients, folds and trust that are named."""
        named = {"groups": self.groups, "split": self.split, "trusted": self.trusted}
        return {field: column for field, column in named.items() if column is not None}

    @property
    def named(self):
        """All columns that are named, each once."""
        columns = (self.id, *(self.labels or ()), self.names, *self.others.values())
        columns = dict.fromkeys([*columns, *(self.metadata or ())])
        return [column for column in columns if column is not None]


def _join(records, table, names, columns, leaves_out=False):
    """Return records with the labels of a table; `names` are ids by which an index finds them."""
    report = Report()
    table, file = _open_table(table, names, columns, report)
    if columns.names is None and (columns.separator, columns.label_names) != (None, None):
        raise ValueError(
            "separator and label_names are for labels that stand as names in one column: name it "
            "with label_column. Columns of 1 and 0 are named, in order, with label_columns."
        )
    if columns.labels is None and columns.names is None:
        columns.labels = [column for column in table if column not in columns.named]
    # What else a table holds may differ from row to row.
    table = table[columns.named]
    for column in columns.metadata or ():
        if table[column].dtype == object:
            # Rows are held against each other, which lists do not bear.
            cells = table[column].map(lambda cell: tuple(cell) if isinstance(cell, list) else cell)
            table = table.assign(**{column: cells})
    ids = records.ids
    # What else lies in a file nobody can leave out of it, and it has no patient or fold.
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
        # A record of which nothing is known is not trusted.
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
                f"labels, such as [['AF'], ['NSR', 'PVC'], []]; got {type(table).__name__}. Make "
                "an array one by pd.DataFrame(labels, columns=[...]), which names the labels."
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
        raise ValueError(
            f"{file} has more than one column {repeated!r}: give each a name of its own."
        )
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
    """Refuse rows that would go by position, where a column names their records in another order.

    Of numbers alone both could count, each something else.
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
            f"The column {named[0]!r} of {file} names the records in another order than theirs: "
            f"give id_column={named[0]!r}, by which rows find their records."
        )


def _are_names(labels):
    """Whether labels are a sequence of names, or of lists of them, per record."""
    if isinstance(labels, str) or not isinstance(labels, list | tuple | np.ndarray | pd.Series):
        return False
    cells = [cell for cell in labels if cell is not None]
    parts = [name for cell in cells for name in ([cell] if isinstance(cell, str) else _parts(cell))]
    return bool(cells) and all(isinstance(name, str) for name in parts)


def _parts(cell):
    is_list = isinstance(cell, list | tuple | set | np.ndarray) and pd.api.types.is_list_like(cell)
    return cell if is_list else [cell]


def _owners(ids, table, columns, report, file, leaves_out):
    """Return which record each row of the table is of; -1 for none of them."""
    if columns.id is None:
        if len(table) != len(ids):
            raise ValueError(
                f"{file} has {len(table)} rows for {len(ids)} records. Name its column of ids with "
                f"id_column, one of {list(table.columns)}, and the records with ids. {A_TABLE}"
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
        f"has no name in the column {columns.id!r}, by which it would find its record",
        "Write the record's id there, or delete the row.",
    )
    owners, doubtful = find_by_name(names, known)
    if not (owners >= 0).any():
        raise ValueError(
            f"None of the ids in the column {columns.id!r} of {file} ({some(names.dropna(), 3)}) "
            f"is that of a record ({some(ids, 3)}). Are they written alike?"
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
    """Return a row per record, and where the rows of one contradict each other."""
    if columns.id is None:
        return table.reset_index(drop=True), np.zeros(len(ids), dtype=bool)
    if columns.names is not None:
        # Of rows per record and label, the others must agree.
        table = table.drop(columns=columns.names)
    own = table[owners >= 0].assign(**{columns.id: owners[owners >= 0]})
    if columns.names is not None:
        if columns.trusted is not None:
            # All that is said of the record is reviewed, or it is not.
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
            f"{some(ids[is_missing])}. Give one, a patient or fold of its own if need be, or "
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

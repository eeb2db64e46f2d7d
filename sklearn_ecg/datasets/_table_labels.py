"""Labels from the columns of a table, with words for yes and no."""

import re
import unicodedata

import numpy as np
import pandas as pd

from sklearn_ecg.datasets._bookkeeping import report_many
from sklearn_ecg.utils._alignment import LARGEST_EXACT_FLOAT

YES = ["1", "yes", "y", "true", "ja", "j", "wahr", "oui", "vrai", "si", "sí", "x", "是"]
NO = ["0", "no", "n", "false", "nein", "falsch", "non", "faux", "否"]
# Words for unknown; and for none of the labels.
_GAPS = ["", "-1", "?", "na", "n/a", "#n/a", "nan", "<na>", "null", "unknown", "unbekannt", "未知"]
_NONE = ["none", "keine", "aucun", "无"]

_MEANING = {**dict.fromkeys(YES, 1), **dict.fromkeys(NO, 0), **dict.fromkeys(_GAPS, -1)}


def read_words(column) -> np.ndarray:
    """Return 1 for yes, 0 for no, -1 for missing or unknown, and NaN for other words.

    Parameters
    ----------
    column : Series
        Numbers, booleans or words of several languages, in lower or upper case.

    Returns
    -------
    ndarray of float of shape (n_records,)

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ecg.datasets._table_labels import read_words
    >>> read_words(pd.Series(["Ja", "nein", 1.0, True, "", None, "perhaps"]))
    array([ 1.,  0.,  1.,  1., -1., -1., nan])
    """
    # Each word once, by its text, since 1 and True are equal keys.
    words = pd.Series(column, dtype=object).where(pd.notna(column), "").map(str)
    codes, distinct = pd.factorize(words)
    return np.array([_read_word(word) for word in distinct], dtype=float)[codes]


def _read_word(text):
    word = unicodedata.normalize("NFKC", text).strip().casefold()
    # 1.0 from a column with gaps, and 1,0 from Excel in Europe.
    return _MEANING.get(re.sub(r"^(-?[01])[.,]0+$", r"\1", word), np.nan)


def _is_missing(value):
    return not pd.api.types.is_list_like(value) and pd.isna(value)


def labels_of_columns(rows, ids, file, report):
    """Return labels from a table with a column per label.

    Parameters
    ----------
    rows : DataFrame of shape (n_records, n_labels)
    ids : array-like of shape (n_records,)
    file : path-like
        For messages.
    report : Report

    Returns
    -------
    DataFrame of int8 of shape (n_records, n_labels)
        -1 where the table is empty.
    """
    columns = {}
    for column in rows:
        values = read_words(rows[column])
        if np.isnan(values).any():
            position = int(np.flatnonzero(np.isnan(values))[0])
            raise ValueError(
                f"The column {column!r} of {file} holds {rows[column].iloc[position]} for the "
                f"record {ids[position]}; labels are 1 or yes, 0 or no, and -1 or empty for "
                "unknown. Name the columns of labels by label_columns, or a column with their "
                "names by label_column; for codes use codes_to_labels. Columns "
                "of labels are, for example,\n    ecg,AF,LBBB\n    a,1,0\n    b,no,yes"
            )
        if (values == 1).any() and (values == -1).any() and not (values == 0).any():
            report.add(
                "all records",
                file,
                f"marks the label {column!r} only where it is present; empty cells are unknown",
                "Write 0 or no where the label is absent.",
                kept=True,
            )
        columns[str(column)] = values.astype(np.int8)
    return pd.DataFrame(columns)


def split_cells(cells, separator, place):
    """Return the names of labels in each cell of a column, and None for empty cells.

    Parameters
    ----------
    cells : sequence of str or list of str
    separator : str, default=None
        Text between names; None if each cell holds one.
    place : str
        Column and file, for messages.

    Returns
    -------
    list of (list of str, or None)
    """
    if separator is None:
        _refuse_unsplit(cells, place)
    if separator != "":
        _refuse_written_lists(cells, place)
    split = []
    for cell in cells:
        if isinstance(cell, dict):
            raise ValueError(
                f"{place} holds {cell!r}; the meaning of its values is unknown. Use a list of the "
                "labels that are present."
            )
        if pd.api.types.is_list_like(cell):
            names, may_be_gap = list(cell), len(cell) > 0
        else:
            is_split = separator and isinstance(cell, str)
            names, may_be_gap = cell.split(separator) if is_split else [cell], True
        names = [_clean(name) for name in names if not _is_missing(name)]
        if any(name.casefold() in _NONE for name in names):
            if any(name.casefold() not in (*_NONE, "") for name in names):
                raise ValueError(
                    f"{place} holds {cell!r}, a label together with none. Delete one of them."
                )
            split.append([])
            continue
        named = [name for name in dict.fromkeys(names) if name.casefold() not in _GAPS]
        split.append(None if not named and may_be_gap else named)
    return split


def _refuse_written_lists(cells, place):
    """Refuse lists of Python or JSON: tables with lists become so when saved as text."""
    for cell in cells:
        if isinstance(cell, str) and re.fullmatch(r"\s*(\[.*\]|\{.*\})\s*", cell, re.DOTALL):
            raise ValueError(
                f"{place} holds {cell!r}, a list that was written as text. Convert it to lists by "
                "table[column].map(ast.literal_eval), and pass the DataFrame; or write its names "
                "with a separator, such as AF;LBBB. If it is one name, set separator=''."
            )


def _clean(name):
    if not isinstance(name, str):
        # A code that a spreadsheet read as a number, if it still has all digits.
        is_whole = isinstance(name, float) and name.is_integer() and name < LARGEST_EXACT_FLOAT
        name = str(int(name) if is_whole else name)
    return " ".join(unicodedata.normalize("NFC", name).split())


def _refuse_unsplit(cells, place):
    """Refuse cells with several names, unless a comma belongs to a name."""
    texts = {cell for cell in cells if isinstance(cell, str)}
    for text in texts:
        for mark in (";", "|", "\n", ","):
            parts = [part.strip() for part in text.split(mark)]
            if len(parts) > 1 and (mark != "," or any(part in texts for part in parts)):
                raise ValueError(
                    f"{place} holds {text!r}: if these are several labels, give separator="
                    f"{mark!r}; if it is one name, separator=''. Write the labels of a record in "
                    "one cell, with a separator,\n    ecg,diagnoses\n    a,AF;LBBB\n    b,NSR\nor "
                    "in several rows,\n    ecg,diagnoses\n    a,AF\n    a,LBBB\n    b,NSR"
                )


def labels_of_names(names, label_names, ids, file, report):
    """Return labels from the names that each record has.

    Parameters
    ----------
    names : list of length n_records of (list of str, or None)
        None for a record without an entry.
    label_names : sequence of str, default=None
        The wanted labels, in order; by default all that occur, in alphabetical order.
    ids, file, report
        As for `labels_of_columns`.

    Returns
    -------
    DataFrame of int8 of shape (n_records, n_labels)
        0 for labels that a record's names lack, -1 for records without an entry.
    """
    holders = {}
    for id, own in zip(ids, names, strict=True):
        for name in own or ():
            holders.setdefault(name, []).append(id)
    if label_names is None:
        alike = {}
        for name in sorted(holders):
            other = alike.setdefault(name.casefold(), name)
            if other != name:
                raise ValueError(
                    f"{file} holds the labels {other!r} and {name!r}, which differ only in upper "
                    "and lower case. Write them alike, or name the wanted ones by label_names: "
                    "other spellings then count for them."
                )
        label_names = sorted(holders)
    else:
        label_names = _checked_names(label_names)
        meant = {name.casefold(): name for name in label_names} | {n: n for n in label_names}
        names = [own and [meant.get(n, meant.get(n.casefold(), n)) for n in own] for own in names]
        for name in sorted({name for own in names for name in own or ()} - set(label_names)):
            report_many(
                report,
                holders[name],
                file,
                f"holds {name!r}, which is not among label_names",
                "It is ignored; add it to label_names if it is a label.",
                kept=True,
            )
    column = {name: i for i, name in enumerate(label_names)}
    labels = np.zeros((len(names), len(label_names)), dtype=np.int8)
    for record, own in enumerate(names):
        if own is None:
            labels[record] = -1
        for name in own or ():
            if name in column:
                labels[record, column[name]] = 1
    return pd.DataFrame(labels, columns=label_names)


def _checked_names(label_names):
    if isinstance(label_names, str) or not pd.api.types.is_list_like(label_names):
        raise TypeError(
            f"label_names must be a list of names, such as ['AF', 'LBBB']; got {label_names!r}."
        )
    label_names = [str(name) for name in label_names]
    repeated = [name for name in label_names if label_names.count(name) > 1]
    if repeated:
        raise ValueError(f"label_names must be unique; repeated: {sorted(set(repeated))}.")
    return label_names

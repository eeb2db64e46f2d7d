"""Compare a data set's table with its files, and report every difference."""

import io
import numbers
import os
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from sklearn_ecg.datasets._files import as_path, open_file
from sklearn_ecg.datasets._vocabulary import load_vocabulary
from sklearn_ecg.utils import listed

# Up to so many records are named one by one; more of a kind are summarised.
_NAMED_SINGLY = 20
MOST_COLUMNS = 10_000


def check_positive(value, name):
    """Check a parameter that is a positive number, or None."""
    if value is not None and not (isinstance(value, numbers.Real) and 0 < value < np.inf):
        raise ValueError(f"{name} must be a positive number; got {value!r}.")


def find_folder(path, *, dataset):
    """Return the folder as an absolute Path, or raise if it is missing."""
    folder = Path(as_path(path)).absolute()
    # os.path returns False for a folder that may not be entered; pathlib would raise.
    if not os.path.isdir(folder):
        is_file = os.path.isfile(folder)
        what = "is a file, not a folder" if is_file else "does not exist, or cannot be reached"
        raise FileNotFoundError(f"{str(folder)!r} {what}. Give the folder that holds {dataset}.")
    return folder


def find_table(folder, name, *, dataset):
    """Return the path of a data set's table, or raise with folders that hold one."""
    if os.path.isfile(folder / name):
        return folder / name
    elsewhere = [path.parent for path in [folder.parent / name, *folder.glob(f"*/{name}")]]
    elsewhere = [str(path) for path in elsewhere if os.path.isfile(path / name)]
    hint = f" There is one in {' and in '.join(elsewhere)}: did you mean that?" * bool(elsewhere)
    raise FileNotFoundError(
        f"The folder {str(folder)!r} holds no {name}.{hint} Name the folder that holds {dataset}."
    )


def require_columns(table, columns, file):
    """Check that a table has the columns that a loader reads."""
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ValueError(
            f"{file} lacks the columns {missing}: it has {list(table.columns)}. Use the file as "
            "its publisher distributes it."
        )


def some(ids, n=5):
    """Name the first few of many records."""
    return listed(ids, most=n)


def n_named(text):
    """Return the number of records in a text of `some`."""
    more = re.search(r" and (\d+) more$", text)
    return 5 + int(more[1]) if more else 1


def report_absent(report, ids, files, folder):
    """Report records that a table names, but whose files are missing.

    Parameters
    ----------
    report : Report
    ids : sequence
    files : sequence of str
        Relative to the folder, one per record.
    folder : path-like
    """
    if len(ids) <= _NAMED_SINGLY:
        for id, file in zip(ids, files, strict=True):
            report.add(id, f"{folder}/{file}", "is missing, but the table names it", _ABSENT)
    else:
        problem = f"lacks {len(ids)} records that the table names: {some(ids, 3)}"
        report.add(f"{len(ids)} records", folder, problem, _ABSENT)


_ABSENT = "Download it, or do nothing if you want only a part of the data set."


def unique_rows(table, column, report, file):
    """Return the table with one row per record, and the records with contradicting rows.

    Parameters
    ----------
    table : DataFrame
    column : str
        Column of ids.
    report : Report
    file : path-like
        Path for the report.

    Returns
    -------
    unique : DataFrame
        The first of equal rows, and of contradicting rows.
    contradicting : set
        Ids of records with contradicting rows; their labels are unknown.
    """
    repeated = table[column].duplicated(keep=False)
    contradicting = set()
    for id, rows in table[repeated].groupby(column, sort=False):
        if len(rows.drop_duplicates()) > 1:
            contradicting.add(id)
            problem = f"holds {len(rows)} rows for the record that contradict each other"
            report.add(id, file, problem, "Its labels are unknown; delete the wrong rows.", True)
        else:
            problem = f"holds {len(rows)} equal rows for the record"
            report.add(id, file, problem, "Nothing: one of them is used.", True)
    return table.drop_duplicates(column), contradicting


def report_unknown_codes(report, codes, ids, system, file):
    """Report every code that is not in the vocabulary, with its records.

    Parameters
    ----------
    report : Report
    codes : sequence of length n_records of sequence of str
    ids : sequence of length n_records
    system : str
        As in `load_vocabulary`.
    file : path-like
        File with the codes.
    """
    known = set(load_vocabulary(system)["code"])
    holders = defaultdict(list)
    for id, own in zip(ids, codes, strict=True):
        for code in own:
            if code not in known:
                holders[code].append(id)
    for code, holding in sorted(holders.items()):
        problem = f"holds the code {code!r}, which is not in load_vocabulary({system!r})"
        advice = "The code gives no label. Add a column for it with records.with_labels."
        report.add(some(holding), file, problem, advice, kept=True)


def forget_labels(labels, unknown):
    """Return labels in which all of the records marked `unknown` are -1.

    Parameters
    ----------
    labels : DataFrame or ndarray of shape (n_records, n_labels)
    unknown : array-like of bool of shape (n_records,)

    Returns
    -------
    ndarray of int8 of shape (n_records, n_labels)
    """
    return np.where(np.asarray(unknown)[:, np.newaxis], -1, labels).astype(np.int8)


def table_content(file):
    """Return the bytes of a table's file."""
    try:
        with open_file(file) as opened:
            return opened.read()
    except OSError as error:
        raise ValueError(
            f"{file} cannot be read: {error.strerror}. Check its permissions."
        ) from error


def read_csv(file, **options):
    """Read a table, or raise an error that names the file."""
    content = table_content(file)
    check_width(content.partition(b"\n")[0].count(b",") + 1, file)
    try:
        if b"\0" in content:
            raise ValueError("it holds zero bytes, as if it was not written to its end")
        return pd.read_csv(io.BytesIO(content), encoding="utf-8-sig", **options)
    except Exception as error:
        # pandas raises a dozen kinds of errors for damaged files.
        raise ValueError(
            f"{file} cannot be read as a table: {error}. Save it anew, as CSV in UTF-8."
        ) from error


def check_width(n_columns, file):
    """Refuse a table with so many columns that reading would take hours."""
    if n_columns > MOST_COLUMNS:
        raise ValueError(
            f"{file} has {n_columns} columns, more than {MOST_COLUMNS}. Pass a table of labels."
        )


def report_unlabelled(report, ids, file, problem):
    """Report records that are kept with unknown labels.

    Parameters
    ----------
    report : Report
    ids : sequence
    file : path-like
        File that should hold the labels.
    problem : str
        What is wrong in the file.
    """
    advice = "Its labels are unknown (-1). Add them, or leave the record out by its id."
    report_many(report, ids, file, problem, advice, kept=True)


def report_many(report, ids, file, problem, what_to_do, kept=False):
    """Report records with the same problem, one by one if they are few."""
    report_files(report, [(id, file) for id in ids], problem, what_to_do, kept)


def report_files(report, found, problem, what_to_do, kept=False):
    """Like `report_many`, for pairs of id and file; a summary names the first file."""
    if len(found) <= _NAMED_SINGLY:
        for id, file in found:
            report.add(some([id]), file, problem, what_to_do, kept)
    else:
        report.add(some(id for id, _ in found), found[0][1], problem, what_to_do, kept)

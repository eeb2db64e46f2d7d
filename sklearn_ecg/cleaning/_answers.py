"""Read the answers of a person to the questions of a review list."""

import os
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from sklearn_ecg.cleaning._workbook import REVIEW_SHEET, import_openpyxl
from sklearn_ecg.utils import comparable_ids

# Number of records that an error message names.
_MOST_NAMED = 5


def read_answers(answers):
    """Return answers as a table; all columns of a file are text.

    Parameters
    ----------
    answers : DataFrame, or path of a CSV file or of a workbook of `to_excel`

    Returns
    -------
    DataFrame
    """
    if isinstance(answers, pd.DataFrame):
        return answers
    if not isinstance(answers, str | os.PathLike):
        raise TypeError(
            "answers must be a DataFrame, or the path of a CSV file or of a workbook of to_excel; "
            f"got {type(answers).__name__}."
        )
    # "NA" may be the name of a label or record.
    as_text = {"dtype": str, "keep_default_na": False}
    is_workbook = os.fspath(answers).lower().endswith(".xlsx")
    if is_workbook:
        import_openpyxl("Reading a workbook")
    try:
        if is_workbook:
            return pd.read_excel(answers, sheet_name=REVIEW_SHEET, **as_text)
        return pd.read_csv(answers, **as_text)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"There is no file {os.fspath(answers)!r} of answers.") from error
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise ValueError(
            f"answers cannot be read from {os.fspath(answers)!r}: {error}. Give a CSV file, or a "
            f"workbook of to_excel with its sheet {REVIEW_SHEET!r}."
        ) from error


def answered_labels(answers, ids, label_names, known):
    """Return the answers as a table of labels.

    Parameters
    ----------
    answers : DataFrame
        Columns id, label and answer (1, 0, or empty).
    ids : ndarray of shape (n_records,)
    label_names : ndarray of str of shape (n_labels,)
    known : ndarray of int8 of shape (n_records, n_labels)
        Labels that are trusted or were answered before; else -1.

    Returns
    -------
    ndarray of int8 of shape (n_records, n_labels)
        -1 without an answer.

    Raises
    ------
    ValueError
        If answers are not 1 or 0, name unknown records or labels, or contradict each other or
        known labels.
    """
    record, label = find_labels(answers, ids, label_names, name="answers", columns=("answer",))
    given = [_read_answer(answer) for answer in answers["answer"]]
    unreadable = [row for row, answer in enumerate(given) if answer is None]
    if unreadable:
        row = unreadable[0]
        raise ValueError(
            "answers must be 1 (present), 0 (absent) or empty; got "
            f"{answers['answer'].tolist()[row]!r} for label {label_names[label[row]]} of record "
            f"{ids[record[row]]}, and {len(unreadable) - 1} more invalid answers."
        )
    given = np.array(given, dtype=np.int8)
    if not (given != -1).any():
        raise ValueError(
            f"answers holds no answer in its {len(answers)} rows: write 1 or 0 into its column "
            "answer."
        )
    said = [np.zeros(known.shape, dtype=bool) for _ in range(2)]
    for value in (0, 1):
        said[value][record[given == value], label[given == value]] = True

    def named(where):
        pairs = np.argwhere(where)
        shown = [f"{label_names[m]} of record {ids[i]}" for i, m in pairs[:_MOST_NAMED]]
        return ", ".join(shown) + (", ..." if len(pairs) > _MOST_NAMED else "")

    twice = said[0] & said[1]
    if twice.any():
        raise ValueError(
            f"answers holds both 1 and 0 for {twice.sum()} labels: {named(twice)}. Keep one answer "
            "for each."
        )
    labels = np.select([said[0], said[1]], [0, 1], -1).astype(np.int8)
    contradicts = (labels != -1) & (known != -1) & (labels != known)
    if contradicts.any():
        raise ValueError(
            f"{contradicts.sum()} answers contradict labels that are trusted or were answered "
            f"before: {named(contradicts)}. Remove these answers; or, if they are right, correct "
            "these labels and fit the cleaner again."
        )
    return labels


def find_labels(table, ids, label_names, *, name, columns=()):
    """Return the positions of the records and labels in the rows of a table.

    Parameters
    ----------
    table : DataFrame
        Columns id and label.
    ids : ndarray of shape (n_records,)
    label_names : ndarray of str of shape (n_labels,)
    name : str
        The argument's name in error messages.
    columns : sequence of str, default=()
        Other required columns.

    Returns
    -------
    record, label : ndarray of int of shape (n_rows,)
    """
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"{name} must be a DataFrame; got {type(table).__name__}.")
    needed = ["id", "label", *columns]
    missing = [column for column in needed if column not in table]
    if missing:
        raise ValueError(
            f"{name} has no column {missing[0]}; it has {', '.join(map(str, table.columns))}. The "
            f"columns {', '.join(needed)} are needed, as in undecided_."
        )
    return [
        _positions(table[column], known, f"{name} names the {what}", whose)
        for column, known, what, whose in (
            ("id", ids, "record", "which the cleaner was not fitted to"),
            ("label", label_names, "label", "but the cleaner has " + ", ".join(label_names)),
        )
    ]


def _positions(names, known, name, whose):
    found, known = comparable_ids(names, known)
    positions = known.get_indexer(found)
    unknown = positions == -1
    if unknown.any():
        raise ValueError(
            f"{name} {found[unknown].tolist()[0]!r}, {whose} ({unknown.sum()} of {len(names)} rows "
            "are unknown). Remove these rows, or correct the names; read ids as text, with "
            "dtype=str."
        )
    return positions


def _read_answer(answer):
    """Return 1 or 0, -1 for no answer, or None for anything else."""
    if pd.isna(answer) or (isinstance(answer, str) and not answer.strip()):
        return -1
    try:
        value = float(answer)
    except (TypeError, ValueError):
        return None
    return int(value) if value in (0, 1) else None

"""Metadata from tables of people: age, sex, time and so on, in many notations."""

import datetime
import math
import re

import numpy as np
import pandas as pd

from sklearn_ecg.datasets._bookkeeping import report_many
from sklearn_ecg.datasets._metadata import frame_of
from sklearn_ecg.datasets.formats._recording import FIELDS, MOST_YEARS

_SAYS_NOTHING = {"", "-", "?", "nan", "na", "n/a", "none", "null", "unknown", "unbekannt", "u"}
_WORDS = {
    "female": ("female", "f", "w", "weiblich", "frau", "woman", "\u5973"),
    "male": ("male", "m", "m\xe4nnlich", "maennlich", "mann", "man", "\u7537"),
    "other": ("other", "o", "d", "divers", "diverse", "non-binary"),
}
_SEXES = {text: sex for sex, texts in _WORDS.items() for text in texts}
# "61", "61.5 years", DICOM's "061Y" and "006M"; ">89" and "90+" become the least possible age.
_AGE = re.compile(r"(>|>=|\u2265)?\s*(\d+(?:\.\d+|,\d{1,2})?)\s*(\+|[ymwd]|years?|yrs?|jahre)?")
# Dates with points begin with the day.
_WITH_POINTS = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:,? +(.+))?")
_PER_YEAR = {"m": 12, "w": 365.25 / 7, "d": 365.25}
_HOW_WRITTEN = {
    str: 'Write "female", "male" or "other"; it is unknown until then.',
    float: "Write a number with a decimal point; it is unknown until then.",
    "datetime64[s]": "Write times as 2021-03-01T08:30:00 or 01.03.2021 08:30; it is unknown until "
    "then.",
}


def table_metadata(table, columns, ids, report, file) -> pd.DataFrame:
    """Make the table of ``records.metadata`` from columns of a table.

    Parameters
    ----------
    table : DataFrame of n_records rows
        In the order of the records.
    columns : dict of str to str
        Columns of the table, and their names in the metadata. Those in `FIELDS` are parsed; others
        do not change.
    ids : sequence of length n_records
    report : Report
        Gets rows for values that are not understood, and are missing in the result.
    file : path-like
        The table, for the report.

    Returns
    -------
    DataFrame
        Indexed by ids: first the filled columns that are in `FIELDS`, then the others.
    """
    ids, known = np.asarray(ids), {}
    for column, name in columns.items():
        if name not in FIELDS:
            continue
        known[name], is_wrong = _parse_column(name, table[column])
        if is_wrong.any():
            # Values may identify patients, and are not quoted.
            problem = f"has a value in the column {column!r} that is not a valid {name}"
            report_many(report, ids[is_wrong], file, problem, _HOW_WRITTEN[FIELDS[name]], kept=True)
    frame = frame_of({name: known[name] for name in FIELDS if name in known}, ids)
    others = {column: name for column, name in columns.items() if name not in FIELDS}
    return frame.join(table[[*others]].rename(columns=others).set_axis(frame.index))


def _parse_column(name, values):
    """Return the values of a field (None if empty), and which cells are not understood."""
    values = [tuple(value) if isinstance(value, list | np.ndarray) else value for value in values]
    # Each text once: most fields have few different ones. Missing ones have the code -1.
    codes, distinct = pd.factorize(pd.Series(values, dtype=object))
    found, is_wrong = [None] * (len(distinct) + 1), np.zeros(len(distinct) + 1, dtype=bool)
    for place, value in enumerate(distinct):
        try:
            found[place] = _parse(name, value)
        except ValueError:
            is_wrong[place] = True
    return [found[code] for code in codes], is_wrong[codes]


def _parse(name, value):
    """Return the value of a cell; None if it is empty."""
    kind = FIELDS[name]
    if kind is tuple:
        lines = value if isinstance(value, tuple) else str(value).splitlines()
        return tuple(str(line).strip() for line in lines if str(line).strip())
    # Whole numbers beside a gap are floats.
    is_whole = isinstance(value, float) and value.is_integer()
    text = " ".join(str(int(value) if is_whole else value).split())
    if kind is str and name != "sex":
        return text
    if text.lower() in _SAYS_NOTHING:
        return None
    if kind == "datetime64[s]":
        return _parse_time(value)
    if name == "sex":
        return _parse_sex(text)
    return _parse_age(text) if name == "age_years" else _parse_number(text)


def _parse_time(value):
    if isinstance(value, str):
        text = value.strip()
        if match := _WITH_POINTS.fullmatch(text):
            day, month, year, time = match.groups()
            text = f"{year}-{month:0>2}-{day:0>2} {(time or '00:00').zfill(5)}"
        return datetime.datetime.fromisoformat(text)
    if not isinstance(value, datetime.date | np.datetime64):
        raise ValueError
    return value


def _parse_sex(text):
    if text.lower() not in _SEXES:
        raise ValueError
    return _SEXES[text.lower()]


def _parse_age(text):
    match = _AGE.fullmatch(text.lower())
    if match is None:
        raise ValueError
    more_than, number, unit = match.groups()
    age = float(number.replace(",", ".")) / _PER_YEAR.get(unit, 1) + (more_than == ">")
    if age > MOST_YEARS:
        raise ValueError
    return age


def _parse_number(text):
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number

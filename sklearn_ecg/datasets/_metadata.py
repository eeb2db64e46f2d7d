"""Metadata of records as tables, and the patients in them."""

import numpy as np
import pandas as pd

from sklearn_ecg.datasets.formats._recording import FIELDS, MOST_YEARS

# Value of an unknown field, by its type.
_MISSING = {str: "", float: np.nan, "datetime64[s]": np.datetime64("NaT", "s"), tuple: ()}
# Most years between a patient's births as computed from age and time of two recordings: ages are
# whole years, and recorders' clocks are often wrong.
_MOST_APART = 2.0
_DAYS_OF_A_YEAR = 365.2425
# Files that hide ages above 89 give this age instead.
_OLDEST = 90


def metadata_frame(fields, ids) -> pd.DataFrame:
    """Make the table of ``records.metadata`` from the fields of each record.

    Parameters
    ----------
    fields : sequence of dict
        Fields by the names in `FIELDS`, as in `Recording`.
    ids : sequence of length n_records

    Returns
    -------
    DataFrame
        Indexed by ids, with the columns that a record fills, in the order of `FIELDS`. Impossible
        ages are missing.
    """
    named = {name for own in fields for name in own}
    columns = {name: [own.get(name) for own in fields] for name in FIELDS if name in named}
    ages = columns.get("age_years", [])
    ages[:] = [age if age is not None and 0 <= age <= MOST_YEARS else None for age in ages]
    return frame_of(columns, ids)


def frame_of(columns, ids):
    """Return columns with their types, without those that are empty.

    Parameters
    ----------
    columns : dict of str to list of length n_records
        Columns by the names in `FIELDS`; None for an unknown value.
    ids : sequence of length n_records
    """
    arrays = {}
    for name, values in columns.items():
        kind = FIELDS[name]
        array = _column([_value(value, kind) for value in values], kind)
        if any(map(len, array)) if array.dtype == object else not pd.isna(array).all():
            arrays[name] = array
    return pd.DataFrame(arrays, index=pd.Index(ids, name="id"))


def _value(value, kind):
    if value is None:
        return _MISSING[kind]
    if kind == "datetime64[s]":
        # The local time on the clock, also if it has a zone.
        value = value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value
        return np.datetime64(value, "s")
    return kind(value)


def _column(values, kind):
    if kind in (float, "datetime64[s]"):
        return np.array(values, dtype=kind)
    column = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        column[row] = value
    return column


def patient_groups(metadata):
    """Return the patient of each record, for `ECGRecords.groups`.

    Parameters
    ----------
    metadata : DataFrame
        Indexed by the records' ids.

    Returns
    -------
    ndarray of str of shape (n_records,), or None where no record has a patient_id
        A record without one is a separate patient.
    """
    if "patient_id" not in metadata or not metadata["patient_id"].ne("").any():
        return None
    known = set(metadata["patient_id"])
    groups = metadata["patient_id"].to_numpy(dtype=object).copy()
    for row in np.flatnonzero(groups == ""):
        name = str(metadata.index[row])
        while name in known:
            name = f"record {name}"
        known.add(name)
        groups[row] = name
    return groups.astype(str)


def check_patients(metadata, report, files):
    """Report records that share a patient_id, but cannot be of one person.

    They are kept as one patient, so that they are never on both sides of a split.

    Parameters
    ----------
    metadata : DataFrame
        Indexed by the records' ids.
    report : Report
        Gets a row for each record whose sex differs from the patient's first record, or whose date
        of birth (from age and time of recording) differs by more than two years.
    files : sequence of length n_records
        The records' files, for the report.
    """
    if "patient_id" not in metadata:
        return
    table = pd.DataFrame({"id": metadata.index, "patient": metadata["patient_id"].to_numpy()})
    table["file"] = list(files)
    if "sex" in metadata:
        table["sex"] = metadata["sex"].where(metadata["sex"] != "").to_numpy()
        _report_others(table, "sex", lambda own, first: own != first, "another sex", report)
    if "age_years" in metadata and "recorded_at" in metadata:
        table["born"] = _years_of_birth(metadata).to_numpy()
        _report_others(
            table,
            "born",
            lambda own, first: (own - first).abs() > _MOST_APART,
            "an age that does not fit the time between the two",
            report,
        )


def _report_others(table, column, is_other, what, report):
    known = table[(table["patient"] != "") & table[column].notna()]
    first = known.groupby("patient")[["id", column]].transform("first")
    others = known[is_other(known[column], first[column])]
    for id, file, first_id in zip(
        others["id"], others["file"], first["id"][others.index], strict=True
    ):
        report.add(
            id,
            file,
            f"has the patient id of {first_id}, and {what}",
            "They count as one patient; if they are two, give them different groups.",
            kept=True,
        )


def _years_of_birth(metadata):
    """Return each patient's year of birth as a fraction; NaN if unknown."""
    age, time = metadata["age_years"], metadata["recorded_at"]
    year = 1970 + time.to_numpy("datetime64[D]").astype(float) / _DAYS_OF_A_YEAR
    return (year - age).where(time.notna() & (age < _OLDEST))

"""What files say of a record beside its signal, as tables; and patients by it."""

import numpy as np
import pandas as pd

from sklearn_ecg.datasets.formats._recording import FIELDS, MOST_YEARS

# What a record has of which nothing is said, by the kind of field.
_MISSING = {str: "", float: np.nan, "datetime64[s]": np.datetime64("NaT", "s"), tuple: ()}
# Years between the births that age and time of two recordings of a patient give: ages are whole
# years, and clocks of recorders go wrong.
_MOST_APART = 2.0
_DAYS_OF_A_YEAR = 365.2425
# Files that tell no age above 89 say this.
_OLDEST = 90


def metadata_frame(fields, ids) -> pd.DataFrame:
    """Make the table of ``records.metadata`` of what was found for each record.

    Parameters
    ----------
    fields : sequence of dict
        Of the names in `FIELDS`, as `Recording` has them.
    ids : sequence of length n_records

    Returns
    -------
    DataFrame
        Indexed by ids; those columns that any record fills, in the order of `FIELDS`. An age that
        nobody has is missing.
    """
    named = {name for own in fields for name in own}
    columns = {name: [own.get(name) for own in fields] for name in FIELDS if name in named}
    ages = columns.get("age_years", [])
    ages[:] = [age if age is not None and 0 <= age <= MOST_YEARS else None for age in ages]
    return frame_of(columns, ids)


def frame_of(columns, ids):
    """Return what is known as columns of their types, those without anything left out.

    Parameters
    ----------
    columns : dict of str to list of length n_records
        Of the names in `FIELDS`; None where nothing is known.
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
        # Of a time with a zone, what the clock showed.
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
        A record without one is a patient of its own.
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
    """Report records that share a patient_id and cannot be of one person.

    They stay, as one patient: so they are never on both sides of a split.

    Parameters
    ----------
    metadata : DataFrame
        Indexed by the records' ids.
    report : Report
        Gets a row for each record of another sex than its patient's first, or of a date of birth,
        as age and time of recording give it, that is more than two years from the first's.
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
            "The two count as one patient; if they are two, give them groups of their own.",
            kept=True,
        )


def _years_of_birth(metadata):
    """Return the year in which each patient was born, with its fraction; NaN where not known."""
    age, time = metadata["age_years"], metadata["recorded_at"]
    year = 1970 + time.to_numpy("datetime64[D]").astype(float) / _DAYS_OF_A_YEAR
    return (year - age).where(time.notna() & (age < _OLDEST))

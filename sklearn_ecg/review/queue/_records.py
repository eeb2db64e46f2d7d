"""Records of a cleaner in the tables of a queue: ids, signals and labels."""

import itertools

import numpy as np
import pandas as pd
import sqlalchemy as sa

from sklearn_ecg.records import CleanedRecords, ECGRecords
from sklearn_ecg.records._report import RecordError
from sklearn_ecg.review.queue._schema import records, signals
from sklearn_ecg.review.queue._signals import as_millivolt, pack_signals, unpack_signals
from sklearn_ecg.utils import find_ids, warn_of_unread

# Samples of a record with all leads: five minutes of twelve leads at 1000 Hz. A page cannot draw
# more.
_MOST_SAMPLES = 3_600_000
# Records, with their packed signals, in one statement.
_CHUNK = 100


def find_rows(cleaner, records):
    """Return the row in `records` of each record of a cleaner.

    Parameters
    ----------
    cleaner : fitted label cleaner
    records : ECGRecords

    Returns
    -------
    ndarray of int of shape (n_records,)
    """
    if not isinstance(records, ECGRecords):
        raise TypeError(
            "records must be the ECGRecords on which the cleaner was fitted, with their signals; "
            f"got {type(records).__name__}."
        )
    if isinstance(records, CleanedRecords) and records.is_table:
        raise ValueError(
            "records hold a table of features without signals to show: pass "
            "the ECGRecords from which the features were measured, with the same ids."
        )
    if records.sampling_rate is None:
        raise ValueError(
            "records have no sampling_rate, so they cannot be drawn to scale. Set it by "
            "records.with_signals(records.signals, sampling_rate=500)."
        )
    rows = find_ids(cleaner._ids, records.ids)
    if (rows == -1).any():
        missing = cleaner._ids[rows == -1]
        raise ValueError(
            f"records lack {len(missing)} of the {len(rows)} records of the cleaner's fit: "
            f"{', '.join(map(str, missing[:5]))}{', ...' * (len(missing) > 5)}. Pass the "
            "records of fit. A cleaner fitted on a table knows records by its index: use their "
            "ids there."
        )
    return rows


def stored_id(name):
    """Return a record's id as text, and its former type."""
    if isinstance(name, str):
        return {"id": str(name), "id_kind": "str"}
    if isinstance(name, int | np.integer):
        return {"id": str(int(name)), "id_kind": "int"}
    raise TypeError(
        f"ids of records must be text or whole numbers to be stored in a database; got {name!r}. "
        "Change the ids, and fit the cleaner again."
    )


def original_id(text, kind):
    """Return an id in the cleaner's type."""
    return int(text) if kind == "int" else text


def stored_records(work):
    """Return the numbers of the records with stored signals, by id."""
    rows = work.execute(sa.select(records.c.id, records.c.id_kind, records.c.record))
    return {original_id(row.id, row.id_kind): row.record for row in rows}


def find_record(work, record):
    """Return the row of a record and its signals, as bytes of int16."""
    row = work.execute(
        sa.select(records, signals.c.content)
        .join(signals, signals.c.record == records.c.record)
        .where(records.c.record == record)
    ).first()
    if row is None:
        raise LookupError(f"The queue has no record {record}.")
    return row, unpack_signals(row.content, row.n_times)


def as_records(row, content):
    """Return what `find_record` has found as ECGRecords, in mV."""
    signal = as_millivolt(content, len(row.leads), row.n_times, row.step_mv)
    return ECGRecords(
        signal[np.newaxis],
        row.sampling_rate,
        lead_names=row.leads,
        ids=[original_id(row.id, row.id_kind)],
    )


def read_records(cleaner, ecgs, rows, wanted):
    """Yield the stored form of records, and warn of those that cannot be shown.

    Parameters
    ----------
    wanted : list
        Ids, in any order and number.

    Yields
    ------
    name : int or str
        Id of the record.
    row : dict
    content : bytes
    """
    wanted = list(dict.fromkeys(wanted))
    positions = pd.Index(cleaner._ids).get_indexer(pd.Index(wanted, dtype=object))
    trusted = cleaner._trusted | (cleaner._answers != -1)
    unread = {}
    for name, position in zip(wanted, positions, strict=True):
        row = rows[position]
        try:
            signal = np.asarray(ecgs.signals[row])
        except (RecordError, OSError) as error:
            unread[row] = str(error)
            continue
        why_not = why_not_shown(signal)
        if why_not is not None:
            unread[row] = why_not
            continue
        of_record, content = record_row(ecgs, row, name, signal)
        of_record["weak"] = cleaner._weak[position].tolist()
        of_record["labels"] = cleaner.labels_[position].tolist()
        of_record["trusted"] = trusted[position].tolist()
        yield name, of_record, content
    warn_of_unread(unread, ecgs.ids, "cannot be shown; no questions are about them")


def put_records(work, read):
    """Store new records; return the numbers of all, by id."""
    stored = stored_records(work)
    read = iter(read)
    while some := list(itertools.islice(read, _CHUNK)):
        some = [one for one in some if one[0] not in stored]
        first = max(stored.values(), default=0) + 1
        stored |= {name: number for number, (name, *_) in enumerate(some, first)}
        if some:
            rows = [{"record": stored[name]} | of_record for name, of_record, _ in some]
            work.execute(records.insert(), rows)
            rows = [{"record": stored[name], "content": content} for name, _, content in some]
            work.execute(signals.insert(), rows)
    return stored


def put_labels(work, cleaner, stored):
    """Store the cleaner's latest labels of the records."""
    positions = pd.Index(cleaner._ids).get_indexer(pd.Index(list(stored), dtype=object))
    rows = [
        {"number": of_record, "now": cleaner.labels_[position].tolist()}
        for of_record, position in zip(stored.values(), positions, strict=True)
        if position != -1
    ]
    if rows:
        of_record = records.update().where(records.c.record == sa.bindparam("number"))
        work.execute(of_record.values(labels=sa.bindparam("now")), rows)


def why_not_shown(signal):
    """Return why a signal cannot be shown, or None.

    Parameters
    ----------
    signal : ndarray

    Returns
    -------
    str or None
    """
    if signal.ndim != 2:
        return f"its signal has the shape {signal.shape}, not (n_leads, n_times)"
    if signal.size > _MOST_SAMPLES:
        return (
            f"it holds {signal.size / 1e6:.3g} million samples, more than a page can draw "
            f"({_MOST_SAMPLES / 1e6:g} million); ask about windows of it"
        )
    return None if np.isfinite(signal).any() else "it holds no finite sample"


def record_row(ecgs, row, name, signal):
    """Return a record in the form of the tables.

    Parameters
    ----------
    ecgs : ECGRecords
    row : int
    name : int or str
        Id of the record in the cleaner.
    signal : ndarray of shape (n_leads, n_times)

    Returns
    -------
    row : dict
    content : bytes
    """
    content, step_mv = pack_signals(signal)
    leads = ecgs.lead_names
    if leads is None:
        leads = [f"lead {number + 1}" for number in range(len(signal))]
    patient = {} if ecgs.metadata is None else ecgs.metadata.iloc[row].to_dict()
    about = {
        "leads": [str(lead) for lead in leads],
        "sampling_rate": float(ecgs.sampling_rate),
        "n_times": signal.shape[1],
        "step_mv": step_mv,
        "age_years": _age(patient.get("age_years")),
        "sex": _text(patient.get("sex")),
    }
    return stored_id(name) | about, content


def _age(value):
    value = pd.to_numeric(value, errors="coerce")
    return float(value) if np.isfinite(value) else None


def _text(value):
    return None if value is None or pd.isna(value) else str(value)

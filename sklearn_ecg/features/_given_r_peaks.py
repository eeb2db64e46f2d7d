"""Check the R peaks that users pass to the extractor."""

import numpy as np
import pandas as pd

from sklearn_ecg.features._checks import check_r_peaks
from sklearn_ecg.utils import align_records, comparable_ids


def r_peaks_by_record(r_peaks, records):
    """Return the R peaks of each record, in the order of the records.

    Parameters
    ----------
    r_peaks : None, dict or Series by id, or sequence of length n_records
    records : ECGRecords

    Returns
    -------
    list of (ndarray of float64 of shape (n_beats,), or None), or None if no record has any
    """
    if r_peaks is None:
        return None
    if isinstance(r_peaks, dict):
        given = _of_named(r_peaks, records.ids)
    else:
        given = _of_all(align_records(r_peaks, records.ids, name="r_peaks"), len(records))
    checked = [
        None if _is_missing(own) else _check(own, records, position)
        for position, own in enumerate(given)
    ]
    return None if all(own is None for own in checked) else checked


def _of_named(r_peaks, ids):
    """Return the R peaks of the records in a dict, and None for the others."""
    names, known = comparable_ids(list(r_peaks), ids)
    unknown = [
        key for key, is_known in zip(r_peaks, names.isin(known), strict=True) if not is_known
    ]
    if unknown:
        raise ValueError(
            f"r_peaks names the record {str(unknown[0])!r}, which X does not have ({len(unknown)} "
            f"such names); an id of X is {str(ids[0])!r}."
        )
    by_name = dict(zip(names, r_peaks.values(), strict=True))
    return [by_name.get(name) for name in known]


def _of_all(r_peaks, n_records):
    if isinstance(r_peaks, str | pd.DataFrame) or not hasattr(r_peaks, "__len__"):
        raise TypeError(
            "r_peaks must be a sequence or Series of one array of samples for each record, or a "
            f"dict of such arrays by id; got {type(r_peaks).__name__}."
        )
    if len(r_peaks) != n_records:
        raise ValueError(
            f"r_peaks holds {len(r_peaks)} entries for {n_records} records: give each record an "
            "array of samples, or None to detect its R peaks. For a single record pass "
            "[r_peaks]."
        )
    return list(r_peaks)


def _is_missing(own):
    # NaN is what pandas makes of None.
    return own is None or own is pd.NA or (isinstance(own, float) and np.isnan(own))


def _check(own, records, position):
    n_times = (
        np.shape(records.signals[position])[-1] if records.n_times is None else records.n_times
    )
    return check_r_peaks(own, n_times, name=f"r_peaks of record {records.ids[position]}")

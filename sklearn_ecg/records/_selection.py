"""Select records and leads of signals of any form, without reading lazy signals."""

import numbers

import numpy as np
import pandas as pd

from sklearn_ecg.records._lazy import LazySignals
from sklearn_ecg.records._readers import as_lazy, select_leads_lazily


def row_index(key, n_records):
    """Return the index of records as a slice or an array of integers or bool.

    Parameters
    ----------
    key : object
        The object in the brackets.
    n_records : int
        Number of records, which a mask must have.

    Returns
    -------
    slice or ndarray
    """
    if isinstance(key, tuple):
        rest = key[1:]
        if not key or any(part is not Ellipsis and part != slice(None) for part in rest):
            raise IndexError(
                f"ECGRecords are indexed by record alone; got {key!r}. Select leads with "
                "records.select_leads(names), times on the signals: records.signals[..., :1000]."
            )
        key = key[0]
    if key is Ellipsis:
        return slice(None)
    if isinstance(key, slice):
        return key
    if isinstance(key, numbers.Integral):
        if not -n_records <= key < n_records:
            raise IndexError(f"record {key} is out of range for {n_records} records.")
        return np.asarray([key])
    index = np.asarray(key)
    if index.size == 0:
        index = index.astype(np.intp)
    if index.ndim != 1 or index.dtype.kind not in "biu":
        raise IndexError(
            "ECGRecords are indexed by integers, slices, masks or arrays of integers; got "
            f"{type(key).__name__} {key!r}. To find records by name: "
            "records[np.isin(records.ids, names)]."
        )
    if index.dtype == bool and len(index) != n_records:
        raise IndexError(f"a mask of {len(index)} entries does not fit {n_records} records.")
    return index


def take(signals, index):
    """Return the signals of some records.

    Parameters
    ----------
    signals : ndarray, memmap, list, LazySignals or DataFrame
    index : slice or ndarray
        As `row_index` returns it.

    Returns
    -------
    the type of `signals`, but LazySignals for scattered records of a memory map
    """
    if isinstance(signals, list):
        return [signals[i] for i in np.arange(len(signals))[index]]
    if isinstance(signals, pd.DataFrame):
        return signals.iloc[index]
    if isinstance(signals, np.memmap) and not isinstance(index, slice):
        return as_lazy(signals)[index]
    return signals[index]


def take_leads(signals, selection):
    """Return the wanted leads of all records.

    Parameters
    ----------
    signals : ndarray, memmap, list or LazySignals
    selection : LeadSelection

    Returns
    -------
    the type of `signals`, but LazySignals for a memory map; the same object if nothing changes
    """
    if isinstance(signals, list):
        return [selection.of_record(signal) for signal in signals]
    if not isinstance(signals, (LazySignals, np.memmap)):
        return selection.apply(signals)
    if selection.names == selection.given and not selection.computes:
        return signals
    return select_leads_lazily(as_lazy(signals), selection)

"""Keys of records: stored results are used again if the key is the same."""

from hashlib import blake2b

import numpy as np

from sklearn_ecg.records._lazy import LazySignals
from sklearn_ecg.utils import fill_masked

_KEY_BYTES = 12


def record_keys(signals, *others):
    """Return a key for each record, which changes when its signal changes.

    The key of a record in files comes from the stamps of the files, without reading them. Other
    keys come from the content.

    Parameters
    ----------
    signals : LazySignals, ndarray of shape (n_records, n_leads, n_times), or list
    *others : sequence of length n_records
        Other values per record on which results depend: arrays, or objects with a stable `repr`.

    Returns
    -------
    list of length n_records of str, or None for a record that cannot be read
        Keys are the same in every process.
    """
    keys = []
    for row in range(len(signals)):
        identity = _identity(signals, row)
        digest = blake2b(identity or b"", digest_size=_KEY_BYTES)
        for values in others:
            digest.update(_content(values[row]))
        keys.append(None if identity is None else digest.hexdigest())
    return keys


def rows_changed(signals, keys, *others):
    """Return the rows of records whose files have changed since `record_keys` made their keys."""
    if keys is None or not isinstance(signals, LazySignals):
        return []
    now = record_keys(signals, *others)
    return [
        row
        for row, (key, found) in enumerate(zip(keys, now, strict=True))
        if None not in (key, found) and key != found
    ]


def _identity(signals, row):
    if isinstance(signals, LazySignals):
        stamp = signals.stamp(row)
        if stamp is not None:
            return repr(stamp).encode("utf-8", "surrogateescape")
    try:
        return _content(np.asarray(fill_masked(signals[row])))
    except Exception:
        return None


def _content(value):
    if not isinstance(value, np.ndarray):
        return repr(value).encode("utf-8", "surrogateescape")
    return f"{value.dtype.str}{value.shape}".encode() + np.ascontiguousarray(value).tobytes()

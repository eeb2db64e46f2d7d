"""Measured features of records, beside which the network learns."""

import numpy as np
from sklearn.base import clone

from sklearn_ecg.records import CleanedRecords


def fit_extractor(features, records):
    """Return a clone of a transformer, fitted on records."""
    return clone(features).fit(_unlabelled(records))


def measure(extractor, records):
    """Return the features of records that a fitted transformer finds, infinity as missing.

    Returns
    -------
    ndarray of shape (n_records, n_features), float32
    """
    measured, name = extractor.transform(_unlabelled(records)), type(extractor).__name__
    try:
        # What is beyond float32 becomes infinite, and so is missing.
        with np.errstate(over="ignore"):
            table = np.asarray(measured, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The 'features' parameter must transform records to an array of numbers; {name} "
            f"returned a {type(measured).__name__}, which is none: {error}."
        ) from error
    if table.ndim != 2 or len(table) != len(records):
        raise ValueError(
            f"The 'features' parameter must transform {len(records)} records to a table with a row "
            f"for each; {name} returned an array of shape {table.shape}."
        )
    return np.where(np.isfinite(table), table, np.nan)


def _unlabelled(records):
    return records.without_labels() if isinstance(records, CleanedRecords) else records

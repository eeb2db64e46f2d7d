"""Check the arguments of a label cleaner, and bring them into one form."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import clone
from sklearn.utils.validation import validate_data

from sklearn_ecg.cleaning._sources import (
    TRUTH,
    check_all_speak,
    find_weak_labels,
    join_sources,
    split_sources,
)
from sklearn_ecg.features import ECGFeatureExtractor
from sklearn_ecg.records import CleanedRecords, ECGRecords
from sklearn_ecg.utils import (
    check_groups,
    check_trusted,
    fill_masked,
    has_label_names,
    ids_of,
    trusted_labels,
    warn_user,
)


@dataclass(eq=False)
class CleaningInput:
    """Checked input.

    Attributes
    ----------
    labels : ndarray of int8 of shape (n_records, n_labels)
        The true label if it is trusted, else the weak label: the majority of the sources, -1 for a
        tie or if all are unknown.
    label_names : ndarray of str of shape (n_labels,)
    trusted : ndarray of bool of shape (n_records,) or (n_records, n_labels)
    groups : ndarray of shape (n_records,), or None
    sources : ndarray of float32 of shape (n_records, n_labels, n_sources)
        The labels of each weak source, from 0 absent to 1 present; NaN if unknown, or if a trusted
        label was given in place of the source's label.
    source_names : ndarray of str of shape (n_sources,)
    """

    labels: np.ndarray
    label_names: np.ndarray
    trusted: np.ndarray
    groups: np.ndarray | None
    sources: np.ndarray
    source_names: np.ndarray


def check_input(X, y, trusted, groups, *, n_records, none_too=False):
    """Check labels, mask and patients, by default those of the records.

    Parameters
    ----------
    X : ECGRecords, array or DataFrame
        The rows of the other tables are matched to its records; see `align_records`.
    y : array-like or DataFrame of shape (n_records, n_labels), array-like of shape \
            (n_records, n_labels, n_sources), dict of tables, or None
        From 0 absent to 1 present, -1 or NaN unknown. Tables of sources are joined by the names of
        their labels; a missing column is unknown. All sources of a trusted label must agree, unless
        the true labels are in ``y["truth"]``.
    trusted : True, array-like of bool of shape (n_records,) or (n_records, n_labels), or None
        None means the mask of the records, else the known labels of ``y["truth"]``, else True with
        a warning.
    groups : array-like, or None
    n_records : int
    none_too : bool, default=False
        Whether there may be no trusted labels, and sources without labels, as for new records.

    Returns
    -------
    CleaningInput
    """
    names = None
    if isinstance(X, ECGRecords):
        if trusted is None and X.trusted is not None:
            of_labels = X.trusted.ndim == 2
            trusted = pd.DataFrame(X.trusted, X.ids, X.label_names) if of_labels else X.trusted
        groups = X.groups if groups is None else groups
        names = X.label_names
        if y is None and X.labels is None:
            raise ValueError(
                "y is None and the records have no labels, so nothing can be cleaned; pass y, or "
                "records.with_labels(labels)."
            )
        y = X.labels if y is None else y
    elif y is None:
        raise ValueError(
            "requires y to be passed, but the target y is None: arrays have no labels. Pass the "
            "weak labels, or ECGRecords with labels."
        )
    tables = split_sources(y)
    has_truth = TRUTH in tables
    if trusted is None and not has_truth:
        _warn_of_no_trust(X, n_records)
    ids = ids_of(X, *tables.values(), trusted, groups)
    said, columns = join_sources(tables, y, n_records=n_records, ids=ids)
    n_labels = said.shape[1]
    if not n_labels:
        raise ValueError("y has no labels (columns), so nothing can be cleaned; pass at least one.")
    if columns is None:
        fits = names is not None and len(names) == n_labels
        columns = names if fits else np.arange(n_labels).astype(str)
    columns = np.asarray(columns)
    if trusted is None and has_truth:
        trusted = ~np.isnan(said[..., -1])
    trusted = check_trusted(
        trusted,
        n_records=n_records,
        ids=ids,
        n_labels=n_labels,
        label_names=columns,
        none_too=none_too,
    )
    groups = check_groups(groups, n_records=n_records, ids=ids)
    is_trusted = trusted_labels(trusted, n_labels)
    labels, sources = find_weak_labels(
        said,
        tables,
        is_trusted,
        ids=np.arange(n_records) if ids is None else ids,
        label_names=columns,
    )
    source_names = np.array([source for source in tables if source != TRUTH])
    if not none_too:
        if (labels == -1).all():
            raise ValueError(
                "y is unknown (-1 or NaN) for all labels of all records, so nothing can be learned."
            )
        if len(tables) > 1 and (has_truth or not is_trusted.all()):
            check_all_speak(sources, source_names)
    return CleaningInput(labels, columns, trusted, groups, sources, source_names)


def _warn_of_no_trust(X, n_records):
    lost = (
        ""
        if isinstance(X, ECGRecords)
        else " If you passed ECGRecords with a mask, an earlier step has turned them into an "
        "array: make the cleaner the first step, with that step as its `features`."
    )
    warn_user(
        f"No records are marked as trusted, so the labels of all {n_records} records are taken as "
        "right, and none is cleaned. Pass trusted=mask, in a Pipeline as <step>__trusted=mask; or "
        f"trusted=True if all are right.{lost}"
    )


def with_labels_in_order(X, label_names):
    """Return records with their labels in the order of a fitted cleaner.

    Parameters
    ----------
    X : ECGRecords, or anything else
    label_names : ndarray of str of shape (n_labels,)

    Returns
    -------
    ECGRecords, or None if X has no labels, or other labels
    """
    if not isinstance(X, ECGRecords) or X.labels is None:
        return None
    own, known = X.label_names.tolist(), label_names.tolist()
    if own == known or (len(own) == len(known) and not has_label_names(own)):
        return X
    if set(own) != set(known) or isinstance(X, CleanedRecords):
        return None
    return X.with_labels(X.labels[:, [own.index(name) for name in known]], known)


def is_table(X):
    """Whether X is a table of features, and not signals."""
    if isinstance(X, CleanedRecords):
        return X.is_table
    if isinstance(X, ECGRecords) or is_signal_list(X):
        return False
    return isinstance(X, pd.DataFrame) or np.asarray(X).ndim != 3


def is_signal_list(X):
    """Whether X is a list of signals of shape (n_leads, n_times), of equal length or not."""
    return isinstance(X, (list, tuple)) and len(X) > 0 and np.ndim(X[0]) == 2


def feature_table(cleaner, X, *, reset):
    """Return features as an array; extract them if X holds signals.

    Parameters
    ----------
    cleaner : label cleaner
    X : as for `BaseLabelCleaner.fit`
    reset : bool
        True in `fit`: the cleaner then gets ``n_features_in_``, and ``feature_names_in_`` for a
        table with names, or ``extractor_`` for signals.

    Returns
    -------
    ndarray of shape (n_records, n_features)
    """
    if reset:  # what an earlier fit learned of input of the other kind
        for name in ("extractor_", "feature_names_in_"):
            vars(cleaner).pop(name, None)
    n_needed = 2 if reset else 1
    if is_table(X):
        table = validate_data(
            cleaner,
            _as_features(X.without_labels() if isinstance(X, CleanedRecords) else X),
            reset=reset,
            dtype=np.float64,
            ensure_all_finite=False,
            ensure_min_samples=n_needed,
        )
        names, ids = getattr(cleaner, "feature_names_in_", None), record_ids(X, len(table))
        _check_no_infinity(table, ids, names, "Replace it, by NaN if unknown.")
        return table
    n_records = len(X)
    if n_records < n_needed:
        why = ", because labels are learned by comparing records." if reset else "."
        raise ValueError(
            f"Found array with {n_records} record(s) while a minimum of {n_needed} is required{why}"
        )
    if reset:
        cleaner.n_features_in_ = X.shape[1] if hasattr(X, "shape") else len(X[0])
        cleaner.extractor_ = fit_extractor(
            cleaner.features,
            X,
            memory=cleaner.memory,
            n_jobs=cleaner.n_jobs,
            verbose=cleaner.verbose,
        )
    if not hasattr(cleaner, "extractor_"):
        raise ValueError(
            "X holds signals, but the cleaner was fitted to a table of features; pass a table."
        )
    table = np.asarray(cleaner.extractor_.transform(X), dtype=np.float64)
    _check_no_infinity(table, record_ids(X, n_records), None, "Look at its signal.")
    return table


def record_ids(X, n_records):
    """Return the names of records, or their positions if the names are missing or not unique."""
    if isinstance(X, ECGRecords):
        return X.ids
    names = X.index.to_flat_index() if isinstance(X, pd.DataFrame) else None
    if names is None or not names.is_unique or names.hasnans:
        return np.arange(n_records)
    return check_groups(names, n_records=n_records, name="the index of X", what="name")


def _as_features(X):
    """Return a table of features that scikit-learn can read; refuse values that are not numbers.

    Parameters
    ----------
    X : DataFrame or array-like

    Returns
    -------
    DataFrame or array-like
    """
    X = fill_masked(X)
    if sparse.issparse(X):
        return X
    values = None if isinstance(X, pd.DataFrame) else np.asarray(X)
    if values is not None and (values.dtype.kind in "biufc" or values.ndim == 1):
        return X
    if values is not None and values.ndim != 2:
        raise TypeError(
            "X must be ECGRecords, signals, or a table of features with a row per record; got "
            f"{type(X).__name__}."
        )
    table = X if values is None else pd.DataFrame(values)
    if not table.columns.is_unique:
        repeated = table.columns[table.columns.duplicated()].tolist()[0]
        raise ValueError(f"X has more than one column {repeated!r}: give each a name of its own.")
    return table.apply(_as_numbers)


def _as_numbers(column):
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biufc":
        return column
    found = column.astype(object)
    is_time = column.dtype.kind in "mM"
    numbers = pd.to_numeric(found, errors="coerce").astype(float)
    wrong = found.notna() & (numbers.isna() | is_time)
    if wrong.any():
        record = int(np.flatnonzero(wrong)[0])
        value = found.iloc[record]
        is_nested = isinstance(value, Collection) and not isinstance(value, str)
        raise (TypeError if is_nested else ValueError)(
            f"X must be numbers, but the column {column.name!r} holds {value!r} for record "
            f"{column.index[record]}: each argument must be a number, or a string of a number. "
            "Leave the column out, or encode it as numbers."
        )
    return numbers


def fit_extractor(features, X, *, memory=None, n_jobs=None, verbose=0):
    """Fit a clone of the feature extractor; None means the default one."""
    if features is None:
        extractor = ECGFeatureExtractor(n_jobs=n_jobs, memory=memory, verbose=verbose)
    else:
        extractor = clone(features)
    return extractor.fit(X)


def _check_no_infinity(table, ids, feature_names, cure):
    """Raise an error that names the first infinite value of a table."""
    infinite = np.argwhere(np.isinf(table))
    if len(infinite):
        record, feature = infinite[0]
        names = np.arange(table.shape[1]) if feature_names is None else feature_names
        raise ValueError(
            f"Input X contains infinity: feature {names[feature]!s} of record "
            f"{ids[record]!s}, and {len(infinite) - 1} other values. "
            f"{cure}"
        )


def check_label_names(given, label_names):
    """Raise an error if the labels of `CleaningInput` are not those of a fitted cleaner."""
    if len(given.label_names) != len(label_names):
        raise ValueError(
            f"y has {len(given.label_names)} labels, but the cleaner was fitted to "
            f"{len(label_names)}: {label_names.tolist()}."
        )
    numbered = np.arange(len(given.label_names)).astype(str)
    known = not np.array_equal(given.label_names, numbered)
    if known and not np.array_equal(given.label_names, label_names):
        raise ValueError(
            f"y has the labels {given.label_names.tolist()}, but the cleaner was fitted to "
            f"{label_names.tolist()}; bring them into this order, or rename them."
        )


def order_sources(given, source_names):
    """Return the sources in the order of `fit`."""
    names, known = given.source_names.tolist(), source_names.tolist()
    are_named = has_label_names(names) and has_label_names(known)
    if len(names) == len(known) and not are_named:
        return given.sources
    if set(names) != set(known):
        raise ValueError(
            f"y has {len(names)} source(s), {', '.join(names)}, but the cleaner was fitted to "
            f"{len(known)}: {', '.join(known)}. Pass the same sources; for a source without "
            "labels, pass a table of -1."
        )
    return given.sources[:, :, [names.index(name) for name in known]]


def fingerprints(table, weak):
    """Return a key per record, by which `transform` recognises the records of `fit`."""
    return [
        hashlib.blake2b(row.tobytes() + given.tobytes(), digest_size=16).hexdigest()
        for row, given in zip(np.ascontiguousarray(table), np.ascontiguousarray(weak), strict=True)
    ]

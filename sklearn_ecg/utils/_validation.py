"""Checks of what users pass in; each message names the argument, what was found, and the cure."""

import numpy as np
import pandas as pd
from scipy import sparse


def check_labels(labels, *, n_records=None, name="y", label_names=None):
    """Check a multi-label indicator.

    Parameters
    ----------
    labels : array-like or DataFrame of shape (n_records, n_labels), or of shape (n_records,)
        1 present, 0 absent, -1 unknown. One-dimensional input is a single label.
    n_records : int, default=None
        The number of records that the labels must have.
    name : str, default="y"
        The argument's name in error messages.
    label_names : sequence of str, default=None
        Names of the labels; by default the columns of a DataFrame, else unknown (None).

    Returns
    -------
    labels : ndarray of shape (n_records, n_labels), int8
    label_names : ndarray of shape (n_labels,) of str, or None
    """
    if isinstance(labels, pd.Series) and labels.name is not None:
        labels = labels.to_frame()
    if isinstance(labels, pd.DataFrame):
        if label_names is None:
            label_names = [str(column) for column in labels.columns]
        labels = labels.to_numpy()
    if sparse.issparse(labels):
        labels = labels.toarray()
    values = np.asarray(labels)
    if values.ndim == 1:
        values = values[:, np.newaxis]
    if values.ndim != 2:
        raise ValueError(
            f"{name} must be a multi-label indicator of shape (n_records, n_labels); got an array "
            f"of shape {values.shape}."
        )
    if n_records is not None and len(values) != n_records:
        raise ValueError(
            f"{name} has labels for {len(values)} records, but there are {n_records} records."
        )
    values = _as_indicator(values, name)
    if label_names is not None:
        if isinstance(label_names, str):
            raise ValueError(
                f"label_names must be a sequence of names, not the string {label_names!r}."
            )
        label_names = np.asarray(label_names, dtype=str)
        if label_names.shape != (values.shape[1],):
            raise ValueError(
                f"label_names must hold one name for each of the {values.shape[1]} labels; got "
                f"{label_names.size} names."
            )
        names, counts = np.unique(label_names, return_counts=True)
        if (counts > 1).any():
            raise ValueError(f"label_names must be unique; repeated: {list(names[counts > 1])}.")
    return values, label_names


def _as_indicator(values, name):
    """Return `values` as int8, or say which entry is not 0, 1 or -1."""
    valid = np.isin(values, (0, 1, -1))
    if not valid.all():
        record, label = np.argwhere(~valid)[0]
        found = values.item(record, label)
        cure = (
            "Where a label is not known, write -1."
            if pd.isna(found)
            else "For classes in one column use sklearn.preprocessing.MultiLabelBinarizer or "
            "LabelBinarizer first."
        )
        raise ValueError(
            f"{name} must hold 1 (present), 0 (absent) or -1 (unknown) only; got {found!r} for "
            f"record {record}, label {label}. {cure}"
        )
    return values.astype(np.int8)


def check_trusted(trusted, *, n_records, name="trusted"):
    """Check the mask of trusted records; None means that every record is trusted.

    Parameters
    ----------
    trusted : array-like of bool of shape (n_records,), or None
    n_records : int
    name : str, default="trusted"

    Returns
    -------
    ndarray of bool of shape (n_records,)
    """
    if trusted is None:
        return np.ones(n_records, dtype=bool)
    mask = np.asarray(trusted)
    if mask.shape != (n_records,):
        raise ValueError(
            f"{name} must be a mask with one entry for each of the {n_records} records; got an "
            f"array of shape {mask.shape}."
        )
    if pd.isna(mask).any():
        record = int(np.flatnonzero(pd.isna(mask))[0])
        raise ValueError(
            f"{name} is missing for record {record}; a record of which that is unknown is not "
            "trusted: False."
        )
    if mask.dtype != bool:
        if not np.isin(mask, (0, 1)).all():
            raise ValueError(
                f"{name} must be a mask of True and False, not of {mask.dtype} values such as "
                f"{mask.item(0)!r}; make one of indices with np.isin(np.arange(n), indices)."
            )
        mask = mask.astype(bool)
    if n_records and not mask.any():
        raise ValueError(
            f"{name} is False for all {n_records} records: cleaning and scoring need some records "
            "whose labels are known to be right."
        )
    return mask


def check_groups(groups, *, n_records, name="groups"):
    """Check one group (patient) per record; None stays None.

    Parameters
    ----------
    groups : array-like of shape (n_records,), or None
    n_records : int
    name : str, default="groups"

    Returns
    -------
    ndarray of shape (n_records,), or None
    """
    if groups is None:
        return None
    # A list becomes an array in two steps: in one, NumPy would make text of numbers beside text,
    # and of a NaN that marks an unknown patient.
    values = groups if hasattr(groups, "dtype") else np.array(groups, dtype=object)
    values = np.asarray(values)
    if values.shape != (n_records,):
        raise ValueError(
            f"{name} must hold one patient for each of the {n_records} records; got an array of "
            f"shape {values.shape}."
        )
    if pd.isna(values).any():
        record = int(np.flatnonzero(pd.isna(values))[0])
        raise ValueError(
            f"{name} is missing for record {record}; give a record of an unknown patient a group "
            "of its own."
        )
    if values.dtype == object:
        _check_one_type(values, name)
    return np.asarray(groups)


def _check_one_type(values, name):
    is_text = np.array([isinstance(value, str) for value in values])
    if is_text.any() and not is_text.all():
        text, other = values[is_text][0], values[~is_text][0]
        raise TypeError(
            f"{name} holds text such as {text!r} beside values of another type such as {other!r}; "
            f"whether 1 and '1' are the same is not guessed. Make all of them text, for example "
            f"by [str(value) for value in {name}]."
        )

"""Check arguments of users; each message names the argument, the value found, and the cure."""

import math
import numbers
import os
from collections.abc import Collection, Hashable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from sklearn_ecg.utils._alignment import align_labels, align_records


def check_path(path, name):
    """Return a path as a Path, with "~" replaced by the home folder.

    Parameters
    ----------
    path : object
    name : str
        The parameter's name in the error message.

    Raises
    ------
    TypeError
        If it is not a path.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{name} must be a path; got {path!r}.")
    return Path(path).expanduser()


def check_option(value, allowed, name):
    """Check that a parameter has one of its allowed values.

    Parameters
    ----------
    value : object
    allowed : sequence
    name : str
        The parameter's name in the error message.

    Raises
    ------
    ValueError
    """
    if isinstance(value, Hashable) and value in allowed:
        return
    *others, last = [repr(option) for option in allowed]
    raise ValueError(
        f"Invalid value for the {name!r} parameter. Allowed values are {', '.join(others)} and "
        f"{last}, but got {value!r} instead."
    )


def check_labels(labels, *, n_records=None, ids=None, name="y", label_names=None, allow_soft=False):
    """Check a multi-label indicator.

    Parameters
    ----------
    labels : array-like or DataFrame of shape (n_records, n_labels), or of shape (n_records,)
        1 present, 0 absent, -1 unknown. Masked and missing values (NaN, None, NA) are unknown.
        One-dimensional input is a single label.
    n_records : int, default=None
        The required number of records.
    ids : array-like of shape (n_records,), default=None
        Names of the records; the rows of a DataFrame are matched to them, see `align_records`.
    name : str, default="y"
        The argument's name in error messages.
    label_names : sequence of str, default=None
        Names of the labels; by default the columns of a DataFrame, else unknown (None). The
        columns of the DataFrame in another order are an error.
    allow_soft : bool, default=False
        Whether labels may be any number from 0 to 1, such as likelihoods.

    Returns
    -------
    labels : ndarray of shape (n_records, n_labels)
        int8; with `allow_soft` float32, NaN for unknown.
    label_names : ndarray of shape (n_labels,) of str, or None
    """
    labels = align_records(labels, ids, name=name)
    if isinstance(labels, pd.Series) and labels.name is not None:
        labels = labels.to_frame()
    if isinstance(labels, pd.DataFrame):
        columns = [str(column) for column in labels.columns]
        label_names = columns if label_names is None else label_names
        _refuse_other_order(columns, label_names, name)
        # pandas would turn a missing category into a huge number.
        is_plain = all(isinstance(dtype, np.dtype) for dtype in labels.dtypes)
        labels = (labels if is_plain else labels.astype(object)).to_numpy()
    if sparse.issparse(labels):
        labels = labels.toarray()
    values = label_array(labels, name)
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
            raise ValueError(f"label_names must be unique; repeated: {names[counts > 1].tolist()}.")
    as_labels = _as_soft_labels if allow_soft else _as_indicator
    return as_labels(values, name, ids, label_names), label_names


def _refuse_other_order(columns, label_names, name):
    if isinstance(label_names, str):
        return
    names = [str(label) for label in label_names]
    if names != columns and sorted(names) == sorted(columns):
        raise ValueError(
            f"{name} has the columns {columns}, and label_names holds them in another order, "
            f"{names}: leave label_names out, or pass {name}[label_names]."
        )


def label_array(labels, name):
    """Return labels as an array, NaN where masked; refuse lists of the names of labels."""
    cure = (
        "If each row holds the names of a record's labels, turn them into 0 and 1 by "
        "sklearn.preprocessing.MultiLabelBinarizer: its fit_transform turns [['AF'], "
        "['NSR', 'PVC'], []] into [[1, 0, 0], [0, 1, 1], [0, 0, 0]], its classes_ are label_names."
    )
    try:
        values = np.asarray(fill_masked(labels))
    except ValueError as error:
        raise ValueError(f"{name} has rows of different lengths. {cure}") from error
    if values.dtype == object and values.ndim == 1:
        for value in values:
            if isinstance(value, Collection) and not isinstance(value, str):
                raise ValueError(f"{name} holds values such as {value!r}. {cure}")
    return values


def _as_indicator(values, name, ids, label_names):
    """Return `values` as int8 with -1 for unknown; refuse values other than 0, 1 and -1."""
    found, is_missing = _as_floats(values)
    found[is_missing] = -1
    invalid = ~np.isin(found, (0, 1, -1))
    if invalid.any():
        place, cure = _first(invalid, values, ids, label_names)
        raise ValueError(
            f"{name} must hold 1 (present), 0 (absent) or -1 (unknown) only; got {place}. {cure}"
        )
    return found.astype(np.int8)


def _as_soft_labels(values, name, ids, label_names):
    """Return `values` as float32 with NaN for unknown; refuse values outside of 0 to 1 and -1."""
    found, is_missing = _as_floats(values)
    is_unknown = is_missing | (found == -1)
    invalid = ~is_unknown & ~((found >= 0) & (found <= 1))
    if invalid.any():
        place, cure = _first(invalid, values, ids, label_names)
        raise ValueError(
            f"{name} must hold labels from 0 (absent) to 1 (present), or -1 (unknown); got "
            f"{place}. Divide likelihoods in percent by 100. {cure}"
        )
    return np.where(is_unknown, np.nan, found).astype(np.float32)


def _as_floats(values):
    """Return `values` as floats, NaN where not a number, and a mask of the missing ones."""
    is_missing = pd.isna(values)
    is_number = ~is_missing
    if values.dtype.kind not in "biuf":
        is_real = np.frompyfunc(lambda value: isinstance(value, numbers.Real | np.bool_), 1, 1)
        is_number &= is_real(values).astype(bool)
    found = np.full(values.shape, np.nan)
    found[is_number] = values[is_number]
    return found, is_missing


def _first(invalid, values, ids, label_names):
    """Describe the first invalid label, and what to do."""
    record, label = np.argwhere(invalid)[0]
    found = values.item(record, label)
    record = record if ids is None else pd.Index(ids)[record]
    label = label if label_names is None else label_names[label]
    cure = (
        "Labels are numbers, not text: convert them with astype(int)."
        if str(found).strip() in ("0", "1", "-1")
        else "For classes in one column use sklearn.preprocessing.MultiLabelBinarizer or "
        "LabelBinarizer first."
    )
    return f"{found!r} for record {record}, label {label}", cure


def check_trusted(
    trusted, *, n_records, ids=None, n_labels=None, label_names=None, name="trusted", none_too=False
):
    """Check a mask of trusted records, or of trusted labels.

    Parameters
    ----------
    trusted : True, None, or array-like of bool of shape (n_records,) or (n_records, n_labels)
        True and None trust all labels of all records.
    n_records : int
        The required number of rows.
    ids : array-like of shape (n_records,), default=None
        Names of the records; the rows of a table are matched to them, see `align_records`.
    n_labels : int, default=None
        The required number of columns of a mask of labels.
    label_names : array-like of shape (n_labels,) of str, default=None
        Names of the labels; the columns of a DataFrame are matched to them.
    name : str, default="trusted"
        The argument's name in error messages.
    none_too : bool, default=False
        Whether the mask may be False everywhere, as in a part of a data set.

    Returns
    -------
    ndarray of bool of shape (n_records,) or (n_records, n_labels)
        It has the shape that was given.
    """
    if trusted is None or (isinstance(trusted, bool | np.bool_) and trusted):
        return np.ones(n_records, dtype=bool)
    trusted = align_records(trusted, ids, name=name)
    columns = trusted.columns if isinstance(trusted, pd.DataFrame) else None
    mask = np.asarray(trusted.toarray() if sparse.issparse(trusted) else fill_masked(trusted))
    if mask.ndim not in (1, 2) or len(mask) != n_records:
        raise ValueError(
            f"{name} must be a mask with one entry for each of the {n_records} records, or for "
            f"each of their labels; got an array of shape {mask.shape}."
        )
    if mask.ndim == 2 and n_labels is not None and mask.shape[1] != n_labels:
        raise ValueError(
            f"{name} has {mask.shape[1]} columns, but there are {n_labels} labels. To trust whole "
            "records pass a mask of one dimension."
        )
    is_missing = pd.isna(mask)
    if is_missing.any():
        record = int(np.argwhere(is_missing)[0, 0])
        raise ValueError(
            f"{name} is missing for record {record}. Fill missing values with False: a record is "
            "not trusted unless somebody has checked it."
        )
    # NumPy would turn each text into True, also "False".
    if mask.size and (mask.dtype.kind not in "biufO" or not np.isin(mask, (0, 1)).all()):
        raise ValueError(
            f"{name} must be a mask of True and False, not of {mask.dtype} values such as "
            f"{mask.item(0)!r}; make one of indices with np.isin(np.arange(n), indices)."
        )
    mask = mask.astype(bool, copy=False)
    if mask.size and not none_too and not mask.any():
        raise ValueError(
            f"{name} is False for all {n_records} records: cleaning and scoring need some records "
            "whose labels are known to be right."
        )
    if mask.ndim == 2:
        mask = align_labels(mask, columns, label_names, name=name, owner="the records have")
    return mask


def trusted_records(trusted):
    """Return a mask of the records whose labels are all trusted.

    Parameters
    ----------
    trusted : ndarray of bool of shape (n_records,) or (n_records, n_labels)

    Returns
    -------
    ndarray of bool of shape (n_records,)

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.utils import trusted_records
    >>> trusted_records(np.array([[True, True], [True, False]]))
    array([ True, False])
    """
    return trusted if trusted.ndim == 1 else trusted.all(axis=1)


def trusted_labels(trusted, n_labels):
    """Return a mask of the trusted labels.

    Parameters
    ----------
    trusted : ndarray of bool of shape (n_records,) or (n_records, n_labels)
    n_labels : int

    Returns
    -------
    ndarray of bool of shape (n_records, n_labels)
        It is read-only if the trust is per record.
    """
    if trusted.ndim == 2:
        return trusted
    return np.broadcast_to(trusted[:, np.newaxis], (len(trusted), n_labels))


def _check_characters(values, name):
    """Refuse NUL characters: pandas reads text up to them, and takes names that differ for one."""
    if "\0" in "".join(value for value in values if isinstance(value, str)):
        record = next(i for i, value in enumerate(values) if "\0" in str(value))
        raise ValueError(
            f"{name} must hold no NUL characters; got {values[record]!r} for record {record}."
        )


def check_groups(groups, *, n_records, ids=None, name="groups", what="patient"):
    """Check that groups holds one group (patient) per record; None stays None.

    Parameters
    ----------
    groups : array-like of shape (n_records,), or None
    n_records : int
        The required number of groups.
    ids : array-like of shape (n_records,), default=None
        Names of the records; the rows of a Series are matched to them, see `align_records`.
    name : str, default="groups"
        The argument's name in error messages.
    what : str, default="patient"
        The word for one group in error messages.

    Returns
    -------
    ndarray of shape (n_records,), or None
    """
    if groups is None:
        return None
    groups = align_records(groups, ids, name=name)
    # A list becomes an array of objects first: NumPy would turn numbers beside text into text, and
    # also a NaN that marks an unknown patient.
    groups = fill_masked(groups)
    values = np.asarray(groups if hasattr(groups, "dtype") else np.array(groups, dtype=object))
    is_missing = pd.isna(values)
    if values.shape != (n_records,):
        raise ValueError(
            f"{name} must hold one {what} for each of the {n_records} records; got an array of "
            f"shape {values.shape}."
        )
    if is_missing.any():
        record = int(np.flatnonzero(is_missing)[0])
        raise ValueError(f"{name} is missing for record {record}; give it a {what} of its own.")
    if values.dtype == object:
        _check_one_type(values, name)
    if values.dtype.kind in "OU":
        _check_characters(values.tolist(), name)
    groups = np.asarray(groups)
    is_inexact = groups.dtype.kind == "f"
    if is_inexact and (np.abs(groups) >= 2 ** (np.finfo(groups.dtype).nmant + 1)).any():
        raise ValueError(
            f"{name} holds floats such as {groups.max():.17g}, which may have lost digits: read "
            "them as text, with dtype=str."
        )
    return groups


def check_sample_weight(sample_weight, *, n_records, ids=None):
    """Check the weights of records.

    Parameters
    ----------
    sample_weight : array-like of shape (n_records,), or None
        With None each record has weight 1.
    n_records : int
        The required number of weights.
    ids : array-like of shape (n_records,), default=None
        Names of the records; the rows of a Series are matched to them, see `align_records`.

    Returns
    -------
    ndarray of float of shape (n_records,)
    """
    if sample_weight is None:
        return np.ones(n_records)
    weights = align_records(sample_weight, ids, name="sample_weight")
    weights = number_array(weights, "sample_weight")
    if weights.shape != (n_records,) or not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError(
            f"sample_weight must hold a finite number of at least 0 for each of the {n_records} "
            f"records; got an array of shape {weights.shape}."
        )
    return weights


def number_array(values, name):
    """Return numbers as an array of floats, NaN where masked.

    Parameters
    ----------
    values : array-like
    name : str
        The argument's name in the error message.

    Returns
    -------
    ndarray of float64

    Raises
    ------
    ValueError
        If `values` holds anything but numbers.
    """
    try:
        found = np.asarray(fill_masked(values))
        if found.dtype.kind in "biufO":
            return found.astype(float)
        reason = f"they are of {found.dtype}"
    except (TypeError, ValueError) as error:
        reason = str(error)
    raise ValueError(f"{name} must be an array of numbers; got {type(values).__name__}: {reason}.")


def plain_float(values):
    """Return numbers as float32 or float64, in C order and in this machine's byte order.

    Half precision becomes float32, because its sums overflow; whole numbers become float64. The
    order of axes is fixed, because it changes the last digits of NumPy's sums.

    Parameters
    ----------
    values : ndarray of numbers

    Returns
    -------
    ndarray
        The array itself, if it already has this form.
    """
    is_single = values.dtype.kind == "f" and values.dtype.itemsize <= 4
    return np.asarray(values, np.float32 if is_single else np.float64, order="C")


def empty_array(shape, dtype, asked):
    """Return an array to be filled.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype
    asked : str
        The first words of the error message.

    Raises
    ------
    ValueError
        If the array does not fit into memory.
    """
    try:
        return np.empty(shape, dtype)
    except (MemoryError, OverflowError, ValueError) as error:
        size = math.prod(map(float, shape)) * np.dtype(dtype).itemsize / 1e9
        raise ValueError(
            f"{asked} asks for an array of shape {shape}, {size:.3g} GB, which does not fit into "
            "memory."
        ) from error


def fill_masked(values):
    """Replace masked values by NaN; return objects without a mask unchanged.

    Parameters
    ----------
    values : object
        A masked array, or a list or tuple of masked arrays, is filled. Integers become floats;
        values that are not numbers become objects.

    Returns
    -------
    object
        `values` without masks.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.utils import fill_masked
    >>> fill_masked(np.ma.masked_array([1, 2, 3], mask=[False, True, False]))
    array([ 1., nan,  3.])
    """
    if isinstance(values, (list, tuple)) and any(map(np.ma.isMaskedArray, values)):
        return [fill_masked(value) for value in values]
    if not np.ma.isMaskedArray(values):
        return values
    if not np.ma.is_masked(values):
        return values.data
    if values.dtype.kind in "biu":
        values = values.astype(np.result_type(values.dtype, np.float32))
    elif values.dtype.kind not in "fc":
        values = values.astype(object)
    return values.filled(np.nan)


def _check_one_type(values, name):
    is_text = np.array([isinstance(value, str) for value in values])
    if is_text.any() and not is_text.all():
        text, other = values[is_text][0], values[~is_text][0]
        raise TypeError(
            f"{name} holds text such as {text!r} beside values of another type such as {other!r}; "
            f"1 and '1' could mean the same or not. Turn all of them into text, for example by "
            f"[str(value) for value in {name}]."
        )

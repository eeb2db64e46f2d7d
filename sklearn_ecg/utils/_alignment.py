"""Bring the rows and columns of tables into the order of the records and labels."""

import re
import unicodedata

import numpy as np
import pandas as pd

# Whole numbers as text. Spreadsheets write 7 as "7.0".
_WHOLE_NUMBER = re.compile(r"([+-]?\d+)(?:\.0*)?")
# From here on, two neighbouring whole numbers can be the same float.
LARGEST_EXACT_FLOAT = 2**53


def ids_of(*sources):
    """Return the names of the records, from the first source that has names.

    Parameters
    ----------
    *sources : ECGRecords, DataFrame, Series, array-like or None

    Returns
    -------
    ndarray of shape (n_records,), Index, or None if no source names its records
    """
    for source in sources:
        if isinstance(source, pd.DataFrame | pd.Series):
            return source.index
        if hasattr(source, "ids"):
            return source.ids
    return None


def as_pandas(values):
    """Convert a polars table to pandas without losing digits; return other objects unchanged.

    Parameters
    ----------
    values : polars DataFrame, LazyFrame or Series, or anything else

    Returns
    -------
    DataFrame, Series, or what was given
    """
    if type(values).__module__.partition(".")[0] != "polars":
        return values
    values = values.collect() if hasattr(values, "collect") else values
    if hasattr(values, "columns"):
        return pd.DataFrame({name: as_pandas(values[name]) for name in values.columns})
    # As objects: pandas would turn whole numbers beside a missing one into floats.
    return pd.Series(values.to_list(), name=values.name or None, dtype=object).infer_objects()


def align_records(values, ids, *, name, by_position="{}.to_numpy()"):
    """Bring the rows of a table into the order of the records, by the table's index.

    Rows go by position if the index only counts rows: the default index 0, 1, 2, ... of pandas,
    or numbers beside ids that are not numbers. Tables of polars have no index, and go by position.
    An error is raised if the default index holds the same numbers as the ids in another order,
    because position and name then disagree.

    Parameters
    ----------
    values : DataFrame, Series, or anything else
        Objects without a pandas index are returned unchanged; a polars table as a pandas table.
    ids : array-like of shape (n_records,), or None
        Names of the records. The number 7 and the text "7" are the same name. With None, rows go
        by position.
    name : str
        The argument's name in error messages.
    by_position : str, default="{}.to_numpy()"
        The expression that error messages recommend for rows in the order of the records. Braces
        stand for the name.

    Returns
    -------
    values : DataFrame or Series of n_records rows, or the object that was given

    Raises
    ------
    ValueError
        If the index lacks a record, holds a record twice, or holds an unknown record.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ecg.utils import align_records
    >>> y = pd.Series([1, 0, 0], index=["c", "a", "b"])
    >>> align_records(y, ["a", "b", "c"], name="y").tolist()
    [0, 0, 1]
    """
    index = getattr(values, "index", None)
    if ids is None or not isinstance(index, pd.Index):
        return as_pandas(values)
    own = ids.index if isinstance(ids, pd.Series) else None
    if own is not None and index.equals(own):  # rows of one table
        return values
    ids = pd.Index(as_pandas(ids))
    # The types must agree, because a float that has lost digits equals a whole number.
    if index.dtype == ids.dtype and index.equals(ids):
        return values
    names, known = comparable_ids(index, ids, name=f"The index of {name}")
    if names.equals(known):
        return values
    for names_of, wanted in ((names, known), (index, own)):
        if wanted is None or not names_of.is_unique or not wanted.is_unique:
            continue
        if not names_of.symmetric_difference(wanted, sort=False).empty:
            continue
        if _is_default(index):
            raise ValueError(
                f"The rows of {name} are numbered from 0, and the records' ids are the same "
                f"numbers in another order, beginning with {wanted[0]}: whether rows go by "
                f"position or by id is not guessed. Pass {name}.to_numpy() to go by position, "
                f"{name}.loc[ids] to go by id."
            )
        return values.iloc[names_of.get_indexer(wanted)]
    if _is_default(index) or _is_default(ids) or _speak_of_different_things(index, ids):
        return values
    raise ValueError(_mismatch(names, known, name, by_position.format(name)) + _hint(index, known))


def comparable_ids(names, ids, *, name="The table"):
    """Return the names in a table and the ids of records as texts that can be compared.

    A number becomes the text of all its digits. The text "007" equals the id 7 if the ids are
    numbers, and differs from the id "7" if they are texts. Spaces around names and the composition
    of Unicode letters are ignored, unless two names differ only in them.

    Parameters
    ----------
    names, ids : array-like of shape (n_names,) and (n_records,)
    name : str, default="The table"
        The first words of error messages about `names`.

    Returns
    -------
    names, ids : Index of str
        NaN for a missing name.

    Raises
    ------
    ValueError
        If a name is a float so large that digits are lost.
    """
    ids = pd.Index(ids)
    by_number = ids.dtype.kind in "iuf"
    return _texts(names, by_number, name), _texts(ids, by_number, "X")


def find_ids(names, ids):
    """Return the position of each name among ids, by `comparable_ids`; -1 for an unknown name.

    Parameters
    ----------
    names, ids : array-like of shape (n_names,) and (n_records,)

    Returns
    -------
    ndarray of int of shape (n_names,)
    """
    names, known = comparable_ids(names, ids)
    return known.get_indexer(names)


def _texts(names, by_number, owner):
    texts = [_text(name, by_number, owner) for name in names]
    plain = [
        unicodedata.normalize("NFC", text.strip()) if isinstance(text, str) else text
        for text in texts
    ]
    tells_apart = len(set(plain)) == len(set(texts))
    return pd.Index(plain if tells_apart else texts, dtype=object)


def _text(name, by_number, owner):
    if not isinstance(name, tuple) and pd.isna(name):
        return np.nan
    if isinstance(name, float | np.floating):
        if abs(name) >= LARGEST_EXACT_FLOAT:
            raise ValueError(
                f"{owner} names a record by the float {name:.17g}: floats from 2**53 on lose "
                "digits, so it could be the id of another record. Read ids as text, with dtype=str."
            )
        name = int(name) if float(name).is_integer() else name
    text = name.decode() if isinstance(name, bytes) else str(name)
    if not text.strip():
        return np.nan
    number = _WHOLE_NUMBER.fullmatch(text.strip()) if by_number else None
    return text if number is None else str(int(number[1]))


def _is_default(index):
    """Whether an index is the default index of pandas."""
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1


def _speak_of_different_things(index, ids):
    """Whether one side holds numbers, and the other side holds names without any number."""
    sides = [(index, ids), (ids, index)]
    return any(
        numbers.dtype.kind in "iu"
        and names.dtype.kind not in "iuf"
        and not any(_WHOLE_NUMBER.fullmatch(str(name).strip()) for name in names)
        for numbers, names in sides
    )


def _mismatch(names, known, name, by_position):
    for found, where in ((names, name), (known, "X")):
        repeated = found[found.duplicated()].tolist()
        if repeated:
            return (
                f"{name} cannot be matched to the records: the index of {where} holds "
                f"{repeated[0]!r} more than once. Leave one row for each record, or pass "
                f"{by_position} if its rows are in their order."
            )
    missing = known[~known.isin(names)].tolist()
    unknown = names[~names.isin(known)].tolist()
    found = []
    if missing:
        found.append(f"it has no row for {missing[0]!r} ({len(missing)} records are missing)")
    if unknown:
        found.append(f"{unknown[0]!r} is no record ({len(unknown)} rows are unknown)")
    return (
        f"The index of {name} does not name the {len(known)} records: {', and '.join(found)}. Give "
        f"each record a row, or pass {by_position} if its rows are in the order of the records."
    )


def _hint(index, known):
    are_texts = any(_WHOLE_NUMBER.fullmatch(text) for text in known if isinstance(text, str))
    if index.dtype.kind not in "iuf" or not are_texts:
        return ""
    return (
        f" Numbers such as {index[0]} have lost leading zeros, and floats may have lost digits: "
        "read the index as text, with dtype=str."
    )


def align_labels(labels, names, known, *, name, owner):
    """Bring the columns of a table of labels into the order of the known labels.

    Parameters
    ----------
    labels : ndarray of shape (n_records, n_labels)
    names, known : array-like of shape (n_labels,) of str, or None
        Columns go by position if the labels have no names, or the names "0", "1", ....
    name, owner : str
        The table's name in error messages, and the owner of the known labels with a verb, such as
        "the records have".

    Returns
    -------
    ndarray of shape (n_records, n_labels)

    Raises
    ------
    ValueError
        If the labels, or their number, differ from the known ones.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.utils import align_labels
    >>> y = np.array([[1, 0], [0, 0]])
    >>> align_labels(y, ["PVC", "AF"], ["AF", "PVC"], name="y", owner="the records have")
    array([[0, 1],
           [0, 0]])
    """
    are_named = has_label_names(names) and has_label_names(known)
    names, known = (None if given is None else [str(n) for n in given] for given in (names, known))
    if are_named and set(names) == set(known):
        return labels[:, [names.index(label) for label in known]]
    if known is not None and labels.shape[1] != len(known):
        raise ValueError(
            f"{name} has {labels.shape[1]} labels, but {owner} {len(known)}: {', '.join(known)}."
        )
    if are_named:
        raise ValueError(
            f"{name} has the labels {', '.join(names)}, but {owner} {', '.join(known)}."
        )
    return labels


def has_label_names(names):
    """Whether labels have names, and not only the numbers of their columns."""
    return names is not None and [str(n) for n in names] != [str(i) for i in range(len(names))]

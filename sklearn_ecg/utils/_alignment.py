"""Tables brought to the records and labels that their index and columns name."""

import re

import numpy as np
import pandas as pd

# Whole numbers as text, also as spreadsheets write them.
_WHOLE_NUMBER = re.compile(r"([+-]?\d+)(?:\.0*)?")
# Beyond it floats cannot tell one whole number from the next.
LARGEST_EXACT_FLOAT = 2**53


def ids_of(*sources):
    """Return the names by which tables find records, those of the first source that has any.

    Parameters
    ----------
    *sources : ECGRecords, DataFrame, Series, array-like or None

    Returns
    -------
    ndarray of shape (n_records,), Index, or None where no source names its records
    """
    for source in sources:
        if isinstance(source, pd.DataFrame | pd.Series):
            return source.index
        if hasattr(source, "ids"):
            return source.ids
    return None


def align_records(values, ids, *, name):
    """Return the rows of a table in the order of the records, found by its index.

    An index names records unless it merely counts rows: the default index 0, 1, 2, ... of pandas,
    and numbers beside ids that are names (a selection of rows of such a table), belong to records
    by position. Where the default index and the ids are the same numbers in another order, either
    could be meant, and neither is guessed.

    Parameters
    ----------
    values : DataFrame, Series, or anything else
        What has no pandas index is returned as it is.
    ids : array-like of shape (n_records,), or None
        Names of the records; with None rows go by position. Numbers and the text that they make
        are the same name.
    name : str
        The argument's name in error messages.

    Returns
    -------
    values : DataFrame or Series of n_records rows, or what was given

    Raises
    ------
    ValueError
        If a record is missing from the index, is in it twice, or is unknown.

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
        return values
    if isinstance(ids, pd.Series):
        if index.equals(ids.index):  # rows of one table
            return values
        ids = ids.to_numpy()
    ids = pd.Index(ids)
    if index.equals(ids):
        return values
    names, known = comparable_ids(index, ids)
    if names.equals(known):
        return values
    if known.is_unique and names.is_unique and names.symmetric_difference(known).empty:
        if _is_default(index):
            raise ValueError(
                f"The rows of {name} are numbered from 0, and the records' ids are the same "
                f"numbers in another order, beginning with {ids[0]}: whether rows go by position "
                f"or by id is not guessed. Pass {name}.to_numpy() for the one, {name}.loc[ids] "
                "for the other."
            )
        return values.iloc[names.get_indexer(known)]
    if _is_default(index) or _is_default(ids) or _speak_of_different_things(index, ids):
        return values
    raise ValueError(_mismatch(names, known, name) + _hint(index, known))


def comparable_ids(names, ids):
    """Return names in a table and ids of records as texts that are equal if they mean the same.

    Numbers become the text of all their digits. Where the ids are numbers, a text such as "007"
    is one; where they are texts, it is not 7. Spaces around names do not count, unless names
    differ in nothing else.

    Parameters
    ----------
    names, ids : array-like of shape (n_names,) and (n_records,)

    Returns
    -------
    names, ids : Index of str
        NaN where a name is missing.
    """
    ids = pd.Index(ids)
    by_number = ids.dtype.kind in "iuf"
    return _texts(names, by_number), _texts(ids, by_number)


def _texts(names, by_number):
    texts = [_text(name, by_number) for name in names]
    stripped = [text.strip() if isinstance(text, str) else text for text in texts]
    tells_apart = len(set(stripped)) == len(set(texts))
    return pd.Index(stripped if tells_apart else texts, dtype=object)


def _text(name, by_number):
    if not isinstance(name, tuple) and pd.isna(name):
        return np.nan
    if isinstance(name, float) and name.is_integer() and abs(name) < LARGEST_EXACT_FLOAT:
        name = int(name)
    text = name.decode() if isinstance(name, bytes) else str(name)
    if not text.strip():
        return np.nan
    number = _WHOLE_NUMBER.fullmatch(text.strip()) if by_number else None
    return text if number is None else str(int(number[1]))


def _is_default(index):
    """Whether an index is the one that pandas gives to rows without names."""
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1


def _speak_of_different_things(index, ids):
    """Whether one side holds numbers, and the other names of which none is a number."""
    sides = [(index, ids), (ids, index)]
    return any(
        numbers.dtype.kind in "iu"
        and names.dtype.kind not in "iuf"
        and not any(_WHOLE_NUMBER.fullmatch(str(name).strip()) for name in names)
        for numbers, names in sides
    )


def _mismatch(names, known, name):
    for found, where in ((names, name), (known, "X")):
        repeated = found[found.duplicated()]
        if len(repeated):
            return (
                f"{name} cannot be matched to the records: the index of {where} holds "
                f"{repeated[0]!r} more than once. Leave one row for each record, or pass "
                f"{name}.to_numpy() if its rows are in their order."
            )
    missing, unknown = known[~known.isin(names)], names[~names.isin(known)]
    found = []
    if len(missing):
        found.append(f"it has no row for {missing[0]!r} ({len(missing)} records are missing)")
    if len(unknown):
        found.append(f"{unknown[0]!r} is no record ({len(unknown)} rows are unknown)")
    return (
        f"The index of {name} does not name the {len(known)} records: {', and '.join(found)}. Give "
        f"each record a row, or pass {name}.to_numpy() if its rows are in the order of the records."
    )


def _hint(index, known):
    are_texts = any(_WHOLE_NUMBER.fullmatch(text) for text in known if isinstance(text, str))
    if index.dtype.kind not in "iuf" or not are_texts:
        return ""
    return (
        f" Numbers such as {index[0]} lose zeros at their front, and digits where they are floats: "
        "read the index as text, with dtype=str."
    )


def align_labels(labels, names, known, *, name, owner):
    """Return the columns of a table of labels in the order of known labels.

    Parameters
    ----------
    labels : ndarray of shape (n_records, n_labels)
    names, known : array-like of shape (n_labels,) of str, or None
        Labels that have no names, or the names "0", "1", ..., go by position.
    name, owner : str
        How error messages name the table, and those who know the labels, with a verb: "the
        records have".

    Returns
    -------
    ndarray of shape (n_records, n_labels)

    Raises
    ------
    ValueError
        If the labels are others, or others in number.

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
    """Whether labels have names of their own, and not merely the numbers of their columns."""
    return names is not None and [str(n) for n in names] != [str(i) for i in range(len(names))]

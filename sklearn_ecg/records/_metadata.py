"""Check and join the metadata of records, such as age and device."""

import numpy as np
import pandas as pd

from sklearn_ecg.utils import align_records, as_pandas


def check_metadata(metadata, ids, n_records):
    """Return a table with a row per record, in the order of the records; None stays None.

    Parameters
    ----------
    metadata : DataFrame or None
        Its rows are matched to the records by `align_records`.
    ids : array-like of shape (n_records,), or None
        Names of the records.
    n_records : int
        The required number of rows.

    Returns
    -------
    DataFrame or None
        Its index is 0, 1, .... None for a table without columns.
    """
    if metadata is None:
        return None
    metadata = as_pandas(metadata)
    if not isinstance(metadata, pd.DataFrame):
        raise TypeError(
            "metadata must be a DataFrame with a row per record, such as pd.DataFrame({'age_years':"
            f" [61, 48]}}, index=ids); got {type(metadata).__name__}."
        )
    columns = metadata.columns
    if not columns.is_unique:
        repeated = columns[columns.duplicated()].tolist()[0]
        raise ValueError(
            f"metadata has more than one column {repeated!r}: give each a name of its own."
        )
    if not all(isinstance(name, str) for name in columns):
        raise ValueError(f"The columns of metadata must have names; got {list(columns)}.")
    metadata = align_records(metadata, ids, name="metadata", by_position="{}.set_axis(ids)")
    if len(metadata) != n_records:
        raise ValueError(
            f"metadata has {len(metadata)} rows, but there are {n_records} records: give each "
            "record one row."
        )
    if not len(columns):
        return None
    # The ids of the records name the rows; a second index could contradict them.
    return metadata.copy().set_axis(pd.RangeIndex(n_records)).rename_axis(columns=None)


def join_metadata(tables, lengths):
    """Join tables of metadata, one below the other.

    Parameters
    ----------
    tables : list of DataFrame or None
    lengths : list of int
        Number of records of each table.

    Returns
    -------
    DataFrame or None
        It has the columns of all tables, in the order of their first appearance. A missing value
        is "" in a column of texts, () in a column of tuples, else NaN or NaT. Times of different
        units are converted to seconds.
    """
    known = [table for table in tables if table is not None]
    if not known:
        return None
    names = list(dict.fromkeys(name for table in known for name in table.columns))
    joined = {name: _join_column(name, tables, lengths) for name in names}
    return pd.DataFrame(joined, index=pd.RangeIndex(sum(lengths)))


def _join_column(name, tables, lengths):
    has_column = [table is not None and name in table for table in tables]
    parts = [table[name] for table, has in zip(tables, has_column, strict=True) if has]
    if len({part.dtype for part in parts}) > 1 and all(part.dtype.kind == "M" for part in parts):
        # pandas would choose nanoseconds, which cannot hold dates before 1677.
        parts = [part.dt.as_unit("s") for part in parts]
    is_known = np.repeat(has_column, lengths)
    values = pd.concat(parts).set_axis(np.flatnonzero(is_known)).reindex(range(len(is_known)))
    kinds = {type(value) for value in values[is_known]} if values.dtype == object else set()
    if kinds not in ({str}, {tuple}):
        return values
    missing = kinds.pop()()
    pairs = zip(values, is_known, strict=True)
    return pd.Series([value if known else missing for value, known in pairs], dtype=object)

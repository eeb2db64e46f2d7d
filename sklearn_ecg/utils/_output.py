"""Make tables in the container that `set_output` or scikit-learn's configuration asks for."""

import pandas as pd
from sklearn import get_config


def output_container(estimator):
    """Return the name of the container that a transformer returns: "default", "pandas" or "polars".

    Parameters
    ----------
    estimator : transformer

    Returns
    -------
    str
    """
    own = getattr(estimator, "_sklearn_output_config", {})
    return own.get("transform", get_config()["transform_output"])


def in_container(values, container, *, names, index=None):
    """Return a table in a container.

    Parameters
    ----------
    values : ndarray of shape (n_records, n_features)
    container : {"default", "pandas", "polars"}
    names : callable
        Returns the names of the features; not called for the container "default".
    index : Index, default=None
        Index of the records, for pandas.

    Returns
    -------
    ndarray, or DataFrame of pandas or polars
    """
    if container == "pandas":
        return pd.DataFrame(values, index=index, columns=names())
    if container == "polars":
        import polars as pl

        return pl.DataFrame(values, schema=list(names()), orient="row")
    return values

"""Make one weak label from the labels of one or several sources."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import sparse

from sklearn_ecg.utils import check_labels, has_label_names, label_array

# The key of the true labels in a dict of sources.
TRUTH = "truth"


def split_sources(y):
    """Split labels into a table for each source.

    Parameters
    ----------
    y : array-like or DataFrame of shape (n_records, n_labels), array-like of shape \
            (n_records, n_labels, n_sources), or dict of tables

    Returns
    -------
    dict of str to table
        The table of true labels comes last, if there is one.
    """
    if isinstance(y, Mapping):
        return _check_tables(y)
    is_table = isinstance(y, pd.DataFrame | pd.Series) or sparse.issparse(y)
    if is_table or label_array(y, "y").ndim != 3:
        return {"0": y}
    y = label_array(y, "y")
    if not y.shape[2]:
        raise ValueError(
            f"y has the shape {y.shape}, without a source, so nothing can be cleaned; pass at "
            "least one."
        )
    return {str(source): y[:, :, source] for source in range(y.shape[2])}


def _check_tables(y):
    tables = {str(source): table for source, table in y.items() if source != TRUTH}
    if not tables:
        raise ValueError(
            "y is a dict without a weak source, so nothing can be cleaned; pass a table for each "
            "source: {'machine': table, 'resident': table}."
        )
    if TRUTH in y:
        tables[TRUTH] = y[TRUTH]
    for source, table in tables.items():
        if getattr(table, "ndim", None) != 2 and label_array(table, f"y[{source!r}]").ndim == 1:
            raise ValueError(
                f"y[{source!r}] is a single column. If the keys of y are labels, pass "
                "pd.DataFrame(y); if they are sources with one label, make each a table of one "
                "column."
            )
    return tables


def join_sources(tables, y, *, n_records, ids):
    """Check the tables of sources, and stack them.

    Parameters
    ----------
    tables : dict of str to table
    y : array-like or dict
        The argument of `split_sources`.
    n_records : int
    ids : array-like of shape (n_records,), or None
        Names of the records; the rows of DataFrames are matched to them, see `align_records`.

    Returns
    -------
    said : ndarray of float32 of shape (n_records, n_labels, n_tables)
        From 0 absent to 1 present, NaN unknown. Labels that a table lacks are unknown.
    label_names : ndarray of str of shape (n_labels,), or None
    """
    if isinstance(y, Mapping):
        places = [f"y[{source!r}]" for source in tables]
    else:
        places = ["y"] if len(tables) == 1 else [f"y[:, :, {source}]" for source in tables]
    checked = [
        check_labels(table, n_records=n_records, ids=ids, name=place, allow_soft=True)
        for place, table in zip(places, tables.values(), strict=True)
    ]
    all_names = [names for _, names in checked]
    are_named = [has_label_names(names) for names in all_names]
    if not all(are_named):
        for place, (labels, _), is_named in zip(places, checked, are_named, strict=True):
            if is_named != are_named[0] or labels.shape[1] != checked[0][0].shape[1]:
                raise ValueError(
                    f"{place} has {labels.shape[1]} labels {'with' if is_named else 'without'} "
                    f"names, but {places[0]} {checked[0][0].shape[1]} "
                    f"{'with' if are_named[0] else 'without'}, so the labels cannot be matched. "
                    "Pass DataFrames, whose columns name the labels."
                )
        return np.stack([labels for labels, _ in checked], axis=2), all_names[0]
    known = list(dict.fromkeys(name for names in all_names for name in names.tolist()))
    said = np.full((n_records, len(known), len(tables)), np.nan, dtype=np.float32)
    for source, (labels, names) in enumerate(checked):
        said[:, [known.index(name) for name in names], source] = labels
    return said, np.array(known, dtype=str)


def find_weak_labels(said, tables, trusted, *, ids, label_names):
    """Separate trusted labels from the labels of weak sources.

    Parameters
    ----------
    said : ndarray of shape (n_records, n_labels, n_tables)
        From `join_sources`.
    tables : dict of str to table
    trusted : ndarray of bool of shape (n_records, n_labels)
    ids : array-like of shape (n_records,)
        Names of the records, for messages.
    label_names : ndarray of str of shape (n_labels,)
        Names of the labels, for messages.

    Returns
    -------
    labels : ndarray of int8 of shape (n_records, n_labels)
        Trusted labels; else the vote of the sources.
    sources : ndarray of float32 of shape (n_records, n_labels, n_sources)
        Labels of the weak sources; NaN if a trusted label was given in place of the source's label.
    """
    if TRUTH in tables:
        sources, truth = said[..., :-1], said[..., -1:]
        _check_truth_trusted(truth[..., 0], trusted, ids, label_names)
        _check_truth_told(truth, trusted, ["y['truth']"], ids, label_names)
        return np.where(trusted, vote(truth), vote(sources)), sources
    speakers = [f"source {name}" for name in tables] if len(tables) > 1 else ["y"]
    _check_truth_told(said, trusted, speakers, ids, label_names)
    return vote(said), np.where(trusted[..., np.newaxis], np.float32(np.nan), said)


def vote(sources):
    """Return the majority of the sources; a soft label above 0.5 is a vote for the label.

    Parameters
    ----------
    sources : ndarray of shape (n_records, n_labels, n_sources)

    Returns
    -------
    ndarray of int8 of shape (n_records, n_labels)
        -1 for a tie, or if all are unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.cleaning._sources import vote
    >>> vote(np.array([[[1, 0.9, 0], [1, 0, np.nan]]]))
    array([[ 1, -1]], dtype=int8)
    """
    n_present = (sources > 0.5).sum(axis=2)
    n_absent = (sources <= 0.5).sum(axis=2)
    decided = np.where(n_present > n_absent, 1, 0)
    return np.where(n_present == n_absent, -1, decided).astype(np.int8)


def check_all_speak(sources, names):
    """Refuse sources without labels.

    Parameters
    ----------
    sources : ndarray of shape (n_records, n_labels, n_sources)
        NaN if unknown, or if a trusted label was given in place of the source's label.
    names : sequence of str of shape (n_sources,)
    """
    silent = np.isnan(sources).all(axis=(0, 1))
    if silent.any():
        raise ValueError(
            f"The source {names[silent.argmax()]} has no labels to learn from: all of its labels "
            "that are not trusted are unknown. Leave it out, or, if it holds the true labels, pass "
            "it as y['truth']."
        )


def _check_truth_told(said, trusted, names, ids, label_names):
    """Refuse trusted labels if sources disagree, or are not 0 or 1."""
    is_vague = ((said > 0) & (said < 1)).any(axis=2)
    disagree = (said == 1).any(axis=2) & (said == 0).any(axis=2)
    doubtful = np.argwhere(trusted & (is_vague | disagree))
    if len(doubtful):
        record, label = doubtful[0]
        answers = [
            f"{name} says {value:.3g}"
            for name, value in zip(names, said[record, label], strict=True)
            if not np.isnan(value)
        ]
        raise ValueError(
            f"Trusted labels must be true labels, 0 or 1, but for label {label_names[label]} of "
            f"the trusted record {ids[record]} {', '.join(answers)} (and {len(doubtful) - 1} other "
            "trusted labels are not clear). Pass a dict of sources with the true labels as "
            "y['truth'] (-1 if unknown), or do not trust these labels."
        )


def _check_truth_trusted(truth, trusted, ids, label_names):
    """Refuse true labels that are not trusted."""
    untrusted = np.argwhere(~np.isnan(truth) & ~trusted)
    if len(untrusted):
        record, label = untrusted[0]
        raise ValueError(
            f"y['truth'] holds label {label_names[label]} of record {ids[record]} (and "
            f"{len(untrusted) - 1} other labels), which `trusted` does not mark as trusted. Mark "
            "it, leave `trusted` out, or set it to -1 in y['truth']."
        )

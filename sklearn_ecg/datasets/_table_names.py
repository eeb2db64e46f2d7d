"""Match names in a table with records whose ids are paths of files."""

import re
from collections import defaultdict

import numpy as np
import pandas as pd

# Suffixes of files, not of DICOM's numbers: ".xml", ".xml.gz", but not ".5".
_SUFFIX = re.compile(r"(\.[a-z][a-z0-9]{0,7}){1,2}$", re.IGNORECASE)


def find_by_name(names, ids) -> tuple[np.ndarray, set]:
    """Find the record of each name.

    A name that equals an id means that record. Otherwise the name may lack leading folders or the
    suffix, or have more of them than the id; then it must fit only one record.

    Parameters
    ----------
    names, ids : Index of str
        From `comparable_ids`; names may be missing.

    Returns
    -------
    owners : ndarray of int of shape (n_names,)
        Positions among `ids`; -1 for a name that fits no record or several.
    doubtful : set of str
        Names that fit several records.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ecg.datasets._table_names import find_by_name
    >>> ids = pd.Index(["ward3/a.xml", "ward3/b.xml", "ward4/b.xml"])
    >>> find_by_name(pd.Index(["a", "A.xml", "ward3/b.XML", "ward4\\\\b", "b", "c"]), ids)
    (array([ 0, -1,  1,  2, -1, -1]), {'b'})
    """
    owners = pd.Index(ids).get_indexer(names)
    by_stem = defaultdict(list)
    for record, id in enumerate(ids):
        parts = _parts(id)
        by_stem[_stem(parts[-1])].append((record, parts))
    doubtful = set()
    for row in np.flatnonzero((owners < 0) & names.notna()):
        parts = _parts(names[row])
        fitting = [record for record, own in by_stem[_stem(parts[-1])] if _are_one_file(parts, own)]
        if len(fitting) == 1:
            owners[row] = fitting[0]
        elif fitting:
            doubtful.add(names[row])
    return owners, doubtful


def _parts(path):
    return [part for part in str(path).replace("\\", "/").split("/") if part not in ("", ".")] or [
        str(path)
    ]


def _stem(name):
    return _SUFFIX.sub("", name) or name


def _are_one_file(name, id):
    """Whether one path ends as the other, with or without the suffix."""
    suffixes = {last.removeprefix(_stem(last)).lower() for last in (name[-1], id[-1])}
    if len(suffixes - {""}) == 2:
        return False
    n_folders = min(len(name), len(id)) - 1
    return n_folders == 0 or name[-1 - n_folders : -1] == id[-1 - n_folders : -1]

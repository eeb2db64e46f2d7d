"""What machine and reader say of records, as the sources of labels that are cleaned."""

import pandas as pd

from sklearn_ecg.datasets._statements import statements_to_labels
from sklearn_ecg.records import ECGRecords

_SUFFIX = "_statements"


def label_sources(
    records, label_names=None, by="concept", system=None
) -> tuple[dict[str, pd.DataFrame], pd.Series]:
    """Return the labels that each source of statements in the metadata gives to records.

    Parameters
    ----------
    records : ECGRecords
        Whose ``metadata`` has columns such as ``machine_statements`` and ``reader_statements``,
        as `load_ecg_files` finds them in the files.
    label_names, by, system
        As for `statements_to_labels`. By default labels that any source says to be present.

    Returns
    -------
    sources : dict of str to DataFrame of int8 of shape (n_records, n_labels)
        For ``"machine"``, ``"reader"`` and so on; -1 where a source says nothing of a record. Of a
        source that says nothing of any record there is no table. `AFPLabelCleaner` takes it as y.
    unknown : Series of int
        How many records have each statement that is not understood, by source and statement.

    Raises
    ------
    TypeError
        If `records` are no ECGRecords.
    ValueError
        If there are no statements.

    See Also
    --------
    statements_to_labels : How statements are read.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn_ecg import ECGRecords
    >>> from sklearn_ecg.datasets import label_sources
    >>> metadata = pd.DataFrame(
    ...     {
    ...         "machine_statements": [("Atrial fibrillation",), ("Sinus rhythm", "LBBB")],
    ...         "reader_statements": [(), ("Sinus rhythm", "No LBBB")],
    ...     }
    ... )
    >>> records = ECGRecords(np.zeros((2, 1, 500)), 250, metadata=metadata)
    >>> sources, unknown = label_sources(records, ["SR", "AF", "LBBB"])
    >>> sources["machine"].to_numpy().tolist(), sources["reader"].to_numpy().tolist()
    ([[0, 1, 0], [1, 0, 1]], [[-1, -1, -1], [1, 0, 0]])
    """
    if not isinstance(records, ECGRecords):
        raise TypeError(f"records must be ECGRecords; got {type(records).__name__}.")
    metadata = records.metadata
    found = {
        column.removesuffix(_SUFFIX): metadata[column]
        for column in ([] if metadata is None else metadata)
        if str(column).endswith(_SUFFIX)
    }
    if not found:
        raise ValueError(
            "records.metadata has no column of statements, such as 'machine_statements': only "
            "load_ecg_files finds them. For statements from elsewhere use statements_to_labels."
        )
    if label_names is None:
        together = pd.concat(list(found.values()))
        label_names = list(statements_to_labels(together, None, by, system)[0].columns)
    sources, unknown = {}, {}
    for source, statements in found.items():
        labels, unknown[source] = statements_to_labels(statements, label_names, by, system)
        if (labels != -1).any(axis=None):
            sources[source] = labels
    return sources, pd.concat(unknown, names=["source", "statement"])

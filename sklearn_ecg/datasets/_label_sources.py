"""Labels from the statements of machine and readers, as sources for cleaning."""

import pandas as pd

from sklearn_ecg.datasets._statements import statements_to_labels
from sklearn_ecg.records import ECGRecords

_SUFFIX = "_statements"


def label_sources(
    records, label_names=None, by="concept", system=None
) -> tuple[dict[str, pd.DataFrame], pd.Series]:
    """Return the labels of each source of statements in the metadata.

    Parameters
    ----------
    records : ECGRecords
        Their ``metadata`` has columns such as ``machine_statements`` and ``reader_statements``, as
        `load_ecg_files` fills them.
    label_names : sequence of str, default=None
        The wanted labels. By default all labels that a source names as present.
    by : str, default="concept"
        Column of the vocabulary that names labels, as for `statements_to_labels`.
    system : str, default=None
        Code system of codes without a prefix, as for `statements_to_labels`.

    Returns
    -------
    sources : dict of str to DataFrame of int8 of shape (n_records, n_labels)
        Labels by source: ``"machine"``, ``"reader"`` and so on. -1 for records without a statement
        of the source. A source without any statement has no table. `AFPLabelCleaner` takes the dict
        as y.
    unknown : Series of int
        Number of records with each statement that was not understood, by source and statement.
        How many records have each statement that is not understood, by source and statement.

    Raises
    ------
    TypeError
        If `records` are not ECGRecords.
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
            "records.metadata has no column of statements, such as 'machine_statements'; "
            "load_ecg_files makes them. For other statements use statements_to_labels."
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

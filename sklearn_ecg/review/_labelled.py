"""Records with the labels from readers' answers."""

import numpy as np
import pandas as pd

from sklearn_ecg.utils import comparable_ids, trusted_labels


def label_records(records, found, label_names):
    """Return records with the answered labels, each of them trusted.

    Parameters
    ----------
    records : ECGRecords
    found : DataFrame
        From `ReviewQueue.answers`.
    label_names : ndarray of str of shape (n_labels,)
        Labels of the queue, for records without labels.

    Returns
    -------
    ECGRecords
    """
    named, known = comparable_ids(found["id"], records.ids)
    rows = known.get_indexer(named)
    if (rows == -1).any():
        raise ValueError(
            f"records lack {(rows == -1).sum()} of the records that were answered, among them "
            f"{found['id'][rows == -1].iloc[0]}. Pass the records from which the queue was made."
        )
    label_names = label_names if records.labels is None else records.label_names
    columns = pd.Index(label_names).get_indexer(found["label"])
    if (columns == -1).any():
        raise ValueError(
            f"records have no label {found['label'][columns == -1].iloc[0]!r}; they have "
            f"{', '.join(label_names)}."
        )
    shape = (len(records), len(label_names))
    labels = np.full(shape, -1) if records.labels is None else records.labels.copy()
    trusted = np.zeros(shape, dtype=bool)
    if records.trusted is not None:
        trusted |= trusted_labels(records.trusted, len(label_names))
    against = trusted[rows, columns] & (labels[rows, columns] != found["answer"])
    if against.any():
        first = found[against].iloc[0]
        raise ValueError(
            f"{against.sum()} answers contradict trusted labels of records. The first: "
            f"{first['label']} of record {first['id']}. Pass the records from which the queue was "
            "made, or correct their labels."
        )
    labels[rows, columns] = found["answer"]
    trusted[rows, columns] = True
    return records.with_labels(labels, label_names, trusted=trusted)

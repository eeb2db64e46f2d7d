"""The cleaner of a queue: checked, and kept for refits."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from sklearn_ecg.cleaning._base import BaseLabelCleaner
from sklearn_ecg.utils import find_ids, warn_user


def check_cleaner(cleaner):
    """Raise unless this is a fitted label cleaner."""
    if not isinstance(cleaner, BaseLabelCleaner):
        raise TypeError(
            "cleaner must be a fitted label cleaner, such as AFPLabelCleaner, or this step of a "
            f"fitted pipeline; got {type(cleaner).__name__}."
        )
    check_is_fitted(cleaner)


def check_fits_queue(cleaner, label_names, stored):
    """Raise unless a cleaner has the labels of a queue; warn of records that it does not know.

    Parameters
    ----------
    cleaner : fitted label cleaner
    label_names : ndarray of str of shape (n_labels,)
    stored : dict
        From `stored_records`.
    """
    if not np.array_equal(cleaner.label_names_, label_names):
        raise ValueError(
            f"cleaner has the labels {', '.join(cleaner.label_names_)}, but the queue asks about "
            f"{', '.join(label_names)}. Pass a cleaner fitted to these."
        )
    unknown = np.array(list(stored), dtype=object)[~is_known(cleaner, list(stored))]
    if len(unknown):
        said = f"{len(unknown)} of the {len(stored)} records of the queue, such as {unknown[0]}"
        if len(unknown) == len(stored):
            raise ValueError(f"cleaner was not fitted to {said}. Pass one fitted to them.")
        warn_user(
            f"The cleaner was not fitted to {said}. They are not asked about; their answers are "
            "kept."
        )


def leave_out_contradicted(cleaner, found):
    """Leave out answers against labels that are trusted, and warn of them.

    Somebody may have read a record with care after a reader's answer. Two people disagree then,
    and this package does not know who is right; a refit must not fail for it.

    Parameters
    ----------
    cleaner : fitted label cleaner
    found : DataFrame
        From `ReviewQueue.answers`.

    Returns
    -------
    DataFrame
    """
    rows = find_ids(found["id"], cleaner._ids)
    columns = pd.Index(cleaner.label_names_).get_indexer(found["label"])
    trusted = np.where(cleaner._trusted, cleaner._weak, -1)[rows, columns]
    against = (rows != -1) & (columns != -1) & (trusted != -1) & (trusted != found["answer"])
    if against.any():
        pairs = found[against][["label", "id"]].itertuples(index=False)
        warn_user(
            f"{against.sum()} answers contradict labels that are trusted now, and are left out: "
            f"{', '.join(f'{label} of record {name}' for label, name in pairs)}. Look at these "
            "records, and correct the label, or let the reader take the answer back."
        )
    return found[~against]


def is_known(cleaner, ids):
    """Return a mask of the ids of records to which a cleaner was fitted.

    An export can lose records after a queue was made.
    """
    return pd.Index(ids, dtype=object).isin(cleaner._ids.tolist())


def save_cleaner(cleaner, asked):
    """Return a cleaner as bytes, with only the parts that `with_answers` needs.

    The queue's answers are removed, since readers may take them back.

    Parameters
    ----------
    cleaner : fitted label cleaner
    asked : DataFrame
        Columns id and label, of the questions of the queue.

    Returns
    -------
    bytes, or None if a file cannot hold it, or loading it would run untrusted code
    """
    kept = cleaner._of_same_input()
    kept._answers = cleaner._answers.copy()
    asked = asked[is_known(cleaner, asked["id"])]
    rows = pd.Index(cleaner._ids).get_indexer(asked["id"])
    columns = pd.Index(cleaner.label_names_).get_indexer(asked["label"])
    kept._answers[rows, columns] = -1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cleaner.skops"
        try:
            kept.save(path)
            BaseLabelCleaner.load(path)
        except (TypeError, ValueError):
            return None
        return path.read_bytes()


def load_cleaner(content):
    """Return a cleaner of `save_cleaner`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cleaner.skops"
        path.write_bytes(content)
        return BaseLabelCleaner.load(path)

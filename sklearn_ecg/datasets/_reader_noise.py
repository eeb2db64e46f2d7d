"""Label noise of readers, measured on records with known truth."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sklearn_ecg.utils import align_labels, check_labels, ids_of, label_array

_TRUTH = "truth"


def reader_confusion(y_true, answers, *, label_names=None) -> pd.Series:
    """Count the answers of readers by true label set.

    The counts hold each reader's sensitivity and specificity for each label, which labels are
    confused, and how often readers err on the same records. `corrupt_labels` draws label noise from
    them with ``kind="readers"``.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_records, n_labels)
        True labels: 1 present, 0 absent.
    answers : dict of tables, or array-like or DataFrame of shape (n_records, n_labels) or \
            (n_records, n_labels, n_readers)
        The readers' answers for the same records: 1 present, 0 absent, -1 no answer. A dict holds a
        table of shape (n_records, n_labels) for each reader's name.
    label_names : sequence of str of length n_labels, default=None
        By default the columns of `y_true` if it is a DataFrame, else the numbers of columns.

    Returns
    -------
    Series of int
        The number of records, ``n_records``, by truth and answers. The levels of its index are
        ("truth", label) and (reader, label).

    Raises
    ------
    ValueError
        If tables do not fit each other, or a true label is unknown.

    See Also
    --------
    corrupt_labels : With ``kind="readers"``.
    sklearn.metrics.multilabel_confusion_matrix : The same for one reader and single labels.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ecg.datasets import reader_confusion
    >>> gold = pd.DataFrame({"AF": [1, 1, 1, 0], "RBBB": [0, 0, 0, 1]})
    >>> resident = pd.DataFrame({"AF": [1, 1, 0, 0], "RBBB": [0, 0, 0, 1]})
    >>> reader_confusion(gold, {"resident": resident})
    (truth, AF)  (truth, RBBB)  (resident, AF)  (resident, RBBB)
    0            1              0               1                   1
    1            0              0               0                   1
                                1               0                   2
    Name: n_records, dtype: int64
    """
    truth, names = check_labels(y_true, name="y_true", label_names=label_names)
    if (truth == -1).any():
        record, label = np.argwhere(truth == -1)[0]
        raise ValueError(
            f"y_true is unknown (-1) for record {record} and label {label}; leave out records "
            "with unknown truth."
        )
    answers = _tables_of(answers)
    if not answers:
        raise ValueError("answers is empty; pass a table of labels for each reader.")
    if names is None:
        # The first reader with named labels gives the order for readers without names.
        named = [t.columns for t in answers.values() if isinstance(t, pd.DataFrame)]
        names = named[0] if named and len(named[0]) == truth.shape[1] else range(truth.shape[1])
    names = [str(name) for name in names]
    tables = {_TRUTH: truth}
    ids = ids_of(y_true, *answers.values())
    for reader, table in answers.items():
        if reader == _TRUTH:
            raise ValueError(f"The name {_TRUTH!r} stands for y_true; rename this reader.")
        tables[reader] = _answers_of(reader, table, ids, truth, names)
    frames = {source: pd.DataFrame(table, columns=names) for source, table in tables.items()}
    return pd.concat(frames, axis=1).value_counts(sort=False).rename("n_records").sort_index()


def draw_answers(labels, label_names, confusion, random):
    """Draw readers' answers for records.

    Parameters
    ----------
    labels : ndarray of int8 of shape (n_records, n_labels)
        True labels; -1 unknown.
    label_names : ndarray of str of shape (n_labels,), or None
    confusion : Series or array-like
        As for `corrupt_labels`.
    random : numpy.random.RandomState

    Returns
    -------
    ndarray of int8 of shape (n_records, n_labels, n_readers)
        -1 where the truth is unknown.
    """
    if isinstance(confusion, pd.Series):
        answers = _draw_sets(labels, *_sets_of(confusion, labels, label_names), random)
    else:
        answers = _draw_labels(labels, label_names, confusion, random)
    answers[labels == -1] = -1
    return answers


def _draw_sets(labels, names, truth, answers, counts, random):
    """Answer each record like a measured record with the same truth."""
    drawn = np.empty((*labels.shape, answers.shape[2]), dtype=np.int8)
    label_sets, of_record = np.unique(labels, axis=0, return_inverse=True)
    for number, label_set in enumerate(label_sets):
        rows = np.flatnonzero(of_record == number)
        agrees = truth == label_set
        is_alike = agrees.all(axis=1)
        if is_alike.any():
            drawn[rows] = answers[_choose(counts * is_alike, len(rows), random)]
            continue
        # A label set that was not measured: each label is answered separately.
        for label in np.flatnonzero(label_set != -1):
            if not agrees[:, label].any():
                raise _never_asked(names[label], label_set[label])
            chosen = _choose(counts * agrees[:, label], len(rows), random)
            drawn[rows, label] = answers[chosen, label]
    return drawn


def _choose(weights, n_drawn, random):
    return random.choice(len(weights), size=n_drawn, p=weights / weights.sum())


def _sets_of(confusion, labels, label_names):
    """Return names, true label sets, answers and counts from a result of `reader_confusion`."""
    frame = confusion.index.to_frame(index=False)
    sources = list(dict.fromkeys(level[0] for level in frame.columns if isinstance(level, tuple)))
    if sources[:1] != [_TRUTH] or len(sources) < 2:
        raise ValueError(
            "confusion must be what reader_confusion returns, or an array; got a Series with the "
            f"index levels {list(confusion.index.names)}."
        )
    known = [name for source, name in frame.columns if source == _TRUTH]
    names = known if label_names is None else [str(name) for name in label_names]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"confusion has the labels {known}, but not {unknown}.")
    if len(names) != labels.shape[1]:
        raise ValueError(
            f"confusion has {len(names)} labels, but y has {labels.shape[1]}; pass their names as "
            "label_names."
        )
    by_source = [
        frame[[(source, name) for name in names]].to_numpy(dtype=np.int8) for source in sources
    ]
    return names, by_source[0], np.stack(by_source[1:], axis=2), confusion.to_numpy(dtype=float)


def _draw_labels(labels, label_names, confusion, random):
    """Answer each label separately."""
    n_labels = labels.shape[1]
    names = range(n_labels) if label_names is None else label_names
    counts = np.array(confusion, dtype=float)
    counts = counts[np.newaxis] if counts.ndim == 3 else counts
    valid = counts.ndim == 4 and counts.shape[1:] == (n_labels, 2, 2) and (counts >= 0).all()
    if not valid or not np.isfinite(counts).all():
        raise ValueError(
            'confusion must be, for kind="readers", a result of reader_confusion, or finite '
            f"counts >= 0 of shape ({n_labels}, 2, 2) or (n_readers, {n_labels}, 2, 2); got an "
            f"array of shape {np.shape(confusion)}."
        )
    asked = counts.sum(axis=3)
    for label, value in zip(*np.nonzero((asked == 0).any(axis=0)), strict=True):
        if (labels[:, label] == value).any():
            raise _never_asked(names[label], value)
    shares = np.divide(counts[..., 1], asked, out=np.zeros_like(asked), where=asked > 0)
    # Share of positive answers for each record and label, given its truth.
    likely = np.stack(
        [np.where(labels == 1, of_reader[:, 1], of_reader[:, 0]) for of_reader in shares], axis=2
    )
    return (random.uniform(size=likely.shape) < likely).astype(np.int8)


def _never_asked(name, value):
    return ValueError(
        f"confusion has no record {'with' if value else 'without'} label {str(name)!r}, so that "
        "the answers of readers are unknown there. Leave the label out, or measure it on more "
        "records."
    )


def _tables_of(answers):
    """Return a table by each reader's name."""
    if isinstance(answers, Mapping):
        return answers
    if not isinstance(answers, pd.DataFrame) and label_array(answers, "answers").ndim == 3:
        answers = label_array(answers, "answers")
        return {f"reader {number}": answers[..., number] for number in range(answers.shape[2])}
    return {"reader": answers}


def _answers_of(reader, table, ids, truth, names):
    """Return one reader's answers, in the order of the true labels."""
    name = f"answers of {reader!r}"
    found, own_names = check_labels(table, n_records=len(truth), ids=ids, name=name)
    return align_labels(found, own_names, names, name=name, owner="y_true has")

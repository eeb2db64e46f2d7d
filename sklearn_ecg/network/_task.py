"""Task: data of one fit, and the records that are held out."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from sklearn_ecg.model_selection._stratification import deal_out, number_patients
from sklearn_ecg.network._labels import LabelSpace, learnable, loss_weights, resolve_labels
from sklearn_ecg.network._signal_reader import (
    Reading,
    SignalReader,
    records_of,
    warn_of_other_units,
)
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.utils import align_records, check_groups, ids_of, warn_of_unread, warn_user

# With fewer records, the held-out part is too small to compare epochs.
_MIN_RECORDS = 20


@dataclass(frozen=True, eq=False)
class Task:
    """Data of one fit.

    Attributes
    ----------
    records : ECGRecords
    reader : SignalReader
        Fitted. With warm_start that of the last fit.
    reading : Reading
        Signals of all records.
    space : LabelSpace
    labels, weights : ndarray of shape (n_records, n_labels)
        See `resolve_labels` and `loss_weights`.
    learned : ndarray of bool of shape (n_labels,)
        True for labels that can be learned.
    groups : ndarray of shape (n_records,), or None
    training, held_out : ndarray of int
        Rows of the records that were read: to train on, and held out.
    before : LabelCorrelationECGClassifier or None
        The fitted classifier that goes on.
    knows_labels : bool
        Whether `before` has learned the same labels.
    random_state : RandomState
    """

    records: ECGRecords
    reader: SignalReader
    reading: Reading
    space: LabelSpace
    labels: np.ndarray
    weights: np.ndarray
    learned: np.ndarray
    groups: np.ndarray | None
    training: np.ndarray
    held_out: np.ndarray
    before: object
    knows_labels: bool
    random_state: np.random.RandomState

    @property
    def dataset(self):
        """Signals to train on, with the held-out ones that validate the training."""
        return self.reading.dataset.with_labels(
            self.labels, self.weights, self.training, self.held_out
        )


def read_task(classifier, X, y, *, groups, sample_weight, validation, classes, before, holds_out):
    """Check the arguments of a fit, and read its records.

    Parameters
    ----------
    classifier : LabelCorrelationECGClassifier
        Its parameters are used.
    X, y, groups, sample_weight, validation, classes
        As for its ``fit`` and ``partial_fit``.
    before : LabelCorrelationECGClassifier or None
        Fitted. Its leads, rate and scaling are kept; without `holds_out` its labels too.
    holds_out : bool

    Returns
    -------
    Task
    """
    name, ids = type(classifier).__name__, ids_of(X, y)
    records = records_of(X, name)
    if before is not None:
        records = before.reader_.check(records, name)
    labels, space = _labels_of(X, y, name, classes, before, same=not holds_out)
    if before is not None and not holds_out and not space.is_same(before.labels_):
        raise ValueError(
            f"y has the labels {', '.join(map(str, space.names))}, but the classifier was "
            f"fitted on {', '.join(map(str, before.labels_.names))}. For other labels use fit "
            "with warm_start=True."
        )
    if len(records) < 2:
        raise ValueError(f"{name} needs at least 2 records; got n_samples={len(records)}.")
    if len(labels) != len(records):
        raise ValueError(
            f"y has labels for {len(labels)} records, but X has {len(records)} records."
        )
    groups = records.groups if groups is None else groups
    groups = check_groups(groups, n_records=len(records), ids=ids)
    sample_weight = align_records(sample_weight, ids, name="sample_weight")
    validation = align_records(validation, ids, name="validation")
    random_state = check_random_state(classifier.random_state)
    is_held_out = np.zeros(len(records), dtype=bool)
    if validation is not None:
        is_held_out = check_validation(validation, len(records), groups)
    elif holds_out and classifier.validation_fraction is not None:
        fraction = classifier.validation_fraction
        is_held_out = validation_mask(labels, groups, fraction, random_state)
    if before is None:
        reader = SignalReader(
            classifier.sampling_rate, classifier.highpass, classifier.duration_s, classifier.crop_s
        )
        reading = reader.learn(records, np.flatnonzero(~is_held_out))
    else:
        reader = before.reader_
        reading = reader.read(records)
        warn_of_other_units(reading.dataset.sizes(), records.ids)
    if not reading.is_read.any():
        raise ValueError(f"No record of X can be read. {records.ids[0]}: {reading.reasons[0]}")
    warn_of_unread(reading.reasons, records.ids, "are left out of the training")
    training = np.flatnonzero(~is_held_out & reading.is_read)
    held_out = np.flatnonzero(is_held_out & reading.is_read)
    if len(training) < 2:
        raise ValueError(
            f"{len(held_out)} of {len(records)} records are held out, and {len(reading.reasons)} "
            "cannot be read. At least 2 must be left to train on: hold out fewer."
        )
    weights = loss_weights(labels, space, classifier.class_weight, sample_weight)
    if not weights[training].any():
        raise ValueError(
            f"sample_weight is zero for all {len(training)} training records; only records held "
            "out for validation have weight."
        )
    knows_labels = before is not None and space.is_same(before.labels_)
    if knows_labels:
        learned = before.learned_ | (labels[training] != -1).any(axis=0)
    else:
        learned = learnable(labels, space, training)
    return Task(
        records, reader, reading, space, labels, weights, learned, groups, training, held_out,
        before, knows_labels, random_state,
    )  # fmt: skip


def _labels_of(X, y, name, classes, before, same):
    """Return labels and their space, in the order of the classifier that goes on.

    With `same` the labels must be its own.
    """
    if before is None:
        return resolve_labels(X, y, name, classes)
    own = before.labels_
    if classes is None and not own.multilabel and (same or np.isin(np.unique(y), own.names).all()):
        classes = own.names
    labels, space = resolve_labels(X, y, name, classes)
    if space.multilabel and own.multilabel and sorted(space.names) == sorted(own.names):
        order = [list(space.names).index(label) for label in own.names]
        labels, space = labels[:, order], own
    return labels, space


def validation_mask(labels, groups, fraction, random_state):
    """Choose held-out records so that the share of each label stays the same.

    Parameters
    ----------
    labels : ndarray of shape (n_records, n_labels)
    groups : ndarray of shape (n_records,), or None
        Patients, who are not split. With None, or a single patient, single records are drawn.
    fraction : float
    random_state : numpy.random.RandomState

    Returns
    -------
    ndarray of bool of shape (n_records,)
        All False with fewer than 20 records.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.network._task import validation_mask
    >>> labels = np.array([[1], [0]]).repeat(20, axis=0)
    >>> patients = np.arange(40) // 4
    >>> held_out = validation_mask(labels, patients, 0.2, np.random.RandomState(0))
    >>> held_out.sum(), np.unique(patients[held_out]).size
    (np.int64(8), 2)
    """
    n_records = len(labels)
    if n_records < _MIN_RECORDS:
        return np.zeros(n_records, dtype=bool)
    patients = number_patients(groups, n_records)
    if patients.max() == 0:
        patients = np.arange(n_records)
    shares = np.array([fraction, 1 - fraction])
    fold_of = deal_out(patients, (labels == 1).astype(int), shares, random_state)
    return np.array([fold_of[patient] == 0 for patient in patients])


def check_validation(validation, n_records, groups=None):
    """Check the user's mask of held-out records.

    Parameters
    ----------
    validation : array-like of bool of shape (n_records,)
    n_records : int
    groups : ndarray of shape (n_records,), default=None
        Patients; none should be on both sides.

    Returns
    -------
    ndarray of bool of shape (n_records,)
    """
    mask = np.asarray(validation)
    if mask.dtype != bool or mask.shape != (n_records,):
        raise ValueError(
            f"validation must be a mask of True and False, one for each of the {n_records} "
            f"records; got {mask.dtype} values of shape {mask.shape}. Make one of indices with "
            "np.isin(np.arange(n_records), indices)."
        )
    if not mask.any():
        raise ValueError(
            f"validation is False for all {n_records} records: name some to hold out, or pass None."
        )
    if groups is not None:
        split = np.intersect1d(groups[mask], groups[~mask])
        if len(split):
            warn_user(
                f"validation splits {len(split)} patients. The first is {split[0]}. Scores are too "
                "good where training has seen a held-out patient: hold out whole patients."
            )
    return mask

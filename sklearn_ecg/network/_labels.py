"""Labels that a classifier is trained on, their weights, and labels from its logits."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import expit, log_expit, softmax
from sklearn.utils import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from sklearn_ecg.records import CleanedRecords, ECGRecords
from sklearn_ecg.utils import (
    align_labels,
    align_records,
    check_labels,
    check_sample_weight,
    fill_masked,
    ids_of,
    label_array,
    warn_user,
)


@dataclass(frozen=True, eq=False)
class LabelSpace:
    """Names of the labels, and whether they exclude each other.

    Parameters
    ----------
    names : ndarray of shape (n_labels,)
        Names of the labels, or their numbers; after a one-dimensional y its classes.
        classes.
    multilabel : bool
        False after a one-dimensional y, where each record has one of the classes.
    """

    names: np.ndarray
    multilabel: bool

    def __len__(self):
        return len(self.names)

    @property
    def classes(self):
        """The classes as scikit-learn reads them: 0 and 1 for a single label."""
        return np.array([0, 1]) if self.multilabel and len(self) == 1 else self.names

    def is_same(self, other):
        """Whether another space has the same labels in the same order."""
        return self.multilabel == other.multilabel and np.array_equal(self.names, other.names)

    def probabilities(self, logits):
        """Return the probability of each label, of shape (n_records, n_labels)."""
        if self.multilabel:
            return expit(logits)
        # Each class has a logit against all others; their probabilities are scaled to the sum 1.
        return softmax(log_expit(logits), axis=1)

    def decision_function(self, logits):
        """Return logits in scikit-learn's form: one per record for a label or two classes."""
        if self.multilabel:
            return logits[:, 0] if len(self) == 1 else logits
        if len(self) != 2:
            return logits
        logs = log_expit(logits)
        return logs[:, 1] - logs[:, 0]

    def predict_proba(self, logits):
        """Return probabilities in scikit-learn's form: a single label is absent or present."""
        present = self.probabilities(logits)
        is_single = self.multilabel and len(self) == 1
        return np.hstack([1 - present, present]) if is_single else present

    def decide(self, probabilities, thresholds):
        """Return the labels that are present, -1 for unknown, or the class of each record.

        After a one-dimensional y the class is None for records whose probabilities are NaN.
        """
        unknown = np.isnan(probabilities)
        if self.multilabel:
            return np.where(unknown, -1, probabilities >= thresholds).astype(np.int64)
        unknown = unknown.any(axis=1)
        classes = self.names[np.where(unknown[:, np.newaxis], 0, probabilities).argmax(axis=1)]
        if unknown.any():
            classes = classes.astype(object)
            classes[unknown] = None
        return classes

    def score(self, X, y, predicted, sample_weight):
        """Return macro F1, or the accuracy of classes, over known labels."""
        weight = check_sample_weight(sample_weight, n_records=len(predicted), ids=ids_of(X, y))
        if self.multilabel:
            return _macro_f1(true_labels(X, y, self.names), predicted, weight)
        if y is None:
            raise ValueError("score needs y, the class of each record as in fit; got None.")
        y = column_or_1d(align_records(y, ids_of(X), name="y"))
        if _marks_unknown(y) and -1 not in self.names:
            weight = np.where(y == -1, 0.0, weight)
        return float(np.average(y == predicted, weights=weight))


def resolve_labels(X, y, estimator_name, classes=None):
    """Choose the labels to learn from, and bring them to one form.

    Cleaned labels come first, then y. The labels of plain records are used only where y is None.

    Parameters
    ----------
    X : CleanedRecords, ECGRecords, or anything else
        As the user passed it.
    y : array-like of shape (n_records, n_labels) or (n_records,), or None
    estimator_name : str
        For messages.
    classes : array-like, default=None
        All classes of a one-dimensional y; by default those that occur.

    Returns
    -------
    labels : ndarray of shape (n_records, n_labels), int8
        1 present, 0 absent, -1 unknown.
    space : LabelSpace
    """
    if isinstance(X, CleanedRecords) or (y is None and isinstance(X, ECGRecords)):
        y = None if X.labels is None else pd.DataFrame(X.labels, columns=X.label_names)
    if y is None:
        raise ValueError(
            f"{estimator_name} requires y to be passed, but the target y is None: pass y, or "
            "records that have labels."
        )
    y = align_records(y, ids_of(X), name="y")
    if not (isinstance(y, pd.DataFrame) or sparse.issparse(y) or np.ma.isMaskedArray(y)):
        y = label_array(y, "y")
    if y.ndim == 1:
        labels, classes = _one_hot(y, estimator_name, classes)
        return labels, LabelSpace(classes, multilabel=False)
    label_names = X.label_names if isinstance(X, ECGRecords) else None
    if label_names is not None and y.shape[1:] != label_names.shape:
        label_names = None
    if isinstance(y, pd.DataFrame):
        label_names = None  # its columns name the labels
    labels, names = check_labels(y, label_names=label_names)
    if labels.size and not (labels != -1).any():
        raise ValueError(f"All labels in y are unknown (-1); {estimator_name} cannot learn.")
    names = np.arange(labels.shape[1]) if names is None else names
    return labels, LabelSpace(names, multilabel=True)


def true_labels(X, y, names):
    """Return true labels in the order of a classifier's labels.

    Parameters
    ----------
    X : ECGRecords, or anything else
        As the user passed it.
    y : array-like of shape (n_records, n_labels), or None
        With None the labels of the records.
    names : ndarray of shape (n_labels,)
        The classifier's labels, or their numbers.

    Returns
    -------
    ndarray of shape (n_records, n_labels), int8
        1 present, 0 absent, -1 unknown.
    """
    given, is_named = None, isinstance(y, pd.DataFrame)
    if not is_named and isinstance(X, ECGRecords):
        given = X.label_names
        if y is None:
            y, is_named = X.labels, given is not None
        elif given is not None and np.shape(y)[1:] != given.shape:
            given = None
    if y is None:
        raise ValueError("There are no true labels: pass y, or records that have labels.")
    labels, given = check_labels(y, n_records=len(X), ids=ids_of(X), label_names=given)
    if not is_named and given is not None and set(given) != set(names):
        given = None  # the records' names do not belong to y
    return align_labels(labels, given, names, name="y", owner="the classifier was fitted on")


def learnable(labels, space, training):
    """Return which labels can be learned, and warn of labels that no training record has.

    If a label is absent wherever it is known, its absence is learned. A label that is never known
    cannot be learned: its answer would be random.

    Parameters
    ----------
    labels : ndarray of shape (n_records, n_labels)
        1 present, 0 absent, -1 unknown.
    space : LabelSpace
    training : ndarray of int
        Rows of the training records.

    Returns
    -------
    ndarray of bool of shape (n_labels,)
        True where the label can be learned.
    """
    never_known = (labels[training] == -1).all(axis=0)
    absent = ~(labels[training] == 1).any(axis=0) & ~never_known
    if never_known.any():
        warn_user(
            f"{_listed(space.names[never_known])}: unknown (-1) in all training records. Nothing "
            "is learned, and probabilities are NaN. Leave it out of y, or give labels."
        )
    if absent.any():
        warn_user(
            f"{_listed(space.names[absent])}: no training record has it, so only its absence is "
            "learned. Leave it out of y if that is not wanted."
        )
    return ~never_known


def loss_weights(labels, space, class_weight=None, sample_weight=None):
    """Return the weight of each label of each record in the loss.

    Parameters
    ----------
    labels : ndarray of shape (n_records, n_labels)
        1 present, 0 absent, -1 unknown.
    space : LabelSpace
    class_weight : {"balanced"}, dict or None
        "balanced" gives presence and absence of each label the same total weight, as scikit-learn
        does for two classes. A dict gives the weight of a label's presence, by its name; absence
        has the weight 1. After a one-dimensional y, a dict gives weights of classes.
    sample_weight : array-like of shape (n_records,), default=None
        Scaled to a mean of 1.

    Returns
    -------
    ndarray of shape (n_records, n_labels), float32

    Examples
    --------
    >>> import numpy as np
    >>> space = LabelSpace(np.array(["AF"]), multilabel=True)
    >>> loss_weights(np.array([[1], [0], [0], [0]]), space, "balanced").round(2).ravel()
    array([2.  , 0.67, 0.67, 0.67], dtype=float32)
    """
    weights, present = np.ones(labels.shape), labels == 1
    of_records = None if sample_weight is None else _record_weights(labels, sample_weight)
    if class_weight is not None and not space.multilabel:
        known = (labels != -1).all(axis=1)
        of_class = np.zeros(len(labels))
        of_class[known] = compute_sample_weight(class_weight, space.names[labels[known].argmax(1)])
        of_records = of_class * (1.0 if of_records is None else of_records)
        of_records = of_records / of_records.mean()
    elif class_weight == "balanced":
        n_present, n_absent = present.sum(axis=0), (labels == 0).sum(axis=0)
        half = (n_present + n_absent) / 2
        weights = np.where(present, half / np.maximum(n_present, 1), half / np.maximum(n_absent, 1))
    elif class_weight is not None:
        factors = _factors_of_presence(class_weight, space.names)
        weights = np.where(present, factors, 1.0)
    if of_records is not None:
        weights = weights * of_records[:, np.newaxis]
    return weights.astype(np.float32)


def _factors_of_presence(class_weight, names):
    unknown = [name for name in class_weight if name not in list(names)]
    if unknown:
        raise ValueError(
            f"class_weight names labels that y does not have: {_listed(unknown)}; there are "
            f"{_listed(names)}."
        )
    factors = np.array([class_weight.get(name, 1.0) for name in names], dtype=float)
    if not (np.isfinite(factors) & (factors >= 0)).all():
        raise ValueError(f"class_weight must hold finite numbers >= 0; got {class_weight}.")
    return factors


def _record_weights(labels, sample_weight):
    weights = np.asarray(fill_masked(sample_weight), dtype=float)
    if weights.ndim == 0:
        weights = np.full(len(labels), float(weights))
    if weights.ndim != 1:
        raise ValueError(f"Sample weights must be 1D array or scalar, got {weights.ndim}D array.")
    if len(weights) != len(labels):
        raise ValueError(
            f"sample_weight holds {len(weights)} weights, but there are {len(labels)} records."
        )
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError("sample_weight must hold finite numbers >= 0.")
    if not weights.any():
        raise ValueError("sample_weight is zero for all records: no record is left to learn from.")
    return weights / weights.mean()


def _one_hot(y, estimator_name, classes):
    if np.ma.is_masked(y):
        raise ValueError(
            f"y is masked for {np.ma.count_masked(y)} records, but one-dimensional y needs the "
            "class of each record. Leave them out, or pass labels as columns, which may be unknown."
        )
    y = column_or_1d(y)
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise ValueError("Input y contains NaN or infinity.")
    if y.dtype == object and pd.isna(y).any():
        raise ValueError("Input y contains NaN.")
    check_classification_targets(y)
    if type_of_target(y) == "unknown":
        raise ValueError(f"Unknown label type: y holds {y.dtype} values such as {y.item(0)!r}.")
    is_known = np.ones(len(y), dtype=bool)
    if _marks_unknown(y) and (classes is None or -1 not in classes):
        is_known = y != -1
        if classes is None:
            warn_user(
                f"-1 in y means unknown: {(~is_known).sum()} of {len(y)} records have no class, "
                "and are not learned from. If -1 is a class, give it another name."
            )
    if classes is None:
        classes = y[is_known]
    elif not np.isin(y[is_known], classes).all():
        raise ValueError(
            f"y has the classes {np.setdiff1d(y[is_known], classes)}, which are not among "
            f"{classes}."
        )
    classes = np.unique(classes)
    if len(classes) < 2:
        found = repr(classes[0]) if len(classes) else "none"
        raise ValueError(f"{estimator_name} needs at least two classes; y has 1 class: {found}.")
    labels = np.full((len(y), len(classes)), -1, dtype=np.int8)
    labels[is_known] = np.eye(len(classes), dtype=np.int8)[np.searchsorted(classes, y[is_known])]
    return labels, classes


def _marks_unknown(y):
    """Whether a one-dimensional y holds 0, 1 and -1 for unknown, and not -1 and 1 as classes."""
    return y.dtype.kind in "if" and set(np.unique(y)) == {-1, 0, 1}


def _macro_f1(labels, predicted, weight):
    """Return macro F1 as scikit-learn does, over known labels; 0 for a label without positives.

    A label that is unknown in all records does not count in the mean.
    """
    known, found = (labels != -1) * weight[:, np.newaxis], predicted == 1
    hits = (known * (labels == 1) * found).sum(axis=0)
    found_or_true = (known * ((labels == 1).astype(int) + found)).sum(axis=0)
    scores = np.divide(2 * hits, found_or_true, out=np.zeros(len(hits)), where=found_or_true > 0)
    is_known = (labels != -1).any(axis=0)
    return float(scores[is_known].mean()) if is_known.any() else float("nan")


def _listed(names):
    return ", ".join(map(str, names))

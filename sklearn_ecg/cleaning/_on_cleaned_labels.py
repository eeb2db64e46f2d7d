"""Train any scikit-learn classifier on cleaned labels."""

from collections.abc import Mapping
from contextlib import contextmanager

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.metrics import accuracy_score, f1_score
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _num_samples, check_is_fitted, has_fit_parameter

from sklearn_ecg.cleaning._inputs import fit_extractor, is_table, record_ids
from sklearn_ecg.features import ECGFeatureExtractor
from sklearn_ecg.features._measured_before import measured_before
from sklearn_ecg.records import CleanedRecords, ECGRecords
from sklearn_ecg.utils import (
    HasMethods,
    Saved,
    StrOptions,
    align_labels,
    align_records,
    check_labels,
    check_params,
    check_sample_weight,
    ids_of,
    label_array,
    listed,
    with_summary,
)


def _inner_has(method):
    def check(self):
        getattr(self.estimator, method)
        return True

    return check


class OnCleanedLabels(Saved, MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Let a scikit-learn classifier train on cleaned labels.

    A Pipeline passes the weak ``y`` to its last step, also after a cleaner. This wrapper trains on
    the labels of `CleanedRecords`, and ignores ``y``. With any other input it trains on ``y``.

    Parameters
    ----------
    estimator : classifier
        Any scikit-learn classifier.
    features : transformer or "passthrough", default=None
        Turns signals into a table, once for all labels; by default `ECGFeatureExtractor()`.
        Features that the cleaner measured with the same extractor are used again. A table goes to
        `estimator` unchanged; with "passthrough" signals too.
    unknown : {"mask", "drop"}, default="mask"
        How to treat undecided labels (-1). "mask" fits one clone per label on the records whose
        label is known, so no record is lost. "drop" leaves out records with any unknown label; a
        classifier for multi-label indicators is then fitted once, others once per label.
    n_jobs : int, default=None
        Number of labels fitted in parallel.

    Attributes
    ----------
    estimators_ : list of classifiers
        One per label, or a single one for all labels.
    features_ : transformer or None
        The fitted `features`; None if the estimators got the input of `fit` unchanged.
    label_names_ : ndarray of shape (n_labels,)
        Names of the labels, or 0, 1, ... if they have none. For one-dimensional ``y`` the classes.
    classes_ : ndarray of shape (n_labels,)
        As `label_names_`, but 0 and 1 for a single label, which scikit-learn treats as two classes.
    n_records_dropped_ : int
        Number of records left out because of unknown labels (``unknown="drop"``).
    n_features_in_ : int
        Number of features of the estimators, if they have this attribute.

    See Also
    --------
    AFPLabelCleaner : The cleaning step.
    sklearn.multioutput.MultiOutputClassifier : A wrapper without unknown labels.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_ecg import CleanedRecords, OnCleanedLabels
    >>> cleaned = CleanedRecords(
    ...     np.array([[0.0], [0.1], [0.9], [1.0]]),
    ...     labels=[[0], [0], [1], [-1]],
    ...     weak_labels=[[1], [0], [1], [0]],
    ...     confidence=np.ones((4, 1)),
    ...     provenance=[["removed"], ["confirmed"], ["confirmed"], ["undecided"]],
    ... )
    >>> y_weak = [[1], [0], [1], [0]]
    >>> OnCleanedLabels(LogisticRegression(C=100)).fit(cleaned, y_weak).predict([[0.0], [1.0]])
    array([[0],
           [1]])
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"])],
        "features": [HasMethods(["fit", "transform"]), StrOptions({"passthrough"}), None],
        "unknown": [StrOptions({"mask", "drop"})],
        "n_jobs": "no_validation",
    }

    def __init__(self, estimator, *, features=None, unknown="mask", n_jobs=None):
        self.estimator = estimator
        self.features = features
        self.unknown = unknown
        self.n_jobs = n_jobs

    def fit(self, X, y=None, sample_weight=None):
        """Fit on the labels of `CleanedRecords`, or on `y` for anything else.

        Parameters
        ----------
        X : CleanedRecords, ECGRecords or array-like of n_records
            Signals in mV, or a table of features.
        y : array-like or DataFrame of shape (n_records, n_labels) or (n_records,), default=None
            1 present, 0 absent, -1 unknown, or one class per record. One-dimensional ``y`` with the
            values 0, 1 and -1 is a single label with unknown entries. Ignored for
            `CleanedRecords`. By default the labels of `ECGRecords`.
        sample_weight : array-like of shape (n_records,), default=None
            Weights of records, if the estimator accepts them.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there are no labels, all entries of a label are unknown, or the estimator does not
            accept `sample_weight`.
        """
        check_params(self)
        ids = ids_of(X, y)
        if sample_weight is not None:
            sample_weight = self._check_weights(sample_weight, _num_samples(X), ids)
        given = X
        X, y, names, self._is_flat = _unpack(X, y)
        self.features_ = None
        if not is_table(X) and self.features != "passthrough":
            self.features_, X = self._measure(X, given)
        y = align_records(y, ids, name="y")
        self._has_classes = self._is_flat and not _is_single_label(y)
        with self._naming_missing_values(given, X):
            if self._has_classes:
                self._native, self.n_records_dropped_ = True, 0
                self.estimators_ = [_fit_one(self.estimator, X, y, sample_weight=sample_weight)]
                self.classes_ = self.label_names_ = self.estimators_[0].classes_
            else:
                labels, names = check_labels(y, n_records=_num_samples(X), label_names=names)
                self._fit_labels(X, labels.astype(int), names, sample_weight)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimators_[0], name):
                setattr(self, name, getattr(self.estimators_[0], name))
        return self

    def _check_learned(self):
        fitted, mine = getattr(self, "estimators_", []), getattr(self, "n_features_in_", None)
        found = {getattr(estimator, "n_features_in_", mine) for estimator in fitted}
        if found - {mine}:
            raise ValueError(f"n_features_in_ is {mine}, but {found} in its classifiers")
        if fitted and len(fitted) not in (1, len(self.label_names_)):
            raise ValueError(
                f"it has {len(fitted)} classifiers for {len(self.label_names_)} labels"
            )

    def _measure(self, X, given):
        """Return a fitted extractor and features, from the cleaner if possible."""
        wanted = ECGFeatureExtractor(n_jobs=self.n_jobs) if self.features is None else self.features
        before = measured_before(given, wanted)
        if before is not None:
            return before
        extractor = fit_extractor(self.features, X, n_jobs=self.n_jobs)
        return extractor, extractor.transform(X)

    def _check_weights(self, sample_weight, n_records, ids):
        if not has_fit_parameter(self.estimator, "sample_weight"):
            raise ValueError(
                f"{type(self.estimator).__name__} does not accept sample_weight: wrap an "
                "estimator that does, or leave the weights out."
            )
        return check_sample_weight(sample_weight, n_records=n_records, ids=ids)

    def _fit_labels(self, X, labels, names, sample_weight):
        known = labels != -1
        if self.unknown == "drop":
            known = np.repeat(known.all(axis=1, keepdims=True), labels.shape[1], axis=1)
        self._check_known(known, names)
        self.n_records_dropped_ = int((~known.any(axis=1)).sum())
        self._native = self._fits_all_labels_at_once(known)
        if self._native:
            rows = np.flatnonzero(known[:, 0])
            self.estimators_ = [_fit_one(self.estimator, X, labels, rows, sample_weight)]
        else:
            self.estimators_ = Parallel(n_jobs=self.n_jobs)(
                delayed(_fit_one)(
                    self.estimator,
                    X,
                    labels[:, label],
                    np.flatnonzero(known[:, label]),
                    sample_weight,
                )
                for label in range(labels.shape[1])
            )
        self.label_names_ = np.arange(labels.shape[1]) if names is None else np.asarray(names)
        is_single = labels.shape[1] == 1
        self.classes_ = np.array([0, 1]) if is_single else self.label_names_

    def _fits_all_labels_at_once(self, known):
        tags = get_tags(self.estimator)
        if not tags.target_tags.single_output:  # such as ClassifierChain
            if self.unknown == "mask" and not known.all():
                raise ValueError(
                    f"{type(self.estimator).__name__} fits all labels at once and cannot mask the "
                    f"{(~known).sum()} unknown entries. Use unknown='drop'."
                )
            return True
        multi_label = tags.classifier_tags is not None and tags.classifier_tags.multi_label
        return self.unknown == "drop" and multi_label and known.shape[1] > 1

    def _check_known(self, known, names):
        if not known.shape[1]:
            raise ValueError("y has no labels (columns); pass at least one.")
        lost = np.flatnonzero(~known.any(axis=0))
        if len(lost):
            label = int(lost[0]) if names is None else str(names[lost[0]])
            if self.unknown == "drop":
                raise ValueError(
                    "Every record has an unknown label (-1), so unknown='drop' leaves no record: "
                    "use unknown='mask', which trains each label alone."
                )
            raise ValueError(
                f"Label {label!r} is unknown (-1) in all records. Leave the label out, or clean "
                "with undecided='weak'."
            )

    @contextmanager
    def _naming_missing_values(self, X, table):
        """Say which records lack which feature where a classifier refuses NaN."""
        try:
            yield
        except ValueError as error:
            missing = pd.isna(table) if np.ndim(table) == 2 else np.zeros(())
            if "contains NaN" not in str(error) or not np.any(missing):
                raise
            rows, columns = np.nonzero(np.asarray(missing))
            names = getattr(table, "columns", np.arange(np.shape(table)[1]))
            if hasattr(self.features_, "get_feature_names_out"):
                names = self.features_.get_feature_names_out()
            raise ValueError(
                f"Input X contains NaN, which {type(self.estimator).__name__} does not accept: "
                f"{len(np.unique(rows))} of {len(missing)} records lack features; record "
                f"{record_ids(X, len(missing))[rows[0]]} lacks {names[columns[0]]}. Fill them in "
                "before the classifier, OnCleanedLabels(make_pipeline(SimpleImputer(), "
                "classifier)), or use one that accepts NaN, such as HistGradientBoostingClassifier."
            ) from error

    def _answers(self, X, method):
        """Return what a method of each estimator answers for `X`."""
        check_is_fitted(self)
        table = X.without_labels() if isinstance(X, CleanedRecords) else X
        if self.features_ is not None:
            table = self.features_.transform(table)
        with self._naming_missing_values(X, table):
            return [_ask(estimator, method, table) for estimator in self.estimators_]

    @available_if(_inner_has("predict"))
    def predict(self, X):
        """Predict labels.

        Parameters
        ----------
        X : ECGRecords or array-like of n_records
            Signals in mV, or a table of features.

        Returns
        -------
        ndarray of shape (n_records, n_labels), or (n_records,) after one-dimensional ``y``
        """
        predicted = self._answers(X, "predict")
        predicted = predicted[0] if self._native else np.column_stack(predicted)
        return predicted.ravel() if self._is_flat else predicted

    @available_if(_inner_has("predict_proba"))
    def predict_proba(self, X):
        """Return the probability of each label.

        Parameters
        ----------
        X : ECGRecords or array-like of n_records
            Signals in mV, or a table of features.

        Returns
        -------
        ndarray of shape (n_records, n_labels)
            For a single label of shape (n_records, 2): absent and present, as in scikit-learn.
        """
        probabilities = self._answers(X, "predict_proba")
        if self._has_classes:
            return probabilities[0]
        classes = [estimator.classes_ for estimator in self.estimators_]
        if self._native:
            # Forests return a list of arrays (n_records, 2), one per label.
            probabilities, classes = probabilities[0], self.estimators_[0].classes_
        present = probabilities
        if isinstance(probabilities, list):
            pairs = zip(probabilities, classes, strict=True)
            present = np.column_stack([_positive_column(*pair) for pair in pairs])
        return np.hstack([1 - present, present]) if present.shape[1] == 1 else present

    @available_if(_inner_has("decision_function"))
    def decision_function(self, X):
        """Return the decision function of each label, positive if the label is present.

        Parameters
        ----------
        X : ECGRecords or array-like of n_records
            Signals in mV, or a table of features.

        Returns
        -------
        ndarray of shape (n_records, n_labels), or (n_records,) for two classes or a single label
        """
        decisions = self._answers(X, "decision_function")
        decisions = decisions[0] if self._native else np.column_stack(decisions)
        is_column = decisions.ndim == 2 and decisions.shape[1] == 1
        return decisions.ravel() if is_column else decisions

    def score(self, X, y, sample_weight=None):
        """Return macro F1; accuracy for one-dimensional ``y``.

        The accuracy of scikit-learn would count a record with one wrong label as wrong.

        Parameters
        ----------
        X : ECGRecords or array-like of n_records
            Signals in mV, or a table of features.
        y : array-like or DataFrame of shape (n_records, n_labels) or (n_records,)
            True labels, 0 or 1. Named columns may have any order.
        sample_weight : array-like of shape (n_records,), default=None
            Weights of records.

        Returns
        -------
        float
        """
        predicted, ids = self.predict(X), ids_of(X, y)
        sample_weight = align_records(sample_weight, ids, name="sample_weight")
        if _is_one_dimensional(y):
            y = align_records(y, ids, name="y")
            return accuracy_score(y, predicted, sample_weight=sample_weight)
        y, names = check_labels(y, n_records=len(predicted), ids=ids)
        y = align_labels(
            y, names, self.label_names_, name="y", owner="the classifier was fitted on"
        )
        if (y == -1).any():
            raise ValueError(
                f"y holds {(y == -1).sum()} unknown labels (-1), which cannot be scored. Leave "
                "those records out."
            )
        return f1_score(y, predicted, average="macro", zero_division=0, sample_weight=sample_weight)

    def _get_fitted_attr_html(self, doc_link=""):
        """Add a summary of the fitted classifiers to scikit-learn's table."""
        learned = {
            "labels": f"{len(self.label_names_)}: {listed(self.label_names_)}",
            "classifiers": f"{len(self.estimators_)} of {type(self.estimator).__name__}",
            "records left out": getattr(self, "n_records_dropped_", 0),
            "measured by": type(self.features_).__name__ if self.features_ else "nothing",
        }
        return with_summary(super()._get_fitted_attr_html(doc_link), learned)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags = inner.input_tags
        tags.classifier_tags = inner.classifier_tags
        if tags.classifier_tags is not None:
            tags.classifier_tags.multi_label = True
        return tags


def _unpack(X, y):
    """Return the input, the labels, their names, and whether `y` is one-dimensional."""
    is_flat = y is not None and _is_one_dimensional(y)
    if isinstance(X, CleanedRecords):
        # A dict holds several weak sources, from which the cleaner has made the labels.
        is_cleaned = y is None or isinstance(y, Mapping)
        n_given = X.n_labels if is_cleaned else 1 if is_flat else np.shape(y)[1]
        if n_given != X.n_labels:
            raise ValueError(
                f"y has {n_given} labels, but the CleanedRecords, which are used, have "
                f"{X.n_labels}. A wrapper such as MultiOutputClassifier or OneVsRestClassifier "
                "passes on one label at a time: leave it out, because OnCleanedLabels(classifier) "
                "fits each label itself."
            )
        return X.without_labels(), X.labels, X.label_names, is_flat
    if y is None:
        y = X.labels if isinstance(X, ECGRecords) else None
        if y is None:
            raise ValueError(
                "requires y to be passed, but the target y is None: X is neither CleanedRecords "
                "nor ECGRecords with labels."
            )
        return X, y, X.label_names, False
    names = X.label_names if isinstance(X, ECGRecords) else None
    if names is not None and (isinstance(y, pd.DataFrame) or np.shape(y)[1:] != names.shape):
        names = None
    return X, y, names, is_flat


def _is_one_dimensional(y):
    return not sparse.issparse(y) and label_array(y, "y").ndim == 1


def _is_single_label(y):
    """Whether labels are one column, or hold 0, 1 and unknown ones."""
    values = np.asarray(y)
    if values.ndim == 2 or np.ma.is_masked(y):
        return True
    return values.dtype.kind in "iuf" and set(np.unique(values).tolist()) == {-1, 0, 1}


def _fit_one(estimator, X, y, rows=None, sample_weight=None):
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    if rows is None:
        return clone(estimator).fit(X, y, **weights)
    weights = {name: values[rows] for name, values in weights.items()}
    known_X, known_y = _safe_indexing(X, rows), y[rows]
    if known_y.ndim == 1 and len(np.unique(known_y)) == 1:
        # Most classifiers refuse a single class, but a constant label must be predicted too.
        constant = DummyClassifier(strategy="constant", constant=known_y[0])
        return constant.fit(np.zeros((len(rows), 1)), known_y)
    return clone(estimator).fit(known_X, known_y, **weights)


def _ask(estimator, method, X):
    if method == "decision_function" and isinstance(estimator, DummyClassifier):
        return np.where(estimator.predict(X) == 1, 1.0, -1.0)  # a constant label
    return getattr(estimator, method)(X)


def _positive_column(probabilities, classes):
    positive = np.flatnonzero(np.asarray(classes) == 1)
    return probabilities[:, positive[0]] if len(positive) else np.zeros(len(probabilities))

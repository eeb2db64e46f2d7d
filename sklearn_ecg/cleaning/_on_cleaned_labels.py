"""Train any scikit-learn classifier on cleaned labels."""

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.metrics import accuracy_score, f1_score
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _num_samples, check_is_fitted

from sklearn_ecg.cleaning._inputs import fit_extractor, is_table
from sklearn_ecg.records import CleanedRecords, ECGRecords
from sklearn_ecg.utils import HasMethods, StrOptions, check_labels, check_params


def _inner_has(method):
    def check(self):
        getattr(getattr(self, "estimators_", [self.estimator])[0], method)
        return True

    return check


class OnCleanedLabels(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Let a scikit-learn classifier train on the labels that a cleaning step has settled.

    A Pipeline passes the weak ``y`` to its last step whatever the cleaner before it found. This
    wrapper takes the labels out of the `CleanedRecords` that it is given and ignores ``y``; given
    anything else it trains on ``y``.

    Parameters
    ----------
    estimator : classifier
        Any scikit-learn classifier.
    features : transformer or "passthrough", default=None
        Makes a table of signals, once for all labels; by default `ECGFeatureExtractor()`, as for
        `AFPLabelCleaner`. A table goes to `estimator` as it is, and so do signals with
        "passthrough".
    unknown : {"mask", "drop"}, default="mask"
        What becomes of undecided labels (-1). "mask" fits one clone per label on the records
        whose label is known, so that no record is lost. "drop" leaves out records with any
        unknown label, and fits a classifier that handles multi-label indicators by itself once
        for all labels, others once per label.
    n_jobs : int, default=None
        Labels fitted in parallel.

    Attributes
    ----------
    estimators_ : list of classifiers
        One per label, or a single one that handles all labels.
    features_ : transformer or None
        The fitted `features`; None where the estimators were given what `fit` was given.
    classes_ : ndarray of shape (n_labels,)
        The labels' names where they are known, else 0 ... n_labels - 1. For one-dimensional ``y``
        the classes.
    n_records_dropped_ : int
        Records left out because of unknown labels (``unknown="drop"``).

    See Also
    --------
    AFPLabelCleaner : The cleaning step.
    sklearn.multioutput.MultiOutputClassifier : The same without unknown labels.

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

    def fit(self, X, y=None):
        """Fit on the labels of `CleanedRecords`, or on `y` for anything else.

        Parameters
        ----------
        X : CleanedRecords, ECGRecords or array-like of n_records
        y : array-like of shape (n_records, n_labels) or (n_records,), default=None
            Ignored for `CleanedRecords`. By default the labels of `ECGRecords`.

        Returns
        -------
        self
        """
        check_params(self)
        X, y, names = _unpack(X, y)
        self.features_ = None
        if not is_table(X) and self.features != "passthrough":
            self.features_ = fit_extractor(self.features, X, n_jobs=self.n_jobs)
            X = self.features_.transform(X)
        if _is_one_dimensional(y):
            return self._fit_single_label(X, y)
        labels, column_names = check_labels(y, n_records=_num_samples(X), label_names=names)
        labels = labels.astype(int)
        known = labels != -1
        if self.unknown == "drop":
            known = np.repeat(known.all(axis=1, keepdims=True), labels.shape[1], axis=1)
        self._check_known(known, column_names)
        self.n_records_dropped_ = int((~known.any(axis=1)).sum())
        self._native = self._fits_all_labels_at_once(known)
        if self._native:
            rows = np.flatnonzero(known[:, 0])
            self.estimators_ = [_fit_one(self.estimator, X, labels, rows)]
        else:
            self.estimators_ = Parallel(n_jobs=self.n_jobs)(
                delayed(_fit_one)(
                    self.estimator, X, labels[:, label], np.flatnonzero(known[:, label])
                )
                for label in range(labels.shape[1])
            )
        self.classes_ = np.arange(labels.shape[1]) if column_names is None else column_names
        self._copy_feature_attributes()
        return self

    def _fits_all_labels_at_once(self, known):
        tags = get_tags(self.estimator)
        if not tags.target_tags.single_output:  # ClassifierChain and its like
            if self.unknown == "mask" and not known.all():
                raise ValueError(
                    f"{type(self.estimator).__name__} fits all labels at once and cannot mask "
                    f"single unknown ones, of which there are {(~known).sum()}. Use unknown='drop'."
                )
            return True
        multi_label = tags.classifier_tags is not None and tags.classifier_tags.multi_label
        return self.unknown == "drop" and multi_label

    def _fit_single_label(self, X, y):
        self._native = True
        self.n_records_dropped_ = 0
        self.estimators_ = [clone(self.estimator).fit(X, y)]
        self.classes_ = self.estimators_[0].classes_
        self._copy_feature_attributes()
        return self

    def _check_known(self, known, names):
        lost = np.flatnonzero(~known.any(axis=0))
        if len(lost):
            label = int(lost[0]) if names is None else str(names[lost[0]])
            raise ValueError(
                f"No record is left on which label {label!r} is known: all of its labels are "
                "undecided (-1). Lower the cleaner's thresholds, clean with undecided='weak', or "
                "use unknown='mask'."
            )

    def _copy_feature_attributes(self):
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimators_[0], name):
                setattr(self, name, getattr(self.estimators_[0], name))

    def _given(self, X):
        """Return what the estimators are given of `X`."""
        X = X.without_labels() if isinstance(X, CleanedRecords) else X
        return X if self.features_ is None else self.features_.transform(X)

    @available_if(_inner_has("predict"))
    def predict(self, X):
        """Predict labels.

        Parameters
        ----------
        X : ECGRecords or array-like of n_records

        Returns
        -------
        ndarray of shape (n_records, n_labels), or (n_records,) after one-dimensional ``y``
        """
        check_is_fitted(self)
        X = self._given(X)
        if self._native:
            return self.estimators_[0].predict(X)
        return np.column_stack([estimator.predict(X) for estimator in self.estimators_])

    @available_if(_inner_has("predict_proba"))
    def predict_proba(self, X):
        """Return the probability of each label.

        Parameters
        ----------
        X : ECGRecords or array-like of n_records

        Returns
        -------
        ndarray of shape (n_records, n_labels)
        """
        check_is_fitted(self)
        X = self._given(X)
        if self._native:
            probabilities = self.estimators_[0].predict_proba(X)
            # Forests answer with a list of (n_records, 2), one per label.
            if isinstance(probabilities, list):
                pairs = zip(self.estimators_[0].classes_, probabilities, strict=True)
                return np.column_stack([_positive_column(p, classes) for classes, p in pairs])
            return probabilities
        return np.column_stack(
            [
                _positive_column(estimator.predict_proba(X), estimator.classes_)
                for estimator in self.estimators_
            ]
        )

    def score(self, X, y, sample_weight=None):
        """Return macro F1; accuracy for one-dimensional ``y``.

        `ClassifierMixin` would count a record with one wrong label of many as wholly wrong.

        Parameters
        ----------
        X : ECGRecords or array-like of n_records
        y : array-like of shape (n_records, n_labels) or (n_records,)
        sample_weight : array-like of shape (n_records,), default=None

        Returns
        -------
        float
        """
        predicted = self.predict(X)
        if _is_one_dimensional(y):
            return accuracy_score(y, predicted, sample_weight=sample_weight)
        y, _ = check_labels(y, n_records=len(predicted))
        if (y == -1).any():
            raise ValueError(
                f"y holds {(y == -1).sum()} unknown labels (-1): scores need the truth. Leave "
                "those records out."
            )
        return f1_score(y, predicted, average="macro", zero_division=0, sample_weight=sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags = inner.input_tags
        tags.classifier_tags = inner.classifier_tags
        if tags.classifier_tags is not None:
            tags.classifier_tags.multi_label = True
        return tags


def _unpack(X, y):
    """Return what to train on, which labels, and their names."""
    if isinstance(X, CleanedRecords):
        return X.without_labels(), X.labels, X.label_names
    if isinstance(X, ECGRecords) and y is None:
        y = X.labels
        if y is not None:
            return X, y, X.label_names
    if y is None:
        raise ValueError(
            "requires y to be passed, but the target y is None: X is neither CleanedRecords nor "
            "ECGRecords with labels."
        )
    return X, y, None


def _is_one_dimensional(y):
    return not sparse.issparse(y) and np.asarray(y).ndim == 1


def _fit_one(estimator, X, y, rows):
    known_X, known_y = _safe_indexing(X, rows), y[rows]
    if known_y.ndim == 1 and len(np.unique(known_y)) == 1:
        # Most classifiers refuse a single class; a label that never varies is still a label.
        constant = DummyClassifier(strategy="constant", constant=known_y[0])
        return constant.fit(np.zeros((len(rows), 1)), known_y)
    return clone(estimator).fit(known_X, known_y)


def _positive_column(probabilities, classes):
    positive = np.flatnonzero(np.asarray(classes) == 1)
    return probabilities[:, positive[0]] if len(positive) else np.zeros(len(probabilities))

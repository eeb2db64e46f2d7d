"""Predictions of a classifier on test records, and their scores."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning

from sklearn_ecg.cards._facts import known
from sklearn_ecg.metrics import bootstrap_interval, multilabel_report
from sklearn_ecg.utils import align_labels, check_labels, ids_of

# With fewer patients with or without a label, an interval would look more certain than it is.
_FEWEST_FOR_INTERVAL = 5


@dataclass(frozen=True)
class Tested:
    """True labels, probabilities and predictions of the test records.

    Parameters
    ----------
    names : ndarray of str of shape (n_labels,)
        Names of the labels.
    y_true : ndarray of int8 of shape (n_records, n_labels)
    probabilities, predictions : ndarray of shape (n_records, n_labels)
    groups : ndarray of shape (n_records,), or None
        Patients.
    """

    names: np.ndarray
    y_true: np.ndarray
    probabilities: np.ndarray
    predictions: np.ndarray
    groups: np.ndarray | None

    @classmethod
    def of(cls, classifier, model, X, y, groups):
        """Predict records, and bring their true labels into the classifier's order."""
        predictions = np.asarray(classifier.predict(X))
        probabilities = _probabilities(classifier.predict_proba(X), predictions)
        names, y_true = _truth(model, X, y, probabilities.shape[1])
        if len(probabilities) != len(y_true):
            raise ValueError(
                f"The classifier returns predictions of {len(probabilities)} records, but X_test "
                f"has {len(y_true)}."
            )
        return cls(names, y_true, probabilities, predictions.reshape(probabilities.shape), groups)

    def n_positive(self):
        """Return the number of patients with each label; of records if patients are unknown."""
        if self.groups is None:
            return (self.y_true == 1).sum(axis=0)
        return np.array([len(np.unique(self.groups[column == 1])) for column in self.y_true.T])

    def n_negative(self):
        """Return the number of patients with a record without each label."""
        if self.groups is None:
            return (self.y_true == 0).sum(axis=0)
        return np.array([len(np.unique(self.groups[column == 0])) for column in self.y_true.T])

    def scores(self, n_resamples, random_state):
        """Return scores with intervals, a row per label and one for their mean."""
        with warnings.catch_warnings():
            # The table shows undefined scores, and the limits name them.
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            report = multilabel_report(
                self.y_true, self.probabilities, y_pred=self.predictions, label_names=self.names
            )
            report = report.drop(index=["weighted avg", "micro avg"])
            table = pd.DataFrame({"records with it": report["support"].astype(object)})
            if self.groups is not None:
                table["patients with it"] = pd.Series(
                    self.n_positive(), table.index[:-1], dtype=object
                )
            table.loc["macro avg", "records with it"] = None
            certain = np.minimum(self.n_positive(), self.n_negative()) >= _FEWEST_FOR_INTERVAL
            which = [[k] if certain[k] else None for k in range(len(certain))]
            which.append(np.flatnonzero(certain) if certain.all() else None)
            for title, column, metric, answers in [
                ("AUROC", "roc_auc", "roc_auc", self.probabilities),
                ("average precision", "average_precision", "average_precision", self.probabilities),
                ("F1", "f1", "f1_macro", self.predictions),
            ]:
                table[title] = [
                    self._with_interval(value, metric, answers, labels, n_resamples, random_state)
                    for value, labels in zip(report[column], which, strict=True)
                ]
        for column in ("precision", "recall", "specificity"):
            table[column] = report[column]
        return table.rename(index={"macro avg": "mean over labels"})

    def _with_interval(self, value, metric, answers, labels, n_resamples, random_state):
        if not np.isfinite(value):
            return "-"
        if labels is None:
            return f"{value:.3f}"
        found = bootstrap_interval(
            metric,
            self.y_true[:, labels],
            answers[:, labels],
            groups=self.groups,
            n_resamples=n_resamples,
            random_state=random_state,
        )
        return f"{value:.3f} ({found.low:.3f} to {found.high:.3f})"

    def probabilities_table(self):
        """Return prevalence, mean probability and Brier score of each label."""
        known = self.y_true != -1
        truth, asked = np.where(known, self.y_true, 0), np.where(known, self.probabilities, 0)
        n_known = np.where(known.any(axis=0), known.sum(axis=0), np.nan)
        return pd.DataFrame(
            {
                "share of records": truth.sum(axis=0) / n_known,
                "mean probability": asked.sum(axis=0) / n_known,
                "Brier score": ((truth - asked) ** 2).sum(axis=0) / n_known,
            },
            index=pd.Index(self.names, name="label"),
        )


def _probabilities(found, predictions):
    """Return the probabilities of any classifier as an array of shape (n_records, n_labels)."""
    if isinstance(found, list):  # forests return a list with an array per label
        if not all(np.shape(column)[1:] == (2,) for column in found):
            raise ValueError(
                "The classifier returns probabilities of other classes than absent and present; "
                "wrap it in OnCleanedLabels."
            )
        return np.column_stack([np.asarray(column)[:, 1] for column in found])
    found = np.asarray(found, dtype=float)
    is_single_label = predictions.ndim == 1 or predictions.shape[1] == 1
    if is_single_label and found.ndim == 2 and found.shape[1] == 2:
        return found[:, 1:]
    if found.shape != predictions.shape:
        raise ValueError(
            f"The classifier's probabilities have the shape {found.shape}, its predictions "
            f"{predictions.shape}; model_card describes multi-label classifiers, fitted to an "
            "indicator of shape (n_records, n_labels)."
        )
    return found


def _truth(model, X, y, n_labels):
    """Return the names of labels and the true labels, in the classifier's order."""
    given = known(X, "label_names")
    if y is None:
        y = known(X, "labels")
        if y is None:
            raise ValueError("y_test is None, and X_test has no labels; pass y_test.")
    elif isinstance(y, pd.DataFrame) or np.shape(y)[1:] != np.shape(given):
        given = None
    y_true, given = check_labels(
        y, n_records=len(X), ids=ids_of(X), name="y_test", label_names=given
    )
    names = _label_names(model, n_labels)
    own = np.arange(n_labels) if names is None else names
    y_true = align_labels(y_true, given, own, name="y_test", owner="the classifier knows")
    if names is None:
        names = np.arange(n_labels).astype(str) if given is None else given
    return names, y_true


def _label_names(model, n_labels):
    """Return the names of a classifier's labels, or None if they have none."""
    for attribute in ("label_names_", "classes_"):
        names = getattr(model, attribute, None)
        if names is not None and np.shape(names) == (n_labels,):
            names = np.asarray(names)
            if names.dtype.kind in "UO":
                return names.astype(str)
    return None

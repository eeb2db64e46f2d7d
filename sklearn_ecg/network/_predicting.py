"""Predicting: from records to logits, probabilities, labels and a score."""

import numpy as np
import torch
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted

from sklearn_ecg.network._device import map_batches
from sklearn_ecg.network._folding import folded
from sklearn_ecg.network._scores import masked_macro_f1, sigmoid, softmax
from sklearn_ecg.network._signals import parts_of_like_length
from sklearn_ecg.network._targets import true_labels
from sklearn_ecg.utils import align_records, ids_of


class LabelPredicting:
    """The classifier's predictions, for a `LabelNet` that is fitted, and of what kind they are."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.classifier_tags.multi_label = True
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags

    def decision_function(self, X):
        """Return calibrated logits: above 0 is more likely present than absent.

        Parameters
        ----------
        X : as for `fit`

        Returns
        -------
        ndarray of shape (n_records, n_labels), or (n_records,) for two classes or a single label
        """
        logits = self._logits(X)
        if self.multilabel_:
            return logits[:, 0] if logits.shape[1] == 1 else logits
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def predict_proba(self, X):
        """Return the probability of each label.

        Parameters
        ----------
        X : as for `fit`

        Returns
        -------
        ndarray of shape (n_records, n_labels), float64
            Columns in the order of `classes_`. After a one-dimensional y rows sum to 1. For a
            single label of shape (n_records, 2), absent and present, as scikit-learn has it.
        """
        logits = self._logits(X)
        if not self.multilabel_:
            return softmax(logits)
        present = sigmoid(logits)
        return np.hstack([1 - present, present]) if present.shape[1] == 1 else present

    def predict(self, X):
        """Return the labels that are present.

        Parameters
        ----------
        X : as for `fit`

        Returns
        -------
        ndarray of int of shape (n_records, n_labels)
            1 present, 0 absent. After a one-dimensional y the most probable class of each record,
            of shape (n_records,).
        """
        check_is_fitted(self)
        thresholds = self.thresholds
        if thresholds == "tuned":
            if not hasattr(self, "thresholds_"):
                raise ValueError(
                    "thresholds='tuned' was set after fit, or after partial_fit alone; call fit, "
                    "or set thresholds to a number."
                )
            thresholds = self.thresholds_
        logits = self._logits(X)
        if self.multilabel_:
            return (sigmoid(logits) >= thresholds).astype(np.int64)
        return self.classes_[logits.argmax(axis=1)]

    def score(self, X, y=None, sample_weight=None):
        """Return macro F1 for multi-label y, accuracy for a one-dimensional one.

        Exact-match accuracy, scikit-learn's default for multi-label classifiers, says little of
        labels that are mostly absent.

        Parameters
        ----------
        X : as for `fit`
        y : array-like, default=None
            As for `fit`, by default the labels of the records. Unknown labels (-1) do not count.
            Columns with names may come in any order.
        sample_weight : array-like of shape (n_records,), default=None

        Returns
        -------
        float
        """
        check_is_fitted(self)
        sample_weight = align_records(sample_weight, ids_of(X), name="sample_weight")
        if not self.multilabel_:
            if y is None:
                raise ValueError(
                    "score needs y, the class of each record, as fit had it; got None."
                )
            y = align_records(y, ids_of(X), name="y")
            return accuracy_score(y, self.predict(X), sample_weight=sample_weight)
        labels = true_labels(X, y, self.label_names_)
        return masked_macro_f1(labels, self.predict(X), sample_weight)

    def _logits(self, X):
        check_is_fitted(self)
        records = self._check_input(X)
        features = self._read_features(records)
        logits, sizes = np.empty((len(records), len(self.label_names_))), np.empty(len(records))
        for rows in parts_of_like_length(records, self.duration_s):
            part = records if len(rows) == len(records) else records[rows]
            dataset = self._dataset_of(self._prepare(part), labels=np.empty((len(part), 0)))
            sizes[rows] = dataset.sizes()
            of_part = None if features is None else features[rows]
            logits[rows] = self._calibrated(self._uncalibrated(dataset, of_part))
        self._check_units(sizes, records.ids)
        bad = ~np.isfinite(logits).all(axis=1)
        if bad.any():
            raise ValueError(
                f"The network has no finite answer for {bad.sum()} records, the first of them "
                f"{records.ids[bad.argmax()]}: are its signals in mV?"
            )
        return logits

    def _uncalibrated(self, dataset, features):
        """Return the logits of the network, or the mean of its and those of the trees."""
        logits, share = self._network_logits(dataset), self._share_of_network()
        return logits if share == 1 else share * logits + (1 - share) * self._tree_logits(features)

    def _share_of_network(self):
        return 1.0 if self.feature_trees_ is None else 0.5

    def _tree_logits(self, features):
        with torch.inference_mode():
            parts = [self.feature_trees_(part) for part in torch.as_tensor(features).split(256)]
        return torch.cat(parts).double().numpy()

    def _network_logits(self, dataset):
        module = folded(self.module_)

        def logits_of(batch):
            with torch.inference_mode():
                return self._logits_of(module, batch[0]).cpu()

        logits = map_batches(logits_of, self.get_iterator(dataset), self.device_)
        return torch.cat(logits).double().numpy()

    def _calibrated(self, logits):
        return logits * self.calibration_slope_ + self.calibration_offset_

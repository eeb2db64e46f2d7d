"""The steps of fitting, one method each."""

import os
import warnings
from pathlib import Path

import joblib
import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import compute_sample_weight

from sklearn_ecg.network._boosted_trees import BoostedTrees
from sklearn_ecg.network._calibration import calibrate, tune_thresholds
from sklearn_ecg.network._device import resolve_device
from sklearn_ecg.network._parameters import WIDTHS, check_part_parameters
from sklearn_ecg.network._record_reading import RecordReading, records_of
from sklearn_ecg.network._scores import sigmoid
from sklearn_ecg.network._signal_net import SignalNet
from sklearn_ecg.network._split import check_validation, validation_mask
from sklearn_ecg.network._targets import resolve_targets
from sklearn_ecg.network._weights import label_weights
from sklearn_ecg.network.modules._asymmetric_loss import AsymmetricLoss
from sklearn_ecg.network.modules._label_correlation_net import LabelCorrelationNet
from sklearn_ecg.utils import check_params


class LabelNet(RecordReading, SignalNet):
    """What lies between records with labels and a module that is trained on tensors."""

    def _check_parameters(self):
        check_params(self)
        check_part_parameters(self)
        resolve_device(self.device)
        if self.crop_s is None and self.duration_s is None:
            raise ValueError(
                "With duration_s=None records are read whole; set crop_s, the seconds that the "
                "network reads at a time."
            )
        is_number = self.crop_s not in (None, "auto")
        if is_number and self.duration_s is not None and self.crop_s > self.duration_s:
            raise ValueError(
                f"crop_s={self.crop_s:g} is longer than duration_s={self.duration_s:g}."
            )
        if self.accelerate and not isinstance(self.random_state, int | np.integer):
            raise ValueError(
                "Processes that share a training must draw the same batches: with accelerate=True, "
                f"set random_state to an integer. Got {self.random_state!r} instead."
            )
        if self.checkpoint is not None and not isinstance(self.random_state, int | np.integer):
            raise ValueError(
                "A fit can only be taken up again where it is repeatable: with checkpoint, set "
                f"random_state to an integer. Got {self.random_state!r} instead."
            )
        if self.checkpoint is not None and Path(self.checkpoint).is_dir():
            raise ValueError(
                f"The 'checkpoint' parameter must name a file; {os.fspath(self.checkpoint)} is a "
                "folder. Name a file in it."
            )

    def _read(self, X, y, classes=None):
        name = type(self).__name__
        records = records_of(X)
        if len(records) < 2:
            raise ValueError(f"{name} needs at least 2 records; got n_samples={len(records)}.")
        labels, names, multilabel = resolve_targets(X, y, name, classes)
        if len(labels) != len(records):
            raise ValueError(
                f"y has labels for {len(labels)} records, but X has {len(records)} records."
            )
        wanted = [
            name
            for name, is_wanted in [
                ("calibration", self.calibration is not None),
                ("thresholds", self.thresholds == "tuned"),
            ]
            if is_wanted
        ]
        if wanted and not multilabel:
            raise ValueError(
                f"{wanted[0]}={getattr(self, wanted[0])!r} is for labels that come together, not "
                "for the classes of a one-dimensional y. For a single label give y as a column."
            )
        return records, labels, names, multilabel

    def _set_labels(self, names, multilabel):
        self.label_names_ = names
        self.multilabel_ = multilabel
        # scikit-learn reads an indicator of a single column as two classes.
        self.classes_ = np.array([0, 1]) if multilabel and len(names) == 1 else names

    def _has_labels(self, names, multilabel):
        return multilabel == self.multilabel_ and np.array_equal(names, self.label_names_)

    def _check_same_labels(self, names, multilabel):
        if not self._has_labels(names, multilabel):
            raise ValueError(
                f"y has the labels {', '.join(map(str, names))}, but the classifier was fitted on "
                f"{', '.join(map(str, self.label_names_))}. For other labels use fit with "
                "warm_start=True."
            )

    def _weights_for(self, names, multilabel):
        """Return the last fit's weights, without what belongs to other labels."""
        state = self.module_.state_dict()
        del state["label_correlation"]
        if self._has_labels(names, multilabel):
            return state
        parts = LabelCorrelationNet.label_parts
        return {name: v for name, v in state.items() if name.split(".")[0] not in parts}

    def _weights(self, labels, sample_weight):
        class_weight = self.class_weight
        if class_weight is not None and not self.multilabel_:
            # A record has one class here, and what weighs is the record.
            of_class = compute_sample_weight(class_weight, self.label_names_[labels.argmax(1)])
            sample_weight = of_class * (1.0 if sample_weight is None else np.asarray(sample_weight))
            class_weight = None
        return label_weights(labels, self.label_names_, class_weight, sample_weight)

    def _hold_out(self, labels, groups, validation, random_state):
        held_out = np.zeros(len(labels), dtype=bool)
        if validation is not None:
            held_out = check_validation(validation, len(labels))
        elif self.validation_fraction is not None:
            held_out = validation_mask(labels, groups, self.validation_fraction, random_state)
        if not held_out.any() and self._learns_from_held_out():
            raise ValueError(
                "Calibration and tuned thresholds learn from held-out records, of which there are "
                "none: set validation_fraction and give at least 20 records, or name them to fit "
                "by validation, or leave both out."
            )
        if (~held_out).sum() < 2:
            raise ValueError(
                f"Of {len(labels)} records {held_out.sum()} are held out, and at least 2 must be "
                "left to train on: hold out fewer."
            )
        return held_out

    def _learns_from_held_out(self):
        return self.calibration is not None or self.thresholds == "tuned"

    def _check_nothing_to_hold_out(self):
        if self._learns_from_held_out():
            raise ValueError(
                "partial_fit holds no records out, from which calibration="
                f"{self.calibration!r} and thresholds={self.thresholds!r} could be learned: begin "
                "with fit, or set calibration=None and thresholds to a number."
            )

    def _fingerprint(self, dataset):
        # Neither these nor where it runs change the network; trees on features grow anew each time.
        free = {"callbacks", "checkpoint", "device", "verbose", "thresholds", "calibration"}
        parameters = {
            name: value
            for name, value in self.get_params().items()
            if name not in free and name.partition("__")[0] != "features"
        }
        arrays = [
            dataset.signals,
            dataset.labels,
            dataset.weights,
            dataset.rows,
        ]
        return joblib.hash([sorted(parameters.items()), *[array.numpy() for array in arrays]])

    def initialize_module(self):
        """Make the network; skorch calls this once shapes and labels are known."""
        size = {**WIDTHS[self.backbone][self.width], **self.get_params_for("module")}
        self.module_ = LabelCorrelationNet(
            self.label_correlation_,
            n_leads=self.n_leads_in_,
            n_times=self.n_times_,
            backbone=self.backbone,
            label_embedding=self.label_embedding,
            decoder=self.decoder,
            memory=self.memory,
            shortcut=self.shortcut,
            channel_identity=self.channel_identity,
            dropout=self.dropout,
            **size,
        )
        return self

    def initialize_criterion(self):
        """Make the loss."""
        self.criterion_ = AsymmetricLoss(self.gamma_positive, self.gamma_negative, self.clip)
        return self

    def _check_converged(self, run, dataset, ids):
        if run.diverged_in is None:
            return
        sizes = torch.linalg.vector_norm(dataset.signals, torch.inf, dim=(1, 2)).numpy()
        advice = (
            f"Lower lr={self.lr:g}, or look at record {ids[sizes.argmax()]}, whose largest sample "
            f"is {sizes.max():.3g} usual deviations of its lead away from its centre."
        )
        what = (
            f"Training diverged in epoch {run.diverged_in}: loss or weights became NaN or infinite."
        )
        if run.best_state is None:
            self._forget()
            raise ValueError(f"{what} {advice}")
        warnings.warn(
            f"{what} The weights are the best of the epochs before it. {advice}",
            ConvergenceWarning,
            stacklevel=4,
        )

    def _grow_trees(self, features, labels, weights, rows, random_state):
        """Learn the trees that answer beside the network, where there are features."""
        self.feature_trees_ = None
        if features is not None:
            self.feature_trees_ = BoostedTrees.grow(
                features[rows], labels[rows], weights[rows], random_state
            )

    def _fit_decisions(self, held_out, features):
        """Learn calibration, then thresholds, from the records that were held out."""
        n_labels = len(self.label_names_)
        self.calibration_slope_, self.calibration_offset_ = np.ones(n_labels), np.zeros(n_labels)
        self.__dict__.pop("thresholds_", None)
        if held_out is None:
            return
        labels = held_out.labels[held_out.rows].numpy()
        if features is not None:
            features = features[held_out.rows.numpy()]
        if self.calibration is not None:
            found = calibrate(self._uncalibrated(held_out, features), labels, self.calibration)
            self.calibration_slope_, self.calibration_offset_ = found
        if self.thresholds == "tuned":
            probabilities = sigmoid(self._calibrated(self._uncalibrated(held_out, features)))
            self.thresholds_ = tune_thresholds(probabilities, labels)

    def _restore_module(self, weights):
        """Make the module that the learned attributes describe, with these weights."""
        self.device_ = "cpu"
        self._initialize_module()
        self._initialize_criterion()
        self.initialized_ = True
        try:
            self.module_.load_state_dict(weights)
        except RuntimeError as error:
            raise ValueError(
                f"The weights are not those of the model described: {error}"
            ) from error
        self.module_.eval()

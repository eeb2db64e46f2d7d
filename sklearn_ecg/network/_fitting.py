"""Fitting: from records and labels to a trained network."""

import numpy as np
from sklearn.utils import check_random_state
from skorch.history import History

from sklearn_ecg.network._label_net import LabelNet
from sklearn_ecg.network._targets import absent_where_nobody_has_it
from sklearn_ecg.network._training_run import Checkpoint
from sklearn_ecg.network.modules._label_encoder import label_correlation
from sklearn_ecg.utils import align_records, check_groups, ids_of


class LabelFitting(LabelNet):
    """The classifier's ``fit`` and ``partial_fit``."""

    def fit(self, X, y=None, groups=None, sample_weight=None, validation=None):
        """Train on records and their labels.

        Parameters
        ----------
        X : CleanedRecords, ECGRecords, or array-like of shape (n_records, n_leads, n_times) or \
                (n_records, n_times)
            Signals in mV, without NaN.
        y : array-like or DataFrame of shape (n_records, n_labels), or (n_records,), default=None
            1 present, 0 absent, -1 unknown; or one class per record. The index of this and other
            tables names the records of X, see `ECGRecords`.
        groups : array-like of shape (n_records,), default=None
            Patients; by default those of the records.
        sample_weight : array-like of shape (n_records,), default=None
            How much each record counts in the loss, relative to the others.
        validation : array-like of bool of shape (n_records,), default=None
            The records to hold out, such as ``records.split == "9"`` of PTB-XL; by default they
            are drawn as `validation_fraction` says.

        Returns
        -------
        self
        """
        if not (self.warm_start and self.__sklearn_is_fitted__()):
            return self._fit(X, y, groups, sample_weight, validation, goes_on=False)
        with self._as_before_where_it_fails():
            return self._fit(X, y, groups, sample_weight, validation, goes_on=True)

    def _fit(self, X, y, groups, sample_weight, validation, goes_on):
        self._check_parameters()
        records, labels, names, multilabel = self._read(X, y)
        ids = ids_of(X, y)
        groups = records.groups if groups is None else groups
        groups = check_groups(groups, n_records=len(records), ids=ids)
        sample_weight = align_records(sample_weight, ids, name="sample_weight")
        validation = align_records(validation, ids, name="validation")
        random_state = check_random_state(self.random_state)
        held_out = self._hold_out(labels, groups, validation, random_state)
        training = np.flatnonzero(~held_out)
        start = None
        knows_labels = False
        if goes_on:
            knows_labels = self._has_labels(names, multilabel)
            start = self._weights_for(names, multilabel)
            self._check_input(records)
        else:
            # Should this fit fail, no network of the last one must answer for its labels.
            self._forget()
            self._learn_input(records)
        if multilabel and not knows_labels:
            labels = absent_where_nobody_has_it(labels, names, training)
        signals = self._prepare(records)
        self._set_labels(names, multilabel)
        weights = self._weights(labels, sample_weight)
        if not weights[training].any():
            raise ValueError(
                f"sample_weight is zero for all {len(training)} records that are trained on; only "
                "records held out for validation have weight."
            )
        self.validation_indices_ = np.flatnonzero(held_out)
        if not goes_on:
            self._learn_leads(signals, training)
        if not goes_on or self.features_ is None:
            features = self._learn_features(records, training)
        else:
            features = self._read_features(records)
        if not knows_labels or self.feature_trees_ is None:
            self._grow_trees(features, labels, weights, training, random_state)
        if not knows_labels:
            # What the network knows of its labels goes by the matrix that it learned them with.
            self.label_correlation_ = label_correlation(labels[training])
        dataset = self._dataset_of(signals, labels, weights, training, self.validation_indices_)
        if goes_on:
            self._check_units(dataset.sizes(), records.ids)
        seed = random_state.randint(np.iinfo(np.int32).max)
        checkpoint = None
        if self.checkpoint is not None:
            checkpoint = Checkpoint(self.checkpoint, self._fingerprint(dataset))
        run = self._train(
            dataset,
            seed,
            n_epochs=self.max_epochs,
            schedule=self.schedule,
            start=start,
            checkpoint=checkpoint,
        )
        vars(self).pop("moments_", None)
        self._check_converged(run, dataset, records.ids)
        self._fit_decisions(dataset.held_out, features)
        return self

    def partial_fit(self, X, y=None, classes=None, sample_weight=None):
        """Train for one more epoch at a constant learning rate ``lr``.

        The first call learns leads, rate, scaling and labels; all later ones keep them, and a
        label that is unknown (-1) throughout one of them stays as it is. Nothing is held out:
        calibration and tuned thresholds stay those of the last `fit`, and the first call refuses
        them. Trees on `features` grow in the first call. What the optimizer has learned of the
        gradients goes on from call to call; it begins anew after a `fit`, a `load`, or with
        another optimizer.

        Parameters
        ----------
        X, y, sample_weight : as for `fit`
        classes : array-like, default=None
            For a one-dimensional y, all classes that will ever come; needed by the first call.

        Returns
        -------
        self
        """
        sample_weight = align_records(sample_weight, ids_of(X, y), name="sample_weight")
        if not self.__sklearn_is_fitted__():
            return self._begin(X, y, classes, sample_weight)
        with self._as_before_where_it_fails():
            return self._go_on(X, y, classes, sample_weight)

    def _begin(self, X, y, classes, sample_weight):
        self._check_parameters()
        self._check_nothing_to_hold_out()
        records, labels, names, multilabel = self._read(X, y, classes)
        self._learn_input(records)
        everything = np.arange(len(records))
        if multilabel:
            labels = absent_where_nobody_has_it(labels, names, everything)
        signals = self._prepare(records)
        self._set_labels(names, multilabel)
        self.validation_indices_ = np.arange(0)
        self._learn_leads(signals, everything)
        self.label_correlation_ = label_correlation(labels)
        self._fit_decisions(None, None)
        weights = self._weights(labels, sample_weight)
        features = self._learn_features(records, everything)
        random_state = check_random_state(self.random_state)
        self._grow_trees(features, labels, weights, everything, random_state)
        dataset = self._dataset_of(signals, labels, weights)
        return self._train_an_epoch(dataset, records.ids, random_state)

    def _go_on(self, X, y, classes, sample_weight):
        self._check_parameters()
        if classes is None and not self.multilabel_:
            classes = self.label_names_
        records, labels, names, multilabel = self._read(X, y, classes)
        self._check_same_labels(names, multilabel)
        self._check_input(records)
        weights = self._weights(labels, sample_weight)
        dataset = self._dataset_of(self._prepare(records), labels, weights)
        self._check_units(dataset.sizes(), records.ids)
        return self._train_an_epoch(
            dataset,
            records.ids,
            check_random_state(self.random_state),
            start=self.module_.state_dict(),
            before=list(self.history_),
        )

    def _train_an_epoch(self, dataset, ids, random_state, start=None, before=()):
        kind, moments = getattr(self, "moments_", (None, None))
        run = self._train(
            dataset,
            random_state.randint(np.iinfo(np.int32).max),
            n_epochs=1,
            schedule="constant",
            start=start,
            moments=moments if kind == self.optimizer else None,
        )
        self.moments_ = self.optimizer, run.moments
        for epoch in self.history_:
            epoch["epoch"] += len(before)
        self.history_ = History([*before, *self.history_])
        self._check_converged(run, dataset, ids)
        return self

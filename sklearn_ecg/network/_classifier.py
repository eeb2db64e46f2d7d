"""LabelCorrelationECGClassifier: the network as a scikit-learn classifier."""

import os
from numbers import Integral, Real
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.base import (
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data
from skorch.history import History
from torch import nn

from sklearn_ecg.network._augmentation import SignalAugmentation
from sklearn_ecg.network._batches import SignalDataset
from sklearn_ecg.network._callbacks import Resume
from sklearn_ecg.network._decisions import SHARE_OF_NETWORK, Decisions
from sklearn_ecg.network._device import resolve_device
from sklearn_ecg.network._features import FeatureAnswers, learn_features, measure
from sklearn_ecg.network._files import load_model, save_model
from sklearn_ecg.network._onnx import export_onnx
from sklearn_ecg.network._parts import (
    NETWORKS,
    PartParameters,
    check_part_parameters,
    network_maker,
    parameters_of,
)
from sklearn_ecg.network._task import read_task
from sklearn_ecg.network._trainer import Trainer
from sklearn_ecg.network.modules import label_correlation
from sklearn_ecg.network.modules._label_correlation_net import BACKBONES
from sklearn_ecg.records import CleanedRecords, ECGRecords
from sklearn_ecg.utils import (
    HasMethods,
    Interval,
    StrOptions,
    announce,
    check_option,
    check_params,
    in_container,
    listed,
    output_container,
    warn_of_unread,
    warn_user,
    with_summary,
)

_POSITIVE = Interval(Real, 0, None, closed="neither")


class LabelCorrelationECGClassifier(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    ClassifierMixin,
    PartParameters,
    auto_wrap_output_keys=None,  # type: ignore[call-arg]
):
    """Multi-label ECG classifier that uses how labels correlate, and measured ECG features.


    A residual backbone reads the signals. Each label has an embedding, learned from its row of the
    label correlation matrix, and gathers the features that resemble it. Cross-attention layers and
    one linear layer per label turn them into a logit. The asymmetric loss ignores unknown labels
    (-1). Beside the network, boosted and randomised trees answer from measured ECG features.

    Parameters
    ----------
    network : {"small", "medium", "paper"}, Module class or Module, default="small"
        A name means a `LabelCorrelationNet` of that size. "small" trains within minutes on a CPU.
        "paper" is the paper's network; the paper gives no sizes, so they are our guess. A network
        of your own maps signals (batch, leads, times) to logits (batch, n_labels). A class gets
        those of ``n_leads``, ``n_times``, ``n_labels`` and ``label_correlation`` that its
        constructor names. A module is copied before training.
    backbone : {"xresnet", "residual"}, Module class or Module, default=None
        The part of the network that reads signals, see `LabelCorrelationNet`. By default that of
        `network`: an xresnet, or for "paper" residual blocks over the (lead, time) plane.
    features : transformer, "auto" or None, default="auto"
        Measures features of the records, from which `FeatureModels` answer. "auto" is an
        `ECGFeatureExtractor`; after a cleaner it is the cleaner's extractor, and its features are
        used again. "auto" measures nothing where the sampling rate is unknown. With None the
        network answers alone.
    sampling_rate : float, default=100
        Hz. Records of known rate are resampled to it once, before training.
    highpass : float or None, default=0.5
        Cut-off in Hz of the filter that removes baseline wander from records of known rate. None
        does not filter.
    duration_s : float or None, default=10.0
        Seconds. Records of known rate are cropped or padded at their end to this length. None reads
        them whole, in crops. Records of unknown rate must all have the same length, and keep it.
    crop_s : float, "auto" or None, default="auto"
        Seconds that the network reads at a time. It trains on random crops of this length. It
        predicts the mean of the logits over the fewest windows that cover the record. Crops suit
        labels that hold throughout a record. Choose None for labels of single beats, which most
        crops miss: then the network reads `duration_s` at once. "auto" is 2.5 s, or `duration_s`
        where that is shorter; where the rate is unknown, it is the whole record.
    augmentation : SignalAugmentation, "mild" or None, default="mild"
        Random changes of the training signals. "mild" is ``SignalAugmentation()``.
    class_weight : "balanced", dict or None, default=None
        "balanced" gives presence and absence of each label the same total weight. A dict gives the
        weight of a label's presence; absence has the weight 1. For a one-dimensional y, it gives
        the weight of a class, as in scikit-learn.
    lr : float, default=4e-3
        The largest learning rate. The paper has 1e-4.
    max_epochs : int, default=30
        The largest number of epochs. The paper has 60.
    batch_size : int, default=64
        Records in the largest batch. The batches of a training have nearly equal sizes, two or
        more.
    validation_fraction : float or None, default=None
        Share of the training records to hold out for early stopping, calibration and thresholds,
        such as 0.15. Whole patients are held out where groups are known; without groups, or with a
        single patient, single records. With None, or with fewer than 20 records, the network learns
        from all records in all epochs.
    calibration : {"auto", "temperature", "sigmoid"} or None, default="auto"
        Adjusts the probabilities of each label: "temperature" by a factor on its logits, "sigmoid"
        by a factor and an offset. They are fitted to the held-out records. Without these they are
        fitted to the feature models' answers for patients that the models have not seen. "auto" is
        "sigmoid" where one of the two exists, else no calibration.
    thresholds : float, "auto" or "tuned", default="auto"
        A label is predicted present from this probability on. "tuned" finds a threshold for each
        label: that with the largest expected F1 on the records of the calibration. "auto" is
        "tuned" where there are such records, else 0.5.
    warm_start : bool, default=False
        `fit` goes on with the network of the last fit, and with its scaling, leads and sampling
        rate. If the labels are the same, everything else that was learned is kept too. If they
        differ, the layers of the labels begin anew; backbone and decoder go on.
    checkpoint : path, default=None
        Folder for checkpoints. Each training writes its own file after each epoch. An interrupted
        fit goes on from it when it is called again with the same parameters and data, and gives the
        same result. Then the file is deleted; the folder stays. The fits of a search may share a
        folder. Needs an integer `random_state`.
    device : str, default="auto"
        A torch device. "auto" is CUDA where torch finds a GPU, else the CPU. A GPU holds all
        training signals if they fit into half of its free memory. Otherwise each batch is sent
        while the GPU works on the one before.
    callbacks : list of skorch callbacks, default=None
        Called in addition to the built-in ones: epoch_timer, train_loss, valid_loss, average,
        schedule, progress, early_stopping and resume. They get a net that predicts and scores
        records from signals alone, uncalibrated. A scheduler among them replaces the built-in one.
    random_state : int, RandomState instance or None, default=None
        Fixes weights, batches, dropout and held-out records. torch's global state does not change.
    verbose : int, default=0
        1 names the stages of `fit` on standard error, and shows progress bars of measured records,
        epochs and predicted batches. A log gets a line every ten seconds.
    **part_parameters
        Parameters of parts, by skorch's dunder names; `get_params` and searches know them too.

        - ``network__*``: of `LabelCorrelationNet` or of your own class.
        - ``network__pretrained``: path of a safetensors file or of a saved model. The network
          begins with those of its weights that fit, except for the layers of labels.
        - ``training__*``: optimizer ("adamw", "adam" or a class), weight_decay (0.01), schedule
          ("one_cycle", "cosine", "constant"), ema_decay (0.99), patience (10), precision ("auto",
          "float32", "bfloat16"), compile (False) and accelerate (False).
        - ``criterion__*``: of `AsymmetricLoss`.
        - ``optimizer__*``, ``compile__*``, ``iterator_train__batch_size``,
          ``iterator_valid__batch_size``, ``callbacks__<name>`` and ``callbacks__<name>__*``: as in
          skorch.

    Attributes
    ----------
    label_names_ : ndarray of shape (n_labels,)
        Names of the labels, or their numbers where they have no names. For a one-dimensional y, its
        classes.
    classes_ : ndarray of shape (n_labels,)
        The same as `label_names_`, but 0 and 1 for a single label, which scikit-learn reads as two
        classes.
    multilabel_ : bool
        False after a one-dimensional y.
    learned_ : ndarray of bool of shape (n_labels,)
        False for labels that are unknown in all training records. Their probabilities are NaN.
    label_correlation_ : ndarray of shape (n_labels, n_labels)
        See `label_correlation`. It is computed by the fit that first learns the labels.
    thresholds_ : ndarray of shape (n_labels,)
        Each label is present from this probability on.
    reader_ : SignalReader
        Turns records into the tensors that the network reads.
    lead_names_in_ : tuple of str, or None
        Leads of the training records.
    n_leads_in_ : int
        Number of leads.
    sampling_rate_ : float or None
        Hz of the signals that the network reads. None after arrays of unknown rate.
    n_times_ : int
        Samples that the network reads at a time.
    lead_scale_ : ndarray of shape (n_leads,)
        mV. The signals of each lead are divided by it.
    n_features_in_ : int
        Number of leads. For arrays of a single lead, number of samples, as scikit-learn counts the
        columns of X.
    net_ : Trainer
        The trained skorch net. Its ``module_`` is the network, its ``history`` the record of all
        epochs.
    answers_ : FeatureAnswers or None
        The models that answer from features.
    decisions_ : Decisions
        Combines both answers into probabilities and labels.
    validation_indices_ : ndarray of int
        The training records that were held out. Missing after `load`.

    See Also
    --------
    sklearn_ecg.AFPLabelCleaner : Cleans weak labels before this classifier learns from them.

    Notes
    -----
    Labels come from `CleanedRecords` after a cleaning step, else from y, else from the labels of
    `ECGRecords`. A one-dimensional y holds one class per record: then probabilities sum to 1 and
    `predict` returns classes. A two-dimensional y is always a multi-label indicator, also with a
    single column. The columns of a DataFrame y name the labels; otherwise the records' own label
    names do, if y has as many columns.

    On a CPU, torch uses at most half of the cores during `fit`: more threads slow each other down
    where other processes are busy. Prediction uses one core per batch. The environment variable
    OMP_NUM_THREADS sets a smaller number of cores; with OMP_WAIT_POLICY=passive it may also set a
    larger one.

    The defaults measured best on a tenth of PTB-XL (`docs/results/ptbxl.md`). The paper gives
    neither the numbers of channels and layers nor the order of its blocks; the modules say what is
    reconstructed. The paper's own network and training are ``network="paper", features=None,
    sampling_rate=500, highpass=None, crop_s=None, augmentation=None, criterion__gamma_negative=4,
    training__optimizer="adam", training__schedule="constant", training__weight_decay=0,
    training__ema_decay=None, lr=1e-4, batch_size=32, max_epochs=60, validation_fraction=0.15``.

    References
    ----------
    Zhang, Sun (2024). ECG Signals Classification by Analyzing Label Correlation Based on Deep
    Learning (in Chinese).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import ECGRecords, LabelCorrelationECGClassifier
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 2, size=(64, 3))
    >>> signals = rng.normal(scale=0.1, size=(64, 2, 500))
    >>> signals[:, 0] += np.where(labels[:, :1], 1, -1) * np.sin(np.arange(500) / 9)
    >>> records = ECGRecords(signals, 100, labels=labels, label_names=["AF", "LBBB", "PVC"])
    >>> classifier = LabelCorrelationECGClassifier(features=None, duration_s=5.0, random_state=0)
    >>> classifier = classifier.fit(records)
    >>> classifier.classes_
    array(['AF', 'LBBB', 'PVC'], dtype='<U4')
    >>> classifier.predict_proba(records).shape
    (64, 3)
    >>> classifier.transform(records).shape  # embeddings
    (64, 128)
    """

    _parameter_constraints = {
        "network": [StrOptions(set(NETWORKS)), nn.Module, callable],
        "backbone": [StrOptions(set(BACKBONES)), nn.Module, callable, None],
        "features": [StrOptions({"auto"}), HasMethods(["fit", "transform"]), None],
        "sampling_rate": [_POSITIVE],
        "highpass": [_POSITIVE, None],
        "duration_s": [_POSITIVE, None],
        "crop_s": [_POSITIVE, StrOptions({"auto"}), None],
        "augmentation": [SignalAugmentation, StrOptions({"mild"}), None],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "lr": [_POSITIVE],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "calibration": [StrOptions({"auto", "temperature", "sigmoid"}), None],
        "thresholds": [Interval(Real, 0, 1, closed="neither"), StrOptions({"auto", "tuned"})],
        "warm_start": ["boolean"],
        "checkpoint": [str, os.PathLike, None],
        "device": [str],
        "callbacks": [list, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    __metadata_request__fit = {"groups": True, "validation": True}

    def __init__(
        self,
        network="small",
        *,
        backbone=None,
        features="auto",
        sampling_rate=100,
        highpass=0.5,
        duration_s=10.0,
        crop_s="auto",
        augmentation="mild",
        class_weight=None,
        lr=4e-3,
        max_epochs=30,
        batch_size=64,
        validation_fraction=None,
        calibration="auto",
        thresholds="auto",
        warm_start=False,
        checkpoint=None,
        device="auto",
        callbacks=None,
        random_state=None,
        verbose=0,
        **part_parameters,
    ):
        self.network = network
        self.backbone = backbone
        self.features = features
        self.sampling_rate = sampling_rate
        self.highpass = highpass
        self.duration_s = duration_s
        self.crop_s = crop_s
        self.augmentation = augmentation
        self.class_weight = class_weight
        self.lr = lr
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.calibration = calibration
        self.thresholds = thresholds
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.device = device
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose
        self._set_part_parameters(part_parameters)

    # Fitting ------------------------------------------------------------------------------------

    def fit(self, X, y=None, groups=None, sample_weight=None, validation=None):
        """Train on records and their labels.

        Parameters
        ----------
        X : CleanedRecords, ECGRecords, or array-like of shape (n_records, n_leads, n_times) or \
                (n_records, n_times)
            Signals in mV. Records that cannot be read are left out, with a warning.
        y : array-like or DataFrame of shape (n_records, n_labels), or (n_records,), default=None
            1 present, 0 absent, -1 unknown; or one class per record. By default the labels of X.
            The index of a DataFrame names the records of X, see `ECGRecords`; so does the index of
            `groups` and the other arguments.
        groups : array-like of shape (n_records,), default=None
            Patients. By default those of the records.
        sample_weight : array-like of shape (n_records,), default=None
            Weight of each record in the loss, relative to the others.
        validation : array-like of bool of shape (n_records,), default=None
            True for records to hold out, such as ``records.split == "9"`` of PTB-XL. By default
            `validation_fraction` of the records is drawn.

        Returns
        -------
        self : LabelCorrelationECGClassifier

        Raises
        ------
        ValueError
            If no record can be read, if no label is known, or if a parameter has a wrong value. The
            classifier then stays as it was.
        """
        before = self if self.warm_start and self.__sklearn_is_fitted__() else None
        return self._fit(
            X, y, groups=groups, sample_weight=sample_weight, validation=validation, before=before
        )

    def partial_fit(self, X, y=None, classes=None, sample_weight=None):
        """Train for one more epoch at a constant learning rate ``lr``.

        The first call learns leads, rate, scaling, labels and the models of `features`; later calls
        keep them. A label that is unknown (-1) throughout a call does not change. Nothing is held
        out. The optimizer keeps its state between calls; it begins anew after `fit` or `load`, or
        with another `training__optimizer`.

        Parameters
        ----------
        X : CleanedRecords, ECGRecords or array-like
            As for `fit`.
        y : array-like or DataFrame, default=None
            As for `fit`.
        classes : array-like, default=None
            All classes of a one-dimensional y, also those of later calls. The first call needs it.
        sample_weight : array-like of shape (n_records,), default=None
            As for `fit`.

        Returns
        -------
        self : LabelCorrelationECGClassifier
        """
        before = self if self.__sklearn_is_fitted__() else None
        return self._fit(
            X, y, sample_weight=sample_weight, classes=classes, before=before, one_epoch=True
        )

    def _fit(self, X, y, *, before, one_epoch=False, **given):
        """Learn all parts, and store them once all have been learned.

        `before` is a fitted classifier that goes on, or None. With `one_epoch` this is a call of
        `partial_fit`.
        """
        self._check_parameters()
        announce("Reading signals", self.verbose)
        given = dict.fromkeys(("groups", "sample_weight", "validation", "classes")) | given
        task = read_task(self, X, y, **given, before=before, holds_out=not one_epoch)
        # The network's label layers belong to the matrix that they were trained with.
        correlation = (
            before.label_correlation_
            if task.knows_labels
            else label_correlation(task.labels[task.training])
        )
        answers, table, honest = self._learn_answers(task)
        keeps = (
            task.knows_labels
            and not len(task.held_out)
            and (answers is None) == (before.answers_ is None)
        )
        is_taught = task.space.multilabel and (honest is not None or len(task.held_out))
        if not is_taught and not (keeps and before.decisions_.is_taught):
            self._check_nothing_asked(task.space)
        net, dataset = self._trainer(task.reader, task.space, correlation, one_epoch), task.dataset
        self._train(net, dataset, task, one_epoch)
        self._check_converged(net, dataset, task.records.ids)
        decisions = (
            before.decisions_
            if keeps
            else self._learn_decisions(net, answers, table, honest, dataset)
        )

        vars(self).pop("feature_names_in_", None)
        if (names := _column_names(X)) is not None:
            self.feature_names_in_ = names
        self.reader_, self.labels_, self.learned_ = task.reader, task.space, task.learned
        self.label_correlation_, self.validation_indices_ = correlation, task.held_out
        self.net_, self.answers_, self.decisions_ = net, answers, decisions
        self._fitted_with = self.get_params(deep=False)
        return self

    def _check_parameters(self):
        check_params(self)
        check_part_parameters(self)
        resolve_device(self.device)
        shares = parameters_of(self, "training").get("accelerate", False)
        if (shares or self.checkpoint is not None) and not isinstance(
            self.random_state, int | np.integer
        ):
            why = (
                "Processes that share a training must draw the same batches: with "
                "training__accelerate=True"
                if shares
                else "A fit can only be taken up again where it is repeatable: with checkpoint"
            )
            raise ValueError(
                f"{why}, set random_state to an integer. Got {self.random_state!r} instead."
            )
        if self.checkpoint is not None and Path(self.checkpoint).is_file():
            raise ValueError(
                f"The 'checkpoint' parameter must name a folder; {os.fspath(self.checkpoint)} is a "
                "file. Delete it, or name a folder beside it."
            )

    def _learn_answers(self, task):
        """Return the feature models, their table, and logits of records that they have not seen."""
        if self.features is None or (
            isinstance(self.features, str) and task.records.sampling_rate is None
        ):
            return None, None, None
        old = task.before.answers_ if task.knows_labels else None
        # Held-out records must not be answered by models that were trained on them.
        knows_nothing_new = old is not None and (task.learned == task.before.learned_).all()
        if knows_nothing_new and not len(task.held_out):
            return old, None, None  # nothing is left to learn from a table
        extractor, table = learn_features(
            self.features, task.records, task.reading.is_read, task.training, self.verbose
        )
        announce("Learning from features", self.verbose)
        of_training = (
            None if values is None else values[task.training]
            for values in (table, task.labels, task.weights, task.groups)
        )
        answers, honest = FeatureAnswers.learn(
            extractor, *of_training, task.random_state, calibration=self._calibration()
        )
        return answers, table, honest

    def _trainer(self, reader, space, correlation, one_epoch=False):
        """Return an untrained net for a reader's records and for labels."""
        training = parameters_of(self, "training")
        if one_epoch:
            training["schedule"] = "constant"
        of_skorch = {
            name: value
            for name, value in self._part_parameters().items()
            if name.partition("__")[0] not in ("network", "training")
        }
        is_mild = isinstance(self.augmentation, str)
        net = Trainer(
            network_maker(self, reader, space, correlation),
            reader=reader,
            labels=space,
            augmentation=SignalAugmentation() if is_mild else self.augmentation,
            lr=self.lr,
            max_epochs=1 if one_epoch else self.max_epochs,
            batch_size=self.batch_size,
            callbacks=self.callbacks,
            device=resolve_device(self.device),
            verbose=self.verbose,
            **training,
            **of_skorch,
        )
        check_params(net)
        return net

    def _train(self, net, dataset, task, one_epoch):
        start = moments = resume = None
        if task.before is not None:
            before, module = task.before, task.before.net_.module_
            of_labels = getattr(module, "label_parts", ()) if not task.knows_labels else ()
            skipped = {"label_correlation", *of_labels}
            start = {
                name: weights
                for name, weights in module.state_dict().items()
                if name.split(".")[0] not in skipped
            }
            moments = before.net_.moments_for(net) if one_epoch else None
        if self.checkpoint is not None:
            # Neither these nor the device change the network; features are learned anew each time.
            free = {"callbacks", "checkpoint", "device", "verbose", "thresholds", "calibration"}
            parameters = {
                name: value
                for name, value in self.get_params().items()
                if name not in free and name.partition("__")[0] != "features"
            }
            resume = Resume(self.checkpoint, parameters, dataset, (start, moments, one_epoch))
        seed = task.random_state.randint(np.iinfo(np.int32).max)
        net.train(dataset, seed, start=start, moments=moments, resume=resume)
        if one_epoch and task.before is not None:
            for epoch in net.history:
                epoch["epoch"] += len(before.history)
            net.history = History([*before.history, *net.history])

    def _check_converged(self, net, dataset, ids):
        if net.diverged_in_ is None:
            return
        sizes = dataset.signals.abs().amax(dim=(1, 2)).numpy()
        message = (
            f"Training diverged in epoch {net.diverged_in_}: loss or weights became NaN or "
            f"infinite. Lower lr={self.lr:g}, or look at record {ids[sizes.argmax()]}, whose "
            f"largest sample is {sizes.max():.3g} usual deviations of its lead."
        )
        if net.diverged_in_ == 1:
            raise ValueError(message)
        warn_user(f"{message} The weights are those of the epoch before.", ConvergenceWarning)

    def _learn_decisions(self, net, answers, table, honest, dataset):
        """Learn from held-out records, or from the feature models' answers for new patients."""
        rows, of_network, of_features = dataset.rows.numpy(), None, honest
        if dataset.held_out is not None:
            rows = dataset.held_out.rows.numpy()
            of_network = net.logits(dataset.held_out)
            of_features = None if answers is None else answers.logits(table[rows])
        labels, weights = dataset.labels.numpy()[rows], dataset.weights.numpy()[rows]
        if (of_network is None and of_features is None) or not net.labels.multilabel:
            labels = None
        return Decisions.learn(
            of_network, of_features, labels, weights, len(net.labels),
            share=1.0 if answers is None else SHARE_OF_NETWORK,
            calibration=self._calibration(),
        )  # fmt: skip

    def _calibration(self):
        return "sigmoid" if self.calibration == "auto" else self.calibration

    def _check_nothing_asked(self, space):
        """Raise where calibration or thresholds are asked for without records to fit them."""
        asked = {"calibration": self.calibration, "thresholds": self.thresholds}
        what = ", ".join(
            f"{name}={value!r}"
            for name, value in asked.items()
            if isinstance(value, str) and value != "auto"
        )
        if what and not space.multilabel:
            raise ValueError(
                f"{what} needs multi-label y, but y is one-dimensional and holds classes. For a "
                "single label pass y as a column."
            )
        if what:
            raise ValueError(
                f"{what} needs held-out records, and there are none. Set validation_fraction and "
                "give at least 20 records, or pass validation to fit. Features measured for more "
                "than one patient serve as well."
            )

    # Prediction ---------------------------------------------------------------------------------

    def decision_function(self, X):
        """Return calibrated logits: above 0, presence is more likely than absence.

        Parameters
        ----------
        X : CleanedRecords, ECGRecords or array-like
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_records, n_labels), or (n_records,) for two classes or a single label
            NaN for records that cannot be read, and for labels that are not in `learned_`.
        """
        check_is_fitted(self)
        return self.labels_.decision_function(self._logits(X))

    def predict_proba(self, X):
        """Return the probability of each label.

        Parameters
        ----------
        X : CleanedRecords, ECGRecords or array-like
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_records, n_labels), float64
            Columns in the order of `classes_`. After a one-dimensional y, rows sum to 1. For a
            single label, shape (n_records, 2): absent and present, as in scikit-learn. NaN for
            records that cannot be read, and for labels that were unknown in training.
        """
        check_is_fitted(self)
        return self.labels_.predict_proba(self._logits(X))

    def predict(self, X):
        """Return the labels that are present.

        Parameters
        ----------
        X : CleanedRecords, ECGRecords or array-like
            As for `fit`.

        Returns
        -------
        ndarray of int of shape (n_records, n_labels)
            1 present, 0 absent, -1 unknown (the probability is NaN). After a one-dimensional y, the
            most probable class of each record, of shape (n_records,); None where it is unknown.
        """
        check_is_fitted(self)
        probabilities = self.labels_.probabilities(self._logits(X))
        return self.labels_.decide(probabilities, self.thresholds_)

    def score(self, X, y=None, sample_weight=None):
        """Return macro F1 for multi-label y, accuracy for a one-dimensional one.

        scikit-learn's default for multi-label classifiers is exact-match accuracy. It says little
        where most labels are absent.

        Parameters
        ----------
        X : CleanedRecords, ECGRecords or array-like
            As for `fit`.
        y : array-like or DataFrame, default=None
            As for `fit`; by default the labels of the records. Unknown labels (-1) do not count.
            Columns with names may come in any order.
        sample_weight : array-like of shape (n_records,), default=None
            Weight of each record in the score.

        Returns
        -------
        score : float
        """
        predicted = self.predict(X)
        return self.labels_.score(X, y, predicted, sample_weight)

    def transform(self, X):
        """Return embeddings: the network's features of each record, before the label layers.

        Parameters
        ----------
        X : CleanedRecords, ECGRecords or array-like
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_records, embedding_dim), DataFrame or CleanedRecords
            The mean over the windows of a record. NaN for records that cannot be read. A DataFrame
            where `set_output` asks for it; a pandas one is indexed by the records' ids.
            `CleanedRecords` give CleanedRecords with a table, so that the labels reach the next
            step.
        """
        check_is_fitted(self)
        embeddings = self._warned(*self._read_and(X, self._embed, self._n_features_out))
        container, names = output_container(self), self.get_feature_names_out
        index = pd.Index(X.ids, name="id") if isinstance(X, ECGRecords) else None
        if isinstance(X, pd.DataFrame):
            index = X.index
        if not isinstance(X, CleanedRecords):
            return in_container(embeddings, container, names=names, index=index)
        container = "default" if container == "default" else "pandas"
        return X.with_table(in_container(embeddings, container, names=names, index=index))

    def set_output(self, *, transform=None):
        """Choose the container in which `transform` returns embeddings.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            None changes nothing.

        Returns
        -------
        self : LabelCorrelationECGClassifier
        """
        # scikit-learn's own would turn CleanedRecords into a DataFrame, and lose their labels.
        if transform is not None:
            check_option(transform, ("default", "pandas", "polars"), "transform")
            self._sklearn_output_config = {"transform": transform}
        return self

    @property
    def _n_features_out(self):
        network, reader = self.module_, self.reader_
        needed = "a method embed(x) that returns a tensor of shape (batch, embedding_dim)"
        if not hasattr(network, "embed"):
            raise TypeError(
                f"{type(network).__name__} has no embeddings: a network of your own needs {needed}."
            )
        nothing = torch.zeros(1, reader.n_leads_, reader.n_times_)
        shape = self.net_.embed(SignalDataset(nothing, torch.tensor([reader.n_times_]))).shape
        if len(shape) != 2:
            raise ValueError(
                f"{type(network).__name__} needs {needed}; of one record it makes {shape}."
            )
        return shape[1]

    def _logits(self, X):
        """Return calibrated logits, NaN where there is no answer."""
        return self._warned(*self._logits_and_reasons(X))

    def _logits_and_reasons(self, X):
        """Return logits, {row: why the record has none}, and the records' ids."""
        logits, reasons, ids = self._read_and(X, self._decide, len(self.labels_))
        logits[:, ~self.learned_] = np.nan
        return logits, reasons, ids

    def _warned(self, answers, reasons, ids):
        warn_of_unread(reasons, ids, "get no answer (NaN)")
        return answers

    def _decide(self, dataset, records):
        of_features = None
        if self.answers_ is not None:
            of_features = self.answers_.logits(measure(self.answers_.extractor, records))
        return self.decisions_.logits(self.net_.logits(dataset, verbose=self.verbose), of_features)

    def _embed(self, dataset, _):
        return self.net_.embed(dataset, verbose=self.verbose)

    def _read_and(self, X, answer, n_columns):
        """Return the answers, {row: why the record has none}, and the records' ids."""
        _check_column_names(self, X)
        if _is_empty(X):
            return np.empty((0, n_columns)), {}, ()
        records = self.reader_.check(X, type(self).__name__)
        return *self.reader_.answers(records, answer, n_columns), records.ids

    # Files --------------------------------------------------------------------------------------

    def save(self, path):
        """Write the fitted classifier into a folder: ``model.json`` and a file of weights.

        Labels, leads, sampling rate, scaling, calibration, thresholds and parameters are saved with
        the weights. Not saved are ``callbacks``, ``checkpoint``, ``network__pretrained`` and
        ``random_state``: they belong to one training. An older model in the folder is replaced once
        the new one is complete.

        Parameters
        ----------
        path : path
            Folder. It is made if it is missing.

        Raises
        ------
        TypeError
            If a parameter has no form in JSON.
        ValueError
            If `path` is a file, or `features` is not an `ECGFeatureExtractor`.
        """
        check_is_fitted(self)
        save_model(self, path)

    @classmethod
    def load(cls, path, *, device="auto", **parts):
        """Return a classifier that `save` has written.

        Loading runs no code from the files, unlike unpickling.

        Parameters
        ----------
        path : path
            Folder that `save` has written.
        device : str, default="auto"
            As for the class.
        **parts
            Your own ``network`` or ``backbone``, if the model was saved with one.

        Returns
        -------
        classifier : LabelCorrelationECGClassifier

        Raises
        ------
        FileNotFoundError
            If the folder holds no ``model.json``.
        ValueError
            If the files are damaged, incomplete, or of another version.
        """
        return load_model(cls, path, device=device, **parts)

    def to_onnx(self, path):
        """Write the fitted classifier as an ONNX file, from signals in mV to probabilities.

        The file has the input ``signals`` of shape (n_records, n_leads, n_times), with the leads of
        `lead_names_in_` at `sampling_rate_`, and the output ``probabilities`` of shape (n_records,
        n_labels). Where features are used, it also has the input ``features`` of shape (n_records,
        n_features). The content of ``model.json`` is stored in its metadata under the key
        "sklearn_ecg".

        The caller resamples, applies the `highpass` filter, and cuts longer records into windows.
        The classifier takes the mean of the log-odds over the fewest windows of `n_times_` samples
        that cover a record.

        Parameters
        ----------
        path : path
            File to write.

        Raises
        ------
        ImportError
            Without the extra ``[onnx]``.
        """
        check_is_fitted(self)
        export_onnx(self, path)

    def save_params(self, **files):
        """Write weights of the network, as skorch's nets do.

        Parameters
        ----------
        **files
            Paths by kind, such as ``f_params="weights.pt"``.
        """
        check_is_fitted(self)
        self.net_.save_params(**files)

    def load_params(self, **files):
        """Read weights of the network that `save_params` has written.

        Parameters
        ----------
        **files
            As for `save_params`. Shapes must fit.
        """
        check_is_fitted(self)
        self.net_.load_params(**files)

    # What was learned ---------------------------------------------------------------------------

    classes_ = property(lambda self: self.labels_.classes)
    label_names_ = property(lambda self: self.labels_.names)
    multilabel_ = property(lambda self: self.labels_.multilabel)
    lead_names_in_ = property(lambda self: self.reader_.lead_names_)
    n_leads_in_ = property(lambda self: self.reader_.n_leads_)
    n_features_in_ = property(lambda self: self.reader_.n_features_in_)
    sampling_rate_ = property(lambda self: self.reader_.sampling_rate_)
    n_times_ = property(lambda self: self.reader_.n_times_)
    lead_scale_ = property(lambda self: self.reader_.lead_scale_)
    module_ = property(lambda self: self.net_.module_)
    history = property(lambda self: self.net_.history)

    @property
    def thresholds_(self):
        """Each label is present from this probability on."""
        if isinstance(self.thresholds, str):
            return self.decisions_.thresholds
        return np.full(len(self.labels_), self.thresholds)

    def _get_fitted_attr_html(self, doc_link=""):
        """Show the result of the training, beside what scikit-learn shows of a fitted estimator."""
        rate = self.sampling_rate_
        length = f"{self.n_times_} samples" if rate is None else f"{self.n_times_ / rate:g} s"
        learned = {
            "labels": f"{len(self.label_names_)}: {listed(self.label_names_)}",
            "leads": f"{self.n_leads_in_}: {listed(self.lead_names_in_ or ('without names',))}",
            "reads": length if rate is None else f"{length} at a time, at {rate:g} Hz",
            "epochs": len(self.history),
        }
        losses = [epoch.get("valid_loss") for epoch in self.history]
        if losses and None not in losses:
            best = int(np.argmin(losses))
            learned["smallest validation loss"] = f"{losses[best]:.4g}, in epoch {best + 1}"
        learned["answers"] = (
            "network" if self.answers_ is None else "network and models of measured features"
        )
        if self.multilabel_:
            learned["by label"] = pd.DataFrame(
                {"threshold": self.thresholds_, "learned": self.learned_}, self.label_names_
            )
        return with_summary(super()._get_fitted_attr_html(doc_link), learned)

    def __sklearn_is_fitted__(self):
        return "net_" in vars(self)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.classifier_tags.multi_label = True
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags


def _column_names(X):
    """Return the column names of a DataFrame (samples of a single lead), or None."""
    if not isinstance(X, pd.DataFrame) or not all(isinstance(name, str) for name in X.columns):
        return None
    return np.asarray(X.columns, dtype=object)


def _check_column_names(classifier, X):
    """Raise where a DataFrame has other columns than in fit, or another order."""
    if not isinstance(X, ECGRecords):
        validate_data(classifier, X, reset=False, skip_check_array=True, ensure_2d=False)


def _is_empty(X):
    return hasattr(X, "__len__") and not hasattr(X, "nnz") and len(X) == 0

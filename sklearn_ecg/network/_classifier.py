"""LabelCorrelationECGClassifier: the network as a scikit-learn classifier."""

from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_ecg.network._batches import SignalDataset
from sklearn_ecg.network._correlation import label_correlation
from sklearn_ecg.network._device import half_the_cores, resolve_device
from sklearn_ecg.network._loss import AsymmetricLoss
from sklearn_ecg.network._net import LabelCorrelationNet
from sklearn_ecg.network._signal_net import SignalNet
from sklearn_ecg.network._signals import LeadScaler, leads_to_select, prepare_signals
from sklearn_ecg.network._split import validation_mask
from sklearn_ecg.network._targets import resolve_targets
from sklearn_ecg.records import CleanedRecords, as_records
from sklearn_ecg.utils import Interval, StrOptions, check_groups, check_labels, check_params

#: What a width by name means. The paper gives no numbers for its channels and layers.
WIDTHS = {
    "small": {"channels": (8, 16, 32), "hidden_dim": 32, "n_layers": 1, "n_heads": 4},
    "medium": {"channels": (32, 64, 128), "hidden_dim": 128, "n_layers": 2, "n_heads": 4},
    "paper": {"channels": (64, 128, 256), "hidden_dim": 256, "n_layers": 2, "n_heads": 8},
}


def _has_several_labels(estimator):
    # A scorer flips the sign of the decision on the one label of a single-label indicator,
    # since it takes the last of classes_ for the positive class and finds it to be the first.
    return not hasattr(estimator, "classes_") or len(estimator.classes_) > 1


class LabelCorrelationECGClassifier(ClassifierMixin, SignalNet):
    """Multi-label ECG classifier that uses how labels correlate.

    A residual backbone reads signals over the (lead, time) plane; each label gathers the features
    that resemble an embedding of its row of the label correlation matrix; a decoder of
    cross-attention layers and one linear layer per label turn them into a probability. It trains
    with the asymmetric loss, in which labels that are unknown (-1) have no part.

    Parameters
    ----------
    width : {"small", "medium", "paper"}, default="small"
        The size of the network. "small" trains within minutes on a CPU; "paper" has the size that
        we suppose the paper's network to have, which its text leaves open.
    label_embedding, decoder : bool, default=True
        The paper's ablations: both False leave the backbone alone.
    memory : {"labels", "backbone"}, default="backbone"
        What the decoder looks at, see `LabelCorrelationNet`.
    shortcut : bool, default=True
        Whether the backbone's features also reach the logits directly, which the paper's network
        does not do.
    channel_identity : bool, default=True
        Whether the network can tell channels apart, see `Backbone`; the paper's does not.
    sampling_rate : float, default=100
        Hz. Records of known rate are resampled to it once, before training.
    duration_s : float, default=10.0
        Records of known rate are cropped or padded at their end to this length. Records of
        unknown rate keep theirs, and all must have the same.
    gamma_positive, gamma_negative, clip : float, default=0.0, 4.0, 0.05
        See `AsymmetricLoss`.
    lr : float, default=2e-3
        The largest learning rate of AdamW; it rises and falls once over all epochs. The paper
        has Adam at a constant 1e-4.
    weight_decay : float, default=0.01
    batch_size : int, default=32
    max_epochs : int, default=15
        The paper has 60.
    patience : int or None, default=10
        Training stops after this many epochs without a smaller validation loss. The weights of
        the best epoch are restored in any case. None never stops.
    validation_fraction : float or None, default=0.15
        Share of the training records held out for early stopping, whole patients where groups
        are known. With a single patient, or without groups, records are drawn one by one. With
        None, or fewer than 20 records, nothing is held out and training runs all epochs.
    dropout : float, default=0.1
    threshold : float, default=0.5
        A label is predicted present from this probability on.
    device : str, default="auto"
        Any torch device; "auto" is CUDA where there is a device for it, else the CPU.
    callbacks : list of skorch callbacks, default=None
        Called besides our own.
    random_state : int, RandomState instance or None, default=None
        Fixes weights, batches, dropout and the held-out records; the global state of torch is
        left as it was.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (n_labels,)
        Names of the labels where they are known, else their numbers; for a one-dimensional y its
        classes.
    multilabel_ : bool
        False after a one-dimensional y.
    label_correlation_ : ndarray of shape (n_labels, n_labels)
        See `label_correlation`.
    lead_names_in_ : tuple of str, or None
        Leads of the training records in their order.
    lead_center_, lead_scale_ : ndarray of shape (n_leads,)
        In mV; each lead is standardised by them.
    sampling_rate_ : float or None
        Hz; the rate of what the network reads, None after arrays of unknown rate.
    n_times_ : int
        Length of what the network reads.
    n_leads_in_ : int
    n_features_in_ : int
        Leads; for arrays of a single lead, samples, as scikit-learn counts the columns of X.
    validation_indices_ : ndarray of int
        The training records that were held out.
    history : skorch.history.History
        Losses and durations of each epoch.
    module_ : LabelCorrelationNet

    See Also
    --------
    sklearn_ecg.AFPLabelCleaner : Cleans weak labels before this classifier learns from them.

    Notes
    -----
    Labels come from `CleanedRecords` where a step before has cleaned them, else from y, else,
    where y is None, from the labels of `ECGRecords`. A one-dimensional y holds one class per
    record; then probabilities are scaled to sum to 1 and `predict` returns classes. A
    two-dimensional y is always a multi-label indicator, also with a single column. Labels are
    named by the columns of a DataFrame y, else by the records' own label names if y has as many.
    A label that no training record has is learned as absent, with a warning.

    On a CPU torch gets at most half of the cores while this classifier fits or predicts, since
    its threads slow each other down many times where other processes are busy; set the
    environment variable OMP_NUM_THREADS to choose another number.

    The paper gives neither the numbers of channels and layers nor the order of its blocks; see
    the modules for what is reconstructed. Its own network is ``width="paper",
    sampling_rate=500, memory="labels", shortcut=False, channel_identity=False, clip=0``. On
    MIT-BIH windows of unseen patients (a short training of the small width on half of the
    windows, means of three splits that differ by about 0.1 among themselves) macro F1 was 0.48
    for the backbone alone, 0.51 for the whole network as it is by default, 0.53 with
    ``memory="labels"``, 0.45 without the shortcut; and 0.37 (two splits) without the shortcut
    and channel identity.

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
    >>> classifier = LabelCorrelationECGClassifier(duration_s=5.0, random_state=0)
    >>> classifier = classifier.fit(records)
    >>> classifier.classes_
    array(['AF', 'LBBB', 'PVC'], dtype='<U4')
    >>> classifier.predict_proba(records).shape
    (64, 3)
    """

    _parameter_constraints = {
        "width": [StrOptions(set(WIDTHS))],
        "label_embedding": ["boolean"],
        "decoder": ["boolean"],
        "memory": [StrOptions({"labels", "backbone"})],
        "shortcut": ["boolean"],
        "channel_identity": ["boolean"],
        "sampling_rate": [Interval(Real, 0, None, closed="neither")],
        "duration_s": [Interval(Real, 0, None, closed="neither")],
        "gamma_positive": [Interval(Real, 0, None, closed="left")],
        "gamma_negative": [Interval(Real, 0, None, closed="left")],
        "clip": [Interval(Real, 0, 1, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "patience": [Interval(Integral, 1, None, closed="left"), None],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "threshold": [Interval(Real, 0, 1, closed="neither")],
        "device": [str],
        "callbacks": [list, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    __metadata_request__fit = {"groups": True}

    def __init__(
        self,
        width="small",
        *,
        label_embedding=True,
        decoder=True,
        memory="backbone",
        shortcut=True,
        channel_identity=True,
        sampling_rate=100,
        duration_s=10.0,
        gamma_positive=0.0,
        gamma_negative=4.0,
        clip=0.05,
        lr=2e-3,
        weight_decay=0.01,
        batch_size=32,
        max_epochs=15,
        patience=10,
        validation_fraction=0.15,
        dropout=0.1,
        threshold=0.5,
        device="auto",
        callbacks=None,
        random_state=None,
        verbose=0,
    ):
        self.width = width
        self.label_embedding = label_embedding
        self.decoder = decoder
        self.memory = memory
        self.shortcut = shortcut
        self.channel_identity = channel_identity
        self.sampling_rate = sampling_rate
        self.duration_s = duration_s
        self.gamma_positive = gamma_positive
        self.gamma_negative = gamma_negative
        self.clip = clip
        self.lr = lr
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.dropout = dropout
        self.threshold = threshold
        self.device = device
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.classifier_tags.multi_label = True
        tags.input_tags.three_d_array = True
        return tags

    # Training -----------------------------------------------------------------------------------

    def fit(self, X, y=None, groups=None):
        """Train on records and their labels.

        Parameters
        ----------
        X : CleanedRecords, ECGRecords, or array-like of shape (n_records, n_leads, n_times) or \
                (n_records, n_times)
            Signals in mV, without NaN.
        y : array-like or DataFrame of shape (n_records, n_labels), or (n_records,), default=None
            1 present, 0 absent, -1 unknown; or one class per record.
        groups : array-like of shape (n_records,), default=None
            Patients; by default those of the records.

        Returns
        -------
        self
        """
        check_params(self)
        device = resolve_device(self.device)
        name = type(self).__name__
        records = _signals_of(X)
        if len(records) < 2:
            raise ValueError(f"{name} needs at least 2 records; got n_samples={len(records)}.")
        labels, classes, multilabel = resolve_targets(X, y, name)
        if len(labels) != len(records):
            raise ValueError(
                f"y has labels for {len(labels)} records, but X has {len(records)} records."
            )
        groups = check_groups(records.groups if groups is None else groups, n_records=len(records))
        random_state = check_random_state(self.random_state)

        self.device_ = device
        self.classes_ = classes
        self.multilabel_ = multilabel
        self._learn_input(records)
        signals = self._prepare(records)
        held_out = self._hold_out(labels, groups, random_state)
        training = np.flatnonzero(~held_out)
        self.validation_indices_ = np.flatnonzero(held_out)
        scaler = LeadScaler.learn(signals, training)
        self.lead_center_, self.lead_scale_ = scaler.center, scaler.scale
        self.label_correlation_ = label_correlation(labels[training])
        dataset = self._dataset_of(scaler.transform(signals), labels, training)
        self._train(dataset, seed=random_state.randint(np.iinfo(np.int32).max))
        self._check_converged(signals, records.ids)
        return self

    def _learn_input(self, records):
        self.n_leads_in_ = records.n_leads
        self.lead_names_in_ = records.lead_names
        if records.sampling_rate is not None:
            self.sampling_rate_ = float(self.sampling_rate)
            self.n_times_ = max(1, round(self.sampling_rate_ * self.duration_s))
            self.n_features_in_ = records.n_leads
            return
        if records.n_times is None:
            raise ValueError(
                "Records of different lengths need a known sampling rate, by which they are cut "
                "to one duration: pass ECGRecords(signals, sampling_rate=...)."
            )
        self.sampling_rate_ = None
        self.n_times_ = records.n_times
        self.n_features_in_ = records.n_times if records.n_leads == 1 else records.n_leads

    def _prepare(self, records):
        return prepare_signals(
            records,
            sampling_rate=self.sampling_rate_,
            n_times=self.n_times_,
            lead_names=leads_to_select(records, self.lead_names_in_, self.n_leads_in_),
        )

    def _hold_out(self, labels, groups, random_state):
        if self.validation_fraction is None:
            return np.zeros(len(labels), dtype=bool)
        return validation_mask(labels, groups, self.validation_fraction, random_state)

    def _dataset_of(self, signals, labels, training):
        signals, labels = torch.from_numpy(signals), torch.from_numpy(labels)
        held_out = None
        if len(self.validation_indices_):
            rows = torch.from_numpy(self.validation_indices_)
            held_out = SignalDataset(signals, labels, rows)
        return SignalDataset(signals, labels, torch.from_numpy(training), held_out)

    def _check_converged(self, signals, ids):
        if all(torch.isfinite(values).all() for values in self.module_.state_dict().values()):
            return
        sizes = np.array([np.abs(signal).max() for signal in signals])
        raise ValueError(
            f"Training diverged: weights became NaN or infinite. Lower lr={self.lr:g}, or look at "
            f"record {ids[sizes.argmax()]}, whose largest sample is {sizes.max():.3g} usual "
            "deviations of its lead away from its centre."
        )

    def initialize_module(self):
        """Make the network; skorch calls this once shapes and labels are known."""
        self.module_ = LabelCorrelationNet(
            self.label_correlation_,
            n_leads=self.n_leads_in_,
            n_times=self.n_times_,
            **WIDTHS[self.width],
            dropout=self.dropout,
            label_embedding=self.label_embedding,
            decoder=self.decoder,
            memory=self.memory,
            shortcut=self.shortcut,
            channel_identity=self.channel_identity,
        )
        return self

    def initialize_criterion(self):
        """Make the loss."""
        self.criterion_ = AsymmetricLoss(self.gamma_positive, self.gamma_negative, self.clip)
        return self

    # Prediction ---------------------------------------------------------------------------------

    @available_if(_has_several_labels)
    def decision_function(self, X):
        """Return logits: above 0 is more likely present than absent.

        Not available after a multi-label y of a single column.

        Parameters
        ----------
        X : as for `fit`

        Returns
        -------
        ndarray of shape (n_records, n_labels), or (n_records,) for two classes
        """
        logits = self._logits(X)
        if not self.multilabel_ and len(self.classes_) == 2:
            return logits[:, 1] - logits[:, 0]
        return logits

    def predict_proba(self, X):
        """Return the probability of each label.

        Parameters
        ----------
        X : as for `fit`

        Returns
        -------
        ndarray of shape (n_records, n_labels), float64
            Columns in the order of `classes_`. After a one-dimensional y rows sum to 1.
        """
        logits = self._logits(X)
        if self.multilabel_:
            return _sigmoid(logits)
        return _softmax(logits)

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
        probabilities = self.predict_proba(X)
        if self.multilabel_:
            return (probabilities >= self.threshold).astype(np.int64)
        return self.classes_[probabilities.argmax(axis=1)]

    def _logits(self, X):
        check_is_fitted(self)
        records = self._check_input(X)
        signals = self._prepare(records)
        LeadScaler(self.lead_center_, self.lead_scale_).transform(signals)
        dataset = SignalDataset(torch.from_numpy(signals), torch.empty(len(signals), 0))
        with torch.inference_mode(), half_the_cores(self.device_):
            logits = self.forward(dataset).numpy().astype(np.float64)
        bad = ~np.isfinite(logits).all(axis=1)
        if bad.any():
            raise ValueError(
                f"The network has no finite answer for {bad.sum()} records, the first of them "
                f"{records.ids[bad.argmax()]}: are its signals in mV?"
            )
        return logits

    def _check_input(self, X):
        records = _signals_of(X)
        name = type(self).__name__
        if len(records) == 0:
            raise ValueError(f"X holds no records; {name} needs at least one to predict.")
        if self.sampling_rate_ is None:
            if records.n_times != self.n_times_:
                found = "different numbers of" if records.n_times is None else records.n_times
                raise ValueError(
                    f"X has {found} features, but {name} is expecting {self.n_times_} features as "
                    "input, the samples of each lead. Fit on ECGRecords with a sampling rate to "
                    "predict on records of any length."
                )
        elif records.sampling_rate is None:
            raise ValueError(
                f"{name} was fitted on records of known sampling rate; X has none. Pass "
                "ECGRecords(X, sampling_rate=...)."
            )
        return records

    def score(self, X, y=None, sample_weight=None):
        """Return macro F1 for multi-label y, accuracy for a one-dimensional one.

        Exact-match accuracy, scikit-learn's default for multi-label classifiers, says little of
        labels that are mostly absent.

        Parameters
        ----------
        X : as for `fit`
        y : array-like, default=None
            As for `fit`, by default the labels of the records. Unknown labels (-1) do not count.
        sample_weight : array-like of shape (n_records,), default=None

        Returns
        -------
        float
        """
        if y is None:
            y = getattr(X, "labels", None)
        predicted = self.predict(X)
        if not self.multilabel_:
            return accuracy_score(y, predicted, sample_weight=sample_weight)
        labels, _ = check_labels(y, n_records=len(predicted))
        if labels.shape != predicted.shape:
            raise ValueError(
                f"y has {labels.shape[1]} labels, but the classifier was fitted on "
                f"{predicted.shape[1]}: {', '.join(map(str, self.classes_))}."
            )
        return _masked_macro_f1(labels, predicted, sample_weight)


def _signals_of(X):
    if isinstance(X, CleanedRecords) and X.is_table:
        raise TypeError(
            "LabelCorrelationECGClassifier learns from signals, but the CleanedRecords hold a "
            "table of features. Give the cleaner signals, or use OnCleanedLabels with a classifier "
            "of features."
        )
    return as_records(X)


def _sigmoid(logits):
    return np.exp(-np.logaddexp(0, -logits))


def _softmax(logits):
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def _masked_macro_f1(labels, predicted, sample_weight):
    """As scikit-learn's macro F1, without unknown labels; 0 for a label that nobody has."""
    weight = np.ones(len(labels)) if sample_weight is None else column_or_1d(sample_weight)
    check_consistent_length(labels, weight)
    known = (labels != -1) * weight[:, np.newaxis]
    hits = (known * (labels == 1) * predicted).sum(axis=0)
    found_or_true = (known * ((labels == 1).astype(int) + predicted)).sum(axis=0)
    return np.divide(
        2 * hits, found_or_true, out=np.zeros(len(hits)), where=found_or_true > 0
    ).mean()

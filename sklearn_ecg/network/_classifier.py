"""LabelCorrelationECGClassifier: the network as a scikit-learn classifier."""

from sklearn.base import ClassifierMixin

from sklearn_ecg.network._files import ModelFiles
from sklearn_ecg.network._fitting import LabelFitting
from sklearn_ecg.network._parameters import CONSTRAINTS
from sklearn_ecg.network._predicting import LabelPredicting


class LabelCorrelationECGClassifier(ModelFiles, LabelPredicting, ClassifierMixin, LabelFitting):
    """Multi-label ECG classifier that uses how labels correlate.

    A residual backbone reads signals; each label gathers the features that resemble an embedding
    of its row of the label correlation matrix; a decoder of cross-attention layers and one linear
    layer per label turn them into a probability. It trains with the asymmetric loss, in which
    labels that are unknown (-1) have no part.

    Parameters
    ----------
    width : {"small", "medium", "paper"}, default="small"
        "small" trains within minutes on a CPU; "paper" is our guess, since its text gives no size.
    backbone : {"xresnet", "residual"}, default="xresnet"
        `XResNetBackbone`, or the paper's residual blocks over the (lead, time) plane, under the
        same label embedding and decoder.
    label_embedding, decoder : bool, default=True
        The paper's ablations: both False leave the backbone alone.
    memory : {"labels", "backbone"}, default="backbone"
        What the decoder looks at, see `LabelCorrelationNet`.
    shortcut : bool, default=True
        Whether the backbone's features also answer directly, unlike in the paper: the mean of both
        answers is the logit.
    channel_identity : bool, default=True
        Whether the network can tell channels (or an xresnet's moments) apart, unlike the paper's.
    sampling_rate : float, default=100
        Hz. Records of known rate are resampled to it once, before training.
    highpass : float or None, default=0.5
        Hz. Baseline wander, all that is slower, is removed from records of known rate.
    duration_s : float or None, default=10.0
        Records of known rate are cropped or padded at their end to this length; with None they
        are read whole, in crops. Those of unknown rate must all have the same length, and keep it.
    crop_s : float, "auto" or None, default="auto"
        What the network reads at a time. It trains on random crops of this length, and predicts
        the mean of logits over the fewest windows that cover the record. Crops suit
        labels that hold throughout a record; for those of single beats, which most crops miss,
        choose None, with which it reads `duration_s` at once. "auto" is 2.5 s, or `duration_s`
        where that is shorter, and whole records where their rate is unknown.
    features : transformer, default=None
        Measures features, such as ``ECGFeatureExtractor(memory="cache")``, of the records as they
        are given. `BoostedTrees` learn from them; the mean of their logit and the network's is
        the classifier's. On a few thousand records they say more than a network.
    augmentation : SignalAugmentation, "mild" or None, default="mild"
        How training signals are changed; "mild" is ``SignalAugmentation()``.
    gamma_positive, gamma_negative, clip : float, default=0.0, 1.0, 0.0
        See `AsymmetricLoss`. The larger gamma_negative and clip, the more are probabilities
        inflated, and the more labels are predicted.
    class_weight : "balanced", dict or None, default=None
        "balanced" lets presence and absence of each label weigh the same in sum; a dict gives the
        weight of a label's presence, beside 1 for absence. As in scikit-learn for classes.
    optimizer : {"adamw", "adam"}, default="adamw"
        The paper has Adam.
    schedule : {"one_cycle", "cosine", "constant"}, default="one_cycle"
        The learning rate over all epochs: it rises to `lr` and falls, falls from `lr`, or stays
        there, as in the paper. With "one_cycle" Adam's first beta falls from 0.95 to 0.85 and
        rises again, unless ``optimizer__betas`` is set.
    lr : float, default=4e-3
        The largest learning rate. The paper has 1e-4.
    weight_decay : float, default=0.01
    ema_decay : float or None, default=0.99
        Validate and keep a moving average of the weights, of which this share stays at each step;
        less in the first steps. None keeps the weights themselves.
    batch_size : int, default=64
        Of the largest batch; batches of a training are of nearly equal size, and hold two or more.
    max_epochs : int, default=30
        The paper has 60.
    patience : int or None, default=10
        Where records are held out, training stops after this many epochs without a smaller
        validation loss, and the weights of the best epoch are restored. None never stops.
    validation_fraction : float or None, default=None
        Share of the training records held out for early stopping, tuned thresholds and
        calibration, for example 0.15: whole patients where groups are known. With a single
        patient, or without groups, records are drawn one by one. With None, or fewer than 20
        records, the network learns from all records in all epochs.
    dropout : float, default=0.2
    thresholds : float or "tuned", default=0.5
        A label is predicted present from this probability on; "tuned" finds one for each label,
        with the largest F1 on the records held out for early stopping. The best epoch was chosen
        by these records too, on which F1 therefore is too good: judge on others.
    calibration : {"temperature", "sigmoid"} or None, default=None
        Fit each label's probabilities to the records held out for early stopping by a factor on
        its logits, or by a factor and an offset. The asymmetric loss makes probabilities too
        large, which only "sigmoid" mends.
    warm_start : bool, default=False
        `fit` goes on with the network of the last fit, its scaling, features, leads and sampling
        rate, trees, and with its `label_correlation_`. For other labels than those of the last
        fit, what belongs to labels begins anew, trees too, and backbone and decoder go on; it reads
        as much at a time as before, whatever `crop_s`. A fit that fails leaves the last one whole.
    checkpoint : path, default=None
        A file that is written after each epoch. A fit with the same parameters and data that was
        interrupted goes on from it, and ends as it would have; then the file is deleted. Needs an
        integer `random_state`.
    device : str, default="auto"
        Any torch device; "auto" is CUDA where there is a device for it, else the CPU. A GPU holds
        all training signals where they fit into half of its free memory, else it is sent each
        batch while it works on the one before.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        What the network calculates in; weights and what it returns are never rounded to
        bfloat16. "auto" trains in bfloat16 on GPUs and CPUs that have it (AVX512-BF16, AMX), else
        in float32, and predicts in float32, so that a model says the same on every machine.
        "bfloat16" predicts in it too: faster for wide networks, with logits off by about 0.01.
    compile : bool, "reduce-overhead" or "max-autotune", default=False
        Train by ``torch.compile``, in a mode by name if it is one. The first epoch takes minutes
        longer, and on a CPU it gains a tenth, so that it is for GPUs. "reduce-overhead" replays
        CUDA graphs: it suits small networks, whose kernels take less time than their launch.
    accelerate : bool, default=False
        Share each batch among the processes that ``accelerate launch`` or ``torchrun`` has
        started, each of which calls `fit` with the same records (extra ``[accelerate]``). Needs an
        integer `random_state`. All find the same weights; without dropout those of one process.
    callbacks : list of skorch callbacks, default=None
        Called besides our own, which are named epoch_timer, train_loss, valid_loss, average,
        schedule, progress, early_stopping and checkpoint.
    random_state : int, RandomState instance or None, default=None
        Fixes weights, batches, dropout and held-out records; torch's global state stays as it was.
    verbose : int, default=0
        1 shows a progress bar.
    **part_parameters
        Parameters of parts, as in skorch: ``module__*`` of `LabelCorrelationNet` (channels,
        hidden_dim, n_layers, n_heads), ``optimizer__*`` of torch's optimizer,
        ``iterator_train__batch_size`` and ``iterator_valid__batch_size``, and
        ``callbacks__<name>`` and ``callbacks__<name>__*``.

    Attributes
    ----------
    label_names_ : ndarray of shape (n_labels,)
        Names of the labels where they are known, else their numbers; for a one-dimensional y its
        classes.
    classes_ : ndarray of shape (n_labels,)
        As `label_names_`; but 0 and 1 for a single label, since scikit-learn reads it as two.
    multilabel_ : bool
        False after a one-dimensional y.
    label_correlation_ : ndarray of shape (n_labels, n_labels)
        See `label_correlation`; that of the records that the labels were first learned from.
    lead_names_in_ : tuple of str, or None
        Leads of the training records in their order.
    lead_center_, lead_scale_ : ndarray of shape (n_leads,)
        In mV; each lead is standardised by them.
    features_ : transformer or None
        A fitted clone of `features`.
    feature_trees_ : BoostedTrees or None
        What answers by features.
    sampling_rate_ : float or None
        Hz; the rate of what the network reads, None after arrays of unknown rate.
    n_times_ : int
        Length of what the network reads.
    n_leads_in_ : int
    n_features_in_ : int
        Leads; for arrays of a single lead, samples, as scikit-learn counts the columns of X.
    validation_indices_ : ndarray of int
        The training records that were held out; not after `load`.
    thresholds_ : ndarray of shape (n_labels,)
        After a fit with ``thresholds="tuned"``.
    calibration_slope_, calibration_offset_ : ndarray of shape (n_labels,)
        What logits are multiplied by, and what is added then; 1 and 0 without calibration.
    history : skorch.history.History
        Losses and durations of each epoch.
    module_ : LabelCorrelationNet

    See Also
    --------
    sklearn_ecg.AFPLabelCleaner : Cleans weak labels before this classifier learns from them.

    Notes
    -----
    Labels come from `CleanedRecords` where a step before has cleaned them, else from y, else from
    the labels of `ECGRecords`. A one-dimensional y holds one class per record; then probabilities
    sum to 1 and `predict` returns classes. A two-dimensional y is always a multi-label indicator,
    also with a single column. Labels are named by the columns of a DataFrame y, else by the
    records' own label names if y has as many. A label that no training record has is learned as
    absent, with a warning, unless the network has learned it before and goes on.

    On a CPU torch gets at most half of the cores while this classifier fits, since its threads
    hinder each other where other processes are busy; prediction works on a batch per core. The
    environment variable OMP_NUM_THREADS sets another number.

    The defaults are what measured best on 1,490 records of PTB-XL (`docs/results/ptbxl.md`). The
    paper gives neither the numbers of channels and layers nor the order of its blocks; see the
    modules for what is reconstructed. Its own network and training are ``width="paper",
    backbone="residual", memory="labels", shortcut=False, channel_identity=False,
    sampling_rate=500, highpass=None, crop_s=None, augmentation=None, gamma_negative=4,
    optimizer="adam", schedule="constant", lr=1e-4, weight_decay=0, ema_decay=None, batch_size=32,
    max_epochs=60, validation_fraction=0.15, dropout=0.1``.

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

    _parameter_constraints = CONSTRAINTS

    __metadata_request__fit = {"groups": True, "validation": True}

    def __init__(
        self,
        width="small",
        *,
        backbone="xresnet",
        label_embedding=True,
        decoder=True,
        memory="backbone",
        shortcut=True,
        channel_identity=True,
        sampling_rate=100,
        highpass=0.5,
        duration_s=10.0,
        crop_s="auto",
        features=None,
        augmentation="mild",
        gamma_positive=0.0,
        gamma_negative=1.0,
        clip=0.0,
        class_weight=None,
        optimizer="adamw",
        schedule="one_cycle",
        lr=4e-3,
        weight_decay=0.01,
        ema_decay=0.99,
        batch_size=64,
        max_epochs=30,
        patience=10,
        validation_fraction=None,
        dropout=0.2,
        thresholds=0.5,
        calibration=None,
        warm_start=False,
        checkpoint=None,
        device="auto",
        precision="auto",
        compile=False,
        accelerate=False,
        callbacks=None,
        random_state=None,
        verbose=0,
        **part_parameters,
    ):
        self.width = width
        self.backbone = backbone
        self.label_embedding = label_embedding
        self.decoder = decoder
        self.memory = memory
        self.shortcut = shortcut
        self.channel_identity = channel_identity
        self.sampling_rate = sampling_rate
        self.highpass = highpass
        self.duration_s = duration_s
        self.crop_s = crop_s
        self.features = features
        self.augmentation = augmentation
        self.gamma_positive = gamma_positive
        self.gamma_negative = gamma_negative
        self.clip = clip
        self.class_weight = class_weight
        self.optimizer = optimizer
        self.schedule = schedule
        self.lr = lr
        self.weight_decay = weight_decay
        self.ema_decay = ema_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.dropout = dropout
        self.thresholds = thresholds
        self.calibration = calibration
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.compile = compile
        self.accelerate = accelerate
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose
        self._set_part_parameters(part_parameters)

"""Trainer: the skorch net of one training."""

from contextlib import nullcontext, suppress
from copy import deepcopy
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from skorch import NeuralNet
from skorch.callbacks import EpochTimer, LRScheduler, PassthroughScoring
from skorch.utils import to_device, to_tensor
from torch.nn.modules.batchnorm import _BatchNorm

from sklearn_ecg.network._batches import Batches, SignalDataset
from sklearn_ecg.network._callbacks import (
    BestWeights,
    Diverged,
    EpochProgress,
    Schedule,
    WeightAverage,
    average_of,
)
from sklearn_ecg.network._device import (
    DrawFrom,
    Randomness,
    autocast,
    half_the_cores,
    has_room,
    is_cuda,
    map_batches,
    single_precision,
)
from sklearn_ecg.network._folding import folded
from sklearn_ecg.network._processes import Processes
from sklearn_ecg.network._windows import mean_over_windows
from sklearn_ecg.network.modules import AsymmetricLoss
from sklearn_ecg.utils import Interval, StrOptions, progress

OPTIMIZERS = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}
# In bfloat16 on a CPU, torch's convolution can give NaN for fewer samples than its kernel. Shorter
# signals reach that after five halvings.
_LEAST_TIMES_ROUNDED = 160


class Trainer(ClassifierMixin, NeuralNet):
    """Train a network on signals and labels, and predict with it.

    Parameters
    ----------
    module : Module class or Module
        Maps (batch, leads, times) to logits of shape (batch, n_labels). Several answers have the
        shape (n_answers, batch, n_labels).
    reader : SignalReader
        Reads records that callbacks pass to the net.
    labels : LabelSpace
    augmentation : SignalAugmentation or None
    optimizer : {"adamw", "adam"} or Optimizer class, default="adamw"
        The paper has Adam.
    weight_decay : float, default=0.01
    schedule : {"one_cycle", "cosine", "constant"}, default="one_cycle"
        The learning rate over all epochs: "one_cycle" rises to `lr` and falls, "cosine" falls from
        `lr`, "constant" stays there, as in the paper. With "one_cycle" Adam's first beta falls from
        0.95 to 0.85 and rises again, unless ``optimizer__betas`` is set. Your own skorch
        `LRScheduler` among the callbacks replaces it.
    ema_decay : float or None, default=0.99
        Share of the moving average of the weights that stays at each step; less in the first steps.
        The average is validated and kept. None keeps the weights themselves.
    patience : int or None, default=10
        With held-out records, training stops after this many epochs without a smaller validation
        loss, and the weights of the best epoch are restored. None never stops.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Precision of the network's computations; weights and results are never rounded to bfloat16.
        "auto" trains in bfloat16 on GPUs and CPUs that have it (AVX512-BF16, AMX), else in float32,
        and predicts in float32, so that a model gives the same answers on every machine. "bfloat16"
        also predicts in it: faster for wide networks, with logits off by about 0.01. Signals of
        less than 160 samples are always in float32.
    compile : bool, default=False
        Train by ``torch.compile`` with the arguments ``compile__*``. The first epoch takes minutes
        longer. Use it on GPUs; on a CPU it gains a tenth. ``compile__mode="reduce-overhead"``
        replays CUDA graphs: it suits small networks, whose kernels take less time than their
        launch.
    accelerate : bool, default=False
        Share each batch among the processes that ``accelerate launch`` or ``torchrun`` started
        (extra ``[accelerate]``). Each process fits the same records, and all find the same weights.
        Without dropout these are the weights of a single process.
    lr, max_epochs, batch_size, callbacks, device, verbose, **part_parameters
        As for skorch's ``NeuralNet``.
    """

    _parameter_constraints = {
        "optimizer": [StrOptions(set(OPTIMIZERS)), type],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "schedule": [StrOptions({"one_cycle", "cosine", "constant"})],
        "ema_decay": [Interval(Real, 0, 1, closed="neither"), None],
        "patience": [Interval(Integral, 1, None, closed="left"), None],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "compile": ["boolean"],
        "accelerate": ["boolean"],
    }

    def __init__(
        self,
        module,
        *,
        reader,
        labels,
        augmentation=None,
        criterion=AsymmetricLoss,
        optimizer="adamw",
        weight_decay=0.01,
        schedule="one_cycle",
        ema_decay=0.99,
        patience=10,
        precision="auto",
        compile=False,
        accelerate=False,
        **of_skorch,
    ):
        super().__init__(
            module,
            criterion,
            optimizer=OPTIMIZERS.get(optimizer, optimizer),
            compile=compile,
            iterator_train=Batches,
            iterator_valid=Batches,
            **of_skorch,
        )
        self.reader = reader
        self.labels = labels
        self.augmentation = augmentation
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.ema_decay = ema_decay
        self.patience = patience
        self.precision = precision
        self.accelerate = accelerate
        self.processes_ = self.compiled_ = self.moments_ = None

    # Training -----------------------------------------------------------------------------------

    def train(self, dataset, seed, *, start=None, moments=None, resume=None):
        """Train on a data set, from the first to the last epoch.

        Parameters
        ----------
        dataset : SignalDataset
        seed : int
            Torch's global state stays as it was.
        start : dict of Tensor, default=None
            First weights; missing ones begin at random.
        moments : dict, default=None
            State of the optimizer of an earlier run.
        resume : Resume, default=None
            Writes each epoch to a file, from which an interrupted training goes on.

        Returns
        -------
        self
            ``diverged_in_`` is the epoch in which the loss became NaN, or None.
        """
        if self.accelerate:
            self.processes_ = Processes(self.device)
            self.device = self.processes_.device
        if is_cuda(self.device) and has_room(self.device, dataset.n_bytes):
            dataset = dataset.to(self.device)
        self.dataset_, self.resume_ = dataset, resume
        self.is_over_, self.diverged_in_ = False, None
        self.randomness_ = Randomness(seed, self.device, is_cuda(self.device) or self.compile)
        with (
            self.randomness_.seeded(),
            half_the_cores(self.device),
            torch.inference_mode(False),
            torch.enable_grad(),
        ):
            with self.randomness_.of_layers(), single_precision():
                self.initialize()
            # Channels last make the convolutions 1.5 times as fast on a CPU.
            self.module_.to(memory_format=torch.channels_last)
            if start is not None:
                self._take_up(start)
            if moments is not None:
                # Learning rate and weight decay are the present ones. Copied, because the optimizer
                # changes its state in place, and the run may fail.
                groups = self.optimizer_.state_dict()["param_groups"]
                state = {"state": deepcopy(moments), "param_groups": groups}
                self.optimizer_.load_state_dict(state)
            self._fit()
        # `partial_fit` goes on with this state.
        is_one_epoch = self.max_epochs == 1 and self.schedule == "constant"
        self.moments_ = self.optimizer_.state_dict()["state"] if is_one_epoch else None
        # safetensors holds only contiguous weights.
        self.module_.to(memory_format=torch.contiguous_format)
        # Only training needs these; they would enlarge pickles.
        del self.dataset_, self.resume_, self.randomness_
        self.processes_, self.callbacks_, self.compiled_ = None, [], None
        return self

    def _fit(self):
        self.notify("on_train_begin", X=self.dataset_, y=None)
        n_done = 0 if self.resume_ is None else self.resume_.take_up(self)
        shared = nullcontext() if self.processes_ is None else self.processes_.share(self)
        try:
            # skorch's callbacks, and users, end training early by an interrupt.
            with suppress(KeyboardInterrupt), shared:
                self.fit_loop(self.dataset_, epochs=self.max_epochs - n_done)
                self.is_over_ = True
        except Diverged:
            self.diverged_in_ = len(self.history)
        self.notify("on_train_end", X=self.dataset_, y=None)

    def _take_up(self, start):
        own = self.module_.state_dict()
        for name, values in start.items():
            if name not in own or own[name].shape != values.shape:
                raise ValueError(
                    f"The network of the last fit cannot go on: its {name} does not fit the new "
                    "one. "
                    "Set the parameters of its size as they were, or warm_start=False."
                )
        self.module_.load_state_dict(start, strict=False)

    def restore(self, weights, history):
        """Set weights and history of a finished training.

        Parameters
        ----------
        weights : dict of Tensor
        history : History
        """
        try:
            with DrawFrom(torch.Generator()), single_precision(), torch.inference_mode(False):
                self._initialize_module()
            self._initialize_criterion()
        except (RuntimeError, ValueError, TypeError, ZeroDivisionError) as error:
            raise ValueError(f"The model's parameters make no network: {error}") from error
        self.initialized_, self.history_ = True, history
        self.moments_, self.callbacks_ = None, []
        try:
            self.module_.load_state_dict(weights)
        except RuntimeError as error:
            raise ValueError(
                f"The weights do not belong to this model description: {error}"
            ) from error
        self.module_.eval()
        return self

    def moments_for(self, other):
        """Return the optimizer's state, if another net has an optimizer of the same kind."""
        return self.moments_ if other.optimizer is self.optimizer else None

    @property
    def rank(self):
        """The number of this process among those that share the work."""
        return 0 if self.processes_ is None else self.processes_.rank

    @property
    def is_main(self):
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    def of_all_processes(self, values):
        """Return the tensors of all processes, stacked."""
        return values.unsqueeze(0) if self.processes_ is None else self.processes_.of_all(values)

    def wait_for_processes(self):
        """Wait until all processes are here."""
        if self.processes_ is not None:
            self.processes_.wait()

    # Parts, as skorch asks for them --------------------------------------------------------------

    @property
    def _default_callbacks(self):
        callbacks = [
            ("epoch_timer", EpochTimer()),
            ("train_loss", PassthroughScoring(name="train_loss", on_train=True)),
            ("valid_loss", PassthroughScoring(name="valid_loss")),
        ]
        if self.ema_decay is not None:
            callbacks.append(("average", WeightAverage(self.ema_decay)))
        if self.schedule != "constant" and not any(map(_is_schedule, self.callbacks or [])):
            callbacks.append(("schedule", Schedule(self.schedule)))
        callbacks += [
            ("progress", EpochProgress()),
            ("early_stopping", BestWeights(self.patience)),
        ]
        if getattr(self, "resume_", None) is not None:
            callbacks.append(("resume", self.resume_))
        return callbacks

    def initialize_callbacks(self):
        """Make the callbacks; each ``callbacks__<name>`` must name one."""
        known = [name for name, _ in self._uniquely_named_callbacks()]
        for parameter in self.get_params_for("callbacks"):
            if parameter.partition("__")[0] not in known:
                raise ValueError(
                    f"'callbacks__{parameter}' names no callback. The names are {', '.join(known)}."
                )
        return super().initialize_callbacks()

    def torch_compile(self, module, name):
        """Keep the plain module, with the plain names of weights, beside the compiled one."""
        if self.compile and name == "module":
            # A bound method, since skorch would register a module as one of its own.
            self.compiled_ = super().torch_compile(module, name).__call__
        return module

    def get_params_for_optimizer(self, prefix, named_parameters):
        """Return parameter groups and options."""
        args, options = super().get_params_for_optimizer(prefix, named_parameters)
        if self.optimizer in OPTIMIZERS.values():
            # One call for all weights: it saves a thirtieth of a small network's batch.
            fused = torch.device(self.device).type in ("cpu", "cuda")
            options = {"weight_decay": self.weight_decay, "fused": fused} | options
        return args, options

    def get_split_datasets(self, X, y=None, **fit_params):
        """Return the training part of a `SignalDataset`, and the held-out part or None."""
        return X, X.held_out

    def get_dataset(self, X, y=None):
        """Return a data set to iterate over. Records are read, and have no labels."""
        return X if isinstance(X, SignalDataset) else self.reader.read(X).dataset

    def get_iterator(self, dataset, training=False):
        """Return an iterator over batches; in training they are shuffled, cropped and changed."""
        prefix = "iterator_train" if training else "iterator_valid"
        options = {"batch_size": self.batch_size, **self.get_params_for(prefix)}
        if is_cuda(self.device) and not dataset.signals.is_cuda:
            options["device"] = self.device
        if training:
            options |= {
                "generator": self.randomness_.batches,
                "n_times": self.reader.n_times_,
                "change": self._change,
            }
        return Batches(dataset, **options)

    def _change(self, inputs, labels):
        """Augment a batch, and return the part of it for this process."""
        if self.augmentation is not None:
            signals, *rest = inputs
            inputs = (self.augmentation.augment(signals, self.randomness_.changes), *rest)
        if self.processes_ is not None:
            return self.processes_.part_of(inputs, labels)
        return inputs, labels

    # Steps --------------------------------------------------------------------------------------

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Return the loss of one batch."""
        weights, labels = (to_tensor(values, device=self.device) for values in (X[2], y_true))
        loss = self.criterion_(y_pred, labels, weights)
        if training and not torch.isfinite(loss):
            raise Diverged
        return loss

    def train_step_single(self, batch, **fit_params):
        """Compute loss and gradients of a batch; processes that share it add theirs up."""
        step = super().train_step_single(batch, **fit_params)
        if self.processes_ is not None:
            self.processes_.average_gradients(self.module_)
            step["loss"] = self.processes_.mean(step["loss"])
        return step

    def validation_step(self, batch, **fit_params):
        """Compute the loss of a batch; it is the same in all processes."""
        step = super().validation_step(batch, **fit_params)
        if self.processes_ is not None:
            step["loss"] = self.processes_.mean(step["loss"])
        return step

    def _set_training(self, training=True):
        super()._set_training(training)
        if training:
            for layer in self.module_.modules():
                # Frozen layers keep their statistics of batch norm too.
                weights = list(layer.parameters(recurse=False))
                is_frozen = bool(weights) and not any(w.requires_grad for w in weights)
                if isinstance(layer, _BatchNorm) and is_frozen:
                    layer.eval()

    def evaluated_module(self):
        """Return the module that predicts: the average of the weights, if there is one."""
        average = average_of(self)
        return self.module_ if average is None else average.module

    def infer(self, x, **fit_params):
        """Return the logits of one batch of (signals, lengths, ...), in training or not.

        For records longer than the network reads, they are the mean over windows.
        """
        if self.module_.training:
            module = self.module_ if self.compiled_ is None else self.compiled_
            with self.randomness_.of_layers():
                return self.over_windows(module, x, training=True)
        return self.over_windows(self.evaluated_module(), x)

    def over_windows(self, module, x, training=False):
        """Return a module's output for a batch; for longer records the mean over windows."""
        signals, lengths, *_ = x
        signals = to_tensor(signals, device=self.device)
        n_times = self.reader.n_times_
        precision = self.precision if n_times >= _LEAST_TIMES_ROUNDED else "float32"
        with autocast(precision, self.device, training=training):
            if signals.shape[-1] == n_times:
                return module(signals).float()
            return mean_over_windows(module, signals, lengths, n_times, self.batch_size)

    # Answers ------------------------------------------------------------------------------------

    def logits(self, dataset, *, verbose=0):
        """Return the network's logits of a data set, float64 of shape (n_records, n_labels)."""
        return self._apply(self._folded(), dataset, verbose)

    def embed(self, dataset, *, verbose=0):
        """Return the network's embeddings, float64 of shape (n_records, embedding_dim)."""
        return self._apply(_Embedding(self._folded()), dataset, verbose)

    def _folded(self):
        return folded(self.evaluated_module())

    def _apply(self, module, dataset, verbose):
        def answers_of(batch):
            with torch.inference_mode():
                return self.over_windows(module, batch[0]).cpu()

        batches = self.get_iterator(dataset)
        batches = progress(batches, description="Predicting, batches", verbose=verbose)
        answers = map_batches(answers_of, batches, self.device)
        return torch.cat(answers).double().numpy()

    def predict_proba(self, X):
        """Return probabilities, for callbacks that score while the net trains.

        Parameters
        ----------
        X : ECGRecords or SignalDataset
            Records are answered by the network alone, without features.
        """
        return self.labels.predict_proba(self._logits_of(X))

    def decision_function(self, X):
        """Return logits, for callbacks that score while the net trains."""
        logits = self._logits_of(X)
        return logits if self._has_columns(X) else self.labels.decision_function(logits)

    def predict(self, X):
        """Return the labels, or classes, that are more likely than not."""
        probabilities = self.labels.probabilities(self._logits_of(X))
        if self._has_columns(X):
            return np.eye(len(self.labels), dtype=np.int64)[probabilities.argmax(axis=1)]
        return self.labels.decide(probabilities, 0.5)

    def score(self, X, y=None, sample_weight=None):
        """Return macro F1, or accuracy."""
        predicted = self.predict(X)
        if self._has_columns(X):
            return float(np.average((predicted == y).all(axis=1), weights=sample_weight))
        return self.labels.score(X, y, predicted, sample_weight)

    def _has_columns(self, X):
        """Whether the classes of a data set are columns, and are compared so."""
        return isinstance(X, SignalDataset) and not self.labels.multilabel

    def _logits_of(self, X):
        if "forward_iter" in vars(self):  # a scoring callback has cached the epoch's logits
            kept = [_mean(answers).detach().cpu() for answers in self.forward_iter(X)]
            return torch.cat(kept).double().numpy()
        return self.logits(self.get_dataset(X))

    @property
    def classes_(self):
        """The labels, as scikit-learn's scorers ask for them."""
        return self.labels.classes

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    # Files --------------------------------------------------------------------------------------

    def save_params(self, *args, **kwargs):
        """Save weights as skorch does; if there is an average of the weights, save that."""
        module, self.module_ = self.module_, self.evaluated_module()
        try:
            super().save_params(*args, **kwargs)
        finally:
            self.module_ = module

    def __getstate__(self):
        state = super().__getstate__()
        for name in ("dataset_", "randomness_", "processes_", "compiled_"):
            state[name] = None
        if is_cuda(self.device):
            # A model that was trained on a GPU must load on a machine without one.
            state["module_"] = deepcopy(self.module_).cpu()
            if self.moments_:
                state["moments_"] = {
                    weight: {name: value.cpu() for name, value in of_weight.items()}
                    for weight, of_weight in self.moments_.items()
                }
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if "module_" in state:
            self.module_ = to_device(self.module_, self.device)


class _Embedding(torch.nn.Module):
    """A network's embeddings as the output of a module."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network.embed(x)


def _is_schedule(callback):
    if isinstance(callback, tuple | list):
        callback = callback[1]
    return isinstance(callback, LRScheduler) or (
        isinstance(callback, type) and issubclass(callback, LRScheduler)
    )


def _mean(answers):
    """Return the mean of several answers, which a network gives in training."""
    return answers.mean(dim=0) if answers.ndim == 3 else answers

"""skorch's net, fed with whole batches."""

from contextlib import nullcontext, suppress
from copy import deepcopy

import torch
from sklearn.base import BaseEstimator
from skorch.callbacks import EpochTimer, LRScheduler, PassthroughScoring
from skorch.history import History
from skorch.utils import to_tensor
from torch.optim import lr_scheduler

from sklearn_ecg.network._augmentation import (
    SignalAugmentation,
    crop,
    random_crop,
    window_starts,
)
from sklearn_ecg.network._batches import Batches
from sklearn_ecg.network._callbacks import BestWeights, Diverged, EpochProgress, WeightAverage
from sklearn_ecg.network._device import autocast, half_the_cores, moments_on_cpu, seeded
from sklearn_ecg.network._parameters import OPTIMIZERS
from sklearn_ecg.network._plain_net import PlainNet
from sklearn_ecg.network._processes import Processes
from sklearn_ecg.network._training_run import TrainingRun


class SignalNet(PlainNet):
    """Base of classifiers that train a module on a `SignalDataset`.

    A subclass lists its parameters in a constructor that only assigns, among them those named
    below; makes ``module_`` and ``criterion_`` in skorch's ``initialize_module`` and
    ``initialize_criterion``; and in ``fit`` sets ``device_`` and ``n_times_`` before it calls
    ``_train``. What it has learned of the data stands in attributes, never in parameters.

    Of its parameters this class reads ``augmentation``, ``optimizer``, ``lr``, ``weight_decay``,
    ``ema_decay``, ``batch_size``, ``patience``, ``precision``, ``compile``, ``accelerate``,
    ``callbacks`` and ``verbose``, and as skorch does those of parts: ``module__*``,
    ``optimizer__*``, ``iterator_train__*``, ``iterator_valid__*`` and ``callbacks__*``.
    """

    # Training -----------------------------------------------------------------------------------

    def _train(
        self, dataset, seed, *, n_epochs, schedule, start=None, moments=None, checkpoint=None
    ):
        """Train a module on a data set; the whole of skorch's fit for arrays.

        Parameters
        ----------
        dataset : SignalDataset
        seed, n_epochs : int
        schedule : str
        start : dict of Tensor, default=None
            Weights to begin with; those that are missing begin at random.
        moments : dict, default=None
            What the optimizer of an earlier run has learned of the gradients.
        checkpoint : Checkpoint, default=None

        Returns
        -------
        TrainingRun
        """
        processes = None
        if self.accelerate:
            processes = Processes(self.device_)
            self.device_ = processes.device
        with seeded(seed, self.device_) as generator, half_the_cores(self.device_):
            self.run_ = run = TrainingRun(dataset, generator, n_epochs, schedule, processes)
            self._checkpoint = checkpoint
            try:
                self._run(start, moments, checkpoint)
            except BaseException:
                self._forget()
                raise
            finally:
                # Training starts anew with each fit: what it alone needs would swell pickles.
                self.callbacks_ = []
                self.__dict__.pop("optimizer_", None)
                del self.run_, self._checkpoint
        return run

    def _run(self, start, moments, checkpoint):
        run = self.run_
        # skorch would clear the last fit's, which comes back should this one fail.
        self.history_ = History()
        self.initialize()
        if start is not None:
            self._take_up(start)
        if moments is not None:
            # Learning rate and weight decay are those of now.
            groups = self.optimizer_.state_dict()["param_groups"]
            # A copy, since the optimizer goes on in place, and the run may fail.
            self.optimizer_.load_state_dict({"state": deepcopy(moments), "param_groups": groups})
        if self.compile:
            run.compiled = torch.compile(self.module_)
        self.notify("on_train_begin", X=run.dataset, y=None)
        n_done = 0 if checkpoint is None else checkpoint.resume(self)
        try:
            # An interrupt is how skorch's callbacks, and users, end training early.
            with suppress(KeyboardInterrupt), self._shared_norms():
                self.fit_loop(run.dataset, epochs=run.n_epochs - n_done)
                run.is_over = True
        except Diverged:
            run.diverged_in = len(self.history)
        if run.best_state is not None:
            self.module_.load_state_dict(run.best_state)
        run.moments = self.optimizer_.state_dict()["state"]
        self.notify("on_train_end", X=run.dataset, y=None)
        if checkpoint is not None and run.is_over and run.is_main:
            checkpoint.delete()

    def _shared_norms(self):
        if self.run_.processes is None:
            return nullcontext()
        return self.run_.processes.norms_of_whole_batches(self.module_)

    def _forget(self):
        """Be unfitted after a fit that failed: half a model must not predict."""
        vars(self).pop("module_", None)
        vars(self).pop("moments_", None)

    def _take_up(self, start):
        own = self.module_.state_dict()
        for name, values in start.items():
            if name not in own or own[name].shape != values.shape:
                raise ValueError(
                    f"{type(self).__name__} cannot go on with the network of the last fit, whose "
                    f"{name} has no place in the new one. Leave the parameters of its size as "
                    "they were, or set warm_start=False."
                )
        self.module_.load_state_dict(start, strict=False)

    @property
    def _default_callbacks(self):
        run = self.run_
        callbacks = [
            ("epoch_timer", EpochTimer()),
            ("train_loss", PassthroughScoring(name="train_loss", on_train=True)),
        ]
        if run.dataset.held_out is not None:
            callbacks.append(("valid_loss", PassthroughScoring(name="valid_loss")))
        if self.ema_decay is not None:
            callbacks.append(("average", WeightAverage(self.ema_decay)))
        if run.schedule != "constant":
            callbacks.append(("schedule", self._schedule(run)))
        callbacks += [
            ("progress", EpochProgress()),
            ("early_stopping", BestWeights(self.patience)),
        ]
        if self._checkpoint is not None:
            callbacks.append(("checkpoint", self._checkpoint))
        return callbacks

    def initialize_callbacks(self):
        """Make the callbacks, of which ``callbacks__<name>`` must name one."""
        known = [name for name, _ in self._uniquely_named_callbacks()]
        for parameter in self.get_params_for("callbacks"):
            name = parameter.partition("__")[0]
            if name not in known:
                raise ValueError(
                    f"There is no callback for 'callbacks__{parameter}'; there are "
                    f"{', '.join(known)}."
                )
        return super().initialize_callbacks()

    def _schedule(self, run):
        n_steps = run.n_epochs * len(self.get_iterator(run.dataset, training=True))
        if run.schedule == "one_cycle":
            return LRScheduler(
                lr_scheduler.OneCycleLR,
                max_lr=self.lr,
                # A cycle of a single step would be its end, where the rate is nearly 0.
                total_steps=max(2, n_steps),
                cycle_momentum="betas" not in self.get_params_for("optimizer"),
                step_every="batch",
            )
        return LRScheduler(lr_scheduler.CosineAnnealingLR, T_max=n_steps, step_every="batch")

    def initialize_optimizer(self, triggered_directly=None):
        """Make the optimizer."""
        self.optimizer_ = OPTIMIZERS[self.optimizer](
            self.module_.parameters(),
            **{
                "lr": self.lr,
                "weight_decay": self.weight_decay,
                # One call for all weights: of a small network's batch it saves a thirtieth.
                "fused": torch.device(self.device_).type in ("cpu", "cuda"),
                **self.get_params_for("optimizer"),
            },
        )
        return self

    def _initialize_module(self, reason=None):
        # As skorch does it, but on the device that "auto" stands for.
        with self._current_init_context("module"):
            self.initialize_module()
            # Channels last make the convolutions half as fast again on a CPU.
            self.module_.to(self.device_, memory_format=torch.channels_last)
        return self

    def _initialize_criterion(self, reason=None):
        with self._current_init_context("criterion"):
            self.initialize_criterion()
        return self

    def get_split_datasets(self, X, y=None, **fit_params):
        """Return the training part and the held-out part, or None, of a `SignalDataset`."""
        return X, X.held_out

    def get_iterator(self, dataset, training=False):
        """Return an iterator over batches, shuffled, cropped and changed while training."""
        prefix = "iterator_train" if training else "iterator_valid"
        arguments = {"batch_size": self.batch_size, **self.get_params_for(prefix)}
        if training:
            arguments |= {"generator": self.run_.generator, "transform": self._training_view}
            if self.run_.processes is not None:
                arguments["part_of"] = self.run_.processes.part_of
        return Batches(dataset, **arguments)

    def _training_view(self, signals, lengths, generator):
        if signals.shape[-1] > self.n_times_:
            signals = random_crop(signals, lengths, self.n_times_, generator)
        if self.augmentation is not None:
            augmentation = self.augmentation
            if augmentation == "mild":
                augmentation = SignalAugmentation()
            signals = augmentation.augment(signals, generator)
        return signals

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Return the loss of one batch."""
        labels, weights = to_tensor(y_true, device=self.device_)
        return self.criterion_(y_pred, labels, weights)

    def train_step_single(self, batch, **fit_params):
        """Compute loss and gradients of one batch, of the whole of it where processes share it."""
        step = super().train_step_single(batch, **fit_params)
        processes = self.run_.processes
        if processes is not None:
            processes.average_gradients(self.module_)
            step["loss"] = processes.mean(step["loss"])
        if not torch.isfinite(step["loss"]):
            raise Diverged
        return step

    def validation_step(self, batch, **fit_params):
        """Compute the loss of a batch, on which all processes agree."""
        step = super().validation_step(batch, **fit_params)
        if self.run_.processes is not None:
            step["loss"] = self.run_.processes.mean(step["loss"])
        return step

    # Prediction ---------------------------------------------------------------------------------

    def evaluated_module(self):
        """Return what predicts: the average of the weights while there is one."""
        run = getattr(self, "run_", None)
        return self.module_ if run is None or run.average is None else run.average.module

    def infer(self, x, **fit_params):
        """Return the logits of one batch of (signals, lengths, features), training or not.

        Those of records longer than the network reads are the mean over windows.
        """
        if not self.module_.training:
            return self._logits_of(self.evaluated_module(), x)
        run = getattr(self, "run_", None)
        module = self.module_ if run is None or run.compiled is None else run.compiled
        return self._logits_of(module, x, training=True)

    def _logits_of(self, module, x, training=False):
        signals, lengths, features = x
        features = to_tensor(features, device=self.device_)
        with autocast(self.precision, self.device_, training=training):
            if signals.shape[-1] == self.n_times_:
                return module(to_tensor(signals, device=self.device_), features).float()
            return self._mean_over_windows(module, signals, lengths, features)

    def _mean_over_windows(self, module, signals, lengths, features):
        pairs = [
            (row, start)
            for row, length in enumerate(lengths.tolist())
            for start in window_starts(length, self.n_times_)
        ]
        rows, starts = torch.tensor(pairs).T
        logits = []
        for part in torch.tensor_split(torch.arange(len(rows)), -(-len(rows) // self.batch_size)):
            windows = crop(signals[rows[part]], starts[part], self.n_times_)
            windows = to_tensor(windows, device=self.device_)
            logits.append(module(windows, features[rows[part].to(features.device)]).float())
        logits = torch.cat(logits)
        rows = rows.to(logits.device)
        sums = logits.new_zeros(len(signals), logits.shape[1]).index_add_(0, rows, logits)
        return sums / torch.bincount(rows, minlength=len(signals))[:, None]

    def __getstate__(self):
        state = BaseEstimator.__getstate__(self)
        if "module_" in state and self.device_ != "cpu":
            # A model that was trained on a GPU must load where there is none.
            state = {**state, "module_": deepcopy(self.module_).cpu()}
            if "moments_" in state:
                state["moments_"] = moments_on_cpu(*self.moments_)
        return state

    def __setstate__(self, state):
        BaseEstimator.__setstate__(self, state)
        if "device_" in state:
            if not torch.cuda.is_available():
                self.device_ = "cpu"
            self.module_.to(self.device_)

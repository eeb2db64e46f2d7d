"""The parts that skorch asks a net for: callbacks, learning rates, optimizer, places."""

import torch
from skorch.callbacks import EpochTimer, LRScheduler, PassthroughScoring
from torch.optim import lr_scheduler

from sklearn_ecg.network._callbacks import BestWeights, EpochProgress, WeightAverage
from sklearn_ecg.network._parameters import OPTIMIZERS
from sklearn_ecg.network._plain_net import PlainNet


class NetParts(PlainNet):
    """Makes the parts of a net from its parameters, once a `TrainingRun` has begun."""

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

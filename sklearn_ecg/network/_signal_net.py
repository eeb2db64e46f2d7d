"""skorch's net, fed with whole batches."""

from contextlib import nullcontext, suppress
from copy import deepcopy

import torch
from sklearn.base import BaseEstimator
from skorch.history import History
from skorch.utils import to_tensor

from sklearn_ecg.network._augmentation import SignalAugmentation
from sklearn_ecg.network._batches import Batches
from sklearn_ecg.network._callbacks import Diverged
from sklearn_ecg.network._device import (
    autocast,
    half_the_cores,
    has_room,
    is_cuda,
    moments_on_cpu,
    resolve_device,
    seeded,
)
from sklearn_ecg.network._net_parts import NetParts
from sklearn_ecg.network._processes import Processes
from sklearn_ecg.network._training_run import TrainingRun
from sklearn_ecg.network._windows import mean_over_windows


class SignalNet(NetParts):
    """Base of classifiers that train a module on a `SignalDataset`.

    A subclass lists its parameters in a constructor that only assigns, among them those named
    below; makes ``module_`` and ``criterion_`` in skorch's ``initialize_module`` and
    ``initialize_criterion``; and in ``fit`` sets ``n_times_`` before it calls ``_train``.
    What it has learned of the data stands in attributes, never in parameters.

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
        self.device_, processes = resolve_device(self.device), None
        if self.accelerate:
            processes = Processes(self.device_)
            self.device_ = processes.device
        if is_cuda(self.device_) and has_room(self.device_, dataset.n_bytes):
            dataset = dataset.to(self.device_)
        with seeded(seed, self.device_) as generators, half_the_cores(self.device_):
            self.run_ = run = TrainingRun(dataset, *generators, n_epochs, schedule, processes)
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
            run.compiled = torch.compile(
                self.module_, mode=None if self.compile is True else self.compile
            )
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

    def get_split_datasets(self, X, y=None, **fit_params):
        """Return the training part and the held-out part, or None, of a `SignalDataset`."""
        return X, X.held_out

    def get_iterator(self, dataset, training=False):
        """Return an iterator over batches, shuffled, cropped and changed while training."""
        prefix = "iterator_train" if training else "iterator_valid"
        arguments = {"batch_size": self.batch_size, **self.get_params_for(prefix)}
        if is_cuda(self.device_) and not dataset.signals.is_cuda:
            arguments["device"] = self.device_
        if training:
            arguments |= {
                "generator": self.run_.generator,
                "n_times": self.n_times_,
                "change": self._change,
            }
        return Batches(dataset, **arguments)

    def _change(self, inputs, targets):
        """Augment a batch, and take the part of it that this process works on."""
        run = self.run_
        if self.augmentation is not None:
            is_mild = self.augmentation == "mild"
            augmentation = SignalAugmentation() if is_mild else self.augmentation
            signals, *rest = inputs
            inputs = (augmentation.augment(signals, run.generator_of_changes), *rest)
        if run.processes is not None:
            return run.processes.part_of(inputs, targets)
        return inputs, targets

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
        """Return the logits of one batch of (signals, lengths), training or not.

        Those of records longer than the network reads are the mean over windows.
        """
        if not self.module_.training:
            return self._logits_of(self.evaluated_module(), x)
        run = getattr(self, "run_", None)
        module = self.module_ if run is None or run.compiled is None else run.compiled
        return self._logits_of(module, x, training=True)

    def _logits_of(self, module, x, training=False):
        signals, lengths = x
        signals = to_tensor(signals, device=self.device_)
        with autocast(self.precision, self.device_, training=training):
            if signals.shape[-1] == self.n_times_:
                return module(signals).float()
            return mean_over_windows(module, signals, lengths, self.n_times_, self.batch_size)

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

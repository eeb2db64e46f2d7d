"""skorch's net, fed with whole batches and dressed as a plain scikit-learn estimator."""

from contextlib import suppress
from copy import deepcopy

import torch
from sklearn.base import BaseEstimator
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping, EpochTimer, LRScheduler, PassthroughScoring
from skorch.utils import noop, to_tensor

from sklearn_ecg.network._batches import Batches
from sklearn_ecg.network._callbacks import EpochProgress
from sklearn_ecg.network._device import half_the_cores, seeded


class SignalNet(NeuralNet):
    """Base of classifiers that train a module on a `SignalDataset`.

    A subclass lists its parameters in a constructor that only assigns, among them ``lr``,
    ``weight_decay``, ``batch_size``, ``max_epochs``, ``patience``, ``callbacks`` and ``verbose``;
    makes ``module_`` and ``criterion_`` in skorch's ``initialize_module`` and
    ``initialize_criterion``; and in ``fit`` sets ``device_`` before it calls ``_train``. What it
    has learned of the data stands in attributes, never in parameters.
    """

    # skorch's constructor would set these on each object, where scikit-learn takes them for
    # parameters.
    use_caching = "auto"
    history_ = None
    initialized_ = False
    virtual_params_ = {}
    _params_to_validate = frozenset()

    # skorch reads parameters from the instance's __dict__; ours are those of the constructor.
    _get_param_names = classmethod(BaseEstimator._get_param_names.__func__)
    get_params = BaseEstimator.get_params
    set_params = BaseEstimator.set_params
    get_metadata_routing = BaseEstimator.get_metadata_routing
    __repr__ = BaseEstimator.__repr__

    def _train(self, dataset, seed):
        """Train a new module on a data set; the whole of skorch's fit for arrays."""
        with seeded(seed, self.device_) as self.generator_, half_the_cores(self.device_):
            self._dataset = dataset
            self.initialize()
            self.notify("on_train_begin", X=dataset, y=None)
            # An interrupt is how skorch's callbacks, and users, end training early.
            with suppress(KeyboardInterrupt):
                self.fit_loop(dataset)
            self.notify("on_train_end", X=dataset, y=None)
        # Training starts anew with each fit: what it alone needs would only swell pickles.
        self.callbacks_ = []
        del self.optimizer_, self.generator_, self._dataset

    @property
    def _default_callbacks(self):
        callbacks = [
            ("epoch_timer", EpochTimer()),
            ("train_loss", PassthroughScoring(name="train_loss", on_train=True)),
        ]
        if self._dataset.held_out is not None:
            patience = self.max_epochs + 1 if self.patience is None else self.patience
            callbacks += [
                ("valid_loss", PassthroughScoring(name="valid_loss")),
                ("early_stopping", EarlyStopping(patience=patience, load_best=True, sink=noop)),
            ]
        schedule = LRScheduler(
            torch.optim.lr_scheduler.OneCycleLR,
            max_lr=self.lr,
            total_steps=self.max_epochs * len(Batches(self._dataset, self.batch_size)),
            step_every="batch",
        )
        return [*callbacks, ("schedule", schedule), ("progress", EpochProgress())]

    def initialize_optimizer(self, triggered_directly=None):
        """Make the optimizer."""
        self.optimizer_ = torch.optim.AdamW(
            self.module_.parameters(), lr=self.lr, weight_decay=self.weight_decay
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
        """Return an iterator over batches, shuffled while training."""
        return Batches(dataset, self.batch_size, self.generator_ if training else None)

    def infer(self, x, **fit_params):
        """Return the logits of one batch."""
        return self.module_(to_tensor(x, device=self.device_), **fit_params)

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Return the loss of one batch."""
        return self.criterion_(y_pred, to_tensor(y_true, device=self.device_))

    @property
    def partial_fit(self):
        raise AttributeError(
            f"{type(self).__name__} has no partial_fit: scaling and the learning rate's schedule "
            "need all records."
        )

    def __getstate__(self):
        state = BaseEstimator.__getstate__(self)
        if "module_" in state and self.device_ != "cpu":
            # A model that was trained on a GPU must load where there is none.
            state = {**state, "module_": deepcopy(self.module_).cpu()}
        return state

    def __setstate__(self, state):
        BaseEstimator.__setstate__(self, state)
        if "device_" in state:
            if not torch.cuda.is_available():
                self.device_ = "cpu"
            self.module_.to(self.device_)

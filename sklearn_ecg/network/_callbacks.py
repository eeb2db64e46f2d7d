"""Callbacks that skorch runs while a `Trainer` trains."""

from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError

import joblib
import numpy as np
import torch
from skorch.callbacks import Callback, LRScheduler
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sklearn_ecg._version import __version__
from sklearn_ecg.utils import progress, whole_file, writing


class EpochProgress(Callback):
    """A progress bar that counts epochs and shows the losses; none when verbose is 0."""

    def on_train_begin(self, net, **kwargs):
        verbose = net.verbose if net.is_main else 0
        self.bar_ = progress(range(net.max_epochs), description="Training, epochs", verbose=verbose)

    def on_epoch_end(self, net, **kwargs):
        last = net.history[-1]
        losses = {name: last[name] for name in ("train_loss", "valid_loss") if name in last}
        shown = {name: f"{loss:.4f}" for name, loss in losses.items()}
        self.bar_.set_postfix(shown, refresh=False)  # shown with the count
        self.bar_.update()

    def on_train_end(self, net, **kwargs):
        self.bar_.close()
        del self.bar_

    def __getstate__(self):
        # An open bar cannot be pickled.
        return {name: value for name, value in vars(self).items() if name != "bar_"}


class Schedule(LRScheduler):
    """The learning rate over all steps of a run.

    Parameters
    ----------
    shape : {"one_cycle", "cosine"}
        "one_cycle" rises to the rate of each parameter group, then falls. "cosine" falls from it.
    """

    def __init__(self, shape="one_cycle"):
        policy = OneCycleLR if shape == "one_cycle" else CosineAnnealingLR
        super().__init__(policy, step_every="batch")
        self.shape = shape

    def on_train_begin(self, net, **kwargs):
        self.batch_idx_ = 0
        groups = net.optimizer_.param_groups
        n_steps = net.max_epochs * len(net.get_iterator(net.dataset_, training=True))
        options = {"T_max": n_steps}
        if self.shape == "one_cycle":
            options = {
                "max_lr": [group["lr"] for group in groups],
                # A cycle of a single step would have only its end, where the rate is nearly 0.
                "total_steps": max(2, n_steps),
                "cycle_momentum": "betas" in groups[0]
                and "betas" not in net.get_params_for("optimizer"),
            }
        self.lr_scheduler_ = self.policy_(net.optimizer_, **options)


class WeightAverage(Callback):
    """An exponential moving average of the weights; it is validated and kept.

    Parameters
    ----------
    decay : float
        Share of the average that stays at each step. In step n it is (1 + n) / (10 + n) at most:
        otherwise the random first weights would stay where steps are few.

    References
    ----------
    Polyak, Juditsky (1992). Acceleration of Stochastic Approximation by Averaging.
    """

    def __init__(self, decay):
        self.decay = decay

    def on_train_begin(self, net, **kwargs):
        # The statistics of batch norm belong to the weights that they were measured with.
        self.average_ = AveragedModel(net.module_, multi_avg_fn=self.move, use_buffers=True)
        self.average_.eval()

    def move(self, averaged, current, n_averaged):
        """Move the average towards the current weights."""
        share = min(self.decay, (1 + float(n_averaged)) / (10 + float(n_averaged)))
        get_ema_multi_avg_fn(share)(averaged, current, n_averaged)

    def on_batch_end(self, net, training, **kwargs):
        if training:
            self.average_.update_parameters(net.module_)

    def on_train_end(self, net, **kwargs):
        # From now on the network has no other weights.
        net.module_.load_state_dict(self.average_.module.state_dict())
        self.average_ = None


class BestWeights(Callback):
    """Keep the weights of the best epoch, or of the last where no records are held out.

    Parameters
    ----------
    patience : int or None
        Training stops after this many epochs without a smaller validation loss.
    """

    def __init__(self, patience=None):
        self.patience = patience

    def on_train_begin(self, net, **kwargs):
        self.state_, self.loss_, self.n_worse_ = None, float("inf"), 0

    def on_epoch_end(self, net, **kwargs):
        state = {
            name: values.clone() for name, values in net.evaluated_module().state_dict().items()
        }
        if not all(torch.isfinite(values).all() for values in state.values()):
            raise Diverged
        loss = net.history[-1].get("valid_loss")
        if loss is None or loss < self.loss_:
            self.state_, self.loss_, self.n_worse_ = state, loss, 0
            return
        self.n_worse_ += 1
        if self.patience is not None and self.n_worse_ >= self.patience:
            net.is_over_ = True
            raise KeyboardInterrupt  # skorch's way of ending training

    def on_train_end(self, net, **kwargs):
        if self.state_ is not None:
            net.module_.load_state_dict(self.state_)


class Resume(Callback):
    """Write the whole state of a training after each epoch, and go on from it.

    Parameters
    ----------
    folder : path
        Is made if it is missing.
    parameters : dict
        Those that change the network.
    dataset : SignalDataset
    start : tuple
        What the training goes on from.

    Notes
    -----
    A hash of all but the folder names the file, so that trainings that share a folder, such as
    those of a search, do not read each other's files.
    """

    def __init__(self, folder, parameters, dataset, start):
        arrays = [values.numpy() for values in (*dataset.arrays(), dataset.rows)]
        parameters = sorted(parameters.items(), key=str)
        fingerprint = joblib.hash([parameters, __version__, *map(_as_arrays, start), *arrays])
        self.path = Path(folder) / f"{fingerprint}.pt"

    def on_epoch_end(self, net, **kwargs):
        # Each process has its own state: dropout draws for other rows in each.
        random = [net.of_all_processes(state) for state in net.randomness_.states()]
        if not net.is_main:
            return
        best, schedule = callback_of(net, BestWeights), callback_of(net, Schedule)
        average = average_of(net)
        state = {
            "module": net.module_.state_dict(),
            "optimizer": net.optimizer_.state_dict(),
            "average": None if average is None else average.state_dict(),
            "schedule": None if schedule is None else schedule.lr_scheduler_.state_dict(),
            "best": None if best is None else [best.state_, _plain(best.loss_), best.n_worse_],
            "history": _plain(net.history),
            "random": random,
            "generators": [generator.get_state() for generator in _generators(net)],
        }
        # Written to memory first: torch does not report a full disk as an OSError.
        packed = BytesIO()
        torch.save(state, packed)
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(self.path) as file:
            file.write(packed.getbuffer())

    def on_train_end(self, net, **kwargs):
        if net.is_over_ and net.is_main:
            self.path.unlink(missing_ok=True)

    def take_up(self, net):
        """Set a net to the state in the file; return how many epochs are done."""
        net.wait_for_processes()  # the first of them may still write the file
        if not self.path.exists():
            return 0
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
        except (UnpicklingError, RuntimeError, EOFError) as error:
            raise ValueError(
                f"{self.path} is damaged, or is not the checkpoint of a fit. Delete it, or set "
                "checkpoint to another folder."
            ) from error
        net.module_.load_state_dict(state["module"])
        net.optimizer_.load_state_dict(state["optimizer"])
        if state["average"] is not None:
            average_of(net).load_state_dict(state["average"])
        if state["schedule"] is not None:
            callback_of(net, Schedule).lr_scheduler_.load_state_dict(state["schedule"])
        if state["best"] is not None:
            best = callback_of(net, BestWeights)
            best.state_, best.loss_, best.n_worse_ = state["best"]
        net.history.extend(state["history"])
        # Copied, since torch reads a state from the start of its memory.
        net.randomness_.set_states([of[net.rank % len(of)].clone() for of in state["random"]])
        for generator, of in zip(_generators(net), state["generators"], strict=True):
            generator.set_state(of)
        return len(net.history)


class Diverged(ArithmeticError):
    """The loss or the weights became NaN or infinite."""


def _generators(net):
    return net.randomness_.batches, net.randomness_.changes


def callback_of(net, kind):
    return next((callback for _, callback in net.callbacks_ if isinstance(callback, kind)), None)


def average_of(net):
    """Return the average of a net's weights during training, else None."""
    return getattr(callback_of(net, WeightAverage), "average_", None)


def _as_arrays(value):
    """Return a dict with arrays instead of tensors: arrays are hashed by their values."""
    if isinstance(value, dict):
        return {name: _as_arrays(of) for name, of in value.items()}
    return value.numpy(force=True) if isinstance(value, torch.Tensor) else value


def _plain(value):
    """Convert NumPy numbers to Python's: unpickling other types could run code."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value.item() if isinstance(value, np.generic) else value

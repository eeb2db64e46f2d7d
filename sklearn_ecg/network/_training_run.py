"""What a training knows beside the net, and how it is taken up again after an interruption."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
from skorch.callbacks import Callback

from sklearn_ecg.network._batches import SignalDataset
from sklearn_ecg.network._device import is_cuda
from sklearn_ecg.network._processes import Processes


@dataclass
class TrainingRun:
    """The state of one training.

    Parameters
    ----------
    dataset : SignalDataset
    generator : torch.Generator
        Draws batches and crops.
    generator_of_changes : torch.Generator
        Draws augmentation; the same on a CPU.
    n_epochs : int
    schedule : {"one_cycle", "cosine", "constant"}
    processes : Processes, default=None
        Those that share the work.
    """

    dataset: SignalDataset
    generator: torch.Generator
    generator_of_changes: torch.Generator
    n_epochs: int
    schedule: str
    processes: Processes | None = None
    compiled: Callable | None = field(default=None, init=False)
    average: torch.nn.Module | None = field(default=None, init=False)
    best_state: dict | None = field(default=None, init=False)
    best_loss: float | None = field(default=float("inf"), init=False)
    n_worse: int = field(default=0, init=False)
    is_over: bool = field(default=False, init=False)
    moments: dict | None = field(default=None, init=False)
    diverged_in: int | None = field(default=None, init=False)

    @property
    def rank(self):
        """The number of this process among those that share the work."""
        return 0 if self.processes is None else self.processes.rank

    @property
    def is_main(self):
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    def of_all(self, values):
        """Return a tensor of each process, stacked."""
        return values.unsqueeze(0) if self.processes is None else self.processes.of_all(values)


class Checkpoint(Callback):
    """Write all that a training consists of after each epoch.

    Parameters
    ----------
    path : path
        A file.
    fingerprint : str
        Of parameters and data; a checkpoint of another training is refused.
    """

    def __init__(self, path, fingerprint):
        self.path = path
        self.fingerprint = fingerprint

    def on_epoch_end(self, net, **kwargs):
        run = net.run_
        # Dropout draws for other rows in each process, and so is somewhere else in each.
        random = [run.of_all(torch.get_rng_state())]
        if is_cuda(net.device_):
            random.append(run.of_all(torch.cuda.get_rng_state(net.device_)))
        if not run.is_main:
            return
        state = {
            "fingerprint": self.fingerprint,
            "module": net.module_.state_dict(),
            "optimizer": net.optimizer_.state_dict(),
            "average": None if run.average is None else run.average.state_dict(),
            "schedule": _schedule_of(net).state_dict() if _schedule_of(net) else None,
            "best_state": run.best_state,
            "best_loss": _plain(run.best_loss),
            "n_worse": run.n_worse,
            "history": _plain(net.history),
            "random": random,
            "generator": run.generator.get_state(),
            "generator_of_changes": run.generator_of_changes.get_state(),
        }
        # Written beside and moved, so that an interruption leaves the last one whole.
        beside = Path(f"{os.fspath(self.path)}.part")
        beside.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, beside)
        os.replace(beside, self.path)

    def resume(self, net):
        """Bring a net to the state of the file; return how many epochs it has behind it."""
        if net.run_.processes is not None:
            net.run_.processes.wait()  # the first of them may still be at work on the file
        if not Path(self.path).exists():
            return 0
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
        except (UnpicklingError, RuntimeError, EOFError) as error:
            raise ValueError(
                f"{os.fspath(self.path)} is damaged, or no checkpoint of a fit. Delete it, or set "
                "another file by checkpoint."
            ) from error
        if state["fingerprint"] != self.fingerprint:
            raise ValueError(
                f"The checkpoint {os.fspath(self.path)} belongs to a fit with other parameters, "
                "records or labels. Delete it, or set another file by checkpoint."
            )
        run = net.run_
        net.module_.load_state_dict(state["module"])
        net.optimizer_.load_state_dict(state["optimizer"])
        if run.average is not None:
            run.average.load_state_dict(state["average"])
        if state["schedule"] is not None:
            _schedule_of(net).load_state_dict(state["schedule"])
        run.best_state, run.best_loss = state["best_state"], state["best_loss"]
        run.n_worse = state["n_worse"]
        net.history.extend(state["history"])
        # Copied, since torch reads a state from the beginning of its memory.
        random = [states[run.rank % len(states)].clone() for states in state["random"]]
        torch.set_rng_state(random[0])
        if is_cuda(net.device_):
            torch.cuda.set_rng_state(random[-1], net.device_)
        run.generator.set_state(state["generator"])
        run.generator_of_changes.set_state(state["generator_of_changes"])
        return len(net.history)

    def delete(self):
        """Remove the file of a training that is over."""
        Path(self.path).unlink(missing_ok=True)


def _plain(value):
    """Turn numbers of NumPy into Python's: unpickling anything else could run code."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value.item() if isinstance(value, np.generic) else value


def _schedule_of(net):
    schedule = dict(net.callbacks_).get("schedule")
    return None if schedule is None else schedule.lr_scheduler_

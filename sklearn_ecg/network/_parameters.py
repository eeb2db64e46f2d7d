"""The classifier's parameters: sizes by name, allowed values, and parameters of its parts."""

import inspect
import os
from difflib import get_close_matches
from numbers import Integral, Real

import torch

from sklearn_ecg.network._augmentation import SignalAugmentation
from sklearn_ecg.network._batches import Batches
from sklearn_ecg.network.modules._label_correlation_net import LabelCorrelationNet
from sklearn_ecg.utils import HasMethods, Interval, StrOptions

#: What a width by name means. The paper gives no numbers for its channels and layers.
WIDTHS = {
    "residual": {
        "small": {"channels": (8, 16, 32), "hidden_dim": 32, "n_layers": 1, "n_heads": 4},
        "medium": {"channels": (32, 64, 128), "hidden_dim": 128, "n_layers": 2, "n_heads": 4},
        "paper": {"channels": (64, 128, 256), "hidden_dim": 256, "n_layers": 2, "n_heads": 8},
    },
    "xresnet": {
        "small": {"channels": (32, 64, 128), "hidden_dim": 64, "n_layers": 1, "n_heads": 4},
        "medium": {"channels": (64, 128, 256, 256), "hidden_dim": 128, "n_layers": 2, "n_heads": 4},
        "paper": {"channels": (64, 128, 256, 512), "hidden_dim": 256, "n_layers": 2, "n_heads": 8},
    },
}

OPTIMIZERS = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}

_POSITIVE = Interval(Real, 0, None, closed="neither")
_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
_COUNT = Interval(Integral, 1, None, closed="left")

CONSTRAINTS = {
    "width": [StrOptions({"small", "medium", "paper"})],
    "backbone": [StrOptions(set(WIDTHS))],
    "label_embedding": ["boolean"],
    "decoder": ["boolean"],
    "memory": [StrOptions({"labels", "backbone"})],
    "shortcut": ["boolean"],
    "channel_identity": ["boolean"],
    "sampling_rate": [_POSITIVE],
    "highpass": [_POSITIVE, None],
    "duration_s": [_POSITIVE, None],
    "crop_s": [_POSITIVE, StrOptions({"auto"}), None],
    "features": [HasMethods(["fit", "transform"]), None],
    "augmentation": [SignalAugmentation, StrOptions({"mild"}), None],
    "gamma_positive": [_NOT_NEGATIVE],
    "gamma_negative": [_NOT_NEGATIVE],
    "clip": [Interval(Real, 0, 1, closed="left")],
    "class_weight": [StrOptions({"balanced"}), dict, None],
    "optimizer": [StrOptions(set(OPTIMIZERS))],
    "schedule": [StrOptions({"one_cycle", "cosine", "constant"})],
    "lr": [_POSITIVE],
    "weight_decay": [_NOT_NEGATIVE],
    "ema_decay": [Interval(Real, 0, 1, closed="neither"), None],
    "batch_size": [_COUNT],
    "max_epochs": [_COUNT],
    "patience": [_COUNT, None],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "thresholds": [Interval(Real, 0, 1, closed="neither"), StrOptions({"tuned"})],
    "calibration": [StrOptions({"temperature", "sigmoid"}), None],
    "warm_start": ["boolean"],
    "checkpoint": [str, os.PathLike, None],
    "device": [str],
    "precision": [StrOptions({"auto", "float32", "bfloat16"})],
    "compile": ["boolean", StrOptions({"reduce-overhead", "max-autotune"})],
    "accelerate": ["boolean"],
    "callbacks": [list, None],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}

_OF_BATCHES = {"dataset", "generator", "n_times", "device", "change"}
# What takes the parameters with each prefix, and those of its parameters that fit fills in.
_PARTS = {
    "module": (
        LabelCorrelationNet,
        {"label_correlation", "n_leads", "n_times"} | set(CONSTRAINTS),
    ),
    "optimizer": (None, {"params", "lr", "weight_decay"}),
    "iterator_train": (Batches, _OF_BATCHES),
    "iterator_valid": (Batches, _OF_BATCHES),
}


def is_part_parameter(name):
    """Whether a parameter belongs to a part of the classifier, such as ``module__channels``."""
    prefix, separator, rest = name.partition("__")
    return bool(separator and rest) and (prefix in _PARTS or prefix == "callbacks")


def check_part_parameters(classifier):
    """Raise where a parameter such as ``module__channels`` is unknown, or is not the user's.

    Names of callbacks are checked by skorch once the callbacks exist.
    """
    for name in classifier.get_params(deep=False):
        prefix, _, rest = name.partition("__")
        if prefix not in _PARTS or not rest:
            continue
        part, filled_in = _PARTS[prefix]
        if part is None:
            part = OPTIMIZERS[classifier.optimizer]
        if rest in filled_in:
            where = f"; set {rest} itself" if rest in CONSTRAINTS else ""
            raise ValueError(f"The '{name}' parameter cannot be set, since fit does so{where}.")
        known = set(inspect.signature(part).parameters) - filled_in
        if rest not in known:
            near = [f"{prefix}__{match}" for match in get_close_matches(rest, known)]
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}."
            raise ValueError(f"{part.__name__} has no parameter for '{name}': {hint}")

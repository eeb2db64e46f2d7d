"""The classifier's network by name, and parameters of its parts."""

import inspect
import json
from copy import deepcopy
from difflib import get_close_matches
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file
from sklearn.base import BaseEstimator
from torch import nn

from sklearn_ecg.network._batches import Batches
from sklearn_ecg.network._trainer import OPTIMIZERS, Trainer
from sklearn_ecg.network.modules import AsymmetricLoss, LabelCorrelationNet
from sklearn_ecg.utils import warn_user

#: Parameters of each network by name. The paper gives no numbers of channels and layers.
NETWORKS = {
    "small": {"hidden_dim": 64, "n_layers": 1, "n_heads": 4},
    "medium": {"hidden_dim": 128, "n_layers": 2, "n_heads": 4},
    "paper": {
        "backbone": "residual",
        "hidden_dim": 256,
        "n_layers": 2,
        "n_heads": 8,
        "attend_to": "labels",
        "shortcut": False,
        "token_identity": False,
        "dropout": 0.1,
    },
}
_CHANNELS = {
    ("small", "xresnet"): (32, 64, 128),
    ("medium", "xresnet"): (64, 128, 256, 256),
    ("paper", "xresnet"): (64, 128, 256, 512),
    ("small", "residual"): (8, 16, 32),
    ("medium", "residual"): (32, 64, 128),
    ("paper", "residual"): (64, 128, 256),
}
# fit passes those of these that a network's constructor names.
_LEARNED = {"label_correlation", "n_leads", "n_times", "n_labels"}
_OF_BATCHES = {"dataset", "generator", "n_times", "device", "change"}
_OF_CLASSIFIER = {"lr", "max_epochs", "batch_size", "callbacks", "device", "verbose"}
PREFIXES = (
    "network",
    "training",
    "criterion",
    "optimizer",
    "compile",
    "iterator_train",
    "iterator_valid",
    "callbacks",
)


class PartParameters(BaseEstimator):
    """Estimator with parameters of its parts, by dunder names as in skorch.

    The constructor passes its ``**part_parameters`` to `_set_part_parameters`. A subclass may add
    parameters of its own.
    """

    @classmethod
    def _get_param_names(cls):
        """Return the constructor's parameters, and those that its ``**kwargs`` are passed to."""
        names = set()
        for owner in cls.__mro__[: cls.__mro__.index(PartParameters)]:
            if "__init__" not in vars(owner):
                continue
            _, *parameters = inspect.signature(owner.__init__).parameters.values()
            handed_on = {p.name for p in parameters if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
            names |= {p.name for p in parameters} - handed_on
            if not handed_on:
                break
        return sorted(names)

    def get_params(self, deep=True):
        """Return the constructor's parameters, and those of parts that were set.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include parameters of nested estimators.

        Returns
        -------
        dict
        """
        return super().get_params(deep=deep) | self._part_parameters()

    def set_params(self, **parameters):
        """Set parameters of the constructor and of parts.

        Parameters
        ----------
        **parameters
            Such as ``lr=1e-3`` or ``network__dropout=0.1``.

        Returns
        -------
        self
        """
        of_parts = {k: v for k, v in parameters.items() if is_part_parameter(k)}
        rest = {k: v for k, v in parameters.items() if k not in of_parts}
        for name in rest:
            owner, separator, parameter = name.partition("__")
            value = rest.get(owner, getattr(self, owner, None))
            if separator and owner in self._get_param_names() and not hasattr(value, "set_params"):
                raise ValueError(
                    f"The '{name}' parameter cannot be set, since '{owner}' is {value!r}: first "
                    f"set '{owner}' to an object that has the parameter {parameter!r}."
                )
        super().set_params(**rest)
        self._set_part_parameters(of_parts)
        return self

    def _set_part_parameters(self, parameters):
        for name in parameters:
            if not is_part_parameter(name):
                raise TypeError(f"{type(self).__name__} has no parameter {name!r}.")
        vars(self).update(parameters)

    def _part_parameters(self):
        return {name: value for name, value in vars(self).items() if is_part_parameter(name)}


def is_part_parameter(name):
    """Whether a parameter belongs to a part of the classifier, such as ``network__dropout``."""
    prefix, separator, rest = name.partition("__")
    return bool(separator and rest) and prefix in PREFIXES


def parameters_of(classifier, prefix):
    """Return the parameters that were set for a part, without the prefix."""
    marked = f"{prefix}__"
    given = {k: v for k, v in vars(classifier).items() if k.startswith(marked)}
    return {name.removeprefix(marked): value for name, value in given.items()}


def check_part_parameters(classifier):
    """Raise where a parameter such as ``network__channels`` is unknown, or fit sets it.

    The trainer checks names of callbacks, since only it knows them.
    """
    maker, _ = _maker(classifier.network)
    takes_backbone = maker is not None and "backbone" in inspect.signature(maker).parameters
    if classifier.backbone is not None and not takes_backbone:
        what = "a module that is built" if maker is None else _name_of(maker)
        raise ValueError(
            f"The 'backbone' parameter is set, but 'network' is {what}, which takes no backbone: "
            "set 'backbone' to None."
        )
    optimizer = parameters_of(classifier, "training").get("optimizer", "adamw")
    makers = {
        "network": maker,
        "training": Trainer,
        "criterion": AsymmetricLoss,
        "optimizer": OPTIMIZERS.get(optimizer, optimizer),
        "iterator_train": Batches,
        "iterator_valid": Batches,
    }
    filled_in = {
        "network": _LEARNED | {"backbone"},
        "training": {*inspect.signature(Trainer).parameters, *_OF_CLASSIFIER}
        - {*Trainer._parameter_constraints},
        "optimizer": {"params", "lr", "weight_decay"},
        "iterator_train": _OF_BATCHES,
        "iterator_valid": _OF_BATCHES,
    }
    allowed = {"network": {"pretrained"}, "optimizer": {"param_groups"}}
    elsewhere = {"lr": "lr", "backbone": "backbone", "weight_decay": "training__weight_decay"}
    for prefix, part in makers.items():
        given = parameters_of(classifier, prefix)
        if given and part is None:
            raise ValueError(
                f"'{prefix}__{next(iter(given))}' cannot be set, since '{prefix}' is a module that "
                "is built: set it there, or give its class."
            )
        for name in given:
            if name in filled_in.get(prefix, ()):
                where = f"; set {elsewhere[name]}" if name in elsewhere else ""
                raise ValueError(
                    f"The '{prefix}__{name}' parameter cannot be set, since fit does so{where}."
                )
            known = set(inspect.signature(part).parameters) | allowed.get(prefix, set())
            known -= filled_in.get(prefix, set())
            if name not in known:
                near = [f"{prefix}__{match}" for match in get_close_matches(name, known)]
                hint = (
                    f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}."
                )
                raise ValueError(
                    f"{_name_of(part)} has no parameter for '{prefix}__{name}': {hint}"
                )


def network_maker(classifier, reader, labels, label_correlation):
    """Return a function without arguments that makes the classifier's network."""
    options = parameters_of(classifier, "network")
    pretrained = options.pop("pretrained", None)
    maker, preset = _maker(classifier.network)
    learned = {
        "label_correlation": label_correlation,
        "n_leads": reader.n_leads_,
        "n_times": reader.n_times_,
        "n_labels": len(labels),
    }
    if maker is None:
        make = partial(deepcopy, classifier.network)
    else:
        asked = set(inspect.signature(maker).parameters)
        if "backbone" in asked:
            preset = _with_backbone(classifier, preset)
        learned = {name: value for name, value in learned.items() if name in asked}
        make = partial(_make, maker, learned | preset | options)
    if maker is not LabelCorrelationNet:
        make = partial(_make_checked, make, (reader.n_leads_, reader.n_times_), len(labels))
    return make if pretrained is None else partial(_make_pretrained, make, pretrained)


def _maker(network):
    """Return the class that makes a network (None for a finished module), and its preset."""
    if isinstance(network, str):
        return LabelCorrelationNet, NETWORKS[network]
    if isinstance(network, nn.Module):
        return None, {}
    return network, {}


def _with_backbone(classifier, preset):
    backbone = preset.get("backbone", "xresnet") if preset else None
    backbone = backbone if classifier.backbone is None else classifier.backbone
    if backbone is None:
        return preset
    # A backbone that is not in the table has channels of its own.
    channels = _CHANNELS.get((classifier.network, backbone))
    return preset | ({} if channels is None else {"channels": channels}) | {"backbone": backbone}


def _make(maker, options):
    # A finished backbone stays as it is: each fit trains a copy.
    return maker(**{k: deepcopy(v) if isinstance(v, nn.Module) else v for k, v in options.items()})


def _make_checked(make, shape, n_labels):
    """Make a network, and check that it maps signals of this shape to n_labels logits."""
    module = make()
    if not isinstance(module, nn.Module):
        raise TypeError(f"The 'network' parameter must make an nn.Module; it made {module!r}.")
    needed = (
        f"it must map signals (batch, n_leads, n_times), here (2, {shape[0]}, {shape[1]}), to "
        f"logits (batch, n_labels), here (2, {n_labels})"
    )
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            logits = module(torch.zeros(2, *shape))
    except Exception as error:
        raise ValueError(
            f"The network {type(module).__name__} does not fit: {needed}; it raises "
            f"{type(error).__name__}: {error}"
        ) from error
    module.train(was_training)
    found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    if found != (2, n_labels):
        raise ValueError(
            f"The network {type(module).__name__} does not fit: {needed}; it makes {found}."
        )
    return module


def _make_pretrained(make, path):
    """Make a network that begins with those weights of a safetensors file that fit."""
    module, path = make(), Path(path)
    try:
        if path.is_dir():
            path = path / json.loads((path / "model.json").read_text("utf-8"))["weights"]["file"]
        found = load_file(path)
    except Exception as error:
        raise ValueError(
            f"'network__pretrained' must name a safetensors file, or a folder that save has "
            f"written; {path} cannot be read: {error}"
        ) from error
    own, label_parts = module.state_dict(), getattr(module, "label_parts", ())
    start = {}
    for name, values in found.items():
        if name not in own and f"backbone.{name}" in own:
            name = f"backbone.{name}"
        of_labels = name.split(".")[0] in label_parts
        if name in own and own[name].shape == values.shape and not of_labels:
            start[name] = values
    if not start:
        raise ValueError(
            f"None of the {len(found)} tensors of {path} fits the network. The file has "
            f"{', '.join(list(found)[:3])}, ...; the network has {', '.join(list(own)[:3])}, ..."
        )
    module.load_state_dict(start, strict=False)
    left = [n for n in own if n not in start and n.split(".")[0] not in label_parts]
    if left:
        warn_user(
            f"{len(start)} tensors of {path} fit the network; {len(left)} of its own begin at "
            f"random: {', '.join(left[:5])}{', ...' if len(left) > 5 else ''}."
        )
    return module


def _name_of(maker):
    """Return the name of a class, or of the function in a functools.partial."""
    maker = getattr(maker, "func", maker)
    return getattr(maker, "__name__", type(maker).__name__)

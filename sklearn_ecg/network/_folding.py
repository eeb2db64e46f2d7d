"""A copy of a network that predicts faster."""

from copy import deepcopy
from itertools import pairwise

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval


def folded(module):
    """Return a copy for prediction, with batch norm folded into the convolution before it.

    On a CPU, batch norm takes a quarter of the paper backbone's time of prediction.

    Parameters
    ----------
    module : Module
        Convolutions and their batch norm follow each other in an ``nn.Sequential``.

    Returns
    -------
    Module
        Gives the same output in evaluation mode, up to rounding.
    """
    module = deepcopy(module).eval()
    for sequence in module.modules():
        if not isinstance(sequence, nn.Sequential):
            continue
        for (name, layer), (next_name, norm) in pairwise(list(sequence.named_children())):
            if isinstance(layer, nn.Conv1d | nn.Conv2d) and isinstance(norm, _BatchNorm):
                setattr(sequence, name, fuse_conv_bn_eval(layer, norm))
                setattr(sequence, next_name, nn.Identity())
    # New weights are contiguous; convolutions on a CPU are fast with channels last.
    return module.to(memory_format=torch.channels_last)

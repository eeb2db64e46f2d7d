"""A stronger backbone: a one-dimensional residual network over time."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

# In bfloat16, torch's convolution of fewer samples than its kernel has can be NaN on a CPU.
_LEAST_TIMES = 8


class XResNetBackbone(nn.Module):
    """One-dimensional xresnet whose tokens are moments in time.

    All leads enter the first convolution together. Written from the papers: the stem of three
    convolutions, average pooling before the projection on skip paths, and residual branches
    that begin at zero, of He et al. (2019); kernels of 5 as in Strodthoff et al. (2021), whose
    networks are deeper.

    Parameters
    ----------
    n_leads, n_times : int
        Shape of one record.
    channels : tuple of ints
        Of each stage of two blocks. Time shrinks by 4 before the first, by 2 before each other.
    hidden_dim : int
        Length of a token.
    channel_identity : bool, default=True
        Add a learned vector to each moment's token, by which attention can tell them apart.

    Attributes
    ----------
    n_tokens : int

    References
    ----------
    He et al. (2019). Bag of Tricks for Image Classification with Convolutional Neural Networks.
    CVPR.
    Strodthoff et al. (2021). Deep Learning for ECG Analysis: Benchmarks and Insights from
    PTB-XL. IEEE JBHI.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.network import XResNetBackbone
    >>> backbone = XResNetBackbone(12, 1000, channels=(16, 32), hidden_dim=64)
    >>> backbone(torch.zeros(2, 12, 1000)).shape
    torch.Size([2, 125, 64])
    """

    def __init__(self, n_leads, n_times, channels, hidden_dim, channel_identity=True):
        super().__init__()
        first = channels[0]
        self.stem = nn.Sequential(
            _convolution(n_leads, first, stride=2),
            nn.ReLU(),
            _convolution(first, first),
            nn.ReLU(),
            _convolution(first, first),
            nn.ReLU(),
            nn.MaxPool1d(kernel_size=3, stride=2, padding=1),
        )
        blocks = [XResNetBlock(first, first), XResNetBlock(first, first)]
        for n_inputs, n_outputs in pairwise(channels):
            blocks += [
                XResNetBlock(n_inputs, n_outputs, stride=2),
                XResNetBlock(n_outputs, n_outputs),
            ]
        self.blocks = nn.Sequential(*blocks)
        self.n_tokens = max(n_times, _LEAST_TIMES)
        for _ in range(1 + len(channels)):
            self.n_tokens = -(-self.n_tokens // 2)
        self.projection = nn.Linear(channels[-1], hidden_dim)
        self.identity = None
        if channel_identity:
            self.identity = nn.Embedding(self.n_tokens, hidden_dim)
            nn.init.normal_(self.identity.weight, std=0.02)

    def forward(self, x):
        # x: (batch, leads, times)
        if x.shape[-1] < _LEAST_TIMES:
            x = functional.pad(x, (0, _LEAST_TIMES - x.shape[-1]))
        moments = self.blocks(self.stem(x))  # (batch, channels, tokens)
        tokens = self.projection(moments.transpose(1, 2))  # (batch, tokens, hidden_dim)
        if self.identity is not None:
            tokens = tokens + self.identity.weight
        return tokens


class XResNetBlock(nn.Module):
    """Two convolutions over time and a way past them.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Channels before and after.
    stride : int, default=1
    """

    def __init__(self, n_inputs, n_outputs, stride=1):
        super().__init__()
        self.convolutions = nn.Sequential(
            _convolution(n_inputs, n_outputs, stride=stride),
            nn.ReLU(),
            _convolution(n_outputs, n_outputs),
        )
        # The block begins as its skip path.
        nn.init.zeros_(self.convolutions[-1][-1].weight)
        skip = []
        if stride > 1:
            skip.append(nn.AvgPool1d(stride, ceil_mode=True))
        if n_inputs != n_outputs:
            skip.append(_convolution(n_inputs, n_outputs, kernel=1))
        self.skip = nn.Sequential(*skip)

    def forward(self, x):
        # x: (batch, n_inputs, times)
        return torch.relu(self.convolutions(x) + self.skip(x))


class ConcatPool(nn.Module):
    """Mean and maximum over tokens, side by side.

    Examples
    --------
    >>> import torch
    >>> ConcatPool()(torch.zeros(2, 125, 64)).shape
    torch.Size([2, 128])
    """

    def forward(self, tokens):
        # tokens: (batch, tokens, hidden_dim)
        return torch.cat([tokens.mean(dim=1), tokens.amax(dim=1)], dim=1)


def _convolution(n_inputs, n_outputs, kernel=5, stride=1):
    return nn.Sequential(
        nn.Conv1d(n_inputs, n_outputs, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm1d(n_outputs),
    )

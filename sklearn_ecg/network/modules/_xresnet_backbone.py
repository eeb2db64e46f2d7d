"""A stronger backbone: a one-dimensional residual network over time."""

from itertools import pairwise

import torch
from torch import nn


class XResNetBackbone(nn.Module):
    """One-dimensional xresnet; its tokens are moments in time.

    All leads enter the first convolution together. Written from the papers. From He et al. (2019):
    the stem of three convolutions, average pooling before the projection on skip paths, and
    residual branches that begin at zero. From Strodthoff et al. (2021): kernels of 5; their
    networks are deeper.

    Parameters
    ----------
    n_leads : int
        Number of leads.
    channels : tuple of ints, default=(32, 64, 128)
        Channels of each stage of two blocks. Time shrinks by 4 before the first stage, and by 2
        before each other.

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
    >>> XResNetBackbone(12, channels=(16, 32))(torch.zeros(2, 12, 1000)).shape
    torch.Size([2, 32, 125])
    """

    tokens = "moments"

    def __init__(self, n_leads: int, channels: tuple[int, ...] = (32, 64, 128)) -> None:
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

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the features of each moment.

        Parameters
        ----------
        x : Tensor of shape (batch, n_leads, n_times)
            Standardised signals.

        Returns
        -------
        Tensor of shape (batch, channels[-1], n_tokens)
        """
        return self.blocks(self.stem(x))  # (batch, channels, tokens)


class XResNetBlock(nn.Module):
    """Two convolutions over time, and a skip path.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Channels before and after.
    stride : int, default=1
    """

    def __init__(self, n_inputs: int, n_outputs: int, stride: int = 1) -> None:
        super().__init__()
        first = _convolution(n_inputs, n_outputs, stride=stride)
        last = _convolution(n_outputs, n_outputs)
        self.convolutions = nn.Sequential(first, nn.ReLU(), last)
        # The residual branch begins at zero: the block begins as its skip path.
        nn.init.zeros_(last[-1].weight)
        skip = []
        if stride > 1:
            skip.append(nn.AvgPool1d(stride, ceil_mode=True))
        if n_inputs != n_outputs:
            skip.append(_convolution(n_inputs, n_outputs, kernel=1))
        self.skip = nn.Sequential(*skip)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # x: (batch, n_inputs, times)
        return torch.relu(self.convolutions(x) + self.skip(x))


def _convolution(n_inputs, n_outputs, kernel=5, stride=1):
    return nn.Sequential(
        nn.Conv1d(n_inputs, n_outputs, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm1d(n_outputs),
    )

"""xresnet1d101, the strongest convolutional network of the PTB-XL benchmark."""

import torch
from torch import nn

from benchmarks.networks._layers import ConcatPoolHead, convolution

_N_BLOCKS = (3, 4, 23, 3)
_WIDTH, _EXPANSION = 64, 4


class XResNet1d101(nn.Module):
    """An xresnet of 101 layers over time.

    From Strodthoff et al. (2021): the 101-layer xresnet of He et al. (2019) with kernels of 5
    over time; mean and maximum over time side by side; a hidden layer of 128 units. From He et
    al. (2019): the stem of three convolutions, bottleneck blocks that narrow four times, average
    pooling before the projection on skip paths, residual branches that begin at zero.
    Reconstructed: all four stages have the same width of 64 inner and 256 outer channels. Widths
    that double, as for images, would make 28 million weights; these make 1.87 million, the
    published network's number.

    Parameters
    ----------
    n_leads, n_labels : int
    dropout : float, default=0.5
        Of the head.

    References
    ----------
    Strodthoff et al. (2021). Deep Learning for ECG Analysis: Benchmarks and Insights from
    PTB-XL. IEEE JBHI.
    He et al. (2019). Bag of Tricks for Image Classification with Convolutional Neural Networks.
    CVPR.

    Examples
    --------
    >>> import torch
    >>> from benchmarks.networks import XResNet1d101
    >>> XResNet1d101(12, 5)(torch.zeros(2, 12, 250)).shape
    torch.Size([2, 5])
    """

    def __init__(self, n_leads, n_labels, dropout=0.5):
        super().__init__()
        self.stem = nn.Sequential(
            convolution(n_leads, 32, 5, stride=2),
            convolution(32, 32, 5),
            convolution(32, _WIDTH, 5),
            nn.MaxPool1d(kernel_size=3, stride=2, padding=1),
        )
        blocks, n_channels = [], _WIDTH
        for stage, n_blocks in enumerate(_N_BLOCKS):
            for i in range(n_blocks):
                blocks.append(_Bottleneck(n_channels, stride=2 if stage > 0 and i == 0 else 1))
                n_channels = _EXPANSION * _WIDTH
        self.blocks = nn.Sequential(*blocks)
        self.head = ConcatPoolHead(n_channels, n_labels, dropout=dropout)

    def forward(self, x):
        # x: (batch, leads, times)
        return self.head(self.blocks(self.stem(x)))


class _Bottleneck(nn.Module):
    def __init__(self, n_inputs, stride):
        super().__init__()
        n_outputs = _EXPANSION * _WIDTH
        self.convolutions = nn.Sequential(
            convolution(n_inputs, _WIDTH, 1),
            convolution(_WIDTH, _WIDTH, 5, stride=stride),
            convolution(_WIDTH, n_outputs, 1, activation=False),
        )
        # The block begins as its skip path.
        nn.init.zeros_(self.convolutions[-1][-1].weight)
        skip = []
        if stride > 1:
            skip.append(nn.AvgPool1d(stride, ceil_mode=True))
        if n_inputs != n_outputs:
            skip.append(convolution(n_inputs, n_outputs, 1, activation=False))
        self.skip = nn.Sequential(*skip)

    def forward(self, x):
        # x: (batch, n_inputs, times)
        return torch.relu(self.convolutions(x) + self.skip(x))

"""The squeeze-and-excitation residual network of Ge et al. (2021)."""

import torch
from torch import nn

from benchmarks.networks._layers import convolution

_STAGES = ((2, 32), (2, 64), (2, 128), (2, 256))
_KERNEL = 7
_REDUCTION = 16


class SEResNet(nn.Module):
    """A residual network over time whose blocks weigh their channels.

    From the paper's abstract: one-dimensional convolutions over time in residual modules, each
    with a squeeze-and-excitation block on its convolutions, on raw signals of 12 leads.
    Reconstructed: all numbers. A stem with a kernel of 15 and max-pooling; four stages of two
    modules with kernels of 7, which halve time and widen to 256 channels, the layout of a
    ResNet-18 of half its width; a reduction of 16 in the excitation; the mean over time.

    Parameters
    ----------
    n_leads, n_labels : int
    dropout : float, default=0.2
        Before the last layer.

    References
    ----------
    Ge et al. (2021). Convolutional Squeeze-and-Excitation Network for ECG Arrhythmia Detection.
    Artificial Intelligence in Medicine.
    Hu, Shen, Sun (2018). Squeeze-and-Excitation Networks. CVPR.

    Examples
    --------
    >>> import torch
    >>> from benchmarks.networks import SEResNet
    >>> SEResNet(12, 9)(torch.zeros(2, 12, 5000)).shape
    torch.Size([2, 9])
    """

    def __init__(self, n_leads, n_labels, dropout=0.2):
        super().__init__()
        n_inputs = _STAGES[0][1]
        blocks = [
            convolution(n_leads, n_inputs, 15, stride=2),
            nn.MaxPool1d(kernel_size=3, stride=2, padding=1),
        ]
        for stage, (n_blocks, n_channels) in enumerate(_STAGES):
            for i in range(n_blocks):
                stride = 2 if stage > 0 and i == 0 else 1
                blocks.append(_Block(n_inputs, n_channels, stride))
                n_inputs = n_channels
        self.blocks = nn.Sequential(*blocks)
        self.classify = nn.Sequential(nn.Dropout(dropout), nn.Linear(n_inputs, n_labels))

    def forward(self, x):
        # x: (batch, leads, times)
        return self.classify(self.blocks(x).mean(dim=2))


class _Block(nn.Module):
    def __init__(self, n_inputs, n_outputs, stride):
        super().__init__()
        self.convolutions = nn.Sequential(
            convolution(n_inputs, n_outputs, _KERNEL, stride=stride),
            convolution(n_outputs, n_outputs, _KERNEL, activation=False),
        )
        self.excite = nn.Sequential(
            nn.Linear(n_outputs, n_outputs // _REDUCTION),
            nn.ReLU(),
            nn.Linear(n_outputs // _REDUCTION, n_outputs),
            nn.Sigmoid(),
        )
        self.skip = nn.Identity()
        if stride > 1 or n_inputs != n_outputs:
            self.skip = convolution(n_inputs, n_outputs, 1, stride=stride, activation=False)

    def forward(self, x):
        # x: (batch, n_inputs, times)
        found = self.convolutions(x)
        weights = self.excite(found.mean(dim=2))  # (batch, n_outputs)
        return torch.relu(found * weights[:, :, None] + self.skip(x))

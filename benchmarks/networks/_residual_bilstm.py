"""The residual network with a bidirectional LSTM of He et al. (2019)."""

import torch
from torch import nn

from benchmarks.networks._layers import convolution

_CHANNELS = (32, 32, 64, 64, 128, 128)
_KERNEL = 15
_HIDDEN = 64


class ResidualBiLSTM(nn.Module):
    """Residual convolutions over time, read from both ends by an LSTM.

    From the paper's abstract: residual convolutional modules, then bidirectional LSTM layers,
    trained on raw signals. It trains two such networks and concatenates their features for the
    final classification; what tells the two apart we do not know, and this is one of them.
    Reconstructed: six residual modules of two convolutions with kernels of 15, each halving time
    by max-pooling, up to 128 channels; a bidirectional LSTM layer of 64 units each way; the
    maximum over its steps.

    Parameters
    ----------
    n_leads, n_labels : int
    dropout : float, default=0.2
        Within the residual modules and before the last layer.

    References
    ----------
    He et al. (2019). Automatic Cardiac Arrhythmia Classification Using Combination of Deep
    Residual Network and Bidirectional LSTM. IEEE Access.

    Examples
    --------
    >>> import torch
    >>> from benchmarks.networks import ResidualBiLSTM
    >>> ResidualBiLSTM(12, 9)(torch.zeros(2, 12, 5000)).shape
    torch.Size([2, 9])
    """

    def __init__(self, n_leads, n_labels, dropout=0.2):
        super().__init__()
        blocks = [convolution(n_leads, _CHANNELS[0], _KERNEL)]
        n_inputs = _CHANNELS[0]
        for n_channels in _CHANNELS:
            blocks.append(_Block(n_inputs, n_channels, dropout))
            n_inputs = n_channels
        self.blocks = nn.Sequential(*blocks)
        self.lstm = nn.LSTM(n_inputs, _HIDDEN, batch_first=True, bidirectional=True)
        self.classify = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * _HIDDEN, n_labels))

    def forward(self, x):
        # x: (batch, leads, times)
        steps = self.blocks(x).transpose(1, 2)  # (batch, steps, channels)
        both_ways = self.lstm(steps)[0]  # (batch, steps, 2 * hidden)
        return self.classify(both_ways.amax(dim=1))


class _Block(nn.Module):
    def __init__(self, n_inputs, n_outputs, dropout):
        super().__init__()
        self.convolutions = nn.Sequential(
            convolution(n_inputs, n_outputs, _KERNEL),
            nn.Dropout(dropout),
            convolution(n_outputs, n_outputs, _KERNEL, activation=False),
        )
        self.skip = nn.Identity()
        if n_inputs != n_outputs:
            self.skip = convolution(n_inputs, n_outputs, 1, activation=False)
        self.pool = nn.MaxPool1d(2, ceil_mode=True)

    def forward(self, x):
        # x: (batch, n_inputs, times)
        return self.pool(torch.relu(self.convolutions(x) + self.skip(x)))

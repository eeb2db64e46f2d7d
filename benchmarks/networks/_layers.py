"""What several of the networks are made of."""

import torch
from torch import nn


def convolution(n_inputs, n_outputs, kernel, *, stride=1, activation=True):
    """Return a convolution over time with batch norm, and ReLU where wanted.

    Examples
    --------
    >>> import torch
    >>> convolution(12, 64, 7, stride=2)(torch.zeros(2, 12, 99)).shape
    torch.Size([2, 64, 50])
    """
    layers = [
        nn.Conv1d(n_inputs, n_outputs, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm1d(n_outputs),
    ]
    if activation:
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)


class ConcatPoolHead(nn.Module):
    """Mean and maximum over time, a hidden layer, and one logit per label.

    Parameters
    ----------
    n_channels, n_labels : int
    n_hidden : int, default=128
    dropout : float, default=0.5
        Before the last layer; half as much before the hidden one.
    """

    def __init__(self, n_channels, n_labels, n_hidden=128, dropout=0.5):
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm1d(2 * n_channels),
            nn.Dropout(dropout / 2),
            nn.Linear(2 * n_channels, n_hidden),
            nn.ReLU(),
            nn.BatchNorm1d(n_hidden),
            nn.Dropout(dropout),
            nn.Linear(n_hidden, n_labels),
        )

    def forward(self, x):
        # x: (batch, channels, times)
        pooled = torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)  # (batch, 2 * channels)
        return self.layers(pooled)

"""The time-incremental convolutional network of Yao et al. (2018)."""

from torch import nn

from benchmarks.networks._layers import convolution

# Convolutions and channels of each stage: those of VGG-16, no wider than 256.
_STAGES = ((2, 64), (2, 128), (3, 256), (3, 256), (3, 256))
_HIDDEN = 32


class SpatialTemporalFeatures(nn.Module):
    """Convolutions that shrink time by 243, and two LSTM layers over what they find.

    Parameters
    ----------
    n_leads : int
    dropout : float, default=0.2
        Before and between the LSTM layers.

    Attributes
    ----------
    n_features : int
    """

    n_features = _HIDDEN

    def __init__(self, n_leads, dropout=0.2):
        super().__init__()
        layers, n_inputs = [], n_leads
        for n_convolutions, n_channels in _STAGES:
            for _ in range(n_convolutions):
                layers.append(convolution(n_inputs, n_channels, 3))
                n_inputs = n_channels
            layers.append(nn.MaxPool1d(3, ceil_mode=True))
        self.convolutions = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.lstm = nn.LSTM(n_inputs, _HIDDEN, num_layers=2, batch_first=True, dropout=dropout)

    def forward(self, x):
        # x: (batch, leads, times)
        steps = self.convolutions(x).transpose(1, 2)  # (batch, steps, 256)
        return self.lstm(self.dropout(steps))[0]  # (batch, steps, n_features)


class TICNN(nn.Module):
    """Time-incremental CNN: a VGG-like stack that an LSTM reads step by step.

    From the paper, as we know it from its abstract and from descriptions by others: 13
    convolutions in the five stages of VGG-16, all with a kernel of 3 and batch norm, each stage
    followed by max-pooling by 3; in the place of VGG's fully connected layers two LSTM layers of
    32 units, by which records may have any length; about half of VGG's weights. Reconstructed:
    the logits are read from the LSTM's last step.

    Parameters
    ----------
    n_leads, n_labels : int
    dropout : float, default=0.2

    See Also
    --------
    ATICNN : The same, with attention over the steps.

    References
    ----------
    Yao et al. (2018). Time-Incremental Convolutional Neural Network for Arrhythmia Detection in
    Varied-Length Electrocardiogram. DASC/PiCom/DataCom/CyberSciTech.

    Examples
    --------
    >>> import torch
    >>> from benchmarks.networks import TICNN
    >>> TICNN(12, 9)(torch.zeros(2, 12, 5000)).shape
    torch.Size([2, 9])
    """

    def __init__(self, n_leads, n_labels, dropout=0.2):
        super().__init__()
        self.features = SpatialTemporalFeatures(n_leads, dropout)
        self.classify = nn.Linear(self.features.n_features, n_labels)

    def forward(self, x):
        # x: (batch, leads, times)
        return self.classify(self.features(x)[:, -1])

"""The attention-based time-incremental network of Yao et al. (2020)."""

import torch
from torch import nn

from benchmarks.networks._ti_cnn import SpatialTemporalFeatures


class ATICNN(nn.Module):
    """Attention-based time-incremental CNN: the LSTM's steps are weighed before they are read.

    Convolutions and LSTM are those of `TICNN`. From the paper, as we know it from its abstract
    and from descriptions by others: an attention module fuses the steps in time, with a hidden
    layer of 32 units and tanh. Reconstructed: its form, a softmax over the steps of the product
    of that hidden layer with a learned vector, as in Yang et al. (2016), and the mean of the
    steps by these weights.

    Parameters
    ----------
    n_leads, n_labels : int
    dropout : float, default=0.2

    References
    ----------
    Yao et al. (2020). Multi-class Arrhythmia detection from 12-lead varied-length ECG using
    Attention-based Time-Incremental Convolutional Neural Network. Information Fusion.
    Yang et al. (2016). Hierarchical Attention Networks for Document Classification. NAACL.

    Examples
    --------
    >>> import torch
    >>> from benchmarks.networks import ATICNN
    >>> ATICNN(12, 9)(torch.zeros(2, 12, 5000)).shape
    torch.Size([2, 9])
    """

    def __init__(self, n_leads, n_labels, dropout=0.2):
        super().__init__()
        self.features = SpatialTemporalFeatures(n_leads, dropout)
        n_features = self.features.n_features
        self.attend = nn.Sequential(
            nn.Linear(n_features, n_features), nn.Tanh(), nn.Linear(n_features, 1, bias=False)
        )
        self.classify = nn.Linear(n_features, n_labels)

    def forward(self, x):
        # x: (batch, leads, times)
        steps = self.features(x)  # (batch, steps, features)
        weights = torch.softmax(self.attend(steps), dim=1)  # (batch, steps, 1)
        return self.classify((weights * steps).sum(dim=1))

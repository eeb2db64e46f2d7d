"""Features as a linear layer can make the most of them."""

import torch
from torch import nn


class QuantileBins(nn.Module):
    """Split each feature into how far it fills each of several bins of equal probability.

    A linear layer on them finds a piecewise linear function of each feature, where on the
    features themselves it would find a straight line.

    Parameters
    ----------
    n_bins : int, default=6

    References
    ----------
    Gorishniy, Rubachev, Babenko (2022). On Embeddings for Numerical Features in Tabular Deep
    Learning. NeurIPS.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.network import QuantileBins
    >>> QuantileBins(n_bins=2)(torch.tensor([[-9.0], [0.0], [9.0]]))  # normal quantiles
    tensor([[-1.5000, -0.5000],
            [ 0.5000, -0.5000],
            [ 0.5000,  1.5000]])
    """

    def __init__(self, n_bins=6):
        super().__init__()
        self.n_bins = n_bins

    def forward(self, features):
        # features: (batch, n_features), normal quantiles of ranks
        ranks = torch.special.ndtr(features.float())
        bins = torch.arange(self.n_bins, device=features.device)
        filled = (ranks[:, :, None] * self.n_bins - bins).clamp(0, 1)
        # Ranks are uniform, which tells the mean of each bin.
        centred = filled - (1 - (bins + 0.5) / self.n_bins)
        return 2 * centred.flatten(start_dim=1)  # (batch, n_features * n_bins)

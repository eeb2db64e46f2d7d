"""The backbone: from signals to one feature vector per channel."""

from torch import nn

from sklearn_ecg.network.modules._residual_block import ResidualBlock


class ResidualBackbone(nn.Module):
    """Residual blocks over the (lead, time) plane, then a linear projection of each channel.

    Pooling and plain blocks are interleaved (pool, plain, pool, plain, pool: a reconstruction),
    so that time shrinks by ``pool ** 3`` = 125.

    Parameters
    ----------
    n_leads, n_times : int
        Shape of one record.
    channels : tuple of 3 ints
        C1, C2, C3 of the three pooling blocks.
    hidden_dim : int
        Length of a channel's feature vector.
    pool : int, default=5
    channel_identity : bool, default=True
        Add a learned vector to each channel's features. The paper projects all channels with the
        same weights, after which cosine similarity and attention, which treat channels as a set,
        cannot tell one channel from another but by its content; False is the paper's form.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.network import ResidualBackbone
    >>> backbone = ResidualBackbone(12, 5000, channels=(8, 16, 32), hidden_dim=64)
    >>> backbone(torch.zeros(2, 12, 5000)).shape
    torch.Size([2, 32, 64])
    """

    def __init__(self, n_leads, n_times, channels, hidden_dim, pool=5, channel_identity=True):
        super().__init__()
        first, second, third = channels
        self.blocks = nn.Sequential(
            ResidualBlock(1, first, pool),
            ResidualBlock(first, first),
            ResidualBlock(first, second, pool),
            ResidualBlock(second, second),
            ResidualBlock(second, third, pool),
        )
        n_frames = n_times
        for _ in range(3):
            n_frames = -(-n_frames // pool)
        self.projection = nn.Linear(n_leads * n_frames, hidden_dim)
        self.identity = nn.Embedding(third, hidden_dim) if channel_identity else None

    def forward(self, x):
        # x: (batch, leads, times)
        planes = self.blocks(x.unsqueeze(1))  # (batch, channels, leads, frames)
        features = self.projection(planes.flatten(start_dim=2))  # (batch, channels, hidden_dim)
        if self.identity is not None:
            features = features + self.identity.weight
        return features

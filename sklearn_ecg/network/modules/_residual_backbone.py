"""The paper's backbone: from signals to one feature vector per channel."""

from torch import Tensor, nn

from sklearn_ecg.network.modules._residual_block import ResidualBlock


class ResidualBackbone(nn.Module):
    """The paper's residual blocks over the (lead, time) plane; its tokens are channels.

    Pooling and plain blocks alternate (pool, plain, pool, plain, pool: our reconstruction). Time
    shrinks by ``pool ** 3`` = 125.

    Parameters
    ----------
    n_leads : int
        Number of leads.
    channels : tuple of 3 ints, default=(16, 32, 64)
        C1, C2, C3 of the three pooling blocks.
    pool : int, default=5
        Samples that each pooling block averages.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.network import ResidualBackbone
    >>> backbone = ResidualBackbone(12, channels=(8, 16, 32))
    >>> backbone(torch.zeros(2, 12, 5000)).shape  # 12 leads times 40 frames; 32 channels
    torch.Size([2, 480, 32])
    """

    tokens = "channels"

    def __init__(
        self, n_leads: int, channels: tuple[int, ...] = (16, 32, 64), pool: int = 5
    ) -> None:
        super().__init__()
        if len(channels) != 3:
            raise ValueError(
                f"The residual backbone needs three numbers of channels; got channels={channels!r}."
            )
        first, second, third = channels
        self.blocks = nn.Sequential(
            ResidualBlock(1, first, pool),
            ResidualBlock(first, first),
            ResidualBlock(first, second, pool),
            ResidualBlock(second, second),
            ResidualBlock(second, third, pool),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of each channel.

        Parameters
        ----------
        x : Tensor of shape (batch, n_leads, n_times)
            Standardised signals.

        Returns
        -------
        Tensor of shape (batch, n_leads * n_frames, n_channels)
        """
        planes = self.blocks(x.unsqueeze(1))  # (batch, channels, leads, frames)
        return planes.flatten(start_dim=2).transpose(1, 2)  # (batch, leads * frames, channels)

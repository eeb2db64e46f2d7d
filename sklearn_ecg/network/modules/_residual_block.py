"""The two blocks of the backbone: squeeze-and-excitation, and residual."""

from torch import Tensor, nn


class SqueezeExcitation(nn.Module):
    """Scale each channel by a factor of the means of all channels (eqs. 2-4).

    Parameters
    ----------
    n_channels : int
        Number of channels.
    reduction : int, default=8
        The first linear layer has ``n_channels / reduction`` units, at least 4.

    References
    ----------
    Hu, Shen, Sun (2018). Squeeze-and-Excitation Networks. CVPR.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.network import SqueezeExcitation
    >>> SqueezeExcitation(16)(torch.zeros(2, 16, 12, 40)).shape
    torch.Size([2, 16, 12, 40])
    """

    def __init__(self, n_channels: int, reduction: int = 8) -> None:
        super().__init__()
        n_hidden = max(4, n_channels // reduction)
        self.excite = nn.Sequential(
            nn.Linear(n_channels, n_hidden),
            nn.ReLU(),
            nn.Linear(n_hidden, n_channels),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return scaled channels.

        Parameters
        ----------
        x : Tensor of shape (batch, n_channels, n_leads, n_times)
            Any features.

        Returns
        -------
        Tensor of the same shape
        """
        weights = self.excite(x.mean(dim=(2, 3)))  # (batch, channels)
        return x * weights[:, :, None, None]


class ResidualBlock(nn.Module):
    """Three convolutions over the (lead, time) plane, and a skip path.

    The text names the kernels 1x3 and 3x3 for three convolutions. Our reconstruction: the order
    1x3, 3x3, 1x3; a 1x1 convolution on the skip path if the number of channels changes; no ReLU
    after the sum.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Channels before and after.
    pool : int, default=1
        Average pooling in time on the main path, maximum pooling on the skip path. With 1 the block
        is the paper's second kind, without pooling. An incomplete last window counts, so that short
        signals keep at least one sample.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.network import ResidualBlock
    >>> ResidualBlock(1, 16, pool=5)(torch.zeros(2, 1, 12, 5000)).shape
    torch.Size([2, 16, 12, 1000])
    >>> ResidualBlock(16, 16)(torch.zeros(2, 16, 12, 1000)).shape
    torch.Size([2, 16, 12, 1000])
    """

    def __init__(self, n_inputs: int, n_outputs: int, pool: int = 1) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            _convolution(n_inputs, n_outputs, (1, 3)),
            _convolution(n_outputs, n_outputs, (3, 3)),
            _convolution(n_outputs, n_outputs, (1, 3)),
        )
        self.excitation = SqueezeExcitation(n_outputs)
        self.pool: nn.Module = nn.Identity()
        self.skip_pool: nn.Module = nn.Identity()
        self.project: nn.Module = nn.Identity()
        if pool > 1:
            self.pool = nn.AvgPool2d((1, pool), ceil_mode=True, count_include_pad=False)
            self.skip_pool = nn.MaxPool2d((1, pool), ceil_mode=True)
        if n_inputs != n_outputs:
            self.project = nn.Conv2d(n_inputs, n_outputs, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the block.

        Parameters
        ----------
        x : Tensor of shape (batch, n_inputs, n_leads, n_times)
            Signals, or features of the block before.

        Returns
        -------
        Tensor of shape (batch, n_outputs, n_leads, ceil(n_times / pool))
        """
        main = self.excitation(self.pool(self.convolutions(x)))
        skip = self.project(self.skip_pool(x))
        return main + skip  # (batch, n_outputs, leads, ceil(times / pool))


def _convolution(n_inputs, n_outputs, kernel):
    padding = tuple(size // 2 for size in kernel)
    return nn.Sequential(
        # Batch norm subtracts the mean, so a bias before it would have no effect.
        nn.Conv2d(n_inputs, n_outputs, kernel, padding=padding, bias=False),
        nn.BatchNorm2d(n_outputs),
        nn.ReLU(inplace=True),
    )

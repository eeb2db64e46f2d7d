"""resnet1d_wang, a shallow network that the PTB-XL benchmark found as good as deep ones."""

import torch
from torch import nn

from benchmarks.networks._layers import ConcatPoolHead, convolution

_N_CHANNELS = 128


class ResNet1dWang(nn.Module):
    """Three residual blocks over time.

    From Wang, Yan, Oates (2017): three residual blocks of a fixed width whose kernels shrink.
    From Strodthoff et al. (2021), who adapt it to ECG records: 128 channels, mean and maximum
    over time side by side, a hidden layer of 128 units. Reconstructed: a stem with a kernel of 7;
    two convolutions per block, with kernels of 5 and 3; strides of 2 in the second and third
    block. That makes 0.47 million weights, about the published network's number.

    Parameters
    ----------
    n_leads, n_labels : int
    dropout : float, default=0.5
        Of the head.

    References
    ----------
    Wang, Yan, Oates (2017). Time Series Classification from Scratch with Deep Neural Networks: A
    Strong Baseline. IJCNN.
    Strodthoff et al. (2021). Deep Learning for ECG Analysis: Benchmarks and Insights from
    PTB-XL. IEEE JBHI.

    Examples
    --------
    >>> import torch
    >>> from benchmarks.networks import ResNet1dWang
    >>> ResNet1dWang(12, 5)(torch.zeros(2, 12, 1000)).shape
    torch.Size([2, 5])
    """

    def __init__(self, n_leads, n_labels, dropout=0.5):
        super().__init__()
        self.stem = convolution(n_leads, _N_CHANNELS, 7)
        self.blocks = nn.Sequential(_Block(stride=1), _Block(stride=2), _Block(stride=2))
        self.head = ConcatPoolHead(_N_CHANNELS, n_labels, dropout=dropout)

    def forward(self, x):
        # x: (batch, leads, times)
        return self.head(self.blocks(self.stem(x)))


class _Block(nn.Module):
    def __init__(self, stride):
        super().__init__()
        self.convolutions = nn.Sequential(
            convolution(_N_CHANNELS, _N_CHANNELS, 5, stride=stride),
            convolution(_N_CHANNELS, _N_CHANNELS, 3, activation=False),
        )
        self.skip = nn.Identity()
        if stride > 1:
            self.skip = convolution(_N_CHANNELS, _N_CHANNELS, 1, stride=stride, activation=False)

    def forward(self, x):
        # x: (batch, 128, times)
        return torch.relu(self.convolutions(x) + self.skip(x))

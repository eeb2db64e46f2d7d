"""Networks that others have published for ECG records, to be trained by the same recipe as ours.

Each is an ``nn.Module(n_leads, n_labels)`` from signals (batch, leads, times) of any length to one
logit per label. ``LabelCorrelationECGClassifier(network=ResNet1dWang, features=None)`` trains it by
its own recipe. All are written from the papers; docstrings say what the papers leave open.
"""

from benchmarks.networks._ati_cnn import ATICNN
from benchmarks.networks._residual_bilstm import ResidualBiLSTM
from benchmarks.networks._resnet_wang import ResNet1dWang
from benchmarks.networks._se_resnet import SEResNet
from benchmarks.networks._ti_cnn import TICNN
from benchmarks.networks._xresnet import XResNet1d101

#: All networks by name, in the order in which tables show them.
NETWORKS = {
    "xresnet1d101": XResNet1d101,
    "resnet1d_wang": ResNet1dWang,
    "TI-CNN": TICNN,
    "ATI-CNN": ATICNN,
    "residual CNN + BiLSTM": ResidualBiLSTM,
    "SE-ResNet": SEResNet,
}

__all__ = [
    "ATICNN",
    "NETWORKS",
    "TICNN",
    "ResNet1dWang",
    "ResidualBiLSTM",
    "SEResNet",
    "XResNet1d101",
]

"""The modules of the label-correlation network, each an ``nn.Module``."""

from sklearn_ecg.network.modules._asymmetric_loss import AsymmetricLoss
from sklearn_ecg.network.modules._label_correlation_net import LabelCorrelationNet, LabelHead
from sklearn_ecg.network.modules._label_decoder import CrossAttentionLayer, LabelDecoder
from sklearn_ecg.network.modules._label_encoder import LabelEncoder, label_correlation
from sklearn_ecg.network.modules._label_feature_embedding import LabelFeatureEmbedding
from sklearn_ecg.network.modules._residual_backbone import ResidualBackbone
from sklearn_ecg.network.modules._residual_block import ResidualBlock, SqueezeExcitation
from sklearn_ecg.network.modules._xresnet_backbone import XResNetBackbone

__all__ = [
    "AsymmetricLoss",
    "CrossAttentionLayer",
    "LabelCorrelationNet",
    "LabelDecoder",
    "LabelEncoder",
    "LabelFeatureEmbedding",
    "LabelHead",
    "ResidualBackbone",
    "ResidualBlock",
    "SqueezeExcitation",
    "XResNetBackbone",
    "label_correlation",
]

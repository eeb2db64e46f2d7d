"""A label-correlation ECG classifier and the modules it is made of."""

from sklearn_ecg.network._backbone import Backbone
from sklearn_ecg.network._blocks import ResidualBlock, SqueezeExcitation
from sklearn_ecg.network._classifier import LabelCorrelationECGClassifier
from sklearn_ecg.network._correlation import LabelEncoder, label_correlation
from sklearn_ecg.network._decoder import CrossAttentionLayer, LabelDecoder
from sklearn_ecg.network._embedding import LabelFeatureEmbedding
from sklearn_ecg.network._loss import AsymmetricLoss
from sklearn_ecg.network._net import LabelCorrelationNet, LabelHead

__all__ = [
    "AsymmetricLoss",
    "Backbone",
    "CrossAttentionLayer",
    "LabelCorrelationECGClassifier",
    "LabelCorrelationNet",
    "LabelDecoder",
    "LabelEncoder",
    "LabelFeatureEmbedding",
    "LabelHead",
    "ResidualBlock",
    "SqueezeExcitation",
    "label_correlation",
]

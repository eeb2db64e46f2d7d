"""A label-correlation ECG classifier and the modules it is made of."""

from sklearn_ecg.network._attention import LabelAttention, label_attention
from sklearn_ecg.network._attribution import Attribution, attribute
from sklearn_ecg.network._augmentation import SignalAugmentation
from sklearn_ecg.network._backbone import Backbone
from sklearn_ecg.network._blocks import ResidualBlock, SqueezeExcitation
from sklearn_ecg.network._boosted_trees import BoostedTrees
from sklearn_ecg.network._classifier import LabelCorrelationECGClassifier
from sklearn_ecg.network._correlation import LabelEncoder, label_correlation
from sklearn_ecg.network._decoder import CrossAttentionLayer, LabelDecoder
from sklearn_ecg.network._embedding import LabelFeatureEmbedding
from sklearn_ecg.network._loss import AsymmetricLoss
from sklearn_ecg.network._net import LabelCorrelationNet, LabelHead
from sklearn_ecg.network._xresnet import XResNetBackbone

__all__ = [
    "AsymmetricLoss",
    "Attribution",
    "Backbone",
    "BoostedTrees",
    "CrossAttentionLayer",
    "LabelAttention",
    "LabelCorrelationECGClassifier",
    "LabelCorrelationNet",
    "LabelDecoder",
    "LabelEncoder",
    "LabelFeatureEmbedding",
    "LabelHead",
    "ResidualBlock",
    "SignalAugmentation",
    "SqueezeExcitation",
    "XResNetBackbone",
    "attribute",
    "label_attention",
    "label_correlation",
]

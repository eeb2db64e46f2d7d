"""A label-correlation ECG classifier and its modules."""

from sklearn_ecg.network._augmentation import SignalAugmentation
from sklearn_ecg.network._classifier import LabelCorrelationECGClassifier
from sklearn_ecg.network._feature_models import BoostedTrees, FeatureModels
from sklearn_ecg.network.explain import Attribution, LabelAttention, attribute, label_attention
from sklearn_ecg.network.modules import (
    AsymmetricLoss,
    CrossAttentionLayer,
    LabelCorrelationNet,
    LabelDecoder,
    LabelEncoder,
    LabelFeatureEmbedding,
    LabelHead,
    ResidualBackbone,
    ResidualBlock,
    SqueezeExcitation,
    XResNetBackbone,
    label_correlation,
)

__all__ = [
    "AsymmetricLoss",
    "Attribution",
    "BoostedTrees",
    "CrossAttentionLayer",
    "FeatureModels",
    "LabelAttention",
    "LabelCorrelationECGClassifier",
    "LabelCorrelationNet",
    "LabelDecoder",
    "LabelEncoder",
    "LabelFeatureEmbedding",
    "LabelHead",
    "ResidualBackbone",
    "ResidualBlock",
    "SignalAugmentation",
    "SqueezeExcitation",
    "XResNetBackbone",
    "attribute",
    "label_attention",
    "label_correlation",
]

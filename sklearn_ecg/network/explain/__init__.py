"""Explanations of the network: attribution of signals, and attention of labels."""

from sklearn_ecg.network.explain._attribution import Attribution, attribute
from sklearn_ecg.network.explain._label_attention import LabelAttention, label_attention

__all__ = ["Attribution", "LabelAttention", "attribute", "label_attention"]

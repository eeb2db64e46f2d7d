"""Scores and outputs of predictions."""

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d


def sigmoid(logits):
    """Return probabilities, each label by itself, without overflow."""
    return np.exp(-np.logaddexp(0, -logits))


def softmax(logits):
    """Return probabilities that sum to 1 over the last axis."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def masked_macro_f1(labels, predicted, sample_weight):
    """As scikit-learn's macro F1, without unknown labels; 0 for a label that nobody has."""
    weight = np.ones(len(labels)) if sample_weight is None else column_or_1d(sample_weight)
    check_consistent_length(labels, weight)
    known = (labels != -1) * weight[:, np.newaxis]
    hits = (known * (labels == 1) * predicted).sum(axis=0)
    found_or_true = (known * ((labels == 1).astype(int) + predicted)).sum(axis=0)
    return np.divide(
        2 * hits, found_or_true, out=np.zeros(len(hits)), where=found_or_true > 0
    ).mean()

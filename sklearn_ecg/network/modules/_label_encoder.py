"""How often labels occur together, and an embedding of each label learned from that."""

import numpy as np
from torch import nn

from sklearn_ecg.utils import check_labels


def label_correlation(labels) -> np.ndarray:
    """Estimate how often label i is present where label j is (eq. 5).

    Parameters
    ----------
    labels : array-like of shape (n_records, n_labels)
        1 present, 0 absent, -1 unknown. A record counts for a pair of labels only where both are
        known.

    Returns
    -------
    ndarray of shape (n_labels, n_labels), float64
        Entry (i, j) is t(i, j) / t(j): the share of records with label i among those with label
        j. The column of a label that never occurs is 0.

    Examples
    --------
    >>> from sklearn_ecg.network import label_correlation
    >>> label_correlation([[1, 1], [1, 0], [0, 0]])
    array([[1. , 1. ],
           [0.5, 1. ]])
    """
    labels, _ = check_labels(labels)
    present = (labels == 1).astype(np.float64)
    known = (labels != -1).astype(np.float64)
    together = present.T @ present
    # Records that have label j and know label i.
    occurrences = known.T @ present
    return np.divide(together, occurrences, out=np.zeros_like(together), where=occurrences > 0)


class LabelEncoder(nn.Sequential):
    """Map each row of the label correlation matrix to an embedding M_k (eq. 6).

    Three linear layers with one ReLU, as in the text. The ReLU after the first layer is our
    reconstruction.

    Parameters
    ----------
    n_labels : int
        Number of labels.
    hidden_dim : int
        Features of each embedding.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.network import LabelEncoder
    >>> LabelEncoder(9, hidden_dim=64)(torch.eye(9)).shape
    torch.Size([9, 64])
    """

    def __init__(self, n_labels: int, hidden_dim: int) -> None:
        super().__init__(
            nn.Linear(n_labels, hidden_dim),  # (n_labels, hidden_dim)
            nn.ReLU(),
            nn.Linear(hidden_dim, hidden_dim),
            nn.Linear(hidden_dim, hidden_dim),
        )

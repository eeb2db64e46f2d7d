"""From the logits of network and features to probabilities and labels."""

from dataclasses import dataclass

import numpy as np

from sklearn_ecg.network._calibration import calibrate, tune_thresholds

# Share of the network in the logit, beside the models of features. On PTB-XL no share that was
# learned from the records was better than a fixed one. Training the network on the residuals of the
# features was not better either, and made its embeddings useless.
SHARE_OF_NETWORK = 0.2


@dataclass(frozen=True, eq=False)
class Decisions:
    """The share of the network in the logit, the logit's calibration, and thresholds.

    Parameters
    ----------
    share : float
        Share of the network's logits; the rest is the features'.
    slope, offset : ndarray of shape (n_labels,)
        Calibrated logits are ``slope * logits + offset``; 1 and 0 without calibration.
    thresholds : ndarray of shape (n_labels,)
        A label is present from this probability on.
    is_taught : bool, default=False
        Whether calibration and thresholds were learned.
    """

    share: float
    slope: np.ndarray
    offset: np.ndarray
    thresholds: np.ndarray
    is_taught: bool = False

    @classmethod
    def learn(cls, of_network, of_features, labels, weights, n_labels, *, share, calibration):
        """Learn from answers for records that the models were not trained on.

        Parameters
        ----------
        of_network, of_features : ndarray of shape (n_records, n_labels), or None
            Logits; None where there are no such answers. Without answers of the network, thresholds
            are learned from those of the features.
        labels : ndarray of shape (n_records, n_labels), or None
            With None nothing is learned.
        weights : ndarray of shape (n_records, n_labels)
            Weight of each label of each record.
        n_labels : int
        share : float
        calibration : {"temperature", "sigmoid"} or None
        """
        slope, offset = np.ones(n_labels), np.zeros(n_labels)
        if labels is None:
            return cls(share, slope, offset, np.full(n_labels, 0.5))
        logits = of_features
        if of_network is not None:
            logits = _mean(share, of_network, of_features)
            if calibration is not None:
                slope, offset = calibrate(logits, labels, calibration, weights)
        thresholds = tune_thresholds(logits * slope + offset, labels, weights)
        return cls(share, slope, offset, thresholds, is_taught=True)

    def logits(self, of_network, of_features):
        """Return calibrated logits of shape (n_records, n_labels)."""
        return _mean(self.share, of_network, of_features) * self.slope + self.offset


def _mean(share, of_network, of_features):
    return of_network if of_features is None else share * of_network + (1 - share) * of_features

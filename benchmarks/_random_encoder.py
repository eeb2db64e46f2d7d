"""The honest floor of any network: one that learned nothing, under a linear head."""

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state

from sklearn_ecg.network import XResNetBackbone
from sklearn_ecg.preprocessing import BandpassFilter, FixedLength, LeadScaler

# Those of the classifier's small network, which reads windows of this length.
_CHANNELS = (32, 64, 128)
_WINDOW_S = 2.5
_DURATION_S = 10
# Windows that the backbone reads at a time.
_BATCH = 256


class RandomEncoder(TransformerMixin, BaseEstimator):
    """Mean and maximum over time of what an xresnet with random weights says of each record.

    Parameters
    ----------
    window_s : float, default=2.5
        The backbone reads as much at a time; what is left over at the end is not read.
    random_state : int, RandomState instance or None, default=None
        Draws the weights, which nothing changes.

    Attributes
    ----------
    backbone_ : XResNetBackbone
    n_times_ : int
        Samples of a window.

    Examples
    --------
    >>> from benchmarks._random_encoder import RandomEncoder
    >>> from sklearn_ecg.datasets import make_ecg_records
    >>> records = make_ecg_records(3, duration_s=5.0, random_state=0)
    >>> RandomEncoder(random_state=0).fit_transform(records).shape
    (3, 256)
    """

    def __init__(self, window_s=_WINDOW_S, *, random_state=None):
        self.window_s = window_s
        self.random_state = random_state

    def fit(self, X, y=None):
        """Draw the weights.

        Parameters
        ----------
        X : ECGRecords
            All of one length.
        y : ignored

        Returns
        -------
        self
        """
        self.n_times_ = round(self.window_s * X.sampling_rate)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.backbone_ = XResNetBackbone(X.n_leads, channels=_CHANNELS).eval()
        return self

    def transform(self, X):
        """Return what the weights make of each record.

        Parameters
        ----------
        X : ECGRecords

        Returns
        -------
        ndarray of shape (n_records, 2 * n_channels), float32
        """
        signals = np.nan_to_num(np.asarray(X.signals, dtype=np.float32))
        n_records, n_leads, n_samples = signals.shape
        n_windows = n_samples // self.n_times_
        windows = signals[..., : n_windows * self.n_times_]
        windows = windows.reshape(n_records, n_leads, n_windows, self.n_times_).swapaxes(1, 2)
        windows = torch.from_numpy(windows.reshape(-1, n_leads, self.n_times_))
        with torch.inference_mode():
            moments = torch.cat([self.backbone_(part) for part in windows.split(_BATCH)])
        # (n_records * n_windows, channels, moments of a window)
        moments = moments.reshape(n_records, n_windows, *moments.shape[1:])
        pooled = torch.cat([moments.mean(dim=(1, 3)), moments.amax(dim=(1, 3))], dim=1)
        return pooled.numpy()


def random_encoder(seed):
    """Return an unfitted classifier: random weights, standardised, under a linear head."""
    return make_pipeline(
        FixedLength(duration_s=_DURATION_S, align="start"),
        BandpassFilter(low=0.5, high=None),
        LeadScaler(),
        RandomEncoder(random_state=seed),
        StandardScaler(),
        OneVsRestClassifier(LogisticRegression(max_iter=1000)),
    )

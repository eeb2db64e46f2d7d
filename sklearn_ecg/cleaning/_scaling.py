"""Scaling of feature tables, with their gaps filled."""

from dataclasses import dataclass

import numpy as np

# A feature's range is that of its middle 80 %; of one that hardly varies, the first of these
# ranges that is not empty.
_PERCENTILES = ((10, 90), (1, 99), (0, 100))
# So many ranges beyond it all values are alike, so that a few outlying records, which stretch
# what classifiers and clusterings go by, cannot hide differences between the others.
_FENCE = 2.0
# Fences about larger values would overflow.
_LARGEST = 1e300


@dataclass(eq=False)
class FeatureScaling:
    """Fills gaps with medians, clips what lies far out, and takes units away.

    Attributes
    ----------
    median, range : ndarray of shape (n_features,)
        The range of a constant feature is 1.
    low, high : ndarray of shape (n_features,)
        Fences, beyond which values are clipped.
    """

    median: np.ndarray
    range: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def learn(cls, features):
        measured = features[~np.isnan(features).all(axis=1)]
        # A feature that no record has is constant.
        kept = np.where(np.isnan(measured).all(axis=0), 0.0, measured)
        kept = np.clip(kept, -_LARGEST, _LARGEST)
        # Without gaps the same is found in a fifth of the time.
        percentile = np.nanpercentile if np.isnan(kept).any() else np.percentile
        asked = np.r_[50, np.ravel(_PERCENTILES)]
        median, low, high, *wider = percentile(kept, asked, axis=0)
        for wider_low, wider_high in zip(wider[::2], wider[1::2], strict=True):
            is_empty = low == high
            low, high = np.where(is_empty, (wider_low, wider_high), (low, high))
        span = high - low
        return cls(median, np.where(span > 0, span, 1.0), low - _FENCE * span, high + _FENCE * span)

    def standardise(self, features):
        """Return features without gaps, about 0, in units of their range."""
        return (self._clip(features) - self.median) / self.range

    def scale(self, features):
        """Return features without gaps in [0, 1]; a constant feature is 0."""
        span = self.high - self.low
        above = self._clip(features) - self.low
        return np.divide(above, span, out=np.zeros_like(above), where=span > 0)

    def _clip(self, features):
        filled = np.where(np.isnan(features), self.median, features)
        return np.clip(filled, self.low, self.high)

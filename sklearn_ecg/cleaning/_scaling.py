"""Scale tables of features, and fill NaN."""

from dataclasses import dataclass

import numpy as np

# A feature's range is that of its middle 80 %, or, if this is empty, a wider one.
_PERCENTILES = ((10, 90), (1, 99), (0, 100))
# Values are clipped at so many ranges beyond the range. Otherwise outliers would stretch a feature
# and hide differences between the other records.
_FENCE = 2.0
# With larger values the fences would overflow.
_LARGEST = 1e300


@dataclass(eq=False)
class FeatureScaling:
    """Fills NaN with medians, clips outliers, and removes units.

    Attributes
    ----------
    median, range : ndarray of shape (n_features,)
        The range of a constant feature is 1.
    low, high : ndarray of shape (n_features,)
        Fences at which values are clipped.
    """

    median: np.ndarray
    range: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def learn(cls, features):
        measured = features[~np.isnan(features).all(axis=1)]
        # A feature that no record has becomes constant.
        kept = np.where(np.isnan(measured).all(axis=0), 0.0, measured)
        kept = np.clip(kept, -_LARGEST, _LARGEST)
        # Without NaN, np.percentile is five times as fast.
        percentile = np.nanpercentile if np.isnan(kept).any() else np.percentile
        asked = np.r_[50, np.ravel(_PERCENTILES)]
        median, low, high, *wider = percentile(kept, asked, axis=0)
        for wider_low, wider_high in zip(wider[::2], wider[1::2], strict=True):
            is_empty = low == high
            low, high = np.where(is_empty, (wider_low, wider_high), (low, high))
        span = high - low
        return cls(median, np.where(span > 0, span, 1.0), low - _FENCE * span, high + _FENCE * span)

    def standardise(self, features):
        """Return features without NaN, centred at their medians, in units of their range."""
        return (self._clip(features) - self.median) / self.range

    def scale(self, features):
        """Return features without NaN in [0, 1]; a constant feature is 0."""
        span = self.high - self.low
        above = self._clip(features) - self.low
        return np.divide(above, span, out=np.zeros_like(above), where=span > 0)

    def _clip(self, features):
        filled = np.where(np.isnan(features), self.median, features)
        return np.clip(filled, self.low, self.high)

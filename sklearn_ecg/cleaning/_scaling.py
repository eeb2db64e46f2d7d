"""Scaling of feature tables, with their gaps filled."""

from dataclasses import dataclass

import numpy as np

# Trees and many classifiers read single precision, which ends at 3e38.
_LARGEST_FEATURE = 1e30


@dataclass(eq=False)
class FeatureScaling:
    """Fills gaps with medians, and brings features to [0, 1] between their outer percentiles.

    Attributes
    ----------
    median, low, high : ndarray of shape (n_features,)
    """

    median: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def learn(cls, features):
        measured = features[~np.isnan(features).all(axis=1)]
        # A feature that no record has is constant.
        kept = np.where(np.isnan(measured).all(axis=0), 0.0, measured)
        # Without gaps the same is found in a fifth of the time.
        percentile = np.nanpercentile if np.isnan(kept).any() else np.percentile
        low, median, high = percentile(kept, [1, 50, 99], axis=0)
        return cls(median, low, high)

    def _fill(self, features):
        return np.where(np.isnan(features), self.median, features)

    def standardise(self, features):
        """Return features without gaps in units of their range, so that units do not matter.

        A lone value may lie so many ranges away that no classifier could read it.
        """
        span = self.high - self.low
        standardised = (self._fill(features) - self.median) / np.where(span > 0, span, 1.0)
        return np.clip(standardised, -_LARGEST_FEATURE, _LARGEST_FEATURE, out=standardised)

    def scale(self, features):
        """Return features without gaps in [0, 1]; a constant feature is 0."""
        span = self.high - self.low
        clipped = np.clip(self._fill(features), self.low, self.high) - self.low
        return np.divide(clipped, span, out=np.zeros_like(clipped), where=span > 0)

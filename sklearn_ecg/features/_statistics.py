"""Statistics that pass over NaN in silence, for small arrays."""

import numpy as np


def nan_quantile(values, q, axis=-1):
    """Return the quantile of what is not NaN, and NaN where nothing is."""
    values = np.moveaxis(np.sort(values, axis=axis), axis, -1)  # sorting puts NaN last
    if not values.shape[-1]:
        return np.full(values.shape[:-1], np.nan)
    position = q * np.maximum(np.count_nonzero(~np.isnan(values), axis=-1) - 1, 0)
    below = np.floor(position).astype(np.intp)
    above = np.ceil(position).astype(np.intp)
    low = np.take_along_axis(values, below[..., np.newaxis], -1)[..., 0]
    high = np.take_along_axis(values, above[..., np.newaxis], -1)[..., 0]
    return low + (position - below) * (high - low)


def nan_median(values, axis=-1):
    """Return the median of what is not NaN, and NaN where nothing is."""
    return nan_quantile(values, 0.5, axis)

"""Statistics that pass over NaN in silence, for small arrays."""

import numpy as np


def nan_quantile(values, q, axis=-1):
    """Return the quantile of what is not NaN, and NaN where nothing is."""
    ordered = np.moveaxis(np.sort(values, axis=axis), axis, -1)  # sorting puts NaN last
    n_values = ordered.shape[-1]
    if not n_values:
        return np.full(ordered.shape[:-1], np.nan)
    if not np.isnan(ordered[..., -1]).any():
        position = q * (n_values - 1)
        below = int(position)
        low, high = ordered[..., below], ordered[..., min(below + 1, n_values - 1)]
        return low + (position - below) * (high - low)
    position = q * np.maximum(np.count_nonzero(~np.isnan(ordered), axis=-1) - 1, 0)
    below = position.astype(np.intp)
    above = np.ceil(position).astype(np.intp)
    rows = ordered.reshape(-1, n_values)
    row = np.arange(len(rows))
    low = rows[row, below.ravel()].reshape(below.shape)
    high = rows[row, above.ravel()].reshape(below.shape)
    return low + (position - below) * (high - low)


def nan_median(values, axis=-1):
    """Return the median of what is not NaN, and NaN where nothing is."""
    return nan_quantile(values, 0.5, axis)

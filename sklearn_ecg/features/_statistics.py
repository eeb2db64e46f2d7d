"""Statistics that ignore NaN without warnings, for small arrays."""

import numpy as np


def nan_quantile(values, q, axis=-1):
    """Return a quantile without NaN; NaN if all are NaN."""
    return quantiles(values, (q,), axis)[0]


def nan_median(values, axis=-1):
    """Return the median without NaN; NaN if all are NaN."""
    return quantiles(values, (0.5,), axis)[0]


def quantiles(values, qs, axis=-1):
    """Return several quantiles without NaN, from one sort."""
    ordered = np.sort(values, axis=axis)  # puts NaN last
    n_values = ordered.shape[axis]
    if n_values and not np.isnan(ordered.take(-1, axis)).any():
        return [_between(ordered, q * (n_values - 1), axis) for q in qs]
    ordered = np.moveaxis(ordered, axis, -1)
    if not n_values:
        return [np.full(ordered.shape[:-1], np.nan) for _ in qs]
    known = np.count_nonzero(~np.isnan(ordered), axis=-1)
    rows = ordered.reshape(-1, n_values)
    row = np.arange(len(rows))
    results = []
    for q in qs:
        position = q * np.maximum(known.ravel() - 1, 0)
        below = position.astype(np.intp)
        low, high = rows[row, below], rows[row, np.ceil(position).astype(np.intp)]
        results.append((low + (position - below) * (high - low)).reshape(known.shape))
    return results


def _between(ordered, position, axis):
    below = int(position)
    low = ordered.take(below, axis)
    if below == position:
        return low
    return low + (position - below) * (ordered.take(below + 1, axis) - low)


def nan_mean(values, axis=-1):
    """Return the mean without NaN; NaN if all are NaN."""
    known = ~np.isnan(values)
    return np.where(known, values, 0).sum(axis=axis) / np.count_nonzero(known, axis=axis)


def nan_spread(values):
    """Return the standard deviation over the last axis, without NaN."""
    known = ~np.isnan(values)
    count = np.count_nonzero(known, axis=-1)
    filled = np.where(known, values, 0)
    mean = filled.sum(axis=-1) / count
    apart = np.where(known, values - mean[..., np.newaxis], 0)
    return np.sqrt((apart**2).sum(axis=-1) / count)


def mean_around(times, values, reach):
    """Return the mean of the values within reach of each time, without NaN; 0 if there are none.

    Parameters
    ----------
    times : ndarray of shape (n,)
        In ascending order.
    values : ndarray of shape (n,)
    reach : float
    """
    known = ~np.isnan(values)
    total = np.append(0, np.cumsum(np.where(known, values, 0)))
    count = np.append(0, np.cumsum(known))
    first = np.searchsorted(times, times - reach, side="left")
    stop = np.searchsorted(times, times + reach, side="right")
    return (total[stop] - total[first]) / np.maximum(count[stop] - count[first], 1)

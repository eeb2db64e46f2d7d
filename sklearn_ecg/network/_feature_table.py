"""Measured features of records as a second input of the network."""

import numpy as np
import torch
from scipy.special import ndtri
from sklearn.base import clone

from sklearn_ecg.records import CleanedRecords

# Quantiles by which a feature's distribution is known.
_N_QUANTILES = 200
# Standardised features lie between this and its negative.
_LARGEST = 3.0
# A feature that fewer training records have is left out.
_LEAST_SHARE = 0.02


class FeatureStandardiser:
    """Give each feature a normal distribution over the training records.

    A value becomes the normal quantile of its rank among the training records, between -3 and 3,
    so that neither units, outliers nor skewness matter; a missing value becomes 0, the median.

    Parameters
    ----------
    columns : array-like of int of shape (n_used,)
        The features of the table that are used.
    quantiles : array-like of shape (n_quantiles, n_used)
        Of each feature over the training records, rising.

    Examples
    --------
    >>> import numpy as np
    >>> table = np.array([[1.0, 0, 7], [2, 0, np.nan], [3, 0, 9], [900, 0, 11], [4, 0, 13]])
    >>> standardiser = FeatureStandardiser.learn(table)
    >>> standardiser.columns.tolist()
    [0, 2]
    >>> standardiser.transform(table).numpy().round(1)
    array([[-3. , -3. ],
           [-0.7,  0. ],
           [ 0. , -0.4],
           [ 3. ,  0.4],
           [ 0.7,  3. ]], dtype=float32)
    """

    def __init__(self, columns, quantiles):
        self.columns = torch.as_tensor(columns, dtype=torch.long)
        self.quantiles = torch.as_tensor(quantiles, dtype=torch.float32)
        ranks = np.linspace(0, 1, len(self.quantiles))
        levels = np.clip(ndtri(ranks), -_LARGEST, _LARGEST)
        self.levels = torch.as_tensor(levels, dtype=torch.float32)

    @classmethod
    def learn(cls, table):
        """Learn from the training records' features, of shape (n_records, n_features)."""
        known = np.isfinite(table)
        columns = np.flatnonzero(known.sum(axis=0) > max(1, _LEAST_SHARE * len(table)))
        used = np.where(known, table, np.nan)[:, columns]
        n_quantiles = min(_N_QUANTILES, len(table))
        quantiles = np.nanpercentile(used, np.linspace(0, 100, n_quantiles), axis=0)
        quantiles = quantiles.astype(np.float32)
        varies = quantiles[0] < quantiles[-1]
        return cls(columns[varies], quantiles[:, varies])

    def transform(self, table):
        """Return standardised features of shape (n_records, n_used)."""
        values = torch.as_tensor(table, dtype=torch.float32)[:, self.columns]
        quantiles = self.quantiles.T.contiguous()
        rows = values.nan_to_num(nan=0.0).T.contiguous()
        n_below = torch.searchsorted(quantiles, rows).T
        n_not_above = torch.searchsorted(quantiles, rows, right=True).T
        return self.at_ranks(values, n_below, n_not_above)

    def at_ranks(self, values, n_below, n_not_above):
        """Return the normal quantiles of values, of which it is known where they rank.

        Parameters
        ----------
        values : Tensor of shape (n_records, n_used)
        n_below, n_not_above : Tensor of int of shape (n_records, n_used)
            How many of the feature's quantiles lie below the value, and below or at it.
        """
        last = len(self.levels) - 1
        # A value that many records share lies in the middle of their ranks.
        low = self._position(values, n_below.clamp(1, last))
        high = self._position(values, n_not_above.clamp(1, last))
        middle = torch.nan_to_num((low + high) / 2)
        below = middle.floor().long().clamp(0, last - 1)
        levels = torch.lerp(self.levels[below], self.levels[below + 1], middle - below)
        return torch.where(torch.isfinite(values), levels, torch.zeros_like(levels))

    def _position(self, values, upper):
        """Return the rank of values that lie between the quantiles upper - 1 and upper."""
        left = torch.gather(self.quantiles, 0, upper - 1)
        right = torch.gather(self.quantiles, 0, upper)
        return upper - 1 + ((values - left) / (right - left).clamp_min(1e-30)).clamp(0, 1)


def fit_extractor(features, records):
    """Return a clone of a transformer, fitted on records."""
    return clone(features).fit(_unlabelled(records))


def measure(extractor, records):
    """Return the features of records that a fitted transformer finds, without infinity.

    Returns
    -------
    ndarray of shape (n_records, n_features), float64
    """
    table = np.asarray(extractor.transform(_unlabelled(records)), dtype=np.float64)
    if table.ndim != 2 or len(table) != len(records):
        raise ValueError(
            f"The 'features' parameter must transform {len(records)} records to a table with a row "
            f"for each; {type(extractor).__name__} returned an array of shape {table.shape}."
        )
    return np.where(np.isfinite(table), table, np.nan)


def _unlabelled(records):
    return records.without_labels() if isinstance(records, CleanedRecords) else records

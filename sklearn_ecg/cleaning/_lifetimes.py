"""Lifetimes: the number of rounds in which the labels of a record are decided again."""

import numpy as np
from scipy.special import digamma
from sklearn.ensemble import IsolationForest


def mean_path_length(X, *, random_state, n_jobs=None):
    """Return the mean number of splits that isolate each record in an isolation forest.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_features)
    random_state : int
    n_jobs : int, default=None

    Returns
    -------
    ndarray of shape (n_records,)
        Common records have long paths.

    Notes
    -----
    scikit-learn's score is :math:`-2^{-E(h) / c(n)}` for the mean path length :math:`E(h)` and the
    mean length :math:`c(n)` of an unsuccessful search among n records; this function solves it for
    :math:`E(h)`.
    """
    if len(X) < 2:
        return np.ones(len(X))
    forest = IsolationForest(random_state=random_state, n_jobs=n_jobs).fit(X)
    n = forest.max_samples_
    # 2 H(n - 1) - 2 (n - 1) / n, with the harmonic number H.
    typical = 2 * (digamma(n) + np.euler_gamma) - 2 * (n - 1) / n
    return -typical * np.log2(-forest.score_samples(X))


def lifetimes(path_length, n_open, rate):
    """Return the rounds for each record: ``ceil(rate * n_open * longest_path / path)``.

    Parameters
    ----------
    path_length : ndarray of shape (n_records,)
        Common records have long paths, and get fewer rounds.
    n_open : ndarray of int of shape (n_records,)
        Number of labels that are not decided yet.
    rate : float

    Returns
    -------
    ndarray of int of shape (n_records,)
    """
    return np.ceil(rate * n_open * path_length.max() / path_length).astype(int)

"""Rank-one updates of a Cholesky factor."""

import numpy as np


def rank_one_update(factor, vector, *, sign):
    """Update the Cholesky factor of ``A`` to that of ``A + sign * vector vector'``, in place.

    Parameters
    ----------
    factor : ndarray of shape (n_features, n_features)
        Lower triangular with ``A = factor @ factor.T``; overwritten.
    vector : ndarray of shape (n_features,)
    sign : {1, -1}
        -1 removes the vector again (a downdate).

    Returns
    -------
    ndarray of shape (n_features, n_features)
        The same array.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the downdated matrix is not positive definite.

    Notes
    -----
    One sweep of Givens rotations (hyperbolic for -1) takes :math:`O(d^2)`; a new factorisation
    would take :math:`O(d^3)`.
    """
    rest = vector.astype(np.float64, copy=True)
    for k in range(len(rest)):
        old, entry = factor[k, k], rest[k]
        squared = old * old + sign * entry * entry
        if squared <= 0:
            raise np.linalg.LinAlgError("the downdated matrix is not positive definite")
        new = np.sqrt(squared)
        cosine, sine = new / old, entry / old
        factor[k, k] = new
        below = factor[k + 1 :, k]
        below += sign * sine * rest[k + 1 :]
        below /= cosine
        rest[k + 1 :] = cosine * rest[k + 1 :] - sine * below
    return factor

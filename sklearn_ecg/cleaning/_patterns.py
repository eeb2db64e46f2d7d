"""Patterns: the clusters of the records that carry a label, and of those that do not."""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits

from sklearn_ecg.cleaning._discriminators import seeded
from sklearn_ecg.utils import warn_user

# A mixture of fewer records than this is one Gaussian.
_MIN_CLUSTERED = 20


@dataclass(frozen=True, eq=False)
class Pattern:
    """A cluster of records, as a Gaussian over features scaled to [0, 1].

    Attributes
    ----------
    label : int
    present : bool
        Whether its records carry the label.
    source : {"trusted", "weak"}
        Of which records it was made.
    mean : ndarray of shape (n_features,)
    covariance : ndarray of shape (n_features,), a diagonal, or (n_features, n_features)
    members : ndarray of int
        Positions of its records.
    """

    label: int
    present: bool
    source: str
    mean: np.ndarray
    covariance: np.ndarray
    members: np.ndarray

    @property
    def variance(self):
        return self.covariance if self.covariance.ndim == 1 else np.diag(self.covariance)

    def distance(self, X):
        """Root mean square of the standardised distances of each record's features."""
        return np.sqrt(((X - self.mean) ** 2 / self.variance).mean(axis=1))

    def contains(self, X):
        """Whether each record lies within the mean plus or minus three standard deviations.

        Of many features some stray by chance, so that hardly a record of the cluster itself
        lies within on all of them: one in twenty features may stray.
        """
        strays = np.abs(X - self.mean) > 3 * np.sqrt(self.variance)
        return strays.mean(axis=1) <= 0.05


def find_patterns(X, labels, trusted, mixture, *, random_state, n_jobs=None):
    """Cluster, for every label, the records that carry it and, apart, those that do not.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_features)
        Scaled to [0, 1].
    labels : ndarray of shape (n_records, n_labels)
    trusted : ndarray of bool of shape (n_records, n_labels)
        Records whose label is trusted and others are clustered apart.
    mixture : estimator
        Cloned for every set of records; has ``means_`` and ``covariances_``, and ``labels_`` or
        ``predict``.
    random_state : int
    n_jobs : int, default=None

    Returns
    -------
    list of Pattern
    """
    tasks = [
        (label, present, source, np.flatnonzero((labels[:, label] == present) & side))
        for label in range(labels.shape[1])
        for present in (True, False)
        for source, side in (("trusted", trusted[:, label]), ("weak", ~trusted[:, label]))
    ]
    found = Parallel(n_jobs=n_jobs)(
        delayed(_cluster)(X[members], mixture, random_state) for *_, members in tasks
    )
    restless = sum(not converged for *_, converged in found)
    if restless:
        warn_user(
            f"Assignments still changed in {restless} of {len(found)} clusterings when `mixture` "
            "stopped; their clusters are one sample of many. Pass a mixture with more max_iter.",
            ConvergenceWarning,
        )
    return [
        Pattern(label, present, source, mean, covariance, members[assigned == m])
        for (label, present, source, members), (means, covariances, assigned, _) in zip(
            tasks, found, strict=True
        )
        for m, (mean, covariance) in enumerate(zip(means, covariances, strict=True))
    ]


def _cluster(X, mixture, random_state):
    """Return means, covariances and assignments of one set's clusters, and if they converged."""
    if len(X) == 0:
        return [], [], np.empty(0, dtype=int), True
    if len(X) < _MIN_CLUSTERED:
        # Few records understate a variance; a floor of 0.05 of the range keeps them from it.
        variance = X.var(axis=0) + 0.05**2
        return X.mean(axis=0)[np.newaxis], variance[np.newaxis], np.zeros(len(X), dtype=int), True
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # One warning for all clusterings is enough.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = seeded(mixture, random_state).fit(X)
    converged = getattr(fitted, "inference", None) != "gibbs" or fitted.converged_
    return *_gaussians(fitted, X), converged


def _gaussians(mixture, X):
    """Return means, covariances and assignments of the clusters that hold records."""
    if not hasattr(mixture, "means_") or not hasattr(mixture, "covariances_"):
        raise ValueError(
            f"mixture {type(mixture).__name__} has no means_ and covariances_ once fitted; pass a "
            "mixture of Gaussians, such as sklearn.mixture.BayesianGaussianMixture."
        )
    assigned = mixture.labels_ if hasattr(mixture, "labels_") else mixture.predict(X)
    held, assigned = np.unique(assigned, return_inverse=True)
    means, covariances = mixture.means_, mixture.covariances_
    # scikit-learn's mixtures may share one matrix, or have one variance for all features.
    kind = getattr(mixture, "covariance_type", None)
    if kind == "tied":
        covariances = np.broadcast_to(covariances, (len(means), *covariances.shape))
    elif kind == "spherical":
        covariances = np.repeat(covariances[:, np.newaxis], X.shape[1], axis=1)
    return means[held], covariances[held], assigned

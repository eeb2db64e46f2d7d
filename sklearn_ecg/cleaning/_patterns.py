"""Patterns: clusters of the records with a label, and of the records without it."""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits

from sklearn_ecg.cleaning._discriminators import seeded
from sklearn_ecg.utils import warn_user

# Fewer records than this are one Gaussian.
_MIN_CLUSTERED = 20


@dataclass(frozen=True, eq=False)
class Pattern:
    """A cluster of records, as a Gaussian over features scaled to [0, 1].

    Attributes
    ----------
    label : int
        Position of the label.
    present : bool
        Whether its records have the label.
    source : {"trusted", "weak"}
        The records that it was made from.
    mean : ndarray of shape (n_features,)
    covariance : ndarray of shape (n_features,) or (n_features, n_features)
        A diagonal, or a full matrix.
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
        """Return the root mean square of each record's standardised features."""
        return np.sqrt(((X - self.mean) ** 2 / self.variance).mean(axis=1))

    def contains(self, X):
        """Whether each record is within three standard deviations of the mean.

        One in twenty features may lie outside: if there are many features, some do by chance in
        nearly every record of the cluster.
        """
        strays = np.abs(X - self.mean) > 3 * np.sqrt(self.variance)
        return strays.mean(axis=1) <= 0.05


def find_patterns(X, labels, trusted, mixture, *, random_state, n_jobs=None):
    """Cluster, for every label, the records with the label and the records without it.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_features)
        Scaled to [0, 1].
    labels : ndarray of shape (n_records, n_labels)
    trusted : ndarray of bool of shape (n_records, n_labels)
        Records whose label is trusted and other records are clustered separately.
    mixture : estimator
        Cloned for every set of records. It must have ``means_`` and ``covariances_``, and
        ``labels_`` or ``predict``.
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
            "stopped, so these clusters are random. Pass a mixture with a larger max_iter.",
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
    """Return means, covariances and assignments of one set's clusters, and whether it converged."""
    if len(X) == 0:
        return [], [], np.empty(0, dtype=int), True
    if len(X) < _MIN_CLUSTERED:
        # The variance of few records is too small, so that of 0.05 of the range is added.
        variance = X.var(axis=0) + 0.05**2
        return X.mean(axis=0)[np.newaxis], variance[np.newaxis], np.zeros(len(X), dtype=int), True
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # One warning for all clusterings is enough.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = seeded(mixture, random_state).fit(X)
    converged = getattr(fitted, "inference", None) != "gibbs" or fitted.converged_
    return *_gaussians(fitted, X), converged


def _gaussians(mixture, X):
    """Return means, covariances and assignments of the clusters with records."""
    if not hasattr(mixture, "means_") or not hasattr(mixture, "covariances_"):
        raise ValueError(
            f"mixture {type(mixture).__name__} has no means_ and covariances_ after fit; pass a "
            "mixture of Gaussians, such as sklearn.mixture.BayesianGaussianMixture."
        )
    assigned = mixture.labels_ if hasattr(mixture, "labels_") else mixture.predict(X)
    held, assigned = np.unique(assigned, return_inverse=True)
    means, covariances = mixture.means_, mixture.covariances_
    # Clusters of scikit-learn's mixtures may share one matrix, or have one variance each.
    kind = getattr(mixture, "covariance_type", None)
    if kind == "tied":
        covariances = np.broadcast_to(covariances, (len(means), *covariances.shape))
    elif kind == "spherical":
        covariances = np.repeat(covariances[:, np.newaxis], X.shape[1], axis=1)
    return means[held], covariances[held], assigned

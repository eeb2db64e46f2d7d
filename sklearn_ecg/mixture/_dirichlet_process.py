"""DirichletProcessGaussianMixture: Gaussian clusters, as many as the data ask for."""

import numbers
import warnings

import numpy as np
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, ClusterMixin, DensityMixin
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import BayesianGaussianMixture
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_ecg.mixture._gaussian import log_gaussian_density
from sklearn_ecg.mixture._gibbs import GammaCluster, WishartCluster, sample_assignments
from sklearn_ecg.utils import Interval, StrOptions, check_params

_POSITIVE = Interval(numbers.Real, 0, None, closed="neither")


class DirichletProcessGaussianMixture(ClusterMixin, DensityMixin, BaseEstimator):
    """Mixture of Gaussians under a Dirichlet-process prior; clusters without records are dropped.

    Parameters
    ----------
    n_components : int, default=10
        The most clusters there may be under ``inference="variational"``. The sampler has no such
        bound: it starts from as many clusters of k-means, merges them and opens new ones.
    covariance_type : {"diag", "full"}, default="diag"
        A diagonal needs far fewer records than features; a full covariance needs more.
    inference : {"variational", "gibbs"}, default="variational"
        "variational" is scikit-learn's mean-field approximation: fast. "gibbs" is collapsed Gibbs
        sampling, Algorithm 1 of [1]_: each record in turn leaves its cluster and joins one
        with probability in proportion to the cluster's size times the density of the record
        given the others in it, or opens a new one. It visits records in Python, one by one. (The
        paper does not say how it starts; started from one cluster, sampling record by record
        hardly ever opens a second one where features are many.)
    weight_concentration : float, default=1.0
        Concentration of the process (the paper's gamma): the greater, the more clusters.
    mean_precision : float, default=0.01
        Strength of the prior mean (the mean of all records), counted in records; at the low
        default a cluster lies where its records lie.
    covariance_prior : float, default=None
        Diagonal of the base distribution's constant scale matrix (the paper's Y0), in squared
        units of the features; by default the variance of each feature over all records. The base
        has n_features degrees of freedom as in the paper; sampling of diagonals, which are
        Normal-inverse-gamma for each feature alone, has one.
    max_iter : int, default=100
        Sweeps.
    tol : float, default=1e-2
        Variational inference stops when its bound gains less.
    reg_covar : float, default=1e-4
        Added to variances so that a constant feature does no harm.
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    n_components_ : int
        Clusters that hold records.
    weights_ : ndarray of shape (n_components,)
    means_ : ndarray of shape (n_components, n_features)
    covariances_ : ndarray of shape (n_components, n_features) or \
            (n_components, n_features, n_features)
    labels_ : ndarray of int of shape (n_records,)
        The cluster of each record of `fit`: the assignment that was sampled last, or the most
        probable one.
    n_iter_ : int
    converged_ : bool
    n_features_in_ : int

    See Also
    --------
    sklearn.mixture.BayesianGaussianMixture : The variational inference.

    References
    ----------
    .. [1] Han et al., Label cleaning for ECG data based on abnormality feature patterns. Journal
       of Computer Research and Development 60(11) (2023), Algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.mixture import DirichletProcessGaussianMixture
    >>> rng = np.random.default_rng(0)
    >>> X = np.r_[rng.normal(1, 0.1, (50, 2)), rng.normal(3, 0.1, (50, 2))]
    >>> mixture = DirichletProcessGaussianMixture(inference="gibbs", random_state=0).fit(X)
    >>> mixture.n_components_
    2
    >>> np.sort(mixture.means_[:, 0]).round(1)
    array([1., 3.])
    """

    _parameter_constraints = {
        "n_components": [Interval(numbers.Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions({"diag", "full"})],
        "inference": [StrOptions({"variational", "gibbs"})],
        "weight_concentration": [_POSITIVE],
        "mean_precision": [_POSITIVE],
        "covariance_prior": [_POSITIVE, None],
        "max_iter": [Interval(numbers.Integral, 1, None, closed="left")],
        "tol": [Interval(numbers.Real, 0, None, closed="left")],
        "reg_covar": [Interval(numbers.Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components=10,
        *,
        covariance_type="diag",
        inference="variational",
        weight_concentration=1.0,
        mean_precision=0.01,
        covariance_prior=None,
        max_iter=100,
        tol=1e-2,
        reg_covar=1e-4,
        random_state=None,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.inference = inference
        self.weight_concentration = weight_concentration
        self.mean_precision = mean_precision
        self.covariance_prior = covariance_prior
        self.max_iter = max_iter
        self.tol = tol
        self.reg_covar = reg_covar
        self.random_state = random_state

    def fit(self, X, y=None):
        """Find clusters.

        Parameters
        ----------
        X : array-like of shape (n_records, n_features)
        y : None
            Ignored.

        Returns
        -------
        self
        """
        check_params(self)
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        if self.inference == "gibbs":
            self._fit_gibbs(X)
        else:
            self._fit_variational(X)
        return self

    def _fit_gibbs(self, X):
        random_state = check_random_state(self.random_state)
        scale = self._scale(X)
        if self.covariance_type == "full":
            prior = (WishartCluster, X.shape[1], np.diag(np.sqrt(scale)))
        else:
            prior = (GammaCluster, 1, scale)
        kind, degrees_of_freedom, scale = prior
        assignments, clusters, self.n_iter_, self.converged_ = sample_assignments(
            X,
            self._start(X, random_state),
            lambda: kind(X.mean(axis=0), self.mean_precision, degrees_of_freedom, scale),
            concentration=self.weight_concentration,
            max_iter=self.max_iter,
            random_state=random_state,
        )
        if not self.converged_:
            warnings.warn(
                f"Assignments still changed after max_iter={self.max_iter} sweeps; the clusters "
                "are one sample of many. Increase max_iter, or use inference='variational'.",
                ConvergenceWarning,
                stacklevel=3,
            )
        self.labels_ = assignments
        self.weights_ = np.bincount(assignments) / len(X)
        self.means_ = np.array([cluster.mean for cluster in clusters])
        self.covariances_ = np.array([cluster.covariance for cluster in clusters])
        self.n_components_ = len(clusters)

    def _fit_variational(self, X):
        scale = self._scale(X)
        mixture = BayesianGaussianMixture(
            n_components=min(self.n_components, len(X)),
            covariance_type=self.covariance_type,
            weight_concentration_prior_type="dirichlet_process",
            weight_concentration_prior=self.weight_concentration,
            mean_precision_prior=self.mean_precision,
            covariance_prior=np.diag(scale) if self.covariance_type == "full" else scale,
            max_iter=self.max_iter,
            tol=self.tol,
            reg_covar=self.reg_covar,
            random_state=self.random_state,
        )
        with warnings.catch_warnings():
            # k-means, which starts the inference, warns of records that are equal.
            warnings.simplefilter("ignore", ConvergenceWarning)
            assignments = mixture.fit_predict(X)
        self.n_iter_, self.converged_ = mixture.n_iter_, mixture.converged_
        held, self.labels_ = np.unique(assignments, return_inverse=True)
        self.weights_ = mixture.weights_[held] / mixture.weights_[held].sum()
        self.means_ = mixture.means_[held]
        self.covariances_ = mixture.covariances_[held]
        self.n_components_ = len(held)

    def _start(self, X, random_state):
        n_clusters = min(self.n_components, len(X))
        with warnings.catch_warnings():
            # k-means warns where fewer records differ than clusters are asked for.
            warnings.simplefilter("ignore", ConvergenceWarning)
            found = KMeans(n_clusters, n_init=1, random_state=random_state).fit_predict(X)
        return np.unique(found, return_inverse=True)[1]

    def _scale(self, X):
        """Diagonal of the base distribution's scale matrix, positive even for constant features."""
        scale = X.var(axis=0) if self.covariance_prior is None else self.covariance_prior
        return np.broadcast_to(scale + self.reg_covar, X.shape[1]).astype(np.float64)

    def predict(self, X):
        """Return the most probable cluster of each record.

        Parameters
        ----------
        X : array-like of shape (n_records, n_features)

        Returns
        -------
        ndarray of int of shape (n_records,)
        """
        return self._log_joint(X).argmax(axis=1)

    def predict_proba(self, X):
        """Return the probability of each cluster.

        Parameters
        ----------
        X : array-like of shape (n_records, n_features)

        Returns
        -------
        ndarray of shape (n_records, n_components)
        """
        log_joint = self._log_joint(X)
        return np.exp(log_joint - logsumexp(log_joint, axis=1, keepdims=True))

    def score_samples(self, X):
        """Return the log density of each record.

        Parameters
        ----------
        X : array-like of shape (n_records, n_features)

        Returns
        -------
        ndarray of shape (n_records,)
        """
        return logsumexp(self._log_joint(X), axis=1)

    def score(self, X, y=None):
        """Return the mean log density of the records.

        Parameters
        ----------
        X : array-like of shape (n_records, n_features)
        y : None
            Ignored.

        Returns
        -------
        float
        """
        return float(self.score_samples(X).mean())

    def _log_joint(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return np.log(self.weights_) + log_gaussian_density(X, self.means_, self.covariances_)

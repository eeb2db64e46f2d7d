"""DirichletProcessGaussianMixture: Gaussian clusters whose number is learned."""

import numbers
import warnings

import numpy as np
from scipy.special import logsumexp, softmax
from sklearn.base import BaseEstimator, ClusterMixin, DensityMixin
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_ecg.mixture._gaussian import log_gaussian_density
from sklearn_ecg.mixture._gibbs import GammaCluster, WishartCluster, sample_assignments
from sklearn_ecg.mixture._variational import fit_variational
from sklearn_ecg.utils import Interval, StrOptions, check_params, listed, warn_user, with_summary

_POSITIVE = Interval(numbers.Real, 0, None, closed="neither")


class DirichletProcessGaussianMixture(ClusterMixin, DensityMixin, BaseEstimator):
    """Mixture of Gaussians under a Dirichlet-process prior, without empty clusters.

    Parameters
    ----------
    n_components : int, default=10
        Number of k-means clusters at the start. With ``inference="variational"`` it is also the
        largest number of clusters, because clusters merge or vanish, and no new ones open.
    covariance_type : {"diag", "full"}, default="diag"
        "diag" works with fewer records than features; "full" needs more records than features.
    inference : {"variational", "gibbs"}, default="variational"
        "variational" is fast: collapsed variational inference as in [2]_, with merges, and with a
        base distribution that is learned from the data. "gibbs" is collapsed Gibbs sampling,
        Algorithm 1 of [1]_, in a Python loop over records. Each record in turn leaves its cluster,
        and joins a cluster with probability proportional to the cluster's size times the density
        of the record given the cluster's other records, or opens a new one. (The paper does not
        name its start. Started with one cluster, the sampler hardly ever opens a second one if
        there are many features.)
    weight_concentration : float, default=0.1
        Concentration of the process (the paper's gamma). Larger values make more clusters.
    mean_precision : float, default=None
        Strength of the prior mean (the mean of all records), as a number of records. By default
        it is learned; "gibbs" uses 0.01.
    covariance_prior : float, default=None
        Diagonal of the base distribution's scale matrix (the paper's Y0), in squared units of the
        features. Its degrees of freedom are n_features for "full", as in the paper, and 1 for
        "diag", a Normal-inverse-gamma per feature. By default covariance and degrees of freedom
        are learned from all clusters, so that small clusters borrow from the others; "gibbs" uses
        the variance of each feature over all records.
    max_iter : int, default=None
        Largest number of sweeps; by default 500, and 100 for "gibbs".
    tol : float, default=1e-6
        Variational inference stops when a sweep changes the mean log density by less.
    reg_covar : float, default=1e-4
        Added to variances, so that constant features are allowed.
    max_samples : int, default=20_000
        Clusters are learned from at most this number of records, drawn at random; all records are
        then assigned to them. It bounds time and memory. None learns from all records.
    random_state : int, RandomState instance or None, default=None
        Seed of k-means, of the sampler and of the draw of `max_samples` records.

    Attributes
    ----------
    n_components_ : int
        Number of clusters.
    weights_ : ndarray of shape (n_components,)
        Shares of the clusters; the sum is 1.
    means_ : ndarray of shape (n_components, n_features)
        Means of the clusters.
    covariances_ : ndarray of shape (n_components, n_features) or \
            (n_components, n_features, n_features)
        Variances ("diag") or covariances ("full") of the clusters.
    labels_ : ndarray of int of shape (n_records,)
        The most probable cluster of each record of `fit`. With "gibbs", the last sample, unless
        there are more records than `max_samples`.
    n_iter_ : int
        Number of sweeps.
    converged_ : bool
        Whether inference ended before `max_iter`.
    n_features_in_ : int
        Number of features.

    See Also
    --------
    sklearn.mixture.BayesianGaussianMixture : A mixture with fixed priors and without merges.

    References
    ----------
    .. [1] Han et al., Label cleaning for ECG data based on abnormality feature patterns. Journal
       of Computer Research and Development 60(11) (2023), Algorithm 1.
    .. [2] Kurihara et al., Collapsed variational Dirichlet process mixture models. IJCAI
       (2007).

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
        "mean_precision": [_POSITIVE, None],
        "covariance_prior": [_POSITIVE, None],
        "max_iter": [Interval(numbers.Integral, 1, None, closed="left"), None],
        "tol": [Interval(numbers.Real, 0, None, closed="left")],
        "reg_covar": [Interval(numbers.Real, 0, None, closed="left")],
        "max_samples": [Interval(numbers.Integral, 2, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components=10,
        *,
        covariance_type="diag",
        inference="variational",
        weight_concentration=0.1,
        mean_precision=None,
        covariance_prior=None,
        max_iter=None,
        tol=1e-6,
        reg_covar=1e-4,
        max_samples=20_000,
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
        self.max_samples = max_samples
        self.random_state = random_state

    def fit(self, X, y=None):
        """Find clusters.

        Parameters
        ----------
        X : array-like of shape (n_records, n_features)
            Features of records, without NaN.
        y : object, default=None
            Ignored.

        Returns
        -------
        self
        """
        check_params(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
        random_state = check_random_state(self.random_state)
        if self.max_samples is None or len(X) <= self.max_samples:
            chosen = X
        else:
            chosen = X[np.sort(random_state.choice(len(X), self.max_samples, replace=False))]
        chosen = chosen.astype(np.float64, copy=False)
        start = self._start(chosen, random_state)
        if self.inference == "gibbs":
            assignments = self._fit_gibbs(chosen, start, random_state)
        else:
            assignments = self._fit_variational(chosen, start)
        self.labels_ = assignments if chosen is X else self._log_joint(X).argmax(axis=1)
        return self

    def _fit_gibbs(self, X, start, random_state):
        spread = X.var(axis=0) if self.covariance_prior is None else self.covariance_prior
        scale = np.broadcast_to(spread + self.reg_covar, X.shape[1]).astype(np.float64)
        if self.covariance_type == "full":
            prior = (WishartCluster, X.shape[1], np.diag(np.sqrt(scale)))
        else:
            prior = (GammaCluster, 1, scale)
        kind, degrees_of_freedom, scale = prior
        mean_precision = 0.01 if self.mean_precision is None else self.mean_precision
        max_iter = 100 if self.max_iter is None else self.max_iter
        assignments, clusters, self.n_iter_, self.converged_ = sample_assignments(
            X,
            start,
            lambda: kind(X.mean(axis=0), mean_precision, degrees_of_freedom, scale),
            concentration=self.weight_concentration,
            max_iter=max_iter,
            random_state=random_state,
        )
        if not self.converged_:
            warn_user(
                f"Assignments still changed after max_iter={max_iter} sweeps; the clusters "
                "are one sample of many. Increase max_iter, or use inference='variational'.",
                ConvergenceWarning,
            )
        self.weights_ = np.bincount(assignments) / len(X)
        self.means_ = np.array([cluster.mean for cluster in clusters])
        self.covariances_ = np.array([cluster.covariance for cluster in clusters])
        self.n_components_ = len(clusters)
        return assignments

    def _fit_variational(self, X, start):
        full = self.covariance_type == "full"
        fixed = {}
        if self.mean_precision is not None:
            fixed["mean_precision"] = self.mean_precision
        if self.covariance_prior is not None:
            freedom = float(X.shape[1]) if full else 1.0
            variances = np.full(X.shape[1], self.covariance_prior / freedom + self.reg_covar)
            fixed |= {"freedom": freedom, "covariance": np.diag(variances) if full else variances}
        found = fit_variational(
            X,
            start,
            full=full,
            concentration=self.weight_concentration,
            fixed=fixed,
            reg_covar=self.reg_covar,
            max_iter=500 if self.max_iter is None else self.max_iter,
            tol=self.tol,
        )
        self.weights_, self.means_, self.covariances_, self.n_iter_, self.converged_ = found
        assignments = self._log_joint(X).argmax(axis=1)
        held, assignments = np.unique(assignments, return_inverse=True)
        self.weights_ = self.weights_[held] / self.weights_[held].sum()
        self.means_, self.covariances_ = self.means_[held], self.covariances_[held]
        self.n_components_ = len(held)
        return assignments

    def _start(self, X, random_state):
        n_clusters = min(self.n_components, len(X))
        with warnings.catch_warnings():
            # k-means warns if there are fewer different records than clusters.
            warnings.simplefilter("ignore", ConvergenceWarning)
            found = KMeans(n_clusters, n_init=1, random_state=random_state).fit_predict(X)
        return np.unique(found, return_inverse=True)[1]

    def predict(self, X):
        """Return the most probable cluster of each record.

        Parameters
        ----------
        X : array-like of shape (n_records, n_features)
            Features of records.

        Returns
        -------
        ndarray of int of shape (n_records,)
        """
        return self._log_joint(self._check(X)).argmax(axis=1)

    def predict_proba(self, X):
        """Return the probability of each cluster.

        Parameters
        ----------
        X : array-like of shape (n_records, n_features)
            Features of records.

        Returns
        -------
        ndarray of shape (n_records, n_components)
        """
        return softmax(self._log_joint(self._check(X)), axis=1)

    def score_samples(self, X):
        """Return the log density of each record.

        Parameters
        ----------
        X : array-like of shape (n_records, n_features)
            Features of records.

        Returns
        -------
        ndarray of shape (n_records,)
        """
        return logsumexp(self._log_joint(self._check(X)), axis=1)

    def score(self, X, y=None):
        """Return the mean log density of the records.

        Parameters
        ----------
        X : array-like of shape (n_records, n_features)
            Features of records.
        y : object, default=None
            Ignored.

        Returns
        -------
        float
        """
        return float(self.score_samples(X).mean())

    def _check(self, X):
        check_is_fitted(self)
        return validate_data(self, X, dtype=[np.float64, np.float32], reset=False)

    def _get_fitted_attr_html(self, doc_link=""):
        """Add a summary of the clusters to scikit-learn's table."""
        end = "converged" if self.converged_ else "did not converge"
        shares = np.sort(self.weights_)[::-1]
        learned = {
            "clusters": self.n_components_,
            "shares of the records": listed([f"{share:.2g}" for share in shares]),
            "iterations": f"{self.n_iter_}, {end}",
        }
        return with_summary(super()._get_fitted_attr_html(doc_link), learned)

    def _log_joint(self, X):
        return np.log(self.weights_) + log_gaussian_density(X, self.means_, self.covariances_)

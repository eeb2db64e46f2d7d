"""Query strategies of scikit-activeml, which value the labels that a reader may be asked about.

They know pools of samples, each with one label or none yet. Here each label has a pool of its own:
records whose label is trusted or answered have it, weak ones have none. Samples are 32 principal
components of the scaled features and, last, the label's probability by our cleaner, so that all
strategies know what it found out; those that need a classifier get it as one, and a committee is
a forest trained on the labels that are known. Where a strategy values each sample by itself, the
highest values over all pools come first; where it draws batches, all pools draw as many.
"""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

_N_COMPONENTS = 32
STRATEGIES = (
    "ProbabilisticAL",
    "QueryByCommittee",
    "DiscriminativeAL",
    "ContrastiveAL",
    "CoreSet",
    "Badge",
    "Falcun",
    "Clue",
)
_BATCHES = ("CoreSet", "Badge", "Falcun", "Clue")
_OPTIONS = {
    "ProbabilisticAL": {"metric": "rbf"},
    "DiscriminativeAL": {"greedy_selection": True},
    "Clue": {"cluster_algo_dict": {"random_state": 0}},
}


def components(X):
    """Return the samples of pools, of mean square 1, without probabilities."""
    X = X[:, ~np.isnan(X).all(axis=0)]
    scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler()).fit_transform(X)
    n_components = min(_N_COMPONENTS, *X.shape)
    pca = PCA(n_components, whiten=True, svd_solver="full")
    # Outlying values would decide all distances.
    return pca.fit_transform(np.clip(scaled, -5, 5)) / np.sqrt(n_components)


def value(strategy, samples, labels, is_open, probability, n_questions, seed):
    """Let a strategy value the labels that may be asked about.

    Parameters
    ----------
    strategy : str
        One of `STRATEGIES`.
    samples : ndarray of shape (n_records, n_components)
    labels : ndarray of shape (n_records, n_labels)
        What is trusted or answered; not looked at elsewhere.
    is_open : ndarray of bool of shape (n_records, n_labels)
        Which may be asked about.
    probability : ndarray of shape (n_records, n_labels)
    n_questions : int
        As many will be asked.
    seed : int

    Returns
    -------
    ndarray of shape (n_records, n_labels)
        The highest are asked about; NaN where the strategy has no value.
    """
    from skactiveml import pool

    values = np.full(labels.shape, np.nan)
    for label in range(labels.shape[1]):
        candidates = np.flatnonzero(is_open[:, label])
        known = labels[~is_open[:, label], label]
        # There is nothing to learn of a label that no record is known to have, or to lack.
        if not len(candidates) or len(np.unique(known)) < 2:
            continue
        query = getattr(pool, strategy)(random_state=seed, **_OPTIONS.get(strategy, {})).query
        n_drawn = min(-(-n_questions // labels.shape[1]), len(candidates))
        found, utilities = query(
            np.column_stack([samples, probability[:, label]]),
            np.where(is_open[:, label], np.nan, labels[:, label]),
            candidates=candidates,
            batch_size=n_drawn if strategy in _BATCHES else 1,
            return_utilities=True,
            **_models(strategy, seed),
        )
        if strategy in _BATCHES:
            values[found, label] = -np.arange(len(found))
        else:
            values[:, label] = utilities[0]
    return values


def _models(strategy, seed):
    """Return what the query of a strategy takes beside samples and labels."""
    from skactiveml.base import SkactivemlClassifier
    from skactiveml.classifier import SklearnClassifier

    class LastColumn(SkactivemlClassifier):
        """The probabilities of the cleaner."""

        def fit(self, X, y, sample_weight=None):
            return self

        def predict_proba(self, X):
            return np.column_stack([1 - X[:, -1], X[:, -1]])

    trees = ExtraTreesClassifier(100, min_samples_leaf=3, random_state=seed)
    forest, cleaner = SklearnClassifier(trees, classes=[0, 1]), LastColumn(classes=[0, 1])
    return {
        "QueryByCommittee": {"ensemble": forest},
        "DiscriminativeAL": {"discriminator": forest},
        "CoreSet": {},
        "Clue": {"estimator": cleaner, "fit_estimator": False},
    }.get(strategy, {"clf": cleaner, "fit_clf": False})

"""Stages of the AFP paper as further evidence for the default cleaner, to see if they pay."""

import numpy as np
from sklearn.model_selection import KFold

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.cleaning._paper import mean_path_length
from sklearn_ecg.cleaning._scaling import FeatureScaling
from sklearn_ecg.mixture import DirichletProcessGaussianMixture


class PatternDensities:
    """How much likelier a record is among the patterns with a label than among those without it.

    Scores of `Discriminators`: log ratios of two mixtures' densities per feature, cross-fitted.
    """

    doing = "comparing patterns"

    def fit_score(self, X, beliefs, n_jobs=None):
        scores = np.zeros(beliefs.shape)
        for train, test in KFold(3, shuffle=True, random_state=0).split(X):
            for label, present in enumerate((beliefs > 0.5).T):
                scores[test, label] = self._ratio(X[train], present[train], X[test])
        return scores

    def _ratio(self, X, present, asked):
        if min(present.sum(), (~present).sum()) < 10:
            return np.zeros(len(asked))
        densities = [
            DirichletProcessGaussianMixture(
                n_components=8, max_iter=30, max_samples=2000, random_state=0
            )
            .fit(X[side])
            .score_samples(asked)
            for side in (present, ~present)
        ]
        return np.clip((densities[0] - densities[1]) / np.sqrt(X.shape[1]), -5, 5)


class IsolatedTrees:
    """The trees' scores times how common a record is: those of isolated ones mean less.

    Parameters
    ----------
    trees : ForestDiscriminator
    """

    doing = "growing trees"

    def __init__(self, trees):
        self.trees = trees

    def fit_score(self, X, beliefs, n_jobs=None):
        length = mean_path_length(X, random_state=0)
        scores = self.trees.fit_score(X, beliefs, n_jobs=n_jobs)
        return scores * ((length - length.mean()) / max(length.std(), 1e-9))[:, np.newaxis]


class WithPatterns(AFPLabelCleaner):
    def _make_method(self, groups):
        method = super()._make_method(groups)
        method.discriminators.members.append(PatternDensities())
        return method


class WithIsolation(AFPLabelCleaner):
    def _make_method(self, groups):
        method = super()._make_method(groups)
        method.discriminators.members.append(IsolatedTrees(method.discriminators.members[0]))
        return method


def cleaned_by(cleaner):
    """Return a method of `benchmarks._methods` that cleans by such an estimator."""

    def clean(X, y_weak, trusted, groups, seed):
        own = cleaner(undecided="weak", random_state=seed, n_jobs=-1)
        return own.fit(X, y_weak, trusted=trusted, groups=groups)

    return clean


def trust_anchors(X, y_weak, trusted, groups, seed):
    """Take weak labels in anchor patterns for trusted ones, as the paper's training data do."""
    cleaner = AFPLabelCleaner(undecided="weak", random_state=seed, n_jobs=-1)
    cleaner.fit(X, y_weak, trusted=trusted, groups=groups)
    scaled = FeatureScaling.learn(X).scale(X)
    anchored = cleaner._method.evidence.anchored(scaled, y_weak) > 0
    return cleaner.fit(X, y_weak, trusted=trusted[:, np.newaxis] | anchored, groups=groups)

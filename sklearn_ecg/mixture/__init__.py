"""Mixtures that learn their number of clusters."""

from sklearn_ecg.mixture._dirichlet_process import DirichletProcessGaussianMixture

__all__ = ["DirichletProcessGaussianMixture"]

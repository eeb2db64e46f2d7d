"""Mixtures whose number of clusters is learned."""

from sklearn_ecg.mixture._dirichlet_process import DirichletProcessGaussianMixture

__all__ = ["DirichletProcessGaussianMixture"]

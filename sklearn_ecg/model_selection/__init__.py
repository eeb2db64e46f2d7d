"""Splitting weak and trusted records for honest scores."""

from sklearn_ecg.model_selection._trusted_kfold import TrustedKFold

__all__ = ["TrustedKFold"]

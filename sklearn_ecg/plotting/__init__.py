"""Figures in scikit-learn's Display form."""

from sklearn_ecg.plotting._ecg import ECGDisplay
from sklearn_ecg.plotting._label_cleaning import LabelCleaningDisplay

__all__ = ["ECGDisplay", "LabelCleaningDisplay"]

"""Figures in scikit-learn's Display form."""

from sklearn_ecg.plotting._ecg import ECGDisplay
from sklearn_ecg.plotting._label_cleaning import LabelCleaningDisplay
from sklearn_ecg.plotting._label_correlation import LabelCorrelationDisplay

__all__ = ["ECGDisplay", "LabelCleaningDisplay", "LabelCorrelationDisplay"]

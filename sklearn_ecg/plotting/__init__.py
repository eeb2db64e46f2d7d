"""Figures as scikit-learn Display classes."""

from sklearn_ecg.plotting._contact_sheet import save_contact_sheet
from sklearn_ecg.plotting._ecg import ECGDisplay
from sklearn_ecg.plotting._ecg_attribution import ECGAttributionDisplay
from sklearn_ecg.plotting._label_attention import LabelAttentionDisplay
from sklearn_ecg.plotting._label_cleaning import LabelCleaningDisplay
from sklearn_ecg.plotting._label_correlation import LabelCorrelationDisplay
from sklearn_ecg.plotting._training_history import TrainingHistoryDisplay

__all__ = [
    "ECGAttributionDisplay",
    "ECGDisplay",
    "LabelAttentionDisplay",
    "LabelCleaningDisplay",
    "LabelCorrelationDisplay",
    "TrainingHistoryDisplay",
    "save_contact_sheet",
]

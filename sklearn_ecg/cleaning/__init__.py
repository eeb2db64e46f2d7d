"""Label cleaning."""

from sklearn_ecg.cleaning._afp_label_cleaner import AFPLabelCleaner
from sklearn_ecg.cleaning._on_cleaned_labels import OnCleanedLabels

__all__ = ["AFPLabelCleaner", "OnCleanedLabels"]

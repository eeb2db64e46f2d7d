"""Label cleaning."""

from sklearn_ecg.cleaning._on_cleaned_labels import OnCleanedLabels

__all__ = ["OnCleanedLabels"]

"""Clean weak labels, and train classifiers on the cleaned ones."""

from sklearn_ecg.cleaning._afp_label_cleaner import AFPLabelCleaner
from sklearn_ecg.cleaning._cross_validation_label_cleaner import CrossValidationLabelCleaner
from sklearn_ecg.cleaning._density_label_cleaner import DensityLabelCleaner
from sklearn_ecg.cleaning._on_cleaned_labels import OnCleanedLabels

__all__ = [
    "AFPLabelCleaner",
    "CrossValidationLabelCleaner",
    "DensityLabelCleaner",
    "OnCleanedLabels",
]

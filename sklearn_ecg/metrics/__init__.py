"""What cleaning and classification are worth."""

from sklearn_ecg.metrics._cleaning import label_cleaning_report

__all__ = ["label_cleaning_report"]

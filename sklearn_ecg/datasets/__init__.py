"""Loaders of ECG data sets, simulated records, and label noise of known amount."""

from sklearn_ecg.datasets._corruption import corrupt_labels
from sklearn_ecg.datasets._mitdb import load_mitdb

__all__ = ["corrupt_labels", "load_mitdb"]

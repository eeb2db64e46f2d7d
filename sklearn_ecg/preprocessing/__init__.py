"""Filters, resampling and fixed length, as transformers of signals."""

from sklearn_ecg.preprocessing._filtering import bandpass

__all__ = ["bandpass"]

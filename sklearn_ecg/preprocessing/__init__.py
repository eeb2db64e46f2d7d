"""Filters, resampling and fixed length, as transformers of signals."""

from sklearn_ecg.preprocessing._bandpass_filter import BandpassFilter
from sklearn_ecg.preprocessing._filtering import bandpass
from sklearn_ecg.preprocessing._fixed_length import FixedLength
from sklearn_ecg.preprocessing._resampler import Resampler

__all__ = ["BandpassFilter", "FixedLength", "Resampler", "bandpass"]

"""Transformers of signals: filters, resampling, gaps, fixed length and scaling."""

from sklearn_ecg.preprocessing._bandpass_filter import BandpassFilter
from sklearn_ecg.preprocessing._baseline_filter import BaselineFilter
from sklearn_ecg.preprocessing._filtering import bandpass, notch
from sklearn_ecg.preprocessing._fixed_length import FixedLength
from sklearn_ecg.preprocessing._gap_filler import GapFiller
from sklearn_ecg.preprocessing._lead_scaler import LeadScaler
from sklearn_ecg.preprocessing._powerline_filter import PowerlineFilter
from sklearn_ecg.preprocessing._resampler import Resampler

__all__ = [
    "BandpassFilter",
    "BaselineFilter",
    "FixedLength",
    "GapFiller",
    "LeadScaler",
    "PowerlineFilter",
    "Resampler",
    "bandpass",
    "notch",
]

"""Measurements of ECG records: beats, waves, rhythm and shape."""

from sklearn_ecg.features._delineation import delineate
from sklearn_ecg.features._extractor import ECGFeatureExtractor
from sklearn_ecg.features._neurokit import to_neurokit
from sklearn_ecg.features._r_peaks import detect_r_peaks

__all__ = ["ECGFeatureExtractor", "delineate", "detect_r_peaks", "to_neurokit"]

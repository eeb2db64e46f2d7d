"""Measurements of ECG records: beats, waves, rhythm and shape."""

from sklearn_ecg.features._r_peaks import detect_r_peaks

__all__ = ["detect_r_peaks"]

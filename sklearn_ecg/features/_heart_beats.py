"""The beats of one record, as every group of features sees them."""

import functools

import numpy as np
from scipy import ndimage

from sklearn_ecg.features._r_peaks import find_r_peaks, usable_leads
from sklearn_ecg.features._statistics import nan_median
from sklearn_ecg.features._waves import find_waves, qrs_bounds, take_windows
from sklearn_ecg.preprocessing import bandpass

#: All measurements are taken at this rate (Hz), so that they mean the same for every record.
WORKING_RATE = 250
MS = 1000 / WORKING_RATE

#: Beats whose QRS complexes correlate better than this have the same shape.
ALIKE = 0.9

_MOST_COMPARED = 400
_NEIGHBOURS = 15  # intervals that a beat's prematurity is judged by
_BEFORE, _AFTER = 63, 100  # samples around R: 252 ms and 400 ms
_QRS = slice(_BEFORE - 30, _BEFORE + 41)  # -120 to +160 ms


class HeartBeats:
    """One record's usable leads at the working rate, cut into beats.

    Parameters
    ----------
    signal : ndarray of shape (n_leads, n_times)
        In mV.
    sampling_rate : float

    Attributes
    ----------
    usable : ndarray of bool of shape (n_leads,)
    broad, filtered : ndarray of shape (n_usable_leads, n_times)
        Free of baseline wander, and band-passed from 0.5 to 40 Hz.
    r_peaks : ndarray of int of shape (n_beats,)
    """

    def __init__(self, signal, sampling_rate):
        self.sampling_rate = sampling_rate
        self.usable = usable_leads(signal)
        signal = signal[self.usable]
        r_peaks = find_r_peaks(signal, sampling_rate) * (WORKING_RATE / sampling_rate)
        self.r_peaks = np.round(r_peaks).astype(np.intp)
        if len(r_peaks):
            self.broad = bandpass(signal, sampling_rate, 0.5, new_rate=WORKING_RATE)
            self.filtered = bandpass(self.broad, WORKING_RATE, high=40)
            self.r_peaks = np.minimum(self.r_peaks, self.filtered.shape[1] - 1)

    def __len__(self):
        return len(self.r_peaks)

    @functools.cached_property
    def rr_ms(self):
        """Intervals between beats, of shape (n_beats - 1,)."""
        return np.diff(self.r_peaks) * MS

    @functools.cached_property
    def prematurity(self):
        """Interval before each beat over the usual one around it; NaN for the first beat."""
        if len(self) < 3:
            return np.full(len(self), np.nan)
        size = min(_NEIGHBOURS, len(self.rr_ms))
        usual = ndimage.median_filter(self.rr_ms, size=size, mode="reflect")
        return np.r_[np.nan, self.rr_ms / usual]

    @functools.cached_property
    def waves(self):
        """Samples of the waves per lead and beat."""
        return find_waves(self.filtered, self.r_peaks, WORKING_RATE)

    @functools.cached_property
    def qrs_ms(self):
        """QRS duration of each beat, from all leads together."""
        slope = np.gradient(self.filtered, axis=-1)
        slope = slope / slope.std(axis=-1, keepdims=True)
        onset, offset = qrs_bounds(np.sqrt((slope**2).mean(axis=0)), self.r_peaks, WORKING_RATE)
        return (offset - onset) * MS

    @functools.cached_property
    def windows(self):
        """Beats from -252 to +400 ms of R, (n_beats, n_leads, n_window); edge values outside."""
        index = self.r_peaks[:, np.newaxis] + np.arange(-_BEFORE, _AFTER + 1)
        index = np.clip(index, 0, self.filtered.shape[1] - 1)
        return self.filtered[:, index].transpose(1, 0, 2)

    @functools.cached_property
    def qrs(self):
        """Beats from -120 to +160 ms of R without their mean, of unit energy in each lead."""
        qrs = self.windows[..., _QRS]
        qrs = qrs - qrs.mean(axis=-1, keepdims=True)
        usual = np.sqrt(nan_median((qrs**2).sum(axis=-1), axis=0))
        return qrs / usual[:, np.newaxis]

    @functools.cached_property
    def _directions(self):
        """QRS complexes of all leads as unit vectors, of shape (n_beats, n_leads * n_window)."""
        flat = self.qrs.reshape(len(self), -1)
        return flat / np.linalg.norm(flat, axis=1, keepdims=True)

    @functools.cached_property
    def sample(self):
        """Places of some hundred beats at most, all over the record, to compare each with each."""
        n_sample = min(len(self), _MOST_COMPARED)
        return np.linspace(0, len(self) - 1, n_sample).round().astype(np.intp)

    @functools.cached_property
    def similarity(self):
        """Correlation of every sampled beat with every other, over all leads."""
        directions = self._directions[self.sample]
        return directions @ directions.T

    @functools.cached_property
    def is_main(self):
        """Whether a beat has the shape of the beat that most others resemble."""
        alike = (self.similarity > ALIKE).sum(axis=1) + self.similarity.mean(axis=1)
        main = self.sample[np.argmax(alike)]
        is_main = self._directions @ self._directions[main] > ALIKE
        is_main[main] = True
        return is_main

    @functools.cached_property
    def main_beat(self):
        """Median of the beats of the main shape, of shape (n_leads, n_window)."""
        return nan_median(self.windows[self.is_main], axis=0)

    @functools.cached_property
    def correlation(self):
        """Correlation of each beat's QRS with the main beat's, (n_beats, n_leads)."""
        main = nan_median(self.qrs[self.is_main], axis=0)
        product = (self.qrs * main).sum(axis=-1)
        size = np.linalg.norm(self.qrs, axis=-1) * np.linalg.norm(main, axis=-1)
        return product / size

    @functools.cached_property
    def deviation(self):
        """Distance of each beat's QRS from the main beat's, over its size, (n_beats, n_leads)."""
        main = nan_median(self.qrs[self.is_main], axis=0)
        return np.linalg.norm(self.qrs - main, axis=-1) / np.linalg.norm(main, axis=-1)

    def windowed(self, signal, before_ms, after_ms):
        """Cut `signal` around the R peaks; NaN outside the record."""
        return take_windows(signal, self.r_peaks, int(before_ms / MS), int(after_ms / MS))

"""The beats of one record, for all groups of features."""

import functools

import numpy as np
from scipy import ndimage

from sklearn_ecg.features._quality import CheckedSignal
from sklearn_ecg.features._r_peaks import find_beats, to_working_rate
from sklearn_ecg.features._statistics import nan_mean, nan_median, quantiles
from sklearn_ecg.features._wave_network import RATE as WORKING_RATE
from sklearn_ecg.features._waves import find_blocked_p_waves, find_stretches, find_waves

#: Milliseconds per sample. All records are measured at one rate, so that features are comparable.
MS = 1000 / WORKING_RATE

#: Two beats have the same shape if their QRS complexes correlate better than this.
ALIKE = 0.9

_MOST_COMPARED = 400
_NEIGHBOURS = 15  # intervals that make the usual interval around a beat
_LEAST_SHOWN = 0.5  # of the leads must show a beat, or it is not measured
_SHORTEST_GAP_S = 0.1  # a longer gap may hide a beat

#: Bounds of a beat over all leads: these quantiles of the leads' bounds. One outlier among twelve
#: leads then has half of its effect.
_BOUNDS = {
    "p_onset": 0.05,
    "p_offset": 0.95,
    "qrs_onset": 0.05,
    "qrs_offset": 0.95,
    "t_onset": 0.05,
    "t_peak": 0.5,
    "t_offset": 0.95,
}
_LEAST_OF_LEADS = 1 / 3  # of the leads must show a wave; it may be too flat in the others

#: Samples of a beat's window before and after R: 252 ms and 400 ms.
BEFORE, AFTER = 63, 100
#: The part of the window for comparing shapes, -120 to +160 ms, and the part with the P wave.
QRS = slice(BEFORE - 30, BEFORE + 41)
P_REGION = slice(BEFORE - 55, BEFORE - 22)


class HeartBeats:
    """The usable leads of one record at the working rate, cut into beats.

    A beat that an end of the record cuts off, or a gap in more than half of the leads, is used for
    the rhythm only: it is in `all_r_peaks` and `all_r_times`, but not in the other attributes. If a
    gap cuts off a beat in some leads, its waves and windows are NaN in these leads.

    Parameters
    ----------
    signal : ndarray of shape (n_leads, n_times)
        One record in mV.
    sampling_rate : float
        Samples per second (Hz).
    r_peaks : ndarray of shape (n_all_beats,), default=None
        R peaks in samples of `signal`, also fractions; by default they are detected.
    network : WaveNetwork, default=None
        By default the network of the package.

    Attributes
    ----------
    checked : CheckedSignal
        The signal at its own rate, and its usable leads.
    filtered : ndarray of float32 of shape (n_usable_leads, n_times)
        The usable leads at the working rate, from 0.5 to 40 Hz.
    all_r_times : ndarray of float64 of shape (n_all_beats,)
        Times of all beats in samples, also fractions; all RR intervals come from them.
    all_r_peaks : ndarray of int of shape (n_all_beats,)
        The nearest samples, around which windows are cut.
    is_whole : ndarray of bool of shape (n_all_beats,)
        The mask of beats that are measured.
    r_peaks : ndarray of int of shape (n_beats,)
        The R peaks of the measured beats.
    shown : ndarray of bool of shape (n_usable_leads, n_beats)
        Whether a lead shows a beat without a gap.
    """

    def __init__(self, signal, sampling_rate, *, r_peaks=None, network=None):
        self.checked = CheckedSignal(signal, sampling_rate)
        self._seen = find_beats(self.checked, network)
        self.filtered, self.all_r_times = self._seen.filtered, self._seen.r_times
        self.all_r_peaks = self._seen.r_peaks
        if r_peaks is not None and self.filtered.size:
            given = to_working_rate(r_peaks, sampling_rate, self.filtered.shape[1])
            self.all_r_peaks, places = np.unique(given, return_index=True)
            self.all_r_times = np.asarray(r_peaks)[places] * (WORKING_RATE / sampling_rate)
        shown = self._are_shown(sampling_rate)
        enough = np.count_nonzero(shown, axis=0) >= _LEAST_SHOWN * len(shown)
        self.is_whole = self._are_inside() & enough
        self.r_peaks = self.all_r_peaks[self.is_whole]
        self.shown = shown[:, self.is_whole]

    def __len__(self):
        return len(self.r_peaks)

    @property
    def filtered_without_gaps(self):
        """The part of `filtered` at times when all leads were recorded."""
        if self.checked.recorded is None:
            return self.filtered
        everywhere = self.checked.recorded[self.checked.usable].all(axis=0)
        times = np.arange(self.filtered.shape[1]) * (self.checked.sampling_rate / WORKING_RATE)
        return self.filtered[:, everywhere[np.minimum(times.astype(int), len(everywhere) - 1)]]

    def _are_inside(self):
        """Whether the record holds the whole QRS window of a beat."""
        start, end = self.all_r_peaks + QRS.start - BEFORE, self.all_r_peaks + QRS.stop - BEFORE
        return (start >= 0) & (end <= self.filtered.shape[1])

    def _are_shown(self, sampling_rate):
        """Whether a lead shows a beat without a gap, of shape (n_usable_leads, n_all_beats)."""
        if self.checked.recorded is None:
            return np.ones((len(self.filtered), len(self.all_r_peaks)), dtype=bool)
        start, end = self.all_r_peaks - BEFORE, self.all_r_peaks + AFTER + 1
        missing = ~self.checked.recorded[self.checked.usable]
        return _count(missing, start, end, sampling_rate) == 0

    @functools.cached_property
    def rr_ms(self):
        """Intervals between all beats in ms; NaN across a gap of all leads."""
        rr = np.diff(self.all_r_times) * MS
        if self.checked.recorded is not None and len(rr):
            lost = ~self.checked.recorded[self.checked.usable].any(axis=0)
            start, end = self.all_r_peaks[:-1], self.all_r_peaks[1:]
            rate = self.checked.sampling_rate
            rr[_count(lost, start, end, rate) > _SHORTEST_GAP_S * rate] = np.nan
        return rr

    @functools.cached_property
    def _all_prematurity(self):
        prematurity = np.full(len(self.all_r_peaks), np.nan)
        known = np.flatnonzero(~np.isnan(self.rr_ms))
        if len(known) > 1:
            rr = self.rr_ms[known]
            usual = ndimage.median_filter(rr, size=min(_NEIGHBOURS, len(rr)), mode="reflect")
            prematurity[known + 1] = rr / usual
        return prematurity

    @functools.cached_property
    def prematurity(self):
        """Interval before each beat divided by the usual one around it; NaN if unknown."""
        return self._all_prematurity[self.is_whole]

    @functools.cached_property
    def rr_after(self):
        """Interval after each beat divided by the usual one."""
        return np.append(self._all_prematurity[1:], np.nan)[self.is_whole]

    @functools.cached_property
    def next_r_peaks(self):
        """Sample of the next beat; NaN for the last beat and across a gap."""
        following = np.where(np.isnan(self.rr_ms), np.nan, self.all_r_peaks[1:])
        return np.append(following, np.nan)[self.is_whole]

    @functools.cached_property
    def _stretches(self):
        return find_stretches(self._seen.waves)

    @functools.cached_property
    def _all_waves(self):
        return find_waves(self._stretches, self._seen.waves, self._seen.peaks, self.all_r_peaks)

    @functools.cached_property
    def waves(self):
        """Bounds and peaks of the waves in samples, per lead and beat."""
        waves = {name: samples[:, self.is_whole] for name, samples in self._all_waves.items()}
        if not self.shown.all():
            waves = {name: np.where(self.shown, s, np.nan) for name, s in waves.items()}
        return waves

    @functools.cached_property
    def bounds(self):
        """Bounds of the waves over all leads in samples, each of shape (n_beats,).

        They are the earliest onset and the latest end of the leads without outliers, as recorders
        print them, and the median of the T peaks. NaN if too few leads show the wave.
        """
        places = np.stack([self.waves[name] for name in _BOUNDS])  # (n_bounds, n_leads, n_beats)
        qs = sorted(set(_BOUNDS.values()))
        found = dict(zip(qs, quantiles(places, qs, axis=1), strict=True))
        in_leads = np.count_nonzero(~np.isnan(places), axis=1)
        is_there = in_leads >= _LEAST_OF_LEADS * np.count_nonzero(self.shown, axis=0)
        return {
            name: np.where(is_there[i], found[q][i], np.nan)
            for i, (name, q) in enumerate(_BOUNDS.items())
        }

    @functools.cached_property
    def p_times(self):
        """Peaks of all P waves, also blocked ones, in samples and ascending order."""
        own = self._all_waves["p_peak"]
        seen = np.count_nonzero(~np.isnan(own), axis=0) >= _LEAST_OF_LEADS * len(own)
        blocked = find_blocked_p_waves(
            self._stretches, self._seen.waves, self._seen.peaks, self._all_waves
        )
        times = [nan_median(own[:, seen], axis=0), nan_median(blocked["p_peak"], axis=0)]
        return np.sort(np.concatenate(times))

    @functools.cached_property
    def qrs_ms(self):
        """QRS duration of each beat over all leads, in ms."""
        return (self.bounds["qrs_offset"] - self.bounds["qrs_onset"]) * MS

    @functools.cached_property
    def usual_qrs_ms(self):
        """Median QRS duration of the beats of the main shape, in ms."""
        return nan_median(self.qrs_ms[self.is_main])

    @functools.cached_property
    def windows(self):
        """Beats from -252 to +400 ms around R, (n_leads, n_beats, n_window); padded at the ends."""
        index = self.r_peaks[:, np.newaxis] + np.arange(-BEFORE, AFTER + 1)
        windows = self.filtered.take(index, axis=1, mode="clip")
        if not self.shown.all():
            windows[~self.shown] = np.nan
        return windows

    @functools.cached_property
    def qrs(self):
        """Beats from -120 to +160 ms around R, without their mean; unit median energy per lead."""
        qrs = self.windows[..., QRS]
        qrs = qrs - qrs.mean(axis=-1, keepdims=True)
        usual = np.sqrt(nan_median(_energy(qrs), axis=1))
        return qrs / usual[:, np.newaxis, np.newaxis]

    @functools.cached_property
    def _directions(self):
        """QRS complexes of all leads as unit vectors, of shape (n_beats, n_leads * n_window)."""
        flat = _nan_to_zero(self.qrs.transpose(1, 0, 2).reshape(len(self), -1))
        return flat / np.linalg.norm(flat, axis=1, keepdims=True)

    @functools.cached_property
    def sample(self):
        """Indices of at most 400 beats, spread over the record, to compare each with each."""
        n_sample = min(len(self), _MOST_COMPARED)
        return np.linspace(0, len(self) - 1, n_sample).round().astype(np.intp)

    @functools.cached_property
    def similarity(self):
        """Correlation of each pair of sampled beats, over all leads."""
        return self._similarities(self.sample, self.sample)

    def _similarities(self, some, others):
        """Correlate beats with others over the leads that show both, (n_some, n_others)."""
        product = self._directions[some] @ self._directions[others].T
        if self.shown.all():
            return product
        by_lead = self._directions.reshape(len(self), len(self.shown), -1)
        energy, shown = _energy(by_lead), self.shown.T.astype(float)
        shared = (energy[some] @ shown[others].T) * (energy[others] @ shown[some].T).T
        return _nan_to_zero(product / np.sqrt(shared))

    @functools.cached_property
    def is_main(self):
        """Whether a beat has the main shape, that of the beat most similar to the others."""
        alike = (self.similarity > ALIKE).sum(axis=1) + self.similarity.mean(axis=1)
        main = self.sample[np.argmax(alike)]
        is_main = self._similarities(slice(None), [main])[:, 0] > ALIKE
        is_main[main] = True
        return is_main

    @functools.cached_property
    def main_beat(self):
        """Median of the beats of the main shape, of shape (n_leads, n_window)."""
        return nan_median(self.windows[:, self.is_main], axis=1)

    @functools.cached_property
    def _main_qrs(self):
        return nan_median(self.qrs[:, self.is_main], axis=1)[:, np.newaxis]

    @functools.cached_property
    def correlation(self):
        """Correlation of each beat's QRS with that of the main beat, (n_leads, n_beats)."""
        product = np.einsum("lbt,lt->lb", self.qrs, self._main_qrs[:, 0])
        return product / np.sqrt(_energy(self.qrs) * _energy(self._main_qrs))

    @functools.cached_property
    def deviation(self):
        """Relative distance of each beat's QRS from that of the main beat, (n_leads, n_beats)."""
        return np.sqrt(_energy(self.qrs - self._main_qrs) / _energy(self._main_qrs))

    @functools.cached_property
    def oddness(self):
        """Mean deviation over the leads that show the beat, (n_beats,)."""
        return _nan_to_zero(nan_mean(self.deviation, axis=0))

    @functools.cached_property
    def p_correlation(self):
        """Correlation of each beat's P region with the usual one, over all leads, (n_beats,)."""
        region = self.windows[..., P_REGION]
        region = region - region.mean(axis=-1, keepdims=True)
        usual = self.main_beat[:, P_REGION]
        usual = usual - usual.mean(axis=-1, keepdims=True)
        product = nan_mean(np.einsum("lbt,lt->lb", region, usual), axis=0)
        usual_energy = np.where(self.shown, _energy(usual)[:, np.newaxis], np.nan)
        return product / np.sqrt(nan_mean(_energy(region), axis=0) * nan_mean(usual_energy, axis=0))


def _energy(signals):
    return np.einsum("...t,...t->...", signals, signals)


def _nan_to_zero(values):
    return np.where(np.isnan(values), 0, values)


def _count(flags, start, end, sampling_rate):
    """Count the flags between times at the working rate; `flags` have the record's rate."""
    total = np.zeros((*flags.shape[:-1], flags.shape[-1] + 1), dtype=np.intp)
    np.cumsum(flags, axis=-1, out=total[..., 1:])
    places = np.round(np.stack([start, end]) * (sampling_rate / WORKING_RATE)).astype(np.intp)
    before_start, before_end = np.clip(places, 0, flags.shape[-1])
    return total[..., before_end] - total[..., before_start]

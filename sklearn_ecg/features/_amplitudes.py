"""Features of the waves in each lead: amplitudes, areas and shape."""

import numpy as np

from sklearn_ecg.features._heart_beats import BEFORE, MS, QRS, WORKING_RATE
from sklearn_ecg.features._statistics import nan_median, nan_spread

_QRS_FROM, _QRS_TO = 25, 40  # samples of the QRS window around R: 100 ms and 160 ms
_SPECTRUM = 128  # points of the Fourier transform of a QRS complex: bins of 2 Hz
_FREQUENCIES = np.fft.rfftfreq(_SPECTRUM, 1 / WORKING_RATE)[:, np.newaxis]
_BANDS = ((_FREQUENCIES >= [0, 10, 25]) & (_FREQUENCIES < [10, 25, 41])).astype(float)
_BAND_NAMES = ("QRS_energy_below_10Hz", "QRS_energy_10_25Hz", "QRS_energy_above_25Hz")
_TAPER = np.hanning(QRS.stop - QRS.start)
_FLAT_SHARE = 0.05  # of the QRS, peak to peak: smaller deflections are not waves
_STEPS = np.linspace(0, 1, 13)[:, np.newaxis, np.newaxis]  # few points, as P and T waves are smooth


def amplitude_features(beats):
    """Measure each lead; every value is the median over the beats, of shape (n_leads,)."""
    waves = beats.waves
    # The zero level is taken in the PR segment, 8 ms before the QRS.
    p_length, t_length = (waves[f"{w}_offset"] - waves[f"{w}_onset"] for w in "pt")
    j_point = waves["qrs_offset"]
    single = [waves["qrs_onset"] - 2, waves["p_peak"], waves["t_peak"]]
    single += [j_point, j_point + 15, j_point + 20]  # and 60 and 80 ms after it
    along_p = waves["p_onset"] + _STEPS * p_length
    along_t = waves["t_onset"] + _STEPS * t_length
    values = _values_at(beats.filtered, np.concatenate([np.stack(single), along_p, along_t]))
    level, p, t, j, st60, st80 = values[:6]
    p_wave, t_wave = np.split(values[6:], 2)
    p_wave, t_chord = _over_chord(p_wave), _over_chord(t_wave)
    by_beat = _QRSComplex(beats, level).measure() | {
        "P_amplitude_mV": p - level,
        "J_amplitude_mV": j - level,
        "ST60_amplitude_mV": st60 - level,
        "ST80_amplitude_mV": st80 - level,
        "ST_slope_mV_per_s": (st80 - j) / 0.08,
        "T_amplitude_mV": t - level,
        "P_area_mV_ms": _mean(p_wave) * p_length * MS,
        "T_area_mV_ms": _mean(t_wave - level) * t_length * MS,
        "T_asymmetry": (waves["t_peak"] - waves["t_onset"]) / t_length,
        "T_negative_share": -np.minimum(t_chord, 0).sum(axis=0) / np.abs(t_chord).sum(axis=0),
        "QRS_duration_ms": (waves["qrs_offset"] - waves["qrs_onset"]) * MS,
    }
    medians = nan_median(np.stack(list(by_beat.values())))
    features = dict(zip(by_beat, medians, strict=True))
    features["R_amplitude_SD_mV"], features["T_amplitude_SD_mV"] = nan_spread(
        np.stack([by_beat["R_amplitude_mV"], by_beat["T_amplitude_mV"]])
    )
    r, q = features["R_amplitude_mV"], -features["Q_amplitude_mV"]
    features["R_share"] = r / (r + features.pop("negative"))
    features["Q_share"] = q / (q + r)
    features["T_to_QRS_ratio"] = features["T_amplitude_mV"] / features["QRS_peak_to_peak_mV"]
    return features | _band_shares(beats.main_beat)


def _values_at(signal, samples):
    """Return the signal at the given samples (..., n_leads, n_beats), NaN outside of the record."""
    n_leads, n_times = signal.shape
    known = (samples >= 0) & (samples < n_times)
    index = np.where(known, samples, 0).astype(np.intp)
    index += np.arange(0, n_leads * n_times, n_times)[:, np.newaxis]
    return np.where(known, signal.ravel()[index], np.nan)


def _over_chord(wave):
    """Return a wave, sampled along the first axis, minus the line from its onset to its end."""
    return wave - wave[0] - _STEPS * (wave[-1] - wave[0])


def _mean(wave):
    """Return the mean over a wave by the trapezoidal rule."""
    return (wave.sum(axis=0) - (wave[0] + wave[-1]) / 2) / (len(wave) - 1)


class _QRSComplex:
    """QRS complexes of shape (n_leads, n_beats, n_window) minus their PR level, 0 outside."""

    def __init__(self, beats, level):
        window = beats.windows[..., BEFORE - _QRS_FROM : BEFORE + _QRS_TO + 1]
        place = np.arange(window.shape[-1], dtype=np.int16)
        first = np.ceil(beats.waves["qrs_onset"] - beats.r_peaks) + _QRS_FROM
        last = np.floor(beats.waves["qrs_offset"] - beats.r_peaks) + _QRS_FROM
        first, last = np.maximum(first, 0), np.minimum(last, len(place) - 1)
        self.known = ~np.isnan(level) & (last >= first)
        self.first = np.where(self.known, first, 0).astype(np.int16)[..., np.newaxis]
        self.last = np.where(self.known, last, -1).astype(np.int16)[..., np.newaxis]
        self.place = place
        inside = (place >= self.first) & (place <= self.last)
        level = np.where(self.known, level, 0).astype(window.dtype)
        self.values = (window - level[..., np.newaxis]) * inside
        # The steps into and out of a complex do not belong to it.
        self.steps = (self.values[..., 1:] - self.values[..., :-1]) * (
            inside[..., 1:] & inside[..., :-1]
        )

    def measure(self):
        """Return features per beat, each of shape (n_leads, n_beats)."""
        # A wave that does not cross the level is absent, and its amplitude is 0.
        r = np.maximum(self.values.max(axis=-1), 0)
        is_before = self.place <= self.values.argmax(axis=-1)[..., np.newaxis]
        size = r - np.minimum(self.values.min(axis=-1), 0)
        # A complex without R is a QS, and counts as Q.
        is_before |= (r < _FLAT_SHARE * size)[..., np.newaxis]
        before = self.values * is_before
        after = self.values - before
        q, s = np.minimum(before.min(axis=-1), 0), np.minimum(after.min(axis=-1), 0)
        is_low = self.values < -_FLAT_SHARE * size[..., np.newaxis]
        q_length = np.count_nonzero(is_low & is_before, axis=-1)
        s_length = np.count_nonzero(is_low, axis=-1) - q_length
        way = np.abs(self.values)
        shares = self._early_and_late_areas() / way.sum(axis=-1)
        measured = {
            "R_amplitude_mV": r,
            "Q_amplitude_mV": q,
            "S_amplitude_mV": s,
            "negative": -np.minimum(q, s),
            "QRS_peak_to_peak_mV": size,
            "R2_amplitude_mV": self._second_r(before, after, q_length, s_length),
            "QRS_area_mV_ms": self.values.sum(axis=-1) * MS,
            "Q_duration_ms": q_length * MS,
            "S_duration_ms": s_length * MS,
            "R_peak_time_ms": (way.argmax(axis=-1) - self.first[..., 0]) * MS,
            "QRS_path_ratio": np.abs(self.steps).sum(axis=-1) / size,
            "QRS_notches": self._notches(size),
            "QRS_early_area_share": shares[0],
            "QRS_late_area_share": shares[1],
        }
        values = np.where(self.known, np.stack(list(measured.values())), np.nan)
        return dict(zip(measured, values, strict=True))

    def _second_r(self, before, after, q_length, s_length):
        """Return the height of the wave before Q or after S, above the ends of the QRS."""
        start, end = (
            np.maximum(np.take_along_axis(self.values, np.maximum(place, 0), -1)[..., 0], 0)
            for place in (self.first, self.last)
        )
        to_q = self.place <= before.argmin(axis=-1)[..., np.newaxis]
        from_s = self.place >= after.argmin(axis=-1)[..., np.newaxis]
        early = (before * to_q).max(axis=-1) - start
        late = (after * from_s).max(axis=-1) - end
        return np.maximum(0, np.maximum(early * (q_length > 0), late * (s_length > 0)))

    def _early_and_late_areas(self):
        """Return the signed areas of the first and the last 40 ms.

        The late area tells right from left bundle branch block in V1.
        """
        n = round(40 / MS)
        early = (self.values * (self.place < self.first + n)).sum(axis=-1)
        late = (self.values * (self.place > self.last - n)).sum(axis=-1)
        return np.stack([early, late])

    def _notches(self, size):
        """Count the turning points larger than 3 % of the usual QRS."""
        # Coarse steps of 3 samples keep noise from counting as a notch.
        n_steps = self.steps.shape[-1] // 3
        coarse = self.steps[..., : 3 * n_steps]
        coarse = coarse[..., ::3] + coarse[..., 1::3] + coarse[..., 2::3]
        usual = nan_median(np.where(self.known, size, np.nan))
        moves = np.abs(coarse) > 0.03 * usual[:, np.newaxis, np.newaxis]
        # Each step is compared with the last large step before it.
        place = np.maximum.accumulate(np.arange(n_steps) * moves, axis=-1)[..., :-1]
        previous = np.take_along_axis(coarse, place, -1)
        turns = moves[..., 1:] & (coarse[..., 1:] * previous < 0)
        return np.count_nonzero(turns, axis=-1).astype(float)


def _band_shares(main_beat):
    """Return the shares of the main QRS's energy in frequency bands: wide beats have low ones."""
    qrs = main_beat[:, QRS]
    qrs = (qrs - qrs.mean(axis=-1, keepdims=True)) * _TAPER
    power = np.abs(np.fft.rfft(qrs, _SPECTRUM)) ** 2
    energy = (power @ _BANDS).T
    return dict(zip(_BAND_NAMES, energy / energy.sum(axis=0), strict=True))

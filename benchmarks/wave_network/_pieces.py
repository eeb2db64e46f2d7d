"""P waves and QRST complexes by themselves, cut out of marked records or drawn."""

import dataclasses

import numpy as np

from sklearn_ecg.features._wave_network import RATE

_P, _QRS, _T = 1, 2, 3
_MARGIN = 2  # samples around a wave that are cut out with it
_REACH = 10  # samples by which a lead's wave may begin before the usual onset, or end later
_P_BEFORE, _T_AFTER = round(0.5 * RATE), round(0.7 * RATE)  # of an R peak
_VISIBLE = 0.018  # of the usual QRS: what is smaller, nobody marks
# Where exactly a wave begins and ends, real records teach: so much of a drawn wave's width at
# either end, and this many samples outside, count for neither.
_FOOT, _OUTSIDE = 0.18, 2
_N_LEADS = 12


@dataclasses.dataclass
class Piece:
    """A P wave, or a QRS complex with its T wave, in all leads of a record.

    `start` is the sample of its first onset; what follows `bend` may be stretched, as QT is by
    the rate. `peak` is the sample of the P or T peak in each lead, NaN where there is none; None
    for a drawn piece: which of two lobes is the peak, real records teach.
    """

    signal: np.ndarray  # (n_leads, n_times)
    waves: np.ndarray  # (n_leads, n_times)
    peak: np.ndarray | None  # (n_leads,)
    start: int
    bend: int
    r_peak: int = 0

    def stretched(self, factor):
        """Return the piece with all after `bend` longer by a factor."""
        n_times = self.signal.shape[1]
        n_new = self.bend + max(2, round((n_times - self.bend) * factor))
        times = np.arange(n_new, dtype=float)
        times[self.bend :] = np.linspace(self.bend, n_times - 1, n_new - self.bend)
        before = np.minimum(times.astype(np.intp), n_times - 2)
        share = times - before
        signal = self.signal[:, before] * (1 - share) + self.signal[:, before + 1] * share
        peak = self.peak
        if peak is not None:
            peak = np.where(peak > self.bend, self.bend + (peak - self.bend) * factor, peak)
        return dataclasses.replace(
            self, signal=signal, waves=self.waves[:, np.round(times).astype(np.intp)], peak=peak
        )


def cut_pieces(example):
    """Return the P waves and the QRST complexes of a marked record, as two lists of `Piece`."""
    p_waves, complexes = [], []
    known = np.nan_to_num(example.beats)
    is_top = (known[1:-1] >= known[:-2]) & (known[1:-1] > known[2:])
    r_peaks = np.flatnonzero((known[1:-1] > 0.9) & is_top) + 1
    for r_peak in r_peaks[np.diff(r_peaks, prepend=-RATE) > RATE // 5]:
        first, stop = r_peak - _P_BEFORE, r_peak + _T_AFTER
        if first < 0 or stop > example.waves.shape[1]:
            continue
        p_wave = _run(example.waves[:, first:r_peak], _P, -1)
        if p_wave is not None:
            p_waves.append(_cut(example, first + p_wave[0], first + p_wave[1], 0))
        qrs = _run(example.waves[:, r_peak - RATE // 6 : r_peak + RATE // 5], _QRS, -1)
        t_wave = _run(example.waves[:, r_peak:stop], _T, 0)
        if qrs is not None and t_wave is not None:
            onset, offset = r_peak - RATE // 6 + np.array(qrs)
            complexes.append(_cut(example, onset, r_peak + t_wave[1], 1, offset, r_peak))
    return p_waves, complexes


def _run(waves, kind, which):
    """Return start and stop of a run of samples at which leads are marked, or None."""
    inside = np.median(waves == kind, axis=0) > 0.4 if len(waves) > 2 else (waves == kind).any(0)
    edges = np.flatnonzero(np.diff(np.r_[0, inside.astype(np.int8), 0]))
    return tuple(edges.reshape(-1, 2)[which]) if len(edges) else None


def _cut(example, onset, offset, peaks, bend=None, r_peak=0):
    """Cut out what lies between the bounds, without the straight line below it."""
    # The leads differ: what is marked beyond the usual bounds comes along.
    start = max(0, onset - _REACH)
    reach = start + np.flatnonzero((example.waves[:, start : offset + _REACH] > 0).any(axis=0))
    first = max(start, reach[0] - _MARGIN)
    stop = min(example.waves.shape[1], offset + _REACH, reach[-1] + 1 + _MARGIN)
    signal = example.signal[:, first:stop]
    line = np.linspace(signal[:, :2].mean(axis=1), signal[:, -2:].mean(axis=1), signal.shape[1]).T
    waves = example.waves[:, first:stop].copy()
    kinds = (_P,) if peaks == 0 else (_QRS, _T, -1)
    waves[~np.isin(waves, kinds)] = 0
    bumps = example.peaks[peaks, :, first:stop]
    peak = np.where(bumps.max(axis=1) > 0.8, bumps.argmax(axis=1), np.nan)
    bend = stop - first if bend is None else min(bend - first, stop - first - 2)
    return Piece(signal - line, waves, peak, onset - first, bend, r_peak - first)


def draw_p_wave(rng, leads):
    """Draw a P wave of one or two lobes, 60 to 160 ms wide."""
    width = rng.uniform(0.06, 0.16) * RATE
    size = np.exp(rng.uniform(np.log(0.04), np.log(0.35)))
    main = _vector(rng)
    lobes = [(0, width, size * main)]
    if rng.random() < 0.5:
        part = rng.uniform(0.5, 0.75)
        other = main + rng.uniform(0.2, 1.5) * _vector(rng)
        lobes = [(0, part * width, size * main), ((1 - part) * width, part * width, size * other)]
    signal = _draw(lobes, leads, int(width) + 6)
    return Piece(signal, _mark(signal, 2, 2 + width, _P), None, 2, signal.shape[1])


def draw_complex(rng, leads, wide=None):
    """Draw a QRS complex of two to five lobes, its T wave, and at times a U wave."""
    wide = rng.random() < 0.25 if wide is None else wide
    width = (rng.uniform(0.12, 0.2) if wide else rng.uniform(0.06, 0.12)) * RATE
    n_lobes = rng.integers(2, 6)
    starts = np.sort(rng.uniform(0, 0.6, n_lobes)) * width
    starts[0] = 0
    lobes = []
    for number, start in enumerate(starts):
        stop = width if number == n_lobes - 1 else min(width, start + rng.uniform(0.3, 0.7) * width)
        lobes.append((start, stop - start, rng.uniform(0.2, 1) * _vector(rng)))
    t_width = rng.uniform(0.1, 0.26) * RATE
    t_start = width + rng.uniform(0.01, 0.16) * RATE
    size = np.exp(rng.uniform(np.log(0.06), np.log(0.7))) * (1.5 if wide else 1)
    size *= rng.random() > 0.1  # of simulations, many have no T waves
    main = _vector(rng)
    t_lobes = [(t_start, t_width, size * main, rng.uniform(0.8, 2.2))]
    if rng.random() < 0.15:  # biphasic
        half = t_width / 2
        t_lobes = [(t_start, 1.1 * half, size * main), (t_start + 0.9 * half, half, -size * main)]
    n_times = int(t_start + t_width) + 6
    others = []
    if rng.random() < 0.3:  # ST leaves the baseline
        rise = width * rng.uniform(0.6, 1)
        others.append((rise, t_start + t_width - rise, rng.uniform(-0.2, 0.2) * _vector(rng)))
    if rng.random() < 0.2:  # a U wave
        u_width = rng.uniform(0.08, 0.16) * RATE
        u_start = t_start + t_width + rng.uniform(-0.01, 0.05) * RATE
        others.append((u_start, u_width, rng.uniform(0.02, 0.08) * _vector(rng)))
        n_times = int(u_start + u_width) + 6
    qrs, t_wave = _draw(lobes, leads, n_times), _draw(t_lobes, leads, n_times)
    waves = _mark(qrs, 2, 2 + width, _QRS)
    t_marks = _mark(t_wave, 2 + t_start, 2 + t_start + t_width, _T)
    signal = qrs + t_wave + _draw(others, leads, n_times)
    size = np.median(np.ptp(qrs, axis=1))
    r_peak = int(np.abs(qrs).sum(axis=0).argmax())
    waves = np.where(waves == 0, t_marks, waves)
    return Piece(signal / size, waves, None, 2, int(2 + width), r_peak)


def draw_leads(rng):
    """Draw the directions in which leads look at the heart."""
    leads = rng.normal(size=(_N_LEADS, 3))
    return leads / np.linalg.norm(leads, axis=1, keepdims=True)


def _vector(rng):
    vector = rng.normal(size=3)
    return vector / np.linalg.norm(vector)


def _draw(lobes, leads, n_times):
    """Add up raised cosines (start, width, direction, and how lopsided), in all leads."""
    signal, times = np.zeros((len(leads), n_times)), np.arange(n_times)
    for start, width, direction, *skew in lobes:
        x = np.clip((times - 2 - start) / max(width, 2), 0, 1)
        x = 1 - (1 - x) ** (1 / skew[0]) if skew else x
        signal += (leads @ direction)[:, np.newaxis] * (0.5 - 0.5 * np.cos(2 * np.pi * x))
    return signal


def _mark(signal, onset, offset, kind):
    """Return what is marked, in the leads that show it."""
    foot = _FOOT * (offset - onset)
    waves = np.zeros(signal.shape, np.int8)
    shows = np.ptp(signal, axis=1) > _VISIBLE
    waves[:, max(0, round(onset) - _OUTSIDE) : round(offset) + _OUTSIDE + 1] = -1
    waves[shows, round(onset + foot) : round(offset - foot) + 1] = kind
    return waves

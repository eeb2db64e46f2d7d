"""Records put together from P waves and QRST complexes, so that every wave is known."""

import numpy as np

from benchmarks.wave_network._examples import Example, bumps
from benchmarks.wave_network._pieces import cut_pieces, draw_complex, draw_leads, draw_p_wave
from benchmarks.wave_network._rhythms import draw_rhythm
from sklearn_ecg.features._wave_network import RATE, scale_leads
from sklearn_ecg.preprocessing import bandpass

_SECONDS = 10
_N_TIMES = _SECONDS * RATE
_P, _QRS, _T = 1, 2, 3
_HIDING = 0.6  # of a P wave's size: noise of so large a standard deviation hides it


def compose_records(marked, n_of_real, n_drawn, seed):
    """Compose records from the pieces of marked ones, and from drawn pieces.

    Parameters
    ----------
    marked : list of Example
        Whose waves are marked. What is composed of a record counts as its patient's.
    n_of_real : int
        Records composed of each marked record.
    n_drawn : int
    seed : int

    Returns
    -------
    list of Example
    """
    rng = np.random.default_rng(seed)
    composed = []
    for example in marked:
        p_waves, complexes = cut_pieces(example)
        if not complexes:
            continue
        for _ in range(n_of_real):
            composed.append(_compose(rng, example, p_waves, complexes))
    for number in range(n_drawn):
        leads = draw_leads(rng)
        p_waves = [draw_p_wave(rng, leads)]
        complexes = [draw_complex(rng, leads)]
        source = Example("drawn", f"drawn {number}", f"drawn {number}", np.empty((len(leads), 0)))
        composed.append(_compose(rng, source, p_waves, complexes))
    return composed


def _compose(rng, source, p_waves, complexes):
    rhythm = draw_rhythm(rng, _SECONDS)
    n_leads = len(source.signal)
    leads = draw_leads(rng)[:n_leads]
    other_p, other_complex = draw_p_wave(rng, leads), draw_complex(rng, leads, wide=True)
    canvas = _Canvas(n_leads)
    gain = np.exp(rng.normal(0, 0.3))
    stretch = _usual_stretch(rng, rhythm, complexes)
    for time, kind in zip(rhythm.beat_times, rhythm.beat_kind, strict=True):
        piece = other_complex if kind else complexes[rng.integers(len(complexes))]
        canvas.add_complex(piece.stretched(stretch * np.exp(0.03 * rng.normal())), time)
        if rhythm.v_spikes:
            canvas.add_spike(rng, time - rng.uniform(0, 0.02))
    for time, kind in zip(rhythm.p_times, rhythm.p_kind, strict=True):
        piece = other_p if kind or not p_waves else p_waves[rng.integers(len(p_waves))]
        canvas.add_p_wave(piece, time, 1.0 if kind else gain)
        if rhythm.a_spikes:
            canvas.add_spike(rng, time - rng.uniform(0, 0.04))
    if rhythm.between:
        canvas.signal += _atrial_waves(rng, rhythm.between, n_leads)
    noise = _disturb(rng, canvas)
    hidden = (noise > _HIDING * canvas.p_size) & (canvas.waves == _P)
    canvas.waves[hidden] = -1
    signal = scale_leads(bandpass(canvas.signal, RATE, 0.5, 40, new_rate=RATE))
    return Example(
        source="composed",
        id=f"{source.id} as {rhythm.name}",
        patient=source.patient,
        signal=signal.astype(np.float16),
        beats=bumps(canvas.r_peaks, _N_TIMES),
        waves=canvas.waves,
        peaks=canvas.peaks.astype(np.float16),
    )


class _Canvas:
    """A record in the making."""

    def __init__(self, n_leads):
        self.signal = np.zeros((n_leads, _N_TIMES))
        self.waves = np.zeros((n_leads, _N_TIMES), np.int8)
        self.peaks = np.zeros((2, *self.signal.shape), np.float32)
        self.r_peaks = []
        self.p_size = np.zeros((n_leads, 1))  # of the largest, in each lead

    def add_complex(self, piece, time):
        first = round(time * RATE) - piece.start
        self._add(piece, first, 1.0)
        # The next QRS complex covers the end of a T wave, and a P wave does too.
        self._mark(piece, first)
        self.r_peaks.append(first + piece.r_peak)
        self._mark_peaks(piece, first, _T)

    def add_p_wave(self, piece, time, gain):
        first = round(time * RATE) - piece.start
        self._add(piece, first, gain)
        size = gain * np.ptp(piece.signal, axis=1, keepdims=True)
        self.p_size = np.maximum(self.p_size, size)
        self._mark(piece, first, hidden_by=_QRS)
        self._mark_peaks(piece, first, _P)

    def _mark_peaks(self, piece, first, kind):
        """Mark the peaks of a piece that was added, or that they are not known."""
        peaks = self.peaks[kind // 2]
        for lead in range(len(peaks)):
            if piece.peak is not None and np.isfinite(piece.peak[lead]):
                at = first + piece.peak[lead]
                if 0 <= at < _N_TIMES and self.waves[lead, int(at)] == kind:
                    np.fmax(peaks[lead], bumps([at], _N_TIMES), out=peaks[lead])
        if piece.peak is None:
            place, own = self._places(piece, first)
            peaks[:, place][piece.waves[:, own] == kind] = np.nan

    def add_spike(self, rng, time):
        at = round(time * RATE)
        if 0 <= at < _N_TIMES:
            size = np.exp(rng.uniform(np.log(0.1), np.log(4))) * rng.normal(size=len(self.signal))
            self.signal[:, at] += size

    def _places(self, piece, first):
        """Return where a piece lies in the record, and which part of the piece that is."""
        start, stop = np.clip([first, first + piece.signal.shape[1]], 0, _N_TIMES)
        return slice(start, stop), slice(start - first, stop - first)

    def _add(self, piece, first, gain):
        place, own = self._places(piece, first)
        self.signal[:, place] += gain * piece.signal[:, own]

    def _mark(self, piece, first, hidden_by=None):
        place, own = self._places(piece, first)
        waves, new = self.waves[:, place], piece.waves[:, own]
        self.waves[:, place] = np.where((new != 0) & (waves != hidden_by), new, waves)


def _usual_stretch(rng, rhythm, complexes):
    """Return by how much ST and T are stretched so that QT suits the rate, roughly."""
    piece = complexes[0]
    length = (piece.signal.shape[1] - piece.bend) / RATE
    rr = np.median(np.diff(rhythm.beat_times)) if len(rhythm.beat_times) > 1 else 1.0
    qt = rng.uniform(0.34, 0.46) * min(rr, 1.5) ** rng.uniform(0.33, 0.6)
    wanted = max(qt - (piece.bend - piece.start) / RATE, 0.1)
    return float(np.clip(wanted / length, 0.45, 1.5))


def _atrial_waves(rng, kind, n_leads):
    times = np.arange(_N_TIMES) / RATE
    size = np.abs(rng.normal(size=(n_leads, 1))) * rng.uniform(0, 0.2)
    if kind == "flutter":
        phase = times * rng.uniform(220, 340) / 60 + rng.random()
        shape = sum(np.sin(2 * np.pi * k * phase) / k ** rng.uniform(1, 2) for k in (1, 2, 3))
        return rng.choice([-1, 1], (n_leads, 1)) * (size + 0.05) * shape
    rate = rng.uniform(4, 9) + rng.normal(0, 0.6, _SECONDS * 4 + 2).repeat(RATE // 4 + 1)
    phase = np.cumsum(rate[:_N_TIMES]) / RATE + rng.random((n_leads, 1)) * rng.random()
    swell = np.interp(times, np.arange(_SECONDS + 1), rng.uniform(0.3, 1.5, _SECONDS + 1))
    return size * swell * (np.sin(2 * np.pi * phase) + 0.3 * np.sin(4 * np.pi * phase))


def _disturb(rng, canvas):
    """Add noise, and at times steps, pulses and spikes, in place; return the noise's size."""
    n_leads = len(canvas.signal)
    slope = rng.uniform(0, 1.6)
    spectrum = np.fft.rfft(rng.normal(size=(n_leads, _N_TIMES)))
    frequency = np.maximum(np.fft.rfftfreq(_N_TIMES, 1 / RATE), 0.3)
    noise = np.fft.irfft(spectrum / frequency**slope, _N_TIMES)
    noise /= noise.std(axis=1, keepdims=True)
    loud = rng.uniform(0.1, 0.5) if rng.random() < 0.06 else rng.uniform(0, 0.06)
    loud = loud * rng.uniform(0.3, 1.2, (n_leads, 1))
    canvas.signal += noise * loud
    if rng.random() < 0.1:
        times = np.arange(_N_TIMES) / RATE
        canvas.signal += (
            0.06
            * rng.random((n_leads, 1))
            * np.sin(
                2 * np.pi * rng.choice([25, 33, 50, 60]) * times + rng.uniform(0, 6, (n_leads, 1))
            )
        )
    hit = (rng.random((n_leads, 1)) < rng.choice([0.3, 1.0])) * rng.normal(size=(n_leads, 1))
    for _ in range(int(rng.integers(1, 4)) * (rng.random() < 0.12)):
        at = int(rng.integers(_N_TIMES))
        width = int(rng.choice([_N_TIMES, RATE // 5, RATE // 10, rng.integers(1, 6)]))
        canvas.signal[:, at : at + width] += hit * np.exp(rng.uniform(-1, 1.4))
    if rng.random() < 0.06:  # a calibration pulse at one end
        at = int(rng.choice([rng.integers(0, RATE), rng.integers(_N_TIMES - RATE, _N_TIMES)]))
        canvas.signal[:, at : at + RATE // 5] += rng.uniform(0.3, 2)
    return loud

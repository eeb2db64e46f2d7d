"""Twelve-lead records of known rhythm: heart vectors seen by Dower's leads, with noise and wander.

Each wave is a sum of bumps in space and time. Vectors, widths and times vary from record to record.
"""

import dataclasses

import numpy as np

SAMPLING_RATE = 250
DURATION = 10.0  # s
_P_PEAK = 0.045  # s from the P wave's onset to its peak
_R_PEAK = 0.04  # s from the onset of QRS to the R peak
# Dower's matrix: what I, II and V1 to V6 see of the heart vector to the left, the feet, the back.
_DOWER = np.array(
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)
# Bumps: seconds from the wave's peak, widths (standard deviations) before and after it, mV.
_P = [(-0.012, 0.018, 0.020, (0.03, 0.10, -0.04)), (0.012, 0.020, 0.018, (0.06, 0.05, 0.05))]
_QRS = [
    (-0.022, 0.007, 0.007, (-0.15, -0.05, -0.20)),
    (0.000, 0.010, 0.010, (0.90, 0.80, 0.30)),
    (0.024, 0.009, 0.010, (-0.20, -0.25, 0.45)),
]
_WIDE_QRS = [
    (-0.015, 0.018, 0.020, (0.50, 0.60, -0.50)),
    (0.045, 0.022, 0.025, (0.60, -0.20, 0.80)),
]
_T = [(0.000, 0.045, 0.030, (0.28, 0.22, -0.15))]


@dataclasses.dataclass
class Rhythm:
    """Where the waves of a record are, in seconds."""

    r_peaks: np.ndarray
    p_peaks: np.ndarray
    conducted: np.ndarray  # of the P waves, those that a QRS complex follows
    wide: bool = False
    fibrillates: bool = False


def sinus(rate, pr):
    """Return sinus rhythm of a rate in beats per minute and a PR interval in ms."""
    r_peaks = _regular(rate)
    p_peaks = r_peaks - _R_PEAK - pr / 1000 + _P_PEAK
    return Rhythm(r_peaks, p_peaks, np.ones(len(p_peaks), bool))


def second_degree(rate, n_conducted, rng):
    """Return a block of every (n_conducted + 1)th P wave; PR grows before it if there are more."""
    p_peaks = _regular(rate)
    place = np.arange(len(p_peaks)) % (n_conducted + 1)
    conducted = place < n_conducted
    pr = rng.uniform(0.14, 0.2) + place * rng.uniform(0.03, 0.06)
    r_peaks = (p_peaks - _P_PEAK + pr + _R_PEAK)[conducted]
    return Rhythm(r_peaks, p_peaks, conducted)


def third_degree(atrial_rate, ventricular_rate, rng):
    """Return P waves and wide escape beats that have nothing to do with each other."""
    p_peaks = _regular(atrial_rate) + rng.uniform(0, 0.5)
    return Rhythm(_regular(ventricular_rate), p_peaks, np.zeros(len(p_peaks), bool), wide=True)


def junctional(rate):
    """Return regular beats without P waves."""
    return Rhythm(_regular(rate), np.empty(0), np.empty(0, bool))


def fibrillation(rate, rng):
    """Return beats at random, without P waves, over the fine waves of fibrillating atria."""
    mean = 60 / rate
    intervals = np.maximum(0.3, mean * rng.gamma(25, 1 / 25, int(3 * DURATION / mean)))
    r_peaks = 0.2 + np.cumsum(intervals)
    r_peaks = r_peaks[r_peaks < DURATION - 0.2]
    return Rhythm(r_peaks, np.empty(0), np.empty(0, bool), fibrillates=True)


def draw(rhythm, rng):
    """Return the signal of a rhythm, in mV, of shape (12, n_times)."""
    times = np.arange(round(DURATION * SAMPLING_RATE)) / SAMPLING_RATE
    vector = np.zeros((3, len(times)))
    _add(vector, times, rhythm.p_peaks, _vary(_P, rng))
    _add(vector, times, rhythm.r_peaks, _vary(_WIDE_QRS if rhythm.wide else _QRS, rng))
    intervals = np.diff(rhythm.r_peaks, append=2 * rhythm.r_peaks[-1] - rhythm.r_peaks[-2])
    qt = np.minimum(0.4 * np.cbrt(intervals), 0.85 * intervals) + 0.06 * rhythm.wide
    stretch = np.clip(np.median(intervals) / 0.6, 0.5, 1.1)  # a fast heart's T waves are short
    _add(vector, times, rhythm.r_peaks - _R_PEAK + qt - 0.075 * stretch, _vary(_T, rng, stretch))
    leads = _DOWER @ vector
    if rhythm.fibrillates:
        phase = np.cumsum(rng.uniform(5, 8) + rng.normal(0, 0.5, len(times))) / SAMPLING_RATE
        size = rng.uniform(0, 0.06) * rng.uniform(0.2, 1, (len(leads), 1))
        leads += size * np.sin(2 * np.pi * phase + rng.uniform(-0.5, 0.5, (len(leads), 1)))
    first, second = leads[0], leads[1]
    limbs = [first, second, second - first, -(first + second) / 2]
    limbs += [first - second / 2, second - first / 2]
    signal = np.vstack([*limbs, leads[2:]])
    wander = np.sin(2 * np.pi * (rng.uniform(0.1, 0.4, (12, 1)) * times + rng.random((12, 1))))
    return signal + 0.05 * wander + rng.normal(0, 0.01, signal.shape)


def _regular(rate):
    interval = 60 / rate
    return np.arange(0.35 * min(interval, 1.0) + 0.3, DURATION - 0.2, interval)


def _vary(bumps, rng, stretch=1.0):
    """Return a wave as this patient has it: turned and resized a little, wider or narrower."""
    size, width = rng.uniform(0.7, 1.3), stretch * rng.uniform(0.9, 1.1)
    turn = np.eye(3) + rng.normal(0, 0.15, (3, 3))
    return [
        (late * width, before * width, after * width, size * turn @ vector)
        for late, before, after, vector in bumps
    ]


def _add(vector, times, peaks, bumps):
    for late, before, after, direction in bumps:
        distance = times - np.asarray(peaks)[:, np.newaxis] - late
        width = np.where(distance < 0, before, after)
        heights = np.exp(-0.5 * (distance / width) ** 2).sum(axis=0)
        vector += np.multiply.outer(direction, heights)

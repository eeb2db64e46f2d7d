"""Random stretches of random leads of random records, disturbed as recordings are."""

import dataclasses

import numpy as np
import torch
from scipy import ndimage

from sklearn_ecg.features._wave_network import RATE

_LENGTH = 1280  # samples: five seconds
_STRETCH = 0.18  # times run faster or slower by this much, on a logarithmic scale
_T = 3  # the class of T waves
_MIDDLE = 0.5  # height of a peak's bump
_LARGEST = 3.0  # where `scale_leads` cuts off

_ERASED = 0.2  # share of records that lose all P or all T waves in half or all of their leads
_MARKED_TOGETHER = ("qtdb", "composed of two")  # the leads
_BESIDE = 6  # samples that are not believed on either side of a bound
_PEAKS = {1: 0, 3: 1}  # the places of P and T among the peaks, by their class
_N_LEADS = (1, 2, 3, 6, 12)
_SHARES = (0.17, 0.22, 0.25, 0.25, 0.11)
# Records of each kind in a batch: of twelve leads, and of one or two.
_OF_TWELVE = {"ludb": 20, "composed": 9, "rhythm": 7}
_OF_TWO = {"qtdb": 9, "composed of two": 4, "beats": 22}
_OF_ONE = {**_OF_TWO, "cinc2017": 8}
# How much the marks of each kind weigh; those of LUDB are of cardiologists, lead by lead.
_WEIGHTS = {"ludb": 1.0, "composed": 0.25, "qtdb": 0.5, "composed of two": 0.2, "beats": 1.0}


@dataclasses.dataclass
class Batch:
    """Signals (b, l, t), and what is known of them, as `Example` says it.

    `is_joint` (b,) tells of which records the leads were marked together, `weight` (b,) how much
    the marks count.
    """

    signals: torch.Tensor
    beats: torch.Tensor  # (b, t)
    waves: torch.Tensor  # (b, l, t)
    peaks: torch.Tensor  # (b, 2, l, t)
    without_p: torch.Tensor  # (b, t)
    with_p: torch.Tensor  # (b, t)
    is_joint: torch.Tensor  # (b,)
    weight: torch.Tensor  # (b,)


class Batches:
    """Draws batches from examples of each source.

    Parameters
    ----------
    examples : list of Example
    rng : numpy.random.Generator
    """

    def __init__(self, examples, rng):
        self.rng = rng
        self._kinds = {}
        for example in examples:
            self._kinds.setdefault(_kind(example), []).append(example)

    def of_twelve_leads(self):
        """Return a batch of one to twelve leads of records that have twelve."""
        return self._draw(_OF_TWELVE, int(self.rng.choice(_N_LEADS, p=_SHARES)))

    def of_two_leads(self):
        """Return a batch of one or both leads of records that have two, or one."""
        n_leads = int(self.rng.integers(1, 3))
        return self._draw(_OF_ONE if n_leads == 1 else _OF_TWO, n_leads)

    def _draw(self, numbers, n_leads):
        columns = []
        for kind, n_records in numbers.items():
            own = self._kinds.get(kind, [])
            if own:
                for i in self.rng.choice(len(own), n_records, replace=n_records > len(own)):
                    columns.append(self._cut(own[i], kind, n_leads))
        signals, beats, waves, *others = map(np.stack, zip(*columns, strict=True))
        signals = self._disturb(signals, waves)
        return Batch(*map(torch.from_numpy, (signals, beats, waves, *others)))

    def _cut(self, example, kind, n_leads):
        """Return a stretch of some leads, and all that is known of it."""
        leads = self._choose_leads(example, kind, n_leads)
        times = self._choose_times(example)
        before = times.astype(np.intp)
        share = (times - before).astype(np.float32)
        signal = example.signal[leads].astype(np.float32, copy=False)
        signal = signal[:, before] * (1 - share) + signal[:, before + 1] * share
        nearest = np.round(times).astype(np.intp)
        nothing = np.zeros(_LENGTH)
        beats, waves = nothing * np.nan, np.full((n_leads, _LENGTH), -1)
        peaks = np.zeros((2, n_leads, _LENGTH))
        without_p, with_p = nothing, nothing
        if example.beats is not None:
            beats = example.beats[nearest]
        if example.waves is not None:
            waves = example.waves[leads][:, nearest]
            peaks = example.peaks[:, leads][..., nearest]
            if kind != "ludb":
                _forget_bounds(waves)
            if kind in _MARKED_TOGETHER:
                _keep_middles_of_t_waves(waves, peaks[1])
            if kind == "ludb" and self.rng.random() < _ERASED:
                self._erase(signal, waves, peaks)
        if example.with_p is not None:
            without_p, with_p = example.without_p[nearest], example.with_p[nearest].copy()
            with_p[(with_p == with_p[0]) | (with_p == with_p[-1])] = 0  # not seen as a whole
        return (
            signal,
            beats.astype(np.float32),
            waves.astype(np.int64),
            peaks.astype(np.float32),
            without_p.astype(np.float32),
            with_p.astype(np.int64),
            kind in _MARKED_TOGETHER,
            np.float32(_WEIGHTS.get(kind, 0)),
        )

    def _erase(self, signal, waves, peaks):
        kind = self.rng.choice(list(_PEAKS))
        for lead in np.flatnonzero(self.rng.random(len(signal)) < self.rng.choice([0.5, 1.0])):
            erase_waves(signal[lead], waves[lead], kind)
            peaks[_PEAKS[kind], lead] = 0

    def _choose_leads(self, example, kind, n_leads):
        if kind == "beats" and n_leads == 1:
            return [int(self.rng.random() < 0.3)]  # most beats are annotated in the first lead
        return self.rng.choice(len(example.signal), n_leads, replace=False)

    def _choose_times(self, example):
        """Return places in samples, between samples where time runs faster or slower."""
        n_times = example.signal.shape[1]
        speed = np.exp(self.rng.uniform(-_STRETCH, _STRETCH))
        speed = min(speed, (n_times - 2) / _LENGTH)
        latest = n_times - 2 - speed * (_LENGTH - 1)
        start = self.rng.uniform(0, latest)
        if example.source == "qtdb":  # of which most is not marked
            marked = self.rng.choice(np.flatnonzero(example.waves[0] >= 0))
            start = np.clip(marked - self.rng.uniform(0.2, 0.8) * speed * _LENGTH, 0, latest)
        return start + speed * np.arange(_LENGTH)

    def _disturb(self, signals, waves):
        """Change gain and sign, add noise and wander; make a lead of some records useless.

        What waves the useless leads show is then not known, and marked so in place.
        """
        rng, (n_records, n_leads, n_times) = self.rng, signals.shape
        per_lead, per_record = (n_records, n_leads, 1), (n_records, 1, 1)
        gain = np.exp(rng.normal(0, 0.25, per_lead)) * rng.choice([1, -1], per_lead, p=[0.92, 0.08])
        noise = rng.uniform(0, 0.08, per_record) * rng.integers(0, 2, per_record)
        noise = noise * rng.uniform(0, 1.5, per_lead)
        wander = rng.uniform(0, 0.4, per_lead) * (rng.random(per_record) < 0.3)
        phase = rng.uniform(0.1, 0.8, per_record) * np.arange(n_times) / RATE
        phase = 2 * np.pi * (phase + rng.random(per_lead))
        spoilt = (rng.random((n_records, n_leads)) < 0.05) & (n_leads > 1)
        gain[spoilt] *= rng.uniform(0, 0.2, (spoilt.sum(), 1))
        noise[spoilt] = rng.uniform(0.1, 0.5, (spoilt.sum(), 1))
        gain, noise, wander = (a.astype(np.float32) for a in (gain, noise, wander))
        signals = signals * gain + wander * np.sin(phase.astype(np.float32))
        signals += noise * rng.standard_normal(signals.shape, dtype=np.float32)
        waves[spoilt] = -1
        return np.clip(signals, -_LARGEST, _LARGEST)


def _forget_bounds(waves):
    """Let the bounds of waves count as not looked at, in place.

    Where waves begin and end in a lead, LUDB alone teaches. The experts of Holters marked both
    leads together, by habits of their own: with both, the network is worse on either. And where a
    composed record's waves end, its signal has a bend that no heart makes.
    """
    changes = np.diff(waves, axis=1, prepend=waves[:, :1]) != 0
    waves[ndimage.binary_dilation(changes, np.ones((1, 2 * _BESIDE + 1)))] = -1


def _keep_middles_of_t_waves(waves, peaks):
    """Let T waves, but for 10 ms on either side of their peaks, count as not looked at, in place.

    Where they begin is mostly not marked, and how far they reach is a habit too.
    """
    around = np.ones((1, 4 * _BESIDE + 1))
    waves[ndimage.binary_dilation(waves == _T, around)] = -1
    waves[peaks > _MIDDLE] = _T


def _kind(example):
    """Return the name by which `_OF_TWELVE` and the others count an example."""
    if example.source == "composed":
        return "composed" if len(example.signal) > 2 else "composed of two"
    return "rhythm" if example.source in ("ptb-xl", "cpsc2018") else example.source


def erase_waves(signal, waves, kind):
    """Replace all waves of a kind in one lead by straight lines, in place.

    There are hardly any beats without a T wave to learn from, and a network that never saw one
    finds a T wave in a straight line.
    """
    inside = np.diff(np.r_[0, (waves == kind).astype(np.int8), 0])
    starts, stops = np.flatnonzero(inside == 1), np.flatnonzero(inside == -1)
    for start, stop in zip(starts, stops, strict=True):
        before, after = max(start - 1, 0), min(stop, len(signal) - 1)
        signal[start:stop] = np.linspace(signal[before], signal[after], stop - start)
    waves[waves == kind] = 0

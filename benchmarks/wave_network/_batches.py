"""Random stretches of random leads of random records, disturbed as recordings are."""

import numpy as np

from sklearn_ecg.features._wave_network import RATE

_LENGTH = 1280  # samples: five seconds
_STRETCH = 0.18  # times run faster or slower by this much, on a logarithmic scale
_LARGEST = 3.0  # where `scale_leads` cuts off

_ERASED = 0.2  # share of records that lose all P or all T waves in half or all of their leads
_PEAKS = {1: 0, 3: 1}  # the places of P and T among the peaks, by their class
_N_LEADS = (1, 2, 3, 6, 12)
_SHARES = (0.15, 0.2, 0.25, 0.25, 0.15)


class Batches:
    """Draws batches from examples of each source.

    Parameters
    ----------
    examples : list of Example
    rng : numpy.random.Generator
    """

    def __init__(self, examples, rng):
        self.rng = rng
        self._delineated = [example for example in examples if example.waves is not None]
        self._beats = [example for example in examples if example.source == "mitdb"]
        self._fibrillating = [
            example for example in examples if example.waves is None and example.beats is None
        ]

    def draw_n_leads(self):
        """Return how many leads the next records show."""
        return int(self.rng.choice(_N_LEADS, p=_SHARES))

    def delineated(self, n_records, n_leads):
        """Return signals (b, l, t), beats (b, t), waves (b, l, t) and peaks (b, 2, l, t)."""
        signals, beats, waves, peaks = self._draw(
            self._delineated, n_records, n_leads, ("beats", "waves", "peaks"), replace=False
        )
        for record in np.flatnonzero(self.rng.random(n_records) < _ERASED):
            kind = self.rng.choice(list(_PEAKS))
            for lead in np.flatnonzero(self.rng.random(n_leads) < self.rng.choice([0.5, 1.0])):
                erase_waves(signals[record, lead], waves[record, lead], kind)
                peaks[record, _PEAKS[kind], lead] = 0
        return *self._disturb(signals, waves), beats, waves, peaks

    def beats(self, n_records):
        """Return signals, beats and where there are no P waves (b, t), of one lead or both."""
        n_leads = int(self.rng.integers(1, 3))
        signals, *targets = self._draw(self._beats, n_records, n_leads, ("beats", "without_p"))
        return *self._disturb(signals), *targets

    def fibrillating(self, n_records, n_leads):
        """Return signals without P waves."""
        return self._disturb(*self._draw(self._fibrillating, n_records, n_leads, ()))

    def _draw(self, examples, n_records, n_leads, targets, *, replace=True):
        chosen = self.rng.choice(len(examples), n_records, replace=replace)
        signals, columns = [], {name: [] for name in targets}
        for example in (examples[i] for i in chosen):
            leads = self._choose_leads(example, n_leads)
            times = self._choose_times(example.signal.shape[1])
            before = times.astype(np.intp)
            share = (times - before).astype(np.float32)
            signal = example.signal[leads]
            signals.append(signal[:, before] * (1 - share) + signal[:, before + 1] * share)
            nearest = np.round(times).astype(np.intp)
            for name in targets:
                target = getattr(example, name)[..., nearest]
                columns[name].append(target if target.ndim == 1 else target[..., leads, :])
        return np.stack(signals), *(np.stack(values) for values in columns.values())

    def _choose_leads(self, example, n_leads):
        if example.source == "mitdb" and n_leads == 1:
            return [int(self.rng.random() < 0.3)]  # most beats are annotated in the first lead
        return self.rng.choice(len(example.signal), n_leads, replace=False)

    def _choose_times(self, n_times):
        """Return places in samples, between samples where time runs faster or slower."""
        speed = np.exp(self.rng.uniform(-_STRETCH, _STRETCH))
        speed = min(speed, (n_times - 2) / _LENGTH)
        start = self.rng.uniform(0, n_times - 2 - speed * (_LENGTH - 1))
        return start + speed * np.arange(_LENGTH)

    def _disturb(self, signals, waves=None):
        """Change gain and sign, add noise and wander; make a lead of some records useless.

        What waves the useless leads show is then not known. Returns a tuple of the signals alone.
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
        if waves is not None:
            waves[spoilt] = -1
        return (np.clip(signals, -_LARGEST, _LARGEST),)


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

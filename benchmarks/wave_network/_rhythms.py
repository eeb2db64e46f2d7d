"""When the atria and the ventricles beat, in rhythms of every kind."""

import dataclasses

import numpy as np

_QRS_S = 0.1


@dataclasses.dataclass
class Rhythm:
    """Onsets of P waves and QRS complexes in seconds, and what else there is to see.

    `p_kind` and `beat_kind` are 0 for the usual shape and 1 for another; `between` is "",
    "fibrillation" or "flutter"; `a_spikes` and `v_spikes` are pacing spikes.
    """

    name: str
    p_times: np.ndarray
    p_kind: np.ndarray
    beat_times: np.ndarray
    beat_kind: np.ndarray
    between: str = ""
    a_spikes: bool = False
    v_spikes: bool = False


def draw_rhythm(rng, seconds):
    """Draw one of the rhythms, with the weight that it has in `_KINDS`."""
    draw = rng.choice(list(_KINDS), p=list(_KINDS.values()))
    return draw(rng, seconds)


def sinus(rng, seconds, rate=None, pr=None):
    rate = np.exp(rng.uniform(np.log(30), np.log(250))) if rate is None else rate
    rr = 60 / rate
    spread = rng.uniform(0, 0.08)
    if pr is None:
        pr = rng.uniform(0.2, 0.4) if rng.random() < 0.4 else rng.uniform(0.1, 0.22)
    often = rng.uniform(0.02, 0.3) * (rng.random() < 0.35)
    time, late = rng.uniform(-rr, 0), 1.0
    p, p_kind, beats, kind = [], [], [], []
    while time < seconds + 1:
        step = rr * np.exp(spread * rng.normal()) * late
        late = 1.0
        ectopic = rng.random() < often
        if ectopic:
            step *= rng.uniform(0.5, 0.85)
        step = max(step, 0.2)
        time += step
        ventricular = ectopic and rng.random() < 0.5
        if ventricular:
            late = rng.uniform(1.1, 1.5)
            beats.append(time), kind.append(1)
            continue
        own = min(pr * np.exp(0.03 * rng.normal()), step - _QRS_S - 0.03)
        if own > 0.07:
            p.append(time - own), p_kind.append(int(ectopic))
        if ectopic and rng.random() < 0.2:
            continue  # blocked: too early to be conducted
        beats.append(time), kind.append(0)
    return _rhythm("sinus", p, p_kind, beats, kind)


def second_degree(rng, seconds):
    pp = 60 / rng.uniform(40, 160)
    n_to_1 = int(rng.integers(2, 7))
    pr, pattern = rng.uniform(0.12, 0.36), rng.choice(["fixed", "lengthening", "high-grade"])
    p, beats = [], []
    time, number, own = rng.uniform(-pp, 0), int(rng.integers(n_to_1)), pr
    while time < seconds + 1:
        p.append(time)
        conducted = (number % n_to_1 == 0) == (pattern == "high-grade")
        if conducted:
            if pattern == "lengthening":
                own = min(own + rng.uniform(0.02, 0.1), 0.9 * pp)
            beats.append(time + own)
        else:
            own = pr
        number += 1
        time += pp * np.exp(0.03 * rng.normal())
    return _rhythm("second degree", p, np.zeros(len(p)), beats, np.zeros(len(beats)))


def third_degree(rng, seconds):
    p = _regular(rng, 60 / rng.uniform(45, 150), seconds, 0.03)
    beats = _regular(rng, 60 / rng.uniform(20, 65), seconds, 0.02)
    kind = np.full(len(beats), rng.random() < 0.5)
    return _rhythm("third degree", p, np.zeros(len(p)), beats, kind)


def fibrillation(rng, seconds):
    rr = 60 / rng.uniform(40, 200)
    spread = rng.uniform(0.08, 0.3)
    beats = [rng.uniform(-rr, 0)]
    while beats[-1] < seconds + 1:
        beats.append(beats[-1] + max(0.22, rr * np.exp(spread * rng.normal())))
    kind = rng.random(len(beats)) < 0.2 * (rng.random() < 0.3)
    between = "fibrillation" if rng.random() < 0.8 else ""
    return _rhythm("fibrillation", [], [], beats, kind, between=between)


def flutter(rng, seconds):
    atrial = 60 / rng.uniform(220, 340)
    if rng.random() < 0.6:
        beats = _regular(rng, atrial * rng.integers(2, 5), seconds, 0.005)
    else:
        steps = atrial * rng.integers(2, 6, int(seconds / atrial))
        beats = np.cumsum(steps) - rng.uniform(0, 1)
        beats = beats[beats < seconds + 1]
    return _rhythm("flutter", [], [], beats, np.zeros(len(beats)), between="flutter")


def junctional(rng, seconds):
    beats = _regular(rng, 60 / np.exp(rng.uniform(np.log(30), np.log(260))), seconds, 0.02)
    kind = np.full(len(beats), rng.random() < 0.3)  # ventricular, if fast a tachycardia
    return _rhythm("no P waves", [], [], beats, kind)


def paced(rng, seconds):
    rhythm = sinus(rng, seconds, rate=rng.uniform(45, 130), pr=rng.uniform(0.12, 0.26))
    mode = rng.choice(["atrial", "ventricular", "both", "ventricular without P"])
    rhythm.a_spikes = mode in ("atrial", "both")
    rhythm.v_spikes = mode != "atrial"
    if rhythm.v_spikes:
        rhythm.beat_kind = np.ones(len(rhythm.beat_times), int)
    if mode == "ventricular without P":
        rhythm.p_times, rhythm.p_kind = np.empty(0), np.empty(0, int)
    rhythm.name = "paced"
    return rhythm


def standstill(rng, seconds):
    # Not even P waves: without anything beside them, they look like QRS complexes of a rhythm that
    # has nothing else, and the latter are seen more often.
    return _rhythm("standstill", [], [], [], [])


_KINDS = {
    sinus: 0.38,
    second_degree: 0.12,
    third_degree: 0.12,
    fibrillation: 0.12,
    flutter: 0.08,
    junctional: 0.06,
    paced: 0.06,
    standstill: 0.06,
}


def _regular(rng, period, seconds, spread):
    n = int((seconds + 2) / period) + 2
    steps = period * np.exp(spread * rng.normal(size=n))
    return np.cumsum(steps) - rng.uniform(0, 1) * period - steps[0]


def _rhythm(name, p, p_kind, beats, kind, **between):
    return Rhythm(
        name,
        np.asarray(p, float),
        np.asarray(p_kind, int),
        np.asarray(beats, float),
        np.asarray(kind, int),
        **between,
    )

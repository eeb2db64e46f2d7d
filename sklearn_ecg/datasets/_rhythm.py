"""Times and kinds of beats in a simulated record."""

from dataclasses import dataclass

import numpy as np

# Beats outside the record whose waves reach into it.
_MARGIN_S = 2.0
_SHORTEST_AF_CYCLE_S = 0.36
# The two peaks in the spectrum of sinus cycles have this standard deviation; Mayer waves have this
# share of the power of breathing.
_MAYER_HZ, _BREATH_HZ, _PEAK_WIDTH_HZ, _MAYER_SHARE = 0.1, 0.25, 0.01, 0.5
# In a short record a slow rhythm may leave no place for an early beat; then another rhythm is
# drawn.
_ATTEMPTS = 200


@dataclass(frozen=True)
class Beat:
    """One heartbeat: times of its waves, in s from the record's start, and their forms."""

    kind: str  # "sinus", "AF", "PAC" or "PVC"
    qrs: str  # row of the tables of QRS and T waves
    p_onset_s: float | None  # None without a P wave
    qrs_onset_s: float
    qrs_offset_s: float
    t_peak_s: float
    t_offset_s: float
    cycle_s: float  # cycle length that sets the duration of repolarisation
    st: str | None  # "STE", "STD" or None
    gain: float


def make_beats(findings, patient, heart_rate, duration_s, rng):
    """Return the beats of a record, some of them before its start and after its end.

    Parameters
    ----------
    findings : set of str
        The labels that the record must show.
    patient : Patient
    heart_rate : float
        Beats per minute, of sinus rhythm or the mean of atrial fibrillation.
    duration_s : float
    rng : numpy.random.RandomState

    Returns
    -------
    list of Beat
    """
    premature = [kind for kind in ("PAC", "PVC") if kind in findings]
    for _ in range(_ATTEMPTS):
        onsets, kinds = _rhythm("AF" in findings, premature, heart_rate, duration_s, rng)
        if set(premature) <= set(kinds[(onsets >= 0) & (onsets < duration_s)]):
            break
    else:
        raise ValueError(
            f"no place for the early beats {premature} in a record of duration_s={duration_s:g}."
        )

    kept = onsets < duration_s + _MARGIN_S
    onsets, kinds = onsets[kept], kinds[kept]
    # Repolarisation adapts to the rate over many beats, not to one early beat.
    mean_cycle = 60 / heart_rate
    return [
        _beat(kind, onset, mean_cycle, findings, patient, rng)
        for kind, onset in zip(kinds, onsets, strict=True)
    ]


def _rhythm(fibrillates, premature, heart_rate, duration_s, rng):
    """Return onsets of QRS complexes in s, and kinds of beats."""
    cycles = (_fibrillation if fibrillates else _sinus)(heart_rate, duration_s, rng)
    onsets = -_MARGIN_S + np.concatenate([[0], np.cumsum(cycles)]) + rng.uniform(0, cycles[0])
    kinds = np.full(len(onsets), "AF" if fibrillates else "sinus", dtype="<U5")
    _insert_premature(onsets, kinds, premature, heart_rate, duration_s, rng)
    return onsets, kinds


def _sinus(heart_rate, duration_s, rng):
    """Return sinus cycles in s."""
    span_s = duration_s + 2 * _MARGIN_S
    per_second = rr_process(
        heart_rate,
        rng.uniform(0.8, 2.5),
        n_seconds=2 ** int(np.ceil(np.log2(2 * span_s))),
        rng=rng,
    )
    n_cycles = int(np.ceil(span_s / per_second.min())) + 2
    seconds = np.arange(n_cycles) * 60 / heart_rate
    return np.interp(seconds, np.arange(len(per_second)), per_second)


def rr_process(heart_rate, heart_rate_std, *, n_seconds, rng):
    """Draw RR intervals whose spectrum has peaks of Mayer waves and of breathing.

    This is the process of the simulator ECGSYN (McSharry PE et al. A dynamical model for
    generating synthetic electrocardiogram signals. IEEE Trans Biomed Eng 50:289-294, 2003).

    Parameters
    ----------
    heart_rate, heart_rate_std : float
        Beats per minute. The intervals have exactly the mean 60 / `heart_rate`, and approximately
        the spread of `heart_rate_std`.
    n_seconds : int
        Even; the process repeats after this time.
    rng : numpy.random.RandomState

    Returns
    -------
    ndarray of shape (n_seconds,)
        Intervals in s, one for each second.
    """
    frequency = np.arange(n_seconds // 2) / n_seconds
    power = np.zeros(n_seconds // 2)
    for centre, share in ((_MAYER_HZ, _MAYER_SHARE), (_BREATH_HZ, 1.0)):
        power += share * np.exp(-0.5 * ((frequency - centre) / _PEAK_WIDTH_HZ) ** 2)
    amplitude = np.sqrt(power)
    phase = 2 * np.pi * rng.uniform(size=n_seconds // 2 - 1)
    # As in ECGSYN, the mirrored half lies one bin higher. In long records this changes nothing;
    # another choice would change short ones.
    spectrum = np.r_[amplitude, amplitude[::-1]] * np.exp(1j * np.r_[0, phase, 0, -phase[::-1]])
    wave = np.fft.ifft(spectrum).real
    return 60 / heart_rate * (1 + heart_rate_std / heart_rate * wave / wave.std())


def _fibrillation(heart_rate, duration_s, rng):
    """Return irregular cycles in s; no cycle predicts the next."""
    mean_s = 60 / heart_rate
    n_cycles = int(np.ceil((duration_s + 2 * _MARGIN_S) / mean_s))
    # Standardised, because some short records would look regular by chance. Twice as many are drawn
    # as are needed on average.
    deviations = rng.standard_normal((2, n_cycles))
    deviations -= deviations.mean(axis=1, keepdims=True)
    deviations /= deviations.std(axis=1, keepdims=True)
    cycles = mean_s * np.exp(rng.uniform(0.22, 0.32) * deviations.ravel())
    return np.maximum(cycles, _SHORTEST_AF_CYCLE_S)


def _insert_premature(onsets, kinds, premature, heart_rate, duration_s, rng):
    """Move some beats forward, in place, with the pause that follows each kind."""
    mean_cycle = 60 / heart_rate
    # One to three of each kind in ten seconds.
    n_rounds = max(round(duration_s / 10), 1)
    for turn in range(rng.randint(1, 4) * n_rounds * len(premature)):
        kind = premature[turn % len(premature)]
        # The beat, the beat before it and the beat after its pause lie inside the record.
        regular = (kinds != "PAC") & (kinds != "PVC")
        inside = (onsets[:-2] >= 0) & (onsets[2:] <= duration_s - 0.5)
        candidates = 1 + np.flatnonzero(inside & regular[:-2] & regular[1:-1] & regular[2:])
        if not len(candidates):
            continue
        k = candidates[rng.randint(len(candidates))]
        early, late = (0.60, 0.72) if kind == "PAC" else (0.55, 0.68)
        # Not on the T wave of the beat before.
        coupling = max(rng.uniform(early, late) * mean_cycle, 0.4 * np.sqrt(mean_cycle))
        sinus_next = onsets[k + 1]
        onsets[k] = onsets[k - 1] + coupling
        if kind == "PAC" or kinds[k] == "AF":
            # The early beat resets the pacemaker; the next beat follows after a little more than a
            # cycle.
            shift = onsets[k] + rng.uniform(1.03, 1.12) * mean_cycle - sinus_next
            onsets[k + 1 :] += shift
        # A PVC in sinus rhythm moves no other beat: the pause is compensatory.
        kinds[k] = kind


def _beat(kind, onset_s, cycle_s, findings, patient, rng):
    if kind == "PVC":
        qrs, qrs_ms = patient.pvc, patient.pvc_ms
    else:
        block = findings & {"LBBB", "RBBB"}
        qrs = block.pop() if block else "narrow"
        qrs_ms = patient.qrs_ms[qrs]
    sinus_pr_ms = patient.long_pr_ms if "I-AVB" in findings else patient.pr_ms
    pr_ms = {"sinus": sinus_pr_ms, "PAC": max(0.85 * sinus_pr_ms, 120)}.get(kind)
    # A wide QRS complex lengthens QT by about the same time.
    qt_ms = patient.qtc_ms * np.sqrt(cycle_s) + max(qrs_ms - 100, 0)
    t_offset_s = onset_s + qt_ms / 1000
    st = findings & {"STE", "STD"}
    return Beat(
        kind=kind,
        qrs=qrs,
        p_onset_s=None if pr_ms is None else onset_s - pr_ms / 1000,
        qrs_onset_s=onset_s,
        qrs_offset_s=onset_s + qrs_ms / 1000,
        # The fall of a T wave takes 2.5 of its widths.
        t_peak_s=t_offset_s - 0.09 * np.sqrt(cycle_s),
        t_offset_s=t_offset_s,
        cycle_s=cycle_s,
        st=st.pop() if st and kind != "PVC" else None,
        gain=rng.normal(1, 0.02),
    )

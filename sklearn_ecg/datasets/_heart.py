"""From beats to a signal on twelve leads."""

import numpy as np

from sklearn_ecg.datasets._waves import (
    P_WAVES,
    QRS_WAVES,
    ST_EVENTS,
    ST_LEVELS,
    T_FACTOR,
    T_WAVES,
)


def limb_leads(independent):
    """Return all twelve leads, computed from the eight independent ones on the first axis.

    Einthoven: III = II - I. Goldberger: aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2.
    """
    first, second = independent[:2]
    limbs = (
        first,
        second,
        second - first,
        -(first + second) / 2,
        first - second / 2,
        second - first / 2,
    )
    return np.concatenate([np.stack(limbs), independent[2:]])


def draw_beats(beats, patient, n_times, sampling_rate):
    """Return the beats' signal on the independent leads.

    Parameters
    ----------
    beats : list of Beat
    patient : Patient
    n_times : int
    sampling_rate : float

    Returns
    -------
    ndarray of shape (8, n_times)
        mV.
    """
    signal = np.zeros((8, n_times))
    for beat in beats:
        centres, widths, amplitudes = _events(beat, patient)
        # Beyond four standard deviations a wave is below 0.03 % of its height.
        start = int(np.ceil((centres - 4 * widths).min() * sampling_rate))
        stop = int(np.floor((centres + 4 * widths).max() * sampling_rate)) + 1
        start, stop = max(start, 0), min(stop, n_times)
        if start >= stop:
            continue
        time = np.arange(start, stop) / sampling_rate
        phase = (time - centres[:, np.newaxis]) / widths[:, np.newaxis]
        signal[:, start:stop] += amplitudes.T @ np.exp(-0.5 * phase**2)
    return signal


def _events(beat, patient):
    """Return centres and widths in s, and amplitudes per independent lead, of a beat's waves."""
    # Repolarisation shortens with the cycle (Bazett).
    stretch = np.sqrt(beat.cycle_s)
    axes = patient.rotations
    waves = []
    if beat.p_onset_s is not None:
        waves.append(_placed(P_WAVES[beat.kind], beat.p_onset_s, 1e-3, axes["P"], patient.p_gains))

    duration_s = beat.qrs_offset_s - beat.qrs_onset_s
    gains = patient.qrs_gains * beat.gain
    waves.append(_placed(QRS_WAVES[beat.qrs], beat.qrs_onset_s, duration_s, axes["QRS"], gains))

    gains = patient.t_gains * T_FACTOR.get(beat.st, 1.0)
    waves.append(_placed(T_WAVES[beat.qrs], beat.t_peak_s, stretch / 1000, axes["T"], gains))

    if beat.st is not None:
        # The region is a place in the thorax; it does not turn with the heart's axis.
        levels = np.array(ST_LEVELS[beat.st, patient.regions[beat.st]])
        segment = [(centre, width, *(height * levels)) for centre, width, height in ST_EVENTS]
        gains = np.tile(patient.st_mV[beat.st], (len(segment), 1))
        waves.append(_placed(segment, beat.qrs_offset_s, stretch / 1000, np.eye(2), gains))

    waves = np.concatenate(waves)
    return waves[:, 0], waves[:, 1], waves[:, 2:]


def _placed(waves, origin_s, unit_s, rotation, gains):
    """Move rows of a table to the record's time, the patient's electrical axis and gains."""
    placed = np.array(waves, dtype=float)
    placed[:, :2] *= unit_s
    placed[:, 0] += origin_s
    placed[:, 2:4] = placed[:, 2:4] @ rotation.T
    # The table of PVC has fewer waves than there are gains.
    placed[:, 2:] *= gains[: len(placed)]
    return placed

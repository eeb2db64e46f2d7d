"""Fibrillatory waves and electrode noise of simulated recordings."""

import numpy as np

from sklearn_ecg.datasets._waves import F_WAVE_LEADS

_MAINS_HZ = 50.0


def fibrillatory_waves(patient, n_times, sampling_rate, rng):
    """Return waves with drifting frequency and height, largest in V1.

    Parameters
    ----------
    patient : Patient
    n_times : int
    sampling_rate : float
    rng : numpy.random.RandomState

    Returns
    -------
    ndarray of shape (8, n_times)
        mV on the independent leads.
    """
    time = np.arange(n_times) / sampling_rate
    drift_hz = rng.uniform(0.1, 0.4, 2)
    start = rng.uniform(0, 2 * np.pi, 4)
    slow = np.sin(2 * np.pi * np.outer(drift_hz, time) + start[:2, np.newaxis])
    phase = 2 * np.pi * patient.f_wave_hz * time + 1.5 * slow[0]
    height = 1 + 0.3 * slow[1]
    # The second harmonic sharpens the waves.
    waves = np.sin(phase + start[2]) + 0.35 * np.sin(2 * phase + start[3])
    return np.outer(np.multiply(F_WAVE_LEADS, patient.f_wave_mV), height * waves)


def electrode_noise(levels_mV, n_times, sampling_rate, rng):
    """Return the noise of nine electrodes on the independent leads.

    Right arm, left arm and left leg make I and II; their mean is the reference of V1 to V6.

    Parameters
    ----------
    levels_mV : dict
        Root mean square of "wander", "mains" and "muscle" noise per electrode.
    n_times : int
    sampling_rate : float
    rng : numpy.random.RandomState

    Returns
    -------
    ndarray of shape (8, n_times)
        mV.
    """
    time = np.arange(n_times) / sampling_rate
    electrodes = levels_mV["muscle"] * rng.standard_normal((9, n_times))
    # Slow movement and breathing; together they have the given level.
    for low_hz, high_hz in ((0.05, 0.15), (0.15, 0.35)):
        phase = 2 * np.pi * rng.uniform(low_hz, high_hz) * time + _phases(rng)
        electrodes += levels_mV["wander"] * np.sin(phase)
    start = _phases(rng)
    if sampling_rate > 2 * _MAINS_HZ:
        hum = 2 * np.pi * _MAINS_HZ * time
        # sin(hum + start) from one sine and cosine for all electrodes.
        sines = np.sin(start) * np.cos(hum) + np.cos(start) * np.sin(hum)
        electrodes += np.sqrt(2) * levels_mV["mains"] * sines

    right_arm, left_arm, left_leg = electrodes[:3]
    reference = (right_arm + left_arm + left_leg) / 3
    limbs = np.stack([left_arm - right_arm, left_leg - right_arm])
    return np.concatenate([limbs, electrodes[3:] - reference])


def _phases(rng):
    return rng.uniform(0, 2 * np.pi, (9, 1))

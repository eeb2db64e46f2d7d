"""Properties in which simulated patients differ."""

from dataclasses import dataclass

import numpy as np

from sklearn_ecg.datasets._waves import INDEPENDENT_LEADS, ST_LEVELS


@dataclass(frozen=True)
class Patient:
    """Properties that all records of a person share."""

    heart_rate: float
    fibrillation_rate: float  # ventricular beats per minute in atrial fibrillation
    rotations: dict  # of the leads I and II, by the axes of P, QRS and T
    p_gains: np.ndarray  # per wave of a table and independent lead, likewise the next two
    qrs_gains: np.ndarray
    t_gains: np.ndarray
    pr_ms: float
    long_pr_ms: float
    qrs_ms: dict
    qtc_ms: float
    pvc: str
    pvc_ms: float
    regions: dict
    st_mV: dict  # per independent lead
    f_wave_hz: float
    f_wave_mV: np.ndarray  # per independent lead


def make_patient(rng):
    """Draw a patient.

    Parameters
    ----------
    rng : numpy.random.RandomState

    Returns
    -------
    Patient
    """
    pr_ms = rng.normal(155, 14)
    return Patient(
        heart_rate=np.clip(rng.normal(70, 9), 54, 92),
        fibrillation_rate=rng.uniform(70, 125),
        rotations=_rotations(rng),
        p_gains=_gains(0.15, 0.05, 0.12, 2, rng),
        qrs_gains=_gains(0.18, 0.10, 0.10, 3, rng),
        t_gains=_gains(0.20, 0.08, 0.08, 2, rng),
        pr_ms=np.clip(pr_ms, 125, 190),
        long_pr_ms=rng.uniform(220, 310),
        qrs_ms={
            "narrow": np.clip(rng.normal(90, 7), 74, 106),
            "LBBB": rng.uniform(132, 168),
            "RBBB": rng.uniform(126, 156),
        },
        qtc_ms=np.clip(rng.normal(408, 14), 370, 440),
        pvc=("PVC right", "PVC left")[rng.randint(2)],
        pvc_ms=rng.uniform(138, 172),
        regions={finding: _region(finding, rng) for finding in ("STE", "STD")},
        st_mV={
            finding: rng.uniform(low, high) * rng.uniform(0.8, 1.0, len(INDEPENDENT_LEADS))
            for finding, low, high in (("STE", 0.25, 0.45), ("STD", 0.15, 0.30))
        },
        f_wave_hz=rng.uniform(4.5, 8.5),
        f_wave_mV=rng.uniform(0.04, 0.10) * np.exp(rng.normal(0, 0.15, len(INDEPENDENT_LEADS))),
    )


def _gains(of_all, of_each, of_wave, n_waves, rng):
    """Return a gain per wave and independent lead; I and II share theirs, as parts of one vector.

    Different gains of a table's waves change its form: a deeper notch, or a taller R'.
    """
    n_leads = len(INDEPENDENT_LEADS)
    of_lead = rng.normal(0, of_all) + rng.normal(0, of_each, n_leads)
    gains = np.exp(of_lead + rng.normal(0, of_wave, (n_waves, n_leads)))
    gains[:, 1] = gains[:, 0]
    return gains


def _region(finding, rng):
    regions = [region for kind, region in ST_LEVELS if kind == finding]
    return regions[rng.randint(len(regions))]


def _rotations(rng):
    """Draw the axes; those of P and T partly follow that of QRS."""
    axis = np.clip(rng.normal(0, 12), -25, 25)
    turns = {"P": 0.3 * axis, "QRS": axis, "T": 0.5 * axis + rng.normal(0, 6)}
    return {wave: _frontal_rotation(degrees) for wave, degrees in turns.items()}


def _frontal_rotation(degrees):
    """Return the matrix that turns (I, II) when the heart's axis turns in the frontal plane.

    Lead I looks along 0 degrees, II along 60 degrees.
    """
    to_leads = np.array([[1.0, 0.0], [0.5, np.sqrt(0.75)]])
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return to_leads @ turn @ np.linalg.inv(to_leads)

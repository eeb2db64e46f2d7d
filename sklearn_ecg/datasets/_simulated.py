"""Simulated 12-lead records with textbook findings."""

import numbers
from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from sklearn_ecg.datasets._heart import draw_beats, limb_leads
from sklearn_ecg.datasets._noise import electrode_noise, fibrillatory_waves
from sklearn_ecg.datasets._patient import make_patient
from sklearn_ecg.datasets._rhythm import make_beats
from sklearn_ecg.datasets._waves import LEADS, P_DURATION_MS
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.utils import empty_array

LABELS = ("Normal", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE")

_EXCLUSIVE = (
    {"AF", "I-AVB"},
    {"AF", "PAC"},
    {"LBBB", "RBBB"},
    # Repolarisation follows the block; ST deviations have no meaning there.
    {"LBBB", "STD"},
    {"LBBB", "STE"},
    {"STD", "STE"},
)
# Probability that a finding joins another one, in all records of the patient or in some.
_LASTING = {"I-AVB": 0.06, "LBBB": 0.03, "RBBB": 0.08, "STD": 0.12}
_PASSING = {"AF": 0.05, "PAC": 0.12, "PVC": 0.12, "STE": 0.03}

_NOISE_MV = {"wander": 0.05, "mains": 0.005, "muscle": 0.012}

# The first fits an early beat and its pause at the slowest rate; the second fits one of each kind.
_SHORTEST_S = 5.0
_SHORTEST_OF_BOTH_S = 8.0


def make_ecg_records(
    n_records=100,
    *,
    labels=LABELS,
    leads=LEADS,
    sampling_rate=500,
    duration_s=10.0,
    records_per_patient=2,
    noise=1.0,
    lead_off=0.0,
    random_state=None,
    return_beats=False,
):
    """Simulate labelled 12-lead ECG records, offline and reproducibly.

    Patients differ in heart rate, electrical axis, amplitudes, intervals and the form of their
    findings. Each patient has one main finding; findings are distributed evenly, so that all labels
    occur. Plausible further findings are added at random.

    ======= ======================================================================================
    Label   Signs in a record
    ======= ======================================================================================
    Normal  Sinus rhythm at 50 to 95 per minute, PR 125 to 190 ms, QRS below 110 ms; no other label
    AF      No two RR intervals alike, no P waves, fibrillatory waves of 4 to 9 Hz
    I-AVB   PR above 200 ms
    LBBB    QRS above 120 ms; broad notched R in I, aVL, V5, V6 without q; QS in V1; T discordant
    RBBB    QRS above 120 ms; rsR' in V1; wide S in I and V6
    PAC     Early narrow beats after an abnormal P wave, with an incomplete pause
    PVC     Early wide beats without P, T discordant, with a compensatory pause in sinus rhythm
    STD     Depression of 0.1 to 0.3 mV on contiguous leads (lateral or inferior)
    STE     Elevation of 0.2 to 0.45 mV on contiguous leads (anterior, inferior or lateral)
    ======= ======================================================================================

    Parameters
    ----------
    n_records : int, default=100
        Number of records.
    labels : sequence of str, default=("Normal", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", \
            "STD", "STE")
        Findings that occur, in the order of the columns; all or some of the default, which has the
        names of the CPSC 2018 challenge.
    leads : sequence of str, default=("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", \
            "V4", "V5", "V6")
        The wanted leads, in order.
    sampling_rate : float, default=500
        Hz.
    duration_s : float, default=10.0
        Length of a record in s, at least 5, so that an early beat and its pause fit in. Below 8 s a
        record has PAC or PVC, not both. Long records have one to three early beats of a kind in ten
        seconds.
    records_per_patient : int, default=2
        Records of a patient share axis, amplitudes, forms of waves, intervals and lasting findings.
    noise : float or dict, default=1.0
        Noise of the electrodes; Einthoven's equation holds with it, too. A number scales the mild
        default, root mean squares of ``{"wander": 0.05, "mains": 0.005, "muscle": 0.012}`` mV per
        electrode. A dict gives these in mV; missing ones are 0. Mains hum has 50 Hz, and is left
        out if the sampling rate is too low for it.
    lead_off : float, dict or sequence of str, default=0.0
        Disconnected leads. A number is the probability for each lead of each record, a dict gives
        it for some leads by name, a sequence names leads that are off in all records. Such a lead
        is a flat line of 0 mV, as devices write it; NaN would mean that it was not recorded. Labels
        do not change.
    random_state : int, RandomState instance or None, default=None
        An int gives the same records each time.
    return_beats : bool, default=False
        Whether to return the true times of the beats too.

    Returns
    -------
    records : ECGRecords
        Signals as float32 in mV, of shape (n_records, n_leads, n_times). ``ids`` such as
        ``"P0003-1"``, ``groups`` such as ``"P0003"``; ``trusted`` is None.
    beats : DataFrame
        Only with `return_beats`: a row per beat whose QRS complex begins inside its record, with
        id, kind ("sinus", "AF", "PAC", "PVC"), and p_onset_s, p_offset_s (NaN without a P wave),
        qrs_onset_s, qrs_offset_s, t_peak_s and t_offset_s in s from the start of the record. Waves
        of the last beat may lie after the record's end, and the first P wave before its start.

    See Also
    --------
    corrupt_labels : Add noise to the labels.

    Notes
    -----
    The model is that of ECGSYN, on which ``neurokit2.ecg_simulate`` is based: waves are Gaussian
    events around the beat, and sinus cycles come from its process of respiratory and Mayer waves.
    Its engine is not used for three reasons: it has one form of beat for the whole record, and so
    no extrasystoles; it takes 0.8 s per record of twelve leads; and it scales every lead to the
    same 1.6 mV, which breaks Einthoven's equation. Here the events are computed for each beat on
    eight independent leads, in the time since the onset of QRS and not in the angle of the cycle.
    The simulator is for tests and examples: its records have less noise and clearer findings than
    those of real patients.

    References
    ----------
    McSharry PE, Clifford GD, Tarassenko L, Smith LA. A dynamical model for generating synthetic
    electrocardiogram signals. IEEE Trans Biomed Eng 50(3):289-294 (2003).

    Surawicz B, Childers R, Deal BJ, Gettes LS. AHA/ACCF/HRS recommendations for the
    standardization and interpretation of the electrocardiogram, part III: intraventricular
    conduction disturbances. Circulation 119:e235-e240 (2009).

    Examples
    --------
    >>> from sklearn_ecg.datasets import make_ecg_records
    >>> records = make_ecg_records(8, labels=("Normal", "AF", "LBBB", "RBBB"), random_state=0)
    >>> records.shape
    (8, 12, 5000)
    >>> records[:2].to_frame()
             group  Normal  AF  LBBB  RBBB
    id
    P0000-0  P0000       0   0     1     0
    P0000-1  P0000       0   0     1     0
    """
    _check_arguments(n_records, labels, leads, sampling_rate, duration_s, records_per_patient)
    levels = _noise_levels(noise)
    off_chances = _lead_off_chances(lead_off, leads)
    exclusive = list(_EXCLUSIVE)
    if duration_s < _SHORTEST_OF_BOTH_S:
        exclusive.append({"PAC", "PVC"})
    rng = check_random_state(random_state)
    n_times = round(duration_s * sampling_rate)
    asked = f"make_ecg_records({n_records}, {sampling_rate=}, {duration_s=})"
    signals = empty_array((n_records, len(leads), n_times), np.float32, asked)
    n_patients = -(-n_records // records_per_patient)
    main_findings = _in_turn(list(labels), n_patients, rng)

    kept_leads = [LEADS.index(lead) for lead in leads]
    ids, groups, all_findings, tables = [], [], [], []
    for record in range(n_records):
        number, visit = divmod(record, records_per_patient)
        if visit == 0:
            patient = make_patient(rng)
            lasting = _join({main_findings[number]}, _LASTING, labels, exclusive, rng)
        findings = _join(lasting, _PASSING, labels, exclusive, rng)
        rate = patient.fibrillation_rate if "AF" in findings else patient.heart_rate
        rate = max(rate + rng.uniform(-4, 4), 50)
        beats = make_beats(findings, patient, rate, duration_s, rng)
        signal = draw_beats(beats, patient, n_times, sampling_rate)
        if "AF" in findings:
            signal += fibrillatory_waves(patient, n_times, sampling_rate, rng)
        if any(levels.values()):
            signal += electrode_noise(levels, n_times, sampling_rate, rng)
        signals[record] = limb_leads(signal)[kept_leads]
        groups.append(f"P{number:04d}")
        ids.append(f"P{number:04d}-{visit}")
        all_findings.append(findings)
        tables.extend(_row(ids[-1], beat) for beat in beats if 0 <= beat.qrs_onset_s < duration_s)

    # Drawn last and for all twelve leads, so that nothing else depends on it.
    is_off = rng.uniform(size=(n_records, len(LEADS)))[:, kept_leads] < off_chances
    signals[is_off] = 0

    records = ECGRecords(
        signals,
        sampling_rate,
        lead_names=leads,
        ids=ids,
        groups=groups,
        labels=[[label in findings for label in labels] for findings in all_findings],
        label_names=labels,
    )
    return (records, pd.DataFrame(tables)) if return_beats else records


def _check_arguments(n_records, labels, leads, sampling_rate, duration_s, records_per_patient):
    for name, value in (("n_records", n_records), ("records_per_patient", records_per_patient)):
        if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a positive integer; got {value!r}.")
    for name, values, known in (("labels", labels, LABELS), ("leads", leads, LEADS)):
        is_sequence = isinstance(values, Collection) and not isinstance(values, str)
        repeated = is_sequence and len(set(values)) != len(values)
        if not is_sequence or not len(values) or repeated or not set(values) <= set(known):
            raise ValueError(
                f"{name} must be a sequence of different names among {known}; got {values!r}."
            )
    if not isinstance(sampling_rate, numbers.Real) or not 50 <= sampling_rate < np.inf:
        raise ValueError(
            f"sampling_rate must be at least 50 Hz to show QRS; got {sampling_rate!r}."
        )
    if not isinstance(duration_s, numbers.Real) or not _SHORTEST_S <= duration_s < np.inf:
        raise ValueError(
            f"duration_s must be at least {_SHORTEST_S:g} s, so that an early beat and its pause "
            f"fit in; got {duration_s!r}. Cut shorter records out of the signals."
        )


def _noise_levels(noise):
    """Return the root mean square in mV of each kind of noise."""
    if isinstance(noise, dict):
        if not set(noise) <= set(_NOISE_MV) or any(not 0 <= v < np.inf for v in noise.values()):
            raise ValueError(
                f"noise must give mV (not negative) for some of {tuple(_NOISE_MV)}; got {noise!r}."
            )
        return {name: noise.get(name, 0.0) for name in _NOISE_MV}
    if not isinstance(noise, numbers.Real) or not 0 <= noise < np.inf:
        raise ValueError(f"noise must be a number from 0 on, or a dict; got {noise!r}.")
    return {name: noise * level for name, level in _NOISE_MV.items()}


def _lead_off_chances(lead_off, leads):
    """Return the probability for each lead that it is off."""
    if isinstance(lead_off, numbers.Real):
        chances = dict.fromkeys(leads, lead_off)
    elif isinstance(lead_off, Mapping):
        chances = lead_off
    else:
        chances = dict.fromkeys([lead_off] if isinstance(lead_off, str) else lead_off, 1.0)
    valid = [isinstance(p, numbers.Real) and 0 <= p <= 1 for p in chances.values()]
    if not set(chances) <= set(leads) or not all(valid):
        raise ValueError(
            f"lead_off must be a probability, a dict of them by lead, or names, for leads among "
            f"{tuple(leads)}; got {lead_off!r}."
        )
    return np.array([chances.get(lead, 0.0) for lead in leads])


def _in_turn(labels, n_patients, rng):
    """Return a main finding per patient: each label equally often, in random order."""
    rounds = -(-n_patients // len(labels))
    return [labels[i] for _ in range(rounds) for i in rng.permutation(len(labels))][:n_patients]


def _join(findings, chances, labels, exclusive, rng):
    """Return the findings, and further compatible ones that join them by chance."""
    joined = set(findings)
    for label, chance in chances.items():
        # Drawn for every label, so that leaving out a label does not change the others.
        occurs = rng.uniform() < chance
        pairs = [{label, other} for other in joined]
        allowed = label in labels and "Normal" not in joined
        if occurs and allowed and not any(pair in exclusive for pair in pairs):
            joined.add(label)
    return joined


def _row(record_id, beat):
    has_p = beat.p_onset_s is not None
    return {
        "id": record_id,
        "kind": beat.kind,
        "p_onset_s": beat.p_onset_s if has_p else np.nan,
        "p_offset_s": beat.p_onset_s + P_DURATION_MS[beat.kind] / 1000 if has_p else np.nan,
        "qrs_onset_s": beat.qrs_onset_s,
        "qrs_offset_s": beat.qrs_offset_s,
        "t_peak_s": beat.t_peak_s,
        "t_offset_s": beat.t_offset_s,
    }

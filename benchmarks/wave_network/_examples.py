"""What the network learns from: signals at its own rate, and what is known of each sample."""

import dataclasses

import numpy as np
import wfdb

from benchmarks._beat_scores import SAMPLING_RATE as MITDB_RATE
from benchmarks._beat_scores import read_beats
from benchmarks._data import data_folder
from sklearn_ecg.datasets import load_cpsc2018, load_ludb, load_ludb_annotations, load_ptbxl
from sklearn_ecg.features._wave_network import RATE, filter_leads, scale_leads

_WAVES = {"P": 1, "QRS": 2, "T": 3}
_BUMP = 2.5  # samples: standard deviation of the bump that marks a peak
_LUDB_RATE = 500
_N_TIMES = 10 * RATE


@dataclasses.dataclass
class Example:
    """One record.

    `waves` holds 0 to 3 for no wave, P, QRS and T, -1 where nobody looked; `peaks` the bumps of P
    and T peaks; `beats` those of R peaks, NaN where nobody looked. `without_p` is where the rhythm
    (atrial fibrillation) has no P waves.
    """

    source: str
    id: str
    patient: str
    signal: np.ndarray  # (n_leads, n_times)
    beats: np.ndarray | None = None  # (n_times,)
    waves: np.ndarray | None = None  # (n_leads, n_times)
    peaks: np.ndarray | None = None  # (2, n_leads, n_times)
    without_p: np.ndarray | None = None  # (n_times,)


def prepare(signal, sampling_rate):
    """Return one record as `look_at` shows it to the network."""
    return scale_leads(filter_leads(signal, sampling_rate))


def ludb_examples():
    """Return LUDB's records with the waves that were annotated in each lead."""
    records, annotations = (
        load_ludb(data_folder("ludb")),
        load_ludb_annotations(data_folder("ludb")),
    )
    by_record = dict(list(annotations.groupby("id")))
    examples = []
    for index, record in enumerate(records.ids):
        own = by_record[record]
        shape = (records.n_leads, _N_TIMES)
        waves, peaks = np.full(shape, -1, np.int8), np.zeros((2, *shape), np.float32)
        for place, name in enumerate(records.lead_names):
            _mark_waves(own[own["lead"] == name], waves[place], peaks[:, place])
        examples.append(
            Example(
                source="ludb",
                id=record,
                patient=ludb_patient(record),
                signal=prepare(records[index : index + 1].signals[0], _LUDB_RATE),
                beats=_joint_r_peaks(own, (waves >= 0).any(axis=0)),
                waves=waves,
                peaks=peaks,
            )
        )
    return examples


def _mark_waves(annotations, waves, peaks):
    to_rate = RATE / _LUDB_RATE
    first = annotations.iloc[0]  # the span is the same in all rows
    waves[int(np.ceil(first.span_start * to_rate)) : int(first.span_stop * to_rate) + 1] = 0
    for row in annotations.itertuples():
        if row.wave in _WAVES and np.isfinite([row.onset, row.peak, row.offset]).all():
            onset, offset = round(row.onset * to_rate), round(row.offset * to_rate)
            waves[onset : offset + 1] = _WAVES[row.wave]
            if row.wave != "QRS":
                bump = _bumps([row.peak * to_rate], len(waves))
                peak = peaks[0 if row.wave == "P" else 1]
                np.maximum(peak, bump, out=peak)
        else:
            # Half an annotation: something is there, but from when to when is not known.
            known = np.array([row.onset, row.peak, row.offset])
            known = known[np.isfinite(known)] * to_rate
            waves[max(0, int(known.min() - 0.15 * RATE)) : int(known.max()) + 1] = -1


def _joint_r_peaks(annotations, looked):
    """Return the bumps of beats: the median of the peaks that the leads' QRS complexes have."""
    peaks = np.sort(annotations.loc[annotations["wave"] == "QRS", "peak"].to_numpy())
    peaks = peaks[np.isfinite(peaks)] * (RATE / _LUDB_RATE)
    groups = np.split(peaks, np.flatnonzero(np.diff(peaks) > 0.1 * RATE) + 1)
    beats = _bumps([np.median(group) for group in groups if len(group) >= 4], len(looked))
    return np.where(looked, beats, np.nan).astype(np.float32)


def mitdb_examples():
    """Return MIT-BIH's records with their beats, and where the atria fibrillate."""
    folder, examples = data_folder("mitdb"), []
    to_rate = RATE / MITDB_RATE
    for path in sorted(folder.glob("*.hea")):
        signal = wfdb.rdrecord(str(folder / path.stem)).p_signal.T
        signal = prepare(signal, MITDB_RATE)
        r_peaks, flutter = read_beats(folder, path.stem)
        beats = _bumps(r_peaks * to_rate, signal.shape[1])
        for start, stop in flutter * to_rate:
            beats[max(0, int(start) - 50) : int(stop) + 50] = np.nan
        examples.append(
            Example(
                source="mitdb",
                id=path.stem,
                patient=mitdb_patient(path.stem),
                signal=signal,
                beats=beats,
                without_p=_fibrillation(folder / path.stem, signal.shape[1]),
            )
        )
    return examples


def ludb_patient(record):
    """Return who a record is of: every one is of another patient."""
    return f"ludb {record}"


def mitdb_patient(record):
    """Return who a record is of: 201 and 202 are the same man."""
    return f"mitdb {'201' if record == '202' else record}"


def _fibrillation(path, n_times):
    annotations = wfdb.rdann(str(path), "atr")
    changes = [
        (sample * RATE / MITDB_RATE, note.strip("\x00"))
        for sample, note in zip(annotations.sample, annotations.aux_note, strict=True)
        if note.startswith("(")
    ]
    fibrillates = np.zeros(n_times, bool)
    half_second = RATE // 2
    for (start, rhythm), stop in zip(
        changes, [start for start, _ in changes[1:]] + [n_times], strict=True
    ):
        if rhythm == "(AFIB":
            fibrillates[int(start) + half_second : int(stop) - half_second] = True
    return fibrillates


def fibrillation_examples():
    """Return records of atrial fibrillation alone: nothing is annotated, but no P wave is there."""
    ptbxl = load_ptbxl(data_folder("ptb-xl"), task="rhythm")
    cpsc = load_cpsc2018(data_folder("cpsc2018") / "wfdb")
    examples = []
    for source, records, name in (("ptb-xl", ptbxl, "AFIB"), ("cpsc2018", cpsc, "AF")):
        column = list(records.label_names).index(name)
        present = records.labels == 1
        alone = np.flatnonzero(present[:, column] & (present.sum(axis=1) == 1))
        for index in alone:
            record = records[index : index + 1]
            signal = prepare(record.signals[0], record.sampling_rate)[:, :_N_TIMES]
            if signal.shape[1] == _N_TIMES:
                patient = f"{source} {record.groups[0] if record.groups is not None else index}"
                without_p = np.ones(_N_TIMES, bool)
                examples.append(
                    Example(source, str(record.ids[0]), patient, signal, without_p=without_p)
                )
    return examples


def _bumps(places, n_times):
    bumps = np.zeros(n_times, np.float32)
    places = np.asarray(places, dtype=float)
    for step in range(-8, 9):
        samples = np.round(places).astype(int) + step
        inside = (samples >= 0) & (samples < n_times)
        height = np.exp(-0.5 * ((samples - places)[inside] / _BUMP) ** 2)
        np.maximum.at(bumps, samples[inside], height.astype(np.float32))
    return bumps

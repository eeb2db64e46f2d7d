"""What the network learns from: signals at its own rate, and what is known of each sample."""

import dataclasses
import itertools

import numpy as np
import wfdb

from benchmarks._beat_scores import SAMPLING_RATE as MITDB_RATE
from benchmarks._beat_scores import read_beats
from benchmarks._data import data_folder
from benchmarks.wave_network._patients import ludb_patient, mitdb_patient, qtdb_patient
from sklearn_ecg.datasets import (
    load_cinc2017,
    load_cpsc2018,
    load_ludb,
    load_ludb_annotations,
    load_ptbxl,
)
from sklearn_ecg.datasets._annotations import read_annotations
from sklearn_ecg.datasets._mitdb import _BEATS as BEATS
from sklearn_ecg.features._quality import CheckedSignal
from sklearn_ecg.features._r_peaks import find_beats
from sklearn_ecg.features._wave_network import RATE, filter_leads, scale_leads

_WAVES = {"P": 1, "QRS": 2, "T": 3}
_BUMP = 2.5  # samples: standard deviation of the bump that marks a peak
_LUDB_RATE = 500
QTDB_RATE = 250
_BEATS_OF_QTDB_S = 300  # from the start, far from the stretches with marks
_N_TIMES = 10 * RATE


@dataclasses.dataclass
class Example:
    """One record.

    `waves` holds 0 to 3 for no wave, P, QRS and T, -1 where nobody looked; `peaks` the bumps of P
    and T peaks, NaN where they are not known; `beats` those of R peaks, NaN where nobody looked.
    `without_p` is where the rhythm (atrial fibrillation) has no P waves. Somewhere in each stretch
    of equal numbers above 0 in `with_p` there is a P wave, as the rhythm (sinus) says.
    """

    source: str
    id: str
    patient: str
    signal: np.ndarray  # (n_leads, n_times)
    beats: np.ndarray | None = None  # (n_times,)
    waves: np.ndarray | None = None  # (n_leads, n_times)
    peaks: np.ndarray | None = None  # (2, n_leads, n_times)
    without_p: np.ndarray | None = None  # (n_times,)
    with_p: np.ndarray | None = None  # (n_times,)


def prepare(signal, sampling_rate):
    """Return one record as `look_at` shows it to the network."""
    return scale_leads(filter_leads(CheckedSignal(signal, sampling_rate).signal, sampling_rate))


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
                bump = bumps([row.peak * to_rate], len(waves))
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
    beats = bumps([np.median(group) for group in groups if len(group) >= 4], len(looked))
    return np.where(looked, beats, np.nan).astype(np.float32)


def qtdb_examples():
    """Return QTDB's records: stretches with the first expert's marks, and the beats of the rest.

    The marks are of both leads together, and where T waves begin is mostly not marked.
    """
    folder, examples = data_folder("qtdb"), []
    for path in sorted(folder.glob("*.q1c")):
        signal = prepare(wfdb.rdrecord(str(folder / path.stem)).p_signal.T, QTDB_RATE)
        marks = wfdb.rdann(str(folder / path.stem), "q1c")
        waves, peaks, r_peaks = _read_marks(marks, signal.shape[1])
        first, stop = np.flatnonzero(waves >= 0)[[0, -1]] + [-RATE, RATE]
        around = slice(max(0, first), stop)
        beats = bumps(r_peaks, len(waves))
        beats[waves < 0] = np.nan
        for r_peak in r_peaks:  # between the ends of QRS and the peak of T waves there is no beat
            beats[int(r_peak) : int(r_peak) + RATE // 4] = np.nan_to_num(
                beats[int(r_peak) : int(r_peak) + RATE // 4]
            )
        n_leads = len(signal)
        examples.append(
            Example(
                source="qtdb",
                id=path.stem,
                patient=qtdb_patient(path.stem),
                signal=signal[:, around],
                beats=beats[around],
                waves=np.tile(waves[around], (n_leads, 1)),
                peaks=np.tile(peaks[:, np.newaxis, around], (1, n_leads, 1)),
            )
        )
        if (folder / f"{path.stem}.atr").exists():
            samples, symbols = read_annotations(folder / path.stem, "atr")
            beats = bumps(samples[np.isin(symbols, list(BEATS))], signal.shape[1])
            stretch = slice(0, _BEATS_OF_QTDB_S * RATE)
            examples.append(
                Example(
                    source="beats",
                    id=path.stem,
                    patient=qtdb_patient(path.stem),
                    signal=signal[:, stretch],
                    beats=beats[stretch],
                    without_p=np.zeros(stretch.stop, bool),
                    with_p=np.zeros(stretch.stop, np.int32),
                )
            )
    return examples


def _read_marks(marks, n_times):
    """Return waves (n_times,), peaks (2, n_times) and R peaks of one expert's marks."""
    waves, peaks = np.full(n_times, -1, np.int8), np.zeros((2, n_times), np.float32)
    kinds = {"p": 1, "t": 3, "u": 0}
    spans, previous, opened = [], None, None
    for sample, symbol in zip(marks.sample, marks.symbol, strict=True):
        if symbol == "(":
            opened = sample
        elif symbol == ")":
            if previous:
                spans.append((*previous, sample))
            previous, opened = None, None
        else:
            if previous:  # a second peak of the same wave, or a wave without an end
                spans.append((*previous, None))
            previous, opened = (symbol, opened, sample), None
    r_peaks = np.array([peak for kind, _, peak, _ in spans if kind not in kinds])
    usual = np.median(np.diff(r_peaks))
    # Between waves there is nothing, unless beats in between were passed over.
    for (*_, peak, end), (_, onset, _, _) in itertools.pairwise(spans):
        if end is not None and onset is not None and onset - peak < usual:
            waves[end + 1 : onset] = 0
    for kind, onset, peak, end in spans:
        number = kinds.get(kind, 2)
        if number in (1, 3):
            np.maximum(peaks[number // 2], bumps([peak], n_times), out=peaks[number // 2])
        if end is not None:
            waves[peak if onset is None else onset : end + 1] = number
    return waves, peaks, r_peaks


def mitdb_examples():
    """Return MIT-BIH's records with their beats, and where P waves must and cannot be."""
    folder, examples = data_folder("mitdb"), []
    to_rate = RATE / MITDB_RATE
    for path in sorted(folder.glob("*.hea")):
        signal = wfdb.rdrecord(str(folder / path.stem)).p_signal.T
        signal = prepare(signal, MITDB_RATE)
        r_peaks, flutter = read_beats(folder, path.stem)
        beats = bumps(r_peaks * to_rate, signal.shape[1])
        for start, stop in flutter * to_rate:
            beats[max(0, int(start) - 50) : int(stop) + 50] = np.nan
        rhythms = _rhythms(folder / path.stem, signal.shape[1])
        samples, symbols = read_annotations(folder / path.stem, "atr")
        is_beat = np.isin(symbols, list(BEATS))
        samples = np.round(samples[is_beat] * to_rate).astype(int)
        conducted = np.isin(symbols[is_beat], list("NLR")) & rhythms["(N"][samples]
        examples.append(
            Example(
                source="beats",
                id=path.stem,
                patient=mitdb_patient(path.stem),
                signal=signal,
                beats=beats,
                without_p=rhythms["(AFIB"],
                with_p=_before_beats(samples, signal.shape[1], conducted),
            )
        )
    return examples


def _rhythms(path, n_times):
    """Return where, but for half a second at either end, a rhythm of MIT-BIH lasts."""
    annotations = wfdb.rdann(str(path), "atr")
    changes = [
        (sample * RATE / MITDB_RATE, note.strip("\x00"))
        for sample, note in zip(annotations.sample, annotations.aux_note, strict=True)
        if note.startswith("(")
    ]
    lasts = {rhythm: np.zeros(n_times, bool) for rhythm in ("(AFIB", "(N")}
    half_second = RATE // 2
    for (start, rhythm), stop in zip(
        changes, [start for start, _ in changes[1:]] + [n_times], strict=True
    ):
        if rhythm in lasts:
            lasts[rhythm][int(start) + half_second : int(stop) - half_second] = True
    return lasts


def _before_beats(r_peaks, n_times, chosen):
    """Number the stretches in which the P waves of chosen beats must be."""
    with_p = np.zeros(n_times, np.int32)
    for number in np.flatnonzero(chosen[1:]) + 1:
        rr = r_peaks[number] - r_peaks[number - 1]
        start = max(r_peaks[number - 1] + 0.3 * rr, r_peaks[number] - 0.5 * RATE)
        with_p[int(start) : int(r_peaks[number] - 0.06 * RATE)] = number
    return with_p


def rhythm_examples():
    """Return records of which the rhythm alone says where P waves are, or that there are none.

    Those of sinus rhythm are the ones of PTB-XL that are fast, slow, irregular or of first-degree
    block, some others of it, and of CPSC2018 and the challenge of 2017.
    """
    examples = []
    for source, records, sinus, fibrillating in _rhythm_collections():
        for index in np.flatnonzero(sinus | fibrillating):
            record = records[index : index + 1]
            signal = prepare(record.signals[0], record.sampling_rate)[:, :_N_TIMES]
            if signal.shape[1] < _N_TIMES:
                continue
            group = record.groups[0] if record.groups is not None else record.ids[0]
            n_times = signal.shape[1]
            with_p = np.zeros(n_times, np.int32)
            if sinus[index]:
                checked = CheckedSignal(record.signals[0], record.sampling_rate)
                r_peaks = find_beats(checked).r_peaks
                r_peaks = r_peaks[r_peaks < n_times]
                with_p = _before_beats(r_peaks, n_times, np.ones(len(r_peaks), bool))
            examples.append(
                Example(
                    source=source,
                    id=str(record.ids[0]),
                    patient=f"{source} {group}",
                    signal=signal,
                    without_p=np.full(n_times, fibrillating[index]),
                    with_p=with_p,
                )
            )
    return examples


def _rhythm_collections():
    """Return the name of each database, its records, and which are sinus rhythm and AF alone."""
    ptbxl = load_ptbxl(data_folder("ptb-xl"), task="all")
    has = {n: c == 1 for n, c in zip(ptbxl.label_names, ptbxl.labels.T, strict=True)}
    spoilt = has["AFIB"] | has["AFLT"] | has["PACE"] | has["2AVB"] | has["3AVB"] | has["SVTAC"]
    spoilt |= has["PSVT"] | has["PAC"] | has["PVC"] | has["BIGU"] | has["TRIGU"]
    special = has["STACH"] | has["1AVB"] | has["SBRAD"] | has["SARRH"]
    some = np.random.default_rng(0).random(len(ptbxl)) < 0.12
    sinus = (special | (has["SR"] & some)) & ~spoilt
    rhythms = ("SR", "STACH", "SBRAD", "SARRH", "PACE", "SVTAC", "PSVT")
    alone = (has["AFIB"] | has["AFLT"]) & ~np.any([has[name] for name in rhythms], axis=0)
    yield "ptb-xl", ptbxl, sinus, alone
    cpsc = load_cpsc2018(data_folder("cpsc2018") / "wfdb")
    has = {n: c == 1 for n, c in zip(cpsc.label_names, cpsc.labels.T, strict=True)}
    single = (cpsc.labels == 1).sum(axis=1) == 1
    yield "cpsc2018", cpsc, (has["Normal"] | has["I-AVB"]) & single, has["AF"] & single
    challenge = load_cinc2017(data_folder("cinc2017"))
    has = {n: c == 1 for n, c in zip(challenge.label_names, challenge.labels.T, strict=True)}
    some = np.random.default_rng(0).random(len(challenge)) < 0.3
    yield "cinc2017", challenge, has["N"] & some, has["A"]


def bumps(places, n_times):
    bumps = np.zeros(n_times, np.float32)
    places = np.asarray(places, dtype=float)
    for step in range(-8, 9):
        samples = np.round(places).astype(int) + step
        inside = (samples >= 0) & (samples < n_times)
        height = np.exp(-0.5 * ((samples - places)[inside] / _BUMP) ** 2)
        np.maximum.at(bumps, samples[inside], height.astype(np.float32))
    return bumps

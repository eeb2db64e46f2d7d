"""Intervals over all leads, against cardiologists' marks and a recorder's own measurements.

LUDB's waves are marked in every lead. From the marks the intervals are computed by the same rule as
ours: of each beat from the 5 % quantile of the leads' onsets to the 95 % quantile of their ends,
then the median over the beats, where eight leads or more are marked. Beside it stand the rule of 10
and 90 % and that of the very earliest and latest mark. The errors of marks differ from lead to
lead, so the marks lie farther apart than the waves do. This matters most for rules near the
extremes. The networks of the folds look at records of patients that they never saw.
"""

import argparse
import warnings
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd

from benchmarks._data import data_folder
from benchmarks._fold_networks import FoldNetworks
from benchmarks._report import explanation, write_results
from benchmarks.wave_network._patients import ludb_patient
from sklearn_ecg.datasets import load_ludb, load_ludb_annotations, load_ptbxl
from sklearn_ecg.features._catalogue import features_of, record_features
from sklearn_ecg.features._measurements import measure

_RATE = 500
_LEAST_LEADS = 8
_RULES = {"5 and 95 %": 0.05, "10 and 90 %": 0.1, "earliest and latest mark": 0.0}
_INTERVALS = {
    "P_duration_ms": ("p_onset", "p_offset"),
    "PR_interval_ms": ("p_onset", "qrs_onset"),
    "QRS_duration_ms": ("qrs_onset", "qrs_offset"),
    "QT_interval_ms": ("qrs_onset", "t_offset"),
    "JT_interval_ms": ("qrs_offset", "t_offset"),
}
_CORRECTED = ("QTc_Bazett_ms", "QTc_Fridericia_ms", "QTc_Framingham_ms", "QTc_Hodges_ms")
_PRINTED = {"P_duration_ms": "P", "PR_interval_ms": "PR", "QRS_duration_ms": "QRS"}
_PRINTED |= {"QT_interval_ms": "QT"}
_RHYTHMS = {
    "AFIB": "atrial fibrillation",
    "SR": "sinus rhythm",
    "SBRAD": "sinus bradycardia",
    "STACH": "sinus tachycardia",
    "1AVB": "first degree AV block",
}
_AGAIN = 0.2 * _RATE  # a mark farther than this from the last is of another beat


def main():
    arguments = parse_arguments()
    warnings.simplefilter("ignore")
    step = 20 if arguments.quick else 1
    network_of = FoldNetworks()
    found, marked = measure_ludb(network_of, step)
    apart = {
        rule: {name: _summary(found[name] - own[name]) for name in _INTERVALS}
        for rule, own in marked.items()
    }
    recorder = measure_recorder()
    ptbxl = load_ptbxl(data_folder("ptb-xl"), sampling_rate=100, task="all")
    rhythms = measure_rhythms(network_of, ptbxl, step)
    normal, n_normal = measure_normal(network_of, ptbxl, step)
    data = {"ludb": apart, "recorder": recorder, "rhythms": rhythms, "normal": normal}
    text = (
        f"{explanation(__doc__)}\n"
        f"## Ours less the marks of {len(found)} records of LUDB, by three rules for the marks\n\n"
        "Mean ± SD in ms (the worst record).\n\n"
        f"{_as_text(apart).to_markdown()}\n\n"
        "## One record beside what its recorder printed\n\n"
        "`same-ecg.aecg.xml`, by the network that is shipped; in ms.\n\n"
        f"{pd.DataFrame(recorder).round(0).astype(int).to_markdown()}\n\n"
        "## Records of PTB-XL that have a PR interval\n\n"
        f"{pd.DataFrame(rhythms).T.to_markdown()}\n\n"
        "## Intervals of normal records of PTB-XL\n\n"
        f"{n_normal} records of sinus rhythm and a normal ECG, beside the catalogue's limits.\n\n"
        f"{pd.DataFrame(normal).T.to_markdown()}"
    )
    page = f"intervals{'_quick' * arguments.quick}"
    write_results(page, "Intervals over all leads", text, data, command="intervals")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="every twentieth record")
    return parser.parse_args()


def measure_ludb(network_of, step):
    """Return our intervals, and those of the marks by each rule, a row per record."""
    folder = data_folder("ludb")
    records, annotations = load_ludb(folder)[::step], load_ludb_annotations(folder)
    by_record = dict(list(annotations.groupby("id")))
    found, marked = {}, {rule: {} for rule in _RULES}
    for record, signal in zip(records.ids, records.signals, strict=True):
        network = network_of(ludb_patient(record))
        found[record] = _measured(signal, _RATE, records.lead_names, network)
        beats = marked_beats(by_record[record])
        for rule, q in _RULES.items():
            marked[rule][record] = marked_intervals(beats, q)
    return pd.DataFrame(found).T, {rule: pd.DataFrame(own).T for rule, own in marked.items()}


def marked_beats(annotations):
    """Return each beat's marked bounds in ms, a frame of leads and bounds each."""
    p, qrs, t = (annotations[annotations["wave"] == wave] for wave in ("P", "QRS", "T"))
    peaks = np.sort(qrs["peak"].dropna())
    beats = []
    for group in np.split(peaks, np.flatnonzero(np.diff(peaks) > _AGAIN) + 1):
        first, last = group.min(), group.max()
        waves = {
            "p": p[p["peak"].between(first - 0.4 * _RATE, first)].sort_values("peak"),
            "qrs": qrs[qrs["peak"].between(first, last)],
            "t": t[t["peak"].between(last, last + 0.6 * _RATE)].sort_values("peak"),
        }
        # The P wave next to the QRS, and the T wave next to it.
        chosen = {
            wave: rows.groupby("lead")[["onset", "offset"]].agg("last" if wave == "p" else "first")
            for wave, rows in waves.items()
        }
        bounds = [rows.add_prefix(f"{wave}_") for wave, rows in chosen.items()]
        beats.append(pd.concat(bounds, axis=1) * (1000 / _RATE))
    return beats


def marked_intervals(beats, q):
    """Return the median over beats of each interval, from the q to the 1 - q quantile of leads."""
    intervals = {name: [] for name in _INTERVALS}
    for beat in beats:
        for name, pair in _INTERVALS.items():
            if (beat[list(pair)].count() >= _LEAST_LEADS).all():
                start, end = (
                    beat[bound].quantile(q if bound.endswith("onset") else 1 - q) for bound in pair
                )
                intervals[name].append(end - start)
    return {name: np.median(own) if own else np.nan for name, own in intervals.items()}


def measure_recorder():
    """Return what a recorder wrote beside its signal, and ours."""
    signals, lead_names, rate, printed = read_aecg(data_folder("hospital") / "same-ecg.aecg.xml")
    found = _measured(signals, rate, lead_names)
    return {
        "recorder": {name: printed[code] for name, code in _PRINTED.items()},
        "sklearn_ecg": {name: float(found[name]) for name in _PRINTED},
    }


def read_aecg(path):
    """Return signals in mV, leads, rate, and the printed intervals in ms of an HL7 aECG file."""
    root, ns = ET.parse(path).getroot(), "{urn:hl7-org:v3}"
    rhythm = root.find(f".//{ns}series")  # the first: derived median beats follow
    leads, rate = {}, 1 / float(rhythm.find(f".//{ns}increment").get("value"))
    for sequence in rhythm.iter(f"{ns}sequence"):
        name = sequence.find(f"{ns}code").get("code").removeprefix("MDC_ECG_LEAD_")
        digits = sequence.find(f".//{ns}digits")
        if digits is not None and name not in leads:
            scale = float(sequence.find(f".//{ns}scale").get("value"))  # in uV
            leads[name] = np.array(digits.text.split(), float) * scale / 1000
    printed = {}
    for annotation in root.iter(f"{ns}annotation"):
        code = annotation.find(f"{ns}code").get("code")
        if code.startswith("MDC_ECG_TIME_PD_"):
            value = float(annotation.find(f"{ns}value").get("value"))
            printed.setdefault(code.removeprefix("MDC_ECG_TIME_PD_"), value)
    return np.stack(list(leads.values())), tuple(leads), rate, printed


def measure_rhythms(network_of, records, step):
    """Return for each rhythm how many records of PTB-XL have it, and a PR interval."""
    rows = {}
    for code, rhythm in _RHYTHMS.items():
        # Sinus rhythm, the most frequent one, is represented by every tenth record.
        chosen = records[
            np.flatnonzero(_have(records, code))[:: step * (10 if code == "SR" else 1)]
        ]
        has_pr = measure_ptbxl(network_of, chosen)["PR_interval_ms"].notna()
        rows[rhythm] = {
            "records": len(has_pr),
            "with a PR interval, %": round(100 * float(has_pr.mean()), 1),
        }
    return rows


def measure_normal(network_of, records, step):
    """Return the spread of the intervals in normal records, every third, and their number."""
    is_normal = _have(records, "NORM") & _have(records, "SR")
    features = measure_ptbxl(network_of, records[np.flatnonzero(is_normal)[:: 3 * step]])
    limits = {feature.name: feature.normal for feature in record_features(())}
    rows = {}
    for name in (*_INTERVALS, *_CORRECTED):
        low, middle, high = features[name].quantile([0.02, 0.5, 0.98]).round()
        rows[name] = {"2 %": low, "median": middle, "98 %": high, "limits": limits[name]}
    return rows, len(features)


def measure_ptbxl(network_of, records):
    patients = [f"ptb-xl {patient}" for patient in records.groups]
    rows = [
        _measured(signal, records.sampling_rate, records.lead_names, network_of(patient))
        for signal, patient in zip(records.signals, patients, strict=True)
    ]
    return pd.DataFrame(rows)


def _have(records, code):
    return records.labels[:, list(records.label_names).index(code)] == 1


def _measured(signal, sampling_rate, lead_names, network=None):
    values = measure(signal, sampling_rate, lead_names, network=network)
    return dict(zip(features_of(lead_names), values, strict=True))


def _summary(apart):
    known = apart.dropna()
    return {
        "mean_ms": float(known.mean()),
        "sd_ms": float(known.std()),
        "worst_ms": float(known[known.abs().idxmax()]),
        "records": len(known),
    }


def _as_text(apart):
    return pd.DataFrame(
        {
            rule: {
                f"{name} ({own['records']} records)": f"{own['mean_ms']:.0f} ± {own['sd_ms']:.0f} "
                f"({own['worst_ms']:.0f})"
                for name, own in by_name.items()
            }
            for rule, by_name in apart.items()
        }
    )


if __name__ == "__main__":
    main()

"""P, QRS and T waves on LUDB: bounds and peaks in every lead, against cardiologists' marks.

A tolerance of 150 ms proves nothing: offsets from R that don't look at the signal pass it. So F1
counts points matched one to one within 50 ms, and the standard deviation (SD) is that of the
errors of points matched within 150 ms. Detections outside of the span that was annotated in a lead
don't count. False P waves are counted per beat in the leads in which the cardiologists marked
none. We find R peaks ourselves, once per record; the peers get each lead's R peaks as the
cardiologists marked them. NeuroKit sees what its `ecg_clean` makes of each lead. A lead on which a
peer breaks down is one in which it found nothing. Constant offsets are the median distances of the
marks from R over all records, those scored included: what one knows without looking.
"""

import argparse
import time

import numpy as np
import pandas as pd

from benchmarks._data import data_folder
from benchmarks._report import explanation, write_results
from benchmarks._wave_scores import POINTS, SAMPLING_RATE, count_false_p_waves, score_delineation
from sklearn_ecg.datasets import load_ludb, load_ludb_annotations
from sklearn_ecg.features import delineate
from sklearn_ecg.features._neurokit import delineate_lead

_NEUROKIT = ("peak", "prominence", "dwt", "cwt")
_COLUMNS = [column for *_, column in POINTS]


def main():
    arguments = parse_arguments()
    folder = data_folder("ludb")
    records, annotations = load_ludb(folder), load_ludb_annotations(folder)
    if arguments.quick:
        records = records[::20]
        annotations = annotations[annotations["id"].isin(records.ids)]
    r_peaks = marked_r_peaks(annotations)
    methods = {"sklearn_ecg": delineate_by_ours}
    for method in _NEUROKIT:
        methods[f"NeuroKit {method}"] = NeuroKitDelineator(method, r_peaks)
    methods["constant offsets"] = ConstantOffsets(annotations, r_peaks)
    predictions = {}
    if arguments.predictions:
        predictions["sklearn_ecg"] = read_predictions(arguments.predictions)
    results = {
        name: measure(name, method, records, annotations, predictions.get(name))
        for name, method in methods.items()
    }
    text = (
        f"{explanation(__doc__)}\n"
        f"{len(records)} records of 12 leads. {describe_ours(arguments.predictions)}\n\n"
        f"{tables(results)}"
    )
    page = f"delineation{'_quick' * arguments.quick}"
    title = "Delineation on LUDB"
    write_results(page, title, text, results, command="delineation", packages=("neurokit2",))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="ten records")
    parser.add_argument(
        "--predictions",
        metavar="FILE",
        help="Parquet or CSV with our waves, found by networks that never saw the record they "
        "look at: the columns of `delineate` in samples at 500 Hz, with id and lead (its name)",
    )
    return parser.parse_args()


def read_predictions(file):
    return pd.read_parquet(file) if str(file).endswith(".parquet") else pd.read_csv(file)


def describe_ours(predictions):
    if predictions:
        return (
            "Our waves are out of fold: the network that looked at a record was trained on other "
            "patients, in the same way as the one that is shipped."
        )
    return (
        "Our waves are those of `delineate` as it is shipped. Its network was trained on these "
        "records: only `--predictions` gives scores to rely on."
    )


def marked_r_peaks(annotations):
    """Return for each record and lead the samples of the marked QRS peaks."""
    qrs = annotations[annotations["wave"] == "QRS"]
    return {lead: np.unique(own["peak"]).astype(int) for lead, own in qrs.groupby(["id", "lead"])}


def delineate_by_ours(record_id, signal, lead_names):
    waves = delineate(signal, SAMPLING_RATE)
    return waves.assign(id=record_id, lead=np.take(lead_names, waves["lead"]))


class NeuroKitDelineator:
    """One of NeuroKit's methods, lead by lead."""

    def __init__(self, method, r_peaks):
        self.method = method
        self.r_peaks = r_peaks
        self.n_failed = 0

    def __call__(self, record_id, signal, lead_names):
        parts = [
            self._delineate_lead(lead, self.r_peaks.get((record_id, name), [])).assign(lead=name)
            for lead, name in zip(signal, lead_names, strict=True)
        ]
        return pd.concat(parts).assign(id=record_id)

    def _delineate_lead(self, lead, r_peaks):
        try:
            waves = delineate_lead(lead, SAMPLING_RATE, r_peaks, self.method)
        except RuntimeError:
            self.n_failed += 1
            return pd.DataFrame(columns=_COLUMNS, dtype=float)
        return pd.DataFrame(waves)[_COLUMNS]


class ConstantOffsets:
    """Every wave at its usual distance from R."""

    def __init__(self, annotations, r_peaks):
        self.r_peaks = r_peaks
        self.offsets = {
            column: _usual_offset(annotations[annotations["wave"] == wave], name, r_peaks)
            for _, wave, name, column in POINTS
        }

    def __call__(self, record_id, signal, lead_names):
        parts = []
        for name in lead_names:
            r_peaks = self.r_peaks.get((record_id, name), np.empty(0))
            waves = {column: r_peaks + offset for column, offset in self.offsets.items()}
            parts.append(pd.DataFrame(waves).assign(id=record_id, lead=name))
        return pd.concat(parts)


def _usual_offset(waves, column, r_peaks):
    """Return the median distance of a point from its beat's R peak, in samples."""
    distances = []
    for lead, own in waves.dropna(subset=[column]).groupby(["id", "lead"]):
        beats = np.r_[-np.inf, r_peaks.get(lead, []), np.inf]
        samples = own[column].to_numpy()
        following = np.searchsorted(beats, samples)
        before, after = samples - beats[following - 1], samples - beats[following]
        wave = own["wave"].iloc[0]
        nearest = np.where(before < -after, before, after)
        distances.append({"P": after, "T": before, "QRS": nearest}[wave])
    distances = np.concatenate(distances)
    return np.median(distances[np.isfinite(distances)])


def measure(name, method, records, annotations, predictions=None):
    """Delineate every record and score; return what belongs into the tables.

    With predictions these are scored, and the method is only timed.
    """
    parts, seconds = [], []
    for record_id, signal in zip(records.ids.tolist(), records.signals, strict=True):
        signal = np.asarray(signal, dtype=float)
        started = time.perf_counter()
        parts.append(method(record_id, signal, records.lead_names))
        seconds.append(time.perf_counter() - started)
    waves = pd.concat(parts, ignore_index=True) if predictions is None else predictions
    scores = score_delineation(annotations, waves)
    # Waves that are nearly flat in most leads weigh on the mean; lead II shows them all.
    result = {
        "points": scores.to_dict("index"),
        "lead II": score_delineation(annotations.query("lead == 'II'"), waves).to_dict("index"),
        "false_p": count_false_p_waves(annotations, waves),
        "ms_per_record": 1000 * float(np.median(seconds)),
        "failed_leads": getattr(method, "n_failed", 0),
    }
    print(f"{name}\n{scores.round(1).to_string()}\n{result['false_p']}", flush=True)
    return result


def tables(results):
    """Return the Markdown tables of all methods."""

    def table(leads, *columns):
        rows = {
            name: {
                point: " / ".join(f"{values[column]:.1f}" for column in columns)
                if values["detected"]
                else "-"
                for point, values in result[leads].items()
            }
            for name, result in results.items()
        }
        return pd.DataFrame(rows).T.to_markdown()

    others = pd.DataFrame(
        {
            name: {
                "false P per beat": round(result["false_p"]["per_beat"], 3),
                "their share of all false P (%)": round(100 * result["false_p"]["share"]),
                "leads failed": result["failed_leads"],
                "ms per record": round(result["ms_per_record"], 1),
            }
            for name, result in results.items()
        }
    ).T
    silent = next(iter(results.values()))["false_p"]
    return (
        "## F1 in per cent at 50 ms / SD of the error in ms\n\n"
        f"{table('points', 'f1', 'sd_ms')}\n\n"
        "## Sensitivity / precision in per cent at 50 ms\n\n"
        f"{table('points', 'sensitivity', 'precision')}\n\n"
        "## Mean error in ms, detected minus marked\n\n"
        f"{table('points', 'mean_ms')}\n\n"
        "## Lead II alone: F1 at 50 ms / SD in ms\n\n"
        f"{table('lead II', 'f1', 'sd_ms')}\n\n"
        f"## False P waves and time\n\nFalse P waves per beat in the {silent['n_leads']} leads "
        f"({silent['n_beats']} beats) in which none is marked.\n\n{others.to_markdown()}"
    )


if __name__ == "__main__":
    main()

"""P, QRS and T waves on LUDB: bounds and peaks in every lead, against cardiologists' marks.

A tolerance of 150 ms proves nothing: offsets from R that don't look at the signal pass it. So F1
counts points matched one to one within 50 ms, and the standard deviation (SD) is that of the errors
of points matched within 150 ms. Detections outside of the span that was annotated in a lead don't
count. False P waves are counted per beat in the leads in which the cardiologists marked none. We
find R peaks ourselves, once per record; the peers get each lead's R peaks as the cardiologists
marked them. NeuroKit sees what its `ecg_clean` makes of each lead. If a peer fails on a lead, it
found nothing there. openecg (v56c, a network of its own) looks at one lead at a time too, and was
trained on all records but those of its validation split, which have a table of their own; it marks
bounds, and we take as peak the point farthest from the line between them. What peers found is kept
between runs, with their times. Constant offsets are the median distances of the marks from R over
all records, those scored included: the result without looking at the signal.
"""

import argparse
from functools import partial

import numpy as np
import pandas as pd

from benchmarks._data import data_folder
from benchmarks._delineators import (
    NEUROKIT_METHODS,
    LeadByLead,
    NeuroKit,
    add_fresh,
    kept,
    look_at_all,
    openecg_or_none,
)
from benchmarks._report import explanation, write_results
from benchmarks._wave_scores import POINTS, SAMPLING_RATE, count_false_p_waves, score_delineation
from sklearn_ecg.datasets import load_ludb, load_ludb_annotations
from sklearn_ecg.features import delineate

# The records of LUDB that openecg's network was not trained on: the validation split of
# data/splits/ludb_v1.json in its repository (github.com/vitaldb/openecg).
_OPENECG_VALIDATION = (
    *(10, 11, 14, 20, 21, 22, 28, 33, 34, 35, 39, 47, 48, 53, 55, 56, 66, 67, 70, 72, 73),
    *(74, 78, 91, 92, 93, 95, 101, 115, 119, 120, 133, 135, 154, 174, 178, 179, 189, 191, 194, 196),
)


def main():
    arguments = parse_arguments()
    folder = data_folder("ludb")
    records, annotations = load_ludb(folder), load_ludb_annotations(folder)
    if arguments.quick:
        records = records[::20]
        annotations = annotations[annotations["id"].isin(records.ids)]
    page = f"delineation{'_quick' * arguments.quick}"
    r_peaks = marked_r_peaks(annotations)
    shown = [
        (record_id, np.asarray(signal, dtype=float), records.lead_names)
        for record_id, signal in zip(records.ids.tolist(), records.signals, strict=True)
    ]
    found = {"sklearn_ecg": look_at_all(delineate_by_ours, shown)}
    if arguments.predictions:
        # Found by other networks of the same size: the time is that of the one that ships.
        predictions = read_predictions(arguments.predictions)
        predictions.attrs = found["sklearn_ecg"].attrs
        found["sklearn_ecg"] = predictions
    for name, delineate_lead in peers().items():
        method = LeadByLead(delineate_lead, SAMPLING_RATE, r_peaks)
        look = partial(look_at_all, method, shown)
        about = ", ".join(map(str, records.ids))
        found[name] = kept(f"{page} {name}", look, about=about, fresh=arguments.fresh)
    found["constant offsets"] = look_at_all(ConstantOffsets(annotations, r_peaks), shown)
    results = {name: measure(name, waves, annotations) for name, waves in found.items()}
    text = (
        f"{explanation(__doc__)}\n"
        f"{len(records)} records of 12 leads. {describe_ours(arguments.predictions)}\n\n"
        f"{tables(results)}"
    )
    write_results(
        page,
        "Delineation on LUDB",
        text,
        results,
        command="delineation",
        packages=("neurokit2", "openecg"),
    )


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="ten records")
    parser.add_argument(
        "--predictions",
        metavar="FILE",
        help="Parquet or CSV with our waves, found by networks that never saw the record they "
        "look at: the columns of `delineate` in samples at 500 Hz, with id and lead (its name)",
    )
    add_fresh(parser)
    return parser.parse_args()


def peers():
    """Return functions of (lead, sampling_rate, r_peaks) by name."""
    methods = {f"NeuroKit {method}": NeuroKit(method) for method in NEUROKIT_METHODS}
    if openecg := openecg_or_none():
        methods["openecg"] = openecg
    return methods


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


def measure(name, waves, annotations):
    """Score what `look_at_all` found; return what belongs into the tables."""
    parts = {
        "points": annotations,
        # Waves that are nearly flat in most leads weigh on the mean; lead II shows them all.
        "lead II": annotations.query("lead == 'II'"),
        "unseen by openecg": annotations[annotations["id"].isin(_OPENECG_VALIDATION)],
    }
    scores = {part: score_delineation(marks, waves) for part, marks in parts.items()}
    result = {part: table.to_dict("index") for part, table in scores.items()} | {
        "false_p": count_false_p_waves(annotations, waves),
        "ms_per_record": 1000 * float(np.median(waves.attrs["seconds"])),
        "failed_leads": waves.attrs["n_failed"],
    }
    print(f"{name}\n{scores['points'].round(1).to_string()}\n{result['false_p']}", flush=True)
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
        "## Records that openecg's network never saw: F1 at 50 ms / SD in ms\n\n"
        "The validation split of its authors; on all others it was trained.\n\n"
        f"{table('unseen by openecg', 'f1', 'sd_ms')}\n\n"
        f"## False P waves and time\n\nFalse P waves per beat in the {silent['n_leads']} leads "
        f"({silent['n_beats']} beats) in which none is marked.\n\n{others.to_markdown()}"
    )


if __name__ == "__main__":
    main()

"""How often swapped electrodes are found, and how often they are seen where none were swapped.

The usual scatter of the leads is learned from every second patient of PTB-XL (100 Hz). The test
records are the others, the same data at 500 Hz, CPSC2018, and the records of LUDB whose limb leads
agree (it scales each lead on its own, so most do not). Electrodes are swapped by computing the
leads of the main beat anew. A swap is found if the right pair is named. A false alarm is any
finding in a record without a computed swap; in some of these, electrodes were truly swapped.
"""

import argparse
import csv
import warnings

import numpy as np
import pandas as pd

from benchmarks._data import data_folder
from benchmarks._report import ROOT, explanation, write_results
from sklearn_ecg.datasets import load_cpsc2018, load_ludb, load_ptbxl
from sklearn_ecg.features import _lead_swaps
from sklearn_ecg.features._heart_beats import HeartBeats
from sklearn_ecg.features._lead_swaps import CHEST_SWAPS, INDEPENDENT, LIMB_SWAPS, PARTS
from sklearn_ecg.features._quality import CONTRADICTING, lead_relations
from sklearn_ecg.features._quality_report import find_swap

_SCATTER = ROOT / "sklearn_ecg" / "features" / "lead_scatter.csv"
_ITERATIONS = 50
LIMB = tuple(LIMB_SWAPS)
CHEST = tuple(f"V{first}_V{second}" for first, second in CHEST_SWAPS)


def main():
    arguments = parse_arguments()
    warnings.simplefilter("ignore")
    step = 10 if arguments.quick else 1
    slow = load_ptbxl(data_folder("ptb-xl"), sampling_rate=100, task="all")[::step]
    learned = np.isin(slow.groups, np.unique(slow.groups)[::2])
    if arguments.calibrate:
        calibrate(slow[learned])
        return
    fast = load_ptbxl(data_folder("ptb-xl"), sampling_rate=500, task="all")
    tested = {
        "PTB-XL, 100 Hz, patients not learned from": slow[~learned],
        "PTB-XL, 500 Hz, patients not learned from": fast[
            ~np.isin(fast.groups, slow.groups[learned])
        ],
        "CPSC2018, 500 Hz": load_cpsc2018(data_folder("cpsc2018"))[::step],
        "LUDB, 500 Hz, limb leads that agree": load_ludb(data_folder("ludb"))[::step],
    }
    rows = {name: score(*beats_of(records)) for name, records in tested.items()}
    table = pd.DataFrame(rows).T
    text = f"{explanation(__doc__)}\n{table.round(1).to_markdown()}\n"
    page = f"lead_reversal{'_quick' * arguments.quick}"
    write_results(page, "Swapped electrodes", text, rows, command="lead_reversal")


def beats_of(records):
    """Return the main beats of the independent leads, and whether the limb leads agree."""
    beats, agree = [], []
    for signal in records.signals:
        heart = HeartBeats(np.asarray(signal), records.sampling_rate)
        names = [n for n, u in zip(records.lead_names, heart.checked.usable, strict=True) if u]
        if len(heart) and set(INDEPENDENT) <= set(names):
            misfit = lead_relations(heart.filtered_without_gaps, names)["limb_lead_misfit"]
            beats.append(heart.main_beat[[names.index(name) for name in INDEPENDENT]])
            agree.append(not misfit > CONTRADICTING)
    return np.stack(beats).astype(float), np.array(agree)


def score(beats, agree):
    """Return false alarms and the share of each swap that is found, in percent."""
    beats = beats[agree]
    alarms = np.array([found(beat) for beat in beats])
    row = {"records": len(beats)}
    row |= {
        f"false, {k}, %": 100 * (alarms[:, i] != "").mean() for i, k in enumerate(("limb", "chest"))
    }
    matrices = dict(zip((*LIMB, *CHEST), _lead_swaps.swap_matrices(), strict=True))
    shares = {}
    for name, matrix in matrices.items():
        part = int(name in CHEST)
        shares[name] = 100 * np.mean([found(beat)[part] == name for beat in matrix @ beats])
    near = [name for name in CHEST if int(name[4]) - int(name[1]) == 1]
    row |= {name.replace("_", "/") + ", %": shares[name] for name in (*LIMB, *near)}
    others = [shares[name] for name in CHEST if name not in near]
    return row | {"other chest leads, mean, %": np.mean(others)}


def found(beat):
    """Return the names of the limb and of the chest swap that is found; empty where none is."""
    features = _lead_swaps.swap_features(beat, INDEPENDENT, 0.0)
    limb, pair = find_swap(
        np.array([[features[f"{name}_swap_evidence"] for name in LIMB]]),
        np.array([features["chest_swap_evidence"]]),
        np.array([features["chest_swap_leads"]]),
    )
    return limb[0], pair[0]


def calibrate(records):
    """Learn the usual scatter of the leads, and write it into the package."""
    scatter = _lead_swaps.scatter_of_parts(beats_of(records)[0])
    with _SCATTER.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["part", "lead", *INDEPENDENT])
        for place, part in enumerate(PARTS):
            for lead, values in zip(INDEPENDENT, usual_scatter(scatter[:, place]), strict=True):
                writer.writerow([part, lead, *(f"{value:.8f}" for value in values)])
    print(f"Written to {_SCATTER}")


def usual_scatter(scatter):
    """Return Tyler's estimate of the shape, of scatters (n_records, 8, 8); its trace is 1."""
    sizes = np.trace(scatter, axis1=-2, axis2=-1)
    scatter = scatter[sizes > 0] / sizes[sizes > 0, np.newaxis, np.newaxis]
    usual = scatter.mean(axis=0)
    for _ in range(_ITERATIONS):
        distances = np.einsum("ij,nji->n", np.linalg.inv(usual), scatter)
        usual = (scatter / distances[:, np.newaxis, np.newaxis]).mean(axis=0)
        usual /= np.trace(usual)
    return usual


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="every tenth record")
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="learn the scatter of the leads anew, into sklearn_ecg/features/lead_scatter.csv",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()

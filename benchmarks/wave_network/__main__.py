"""Train the network that finds beats and waves, and look at records that it never saw.

The records of LUDB (waves), of MIT-BIH (beats) and those of PTB-XL and CPSC2018 with atrial
fibrillation alone (no P waves) are dealt to folds by patient. For each fold a network is trained
on the others and looks at the fold's records; `benchmarks.delineation` and `benchmarks.r_peaks`
score what it finds. The network that ships with the package is trained in the same way on all.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import wfdb
from safetensors.numpy import save_file
from tqdm import tqdm

from benchmarks._beat_scores import SAMPLING_RATE as MITDB_RATE
from benchmarks._data import data_folder
from benchmarks._fold_networks import FOLDS, FoldNetworks
from benchmarks.wave_network._calibration import calibrate_t_waves
from benchmarks.wave_network._composed import compose_records
from benchmarks.wave_network._examples import (
    ludb_examples,
    mitdb_examples,
    qtdb_examples,
    rhythm_examples,
)
from benchmarks.wave_network._patients import N_FOLDS, deal_out, ludb_patient, mitdb_patient
from benchmarks.wave_network._training import train
from sklearn_ecg import features
from sklearn_ecg.datasets import load_ludb
from sklearn_ecg.features._delineation import delineate_with

_SHIPPED = Path(features.__file__).parent / "waves.safetensors"
_COMPOSED_OF_EACH = 8  # records, of each record with marks
_DRAWN = 1000  # records of drawn waves


def main():
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    arguments.output.mkdir(parents=True, exist_ok=True)
    folds = range(N_FOLDS) if arguments.fold is None else [arguments.fold]
    if arguments.what == "shipped":
        save(learn(all_examples(), arguments, "all"), _SHIPPED)
    elif arguments.what == "folds":
        examples = all_examples()
        fold_of = deal_out()
        for fold in folds:
            # Drawn records are nobody's.
            others = [example for example in examples if fold_of.get(example.patient) != fold]
            save(learn(others, arguments, f"fold {fold}"), fold_file(arguments, fold))
    else:
        write_predictions(arguments)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "what",
        choices=["folds", "predict", "shipped"],
        help="train the networks of the folds, write what they find in the records they never "
        "saw, or train the network that ships",
    )
    parser.add_argument("--fold", type=int, help="only this one")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--output",
        type=Path,
        default=FOLDS,
        help="where weights and findings go",
    )
    return parser.parse_args()


def all_examples():
    """Return all records that are learned from, real and composed."""
    real = ludb_examples() + qtdb_examples() + mitdb_examples() + rhythm_examples()
    marked = [example for example in real if example.source in ("ludb", "qtdb")]
    return real + compose_records(marked, _COMPOSED_OF_EACH, _DRAWN, seed=0)


def learn(examples, arguments, description):
    weights = train(examples, n_steps=arguments.steps, seed=0, description=description)
    return calibrate_t_waves(weights, examples)


def save(weights, file):
    """Write weights in half precision: they are small, and the answers are the same."""
    save_file({name: weight.astype(np.float16) for name, weight in weights.items()}, file)
    print(f"Written to {file}")


def fold_file(arguments, fold):
    return arguments.output / f"fold{fold}.safetensors"


def write_predictions(arguments):
    """Let each fold's network look at the records that it never saw."""
    network_of = FoldNetworks(arguments.output)
    records, tables = load_ludb(data_folder("ludb")), []
    for record, signal in zip(records.ids, records.signals, strict=True):
        network = network_of(ludb_patient(record))
        waves = delineate_with(signal, records.sampling_rate, network=network)
        tables.append(waves.assign(id=record, lead=np.take(records.lead_names, waves["lead"])))
    pd.concat(tables).to_csv(arguments.output / "waves.csv", index=False)
    found = {"first lead": {}, "both leads": {}}
    for path in tqdm(sorted(data_folder("mitdb").glob("*.hea")), desc="MIT-BIH"):
        network = network_of(mitdb_patient(path.stem))
        signal = wfdb.rdrecord(str(path.with_suffix(""))).p_signal.T
        for leads, n_leads in (("first lead", 1), ("both leads", 2)):
            waves = delineate_with(signal[:n_leads], MITDB_RATE, network=network)
            r_peaks = waves.loc[waves["lead"] == 0, "r_peak"].dropna()
            found[leads][path.stem] = r_peaks.astype(int).tolist()
    (arguments.output / "r_peaks.json").write_text(json.dumps(found))
    print(f"Written to {arguments.output}")


if __name__ == "__main__":
    main()

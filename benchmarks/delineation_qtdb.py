"""P, QRS and T waves on the QT database: records from elsewhere, by the protocol of its peers."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from benchmarks._data import data_folder
from benchmarks._qtdb_scores import (
    SAMPLING_RATE,
    count_beside_marks,
    errors_of_marks,
    read_marks,
    sensitivity_by_record,
    summarise,
)
from sklearn_ecg.features._delineation import delineate_with
from sklearn_ecg.features._wave_network import WaveNetwork


def main():
    arguments = parse_arguments()
    folder = data_folder("qtdb")
    records = (folder / "RECORDS").read_text().split()
    if arguments.quick:
        records = records[::10]
    network = arguments.network and WaveNetwork(load_file(arguments.network))
    measure("sklearn_ecg", Ours(network), folder, records)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="six records")
    parser.add_argument(
        "--network", metavar="FILE", type=Path, help="weights of our network, in safetensors"
    )
    parser.add_argument(
        "--ours-only", action="store_true", help="print our figures, and write no page"
    )
    return parser.parse_args()


class Ours:
    """Our waves."""

    def __init__(self, network=None):
        self.network = network

    def __call__(self, record, signal, marks):
        return delineate_with(signal, SAMPLING_RATE, network=self.network)


def read_signal(path):
    import wfdb

    return np.ascontiguousarray(wfdb.rdrecord(str(path)).p_signal.T)


def measure(name, method, folder, records):
    """Delineate every record and score; return what belongs into the tables."""
    errors, counts = [], []
    for record in records:
        marks = read_marks(folder / record)
        waves = method(record, read_signal(folder / record), marks)
        errors.append(errors_of_marks(marks, waves).assign(record=record))
        counts.append(count_beside_marks(marks, waves))
    errors = pd.concat(errors, ignore_index=True)
    n_found, n_false = np.sum([list(count.values()) for count in counts], axis=0).T
    p_found = sensitivity_by_record(errors)
    result = {
        "points": summarise(errors).to_dict("index"),
        "precision": dict(zip(counts[0], (100 * (1 - n_false / n_found)).tolist(), strict=True)),
        "p_found": p_found.to_dict(),
    }
    print(f"{name}\n{summarise(errors).round(1).to_string()}\nprecision {result['precision']}")
    print(p_found[p_found < 90].round(1).to_string(), flush=True)
    return result


if __name__ == "__main__":
    main()

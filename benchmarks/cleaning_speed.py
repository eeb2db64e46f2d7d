"""Seconds of AFPLabelCleaner on simulated tables, by size; and of a search of thresholds."""

import argparse
import tempfile
import time
from itertools import product

import numpy as np
import pandas as pd

from benchmarks._report import write_results
from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.datasets import corrupt_labels

N_FOLDS = 3
THRESHOLDS = {
    "min_confidence": (0.3, 0.5, 0.7),
    "min_correlation": (0.3, 0.5, 0.7),
    "max_exclusion": (0.01, 0.02, 0.05),
}


def main():
    arguments = parse_arguments()
    rows = [fit_seconds(*map(int, size.split("x"))) for size in arguments.sizes]
    plain, search = search_seconds(arguments.search_records)
    text = (
        pd.DataFrame(rows).to_markdown(index=False)
        + f"\n\nA grid of 27 thresholds with {N_FOLDS} folds and `memory` on "
        f"{arguments.search_records} records: {search:.1f} s; {N_FOLDS} plain fits: {plain:.1f} s; "
        f"ratio {search / plain:.2f}."
    )
    data = {"fits": rows, "plain": plain, "search": search}
    write_results("cleaning_speed", "Speed of label cleaning", text, data)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sizes",
        nargs="+",
        default=["1794x100x8", "7177x100x8", "3750x100x16", "15000x100x16"],
        help="records x features x labels",
    )
    parser.add_argument("--search-records", type=int, default=3000)
    return parser.parse_args()


def make_table(n_records, n_features, n_labels):
    """Labels of falling frequency that shift some features each; 20 % of the weak ones swapped."""
    rng = np.random.default_rng(0)
    truth = rng.random((n_records, n_labels)) < np.geomspace(0.4, 0.02, n_labels)
    truth[~truth.any(axis=1), 0] = True
    truth = truth.astype(np.int8)
    effect = rng.normal(0, 1, (n_labels, n_features)) * (rng.random((n_labels, n_features)) < 0.2)
    X = truth @ effect + rng.normal(0, 1, (n_records, n_features))
    trusted = rng.random(n_records) < 1 / 3
    weak = truth.copy()
    weak[~trusted] = corrupt_labels(truth[~trusted], 0.2, random_state=0)
    return X, weak, trusted


def fit_seconds(n_records, n_features, n_labels):
    X, weak, trusted = make_table(n_records, n_features, n_labels)
    wall, cpu = time.perf_counter(), time.process_time()
    AFPLabelCleaner(random_state=0).fit(X, weak, trusted=trusted)
    row = {
        "records": n_records,
        "features": n_features,
        "labels": n_labels,
        "seconds": round(time.perf_counter() - wall, 1),
        "processor seconds": round(time.process_time() - cpu, 1),
    }
    print(row, flush=True)
    return row


def search_seconds(n_records):
    """Processor seconds of plain fits to the folds, and of all thresholds with a cache."""
    X, weak, trusted = make_table(n_records, 100, 8)
    folds = [np.arange(n_records) % N_FOLDS != fold for fold in range(N_FOLDS)]

    def fit_all(grid, memory):
        started = time.process_time()
        for values in grid:
            options = dict(zip(THRESHOLDS, values, strict=True))
            cleaner = AFPLabelCleaner(memory=memory, random_state=0, **options)
            for fold in folds:
                cleaner.fit(X[fold], weak[fold], trusted=trusted[fold])
        return time.process_time() - started

    grid = list(product(*THRESHOLDS.values()))
    plain = fit_all(grid[:1], None)
    with tempfile.TemporaryDirectory() as folder:
        return plain, fit_all(grid, folder)


if __name__ == "__main__":
    main()

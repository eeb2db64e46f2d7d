"""Seconds and memory of AFPLabelCleaner by size, beside votes by cross-validation.

Tables are simulated: labels of falling frequency that shift some features each, a third of the
records trusted, a fifth of the weak labels swapped. Each size is fitted in a process of its own,
whose peak of memory is reported without what the process needs before the fit. The exponent says
how time grows with the number of records.
"""

import argparse
import tempfile
import time
from itertools import product

import numpy as np
import pandas as pd

from benchmarks._growth import cost_of, exponent, in_own_process
from benchmarks._report import explanation, write_results
from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.cleaning import CrossValidationLabelCleaner
from sklearn_ecg.datasets import corrupt_labels

SIZES = ["1794x100x8", "7177x100x8", "28708x100x8", "3750x100x16", "15000x100x16"]
N_FOLDS = 3
THRESHOLDS = {"min_confidence": tuple(np.linspace(0.5, 0.98, 27))}
CLEANERS = {
    "AFPLabelCleaner": lambda n_jobs: AFPLabelCleaner(random_state=0, n_jobs=n_jobs),
    "CV-S1": lambda n_jobs: CrossValidationLabelCleaner("S1", random_state=0, n_jobs=n_jobs),
}


def main():
    arguments = parse_arguments()
    settings = [("AFPLabelCleaner", size) for size in arguments.sizes]
    settings += [("CV-S1", size) for size in arguments.peer_sizes]
    fits = pd.DataFrame([fit_alone(*setting, arguments) for setting in settings])
    text = f"{explanation(__doc__)}\n{fits.to_markdown(index=False)}\n\n" + "\n\n".join(
        [*exponents(fits), *ratios(fits)]
    )
    data = {"fits": fits.to_dict("records")}
    if arguments.search_records:
        data |= search_seconds(arguments.search_records)
        text += (
            f"\n\nA grid of 27 thresholds with {N_FOLDS} folds and `memory` on "
            f"{arguments.search_records} records: {data['search']:.1f} s of processor time; "
            f"{N_FOLDS} plain fits: {data['plain']:.1f} s; "
            f"ratio {data['search'] / data['plain']:.2f}."
        )
    page = arguments.page or f"cleaning_speed{'_quick' * arguments.quick}"
    write_results(page, "Speed of label cleaning", text, data, command="cleaning_speed")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sizes", nargs="+", default=SIZES, help="records x features x labels")
    parser.add_argument("--peer-sizes", nargs="*", default=["7177x100x8"], help="of the votes")
    parser.add_argument("--repeats", type=int, default=3, help="the median of so many fits")
    parser.add_argument("--search-records", type=int, default=3000, help="0 leaves it out")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="small tables, once, no search")
    parser.add_argument("--page", help="write docs/results/PAGE instead of the usual page")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.sizes, arguments.peer_sizes = ["500x20x4", "1000x20x4"], ["500x20x4"]
        arguments.repeats, arguments.search_records = 1, 0
    return arguments


def fit_alone(name, size, arguments):
    """Fit one size in a new process; return a row of the results."""
    repeats = arguments.repeats if name == "AFPLabelCleaner" else 1
    row = in_own_process(fit_seconds, name, size, repeats, arguments.jobs)
    print(row, flush=True)
    return row


def fit_seconds(name, size, repeats, n_jobs):
    n_records, n_features, n_labels = map(int, size.split("x"))
    X, weak, trusted = make_table(n_records, n_features, n_labels)

    def fit():
        CLEANERS[name](n_jobs).fit(X, weak, trusted=trusted)

    costs = pd.DataFrame([cost_of(fit, clock=time.perf_counter) for _ in range(repeats)])
    return {
        "cleaner": name,
        "records": n_records,
        "features": n_features,
        "labels": n_labels,
        "seconds": round(float(costs["seconds"].median()), 1),
        "GB": round(float(costs["GB"].sum()), 2),
        "table, GB": round(X.nbytes / 1e9, 3),
    }


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


def exponents(fits):
    """Yield how time grows with records, for each width of table with several sizes."""
    ours = fits[fits["cleaner"] == "AFPLabelCleaner"]
    for (n_features, n_labels), part in ours.groupby(["features", "labels"]):
        if len(part) > 1:
            slope = exponent(part["records"], part["seconds"])
            yield (
                f"{n_features} features, {n_labels} labels: time grows as the number of records "
                f"to the power of {slope:.2f}; four times the records cost {4**slope:.1f} times "
                "the time."
            )


def ratios(fits):
    """Yield how long votes take against the cleaner, where both were measured."""
    keys = ["records", "features", "labels"]
    seconds = fits.pivot_table(index=keys, columns="cleaner", values="seconds")
    both = seconds.reindex(columns=list(CLEANERS)).dropna()
    for n, row in zip(both.index, both.to_dict("records"), strict=True):
        ratio = row["CV-S1"] / row["AFPLabelCleaner"]
        yield f"On {n[0]} records CV-S1 takes {ratio:.1f} times as long as AFPLabelCleaner."


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
        return {"plain": plain, "search": fit_all(grid, folder)}


if __name__ == "__main__":
    main()

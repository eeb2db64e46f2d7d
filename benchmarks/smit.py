"""Label cleaning on SMIT: MIT-BIH windows, simulated noise, weighted F1 of the cleaned labels.

The paper's protocol (Han et al. 2023, section 5): a third of the windows is trusted, in the rest
a share of each label's positives is replaced with a random wrong label. Besides its random split
of windows also a split by patient, which is what a hospital has. A run that was interrupted goes
on where it stopped.
"""

import argparse
from itertools import product

from benchmarks._cleaning import ABLATIONS, MAIN, SWEEPS, measure_missing, resume, tables
from benchmarks._data import data_folder
from benchmarks._report import write_results
from sklearn_ecg import ECGFeatureExtractor
from sklearn_ecg.datasets import load_mitdb


def main():
    arguments = parse_arguments()
    records = load_mitdb(data_folder("mitdb"))
    records = records[(records.labels == 1).any(axis=1)]
    if arguments.quick:
        records = records[::4]
    X = ECGFeatureExtractor(n_jobs=-1, verbose=1).fit_transform(records)
    name = "smit_quick" if arguments.quick else "smit"

    def save(rows):
        text = (
            f"{len(records)} windows, {X.shape[1]} features, {records.n_labels} labels; weighted "
            f"F1 of the weak records' labels after cleaning, an undecided label counting as the "
            f"weak one.\n\n{tables(rows)}"
        )
        write_results(name, "Label cleaning on SMIT", text, rows, command="smit")

    methods = arguments.methods or MAIN
    methods = methods + list(ABLATIONS) * arguments.ablations + list(SWEEPS) * arguments.sweeps
    # By seed first: what is interrupted has few splits of everything, not all of a few methods.
    settings = [
        (method, split, rate, seed, arguments.kind, arguments.trusted_share)
        for seed, rate, split, method in product(
            range(arguments.splits), arguments.rates, ("random", "patient"), methods
        )
    ]
    rows = resume(name, fresh=arguments.fresh)
    measure_missing(rows, settings, X, records.labels, records.groups, save)
    save(rows)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="a quarter of the windows, one split")
    parser.add_argument("--splits", type=int, default=6)
    parser.add_argument("--rates", type=float, nargs="+", default=[0, 0.05, 0.1, 0.2, 0.3, 0.4])
    parser.add_argument("--kind", choices=("swap", "missing", "extra", "confused"), default="swap")
    parser.add_argument("--trusted-share", type=float, default=1 / 3)
    parser.add_argument("--methods", nargs="+", choices=MAIN, help="by default all of them")
    parser.add_argument("--ablations", action="store_true", help="AFP without each of its stages")
    parser.add_argument("--sweeps", action="store_true", help="thresholds of the paper's method")
    parser.add_argument("--fresh", action="store_true", help="measure again what was measured")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.splits, arguments.rates = 1, [0.05, 0.2, 0.4]
    return arguments


if __name__ == "__main__":
    main()

"""Label cleaning on 12-lead records: PTB-XL's superclasses and CPSC2018, simulated noise."""

import argparse
from itertools import product

from benchmarks._cleaning import MAIN, measure_missing, resume, tables
from benchmarks._data import data_folder
from benchmarks._report import write_results
from sklearn_ecg import ECGFeatureExtractor
from sklearn_ecg.datasets import load_cpsc2018, load_ptbxl

LOADERS = {
    "ptbxl": lambda: load_ptbxl(data_folder("ptb-xl"), sampling_rate=100, task="superdiagnostic"),
    "cpsc2018": lambda: load_cpsc2018(data_folder("cpsc2018")),
}


def main():
    arguments = parse_arguments()
    records = LOADERS[arguments.data]()
    records = records[(records.labels == 1).any(axis=1)]
    X = ECGFeatureExtractor(n_jobs=-1, verbose=1).fit_transform(records)
    name = f"twelve_leads_{arguments.data}"

    def save(rows):
        text = (
            f"{len(records)} records, {X.shape[1]} features, {records.n_labels} labels; weighted "
            f"F1 of the weak records' labels after cleaning.\n\n{tables(rows)}"
        )
        title = f"Label cleaning on {arguments.data}"
        write_results(name, title, text, rows, command="twelve_leads")

    settings = [
        (method, "random", rate, seed, arguments.kind, arguments.trusted_share)
        for seed, rate, method in product(
            range(arguments.splits), arguments.rates, arguments.methods or MAIN
        )
    ]
    rows = resume(name, fresh=arguments.fresh)
    measure_missing(rows, settings, X, records.labels, records.groups, save)
    save(rows)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", choices=LOADERS)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--rates", type=float, nargs="+", default=[0, 0.05, 0.2, 0.4])
    parser.add_argument("--kind", choices=("swap", "missing", "extra", "confused"), default="swap")
    parser.add_argument("--trusted-share", type=float, default=1 / 3)
    parser.add_argument("--methods", nargs="+", choices=MAIN, help="by default all of them")
    parser.add_argument("--fresh", action="store_true", help="measure again what was measured")
    return parser.parse_args()


if __name__ == "__main__":
    main()

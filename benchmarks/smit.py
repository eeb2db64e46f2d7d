"""Label cleaning on SMIT: MIT-BIH windows, swap noise, weighted F1 of the cleaned labels.

The paper's protocol (Han et al. 2023, section 5): a third of the windows is trusted, in the rest
a share of each label's positives is replaced with a random wrong label. Besides its random split
of windows also a split by patient, which is what a hospital has.
"""

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold, cross_val_predict

from benchmarks._data import data_folder
from benchmarks._report import write_results
from sklearn_ecg import AFPLabelCleaner, ECGFeatureExtractor
from sklearn_ecg.datasets import corrupt_labels, load_mitdb

SPLITS = ("random", "patient")


def main():
    arguments = parse_arguments()
    records = load_mitdb(data_folder("mitdb"))
    records = records[(records.labels == 1).any(axis=1)]
    if arguments.quick:
        records = records[::4]
    X = ECGFeatureExtractor(n_jobs=-1, verbose=1).fit_transform(records)
    rows = []
    for split in SPLITS:
        for rate in arguments.rates:
            for seed in range(arguments.seeds):
                rows += measure(X, records, split, rate, seed)
                print(pd.DataFrame(rows[-len(METHODS) :]).to_string(index=False, header=False))
    frame = pd.DataFrame(rows)
    table = frame.pivot_table(index="method", columns=["split", "noise"], values="f1", sort=False)
    seconds = frame.groupby("method", sort=False)["seconds"].median().round(1)
    text = (
        f"{len(records)} windows, {X.shape[1]} features, {records.n_labels} labels; weighted F1 of "
        f"the weak records' labels after cleaning, mean of {arguments.seeds} split(s).\n\n"
        + "\n\n".join(
            f"## Split: {split}\n\n{table[split].round(3).to_markdown()}" for split in SPLITS
        )
        + f"\n\n## Median seconds\n\n{seconds.to_markdown()}"
    )
    write_results("smit", "Label cleaning on SMIT", text, rows)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="a quarter of the windows, one split")
    parser.add_argument("--rates", type=float, nargs="+", default=[0, 0.05, 0.1, 0.2, 0.3, 0.4])
    parser.add_argument("--seeds", type=int, default=6, help="number of random splits")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seeds, arguments.rates = 1, [0.05, 0.2, 0.4]
    return arguments


def measure(X, records, split, rate, seed):
    """Clean one noisy copy of the labels with every method."""
    trusted = choose_trusted(records, split, seed)
    y_weak = records.labels.copy()
    y_weak[~trusted] = corrupt_labels(records.labels[~trusted], rate, random_state=seed)
    rows = []
    for name, clean in METHODS.items():
        started = time.perf_counter()
        cleaned = clean(X, y_weak, trusted, records.groups, seed)
        rows.append(
            {
                "method": name,
                "split": split,
                "noise": rate,
                "seed": seed,
                "f1": f1_score(records.labels[~trusted], cleaned[~trusted], average="weighted"),
                "seconds": round(time.perf_counter() - started, 2),
            }
        )
    return rows


def choose_trusted(records, split, seed):
    """Return the mask of trusted windows: a random third of the windows, or of the patients."""
    units = records.groups if split == "patient" else records.ids
    names, unit_of_record = np.unique(units, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    return (order < len(names) / 3)[unit_of_record]


def do_nothing(X, y_weak, trusted, groups, seed):
    return y_weak


def clean_with_afp(X, y_weak, trusted, groups, seed):
    cleaner = AFPLabelCleaner(undecided="weak", random_state=seed, n_jobs=-1)
    return cleaner.fit(X, y_weak, trusted=trusted, groups=groups).labels_


def clean_with_cleanlab(X, y_weak, trusted, groups, seed):
    """Flip what cleanlab flags, from extra trees' out-of-sample probabilities."""
    from cleanlab.filter import find_label_issues

    X = np.nan_to_num(X)
    cleaned = y_weak.copy()
    forest = ExtraTreesClassifier(300, min_samples_leaf=2, n_jobs=-1, random_state=seed)
    folds = KFold(5, shuffle=True, random_state=seed)
    for label in range(y_weak.shape[1]):
        given = y_weak[:, label]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            probabilities = cross_val_predict(forest, X, given, cv=folds, method="predict_proba")
            flagged = find_label_issues(given, probabilities)
        cleaned[flagged & ~trusted, label] = 1 - given[flagged & ~trusted]
    return cleaned


METHODS = {
    "do nothing": do_nothing,
    "cleanlab, flagged labels flipped": clean_with_cleanlab,
    "AFPLabelCleaner": clean_with_afp,
}

if __name__ == "__main__":
    main()

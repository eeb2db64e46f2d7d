"""Label cleaning on SMIT: MIT-BIH windows, simulated noise, weighted F1 of the cleaned labels.

The paper's protocol (Han et al. 2023, section 5): a third of the windows is trusted, in the rest
a share of each label's positives is replaced with a random wrong label. Besides its random split
of windows also a split by patient, which is what a hospital has. A run that was interrupted goes
on where it stopped.
"""

import argparse

from benchmarks._cleaning import METHODS, add_arguments, compare, labelled
from benchmarks._data import data_folder
from sklearn_ecg.datasets import load_mitdb


def main():
    arguments = parse_arguments()
    records = labelled(load_mitdb(data_folder("mitdb")))
    compare(
        records[::4] if arguments.quick else records,
        arguments.methods or METHODS,
        arguments,
        page="smit_quick" if arguments.quick else "smit",
        title=f"Label cleaning on {'a quarter of ' * arguments.quick}SMIT",
        command="smit",
    )


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="a quarter of the windows, one split")
    rates = [0, 0.05, 0.1, 0.2, 0.3, 0.4]
    add_arguments(parser, splits=6, rates=rates, divisions=["random", "patient"])
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.splits, arguments.rates = 1, [0.05, 0.2, 0.4]
    return arguments


if __name__ == "__main__":
    main()

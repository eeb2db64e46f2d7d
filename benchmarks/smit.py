"""Label cleaning on SMIT: MIT-BIH windows, simulated noise, weighted F1 of the cleaned labels.

The paper's protocol (Han et al. 2023, section 5): a third of the windows is trusted, in the rest
a share of each label's positives is replaced with a random wrong label. Besides its random split
of windows also a split by patient, which is what a hospital has.
"""

import argparse

from benchmarks._cleaning import add_options, add_protocol, compare_on


def main():
    arguments = parse_arguments()
    compare_on(
        "smit",
        arguments,
        page="smit_quick" if arguments.quick else "smit",
        title=f"Label cleaning on {'a quarter of ' * arguments.quick}SMIT",
        command="smit",
    )


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="a quarter of the windows, one split")
    add_options(parser, splits=6, rates=[0, 0.05, 0.1, 0.2, 0.3, 0.4])
    add_protocol(parser, divisions=("random", "patient"))
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.splits, arguments.rates = 1, [0.05, 0.2, 0.4]
    return arguments


if __name__ == "__main__":
    main()

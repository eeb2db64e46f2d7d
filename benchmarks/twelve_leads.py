"""Label cleaning on 12-lead records: PTB-XL's superclasses and CPSC2018, simulated noise.

The protocol is that of `benchmarks/smit.py`. Where the data name patients, `--by patient` keeps
those of trusted records apart.
"""

import argparse

from benchmarks._cleaning import METHODS, add_arguments, compare, labelled
from benchmarks._data import add_data, data_folder, page_of_data, read_data
from sklearn_ecg.datasets import load_cpsc2018, load_ptbxl

LOADERS = {
    "ptbxl": lambda: load_ptbxl(data_folder("ptb-xl"), sampling_rate=100, task="superdiagnostic"),
    "cpsc2018": lambda: load_cpsc2018(data_folder("cpsc2018")),
}
TITLES = {
    "ptbxl": "Label cleaning on PTB-XL's superclasses",
    "cpsc2018": "Label cleaning on CPSC2018",
}


def main():
    arguments = parse_arguments()
    records = labelled(read_data(arguments.data, LOADERS))
    if "patient" in arguments.by and records.groups is None:
        raise SystemExit(f"{arguments.data} does not name patients: leave --by out.")
    title = TITLES.get(arguments.data, f"Label cleaning on {arguments.data}")
    compare(
        records[::4] if arguments.quick else records,
        arguments.methods or METHODS,
        arguments,
        page=f"twelve_leads_{page_of_data(arguments.data)}{'_quick' * arguments.quick}",
        title=f"{title}{', every fourth record' * arguments.quick}",
        command="twelve_leads",
    )


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add_data(parser, LOADERS)
    parser.add_argument("--quick", action="store_true", help="every fourth record, one split")
    add_arguments(parser, splits=3, rates=[0, 0.05, 0.2, 0.4], divisions=["random"])
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.splits, arguments.rates = 1, [0.2]
    return arguments


if __name__ == "__main__":
    main()

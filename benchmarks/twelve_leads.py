"""Label cleaning on 12-lead records: PTB-XL's superclasses and CPSC2018, simulated noise.

The protocol is that of `benchmarks/smit.py`. Where the data name patients, `--by patient` keeps
those of trusted records apart.
"""

import argparse

from benchmarks._cleaning import add_options, add_protocol, compare_on
from benchmarks._data import DATA, add_data, page_of_data, title_of


def main():
    arguments = parse_arguments()
    compare_on(
        arguments.data,
        arguments,
        page=f"twelve_leads_{page_of_data(arguments.data)}{'_quick' * arguments.quick}",
        title=f"Label cleaning on {title_of(arguments.data)}"
        f"{', every fourth record' * arguments.quick}",
        command="twelve_leads",
    )


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add_data(parser, DATA)
    parser.add_argument("--quick", action="store_true", help="every fourth record, one split")
    add_options(parser, splits=3, rates=[0, 0.05, 0.2, 0.4])
    add_protocol(parser)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.splits, arguments.rates = 1, [0.2]
    return arguments


if __name__ == "__main__":
    main()

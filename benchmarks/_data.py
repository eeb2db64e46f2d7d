"""Where the benchmarks find their data."""

import argparse
import importlib
import os
from pathlib import Path

from sklearn_ecg import ECGRecords


def data_folder(name):
    """Return the folder of a data set, or end with what is missing."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SKLEARN_ECG_DATA", beside)) / name
    if not folder.is_dir():
        raise SystemExit(
            f"{folder} is missing: set SKLEARN_ECG_DATA to the folder that holds {name}/."
        )
    return folder


def add_data(parser, loaders, **options):
    """Add the argument that says which data: one of the loaders, or the user's own function."""

    def check(name):
        if name in loaders or all(name.partition(":")):
            return name
        raise argparse.ArgumentTypeError(
            f"{name!r} is none of {', '.join(loaders)}, nor MODULE:FUNCTION"
        )

    parser.add_argument(
        "data",
        type=check,
        metavar="DATA",
        help=f"{', '.join(loaders)}, or MODULE:FUNCTION, which returns your own ECGRecords",
        **options,
    )


def read_data(name, loaders, *arguments):
    """Return the records of a data set, or those that the user's own function returns."""
    if name in loaders:
        return loaders[name](*arguments)
    module, _, function = name.partition(":")
    try:
        load = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise SystemExit(f"{name} was not found from {Path.cwd()}: {error}.") from error
    records = load()
    if not isinstance(records, ECGRecords) or records.labels is None:
        raise SystemExit(f"{name} must return ECGRecords with labels; got {type(records)}.")
    return records


def page_of_data(name):
    """Return the name of data as it stands in names of pages."""
    return name.replace(":", "_").replace(".", "_")

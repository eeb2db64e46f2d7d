"""The data of the benchmarks: where they lie, and which labels of them are cleaned."""

import argparse
import importlib
import os
from pathlib import Path

import numpy as np

from sklearn_ecg import ECGRecords
from sklearn_ecg.datasets import load_cpsc2018, load_mitdb, load_ptbxl

# Codes of PTB-XL that fewer records have say little.
MIN_RECORDS_OF_CODE = 25
# Sinus rhythm and abnormal QRS: what hardly a record lacks, and what says nothing by itself.
CODES_LEFT_OUT = ("SR", "ABQRS")


def data_folder(name):
    """Return the folder of a data set, or end with what is missing."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SKLEARN_ECG_DATA", beside)) / name
    if not folder.is_dir():
        raise SystemExit(
            f"{folder} is missing: set SKLEARN_ECG_DATA to the folder that holds {name}/."
        )
    return folder


def load_smit():
    return labelled(load_mitdb(data_folder("mitdb")))


def load_superclasses():
    return labelled(load_ptbxl(data_folder("ptb-xl"), sampling_rate=100, task="superdiagnostic"))


def load_codes():
    """Return PTB-XL with its own codes as labels, those that records enough have."""
    records = load_ptbxl(data_folder("ptb-xl"), sampling_rate=100, task="all")
    records = records[(records.labels != -1).all(axis=1)]
    is_kept = (records.labels == 1).sum(axis=0) >= MIN_RECORDS_OF_CODE
    is_kept &= ~np.isin(records.label_names, CODES_LEFT_OUT)
    return records.with_labels(records.labels[:, is_kept], label_names=records.label_names[is_kept])


def load_nine_classes():
    return labelled(load_cpsc2018(data_folder("cpsc2018")))


#: What label cleaning is measured on, by name.
DATA = {
    "smit": load_smit,
    "ptbxl": load_superclasses,
    "codes": load_codes,
    "cpsc2018": load_nine_classes,
}
TITLES = {
    "smit": "SMIT",
    "ptbxl": "PTB-XL's superclasses",
    "codes": "PTB-XL's codes",
    "cpsc2018": "CPSC2018",
}


def labelled(records):
    """Return the records that have a label, and none that is unknown."""
    return records[(records.labels == 1).any(axis=1) & (records.labels != -1).all(axis=1)]


def title_of(name):
    """Return how data are called in a title: the user's own by their function."""
    return TITLES.get(name, name)


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
    return labelled(records)


def page_of_data(name):
    """Return the name of data as it stands in names of pages."""
    return name.replace(":", "_").replace(".", "_")

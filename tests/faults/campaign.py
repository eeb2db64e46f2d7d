"""All cases of all areas, and which of them are enough for a quick look."""

import importlib

import sklearn_ecg
from faults.cases import Area

AREAS = (
    "wfdb_folders",
    "array_files",
    "databases",
    "arrays",
    "labels",
    "metrics",
    "readers",
    "queues",
    "models",
    "shards",
    "pictures",
    "hospital_files",
    "hospital_folders",
    "late_files",
    "hospital_labels",
    "commands",
)


def all_cases():
    for area in AREAS:
        importlib.import_module(f"faults.{area}")
    return Area.cases


def quick_cases():
    """Return the first case of each public function."""
    return list({case.function: case for case in reversed(all_cases())}.values())


def public_functions():
    """Return all that is public, by folder and name, but warnings, which take no input."""
    folders = {*sklearn_ecg._SUBPACKAGES, "shards"}
    return {
        f"{folder}.{name}"
        for folder in folders
        for name in importlib.import_module(f"sklearn_ecg.{folder}").__all__
        if not name.endswith("Warning")
    }

"""Where the benchmarks find their data."""

import os
from pathlib import Path


def data_folder(name):
    """Return the folder of a data set, or end with what is missing."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SKLEARN_ECG_DATA", beside)) / name
    if not folder.is_dir():
        raise SystemExit(
            f"{folder} is missing: set SKLEARN_ECG_DATA to the folder that holds {name}/."
        )
    return folder

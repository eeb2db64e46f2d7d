"""Fixtures that every test may use."""

import os
from pathlib import Path

import numpy as np
import pytest


def _shared_data():
    """The folder of real ECG data beside the project, or the one that the environment names."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    return Path(os.environ.get("SKLEARN_ECG_DATA", beside))


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real ECG data; tests that need it are skipped where it is missing."""
    folder = _shared_data()
    if not folder.is_dir():
        pytest.skip(
            f"real ECG data not found at {folder}; set SKLEARN_ECG_DATA to a folder that holds "
            "mitdb/, ptb-xl/, cpsc2018/ and ludb/"
        )
    return folder


@pytest.fixture
def rng():
    """A seeded random generator."""
    return np.random.default_rng(0)

"""Fixtures that every test may use."""

import gc
import os
import socket
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest

_THIS_MACHINE = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "", None, socket.gethostname()}


def _refuse_other_machines(event, args):
    """Let no test, nor what it calls, reach further than this machine."""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        host = args[1][0] if isinstance(args[1], tuple) else None  # a path is of this machine
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0].decode() if isinstance(args[0], bytes) else args[0]
    else:
        return
    if host not in _THIS_MACHINE:
        raise PermissionError(f"{event}: tests reach this machine alone, and not {host!r}")


sys.addaudithook(_refuse_other_machines)

# They hold no examples, and would be one module to pytest, which all have the name of.
collect_ignore_glob = ["conftest.py", "*/conftest.py"]

# What is imported to collect the tests stays for all of them: looking through it for garbage, again
# and again, would take a tenth of the suite's time.
gc.disable()


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


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


@pytest.fixture(scope="module")
def few_trees():
    """Let classifiers grow a tenth of the trees where their number is not what is tested."""
    from sklearn_ecg.network import _feature_models

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(_feature_models._BOOSTING, "max_iter", 20)
        patch.setattr(_feature_models, "_N_FOREST_TREES", 20)
        yield


@pytest.fixture(scope="session")
def check_passes():
    """A function that runs one of scikit-learn's checks, which raises if an estimator fails."""

    def run(estimator, check):
        check(estimator)

    return run


@pytest.fixture
def rng():
    """A seeded random generator."""
    return np.random.default_rng(0)


@pytest.fixture
def forked():
    """Let joblib fork its workers, which have all modules then: others take seconds to import."""
    with joblib.parallel_config("multiprocessing"):
        yield


# Height in mV of P, Q, R, S and T in II, V1, V2 and V5.
LEADS = np.array(
    [
        [0.12, -0.08, 1.0, -0.15, 0.3],
        [0.05, 0.0, 0.2, -0.9, -0.05],
        [0.06, 0.0, 0.4, -1.3, 0.4],
        [0.07, -0.06, 1.3, -0.2, 0.4],
    ]
)


def raised_cosines(times, starts, width):
    """A bump of height 1 from each start on."""
    phase = (times - np.asarray(starts)[:, np.newaxis]) / width
    bumps = np.where((phase > 0) & (phase < 1), 0.5 - 0.5 * np.cos(2 * np.pi * phase), 0)
    return bumps.sum(axis=0)


@pytest.fixture
def heart():
    """A function that simulates four leads in mV with R peaks at given times in s."""

    def simulate(
        r_s, rate=500, *, duration_s=10.0, p_s=None, qrs_s=0.09, qt_s=0.4, noise_mv=0.01, seed=0
    ):
        times = np.arange(round(duration_s * rate)) / rate
        onset = np.asarray(r_s) - 0.45 * qrs_s
        waves = [
            (onset - 0.16 if p_s is None else p_s, 0.1),
            (onset, 0.3 * qrs_s),
            (onset + 0.2 * qrs_s, 0.5 * qrs_s),
            (onset + 0.55 * qrs_s, 0.45 * qrs_s),
            (onset + qt_s - 0.45 * qt_s, 0.45 * qt_s),
        ]
        shapes = np.stack([raised_cosines(times, starts, width) for starts, width in waves])
        noise = np.random.default_rng(seed).normal(scale=noise_mv, size=(len(LEADS), len(times)))
        return LEADS @ shapes + noise

    return simulate


@pytest.fixture
def assert_beats():
    """A function that asserts that beats, in samples, are those at given times and no others."""

    def check(found, r_s, rate, tolerance_s=0.05):
        assert len(found) == len(r_s), f"{np.round(found / rate, 2)} and not {np.round(r_s, 2)}"
        np.testing.assert_allclose(found / rate, r_s, atol=tolerance_s)

    return check

"""An archive of small records, a saved model, and what one process finds in them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sklearn_ecg import LabelCorrelationECGClassifier
from sklearn_ecg.datasets import load_wfdb, make_ecg_records, write_ecg_files
from sklearn_ecg.network import _feature_models
from sklearn_ecg.shards import MeasureFeatures, PredictLabels, run_shards

SHARD_SIZE = 4
EXAMPLES = Path(__file__).parents[2] / "examples" / "distributed"


@pytest.fixture(scope="module", autouse=True)
def importable():
    """Let workers import all they need, and have the threads that their engine gives them."""
    here = Path(__file__).parent
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES)
        patch.delenv("OMP_NUM_THREADS", raising=False)
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, [here.parents[1], here, EXAMPLES])))
        yield


@pytest.fixture(scope="session")
def simulated():
    """Forty records of two leads, 5 s at 250 Hz, of two labels."""
    return make_ecg_records(
        40,
        labels=["Normal", "AF"],
        leads=["I", "II"],
        sampling_rate=250,
        duration_s=5,
        random_state=0,
    )


@pytest.fixture(scope="session")
def archive(simulated, tmp_path_factory):
    """The records as WFDB files, read lazily."""
    folder = tmp_path_factory.mktemp("archive")
    write_ecg_files(simulated, folder)
    return load_wfdb(folder)


@pytest.fixture(scope="session")
def model(simulated, tmp_path_factory):
    """A saved classifier, of signals and features."""
    path = tmp_path_factory.mktemp("models") / "model"
    classifier = LabelCorrelationECGClassifier(
        max_epochs=1,
        network__channels=(2, 2, 4),
        network__hidden_dim=8,
        network__n_heads=2,
        random_state=0,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(_feature_models._BOOSTING, "max_iter", 20)
        patch.setattr(_feature_models, "_N_FOREST_TREES", 20)
        classifier.fit(simulated).save(path)
    return path


@pytest.fixture(scope="session", params=["features", "predictions"])
def work(request, archive, model, tmp_path_factory):
    """A step, and the table that one undisturbed process finds by it."""
    step = MeasureFeatures() if request.param == "features" else PredictLabels(model)
    folder = tmp_path_factory.mktemp("alone")
    return step, run_shards(step, archive, folder, shard_size=SHARD_SIZE)


@pytest.fixture(scope="session")
def run_example():
    """A function that runs an example, and returns whether it found what one process finds."""

    def run(name):
        command = [sys.executable, str(EXAMPLES / f"{name}.py")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        return re.findall(r"as one process finds: (\w+)", done.stdout)

    return run

"""Several processes that share a training."""

import os
import socket
import subprocess
import sys

import numpy as np
import pytest

TRAIN = """
from pathlib import Path

import numpy as np
from skorch.callbacks import Callback
from sklearn_ecg import ECGRecords
from sklearn_ecg.network import LabelCorrelationECGClassifier

rng = np.random.default_rng(0)
labels = rng.integers(-1, 2, size=(45, 3))
signals = rng.normal(size=(45, 2, 60)) + labels[:, :1, None]
results = {}
for backbone, channels in [("residual", (2, 2, 4)), ("xresnet", (4, 4))]:
    classifier = LabelCorrelationECGClassifier(
        backbone=backbone,
        module__channels=channels,
        module__hidden_dim=8,
        batch_size=9,
        max_epochs=2,
        dropout=0.0,
        augmentation=None,
        validation_fraction=0.15,
        precision="float32",
        accelerate=True,
        random_state=0,
        ema_decay=0.5,
        # Without it Adam makes steps of mere rounding errors, where a gradient is zero.
        optimizer__eps=1e-4,
    ).fit(ECGRecords(signals, 60), labels)
    weights = [w.double().numpy().ravel() for w in classifier.module_.state_dict().values()]
    results[backbone] = np.concatenate(weights)
    results[backbone + "_losses"] = classifier.history[:, "valid_loss"]
    kinds = {type(layer).__name__ for layer in classifier.module_.modules()}
    assert "WholeBatchNorm" not in kinds, kinds


class PowerFailure(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 1:
            raise OSError("power failure")


def dropping(**parameters):
    classifier = LabelCorrelationECGClassifier(
        backbone="residual", module__channels=(2, 2, 4), module__hidden_dim=8, batch_size=9,
        max_epochs=4, patience=2, dropout=0.4, validation_fraction=0.2, precision="float32",
        accelerate=True, random_state=0, **parameters,
    )
    try:
        classifier.fit(ECGRecords(signals, 60), labels)
    except OSError:
        return None
    weights = [w.double().numpy().ravel() for w in classifier.module_.state_dict().values()]
    return np.concatenate(weights)


checkpoint = str(Path(path).parent / "checkpoint")
results["dropping"] = dropping()
assert dropping(checkpoint=checkpoint, callbacks=[PowerFailure()]) is None
results["resumed"] = dropping(checkpoint=checkpoint)
np.savez(path, **results)
"""


def train_in_two_processes(folder):
    """Return what each of two processes has found."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    paths = [folder / "0.npz", folder / "1.npz"]
    running = []
    for rank, path in enumerate(paths):
        environment = {
            **os.environ,
            "ACCELERATE_USE_CPU": "true",
            "OMP_NUM_THREADS": "1",
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": "2",
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
        }
        command = [sys.executable, "-c", f"path = {str(path)!r}\n{TRAIN}"]
        running.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE))
    for process in running:
        _, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors.decode()
    return map(np.load, paths)


def test_two_processes_find_the_weights_of_one(tmp_path):
    pytest.importorskip("accelerate", reason="needs the extra: pip install sklearn_ecg[accelerate]")
    exec(TRAIN, {"path": tmp_path / "alone.npz"})
    alone = np.load(tmp_path / "alone.npz")
    first, second = train_in_two_processes(tmp_path)
    for backbone in ("residual", "xresnet"):
        assert np.array_equal(first[backbone], second[backbone])
        np.testing.assert_allclose(first[backbone], alone[backbone], rtol=1e-3, atol=1e-4)
        losses = f"{backbone}_losses"
        assert len(first[losses]) == 2
        np.testing.assert_allclose(first[losses], alone[losses], rtol=1e-3)
    # With dropout they agree too, though not with one process, and also after an interruption.
    for found in (first, second):
        assert np.array_equal(found["dropping"], first["dropping"])
        assert np.array_equal(found["resumed"], first["dropping"])
    assert not (tmp_path / "checkpoint").exists()


def test_one_process_alone_may_be_told_to_share(tiny, tiny_records, weights_of):
    pytest.importorskip("accelerate", reason="needs the extra: pip install sklearn_ecg[accelerate]")
    shared = tiny(accelerate=True).fit(tiny_records)
    np.testing.assert_allclose(weights_of(shared), weights_of(tiny().fit(tiny_records)), atol=1e-5)


def test_sharing_needs_a_seed_and_accelerate(tiny, tiny_records, monkeypatch):
    with pytest.raises(ValueError, match="with accelerate=True, set random_state to an integer"):
        tiny(accelerate=True, random_state=None).fit(tiny_records)
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(ImportError, match=r"pip install sklearn_ecg\[accelerate\]"):
        tiny(accelerate=True).fit(tiny_records)

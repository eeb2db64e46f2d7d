"""Several processes that share a training."""

import multiprocessing
import sys

import numpy as np
import pytest
from skorch.callbacks import Callback

from sklearn_ecg import ECGRecords
from sklearn_ecg.network import LabelCorrelationECGClassifier, _feature_models
from tests.two_processes import exit_codes_of_two


def train(**parameters):
    """Fit on 38 of 45 records, in batches of 13, 13 and 12, and return all weights and losses."""
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 2, size=(45, 3))
    signals = rng.normal(size=(45, 2, 60)) + labels[:, :1, None]
    classifier = LabelCorrelationECGClassifier(
        network__hidden_dim=8,
        batch_size=13,
        validation_fraction=0.15,
        training__precision="float32",
        training__accelerate=True,
        random_state=0,
        **parameters,
    ).fit(ECGRecords(signals, 60), labels)
    kinds = {type(layer).__name__ for layer in classifier.module_.modules()}
    assert "WholeBatchNorm" not in kinds, kinds
    weights = [w.double().numpy().ravel() for w in classifier.module_.state_dict().values()]
    return np.concatenate(weights), classifier.history[:, "valid_loss"]


def train_without_chance():
    """Return what does not depend on how many processes there are, for both backbones."""
    results = {}
    for backbone, channels in [("residual", (2, 2, 4)), ("xresnet", (4, 4))]:
        results[backbone], results[f"{backbone}_losses"] = train(
            backbone=backbone,
            network__channels=channels,
            max_epochs=2,
            network__dropout=0.0,
            augmentation=None,
            training__ema_decay=0.5,
            # Without it Adam makes steps of mere rounding errors, where a gradient is zero.
            optimizer__eps=1e-4,
        )
    return results


class PowerFailure(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 1:
            raise OSError("power failure")


def train_with_dropout(checkpoint):
    """Return the weights of a fit, and of one that was interrupted and resumed."""
    parameters = {
        "network__channels": (4,),
        "max_epochs": 3,
        "training__patience": 2,
        "network__dropout": 0.4,
    }
    whole, _ = train(**parameters)
    with pytest.raises(OSError, match="power failure"):
        train(**parameters, checkpoint=checkpoint, callbacks=[PowerFailure()])
    resumed, _ = train(**parameters, checkpoint=checkpoint)
    return {"dropping": whole, "resumed": resumed}


def train_as_one_of_two(rank, folder):
    # As many as in the process that trains alone.
    _feature_models._BOOSTING["max_iter"] = _feature_models._N_FOREST_TREES = 20
    results = train_without_chance() | train_with_dropout(folder / "checkpoint")
    np.savez(folder / f"{rank}.npz", **results)


def train_in_two_processes(folder):
    """Return what each of two processes has found."""
    assert exit_codes_of_two(train_as_one_of_two, folder, timeout_s=600) == [0, 0]
    return [np.load(folder / f"{rank}.npz") for rank in range(2)]


@pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(), reason="needs processes to fork"
)
def test_two_processes_find_the_weights_of_one(tmp_path):
    from multiprocessing import forkserver

    pytest.importorskip("accelerate", reason="needs the extra: pip install sklearn_ecg[accelerate]")
    # The processes' common parent imports once for both, also what the first optimizer would, and
    # has no threads that a fork would lose. It begins while one process trains.
    forkserver.set_forkserver_preload(["accelerate", "sklearn_ecg.network", "torch._dynamo"])
    forkserver.ensure_running()
    alone = train_without_chance()
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
    assert not list((tmp_path / "checkpoint").iterdir())


def test_one_process_alone_may_be_told_to_share(tiny, tiny_records, weights_of):
    pytest.importorskip("accelerate", reason="needs the extra: pip install sklearn_ecg[accelerate]")
    shared = tiny(training__accelerate=True).fit(tiny_records)
    np.testing.assert_allclose(weights_of(shared), weights_of(tiny().fit(tiny_records)), atol=1e-5)


def test_sharing_needs_a_seed_and_accelerate(tiny, tiny_records, monkeypatch):
    with pytest.raises(
        ValueError, match="with training__accelerate=True, set random_state to an integer"
    ):
        tiny(training__accelerate=True, random_state=None).fit(tiny_records)
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(ImportError, match=r"pip install sklearn_ecg\[accelerate\]"):
        tiny(training__accelerate=True).fit(tiny_records)

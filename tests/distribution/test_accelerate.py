"""A training that two processes share, one of which is killed."""

import multiprocessing
import os
import signal

import numpy as np
import pytest
from skorch.callbacks import Callback

from sklearn_ecg import ECGRecords
from sklearn_ecg.network import LabelCorrelationECGClassifier
from tests.two_processes import exit_codes_of_two

pytest.importorskip("accelerate", reason="needs the extra: pip install sklearn_ecg[accelerate]")


def weights_of_a_fit(**parameters):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, size=(30, 2))
    signals = rng.normal(size=(30, 2, 60)) + labels[:, :1, None]
    classifier = LabelCorrelationECGClassifier(
        backbone="xresnet",
        features=None,
        network__channels=(4,),
        network__hidden_dim=8,
        batch_size=13,
        max_epochs=3,
        training__accelerate=True,
        random_state=0,
        **parameters,
    ).fit(ECGRecords(signals, 60), labels)
    weights = classifier.module_.state_dict().values()
    return np.concatenate([value.double().numpy().ravel() for value in weights])


class Killed(Callback):
    def on_batch_end(self, net, training, **kwargs):
        if len(net.history) == 2 and training:
            os.kill(os.getpid(), signal.SIGKILL)


def fit_until_killed(rank, folder):
    np.save(folder / f"whole_{rank}.npy", weights_of_a_fit())
    try:
        weights_of_a_fit(checkpoint=folder / "fit.pt", callbacks=[Killed()] if rank else [])
    except Exception as error:
        (folder / "error").write_text(f"{type(error).__name__}: {error}")


def fit_again(rank, folder):
    np.save(folder / f"resumed_{rank}.npy", weights_of_a_fit(checkpoint=folder / "fit.pt"))


@pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(), reason="needs processes to fork"
)
def test_a_killed_process_ends_the_training_which_then_goes_on(tmp_path):
    from multiprocessing import forkserver

    # The processes' common parent imports for all of them.
    forkserver.set_forkserver_preload(["accelerate", "sklearn_ecg.network", "torch._dynamo"])
    assert exit_codes_of_two(fit_until_killed, tmp_path) == [0, -signal.SIGKILL]
    error = (tmp_path / "error").read_text()
    assert error.startswith("RuntimeError: Another process of this training has ended")
    assert (tmp_path / "fit.pt").exists()
    assert exit_codes_of_two(fit_again, tmp_path) == [0, 0]
    whole, *others = (
        np.load(tmp_path / f"{name}_{rank}.npy") for name in ("whole", "resumed") for rank in (0, 1)
    )
    assert all(np.array_equal(whole, other) for other in others)

"""What is different on a GPU: where the data lie, and how batches get there."""

import pickle

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch._subclasses.fake_tensor import FakeTensorMode

from sklearn_ecg.network import (
    AsymmetricLoss,
    SignalAugmentation,
    _batches,
    _trainer,
    attribute,
    label_attention,
)
from sklearn_ecg.network._batches import Batches, SignalDataset, one_ahead
from sklearn_ecg.network._device import Randomness, has_room

needs_gpu = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a CUDA device, of which torch finds none"
)


# Without a GPU


@pytest.mark.parametrize("n_times", [100, None])
def test_batches_of_a_data_set_on_a_gpu_never_leave_it(n_times):
    """Tensors without data know devices that are not there, and refuse to mix them."""
    with FakeTensorMode(), torch.no_grad():
        arrays = {
            "signals": torch.zeros(20, 3, 300),
            "lengths": torch.full((20,), 300),
            "labels": torch.zeros(20, 4, dtype=torch.int8),
            "weights": torch.ones(20, 4),
        }
        held_out = SignalDataset(**arrays, rows=torch.arange(15, 20))
        dataset = SignalDataset(**arrays, rows=torch.arange(15), held_out=held_out).to("cuda:0")
        assert dataset.held_out.signals is dataset.signals  # not there twice
        generator = torch.Generator().manual_seed(0)
        for (signals, *rest), labels in Batches(dataset, 8, generator, n_times=n_times):
            changed = SignalAugmentation(shift=0.1).augment(signals, generator)
            assert changed.shape == (len(signals), 3, n_times or 300)
            logits = torch.zeros(2, len(signals), 4).to("cuda:0")
            loss = AsymmetricLoss(1, 2, 0.05)(logits, labels, rest[-1])
            assert {t.device.type for t in (changed, *rest, labels, loss)} == {"cuda"}


@pytest.fixture
def plain_memory(monkeypatch):
    """Let memory that is not pinned do, since only a GPU has a driver that pins it."""
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda values: values)


def test_batches_are_sent_in_their_order_one_ahead(plain_memory):
    made = []

    def numbered():
        for i in range(6):
            made.append(i)
            yield (torch.tensor([i]),), torch.tensor([-i])

    for i, ((x,), y) in enumerate(one_ahead(numbered(), "cpu")):
        assert (x.item(), y.item()) == (i, -i)
        assert len(made) <= i + 2
    assert made == list(range(6))


def test_an_error_while_a_batch_is_made_is_raised(plain_memory):
    def failing():
        yield (torch.zeros(1),), torch.zeros(1)
        raise OSError("gone")

    batches = one_ahead(failing(), "cpu")
    next(batches)
    with pytest.raises(OSError, match="gone"):
        next(batches)


def test_half_of_the_free_memory_is_for_data(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 4000))
    assert has_room("cuda", 500)
    assert not has_room("cuda", 501)


@pytest.mark.parametrize("fits", [True, False])
def test_both_ways_to_the_gpu_train_on_the_same_batches(
    tiny, make_tiny_records, weights_of, plain_memory, monkeypatch, fits
):
    """With the CPU in the place of the GPU."""
    records = make_tiny_records(n_times=250)
    parameters = {
        "crop_s": 1.0,
        "duration_s": 2.5,
        "batch_size": 16,
        "training__precision": "float32",
    }
    expected = tiny(**parameters).fit(records)
    moved, sent = [], []
    move, send = SignalDataset.to, _batches._send_next
    monkeypatch.setattr(
        SignalDataset, "to", lambda data, device: moved.append(data.n_bytes) or move(data, device)
    )
    monkeypatch.setattr(_batches, "_send_next", lambda *args: sent.append(1) or send(*args))
    monkeypatch.setattr(_trainer, "is_cuda", lambda device: True)
    monkeypatch.setattr(_trainer, "has_room", lambda device, n_bytes: fits)
    found = tiny(**parameters).fit(records)
    assert np.array_equal(weights_of(found), weights_of(expected))
    assert found.history[:, "valid_loss"] == expected.history[:, "valid_loss"]
    assert (len(moved) == 1) == fits
    assert sent
    if fits:
        assert moved[0] >= np.asarray(records).nbytes / 2  # float32 of float64


def test_batches_and_changes_are_drawn_by_one_generator_on_a_cpu():
    randomness = Randomness(3, "cpu", draws_globally=True)
    assert randomness.batches is randomness.changes
    before = torch.get_rng_state()
    with randomness.seeded():
        assert randomness.batches.initial_seed() == torch.initial_seed() == 3
    assert torch.equal(torch.get_rng_state(), before)


# With a GPU


@needs_gpu
@pytest.mark.parametrize("backbone", ["residual", "xresnet"])
@pytest.mark.parametrize("fits", [True, False])
def test_a_gpu_learns_what_a_cpu_learns(tiny, make_tiny_records, monkeypatch, backbone, fits):
    records = make_tiny_records(n_times=250)
    parameters = {
        "backbone": backbone,
        "network__channels": (4, 4, 4),
        "crop_s": 1.0,
        "duration_s": 2.5,
        "network__dropout": 0.0,
        "training__precision": "float32",
    }
    monkeypatch.setattr(_trainer, "has_room", lambda device, n_bytes: fits)
    gpu = tiny(device="cuda", **parameters).fit(records)
    cpu = tiny(device="cpu", **parameters).fit(records)
    np.testing.assert_allclose(
        gpu.decision_function(records), cpu.decision_function(records), atol=0.02
    )
    here = pickle.loads(pickle.dumps(gpu))
    np.testing.assert_allclose(
        here.decision_function(records), gpu.decision_function(records), atol=1e-4
    )
    assert np.isfinite(label_attention(gpu, records[:2]).weights).all()
    for method in ("occlusion", "integrated_gradients"):
        assert np.isfinite(attribute(gpu, records[:1], method=method, n_steps=4).values).all()


@needs_gpu
def test_a_seed_repeats_a_fit_on_a_gpu(tiny, make_tiny_records):
    records = make_tiny_records(n_times=250)
    parameters = {
        "device": "cuda",
        "crop_s": 1.0,
        "duration_s": 2.5,
        "augmentation": SignalAugmentation(),
        "training__ema_decay": 0.9,
    }
    first, second = (tiny(**parameters).fit(records) for _ in range(2))
    np.testing.assert_allclose(
        first.decision_function(records), second.decision_function(records), atol=1e-3
    )


class PowerFailure(Callback):
    """Stop a fit at the end of its second epoch."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise OSError("power failure")


@needs_gpu
def test_an_interrupted_fit_on_a_gpu_ends_as_it_would_have(tiny, tiny_records, tmp_path):
    parameters = {"device": "cuda", "max_epochs": 4, "augmentation": SignalAugmentation()}
    whole = tiny(**parameters).fit(tiny_records)
    path = tmp_path / "checkpoint"
    with pytest.raises(OSError, match="power failure"):
        tiny(**parameters, checkpoint=path, callbacks=[PowerFailure()]).fit(tiny_records)
    resumed = tiny(**parameters, checkpoint=path).fit(tiny_records)
    np.testing.assert_allclose(
        resumed.decision_function(tiny_records), whole.decision_function(tiny_records), atol=1e-3
    )

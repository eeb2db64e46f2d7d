"""What makes it fast: bfloat16, compiled training, folded and parallel prediction."""

import copy
import time

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sklearn_ecg.network import LabelCorrelationNet, _device, _trainer
from sklearn_ecg.network._device import autocast, has_bfloat16, map_batches
from sklearn_ecg.network._folding import folded


class Dtypes(Callback):
    """Write down in what a layer answers while training, and while validating."""

    def on_train_begin(self, net, **kwargs):
        self.seen_ = {True: set(), False: set()}
        layer = net.module_.projection
        layer.register_forward_hook(
            lambda module, _, output: self.seen_[module.training].add(output.dtype)
        )


@pytest.mark.parametrize(
    ("precision", "in_training", "in_prediction"),
    [
        ("float32", torch.float32, torch.float32),
        ("bfloat16", torch.bfloat16, torch.bfloat16),
        ("auto", torch.bfloat16, torch.float32),
    ],
)
def test_precisions(
    tiny, tiny_records, weights_of, monkeypatch, precision, in_training, in_prediction
):
    monkeypatch.setattr(_device, "has_bfloat16", lambda device: True)
    monkeypatch.setattr(_trainer, "_LEAST_TIMES_ROUNDED", 100)
    dtypes = Dtypes()
    trained = tiny(training__precision=precision, callbacks=[dtypes], max_epochs=4).fit(
        tiny_records
    )
    assert dtypes.seen_ == {True: {in_training}, False: {in_prediction}}
    assert {values.dtype for values in trained.module_.parameters()} == {torch.float32}
    assert trained.decision_function(tiny_records).dtype == np.float64
    assert trained.history[-1]["train_loss"] < trained.history[0]["train_loss"]
    again = tiny(training__precision=precision, max_epochs=4).fit(tiny_records)
    assert np.array_equal(weights_of(again), weights_of(trained))


def test_auto_is_float32_where_the_device_has_nothing_else(monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False, raising=False)
    assert not has_bfloat16("cpu")
    layer = torch.nn.Linear(2, 2)
    with autocast("auto", "cpu", training=True):
        assert layer(torch.zeros(1, 2)).dtype == torch.float32
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    with autocast("auto", "cpu", training=True):
        assert layer(torch.zeros(1, 2)).dtype == torch.bfloat16
    with autocast("auto", "cpu", training=False):
        assert layer(torch.zeros(1, 2)).dtype == torch.float32


def test_predictions_in_bfloat16_are_near_those_in_float32(tiny_fitted, tiny_records, monkeypatch):
    rounded = copy.deepcopy(tiny_fitted)
    rounded.net_.precision = "bfloat16"
    assert np.array_equal(
        rounded.predict_proba(tiny_records), tiny_fitted.predict_proba(tiny_records)
    )
    monkeypatch.setattr(_trainer, "_LEAST_TIMES_ROUNDED", 100)
    exact, found = (m.predict_proba(tiny_records) for m in (tiny_fitted, rounded))
    assert 0 < np.abs(found - exact).max() < 0.05


def test_an_unknown_precision_is_named(tiny, tiny_records):
    with pytest.raises(ValueError, match="'precision' parameter"):
        tiny(training__precision="half").fit(tiny_records)


@pytest.mark.parametrize("options", [{}, {"compile__mode": "reduce-overhead"}])
def test_compiled_training_is_the_same_training(
    tiny, tiny_records, weights_of, monkeypatch, options
):
    # Compiling for real takes minutes; what follows the tracing is not ours.
    seen, modes = [], []

    def backend(graph, example_inputs):
        seen.append(graph)
        return graph.forward

    compile_ = torch.compile

    def compile_with_backend(module, **options):
        modes.append(options)
        return compile_(module, backend=backend)

    monkeypatch.setattr(torch, "compile", compile_with_backend)
    parameters = {"network__dropout": 0.0, "training__precision": "float32"}
    compiled = tiny(training__compile=True, **options, **parameters).fit(tiny_records)
    assert seen
    assert {"mode": "reduce-overhead"} in modes or not options
    eager = tiny(**parameters).fit(tiny_records)
    np.testing.assert_allclose(weights_of(compiled), weights_of(eager), rtol=1e-4, atol=1e-5)
    assert list(compiled.module_.state_dict()) == list(eager.module_.state_dict())


@pytest.mark.parametrize("backbone", ["residual", "xresnet"])
def test_a_folded_network_says_the_same_without_batch_norm(backbone):
    torch.manual_seed(0)
    net = LabelCorrelationNet(torch.eye(3), 2, 200, channels=(4, 4, 8), backbone=backbone)
    for values in net.buffers():
        if values.is_floating_point() and values.ndim == 1:
            values.uniform_(0.5, 2)  # means and variances that matter
    fast = folded(net)
    norms = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)
    assert not any(isinstance(layer, norms) for layer in fast.modules())
    assert net.training
    signals = torch.randn(5, 2, 200)
    torch.testing.assert_close(fast(signals), net.eval()(signals), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_batches_are_spread_over_threads_in_order(monkeypatch, n_threads):
    monkeypatch.setenv("OMP_NUM_THREADS", str(n_threads))
    monkeypatch.setattr(torch, "get_num_threads", lambda: n_threads)
    restored = []
    monkeypatch.setattr(torch, "set_num_threads", restored.append)
    at_work, most, drawn = [], [], []

    def draw():
        for i in range(20):
            drawn.append(i)
            yield i

    def square(i):
        at_work.append(i)
        most.append((len(at_work), len(drawn) - i))
        time.sleep(0.002)
        at_work.remove(i)
        return i * i

    assert map_batches(square, draw(), "cpu") == [i * i for i in range(20)]
    assert max(n for n, _ in most) == n_threads
    assert max(ahead for _, ahead in most) <= 2 * n_threads + 1
    assert restored[-1] == n_threads


def test_an_error_in_a_thread_is_raised():
    with pytest.raises(ZeroDivisionError):
        map_batches(lambda batch: 1 / batch, [1, 0, 2], "cpu")


def test_threads_change_nothing(tiny_fitted, tiny_records, monkeypatch):
    small = copy.deepcopy(tiny_fitted).set_params(iterator_valid__batch_size=5)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    expected = small.predict_proba(tiny_records)
    monkeypatch.setattr(_device, "_MOST_BATCHES", 1)
    assert np.array_equal(small.predict_proba(tiny_records), expected)

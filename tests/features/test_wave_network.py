"""Tests of the network's arithmetic, against PyTorch, and of what any signal may do to it."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch.nn import functional

from sklearn_ecg.features._wave_network import WaveNetwork, default_network, look_at, scale_leads

SHAPES = {
    "stem": (4, 1, 32),
    "encode.0": (6, 4, 4),
    "encode.1": (6, 6, 3),
    "trunk.0": (8, 12, 3),
    "trunk.1": (10, 8, 4),
    "trunk.2": (8, 8, 3),
    **{f"context.{i}": (10, 10, 3) for i in range(4)},
    "up": (16, 10, 1),
    "beats": (8, 8, 1),
    "decode.lead": (5, 6, 3),
    "decode.trunk": (5, 8, 3),
    "decode.1": (5, 5, 3),
    "waves": (48, 5, 1),
}


@pytest.fixture
def weights(rng):
    weights = {}
    for layer, shape in SHAPES.items():
        weights[f"{layer}.weight"] = rng.normal(0, 0.2, shape).astype(np.float32)
        weights[f"{layer}.bias"] = rng.normal(0, 0.2, shape[0]).astype(np.float32)
    return weights


def network_in_torch(weights, signal):
    """The same layers, one convolution after the other, on (n, channels, n_times)."""
    weights = {name: torch.from_numpy(weight) for name, weight in weights.items()}

    def convolve(x, layer, stride=1, dilation=1):
        weight = weights[f"{layer}.weight"]
        n_pad = (weight.shape[2] - 1) * dilation + 1 - stride
        x = functional.pad(x, (n_pad // 2, n_pad - n_pad // 2))
        return functional.conv1d(
            x, weight, weights[f"{layer}.bias"], stride=stride, dilation=dilation
        )

    def spread(x, n):
        return torch.stack(x.chunk(n, dim=1), dim=-1).flatten(2)

    encoded = convolve(torch.from_numpy(signal)[:, None], "stem", stride=4).relu()
    encoded = convolve(encoded, "encode.0", stride=2).relu()
    encoded = encoded + convolve(encoded, "encode.1").relu()
    pooled = torch.cat([encoded.mean(0), encoded.amax(0)])[None]
    fine = convolve(pooled, "trunk.0").relu()
    coarse = convolve(fine, "trunk.1", stride=2).relu()
    for i in range(4):
        coarse = coarse + convolve(coarse, f"context.{i}", dilation=2**i).relu()
    fine = fine + spread(convolve(coarse, "up"), 2)
    fine = fine + convolve(fine, "trunk.2").relu()
    decoded = (convolve(encoded, "decode.lead") + convolve(fine, "decode.trunk")).relu()
    decoded = decoded + convolve(decoded, "decode.1").relu()
    waves = spread(convolve(decoded, "waves"), 8)
    return spread(convolve(fine, "beats"), 8)[0, 0].numpy(), waves.numpy().transpose(1, 0, 2)


@pytest.mark.parametrize("n_leads", [1, 3, 9])
def test_the_same_as_in_torch(weights, rng, n_leads):
    signal = rng.normal(size=(n_leads, 640)).astype(np.float32)
    beats, waves = WaveNetwork(weights)(signal)
    expected_beats, expected_waves = network_in_torch(weights, signal)
    assert_allclose(beats, expected_beats, atol=1e-5)
    assert_allclose(waves, expected_waves, atol=1e-5)


def test_pieces_of_a_long_record_make_the_whole(weights, rng):
    signal = rng.normal(size=(2, 16_000)).astype(np.float32)
    beats, waves = WaveNetwork(weights)(signal)
    expected_beats, expected_waves = network_in_torch(weights, signal)
    assert_allclose(beats, expected_beats, atol=1e-5)
    assert_allclose(waves, expected_waves, atol=1e-5)


@pytest.mark.parametrize("n_times", [90, 250, 1001])
def test_any_length(n_times, rng):
    beats, waves, peaks = look_at(rng.normal(size=(2, n_times)))
    assert beats.shape == (n_times,)
    assert waves.shape == (4, 2, n_times)
    assert peaks.shape == (2, 2, n_times)
    assert_allclose(waves.sum(axis=0), 1, atol=1e-5)
    assert ((beats >= 0) & (beats <= 1)).all()


def test_order_and_scale_of_leads_do_not_matter(rng):
    signal = np.cumsum(rng.normal(size=(3, 2500)), axis=1)
    beats, waves, _ = look_at(signal)
    other_beats, other_waves, _ = look_at(1000 * signal[::-1])
    assert_allclose(other_beats, beats, atol=1e-4)
    assert_allclose(other_waves, waves[:, ::-1], atol=1e-4)


def test_leads_are_scaled_to_their_usual_size(rng):
    signal = np.sin(2 * np.pi * np.arange(7500) / 125) * np.array([[0.05], [5.0]])
    signal[:, 5000:] *= 3  # the gain was changed
    scaled = scale_leads(signal)
    for part in (slice(0, 3000), slice(7000, 7500)):
        assert_allclose(np.ptp(scaled[:, part], axis=1), 1, rtol=0.01)
    signal[:, 1000] = 1e3
    assert scale_leads(signal).max() == 3
    assert np.isfinite(scale_leads(np.zeros((1, 500)))).all()


def test_small_enough_to_ship():
    from importlib import resources

    file = resources.files("sklearn_ecg.features") / "waves.safetensors"
    assert len(file.read_bytes()) < 1_000_000
    assert default_network() is default_network()

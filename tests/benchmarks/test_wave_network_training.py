"""Tests of what the network of beats and waves is trained on, and of how it is handed over."""

import numpy as np
import pandas as pd
import torch
from numpy.testing import assert_allclose, assert_array_equal

from benchmarks.wave_network._batches import Batches, erase_waves
from benchmarks.wave_network._examples import Example, _mark_waves
from benchmarks.wave_network._model import TrainableWaveNetwork
from benchmarks.wave_network._training import train
from sklearn_ecg.features._wave_network import WaveNetwork


def examples(rng, n_times=2500):
    def signal(n_leads):
        return rng.normal(size=(n_leads, n_times)).astype(np.float32)

    for i in range(16):
        waves = np.zeros((12, n_times), np.int8)
        waves[:, 500:600] = i % 4
        yield Example(
            source="ludb",
            id=str(i),
            patient=f"ludb {i}",
            signal=signal(12),
            beats=np.zeros(n_times, np.float32),
            waves=waves,
            peaks=np.zeros((2, 12, n_times), np.float32),
        )
    beats, without_p = np.zeros(n_times, np.float32), np.zeros(n_times, bool)
    yield Example("mitdb", "100", "mitdb 100", signal(2), beats=beats, without_p=without_p)
    yield Example("ptb-xl", "1", "ptb-xl 1", signal(12), without_p=np.ones(n_times, bool))


def test_what_is_trained_is_what_is_shipped(rng):
    torch.manual_seed(0)
    network = TrainableWaveNetwork()
    network.train()
    for _ in range(3):  # so that the normalisation has something to fold in
        network(torch.randn(4, 3, 1280))
    network.eval()
    signal = rng.normal(size=(3, 1280)).astype(np.float32)
    with torch.no_grad():
        expected_beats, expected_waves = network(torch.from_numpy(signal)[None])
    beats, waves = WaveNetwork(network.folded_weights())(signal)
    assert_allclose(beats, expected_beats[0], atol=1e-5)
    assert_allclose(waves, expected_waves[0], atol=1e-5)


def test_training_is_reproducible(rng):
    data = list(examples(rng))
    first, second = (train(data, n_steps=2, seed=3, description="") for _ in range(2))
    for name, weight in first.items():
        assert np.isfinite(weight).all()
        assert_array_equal(weight, second[name])


def test_batches_keep_signals_and_targets_together(rng):
    """A wave that is a step in the signal is still there where the targets say so."""
    data = list(examples(rng))[:16]
    for example in data:
        example.signal[:] = 0.0
        example.signal[example.waves > 0] = 1.0
        example.beats[550] = np.nan
    batches = Batches(data, rng)
    batches._disturb = lambda signals, waves=None: (signals,)
    for _ in range(5):
        signals, beats, waves, peaks = batches.delineated(8, 3)
        assert signals.shape == waves.shape == (8, 3, 1280)
        assert beats.shape == (8, 1280)
        assert peaks.shape == (8, 2, 3, 1280)
        apart = np.abs(signals - (waves > 0)) > 0.6
        assert apart.mean() < 0.01  # but for waves that were erased, and their bounds


def test_erased_waves_leave_a_straight_line():
    signal = np.arange(20.0, dtype=np.float32)
    waves = np.zeros(20, np.int8)
    signal[5:9], waves[5:9], waves[12:14] = 50, 3, 1
    erase_waves(signal, waves, 3)
    assert_allclose(signal, np.arange(20), atol=1)
    assert (np.diff(signal) >= 0).all()
    assert_array_equal(np.flatnonzero(waves), [12, 13])


def test_marks_of_one_lead():
    columns = ["wave", "onset", "peak", "offset", "span_start", "span_stop"]
    rows = [
        ("P", 200.0, 220.0, 240.0, 200, 1000),
        ("QRS", np.nan, 320.0, 340.0, 200, 1000),
        ("T", 400.0, 450.0, 500.0, 200, 1000),
    ]
    waves, peaks = np.full(600, -1, np.int8), np.zeros((2, 600), np.float32)
    _mark_waves(pd.DataFrame(rows, columns=columns), waves, peaks)
    assert (waves[:100] == -1).all() and (waves[501:] == -1).all()
    assert (waves[100:121] == 1).all() and waves[121] == 0
    assert (waves[130:171] == -1).all(), "half an annotation does not say what is there"
    assert (waves[200:251] == 3).all() and waves[260] == 0
    assert peaks.argmax(axis=1).tolist() == [110, 225]

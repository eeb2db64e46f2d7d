"""Tests of what the network of beats and waves is trained on, and of how it is handed over."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from benchmarks._qtdb import read_marks
from benchmarks.wave_network import _batches, _training
from benchmarks.wave_network._batches import Batches, erase_waves
from benchmarks.wave_network._calibration import calibrate_t_waves
from benchmarks.wave_network._examples import Example, _mark_waves, qtdb_examples
from benchmarks.wave_network._model import TrainableWaveNetwork
from benchmarks.wave_network._patients import N_FOLDS, deal_out, mitdb_patient, qtdb_patient
from benchmarks.wave_network._training import train
from sklearn_ecg.features._wave_network import WaveNetwork

P, QRS, T = 1, 2, 3


def marked(source, patient, signal):
    """A record with a wave of each kind, a second after the other."""
    n_leads, n_times = signal.shape
    waves = np.zeros((n_leads, n_times), np.int8)
    for kind in (P, QRS, T):
        waves[:, 250 * kind : 250 * kind + 100] = kind
        waves[:, 1250 + 250 * kind : 1350 + 250 * kind] = kind
    return Example(
        source=source,
        id="1",
        patient=patient,
        signal=signal,
        beats=np.zeros(n_times, np.float32),
        waves=waves,
        peaks=np.zeros((2, n_leads, n_times), np.float32),
    )


@pytest.fixture
def examples(rng):
    """One record of each source at least."""

    def signal(n_leads):
        return rng.normal(size=(n_leads, 2500)).astype(np.float32)

    yes, no, numbers = np.ones(2500, bool), np.zeros(2500, bool), np.arange(2500) // 500
    beats = np.zeros(2500, np.float32)
    return [
        *(marked("ludb", f"ludb {i}", signal(12)) for i in range(4)),
        marked("composed", "ludb 1", signal(12)),
        marked("composed", "qtdb 1", signal(2)),
        marked("qtdb", "qtdb 1", signal(2)),
        Example("beats", "1", "1", signal(2), beats=beats, without_p=no, with_p=numbers),
        Example("ptb-xl", "1", "1", signal(12), without_p=yes, with_p=0 * numbers),
        Example("cpsc2018", "1", "2", signal(12), without_p=no, with_p=numbers),
        Example("cinc2017", "1", "3", signal(1), without_p=no, with_p=numbers),
    ]


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


def test_training_is_reproducible(examples, monkeypatch):
    for numbers in ("_OF_TWELVE", "_OF_TWO", "_OF_ONE"):
        few = dict.fromkeys(getattr(_batches, numbers), 1)
        monkeypatch.setattr(_batches, numbers, few)
    first, second = (train(examples, n_steps=2, seed=3, description="") for _ in range(2))
    for name, weight in first.items():
        assert np.isfinite(weight).all()
        assert_array_equal(weight, second[name])


@pytest.mark.parametrize("draw", [Batches.of_twelve_leads, Batches.of_two_leads])
def test_batches_keep_signals_and_targets_together(rng, examples, draw):
    """A wave that is a step in the signal is still there where the targets say so."""
    for example in examples:
        example.signal[:] = 0.0 if example.waves is None else example.waves > 0
    batches = Batches(examples, rng)
    batches._disturb = lambda signals, waves: signals
    for _ in range(5):
        batch = draw(batches)
        n_records, n_leads, n_times = batch.signals.shape
        assert n_times == 1280 and n_leads in (
            (1, 2) if draw is Batches.of_two_leads else range(13)
        )
        assert batch.waves.shape == batch.signals.shape
        assert batch.peaks.shape == (n_records, 2, n_leads, n_times)
        for known in (batch.beats, batch.without_p, batch.with_p):
            assert known.shape == (n_records, n_times)
        # But for waves that were erased or forgotten, and their bounds.
        known = batch.waves >= 0
        apart = (batch.signals - (batch.waves > 0).float()).abs() > 0.6
        assert (apart & known).sum() < 0.01 * known.sum()
        assert known.any() and (batch.weight > 0).any()


def test_t_waves_of_joint_marks_are_forgotten(rng, examples):
    """And those of LUDB are not."""
    batches = Batches(examples, rng)
    both = [batches.of_twelve_leads(), batches.of_two_leads()]
    for batch in both:
        joint = batch.waves[batch.is_joint]
        assert not (joint == T).any()
    assert (both[0].waves[~both[0].is_joint] == T).any()
    # What lies between the other waves is known all the same.
    joint = both[1].waves[both[1].is_joint]
    assert len(joint) and all((joint == kind).any() for kind in (-1, 0, P, QRS))


def test_stretches_that_a_batch_cuts_off_need_no_p_wave(rng, examples):
    batch = Batches(examples, rng).of_two_leads()
    assert (batch.with_p > 0).any()
    for numbers in batch.with_p.numpy():
        edges = set(numbers[[0, -1]].tolist())
        assert edges == {0}, "a stretch may have its P wave outside"


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


@pytest.mark.parametrize("record", ["sel100", "sel16265"])
def test_marks_of_the_qt_database_are_the_experts(record, shared_data, tmp_path, monkeypatch):
    (tmp_path / "qtdb").mkdir()
    for file in (shared_data / "qtdb").glob(f"{record}.*"):
        (tmp_path / "qtdb" / file.name).symlink_to(file)
    monkeypatch.setenv("SKLEARN_ECG_DATA", str(tmp_path))
    example, *others = qtdb_examples()
    assert [example.source, *(other.source for other in others)] == ["qtdb", "beats"][
        : 1 + len(others)
    ]
    marks = read_marks(shared_data / "qtdb" / record)

    def runs(kind):
        edges = np.diff(np.r_[0, (example.waves[0] == kind).astype(np.int8), 0])
        return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1

    start = marks["qrs_onset"][0] - runs(QRS)[0][0]
    for kind, wave in ((P, "p"), (QRS, "qrs")):
        onsets, offsets = runs(kind)
        assert_array_equal(onsets + start, marks[f"{wave}_onset"])
        assert_array_equal(offsets + start, marks[f"{wave}_offset"])
    assert np.isin(marks["t_offset"] - start, runs(T)[1]).all()
    for place, wave in enumerate("pt"):
        peaks = np.flatnonzero(example.peaks[place, 0] == 1)
        assert_array_equal(peaks + start, marks[f"{wave}_peak"])
    looked = example.waves[0] >= 0
    beats = np.flatnonzero(np.nan_to_num(example.beats) == 1)
    expected = marks["r_peak"] - start
    assert_array_equal(beats, expected[looked[expected]])
    assert (example.waves == example.waves[0]).all()


@pytest.fixture(scope="module")
def fold_of(shared_data):
    return deal_out()


def test_stretches_of_mitdb_share_its_folds(fold_of, shared_data):
    of_both = [
        path.stem
        for path in (shared_data / "qtdb").glob("sel[12]??.hea")
        if (shared_data / "mitdb" / f"{path.stem[3:]}.hea").exists()
    ]
    assert len(of_both) > 5
    for record in of_both:
        assert fold_of[qtdb_patient(record)] == fold_of[mitdb_patient(record.removeprefix("sel"))]
    assert f"qtdb {of_both[0]}" not in fold_of
    assert fold_of[mitdb_patient("201")] == fold_of[mitdb_patient("202")]


def test_databases_are_spread_evenly_over_the_folds(fold_of):
    of_database = {}
    for patient, fold in fold_of.items():
        of_database.setdefault(patient.split()[0], []).append(fold)
    assert set(of_database) == {"ludb", "mitdb", "qtdb", "ptb-xl", "cpsc2018", "cinc2017"}
    for database, folds in of_database.items():
        assert np.ptp(np.bincount(folds, minlength=N_FOLDS)) <= 1, database


def missing_p_wave_loss(p_wave, stretch):
    return _training._missing_p_wave_loss(torch.as_tensor(p_wave), torch.as_tensor(stretch)).item()


def test_a_missing_p_wave_costs_until_it_is_seen_in_its_stretch():
    stretch = np.zeros((2, 400), np.int64)
    stretch[0, 100:200], stretch[0, 300:350] = 1, 2
    p_wave = np.full((2, 3, 400), 0.01, np.float32)
    losses = [missing_p_wave_loss(p_wave, stretch)]
    p_wave[0, :, 220:250], p_wave[1] = 0.99, 0.99  # where none is asked for
    assert missing_p_wave_loss(p_wave, stretch) == losses[0]
    for place in (slice(120, 145), slice(310, 335)):
        p_wave[0, :, place] = 0.99
        losses.append(missing_p_wave_loss(p_wave, stretch))
    assert (np.diff(losses) < -1).all() and losses[-1] < 0.1
    # A second P wave in the same stretch is worth nothing.
    p_wave[0, :, 160:185] = 0.99
    assert missing_p_wave_loss(p_wave, stretch) == pytest.approx(losses[-1], abs=1e-3)
    assert missing_p_wave_loss(p_wave, 0 * stretch) == 0


def test_the_lead_that_shows_the_marks_counts_for_both():
    loss = torch.tensor([[[0.1] * 50, [2.0] * 50]]).repeat(2, 1, 1)
    known = torch.ones_like(loss)
    joint, single = _training._lead_weights(loss, known, torch.tensor([True, False]))
    assert joint[0] > 1.5 and joint.sum() == pytest.approx(2)
    assert single.tolist() == [1, 1]


def test_t_waves_become_as_likely_as_they_are(rng):
    """The bias that suits best is that at which the mean probability is the share of T waves."""
    torch.manual_seed(0)
    weights = TrainableWaveNetwork().eval().folded_weights()
    waves = np.zeros((2, 1280), np.int8)
    waves[:, 200:500] = 3
    waves[:, 900:] = -1
    signal = rng.normal(size=waves.shape).astype(np.float32)
    example = Example("ludb", "1", "ludb 1", signal, waves=waves)
    calibrated = calibrate_t_waves(weights, [example])
    logits = WaveNetwork(calibrated)(signal)[1][:4]
    t_wave = np.exp(logits[3] - np.logaddexp.reduce(logits, axis=0))
    assert_allclose(t_wave[waves >= 0].mean(), 300 / 900, atol=0.01)
    changed = [name for name in weights if not np.array_equal(weights[name], calibrated[name])]
    assert changed == ["waves.bias"]

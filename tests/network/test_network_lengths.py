"""Records longer than the network reads, and signals that are changed in training."""

import copy
import os
import tempfile
import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import roc_auc_score
from skorch.callbacks import Callback

from sklearn_ecg import ECGRecords
from sklearn_ecg.network import LabelCorrelationECGClassifier, SignalAugmentation, _signal_reader
from sklearn_ecg.network._signal_reader import SignalReader
from sklearn_ecg.network._windows import crop, random_starts, window_starts

# Crops and windows


@pytest.mark.parametrize("length", [1, 9, 10, 11, 14, 15, 16, 30, 37])
def test_as_few_windows_as_can_cover_a_record(length):
    starts = window_starts(length, 10)
    covered = {time for start in starts for time in range(start, start + 10)}
    assert set(range(length)) <= covered
    assert starts[0] == 0
    assert starts[-1] == max(0, length - 10)
    assert len(starts) == max(1, -(-length // 10))
    steps = np.diff(starts)
    assert steps.max(initial=0) - steps.min(initial=10) <= 1


def test_random_crops_reach_all_of_a_record_and_no_padding():
    signals = torch.arange(20.0).expand(2000, 3, 20)
    lengths = torch.tensor([20, 12, 7]).repeat(667)[:2000]
    generator = torch.Generator().manual_seed(0)
    crops = crop(signals, random_starts(lengths, 10, generator), 10)
    starts = crops[:, 0, 0]
    assert set(starts[lengths == 20].tolist()) == set(range(11))
    assert set(starts[lengths == 12].tolist()) == {0, 1, 2}
    assert set(starts[lengths == 7].tolist()) == {0}
    assert torch.equal(crops[:, 2], starts[:, None] + torch.arange(10))


def test_long_records_are_the_mean_over_their_windows(tiny, make_tiny_records):
    long = make_tiny_records(24, n_times=270)
    trained = tiny(duration_s=None, crop_s=1.0).fit(long)
    assert trained.n_times_ == 100
    signals = np.asarray(long)
    starts = window_starts(270, 100)
    parts = [ECGRecords(signals[..., start : start + 100], 100) for start in starts]
    expected = np.mean([trained.decision_function(part) for part in parts], axis=0)
    assert_allclose(trained.decision_function(long), expected, rtol=1e-4, atol=1e-5)


def test_of_padding_no_window_is_read(tiny, make_tiny_records):
    long, short = make_tiny_records(6, n_times=300), make_tiny_records(6, n_times=160, seed=1)
    ragged = ECGRecords([*long.signals, *short.signals], 100)
    trained = tiny(duration_s=None, crop_s=1.0)
    trained.fit(ragged, np.concatenate([long.labels, short.labels]))
    together = trained.decision_function(ragged)
    assert_allclose(together[6:], trained.decision_function(short), rtol=1e-4, atol=1e-5)
    assert_allclose(together[:6], trained.decision_function(long), rtol=1e-4, atol=1e-5)
    tiniest = ECGRecords(short.signals[..., :40], 100)
    assert np.isfinite(trained.decision_function(tiniest)).all()


def test_training_sees_crops_and_learns_from_them(tiny, make_tiny_records):
    shapes = set()

    class Look(Callback):
        def on_batch_begin(self, net, batch, training, **kwargs):
            if training:
                shapes.add(tuple(batch[0][0].shape[1:]))

    records = make_tiny_records(n_times=200)
    trained = tiny(duration_s=2.0, crop_s=0.5, max_epochs=25, batch_size=8, callbacks=[Look()]).fit(
        records
    )
    assert shapes == {(2, 50)}
    new = make_tiny_records(n_times=200, seed=9)
    assert roc_auc_score(new.labels, trained.predict_proba(new)) > 0.9


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"duration_s": None}, "duration_s=None records are read whole. Set crop_s"),
        ({"crop_s": 2.0}, "crop_s=2 must not exceed duration_s=1"),
    ],
)
def test_lengths_that_contradict_each_other_are_named(tiny, tiny_records, parameters, message):
    with pytest.raises(ValueError, match=message):
        tiny(**parameters).fit(tiny_records)


def test_seconds_need_a_known_rate(tiny, tiny_records):
    with pytest.raises(ValueError, match="crop_s is in seconds"):
        tiny(crop_s=0.5).fit(np.asarray(tiny_records), tiny_records.labels)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"highpass": 50.0},
            r"highpass=50 Hz would remove the whole signal: signals sampled at 100 Hz",
        ),
        ({"highpass": 80.0, "sampling_rate": 500}, r"highpass=80 Hz .* sampled at 100 Hz"),
        ({"sampling_rate": 0.01}, r"sampling_rate=0.01 Hz leaves no sample in the 1 s"),
        (
            {"sampling_rate": 0.01, "duration_s": 500.0},
            r"Records of 100 Hz cannot be resampled to 0.01 Hz.*Check sampling_rate",
        ),
    ],
)
def test_rates_that_make_no_sense_are_named(tiny, tiny_records, parameters, message):
    with pytest.raises(ValueError, match=message):
        tiny(**parameters).fit(tiny_records)


def test_a_rate_given_in_other_units_is_named_at_prediction(tiny_fitted, tiny_records):
    wrong = ECGRecords(tiny_records.signals, 1e6, lead_names=tiny_records.lead_names)
    with pytest.warns(UserWarning, match="48 of 48 records get no answer .*: Records of 1e"):
        assert (tiny_fitted.predict(wrong) == -1).all()


# Very long records


@pytest.fixture
def long_and_short(make_tiny_records):
    long, short = make_tiny_records(1, n_times=3000), make_tiny_records(23, n_times=250, seed=1)
    signals = [*short.signals[:10], *long.signals, *short.signals[10:]]
    labels = np.concatenate([short.labels[:10], long.labels, short.labels[10:]])
    return ECGRecords(signals, 100, labels=labels, ids=[f"r{i}" for i in range(24)])


def test_a_long_record_that_would_fill_the_memory_with_padding_is_named(
    tiny, long_and_short, monkeypatch
):
    monkeypatch.setattr(_signal_reader, "_MOST_GB", 5e-4)
    with pytest.raises(ValueError, match=r"24 records are padded to the longest, r10 of 30 s: "):
        tiny(duration_s=None, crop_s=1.0).fit(long_and_short)
    tiny(duration_s=5.0, crop_s=1.0, max_epochs=1).fit(long_and_short)


def test_records_are_predicted_in_parts_that_fit_into_memory(
    tiny_fitted, tiny_records, monkeypatch
):
    expected = tiny_fitted.decision_function(tiny_records)
    monkeypatch.setattr(
        _signal_reader, "_MOST_SAMPLES", 10 * tiny_records.n_leads * tiny_records.n_times
    )
    sizes = []
    read = SignalReader.read
    monkeypatch.setattr(SignalReader, "read", lambda self, r: sizes.append(len(r)) or read(self, r))
    assert_allclose(tiny_fitted.decision_function(tiny_records), expected, rtol=1e-4, atol=1e-5)
    assert sizes == [10, 10, 10, 10, 8]
    loud = tiny_records.with_signals(np.array(tiny_records.signals) * 1000)
    with pytest.warns(UserWarning, match="48 of 48 records") as told:
        tiny_fitted.predict(loud)
    assert len(told) == 1


def test_long_records_are_predicted_apart_from_short_ones(tiny, long_and_short, monkeypatch):
    trained = tiny(duration_s=None, crop_s=1.0).fit(long_and_short)
    together = trained.decision_function(long_and_short)
    monkeypatch.setattr(_signal_reader, "_MOST_SAMPLES", 8000)
    readings = []
    read = SignalReader.read
    monkeypatch.setattr(
        SignalReader, "read", lambda self, r: readings.append(read(self, r)) or readings[-1]
    )
    assert_allclose(trained.decision_function(long_and_short), together, rtol=1e-4, atol=1e-5)
    prepared = [reading.dataset.signals for reading in readings]
    assert sorted(len(part) for part in prepared) == [1, 7, 16]
    assert [part.shape[-1] for part in prepared] == [250, 250, 3000]


# Units


@pytest.mark.parametrize("factor", [1000, 1e-3])
def test_other_units_than_those_of_training_are_told_of(tiny_fitted, tiny_records, factor):
    factors = np.ones((48, 1, 1))
    factors[5:8] = factor
    mixed = tiny_records.with_signals(np.array(tiny_records.signals) * factors)
    with pytest.warns(UserWarning, match="3 of 48 records are far .* The first is 5, .*micro"):
        tiny_fitted.predict(mixed)
    warm = copy.deepcopy(tiny_fitted).set_params(warm_start=True, max_epochs=1)
    for fit in (warm.fit, warm.partial_fit):
        with pytest.warns(UserWarning, match="3 of 48 records"):
            fit(mixed)


def test_gains_and_flat_lines_of_real_recorders_are_no_other_unit(tiny, tiny_records):
    signals = np.array(tiny_records.signals)
    signals[:10] *= np.geomspace(0.05, 20, 10)[:, None, None]
    signals[10:14, 1] = 0.0
    signals[14] = 0.0
    signals[15] = 3.3
    signals[16, 1] *= 1e-3  # the electrode has come off
    microvolt = tiny_records.with_signals(signals * 1000)
    for highpass in (0.5, None):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            probabilities = (
                tiny(max_epochs=1, highpass=highpass).fit(microvolt).predict_proba(microvolt)
            )
        assert told == []
        assert np.isfinite(probabilities).all()


# Augmentation


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def none(**parameters):
    return SignalAugmentation(**{"lead_dropout": 0, "gain": 0, "noise": 0, **parameters})


def test_nothing_is_changed_where_nothing_is_asked(generator):
    signals = torch.randn(4, 3, 50)
    assert torch.equal(none().augment(signals, generator), signals)


def test_leads_are_dropped_at_the_rate_but_never_all(generator):
    signals = torch.ones(4000, 12, 1)
    kept = none(lead_dropout=0.2).augment(signals, generator)[:, :, 0]
    assert set(kept.unique().tolist()) == {0, 1}
    assert kept.mean().item() == pytest.approx(0.8, abs=0.01)
    assert (none(lead_dropout=0.99).augment(signals, generator).sum(dim=(1, 2)) >= 1).all()


def test_gain_is_one_for_all_leads_of_a_record(generator):
    changed = none(gain=0.3).augment(torch.ones(4000, 3, 2), generator)
    log_gain = changed[:, 0, 0].log()
    assert torch.equal(changed, changed[:, :1, :1].expand_as(changed))
    assert log_gain.mean().item() == pytest.approx(0, abs=0.02)
    assert log_gain.std().item() == pytest.approx(0.3, abs=0.02)


def test_noise_has_its_size(generator):
    noise = none(noise=0.2).augment(torch.zeros(50, 3, 200), generator)
    assert noise.std().item() == pytest.approx(0.2, rel=0.05)


def test_shifts_move_all_leads_together_and_pad_with_the_centre(generator):
    signals = torch.zeros(2000, 2, 20)
    signals[:, :, 10] = torch.tensor([1.0, 2.0])
    moved = none(shift=0.2).augment(signals, generator)
    assert torch.equal(moved.sum(dim=2), torch.tensor([1.0, 2.0]).expand(2000, 2))
    assert torch.equal(moved[:, 0] * 2, moved[:, 1])
    assert set(moved[:, 0].argmax(dim=1).tolist()) == set(range(6, 15))


def test_training_is_repeatable_and_validation_is_left_alone(tiny, tiny_records, weights_of):
    strong = SignalAugmentation(lead_dropout=0.4, gain=0.5, noise=0.5, shift=0.3)
    first, second = (
        tiny(augmentation=strong, calibration=None).fit(tiny_records) for _ in range(2)
    )
    assert np.array_equal(weights_of(first), weights_of(second))
    assert not np.array_equal(weights_of(first), weights_of(tiny().fit(tiny_records)))
    held_out = tiny_records[first.validation_indices_]
    logits = torch.from_numpy(first.decision_function(held_out))
    loss = first.net_.criterion_(logits, torch.tensor(held_out.labels)).item()
    assert loss == pytest.approx(min(first.history[:, "valid_loss"]), rel=1e-4)


def test_bad_augmentation_is_named(tiny, tiny_records):
    with pytest.raises(ValueError, match="'lead_dropout' parameter of SignalAugmentation"):
        tiny(augmentation=SignalAugmentation(lead_dropout=1.0)).fit(tiny_records)
    with pytest.raises(ValueError, match="'augmentation' parameter"):
        tiny(augmentation="strong").fit(tiny_records)


def test_crop_is_a_slice(rng):
    signals = torch.from_numpy(rng.normal(size=(3, 2, 30)))
    found = crop(signals, torch.tensor([0, 7, 20]), 10)
    for row, start in enumerate([0, 7, 20]):
        assert torch.equal(found[row], signals[row, :, start : start + 10])


def test_crops_are_two_seconds_and_a_half_by_default(tiny, make_tiny_records):
    long = make_tiny_records(n_times=400)
    assert tiny(crop_s="auto").fit(long[:8]).n_times_ == 100  # duration_s is shorter
    assert tiny(duration_s=4.0, crop_s="auto").fit(long[:8]).n_times_ == 250
    assert tiny(duration_s=None, crop_s="auto").fit(long[:8]).n_times_ == 250
    assert tiny(duration_s=4.0).fit(long[:8]).n_times_ == 400
    # Where the rate is unknown nobody can tell seconds.
    assert tiny(crop_s="auto").fit(np.asarray(long)[:8], long.labels[:8]).n_times_ == 400


@pytest.mark.parametrize("n_times", [2, 3, 9])
def test_signals_shorter_than_a_kernel_train_in_bfloat16(n_times):
    signals = np.random.default_rng(0).normal(size=(40, 2, n_times))
    labels = np.arange(80).reshape(40, 2) % 3 % 2
    classifier = LabelCorrelationECGClassifier(
        max_epochs=2, training__precision="bfloat16", random_state=0
    )
    assert np.isfinite(classifier.fit(signals, labels).predict_proba(signals)).all()


def test_baseline_wander_makes_no_difference(tiny, make_tiny_records):
    records = make_tiny_records(n_times=400)
    times = np.arange(400) / 100
    wandering = records.with_signals(np.asarray(records) + np.sin(2 * np.pi * 0.1 * times))
    kept = slice(100, 300)  # a wave that ends within the record cannot be told from a slow beat
    for highpass, is_same in [(0.5, True), (None, False)]:
        reader = SignalReader(100, highpass, 4.0, None)
        reader.learn(records[:8], np.arange(8))
        still, moved = (
            reader.read(r).dataset.signals.numpy()[..., kept] for r in (records, wandering)
        )
        assert (np.abs(still - moved).max() < 0.1) == is_same


def test_signals_that_memory_should_not_hold_lie_in_a_file(
    tiny, tiny_records, weights_of, monkeypatch, tmp_path
):
    in_memory = tiny().fit(tiny_records)
    monkeypatch.setattr(_signal_reader, "_MOST_IN_MEMORY", 1000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    from_file = tiny().fit(tiny_records)
    assert_array_equal(weights_of(from_file), weights_of(in_memory))
    assert_array_equal(from_file.predict_proba(tiny_records), in_memory.predict_proba(tiny_records))
    assert not list(tmp_path.iterdir())

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match=r"No space left on device: signals at .* name .* TMPDIR"):
        tiny().fit(tiny_records)

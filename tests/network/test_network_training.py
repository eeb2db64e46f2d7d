"""How the network is trained: weights, schedules, averages, and what goes wrong."""

import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback

from sklearn_ecg.network import AsymmetricLoss
from sklearn_ecg.network._labels import LabelSpace, loss_weights

# Weights of labels and records


def test_weights_enter_the_loss_as_factors(rng):
    logits, labels = rng.normal(size=(5, 3)), rng.integers(-1, 2, size=(5, 3))
    weights = rng.uniform(size=(5, 3))
    losses = []
    for k in range(15):
        one = [torch.tensor(a.reshape(15, 1)[[k]]) for a in (logits, labels)]
        losses.append(AsymmetricLoss()(*one).item())
    known = labels.ravel() != -1
    expected = (weights.ravel() * losses)[known].sum() / known.sum()
    found = AsymmetricLoss()(*map(torch.tensor, (logits, labels, weights)))
    assert found.item() == pytest.approx(expected)


def test_balanced_labels_weigh_the_same_present_and_absent(rng):
    labels = (rng.uniform(size=(60, 3)) < [0.1, 0.5, 0.9]).astype(int)
    labels[::7, 1] = -1
    weights = loss_weights(labels, LabelSpace(np.array(["a", "b", "c"]), True), "balanced")
    for k in range(3):
        known = labels[:, k] != -1
        present = weights[labels[:, k] == 1, k].sum()
        assert present == pytest.approx(weights[labels[:, k] == 0, k].sum(), rel=1e-5)
        assert weights[known, k].mean() == pytest.approx(1, rel=1e-5)


def test_records_of_no_weight_teach_nothing(tiny, tiny_records):
    # Half of the records say the opposite, and have no weight.
    labels = tiny_records.labels.copy()
    labels[::2] = 1 - labels[::2]
    weights = np.tile([0.0, 1.0], 24)
    trained = tiny(max_epochs=25, batch_size=16, validation_fraction=None)
    trained.fit(tiny_records, labels, sample_weight=weights)
    assert trained.score(tiny_records) > 0.9


def test_only_ratios_of_sample_weights_count(tiny, tiny_records, weights_of):
    plain = tiny().fit(tiny_records)
    scaled = tiny().fit(tiny_records, sample_weight=np.full(48, 4.0))
    assert np.array_equal(weights_of(plain), weights_of(scaled))


def test_a_weighty_label_is_found_more_often(tiny, tiny_records):
    noise = tiny_records.with_labels(
        np.random.default_rng(3).integers(0, 2, size=(48, 2)), ["a", "b"]
    )
    cross_entropy = {
        "criterion__gamma_negative": 0.0,
        "criterion__clip": 0.0,
        "validation_fraction": None,
    }
    plain = tiny(max_epochs=6, **cross_entropy).fit(noise).predict_proba(noise).mean(axis=0)
    heavy = tiny(max_epochs=6, class_weight={"b": 9.0}, **cross_entropy).fit(noise)
    heavy = heavy.predict_proba(noise).mean(axis=0)
    assert heavy[1] > plain[1] + 0.2
    assert heavy[1] - plain[1] > abs(heavy[0] - plain[0])


def test_class_weights_of_one_dimensional_y_are_sample_weights(tiny, tiny_records, weights_of):
    y = np.array(["no", "yes"])[tiny_records.labels[:, 0]]
    weighted = tiny(class_weight={"yes": 3.0}).fit(tiny_records, y)
    expected = tiny().fit(tiny_records, y, sample_weight=np.where(y == "yes", 3.0, 1.0))
    assert np.array_equal(weights_of(weighted), weights_of(expected))


@pytest.mark.parametrize(
    ("parameters", "sample_weight", "message"),
    [
        ({"class_weight": {"slow": 1}}, None, "labels that y does not have: slow; there are fast"),
        ({"class_weight": {"fast": -1}}, None, "class_weight must hold finite numbers"),
        ({"class_weight": "fair"}, None, "'class_weight' parameter"),
        ({}, np.zeros(48), "zero for all records"),
        ({}, np.full(48, np.nan), "sample_weight must hold finite"),
        ({}, np.ones(47), "47 weights, but there are 48 records"),
        ({}, np.ones((48, 2)), "must be 1D array"),
    ],
)
def test_bad_weights_are_named(tiny, tiny_records, parameters, sample_weight, message):
    with pytest.raises(ValueError, match=message):
        tiny(**parameters).fit(tiny_records, sample_weight=sample_weight)


# Optimizer, schedule and averages


class Rates(Callback):
    """Write down the learning rates; a function to do so would not have a name in `callbacks`."""

    def on_train_begin(self, net, **kwargs):
        self.rates_ = []

    def on_batch_begin(self, net, training, **kwargs):
        if training:
            self.rates_.append(net.optimizer_.param_groups[0]["lr"])


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine", "constant"])
def test_schedules(tiny, tiny_records, schedule):
    rates = Rates()
    tiny(training__schedule=schedule, max_epochs=5, callbacks=[rates]).fit(tiny_records)
    found = np.array(rates.rates_)
    assert len(found) == 10
    if schedule == "constant":
        assert (found == 5e-3).all()
    elif schedule == "cosine":
        assert_allclose(found, 5e-3 * (1 + np.cos(np.pi * np.arange(10) / 10)) / 2)
    else:
        assert 0 < found.argmax() < 9
        assert found.max() == pytest.approx(5e-3, rel=0.05)
        assert found[-1] < found[0] < found.max()


def test_a_cycle_of_a_single_step_trains(tiny, tiny_records):
    rates = Rates()
    tiny(max_epochs=1, batch_size=64, callbacks=[rates]).fit(tiny_records)
    assert len(rates.rates_) == 1
    assert rates.rates_[0] > 2.5e-3


@pytest.mark.parametrize("parameters", [{}, {"optimizer__betas": (0.5, 0.9)}])
def test_the_cycle_leaves_betas_that_were_set(tiny, tiny_records, parameters):
    seen = set()

    class Look(Callback):
        def on_batch_begin(self, net, **kwargs):
            seen.add(net.optimizer_.param_groups[0]["betas"])

    tiny(max_epochs=3, callbacks=[Look()], **parameters).fit(tiny_records)
    if parameters:
        assert seen == {(0.5, 0.9)}
    else:
        assert min(seen)[0] < 0.87
        assert max(seen)[0] > 0.93


def test_adam_decays_weights_by_the_gradient(tiny, tiny_records):
    seen = []

    class Look(Callback):
        def on_train_begin(self, net, **kwargs):
            seen.append(type(net.optimizer_))

    for optimizer in ("adam", "adamw"):
        tiny(training__optimizer=optimizer, callbacks=[Look()]).fit(tiny_records)
    assert seen == [torch.optim.Adam, torch.optim.AdamW]


def test_the_average_of_the_weights_is_what_is_kept(tiny, tiny_records):
    seen = []

    class Follow(Callback):
        def on_batch_end(self, net, training, **kwargs):
            if training:
                seen.append(net.module_.projection.weight.detach().clone())

    trained = tiny(
        training__ema_decay=0.8,
        callbacks=[Follow()],
        validation_fraction=None,
        training__schedule="constant",
    ).fit(tiny_records)
    expected = seen[0]
    for n_averaged, weight in enumerate(seen[1:], start=1):
        # The random weights of the beginning do not stay.
        decay = min(0.8, (1 + n_averaged) / (10 + n_averaged))
        expected = decay * expected + (1 - decay) * weight
    torch.testing.assert_close(trained.module_.projection.weight.detach(), expected)


def test_validation_measures_the_average(tiny, tiny_records):
    trained = tiny(training__ema_decay=0.5, max_epochs=3, calibration=None).fit(tiny_records)
    held_out = tiny_records[trained.validation_indices_]
    logits = torch.from_numpy(trained.decision_function(held_out))
    loss = trained.net_.criterion_(logits, torch.tensor(held_out.labels)).item()
    assert loss == pytest.approx(min(trained.history[:, "valid_loss"]), rel=1e-4)


# What goes wrong


class Poison(Callback):
    """Spoil the weights in one epoch, as a loss that explodes would."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_batch_begin(self, net, training, **kwargs):
        if training and len(net.history) == self.epoch:
            with torch.no_grad():
                net.module_.projection.weight.fill_(torch.nan)


@pytest.mark.parametrize("validation_fraction", [0.2, None])
def test_a_loss_that_is_nan_stops_training_and_keeps_good_weights(
    tiny, tiny_records, weights_of, validation_fraction
):
    parameters = {
        "max_epochs": 6,
        "training__schedule": "constant",
        "validation_fraction": validation_fraction,
    }
    with pytest.warns(ConvergenceWarning, match=r"diverged in epoch 4: .*Lower lr=0.005"):
        trained = tiny(callbacks=[Poison(4)], **parameters).fit(tiny_records)
    good = tiny(**{**parameters, "max_epochs": 3}).fit(tiny_records)
    assert np.array_equal(weights_of(trained), weights_of(good))
    with pytest.raises(ValueError, match=r"diverged in epoch 1: .*or look at record"):
        trained.set_params(callbacks=[Poison(1)]).fit(tiny_records)
    assert np.array_equal(weights_of(trained), weights_of(good))


def test_a_batch_without_a_single_known_label_does_no_harm(tiny, tiny_records):
    labels = np.full((48, 2), -1)
    labels[:2] = [[1, 0], [0, 1]]
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        trained = tiny(batch_size=4, validation_fraction=None).fit(tiny_records, labels)
    assert np.isfinite(trained.predict_proba(tiny_records)).all()


def test_an_all_zero_record_and_lead_are_no_obstacle(tiny, tiny_records):
    signals = tiny_records.signals.copy()
    signals[3] = 0
    signals[:, 1] = 0
    trained = tiny(augmentation=None).fit(tiny_records.with_signals(signals))
    assert np.isfinite(trained.predict_proba(tiny_records)).all()

"""What users of skorch and scikit-learn do with callbacks, parameter groups and copies."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import f1_score, roc_auc_score
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    Freezer,
    LRScheduler,
    Unfreezer,
)
from torch.optim.lr_scheduler import StepLR

from sklearn_ecg.network import LabelCorrelationECGClassifier


class Watch(Callback):
    """Call a function with the net after each epoch, and keep what it returns."""

    def __init__(self, look, seen=None):
        self.look = look
        self.seen = [] if seen is None else seen

    def on_epoch_end(self, net, **kwargs):
        self.seen.append(self.look(net))


class Interrupt(Callback):
    """Press Ctrl-C in an epoch, at one of its events."""

    def __init__(self, epoch, event, error=KeyboardInterrupt):
        self.epoch = epoch
        self.event = event
        self.error = error

    def notify(self, name, net, **kwargs):
        if name == self.event and len(net.history) >= self.epoch:
            raise self.error("stop")

    def on_epoch_begin(self, net, **kwargs):
        self.notify("on_epoch_begin", net)

    def on_batch_end(self, net, **kwargs):
        self.notify("on_batch_end", net)

    def on_epoch_end(self, net, **kwargs):
        self.notify("on_epoch_end", net)


def state_of(module):
    return copy.deepcopy(module.state_dict())


def same(one, other):
    return all(torch.equal(values, other[name]) for name, values in one.items())


# Scores while a net trains


@pytest.mark.parametrize("on_train", [False, True])
@pytest.mark.parametrize("kind", ["two labels", "one label", "two classes", "three classes"])
def test_scores_of_each_epoch(tiny, tiny_records, on_train, kind):
    labels = tiny_records.labels
    y = {
        "two labels": labels,
        "one label": labels[:, :1],
        "two classes": labels[:, 0],
        "three classes": labels.sum(axis=1),
    }[kind]

    def by_hand(net, X, y):
        return f1_score(y, net.predict(X), average="macro", zero_division=0)

    def area(net, X, y):
        return roc_auc_score(y, net.decision_function(X))

    def own(net, X, y):
        return net.score(X, y)

    options = {"on_train": on_train, "lower_is_better": False}
    scorings = {"f1_macro": "f1_macro", "by_hand": by_hand, "roc_auc": "roc_auc", "area": area}
    scorings |= {"accuracy": "accuracy", "own": own}
    callbacks = [EpochScoring(value, name=name, **options) for name, value in scorings.items()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of labels that nothing was predicted for
        trained = tiny(callbacks=callbacks).fit(tiny_records, y)
    for epoch in trained.history:
        assert epoch["f1_macro"] == pytest.approx(epoch["by_hand"])
        assert epoch["roc_auc"] == pytest.approx(epoch["area"])
        if kind != "one label":  # of which f1_macro scores the absence too
            name = "f1_macro" if kind == "two labels" else "accuracy"
            assert epoch["own"] == pytest.approx(epoch[name])


def test_the_last_score_is_that_of_the_network_that_is_kept(tiny, tiny_records):
    seen = []
    trained = tiny(
        validation_fraction=None,
        training__ema_decay=0.9,
        callbacks=[Watch(lambda net: net.predict_proba(tiny_records), seen)],
    ).fit(tiny_records)
    assert_allclose(trained.predict_proba(tiny_records), seen[-1], atol=1e-5)
    assert_allclose(trained.net_.predict_proba(tiny_records), seen[-1], atol=1e-5)


def test_records_are_predicted_and_scored_in_callbacks(tiny, tiny_records, make_tiny_records):
    others, seen = make_tiny_records(20, seed=3), []

    def look(net):
        assert net.predict(others).shape == others.labels.shape
        assert net.score(others) == net.score(others, others.labels)
        return net.score(others)

    trained = tiny(max_epochs=3, callbacks=[Watch(look, seen)]).fit(tiny_records)
    plain = tiny(max_epochs=3).fit(tiny_records)
    assert len(seen) == 3
    assert same(plain.module_.state_dict(), trained.module_.state_dict())


# Checkpoints of skorch


@pytest.mark.parametrize("ema_decay", [None, 0.9])
def test_the_best_epoch_by_a_score_of_ones_own_is_loaded(tiny, tiny_records, tmp_path, ema_decay):
    states = []
    trained = tiny(
        max_epochs=4,
        training__ema_decay=ema_decay,
        callbacks=[
            ("score", Watch(lambda net: net.history.record("good", -abs(len(net.history) - 2)))),
            ("keep", Watch(lambda net: state_of(net.evaluated_module()), states)),
            ("best", EpochScoring(lambda net, X, y: net.history[-1, "good"], False, name="mine")),
            ("file", Checkpoint(monitor="mine_best", load_best=True, dirname=str(tmp_path))),
        ],
    ).fit(tiny_records)
    assert same(states[1], trained.module_.state_dict())
    assert trained.predict(tiny_records).shape == (48, 2)


def test_a_whole_net_is_pickled_in_each_epoch(tiny, tiny_records, tmp_path):
    keep = Checkpoint(monitor=None, f_pickle="net.pkl", dirname=str(tmp_path))
    trained = tiny(validation_fraction=None, callbacks=[keep]).fit(tiny_records)
    net = pickle.loads((tmp_path / "net.pkl").read_bytes())
    found = net.predict_proba(tiny_records)
    assert_allclose(found, trained.predict_proba(tiny_records), atol=1e-5)


def test_weights_are_written_and_read(tiny, tiny_records, tmp_path):
    one = tiny(max_epochs=3).fit(tiny_records)
    other = tiny(max_epochs=1, random_state=1).fit(tiny_records)
    one.save_params(f_params=tmp_path / "weights.pt")
    other.load_params(f_params=tmp_path / "weights.pt")
    assert same(one.module_.state_dict(), other.module_.state_dict())
    with pytest.raises(ValueError, match="not fitted"):
        tiny().load_params(f_params=tmp_path / "weights.pt")


# Schedules and ends


@pytest.mark.parametrize("named", [False, True])
def test_a_schedule_of_ones_own_takes_the_place_of_ours(tiny, tiny_records, named):
    rates, mine = [], LRScheduler(StepLR, step_size=1, gamma=0.1)
    trained = tiny(
        max_epochs=3,
        callbacks=[
            Watch(lambda net: net.optimizer_.param_groups[0]["lr"], rates),
            ("mine", mine) if named else mine,
        ],
    ).fit(tiny_records)
    assert_allclose(rates, [5e-3, 5e-4, 5e-5])
    assert len(trained.history) == 3


def test_early_stopping_of_skorch(tiny, tiny_records):
    stop = EarlyStopping(monitor="valid_loss", patience=1, threshold=1e9, sink=lambda text: None)
    trained = tiny(max_epochs=9, callbacks=[stop]).fit(tiny_records)
    assert len(trained.history) == 2
    assert trained.predict(tiny_records).shape == (48, 2)


def test_patience_by_either_name(tiny, tiny_records):
    for name in ("training__patience", "callbacks__early_stopping__patience"):
        parameters = {name: 1, "max_epochs": 30, "lr": 0.5, "training__schedule": "constant"}
        assert len(tiny(**parameters).fit(tiny_records).history) < 30


@pytest.mark.parametrize("ema_decay", [None, 0.99])
@pytest.mark.parametrize("name", ["early_stopping", "progress", "train_loss", "epoch_timer"])
def test_without_one_of_our_callbacks(tiny, tiny_records, tmp_path, name, ema_decay):
    states, off = [], {f"callbacks__{name}": None}
    trained = tiny(
        training__ema_decay=ema_decay,
        validation_fraction=None,
        checkpoint=tmp_path / "fit",
        callbacks=[Watch(lambda net: state_of(net.evaluated_module()), states)],
        **off,
    ).fit(tiny_records)
    assert same(states[-1], trained.module_.state_dict())


def test_without_the_average(tiny, tiny_records, weights_of):
    averaged = tiny(training__ema_decay=0.99).fit(tiny_records)
    plain = tiny(training__ema_decay=None).fit(tiny_records)
    off = tiny(training__ema_decay=0.99, callbacks__average=None).fit(tiny_records)
    assert_array_equal(weights_of(off), weights_of(plain))
    assert not np.array_equal(weights_of(off), weights_of(averaged))


@pytest.mark.parametrize("event", ["on_epoch_begin", "on_batch_end", "on_epoch_end"])
@pytest.mark.parametrize("epoch", [1, 2])
@pytest.mark.parametrize("ema_decay", [None, 0.9])
def test_an_interrupt_ends_training_early(tiny, tiny_records, tmp_path, event, epoch, ema_decay):
    trained = tiny(
        max_epochs=5, training__ema_decay=ema_decay, callbacks=[Interrupt(epoch, event)]
    ).fit(tiny_records)
    assert np.isfinite(trained.predict_proba(tiny_records)).all()
    trained.set_params(callbacks=None).save(tmp_path)
    loaded = LabelCorrelationECGClassifier.load(tmp_path)
    assert_array_equal(loaded.predict_proba(tiny_records), trained.predict_proba(tiny_records))


# Frozen parts and rates of their own


@pytest.mark.parametrize("backbone", ["residual", "xresnet"])
@pytest.mark.parametrize("ema_decay", [None, 0.9])
def test_a_frozen_part_keeps_weights_and_statistics(tiny, tiny_records, backbone, ema_decay):
    channels = (2, 2, 4) if backbone == "residual" else (4, 4)
    states = []
    trained = tiny(
        max_epochs=3,
        backbone=backbone,
        network__channels=channels,
        training__ema_decay=ema_decay,
        callbacks=[
            Freezer("backbone.*"),
            Watch(lambda net: state_of(net.evaluated_module().backbone), states),
        ],
    ).fit(tiny_records)
    assert same(states[0], trained.module_.backbone.state_dict())
    assert any("running_mean" in name for name in states[0])
    assert not trained.module_.projection.weight.isnan().any()


def test_an_unfrozen_part_learns_again(tiny, tiny_records):
    states, watch = [], Watch(lambda net: state_of(net.module_.backbone))
    watch.seen = states
    thaw = [Freezer("backbone.*"), Unfreezer("backbone.*", at=3), watch]
    tiny(max_epochs=4, validation_fraction=None, callbacks=thaw).fit(tiny_records)
    assert same(states[0], states[1])
    assert not any(torch.equal(states[1][k], states[3][k]) for k in states[0] if "mean" in k)


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine", "constant"])
def test_parts_learn_at_their_own_rates(tiny, tiny_records, schedule):
    rates = []

    class Rates(Callback):
        def on_batch_end(self, net, training, **kwargs):
            if training:
                rates.append([group["lr"] for group in net.optimizer_.param_groups])

    groups = [("backbone.*", {"lr": 1e-5})]
    trained = tiny(
        max_epochs=4,
        batch_size=8,
        training__schedule=schedule,
        optimizer__param_groups=groups,
        callbacks=[("rates", Rates())],
    ).fit(tiny_records)
    of_backbone, of_rest = np.transpose(rates)
    assert_allclose(of_backbone, of_rest * 1e-5 / 5e-3, rtol=0.01, atol=1e-9)
    assert of_rest.max() <= 5e-3 * (1 + 1e-9)
    assert of_rest.max() > 4e-3
    assert trained.optimizer__param_groups is groups


# Copies


def test_copies_predict_the_same_and_learn_the_same(tiny, tiny_records, weights_of):
    callbacks = [Watch(len), EpochScoring("f1_macro", name="f1", lower_is_better=False)]
    unfitted = tiny(callbacks=[Interrupt(9, "on_epoch_end"), *callbacks[1:]])
    copies = [
        clone(unfitted),
        copy.deepcopy(unfitted),
        pickle.loads(pickle.dumps(unfitted)),
        clone(clone(unfitted)),
    ]
    fitted = unfitted.fit(tiny_records)
    for other in copies:
        assert not other.__sklearn_is_fitted__()
        assert_array_equal(weights_of(other.fit(tiny_records)), weights_of(fitted))
    expected = fitted.predict_proba(tiny_records)
    for other in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted)), copy.copy(fitted)):
        assert_array_equal(other.predict_proba(tiny_records), expected)
        assert other.history[-1]["f1"] == fitted.history[-1]["f1"]
    learner = copy.deepcopy(fitted)
    learner.partial_fit(tiny_records)
    assert_array_equal(fitted.predict_proba(tiny_records), expected)


class Quick(LabelCorrelationECGClassifier):
    """A subclass that hands all parameters on, and changes defaults."""

    def __init__(self, network="small", *, alpha=1.0, lr=1e-2, **kwargs):
        super().__init__(network, lr=lr, **kwargs)
        self.alpha = alpha


def test_subclasses_with_keywords(tiny, tiny_records, tmp_path):
    parameters = tiny(max_epochs=1).get_params(deep=False)
    quick = Quick(**parameters | {"alpha": 2.0, "lr": 0.1})
    quick = clone(quick).set_params(network__hidden_dim=4)
    assert (quick.alpha, quick.lr, quick.get_params()["network__hidden_dim"]) == (2.0, 0.1, 4)
    quick.fit(tiny_records).save(tmp_path)
    loaded = Quick.load(tmp_path)
    assert type(loaded) is Quick
    for other in (loaded, pickle.loads(pickle.dumps(quick)), copy.deepcopy(quick)):
        assert_array_equal(other.predict_proba(tiny_records), quick.predict_proba(tiny_records))
        assert other.alpha == 2.0
    assert Quick().lr == 1e-2
    with pytest.raises(TypeError, match="no parameter 'beta'"):
        Quick(beta=3)


# Failures


@pytest.mark.parametrize("method", ["fit", "partial_fit", "warm start"])
@pytest.mark.parametrize("event", ["on_epoch_begin", "on_batch_end", "on_epoch_end"])
def test_a_fit_that_fails_leaves_the_classifier_as_it_was(
    tiny_fitted, tiny_records, make_tiny_records, method, event
):
    classifier = copy.deepcopy(tiny_fitted)
    classifier.set_params(warm_start=method == "warm start", lr=0.1, max_epochs=3)
    classifier.set_params(callbacks=[Interrupt(1, event, error=OSError)])
    learned = {k: v for k, v in vars(classifier).items() if k.endswith("_")}
    expected, history = classifier.predict_proba(tiny_records), list(classifier.history)
    call = classifier.partial_fit if method == "partial_fit" else classifier.fit
    with pytest.raises(OSError, match="stop"):
        call(make_tiny_records(30, seed=4))
    assert {k: v for k, v in vars(classifier).items() if k.endswith("_")} == learned
    assert list(classifier.history) == history
    assert_array_equal(classifier.predict_proba(tiny_records), expected)


def test_a_first_fit_that_fails_leaves_nothing(tiny, tiny_records):
    classifier = tiny(callbacks=[Interrupt(1, "on_epoch_end", error=OSError)])
    for method in ("fit", "partial_fit"):
        with pytest.raises(OSError, match="stop"):
            getattr(classifier, method)(tiny_records)
        assert not [name for name in vars(classifier) if name.endswith("_")]

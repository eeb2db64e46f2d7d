"""Fits that go on from others: partial_fit, warm_start and checkpoints."""

import copy
import os
import signal
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import FunctionTransformer
from skorch.callbacks import Callback

from sklearn_ecg import ECGRecords
from sklearn_ecg.network import SignalAugmentation


class PowerFailure(Callback):
    """Stop a fit at the end of an epoch."""

    def __init__(self, epoch, error=OSError):
        self.epoch = epoch
        self.error = error

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise self.error("power failure")


# partial_fit


def test_partial_fit_learns_from_chunks(tiny, make_tiny_records):
    classifier = tiny(lr=1e-2, batch_size=8)
    for seed in range(20):
        classifier.partial_fit(make_tiny_records(24, seed=seed))
    assert classifier.score(make_tiny_records(seed=100)) > 0.9
    assert len(classifier.history) == 20
    assert [epoch["epoch"] for epoch in classifier.history] == list(range(1, 21))


def test_partial_fit_goes_on_with_the_scaling_of_fit(tiny_fitted, tiny_records, make_tiny_records):
    tuned = copy.deepcopy(tiny_fitted).set_params(lr=1e-5)
    scale = tuned.lead_scale_.copy()
    tuned.partial_fit(make_tiny_records(8, seed=5))
    assert np.array_equal(tuned.lead_scale_, scale)
    before, after = (c.predict_proba(tiny_records) for c in (tiny_fitted, tuned))
    assert not np.array_equal(before, after)
    np.testing.assert_allclose(before, after, atol=0.2)


def test_partial_fit_wants_all_classes_at_first_and_the_same_labels_later(tiny, tiny_records):
    signals = np.asarray(tiny_records)
    y = np.array([5, 7])[tiny_records.labels[:, 0]]
    classifier = tiny().partial_fit(signals, y, classes=[5, 6, 7])
    classifier.partial_fit(signals, np.full(48, 7))
    assert classifier.predict_proba(signals).shape == (48, 3)
    with pytest.raises(ValueError, match=r"y has the classes \[9\]"):
        classifier.partial_fit(signals, np.full(48, 9))
    classifier = tiny().partial_fit(tiny_records)
    with pytest.raises(ValueError, match=r"labels a, b, but .* fitted on fast, tall.*warm_start"):
        classifier.partial_fit(tiny_records.with_labels(tiny_records.labels, ["a", "b"]))


def test_partial_fit_forgets_no_label_of_which_nothing_is_known(tiny_fitted, tiny_records):
    known, unknown = (copy.deepcopy(tiny_fitted).set_params(lr=5e-3) for _ in range(2))
    before = tiny_fitted.predict_proba(tiny_records)[:, 1].mean()
    labels = tiny_records.labels.copy()
    labels[:, 1] = -1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            unknown.partial_fit(tiny_records.with_labels(labels))
    kept = unknown.predict_proba(tiny_records)[:, 1].mean()
    assert kept > before - 0.2
    # Known to be absent is another matter.
    labels[:, 1] = 0
    for _ in range(3):
        known.partial_fit(tiny_records.with_labels(labels))
    assert known.predict_proba(tiny_records)[:, 1].mean() < kept - 0.2


def test_partial_fit_goes_on_with_what_the_optimizer_knows(tiny, tiny_records):
    # With all records in one batch, three calls are three epochs of one fit.
    parameters = {
        "batch_size": 48,
        "network__dropout": 0.0,
        "training__schedule": "constant",
        "validation_fraction": None,
        "training__precision": "float32",
    }
    whole = tiny(max_epochs=4, **parameters).fit(tiny_records).decision_function(tiny_records)
    continued, forgetful = tiny(**parameters), tiny(**parameters)
    for _ in range(4):
        continued.partial_fit(tiny_records)
        forgetful.partial_fit(tiny_records)
        forgetful.net_.moments_ = None
    error = np.abs(continued.decision_function(tiny_records) - whole).max()
    assert error < 0.1 * np.abs(forgetful.decision_function(tiny_records) - whole).max()
    copied = copy.deepcopy(continued).partial_fit(tiny_records)
    continued.partial_fit(tiny_records)
    assert np.array_equal(
        copied.decision_function(tiny_records), continued.decision_function(tiny_records)
    )
    continued.set_params(training__optimizer="adam").partial_fit(tiny_records)
    assert continued.fit(tiny_records).net_.moments_ is None


def test_partial_fit_keeps_decisions_that_fit_has_learned(tiny, tiny_records):
    fitted = tiny(thresholds="tuned", max_epochs=1).fit(tiny_records)
    before = copy.deepcopy(fitted)
    fitted.partial_fit(tiny_records)
    assert np.array_equal(fitted.thresholds_, before.thresholds_)
    assert fitted.decisions_ is not None


# warm_start


def test_warm_start_goes_on_and_a_cold_start_does_not(tiny_fitted, tiny_records, weights_of):
    near = copy.deepcopy(tiny_fitted).set_params(warm_start=True, lr=1e-9, max_epochs=1)
    near.fit(tiny_records)
    learned = [name for name, _ in near.module_.named_parameters()]
    old, new = tiny_fitted.module_.state_dict(), near.module_.state_dict()
    for name in learned:
        np.testing.assert_allclose(new[name], old[name], atol=1e-5, err_msg=name)
    cold = copy.deepcopy(near).set_params(warm_start=False).fit(tiny_records)
    assert np.abs(weights_of(cold) - weights_of(near)).max() > 0.1


def test_other_labels_take_over_the_backbone_but_not_the_heads(tiny_fitted, tiny_records):
    renamed = tiny_records.with_labels(tiny_records.labels, ["a", "b"])
    tuned = copy.deepcopy(tiny_fitted).set_params(warm_start=True, lr=1e-9)
    tuned.set_params(max_epochs=1, random_state=1)
    tuned.fit(renamed)
    old, new = tiny_fitted.module_.state_dict(), tuned.module_.state_dict()
    np.testing.assert_allclose(new["projection.weight"], old["projection.weight"], atol=1e-5)
    assert (new["label_head.weight"] - old["label_head.weight"]).abs().max() > 0.05
    assert tuned.classes_.tolist() == ["a", "b"]


def test_warm_start_forgets_no_label_of_which_nothing_is_known(tiny_fitted, tiny_records):
    labels = tiny_records.labels.copy()
    labels[:, 1] = -1
    more = tiny_records.with_labels(labels)
    warm = copy.deepcopy(tiny_fitted).set_params(warm_start=True, max_epochs=8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warm.fit(more)
    assert warm.predict(more)[:, 1].mean() > 0.3
    with pytest.warns(UserWarning, match="b: unknown .-1. in all training records"):
        warm.set_params(max_epochs=1).fit(more.with_labels(labels, ["a", "b"]))


def test_a_fit_that_fails_leaves_the_last_one_whole(tiny_fitted, tiny_records):
    classifier = copy.deepcopy(tiny_fitted).set_params(class_weight={"high": 2.0})
    with pytest.raises(ValueError, match="class_weight names labels"):
        classifier.fit(tiny_records.with_labels(tiny_records.labels, ["a", "b"]))
    assert np.array_equal(classifier.predict(tiny_records), tiny_fitted.predict(tiny_records))


def test_a_fit_that_is_refused_leaves_the_network_where_it_is(tiny_fitted, tiny_records):
    classifier = copy.deepcopy(tiny_fitted).set_params(device="meta")
    with pytest.raises(ValueError, match="y has labels for 9 records"):
        classifier.fit(tiny_records, tiny_records.labels[:9])
    assert np.array_equal(classifier.predict(tiny_records), tiny_fitted.predict(tiny_records))


def test_warm_start_refuses_what_does_not_fit(tiny_fitted, tiny_records):
    warm = copy.deepcopy(tiny_fitted).set_params(warm_start=True)
    other = ECGRecords(
        tiny_records.signals, 100, lead_names=["II", "V5"], labels=tiny_records.labels
    )
    with pytest.raises(ValueError, match="it lacks lead V1, which all training records have"):
        warm.fit(other)
    with pytest.raises(ValueError, match=r"network of the last fit cannot go on.*warm_start=False"):
        warm.set_params(network__hidden_dim=4).fit(tiny_records)


def _bad_leads(records):
    return ECGRecords(records.signals, 100, lead_names=["II", "V5"], labels=records.labels)


@pytest.mark.parametrize("way", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("change", "parameters", "error"),
    [
        (lambda records: records.with_labels(records.labels - 2), {}, ValueError),
        (_bad_leads, {}, ValueError),
        (lambda records: records, {"lr": -1.0}, ValueError),
        (lambda records: records, {"network__hidden_dim": 4}, ValueError),
        (lambda records: records, {"lr": 1e30}, ValueError),
        (lambda records: records, {"callbacks": "power failure"}, OSError),
    ],
    ids=["labels", "leads", "parameter", "size", "divergence", "interruption"],
)
def test_what_goes_on_and_fails_leaves_the_network_whole(
    tiny, tiny_records, way, change, parameters, error
):
    fitted = tiny(warm_start=True, calibration="sigmoid").fit(tiny_records)
    fitted.partial_fit(tiny_records)
    twin = copy.deepcopy(fitted)
    if "callbacks" in parameters:
        parameters = {"callbacks": [PowerFailure(1)]}
    fitted.set_params(**parameters)
    with pytest.raises(error):
        getattr(fitted, way)(change(tiny_records))
    fitted.set_params(**{name: twin.get_params().get(name) for name in parameters})
    assert np.array_equal(
        fitted.decision_function(tiny_records), twin.decision_function(tiny_records)
    )
    assert np.array_equal(fitted.validation_indices_, twin.validation_indices_)
    assert fitted.history == twin.history
    # What the optimizer knows is whole too.
    fitted.partial_fit(tiny_records)
    twin.partial_fit(tiny_records)
    assert np.array_equal(
        fitted.decision_function(tiny_records), twin.decision_function(tiny_records)
    )


def test_warm_start_to_the_same_labels_keeps_their_correlation(tiny_fitted, tiny_records):
    warm = copy.deepcopy(tiny_fitted).set_params(warm_start=True, max_epochs=1)
    some = tiny_records[tiny_records.labels.sum(axis=1) < 2]  # never both labels
    assert warm.label_correlation_[0, 1] > 0
    warm.fit(some)
    assert np.array_equal(warm.label_correlation_, tiny_fitted.label_correlation_)
    np.testing.assert_allclose(warm.module_.label_correlation, warm.label_correlation_, rtol=1e-6)
    warm.fit(some.with_labels(some.labels, ["a", "b"]))
    assert warm.label_correlation_[0, 1] == 0


# Checkpoints


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_interrupted_fit_ends_as_it_would_have(tiny, tiny_records, weights_of, tmp_path, error):
    parameters = {
        "max_epochs": 6,
        "training__ema_decay": 0.7,
        "augmentation": SignalAugmentation(),
        "network__dropout": 0.3,
    }
    whole = tiny(**parameters).fit(tiny_records)
    path = tmp_path / "folder" / "fit.checkpoint"
    interrupted = tiny(**parameters, checkpoint=path, callbacks=[PowerFailure(3, error)])
    if error is OSError:
        with pytest.raises(OSError, match="power failure"):
            interrupted.fit(tiny_records)
    else:
        interrupted.fit(tiny_records)
        assert len(interrupted.history) == 3
    assert path.exists()
    resumed = tiny(**parameters, checkpoint=str(path)).fit(tiny_records)
    assert np.array_equal(weights_of(resumed), weights_of(whole))
    assert resumed.history[:, "train_loss"] == whole.history[:, "train_loss"]
    assert not list(path.iterdir())


def test_early_stopping_is_taken_up_again(tiny, tiny_records, weights_of, tmp_path):
    noise = tiny_records.with_labels(np.random.default_rng(3).integers(0, 2, size=(48, 2)))
    parameters = {"max_epochs": 30, "training__patience": 1}
    whole = tiny(**parameters).fit(noise)
    n_epochs = len(whole.history)
    assert n_epochs < 30
    path = tmp_path / "checkpoint"
    with pytest.raises(OSError, match="power failure"):
        tiny(**parameters, checkpoint=path, callbacks=[PowerFailure(n_epochs - 1)]).fit(noise)
    resumed = tiny(**parameters, checkpoint=path).fit(noise)
    assert len(resumed.history) == n_epochs
    assert np.array_equal(weights_of(resumed), weights_of(whole))
    assert not list(path.iterdir())


def test_a_damaged_checkpoint_is_named(tiny, tiny_records, tmp_path):
    with pytest.raises(OSError, match="power failure"):
        tiny(checkpoint=tmp_path, callbacks=[PowerFailure(1)]).fit(tiny_records)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=rf"{path.name} is damaged, or is not the checkpoint"):
        tiny(checkpoint=tmp_path).fit(tiny_records)


def test_a_file_is_no_folder_for_checkpoints(tiny, tiny_records, tmp_path):
    path = tmp_path / "fit.pt"
    path.touch()
    with pytest.raises(ValueError, match=r"'checkpoint' parameter must name a folder.*is a file"):
        tiny(checkpoint=path).fit(tiny_records)
    with pytest.raises(ValueError, match="set random_state to an integer"):
        tiny(checkpoint=tmp_path, random_state=None).fit(tiny_records)


def test_trainings_that_share_a_folder_do_not_meet(tiny, tiny_records, weights_of, tmp_path):
    path = tmp_path / "checkpoint"
    fitted = tiny().fit(tiny_records)

    def fit(*labels, **parameters):
        return tiny(**parameters, checkpoint=path).fit(tiny_records, *labels)

    with pytest.raises(OSError, match="power failure"):
        fit(callbacks=[PowerFailure(1)])
    with pytest.raises(OSError, match="power failure"):
        fit(1 - tiny_records.labels, callbacks=[PowerFailure(1)])
    assert len(list(path.iterdir())) == 2
    fit(lr=1e-4)
    warm = {"warm_start": True, "callbacks": [PowerFailure(1)]}
    for _ in range(2):  # the second time from its own file
        going_on = copy.deepcopy(fitted).set_params(checkpoint=path, **warm)
        with pytest.raises(OSError, match="power failure"):
            going_on.fit(tiny_records)
        assert len(list(path.iterdir())) == 3
        warm["callbacks"] = [PowerFailure(2)]
    going_on.set_params(callbacks=None).fit(tiny_records)
    assert len(list(path.iterdir())) == 2
    assert np.array_equal(weights_of(fit()), weights_of(fitted))
    fit(1 - tiny_records.labels)
    assert not list(path.iterdir())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_search_that_was_killed_scores_as_it_would_have(tiny, tiny_records, tmp_path):
    def search(*callbacks):
        classifier = tiny(checkpoint=tmp_path / "search", callbacks=list(callbacks))
        X, y = np.asarray(tiny_records), tiny_records.labels
        found = GridSearchCV(classifier, {"lr": [1e-3, 1e-2]}, cv=2, error_score="raise").fit(X, y)
        return found.cv_results_["mean_test_score"]

    class Killed(Callback):
        def on_epoch_end(self, net, **kwargs):
            if net.lr == 1e-2 and len(net.history) == 2:
                os.kill(os.getpid(), signal.SIGKILL)

    if not (pid := os.fork()):
        search(Killed())
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert len(list((tmp_path / "search").iterdir())) == 1
    scores = search()
    assert not list((tmp_path / "search").iterdir())
    assert np.array_equal(scores, search())


# What goes on, and what does not


def test_labels_in_another_order_are_the_same_labels(tiny, tiny_records):
    y = pd.DataFrame(tiny_records.labels, columns=tiny_records.label_names)
    plain = tiny().partial_fit(tiny_records, y).partial_fit(tiny_records, y)
    swapped = tiny().partial_fit(tiny_records, y).partial_fit(tiny_records, y[["tall", "fast"]])
    assert swapped.label_names_.tolist() == ["fast", "tall"]
    assert np.array_equal(
        swapped.decision_function(tiny_records), plain.decision_function(tiny_records)
    )


@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_a_label_that_is_taught_later_is_learned_then(tiny, tiny_records, way):
    unknown = tiny_records.labels.copy()
    unknown[:, 1] = -1
    classifier = tiny(warm_start=True)
    with pytest.warns(UserWarning, match="tall: unknown"):
        getattr(classifier, way)(tiny_records, unknown)
    assert np.isnan(classifier.predict_proba(tiny_records)[:, 1]).all()
    getattr(classifier, way)(tiny_records)
    assert np.isfinite(classifier.predict_proba(tiny_records)).all()


def test_thresholds_that_nothing_teaches_are_refused_when_a_fit_goes_on(tiny, tiny_records):
    warm = tiny(warm_start=True, validation_fraction=None).fit(tiny_records)
    with pytest.raises(ValueError, match="'tuned' needs held-out records"):
        warm.set_params(thresholds="tuned").fit(tiny_records)


def test_held_out_records_are_unknown_to_models_of_features(tiny, make_tiny_records):
    records, rng = make_tiny_records(120), np.random.default_rng(0)
    noise = rng.integers(0, 2, size=(120, 2))
    table = dict(zip(records.ids, rng.normal(size=(120, 3)), strict=True))
    told = FunctionTransformer(lambda r: np.stack([table[i] for i in r.ids]))
    warm = tiny(warm_start=True, features=told, validation_fraction=None, max_epochs=1)
    warm.fit(records, noise)
    warm.set_params(validation_fraction=0.3).fit(records, noise)
    # Models that had learned the held-out records would seem to be right about noise.
    assert (warm.decisions_.slope < 2).all()

"""Parameters of parts, by skorch's names."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from skorch.callbacks import Callback

from sklearn_ecg.network import LabelCorrelationECGClassifier, SignalAugmentation


def test_parts_are_parameters_like_all_others(tiny):
    classifier = tiny(optimizer__betas=(0.8, 0.9))
    assert classifier.get_params()["network__channels"] == (2, 2, 4)
    assert classifier.get_params(deep=False)["optimizer__betas"] == (0.8, 0.9)
    other = clone(classifier.set_params(network__hidden_dim=4, lr=0.1))
    assert other.get_params() == classifier.get_params()
    assert "network__hidden_dim=4" in repr(other)
    assert not any("__" in name for name in LabelCorrelationECGClassifier().get_params())


def test_parts_get_their_parameters(tiny, tiny_records):
    seen = {}

    class Look(Callback):
        def on_batch_begin(self, net, batch, training, **kwargs):
            seen.setdefault(training, set()).add(len(batch[0][0]))
            seen["betas"] = net.optimizer_.param_groups[0]["betas"]
            seen["patience"] = dict(net.callbacks_)["early_stopping"].patience
            seen["names"] = [name for name, _ in net.callbacks_]

    trained = tiny(
        callbacks=[Look()],
        training__schedule="constant",
        optimizer__betas=(0.8, 0.9),
        iterator_train__batch_size=11,
        iterator_valid__batch_size=3,
        callbacks__early_stopping__patience=7,
        callbacks__epoch_timer=None,
    ).fit(tiny_records)
    assert trained.module_.projection.out_features == 8
    assert max(seen[True]) <= 11
    assert max(seen[False]) <= 3
    assert seen["betas"] == (0.8, 0.9)
    assert seen["patience"] == 7
    assert "epoch_timer" not in seen["names"]
    assert "dur" not in trained.history[-1]


def test_nothing_learned_is_written_into_parameters(tiny, tiny_records):
    classifier = tiny(augmentation=SignalAugmentation())
    before = {name: repr(value) for name, value in classifier.get_params().items()}
    classifier.fit(tiny_records)
    assert {name: repr(value) for name, value in classifier.get_params().items()} == before


def test_grid_search_over_parts_survives_copies(tiny, tiny_records):
    grid = {
        "network__hidden_dim": [4, 8],
        "augmentation__gain": [0.0, 0.5],
    }
    search = GridSearchCV(
        tiny(max_epochs=1, augmentation=SignalAugmentation()), grid, cv=KFold(2), scoring="roc_auc"
    )
    search.fit(tiny_records, tiny_records.labels)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    best = search.best_estimator_
    assert best.module_.projection.out_features == search.best_params_["network__hidden_dim"]
    expected = search.predict_proba(tiny_records)
    for other in (copy.deepcopy(search), pickle.loads(pickle.dumps(search))):
        assert np.array_equal(other.predict_proba(tiny_records), expected)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"network__chanels": (2, 2, 4)}, "'network__chanels': did you mean network__channels"),
        ({"network__n_leads": 3}, "'network__n_leads' parameter cannot be set"),
        ({"network__backbone": "residual"}, "'network__backbone' parameter cannot .*set backbone"),
        ({"training__lr": 0.3}, "'training__lr' parameter cannot be set.*set lr"),
        ({"training__precison": "auto"}, "did you mean training__precision"),
        ({"optimizer__lr": 0.3}, "set lr"),
        ({"optimizer__nonsense": 1}, "AdamW has no parameter for 'optimizer__nonsense'"),
        ({"iterator_train__shuffle": False}, "Batches has no parameter"),
        (
            {"callbacks__early_stoping__patience": 1},
            "early_stoping.* names no callback",
        ),
    ],
)
def test_unknown_parameters_of_parts_are_named(tiny, tiny_records, parameters, message):
    with pytest.raises(ValueError, match=message):
        tiny(**parameters).fit(tiny_records)


def test_parameters_of_what_has_none_are_refused(tiny):
    with pytest.raises(ValueError, match=r"'augmentation__gain'.* 'augmentation' is 'mild'"):
        LabelCorrelationECGClassifier().set_params(augmentation__gain=0.2)
    with pytest.raises(ValueError, match=r"'features__groups'.* 'features' is 'auto'"):
        LabelCorrelationECGClassifier().set_params(features__groups=["rhythm"])
    with pytest.raises(ValueError, match="Invalid parameter 'scores'"):
        LabelCorrelationECGClassifier().set_params(scores__gain=0.2)
    changed = tiny().set_params(augmentation=SignalAugmentation(), augmentation__gain=0.2)
    assert changed.augmentation.gain == 0.2


def test_unknown_parameters_are_refused_at_once(tiny):
    with pytest.raises(TypeError, match="has no parameter 'breadth'"):
        LabelCorrelationECGClassifier(breadth="small")
    with pytest.raises(ValueError, match="Invalid parameter 'breadth'"):
        tiny().set_params(breadth="small")

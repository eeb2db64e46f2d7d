"""Networks and backbones of the user's own, weights from elsewhere, and embeddings for others."""

import copy
import functools
import json
import os
import pickle
import re
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.torch import save_file
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Freezer, Unfreezer
from torch import nn

from sklearn_ecg import AFPLabelCleaner, ECGRecords, OnCleanedLabels
from sklearn_ecg.network import LabelCorrelationECGClassifier
from sklearn_ecg.network._files import _sum_of

load = LabelCorrelationECGClassifier.load


class Strided(nn.Module):
    """A backbone of one convolution, and batch norm."""

    def __init__(self, n_leads, channels=4):
        super().__init__()
        self.convolution = nn.Conv1d(n_leads, channels, 9, stride=5)
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, x):
        return self.norm(self.convolution(x)).relu()


class Linear(nn.Module):
    """A whole network, which needs the number of leads and of labels."""

    def __init__(self, n_leads, n_labels, hidden=3):
        super().__init__()
        self.first = nn.Linear(n_leads, hidden)
        self.last = nn.Linear(hidden, n_labels)

    def embed(self, x):
        return self.first(x.square().mean(dim=2))

    def forward(self, x):
        return self.last(self.embed(x))


class Knowing(Linear):
    """A whole network that asks for all that can be asked for."""

    def __init__(self, n_labels, n_leads, label_correlation, n_times):
        super().__init__(n_leads, n_labels)
        self.n_times = n_times
        self.register_buffer("label_correlation", torch.as_tensor(label_correlation).float())


class Pooled(nn.Module):
    """A whole network that asks for the number of labels alone, and embeds nothing."""

    def __init__(self, n_labels):
        super().__init__()
        self.layer = nn.LazyLinear(n_labels)

    def forward(self, x):
        return self.layer(x.flatten(1))


class Shaped(nn.Module):
    """Answers in a form of one's choice."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.answer(x) if isinstance(x, torch.Tensor) else None


@pytest.fixture
def whole(tiny):
    """Make a classifier whose network is the user's own."""

    def make(network, **parameters):
        defaults = tiny(max_epochs=1, backbone=None).get_params(deep=False)
        mine = {k: v for k, v in defaults.items() if not k.startswith("network")}
        return LabelCorrelationECGClassifier(network, **mine | parameters)

    return make


@pytest.fixture
def own(tiny):
    """Make a classifier whose backbone is the user's own."""

    def make(backbone=Strided, **parameters):
        return tiny(
            **{"max_epochs": 1, "backbone": backbone, "network__channels": None} | parameters
        )

    return make


# Backbones


def backbones():
    return {
        "class": Strided,
        "partial": functools.partial(Strided, channels=4),
        "module": Strided(2),
        "sequential": nn.Sequential(nn.Conv1d(2, 4, 9, stride=5), nn.ReLU()),
    }


@pytest.mark.parametrize("kind", backbones())
def test_own_backbones(own, tiny_records, weights_of, kind, tmp_path):
    classifier = own(backbones()[kind])
    twin = clone(classifier)
    expected = classifier.fit(tiny_records).predict_proba(tiny_records)
    for other in (pickle.loads(pickle.dumps(classifier)), copy.deepcopy(classifier)):
        assert_array_equal(other.predict_proba(tiny_records), expected)
    assert twin.fit(tiny_records).predict_proba(tiny_records).shape == (48, 2)
    classifier.save(tmp_path)
    with pytest.raises(ValueError, match=r"a backbone of your own, .*load\(path, backbone=...\)"):
        load(tmp_path)
    loaded = load(tmp_path, backbone=backbones()[kind])
    assert_array_equal(loaded.predict_proba(tiny_records), expected)
    loaded.set_params(warm_start=True).fit(tiny_records)


def test_a_class_takes_channels(own, tiny_records):
    classifier = own(network__channels=6).fit(tiny_records)
    assert classifier.module_.projection.in_features == 6


@pytest.mark.parametrize("part", ["backbone", "network"])
def test_a_module_that_is_given_stays_as_it_is(own, whole, tiny_records, weights_of, part):
    module = Strided(2) if part == "backbone" else Linear(2, 2)
    before = copy.deepcopy(module.state_dict())
    classifier = (own if part == "backbone" else whole)(module, lr=0.1)
    first = weights_of(classifier.fit(tiny_records))
    assert getattr(classifier, part) is module
    assert all(torch.equal(values, before[name]) for name, values in module.state_dict().items())
    assert_array_equal(weights_of(classifier.fit(tiny_records)), first)
    classifier.partial_fit(tiny_records)
    classifier.set_params(warm_start=True).fit(tiny_records)
    assert all(torch.equal(values, before[name]) for name, values in module.state_dict().items())


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        (nn.Flatten(), r"\(batch, features, tokens\); Flatten made \(1, 200\)"),
        (nn.Sequential(nn.Conv1d(2, 4, 3), nn.LSTM(98, 5)), r"Sequential made tuple"),
        (nn.Conv1d(12, 4, 3), "12 channels"),
        (lambda n_leads: None, "backbone must make an nn.Module; .* made None"),
    ],
)
def test_backbones_that_do_not_fit_are_named(own, tiny_records, backbone, message):
    with pytest.raises((ValueError, TypeError, RuntimeError), match=message):
        own(backbone).fit(tiny_records)


# Networks


def networks():
    return {
        "class": Linear,
        "partial": functools.partial(Linear, hidden=3),
        "all": Knowing,
        "lazy": Pooled,
        "module": Linear(2, 2),
        "lazy module": Pooled(2),
    }


@pytest.mark.parametrize("kind", networks())
def test_own_networks(whole, tiny_records, kind, tmp_path):
    classifier = whole(networks()[kind]).fit(tiny_records)
    expected = classifier.predict_proba(tiny_records)
    assert expected.shape == (48, 2)
    assert type(classifier.module_) in (Linear, Knowing, Pooled)
    if kind == "all":
        assert classifier.module_.n_times == classifier.n_times_ == 100
        found = classifier.module_.label_correlation.numpy()
        assert_allclose(found, classifier.label_correlation_, rtol=1e-6)
    for other in (pickle.loads(pickle.dumps(classifier)), copy.deepcopy(classifier)):
        assert_array_equal(other.predict_proba(tiny_records), expected)
    clone(classifier).fit(tiny_records)
    classifier.save(tmp_path)
    with pytest.raises(
        ValueError, match=r"a network of your own, .*Pass it to load: load\(path, network=...\)"
    ):
        load(tmp_path)
    loaded = load(tmp_path, network=networks()[kind])
    assert_array_equal(loaded.predict_proba(tiny_records), expected)


def test_parameters_of_own_networks(whole, tiny_records):
    classifier = whole(Linear, network__hidden=7).fit(tiny_records)
    assert classifier.transform(tiny_records).shape == (48, 7)
    for network, name in ((Linear, "Linear"), (functools.partial(Linear, hidden=2), "Linear")):
        with pytest.raises(ValueError, match=f"{name} has no parameter for 'network__hiden': did"):
            whole(network, network__hiden=7).fit(tiny_records)
        with pytest.raises(ValueError, match=f"backbone.* {name}, which takes no backbone"):
            whole(network, backbone="xresnet").fit(tiny_records)
    with pytest.raises(ValueError, match="'network' is a module that is built"):
        whole(Linear(2, 2), network__hidden=7).fit(tiny_records)
    with pytest.raises(
        ValueError, match="'network' is a module that is built, which takes no backbone"
    ):
        whole(Linear(2, 2), backbone="xresnet").fit(tiny_records)
    with pytest.raises(ValueError, match=r"'network__n_labels' .*fit does so"):
        whole(Linear, network__n_labels=7).fit(tiny_records)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (lambda x: x.new_zeros(len(x), 5), r"makes \(2, 5\)"),
        (lambda x: x.new_zeros(len(x)), r"makes \(2,\)"),
        (lambda x: x.new_zeros(3, len(x), 2), r"makes \(3, 2, 2\)"),
        (lambda x: x.new_zeros(1, 2), r"makes \(1, 2\)"),
        (lambda x: (x, x), "makes tuple"),
        (lambda x: nn.Linear(12, 2)(x), "raises RuntimeError"),
    ],
)
def test_networks_that_do_not_fit_are_named(whole, tiny_records, answer, found):
    needed = re.escape("signals (batch, n_leads, n_times), here (2, 2, 100), to logits")
    labels = re.escape("(batch, n_labels), here (2, 2)")
    with pytest.raises(ValueError, match=f"Shaped does not fit.*{needed} {labels}.*{found}"):
        whole(Shaped(answer)).fit(tiny_records)


def test_what_makes_no_network_is_named(whole, tiny_records):
    with pytest.raises(TypeError, match=r"'network' parameter must make an nn.Module; it made 3"):
        whole(lambda n_leads: 3).fit(tiny_records)


def test_batch_norm_without_weights_learns_its_statistics(whole, tiny_records):
    network = nn.Sequential(nn.BatchNorm1d(2, affine=False), nn.Flatten(), nn.Linear(200, 2))
    classifier = whole(network).fit(tiny_records)
    assert classifier.module_[0].num_batches_tracked > 0


# Embeddings


def test_embeddings_have_names_and_containers(tiny_fitted, tiny_records):
    found = tiny_fitted.transform(tiny_records)
    names = tiny_fitted.get_feature_names_out()
    assert found.shape == (48, len(names))
    assert names[0] == "labelcorrelationecgclassifier0"
    framed = copy.deepcopy(tiny_fitted).set_output(transform="pandas")
    table = framed.transform(tiny_records)
    assert isinstance(table, pd.DataFrame)
    assert table.columns.tolist() == names.tolist()
    assert_array_equal(table, found)
    assert framed.transform(tiny_records[:0]).shape == (0, len(names))


def test_networks_without_embeddings_say_so(whole, tiny_records):
    classifier = whole(Pooled).fit(tiny_records)
    for ask in (lambda: classifier.transform(tiny_records), classifier.get_feature_names_out):
        with pytest.raises(TypeError, match=r"Pooled has no embeddings.*\(batch, embedding_dim\)"):
            ask()
    with pytest.raises(ValueError, match="not fitted"):
        clone(classifier).transform(tiny_records)
    odd = whole(Linear).fit(tiny_records)
    odd.module_.embed = lambda x: x
    with pytest.raises(ValueError, match=r"embed\(x\).*makes \(1, 2, 100\)"):
        odd.transform(tiny_records)


def many_logistic_regressions():
    return MultiOutputClassifier(LogisticRegression())


@pytest.mark.parametrize("kind", ["records", "array"])
@pytest.mark.parametrize("container", ["default", "pandas"])
def test_other_classifiers_learn_from_embeddings(tiny, tiny_records, kind, container):
    X = tiny_records if kind == "records" else np.asarray(tiny_records)
    first = tiny(max_epochs=12).set_output(transform=container)
    pipeline = make_pipeline(first, many_logistic_regressions()).fit(X, tiny_records.labels)
    assert pipeline.predict(X).shape == (48, 2)
    assert (pipeline.predict(X) == tiny_records.labels).mean() > 0.8


class Powers:
    """The power of each lead, as a transformer that costs nothing."""

    def get_params(self, deep=True):
        return {}

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.square(np.asarray(X.signals)).mean(axis=2)


def test_cleaned_labels_reach_the_step_after_embeddings(tiny, tiny_records):
    records = ECGRecords(
        tiny_records.signals, 100, lead_names=["II", "V1"], trusted=np.arange(48) % 2 == 0,
        labels=tiny_records.labels, label_names=["fast", "tall"],
    )  # fmt: skip
    pipeline = make_pipeline(
        AFPLabelCleaner(max_iter=1, random_state=0, features=Powers()),
        tiny(max_epochs=12),
        OnCleanedLabels(LogisticRegression()),
    ).fit(records)
    assert pipeline[-1].classes_.tolist() == ["fast", "tall"]
    assert pipeline.predict_proba(records).shape == (48, 2)
    assert (pipeline.predict(records) == records.labels).mean() > 0.8


# Weights from elsewhere


@pytest.fixture
def expert(tiny, tiny_records):
    return tiny(max_epochs=3).fit(tiny_records)


def is_equal(one, other, part="backbone"):
    pairs = zip(
        getattr(one.module_, part).state_dict().items(),
        getattr(other.module_, part).state_dict().values(),
        strict=True,
    )
    return all(torch.allclose(a, b, atol=1e-6) for (name, a), b in pairs if "num_b" not in name)


@pytest.mark.parametrize("source", ["file", "folder", "backbone"])
def test_training_begins_with_weights_from_a_file(tiny, expert, tiny_records, tmp_path, source):
    path = tmp_path / "model"
    if source == "folder":
        expert.save(path)
    else:
        module = expert.module_ if source == "file" else expert.module_.backbone
        path = path.with_suffix(".safetensors")
        save_file(dict(module.state_dict()), path)
    still = {"lr": 1e-12, "training__weight_decay": 0.0, "callbacks": [Freezer("backbone.*")]}
    mine = tiny_records.with_labels(np.column_stack([tiny_records.labels] * 2), list("abcd"))
    novice = tiny(max_epochs=1, network__pretrained=path, **still)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        novice.fit(mine)
    assert is_equal(novice, expert)
    assert is_equal(novice, expert, "projection") == (source != "backbone")
    messages = [str(warning.message) for warning in found]
    assert len(messages) == (source == "backbone"), messages
    if messages:
        assert "begin at random: " in messages[0]
        assert found[0].filename == __file__
    assert novice.get_params()["network__pretrained"] == path
    assert pickle.loads(pickle.dumps(novice)).predict(mine).shape == (48, 4)
    novice.save(tmp_path / "novice")
    path.unlink() if path.is_file() else None
    assert_array_equal(load(tmp_path / "novice").predict_proba(mine), novice.predict_proba(mine))


def test_weights_that_do_not_fit_are_named(tiny, expert, tiny_records, tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file(dict(expert.module_.state_dict()), path)
    with pytest.warns(UserWarning, match=r"begin at random: .*projection") as found:
        tiny(max_epochs=1, network__hidden_dim=4, network__pretrained=str(path)).fit(tiny_records)
    assert len(found) == 1
    save_file({"strange": torch.zeros(3)}, path)
    with pytest.raises(ValueError, match=r"None of the 1 tensors .*strange.*the network has"):
        tiny(network__pretrained=path).fit(tiny_records)
    for bad in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(ValueError, match="'network__pretrained' must name a safetensors file"):
            tiny(network__pretrained=bad).fit(tiny_records)
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(ValueError, match="'network__pretrained' must name a safetensors file"):
        tiny(network__pretrained=tmp_path).fit(tiny_records)


def test_own_networks_begin_with_weights_too(whole, tiny_records, tmp_path):
    expert = whole(Linear).fit(tiny_records)
    save_file(dict(expert.module_.state_dict()), tmp_path / "w.safetensors")
    novice = whole(Linear, network__pretrained=tmp_path / "w.safetensors", lr=1e-12)
    assert is_equal(novice.fit(tiny_records), expert, "last")


@pytest.mark.parametrize("loaded", [False, True])
def test_a_frozen_backbone_goes_on_unchanged(expert, tiny_records, tmp_path, loaded):
    expert.save(tmp_path)
    tuned = load(tmp_path) if loaded else copy.deepcopy(expert)
    tuned.set_params(warm_start=True, lr=0.1, callbacks=[Freezer("backbone.*")]).fit(tiny_records)
    assert is_equal(tuned, expert)
    assert not is_equal(tuned, expert, "projection")
    late = [Freezer("backbone.*"), Unfreezer("backbone.*", at=2)]
    tuned.set_params(callbacks=late, validation_fraction=None).fit(tiny_records)
    assert not is_equal(tuned, expert)


def test_parts_of_a_loaded_model_learn_at_their_own_rates(expert, tiny_records, tmp_path):
    expert.save(tmp_path)
    groups = [("backbone.*", {"lr": 1e-12, "weight_decay": 0.0})]
    tuned = load(tmp_path).set_params(warm_start=True, lr=0.1, optimizer__param_groups=groups)
    tuned.fit(tiny_records)
    for name, values in expert.module_.backbone.named_parameters():
        assert_allclose(
            tuned.module_.backbone.get_parameter(name).detach(), values.detach(), atol=1e-6
        )
    assert not is_equal(tuned, expert, "projection")


# Files


def test_parameters_that_no_version_knows_are_named(expert, tmp_path):
    expert.save(tmp_path)
    path = tmp_path / "model.json"
    model = json.loads(path.read_text())
    for name, message in (("network__depth", "network__depth"), ("breadth", "'breadth'")):
        changed = {**model, "parameters": model["parameters"] | {name: 1}}
        changed.pop("sha256")
        path.write_text(json.dumps({**changed, "sha256": _sum_of(changed)}))
        with pytest.raises(ValueError, match=message):
            load(tmp_path)
    path.write_text(json.dumps(model | {"extra": 1}))
    with pytest.raises(ValueError, match="changed after it was saved"):
        load(tmp_path)


@pytest.mark.parametrize("step", ["replace", "fsync", "open"])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_model_is_replaced_when_the_new_one_is_whole(
    expert, tiny_fitted, tiny_records, tmp_path, monkeypatch, step, nth
):
    expert.save(tmp_path)
    calls = []

    def fail(*args, **kwargs):
        calls.append(args)
        if len(calls) == nth:
            raise OSError("disk full")
        return original(*args, **kwargs)

    module = __import__("builtins") if step == "open" else os
    original = getattr(module, step)
    with monkeypatch.context() as patch:
        patch.setattr(module, step, fail)
        with pytest.raises(OSError, match="disk full"):
            tiny_fitted.save(tmp_path)
    assert_array_equal(
        load(tmp_path).predict_proba(tiny_records), expert.predict_proba(tiny_records)
    )
    tiny_fitted.save(tmp_path)
    assert_array_equal(
        load(tmp_path).predict_proba(tiny_records), tiny_fitted.predict_proba(tiny_records)
    )
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".safetensors"]

"""Classifiers on bad records, their files when damaged, and what explains them."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from faults import make
from faults.cases import Area, unanswered
from sklearn_ecg import ECGRecords, LabelCorrelationECGClassifier
from sklearn_ecg.network import (
    AsymmetricLoss,
    BoostedTrees,
    CrossAttentionLayer,
    FeatureModels,
    LabelCorrelationNet,
    LabelDecoder,
    LabelEncoder,
    LabelFeatureEmbedding,
    LabelHead,
    ResidualBlock,
    SignalAugmentation,
    SqueezeExcitation,
    attribute,
    label_attention,
    label_correlation,
)
from sklearn_ecg.network.modules._label_correlation_net import BACKBONES
from sklearn_ecg.records import LazySignals

AREA = Area("classifiers", make.prepare_models)
NAME = "network.LabelCorrelationECGClassifier"
S, Y = make.signals(24), make.labels(24)
R = make.labelled(24)


def _fit(X=R, y=None, groups=None, **parameters):
    return make.small_classifier(**parameters).fit(X, y, groups=groups)


def _signals(value, place=(3, 0, slice(100, 110))):
    signals = make.signals()
    signals[place] = value
    return make.records().with_signals(signals)


AREA.errors(
    NAME,
    {
        "no signals": lambda: _fit(None),
        "signals of text": lambda: _fit("signals", Y),
        "signals of one axis": lambda: _fit(S[:, 0, 0], Y),
        "no labels": lambda: _fit(make.records()),
        "labels of 2": lambda: _fit(S, Y + 1),
        "labels of fewer records": lambda: _fit(S, Y[:-1]),
        "labels of three axes": lambda: _fit(S, Y[:, :, np.newaxis]),
        "labels of which none is known": lambda: _fit(S, Y * 0 - 1),
        "labels of other records": lambda: _fit(R, make.frame(Y)),
        "no records": lambda: _fit(R[:0]),
        "weights of fewer records": lambda: make.small_classifier().fit(
            R, sample_weight=np.ones(3)
        ),
        "negative weights": lambda: make.small_classifier().fit(R, sample_weight=-np.ones(24)),
        "weights that are NaN": lambda: make.small_classifier().fit(
            R, sample_weight=np.full(24, np.nan)
        ),
        "patients of fewer records": lambda: _fit(groups=[1, 2], validation_fraction=0.3),
        "an unknown network": lambda: _fit(network="huge"),
        "an unknown part's parameter": lambda: _fit(network__colour="red"),
        "a learning rate of 0": lambda: _fit(lr=0),
        "a learning rate that is NaN": lambda: _fit(lr=np.nan),
        "half an epoch": lambda: _fit(max_epochs=0.5),
        "batches of no records": lambda: _fit(batch_size=0),
        "no time": lambda: _fit(duration_s=0.0),
        "a time of 1e12 s": lambda: _fit(duration_s=1e12),
        "a rate of 1e12 Hz": lambda: _fit(sampling_rate=1e12),
        "an unknown device": lambda: _fit(device="gpu"),
        "an unknown calibration": lambda: _fit(calibration="good"),
        "thresholds of too few labels": lambda: _fit(thresholds=[0.5]),
        "a file as the folder of checkpoints": lambda: (
            Path("c").write_text("x"),
            _fit(checkpoint="c"),
        ),
        "predict before fit": lambda: make.small_classifier().predict(R),
        "predict fewer leads": lambda: make.classifier().predict(S[:, :1]),
        "predict no records": lambda: make.classifier().predict(None),
        "predict text": lambda: make.classifier().predict("records"),
        "predict complex numbers": lambda: make.classifier().predict(S + 1j),
        "score without labels": lambda: make.classifier().score(make.records()),
        "load from a folder that there is not": lambda: LabelCorrelationECGClassifier.load("none"),
        "save where a file is": lambda: (Path("m").write_text(""), make.classifier().save("m")),
        "to_onnx in a folder that there is not": lambda: make.classifier().to_onnx("none/m.onnx"),
    },
)


@AREA.case(NAME, "records of other leads", "error", "nan")
def _():
    found = make.classifier().predict_proba(ECGRecords(S, make.RATE, lead_names=["V1", "V2"]))
    assert np.isnan(found).all()
    return "nan"


@AREA.case(NAME, "labels in another order, by index", "right", "error")
def _():
    table = pd.DataFrame(Y, index=make.ids(24), columns=make.LABELS)
    expected = _fit(R, table).predict_proba(R)
    found = _fit(R, table.iloc[::-1]).predict_proba(R)
    np.testing.assert_array_equal(found, expected)
    return "right"


def _one_bad_record(bad):
    """A record that cannot be answered is NaN, and the others as they are without it."""
    answer = make.classifier().predict_proba(make.records())
    found = make.classifier().predict_proba(bad)
    np.testing.assert_allclose(np.delete(found, 3, axis=0), np.delete(answer, 3, axis=0), atol=1e-6)
    return unanswered(lambda: make.classifier().predict_proba(bad), 3, "r3")


for _name, _value in {
    "a lead of NaN": np.nan,
    "a lead that is infinite": np.inf,
}.items():
    AREA.case(NAME, _name, "nan")(lambda value=_value: _one_bad_record(_signals(value, (3, 0))))


def _few_bad_samples(value):
    """A few bad samples are filled, or the record is NaN; the others are as they are."""
    bad = _signals(value)
    answer = make.classifier().predict_proba(make.records())
    found = make.classifier().predict_proba(bad)
    np.testing.assert_allclose(np.delete(found, 3, axis=0), np.delete(answer, 3, axis=0), atol=1e-6)
    if np.isnan(found[3]).all():
        return unanswered(lambda: make.classifier().predict_proba(bad), 3, "r3")
    assert np.isfinite(found).all()
    return "right"


@AREA.case(NAME, "a lead of 1e30 mV", "nan")
def _():
    """What cannot be in mV is told, with the record's name."""
    with pytest.warns(UserWarning, match=r"r3.*are they in another unit"):
        found = make.classifier().predict_proba(_signals(1e30 * make.signal(3)[0], (3, 0)))
    answer = make.classifier().predict_proba(make.records())
    np.testing.assert_allclose(np.delete(found, 3, axis=0), np.delete(answer, 3, axis=0), atol=1e-6)
    return "nan"


for _name, _value in {"NaN": np.nan, "infinite": np.inf}.items():
    AREA.case(NAME, f"ten samples that are {_name}", "nan", "right")(
        partial(_few_bad_samples, _value)
    )


@AREA.case(NAME, "a record whose reading fails", "nan")
def _():
    good = make.signals()

    def read(row):
        if row == 3:
            raise ValueError("r3.dat is damaged")
        return good[row]

    lazy = make.records().with_signals(LazySignals(read, good.shape))
    return _one_bad_record(lazy)


@AREA.case(NAME, "a record of one sample among others", "nan", "right", "error")
def _():
    signals = list(make.signals())
    signals[3] = signals[3][:, :1]
    answer = make.classifier().predict_proba(make.records())
    found = make.classifier().predict_proba(make.records().with_signals(signals))
    np.testing.assert_allclose(np.delete(found, 3, axis=0), np.delete(answer, 3, axis=0), atol=1e-6)
    return "right"


# Files of a saved model.


def _saved(change):
    """Load a model of which a file was changed."""
    make.classifier().save("m")
    change(Path("m"))
    loaded = LabelCorrelationECGClassifier.load("m")
    return loaded, loaded.predict_proba(R)


def _edited(change):
    def edit(folder):
        path = folder / "model.json"
        model = json.loads(path.read_text())
        change(model)
        path.write_text(json.dumps(model))

    return lambda: _saved(edit)


def _weights(folder):
    return next(folder.glob("*.safetensors"))


def _swapped(folder):
    make.small_classifier(random_state=1).fit(R).save("other")
    _weights(folder).write_bytes(_weights(Path("other")).read_bytes())


AREA.errors(
    NAME,
    {
        f"a saved model whose {name}": call
        for name, call in {
            "model.json is cut short": lambda: _saved(lambda m: make.cut(m / "model.json", 0.5)),
            "model.json is empty": lambda: _saved(lambda m: (m / "model.json").write_text("")),
            "model.json is of NULs": lambda: _saved(
                lambda m: (m / "model.json").write_bytes(bytes(999))
            ),
            "model.json is a list": lambda: _saved(lambda m: (m / "model.json").write_text("[]")),
            "model.json nests 10^5 lists": lambda: _saved(
                lambda m: (m / "model.json").write_text("[" * 10**5)
            ),
            "model.json is gone": lambda: _saved(lambda m: (m / "model.json").unlink()),
            "model.json is a folder": lambda: _saved(
                lambda m: ((m / "model.json").unlink(), (m / "model.json").mkdir())
            ),
            "weights are cut short": lambda: _saved(lambda m: make.cut(_weights(m), 0.5)),
            "weights have a flipped byte": lambda: _saved(lambda m: make.flip(_weights(m), 0.7)),
            "weights are gone": lambda: _saved(lambda m: _weights(m).unlink()),
            "weights are of another model": lambda: _saved(_swapped),
            "format is of a later version": _edited(lambda m: m.update(format_version=99)),
            "format is another one": _edited(lambda m: m.update(format="sklearn")),
            "lead scale is negative": _edited(lambda m: m["input"].update(lead_scale=[-1.0, 1.0])),
            "slope is -1": _edited(lambda m: m["decisions"].update(slope=[-1.0, -1.0])),
            "labels change places": _edited(lambda m: m["labels"]["names"].reverse()),
            "parameters name memory to unpickle": _edited(
                lambda m: m["parameters"].update(memory="cache")
            ),
            "parameters name a class": _edited(
                lambda m: m["parameters"].update(network={"yours": "os.system"})
            ),
            "weights lie outside the folder": _edited(
                lambda m: m["weights"].update(file="../../weights.safetensors")
            ),
        }.items()
    },
)


@AREA.case(NAME, "a saved model with any byte of model.json changed", "right")
def _():
    """Of single changes none is believed: each is an error, or changes nothing that counts."""
    make.classifier().save("m")
    path = Path("m/model.json")
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    expected = make.classifier().predict_proba(R)
    for _ in range(150):
        content = bytearray(whole)
        place = rng.integers(len(content))
        content[place] = int(rng.choice(list(b'0123456789-.eE[]{},"truefalsnx ')))
        path.write_bytes(content)
        try:
            loaded = LabelCorrelationECGClassifier.load("m")
        except (ValueError, FileNotFoundError):
            continue
        np.testing.assert_array_equal(loaded.predict_proba(R), expected)
        assert loaded.label_names_.tolist() == make.LABELS
    return "right"


# Explanations, and what the network is made of.

AREA.errors(
    "network.attribute",
    {
        "an unknown label": lambda: attribute(make.classifier(), R, labels=["VT"]),
        "an unknown method": lambda: attribute(make.classifier(), R, method="guess"),
        "a window of no time": lambda: attribute(make.classifier(), R, window_s=0),
        "a window that is NaN": lambda: attribute(make.classifier(), R, window_s=np.nan),
        "no steps": lambda: attribute(make.classifier(), R, method="gradients", n_steps=0),
        "other leads": lambda: attribute(make.classifier(), S[:, :1]),
        "a classifier before fit": lambda: attribute(make.small_classifier(), R),
        "a record that is infinite": lambda: attribute(make.classifier(), _signals(np.inf, 3)),
    },
)
AREA.errors(
    "network.Attribution",
    {"a record of NaN": lambda: attribute(make.classifier(), _signals(np.nan, 3)).values},
)
AREA.errors(
    "network.label_attention",
    {
        "other leads": lambda: label_attention(make.classifier(), S[:, :1]),
        "a classifier before fit": lambda: label_attention(make.small_classifier(), R),
        "something else than a classifier": lambda: label_attention("model", R),
        "a record of NaN": lambda: label_attention(make.classifier(), _signals(np.nan, 3)),
    },
)
AREA.errors(
    "network.LabelAttention",
    {"no records": lambda: label_attention(make.classifier(), make.records()[:0]).weights},
)
AREA.errors(
    "network.label_correlation",
    {
        "labels of 2": lambda: label_correlation(Y + 1),
        "labels of text": lambda: label_correlation(Y.astype(str)),
        "None": lambda: label_correlation(None),
    },
)


@AREA.case("network.label_correlation", "a label that nobody has, and one that all have", "right")
def _():
    labels = np.c_[Y, Y[:, 0] * 0, Y[:, 0] * 0 + 1, Y[:, 0] * 0 - 1]
    assert np.isfinite(np.asarray(label_correlation(labels))).all()
    return "right"


def _augmented(**parameters):
    generator = torch.Generator().manual_seed(0)
    return SignalAugmentation(**parameters).augment(torch.ones(2, 2, 50), generator)


AREA.errors(
    "network.SignalAugmentation",
    {
        "lead dropout of 2": lambda: _augmented(lead_dropout=2.0),
        "a gain that is NaN": lambda: _augmented(gain=np.nan),
        "negative noise": lambda: _augmented(noise=-1.0),
        "a shift of text": lambda: _augmented(shift="far"),
    },
)
TABLE, _, WEAK, _ = make.table()
AREA.errors(
    "network.FeatureModels",
    {
        "labels of fewer records": lambda: FeatureModels.learn(TABLE, WEAK[:-1]),
        "weights of another shape": lambda: FeatureModels.learn(TABLE, WEAK, np.ones(3)),
        "labels of one axis": lambda: FeatureModels.learn(TABLE, WEAK[:, 0]),
    },
)
AREA.errors(
    "network.BoostedTrees",
    {
        "labels of fewer records": lambda: BoostedTrees.grow(TABLE, WEAK[:-1]),
        "weights of another shape": lambda: BoostedTrees.grow(TABLE, WEAK, np.ones(3)),
    },
)
AREA.errors(
    "network.LabelCorrelationNet",
    {
        "an unknown backbone": lambda: LabelCorrelationNet(torch.eye(2), 2, 400, backbone="vgg"),
        "a backbone that is a number": lambda: LabelCorrelationNet(
            torch.eye(2), 2, 400, backbone=3
        ),
        "heads that do not divide": lambda: LabelCorrelationNet(
            torch.eye(2), 2, 400, hidden_dim=10, n_heads=4
        ),
    },
)


def _alone(make_module, *shape):
    """A record of NaN in a batch changes nothing in the others."""
    torch.manual_seed(0)
    module, values = make_module().eval(), torch.randn(3, *shape)
    with torch.no_grad():
        expected = module(values)
        values[1] = torch.nan
        found = module(values)
    for row in (0, 2):
        np.testing.assert_allclose(found[row].numpy(), expected[row].numpy(), atol=1e-6)
    return "right"


LABELLED = torch.randn(2, 8)
for _name, _make, _shape in [
    ("LabelCorrelationNet", lambda: LabelCorrelationNet(torch.eye(2), 2, 400), (2, 400)),
    *((kind.__name__, partial(kind, 2), (2, 400)) for kind in BACKBONES.values()),
    ("ResidualBlock", lambda: ResidualBlock(1, 4), (1, 2, 400)),
    ("SqueezeExcitation", lambda: SqueezeExcitation(8), (8, 2, 40)),
    ("LabelHead", lambda: LabelHead(2, 8), (2, 8)),
]:
    AREA.case(f"network.{_name}", "a record of NaN in a batch", "right")(
        partial(_alone, _make, *_shape)
    )
for _name, _make in {
    "CrossAttentionLayer": lambda: CrossAttentionLayer(8, 2),
    "LabelDecoder": lambda: LabelDecoder(1, 8, 2),
}.items():

    def _attends(make_module=_make):
        torch.manual_seed(0)
        module, queries, memory = make_module().eval(), torch.randn(3, 2, 8), torch.randn(3, 4, 8)
        expected = module(queries, memory)
        memory[1] = torch.nan
        found = module(queries, memory)
        assert torch.allclose(found[[0, 2]], expected[[0, 2]], atol=1e-6)
        return "right"

    AREA.case(f"network.{_name}", "a record of NaN in a batch", "right")(_attends)


@AREA.case("network.LabelFeatureEmbedding", "tokens that are all zero", "right")
def _():
    assert torch.isfinite(LabelFeatureEmbedding()(torch.zeros(2, 4, 8), torch.zeros(2, 8))).all()
    return "right"


@AREA.case("network.LabelEncoder", "labels without any correlation", "right")
def _():
    assert torch.isfinite(LabelEncoder(2, 8)(torch.zeros(2, 2))).all()
    return "right"


@AREA.case("network.AsymmetricLoss", "logits of 10^4 for the wrong label", "right")
def _():
    loss = AsymmetricLoss(gamma_positive=1, gamma_negative=4, clip=0.05)
    logits = torch.tensor([[1e4, -1e4]], requires_grad=True)
    loss(logits, torch.tensor([[0, 1]])).backward()
    assert torch.isfinite(logits.grad).all()
    return "right"


@AREA.case("network.AsymmetricLoss", "labels of which none is known", "right")
def _():
    assert torch.isfinite(AsymmetricLoss()(torch.randn(2, 3), -torch.ones(2, 3)))
    return "right"

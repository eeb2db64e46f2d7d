"""The published networks that ours is compared with."""

from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from torch.nn.functional import binary_cross_entropy_with_logits

from benchmarks.networks import NETWORKS, ResNet1dWang, XResNet1d101, network_classifier
from sklearn_ecg import ECGRecords, LabelCorrelationECGClassifier
from sklearn_ecg.network import SignalAugmentation

every_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)


@every_network
@pytest.mark.parametrize("n_times", [1, 2, 97, 1000])
def test_reads_any_length(network, n_times):
    net = network(3, 4).eval()
    with torch.inference_mode():
        logits = net(torch.randn(2, 3, n_times))
    assert logits.shape == (2, 4)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize(
    "name, published",
    # xresnet1d101 and resnet1d_wang with 12 leads and 5 labels.
    [("xresnet1d101", 1.87e6), ("resnet1d_wang", 0.47e6)],
)
def test_has_as_many_weights_as_published(name, published):
    net = NETWORKS[name](12, 5)
    assert sum(p.numel() for p in net.parameters()) == pytest.approx(published, rel=0.01)


@every_network
def test_every_weight_has_a_gradient(network):
    net = network(2, 3)
    # A block that begins as its skip path hides what is inside it.
    for parameter in net.parameters():
        if parameter.dim() == 1:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    net(torch.randn(8, 2, 400)).square().sum().backward()
    without = [
        name
        for name, p in net.named_parameters()
        if p.grad is None or not torch.isfinite(p.grad).all() or not p.grad.any()
    ]
    assert without == []


@every_network
def test_learns_one_batch_by_heart(network):
    torch.manual_seed(0)
    net = network(2, 3)
    signals = torch.randn(8, 2, 250)
    labels = torch.tensor([[i & 1, i >> 1 & 1, i >> 2] for i in range(8)]).float()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for module in net.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        elif isinstance(module, torch.nn.LSTM):
            module.dropout = 0.0
    for _ in range(40):
        loss = binary_cross_entropy_with_logits(net(signals), labels)
        if loss < 0.2:  # guessing has log(2) = 0.69
            return
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    pytest.fail(f"the loss is still {loss.item():.2f}")


@every_network
def test_seeds_repeat(network):
    logits = []
    for _ in range(2):
        torch.manual_seed(1)
        net = network(2, 3)
        logits.append(net(torch.randn(4, 2, 300)))
    assert torch.equal(*logits)


def test_attention_weighs_steps():
    """ATI-CNN's answer lies between what its single steps would answer."""
    torch.manual_seed(0)
    net = NETWORKS["ATI-CNN"](1, 2).eval()
    with torch.inference_mode():
        signals = torch.randn(1, 1, 2000)
        steps = net.classify(net.features(signals))[0]
        logits = net(signals)[0]
    assert len(steps) == 9
    assert (steps.amin(0) < logits).all() and (logits < steps.amax(0)).all()


class Slow(torch.nn.Sequential):
    """Sees whether the slow part of a lead's signal is there; small, to be trained at once."""

    def __init__(self, n_leads, n_labels, n_channels=8):
        super().__init__(
            torch.nn.Conv1d(n_leads, n_channels, 25, stride=5),
            torch.nn.BatchNorm1d(n_channels),
            torch.nn.ReLU(),
            torch.nn.AdaptiveMaxPool1d(1),
            torch.nn.Flatten(),
            torch.nn.Linear(n_channels, n_labels),
        )


@pytest.fixture(scope="module")
def records():
    """Two labels, each a slow wave on a lead of its own."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, size=(96, 2))
    signals = rng.normal(scale=0.3, size=(96, 2, 300))
    signals += labels[:, :, None] * np.sin(np.arange(300) / 8)
    return ECGRecords(signals, 100, labels=labels, label_names=["AF", "PVC"])


def small_recipe(**more):
    return {"duration_s": 3.0, "random_state": 0, **more}


def test_any_network_is_trained_by_our_recipe(records):
    classifier = network_classifier(
        partial(Slow, n_channels=16),
        **small_recipe(
            crop_s=1.5,
            augmentation=SignalAugmentation(),
            ema_decay=0.8,
            validation_fraction=0.15,
            batch_size=8,
            max_epochs=10,
            lr=0.01,
        ),
    )
    classifier.fit(records[:64])
    assert isinstance(classifier.module_.network, Slow)
    assert classifier.module_.network[0].out_channels == 16
    assert len(classifier.validation_indices_) > 0
    probabilities = classifier.predict_proba(records[64:])
    assert roc_auc_score(records[64:].labels, probabilities) > 0.9


def test_its_fit_repeats_and_its_clones_have_its_network(records):
    classifier = network_classifier(Slow, **small_recipe(max_epochs=1))
    first = classifier.fit(records).predict_proba(records)
    again = clone(classifier).fit(records)
    assert isinstance(again.module_.network, Slow)
    assert_array_equal(again.predict_proba(records), first)


def test_two_networks_do_not_mix(records):
    first, second = (network_classifier(net, max_epochs=1) for net in (ResNet1dWang, XResNet1d101))
    assert type(first).network is ResNet1dWang
    assert type(second).network is XResNet1d101
    assert first.get_params() == LabelCorrelationECGClassifier(max_epochs=1).get_params()


@pytest.mark.parametrize(
    "recipe, error, message",
    [
        ({"width": "paper"}, ValueError, "'width' belongs to the network of"),
        ({"features": None}, ValueError, "'features' belongs to the network of"),
        ({"module__hidden_dim": 8}, ValueError, "'module__hidden_dim' belongs to the network of"),
        ({"epochs": 8}, TypeError, "has no parameter 'epochs'"),
    ],
)
def test_parameters_that_would_do_nothing_are_refused(recipe, error, message):
    with pytest.raises(error, match=message):
        network_classifier(ResNet1dWang, **recipe)

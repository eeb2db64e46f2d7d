"""The published networks that ours is compared with."""

from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from torch.nn.functional import binary_cross_entropy_with_logits

from benchmarks.networks import NETWORKS, ResNet1dWang
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
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.2


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


def train(network, **more):
    recipe = {"duration_s": 3.0, "features": None, "random_state": 0}
    return LabelCorrelationECGClassifier(network=network, **(recipe | more))


def test_any_network_is_trained_by_our_recipe(records):
    classifier = train(
        partial(Slow, n_channels=16),
        crop_s=1.5,
        augmentation=SignalAugmentation(),
        training__ema_decay=0.8,
        validation_fraction=0.15,
        batch_size=8,
        max_epochs=10,
        lr=0.01,
    )
    classifier.fit(records[:64])
    assert isinstance(classifier.net_.module_, Slow)
    assert classifier.net_.module_[0].out_channels == 16
    assert len(classifier.validation_indices_) > 0
    probabilities = classifier.predict_proba(records[64:])
    assert roc_auc_score(records[64:].labels, probabilities) > 0.9


def test_its_fit_repeats_and_its_clones_have_its_network(records):
    classifier = train(Slow, max_epochs=1)
    first = classifier.fit(records).predict_proba(records)
    again = clone(classifier).fit(records)
    assert isinstance(again.net_.module_, Slow)
    assert_array_equal(again.predict_proba(records), first)


@every_network
def test_each_is_trained_as_it_is(network, records):
    classifier = train(network, max_epochs=1, crop_s=2.5).fit(records[:8])
    assert isinstance(classifier.net_.module_, network)
    assert np.isfinite(classifier.predict_proba(records)).all()


def test_parameters_that_a_network_does_not_have_are_refused(records):
    with pytest.raises((TypeError, ValueError), match="hidden_dim"):
        train(ResNet1dWang, network__hidden_dim=8).fit(records)

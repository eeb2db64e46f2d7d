"""Attribution: golden values of a linear network, completeness, and a planted spike."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from sklearn_ecg import ECGRecords, LabelCorrelationECGClassifier
from sklearn_ecg.network import attribute
from sklearn_ecg.network._decisions import Decisions


class LinearNet(nn.Module):
    """Logits that are linear in the signals, so that each sample's part is known."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x, features=None):
        return torch.einsum("klt,nlt->nk", self.weight, x) + 0.5


@pytest.fixture(scope="module")
def linear(tiny_fitted):
    """The tiny classifier with a linear network of 2 labels, 2 leads and 100 samples."""
    classifier = deepcopy(tiny_fitted)
    weight = np.random.default_rng(0).normal(size=(2, 2, 100)).astype(np.float32)
    vars(classifier.net_)["module_"] = LinearNet(torch.from_numpy(weight))
    classifier.decisions_ = Decisions(
        1.0, np.array([2.0, -1.0]), np.array([0.1, 0.2]), np.array([0.5, 0.5])
    )
    return classifier


@pytest.fixture(scope="module")
def spiky():
    """Noise with a spike on lead V1 between 0.6 and 0.7 s wherever the label is present."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, size=(80, 2))
    signals = rng.normal(scale=0.1, size=(80, 3, 300))
    signals[:, 1, 60:70] += labels[:, :1] * np.hanning(10)
    return ECGRecords(
        signals, 100, lead_names=["II", "V1", "V5"], labels=labels, label_names=["spike", "none"]
    )


@pytest.fixture(scope="module")
def spike_classifier(tiny, spiky):
    return tiny(
        backbone="residual", duration_s=3.0, max_epochs=12, lr=0.02, validation_fraction=None
    ).fit(spiky)


def standardised(classifier, records):
    return records.signals / classifier.lead_scale_[:, None]


@pytest.mark.parametrize("n_steps", [1, 40])
def test_integrated_gradients_of_a_linear_network(linear, tiny_records, n_steps):
    records = tiny_records[:3]
    found = attribute(linear, records, method="integrated_gradients", n_steps=n_steps)
    weight = linear.module_.weight.detach().numpy() * np.array([2.0, -1.0])[:, None, None]
    expected = weight * standardised(linear, records)[:, None]
    np.testing.assert_allclose(found.values, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.flat_decision[0], [2 * 0.5 + 0.1, -0.5 + 0.2], rtol=1e-5)
    np.testing.assert_allclose(found.decision, linear.decision_function(records), rtol=1e-4)


def test_occlusion_of_a_linear_network(linear, tiny_records):
    records = tiny_records[:2]
    found = attribute(linear, records, "fast", window_s=0.1)
    assert found.values.shape == (2, 1, 2, 100)
    weight = linear.module_.weight.detach().numpy()[0] * 2.0
    parts = weight * standardised(linear, records)
    # Raised cosines of 10 samples at half height, one every 10 samples: they sum to 1.
    times = np.arange(100)
    windows = [
        np.where(abs(times - c) < 10, (1 + np.cos(np.pi * (times - c) / 10)) / 2, 0)
        for c in range(0, 110, 10)
    ]
    assert np.sum(windows, axis=0) == pytest.approx(np.ones(100))
    expected = sum((parts * w).sum(axis=-1, keepdims=True) * w for w in windows)
    np.testing.assert_allclose(found.values[:, 0], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("method", ["occlusion", "integrated_gradients"])
def test_a_planted_spike_is_found(spike_classifier, spiky, method):
    present = spiky[spiky.labels[:, 0] == 1][:4]
    found = attribute(spike_classifier, present, "spike", method=method)
    assert found.lead_names == ("II", "V1", "V5") and found.sampling_rate == 100
    assert found.label_names.tolist() == ["spike"] and found.method == method
    for values in found.values[:, 0]:
        strength = np.abs(values).sum(axis=-1)
        assert strength.argmax() == 1
        lead, time = np.unravel_index(values.argmax(), values.shape)
        assert lead == 1 and 50 <= time <= 80


def test_integrated_gradients_are_complete(spike_classifier, spiky):
    found = attribute(spike_classifier, spiky[:5], method="integrated_gradients", n_steps=256)
    gaps = found.values.sum(axis=(2, 3)) - (found.decision - found.flat_decision)
    assert np.abs(gaps).max() < 0.02 * np.abs(found.decision - found.flat_decision).max()


def test_integrated_gradients_are_those_of_captum(spike_classifier, spiky):
    captum = pytest.importorskip("captum.attr")
    records = spiky[:3]
    found = attribute(spike_classifier, records, method="integrated_gradients", n_steps=20)
    signals = torch.from_numpy(standardised(spike_classifier, records).astype(np.float32))
    gradients = captum.IntegratedGradients(deepcopy(spike_classifier.module_).eval())
    for k, slope in enumerate(spike_classifier.decisions_.slope):
        # Without a baseline captum starts from 0 too.
        values = gradients.attribute(signals, target=k, n_steps=20, method="riemann_middle")
        expected = slope * values.detach().numpy()
        tolerance = 1e-5 * np.abs(expected).max()
        np.testing.assert_allclose(found.values[:, k], expected, rtol=1e-4, atol=tolerance)


def test_windows_over_longer_records_and_other_rates(tiny, spiky):
    # Twice as long at twice the rate; the network reads 1.5 s at a time at 100 Hz.
    doubled = np.repeat(np.concatenate([spiky.signals[:, :, :300]] * 2, axis=-1), 2, axis=-1)
    records = ECGRecords(
        doubled, 200, lead_names=spiky.lead_names, labels=spiky.labels,
        label_names=spiky.label_names,
    )  # fmt: skip
    classifier = tiny(duration_s=None, crop_s=1.5, max_epochs=1, validation_fraction=None).fit(
        records
    )
    assert classifier.n_times_ == 150
    found = attribute(classifier, records[:1], method="integrated_gradients", n_steps=32)
    assert found.values.shape == (1, 2, 3, 600)
    np.testing.assert_allclose(
        found.decision, classifier.decision_function(records[:1]), rtol=1e-4, atol=1e-5
    )
    difference = found.decision - found.flat_decision
    np.testing.assert_allclose(
        found.values.sum(axis=(2, 3)), difference, atol=0.05 * np.abs(difference).max()
    )
    occluded = attribute(classifier, records[:1], window_s=1.0)
    assert occluded.values.shape == (1, 2, 3, 600)


def test_padding_and_flat_leads_do_nothing(spike_classifier, spiky):
    signals = spiky.signals[:2, :, :250].copy()
    signals[:, 2] = 0
    short = ECGRecords(signals, 100, lead_names=spiky.lead_names)
    for method in ("occlusion", "integrated_gradients"):
        found = attribute(spike_classifier, short, method=method)
        assert found.values.shape == (2, 2, 3, 300)
        assert (found.values[..., 250:] == 0).all()
        assert (found.values[:, :, 2] == 0).all()
        assert (found.values[:, :, 1, :250] != 0).any()


def test_leads_come_in_the_order_of_the_classifier(spike_classifier, spiky):
    found = attribute(spike_classifier, spiky[:1])
    other = attribute(spike_classifier, spiky[:1].select_leads(["V5", "V1", "II"]))
    assert other.lead_names == found.lead_names
    np.testing.assert_allclose(other.values, found.values)


class Peaks(TransformerMixin, BaseEstimator):
    """The largest sample of each lead."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.asarray(X.signals).max(axis=-1)


@pytest.mark.parametrize("method", ["occlusion", "integrated_gradients"])
def test_features_are_held_as_they_are(tiny, spiky, method):
    classifier = tiny(duration_s=3.0, features=Peaks(), max_epochs=6, validation_fraction=None).fit(
        spiky
    )
    trees = classifier.answers_.models.boosted
    assert trees.values.abs().max() > 0
    found = attribute(classifier, spiky[:3], method=method, n_steps=128)
    np.testing.assert_allclose(
        found.decision, classifier.decision_function(spiky[:3]), rtol=1e-4, atol=1e-5
    )
    # Records have the same flat line, and features of their own.
    assert np.ptp(found.flat_decision, axis=0).max() > 1e-3
    if method == "integrated_gradients":
        change = found.decision - found.flat_decision
        gaps = found.values.sum(axis=(2, 3)) - change
        assert np.abs(gaps).max() < 0.05 * np.abs(change).max()
    # What signals do does not depend on the features that are held.
    trees.values.zero_()
    without = attribute(classifier, spiky[:3], method=method, n_steps=128)
    np.testing.assert_allclose(found.values, without.values, atol=1e-5)


def test_the_classifier_stays_as_it_is(spike_classifier, spiky):
    before = spike_classifier.predict_proba(spiky[:4])
    parameters = spike_classifier.get_params()
    gradients = [weight.grad.clone() for weight in spike_classifier.module_.parameters()]
    attribute(spike_classifier, spiky[:1], method="integrated_gradients", n_steps=2)
    assert spike_classifier.get_params() == parameters
    np.testing.assert_array_equal(spike_classifier.predict_proba(spiky[:4]), before)
    for weight, gradient in zip(spike_classifier.module_.parameters(), gradients, strict=True):
        assert torch.equal(weight.grad, gradient)


def test_one_dimensional_y_and_bare_arrays():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(24, 2, 60)), np.repeat(["a", "b", "c"], 8)
    classifier = LabelCorrelationECGClassifier(max_epochs=1, random_state=0).fit(X, y)
    found = attribute(classifier, X[:2], ["c", "a"], method="integrated_gradients")
    assert found.values.shape == (2, 2, 2, 60) and found.sampling_rate is None
    np.testing.assert_allclose(
        found.decision, classifier.decision_function(X[:2])[:, [2, 0]], rtol=1e-4, atol=1e-5
    )
    with pytest.raises(ValueError, match="records of unknown sampling rate"):
        attribute(classifier, X[:2])


def test_bad_input(spike_classifier, spiky):
    with pytest.raises(ValueError, match="method must be 'occlusion' or 'integrated_gradients'"):
        attribute(spike_classifier, spiky[:1], method="gradcam")
    with pytest.raises(ValueError, match=r"labels must name some of .* spike, none; got AF"):
        attribute(spike_classifier, spiky[:1], ["spike", "AF"])
    with pytest.raises(ValueError, match=r"window_s must be .* the 3 s that .*; got 4"):
        attribute(spike_classifier, spiky[:1], window_s=4)
    with pytest.raises(ValueError, match="n_steps must be a positive integer; got 0"):
        attribute(spike_classifier, spiky[:1], method="integrated_gradients", n_steps=0)
    with pytest.raises(NotFittedError):
        attribute(LabelCorrelationECGClassifier(), spiky)


class Largest(TorchDispatchMode):
    """Measure the largest tensor that is made."""

    n_bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        # Views take no memory of their own.
        if isinstance(made, torch.Tensor) and not function.is_view:
            self.n_bytes = max(self.n_bytes, made.untyped_storage().nbytes())
        return made


def test_gradients_of_crops_take_no_memory_for_all_windows(tiny, make_tiny_records):
    records = make_tiny_records(8, n_times=3000)
    classifier = tiny(duration_s=None, crop_s=1.0, max_epochs=1).fit(records)
    with Largest() as largest:
        found = attribute(classifier, records[:1], method="integrated_gradients", n_steps=4)
    assert found.values.shape == (1, 2, 2, 3000)
    signals = 4 * 2 * 3000 * 4  # bytes of what is on the way from the flat line
    assert largest.n_bytes < 100 * signals

"""AsymmetricLoss against a plain loop, binary cross-entropy, and its limits."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from sklearn_ecg.network import AsymmetricLoss


def loop(logits, labels, gamma_positive, gamma_negative, clip):
    losses = []
    for logit, label in zip(np.ravel(logits), np.ravel(labels), strict=True):
        p = 1 / (1 + math.exp(-logit))
        if label == 1:
            losses.append(-((1 - p) ** gamma_positive) * math.log(p))
        elif label == 0:
            q = max(p - clip, 0)
            losses.append(-(q**gamma_negative) * math.log(1 - q))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("gamma_positive", [0, 1, 1.5])
@pytest.mark.parametrize("gamma_negative", [0, 1, 4])
@pytest.mark.parametrize("clip", [0, 0.05, 0.2])
def test_equals_a_plain_loop(rng, gamma_positive, gamma_negative, clip):
    logits = rng.normal(scale=3, size=(7, 5))
    labels = rng.integers(-1, 2, size=(7, 5))
    loss = AsymmetricLoss(gamma_positive, gamma_negative, clip)
    found = loss(torch.from_numpy(logits), torch.from_numpy(labels)).item()
    expected = loop(logits, labels, gamma_positive, gamma_negative, clip)
    assert found == pytest.approx(expected, rel=1e-10)


def test_without_focus_and_shift_it_is_cross_entropy(rng):
    logits = torch.from_numpy(rng.normal(scale=20, size=(6, 4)))
    labels = torch.from_numpy(rng.integers(0, 2, size=(6, 4)))
    found = AsymmetricLoss(0, 0, 0)(logits, labels)
    expected = binary_cross_entropy_with_logits(logits, labels.double())
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("clip", [0, 0.05])
@pytest.mark.parametrize("gammas", [(0, 0), (1, 4), (0.5, 1)])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_loss_and_gradient_stay_finite_at_extreme_logits(dtype, gammas, clip):
    logits = torch.tensor([[-1e4, -60.0, -12.0, 0.0, 12.0, 60.0, 1e4]] * 2, dtype=dtype)
    logits.requires_grad_()
    labels = torch.tensor([[1] * 7, [0] * 7])
    loss = AsymmetricLoss(*gammas, clip)(logits, labels)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("clip", [0, 0.05])
def test_gradient_matches_finite_differences(clip):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 3, dtype=torch.float64, generator=generator, requires_grad=True)
    labels = torch.tensor([[1, 0, -1], [0, 0, 1], [1, 1, 0], [0, -1, 1]])
    assert torch.autograd.gradcheck(lambda x: AsymmetricLoss(1, 4, clip)(x, labels), logits)


def test_unknown_labels_carry_no_gradient_and_do_not_dilute():
    logits = torch.tensor([[0.3, -1.0, 2.0]], requires_grad=True)
    loss = AsymmetricLoss()(logits, torch.tensor([[1, -1, 0]]))
    loss.backward()
    assert logits.grad[0, 1] == 0
    assert (logits.grad[0, [0, 2]] != 0).all()
    known = AsymmetricLoss()(logits[:, [0, 2]], torch.tensor([[1, 0]]))
    torch.testing.assert_close(loss, known)


def test_a_batch_without_any_known_label_costs_nothing():
    logits = torch.zeros(2, 3, requires_grad=True)
    loss = AsymmetricLoss()(logits, torch.full((2, 3), -1))
    loss.backward()
    assert loss == 0
    assert (logits.grad == 0).all()


def test_clip_forgives_easy_negatives():
    logits = torch.logit(torch.tensor([[0.04, 0.2]])).requires_grad_()
    AsymmetricLoss(clip=0.05)(logits, torch.zeros(1, 2)).backward()
    assert logits.grad[0, 0] == 0
    assert logits.grad[0, 1] > 0


def test_several_answers_are_each_compared_with_the_labels(rng):
    logits = torch.from_numpy(rng.normal(size=(2, 6, 4)))
    labels = torch.from_numpy(rng.integers(-1, 2, size=(6, 4)))
    weights = torch.from_numpy(rng.random((6, 4)))
    loss = AsymmetricLoss()
    expected = (loss(logits[0], labels, weights) + loss(logits[1], labels, weights)) / 2
    torch.testing.assert_close(loss(logits, labels, weights), expected)

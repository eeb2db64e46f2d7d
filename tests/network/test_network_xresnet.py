"""The xresnet backbone."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from sklearn_ecg.network import LabelCorrelationNet, XResNetBackbone
from sklearn_ecg.network.modules._xresnet_backbone import XResNetBlock


@pytest.mark.parametrize("n_times", [1, 2, 7, 100, 999, 1000])
def test_reads_any_length(n_times):
    backbone = XResNetBackbone(3, channels=(4, 6, 8))
    n_tokens = n_times
    for _ in range(4):
        n_tokens = -(-n_tokens // 2)
    assert backbone(torch.randn(2, 3, n_times)).shape == (2, 8, n_tokens)


def test_a_block_begins_as_its_skip_path():
    block = XResNetBlock(4, 4).eval()
    x = torch.randn(2, 4, 30)
    torch.testing.assert_close(block(x), torch.relu(x))


def test_a_shift_moves_tokens():
    backbone = XResNetBackbone(1, (4, 4)).eval()
    x = torch.zeros(1, 1, 160)
    x[..., 70:90] = torch.randn(20)
    # Two strides in the stem, one in the second stage: eight samples are one token.
    moved = backbone(torch.roll(x, 8, dims=-1))
    torch.testing.assert_close(moved[..., 6:16], backbone(x)[..., 5:15])


@pytest.mark.parametrize("label_embedding", [True, False])
@pytest.mark.parametrize("decoder", [True, False])
@pytest.mark.parametrize("attend_to", ["labels", "tokens"])
def test_stands_under_the_same_heads(label_embedding, decoder, attend_to):
    net = LabelCorrelationNet(
        torch.eye(3), 2, 100, "xresnet", (4, 8), 8, n_heads=2,
        label_embedding=label_embedding, decoder=decoder, attend_to=attend_to,
    )  # fmt: skip
    x = torch.randn(4, 2, 100)
    net(x).sum().backward()
    assert net.eval()(x).shape == (4, 3)
    # The branches of the last block have not begun to count, but their scale has a gradient.
    assert all(p.grad is not None for p in net.parameters() if p.requires_grad)


def test_learns_what_it_has_not_seen(tiny, make_tiny_records):
    classifier = tiny(backbone="xresnet", network__channels=(8, 8), max_epochs=15, batch_size=8)
    classifier.fit(make_tiny_records(64))
    new = make_tiny_records(seed=1)
    probabilities = classifier.predict_proba(new)
    assert roc_auc_score(new.labels, probabilities) > 0.9
    again = classifier.fit(make_tiny_records(64)).predict_proba(new)
    assert np.array_equal(again, probabilities)

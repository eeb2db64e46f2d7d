"""The decoder's attention against its own arithmetic, in all memories and over windows."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from sklearn_ecg.network import label_attention
from sklearn_ecg.network._windows import window_starts
from sklearn_ecg.network.explain._label_attention import _along_time


@pytest.fixture(scope="module")
def fitted(tiny, tiny_records):
    def fit(**parameters):
        return tiny(max_epochs=1, **parameters).fit(tiny_records)

    return fit


def expected_weights(layer, queries, memory):
    """softmax(q k' / sqrt(d)) of each head, mean over heads, from the layer's own weights."""
    n_heads, size = layer.num_heads, layer.embed_dim
    w_q, w_k, _ = layer.in_proj_weight.chunk(3)
    b_q, b_k, _ = layer.in_proj_bias.chunk(3)
    q = (queries @ w_q.T + b_q).reshape(*queries.shape[:2], n_heads, -1)
    k = (memory @ w_k.T + b_k).reshape(*memory.shape[:2], n_heads, -1)
    logits = torch.einsum("bqhd,bkhd->bhqk", q, k) / (size / n_heads) ** 0.5
    return logits.softmax(dim=-1).mean(dim=1)


def test_weights_are_those_of_the_layer(fitted, tiny_records):
    classifier = fitted(backbone="residual")
    found = label_attention(classifier, tiny_records[:5])
    assert found.kind == "channels" and found.times_s is None
    assert found.label_names.tolist() == ["fast", "tall"]
    assert found.weights.shape == (5, 2, 4)
    net = deepcopy(classifier.module_).eval()
    x = tiny_records.signals[:5] / classifier.lead_scale_[:, None]
    with torch.no_grad():
        memory = net._tokens(torch.as_tensor(x, dtype=torch.float32))
        queries = net.embedding(memory, net.label_encoder(net.label_correlation))
        expected = expected_weights(net.decoder.layers[0].attention, queries, memory)
    np.testing.assert_allclose(found.weights, expected, rtol=1e-4, atol=1e-6)


def test_labels_may_look_at_labels(fitted, tiny_records):
    found = label_attention(
        fitted(backbone="residual", network__attend_to="labels"), tiny_records[:3]
    )
    assert found.kind == "labels"
    assert found.weights.shape == (3, 2, 2)
    np.testing.assert_allclose(found.weights.sum(axis=-1), 1, rtol=1e-5)


def test_moments_have_times(fitted, tiny_records):
    found = label_attention(fitted(backbone="xresnet"), tiny_records[:3])
    assert found.kind == "moments"
    np.testing.assert_allclose(found.weights.sum(axis=-1), 1, rtol=1e-5)
    assert len(found.times_s) == found.weights.shape[2]
    assert found.times_s[0] == 0 and found.times_s[-1] < 1.0


def test_windows_lie_where_they_are_in_the_record(tiny, make_tiny_records):
    records = make_tiny_records(n_times=250)
    classifier = tiny(
        backbone="xresnet", duration_s=None, crop_s=1.0, max_epochs=1, validation_fraction=None
    ).fit(records)
    whole = label_attention(classifier, records[:2])
    assert whole.times_s[-1] == pytest.approx(2.4, abs=0.15)
    np.testing.assert_allclose(whole.weights.sum(axis=-1), 1, rtol=1e-5)
    # Before the second window starts, all attention is that of the first, up to the scale.
    first = label_attention(classifier, records.with_signals(records.signals[:, :, :100])[:2])
    n_first = int(np.searchsorted(whole.times_s, 0.4))
    ratio = whole.weights[:, :, :n_first] / first.weights[:, :, :n_first]
    np.testing.assert_allclose(ratio, ratio[:, :, :1] * np.ones_like(ratio), rtol=1e-3)


def test_no_moment_lies_between_windows():
    # Windows of 61 moments begin at 304.5 and 365.5 of them.
    starts = window_starts(2194, 244)
    found = _along_time(np.ones((len(starts), 1, 61)), starts, 244)
    np.testing.assert_allclose(found, 1 / found.size)


def test_nothing_is_left_behind(fitted, tiny_records):
    classifier = fitted(backbone="residual")
    before = classifier.predict_proba(tiny_records[:4])
    label_attention(classifier, tiny_records[:4])
    for part in classifier.module_.modules():
        assert not part._forward_pre_hooks
    np.testing.assert_array_equal(classifier.predict_proba(tiny_records[:4]), before)


def test_without_a_decoder_there_is_no_attention(fitted, tiny_records):
    with pytest.raises(
        ValueError, match="has no attention: it was made with network__decoder=False"
    ):
        label_attention(fitted(network__decoder=False), tiny_records[:1])

"""Each module against a plain loop over its equation."""

import numpy as np
import pytest
import torch

from sklearn_ecg.network import (
    AsymmetricLoss,
    CrossAttentionLayer,
    LabelCorrelationNet,
    LabelEncoder,
    LabelFeatureEmbedding,
    LabelHead,
    ResidualBackbone,
    ResidualBlock,
    SqueezeExcitation,
    label_correlation,
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_label_correlation_counts_pairs(rng):
    labels = rng.integers(0, 2, size=(50, 4))
    found = label_correlation(labels)
    for i in range(4):
        for j in range(4):
            together = sum(row[i] == 1 and row[j] == 1 for row in labels)
            assert found[i, j] == pytest.approx(together / sum(row[j] for row in labels))


def test_label_correlation_ignores_unknown_labels_by_pair():
    labels = [[1, 1, 0], [-1, 1, 1], [0, 1, -1], [1, 0, 1]]
    found = label_correlation(labels)
    # Of the three records with label 1, one says nothing of label 0.
    assert found[0, 1] == 1 / 2
    # Of the two records with label 0, both are known for label 2.
    assert found[2, 0] == 1 / 2
    assert np.array_equal(np.diag(found), np.ones(3))


def test_label_that_never_occurs_leaves_the_matrix_finite():
    found = label_correlation([[1, 0], [1, 0], [0, -1]])
    assert np.array_equal(found, [[1, 0], [0, 0]])


def test_label_encoder_is_three_linear_layers_with_one_relu():
    encoder = LabelEncoder(4, hidden_dim=6).double()
    correlation = torch.rand(4, 4, dtype=torch.float64)
    (w1, b1), (w2, b2), (w3, b3) = [
        (layer.weight, layer.bias) for layer in encoder if isinstance(layer, torch.nn.Linear)
    ]
    for k in range(4):
        row = w3 @ (w2 @ torch.clamp(w1 @ correlation[k] + b1, min=0) + b2) + b3
        torch.testing.assert_close(encoder(correlation)[k], row)


def test_label_feature_embedding_follows_its_equations(rng):
    features, labels = rng.normal(size=(2, 5, 8)), rng.normal(size=(3, 8))
    found = LabelFeatureEmbedding()(torch.from_numpy(features), torch.from_numpy(labels))
    for n in range(2):
        for k in range(3):
            cosines = [
                f @ labels[k] / np.linalg.norm(f) / np.linalg.norm(labels[k]) for f in features[n]
            ]
            s = [max(c, 0) for c in cosines]
            expected = sum(s[c] / sum(s) * features[n, c] for c in range(5))
            np.testing.assert_allclose(found[n, k].numpy(), expected, rtol=1e-6, atol=1e-12)


def test_label_that_no_channel_resembles_gets_zero_and_finite_gradients():
    features = -torch.ones(1, 3, 4, requires_grad=True)
    features.retain_grad()
    labels = torch.ones(1, 4, requires_grad=True)
    found = LabelFeatureEmbedding()(features, labels)
    assert (found == 0).all()
    found.sum().backward()
    assert torch.isfinite(features.grad).all()
    assert torch.isfinite(labels.grad).all()
    assert torch.isfinite(LabelFeatureEmbedding()(torch.zeros(1, 3, 4), torch.zeros(1, 4))).all()


@pytest.mark.parametrize(
    ("cosine", "share"), [(0.5, 1), (1e-3, 1), (2e-6, 1), (5e-7, 0.5), (0, 0), (-0.5, 0)]
)
def test_weights_of_a_label_sum_to_one_down_to_eps_and_fade_below(cosine, share):
    features = torch.tensor([[[cosine, (1 - cosine**2) ** 0.5]]], dtype=torch.float64)
    label = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    found = LabelFeatureEmbedding(eps=1e-6)(features, label)
    torch.testing.assert_close(found, share * features, rtol=1e-6, atol=1e-12)


def test_squeeze_excitation_scales_each_channel(rng):
    module = SqueezeExcitation(8, reduction=2).double()
    x = torch.from_numpy(rng.normal(size=(2, 8, 3, 5)))
    first, _, second, _ = module.excite
    found = module(x)
    for n in range(2):
        z = torch.stack([x[n, c].sum() / 15 for c in range(8)])
        s = torch.sigmoid(second(torch.relu(first(z))))
        for c in range(8):
            torch.testing.assert_close(found[n, c], s[c] * x[n, c])


def test_residual_block_with_silent_convolutions_is_its_skip_path():
    block = ResidualBlock(3, 3, pool=5).eval()
    for parameter in block.convolutions.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.randn(2, 3, 4, 20)
    expected = x.reshape(2, 3, 4, 4, 5).amax(dim=-1)
    torch.testing.assert_close(block(x), expected)


@pytest.mark.parametrize("n_times", [1, 2, 7, 124, 126, 1000])
def test_backbone_reads_any_length(n_times):
    backbone = ResidualBackbone(2, channels=(4, 6, 8))
    n_frames = -(-n_times // 125)
    assert backbone(torch.randn(3, 2, n_times)).shape == (3, 2 * n_frames, 8)


class AllLeads(torch.nn.Module):
    """Each sample is a token, of which the leads are the features."""

    def __init__(self, n_leads):
        super().__init__()

    def forward(self, x):
        return x


def test_without_token_identity_like_tokens_stay_alike():
    options = {"backbone": AllLeads, "hidden_dim": 4, "n_heads": 2, "decoder": False}
    x = torch.randn(2, 3, 5)
    order = torch.tensor([3, 0, 4, 1, 2])
    plain = LabelCorrelationNet(torch.rand(3, 3), 3, 5, token_identity=False, **options).eval()
    torch.testing.assert_close(plain(x), plain(x[..., order]))
    net = LabelCorrelationNet(torch.rand(3, 3), 3, 5, **options).eval()
    assert not torch.allclose(net(x), net(x[..., order]), rtol=1e-6, atol=1e-6)


def test_embeddings_are_mean_and_maximum_of_tokens():
    net = LabelCorrelationNet(torch.rand(3, 3), 3, 5, AllLeads, hidden_dim=4, n_heads=2).eval()
    x = torch.randn(2, 3, 5)
    tokens = x.transpose(1, 2) @ net.projection.weight.T + net.projection.bias
    tokens = tokens + net.identity.weight
    expected = torch.cat([tokens.mean(dim=1), tokens.amax(dim=1)], dim=1)
    torch.testing.assert_close(net.embed(x), expected)
    assert net.embedding_dim == 8


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        ("vgg", r"backbone must be one of \['xresnet', 'residual'\].*; got 'vgg'"),
        (torch.nn.Flatten(), r"Flatten made \(1, 200\) of \(1, 2, 100\)"),
        (3, "backbone must make an nn.Module; got 3"),
    ],
)
def test_backbones_that_do_not_fit_are_named(backbone, message):
    with pytest.raises((ValueError, TypeError), match=message):
        LabelCorrelationNet(torch.eye(3), 2, 100, backbone=backbone)


def test_cross_attention_layer_equals_its_textbook_form():
    layer = CrossAttentionLayer(8, n_heads=2, dropout=0).double()
    queries = torch.randn(1, 3, 8, dtype=torch.float64)
    memory = torch.randn(1, 5, 8, dtype=torch.float64)
    attention = layer.attention
    wq, wk, wv = attention.in_proj_weight.chunk(3)
    bq, bk, bv = attention.in_proj_bias.chunk(3)
    q, k, v = queries[0] @ wq.T + bq, memory[0] @ wk.T + bk, memory[0] @ wv.T + bv
    heads = []
    for head in (slice(0, 4), slice(4, 8)):
        weights = torch.softmax(q[:, head] @ k[:, head].T / 4**0.5, dim=-1)
        heads.append(weights @ v[:, head])
    seen = attention.out_proj(torch.cat(heads, dim=-1))
    middle = layer.attention_norm(queries[0] + seen)
    expected = layer.feed_forward_norm(middle + layer.feed_forward(middle))
    torch.testing.assert_close(layer(queries, memory)[0], expected)


def test_queries_do_not_look_at_each_other():
    layer = CrossAttentionLayer(8, n_heads=2, dropout=0).eval()
    queries, memory = torch.randn(1, 3, 8), torch.randn(1, 5, 8)
    changed = queries.clone()
    changed[:, 2] += 1
    torch.testing.assert_close(layer(queries, memory)[:, :2], layer(changed, memory)[:, :2])


def test_head_has_weights_of_its_own_for_each_label(rng):
    head = LabelHead(3, 4)
    x = torch.randn(2, 3, 4)
    for k in range(3):
        torch.testing.assert_close(head(x)[:, k], x[:, k] @ head.weight[k] + head.bias[k])


OPTIONS = [
    {"label_embedding": embedding, "decoder": decoder, "attend_to": attend_to, **paper}
    for embedding in (True, False)
    for decoder in (True, False)
    for attend_to in ("labels", "tokens")
    for paper in ({}, {"shortcut": False, "token_identity": False})
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_ablation_trains_all_of_its_weights(options):
    net = LabelCorrelationNet(
        torch.rand(3, 3), 2, 250, "residual", (4, 4, 8), 8, n_heads=2, **options
    )
    answers = net(torch.randn(4, 2, 250))
    both = options.get("shortcut", True)
    both &= options["label_embedding"] or options["decoder"]
    assert answers.shape == ((2, 4, 3) if both else (4, 3))
    answers.sum().backward()
    without = [name for name, weight in net.named_parameters() if weight.grad is None]
    assert without == []


def test_gradients_match_finite_differences():
    net = LabelCorrelationNet(
        torch.rand(2, 2), 1, 10, "residual", (2, 2, 2), 4, n_heads=1, dropout=0
    )
    net = net.double().eval()
    x = torch.randn(2, 1, 10, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(net, x)


def test_the_whole_network_can_learn_one_batch_by_heart():
    x = torch.randn(8, 2, 250)
    y = (torch.rand(8, 4) > 0.5).int()
    net = LabelCorrelationNet(label_correlation(y), 2, 250, "residual", (8, 8, 16), 16, dropout=0.0)
    optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3)
    for _ in range(60):
        optimizer.zero_grad()
        AsymmetricLoss(gamma_negative=4.0, clip=0.05)(net(x), y).backward()
        optimizer.step()
    assert torch.equal((net.eval()(x) > 0).int(), y)


def test_the_shortcut_answers_for_itself_while_training_and_by_the_mean_after():
    net = LabelCorrelationNet(torch.rand(3, 3), 2, 250, "residual", (4, 4, 8), 8, n_heads=2).eval()
    x = torch.randn(4, 2, 250)
    mean, shortcut = net(x), net.token_head
    net.token_head = None
    labels = net(x)
    torch.testing.assert_close(mean, (labels + shortcut(net._tokens(x))) / 2)


def test_unknown_attention_is_refused():
    with pytest.raises(ValueError, match="attend_to must be 'tokens' or 'labels'; got 'both'"):
        LabelCorrelationNet(torch.eye(2), 1, 100, attend_to="both")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"channels": (8, 16)}, r"three numbers of channels; got channels=\(8, 16\)"),
        ({"hidden_dim": 8, "n_heads": 3}, "multiple of n_heads; got 8 and 3"),
    ],
)
def test_sizes_that_do_not_fit_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        LabelCorrelationNet(torch.eye(3), n_leads=2, n_times=100, backbone="residual", **parameters)

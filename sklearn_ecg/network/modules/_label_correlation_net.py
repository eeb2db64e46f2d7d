"""The whole network."""

import torch
from torch import nn

from sklearn_ecg.network.modules._label_decoder import LabelDecoder
from sklearn_ecg.network.modules._label_encoder import LabelEncoder
from sklearn_ecg.network.modules._label_feature_embedding import LabelFeatureEmbedding
from sklearn_ecg.network.modules._residual_backbone import ResidualBackbone
from sklearn_ecg.network.modules._xresnet_backbone import ConcatPool, XResNetBackbone


class LabelCorrelationNet(nn.Module):
    """Backbone, label-feature embedding, decoder, and one logit per label.

    The paper's four ablations are the combinations of two options: without both the backbone
    alone decides (its model 1), with the label embedding alone (model 2), with the decoder alone
    (model 3), and with both (its proposed model).

    Parameters
    ----------
    label_correlation : array-like or Tensor of shape (n_labels, n_labels)
        See `label_correlation`; it is kept with the weights.
    n_leads, n_times : int
        Shape of one record.
    channels : tuple of ints, default=(16, 32, 64)
        Of the backbone; three for the paper's.
    hidden_dim : int, default=64
    n_layers, n_heads : int, default=1, 4
        Of the decoder.
    dropout : float, default=0.1
    label_embedding : bool, default=True
        Whether features are gathered per label (eqs. 7-9). Without it the decoder's queries are
        learned vectors.
    decoder : bool, default=True
    memory : {"labels", "backbone"}, default="backbone"
        What the decoder looks at: the label-specific features, as in the paper's eq. 10, or the
        backbone's, of which its text speaks. Without the label embedding only the latter exist.
    shortcut : bool, default=True
        A linear layer on all of the backbone's features answers too, a way round the narrow
        passage of the label embedding. It is no part of the paper.
    channel_identity : bool, default=True
        See `ResidualBackbone` and `XResNetBackbone`. It is no part of the paper.
    backbone : {"residual", "xresnet"}, default="residual"
        The paper's `ResidualBackbone`, whose features belong to channels, or `XResNetBackbone`,
        whose features belong to moments in time.

    Notes
    -----
    The paper's network gives one answer. With a shortcut there are two, each with a loss of its
    own: while training the network returns both, of shape (2, n_records, n_labels), else their
    mean. One loss on their sum measured worse, since what learns fastest leaves the other nothing
    to explain.

    References
    ----------
    Zhang, Sun (2024). ECG Signals Classification by Analyzing Label Correlation Based on Deep
    Learning (in Chinese).

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.network import LabelCorrelationNet
    >>> net = LabelCorrelationNet(torch.eye(9), n_leads=12, n_times=1000).eval()
    >>> net(torch.zeros(2, 12, 1000)).shape
    torch.Size([2, 9])
    """

    #: Parts that a network for other labels cannot share.
    label_parts = (
        "label_correlation",
        "label_encoder",
        "queries",
        "label_head",
        "feature_head",
    )

    def __init__(
        self,
        label_correlation,
        n_leads,
        n_times,
        channels=(16, 32, 64),
        hidden_dim=64,
        n_layers=1,
        n_heads=4,
        dropout=0.1,
        label_embedding=True,
        decoder=True,
        memory="backbone",
        shortcut=True,
        channel_identity=True,
        backbone="residual",
    ):
        super().__init__()
        if backbone not in ("residual", "xresnet"):
            raise ValueError(f"backbone must be 'residual' or 'xresnet'; got {backbone!r}.")
        if memory not in ("labels", "backbone"):
            raise ValueError(f"memory must be 'labels' or 'backbone'; got {memory!r}.")
        if backbone == "residual" and len(channels) != 3:
            raise ValueError(
                f"The residual backbone has three numbers of channels; got channels={channels!r}."
            )
        if decoder and hidden_dim % n_heads:
            raise ValueError(
                f"hidden_dim must be a multiple of n_heads; got {hidden_dim} and {n_heads}."
            )
        correlation = torch.as_tensor(label_correlation, dtype=torch.float32)
        n_labels = len(correlation)
        self.memory = memory
        self.register_buffer("label_correlation", correlation)
        make_backbone, pooling, n_pooled = ResidualBackbone, nn.Flatten(), channels[-1] * hidden_dim
        if backbone == "xresnet":
            make_backbone, pooling, n_pooled = XResNetBackbone, ConcatPool(), 2 * hidden_dim
        self.backbone = make_backbone(
            n_leads, n_times, channels, hidden_dim, channel_identity=channel_identity
        )
        self.label_encoder = self.embedding = self.queries = None
        if label_embedding:
            self.label_encoder = LabelEncoder(n_labels, hidden_dim)
            self.embedding = LabelFeatureEmbedding()
        elif decoder:
            self.queries = nn.Embedding(n_labels, hidden_dim)
        self.decoder = LabelDecoder(n_layers, hidden_dim, n_heads, dropout) if decoder else None
        self.label_head = LabelHead(n_labels, hidden_dim) if label_embedding or decoder else None
        self.feature_head = None
        if shortcut or self.label_head is None:
            self.feature_head = nn.Sequential(
                pooling, nn.Dropout(dropout), nn.Linear(n_pooled, n_labels)
            )

    def forward(self, x):
        # x: (batch, leads, times)
        answers = self._answers(self.backbone(x))
        if len(answers) == 1:
            return answers[0]
        answers = torch.stack(answers)
        return answers if self.training else answers.mean(dim=0)

    def _answers(self, features):
        # features: (batch, tokens, hidden_dim)
        answers = []
        if self.label_head is not None:
            answers.append(self.label_head(self._decode(features)))  # (batch, n_labels)
        if self.feature_head is not None:
            answers.append(self.feature_head(features))
        return answers

    def _decode(self, features):
        if self.embedding is not None:
            queries = self.embedding(features, self.label_encoder(self.label_correlation))
        else:
            queries = self.queries.weight.expand(len(features), -1, -1)
        # queries: (batch, n_labels, hidden_dim)
        if self.decoder is None:
            return queries
        look_at_labels = self.memory == "labels" and self.embedding is not None
        return self.decoder(queries, queries if look_at_labels else features)


class LabelHead(nn.Module):
    """A linear layer of its own for each label's features (eq. 12, before the sigmoid).

    Parameters
    ----------
    n_labels, hidden_dim : int

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.network import LabelHead
    >>> LabelHead(9, hidden_dim=64)(torch.zeros(2, 9, 64)).shape
    torch.Size([2, 9])
    """

    def __init__(self, n_labels, hidden_dim):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_labels, hidden_dim) * hidden_dim**-0.5)
        self.bias = nn.Parameter(torch.zeros(n_labels))

    def forward(self, features):
        # features: (batch, n_labels, hidden_dim)
        return (features * self.weight).sum(dim=-1) + self.bias

"""The whole network."""

from functools import partial

import torch
from torch import nn

from sklearn_ecg.network.modules._label_decoder import LabelDecoder
from sklearn_ecg.network.modules._label_encoder import LabelEncoder
from sklearn_ecg.network.modules._label_feature_embedding import LabelFeatureEmbedding
from sklearn_ecg.network.modules._residual_backbone import ResidualBackbone
from sklearn_ecg.network.modules._xresnet_backbone import XResNetBackbone

BACKBONES = {"xresnet": XResNetBackbone, "residual": ResidualBackbone}


class LabelCorrelationNet(nn.Module):
    """Backbone, label-feature embedding, decoder, and one logit per label.

    Two options give the paper's four models: without label embedding and decoder the backbone alone
    decides (model 1); with the label embedding alone (model 2); with the decoder alone (model 3);
    with both (the proposed model).

    Parameters
    ----------
    label_correlation : array-like or Tensor of shape (n_labels, n_labels)
        See `label_correlation`. It is stored with the weights.
    n_leads, n_times : int
        Shape of one record.
    backbone : {"xresnet", "residual"}, Module class or Module, default="xresnet"
        Maps (batch, leads, times) to (batch, features, tokens). "xresnet" is `XResNetBackbone`,
        "residual" is the paper's `ResidualBackbone`. A class of your own is called with
        ``n_leads``. Its attribute ``tokens``, by default "moments", names the kind of tokens.
    channels : tuple of ints, default=None
        Channels of the backbone; by default its own default.
    hidden_dim : int, default=64
        Number of features to which each token is projected.
    n_layers : int, default=1
        Layers of the decoder.
    n_heads : int, default=4
        Heads of the decoder.
    dropout : float, default=0.2
        Share of dropped features, of the tokens and in the decoder.
    label_embedding : bool, default=True
        Whether each label gathers features (eqs. 7-9). Without it the decoder's queries are learned
        vectors.
    decoder : bool, default=True
        Whether cross-attention follows the label embedding.
    attend_to : {"tokens", "labels"}, default="tokens"
        Memory of the decoder: the backbone's tokens, as in the paper's text, or the label-specific
        features, as in its eq. 10. Without the label embedding it is always the tokens.
    shortcut : bool, default=True
        Whether a linear layer on all tokens answers too, beside the narrow label embedding. The
        paper has none.
    token_identity : bool, default=True
        Whether to add a learned vector to each token. Without it, as in the paper, cosine
        similarity and attention treat tokens as a set, and know them by content alone.

    Attributes
    ----------
    backbone : Module
        The backbone that was made.
    n_tokens : int
        Number of tokens of one record.
    embedding_dim : int
        Length of the vectors that `embed` returns.

    Notes
    -----
    The paper's network gives one answer. With a shortcut there are two, each with its own loss: in
    training the network returns both, of shape (2, n_records, n_labels), else their mean. One loss
    on their sum measured worse: the answer that learns faster leaves nothing for the other to
    learn.

    References
    ----------
    Zhang, Sun (2024). ECG Signals Classification by Analyzing Label Correlation Based on Deep
    Learning (in Chinese).

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.network import LabelCorrelationNet
    >>> net = LabelCorrelationNet(torch.eye(9), n_leads=12, n_times=1000).eval()
    >>> net(torch.zeros(2, 12, 1000)).shape, net.embed(torch.zeros(2, 12, 1000)).shape
    (torch.Size([2, 9]), torch.Size([2, 128]))

    Any module with a fixed number of tokens can be the backbone:

    >>> backbone = torch.nn.Conv1d(12, 16, kernel_size=50, stride=25)
    >>> LabelCorrelationNet(torch.eye(9), 12, 1000, backbone=backbone).n_tokens
    39
    """

    #: Parts that networks for different labels cannot share.
    label_parts = (
        "label_correlation",
        "label_encoder",
        "queries",
        "label_head",
        "token_head",
    )

    def __init__(
        self,
        label_correlation,
        n_leads,
        n_times,
        backbone="xresnet",
        channels=None,
        hidden_dim=64,
        n_layers=1,
        n_heads=4,
        dropout=0.2,
        label_embedding=True,
        decoder=True,
        attend_to="tokens",
        shortcut=True,
        token_identity=True,
    ):
        super().__init__()
        if attend_to not in ("labels", "tokens"):
            raise ValueError(f"attend_to must be 'tokens' or 'labels'; got {attend_to!r}.")
        if decoder and hidden_dim % n_heads:
            raise ValueError(
                f"hidden_dim must be a multiple of n_heads; got {hidden_dim} and {n_heads}."
            )
        correlation = torch.as_tensor(label_correlation, dtype=torch.float32)
        n_labels = len(correlation)
        self.attend_to = attend_to
        self.register_buffer("label_correlation", correlation)
        self.backbone = _make_backbone(backbone, n_leads, channels)
        n_features, self.n_tokens = _shape_of_tokens(self.backbone, n_leads, n_times)
        # Moments shift with the crop, so means and maxima over them are used, and neighbours are
        # alike. Each channel has its own meaning.
        is_moments = getattr(self.backbone, "tokens", "moments") == "moments"
        self.projection = nn.Linear(n_features, hidden_dim)
        self.identity = None
        if token_identity:
            self.identity = nn.Embedding(self.n_tokens, hidden_dim)
            if is_moments:
                nn.init.normal_(self.identity.weight, std=0.02)
        self.pooling = MeanAndMaximum() if is_moments else nn.Flatten()
        self.embedding_dim = hidden_dim * (2 if is_moments else self.n_tokens)
        self.label_encoder = self.embedding = self.queries = None
        if label_embedding:
            self.label_encoder = LabelEncoder(n_labels, hidden_dim)
            self.embedding = LabelFeatureEmbedding()
        elif decoder:
            self.queries = nn.Embedding(n_labels, hidden_dim)
        self.decoder = LabelDecoder(n_layers, hidden_dim, n_heads, dropout) if decoder else None
        self.label_head = LabelHead(n_labels, hidden_dim) if label_embedding or decoder else None
        self.token_head = None
        if shortcut or self.label_head is None:
            self.token_head = nn.Sequential(
                self.pooling, nn.Dropout(dropout), nn.Linear(self.embedding_dim, n_labels)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits.

        Parameters
        ----------
        x : Tensor of shape (batch, n_leads, n_times)
            Standardised signals.

        Returns
        -------
        Tensor of shape (batch, n_labels), or (2, batch, n_labels) in training with a shortcut
        """
        tokens, answers = self._tokens(x), []
        if self.label_head is not None:
            answers.append(self.label_head(self._decode(tokens)))  # (batch, n_labels)
        if self.token_head is not None:
            answers.append(self.token_head(tokens))
        if len(answers) == 1:
            return answers[0]
        stacked = torch.stack(answers)
        return stacked if self.training else stacked.mean(dim=0)

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        """Return all tokens of each record as one vector.

        Parameters
        ----------
        x : Tensor of shape (batch, n_leads, n_times)
            Standardised signals.

        Returns
        -------
        Tensor of shape (batch, embedding_dim)
        """
        return self.pooling(self._tokens(x))

    def _tokens(self, x):
        features = self.backbone(x)  # (batch, n_features, n_tokens)
        tokens = self.projection(features.transpose(1, 2))  # (batch, n_tokens, hidden_dim)
        return tokens if self.identity is None else tokens + self.identity.weight

    def _decode(self, tokens):
        if self.embedding is not None:
            queries = self.embedding(tokens, self.label_encoder(self.label_correlation))
        else:
            queries = self.queries.weight.expand(len(tokens), -1, -1)
        # queries: (batch, n_labels, hidden_dim)
        if self.decoder is None:
            return queries
        look_at_labels = self.attend_to == "labels" and self.embedding is not None
        return self.decoder(queries, queries if look_at_labels else tokens)


class LabelHead(nn.Module):
    """A separate linear layer for each label's features (eq. 12, before the sigmoid).

    Parameters
    ----------
    n_labels : int
        Number of labels.
    hidden_dim : int
        Features of each label.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.network import LabelHead
    >>> LabelHead(9, hidden_dim=64)(torch.zeros(2, 9, 64)).shape
    torch.Size([2, 9])
    """

    def __init__(self, n_labels: int, hidden_dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_labels, hidden_dim) * hidden_dim**-0.5)
        self.bias = nn.Parameter(torch.zeros(n_labels))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits.

        Parameters
        ----------
        features : Tensor of shape (batch, n_labels, hidden_dim)
            Features of each label.

        Returns
        -------
        Tensor of shape (batch, n_labels)
        """
        return (features * self.weight).sum(dim=-1) + self.bias


class MeanAndMaximum(nn.Module):
    """Mean and maximum over tokens, side by side.

    Examples
    --------
    >>> import torch
    >>> MeanAndMaximum()(torch.zeros(2, 125, 64)).shape
    torch.Size([2, 128])
    """

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        # tokens: (batch, tokens, hidden_dim)
        return torch.cat([tokens.mean(dim=1), tokens.amax(dim=1)], dim=1)


def _make_backbone(backbone, n_leads, channels):
    options = {} if channels is None else {"channels": channels}
    if isinstance(backbone, nn.Module):
        if options:
            raise ValueError("channels are for a backbone that is made; this one is a module.")
        return backbone
    if isinstance(backbone, str):
        if backbone not in BACKBONES:
            raise ValueError(
                f"backbone must be one of {list(BACKBONES)}, an nn.Module class or a module; got "
                f"{backbone!r}."
            )
        backbone = BACKBONES[backbone]
    if not (isinstance(backbone, partial) or callable(backbone)):
        raise TypeError(f"backbone must make an nn.Module; got {backbone!r}.")
    made = backbone(n_leads=n_leads, **options)
    if not isinstance(made, nn.Module):
        raise TypeError(f"backbone must make an nn.Module; {backbone!r} made {made!r}.")
    return made


def _shape_of_tokens(backbone, n_leads, n_times):
    """Return the numbers of features and of tokens that a backbone gives for a record."""
    was_training = backbone.training
    backbone.eval()
    with torch.no_grad():
        found = backbone(torch.zeros(1, n_leads, n_times))
    backbone.train(was_training)
    if not isinstance(found, torch.Tensor) or found.ndim != 3 or len(found) != 1:
        got = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        raise ValueError(
            "A backbone maps signals of shape (batch, leads, times) to a tensor of shape (batch, "
            f"features, tokens); {type(backbone).__name__} made {got} of (1, {n_leads}, {n_times})."
        )
    return tuple(found.shape[1:])

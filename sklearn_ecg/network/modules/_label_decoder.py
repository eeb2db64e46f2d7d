"""The decoder: label queries attend to features, layer by layer."""

from torch import Tensor, nn


class CrossAttentionLayer(nn.Module):
    """A transformer's decoder layer without self-attention (eqs. 10 and 11).

    Parameters
    ----------
    hidden_dim : int
        Features of queries and memory.
    n_heads : int
        Heads of attention; `hidden_dim` must be a multiple.
    dropout : float, default=0.1
        Share of dropped features.

    References
    ----------
    Vaswani et al. (2017). Attention Is All You Need. NeurIPS.
    Ridnik et al. (2023). ML-Decoder: Scalable and Versatile Classification Head. WACV.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.network import CrossAttentionLayer
    >>> queries, memory = torch.randn(2, 9, 64), torch.randn(2, 32, 64)
    >>> CrossAttentionLayer(64, n_heads=4)(queries, memory).shape
    torch.Size([2, 9, 64])
    """

    def __init__(self, hidden_dim: int, n_heads: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(
            hidden_dim, n_heads, dropout=dropout, batch_first=True
        )
        self.feed_forward = nn.Sequential(
            nn.Linear(hidden_dim, 4 * hidden_dim),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4 * hidden_dim, hidden_dim),
        )
        self.attention_norm = nn.LayerNorm(hidden_dim)
        self.feed_forward_norm = nn.LayerNorm(hidden_dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """Return updated queries.

        Parameters
        ----------
        queries : Tensor of shape (batch, n_labels, hidden_dim)
            One query per label.
        memory : Tensor of shape (batch, n_tokens, hidden_dim)
            Tokens that the queries attend to.

        Returns
        -------
        Tensor of shape (batch, n_labels, hidden_dim)
        """
        seen, _ = self.attention(queries, memory, memory, need_weights=False)
        queries = self.attention_norm(queries + self.dropout(seen))
        return self.feed_forward_norm(queries + self.dropout(self.feed_forward(queries)))


class LabelDecoder(nn.Module):
    """Cross-attention layers that all attend to the same memory.

    Parameters
    ----------
    n_layers : int
        Number of layers.
    hidden_dim : int
        Features of queries and memory.
    n_heads : int
        Heads of attention; `hidden_dim` must be a multiple.
    dropout : float, default=0.1
        Share of dropped features.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.network import LabelDecoder
    >>> decoder = LabelDecoder(n_layers=2, hidden_dim=64, n_heads=4)
    >>> decoder(torch.randn(2, 9, 64), torch.randn(2, 32, 64)).shape
    torch.Size([2, 9, 64])
    """

    def __init__(self, n_layers: int, hidden_dim: int, n_heads: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            CrossAttentionLayer(hidden_dim, n_heads, dropout) for _ in range(n_layers)
        )

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """Return updated queries.

        Parameters
        ----------
        queries : Tensor of shape (batch, n_labels, hidden_dim)
            One query per label.
        memory : Tensor of shape (batch, n_tokens, hidden_dim)
            Tokens that the queries attend to.

        Returns
        -------
        Tensor of shape (batch, n_labels, hidden_dim)
        """
        for layer in self.layers:
            queries = layer(queries, memory)
        return queries

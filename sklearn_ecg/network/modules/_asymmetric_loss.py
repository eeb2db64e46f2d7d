"""The asymmetric loss, for labels that are mostly absent."""

import torch
from torch import nn
from torch.nn import functional


class AsymmetricLoss(nn.Module):
    """Cross-entropy in which easy negatives count less than easy positives (eq. 13).

    The loss of a present label is ``-(1 - p) ** gamma_positive * log(p)``. That of an absent label
    is ``-q ** gamma_negative * log(1 - q)`` with ``q = max(p - clip, 0)``. Here ``p =
    sigmoid(logit)``. The result is the mean over all known labels, with weights if they are given.
    Several answers for the same records, of shape (n_answers, n_records, n_labels), are each
    compared with the labels.

    Parameters
    ----------
    gamma_positive : float, default=0
        Larger values give easy positives less weight.
    gamma_negative : float, default=1
        Larger values give easy negatives less weight. If both gammas and `clip` are 0, this is
        binary cross-entropy. The paper has 4. Large values of it and of `clip` make probabilities
        too large.
    clip : float, default=0
        An absent label with a probability below this has no loss; 0.05 in Ridnik et al. The paper
        has no clip.

    References
    ----------
    Ridnik et al. (2021). Asymmetric Loss for Multi-Label Classification. ICCV.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.network import AsymmetricLoss
    >>> logits = torch.tensor([[2.0, -3.0, 0.5]])
    >>> labels = torch.tensor([[1, 0, -1]])  # the last one is unknown
    >>> AsymmetricLoss(gamma_negative=0, clip=0)(logits, labels)
    tensor(0.0878)
    """

    def __init__(
        self, gamma_positive: float = 0.0, gamma_negative: float = 1.0, clip: float = 0.0
    ) -> None:
        super().__init__()
        self.gamma_positive = gamma_positive
        self.gamma_negative = gamma_negative
        self.clip = clip

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the mean loss.

        Parameters
        ----------
        logits : Tensor of shape (batch, n_labels) or (n_answers, batch, n_labels)
            The network's output.
        labels : Tensor of shape (batch, n_labels)
            1 present, 0 absent, -1 unknown.
        weights : Tensor of shape (batch, n_labels), default=None
            Weight of each label, by default 1.

        Returns
        -------
        Tensor of shape ()
        """
        # Powers and logarithms of probabilities near 0 and 1 need more than half precision.
        if logits.dtype in (torch.float16, torch.bfloat16):
            logits = logits.float()
        loss = torch.where(labels == 1, self._present(logits), self._absent(logits))
        if weights is not None:
            loss = loss * weights
        known = (labels != -1).expand_as(loss)
        return torch.where(known, loss, 0.0).sum() / known.sum().clamp_min(1)

    def _present(self, logits):
        loss = -functional.logsigmoid(logits)
        if self.gamma_positive > 0:
            # (1 - p) ** gamma is computed by its logarithm: the gradient stays finite at p = 1.
            loss = loss * torch.exp(self.gamma_positive * functional.logsigmoid(-logits))
        return loss

    def _absent(self, logits):
        if self.clip == 0:
            loss, log_shifted = -functional.logsigmoid(-logits), functional.logsigmoid(logits)
            if self.gamma_negative > 0:
                loss = loss * torch.exp(self.gamma_negative * log_shifted)
            return loss
        shifted = (torch.sigmoid(logits) - self.clip).clamp_min(0)
        # 1 - shifted is at least clip, so its logarithm is finite.
        loss = -torch.log1p(-shifted)
        if self.gamma_negative > 0:
            loss = loss * shifted.pow(self.gamma_negative)
        return loss

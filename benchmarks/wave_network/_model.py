"""The network of `sklearn_ecg.features._wave_network` in PyTorch, to be trained."""

import torch
from torch import nn
from torch.nn import functional


class TrainableWaveNetwork(nn.Module):
    """Encoder of each lead, trunk of the record, decoder of each lead.

    Parameters
    ----------
    stem, encode, trunk, context, decode : int
        Channels of each part.
    """

    def __init__(self, stem=16, encode=32, trunk=64, context=80, decode=32, dropout=0.1):
        super().__init__()
        self.stem = Convolution(1, stem, 32, stride=4)
        self.encode = nn.ModuleList(
            [Convolution(stem, encode, 4, stride=2), Convolution(encode, encode, 3)]
        )
        self.trunk = nn.ModuleList(
            [
                Convolution(2 * encode, trunk, 3),
                Convolution(trunk, context, 4, stride=2),
                Convolution(trunk, trunk, 3),
            ]
        )
        self.context = nn.ModuleList(
            [Convolution(context, context, 3, dilation=dilation) for dilation in (1, 2, 4, 8, 16)]
        )
        self.up = nn.Conv1d(context, 2 * trunk, 1)
        self.beats = nn.Conv1d(trunk, 8, 1)
        self.decode = nn.ModuleDict(
            {
                "lead": nn.Conv1d(encode, decode, 3, padding=1, bias=False),
                "trunk": nn.Conv1d(trunk, decode, 3, padding=1, bias=False),
                "norm": nn.BatchNorm1d(decode),
                "1": Convolution(decode, decode, 3),
            }
        )
        self.waves = nn.Conv1d(decode, 8 * 6, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, signals):
        """Look at signals of shape (n_records, n_leads, n_times).

        Returns
        -------
        beats : Tensor of shape (n_records, n_times)
        waves : Tensor of shape (n_records, 6, n_leads, n_times)
        """
        n_records, n_leads, n_times = signals.shape
        encoded = self.encode[0](self.stem(signals.reshape(-1, 1, n_times)))
        encoded = encoded + self.encode[1](encoded)
        leads = encoded.unflatten(0, (n_records, n_leads))
        fine = self.trunk[0](torch.cat([leads.mean(1), leads.amax(1)], dim=1))
        coarse = self.trunk[1](fine)
        for convolution in self.context:
            coarse = coarse + convolution(coarse)
        fine = fine + _spread(self.up(self.dropout(coarse)), 2)
        fine = fine + self.trunk[2](fine)
        beats = _spread(self.beats(fine), 8)[:, 0]
        joined = self.decode["lead"](encoded)
        joined = joined + self.decode["trunk"](fine).repeat_interleave(n_leads, 0)
        decoded = functional.relu(self.decode["norm"](joined))
        decoded = self.dropout(decoded + self.decode["1"](decoded))
        waves = _spread(self.waves(decoded), 8).unflatten(0, (n_records, n_leads))
        return beats, waves.transpose(1, 2)

    def folded_weights(self):
        """Return weights and biases with the normalisation folded in, as NumPy arrays."""
        weights = {}
        for name, module in self.named_modules():
            if isinstance(module, Convolution):
                scale, shift = _scale_and_shift(module.norm)
                weights[f"{name}.weight"] = module.convolution.weight * scale[:, None, None]
                weights[f"{name}.bias"] = shift
            elif isinstance(module, nn.Conv1d) and not name.endswith(".convolution"):
                weights[f"{name}.weight"] = module.weight
                weights[f"{name}.bias"] = (
                    torch.zeros(len(module.weight)) if module.bias is None else module.bias
                )
        scale, shift = _scale_and_shift(self.decode["norm"])
        for name in ("decode.lead", "decode.trunk"):
            weights[f"{name}.weight"] = weights[f"{name}.weight"] * scale[:, None, None]
        weights["decode.trunk.bias"] = shift
        return {name: weight.detach().numpy().copy() for name, weight in weights.items()}


class Convolution(nn.Module):
    """Convolution that keeps the length (over the stride), normalisation and rectifier."""

    def __init__(self, n_in, n_out, width, *, stride=1, dilation=1):
        super().__init__()
        self.convolution = nn.Conv1d(
            n_in, n_out, width, stride=stride, dilation=dilation, bias=False
        )
        self.norm = nn.BatchNorm1d(n_out)
        n_pad = (width - 1) * dilation + 1 - stride
        self.padding = (n_pad // 2, n_pad - n_pad // 2)

    def forward(self, x):
        return functional.relu(self.norm(self.convolution(functional.pad(x, self.padding))))


def _spread(x, n):
    """Turn groups of channels into n times as many steps: (b, n * c, t) to (b, c, n * t)."""
    return x.unflatten(1, (n, -1)).permute(0, 2, 3, 1).flatten(2)


def _scale_and_shift(norm):
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale

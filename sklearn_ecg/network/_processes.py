"""Training in several processes, each with a part of every batch."""

from contextlib import contextmanager

import torch
from torch.distributed.nn.functional import all_reduce
from torch.nn.modules.batchnorm import _BatchNorm


class Processes:
    """The processes that ``accelerate launch`` or ``torchrun`` has started.

    All processes hold all records and draw the same batches; each works on its rows of a batch.
    Gradients, and the statistics of batch norm, are those of the whole batch. Without dropout the
    weights are therefore those of one process, up to rounding. torch's own classes do not fit:
    ``SyncBatchNorm`` does not run on a CPU, and ``DistributedDataParallel`` averages the gradients
    of parts with unequal numbers of known labels as if they were equal.

    Parameters
    ----------
    device : str

    Attributes
    ----------
    device : str
        The device of this process.
    n_processes, rank : int
    """

    def __init__(self, device):
        try:
            from accelerate import Accelerator
        except ImportError as error:
            raise ImportError(
                "accelerate=True needs accelerate: pip install sklearn_ecg[accelerate]."
            ) from error
        self._accelerator = Accelerator(cpu=device == "cpu")
        self.device = str(self._accelerator.device)
        self.n_processes = self._accelerator.num_processes
        self.rank = self._accelerator.process_index

    def part_of(self, inputs, labels):
        """Return this process's rows of a batch, and weights for which the parts' losses add up."""
        signals, lengths, weights = inputs
        mine = slice(self.rank, None, self.n_processes)
        n_known, n_mine = (labels != -1).sum(), (labels[mine] != -1).sum()
        # The loss is a mean over known labels, and a part has fewer of them than the batch.
        share = self.n_processes * n_mine / n_known.clamp_min(1)
        return (signals[mine], lengths[mine], weights[mine] * share), labels[mine]

    def mean(self, values):
        """Return the mean of a tensor over the processes."""
        return self._accelerator.reduce(values.detach().float(), reduction="mean")

    def of_all(self, values):
        """Return the tensors of all processes, stacked, on the CPU."""
        return self._accelerator.gather(values.to(self.device).unsqueeze(0)).cpu()

    def wait(self):
        """Wait until all processes are here."""
        self._accelerator.wait_for_everyone()

    def average_gradients(self, module):
        """Give each process the mean of all gradients, in one exchange."""
        gradients = [p.grad for p in module.parameters() if p.grad is not None]
        means = self.mean(torch.cat([gradient.flatten() for gradient in gradients]))
        sizes = [gradient.numel() for gradient in gradients]
        for gradient, mean in zip(gradients, means.split(sizes), strict=True):
            gradient.copy_(mean.view_as(gradient))

    @contextmanager
    def share(self, net):
        """Within the block, batch norm uses the whole batch, over all processes."""
        plain = [
            (parent, name, layer)
            for parent in net.module_.modules()
            for name, layer in parent.named_children()
            if isinstance(layer, _BatchNorm) and self.n_processes > 1
        ]
        for parent, name, layer in plain:
            setattr(parent, name, WholeBatchNorm(layer))
        try:
            yield
        except RuntimeError as error:
            # Errors of exchanges on GPUs have their own types, those on CPUs only a text.
            if isinstance(error, torch.distributed.DistError) or "gloo" in str(error):
                raise RuntimeError(
                    "Another process of this training has ended, or cannot be reached. Start all "
                    "of them again; with checkpoint set, training goes on after the last epoch."
                ) from error
            raise
        finally:
            for parent, name, layer in plain:
                setattr(parent, name, layer)


class WholeBatchNorm(_BatchNorm):
    """Batch norm by the statistics of all processes' parts of a batch, on any device.

    Parameters
    ----------
    layer : BatchNorm
        Its weights and statistics are used and updated.
    """

    def __init__(self, layer):
        super().__init__(layer.num_features, layer.eps, layer.momentum)
        self._parameters, self._buffers = layer._parameters, layer._buffers
        self.train(layer.training)

    def _check_input_dim(self, input):
        pass

    def forward(self, x):
        # x: (batch, channels, ...)
        if not self.training:
            return super().forward(x)
        values = x.float().movedim(1, 0).flatten(start_dim=1)  # (channels, values)
        count = values.new_full((1,), values.shape[1])
        totals = all_reduce(torch.cat([values.sum(dim=1), count]))
        count = totals[-1].detach()
        mean = totals[:-1] / count
        variance = all_reduce((values - mean[:, None]).square().sum(dim=1)) / count
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1).clamp_min(1), self.momentum)
        shape = (-1, *[1] * (x.ndim - 2))
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shifted = x.float() * scale.view(shape) + (self.bias - mean * scale).view(shape)
        return shifted.to(x.dtype)

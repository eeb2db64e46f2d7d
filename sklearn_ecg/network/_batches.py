"""Whole data sets as tensors, cut into batches without touching single records."""

from concurrent.futures import ThreadPoolExecutor
from itertools import starmap
from numbers import Integral

import numpy as np
import torch

from sklearn_ecg.network._windows import crop, random_starts

# Usual deviations are 1. A deviation below this is a rounding error of a flat line.
_FLAT = 1e-4
# Number of records in one step.
_CHUNK = 1024


class SignalDataset(torch.utils.data.Dataset):
    """Rows of signals and, for training, their labels, indexed by whole batches.

    A batch is ``(signals, lengths, weights), labels``, as skorch unpacks it.

    Parameters
    ----------
    signals : Tensor of shape (n_records, n_leads, n_times)
        Standardised, with 0 as padding.
    lengths : Tensor of int of shape (n_records,)
        Samples of each record before its padding.
    labels : Tensor of shape (n_records, n_labels), default=None
    weights : Tensor of shape (n_records, n_labels), default=None
        Weight of each label in the loss; by default 1.
    rows : Tensor of int, default=None
        The records that belong to the data set; by default all. A split copies no signals.
    held_out : SignalDataset, default=None
        Validates the training on this data set.
    """

    def __init__(self, signals, lengths, labels=None, weights=None, rows=None, held_out=None):
        self.signals = signals
        self.lengths = lengths
        self.labels = torch.zeros(len(signals), 0) if labels is None else labels
        self.weights = torch.ones(self.labels.shape) if weights is None else weights
        self.rows = torch.arange(len(signals)) if rows is None else rows
        self.held_out = held_out

    def __len__(self):
        return len(self.rows)

    def with_labels(self, labels, weights, rows, held_out):
        """Return two data sets of the same signals: rows to train on, and held-out rows.

        Parameters
        ----------
        labels, weights : ndarray of shape (n_records, n_labels)
        rows, held_out : ndarray of int
        """
        arrays = self.signals, self.lengths, torch.from_numpy(labels), torch.from_numpy(weights)
        validation = None
        if len(held_out):
            validation = SignalDataset(*arrays, rows=torch.from_numpy(held_out))
        return SignalDataset(*arrays, rows=torch.from_numpy(rows), held_out=validation)

    def select(self, rows):
        """Return the rows of a data set without labels."""
        return SignalDataset(self.signals, self.lengths, rows=torch.from_numpy(rows))

    def sizes(self):
        """Return each record's typical deviation: about 1 where the units are those of training."""
        return typical_sizes(self.signals, self.lengths)

    def __getitem__(self, index):
        rows = self.rows[index].to(self.signals.device)
        return self._batch(rows, self.signals.index_select(0, rows))

    def cropped(self, index, n_times, generator):
        """Return a batch whose signals are random crops of n_times samples."""
        rows = self.rows[index].to(self.signals.device)
        starts = random_starts(self.lengths.index_select(0, rows), n_times, generator)
        return self._batch(rows, crop(self.signals, starts, n_times, rows))

    def _batch(self, rows, signals):
        of_records = self.lengths, self.weights, self.labels
        *rest, labels = (values.index_select(0, rows) for values in of_records)
        return (signals, *rest), labels

    def to(self, device):
        """Return the same data set on a device."""
        arrays = [values.to(device) for values in self.arrays()]
        held_out = None
        if self.held_out is not None:
            held_out = SignalDataset(*arrays, rows=self.held_out.rows)
        return SignalDataset(*arrays, rows=self.rows, held_out=held_out)

    def arrays(self):
        """Return signals, lengths, labels and weights."""
        return self.signals, self.lengths, self.labels, self.weights

    @property
    def n_bytes(self):
        """Bytes of memory of the data set and of its held-out part."""
        return sum(values.nbytes for values in self.arrays())


class Batches:
    """Iterate over batches of nearly equal size.

    In training each batch has two or more records: batch norm needs a deviation.

    Parameters
    ----------
    dataset : SignalDataset
    batch_size : int
        The largest size of a batch. With 1, training batches have two or three records.
    generator : torch.Generator, default=None
        Shuffles anew for each pass; by default the order is kept.
    n_times : int, default=None
        In training, longer records are cropped to it at random.
    device : str, default=None
        Device for the batches, if the data set is on another. The next batch is sent while the
        last one is worked on.
    change : callable, default=None
        Takes inputs and labels of a batch, and returns changed ones.
    """

    def __init__(self, dataset, batch_size, generator=None, n_times=None, device=None, change=None):
        if not (isinstance(batch_size, Integral) and batch_size >= 1):
            raise ValueError(f"batch_size must be a whole number from 1 on; got {batch_size!r}.")
        self.dataset = dataset
        self.batch_size = batch_size
        self.generator = generator
        self.n_times = n_times
        self.device = device
        self.change = change

    def __len__(self):
        n_batches = -(-len(self.dataset) // self.batch_size)
        is_training = self.generator is not None
        return min(n_batches, max(1, len(self.dataset) // 2)) if is_training else n_batches

    def __iter__(self):
        batches = self._cut()
        if self.device is not None:
            batches = one_ahead(batches, self.device)
        return batches if self.change is None else starmap(self.change, batches)

    def _cut(self):
        n_records = len(self.dataset)
        if self.generator is None:
            order = torch.arange(n_records)
        else:
            order = torch.randperm(n_records, generator=self.generator)
        is_long = self.n_times is not None and self.dataset.signals.shape[-1] > self.n_times
        for index in torch.tensor_split(order, len(self)):
            if is_long and self.generator is not None:
                yield self.dataset.cropped(index, self.n_times, self.generator)
            else:
                yield self.dataset[index]


def one_ahead(batches, device):
    """Yield batches on a CUDA device, and prepare the next one meanwhile.

    A thread prepares it, since the caller waits for the loss of each batch. The order is kept.
    """
    with ThreadPoolExecutor(1) as pool:
        batches = iter(batches)
        pending = pool.submit(_send_next, batches, device)
        while (batch := pending.result()) is not None:
            pending = pool.submit(_send_next, batches, device)
            yield batch


def _send_next(batches, device):
    batch = next(batches, None)
    if batch is None:
        return None
    # The GPU copies from pinned memory without the CPU.
    inputs, labels = batch

    def sent(values):
        return values.pin_memory().to(device, non_blocking=True)

    return tuple(map(sent, inputs)), sent(labels)


def typical_sizes(signals, lengths):
    """Return each record's standard deviation: the median over its leads that are not flat.

    Parameters
    ----------
    signals : Tensor of shape (n_records, n_leads, n_times)
        Standardised, so that deviations are about 1, with 0 as padding.
    lengths : Tensor of int of shape (n_records,)

    Returns
    -------
    ndarray of shape (n_records,)
        NaN for a record that is flat in all leads.
    """
    parts = zip(signals.split(_CHUNK), lengths.split(_CHUNK), strict=True)
    return np.concatenate([_typical_sizes(*part) for part in parts])


def _typical_sizes(signals, lengths):
    # A quarter of the samples is enough.
    signals, lengths = signals[..., ::4], (lengths[:, None] + 3) // 4
    lengths = lengths.clamp_min(1)
    # In single precision, rounding would give a flat line off the centre a deviation above 0.
    means = signals.sum(dim=-1, dtype=torch.float64) / lengths
    norms = torch.linalg.vector_norm(signals, dim=-1, dtype=torch.float64)
    squares = norms.square() / lengths
    sizes = (squares - means.square()).clamp_min(0).sqrt()
    sizes = sizes.where(sizes > _FLAT, torch.nan)
    # torch takes the lower of two middle values: with two leads, that of a loose electrode.
    lower, upper = sizes.nanmedian(dim=-1).values, -(-sizes).nanmedian(dim=-1).values
    return ((lower + upper) / 2).numpy()

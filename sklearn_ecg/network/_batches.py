"""Whole data sets as tensors, cut into batches without touching single records."""

import torch


class SignalDataset(torch.utils.data.Dataset):
    """Rows of signals and labels, indexed by whole batches.

    Parameters
    ----------
    signals : Tensor of shape (n_records, n_leads, n_times)
    lengths : Tensor of int of shape (n_records,)
        Samples of each record before its padding.
    labels : Tensor of shape (n_records, n_labels)
    weights : Tensor of shape (n_records, n_labels), default=None
        Of each label in the loss; by default 1.
    rows : Tensor of int, default=None
        The records that belong to the data set, so that a split copies no signals; by default
        all.
    held_out : SignalDataset, default=None
        What validates the training on this one.
    features : Tensor of shape (n_records, n_features), default=None
        A second input of the network, standardised.
    """

    def __init__(
        self, signals, lengths, labels, weights=None, rows=None, held_out=None, features=None
    ):
        self.signals = signals
        self.lengths = lengths
        self.features = torch.empty(len(signals), 0) if features is None else features
        self.labels = labels
        self.weights = torch.ones(labels.shape) if weights is None else weights
        self.rows = torch.arange(len(signals)) if rows is None else rows
        self.held_out = held_out

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        rows = self.rows[index]
        inputs = self.signals[rows], self.lengths[rows], self.features[rows]
        return inputs, (self.labels[rows], self.weights[rows])


class Batches:
    """Iterate over batches of nearly equal size.

    While training none has a single record, of which batch norm could know no deviation.

    Parameters
    ----------
    dataset : SignalDataset
    batch_size : int
        The largest size of a batch, but at least two or three records while training.
    generator : torch.Generator, default=None
        Shuffles anew for each pass; by default the order is kept.
    transform : callable, default=None
        Takes signals, lengths and the generator, and returns what is trained on.
    part_of : callable, default=None
        Takes a batch, and returns the part of it that this process works on.
    """

    def __init__(self, dataset, batch_size, generator=None, transform=None, part_of=None):
        self.dataset = dataset
        self.batch_size = batch_size
        self.generator = generator
        self.transform = transform
        self.part_of = part_of

    def __len__(self):
        n_batches = -(-len(self.dataset) // self.batch_size)
        is_training = self.generator is not None
        return min(n_batches, max(1, len(self.dataset) // 2)) if is_training else n_batches

    def __iter__(self):
        n_records = len(self.dataset)
        if self.generator is None:
            order = torch.arange(n_records)
        else:
            order = torch.randperm(n_records, generator=self.generator)
        for index in torch.tensor_split(order, len(self)):
            (signals, lengths, features), targets = self.dataset[index]
            if self.transform is not None:
                signals = self.transform(signals, lengths, self.generator)
            inputs = signals, lengths, features
            yield (inputs, targets) if self.part_of is None else self.part_of(inputs, targets)

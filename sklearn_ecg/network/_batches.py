"""Whole data sets as tensors, cut into batches without touching single records."""

import torch


class SignalDataset(torch.utils.data.Dataset):
    """Rows of signals and labels, indexed by whole batches.

    Parameters
    ----------
    signals : Tensor of shape (n_records, n_leads, n_times)
    labels : Tensor of shape (n_records, n_labels)
    rows : Tensor of int, default=None
        The records that belong to the data set, so that a split copies no signals; by default
        all.
    held_out : SignalDataset, default=None
        What validates the training on this one.
    """

    def __init__(self, signals, labels, rows=None, held_out=None):
        self.signals = signals
        self.labels = labels
        self.rows = torch.arange(len(signals)) if rows is None else rows
        self.held_out = held_out

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        rows = self.rows[index]
        return self.signals[rows], self.labels[rows]


class Batches:
    """Iterate over batches of nearly equal size.

    Equal sizes leave no last batch of one record, on which batch norm has little to stand.

    Parameters
    ----------
    dataset : SignalDataset
    batch_size : int
        The largest size of a batch.
    generator : torch.Generator, default=None
        Shuffles anew for each pass; by default the order is kept.
    """

    def __init__(self, dataset, batch_size, generator=None):
        self.dataset = dataset
        self.batch_size = batch_size
        self.generator = generator

    def __len__(self):
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self):
        n_records = len(self.dataset)
        if self.generator is None:
            order = torch.arange(n_records)
        else:
            order = torch.randperm(n_records, generator=self.generator)
        for index in torch.tensor_split(order, len(self)):
            yield self.dataset[index]

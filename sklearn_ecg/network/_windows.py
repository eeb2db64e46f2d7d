"""Random crops of records for training, and windows that cover a record for prediction."""

import torch


def crop(signals, starts, n_times, rows=None):
    """Cut n_times samples out of each record of (n_records, n_leads, n_samples).

    Parameters
    ----------
    signals : Tensor of shape (n_records, n_leads, n_samples)
    starts : Tensor of int of shape (n_crops,)
    n_times : int
    rows : Tensor of int of shape (n_crops,), default=None
        The record of each crop; by default crop i is of record i.

    Returns
    -------
    Tensor of shape (n_crops, n_leads, n_times)

    Examples
    --------
    >>> import torch
    >>> crop(torch.arange(8.0).reshape(2, 1, 4), torch.tensor([0, 2]), 2)
    tensor([[[0., 1.]],
    <BLANKLINE>
            [[6., 7.]]])
    """
    n_records, n_leads, n_samples = signals.shape
    device = signals.device
    rows = torch.arange(n_records, device=device) if rows is None else rows.to(device)
    leads = rows.unsqueeze(1) * n_leads + torch.arange(n_leads, device=device)
    first = leads * n_samples + starts.to(device).unsqueeze(1)  # (n_crops, n_leads)
    # Gathered by index: gradients of `unfold` need memory for all windows, and whole records, which
    # may be long, are not copied.
    return signals.take(first.unsqueeze(2) + torch.arange(n_times, device=device))


def random_starts(lengths, n_times, generator):
    """Draw the start of a crop within each record's valid part."""
    spare = (lengths - n_times).clamp_min(0)
    chance = torch.rand(len(lengths), generator=generator, dtype=torch.float32).to(spare.device)
    return (chance * (spare + 1)).long().clamp_max(spare)


def window_starts(length, n_times):
    """Return evenly spaced starts of the fewest windows that cover a record.

    Windows that overlap by half are nearly twice as many, and were no more accurate on PTB-XL.

    Examples
    --------
    >>> window_starts(10, 4)
    [0, 3, 6]
    >>> window_starts(3, 4)
    [0]
    """
    spare = max(0, length - n_times)
    n_steps = -(-spare // n_times)
    return [spare * step // max(1, n_steps) for step in range(n_steps + 1)]


def mean_over_windows(module, signals, lengths, n_times, batch_size):
    """Return the mean of a module's outputs over the windows that cover each record.

    Parameters
    ----------
    module : callable
        Takes signals of shape (n_windows, n_leads, n_times).
    signals : Tensor of shape (n_records, n_leads, n_samples)
    lengths : Tensor of int of shape (n_records,)
    n_times : int
    batch_size : int
        The largest number of windows in one call of the module.

    Returns
    -------
    Tensor of shape (n_records, n_labels)
    """
    pairs = [
        (row, start)
        for row, length in enumerate(lengths.tolist())
        for start in window_starts(length, n_times)
    ]
    rows, starts = torch.tensor(pairs, device=signals.device).T
    answers = []
    n_batches = -(-len(pairs) // batch_size)
    for of, begin in zip(rows.tensor_split(n_batches), starts.tensor_split(n_batches), strict=True):
        answers.append(module(crop(signals, begin, n_times, of)).float())
    answers = torch.cat(answers)
    sums = answers.new_zeros(len(signals), answers.shape[1]).index_add_(0, rows, answers)
    return sums / torch.bincount(rows, minlength=len(signals)).unsqueeze(1)

"""Changes of signals after which their labels are still true."""

from numbers import Real

import torch
from sklearn.base import BaseEstimator

from sklearn_ecg.utils import Interval, check_params


class SignalAugmentation(BaseEstimator):
    """Change each training record anew in every epoch, in ways that leave its labels true.

    Amplitudes are changed together in all leads, since their proportions carry diagnoses; leads
    are dropped one by one, but never all.

    Parameters
    ----------
    lead_dropout : float, default=0.1
        Probability that a lead is set to its centre.
    gain : float, default=0.1
        Standard deviation of the logarithm of a factor on a record.
    noise : float, default=0.05
        Standard deviation of white noise, in usual deviations of each lead (`lead_scale_`).
    shift : float, default=0.0
        Records are moved in time by up to this share of their length, and padded. Random crops
        (``crop_s``) do this without loss.

    See Also
    --------
    LabelCorrelationECGClassifier : Takes it as ``augmentation``, and its parameters by names
        such as ``augmentation__gain``.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.network import SignalAugmentation
    >>> generator = torch.Generator().manual_seed(0)
    >>> augmentation = SignalAugmentation(lead_dropout=0.5, gain=0.0, noise=0.0)
    >>> augmentation.augment(torch.ones(1, 4, 2), generator)[0, :, 0]
    tensor([0., 1., 0., 0.])
    """

    _parameter_constraints = {
        "lead_dropout": [Interval(Real, 0, 1, closed="left")],
        "gain": [Interval(Real, 0, None, closed="left")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "shift": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(self, *, lead_dropout=0.1, gain=0.1, noise=0.05, shift=0.0):
        self.lead_dropout = lead_dropout
        self.gain = gain
        self.noise = noise
        self.shift = shift

    def augment(self, signals, generator):
        """Return changed signals.

        Parameters
        ----------
        signals : Tensor of shape (n_records, n_leads, n_times)
            Standardised by lead.
        generator : torch.Generator

        Returns
        -------
        Tensor of shape (n_records, n_leads, n_times)
        """
        check_params(self)
        if self.shift:
            signals = self._shifted(signals, generator)
        if self.gain:
            log_gain = torch.randn(len(signals), 1, 1, generator=generator)
            signals = signals * torch.exp(self.gain * log_gain)
        if self.noise:
            signals = signals + self.noise * torch.randn(signals.shape, generator=generator)
        if self.lead_dropout:
            chance = torch.rand(signals.shape[:2], generator=generator)
            # The lead that is furthest from being dropped stays in any case.
            kept = (chance >= self.lead_dropout) | (chance == chance.amax(dim=1, keepdim=True))
            signals = signals * kept[:, :, None]
        return signals

    def _shifted(self, signals, generator):
        n_records, _, n_times = signals.shape
        most = int(self.shift * n_times)
        padded = torch.nn.functional.pad(signals, (most, most))
        starts = torch.randint(2 * most + 1, (n_records,), generator=generator)
        return crop(padded, starts, n_times)


def crop(signals, starts, n_times):
    """Cut n_times samples out of each record of (n_records, n_leads, n_samples).

    Examples
    --------
    >>> import torch
    >>> crop(torch.arange(8.0).reshape(2, 1, 4), torch.tensor([0, 2]), 2)
    tensor([[[0., 1.]],
    <BLANKLINE>
            [[6., 7.]]])
    """
    return signals.unfold(-1, n_times, 1)[torch.arange(len(signals)), :, starts]


def random_crop(signals, lengths, n_times, generator):
    """Cut n_times samples out of each record's valid part, at random."""
    spare = (lengths - n_times).clamp_min(0)
    starts = (torch.rand(len(signals), generator=generator) * (spare + 1)).long()
    return crop(signals, starts.clamp_max(spare), n_times)


def window_starts(length, n_times):
    """Return the starts of windows that cover a record, overlapping by half or more.

    Examples
    --------
    >>> window_starts(10, 4)
    [0, 2, 4, 6]
    >>> window_starts(3, 4)
    [0]
    """
    spare = max(0, length - n_times)
    n_steps = -(-spare // max(1, n_times // 2))
    return [spare * step // max(1, n_steps) for step in range(n_steps + 1)]

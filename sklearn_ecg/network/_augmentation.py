"""Random changes of signals that keep their labels true."""

from numbers import Real

import torch
from sklearn.base import BaseEstimator

from sklearn_ecg.network._windows import crop
from sklearn_ecg.utils import Interval, check_params


class SignalAugmentation(BaseEstimator):
    """Change each training record anew in every epoch, in ways that keep its labels true.

    Amplitudes change together in all leads, because their proportions carry diagnoses. Leads are
    dropped one by one, but never all.

    Parameters
    ----------
    lead_dropout : float, default=0.1
        Probability that a lead becomes a flat line at its centre.
    gain : float, default=0.1
        Each record is multiplied by one factor. This is the standard deviation of its
        logarithm.
    noise : float, default=0.05
        Standard deviation of white noise, as a share of each lead's usual deviation
        (`lead_scale_`).
    shift : float, default=0.0
        Records move in time by up to this share of their length, and are padded. Random crops
        (``crop_s``) do the same without loss.

    See Also
    --------
    LabelCorrelationECGClassifier : Has the parameter ``augmentation``; its parameters are set by
        names such as ``augmentation__gain``.

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
            Source of random numbers, on any device.

        Returns
        -------
        Tensor of shape (n_records, n_leads, n_times)
        """
        check_params(self)
        if self.shift:
            signals = self._shifted(signals, generator)

        def drawn(draw, *shape):
            options = {"generator": generator, "device": generator.device, "dtype": torch.float32}
            return draw(shape, **options).to(signals.device)

        if self.gain:
            signals = signals * torch.exp(self.gain * drawn(torch.randn, len(signals), 1, 1))
        if self.noise:
            signals = signals + self.noise * drawn(torch.randn, *signals.shape)
        if self.lead_dropout:
            chance = drawn(torch.rand, *signals.shape[:2])
            # The lead with the largest random number always stays.
            kept = (chance >= self.lead_dropout) | (chance == chance.amax(dim=1, keepdim=True))
            signals = signals * kept.unsqueeze(2)
        return signals

    def _shifted(self, signals, generator):
        n_records, _, n_times = signals.shape
        most = int(self.shift * n_times)
        padded = torch.nn.functional.pad(signals, (most, most))
        starts = torch.randint(
            2 * most + 1, (n_records,), generator=generator, device=generator.device
        )
        return crop(padded, starts, n_times)

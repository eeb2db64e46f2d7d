"""Noise rates of weak labels, and what a weak label is worth as evidence."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import beta

# Records worth of belief in the rates that an estimate starts from.
_PRIOR_RECORDS = 5.0
# No weak label is believed or disbelieved without limit.
_SMALLEST_RATE = 1e-3


def posterior(probability, weak, missing, wrong):
    """Combine a record's probability of a label with its weak label, by Bayes' rule.

    Parameters
    ----------
    probability : ndarray of shape (n_records,)
        From the record's features alone.
    weak : ndarray of shape (n_records,)
        1, 0, or -1 for a weak label that is unknown and is no evidence.
    missing : float
        ``P(weak = 0 | label present)``
    wrong : float
        ``P(weak = 1 | label absent)``

    Returns
    -------
    ndarray of shape (n_records,)
    """
    if_present = np.select([weak == 1, weak == 0], [1 - missing, missing], 1.0)
    if_absent = np.select([weak == 1, weak == 0], [wrong, 1 - wrong], 1.0)
    joint = probability * if_present
    return joint / (joint + (1 - probability) * if_absent)


def noise_rates(belief, weak, missing, wrong):
    """Estimate noise rates from how probable each label is, one step of EM.

    Parameters
    ----------
    belief : ndarray of shape (n_records,)
        Probability of the label given everything.
    weak : ndarray of shape (n_records,)
    missing, wrong : float
        Expected rates, worth a few records.

    Returns
    -------
    missing, wrong : float
    """
    known = weak != -1
    belief, weak = belief[known], weak[known]
    lost, held = (belief * (weak == 0)).sum(), belief.sum()
    made, free = ((1 - belief) * (weak == 1)).sum(), (1 - belief).sum()
    missing = (lost + _PRIOR_RECORDS * missing) / (held + _PRIOR_RECORDS)
    wrong = (made + _PRIOR_RECORDS * wrong) / (free + _PRIOR_RECORDS)
    return tuple(np.clip((missing, wrong), _SMALLEST_RATE, 1 - _SMALLEST_RATE))


def estimate_noise_rates(probability, weak, missing, wrong, *, max_iter=100):
    """Estimate noise rates by EM from probabilities that did not see the weak labels.

    Parameters
    ----------
    probability : ndarray of shape (n_records,)
    weak : ndarray of shape (n_records,)
    missing, wrong : float
        Where to start.
    max_iter : int

    Returns
    -------
    missing, wrong : float
    """
    expected = missing, wrong
    for _ in range(max_iter):
        before = missing, wrong
        belief = posterior(probability, weak, *before)
        missing, wrong = noise_rates(belief, weak, *expected)
        if np.allclose(before, (missing, wrong), atol=1e-4):
            break
    return missing, wrong


def describe_noise_rates(belief, weak):
    """Expected noise rates of one label, with intervals.

    Parameters
    ----------
    belief : ndarray of shape (n_records,)
        Probability of the label given everything.
    weak : ndarray of shape (n_records,)

    Returns
    -------
    ndarray of shape (6,)
        Rate, lower and upper bound of its 95 % interval, of missing and of wrong labels; NaN
        where no weak label is known.
    """
    known = weak != -1
    belief, weak = belief[known], weak[known]
    if not len(weak):
        return np.full(6, np.nan)
    return np.r_[_rate(belief, weak == 0), _rate(1 - belief, weak == 1)]


def _rate(asked, error):
    """Share of errors among records, each of which is asked with a probability; 95 % interval.

    The records are a sample, and which of them are asked is not certain; both widen the interval,
    that of the Beta distribution of the same variance. Where there may well be no error at all,
    it begins at 0. How probable a label is, is taken as given: what errs there is not in it.
    """
    n_asked, n_errors = asked.sum(), asked[error].sum()
    mean = (n_errors + 0.5) / (n_asked + 1)
    variance = mean * (1 - mean) / (n_asked + 2)
    variance += (asked * (1 - asked) * (error - mean) ** 2).sum() / (n_asked + 1) ** 2
    size = max(mean * (1 - mean) / variance - 1, 1e-3)
    low, high = beta.ppf([0.025, 0.975], mean * size, (1 - mean) * size)
    if np.prod(1 - asked[error]) > 0.025:
        low = 0.0
    return n_errors / max(n_asked, 1e-9), low, high


@dataclass(frozen=True, eq=False)
class SingleErrors:
    """Noise rates of several labels, whose errors know nothing of one another.

    Attributes
    ----------
    missing, wrong : ndarray of shape (n_labels,)
        ``P(weak = 0 | present)`` and ``P(weak = 1 | absent)``.
    """

    missing: np.ndarray
    wrong: np.ndarray

    def posterior(self, probability, weak):
        """Combine the probabilities of a record's labels with its weak labels.

        Parameters
        ----------
        probability : ndarray of shape (n_records, n_labels)
            From the record's features alone.
        weak : ndarray of shape (n_records, n_labels)
            1, 0, or -1 (unknown, no evidence).

        Returns
        -------
        ndarray of shape (n_records, n_labels)
        """
        columns = zip(probability.T, weak.T, self.missing, self.wrong, strict=True)
        return np.column_stack([posterior(*column) for column in columns])

    def settled(self, probability, weak):
        """Expected number of labels of a record that an answer about one of them puts right.

        Each label counts as wrong with the probability of the less probable value.

        Parameters
        ----------
        probability, weak
            As for `posterior`.

        Returns
        -------
        ndarray of shape (n_records, n_labels)
        """
        return _doubt(self.posterior(probability, weak))

    def adapted(self, probability, weak):
        """Return the errors of other records; these are worth a few records."""
        columns = zip(probability.T, weak.T, self.missing, self.wrong, strict=True)
        rates = np.array([estimate_noise_rates(*column) for column in columns])
        return replace(self, missing=rates[:, 0], wrong=rates[:, 1])


def _doubt(belief):
    return np.minimum(belief, 1 - belief)

"""Noise rates of weak labels, and what a weak label is worth as evidence."""

import numpy as np

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

"""Noise rates of weak labels, label by label, and the belief that they allow in each label."""

import numpy as np
from scipy.special import expit, logit
from scipy.stats import beta

#: Columns that describe the noise of a label.
NOISE_RATES = ("missing", "missing_low", "missing_high", "wrong", "wrong_low", "wrong_high")

SMALLEST_RATE = 1e-4
# Priors of the shares of missing and of wrong labels, as (errors, records).
_PRIOR_MISSING, _PRIOR_WRONG = (0.5, 5.0), (0.5, 50.0)
# Candidates of the pooling: weight of the mean rates of all labels, in records.
_POOLINGS = (3.0, 10.0, 30.0, 100.0, 300.0)
# Pooling of a label without trusted examples, which gets the rates of the others.
AS_OTHERS = 1e6
# The rates of missing and of wrong labels are pooled so many times as much: absent labels are about
# 10 times as frequent, and their errors rarer.
_TIMES = (1.0, 10.0)


def single_belief(probability, sources, rates):
    """Combine the probability of each label with its weak labels by Bayes' rule.

    Parameters
    ----------
    probability : ndarray of shape (n_records, n_labels)
        Probability of each label, given features only.
    sources : ndarray of shape (n_records, n_labels, n_sources)
        Weak labels in [0, 1], NaN if unknown.
    rates : list of (missing, wrong)
        For each source, ``P(weak = 0 | present)`` and ``P(weak = 1 | absent)`` per label.

    Returns
    -------
    ndarray of shape (n_records, n_labels)
    """
    log_odds = logit(probability)
    for said, (missing, wrong) in zip(np.moveaxis(sources, 2, 0), rates, strict=True):
        for_it = np.log((1 - missing) / wrong)
        against = np.log(missing / (1 - wrong))
        log_odds = log_odds + np.where(np.isnan(said), 0, said * for_it + (1 - said) * against)
    return expit(log_odds)


def noise_rates(probability, sources, pooling):
    """Estimate each source's noise rates by EM, with the rates of rare labels shrunk to the mean.

    Parameters
    ----------
    probability, sources
        As for `single_belief`.
    pooling : ndarray of shape (n_labels,)
        From `choose_pooling`.

    Returns
    -------
    list of (missing, wrong)
        Each of shape (n_labels,).
    """
    shared = _shared_rates(probability, sources, pooling < AS_OTHERS)
    return _fit_rates(probability, sources, shared, pooling)


def choose_pooling(probability, sources, vouched):
    """Choose the pooling of noise rates by its evidence (Laplace's approximation).

    Parameters
    ----------
    probability, sources
        As for `single_belief`.
    vouched : ndarray of bool of shape (n_labels,)
        The labels that trusted records show. The rates of other labels cannot be estimated; they
        get the mean rates of these.

    Returns
    -------
    ndarray of shape (n_labels,)
        Weight of the mean rates of these labels, in records.
    """
    shared = _shared_rates(probability, sources, vouched)
    evidence = []
    for pooling in _POOLINGS:
        rates = _fit_rates(probability, sources, shared, np.where(vouched, pooling, AS_OTHERS))
        evidence.append(_evidence(probability, sources, shared, rates, pooling)[vouched].sum())
    return np.where(vouched, _POOLINGS[int(np.argmax(evidence))], AS_OTHERS)


def _shared_rates(probability, sources, vouched):
    """Return the mean rates of each source, over the labels that trusted records show."""
    n_labels, n_sources = sources.shape[1:]
    start = [(np.full(n_labels, 0.1), np.full(n_labels, 0.02))] * n_sources
    return _fit_rates(probability, sources, start, vouched, shared=True)


def _fit_rates(probability, sources, start, pooling, *, shared=False, max_iter=300):
    """Fit the rates of labels with `pooling`; if shared, one rate of all labels in this mask."""
    said, known = np.nan_to_num(sources), ~np.isnan(sources)
    rates = start
    for _ in range(max_iter):
        present = single_belief(probability, sources, rates)[..., np.newaxis] * known
        absent = known - present
        # Of each source: the numbers of lost and of present labels, of gained and of absent ones.
        counts = [present * (1 - said), present, absent * said, absent]
        counts = np.stack([of.sum(axis=0).T for of in counts], axis=1)
        before = rates
        if shared:
            rates = [limit_rates(mean_rates(*of_source, pooling)) for of_source in counts]
        else:
            rates = [shrink_rates(*n, of, pooling) for n, of in zip(counts, start, strict=True)]
        if np.abs(np.subtract(before, rates)).max() < 1e-5:
            break
    return rates


def mean_rates(lost, present, gained, absent, vouched):
    """Return the mean noise rates of the labels that trusted records show.

    Parameters
    ----------
    lost, present, gained, absent : ndarray of shape (n_labels,)
        Expected numbers of records.
    vouched : ndarray of bool of shape (n_labels,)

    Returns
    -------
    missing, wrong : ndarray of shape (n_labels,)
        The same for all labels.
    """
    rates = []
    for errors, of, prior in ((lost, present, _PRIOR_MISSING), (gained, absent, _PRIOR_WRONG)):
        mean = (errors[vouched].sum() + prior[0]) / (of[vouched].sum() + sum(prior))
        rates.append(np.full_like(errors, mean))
    return rates


def shrink_rates(lost, present, gained, absent, means, pooling):
    """Return the noise rates of each label, shrunk to means.

    Parameters
    ----------
    lost, present, gained, absent : ndarray of shape (n_labels,)
        Expected numbers of records.
    means : (missing, wrong)
    pooling : float or ndarray of shape (n_labels,)
        Weight of the means, in records.

    Returns
    -------
    missing, wrong : ndarray of shape (n_labels,)
    """
    rates, counts = [], ((lost, present), (gained, absent))
    for (errors, of), mean, times in zip(counts, means, _TIMES, strict=True):
        weight = times * pooling
        rates.append(limit_rates((errors + weight * mean) / (of + weight)))
    return rates


def limit_rates(rates):
    """Limit noise rates, so that no weak label is fully certain."""
    return np.clip(rates, SMALLEST_RATE, 1 - SMALLEST_RATE)


def _evidence(probability, sources, shared, rates, pooling):
    """Return the log evidence of each label for rates shrunk to shared ones (Laplace)."""
    total = 0.0
    for said, own, means in zip(np.moveaxis(sources, 2, 0), rates, shared, strict=True):
        likelihood, curvatures = _likelihood(probability, said, own, pooling)
        total = total + (~np.isnan(said) * np.log(likelihood)).sum(axis=0)
        for rate, mean, times, curvature in zip(own, means, _TIMES, curvatures, strict=True):
            n = times * pooling
            density = beta.logpdf(rate, n * mean, n * (1 - mean)) + np.log(rate * (1 - rate))
            total = total + density - np.log(curvature) / 2
    return total


def _likelihood(probability, said, rates, pooling):
    """Return the likelihood of weak labels, and its curvatures in the log odds of both rates."""
    known, (missing, wrong), absent = ~np.isnan(said), rates, 1 - probability
    likelihood = np.where(
        np.nan_to_num(said) > 0.5,
        probability * (1 - missing) + absent * wrong,
        probability * missing + absent * (1 - wrong),
    )
    curvatures = []
    for rate, asked, times in zip(rates, (probability, absent), _TIMES, strict=True):
        spread = rate * (1 - rate)
        information = (known * (asked / likelihood) ** 2).sum(axis=0) * spread**2
        curvatures.append(information + times * pooling * spread)
    return likelihood, curvatures


def rate_interval(probability, said, rates, pooling, extent):
    """Describe one source's noise rates, with intervals by Laplace's approximation.

    Parameters
    ----------
    probability : ndarray of shape (n_records, n_labels)
    said : ndarray of shape (n_records, n_labels)
    rates : (missing, wrong)
        Each of shape (n_labels,).
    pooling : ndarray of shape (n_labels,)
        From `choose_pooling`.
    extent : (float, float)
        The factor by which the rates were multiplied, and its standard error.

    Returns
    -------
    ndarray of shape (n_labels, 6)
        `NOISE_RATES`, with 95 % intervals.
    """
    _, curvatures = _likelihood(probability, said, rates, pooling)
    scale, error = extent
    columns = []
    for rate, curvature in zip(rates, curvatures, strict=True):
        variance = 1 / curvature
        if 0 < error < np.inf:
            variance += (error / max(scale, error) / (1 - rate)) ** 2
        reach = 1.96 * np.sqrt(variance)
        low, high = expit(logit(rate) - reach), expit(logit(rate) + reach)
        # If the noise is not significant, the interval includes 0.
        low = np.where(scale > 1.96 * error, low, 0.0)
        columns += [np.where(scale > 0, rate, 0.0), low, high]
    heard = (~np.isnan(said)).any(axis=0)[:, np.newaxis]
    return np.where(heard, np.stack(columns, axis=1), np.nan)

"""Draw resamples of patients, and compute intervals from the scores of resamples."""

import numpy as np
from scipy.stats import norm
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import check_random_state, gen_batches

from sklearn_ecg.utils import check_groups, warn_user

# scipy.stats.bootstrap is as slow, and its intervals are NaN if one resample lacks a label, or, for
# BCa, if the scores do not vary.

# Largest number of counts in memory.
_CHUNK = 8_000_000
# More resamples do not make an interval more exact, and take very long.
_MOST_RESAMPLES = 1_000_000
# From this share of resamples without a score on, the other resamples are biased.
_MANY_UNDEFINED = 0.01


class PatientResamples:
    """Draws patients with replacement; a resample is the count of each record.

    Parameters
    ----------
    groups : array-like of shape (n_records,), or None
        Patients; with None each record is a patient of its own.
    n_records : int
    """

    def __init__(self, groups, n_records):
        groups = check_groups(groups, n_records=n_records)
        if groups is None:
            groups = np.arange(n_records)
        _, self.patient_of = np.unique(groups.astype(str), return_inverse=True)
        self.n_patients = int(self.patient_of.max()) + 1 if n_records else 0
        if self.n_patients < 2:
            raise ValueError(
                f"A bootstrap over patients needs at least 2 patients; groups has "
                f"{self.n_patients}."
            )

    def scores(self, scorers, n_resamples, random_state):
        """Return the scores of each scorer on the same resamples.

        Parameters
        ----------
        scorers : list of callables
            From `resampled_scorer`.
        n_resamples : int
        random_state : int, RandomState instance or None

        Returns
        -------
        ndarray of shape (n_scorers, n_resamples)
        """
        random_state = check_random_state(random_state)
        shares = np.full(self.n_patients, 1 / self.n_patients)
        found = []
        for part in self._parts(n_resamples):
            n = part.stop - part.start
            counts = random_state.multinomial(self.n_patients, shares, size=n)[:, self.patient_of]
            found.append([scorer(counts) for scorer in scorers])
        return np.concatenate(found, axis=1)

    def scores_without_each(self, scorers):
        """Return the scores without each patient, of shape (n_scorers, n_patients)."""
        found = []
        for part in self._parts(self.n_patients):
            left_out = np.arange(part.start, part.stop)[:, np.newaxis]
            counts = (self.patient_of != left_out).astype(np.int64)
            found.append([scorer(counts) for scorer in scorers])
        return np.concatenate(found, axis=1)

    def _parts(self, n):
        return gen_batches(n, max(1, _CHUNK // len(self.patient_of)))


def check_resampling(n_resamples, confidence_level, method):
    """Check the parameters that all bootstraps have."""
    if not isinstance(n_resamples, int | np.integer) or not 2 <= n_resamples <= _MOST_RESAMPLES:
        raise ValueError(
            f"n_resamples must be an integer from 2 to {_MOST_RESAMPLES}; got {n_resamples!r}."
        )
    if not 0 < confidence_level < 1:
        raise ValueError(f"confidence_level must lie between 0 and 1; got {confidence_level!r}.")
    if method not in ("percentile", "bca"):
        raise ValueError(f"method must be 'percentile' or 'bca'; got {method!r}.")


def interval(observed, distribution, confidence_level, left_out=None):
    """Return the ends of a percentile interval, or, if `left_out` is given, of a BCa interval.

    Parameters
    ----------
    observed : float
    distribution : ndarray of shape (n_resamples,)
        Without NaN.
    confidence_level : float
    left_out : ndarray of shape (n_patients,), default=None
        Scores without each patient.
    """
    tails = np.array([(1 - confidence_level) / 2, (1 + confidence_level) / 2])
    if left_out is not None:
        below = (distribution < observed).mean() + (distribution == observed).mean() / 2
        n = len(distribution)
        bias = norm.ppf(np.clip(below, 0.5 / n, 1 - 0.5 / n))
        left_out = left_out[np.isfinite(left_out)]
        deviations = left_out.mean() - left_out
        spread = (deviations**2).sum() ** 1.5
        acceleration = (deviations**3).sum() / (6 * spread) if spread else 0.0
        shifted = bias + norm.ppf(tails)
        tails = norm.cdf(bias + shifted / (1 - acceleration * shifted))
    return tuple(map(float, np.quantile(distribution, tails)))


def drop_undefined(distribution):
    """Return the defined scores and the number of undefined ones; warn if these are many."""
    undefined = ~np.isfinite(distribution)
    n_undefined = int(undefined.sum())
    if n_undefined == len(distribution):
        raise ValueError("The metric is undefined on all resamples.")
    if n_undefined > _MANY_UNDEFINED * len(distribution):
        warn_user(
            f"{n_undefined} of {len(distribution)} resamples have no score, most often because "
            "they hold no patient with some label; the interval is that of the others, and too "
            "narrow. Too few patients have that label for this metric.",
            UndefinedMetricWarning,
        )
    return distribution[~undefined], n_undefined

"""Errors of weak labels: of single labels, of whole label sets, and bonds between labels.

A weak label is worth as evidence what its noise rates leave of it (`SingleErrors`). Errors of a
record come together: a label is lost where another is written in its place (`SetErrors`). Which
labels come together in truth, bonds tell (`fit_bonds`).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, gammaln, logit
from scipy.stats import beta, poisson

#: What `describe_noise_rates` says of a label.
NOISE_RATES = ("missing", "missing_low", "missing_high", "wrong", "wrong_low", "wrong_high")

# Records worth of belief in the rates, and in the independent errors, that an estimate starts from.
_PRIOR_RECORDS = 5.0
# No weak label is believed or disbelieved without limit.
_SMALLEST_RATE = 1e-3
# Of one record, the labels in most doubt are weighed together; 2 ** 6 label sets.
_MOST_OPEN = 6
# A label that is this improbable, or its contrary, is not weighed again.
_CERTAIN = 1e-3
# More lost or gained labels of one record than this are not told apart.
_MOST_COUNTED = 3
# So many weak records tell the errors well enough; evenly spread ones are taken of more.
_MOST_RECORDS = 10_000
_MAX_ITER = 10
# So many more swaps than trusted records weak ones must show.
_MORE_THAN_PHANTOM = 6.0
# Label sets that are weighed at a time.
_CHUNK = 2**16
# Records worth of belief in what replaces a label.
_PRIOR_REPLACED = 20.0
# Ridge penalty of bonds.
_RIDGE = 5.0


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
        `NOISE_RATES`: each rate, and the lower and upper bound of its 95 % interval; NaN where no
        weak label is known.
    """
    known = weak != -1
    belief, weak = belief[known], weak[known]
    if not len(weak):
        return np.full(len(NOISE_RATES), np.nan)
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

    def errors_resolved(self, probability, weak):
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


@dataclass(frozen=True, eq=False)
class SetErrors(SingleErrors):
    """How weak label sets differ from the true ones.

    A label of the true set is lost with its own probability; how many labels are gained depends
    on how many were lost, and which ones on which were lost. Where one label is written in the
    place of another, that is one error, not two that happen to meet.

    Attributes
    ----------
    missing, wrong : ndarray of shape (n_labels,)
        ``P(weak = 0 | present)`` and ``P(weak = 1 | absent)``.
    gains : ndarray of shape (4, 4)
        ``P(n gained | n lost)``; the last row and column stand for 3 or more.
    replacing : ndarray of shape (1 + n_labels, n_labels)
        How readily each label is gained where a label was lost; last, where none was.
    bias, bonds : ndarray of shape (n_labels,) and (n_labels, n_labels)
        Which true labels come together, as by `fit_bonds`.
    coupled : bool
        Whether labels are lost and gained together; if not, each error is one for itself.
    swapped : float
        Expected number of labels per record that were lost while another was gained.
    phantom : float
        The same found in trusted records, where there are none; infinite where labels must not
        be coupled.
    """

    gains: np.ndarray
    replacing: np.ndarray
    bias: np.ndarray
    bonds: np.ndarray
    coupled: bool = True
    swapped: float = 0.0
    phantom: float = 0.0

    @classmethod
    def independent(cls, missing, wrong, probability, bias, bonds):
        """Errors that know nothing of one another yet, of records of such probabilities."""
        missing, wrong = np.asarray(missing, dtype=float), np.asarray(wrong, dtype=float)
        n_gained = wrong * (1 - probability).sum(axis=0) + 1e-3
        spread = poisson.pmf(np.arange(_MOST_COUNTED + 1), n_gained.sum() / len(probability))
        gains = np.tile(np.maximum(spread / spread.sum(), 1e-4), (_MOST_COUNTED + 1, 1))
        replacing = np.tile(n_gained / n_gained.sum(), (len(missing) + 1, 1))
        return cls(missing, wrong, gains, replacing, bias, bonds)

    def posterior(self, probability, weak):
        """As `SingleErrors.posterior`, the labels of a record weighed together."""
        belief = np.empty(probability.shape)
        for candidates in _candidates(probability, weak, self):
            belief[candidates.rows] = candidates.belief(self)
        return belief

    def errors_resolved(self, probability, weak):
        """As `SingleErrors.errors_resolved`; the answer about one label tells of the others."""
        resolved = np.empty(probability.shape)
        for candidates in _candidates(probability, weak, self):
            resolved[candidates.rows] = candidates.errors_resolved(self)
        return resolved

    def adapted(self, probability, weak):
        """As `SingleErrors.adapted`, by expectation maximisation over label sets.

        Features that say little let true label sets look as if labels had been swapped. Trusted
        records are the control: weak ones must show many more swaps than they do, or each error
        is taken for itself.
        """
        start = super().adapted(probability, weak)
        if np.isfinite(self.phantom):
            coupled = replace(start, coupled=True).fitted(probability, weak)
            if coupled.swapped > _MORE_THAN_PHANTOM * self.phantom + _PRIOR_RECORDS / len(weak):
                return coupled
        return replace(start, coupled=False).fitted(probability, weak)

    def fitted(self, probability, weak):
        """Return the errors of these records, starting from self, which is worth a few records."""
        if len(weak) > _MOST_RECORDS:
            rows = np.linspace(0, len(weak) - 1, _MOST_RECORDS).astype(int)
            probability, weak = probability[rows], weak[rows]
        errors, candidates = self, list(_candidates(probability, weak, self))
        for _ in range(_MAX_ITER):
            before = errors
            errors = _maximise(candidates, weak, errors, self)
            changes = before.gains - errors.gains, before.missing - errors.missing
            if max(np.abs(change).max() for change in changes) < 1e-3:
                break
        return errors


def estimate_errors(probability, labels, trusted, missing, wrong, *, joint, coupled=True):
    """Estimate how weak label sets differ from true ones, from the noise rates of single labels.

    Parameters
    ----------
    probability, labels : ndarray of shape (n_records, n_labels)
    trusted : ndarray of bool of shape (n_records,)
    missing, wrong : ndarray of shape (n_labels,)
    joint : bool
        Whether the labels of a record are weighed together.
    coupled : bool, default=True
        Whether labels that are lost and gained together are looked for.

    Returns
    -------
    SetErrors or SingleErrors
    """
    if not joint:
        return SingleErrors(missing, wrong)
    weak = trusted if trusted.all() else ~trusted
    bonds = fit_bonds(probability[trusted], labels[trusted])
    errors = SetErrors.independent(missing, wrong, probability[weak], *bonds)
    phantom = np.inf
    if coupled:
        phantom = errors.fitted(probability[trusted], labels[trusted]).swapped
    errors = replace(errors, phantom=phantom)
    return errors if trusted.all() else errors.adapted(probability[weak], labels[weak])


class _Candidates:
    """Label sets that some records may have in truth, as many for each.

    Attributes
    ----------
    rows : ndarray of int of shape (n_records,)
    sets, kept, lost, gained : ndarray of shape (n_records, n_sets, n_labels)
        The sets, and what became of their labels in the weak set.
    """

    def __init__(self, rows, log_odds, weak, belief, n_open):
        doubt = np.argsort(np.abs(belief - 0.5), axis=1, kind="stable")[:, np.newaxis, :n_open]
        choices = (np.arange(2**n_open)[:, np.newaxis] >> np.arange(n_open)) & 1 == 1
        sets = np.repeat((belief > 0.5)[:, np.newaxis], len(choices), axis=1)
        shape = (len(rows), len(choices), n_open)
        np.put_along_axis(sets, np.broadcast_to(doubt, shape), np.broadcast_to(choices, shape), 2)
        given, denied = (weak == 1)[:, np.newaxis], (weak == 0)[:, np.newaxis]
        self.rows, self.sets = rows, sets.astype(np.float32)
        self.kept = (sets & given).astype(np.float32)
        self.lost = (sets & denied).astype(np.float32)
        self.gained = (~sets & given).astype(np.float32)
        self._could_be_gained = (~sets & (given | denied)).astype(np.float32)
        self._prior = (self.sets @ log_odds[:, :, np.newaxis])[..., 0]
        self.n_lost, self.n_gained = (
            np.minimum(labels.sum(axis=2), _MOST_COUNTED).astype(int)
            for labels in (self.lost, self.gained)
        )

    def shares(self, errors):
        """Probability of each set, of shape (n_records, n_sets)."""
        log_joint = self._prior + self.sets @ errors.bias
        log_joint += ((self.sets @ errors.bonds) * self.sets).sum(axis=2) / 2
        log_joint += self.lost @ np.log(errors.missing) + self.kept @ np.log1p(-errors.missing)
        log_joint += self._log_gains(errors)
        shares = np.exp(log_joint - log_joint.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def _log_gains(self, errors):
        if not errors.coupled:
            free = self._could_be_gained - self.gained
            return self.gained @ np.log(errors.wrong) + free @ np.log1p(-errors.wrong)
        log_chance = np.log(errors.gains)[self.n_lost, self.n_gained] + gammaln(self.n_gained + 1)
        some_lost = (self.n_lost > 0)[..., np.newaxis]
        weight = np.where(some_lost, self.lost @ errors.replacing[:-1], errors.replacing[-1])
        total = (weight * self._could_be_gained).sum(axis=2, keepdims=True)
        chance = np.where(self.gained > 0, weight / np.maximum(total, 1e-9), 1.0)
        return log_chance + np.log(np.maximum(chance, 1e-6)).sum(axis=2)

    def belief(self, errors):
        """Probability of each label, of shape (n_records, n_labels)."""
        return np.clip(_expected(self.shares(errors), self.sets), 1e-4, 1 - 1e-4)

    def errors_resolved(self, errors):
        """Expected errors that an answer removes, of shape (n_records, n_labels)."""
        shares = self.shares(errors)
        belief = _expected(shares, self.sets)
        # Of asked label and other label: both present, the asked one alone, the other, neither.
        both = (self.sets * shares[..., np.newaxis]).swapaxes(1, 2) @ self.sets
        asked = belief[:, :, np.newaxis] - both
        other = belief[:, np.newaxis] - both
        neither = 1 - both - asked - other
        left = np.minimum(both, asked) + np.minimum(other, neither)
        before = np.minimum(belief, 1 - belief).sum(axis=1, keepdims=True)
        return np.clip(before - left.sum(axis=2), 0, None)


def _expected(shares, labels):
    return (shares[:, np.newaxis] @ labels)[:, 0]


def _candidates(probability, weak, errors):
    """Yield the label sets of all records, by the number of labels that are in doubt."""
    belief = SingleErrors.posterior(errors, probability, weak)
    log_odds = logit(np.clip(probability, 1e-4, 1 - 1e-4))
    n_open = (np.minimum(belief, 1 - belief) > _CERTAIN).sum(axis=1)
    n_open = np.minimum(n_open, min(_MOST_OPEN, weak.shape[1]))
    for n in np.unique(n_open):
        rows = np.flatnonzero(n_open == n)
        for part in np.array_split(rows, -(-len(rows) * 2**n // _CHUNK)):
            yield _Candidates(part, log_odds[part], weak[part], belief[part], n)


def _maximise(candidates, weak, errors, expected):
    """One step of expectation maximisation."""
    n_labels = weak.shape[1]
    present, lost, gained = np.zeros(n_labels), np.zeros(n_labels), np.zeros(n_labels)
    swapped = 0.0
    gains = np.zeros(errors.gains.shape)
    replaced = np.zeros(errors.replacing.shape)
    known = (weak != -1).sum(axis=0)
    for c in candidates:
        shares = c.shares(errors)
        weighted = c.gained * shares[..., np.newaxis]
        present += _expected(shares, c.kept + c.lost).sum(axis=0)
        lost += _expected(shares, c.lost).sum(axis=0)
        gained += weighted.sum(axis=(0, 1))
        swapped += (shares * np.minimum(c.n_lost, c.n_gained)).sum()
        np.add.at(gains, (c.n_lost.ravel(), c.n_gained.ravel()), shares.ravel())
        flat = weighted.reshape(-1, n_labels)
        replaced[:-1] += c.lost.reshape(-1, n_labels).T @ flat
        replaced[-1] += flat[c.n_lost.ravel() == 0].sum(axis=0)
    missing = (lost + _PRIOR_RECORDS * expected.missing) / (present + _PRIOR_RECORDS)
    wrong = (gained + _PRIOR_RECORDS * expected.wrong) / (known - present + _PRIOR_RECORDS)
    usual = (gained + 0.5) / (gained + 0.5).sum()
    gains = (gains + _PRIOR_RECORDS * expected.gains) / (
        gains.sum(axis=1, keepdims=True) + _PRIOR_RECORDS
    )
    replacing = (replaced + _PRIOR_REPLACED * usual) / (
        replaced.sum(axis=1, keepdims=True) + _PRIOR_REPLACED
    )
    return replace(
        errors,
        missing=np.clip(missing, _SMALLEST_RATE, 1 - _SMALLEST_RATE),
        wrong=np.clip(wrong, _SMALLEST_RATE, 1 - _SMALLEST_RATE),
        gains=np.maximum(gains, 1e-4),
        replacing=replacing,
        swapped=swapped / len(weak),
    )


def fit_bonds(probability, labels):
    """Fit pairwise bonds of labels on trusted records, by ridge pseudo-likelihood.

    A record's label set has log odds of the sum of those of its labels, plus a bias for each, plus
    a bond for each pair.

    Parameters
    ----------
    probability, labels : ndarray of shape (n_records, n_labels)
        What features say of each label alone, and the truth; -1 is left out, and so are labels
        that no record has: of them nothing is known.

    Returns
    -------
    bias : ndarray of shape (n_labels,)
    bonds : ndarray of shape (n_labels, n_labels)
        Symmetric, with a diagonal of 0.
    """
    n_labels = labels.shape[1]
    present = (labels == 1).astype(float)
    known = (labels != -1) & present.any(axis=0)
    offset = logit(np.clip(probability, 1e-3, 1 - 1e-3))
    pairs = np.triu_indices(n_labels, 1)

    def unpack(values):
        bonds = np.zeros((n_labels, n_labels))
        bonds[pairs] = values[n_labels:]
        return values[:n_labels], bonds + bonds.T

    def loss(values):
        bias, bonds = unpack(values)
        log_odds = offset + bias + present @ bonds
        fit = (known * (np.logaddexp(0, log_odds) - present * log_odds)).sum()
        residual = known * (expit(log_odds) - present)
        slope = residual.T @ present
        gradient = np.r_[residual.sum(axis=0), (slope + slope.T)[pairs]]
        return fit + _RIDGE / 2 * values @ values, gradient + _RIDGE * values

    start = np.zeros(n_labels + len(pairs[0]))
    return unpack(minimize(loss, start, jac=True, method="L-BFGS-B").x)

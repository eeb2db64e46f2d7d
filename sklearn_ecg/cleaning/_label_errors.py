"""A model of the errors of weak label sets, and the posterior of true label sets.

`LabelPrior` is the prior of a record's true label set, given its features. `LabelErrors` models the
errors of one source of weak labels. `LabelSets` computes the posterior of a record's possible sets
from both.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln, logit, softmax
from scipy.stats import poisson

from sklearn_ecg.cleaning._noise_rates import (
    AS_OTHERS,
    SMALLEST_RATE,
    limit_rates,
    mean_rates,
    shrink_rates,
)

# At most so many labels of a record, the most doubtful, are weighed together: 2 ** 6 label sets.
_MOST_OPEN = 6
# Number of questions about a record for which the additional value of an answer is computed.
_MOST_ASKED = 3
# A label with a smaller probability, or a larger one than 1 minus this, is taken as certain.
_CERTAIN = 1e-3
# Numbers of lost or gained labels of a record from here on are counted as one class.
_MOST_COUNTED = 3
# Errors are estimated from at most so many weak records, evenly spread.
_MOST_RECORDS = 5_000
# Largest number of label sets in memory; fewer if there are many labels.
_CHUNK = 2**16
# Prior weights, in records, of independent errors and of the labels that replace a lost one.
_PRIOR_RECORDS, _PRIOR_REPLACED = 5.0, 20.0
# Log odds of an impossible set.
_NEVER = -60.0


@dataclass(frozen=True, eq=False)
class LabelErrors:
    """The errors of one source's label sets.

    Each true label is lost with its own probability. The number of gained labels depends on the
    number of lost ones, and the gained labels depend on the lost ones. So a label that was written
    in place of another is one error, not two independent ones.

    Attributes
    ----------
    missing, wrong : ndarray of shape (n_labels,)
        ``P(weak = 0 | present)`` and ``P(weak = 1 | absent)``.
    gains : ndarray of shape (4, 4)
        ``P(n gained | n lost)``; the last row and column mean 3 or more.
    replacing : ndarray of shape (1 + n_labels, n_labels)
        Weights of each gained label for each lost label; the last row if none was lost.
    coupled : bool
        Whether lost and gained labels depend on each other.
    """

    missing: np.ndarray
    wrong: np.ndarray
    gains: np.ndarray
    replacing: np.ndarray
    coupled: bool = True

    @classmethod
    def independent(cls, missing, wrong, absent, *, coupled):
        """Return independent errors, the start of the estimation.

        Parameters
        ----------
        missing, wrong : ndarray of shape (n_labels,)
        absent : ndarray of shape (n_labels,)
            Expected share of the records without each label.
        coupled : bool
        """
        n_gained = wrong * absent + 1e-6
        spread = np.maximum(poisson.pmf(np.arange(_MOST_COUNTED + 1), n_gained.sum()), 1e-4)
        gains = np.tile(spread / spread.sum(), (_MOST_COUNTED + 1, 1))
        if coupled:
            # Start with half of the lost labels replaced. If each record has exactly one label, no
            # label is lost alone, and an independent start would never find swaps.
            gains = (gains + np.eye(_MOST_COUNTED + 1)) / 2
        replacing = np.tile(n_gained / n_gained.sum(), (len(missing) + 1, 1))
        return cls(missing, wrong, gains, replacing, coupled)

    def scaled(self, share):
        """Return the same errors with their frequency multiplied by `share`."""
        gains = self.gains.copy()
        gains[0, 1:] *= share
        gains[0, 0] = max(1 - gains[0, 1:].sum(), SMALLEST_RATE)
        return replace(
            self,
            missing=limit_rates(self.missing * share),
            wrong=limit_rates(self.wrong * share),
            gains=np.maximum(gains, 1e-6),
        )

    def simulate(self, labels, rng):
        """Simulate the labels of this source for records with known labels.

        Parameters
        ----------
        labels : ndarray of shape (n_records, n_labels)
        rng : numpy.random.Generator

        Returns
        -------
        ndarray of float of shape (n_records, n_labels)
        """
        present = labels == 1
        lost = present & (rng.random(labels.shape) < self.missing)
        if not self.coupled:
            gained = ~present & (rng.random(labels.shape) < self.wrong)
        else:
            n_lost = np.minimum(lost.sum(axis=1), _MOST_COUNTED)
            chances = self.gains[n_lost].cumsum(axis=1)
            n_gained = (rng.random(len(labels))[:, np.newaxis] * chances[:, -1:] > chances).sum(1)
            some_lost = (n_lost > 0)[:, np.newaxis]
            weight = np.where(some_lost, lost @ self.replacing[:-1], self.replacing[-1]) * ~present
            # The labels with the largest keys are a weighted draw without replacement.
            keys = np.log(np.maximum(weight, 1e-12)) + rng.gumbel(size=labels.shape)
            keys[weight <= 0] = -np.inf
            place = np.argsort(np.argsort(-keys, axis=1), axis=1)
            gained = (place < n_gained[:, np.newaxis]) & (weight > 0)
        return ((present & ~lost) | gained).astype(float)


@dataclass(frozen=True, eq=False)
class LabelPrior:
    """Probability of label sets, given features, with interactions ("bonds") between labels.

    The log odds of a set are the sum of its labels' terms, ``slope * logit(probability) + bias``,
    and of a bond for each pair of its labels. If labels exclude each other, features for one are
    features against the other; slopes below 1 keep them from counting twice.

    Attributes
    ----------
    slopes, bias : ndarray of shape (n_labels,)
    bonds : ndarray of shape (n_labels, n_labels)
        Symmetric, with a diagonal of 0.
    """

    slopes: np.ndarray
    bias: np.ndarray
    bonds: np.ndarray

    # Ridge penalties of a slope's distance from the common slope, of a bias and of a bond.
    _PENALTIES = (20.0, 1.0, 2.0)
    # Prior of the common slope, and its penalty.
    _COMMON = (0.8, 4.0)

    @classmethod
    def of_single_labels(cls, n_labels):
        """Return the prior of independent labels."""
        return cls(np.ones(n_labels), np.zeros(n_labels), np.zeros((n_labels, n_labels)))

    @classmethod
    def fit(cls, probability, labels, constraints=None, *, start=None, max_iter=60):
        """Fit to records with known labels, by the likelihood among each record's possible sets.

        Parameters
        ----------
        probability : ndarray of shape (n_records, n_labels)
            Cross-fitted probabilities, given features.
        labels : ndarray of shape (n_records, n_labels)
            1 or 0.
        constraints : LabelConstraints, default=None
        start : LabelPrior, default=None
        max_iter : int, default=60

        Returns
        -------
        LabelPrior
        """
        n_records, n_labels = labels.shape
        truth, log_odds = (labels == 1).astype(float), logit(probability)
        n_open = min(_MOST_OPEN, n_labels)
        doubt = np.minimum(probability, 1 - probability)
        banned = _banned(_variants(labels == 1, doubt, n_open), constraints)
        # The sets of a record differ only in its open labels; the others act through bonds.
        rows = np.arange(n_records)[:, np.newaxis]
        open_ = np.argsort(-doubt, axis=1, kind="stable")[:, :n_open]
        choices = ((np.arange(2**n_open)[:, np.newaxis] >> np.arange(n_open)) & 1).astype(float)
        first, second = np.triu_indices(n_open, 1)
        both = choices[:, first] * choices[:, second]
        closed = truth.copy()
        closed[rows, open_] = 0
        is_true = truth[rows, open_]
        in_truth = (is_true[:, np.newaxis] == choices).all(axis=2).argmax(axis=1)
        pairs = np.triu_indices(n_labels, 1)
        own, bias_penalty, bond_penalty = cls._PENALTIES
        centre, centre_penalty = cls._COMMON
        penalty = np.r_[
            centre_penalty,
            np.full(n_labels, own),
            np.full(n_labels, bias_penalty),
            np.full(len(pairs[0]), bond_penalty),
        ]

        def unpack(values):
            common, slopes, bias, bonds = np.split(values, [1, 1 + n_labels, 1 + 2 * n_labels])
            matrix = np.zeros((n_labels, n_labels))
            matrix[pairs] = bonds
            return cls(common + slopes, bias, matrix + matrix.T)

        def loss(values):
            prior = unpack(values)
            field = log_odds * prior.slopes + prior.bias + closed @ prior.bonds
            of_pairs = prior.bonds[open_[:, first], open_[:, second]]
            energy = field[rows, open_] @ choices.T + of_pairs @ both.T + banned
            # SciPy's softmax and log_softmax would compute each exponential twice.
            energy -= energy.max(axis=1, keepdims=True)
            shares = np.exp(energy)
            total = shares.sum(axis=1, keepdims=True)
            shares /= total
            fit = energy[rows[:, 0], in_truth] - np.log(total[:, 0])
            residual = np.zeros(truth.shape)
            residual[rows, open_] = is_true - shares @ choices
            of_slopes = (residual * log_odds).sum(axis=0)
            # Bonds between an open and a closed label, then between two open labels.
            of_bonds = residual.T @ closed
            pair_residual = both[in_truth] - shares @ both
            np.add.at(of_bonds, (open_[:, first], open_[:, second]), pair_residual)
            of_bonds = (of_bonds + of_bonds.T)[pairs]
            gradient = np.r_[of_slopes.sum(), of_slopes, residual.sum(axis=0), of_bonds]
            away = values - np.r_[centre, np.zeros(len(values) - 1)]
            return (penalty * away**2).sum() / 2 - fit.sum(), penalty * away - gradient

        begin = np.r_[centre, np.zeros(len(penalty) - 1)]
        if start is not None:
            common = start.slopes.mean()
            begin = np.r_[common, start.slopes - common, start.bias, start.bonds[pairs]]
        options = {"maxiter": max_iter}
        return unpack(minimize(loss, begin, jac=True, method="L-BFGS-B", options=options).x)

    def among(self, places, n_labels):
        """Extend the prior to more labels, which are independent.

        Parameters
        ----------
        places : ndarray of int of shape (len(self.slopes),)
            Positions of these labels among all.
        n_labels : int

        Returns
        -------
        LabelPrior
        """
        wide = self.of_single_labels(n_labels)
        wide.slopes[places], wide.bias[places] = self.slopes, self.bias
        wide.bonds[np.ix_(places, places)] = self.bonds
        return wide

    def log_odds(self, sets, terms):
        """Return the log odds of label sets.

        Parameters
        ----------
        sets : ndarray of shape (n_records, n_sets, n_labels)
        terms : ndarray of shape (n_records, n_labels)

        Returns
        -------
        ndarray of shape (n_records, n_sets)
        """
        single = (sets @ terms[:, :, np.newaxis])[..., 0]
        return single + ((sets @ self.bonds.astype(np.float32)) * sets).sum(axis=2) / 2


class LabelSets:
    """The possible true label sets of some records, with the same number of sets for each record.

    Parameters
    ----------
    rows : ndarray of int of shape (n_records,)
        Positions of these records.
    probability : ndarray of shape (n_records, n_labels)
        Probability of each label, given features only.
    sources : ndarray of shape (n_records, n_labels, n_sources)
    belief : ndarray of shape (n_records, n_labels)
        Probability of each label alone; 0 or 1 if trusted.
    n_open : int
        Number of labels per record, the most doubtful, that are weighed together.
    constraints : LabelConstraints or None
    """

    def __init__(self, rows, probability, sources, belief, n_open, constraints):
        self.rows = rows
        doubt = np.minimum(belief, 1 - belief)
        sets = _variants(belief > 0.5, doubt, n_open)
        banned = _banned(sets, constraints)
        impossible = (banned < 0).all(axis=1)
        if impossible.any():
            # The labels that look certain break the constraints. Keep only trusted labels fixed,
            # and vary the most probable others.
            pinned = (belief[impossible] >= 1) & (doubt[impossible] == 0)
            likely = np.where(doubt[impossible] == 0, -1, belief[impossible])
            sets[impossible] = _variants(pinned, likely, n_open)
            banned[impossible] = _banned(sets[impossible], constraints)
            banned[(banned < 0).all(axis=1)] = 0
        self.sets, self._banned = sets.astype(np.float32), banned
        self._log_odds = logit(np.clip(probability, 1e-4, 1 - 1e-4)).astype(np.float32)
        self.said = [_Said(self.sets, source) for source in np.moveaxis(sources, 2, 0)]

    def shares(self, prior, errors):
        """Return the probability of each set, of shape (n_records, n_sets)."""
        terms = (self._log_odds * prior.slopes + prior.bias).astype(np.float32)
        log_joint = prior.log_odds(self.sets, terms) + self._banned
        for said, of_source in zip(self.said, errors, strict=True):
            log_joint = log_joint + said.log_likelihood(of_source)
        return softmax(log_joint, axis=1)

    def belief(self, prior, errors):
        """Return the probability of each label, of shape (n_records, n_labels)."""
        return np.clip(_expected(self.shares(prior, errors), self.sets), 1e-4, 1 - 1e-4)

    def tempered(self, shares, slope, shift):
        """Change probabilities of sets as if the log odds of each label were scaled and shifted.

        Parameters
        ----------
        shares : ndarray of shape (n_records, n_sets)
        slope : float
        shift : ndarray of shape (n_records, n_labels)

        Returns
        -------
        ndarray of shape (n_records, n_sets)
        """
        shifts = (self.sets @ shift[:, :, np.newaxis])[..., 0]
        return softmax(slope * np.log(np.maximum(shares, 1e-12)) + shifts, axis=1)

    def resolved_beyond(self, shares):
        """Return the errors that an answer removes, beyond those of its label by itself.

        The best label of a record is the one whose answer removes most errors. Each next label
        has the errors that its answer removes in addition. If one label was written in place of
        another, the answer about one settles both, so the second removes hardly any more errors.

        Parameters
        ----------
        shares : ndarray of shape (n_records, n_sets)
            Probability of each set.

        Returns
        -------
        ndarray of shape (n_records, n_labels)
            Expected numbers of errors: above 0 for what an answer removes of other labels, below 0
            for what better answers remove of this label.
        """
        belief = _expected(shares, self.sets)
        resolved = np.minimum(belief, 1 - belief)
        alone = resolved.copy()
        varies = self.sets.min(axis=1) != self.sets.max(axis=1)
        n_open = int(varies[0].sum())
        if n_open < 2:
            return np.zeros_like(resolved)
        open_ = np.argsort(~varies, axis=1, kind="stable")[:, :n_open]
        rows = np.arange(len(open_))
        present = np.take_along_axis(self.sets, open_[:, np.newaxis], axis=2)
        # Shares of the sets of each record, split by the answers so far.
        told = shares[:, np.newaxis]
        left = np.take_along_axis(resolved, open_, axis=1).sum(axis=1)
        is_asked = np.zeros(open_.shape, dtype=bool)
        for _ in range(min(_MOST_ASKED, n_open)):
            with_each = told[:, np.newaxis] * present.swapaxes(1, 2)[:, :, np.newaxis]
            apart = np.concatenate([with_each, told[:, np.newaxis] - with_each], axis=2)
            total, has = apart.sum(axis=3, keepdims=True), apart @ present[:, np.newaxis]
            after = np.minimum(has, total - has).sum(axis=(2, 3))
            after[is_asked] = np.inf
            best = after.argmin(axis=1)
            resolved[rows, open_[rows, best]] = left - after[rows, best]
            told, left, is_asked[rows, best] = apart[rows, best], after[rows, best], True
        has = told @ present
        doubt = np.minimum(has, told.sum(axis=2, keepdims=True) - has).sum(axis=1)
        np.put_along_axis(
            resolved,
            open_,
            np.where(is_asked, np.take_along_axis(resolved, open_, axis=1), doubt),
            axis=1,
        )
        return np.maximum(resolved, 0) - alone


class _Said:
    """The labels of each set that one source kept, lost, gained, or neither has nor gained."""

    def __init__(self, sets, source):
        known = ~np.isnan(source)[:, np.newaxis]
        given = np.nan_to_num(source).astype(np.float32)[:, np.newaxis]
        denied = known * (1 - given)
        self.kept, self.lost = sets * given, sets * denied
        self.gained, self.free = (1 - sets) * given, (1 - sets) * denied
        self.n_lost, self.n_gained = (
            np.minimum(np.rint(labels.sum(axis=2)), _MOST_COUNTED).astype(int)
            for labels in (self.lost, self.gained)
        )
        # In a full set no more labels could have been gained.
        self.is_full = np.rint(self.free.sum(axis=2)) == 0

    def log_likelihood(self, errors):
        kept, lost = np.log1p(-errors.missing), np.log(errors.missing)
        log_chance = self.lost @ lost + self.kept @ kept
        if not errors.coupled:
            return (
                log_chance
                + self.gained @ np.log(errors.wrong)
                + self.free @ np.log1p(-errors.wrong)
            )
        at_least = errors.gains[:, ::-1].cumsum(axis=1)[:, ::-1]
        some_lost = (self.n_lost > 0)[..., np.newaxis]
        weight = np.where(some_lost, self.lost @ errors.replacing[:-1], errors.replacing[-1])
        total = (weight * (self.gained + self.free)).sum(axis=2, keepdims=True)
        chance = np.log(np.maximum(weight / np.maximum(total, 1e-9), 1e-6))
        chosen = (self.gained * chance).sum(axis=2) + gammaln(self.n_gained + 1)
        counts = self.n_lost, self.n_gained
        return log_chance + np.where(
            self.is_full, np.log(at_least)[counts], np.log(errors.gains)[counts] + chosen
        )


def label_sets(probability, sources, belief, constraints=None):
    """Yield the sets of all records, in parts with the same number of open labels.

    Parameters
    ----------
    probability, sources, belief, constraints
        As for `LabelSets`.

    Yields
    ------
    LabelSets
    """
    doubt = np.minimum(belief, 1 - belief)
    # At least one if any label is not trusted, because labels that look certain may break
    # constraints.
    n_open = np.maximum((doubt > _CERTAIN).sum(axis=1), (doubt > 0).any(axis=1))
    n_open = np.minimum(n_open, min(_MOST_OPEN, belief.shape[1]))
    for n in np.unique(n_open):
        rows = np.flatnonzero(n_open == n)
        # A set takes memory for each label.
        size = max(2**n, belief.shape[1])
        for part in np.array_split(rows, -(-len(rows) * size // _CHUNK)):
            yield LabelSets(part, probability[part], sources[part], belief[part], n, constraints)


def belief_in(parts, prior, errors):
    """Return the probability of each label of all records, of shape (n_records, n_labels)."""
    rows, belief = zip(*((part.rows, part.belief(prior, errors)) for part in parts), strict=True)
    return np.concatenate(belief)[np.argsort(np.concatenate(rows))]


def fit_errors(
    probability, sources, belief, prior, start, constraints=None, *, pooling, trust=None
):
    """Estimate the errors of each source, by expectation maximisation over label sets.

    Parameters
    ----------
    probability, sources, belief, constraints
        As for `LabelSets`.
    prior : LabelPrior
    start : list of LabelErrors
        Initial errors of each source, and their prior with a small weight.
    pooling : ndarray of shape (n_labels,)
        From `choose_pooling`.
    trust : float, default=None
        If given, weight of the rates of `start`, in records, in place of `pooling`.

    Returns
    -------
    list of LabelErrors
    """
    if len(belief) > _MOST_RECORDS:
        rows = np.linspace(0, len(belief) - 1, _MOST_RECORDS).astype(int)
        probability, sources, belief = probability[rows], sources[rows], belief[rows]
    parts = list(label_sets(probability, sources, belief, constraints))
    errors = start
    for _ in range(30):
        before = errors
        shares = [part.shares(prior, errors) for part in parts]
        errors = [
            _maximise(parts, shares, m, start[m], pooling, trust) for m in range(sources.shape[2])
        ]
        change = max(
            max(np.abs(old.gains - new.gains).max(), np.abs(old.missing - new.missing).max())
            for old, new in zip(before, errors, strict=True)
        )
        if change < 1e-3:
            break
    return errors


def _maximise(parts, shares, source, expected, pooling, trust):
    """Do one maximisation step for one source."""
    n_labels = len(expected.missing)
    kept, lost, gained, free = np.zeros((4, n_labels))
    gains = np.zeros(expected.gains.shape)
    replaced = np.zeros(expected.replacing.shape)
    for part, weights in zip(parts, shares, strict=True):
        said = part.said[source]
        weighted = said.gained * weights[..., np.newaxis]
        kept += _expected(weights, said.kept).sum(axis=0)
        lost += _expected(weights, said.lost).sum(axis=0)
        free += _expected(weights, said.free).sum(axis=0)
        gained += weighted.sum(axis=(0, 1))
        # A set with all labels cannot gain any, so it is left out of the counts.
        telling = weights * ((said.n_gained > 0) | ~said.is_full)
        np.add.at(gains, (said.n_lost.ravel(), said.n_gained.ravel()), telling.ravel())
        flat = weighted.reshape(-1, n_labels)
        replaced[:-1] += said.lost.reshape(-1, n_labels).T @ flat
        replaced[-1] += flat[said.n_lost.ravel() == 0].sum(axis=0)
    counts = lost, kept + lost, gained, gained + free
    if trust is None:
        means = mean_rates(*counts, pooling < AS_OTHERS)
        usual = (gained + 2) / (gained + 2).sum()
        n_prior = _PRIOR_RECORDS
    else:
        means, usual = (expected.missing, expected.wrong), expected.replacing
        n_prior = pooling = trust
    missing, wrong = shrink_rates(*counts, means, pooling)
    gains = (gains + n_prior * expected.gains) / (gains.sum(axis=1, keepdims=True) + n_prior)
    replacing = (replaced + _PRIOR_REPLACED * usual) / (
        replaced.sum(axis=1, keepdims=True) + _PRIOR_REPLACED
    )
    gains = np.maximum(gains, 1e-4)
    return replace(expected, missing=missing, wrong=wrong, gains=gains, replacing=replacing)


def _variants(base, doubt, n_open):
    """Return all sets that differ from the base only in the most doubtful labels."""
    order = np.argsort(-doubt, axis=1, kind="stable")[:, np.newaxis, :n_open]
    choices = (np.arange(2**n_open)[:, np.newaxis] >> np.arange(n_open)) & 1 == 1
    sets = np.repeat(base[:, np.newaxis], len(choices), axis=1)
    shape = (len(base), len(choices), n_open)
    np.put_along_axis(sets, np.broadcast_to(order, shape), np.broadcast_to(choices, shape), 2)
    return sets


def _banned(sets, constraints):
    """Return the log odds of impossible sets, 0 for the others, of shape (n_records, n_sets)."""
    if constraints is None:
        return np.zeros(sets.shape[:2], dtype=np.float32)
    return np.where(constraints.allowed(sets > 0.5), 0, _NEVER).astype(np.float32)


def _expected(shares, labels):
    return (shares[:, np.newaxis] @ labels)[:, 0]

"""Posterior: probability of labels, given features and weak labels with errors."""

from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit, logit

from sklearn_ecg.cleaning._calibration import Calibration, calibrate, find_lapses, regress
from sklearn_ecg.cleaning._label_errors import (
    LabelErrors,
    LabelPrior,
    belief_in,
    fit_errors,
    label_sets,
)
from sklearn_ecg.cleaning._noise_rates import (
    choose_pooling,
    noise_rates,
    rate_interval,
    single_belief,
)

# A weak record has half the weight of a trusted one in the calibration if the pooling of noise
# rates has this strength, in records; stronger pooling gives it more weight.
_HALF_TRUSTED = 30.0
_N_FOLDS = 5
# Fewer trusted records than this cannot calibrate a posterior.
_MIN_CONTROL = 10
# Numbers of simulations of noise on trusted records: for the extent, and for the judgement.
_N_DRAWS, _N_LESSONS = 3, 10
# Not 0: without noise all labels would be certain, and could not be ranked.
_LEAST_EXTENT = 0.1
_EXTENTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.3)
# Weight of the errors from `fit`, in records, when other records are cleaned.
_TRUST_IN_ERRORS = 50.0
# Coefficients of the judgement that believes the posterior as it is, and penalties of others.
_UNTAUGHT, _RELUCTANCE = np.array([0.0, 1.0, 0.0, 0.0]), np.array([1.0, 2.0, 1.0, 2.0])
# Of the errors in other labels that an answer should remove, so many are counted. (With 31 labels
# half to three quarters came true, with 5 to 9 nearly all; counting half is best for both.)
_SHARE_THAT_HOLDS = 0.5


class Posterior:
    """Probability of labels, given a record's features and its weak labels.

    Parameters
    ----------
    constraints : LabelConstraints, default=None
        The possible label sets.
    joint : bool
        Whether the labels of a record are weighed together.
    caution : float
        See `AFPLabelCleaner`.
    random_state : int

    Attributes
    ----------
    calibration : Calibration
    prior : LabelPrior
    control : Control or None
        Trusted records, on which noise is simulated to calibrate the posterior. With None the
        estimated errors are used without calibration.
    vouched : ndarray of bool of shape (n_labels,)
        The labels that trusted records show.
    errors : list of LabelErrors
        The errors of each source; None before `fit`.
    judgement : ndarray of shape (4,)
        Coefficients that map the log odds of a posterior to those of the belief: intercept, slope,
        and their changes if the weak label is present.
    """

    def __init__(self, *, constraints=None, joint, caution, random_state):
        self.constraints = constraints
        self.joint = joint
        self.caution = caution
        self.random_state = random_state

    def learn(self, scores, pinned, answered, sources, control, *, unseen):
        """Calibrate scores, and learn which labels come together.

        Parameters
        ----------
        scores : ndarray of shape (n_records, n_labels, n_scores)
        pinned : ndarray of shape (n_records, n_labels)
            Known labels, 1 or 0, else NaN.
        answered : ndarray of bool of shape (n_records, n_labels)
            Labels that are known because a person was asked.
        sources : ndarray of shape (n_records, n_labels, n_sources)
            NaN if unknown.
        control : ndarray of int
            Records whose labels are all known.
        unseen : ndarray of bool of shape (n_labels,)
            The labels that trusted records do not show.

        Returns
        -------
        self
        """
        targets, weights = _calibration_targets(scores, pinned, answered, sources, unseen)
        coefficients = calibrate(scores, targets, weights)
        single = LabelPrior.of_single_labels(len(unseen))
        self.calibration, self.prior, self.control = Calibration(coefficients), single, None
        self.vouched, self.errors, self.judgement = ~unseen, None, _UNTAUGHT
        if len(control) < _MIN_CONTROL:
            return self
        labels = pinned[control]
        rng = np.random.default_rng(self.random_state)
        folds = rng.permutation(len(control)) % _N_FOLDS
        probability = np.empty(labels.shape)
        for fold in range(_N_FOLDS):
            held_out = control[folds == fold]
            others = weights.copy()
            others[held_out] = 0
            found = calibrate(scores, targets, others, start=coefficients, n_rounds=2)
            probability[folds == fold] = Calibration(found).probability(scores[held_out])
        lapses = find_lapses(probability[:, ~unseen], labels[:, ~unseen])
        self.calibration = Calibration(coefficients, lapses)
        probability = self.calibration.with_lapses(probability)
        priors = [single] * _N_FOLDS
        if self.joint:
            seen = np.flatnonzero(~unseen)
            among = None if self.constraints is None else self.constraints.among(seen)
            given = probability[:, seen], labels[:, seen]
            prior = LabelPrior.fit(*given, among)
            priors = [
                LabelPrior.fit(
                    *(values[folds != fold] for values in given), among, start=prior, max_iter=15
                ).among(seen, len(unseen))
                for fold in range(_N_FOLDS)
            ]
            self.prior = prior.among(seen, len(unseen))
        self.control = Control(probability, labels, folds, priors)
        return self

    def fit(self, probability, sources, pinned, weak, start=None):
        """Estimate the errors of weak labels, and calibrate the posterior.

        Parameters
        ----------
        probability : ndarray of shape (n_records, n_labels)
            Probability of each label, given features only.
        sources : ndarray of shape (n_records, n_labels, n_sources)
        pinned : ndarray of shape (n_records, n_labels)
        weak : ndarray of bool of shape (n_records,)
            Records whose labels were not all trusted before answers.
        start : list of LabelErrors, default=None
            Errors of the same sources on other records.
        """
        known = _as_good_as_known(probability, pinned)
        pooling = choose_pooling(known, sources, self.vouched)
        self._rates = noise_rates(known, sources, pooling)
        self._pooling, self._extent = pooling, (1.0, 0.0)
        belief = _pin(single_belief(probability, sources, self._rates), pinned)
        given = probability, sources, belief, self.prior
        options = {"constraints": self.constraints, "pooling": pooling}
        if start is not None:
            self.errors = fit_errors(*given, start, **options, trust=_TRUST_IN_ERRORS)
            return
        absent = 1 - probability.mean(axis=0)
        start = [
            LabelErrors.independent(*rates, absent, coupled=self.joint) for rates in self._rates
        ]
        self.errors = fit_errors(*given, start, **options)
        if self.control is None:
            return
        rng = np.random.default_rng(self.random_state)
        # If sources labelled trusted records too, their errors are known, and need no simulation.
        if np.isnan(sources[~weak]).all():
            given = probability[weak], sources[weak], pinned[weak]
            belief = belief_in(self._label_sets(*given), self.prior, self.errors)
            self._extent = self._find_extent(belief, sources[weak], rng)
            self.errors = [errors.scaled(self._extent[0]) for errors in self.errors]
        self.judgement = self._learn_to_judge(sources[weak], rng)

    def _find_extent(self, belief, sources, rng):
        """Return the factor on the estimated noise that explains the weak records.

        Right labels may look wrong if features say little about them, or too much. Trusted records
        with simulated noise show how wrong labels look, without noise and with it.

        Returns
        -------
        extent, error : float
            The factor and its standard error.
        """
        shown, levels = _n_errors(belief, sources), []
        for extent in _EXTENTS:
            errors = [source.scaled(extent) for source in self.errors] if extent else None
            seen = []
            for _ in range(_N_DRAWS if extent else 1):
                said = self.control.sources(errors, sources, rng)
                seen.append(_n_errors(self._believe_control(said), said))
            if not extent:
                without = seen[0]
            levels.append(np.mean(seen))
        levels = np.maximum.accumulate(levels)
        error = np.sqrt(without.var() / len(without) + shown.var() / len(shown)) + 1e-12
        surplus = (shown.mean() - levels[0]) / error
        if surplus <= 0:
            return _LEAST_EXTENT, np.inf
        extent = np.interp(shown.mean(), levels, _EXTENTS)
        rise = max(levels[-1] - levels[0], 1e-12) / _EXTENTS[-1]
        extent *= surplus**2 / (surplus**2 + self.caution**2)
        return max(extent, _LEAST_EXTENT), error / rise

    def _learn_to_judge(self, sources, rng):
        """Fit the judgement, on trusted records with simulated noise."""
        lessons, answers = [], []
        for _ in range(_N_LESSONS):
            said = self.control.sources(self.errors, sources, rng)
            lessons.append(_lesson(self._believe_control(said), said))
            answers.append(self.control.labels)
        design = np.concatenate(lessons).reshape(-1, 1, len(_UNTAUGHT))
        answers = np.concatenate(answers).reshape(-1, 1)
        weights = np.full(answers.shape, 1 / _N_LESSONS)
        untaught = _UNTAUGHT[np.newaxis]
        return regress(design, answers, weights, untaught, untaught, _RELUCTANCE)[0]

    def weigh(self, probability, sources, pinned):
        """Return the probability of each label, and the errors that an answer resolves.

        Parameters
        ----------
        probability, sources, pinned
            As for `fit`.

        Returns
        -------
        belief, errors_resolved : ndarray of shape (n_records, n_labels)
        """
        belief, beyond = np.empty((2, *probability.shape))
        # Whole sets are judged as labels are, or an answer would seem to tell more than it does.
        shift = self.judgement[0] + self.judgement[2] * _mean_said(sources)[0]
        for part in self._label_sets(probability, sources, pinned):
            shares = part.shares(self.prior, self.errors)
            judged = part.tempered(shares, self.judgement[1], shift[part.rows])
            belief[part.rows] = part.belief(self.prior, self.errors)
            beyond[part.rows] = part.resolved_beyond(judged)
        believed = _pin(expit(_lesson(belief, sources) @ self.judgement), pinned)
        own = np.minimum(believed, 1 - believed)
        resolved = own + np.where(beyond > 0, _SHARE_THAT_HOLDS, 1.0) * beyond
        return believed, np.maximum(resolved, 0)

    def _label_sets(self, probability, sources, pinned):
        single = _pin(single_belief(probability, sources, self._rates), pinned)
        return label_sets(probability, sources, single, self.constraints)

    def _believe_control(self, said):
        return self.control.belief(said, self.errors, self._rates, self.constraints)

    def describe_errors(self, probability, sources, pinned):
        """Return the noise rates with their intervals.

        Parameters
        ----------
        probability, sources, pinned
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_sources, n_labels, 6)
            Columns `NOISE_RATES`.
        """
        known = _as_good_as_known(probability, pinned)
        shared = self._pooling, self._extent
        return np.array(
            [
                rate_interval(known, said, (errors.missing, errors.wrong), *shared)
                for said, errors in zip(np.moveaxis(sources, 2, 0), self.errors, strict=True)
            ]
        )


@dataclass(eq=False)
class Control:
    """Trusted records with cross-fitted probabilities and priors.

    Attributes
    ----------
    probability, labels : ndarray of shape (n_records, n_labels)
    folds : ndarray of int of shape (n_records,)
    priors : list of LabelPrior
        The prior of each fold, learned from the other folds.
    """

    probability: np.ndarray
    labels: np.ndarray
    folds: np.ndarray
    priors: list = field(repr=False)

    def sources(self, errors, like, rng):
        """Simulate the labels of sources for these records; without errors, return the truth.

        Labels are unknown as often as in `like`.
        """
        said = [
            self.labels if errors is None else errors[m].simulate(self.labels, rng)
            for m in range(like.shape[2])
        ]
        said = np.stack(said, axis=2).astype(float)
        silent = np.isnan(like).mean(axis=0)
        if silent.any():
            said[rng.random(said.shape) < silent] = np.nan
        return said

    def belief(self, said, errors, rates, constraints):
        """Return the posterior of these records as if they were weak, before the judgement."""
        belief = np.empty(self.labels.shape)
        for fold, prior in enumerate(self.priors):
            rows = self.folds == fold
            probability, sources = self.probability[rows], said[rows]
            single = single_belief(probability, sources, rates)
            parts = label_sets(probability, sources, single, constraints)
            belief[rows] = belief_in(parts, prior, errors)
        return belief


def first_belief(pinned, sources):
    """Return the known label, else the mean of the sources, else the label's frequency."""
    said, is_said = _mean_said(sources)
    belief = np.where(np.isnan(pinned), np.where(is_said, said, np.nan), pinned)
    frequency = np.nan_to_num(belief).sum(axis=0) / np.maximum((~np.isnan(belief)).sum(axis=0), 1)
    return np.where(np.isnan(belief), frequency, belief)


def _calibration_targets(scores, pinned, answered, sources, unseen):
    """Return targets and weights of the calibration: known labels, and the belief in the others.

    Weak records are included, because there are more of them and their patients may differ. Their
    weight is smaller if the noise rates of labels differ much, because the rates are then hard to
    estimate. Answered labels have the weight of weak ones, because they were asked for looking
    wrong.
    """
    known = ~np.isnan(pinned)
    vouched = known & ~answered & ~unseen
    targets = np.where(known, pinned, 0.0)
    weights = np.where(vouched, 1.0, 0.0)
    speaking = (~np.isnan(sources)).any(axis=2)
    if not speaking.any():
        return targets, weights
    if unseen.any():
        said = np.clip(first_belief(np.full(pinned.shape, np.nan), sources), 0.05, 0.9)
        targets = np.where(unseen & speaking, said, targets)
        weights = np.where(unseen & speaking, 1.0, weights)
    weak = speaking.any(axis=1)
    coefficients, pooling = None, None
    for _ in range(3):
        coefficients = calibrate(scores, targets, weights, start=coefficients)
        probability = Calibration(coefficients).probability(scores[weak])
        probability = _as_good_as_known(probability, pinned[weak])
        if pooling is None:
            pooling = choose_pooling(probability, sources[weak], ~unseen)
        rates = noise_rates(probability, sources[weak], pooling)
        believed = np.zeros(targets.shape)
        believed[weak] = single_belief(probability, sources[weak], rates)
        targets = np.where(vouched, targets, np.where(answered, pinned, believed))
        share = np.where(unseen, 1.0, pooling / (pooling + _HALF_TRUSTED))
        weights = np.where(vouched, 1.0, share * speaking)
    return targets, weights


def _mean_said(sources):
    """Return the mean of what the sources say, 0 if none says anything, and whether any does."""
    speaking = ~np.isnan(sources)
    n_speaking = speaking.sum(axis=2)
    return np.where(speaking, sources, 0).sum(axis=2) / np.maximum(n_speaking, 1), n_speaking > 0


def _pin(belief, pinned):
    return np.where(np.isnan(pinned), belief, pinned)


def _as_good_as_known(probability, pinned):
    return _pin(probability, np.clip(pinned, 1e-3, 1 - 1e-3))


def _n_errors(belief, sources):
    """Return the expected number of errors of each record, of shape (n_records,)."""
    return np.nan_to_num(np.abs(sources - belief[..., np.newaxis])).sum(axis=(1, 2))


def _lesson(belief, sources):
    """Return the inputs of the judgement for each label, of shape (n_records, n_labels, 4)."""
    log_odds, (said, _) = logit(np.clip(belief, 1e-4, 1 - 1e-4)), _mean_said(sources)
    return np.stack([np.ones_like(said), log_odds, said, said * log_odds], axis=2)

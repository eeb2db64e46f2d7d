"""BayesMethod: combine features and weak labels by Bayes' rule, learned from trusted records."""

from copy import copy
from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit, logit

from sklearn_ecg.cleaning._calibration import Calibration, calibrate, find_lapses, regress
from sklearn_ecg.cleaning._decisions import Decisions
from sklearn_ecg.cleaning._label_errors import (
    NOISE_RATES,
    LabelErrors,
    LabelPrior,
    belief_in,
    choose_pooling,
    fit_errors,
    label_sets,
    noise_rates,
    rate_interval,
    single_belief,
)
from sklearn_ecg.cleaning._memory import remembered
from sklearn_ecg.cleaning._scaling import FeatureScaling
from sklearn_ecg.utils import announce

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


class BayesMethod:
    """Combine features and weak labels in rounds.

    A round fits discriminators to the present belief in the labels, calibrates their scores, and
    combines them with the weak labels, whose errors it estimates.

    Parameters
    ----------
    discriminators : Discriminators
    evidence : PatternEvidence
        Explains decisions, but makes none.
    constraints : LabelConstraints, default=None
        The possible label sets.
    joint : bool
        Whether the labels of a record are weighed together.
    caution : float
        See `AFPLabelCleaner`.
    min_confidence : float
        A label is undecided if neither value has this probability.
    max_iter : int
        Largest number of rounds.
    random_state : int
    memory : str or joblib.Memory, default=None
    n_jobs : int, default=None
    verbose : int, default=0

    Attributes
    ----------
    noise_rates_ : ndarray of shape (n_sources, n_labels, 6)
        Columns `NOISE_RATES`; NaN for labels that are not learned.
    lifetimes_ : ndarray of int of shape (n_records,)
    n_iter_ : int
    """

    cleans_unseen = True

    def __init__(
        self,
        discriminators,
        evidence,
        *,
        constraints=None,
        joint,
        caution,
        min_confidence,
        max_iter,
        random_state,
        memory=None,
        n_jobs=None,
        verbose=0,
    ):
        self.discriminators = discriminators
        self.evidence = evidence
        self.constraints = constraints
        self.joint = joint
        self.caution = caution
        self.min_confidence = min_confidence
        self.max_iter = max_iter
        self.random_state = random_state
        self.memory = memory
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, table, labels, trusted, answered, sources, *, learned, unseen):
        """Learn from all records, and clean those whose labels are not all trusted.

        Parameters
        ----------
        table : ndarray of shape (n_records, n_features)
            NaN for features that were not measured.
        labels : ndarray of int8 of shape (n_records, n_labels)
        trusted : ndarray of bool of shape (n_records, n_labels)
        answered : ndarray of bool of shape (n_records, n_labels)
            The trusted labels that a person was asked about because they looked wrong.
        sources : ndarray of shape (n_records, n_labels, n_sources)
            The labels of each source, in [0, 1]; NaN if unknown.
        learned : ndarray of bool of shape (n_labels,)
            The labels to clean.
        unseen : ndarray of bool of shape (n_labels,)
            The labels among them that trusted records do not show; they are learned from weak
            records alone.

        Returns
        -------
        Decisions
            For the records whose labels are not all trusted.
        """
        self._scaling = FeatureScaling.learn(table)
        self.evidence.fit(table, labels, trusted, self._scaling)
        self._learned = np.flatnonzero(learned)
        self.noise_rates_ = np.full((sources.shape[2], labels.shape[1], len(NOISE_RATES)), np.nan)
        weak = ~trusted.all(axis=1)
        self.n_iter_, self.lifetimes_ = 0, np.zeros(len(labels), dtype=int)
        decisions = Decisions.keeping(labels[weak], trusted[weak])
        if not learned.any():
            return decisions
        iterate = clean_in_rounds
        if self.memory is not None:
            iterate = remembered(self.memory, clean_in_rounds, ignore=["n_jobs", "verbose"])
        rounds = iterate(
            self._scaling.standardise(table),
            labels[:, learned],
            trusted[:, learned],
            answered[:, learned],
            sources[:, learned],
            self.discriminators,
            unseen=unseen[learned],
            constraints=self._constraints_on_learned(labels.shape[1]),
            joint=self.joint,
            caution=self.caution,
            max_iter=self.max_iter,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        self._discriminators, self._posterior = rounds.discriminators, rounds.posterior
        self.n_iter_, self.lifetimes_[weak] = rounds.n_iter, rounds.n_iter
        self.noise_rates_[:, learned] = rounds.noise_rates
        return self._decide(
            decisions,
            rounds.belief[weak],
            rounds.errors_resolved[weak],
            rounds.by_features[weak],
        )

    def clean(self, table, weak, sources):
        """Clean records that `fit` did not see, and estimate the errors of their labels.

        Parameters
        ----------
        table : ndarray of shape (n_records, n_features)
        weak : ndarray of int8 of shape (n_records, n_labels)
        sources : ndarray of shape (n_records, n_labels, n_sources)

        Returns
        -------
        Decisions
        """
        probability = self._posterior.calibration.probability(
            self._discriminators.score(self._scaling.standardise(table))
        )
        posterior, sources = copy(self._posterior), sources[:, self._learned]
        pinned = np.full(probability.shape, np.nan)
        none_trusted = np.ones(len(pinned), dtype=bool)
        posterior.fit(probability, sources, pinned, none_trusted, start=posterior.errors)
        belief, resolved = posterior.weigh(probability, sources, pinned)
        decisions = Decisions.keeping(weak, np.zeros(weak.shape, dtype=bool))
        return self._decide(decisions, belief, resolved, probability)

    def _constraints_on_learned(self, n_labels):
        if self.constraints is None or len(self._learned) == n_labels:
            return self.constraints
        return self.constraints.among(self._learned)

    def _decide(self, decisions, belief, errors_resolved, by_features):
        """Change improbable labels, and confirm probable ones."""
        weak = decisions.labels[:, self._learned]
        value = belief > 0.5
        probable = np.maximum(belief, 1 - belief)
        # A posterior that is one half by symmetry must not be decided by its last digit.
        sure = (probable >= self.min_confidence) & (probable > 0.5 + 1e-9)
        if self.constraints is not None:
            sure = self._sure_together(sure, value, decisions.labels)
        provenance = np.select(
            [~sure, value == weak, value], ["undecided", "confirmed", "added"], "removed"
        )
        of_weak = np.select([weak == 1, weak == 0], [belief, 1 - belief], 0.5)
        decisions.labels[:, self._learned] = np.where(sure, value, weak)
        decisions.provenance[:, self._learned] = provenance
        decisions.confidence[:, self._learned] = np.where(sure, probable, of_weak)
        decisions.belief[:, self._learned] = belief
        decisions.errors_resolved[:, self._learned] = errors_resolved
        decisions.by_features[:, self._learned] = by_features
        return decisions

    def _sure_together(self, sure, value, labels):
        """Return a mask of decided labels such that changed labels break no constraint.

        For example, all of three exclusive classes may be improbable. A person must then decide.
        """
        decided = labels.copy()
        broken = sure
        # A label that returns to its weak value may break another constraint.
        while broken.any():
            decided[:, self._learned] = np.where(sure, value, labels[:, self._learned])
            broken = sure & self.constraints.violations(decided)[:, self._learned]
            sure = sure & ~broken
        return sure


@dataclass(eq=False)
class Rounds:
    """Results of `clean_in_rounds`.

    Attributes
    ----------
    belief : ndarray of shape (n_records, n_labels)
        Probability of each label, given features and weak labels.
    errors_resolved : ndarray of shape (n_records, n_labels)
        Expected number of the record's errors that a person's answer about the label removes.
    by_features : ndarray of shape (n_records, n_labels)
        Probability of each label, given features only.
    posterior : Posterior
    discriminators : Discriminators
        Fitted in the last round.
    noise_rates : ndarray of shape (n_sources, n_labels, 6)
    n_iter : int
    """

    belief: np.ndarray
    errors_resolved: np.ndarray
    by_features: np.ndarray
    posterior: object
    discriminators: object
    noise_rates: np.ndarray
    n_iter: int


def clean_in_rounds(
    X,
    labels,
    trusted,
    answered,
    sources,
    discriminators,
    *,
    unseen,
    constraints,
    joint,
    caution,
    max_iter,
    random_state,
    n_jobs=None,
    verbose=0,
):
    """Fit discriminators to the belief in the labels, update the belief, and repeat.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_features)
    labels : ndarray of shape (n_records, n_labels)
        1, 0 or -1; weak unless trusted.
    trusted, answered : ndarray of bool of shape (n_records, n_labels)
        As for `BayesMethod.fit`.
    sources : ndarray of shape (n_records, n_labels, n_sources)
    discriminators : Discriminators
    unseen : ndarray of bool of shape (n_labels,)
        The labels that trusted records do not show.
    constraints : LabelConstraints or None
    joint : bool
    caution : float
    max_iter : int
    random_state : int
    n_jobs : int, default=None
    verbose : int, default=0

    Returns
    -------
    Rounds
    """
    discriminators = copy(discriminators)
    known = trusted & (labels != -1)
    pinned = np.where(known, labels == 1, np.nan)
    # Answered labels looked wrong, so they are not representative of other labels.
    trusted = trusted & ~answered
    control = np.flatnonzero((known & trusted).all(axis=1))
    weak = ~trusted.all(axis=1)
    # The labels of sources for trusted records show the errors of the sources.
    asked = weak | (~np.isnan(sources)).any(axis=(1, 2))
    belief = _first_belief(pinned, sources)
    resolved = np.zeros(belief.shape)
    if not weak.any():
        max_iter = 1
    for n_iter in range(1, max_iter + 1):
        stage = f"Cleaning labels, round {n_iter} of at most {max_iter}"
        targets = belief
        if n_iter > 1:
            targets = as_doubtful(belief, trusted, ~unseen, random_state + n_iter)
        scores = discriminators.fit_score(X, targets, n_jobs=n_jobs, stage=stage, verbose=verbose)
        announce(f"{stage}: weighing labels", verbose)
        posterior = Posterior.learn(
            scores,
            pinned,
            answered,
            sources,
            control,
            unseen=unseen,
            constraints=constraints,
            joint=joint,
            caution=caution,
            random_state=random_state,
        )
        probability = posterior.calibration.probability(scores)
        if not weak.any():
            break
        posterior.fit(probability[asked], sources[asked], pinned[asked], weak[asked])
        updated = belief.copy()
        updated[weak], resolved[weak] = posterior.weigh(
            probability[weak], sources[weak], pinned[weak]
        )
        unchanged = ((updated > 0.5) == (belief > 0.5)).all()
        belief = updated
        if unchanged:
            break
    rates = np.full((sources.shape[2], labels.shape[1], len(NOISE_RATES)), np.nan)
    if weak.any():
        rates = posterior.describe_errors(probability[asked], sources[asked], pinned[asked])
    return Rounds(belief, resolved, probability, posterior, discriminators, rates, n_iter)


class Posterior:
    """Probability of labels, given a record's features and its weak labels.

    Parameters
    ----------
    calibration : Calibration
    prior : LabelPrior
    control : Control, default=None
        Trusted records, on which noise is simulated to calibrate the posterior. With None the
        estimated errors are used without calibration.
    vouched : ndarray of bool of shape (n_labels,)
        The labels that trusted records show.
    constraints : LabelConstraints or None
    joint : bool
    caution : float
    random_state : int

    Attributes
    ----------
    errors : list of LabelErrors
        The errors of each source; None before `fit`.
    judgement : ndarray of shape (4,)
        Coefficients that map the log odds of a posterior to those of the belief: intercept, slope,
        and their changes if the weak label is present.
    """

    def __init__(
        self, calibration, prior, control, *, vouched, constraints, joint, caution, random_state
    ):
        self.calibration = calibration
        self.prior = prior
        self.control = control
        self.vouched = vouched
        self.constraints = constraints
        self.joint = joint
        self.caution = caution
        self.random_state = random_state
        self.errors, self.judgement = None, _UNTAUGHT

    @classmethod
    def learn(
        cls,
        scores,
        pinned,
        answered,
        sources,
        control,
        *,
        unseen,
        constraints,
        joint,
        random_state,
        caution,
    ):
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
        constraints, joint, caution, random_state
            As for `Posterior`.

        Returns
        -------
        Posterior
        """
        targets, weights = _calibration_targets(scores, pinned, answered, sources, unseen)
        coefficients = calibrate(scores, targets, weights)
        options = {
            "vouched": ~unseen,
            "constraints": constraints,
            "joint": joint,
            "caution": caution,
            "random_state": random_state,
        }
        single = LabelPrior.of_single_labels(len(unseen))
        if len(control) < _MIN_CONTROL:
            return cls(Calibration(coefficients), single, None, **options)
        labels = pinned[control]
        rng = np.random.default_rng(random_state)
        folds = rng.permutation(len(control)) % _N_FOLDS
        probability = np.empty(labels.shape)
        for fold in range(_N_FOLDS):
            held_out = control[folds == fold]
            others = weights.copy()
            others[held_out] = 0
            found = calibrate(scores, targets, others, start=coefficients, n_rounds=2)
            probability[folds == fold] = Calibration(found).probability(scores[held_out])
        lapses = find_lapses(probability[:, ~unseen], labels[:, ~unseen])
        probability = Calibration(None, lapses).with_lapses(probability)
        prior, priors = single, [single] * _N_FOLDS
        if joint:
            seen = np.flatnonzero(~unseen)
            among = constraints.among(seen) if constraints and unseen.any() else constraints
            given = probability[:, seen], labels[:, seen]
            prior = LabelPrior.fit(*given, among)
            priors = [
                LabelPrior.fit(
                    *(values[folds != fold] for values in given), among, start=prior, max_iter=15
                ).among(seen, len(unseen))
                for fold in range(_N_FOLDS)
            ]
            prior = prior.among(seen, len(unseen))
        control = Control(probability, labels, folds, priors)
        return cls(Calibration(coefficients, lapses), prior, control, **options)

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
        belief, resolved = np.empty((2, *probability.shape))
        for part in self._label_sets(probability, sources, pinned):
            belief[part.rows] = part.belief(self.prior, self.errors)
            resolved[part.rows] = part.errors_resolved(self.prior, self.errors)
        believed = _pin(expit(_lesson(belief, sources) @ self.judgement), pinned)
        # The judgement changes the doubt about a record's labels; scale the errors with it.
        doubt = [np.minimum(of, 1 - of).sum(axis=1, keepdims=True) for of in (believed, belief)]
        return believed, resolved * doubt[0] / np.maximum(doubt[1], 1e-9)

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
        return np.array(
            [
                rate_interval(known, said, errors, self._pooling, self._extent)
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


def as_doubtful(belief, trusted, learned, random_state):
    """Make the belief in trusted labels as uncertain as the belief in weak labels.

    Discriminators are calibrated on scores of trusted records. If training used certain labels of
    trusted records of the same patients, these scores would be too certain compared with those of
    weak records. So each trusted label is replaced by the belief in a weak record's label. The weak
    record is drawn with the probability that it has the same label.

    Parameters
    ----------
    belief : ndarray of shape (n_records, n_labels)
    trusted : ndarray of bool of shape (n_records, n_labels)
    learned : ndarray of bool of shape (n_labels,)
    random_state : int

    Returns
    -------
    ndarray of shape (n_records, n_labels)
    """
    lent = belief.copy()
    for label in np.flatnonzero(learned):
        rng = np.random.default_rng(random_state)
        ours = trusted[:, label]
        theirs = belief[~ours, label]
        for present, probability in ((1.0, theirs), (0.0, 1 - theirs)):
            rows = np.flatnonzero(ours & (belief[:, label] == present))
            if probability.sum() > 0:
                lent[rows, label] = rng.choice(theirs, len(rows), p=probability / probability.sum())
    return lent


def _first_belief(pinned, sources):
    """Return the known label, else the mean of the sources, else the label's frequency."""
    speaking = ~np.isnan(sources)
    n_speaking = speaking.sum(axis=2)
    said = np.where(speaking, sources, 0).sum(axis=2) / np.maximum(n_speaking, 1)
    belief = np.where(np.isnan(pinned), np.where(n_speaking > 0, said, np.nan), pinned)
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
        said = np.clip(_first_belief(np.full(pinned.shape, np.nan), sources), 0.05, 0.9)
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


def _pin(belief, pinned):
    return np.where(np.isnan(pinned), belief, pinned)


def _as_good_as_known(probability, pinned):
    return _pin(probability, np.clip(pinned, 1e-3, 1 - 1e-3))


def _n_errors(belief, sources):
    """Return the expected number of errors of each record, of shape (n_records,)."""
    return np.nan_to_num(np.abs(sources - belief[..., np.newaxis])).sum(axis=(1, 2))


def _lesson(belief, sources):
    """Return the inputs of the judgement for each label, of shape (n_records, n_labels, 4)."""
    log_odds = logit(np.clip(belief, 1e-4, 1 - 1e-4))
    speaking = ~np.isnan(sources)
    said = np.where(speaking, sources, 0).sum(axis=2) / np.maximum(speaking.sum(axis=2), 1)
    return np.stack([np.ones_like(said), log_odds, said, said * log_odds], axis=2)

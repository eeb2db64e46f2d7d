"""The stages of label cleaning, from a feature table on."""

import pickle
import warnings
from dataclasses import replace

import numpy as np
from sklearn.utils.validation import check_memory

from sklearn_ecg.cleaning._anchors import find_anchor_labels, find_anchor_patterns
from sklearn_ecg.cleaning._decisions import Decisions, decide
from sklearn_ecg.cleaning._discriminators import ClassifierDiscriminator, ForestDiscriminator
from sklearn_ecg.cleaning._lifetimes import mean_path_length
from sklearn_ecg.cleaning._noise import describe_noise_rates
from sklearn_ecg.cleaning._patterns import find_patterns
from sklearn_ecg.cleaning._rounds import clean_in_rounds, probabilities
from sklearn_ecg.cleaning._rules import (
    apply_exclusion,
    apply_inclusion,
    exclusion_rules,
    inclusion_rules,
)
from sklearn_ecg.cleaning._thresholds import clean_by_thresholds, pattern_discriminators
from sklearn_ecg.mixture import DirichletProcessGaussianMixture

# Fewer records than this with or without a label teach nothing of it.
_MIN_EXAMPLES = 5
# With "bayes", rules and anchors that are right less often than this on trusted records are mute.
_MIN_ACCURACY = 0.95


class CleaningStages:
    """What `AFPLabelCleaner` does once input is checked, one method per stage.

    Stage 1 finds patterns, anchors and rules; stage 2 cleans in rounds. The attributes are those
    of the estimator.
    """

    def _find_learnable(self, labels, trusted, measured):
        """Find labels with enough examples on each side, and name the others."""
        by_trusted = _enough(labels[trusted & measured])
        by_weak = _enough(labels[~trusted & measured]) if not trusted.all() else by_trusted
        learned = by_trusted & by_weak
        by_weak_alone = self.unseen == "clean" and self.method == "bayes" and learned.any()
        self._unseen = by_weak & ~by_trusted if by_weak_alone else np.zeros_like(learned)
        self.learned_ = learned | self._unseen
        if not learned.all():
            names = ", ".join(self.label_names_[~learned])
            fate = "they are kept as they are"
            if self._unseen.any():
                cleaned = ", ".join(self.label_names_[self._unseen])
                fate = f"of these {cleaned} are cleaned by what weak records say alone"
            warnings.warn(
                f"Too few examples of labels {names} among the trusted or among the weak records "
                f"({_MIN_EXAMPLES} with and {_MIN_EXAMPLES} without a label are needed, fewer "
                f"among less than {4 * _MIN_EXAMPLES} records); {fate}. Trust "
                "more records that have them to clean them too.",
                UserWarning,
                stacklevel=4,
            )

    def _learn_patterns(self, filled, labels, trusted):
        """Find patterns, anchors and rules (stage 1)."""
        X = self._scaling.scale(filled)
        self.patterns_, anchors = check_memory(self.memory).cache(
            _find_patterns_and_anchors, ignore=["n_jobs"]
        )(X, labels, trusted, self._mixture(), random_state=self._seed, n_jobs=self.n_jobs)
        self._anchors = anchors if self.anchors else []
        anchored = find_anchor_labels(self._anchors, X, labels)
        fully_anchored = (labels == 1).any(axis=1) & ((labels != 1) | (anchored > 0)).all(axis=1)
        self._training = trusted | fully_anchored
        self._inclusion, self._exclusion = [], []
        if self.rules:
            data = X[self._training], labels[self._training], trusted[self._training]
            of_present = [p for p in self.patterns_ if p.present and p.source == "trusted"]
            self._inclusion = inclusion_rules(
                of_present,
                *data,
                min_support=self.min_support,
                min_confidence=self.min_confidence,
                min_correlation=self.min_correlation,
            )
            self._exclusion = exclusion_rules(
                *data[1:], min_support=self.min_support, max_exclusion=self.max_exclusion
            )
        return anchored

    def _mixture(self):
        if self.mixture is not None:
            return self.mixture
        if self.method == "paper":
            return DirichletProcessGaussianMixture(inference="gibbs", max_iter=20)
        # Here patterns explain and start what trees decide; more records do not change them.
        return DirichletProcessGaussianMixture(n_components=8, max_iter=30, max_samples=2000)

    def _learn_labels(self, filled, labels, trusted, patients, anchored):
        """Clean the weak records in rounds (stage 2); return decisions on them, and lifetimes."""
        X = self._scaling.scale(filled)
        learned = np.flatnonzero(self.learned_)
        path_length = check_memory(self.memory).cache(mean_path_length, ignore=["n_jobs"])(
            X, random_state=self._seed, n_jobs=self.n_jobs
        )
        self._calibrations, self._pattern_discriminators = {}, {}
        if self.method == "bayes" and self.discriminators and len(learned):
            clean = clean_in_rounds
            if self.memory is not None:
                cache = check_memory(self.memory).cache
                clean = cache(_clean_in_rounds_packed, ignore=["n_jobs", "verbose"])
            rounds = clean(
                self._scaling.standardise(filled),
                labels,
                trusted,
                self._discriminator(patients),
                learned=np.flatnonzero(self.learned_ & ~self._unseen),
                unseen=np.flatnonzero(self._unseen),
                anchored=self._trusted_anchors(anchored),
                joint=self.joint,
                path_length=path_length,
                lifetime_rate=self.lifetime_rate,
                max_iter=self.max_iter,
                random_state=self._seed,
                n_jobs=self.n_jobs,
                verbose=self.verbose,
            )
            self._calibrations, self._errors = rounds.calibrations, rounds.errors
            self._fitted_discriminator = rounds.discriminator
            self.n_iter_, lived = rounds.n_iter, rounds.lifetimes[~trusted]
            decisions = self._decide(
                rounds.belief[~trusted], X[~trusted], labels[~trusted], anchored[~trusted]
            )
            decisions.settled = rounds.settled[~trusted]
        else:
            if self.discriminators:
                of_trusted = [p for p in self.patterns_ if p.source == "trusted"]
                self._pattern_discriminators = pattern_discriminators(
                    of_trusted, X[self._training], learned
                )
            decisions, lived, self.n_iter_ = self._clean_by_thresholds(
                X[~trusted],
                labels[~trusted],
                anchored[~trusted],
                path_length=path_length[~trusted],
                update=True,
            )
        self._noise_rates = self._describe_noise(labels[~trusted], decisions)
        return decisions, lived

    def _discriminator(self, patients):
        if self.discriminator is None:
            return ForestDiscriminator(random_state=self._seed)
        return ClassifierDiscriminator(self.discriminator, patients, random_state=self._seed)

    def _trusted_anchors(self, anchored):
        return anchored >= _MIN_ACCURACY

    def _decide(self, belief, X, weak, anchored):
        settled = (belief >= _MIN_ACCURACY).astype(np.int8)
        return decide(
            belief,
            weak,
            anchors=anchored,
            included=apply_inclusion(self._firing(self._inclusion), X, settled),
            excluded=apply_exclusion(self._firing(self._exclusion), settled),
            min_accuracy=_MIN_ACCURACY,
            margin=self.margin,
        )

    def _firing(self, rules):
        """Rules that are applied: with "bayes" those that hold on the trusted records."""
        if self.method == "paper":
            return rules
        return [rule for rule in rules if rule.accuracy >= _MIN_ACCURACY]

    def _clean_by_thresholds(self, X, weak, anchored, *, path_length, update):
        if self.method == "bayes":
            anchored = np.where(self._trusted_anchors(anchored), anchored, 0)
        return clean_by_thresholds(
            X,
            weak,
            self._pattern_discriminators,
            self._firing(self._inclusion),
            self._firing(self._exclusion),
            anchored=anchored,
            learned=np.flatnonzero(self.learned_),
            path_length=path_length,
            lifetime_rate=self.lifetime_rate,
            max_iter=self.max_iter,
            update=update,
            verbose=self.verbose,
        )

    def _describe_noise(self, weak, decisions):
        """Return expected noise rates and their intervals, a row per label."""
        described = np.full((len(self.label_names_), 6), np.nan)
        for label in np.flatnonzero(self.learned_):
            # Thresholds give no probability; what they decide is taken as certain.
            belief = decisions.belief if label in self._calibrations else decisions.labels == 1
            described[label] = describe_noise_rates(1.0 * belief[:, label], weak[:, label])
        return described

    def _clean_table(self, table, weak):
        """Clean records that `fit` did not see."""
        results = Decisions.keeping(weak, "undecided")
        rows = np.flatnonzero(~np.isnan(table).all(axis=1))
        learned = np.flatnonzero(self.learned_)
        if len(rows) and len(learned):
            filled = self._scaling.fill(table[rows])
            X, given = self._scaling.scale(filled), weak[rows]
            anchored = find_anchor_labels(self._anchors, X, given)
            if self._calibrations:
                belief = self._believe(filled, given)
                decisions = self._decide(belief, X, given, anchored)
            else:
                path_length = mean_path_length(X, random_state=self._seed)
                decisions, _, _ = self._clean_by_thresholds(
                    X, given, anchored, path_length=path_length, update=False
                )
            results.put(rows, learned, decisions)
        return self._final_labels(results, rows), results

    def _believe(self, filled, weak):
        """Combine learned scores with weak labels, at the errors of these records."""
        discriminator = self._fitted_discriminator
        if isinstance(discriminator, bytes):
            discriminator = pickle.loads(discriminator)
        scores = discriminator.score(self._scaling.standardise(filled))
        probability = probabilities(self._calibrations, scores)
        cleaned = list(self._calibrations)
        errors = self._errors.adapted(probability, weak[:, cleaned])
        belief = np.zeros(weak.shape)
        belief[:, cleaned] = errors.posterior(probability, weak[:, cleaned])
        return belief

    def _final_labels(self, results, judged_rows):
        """Apply the policy of `undecided` to what was judged; the rest keeps its weak label."""
        labels = results.labels.copy()
        if self.undecided == "unknown":
            judged = np.zeros(labels.shape, dtype=bool)
            judged[np.ix_(judged_rows, np.flatnonzero(self.learned_))] = True
            labels[judged & (results.provenance == "undecided")] = -1
        return labels


def _find_patterns_and_anchors(X, labels, trusted, mixture, *, random_state, n_jobs=None):
    """Find both in one call, so that a cache need not tell hundreds of patterns from others."""
    patterns = find_patterns(X, labels, trusted, mixture, random_state=random_state, n_jobs=n_jobs)
    return patterns, find_anchor_patterns(patterns, X, labels, trusted)


def _clean_in_rounds_packed(*args, n_jobs=None, verbose=0, **options):
    """Clean in rounds, the discriminator packed: only new records need it, if any come.

    Of all that a cache holds, hundreds of trees take longest to build again from a file.
    """
    rounds = clean_in_rounds(*args, n_jobs=n_jobs, verbose=verbose, **options)
    return replace(rounds, discriminator=pickle.dumps(rounds.discriminator))


def _enough(labels):
    """Whether records with and without each label are enough to learn it."""
    needed = min(_MIN_EXAMPLES, max(len(labels) // 4, 1))
    return ((labels == 1).sum(axis=0) >= needed) & ((labels == 0).sum(axis=0) >= needed)

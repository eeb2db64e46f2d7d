"""Errors of label sets and their posterior, against plain loops over all label sets."""

import tracemalloc
from dataclasses import replace
from itertools import product
from math import exp, factorial, log

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import approx_fprime
from scipy.special import expit, logit
from simulated_tables import make_noisy

from sklearn_ecg.cleaning import _label_errors
from sklearn_ecg.cleaning._constraints import LabelConstraints
from sklearn_ecg.cleaning._label_errors import (
    LabelErrors,
    LabelPrior,
    LabelSets,
    belief_in,
    fit_errors,
    label_sets,
)
from sklearn_ecg.cleaning._noise_rates import choose_pooling, noise_rates, single_belief


def make_errors(rng, n_labels, *, coupled):
    gains, replacing = rng.random((4, 4)) + 0.1, rng.random((n_labels + 1, n_labels))
    return LabelErrors(
        rng.uniform(0.05, 0.4, n_labels),
        rng.uniform(0.05, 0.3, n_labels),
        gains / gains.sum(axis=1, keepdims=True),
        replacing / replacing.sum(axis=1, keepdims=True),
        coupled,
    )


def make_prior(rng, n_labels):
    bonds = np.triu(rng.normal(0, 1, (n_labels, n_labels)), 1)
    return LabelPrior(
        rng.uniform(0.5, 1.2, n_labels), rng.normal(0, 0.5, n_labels), bonds + bonds.T
    )


def make_sources(rng, shape, kind):
    """Weak labels of two sources, of which some are unknown."""
    said = rng.choice([0.0, 1.0], (*shape, 2), p=[0.6, 0.4])
    if kind == "soft":
        said = rng.random((*shape, 2))
    said[rng.random(said.shape) < 0.15] = np.nan
    return said


def log_prior(true, probability, prior):
    total = 0.0
    for label, present in enumerate(true):
        if present:
            total += prior.slopes[label] * logit(probability[label]) + prior.bias[label]
            for other in range(label):
                total += true[other] * prior.bonds[label, other]
    return total


def log_likelihood(true, said, errors):
    """Of one source; of soft labels each outcome counts by its share."""
    known = [label for label in range(len(true)) if not np.isnan(said[label])]
    lost = {label: 1 - said[label] for label in known if true[label]}
    gained = {label: said[label] for label in known if not true[label]}
    total = 0.0
    for label in lost:
        rate = errors.missing[label]
        total += lost[label] * log(rate) + (1 - lost[label]) * log(1 - rate)
    if not errors.coupled:
        for label in gained:
            rate = errors.wrong[label]
            total += gained[label] * log(rate) + (1 - gained[label]) * log(1 - rate)
        return total
    n_lost, n_gained = (min(round(sum(n.values())), 3) for n in (lost, gained))
    if round(sum(1 - share for share in gained.values())) == 0:
        # No label is left to gain.
        return total + log(errors.gains[n_lost, n_gained:].sum())
    total += log(errors.gains[n_lost, n_gained] * factorial(n_gained))
    weight = {label: errors.replacing[-1][label] for label in gained}
    if n_lost:
        weight = {
            label: sum(share * errors.replacing[one][label] for one, share in lost.items())
            for label in gained
        }
    for label in gained:
        total += gained[label] * log(weight[label] / sum(weight.values()))
    return total


def joint_probabilities(sets, probability, sources, prior, errors, constraints=None):
    joint = []
    for true in sets:
        if constraints is not None and not constraints.allowed(true):
            joint.append(0.0)
            continue
        total = log_prior(true, probability, prior)
        for m, of_source in enumerate(errors):
            total += log_likelihood(true, sources[:, m], of_source)
        joint.append(exp(total))
    return np.array(joint) / sum(joint)


def all_open(probability, sources, constraints=None):
    """Label sets in which nothing is taken as certain."""
    doubtful = np.full(probability.shape, 0.5)
    rows, n_labels = np.arange(len(probability)), probability.shape[1]
    return LabelSets(rows, probability, sources, doubtful, n_labels, constraints)


@pytest.mark.parametrize("n_labels", [1, 2, 4])
@pytest.mark.parametrize("coupled", [True, False])
@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_posterior_weighs_all_label_sets(rng, n_labels, coupled, kind):
    errors = [make_errors(rng, n_labels, coupled=coupled) for _ in range(2)]
    prior = make_prior(rng, n_labels)
    probability = rng.uniform(0.1, 0.9, (30, n_labels))
    sources = make_sources(rng, (30, n_labels), kind)
    sets = list(product((0, 1), repeat=n_labels))
    expected = [
        joint_probabilities(sets, *given, prior, errors) @ np.array(sets)
        for given in zip(probability, sources, strict=True)
    ]
    found = all_open(probability, sources).belief(prior, errors)
    assert_allclose(found, np.clip(expected, 1e-4, 1 - 1e-4), atol=1e-4)


@pytest.mark.parametrize("n_labels", [1, 2])
@pytest.mark.parametrize("coupled", [True, False])
def test_what_a_source_can_say_of_a_label_set_has_probability_one(rng, n_labels, coupled):
    errors = make_errors(rng, n_labels, coupled=coupled)
    said = np.array(list(product((0.0, 1.0), repeat=n_labels)))[..., np.newaxis]
    of_each = all_open(np.full(said.shape[:2], 0.5), said)
    likelihood = np.exp(of_each.said[0].log_likelihood(errors))
    assert_allclose(likelihood.sum(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize("frequency", [0.2, 0.8])
def test_rates_of_a_single_label_are_found_however_frequent_it_is(rng, frequency):
    probability, sources = make_noisy(rng, 4000, [(0.2, 0.15)], frequency)
    (errors,), _ = found_errors(probability, sources, LabelPrior.of_single_labels(1))
    assert_allclose((errors.missing[0], errors.gains[0, 1]), (0.2, 0.15), atol=0.04)


@pytest.mark.parametrize("coupled", [True, False])
@pytest.mark.parametrize(
    "options",
    [{"exactly_one": ((0, 1, 2, 3),)}, {"at_most_one": ((0, 2),), "implies": ((1, 3),)}],
    ids=["classes", "groups"],
)
def test_label_sets_that_cannot_be_have_no_probability(rng, coupled, options):
    constraints = LabelConstraints(tuple("abcd"), **options)
    errors = [make_errors(rng, 4, coupled=coupled) for _ in range(2)]
    prior = make_prior(rng, 4)
    probability = rng.uniform(0.1, 0.9, (30, 4))
    sources = make_sources(rng, (30, 4), "hard")
    sets = list(product((0, 1), repeat=4))
    expected = [
        joint_probabilities(sets, *given, prior, errors, constraints) @ np.array(sets)
        for given in zip(probability, sources, strict=True)
    ]
    found = all_open(probability, sources, constraints)
    assert_allclose(found.belief(prior, errors), np.clip(expected, 1e-4, 1 - 1e-4), atol=1e-4)
    shares = found.shares(prior, errors)
    assert shares[~constraints.allowed(found.sets > 0.5)].max() < 1e-20


def test_what_looks_certain_gives_way_to_constraints():
    constraints = LabelConstraints(tuple("abc"), exactly_one=((0, 1, 2),))
    # Both a and b are certain, each by itself; b is more probable.
    probability, belief = np.array([[0.9990, 0.9999, 0.01]]), np.array([[0.9995, 0.9999, 0.0001]])
    sources = np.full((1, 3, 1), np.nan)
    errors = [make_errors(np.random.default_rng(0), 3, coupled=True)]
    parts = label_sets(probability, sources, belief, constraints)
    found = belief_in(parts, LabelPrior.of_single_labels(3), errors)
    assert_array_equal(found > 0.5, [[False, True, False]])


def test_trusted_labels_hold_whatever_is_said_of_them(rng):
    constraints = LabelConstraints(tuple("abc"), exactly_one=((0, 1, 2),))
    probability, belief = rng.uniform(0.3, 0.7, (20, 3)), rng.uniform(0.3, 0.7, (20, 3))
    belief[:, 0] = np.arange(20) % 2
    sources = make_sources(rng, (20, 3), "hard")
    sources[:, 0] = np.nan
    errors = [make_errors(rng, 3, coupled=True) for _ in range(2)]
    for given in (None, constraints):
        parts = label_sets(probability, sources, belief, given)
        found = belief_in(parts, make_prior(rng, 3), errors)
        assert_array_equal(found[:, 0] > 0.5, belief[:, 0] == 1)


def test_records_of_unlike_doubt_come_back_in_order(rng):
    probability, sources = rng.uniform(0.1, 0.9, (50, 3)), make_sources(rng, (50, 3), "hard")
    belief = np.where(rng.random((50, 3)) < 0.5, 0.5, np.rint(probability))
    errors, prior = [make_errors(rng, 3, coupled=True) for _ in range(2)], make_prior(rng, 3)
    found = belief_in(label_sets(probability, sources, belief), prior, errors)
    alone = [
        belief_in(
            label_sets(*(part[[i]] for part in (probability, sources, belief))), prior, errors
        )
        for i in range(50)
    ]
    assert_allclose(found, np.concatenate(alone), atol=1e-5)


@pytest.mark.parametrize("coupled", [True, False])
def test_an_answer_resolves_what_it_tells_beyond_better_ones(rng, coupled):
    errors = [make_errors(rng, 3, coupled=coupled) for _ in range(2)]
    prior = make_prior(rng, 3)
    probability, sources = rng.uniform(0.2, 0.8, (20, 3)), make_sources(rng, (20, 3), "hard")
    sets = list(product((0, 1), repeat=3))
    found = all_open(probability, sources)
    belief = found.belief(prior, errors)
    alone = np.minimum(belief, 1 - belief)
    resolved = alone + found.resolved_beyond(found.shares(prior, errors))
    expected = np.zeros(probability.shape)
    for i in range(20):
        joint = joint_probabilities(sets, probability[i], sources[i], prior, errors)
        asked = []
        while len(asked) < 3:
            left = {
                label: mistakes_left(joint, sets, [*asked, label])
                for label in range(3)
                if label not in asked
            }
            # Two that tell as much may come in either order.
            best = min(
                left, key=lambda label, i=i, left=left: (round(left[label], 5), -resolved[i, label])
            )
            expected[i, best] = mistakes_left(joint, sets, asked) - left[best]
            asked.append(best)
    assert_allclose(resolved, expected, atol=1e-4)
    if coupled:
        assert (expected > alone + 0.01).any()


def test_tempered_sets_of_independent_labels_are_tempered_labels(rng):
    probability, sources = rng.uniform(0.2, 0.8, (20, 3)), make_sources(rng, (20, 3), "hard")
    errors, prior = [make_errors(rng, 3, coupled=False)], LabelPrior.of_single_labels(3)
    found, shift = all_open(probability, sources[..., :1]), rng.normal(size=(20, 3))
    tempered = found.tempered(found.shares(prior, errors), 0.7, shift)
    assert_allclose(tempered.sum(axis=1), 1, atol=1e-6)
    present = (tempered[:, np.newaxis] @ found.sets)[:, 0]
    log_odds = logit(found.belief(prior, errors))
    assert_allclose(present, expit(0.7 * log_odds + shift), atol=1e-4)
    # Answers about independent labels tell nothing of each other.
    assert_allclose(found.resolved_beyond(tempered), 0, atol=1e-5)


def mistakes_left(joint, sets, asked):
    """Expected mistakes once the labels that are asked about are known."""
    left = 0.0
    for answers in product((0, 1), repeat=len(asked)):
        agree = np.array([[true[one] for one in asked] == list(answers) for true in sets])
        chance = joint[agree].sum()
        left += chance * expected_mistakes(joint * agree / chance, sets)
    return left


def expected_mistakes(joint, sets):
    belief = joint @ np.array(sets)
    return np.minimum(belief, 1 - belief).sum()


def test_simulated_sources_err_as_they_are_told(rng):
    errors = make_errors(rng, 4, coupled=True)
    true = (rng.random((60_000, 4)) < 0.4).astype(int)
    said = errors.simulate(true, rng)
    lost, gained = (true == 1) & (said == 0), (true == 0) & (said == 1)
    assert set(np.unique(said)) == {0, 1}
    assert_allclose(lost.sum(axis=0) / true.sum(axis=0), errors.missing, atol=0.01)
    # Records with as many labels to gain as the table of gains counts.
    roomy = (true == 0).sum(axis=1) >= 3
    n_lost, n_gained = lost.sum(axis=1), gained.sum(axis=1)
    for n in range(2):
        shares = np.bincount(n_gained[roomy & (n_lost == n)], minlength=4)
        assert_allclose(shares / shares.sum(), errors.gains[n], atol=0.02)
    # Of one label that was lost and one gained, the latter follows the weights of the absent ones.
    alone = (true.sum(axis=1) == 1) & (true[:, 2] == 1) & lost[:, 2] & (n_gained == 1)
    weight = errors.replacing[2, [0, 1, 3]]
    assert alone.sum() > 200
    assert_allclose(gained[alone][:, [0, 1, 3]].mean(axis=0), weight / weight.sum(), atol=0.08)


def test_simulated_errors_of_labels_by_themselves_have_their_rates(rng):
    errors = make_errors(rng, 3, coupled=False)
    true = (rng.random((40_000, 3)) < 0.4).astype(int)
    said = errors.simulate(true, rng)
    for label in range(3):
        present = true[:, label] == 1
        assert abs((said[present, label] == 0).mean() - errors.missing[label]) < 0.015
        assert abs((said[~present, label] == 1).mean() - errors.wrong[label]) < 0.015


def test_simulated_records_without_a_free_label_gain_none(rng):
    errors = replace(make_errors(rng, 2, coupled=True), missing=np.zeros(2))
    assert_array_equal(errors.simulate(np.ones((50, 2), dtype=int), rng), 1)


def test_scaled_errors_are_as_many_times_as_frequent(rng):
    errors = make_errors(rng, 4, coupled=True)
    true = (rng.random((40_000, 4)) < 0.3).astype(int)
    full, half = ((true != e.simulate(true, rng)) for e in (errors, errors.scaled(0.5)))
    present = true == 1
    assert_allclose(half[present].mean(), full[present].mean() / 2, atol=0.01)
    none = (true == errors.scaled(0.0).simulate(true, rng)).mean()
    assert none > 0.999


def draw_sets(rng, prior, n_records):
    """Records of which a prior tells the truth."""
    n_labels = len(prior.slopes)
    probability = rng.uniform(0.02, 0.98, (n_records, n_labels))
    sets = np.array(list(product((0, 1), repeat=n_labels)))
    energy = np.array([[log_prior(true, p, prior) for true in sets] for p in probability])
    keys = energy + rng.gumbel(size=energy.shape)
    return probability, sets[keys.argmax(axis=1)]


def test_prior_is_recovered_from_records(rng):
    prior = LabelPrior(
        np.array([0.6, 1.0, 0.8]),
        np.array([0.5, -0.5, 0.0]),
        np.array([[0.0, -2.0, 0.0], [-2.0, 0.0, 1.0], [0.0, 1.0, 0.0]]),
    )
    found = LabelPrior.fit(*draw_sets(rng, prior, 6000))
    assert_allclose(found.slopes, prior.slopes, atol=0.1)
    assert_allclose(found.bias, prior.bias, atol=0.2)
    assert_allclose(found.bonds, prior.bonds, atol=0.25)


def test_exclusive_labels_are_parted_and_not_counted_twice(rng):
    is_first = rng.random(3000) < 0.5
    x = np.where(is_first, 1, -1) + rng.normal(0, 1, 3000)
    # By themselves P(first | x) = expit(2 x), and P(second | x) = expit(-2 x).
    probability = expit(np.column_stack([2 * x, -2 * x]))
    prior = LabelPrior.fit(probability, np.column_stack([is_first, ~is_first]).astype(int))
    # Of exactly one of them, 2 x must be slope * 2 x - slope * -2 x.
    assert_allclose(prior.slopes, 0.5, atol=0.1)
    assert prior.bonds[0, 1] == prior.bonds[1, 0] < -2


def test_constraints_leave_nothing_for_bonds_to_say(rng):
    is_first = rng.random(1000) < 0.5
    probability = expit(rng.normal(0, 1, (1000, 2)))
    labels = np.column_stack([is_first, ~is_first]).astype(int)
    constraints = LabelConstraints(("a", "b"), exactly_one=((0, 1),))
    assert abs(LabelPrior.fit(probability, labels, constraints).bonds[0, 1]) < 0.01


def test_gradient_of_the_prior_is_that_of_finite_differences(rng, monkeypatch):
    asked = {}

    def remember(loss, first, **options):
        asked.update(loss=loss, first=first)
        return minimize(loss, first, **options)

    minimize = _label_errors.minimize
    monkeypatch.setattr(_label_errors, "minimize", remember)
    probability, labels = draw_sets(rng, make_prior(rng, 4), 60)
    constraints = LabelConstraints(tuple("abcd"), at_most_one=((0, 3),))
    labels[labels[:, 0] == 1, 3] = 0
    LabelPrior.fit(probability, labels, constraints)
    at = asked["first"] + rng.normal(0, 0.3, len(asked["first"]))
    # Sums are of single precision, hence the wide steps.
    numeric = (
        approx_fprime(at, lambda values: asked["loss"](values)[0], 0.02)
        + approx_fprime(at, lambda values: asked["loss"](values)[0], -0.02)
    ) / 2
    assert_allclose(asked["loss"](at)[1], numeric, atol=0.02)


def test_a_prior_among_more_labels_says_nothing_of_the_others(rng):
    prior = make_prior(rng, 2)
    wide = prior.among(np.array([2, 0]), 3)
    for true in product((0, 1), repeat=3):
        probability = np.array([0.3, 0.5, 0.8])
        expected = log_prior([true[2], true[0]], probability[[2, 0]], prior)
        assert_allclose(log_prior(true, probability, wide), expected, atol=1e-9)


def swapped(rng, n_records=3000, n_labels=5, rate=0.3, replaced_by=None):
    """One label per record, a share of them replaced; and probabilities that are right."""
    true = rng.integers(0, n_labels, n_records)
    given = true.copy()
    hit = rng.random(n_records) < rate
    given[hit] = (true[hit] + rng.integers(1, n_labels, hit.sum())) % n_labels
    if replaced_by is not None:
        given[hit] = replaced_by[true[hit]]
    weak = np.eye(n_labels)[given]
    score = 2.0 * np.eye(n_labels)[true] + rng.normal(0, 1, (n_records, n_labels))
    # Of a normal score with mean 2 or 0; the share of records with a label is its log odds.
    probability = expit(2 * score - 2 + np.log(1 / (n_labels - 1)))
    return probability, weak[..., np.newaxis], np.eye(n_labels, dtype=int)[true]


def found_errors(probability, sources, prior, *, coupled=True, **options):
    """What is estimated, as by cleaning: single labels first, then sets of them."""
    pooling = choose_pooling(probability, sources, np.ones(probability.shape[1], dtype=bool))
    rates = noise_rates(probability, sources, pooling=pooling)
    absent = 1 - probability.mean(axis=0)
    start = [LabelErrors.independent(*of_source, absent, coupled=coupled) for of_source in rates]
    belief = single_belief(probability, sources, rates)
    errors = fit_errors(probability, sources, belief, prior, start, pooling=pooling, **options)
    return errors, belief_in(label_sets(probability, sources, belief), prior, errors)


def test_labels_that_are_lost_and_gained_together_are_found(rng):
    probability, sources, true = swapped(rng)
    prior = LabelPrior.fit(probability[:500], true[:500])
    given = probability[500:], sources[500:], prior
    (errors,), together = found_errors(*given)
    assert errors.gains[1, 1] > 0.9 and errors.gains[0, 0] > 0.9
    assert_allclose(errors.missing, 0.3, atol=0.1)
    _, alone = found_errors(*given, coupled=False)
    wrong_alone, wrong_together = (((b > 0.5) != true[500:]).mean() for b in (alone, together))
    assert wrong_together < 0.9 * wrong_alone


def test_which_label_replaces_which_is_found(rng):
    replaced_by = np.array([1, 2, 3, 4, 0])
    probability, sources, true = swapped(rng, replaced_by=replaced_by)
    (errors,), _ = found_errors(probability, sources, LabelPrior.fit(probability, true))
    assert_array_equal(errors.replacing[:-1].argmax(axis=1), replaced_by)


def test_independent_errors_are_not_taken_for_swaps(rng):
    probability, _, true = swapped(rng, rate=0)
    dropped = rng.random(true.shape) < 0.3
    weak = np.where(dropped, 0, true)
    prior = LabelPrior.fit(probability, true)
    (errors,), belief = found_errors(probability, weak.astype(float)[..., np.newaxis], prior)
    assert errors.gains[1, 0] > 0.95
    assert ((belief > 0.5) != true).sum() < dropped[true == 1].sum()


def test_errors_of_few_other_records_stay_near_those_that_are_trusted(rng):
    probability, sources, true = swapped(rng)
    prior = LabelPrior.fit(probability, true)
    (many,), belief = found_errors(probability, sources, prior)
    kept = fit_errors(
        probability[:1], sources[:1], belief[:1], prior, [many], pooling=10, trust=50.0
    )[0]
    assert_allclose(kept.missing, many.missing, atol=0.02)
    assert_allclose(kept.gains, many.gains, atol=0.02)


def test_label_sets_of_many_records_and_labels_take_little_memory(rng):
    n_records, n_labels = 5000, 70
    probability = np.where(rng.random((n_records, n_labels)) < 0.005, 0.5, 1e-4)
    sources = (probability > 0.3).astype(float)[..., np.newaxis]
    errors = [make_errors(rng, n_labels, coupled=True)]
    prior = LabelPrior.of_single_labels(n_labels)
    tracemalloc.start()
    for part in label_sets(probability, sources, probability):
        part.resolved_beyond(part.shares(prior, errors))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200e6

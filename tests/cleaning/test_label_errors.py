from dataclasses import replace
from itertools import product
from math import factorial

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_ecg.cleaning._label_errors import (
    SetErrors,
    SingleErrors,
    describe_noise_rates,
    estimate_errors,
    estimate_noise_rates,
    fit_bonds,
    posterior,
)


def test_posterior_is_bayes_rule():
    # P(y=1)=0.3, P(w=1|y=1)=0.8, P(w=1|y=0)=0.1, so P(y=1|w=1) = 0.24 / (0.24 + 0.07)
    found = posterior(np.full(3, 0.3), np.array([1, 0, -1]), missing=0.2, wrong=0.1)
    assert_allclose(found, [0.24 / 0.31, 0.06 / 0.69, 0.3])


@pytest.mark.parametrize(("missing", "wrong"), [(0.3, 0.05), (0.05, 0.2), (0.0, 0.0)])
def test_noise_rates_are_found(rng, missing, wrong):
    truth = rng.random(5000) < 0.3
    probability = np.clip(np.where(truth, 0.95, 0.05) + rng.normal(0, 0.02, 5000), 0.01, 0.99)
    weak = np.where(truth, rng.random(5000) >= missing, rng.random(5000) < wrong).astype(int)
    found = estimate_noise_rates(probability, weak, 0.1, 0.1)
    assert_allclose(found, (missing, wrong), atol=0.06)


def test_intervals_begin_at_zero_where_there_may_be_no_error():
    belief = np.r_[np.full(100, 0.99), np.full(400, 0.001), [0.6, 0.5, 0.4]]
    weak = np.r_[np.ones(100), np.zeros(400), np.zeros(3)].astype(int)
    # All three labels in doubt are absent with a probability of 0.4 * 0.5 * 0.6.
    missing, low, high, *_ = describe_noise_rates(belief, weak)
    assert low == 0 < missing < high
    weak[:10] = 0
    missing, low, high, *_ = describe_noise_rates(belief, weak)
    assert 0 < low < missing < high


def make_errors(rng, n_labels):
    replacing = rng.random((n_labels + 1, n_labels))
    gains = rng.random((4, 4)) + 0.1
    bonds = np.triu(rng.normal(0, 1, (n_labels, n_labels)), 1)
    return SetErrors(
        rng.uniform(0.05, 0.4, n_labels),
        rng.uniform(0.05, 0.3, n_labels),
        gains / gains.sum(axis=1, keepdims=True),
        replacing / replacing.sum(axis=1, keepdims=True),
        bias=rng.normal(0, 0.5, n_labels),
        bonds=bonds + bonds.T,
    )


def weigh(true, weak, probability, errors):
    """Probability of a true and a weak label set together, label by label."""
    true = np.array(true)
    joint = np.exp(true @ errors.bias + true @ errors.bonds @ true / 2)
    lost, gained, absent = [], [], []
    for label, present in enumerate(true):
        joint *= probability[label] if present else 1 - probability[label]
        if weak[label] == -1:
            continue
        if present and weak[label] == 0:
            lost.append(label)
        if present:
            joint *= errors.missing[label] if weak[label] == 0 else 1 - errors.missing[label]
        else:
            absent.append(label)
            if weak[label] == 1:
                gained.append(label)
    if not errors.coupled:
        rate = errors.wrong[absent]
        return joint * np.where(np.isin(absent, gained), rate, 1 - rate).prod()
    joint *= errors.gains[min(len(lost), 3), min(len(gained), 3)]
    joint *= factorial(min(len(gained), 3))
    weight = errors.replacing[lost].sum(axis=0) if lost else errors.replacing[-1]
    for label in gained:
        joint *= weight[label] / weight[absent].sum()
    return joint


@pytest.mark.parametrize("n_labels", [1, 2, 4])
@pytest.mark.parametrize("coupled", [True, False])
def test_posterior_weighs_all_label_sets(rng, n_labels, coupled):
    errors = replace(make_errors(rng, n_labels), coupled=coupled)
    probability = rng.uniform(0.1, 0.9, (40, n_labels))
    weak = rng.choice([-1, 0, 1], (40, n_labels), p=[0.1, 0.5, 0.4])
    expected = np.zeros(weak.shape)
    for i, record in enumerate(weak):
        total = 0.0
        for true in product((0, 1), repeat=n_labels):
            joint = weigh(true, record, probability[i], errors)
            expected[i] += joint * np.array(true)
            total += joint
        expected[i] /= total
    assert_allclose(errors.posterior(probability, weak), expected, atol=1e-4)


@pytest.mark.parametrize("coupled", [True, False])
def test_an_answer_resolves_what_it_tells_of_all_labels(rng, coupled):
    errors = replace(make_errors(rng, 3), coupled=coupled)
    probability, weak = rng.uniform(0.2, 0.8, (20, 3)), rng.integers(0, 2, (20, 3))
    sets = list(product((0, 1), repeat=3))
    expected = np.zeros(weak.shape)
    for i, record in enumerate(weak):
        joint = np.array([weigh(true, record, probability[i], errors) for true in sets])
        joint /= joint.sum()
        before = expected_mistakes(joint, sets)
        for asked in range(3):
            left = 0.0
            for answer in (0, 1):
                agree = np.array([true[asked] == answer for true in sets])
                chance = joint[agree].sum()
                left += chance * expected_mistakes(joint * agree / chance, sets)
            expected[i, asked] = before - left
    assert_allclose(errors.errors_resolved(probability, weak), expected, atol=1e-4)
    if coupled:
        belief = errors.posterior(probability, weak)
        assert (expected > np.minimum(belief, 1 - belief) + 0.01).any()


def expected_mistakes(joint, sets):
    belief = joint @ np.array(sets)
    return np.minimum(belief, 1 - belief).sum()


def test_single_errors_tell_nothing_of_other_labels():
    errors = SingleErrors(np.full(2, 0.1), np.full(2, 0.2))
    probability, weak = np.array([[0.5, 0.9]]), np.array([[-1, -1]])
    assert_allclose(errors.errors_resolved(probability, weak), [[0.5, 0.1]])


def swapped(rng, n_records=3000, n_labels=5, rate=0.3, replaced_by=None):
    """One label per record, a share of them replaced; and probabilities that are right."""
    true = rng.integers(0, n_labels, n_records)
    given = true.copy()
    hit = rng.random(n_records) < rate
    given[hit] = (true[hit] + rng.integers(1, n_labels, hit.sum())) % n_labels
    if replaced_by is not None:
        given[hit] = replaced_by[true[hit]]
    weak = np.eye(n_labels, dtype=int)[given]
    score = 2.0 * np.eye(n_labels)[true] + rng.normal(0, 1, (n_records, n_labels))
    # Of a normal score with mean 2 or 0; the share of records with a label is its log odds.
    probability = 1 / (1 + np.exp(-(2 * score - 2 + np.log(1 / (n_labels - 1)))))
    return probability, weak, np.eye(n_labels, dtype=int)[true]


def expected_errors(probability):
    n_labels = probability.shape[1]
    bonds = np.zeros(n_labels), np.zeros((n_labels, n_labels))
    rates = np.full(n_labels, 0.1), np.full(n_labels, 0.02)
    return SetErrors.independent(*rates, probability, *bonds)


def test_labels_that_are_lost_and_gained_together_are_found(rng):
    probability, weak, true = swapped(rng)
    bias, bonds = fit_bonds(probability, true)
    start = replace(expected_errors(probability), bias=bias, bonds=bonds)
    errors = start.adapted(probability, weak)
    assert errors.coupled and errors.gains[1, 1] > 0.9
    assert_allclose(errors.missing, 0.3, atol=0.1)
    alone = SingleErrors(np.full(5, 0.3), np.full(5, 0.075)).posterior(probability, weak)
    together = errors.posterior(probability, weak)
    wrong_alone, wrong_together = (((b > 0.5) != true).mean() for b in (alone, together))
    assert wrong_together < 0.7 * wrong_alone


def test_which_label_replaces_which_is_found(rng):
    replaced_by = np.array([1, 2, 3, 4, 0])
    probability, weak, _ = swapped(rng, replaced_by=replaced_by)
    errors = expected_errors(probability).adapted(probability, weak)
    assert (errors.replacing[:-1].argmax(axis=1) == replaced_by).all()


def test_independent_errors_are_not_taken_for_swaps(rng):
    probability, _, true = swapped(rng, rate=0)
    dropped = rng.random(true.shape) < 0.3
    weak = np.where(dropped, 0, true)
    errors = expected_errors(probability).adapted(probability, weak)
    assert errors.gains[1, 0] > 0.95
    belief = errors.posterior(probability, weak)
    assert ((belief > 0.5) != true).sum() < dropped[true == 1].sum()


def test_swaps_that_trusted_records_show_too_are_not_believed(rng):
    probability, weak, true = swapped(rng, rate=0.05)
    start = expected_errors(probability)
    control = start.fitted(probability, true)
    assert control.swapped < 0.05
    doubted = replace(start, phantom=0.05).adapted(probability, weak)
    believed = replace(start, phantom=0.0).adapted(probability, weak)
    assert believed.coupled and not doubted.coupled


@pytest.mark.parametrize("coupled", [True, False])
def test_swaps_are_looked_for_only_where_they_showed_before(rng, coupled):
    probability, weak, true = swapped(rng)
    trusted = np.arange(len(weak)) < 1000
    labels = np.where(trusted[:, np.newaxis], true, weak)
    rates = np.full(5, 0.1), np.full(5, 0.02)
    errors = estimate_errors(probability, labels, trusted, *rates, joint=True, coupled=coupled)
    assert errors.coupled == coupled


def test_bonds_part_labels_that_never_come_together(rng):
    probability, _, true = swapped(rng)
    _, bonds = fit_bonds(probability, true)
    assert (bonds[np.triu_indices(5, 1)] < -1).all()
    assert_allclose(bonds, bonds.T)
    together = np.repeat(true[:, :1], 2, axis=1)
    assert fit_bonds(np.full(together.shape, 0.2), together)[1][0, 1] > 2
    unknown = np.full_like(true, -1)
    assert_allclose(np.r_[fit_bonds(probability, unknown)[0]], 0, atol=1e-6)

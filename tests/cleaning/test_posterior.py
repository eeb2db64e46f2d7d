"""How far weak labels are believed, on simulated scores whose meaning is known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ecg.cleaning._constraints import LabelConstraints
from sklearn_ecg.cleaning._posterior import Posterior
from sklearn_ecg.datasets import corrupt_labels


class Simulation:
    """Scores that say something of each label, and weak labels of records after the first ones."""

    def __init__(self, seed, rate, *, n_trusted=300, n_weak=600, n_labels=4, classes=False):
        rng = np.random.default_rng(seed)
        shape = n_trusted + n_weak, n_labels
        self.truth = (rng.random(shape) < 0.3).astype(np.int8)
        if classes:
            self.truth = np.eye(n_labels, dtype=np.int8)[rng.integers(0, n_labels, shape[0])]
        self.scores = 2.4 * (2.4 * self.truth - 1.2 + rng.normal(0, 1, shape))[..., np.newaxis]
        self.is_weak = np.arange(shape[0]) >= n_trusted
        self.weak = self.truth.copy()
        if rate:
            self.weak[self.is_weak] = corrupt_labels(
                self.truth[self.is_weak], rate, random_state=seed
            )
        self.sources = self.weak[..., np.newaxis].astype(float)
        self.sources[~self.is_weak] = np.nan
        self.pinned = np.where(self.is_weak[:, np.newaxis], np.nan, self.truth)

    def keep(self, rows, labels=slice(None)):
        """Leave out, or bring into another order, records and labels."""
        self.is_weak = self.is_weak[rows]
        for name in ("truth", "scores", "weak", "sources", "pinned"):
            setattr(self, name, getattr(self, name)[rows][:, labels])

    def learn(self, **options):
        options = {"joint": True, "caution": 2.0, "random_state": 0} | options
        control = np.flatnonzero(~self.is_weak)
        unseen = np.zeros(self.truth.shape[1], dtype=bool)
        posterior = Posterior(**options).learn(
            self.scores,
            self.pinned,
            np.zeros(self.pinned.shape, dtype=bool),
            self.sources,
            control,
            unseen=unseen,
        )
        given = (
            posterior.calibration.probability(self.scores[self.is_weak]),
            self.sources[self.is_weak],
            self.pinned[self.is_weak],
        )
        posterior.fit(*given, np.ones(self.is_weak.sum(), dtype=bool))
        return posterior, posterior.weigh(*given)[0]

    def compare(self, belief):
        """Which labels would be changed, and which are right then."""
        value = belief > 0.5
        return value != self.weak[self.is_weak], value == self.truth[self.is_weak]


@pytest.mark.parametrize("joint", [True, False])
def test_labels_without_errors_stay_as_they_are(joint):
    share_changed = []
    for seed in range(6):
        simulation = Simulation(seed, 0)
        posterior, belief = simulation.learn(joint=joint)
        assert (posterior.errors[0].missing < 0.01).all()
        share_changed.append(simulation.compare(belief)[0].mean())
    assert np.mean(share_changed) < 0.002


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.4])
def test_extent_of_errors_is_found(rate):
    found = []
    for seed in range(3):
        simulation = Simulation(seed, rate)
        posterior, belief = simulation.learn()
        found.append(posterior.errors[0].missing.mean())
        _, right = simulation.compare(belief)
        assert (~right).sum() < 0.6 * (simulation.weak != simulation.truth).sum()
    assert_allclose(np.mean(found), rate, rtol=0.25)


@pytest.mark.parametrize("joint", [True, False])
def test_confidence_of_changes_is_the_share_that_is_right(joint):
    confidence, share_right = [], []
    for seed in range(6):
        simulation = Simulation(seed, 0.2)
        belief = simulation.learn(joint=joint)[1]
        changed, right = simulation.compare(belief)
        confidence.append(np.maximum(belief, 1 - belief)[changed].mean())
        share_right.append(right[changed].mean())
    assert abs(np.mean(confidence) - np.mean(share_right)) < 0.05


def test_beliefs_are_calibrated_bin_by_bin():
    belief, truth = [], []
    for seed in range(4):
        simulation = Simulation(seed, 0.3)
        belief.append(simulation.learn()[1])
        truth.append(simulation.truth[simulation.is_weak])
    belief, truth = np.concatenate(belief).ravel(), np.concatenate(truth).ravel()
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        inside = (belief >= low) & (belief < low + 0.2)
        assert inside.sum() > 50
        assert abs(belief[inside].mean() - truth[inside].mean()) < 0.1


def test_labels_weighed_together_are_right_more_often():
    n_wrong = {True: 0, False: 0}
    for seed in range(3):
        simulation = Simulation(seed, 0.2)
        for joint in n_wrong:
            n_wrong[joint] += (~simulation.compare(simulation.learn(joint=joint)[1])[1]).sum()
    assert n_wrong[True] < 0.8 * n_wrong[False]


def test_caution_spares_labels_where_little_noise_shows():
    n_changed = []
    for caution in (0.0, 2.0, 20.0):
        n_changed.append(0)
        for seed in range(3):
            simulation = Simulation(seed, 0.03, n_trusted=60)
            n_changed[-1] += simulation.compare(simulation.learn(caution=caution)[1])[0].sum()
    assert n_changed[0] >= n_changed[1] > n_changed[2]


def test_more_trusted_records_do_no_harm_on_average():
    n_wrong = []
    for n_trusted in (20, 80, 400):
        n_wrong.append(0)
        for seed in range(4):
            simulation = Simulation(seed, 0.2, n_trusted=400)
            simulation.keep(np.r_[:n_trusted, 400:1000])
            n_wrong[-1] += (~simulation.compare(simulation.learn()[1])[1]).sum()
    assert n_wrong[2] < n_wrong[0]
    # What 80 records leave to learn is little; chance may exceed it.
    assert n_wrong[2] < 1.03 * n_wrong[1] and n_wrong[1] < 1.03 * n_wrong[0]


@pytest.mark.parametrize("n_trusted", [0, 5])
def test_too_few_trusted_records_to_judge_by_still_clean(n_trusted):
    simulation = Simulation(0, 0.2, n_trusted=n_trusted)
    posterior, belief = simulation.learn()
    assert posterior.control is None
    _, right = simulation.compare(belief)
    assert (~right).sum() < 0.6 * (simulation.weak != simulation.truth).sum()


def test_records_of_one_class_come_out_with_exactly_one():
    simulation = Simulation(0, 0.3, n_labels=5, classes=True)
    constraints = LabelConstraints(tuple("abcde"), exactly_one=(tuple(range(5)),))
    belief = simulation.learn(constraints=constraints)[1]
    assert_allclose(belief.sum(axis=1), 1, atol=0.15)
    value = belief > 0.5
    # Where no class has more than one half, the record is left to a person.
    assert (value.sum(axis=1) <= 1).all() and (value.sum(axis=1) == 1).mean() > 0.9
    _, right = simulation.compare(belief)
    free = simulation.compare(simulation.learn(joint=False)[1])[1]
    assert (~right).sum() < (~free).sum()


def test_several_sources_tell_more_than_one():
    n_wrong = []
    one, other = Simulation(0, 0.3), Simulation(0, 0.3)
    other.weak[other.is_weak] = corrupt_labels(other.truth[other.is_weak], 0.3, random_state=7)
    second = np.where(other.is_weak[:, np.newaxis], other.weak, np.nan)
    second[np.random.default_rng(0).random(second.shape) < 0.2] = np.nan
    both = np.concatenate([one.sources, second[..., np.newaxis]], axis=2)
    for sources in (one.sources, both):
        one.sources = sources
        posterior, belief = one.learn()
        n_wrong.append((~one.compare(belief)[1]).sum())
    assert len(posterior.errors) == 2
    for errors in posterior.errors:
        assert_allclose(errors.missing.mean(), 0.3, atol=0.07)
    assert n_wrong[1] < 0.85 * n_wrong[0]


def test_a_source_that_never_errs_is_found_out():
    simulation = Simulation(0, 0.3)
    right = np.where(simulation.is_weak[:, np.newaxis], simulation.truth, np.nan)
    simulation.sources = np.concatenate([simulation.sources, right[..., np.newaxis]], axis=2)
    posterior, belief = simulation.learn()
    assert posterior.errors[1].missing.mean() < 0.1 < posterior.errors[0].missing.mean()
    assert simulation.compare(belief)[1].mean() > 0.98


def test_labels_that_are_known_are_pinned():
    simulation = Simulation(0, 0.2)
    known = np.random.default_rng(0).random(simulation.truth.shape) < 0.4
    simulation.pinned[known] = simulation.truth[known]
    simulation.sources[known] = np.nan
    _, belief = simulation.learn()
    known, truth = known[simulation.is_weak], simulation.truth[simulation.is_weak]
    assert_array_equal(belief[known], truth[known])
    assert ((belief > 0) & (belief < 1))[~known].all()


@pytest.mark.parametrize("joint", [True, False])
def test_order_of_labels_does_not_matter(joint):
    simulation = Simulation(0, 0)
    # Where sources are silent no errors are drawn, and nothing is left to chance.
    simulation.sources[:] = np.nan
    expected = simulation.learn(joint=joint)[1]
    order = [2, 0, 3, 1]
    simulation.keep(np.arange(900), order)
    assert_allclose(simulation.learn(joint=joint)[1], expected[:, order], atol=2e-3)


def test_order_of_weak_records_changes_nothing():
    simulation = Simulation(0, 0.2)
    expected = simulation.learn()[1]
    order = np.r_[:300, 300 + np.random.default_rng(0).permutation(600)]
    simulation.keep(order)
    assert_allclose(simulation.learn()[1], expected[order[300:] - 300], atol=1e-3)

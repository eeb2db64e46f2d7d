import numpy as np
import pytest
from numpy.testing import assert_array_equal
from simulated_tables import make_weak_table

from sklearn_ecg.cleaning._pattern_evidence import PatternEvidence
from sklearn_ecg.mixture import DirichletProcessGaussianMixture


@pytest.fixture(scope="module")
def table():
    return make_weak_table()


class CountingMixture(DirichletProcessGaussianMixture):
    n_fits = 0

    def fit(self, X, y=None):
        type(self).n_fits += 1
        return super().fit(X, y)


def make_evidence(mixture=None, **options):
    thresholds = {
        "min_support": 10,
        "min_confidence": 0.5,
        "min_correlation": 0.5,
        "max_exclusion": 0.02,
        "anchors": True,
        "rules": True,
        "min_accuracy": 0.0,
    }
    mixture = mixture or DirichletProcessGaussianMixture(n_components=2)
    return PatternEvidence(mixture, random_state=0, **(thresholds | options))


@pytest.fixture
def records(table):
    X, _, weak, trusted = table
    scaled = (X - X.min(axis=0)) / np.ptp(X, axis=0)
    return scaled, weak, np.repeat(trusted[:, np.newaxis], weak.shape[1], axis=1)


def test_nothing_is_clustered_before_it_is_asked_for(records):
    evidence = make_evidence(CountingMixture(n_components=2)).fit(*records)
    before = CountingMixture.n_fits
    patterns = evidence.patterns_
    found = CountingMixture.n_fits
    assert found - before == 16  # four labels, with and without, trusted and weak
    assert evidence.patterns_ is patterns and len(evidence.exclusion_rules_)
    assert CountingMixture.n_fits == found


def test_evidence_of_other_records_follows_a_new_fit(records):
    X, labels, trusted = records
    evidence = make_evidence().fit(X, labels, trusted)
    first = evidence.patterns_
    assert evidence.fit(X[::2], labels[::2], trusted[::2]).patterns_ is not first


def test_training_is_what_is_trusted_or_anchored_in_all_its_labels(records):
    X, labels, trusted = records
    evidence = make_evidence().fit(X, labels, trusted)
    anchored = evidence.anchored(X, labels) > 0
    assert (labels[anchored] == 1).all()
    present = labels == 1
    expected = trusted.all(axis=1) | ((present <= anchored).all(axis=1) & present.any(axis=1))
    assert_array_equal(evidence.training_, expected)
    assert 0 < (evidence.training_ & ~trusted[:, 0]).sum() < (~trusted[:, 0]).sum()


def test_inaccurate_rules_and_anchors_are_mute(records):
    X, labels, trusted = records
    loud, mute = (
        make_evidence(min_accuracy=accuracy, max_exclusion=0.1).fit(X, labels, trusted)
        for accuracy in (0.0, 1.0)
    )
    assert (loud.anchored(X, labels) > 0).any() and loud.excluded(labels == 1).any()
    assert not mute.anchored(X, labels).any() and not mute.excluded(labels == 1).any()
    assert len(mute.exclusion_rules_) == len(loud.exclusion_rules_) > 0
    assert not any(mute.fires(rule) for rule in mute.exclusion_rules_)


def test_stages_that_are_off_find_nothing(records):
    X, labels, trusted = records
    evidence = make_evidence(anchors=False, rules=False).fit(X, labels, trusted)
    assert len(evidence.patterns_)
    assert not evidence.anchor_patterns_ and not evidence.inclusion_rules_
    assert not evidence.exclusion_rules_
    assert_array_equal(evidence.training_, trusted[:, 0])


def test_patterns_of_a_label_split_records_by_trust_in_that_label(records):
    X, labels, trusted = records
    trusted = trusted.copy()
    trusted[:, 1] = ~trusted[:, 1]
    for pattern in make_evidence().fit(X, labels, trusted).patterns_:
        assert (trusted[pattern.members, pattern.label] == (pattern.source == "trusted")).all()
        assert ((labels[pattern.members, pattern.label] == 1) == pattern.present).all()

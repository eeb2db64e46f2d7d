import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import beta

from sklearn_ecg.cleaning._patterns import Pattern
from sklearn_ecg.cleaning._rules import (
    apply_exclusion,
    apply_inclusion,
    association_rules,
    exclusion_rules,
    inclusion_rules,
)


@pytest.fixture
def labels(rng):
    labels = rng.integers(0, 2, (200, 4)).astype(np.int8)
    labels[:, 1] = labels[:, 0] & (rng.random(200) < 0.8)
    labels[:, 3] = (1 - labels[:, 2]) & (rng.random(200) < 0.5)
    return labels


def test_association_rules_agree_with_a_plain_loop(labels):
    expected = []
    for source, target in itertools.permutations(range(4), 2):
        both = sum(1 for row in labels if row[source] == 1 and row[target] == 1)
        holders = sum(1 for row in labels if row[source] == 1)
        if both >= 20 and both / holders >= 0.5:
            expected.append((source, target))
    assert association_rules(labels, min_support=20, min_confidence=0.5) == expected
    assert (0, 1) in expected and (2, 3) not in expected


def test_inclusion_rules_agree_with_a_plain_loop(rng, labels):
    X = rng.uniform(size=(200, 2))
    is_trusted = np.arange(200) < 120
    trusted = np.repeat(is_trusted[:, np.newaxis], 4, axis=1)
    patterns = [
        Pattern(label, True, "trusted", np.full(2, centre), np.full(2, 0.01), np.arange(5))
        for label in range(4)
        for centre in (0.4, 0.6)
    ]
    expected = []
    for p, q in itertools.product(patterns, patterns):
        counts = dict.fromkeys(("source", "target", "both", "asked", "right"), 0)
        holders = both_labels = 0
        for x, row, counts_on in zip(X, labels, is_trusted, strict=True):
            inside_p = all(abs(x - p.mean) <= 3 * 0.1)
            inside_q = all(abs(x - q.mean) <= 3 * 0.1)
            has_p, has_q = row[p.label] == 1, row[q.label] == 1
            holders += has_p
            both_labels += has_p and has_q
            counts["source"] += inside_p and has_p
            counts["target"] += inside_q and has_q
            counts["both"] += inside_p and inside_q and has_p and has_q
            counts["asked"] += inside_p and inside_q and has_p and counts_on
            counts["right"] += inside_p and inside_q and has_p and has_q and counts_on
        if p.label == q.label or both_labels < 5 or both_labels / holders < 0.4:
            continue
        if counts["both"] < 5 or counts["both"] / counts["source"] < 0.4:
            continue
        confidence = counts["both"] / counts["source"]
        kulczynski = (confidence + counts["both"] / counts["target"]) / 2
        wrong = counts["asked"] - counts["right"]
        accuracy = beta(counts["right"] + 1, wrong + 1).ppf(0.05)
        if kulczynski >= 0.45:
            expected.append((p, q, counts["both"], confidence, kulczynski, accuracy))
    rules = inclusion_rules(
        patterns, X, labels, trusted, min_support=5, min_confidence=0.4, min_correlation=0.45
    )
    assert len(expected) > 0
    found = {(id(r.source), id(r.target)): r for r in rules}
    assert set(found) == {(id(p), id(q)) for p, q, *_ in expected}
    for p, q, support, *measures in expected:
        rule = found[id(p), id(q)]
        assert rule.support == support
        assert_allclose([rule.confidence, rule.kulczynski, rule.accuracy], measures)


def test_exclusion_rules_agree_with_a_plain_loop(labels):
    trusted = np.ones((200, 4), dtype=bool)
    expected = set()
    for s, t in itertools.permutations(range(4), 2):
        both = np.sum((labels[:, s] == 1) & (labels[:, t] == 1))
        correlation = (both / labels[:, s].sum() + both / labels[:, t].sum()) / 2
        if correlation < 0.1:
            expected.add((s, t))
    rules = exclusion_rules(labels, trusted, min_support=10, max_exclusion=0.1)
    assert {(rule.label, rule.opposed) for rule in rules} == expected == {(2, 3), (3, 2)}
    assert all(rule.accuracy > 0.9 for rule in rules)


def test_rare_labels_make_no_rules(labels):
    trusted = np.ones((200, 4), dtype=bool)
    assert exclusion_rules(labels, trusted, min_support=201, max_exclusion=0.5) == []
    assert association_rules(labels, min_support=201, min_confidence=0.0) == []


def test_rules_apply_where_their_premise_is_known(labels):
    trusted = np.ones((200, 4), dtype=bool)
    wide = [Pattern(m, True, "trusted", np.zeros(1), np.ones(1), np.arange(2)) for m in range(4)]
    X = np.zeros((200, 1))
    rules = inclusion_rules(
        wide, X, labels, trusted, min_support=10, min_confidence=0.7, min_correlation=0.7
    )
    known = np.array([[1, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]])
    added = apply_inclusion(rules, np.array([[0.0], [0.0], [9.0]]), known)
    assert added[0, 1] > 0.7 and added[1].sum() == 0 and added[2].sum() == 0
    opposed = exclusion_rules(labels, trusted, min_support=10, max_exclusion=0.1)
    dropped = apply_exclusion(opposed, np.array([[0, 0, 1, 0]]))
    assert dropped[0].argmax() == 3 and (dropped[0] > 0).sum() == 1

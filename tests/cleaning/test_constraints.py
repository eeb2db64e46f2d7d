"""Label sets that can be, against a check of every set by what the words say."""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import ParameterGrid

from sklearn_ecg.cleaning._constraints import (
    LabelConstraints,
    check_constraints,
    find_constraints,
)
from sklearn_ecg.cleaning._inputs import check_input
from sklearn_ecg.utils import trusted_labels

NAMES = ["SR", "AF", "AFL", "MI", "AMI"]
CASES = [
    (None, None),
    ([("SR", "AF", "AFL")], None),
    ([("SR", "AF"), ["AF", "AFL"]], [("AMI", "MI")]),
    ({"exactly_one": [("SR", "AF", "AFL")]}, [("AMI", "MI")]),
    (
        {"exactly_one": [("SR", "AF")], "at_most_one": [("AFL", "SR")]},
        [("AMI", "MI"), ("MI", "AF")],
    ),
    (None, [("AFL", "AF"), ("AMI", "MI"), ("AF", "MI")]),
    ([{0, 3}], [(1, 2)]),
]


def can_be(labels, exclusive, implies):
    """What the parameters say, of one set of labels, word by word."""
    has = dict(zip(NAMES, labels, strict=True)) | dict(enumerate(labels))
    groups = exclusive if isinstance(exclusive, dict) else {"at_most_one": exclusive or []}
    counts = {
        kind: [sum(has[label] for label in group) for group in groups.get(kind, [])]
        for kind in ("at_most_one", "exactly_one")
    }
    return (
        all(count <= 1 for count in counts["at_most_one"])
        and all(count == 1 for count in counts["exactly_one"])
        and all(has[sup] or not has[sub] for sub, sup in implies or [])
    )


@pytest.mark.parametrize(("exclusive", "implies"), CASES)
def test_allowed_sets_are_those_that_the_words_allow(exclusive, implies):
    constraints = check_constraints(exclusive, implies, NAMES)
    sets = np.array(list(product([0, 1], repeat=5)))
    expected = np.array([can_be(labels, exclusive, implies) for labels in sets])
    assert_array_equal(constraints.allowed(sets), expected)
    assert_array_equal(constraints.allowed(sets.astype(bool).reshape(4, 8, 5)).ravel(), expected)
    assert_array_equal(constraints.violations(sets).any(axis=1), ~expected)


@pytest.mark.parametrize(("exclusive", "implies"), CASES)
def test_contradictions_are_found_wherever_no_set_has_a_label(exclusive, implies):
    """Each possible further constraint is refused exactly if it leaves some label no set."""
    sets = np.array(list(product([0, 1], repeat=5)))
    groups = exclusive if isinstance(exclusive, dict) else {"at_most_one": exclusive or []}
    for pair in [(0, 1), (1, 3), (2, 4), (4, 0)]:
        for more in (
            {"exactly_one": [*groups.get("exactly_one", []), pair]},
            {"at_most_one": [*groups.get("at_most_one", []), pair]},
        ):
            tried = groups | more
            held = sets[[can_be(labels, tried, implies) for labels in sets]]
            if len(held) and held.any(axis=0).all():
                check_constraints(tried, implies, NAMES)
            else:
                with pytest.raises(ValueError, match=r"contradict.*Correct"):
                    check_constraints(tried, implies, NAMES)


def test_unknown_labels_are_what_constraints_ask_for():
    constraints = check_constraints({"exactly_one": [(0, 1, 2)]}, [("AMI", "MI")], NAMES)
    sets = [[0, 0, -1, -1, 1], [0, 0, 0, 0, 0], [1, -1, 1, 0, 0], [-1, -1, -1, 0, 1], [-1] * 5]
    assert constraints.allowed(sets).tolist() == [True, False, False, False, True]
    assert_array_equal(
        constraints.violations(sets[1:4]),
        np.array([[1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [0, 0, 0, 1, 1]], dtype=bool),
    )


@pytest.mark.parametrize(("exclusive", "implies"), CASES[1:-1])
def test_names_and_order_of_labels_change_nothing(exclusive, implies):
    sets = np.array(list(product([0, 1], repeat=5)))
    expected = check_constraints(exclusive, implies, NAMES).allowed(sets)
    order = [3, 0, 4, 2, 1]
    moved = check_constraints(exclusive, implies, [NAMES[label] for label in order])
    assert_array_equal(moved.allowed(sets[:, order]), expected)


@pytest.mark.parametrize(
    ("exclusive", "implies", "message"),
    [
        (["SR", "AF"], None, r"exclusive must be a list of groups.* single label 'SR'"),
        (None, ("AMI", "MI"), r"implies must be a list of groups.* single label 'AMI'"),
        ([("SR", "VT")], None, "exclusive names the label 'VT', but the labels are SR, AF"),
        ([(0, 5)], None, "exclusive names the label 5"),
        ([(0, -1)], None, "exclusive names the label -1"),
        ([("SR", "AF", "SR")], None, "exclusive has the label SR twice"),
        ([("SR", 0)], None, "exclusive has the label SR twice"),
        ([("SR",)], None, "at least two labels"),
        ({"one": [("SR", "AF")]}, None, "key 'one'; its keys must be 'at_most_one' or 'exactly"),
        (None, [("AMI", "MI", "AF")], r"pairs \(sublabel, superlabel\); got \('AMI', 'MI', 'AF'"),
        (None, [("AMI", "AMI")], "AMI twice"),
        (None, [("AMI", "MI"), ("MI", "AF"), ("AF", "AMI")], "circular: AMI implies MI, and"),
        ([("AMI", "MI")], [("AMI", "MI")], "no record could have AMI, because it implies MI of"),
        ([("SR", "AF")], [("MI", "SR"), ("MI", "AF")], "have MI, because it implies SR, AF of"),
        (
            {"exactly_one": [(0, 1), (2, 3)], "at_most_one": [(0, 2), (0, 3), (1, 2), (1, 3)]},
            None,
            "exactly one label of each of the groups SR, AF; AFL, MI",
        ),
        (
            {"exactly_one": [(0, 1), (0, 1, 2)]},
            None,
            "no record could have AFL, because it leaves no valid choice",
        ),
    ],
)
def test_constraints_that_make_no_sense_are_named(exclusive, implies, message):
    with pytest.raises(ValueError, match=message):
        check_constraints(exclusive, implies, NAMES)


def test_numbers_are_names_where_labels_are_numbers():
    codes = [164889003, 426783006, 59118001]
    assert check_constraints([codes[:2]], None, codes).at_most_one == ((0, 1),)
    with pytest.raises(ValueError, match="names the label 0"):
        check_constraints([(0, 1)], None, codes)


def parts(given):
    trusted = trusted_labels(given.trusted, given.labels.shape[1])
    return given.labels, trusted, given.label_names


def make_input(labels, trusted, names=NAMES[:3]):
    X = np.zeros((len(labels), 1))
    given = check_input(X, np.asarray(labels), trusted, None, n_records=len(labels))
    given.label_names = np.array(names)
    return given


def test_trusted_records_that_violate_constraints_are_named():
    labels = [[1, 1, 0], [0, 0, 0], [1, 1, 0], [1, 0, 0], [1, 0, 1], [1, 0, -1], [1, 1, 0]]
    trusted = np.ones((7, 3), dtype=bool)
    trusted[2] = trusted[6, 0] = False
    given, ids = make_input(labels, trusted), np.array(list("abcdefg"))
    for exclusive, implies, message in [
        ({"exactly_one": [(0, 1, 2)]}, None, ": a has SR and AF; b has none of SR, AF, AFL; e has"),
        (None, [("SR", "AFL")], r": a has SR without AFL; d has SR without AFL\. Correct"),
        (None, [("AF", "AFL"), ("AFL", "SR")], ": a has AF without AFL; g has AF without AFL"),
    ]:
        with pytest.raises(ValueError, match=message):
            find_constraints(exclusive, implies, *parts(given), ids)
    assert find_constraints([("AF", "AFL")], None, *parts(given), ids).at_most_one == ((1, 2),)
    with pytest.raises(ValueError, match="c has SR and AF; and so do 2 more"):
        find_constraints([("SR", "AF")], None, *parts(make_input([[1, 1, 0]] * 5, True)), "abcde")


def test_classes_are_found_in_trusted_records():
    classes = np.eye(3, dtype=int)[np.arange(40) % 2]
    ids, trusted = np.arange(40), np.arange(40) < 30
    given = make_input(classes, trusted)
    assert find_constraints(None, None, *parts(given), ids).exactly_one == ((0, 1, 2),)
    free = LabelConstraints(tuple(NAMES[:3]))
    assert find_constraints([], None, *parts(given), ids) == free
    assert not find_constraints(None, [("AFL", "AF")], *parts(given), ids).exactly_one
    for changed in ([1, 1, 0], [0, 0, 0], [-1, 0, 1]):
        given.labels[3] = changed  # with an unknown label, 29 examples are left
        assert find_constraints(None, None, *parts(given), ids) == free
    # Few records that are not trusted prove nothing, nor does a single label that all have.
    given.labels[3], given.labels[35] = classes[3], 1
    assert find_constraints(None, None, *parts(given), ids).exactly_one
    given.labels[36:] = 1
    assert find_constraints(None, None, *parts(given), ids) == free
    assert not LabelConstraints.found_in(np.ones((40, 1)), ["SR"]).exactly_one


class Constrained(BaseEstimator):
    def __init__(self, exclusive=None, implies=None):
        self.exclusive = exclusive
        self.implies = implies


@pytest.mark.parametrize(("exclusive", "implies"), CASES)
def test_parameters_can_be_cloned_and_searched(exclusive, implies):
    copy = clone(Constrained(exclusive, implies))
    assert (copy.exclusive, copy.implies) == (exclusive, implies)
    grid = ParameterGrid({"exclusive": [None, exclusive], "implies": [implies]})
    assert [point["exclusive"] for point in grid] == [None, exclusive]

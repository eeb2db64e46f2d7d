"""TrustedKFold: honest folds, whatever the mixture of patients and trust."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import cross_val_score

from sklearn_ecg import ECGRecords, TrustedKFold
from sklearn_ecg.model_selection import patient_train_test_split


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), n_splits=st.integers(2, 4), by_patient=st.booleans())
def test_folds_are_honest(seed, n_splits, by_patient):
    random = np.random.default_rng(seed)
    n = 60
    y = (random.uniform(size=(n, 3)) < [0.5, 0.2, 0.05]).astype(int)
    groups = random.integers(0, 15, size=n) if by_patient else np.arange(n)
    trusted = random.uniform(size=n) < 0.5
    tested = []
    for train, test in TrustedKFold(n_splits).split(np.zeros(n), y, groups, trusted):
        assert trusted[test].all()
        assert not set(groups[train]) & set(groups[test])
        # Nothing is lost but weak records of the patients under test.
        left_out = np.setdiff1d(np.arange(n), np.union1d(train, test))
        assert not trusted[left_out].any()
        assert set(groups[left_out]) <= set(groups[test])
        tested.extend(test)
    assert sorted(tested) == list(np.flatnonzero(trusted))


def test_rare_labels_are_spread_over_the_folds(rng):
    y = np.zeros((300, 3), dtype=int)
    y[rng.permutation(300)[:150], 0] = 1
    y[rng.permutation(300)[:30], 1] = 1
    y[rng.permutation(300)[:6], 2] = 1
    counts = np.array(
        [y[test].sum(axis=0) for _, test in TrustedKFold(3, trusted=True).split(y, y)]
    )
    assert (np.abs(counts - y.sum(axis=0) / 3) <= [3, 1, 0]).all()
    sizes = [len(test) for _, test in TrustedKFold(3, trusted=True).split(y, y)]
    assert max(sizes) - min(sizes) <= 6


def test_records_tell_who_is_trusted():
    records = ECGRecords(
        np.zeros((6, 1, 9)),
        labels=[[1], [0], [1], [0], [1], [0]],
        trusted=[1, 1, 1, 1, 0, 0],
        groups=list("abcdax"),
    )
    tests = [set(test) for _, test in TrustedKFold(2).split(records, records.labels)]
    assert set.union(*tests) == {0, 1, 2, 3}
    trains = [set(train) for train, _ in TrustedKFold(2).split(records)]
    assert all(5 in train for train in trains)
    assert sum(4 in train for train in trains) == 1  # patient a is under test in one fold


def test_the_mask_may_be_given_where_nothing_else_carries_it():
    trusted = np.arange(10) < 6
    cv = TrustedKFold(3, trusted=trusted, groups=np.arange(10))
    scores = cross_val_score(DummyClassifier(), np.zeros((10, 2)), [0, 1] * 5, cv=cv)
    assert len(scores) == cv.get_n_splits() == 3
    tested = np.concatenate([test for _, test in cv.split(np.zeros((10, 2)), [0, 1] * 5)])
    assert sorted(tested) == list(range(6))


def test_same_seed_same_folds():
    y = np.eye(4, dtype=int)[np.arange(40) % 4]
    first, again = (
        [list(test) for _, test in TrustedKFold(4, trusted=True, random_state=3).split(y, y)]
        for _ in range(2)
    )
    assert first == again


def test_string_classes_are_stratified():
    y = np.array(["AF"] * 10 + ["N"] * 10)
    for _, test in TrustedKFold(5, trusted=True).split(y, y):
        assert (y[test] == "AF").sum() == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trusted": [False] * 4}, "trusted is False for all 4 records"),
        ({"trusted": [True] * 3}, "trusted must be a mask with one entry for each of the 4"),
        ({"groups": ["a", "b", "a", "b"], "n_splits": 3}, "more than the 2 patients"),
        ({"groups": ["a"]}, "groups must hold one patient for each of the 4"),
        ({"y": [[0], [7], [0], [1]]}, "y must hold 1"),
        ({"n_splits": 1}, "n_splits must be an integer of at least 2"),
    ],
)
def test_bad_input_names_the_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        cv = TrustedKFold(arguments.pop("n_splits", 2))
        list(cv.split(np.zeros((4, 1)), **{"trusted": True, **arguments}))


@pytest.mark.parametrize(
    "groups", [[1, "a", 2, "b"], np.array([1, "a", 2, "b"], dtype=object), [1, "1", 2, "2"]]
)
def test_patients_named_by_text_and_numbers_are_refused(groups):
    with pytest.raises(TypeError, match=r"groups holds text such as .* beside .* such as 1;"):
        list(TrustedKFold(2, trusted=True).split(np.zeros((4, 1)), groups=groups))
    with pytest.raises(TypeError, match=r"str\(value\) for value in groups"):
        patient_train_test_split(np.zeros((4, 1)), groups=groups)


def test_a_missing_patient_beside_text_is_not_a_name():
    with pytest.raises(ValueError, match="groups is missing for record 1"):
        cv = TrustedKFold(2, trusted=True)
        list(cv.split(np.zeros((4, 1)), groups=["a", np.nan, "b", "c"]))


def test_a_record_is_tested_on_where_all_its_labels_are_trusted(rng):
    trusted = rng.uniform(size=(40, 3)) < 0.8
    y = rng.integers(0, 2, size=(40, 3))
    folds = list(TrustedKFold(3, trusted=trusted).split(y, y))
    tested = np.concatenate([test for _, test in folds])
    assert sorted(tested) == list(np.flatnonzero(trusted.all(axis=1)))
    for train, test in folds:
        assert sorted([*train, *test]) == list(range(40))
    records = ECGRecords(np.zeros((40, 1, 9)), labels=y, trusted=trusted)
    for mine, theirs in zip(folds, TrustedKFold(3).split(records), strict=True):
        np.testing.assert_array_equal(mine[1], theirs[1])
    train, test = patient_train_test_split(records, random_state=0)
    assert train.trusted.shape == (30, 3) and test.trusted.shape == (10, 3)
    with pytest.raises(ValueError, match=r"more than the 0 patients .* labels are all trusted"):
        list(TrustedKFold(3, trusted=np.tile([True, True, False], (40, 1))).split(y, y))


def test_a_test_on_weak_labels_is_warned_of():
    X = np.zeros((6, 1))
    with pytest.warns(UserWarning, match=r"all 6 records are tested.*TrustedKFold\(trusted="):
        folds = list(TrustedKFold(3).split(X))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said = list(TrustedKFold(3, trusted=True).split(X))
    assert [list(test) for _, test in folds] == [list(test) for _, test in said]


def test_tables_find_their_records():
    ids = [f"r{i}" for i in range(30)]
    X = pd.DataFrame({"HR": np.arange(30.0)}, ids)
    trusted = pd.Series(np.arange(30) % 3 > 0, ids)
    patients, y = pd.Series(np.arange(30) // 2, ids), pd.Series(np.arange(30) % 2, ids)
    order = np.random.default_rng(0).permutation(ids)
    expected = TrustedKFold(3).split(X, y, patients, trusted)
    found = TrustedKFold(3).split(X, y[order], patients[order], trusted[order])
    for (_, test), (_, same) in zip(expected, found, strict=True):
        np.testing.assert_array_equal(test, same)


def test_columns_of_a_table_are_features_and_not_trust():
    X = pd.DataFrame({"trusted": [1.0, 0, 1, 0], "groups": 1.0, "labels": 0.0})
    tested = [list(test) for _, test in TrustedKFold(4, trusted=True).split(X)]
    assert sorted(tested) == [[0], [1], [2], [3]]
    assert len(patient_train_test_split(X, random_state=0)[0]) == 3

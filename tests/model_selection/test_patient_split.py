"""patient_train_test_split: whole patients, all labels on both sides, nothing lost."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_ecg import ECGRecords
from sklearn_ecg.model_selection import patient_train_test_split


def make_records(seed, n=120, n_patients=40, trusted=None):
    random = np.random.default_rng(seed)
    return ECGRecords(
        np.zeros((n, 1, 9)),
        labels=(random.uniform(size=(n, 3)) < [0.5, 0.2, 0.1]).astype(int),
        groups=random.integers(0, n_patients, size=n),
        trusted=trusted,
    )


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), test_size=st.floats(0.05, 0.9))
def test_patients_stay_whole_and_nothing_is_lost(seed, test_size):
    records = make_records(seed)
    train, test = patient_train_test_split(records, test_size=test_size, random_state=seed)
    assert not set(train.groups) & set(test.groups)
    assert len(train) and len(test)
    assert sorted([*train.ids, *test.ids]) == list(records.ids)
    assert list(train.ids) == sorted(train.ids)
    # A patient has 3 records on average, and labels come before size.
    assert abs(len(test) - test_size * len(records)) <= 15


def test_labels_and_trust_are_stratified():
    trusted = np.arange(1000) % 5 == 0
    records = make_records(0, n=1000, n_patients=400, trusted=trusted)
    _, test = patient_train_test_split(records, test_size=0.3, random_state=1)
    np.testing.assert_allclose(test.labels.sum(axis=0), 0.3 * records.labels.sum(axis=0), atol=4)
    assert abs(test.trusted.sum() - 60) <= 4
    assert abs(len(test) - 300) <= 6


def test_a_rare_label_reaches_both_sides():
    y = np.zeros((50, 1), dtype=int)
    y[:4] = 1
    for seed in range(5):
        _, _, y_train, y_test = patient_train_test_split(
            np.zeros((50, 2)), y, y=y, test_size=0.25, random_state=seed
        )
        assert y_train.sum() == 3 and y_test.sum() == 1


def test_arrays_are_split_alongside():
    records = make_records(3)
    numbers, frame = list(range(120)), pd.DataFrame({"a": range(120)})
    train, test, n_train, n_test, f_train, f_test = patient_train_test_split(
        records, numbers, frame, random_state=0
    )
    assert list(train.ids) == n_train == list(f_train["a"])
    assert list(test.ids) == n_test == list(f_test["a"])


def test_seeds():
    records = make_records(0)

    def tested(seed):
        return set(patient_train_test_split(records, random_state=seed)[1].groups)

    assert tested(0) == tested(0)
    assert len({frozenset(tested(seed)) for seed in range(6)}) == 6


def test_arguments_win_over_what_the_records_say():
    records = make_records(0)
    other = np.repeat(np.arange(60), 2)
    train, test = patient_train_test_split(records, groups=other, random_state=0)
    assert not set(other[train.ids]) & set(other[test.ids])
    _, test = patient_train_test_split(np.zeros((40, 2)), test_size=10, random_state=0)
    assert len(test) == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"test_size": 0.0}, "test_size must be a share between 0 and 1"),
        ({"test_size": 4}, "number of records below 4; got 4"),
        ({"test_size": "half"}, "got 'half'"),
        ({"test_size": True}, "got True"),
        ({"groups": [1, 1, 1, 1]}, "groups holds 1 patient"),
        ({"groups": [1, 2]}, "groups must hold one patient for each of the 4"),
        ({"y": [[0], [7], [0], [1]]}, "y must hold 1"),
    ],
)
def test_bad_input_names_the_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        patient_train_test_split(np.zeros((4, 1)), **arguments)


def test_nothing_to_split():
    with pytest.raises(ValueError, match="at least one collection"):
        patient_train_test_split()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        patient_train_test_split(np.zeros(4), np.zeros(5))

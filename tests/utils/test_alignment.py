"""Tables find their records by index and their labels by column, or say which one is amiss."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_ecg.utils import align_labels, align_records

LONG = [12345678901234567, 12345678901234568, 12345678901234569]


@given(
    ids=st.one_of(
        st.lists(st.text("abc 019", min_size=1).filter(str.strip), min_size=1, unique_by=str.strip),
        st.lists(st.integers(10**16, 10**18), min_size=1, unique=True),
    ),
    seed=st.integers(0, 1000),
)
def test_rows_in_any_order_find_their_records(ids, seed):
    table = pd.DataFrame({"row": np.arange(len(ids))}, index=ids)
    shuffled = table.sample(frac=1, random_state=seed)
    assert align_records(shuffled, ids, name="y")["row"].tolist() == list(range(len(ids)))


@pytest.mark.parametrize(
    ("ids", "index"),
    [
        (["a", "b", "c"], ["c", "a", "b"]),
        (["1", "2", "3"], [3, 1, 2]),  # pandas reads digits as numbers
        ([1, 2, 3], ["3", "1", "2"]),
        ([7, 8, 9], ["0009", "0007", "8.0"]),  # as spreadsheets write them
        (list(map(str, LONG)), [LONG[2], LONG[0], LONG[1]]),
        (np.array([b"a", b"b", b"c"]), ["c", "a", "b"]),
        (["a 1", "b 1", "c 1"], ["c 1 ", " a 1", "b 1"]),
        (["a", "a ", "b"], ["b", "a", "a "]),  # differ in nothing but spaces
        ([0, 1, 2], [2, 0, 1]),
        (pd.Index(["NA", "null", "nan"]), ["nan", "NA", "null"]),
        (pd.MultiIndex.from_tuples([("p", 1), ("p", 2), ("q", 1)]),
         pd.MultiIndex.from_tuples([("q", 1), ("p", 1), ("p", 2)])),
    ],
)  # fmt: skip
def test_names_are_matched_as_they_are_meant(ids, index):
    assert align_records(pd.Series([2, 0, 1], index), ids, name="y").tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("ids", "index"),
    [
        (None, ["c", "a", "b"]),
        (["a", "b", "c"], None),  # the default index
        (["a", "b", "c"], [7, 3, 5]),  # a selection of its rows
        ([7, 3, 5], ["a", "b", "c"]),
        ([7, 3, 5], None),
        (pd.RangeIndex(3), [7, 3, 5]),
        (["a", "b", "c"], pd.RangeIndex(2, -1, -1)),
    ],
)
def test_rows_that_name_nobody_go_by_position(ids, index):
    assert align_records(pd.Series([0, 1, 2], index), ids, name="y").tolist() == [0, 1, 2]


@pytest.mark.parametrize("values", [[1, 0], np.array([1, 0]), None, "ab"])
def test_what_has_no_index_is_left_alone(values):
    assert align_records(values, ["a", "b"], name="y") is values


def test_rows_of_one_table_belong_together_whatever_their_index():
    table = pd.DataFrame({"ecg_id": [9, 4, 6], "AF": [1, 0, 0]}, index=[4, 9, 2])
    assert align_records(table["AF"], table["ecg_id"], name="labels").tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("ids", "index", "message"),
    [
        (["a", "b", "c"], ["a", "b", "x"], r"no row for 'c' \(1 records.*'x' is no record"),
        (["a", "b", "c"], ["a", "b"], r"index of y does not name the 3.*no row for 'c'"),
        (["a", "b"], ["a", "b", "c"], r"'c' is no record \(1 rows"),
        (["a", "b", "c"], ["a", "b", "a"], "index of y holds 'a' more than once"),
        (pd.Index(["a", "b", "a"]), ["a", "a", "b"], "'a' more than once"),
        ([2, 0, 1], None, r"numbered from 0.*beginning with 2.*y\.to_numpy\(\).*y\.loc\[ids\]"),
        (["02", "00", "01"], [0, 1, 2], "no row for '02'.* leading zeros.*dtype=str"),
        (
            list(map(str, LONG)),
            np.array(LONG, dtype=float),
            r"The index of y names .*2\*\*53.*dtype=str",
        ),
        (["a", "b", "c"], ["a", None, "c"], "no row for 'b'.*nan is no record"),
        ([1, 2, 3], [1, 2, 4], "no row for '3'.*'4' is no record.*to_numpy"),
    ],
)
def test_the_first_mismatch_is_named(ids, index, message):
    n_rows = 3 if index is None else len(index)
    with pytest.raises(ValueError, match=message):
        align_records(pd.Series(np.zeros(n_rows), index), ids, name="y")


def test_columns_come_in_any_order():
    y = np.array([[1, 0, -1]])
    known = ["AF", "PVC", "STE"]
    arguments = {"name": "y", "owner": "the records have"}
    assert align_labels(y, ["STE", "AF", "PVC"], known, **arguments).tolist() == [[0, -1, 1]]
    for names in (None, known, ["0", "1", "2"], range(3)):
        assert align_labels(y, names, known, **arguments).tolist() == y.tolist()
        assert align_labels(y, known, names, **arguments).tolist() == y.tolist()
    with pytest.raises(ValueError, match="y has the labels AF, PVC, X, but the records have AF"):
        align_labels(y, ["AF", "PVC", "X"], known, **arguments)
    with pytest.raises(ValueError, match="y has 3 labels, but the records have 2: AF, PVC"):
        align_labels(y, None, known[:2], **arguments)

"""What is unknown stays unknown, and what is trusted is said in one of few ways."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.dummy import DummyClassifier

from sklearn_ecg import (
    AFPLabelCleaner,
    ECGRecords,
    LabelCorrelationECGClassifier,
    OnCleanedLabels,
    TrustedKFold,
)
from sklearn_ecg.datasets import corrupt_labels
from sklearn_ecg.metrics import label_cleaning_report
from sklearn_ecg.utils import (
    check_groups,
    check_labels,
    check_option,
    check_trusted,
    trusted_records,
)


@pytest.mark.parametrize("dtype", [int, float, bool, np.uint8, object])
def test_masked_labels_are_unknown(dtype):
    values = np.array([[1, 0], [1, 1]]).astype(dtype)
    masked = np.ma.masked_array(values, [[False, True], [True, False]])
    assert check_labels(masked)[0].tolist() == [[1, -1], [-1, 1]]
    assert check_labels(masked[:, 0])[0].tolist() == [[1], [-1]]


def test_what_is_masked_is_not_looked_at():
    masked = np.ma.masked_invalid([[1.0, np.nan], [0.0, 1.0]])
    assert check_labels(masked)[0].tolist() == [[1, -1], [0, 1]]


MISSING = pd.DataFrame({"AF": [1, None], "PVC": [0, 1]}, dtype=object)


@pytest.mark.parametrize(
    "labels",
    [
        *[MISSING.where(MISSING.notna(), missing) for missing in (np.nan, None, pd.NA)],
        *[MISSING.astype(dtype) for dtype in ("Int64", "boolean", "Float64", "category", float)],
        MISSING.astype(float).astype(pd.SparseDtype(float, 0)),
        sparse.csr_array(np.array([[1, 0], [-1, 1]])),
        np.ma.masked_array(np.ones((2, 2), bool) & [[1, 0], [1, 1]], [[0, 0], [1, 0]]),
        np.ma.masked_array(np.array([[1, 0], [1, 1]], dtype=object), [[0, 0], [1, 0]]),
        [np.ma.masked_array([1, 0]), np.ma.masked_array([1, 1], [True, False])],
        np.array([[1, 0], [np.nan, 1]], dtype=np.float16),
        np.array([[1, 0], [-1, 1]], dtype=">i4"),
    ],
)
@pytest.mark.parametrize("allow_soft", [False, True])
def test_what_is_missing_is_unknown_in_every_form(labels, allow_soft):
    found = check_labels(labels, allow_soft=allow_soft)[0]
    assert np.nan_to_num(found, nan=-1).tolist() == [[1, 0], [-1, 1]]


@pytest.mark.parametrize(
    ("value", "found"),
    [(0.7, "got 0.7"), ("1", "got '1'"), (b"1", "got b'1'"), (1j, "got 1j"), (2, "got 2"),
     (1 + 1e-9, "got 1.0"), (10**30, "got 1000")],
)  # fmt: skip
def test_the_first_entry_that_is_no_label_is_named(value, found):
    frame = pd.DataFrame({"AF": [1, 0], "PVC": [0, value]}, index=["a", "b"], dtype=object)
    with pytest.raises(ValueError, match=f"{found}.* for record b, label PVC"):
        check_labels(frame, ids=["a", "b"])
    with pytest.raises(ValueError, match="for record 0, label 0"):
        check_labels(np.array([[value]]))


def test_names_of_labels_may_not_swap_columns():
    frame = pd.DataFrame({"AF": [1], "PVC": [0]})
    with pytest.raises(ValueError, match=r"in another order, .*leave label_names out"):
        check_labels(frame, label_names=["PVC", "AF"])
    assert check_labels(frame, label_names=["a", "b"])[1].tolist() == ["a", "b"]


def test_tables_of_polars_go_by_position():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"AF": [1, 0, None], "PVC": [True, None, False]})
    labels, names = check_labels(frame, ids=[2, 0, 1])
    assert labels.tolist() == [[1, 1], [0, -1], [-1, 0]] and names.tolist() == ["AF", "PVC"]
    long = pl.Series([12345678901234567, 12345678901234569, 3])
    assert check_groups(long, n_records=3).tolist() == long.to_list()
    assert check_trusted(pl.Series([True, False, True]), n_records=3).tolist() == [1, 0, 1]


NAMES = [["AF"], ["NSR"], ["AF", "PVC"], []] * 5
FORMS = {
    "lists": NAMES,
    "lists of one length": [["AF"], ["NSR"]] * 10,
    "tuples": [tuple(row) for row in NAMES],
    "sets": [set(row) for row in NAMES],
    "frozen sets": [frozenset(row) for row in NAMES],
    "dicts": [dict.fromkeys(row, 1) for row in NAMES],
    "series": pd.Series(NAMES),
    "column": pd.DataFrame({"labels": NAMES}),
    "objects": pd.Series(NAMES).to_numpy(),
}
TRUSTED = np.arange(20) < 10
SIGNALS = np.zeros((20, 1, 500))
TAKERS = {
    "check_labels": check_labels,
    "ECGRecords": lambda y: ECGRecords(SIGNALS, 100, labels=y),
    "with_labels": lambda y: ECGRecords(SIGNALS, 100).with_labels(y),
    "AFPLabelCleaner": lambda y: AFPLabelCleaner().fit(SIGNALS[:, 0, :3], y, trusted=TRUSTED),
    "classifier": lambda y: LabelCorrelationECGClassifier().fit(ECGRecords(SIGNALS, 100), y),
    "OnCleanedLabels": lambda y: OnCleanedLabels(DummyClassifier()).fit(SIGNALS[:, 0], y),
    "TrustedKFold": lambda y: list(TrustedKFold(2, trusted=TRUSTED).split(SIGNALS, y)),
    "corrupt_labels": lambda y: corrupt_labels(y, 0.1),
    "label_cleaning_report": lambda y: label_cleaning_report(y, y, y),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("taker", TAKERS)
def test_names_of_labels_are_told_the_cure(taker, form):
    with pytest.raises(ValueError, match="MultiLabelBinarizer"):
        TAKERS[taker](FORMS[form])


def test_a_sparse_matrix_keeps_the_names_of_labels():
    records = ECGRecords(SIGNALS[:2], 100, labels=[[1, 0], [0, 1]], label_names=["AF", "PVC"])
    again = records.with_labels(sparse.csr_array(records.labels))
    assert list(again.label_names) == ["AF", "PVC"]
    np.testing.assert_array_equal(again.labels, records.labels)


def test_trust_keeps_the_shape_that_it_was_given():
    records, labels = np.array([True, False]), np.array([[True, False], [True, True]])
    np.testing.assert_array_equal(check_trusted(records, n_records=2), records)
    np.testing.assert_array_equal(check_trusted(labels, n_records=2, n_labels=2), labels)
    np.testing.assert_array_equal(check_trusted(labels.astype(int), n_records=2), labels)
    for everything in (True, np.True_, None):
        assert check_trusted(everything, n_records=2).tolist() == [True, True]
    assert trusted_records(labels).tolist() == [False, True]
    assert trusted_records(records).tolist() == [True, False]


def test_trust_finds_records_and_labels_by_name():
    trusted = pd.DataFrame([[True, False], [False, False]], index=["b", "a"], columns=["PVC", "AF"])
    found = check_trusted(
        trusted, n_records=2, ids=["a", "b"], n_labels=2, label_names=["AF", "PVC"]
    )
    assert found.tolist() == [[False, False], [False, True]]


@pytest.mark.parametrize(
    ("trusted", "message"),
    [
        (np.ones((2, 3), bool), "has 3 columns, but there are 2 labels.* one dimension"),
        (np.ones((3, 2), bool), r"each of the 2 records, or for each.*shape \(3, 2\)"),
        (np.ones((2, 2, 1), bool), r"shape \(2, 2, 1\)"),
        (False, r"shape \(\)"),
        (np.zeros((2, 2), bool), "trusted is False for all 2 records"),
        ([[True, None], [True, True]], "trusted is missing for record 0"),
        (np.ma.masked_array([True, True], [False, True]), "trusted is missing for record 1"),
        (["yes", "no"], "mask of True and False"),
        (pd.DataFrame(np.ones((2, 2), bool), columns=["AF", "X"]), "has the labels AF, X"),
    ],
)
def test_trust_that_says_nothing_is_refused(trusted, message):
    with pytest.raises(ValueError, match=message):
        check_trusted(trusted, n_records=2, n_labels=2, label_names=["AF", "PVC"])


def test_patients_keep_their_digits():
    assert check_groups([12345678901234567, 12345678901234568], n_records=2)[1] % 10 == 8
    with pytest.raises(ValueError, match=r"groups holds floats such as 1234.*dtype=str"):
        check_groups([12345678901234567.0, 12345678901234568.0], n_records=2)
    with pytest.raises(ValueError, match="groups is missing for record 0"):
        check_groups(np.ma.masked_array([1, 2], [True, False]), n_records=2)


def test_check_option_lists_what_is_allowed():
    check_option("b", ("a", "b"), "method")
    check_option(25, (25, 50), "speed")
    message = "Invalid value for the 'method' parameter. Allowed values are 'a', 'b' and 'c', but "
    for value in ("d", "A", None, 1, ["a"], np.array(["a", "b"])):
        with pytest.raises(ValueError, match=message + re.escape(f"got {value!r} instead.")):
            check_option(value, ("a", "b", "c"), "method")

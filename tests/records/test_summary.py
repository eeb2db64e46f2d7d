"""Counts per label, against plain loops."""

import numpy as np
import pytest

from sklearn_ecg import ECGRecords


@pytest.fixture
def records(rng):
    labels = rng.choice([-1, 0, 1], size=(50, 3), p=[0.2, 0.5, 0.3])
    return ECGRecords(
        np.zeros((50, 1, 9)),
        labels=labels,
        label_names=["AF", "PVC", "STE"],
        trusted=rng.uniform(size=50) < 0.5,
    )


def test_label_counts(records):
    counts = records.label_counts()
    for j, name in enumerate(["AF", "PVC", "STE"]):
        column = [int(row[j]) for row in records.labels]
        assert counts.loc[name, "present"] == column.count(1)
        assert counts.loc[name, "absent"] == column.count(0)
        assert counts.loc[name, "unknown"] == column.count(-1)
        share = column.count(1) / (column.count(1) + column.count(0))
        assert counts.loc[name, "prevalence"] == pytest.approx(share)
        vouched = [label for label, ok in zip(column, records.trusted, strict=True) if ok]
        assert counts.loc[name, "present_trusted"] == vouched.count(1)


def test_label_cooccurrence(records):
    counts, shares = records.label_cooccurrence(), records.label_cooccurrence(share=True)
    names = list(records.label_names)
    assert list(counts.index) == list(counts.columns) == names
    for i, first in enumerate(names):
        for j, second in enumerate(names):
            rows = [row for row in records.labels if row[i] == 1]
            together = sum(row[j] == 1 for row in rows)
            assert counts.loc[first, second] == together
            known = sum(row[j] != -1 for row in rows)
            assert shares.loc[first, second] == pytest.approx(together / known)


def test_what_is_known_of_nothing_is_nan():
    labels = [[-1, 0], [-1, 0]]
    records = ECGRecords(np.zeros((2, 1, 9)), labels=labels, label_names=["AF", "PVC"])
    assert np.isnan(records.label_counts().loc["AF", "prevalence"])
    assert records.label_counts().loc["PVC", "prevalence"] == 0
    assert records.label_cooccurrence(share=True).isna().all(axis=None)
    assert "present_trusted" not in records.label_counts()


def test_without_labels_there_is_a_cure():
    records = ECGRecords(np.zeros((2, 1, 9)))
    for count in (records.label_counts, records.label_cooccurrence):
        with pytest.raises(ValueError, match=r"no labels to count.*with_labels"):
            count()

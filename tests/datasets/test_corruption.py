"""Label noise: exact amounts, plausible targets, nothing else touched."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_ecg.datasets import corrupt_labels, make_weak_labels

KINDS = ("swap", "missing", "extra", "confused")


def make_labels(seed, n_records=300, n_labels=5, unknown=True):
    rng = np.random.default_rng(seed)
    y = (rng.random((n_records, n_labels)) < [0.5, 0.3, 0.2, 0.1, 0.03]).astype(int)
    if unknown:
        y[rng.random(y.shape) < 0.05] = -1
    return y


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    rate=st.floats(0, 0.5),
    kind=st.sampled_from(KINDS),
)
def test_amounts_are_exact(seed, rate, kind):
    # Labels that no record has, so that there is always one to get.
    y = np.column_stack([make_labels(seed), np.zeros((300, 5), dtype=int)])
    before = y.copy()
    weak = corrupt_labels(y, rate, kind, random_state=seed)
    np.testing.assert_array_equal(y, before)
    np.testing.assert_array_equal(weak == -1, y == -1)

    asked = [round(rate * count) for count in (y == 1).sum(axis=0)]
    dropped = ((y == 1) & (weak == 0)).sum(axis=0)
    added = ((y == 0) & (weak == 1)).sum()
    assert list(dropped) == ([0] * 10 if kind == "extra" else asked)
    assert added == (0 if kind == "missing" else sum(asked))
    # What a record gains it gains for a label of its own.
    gained = ((y == 0) & (weak == 1)).sum(axis=1)
    if kind in ("swap", "confused"):
        np.testing.assert_array_equal(gained, ((y == 1) & (weak == 0)).sum(axis=1))
    else:
        assert (gained <= (y == 1).sum(axis=1)).all()


def test_swap_draws_evenly_among_absent_labels():
    y = np.zeros((30_000, 4), dtype=int)
    y[:, 0] = 1
    y[:10_000, 3] = 1
    weak = corrupt_labels(y, 1.0, "swap", random_state=0)
    # Records of label 0 alone get 1, 2 or 3; those that have 3 as well get 1 and 2.
    alone = weak[10_000:].sum(axis=0)
    assert alone[0] == 0
    np.testing.assert_allclose(alone[1:], 20_000 / 3, rtol=0.05)
    np.testing.assert_array_equal(weak[:10_000], np.tile([0, 1, 1, 0], (10_000, 1)))


def test_confused_follows_the_matrix():
    y = np.repeat(np.eye(3, dtype=int), 4000, axis=0)
    confusion = [[9, 3, 1], [1, 0, 0], [0, 0, 5]]
    weak = corrupt_labels(y, 0.5, "confused", random_state=0, confusion=confusion)
    np.testing.assert_allclose(weak[:4000].sum(axis=0), [2000, 1500, 500], rtol=0.08)
    np.testing.assert_array_equal(weak[4000:8000].sum(axis=0), [2000, 2000, 0])
    # Nothing but the diagonal: never mistaken.
    np.testing.assert_array_equal(weak[8000:], y[8000:])


def test_confused_prefers_labels_seen_together():
    y = np.zeros((3000, 3), dtype=int)
    y[:1000, :2] = 1  # labels 0 and 1 often together, 2 always alone
    y[1000:2000, 0] = 1
    y[2000:, 2] = 1
    weak = corrupt_labels(y, 0.4, "confused", random_state=0)
    from_0 = weak[1000:2000].sum(axis=0)
    assert from_0[1] > 50 * from_0[2]


def test_seeds_and_types():
    y = make_labels(0, unknown=False)
    first, again = (corrupt_labels(y, 0.3, random_state=1) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, corrupt_labels(y, 0.3, random_state=2))
    assert first.dtype == np.int8

    frame = pd.DataFrame(y, columns=list("abcde"), index=np.arange(len(y)) + 7)
    weak = corrupt_labels(frame, 0.3, random_state=1)
    pd.testing.assert_index_equal(weak.index, frame.index)
    assert list(weak.columns) == list("abcde")
    np.testing.assert_array_equal(weak, first)
    one = corrupt_labels(y[:, 0], 0.3, "missing", random_state=1)
    assert one.shape == (len(y),)


def test_extremes():
    y = make_labels(0)
    np.testing.assert_array_equal(corrupt_labels(y, 0), y)
    assert (corrupt_labels(y, 1, "missing") != 1).all()


@pytest.mark.parametrize("kind", ["swap", "extra", "confused"])
def test_too_little_to_choose_from(kind):
    y = np.array([[1, 1], [1, 1], [0, 1]])
    with pytest.raises(ValueError, match=r"rate=1 .*2 records with label 'AF'.*only 0"):
        corrupt_labels(pd.DataFrame(y, columns=["AF", "PVC"]), 1, kind)
    with pytest.raises(ValueError, match="label 0 that can get another"):
        corrupt_labels(y[:, :1], 0.5, kind)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rate": 1.2}, "rate must be a number between 0 and 1; got 1.2"),
        ({"rate": "a lot"}, "rate must be a number"),
        ({"rate": 0.1, "kind": "swop"}, "kind must be one of .* got 'swop'"),
        ({"rate": 0.1, "confusion": np.eye(5)}, 'confusion is for kind="confused" or'),
        ({"rate": 0.1, "kind": "confused", "confusion": np.eye(3)}, "matrix of 5 by 5"),
        ({"rate": 0.1, "kind": "confused", "confusion": -np.ones((5, 5))}, "not negative"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        corrupt_labels(make_labels(0), **arguments)


def make_patients(y):
    """Four records of each patient, with the same labels, in mixed order."""
    y = np.repeat(y, 4, axis=0)
    order = np.random.default_rng(0).permutation(len(y))
    return y[order], np.repeat(np.arange(len(y) // 4), 4)[order]


@pytest.mark.parametrize("form", ["sequence", "dict", "frame", "numbers"])
def test_rates_by_label(form):
    y = make_labels(0)
    names = list("abcde")
    rates = [0.5, 0, 0.25, 0, 1.0]
    by_name = {name: rate for name, rate in zip(names, rates, strict=True) if rate}
    if form == "sequence":
        weak = corrupt_labels(y, rates, "missing", random_state=0)
    elif form == "dict":
        weak = corrupt_labels(y, by_name, "missing", random_state=0, label_names=names)
    elif form == "frame":
        frame = pd.DataFrame(y, columns=names)
        weak = corrupt_labels(frame, by_name, "missing", random_state=0).to_numpy()
    else:
        weak = corrupt_labels(y, {0: 0.5, 2: 0.25, 4: 1.0}, "missing", random_state=0)
    counts = (y == 1).sum(axis=0)
    expected = [round(rate * count) for rate, count in zip(rates, counts, strict=True)]
    assert list(((y == 1) & (weak == 0)).sum(axis=0)) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_errors_go_along_with_patients(kind):
    y, patients = make_patients(make_labels(1, n_records=120, unknown=False))
    weak = corrupt_labels(y, 0.3, kind, random_state=0, groups=patients)
    asked = [round(0.3 * count) for count in (y == 1).sum(axis=0)]
    gained_of = ((y == 0) & (weak == 1)).sum(axis=1)
    if kind == "extra":
        assert gained_of.sum() == sum(asked)
        return
    for label in range(5):
        hit = (y[:, label] == 1) & (weak[:, label] == 0)
        assert hit.sum() == asked[label]
        has = np.bincount(patients[y[:, label] == 1], minlength=120)
        per_patient = np.bincount(patients[hit], minlength=120)
        # Whole patients, but for the one at which the number was full; records with no other
        # label to get cannot be hit by a swap.
        partly = (per_patient > 0) & (per_patient < has)
        assert partly.sum() <= 1, (label, per_patient[partly])
    assert (weak[:, 0] != corrupt_labels(y, 0.3, kind, random_state=1, groups=patients)[:, 0]).any()


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    missing=st.floats(0, 0.3),
    extra=st.floats(0, 0.3),
    confused=st.floats(0, 0.3),
    with_groups=st.booleans(),
)
def test_weak_labels_hold_all_kinds_in_exact_amounts(seed, missing, extra, confused, with_groups):
    # Labels that no record has, so that there is always one to get.
    y = np.column_stack([make_labels(seed), np.zeros((300, 5), dtype=int)])
    before = y.copy()
    groups = np.arange(len(y)) // 3 if with_groups else None
    rates = {"missing": missing, "extra": extra, "confused": confused}
    weak = make_weak_labels(y, **rates, groups=groups, random_state=seed)
    np.testing.assert_array_equal(y, before)
    np.testing.assert_array_equal(weak == -1, y == -1)
    counts = (y == 1).sum(axis=0)
    n_confused, n_extra, n_missing = (
        np.array([round(rate * count) for count in counts]) for rate in (confused, extra, missing)
    )
    # Where all are rounded up, the last kind gets what the others left.
    n_missing = np.minimum(n_missing, counts - n_confused - n_extra)
    np.testing.assert_array_equal(((y == 1) & (weak == 0)).sum(axis=0), n_missing + n_confused)
    assert ((y == 0) & (weak == 1)).sum() == (n_extra + n_confused).sum()
    again = make_weak_labels(y, **rates, groups=groups, random_state=seed)
    np.testing.assert_array_equal(weak, again)


def test_weak_labels_by_name_and_confusion():
    frame = pd.DataFrame(np.repeat(np.eye(3, dtype=int), 100, axis=0), columns=["AF", "PAC", "PVC"])
    confusion = [[0, 0, 0], [0, 0, 1], [0, 1, 0]]
    weak = make_weak_labels(
        frame,
        missing={"AF": 0.2},
        extra=0,
        confused={"AF": 0.5, "PAC": 0.4},
        confusion=confusion,
        random_state=0,
    )
    assert list(weak.columns) == list(frame.columns)
    # AF is never mistaken; PAC is, for PVC alone.
    assert list(weak[:100].sum()) == [80, 0, 0]
    assert list(weak[100:200].sum()) == [0, 60, 40]
    pd.testing.assert_frame_equal(weak[200:], frame[200:].astype(np.int8))


def test_rounding_never_asks_for_more_than_there_are():
    y = np.zeros((10, 2), dtype=int)
    y[:5, 0] = 1
    weak = make_weak_labels(y, missing=0.3, extra=0.3, confused=0.4, random_state=0)
    assert ((y == 1) & (weak == 0)).sum() == 3
    assert ((y == 0) & (weak == 1)).sum() == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"missing": 0.6, "extra": 0.5}, "add up to 1.15 for label 0"),
        ({"missing": {"AF": 0.6}}, r"missing has rates for \['AF'\], but the labels are \[0, 1"),
        ({"extra": [0.1, 0.2]}, "extra must be a number, or one for each of the 5 labels; got 2"),
        ({"confused": [0.1, 0.2, 0.1, 0.1, -1]}, "confused must be a number .*; got -1"),
        ({"groups": [1, 2]}, "groups must hold one patient for each of the 300"),
    ],
)
def test_bad_arguments_of_weak_labels(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_weak_labels(make_labels(0), **arguments)


def test_patients_find_their_records_by_index():
    ids = [f"r{i}" for i in range(300)]
    y = pd.DataFrame(make_labels(0), ids)
    patients = pd.Series(np.arange(300) // 4, ids)
    expected = corrupt_labels(y, 0.3, random_state=0, groups=patients)
    found = corrupt_labels(y, 0.3, random_state=0, groups=patients.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(found, expected)

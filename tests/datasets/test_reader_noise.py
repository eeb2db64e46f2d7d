"""Noise of readers: what they answer is drawn as it was measured."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import multilabel_confusion_matrix

from sklearn_ecg.datasets import corrupt_labels, reader_confusion

LABELS = ["AF", "RBBB", "LBBB"]


@pytest.fixture
def measured(rng):
    """The truth of 2,000 records, and two readers who err on the same ones."""
    truth = np.eye(3, dtype=int)[rng.integers(0, 3, 2000)]
    truth[:400] = 0
    is_hard = rng.random(2000) < 0.2
    answers = np.stack([truth, truth], axis=2)
    # Both take one block for the other; the second sees atrial fibrillation in nothing, too.
    answers[is_hard, 1:] = answers[is_hard, 2:0:-1]
    answers[:100, 0, 1] = 1
    return truth, answers


def test_counts_are_those_of_the_tables(measured):
    truth, answers = measured
    confusion = reader_confusion(truth, answers, label_names=LABELS)
    assert confusion.sum() == 2000
    assert list(confusion.index.names) == [
        (source, label) for source in ("truth", "reader 0", "reader 1") for label in LABELS
    ]
    row = (0, 0, 0), (0, 0, 0), (1, 0, 0)
    assert confusion[sum(row, ())] == 100
    swapped = (0, 1, 0), (0, 0, 1), (0, 0, 1)
    expected = (truth[:, 1] == 1) & (answers[:, 2, 0] == 1)
    assert confusion[sum(swapped, ())] == expected.sum()


def test_readers_err_as_they_did_and_together(measured):
    truth, answers = measured
    confusion = reader_confusion(truth, answers)
    y = np.repeat(np.eye(3, dtype=int), 3000, axis=0)
    drawn = corrupt_labels(y, kind="readers", confusion=confusion, random_state=0)
    assert drawn.shape == (9000, 3, 2) and drawn.dtype == np.int8
    for number in range(2):
        expected = multilabel_confusion_matrix(truth[400:], answers[400:, :, number])
        found = multilabel_confusion_matrix(y, drawn[..., number])
        shares = [counts / counts.sum(axis=2, keepdims=True) for counts in (expected, found)]
        np.testing.assert_allclose(shares[1], shares[0], atol=0.03)
    # Whole label sets are replaced, and by both readers at once.
    assert (drawn.sum(axis=1) == 1).all()
    np.testing.assert_array_equal(drawn[..., 0], drawn[..., 1])


def test_a_set_that_was_not_measured_is_answered_label_by_label(measured):
    truth, answers = measured
    confusion = reader_confusion(truth, answers)
    drawn = corrupt_labels(
        np.tile([1, 1, 0], (20_000, 1)), kind="readers", confusion=confusion, random_state=0
    )
    for label, value in enumerate((1, 1, 0)):
        asked = answers[truth[:, label] == value, label]
        np.testing.assert_allclose(drawn[:, label].mean(axis=0), asked.mean(axis=0), atol=0.015)


def test_sensitivity_and_specificity_are_those_of_the_counts():
    counts = np.array([[[70, 30], [10, 90]], [[100, 0], [50, 50]]])
    y = np.array([[0, 0], [1, 1]] * 20_000)
    drawn = corrupt_labels(y, kind="readers", confusion=counts, random_state=0)
    assert drawn.shape == y.shape
    np.testing.assert_allclose(drawn[::2].mean(axis=0), [0.3, 0], atol=0.01)
    np.testing.assert_allclose(drawn[1::2].mean(axis=0), [0.9, 0.5], atol=0.01)
    several = corrupt_labels(y, kind="readers", confusion=[counts, counts[::-1]], random_state=0)
    np.testing.assert_allclose(several[1::2].mean(axis=0), [[0.9, 0.5], [0.5, 0.9]], atol=0.01)


def test_unknown_stays_unknown_and_silent_readers_stay_silent(measured):
    truth, answers = measured
    answers[truth[:, 0] == 1, 0, 1] = -1
    confusion = reader_confusion(truth, answers)
    y = np.array([[1, 0, 0], [-1, 1, 0], [0, 0, 0]] * 50)
    drawn = corrupt_labels(y, kind="readers", confusion=confusion, random_state=0)
    np.testing.assert_array_equal((drawn == -1)[..., 0], y == -1)
    np.testing.assert_array_equal((drawn == -1)[::3, :, 1], [[True, False, False]] * 50)
    by_label = np.array([[[9, 1], [1, 9]]] * 3)
    one = corrupt_labels(y, kind="readers", confusion=by_label, random_state=0)
    np.testing.assert_array_equal(one == -1, y == -1)


def test_one_reader_answers_in_the_form_of_y(measured):
    truth, answers = measured
    y = pd.DataFrame(truth[:50], columns=LABELS, index=range(100, 150))
    confusion = reader_confusion(truth, answers[..., 0], label_names=LABELS)
    drawn = corrupt_labels(y, kind="readers", confusion=confusion, random_state=0)
    assert drawn.columns.tolist() == LABELS and drawn.index.tolist() == y.index.tolist()
    again = corrupt_labels(y, kind="readers", confusion=confusion, random_state=0)
    pd.testing.assert_frame_equal(drawn, again)


def test_labels_are_found_by_name(measured):
    truth, answers = measured
    confusion = reader_confusion(truth, {"first": answers[..., 0]}, label_names=LABELS)
    # A part of the labels, in another order: RBBB is taken for LBBB, never for AF.
    y = pd.DataFrame({"LBBB": [0] * 500, "AF": [0] * 500, "RBBB": [1] * 500})
    drawn = corrupt_labels(y, kind="readers", confusion=confusion, random_state=0)
    assert drawn["AF"].sum() == 0
    assert 50 < drawn["LBBB"].sum() == 500 - drawn["RBBB"].sum() < 150
    part = corrupt_labels(y[["AF", "RBBB"]], kind="readers", confusion=confusion, random_state=0)
    assert 50 < 500 - part["RBBB"].sum() < 150
    with pytest.raises(ValueError, match=r"\['AF', 'RBBB', 'LBBB'\], but not \['PVC'\]"):
        corrupt_labels(
            y.rename(columns={"AF": "PVC"}), kind="readers", confusion=confusion, random_state=0
        )


def test_answers_are_aligned_by_record_and_label(measured):
    truth, answers = measured
    gold = pd.DataFrame(truth, columns=LABELS, index=[f"r{i}" for i in range(2000)])
    reader = pd.DataFrame(answers[..., 0], columns=LABELS, index=gold.index)
    expected = reader_confusion(gold, {"first": reader})
    pd.testing.assert_series_equal(
        reader_confusion(gold, {"first": reader[LABELS[::-1]]}), expected
    )
    pd.testing.assert_series_equal(reader_confusion(gold, {"first": reader[::-1]}), expected)
    with pytest.raises(ValueError, match="answers of 'first' has 2 labels, but y_true has 3"):
        reader_confusion(gold, {"first": reader[["AF", "RBBB"]]})
    with pytest.raises(ValueError, match="answers of 'first' has labels for 10 records"):
        reader_confusion(truth, {"first": reader[:10]})
    with pytest.raises(ValueError, match="answers of 'reader 0' has 2 labels, but y_true has 3"):
        reader_confusion(truth, answers[:, :2])
    with pytest.raises(ValueError, match="The name 'truth' stands for y_true"):
        reader_confusion(gold, {"truth": reader})
    with pytest.raises(ValueError, match=r"y_true is unknown \(-1\) for record 0 and label 0"):
        reader_confusion(gold.replace(0, -1), {"first": reader.replace(0, -1)})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs confusion"),
        ({"confusion": np.ones((3, 2, 2)), "rate": 0.1}, "neither rate nor groups; got rate=0.1"),
        ({"confusion": np.ones((3, 2, 2)), "groups": np.arange(6)}, "neither rate nor groups"),
        ({"confusion": np.ones((2, 2, 2))}, r"of shape \(3, 2, 2\) or \(n_readers, 3, 2, 2\)"),
        ({"confusion": -np.ones((3, 2, 2))}, "finite counts >= 0"),
        ({"confusion": np.ones((3, 3))}, r"got an array of shape \(3, 3\)"),
        ({"confusion": pd.Series([1, 2])}, "what reader_confusion returns, or an array; got a Se"),
    ],
)
def test_bad_arguments(arguments, message):
    y = np.tile(np.eye(3, dtype=int), (2, 1))
    with pytest.raises(ValueError, match=message):
        corrupt_labels(y, kind="readers", **arguments)


def test_labels_that_nobody_was_asked_about_are_named():
    y = pd.DataFrame({"AF": [1, 0], "PVC": [1, 0]})
    gold = pd.DataFrame({"AF": [1, 1, 0], "PVC": [0, 0, 0]})
    confusion = reader_confusion(gold, {"first": gold})
    with pytest.raises(ValueError, match="has no record with label 'PVC'"):
        corrupt_labels(y, kind="readers", confusion=confusion)
    counts = multilabel_confusion_matrix(gold, gold)
    with pytest.raises(ValueError, match="has no record with label 'PVC'"):
        corrupt_labels(y, kind="readers", confusion=counts)
    assert corrupt_labels(y[1:], kind="readers", confusion=counts).to_numpy().tolist() == [[0, 0]]
    with pytest.raises(ValueError, match="confusion has 2 labels, but y has 1"):
        corrupt_labels(y[["AF"]].to_numpy(), kind="readers", confusion=confusion)

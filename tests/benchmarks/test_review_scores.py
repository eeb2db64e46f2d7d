"""Simulated reviews: what readers answer, which labels orders choose, and what is counted."""

import numpy as np
import pytest

from benchmarks import review
from benchmarks._query_strategies import STRATEGIES
from benchmarks.review import ORDERS, OURS

SETTING = {"data": "ours", "readers": "never wrong", "rate": 0.2, "seed": 0}


@pytest.fixture(scope="module")
def records():
    """Features of 300 records that hardly tell two labels apart, and the labels."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, size=(300, 2)).astype(np.int8)
    return np.column_stack([1.5 * truth, np.zeros((300, 4))]) + rng.normal(size=(300, 6)), truth


def test_a_reader_is_right_as_often_as_the_reader_was():
    truth = np.tile([[1, 0]], (20_000, 1)).astype(np.int8)
    # One misses a fifth of what is there; the other sees a tenth of what is not.
    confusion = np.array([[[100, 0], [20, 80]], [[90, 10], [0, 100]]])
    answers = review.draw_answers(truth, confusion, 0)
    assert (answers[:, 0] == 0).mean() == pytest.approx(0.1, abs=0.01)
    assert (answers[:, 1] == 1).mean() == pytest.approx(0.05, abs=0.01)
    assert review.draw_answers(truth, None, 0) is truth
    always_wrong = np.array([[[0, 10], [10, 0]]])
    assert (review.draw_answers(truth, always_wrong, 0) == 1 - truth).all()


def test_readers_err_as_those_of_the_code_study(shared_data, monkeypatch):
    monkeypatch.setenv("SKLEARN_ECG_DATA", str(shared_data))
    review.confusions.cache_clear()
    wrong = review.confusions("all six")[:, [0, 1], [1, 0]].sum(axis=1) / (6 * 827)
    assert wrong[:2] == pytest.approx([0.0056, 0.0034], abs=1e-4)
    assert wrong[4] == pytest.approx(0.0113, abs=1e-4)


def test_a_review_counts_answers_and_what_is_left(records, monkeypatch):
    monkeypatch.setattr(review, "SHARES", (0.001, 0.05))
    rows = {
        method: review.review(*records, None, None, method=method, **SETTING)
        for method in (OURS, "random")
    }
    for own in rows.values():
        # Of 200 weak records' 400 labels.
        assert [(row["share"], row["answers"]) for row in own] == [(0, 0), (0.001, 0), (0.05, 20)]
        # Of the weak labels 20 became true, and no trusted one.
        assert 0 <= own[0]["left_alone"] - own[-1]["left_alone"] <= 20
        assert own[0]["left"] == own[1]["left"] and own[-1]["f1"] > own[-1]["f1_alone"]
    # All orders start from the same fit.
    assert rows[OURS][0]["f1"] == rows["random"][0]["f1"]
    assert rows[OURS][-1]["left"] < rows["random"][-1]["left"]


@pytest.fixture(scope="module")
def fitted(records):
    X, truth = records
    weak, trusted = review.noisy_copy(truth, None, split="random", rate=0.2, seed=0)
    return review.first_fit(X, weak, trusted, None, 0)[0], X, weak, trusted


@pytest.mark.parametrize("method", ORDERS)
def test_orders_choose_as_many_labels_as_asked_for(fitted, method):
    if method in STRATEGIES:
        pytest.importorskip("skactiveml", reason="needs sklearn_ecg[benchmarks]")
    if method == "cleanlab":
        pytest.importorskip("cleanlab", reason="needs sklearn_ecg[benchmarks]")
    cleaner, X, weak, trusted = fitted
    chosen = review.choose(method, cleaner, X, weak, 9, 0)
    record, label = review.places(chosen)
    assert len(set(zip(record, label, strict=True))) == 9 and not trusted[record].any()
    # Again the same, so that methods of one seed can be compared.
    again = review.choose(method, cleaner, X, weak, 9, 0)
    assert again[["id", "label"]].equals(chosen[["id", "label"]])
    if method not in (OURS, "random"):
        assert set(label) == {0, 1} or method not in STRATEGIES


def test_orders_by_probability_go_by_what_the_cleaner_says(fitted):
    cleaner, X, weak, _ = fitted
    doubted, unsure = (
        review.choose(method, cleaner, X, weak, 400, 0)
        for method in ("weak label doubted", "uncertainty")
    )
    present = doubted["probability"]
    assert np.where(doubted["weak"] == 1, present, 1 - present)[0] < 0.3
    assert (np.diff(np.where(doubted["weak"] == 1, present, 1 - present)) >= 0).all()
    assert (np.diff((unsure["probability"] - 0.5).abs()) >= 0).all()

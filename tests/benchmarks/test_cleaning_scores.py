"""What benchmarks of label cleaning count, by hand; doubts, differences, readers combined."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks import _cleaning, _data, readers, real_noise
from benchmarks._methods import METHODS, Cleaned, doubt

TRUTH = np.array([[1, 0], [1, 1], [0, 1], [0, 0], [1, 1]])
WEAK = np.array([[1, 1], [0, 1], [0, 0], [0, 0], [1, 0]])
# One wrong label is removed, one missing is added, two are not, and one is added wrongly.
CLEANED = np.array([[1, 0], [1, 1], [0, 0], [1, 0], [1, 0]])
CONFIDENCE = np.array([[0.9, 0.8], [0.6, 0.9], [0.7, 0.6], [0.9, 0.8], [0.9, 0.5]])
ALL = np.ones(5, dtype=bool)


def test_changes_are_counted_against_the_truth():
    rates = pd.DataFrame({"missing_low": [0.3, 0.7], "missing_high": [0.4, 0.9]})
    cleaned = SimpleNamespace(labels_=CLEANED, confidence_=CONFIDENCE, noise_rates_=rates)
    found = _cleaning.score(TRUTH, WEAK, cleaned, ALL)
    counts = {name: value for name, value in found.items() if isinstance(value, int)}
    assert counts == {
        "errors": 4,
        "changed": 3,
        "changed_rightly": 2,
        "added": 2,
        "added_rightly": 1,
        # The second label lost two, and got none.
        "labels_without_addition": 1,
    }
    assert found["confidence_of_changes"] == pytest.approx((0.8 + 0.6 + 0.9) / 3)
    assert found["confidence_of_additions"] == pytest.approx((0.6 + 0.9) / 2)
    # One of three and two of three are missing.
    assert found["missing_held"] == 0.5
    # Of the first label 3 are found and one too many; of the second 1 of 3.
    first, second = 2 * 3 / (4 + 3), 2 * 1 / (1 + 3)
    assert found["f1"] == pytest.approx((first + second) / 2)
    assert found["macro_f1"] == pytest.approx((first + second) / 2)


def test_records_that_are_trusted_do_not_count():
    found = _cleaning.score(TRUTH, WEAK, Cleaned(CLEANED), np.array([1, 0, 0, 0, 0], dtype=bool))
    assert (found["errors"], found["changed"], found["changed_rightly"]) == (1, 1, 1)
    assert found["confidence_of_changes"] is None and found["missing_held"] is None


def test_shares_of_changes_are_pooled_over_splits():
    rows = [
        {"method": "ours", "seed": seed} | _cleaning.score(TRUTH, WEAK, Cleaned(CLEANED), rows)
        for seed, rows in enumerate((ALL, np.arange(5) < 2))
    ]
    table = _cleaning.changes(pd.DataFrame(rows), ["method"])
    cells = [cell.strip() for cell in table.splitlines()[2].split("|")[1:-1]]
    # Two of four and two of two errors; of five changes four are right, of three additions two.
    assert cells[1:4] == ["0.667", "0.8", "0.667"]


def test_doubt_is_the_probability_that_the_weak_label_is_wrong():
    undecided = CLEANED.copy()
    undecided[4, 1] = -1
    expected = np.array([[0.1, 0.8], [0.6, 0.1], [0.3, 0.4], [0.9, 0.2], [0.1, 0.5]])
    for labels in (CLEANED, undecided):
        np.testing.assert_allclose(doubt(Cleaned(labels, CONFIDENCE), WEAK), expected)
    assert doubt(Cleaned(CLEANED), WEAK) is None


def test_methods_doubt_what_is_wrong(rng):
    truth = rng.integers(0, 2, size=(300, 2)).astype(np.int8)
    X = np.column_stack([3 * truth + rng.normal(size=(300, 2)), rng.normal(size=(300, 2))])
    trusted, weak = np.arange(300) < 100, truth.copy()
    weak[100:140, 0] = 1 - weak[100:140, 0]
    for name in ("extra trees, Bayes, EM", "AFPLabelCleaner"):
        doubted = doubt(METHODS[name](X, weak, trusted, None, 0), weak)
        assert doubted[100:140, 0].mean() > 0.7
        assert doubted[140:, 0].mean() < 0.2 and doubted[100:, 1].mean() < 0.2


def test_points_ahead_are_paired_by_seed():
    scores = {"ours": (0.9, 0.8, 0.7), "theirs": (0.88, 0.77, 0.71), "third": (0.5, None, None)}
    rows = [
        {"method": name, "seed": seed, "f1": f1}
        for name, own in scores.items()
        for seed, f1 in enumerate(own)
        if f1 is not None
    ]
    ahead = _cleaning.points_ahead(pd.DataFrame(rows), "ours")
    points = np.array([2, 3, -1])
    low, high = stats.t.interval(0.95, 2, loc=points.mean(), scale=stats.sem(points))
    assert ahead["theirs"] == f"+1.33 ({low:+.2f} to {high:+.2f})"
    # One pair has a difference, and no interval.
    assert ahead["third"] == "+40.00"
    assert list(ahead.index) == ["theirs", "third"]


def test_revised_records_are_found_and_right_as_a_whole():
    truth = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [1, 0, 0]])
    weak = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0]])
    # One is right, one has both labels, one was not changed, one was changed and had been right.
    labels = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 1], [0, 1, 0], [1, 1, 0]])
    doubted = np.array(
        [[0.1, 0, 0], [0.9, 0.8, 0], [0.5, 0, 0.7], [0.3, 0.3, 0], [0.2, 0.6, 0]], dtype=float
    )
    found = real_noise.score(truth, weak, labels, doubted, ALL)
    assert (found["records"], found["revised"], found["revised_changed"]) == (5, 3, 2)
    assert (found["changed"], found["changed_rightly"]) == (3, 1)
    # Revised records stand in the first, second and fourth place.
    assert found["precision_of_records"] == pytest.approx((1 + 1 + 3 / 4) / 3)
    # Of their six labels four stand first but for one, two in the seventh place together.
    assert found["precision_of_labels"] == pytest.approx((1 + 1 + 1 + 4 / 5 + 2 * 6 / 7) / 6)
    nothing = real_noise.score(truth, weak, weak, None, ALL)
    assert nothing["precision_of_records"] is None and nothing["changed"] == 0


def test_the_majority_is_more_than_half_of_those_who_answer():
    sources = np.array([[[1, 1, 0, 0]], [[1, 1, 1, 0]], [[1, -1, -1, -1]], [[-1, -1, -1, -1]]])
    assert readers.majority(sources).ravel().tolist() == [0, 1, 1, 0]


def test_dawid_and_skene_find_out_who_is_right(rng):
    pytest.importorskip("crowdkit", reason="needs sklearn_ecg[benchmarks]")
    truth = rng.integers(0, 2, size=(400, 2))
    shares = (0.05, 0.1, 0.45, 0.45, 0.45)
    sources = np.stack(
        [np.where(rng.random(truth.shape) < share, 1 - truth, truth) for share in shares], axis=2
    )
    sources[:20, :, 4] = -1
    trusted = np.arange(400) < 100
    vote = readers.majority(sources)
    for use_trusted in (False, True):
        combine = readers.dawid_skene(use_trusted=use_trusted)
        combined = combine(None, sources, trusted, truth, 0)
        assert (combined != truth).mean() < 0.7 * (vote != truth).mean()
        assert (combined[trusted] == truth[trusted]).all() or not use_trusted


def test_readers_of_the_code_study_are_read_in_one_order(tmp_path):
    header = "1dAVb,RBBB,LBBB,SB,AF,ST\n"
    for name in ("gold_standard", *readers.READERS["all six"]):
        numbered = name == "dnn"
        rows = ["1,0,0,0,0,0", "0,0,0,0,1,0"]
        lines = [f"{number},{row}" for number, row in enumerate(rows)] if numbered else rows
        (tmp_path / f"{name}.csv").write_text(f"{',' * numbered}{header}" + "\n".join(lines))
    gold, answers = readers.read_code_test(tmp_path)
    assert list(answers) == list(readers.READERS["all six"])
    for table in answers.values():
        pd.testing.assert_frame_equal(table, gold)
    assert gold.to_numpy().argmax(axis=1).tolist() == [0, 4]


def test_codes_are_those_that_records_enough_have(shared_data, monkeypatch):
    monkeypatch.setenv("SKLEARN_ECG_DATA", str(shared_data))
    records = _data.load_codes()
    assert not {"SR", "ABQRS"} & set(records.label_names)
    assert (records.labels == 1).sum(axis=0).min() >= _data.MIN_RECORDS_OF_CODE
    assert {"AFIB", "LVH", "NORM"} <= set(records.label_names)

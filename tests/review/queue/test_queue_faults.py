"""What happens to a queue that nobody plans: clocks, ids, signals that cannot be shown, labels."""

import time
import unicodedata

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg import ECGRecords
from sklearn_ecg.cleaning import CrossValidationLabelCleaner, DensityLabelCleaner
from sklearn_ecg.review import ReviewQueue
from sklearn_ecg.review.queue import _refit
from sklearn_ecg.utils import UnreadRecordsWarning
from tests.review.queues import queue_at

N = 40


def fit(ids, cleaner=None, *, trusted=range(20)):
    """Return a cleaner of little data, fitted, and the weak labels."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (N, 2))
    wrong = (rng.random(truth.shape) < 0.2) & (np.arange(N) >= 20)[:, np.newaxis]
    weak = pd.DataFrame(np.where(wrong, 1 - truth, truth), ids, ["AF", "af"])
    features = pd.DataFrame(rng.normal(2 * truth, 1), ids)
    cleaner = DensityLabelCleaner() if cleaner is None else cleaner
    return cleaner.fit(features, weak, trusted=np.isin(np.arange(N), trusted)), weak


def new_queue(path, ids, *, cleaner=None, signals=None):
    """Return a queue about everything that the cleaner can be asked, the cleaner, and records."""
    cleaner, weak = fit(ids, cleaner)
    signals = np.zeros((N, 1, 50)) if signals is None else signals
    records = ECGRecords(signals, 100, ids=ids, labels=weak)
    queue = ReviewQueue.from_cleaner(
        cleaner, records, path, n_questions=None, double_share=0, random_state=0
    )
    return queue, cleaner, records


@pytest.mark.parametrize(
    "ids",
    [
        [-7 * n for n in range(N)],
        [10**17 + n for n in range(N)],
        [f"{n}.0" for n in range(N)],
        [f"{n:05d}" for n in range(N)],
        [unicodedata.normalize(("NFC", "NFD")[n % 2], f"\u00e9{n // 2}") for n in range(N)],
        [f"\U0001fac0 {n}\n" for n in range(N)],
        ["x" * 5000 + str(n) for n in range(N)],
    ],
    ids=["negative", "huge", "float", "zeros", "unicode", "emoji", "long"],
)
def test_ids_come_back_as_they_were(tmp_path, ids):
    queue, cleaner, records = new_queue(tmp_path / "queue.sqlite", ids)
    for question in queue.next_questions("ana", 10):
        queue.answer(question["question"], "ana", "present")
    found = queue.answers(min_trust=0)
    assert set(found["id"]) <= set(ids) and set(found["label"]) <= {"AF", "af"}
    assert (cleaner.with_answers(found).provenance_ == "answered").sum() == len(found) == 10
    answered = queue.on_records(records.with_labels(None), min_trust=0)
    assert (answered.labels != -1).sum() == 10


def test_a_cleaner_that_learns_by_cross_validation_asks_too(tmp_path):
    queue, cleaner, records = new_queue(
        tmp_path / "queue.sqlite", list(range(N)), cleaner=CrossValidationLabelCleaner()
    )
    (question,) = queue.next_questions("ana")
    queue.answer(question["question"], "ana", "present")
    assert queue.update(cleaner.with_answers(queue.answers(min_trust=0)), records)["kept"]


def test_labels_of_records_that_cannot_be_shown_may_be_wrong_too(tmp_path):
    signals = np.zeros((N, 1, 50))
    signals[20:30] = np.nan
    with pytest.warns(UnreadRecordsWarning, match="10 of 40 records cannot be shown"):
        queue, cleaner, records = new_queue(tmp_path / "queue.sqlite", range(N), signals=signals)
    assert queue.progress()["n_questions"] == 20
    assert queue.errors_left()["n_labels"] == 40
    with pytest.warns(UnreadRecordsWarning):
        queue.update(cleaner, records)
    assert queue.errors_left()["n_labels"] == 40


def test_a_reservation_ends_although_the_clock_was_ahead(tmp_path, monkeypatch):
    queue = queue_at(tmp_path / "queue.sqlite")
    now = [1e9 + 86400]
    monkeypatch.setattr("sklearn_ecg.review.queue._queue.time.time", lambda: now[0])
    ahead = queue.next_questions("ana")[0]["question"]
    now[0] = 1e9
    assert queue.next_questions("ben")[0]["question"] == ahead


def test_an_answer_against_a_label_that_is_trusted_later_stops_no_refit(tmp_path):
    queue, _, records = new_queue(tmp_path / "queue.sqlite", range(N))
    first, second = queue.next_questions("ana", 2)
    queue.answer(first["question"], "ana", "absent" if first["weak"] == 1 else "present")
    queue.answer(second["question"], "ana", "present")
    later, _ = fit(range(N), trusted=[*range(20), int(first["record"]["id"])])
    said = f"{first['label']} of record {first['record']['id']}"
    with pytest.warns(UserWarning, match=f"1 answers contradict labels that are trusted.*{said}"):
        queue.update(later, records)
    with queue._database.writing() as work:
        refit = _refit.claim(work, time.time(), "now")
    with pytest.warns(UserWarning, match=said):
        _refit.fit_again(queue, refit)
    assert queue.progress()["refit"]["last"]["error"] is None
    assert len(queue.answers(min_trust=0)) == 2

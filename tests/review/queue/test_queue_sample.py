"""A queue about a random sample, from which a hospital without trusted labels begins."""

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.datasets import corrupt_labels, make_ecg_records
from sklearn_ecg.review import ReviewQueue, stopping
from tests.review.queues import cleaner_and_records

N_SAMPLE = 16
LABELS = ("Normal", "AF")


@pytest.fixture(scope="module")
def truth():
    return make_ecg_records(
        90, labels=LABELS, leads=("II",), sampling_rate=100, duration_s=6, random_state=0
    )


@pytest.fixture
def records(truth):
    return truth.with_labels(corrupt_labels(truth.labels, 0.2, random_state=0), LABELS)


@pytest.fixture
def queue(records, tmp_path):
    made = ReviewQueue.from_records(
        records, tmp_path / "queue.sqlite", n_records=N_SAMPLE, double_share=0.2, random_state=0
    )
    yield made
    made.close()


def read(queue, reader, truth, n=1000):
    """Let a reader who never errs answer up to n questions; return the ids in order."""
    read = []
    while len(read) < n and (questions := queue.next_questions(reader)):
        question = questions[0]
        row = truth.ids.tolist().index(question["record"]["id"])
        is_present = truth.labels[row, LABELS.index(question["label"])]
        queue.answer(question["question"], reader, "present" if is_present else "absent")
        read.append(question["record"]["id"])
    return read


def test_all_labels_of_random_records_are_asked_record_by_record_and_blind(queue, truth):
    question = queue.next_questions("ana")[0]
    assert question["evidence"] == [] and question["similar"] == [] and question["weak"] is None
    assert set(question["labels_now"].values()) == {-1}
    asked = read(queue, "ana", truth)
    assert len(asked) == len(LABELS) * N_SAMPLE
    assert asked[::2] == asked[1::2] and len(set(asked)) == N_SAMPLE
    groups = truth.groups[[truth.ids.tolist().index(name) for name in asked]]
    # All records of a patient come together, but the last patient may be cut.
    assert (groups[1:] != groups[:-1]).sum() == len(set(groups)) - 1
    whole = truth.groups[np.isin(truth.groups, groups[groups != groups[-1]])]
    assert len(whole) * len(LABELS) == (groups != groups[-1]).sum()
    twice = read(queue, "ben", truth)
    assert 0 < len(twice) < len(asked) and twice[::2] == twice[1::2]
    answers = queue.answers()
    assert len(answers) == len(asked) and set(answers["origin"]) == {"sample"}


def test_a_cleaner_learns_from_the_sample_and_goes_on_asking(queue, records, truth):
    read(queue, "ana", truth)
    assert queue.refit(wait=True) is False  # there is no cleaner yet
    features = np.random.default_rng(0).normal(truth.labels, 0.2)
    known = queue.on_records(records, origin="sample")
    cleaner = AFPLabelCleaner(max_iter=1, random_state=0)
    table = pd.DataFrame(features, records.ids)
    cleaner.fit(table, pd.DataFrame(known.labels, records.ids, LABELS), trusted=known.trusted)
    before, after = (np.sum(y != truth.labels) for y in (records.labels, cleaner.labels_))
    assert after < before / 2
    counts = queue.update(cleaner, records)
    assert counts["new"] == len(LABELS) * (len(records) - N_SAMPLE)
    assert queue.progress()["errors_left"]["n_labels"] == counts["new"]
    question = next(one for one in queue.next_questions("ana", 100) if one["evidence"])
    queue.answer(question["question"], "ana", "present")
    assert queue.answers(0)["origin"].value_counts().to_dict() == {"sample": 32, "cleaner": 1}
    assert queue.on_records(records, 0, origin="cleaner").trusted.sum() == 1


def test_trusted_labels_are_not_asked(records, truth, tmp_path):
    trusted = np.zeros((90, 2), dtype=bool)
    trusted[:, 0] = trusted[:80, 1] = True
    partly = records.with_labels(truth.labels, LABELS, trusted=trusted)
    queue = ReviewQueue.from_records(partly, tmp_path / "queue.sqlite", random_state=0)
    assert sorted(set(read(queue, "ana", truth))) == sorted(truth.ids[80:])
    assert queue.progress()["n_questions"] == 10


def test_what_cannot_be_sampled_is_refused(records, tmp_path):
    everything = records.with_labels(records.labels, LABELS, trusted=np.ones(90, dtype=bool))
    for bad, error, said in (
        (everything, ValueError, "All labels of the records are trusted"),
        (records.with_labels(None), ValueError, "have no labels"),
        (records.signals, TypeError, "must be ECGRecords"),
    ):
        with pytest.raises(error, match=said):
            ReviewQueue.from_records(bad, tmp_path / "queue.sqlite")
    with pytest.raises(ValueError, match="n_records == 0"):
        ReviewQueue.from_records(records, tmp_path / "queue.sqlite", n_records=0)
    assert not list(tmp_path.iterdir())


def test_a_cleaner_without_questions_says_how_to_begin(tmp_path):
    cleaner, records = cleaner_and_records()
    nothing_left = AFPLabelCleaner(max_iter=1, random_state=0)
    nothing_left.fit(cleaner._table, cleaner._weak, trusted=np.ones(len(records), dtype=bool))
    nothing_left._ids = cleaner._ids
    with pytest.warns(UserWarning, match=r"no questions.*from_records"):
        queue = ReviewQueue.from_cleaner(nothing_left, records, tmp_path / "queue.sqlite")
    assert stopping(queue.errors_left()).why == "No label is left that could be judged."

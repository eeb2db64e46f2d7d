"""What the desk tells readers of a queue."""

from sklearn_ecg.review.desk._work import Work
from tests.review.queues import ecg_queue_at


def test_progress_does_not_tell_the_second_reader_whether_they_agree(tmp_path):
    with ecg_queue_at(tmp_path / "queue.sqlite", double_share=1) as queue:
        work = Work(queue, refit_every=0)
        seen = []
        for said in ("present", "absent"):
            (question,) = queue.next_questions("ana")
            queue.answer(question["question"], "ana", "present")
            before = work.progress("ben")
            state = queue.answer(question["question"], "ben", said)["state"]
            after = work.progress("ben")
            seen.append((state, *(after[name] - before[name] for name in ("n_settled", "n_open"))))
            assert "n_disputed" not in after
        work.close()
    assert seen == [("settled", 1, -1), ("disputed", 1, -1)]

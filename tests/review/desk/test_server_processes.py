"""Real servers: killed, started again, two on one queue."""

from benchmarks.review_load import make_queue, run_load


def test_two_servers_of_a_queue_lose_no_answer_when_one_is_killed(tmp_path):
    make_queue(tmp_path / "queue.sqlite", n_records=150)
    found = run_load(
        tmp_path / "queue.sqlite", n_readers=5, seconds=3, think_s=0.1, n_servers=2, n_kills=1
    )
    assert found["answers"] >= 10
    assert not found["lost"] and not found["stored twice"] and not found["never acknowledged"]
    assert not found["errors"] and not found["refused"]
    assert found["exit codes"] == [0, 0]

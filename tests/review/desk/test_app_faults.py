"""What readers meet when the queue, its disk or a refit fails."""

import functools
import json
import sqlite3
import threading
import time

import pytest

from sklearn_ecg.review import create_app
from sklearn_ecg.review.desk._pages import read_words
from tests.review.desk.asgi_client import Client, an_answer, asked
from tests.review.queues import ecg_queue_at


def test_a_locked_queue_says_so_and_keeps_working(app, anna, queue, tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn_ecg.review.queue._database._PATIENCE_S", 0.5)
    app = create_app(type(queue)(tmp_path / "queue.sqlite"), refit_every=0)
    anna.app = app
    sent = an_answer(*asked(anna))
    other = sqlite3.connect(tmp_path / "queue.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    # More of those who wait than there are threads.
    send = functools.partial(anna.send, "POST", "/api/answers", json.dumps(sent).encode())
    own = {"content-type": "application/json", "x-csrf-token": anna.token}
    waiting = [threading.Thread(target=send, args=(own,)) for _ in range(20)]
    for thread in waiting:
        thread.start()
    start = time.monotonic()
    assert anna.get("/api/progress").status == 200
    assert time.monotonic() - start < 0.5
    for thread in waiting:
        thread.join()
    reply = anna.post("/api/answers", sent)
    assert reply.status == 503 and reply.headers["retry-after"] == "2"
    assert reply.json()["error"] == "Others keep the queue locked."
    assert "stay in this page" in reply.json()["what_to_do"]
    other.execute("ROLLBACK")
    assert anna.post("/api/answers", sent).json()["stored"]
    assert len(queue.trail()) == 1


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (TimeoutError("/home/anna/q.sqlite is locked"), "Others keep the queue locked."),
        (OSError(28, "No space left"), "The disk that the queue is on is full."),
        (PermissionError(13, "/home/anna"), "The queue may not be written."),
        (ConnectionError("/home/anna"), "The database of the queue does not answer."),
        (OSError(5, "/home/anna"), "The queue cannot be read or written."),
    ],
)
def test_what_is_not_stored_stays_in_the_page(anna, queue, monkeypatch, error, sentence):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(queue, "answer", fail)
    reply = anna.post("/api/answers", an_answer(1))
    assert reply.status == 503 and reply.json()["error"] == sentence
    assert "stay in this page" in reply.json()["what_to_do"] and "/home" not in reply.text


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_queue_that_was_deleted_stores_nothing(anna, queue, tmp_path, is_replaced):
    path = tmp_path / "queue.sqlite"
    assert anna.post("/api/answers", an_answer(1)).status == 200
    path.rename(tmp_path / "moved.sqlite")
    if is_replaced:
        ecg_queue_at(path).close()
    sent = an_answer(2)
    reply = anna.post("/api/answers", sent)
    assert reply.status == 503 and reply.json()["error"] == "The queue was moved or replaced."
    with pytest.raises(FileNotFoundError, match="no longer the file that was opened"):
        queue.progress()
    if not is_replaced:
        (tmp_path / "moved.sqlite").rename(path)
        assert anna.post("/api/answers", sent).status == 200
        assert len(queue.trail()) == 2


def test_what_went_wrong_with_a_link_is_a_page(anna, queue, monkeypatch):
    html = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": "de"}
    reply = anna.get("/nowhere", **html)
    assert reply.status == 404 and '<html lang="de' in reply.text and 'href="./"' in reply.text
    assert set(anna.get("/api/nowhere", **html).json()) == {"error", "what_to_do"}

    def fail(*args):
        raise TimeoutError("/home/anna")

    monkeypatch.setattr(queue, "agreement", fail)
    reply = anna.get("/overview", **html)
    said = read_words()["de"]["server"]["Others keep the queue locked."]
    assert reply.status == 503 and said in reply.text
    assert reply.headers["retry-after"] == "2" and "/home" not in reply.text


def test_a_damaged_queue_refuses_no_answer_for_good(anna, queue, tmp_path):
    (tmp_path / "queue.sqlite").write_bytes(b"no database" * 100)
    queue.close()
    assert anna.post("/api/answers", an_answer(1)).json()["error"] == "The queue is damaged."


def test_a_mistake_of_ours_tells_nothing_of_records(anna, queue, monkeypatch, caplog):
    def fail(*args, **kwargs):
        raise RuntimeError("patient 4711 in /home/anna")

    monkeypatch.setattr(queue, "progress", fail)
    reply = anna.get("/api/progress")
    assert reply.status == 500 and reply.json()["error"] == "The server made a mistake."
    assert "4711" not in reply.text + caplog.text
    assert "RuntimeError" in caplog.text


def test_the_cleaner_is_fitted_again_after_so_many_answers(queue, monkeypatch):
    fits, progress = [], queue.progress

    def since(reader=None):
        found = progress(reader)
        n_since = found["refit"]["n_answers_since"] - fits[-1] if fits else 0
        return found | {"refit": found["refit"] | {"n_answers_since": n_since}}

    fits.append(0)
    monkeypatch.setattr(queue, "progress", since)
    monkeypatch.setattr(queue, "refit", lambda: fits.append(len(queue.trail())))
    client = Client(create_app(queue, refit_every=3))
    client.sign_in("anna")
    for n in range(7):
        assert client.post("/api/answers", an_answer(*asked(client))).status == 200
        until(lambda n=n: len(fits) == 1 + (n + 1) // 3)
    assert fits == [0, 3, 6]


def until(is_so):
    """Wait for what happens in another thread."""
    for _ in range(500):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within 5 s")


def test_reading_goes_on_when_the_cleaner_cannot_be_fitted(queue, monkeypatch, caplog):
    def fail():
        raise ValueError("patient 4711")

    monkeypatch.setattr(queue, "refit", fail)
    client = Client(create_app(queue, refit_every=1))
    client.sign_in("anna")
    for _ in range(3):
        assert client.post("/api/answers", an_answer(*asked(client))).status == 200
    until(lambda: "The cleaner cannot be fitted again: ValueError" in caplog.text)
    assert "4711" not in caplog.text


def test_a_refit_that_failed_tells_nothing_of_records(anna, queue, monkeypatch):
    progress = queue.progress()
    last = {"started": "", "ended": "", "error": "ValueError: patient 4711", "counts": None}
    failed = progress | {"refit": progress["refit"] | {"last": last}}
    monkeypatch.setattr(queue, "progress", lambda reader=None: failed)
    assert anna.get("/api/progress").json()["refit"]["last"]["error"] == "ValueError"
    text = anna.get("/overview").text
    assert "failed" in text and "4711" not in text


def test_the_event_loop_does_not_wait_for_the_queue(anna, queue, monkeypatch):
    go_on, slow = threading.Event(), queue.progress

    def wait(reader=None):
        go_on.wait(10)
        return slow(reader)

    monkeypatch.setattr(queue, "progress", wait)
    replies = []
    thread = threading.Thread(target=lambda: replies.append(anna.get("/api/progress")))
    thread.start()
    assert anna.get("/enter").status == 200 and not replies
    go_on.set()
    thread.join()
    assert replies[0].status == 200

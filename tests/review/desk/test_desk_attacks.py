"""What hostile clients try: against a server of this process, and against the application."""

import contextlib
import os
import socket
import threading
import time
import uuid

import pytest
import uvicorn

from sklearn_ecg.review import create_app, serve
from sklearn_ecg.review.desk import _connection
from sklearn_ecg.review.desk._connection import Connection
from sklearn_ecg.review.desk._rates import _MOST_KEYS, RateLimit
from sklearn_ecg.review.desk._sessions import void_links
from sklearn_ecg.review.queue._actions import now_as_text
from sklearn_ecg.review.queue._refit import claim
from tests.review.desk.asgi_client import Client

HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@contextlib.contextmanager
def serving(app):
    """Serve an application in a thread with our connections; yield the address."""
    server = uvicorn.Server(uvicorn.Config(app, http=Connection, log_config=None, lifespan="on"))
    with socket.create_server(("127.0.0.1", 0)) as sock:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            yield sock.getsockname()
        finally:
            server.should_exit = True
            thread.join()


async def answer_nothing(scope, receive, send):
    """An application for which only the server matters."""
    if scope["type"] == "lifespan":
        for what in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{what}.complete"})
        return
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


def reply_to(connection, request):
    """Return what a server sends back; b"" if it has ended the connection."""
    try:
        connection.sendall(request)
        return connection.recv(4096)
    except ConnectionError:
        return b""


@pytest.mark.parametrize(
    "sent", [b"", HEAD, HEAD + b"\r\n", HEAD + b"Content-Length: 9\r\n\r\n", HEAD + b"\r\n" + HEAD]
)
def test_a_connection_ends_that_is_kept_without_a_request(monkeypatch, sent):
    monkeypatch.setattr(_connection, "_PER_REQUEST_S", 0.2)
    with serving(answer_nothing) as address, socket.create_connection(address, 5) as connection:
        connection.sendall(sent)
        while reply_to(connection, b""):
            pass  # until the server ends it; without an end the test would time out
        assert reply_to(connection, HEAD + b"\r\n") == b""


def test_who_opens_many_connections_keeps_out_no_other_network(monkeypatch):
    monkeypatch.setattr(_connection, "_MOST_CONNECTIONS", 20)
    own = {"127.0.0.2": "a reader's"}
    monkeypatch.setattr(_connection, "network_of", lambda client: own.get(client[0], "hostile"))
    with serving(answer_nothing) as address, contextlib.ExitStack() as opened:
        reader = opened.enter_context(
            socket.create_connection(address, 5, source_address=("127.0.0.2", 0))
        )
        request = HEAD + b"\r\n"
        assert reply_to(reader, request).startswith(b"HTTP/1.1 204")
        hostile = [opened.enter_context(socket.create_connection(address, 5)) for _ in range(60)]
        assert reply_to(hostile[-1], request).startswith(b"HTTP/1.1 204")
        assert reply_to(reader, request).startswith(b"HTTP/1.1 204")
        ended = [reply_to(connection, request) == b"" for connection in hostile]
        assert sum(ended) >= 40 and not ended[-1]


def test_serve_has_these_connections_and_trusts_no_proxy_unasked(queue, monkeypatch):
    configs = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: configs.append(self.config))
    with socket.create_server(("127.0.0.1", 0)) as sock:
        serve(create_app(queue), sock)
    (config,) = configs
    assert config.http_protocol_class is Connection and not config.proxy_headers


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({"X-Forwarded-For": "203.0.113.9"}, "127.0.0.1"),
        ({"Forwarded": "for=203.0.113.9"}, "127.0.0.1"),
        ({"Via": "1.1 proxy"}, "127.0.0.1"),
        ({}, "203.0.113.9"),
        ({}, "::ffff:203.0.113.9"),
    ],
)
def test_without_tokens_no_other_machine_comes_in(queue, headers, address):
    """Not even by a proxy, or a server, that knows nothing of the desk."""
    for with_tokens, status in ((False, 403), (True, 200)):
        app = create_app(queue, readers=["anna"], with_tokens=with_tokens)
        assert Client(app, address=address).get("/enter", **headers).status == status


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"])
def test_without_tokens_this_machine_comes_in(queue, address):
    assert Client(create_app(queue), address=address).get("/enter").status == 200


def test_a_request_with_two_lengths_is_refused(anna):
    reply = anna.send("POST", "/leave", b"", {"transfer-encoding": "chunked"})
    assert reply.status == 400 and reply.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        ("https://ecg.example", "ecg.example:443", 200),
        ("https://ecg.example:443", "ECG.example", 200),
        ("http://ecg.example", "ecg.example:80", 200),
        ("http://ecg.example", "ecg.example:443", 403),
        ("https://ecg.example:8443", "ecg.example", 403),
        ("https://ecg.example.evil:443", "ecg.example", 403),
    ],
)
def test_a_proxy_may_name_the_port_that_browsers_leave_out(queue, origin, host, status):
    client = Client(create_app(queue, hosts=["ecg.example"], refit_every=0))
    client.get("/enter", Host=host)
    kept = dict(client.cookies)
    about = {"Origin": origin, "Host": host}
    assert client.submit("/enter", about, reader="anna").status == (303 if status == 200 else 403)
    assert (client.cookies != kept) == (status == 200)


def test_a_session_without_a_token_is_none_where_tokens_are_asked_for(anna, queue):
    anna.app = create_app(queue, readers=["anna"], with_tokens=True)
    assert anna.get("/api/progress").status == 401
    token = anna.app.state.sessions.token_of("anna")
    assert anna.sign_in("anna", token).status == 303
    anna.app = create_app(queue)
    assert anna.get("/api/progress").status == 401


def test_other_servers_hear_of_a_sign_out_and_of_new_links(anna, queue):
    others = [create_app(queue, readers=names) for names in (None, ["anna", "ben"])]
    kept = dict(anna.cookies)
    anna.submit("/leave")
    for app in others:
        app.state.sessions.sync()
        anna.app, anna.cookies = app, dict(kept)
        assert anna.get("/api/progress").status == 401
    anna.sign_in("anna")
    token = app.state.sessions.token_of("anna")
    void_links(queue)
    app.state.sessions.sync()
    assert anna.get("/api/progress").status == 401
    assert app.state.sessions.token_of("anna") != token


def test_servers_are_in_step_without_being_asked(queue, monkeypatch):
    monkeypatch.setattr("sklearn_ecg.review.desk._app._SYNC_S", 0.02)
    app, calls = create_app(queue), []

    def sync():
        calls.append(1)
        raise OSError("the disk is full for a moment")

    monkeypatch.setattr(app.state.sessions, "sync", sync)
    with serving(app):
        until = time.monotonic() + 5
        while len(calls) < 3 and time.monotonic() < until:
            time.sleep(0.01)
    assert len(calls) >= 3


def test_a_sign_out_on_a_full_disk_is_stored_later(anna, queue, monkeypatch):
    kept = dict(anna.cookies)
    with monkeypatch.context() as patch:
        patch.setattr(
            queue._database, "writing", lambda: (_ for _ in ()).throw(OSError(28, "full"))
        )
        assert anna.submit("/leave").status == 303
    anna.app.state.sessions.sync()
    anna.app, anna.cookies = create_app(queue), kept
    assert anna.get("/api/progress").status == 401


def test_a_refused_sign_in_is_told_a_few_times(queue, caplog, monkeypatch):
    monkeypatch.setattr(
        "sklearn_ecg.review.desk._pages._SIGN_INS", {"per_second": 1e-9, "at_once": 3}
    )
    app = create_app(queue, readers=["anna"], with_tokens=True)
    for _ in range(10):
        Client(app).sign_in("anna", "wrong")
    assert caplog.text.count("was refused") == 3


def test_limits_of_many_addresses_do_not_fill_the_memory():
    limit = RateLimit(per_second=1, at_once=1)
    assert limit.take("reader") == 0
    for number in range(_MOST_KEYS + 10):
        limit.take(number)
    assert len(limit._left) == _MOST_KEYS


def test_no_reply_names_a_record_by_its_id(anna, queue):
    asked = anna.get("/api/questions?n=5")
    numbers = [question["question"] for question in asked.json()["questions"]]
    sent = {"key": str(uuid.uuid4()), "question": numbers[0], "answer": "present"}
    replies = [asked, *(anna.get(path) for path in ("/desk", "/overview", "/api/progress"))]
    replies.append(anna.post("/api/answers", sent))
    replies.append(anna.post("/api/undo", {"key": str(uuid.uuid4())}))
    assert {reply.status for reply in replies} == {200}
    for question in map(queue.question, numbers):
        records = [question["record"], *(one["record"] for one in question["similar"])]
        assert len(records) > 1
        for record in records:
            assert not any(f'"{record["id"]}"' in reply.text for reply in replies)


def test_pages_work_under_the_prefix_of_a_proxy(anna):
    for path, root in (("/desk", "./"), ("/nowhere", "./"), ("/a/b", "../"), ("/a%2fb", "./")):
        page = anna.get(path, Accept="text/html").text
        assert f'href="{root}static/desk.css"' in page
        assert 'href="/' not in page and 'src="/' not in page and 'action="/' not in page
    assert anna.get("/").headers["location"] == "desk"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such rights")
def test_a_queue_is_made_for_its_owner_alone(tmp_path):
    from sklearn_ecg.review.queue._database import Database

    before = os.umask(0)
    try:
        with Database(tmp_path / "queue.sqlite", create=True).reading():
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "queue.sqlite").stat().st_mode & 0o777 == 0o600


def test_a_clock_that_is_set_back_keeps_no_question_and_no_refit(queue, monkeypatch):
    now = time.time()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now + 365 * 24 * 3600)
        asked = queue.next_questions("anna", n=5)
        with queue._database.writing() as work:
            assert claim(work, time.time(), now_as_text()) is not None
    assert queue.next_questions("ben", n=5) == asked
    assert not queue.progress()["refit"]["running"]
    with queue._database.writing() as work:
        assert claim(work, time.time(), now_as_text()) is not None
        assert claim(work, time.time() - 60, now_as_text()) is None


def test_a_link_of_another_reader_signs_nobody_over_unasked(anna):
    assert "data-asks" in anna.get("/enter").text
    anna.get("/desk")
    anna.submit("/leave")
    assert "data-asks" not in anna.get("/enter").text

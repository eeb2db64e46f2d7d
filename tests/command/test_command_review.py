"""``sklearn-ecg review``: what it prints, who may come in, and what it refuses."""

import json
import re
import socket
import stat
import threading

import pytest

from sklearn_ecg import review as desk
from tests.review.desk.asgi_client import Client
from tests.review.queues import ecg_queue_at


@pytest.fixture
def served(monkeypatch):
    """What the command would have served, instead of serving it."""
    calls = []
    monkeypatch.setattr(desk, "serve", lambda app, sock, **how: calls.append((app, how)), False)
    monkeypatch.setattr("webbrowser.open", lambda address: calls.append(address))
    return calls


@pytest.fixture
def queue(tmp_path):
    ecg_queue_at(tmp_path / "queue.sqlite").close()
    return tmp_path / "queue.sqlite"


def test_at_this_machine_a_name_is_enough(run, queue, served, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    said = run("review", queue, "--port", 0, "--reader", "anna", "--no-browser").stdout
    site = re.search(r"^Open (http://127\.0\.0\.1:\d+)/enter#reader=anna$", said, re.MULTILINE)[1]
    assert "token" not in said and f"All answers are in {queue}." in said
    ((app, how),) = served
    assert how == {"ssl_certfile": None, "ssl_keyfile": None, "trusted_proxies": ()}
    assert Client(app, site).sign_in("anna").status == 303
    assert Client(app, site).sign_in("ben").status == 403
    assert Client(app, "http://ecg.example:8765").get("/enter").status == 403


def test_others_need_their_links(run, queue, served, tmp_path):
    links = tmp_path / "links.txt"
    links.write_text("of another day")
    links.chmod(0o644)
    result = run("review", queue, "--host", "0.0.0.0", "--port", 0, "--readers", "anna, Björn Ek",
                 "--url", "http://ecg.example/desk/", "--token-file", links)  # fmt: skip
    assert "cross the network unencrypted" in result.stderr
    assert "token=" not in result.stdout and f"are in {links}" in result.stdout
    assert stat.S_IMODE(links.stat().st_mode) == 0o600
    first, second = links.read_text().splitlines()
    token = re.fullmatch(r"(http://ecg\.example)/desk/enter#reader=anna&token=([\w-]{43})", first)
    assert "#reader=Bj%C3%B6rn+Ek&token=" in second
    ((app, _),) = served
    assert Client(app, token[1]).sign_in("anna", token[2]).status == 303
    assert Client(app, token[1]).sign_in("anna").status == 403
    assert Client(app, "http://evil.example").get("/enter").status == 403
    # Links stay good, until the command says otherwise.
    again = ["review", queue, "--host", "0.0.0.0", "--port", 0, "--readers", "anna", "--no-browser"]
    assert f"token={token[2]}" in run(*again).stdout
    run(*again, "--new-links")
    client = Client(served[-1][0], "http://localhost")
    assert client.sign_in("anna", token[2]).status == 403
    assert 'name="queue-key"' in client.get("/enter").text


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["none.sqlite"], 1, "Error: There is no "),
        (["."], 1, "is a folder"),
        (["{queue}", "--host", "0.0.0.0"], 2, "Name the readers by --readers"),
        (["{queue}", "--url", "https://ecg.example"], 2, "Name the readers by --readers"),
        (["{queue}", "--url", "ecg.example"], 2, "'ecg.example' is no address such as https://"),
        (["{queue}", "--url", "https://a@b/#c"], 2, "is no address such as https://"),
        (["{queue}", "--trusted-proxy", "127.0.0.1"], 2, "Name the readers by --readers"),
        (["{queue}", "--tokens"], 2, "Name the readers by --readers"),
        (["{queue}", "--readers", "anna,"], 1, "name of a reader must be 1 to 60"),
        (["{queue}", "--language", "fr"], 1, "'language' parameter"),
        (["{queue}", "--refit-every", "-1"], 2, "--refit-every"),
        (["{queue}", "--port", "70000"], 2, "--port"),
        (
            ["{queue}", "--host", "no such host", "--readers", "a"],
            1,
            "There is no address 'no such host'",
        ),
        (["{queue}", "--ssl-certfile", "{queue}"], 2, "--ssl-certfile and --ssl-keyfile need"),
    ],
)
def test_a_mistake_is_said_before_anything_is_served(
    run, queue, served, tmp_path, monkeypatch, arguments, code, message
):
    monkeypatch.chdir(tmp_path)
    given = [argument.format(queue=queue) for argument in arguments]
    assert message in " ".join(run("review", *given, expected=code).stderr.split())
    assert not served


def test_a_proxy_with_https_needs_no_certificate_of_ours(run, queue, served):
    links = ["--readers", "anna", "--url", "https://ecg.example:8443/desk"]
    result = run(
        "review", queue, "--port", 0, "--trusted-proxy", "127.0.0.1", "--no-browser", *links
    )
    assert "\nhttps://ecg.example:8443/desk/enter#reader=anna&token=" in result.stdout
    assert not result.stderr
    assert Client(served[0][0], "https://ecg.example:8443").get("/enter").status == 200


def test_new_links_beside_a_running_desk_leave_its_own_valid(run, queue, served):
    anna = ["review", queue, "--tokens", "--reader", "anna", "--no-browser", "--port"]
    of_anna = re.compile("token=.*")
    before = of_anna.search(run(*anna, 0).stdout)[0]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        run(*anna, taken.getsockname()[1], "--new-links", expected=1)
    assert of_anna.search(run(*anna, 0).stdout)[0] == before


def test_a_port_that_is_taken_is_named(run, queue, served):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = run("review", queue, "--port", port, expected=1).stderr
    assert f"Error: Port {port} of 127.0.0.1 is taken" in said and not served


def test_a_certificate_that_is_none_is_named(run, queue, tmp_path):
    (tmp_path / "desk.pem").write_text("no certificate")
    files = ["--ssl-certfile", tmp_path / "desk.pem", "--ssl-keyfile", tmp_path / "desk.pem"]
    said = run("review", queue, "--port", 0, "--no-browser", *files, expected=1).stderr
    assert "must be a certificate and its own key in PEM files" in said


def test_the_log_tells_who_came_and_no_password(run, queue, served, tmp_path):
    log = tmp_path / "log"
    url = "postgresql+pg8000://desk:pass-word@127.0.0.1:1/ecg"
    said = run("review", url, "--log", log, "--port", 0, "--no-browser", expected=1)
    assert "pass-word" not in said.output + log.read_text()

    def come_in(app, sock, **how):
        Client(app).sign_in("anna")
        Client(app).sign_in("carl")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk, "serve", come_in, False)
        run("review", queue, "--log", log, "--port", 0, "--reader", "anna", "--no-browser")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    messages = [line["message"] for line in lines if line["event"] in ("info", "warning")]
    assert messages == ["anna signed in from 127.0.0.1", "A sign-in from 127.0.0.1 was refused"]


@pytest.mark.parametrize("display", ["", ":0"])
def test_a_browser_opens_where_there_are_windows(run, queue, served, monkeypatch, display):
    for name in ("WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.setattr("sys.platform", "linux")
    run("review", queue, "--port", 0, "--reader", "anna")
    for thread in threading.enumerate():
        if thread.name == "browser":
            thread.join(5)
    opened = [call for call in served if isinstance(call, str)]
    assert len(opened) == bool(display)
    assert all(address.endswith("/enter#reader=anna") for address in opened)

"""Tests reach no other machine."""

import socket
import threading
import urllib.error
import urllib.request

import pytest

ELSEWHERE = "192.0.2.1"  # an address that documents may name and nobody has


def test_no_host_is_looked_up():
    with pytest.raises(PermissionError, match="not 'physionet"):
        socket.create_connection(("physionet.org", 443))
    with pytest.raises(urllib.error.URLError, match="not 'physionet"):
        urllib.request.urlopen("https://physionet.org/files")


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_no_address_is_reached(kind):
    with socket.socket(type=kind) as ours, pytest.raises(PermissionError, match=ELSEWHERE):
        ours.connect((ELSEWHERE, 9))


def test_nothing_is_sent():
    with (
        socket.socket(type=socket.SOCK_DGRAM) as ours,
        pytest.raises(PermissionError, match=ELSEWHERE),
    ):
        ours.sendto(b"x", (ELSEWHERE, 9))


def test_threads_reach_no_more():
    errors = []

    def connect():
        try:
            socket.create_connection((ELSEWHERE, 9), timeout=1)
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=connect)
    thread.start()
    thread.join()
    assert isinstance(errors[0], PermissionError)


def test_this_machine_is_reached():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as ours,
    ):
        assert ours.getpeername() == server.getsockname()

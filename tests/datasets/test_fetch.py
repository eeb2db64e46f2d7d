"""Downloads, from a server on this machine that behaves as badly as a network can."""

import builtins
import contextlib
import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_ecg.datasets import (
    _download,
    _fetch,
    fetch_cpsc2018,
    fetch_ludb,
    fetch_mitdb,
    fetch_ptbxl,
)

pytest.importorskip("pooch")


class Server:
    """Serves files over HTTP, with faults by path, and notes who asked for what."""

    def __init__(self):
        self.files = {}  # bytes by path, as the checksums say
        self.drop = {}  # by path: how many bytes until the connection drops, per request in turn
        self.damage = {}  # by path: how many requests are answered with other bytes
        self.slow = set()  # paths that are answered byte by byte
        self.hesitant = set()  # paths whose very headers come byte by byte
        self.status = {}  # by path: error codes in turn
        self.asked = []
        self.connections = set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, handler):
        path = handler.path
        self.asked.append(path.rsplit("/", 1)[1])
        self.connections.add(handler.client_address)
        codes = self.status.get(path, [])
        code = codes.pop(0) if codes else 200
        body = self.files.get(path)
        if path in self.hesitant:
            with contextlib.suppress(OSError):
                for byte in b"HTTP/1.1 200 OK":
                    time.sleep(0.02)
                    handler.wfile.write(bytes([byte]))
            return
        if code != 200 or body is None:
            handler.send_response(code if code != 200 else 404)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        if self.damage.get(path, 0):
            self.damage[path] -= 1
            body = body[::-1]
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if path in self.slow:
            with contextlib.suppress(OSError):
                for byte in body:
                    time.sleep(0.02)
                    handler.wfile.write(bytes([byte]))
            return
        drops = self.drop.get(path, [])
        n_sent = drops.pop(0) if drops else len(body)
        handler.wfile.write(body[:n_sent])
        if n_sent < len(body):
            handler.close_connection = True

    def publish(self, place, files):
        sums = {name: hashlib.sha256(body).hexdigest() for name, body in files.items()}
        listing = "".join(f"{digest} {name}\n" for name, digest in sums.items())
        files = {**files, "SHA256SUMS.txt": listing.encode()}
        self.files.update({f"{place}/{name}": body for name, body in files.items()})


def content(name, size=50_000):
    seed = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    return np.random.default_rng(seed).bytes(size)


MITDB = "/files/mitdb/1.0.0"
NAMES = [f"{record}.{suffix}" for record in (100, 101) for suffix in ("hea", "dat", "atr")]
EXTRAS = ["100.xws", "mitdbdir/intro.htm", "x_mitdb/x_108.dat"]


@pytest.fixture
def physionet(monkeypatch):
    server = Server()
    server.publish(MITDB, {name: content(name) for name in [*NAMES, *EXTRAS, "LICENSE.txt"]})
    monkeypatch.setattr(_fetch, "_PHYSIONET", server.url)
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda seconds: None))
    yield server
    server.http.shutdown()
    server.http.server_close()


def assert_complete(folder):
    wanted = {*NAMES, "LICENSE.txt", "SHA256SUMS.txt"}
    assert {path.name for path in folder.rglob("*")} == wanted
    for name in wanted - {"SHA256SUMS.txt"}:
        assert (folder / name).read_bytes() == content(name)


def assert_nothing_wrong(folder):
    """No file stands under its name without being whole and right."""
    for path in folder.rglob("*"):
        if path.name != "SHA256SUMS.txt":
            assert path.read_bytes() == content(path.name), path


def test_fetches_what_is_wanted_and_says_under_what_licence(physionet, tmp_path, capsys):
    folder = tmp_path / "neu für Größe" / "mitdb"
    assert fetch_mitdb(folder) == folder
    assert_complete(folder)
    printed = capsys.readouterr()
    assert "Open Data Commons Attribution License v1.0" in printed.out
    assert "Please cite: Moody GB" in printed.out and str(folder) in printed.out
    assert "7/7" in printed.err


def test_what_is_complete_is_not_fetched_again(physionet, tmp_path, capsys):
    fetch_mitdb(tmp_path, verbose=0)
    assert capsys.readouterr() == ("", "")
    (tmp_path / "101.dat").unlink()
    (tmp_path / "100.hea").write_bytes(b"overwritten")
    physionet.asked.clear()
    fetch_mitdb(tmp_path, verbose=0)
    assert sorted(physionet.asked) == ["100.hea", "101.dat"]
    assert_complete(tmp_path)
    physionet.http.server_close()
    assert fetch_mitdb(tmp_path) == tmp_path
    assert "Licence" not in capsys.readouterr().out


@pytest.mark.parametrize("n_drops", [1, _download._RETRIES])
def test_dropped_connections_are_survived(physionet, tmp_path, n_drops):
    physionet.drop[f"{MITDB}/100.dat"] = [20_000] * n_drops
    physionet.drop[f"{MITDB}/101.atr"] = [0] * n_drops
    fetch_mitdb(tmp_path, verbose=0)
    assert_complete(tmp_path)
    assert physionet.asked.count("100.dat") == physionet.asked.count("101.atr") == n_drops + 1


def test_a_later_call_goes_on_with_the_files_that_lack(physionet, tmp_path):
    physionet.drop[f"{MITDB}/101.atr"] = [20_000] * 99
    with pytest.raises(ConnectionError, match=r"101\.atr .* of 7 files are done; call again"):
        fetch_mitdb(tmp_path, verbose=0)
    assert_nothing_wrong(tmp_path)
    came = {path.name for path in tmp_path.iterdir()} - {"SHA256SUMS.txt"}
    assert came and "101.atr" not in came
    physionet.drop.clear()
    physionet.asked.clear()
    fetch_mitdb(tmp_path, verbose=0)
    assert_complete(tmp_path)
    assert set(physionet.asked) == {*NAMES, "LICENSE.txt"} - came


def test_many_files_come_over_few_connections(physionet, tmp_path):
    names = [f"data/{n}.dat" for n in range(60)]
    physionet.publish("/files/ludb/1.0.1", small(names))
    assert files_in(fetch_ludb(tmp_path, verbose=0)) == set(names)
    assert len(physionet.connections) <= 5


def test_wrong_bytes_are_asked_for_again(physionet, tmp_path):
    physionet.damage[f"{MITDB}/101.atr"] = 1
    fetch_mitdb(tmp_path, verbose=0)
    assert_complete(tmp_path)


def test_wrong_bytes_for_ever_name_the_file(physionet, tmp_path):
    physionet.damage[f"{MITDB}/101.atr"] = 99
    with pytest.raises(ConnectionError, match=r"101\.atr could not be .*checksum.*call again"):
        fetch_mitdb(tmp_path, verbose=0)
    assert not (tmp_path / "101.atr").exists()
    assert_nothing_wrong(tmp_path)
    physionet.damage.clear()
    fetch_mitdb(tmp_path, verbose=0)
    assert_complete(tmp_path)


def test_drops_for_ever_name_the_file(physionet, tmp_path):
    physionet.drop[f"{MITDB}/100.dat"] = [20_000] * 99
    with pytest.raises(ConnectionError, match=r"100\.dat could not be downloaded"):
        fetch_mitdb(tmp_path, verbose=0)
    assert not (tmp_path / "100.dat").exists()
    assert_nothing_wrong(tmp_path)
    assert physionet.asked.count("100.dat") == 1 + _download._RETRIES


def test_a_missing_file_is_named_at_once(physionet, tmp_path):
    del physionet.files[f"{MITDB}/100.atr"]
    with pytest.raises(ConnectionError, match=r"100\.atr could not be downloaded.*answers 404"):
        fetch_mitdb(tmp_path, verbose=0)
    assert physionet.asked.count("100.atr") == 1
    assert_nothing_wrong(tmp_path)


def test_a_busy_server_is_asked_again(physionet, tmp_path):
    physionet.status[f"{MITDB}/100.atr"] = [503, 429]
    fetch_mitdb(tmp_path, verbose=0)
    assert_complete(tmp_path)


@pytest.mark.parametrize(
    ("listing", "message"),
    [
        (b"<html>Please log in to the hotel's network</html>", "line 1 is not a checksum"),
        (b"", "it is empty"),
        (b"a" * 64 + b" ../../evil.dat\n", "line 1 is not a checksum"),
        (b"a" * 64 + b" /etc/evil\n", "line 1 is not a checksum"),
    ],
)
def test_a_list_that_is_none(physionet, tmp_path, listing, message):
    physionet.files[f"{MITDB}/SHA256SUMS.txt"] = listing
    with pytest.raises(ConnectionError, match=rf"SHA256SUMS\.txt could not .*{message}"):
        fetch_mitdb(tmp_path / "mitdb", verbose=0)
    assert not (tmp_path / "mitdb").exists()


def test_without_network(physionet, tmp_path):
    physionet.http.shutdown()
    physionet.http.server_close()
    with pytest.raises(ConnectionError, match=r"(?s)could not be downloaded.*make_ecg_records"):
        fetch_mitdb(tmp_path / "mitdb", verbose=0)
    assert not (tmp_path / "mitdb").exists()


def test_what_the_disk_refuses_is_no_matter_of_the_network(physionet, tmp_path):
    (tmp_path / "100.dat").mkdir()
    with pytest.raises(IsADirectoryError, match=r"100\.dat"):
        fetch_mitdb(tmp_path, verbose=0)
    (tmp_path / "100.dat").rmdir()
    assert_nothing_wrong(tmp_path)


def test_a_file_in_the_place_of_the_folder(tmp_path):
    file = tmp_path / "mitdb"
    file.write_text("notes")
    with pytest.raises(NotADirectoryError, match=r"path must be a folder.*mitdb' is a file"):
        fetch_mitdb(file, verbose=0)


def test_without_pooch(monkeypatch, tmp_path):
    original = builtins.__import__

    def refuse(name, *arguments, **options):
        if name == "pooch":
            raise ImportError("No module named 'pooch'")
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r"pip install 'sklearn_ecg\[fetch\]'"):
        fetch_mitdb(tmp_path)


def test_default_folders(physionet, tmp_path, monkeypatch):
    monkeypatch.setenv("SKLEARN_ECG_DATA", str(tmp_path))
    assert fetch_mitdb(verbose=0) == tmp_path / "mitdb"
    monkeypatch.delenv("SKLEARN_ECG_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = fetch_mitdb(verbose=0)
    assert folder.parts[-2:] == ("sklearn_ecg", "mitdb")


def small(names):
    return {name: content(name, 100) for name in names}


def files_in(folder):
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)) for path in paths} - {"SHA256SUMS.txt"}


def test_ptbxl_at_one_rate_or_both(physionet, tmp_path):
    tables = ["ptbxl_database.csv", "scp_statements.csv", "LICENSE.txt"]
    slow = ["records100/00000/00001_lr.dat", "records100/00000/00001_lr.hea"]
    fast = ["records500/00000/00001_hr.dat", "records500/00000/00001_hr.hea"]
    others = ["example_physionet.py", "RECORDS"]
    physionet.publish("/files/ptb-xl/1.0.3", small([*tables, *slow, *fast, *others]))
    assert files_in(fetch_ptbxl(tmp_path, verbose=0)) == {*tables, *slow}
    fetch_ptbxl(tmp_path, sampling_rate=500, verbose=0)
    assert files_in(tmp_path) == {*tables, *slow, *fast}
    with pytest.raises(ValueError, match=r"sampling_rate must be 100 or 500.*got 250"):
        fetch_ptbxl(tmp_path, sampling_rate=250)


def test_cpsc2018_is_a_part_of_a_larger_set(physionet, tmp_path):
    wanted = ["g1/A0001.hea", "g1/A0001.mat", "g2/A1000.hea"]
    place = "training/cpsc_2018"
    others = ["training/georgia/g1/E00001.hea", "training/cpsc_2018_extra/g1/Q0001.hea"]
    names = [*(f"{place}/{name}" for name in [*wanted, "g1/index.html"]), *others]
    physionet.publish("/files/challenge-2020/1.0.2", small(names))
    assert files_in(fetch_cpsc2018(tmp_path, verbose=0)) == set(wanted)


def test_ludb_with_its_annotations(physionet, tmp_path):
    wanted = ["data/1.hea", "data/1.dat", "data/1.i", "data/1.avr", "ludb.csv", "LICENSE.txt"]
    physionet.publish("/files/ludb/1.0.1", small([*wanted, "RECORDS"]))
    assert files_in(fetch_ludb(tmp_path, verbose=0)) == set(wanted)


@pytest.mark.parametrize("name", ["100.dat", "SHA256SUMS.txt"])
@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ({"_PATIENCE_S": 0.1}, "no more than .* bytes per second"),
        ({"_MOST_BYTES": 5}, "more than 5"),
    ],
)
def test_a_server_that_never_comes_to_an_end(
    physionet, tmp_path, monkeypatch, name, limits, problem
):
    for limit, value in limits.items():
        monkeypatch.setattr(_download, limit, value)
    physionet.slow.add(f"{MITDB}/{name}")
    if name != "SHA256SUMS.txt":
        listing = physionet.files[f"{MITDB}/SHA256SUMS.txt"]
        (tmp_path / "SHA256SUMS.txt").write_bytes(listing)
    with pytest.raises(ConnectionError, match=rf"could not be downloaded: .*{problem}.*by hand"):
        fetch_mitdb(tmp_path, verbose=0)
    assert_nothing_wrong(tmp_path)


def test_a_server_whose_headers_never_come_to_an_end(physionet, tmp_path, monkeypatch):
    monkeypatch.setattr(_download, "_ANSWER_S", 0.1)
    physionet.hesitant.add(f"{MITDB}/100.dat")
    with pytest.raises(ConnectionError, match=r"100\.dat .*did not answer within 0\.1 s.*by hand"):
        fetch_mitdb(tmp_path, verbose=0)
    assert_nothing_wrong(tmp_path)

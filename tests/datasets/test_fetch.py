"""Downloads, from a stand-in for PhysioNet."""

import io
from urllib.error import URLError

import pytest

from sklearn_ecg.datasets import _fetch, fetch_mitdb


@pytest.fixture
def physionet(monkeypatch):
    """Serve two records of three small files each, and note what was asked for."""
    asked = []

    def urlopen(url, timeout):
        assert timeout <= 10
        asked.append(url.rsplit("/", 1)[1])
        return io.BytesIO(b"100\n101\n" if asked[-1] == "RECORDS" else asked[-1].encode())

    monkeypatch.setattr(_fetch, "urlopen", urlopen)
    return asked


def test_fetches_what_is_missing(physionet, tmp_path):
    folder = tmp_path / "new" / "mitdb"
    assert fetch_mitdb(folder, verbose=0) == folder
    names = {f"{record}.{suffix}" for record in (100, 101) for suffix in ("hea", "dat", "atr")}
    assert {path.name for path in folder.iterdir()} == names
    assert (folder / "101.dat").read_text() == "101.dat"
    (folder / "101.dat").unlink()
    physionet.clear()
    fetch_mitdb(folder, verbose=0)
    assert physionet == ["RECORDS", "101.dat"]


def test_default_folder(physionet, tmp_path, monkeypatch):
    monkeypatch.setenv("SKLEARN_ECG_DATA", str(tmp_path))
    assert fetch_mitdb(verbose=0) == tmp_path / "mitdb"


def test_without_network(tmp_path, monkeypatch):
    def urlopen(url, timeout):
        raise URLError("Name or service not known")

    monkeypatch.setattr(_fetch, "urlopen", urlopen)
    with pytest.raises(ConnectionError, match=r"could not be downloaded.*make_ecg_records"):
        fetch_mitdb(tmp_path / "mitdb", verbose=0)
    assert not (tmp_path / "mitdb").exists()

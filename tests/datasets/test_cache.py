"""The copy of all signals: the same samples, whatever happens while it is written or kept."""

import os
import pickle
import shutil

import numpy as np
import pytest
import wfdb

from sklearn_ecg.datasets import _cache, load_wfdb
from sklearn_ecg.datasets._cache import cache_signals
from sklearn_ecg.datasets._reader import WFDBReader


@pytest.fixture
def folder(tmp_path, rng):
    """Ten records of different lengths, gains and formats, with invalid samples."""
    folder = tmp_path / "records"
    folder.mkdir()
    for i in range(10):
        limit, number = (2000, "212") if i % 3 else (30_000, "16")
        samples = rng.integers(-limit, limit, (101 + 7 * i, 2))
        samples[i, 1] = -(2**11) if i % 3 else -(2**15)
        wfdb.wrsamp(
            f"r{i}",
            fs=100,
            units=["mV", "mV"],
            sig_name=["I", "II"],
            d_signal=samples,
            fmt=[number] * 2,
            adc_gain=[200.5 + i, 1000.0],
            baseline=[i, -1024],
            write_dir=str(folder),
        )
    return folder


@pytest.fixture
def reads(monkeypatch):
    """The records that are read from their own files, in order."""
    seen = []
    read = WFDBReader.digital

    def counted(self, i):
        seen.append(i)
        return read(self, i)

    monkeypatch.setattr(WFDBReader, "digital", counted)
    return seen


def assert_same(cached, folder, **arguments):
    original = load_wfdb(folder, **arguments)
    assert list(cached.ids) == list(original.ids)
    for mine, theirs in zip(cached.signals, original.signals, strict=True):
        np.testing.assert_array_equal(mine, theirs)
        assert mine.dtype == np.float32 and mine.flags.writeable
    np.testing.assert_array_equal(cached.signals.window(3, 10, 50), original.signals[3][:, 10:50])


def file_of(cache, suffix):
    (path,) = cache.glob(f"*.{suffix}")
    return path


def test_written_once(folder, tmp_path, reads):
    cache = tmp_path / "a" / "cache"
    records = load_wfdb(folder, cache_dir=cache)
    assert reads == list(range(10))
    assert_same(records, folder)
    assert_same(load_wfdb(folder, cache_dir=cache), folder)
    assert reads == list(range(10))
    assert {path.suffix for path in cache.iterdir()} == {".int16", ".npz"}
    assert np.isnan(records.signals[4][1, 4]) and np.isfinite(records.signals[4]).sum() == 257


def test_a_file_in_the_place_of_the_folder(folder, tmp_path):
    file = tmp_path / "cache"
    file.write_text("notes")
    for cache_dir in (file, file / "below"):
        with pytest.raises(NotADirectoryError, match=r"cache_dir must be a folder.*cache' is a f"):
            load_wfdb(folder, cache_dir=cache_dir)
    assert file.read_text() == "notes"


def test_the_cache_alone_is_read(folder, tmp_path):
    records = load_wfdb(folder, cache_dir=tmp_path / "cache")
    expected = [signal.copy() for signal in load_wfdb(folder).signals]
    shutil.rmtree(folder)
    for signal, other in zip(records.signals, expected, strict=True):
        np.testing.assert_array_equal(signal, other)
    sent = pickle.loads(pickle.dumps(records[[7, 2]].signals))
    np.testing.assert_array_equal(sent[1], expected[2])


def test_other_files_or_settings_are_another_cache(folder, tmp_path, reads):
    cache = tmp_path / "cache"
    load_wfdb(folder, cache_dir=cache)
    assert_same(load_wfdb(folder, leads=["II"], cache_dir=cache), folder, leads=["II"])
    assert len(reads) == 20
    # Rewritten with the same content: who can tell?
    os.utime(folder / "r3.dat", ns=(0, 0))
    assert_same(load_wfdb(folder, leads=["II"], cache_dir=cache), folder, leads=["II"])
    assert len(reads) == 30
    (folder / "r3.hea").unlink()
    records = load_wfdb(folder, leads=["II"], cache_dir=cache)
    assert len(records) == 9 and len(records.report) == 1


def test_interrupted_and_resumed(folder, tmp_path, monkeypatch, reads):
    monkeypatch.setattr(_cache, "_CHUNK", 3)
    cache = tmp_path / "cache"
    digital = WFDBReader.digital

    def interrupted(self, i):
        if i == 7:
            raise KeyboardInterrupt
        return digital(self, i)

    with monkeypatch.context() as patch:
        patch.setattr(WFDBReader, "digital", interrupted)
        with pytest.raises(KeyboardInterrupt):
            load_wfdb(folder, cache_dir=cache)
    assert not list(cache.glob("*.npz"))
    reads.clear()
    # What was being written when the power failed is not believed.
    part = file_of(cache, "part")
    with open(part, "r+b") as file:
        file.seek(part.stat().st_size // 2 + 1000)
        file.write(bytes(100))
    assert_same(load_wfdb(folder, cache_dir=cache), folder)
    assert reads == [6, 7, 8, 9]
    assert {path.suffix for path in cache.iterdir()} == {".int16", ".npz"}


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def empty(path):
    path.write_bytes(b"")


def lose(path):
    path.unlink()


def overwrite(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def forget_gains(path):
    with np.load(path) as stored:
        index = {name: stored[name] for name in stored.files if name != "gains"}
    np.savez(path, **index)


def shorten_gains(path):
    with np.load(path) as stored:
        index = dict(stored)
    np.savez(path, **{**index, "gains": index["gains"][:3]})


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        ("npz", forget_gains),
        ("npz", shorten_gains),
        ("int16", cut),
        ("int16", empty),
        ("int16", lose),
        ("npz", cut),
        ("npz", empty),
        ("npz", overwrite),
    ],
)
def test_a_damaged_cache_is_written_anew(folder, tmp_path, reads, suffix, damage):
    cache = tmp_path / "cache"
    load_wfdb(folder, cache_dir=cache)
    damage(file_of(cache, suffix))
    with pytest.warns(UserWarning, match=r"copy of the signals in .*cache is damaged.*anew"):
        records = load_wfdb(folder, cache_dir=cache)
    assert len(reads) == 20
    assert_same(records, folder)
    assert_same(load_wfdb(folder, cache_dir=cache), folder)


def test_a_cache_that_was_overwritten_in_part(folder, tmp_path):
    cache = tmp_path / "cache"
    records = load_wfdb(folder, cache_dir=cache)
    overwrite(file_of(cache, "int16"))
    with pytest.warns(UserWarning, match=r"int16 is damaged; a record is read from its own files"):
        assert_same(records, folder)


def test_a_cache_whose_index_is_lost(folder, tmp_path, reads):
    cache = tmp_path / "cache"
    load_wfdb(folder, cache_dir=cache)
    lose(file_of(cache, "npz"))
    assert_same(load_wfdb(folder, cache_dir=cache), folder)
    assert len(reads) == 20


def test_another_process_finishes_the_copy_that_was_to_be_resumed(folder, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    find_known = _cache._known

    def find_known_and_lose_the_race(*arguments):
        known = find_known(*arguments)
        monkeypatch.undo()
        load_wfdb(folder, cache_dir=cache)
        return known

    monkeypatch.setattr(_cache, "_known", find_known_and_lose_the_race)
    assert_same(load_wfdb(folder, cache_dir=cache), folder)
    assert len(list(cache.iterdir())) == 2


def test_damaged_records_are_reported_each_time(folder, tmp_path):
    overwrite(folder / "r5.dat")
    for _ in range(2):
        records = load_wfdb(folder, cache_dir=tmp_path / "cache")
        assert "r5" not in records.ids and len(records) == 9
        assert "checksum" in records.report["problem"].item()
    np.testing.assert_array_equal(records.signals[5], load_wfdb(folder / "r6.hea").signals[0])


def test_what_16_bits_do_not_hold(folder, tmp_path, rng):
    signal = rng.normal(size=(300, 2))
    leads = {"units": ["mV"] * 2, "sig_name": ["I", "II"], "fmt": ["24"] * 2}
    wfdb.wrsamp("fine", fs=100, p_signal=signal, write_dir=str(folder), **leads)
    wfdb.wrsamp("fast", fs=250, p_signal=signal[:, ::-1], write_dir=str(folder), **leads)
    cache = tmp_path / "cache"
    records = load_wfdb(folder, sampling_rate=100, cache_dir=cache)
    assert {path.suffix for path in cache.iterdir()} == {".float32", ".npz"}
    assert_same(records, folder, sampling_rate=100)
    assert_same(load_wfdb(folder, sampling_rate=100, cache_dir=cache), folder, sampling_rate=100)


def test_leads_that_are_missing_stay_missing(folder, tmp_path):
    arguments = {"leads": ["I", "V1"], "missing_leads": "nan"}
    records = load_wfdb(folder, cache_dir=tmp_path / "cache", **arguments)
    assert_same(records, folder, **arguments)
    assert np.isnan(records.signals[0][1]).all() and np.isfinite(records.signals[1][0]).all()


def test_a_reader_of_floats(tmp_path, rng):
    signals = rng.normal(size=(5, 3, 40)).astype(np.float32)
    source = tmp_path / "source.npy"
    np.save(source, signals)
    arguments = {"files": [[source]] * 5, "settings": ("test",)}
    cached, errors = cache_signals(signals.__getitem__, [40] * 5, 3, tmp_path, **arguments)
    assert not errors
    np.testing.assert_array_equal(cached.many(range(5)), signals)


def test_a_record_of_another_length_than_it_should_be_overwrites_no_other(tmp_path, rng):
    signals = [rng.normal(size=(2, n)).astype(np.float32) for n in (30, 5000, 30)]
    cached, errors = cache_signals(
        signals.__getitem__, [30, 30, 30], 2, tmp_path, files=[[]] * 3, settings=()
    )
    assert list(errors) == [1] and "5000 samples in the place of 30" in str(errors[1])
    np.testing.assert_array_equal(cached(2), signals[2])


def test_a_disk_that_is_full(folder, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OSError, match=r"needs 0\.0 GB, and .*cache has 0\.0 GB left"):
        load_wfdb(folder, cache_dir=tmp_path / "cache")

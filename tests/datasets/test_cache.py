"""Copies of signals: the same samples, whatever happens while they are written or kept."""

import errno
import os
import pickle
import shutil
import signal
import warnings
import zipfile

import joblib
import numpy as np
import pytest
import wfdb

from sklearn_ecg.datasets import _cache, _cached_reader, load_wfdb
from sklearn_ecg.datasets._cache import cache_signals
from sklearn_ecg.datasets._reader import WFDBReader
from sklearn_ecg.records import LazySignals
from sklearn_ecg.records._report import RecordError


def write(folder, i, seed=0, n_times=None):
    """Write a record; their lengths, gains and formats differ, and some samples are invalid."""
    limit, number = (2000, "212") if i % 3 else (30_000, "16")
    n_times = 101 + 7 * i if n_times is None else n_times
    samples = np.random.RandomState(seed).randint(-limit, limit, (n_times, 2))
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


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "records"
    folder.mkdir()
    for i in range(10):
        write(folder, i)
    return folder


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def reads(monkeypatch):
    """The records that are copied from their own files, in order."""
    seen = []
    read = WFDBReader.digital

    def counted(self, i):
        seen.append(os.path.basename(self.paths[i]))
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


def shard_of(cache):
    (path,) = cache.iterdir()
    assert path.suffix == ".signals"
    return path


def n_bytes(cache):
    return sum(path.stat().st_size for path in cache.iterdir())


def test_written_once(folder, cache, reads):
    cache = cache / "in" / "folders that are missing"
    records = load_wfdb(folder, cache_dir=cache)
    assert reads == [f"r{i}" for i in range(10)]
    assert_same(records, folder)
    assert_same(load_wfdb(folder, cache_dir=cache), folder)
    assert len(reads) == 10 and shard_of(cache)
    assert np.isnan(records.signals[4][1, 4]) and np.isfinite(records.signals[4]).sum() == 257


def a_file(cache):
    cache.write_text("notes")
    return cache


def below_a_file(cache):
    return a_file(cache) / "below"


def a_broken_link(cache):
    cache.symlink_to(cache.parent / "nowhere" / "at all")
    return cache


@pytest.mark.parametrize("place", [a_file, below_a_file, a_broken_link])
def test_what_cannot_be_a_folder(folder, cache, place):
    place = place(cache)
    with pytest.raises(OSError, match=r"cache_dir.*cache"):
        load_wfdb(folder, cache_dir=place)
    assert cache.is_symlink() or cache.read_text() == "notes"


def test_the_cache_alone_is_read(folder, cache):
    records = load_wfdb(folder, cache_dir=cache)
    expected = [signal.copy() for signal in load_wfdb(folder).signals]
    shutil.rmtree(folder)
    for signal_, other in zip(records.signals, expected, strict=True):
        np.testing.assert_array_equal(signal_, other)
    sent = pickle.loads(pickle.dumps(records[[7, 2]].signals))
    np.testing.assert_array_equal(sent[1], expected[2])


# What is copied again, and what is not.


def test_other_settings_are_other_copies(folder, cache, reads):
    load_wfdb(folder, cache_dir=cache)
    for _ in range(2):
        assert_same(load_wfdb(folder, leads=["II"], cache_dir=cache), folder, leads=["II"])
        assert_same(load_wfdb(folder, cache_dir=cache), folder)
    assert len(reads) == 20


def test_an_archive_that_grows_is_copied_once(folder, cache, reads):
    load_wfdb(folder, cache_dir=cache)
    first = n_bytes(cache)
    for i in range(10, 35):
        write(folder, i, n_times=100)
        assert len(load_wfdb(folder, cache_dir=cache)) == i + 1
    assert reads == [f"r{i}" for i in range(35)]
    assert_same(load_wfdb(folder, cache_dir=cache), folder)
    # Shards of one record were merged on the way.
    assert len(list(cache.iterdir())) <= _cache._MOST_SMALL_SHARDS
    assert n_bytes(cache) < 5 * first


def test_what_changed_or_went_does_not_stay_for_ever(folder, cache, reads):
    load_wfdb(folder, cache_dir=cache)
    first = n_bytes(cache)
    for night in range(1, 9):
        write(folder, night % 4, seed=night)
        (folder / f"r{9 - night // 3}.hea").unlink(missing_ok=True)
        assert_same(load_wfdb(folder, cache_dir=cache), folder)
        assert n_bytes(cache) < 3 * first
    assert len(reads) == 18


def test_an_archive_that_moves_leaves_nothing_behind(folder, cache):
    load_wfdb(folder, cache_dir=cache)
    for night in range(5):
        folder = folder.rename(folder.with_name(f"night {night}"))
        assert_same(load_wfdb(folder, cache_dir=cache), folder)
    assert n_bytes(cache) < 30_000


def test_collections_that_share_a_folder_keep_their_copies(folder, cache, tmp_path, reads):
    other = shutil.copytree(folder, tmp_path / "other")
    large = load_wfdb(folder, cache_dir=cache)
    # One record of another collection: nearly all there is belongs to the first.
    for _ in range(3):
        load_wfdb(other / "r1.hea", cache_dir=cache)
        write(other, 1, seed=9)
        assert_same(load_wfdb(folder, cache_dir=cache), folder)
    assert len(reads) == 13
    assert joblib.hash(large) == joblib.hash(load_wfdb(folder, cache_dir=cache))


def same_names_sizes_and_times(folder, tmp_path):
    other = tmp_path / "ward b"
    other.mkdir()
    for i in range(10):
        write(other, i, seed=1)
    for path in folder.iterdir():
        times = path.stat().st_atime_ns, path.stat().st_mtime_ns
        os.utime(other / path.name, ns=times)
    return other


def rewritten_in_place(folder, tmp_path):
    for path in sorted(folder.iterdir()):
        times = path.stat().st_atime_ns, path.stat().st_mtime_ns
        write(folder, int(path.stem[1:]), seed=1)
        os.utime(path, ns=times)
    return folder


def swapped(folder, tmp_path):
    for suffix in (".hea", ".dat"):
        content = (folder / f"r4{suffix}").read_bytes().replace(b"r4", b"r1")
        (folder / f"r1{suffix}").write_bytes(content)
    return folder


@pytest.mark.parametrize("change", [same_names_sizes_and_times, rewritten_in_place, swapped])
def test_other_files_are_never_taken_for_those_that_were_copied(folder, tmp_path, cache, change):
    load_wfdb(folder, cache_dir=cache)
    folder = change(folder, tmp_path)
    assert_same(load_wfdb(folder, cache_dir=cache), folder)


def test_a_header_that_changes_between_opening_and_copying(folder, cache, monkeypatch):
    digital = WFDBReader.digital

    def late(self, i):
        if self.paths[i].endswith("r3"):
            header = folder / "r3.hea"
            header.write_text(header.read_text().replace("203.5", "407.0"))
        return digital(self, i)

    monkeypatch.setattr(WFDBReader, "digital", late)
    records = load_wfdb(folder, cache_dir=cache)
    assert len(records) == 9
    assert records.report["problem"].item() == "has changed since it was opened"
    monkeypatch.undo()
    assert_same(load_wfdb(folder, cache_dir=cache), folder)


# Kills, and several processes.

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")


def in_a_child(task):
    """Run a task in a forked process; return its id."""
    pid = os.fork()
    if not pid:
        try:
            task()
        finally:
            os._exit(0)
    return pid


@needs_fork
@pytest.mark.parametrize(
    ("owner", "name", "call", "n_kept"),
    [
        *((WFDBReader, "digital", 0, 0), (WFDBReader, "digital", 2, 0)),
        *((WFDBReader, "digital", 3, 3), (WFDBReader, "digital", 8, 6)),
        *((_cache.zipfile, "ZipFile", 1, 3), (os, "fsync", 1, 3), (os, "replace", 1, 3)),
        *((os, "fsync", 3, 9), (os, "replace", 3, 9), (_cache, "_tidy", 0, 10)),
    ],
)
def test_killed_at_any_moment(folder, cache, reads, monkeypatch, owner, name, call, n_kept):
    monkeypatch.setattr(_cache, "_FULL_RECORDS", 3)
    function, calls = getattr(owner, name), []

    def deadly(*arguments, **keywords):
        calls.append(name)
        if len(calls) > call:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, deadly)
        _, status = os.waitpid(in_a_child(lambda: load_wfdb(folder, cache_dir=cache)), 0)
    assert os.WIFSIGNALED(status)
    assert_same(load_wfdb(folder, cache_dir=cache), folder)
    assert len(reads) == 10 - n_kept
    assert_same(load_wfdb(folder, cache_dir=cache), folder)
    assert len(reads) == 10 - n_kept


def test_what_was_abandoned_goes(folder, cache):
    cache.mkdir()
    for name, age in [("old", 2 * _cache._ABANDONED_S), ("new", 0)]:
        part = cache / f"{name}.signals.1234.part"
        part.write_bytes(b"half")
        os.utime(part, (part.stat().st_mtime - age,) * 2)
    load_wfdb(folder, cache_dir=cache)
    assert [path.stem[:3] for path in cache.glob("*.part")] == ["new"]


@needs_fork
def test_processes_that_copy_at_the_same_time(folder, cache, monkeypatch):
    monkeypatch.setattr(_cache, "_FULL_RECORDS", 2)
    children = [in_a_child(lambda: load_wfdb(folder, cache_dir=cache)) for _ in range(3)]
    os.kill(children[0], signal.SIGKILL)
    assert_same(load_wfdb(folder, cache_dir=cache), folder)
    for child in children:
        os.waitpid(child, 0)
    reopened = load_wfdb(folder, cache_dir=cache)
    assert_same(reopened, folder)


def test_a_reader_goes_on_while_shards_are_merged(folder, cache, monkeypatch, reads):
    monkeypatch.setattr(_cache, "_FULL_RECORDS", 3)
    records = load_wfdb(folder, cache_dir=cache)
    opened = [path.name for path in cache.iterdir()]
    monkeypatch.setattr(_cache, "_FULL_RECORDS", 100)
    monkeypatch.setattr(_cache, "_MOST_SMALL_SHARDS", 0)
    write(folder, 10)
    load_wfdb(folder, cache_dir=cache)
    assert shard_of(cache).name not in opened
    monkeypatch.setattr(_cached_reader, "warn_user", None)
    (folder / "r10.hea").unlink()
    assert_same(records, folder)
    assert len(reads) == 11


# Damage.


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def cut_in_half(path):
    os.truncate(path, path.stat().st_size // 2)


def empty(path):
    path.write_bytes(b"")


def lose(path):
    path.unlink()


def deny(path):
    path.unlink()
    path.mkdir()


def overwrite(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 255
    path.write_bytes(content)


def fill_with_zeros(path):
    path.write_bytes(bytes(path.stat().st_size))


def overwrite_index(path):
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        place = archive.getinfo("index").header_offset
    content[place + 100] ^= 255
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [cut, cut_in_half, empty, fill_with_zeros, overwrite_index])
def test_a_damaged_shard_is_written_anew(folder, cache, reads, damage):
    load_wfdb(folder, cache_dir=cache)
    damage(shard_of(cache))
    with pytest.warns(UserWarning, match=r"signals is damaged .*Its signals are copied again"):
        records = load_wfdb(folder, cache_dir=cache)
    assert len(reads) == 20
    assert_same(records, folder)
    assert_same(load_wfdb(folder, cache_dir=cache), folder)
    assert len(reads) == 20 and shard_of(cache)


@pytest.mark.parametrize("is_touched", [False, True])
@pytest.mark.parametrize(
    "damage", [cut_in_half, empty, lose, deny, overwrite, fill_with_zeros, shutil.rmtree]
)
def test_a_cache_that_is_damaged_in_use(folder, cache, damage, is_touched):
    records = load_wfdb(folder, cache_dir=cache)
    if is_touched and damage not in (overwrite, fill_with_zeros):
        np.asarray(records.signals[3]), records.signals.window(3, 5, 9)
    damage(cache if damage is shutil.rmtree else shard_of(cache))
    with warnings.catch_warnings(record=True) as caught:
        assert_same(records, folder)
    # What was deleted stays there for those who have opened it.
    if not is_touched or damage in (cut_in_half, empty):
        (warning,) = caught
        assert str(warning.message).endswith("Its records are read from their own files instead.")
        assert warning.filename == __file__


def test_a_copy_that_is_gone_of_files_that_have_changed(folder, cache):
    records = load_wfdb(folder, cache_dir=cache)
    before = records.signals[2].copy()
    write(folder, 2, seed=5)
    # The copy is of the files as they were opened.
    np.testing.assert_array_equal(records.signals[2], before)
    sent = pickle.loads(pickle.dumps(records.signals))
    shutil.rmtree(cache)
    with pytest.raises(
        RecordError, match=r"r2\.hea or a file .* changed .* Open the records again"
    ):
        sent[2]
    np.testing.assert_array_equal(sent[3], records.signals[3])
    assert_same(load_wfdb(folder, cache_dir=cache), folder)


def test_damaged_records_are_reported_each_time(folder, cache):
    overwrite(folder / "r5.dat")
    for _ in range(2):
        records = load_wfdb(folder, cache_dir=cache)
        assert "r5" not in records.ids and len(records) == 9
        assert "checksum" in records.report["problem"].item()
    assert shard_of(cache)
    np.testing.assert_array_equal(records.signals[5], load_wfdb(folder / "r6.hea").signals[0])


# Disks.


def no_space_before(monkeypatch):
    usage = shutil.disk_usage(".")._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)


def no_space_at_the_end(monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)


@pytest.mark.parametrize("make_full", [no_space_before, no_space_at_the_end])
def test_a_disk_that_is_full(folder, cache, make_full, monkeypatch):
    make_full(monkeypatch)
    with pytest.warns(UserWarning, match=r"cache_dir=.*No space.*need 5\.\d*e-06 GB.* own files"):
        records = load_wfdb(folder, cache_dir=cache)
    assert_same(records, folder)
    assert not list(cache.iterdir())
    monkeypatch.undo()
    assert_same(load_wfdb(folder, cache_dir=cache), folder)
    assert shard_of(cache)


def test_a_folder_that_is_deleted_while_copies_are_written(folder, cache, monkeypatch):
    digital = WFDBReader.digital

    def disturbed(self, i):
        shutil.rmtree(cache, ignore_errors=True)
        return digital(self, i)

    monkeypatch.setattr(WFDBReader, "digital", disturbed)
    with pytest.warns(UserWarning, match=r"cache_dir=.*No such file.* read from their own files"):
        records = load_wfdb(folder, cache_dir=cache)
    assert_same(records, folder)


@needs_fork
@pytest.mark.parametrize(
    ("mode", "message"),
    [
        (0o555, "cannot be written to (Permission denied), and lacks copies of 10 records. Choose"),
        (0o444, "cannot be read. Check its permissions, or choose another folder."),
        (0o333, "cannot be read. Check its permissions, or choose another folder."),
    ],
)
def test_permissions(folder, cache, mode, message):
    load_wfdb(folder, cache_dir=cache)
    for path in (*folder.iterdir(), *folder.parents[:-1]):
        path.chmod(path.stat().st_mode | 0o555)
    cache.chmod(mode)
    said, say = os.pipe()

    def as_somebody():
        if not os.geteuid():
            os.setuid(65534)
        try:
            if mode == 0o555:
                assert_same(load_wfdb(folder, cache_dir=cache), folder)
            load_wfdb(folder, leads=["I"], cache_dir=cache)
        except BaseException as error:
            os.write(say, f"{type(error).__name__}: {error}".encode())

    try:
        os.waitpid(in_a_child(as_somebody), 0)
    finally:
        cache.chmod(0o755)
        os.close(say)
    with open(said) as file:
        assert file.read().startswith(f"PermissionError: cache_dir={str(cache)!r} {message}")


# What is stored.


def test_what_16_bits_do_not_hold(folder, cache, rng):
    signals = rng.normal(size=(300, 2))
    leads = {"units": ["mV"] * 2, "sig_name": ["I", "II"], "fmt": ["24"] * 2}
    wfdb.wrsamp("fine", fs=100, p_signal=signals, write_dir=str(folder), **leads)
    wfdb.wrsamp("fast", fs=250, p_signal=signals[:, ::-1], write_dir=str(folder), **leads)
    for _ in range(2):
        records = load_wfdb(folder, sampling_rate=100, cache_dir=cache)
        assert_same(records, folder, sampling_rate=100)


def test_leads_that_are_missing_stay_missing(folder, cache):
    arguments = {"leads": ["I", "V1"], "missing_leads": "nan"}
    records = load_wfdb(folder, cache_dir=cache, **arguments)
    assert_same(records, folder, **arguments)
    assert np.isnan(records.signals[0][1]).all() and np.isfinite(records.signals[1][0]).all()


class Floats:
    """A reader of samples that are in no file."""

    def __init__(self, signals):
        self.signals = signals

    def __call__(self, i):
        return self.signals[i]

    def files(self, i):
        return [f"record {i}"]


def test_a_reader_of_floats(cache, rng):
    signals = rng.normal(size=(5, 3, 40)).astype(np.float32)
    cached, errors = cache_signals(Floats(signals), [40] * 5, 3, cache, settings=("test",))
    assert not errors
    np.testing.assert_array_equal(cached.many(range(5)), signals)
    np.testing.assert_array_equal(cached.window(2, 3, 30), signals[2, :, 3:30])


def test_a_record_of_another_length_than_it_should_be(cache, rng):
    signals = [rng.normal(size=(2, n)).astype(np.float32) for n in (30, 5000, 30)]
    cached, errors = cache_signals(Floats(signals), [30, 30, 30], 2, cache, settings=())
    assert list(errors) == [1] and "5000 samples instead of 30" in str(errors[1])
    np.testing.assert_array_equal(cached(2), signals[2])


@pytest.mark.parametrize("with_cache", [False, True])
def test_records_travel_without_samples(folder, cache, with_cache):
    records = load_wfdb(folder, cache_dir=cache if with_cache else None)
    np.asarray(records.signals[9])
    # Records of 10,000 are sent to a worker in less than 5 MB.
    many = records.signals[np.arange(2000) % 10]
    assert isinstance(many, LazySignals)
    assert len(pickle.dumps(many)) < 500 * len(many)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(many))[19], records.signals[9])


def test_many_records(tmp_path):
    keys = [i.to_bytes(16, "little") for i in range(1, 5001)]
    stamps = [["/ward/r.hea", 1, 2, 3, None]]
    _cache._write_shards(tmp_path, ((key, stamps, b"12345678") for key in keys))
    paths, shards, rows = _cached_reader.find_copies(tmp_path, [*keys, bytes(16)])
    assert len(paths) == 5 and (shards[:-1] >= 0).all() and shards[-1] == -1
    assert [row["key"].tobytes() for row in rows[:-1]] == keys

import json
import os
import signal

import joblib
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_ecg.records import LazySignals
from sklearn_ecg.records._record_keys import record_keys, rows_changed
from sklearn_ecg.records._shard_folder import ShardFolder

SIGNALS = np.random.default_rng(0).normal(size=(40, 1, 8))


class Step:
    """Sums records, notes which it did in a file, and can be killed."""

    by_record = True

    def __init__(self, notes, dies_at=None, fails=()):
        self.notes = notes
        self.dies_at = dies_at
        self.fails = fails

    def __call__(self, signals):
        sums = signals.sum(axis=(1, 2))
        with open(self.notes, "a") as notes:
            notes.write(f"{len(sums)}\n")
        if self.dies_at is not None and len(self.done()) >= self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        problem = ["cannot" if any(np.isclose(s, self.fails)) else "" for s in sums]
        sums = np.where(np.array(problem) == "", sums, np.nan)
        label, rank = (sums > 0).astype(np.int8), (100 * sums).astype(str)
        return pd.DataFrame({"sum": sums, "label": label, "text": rank, "problem": problem})

    def done(self):
        return open(self.notes).read().split() if os.path.exists(self.notes) else []


def run(folder, step, signals=SIGNALS, **options):
    """Return the results in the order of the records."""
    found = list(
        ShardFolder(folder, {"step": "sum"}).results(
            step, signals.__getitem__, record_keys(signals), **({"shard_size": 4} | options)
        )
    )
    rows = np.concatenate([rows for rows, _ in found])
    frame = pd.concat([frame for _, frame in found], ignore_index=True)
    return frame.set_index(rows).sort_index()


def killed(function):
    child = os.fork()
    if child == 0:
        try:
            function()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1] == signal.SIGKILL


@pytest.mark.parametrize("dies_at", [1, 2, 7, 10])
def test_whoever_is_killed_goes_on_and_comes_to_the_same(tmp_path, dies_at):
    undisturbed = run(tmp_path / "a", Step(tmp_path / "all"))
    assert killed(lambda: run(tmp_path / "b", Step(tmp_path / "first", dies_at)))
    second = Step(tmp_path / "second")
    assert_frame_equal(run(tmp_path / "b", second), undisturbed)
    assert len(second.done()) == 10 - (dies_at - 1)
    files = [sorted(path.name for path in tmp_path.glob(f"{own}/*/*.npz")) for own in "ab"]
    assert files[0] == files[1]
    assert_frame_equal(run(tmp_path / "b", Step(tmp_path / "third")), undisturbed)
    assert not Step(tmp_path / "third").done()


def test_what_comes_later_alone_is_made(tmp_path):
    run(tmp_path, Step(tmp_path / "notes"), SIGNALS[:20])
    grown = np.insert(SIGNALS[:20], 7, SIGNALS[30], axis=0)
    step = Step(tmp_path / "later")
    found = run(tmp_path, step, grown)
    assert step.done() == ["1"]
    assert_frame_equal(found, run(tmp_path / "x", Step(tmp_path / "y"), grown))
    # A part of the records, and records that are there several times, in any order.
    chosen = grown[[20, 3, 3, 7, 0]]
    found = run(tmp_path, step, chosen)
    assert step.done() == ["1"] and np.allclose(found["sum"], chosen.sum(axis=(1, 2)))


def test_what_failed_is_tried_again(tmp_path):
    failing = Step(tmp_path / "notes", fails=SIGNALS[[5, 6, 21]].sum(axis=(1, 2)))
    found = run(tmp_path, failing)
    assert found.index[found["problem"] == "cannot"].tolist() == [5, 6, 21]
    again = Step(tmp_path / "again", fails=failing.fails[2:])
    found = run(tmp_path, again)
    assert again.done() == ["2", "1"]
    assert found.index[found["problem"] == "cannot"].tolist() == [21]
    expected = run(tmp_path / "x", Step(tmp_path / "y"))
    assert_frame_equal(found.drop(index=21), expected.drop(index=21))
    found = run(tmp_path, Step(tmp_path / "third"))
    assert_frame_equal(found, expected)
    assert Step(tmp_path / "third").done() == ["1"]


def cut(path):
    path.write_bytes(path.read_bytes()[:-30])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 255
    path.write_bytes(content)


def exchange(path):
    other = next(own for own in path.parent.glob("*.npz") if own != path)
    path.write_bytes(other.read_bytes())


@pytest.mark.parametrize("damage", [cut, flip, exchange, lambda path: path.write_bytes(b"")])
def test_a_damaged_shard_is_made_anew(tmp_path, damage):
    expected = run(tmp_path, Step(tmp_path / "notes"))
    damage(next(tmp_path.glob("*/*.npz")))
    step = Step(tmp_path / "again")
    with pytest.warns(UserWarning, match=r"npz is damaged; it is made anew"):
        assert_frame_equal(run(tmp_path, step), expected)
    assert step.done() == ["4"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"shards": 3}', '{"shards": {"a": 1}}'])
def test_shards_tell_what_they_hold_where_the_manifest_does_not(tmp_path, content):
    expected = run(tmp_path, Step(tmp_path / "notes"))
    next(tmp_path.glob("*/manifest.json")).write_text(content)
    step = Step(tmp_path / "again")
    assert_frame_equal(run(tmp_path, step), expected)
    assert not step.done()


def test_the_manifest_says_what_made_it(tmp_path):
    run(tmp_path, Step(tmp_path / "notes"))
    manifest = json.loads(next(tmp_path.glob("*/manifest.json")).read_text())
    assert manifest["format"] == "sklearn_ecg.shards" and manifest["made_by"]["step"] == "sum"
    assert sum(len(own) for own in manifest["shards"].values()) == 40


def test_other_settings_are_other_results(tmp_path):
    run(tmp_path, Step(tmp_path / "notes"))
    other = ShardFolder(tmp_path, {"step": "another"})
    step = Step(tmp_path / "others")
    list(other.results(step, SIGNALS.__getitem__, record_keys(SIGNALS)))
    assert step.done() == ["16", "16", "8"]


def test_workers_make_the_same_files(tmp_path):
    alone = run(tmp_path / "a", Step(tmp_path / "notes"))
    with joblib.parallel_config("threading"):
        shared = run(tmp_path / "b", Step(tmp_path / "notes"), n_jobs=3)
    assert_frame_equal(alone, shared)
    contents = [{p.name: p.read_bytes() for p in tmp_path.glob(f"{o}/*/*.npz")} for o in "ab"]
    assert contents[0].keys() == contents[1].keys()


def test_a_full_disk_is_said_with_what_is_safe(tmp_path, monkeypatch):
    step = Step(tmp_path / "notes")
    run(tmp_path, step, SIGNALS[:8])

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match=r"No space left on device: .* An existing file is unchanged"):
        run(tmp_path, step)
    monkeypatch.undo()
    assert not list(tmp_path.glob("*/*.part"))
    again = Step(tmp_path / "again")
    run(tmp_path, again)
    assert len(again.done()) == 8


def test_a_folder_that_is_a_file_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="cannot be written"):
        run(tmp_path / "file", Step(tmp_path / "notes"))


def test_keys_tell_records_apart():
    keys = record_keys(SIGNALS)
    assert len(set(keys)) == 40 and keys == record_keys(SIGNALS.copy())
    assert record_keys(list(SIGNALS)) == keys
    assert record_keys(LazySignals(SIGNALS.__getitem__, SIGNALS.shape)) == keys
    assert not set(keys) & set(record_keys(SIGNALS.astype("f4")))
    others = record_keys(SIGNALS, [np.array([1, 2])] * 40)
    assert not set(keys) & set(others)
    assert len(set(record_keys(SIGNALS[[0, 0]], [None, np.array([1])]))) == 2
    # A row of 3 x 2 is none of 2 x 3.
    assert record_keys(np.zeros((1, 2, 3))) != record_keys(np.zeros((1, 3, 2)))


def test_a_file_changed_after_it_was_keyed_is_noticed():
    class Reader:
        stamps = [1, 2, 3]

        def stamp(self, record):
            return self.stamps[record]

    reader = Reader()
    signals = LazySignals(reader, (3, 1, 8))
    keys = record_keys(signals)
    assert rows_changed(signals, keys) == []
    reader.stamps = [1, 5, 3]
    assert rows_changed(signals, keys) == [1]
    assert rows_changed(signals[[2, 1]], [keys[2], keys[1]]) == [1]


def test_what_two_processes_have_made_twice_is_there_once(tmp_path):
    run(tmp_path / "a", Step(tmp_path / "notes"), SIGNALS[:25])
    run(tmp_path / "b", Step(tmp_path / "notes"), SIGNALS[10:], shard_size=7)
    (folder,) = (tmp_path / "a").iterdir()
    for shard in tmp_path.glob("b/*/*.npz"):
        shard.rename(folder / shard.name)
    step = Step(tmp_path / "again")
    expected = run(tmp_path / "x", Step(tmp_path / "y"))
    assert_frame_equal(run(tmp_path / "a", step), expected)
    assert not step.done()


def test_smaller_shards_are_planned_where_large_ones_were_too_much(tmp_path):
    class TooMuch(Step):
        def __call__(self, signals):
            if len(signals) > 10:
                raise MemoryError
            return super().__call__(signals)

    with pytest.raises(MemoryError):
        run(tmp_path / "a", TooMuch(tmp_path / "notes"), shard_size=20)
    found = run(tmp_path / "a", TooMuch(tmp_path / "notes"), shard_size=5)
    assert_frame_equal(found, run(tmp_path / "x", Step(tmp_path / "y")))


def test_what_is_known_is_returned_where_nothing_can_be_written(tmp_path, monkeypatch):
    failing = Step(tmp_path / "notes", fails=SIGNALS[[5]].sum(axis=(1, 2)))
    run(tmp_path / "a", failing)

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(np, "savez", denied)
    with pytest.warns(UserWarning, match="Permission denied.* will make them again"):
        found = run(tmp_path / "a", Step(tmp_path / "again"))
    assert_frame_equal(found, run(tmp_path / "a", Step(tmp_path / "again")))
    assert (found["problem"] == "").all()


def test_threads_leave_the_number_of_threads_as_it_was(tmp_path):
    def numbers():
        return [own["num_threads"] for own in threadpool_info()]

    with threadpool_limits(2):
        before = numbers()
        with joblib.parallel_config("threading"):
            run(tmp_path, Step(tmp_path / "notes"), n_jobs=3)
        assert numbers() == before

import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from sklearn_ecg.utils import file_stamp, whole_file


def write_as_before(path, content):
    """Write other content and give the file the times that it had."""
    found = os.stat(path)
    path.write_bytes(content)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def replace_by_a_copy(path, content):
    other = path.with_name("other")
    other.write_bytes(content)
    shutil.copystat(path, other)
    os.replace(other, path)


@pytest.mark.parametrize("change", [write_as_before, replace_by_a_copy])
def test_a_file_rewritten_with_its_size_and_time_has_another_stamp(tmp_path, change):
    path = tmp_path / "a.dat"
    path.write_bytes(b"old")
    stamp = file_stamp(path)
    assert file_stamp(path) == stamp
    change(path, b"new")
    assert file_stamp(path) != stamp


def test_where_times_are_whole_seconds_the_content_tells(tmp_path, monkeypatch):
    path = tmp_path / "a.dat"
    path.write_bytes(b"old")
    original = os.stat(path)

    def coarse(_):
        found = list(original)
        return os.stat_result(found, {"st_mtime_ns": 10**18, "st_ctime_ns": 10**18})

    monkeypatch.setattr(os, "stat", coarse)
    stamp = file_stamp(path)
    path.write_bytes(b"new")
    assert file_stamp(path) != stamp


def test_equal_files_in_two_folders_are_two(tmp_path):
    for ward in ("a", "b"):
        (tmp_path / ward).mkdir()
        (tmp_path / ward / "1.dat").write_bytes(b"same")
        os.utime(tmp_path / ward / "1.dat", (1e9, 1e9))
    assert file_stamp(tmp_path / "a" / "1.dat") != file_stamp(tmp_path / "b" / "1.dat")


def test_a_file_that_is_not_there_has_a_stamp(tmp_path):
    assert file_stamp(tmp_path / "none") == (str(tmp_path / "none"),)


def test_threads_that_write_one_file_do_not_meet(tmp_path):
    def write(number):
        with whole_file(tmp_path / "model") as file:
            for _ in range(50):
                file.write(bytes([number]) * 1000)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(8)))
    content = (tmp_path / "model").read_bytes()
    assert content == content[:1] * 50_000
    assert [path.name for path in tmp_path.iterdir()] == ["model"]

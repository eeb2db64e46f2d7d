"""Read signals from the shards that `cache_signals` wrote."""

import contextlib
import functools
import os
import zipfile
from hashlib import blake2b

import numpy as np

from sklearn_ecg.datasets._signal_files import to_mV
from sklearn_ecg.records._report import RecordError
from sklearn_ecg.utils import file_stamp, quick_stamp, warn_user

SUFFIX = ".signals"
# A row of a shard's index: key, start and length of the content, and checksum.
INDEX_ROW = np.dtype([("key", "V16"), ("begin", "<i8"), ("n_bytes", "<i8"), ("sum", "<u8")])
# Marks invalid samples and missing leads.
_INVALID = -(2**15)


def stamps_of(reader, i):
    """Return the stamps of the files that hold a record."""
    return [file_stamp(path) for path in reader.files(i)]


def key_of(settings, n_times, stamps, reader, i):
    """Return the 16 bytes that identify a copy."""
    # The digest separates several records in one file.
    digest = reader.digest(i) if hasattr(reader, "digest") else None
    known = repr((settings, int(n_times), stamps, digest))
    return blake2b(known.encode(), digest_size=16).digest()


def sum_of(content):
    """Return the sum of 64-bit words, a checksum of the content."""
    n_words = len(content) // 8
    words = np.frombuffer(content, dtype="<u8", count=n_words)
    rest = int.from_bytes(content[8 * n_words :], "little")
    return (int(words.sum(dtype=np.uint64)) + rest) % 2**64


def shards_in(folder):
    """Return the shards of a folder with their indices; damaged shards are deleted."""
    try:
        names = [name for name in os.listdir(folder) if name.endswith(SUFFIX)]
    except OSError:
        # It was deleted, or its permissions changed, after it was opened.
        names = []
    paths = sorted(filter(os.path.isfile, (os.path.join(folder, name) for name in names)))
    return _shards(tuple(paths), quick_stamp(paths))


# Cached, since each task of a worker unpickles a reader that looks up its copies.
@functools.lru_cache(maxsize=4)
def _shards(paths, _stamp):
    shards = {}
    for path in paths:
        try:
            with zipfile.ZipFile(path) as archive:
                shards[path] = np.frombuffer(archive.read("index"), dtype=INDEX_ROW)
        except OSError:
            # Another process has just merged it.
            continue
        except Exception as error:
            # A damaged zip archive raises errors of many kinds.
            warn_user(f"{path} is damaged ({error}). Its signals are copied again.")
            with contextlib.suppress(OSError):
                os.unlink(path)
    return _Shards(shards)


class _Shards(dict):
    """Indices of shards by path, and the place of each key."""

    @functools.cached_property
    def places(self):
        """The row of each key in `rows`; the last one of several copies."""
        return {key: place for place, key in enumerate(self.rows["key"].tolist()[:-1])}

    @functools.cached_property
    def rows(self):
        """All rows, and a last one for records without a copy."""
        return np.concatenate([*self.values(), np.zeros(1, dtype=INDEX_ROW)])

    @functools.cached_property
    def numbers(self):
        """The number of the shard of each row; -1 for no shard."""
        return np.append(np.repeat(np.arange(len(self)), [len(r) for r in self.values()]), -1)


def find_copies(folder, keys):
    """Find the copies of records in the shards of a folder.

    Returns
    -------
    paths : list of str
        Paths of the shards.
    shards : ndarray of int of shape (n_keys,)
        The shard of each record; -1 for none.
    rows : ndarray of INDEX_ROW of shape (n_keys,)
    """
    shards = shards_in(folder)
    found = np.array([shards.places.get(key, -1) for key in keys], dtype=np.intp)
    return list(shards), shards.numbers[found], shards.rows[found]


# Opening a file takes as long as reading a record of 10 s from memory.
@functools.lru_cache(maxsize=256)
class _Shard:
    """An open file, shared by threads and forks: `read` does not move its position.

    A memory map is not faster, and would kill the process if the file was cut.
    """

    def __init__(self, path):
        self.descriptor = os.open(path, os.O_RDONLY)

    def __del__(self):
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)

    def read(self, begin, n_bytes):
        """Return bytes; fewer if the file ends earlier."""
        content = os.pread(self.descriptor, n_bytes, begin)
        # One call reads at most two gigabytes.
        while len(content) < n_bytes:
            rest = os.pread(self.descriptor, n_bytes - len(content), begin + len(content))
            if not rest:
                break
            content += rest
        return content


class CachedReader:
    """The `read` of `LazySignals` for a cache.

    Pickles hold neither samples nor places: after unpickling, copies are found by their keys. Equal
    records therefore have equal hashes, wherever their copies lie.

    Parameters
    ----------
    folder : str
    keys : list of bytes, or ndarray of V16 of shape (n_records,)
    lengths : array-like of int of shape (n_records,)
    n_leads : int
    settings : str
        Settings that enter the keys, besides the files.
    source : callable
        The reader of the files, for records whose copy is gone or damaged.
    """

    def __init__(self, folder, keys, lengths, n_leads, settings, source):
        self.folder = folder
        self.keys = np.array(keys, dtype="V16")
        self.lengths = np.asarray(lengths)
        self.n_leads = n_leads
        self.settings = settings
        self.source = source
        self._start()
        self._copies = find_copies(folder, keys)

    def _start(self):
        self._copies = None
        self._is_whole = np.zeros(len(self.keys), dtype=bool)
        self._has_warned = False

    def __call__(self, i):
        """Return record i, of shape (n_leads, n_times), as float32 in mV."""
        signal = self._read_copy(i, self._whole)
        return self._source_of(i)(i) if signal is None else signal

    def many(self, indices):
        return [self(int(i)) for i in indices]

    def window(self, i, start, stop):
        start, stop, _ = slice(start, stop).indices(int(self.lengths[i]))
        stop = max(start, stop)
        signal = self._read_copy(i, self._part, start, stop)
        return self._source_of(i).window(i, start, stop) if signal is None else signal

    def take(self, indices):
        """Return a reader of some of the records."""
        taken = object.__new__(CachedReader)
        taken.__dict__.update(self.__dict__)
        taken.keys, taken.lengths = self.keys[indices], self.lengths[indices]
        taken.source = self.source.take(indices)
        taken._start()
        return taken

    def files(self, i):
        """Return the paths of the files that record i was copied from."""
        return self.source.files(i)

    def stamp(self, i):
        """Return a value that identifies record i: its key, from when its files were opened."""
        return self.keys[i].tobytes().hex()

    def _read_copy(self, i, read, *part):
        """Return what the method `read` reads of a copy, or None if there is no intact copy."""
        problem = None
        for _ in range(2):
            # Another thread may reset the places at any time.
            copies = self._copies or find_copies(self.folder, self.keys.tolist())
            self._copies = paths, shards, rows = copies
            if shards[i] < 0:
                break
            path = paths[shards[i]]
            try:
                signal = read(i, _Shard(path), rows[i], *part)
            except FileNotFoundError:
                # Another process may have merged the shard.
                self._copies, problem = None, f"{path} was removed"
                continue
            except OSError as error:
                problem = f"{path} cannot be read ({error.strerror})"
                break
            if signal is not None:
                return signal
            problem = f"{path} is damaged; delete it, and it is written anew"
            break
        if problem is None:
            # There was no copy when the records were opened.
            return None
        if not self._has_warned:
            self._has_warned = True
            warn_user(f"{problem}. Its records are read from their own files instead.")
        return None

    def _whole(self, i, shard, row):
        content = self._checked(i, shard, row)
        if content is None:
            return None
        samples = np.frombuffer(content, dtype=self._dtype(i, row), offset=16 * self.n_leads)
        return self._to_mV(content, samples.reshape(self.n_leads, -1))

    def _part(self, i, shard, row, start, stop):
        if not self._is_whole[i] and self._checked(i, shard, row) is None:
            return None
        dtype, n_times = self._dtype(i, row), int(self.lengths[i])
        begin, n_scales = int(row["begin"]), 16 * self.n_leads
        scales = shard.read(begin, n_scales)
        first, step = begin + n_scales + start * dtype.itemsize, n_times * dtype.itemsize
        n_bytes = (stop - start) * dtype.itemsize
        rows = [shard.read(first + lead * step, n_bytes) for lead in range(self.n_leads)]
        content = b"".join(rows)
        if len(scales) < n_scales or len(content) < self.n_leads * n_bytes:
            return None
        samples = np.frombuffer(content, dtype=dtype)
        return self._to_mV(scales, samples.reshape(self.n_leads, stop - start))

    def _checked(self, i, shard, row):
        """Return the content of a copy, or None if its checksum differs."""
        n_bytes = int(row["n_bytes"])
        content = shard.read(int(row["begin"]), n_bytes)
        if len(content) < n_bytes:
            return None
        if not self._is_whole[i]:
            self._is_whole[i] = sum_of(content) == row["sum"]
        return content if self._is_whole[i] else None

    def _dtype(self, i, row):
        n_samples = self.n_leads * int(self.lengths[i])
        is_integer = int(row["n_bytes"]) == 16 * self.n_leads + 2 * n_samples
        return np.dtype("<i2" if is_integer else "<f4")

    def _to_mV(self, scales, samples):
        if samples.dtype.kind == "f":
            return samples.copy()
        gains, baselines = np.frombuffer(scales, count=2 * self.n_leads).reshape(2, -1)
        return to_mV(samples, gains, baselines, _INVALID)

    def _source_of(self, i):
        """Return the reader of the files, if they have not changed since they were opened."""
        stamps = stamps_of(self.source, i)
        key = key_of(self.settings, self.lengths[i], stamps, self.source, i)
        if key != self.keys[i].tobytes():
            raise RecordError(
                self.source.files(i)[0],
                "or a file that belongs to it has changed since it was opened, and there is no "
                "copy of the old content",
                "Open the records again.",
            )
        return self.source

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name[0] != "_"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._start()

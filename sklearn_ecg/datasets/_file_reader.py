"""Read signals of files of any format on demand."""

import functools
import json
import os
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from sklearn_ecg.datasets._packed_files import CURE, Member, Place, read_place
from sklearn_ecg.datasets.formats._registry import formats
from sklearn_ecg.preprocessing._resampler import resample
from sklearn_ecg.records._limb_leads import LeadSelection
from sklearn_ecg.records._report import RecordError, naming
from sklearn_ecg.utils import file_stamp, quick_stamp, stamp_of_files


class Source(NamedTuple):
    """A record in a file, as it was opened.

    Parameters
    ----------
    place : Place
    format : str
        Name of its module in `formats`.
    digest : int
        Hash of the file's content.
    lead_names : tuple of str
    sampling_rate : float
    n_times : int
    files : tuple of str
        Files on the disk that hold the record.
    """

    place: Place
    format: str
    digest: int
    lead_names: tuple
    sampling_rate: float
    n_times: int
    files: tuple


class How(NamedTuple):
    """Options for reading files.

    Parameters
    ----------
    waveform : {"rhythm", "median"}
    checksums : bool
        Compare samples with checksums, if the format has them.
    csv : tuple of (str, object)
        Arguments of `formats._csv.open_recording`.
    """

    waveform: str
    checksums: bool
    csv: tuple


# The last record of which a window was read, and its signal.
_LAST: list[tuple] = [(None, None)]


class FileReader:
    """The `read` of `LazySignals` for files of any format; errors are `RecordError`.

    Parameters
    ----------
    sources : list of Source
    leads : tuple of str
        The wanted leads. A missing limb lead is computed from two others; any other missing lead is
        NaN.
    sampling_rate : float
        Hz; records of another rate are resampled.
    how : How
    stamps : array-like of int of shape (n_records,), default=None
        `quick_stamp` of each record's file at opening.
    """

    def __init__(self, sources, leads, sampling_rate, how, stamps=None):
        self.sources = sources
        self.leads = leads
        self.sampling_rate = sampling_rate
        self.how = how
        # The stamp of each record's file when it was opened.
        self._seen = np.zeros(len(sources), np.int64) if stamps is None else np.asarray(stamps)

    def __len__(self):
        return len(self.sources)

    def __call__(self, i):
        """Return record i, of shape (n_leads, n_times), as float32 in mV."""
        source = self.sources[i]
        stamp = quick_stamp(self.files(i))
        content = read_place(source.place)
        if stamp != self._seen[i]:
            if digest_of(content) != source.digest:
                problem = "has changed since it was opened"
                raise RecordError(source.place.file, problem, "Open the records again.")
            self._seen[i] = stamp
        recording = open_recording(content, source.place, source.format, self.how)
        return read_signal(recording, source.place.file, self.leads, self.sampling_rate)

    def many(self, indices):
        return [self(int(i)) for i in indices]

    def window(self, i, start, stop):
        """Return samples start to stop of record i; the record stays in memory.

        Windows of a long recording follow each other, also in the tasks of one worker.
        """
        settings = self.leads, self.sampling_rate, self.how
        wanted = self.sources[i], settings, quick_stamp(self.files(i))
        key, signal = _LAST[0]
        if key != wanted:
            signal = self(i)
            _LAST[0] = wanted, signal
        return signal[:, start:stop].copy()

    def take(self, indices):
        """Return a reader of some of the records."""
        chosen = [self.sources[i] for i in indices]
        settings = self.leads, self.sampling_rate, self.how
        return FileReader(chosen, *settings, stamps=self._seen[indices])

    def stamp(self, i):
        """Return a value that identifies record i, without reading it."""
        files = tuple(file_stamp(path) for path in self.files(i))
        settings = self.leads, self.sampling_rate, self.how
        return (*files, self.digest(i), *settings)

    def digest(self, i):
        """Return a value that separates record i from others in the same file."""
        return self.sources[i].digest

    def files(self, i):
        """Return the paths of the files that hold record i."""
        return list(self.sources[i].files)

    def __getstate__(self):
        # As text, so that equal records have equal hashes, however their parts are shared. Signals
        # in memory do not enter the hash; the files do.
        files = (file for i in range(len(self)) for file in self.files(i))
        return {
            "sources": json.dumps(self.sources),
            "settings": (self.leads, self.sampling_rate, self.how),
            "files_stamp": stamp_of_files(files),
        }

    def __setstate__(self, state):
        self.__init__(
            [_as_source(*row) for row in json.loads(state["sources"])], *state["settings"]
        )


def _as_source(place, format, digest, lead_names, sampling_rate, n_times, files):
    path, id, inner, members = place
    place = Place(path, id, inner, tuple(Member(*member) for member in members))
    return Source(place, format, digest, tuple(lead_names), sampling_rate, n_times, tuple(files))


@functools.lru_cache(maxsize=1024)
def _selection(leads, given):
    return LeadSelection(leads, given)


# So that no record has more leads than samples after missing ones are added.
_FEWEST_TIMES = 12


def open_recording(content, place, format, how):
    """Open a file's content with the module of its format; every error is a `RecordError`."""
    module = formats()[format]
    has_others = hasattr(module, "open_recording_at")
    with naming(place.file, CURE):
        if has_others and not place.members and os.path.isfile(place.path):
            options = {"checksums": how.checksums}
            recording = module.open_recording_at(place.path, how.waveform, **options)
        else:
            options = dict(how.csv) if format == "CSV" else {}
            recording = module.open_recording(content, place.file, how.waveform, **options)
    n_leads, n_times, rate = len(recording.lead_names), recording.n_times, recording.sampling_rate
    if not n_leads or n_times < max(n_leads, _FEWEST_TIMES) or not 0 < rate < np.inf:
        problem = f"holds {n_times} samples at {rate:g} Hz of {n_leads} leads, which is not an ECG"
        raise RecordError(place.file, problem, CURE)
    return recording


def read_signal(recording, file, leads, sampling_rate):
    """Return the wanted leads of a recording at the wanted rate."""
    with naming(file, CURE):
        selection = _selection(leads, tuple(recording.lead_names))
        signal = selection.of_record(recording.read())
        return resample(signal, recording.sampling_rate, sampling_rate)


def digest_of(content):
    """Return a number that differs between different contents."""
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big", signed=True)

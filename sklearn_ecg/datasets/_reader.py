"""Read signals of WFDB records on demand."""

import functools
import itertools
import os

import numpy as np

from sklearn_ecg.datasets._header import CURE, is_unchanged, read_header
from sklearn_ecg.datasets._signal_files import (
    check_files,
    check_sums,
    read_digital,
    to_mV,
    units_per_mV,
)
from sklearn_ecg.preprocessing._resampler import resample, resampling_ratio
from sklearn_ecg.records._report import RecordError, naming
from sklearn_ecg.utils import file_stamp, quick_stamp, stamp_of_files

# Samples of all leads. Smaller records are first read whole, to check their checksums.
_SHORT = 200_000


class WFDBReader:
    """The `read` of `LazySignals` for WFDB files; errors are `RecordError`.

    Parameters
    ----------
    paths : list of str
        Paths of the records, without suffix.
    headers : list of Header, or None
        None reads each header whenever its signal is read.
    lengths : list of int
        Samples of each record in its files.
    leads : tuple of str
        The wanted leads; a missing one is NaN.
    sampling_rate : float
        Hz; records of another rate are resampled.
    layout : Layout, default=None
        Compared with headers that are read late.
    checksums : bool, default=True
        Check signals when they are read whole for the first time.
    """

    def __init__(
        self, paths, headers, lengths, *, leads, sampling_rate, layout=None, checksums=True
    ):
        self.paths = paths
        self.lengths = lengths
        self.leads = leads
        self.sampling_rate = sampling_rate
        self.layout = layout
        self.checksums = checksums
        self.digests = self.per_frame = None
        if headers is not None:
            self.digests = np.array([header.digest for header in headers], dtype=np.int64)
            self.per_frame = np.array([header.per_frame for header in headers], dtype=np.int64)
        self._headers = headers
        self._start()

    def _start(self):
        # The stamp of each record's files when its header was unchanged, and whether its checksums
        # are still to be checked.
        self._seen = np.zeros(len(self.paths), dtype=np.int64)
        self._unchecked = np.full(len(self.paths), self.checksums)

    def __len__(self):
        return len(self.paths)

    def __call__(self, i):
        """Return record i, of shape (n_leads, n_times), as float32 in mV."""
        with naming(f"{self.paths[i]}.hea", CURE):
            header = self._header(i)
            signal = self._read(i, header, 0, self.lengths[i])
            self._unchecked[i] = False
            return resample(signal, header.sampling_rate, self.sampling_rate)

    def many(self, indices):
        return [self(int(i)) for i in indices]

    def window(self, i, start, stop):
        """Return samples start to stop of record i.

        Only this part of a long record is read, unless it is resampled.
        """
        header = self._header(i)
        is_short = self.lengths[i] * len(self.leads) <= _SHORT
        if header.sampling_rate != self.sampling_rate or (is_short and self._unchecked[i]):
            return self(i)[:, start:stop]
        start, stop, _ = slice(start, stop).indices(self.lengths[i])
        with naming(f"{self.paths[i]}.hea", CURE):
            return self._read(i, header, start, max(start, stop))

    def take(self, indices):
        """Return a reader of some of the records."""
        taken = object.__new__(WFDBReader)
        taken.__dict__.update(self.__dict__)
        taken.paths = [self.paths[i] for i in indices]
        taken.lengths = [self.lengths[i] for i in indices]
        if self.digests is not None:
            taken.digests, taken.per_frame = self.digests[indices], self.per_frame[indices]
            taken._headers = [self._headers[i] for i in indices]
        taken._seen, taken._unchecked = self._seen[indices], self._unchecked[indices]
        return taken

    def without_checksums(self):
        """Return a reader that ignores checksums."""
        other = self.take(np.arange(len(self)))
        other.checksums = False
        other._unchecked[:] = False
        return other

    def digital(self, i):
        """Return record i as stored, if it fits into 16 bits.

        Returns
        -------
        samples : ndarray of int16 of shape (n_leads, n_times)
            -32768 where invalid or missing.
        gains_per_mV, baselines : ndarray of shape (n_leads,)
        """
        header = self._header(i)
        channels = channels_of(header.lead_names, self.leads)
        if header.sampling_rate != self.sampling_rate or header.segments:
            return None
        with naming(f"{self.paths[i]}.hea", CURE):
            parts = read_digital(header, self.lengths[i])
        if any(part[0].dtype.itemsize > 2 for part in parts):
            return None
        self._check_sums(i, header, parts, channels)
        samples = np.full((len(channels), self.lengths[i]), -(2**15), dtype=np.int16)
        gains, baselines = np.ones(len(channels)), np.zeros(len(channels))
        for rows, chosen, wanted, invalid in _leads_of(parts, channels):
            samples[rows] = np.where(chosen == invalid, -(2**15), chosen)
            gains[rows], baselines[rows] = _scales(header, wanted)
        return samples, gains, baselines

    def stamp(self, i):
        """Return a value that identifies record i, without reading it."""
        files = tuple(file_stamp(path) for path in self.files(i))
        return (*files, self.leads, self.sampling_rate, self.checksums)

    def files(self, i):
        """Return the paths of the files that hold record i."""
        header = f"{self.paths[i]}.hea"
        if self.digests is None:
            return [header, self.paths[i] + self.layout.suffix]
        try:
            return list(dict.fromkeys([header, *self._opened_header(i).files]))
        except RecordError:
            # The header has changed, so the files that it named are unknown.
            return [header]

    def __getstate__(self):
        # Equal readers must have equal hashes, before and after reading; changed files change the
        # hash. Headers are large, and are read again.
        state = {name: value for name, value in self.__dict__.items() if name[0] != "_"}
        state["lengths"] = np.array(self.lengths, dtype=np.int64)
        files = itertools.chain.from_iterable(map(self.files, range(len(self))))
        return state | {"files_stamp": stamp_of_files(files)}

    def __setstate__(self, state):
        self.__dict__.update(state)
        del self.files_stamp
        self.lengths = self.lengths.tolist()
        self._headers = [None] * len(self.paths)
        self._start()

    def _header(self, i):
        """Return the header of record i, checked to be the present one on the disk."""
        stamp = quick_stamp(self.files(i))
        if self.digests is None:
            header = read_header(self.paths[i])
            check_against_layout(header, self.layout, self.leads)
            _check_name(header, self.files(i)[1])
        else:
            header = self._opened_header(i)
            if stamp != self._seen[i] and not is_unchanged(header):
                self._headers[i] = None
                header = self._opened_header(i)
        if stamp != self._seen[i]:
            self._seen[i], self._unchecked[i] = stamp, self.checksums
        return header

    def _opened_header(self, i):
        """Return the header of record i as it was when the records were opened."""
        if self._headers[i] is None:
            header = read_header(self.paths[i])
            if header.digest != self.digests[i]:
                problem = "has changed since it was opened"
                raise RecordError(f"{self.paths[i]}.hea", problem, "Open the records again.")
            n = int(self.per_frame[i])
            self._headers[i] = header if n == header.per_frame else header.at_rate_of(n)
        return self._headers[i]

    def _read(self, i, header, start, stop):
        shape = (len(self.leads), stop - start)
        if header.segments:
            signal = np.full(shape, np.nan, dtype=np.float32)
            begin = 0
            for part, n_times in header.segments:
                first, last = max(start - begin, 0), min(stop - begin, n_times)
                if part is not None and first < last:
                    into = slice(begin + first - start, begin + last - start)
                    signal[:, into] = self._read(i, part, first, last)
                begin += n_times
            return signal
        channels = channels_of(header.lead_names, self.leads)
        n_times = header.n_times or self.lengths[i]
        parts = read_digital(header, n_times, start, stop)
        if stop - start == n_times:
            self._check_sums(i, header, parts, channels)
        if len(parts) == 1 and channels == tuple(range(len(header.formats))):
            return to_mV(parts[0][0], *_scales(header, channels), parts[0][2])
        signal = np.full(shape, np.nan, dtype=np.float32)
        for rows, chosen, wanted, invalid in _leads_of(parts, channels):
            signal[rows] = to_mV(chosen, *_scales(header, wanted), invalid)
        return signal

    def _check_sums(self, i, header, parts, channels):
        if self._unchecked[i]:
            check_sums(header, parts, channels)


def _leads_of(parts, channels):
    """Yield (rows, samples, channels, invalid) of the wanted leads in each signal file."""
    for samples, in_file, invalid in parts:
        place = {channel: number for number, channel in enumerate(in_file)}
        rows = [row for row, channel in enumerate(channels) if channel in place]
        if rows:
            wanted = [channels[row] for row in rows]
            yield rows, samples[[place[channel] for channel in wanted]], wanted, invalid


@functools.lru_cache(maxsize=1024)
def channels_of(names, leads):
    """Return the channel of each wanted lead; None for a missing one."""
    return tuple(names.index(lead) if lead in names else None for lead in leads)


def _check_name(header, file):
    """Check that a header which is read late names its own signal files."""
    if header.files != (file,):
        raise RecordError(
            f"{header.path}.hea",
            f"asks for {', '.join(map(os.path.basename, header.files))}, but the data set has "
            f"{os.path.basename(file)}",
            CURE,
        )


def _scales(header, channels):
    units = [units_per_mV(header.units[channel]) for channel in channels]
    gains = np.array([header.gains[channel] for channel in channels])
    return gains * units, np.array([header.baselines[channel] for channel in channels])


def check_against_layout(header, layout, leads):
    """Check a header which is read late."""
    expected = (layout.sampling_rate, layout.n_times)
    if (header.sampling_rate, header.n_times or layout.n_times) != expected:
        raise RecordError(
            f"{header.path}.hea",
            f"gives {header.n_times} samples at {header.sampling_rate:g} Hz, but the data "
            f"set has {layout.n_times} at {layout.sampling_rate:g} Hz",
            CURE,
        )
    missing = set(layout.leads).intersection(leads).difference(header.lead_names)
    if missing:
        raise RecordError(f"{header.path}.hea", f"lacks the leads {sorted(missing)}", CURE)
    check_units(header, leads)
    check_files(header)


def check_units(header, leads):
    """Check that the leads are calibrated voltages; units are never guessed."""
    for part, n_times in header.segments:
        if part is not None and n_times:
            check_units(part, leads)
    for lead in leads:
        if lead not in header.lead_names:
            continue
        channel = header.lead_names.index(lead)
        if header.lead_names.count(lead) > 1:
            raise RecordError(
                f"{header.path}.hea",
                f"gives the name {lead} to more than one signal",
                "Correct the names of its signals.",
            )
        if units_per_mV(header.units[channel]) is None:
            raise RecordError(
                f"{header.path}.hea",
                f"gives lead {lead} in {header.units[channel]!r}, which is not a voltage",
                "Write the true gain and unit, such as 1000/mV, into its header.",
            )
        if header.gains[channel] is None:
            raise RecordError(
                f"{header.path}.hea",
                f"gives no gain for lead {lead}: it is not calibrated",
                "Write the true gain and unit, such as 1000/mV, into its header.",
            )


@functools.lru_cache(maxsize=1024)
def resampled_length(n_times, old_rate, new_rate):
    """Return the number of samples that `resample` makes of n_times."""
    ratio = resampling_ratio(old_rate, new_rate)
    return -(-n_times * ratio.numerator // ratio.denominator)

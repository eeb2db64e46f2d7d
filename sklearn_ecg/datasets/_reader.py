"""Reads signals of a list of WFDB records, one by one, when they are asked for."""

import functools
import os

import numpy as np

from sklearn_ecg.datasets._header import CURE, read_header
from sklearn_ecg.datasets._signal_files import (
    check_files,
    check_sums,
    read_digital,
    read_with_wfdb,
    to_mV,
    units_per_mV,
)
from sklearn_ecg.preprocessing._resampler import resample, resampling_ratio
from sklearn_ecg.records._report import RecordError


class WFDBReader:
    """The `read` of `LazySignals` for WFDB files; errors are `RecordError`.

    Parameters
    ----------
    paths : list of str
        Of the records, without suffix.
    headers : list of Header, or None
        None reads each header whenever its signal is read.
    lengths : list of int
        Samples of each record in its files.
    leads : tuple of str
        The leads wanted; one that a record lacks is NaN.
    sampling_rate : float
        Hz; records of another rate are resampled.
    layout : Layout, default=None
        Held against headers that are read late.
    checksums : bool, default=True
        Check the sums of signals that are read whole for the first time.
    """

    def __init__(
        self, paths, headers, lengths, *, leads, sampling_rate, layout=None, checksums=True
    ):
        self.paths = paths
        self.headers = headers
        self.lengths = lengths
        self.leads = leads
        self.sampling_rate = sampling_rate
        self.layout = layout
        self.checksums = checksums
        self._unchecked = np.full(len(paths), checksums)

    def __len__(self):
        return len(self.paths)

    def __call__(self, i):
        """Return record i, of shape (n_leads, n_times), as float32 in mV."""
        header = self._header(i)
        signal = self._read(i, header, 0, self.lengths[i])
        return resample(signal, header.sampling_rate, self.sampling_rate)

    def many(self, indices):
        return [self(int(i)) for i in indices]

    def window(self, i, start, stop):
        """Return samples start to stop of record i; without resampling nothing else is read."""
        header = self._header(i)
        if header.sampling_rate != self.sampling_rate:
            return self(i)[:, start:stop]
        start, stop, _ = slice(start, stop).indices(self.lengths[i])
        return self._read(i, header, start, max(start, stop))

    def take(self, indices):
        """Return a reader of some of the records."""
        taken = WFDBReader(
            [self.paths[i] for i in indices],
            None if self.headers is None else [self.headers[i] for i in indices],
            [self.lengths[i] for i in indices],
            leads=self.leads,
            sampling_rate=self.sampling_rate,
            layout=self.layout,
            checksums=self.checksums,
        )
        taken._unchecked = self._unchecked[indices]
        return taken

    def digital(self, i):
        """Return record i as it is stored, if 16 bits hold that.

        Returns
        -------
        samples : ndarray of int16 of shape (n_leads, n_times)
            -32768 where invalid or missing.
        gains_per_mV, baselines : ndarray of shape (n_leads,)
        """
        header = self._header(i)
        channels = channels_of(header.lead_names, self.leads)
        if header.sampling_rate != self.sampling_rate:
            return None
        parts = read_digital(header, self.lengths[i])
        if parts is None or any(part[0].dtype.itemsize > 2 for part in parts):
            return None
        self._check_sums(i, header, parts, channels)
        samples = np.full((len(channels), self.lengths[i]), -(2**15), dtype=np.int16)
        gains, baselines = np.ones(len(channels)), np.zeros(len(channels))
        for rows, chosen, wanted, invalid in _leads_of(parts, channels):
            samples[rows] = np.where(chosen == invalid, -(2**15), chosen)
            gains[rows], baselines[rows] = _scales(header, wanted)
        return samples, gains, baselines

    def files(self, i):
        """Return the paths of the files on which record i depends."""
        if self.headers is not None:
            return [f"{self.paths[i]}.hea", *dict.fromkeys(self.headers[i].files)]
        return [f"{self.paths[i]}.hea", self.paths[i] + self.layout.suffix]

    def __getstate__(self):
        # What was read does not change what the reader is: its hash must stay the same. Other
        # files under the same names make it another.
        state = {name: value for name, value in self.__dict__.items() if name[0] != "_"}
        return state | {"checksums": self.checksums, "stamp": [_stamp(p) for p in self.paths]}

    def __setstate__(self, state):
        state.pop("stamp")
        self.__dict__.update(state)
        self._unchecked = np.full(len(self.paths), self.checksums)

    def _header(self, i):
        if self.headers is not None:
            return self.headers[i]
        header = read_header(self.paths[i])
        check_against_layout(header, self.layout, self.leads)
        return header

    def _read(self, i, header, start, stop):
        channels = channels_of(header.lead_names, self.leads)
        parts = read_digital(header, self.lengths[i], start, stop)
        if parts is None:
            return self._read_with_wfdb(header, channels, start, stop)
        if stop - start == self.lengths[i]:
            self._check_sums(i, header, parts, channels)
        if len(parts) == 1 and channels == tuple(range(len(header.formats))):
            return to_mV(parts[0][0], *_scales(header, channels), parts[0][2])
        signal = np.full((len(channels), stop - start), np.nan, dtype=np.float32)
        for rows, chosen, wanted, invalid in _leads_of(parts, channels):
            signal[rows] = to_mV(chosen, *_scales(header, wanted), invalid)
        return signal

    def _check_sums(self, i, header, parts, channels):
        if self._unchecked[i]:
            check_sums(header, parts, channels)
            self._unchecked[i] = False

    def _read_with_wfdb(self, header, channels, start, stop):
        rows = [row for row, channel in enumerate(channels) if channel is not None]
        wanted = [channels[row] for row in rows]
        units = np.array([units_per_mV(header.units[channel]) for channel in wanted])
        read = read_with_wfdb(header, wanted, start, stop) / units[:, np.newaxis]
        signal = np.full((len(channels), stop - start), np.nan, dtype=np.float32)
        signal[rows] = read
        return signal


def _leads_of(parts, channels):
    """Yield (rows, samples, channels, invalid) of the leads wanted in each signal file."""
    for samples, in_file, invalid in parts:
        place = {channel: number for number, channel in enumerate(in_file)}
        rows = [row for row, channel in enumerate(channels) if channel in place]
        if rows:
            wanted = [channels[row] for row in rows]
            yield rows, samples[[place[channel] for channel in wanted]], wanted, invalid


@functools.lru_cache(maxsize=1024)
def channels_of(names, leads):
    """Return the channel of each lead wanted; None for one that is missing."""
    return tuple(names.index(lead) if lead in names else None for lead in leads)


def _stamp(path):
    try:
        return os.stat(f"{path}.hea").st_mtime_ns
    except OSError:
        return None


def _scales(header, channels):
    units = [units_per_mV(header.units[channel]) for channel in channels]
    gains = np.array([header.gains[channel] for channel in channels])
    return gains * units, np.array([header.baselines[channel] for channel in channels])


def check_against_layout(header, layout, leads):
    """Check a header that was not opened with the collection."""
    expected = (layout.sampling_rate, layout.n_times)
    if (header.sampling_rate, header.n_times or layout.n_times) != expected:
        raise RecordError(
            f"{header.path}.hea",
            f"tells of {header.n_times} samples at {header.sampling_rate:g} Hz, where the data "
            f"set has {layout.n_times} at {layout.sampling_rate:g} Hz",
            CURE,
        )
    missing = set(layout.leads).intersection(leads).difference(header.lead_names)
    if missing:
        raise RecordError(f"{header.path}.hea", f"lacks the leads {sorted(missing)}", CURE)
    check_units(header, leads)
    check_files(header)


def check_units(header, leads):
    """Check that the leads are calibrated voltages: what is not is never guessed."""
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
                f"gives no gain for lead {lead}: it was never calibrated",
                "Write the true gain and unit, such as 1000/mV, into its header.",
            )


@functools.lru_cache(maxsize=1024)
def resampled_length(n_times, old_rate, new_rate):
    """Return the samples that `resample` makes of n_times."""
    ratio = resampling_ratio(old_rate, new_rate)
    return -(-n_times * ratio.numerator // ratio.denominator)

"""Samples of WFDB signal files, as stored integers and in mV."""

import math
import os
import stat

import numpy as np

from sklearn_ecg.datasets._files import open_file
from sklearn_ecg.datasets._header import CURE
from sklearn_ecg.records._report import ChecksumError, MissingFileError, RecordError

# By WFDB's numbers of formats: type of the stored integers, and the value of an invalid sample.
_PLAIN = {
    "16": ("<i2", -(2**15)),
    "61": (">i2", -(2**15)),
    "160": ("<u2", -(2**15)),
    "80": ("u1", -(2**7)),
    "32": ("<i4", -(2**31)),
}
_BITS = {"16": 16, "61": 16, "160": 16, "80": 8, "32": 32, "212": 12, "24": 24}
_INVALID = {name: value for name, (_, value) in _PLAIN.items()} | {"212": -(2**11), "24": -(2**23)}
# Formats that wfdb decodes, and their invalid samples; compressed formats have no fixed size.
_BITS_BY_WFDB = {"8": 8, "310": 32 / 3, "311": 32 / 3}
_COMPRESSED = {"508", "516", "524"}
_INVALID |= {"8": -(2**31), "310": -(2**9), "311": -(2**9)}
_INVALID |= {"508": -(2**7), "516": -(2**15), "524": -(2**23)}
# FLAC needs ten bytes for a block, which has at most this many samples of a signal.
_FLAC_BLOCK = 65535, 10

# Volts and their parts, in lower case: no ECG is in megavolt. Other units are not voltages; "adu"
# means that the unit is unknown.
_UNITS_PER_mV = {"v": 1e-3, "mv": 1.0, "uv": 1e3, "µv": 1e3, "nv": 1e6}
_UNITS_PER_mV |= {"volt": 1e-3, "millivolt": 1.0, "microvolt": 1e3, "nanovolt": 1e6}
_UNITS_PER_mV |= {"volts": 1e-3, "millivolts": 1.0, "microvolts": 1e3, "nanovolts": 1e6}
_UNITS_PER_mV = {units.casefold(): factor for units, factor in _UNITS_PER_mV.items()}


def units_per_mV(units):
    """Return how many of a unit are one mV, or None if it is not a voltage."""
    return _UNITS_PER_mV.get(units.casefold())


def check_files(header):
    """Check that a record's signal files exist and have the size in its header.

    Checked before any allocation, since a header may claim any size. Too large a file is an error,
    too: the number of its format may be damaged.

    Returns
    -------
    n_times : int
        The header's number, or the files' number if the header gives none.
    """
    if header.segments:
        for part, n_times in header.segments:
            if part is not None and n_times and check_files(part) != n_times:
                raise RecordError(
                    f"{header.path}.hea",
                    f"does not give its segment {os.path.basename(part.path)} {part.n_times} "
                    "samples, as the segment's header does",
                    CURE,
                )
        return header.n_times
    n_frames = header.n_times and header.n_times // header.per_frame
    for path, channels in files_of(header).items():
        stored = {header.formats[channel][::3] for channel in channels}
        number, offset = header.formats[channels[0]][::3]
        problem = None
        if number not in _INVALID:
            problem = f"gives its signals in the unknown format {number}"
        elif len(stored) > 1:
            problem = f"gives signals of one file in several formats: {sorted(stored)}"
        if problem is not None:
            raise RecordError(f"{header.path}.hea", problem, CURE)
        found = _size(path, header)
        per_frame = sum(header.formats[channel][1] for channel in channels)
        if number in _COMPRESSED:
            _check_flac(path, found, offset + (n_frames or 0) * per_frame // len(channels), header)
            continue
        frame_bytes = (_BITS.get(number) or _BITS_BY_WFDB[number]) / 8 * per_frame
        if n_frames is None:
            n_frames = max(0, int((found - offset) / frame_bytes))
        needed = math.ceil(frame_bytes * n_frames) + offset
        if found < needed:
            raise _cut_short(path, found, needed, header)
        # A writer may end with a whole frame or word.
        if found - needed >= max(4, frame_bytes):
            raise RecordError(
                path,
                f"holds {found} bytes, but {_name(header)} needs {needed}: its format or "
                "number of samples is wrong",
                CURE,
            )
    if not n_frames:
        raise RecordError(f"{header.path}.hea", "describes signals without samples", CURE)
    return n_frames * header.per_frame


def _check_flac(path, n_bytes, n_samples, header):
    """Check that a compressed file has as many samples as its header says."""
    # The last 36 bits of these eight bytes are the number of samples, or 0 if unknown.
    begin = _read_bytes(path, 0, min(n_bytes, 26), header)
    if len(begin) < 26 or begin[:4] != b"fLaC":
        raise RecordError(path, "is not a FLAC file", CURE)
    told = int.from_bytes(begin[18:26]) % 2**36
    samples, at_least = _FLAC_BLOCK
    if told not in (0, n_samples) or n_samples > samples * (n_bytes // at_least):
        problem = f"has {told} samples in {n_bytes} bytes, but {_name(header)} gives {n_samples}"
        raise RecordError(path, problem, CURE)


def _size(path, header):
    try:
        found = os.stat(path)
    except OSError as error:
        raise _unreadable(path, header, error) from None
    if not stat.S_ISREG(found.st_mode):
        raise RecordError(path, "is not a file, but a folder, pipe, socket or device", CURE)
    return found.st_size


def _unreadable(path, header, error):
    if isinstance(error, FileNotFoundError):
        return MissingFileError(path, f"is missing, but {_name(header)} names it", CURE)
    return RecordError(path, f"cannot be read: {error.strerror}", "Check the file's permissions.")


def _cut_short(path, found, needed, header):
    return RecordError(
        path, f"is cut short: it holds {found} bytes, but {_name(header)} needs {needed}", CURE
    )


def _name(header):
    return f"{os.path.basename(header.path)}.hea"


def files_of(header):
    """Return the channels in each signal file, in their order."""
    if len(header.files) == 1:
        return {header.files[0]: range(len(header.formats))}
    channels = {}
    for channel, path in enumerate(header.files):
        channels.setdefault(path, []).append(channel)
    return channels


def read_digital(header, n_times, start=0, stop=None):
    """Read a record's samples as stored.

    Parameters
    ----------
    header : Header
    n_times : int
        Length of the whole record.
    start, stop : int
        The wanted part; by default all.

    Returns
    -------
    digital : list of (ndarray of int of shape (n_channels, n_times), channels, invalid)
        A part per signal file, with the value that marks invalid samples.
    """
    stop = n_times if stop is None else stop
    files = files_of(header)
    firsts = [header.formats[channels[0]] for channels in files.values()]
    # wfdb reads skewed signals, and frames of several samples.
    if any(number not in _BITS for number, *_ in firsts) or any(
        per_frame != 1 or skew for _, per_frame, skew, _ in header.formats
    ):
        return _decode_with_wfdb(header, start, stop)
    parts = []
    for (path, channels), (number, _, _, offset) in zip(files.items(), firsts, strict=True):
        n_channels = len(channels)
        samples = _read_samples(path, number, offset, start * n_channels, stop * n_channels, header)
        # Transposed while the integers are small; everything below runs along the leads.
        samples = np.ascontiguousarray(samples.reshape(-1, n_channels).T)
        parts.append((samples, channels, _INVALID[number]))
    return parts


def _decode_with_wfdb(header, start, stop):
    """Read samples of the signals with the record's rate, a part per signal."""
    import wfdb

    check_files(header)
    n = header.per_frame
    channels = [i for i, (_, per_frame, _, _) in enumerate(header.formats) if per_frame == n]
    # Samples of format 8 are differences, so reading begins at the file's start.
    first = 0 if any(number == "8" for number, *_ in header.formats) else start // n
    try:
        record = wfdb.rdrecord(
            header.path,
            sampfrom=first,
            sampto=-(-stop // n),
            channels=channels,
            physical=False,
            smooth_frames=False,
        )
    except Exception as error:
        raise RecordError(
            header.path, f"cannot be read as its header describes it: {error}", CURE
        ) from error
    window = slice(start - first * n, stop - first * n)
    return [
        (samples[np.newaxis, window], [channel], _INVALID[header.formats[channel][0]])
        for channel, samples in zip(channels, record.e_d_signal, strict=True)
    ]


def _read_samples(path, number, offset, first, last, header):
    """Read samples [first, last) of a file with one format."""
    bits = _BITS[number]
    # Pairs of 12 bits share three bytes, so reading begins with a whole pair.
    lead_in = first % 2 if number == "212" else 0
    begin = offset + (first - lead_in) * bits // 8
    end = offset + math.ceil(last * bits / 8)
    content = _read_bytes(path, begin, end, header)
    if number == "212":
        return _unpack_212(content, last - first + lead_in)[lead_in:]
    if number == "24":
        return _unpack_24(content)
    stored = np.frombuffer(content, dtype=_PLAIN[number][0])
    if number == "80":
        return stored.astype(np.int16) - 128
    if number == "160":
        return (stored.astype(np.int32) - 32768).astype(np.int16)
    return stored


def _read_bytes(path, begin, end, header):
    try:
        with open_file(path) as file:
            found = os.fstat(file.fileno()).st_size
            if found < end:
                raise _cut_short(path, found, end, header)
            file.seek(begin)
            content = file.read(end - begin)
            # One call reads at most two gigabytes.
            while len(content) < end - begin:
                content += file.read(end - begin - len(content)) or _no_more(path)
    except OSError as error:
        raise _unreadable(path, header, error) from None
    return content


def _no_more(path):
    raise OSError(None, "it became shorter while it was read", path)


def _unpack_212(content, n_samples):
    """Unpack samples of 12 bits: two in three bytes, the upper four bits of both in the second."""
    if len(content) % 3:
        content += b"\0"
    first, middle, last = np.frombuffer(content, dtype=np.uint8).reshape(-1, 3).T.astype(np.int16)
    samples = np.empty((len(first), 2), dtype=np.int16)
    # Shifted to the top of the 16 bits and back, to extend the sign bit.
    samples[:, 0] = ((middle << 12) >> 4) | first
    samples[:, 1] = (((middle & 0xF0) << 8) >> 4) | last
    return samples.ravel()[:n_samples]


def _unpack_24(content):
    triplets = np.frombuffer(content, dtype=np.uint8).reshape(-1, 3)
    samples = np.zeros((len(triplets), 4), dtype=np.uint8)
    samples[:, 1:] = triplets
    return samples.view("<i4").ravel() >> 8


def check_sums(header, parts, channels):
    """Compare the samples' sums: a partly overwritten file reads without an error."""
    wanted = set(channels)
    for digital, in_file, _ in parts:
        # Overflow wraps around, and keeps the 16 bits that count.
        dtype = np.int16 if digital.dtype.itemsize <= 2 else np.int64
        sums = digital.sum(axis=1, dtype=dtype).tolist()
        for channel, found in zip(in_file, sums, strict=True):
            # wfdb shifts skewed signals, which then lack their ends.
            expected = None if header.formats[channel][2] else header.checksums[channel]
            if channel in wanted and expected is not None and (expected - found) % 65536:
                raise ChecksumError(
                    header.files[channel if len(header.files) > 1 else 0],
                    f"is damaged: the samples of lead {header.lead_names[channel]} do not match "
                    f"the checksum in {_name(header)}",
                    "Download it again; or, if the data set is published with wrong checksums, "
                    "load it with checksums=False.",
                )


def to_mV(digital, gains_per_mV, baselines, invalid):
    """Scale stored integers of one file.

    Parameters
    ----------
    digital : ndarray of int of shape (n_leads, n_times)
    gains_per_mV, baselines : ndarray of shape (n_leads,)
    invalid : int
        The value that marks invalid samples.

    Returns
    -------
    ndarray of float32 of shape (n_leads, n_times)
        In mV, NaN for invalid samples: the quotient in float64, rounded to float32.
    """
    gains, baselines = gains_per_mV[:, np.newaxis], baselines[:, np.newaxis]
    narrow = gains.astype(np.float32)
    if digital.dtype.itemsize <= 2 and (narrow == gains).all() and (abs(baselines) < 2**23).all():
        # float32 holds numerator and denominator exactly, so its quotient equals the rounded
        # float64 quotient (Figueroa 1995: double rounding is innocuous from 2p + 2 bits on).
        signal = digital.astype(np.float32)
        if baselines.any():
            signal -= baselines.astype(np.float32)
        signal /= narrow
    else:
        signal = ((digital - baselines.astype(np.float64)) / gains).astype(np.float32)
    if digital.size and digital.min() == invalid:
        # The invalid mark is the least value of its format.
        signal[digital == invalid] = np.nan
    return signal

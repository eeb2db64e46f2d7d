"""WFDB headers, parsed fast enough for folders of 20,000.

Grammar (https://wfdb.io/spec/header-files.html); parts in brackets may be missing, from the right::

    record line    NAME[/SEGMENTS] N_SIGNALS [RATE[/COUNTER[(BASE)]] [N_TIMES [TIME [DATE]]]]
    signal line    FILE FORMAT[xSAMPLES_PER_FRAME][:SKEW][+BYTE_OFFSET]
                   [GAIN[(BASELINE)][/UNITS] [RESOLUTION [ADC_ZERO [INITIAL [CHECKSUM [BLOCK
                   [LEAD]]]]]]]
    segment line   NAME N_TIMES
    comment        # TEXT

A gain that is missing or 0 means that the signal is not calibrated. Missing units are mV, as in the
specification. A missing baseline is the ADC's zero.
"""

import dataclasses
import functools
import itertools
import math
import os
import re
import zlib
from collections import Counter

from sklearn_ecg.datasets._files import open_file
from sklearn_ecg.records._report import MissingFileError, RecordError
from sklearn_ecg.utils import canonical_lead, is_known_lead

# Least gain, of any unit: with a smaller one, 32-bit samples exceed single precision.
_LEAST_GAIN = 1e-20

CURE = "Download it again, or move the record's files out of the folder to go on without it."

# Bytes of a header with tens of thousands of segments; a larger file is not a header.
_MOST_BYTES = 2**24
# Hz of frames; a frame of 10 s may hold thousands of samples.
_RATES = (1e-3, 1e6)
# Gaps of a multi-segment record that are longer than the recording by this factor are a damaged
# number: no file is compared with them.
_MOST_GAPS = 100

_FORMAT = re.compile(r"(\d+)(?:x(\d+))?(?::(\d+))?(?:\+(\d+))?")
_GAIN = re.compile(
    r"(?P<gain>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
    r"(?:\((?P<baseline>[-+]?\d+(?:\.0*)?)\))?(?:/(?P<units>\S+))?"
)


@dataclasses.dataclass(slots=True)
class Header:
    """Content of a WFDB header; tuples have an entry per signal.

    Parameters
    ----------
    path : str
        Path of the record, without suffix.
    sampling_rate : float
        Frames per second. A signal's own rate is that times its samples per frame.
    n_times : int or None
        Number of frames; None if it follows from the file's size.
    lead_names : tuple of str
        In the usual spelling. Equal names of unknown signals are numbered.
    files : tuple of str
        Paths of the signal files; a single one holds all signals.
    formats : tuple of tuple
        (number, samples per frame, skew, byte offset).
    gains : tuple of float or None
        ADC units per physical unit; None if the signal is not calibrated.
    baselines : tuple of int
    units : tuple of str
    initial_values, checksums : tuple of int or None
    comments : list of str
        Comments without "#".
    start : tuple of str
        Time and date of its start, as written; either may be missing.
    segments : tuple of (Header or None, int)
        Headers and frames of the record's segments; None for a gap. Most records have no segments.
    per_frame : int, default=1
        Samples per frame of the signals that are read. If it is not 1, `sampling_rate` and
        `n_times` count these samples, not frames. See `at_rate_of_leads`.
    digest : int, default=0
        Hash of its text and those of its segments; see `is_unchanged`.
    """

    path: str
    sampling_rate: float
    n_times: int | None
    lead_names: tuple
    files: tuple
    formats: tuple
    gains: tuple
    baselines: tuple
    units: tuple
    initial_values: tuple
    checksums: tuple
    comments: list
    start: tuple
    segments: tuple
    per_frame: int = 1
    digest: int = 0

    def at_rate_of_leads(self, is_wanted):
        """Return a header that counts samples of the wanted signals, if frames hold several.

        Signals with another number of samples per frame cannot be read with them; their rate is
        added to their names. If the wanted signals differ, the most frequent rate wins, then the
        highest.

        Parameters
        ----------
        is_wanted : sequence of bool
            Which signals are wanted.
        """
        per_frame = [samples for _, samples, _, _ in self.formats]
        counts = Counter(n for n, wanted in zip(per_frame, is_wanted, strict=True) if wanted)
        if set(per_frame) == {1} or not counts:
            return self
        return self.at_rate_of(max(counts, key=lambda n: (counts[n], n)))

    def at_rate_of(self, chosen):
        """Return a header that counts samples of signals with this number per frame."""
        names = [
            name if n == chosen else f"{name} at {n * self.sampling_rate:g} Hz"
            for name, (_, n, _, _) in zip(self.lead_names, self.formats, strict=True)
        ]
        segments = [(part and part.at_rate_of(chosen), n * chosen) for part, n in self.segments]
        return dataclasses.replace(
            self,
            sampling_rate=self.sampling_rate * chosen,
            n_times=self.n_times and self.n_times * chosen,
            lead_names=tuple(names),
            per_frame=chosen,
            segments=tuple(segments),
        )


def read_header(path, *, is_segment=False):
    """Read the header of a record.

    Parameters
    ----------
    path : path-like
        Path of the record, without suffix.
    is_segment : bool, default=False
        Whether it is a segment of another record, and cannot have segments.

    Returns
    -------
    Header

    Raises
    ------
    RecordError
        If it is missing or not readable; the message names the file and the line.
    """
    path = str(path)
    try:
        content = _read_start(f"{path}.hea")
    except FileNotFoundError:
        raise MissingFileError(f"{path}.hea", "is missing", CURE) from None
    except OSError as error:
        raise RecordError(f"{path}.hea", f"cannot be read: {error.strerror}", CURE) from error
    return parse_header(content, path, is_segment=is_segment)


def parse_header(content, path, *, is_segment=False):
    """Parse the bytes of a header; see `read_header`."""
    try:
        header = _parse(content, path, is_segment)
    except _SyntaxError as error:
        raise RecordError(
            f"{path}.hea", f"cannot be read as a WFDB header: {error}", CURE
        ) from None
    header.digest = zlib.crc32(content)
    for part, _ in header.segments:
        header.digest = zlib.crc32(bytes(f"{part and part.digest}", "ascii"), header.digest)
    return header


def is_unchanged(header):
    """Return whether the texts of a header and of its segments are unchanged."""
    try:
        if header.segments:
            return read_header(header.path).digest == header.digest
        return zlib.crc32(_read_start(f"{header.path}.hea")) == header.digest
    except (OSError, RecordError):
        return False


def _read_start(path):
    """Return the content of a header, or enough of it to see that it is too large."""
    with open_file(path) as file:
        # Python allocates as many bytes as are asked for.
        n_bytes = os.fstat(file.fileno()).st_size
        return file.read(min(n_bytes, _MOST_BYTES) + 1)


class _SyntaxError(Exception):
    """A problem in a line."""


def _decode(content):
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Latin-1 decodes every byte; names of files and leads are ASCII in any case.
        return content.decode("latin-1")


def _parse(content, path, is_segment):
    if len(content) > _MOST_BYTES:
        raise _SyntaxError(f"it holds more than {_MOST_BYTES} bytes")
    if b"\0" in content:
        raise _SyntaxError("it holds zero bytes, as if it was not written to its end")
    lines, comments = [], []
    for line in _decode(content).splitlines():
        if line.startswith("#"):
            comments.append(line.lstrip("#").strip())
        elif line and not line.isspace():
            lines.append(line)
    if not lines:
        raise _SyntaxError("it holds no record line")
    name, n_signals, sampling_rate, n_times, start = _record_line(lines[0])
    if "/" in name and is_segment:
        raise _SyntaxError("it is a segment of a record, and cannot have segments")
    if "/" in name:
        return _multi_segment(lines, comments, path, sampling_rate, n_times, start)
    if len(lines) - 1 < n_signals:
        raise _SyntaxError(
            f"it is cut short: it announces {n_signals} signals and describes {len(lines) - 1}"
        )
    # Missing fields at the end of a line have the specification's defaults.
    rows = [line.split(None, 8) for line in lines[1 : n_signals + 1]]
    rows = [row if len(row) == 9 else _completed(row, i) for i, row in enumerate(rows)]
    files, formats, gains, _, adc_zeros, initial, sums, _, names = zip(*rows, strict=True)
    gains, baselines, units = zip(*map(_gain, gains), strict=True)
    if None in baselines:
        zeros = _integers(adc_zeros)
        pairs = zip(baselines, zeros, strict=True)
        baselines = tuple(zero if baseline is None else baseline for baseline, zero in pairs)
    return Header(
        path=path,
        sampling_rate=sampling_rate,
        n_times=n_times,
        lead_names=_lead_names(names),
        files=_paths(files, path),
        formats=tuple(map(_format, formats)),
        gains=gains,
        baselines=baselines,
        units=units,
        initial_values=_integers(initial),
        checksums=_integers(sums),
        comments=comments,
        start=start,
        segments=(),
    )


def _lead_names(names):
    """Return names in the usual spelling, with numbers on equal names of unknown signals."""
    names = tuple(map(canonical_lead, names))
    if len(set(names)) == len(names):
        return names
    numbers = {name: itertools.count(1) for name in names}
    is_numbered = [names.count(name) > 1 and not is_known_lead(name) for name in names]
    pairs = zip(names, is_numbered, strict=True)
    return tuple(f"{name} {next(numbers[name])}" if several else name for name, several in pairs)


def _completed(row, i):
    if len(row) < 2:
        raise _SyntaxError(f"its signal line {' '.join(row)[:80]!r} gives no format")
    return row + ["0", "0", "0", None, None, "0", f"signal {i}"][len(row) - 2 :]


def _paths(files, path):
    """Return the paths of the signal files, which must lie beside the header."""
    folder = path[: -len(_last_part(path))]
    if files.count(files[0]) == len(files):
        files = files[:1]
    for file in files:
        if _last_part(file) != file or file in (".", ".."):
            raise _SyntaxError(f"its signal file {file[:80]!r} lies in another folder")
    return tuple(folder + file for file in files)


def _last_part(path):
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def _record_line(line):
    fields = line.split()
    if len(fields) < 3:
        raise _SyntaxError(
            f"its record line {line[:80]!r} must give name, number of signals and sampling rate"
        )
    n_signals = _count(fields[1], "number of signals")
    if n_signals < 1:
        raise _SyntaxError("it announces no signals")
    rate = fields[2].split("/")[0].split("(")[0]
    try:
        sampling_rate = float(rate)
    except ValueError:
        raise _SyntaxError(f"its sampling rate {rate[:80]!r} is not a number") from None
    if not _RATES[0] <= sampling_rate <= _RATES[1]:
        raise _SyntaxError(f"its sampling rate is {rate[:80]} Hz")
    n_times = _count(fields[3], "number of samples") if len(fields) > 3 else 0
    return fields[0], n_signals, sampling_rate, n_times or None, tuple(fields[4:6])


def _count(text, what):
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise _SyntaxError(f"its {what} is {text[:80]!r}")
    return int(text)


@functools.lru_cache(maxsize=1024)
def _format(text):
    match = _FORMAT.fullmatch(text)
    if match is None or len(text) > 40:
        raise _SyntaxError(f"the format {text[:80]!r} is unknown")
    number, samples_per_frame, skew, offset = match.groups()
    if samples_per_frame and not int(samples_per_frame):
        raise _SyntaxError(f"the format {text!r} has no samples in a frame")
    return number, int(samples_per_frame or 1), int(skew or 0), int(offset or 0)


@functools.lru_cache(maxsize=8192)
def _gain(text):
    match = _GAIN.fullmatch(text)
    if match is None:
        raise _SyntaxError(f"{text[:80]!r} is not a gain")
    gain, baseline = float(match["gain"]), float(match["baseline"] or 0)
    if not (math.isfinite(gain) and math.isfinite(baseline)):
        raise _SyntaxError(f"the gain {text[:80]!r} is not finite")
    if 0 < abs(gain) < _LEAST_GAIN:
        raise _SyntaxError(f"with the gain {text[:80]!r} samples are not voltages")
    return gain or None, int(baseline) if match["baseline"] else None, match["units"] or "mV"


def _integers(texts):
    try:
        if max(map(len, filter(None, texts)), default=0) > 18:
            raise ValueError
        if None in texts:
            return tuple(None if text is None else int(text) for text in texts)
        return tuple(map(int, texts))
    except ValueError:
        raise _SyntaxError(f"{str(texts)[:80]} are not all integers") from None


def _multi_segment(lines, comments, path, sampling_rate, n_times, start):
    segments = _segments(lines, path, sampling_rate)
    lengths = [length for _, length in segments]
    n_recorded = sum(length for part, length in segments if part is not None)
    if n_times not in (None, sum(lengths)):
        raise _SyntaxError(f"its segments have {sum(lengths)} samples instead of {n_times}")
    if not n_recorded:
        raise _SyntaxError("it has no recorded segment")
    if sum(lengths) > (1 + _MOST_GAPS) * n_recorded:
        raise _SyntaxError(f"it has gaps of {sum(lengths) - n_recorded} samples for {n_recorded}")
    parts = [part for part, length in segments if part is not None and length]
    # A first segment without samples lists the signals of the others.
    layout = None if segments[0][1] else segments[0][0]
    names = (layout or parts[0]).lead_names
    if layout is None and any(part.lead_names != names for part in parts):
        raise _SyntaxError("its segments hold different signals")
    signals = [_of_signal(name, [*parts, *([layout] if layout else [])]) for name in names]
    unknown = (None,) * len(names)
    return Header(
        path=path,
        sampling_rate=sampling_rate,
        n_times=sum(lengths),
        lead_names=names,
        files=tuple(dict.fromkeys(f for part in parts for f in (f"{part.path}.hea", *part.files))),
        formats=tuple(("segments", per_frame, 0, 0) for per_frame, _ in signals),
        gains=(1.0,) * len(names),
        baselines=(0,) * len(names),
        units=tuple(units for _, units in signals),
        initial_values=unknown,
        checksums=unknown,
        comments=comments,
        start=start,
        segments=tuple(segments),
    )


def _segments(lines, path, sampling_rate):
    """Return headers and lengths of the segments."""
    n_segments = _count(lines[0].split()[0].rsplit("/", 1)[1], "number of segments")
    if len(lines) - 1 != n_segments or not n_segments:
        raise _SyntaxError(f"it announces {n_segments} segments and names {len(lines) - 1}")
    headers, segments = {"~": None}, []
    for line in lines[1:]:
        name, _, length = line.strip().partition(" ")
        length = _count(length.strip(), f"length of the segment {name[:80]}")
        if _last_part(name) != name:
            raise _SyntaxError(f"its segment {name[:80]!r} lies in another folder")
        if name not in headers:
            part = path[: -len(_last_part(path))] + name
            try:
                headers[name] = read_header(part, is_segment=True)
            except RecordError as error:
                raise _SyntaxError(f"its segment {name[:80]} {error.problem}") from None
            if headers[name].sampling_rate != sampling_rate:
                raise _SyntaxError(f"its segment {name[:80]} was sampled at another rate")
        segments.append((headers[name], length))
    return segments


def _of_signal(name, parts):
    """Return samples per frame, which must agree between segments, and the first units."""
    found = [
        (part.formats[channel][1], part.units[channel])
        for part in parts
        for channel, own in enumerate(part.lead_names)
        if own == name
    ]
    if len({per_frame for per_frame, _ in found}) > 1:
        raise _SyntaxError(f"its segments hold signal {name[:80]} at different rates")
    return found[0]

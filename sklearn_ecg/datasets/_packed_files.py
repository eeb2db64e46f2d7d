"""Contents of files on the disk, in gzip and in ZIP archives, with a largest size.

Nothing is unpacked to the disk. A member of an archive is read directly, without the archive's
table, so that worker processes do not need the table.
"""

import contextlib
import functools
import gzip
import io
import itertools
import os
import re
import struct
import zipfile
from typing import NamedTuple

from sklearn_ecg.datasets._files import open_file
from sklearn_ecg.datasets.formats._registry import HEAD_BYTES
from sklearn_ecg.records._report import MissingFileError, RecordError, naming
from sklearn_ecg.utils import quick_stamp

CURE = "Copy or export it again, or leave it out."
ZIP, GZIP = (b"PK\3\4", b"PK\5\6", b"PK\7\x08"), b"\x1f\x8b"

# No ECG is larger. A large file that was compressed by more than this factor is a zip bomb.
_MOST_BYTES = 2**31
_MOST_TIMES_PACKED, _SMALL_BYTES = 100, 2**26
_LOCAL_HEADER_BYTES = 30
_ENCRYPTED = 0x1


class Member(NamedTuple):
    """Place of a file in a ZIP archive, and its compression."""

    begin: int
    packed: int
    size: int
    method: int
    crc: int


class Place(NamedTuple):
    """Place of a file's content.

    Parameters
    ----------
    path : str
        Path of a file on the disk.
    id : str
        Id of its record.
    inner : str, default=""
        Path inside of the archive, for messages.
    members : tuple of Member
        The archive in the file, and a file in it; more for nested archives.
    """

    path: str
    id: str
    inner: str = ""
    members: tuple = ()

    @property
    def file(self):
        return f"{self.path}/{self.inner}" if self.inner else self.path


def read_place(place, choose=None):
    """Return the content of a file, unpacked.

    Parameters
    ----------
    place : Place
    choose : callable, default=None
        Gets the first bytes, and returns whether to read on.

    Returns
    -------
    bytes
        Only the first bytes, if `choose` returned False.

    Raises
    ------
    RecordError
    """
    with _naming(place.file), _opened(place) as (file, n_bytes):
        return _read(file, n_bytes, choose or (lambda head: True))


def read_stream(file, name):
    """Return the content of an open binary file from its position, unpacked.

    Raises
    ------
    RecordError
    TypeError
        For a text file.
    """
    with _naming(name):
        is_text = isinstance(file.read(0), str)
    if is_text:
        raise TypeError(f"file must be a binary file; {name} is open as text: open it with 'rb'.")
    with _naming(name):
        content = read_up_to(file, _MOST_BYTES)
        return _read(io.BytesIO(content), len(content), lambda head: True)


def read_url(url):
    """Return the content of a URL that fsspec opens, unpacked."""
    try:
        import fsspec
    except ImportError as error:
        raise ImportError(
            f"Reading {url} needs fsspec: pip install 'sklearn_ecg[remote]'."
        ) from error
    with _naming(url), fsspec.open(url, "rb") as file:
        return read_stream(file, url)


@contextlib.contextmanager
def _naming(file):
    """Like `naming`, but with the system's own words where it has any."""
    try:
        with naming(file, CURE):
            yield
    except RecordError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise MissingFileError(file, "is missing", CURE) from None
        if isinstance(error.__cause__, OSError) and error.__cause__.strerror:
            raise RecordError(file, f"cannot be read: {error.__cause__.strerror}", CURE) from None
        raise


def _read(file, n_bytes, choose):
    head = file.read(HEAD_BYTES)
    is_packed = head.startswith(GZIP)
    if is_packed:
        file.seek(0)
        file = gzip.GzipFile(fileobj=file)
        head = file.read(HEAD_BYTES)
    if not choose(head):
        return head
    if n_bytes > _MOST_BYTES:
        raise ValueError(f"it holds {n_bytes} bytes, more than {_MOST_BYTES}")
    if is_packed:
        return read_up_to(file, _most_unpacked(n_bytes), head)
    file.seek(0)
    return file.read()


def read_up_to(file, n_bytes, head=b""):
    """Read a stream to its end; raise if it is longer than this number of bytes."""
    parts, n_read = [head], len(head)
    # Python allocates as many bytes as are asked for.
    while part := file.read(2**16):
        parts.append(part)
        n_read += len(part)
        if n_read > n_bytes:
            raise ValueError(f"it holds more than {n_bytes} bytes, unpacked")
    return b"".join(parts)


def _most_unpacked(n_bytes):
    return min(_MOST_BYTES, max(_SMALL_BYTES, _MOST_TIMES_PACKED * n_bytes))


@contextlib.contextmanager
def _opened(place):
    """Yield a file as stored, and its size there."""
    *outer, member = place.members or (None,)
    if outer:
        archive = _inner_archive(place.path, tuple(outer), quick_stamp([place.path]))
        file = io.BytesIO(archive)
    else:
        file = open_file(place.path)
    with file:
        if member is None:
            yield file, os.fstat(file.fileno()).st_size
        else:
            with _opened_member(file, member) as unpacked:
                yield unpacked, member.size


# Cached: each file of a nested archive would unpack the archive again.
@functools.lru_cache(maxsize=1)
def _inner_archive(path, members, _stamp):
    return read_place(Place(path, path, "", members))


def _opened_member(file, member):
    file.seek(member.begin)
    header = file.read(_LOCAL_HEADER_BYTES)
    if len(header) < _LOCAL_HEADER_BYTES or header[:4] != ZIP[0]:
        raise ValueError("it is not at the place in the archive's table")
    file.seek(sum(struct.unpack("<2H", header[26:])), os.SEEK_CUR)
    info = zipfile.ZipInfo()
    info.compress_size, info.file_size = member.packed, member.size
    info.compress_type, info.CRC = member.method, member.crc
    return zipfile.ZipExtFile(file, "r", info)


def members_of(place):
    """Return the files in a ZIP archive, and the unreadable ones with the reason.

    Parameters
    ----------
    place : Place
        With an empty id if the records' ids should be only their paths inside of the archive.

    Returns
    -------
    places : list of Place
    others : list of (Place, str, str)
        With a problem and advice.
    """
    with _naming(place.file), _seekable(place) as file, zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
        n_bytes = file.seek(0, os.SEEK_END)
    if _overlap(infos, n_bytes):
        raise RecordError(place.file, "holds members that overlap or go beyond its end", CURE)
    places, others = [], []
    for info in infos:
        if info.is_dir():
            continue
        name = _inside(info.filename)
        member = Member(
            info.header_offset, info.compress_size, info.file_size, info.compress_type, info.CRC
        )
        inner = f"{place.inner}/{name}" if place.inner else name
        id = f"{place.id}/{name}" if place.id else name
        found = Place(place.path, id, inner, (*place.members, member))
        problem = _problem_of(info)
        if problem:
            others.append((found, *problem))
        else:
            places.append(found)
    return places, others


def _overlap(infos, n_bytes):
    """Return whether bytes of an archive belong to several members, or are missing."""
    spans = sorted((info.header_offset, info.compress_size) for info in infos)
    pairs = itertools.pairwise([*spans, (n_bytes, 0)])
    return any(begin + packed > following for (begin, packed), (following, _) in pairs)


def _seekable(place):
    return io.BytesIO(read_place(place)) if place.members else open_file(place.path)


def _problem_of(info):
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted", "Unpack it with its password, and read the folder."
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"is packed by method {info.compress_type}", "Unpack it, and read the folder."
    if info.file_size > _most_unpacked(info.compress_size):
        times = info.file_size // max(info.compress_size, 1)
        problem = f"would unpack to {info.file_size} bytes, {times} times its size"
        return problem, "Unpack it, if you trust it, and read the folder."
    return None


def _inside(name):
    """Return a member's name without parts that lead out of the archive."""
    name = re.sub(r"^[A-Za-z]:", "", name.replace("\\", "/"))
    return "/".join(part for part in name.split("/") if part not in ("", ".", "..")) or "unnamed"

"""Kinds of files that are not ECGs, found by their first bytes."""

import re

from sklearn_ecg.records._report import EMPTY, NO_ECG, UNKNOWN

_NOTHING = "Do nothing if it should hold no ECG; otherwise export it as MUSE XML, aECG or DICOM."
_UNPACK = "Unpack it, or pack it as ZIP."
_READ_RECORDS = "Read it with read_records, if it holds the signals of many records."

_KINDS = (
    (b"%PDF", "a PDF document", _NOTHING),
    (b"\xff\xd8\xff", "a JPEG image", _NOTHING),
    (b"\x89PNG", "a PNG image", _NOTHING),
    (b"GIF8", "a GIF image", _NOTHING),
    (b"II*\0", "a TIFF image", _NOTHING),
    (b"MM\0*", "a TIFF image", _NOTHING),
    (b"\xd0\xcf\x11\xe0", "an Office document, or a list of thumbnails", _NOTHING),
    (b"{\\rtf", "an RTF document", _NOTHING),
    (b"SQLite format 3", "an SQLite database", _NOTHING),
    (b"PAR1", "a Parquet table", _NOTHING),
    (b"MATLAB 5.0", "a MATLAB file", _NOTHING),
    (b"\x89HDF", "an HDF5 file", _READ_RECORDS),
    (b"\x93NUMPY", "a NumPy array", _READ_RECORDS),
    (b"PK\3\4", "a ZIP archive", "Read it with load_ecg_files; unpack archives inside it."),
    (b"7z\xbc\xaf", "a 7-Zip archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"BZh", "a file packed by bzip2", _UNPACK),
    (b"\xfd7zXZ", "a file packed by xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a file packed by Zstandard", _UNPACK),
)
_TAR_AT, _TAR = 257, b"ustar"
_ROOT = re.compile(r"<(?![?!])([^\s<>/]{1,80})")
_SUFFIX = re.compile(r"\.[A-Za-z]{1,6}$")
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def describe(head, name):
    """Return a description of a file that is not an ECG.

    Parameters
    ----------
    head : bytes
    name : str

    Returns
    -------
    problem, what_to_do : str
        As for `RecordError`.
    """
    kind, advice = _kind_of(head, name)
    return NO_ECG + kind, advice


def _kind_of(head, name):
    if not head:
        return EMPTY, "Export it again, if it should hold an ECG."
    for magic, kind, advice in _KINDS:
        if head.startswith(magic):
            return kind, advice
    if head[_TAR_AT:].startswith(_TAR):
        return "a TAR archive", _UNPACK
    text = _text_of(head)
    if text is None:
        suffix = _SUFFIX.search(name)
        return UNKNOWN + (f" ({suffix[0].lower()})" if suffix else ""), _NOTHING
    if text.lstrip().startswith("<"):
        root = _ROOT.search(text)
        return f"XML or HTML of <{root[1]}>" if root else "XML without elements", _NOTHING
    return "text", _NOTHING


def _text_of(head):
    """Return text, or None if it has bytes that no text has."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "replace")
    return None if _CONTROLS.search(head) else head.removeprefix(b"\xef\xbb\xbf").decode("latin-1")

"""DICOM's data elements, as far as an ECG needs them.

Layout (DICOM PS3.5 and PS3.10)::

    file       128 bytes, "DICM", elements of group 0002 (explicit), data set; or the data set alone
    data set   elements, in the order of their tags
    element    group, number (2 bytes each), length (4), value                  implicit
               group, number, type (2 letters), length (2), value               explicit
               group, number, type, 2 bytes, length (4), value                  explicit, long types
    sequence   items: FFFE,E000, length (4), data set; as a value
    undefined  length FFFFFFFF: an item ends with FFFE,E00D, a sequence with FFFE,E0DD

The first element of a data set tells whether numbers are little or big endian and whether types are
explicit, which is surer than the transfer syntax that the file names: of this one only that the
data set is deflated. Libraries such as pydicom turn every element into an object, in about ten
times the time, and tell of faults by warnings, which no thread can catch for itself alone.
"""

import re
import struct
import zlib

from sklearn_ecg.datasets.formats._binary import DamagedError

# Types with a length of four bytes, and with one of two.
_LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
_SHORT = {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT"}
_SHORT |= {b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"}

# Of types of numbers, how `struct` names them; "" for those that are written as text.
_NUMERIC = {b"FL": "f", b"FD": "d", b"SS": "h", b"US": "H", b"SL": "i", b"UL": "I", b"SV": "q"}
_NUMERIC |= {b"UV": "Q", b"IS": "", b"DS": ""}

_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,2})?")
_UNPACK = {
    order: [struct.Struct(order + numbers).unpack_from for numbers in ("HH", "H", "I", "HHI")]
    for order in "<>"
}
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
_MOST_DEEP = 16
# Limit of items, since each nearly empty item takes memory.
_LEAST_ITEM = 40
# Of fewer bytes than the view of a part of a file takes itself.
_SHORT_VALUE = 128

_TRANSFER_SYNTAX, _CHARACTER_SET = 0x00020010, 0x00080005
_DEFLATED = "1.2.840.10008.1.2.1.99"
# Waveforms and everything before are read; later groups hold images and makers' data.
_LAST_GROUP = 0x5400
# Of a deflated data set, so many times the file's bytes and so many more.
_MOST_INFLATED = 4, 2**20

# Names of DICOM's character sets, without versions: codec and escape sequence.
_CHARACTER_SETS = {
    "100": "latin-1",
    "101": "iso8859-2",
    "109": "iso8859-3",
    "110": "iso8859-4",
    "144": "iso8859-5",
    "127": "iso8859-6",
    "126": "iso8859-7",
    "138": "iso8859-8",
    "148": "iso8859-9",
    "203": "iso8859-15",
    "166": "tis-620",
    "13": "shift-jis",
    "87": "iso2022_jp_2",
    "159": "iso2022_jp_2",
    "149": "euc_kr",
    "58": "gb2312",
    "192": "utf-8",
    "GB18030": "gb18030",
    "GBK": "gbk",
}
_ESCAPES = (b"\x1b$)C", b"\x1b$)A")


class DataSet:
    """Elements of a data set or an item, by tag: bytes, or data sets where it is a sequence.

    Numbers are read by the type that they have, if they have one: makers differ in it.
    """

    __slots__ = ("codec", "numeric", "order", "values")

    def __init__(self, order, codec):
        self.order = order
        self.codec = codec
        self.values = {}
        self.numeric = {}

    def __contains__(self, tag):
        return tag in self.values

    def items(self, tag):
        """Return the data sets of a sequence; an empty list if it is missing."""
        found = self.values.get(tag)
        return found if isinstance(found, list) else []

    def content(self, tag):
        """Return the bytes of a value; empty if it is missing."""
        found = self.values.get(tag)
        return b"" if found is None or isinstance(found, list) else found

    def text(self, tag):
        """Return a text without margins, "" where it is not there."""
        if self.numeric.get(tag):
            return "\\".join(map(str, self._unpacked(tag, self.numeric[tag])))
        content = bytes(self.content(tag)).strip(b"\0 ")
        if content.isascii() and b"\x1b" not in content:
            return content.decode("ascii").strip()
        for escape in _ESCAPES:
            content = content.replace(escape, b"")
        for codec in (self.codec, "utf-8"):
            try:
                return content.decode(codec or "utf-8").strip()
            except UnicodeDecodeError:
                pass
        return content.decode("latin-1").strip()

    def number(self, tag, name=None):
        """Return the first number of a text, None where it is not there.

        A text that is no number is None as well, or a `DamagedError` where there is a name for it.
        """
        text = self.text(tag).partition("\\")[0].strip()
        if not text:
            return None
        if _NUMBER.fullmatch(text):
            return float(text)
        if name is None:
            return None
        raise DamagedError(f"gives a {name} of {text[:20]!r}, which is no number")

    def integers(self, tag, size=2):
        """Return integers, which are unsigned and of so many bytes each if nothing else is said."""
        if self.numeric.get(tag) in ("", "f", "d"):
            numbers = re.fullmatch(r"[0-9]{1,9}(\.0*)?", self.text(tag))
            return (int(float(numbers[0])),) if numbers else ()
        return self._unpacked(tag, self.numeric.get(tag, {2: "H", 4: "I"}[size]))

    def _unpacked(self, tag, letter):
        content, size = self.content(tag), struct.calcsize(f"={letter}")
        count = len(content) // size
        return struct.unpack(f"{self.order}{count}{letter}", content[: count * size])


def starts_data_set(head):
    """Return whether bytes begin as a file of DICOM without preamble does."""
    if len(head) < 8 or head[:2] not in (b"\2\0", b"\x08\0", b"\0\x08"):
        return False
    order = ">" if head[0] == 0 else "<"
    number, implicit_length = struct.unpack(f"{order}2xHI", head[:8])
    known = head[4:6] in _SHORT or head[4:6] in _LONG
    return number < 0x0100 and (known or (head[0] != 2 and implicit_length <= 128))


def read_data_set(content, wanted):
    """Read a file's elements.

    Parameters
    ----------
    content : bytes
    wanted : dict of int to bool
        Tags of the elements to keep, in all data sets, and whether they are sequences. Of other
        elements, only where they end is read.

    Returns
    -------
    DataSet

    Raises
    ------
    DamagedError
    """
    start = 132 if content[128:132] == b"DICM" else 4 if content[:4] == b"DICM" else 0
    reader = _Reader(memoryview(content), wanted | {_CHARACTER_SET: False})
    at = start
    if content[at : at + 2] == b"\2\0":
        meta = _Reader(reader.content, {_TRANSFER_SYNTAX: False})
        kept, at = meta.data_set(start, len(content), last_group=2)
        if kept.text(_TRANSFER_SYNTAX) == _DEFLATED:
            reader.content, at = memoryview(_inflated(content, at)), 0
    return reader.data_set(at, len(reader.content), last_group=_LAST_GROUP)[0]


def _inflated(content, at):
    times, more = _MOST_INFLATED
    most = times * len(content) + more
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(memoryview(content)[at:], most)
    except zlib.error as error:
        raise DamagedError(f"holds a deflated data set that is damaged: {error}") from None
    if not inflater.eof:
        if len(inflated) == most:
            raise DamagedError(f"inflates to more than {times} times its size, as no ECG does")
        raise DamagedError("holds a deflated data set that is cut short")
    return inflated


class _Reader:
    def __init__(self, content, wanted):
        self.content = content
        self.wanted = wanted
        self.n_items = 0

    def data_set(self, at, stop, above=None, *, explicit=True, depth=0, last_group=0xFFFF):
        """Read elements to a place, to the end of an item, or to an unwanted group.

        Returns
        -------
        DataSet
        at : int
            Where that ends.
        """
        content = self.content
        # Of a whole file: groups are small numbers, and so their first byte tells the order.
        big = above is None and content[at : at + 1] == b"\0" and content[at + 1 : at + 2] != b"\0"
        order = above.order if above else "<>"[big]
        kept = DataSet(order, above.codec if above else None)
        # Items may be implicit inside of an explicit data set, but not the reverse.
        explicit = explicit and _is_type(content[at + 4 : at + 6])
        read_tag, read_short, read_long, _ = _UNPACK[order]
        wanted = self.wanted
        while at < stop:
            if stop - at < 8:
                if not any(content[at:stop]):
                    return kept, stop
                raise DamagedError("is cut short: it ends inside an element")
            group, number = read_tag(content, at)
            tag = group << 16 | number
            if group > last_group:
                return kept, at
            if tag == _ITEM_END:
                return kept, at + 8
            kind = None
            if explicit:
                kind = bytes(content[at + 4 : at + 6])
                if kind in _SHORT:
                    (length,) = read_short(content, at + 6)
                    at += 8
                elif kind in _LONG and stop - at >= 12:
                    (length,) = read_long(content, at + 8)
                    at += 12
                else:
                    raise DamagedError(f"is damaged at its element {_name(tag)}")
            else:
                (length,) = read_long(content, at + 4)
                at += 8
            if length != _UNDEFINED and at + length > stop:
                raise DamagedError(
                    f"is cut short or damaged: its element {_name(tag)} has {length} bytes, of "
                    f"which {stop - at} are there"
                )
            if tag in wanted and tag in kept.values:
                raise DamagedError(f"is damaged: it holds the element {_name(tag)} twice")
            if length == _UNDEFINED or (wanted.get(tag) and kind in (b"SQ", b"UN", None)):
                items_explicit = explicit and kind != b"UN"
                end = stop if length == _UNDEFINED else at + length
                value, at = self._sequence(at, end, kept, items_explicit, depth, length)
            else:
                value = content[at : at + length]
                at += length
                if length < _SHORT_VALUE and tag in wanted:
                    value = bytes(value)
            if tag in wanted:
                kept.values[tag] = value
                if kind in _NUMERIC:
                    kept.numeric[tag] = _NUMERIC[kind]
                if tag == _CHARACTER_SET:
                    kept.codec = _codec(kept.text(tag))
        return kept, at

    def _sequence(self, at, stop, above, explicit, depth, length):
        if depth >= _MOST_DEEP:
            raise DamagedError(f"is damaged: its sequences lie more than {depth} deep")
        *_, read = _UNPACK[above.order]
        items = []
        while at < stop:
            if stop - at < 8:
                raise DamagedError("is cut short: it ends inside a sequence")
            group, number, item_length = read(self.content, at)
            tag = group << 16 | number
            at += 8
            if tag == _SEQUENCE_END and length == _UNDEFINED:
                return items, at
            if tag != _ITEM:
                raise DamagedError(f"is damaged: it holds {_name(tag)} where an item should begin")
            end = stop if item_length == _UNDEFINED else at + item_length
            if end > stop:
                raise DamagedError("is cut short or damaged: it ends inside an item")
            self.n_items += 1
            if self.n_items * _LEAST_ITEM > len(self.content):
                raise DamagedError("is damaged: it consists of items that are nearly empty")
            item, at = self.data_set(at, end, above, explicit=explicit, depth=depth + 1)
            if item_length != _UNDEFINED and at != end:
                raise DamagedError("is damaged: an item ends before its length")
            if item_length == _UNDEFINED and bytes(self.content[at - 8 : at - 4]) not in (
                b"\xfe\xff\x0d\xe0",
                b"\xff\xfe\xe0\x0d",
            ):
                raise DamagedError("is cut short: it ends inside an item")
            items.append(item)
        if length == _UNDEFINED:
            raise DamagedError("is cut short: it ends inside a sequence")
        return items, at


def _is_type(letters):
    return bytes(letters) in _SHORT or bytes(letters) in _LONG


def _name(tag):
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _codec(text):
    """Return the codec of the last named character set, for text beyond ASCII."""
    for name in reversed(text.split("\\")):
        number = re.sub("ISO_IR|ISO 2022 IR", "", name).strip()
        if number in _CHARACTER_SETS:
            return _CHARACTER_SETS[number]
    return None

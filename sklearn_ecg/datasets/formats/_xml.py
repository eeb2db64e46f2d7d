"""Common parts of the XML formats: safe parsing, and values in text.

No entity is declared or expanded, no external definition is fetched, and elements are nested to a
limit, so that a hostile file costs no more than its size. Prefixes of namespaces are cut off:
makers differ in them, and names are clear without.
"""

import base64
import binascii
import codecs
import datetime
import re
from xml.etree.ElementTree import TreeBuilder
from xml.parsers import expat

import numpy as np

from sklearn_ecg.datasets.formats._recording import MOST_YEARS
from sklearn_ecg.records._report import RecordError
from sklearn_ecg.utils import canonical_lead

EXPORT_AGAIN = "Export it again from the system it comes from."

_MAX_DEPTH = 100
_DECLARED = re.compile(rb"\s*<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([\w.:-]+)[\"']")
# Atomic, for many comments can be taken together in very many ways.
_BEFORE_ROOT = re.compile(
    r"(?>\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^<>\[]*(?:\[.*?\]\s*)?>)*+<(?:[\w.-]+:)?([\w.-]+)",
    re.DOTALL,
)
_MARKS = (  # the longest first: UTF-32 begins as UTF-16 does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
# Their writers use the larger sets that the names once stood for.
_LARGER = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949"}
# Python's codecs for other ends; some take a time that grows with the square of the text.
_NO_FILES = {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined"}

# Lines about people that some systems put among the statements.
_SIGNATURE = re.compile(
    r"(?:(?:re)?confirmed|referred|overread|reviewed|interpreted|(?:electronically )?signed)\W+by\b"
    r"|(?:un)?confirmed(?: report| diagnosis)?\W*$"
    r"|(?:un)?best(?:ä|ae)tigt\W|(?:confirm|valid)[eé]e?\W+par\b|confirmado\W+por\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MILLIVOLTS = {
    "nv": 1e-6,
    "nanovolt": 1e-6,
    "uv": 1e-3,
    "microvolt": 1e-3,
    "mv": 1.0,
    "millivolt": 1.0,
    "v": 1e3,
    "volt": 1e3,
}
_YEARS = {"year": 1, "month": 1 / 12, "week": 7 / 365.25, "day": 1 / 365.25, "hour": 1 / 8766}


def root_name(head):
    """Return the name of the root element, from the first bytes of a file; "" if there is none."""
    text = head.decode(_encoding(head), errors="ignore")
    found = _BEFORE_ROOT.match(text.lstrip("\ufeff\0"))
    return found[1] if found else ""


def _encoding(content):
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding
    declared = _DECLARED.match(content[:400])
    try:
        encoding = codecs.lookup(declared[1].decode("ascii")).name if declared else "utf-8"
    except (LookupError, ValueError):
        return "utf-8"
    # The encoding is single-byte so far, even if another is declared.
    if encoding.startswith(("utf-16", "utf-32")) or encoding in _NO_FILES:
        return "utf-8"
    return _LARGER.get(encoding, encoding)


def parse(content, name):
    """Return the root element of a file, and remarks on its encoding.

    Parameters
    ----------
    content : bytes
    name : str
        For messages.

    Returns
    -------
    root : xml.etree.ElementTree.Element
    remarks : list of (str, str)
    """
    encoding, remarks = _encoding(content), []
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        other = "cp1252" if encoding == "utf-8" else encoding
        text = content.decode(other, errors="replace")
        remarks.append(
            (
                f"has bytes that are not {encoding}, the first in line {line}",
                "Its numbers and samples are not affected, but some letters may be wrong.",
            )
        )
    except LookupError:
        raise RecordError(
            name, f"declares {encoding!r}, which is no encoding of text", EXPORT_AGAIN
        ) from None
    # Disks and databases add padding around the document.
    text = text.strip("\ufeff\0 \t\r\n")

    parser, builder, depth = expat.ParserCreate(), TreeBuilder(), 0

    def start(tag, attributes):
        nonlocal depth
        depth += 1
        if depth > _MAX_DEPTH:
            raise RecordError(
                name,
                f"nests more than {_MAX_DEPTH} elements in line {parser.CurrentLineNumber}",
                "No recorder writes this; ask whoever sent it.",
            )
        builder.start(tag.rpartition(":")[2], attributes)

    def end(tag):
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def refuse(*entity):
        raise RecordError(
            name,
            f"declares or uses entities of its own in line {parser.CurrentLineNumber}",
            "No recorder writes this, and it can be an attack; ask whoever sent it.",
        )

    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = parser.AttlistDeclHandler = refuse
    # One that a definition elsewhere would explain would be left out of the text.
    parser.SkippedEntityHandler = refuse
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, UnicodeEncodeError) as error:
        raise RecordError(name, f"is not whole XML: {error}", EXPORT_AGAIN) from error
    finally:
        # Its handlers hold it, and the tree: they would stay until the garbage is collected.
        parser = None
    return builder.close(), remarks


def text_at(element, *paths):
    """Return the first text found at one of the paths, on one line; "" if there is none."""
    if element is not None:
        for path in paths:
            if found := _said(element.findtext(path) or ""):
                return found
    return ""


def attribute_at(element, path, attribute):
    """Return the attribute of the element at a path; "" if there is none."""
    found = None if element is None else element.find(path)
    return "" if found is None else _said(found.get(attribute, ""))


def _said(text):
    """Return a text on one line, and nothing for the marks that stand for nothing."""
    line = " ".join(text.split())
    return line if line.strip("-?. ") else ""


def number(text):
    """Return the number in a text, also with a decimal comma; NaN if there is none."""
    text = text.strip().replace(",", ".")
    value = float(text) if _NUMBER.fullmatch(text) else np.nan
    return value if np.isfinite(value) else np.nan


def millivolts(unit):
    """Return the mV of a unit of voltage, in any spelling; NaN if it is not one."""
    key = unit.strip().casefold().replace("\u03bc", "u").replace("\u00b5", "u")
    return _MILLIVOLTS.get(key, _MILLIVOLTS.get(key.removesuffix("s"), np.nan))


def samples_in_base64(text):
    """Return the bytes of base64 text; None if it is damaged."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def count_words(text):
    """Return how many words a text has, without making them."""
    space = _spaces(_letters(text))
    return int(np.count_nonzero(space[:-1] & ~space[1:]))


def numbers_in(text):
    """Return the numbers in a text with spaces between, or None if there is anything else."""
    letters = _letters(text)
    space, digit = _spaces(letters), letters - np.uint8(ord("0")) < 10
    sign = (letters == ord("-")) | (letters == ord("+"))
    misplaced = sign & ~(np.roll(space, 1) & np.roll(digit, -1))
    longest = np.diff(np.flatnonzero(space)).max()
    if digit.any() and (space | digit | sign).all() and not misplaced.any() and longest < 19:
        # Ten times as fast, but where it cannot go on it takes the text for ended.
        return np.fromstring(text, dtype=np.int64, sep=" ")
    try:
        # Python would take 1_0 for 10.
        numbers = np.array(text.replace("_", "?").split(), dtype=np.float64)
    except ValueError:
        return None
    return None if np.isinf(numbers).any() else numbers


def _letters(text):
    """Return the bytes of a text with a space around it."""
    return np.frombuffer(f" {text} ".encode("ascii", errors="replace"), dtype=np.uint8)


def _spaces(letters):
    return (letters == 32) | (letters - np.uint8(9) < 5)


def checked_millivolts(millivolts, name, lead):
    """Return the samples of a lead if they can be voltages: no gain of sense makes others."""
    highest = np.fmax.reduce(np.abs(millivolts), axis=None, initial=0)
    if highest > 1e6:
        raise RecordError(name, f"reaches more than 1000 V in lead {lead}", EXPORT_AGAIN)
    if 0 < highest < 1e-6:
        raise RecordError(name, f"stays below 1 nV in lead {lead}", EXPORT_AGAIN)
    return millivolts


def time_of(year, month, day, hour=0, minute=0, second=0):
    """Return a time, as early as the file says; NaT if there is no such time."""
    try:
        found = datetime.datetime(*map(int, (year, month, day, hour, minute, second)))
    except (ValueError, OverflowError):
        return np.datetime64("NaT", "s")
    return np.datetime64(found, "s")


def iso_time(date, time=""):
    """Return a time written as 2011-12-01 or 20111201 and 07:27:34 (PM); NaT if it is not."""
    days = re.match(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?![0-9])", date.strip())
    if days is None:
        return np.datetime64("NaT", "s")
    clock = re.match(
        r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]+)?)?\s*([ap])?", time.strip().casefold()
    )
    if clock is None:
        return time_of(*days.groups())
    hour, minute, second, half = clock.groups("0")
    hour = int(hour) if half == "0" else int(hour) % 12 + 12 * (half == "p")
    return time_of(*days.groups(), hour, minute, second)


def age(stated, unit, born, recorded_at):
    """Return an age in years: the stated one, else the whole years from birth to recording.

    Parameters
    ----------
    stated : float
    unit : str
        Such as "YEARS".
    born, recorded_at : datetime64
    """
    years = stated * _YEARS.get(unit.strip().casefold().removesuffix("s"), np.nan)
    if np.isnan(years) and not (np.isnat(born) or np.isnat(recorded_at)):
        a, b = recorded_at.item(), born.item()
        years = a.year - b.year - ((a.month, a.day) < (b.month, b.day))
    return float(years) if 0 <= years <= MOST_YEARS else np.nan


def plausible_fields(**fields):
    """Return the fields with possible values, and each statement once."""

    def can_be(name, value):
        if isinstance(value, np.datetime64):
            return not np.isnat(value)
        if not isinstance(value, float):
            return bool(value)
        if name.endswith("_deg"):
            return abs(value) <= 360
        # Numbers such as 32767 and 0 mean "not measured".
        return value >= 0 if name == "age_years" else 0 < value < 10_000

    for name, value in fields.items():
        if isinstance(value, tuple):
            lines = (line for line in value if line and not _SIGNATURE.match(line))
            fields[name] = tuple(dict.fromkeys(lines))
    return {name: value for name, value in fields.items() if can_be(name, value)}


def unique_leads(names):
    """Return the usual names of leads, with numbers on repeated ones, and remarks."""
    leads, doubled = [], []
    for lead in map(canonical_lead, names):
        unique = next(
            name
            for name in (lead, *(f"{lead} {number}" for number in range(2, len(names) + 2)))
            if name not in leads
        )
        leads.append(unique)
        doubled += [unique] * (unique != lead)
    remark = (
        f"names leads twice; the later ones became {', '.join(doubled)}",
        "Look at both, and choose by name the ones to use.",
    )
    return tuple(leads), [remark] * bool(doubled)

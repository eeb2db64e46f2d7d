"""One ECG as CSV: a row per sample, as PhysioNet, phones, watches and spreadsheets write it.

There is no standard. What is understood::

    # sampling rate: 500 Hz            lines of text before the numbers, with or without "#", of a
    Unit,uV                            key and a value; keys in several languages
    time (ms);I (mV);II (mV);V1        a row of names, with units or without
    ms;mV;mV;mV                        a row of units
    0;0,125;0,25;-0,5                  numbers

LabChart names columns in rows of their own (ChannelTitle=, UnitName=, Interval=), and BIOPAC's
AcqKnowledge in lines ("0.5 msec/sample", "2 channels", a name and a unit of each, "min,CH1,CH2").

Separators are ``;``, tab, ``,`` and blanks; decimals have a point, or a comma where that is not the
separator. UTF-8, UTF-16 and Latin-1. Times are in s or ms, as 0:00.002 or as dates. Columns that
count samples, and such that are no lead, are left out.

What an ECG cannot do without is said by the file or by the caller, and never guessed: sampling
rate, units, and the names of several leads. An export of an Apple Watch says all of them.
"""

import contextlib
import csv
import functools
import io
import itertools
import re
from typing import NamedTuple

import numpy as np
import pandas as pd

from sklearn_ecg.datasets._signal_files import units_per_mV
from sklearn_ecg.datasets.formats._recording import Recording
from sklearn_ecg.records._report import RecordError, naming
from sklearn_ecg.utils import canonical_lead, is_known_lead

NAME = "CSV"

_CURE = "Export it again."
# The last one is in no text: then there is a single column.
_SEPARATORS = (";", "\t", ",", " ", "\x1f")
_MOST_HEAD_LINES = 100
# Characters. What is longer was damaged, and would cost time.
_LONGEST_LINE, _LONGEST_TEXT = 100_000, 500
_NUMBER = re.compile(r"(?:[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:e[-+]?\d+)?|[-+]?nan|na)?", re.I)
# One number with a decimal comma, or two whole ones.
_ONE_OR_TWO = re.compile(r"\s*[-+]?\d+,\d+\s*")
_CLOCK = re.compile(r"\[?(?:(\d+):)?(\d+):(\d+(?:[.,]\d+)?)(?: \d\d/\d\d/\d{4}\])?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?")
# "I (mV)", "I [mV]", "I/mV", "I_mV", "I in mV".
_WITH_UNIT = re.compile(r"(.+?)\s*(?:[(\[]\s*([^)\]]*?)\s*[)\]]|(?:/|_| in | )([^\W\d_]+))")
_TIME = re.compile(
    r"(?:elapsed[ _]?)?(?:times?|t|zeit|temps|tiempo|tempo|seconds?|timestamp)", re.I
)
_S_PER_UNIT = {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "hh:mm:ss.mmm": 1.0}
_S_PER_UNIT |= {"ms": 1e-3, "msec": 1e-3, "milliseconds": 1e-3, "us": 1e-6, "mm:ss.mmm": 1.0}
_S_PER_UNIT |= {"min": 60.0, "millisec": 1e-3, "hh:mm:ss.mmm dd/mm/yyyy": 1.0}
_COUNTERS = {"", "index", "sample", "samples", "sample number", "sample #", "n", "#", "unnamed: 0"}
# Hz. A time without a unit has only one unit that gives such a rate.
_LEAST_RATE, _MOST_RATE = 40, 20_000
_HERTZ = re.compile(r"(\d+(?:[.,]\d+)?)\s*(k?)(?:hz|hertz|赫兹|赫茲|ヘルツ|гц|герц|sps)?", re.I)

# Seconds between samples, as LabChart and AcqKnowledge say them.
_STEP = re.compile(r"\s*(?:interval=\s*)?(\d{1,6}(?:\.\d{0,12})?)\s*(m?s|m?sec/sample.*)\s*", re.I)
_CHANNELS = re.compile(r"\s*(\d{1,4}) channels?\s*", re.IGNORECASE)

# What a key says, in the languages of Apple's exports and others.
_PATTERNS = {
    "sampling_rate": r"(?:sample|sampling)[ _-]?(?:rate|freq\w*)|fs|sfreq|abtast\w+|messrate"
    r"|(?:fréquence|taux) d.échantillonnage|frecuencia de muestreo|frequenza di campionamento"
    r"|(?:frequência|taxa) de amostragem|bemonster\w+|samplingsfrek\w+|采样率|采样频率|採樣率"
    r"|取樣(?:率|頻率)|サンプル(?:レート|速度)|サンプリング\w*|частота дискретизации",
    "units": r"units?|einheit|unité|unidad|unità|unidade|eenheid|enhe[dt]|单位|單位|単位|единица.*",
    "lead": r"leads?|ableitung|dérivation|derivación|derivazione|derivação|afleiding|avledning"
    r"|导联|導聯|導程|誘導|отведение",
    "recorded_at": r"record(?:ed|ing) (?:date|at|time)|date|aufzeichnungsdatum|aufgezeichnet am"
    r"|date d.enregistrement|fecha de (?:registro|grabación)|data (?:di|de) \w+|记录日期|記錄日期",
    "machine_statements": r"classification|klassifi\w+|clasificación|classifica\w+|分类|分類",
    "device": r"device|gerät|app.reil|dispositivo|apparaat|设备|裝置|デバイス",
    "patient_id": r"(?:patient|subject)[ _-]?id",
    "age_years": r"age(?: \(years\))?",
    "sex": r"sex|gender",
}
_KEYS = {name: re.compile(pattern, re.I) for name, pattern in _PATTERNS.items()}
_KEY_AND_VALUE = re.compile(r"[\s#%'\"]*([^:=,;\t]+?)\s*(?:[(\[][^)\]]*[)\]])?\s*[:=,;\t]\s*(.*)")
_SEXES = {"f": "female", "female": "female", "m": "male", "male": "male"}


def is_mine(head):
    """Return whether a file begins as a table of samples does.

    That is with rows of numbers below names of leads, or below keys of an ECG, or with nothing
    else; a table of labels is none.
    """
    try:
        text = _decoded(head, "")
        # The last line may be cut.
        table = _Table(text[: text.rfind("\n") + 1] or text, "")
    except RecordError:
        return False
    names, _ = table.names_and_units()
    is_ecg = any(is_known_lead(name) or _is_ecg(name) for name in names)
    return is_ecg or "sampling_rate" in table.said or not (any(names) or table.head)


def check_options(sampling_rate=None, units=None, lead_names=None):
    """Check the caller's facts about files without them; see `open_recording`."""
    if sampling_rate is not None and not 0 < sampling_rate < np.inf:
        raise ValueError(f"csv's sampling_rate must be a positive number; got {sampling_rate!r}.")
    if units is not None and units_per_mV(units) is None:
        raise ValueError(f"csv's units must be 'mV', 'uV' or 'V'; got {units!r}.")
    if isinstance(lead_names, str):
        raise ValueError(f"csv's lead_names must be a list of names; got {lead_names!r}.")


def open_recording(content, name, waveform, *, sampling_rate=None, units=None, lead_names=None):
    """Open an ECG in a table.

    Parameters
    ----------
    content : bytes
    name : str
    waveform : {"rhythm", "median"}
    sampling_rate : float, default=None
        Hz, where the file does not say it.
    units : {"mV", "uV", "V"}, default=None
        Where the file does not say them.
    lead_names : list of str, default=None
        Of all columns, such as ``["time (s)", "I", "II"]``, or of those alone that are neither
        times nor a count; where the file does not name them.

    Returns
    -------
    Recording
    """
    check_options(sampling_rate, units, lead_names)
    if waveform != "rhythm":
        raise RecordError(name, f"is a table, which holds no {waveform} beat", 'Ask for "rhythm".')
    table = _Table(_decoded(content, name), name, lead_names)
    if table.n_columns > table.n_rows:
        raise RecordError(
            name,
            f"holds {table.n_rows} rows of {table.n_columns} columns",
            "If its leads are rows, turn it: a row per sample, and a column per lead.",
        )
    names, own_units = table.names_and_units()
    names_all = lead_names is not None and len(lead_names) == table.n_columns
    if names_all:
        named = list(map(_name_and_unit, lead_names))
        names = [own for own, _ in named]
        own_units = [own or unit for own, (_, unit) in zip(own_units, named, strict=True)]
    time, signals = _roles(names, own_units, table)
    if names_all:
        lead_names = [names[i] for i in signals]
    remarks = []
    leads = _leads(signals, names, own_units, lead_names, table, remarks)
    scales = [_scale(own_units[i] or table.said.get("units", units), name) for i in leads]
    times = None if time is None else _times(time, own_units[time], table, remarks)
    rate = _hertz(table.said.get("sampling_rate", "")) or (times and times.rate) or sampling_rate
    if not rate:
        raise RecordError(
            name,
            "says no sampling rate, and has no column of times that tells it",
            'Give it: csv={"sampling_rate": 500}.',
        )
    return Recording(
        NAME,
        tuple(leads.values()),
        float(rate),
        table.n_rows,
        functools.partial(_read, table, list(leads), scales, times),
        _fields(table.said),
        remarks,
    )


class _Table:
    """Rows of numbers below lines of text.

    Parameters
    ----------
    text, name : str
    lead_names : list of str, default=None
        As the caller gives them.
    """

    def __init__(self, text, name, lead_names=None):
        self.name = name
        if "\0" in text:
            raise RecordError(name, "holds bytes of zero, which no text has", _CURE)
        # Spreadsheets write a minus of their own.
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\N{MINUS SIGN}", "-")
        lines = text.split("\n", _MOST_HEAD_LINES)
        rest = lines.pop() if len(lines) > _MOST_HEAD_LINES else ""
        start, self.separator = self._find_rows(lines)
        self.head = [line for line in lines[:start] if line.strip()]
        self.said = self._said()
        lines = [line for line in lines[start:] if line.strip()]
        self.n_columns = len(self._split(lines[0]))
        if any(map(_CHANNELS.fullmatch, self.head)):
            # A row with numbers of samples, which can differ a little, is not a row of samples.
            fields = self._split(lines[0])
            counts = [int(field) for field in fields if field.isdecimal() and len(field) < 12]
            if counts and abs(max(counts) - text.count("\n", text.index(lines[0]))) < 20:
                lines = lines[1:]
        if self.separator == "," and all(map(_ONE_OR_TWO.fullmatch, lines)):
            self._tell_one_from_two(lead_names)
        self.body = "\n".join([*lines, rest]).rstrip()
        self.rows = [self._split(line) for line in lines[:10]]
        self.n_rows = _n_lines(self.body)
        self.last = self._split(self.body[self.body.rfind("\n") + 1 :])
        if len(self.last) != self.n_columns:
            problem = f"ends with a row of {len(self.last)} columns, after such of {self.n_columns}"
            raise RecordError(name, problem, _CURE)
        if any(len(row) != self.n_columns for row in (*self.rows, *self.last_rows())):
            problem = f"has rows of more or fewer than {self.n_columns} columns"
            raise RecordError(name, problem, _CURE)

    def check_rows(self):
        """Raise if there are more or fewer fields than columns, which pandas would pass over."""
        # Between quotes a separator may be a decimal comma, and several blanks are one.
        if self.separator == " " or '"' in self.body:
            return
        n_fields = self.body.count(self.separator) + self.n_rows
        if n_fields != self.n_rows * self.n_columns:
            problem = f"holds {n_fields} fields in {self.n_rows} rows of {self.n_columns} columns"
            raise RecordError(self.name, problem, _CURE)

    def last_rows(self):
        """Return the last ten rows."""
        return [self._split(line) for line in self.body.rsplit("\n", 10)[-10:]]

    @property
    def decimal(self):
        if self.separator != ",":
            return "," if "," in self.body else "."
        return "," if any("," in field for row in self.rows for field in row) else "."

    def _find_rows(self, lines):
        """Return the place where rows of numbers begin, and the separator of their fields."""
        lines = [(number, line) for number, line in enumerate(lines) if line.strip()] or [(0, "")]
        is_there = {c: any(c in line for _, line in lines) for c in _SEPARATORS}
        for separator in filter(lambda c: is_there[c] or c == _SEPARATORS[-1], _SEPARATORS):
            for (number, line), (_, following) in itertools.pairwise([*lines, lines[-1]]):
                row = _split(line, separator)
                if not _are_numbers(row) or (len(row) == 1 and separator != _SEPARATORS[-1]):
                    continue
                following = _split(following, separator)
                if _are_numbers(following) and len(following) == len(row):
                    return number, separator
        raise RecordError(self.name, "holds no rows of numbers", "Export the samples of the ECG.")

    def _tell_one_from_two(self, lead_names):
        """Decide the meaning of 1,234 by the number of names."""
        n_names = len(lead_names or ()) or ("lead" in self.said)
        n_names = n_names or sum(map(bool, self.names_and_units()[0]))
        if not n_names:
            raise RecordError(
                self.name,
                "has rows such as 1,234, which may be one number or two",
                'Name its leads: csv={"lead_names": ["I"]}.',
            )
        if n_names == 1:
            self.separator, self.n_columns = _SEPARATORS[-1], 1

    def _split(self, line):
        return _split(line, self.separator)

    def _said(self):
        """Return the values of lines with a key, by the names in `_KEYS`."""
        said = {}
        for line in self.head:
            key, value = _key_and_value(line)
            if key is not None:
                said[key] = value
            elif (step := _STEP.fullmatch(line)) and float(step[1]) > 0:
                unit = step[2].casefold().partition("/")[0]
                said["sampling_rate"] = f"{1 / (float(step[1]) * _S_PER_UNIT[unit]):.9g}"
        return said

    def _named_apart(self):
        """Return (name, unit) of each column if they stand apart from the columns, else None."""
        rows = {}
        for key, is_row, fields in (line.partition("=") for line in self.head):
            if is_row and key.strip().casefold() in ("channeltitle", "unitname"):
                rows[key.strip().casefold()] = self._split(fields)[1:]
        if "channeltitle" in rows:
            pairs = rows["channeltitle"], rows.get("unitname", [])
            return [("time", "s"), *itertools.zip_longest(*pairs, fillvalue="")]
        counts = (n for n, line in enumerate(self.head) if _CHANNELS.fullmatch(line))
        if (start := next(counts, None)) is None:
            return None
        end = start + 1 + 2 * int(_CHANNELS.fullmatch(self.head[start])[1])
        lines = [line.strip() for line in self.head[start + 1 : end]]
        # "ECG II - ECG100C" names the amplifier as well.
        names = [_name_and_unit(line.partition(" - ")[0])[0] for line in lines[::2]]
        pairs = zip(names, lines[1::2], strict=False)
        return [
            next(pairs, ("", None)) if re.fullmatch(r"ch ?\d+", field, re.I) else ("time", field)
            for field in self._split(self.head[end] if end < len(self.head) else "")
            if field
        ]

    def names_and_units(self):
        """Return the name and the unit of each column; "" and None where nothing is said."""
        if (pairs := self._named_apart()) is not None:
            pairs += [("", None)] * (self.n_columns - len(pairs))
            names, units = zip(*pairs[: self.n_columns], strict=True)
            return list(names), list(units)
        lines = self.head[-2:]
        rows = [self._split(line.lstrip("#% ")) for line in lines]
        units = [None] * self.n_columns
        if rows and any(rows[-1]) and all(_is_unit(field) or not field for field in rows[-1]):
            units, _ = [field.strip("()[]") for field in rows.pop()], lines.pop()
        names = rows[-1] if rows else []
        if self.n_columns < 3 and names:
            # A comment, or a key and its value, is as long as a name or two.
            is_comment = self.n_columns == 1 and lines[-1].lstrip()[0] in "#%"
            is_key = _key_and_value(lines[-1])[0] and not any(map(is_known_lead, names))
            names = [] if is_comment or is_key else names
        if len(names) != self.n_columns:
            names = [""] * self.n_columns
        if len(units) != self.n_columns:
            units = [None] * self.n_columns
        pairs = list(map(_name_and_unit, names))
        units = [unit or own for unit, (_, own) in zip(units, pairs, strict=True)]
        return [name for name, _ in pairs], units


class _Times(NamedTuple):
    """A column of times.

    Parameters
    ----------
    column : int
    s_per_unit : float
    resolution_s : float
        Of how they are written.
    rate : float or None
        Hz; None where they do not tell it.
    """

    column: int
    s_per_unit: float
    resolution_s: float
    rate: float | None


def _times(column, unit, table, remarks):
    """Return the rate of a column of times, or None if its unit is unknown."""
    texts = [row[column] for row in (table.rows[0], table.last)]
    first, last = (_seconds(text) for text in texts)
    n_steps = table.n_rows - 1
    if n_steps < 1 or not last > first:
        return None
    span = last - first
    if unit is None and not (_CLOCK.fullmatch(texts[0]) or _DATE.fullmatch(texts[0])):
        by_unit = {unit: n_steps / (span * _S_PER_UNIT[unit]) for unit in ("s", "ms", "us")}
        possible = [unit for unit, rate in by_unit.items() if _LEAST_RATE <= rate <= _MOST_RATE]
        if not possible:
            return None
        unit = possible[0]
        remarks.append(
            (
                f"does not say the unit of its times, which can be {unit} alone",
                'Set csv={"sampling_rate": ...} if that is wrong.',
            )
        )
    s_per_unit = _S_PER_UNIT.get((unit or "s").casefold(), 1.0)
    # Some files hold 0 and 0.002: the number with the most decimals counts, of first and last rows.
    ends = table.rows, table.last_rows()
    resolution = max(min(_resolution(row[column]) for row in rows) for rows in ends)
    low, rate, high = (n_steps / (span + d) for d in (resolution, 0, -resolution))
    low, rate, high = low / s_per_unit, rate / s_per_unit, high / s_per_unit
    if not 0 < high - low < 0.01 * rate:
        return _Times(column, s_per_unit, resolution * s_per_unit, None)
    # Rounded times agree with many rates; recorders have a whole one.
    rate = round(rate) if low <= round(rate) <= high else rate
    return _Times(column, s_per_unit, resolution * s_per_unit, rate)


def _seconds(text):
    """Return a time of any form as a number, NaN if it is not a time."""
    if match := _CLOCK.fullmatch(text):
        hours, minutes, seconds = (
            float((part or "0").replace(",", ".")) for part in match.groups()
        )
        return 3600 * hours + 60 * minutes + seconds
    with contextlib.suppress(ValueError):
        if _DATE.fullmatch(text):
            date = np.datetime64(text.replace(" ", "T").replace(",", "."), "us")
            return date.astype(np.int64) / 1e6
        return float(text.replace(",", "."))
    return np.nan


def _resolution(text):
    """Return the unit of the last decimal of a time."""
    clock = _CLOCK.fullmatch(text)
    text = clock[3] if clock else text
    mantissa, _, exponent = text.lower().replace(",", ".").partition("e")
    if not re.fullmatch(r"(?:[-+]?\d{1,2})?", exponent):
        return np.inf
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def _roles(names, units, table):
    """Return the column of times, or None, and the columns that may be leads."""
    time, signals = None, []
    for column, (name, unit) in enumerate(zip(names, units, strict=True)):
        texts = [row[column] for row in table.rows[:2]]
        if not name and not any(texts):
            # A separator at the end of each row.
            continue
        is_time = _TIME.fullmatch(name) or (unit or "").casefold() in _S_PER_UNIT
        if is_time or _CLOCK.fullmatch(texts[0]) or _DATE.fullmatch(texts[0]):
            time = column if time is None else time
        elif not (any(names) and name.casefold() in _COUNTERS and _counts(texts)):
            signals.append(column)
    return time, signals


def _counts(texts):
    return (
        all(map(str.isdigit, texts)) and len({int(text) - i for i, text in enumerate(texts)}) == 1
    )


def _leads(signals, names, units, lead_names, table, remarks):
    """Return the names of the leads by their columns."""
    if lead_names is not None:
        if len(lead_names) != len(signals):
            problem = f"holds {len(signals)} columns of signals, for {len(lead_names)} lead_names"
            raise RecordError(table.name, problem, 'Name each in csv={"lead_names": [...]}.')
        leads = dict(zip(signals, map(canonical_lead, lead_names), strict=True))
    elif len(signals) == 1 and not names[signals[0]]:
        # "Ableitung I" is I.
        said = _KEYS["lead"].sub("", table.said.get("lead", "ECG")).strip()
        leads = {signals[0]: canonical_lead(said)}
    else:
        named = [i for i in signals if names[i] and units_per_mV(units[i] or "mV") is not None]
        chosen = [i for i in named if is_known_lead(names[i]) or _is_ecg(names[i])]
        chosen = chosen or [i for i in named if units[i] or len(signals) == 1]
        leads = {i: canonical_lead(names[i]) for i in chosen}
    if not leads:
        raise RecordError(
            table.name,
            f"does not say which leads its {len(signals)} columns of numbers are",
            'Name them: csv={"lead_names": ["I", "II", ...]}.',
        )
    if others := [names[i] or f"number {i + 1}" for i in signals if i not in leads]:
        problem = f"holds columns that are left out: {', '.join(others)}"
        remarks.append((problem, "Name the leads, if any is one."))
    if len(set(leads.values())) < len(leads):
        problem = f"gives a name to more than one column: {', '.join(leads.values())}"
        raise RecordError(table.name, problem, "Correct the names of its columns.")
    return leads


def _scale(units, name):
    """Return the units per mV."""
    if units is None:
        raise RecordError(name, "says no units of its samples", 'Give them: csv={"units": "mV"}.')
    scale = units_per_mV(units)
    if scale is None:
        problem = f"gives its samples in {units!r}, which is not a voltage"
        raise RecordError(name, problem, "Write the true units, such as mV, into it.")
    return scale


def _read(table, columns, scales, times):
    """Return the samples in mV, of shape (n_leads, n_times)."""
    with naming(table.name, _CURE):
        table.check_rows()
        wanted = columns if times is None else [*columns, times.column]
        frame = pd.read_csv(
            io.BytesIO(table.body.encode()),
            sep=r"\s+" if table.separator == " " else table.separator,
            decimal=table.decimal,
            header=None,
            usecols=wanted,
            dtype=dict.fromkeys(columns, np.float64),
            skipinitialspace=True,
            na_values=["na", "Nan"],
        )
        if len(frame) != table.n_rows:
            problem = f"holds {len(frame)} rows of numbers in {table.n_rows} lines"
            raise RecordError(table.name, problem, _CURE)
        if times is not None:
            found = frame[times.column]
            if not pd.api.types.is_numeric_dtype(found):
                found = found.str.strip(" '").map(_seconds)
            _check_even(found.to_numpy(float) * times.s_per_unit, times, table.name)
        values = frame[columns].to_numpy(np.float64).T
        return np.ascontiguousarray(values / np.array(scales)[:, np.newaxis], dtype=np.float32)


def _check_even(seconds, times, name):
    steps = np.diff(seconds)
    step = (seconds[-1] - seconds[0]) / max(len(steps), 1)
    tolerance = max(0.5 * step, 0.999 * times.resolution_s)
    uneven = np.flatnonzero(~(abs(steps - step) <= tolerance))
    if len(uneven):
        row = uneven[0]
        raise RecordError(
            name,
            f"has times that are not even: {seconds[row]:g} s and then {seconds[row + 1]:g} s",
            "Fill the gap with rows of empty samples, or cut the recording there.",
        )


def _decoded(content, name):
    """Return text from any encoding."""
    whole = content[: len(content) // 2 * 2]
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return whole.decode("utf-16")
        if zeros := whole[:200].count(0):
            is_little = whole[1:200:2].count(0) == zeros
            return whole.decode("utf-16-le" if is_little else "utf-16-be")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.encoding != "utf-8":
            raise RecordError(name, f"is no text: {error}", "Save it as CSV in UTF-8.") from None
        # The last character of a beginning may be cut; every byte is one of Latin-1.
        if error.start > len(content) - 4:
            return content[: error.start].decode("utf-8-sig")
        text = content.decode("utf-8-sig", "replace")
        is_utf_8 = not text.replace("\N{REPLACEMENT CHARACTER}", "").isascii()
        return text if is_utf_8 else content.decode("latin-1")


def _n_lines(text):
    if any(blank in text for blank in ("\n\n", "\n ", "\n\t")):
        return sum(1 for line in text.split("\n") if line.strip())
    return text.count("\n") + 1


def _split(line, separator):
    """Return the fields of a line, without quotes and margins."""
    if len(line) > _LONGEST_LINE:
        return []
    if separator == " ":
        fields = line.split()
    else:
        try:
            fields = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
        except csv.Error:
            # Longer than any number is, or than a name.
            return []
    return [field.strip(" '\t") for field in fields]


def _are_numbers(fields):
    first = bool(fields and (_CLOCK.fullmatch(fields[0]) or _DATE.fullmatch(fields[0])))
    return any(fields) and all(map(_NUMBER.fullmatch, fields[first:]))


def _name_and_unit(text):
    """Return a column's name without its unit, and that or None."""
    text = " ".join(text[:_LONGEST_TEXT].split())
    match = _WITH_UNIT.fullmatch(text)
    if match and (match[2] or _is_unit(match[3] or "")):
        text, unit = match[1], match[2] or match[3]
    else:
        unit = None
    # "ECG lead II" is II.
    short = re.sub(r"^(?:ecg|ekg)[ _-]*(?:lead)?[ _-]*", "", text, flags=re.I)
    return (short if is_known_lead(short) else text), unit


def _is_unit(text):
    text = text.strip("()[]")
    return text.casefold() in _S_PER_UNIT or units_per_mV(text) is not None


def _is_ecg(name):
    return bool(re.search("ecg|ekg|voltage", name, re.I))


def _key_and_value(line):
    """Return the name in `_KEYS` of a line, or None, and its value."""
    # A run of blanks would cost the cube of its length.
    match = _KEY_AND_VALUE.match(re.sub(r"[^\S\t]+", " ", line[:_LONGEST_TEXT]))
    for name, key in _KEYS.items() if match else ():
        if key.fullmatch(match[1]):
            return name, match[2].strip(" \t'\",;")
    return None, ""


def _hertz(text):
    match = _HERTZ.fullmatch(text)
    if match is None:
        return None
    rate = float(match[1].replace(",", "."))
    if re.search(r",\d{3}$", match[1]):
        # Decimals, or thousands: of 511,844 and 1,000 Hz, each is possible in one way alone.
        readings = (rate, 1000 * rate)
        rate = next((rate for rate in readings if _LEAST_RATE <= rate <= _MOST_RATE), 0.0)
    return rate * (1000 if match[2] else 1) or None


def _fields(said):
    """Return the values of lines with a key, by the names in `FIELDS`."""
    date = re.match(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)", said.get("recorded_at", ""))
    age = re.fullmatch(r"\d{1,3}(?:\.\d+)?", said.get("age_years", ""))
    fields = {
        "patient_id": said.get("patient_id") or None,
        "age_years": age and float(age[0]),
        "sex": _SEXES.get(said.get("sex", "").lower()),
        "recorded_at": None,
        "device": said.get("device") or None,
        "machine_statements": tuple(filter(None, [said.get("machine_statements")])) or None,
    }
    if date:
        with contextlib.suppress(ValueError):
            fields["recorded_at"] = np.datetime64(f"{date[1]}T{date[2]}", "s")
    return {name: value for name, value in fields.items() if value is not None}

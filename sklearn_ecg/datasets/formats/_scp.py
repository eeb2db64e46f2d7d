"""SCP-ECG: EN 1064:2005+A1:2007, ISO 11073-91064, versions 1.0 to 2.x; of 3.0 what is alike.

All numbers are little-endian. A record is its checksum (2 bytes), its length (4) and sections. Each
section has a header of 16 bytes: checksum (2), number (2), length with the header (4), version of
the section and of the protocol (1 each; 20: 2.0), 6 reserved. A checksum is CRC-CCITT of all bytes
behind it, begun with 0xFFFF.

=======  ==========================================================================================
section  content
=======  ==========================================================================================
0        pointers, of 10 bytes: number, length, and place of a section, from 1
1        patient and recording: tag (1 byte), length (2), value, until tag 255
2        Huffman tables (`_scp_huffman`); without, samples are numbers of 16 bits
3        number of leads; flags, of which bit 0 tells that beats were subtracted; for each lead the
         first and last sample (4 each, from 1) and its code
4        length of the median beat in ms (2), its fiducial sample (2), number of beats (2); for each
         beat the type (2) and the first, fiducial and last sample (4 each) at which the median was
         subtracted, if its type is 0; then for each the first and last sample (4 each) of an area
         that is protected from decimation
5, 6     median beat; rhythm, less the median where it was subtracted: nV of a unit (2),
         microseconds between samples (2), how often differences were taken (1), bimodal (1), bytes
         of each lead (2 each), samples of each lead
7        number of median beats (1) and of pacemaker spikes (1); mean RR and PP in ms (2 each); for
         each median begin and end of P and QRS and end of T in ms, axes of P, QRS and T (2 each);
         10 bytes for each spike; number of beats (2), of each its type (1); ventricular and atrial
         rate and QTc (2 each)
8, 11    statements, as text and as codes: 0 of the machine, 1 confirmed, 2 overread (1), date and
         time (7), number (1), for each a number (1), length (2) and text; in section 11 a type
         before the text: 1 codes, 2 text, 3 logic
=======  ==========================================================================================

Bimodal rhythm has every sample in protected areas; outside, from each area on, one stands for as
many as the interval of section 6 has of those of section 5. Such a sample is taken for the mean of
these, in their middle; between two it is interpolated, and held at the edges of areas.

Checksums. Where that of the record is right, all is. Otherwise those of sections tell: a wrong one
is an error if the section holds the waveform, and a remark if it holds anything else, which is then
left out. Many makers write zeros, or numbers of another kind: if not one checksum is right, this is
a remark, and data that do not fit their own description remain errors.

Sizes. No more samples are allocated than the file can hold: one for each bit with Huffman codes,
for each two bytes without, so many times more as bimodal rhythm is decimated. Where leads were
recorded one after the other, the others are NaN, in up to 16 times as many values.
"""

import binascii
import contextlib
import dataclasses
import functools
import struct

import numpy as np

from sklearn_ecg.datasets.formats._binary import (
    DamagedError,
    date_of,
    each_once,
    naming_damage,
    time_on,
)
from sklearn_ecg.datasets.formats._recording import MOST_YEARS, Recording
from sklearn_ecg.datasets.formats._scp_huffman import decode, read_tables
from sklearn_ecg.utils import canonical_lead

NAME = "SCP-ECG"

# Leads by their codes: 0, 1 to 30, these calibrated, and from 61 on.
_TO_30 = (
    "I II V1 V2 V3 V4 V5 V6 V7 V2R V3R V4R V5R V6R V7R X Y Z CC5 CM5 LA RA LL fI fE fC fA fM fF fH"
)
_FROM_61 = (
    "III aVR aVL aVF -aVR V8 V9 V8R V9R D A J defibrillator external-pacing A1 A2 A3 A4 "
    "V8-cal V9-cal V8R-cal V9R-cal D-cal A-cal J-cal"
)
_CALIBRATED = [f"{lead}-cal" for lead in _TO_30.split()]
_LEADS = ("ECG", *_TO_30.split(), *_CALIBRATED, *_FROM_61.split())

_MAKERS = {
    1: "Burdick",
    2: "Cambridge",
    3: "Compumed",
    4: "Datamed",
    5: "Fukuda",
    6: "HP",
    7: "Marquette",
    8: "Mortara",
    9: "Nihon Kohden",
    10: "Okin",
    11: "Quinton",
    12: "Siemens",
    13: "Spacelabs",
    14: "Telemed",
    15: "Hellige",
    16: "Esaote",
    17: "Schiller",
    18: "Picker-Schwarzer",
    19: "et medical devices",
    20: "Zwönitz",
}
# By the language support code. Without one, text should be ASCII.
_ALPHABETS = {
    0x01: "latin-1",
    0x03: "iso8859-2",
    0x07: "utf-16-le",
    0x0B: "iso8859-4",
    0x0F: "shift_jis",
    0x13: "iso8859-5",
    0x17: "euc_jp",
    0x1B: "iso8859-6",
    0x1F: "euc_jp",
    0x23: "iso8859-7",
    0x27: "gb18030",
    0x2B: "iso8859-8",
    0x2F: "cp949",
    0x33: "iso8859-11",
    0x37: "utf-8",
    0x3B: "iso8859-15",
}
_YEARS = {1: 1, 2: 1 / 12, 3: 7 / 365.25, 4: 1 / 365.25, 5: 1 / 8766}
# Rhythm of 125 Hz with median beats of 1000 Hz.
_MOST_DECIMATED = 8
# Numbers from here on say why there is no measurement.
_NOT_MEASURED = 19999

_WAVEFORM_SECTIONS = {0, 2, 3, 4, 5, 6}


def is_mine(head):
    """Return whether these are the first bytes of an SCP-ECG record."""
    if len(head) < 32:
        return False
    number, length = struct.unpack_from("<HI", head, 8)
    # The mark came with version 1.3; before, the first pointer is that of section 0.
    is_marked = head[16:22] == b"SCPECG" or struct.unpack_from("<H4xI", head, 22) == (0, 7)
    return number == 0 and length >= 26 and is_marked


def open_recording(content, name, waveform):
    """Read an SCP-ECG record without its samples."""
    remarks = []
    with naming_damage(name):
        record = _read_record(content, remarks)
        leads = _read_leads(record, remarks)
        signals = (_Rhythm if waveform == "rhythm" else _Median)(record, leads)
        fields = _read_fields(record, remarks)
    return Recording(
        format=NAME,
        lead_names=tuple(lead.name for lead in leads),
        sampling_rate=_rate(signals.interval),
        n_times=signals.n_times,
        read=functools.partial(_read_samples, signals, name),
        fields=fields,
        remarks=remarks,
    )


def _read_samples(signals, name):
    with naming_damage(name):
        return signals.read()


def _unpack(form, body, at, section):
    """Return numbers of a section."""
    if at + struct.calcsize(form) > len(body):
        raise DamagedError(f"has an incomplete section {section}")
    return struct.unpack_from(form, body, at)


def _rate(interval):
    """Return the rate in Hz of an interval that is rounded to microseconds."""
    rate = 1e6 / interval
    whole = round(rate)
    return float(whole) if whole and round(1e6 / whole) == interval else rate


@dataclasses.dataclass
class _Record:
    """The sections of a record, each without its header."""

    sections: dict
    version: int  # 20: 2.0
    is_checked: bool  # whether there are checksums that tell of damage

    def section(self, number, content):
        """Return a section that must be there."""
        if number not in self.sections:
            raise DamagedError(f"has no {content} (section {number})")
        return self.sections[number]


def _read_record(content, remarks):
    """Find the sections by their pointers, and compare checksums."""
    length, section_0_size = _unpack("<2xI4xI", content, 0, 0)
    if length > len(content):
        raise DamagedError(f"is cut: it should have {length} bytes, and has {len(content)}")
    content = content[:length]
    sections = {0: content[6 : 6 + section_0_size]}
    for i in range((section_0_size - 16) // 10):
        number, size, place = _unpack("<HII", content, 22 + 10 * i, 0)
        if size == 0 or not 0 < number <= 12:
            continue
        section = content[place - 1 : place - 1 + size] if place else b""
        if len(section) < size or size < 16 or number in sections:
            raise DamagedError(f"has no section {number} where its pointer says")
        found, found_size = struct.unpack_from("<HI", section, 2)
        if found != number or not 16 <= found_size <= size:
            raise DamagedError(f"has section {found} where its pointer says section {number}")
        sections[number] = section[:found_size]
    is_checked = _compare_checksums(content, sections, remarks)
    bodies = {number: section[16:] for number, section in sections.items()}
    return _Record(bodies, content[15], is_checked)


def _compare_checksums(content, sections, remarks):
    """Refuse damaged waveforms, leave out other sections; return whether there are checksums."""
    if _is_whole(content):
        return True
    right = {number for number, section in sections.items() if _is_whole(section)}
    wrong = {number for number, section in sections.items() if section[:2] != b"\0\0"} - right
    if not right:
        if content[:2] != b"\0\0" and not wrong:
            raise DamagedError("is damaged: its checksum is wrong")
        remarks.append(
            ("has no checksum that is right", "Look at its signals: damage would not be noticed.")
        )
        return False
    if damaged := sorted(wrong & _WAVEFORM_SECTIONS):
        raise DamagedError(f"is damaged: the checksum of section {damaged[0]} is wrong")
    for number in sorted(wrong):
        del sections[number]
        remarks.append((f"is damaged in section {number}", "This section is left out."))
    if not wrong:
        remarks.append(
            ("has a wrong checksum", "It is read: the checksums of its sections are right.")
        )
    return True


def _is_whole(content):
    return binascii.crc_hqx(content[2:], 0xFFFF) == int.from_bytes(content[:2], "little")


# The waveform


@dataclasses.dataclass
class _Lead:
    name: str
    place: int  # among all that are written
    first: int  # samples, counted from 1; some makers count from 0
    last: int

    @property
    def n_times(self):
        return self.last - self.first + 1


def _read_leads(record, remarks):
    """Return the leads of section 3, each once: a lead may be there for a few seconds and all."""
    body = record.section(3, "leads")
    leads = []
    for place in range(_unpack("<B", body, 0, 3)[0]):
        first, last, code = _unpack("<IIB", body, 2 + 9 * place, 3)
        name = canonical_lead(_LEADS[code]) if code < len(_LEADS) else f"lead {code}"
        if first > last:
            raise DamagedError(f"has a lead {name} from sample {first} to {last}")
        leads.append(_Lead(name, place, first, last))
    if not leads:
        raise DamagedError("has no leads")
    once = each_once([lead.name for lead in leads], [lead.n_times for lead in leads], remarks)
    return [dataclasses.replace(leads[place], name=name) for place, name in once]


class _Coded:
    """Section 5 or 6: the samples of leads as they are written."""

    def __init__(self, record, number, content):
        body = record.section(number, content)
        n_leads = record.sections[3][0]
        self.number = number
        self.unit_nv, self.interval, self.differences, self.bimodal = _unpack(
            "<HHBB", body, 0, number
        )
        if self.unit_nv == 0 or self.interval == 0 or self.differences > 2:
            raise DamagedError(
                f"has samples of {self.unit_nv} nV, {self.interval} us apart, of "
                f"{self.differences} differences in section {number}"
            )
        self.leads = []
        at = 6 + 2 * n_leads
        for size in _unpack(f"<{n_leads}H", body, 6, number):
            self.leads.append(body[at : at + size])
            at += size
        if at > len(body):
            raise DamagedError(f"has an incomplete section {number}")
        self.tables = read_tables(record.sections[2]) if 2 in record.sections else []
        self.is_checked = record.is_checked

    def check_size(self, lead, n_samples):
        """Refuse more samples of a lead than its bytes may hold."""
        n_bytes = len(self.leads[lead.place])
        n_most = n_bytes * 8 if self.tables else n_bytes // 2
        if not 0 < n_samples <= n_most:
            raise DamagedError(
                f"should have {n_samples} samples of {lead.name} in section {self.number}, whose "
                f"bytes hold {n_most} at most"
            )

    def signal_nv(self, lead, n_samples):
        """Return the samples of a lead, of shape (n_samples,)."""
        data = self.leads[lead.place]
        if self.tables:
            what = f"{lead.name} in section {self.number}"
            try:
                samples, n_bits = decode(data, n_samples, self.tables)
            except DamagedError as error:
                raise DamagedError(f"is damaged: {what} {error}") from error
            # Zeros fill a lead up. Where a checksum holds, anything else is the maker's.
            left = int.from_bytes(data[n_bits // 8 :], "big")
            if not self.is_checked and left & (1 << 8 * len(data) - n_bits) - 1:
                raise DamagedError(f"is damaged: {what} holds more than {n_samples} samples")
        else:
            samples = np.frombuffer(data, "<i2", n_samples).astype(np.int32)
        if self.differences == 2:
            samples[1:2] -= samples[:1]
            samples[1:] = np.cumsum(samples[1:])
        if self.differences:
            samples = np.cumsum(samples)
        # Recorders take differences in 16 bits, and those that leave them come back.
        return samples.astype(np.int16) * float(self.unit_nv)


class _Median:
    """The median beat."""

    def __init__(self, record, leads):
        self.coded = _Coded(record, 5, "median beat")
        self.interval = self.coded.interval
        length_ms = _unpack("<H", record.section(4, "length of the median beat"), 0, 4)[0]
        self.n_times = round(length_ms * 1000 / self.interval)
        self.leads = leads
        for lead in leads:
            self.coded.check_size(lead, self.n_times)

    def beat_nv(self, lead):
        """Return the beat in a lead, of shape (n_times,)."""
        return self.coded.signal_nv(lead, self.n_times)

    def read(self):
        beats = [self.beat_nv(lead) / 1e6 for lead in self.leads]
        return np.array(beats, dtype=np.float32)


class _Rhythm:
    """The whole recording."""

    def __init__(self, record, leads):
        self.leads = leads
        self.coded = _Coded(record, 6, "rhythm")
        self.interval = self.coded.interval
        self.begin = min(lead.first for lead in leads)
        self.n_times = max(lead.last for lead in leads) - self.begin + 1
        # Allocations by these numbers are compared with the bytes in the file first.
        n_samples = sum(lead.n_times for lead in leads)
        n_bits = sum(map(len, self.coded.leads)) * 8
        if n_samples > 8 * n_bits or len(leads) * self.n_times > 16 * n_samples:
            raise DamagedError(f"should have {self.n_times} samples, more than its bytes hold")
        is_subtracted = record.sections[3][1] & 1
        is_bimodal = self.coded.bimodal and record.version < 30
        self.median = _Median(record, leads) if is_subtracted or is_bimodal else None
        self.step = 1
        if self.median:
            # Both intervals are rounded to microseconds.
            self.step = round(self.interval / self.median.interval)
            difference = abs(self.interval - self.step * self.median.interval)
            most = _MOST_DECIMATED if is_bimodal else 1
            if difference > self.step or not 1 <= self.step <= most:
                raise DamagedError(
                    f"has the rhythm each {self.interval} us and the median beat each "
                    f"{self.median.interval} us, which cannot be joined"
                )
            self.interval = self.median.interval
        self.fiducial, self.beats, self.protected = 0, [], None
        if self.median:
            self._read_beats(record.sections[4], is_subtracted)
        for lead in leads:
            self.coded.check_size(
                lead, len(self._places(lead)[0]) if self.step > 1 else lead.n_times
            )

    def _read_beats(self, body, is_subtracted):
        """Read where the median beat was subtracted, and which areas are not decimated."""
        self.fiducial, n_beats = _unpack("<HH", body, 2, 4)
        beats = [_unpack("<HIII", body, 6 + 14 * i, 4) for i in range(n_beats)]
        self.beats = [beat[1:] for beat in beats if beat[0] == 0] if is_subtracted else []
        if self.step > 1:
            self.protected = np.zeros(self.n_times, dtype=bool)
            for i in range(n_beats):
                first, last = _unpack("<II", body, 6 + 14 * n_beats + 8 * i, 4)
                if first > 0:
                    area = slice(max(first - self.begin, 0), max(last - self.begin + 1, 0))
                    self.protected[area] = True

    def _places(self, lead):
        """Return at which sample each that is written lies, and from where each is taken."""
        protected = self.protected[lead.first - self.begin :][: lead.n_times]
        edges = np.flatnonzero(np.diff(protected)) + 1
        starts, stops = np.r_[0, edges], np.r_[edges, lead.n_times]
        steps = np.where(protected[starts], 1, self.step)
        counts = -(-(stops - starts) // steps)
        area = np.repeat(np.arange(len(starts)), counts)
        ends = np.cumsum(counts)
        nth = np.arange(ends[-1]) - (ends - counts)[area]
        # In the middle of those that a sample stands for, of which the last area may lack some.
        places = starts[area] + nth * steps[area] + (steps[area] - 1) / 2
        places = np.minimum(places, stops[area] - 1)
        lengths = stops - starts
        taken = np.arange(lead.n_times, dtype=float)
        first, last = places[ends - counts], places[ends - 1]
        return places, np.clip(taken, np.repeat(first, lengths), np.repeat(last, lengths))

    def read(self):
        signals = np.full((len(self.leads), self.n_times), np.nan, dtype=np.float32)
        for i, lead in enumerate(self.leads):
            if self.step > 1:
                places, taken = self._places(lead)
                signal = np.interp(taken, places, self.coded.signal_nv(lead, len(places)))
            else:
                signal = self.coded.signal_nv(lead, lead.n_times)
            if self.beats:
                self._add_beats(signal, lead, self.median.beat_nv(lead))
            signals[i, lead.first - self.begin :][: lead.n_times] = signal / 1e6
        return signals

    def _add_beats(self, signal, lead, beat):
        for first, fiducial, last in self.beats:
            # The sample of the record at which the median beat's first would lie.
            begin = fiducial - self.fiducial + 1
            first = max(first, lead.first, begin)
            last = min(last, lead.last, begin + len(beat) - 1)
            if first <= last:
                signal[first - lead.first : last - lead.first + 1] += beat[
                    first - begin : last - begin + 1
                ]


# Metadata in other sections


def _read_fields(record, remarks):
    """Return the fields of a recording; a section that cannot be read is left out, and said."""
    fields, tags = {}, {}
    with _leaving_out(remarks):
        if 1 in record.sections:
            tags = _read_tags(record.sections[1])
    text = functools.partial(_text, alphabet=_alphabet(tags))
    fields |= _read_header(tags, text, remarks)
    with _leaving_out(remarks):
        if 7 in record.sections:
            fields |= _read_measurements(record.sections[7])
    statements = {"machine_statements": (), "reader_statements": ()}
    for number in (8, 11):
        with _leaving_out(remarks):
            if number in record.sections:
                whose, found = _read_statements(record.sections[number], number, text)
                statements[whose] += found
    return fields | {whose: found for whose, found in statements.items() if found}


@contextlib.contextmanager
def _leaving_out(remarks):
    try:
        yield
    except DamagedError as error:
        remarks.append((str(error), "This section is left out."))


def _read_tags(body):
    """Return the values of section 1 by their tags, the first where one is repeated."""
    tags, at = {}, 0
    while at < len(body) and body[at] != 255:
        tag, size = _unpack("<BH", body, at, 1)
        value = body[at + 3 : at + 3 + size]
        if len(value) < size:
            raise DamagedError("has an incomplete section 1")
        tags.setdefault(tag, value)
        at += 3 + size
    return tags


def _alphabet(tags):
    code = tags.get(14, b"")[16:17]
    return _ALPHABETS.get(code[0]) if code else None


def _text(value, alphabet):
    """Return the text of a value, up to its end mark, with single spaces."""
    if alphabet == "utf-16-le" and value[:2] in (b"\xff\xfe", b"\xfe\xff"):
        alphabet = "utf-16"
    if alphabet is None:
        # It should be ASCII; other text is UTF-8 if it decodes as such.
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = value.decode("latin-1")
    else:
        text = value.decode(alphabet, errors="replace")
    return " ".join(text.split("\0")[0].split())


def _read_header(tags, text, remarks):
    """Return the fields of section 1."""

    def numbers(tag, form):
        value = tags.get(tag, b"")
        n_bytes = struct.calcsize(form)
        return struct.unpack(form, value[:n_bytes] if len(value) >= n_bytes else bytes(n_bytes))

    fields = {"patient_id": text(tags.get(2, b""))}
    fields["sex"] = {1: "male", 2: "female"}.get(numbers(8, "<B")[0], "")
    recorded, born = date_of(*numbers(25, "<HBB")), date_of(*numbers(5, "<HBB"))
    age, unit = numbers(4, "<HB")
    age *= _YEARS.get(unit, 0)
    if age == 0 and recorded is not None and born is not None:
        age = int((recorded - born).astype(int)) / 365.25
    if 0 < age <= MOST_YEARS:
        fields["age_years"] = float(age)
    if recorded is not None:
        fields["recorded_at"] = time_on(recorded, *numbers(26, "<BBB"))
    fields["device"] = _device(tags.get(14, b""), text)
    fields["site"] = ", ".join(filter(None, (text(tags.get(tag, b"")) for tag in (16, 18))))
    fields["high_pass_hz"] = numbers(27, "<H")[0] / 100
    fields["low_pass_hz"] = float(numbers(28, "<H")[0])
    notch = numbers(29, "<B")[0] & 3
    fields["notch_hz"] = {1: 60.0, 2: 50.0}.get(notch)
    if notch == 3:
        remarks.append(
            ("names filters of 50 Hz and of 60 Hz", "Neither is taken for that of the record.")
        )
    return {field: value for field, value in fields.items() if value}


def _device(value, text):
    """Return maker and model of tag 14."""
    if len(value) < 36:
        return ""
    # Program, serial number, system, writer of the record, maker.
    names = [text(name) for name in value[36:].split(b"\0")]
    maker = names[4] if len(names) > 4 else ""
    return f"{maker or _MAKERS.get(value[7], '')} {text(value[8:14])}".strip()


def _read_measurements(body):
    """Return the fields of section 7."""
    n_beats, n_spikes, rr = _unpack("<BBH", body, 0, 7)
    fields = {"heart_rate_bpm": 60000 / rr if 0 < rr < _NOT_MEASURED else 0}
    if n_beats:
        *times, p_axis, qrs_axis, t_axis = _unpack("<5H3h", body, 6, 7)
        p_begin, p_end, qrs_begin, qrs_end, t_end = times
        for field, begin, end in (
            ("P_duration_ms", p_begin, p_end),
            ("PR_interval_ms", p_begin, qrs_begin),
            ("QRS_duration_ms", qrs_begin, qrs_end),
            ("QT_interval_ms", qrs_begin, t_end),
        ):
            if begin < end < _NOT_MEASURED:
                fields[field] = float(end - begin)
        axes = {"P_axis_deg": p_axis, "QRS_axis_deg": qrs_axis, "T_axis_deg": t_axis}
    at = 6 + 16 * n_beats + 10 * n_spikes
    if at + 2 <= len(body):
        at += 2 + struct.unpack_from("<H", body, at)[0]
    if at + 6 <= len(body):
        rate, _, qtc = struct.unpack_from("<HHH", body, at)
        if 0 < rate < _NOT_MEASURED:
            fields["heart_rate_bpm"] = float(rate)
        if 0 < qtc < _NOT_MEASURED:
            fields["QTc_interval_ms"] = float(qtc)
    fields = {field: value for field, value in fields.items() if value}
    if n_beats and any(times):
        fields |= {field: float(axis) for field, axis in axes.items() if abs(axis) <= 360}
    return fields


def _read_statements(body, number, text):
    """Return the author of the statements of section 8 or 11, and the statements."""
    confirmed, n_statements = _unpack("<B7xB", body, 0, number)
    statements, at = [], 9
    for _ in range(n_statements):
        size = _unpack("<xH", body, at, number)[0]
        value = body[at + 3 : at + 3 + size]
        if len(value) < size:
            raise DamagedError(f"has an incomplete section {number}")
        at += 3 + size
        if number == 8:
            statements.append(text(value))
        elif value[:1] == b"\1":
            # A code without modifiers is a statement; modifiers may reverse its meaning.
            words = value[1:].decode("latin-1").replace("\0", " ").split()
            statements.append(f"scp:{words[0]}" if len(words) == 1 else " ".join(words))
        elif value[:1] == b"\2":
            statements.append(text(value[1:]))
    whose = "reader_statements" if confirmed in (1, 2) else "machine_statements"
    return whose, tuple(filter(None, statements))

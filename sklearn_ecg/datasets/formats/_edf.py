"""EDF and EDF+, also interrupted (EDF+D), and BDF, the same with 24 bits.

Layout (https://www.edfplus.info/specs/edf.html and edfplus.html); all header is text::

    header     256 bytes: version 8 ("0", or FF "BIOSEMI"), patient 80, recording 80,
               start date 8 (dd.mm.yy) and time 8 (hh.mm.ss), bytes of header 8, reserved 44
               ("EDF+C", "EDF+D", "BDF+C", ...), number of records 8 (-1: unknown),
               seconds of a record 8, number of signals 4
    signals    per field, for all signals: label 16, transducer 80, unit 8, physical minimum 8 and
               maximum 8, digital minimum 8 and maximum 8, prefilter 80, samples per record 8,
               reserved 32
    records    all samples of the first signal in this record, of the second, ...; little endian
    EDF+       patient: "code sex birthdate name"; recording: "Startdate dd-MMM-yyyy code
               technician equipment"; a signal "EDF Annotations" begins each record with when it
               began: "+seconds", 14 hex, 14 hex, 0

A sample is worth (digital - digital maximum) * (physical range / digital range) + physical maximum.
A physical minimum above the maximum is legal and means that the signal was inverted.
"""

import dataclasses
import datetime
import itertools
import re

import numpy as np

from sklearn_ecg.datasets._signal_files import units_per_mV
from sklearn_ecg.datasets.formats._binary import DamagedError, each_once, naming_damage
from sklearn_ecg.datasets.formats._recording import MOST_YEARS, Recording
from sklearn_ecg.preprocessing._resampler import resample
from sklearn_ecg.utils import canonical_lead, is_known_lead

NAME = "EDF"


_HEADER = (8, 80, 80, 8, 8, 8, 44, 8, 8, 4)
_SIGNAL = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
# Bytes of a sample, by the beginning of the file. Some writers pad all texts with zeros.
_BYTES = {b"0       ": 2, b"0\0\0\0\0\0\0\0": 2, b"\xffBIOSEMI": 3}
_MOST_SIGNALS = 4096
_BLOCK = 2**15
# So many times the size of the file may be allocated: gaps and rates of damaged files know no end.
_MOST_TIMES = 8

_INTEGER = re.compile(r"-?[0-9]{1,8}")
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,2})?")

_ECG = re.compile(r"e[ck]g|electrocardio|elektrokardio", re.IGNORECASE)
_CHANNEL = re.compile(r"(ch|chan|channel|kanal|canal|voie|lead|signal)?[ ._-]*\d*", re.IGNORECASE)
# C1 to C6 are leads of an ECG beside limb leads, and places on the head beside others of these.
_C_LEAD = re.compile(r"c[ _-]?[1-6]", re.IGNORECASE)
_OF_SLEEP = re.compile(r"e[eom]g|(fp|f|t|p|o|a|m)[z1-9]", re.IGNORECASE)
_LIMBS = {"I", "II", "III", "aVR", "aVL", "aVF"}

_PATIENT = re.compile(r"(\S+) ([MFX]) (X|\d\d-[A-Z]{3}-\d{4}) \S+( .*)?", re.IGNORECASE)
_RECORDING = re.compile(
    r"Startdate (X|\d\d-[A-Z]{3}-\d{4})(?: \S+)?(?: \S+)?(?: (\S+))?.*", re.IGNORECASE
)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_NO_DATE = "01.01.85"  # EDF+ writes it beside "Startdate X"
_SEXES = {"F": "female", "M": "male"}
_FILTERS = {
    field: re.compile(rf"\b{name}[:= ]*(\d+(?:[.,]\d*)?)(?: ?Hz\b|(?=[\s;,]|$))", re.IGNORECASE)
    for field, name in (
        ("high_pass_hz", "HP"),
        ("low_pass_hz", "LP"),
        ("notch_hz", "N(?:otch)?"),
    )
}

_ONSET = re.compile(rb"([+-]\d{1,12}(?:\.\d{0,12})?)(?:\x15[\d.]*)?\x14")


def is_mine(head):
    """Return whether a file is EDF or BDF, by its first bytes."""
    return head[:8] in _BYTES and len(head) >= 256 and head[252:256].strip().isdigit()


def open_recording(content, name, waveform):
    """Open a file of EDF or BDF."""
    with naming_damage(name):
        if waveform == "median":
            raise DamagedError("holds no median waveform, as no EDF does")
        return _open(content, name)


def _open(content, name):
    header = _Header(content)
    remarks = []
    leads = _leads(header, remarks)
    rates = [lead.per_record / header.record_s for lead in leads]
    sampling_rate = max(rates, key=lambda rate: (rates.count(rate), rate))
    if not 1 <= sampling_rate <= 1e5:
        raise DamagedError(f"is damaged: its leads have a sampling rate of {sampling_rate:g} Hz")
    if len(set(rates)) > 1:
        told = ", ".join(f"{rate:g}" for rate in sorted(set(rates)))
        remarks.append(
            (
                f"holds leads of several sampling rates ({told} Hz)",
                f"They are brought to {sampling_rate:g} Hz.",
            )
        )
    begins_s = _begins(header)
    if begins_s is not None:
        remarks.append(("was interrupted", "What lies between its parts is NaN."))
        n_times = round((begins_s[-1] + header.record_s) * sampling_rate)
    else:
        n_times = header.n_records * leads[rates.index(sampling_rate)].per_record
    # Leads of another rate take more on their way.
    most = _MOST_TIMES // len(set(rates)) * len(content)
    if 4 * len(leads) * n_times > most:
        raise DamagedError(
            f"tells of {n_times / sampling_rate:.0f} s, of which most were not recorded, or of "
            "leads whose rates lie too far apart"
        )

    def read():
        with naming_damage(name):
            return decode()

    def decode():
        if begins_s is None and len(set(rates)) == 1:
            signals = np.empty((len(leads), n_times), np.float32)
            for signal, lead in zip(signals, leads, strict=True):
                lead.to_mv(header.stored(lead), signal)
            return signals
        signals = np.full((len(leads), n_times), np.nan, np.float32)
        for signal, lead, rate in zip(signals, leads, rates, strict=True):
            recorded = np.empty((header.n_records, lead.per_record), np.float32)
            lead.to_mv(header.stored(lead), recorded.reshape(-1))
            if rate == sampling_rate:
                _place(recorded, begins_s, rate, signal)
                continue
            part = np.full((1, int(np.ceil(n_times / sampling_rate * rate))), np.nan, np.float32)
            _place(recorded, begins_s, rate, part[0])
            part = resample(part, rate, sampling_rate)[0, :n_times]
            signal[: len(part)] = part
        return signals

    return Recording(
        format=NAME if header.n_bytes == 2 else "BDF",
        lead_names=tuple(lead.name for lead in leads),
        sampling_rate=sampling_rate,
        n_times=n_times,
        read=read,
        fields=_fields(header) | _filters(leads, remarks),
        remarks=remarks,
    )


@dataclasses.dataclass
class _Signal:
    """What the header says of a signal, and where it begins in each record, in samples."""

    name: str
    transducer: str
    unit: str
    limits: list  # texts: physical minimum and maximum, digital minimum and maximum
    prefilter: str
    per_record: int
    start: int

    def calibrate(self, n_bytes):
        """Compute the value of a sample."""
        low, high, least, most = (_number(text, f"range of {self.name}") for text in self.limits)
        limit = 2 ** (8 * n_bytes - 1)
        if not -limit <= least < most < limit:
            raise DamagedError(
                f"gives {self.name} samples from {least:g} to {most:g}, which {8 * n_bytes} bits "
                "cannot have"
            )
        self.gain = (high - low) / (most - least)
        if not 1e-20 < abs(self.gain) < 1e20:
            raise DamagedError(
                f"gives {self.name} a range from {low:g} to {high:g} {self.unit}, so that its "
                "samples have no meaning"
            )
        self.offset = high / self.gain - most
        self.per_mv = units_per_mV(self.unit)

    def to_mv(self, stored, out):
        """Write samples to an array of float32 in mV."""
        stored = stored.reshape(-1)
        # In parts that stay in the processor's cache.
        for start in range(0, len(stored), _BLOCK):
            values = stored[start : start + _BLOCK] + self.offset
            values *= self.gain
            if self.per_mv != 1:
                values /= self.per_mv
            out[start : start + _BLOCK] = values


class _Header:
    """The header, checked against the size of the file."""

    def __init__(self, content):
        if len(content) < 256 or content[:8] not in _BYTES:
            raise DamagedError("is cut short: it ends inside its header")
        self.n_bytes = _BYTES[content[:8]]
        fields = [text for (text,) in _texts(content, 0, _HEADER, 1)]
        _, self.patient, self.recording, self.date, self.time, size, kind, *numbers = fields
        n_signals = _integer(numbers[2], "number of signals", 1, _MOST_SIGNALS)
        self.record_s = _number(numbers[1], "duration of a record")
        self.is_plus = kind[3:4] == "+"
        self.is_interrupted = kind[3:5] == "+D"
        begin = 256 * (n_signals + 1)
        if size.lstrip("0") != str(begin) or len(content) < begin:
            raise DamagedError(
                f"is cut short or damaged: the header of {n_signals} signals has {begin} bytes, "
                f"but it says {size!r}, and there are {len(content)} in all"
            )
        texts = _texts(content, 256, _SIGNAL, n_signals)
        labels, transducers, units, *limits, filters, counts, _ = texts
        counts = [_integer(count, "number of samples of a record", 0, 10**8) for count in counts]
        starts = list(itertools.accumulate(counts, initial=0))
        columns = (labels, transducers, units, zip(*limits, strict=True), filters, counts)
        columns = zip(*columns, starts[:-1], strict=True)
        self.signals = [_Signal(*column) for column in columns]
        self.record_bytes = starts[-1] * self.n_bytes
        self.records = memoryview(content)[begin:]
        self.n_records = self._n_records(_integer(numbers[0], "number of records", -1, 10**8))

    def _n_records(self, told):
        found = len(self.records)
        # A recorder that was switched off leaves -1, and perhaps a part of a record.
        if told == -1 and 0 < self.record_bytes <= found:
            return found // self.record_bytes
        if told < 1 or not self.record_bytes or told * self.record_bytes != found:
            raise DamagedError(
                f"is cut short or damaged: it holds {found} bytes of samples, where its header "
                f"tells of {told} records of {self.record_bytes}"
            )
        return told

    def stored(self, signal):
        """Return the samples of a signal, of shape (n_records, n_samples), as integers."""
        records = np.frombuffer(self.records, np.uint8, self.n_records * self.record_bytes)
        first, last = (n * self.n_bytes for n in (signal.start, signal.start + signal.per_record))
        part = records.reshape(self.n_records, self.record_bytes)[:, first:last]
        if self.n_bytes == 2:
            return np.ascontiguousarray(part).view("<i2")
        wide = np.zeros((self.n_records, signal.per_record, 4), np.uint8)
        wide[..., 1:] = part.reshape(self.n_records, -1, 3)
        return wide.view("<i4")[..., 0] >> 8


def _texts(content, start, widths, n):
    """Return for each field a list of n texts."""
    fields = []
    for width in widths:
        stop = start + n * width
        cells = [content[at : at + width] for at in range(start, stop, width)]
        fields.append([_decoded(bytes(cell).strip(b"\0 ")) for cell in cells])
        start = stop
    return fields


def _decoded(content):
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _integer(text, what, least, most):
    if not _INTEGER.fullmatch(text) or not least <= int(text) <= most:
        raise DamagedError(f"is damaged: its header gives {text!r} as the {what}")
    return int(text)


def _number(text, what):
    # Some recorders write a comma.
    text = text.replace(",", ".")
    if not _NUMBER.fullmatch(text):
        raise DamagedError(f"is damaged: its header gives {text!r} in the {what}")
    return float(text)


def _leads(header, remarks):
    """Return the signals that are leads, each name once, calibrated."""
    has_limbs = not _LIMBS.isdisjoint(canonical_lead(signal.name) for signal in header.signals)
    is_of_sleep = any(_OF_SLEEP.match(signal.name) for signal in header.signals)
    leads, others = [], []
    for signal in header.signals:
        is_lead = is_known_lead(signal.name) or _ECG.search(signal.name)
        # The text around a bare number shows its meaning.
        if _CHANNEL.fullmatch(signal.name):
            is_lead = _ECG.search(signal.transducer) or _ECG.search(header.recording)
        if _C_LEAD.fullmatch(signal.name) and (is_of_sleep or not has_limbs):
            is_lead = False
        if is_lead and units_per_mV(signal.unit) and signal.per_record:
            leads.append(signal)
        elif not signal.name.endswith("Annotations"):
            others.append(f"{signal.name} ({signal.unit or 'no unit'})")
    others = ", ".join(dict.fromkeys(others))
    if not leads:
        raise DamagedError(f"holds no ECG lead in volts, mV, uV or nV, but {others or 'nothing'}")
    if others:
        remarks.append((f"holds signals that are no ECG leads: {others}", "They are left out."))
    if not header.record_s > 0:
        raise DamagedError(f"is damaged: its records last {header.record_s:g} s")
    names = [canonical_lead(lead.name) for lead in leads]
    once = each_once(names, [0] * len(names), remarks)
    leads = [dataclasses.replace(leads[place], name=name) for place, name in once]
    for lead in leads:
        lead.calibrate(header.n_bytes)
    return leads


def _begins(header):
    """Return when each record of an interrupted file began, in s after the first, else None."""
    if not header.is_interrupted:
        return None
    stamps = [signal for signal in header.signals if signal.name.endswith("Annotations")]
    if not stamps:
        raise DamagedError("is EDF+D without annotations, which tell when each record began")
    first = stamps[0].start * header.n_bytes
    last = first + stamps[0].per_record * header.n_bytes
    begins_s = np.empty(header.n_records)
    for number in range(header.n_records):
        at = number * header.record_bytes
        found = _ONSET.match(header.records[at + first : at + last])
        if found is None:
            raise DamagedError(f"does not tell when its record {number + 1} began")
        begins_s[number] = float(found[1])
    begins_s -= begins_s[0]
    short = np.flatnonzero(np.diff(begins_s) < header.record_s * 0.99)
    if len(short):
        raise DamagedError(f"is damaged: its record {short[0] + 2} begins before the last one ends")
    gaps = np.diff(begins_s) - header.record_s
    return begins_s if (gaps > header.record_s * 0.01).any() else None


def _place(recorded, begins_s, rate, signal):
    """Write records of shape (n_records, n_samples) to a signal, where they belong."""
    n = recorded.shape[1]
    starts = np.arange(len(recorded)) * n
    if begins_s is not None:
        # Times are rounded: a record begins no earlier than the last one ends.
        delays = np.round(begins_s * rate).astype(np.intp) - starts
        starts += np.maximum.accumulate(delays)
    for start, record in zip(starts, recorded, strict=True):
        part = signal[start : start + n]
        part[:] = record[: len(part)]


def _fields(header):
    fields = {}
    recorded_at = _recorded_at(header)
    if recorded_at is not None:
        fields["recorded_at"] = np.datetime64(recorded_at, "s")
    recording = _RECORDING.fullmatch(header.recording)
    if recording and recording[2] not in (None, "X"):
        fields["device"] = recording[2].replace("_", " ")
    # In files that are no EDF+, a text of another form may be the patient's name.
    patient = _PATIENT.fullmatch(header.patient)
    if patient is None:
        return fields
    code, sex, birth = patient[1], patient[2].upper(), _day(patient[3])
    # Outside EDF+, only a code with a number in it is surely no name.
    if code.upper() != "X" and (header.is_plus or re.search(r"\d", code)):
        fields["patient_id"] = code
    if sex in _SEXES:
        fields["sex"] = _SEXES[sex]
    if birth and recorded_at:
        years = (recorded_at.date() - birth).days / 365.25
        if 0 <= years <= MOST_YEARS:
            fields["age_years"] = years
    return fields


def _day(text):
    """Return the date of a text such as 02-AUG-1951, None if it is not valid."""
    try:
        day, month, year = text.upper().split("-")
        return datetime.date(int(year), _MONTHS.index(month) + 1, int(day))
    except ValueError:
        return None


def _recorded_at(header):
    """Return when the recording began: the year has two digits and lies in 1985 to 2084."""
    numbers = re.findall(r"\d+", f"{header.date} {header.time}", re.ASCII)
    recording = _RECORDING.fullmatch(header.recording)
    day = _day(recording[1]) if recording else None
    if day is None and recording and header.date == _NO_DATE:
        return None
    try:
        if day is None:
            century = 1900 if int(numbers[2]) >= 85 else 2000
            day = datetime.date(century + int(numbers[2]), int(numbers[1]), int(numbers[0]))
        return datetime.datetime.combine(day, datetime.time(*map(int, numbers[-3:])))
    except (ValueError, IndexError, TypeError):
        return None


def _filters(leads, remarks):
    """Return the common filter of all leads, and remarks where they differ."""
    fields = {}
    for field, pattern in _FILTERS.items():
        matches = (pattern.search(lead.prefilter) for lead in leads)
        found = {match[1].replace(",", ".") for match in matches if match}
        if len(found) > 1:
            values = ", ".join(sorted(found, key=float))
            remarks.append(
                (
                    f"holds leads that were filtered differently ({field}: {values})",
                    f"The field {field} is left empty.",
                )
            )
        elif found:
            fields[field] = float(found.pop())
    return fields

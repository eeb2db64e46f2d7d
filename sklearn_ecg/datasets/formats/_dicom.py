"""DICOM: ECGs of 12 leads, general, ambulatory and hemodynamic ones, and any waveforms with leads.

Layout (DICOM PS3.3, C.10.9 and C.10.10), names as in the standard's dictionary::

    WaveformSequence                an item per multiplex group: channels of one rate and length
      MultiplexGroupTimeOffset      ms after the beginning of the recording
      WaveformOriginality           ORIGINAL or DERIVED; MultiplexGroupLabel, such as MEDIAN BEAT
      SamplingFrequency             Hz
      WaveformBitsAllocated         8, 16, 32, 64; WaveformSampleInterpretation: SB, UB, SS, US, ...
      WaveformPaddingValue          what stands where nothing was recorded
      WaveformData                  samples: those of all channels at one time, then the next time
      ChannelDefinitionSequence     an item per channel
        ChannelSourceSequence       code of the lead (SCPECG 5.6.3-9-N, MDC 2:N), and its meaning
        ChannelSensitivity          of one step, in ChannelSensitivityUnitsSequence's unit
        ChannelBaseline             of a sample of 0, in the same unit
    WaveformAnnotationSequence      the machine's measurements and statements

A sample is worth sample * ChannelSensitivity * ChannelSensitivityCorrectionFactor +
ChannelBaseline. The elements in which all this is packed are read by `_dicom_elements`.
"""

import dataclasses
import datetime
import itertools
import re

import numpy as np

from sklearn_ecg.datasets._signal_files import units_per_mV
from sklearn_ecg.datasets.formats._binary import DamagedError, each_once, naming_damage
from sklearn_ecg.datasets.formats._dicom_elements import read_data_set, starts_data_set
from sklearn_ecg.datasets.formats._recording import MOST_YEARS, Recording
from sklearn_ecg.preprocessing._resampler import resample
from sklearn_ecg.utils import canonical_lead, is_known_lead

NAME = "DICOM"


_TEXTS = {
    "SOPClassUID": 0x00080016,
    "StudyDate": 0x00080020,
    "AcquisitionDate": 0x00080022,
    "ContentDate": 0x00080023,
    "AcquisitionDateTime": 0x0008002A,
    "StudyTime": 0x00080030,
    "AcquisitionTime": 0x00080032,
    "ContentTime": 0x00080033,
    "Manufacturer": 0x00080070,
    "InstitutionName": 0x00080080,
    "CodeValue": 0x00080100,
    "CodingSchemeDesignator": 0x00080102,
    "CodeMeaning": 0x00080104,
    "LongCodeValue": 0x00080119,
    "InstitutionalDepartmentName": 0x00081040,
    "ManufacturerModelName": 0x00081090,
    "PatientID": 0x00100020,
    "PatientBirthDate": 0x00100030,
    "PatientSex": 0x00100040,
    "PatientAge": 0x00101010,
    "MultiplexGroupTimeOffset": 0x00181068,
    "WaveformOriginality": 0x003A0004,
    "NumberOfWaveformChannels": 0x003A0005,
    "NumberOfWaveformSamples": 0x003A0010,
    "SamplingFrequency": 0x003A001A,
    "MultiplexGroupLabel": 0x003A0020,
    "ChannelLabel": 0x003A0203,
    "ChannelSensitivity": 0x003A0210,
    "ChannelSensitivityCorrectionFactor": 0x003A0212,
    "ChannelBaseline": 0x003A0213,
    "FilterLowFrequency": 0x003A0220,
    "FilterHighFrequency": 0x003A0221,
    "NotchFilterFrequency": 0x003A0222,
    "ReferencedWaveformChannels": 0x0040A0B0,
    "TemporalRangeType": 0x0040A130,
    "NumericValue": 0x0040A30A,
    "VerificationFlag": 0x0040A493,
    "UnformattedTextValue": 0x00700006,
    "ApprovalStatus": 0x300E0002,
    "WaveformBitsAllocated": 0x54001004,
    "WaveformSampleInterpretation": 0x54001006,
    "WaveformPaddingValue": 0x5400100A,
    "WaveformData": 0x54001010,
}
_SEQUENCES = {
    "ChannelDefinitionSequence": 0x003A0200,
    "ChannelSourceSequence": 0x003A0208,
    "ChannelSensitivityUnitsSequence": 0x003A0211,
    "MeasurementUnitsCodeSequence": 0x004008EA,
    "ConceptNameCodeSequence": 0x0040A043,
    "ConceptCodeSequence": 0x0040A168,
    "WaveformAnnotationSequence": 0x0040B020,
    "EncryptedAttributesSequence": 0x04000500,
    "WaveformSequence": 0x54000100,
}
_TAGS = _TEXTS | _SEQUENCES
_WANTED = {tag: name in _SEQUENCES for name, tag in _TAGS.items()}

_UID = "1.2.840.10008.5.1.4.1.1."
# Classes whose channels in volts are leads, with any name.
_ECG_CLASSES = {f"{_UID}9.1.{number}" for number in (1, 2, 3, 4)}
# EEG, EMG and others with places on the head that have names like leads', such as C3.
_NERVES = f"{_UID}9.7."
# What a file without waveforms is, by the beginning of its class.
_OTHER_CLASSES = {
    f"{_UID}104.1": "an encapsulated PDF",
    f"{_UID}104.": "an encapsulated document",
    f"{_UID}88.": "a structured report",
    f"{_UID}11.": "a presentation state",
    f"{_UID}9.": "a waveform",
    "1.2.840.10008.1.3.10": "a directory of files (DICOMDIR)",
    _UID: "an image or another object",
}

# By code and bits. MB and AB are of sound: compressed to logarithms.
_SAMPLES = {
    ("SB", 8): "i1",
    ("UB", 8): "u1",
    ("SS", 16): "i2",
    ("US", 16): "u2",
    ("SL", 32): "i4",
    ("UL", 32): "u4",
    ("SV", 64): "i8",
    ("UV", 64): "u8",
}

# Leads by number, which ISO 11073 (MDC) and SCP-ECG have in common.
_LEADS = {1: "I", 2: "II", 61: "III", 62: "aVR", 63: "aVL", 64: "aVF", 65: "-aVR"}
_LEADS |= {number + 2: f"V{number}" for number in range(1, 8)}
_LEADS |= {number + 8: f"V{number}R" for number in range(2, 8)}
_LEADS |= {16: "X", 17: "Y", 18: "Z", 19: "CC5", 20: "CM5"}
_LEADS |= {66: "V8", 67: "V9", 68: "V8R", 69: "V9R"}
_LEADS |= {number + 91: f"MCL{number}" for number in range(1, 7)}
_ECG = re.compile(r"e[ck]g", re.IGNORECASE)
# MDC's numbers are written in their partition, 2, or with it: 2 * 65536 + number.
_LEAD_CODE = re.compile(r"(?:5\.6\.3-9-|2:)(\d+)|(131\d{3})")
_POTENTIALS = 256  # added by MDC_ECG_ELEC_POTL_* to the number of the lead

_MEDIAN = re.compile(r"median|average|representative|template|\bbeat", re.IGNORECASE)
_RHYTHM = re.compile(r"rhythm", re.IGNORECASE)
_LONGEST_BEAT_S = 2.5
_BLOCK = 2**15
# So many times the size of the file may be allocated: gaps and rates of damaged files know no end.
_MOST_TIMES = 8

# Codes of SCP-ECG and MDC and their meaning, in the order in which they are preferred.
_MEASUREMENTS = {
    "heart_rate_bpm": (
        ("5.10.2.5-1", "2:16016", "MDC_ECG_HEART_RATE"),
        r"(mean )?(heart|ventricular|vent\.?)( heart)? rate",
    ),
    "RR_interval_ms": (
        ("5.10.2.1-3", "MDC_ECG_TIME_PD_RR", "MDC_ECG_TIME_PD_RR_GL"),
        r"(mean |average )?RR interval",
    ),
    "P_duration_ms": (("2:16184", "MDC_ECG_TIME_PD_P_GL"), r"P (wave )?duration"),
    "PR_interval_ms": (
        ("5.13.5-7", "2:15872", "MDC_ECG_TIME_PD_PR", "MDC_ECG_TIME_PD_PR_GL"),
        r"P[QR] (interval|duration)",
    ),
    "QRS_duration_ms": (
        ("5.13.5-9", "2:16156", "MDC_ECG_TIME_PD_QRS", "MDC_ECG_TIME_PD_QRS_GL"),
        r"QRS (interval|duration)",
    ),
    "QT_interval_ms": (
        ("5.13.5-11", "2:16160", "MDC_ECG_TIME_PD_QT", "MDC_ECG_TIME_PD_QT_GL"),
        r"QT (interval|duration)",
    ),
    "QTc_interval_ms": (
        ("5.10.2.5-5", "2:15876", "MDC_ECG_TIME_PD_QTc", "2:15880", "MDC_ECG_TIME_PD_QTcB"),
        r"QTc( (interval|duration))?( \(?bazett\)?)?",
    ),
    "P_axis_deg": (("5.10.3-11", "2:16128", "MDC_ECG_ANGLE_P_FRONT"), r"P (wave )?axis"),
    "QRS_axis_deg": (("5.10.3-13", "2:16132", "MDC_ECG_ANGLE_QRS_FRONT"), r"(QRS|R)( wave)? axis"),
    "T_axis_deg": (("5.10.3-15", "2:16136", "MDC_ECG_ANGLE_T_FRONT"), r"T (wave )?axis"),
}
_BY_CODE = {code: name for name, (codes, _) in _MEASUREMENTS.items() for code in codes}
_BY_MEANING = {
    name: re.compile(rf"{meaning},?( \(?global\)?)?", re.IGNORECASE)
    for name, (_, meaning) in _MEASUREMENTS.items()
}
# What makers write where nothing was measured lies outside, such as 0 and 29999.
_PLAUSIBLE = {"bpm": (1, 400), "ms": (1, 3000), "deg": (-360, 360)}
_STATEMENT = re.compile(r"interpret|statement|diagnos|finding|conclusion|impression|rhythm", re.I)
_CONFIRMED = re.compile(r"(electronically )?(confirmed|overread|reviewed|signed)\b.*\bby\b", re.I)
_UNCONFIRMED = re.compile(r"(unconfirmed|not confirmed|unreviewed)\b", re.I)
_SCHEMES = {"SCPECG": "scp", "SCT": "snomed"}

_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1}
_SEXES = {"F": "female", "M": "male", "O": "other"}


def is_mine(head):
    """Return whether a file is DICOM, by its first bytes; its preamble may be missing."""
    return head[128:132] == b"DICM" or head[:4] == b"DICM" or starts_data_set(head)


def open_recording(content, name, waveform):
    """Open a DICOM file."""
    with naming_damage(name):
        return _open(content, name, waveform)


def _open(content, name, waveform):
    data_set = read_data_set(content, _WANTED)
    items = data_set.items(_TAGS["WaveformSequence"])
    if not items:
        raise DamagedError(_without_waveforms(data_set))
    groups = [_Group(item, number, data_set) for number, item in enumerate(items, start=1)]
    chosen = [group for group in groups if group.is_median == (waveform == "median")]
    if not chosen:
        there = "the median beat" if waveform == "rhythm" else "the rhythm"
        raise DamagedError(f"holds no {waveform} waveform, but {there} alone")
    for group in chosen:
        group.check()
    remarks = []
    leads = _leads(chosen, remarks)
    timeline = _Timeline(leads, len(content), remarks)

    def read():
        with naming_damage(name):
            return timeline.read()

    return Recording(
        format=NAME,
        lead_names=tuple(parts[0].name for parts in leads),
        sampling_rate=timeline.sampling_rate,
        n_times=timeline.n_times,
        read=read,
        fields=_fields(data_set) | _filters(itertools.chain(*leads), remarks),
        remarks=remarks,
    )


def _without_waveforms(data_set):
    if data_set.items(_TAGS["EncryptedAttributesSequence"]):
        return "is encrypted: its waveforms, if it has any, cannot be read without the key"
    uid = data_set.text(_TAGS["SOPClassUID"])
    for beginning, kind in _OTHER_CLASSES.items():
        if uid.startswith(beginning):
            return f"holds no waveforms: it is {kind} (SOP class {uid})"
    return f"holds no waveforms (SOP class {uid or 'unknown'})"


@dataclasses.dataclass
class _Channel:
    """A lead: its place in its group, and the value of its samples."""

    group: "_Group"
    place: int
    name: str
    item: object
    per_mv: float | None

    def __post_init__(self):
        self.sensitivity = self._number("ChannelSensitivity", None)
        self.correction = self._number("ChannelSensitivityCorrectionFactor", 1.0)
        self.baseline = self._number("ChannelBaseline", 0.0)

    def _number(self, name, default):
        number = self.item.number(_TAGS[name], name)
        return default if number is None else number

    def check(self):
        for name, value in (
            ("ChannelSensitivity", self.sensitivity),
            ("ChannelSensitivityCorrectionFactor", self.correction),
        ):
            if not 1e-12 < value < 1e12:
                raise DamagedError(
                    f"gives lead {self.name} a {name} of {value:g}, with which no sample has a "
                    "meaning"
                )
        if not 1e-12 < self.sensitivity * self.correction < 1e12 or abs(self.baseline) > 1e12:
            raise DamagedError(f"gives lead {self.name} samples that are too large to be an ECG's")

    def to_mv(self, stored, out):
        """Write samples to an array of float32 in mV."""
        # In parts that stay in the processor's cache.
        for start in range(0, len(stored), _BLOCK):
            values = stored[start : start + _BLOCK] * self.sensitivity
            if self.correction != 1:
                values *= self.correction
            if self.baseline:
                values += self.baseline
            if self.per_mv != 1:
                values /= self.per_mv
            out[start : start + _BLOCK] = values


class _Group:
    """A multiplex group: channels of one rate and length."""

    def __init__(self, item, number, data_set):
        self.item = item
        self.number = number
        self.label = item.text(_TAGS["MultiplexGroupLabel"])
        self.n_channels = self._integer("NumberOfWaveformChannels", 2)
        self.n_times = self._integer("NumberOfWaveformSamples", 4)
        self.sampling_rate = item.number(_TAGS["SamplingFrequency"], "SamplingFrequency") or 0.0
        offset_ms = item.number(_TAGS["MultiplexGroupTimeOffset"], "MultiplexGroupTimeOffset")
        self.offset_s = (offset_ms or 0.0) / 1000
        self.sop_class = data_set.text(_TAGS["SOPClassUID"])

    def __str__(self):
        return f"multiplex group {self.number}" + (f" ({self.label})" if self.label else "")

    def _integer(self, name, size):
        numbers = self.item.integers(_TAGS[name], size)
        return numbers[0] if numbers else 0

    @property
    def is_median(self):
        if _RHYTHM.search(self.label) or _MEDIAN.search(self.label):
            return not _RHYTHM.search(self.label)
        return not self.is_original and self.n_times < _LONGEST_BEAT_S * self.sampling_rate

    @property
    def is_original(self):
        return self.item.text(_TAGS["WaveformOriginality"]) != "DERIVED"

    @property
    def duration_s(self):
        return self.n_times / self.sampling_rate

    def check(self):
        """Check that each channel and time has a sample, of a known type."""
        kind = self.item.text(_TAGS["WaveformSampleInterpretation"])
        bits = self._integer("WaveformBitsAllocated", 2)
        self.content = self.item.content(_TAGS["WaveformData"])
        self.definitions = self.item.items(_TAGS["ChannelDefinitionSequence"])
        if not 1 <= self.sampling_rate <= 1e5:
            raise DamagedError(f"gives {self} a SamplingFrequency of {self.sampling_rate:g} Hz")
        if (kind, bits) not in _SAMPLES:
            sound = ", which is of sound" if kind in ("MB", "AB") else ""
            raise DamagedError(f"stores {self} as {kind or 'unknown'} of {bits} bits{sound}")
        if self.n_times < 1 or self.n_channels < 1:
            raise DamagedError(f"says that {self} has no samples")
        if len(self.definitions) != self.n_channels:
            raise DamagedError(
                f"is damaged: {self} has {self.n_channels} channels, of which it describes "
                f"{len(self.definitions)}"
            )
        self.dtype = np.dtype(self.item.order + _SAMPLES[kind, bits])
        needed = self.n_times * self.n_channels * self.dtype.itemsize
        if len(self.content) not in (needed, needed + needed % 2):
            raise DamagedError(
                f"is cut short or damaged: {self} has {len(self.content)} bytes of samples, where "
                f"{self.n_channels} channels of {self.n_times} samples have {needed}"
            )
        padding = self.item.content(_TAGS["WaveformPaddingValue"])[: self.dtype.itemsize]
        is_padded = len(padding) == self.dtype.itemsize
        self.padding = np.frombuffer(padding, self.dtype)[0] if is_padded else None

    def channels(self):
        """Return channels with their names, of any kind."""
        for place, item in enumerate(self.definitions):
            units = _code(item, "ChannelSensitivityUnitsSequence")
            per_mv = units_per_mV(units[0]) or units_per_mV(units[2]) if units else None
            yield _Channel(self, place, _lead_name(item, place), item, per_mv), units

    def read(self, channels):
        """Return the samples of some channels, of shape (n_channels, n_times), in mV."""
        count = self.n_times * self.n_channels
        stored = np.frombuffer(self.content, self.dtype, count).reshape(-1, self.n_channels)
        # Turned while they are small integers: all that follows runs along the leads.
        stored = np.ascontiguousarray(stored[:, [channel.place for channel in channels]].T)
        signals = np.empty(stored.shape, np.float32)
        for signal, samples, channel in zip(signals, stored, channels, strict=True):
            channel.to_mv(samples, signal)
            if self.padding is not None:
                signal[_is_padding(samples, self.padding, self.sampling_rate)] = np.nan
        least = np.iinfo(self.dtype).min
        if least < 0 and (stored[:, -1] == least).all():
            # Makers fill up the end with the least number that there is, without saying so.
            recorded = np.flatnonzero((stored != least).any(axis=0))
            signals[:, recorded[-1] + 1 if len(recorded) else 0 :] = np.nan
        return signals


def _is_padding(stored, padding, sampling_rate):
    """Return where nothing was recorded.

    Recorders give 0 as the value of padding, and mean 0 as well: one through which a lead passes is
    padding only where it holds for a second.
    """
    if not stored.min() < padding < stored.max():
        return stored == padding
    shortest = int(np.ceil(sampling_rate))
    is_padding = np.zeros(stored.shape, bool)
    # A run of that length cannot slip through so coarse a grid.
    if (stored[::shortest] == padding).any():
        edges = np.flatnonzero(np.diff(stored == padding, prepend=False, append=False))
        for start, stop in edges.reshape(-1, 2):
            is_padding[start:stop] = stop - start >= shortest
    return is_padding


def _code(item, name):
    """Return (value, scheme, meaning) of a coded element, or None where it is not there."""
    codes = item.items(_TAGS[name])
    if not codes:
        return None
    value = codes[0].text(_TAGS["CodeValue"]) or codes[0].text(_TAGS["LongCodeValue"])
    scheme = codes[0].text(_TAGS["CodingSchemeDesignator"])
    return value, scheme, codes[0].text(_TAGS["CodeMeaning"])


def _names(item):
    """Return the names of a channel: its code, the meaning of the code, and its label."""
    value, _, meaning = _code(item, "ChannelSourceSequence") or ("", "", "")
    return value, meaning, item.text(_TAGS["ChannelLabel"])


def _lead_name(item, place):
    value, meaning, label = _names(item)
    coded = _LEAD_CODE.fullmatch(value)
    number = int(coded[1] or coded[2]) % _POTENTIALS if coded else None
    if number in _LEADS:
        return _LEADS[number]
    known = [canonical_lead(name) for name in (value, meaning, label) if is_known_lead(name)]
    return (known or [label or meaning or value or f"channel {place + 1}"])[0]


def _leads(groups, remarks):
    """Return the channels that are leads, as lists of the parts of each, each name once."""
    by_name, others = {}, []
    for group in groups:
        for channel, units in group.channels():
            is_lead = (
                group.sop_class in _ECG_CLASSES
                or any(map(_ECG.search, _names(channel.item)))
                or (is_known_lead(channel.name) and not group.sop_class.startswith(_NERVES))
            )
            if is_lead and channel.per_mv and channel.sensitivity is not None:
                by_name.setdefault(channel.name, []).append(channel)
            else:
                unit = units[0] or units[2] if units else "no unit"
                others.append(f"{channel.name} ({unit})")
    others = ", ".join(dict.fromkeys(others))
    if not by_name:
        raise DamagedError(f"holds no ECG lead in volts, mV, uV or nV, but {others or 'nothing'}")
    if others:
        remarks.append((f"holds channels that are no ECG leads: {others}", "They are left out."))
    leads = [parts for channels in by_name.values() for parts in _joined(channels)]
    # Of leads as long, the one that was not processed.
    ranks = [
        (sum(p.group.duration_s for p in parts), parts[0].group.is_original) for parts in leads
    ]
    once = each_once([parts[0].name for parts in leads], ranks, remarks)
    leads = [[dataclasses.replace(p, name=name) for p in leads[place]] for place, name in once]
    for part in itertools.chain(*leads):
        part.check()
    return leads


def _joined(channels):
    """Return channels of one name as one lead where they follow one another, else as several."""
    parts = sorted(channels, key=lambda channel: channel.group.offset_s)
    for one, other in itertools.pairwise(parts):
        overlap_s = one.group.offset_s + one.group.duration_s - other.group.offset_s
        if overlap_s > 0.5 / one.group.sampling_rate:
            return [[channel] for channel in channels]
    return [parts]


class _Timeline:
    """Brings leads of several groups to one rate, beginning and length.

    Parameters
    ----------
    leads : list of list of _Channel
        The parts of each.
    n_bytes : int
        Of the file, which bounds what may be allocated.
    remarks : list
        To which is added what had to be done.
    """

    def __init__(self, leads, n_bytes, remarks):
        self.leads = leads
        self.groups = list(dict.fromkeys(part.group for part in itertools.chain(*leads)))
        rates = [part.group.sampling_rate for part in itertools.chain(*leads)]
        self.sampling_rate = max(rates, key=lambda rate: (rates.count(rate), rate))
        begin_s = min(group.offset_s for group in self.groups)
        self.starts = {
            group: round((group.offset_s - begin_s) * self.sampling_rate) for group in self.groups
        }
        self.lengths = {
            group: -(-group.n_times * self.sampling_rate // group.sampling_rate)
            for group in self.groups
        }
        self.n_times = int(max(self.starts[g] + self.lengths[g] for g in self.groups))
        # Leads of another rate take more on their way.
        if 4 * len(leads) * self.n_times > _MOST_TIMES // len(set(rates)) * n_bytes:
            raise DamagedError(
                f"is damaged: its multiplex groups lie {self.n_times / self.sampling_rate:g} s "
                "apart, or their rates do"
            )
        if len(set(rates)) > 1:
            names = ", ".join(f"{rate:g}" for rate in sorted(set(rates)))
            remarks.append(
                (
                    f"holds leads of several sampling rates ({names} Hz)",
                    f"They are brought to {self.sampling_rate:g} Hz.",
                )
            )
        if len({(self.starts[g], self.lengths[g]) for g in self.groups}) > 1:
            remarks.append(
                (
                    "holds leads that were not recorded for the same time",
                    "What was not recorded is NaN.",
                )
            )

    def read(self):
        """Return the samples, of shape (n_leads, n_times), as float32 in mV."""
        if len(self.groups) == 1:
            return self.groups[0].read([part for (part,) in self.leads])
        signals = np.full((len(self.leads), self.n_times), np.nan, np.float32)
        for group in self.groups:
            parts = {
                row: part
                for row, lead in enumerate(self.leads)
                for part in lead
                if part.group is group
            }
            recorded = group.read(list(parts.values()))
            recorded = resample(recorded, group.sampling_rate, self.sampling_rate)
            window = slice(self.starts[group], self.starts[group] + recorded.shape[-1])
            signals[list(parts), window] = recorded[:, : self.n_times - window.start]
        return signals


def _fields(data_set):
    def text(name):
        return data_set.text(_TAGS[name])

    moments = [(text("AcquisitionDateTime"), "")]
    moments += [(text(f"{w}Date"), text(f"{w}Time")) for w in ("Acquisition", "Content", "Study")]
    recorded_at = next(filter(None, itertools.starmap(_moment, moments)), None)
    fields = {
        "patient_id": text("PatientID"),
        "age_years": _age(text("PatientAge"), text("PatientBirthDate"), recorded_at),
        "sex": _SEXES.get(text("PatientSex").upper()),
        "recorded_at": recorded_at and np.datetime64(recorded_at, "s"),
        "device": " ".join(filter(None, (text("Manufacturer"), text("ManufacturerModelName")))),
        "site": ", ".join(
            filter(None, (text("InstitutionName"), text("InstitutionalDepartmentName")))
        ),
    }
    fields |= _annotations(data_set)
    says_nothing = ("None", "", "()")
    return {name: value for name, value in fields.items() if str(value) not in says_nothing}


def _moment(date, time):
    """Return the date and time of DICOM's texts, None if they are not valid."""
    digits = re.sub(r"[.:-]", "", date[:10])[:8] + (date[8:14] if len(date) > 10 else "")
    if time:
        digits = digits[:8] + re.sub(":", "", time)[:6]
    digits = re.match(r"\d*", digits)[0]
    try:
        day = datetime.date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
        clock = [int(digits[i : i + 2] or 0) for i in (8, 10, 12)]
        return datetime.datetime(day.year, day.month, day.day, *clock[:2], min(clock[2], 59))
    except ValueError:
        return None


def _age(text, birth, recorded_at):
    """Return years, from the age as it is written or from the date of birth."""
    written = re.fullmatch(r"(\d{1,3})([DWMY])", text.upper())
    born = _moment(birth, "")
    if written:
        years = int(written[1]) * _YEARS[written[2]]
    elif born and recorded_at:
        years = (recorded_at - born).days / 365.25
    else:
        return None
    return years if 0 <= years <= MOST_YEARS else None


def _filters(leads, remarks):
    """Return the common filter of all leads, and remarks where they differ."""
    fields = {}
    leads = list(leads)
    for field, name in (
        ("high_pass_hz", "FilterLowFrequency"),
        ("low_pass_hz", "FilterHighFrequency"),
        ("notch_hz", "NotchFilterFrequency"),
    ):
        found = {channel.item.number(_TAGS[name]) for channel in leads} - {None}
        if len(found) > 1:
            values = ", ".join(f"{value:g}" for value in sorted(found))
            remarks.append(
                (
                    f"holds leads that were filtered differently ({name} of {values} Hz)",
                    f"The field {field} is left empty.",
                )
            )
        elif found - {0.0}:  # 0 Hz means no filter
            (fields[field],) = found
    return fields


def _annotations(data_set):
    """Return measurements and statements."""
    measured, coded, lines = {}, [], []
    for item in data_set.items(_TAGS["WaveformAnnotationSequence"]):
        concept = _code(item, "ConceptNameCodeSequence")
        if _TAGS["NumericValue"] in item:
            channels = item.integers(_TAGS["ReferencedWaveformChannels"])
            if concept and not any(channels[1::2]):  # channel 0 stands for all of them
                _measurement(item, concept, measured)
        elif _TAGS["UnformattedTextValue"] in item:
            if concept is None or _STATEMENT.search(" ".join(concept)):
                lines += re.split(r"[\r\n]+", item.text(_TAGS["UnformattedTextValue"]))
        elif _TAGS["TemporalRangeType"] not in item:
            code = _code(item, "ConceptCodeSequence") or concept
            if code is not None:
                coded.append(_statement(*code))
    lines = list(filter(None, map(str.strip, lines)))
    is_confirmed = (
        any(map(_CONFIRMED.match, lines))
        or data_set.text(_TAGS["VerificationFlag"]) == "VERIFIED"
        or data_set.text(_TAGS["ApprovalStatus"]) == "APPROVED"
    )
    lines = [line for line in lines if not (_CONFIRMED.match(line) or _UNCONFIRMED.match(line))]
    statements = tuple(dict.fromkeys(coded + lines))
    # The first code that is there of each measurement, in the table's order.
    fields = {name: min(found)[1] for name, found in measured.items()}
    if (rr_ms := fields.pop("RR_interval_ms", None)) is not None:
        fields.setdefault("heart_rate_bpm", 60_000 / rr_ms)
    return fields | {"reader_statements" if is_confirmed else "machine_statements": statements}


def _measurement(item, concept, measured):
    value, _, meaning = concept
    name = _BY_CODE.get(value)
    if name is None:
        names = (name for name, known in _BY_MEANING.items() if known.fullmatch(meaning))
        name = next(names, None)
        if name is None:
            return
    rank = [*_MEASUREMENTS[name][0], value].index(value)
    number = item.number(_TAGS["NumericValue"])
    unit = name.rpartition("_")[2]
    if unit == "ms" and (_code(item, "MeasurementUnitsCodeSequence") or ("",))[0] == "s":
        number = number and number * 1000
    low, high = _PLAUSIBLE[unit]
    if number is not None and low <= number <= high:
        measured.setdefault(name, []).append((rank, number))


def _statement(value, scheme, meaning):
    if not value:
        return meaning
    return f"{_SCHEMES.get(scheme, scheme.lower())}:{value} {meaning}".strip()

"""GE MUSE XML (root ``RestingECG``, restecg.dtd), as the MUSE system and MAC recorders export it.

The layout, without the parts that are not read; ``*`` may occur several times::

    RestingECG
        PatientDemographics
            PatientID, PatientAge, AgeUnits, DateofBirth (as AcquisitionDate), Gender
        TestDemographics
            AcquisitionDate             MM-DD-YYYY; some systems have other orders
            AcquisitionTime, AcquisitionDevice, Site, SiteName, Location, LocationName
            Status                      CONFIRMED: Diagnosis is the reader's, else the machine's
        RestingECGMeasurements          as the reader left them
        OriginalRestingECGMeasurements  as the machine made them
        Diagnosis                       as the reader left it
            DiagnosisStatement*         StmtFlag* (ENDSLINE), StmtText
        OriginalDiagnosis               as the machine made it
        Waveform*
            WaveformType                Rhythm or Median
            SampleType                  CONTINUOUS_SAMPLES
            SampleBase, SampleExponent  base * 10 ** exponent samples per second
            HighPassFilter              in hundredths of Hz
            LowPassFilter, ACFilter     in Hz, or NONE
            LeadData*
                LeadID
                LeadSampleSize          bytes of a sample
                LeadSampleCountTotal, LeadByteCountTotal, LeadDataCRC32
                LeadOffsetFirstSample   samples after the beginning of the waveform
                LeadAmplitudeUnitsPerBit, LeadAmplitudeUnits (MICROVOLTS)
                LeadOff                 TRUE where no electrode was
                WaveFormData            base64 of signed little-endian samples

Most files hold I, II and V1 to V6, from which the other limb leads follow. Stored leads are read.
"""

import re
import zlib

import numpy as np

from sklearn_ecg.datasets.formats._recording import Recording
from sklearn_ecg.datasets.formats._xml import (
    EXPORT_AGAIN,
    age,
    checked_millivolts,
    iso_time,
    millivolts,
    number,
    parse,
    plausible_fields,
    root_name,
    samples_in_base64,
    text_at,
    unique_leads,
)
from sklearn_ecg.records._report import RecordError

NAME = "GE MUSE XML"

_MEASUREMENTS = {
    "heart_rate_bpm": "VentricularRate",
    "PR_interval_ms": "PRInterval",
    "QRS_duration_ms": "QRSDuration",
    "QT_interval_ms": "QTInterval",
    "QTc_interval_ms": "QTCorrected",
    "P_axis_deg": "PAxis",
    "QRS_axis_deg": "RAxis",
    "T_axis_deg": "TAxis",
}
_SEXES = {"male": "male", "m": "male", "female": "female", "f": "female", "other": "other"}
# Bits of recorders are worth 0.5 to 5 uV: in any other unit a number such as these is no ECG's.
_MICROVOLTS_PER_BIT = (0.1, 100)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_NUMBERED_DATE = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})")
_NAMED_DATE = re.compile(r"([0-9]{1,2})[-/. ]([A-Za-z]{3})[-/. ]([0-9]{4})")


def is_mine(head):
    return root_name(head) == "RestingECG"


def open_recording(content, name, waveform):
    root, remarks = parse(content, name)
    chosen, more = _waveform_of(root, name, waveform)
    sampling_rate = _rate(chosen, name)
    stored = [_Lead(lead, name) for lead in chosen.findall("LeadData")]
    lead_names, doubled = unique_leads([lead.name for lead in stored])
    begun = min(lead.start for lead in stored)
    n_times = max(lead.start + lead.n_times for lead in stored) - begun
    if n_times > 2 * sum(lead.n_times for lead in stored):
        raise RecordError(name, f"begins its leads up to {n_times} samples apart", EXPORT_AGAIN)
    if not n_times:
        raise RecordError(name, "holds no samples", EXPORT_AGAIN)

    def read():
        signals = np.full((len(stored), n_times), np.nan, dtype=np.float32)
        whole = []
        for signal, lead in zip(signals, stored, strict=True):
            packed = lead.unpacked(name)
            if zlib.crc32(packed) == lead.checksum:
                whole.append(lead.name)
            samples = np.frombuffer(packed, dtype=lead.dtype) * lead.scale_mv
            samples = checked_millivolts(samples, name, lead.name)
            signal[lead.start - begun : lead.start - begun + len(samples)] = samples
        broken = [lead.name for lead in stored if lead.checksum and lead.name not in whole]
        # Writers with another algorithm, or without one, have all checksums wrong.
        if whole and broken:
            raise RecordError(
                name, f"fails the checksum of its leads {', '.join(broken)}", EXPORT_AGAIN
            )
        return signals

    return Recording(
        NAME,
        lead_names,
        sampling_rate,
        n_times,
        read,
        _fields_of(root, chosen),
        remarks + more + doubled + _remarks_on(stored) + _remarks_on_dates(root),
    )


def _waveform_of(root, name, waveform):
    """Return the element of the wanted waveform, and remarks on the others."""
    kinds = {}
    for element in root.findall("Waveform"):
        if element.find("LeadData") is not None:
            kind = text_at(element, "WaveformType").casefold() or "rhythm"
            kinds.setdefault(kind, []).append(element)
    if waveform not in kinds:
        raise RecordError(
            name,
            f"holds no {waveform} waveform, but {', '.join(kinds) or 'none at all'}",
            'Export it with its waveforms, or open it with waveform="rhythm" or "median".',
        )
    first, *others = kinds[waveform]
    if not others:
        return first, []
    rates = ", ".join(text_at(element, "SampleBase") for element in kinds[waveform])
    return first, [
        (
            f"holds {1 + len(others)} {waveform} waveforms ({rates} Hz), of which the first is "
            "read",
            "Export the others into files of their own if you need them.",
        )
    ]


def _rate(waveform, name):
    """Return the samples per second of a waveform."""
    base, exponent = (text_at(waveform, tag) for tag in ("SampleBase", "SampleExponent"))
    rate = number(base) * 10.0 ** min(number(exponent or "0"), 9)
    if not 1 <= rate <= 1e5:
        raise RecordError(
            name,
            f"gives {base or '(nothing)'} with the exponent {exponent or '0'} as samples per "
            "second",
            EXPORT_AGAIN,
        )
    kind = text_at(waveform, "SampleType").upper()
    if kind not in ("", "CONTINUOUS_SAMPLES"):
        raise RecordError(
            name,
            f"holds {kind} instead of CONTINUOUS_SAMPLES",
            "Nothing public says how these are to be read; please show us a file.",
        )
    return rate


class _Lead:
    """What a ``LeadData`` holds."""

    def __init__(self, element, name):
        self.name = text_at(element, "LeadID")
        if not self.name:
            raise RecordError(name, "holds a lead without a name", EXPORT_AGAIN)
        self.text = "".join((element.findtext("WaveFormData") or "").split())
        size = text_at(element, "LeadSampleSize") or "2"
        if size not in ("2", "4"):
            raise RecordError(
                name,
                f"gives lead {self.name} {size} bytes for each sample, instead of 2",
                EXPORT_AGAIN,
            )
        self.dtype = np.dtype(f"<i{size}")
        n_bytes = len(self.text) * 3 // 4 - self.text[-2:].count("=")
        self.n_times = n_bytes // self.dtype.itemsize
        for tag, found in (
            ("LeadByteCountTotal", n_bytes),
            ("LeadSampleCountTotal", n_bytes / self.dtype.itemsize),
        ):
            expected = number(text_at(element, tag) or str(found))
            if expected != found:
                raise RecordError(
                    name,
                    f"gives lead {self.name} {expected:g} as {tag}, but holds {found:g}: it is cut",
                    EXPORT_AGAIN,
                )
        scale, unit = (
            text_at(element, tag) for tag in ("LeadAmplitudeUnitsPerBit", "LeadAmplitudeUnits")
        )
        low, high = _MICROVOLTS_PER_BIT
        self.has_no_unit = not unit and low <= number(scale) <= high
        self.scale_mv = number(scale) * millivolts("uV" if self.has_no_unit else unit)
        if not self.scale_mv > 0:
            raise RecordError(
                name,
                f"gives lead {self.name} {f'{scale} {unit}'.strip() or '(nothing)'} for each bit, "
                "which is no voltage above 0",
                EXPORT_AGAIN,
            )
        checksum = text_at(element, "LeadDataCRC32")
        self.checksum = int(checksum) % 2**32 if re.fullmatch("-?[0-9]{1,12}", checksum) else 0
        start = number(text_at(element, "LeadOffsetFirstSample"))
        self.start = int(start) if 0 <= start < 1e9 else 0
        self.is_off = text_at(element, "LeadOff").upper() == "TRUE"
        others = (text_at(element, tag) for tag in ("LeadTimeOffset", "FirstSampleBaseline"))
        self.has_more = any(abs(number(text)) > 0 for text in others)

    def unpacked(self, name):
        packed = samples_in_base64(self.text)
        if packed is None or len(packed) != self.n_times * self.dtype.itemsize:
            raise RecordError(
                name, f"has damaged base64 as samples of lead {self.name}", EXPORT_AGAIN
            )
        return packed


def _remarks_on(leads):
    """Return remarks on unusual leads."""
    remarks = []
    if len({(lead.start, lead.n_times) for lead in leads}) > 1:
        remarks.append(
            (
                "has leads of different lengths or start times",
                "They are NaN where they were not recorded.",
            )
        )
    if bare := [lead.name for lead in leads if lead.has_no_unit]:
        remarks.append(
            (
                f"gives no unit for the bits of {', '.join(bare)}",
                "They are taken for uV, in which MUSE counts; see whether the ECG is so large.",
            )
        )
    if off := [lead.name for lead in leads if lead.is_off]:
        remarks.append(
            (f"says that no electrode was on {', '.join(off)}", "Do not use these leads.")
        )
    if more := [lead.name for lead in leads if lead.has_more]:
        remarks.append(
            (
                f"gives a LeadTimeOffset or FirstSampleBaseline for {', '.join(more)}",
                "Nothing public says what they mean, and they are not applied.",
            )
        )
    return remarks


def _fields_of(root, waveform):
    patient, test = root.find("PatientDemographics"), root.find("TestDemographics")
    original, edited = (
        root.find(tag) for tag in ("OriginalRestingECGMeasurements", "RestingECGMeasurements")
    )
    recorded, born = text_at(test, "AcquisitionDate"), text_at(patient, "DateofBirth")
    day_first = _is_day_first(root)
    recorded_at = _time(recorded, text_at(test, "AcquisitionTime"), day_first)
    high_pass = number(text_at(waveform, "HighPassFilter"))
    is_confirmed = text_at(test, "Status").upper() == "CONFIRMED"
    last, first = (_statements(root.find(tag)) for tag in ("Diagnosis", "OriginalDiagnosis"))
    return plausible_fields(
        patient_id=text_at(patient, "PatientID"),
        age_years=age(
            number(text_at(patient, "PatientAge")),
            text_at(patient, "AgeUnits"),
            _time(born, "", day_first),
            recorded_at,
        ),
        sex=_SEXES.get(text_at(patient, "Gender").casefold(), ""),
        recorded_at=recorded_at,
        device=text_at(test, "AcquisitionDevice"),
        site=", ".join(
            filter(None, (text_at(test, "SiteName", "Site"), text_at(test, "LocationName")))
        ),
        # Written by hand, below 1, it is in Hz.
        high_pass_hz=high_pass / 100 if high_pass >= 1 else high_pass,
        low_pass_hz=number(text_at(waveform, "LowPassFilter")),
        notch_hz=number(text_at(waveform, "ACFilter")),
        machine_statements=first or (() if is_confirmed else last),
        reader_statements=last if is_confirmed else (),
        **{
            field: number(text_at(original, tag) or text_at(edited, tag))
            for field, tag in _MEASUREMENTS.items()
        },
    )


def _is_day_first(root):
    """Return whether the dates of a file are written as 31-03-2012."""
    dates = (
        text_at(root, "TestDemographics/AcquisitionDate"),
        text_at(root, "PatientDemographics/DateofBirth"),
    )
    found = [(int(date[1]), int(date[2])) for date in map(_NUMBERED_DATE.fullmatch, dates) if date]
    return any(first > 12 for first, _ in found) and all(second <= 12 for _, second in found)


def _remarks_on_dates(root):
    remark = (
        "writes the day of a date before the month, where MUSE writes the month first",
        "Files of the same system whose days are below 13 are read wrongly: see their dates.",
    )
    return [remark] * _is_day_first(root)


def _time(date, time, day_first):
    """Return a time with a date such as 02-29-2012, 29-02-2012, 29-FEB-2012 or 2012-02-29."""
    if numbered := _NUMBERED_DATE.fullmatch(date):
        first, second, year = numbered.groups()
        month, day = (second, first) if day_first else (first, second)
    elif (named := _NAMED_DATE.fullmatch(date)) and named[2].upper() in _MONTHS:
        day, year, month = named[1], named[3], str(_MONTHS.index(named[2].upper()) + 1)
    else:
        return iso_time(date, time)
    return iso_time(f"{year}{month:0>2}{day:0>2}", time)


def _statements(diagnosis):
    """Return the statements of a diagnosis: parts are joined up to the one that ends a line."""
    elements = [] if diagnosis is None else diagnosis.findall("DiagnosisStatement")
    flags = [
        {(flag.text or "").strip().upper() for flag in element.findall("StmtFlag")}
        for element in elements
    ]
    has_lines = any("ENDSLINE" in of_one for of_one in flags)
    lines = [""]
    for element, of_one in zip(elements, flags, strict=True):
        code, text = text_at(element, "StmtNumber", "StmtCode"), text_at(element, "StmtText")
        # What has a code is a statement of its own, in whichever line it stands.
        if code:
            lines += [f"muse:{code} {text}", ""]
            continue
        lines[-1] = f"{lines[-1]} {text}"
        if "ENDSLINE" in of_one or not has_lines:
            lines.append("")
    return tuple(filter(None, map(str.strip, lines)))

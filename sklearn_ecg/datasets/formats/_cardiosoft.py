"""GE CardioSoft XML (root ``CardiologyXML``), as CardioSoft and CASE export it, and UK Biobank has.

The layout, without the parts that are not read; ``*`` may occur several times::

    CardiologyXML
        ObservationDateTime             Hour, Minute, Second, Day, Month, Year
        ClinicalInfo/DeviceInfo/Desc
        PatientVisit
            ServicingFacility/Name
            AssignedPatientLocation     Facility, LocationName
        PatientInfo
            PID, Age @units, BirthDateTime (Day, Month, Year), Gender
        FilterSetting
            Filter50Hz, Filter60Hz      Yes or No
            LowPass, HighPass           in Hz
        Interpretation
            Diagnosis/DiagnosisText*    as the program made it
            Conclusion/ConclusionText*  as it stands in the report
        RestingECGMeasurements
            VentricularRate, PQInterval, QRSDuration, QTInterval, QTCInterval, PAxis, ...
            MedianSamples               the representative beat, laid out as StripData is
        StripData
            SampleRate                  in Hz
            ChannelSampleCountTotal     samples of each lead
            Resolution @units           of one step, as "uVperLsb"
            WaveformData* @lead         whole numbers between commas

Exercise tests have Strip elements in StripData instead, and FullDisclosure, of whose order of
samples public readers say different things; neither is read.
"""

import numpy as np

from sklearn_ecg.datasets.formats._recording import Recording
from sklearn_ecg.datasets.formats._xml import (
    EXPORT_AGAIN,
    age,
    attribute_at,
    checked_millivolts,
    count_words,
    millivolts,
    number,
    numbers_in,
    parse,
    plausible_fields,
    root_name,
    text_at,
    time_of,
    unique_leads,
)
from sklearn_ecg.records._report import RecordError

NAME = "GE CardioSoft XML"

_WAVEFORMS = {"rhythm": "StripData", "median": "RestingECGMeasurements/MedianSamples"}
_MEASUREMENTS = {
    "heart_rate_bpm": "VentricularRate",
    "P_duration_ms": "PDuration",
    "PR_interval_ms": "PQInterval",
    "QRS_duration_ms": "QRSDuration",
    "QT_interval_ms": "QTInterval",
    "QTc_interval_ms": "QTCInterval",
    "P_axis_deg": "PAxis",
    "QRS_axis_deg": "RAxis",
    "T_axis_deg": "TAxis",
}


def is_mine(head):
    return root_name(head) == "CardiologyXML"


def open_recording(content, name, waveform):
    root, remarks = parse(content, name)
    waveforms = root.find(_WAVEFORMS[waveform])
    elements = [] if waveforms is None else waveforms.findall("WaveformData")
    if not elements:
        is_exercise = any(
            root.find(tag) is not None for tag in ("StripData/Strip", "FullDisclosure")
        )
        there = "but an exercise test, which is not read" if is_exercise else "or no lead of it"
        raise RecordError(
            name,
            f"holds no {waveform} waveform, {there}",
            'Export a resting ECG, or open it with waveform="rhythm" or "median".',
        )
    sampling_rate = number(text_at(waveforms, "SampleRate"))
    if not 1 <= sampling_rate <= 1e5:
        found = text_at(waveforms, "SampleRate") or "(nothing)"
        raise RecordError(name, f"gives {found} as samples per second", EXPORT_AGAIN)
    scale_mv = _scale_mv(waveforms, name)
    lead_names, doubled = unique_leads([element.get("lead", "") for element in elements])
    if "" in lead_names:
        raise RecordError(name, "holds a lead without a name", EXPORT_AGAIN)
    texts = [(element.text or "").replace(",", " ") for element in elements]
    n_times = [count_words(text) for text in texts]
    told = text_at(waveforms, "ChannelSampleCountTotal") or str(n_times[0])
    for lead, found in zip(lead_names, n_times, strict=True):
        if not found or found != number(told):
            raise RecordError(
                name, f"holds {found} samples of lead {lead} instead of {told}", EXPORT_AGAIN
            )

    def read():
        signals = np.empty((len(texts), n_times[0]), dtype=np.float32)
        for signal, lead, text in zip(signals, lead_names, texts, strict=True):
            counts = numbers_in(text)
            if counts is None:
                raise RecordError(
                    name, f"has samples of lead {lead} that are no numbers", EXPORT_AGAIN
                )
            signal[:] = checked_millivolts(counts * scale_mv, name, lead)
        return signals

    return Recording(
        NAME, lead_names, sampling_rate, n_times[0], read, _fields_of(root), remarks + doubled
    )


def _scale_mv(waveforms, name):
    """Return the value of one step of the samples."""
    value, unit = text_at(waveforms, "Resolution"), attribute_at(waveforms, "Resolution", "units")
    voltage, per, step = unit.casefold().partition("per")
    scale_mv = number(value) * millivolts(voltage)
    if not scale_mv > 0 or (per, step) != ("per", "lsb"):
        raise RecordError(
            name,
            f"gives {f'{value} {unit}'.strip() or '(nothing)'!r} as its resolution, which is no "
            "voltage above 0 of each step",
            EXPORT_AGAIN,
        )
    return scale_mv


def _fields_of(root):
    patient, filters = root.find("PatientInfo"), root.find("FilterSetting")
    measured, visit = root.find("RestingECGMeasurements"), root.find("PatientVisit")
    recorded_at = _time(root.find("ObservationDateTime"))
    places = [
        text_at(visit, path)
        for path in (
            "ServicingFacility/Name",
            "AssignedPatientLocation/Facility",
            "AssignedPatientLocation/LocationName",
        )
    ]
    notches = (hz for hz in (50.0, 60.0) if text_at(filters, f"Filter{hz:.0f}Hz") == "Yes")
    by_program, in_report = (
        _lines(root, f"Interpretation/{what}/{what}Text") for what in ("Diagnosis", "Conclusion")
    )
    # The report begins as a copy of the program's statements, to which it adds lines of its own.
    is_copy = set(by_program) <= set(in_report)
    return plausible_fields(
        patient_id=text_at(patient, "PID"),
        age_years=age(
            number(text_at(patient, "Age")),
            attribute_at(patient, "Age", "units"),
            _time(None if patient is None else patient.find("BirthDateTime")),
            recorded_at,
        ),
        sex={"male": "male", "female": "female"}.get(text_at(patient, "Gender").casefold(), ""),
        recorded_at=recorded_at,
        device=text_at(root, "ClinicalInfo/DeviceInfo/Desc"),
        # Files without a name hold "* 0 *".
        site=", ".join(dict.fromkeys(place for place in places if place.strip("* 0"))),
        high_pass_hz=number(text_at(filters, "HighPass")),
        low_pass_hz=number(text_at(filters, "LowPass")),
        notch_hz=next(notches, np.nan),
        machine_statements=by_program or in_report,
        reader_statements=() if is_copy else in_report,
        **{field: number(text_at(measured, tag)) for field, tag in _MEASUREMENTS.items()},
    )


def _time(element):
    parts = ("Year", "Month", "Day", "Hour", "Minute", "Second")
    return time_of(*(text_at(element, part) or "0" for part in parts))


def _lines(root, path):
    lines = (" ".join((element.text or "").split()) for element in root.findall(path))
    return tuple(line for line in lines if line.strip("-?. "))

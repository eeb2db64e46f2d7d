"""HL7 annotated ECG, release 1 (ANSI/HL7 V3 ECG R1-2004), of the FDA and of recorders.

The layout, without the parts that are not read; ``*`` may occur several times::

    AnnotatedECG
        effectiveTime/center or low @value               20021122091000.000+0100
        componentOf/timepointEvent/componentOf/subjectAssignment
            subject/trialSubject
                id @extension
                subjectDemographicPerson
                    administrativeGenderCode @code       M or F
                    birthTime @value
                    PatientID                            where Mindray has the id
            componentOf/clinicalTrial/location/trialSite/location/name
        location/testingSite/location/name
        controlVariable*/relatedObservation              code 21612-7: the stated age
        component*/series
            code @code                                   RHYTHM or REPRESENTATIVE_BEAT
            effectiveTime, author/seriesAuthor
            controlVariable*/controlVariable             filters
            component*/sequenceSet/component*/sequence
                code @code                               TIME_ABSOLUTE or MDC_ECG_LEAD_I
                value                                    of time: head + i * increment
                                                         of a lead: origin + scale * digits
            derivation*/derivedSeries                    as a series: the representative beat
            subjectOf*/annotationSet
                author/assignedEntity/assignedAuthorType/assignedPerson or assignedDevice
                component*/annotation                    code, value, and annotations in turn

Sequences of one set were recorded together. Sets with known start times are joined into one
recording, with NaN where a lead was not recorded.
"""

import re

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

NAME = "HL7 aECG"

_SUBJECT = "componentOf/timepointEvent/componentOf/subjectAssignment/subject/trialSubject"
_TRIAL_SITE = (
    "componentOf/timepointEvent/componentOf/subjectAssignment/componentOf/clinicalTrial/location/"
    "trialSite/location/name"
)
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "\u00b5s": 1e-6, "\u03bcs": 1e-6, "ns": 1e-9}
_MILLISECONDS = {unit: 1e3 * seconds for unit, seconds in _SECONDS.items()}
_PER_MINUTE = dict.fromkeys(
    ("bpm", "/min", "1/min", "min-1", "{beat}/min", "{beats}/min", "beats/min"), 1.0
)
_PER_MINUTE |= {"hz": 60.0, "/s": 60.0}
_DEGREES = {"deg": 1.0, "\u00b0": 1.0, "rad": 180 / np.pi}
# By the text after _ECG_ in the code; makers use other words before it, and before _GL (global).
_MEASUREMENTS = {
    "HEART_RATE": ("heart_rate_bpm", _PER_MINUTE),
    "TIME_PD_RR": ("RR_interval_ms", _MILLISECONDS),
    "TIME_PD_P": ("P_duration_ms", _MILLISECONDS),
    "TIME_PD_PR": ("PR_interval_ms", _MILLISECONDS),
    "TIME_PD_QRS": ("QRS_duration_ms", _MILLISECONDS),
    "TIME_PD_QT": ("QT_interval_ms", _MILLISECONDS),
    "TIME_PD_QTC": ("QTc_interval_ms", _MILLISECONDS),
    "TIME_PD_QTCB": ("QTc_interval_ms", _MILLISECONDS),
    "ANGLE_P_FRONT": ("P_axis_deg", _DEGREES),
    "ANGLE_QRS_FRONT": ("QRS_axis_deg", _DEGREES),
    "ANGLE_T_FRONT": ("T_axis_deg", _DEGREES),
    "P_AXIS": ("P_axis_deg", _DEGREES),
    "QRS_AXIS": ("QRS_axis_deg", _DEGREES),
    "T_AXIS": ("T_axis_deg", _DEGREES),
}
_STATEMENTS = {"INTERPRETATION", "INTERPRETATION_STATEMENT", "INTERPRETATION_SUMMARY", "RHY"}
_FILTERS = {"HIGH_PASS": "high_pass_hz", "LOW_PASS": "low_pass_hz", "NOTCH": "notch_hz"}


def is_mine(head):
    return root_name(head) == "AnnotatedECG"


def open_recording(content, name, waveform):
    root, remarks = parse(content, name)
    rhythms, beats = _series_of(root)
    chosen = rhythms if waveform == "rhythm" else beats
    if not chosen:
        kind, other = (
            ("rhythm series", "median")
            if waveform == "rhythm"
            else ("representative beat", "rhythm")
        )
        raise RecordError(name, f"holds no {kind}", f'Open it with waveform="{other}".')
    series = chosen[0]
    if len(chosen) > 1:
        remarks.append(
            (
                f"holds {len(chosen)} series of one kind; only the first is read",
                "Export the others to separate files if you need them.",
            )
        )
    sampling_rate, segments, more = _segments_of(series, name)
    lead_names, n_times = tuple(segments), max(s.end for row in segments.values() for s in row)

    def read():
        signals = np.full((len(segments), n_times), np.nan, dtype=np.float32)
        for signal, (lead, row) in zip(signals, segments.items(), strict=True):
            for segment in row:
                signal[segment.start : segment.end] = segment.millivolts(name, lead)
        return signals

    return Recording(
        NAME,
        lead_names,
        sampling_rate,
        n_times,
        read,
        _fields_of(root, rhythms[0] if rhythms else series, beats),
        remarks + more,
    )


def _series_of(root):
    """Return the series of rhythms, and those of representative beats."""
    rhythms, beats = [], []
    for series in root.findall("component/series"):
        is_beat = attribute_at(series, "code", "code").upper() == "REPRESENTATIVE_BEAT"
        (beats if is_beat else rhythms).append(series)
        beats += series.findall("derivation/derivedSeries")
    return rhythms, beats


class _Segment:
    """The samples of one lead in one set."""

    def __init__(self, value, start, name, lead):
        self.digits = "" if value is None else value.findtext("digits") or ""
        self.start, self.end = start, start + count_words(self.digits)
        scale_mv = millivolts(attribute_at(value, "scale", "unit"))
        self.scale = number(attribute_at(value, "scale", "value")) * scale_mv
        if not self.scale > 0:
            found = attribute_at(value, "scale", "value"), attribute_at(value, "scale", "unit")
            raise RecordError(
                name,
                f"gives lead {lead} the scale {' '.join(found).strip() or '(none)'!r}, "
                "which is not a voltage above 0",
                EXPORT_AGAIN,
            )
        self.origin = number(attribute_at(value, "origin", "value") or "0")
        if self.origin != 0:
            self.origin *= millivolts(attribute_at(value, "origin", "unit"))
        if np.isnan(self.origin):
            raise RecordError(
                name, f"gives lead {lead} an origin that is not a voltage", EXPORT_AGAIN
            )

    def millivolts(self, name, lead):
        digits = numbers_in(self.digits)
        if digits is None or len(digits) != self.end - self.start:
            raise RecordError(name, f"has digits of lead {lead} that are not numbers", EXPORT_AGAIN)
        return checked_millivolts(self.origin + self.scale * digits, name, lead)


def _segments_of(series, name):
    """Return the sampling rate, the segments of each lead by its name, and remarks."""
    segments, remarks, first = {}, [], None
    sets = series.findall("component/sequenceSet")
    for position, sequence_set in enumerate(sets, start=1):
        clock, values, others = _sequences(sequence_set, name)
        if others:
            remarks.append(
                (f"has sequences that are not leads: {', '.join(others)}", "They are left out.")
            )
        if not values:
            continue
        first = first or clock
        start = _start(clock, first)
        leads, doubled = unique_leads([lead for lead, _ in values])
        # A set this far from the others is a separate recording.
        ends = [row[-1].end for row in segments.values()] or [0]
        begun = max((segments[lead][-1].end for lead in leads if lead in segments), default=0)
        if begun <= start <= 2 * max(ends):
            remarks += doubled
            for lead, (_, value) in zip(leads, values, strict=True):
                segments.setdefault(lead, []).append(_Segment(value, start, name, lead))
        else:
            remarks.append(
                (
                    f"holds {len(sets)} sets of leads; number {position} does not fit the first",
                    "Export it to a separate file if you need it.",
                )
            )
    if not any(segment.end > segment.start for row in segments.values() for segment in row):
        raise RecordError(name, "holds no samples", EXPORT_AGAIN)
    if len({(row[0].start, row[-1].end) for row in segments.values()}) > 1:
        remarks.append(
            (
                "has leads of different lengths or start times",
                "They are NaN where they were not recorded.",
            )
        )
    return first[0], segments, remarks


def _sequences(sequence_set, name):
    """Return the clock of a set, its leads with their values, and the codes of other sequences."""
    clock, values, others = None, [], []
    for sequence in sequence_set.findall("component/sequence"):
        code, value = attribute_at(sequence, "code", "code"), sequence.find("value")
        if code.upper().startswith("TIME_"):
            clock = clock or (_rate(value, name), code.upper(), _head(value))
        elif "_LEAD_" in code.upper():
            lead = code[code.upper().index("_LEAD_") + len("_LEAD_") :]
            values.append(("-aVR" if lead.upper() == "AVRNEG" else lead, value))
        else:
            others.append(code or "(no code)")
    if values and clock is None:
        raise RecordError(name, "has leads without a sequence of times", EXPORT_AGAIN)
    return clock, values, others


def _rate(value, name):
    """Return the samples per second of a sequence of times."""
    step, unit = (attribute_at(value, "increment", which) for which in ("value", "unit"))
    times = None
    if not step and value is not None:
        step, unit = (attribute_at(value, "scale", which) for which in ("value", "unit"))
        times = numbers_in(value.findtext("digits") or "")
    seconds = number(step) * _SECONDS.get(unit, np.nan)
    if times is not None:
        steps = np.unique(np.diff(times))
        seconds *= steps[0] if len(steps) == 1 else np.nan
    if not 1e-5 <= seconds <= 1:
        raise RecordError(
            name,
            f"gives {f'{step} {unit}'.strip() or '(nothing)'!r} as the time between its samples",
            EXPORT_AGAIN,
        )
    rate = 1 / seconds
    # Writers round the increment: 0.003333 s is 300 Hz.
    return float(round(rate)) if abs(rate - round(rate)) < 5e-4 * rate else rate


def _head(value):
    """Return the start of a sequence of times in s, by a clock or from any moment."""
    head = attribute_at(value, "head", "value")
    moment = _moment(head)
    if np.isnat(moment):
        return number(head) * _SECONDS.get(attribute_at(value, "head", "unit"), np.nan)
    fraction = re.search(r"\.[0-9]+", head)
    return moment.astype(np.int64) + float(fraction[0] if fraction else 0)


def _start(clock, first):
    """Return the sample in the first set where another set begins; -1 if unknown."""
    if clock is first:
        return 0
    after_s = clock[2] - first[2]
    return round(after_s * first[0]) if clock[:2] == first[:2] and np.isfinite(after_s) else -1


def _moment(text):
    """Return the local time of HL7's form 20021122091000.000+0100."""
    found = re.match(r"([0-9]{8})(?:([0-9]{2})([0-9]{2})([0-9]{2})?)?(?![0-9])", text.strip())
    if found is None:
        return np.datetime64("NaT", "s")
    date, *hours = found.groups("0")
    return time_of(date[:4], date[4:6], date[6:], *hours)


def _fields_of(root, series, beats):
    subject, maker = root.find(_SUBJECT), "author/seriesAuthor/manufacturerOrganization/name"
    demographics = "subjectDemographicPerson"
    recorded_at = next(
        (
            time
            for element in (series, root)
            for end in ("low", "center")
            if not np.isnat(time := _moment(attribute_at(element, f"effectiveTime/{end}", "value")))
        ),
        np.datetime64("NaT", "s"),
    )
    stated = next(
        (
            observation
            for observation in root.findall("controlVariable/relatedObservation")
            if attribute_at(observation, "code", "code") == "21612-7"
        ),
        None,
    )
    years = {
        "a": "years",
        "yr": "years",
        "y": "years",
        "mo": "months",
        "wk": "weeks",
        "d": "days",
        "h": "hours",
    }
    model = "author/seriesAuthor/manufacturedSeriesDevice/manufacturerModelName"
    return plausible_fields(
        patient_id=attribute_at(subject, "id", "extension").strip("? ")
        or text_at(subject, f"{demographics}/PatientID"),
        age_years=age(
            number(attribute_at(stated, "value", "value")),
            years.get(attribute_at(stated, "value", "unit"), ""),
            _moment(attribute_at(subject, f"{demographics}/birthTime", "value")),
            recorded_at,
        ),
        sex={"m": "male", "male": "male", "f": "female", "female": "female"}.get(
            attribute_at(subject, f"{demographics}/administrativeGenderCode", "code").casefold(), ""
        ),
        recorded_at=recorded_at,
        device=f"{text_at(series, maker)} {text_at(series, model)}".strip(),
        site=text_at(root, "location/testingSite/location/name", _TRIAL_SITE),
        **_filters_of(series),
        **_annotations_of(series, beats),
    )


def _filters_of(series):
    filters = {}
    for variable in series.findall("controlVariable/controlVariable"):
        kind = attribute_at(variable, "code", "code").upper().partition("_FILTER_")[2]
        for part in variable.findall("component/controlVariable"):
            code = attribute_at(part, "code", "code").upper()
            unit = {"hz": 1.0, "khz": 1e3}.get(attribute_at(part, "value", "unit").casefold())
            if kind in _FILTERS and unit and code.endswith(("_CUTOFF_FREQ", "_NOTCH_FREQ")):
                filters[_FILTERS[kind]] = unit * number(attribute_at(part, "value", "value"))
    return filters


def _annotations_of(series, beats):
    """Return the measurements and statements of machine and reader, as fields."""
    statements = {"machine_statements": [], "reader_statements": []}
    measured = {}
    for source in (series, *beats):
        for annotations in source.findall("subjectOf/annotationSet"):
            person = annotations.find("author/assignedEntity/assignedAuthorType/assignedPerson")
            found = list(_global_annotations(annotations, within_beats=source in beats))
            lines = [
                line for kind, value in found if kind in _STATEMENTS for line in _statements(value)
            ]
            # Some converters write this as a statement, and no author.
            is_reader = person is not None or "CONFIRMED REPORT" in lines
            statements["reader_statements" if is_reader else "machine_statements"] += lines
            for kind, value in found if person is None else ():
                field, units = _MEASUREMENTS.get(kind.removesuffix("_GL"), ("", {}))
                unit = attribute_at(value, ".", "unit")
                amount = number(attribute_at(value, ".", "value"))
                amount *= units.get(unit, units.get(unit.casefold(), np.nan))
                # Makers write 0 for missing measurements.
                if amount > 0 or (amount <= 0 and field.endswith("_deg")):
                    measured.setdefault(field, amount)
    if (rr_ms := measured.pop("RR_interval_ms", 0)) > 0:
        measured.setdefault("heart_rate_bpm", 60_000 / rr_ms)
    return measured | {field: tuple(lines) for field, lines in statements.items()}


def _global_annotations(parent, within_beats):
    """Yield kind and value of each annotation of all leads and the whole recording."""
    for annotation in parent.findall("component/annotation"):
        kind = attribute_at(annotation, "code", "code").upper().partition("_ECG_")[2]
        boundaries = annotation.findall("support/supportingROI/component/boundary")
        of_lead = any("_LEAD_" in attribute_at(one, "code", "code").upper() for one in boundaries)
        if of_lead or (kind == "BEAT" and not within_beats):
            continue
        yield kind, annotation.find("value")
        yield from _global_annotations(annotation, within_beats)


def _statements(value):
    """Return the lines of a value, after its code if there is one."""
    if value is None:
        return []
    code = value.get("code", "").strip()
    # XML editors indent wrapped lines.
    lines = re.split(r"[\r\n]+(?=\S)", (value.text or "").strip() or value.get("displayName", ""))
    lines = [" ".join(line.split()) for line in lines]
    if code.startswith("MDC_"):
        return [f"mdc:{code} {' '.join(lines)}".strip()]
    return lines if any(lines) else [code]

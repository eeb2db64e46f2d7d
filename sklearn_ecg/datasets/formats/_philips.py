"""Philips XML (root ``restingecgdata``; SierraECG or PhilipsECG, 1.03 and 1.04).

The layout, without the parts that are not read; ``*`` may occur several times::

    restingecgdata @status              "Confirmed", or not
        documentinfo/documentversion
        dataacquisition @date @time
            machine @detaildescription  the model; the maker before the first colon
            acquirer                    institutionname, departmentname, facilityname
            signalcharacteristics       what 1.03 and 1.04 say in words of their own of the signal
        patient/generalpatientdata      patientid, age, sex
        measurements/globalmeasurements (1.03) or internalmeasurements/crossleadmeasurements (1.04)
        interpretations/interpretation*
            severity
            statement*                  statementcode, leftstatement: as they stand now
            interpretationdatastructure/statementcomponents/codedstatement*
                                        @source: the analysis program, or an editor
        waveforms
            parsedwaveforms             all leads, one after the other
            repbeats/repbeat* @leadname the representative beat, not compressed

Samples are signed little-endian 16-bit numbers, in base64 or as text. Compressed by ``XLI``, each
lead is a block::

    int32     bytes of what follows the 8 of this header
    int16     (unused)
    int16     first difference
    ...       LZW with codes of 10 bits, the highest first; it ends with code 1023

LZW gives the high bytes of all numbers, then the low ones: the first two samples, then 64 minus
each second difference. For III, aVR, aVL and aVF the blocks hold the difference to the value from I
and II.
"""

import re

import numpy as np

from sklearn_ecg.datasets.formats._recording import Recording
from sklearn_ecg.datasets.formats._xml import (
    EXPORT_AGAIN,
    age,
    attribute_at,
    checked_millivolts,
    iso_time,
    number,
    numbers_in,
    parse,
    plausible_fields,
    root_name,
    samples_in_base64,
    text_at,
    unique_leads,
)
from sklearn_ecg.records._report import RecordError
from sklearn_ecg.utils import LEADS_12

NAME = "Philips XML"

_LIMB_LEADS = LEADS_12[:6]
_NO_SAMPLE = 32767  # fills representative beats up to their length
_SIGNAL = "dataacquisition/signalcharacteristics"
_MEASURED = (
    "internalmeasurements/crossleadmeasurements",
    "measurements/globalmeasurements",
    "interpretations/interpretation/globalmeasurements",
    "interpretations/interpretation/interpretationmeasurements",
)
_MEASUREMENTS = {
    "heart_rate_bpm": ("meanventrate", "heartrate"),
    "P_duration_ms": ("meanpdur", "pdur"),
    "PR_interval_ms": ("meanprint", "print"),
    "QRS_duration_ms": ("meanqrsdur", "qrsdur"),
    "QT_interval_ms": ("meanqtint", "qtint"),
    "QTc_interval_ms": ("meanqtc", "qtcb"),
    "P_axis_deg": ("pfrontaxis",),
    "QRS_axis_deg": ("qrsfrontaxis",),
    "T_axis_deg": ("tfrontaxis",),
}


def is_mine(head):
    return root_name(head) == "restingecgdata"


def open_recording(content, name, waveform):
    root, remarks = parse(content, name)
    opened = _open_rhythm if waveform == "rhythm" else _open_median
    lead_names, sampling_rate, n_times, read, more = opened(root, name)
    return Recording(
        NAME, lead_names, sampling_rate, n_times, read, _fields_of(root), remarks + more
    )


def _open_rhythm(root, name):
    element = root.find("waveforms/parsedwaveforms")
    if element is None:
        raise RecordError(name, "holds no rhythm waveform", "Export it with its waveforms.")
    signal = root.find(_SIGNAL)
    sampling_rate = _rate(element.get("samplespersecond") or text_at(signal, "samplingrate"), name)
    scale_mv = _scale_mv(
        element.get("resolution") or text_at(signal, "resolution", "signalresolution"), name
    )
    zero = number(element.get("signaloffset") or text_at(signal, "signaloffset") or "0")
    lead_names, remarks = unique_leads(_labels(element, signal, name))
    n_times = _n_times(element.get("durationperchannel", ""), sampling_rate, name)
    compression = element.get("compressmethod") or element.get("compression") or ""
    is_compressed = element.get("compressflag", "True").casefold() == "true"
    if not is_compressed or compression.casefold() in ("", "none", "uncompressed"):
        compression = ""
    elif compression.upper() != "XLI":
        raise RecordError(
            name,
            f"is compressed by {compression!r}, of which nothing is published",
            "Export it uncompressed or by XLI.",
        )
    text, encoding = element.text or "", element.get("dataencoding", "")
    if np.isnan(zero):
        raise RecordError(name, "gives an offset that is no number", EXPORT_AGAIN)

    def counts(n_leads):
        shape = (n_leads, n_times)
        if compression:
            return _expanded(_bytes(text, encoding, name), lead_names, shape, name)
        numbers = _numbers(text, encoding, name)
        if len(numbers) != len(lead_names) * n_times:
            raise RecordError(
                name,
                f"holds {len(numbers)} samples instead of {n_times} for each of "
                f"{len(lead_names)} leads",
                EXPORT_AGAIN,
            )
        return numbers.reshape(-1, n_times)[:n_leads].astype(np.float32)

    def read():
        signals = counts(len(lead_names))
        for signal, lead in zip(signals, lead_names, strict=True):
            millivolts = (signal.astype(np.float64) - zero) * scale_mv
            signal[:] = checked_millivolts(millivolts, name, lead)
        return signals

    # The first lead alone tells whether the end is a pulse of 1 mV, as most recorders write it.
    pulse = np.abs((counts(1)[0, -n_times // 20 :] - zero) * scale_mv - 1) < 1e-3
    if np.count_nonzero(pulse) > 0.1 * sampling_rate:
        remarks.append(
            (
                "ends with the recorder's pulse of 1 mV for calibration, in all leads",
                "It is no part of the ECG: leave the last second out of what you measure.",
            )
        )
    return lead_names, sampling_rate, n_times, read, remarks


def _open_median(root, name):
    beats = root.find("waveforms/repbeats")
    elements = [] if beats is None else beats.findall("repbeat")
    if not elements:
        raise RecordError(name, "holds no representative beat", 'Open it with waveform="rhythm".')
    if beats.get("compression", "").casefold() not in ("", "none", "uncompressed"):
        raise RecordError(name, "compresses its representative beats", "Export them uncompressed.")
    sampling_rate = _rate(beats.get("samplespersec") or beats.get("samplespersecond") or "", name)
    scale_mv = _scale_mv(beats.get("resolution", ""), name)
    encoding = beats.get("dataencoding", "")
    lead_names, remarks = unique_leads([element.get("leadname", "") for element in elements])
    stored = []
    for element in elements:
        inner = element.find("waveform")
        holder = element if inner is None else inner
        length = _n_times(holder.get("duration", ""), sampling_rate, name)
        stored.append((holder.text or "", length))
    n_times = max(length for _, length in stored)
    if n_times > sum(len(text) for text, _ in stored):
        raise RecordError(name, "has representative beats that are cut", EXPORT_AGAIN)

    def read():
        signals = np.full((len(stored), n_times), np.nan, dtype=np.float32)
        for signal, lead, (text, length) in zip(signals, lead_names, stored, strict=True):
            numbers = _numbers(text, encoding, name)
            if len(numbers) != length:
                raise RecordError(
                    name,
                    f"holds {len(numbers)} samples instead of {length} of the representative "
                    f"beat in {lead}",
                    EXPORT_AGAIN,
                )
            millivolts = np.where(numbers == _NO_SAMPLE, np.nan, numbers * scale_mv)
            signal[:length] = checked_millivolts(millivolts, name, lead)
        return signals

    return lead_names, sampling_rate, n_times, read, remarks


def _rate(text, name):
    rate = number(text)
    if not 1 <= rate <= 1e5:
        raise RecordError(name, f"gives {text or '(nothing)'} as samples per second", EXPORT_AGAIN)
    return rate


def _scale_mv(text, name):
    microvolts = number(text)
    if not microvolts > 0:
        raise RecordError(
            name,
            f"gives {text or '(nothing)'} as microvolts of a bit, which is not above 0",
            EXPORT_AGAIN,
        )
    return microvolts / 1000


def _n_times(duration_ms, sampling_rate, name):
    n_times = number(duration_ms) * sampling_rate / 1000
    # A million samples are half an hour. Few bytes could claim to hold far more.
    if not 2 <= n_times <= 1e6:
        raise RecordError(
            name,
            f"gives {duration_ms or '(nothing)'} as milliseconds of each lead, at "
            f"{sampling_rate:g} samples per second",
            EXPORT_AGAIN,
        )
    return int(n_times + 1e-6)


def _labels(element, signal, name):
    """Return the names of the leads, which 1.03 does not write down."""
    for tag in ("nbitspersample", "bitspersample"):
        if element.get(tag, "16") != "16":
            raise RecordError(
                name, f"has {element.get(tag)} bits in a sample instead of 16", EXPORT_AGAIN
            )
    labels = element.get("leadlabels", "").split()
    if not labels and text_at(signal, "acquisitiontype", "leadset") in ("STD-12", "10-WIRE"):
        labels = list(LEADS_12)
    count = number(
        element.get("numberofleads")
        or text_at(signal, "numberchannelsallocated", "numberchannelsvalid")
    )
    # More can be named than are there.
    if not 1 <= count <= len(labels):
        raise RecordError(
            name, f"names {len(labels)} leads, and says that it has {count:g}", EXPORT_AGAIN
        )
    return labels[: int(count)]


def _bytes(text, encoding, name):
    """Return the bytes of base64 text."""
    if encoding.casefold() != "base64":
        raise RecordError(
            name,
            f"has samples in {encoding or '(no encoding)'!r} instead of Base64",
            EXPORT_AGAIN,
        )
    packed = samples_in_base64(text)
    if packed is None:
        raise RecordError(name, "has damaged base64 as samples", EXPORT_AGAIN)
    return packed


def _numbers(text, encoding, name):
    """Return samples that are not compressed."""
    if encoding.casefold() == "plain":
        numbers = numbers_in(text.replace(",", " "))
        if numbers is None:
            raise RecordError(name, "has samples that are no numbers", EXPORT_AGAIN)
        return numbers
    packed = _bytes(text, encoding, name)
    if len(packed) % 2:
        raise RecordError(name, "has half a sample at its end: it is cut", EXPORT_AGAIN)
    return np.frombuffer(packed, dtype="<i2")


def _expanded(data, lead_names, shape, name):
    """Return the incomplete leads of XLI blocks, of shape (n_leads, n_times)."""
    n_leads, n_times = shape
    # These hold whole numbers of 16 bits exactly, and become the signals in place.
    counts, offset = np.empty(shape, dtype=np.float32), 0
    for row, lead in zip(counts, lead_names, strict=False):
        size = int.from_bytes(data[offset : offset + 4], "little", signed=True)
        first = int.from_bytes(data[offset + 6 : offset + 8], "little", signed=True)
        block = data[offset + 8 : offset + 8 + size]
        samples = _summed(_decompressed(block, n_times), first) if 0 < size == len(block) else None
        if samples is None:
            raise RecordError(name, f"has damaged or cut samples of lead {lead}", EXPORT_AGAIN)
        row[:] = samples[:n_times]
        offset += 8 + size
    if n_leads == len(lead_names):
        _restore_limb_leads(counts, lead_names, name)
    return counts


def _restore_limb_leads(counts, lead_names, name):
    """Add the values from I and II to III, aVR, aVL and aVF, in place."""
    if lead_names[:6] == _LIMB_LEADS:
        one, two, three, right, left, foot = counts[:6]
        three[:] = two - one - three
        right[:] = -right - (one + two) // 2
        left[:] = (one - three) // 2 - left
        foot[:] = (two + three) // 2 - foot
    elif set(lead_names) & set(_LIMB_LEADS[2:]):
        raise RecordError(
            name,
            f"holds its compressed leads in the order {', '.join(lead_names)}",
            "Only the usual order is known to be read rightly; please show us a file.",
        )


def _decompressed(block, n_times):
    """Return the 16-bit numbers of LZW data, or None if it is damaged."""
    padded = np.zeros(-(-len(block) // 5) * 5, dtype=np.uint16)
    padded[: len(block)] = np.frombuffer(block, dtype=np.uint8)
    a, b, c, d, e = padded.reshape(-1, 5).T
    # Five bytes are four codes.
    codes = np.column_stack(
        [a << 2 | b >> 6, (b & 63) << 4 | c >> 4, (c & 15) << 6 | d >> 2, (d & 3) << 8 | e]
    ).ravel()[: len(block) * 8 // 10]
    ends = np.flatnonzero(codes == 1023)
    codes = codes[: ends[0]] if len(ends) else codes

    # Only the first codes add to the table. All that follow are found in it.
    table, previous = [bytes([letter]) for letter in range(256)], b""
    for code in codes[: 1023 - 256 + 1].tolist():
        if code > len(table) or (code == len(table) and not previous):
            return None
        word = table[code] if code < len(table) else previous + previous[:1]
        if previous:
            table.append(previous + word[:1])
        previous = word
    if len(codes) and codes.max() >= len(table):
        return None
    # Few bytes can stand for very many letters, if they are made for it.
    lengths = np.array([len(word) for word in table])
    if not 2 * n_times <= lengths[codes].sum() <= 4 * n_times:
        return None
    letters = b"".join([table[code] for code in codes.tolist()])
    high, low = np.frombuffer(letters + b"\0" * (len(letters) % 2), dtype=np.uint8).reshape(2, -1)
    return (high.astype(np.uint16) << 8 | low).view(np.int16)


def _summed(numbers, first):
    """Return the samples of second differences, or None if they exceed 16 bits."""
    if numbers is None:
        return None
    samples = np.empty(len(numbers), dtype=np.int64)
    samples[:1], samples[1:2] = numbers[:1], numbers[1:2] - numbers[:1].astype(np.int64)
    np.subtract(64, numbers[1:-1], out=samples[2:], dtype=np.int64)
    samples[2:3] = -first
    np.cumsum(samples[1:], out=samples[1:])
    np.cumsum(samples, out=samples)
    return samples if samples.min() >= -(2**15) and samples.max() < 2**15 else None


def _fields_of(root):
    patient = root.find("patient/generalpatientdata")
    acquisition, element = root.find("dataacquisition"), root.find("waveforms/parsedwaveforms")
    signal = root.find(_SIGNAL)
    recorded_at = iso_time(
        attribute_at(root, "dataacquisition", "date"), attribute_at(root, "dataacquisition", "time")
    )
    unit = next(
        (u for u in ("years", "months", "weeks", "days") if text_at(patient, f"age/{u}")), "years"
    )
    maker = attribute_at(acquisition, "machine", "detaildescription").partition(":")[0]
    places = [
        text_at(acquisition, f"acquirer/{tag}")
        for tag in ("institutionname", "facilityname", "departmentname")
    ]
    band = re.fullmatch("([0-9.]+)-([0-9.]+)", text_at(signal, "signalbandwidth"))
    written = {} if element is None else element.attrib
    is_notched = (written.get("notchfiltered") or text_at(signal, "notchfiltered")) == "True"
    return plausible_fields(
        patient_id=text_at(patient, "patientid", "MRN"),
        age_years=age(
            number(text_at(patient, f"age/{unit}")),
            unit,
            iso_time(text_at(patient, "age/dateofbirth", "dateofbirth")),
            recorded_at,
        ),
        sex={"male": "male", "female": "female"}.get(text_at(patient, "sex").casefold(), ""),
        recorded_at=recorded_at,
        device=f"{maker} {text_at(acquisition, 'machine')}".strip(),
        site=", ".join(dict.fromkeys(filter(None, places))),
        high_pass_hz=number(
            written.get("hipass") or text_at(signal, "hipass") or (band[1] if band else "")
        ),
        low_pass_hz=number(
            written.get("lowpass") or text_at(signal, "lowpass") or (band[2] if band else "")
        ),
        notch_hz=number(written.get("notchfilterfreqs") or text_at(signal, "notchfilterfreqs"))
        if is_notched
        else np.nan,
        **{
            field: number(text_at(root, *(f"{place}/{tag}" for place in _MEASURED for tag in tags)))
            for field, tags in _MEASUREMENTS.items()
        },
        **_statements_of(root),
    )


def _statements_of(root):
    """Return the statements of the machine, and those of whoever confirmed them."""
    machine, reader = [], []
    for interpretation in root.findall("interpretations/interpretation"):
        signature = text_at(interpretation, "mdsignatureline").casefold()
        is_confirmed = (
            signature.startswith("confirmed")
            or attribute_at(interpretation, "confirmingclinician", "date") != ""
            or (
                root.get("status", "").casefold() == "confirmed"
                and not signature.startswith(("unconfirmed", "preliminary"))
            )
        )
        standing = [
            _statement(text_at(one, "statementcode"), text_at(one, "leftstatement"))
            for one in interpretation.findall("statement")
        ]
        standing.append(text_at(interpretation, "severity").strip("- "))
        # The program's statement is kept beside the editors' version.
        coded = interpretation.findall(
            "interpretationdatastructure/statementcomponents/codedstatement"
        )
        is_edited = any(
            one.get("source", "").casefold() == "editor" or one.get("deleted") == "True"
            for one in coded
        )
        by_program = [
            _statement(
                attribute_at(one, "unparsedstatement", "code"),
                *(modifier.text or "" for modifier in one.findall("modifiers/modifier")),
                text_at(one, "unparsedstatement/lhsstatement"),
            )
            for one in coded
            if one.get("source", "").casefold() != "editor"
        ]
        (reader if is_confirmed else machine).extend(
            [] if is_edited and not is_confirmed else standing
        )
        if is_confirmed or is_edited:
            machine += by_program
    return {"machine_statements": tuple(machine), "reader_statements": tuple(reader)}


def _statement(code, *words):
    # ">>> Acute MI <<<" is an acute MI.
    text = " ".join(" ".join(words).split()).strip("<> ")
    return f"philips:{code} {text}".strip() if code else text

"""Small files of each format, as recorders and hospital systems write them.

Each function takes a signal in whole uV of shape (2, n_times), of the leads I and II at
`make.RATE`, and returns the content of a file.
"""

import base64
import binascii
import struct
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from faults import make
from sklearn_ecg import ECGRecords
from sklearn_ecg.datasets import write_ecg_files

SAID = "Atrial fibrillation"


def muse(mv, gain="1", patient="P7", sex="FEMALE", date="03-31-2012", encoding="ISO-8859-1"):
    """GE MUSE XML."""
    leads = "".join(
        f"<LeadData><LeadID>{name}</LeadID><LeadSampleCountTotal>{len(own)}</LeadSampleCountTotal>"
        f"<LeadAmplitudeUnitsPerBit>{gain}</LeadAmplitudeUnitsPerBit><LeadAmplitudeUnits>MICROVOLTS"
        f"</LeadAmplitudeUnits><LeadSampleSize>2</LeadSampleSize><WaveFormData>{_base64(own)}"
        "</WaveFormData></LeadData>"
        for name, own in zip(make.LEADS, mv, strict=True)
    )
    return (
        f'<?xml version="1.0" encoding="{encoding}"?><RestingECG><MuseInfo><MuseVersion>8'
        f"</MuseVersion></MuseInfo><PatientDemographics><PatientID>{patient}</PatientID><Gender>{sex}</Gender>"
        "</PatientDemographics><TestDemographics><AcquisitionTime>07:08:09</AcquisitionTime>"
        f"<AcquisitionDate>{date}</AcquisitionDate></TestDemographics><OriginalDiagnosis>"
        f"<DiagnosisStatement><StmtText>{SAID}</StmtText></DiagnosisStatement></OriginalDiagnosis>"
        f"<Waveform><WaveformType>Rhythm</WaveformType><SampleBase>{make.RATE}</SampleBase>"
        f"<SampleExponent>0</SampleExponent>{leads}</Waveform></RestingECG>"
    ).encode(encoding)


def aecg(mv, scale="1", patient="P8", time="20121130101112", step=1 / make.RATE, more=""):
    """HL7 aECG."""
    leads = "".join(
        f'<component><sequence><code code="MDC_ECG_LEAD_{name}"/><value xsi:type="SLIST_PQ">'
        f'<origin value="0" unit="uV"/><scale value="{scale}" unit="uV"/>'
        f"<digits>{' '.join(map(str, _microvolts(own)))}</digits></value></sequence></component>"
        for name, own in zip(make.LEADS, mv, strict=True)
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{more}<AnnotatedECG xmlns="urn:hl7-org:v3" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f'<effectiveTime><center value="{time}"/></effectiveTime><componentOf><timepointEvent>'
        "<componentOf><subjectAssignment><subject><trialSubject>"
        f'<id extension="{patient}"/></trialSubject></subject></subjectAssignment>'
        '</componentOf></timepointEvent></componentOf><component><series><code code="RHYTHM"/>'
        '<component><sequenceSet><component><sequence><code code="TIME_RELATIVE"/>'
        f'<value xsi:type="GLIST_PQ"><head value="0" unit="s"/><increment value="{step}" unit="s"/>'
        f"</value></sequence></component>{leads}</sequenceSet></component></series></component>"
        "</AnnotatedECG>"
    ).encode()


def philips(mv, resolution="1", date="2010-01-19"):
    """Philips XML of version 1.04."""
    count = mv.shape[1]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<restingecgdata xmlns="http://www3.medical.philips.com" status="Confirmed">'
        "<documentinfo><documentversion>1.04</documentversion></documentinfo>"
        f'<dataacquisition date="{date}" time="15:19:22"><signalcharacteristics>'
        f"<samplingrate>{make.RATE}</samplingrate><resolution>{resolution}</resolution>"
        "<numberchannelsallocated>2</numberchannelsallocated></signalcharacteristics>"
        "</dataacquisition><patient><generalpatientdata><patientid>P9</patientid>"
        "</generalpatientdata></patient><waveforms>"
        '<parsedwaveforms dataencoding="Base64" numberofleads="2" leadlabels="I II" '
        f'durationperchannel="{count * 1000 // make.RATE}" samplespersecond="{make.RATE}" '
        f'resolution="{resolution}" bitspersample="16">{_base64(mv)}</parsedwaveforms></waveforms>'
        "</restingecgdata>"
    ).encode()


def scp(mv, unit_nv=1000):
    """SCP-ECG (EN 1064), not compressed."""
    count = mv.shape[1]
    leads = struct.pack("<BB", 2, 4) + struct.pack("<IIBIIB", 1, count, 1, 1, count, 2)
    microseconds = round(1e6 / make.RATE)
    waves = struct.pack("<HHBBHH", unit_nv, microseconds, 0, 0, 2 * count, 2 * count)
    waves += _microvolts(mv).tobytes()
    bodies, pointers, place = b"", b"", 7 + 16 + 120
    for number in range(1, 12):
        body = {3: leads, 6: waves}.get(number, b"")
        size = 16 + len(body) if body else 0
        pointers += struct.pack("<HII", number, size, place if size else 0)
        if size:
            bodies += _with_checksum(struct.pack("<HIBB6x", number, size, 20, 20) + body)
            place += size
    head = struct.pack("<HIBB6s", 0, 136, 20, 20, b"SCPECG") + struct.pack("<HII", 0, 136, 7)
    content = _with_checksum(head + pointers) + bodies
    return _with_checksum(struct.pack("<I", 6 + len(content)) + content)


def ishne(mv, unit_nv=1000, year=1999):
    """ISHNE Holter."""
    content = bytearray(522)
    struct.pack_into("<8sH4ih", content, 0, b"ISHNE1.0", 0, 0, mv.shape[1], 522, 522, 1)
    struct.pack_into("<12h", content, 132, 1, 7, 1890, 31, 12, year, 1, 1, 2000, 23, 59, 58)
    struct.pack_into("<13h", content, 156, 2, 5, 6, *[-9] * 10)
    struct.pack_into("<12h", content, 206, unit_nv, unit_nv, *[-9] * 10)
    struct.pack_into("<h40sh", content, 230, 0, b"digital", make.RATE)
    struct.pack_into("<H", content, 8, binascii.crc_hqx(content[10:], 0xFFFF))
    return bytes(content) + _microvolts(mv).T.tobytes()


def written(mv, format, time="2012-03-31T07:08:09"):
    """DICOM, EDF or CSV as we write them."""
    metadata = {"recorded_at": np.array([time], "datetime64[s]"), "sex": ["female"]}
    fields = {"lead_names": make.LEADS, "ids": ["r"], "groups": ["P7"]}
    records = ECGRecords(mv[np.newaxis], make.RATE, metadata=pd.DataFrame(metadata), **fields)
    with tempfile.TemporaryDirectory() as folder:
        file = write_ecg_files(records, folder, format)["file"].iloc[0]
        return Path(folder, file).read_bytes()


def _microvolts(mv):
    return np.round(mv * 1000).astype("<i2")


def _base64(mv):
    return base64.b64encode(_microvolts(mv).tobytes()).decode()


def _with_checksum(content):
    return struct.pack("<H", binascii.crc_hqx(content, 0xFFFF)) + content


FORMATS = {
    "MUSE": muse,
    "aECG": aecg,
    "Philips": philips,
    "SCP": scp,
    "ISHNE": ishne,
    "DICOM": partial(written, format="dicom"),
    "EDF": partial(written, format="edf"),
    "CSV": partial(written, format="csv"),
}
SUFFIXES = {
    "MUSE": ".xml",
    "aECG": ".xml",
    "Philips": ".xml",
    "SCP": ".scp",
    "ISHNE": ".ecg",
    "DICOM": ".dcm",
    "EDF": ".edf",
    "CSV": ".csv",
}


def folder_of(folder="f", formats=("MUSE", "aECG"), seconds=4):
    """Write a good file of each format; return their signals by id."""
    Path(folder).mkdir(exist_ok=True)
    good = {}
    for seed, format in enumerate(formats):
        name = f"g{seed}{SUFFIXES[format]}"
        good[name] = make.signal(seed, seconds=seconds)
        Path(folder, name).write_bytes(FORMATS[format](good[name]))
    return good

"""Files of hospital formats in any number: none is like another, and readers of others take them.

Formats of which a real file is at hand repeat it, each time with another patient or comment; the
others hold simulated records.
"""

import base64
import binascii
import struct
import tempfile
from pathlib import Path

import numpy as np

from benchmarks._data import data_folder
from sklearn_ecg.datasets import make_ecg_records, write_ecg_files

_WRITTEN = {"DICOM": "dicom", "EDF": "edf", "WFDB": "wfdb", "CSV": "csv"}
FORMATS = (
    "DICOM",
    "SCP-ECG",
    "GE MUSE XML",
    "HL7 aECG",
    "Philips XML",
    "EDF",
    "ISHNE",
    "WFDB",
    "CSV",
)


def write_files(folder, n_files, *, seconds=10.0):
    """Write so many files, in a folder per format, and return these folders by format."""
    counts = {name: n_files // len(FORMATS) for name in FORMATS}
    counts["DICOM"] += n_files - sum(counts.values())
    records = make_ecg_records(max(counts.values()), duration_s=seconds, random_state=0)
    folders = {name: Path(folder) / name.replace(" ", "_") for name in FORMATS}
    for name, own in folders.items():
        own.mkdir(parents=True)
        if name in _WRITTEN:
            write_ecg_files(records[: counts[name]], own, _WRITTEN[name])
            # No ECG: the table of labels that is written beside them.
            for table in ("labels.csv", "records.csv"):
                (own / table).unlink()
            continue
        for i in range(counts[name]):
            (own / f"{i:04d}{_SUFFIXES[name]}").write_bytes(_MAKERS[name](i, records.signals[i]))
    return folders


def one_file(name, seconds):
    """Return one short file of a format, and for WFDB the file of its signals."""
    with tempfile.TemporaryDirectory() as folder:
        own = write_files(folder, len(FORMATS), seconds=seconds)[name]
        return {path.name: path.read_bytes() for path in sorted(own.iterdir())}


def _real(name):
    return (data_folder("hospital") / name).read_bytes()


def _with_comment(name, i):
    content = _real(name)
    encoding = "utf-16-le" if content.startswith(b"\xff\xfe") else "utf-8"
    return content + f"<!-- {i} -->\n".encode(encoding)


def _muse(i, signal):
    """Eight leads of 4.88 uV per bit, as most files have."""
    leads = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
    rows = np.round(signal[[0, 1, *range(6, 12)]] * 1000 / 4.88).astype("<i2")
    parts = [
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<RestingECG><PatientDemographics>'
        f"<PatientID>{i:06d}</PatientID><PatientAge>63</PatientAge><AgeUnits>YEARS</AgeUnits>"
        "<Gender>MALE</Gender></PatientDemographics><TestDemographics><AcquisitionDate>"
        "05-04-2026</AcquisitionDate><AcquisitionTime>10:11:12</AcquisitionTime>"
        "</TestDemographics><Waveform><WaveformType>Rhythm</WaveformType><SampleType>"
        "CONTINUOUS_SAMPLES</SampleType><SampleBase>500</SampleBase><SampleExponent>0"
        "</SampleExponent>"
    ]
    for lead, row in zip(leads, rows, strict=True):
        packed = row.tobytes()
        parts.append(
            f"<LeadData><LeadByteCountTotal>{len(packed)}</LeadByteCountTotal><LeadTimeOffset>0"
            f"</LeadTimeOffset><LeadSampleCountTotal>{len(row)}</LeadSampleCountTotal>"
            "<LeadAmplitudeUnitsPerBit>4.88</LeadAmplitudeUnitsPerBit><LeadAmplitudeUnits>"
            "MICROVOLTS</LeadAmplitudeUnits><LeadHighLimit>32767</LeadHighLimit><LeadLowLimit>"
            f"-32768</LeadLowLimit><LeadID>{lead}</LeadID><LeadOffsetFirstSample>0"
            "</LeadOffsetFirstSample><FirstSampleBaseline>0</FirstSampleBaseline><LeadSampleSize>2"
            "</LeadSampleSize><LeadOff>FALSE</LeadOff><BaselineSway>FALSE</BaselineSway>"
            f"<LeadDataCRC32>{binascii.crc32(packed)}</LeadDataCRC32><WaveFormData>\n"
            f"{base64.encodebytes(packed).decode()}</WaveFormData></LeadData>"
        )
    return ("".join(parts) + "</Waveform></RestingECG>\n").encode("latin-1")


def _scp(i, signal):
    """The real file with another patient's number, and the checksums of that."""
    content = bytearray(_real("same-ecg.scp"))
    at = content.index(b"SBJ-123")
    content[at : at + 7] = b"%07d" % i
    entries = 6 + 16  # of the table of sections, in section 0
    for entry in range(entries, 6 + struct.unpack_from("<I", content, 6 + 4)[0], 10):
        _, length, begin = struct.unpack_from("<HII", content, entry)
        if length and begin <= at < begin + length:
            section = content[begin + 1 : begin - 1 + length]
            struct.pack_into("<H", content, begin - 1, binascii.crc_hqx(section, 0xFFFF))
    struct.pack_into("<H", content, 0, binascii.crc_hqx(content[2:], 0xFFFF))
    return bytes(content)


def _ishne(i, signal):
    """Twelve leads of 1 uV per bit."""
    n_leads, n_times = signal.shape
    header = struct.pack("<iiiih", 0, n_times, 522, 522, 1)
    header += bytes(80) + f"{i:06d}".encode().ljust(20, b"\0")
    header += struct.pack("<14h", 1, 0, 1, 2, 1960, 4, 5, 2026, 4, 5, 2026, 10, 11, 12)
    header += struct.pack("<h12h", n_leads, *range(5, 17))
    header += struct.pack("<12h12hh", *[0] * 12, *[1000] * 12, 0)
    header += b"digital".ljust(40, b"\0") + struct.pack("<h", 500) + bytes(248)
    samples = np.round(signal.T * 1000).astype("<i2").tobytes()
    checksum = struct.pack("<H", binascii.crc_hqx(header, 0xFFFF))
    return b"ISHNE1.0" + checksum + header + samples


_SUFFIXES = {"SCP-ECG": ".scp", "ISHNE": ".ecg"}
_SUFFIXES |= dict.fromkeys(("GE MUSE XML", "HL7 aECG", "Philips XML"), ".xml")
_MAKERS = {
    "SCP-ECG": _scp,
    "GE MUSE XML": _muse,
    "HL7 aECG": lambda i, signal: _with_comment("same-ecg.aecg.xml", i),
    "Philips XML": lambda i, signal: _with_comment(f"philips-1.0{3 + i % 2}.xml", i),
    "ISHNE": _ishne,
}

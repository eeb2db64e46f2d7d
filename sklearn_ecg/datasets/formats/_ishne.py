"""ISHNE Holter 1.0 (Badilini 1998), of Holter recorders and of the THEW archive.

All numbers are little-endian and signed; numbers without a size have 2 bytes.

====  ==============================================================================================
byte  content
====  ==============================================================================================
0     "ISHNE1.0"
8     checksum: CRC-CCITT from byte 10 to the end of the block of variable length, begun with 0xFFFF
10    4 bytes each: length of the block of variable length, samples, places of that block and of the
      ECG
26    version of the file
28    first name (40 bytes), last name (40), patient's id (20); sex: 1 male, 2 female; race
132   day, month and year of birth, of the recording and of the file
150   hour, minute and second of the first sample
156   number of leads, to 12; for each of 12 its code, its quality, and the nV of a unit
230   pacemaker; kind of the recorder (40 bytes); sampling rate in Hz
274   maker's own (80 bytes), copyright (80), reserved (88)
522   block of variable length, then the ECG: 2 bytes for each lead at each time; -32768 is a fault
====  ==============================================================================================

Makers compute the checksum differently or write 0, and count samples of one lead, of all leads or
nominal ones. A wrong checksum gives a remark. The ECG is as long as the file's bytes; if the header
gives another length, there is a remark, too.
"""

import binascii
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
from sklearn_ecg.datasets.formats._recording import Recording
from sklearn_ecg.utils import LEADS_12

NAME = "ISHNE"

_HEADER_BYTES = 522
_FAULT = -(2**15)
_LEADS = ("X", "Y", "Z", *LEADS_12, "ES", "AS", "AI")  # codes 2 to 19
_BLOCK_TIMES = 2**13


def is_mine(head):
    """Return whether these are the first bytes of an ISHNE Holter file."""
    return head[:8] == b"ISHNE1.0"


def open_recording(content, name, waveform):
    """Read the header of an ISHNE Holter file."""
    with naming_damage(name):
        if waveform == "median":
            raise DamagedError("holds no median waveform, as no ISHNE file does")
        return _open(content)


def _open(content):
    if len(content) < _HEADER_BYTES:
        raise DamagedError("is cut short: it ends inside its header")
    block_size, n_told, _, place = struct.unpack_from("<4i", content, 10)
    n_leads = struct.unpack_from("<h", content, 156)[0]
    sampling_rate = struct.unpack_from("<h", content, 272)[0]
    begin = _HEADER_BYTES + block_size
    if block_size < 0 or begin > len(content):
        raise DamagedError(f"is damaged: a block of {block_size} bytes follows its header")
    if not 1 <= n_leads <= 12 or sampling_rate < 1:
        raise DamagedError(f"is damaged: it tells of {n_leads} leads at {sampling_rate} Hz")
    # Some leave room before the ECG; from its place on, it is as long as they say.
    if place > begin and len(content) - place in (2 * n_told, 2 * n_told * n_leads):
        begin = place
    remarks = []
    n_times, n_over = divmod(len(content) - begin, 2 * n_leads)
    if n_times == 0:
        raise DamagedError("holds no samples")
    if n_told not in (n_times, n_times * n_leads) or n_over or place != begin:
        remarks.append(
            (
                f"tells of {n_told} samples from byte {place}, and has {n_times} of each lead from "
                f"byte {begin}",
                "These are read: see whether they are all, and export it again if not.",
            )
        )
    checksum = struct.unpack_from("<H", content, 8)[0]
    computed = binascii.crc_hqx(content[10 : _HEADER_BYTES + block_size], 0xFFFF)
    if checksum not in (0, computed, computed >> 8 | (computed & 0xFF) << 8):
        remarks.append(
            (
                "has a wrong checksum of its header",
                "See whether the amplitudes and the rate of its signals can be right.",
            )
        )
    leads = _read_leads(content, n_leads, n_times, remarks)
    samples = np.frombuffer(content, "<i2", n_times * n_leads, begin).reshape(n_times, n_leads)
    return Recording(
        format=NAME,
        lead_names=tuple(name for _, name, _ in leads),
        sampling_rate=float(sampling_rate),
        n_times=n_times,
        read=functools.partial(
            _read, samples, [place for place, _, _ in leads], [unit_nv for _, _, unit_nv in leads]
        ),
        fields=_read_fields(content),
        remarks=remarks,
    )


def _read_leads(content, n_leads, n_times, remarks):
    """Return place, name and nV of a unit of each recorded lead."""
    codes = struct.unpack_from("<12h", content, 158)[:n_leads]
    units_nv = struct.unpack_from("<12h", content, 206)[:n_leads]
    # Codes 0 and 1 are of any lead.
    names = [_LEADS[code - 2] if 2 <= code < 2 + len(_LEADS) else "ECG" for code in codes]
    once = each_once(names, [n_times] * n_leads, remarks)
    for place, name in once:
        if units_nv[place] <= 0:
            raise DamagedError(f"is damaged: a unit of lead {name} has {units_nv[place]} nV")
    return [(place, name, units_nv[place]) for place, name in once]


def _read(samples, places, units_nv):
    """Return leads in mV, converted block by block, for a day of samples is large."""
    signals = np.empty((len(places), len(samples)), dtype=np.float32)
    units_nv = np.array(units_nv, dtype=np.int32)[:, None]
    for start in range(0, len(samples), _BLOCK_TIMES):
        block = samples[start : start + _BLOCK_TIMES, places].T
        mv = signals[:, start : start + _BLOCK_TIMES]
        np.divide(block * units_nv, 1e6, out=mv, casting="same_kind")
        mv[block == _FAULT] = np.nan
    return signals


def _read_fields(content):
    born, recorded = (date_of(*struct.unpack_from("<3h", content, at)[::-1]) for at in (132, 138))
    fields = {
        "patient_id": _text(content[108:128]),
        "sex": {1: "male", 2: "female"}.get(struct.unpack_from("<h", content, 128)[0], ""),
        "device": _text(content[232:272]),
    }
    if recorded is not None:
        fields["recorded_at"] = time_on(recorded, *struct.unpack_from("<3h", content, 150))
        if born is not None and born < recorded:
            fields["age_years"] = int((recorded - born).astype(int)) / 365.25
    return {field: value for field, value in fields.items() if value != ""}


def _text(value):
    return " ".join(value.split(b"\0")[0].decode("latin-1").split())

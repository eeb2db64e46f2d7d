"""SCP-ECG, written here by the published layout."""

import binascii
import struct
import tracemalloc

import numpy as np
import pytest

from sklearn_ecg.datasets.formats import _scp
from sklearn_ecg.records._report import RecordError

# Of the standard's Annex C: 0, then ones by the size, a zero and the sign, then 8 or 16 bits.
STANDARD = {0: "0"} | {
    sign * size: "1" * size + "0" + "01"[sign < 0] for size in range(1, 9) for sign in (1, -1)
}


def standard_code(value):
    if value in STANDARD:
        return STANDARD[value]
    width = 8 if -128 <= value < 128 else 16
    return ("1111111110" if width == 8 else "1111111111") + f"{value % (1 << width):0{width}b}"


def two_tables_code(values):
    """Small values by the first table, runs of larger ones by the second, which takes two bits."""
    bits, is_second = "", False
    for value in values:
        if is_second != (abs(value) > 1):
            bits += "00" if is_second else "111"
            is_second = not is_second
        if is_second:
            bits += "01" + "0" * 18 + f"1{value % (1 << 16):016b}"
        else:
            bits += {0: "0", 1: "10", -1: "110"}[value]
    return bits


def code(prefix, n_bits, mode, base):
    return struct.pack("<BBBhI", len(prefix), n_bits, mode, base, int(prefix[::-1], 2))


TWO_TABLES = (
    struct.pack("<HH", 2, 4)
    + code("0", 1, 1, 0) + code("10", 2, 1, 1) + code("110", 3, 1, -1) + code("111", 3, 0, 2)
    + struct.pack("<H", 2)
    + code("00", 2, 0, 1) + code("01" + "0" * 18 + "1", 37, 1, 0)
)  # fmt: skip
TABLES = {"none": None, "standard": struct.pack("<H", 19999), "two": TWO_TABLES}


def write_lead(samples, tables="none", differences=0):
    # So many samples stand as they are; differences that leave 16 bits wrap around.
    values = np.r_[samples[:differences], np.diff(samples, differences)]
    values = values.astype(np.int16)
    if tables == "none":
        return values.astype("<i2").tobytes()
    if tables == "two":
        bits = two_tables_code(values.tolist())
    else:
        bits = "".join(map(standard_code, values.tolist()))
    bits += "0" * (-len(bits) % 16)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def write_waves(leads, unit_nv=2500, interval=2000, tables="none", differences=0, bimodal=0):
    data = [write_lead(lead, tables, differences) for lead in leads]
    return struct.pack(
        f"<HHBB{len(data)}H", unit_nv, interval, differences, bimodal, *map(len, data)
    ) + b"".join(data)


def write_leads(*leads, flags=4):
    return struct.pack("<BB", len(leads), flags) + b"".join(
        struct.pack("<IIB", *lead) for lead in leads
    )


def write_tags(**tags):
    values = [(int(tag[1:]), value) for tag, value in tags.items()] + [(255, b"")]
    return b"".join(struct.pack("<BH", tag, len(value)) + value for tag, value in values)


def write_statements(statements, confirmed=0):
    return struct.pack("<BHBBBBBB", confirmed, 2020, 1, 2, 3, 4, 5, len(statements)) + b"".join(
        struct.pack("<BH", i, len(text)) + text for i, text in enumerate(statements, 1)
    )


def checksum(content):
    return struct.pack("<H", binascii.crc_hqx(content, 0xFFFF)) + content


def write_record(sections, version=20):
    """Return a record of these bodies of sections, by number."""
    sections = {number: body for number, body in sections.items() if body is not None}
    place, pointers, bodies = 7 + 16 + 120, b"", b""
    for number in range(1, 12):
        body = sections.get(number)
        size = 0 if body is None else 16 + len(body)
        pointers += struct.pack("<HII", number, size, place if size else 0)
        if size:
            header = struct.pack("<HIBB6x", number, size, version, version)
            bodies += checksum(header + body)
            place += size
    header = struct.pack("<HIBB6s", 0, 136, version, version, b"SCPECG")
    bodies = checksum(header + struct.pack("<HII", 0, 136, 7) + pointers) + bodies
    return checksum(struct.pack("<I", 6 + len(bodies)) + bodies)


def write_simple(tables="none", differences=0, n_times=500, **sections):
    """Return a record of the leads I and V1, and its samples in units of 2.5 uV."""
    signals = np.random.default_rng(0).integers(-3, 4, (2, n_times)).cumsum(axis=1)
    signals[0, 100:105] = [20000, -20000, 300, -32768, 32767]
    content = {
        2: TABLES[tables],
        3: write_leads((1, n_times, 1), (1, n_times, 3)),
        6: write_waves(signals, tables=tables, differences=differences),
    } | {int(number[1:]): body for number, body in sections.items()}
    return write_record(content), signals


def read(content, waveform="rhythm"):
    recording = _scp.open_recording(content, "a.scp", waveform)
    signals = recording.read()
    assert signals.dtype == np.float32
    assert signals.shape == (len(recording.lead_names), recording.n_times)
    return signals


@pytest.mark.parametrize("differences", [0, 1, 2])
@pytest.mark.parametrize("tables", TABLES)
def test_samples_return_as_written(tables, differences):
    content, signals = write_simple(tables, differences, n_times=4000)
    recording = _scp.open_recording(content, "a.scp", "rhythm")
    assert (recording.sampling_rate, recording.n_times) == (500.0, 4000)
    assert recording.lead_names == ("I", "V1")
    assert recording.remarks == []
    np.testing.assert_array_equal(recording.read(), np.float32(signals * 2.5 / 1000))


def test_standard_codes_by_hand():
    # 5, -5, 100 in 8 bits, -300 in 16, and 0.
    bits = "11111001111101111111111001100100111111111111111110110101000"
    data = int(bits.ljust(64, "0"), 2).to_bytes(8, "big")
    content = write_record(
        {
            2: TABLES["standard"],
            3: write_leads((1, 5, 61)),
            6: struct.pack("<HHBBH", 1000, 1000, 0, 0, len(data)) + data,
        }
    )
    np.testing.assert_allclose(read(content), [[0.005, -0.005, 0.1, -0.3, 0]], rtol=1e-6)
    assert _scp.open_recording(content, "a.scp", "rhythm").lead_names == ("III",)


def beats_section(length_ms, fiducial, beats, protected=()):
    return (
        struct.pack("<HHH", length_ms, fiducial, len(beats))
        + b"".join(struct.pack("<HIII", *beat) for beat in beats)
        + b"".join(struct.pack("<II", *area) for area in protected)
    )


def test_subtracted_beats_are_added():
    rng = np.random.default_rng(1)
    median = rng.integers(-500, 500, (2, 100))  # units of 5 uV
    signals = rng.integers(-1000, 1000, (2, 700))  # units of 2.5 uV
    # The beats' fiducials; the last is of another type, and the first begins before the record.
    beats = [(0, 1, 20, 70), (0, 181, 220, 260), (0, 400, 430, 490), (1, 600, 630, 660)]
    residual = signals.copy()
    for kind, first, fiducial, last in beats:
        if kind == 0:
            times = np.arange(first, last + 1)
            residual[:, times - 1] -= 2 * median[:, times - fiducial + 40 - 1]
    content = write_record(
        {
            2: TABLES["standard"],
            3: write_leads((1, 700, 1), (1, 700, 2), flags=5),
            4: beats_section(200, 40, beats),
            5: write_waves(median, 5000, tables="standard", differences=1),
            6: write_waves(residual, 2500, tables="standard", differences=2),
        }
    )
    np.testing.assert_allclose(read(content), signals * 2.5e-3, atol=1e-6)
    np.testing.assert_array_equal(read(content, "median"), np.float32(median * 5e-3))


def decimated(signal, protected, step):
    """Return every sample of protected areas, and means of so many elsewhere."""
    values, at = [], 0
    while at < len(signal):
        if protected[at]:
            values.append(signal[at])
            at += 1
        else:
            values.append(round(signal[at : at + step].mean()))
            at += step
    return values


@pytest.mark.parametrize(("first", "rate"), [(1, 500), (101, 240)])
def test_bimodal_rhythm(first, rate):
    n_times, step = 1200, 4
    times = np.arange(n_times)
    signals = np.array([1000 * np.sin(times / 80), np.full(n_times, 7)]).round().astype(int)
    areas = [(201, 300), (601, 680)]
    protected = np.zeros(n_times, dtype=bool)
    for begin, end in areas:
        protected[begin - 1 : end] = True
        signals[0, begin - 1 : end : 3] += 4000
    median = np.zeros((2, 100), dtype=int)
    leads = [decimated(signal[first - 1 :], protected[first - 1 :], step) for signal in signals]
    sections = {
        2: TABLES["standard"],
        3: write_leads((first, n_times, 1), (first, n_times, 2), flags=5),
        4: beats_section(200, 50, [(1, 0, 250, 0)] * 3, [*areas, (0, 1000)]),
        5: write_waves(median, interval=round(1e6 / rate), tables="standard"),
        6: write_waves(
            leads, interval=round(4e6 / rate), tables="standard", differences=2, bimodal=1
        ),
    }
    result = read(write_record(sections)) / 2.5e-3
    signals, protected = signals[:, first - 1 :], protected[first - 1 :]
    np.testing.assert_allclose(result[:, protected], signals[:, protected], rtol=1e-6)
    np.testing.assert_allclose(result[1], 7, rtol=1e-6)
    # Within areas the slope is followed; at their edges, half a mean's samples are held.
    assert np.abs(result - signals).max() < 1.5 * 1000 / 80 + 1
    assert np.abs(result - signals)[0, 10:90].max() < 1.5
    assert _scp.open_recording(write_record(sections), "a.scp", "rhythm").sampling_rate == rate


def test_leads_one_after_the_other():
    signals = np.arange(1, 31).reshape(3, 10)
    content = write_record(
        {3: write_leads((11, 20, 1), (21, 30, 0), (21, 30, 0)), 6: write_waves(signals)}
    )
    recording = _scp.open_recording(content, "a.scp", "rhythm")
    assert recording.lead_names == ("I", "ECG 1", "ECG 2")
    expected = np.full((3, 20), np.nan)
    expected[0, :10], expected[1:, 10:] = signals[0], signals[1:]
    np.testing.assert_allclose(recording.read(), expected * 2.5e-3, rtol=1e-6)


def test_the_longest_of_leads_that_are_there_twice():
    # Leads of 10 samples each, and V1 again all the time.
    leads = [range(10), range(10, 20), range(100, 120)]
    content = write_record(
        {3: write_leads((1, 10, 3), (11, 20, 1), (1, 20, 3)), 6: write_waves(leads)}
    )
    recording = _scp.open_recording(content, "a.scp", "rhythm")
    assert recording.lead_names == ("V1", "I")
    assert "holds lead V1 2 times" in recording.remarks[0][0]
    expected = np.array([np.arange(100, 120), [np.nan] * 10 + list(range(10, 20))])
    np.testing.assert_allclose(recording.read(), expected * 2.5e-3, rtol=1e-6)


def test_leads_by_their_codes():
    codes = [0, 1, 8, 16, 20, 30, 31, 60, 61, 64, 65, 69, 73, 78, 79, 85, 86, 255]
    content = write_record(
        {
            3: write_leads(*[(1, 3, code) for code in codes]),
            6: write_waves([[1, 2, 3]] * len(codes)),
        }
    )
    assert _scp.open_recording(content, "a.scp", "rhythm").lead_names == (
        *("ECG", "I", "V6", "X", "CM5", "fH", "I-cal", "fH-cal", "III", "aVF", "-aVR", "V9R"),
        *("defibrillator", "A4", "V8-cal", "J-cal", "lead 86", "lead 255"),
    )


DEVICE = struct.pack("<HHHBB6sBBBBB16xB", 1, 2, 3, 0, 7, b"MAC55\0", 20, 0, 0x37, 0, 1, 4)


def test_fields():
    content, _ = write_simple(
        s1=write_tags(
            t0=b"Secret\0",
            t2="Päl-7\0".encode(),
            t4=struct.pack("<HB", 18, 2),
            t8=b"\2",
            t14=DEVICE + b"1.0\0serial\0\0\0\0",
            t16=b"St. Anna\0",
            t18=b"Ward 3\0",
            t25=struct.pack("<HBB", 1899, 12, 31),
            t26=bytes([23, 59, 58]),
            t27=struct.pack("<H", 5),
            t28=struct.pack("<H", 150),
            t29=b"\2",
        ),
        s7=struct.pack("<BBHH5H3h", 1, 1, 800, 29999, 100, 200, 260, 350, 29999, -30, 999, 45)
        + bytes(10)
        + struct.pack("<HBBHHHB", 2, 0, 0, 29999, 0, 431, 1),
        s8=write_statements(["Sinusrhythmus,  Herzblock 1°\0".encode()], confirmed=0),
        s11=write_statements([b"\1AFIB\0", b"\1IMI\0PO\0", b"\2Other text\0", b"\0031 AND 2\0"], 1),
    )
    recording = _scp.open_recording(content, "a.scp", "rhythm")
    assert recording.remarks == []
    assert recording.fields == {
        "patient_id": "Päl-7",
        "age_years": 1.5,
        "sex": "female",
        "recorded_at": np.datetime64("1899-12-31T23:59:58"),
        "device": "Marquette MAC55",
        "site": "St. Anna, Ward 3",
        "high_pass_hz": 0.05,
        "low_pass_hz": 150.0,
        "notch_hz": 50.0,
        "heart_rate_bpm": 75.0,
        "P_duration_ms": 100.0,
        "PR_interval_ms": 160.0,
        "QRS_duration_ms": 90.0,
        "QTc_interval_ms": 431.0,
        "P_axis_deg": -30.0,
        "T_axis_deg": 45.0,
        "machine_statements": ("Sinusrhythmus, Herzblock 1°",),
        "reader_statements": ("scp:AFIB", "IMI PO", "Other text"),
    }
    assert "Secret" not in repr(recording)


@pytest.mark.parametrize(
    ("code", "alphabet"), [(0, "latin-1"), (0, "utf-8"), (3, "iso8859-2"), (7, "utf-16-le")]
)
def test_alphabets(code, alphabet):
    device = DEVICE[:16] + bytes([code]) + DEVICE[17:]
    value = "Köln\0junk".encode(alphabet)
    content, _ = write_simple(s1=write_tags(t14=device, t16=value))
    assert _scp.open_recording(content, "a.scp", "rhythm").fields["site"] == "Köln"


@pytest.mark.parametrize(
    ("tags", "fields"),
    [
        ({"t25": struct.pack("<HBB", 2021, 2, 30)}, {}),
        ({"t25": struct.pack("<HBB", 0, 2, 3)}, {}),
        ({"t4": struct.pack("<HB", 50, 0)}, {}),
        ({"t4": struct.pack("<HB", 65535, 1)}, {}),
        ({"t4": b"\1", "t8": b"\x09", "t27": b""}, {}),
        (
            {"t5": struct.pack("<HBB", 1950, 1, 1), "t25": struct.pack("<HBB", 2000, 1, 1)},
            {"age_years": 18262 / 365.25, "recorded_at": np.datetime64("2000-01-01T00:00:00")},
        ),
    ],
)
def test_what_is_not_said_is_left_out(tags, fields):
    content, _ = write_simple(s1=write_tags(**tags))
    recording = _scp.open_recording(content, "a.scp", "rhythm")
    assert recording.fields == fields
    assert recording.remarks == []


def test_two_notch_filters_are_said():
    content, _ = write_simple(s1=write_tags(t29=b"\3"))
    recording = _scp.open_recording(content, "a.scp", "rhythm")
    assert recording.fields == {}
    assert "50 Hz and of 60 Hz" in recording.remarks[0][0]


def section_at(content, number):
    size, place = struct.unpack_from("<II", content, 24 + 10 * number)
    return place - 1, place - 1 + size


def test_one_wrong_checksum_of_a_waveform_is_an_error():
    content, _ = write_simple("standard", 2)
    damaged = bytearray(content)
    damaged[-300] ^= 16
    with pytest.raises(RecordError, match=r"a\.scp is damaged: the checksum of section 6 is wrong"):
        _scp.open_recording(bytes(damaged), "a.scp", "rhythm")


def test_other_damaged_sections_are_left_out():
    content, signals = write_simple(
        s1=write_tags(t2=b"P7\0"), s7=struct.pack("<BBHH", 0, 0, 800, 0)
    )
    begin, _ = section_at(content, 1)
    damaged = bytearray(content)
    damaged[begin + 20] ^= 1
    recording = _scp.open_recording(bytes(damaged), "a.scp", "rhythm")
    assert recording.fields == {"heart_rate_bpm": 75.0}
    assert [remark[0] for remark in recording.remarks] == ["is damaged in section 1"]
    np.testing.assert_array_equal(recording.read(), np.float32(signals * 2.5 / 1000))


def without_checksums(content, value=b"\0\0"):
    content = bytearray(content)
    content[:2] = content[6:8] = value
    for number in range(1, 12):
        begin, end = section_at(content, number)
        if end > begin:
            content[begin : begin + 2] = value
    return bytes(content)


@pytest.mark.parametrize("value", [b"\0\0", b"\xab\xcd"])
def test_records_without_right_checksums_are_read_and_said(value):
    content, signals = write_simple("standard", 2)
    recording = _scp.open_recording(without_checksums(content, value), "a.scp", "rhythm")
    assert "no checksum that is right" in recording.remarks[0][0]
    np.testing.assert_array_equal(recording.read(), np.float32(signals * 2.5 / 1000))


@pytest.mark.parametrize(("last", "found"), [(480, "more than 480"), (530, "of 530 samples")])
def test_samples_must_be_as_many_as_said(last, found):
    content, signals = write_simple("standard", s3=write_leads((1, last, 1), (1, last, 3)))
    with pytest.raises(RecordError, match=f"is damaged: I in section 6 holds .*{found}"):
        read(without_checksums(content))
    if last < 500:
        # With a checksum it is the maker's own decision.
        np.testing.assert_array_equal(read(content), np.float32(signals[:, :last] * 2.5 / 1000))


def test_checksum_of_the_record_alone():
    content, _ = write_simple()
    # Only the record's is written, and right: nothing to say; then its bytes are changed.
    bare = without_checksums(content)
    bare = checksum(bare[2:])
    assert _scp.open_recording(bare, "a.scp", "rhythm").remarks == []
    with pytest.raises(RecordError, match="its checksum is wrong"):
        _scp.open_recording(bare[:-1] + b"\7", "a.scp", "rhythm")
    # Only those of sections are right.
    recording = _scp.open_recording(b"\1\2" + content[2:], "a.scp", "rhythm")
    assert [remark[0] for remark in recording.remarks] == ["has a wrong checksum"]


WAVES = {3: write_leads((1, 3, 1)), 6: write_waves([[1, 2, 3]])}


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({6: None}, "has no rhythm"),
        ({3: None}, "has no leads"),
        ({3: write_leads()}, "has no leads"),
        ({3: write_leads((1, 3, 1))[:-1]}, "incomplete section 3"),
        ({3: write_leads((4, 3, 1))}, "lead I from sample 4 to 3"),
        ({3: write_leads((1, 4, 1))}, "should have 4 samples of I in section 6"),
        ({3: write_leads((1, 2**32 - 1, 1))}, "more than its bytes hold"),
        ({3: write_leads((1, 3, 1), (100, 102, 2)), 6: write_waves([[1] * 3] * 2)}, "bytes hold"),
        ({6: write_waves([[1, 2, 3]])[:-1]}, "incomplete section 6"),
        ({6: write_waves([[1, 2, 3]], unit_nv=0)}, "samples of 0 nV"),
        ({6: write_waves([[1, 2, 3]], interval=0)}, "0 us apart"),
        ({6: write_waves([[1, 2, 3]])[:4] + b"\3" + bytes(3)}, "of 3 differences"),
        ({2: struct.pack("<H", 9)}, "9 Huffman tables"),
        ({2: struct.pack("<HH", 1, 2) + code("0", 1, 1, 0)}, "incomplete Huffman table 1"),
        ({2: struct.pack("<HH", 1, 2) + code("0", 1, 1, 0) + code("01", 2, 1, 1)}, "begin alike"),
        ({2: struct.pack("<HH", 1, 1) + code("0", 1, 0, 2)}, "no Huffman table 2"),
        ({2: struct.pack("<HH", 1, 1) + code("0", 60, 1, 2)}, "a code of 1 and 60 bits"),
        ({2: struct.pack("<HH", 1, 1) + code("0", 1, 0, 1)}, "holds 0 of 3 samples"),
        ({2: struct.pack("<HH", 1, 1) + code("1111", 4, 1, 1)}, "holds 0 of 3 samples"),
        ({3: write_leads((1, 3, 1), flags=1)}, "has no median beat"),
        ({6: write_waves([[1, 2, 3]], bimodal=1)}, "has no median beat"),
        (
            {
                3: write_leads((1, 3, 1), flags=1),
                4: beats_section(4, 1, []),
                5: write_waves([[1, 2, 3, 4]], interval=1000),
            },
            "cannot be joined",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(sections, message):
    with pytest.raises(RecordError, match=rf"a\.scp .*{message}.*Export it again"):
        read(write_record(WAVES | sections))


def test_sections_beside_the_waveform_may_be_incomplete():
    sections = {
        1: write_tags(t2=b"P7\0")[:-4],
        7: b"\1",
        8: b"",
        11: write_statements([b"abc"])[:-1],
    }
    recording = _scp.open_recording(write_record(WAVES | sections), "a.scp", "rhythm")
    assert recording.fields == {}
    assert [remark[0] for remark in recording.remarks] == [
        f"has an incomplete section {number}" for number in (1, 7, 8, 11)
    ]


def test_without_median_beat():
    with pytest.raises(RecordError, match="has no median beat"):
        _scp.open_recording(write_simple()[0], "a.scp", "median")


def test_rate_of_an_interval_that_is_rounded():
    sections = WAVES | {6: write_waves([[1, 2, 3]], interval=4167)}
    assert _scp.open_recording(write_record(sections), "a.scp", "rhythm").sampling_rate == 240.0


@pytest.mark.parametrize("n_bytes", [0, 5, 21, 100, 1000, -1])
def test_cut_records(n_bytes):
    content, _ = write_simple("standard")
    with pytest.raises(RecordError, match=r"is cut|incomplete section 0"):
        _scp.open_recording(content[:n_bytes], "a.scp", "rhythm")


def test_recognised_by_its_first_bytes():
    content, _ = write_simple()
    assert _scp.is_mine(content[:4096])
    assert _scp.is_mine(content[:16] + bytes(6) + content[22:])  # version 1.0 has no mark
    for other in (b"", bytes(4096), b"<?xml version='1.0'?>".ljust(64), b"ISHNE1.0".ljust(600)):
        assert not _scp.is_mine(other)


def mutations(content, rng, n_mutations):
    for _ in range(n_mutations):
        at, to = np.sort(rng.integers(0, len(content), 2))
        size = int(rng.integers(1, 40))
        yield (
            content[:at],
            content[:at] + bytes(rng.integers(0, 256, size, dtype=np.uint8)) + content[at + size :],
            content[:at] + bytes(rng.integers(0, 256, size, dtype=np.uint8)) + content[at:],
            content[:at] + content[to : to + size] + content[at + size : to] + content[at:],
        )[rng.integers(4)]


@pytest.mark.parametrize("has_checksums", [True, False])
def test_damaged_records_are_refused_or_read(has_checksums):
    content, signals = write_simple("standard", 2, s1=write_tags(t2=b"P7\0", t14=DEVICE))
    if not has_checksums:
        content = without_checksums(content)
    rng = np.random.default_rng(2)
    tracemalloc.start()
    for damaged in mutations(content, rng, 60):
        for waveform in ("rhythm", "median"):
            try:
                result = read(damaged, waveform)
            except RecordError:
                continue
            if has_checksums:
                np.testing.assert_array_equal(result, np.float32(signals * 2.5 / 1000))
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_same_ecg_as_dicom(shared_data):
    pydicom = pytest.importorskip("pydicom")
    folder = shared_data / "hospital"
    recording = _scp.open_recording(
        (folder / "same-ecg.scp").read_bytes(), "same-ecg.scp", "rhythm"
    )
    groups = pydicom.dcmread(folder / "same-ecg.dcm").WaveformSequence
    median = _scp.open_recording((folder / "same-ecg.scp").read_bytes(), "same-ecg.scp", "median")
    assert recording.remarks == []
    for one, group in zip((recording, median), groups, strict=True):
        samples = np.frombuffer(group.WaveformData, "<i2").reshape(-1, 12)[: one.n_times].T
        leads = [
            channel.ChannelSourceSequence[0].CodeMeaning.removeprefix("Lead ")
            for channel in group.ChannelDefinitionSequence
        ]
        order = [leads.index(lead) for lead in one.lead_names]
        np.testing.assert_allclose(one.read(), samples[order] * 2.5e-3, rtol=0, atol=1e-6)
    assert recording.fields["patient_id"] == "SBJ-123"
    assert recording.fields["recorded_at"] == np.datetime64("2002-11-22T09:10:00")
    assert recording.fields["QRS_duration_ms"] == 120
    assert "Clark" not in str(recording.fields)

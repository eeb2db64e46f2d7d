"""ISHNE Holter, written here by the published layout."""

import binascii
import struct

import numpy as np
import pytest

from sklearn_ecg.datasets.formats import _ishne
from sklearn_ecg.records._report import RecordError


def write_record(samples, codes=(5, 11, 0), units_nv=(2500, 5000, 1000), block=b"note", **values):
    """Return a file of samples of shape (n_leads, n_times); values are written at bytes."""
    n_leads, n_times = np.shape(samples)
    content = bytearray(522) + block
    struct.pack_into(
        "<8sH4ih", content, 0, b"ISHNE1.0", 0, len(block), n_times, 522, len(content), 1
    )
    content[28:34], content[68:74], content[108:110] = b"Secret", b"Hidden", b"P7"
    struct.pack_into("<hh", content, 128, 2, 0)
    struct.pack_into("<12h", content, 132, 1, 7, 1890, 31, 12, 1899, 1, 1, 2000, 23, 59, 58)
    struct.pack_into("<13h", content, 156, n_leads, *codes, *[-9] * (12 - len(codes)))
    struct.pack_into("<12h", content, 206, *units_nv, *[-9] * (12 - len(units_nv)))
    struct.pack_into("<h40sh", content, 230, 0, b"digital\0x", 200)
    for at, value in values.items():
        struct.pack_into("<h", content, int(at[1:]), value)
    struct.pack_into("<H", content, 8, binascii.crc_hqx(content[10:], 0xFFFF))
    return bytes(content) + np.array(samples).T.astype("<i2").tobytes()


SAMPLES = np.random.default_rng(0).integers(-(2**15) + 1, 2**15, (3, 1000))


def test_samples_and_fields():
    recording = _ishne.open_recording(write_record(SAMPLES), "a.ecg", "rhythm")
    assert recording.lead_names == ("I", "V1", "ECG")
    assert (recording.sampling_rate, recording.n_times) == (200.0, 1000)
    assert recording.remarks == []
    expected = np.float32(SAMPLES * np.array([[2500], [5000], [1000]]) / 1e6)
    np.testing.assert_array_equal(recording.read(), expected)
    assert recording.read().dtype == np.float32
    assert recording.fields == {
        "patient_id": "P7",
        "sex": "female",
        "age_years": 3470 / 365.25,
        "recorded_at": np.datetime64("1899-12-31T23:59:58"),
        "device": "digital",
    }


def test_room_before_the_samples_is_none_of_them():
    content = write_record(SAMPLES)
    header, samples = content[: 522 + 4], content[522 + 4 :]
    roomy = bytearray(header + bytes(498) + samples)
    struct.pack_into("<i", roomy, 22, 1024)
    struct.pack_into("<H", roomy, 8, binascii.crc_hqx(roomy[10:526], 0xFFFF))
    recording = _ishne.open_recording(bytes(roomy), "a.ecg", "rhythm")
    assert recording.remarks == []
    expected = _ishne.open_recording(content, "a.ecg", "rhythm").read()
    np.testing.assert_array_equal(recording.read(), expected)


def test_long_records_and_faults():
    samples = np.arange(70000)[None] % 30000
    samples[0, [5, 40000]] = -(2**15)
    content = write_record(samples, (6,), (1000,))
    expected = samples / 1000
    expected[0, [5, 40000]] = np.nan
    recording = _ishne.open_recording(content, "a.ecg", "rhythm")
    np.testing.assert_array_equal(recording.read(), np.float32(expected))


def test_leads_without_a_name_are_numbered():
    content = write_record(SAMPLES, (0, 1, 5))
    assert _ishne.open_recording(content, "a.ecg", "rhythm").lead_names == ("ECG 1", "ECG 2", "I")


@pytest.mark.parametrize("n_told", [0, 999, 5000])
def test_other_numbers_of_samples_are_said(n_told):
    content = bytearray(write_record(SAMPLES))
    struct.pack_into("<i", content, 14, n_told)
    struct.pack_into("<H", content, 8, 0)
    recording = _ishne.open_recording(bytes(content), "a.ecg", "rhythm")
    assert f"tells of {n_told} samples" in recording.remarks[0][0]
    assert recording.n_times == 1000


def test_samples_of_all_leads_may_be_counted():
    content = bytearray(write_record(SAMPLES))
    struct.pack_into("<i", content, 14, 3000)
    struct.pack_into(">H", content, 8, binascii.crc_hqx(content[10:526], 0xFFFF))
    assert _ishne.open_recording(bytes(content), "a.ecg", "rhythm").remarks == []


def test_cut_records_are_said():
    recording = _ishne.open_recording(write_record(SAMPLES)[:-7], "a.ecg", "rhythm")
    assert recording.n_times == 998
    assert "tells of 1000 samples from byte 526, and has 998" in recording.remarks[0][0]


def test_a_wrong_checksum_is_said():
    content = bytearray(write_record(SAMPLES))
    content[110] ^= 1
    recording = _ishne.open_recording(bytes(content), "a.ecg", "rhythm")
    assert [remark[0] for remark in recording.remarks] == ["has a wrong checksum of its header"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"t156": 13}, "13 leads at 200 Hz"),
        ({"t156": 0}, "0 leads"),
        ({"t272": 0}, "at 0 Hz"),
        ({"t206": 0}, "a unit of lead I has 0 nV"),
        ({"t12": -1}, "a block of -"),
        ({"t12": 999}, "a block of"),
    ],
)
def test_what_is_wrong_is_said(values, message):
    with pytest.raises(RecordError, match=rf"a\.ecg is damaged: .*{message}.*Export it again"):
        _ishne.open_recording(write_record(SAMPLES, **values), "a.ecg", "rhythm")


@pytest.mark.parametrize("n_bytes", [8, 521, 526, 530])
def test_nothing_but_a_header(n_bytes):
    with pytest.raises(RecordError, match=r"cut short|holds no samples"):
        _ishne.open_recording(write_record(SAMPLES)[:n_bytes], "a.ecg", "rhythm")


def test_there_is_no_median():
    with pytest.raises(RecordError, match="holds no median waveform"):
        _ishne.open_recording(write_record(SAMPLES), "a.ecg", "median")


def test_recognised_by_its_first_bytes():
    assert _ishne.is_mine(write_record(SAMPLES)[:4096])
    assert not _ishne.is_mine(b"ANN  1.0".ljust(600))


def test_damaged_headers_are_refused_or_read():
    rng = np.random.default_rng(1)
    content = write_record(SAMPLES)
    for _ in range(60):
        damaged = bytearray(content)
        damaged[rng.integers(8, 560)] = rng.integers(256)
        try:
            recording = _ishne.open_recording(bytes(damaged), "a.ecg", "rhythm")
        except RecordError:
            continue
        assert recording.read().shape == (len(recording.lead_names), recording.n_times)
        assert recording.remarks or bytes(damaged[:526]) == content[:526]

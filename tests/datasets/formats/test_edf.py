"""EDF and BDF files written to the published layout, and by edfio."""

import datetime
import io
import random
import tracemalloc
import warnings

import numpy as np
import pytest

from sklearn_ecg.datasets.formats._edf import is_mine, open_recording
from sklearn_ecg.datasets.formats._recording import FIELDS
from sklearn_ecg.records._report import RecordError

WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
RANGE = {2: (-32768, 32767), 3: (-8388608, 8388607)}


def signal(label, records, *, unit="uV", physical=(-3276.8, 3276.7), digital=None, filters=""):
    """A signal of shape (n_records, n_samples) as the fields of its header, and its samples."""
    return {
        "fields": [label, "", unit, *physical, digital, filters, records.shape[1], ""],
        "records": records,
    }


def annotations(texts, size=40):
    stored = b"".join(text.ljust(size, b"\0") for text in texts)
    found = signal("EDF Annotations", np.frombuffer(stored, "<i2").reshape(len(texts), -1), unit="")
    found["fields"][3:5] = (-1, 1)
    return found


def edf(signals, *, n_bytes=2, record_s="1", n_records=None, encoding="latin-1", **header):
    """The bytes of a file."""

    def column(number, width):
        return b"".join(f"{s[number]}".encode(encoding).ljust(width) for s in rows)

    rows = []
    for item in signals:
        *first, digital, filters, count, reserved = item["fields"]
        low, high = digital or RANGE[n_bytes]
        rows.append([*first, low, high, filters, count, reserved])
    told = len(signals[0]["records"]) if n_records is None else n_records
    head = [
        ("patient", 80, "X X X X"),
        ("recording", 80, "Startdate X X X X"),
        ("date", 8, "31.12.84"),
        ("time", 8, "23.59.58"),
        ("size", 8, str(256 * (len(rows) + 1))),
        ("kind", 44, ""),
        ("told", 8, str(told)),
        ("record_s", 8, record_s),
        ("count", 4, str(len(rows))),
    ]
    content = (b"0" if n_bytes == 2 else b"\xffBIOSEMI").ljust(8)
    for name, width, default in head:
        content += header.get(name, default).encode(encoding).ljust(width)[:width]
    for number, width in enumerate(WIDTHS):
        content += column(number, width)
    for record in zip(*(item["records"] for item in signals), strict=True):
        for samples in record:
            stored = samples.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :n_bytes]
            content += stored.tobytes()
    return content


def samples_of(rng, n_records=4, n=250, least=-900, most=900):
    return rng.integers(least, most, (n_records, n))


def read(content):
    recording = open_recording(content, "a.edf", "rhythm")
    assert set(recording.fields) <= set(FIELDS)
    signals = recording.read()
    assert signals.shape == (len(recording.lead_names), recording.n_times)
    assert signals.dtype == np.float32
    return recording, signals


def assert_refused(content, match):
    with pytest.raises(RecordError, match=match) as error:
        read(content)
    assert error.value.file == "a.edf"


@pytest.mark.parametrize("n_bytes", [2, 3])
def test_samples_are_worth_what_the_header_says(rng, n_bytes):
    low, high = RANGE[n_bytes]
    lead, other = samples_of(rng, least=low, most=high), samples_of(rng, n=10)
    values = {"unit": "mV", "physical": (-5, 5), "digital": (low, high)}
    content = edf([signal("Resp", other), signal("ECG II", lead, **values)], n_bytes=n_bytes)
    assert is_mine(content[:4096])
    recording, signals = read(content)
    assert recording.format == {2: "EDF", 3: "BDF"}[n_bytes]
    assert (recording.lead_names, recording.sampling_rate) == (("II",), 250)
    expected = (lead.ravel() - low) * (10 / (high - low)) - 5
    np.testing.assert_allclose(signals[0], expected, atol=1e-6)
    assert recording.remarks[0][0].endswith("no ECG leads: Resp (uV)")


@pytest.mark.parametrize("kind", ["Edf", "Bdf"])
def test_samples_are_bit_for_bit_those_of_edfio(rng, kind):
    edfio = pytest.importorskip("edfio")
    make, make_signal = getattr(edfio, kind), getattr(edfio, f"{kind}Signal")
    file = make(
        [
            make_signal(
                rng.normal(0, 0.5, 5000),
                500,
                label=f"EKG {name}",
                physical_dimension="mV",
                physical_range=(-4.9, 5.1),
                prefiltering="HP:0.05Hz LP:150Hz N:50Hz",
            )
            for name in ("I", "II", "V1")
        ],
        patient=edfio.Patient(
            code="P17", sex="F", birthdate=datetime.date(1950, 1, 1), name="Jane_Doe"
        ),
        recording=edfio.Recording(startdate=datetime.date(2070, 1, 1), equipment_code="Holter_7"),
        starttime=datetime.time(10, 11, 12),
        annotations=[edfio.EdfAnnotation(1, None, "Start")],
    )
    buffer = io.BytesIO()
    file.write(buffer)
    recording, signals = read(buffer.getvalue())
    again = getattr(edfio, f"read_{kind.lower()}")(buffer.getvalue())
    expected = np.array([lead.data for lead in again.signals]).astype(np.float32)
    np.testing.assert_array_equal(signals, expected)
    assert recording.lead_names == ("I", "II", "V1")
    assert recording.remarks == []
    assert "Jane" not in repr(recording)
    assert recording.fields.pop("age_years") == pytest.approx(120, abs=0.01)
    assert recording.fields == {
        "patient_id": "P17",
        "sex": "female",
        "recorded_at": np.datetime64("2070-01-01T10:11:12"),
        "device": "Holter 7",
        "high_pass_hz": 0.05,
        "low_pass_hz": 150.0,
        "notch_hz": 50.0,
    }


def test_an_inverted_signal_is_turned(rng):
    lead = samples_of(rng)
    upright, inverted = (
        read(edf([signal("I", lead, physical=physical, digital=(-1000, 1000))]))[1]
        for physical in ((-1000, 1000), (1000, -1000))
    )
    np.testing.assert_allclose(upright, lead.reshape(1, -1) / 1000, rtol=1e-6)
    np.testing.assert_array_equal(inverted, -upright)


def test_gaps_of_interrupted_files_are_nan(rng):
    lead = samples_of(rng, 4)
    stamps = [
        b"+10\x14\x14\0",
        b"+11.0\x14\x14\0",
        b"+13.5\x14\x14\0",
        b"+14.5\x14\x14+14\x14x\x14",
    ]
    recording, signals = read(edf([signal("ECG", lead), annotations(stamps)], kind="EDF+D"))
    assert recording.n_times == 5.5 * 250
    assert recording.remarks == [("was interrupted", "What lies between its parts is NaN.")]
    recorded = ~np.isnan(signals[0])
    assert np.flatnonzero(~recorded).tolist() == list(range(500, 875))
    np.testing.assert_allclose(
        signals[0, recorded], (lead.ravel() + 32768) / 1e4 - 3.2768, atol=1e-6
    )
    whole = [b"+0\x14\x14\0", b"+1\x14\x14\0", b"+2\x14\x14\0", b"+3\x14\x14\0"]
    recording, signals = read(edf([signal("ECG", lead), annotations(whole)], kind="EDF+D"))
    assert recording.remarks == []
    assert not np.isnan(signals).any()


@pytest.mark.parametrize(
    ("stamps", "match"),
    [
        ([b"+0\x14\x14", b"+1\x14\x14", b"+1.5\x14\x14"], "its record 3 begins before the last"),
        ([b"+0\x14\x14", b"", b"+1.5\x14\x14"], "does not tell when its record 2 began"),
        ([b"+0\x14\x14", b"+1\x14\x14", b"+999999999999\x14\x14"], "most were not recorded"),
    ],
)
def test_interrupted_files_that_make_no_sense_are_refused(rng, stamps, match):
    signals = [signal("ECG", samples_of(rng, 3)), annotations(stamps)]
    assert_refused(edf(signals, kind="EDF+D"), match)
    assert_refused(edf(signals[:1], kind="EDF+D"), "without annotations")


def test_the_number_of_records_may_be_unknown(rng):
    lead = samples_of(rng)
    expected = read(edf([signal("I", lead)]))[1]
    np.testing.assert_array_equal(
        read(edf([signal("I", lead)], n_records=-1) + bytes(9))[1], expected
    )


def test_leads_of_several_rates_are_brought_to_that_of_most():
    def sine(rate):
        return np.round(1000 * np.sin(2 * np.pi * 3 * np.arange(4 * rate) / rate)).reshape(4, -1)

    signals = [signal("V1", sine(100)), signal("I", sine(250)), signal("II", sine(250))]
    recording, signals = read(edf(signals))
    assert recording.sampling_rate == 250
    assert "several sampling rates (100, 250 Hz)" in recording.remarks[0][0]
    np.testing.assert_allclose(signals[0, 50:-50], signals[1, 50:-50], atol=0.005)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (("ECG I", "ECG II", "C4", "C3"), ("I", "II", "V4", "V3")),
        (("EEG C3", "C4", "ECG1-ECG2"), ("ECG1-ECG2",)),
        (("ECG II", "C4", "O1", "C3"), ("II",)),
        (("EKG", "EKG", "EMG chin"), ("EKG 1", "EKG 2")),
        (("II", "II", "V5"), ("V5",)),
        (("ECG MLII", "ecg avr"), ("MLII", "aVR")),
    ],
)
def test_leads_are_told_from_other_signals(rng, labels, names):
    recording, _ = read(edf([signal(label, samples_of(rng)) for label in labels]))
    assert recording.lead_names == names


@pytest.mark.parametrize(
    ("transducer", "recording", "is_lead"),
    [
        ("ECG electrode", "X", True),
        ("AgAgCl", "Startdate X X X Holter_EKG", True),
        ("Elektrokardiogramm", "X", True),
        ("EEG electrode", "X", False),
    ],
)
def test_a_number_is_a_lead_if_the_header_says_so(rng, transducer, recording, is_lead):
    signals = [signal(label, samples_of(rng), unit="mV") for label in ("CH1", "Ch. 2", "EEG Fpz")]
    for item in signals:
        item["fields"][1] = transducer
    content = edf(signals, recording=recording).replace(b"0".ljust(8), b"0".ljust(8, b"\0"), 1)
    if is_lead:
        assert read(content)[0].lead_names == ("CH1", "Ch. 2")
    else:
        assert_refused(content, r"holds no ECG lead in .* but CH1 \(mV\), Ch. 2 \(mV\)")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_headers_of_other_encodings_are_read(rng, encoding):
    lead = signal("EKG Ableitung 1", samples_of(rng), unit="µV")
    lead["fields"][0] = "EKG-Süd"
    recording, signals = read(edf([lead], encoding=encoding))
    assert recording.lead_names == ("EKG-Süd",)
    assert abs(signals).max() < 1


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ({"date": "01.02.85"}, {"recorded_at": "1985-02-01T23:59:58"}),
        ({"date": "01.02.84"}, {"recorded_at": "2084-02-01T23:59:58"}),
        (
            {"date": "01.02.yy", "recording": "Startdate 01-FEB-2085 X X X"},
            {"recorded_at": "2085-02-01T23:59:58"},
        ),
        ({"date": "99.99.99"}, {}),
        ({"date": "01.01.85"}, {}),
        ({"date": "", "time": ""}, {}),
        ({"patient": "Doe, Jane F 02-AUG-1951", "date": "x"}, {}),
        ({"patient": "Jane F X Doe", "date": "x"}, {"sex": "female"}),
        (
            {"patient": "Code F X Doe", "date": "x", "kind": "EDF+C"},
            {"patient_id": "Code", "sex": "female"},
        ),
        (
            {"patient": "P-1 M 02-AUG-1951 Doe_John more", "date": "02.08.01"},
            {"recorded_at": "2001-08-02T23:59:58", "patient_id": "P-1", "sex": "male",
             "age_years": 50.0},
        ),
    ],
)  # fmt: skip
def test_what_else_the_header_says(rng, header, fields):
    recording, _ = read(edf([signal("I", samples_of(rng))], **header))
    if "recorded_at" in fields:
        fields = fields | {"recorded_at": np.datetime64(fields["recorded_at"])}
    assert set(recording.fields) == set(fields)
    for name, value in fields.items():
        if name == "age_years":
            assert recording.fields[name] == pytest.approx(value, abs=0.01)
        else:
            assert recording.fields[name] == value


def test_different_filters_are_said(rng):
    filters = ("HP:0.5Hz LP:40Hz N:50Hz", "HP:0,5 LP:40 Hz N:60Hz", "HP:DC, TC:10s")
    names = ("I", "II", "V1")
    pairs = zip(names, filters, strict=True)
    recording, _ = read(edf([signal(n, samples_of(rng), filters=f) for n, f in pairs]))
    assert recording.fields["high_pass_hz"] == 0.5
    assert recording.fields["low_pass_hz"] == 40
    assert "notch_hz" not in recording.fields
    assert "(notch_hz: 50, 60)" in recording.remarks[0][0]


def test_files_that_make_no_sense_are_refused(rng):
    lead = samples_of(rng)
    good = edf([signal("I", lead)])
    for content, match in (
        (good[:100], "ends inside its header"),
        (good[:400], "is cut short"),
        (good[:-1], "is cut short or damaged: it holds 1999 bytes of samples"),
        (good + b"\0", "it holds 2001 bytes"),
        (edf([signal("I", lead)], n_records=0), "0 records"),
        (edf([signal("I", lead)], count="0"), "'0' as the number of signals"),
        (edf([signal("I", lead)], count="4000"), "is cut short or damaged"),
        (edf([signal("I", lead)], record_s="0"), "its records last 0 s"),
        (edf([signal("I", lead)], record_s="nan"), "'nan' in the duration"),
        (edf([signal("I", lead)], record_s="1e9"), "sampling rate"),
        (edf([signal("I", lead, physical=(5, 5))]), "range from 5 to 5 uV"),
        (edf([signal("I", lead, physical=("a", 5))]), "'a' in the range of I"),
        (edf([signal("I", lead, digital=(7, 7))]), "samples from 7 to 7"),
        (edf([signal("I", lead, digital=(-40000, 7))]), "which 16 bits cannot have"),
        (edf([signal("I", lead, unit="")]), r"no ECG lead .* but I \(no unit\)"),
        (edf([signal("EEG Fpz", lead)]), r"but EEG Fpz \(uV\)"),
    ):
        assert_refused(content, match)
    with pytest.raises(RecordError, match="holds no median waveform"):
        open_recording(good, "a.edf", "median")


def test_damaged_files_are_records_or_record_errors(rng):
    stamps = [f"+{i}\x14\x14".encode() for i in range(40)]
    leads = [signal(name, samples_of(rng, 40)) for name in ("I", "II")]
    content = edf([*leads, annotations(stamps)], kind="EDF+D")
    dice = random.Random(0)
    tracemalloc.start()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(80):
            damaged = bytearray(content)
            for _ in range(dice.randrange(1, 4)):
                damaged[dice.randrange(1024)] = ord(dice.choice("0123456789 -+.eXV\xff"))
            try:
                read(bytes(damaged))
            except RecordError as error:
                assert "cannot be read" not in error.problem
    assert tracemalloc.get_traced_memory()[1] < 10 * len(content)
    tracemalloc.stop()


def test_a_sleep_study_without_ecg_is_named(shared_data):
    path = shared_data / "hospital" / "psg.edf"
    if not path.is_file():
        pytest.skip("real files of hospitals not found")
    assert_refused(path.read_bytes(), r"but EEG Fpz-Cz \(uV\), EEG Pz-Oz \(uV\), EOG horizontal")

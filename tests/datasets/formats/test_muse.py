import base64

import numpy as np
import pytest

from sklearn_ecg.datasets.formats import _muse
from sklearn_ecg.records._report import RecordError
from tests.datasets.formats.written_xml import EIGHT_LEADS, counts_of, muse_waveform, muse_xml

COUNTS = counts_of(8, 500)
BEAT = counts_of(8, 120, seed=1)


def opened(text, waveform="rhythm"):
    return _muse.open_recording(text.encode("latin-1"), "m.xml", waveform)


def test_rhythm_and_median_are_counts_times_units_per_bit():
    text = muse_xml(muse_waveform(BEAT, kind="Median", base=25, exponent=1), muse_waveform(COUNTS))
    assert _muse.is_mine(text.encode("latin-1")[:4096])
    for waveform, counts, rate in (("rhythm", COUNTS, 500.0), ("median", BEAT, 250.0)):
        recording = opened(text, waveform)
        assert recording.lead_names == EIGHT_LEADS
        assert (recording.sampling_rate, recording.n_times) == (rate, counts.shape[1])
        assert recording.remarks == []
        expected = (counts * (4.88 * 0.001)).astype(np.float32)
        np.testing.assert_allclose(recording.read(), expected, rtol=1e-6)
        assert recording.read().dtype == np.float32


@pytest.mark.parametrize(
    ("scale", "unit", "millivolts"),
    [("0.00488", "MILLIVOLTS", 0.00488), ("4,88", "uV", 0.00488), ("1e3", "NANOVOLTS", 0.001)],
)
def test_any_unit_of_voltage_will_do(scale, unit, millivolts):
    text = muse_xml(muse_waveform(COUNTS)).replace(">4.88<", f">{scale}<")
    text = text.replace(">MICROVOLTS<", f">{unit}<")
    np.testing.assert_allclose(opened(text).read(), COUNTS * millivolts, rtol=1e-6)


def test_without_a_unit_only_what_can_be_microvolts_is_taken_for_them():
    text = muse_xml(muse_waveform(COUNTS)).replace(">MICROVOLTS<", "><")
    recording = opened(text)
    assert recording.remarks[0][0].startswith("gives no unit for the bits of I, II, V1")
    np.testing.assert_allclose(recording.read(), COUNTS * 0.00488, rtol=1e-6)
    with pytest.raises(
        RecordError, match=r"gives lead I 0.00488 for each bit, which is no voltage"
    ):
        opened(text.replace(">4.88<", ">0.00488<"))


@pytest.mark.parametrize(
    ("recorded", "born", "time", "expected"),
    [
        ("03-04-2012", "02-29-1948", "07:08:09", "2012-03-04T07:08:09"),
        ("31-03-2012", "01-02-1948", "07:08", "2012-03-31T07:08:00"),
        ("03.04.2012", "29.02.1948", "7:08:09 PM", "2012-04-03T19:08:09"),
        ("03/31/2012", "29-02-1948", "12:00:00 AM", "2012-03-31T00:00:00"),
        ("31-Mar-2012", "", "07:08:09.25", "2012-03-31T07:08:09"),
        ("2012-03-31", "", "", "2012-03-31T00:00:00"),
    ],
)
def test_orders_of_dates(recorded, born, time, expected):
    text = muse_xml(muse_waveform(COUNTS)).replace(">03-31-2012<", f">{recorded}<")
    text = text.replace(">02-29-1948<", f">{born}<").replace(">07:08:09<", f">{time}<")
    recording = opened(text)
    assert recording.fields["recorded_at"] == np.datetime64(expected)
    is_day_first = recorded.startswith("31-03") or born.startswith("29.")
    assert [problem for problem, _ in recording.remarks] == is_day_first * [
        "writes the day of a date before the month, where MUSE writes the month first"
    ]


def test_lines_about_people_are_no_statements():
    text = muse_xml(muse_waveform(COUNTS)).replace(
        ">Confirmed by SECRET<", ">Best\u00e4tigt: DR X<"
    )
    assert "DR X" not in str(opened(text).fields)


def test_what_surrounds_the_samples():
    fields = opened(muse_xml(muse_waveform(COUNTS))).fields
    assert fields == {
        "patient_id": "00123",
        "age_years": 63.0,
        "sex": "female",
        "recorded_at": np.datetime64("2012-03-31T07:08:09"),
        "device": "MAC55",
        "site": "Spital S\u00fcd, Ward 3",
        "high_pass_hz": 0.16,
        "low_pass_hz": 150.0,
        "notch_hz": 60.0,
        "heart_rate_bpm": 72.0,
        "PR_interval_ms": 164.0,  # the machine's, which the reader changed to 160
        "QRS_duration_ms": 94.0,
        "QT_interval_ms": 400.0,
        "QTc_interval_ms": 438.0,
        "P_axis_deg": 60.0,
        "QRS_axis_deg": -45.0,
        "machine_statements": ("Normal sinus rhythm",),
        "reader_statements": (
            "Atrial fibrillation with rapid response",
            "Left bundle branch block",
        ),
    }
    assert "secret" not in str(fields).casefold()


def test_the_diagnosis_is_the_readers_only_if_confirmed():
    text = muse_xml(muse_waveform(COUNTS), status="UNCONFIRMED")
    edited = opened(text).fields
    assert edited["machine_statements"] == ("Normal sinus rhythm",)
    assert "reader_statements" not in edited

    start, end = text.index("<OriginalDiagnosis>"), text.index("</OriginalDiagnosis>")
    alone = opened(text[:start] + text[end + len("</OriginalDiagnosis>") :]).fields
    assert alone["machine_statements"][0] == "Atrial fibrillation with rapid response"
    assert "reader_statements" not in alone


def test_statements_with_codes_and_without_ends_of_lines():
    text = muse_xml(muse_waveform(COUNTS)).replace("<StmtFlag>ENDSLINE</StmtFlag>", "")
    text = text.replace("<StmtText>Left", "<StmtNumber>110</StmtNumber><StmtText>Left")
    assert opened(text).fields["reader_statements"] == (
        "Atrial fibrillation",
        "with rapid response",
        "muse:110 Left bundle branch block",
    )


@pytest.mark.parametrize(
    ("born", "stated", "unit", "age"),
    [
        ("03-31-1950", "", "", 62.0),
        ("04-01-1950", "", "", 61.0),
        ("02-29-1948", "18", "MONTHS", 1.5),
        ("13-31-1950", "", "", None),
        ("01-01-1753", "", "", None),
        ("01-01-2050", "", "", None),
        ("", "999", "YEARS", None),
        ("", "-1", "YEARS", None),
        ("", "63", "FURLONGS", None),
    ],
)
def test_age_is_stated_or_follows_from_birth(born, stated, unit, age):
    text = muse_xml(muse_waveform(COUNTS)).replace(">02-29-1948<", f">{born}<")
    text = text.replace(">63<", f">{stated}<").replace(">YEARS<", f">{unit}<")
    assert opened(text).fields.get("age_years") == age


def test_leads_of_other_lengths_and_beginnings():
    text = muse_xml(muse_waveform(COUNTS[:2, :300], EIGHT_LEADS[:2]))
    text = text.replace("FirstSample>0<", "FirstSample>100<", 1)
    recording = opened(text)
    signals = recording.read()
    assert recording.n_times == 400
    assert recording.remarks[0][0] == "has leads of different lengths or start times"
    assert np.isnan(signals[0, :100]).all()
    assert np.isnan(signals[1, 300:]).all()
    np.testing.assert_allclose(signals[0, 100:], COUNTS[0, :300] * 0.00488, rtol=1e-6)

    with pytest.raises(RecordError, match=r"begins its leads up to .* samples apart"):
        opened(text.replace("FirstSample>100<", "FirstSample>99999999<"))


def test_what_a_user_should_know_is_remarked():
    leads = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V1")
    text = muse_xml(muse_waveform(COUNTS, leads), muse_waveform(COUNTS, base=1000))
    text = text.replace("<LeadOff>FALSE", "<LeadOff>TRUE", 1)
    text = text.replace("<LeadTimeOffset>0<", "<LeadTimeOffset>4<", 1)
    recording = opened(text)
    assert recording.lead_names[-1] == "V1 2"
    assert [problem for problem, _ in recording.remarks] == [
        "holds 2 rhythm waveforms (500, 1000 Hz), of which the first is read",
        "names leads twice; the later ones became V1 2",
        "says that no electrode was on I",
        "gives a LeadTimeOffset or FirstSampleBaseline for I",
    ]


def test_an_empty_waveform_before_the_real_one_does_not_matter():
    text = muse_xml("<Waveform><LeadCount>12</LeadCount></Waveform>", muse_waveform(COUNTS))
    assert opened(text).n_times == 500


def test_checksums_count_where_some_are_right():
    text = muse_xml(muse_waveform(COUNTS))
    packed = base64.encodebytes(COUNTS[3].tobytes()).decode()
    damaged = text.replace(packed, packed.replace(packed[4], "A" if packed[4] != "A" else "B", 1))
    with pytest.raises(RecordError, match=r"^m.xml fails the checksum of its leads V2. Export"):
        opened(damaged).read()

    elsewise = damaged.replace("<LeadDataCRC32>", "<LeadDataCRC32>1")
    assert np.isfinite(opened(elsewise).read()).all()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (">4.88<", ">0<", "gives lead I 0 MICROVOLTS for each bit"),
        (">4.88<", ">-4.88<", "gives lead I -4.88 MICROVOLTS for each bit"),
        (">4.88<", "><", "gives lead I MICROVOLTS for each bit"),
        (">MICROVOLTS<", ">BEATS<", "gives lead I 4.88 BEATS for each bit"),
        ("<SampleBase>500<", "<SampleBase>0<", "gives 0 with the exponent 0 as samples"),
        ("<SampleBase>500<", "<SampleBase><", r"gives \(nothing\) with the exponent 0"),
        ("<SampleExponent>0<", "<SampleExponent>99<", "with the exponent 99 as samples"),
        ("CONTINUOUS_SAMPLES", "RLE", "holds RLE instead of CONTINUOUS_SAMPLES"),
        (">I</LeadID>", "></LeadID>", "holds a lead without a name"),
        ("CountTotal>500<", "CountTotal>501<", "gives lead I 501 as LeadSampleCountTotal, but"),
        ("CountTotal>1000<", "CountTotal>x<", "gives lead I nan as LeadByteCountTotal, but"),
        ("LeadSampleSize>2<", "LeadSampleSize>3<", "gives lead I 3 bytes for each sample"),
        ("        <WaveFormData>\n", "<WaveFormData>!!!!", "LeadByteCountTotal, but holds 1003"),
        (">Rhythm<", ">Median<", "holds no rhythm waveform, but median"),
    ],
)
def test_bad_values_are_named(old, new, problem):
    with pytest.raises(RecordError, match=rf"^m.xml .*{problem}"):
        opened(muse_xml(muse_waveform(COUNTS)).replace(old, new)).read()


def test_base64_that_is_cut_or_damaged_is_named():
    text = muse_xml(muse_waveform(COUNTS))
    packed = base64.encodebytes(COUNTS[0].tobytes()).decode()
    with pytest.raises(RecordError, match=r"gives lead I 1000 as LeadByteCountTotal.*: it is cut"):
        opened(text.replace(packed, packed[:700]))
    with pytest.raises(RecordError, match="has damaged base64 as samples of lead I"):
        opened(text.replace(packed, "!" + packed[1:])).read()
    with pytest.raises(RecordError, match="holds no rhythm waveform, but none at all"):
        opened(muse_xml())
    empty = muse_xml(muse_waveform(COUNTS[:, :0]))
    with pytest.raises(RecordError, match="holds no samples"):
        opened(empty)

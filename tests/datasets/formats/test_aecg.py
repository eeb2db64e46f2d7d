import numpy as np
import pytest

from sklearn_ecg.datasets.formats import _aecg
from sklearn_ecg.records._report import RecordError
from tests.datasets.formats.written_xml import (
    EIGHT_LEADS,
    TWELVE_LEADS,
    aecg_annotations,
    aecg_set,
    aecg_xml,
    counts_of,
)

COUNTS = counts_of(12, 500)


def opened(text, waveform="rhythm"):
    return _aecg.open_recording(text.encode(), "a.xml", waveform)


def test_leads_are_origin_plus_scale_times_digits():
    text = aecg_xml(aecg_set(COUNTS))
    recording = opened(text)

    assert _aecg.is_mine(text.encode()[:4096])
    assert recording.lead_names == TWELVE_LEADS
    assert (recording.sampling_rate, recording.n_times, recording.remarks) == (500.0, 500, [])
    np.testing.assert_array_equal(recording.read(), (COUNTS * 0.0025).astype(np.float32))


@pytest.mark.parametrize(
    ("origin", "scale", "in_mv"),
    [
        (("100", "uV"), ("2.5", "uV"), lambda counts: 0.1 + 0.0025 * counts),
        (("-1", "mV"), ("0.001", "mV"), lambda counts: -1 + 0.001 * counts),
        (("0", ""), ("2500", "nV"), lambda counts: 0.0025 * counts),
        (("0.001", "V"), ("5", "\u00b5V"), lambda counts: 1 + 0.005 * counts),
    ],
)
def test_any_unit_of_voltage_will_do(origin, scale, in_mv):
    text = aecg_xml(aecg_set(COUNTS))
    for old, (value, unit) in (
        ('<origin value="0" unit="uV"/>', origin),
        ('<scale value="2.5" unit="uV"/>', scale),
    ):
        text = text.replace(old, f'{old.split()[0]} value="{value}" unit="{unit}"/>')
    np.testing.assert_allclose(opened(text).read(), in_mv(COUNTS), atol=1e-6)


@pytest.mark.parametrize(
    ("step", "unit", "rate"),
    [
        ("2", "ms", 500.0),
        ("1000", "us", 1000.0),
        ("0.003333", "s", 300.0),
        ("0.003", "s", 1 / 0.003),
        ("3.90625", "ms", 256.0),
    ],
)
def test_time_between_samples(step, unit, rate):
    text = aecg_xml(aecg_set(COUNTS, head="0", step=step, unit=unit))
    assert opened(text).sampling_rate == pytest.approx(rate, rel=1e-12)


def test_times_that_are_written_one_by_one():
    text = aecg_xml(aecg_set(COUNTS)).replace(
        '<increment value="0.002" unit="s"/>',
        f'<scale value="4" unit="ms"/><digits>{" ".join(map(str, range(0, 1000, 2)))}</digits>',
    )
    assert opened(text).sampling_rate == 125.0
    with pytest.raises(RecordError, match="'4 ms' as the time between its samples"):
        opened(text.replace("<digits>0 2 4", "<digits>0 2 5"))


def test_representative_beat():
    beat = COUNTS[:8, :300]
    text = aecg_xml(aecg_set(COUNTS), beat=aecg_set(beat, EIGHT_LEADS, head="0", step="0.001"))
    recording = opened(text, "median")
    assert recording.lead_names == EIGHT_LEADS
    assert recording.sampling_rate == 1000.0
    np.testing.assert_array_equal(recording.read(), (beat * 0.0025).astype(np.float32))

    with pytest.raises(RecordError, match=r'a.xml holds no representative beat. Open .*"rhythm"'):
        opened(aecg_xml(aecg_set(COUNTS)), "median")


def test_sets_of_leads_are_put_where_they_were_recorded():
    early, late, next_morning = (
        aecg_set(COUNTS[:2], ("I", "II")),
        aecg_set(COUNTS[2:5], ("V1", "V2", "I"), head="20221130101113.000"),
        aecg_set(COUNTS[:1], ("V3",), head="20221201101113.000"),
    )
    recording = opened(aecg_xml(early, late, next_morning))
    signals = recording.read()

    assert recording.lead_names == ("I", "II", "V1", "V2")
    expected = np.full((4, 1000), np.nan)
    expected[:2, :500], expected[2:, 500:], expected[0, 500:] = COUNTS[:2], COUNTS[2:4], COUNTS[4]
    np.testing.assert_array_equal(signals, (expected * 0.0025).astype(np.float32))
    problems = [problem for problem, _ in recording.remarks]
    assert problems == [
        "holds 3 sets of leads; number 3 does not fit the first",
        "has leads of different lengths or start times",
    ]


def test_what_surrounds_the_samples():
    annotations = aecg_annotations(
        "device",
        ("MDC_ECG_HEART_RATE", '<value value="1.2" unit="Hz"/>'),
        ("MDC_ECG_TIME_PD_QT", '<value value="0.4" unit="s"/>'),
        ("MDC_ECG_TIME_PD_QTc", '<value value="0" unit="ms"/>'),
        ("MAKER_ECG_QRS_AXIS", '<value value="-30" unit="deg"/>'),
        ("MDC_ECG_BEAT", ""),
        ("MDC_ECG_INTERPRETATION", "<value>Sinus  rhythm</value>"),
        ("MDC_ECG_RHY", '<value code="MDC_ECG_RHY_SINUS_RHY" displayName="Sinus">\n</value>'),
    ) + aecg_annotations(
        "person",
        ("MDC_ECG_TIME_PD_QT", '<value value="999" unit="ms"/>'),
        ("MDC_ECG_INTERPRETATION_STATEMENT", "<value>Vorhofflimmern</value>"),
    )
    fields = opened(aecg_xml(aecg_set(COUNTS), annotations=annotations)).fields
    assert fields == {
        "patient_id": "SUBJECT-7",
        "age_years": 61.0,  # the day before she became 62
        "sex": "female",
        "recorded_at": np.datetime64("2022-11-30T10:11:12"),
        "device": "Mortara ELI 380",
        "site": "Site 9",
        "high_pass_hz": 0.05,
        "heart_rate_bpm": pytest.approx(72),
        "QT_interval_ms": 400.0,
        "QRS_axis_deg": -30.0,
        "machine_statements": ("Sinus rhythm", "mdc:MDC_ECG_RHY_SINUS_RHY Sinus"),
        "reader_statements": ("Vorhofflimmern",),
    }
    assert "Secret" not in str(fields)


def test_what_makers_write_in_other_words():
    annotations = aecg_annotations(
        "device",
        ("MDC_ECG_HEART_RATE", '<value value="72" unit="{beats}/min"/>'),
        ("MDC_ECG_TIME_PD_PR_GL", '<value value="160" unit="ms"/>'),
        ("MDC_ECG_INTERPRETATION_STATEMENT", "<value>Sinus rhythm\nLong\n   QT\n</value>"),
    )
    text = aecg_xml(aecg_set(COUNTS), annotations=annotations)
    fields = opened(text.replace('"SUBJECT-7"', '"?"').replace('code="F"', 'code="female"')).fields
    assert fields["heart_rate_bpm"] == 72
    assert fields["PR_interval_ms"] == 160
    assert fields["machine_statements"] == ("Sinus rhythm", "Long QT")
    assert fields["sex"] == "female"
    assert "patient_id" not in fields
    alone = text.replace("HEART_RATE", "TIME_PD_RR").replace(
        '"72" unit="{beats}/min', '"0.8" unit="s'
    )
    assert opened(alone).fields["heart_rate_bpm"] == pytest.approx(75)


def test_a_set_without_author_that_says_it_is_confirmed_is_the_readers():
    for report, field in (("", "reader_statements"), ("UN", "machine_statements")):
        annotations = aecg_annotations(
            "device",
            ("MDC_ECG_INTERPRETATION_STATEMENT", "<value>Sinusrhythmus</value>"),
            ("MDC_ECG_INTERPRETATION_STATEMENT", f"<value>{report}CONFIRMED REPORT</value>"),
        )
        fields = opened(aecg_xml(aecg_set(COUNTS), annotations=annotations)).fields
        found = {name: value for name, value in fields.items() if name.endswith("_statements")}
        assert found == {field: ("Sinusrhythmus",)}


def test_spellings_of_leads():
    leads = ("aVR", "AVRneg", "v4r", "II", "TEA")
    expected = ("aVR", "-aVR", "V4R", "II", "TEA")
    assert opened(aecg_xml(aecg_set(COUNTS[:5], leads))).lead_names == expected


def test_names_with_a_prefix_and_without_a_namespace():
    text = aecg_xml(aecg_set(COUNTS))
    prefixed = text.replace("<", "<h:").replace("<h:/", "</h:").replace("<h:?", "<?")
    bare = text.replace(' xmlns="urn:hl7-org:v3"', "")
    expected = opened(text)
    for other in (prefixed, bare):
        assert _aecg.is_mine(other.encode()[:4096])
        found = opened(other)
        assert found.fields == expected.fields
        np.testing.assert_array_equal(found.read(), expected.read())


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            '<scale value="2.5" unit="uV"/>',
            '<scale value="0" unit="uV"/>',
            "lead I the scale '0 uV",
        ),
        (
            '<scale value="2.5" unit="uV"/>',
            '<scale value="-2.5" unit="uV"/>',
            "'-2.5 uV', which is",
        ),
        ('<scale value="2.5" unit="uV"/>', '<scale value="2.5" unit="kg"/>', "'2.5 kg', which is"),
        ('<scale value="2.5" unit="uV"/>', "", r"the scale '\(none\)'"),
        ('<origin value="0" unit="uV"/>', '<origin value="5"/>', "an origin that is not a voltage"),
        ('increment value="0.002"', 'increment value="0"', "'0 s' as the time"),
        ('increment value="0.002"', 'increment value="-1"', "'-1 s' as the time"),
        ('increment value="0.002" unit="s"', 'increment value="2"', "'2' as the time"),
        ('code="TIME_ABSOLUTE"', 'code="TEMPERATURE"', "has leads without a sequence of times"),
        ("<digits>", "<digits>1,2 ", "has digits of lead I that are not numbers"),
        ("<digits>", "<digits>1-2 ", "has digits of lead I that are not numbers"),
        ("<digits>", "<digits>inf ", "has digits of lead I that are not numbers"),
        ("<digits>", "<digits>1e300 ", "more than 1000 V in lead I"),
        ('<scale value="2.5"', '<scale value="1e-300"', "stays below 1 nV in lead I"),
        ('code="RHYTHM"', 'code="REPRESENTATIVE_BEAT"', "holds no rhythm series"),
    ],
)
def test_bad_values_are_named(old, new, problem):
    with pytest.raises(RecordError, match=rf"^a.xml .*{problem}"):
        opened(aecg_xml(aecg_set(COUNTS)).replace(old, new)).read()


def test_a_lead_without_digits_is_nan_and_a_file_without_any_is_an_error():
    text = aecg_xml(aecg_set(np.zeros((12, 0), dtype=int)))
    with pytest.raises(RecordError, match="holds no samples"):
        opened(text)
    recording = opened(text.replace("<digits>", "<digits> 1 2\n-3.5 ", 1))
    np.testing.assert_allclose(recording.read()[0], [0.0025, 0.005, -0.00875], rtol=1e-6)
    assert np.isnan(recording.read()[1:]).all()
    assert recording.remarks[0][0] == "has leads of different lengths or start times"


def test_a_lead_named_twice_gets_a_number():
    recording = opened(aecg_xml(aecg_set(COUNTS[:3], ("II", "V1", "II"))))
    assert recording.lead_names == ("II", "V1", "II 2")
    assert recording.remarks[0][0] == "names leads twice; the later ones became II 2"


def test_dates_that_make_no_sense_are_left_out():
    text = aecg_xml(aecg_set(COUNTS)).replace("20221130101112", "20221332101112")
    assert {"recorded_at", "age_years"}.isdisjoint(opened(text).fields)
    text = aecg_xml(aecg_set(COUNTS)).replace("20221130101112", "18991230000000")
    assert opened(text).fields["recorded_at"] == np.datetime64("1899-12-30T00:00:00")
    assert "age_years" not in opened(text).fields  # before the patient was born
    for born in ("", "20301231", "17530101", "19601341", "unknown"):
        text = aecg_xml(aecg_set(COUNTS)).replace('"19601201"', f'"{born}"')
        assert "age_years" not in opened(text).fields


def test_a_real_ecg_agrees_with_the_same_in_dicom(shared_data):
    pydicom = pytest.importorskip("pydicom")
    folder = shared_data / "hospital"
    groups = pydicom.dcmread(folder / "same-ecg.dcm")
    content = (folder / "same-ecg.aecg.xml").read_bytes()
    assert _aecg.is_mine(content[:4096])
    for group, waveform in enumerate(("rhythm", "median")):
        recording = _aecg.open_recording(content, "same-ecg.aecg.xml", waveform)
        channels = groups.WaveformSequence[group].ChannelDefinitionSequence
        names = [one.ChannelSourceSequence[0].CodeMeaning.split()[1] for one in channels]
        signals = recording.read()[[recording.lead_names.index(name) for name in names]]
        microvolts = groups.waveform_array(group).T[:, : recording.n_times]
        np.testing.assert_allclose(signals * 1000, microvolts, atol=1)
    assert recording.fields["QTc_interval_ms"] == 443.0
    assert recording.fields["machine_statements"] == ("mdc:MDC_ECG_RHY_SINUS_RHY Sinus Rhythm",)


def test_a_real_ecg_of_mindray(shared_data):
    content = (shared_data / "hospital" / "liryc.aecg.xml").read_bytes()
    recording = _aecg.open_recording(content, "liryc.aecg.xml", "rhythm")
    assert recording.read().shape == (12, 1000)
    assert recording.fields["patient_id"] == "EXAMPLE0001"
    assert recording.fields["T_axis_deg"] == 11.0
    assert recording.fields["notch_hz"] == 50.0
    assert "QTc_interval_ms" not in recording.fields  # it says 0
    assert recording.fields["machine_statements"][0] == "Rythme sinusal avec ESA"

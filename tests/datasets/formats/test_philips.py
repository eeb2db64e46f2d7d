import base64

import numpy as np
import pytest

from sklearn_ecg.datasets.formats import _philips
from sklearn_ecg.records._report import RecordError
from tests.datasets.formats.written_xml import (
    TWELVE_LEADS,
    counts_of,
    philips_beats,
    philips_rhythm,
    philips_xml,
    xli,
)

COUNTS = counts_of(12, 700)
BASE64 = 'dataencoding="Base64"'
XLI = f'{BASE64} compression="XLI"'


def opened(text, waveform="rhythm"):
    return _philips.open_recording(text.encode(), "p.xml", waveform)


@pytest.mark.parametrize(
    ("stored", "how"),
    [
        (base64.b64encode(COUNTS.tobytes()).decode(), BASE64),
        (base64.b64encode(COUNTS.tobytes()).decode(), f'{BASE64} compressmethod="Uncompressed"'),
        (" ".join(map(str, COUNTS.ravel())), 'dataencoding="Plain"'),
        (xli(COUNTS), XLI),
        (xli(COUNTS), f'{BASE64} compressflag="True" compressmethod="XLI"'),
    ],
    ids=["base64", "uncompressed", "plain", "xli", "xli of 1.03"],
)
def test_every_encoding_gives_the_same_samples(stored, how):
    text = philips_xml(philips_rhythm(stored, 700, more=how))
    recording = opened(text)
    assert _philips.is_mine(text.encode()[:4096])
    assert recording.lead_names == TWELVE_LEADS
    assert (recording.sampling_rate, recording.n_times, recording.remarks) == (500.0, 700, [])
    np.testing.assert_array_equal(recording.read(), (COUNTS * 0.005).astype(np.float32))


def test_long_flat_leads_are_compressed_to_few_codes():
    flat = np.repeat(np.arange(12, dtype="<i2")[:, None], 5000, axis=1)
    text = philips_xml(philips_rhythm(xli(flat), 5000, more=XLI))
    np.testing.assert_array_equal(opened(text).read(), (flat * 0.005).astype(np.float32))


def test_representative_beats_are_missing_where_they_were_filled_up():
    beats = COUNTS[:, :200].copy()
    beats[:, 150:] = 32767
    recording = opened(philips_xml(philips_beats(beats)), "median")
    signals = recording.read()
    np.testing.assert_array_equal(signals[:, :150], (beats[:, :150] * 0.0025).astype(np.float32))
    assert np.isnan(signals[:, 150:]).all()

    without = philips_xml(philips_beats(beats)).replace('resolution="2.5"', "")
    with pytest.raises(RecordError, match=r"gives \(nothing\) as microvolts of a bit"):
        opened(without, "median")


def test_the_pulse_at_the_end_is_remarked():
    pulsed = COUNTS.copy()
    pulsed[:, 620:680] = 200
    text = philips_xml(philips_rhythm(xli(np.tile(pulsed, 5)), 3500, more=XLI))
    assert opened(text).remarks[0][0] == (
        "ends with the recorder's pulse of 1 mV for calibration, in all leads"
    )


def test_what_surrounds_the_samples():
    fields = opened(philips_xml(philips_rhythm(xli(COUNTS), 700, more=XLI))).fields
    assert fields == {
        "patient_id": "42",
        "age_years": 59.0,  # the day before the birthday; the default age is no age
        "sex": "female",
        "recorded_at": np.datetime64("2010-01-19T15:19:22"),
        "device": "Philips Medical PageWriter",
        "site": "Hospital",
        "high_pass_hz": 0.15,
        "low_pass_hz": 100.0,
        "notch_hz": 60.0,
        "heart_rate_bpm": 84.0,
        "QRS_axis_deg": -30.0,
        "machine_statements": ("ABNORMAL ECG",),
    }


STATEMENTS = "".join(
    f"<statement><statementcode>{code}</statementcode><leftstatement>{text}</leftstatement>"
    "<rightstatement>why</rightstatement></statement>"
    for code, text in (("AFIB", "ATRIAL FIBRILLATION"), ("", "&gt;&gt; Free text &lt;&lt;"))
)
CODED = "".join(
    f'<codedstatement source="{source}" deleted="{deleted}"><modifiers>{modifier}</modifiers>'
    f'<unparsedstatement code="{code}"><lhsstatement>{text}</lhsstatement></unparsedstatement>'
    "</codedstatement>"
    for source, deleted, modifier, code, text in (
        ("Analysis program", "True", "<modifier>PROBABLE</modifier>", "SR", "SINUS RHYTHM"),
        ("Editor", "False", "", "AFIB", "ATRIAL FIBRILLATION"),
    )
)


@pytest.mark.parametrize(
    ("status", "signature", "coded", "machine", "reader"),
    [
        ("Await confirm", "", "", ("philips:AFIB ATRIAL FIBRILLATION", "Free text", "AB"), ()),
        (
            "Await confirm",
            "Unconfirmed diagnosis",
            CODED,
            ("philips:SR PROBABLE SINUS RHYTHM",),
            (),
        ),
        (
            "Confirmed",
            "",
            CODED,
            ("philips:SR PROBABLE SINUS RHYTHM",),
            ("philips:AFIB ATRIAL FIBRILLATION", "Free text", "AB"),
        ),
        (
            "Not yet determined",
            "Confirmed by: SECRET 24-Dec-2008",
            "",
            (),
            ("philips:AFIB ATRIAL FIBRILLATION", "Free text", "AB"),
        ),
    ],
)
def test_statements_of_machine_and_reader(status, signature, coded, machine, reader):
    text = philips_xml(
        philips_rhythm(xli(COUNTS), 700, more=XLI), status, STATEMENTS, coded, signature
    ).replace("- ABNORMAL ECG -", "-- AB --")
    fields = opened(text).fields
    assert fields.get("machine_statements", ()) == machine
    assert fields.get("reader_statements", ()) == reader


def test_leads_without_labels_are_the_usual_twelve():
    text = philips_xml(philips_rhythm(xli(COUNTS), 700, more=XLI))
    bare = text.replace(f'numberofleads="12" leadlabels="{" ".join(TWELVE_LEADS)}"', "")
    assert opened(bare).lead_names == TWELVE_LEADS
    more = text.replace(" V6", " V6 V3R V4R")
    assert opened(more).lead_names == TWELVE_LEADS
    with pytest.raises(RecordError, match="names 0 leads, and says that it has 12"):
        opened(bare.replace("STD-12", "FRANK"))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('resolution="5"', 'resolution="0"', "gives 0 as microvolts of a bit"),
        ('resolution="5"', 'resolution="-5"', "gives -5 as microvolts of a bit"),
        ('samplespersecond="500"', 'samplespersecond="0"', "gives 0 as samples per second"),
        ('durationperchannel="1400"', 'durationperchannel="0"', "gives 0 as milliseconds"),
        ('durationperchannel="1400"', 'durationperchannel="1e9"', "gives 1e9 as milliseconds"),
        ('durationperchannel="1400"', 'durationperchannel="9999"', "damaged or cut samples of"),
        ('durationperchannel="1400"', "", r"gives \(nothing\) as milliseconds"),
        ('compression="XLI"', 'compression="Huffman"', "is compressed by 'Huffman'"),
        ('compression="XLI"', "", "samples instead of 700 for each of 12 leads"),
        ('dataencoding="Base64"', 'dataencoding="Hex"', "samples in 'Hex' instead of Base64"),
        ('numberofleads="12"', 'numberofleads="15"', "names 12 leads, and says that it has 15"),
        ('bitspersample="16"', 'bitspersample="12"', "has 12 bits in a sample"),
        ('leadlabels="I II III', 'leadlabels="III II I', "compressed leads in the order III, II"),
        ("<parsedwaveforms", "<other", "is not whole XML: mismatched tag"),
    ],
)
def test_bad_values_are_named(old, new, problem):
    text = philips_xml(philips_rhythm(xli(COUNTS), 700, more=XLI))
    assert old in text
    with pytest.raises(RecordError, match=rf"^p.xml .*{problem}"):
        opened(text.replace(old, new)).read()


def test_compressed_samples_that_are_damaged_or_cut_are_named():
    packed = base64.b64decode(xli(COUNTS))
    for damaged, lead in (
        (packed[:-30], "V6"),
        (packed[:5], "I"),
        (packed[:8] + b"\xff" * 40 + packed[48:], "I"),
        (packed[:4] + b"\0" * 400 + packed[404:], "I"),
    ):
        stored = base64.b64encode(damaged).decode()
        with pytest.raises(RecordError, match=f"has damaged or cut samples of lead {lead}"):
            opened(philips_xml(philips_rhythm(stored, 700, more=XLI))).read()
    with pytest.raises(RecordError, match="has damaged base64 as samples"):
        opened(philips_xml(philips_rhythm(xli(COUNTS)[:-1], 700, more=XLI)))


@pytest.mark.parametrize("version", ["1.03", "1.04"])
def test_real_files_are_read_as_sierraecg_reads_them(shared_data, version):
    sierraecg = pytest.importorskip("sierraecg")
    path = shared_data / "hospital" / f"philips-{version}.xml"
    expected = sierraecg.read_file(str(path), include_repbeats=True)
    content = path.read_bytes()
    recording = _philips.open_recording(content, path.name, "rhythm")

    assert _philips.is_mine(content[:4096])
    assert recording.lead_names == tuple(lead.label for lead in expected.leads)
    counts = np.array([lead.samples for lead in expected.leads])
    np.testing.assert_array_equal(recording.read(), (counts * 0.005).astype(np.float32))
    assert recording.remarks[0][0].startswith("ends with the recorder's pulse")
    if version == "1.03":
        assert recording.fields["machine_statements"][0] == "Sinus bradycardia"
        return
    assert recording.fields["machine_statements"][0] == "philips:SR SINUS RHYTHM"
    median = _philips.open_recording(content, path.name, "median")
    counts = np.array([expected.repbeats[lead].samples for lead in median.lead_names], dtype=float)
    counts[counts == 32767] = np.nan
    np.testing.assert_array_equal(median.read(), (counts * 0.0025).astype(np.float32))

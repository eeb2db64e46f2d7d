"""DICOM files as pydicom writes them, with what their samples and texts are worth."""

import io
import random
import tracemalloc
import warnings
import zlib

import numpy as np
import pytest

from sklearn_ecg.datasets.formats._dicom import is_mine, open_recording
from sklearn_ecg.datasets.formats._recording import FIELDS
from sklearn_ecg.records._report import RecordError

pydicom = pytest.importorskip("pydicom")

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
NUMBERS = (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8)
TWELVE_LEADS = "1.2.840.10008.5.1.4.1.1.9.1.1"
HEMODYNAMIC = "1.2.840.10008.5.1.4.1.1.9.2.1"
KINDS = {"i1": ("SB", 8), "u1": ("UB", 8), "i2": ("SS", 16), "u2": ("US", 16)}
KINDS |= {"i4": ("SL", 32), "u4": ("UL", 32)}


def dataset(**values):
    result = pydicom.Dataset()
    for name, value in values.items():
        setattr(result, name, value)
    return result


def code(value, scheme, meaning):
    return [dataset(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)]


def channel(number, *, units="uV", sensitivity="2.5", meaning="a lead", **values):
    source = code(f"5.6.3-9-{number}", "SCPECG", meaning)
    result = dataset(ChannelSourceSequence=source, WaveformBitsStored=16, **values)
    if units is not None:
        result.ChannelSensitivityUnitsSequence = code(units, "UCUM", "a unit")
    if sensitivity is not None:
        result.ChannelSensitivity = sensitivity
    return result


def group(samples, channels=None, *, rate=500, label="RHYTHM", big=False, **values):
    """A multiplex group of samples of shape (n_channels, n_times)."""
    kind, bits = KINDS[samples.dtype.str[1:]]
    stored = np.ascontiguousarray(samples.T).astype(samples.dtype.newbyteorder("<>"[big]))
    content = stored.tobytes()
    channels = channels or [channel(number) for number in NUMBERS[: len(samples)]]
    return dataset(
        WaveformOriginality="ORIGINAL",
        NumberOfWaveformChannels=len(samples),
        NumberOfWaveformSamples=samples.shape[1],
        SamplingFrequency=str(rate),
        MultiplexGroupLabel=label,
        ChannelDefinitionSequence=channels,
        WaveformBitsAllocated=bits,
        WaveformSampleInterpretation=kind,
        WaveformData=content + bytes(len(content) % 2),
        **values,
    )


def dicom(groups, *, syntax="1.2.840.10008.1.2.1", sop_class=TWELVE_LEADS, **values):
    """The bytes of a file."""
    file = dataset(SOPClassUID=sop_class, SOPInstanceUID="1.2.3", **values)
    if groups:
        file.WaveformSequence = groups
        for item in file.WaveformSequence:
            item["WaveformData"].VR = "OB" if item.WaveformBitsAllocated == 8 else "OW"
    file.file_meta = pydicom.dataset.FileMetaDataset()
    file.file_meta.TransferSyntaxUID = syntax
    file.file_meta.MediaStorageSOPClassUID = sop_class
    file.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pydicom.dcmwrite(buffer, file, enforce_file_format=True)
    return buffer.getvalue()


def samples_of(rng, n_leads=12, n_times=500, dtype="i2"):
    return rng.integers(0, 120, (n_leads, n_times)).astype(dtype)


def read(content, waveform="rhythm"):
    recording = open_recording(content, "a.dcm", waveform)
    assert set(recording.fields) <= set(FIELDS)
    signals = recording.read()
    assert signals.shape == (len(recording.lead_names), recording.n_times)
    assert signals.dtype == np.float32
    return recording, signals


def assert_refused(content, match, waveform="rhythm"):
    with pytest.raises(RecordError, match=match) as error:
        read(content, waveform)
    assert error.value.file == "a.dcm"


@pytest.mark.parametrize(
    "syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"]
)
@pytest.mark.parametrize("dtype", KINDS)
def test_samples_are_bit_for_bit_those_of_pydicom(rng, syntax, dtype):
    samples = samples_of(rng, dtype=dtype)
    values = {"ChannelBaseline": "7.5", "ChannelSensitivityCorrectionFactor": "1.01"}
    channels = [channel(number, sensitivity="4.88", **values) for number in NUMBERS]
    content = dicom([group(samples, channels)], syntax=syntax)
    assert is_mine(content[:4096])
    recording, signals = read(content)
    expected = pydicom.dcmread(io.BytesIO(content)).waveform_array(0).T / 1000
    assert recording.lead_names == LEADS
    assert recording.sampling_rate == 500
    np.testing.assert_array_equal(signals, expected.astype(np.float32))


def test_big_endian_and_missing_preamble_are_read(rng):
    samples = samples_of(rng)
    expected = samples * 2.5 / 1000
    big = dicom([group(samples, big=True)], syntax="1.2.840.10008.1.2.2")
    little = dicom([group(samples)])
    bare = dicom([group(samples)], syntax="1.2.840.10008.1.2")
    begin = 132 + 12 + int.from_bytes(bare[140:144], "little")
    for content in (big, little[128:], little[132:], bare[begin:]):
        assert is_mine(content[:4096])
        np.testing.assert_allclose(read(content)[1], expected, rtol=1e-6)


def test_sequences_of_undefined_length_are_read(rng):
    item = group(samples_of(rng))
    item.is_undefined_length_sequence_item = True
    values = {"ReferencedStudySequence": [dataset(ReferencedSOPInstanceUID="1.2")]}
    file = pydicom.dcmread(io.BytesIO(dicom([item], **values)))
    for name in ("WaveformSequence", "ReferencedStudySequence"):
        file[name].is_undefined_length = True
    buffer = io.BytesIO()
    file.save_as(buffer)
    assert buffer.getvalue().count(b"\xfe\xff\xdd\xe0") == 2
    np.testing.assert_array_equal(read(buffer.getvalue())[1], read(dicom([item]))[1])


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("NumberOfWaveformSamples", "US", 500),
        ("NumberOfWaveformSamples", "IS", 500),
        ("NumberOfWaveformSamples", "FL", 500.0),
        ("NumberOfWaveformChannels", "UL", 12),
        ("SamplingFrequency", "FL", 500.0),
        ("SamplingFrequency", "UN", b"500 "),
        ("ChannelSensitivity", "FD", 2.5),
    ],
)
@pytest.mark.parametrize("big", [False, True])
def test_numbers_of_other_types_than_the_standards_are_read(rng, name, kind, value, big):
    samples = samples_of(rng)
    syntax = "1.2.840.10008.1.2.2" if big else "1.2.840.10008.1.2.1"
    file = pydicom.dcmread(io.BytesIO(dicom([group(samples, big=big)], syntax=syntax)))
    item = file.WaveformSequence[0]
    for holder in (item, *item.ChannelDefinitionSequence):
        if name in holder:
            holder[name] = pydicom.DataElement(holder[name].tag, kind, value)
    buffer = io.BytesIO()
    file.save_as(buffer)
    recording, signals = read(buffer.getvalue())
    assert recording.sampling_rate == 500
    np.testing.assert_allclose(signals, samples * 0.0025, rtol=1e-6)


@pytest.mark.parametrize(
    ("units", "factor"), [("nV", 1e-6), ("uV", 1e-3), ("mV", 1), ("V", 1e3), ("µV", 1e-3)]
)
def test_units_of_voltage_become_mv(rng, units, factor):
    samples = samples_of(rng, n_leads=1)
    content = dicom(
        [group(samples, [channel(2, units=units, sensitivity="0.5")])],
        SpecificCharacterSet="ISO_IR 100",
    )
    np.testing.assert_allclose(read(content)[1], samples * 0.5 * factor, rtol=1e-6)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (("5.6.3-9-11", "SCPECG", "something"), "V3R"),
        (("2:62", "MDC", "Lead aVR"), "aVR"),
        (("2:258", "MDC", ""), "II"),
        (("131391", "MDC", ""), "aVL"),
        (("2:92", "MDC", "Modified chest lead per V1 placement"), "MCL1"),
        (("MDC_ECG_LEAD_V5", "MDC", ""), "V5"),
        (("X1", "99LOCAL", "Lead I (Einthoven)"), "I"),
        (("X2", "99LOCAL", "aVL, augmented voltage, left"), "aVL"),
        (("X3", "99LOCAL", "Monitor"), "Monitor"),
    ],
)
def test_leads_have_the_names_of_their_codes(rng, source, name):
    item = channel(0)
    item.ChannelSourceSequence = code(*source)
    assert read(dicom([group(samples_of(rng, 1), [item])]))[0].lead_names == (name,)


def test_rhythm_and_median_are_told_apart(rng):
    rhythm, beat = samples_of(rng, 12, 5000), samples_of(rng, 12, 600)
    groups = [group(beat, label=""), group(rhythm, label="")]
    groups[0].WaveformOriginality = "DERIVED"
    content = dicom(groups)
    assert read(content)[0].n_times == 5000
    assert read(content, "median")[0].n_times == 600
    by_label = dicom([group(rhythm), group(beat, label="MEDIAN BEAT")])
    assert read(by_label, "median")[0].n_times == 600
    assert_refused(dicom(groups[:1]), "holds no rhythm waveform, but the median beat alone")
    assert_refused(dicom(groups[1:]), "holds no median waveform", "median")


def test_groups_are_put_where_they_were_recorded(rng):
    """Four strips of three leads one after the other, and lead II all the time."""
    strips = samples_of(rng, 12, 1250)
    groups = [
        group(
            strips[i * 3 : i * 3 + 3],
            [channel(number) for number in NUMBERS[i * 3 : i * 3 + 3]],
            MultiplexGroupTimeOffset=str(i * 2500),
        )
        for i in range(4)
    ]
    long = samples_of(rng, 1, 5000)
    groups.append(group(long, [channel(2)]))
    recording, signals = read(dicom(groups))
    assert set(recording.lead_names) == set(LEADS)
    assert recording.n_times == 5000
    np.testing.assert_allclose(signals[recording.lead_names.index("II")], long[0] / 400, rtol=1e-6)
    v6 = signals[recording.lead_names.index("V6")]
    assert np.isnan(v6[:3750]).all()
    np.testing.assert_allclose(v6[3750:], strips[-1] / 400, rtol=1e-6)
    told = " ".join(problem for problem, _ in recording.remarks)
    assert "lead II 2 times" in told
    assert "not recorded for the same time" in told


def test_parts_that_follow_one_another_are_one_recording(rng):
    samples = samples_of(rng, 2, 1500)
    begins_ms = (2000, 0)
    parts = (samples[:, 1000:], samples[:, :750])
    groups = [
        group(part, MultiplexGroupTimeOffset=str(begin_ms))
        for part, begin_ms in zip(parts, begins_ms, strict=True)
    ]
    recording, signals = read(dicom(groups))
    assert recording.lead_names == ("I", "II")
    expected = samples / 400
    expected[:, 750:1000] = np.nan
    np.testing.assert_allclose(signals, expected, rtol=1e-6)


def test_the_original_comes_before_what_was_made_of_it(rng):
    derived, original = (group(samples_of(rng, 2, 1500)) for _ in range(2))
    derived.WaveformOriginality = "DERIVED"
    alone = read(dicom([original]))[1]
    np.testing.assert_array_equal(read(dicom([derived, original]))[1], alone)
    assert_refused(dicom([original, original]), "each of its leads several times: I, II")


def test_leads_of_several_rates_are_brought_to_that_of_most():
    def sine(rate):
        return np.round(1000 * np.sin(2 * np.pi * 3 * np.arange(2 * rate) / rate))[np.newaxis]

    fast = group(np.repeat(sine(500), 2, axis=0).astype("i2"))
    slow = group(sine(250).astype("i2"), [channel(3)], rate=250)
    recording, signals = read(dicom([slow, fast]))
    assert recording.sampling_rate == 500
    assert "several sampling rates (250, 500 Hz)" in recording.remarks[0][0]
    assert recording.lead_names == ("V1", "I", "II")
    np.testing.assert_allclose(signals[0, 50:-50], signals[1, 50:-50], atol=0.02)


def test_padding_is_missing_and_a_zero_is_not():
    samples = np.tile(np.array([-50, 0, 50, 60], "i2"), (2, 500))
    samples[0, 600:700] = -2048
    samples[1, 600:1200] = 0
    low, zero = (-2048).to_bytes(2, "little", signed=True), bytes(2)
    _, signals = read(dicom([group(samples, WaveformPaddingValue=low)]))
    np.testing.assert_array_equal(np.isnan(signals), samples == -2048)
    _, signals = read(dicom([group(samples, WaveformPaddingValue=zero)]))
    assert np.flatnonzero(np.isnan(signals[1])).tolist() == list(range(600, 1200))
    assert not np.isnan(signals[0]).any()


def test_other_channels_are_left_out_and_doubles_are_no_guess(rng):
    samples = samples_of(rng, 5)
    channels = [
        channel(1),
        channel(2),
        channel(0, units="mm[Hg]", meaning="Aortic pressure"),
        channel(0, meaning="Sinus coronarius"),
        channel(2),
    ]
    recording, _ = read(dicom([group(samples, channels)], sop_class=HEMODYNAMIC))
    assert recording.lead_names == ("I",)
    told = dict(recording.remarks)
    assert told["holds lead II 2 times"] == "Of these none is used."
    assert any("Aortic pressure (mm[Hg]), Sinus coronarius (uV)" in problem for problem in told)


def test_places_on_the_head_are_no_leads(rng):
    names = ("C3", "C4", "ECG II")
    channels = [channel(0, meaning="", ChannelLabel=name) for name in names]
    for item, name in zip(channels, names, strict=True):
        item.ChannelSourceSequence = code("1", "99LOCAL", name)
    groups = [group(samples_of(rng, 3), channels)]
    recording, _ = read(dicom(groups, sop_class="1.2.840.10008.5.1.4.1.1.9.7.1"))
    assert recording.lead_names == ("II",)


def test_what_else_the_file_says(rng):
    ms, axis = code("ms", "UCUM", "millisecond"), code("deg", "UCUM", "degree")
    rate, s = code("{H.B.}/min", "UCUM", "bpm"), code("s", "UCUM", "second")

    def measured(concept, value, units, channels=(1, 0)):
        return dataset(
            ConceptNameCodeSequence=code(*concept),
            NumericValue=value,
            MeasurementUnitsCodeSequence=units,
            ReferencedWaveformChannels=list(channels),
        )

    annotations = [
        measured(("5.10.2.5-1", "SCPECG", "Ventricular rate"), "61", rate),
        measured(("2:15872", "MDC", "PR interval global"), "0.16", s),
        measured(("99", "99LOCAL", "QRS Duration"), "98", ms),
        measured(("2:16160", "MDC", "QT interval global"), "29999", ms),
        measured(("5.13.5-11", "SCPECG", "QT interval"), "400", ms, (1, 3)),
        measured(("5.10.2.5-5", "SCPECG", "QTc interval"), "410", ms),
        measured(("2:16132", "MDC", "QRS axis"), "-30", axis),
        dataset(UnformattedTextValue="Sinusrhythmus\r\nLinksschenkelblock: müßig"),
        dataset(
            ConceptNameCodeSequence=code("121071", "DCM", "Finding"),
            ConceptCodeSequence=code("164889003", "SCT", "Atrial fibrillation"),
        ),
        dataset(
            ConceptNameCodeSequence=code("5.10.3-1", "SCPECG", "P onset"),
            TemporalRangeType="POINT",
        ),
    ]
    values = {
        "SpecificCharacterSet": "ISO_IR 100",
        "PatientName": "Doe^Jane",
        "PatientID": "P 17",
        "PatientSex": "F",
        "PatientAge": "018M",
        "AcquisitionDateTime": "20240229235930.5",
        "Manufacturer": "Maker",
        "ManufacturerModelName": "Model 1",
        "InstitutionName": "Klinik Süd",
        "InstitutionalDepartmentName": "Ward 3",
    }
    filters = {"FilterLowFrequency": "0.05", "FilterHighFrequency": "150"}
    channels = [channel(n, NotchFilterFrequency=n * 10 + 40, **filters) for n in (1, 2)]
    item = group(samples_of(rng, 2), channels)
    content = dicom([item], WaveformAnnotationSequence=annotations, **values)
    recording, _ = read(content)
    assert recording.fields == {
        "patient_id": "P 17",
        "age_years": 1.5,
        "sex": "female",
        "recorded_at": np.datetime64("2024-02-29T23:59:30"),
        "device": "Maker Model 1",
        "site": "Klinik Süd, Ward 3",
        "high_pass_hz": 0.05,
        "low_pass_hz": 150.0,
        "heart_rate_bpm": 61.0,
        "PR_interval_ms": 160.0,
        "QRS_duration_ms": 98.0,
        "QTc_interval_ms": 410.0,
        "QRS_axis_deg": -30.0,
        "machine_statements": (
            "snomed:164889003 Atrial fibrillation",
            "Sinusrhythmus",
            "Linksschenkelblock: müßig",
        ),
    }
    assert "NotchFilterFrequency of 50, 60 Hz" in recording.remarks[0][0]
    assert "Jane" not in repr(recording)


def test_confirmed_statements_are_the_readers(rng):
    lines = ["Sinus rhythm", "Confirmed by: Roe, R. (12)"]
    annotations = [dataset(UnformattedTextValue=line) for line in lines]
    values = {"PatientBirthDate": "18991231", "StudyDate": "19691231"}
    content = dicom([group(samples_of(rng))], WaveformAnnotationSequence=annotations, **values)
    fields = read(content)[0].fields
    assert fields["reader_statements"] == ("Sinus rhythm",)
    assert fields["age_years"] == pytest.approx(70, abs=0.01)
    assert fields["recorded_at"] == np.datetime64("1969-12-31")


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("ISO_IR 192", "Vorhofflimmern, 心房颤动"),
        ("GB18030", "心房颤动"),
        (["", "ISO 2022 IR 87"], "心房細動"),
        (["", "ISO 2022 IR 149"], "심방세동"),
        ("ISO_IR 144", "фибрилляция"),
        (None, "Sinusrhythm"),
    ],
)
def test_statements_are_read_in_their_character_set(rng, charset, text):
    values = {"SpecificCharacterSet": charset} if charset else {}
    annotations = [dataset(UnformattedTextValue=text)]
    content = dicom([group(samples_of(rng))], WaveformAnnotationSequence=annotations, **values)
    assert read(content)[0].fields["machine_statements"] == (text,)


@pytest.mark.parametrize(
    ("sop_class", "values", "match"),
    [
        ("1.2.840.10008.5.1.4.1.1.104.1", {}, "an encapsulated PDF"),
        ("1.2.840.10008.5.1.4.1.1.88.11", {}, "a structured report"),
        ("1.2.840.10008.5.1.4.1.1.2", {}, "an image"),
        (
            TWELVE_LEADS,
            {"EncryptedAttributesSequence": [dataset(EncryptedContent=b"1234")]},
            "is encrypted",
        ),
        (TWELVE_LEADS, {}, "holds no waveforms"),
    ],
)
def test_files_without_waveforms_are_named(sop_class, values, match):
    assert_refused(dicom([], sop_class=sop_class, **values), match)


@pytest.mark.filterwarnings("ignore:Invalid value for VR DS")
@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"sensitivity": "0"}, "lead II a ChannelSensitivity of 0"),
        ({"sensitivity": "-2.5"}, "lead II a ChannelSensitivity of -2.5"),
        ({"ChannelSensitivityCorrectionFactor": "0"}, "CorrectionFactor of 0"),
        ({"sensitivity": "1e11", "ChannelSensitivityCorrectionFactor": "1e9"}, "too large"),
        ({"ChannelBaseline": "1e99"}, "too large"),
        ({"ChannelBaseline": "nan"}, "ChannelBaseline of 'nan', which is no number"),
        ({"units": None}, r"no ECG lead in volts, mV, uV or nV, but II \(no unit\)"),
        ({"units": "Ohm"}, r"but II \(Ohm\)"),
        ({"sensitivity": None}, "no ECG lead in volts"),
    ],
)
def test_samples_without_meaning_are_refused(rng, values, match):
    assert_refused(dicom([group(samples_of(rng, 1), [channel(2, **values)])]), match)


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("WaveformSampleInterpretation", "MB", "as MB of 16 bits, which is of sound"),
        ("WaveformBitsAllocated", 12, "as SS of 12 bits"),
        ("NumberOfWaveformSamples", 2**31, "has 2000 bytes of samples"),
        ("NumberOfWaveformSamples", 0, "has no samples"),
        ("NumberOfWaveformChannels", 7, "of which it describes 2"),
        ("SamplingFrequency", "0", "SamplingFrequency of 0 Hz"),
        ("MultiplexGroupTimeOffset", "1e15", "lie 1e\\+12 s apart"),
    ],
)
def test_groups_that_make_no_sense_are_refused(rng, name, value, match):
    items = [group(samples_of(rng, 2)), group(samples_of(rng, 1), [channel(3)])]
    setattr(items[0], name, value)
    assert_refused(dicom(items), match)


def test_bombs_allocate_little():
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = deflater.compress(bytes(2**25)) + deflater.flush()
    whole = dicom([], syntax="1.2.840.10008.1.2.1.99")
    meta = whole[: 132 + 12 + int.from_bytes(whole[140:144], "little")]
    nested = b"\x40\0\x30\x03SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff" * 5_000
    items = b"\0\x54\0\1SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\0\xe0\0\0\0\0" * 20_000
    plain = dicom([])
    for content, match in (
        (meta + bomb, "inflates to more"),
        (plain + nested, "16 deep"),
        (plain + items, "nearly empty"),
    ):
        tracemalloc.start()
        assert_refused(content, match)
        assert tracemalloc.get_traced_memory()[1] < 10 * len(content) + 2**22
        tracemalloc.stop()


def test_damaged_files_are_records_or_record_errors(rng):
    content = dicom([group(samples_of(rng))], PatientID="P17")
    dice = random.Random(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(60):
            damaged = bytearray(content[: dice.choice((len(content), dice.randrange(4000)))])
            for _ in range(dice.randrange(1, 9)):
                damaged[dice.randrange(len(damaged)) if damaged else slice(0)] = dice.randrange(256)
            try:
                read(bytes(damaged))
            except RecordError as error:
                assert "cannot be read" not in error.problem


def test_one_ecg_is_the_same_in_dicom_and_aecg(shared_data):
    ElementTree = pytest.importorskip("xml.etree.ElementTree")
    folder = shared_data / "hospital"
    if not folder.is_dir():
        pytest.skip("real files of hospitals not found")
    recording, signals = read((folder / "same-ecg.dcm").read_bytes())
    tree = ElementTree.parse(folder / "same-ecg.aecg.xml")
    found = 0
    for sequence in tree.iterfind(".//{*}series/{*}component//{*}sequence"):
        lead = sequence.find("{*}code").get("code").removeprefix("MDC_ECG_LEAD_")
        digits = sequence.find("{*}value/{*}digits")
        if digits is None or len(digits.text.split()) != recording.n_times:
            continue
        scale = float(sequence.find("{*}value/{*}scale").get("value"))
        place = [name.upper() for name in recording.lead_names].index(lead)
        expected = np.array(digits.text.split(), float) * scale / 1000
        np.testing.assert_allclose(signals[place], expected, atol=5e-4)
        found += 1
    assert found == 12
    assert recording.fields["QRS_axis_deg"] == -61
    # The beat's last time is filled up with the least number.
    assert np.isnan(read((folder / "same-ecg.dcm").read_bytes(), "median")[1]).sum() == 12


def test_a_makers_file_is_read_as_by_pydicom(shared_data):
    path = shared_data / "hospital" / "pydicom-waveform.dcm"
    if not path.is_file():
        pytest.skip("real files of hospitals not found")
    for number, waveform in enumerate(("rhythm", "median")):
        recording, signals = read(path.read_bytes(), waveform)
        expected = pydicom.dcmread(path).waveform_array(number).T / 1000
        np.testing.assert_array_equal(signals, expected.astype(np.float32))
    assert recording.fields["machine_statements"][0] == "RITMO SINUSALE"
    assert recording.fields["heart_rate_bpm"] == 60_000 / 982  # it says the RR interval alone

"""Folders, archives and streams of mixed formats: what is read, and what is said of the rest."""

import gzip
import io
import itertools
import os
import pickle
import shutil
import sys
import time
import zipfile

import joblib
import numpy as np
import pandas as pd
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset

from sklearn_ecg import ECGRecords
from sklearn_ecg.datasets import _file_reader, load_ecg_files, read_ecg, write_ecg_files
from sklearn_ecg.records._report import RecordError, lost_ecgs
from sklearn_ecg.utils import LEADS_12

STORED = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
_GE = "1.2.840.10008.5.1.4.1.1.9.1.1"


def microvolts(seed, leads=STORED, n_times=500):
    """A signal of whole uV, of which all formats here can hold every sample."""
    return np.random.default_rng(seed).integers(-3000, 3000, (len(leads), n_times))


def aecg(seed=0, leads=STORED, rate=500, patient="", n_times=500, sex=""):
    """The content of an HL7 aECG file."""
    sequences = "".join(
        f'<component><sequence><code code="MDC_ECG_LEAD_{lead.upper()}"/>'
        '<value xsi:type="SLIST_PQ"><origin value="0" unit="uV"/><scale value="1" unit="uV"/>'
        f"<digits>{' '.join(map(str, signal))}</digits></value></sequence></component>"
        for lead, signal in zip(leads, microvolts(seed, leads, n_times), strict=True)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><AnnotatedECG xmlns="urn:hl7-org:v3" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><componentOf><timepointEvent>'
        "<componentOf><subjectAssignment><subject><trialSubject>"
        f'<id extension="{patient}"/><subjectDemographicPerson><administrativeGenderCode '
        f'code="{sex}"/></subjectDemographicPerson></trialSubject></subject></subjectAssignment>'
        '</componentOf></timepointEvent></componentOf><component><series><code code="RHYTHM"/>'
        "<component><sequenceSet><component><sequence>"
        '<code code="TIME_RELATIVE"/><value xsi:type="GLIST_PQ"><head value="0" unit="s"/>'
        f'<increment value="{1 / rate}" unit="s"/></value></sequence></component>{sequences}'
        "</sequenceSet></component></series></component></AnnotatedECG>"
    ).encode()


def dicom(seed=0, leads=STORED, rate=500, patient=""):
    """The content of a DICOM file."""
    signal = microvolts(seed, leads)
    item = Dataset()
    item.WaveformOriginality = "ORIGINAL"
    item.NumberOfWaveformChannels, item.NumberOfWaveformSamples = signal.shape
    item.SamplingFrequency = rate
    item.WaveformBitsAllocated, item.WaveformSampleInterpretation = 16, "SS"
    item.WaveformData = signal.T.astype("<i2").tobytes()
    item.ChannelDefinitionSequence = []
    for lead in leads:
        channel, source, unit = Dataset(), Dataset(), Dataset()
        source.CodeValue, source.CodingSchemeDesignator, source.CodeMeaning = "0", "99", lead
        unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "uV", "UCUM", "microvolt"
        channel.ChannelSourceSequence = [source]
        channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor = 1, 1
        channel.ChannelSensitivityUnitsSequence = [unit]
        channel.ChannelBaseline, channel.WaveformBitsStored = 0, 16
        item.ChannelDefinitionSequence.append(channel)
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID, data.PatientID = _GE, "1.2.3", patient
    data.Modality, data.WaveformSequence = "ECG", [item]
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = _GE
    data.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    file = io.BytesIO()
    pydicom.dcmwrite(file, data, enforce_file_format=True)
    return file.getvalue()


def write_wfdb(path, seed=0, leads=STORED, rate=500):
    """A WFDB record of a header and a signal file."""
    signal = microvolts(seed, leads).astype("<i2")
    sums = signal.sum(axis=1, dtype=np.int16)
    path.with_suffix(".dat").write_bytes(signal.T.tobytes())
    lines = [f"{path.stem} {len(leads)} {rate} {signal.shape[1]}"]
    for lead, first, total in zip(leads, signal[:, 0], sums, strict=True):
        lines.append(f"{path.stem}.dat 16 1000/mV 16 0 {first} {total} 0 {lead}")
    path.with_suffix(".hea").write_text("\n".join(lines) + "\n")


def zipped(members):
    """The content of a ZIP archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def expected(seed, n_times=500):
    """The 12 leads of a signal in mV: the stored ones, and limb leads computed from I and II."""
    stored = microvolts(seed, n_times=n_times) / 1000
    one, two = stored[:2]
    limbs = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.concatenate([limbs, stored[2:]])


def signals_of(records):
    return dict(zip(records.ids.tolist(), records.signals, strict=True))


def rows_of(records, id):
    rows = records.report[records.report["id"] == id]
    return [" ".join(row) for row in rows[["problem", "what_to_do"]].to_numpy()]


@pytest.fixture
def mixture(tmp_path):
    """A folder of formats, packed and not, with what lies around in exports."""
    folder = tmp_path / "export"
    (folder / "ward").mkdir(parents=True)
    (folder / ".cache").mkdir()
    (folder / "a.xml").write_bytes(aecg(1, patient="p1", sex="F"))
    (folder / "ward" / "b.bin").write_bytes(dicom(2, patient="p2"))
    (folder / "c.xml.gz").write_bytes(gzip.compress(aecg(3, patient="p1", sex="F")))
    write_wfdb(folder / "ward" / "d", 4)
    (folder / "ward" / "d.atr").write_bytes(b"\0\0")
    (folder / "ward" / "d.edf").write_bytes(b"\0\0")
    inner = zipped({"x/e.dcm": dicom(5)})
    members = {"may/f.xml": aecg(6), "../may/f.xml": aecg(7), "deep.zip": inner, "r.txt": "read me"}
    (folder / "z.zip").write_bytes(zipped(members))
    (folder / "cut.xml").write_bytes(aecg(8)[:3000])
    (folder / "report.pdf").write_bytes(b"%PDF-1.7\n")
    (folder / "labels.csv").write_text("id,label\na,AF\n")
    (folder / "empty.dcm").write_bytes(b"")
    (folder / ".cache" / "a.xml").write_bytes(aecg(9))
    return folder


def test_a_folder_of_everything(mixture):
    """Each ECG is read to its last bit, and whatever else lies there is named once."""
    records = load_ecg_files(mixture)
    seeds = {
        "a.xml": 1,
        "c.xml.gz": 3,
        "ward/b.bin": 2,
        "ward/d.hea": 4,
        "z.zip/deep.zip/x/e.dcm": 5,
        "z.zip/may/f.xml (1)": 6,
        "z.zip/may/f.xml (2)": 7,
    }
    assert list(records.ids) == list(seeds)
    assert records.lead_names == LEADS_12 and records.sampling_rate == 500
    for id, signal in signals_of(records).items():
        assert signal.dtype == np.float32
        np.testing.assert_allclose(signal, expected(seeds[id]), atol=1e-6)
    left_out = records.report[~records.report["kept"]]
    assert sorted(left_out["id"]) == [
        ".cache/a.xml",
        "cut.xml",
        "empty.dcm",
        "labels.csv",
        "report.pdf",
        "ward/d.edf",
        "z.zip/r.txt",
    ]
    assert "computed from other limb leads" in " ".join(rows_of(records, "a.xml"))


def test_metadata_and_patients(mixture):
    records = load_ecg_files(mixture)
    metadata = records.metadata
    assert metadata.loc["ward/b.bin", "format"] == "DICOM"
    assert metadata.loc["z.zip/may/f.xml (1)", "file"] == f"{mixture}/z.zip/may/f.xml"
    assert metadata.loc[["a.xml", "ward/d.hea"], "patient_id"].tolist() == ["p1", ""]
    groups = dict(zip(records.ids, records.groups, strict=True))
    assert groups["a.xml"] == groups["c.xml.gz"] == "p1"
    assert len(set(groups.values())) == len(records) - 1
    hidden = load_ecg_files(mixture, anonymise="a key of sixteen letters")
    assert not set(hidden.ids) & set(records.ids) and "file" not in hidden.metadata
    assert "p1" not in hidden.groups
    np.testing.assert_array_equal(hidden.signals[0], records.signals[0])


def test_two_patients_under_one_id(tmp_path):
    (tmp_path / "a.xml").write_bytes(aecg(1, patient="7", sex="F"))
    (tmp_path / "b.xml").write_bytes(aecg(2, patient="7", sex="M"))
    records = load_ecg_files(tmp_path)
    assert "another sex" in rows_of(records, "b.xml")[-1]
    assert records.groups.tolist() == ["7", "7"]


@pytest.mark.parametrize("form", ["archive", "list", "pattern", "file", "folders"])
def test_other_ways_to_name_files(mixture, form):
    path = {
        "archive": mixture / "z.zip",
        "list": [mixture / "a.xml", str(mixture / "ward" / "b.bin"), mixture / "a.xml"],
        "pattern": f"{mixture}/**/*.xml",
        "file": mixture / "a.xml",
        "folders": iter([mixture / "ward"]),
    }[form]
    ids = {
        "archive": ["deep.zip/x/e.dcm", "may/f.xml (1)", "may/f.xml (2)"],
        "list": ["a.xml", "ward/b.bin"],
        "pattern": [".cache/a.xml", "a.xml"],
        "file": ["a.xml"],
        "folders": ["b.bin", "d.hea"],
    }[form]
    assert load_ecg_files(path).ids.tolist() == ids


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes are others there")
def test_a_hostile_folder(tmp_path):
    """Links in circles, a pipe that nobody writes into, and what may not be read."""
    (tmp_path / "a.xml").write_bytes(aecg(1))
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.xml").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.xml")
    (tmp_path / "closed").mkdir(mode=0)
    started = time.perf_counter()
    records = load_ecg_files(tmp_path)
    assert time.perf_counter() - started < 5
    assert records.ids.tolist() == ["a.xml"]
    assert "pipe" in rows_of(records, "pipe.xml")[0]
    assert any("gone.xml" in file for file in records.report["file"])


def test_many_other_files_are_one_row(tmp_path):
    (tmp_path / "a.xml").write_bytes(aecg(1))
    for i in range(40):
        (tmp_path / f"{i:02d}.pdf").write_bytes(b"%PDF-1.7")
        (tmp_path / f"{i:02d}.dcm").write_bytes(b"damaged")
    report = load_ecg_files(tmp_path).report
    assert report["problem"].str.contains("PDF").sum() == 1
    assert "and 35 more" in report.loc[report["problem"].str.contains("PDF"), "id"].item()
    assert report["id"].str.endswith(".dcm").sum() == 40


def test_documents_are_not_lost_ecgs(tmp_path):
    (tmp_path / "a.xml").write_bytes(aecg(1))
    (tmp_path / "letter.docx").write_bytes(zipped({"[Content_Types].xml": b"<Types/>"}))
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / "cut.dcm").write_bytes(b"damaged")
    report = load_ecg_files(tmp_path).report
    left_out = report.loc[~report["kept"], "id"]
    assert sorted(left_out) == ["cut.dcm", "letter.docx", "report.pdf"]
    assert lost_ecgs(report)["id"].tolist() == ["cut.dcm"]


def test_leads_and_rates(tmp_path):
    (tmp_path / "a.xml").write_bytes(aecg(1))
    (tmp_path / "b.xml").write_bytes(aecg(2))
    (tmp_path / "slow.xml").write_bytes(aecg(3, rate=250))
    (tmp_path / "three.xml").write_bytes(aecg(4, leads=("I", "V1", "X")))
    (tmp_path / "other.xml").write_bytes(aecg(5, leads=("X", "Y", "Z")))
    records = load_ecg_files(tmp_path)
    assert records.ids.tolist() == ["a.xml", "b.xml", "slow.xml", "three.xml"]
    assert records.signals.lengths.tolist() == [500, 500, 1000, 500]
    assert "250 Hz" in rows_of(records, "slow.xml")[-1]
    is_there = np.isfinite(records.signals[3]).all(axis=1)
    assert [lead for lead, there in zip(LEADS_12, is_there, strict=True) if there] == ["I", "V1"]
    assert "left out: X" in " ".join(rows_of(records, "three.xml"))
    assert "X, Y, Z" in rows_of(records, "other.xml")[0]

    chosen = load_ecg_files(tmp_path, ["v1", "AVF"], 250, missing_leads="leave out")
    assert chosen.ids.tolist() == ["a.xml", "b.xml", "slow.xml"]
    assert chosen.lead_names == ("V1", "aVF") and chosen.signals.shape == (3, 2)
    np.testing.assert_allclose(chosen.signals[2], expected(3)[[6, 5]], atol=1e-6)
    with pytest.raises(ValueError, match=r"None of the 1 ECGs .*lacks leads I, II"):
        load_ecg_files(tmp_path / "other.xml", leads=["I", "II"])


def test_records_of_few_leads_keep_them(tmp_path):
    for seed in (1, 2):
        (tmp_path / f"{seed}.xml").write_bytes(aecg(seed, leads=("X", "Y", "Z")))
    assert load_ecg_files(tmp_path).lead_names == ("X", "Y", "Z")


def test_the_same_file_twice(tmp_path):
    """A copy would stand on both sides of a split."""
    (tmp_path / "a.xml").write_bytes(aecg(1))
    (tmp_path / "z.zip").write_bytes(zipped({"b.xml": aecg(1)}))
    for name in ("w", "x"):
        (tmp_path / name).mkdir()
        write_wfdb(tmp_path / name / "r", 2)
    records = load_ecg_files(tmp_path)
    assert records.ids.tolist() == ["a.xml", "w/r.hea"]
    assert "the same file as a.xml" in rows_of(records, "z.zip/b.xml")[0]
    assert "the same file as w/r.hea" in rows_of(records, "x/r.hea")[0]


def test_travelling(mixture):
    """Records reach workers with their share of files alone, and are known by these."""
    records = load_ecg_files(mixture)
    with joblib.parallel_config(backend="threading"):
        again = load_ecg_files(mixture, n_jobs=2)
    assert records == again and joblib.hash(records) == joblib.hash(again)
    copy = pickle.loads(pickle.dumps(records[[4, 0]]))
    assert copy.ids.tolist() == ["z.zip/deep.zip/x/e.dcm", "a.xml"]
    for signal, other in zip(copy.signals, records.signals[[4, 0]], strict=True):
        np.testing.assert_array_equal(signal, other)
    np.testing.assert_array_equal(records.signals.window(2, 5, 9), records.signals[2][:, 5:9])
    assert len({records.signals.stamp(i) for i in range(len(records))}) == len(records)


def test_files_that_change_after_opening(tmp_path):
    file = tmp_path / "a.xml"
    file.write_bytes(aecg(1))
    (tmp_path / "b.xml").write_bytes(aecg(2))
    records = load_ecg_files(tmp_path)
    copy = pickle.loads(pickle.dumps(records))
    shutil.copy(file, tmp_path / "same")
    os.replace(tmp_path / "same", file)
    np.testing.assert_allclose(records.signals[0], expected(1), atol=1e-6)
    file.write_bytes(aecg(3))
    for held in (records, copy):
        with pytest.raises(RecordError, match=r"a\.xml has changed since it was opened"):
            held.signals[0]
    file.unlink()
    with pytest.raises(FileNotFoundError, match=r"a\.xml is missing"):
        records.signals[0]
    assert records.signals[1].shape == (12, 500)


def test_copies_in_a_cache(mixture, tmp_path):
    """Members of one archive are told apart, though they share a file."""
    records = load_ecg_files(mixture)
    for _ in range(2):
        cached = load_ecg_files(mixture, cache_dir=tmp_path / "cache")
        for signal, other in zip(cached.signals, records.signals, strict=True):
            np.testing.assert_array_equal(signal, other)


def test_damage_behind_the_header(tmp_path):
    """A lazily read record raises when it is touched; with verify=True it is a row."""
    content = aecg(1).replace(b"<digits>", b"<digits>1 x ", 1)
    (tmp_path / "a.xml").write_bytes(content)
    (tmp_path / "b.xml").write_bytes(aecg(2))
    records = load_ecg_files(tmp_path, verify=True)
    assert records.ids.tolist() == ["b.xml"]
    assert "a.xml" in records.report["id"].tolist()
    with pytest.raises(ValueError, match=r"None of the 1 ECGs"):
        load_ecg_files(tmp_path / "a.xml", verify=True)


def test_what_csv_files_do_not_say(tmp_path):
    (tmp_path / "a.xml").write_bytes(aecg(1))
    rows = "\n".join(",".join(map(str, row)) for row in microvolts(2).T)
    (tmp_path / "b.csv").write_text(f"{','.join(STORED)}\n{rows}\n")
    (tmp_path / "labels.csv").write_text("id,AF,LBBB\n1,0,1\n2,1,1\n")
    records = load_ecg_files(tmp_path)
    assert records.ids.tolist() == ["a.xml"]
    assert "csv={" in rows_of(records, "b.csv")[0]
    records = load_ecg_files(tmp_path, csv={"sampling_rate": 500, "units": "uV"})
    assert records.ids.tolist() == ["a.xml", "b.csv"]
    copy = pickle.loads(pickle.dumps(records))
    np.testing.assert_allclose(copy.signals[1], expected(2), atol=1e-6)
    with pytest.raises(ValueError, match=r"csv may give .* got \['rate'\]"):
        load_ecg_files(tmp_path, csv={"rate": 500})


def test_checksums_that_were_published_wrong(tmp_path):
    """One record of many is damaged; all of them are published so."""
    for i in range(4):
        write_wfdb(tmp_path / f"r{i}", i)

    def damage(i):
        content = bytearray((tmp_path / f"r{i}.dat").read_bytes())
        content[0] ^= 1
        (tmp_path / f"r{i}.dat").write_bytes(content)

    damage(3)
    with pytest.raises(RecordError, match="checksums=False"):
        load_ecg_files(tmp_path).signals[3]
    assert load_ecg_files(tmp_path, checksums=False).signals[3].shape == (12, 500)
    for i in range(3):
        damage(i)
    with pytest.warns(UserWarning, match="give wrong checksums"):
        records = load_ecg_files(tmp_path)
    assert records.signals[0].shape == (12, 500)
    assert "checksums=False" in rows_of(records, "r0.hea")[-1]


def test_other_notch_filters_than_most(tmp_path):
    """Filters of 50 and 60 Hz tell hospitals apart, and with them labels."""
    notch = (
        "<controlVariable><controlVariable><code code='MDC_ECG_CTL_VBL_ATTR_FILTER_NOTCH'/>"
        "<component><controlVariable><code code='MDC_ECG_CTL_VBL_ATTR_FILTER_CUTOFF_FREQ'/>"
        "<value value='{}' unit='Hz'/></controlVariable></component></controlVariable>"
        "</controlVariable><component><sequenceSet>"
    )
    for name, hz in (("a", 50), ("b", 60), ("c", 50)):
        content = aecg(hz + ord(name)).decode()
        content = content.replace("<component><sequenceSet>", notch.format(hz))
        (tmp_path / f"{name}.xml").write_text(content)
    records = load_ecg_files(tmp_path)
    assert "60 Hz, most others of 50 Hz" in rows_of(records, "b.xml")[-1]


def test_archives_that_attack(tmp_path):
    (tmp_path / "a.xml").write_bytes(aecg(1))
    begin = aecg(2)[:-200]
    bomb = begin + b" " * 2**26
    (tmp_path / "bomb.zip").write_bytes(zipped({"bomb.xml": bomb}))
    (tmp_path / "bomb.xml.gz").write_bytes(gzip.compress(bomb, 9))
    (tmp_path / "zeros.gz").write_bytes(gzip.compress(bytes(2**26), 1))
    whole = zipped({"b.xml": aecg(3), "c.xml": aecg(4)})
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    encrypted = bytearray(zipped({"d.xml": aecg(5)}))
    for sign, at in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        encrypted[encrypted.index(sign) + at] |= 1
    (tmp_path / "encrypted.zip").write_bytes(encrypted)
    damaged = bytearray(zipped({"e.xml": aecg(6)}))
    damaged[len(damaged) // 2] ^= 0xFF
    (tmp_path / "damaged.zip").write_bytes(damaged)
    folded = zipped({"g.xml": aecg(8), "h.xml": aecg(9)})
    second = folded.rindex(b"PK\x01\x02")
    folded = folded[: second + 42] + bytes(4) + folded[second + 46 :]
    (tmp_path / "folded.zip").write_bytes(folded)
    deep = zipped({"2.zip": zipped({"3.zip": zipped({"f.xml": aecg(7)})})})
    (tmp_path / "deep.zip").write_bytes(deep)
    started = time.perf_counter()
    records = load_ecg_files(tmp_path)
    assert time.perf_counter() - started < 5
    assert records.ids.tolist() == ["a.xml"]
    said = {id: " ".join(rows_of(records, id)) for id in records.report["id"]}
    assert "times its size" in said["bomb.zip/bomb.xml"]
    assert "more than 67108864 bytes" in said["bomb.xml.gz"]
    assert "no ECG" in said["zeros.gz"]
    assert "cannot be read" in said["cut.zip"]
    assert "is encrypted" in said["encrypted.zip/d.xml"]
    assert "cannot be read" in said["damaged.zip/e.xml"]
    assert "overlap" in said["folded.zip"]
    assert "ZIP archive" in said["deep.zip/2.zip/3.zip"]


def test_names_that_lead_out_of_an_archive(tmp_path):
    names = ["/etc/a.xml", "..\\..\\b.xml", "C:\\x\\c.xml", "./d.xml"]
    contents = {name: aecg(i) for i, name in enumerate(names)}
    (tmp_path / "z.zip").write_bytes(zipped(contents))
    records = load_ecg_files(tmp_path / "z.zip")
    assert records.ids.tolist() == ["b.xml", "d.xml", "etc/a.xml", "x/c.xml"]


def test_nothing_to_read(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no files"):
        load_ecg_files(tmp_path)
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    message = r"None of the 1 files .*holds a readable ECG.*a PDF document"
    with pytest.raises(FileNotFoundError, match=message):
        load_ecg_files(tmp_path)
    (tmp_path / "a.xml").write_bytes(aecg(1)[:2000])
    with pytest.raises(ValueError, match=r"None of the 1 ECGs.*a\.xml"):
        load_ecg_files(tmp_path)
    for path in (tmp_path / "b.xml", str(tmp_path / "*.scp")):
        with pytest.raises(FileNotFoundError, match=r"Pass a folder of ECG files"):
            load_ecg_files(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"leads": "II"}, "leads must be a sequence"),
        ({"sampling_rate": 0}, "sampling_rate must be a positive number"),
        ({"waveform": "beat"}, "'rhythm' and 'median'"),
        ({"missing_leads": "zero"}, "'nan' and 'leave out'"),
        ({"anonymise": "short"}, "16 bytes"),
    ],
)
def test_arguments_that_make_no_sense(tmp_path, arguments, message):
    (tmp_path / "a.xml").write_bytes(aecg(1))
    for call in (load_ecg_files, read_ecg):
        with pytest.raises(ValueError, match=message):
            call(tmp_path / "a.xml", **arguments)


@pytest.mark.parametrize("form", ["path", "bytes", "packed", "stream", "file", "url", "member"])
def test_read_ecg_from_anywhere(tmp_path, form):
    file = tmp_path / "a.xml"
    file.write_bytes(aecg(1, patient="p1"))
    (tmp_path / "z.zip").write_bytes(zipped({"b/a.xml": aecg(1, patient="p1")}))
    if form in ("url", "member"):
        fsspec = pytest.importorskip("fsspec")
        with fsspec.open("memory://exports/a.xml", "wb") as memory:
            memory.write(file.read_bytes())
    with open(file, "rb") as opened:
        source = {
            "path": file,
            "bytes": file.read_bytes(),
            "packed": gzip.compress(file.read_bytes()),
            "stream": io.BytesIO(file.read_bytes()),
            "file": opened,
            "url": "memory://exports/a.xml",
            "member": f"zip://b/a.xml::{tmp_path / 'z.zip'}",
        }[form]
        record = read_ecg(source)
    has_name = form not in ("bytes", "packed", "stream")
    assert record.ids.tolist() == (["a.xml"] if has_name else ["ECG"])
    np.testing.assert_allclose(record.signals[0], expected(1), atol=1e-6)
    assert record.groups.tolist() == ["p1"]


def test_read_ecg_says_what_it_cannot_read(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    (tmp_path / "z.zip").write_bytes(zipped({"a.xml": aecg(1)}))
    write_wfdb(tmp_path / "w")
    assert read_ecg(tmp_path / "w.hea").n_leads == 12
    for file, message in (
        (tmp_path / "a.pdf", "a PDF document"),
        (tmp_path / "z.zip", "a ZIP archive. Read it with load_ecg_files"),
        (tmp_path, "is a folder. Read it with load_ecg_files"),
        ((tmp_path / "w.hea").read_bytes(), "signal files"),
        (b"", "empty"),
    ):
        with pytest.raises(RecordError, match=message):
            read_ecg(file)
    with pytest.raises(FileNotFoundError, match=r"b\.xml is missing"):
        read_ecg(tmp_path / "b.xml")
    with pytest.raises(TypeError, match="open it with 'rb'"):
        read_ecg(io.StringIO("text"))
    with pytest.raises(TypeError, match="file must be a path"):
        read_ecg(1)


def test_a_url_without_fsspec(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ImportError, match=r"sklearn_ecg\[remote\]"):
        read_ecg("s3://bucket/a.xml")


def test_the_same_ecg_in_three_formats(shared_data):
    """As the makers of SCP-ECG, DICOM and aECG publish it."""
    files = sorted((shared_data / "hospital").glob("same-ecg.*"))
    if len(files) < 3:
        pytest.skip("the files are not there")
    records = load_ecg_files(files)
    assert len(records) == 3
    for one, other in itertools.combinations(records.signals, 2):
        np.testing.assert_allclose(one, other, atol=1e-3)


def test_long_recordings_are_cut_into_windows_that_are_read_once(tmp_path, monkeypatch):
    pytest.importorskip("edfio", reason="needs sklearn_ecg[hospital]")
    signals = np.random.default_rng(0).integers(-900, 900, (2, 2, 2530)) / 1000
    times = np.array(["2021-03-01T23:59:55", "NaT"], "datetime64[s]")
    given = ECGRecords(
        signals, 100, lead_names=["I", "II"], ids=["a", "b"],
        metadata=pd.DataFrame({"recorded_at": times, "device": ["one", "two"]}, ["a", "b"]),
    )  # fmt: skip
    write_ecg_files(given, tmp_path, "edf")
    records = load_ecg_files(tmp_path, window=10.0)
    assert records.ids.tolist() == ["a.edf/000", "a.edf/001", "b.edf/000", "b.edf/001"]
    assert records.groups.tolist() == ["a.edf", "a.edf", "b.edf", "b.edf"]
    begun = records.metadata["recorded_at"][:2]
    assert begun.astype(str).tolist() == ["2021-03-01 23:59:55", "2021-03-02 00:00:05"]
    n_read = []
    read_place = _file_reader.read_place
    monkeypatch.setattr(
        _file_reader, "read_place", lambda place: n_read.append(place) or read_place(place)
    )
    expected = signals[:, :, :2000].reshape(2, 2, 2, 1000).swapaxes(1, 2).reshape(4, 2, 1000)
    np.testing.assert_allclose(np.asarray(records.signals), expected, atol=1e-6)
    assert len(n_read) == 2
    with pytest.raises(ValueError, match=r"window=60 s is longer than the longest record \(25.3"):
        load_ecg_files(tmp_path, window=60)
    with pytest.raises(ValueError, match="window must be a positive number; got 0"):
        load_ecg_files(tmp_path, window=0)


def test_windows_of_a_file_that_changes_are_not_those_of_before(tmp_path):
    pytest.importorskip("edfio", reason="needs sklearn_ecg[hospital]")
    records = ECGRecords(np.ones((1, 1, 2000)), 100, lead_names=["II"])
    write_ecg_files(records, tmp_path, "edf")
    windows = load_ecg_files(tmp_path, window=10.0)
    assert windows.signals[0][0, 0] == 1
    write_ecg_files(records.with_signals(2 * records.signals), tmp_path, "edf", overwrite=True)
    with pytest.raises(RecordError, match="has changed since it was opened"):
        windows.signals[1]


def test_an_error_of_anonymous_records_names_no_file(tmp_path):
    (tmp_path / "Doe.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\0" * 50)
    for anonymise, is_named, message in (
        (False, True, r"None of the 1 ECGs .* can be read"),
        (True, False, "None of the files holds a readable ECG"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            load_ecg_files(tmp_path, anonymise=anonymise)
        assert ("Doe" in str(error.value)) == is_named
        assert (len(error.value.report) > 0) == is_named

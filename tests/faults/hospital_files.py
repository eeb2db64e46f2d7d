"""Files as hospitals export and damage them, in every format."""

import bz2
import gzip
import io
import os
import re
import struct
import warnings
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from faults import exports, make
from faults.cases import Area, as_nobody, skipped
from faults.exports import FORMATS, SUFFIXES
from sklearn_ecg.datasets import load_ecg_files

AREA = Area("files of hospitals")
TRUTH = make.signal(5)
XML = ("MUSE", "aECG", "Philips")

# What a report may not say: it is an error of ours that was caught, and not what is wrong.
_OF_PYTHON = re.compile(
    r"(Attribute|Index|Key|Name|Type|Recursion|ZeroDivision|Assertion|Overflow|struct\.)\w*(?i:error)"
)


def judged(records, good, truth=TRUTH, most_wrong=0.0):
    """Assert that the bad record is reported, or holds what its file says.

    Parameters
    ----------
    records : ECGRecords
    good : dict of str to ndarray
    truth : ndarray or None
        What the bad file says; None where it may not be read.
    most_wrong : float
        Share of the samples that may be other ones, since the file has no checksum.
    """
    for text in records.report["problem"]:
        assert not _OF_PYTHON.search(text), text
    ids = records.ids.tolist()
    found = [id for id in ids if "bad" in id]
    if not found:
        return skipped(records, good)
    for name, signal in good.items():
        np.testing.assert_allclose(records.signals[ids.index(name)], signal, atol=1e-3)
    assert truth is not None, f"read as {records.signals[ids.index(found[0])]!r:.200}"
    signal = np.asarray(records.signals[ids.index(found[0])])
    n_times = min(signal.shape[1], truth.shape[1])
    is_known = np.isfinite(signal[:, :n_times])
    is_wrong = is_known & ~np.isclose(signal[:, :n_times], truth[:, :n_times], atol=1e-3)
    assert is_wrong.mean() <= most_wrong, f"{is_wrong.sum()} samples are wrong"
    assert np.nanmax(np.abs(signal), initial=0) < 40
    if signal.shape != truth.shape or not is_known.all():
        told = records.report[records.report["kept"]]
        is_told = any("bad" in id for id in told["id"])
        assert is_told or SUFFIXES["CSV"] in found[0], "nothing says that samples are missing"
    return "right"


def mixture(content, change=None, suffix=".xml", truth=TRUTH, most_wrong=0.0, **options):
    """Load a bad file among good ones, and judge."""
    good = exports.folder_of()
    path = Path(f"f/bad{suffix}")
    path.write_bytes(content)
    if change is not None:
        change(path)
    records = load_ecg_files("f", **{"verify": True} | options)
    return judged(records, good, truth, most_wrong)


def _rewrite(change):
    return lambda path: path.write_bytes(change(path.read_bytes()))


def _renamed(suffix):
    return lambda path: path.rename(path.with_suffix(suffix))


def instead(make_it):
    return lambda path: (path.unlink(), make_it(path))


def _forbidden(path):
    as_nobody("f", load_ecg_files)
    os.chmod(path, 0)


def zipped(members, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that stand there twice
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


# The first byte of a text may be a number of CSV.
DAMAGE = {
    "no byte": _rewrite(lambda own: b""),
    "a single byte": _rewrite(lambda own: own[:1]),
    "a tenth of its bytes": _rewrite(lambda own: own[: len(own) // 10]),
    "half of its bytes": _rewrite(lambda own: own[: len(own) // 2]),
    "nine tenths of its bytes": _rewrite(lambda own: own[: len(own) * 9 // 10]),
    "all of its bytes but the last": _rewrite(lambda own: own[:-1]),
    "nothing but blanks": _rewrite(lambda own: b" " * len(own)),
    "nothing but zeros": _rewrite(lambda own: bytes(len(own))),
    "nothing but 0xFF": _rewrite(lambda own: b"\xff" * len(own)),
    "zeros in its second half": _rewrite(lambda own: own[: len(own) // 2] + bytes(len(own) // 2)),
    "its bytes in reverse": _rewrite(lambda own: own[::-1]),
    "its content twice": _rewrite(lambda own: own + own),
    "the second half of another": _rewrite(
        lambda own: own[: len(own) // 2] + Path("f/g1.xml").read_bytes()[len(own) // 2 :]
    ),
    "an HTML page": _rewrite(lambda own: b"<!DOCTYPE html><html><body>Log in</body></html>"),
    "a PDF": _rewrite(lambda own: b"%PDF-1.7\n" + own),
    "a link to nowhere": instead(lambda path: path.symlink_to("nowhere")),
    "a link to itself": instead(lambda path: path.symlink_to(path.name)),
    "a pipe": instead(os.mkfifo),
    "a link to a device": instead(lambda path: path.symlink_to("/dev/zero")),
    "no permission": _forbidden,
    "gzip that is cut": _rewrite(lambda own: gzip.compress(own)[: len(own) // 4]),
    "gzip with another checksum": _rewrite(lambda own: gzip.compress(own)[:-8] + bytes(8)),
    "bzip2": _rewrite(bz2.compress),
    "the first half of a ZIP": _rewrite(
        lambda own: zipped([("a", own)])[: len(zipped([("a", own)])) // 2]
    ),
}
# These say the same in another form.
SAME = {
    "gzip": _rewrite(gzip.compress),
    "a ZIP": _rewrite(lambda own: zipped([("bad", own)])),
    "a ZIP in a ZIP": _rewrite(lambda own: zipped([("in", zipped([("bad", own)]))])),
    "another suffix": _renamed(".jpg"),
    "no suffix": _renamed(""),
    "a suffix of another format": _renamed(".dcm"),
}
# What samples may be, where a format has no checksum of them.
_NOT_TO_BE_SEEN = {"zeros in its second half", "the second half of another"}
# Which damage may be of no account, such as of the bytes behind the samples.
_MAY_BE_READ = {
    "half of its bytes",
    "a tenth of its bytes",
    "nine tenths of its bytes",
    "all of its bytes but the last",
    "its content twice",
    "the second half of another",
    "zeros in its second half",
    "a PDF",  # as a comment of CSV
}


def _damaged(format, change, **options):
    content = FORMATS[format](TRUTH)
    return mixture(content, change, SUFFIXES[format], **options)


for _format in FORMATS:
    for _name, _change in DAMAGE.items():
        _truth = TRUTH if _name in _MAY_BE_READ else None
        _share = 1.0 if _name in _NOT_TO_BE_SEEN else 0.0
        AREA.case("datasets.load_ecg_files", f"{_format} of {_name}", "skip", "right")(
            partial(_damaged, _format, _change, truth=_truth, most_wrong=_share)
        )
    for _name, _change in SAME.items():
        AREA.case("datasets.load_ecg_files", f"{_format} in the form of {_name}", "right")(
            partial(_damaged, _format, _change)
        )


def _flipped(format):
    """A file of which a byte was flipped is reported, or what it says is possible; none hangs."""
    good = exports.folder_of()
    path = Path(f"f/bad{SUFFIXES[format]}")
    whole = FORMATS[format](TRUTH)
    rng = np.random.default_rng(0)
    for _ in range(80):
        content = bytearray(whole)
        content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        # The two have one rate and the same leads, which are then those of most.
        records = load_ecg_files("f", verify=True)
        ids = records.ids.tolist()
        for name, signal in good.items():
            np.testing.assert_allclose(records.signals[ids.index(name)], signal, atol=1e-3)
        for text in records.report["problem"]:
            assert not _OF_PYTHON.search(text), text
        known = [*ids, *records.report["id"], *records.report["file"]]
        assert any("bad" in str(name) for name in known)
    return "right"


for _format in FORMATS:
    AREA.case("datasets.load_ecg_files", f"{_format} of seeded flips", "right")(
        partial(_flipped, _format)
    )


# Numbers and texts that files give, and that cannot be.

GAINS = {
    "MUSE": lambda gain: exports.muse(TRUTH, gain),
    "aECG": lambda gain: exports.aecg(TRUTH, gain),
    "Philips": lambda gain: exports.philips(TRUTH, gain),
}
for _format, _write in GAINS.items():
    for _gain in ("0", "-0.0", "nan", "inf", "1e300", "", "five", "5 uV"):
        AREA.case("datasets.load_ecg_files", f"{_format} with a gain of {_gain!r}", "skip")(
            lambda write=_write, gain=_gain: mixture(write(gain), truth=None)
        )
    AREA.case("datasets.load_ecg_files", f"{_format} with a negative gain", "skip", "right")(
        lambda write=_write: mixture(write("-1"), truth=-TRUTH)
    )
    AREA.case("datasets.load_ecg_files", f"{_format} with a decimal comma", "skip", "right")(
        lambda write=_write: mixture(write("1,0"))
    )
AREA.case("datasets.load_ecg_files", "SCP with a gain of 0", "skip")(
    lambda: mixture(exports.scp(TRUTH, 0), truth=None)
)
for _gain, _truth in {0: None, -1000: -TRUTH}.items():
    AREA.case("datasets.load_ecg_files", f"ISHNE with a gain of {_gain} nV", "skip", "right")(
        lambda gain=_gain, truth=_truth: mixture(exports.ishne(TRUTH, gain), truth=truth)
    )


DATES = {
    "MUSE": (
        exports.muse,
        "date",
        ("01-31-1850", "00-00-0000", "13-45-2012", "", "soon", "9" * 99),
    ),
    "aECG": (exports.aecg, "time", ("18500131", "00000000", "20121345", "", "soon", "9" * 99)),
    "Philips": (
        exports.philips,
        "date",
        ("1850-01-31", "0000-00-00", "2012-13-45", "", "soon", "9" * 99),
    ),
    "ISHNE": (exports.ishne, "year", (1850, 0, -1, 9999)),
    "DICOM": (FORMATS["DICOM"], "time", ("1850-01-31T01:02:03", "9999-01-31T01:02:03")),
    "EDF": (FORMATS["EDF"], "time", ("1850-01-31T01:02:03", "2099-01-31T01:02:03")),
}


def _dated(write, name, date):
    """A date that cannot be costs no record, and is not guessed."""
    good = exports.folder_of()
    Path("f/bad").write_bytes(write(TRUTH, **{name: date}))
    records = load_ecg_files("f", verify=True)
    assert judged(records, good) == "right"
    times = records.metadata.get("recorded_at")
    time = pd.NaT if times is None else times.loc["bad"]
    assert pd.isna(time) or time.year == _YEARS.get(str(date)[:4], _YEARS.get(str(date)[-4:])), time
    return "right"


_YEARS = {str(year): year for year in (1850, 2099, 9999)}
for _format, (_write, _key, _dates) in DATES.items():
    for _date in _dates:
        AREA.case("datasets.load_ecg_files", f"{_format} of {_date!r:.30}", "right", "skip")(
            partial(_dated, _write, _key, _date)
        )


def _change_text(format, old, new, count=-1):
    content = FORMATS[format](TRUTH)
    old, new = old.encode(), new.encode()
    assert old in content, f"{old!r} is not in {format}"
    return content.replace(old, new, count)


# What stands in a file of text, and what stands there instead; such a file is reported.
WRONG = {
    "a rate of 0": [("MUSE", ">100<", ">0<"), ("aECG", '"0.01"', '"0"')],
    "a negative rate": [("MUSE", ">100<", ">-100<"), ("aECG", '"0.01"', '"-0.01"')],
    "a rate beyond all": [("MUSE", ">100<", ">1e12<"), ("aECG", '"0.01"', '"1e-12"')],
    "a rate that is no number": [("MUSE", ">100<", ">nan<"), ("aECG", '"0.01"', '"fast"')],
    "more samples than there are": [("MUSE", "Total>400<", "Total>401<")],
    "10^9 samples": [("MUSE", "Total>400<", "Total>1000000000<")],
    "10^9 leads": [("Philips", 'numberofleads="2"', 'numberofleads="1000000000"')],
    "samples of one byte": [("MUSE", "LeadSampleSize>2<", "LeadSampleSize>1<")],
    "samples of no size": [("MUSE", "LeadSampleSize>2<", "LeadSampleSize>0<")],
    "an unknown unit": [("MUSE", "MICROVOLTS", "FURLONGS"), ("aECG", 'unit="uV"', 'unit="mmHg"')],
    "no unit": [("aECG", ' unit="uV"', "")],
    "an unknown kind of waveform": [("MUSE", ">Rhythm<", ">Echo<")],
    "no samples": [("MUSE", "WaveFormData>", "WaveFormDate>"), ("aECG", "digits>", "digit>")],
    "samples that are words": [("aECG", "<digits>", "<digits>high low ")],
    "samples beyond 64 bits": [("aECG", "<digits>", f"<digits>{'9' * 400} ")],
    "characters that base64 lacks": [
        ("MUSE", "<WaveFormData>", "<WaveFormData>*ä?"),
        ("Philips", 'bitspersample="16">', 'bitspersample="16">*ä?'),
    ],
    "a sample more in base64": [
        ("MUSE", "<WaveFormData>", "<WaveFormData>AAAA"),
        ("Philips", 'bitspersample="16">', 'bitspersample="16">AAAA'),
    ],
    "an unknown compression": [("Philips", "dataencoding=", 'compression="zip" dataencoding=')],
}
# Or read as far as it can be understood, with a remark.
DOUBTFUL = {
    "fewer samples than there are": [("MUSE", "Total>400<", "Total>399<")],
    "two leads of one name": [
        ("MUSE", "LeadID>II<", "LeadID>I<"),
        ("aECG", 'LEAD_II"', 'LEAD_I"'),
        ("Philips", '"I II"', '"I I"'),
    ],
    "more names than leads": [("Philips", '"I II"', '"I II III"')],
    "a lead without a name": [("MUSE", "LeadID>II<", "LeadID><"), ("aECG", "MDC_ECG_LEAD_II", "")],
    "an unknown encoding": [("aECG", "UTF-8", "martian"), ("MUSE", "ISO-8859-1", "martian")],
    "a declaration that is damaged": [(format, "<?xml version", "<?xml x") for format in XML],
}
for _kinds, _truth in ((WRONG, None), (DOUBTFUL, TRUTH)):
    for _name, _changes in _kinds.items():
        for _change in _changes:
            AREA.case(
                "datasets.load_ecg_files", f"{_change[0]} of {_name}, {_change[2]:.20}", "skip",
                "right",
            )(
                lambda change=_change, truth=_truth: mixture(_change_text(*change), truth=truth)
            )  # fmt: skip


ENCODINGS = {
    "UTF-16": "utf-16",
    "UTF-16 without a mark": "utf-16-le",
    "UTF-8 with a mark": "utf-8-sig",
    "Windows": "cp1252",
    "Chinese": "gb18030",
    "Japanese": "shift_jis",
    "Korean": "euc_kr",
    "IBM's": "cp037",
}
_NAMES = {"gb18030": "王", "shift_jis": "山", "euc_kr": "김"}


def _encoded(encoding, declared):
    """Statements are what was written, and not what other bytes would be."""
    said = f"Sinus rhythm {_NAMES.get(encoding, 'ü')}"
    text = exports.muse(TRUTH).decode("latin-1").replace(exports.SAID, said)
    good = exports.folder_of()
    Path("f/bad.xml").write_bytes(text.replace("ISO-8859-1", declared).encode(encoding))
    records = load_ecg_files("f", verify=True)
    found = judged(records, good)
    if found == "right":
        assert records.metadata.loc["bad.xml", "machine_statements"] == (said,)
    return found


for _name, _encoding in ENCODINGS.items():
    _declared = {"utf-8-sig": "UTF-8", "utf-16-le": "UTF-16"}.get(_encoding, _encoding)
    AREA.case("datasets.load_ecg_files", f"MUSE in {_name} encoding", "skip", "right")(
        partial(_encoded, _encoding, _declared)
    )


@AREA.case("datasets.load_ecg_files", "MUSE in Latin-1 that calls itself UTF-8", "skip", "right")
def _():
    text = exports.muse(TRUTH, encoding="UTF-8").decode().replace(exports.SAID, "Größe")
    return mixture(text.encode("latin-1"))


def _with_doctype(format, doctype, text):
    """A file that begins with a document type, and uses an entity of it as a statement."""
    content = FORMATS[format](TRUTH).decode("latin-1")
    head, root, rest = re.match(r"(<\?xml[^>]*>)(<\w+[^>]*>)(.*)", content, re.DOTALL).groups()
    return f"{head}{doctype}{root}<x>{text}</x>{rest}".encode("latin-1")


_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha" * 10}">' for n in range(12))
_ATTRIBUTES = " ".join(f"a{n}=''" for n in range(10**5))
ENTITIES = {
    "a billion laughs": (f"<!DOCTYPE x [{_LAUGHS}]>", "&l11;"),
    "a quadratic bomb": (f'<!DOCTYPE x [<!ENTITY a "{"a" * 10**6}">]>', "&a;" * 10**5),
    "an entity of itself": ('<!DOCTYPE x [<!ENTITY a "&b;"><!ENTITY b "&a;">]>', "&a;"),
    "an entity of a file": ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>', "&a;"),
    "an entity of a device": ('<!DOCTYPE x [<!ENTITY a SYSTEM "/dev/zero">]>', "&a;"),
    "an entity of the network": ('<!DOCTYPE x [<!ENTITY a SYSTEM "http://[::1]:9/">]>', "&a;"),
    "a document type of the network": (
        '<!DOCTYPE x [<!ENTITY % a SYSTEM "http://[::1]:9/a.dtd">%a;]>',
        "",
    ),
    "an entity that is unknown": ("", "&unknown;"),
    "elements 10^5 deep": ("", "<y>" * 10**5 + "</y>" * 10**5),
    "10^5 elements": ("", "<y/>" * 10**5),
    "10^5 attributes": ("", f"<y {_ATTRIBUTES}/>"),
    "a processing instruction": ('<?xml-stylesheet href="file:///etc/passwd"?>', ""),
    "NUL in a text": ("", "a\0b"),
    "elements that cross": ("", "<y><z></y></z>"),
}
for _format in XML:
    for _name, (_doctype, _text) in ENTITIES.items():
        AREA.case("datasets.load_ecg_files", f"{_format} with {_name}", "skip", "right")(
            lambda format=_format, doctype=_doctype, text=_text: mixture(
                _with_doctype(format, doctype, text)
            )
        )


# DICOM, EDF, SCP and ISHNE: what their headers say.


def _dicom(change):
    """DICOM of which pydicom changed something; encoded as it finds it."""
    import pydicom

    data = pydicom.dcmread(io.BytesIO(FORMATS["DICOM"](TRUTH)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        change(data)
        file = io.BytesIO()
        data.save_as(file)
    return file.getvalue()


def _of_waveform(name, value):
    return lambda data: setattr(data.WaveformSequence[0], name, value)


def _of_channel(name, value):
    return lambda data: setattr(data.WaveformSequence[0].ChannelDefinitionSequence[0], name, value)


def _encapsulated(data):
    del data.WaveformSequence
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"
    data.MIMETypeOfEncapsulatedDocument = "application/pdf"
    data.EncapsulatedDocument = b"%PDF-1.7 "


def _image(data):
    del data.WaveformSequence
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    data.Rows = data.Columns = 2


def _encrypted(data):
    import pydicom

    item = pydicom.Dataset()
    item.EncryptedContentTransferSyntaxUID = "1.2.840.10008.1.2.1"
    item.EncryptedContent = b"secret" * 100
    data.EncryptedAttributesSequence = [item]
    del data.WaveformSequence


DICOM = {
    "an encapsulated PDF": _encapsulated,
    "an image": _image,
    "encrypted attributes": _encrypted,
    "an empty sequence of waveforms": lambda data: setattr(data, "WaveformSequence", []),
    "no waveforms": lambda data: delattr(data, "WaveformSequence"),
    "a sensitivity of 0": _of_channel("ChannelSensitivity", "0"),
    "no channels": _of_waveform("ChannelDefinitionSequence", []),
    "fewer channels than announced": _of_waveform("NumberOfWaveformChannels", 3),
    "65535 channels": _of_waveform("NumberOfWaveformChannels", 65535),
    "no samples": _of_waveform("NumberOfWaveformSamples", 0),
    "10^9 samples": _of_waveform("NumberOfWaveformSamples", 10**9),
    "one sample more than there are": _of_waveform("NumberOfWaveformSamples", 401),
    "a rate of 0": _of_waveform("SamplingFrequency", "0"),
    "a negative rate": _of_waveform("SamplingFrequency", "-100"),
    "a rate of 1e300": _of_waveform("SamplingFrequency", "1e300"),
    "samples of 24 bits": _of_waveform("WaveformBitsAllocated", 24),
    "samples of no bits": _of_waveform("WaveformBitsAllocated", 0),
    "samples of an unknown kind": _of_waveform("WaveformSampleInterpretation", "XX"),
    "samples by the mu-law": _of_waveform("WaveformSampleInterpretation", "MB"),
    "waveform data that is cut": _of_waveform("WaveformData", bytes(1597)),
    "no waveform data": _of_waveform("WaveformData", b""),
}
for _name, _change in DICOM.items():
    AREA.case("datasets.load_ecg_files", f"DICOM with {_name}", "skip", "right")(
        lambda change=_change: mixture(_dicom(change), suffix=".dcm", truth=None)
    )
AREA.case("datasets.load_ecg_files", "DICOM with a negative sensitivity", "skip", "right")(
    lambda: mixture(
        _dicom(_of_channel("ChannelSensitivity", "-1")),
        suffix=".dcm",
        truth=np.stack([-TRUTH[0], TRUTH[1]]),
    )
)
# All syntaxes but the first few are written as the second one is.
AREA.case("datasets.load_ecg_files", "DICOM of an unknown transfer syntax", "skip", "right")(
    lambda: mixture(
        _dicom(lambda data: None).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.7\0"),
        suffix=".dcm",
    )
)
AREA.case("datasets.load_ecg_files", "DICOM with a lead of no name", "skip", "right")(
    lambda: mixture(_dicom(_of_channel("ChannelSourceSequence", [])), suffix=".dcm")
)


def _packed_at(format, place, layout, *values):
    content = bytearray(FORMATS[format](TRUTH))
    struct.pack_into(layout, content, place, *values)
    return bytes(content)


def _edf(place, text):
    return FORMATS["EDF"](TRUTH)[:place] + text + FORMATS["EDF"](TRUTH)[place + len(text) :]


def _edf_fields(offset, *texts):
    """Change fields of the first signal, of which so many bytes of each signal stand before."""
    content = FORMATS["EDF"](TRUTH)
    for number, text in enumerate(texts):
        place = 256 + (offset + 8 * number) * int(content[252:256])
        content = content[:place] + text.ljust(8).encode() + content[place + 8 :]
    return content


NUMBERS = {
    "EDF with no signals": lambda: _edf(252, b"0   "),
    "EDF with 9999 signals": lambda: _edf(252, b"9999"),
    "EDF with -2 signals": lambda: _edf(252, b"-2  "),
    "EDF with signals by a word": lambda: _edf(252, b"two "),
    "EDF with 10^7 blocks": lambda: _edf(236, b"10000000"),
    "EDF with -7 blocks": lambda: _edf(236, b"-7      "),
    "EDF with blocks of no time": lambda: _edf(244, b"0       "),
    "EDF with blocks of negative time": lambda: _edf(244, b"-1      "),
    "EDF with blocks of 1e-300 s": lambda: _edf(244, b"1e-300  "),
    "EDF with a header of another size": lambda: _edf(184, b"12345678"),
    "EDF with equal physical limits": lambda: _edf_fields(104, "1", "1"),
    "EDF with infinite limits": lambda: _edf_fields(104, "-inf"),
    "EDF with a limit by a word": lambda: _edf_fields(112, "high"),
    "EDF with digital limits in reverse": lambda: _edf_fields(120, "99999"),
    "EDF with no samples in a block": lambda: _edf_fields(216, "0"),
    "EDF with 10^7 samples in a block": lambda: _edf_fields(216, "10000000"),
    "EDF with -5 samples in a block": lambda: _edf_fields(216, "-5"),
    "SCP of another size": lambda: _packed_at("SCP", 2, "<I", 2**32 - 1),
    "SCP with a section beyond the file": lambda: _packed_at("SCP", 22 + 3 * 10 + 6, "<I", 10**9),
    "SCP with a section of no size": lambda: _packed_at("SCP", 22 + 6 * 10 + 2, "<I", 0),
    "SCP with a section of 4 GB": lambda: _packed_at("SCP", 22 + 6 * 10 + 2, "<I", 2**32 - 1),
    "ISHNE with 30000 leads": lambda: _packed_at("ISHNE", 156, "<h", 30000),
    "ISHNE with -1 leads": lambda: _packed_at("ISHNE", 156, "<h", -1),
    "ISHNE with no leads": lambda: _packed_at("ISHNE", 156, "<h", 0),
    "ISHNE with a rate of 0": lambda: _packed_at("ISHNE", 272, "<h", 0),
    "ISHNE with a negative rate": lambda: _packed_at("ISHNE", 272, "<h", -100),
}
for _name, _content in NUMBERS.items():
    AREA.case("datasets.load_ecg_files", _name, "skip", "right")(
        lambda content=_content: mixture(content(), suffix="", truth=None)
    )


def _remarked(content):
    good = exports.folder_of()
    Path("f/bad").write_bytes(content())
    records = load_ecg_files("f", verify=True)
    assert "bad" in set(records.report["id"])
    return judged(records, good)


# How long a file is says it, too.
REMARKED = {
    "ISHNE with 2^31 samples": lambda: _packed_at("ISHNE", 14, "<i", 2**31 - 1),
    "ISHNE with -1 samples": lambda: _packed_at("ISHNE", 14, "<i", -1),
    "ISHNE with samples beyond the file": lambda: _packed_at("ISHNE", 22, "<i", 10**9),
    "ISHNE with samples before the file": lambda: _packed_at("ISHNE", 22, "<i", -10),
}
for _name, _content in REMARKED.items():
    AREA.case("datasets.load_ecg_files", _name, "skip", "right")(partial(_remarked, _content))


def _table(head, rows, separator=","):
    lines = [head, *(separator.join(map(str, row)) for row in rows)]
    return "\n".join(lines).encode()


_ROWS = [(i / make.RATE, *own) for i, own in enumerate(TRUTH.T)]
_HEAD = "# sampling rate: 100 Hz\nI (mV),II (mV)"
CSV = {
    "a rate of 0": (lambda: _table(_HEAD.replace("100", "0"), TRUTH.T), None),
    "a rate of -100 Hz": (lambda: _table(_HEAD.replace("100", "-100"), TRUTH.T), None),
    "no rate": (lambda: _table("I (mV),II (mV)", TRUTH.T), None),
    "no units": (lambda: _table("# sampling rate: 100 Hz\nI,II", TRUTH.T), None),
    "no names": (lambda: _table("# sampling rate: 100 Hz\n# units: mV", TRUTH.T), None),
    "two leads of one name": (lambda: _table(_HEAD.replace("II", "I"), TRUTH.T), None),
    "words among its samples": (lambda: _table(_HEAD, [*TRUTH.T, ("bad", "lead")]), None),
    "rows of other lengths": (lambda: _table(_HEAD, [*TRUTH.T, (1, 2, 3), *TRUTH.T]), None),
    "no rows": (lambda: _table(_HEAD, []), None),
    "one row": (lambda: _table(_HEAD, TRUTH.T[:1]), None),
    "10^5 columns": (lambda: _table(",".join("I" * 10**5), [[0] * 10**5] * 20), None),
    "a row of 10^7 characters": (lambda: _table(_HEAD, [*TRUTH.T, ("1" * 10**7, "2")]), None),
    "times that go back": (
        lambda: _table("time (s),I (mV),II (mV)", [*_ROWS[:200], *_ROWS[100:]]),
        None,
    ),
    "times that jump": (
        lambda: _table("time (s),I (mV),II (mV)", [*_ROWS[:200], *_ROWS[250:]]),
        None,
    ),
    "decimal commas": (
        lambda: _table(_HEAD.replace(",", ";"), TRUTH.T, ";").replace(b".", b","),
        TRUTH,
    ),
    "lines of Windows": (lambda: _table(_HEAD, TRUTH.T).replace(b"\n", b"\r\n"), TRUTH),
    "lines of old Macs": (lambda: _table(_HEAD, TRUTH.T).replace(b"\n", b"\r"), TRUTH),
    "UTF-16": (lambda: _table(_HEAD, TRUTH.T).decode().encode("utf-16"), TRUTH),
}
for _name, (_content, _truth) in CSV.items():
    AREA.case("datasets.load_ecg_files", f"CSV of {_name}", "skip", "right")(
        lambda content=_content, truth=_truth: mixture(content(), suffix=".csv", truth=truth)
    )

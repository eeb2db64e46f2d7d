import itertools
import random
import re
import time

import numpy as np
import pytest

from sklearn_ecg.datasets.formats import _aecg, _cardiosoft, _muse, _philips
from sklearn_ecg.datasets.formats._xml import (
    count_words,
    number,
    numbers_in,
    parse,
    plausible_fields,
    root_name,
)
from sklearn_ecg.records._report import RecordError
from tests.datasets.formats.written_xml import (
    aecg_set,
    aecg_xml,
    cardiosoft_waveform,
    cardiosoft_xml,
    counts_of,
    muse_waveform,
    muse_xml,
    philips_beats,
    philips_rhythm,
    philips_xml,
    xli,
)

COUNTS = counts_of(12, 100)
FILES = {
    _aecg: aecg_xml(aecg_set(COUNTS), beat=aecg_set(COUNTS[:, :50], head="0")),
    _cardiosoft: cardiosoft_xml(
        cardiosoft_waveform(COUNTS), cardiosoft_waveform(COUNTS[:, :50])
    ).replace("ISO8859-1", "UTF-8"),
    _muse: muse_xml(
        muse_waveform(COUNTS[:8]), muse_waveform(COUNTS[:8, :50], kind="Median")
    ).replace("ISO-8859-1", "UTF-8"),
    _philips: philips_xml(
        philips_rhythm(xli(COUNTS), 100, more='dataencoding="Base64" compression="XLI"')
        + philips_beats(COUNTS[:, :50])
    ),
}
each_format = pytest.mark.parametrize("format", FILES, ids=lambda module: module.NAME)


def letters_of(text):
    return parse(f"<a><b>{text}</b></a>".encode(), "x.xml")[0].findtext("b")


@each_format
@pytest.mark.parametrize(
    ("declared", "written"),
    [
        ("UTF-8", "utf-8-sig"),
        ("UTF-16", "utf-16"),
        ("UTF-16", "utf-16-le"),
        ("UTF-16", "utf-16-be"),
        ("utf-16", "utf-8"),  # as programs write that declare how they keep text themselves
        ("ISO-8859-15", "iso-8859-15"),
        ("windows-1252", "cp1252"),
        ("no-such-encoding", "utf-8"),
    ],
)
def test_any_encoding_is_read(format, declared, written):
    text = FILES[format].replace('encoding="UTF-8"', f'encoding="{declared}"', 1)
    content = text.encode(written)
    assert [module for module in FILES if module.is_mine(content[:4096])] == [format]
    found = format.open_recording(content, "x.xml", "rhythm")
    expected = format.open_recording(FILES[format].encode(), "x.xml", "rhythm")
    assert found.fields == expected.fields
    assert found.remarks == expected.remarks == []
    np.testing.assert_array_equal(found.read(), expected.read())


def test_chinese_letters_in_their_own_encoding():
    head = '<?xml version="1.0" encoding="GB2312"?>'
    root, remarks = parse(f"{head}<a><b>心房颤动 嘅</b></a>".encode("gb18030"), "x.xml")
    assert root.findtext("b") == "心房颤动 嘅"
    assert remarks == []


def test_bytes_that_the_declared_encoding_does_not_have_are_remarked():
    root, remarks = parse("<a>\n<b>Müller</b></a>".encode("cp1252"), "x.xml")
    assert root.findtext("b") == "Müller"
    assert remarks[0][0] == "has bytes that are not utf-8, the first in line 2"


@pytest.mark.parametrize(
    "encoding", ["punycode", "zlib", "hex", "unicode_escape", "rot13", "utf-7"]
)
def test_codecs_that_are_no_encodings_are_not_used(encoding):
    content = f'<?xml version="1.0" encoding="{encoding}"?><a>1</a>'.encode()
    try:
        assert parse(content, "x.xml")[0].text == "1"
    except RecordError as error:
        assert "which is no encoding of text" in str(error)


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE a [<!ENTITY b "bomb"><!ENTITY c "&b;&b;&b;&b;">]>',
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE a [<!ENTITY % b SYSTEM "http://127.0.0.1/x.dtd"> %b;]>',
        f'<!DOCTYPE a [<!ATTLIST b c CDATA "{"long" * 1000}">]>',
    ],
    ids=["bomb", "file", "address", "attribute"],
)
def test_declared_entities_are_refused(doctype):
    with pytest.raises(RecordError, match=r"^x.xml declares or uses entities of its own in line 2"):
        parse(f"<?xml version='1.0'?>\n{doctype}<a><b>&c;</b></a>".encode(), "x.xml")


def test_a_definition_elsewhere_is_neither_fetched_nor_missed():
    for doctype in (
        '<!DOCTYPE a SYSTEM "restecg.dtd">',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd" []>',
        '<!DOCTYPE a PUBLIC "-//GE//ECG" "restecg.dtd">',
    ):
        content = f"{doctype}<a><b>1</b></a>".encode()
        assert root_name(content) == "a"
        assert parse(content, "x.xml")[0].findtext("b") == "1"
        with pytest.raises(RecordError, match="uses entities"):
            parse(content.replace(b"1", b"1 &that; 2"), "x.xml")


def test_nesting_has_a_limit_and_large_flat_files_have_none():
    with pytest.raises(RecordError, match=r"^x.xml nests more than 100 elements in line 1"):
        parse(b"<a>" * 100_000, "x.xml")
    assert len(parse(b"<a>" + b"<b/>" * 10_000 + b"</a>", "x.xml")[0]) == 10_000


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"<a>\n<b>1</b>\n<c>", "is not whole XML: no element found: line 3, column 3"),
        (b"<a>\n<b></a>", "is not whole XML: mismatched tag: line 2"),
        (b"", "is not whole XML: no element found: line 1"),
        (b"\0\0\0\0", "is not whole XML: no element found: line 1"),
        (b"<a>\x01</a>", "is not whole XML: not well-formed"),
        (b"<a/><b/>", "is not whole XML: junk after document element"),
    ],
)
def test_what_is_not_whole_is_named_with_its_line(content, problem):
    with pytest.raises(RecordError, match=rf"^x.xml {problem}.*\. Export it again"):
        parse(content, "x.xml")


def test_what_pads_a_file_does_not_matter():
    content = b"\r\n  <?xml version='1.0'?><a><b>1</b></a>\r\n" + b"\0" * 1000
    assert parse(content, "x.xml")[0].findtext("b") == "1"


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"<?xml version='1.0'?><!-- <z> --><!-- y --><x:a.b c='d'>", "a.b"),
        (b"\xef\xbb\xbf\n<!DOCTYPE a [ <!ELEMENT a ANY> ]>\n<a/>", "a"),
        (b"<!---->" * 500, ""),  # many comments, and then no more of the file
        (b"<!--" * 1000, ""),
        (b"1,2,3\n", ""),
        (b"", ""),
        (bytes(range(256)) * 16, ""),
    ],
)
def test_root_name(head, name):
    began = time.process_time()
    assert root_name(head) == name
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        (" -4.88 ", -4.88),
        ("4,88", 4.88),
        (".5e-1", 0.05),
        ("", np.nan),
        ("1_000", np.nan),
        ("nan", np.nan),
        ("1e999", np.nan),
        ("5 Hz", np.nan),
        ("0x10", np.nan),
    ],
)
def test_number(text, value):
    np.testing.assert_equal(number(text), value)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", []),
        (" \n", []),
        ("1 -2\n\t+3 ", [1, -2, 3]),
        ("12345678901234567 123456789012345678901", [12345678901234568.0, 1.2345678901234568e20]),
        ("1.5 nan -2e3", [1.5, np.nan, -2000]),
        ("1 - 2", None),
        ("1 --2", None),
        ("1 2- 3", None),
        ("1-2", None),
        ("1,2", None),
        ("1_0", None),
        ("1 inf", None),
        ("1 x", None),
    ],
)
def test_numbers_between_spaces(text, numbers):
    found = numbers_in(text)
    assert count_words(text) == len(text.split())
    if numbers is None:
        assert found is None
    else:
        np.testing.assert_array_equal(found, numbers)


def test_fields_hold_what_can_be():
    lines = ("Sinus rhythm", "", "Confirmed by: X", "UNCONFIRMED", "Sinus rhythm", "Confirmed AF")
    fields = plausible_fields(
        age_years=0.0,
        sex="",
        recorded_at=np.datetime64("NaT", "s"),
        heart_rate_bpm=0.0,
        QT_interval_ms=32767.0,
        P_axis_deg=-30.0,
        T_axis_deg=999.0,
        low_pass_hz=np.nan,
        machine_statements=lines,
        reader_statements=lines[1:4],
    )
    assert fields == {
        "age_years": 0.0,
        "P_axis_deg": -30.0,
        "machine_statements": ("Sinus rhythm", "Confirmed AF"),
    }


def damaged(content, chance):
    """Return a file with a damage of one of six kinds."""
    begin, end = sorted(chance.sample(range(len(content)), 2))
    few = slice(begin, begin + chance.choice((1, 3, 200)))
    numbers = list(re.finditer(rb'(?<=[">])-?[0-9.]+(?=["<])', content))
    numeral = chance.choice(numbers).span()
    strange = chance.choice((b"-1", b"0", b"1e308", b"9" * 30, b"", b"x", b"\xff", b"<a>", b"&b;"))
    return (
        content[:begin],
        content[: few.start] + content[few.stop :],
        content[:begin] + bytes([content[begin] ^ 1 << chance.randrange(8)]) + content[begin + 1 :],
        content[:begin] + strange + content[begin:],
        content[:begin] + content[end : end + 100] + content[begin:end] + content[end + 100 :],
        content[: numeral[0]] + strange + content[numeral[1] :],
    )


@each_format
def test_damaged_files_are_read_or_named(format):
    chance, outcomes = random.Random(0), set()
    content = FILES[format].encode()
    for _, waveform in itertools.product(range(15), ("rhythm", "median")):
        for file in damaged(content, chance):
            began = time.process_time()
            try:
                recording = format.open_recording(file, "x.xml", waveform)
                signals = recording.read()
                assert signals.shape == (len(recording.lead_names), recording.n_times)
                assert signals.dtype == np.float32
                assert not np.isinf(signals).any()
                assert len(set(recording.lead_names)) == len(recording.lead_names)
                assert recording.sampling_rate > 0
                outcomes.add("read")
            except RecordError as error:
                assert str(error).startswith("x.xml ")
                outcomes.add("named")
            assert time.process_time() - began < 1
    assert outcomes == {"read", "named"}

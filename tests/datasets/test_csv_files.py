"""ECGs as CSV in the forms that PhysioNet, phones, watches and spreadsheets give them."""

import pickle
import time

import numpy as np
import pytest

from sklearn_ecg.datasets.formats._csv import check_options, is_mine, open_recording
from sklearn_ecg.datasets.formats._recording import FIELDS
from sklearn_ecg.records._report import RecordError

RATE = 360
SIGNAL = np.round(np.random.default_rng(0).normal(size=(2, 800)), 3)
TIMES = np.arange(800) / RATE


def table(*columns, separator=",", decimal=".", head="", end="\n"):
    """Write columns of text or numbers below some lines."""
    texts = [[c if isinstance(c, str) else f"{c:.3f}" for c in column] for column in columns]
    lines = [
        separator.join(t.replace(".", decimal) for t in row) for row in zip(*texts, strict=True)
    ]
    return head.replace("\n", end) + end.join(lines) + end


def read(text, encoding="utf-8", **options):
    recording = open_recording(text.encode(encoding), "a.csv", "rhythm", **options)
    again = pickle.loads(pickle.dumps(recording)).read()
    assert again.shape == (len(recording.lead_names), recording.n_times)
    assert again.dtype == np.float32
    assert set(recording.fields) <= set(FIELDS)
    return recording, again


def assert_whole(text, per_mV=1, n_leads=2, **options):
    recording, found = read(text, **options)
    assert recording.sampling_rate == RATE
    np.testing.assert_array_equal(found, (SIGNAL[:n_leads] / per_mV).astype(np.float32))
    return recording


@pytest.mark.parametrize(
    ("separator", "decimal"),
    [(",", "."), (";", "."), (";", ","), ("\t", ","), (" ", "."), (" ", ",")],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_separators_and_encodings(separator, decimal, end, encoding):
    head = f"# µ, Größe\n# sampling rate: {RATE} Hz\nI{separator}MLII\nmV{separator}mV\n"
    text = table(*SIGNAL, separator=separator, decimal=decimal, head=head, end=end)
    content = text.encode(encoding)
    assert is_mine(content[:4096]) and is_mine(content[:333])
    recording = assert_whole(text, encoding=encoding)
    assert recording.lead_names == ("I", "MLII") and not recording.remarks


@pytest.mark.parametrize(
    ("head", "per_mV", "leads"),
    [
        ("time (s),I (mV),II (mV)\n", 1, ("I", "II")),
        ("Time [s],I [uV],II [uV]\n", 1000, ("I", "II")),
        ("t,Lead I (µV),Lead II (μV)\n", 1000, ("I", "II")),
        ("seconds,ECG lead I/mV,v1/mV\n", 1, ("I", "V1")),
        ("Zeit in s,I_mV,V1_mV\n", 1, ("I", "V1")),
        ("# unit: uV\ntime_s,I,II\n", 1000, ("I", "II")),
        ("# time,I,II\n# s,mV,mV\n", 1, ("I", "II")),
        ("'Elapsed time','MLII','V5'\n'seconds','mV','mV'\n", 1, ("MLII", "V5")),
        ("time,channel 1 (V),channel 2 (V)\n", 1e-3, ("channel 1", "channel 2")),
    ],
)
def test_names_units_and_times(head, per_mV, leads):
    text = table(TIMES, *SIGNAL, head=head)
    assert is_mine(text.encode()) or "channel" in head
    assert assert_whole(text, per_mV).lead_names == leads


@pytest.mark.parametrize("name", ["time (ms)", "time_ms", "Time [msec]", "timestamp"])
def test_times_in_ms(name):
    times = [str(round(1000 * t)) for t in TIMES]
    recording = assert_whole(table(times, *SIGNAL, head=f"{name},I (mV),II (mV)\n"))
    said = [problem for problem, _ in recording.remarks]
    expected = ["does not say the unit of its times, which can be ms alone"]
    assert said == (expected if name == "timestamp" else [])


def test_times_of_a_clock():
    """As PhysioNet's rdsamp and its pages write them."""
    times = [f"'{int(t) // 60}:{t % 60:06.3f}'" for t in TIMES + 59.9]
    assert_whole(table(times, *SIGNAL, head="'Elapsed time','I','V5'\n'hh:mm:ss.mmm','mV','mV'\n"))
    dates = np.datetime_as_string(
        np.datetime64("2024-02-29T23:59:59.950000") + (TIMES * 1e6).round().astype("m8[us]")
    )
    assert_whole(table(list(dates), *SIGNAL, head="time,I (mV),II (mV)\n"))


def test_what_a_spreadsheet_adds():
    """A count of rows, a separator at each end, a minus of its own, empty cells, blank lines."""
    signal = [[f"{value:.3f}".replace("-", "\N{MINUS SIGN}") for value in row] for row in SIGNAL]
    signal[0][7] = ""
    signal[1][8] = "NaN"
    counts, ends = list(map(str, range(800))), [""] * 800
    text = table(counts, *signal, ends, separator=";", head=f"fs={RATE}\n\n;I (mV);II (mV);\n")
    recording, found = read(text + "\n\n")
    assert recording.lead_names == ("I", "II") and recording.sampling_rate == RATE
    assert np.argwhere(np.isnan(found)).tolist() == [[0, 7], [1, 8]]
    np.testing.assert_array_equal(found[:, 9:], SIGNAL[:, 9:].astype(np.float32))


def test_columns_that_are_no_leads():
    text = table(TIMES, SIGNAL[0], SIGNAL[1], SIGNAL[1], head="time,I (mV),RESP (Ohm),marker\n")
    recording = assert_whole(text, n_leads=1)
    assert recording.lead_names == ("I",)
    assert recording.remarks[0][0] == "holds columns that are left out: RESP, marker"


def test_quoted_decimals():
    text = table(*SIGNAL, separator='","', decimal=",").replace("\n", '"\n"').rstrip('"')
    assert_whole(f'fs,{RATE}\nunits,mV\nI,II\n"' + text)


ENGLISH = (
    'Name,Jane Doe\nDate of Birth,"Jan 1, 1980"\nRecorded Date,2019-03-28 09:00:12 +0000\n'
    "Classification,Sinus Rhythm\nSymptoms,\nSoftware Version,1.1\n"
    'Device,"Watch4,2"\nSample Rate,360 hertz\n\n\nLead,Lead I\nUnit,µV\n\n'
)
GERMAN = (
    "Name,Jane Doe\nGeburtsdatum,01.01.1980\nAufzeichnungsdatum,2019-03-28 09:00:12 +0100\n"
    "Klassifizierung,Sinusrhythmus\nSymptome,\nSoftwareversion,1.90\n"
    'Gerät,"Watch4,2"\nAbtastrate,360 Hertz\n\n\nAbleitung,Ableitung I\nEinheit,µV\n\n'
)
FRENCH = (
    "Nom,Jane Doe\nDate d’enregistrement,2019-03-28 09:00:12 +0100\nClassification,Sinusal\n"
    "Fréquence d’échantillonnage,360 hertz\nDérivation,Dérivation I\nUnité,µV\n"
)
CHINESE = (
    "姓名,Jane Doe\n记录日期,2019-03-28 09:00:12 +0800\n分类,窦性心律\n"
    "采样率,360 赫兹\n导联,导联 I\n单位,µV\n"
)


@pytest.mark.parametrize(
    ("head", "decimal", "statement"),
    [
        (ENGLISH, ".", "Sinus Rhythm"),
        (GERMAN, ",", "Sinusrhythmus"),
        (FRENCH, ",", "Sinusal"),
        (CHINESE, ".", "窦性心律"),
    ],
)
def test_an_export_of_a_watch(head, decimal, statement):
    text = table(SIGNAL[0], decimal=decimal, head=head)
    assert is_mine(text.encode())
    recording = assert_whole(text, per_mV=1000, n_leads=1)
    assert recording.lead_names == ("I",)
    assert recording.fields["machine_statements"] == (statement,)
    assert recording.fields["recorded_at"] == np.datetime64("2019-03-28T09:00:12", "s")
    assert "Jane" not in str(recording.fields)


def test_fields():
    head = f"patient id: 0012\nage: 63\nsex: F\nfs: {RATE}\ntime (s),I (mV),II (mV)\n"
    recording = assert_whole(table(TIMES, *SIGNAL, head=head))
    assert recording.fields == {"patient_id": "0012", "age_years": 63.0, "sex": "female"}


def test_what_the_caller_says():
    options = {"sampling_rate": RATE, "units": "uV", "lead_names": ["DI", "v2"]}
    assert assert_whole(table(*SIGNAL), per_mV=1000, **options).lead_names == ("I", "V2")
    one = {"sampling_rate": RATE, "units": "mV"}
    assert assert_whole(table(SIGNAL[0]), n_leads=1, **one).lead_names == ("ECG",)
    named = {"units": "mV", "lead_names": ["Time (s)", "X", "Y"]}
    assert assert_whole(table(TIMES, *SIGNAL), **named).lead_names == ("X", "Y")
    # What the file says holds.
    head = f"fs={RATE}\nI (mV),II (mV)\n"
    assert_whole(table(*SIGNAL, head=head), sampling_rate=100, units="uV")
    for wrong in ({"sampling_rate": 0}, {"units": "adu"}, {"lead_names": "I"}):
        with pytest.raises(ValueError, match=r"^csv's"):
            check_options(**wrong)


WHOLE = table(TIMES, *SIGNAL, head="time (s),I (mV),II (mV)\n")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds no rows of numbers"),
        ("I,II\n", "holds no rows of numbers"),
        (
            table(*SIGNAL, head="I (mV),II (mV)\n"),
            r"no sampling rate.*csv=\{\"sampling_rate\": 500",
        ),
        (table(TIMES, *SIGNAL, head="time (s),I,II\n"), r"no units.*csv=\{\"units\": \"mV\""),
        (table(TIMES, *SIGNAL, head="time (s),I (adu),II (adu)\n"), "does not say which leads"),
        (table(*SIGNAL, head=f"fs={RATE}\nunits: mV\n"), "does not say which leads its 2 columns"),
        (table(*SIGNAL, head=f"fs={RATE}\nunits: adu\nI,II\n"), "in 'adu', which is not a voltage"),
        (table(TIMES, *SIGNAL, head="time (s),I (mV),i (mV)\n"), "a name to more than one column"),
        ("\n".join([",".join(["0.5"] * 100)] * 12), "holds 12 rows of 100 columns.* turn it"),
        ("fs=360\nunit=mV\n1,234\n1,235\n", "may be one number or two"),
        (WHOLE.rstrip("\n").rpartition(",")[0], "ends with a row of 2 columns, after such of 3"),
        (WHOLE[:900] + "\0" + WHOLE[900:], "holds bytes of zero"),
        (WHOLE[:900] + "x" + WHOLE[900:], "cannot be read"),
        (WHOLE.replace("0.100", "0.090"), "times that are not even"),
        (WHOLE[:400] + WHOLE[WHOLE.index("\n", 600) :], "cannot be read|not even|no sampling rate"),
        (WHOLE + '"', "ends with a row"),
    ],
)
def test_what_is_wrong_is_said(text, problem):
    with pytest.raises(RecordError, match=f"^a.csv .*({problem})"):
        read(text)
    with pytest.raises(RecordError, match="holds no median beat"):
        open_recording(WHOLE.encode(), "a.csv", "median")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<xml>1,2\n</xml>",
        b"id,AF,LBBB\n1,0,1\n2,1,0\n",
        b"patient;age\n12;50\n13;60\n",
        b'{"a": [1, 2]}',
        b"\x00\x01\x02\x03" * 100,
        b"a word\nand another\n",
        b"# subject 1\na 1 500 100\na.dat 16 200\n",
    ],
)
def test_what_is_no_ecg(content):
    assert not is_mine(content)


@pytest.mark.parametrize(
    "text",
    [
        " " * 10**6 + "1\n2\n",
        "fs" + " " * 10**6 + "\n1\n2\n",
        "a" + " " * 10**5 + "b,I\n1,2\n3,4\n",
        "1" * 10**6 + "x\n1\n2\n",
        "1," * 10**6,
        "\n" * 10**6 + "1\n2\n",
        "time,I (mV)\n" + "2020-99-99 00:00:00,1\n" * 10,
        "time (s),I (mV)\n" + "na,1\n" * 10,
    ],
)
def test_what_would_take_long(text):
    start = time.monotonic()
    is_mine(text[:4096].encode())
    with pytest.raises(RecordError, match=r"^a\.csv "):
        read(text)
    assert time.monotonic() - start < 1


def test_mutations(rng):
    """Whatever a byte becomes, the samples are read or an error names the file."""
    content = bytearray((ENGLISH + table(SIGNAL[0])).encode())
    for _ in range(60):
        mutated = bytearray(content)
        for at in rng.integers(len(content), size=3):
            mutated[at] = rng.integers(256)
        cut = bytes(mutated[: rng.integers(len(content))]) if rng.random() < 0.3 else bytes(mutated)
        is_mine(cut[:4096])
        try:
            recording = open_recording(cut, "a.csv", "rhythm")
            found = recording.read()
            assert found.shape == (len(recording.lead_names), recording.n_times)
        except RecordError as error:
            assert str(error).startswith("a.csv ")


_LABCHART = f"Interval=\t{1 / RATE:.9f} s\nChannelTitle=\tII\tV5\nRange=\t1\t1\nUnitName=\tmV\tmV\n"
_ACQ = f"a.acq\n{1000 / RATE:.8f} msec/sample\n2 channels\nECG II - ECG100C\nmV\nV5\nmV\n"
_RDSAMP = "   Elapsed time\t   II\t   V5\n   (seconds)\t (mV)\t (mV)\n"
_RDSAMP_DATES = "'Time','II','V5'\n'[hh:mm:ss.mmm dd/mm/yyyy]','mV','mV'\n"


@pytest.mark.parametrize(
    ("head", "times", "separator"),
    [
        (_RDSAMP, "{:.3f}", "\t"),
        (_RDSAMP_DATES, "'[0:0{:.3f} 01/02/2003]'", ","),
        (_LABCHART, "{:.3f}", "\t"),
        (f"{_ACQ}sec,CH1,CH2\n,800,799\n", "{:.3f}", ","),
        (f"{_ACQ}CH1\tCH2\n800\t806\n", None, "\t"),
    ],
    ids=["rdsamp", "rdsamp -P", "LabChart", "AcqKnowledge", "AcqKnowledge without times"],
)
def test_names_and_units_where_programs_put_them(head, times, separator):
    columns = SIGNAL if times is None else [[times.format(t) for t in TIMES], *SIGNAL]
    text = table(*columns, separator=separator, head=head)
    assert is_mine(text.encode()[:4096])
    recording, found = read(text)
    assert recording.lead_names == ("II", "V5")
    assert recording.sampling_rate == pytest.approx(RATE, rel=1e-6)
    np.testing.assert_array_equal(found, SIGNAL.astype(np.float32))


def test_a_comma_in_a_rate_is_what_a_rate_can_be():
    for written, rate in (("511,844 Hertz", 511.844), ("1,000 Hz", 1000), ("512,5", 512.5)):
        text = table(SIGNAL[0], head=f'Messrate,"{written}"\nEinheit,µV\n')
        assert read(text)[0].sampling_rate == rate
    with pytest.raises(RecordError, match="says no sampling rate"):
        read(table(SIGNAL[0], head='Messrate,"30,000 Hz"\nEinheit,µV\n'))

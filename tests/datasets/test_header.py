"""WFDB headers against wfdb's own parser, and those that nobody should believe."""

import numpy as np
import pytest
import wfdb

from sklearn_ecg.datasets._header import parse_header, read_header
from sklearn_ecg.records._report import MissingFileError, RecordError

FIELDS = {
    "sampling_rate": "fs",
    "n_times": "sig_len",
    "gains": "adc_gain",
    "baselines": "baseline",
    "units": "units",
    "initial_values": "init_value",
    "checksums": "checksum",
}


@pytest.mark.parametrize("folder", ["mitdb", "ptb-xl/records100", "cpsc2018/wfdb", "ludb/data"])
def test_headers_are_read_as_wfdb_reads_them(shared_data, folder):
    paths = sorted((shared_data / folder).rglob("*.hea"))
    assert paths
    for path in paths[::40]:
        header = read_header(path.with_suffix(""))
        expected = wfdb.rdheader(str(path.with_suffix("")))
        for ours, theirs in FIELDS.items():
            np.testing.assert_array_equal(getattr(header, ours), getattr(expected, theirs))
        assert [name.lower() for name in header.lead_names] == [
            name.lower() for name in expected.sig_name
        ]
        assert [number for number, *_ in header.formats] == expected.fmt
        assert header.comments == expected.comments


def test_every_field_that_a_line_may_hold():
    header = parse_header(
        b"r 2 500/1000(3.5) 700 12:30:00 01/02/2003\r\n"
        b"r.mat 16x2:3+24 -1.5e2(-7)/uV 12 5 -3 4 0 lead v1\r\n"
        b"\r\n"
        b"s.dat 212\r\n"
        b"# Dx: 426783006\r\n"
        b"#Age: 70\r\n",
        "some/folder/r",
    )
    assert header.sampling_rate == 500 and header.n_times == 700
    assert header.lead_names == ("V1", "signal 1")
    assert header.files == ("some/folder/r.mat", "some/folder/s.dat")
    assert header.formats == (("16", 2, 3, 24), ("212", 1, 0, 0))
    assert header.gains == (-150.0, None)
    assert header.baselines == (-7, 0)
    assert header.units == ("uV", "mV")
    assert header.initial_values == (-3, None)
    assert header.checksums == (4, None)
    assert header.comments == ["Dx: 426783006", "Age: 70"]


def test_a_baseline_that_is_missing_is_the_zero_of_the_adc():
    header = parse_header(b"r 1 360 10\nr.dat 212 200 11 1024 995 -22131 0 MLII\n", "r")
    assert header.baselines == (1024,)


def test_length_may_be_left_to_the_file():
    assert parse_header(b"r 1 360\nr.dat 16 200\n", "r").n_times is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "holds no record line"),
        (b"# only a comment", "holds no record line"),
        (b"r 1", "must give name, number of signals and sampling rate"),
        (b"r 2 360 10\nr.dat 16 200", "announces 2 signals and describes 1"),
        (b"r 999999999999 360 10\nr.dat 16 200", "announces 999999999999 signals"),
        (b"r 0 360 10", "announces no signals"),
        (b"r -1 360 10", "number of signals is '-1'"),
        (b"r 1 0 10\nr.dat 16 200", "sampling rate is 0"),
        (b"r 1 nan 10\nr.dat 16 200", "sampling rate is nan"),
        (b"r 1 fast 10\nr.dat 16 200", "'fast' is not a number"),
        (b"r 1 360 1e9\nr.dat 16 200", "number of samples is '1e9'"),
        (b"r 1 360 " + b"9" * 5000 + b"\nr.dat 16 200", "number of samples"),
        (b"r 1 360 10\nr.dat", "gives no format"),
        (b"r 1 360 10\nr.dat PCM 200", "the format 'PCM' is unknown"),
        (b"r 1 360 10\nr.dat 16 much", "'much' is not a gain"),
        (b"r 1 360 10\nr.dat 16 1e999", "is not finite"),
        (b"r 1 360 10\nr.dat 16 200(" + b"1" * 400 + b")", "is not finite"),
        (b"r 1 360 10\nr.dat 16x0 200", "no samples in a frame"),
        (b"r 1 360 10\nr.dat 16 200 11 zero 0 0 0 I", "not all integers"),
        (b"r 1 360 10\n../secret.dat 16 200", "lies in another folder"),
        (b"r 1 1e-9 10\nr.dat 16 200", "sampling rate is 1e-9 Hz"),
        (b"r 1 1e12 10\nr.dat 16 200", "sampling rate is 1e12 Hz"),
        (b"r 1 360 10\nr.dat 16 200 11 1" + b"0" * 400, "not all integers"),
        (b"r 1 360 10\nr\0\0.dat 16 200", "holds zero bytes"),
        (b"r 1 360 10\n.. 16 200", "lies in another folder"),
        (b"r 1 360 10\nr.dat 16 200\n" + b"#" * 2**24, "holds more than 16777216 bytes"),
        (b"r/1 1 360 10\n", "announces 1 segments and names 0"),
        (b"r/1 1 360 10\n../s 10", "lies in another folder"),
        (b"r/1 1 360 10\ns -10", "length of the segment s is '-10'"),
        (b"r/1 1 360 10\n~ 10", "it has no recorded segment"),
        (b"r/1 1 360 10\ns 10", "its segment s is missing"),
        (b"\xff\xfe\x01", "cannot be read as a WFDB header"),
    ],
)
def test_headers_that_make_no_sense(content, problem):
    with pytest.raises(RecordError, match=problem) as raised:
        parse_header(content, "some/r")
    assert raised.value.file == "some/r.hea"
    assert len(str(raised.value)) < 1000


def test_a_header_that_is_missing(tmp_path):
    with pytest.raises(MissingFileError, match=r"nowhere\.hea is missing"):
        read_header(tmp_path / "nowhere")

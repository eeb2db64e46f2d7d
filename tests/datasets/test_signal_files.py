"""Samples against wfdb's, bit for bit, in every format that is read directly."""

import pickle

import numpy as np
import pytest
import wfdb

from sklearn_ecg.datasets._collection import open_collection
from sklearn_ecg.datasets._signal_files import to_mV, units_per_mV
from sklearn_ecg.records._report import RecordError

# What wfdb cannot write: the type of the integers on disk, and what is added to a sample.
BY_HAND = {"61": (">i2", 0), "160": ("<u2", 2**15)}
LIMITS = {"16": 2**15, "61": 2**15, "160": 2**15, "212": 2**11, "24": 2**23, "32": 2**31, "80": 128}


def write_record(folder, name, digital, number, *, gains=(200.0,), baselines=(0,), units=("mV",)):
    """Write a record through wfdb, or by hand in a format that it does not write."""
    n_leads = digital.shape[1]
    keywords = {
        "fs": 360,
        "units": list(units) * (n_leads // len(units)),
        "sig_name": ["i", "AVR", "mlii"][:n_leads],
        "adc_gain": list(gains) * (n_leads // len(gains)),
        "baseline": list(baselines) * (n_leads // len(baselines)),
        "write_dir": str(folder),
    }
    if number not in BY_HAND:
        wfdb.wrsamp(name, d_signal=digital, fmt=[number] * n_leads, **keywords)
        return
    wfdb.wrsamp(name, d_signal=digital, fmt=["16"] * n_leads, **keywords)
    dtype, offset = BY_HAND[number]
    (folder / f"{name}.dat").write_bytes((digital + offset).astype(dtype).tobytes())
    header = folder / f"{name}.hea"
    header.write_text(header.read_text().replace(".dat 16 ", f".dat {number} "))


@pytest.mark.parametrize("number", list(LIMITS))
@pytest.mark.parametrize("n_leads", [1, 3])
def test_formats(tmp_path, rng, number, n_leads):
    limit = LIMITS[number]
    # An odd number of samples leaves a pair of format 212 half filled.
    digital = rng.integers(-limit + 1, limit, (1001, n_leads))
    digital[:2, 0] = limit - 1, -limit + 1
    digital[[7, 500], n_leads - 1] = -limit
    write_record(tmp_path, "r", digital, number, gains=(201.5,), baselines=(-3,))
    signals = open_collection([tmp_path / "r"]).signals
    expected = wfdb.rdrecord(str(tmp_path / "r")).p_signal.T.astype(np.float32)
    assert np.isnan(expected).sum() == 2
    np.testing.assert_array_equal(signals[0], expected)
    assert signals[0].dtype == np.float32
    # Windows that begin and end inside a pair.
    for start, stop in [(0, 1), (1, 2), (333, 800), (334, 801), (1000, 1001)]:
        np.testing.assert_array_equal(signals.window(0, start, stop), expected[:, start:stop])


@pytest.mark.parametrize(
    ("folder", "step"),
    [("mitdb", 9), ("ptb-xl", 97), ("cpsc2018/wfdb", 23), ("ludb/data", 17)],
)
def test_data_sets_are_read_as_wfdb_reads_them(shared_data, folder, step):
    paths = sorted(path.with_suffix("") for path in (shared_data / folder).rglob("*.hea"))[::step]
    for path in paths:
        expected = wfdb.rdrecord(str(path)).p_signal.T.astype(np.float32)
        np.testing.assert_array_equal(open_collection([path]).signals[0], expected)


@pytest.mark.parametrize("gain", [1000.0, 200.0, 0.1, 1 / 3, 1e-4, 4880.0])
@pytest.mark.parametrize("baseline", [0, -2048, 40_000, 2**23 + 1, 2**31 - 1])
def test_scaling_rounds_once(rng, gain, baseline):
    digital = rng.integers(-(2**15) + 1, 2**15, (2, 4000)).astype(np.int16)
    signal = to_mV(digital, np.full(2, gain), np.full(2, baseline), -(2**15))
    expected = ((digital.astype(np.float64) - baseline) / gain).astype(np.float32)
    np.testing.assert_array_equal(signal, expected)


def test_units_become_mV(tmp_path, rng):
    digital = rng.integers(-1000, 1000, (100, 3))
    write_record(
        tmp_path, "r", digital, "16", gains=(200.0, 0.2, 200_000.0), units=("mV", "uV", "V")
    )
    signal = open_collection([tmp_path / "r"]).signals[0]
    np.testing.assert_array_equal(signal, (digital.T / 200).astype(np.float32))


@pytest.mark.parametrize("case", [str, str.lower, str.upper, str.title])
@pytest.mark.parametrize(
    ("units", "per_mV"),
    [
        *(("mV", 1), ("millivolt", 1), ("V", 1e-3), ("volts", 1e-3), ("nV", 1e6)),
        *(("uV", 1e3), ("\u00b5V", 1e3), ("\u03bcV", 1e3), ("microvolts", 1e3)),
    ],
)
def test_units_in_any_case(units, per_mV, case):
    assert units_per_mV(case(units)) == per_mV


@pytest.mark.parametrize("units", ["adu", "NU", "mmHg", "", "%", "Vs"])
def test_other_units_are_no_voltage(units):
    assert units_per_mV(units) is None


def test_leads_in_several_files(tmp_path, rng):
    digital = rng.integers(-1000, 1000, (100, 3))
    write_record(tmp_path, "r", digital[:, :2], "16")
    write_record(tmp_path, "s", digital[:, 2:], "212")
    lines = (tmp_path / "r.hea").read_text().splitlines()
    other = (tmp_path / "s.hea").read_text().splitlines()[1].replace(" i", " V2")
    (tmp_path / "r.hea").write_text("\n".join(["r 3 360 100", *lines[1:3], other]))
    (tmp_path / "s.hea").unlink()
    signals = open_collection([tmp_path / "r"], leads=["V2", "I"]).signals
    expected = (digital[:, [2, 0]].T / 200).astype(np.float32)
    np.testing.assert_array_equal(signals[0], expected)
    cached = open_collection([tmp_path / "r"], leads=["V2", "I"], cache_dir=tmp_path / "cache")
    np.testing.assert_array_equal(cached.signals[0], expected)


def test_what_only_wfdb_reads(tmp_path, rng):
    """Several samples per frame, and several segments, one of which is not among the records."""
    signal = rng.normal(size=(400, 2))
    for name, part in [("s1", signal[:150]), ("s2", signal[150:])]:
        leads = {"units": ["mV", "mV"], "sig_name": ["I", "II"], "fmt": ["16", "16"]}
        wfdb.wrsamp(name, fs=100, p_signal=part, write_dir=str(tmp_path), **leads)
    (tmp_path / "whole.hea").write_text("whole/2 2 100 400\ns1 150\ns2 250\n")
    paths = sorted(path.with_suffix("") for path in tmp_path.glob("*.hea"))
    collection = open_collection(paths)
    assert list(collection.ids) == ["whole"] and not len(collection.report)
    expected = wfdb.rdrecord(str(tmp_path / "whole")).p_signal.T.astype(np.float32)
    np.testing.assert_array_equal(collection.signals[0], expected)
    np.testing.assert_array_equal(collection.signals.window(0, 140, 160), expected[:, 140:160])

    header = tmp_path / "s1.hea"
    header.write_text(header.read_text().replace(".dat 16 ", ".dat 16x2 ").replace(" 150", " 75"))
    stored = wfdb.rdrecord(str(tmp_path / "s1"), smooth_frames=False).e_p_signal
    # What makes other signals of the samples makes other sums.
    with pytest.raises(RecordError, match="do not match the checksum"):
        open_collection([tmp_path / "s1"]).signals[0]
    collection = open_collection([tmp_path / "s1"], checksums=False)
    assert collection.sampling_rate == 200
    np.testing.assert_array_equal(collection.signals[0], np.stack(stored).astype(np.float32))


@pytest.mark.parametrize("number", ["508", "516", "524"])
def test_compressed_formats(tmp_path, rng, number):
    digital = rng.integers(-100, 100, (500, 2))
    write_record(tmp_path, "r", digital, number)
    signals = open_collection([tmp_path / "r"]).signals
    np.testing.assert_array_equal(signals[0], (digital.T / 200).astype(np.float32))
    np.testing.assert_array_equal(signals.window(0, 7, 9), signals[0][:, 7:9])
    path, header = tmp_path / "r.dat", tmp_path / "r.hea"
    content, text = path.read_bytes(), header.read_text()
    for damage in ("number of samples", "length", "sums", "magic"):
        damaged, edited = bytearray(content), text
        if damage == "number of samples":
            edited = text.replace(" 500", " 100000000000", 1)
        elif damage == "length":
            damaged[21] ^= 15
        elif damage == "magic":
            damaged[0] ^= 1
        else:
            first, line, *others = text.splitlines()
            fields = line.split()
            fields[6] = str(int(fields[6]) + 1)
            edited = "\n".join([first, " ".join(fields), *others])
        path.write_bytes(damaged)
        header.write_text(edited)
        with pytest.raises(
            ValueError, match=r"r\.dat (has \d+ samples in|is not a FLAC|is damaged)"
        ):
            open_collection([tmp_path / "r"], verify=True)


@pytest.mark.parametrize("checksums", [True, False])
def test_one_damaged_segment(tmp_path, rng, checksums):
    for name in ("s1", "s2", "other"):
        write_record(tmp_path, name, rng.integers(-100, 100, (50, 1)), "16")
    (tmp_path / "whole.hea").write_text("whole/3 1 360 110\ns1 50\n~ 10\ns2 50\n")
    paths = [tmp_path / name for name in ("other", "s1", "s2", "whole")]
    assert list(open_collection(paths).ids) == ["other", "whole"]
    content = bytearray((tmp_path / "s2.dat").read_bytes())
    content[7] ^= 1
    (tmp_path / "s2.dat").write_bytes(content)
    collection = open_collection(paths, verify=True, checksums=checksums)
    if not checksums:
        assert list(collection.ids) == ["other", "whole"]
        return
    assert list(collection.ids) == ["other"]
    report = collection.report.to_frame().set_index("id")["problem"]
    assert "checksum in s2.hea" in report["whole"]
    assert "segment of record whole" in report["s1"] and "segment of record whole" in report["s2"]
    # What shows as the folder is opened leaves the other segments as they are.
    (tmp_path / "s2.dat").unlink()
    collection = open_collection(paths)
    assert list(collection.ids) == ["other", "s1"]
    assert set(collection.report.to_frame()["id"]) == {"s2", "whole"}


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("whole/1 1 360 99999999999\ns 50", "have 50 samples instead of 99999999999"),
        ("whole/2 1 360 100\ns 50\nlost 50", "its segment lost is missing"),
        ("whole/2 1 360 1000000050\ns 50\n~ 1000000000", "gaps of 1000000000 samples for 50"),
        ("whole/1 1 360 50\nwhole 50", "cannot have segments"),
        ("whole/1 1 250 50\ns 50", "sampled at another rate"),
        ("whole/1 1 360 40\ns 40", "does not give its segment s 50 samples"),
        ("whole/2 1 360 100\ns 50\nt 50", "its segments hold different signals"),
    ],
)
def test_segments_that_do_not_make_up_their_record(tmp_path, rng, lines, problem):
    write_record(tmp_path, "s", rng.integers(-100, 100, (50, 1)), "16")
    write_record(tmp_path, "t", rng.integers(-100, 100, (50, 2)), "16")
    (tmp_path / "whole.hea").write_text(lines)
    collection = open_collection([tmp_path / "s", tmp_path / "whole"])
    assert list(collection.ids) == ["s"]
    assert problem in collection.report.to_frame()["problem"].item()


def test_errors_travel_from_workers(tmp_path, rng):
    write_record(tmp_path, "r", rng.integers(-100, 100, (50, 1)), "16")
    signals = open_collection([tmp_path / "r"]).signals
    path = tmp_path / "r.dat"
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"r\.dat is missing, but r\.hea names") as raised:
        signals[0]
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)
    path.mkdir()
    with pytest.raises(RecordError, match=r"r\.dat (cannot be read|is cut short)") as raised:
        signals[0]
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)

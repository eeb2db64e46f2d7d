"""Folders of WFDB records: what is whole is loaded, what is not is named."""

import pickle
import re
import shutil

import joblib
import numpy as np
import pytest
import wfdb

from sklearn_ecg.datasets import load_wfdb
from sklearn_ecg.datasets._collection import Layout, open_collection
from sklearn_ecg.records._report import RecordError
from sklearn_ecg.utils import LEADS_12


@pytest.fixture
def folder(tmp_path):
    """Six simulated records of two leads, 2 s at 100 Hz, free to be damaged."""
    folder = tmp_path / "Réc 心電"
    for number in range(6):
        write(folder / f"r{number}", number)
    return folder


def write(record, seed, n_times=200, rate=100, leads=("I", "AVR"), units="mV"):
    record.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(seed).integers(-900, 900, (n_times, len(leads)))
    wfdb.wrsamp(
        record.name,
        fs=rate,
        units=[units] * len(leads),
        sig_name=list(leads),
        d_signal=samples,
        fmt=["16"] * len(leads),
        adc_gain=[1000.0] * len(leads),
        baseline=[0] * len(leads),
        write_dir=str(record.parent),
    )


def rename(header, names):
    """Name the signals of a record, also by names that wfdb would not write."""
    first, *lines = header.read_text().splitlines()
    lines = [line.split(None, 8)[:8] for line in lines]
    lines = [" ".join([*line, name]) for line, name in zip(lines, names, strict=True)]
    header.write_text("\n".join([first, *lines]))


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def problem_of(records, id):
    """Return what the report says of a record, which must be one row."""
    rows = records.report[records.report["id"] == id]
    assert len(rows) == 1 and not rows["kept"].item()
    assert id not in records.ids
    assert len(rows["what_to_do"].item()) > 20
    return f"{rows['file'].item()} {rows['problem'].item()}"


def test_all_that_is_whole(folder):
    records = load_wfdb(folder)
    assert records.shape == (6, 2, 200) and records.sampling_rate == 100
    assert records.lead_names == ("I", "aVR")
    assert list(records.ids) == [f"r{i}" for i in range(6)]
    assert records.labels is None and records.report.empty
    expected = wfdb.rdrecord(str(folder / "r3")).p_signal.T.astype(np.float32)
    np.testing.assert_array_equal(records.signals[3], expected)
    np.testing.assert_array_equal(np.asarray(records)[3], expected)


def damage_header(folder):
    (folder / "r2.hea").write_text("r2 2 100")


def damage_size(folder):
    edit(folder / "r2.hea", "r2 2 100 200", "r2 2 100 900000000000000")


def damage_signals(folder):
    path = folder / "r2.dat"
    path.write_bytes(path.read_bytes()[:-1])


def damage_number_of_samples(folder):
    edit(folder / "r2.hea", "r2 2 100 200", "r2 2 100 150")


def damage_first_format(folder):
    text = (folder / "r2.hea").read_text()
    (folder / "r2.hea").write_text(text.replace(".dat 16 ", ".dat 61 ", 1))


def damage_all_formats(folder):
    edit(folder / "r2.hea", ".dat 16 ", ".dat 80 ")


def damage_by_loss(folder):
    (folder / "r2.dat").unlink()


def damage_by_loss_of_header(folder):
    (folder / "r2.hea").unlink()


def damage_by_doubling(folder):
    shutil.copy(folder / "r1.dat", folder / "r2.dat")
    text = (folder / "r1.hea").read_text()
    (folder / "r2.hea").write_text(text.replace("r1", "r2"))


def damage_units(folder):
    edit(folder / "r2.hea", "/mV", "/adu")


def damage_a_unit(folder):
    text = (folder / "r2.hea").read_text()
    (folder / "r2.hea").write_text(text.replace("/mV", "/adu", 1))


def damage_gain(folder):
    edit(folder / "r2.hea", "1000.0(0)/mV", "0")


def damage_lead(folder):
    edit(folder / "r2.hea", "AVR", "V9")


def damage_rate(folder):
    edit(folder / "r2.hea", "r2 2 100 200", "r2 2 250 200")


def damage_format(folder):
    edit(folder / "r2.hea", ".dat 16 ", ".dat 77 ")


def damage_lead_names(folder):
    edit(folder / "r2.hea", "AVR", "I")


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (damage_header, r"r2\.hea .*cut short"),
        (
            damage_size,
            r"r2\.dat is cut short: it holds 800 bytes, but r2\.hea needs 3600000000000000",
        ),
        (damage_signals, r"r2\.dat is cut short: it holds 799 bytes, but r2\.hea needs 800"),
        (damage_number_of_samples, r"r2\.dat holds 800 bytes, but r2\.hea needs 600"),
        (damage_first_format, r"r2\.hea gives signals of one file in several formats"),
        (damage_all_formats, r"r2\.dat holds 800 bytes, but r2\.hea needs 400"),
        (damage_by_loss, r"r2\.dat is missing, but r2\.hea names it"),
        (damage_by_loss_of_header, r"r2\.dat has no header"),
        (damage_by_doubling, r"r2\.hea describes the same samples as record r1"),
        (damage_units, r"r2\.hea holds no readable lead: I in 'adu', aVR in 'adu'"),
        (damage_a_unit, r"r2\.hea gives lead I in 'adu', which is not a voltage"),
        (damage_gain, r"r2\.hea gives no gain for lead I"),
        (damage_lead, r"r2\.hea lacks lead aVR: it has leads I, V9"),
        (damage_rate, r"r2\.hea was sampled at 250 Hz, most others at 100 Hz"),
        (damage_format, r"r2\.hea gives its signals in the unknown format 77"),
        (damage_lead_names, r"r2\.hea holds no readable lead: I \(2 signals\)"),
    ],
)
def test_what_is_damaged_is_named_and_the_rest_is_loaded(folder, damage, problem):
    damage(folder)
    records = load_wfdb(folder)
    assert list(records.ids) == ["r0", "r1", "r3", "r4", "r5"]
    assert re.search(problem, problem_of(records, "r2"))
    assert len(np.asarray(records)) == 5
    assert len(records[:2].report) == 1


@pytest.mark.parametrize("how", ["verify", "cache_dir"])
def test_signals_that_contradict_their_headers(folder, tmp_path, how):
    content = bytearray((folder / "r2.dat").read_bytes())
    content[100] ^= 4
    (folder / "r2.dat").write_bytes(content)
    content = bytearray((folder / "r4.dat").read_bytes())
    content[101] ^= 4
    (folder / "r4.dat").write_bytes(content)
    untouched = load_wfdb(folder)
    assert len(untouched) == 6
    with pytest.raises(RecordError, match=r"r2\.dat is damaged: the samples of lead I .*checksum"):
        untouched.signals[2]
    records = load_wfdb(folder, **{how: True if how == "verify" else tmp_path / "cache"})
    assert list(records.ids) == ["r0", "r1", "r3", "r5"]
    assert "checksum in r2.hea" in problem_of(records, "r2")
    assert "checksum in r4.hea" in problem_of(records, "r4")
    assert load_wfdb(folder, checksums=False).signals[2].shape == (2, 200)


def test_records_that_agree_in_their_checksums_are_no_copies(folder):
    """Two bytes of one record change places: sums stay, samples do not."""
    damage_by_doubling(folder)
    samples = np.fromfile(folder / "r2.dat", "<i2").reshape(-1, 2)
    samples[[50, 60]] = samples[[60, 50]]
    samples.tofile(folder / "r2.dat")
    assert len(load_wfdb(folder)) == 6


def test_eight_and_fifteen_leads_where_twelve_are_asked(tmp_path):
    frank = ("vx", "vy", "vz")
    write(tmp_path / "twelve", 0, leads=LEADS_12)
    write(tmp_path / "fifteen", 1, leads=(*frank, *(name.lower() for name in LEADS_12[::-1])))
    write(tmp_path / "eight", 2, leads=("I", "II", "V1", "V2", "V3", "V4", "V5", "V6"))
    records = load_wfdb(tmp_path, leads=LEADS_12)
    assert list(records.ids) == ["fifteen", "twelve"]
    assert "lacks leads III, aVR, aVL, aVF" in problem_of(records, "eight")
    expected = wfdb.rdrecord(str(tmp_path / "fifteen")).p_signal[:, :2:-1].T
    np.testing.assert_array_equal(records.signals[0], expected.astype(np.float32))

    filled = load_wfdb(tmp_path, leads=LEADS_12, missing_leads="nan")
    assert list(filled.ids) == ["eight", "fifteen", "twelve"]
    missing = np.isnan(filled.signals[0]).all(axis=1)
    assert [name for name, gone in zip(LEADS_12, missing, strict=True) if gone] == [
        "III",
        "aVR",
        "aVL",
        "aVF",
    ]
    assert filled.report[["id", "kept"]].values.tolist() == [["eight", True]]


def test_leads_that_most_records_hold(tmp_path):
    for number, leads in enumerate([("MLII", "V1"), ("MLII", "V1"), ("V5", "V2"), ("V1", "MLII")]):
        write(tmp_path / f"r{number}", number, leads=leads)
    records = load_wfdb(tmp_path)
    assert records.lead_names == ("MLII", "V1") and list(records.ids) == ["r0", "r1", "r3"]
    expected = wfdb.rdrecord(str(tmp_path / "r3")).p_signal[:, ::-1].T
    np.testing.assert_array_equal(records.signals[2], expected.astype(np.float32))


def test_signals_that_are_no_ecg_do_not_count_as_leads(tmp_path):
    write(tmp_path / "r", 0, leads=("I", "RESP"))
    lines = (tmp_path / "r.hea").read_text().splitlines()
    lines[2] = lines[2].replace("/mV", "/l")
    (tmp_path / "r.hea").write_text("\n".join(lines))
    records = load_wfdb(tmp_path)
    assert records.lead_names == ("I",)
    assert records.report[["id", "problem", "kept"]].values.tolist() == [
        ["r", "holds signals that are left out: RESP in 'l'", True]
    ]
    assert load_wfdb(tmp_path, leads=["I"]).report.empty


@pytest.mark.parametrize("n_records", [1, 25])
@pytest.mark.parametrize(
    ("names", "units", "signals"),
    [
        (("I", "II"), "adu", r"I in 'adu', II in 'adu'"),
        (("I", "II"), "NU", r"I in 'NU', II in 'NU'"),
        (("I", "I"), "mV", r"I \(2 signals\)"),
        (("DII", "Lead II"), "mV", r"II \(2 signals\)"),
    ],
)
def test_records_without_a_lead_that_can_be_read(tmp_path, n_records, names, units, signals):
    for number in range(n_records):
        write(tmp_path / f"r{number}", number)
        rename(tmp_path / f"r{number}.hea", names)
        edit(tmp_path / f"r{number}.hea", "/mV", f"/{units}")
    message = rf"None of the {n_records} records .*{signals}.* true gain"
    with pytest.raises(ValueError, match=message):
        load_wfdb(tmp_path)


def test_some_leads_of_one_name(tmp_path):
    write(tmp_path / "r", 0, leads="abcd")
    rename(tmp_path / "r.hea", ["I", "V1", "V1", "II"])
    records = load_wfdb(tmp_path)
    assert records.lead_names == ("I", "II")
    assert records.report["problem"].tolist() == ["holds signals that are left out: V1 (2 signals)"]


@pytest.mark.parametrize("names", [("ECG", "ECG"), ("ECG", "ecg lead", "ECG", "II"), ("x1", "x1")])
def test_unknown_signals_of_one_name_are_numbered(tmp_path, names):
    write(tmp_path / "r", 0, leads="abcd"[: len(names)])
    rename(tmp_path / "r.hea", names)
    records = load_wfdb(tmp_path)
    seen = [names[:place].count(name) for place, name in enumerate(names)]
    expected = [
        f"{name} {before + 1}" if names.count(name) > 1 else name
        for name, before in zip(names, seen, strict=True)
    ]
    assert list(records.lead_names) == expected and records.report.empty
    signal = wfdb.rdrecord(str(tmp_path / "r")).p_signal.T
    np.testing.assert_array_equal(records.signals[0], signal.astype(np.float32))
    second = load_wfdb(tmp_path, leads=expected[1:])
    np.testing.assert_array_equal(second.signals[0], records.signals[0][1:])


def write_frames(folder, name, per_frame, signals, units, fmt="16"):
    """Write a record of 62.5 frames a second; return each signal as it is stored, in mV."""
    wfdb.wrsamp(
        name,
        fs=62.5,
        units=units,
        sig_name=list(signals),
        samps_per_frame=per_frame,
        fmt=[fmt] * len(per_frame),
        e_p_signal=list(signals.values()),
        write_dir=str(folder),
    )
    stored = wfdb.rdrecord(str(folder / name), smooth_frames=False)
    return dict(zip(stored.sig_name, stored.e_p_signal, strict=True))


@pytest.fixture
def make_signals(rng):
    def make(n_frames=50, **per_frame):
        return {name: rng.normal(size=n_frames * n) for name, n in per_frame.items()}

    return make


@pytest.mark.parametrize("fmt", ["16", "80", "212", "24"])
@pytest.mark.parametrize("n", [2, 3, 4, 8])
def test_leads_are_read_at_their_own_rate(tmp_path, make_signals, n, fmt):
    signals = make_signals(II=n, V=n, Pleth=1)
    stored = write_frames(tmp_path, "r", [n, n, 1], signals, ["mV", "mV", "NU"], fmt)
    records = load_wfdb(tmp_path)
    assert records.lead_names == ("II", "V") and records.sampling_rate == 62.5 * n
    expected = np.stack([stored["II"], stored["V"]]).astype(np.float32)
    np.testing.assert_allclose(records.signals[0], expected, rtol=1e-6)
    np.testing.assert_allclose(records.signals.window(0, 5, 47), expected[:, 5:47], rtol=1e-6)
    assert "left out: Pleth at 62.5 Hz in 'NU'" in records.report["problem"].item()
    cached = load_wfdb(tmp_path, cache_dir=tmp_path / "cache")
    np.testing.assert_allclose(cached.signals[0], expected, rtol=1e-6)
    halved = load_wfdb(tmp_path, sampling_rate=62.5 * n / 2)
    assert halved.n_times == 25 * n
    windows = load_wfdb(tmp_path, window=0.16)
    assert windows.n_times == 10 * n
    np.testing.assert_allclose(windows.signals[1], expected[:, 10 * n : 20 * n], rtol=1e-6)


def test_leads_of_several_rates(tmp_path, make_signals):
    """The commonest rate wins, then the highest; leads that are asked for have their own."""
    signals = make_signals(I=4, II=4, V1=2, V2=8)
    stored = write_frames(tmp_path, "r", [4, 4, 2, 8], signals, ["mV"] * 4)
    records = load_wfdb(tmp_path)
    assert records.lead_names == ("I", "II") and records.sampling_rate == 250
    assert records.report["problem"].item() == (
        "holds signals that are left out: V1 at 125 Hz, V2 at 500 Hz"
    )
    one = load_wfdb(tmp_path, leads=["V1"])
    assert one.sampling_rate == 125
    np.testing.assert_allclose(one.signals[0][0], stored["V1"], rtol=1e-5)
    highest = load_wfdb(tmp_path, leads=["V1", "V2"], missing_leads="nan")
    assert highest.sampling_rate == 500
    np.testing.assert_allclose(highest.signals[0][1], stored["V2"], rtol=1e-5)
    assert np.isnan(highest.signals[0][0]).all() and len(highest.report) == 1
    with pytest.raises(ValueError, match=r"lacks lead V1: it has leads .*V1 at 125 Hz, V2"):
        load_wfdb(tmp_path, leads=["V1", "V2"])


@pytest.mark.parametrize("layout", ["fixed", "variable"])
def test_segments_of_frames_of_several_samples(tmp_path, make_signals, layout):
    parts = []
    for number, n_frames in enumerate((30, 20)):
        signals = make_signals(n_frames, II=4, Pleth=2)
        parts.append(write_frames(tmp_path, f"r_{number}", [4, 2], signals, ["mV", "NU"])["II"])
    lines = ["r_0 30", "r_1 20"]
    if layout == "variable":
        (tmp_path / "r_layout.hea").write_text(
            "r_layout 2 62.5 0\n~ 0x4 200/mV 0 0 0 0 0 II\n~ 0x2 200/NU 0 0 0 0 0 Pleth\n"
        )
        lines = ["r_layout 0", "r_0 30", "~ 10", "r_1 20"]
        parts.insert(1, np.full(40, np.nan))
    n_frames = 60 if layout == "variable" else 50
    (tmp_path / "r.hea").write_text("\n".join([f"r/{len(lines)} 2 62.5 {n_frames}", *lines, ""]))
    records = load_wfdb(tmp_path)
    assert list(records.ids) == ["r"] and records.sampling_rate == 250
    expected = np.concatenate(parts).astype(np.float32)
    np.testing.assert_allclose(records.signals[0], expected[np.newaxis], rtol=1e-6)
    window = records.signals.window(0, 110, 135)
    np.testing.assert_allclose(window, expected[np.newaxis, 110:135], rtol=1e-6)


def test_other_rates_are_resampled_where_that_is_asked(folder):
    time = np.arange(500) / 250
    tone = np.stack([np.sin(2 * np.pi * 3 * time), np.cos(2 * np.pi * 3 * time)], axis=1)
    leads = {"units": ["mV", "mV"], "sig_name": ["I", "AVR"], "fmt": ["16", "16"]}
    wfdb.wrsamp("tone", fs=250, p_signal=tone, write_dir=str(folder), **leads)
    records = load_wfdb(folder, sampling_rate=100)
    assert records.shape == (7, 2, 200) and records.report.empty
    inside = slice(20, 180)
    expected = np.sin(2 * np.pi * 3 * np.arange(200) / 100)
    np.testing.assert_allclose(records.signals[6][0, inside], expected[inside], atol=0.01)
    np.testing.assert_array_equal(records.signals[0], load_wfdb(folder / "r0.hea").signals[0])


@pytest.mark.parametrize("rate", ["0.01", "1e6"])
def test_a_rate_from_which_nobody_resamples(folder, rate):
    edit(folder / "r2.hea", "r2 2 100 200", f"r2 2 {rate} 200")
    records = load_wfdb(folder, sampling_rate=250)
    assert len(records) == 5 and "too far from 250 Hz" in problem_of(records, "r2")


def test_whatever_a_library_raises_names_the_record(folder, monkeypatch):
    def fail(*_):
        raise MemoryError

    records = load_wfdb(folder)
    monkeypatch.setattr("sklearn_ecg.datasets._reader.read_digital", fail)
    for read in (records.signals.__getitem__, lambda i: records.signals.window(i, 0, 5)):
        with pytest.raises(RecordError, match=r"r2\.hea cannot be read: MemoryError"):
            read(2)


def test_records_of_different_lengths(folder):
    write(folder / "sub" / "long", 9, n_times=350)
    records = load_wfdb(folder)
    assert records.n_times is None and records.ids[-1] == "sub/long"
    assert list(records.signals.lengths) == [200] * 6 + [350]
    assert records.signals[6].shape == (2, 350)
    assert records[:6].shape == (6, 2, 200)


def test_windows_of_long_records_read_no_more_than_they_need(folder, monkeypatch):
    monkeypatch.setattr("sklearn_ecg.datasets._reader._SHORT", 0)
    write(folder / "short", 8, n_times=40)
    records = load_wfdb(folder, window=0.6)
    assert records.shape == (18, 2, 60)
    assert list(records.ids[:4]) == ["r0/000", "r0/001", "r0/002", "r1/000"]
    assert list(records.groups[:4]) == ["r0", "r0", "r0", "r1"]
    whole = load_wfdb(folder).signals[1]
    np.testing.assert_array_equal(
        np.asarray(records[3:6]), whole[:, :180].reshape(2, 3, 60).swapaxes(0, 1)
    )
    assert "shorter than a window" in problem_of(records, "short")
    # Whoever read the whole file would find it cut short.
    path = folder / "r0.dat"
    path.write_bytes(path.read_bytes()[:400])
    assert records.signals[0].shape == (2, 60)
    with pytest.raises(RecordError, match=r"r0\.dat is cut short"):
        records.signals[2]


@pytest.mark.parametrize("cached", [False, True])
def test_travelling_to_workers(folder, tmp_path, cached):
    records = load_wfdb(folder, window=1.0, cache_dir=tmp_path / "cache" if cached else None)
    sent = pickle.dumps(records[2:4].signals)
    np.testing.assert_array_equal(np.asarray(pickle.loads(sent)), np.asarray(records)[2:4])
    assert len(sent) < len(pickle.dumps(records.signals))
    # Reading is no change: caches know the records again.
    before = joblib.hash(records.signals)
    np.asarray(records)
    assert joblib.hash(records.signals) == before
    assert joblib.hash(records[1:].signals) != before


@pytest.mark.parametrize("place", [".", "w", "w/*.hea", "../a/w/r"])
def test_relative_paths_stay_where_they_were(tmp_path, monkeypatch, place):
    for seed, name in enumerate("ab"):
        write(tmp_path / name / "w" / "r", seed)
    monkeypatch.chdir(tmp_path / "a")
    records = load_wfdb(place)
    expected, packed = records.signals[0], pickle.dumps(records)
    assert records.ids.tolist() == ["w/r" if place == "." else "r"]
    assert records.report.empty
    monkeypatch.chdir(tmp_path / "b")
    for opened in (records, pickle.loads(packed)):
        np.testing.assert_array_equal(opened.signals[0], expected)


def test_patterns_and_single_records(folder):
    write(folder / "deep" / "er" / "r9", 9)
    assert list(load_wfdb(folder / "r[12].hea").ids) == ["r1", "r2"]
    assert list(load_wfdb(folder / "r[12]").ids) == ["r1", "r2"]
    assert list(load_wfdb(str(folder / "**" / "r9.hea")).ids) == ["r9"]
    assert list(load_wfdb(folder / "r1.hea").ids) == ["r1"]
    assert load_wfdb(folder).ids[0] == "deep/er/r9"


def test_nothing_there(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere' is not there"):
        load_wfdb(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"empty' holds no WFDB headers"):
        load_wfdb(tmp_path / "empty")
    for path in folder.glob("*.dat"):
        path.unlink()
    with pytest.raises(
        ValueError, match=r"None of the 6 records can be read: .*r0\.dat is missing"
    ):
        load_wfdb(folder)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"leads": "I"}, "leads must be a sequence of names"),
        ({"leads": ()}, "leads must be a sequence of names"),
        ({"leads": ("V1",)}, r"None of the 6 records .*lacks lead V1: it has leads I, aVR"),
        ({"sampling_rate": 0}, "sampling_rate must be a positive number; got 0"),
        ({"window": -1}, "window must be a positive number; got -1"),
        ({"window": 0.001}, "shorter than a sample at 100 Hz"),
        ({"window": 3}, r"window=3 s is longer than the longest record \(2 s\)"),
        ({"missing_leads": "zero"}, "missing_leads must be"),
    ],
)
def test_bad_arguments(folder, arguments, message):
    with pytest.raises(ValueError, match=message):
        load_wfdb(folder, **arguments)


def test_a_layout_spares_headers_until_signals_are_touched(folder):
    layout = Layout(100, 200, ("I", "aVR"))
    paths = [folder / f"r{i}" for i in range(7)]
    edit(folder / "r0.hea", "r0 2 100", "r0 2 500")
    edit(folder / "r1.hea", "AVR", "V1")
    damage_units(folder)
    (folder / "r3.dat").write_bytes(b"short")
    collection = open_collection(paths, ids=np.arange(7) * 10, layout=layout)
    assert list(collection.ids) == [0, 10, 20, 40, 50] and list(collection.kept) == [0, 1, 2, 4, 5]
    report = collection.report.to_frame()
    assert list(report["id"]) == [30, 60]
    assert list(report["problem"]) == ["is cut short: it holds 5 of 800 bytes", "is missing"]
    for place, problem in [
        (0, r"r0\.hea gives 200 samples at 500 Hz, but the data set has 200 at 100 Hz"),
        (1, r"r1\.hea lacks the leads \['aVR'\]"),
        (2, r"r2\.hea gives lead I in 'adu'"),
    ]:
        with pytest.raises(RecordError, match=problem):
            collection.signals[place]
    expected = wfdb.rdrecord(str(folder / "r4")).p_signal.T.astype(np.float32)
    np.testing.assert_array_equal(collection.signals[3], expected)
    verified = open_collection(paths, layout=layout, verify=True)
    assert list(verified.kept) == [4, 5] and len(verified.report) == 5


def test_the_mitdb_folder(shared_data):
    records = load_wfdb(shared_data / "mitdb", leads=["MLII", "V1"])
    assert records.shape == (40, 2, 650_000)
    assert len(records.report) == 8
    windows = load_wfdb(shared_data / "mitdb", window=10, leads=["MLII", "V1"])
    assert windows.shape == (7200, 2, 3600)
    np.testing.assert_array_equal(
        windows.signals[-1], records.signals[-1][:, 179 * 3600 : 180 * 3600]
    )


@pytest.mark.parametrize(
    ("folder", "n_records"), [("ptb-xl/records100", 1987), ("cpsc2018/wfdb", 300), ("ludb", 200)]
)
def test_folders_of_twelve_leads(shared_data, folder, n_records):
    records = load_wfdb(shared_data / folder, verify=True)
    assert len(records) == n_records and records.lead_names == LEADS_12
    assert records.report.empty


def test_a_record_that_memory_does_not_hold(tmp_path):
    n_times = 100_000_000_000
    (tmp_path / "long.hea").write_text(f"long 1 1000 {n_times}\nlong.dat 16 1000\n")
    with open(tmp_path / "long.dat", "wb") as file:
        # A sparse file: nothing but its end takes room on the disk.
        file.truncate(2 * n_times - 4)
        file.seek(0, 2)
        file.write(np.array([1500, -2500], dtype="<i2").tobytes())
    records = load_wfdb(tmp_path)
    assert records.shape == (1, 1, n_times)
    found = records.signals.window(0, n_times - 3, n_times)
    np.testing.assert_array_equal(found, np.array([[0, 1.5, -2.5]], dtype=np.float32))

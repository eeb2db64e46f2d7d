"""Tests of wave bounds, against simulated waves and the hand-made ones of LUDB."""

import numpy as np
import pytest
import wfdb
from numpy.testing import assert_allclose

from sklearn_ecg.features import delineate

COLUMNS = ["lead", "beat", "p_onset", "p_peak", "p_offset", "qrs_onset", "r_peak", "qrs_offset"]
COLUMNS += ["t_onset", "t_peak", "t_offset"]


def beat(rate, *, p=0.15, t=0.3, n_beats=10):
    """P at -160 ms, a QRS about 70 ms wide and T at +280 ms of R, every second."""
    times = (np.arange(n_beats * rate) % rate) / rate - 0.4

    def wave(height, centre, width):
        return height * np.exp(-(((times - centre) / width) ** 2))

    qrs = wave(1.0, 0, 0.012) + wave(-0.2, 0.028, 0.01) + wave(-0.1, -0.025, 0.008)
    return wave(p, -0.16, 0.025) + qrs + wave(t, 0.28, 0.05)


@pytest.mark.parametrize("rate", [250, 360, 500, 1000])
def test_peaks_of_simulated_waves(rate):
    waves = delineate(np.stack([beat(rate), beat(rate, p=-0.2, t=-0.4)]), rate)
    assert list(waves.columns) == COLUMNS
    assert len(waves) == 2 * 10
    inner = waves[waves["beat"].between(1, 8)]
    relative = (inner[COLUMNS[2:]].sub(inner["r_peak"], axis=0)) * 1000 / rate
    for _, lead in relative.groupby(inner["lead"]):
        assert_allclose(lead["p_peak"], -160, atol=8)
        assert_allclose(lead["t_peak"], 280, atol=8)
        assert (lead["p_onset"] < -170).all() and (lead["p_onset"] > -220).all()
        assert lead["t_offset"].between(320, 400).all()
    assert (np.diff(inner[COLUMNS[2:]].to_numpy(), axis=1) > 0).all()


def test_absent_waves_are_absent():
    waves = delineate(beat(500, p=0.0), 500)
    assert waves["p_peak"].isna().all()
    assert waves.loc[waves["beat"].between(1, 8), "t_peak"].notna().all()


def test_a_dead_lead_has_no_waves_and_keeps_its_rows():
    waves = delineate(np.stack([beat(500), np.zeros(5000)]), 500)
    dead = waves[waves["lead"] == 1]
    assert len(dead) == 10
    assert dead[[c for c in COLUMNS[2:] if c != "r_peak"]].isna().all(axis=None)
    assert dead["r_peak"].notna().all()


def test_no_beats_no_rows():
    waves = delineate(np.zeros((2, 3600)), 360)
    assert list(waves.columns) == COLUMNS
    assert len(waves) == 0


def test_no_beats_in_a_signal_that_is_none():
    wave = 0.5 * np.sin(2 * np.pi * np.arange(5000) / 500)
    assert len(delineate(wave, 500)) == 0
    assert len(delineate(beat(500), 500, r_peaks=[])) == 0


def test_a_gap_costs_the_waves_that_it_covers():
    signal = np.stack([beat(500), beat(500)])
    whole = delineate(signal, 500)
    signal[:, 2100:2110] = np.nan  # between two beats, in all leads
    assert_allclose(delineate(signal, 500).dropna()["r_peak"], whole.dropna()["r_peak"], atol=2)
    signal[1, 2180:2230] = np.nan  # the fifth beat, in one lead
    waves = delineate(signal, 500)
    assert len(waves) == len(whole)
    found = waves.set_index(["lead", "beat"])
    assert found.loc[(0, 4)].notna().all()
    assert found.loc[(1, 4), ["qrs_onset", "qrs_offset"]].isna().all()
    assert found.loc[(1, 5)].notna().all()


def test_r_peaks_outside_the_record():
    with pytest.raises(ValueError, match="r_peaks must lie in the record's 5000 samples"):
        delineate(beat(500), 500, r_peaks=[100, 6000])


def test_bounds_on_real_records(shared_data):
    """The median error of each bound stays below what LUDB's two readers differ by."""
    errors = {"p_onset": [], "qrs_onset": [], "qrs_offset": [], "t_offset": []}
    for record in range(1, 200, 20):
        path = str(shared_data / "ludb" / "data" / str(record))
        signal = wfdb.rdrecord(path).p_signal.T
        waves = delineate(signal[1], 500)
        annotations = wfdb.rdann(path, "ii")
        symbols = np.array(annotations.symbol)
        for name, values in errors.items():
            wave, side = name.split("_")
            peaks = np.flatnonzero(symbols == {"p": "p", "qrs": "N", "t": "t"}[wave])
            peaks = peaks[(peaks > 0) & (peaks < len(symbols) - 1)]
            reference = annotations.sample[peaks + (-1 if side == "onset" else 1)]
            found = waves[name].dropna().to_numpy()
            assert len(found) or not len(reference)
            if len(reference):
                nearest = found[np.abs(found[:, np.newaxis] - reference).argmin(axis=0)]
                values.extend((nearest - reference) * 2)
    for name, limit in {"p_onset": 20, "qrs_onset": 15, "qrs_offset": 15, "t_offset": 30}.items():
        assert abs(np.median(errors[name])) < limit, name


@pytest.mark.parametrize(
    ("r_peaks", "message"),
    [
        ([[100, 200]], r"r_peaks must be an array of samples.*of int64 of shape \(1, 2\)"),
        ([True], "r_peaks must be an array of samples.*of bool"),
        (["a"], "r_peaks must be an array of samples"),
        ([np.nan, 3], "r_peaks must be finite samples; got nan"),
        ([3, np.inf], "r_peaks must be finite samples; got inf"),
        ([200, 100], "r_peaks must be in ascending order, without repeats; got 200 before 100"),
        ([100.5, 100.5], "ascending order, without repeats; got 100.5 before 100.5"),
        ([-0.5], "r_peaks must lie in the record's 500 samples"),
        ([499.5], "r_peaks must lie in the record's 500 samples.*in seconds"),
    ],
)
def test_r_peaks_that_are_no_samples(r_peaks, message):
    with pytest.raises(ValueError, match=message):
        delineate(np.zeros((1, 500)), 100, r_peaks)


@pytest.mark.parametrize("rate", [100, 250, 500])
def test_no_bound_lies_outside_of_the_record(rate):
    """A record that begins and ends inside of waves."""
    whole = beat(rate)
    for start in np.linspace(0.2, 0.9, 8):
        part = whole[round(start * rate) : round((start + 7.3) * rate)]
        places = delineate(part, rate)[COLUMNS[2:]].to_numpy()
        places = places[np.isfinite(places)]
        assert places.min() >= 0 and places.max() <= len(part) - 1


@pytest.fixture
def two_to_one(heart):
    """Four leads in which every other P wave is blocked, and when the blocked ones peak, in s."""
    p_s = np.arange(0.2, 9.6, 0.85)
    return heart(p_s[::2] + 0.2, p_s=p_s), p_s[1::2] + 0.05


@pytest.mark.parametrize("leads", [slice(0, 4), slice(0, 1)])
def test_blocked_p_waves_have_rows_of_their_own(two_to_one, leads):
    signal, blocked_s = two_to_one
    waves = delineate(signal[leads], 500)
    blocked = waves[waves["beat"] == -1]
    others = [name for name in COLUMNS[2:] if not name.startswith("p_")]
    assert blocked[others].isna().all(axis=None)
    assert blocked[["p_onset", "p_peak", "p_offset"]].notna().all(axis=None)
    assert (np.diff(blocked[["p_onset", "p_peak", "p_offset"]], axis=1) > 0).all()
    found = blocked.groupby((blocked["p_peak"] / 500).round(1))["p_peak"].median() / 500
    assert len(found)
    distance = np.abs(found.to_numpy()[:, np.newaxis] - blocked_s).min(axis=1)
    assert distance.max() < 0.03
    # By lead, and by time within a lead.
    time = waves["r_peak"].fillna(waves["p_peak"])
    assert waves["lead"].is_monotonic_increasing
    assert time.groupby(waves["lead"]).is_monotonic_increasing.all()
    assert waves["beat"].dtype.kind == waves["lead"].dtype.kind == "i"


def test_a_bump_that_one_lead_alone_shows_is_no_blocked_p_wave(heart):
    p_s = np.arange(0.2, 9.6, 1.7)
    signal = heart(p_s + 0.2, p_s=p_s)
    signal[0] = heart(p_s + 0.2, p_s=np.append(p_s, 2.75))[0]
    assert (delineate(signal, 500)["beat"] >= 0).all()


def test_beats_in_sinus_rhythm_have_no_blocked_p_waves(shared_data):
    for record in (1, 2, 3, 5):
        path = shared_data / "ptb-xl" / "records500" / "00000" / f"{record:05d}_hr"
        waves = delineate(wfdb.rdrecord(str(path)).p_signal.T, 500)
        assert (waves["beat"] >= 0).all()


def test_blocked_p_waves_are_drawn(two_to_one):
    pytest.importorskip("matplotlib").use("Agg")
    from sklearn_ecg import ECGRecords
    from sklearn_ecg.plotting import ECGDisplay

    records = ECGRecords(two_to_one[0][np.newaxis], 500)
    display = ECGDisplay.from_records(records, waves=True)
    peaks = [line for line in display.axes_[0].lines if line.get_label() == "lead 0 P"]
    waves = delineate(records.signals[0], 500)
    expected = waves.loc[waves["lead"] == 0, "p_peak"].notna().sum()
    assert sum(len(line.get_xdata()) for line in peaks) == expected

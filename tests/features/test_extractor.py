"""Tests of the feature extractor: what users rely on, on simulated and real beats."""

import itertools
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import wfdb
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklearn_ecg import CleanedRecords, ECGFeatureExtractor, ECGRecords
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.features import _r_peaks, detect_r_peaks
from sklearn_ecg.preprocessing import BandpassFilter, Resampler
from sklearn_ecg.records import LazySignals
from sklearn_ecg.utils import LEADS_12

LIMB_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF")


@pytest.fixture(scope="module")
def real(shared_data):
    """Two records of ten seconds from each of six patients: normal, ectopic, blocks, paced."""
    signals, ids = [], []
    for name in ("100", "208", "214", "231", "107", "232"):
        path = str(shared_data / "mitdb" / name)
        signal = wfdb.rdrecord(path, sampto=7200).p_signal.T
        signals += [signal[:, :3600], signal[:, 3600:]]
        ids += [f"{name}a", f"{name}b"]
    return ECGRecords(np.stack(signals), 360, lead_names=["MLII", "V1"], ids=ids)


def simulated(rate=500, rr_s=0.8, duration_s=10.0, r=1.0, t=0.3, early=None):
    """A single lead of P, QRS and T; the beat of number `early` comes 0.3 s before its time."""
    times = np.arange(int(duration_s * rate)) / rate
    beats = np.arange(0.5, duration_s - 0.3, rr_s)
    if early is not None:
        beats[early] -= 0.3
    offset = times - beats[:, np.newaxis]
    waves = [(0.15, -0.16, 0.025), (r, 0, 0.012), (-0.2, 0.028, 0.01), (t, 0.28, 0.05)]
    return sum((h * np.exp(-(((offset - c) / w) ** 2))).sum(axis=0) for h, c, w in waves)


def table(X, **parameters):
    """The features as a frame whose rows are counted from 0."""
    extractor = ECGFeatureExtractor(**parameters).set_output(transform="pandas")
    return extractor.fit_transform(X).reset_index(drop=True)


def test_names_units_and_number(real):
    extractor = ECGFeatureExtractor().fit(real)
    names = extractor.get_feature_names_out()
    assert len(names) == len(set(names)) == len(extractor.feature_units_)
    assert len(names) >= 60
    units = dict(zip(names, extractor.feature_units_, strict=True))
    for name, unit in units.items():
        for suffix in ("_ms", "_mV", "_bpm", "_deg"):
            if name.endswith(suffix) and not name.endswith("_mV_ms") and "_at_" not in name:
                assert unit == suffix[1:], name
    assert {"PR_interval_ms", "MLII_R_amplitude_mV", "V1_ST60_amplitude_mV"} <= set(units)
    unnamed = ECGFeatureExtractor(sampling_rate=360).fit(np.asarray(real.signals))
    assert [
        n.replace("lead0", "MLII").replace("lead1", "V1") for n in unnamed.get_feature_names_out()
    ] == list(names)


def test_rr_statistics_against_plain_numpy(real):
    features = table(real)
    for i, signal in enumerate(real.signals):
        peaks = detect_r_peaks(signal, 360, between_samples=True) * (1000 / 360)
        rr = [b - a for a, b in itertools.pairwise(peaks)]
        change = [b - a for a, b in itertools.pairwise(rr)]
        expected = {
            "n_beats": len(peaks),
            "RR_mean_ms": np.mean(rr),
            "RR_median_ms": np.median(rr),
            "RR_SD_ms": np.std(rr, ddof=1),
            "RR_RMSSD_ms": np.sqrt(np.mean(np.square(change))),
            "RR_pNN50": np.mean([abs(c) > 50 for c in change]),
            "RR_shortest_ratio": min(rr) / np.median(rr),
            "heart_rate_bpm": 60_000 / np.mean(rr),
        }
        assert_allclose(features.loc[i, list(expected)], list(expected.values()), rtol=1e-9)


def test_scaling_changes_millivolts_alone(real):
    plain, scaled = table(real), table(real.with_signals(3.0 * real.signals))
    # How many leads are beyond 0.1 mV is a question of millivolts.
    absolute = ["ST_elevated_leads", "ST_depressed_leads", "T_inverted_leads", "Q_wave_leads"]
    units = ECGFeatureExtractor().fit(real).feature_units_
    factor = pd.Series(np.where(np.char.startswith(units, "mV"), 3.0, 1.0), index=plain.columns)
    assert_allclose(
        scaled.drop(columns=absolute), (plain * factor).drop(columns=absolute), rtol=1e-3, atol=1e-3
    )


def test_an_offset_changes_nothing(real):
    assert_allclose(table(real.with_signals(real.signals + 2.0)), table(real), rtol=1e-5, atol=1e-6)


# Most values stay within a quarter of their spread over these records. Not all can: a beat may
# be on the border between two shapes, a wave on that between present and absent.
@pytest.mark.parametrize("rate", [100, 250, 1000])
def test_the_same_answers_at_every_rate(real, rate):
    original = table(real)
    other = table(Resampler(rate).fit_transform(real))
    spread = original.std() + 1e-6
    apart = (other - original).abs() / spread
    assert (other.isna() == original.isna()).mean().mean() > 0.97
    assert (apart < 0.25).where(apart.notna()).mean().mean() > (0.8 if rate == 100 else 0.9)
    assert ((other["n_beats"] - original["n_beats"]).abs() <= 1).all()
    assert_allclose(other["RR_median_ms"], original["RR_median_ms"], rtol=0.03)
    for name in ("MLII_R_amplitude_mV", "MLII_QRS_peak_to_peak_mV", "V1_S_amplitude_mV"):
        assert_allclose(other[name], original[name], atol=0.1, rtol=0.1)
    no_column_is_empty = other.columns[other.notna().any()]
    assert set(no_column_is_empty) == set(original.columns[original.notna().any()])


def test_a_shift_in_time_changes_nothing(real):
    """But for the beats at the ends, which one of the two pieces lacks."""
    shift = 36  # 100 ms: whole samples at the working rate as well
    pieces = real.signals[:, :, :-shift], real.signals[:, :, shift:]
    one, two = (table(real.with_signals(np.ascontiguousarray(piece))) for piece in pieces)
    assert ((one["n_beats"] - two["n_beats"]).abs() <= 1).all()
    tolerances = {"RR_median_ms": 10, "QRS_duration_ms": 8, "MLII_correlation_median": 0.01}
    tolerances |= {f"MLII_{name}": 0.04 for name in ("R_amplitude_mV", "T_amplitude_mV")}
    tolerances |= {"V1_S_amplitude_mV": 0.01, "MLII_main_beat_at_24ms": 0.03}
    near = (one[list(tolerances)] - two[list(tolerances)]).abs() <= pd.Series(tolerances)
    # Of 232, and 107 with its pacemaker, few beats have the usual shape: a median may jump.
    assert near.mean().mean() > 0.9


def test_a_shift_of_equal_beats_changes_no_measurement():
    signal = simulated(duration_s=14)
    signals = np.stack([signal[start : start + 5000] for start in (0, 50, 200, 400)])
    features = table(ECGRecords(signals[:, np.newaxis], 500))
    apart = features.filter(regex="_(ms|mV)$").diff().abs().max()
    is_time = apart.index.str.endswith("_ms")
    assert apart[~is_time].max() < 0.03
    assert apart[is_time].max() <= 12


@pytest.mark.parametrize("rate", [100, 250, 360, 1000])
def test_measurements_of_known_waves(rate):
    features = table(ECGRecords(simulated(rate)[None, None], rate, lead_names=["II"])).loc[0]
    assert_allclose(features["RR_mean_ms"], 800, atol=2)
    assert_allclose(features["heart_rate_bpm"], 75, atol=0.2)
    # The band of 0.5 to 40 Hz takes something off the steep R wave.
    assert_allclose(features["II_R_amplitude_mV"], 0.9, atol=0.15)
    assert_allclose(features["II_P_amplitude_mV"], 0.15, atol=0.03)
    assert_allclose(features["II_T_amplitude_mV"], 0.3, atol=0.05)
    assert features["P_present_fraction"] > 0.9
    assert 60 < features["QRS_duration_ms"] < 110
    assert 160 < features["PR_interval_ms"] < 220
    assert 330 < features["QT_interval_ms"] < 440
    assert_allclose(features["QTc_Bazett_ms"], features["QT_interval_ms"] / np.sqrt(0.8), rtol=0.01)


def test_a_premature_beat_shows():
    signals = np.stack([simulated(), simulated(early=5)])[:, np.newaxis]
    features = table(ECGRecords(signals, 500))
    assert_allclose(features["RR_shortest_ratio"], [1.0, 0.5 / 0.8], atol=0.01)
    assert_allclose(features.loc[1, "RR_after_shortest_ratio"], 1.1 / 0.8, atol=0.01)
    assert_allclose(features.loc[1, "main_shape_shortest_RR_ratio"], 0.5 / 0.8, atol=0.01)
    assert features.loc[1, "premature_correlation"] > 0.95


def test_p_waves_that_no_qrs_follows_show(monkeypatch):
    """Two to one block: every other P wave is alone, and the beats are 1.6 s apart."""
    times = np.arange(10 * 500) / 500
    lone = np.arange(0.9, 8.0, 1.6)
    extra = 0.15 * np.exp(-(((times - lone[:, np.newaxis] - 0.24) / 0.025) ** 2)).sum(axis=0)
    slow = simulated(rr_s=1.6)
    # This is about P waves alone: the beats are given.
    beats = np.arange(0.5, 9.7, 1.6) * 250
    monkeypatch.setattr(_r_peaks, "pick_r_peaks", lambda *_: beats.round().astype(int))
    features = table(ECGRecords(np.stack([slow, slow + extra])[:, np.newaxis], 500))
    assert_allclose(features["P_per_QRS"], [1, 2], atol=0.01)
    assert_allclose(features["P_rate_bpm"], [60 / 1.6, 60 / 0.8], atol=1)


def test_the_pr_interval_that_grows_until_a_beat_drops_shows():
    """Wenckebach: PR grows by 40 ms from beat to beat, and the fourth beat is missing."""
    times = np.arange(12 * 500) / 500
    signal = np.zeros(len(times))
    for i, p in enumerate(np.arange(0.4, 11.4, 0.8)):
        waves = [(0.15, 0.0, 0.025)]
        if i % 4 != 3:
            r = 0.16 + 0.04 * (i % 4)
            waves += [(1.0, r, 0.012), (-0.2, r + 0.028, 0.01), (0.3, r + 0.28, 0.05)]
        signal += sum(h * np.exp(-(((times - p - c) / w) ** 2)) for h, c, w in waves)
    features = table(ECGRecords(np.stack([signal, simulated(duration_s=12)])[:, np.newaxis], 500))
    assert_allclose(features["PR_fall_over_pause_ms"], [80, 0], atol=16)
    assert features.loc[0, "PR_spread_ms"] > 50


def test_ectopic_beats_without_p_waves_show():
    signal = simulated(rr_s=1.0, early=5)
    times = np.arange(5000) / 500
    p_wave = 0.15 * np.exp(-(((times - (0.5 + 5 - 0.3) + 0.16) / 0.025) ** 2))
    both = np.stack([signal, signal - p_wave])[:, np.newaxis]
    features = table(ECGRecords(both, 500))
    assert features.loc[0, "premature_P_correlation"] > 0.9
    assert features.loc[1, "premature_P_correlation"] < 0.6


def test_voltages_of_hypertrophy_add_the_leads_up():
    """Each voltage from the amplitudes themselves, S being the deeper of Q and S."""
    names = [*LIMB_LEADS, "V1", "V2", "V3", "V4", "V5", "V6"]
    heights = np.array([0.8, 1.0, 0.2, -0.9, 0.3, 0.6, -0.8, -0.4, 0.35, 1.1, 1.4, 1.2])
    signals = heights[:, np.newaxis] * simulated()
    f = table(ECGRecords(signals[None], 500, lead_names=names)).loc[0]

    def r(lead):
        return f[f"{lead}_R_amplitude_mV"]

    def s(lead):
        return -min(f[f"{lead}_Q_amplitude_mV"], f[f"{lead}_S_amplitude_mV"])

    assert_allclose(f["Sokolow_Lyon_mV"], s("V1") + r("V5"))
    assert_allclose(f["RV_Sokolow_Lyon_mV"], r("V1") + max(s("V5"), s("V6")))
    assert_allclose(f["Cornell_mV"], r("aVL") + s("V3"))
    assert_allclose(f["Cornell_product_mV_ms"], f["Cornell_mV"] * f["QRS_duration_ms"])
    assert_allclose(f["Lewis_mV"], r("I") + s("III") - r("III") - s("I"))
    assert 1.8 < f["Sokolow_Lyon_mV"] < 2.2
    # R is below a half of the QRS in V1 and V2, and above it from V3 on.
    assert 2 < f["precordial_transition"] < 3


def test_second_r_and_wide_s_of_a_right_bundle_branch_block():
    times = (np.arange(5000) % 500 - 250) / 500

    def beat(*waves):
        return sum(h * np.exp(-(((times - c) / w) ** 2)) for h, c, w in waves)

    v1 = beat((0.4, -0.02, 0.01), (-0.7, 0.015, 0.012), (0.9, 0.06, 0.018), (-0.2, 0.3, 0.05))
    v6 = beat((1.0, 0, 0.013), (-0.5, 0.06, 0.025), (0.3, 0.3, 0.05))
    plain = beat((0.4, -0.02, 0.01), (-0.9, 0.01, 0.013), (0.3, 0.3, 0.05))
    signals = np.stack([v1, v6, plain])[None]
    f = table(ECGRecords(signals, 500, lead_names=["V1", "V6", "V2"])).loc[0]
    assert_allclose(f["V1_R2_amplitude_mV"], 0.36, atol=0.12)
    assert f["V2_R2_amplitude_mV"] < 0.05
    assert f["V6_S_duration_ms"] > 40
    assert f["V1_QRS_late_area_share"] > 0.15 > f["V2_QRS_late_area_share"]
    assert f["V1_QRS_path_ratio"] > f["V6_QRS_path_ratio"]


def test_an_odd_beat_shows():
    records = make_ecg_records(12, labels=["Normal", "PVC"], random_state=0)
    features = table(records)
    ectopic = records.labels[:, 1] == 1
    assert (features.loc[~ectopic, "main_beat_fraction"] == 1).all()
    assert (features.loc[~ectopic, "beat_shapes"] == 1).all()
    odd = features[ectopic]
    assert (odd["main_beat_fraction"] < 1).all()
    assert (odd["beat_shapes"] > 1).all()
    assert (odd["odd_QRS_widening_ms"] > 20).all()
    assert (odd["II_correlation_min"] < features.loc[~ectopic, "II_correlation_min"].min()).all()
    assert (odd["other_shape_shortest_RR_ratio"] < 0.9).all()
    # No P wave comes before a ventricular beat.
    assert odd["premature_P_correlation"].median() < 0.5


def test_bundle_branch_blocks_are_wider_than_normal_beats(real):
    width = table(real)["QRS_duration_ms"]
    width.index = real.ids
    assert width[["100a", "100b"]].max() < 100
    assert width[["214a", "214b", "231a", "231b"]].min() > 110


def test_order_of_leads_does_not_matter(real):
    third = real.signals[:, :1] - real.signals[:, 1:]
    signals = np.concatenate([real.signals, third], axis=1)
    one = ECGRecords(signals, 360, lead_names=["MLII", "V1", "aVF"])
    two = ECGRecords(signals[:, [2, 0, 1]], 360, lead_names=["avf", "mlii", "v1"])
    expected = table(one)
    other = table(two)
    assert_array_equal(other[list(expected)], expected)
    # One that was fitted puts leads into its own order, and passes over others.
    extractor = ECGFeatureExtractor().fit(one)
    assert_array_equal(extractor.transform(two), expected)
    assert_array_equal(ECGFeatureExtractor().fit(real).transform(one), table(real))


def test_the_axis_of_a_known_heart():
    angle = np.deg2rad(60)
    # Lead I lies at 0 degrees, II at 60; the others follow from Einthoven and Goldberger.
    first, second = np.cos(angle) * simulated(), np.cos(angle - np.pi / 3) * simulated()
    limb = [
        first,
        second,
        second - first,
        -(first + second) / 2,
        first - second / 2,
        second - first / 2,
    ]
    features = table(ECGRecords(np.stack(limb)[None], 500, lead_names=LIMB_LEADS)).loc[0]
    assert_allclose(features[["QRS_axis_deg", "T_axis_deg"]], 60, atol=3)
    two = table(ECGRecords(np.stack(limb)[None, :2], 500, lead_names=LIMB_LEADS[:2])).loc[0]
    assert_allclose(two["QRS_axis_deg"], 60, atol=3)


def test_lazy_ragged_and_parallel_agree(real, forked):
    signals = [signal[:, : 3000 + 50 * i] for i, signal in enumerate(real.signals)]
    ragged = ECGRecords(signals, 360)
    expected = np.concatenate([ECGFeatureExtractor().fit_transform(ragged[i]) for i in range(12)])
    assert_array_equal(ECGFeatureExtractor().fit_transform(ragged), expected)
    lazy = ECGRecords(LazySignals(signals.__getitem__, (12, 2)), 360)
    assert_array_equal(ECGFeatureExtractor(n_jobs=2).fit_transform(lazy), expected)


def test_lazy_signals_are_read_once(real):
    read = []

    def read_one(i):
        read.append(i)
        return real.signals[i]

    ECGFeatureExtractor().fit_transform(ECGRecords(LazySignals(read_one, (12, 2)), 360))
    assert read == list(range(12))


def test_memory_keeps_features_between_calls(real, tmp_path):
    memory = joblib.Memory(str(tmp_path), verbose=0)
    first = ECGFeatureExtractor(memory=memory).fit_transform(real)
    stored = list(tmp_path.rglob("*.npz"))
    assert len(stored) == 1
    second = ECGFeatureExtractor(memory=tmp_path, verbose=1).fit_transform(real)
    assert list(tmp_path.rglob("*.npz")) == stored
    assert_array_equal(first, second)
    # The same signals under other names are the same measurements.
    renamed = ECGRecords(
        real.signals,
        real.sampling_rate,
        lead_names=real.lead_names,
        ids=[f"r{i}" for i in real.ids],
    )
    assert_array_equal(ECGFeatureExtractor(memory=memory).fit_transform(renamed), first)
    assert list(tmp_path.rglob("*.npz")) == stored


class CountingReader:
    """Reads records of a file, and notes each reading in another."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, record):
        with open(self.folder / "reads", "a") as notes:
            notes.write("r")
        return np.load(self.folder / "signals.npy")[record]

    def stamp(self, record):
        return str(self.folder), record


def test_a_second_pass_over_files_reads_nothing(real, tmp_path):
    np.save(tmp_path / "signals.npy", real.signals[:4])
    lazy = ECGRecords(LazySignals(CountingReader(tmp_path), (4, 2, 3600)), 360)
    mapped = ECGRecords(np.load(tmp_path / "signals.npy", mmap_mode="r"), 360)
    memory = tmp_path / "memory"
    for records in (lazy, mapped):
        first = ECGFeatureExtractor(memory=memory).fit_transform(records)
        n_stored = len(list(memory.rglob("*.npz")))
        second = ECGFeatureExtractor(memory=memory, groups=["rhythm"]).fit(records)
        names = list(ECGFeatureExtractor().fit(records).get_feature_names_out())
        chosen = [names.index(name) for name in second.get_feature_names_out()]
        assert_array_equal(second.transform(records), first[:, chosen])
        assert len(list(memory.rglob("*.npz"))) == n_stored
    assert (tmp_path / "reads").read_text() == "rrrr"


def test_dead_leads_are_nan_and_leave_the_rest_alone(real):
    signals = real.signals.copy()
    signals[0, 1] = 0.7
    signals[1, 1, :900] = np.nan
    features = table(real.with_signals(signals))
    dead = [c for c in features if c.startswith("V1_")]
    assert features.loc[:1, dead].isna().all(axis=None)
    alone = table(ECGRecords(real.signals[:2, :1], 360, lead_names=["MLII"]))
    shared = [c for c in alone if not c.endswith("_leads")]
    assert_allclose(features.loc[:1, shared], alone[shared], rtol=1e-4)
    assert_array_equal(features.loc[2:], table(real).loc[2:])


def test_short_gaps_are_measured_around(real):
    """A gap costs the beats beside it, and what is measured of the others stays the same."""
    signals = real.signals[:2].copy()
    peaks = detect_r_peaks(signals[0], 360)
    signals[0, :, peaks[4] - 20 : peaks[4] + 20] = np.nan  # no lead shows the beat
    signals[1, 1, 1000:1300] = np.nan  # the other lead shows them
    gaps, whole = table(real[:2].with_signals(signals)), table(real[:2])
    assert_array_equal(gaps["n_beats"] - whole["n_beats"], [-1, 0])
    # The time from the beat before the lost one to the beat after it is no interval.
    assert_allclose(gaps.loc[0, "RR_longest_ratio"], whole.loc[0, "RR_longest_ratio"], rtol=0.05)
    for name in ("RR_median_ms", "QRS_duration_ms", "MLII_R_amplitude_mV", "V1_S_amplitude_mV"):
        assert_allclose(gaps[name], whole[name], rtol=0.1, atol=0.03)
    assert_allclose(gaps["beat_shapes"], whole["beat_shapes"])
    assert not gaps.filter(like="V1_").loc[:, "V1_R_amplitude_mV"].isna().any()


@pytest.mark.parametrize("n_times", [1, 30, 120])
def test_records_too_short_for_a_beat_are_nan(n_times):
    with pytest.warns(UserWarning, match="no beats found|no lead recorded"):
        features = table(ECGRecords(np.linspace(0, 1e-3, n_times)[None, None], 360))
    assert features.drop(columns="n_beats").isna().all(axis=None)


def test_no_signal_at_all():
    with pytest.warns(UserWarning, match=r"2 records are in doubt: no lead recorded \(0, 1\)"):
        features = table(ECGRecords(np.zeros((2, 2, 3600)), 360))
    assert features.isna().all(axis=None)


@pytest.mark.parametrize("n_beats", [1, 2, 3])
def test_few_beats_give_what_they_can(n_beats):
    signal = simulated(duration_s=0.8 * n_beats + 0.1)
    features = table(ECGRecords(signal[None, None], 500)).loc[0]
    assert features["n_beats"] == n_beats
    assert np.isnan(features["RR_mean_ms"]) == (n_beats < 2)
    assert np.isnan(features["RR_SD_ms"]) == (n_beats < 3)
    assert features["lead0_R_amplitude_mV"] > 0.5


def test_never_infinite(real, rng):
    noise = ECGRecords(rng.normal(size=(12, 2, 3600)), 360)
    for records in (noise, real):
        assert not np.isinf(ECGFeatureExtractor().fit_transform(records)).any()


def test_infinity_is_named_and_stops_no_batch(real):
    signals = real.signals.copy()
    signals[4, 0, 1800] = np.inf
    signals[5] = -np.inf
    with pytest.warns(UserWarning, match=r"infinite samples \(214a, 214b\).*quality_report"):
        features = table(real.with_signals(signals))
    assert features.loc[5].isna().all()
    others = [0, 1, 2, 3, 6, 7, 8, 9, 10, 11]
    assert_array_equal(features.loc[others], table(real).loc[others])
    assert_allclose(
        features.loc[4, "MLII_R_amplitude_mV"], table(real).loc[4, "MLII_R_amplitude_mV"], atol=0.05
    )


def test_plain_arrays_need_a_rate(real):
    with pytest.raises(ValueError, match=r"pass ECGRecords\(X, sampling_rate=...\) or ECGFeature"):
        ECGFeatureExtractor().fit(np.asarray(real.signals))


def test_plain_arrays_after_records_take_the_fitted_rate(real):
    extractor = ECGFeatureExtractor().fit(real)
    assert_array_equal(extractor.transform(np.asarray(real.signals)), extractor.transform(real))


def test_empty_input(real):
    with pytest.raises(ValueError, match="no records"):
        ECGFeatureExtractor().fit(real[:0])


def test_other_leads_than_in_fit(real):
    extractor = ECGFeatureExtractor().fit(real)
    with pytest.raises(ValueError, match=r"lacks the leads \['V1'\].*X has the leads \['MLII'\]"):
        extractor.transform(ECGRecords(real.signals[:, :1], 360, lead_names=["MLII"]))
    with pytest.raises(ValueError, match="has 1 leads, but ECGFeatureExtractor was fitted with 2"):
        extractor.transform(ECGRecords(real.signals[:, :1], 360))


def test_cleaned_records_are_measured_too(real):
    one = np.ones((12, 1), dtype=int)
    cleaned = CleanedRecords(
        real.signals,
        360,
        lead_names=real.lead_names,
        labels=one,
        weak_labels=one,
        provenance=np.full((12, 1), "trusted"),
        confidence=one,
    )
    assert_array_equal(
        ECGFeatureExtractor().fit_transform(cleaned), ECGFeatureExtractor().fit_transform(real)
    )


def test_pipelines_with_filters_give_frames(real):
    steps = make_pipeline(BandpassFilter(0.5, 40), ECGFeatureExtractor(groups=["rhythm"]))
    features = steps.set_output(transform="pandas").fit_transform(real[:2])
    assert list(features.index) == ["100a", "100b"]
    assert list(features.columns) == list(steps.get_feature_names_out())


def test_plain_arrays_of_one_lead_after_records(real):
    records = ECGRecords(real.signals[:2, :1], 360, lead_names=["MLII"])
    extractor = ECGFeatureExtractor(groups=["rhythm"]).fit(records)
    expected = extractor.transform(records)
    assert_array_equal(extractor.transform(records.signals[:, 0]), expected)


def test_names_of_leads_that_clash_with_features(real):
    records = ECGRecords(real.signals, 360, lead_names=["limb", "odd"])
    with pytest.raises(ValueError, match="features of lead 'odd' would have the same names"):
        ECGFeatureExtractor().fit(records)


def test_the_maximum_of_limb_leads_takes_two_of_them():
    signals = np.tile(simulated(), (4, 3, 1)) * np.array([0.4, 1, 0.6])[:, np.newaxis]
    for record in range(3):
        signals[record, record] = np.nan
    signals[3, :2] = np.nan
    features = table(ECGRecords(signals, 500, lead_names=["I", "II", "III"]))
    assert_allclose(features["limb_QRS_max_mV"][:3], features["II_QRS_peak_to_peak_mV"][0])
    assert features["limb_QRS_max_mV"][3:].isna().all()


def test_names_depend_on_leads_alone(real):
    fitted = ECGFeatureExtractor().fit(real)
    dead = ECGRecords(np.full((1, 2, 100), np.nan), 1000, lead_names=real.lead_names)
    assert_array_equal(
        fitted.get_feature_names_out(), clone(fitted).fit(dead).get_feature_names_out()
    )


def test_output_as_a_frame_is_indexed_by_ids(real):
    extractor = ECGFeatureExtractor().set_output(transform="pandas")
    features = extractor.fit_transform(real[:2])
    assert isinstance(features, pd.DataFrame)
    assert (features.dtypes == np.float64).all()
    assert list(features.index) == ["100a", "100b"]
    plain = ECGFeatureExtractor(360).set_output(transform="pandas").fit_transform(real.signals[:2])
    assert list(plain.index) == [0, 1]


def test_groups_choose_columns(real):
    everything = table(
        real, groups=["rhythm", "intervals", "axes", "amplitudes", "shape", "quality"]
    )
    rhythm = table(real, groups=["rhythm"])
    assert_array_equal(rhythm, everything[list(rhythm)])
    assert len(rhythm.columns) == len(
        ECGFeatureExtractor(groups=["rhythm"]).fit(real).feature_units_
    )
    quality = set(table(real, groups=["quality"]))
    assert "MLII_noise_mV" in quality
    assert set(everything) - set(table(real)) == quality
    for groups in (["sleep"], []):
        with pytest.raises(ValueError, match="groups must be some of"):
            ECGFeatureExtractor(groups=groups).fit(real)


def test_cleaned_labels_are_not_lost_on_the_way_to_a_classifier():
    """The array of features knows nothing of them, and the next step would train on y."""
    records = ECGRecords(simulated()[np.newaxis, np.newaxis], 500)
    parts = {"labels": [[1]], "weak_labels": [[0]], "provenance": [["added"]]}
    cleaned = CleanedRecords(records.signals, 500, confidence=[[0.9]], **parts)
    with pytest.raises(TypeError, match=r"OnCleanedLabels\(classifier, features="):
        ECGFeatureExtractor().fit_transform(cleaned, [[0]])
    assert_array_equal(
        ECGFeatureExtractor().fit_transform(cleaned), ECGFeatureExtractor().fit_transform(records)
    )


MAKERS = {
    "Spanish": ["DI", "DII", "DIII", *LEADS_12[3:]],
    "numbered": ["D1", "D2", "D3", *LEADS_12[3:]],
    "German": [f"Lead {name}" for name in LEADS_12[:6]] + [f"C{number}" for number in range(1, 7)],
    "HL7": [f"MDC_ECG_LEAD_{name.upper()}" for name in LEADS_12],
    "padded": [f"{name} " for name in LEADS_12],
    "columns": [f"ecg_{name.lower()}" for name in LEADS_12],
}


@pytest.mark.parametrize("maker", MAKERS)
def test_every_makers_names_give_the_same_features(maker):
    signals = np.stack([simulated() * scale for scale in np.linspace(0.5, 2, 12)])[None]
    expected = table(ECGRecords(signals, 500, lead_names=LEADS_12))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        extractor = ECGFeatureExtractor().fit(ECGRecords(signals, 500, lead_names=MAKERS[maker]))
    assert extractor.lead_names_ == LEADS_12
    other = table(ECGRecords(signals, 500, lead_names=MAKERS[maker]))
    assert list(other) == list(expected)
    assert_array_equal(other, expected)


@pytest.mark.parametrize(
    ("names", "n_leads", "message"),
    [
        ([*"abc", *LEADS_12[3:]], 12, r"6 features.* unknown names, \['a', 'b', 'c'\]"),
        (["II", "V", "Pleth"], 3, r"such as P_axis_deg, .*\['V', 'Pleth'\]"),
        (None, 12, "because the 12 leads have no names"),
    ],
)
def test_features_lost_by_unknown_names_are_said(names, n_leads, message):
    records = ECGRecords(np.zeros((1, n_leads, 500)), 500, lead_names=names)
    with pytest.warns(UserWarning, match=message):
        ECGFeatureExtractor().fit(records)


@pytest.mark.parametrize(
    ("names", "n_leads", "groups"),
    [
        (LEADS_12, 12, ["axes"]),
        (["MLII", "V1"], 2, ["axes"]),
        (["a", "b"], 2, ["axes"]),
        (["X", "Y", "Z"], 3, ["axes"]),
        (["I", "II", "V1", "RESP"], 4, ["axes"]),
        (["a", "b", "c"], 3, ["rhythm", "intervals"]),
        (None, 3, ["axes"]),
    ],
)
def test_nothing_is_said_where_no_name_would_help(names, n_leads, groups):
    records = ECGRecords(np.zeros((1, n_leads, 500)), 500, lead_names=names)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        ECGFeatureExtractor(groups=groups).fit(records)
    assert told == []


def test_half_precision_is_measured_as_single():
    """Sums of it overflow, and are rounded to three digits."""
    records = make_ecg_records(2, sampling_rate=100, leads=("I", "II"), random_state=0)
    half = records.with_signals(records.signals.astype(np.float16))
    single = half.with_signals(half.signals.astype(np.float32))
    found = [ECGFeatureExtractor().fit_transform(given) for given in (half, single)]
    np.testing.assert_array_equal(*found)

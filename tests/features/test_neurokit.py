"""NeuroKit's methods beside ours, and our waves in NeuroKit's form."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.features import _neurokit as wrappers
from sklearn_ecg.features import delineate, detect_r_peaks, to_neurokit

nk = pytest.importorskip("neurokit2")

RATE = 250
QUICK = ["neurokit", "pantompkins1985", "hamilton2002", "zong2003", "martinez2004", "christov2004"]
QUICK += ["elgendi2010", "engzeemod2012", "khamis2016", "kalidas2017", "nabian2018"]
QUICK += ["rodrigues2021"]
BOUNDS = ["p_onset", "p_peak", "p_offset", "qrs_onset", "qrs_offset"]
BOUNDS += ["t_onset", "t_peak", "t_offset"]


@pytest.fixture(scope="module")
def record():
    """A record of 12 leads and 20 s with its beats, in samples."""
    records, beats = make_ecg_records(
        1,
        labels=("Normal",),
        sampling_rate=RATE,
        duration_s=20,
        noise=0.2,
        random_state=0,
        return_beats=True,
    )
    inside = beats[beats["qrs_onset_s"].between(0, 19.8)]
    return np.array(records.signals[0], dtype=float), inside["qrs_onset_s"].to_numpy() * RATE


@pytest.mark.parametrize("method", QUICK)
def test_every_method_finds_the_beats_of_a_clean_lead(record, method):
    signal, onsets = record
    found = detect_r_peaks(signal[1], RATE, method=method)
    assert found.dtype.kind == "i" and (np.diff(found) > 0).all()
    # Some count from the onset, some from the steepest flank, and some need seconds to settle.
    settled = onsets[(onsets > 3 * RATE) & (onsets < 19 * RATE)]
    distance = np.abs(found[:, np.newaxis] - settled - 0.04 * RATE).min(axis=0)
    assert (distance < 0.12 * RATE).mean() > 0.9


@pytest.mark.parametrize("method", ["neurokit", "pantompkins1985", "zong2003", "kalidas2017"])
def test_a_method_is_neurokits_own(record, method):
    lead = record[0][1] + 0.3  # some methods are not cleaned of an offset
    cleaned = nk.ecg_clean(lead, RATE, method=method)
    _, expected = nk.ecg_peaks(cleaned, RATE, method=method)
    assert_array_equal(detect_r_peaks(lead, RATE, method=method), expected["ECG_R_Peaks"])


def test_it_sees_the_first_lead_that_can_be_used(record):
    signal, _ = record
    expected = detect_r_peaks(signal[1], RATE, method="neurokit")
    dead = np.stack([np.zeros_like(signal[0]), np.full_like(signal[0], np.nan), *signal[1:4]])
    assert_array_equal(detect_r_peaks(dead, RATE, method="neurokit"), expected)
    assert detect_r_peaks(dead[:2], RATE, method="neurokit").shape == (0,)


@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf])
def test_no_beats_in_a_gap(record, missing):
    lead = record[0][1].copy()
    lead[1000:1800] = missing
    found = detect_r_peaks(lead, RATE, method="neurokit")
    assert len(found) > 5
    assert not ((found >= 1000) & (found < 1800)).any()


@pytest.mark.parametrize("function", [detect_r_peaks, delineate])
@pytest.mark.parametrize("method", ["Network", "pan", "", None, 3, ["dwt"], np.nan])
def test_unknown_methods_are_answered_with_the_known(function, method):
    with pytest.raises(ValueError, match="Invalid value for the 'method' parameter") as caught:
        function(np.zeros(500), 250, method=method)
    assert "Allowed values are 'network', '" in str(caught.value)
    assert str(caught.value).endswith(f"but got {method!r} instead.")
    known = wrappers.R_PEAK_METHODS if function is detect_r_peaks else wrappers.WAVE_METHODS
    assert all(f"'{name}'" in str(caught.value) for name in known)


def test_a_detector_that_breaks_down_says_what_to_do(record):
    with pytest.raises(RuntimeError, match=r"'neurokit' raised an error on lead 1 .*'network'"):
        detect_r_peaks(np.stack([np.zeros(12), np.arange(12.0)]), RATE, method="neurokit")


@pytest.mark.parametrize("method", ["peak", "prominence", "dwt", "cwt"])
def test_waves_of_every_method_stand_where_ours_do(record, method):
    signal, _ = record
    leads = signal[[1, 0]]  # in V5 "cwt" takes T waves for P waves
    ours = delineate(leads, RATE)
    ours = ours[ours["beat"] >= 0].reset_index(drop=True)  # NeuroKit knows no blocked P waves
    found = delineate(leads, RATE, method=method)
    assert list(found.columns) == list(ours.columns)
    assert_array_equal(found[["lead", "beat", "r_peak"]], ours[["lead", "beat", "r_peak"]])
    inner = found["beat"].between(1, found["beat"].max() - 1)
    for name in BOUNDS:
        if method == "peak" and name in ("p_offset", "qrs_onset", "qrs_offset", "t_onset"):
            assert found[name].isna().all()
            continue
        shift = (found[name] - ours[name])[inner].dropna()
        assert len(shift) > 0.3 * inner.sum(), name
        assert abs(shift.median()) < 0.06 * RATE, name


@pytest.mark.parametrize("kind", [list, np.array])
def test_given_r_peaks_may_lie_between_samples(record, kind):
    signal, _ = record
    whole = detect_r_peaks(signal, RATE)[1:-1]
    between = kind([float(peak) + 0.3 for peak in whole])
    for method in ("network", "dwt"):
        found = delineate(signal[:2], RATE, between, method=method)
        expected = delineate(signal[:2], RATE, whole, method=method)
        assert_array_equal(found[BOUNDS], expected[BOUNDS])
        # The beats that were left out leave their P waves behind.
        r_peaks = found.loc[(found["lead"] == 1) & (found["beat"] >= 0), "r_peak"]
        assert_allclose(r_peaks, between)


@pytest.mark.parametrize("method", ["peak", "prominence", "dwt", "cwt"])
def test_dead_leads_and_records_without_beats(record, method):
    signal, _ = record
    found = delineate(np.stack([signal[1], np.zeros_like(signal[1])]), RATE, method=method)
    assert found.loc[found["lead"] == 1, BOUNDS].isna().all(axis=None)
    assert found.loc[found["lead"] == 0, "t_peak"].notna().any()
    assert len(delineate(signal, RATE, r_peaks=[], method=method)) == 0
    assert len(delineate(np.zeros((2, 1000)), RATE, method=method)) == 0


def test_a_lead_on_which_neurokit_breaks_down_is_named(record, monkeypatch):
    signal, _ = record
    whole = nk.ecg_delineate

    def breaks_on_the_smallest(cleaned, *rest, **options):
        if np.ptp(cleaned) < 0.01:
            raise IndexError("list index out of range")
        return whole(cleaned, *rest, **options)

    monkeypatch.setattr(nk, "ecg_delineate", breaks_on_the_smallest)
    leads = np.stack([signal[1], signal[1] * 1e-3])
    with pytest.warns(
        UserWarning, match=r"'dwt' raised errors on the leads \[1\].*IndexError: list"
    ):
        found = delineate(leads, RATE, method="dwt")
    assert found.loc[found["lead"] == 1, BOUNDS].isna().all(axis=None)
    assert found.loc[found["lead"] == 1, "r_peak"].notna().all()
    assert found.loc[found["lead"] == 0, "qrs_onset"].notna().any()


def test_lists_that_lack_entries_find_their_beats():
    r_peaks = np.array([100, 300, 500])
    assert_array_equal(wrappers._by_beat("p_peak", [260, 460], r_peaks), [np.nan, 260, 460])
    assert_array_equal(wrappers._by_beat("t_peak", [170, np.nan], r_peaks), [170, np.nan, np.nan])
    assert_array_equal(wrappers._by_beat("qrs_onset", [285, 310], r_peaks), [np.nan, 310, np.nan])
    assert_array_equal(wrappers._by_beat("t_peak", [20, 350], r_peaks), [np.nan, 350, np.nan])
    assert_array_equal(wrappers._by_beat("p_peak", [600], r_peaks), [np.nan] * 3)
    assert_array_equal(wrappers._by_beat("p_peak", [], r_peaks), [np.nan] * 3)
    assert_array_equal(wrappers._by_beat("p_peak", [1, np.nan, 2], r_peaks), [1, np.nan, 2])


@pytest.mark.parametrize("rate", [250, 360, 360.0, 500, 1000])
def test_rates_may_be_whole_floats(rate):
    record = make_ecg_records(1, labels=("Normal",), sampling_rate=rate, noise=0, random_state=1)
    signal = np.array(record.signals[0][1], dtype=float)
    ours = detect_r_peaks(signal, rate)
    theirs = detect_r_peaks(signal, rate, method="neurokit")
    inner = ours[1:-1]
    distance = np.abs(theirs[:, np.newaxis] - inner).min(axis=0)
    assert_allclose(distance, 0, atol=0.02 * rate)


@pytest.fixture(scope="module")
def waves(record):
    return delineate(record[0], RATE)


class TestToNeuroKit:
    KEYS = ("ECG_P_Onsets", "ECG_P_Peaks", "ECG_P_Offsets", "ECG_R_Onsets", "ECG_R_Offsets")
    KEYS += ("ECG_T_Onsets", "ECG_T_Peaks", "ECG_T_Offsets")

    def test_entries_are_those_of_the_lead(self, waves):
        own = waves[(waves["lead"] == 6) & (waves["beat"] >= 0)].reset_index(drop=True)
        info = to_neurokit(waves, RATE, lead=6)
        assert set(info) == {*self.KEYS, "ECG_R_Peaks", "sampling_rate"}
        assert next(iter(info)) == "ECG_R_Peaks"  # which is what nk.hrv takes
        assert info["sampling_rate"] == RATE
        assert info["ECG_R_Peaks"].dtype.kind == "i"
        assert_array_equal(info["ECG_R_Peaks"], own["r_peak"])
        for key in self.KEYS:
            assert len(info[key]) == len(own)
            values = np.asarray(info[key])[~np.isnan(info[key])]
            assert_array_equal(values, values.astype(int))
        assert_allclose(info["ECG_P_Onsets"], own["p_onset"], atol=0.5)
        assert_allclose(info["ECG_R_Offsets"], own["qrs_offset"], atol=0.5)
        assert_allclose(info["ECG_T_Peaks"], own["t_peak"], atol=0.5)

    def test_absent_waves_stay_as_nan(self, waves):
        waves = waves.copy()
        waves.loc[(waves["lead"] == 0) & (waves["beat"] == 2), "p_peak"] = np.nan
        info = to_neurokit(waves, RATE)
        assert np.isnan(info["ECG_P_Peaks"][2]) and not np.isnan(info["ECG_P_Peaks"][3])

    def test_p_waves_without_a_beat_are_left_out(self, waves):
        blocked = waves.iloc[[0]].assign(beat=-1, r_peak=np.nan, p_peak=700.0)
        with_blocked = pd.concat([waves, blocked], ignore_index=True)
        assert_array_equal(
            to_neurokit(with_blocked, RATE)["ECG_P_Peaks"], to_neurokit(waves, RATE)["ECG_P_Peaks"]
        )

    def test_named_leads_and_rows_in_any_order(self, waves):
        named = waves.assign(lead=waves["lead"].map({i: f"lead {i}" for i in range(12)}))
        shuffled = named.sample(frac=1, random_state=0)
        expected = to_neurokit(waves, RATE, lead=3)
        found = to_neurokit(shuffled, RATE, lead="lead 3")
        for key in (*self.KEYS, "ECG_R_Peaks"):
            assert_array_equal(found[key], expected[key])

    def test_neurokits_functions_take_it(self, record, waves):
        info = to_neurokit(waves, RATE, lead=1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of entropies that 20 s are too short for
            whole = nk.hrv_time(info)
        rr_ms = np.diff(info["ECG_R_Peaks"]) * 1000 / RATE
        assert float(whole["HRV_MeanNN"].iloc[0]) == pytest.approx(rr_ms.mean())
        assert float(whole["HRV_SDNN"].iloc[0]) == pytest.approx(rr_ms.std(ddof=1))
        peaks = {key: value for key, value in info.items() if key != "sampling_rate"}
        n_times = record[0].shape[1]
        marks = nk.signal_formatpeaks(peaks, desired_length=n_times)
        assert_array_equal(np.flatnonzero(marks["ECG_R_Peaks"]), info["ECG_R_Peaks"])
        assert marks["ECG_T_Offsets"].sum() == np.isfinite(info["ECG_T_Offsets"]).sum()
        cleaned = nk.ecg_clean(record[0][1], RATE)
        phase = nk.ecg_phase(cleaned, info["ECG_R_Peaks"], info, RATE)
        assert len(phase) == n_times and set(phase["ECG_Phase_Atrial"].dropna()) == {0, 1}
        table = marks.assign(ECG_Rate=nk.ecg_rate(info["ECG_R_Peaks"], RATE, n_times))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rate = nk.ecg_intervalrelated(table, RATE)["ECG_Rate_Mean"]
        assert float(rate.iloc[0]) == pytest.approx(60_000 / rr_ms.mean(), abs=1)

    def test_no_beats(self):
        info = to_neurokit(delineate(np.zeros((2, 1000)), RATE), RATE)
        assert len(info["ECG_P_Peaks"]) == len(info["ECG_R_Peaks"]) == 0

    def test_bad_input_is_named(self, waves):
        with pytest.raises(TypeError, match=r"waves must be a DataFrame as delineate.*got dict"):
            to_neurokit({}, RATE)
        with pytest.raises(ValueError, match=r"waves lacks the columns \['p_onset'\]"):
            to_neurokit(waves.drop(columns="p_onset"), RATE)
        with pytest.raises(ValueError, match="waves has no lead 'II'; it has"):
            to_neurokit(waves, RATE, lead="II")

"""Sinus cycles of simulated records: mean, spread and spectrum, as published for ECGSYN."""

import numpy as np
import pytest
from scipy.signal import welch

from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.datasets._rhythm import rr_process


@pytest.mark.parametrize("n_seconds", [32, 256, 4096])
@pytest.mark.parametrize(("heart_rate", "std"), [(45, 0.8), (60, 1.0), (110, 2.5)])
def test_mean_and_spread_are_those_asked_for(n_seconds, heart_rate, std, rng):
    rr_s = rr_process(heart_rate, std, n_seconds=n_seconds, rng=rng)
    assert rr_s.shape == (n_seconds,)
    assert rr_s.mean() == pytest.approx(60 / heart_rate, rel=1e-9)
    assert rr_s.std() == pytest.approx(60 * std / heart_rate**2, rel=1e-9)
    assert (60 / rr_s).std() == pytest.approx(std, rel=0.1)


def test_spectrum_has_the_peaks_of_mayer_waves_and_breathing(rng):
    rr_s = rr_process(60, 1.0, n_seconds=2**14, rng=rng)
    frequency, power = welch(rr_s, fs=1.0, nperseg=1024)
    low, high = (frequency > 0.04) & (frequency < 0.15), (frequency > 0.15) & (frequency < 0.4)
    assert power[low].sum() / power[high].sum() == pytest.approx(0.5, rel=0.1)
    assert (power[low].sum() + power[high].sum()) / power.sum() > 0.99
    for band, centre in ((low, 0.1), (high, 0.25)):
        share = power[band] / power[band].sum()
        mean = (frequency[band] * share).sum()
        assert mean == pytest.approx(centre, abs=0.003)
        width = np.sqrt((share * (frequency[band] - mean) ** 2).sum())
        assert width == pytest.approx(0.01, abs=0.002)


def test_another_seed_is_another_rhythm():
    first, again, other = (
        rr_process(70, 1.5, n_seconds=64, rng=np.random.RandomState(seed)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_beats_of_half_an_hour_show_both_peaks():
    _, beats = make_ecg_records(
        4,
        labels=("Normal",),
        duration_s=1800,
        sampling_rate=100,
        leads=("II",),
        random_state=0,
        return_beats=True,
    )
    for _, own in beats.groupby("id"):
        onset = own["qrs_onset_s"].to_numpy()
        times = np.arange(onset[0] + 2, onset[-1] - 2, 0.25)
        rr_s = np.interp(times, onset[1:], np.diff(onset))
        frequency, power = welch(rr_s, fs=4.0, nperseg=1024)
        low, high = (frequency > 0.04) & (frequency < 0.15), (frequency > 0.15) & (frequency < 0.4)
        assert frequency[low][power[low].argmax()] == pytest.approx(0.1, abs=0.02)
        assert frequency[high][power[high].argmax()] == pytest.approx(0.25, abs=0.03)

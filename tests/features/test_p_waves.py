"""Tests of the decision whether there are P waves, in rhythms of every kind."""

import numpy as np
import pytest

from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.features import delineate

LEADS = [slice(0, 4), slice(0, 1)]


def beats_with_p(waves):
    """The share of beats of which a third of the leads shows a P wave, and their PR intervals."""
    waves = waves[waves["beat"] >= 0]
    by_beat = waves["p_peak"].notna().groupby(waves["beat"]).mean() >= 1 / 3
    return by_beat.mean(), (waves["qrs_onset"] - waves["p_onset"]).groupby(waves["beat"]).median()


@pytest.mark.parametrize("leads", LEADS)
@pytest.mark.parametrize(
    ("bpm", "pr_s", "qt_s"),
    [
        *[(bpm, 0.16, 0.40) for bpm in (40, 60, 75, 90)],
        *[(bpm, 0.14, 0.30) for bpm in (100, 110, 120, 130)],
        (150, 0.12, 0.26),
        *[(bpm, pr, 0.38) for bpm, pr in ((75, 0.24), (75, 0.30), (60, 0.36), (60, 0.40))],
    ],
)
def test_sinus_rhythm_has_p_waves_at_all_rates_and_delays(heart, leads, bpm, pr_s, qt_s):
    r_s = np.arange(0.6, 9.8, 60 / bpm)
    signal = heart(r_s, p_s=r_s - 0.45 * 0.09 - pr_s, qt_s=qt_s)[leads]
    share, pr = beats_with_p(delineate(signal, 500))
    assert share > 0.8
    np.testing.assert_allclose(pr.median() / 500, pr_s, atol=0.03)


@pytest.mark.parametrize("leads", LEADS)
@pytest.mark.parametrize("bpm", [60, 90, 130])
def test_fibrillation_has_none(heart, rng, leads, bpm):
    r_s = 0.3 + np.cumsum(60 / bpm * np.exp(rng.normal(0, 0.2, 40)))
    r_s = r_s[r_s < 9.8]
    phase = 2 * np.pi * np.cumsum(6 + np.repeat(rng.normal(0, 0.7, 20), 250)) / 500
    signal = heart(r_s, p_s=[], qt_s=0.3) + 0.04 * np.sin(phase + np.arange(4)[:, np.newaxis])
    share, _ = beats_with_p(delineate(signal[leads], 500))
    assert share < 0.15


def test_p_waves_come_and_go_with_the_rhythm(heart, rng):
    sinus = np.arange(0.6, 30, 0.8)
    fibrillating = 30 + np.cumsum(0.7 * np.exp(rng.normal(0, 0.25, 60)))
    fibrillating = fibrillating[fibrillating < 59.5]
    r_s = np.append(sinus, fibrillating)
    signal = heart(r_s, p_s=sinus - 0.2, qt_s=0.3, duration_s=60)
    waves = delineate(signal, 500)
    early = waves["r_peak"] < 27 * 500
    late = waves["r_peak"] > 33 * 500
    assert beats_with_p(waves[early])[0] > 0.95
    assert beats_with_p(waves[late])[0] < 0.1


@pytest.mark.parametrize(
    ("label", "least", "most"), [("STACH", 0.9, 1), ("1AVB", 0.9, 1), ("AFIB", 0, 0.05)]
)
def test_p_waves_of_patients_by_the_label_of_their_rhythm(shared_data, label, least, most):
    records = load_ptbxl(shared_data / "ptb-xl", task="all")
    names = list(records.label_names)
    has = {name: records.labels[:, names.index(name)] == 1 for name in (label, "PVC", "PACE")}
    chosen = records[np.flatnonzero(has[label] & ~has["PVC"] & ~has["PACE"])[:20]]
    shares = [beats_with_p(delineate(signal, 100))[0] for signal in chosen.signals]
    assert least <= np.mean(shares) <= most

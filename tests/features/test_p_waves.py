"""Tests of the rate of the atria, in blocks of every degree."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_ecg import ECGFeatureExtractor, ECGRecords


def atrial(signal):
    extractor = ECGFeatureExtractor(groups=["rhythm", "intervals"]).set_output(transform="pandas")
    return extractor.fit_transform(ECGRecords(signal[np.newaxis], 500)).iloc[0]


@pytest.mark.parametrize("bpm", [55, 75, 100])
def test_in_sinus_rhythm_each_beat_has_its_p_wave(heart, bpm):
    features = atrial(heart(np.arange(0.5, 9.7, 60 / bpm)))
    assert_allclose(features["P_rate_bpm"], bpm, rtol=0.02)
    assert_allclose(features["P_per_QRS"], 1, atol=0.02)


@pytest.mark.parametrize("bpm", [70, 80, 100])
@pytest.mark.parametrize("every", [2, 3])
def test_second_degree_block(heart, bpm, every):
    p_s = np.arange(0.2, 9.6, 60 / bpm)
    features = atrial(heart(p_s[::every] + 0.2, p_s=p_s))
    assert_allclose(features["P_rate_bpm"], bpm, rtol=0.03)
    assert_allclose(features["P_per_QRS"], every, rtol=0.03)


@pytest.mark.parametrize(("bpm", "escape_bpm"), [(85, 30), (75, 40), (100, 45)])
def test_third_degree_block_hides_some_p_waves(heart, bpm, escape_bpm):
    p_s = np.arange(0.1, 9.8, 60 / bpm)
    signal = heart(np.arange(0.7, 9.9, 60 / escape_bpm), p_s=p_s, qt_s=0.46)
    features = atrial(signal)
    assert_allclose(features["P_rate_bpm"], bpm, rtol=0.03)
    assert_allclose(features["P_per_QRS"], bpm / escape_bpm, rtol=0.05)


def test_without_p_waves_there_is_no_rate(heart, rng):
    features = atrial(heart(np.cumsum(rng.uniform(0.5, 1.0, 13)), p_s=[]))
    assert np.isnan(features[["P_rate_bpm", "P_per_QRS"]]).all()

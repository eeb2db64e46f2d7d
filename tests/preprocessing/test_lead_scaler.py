"""Tests of scaling by lead."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone

from sklearn_ecg import ECGRecords
from sklearn_ecg.preprocessing import LeadScaler


@pytest.fixture
def records(rng):
    signals = rng.normal(size=(20, 3, 500)) * np.array([0.2, 1.0, 5.0])[:, np.newaxis] + 7
    return ECGRecords(signals, 100, lead_names=["I", "II", "V2"])


def test_scale_is_the_median_deviation_or_the_root_of_the_mean_variance(records):
    deviations = records.signals.std(axis=-1)
    assert_allclose(LeadScaler().fit(records).scale_, np.median(deviations, axis=0))
    assert_allclose(
        LeadScaler(robust=False).fit(records).scale_, np.sqrt((deviations**2).mean(axis=0))
    )
    scaled = LeadScaler().fit_transform(records)
    assert_allclose(scaled.signals, records.signals / np.median(deviations, axis=0)[:, None])
    assert_allclose(np.median(scaled.signals.std(axis=-1), axis=0), 1)


def test_loose_electrodes_move_the_mean_and_not_the_median(records):
    signals = records.signals.copy()
    signals[:3, 1] *= 1000
    spoiled = records.with_signals(signals)
    usual = LeadScaler().fit(records).scale_
    assert_allclose(LeadScaler().fit(spoiled).scale_, usual, rtol=0.05)
    assert LeadScaler(robust=False).fit(spoiled).scale_[1] > 100 * usual[1]


def test_flat_and_missing_leads_have_no_part(records):
    signals = records.signals.copy()
    signals[:12, 0] = 0.0
    signals[:12, 1] = np.nan
    signals[:, 2] = 0.3
    scale = LeadScaler().fit(records.with_signals(signals)).scale_
    assert_allclose(scale[:2], LeadScaler().fit(records[12:]).scale_[:2])
    assert scale[2] == 1


def test_gaps_are_left_out_of_the_deviation(records):
    signals = records.signals.copy()
    signals[..., 100:200] = np.nan
    kept = np.delete(signals, np.arange(100, 200), axis=-1)
    assert_allclose(
        LeadScaler().fit(records.with_signals(signals)).scale_,
        np.median(kept.std(axis=-1), axis=0),
    )


def test_leads_in_another_order_find_their_scale(records):
    scaler = LeadScaler().fit(records)
    shuffled = scaler.transform(records.select_leads(["V2", "I", "II"]))
    assert shuffled.lead_names == ("I", "II", "V2")
    assert_allclose(shuffled.signals, scaler.transform(records).signals)
    lower = ECGRecords(records.signals[:, ::-1], 100, lead_names=["v2", "ii", "i"])
    assert_allclose(scaler.transform(lower).signals, scaler.transform(records).signals)
    with pytest.raises(ValueError, match="V2"):
        scaler.transform(records.select_leads(["I", "II"]))


def test_leads_without_names_must_be_as_many(records):
    scaler = LeadScaler().fit(records)
    with pytest.raises(ValueError, match="X has 2 leads, but LeadScaler was fitted with 3"):
        scaler.transform(ECGRecords(np.zeros((1, 2, 100)), 100))
    with pytest.raises(ValueError, match="3 features"):
        clone(scaler).fit(records.signals).transform(records.signals[:, :2])


def test_records_of_different_lengths(rng):
    signals = [rng.normal(size=(2, n)) for n in (300, 500, 400)]
    scaler = LeadScaler().fit(ECGRecords(signals, 100))
    assert_allclose(scaler.scale_, np.median([s.std(axis=-1) for s in signals], axis=0))
    scaled = scaler.transform(ECGRecords(signals, 100))
    assert_allclose(scaled.signals[2], signals[2] / scaler.scale_[:, np.newaxis])


def test_no_records(records):
    with pytest.raises(ValueError, match="no records"):
        LeadScaler().fit(records[:0])

"""Tests of what is said about bad signals, on a good one that is spoilt."""

import warnings

import numpy as np
import pytest
import wfdb
from numpy.testing import assert_allclose

from sklearn_ecg import ECGFeatureExtractor, ECGRecords

RATE = 500


@pytest.fixture(scope="module")
def good(shared_data):
    """A record of twelve leads of PTB-XL at 500 Hz, whose limb leads agree."""
    record = wfdb.rdrecord(str(shared_data / "ptb-xl" / "records500" / "00000" / "00001_hr"))
    names = [name.replace("AVR", "aVR").replace("AVL", "aVL") for name in record.sig_name]
    return record.p_signal.T, names


def findings(signals, names, rate=RATE):
    """The rows of the report as (id, lead, problem), and the warning."""
    records = ECGRecords(signals, rate, lead_names=names, ids=list("abcdef")[: len(signals)])
    extractor = ECGFeatureExtractor().fit(records)
    report = extractor.quality_report(records)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        features = extractor.transform(records)
    assert not np.isinf(features).any()
    found = set(zip(report["id"], report["lead"], report["problem"], strict=True))
    return found, [str(warning.message) for warning in caught]


def test_a_good_record_has_no_problem(good):
    assert findings(good[0][None], good[1]) == (set(), [])


def test_each_problem_is_found_and_no_other(good, rng):
    signal, names = good
    times = np.arange(signal.shape[1]) / RATE

    def spoilt(lead, change):
        copy = signal.copy()
        place = names.index(lead)
        copy[place] = change(copy[place])
        return copy

    def gap(values):
        return np.where(np.abs(times - 4) < 0.2, np.nan, values)

    cases = [
        (spoilt("V2", gap), ("V2", "missing samples")),
        (spoilt("V3", lambda v: np.where(times > 4, v[2000], v)), ("V3", "flat")),
        (spoilt("V4", lambda v: np.clip(v, None, 0.5 * v.max())), ("V4", "saturated")),
        (spoilt("V5", lambda v: v + rng.normal(size=len(v))), ("V5", "noisy")),
        (spoilt("V6", lambda v: v + 3 * np.sin(0.5 * times)), ("V6", "baseline wander")),
    ]
    found, warned = findings(np.stack([case for case, _ in cases]), names)
    assert found == {(name, *what) for name, (_, what) in zip("abcde", cases, strict=True)}
    assert warned == []


def test_leads_left_out_are_listed(good):
    signal, names = good
    signals = np.stack([signal, signal])
    signals[0, names.index("V1")] = 0.3
    signals[1, names.index("V6"), :2000] = np.nan
    records = ECGRecords(signals, RATE, lead_names=names, ids=["a", "b"])
    report = ECGFeatureExtractor().fit(records).quality_report(records)
    assert report["id"].tolist() == ["a", "b"]
    assert report["lead"].tolist() == ["V1", "V6"]
    assert (report["what_to_do"] == "The lead is left out.").all()
    assert_allclose(report["value"], [1.0, 0.4])


def test_mixed_up_leads_are_named(good):
    signal, names = good
    swapped = signal[[1, 0, *range(2, 12)]]
    inverted = signal * np.where(np.arange(12) == 0, -1, 1)[:, np.newaxis]
    doubled = signal.copy()
    doubled[names.index("V4")] = doubled[names.index("V3")]
    found, warned = findings(np.stack([signal, swapped, inverted, doubled]), names)
    limb = "limb leads contradict each other"
    assert found == {("b", "", limb), ("c", "", limb), ("d", "", "identical leads")}
    assert len(warned) == 1
    assert "3 records are in doubt: " + limb + " (b, c); identical leads (d)" in warned[0]


def test_records_without_beats_are_named(good):
    signal, names = good
    found, warned = findings(np.stack([signal, 0 * signal, signal * np.nan]), names)
    assert {("b", "", "no lead recorded"), ("c", "", "no lead recorded")} <= found
    assert "a" not in {name for name, _, _ in found}
    assert "no lead recorded (b, c)" in warned[0]


@pytest.mark.parametrize("rate", [250, 500, 1000])
def test_pacing_spikes(rate):
    times = np.arange(10 * rate) / rate
    beats = np.arange(0.5, 9.8, 0.8)
    waves = sum(np.exp(-(((times - b) / 0.03) ** 2)) for b in beats)
    signal = np.stack([waves, 0.5 * waves])
    paced = signal.copy()
    at = np.round((beats - 0.1) * rate).astype(int)
    paced[:, at] += 0.6
    extractor = ECGFeatureExtractor(groups=["quality"]).set_output(transform="pandas")
    features = extractor.fit_transform(ECGRecords(np.stack([signal, paced]), rate))
    assert_allclose(features["pacing_spikes_per_beat"], [0, 1])


def test_noise_is_measured_in_millivolts(rng):
    """White noise of 0.1 mV at 250 Hz, of which 40 of 125 Hz remain."""
    times = np.arange(7500) / 250
    waves = sum(2 * np.exp(-(((times - b) / 0.03) ** 2)) for b in np.arange(0.5, 29.8, 0.8))
    signal = waves + rng.normal(scale=0.1, size=len(times))
    extractor = ECGFeatureExtractor(groups=["quality"]).set_output(transform="pandas")
    features = extractor.fit_transform(ECGRecords(signal[None, None], 250))
    assert_allclose(features["lead0_noise_mV"], 0.1 * np.sqrt(39.5 / 125), rtol=0.15)

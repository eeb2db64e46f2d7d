"""Tests of what is said about bad signals, on a good one that is spoilt."""

import warnings

import numpy as np
import pytest
import wfdb
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ecg import ECGFeatureExtractor, ECGRecords
from sklearn_ecg.features import detect_r_peaks
from sklearn_ecg.preprocessing import PowerlineFilter
from sklearn_ecg.utils import canonical_lead

RATE = 500


@pytest.fixture(scope="module")
def good(shared_data):
    """A record of twelve leads of PTB-XL at 500 Hz, whose limb leads agree."""
    record = wfdb.rdrecord(str(shared_data / "ptb-xl" / "records500" / "00000" / "00001_hr"))
    return record.p_signal.T, [canonical_lead(name) for name in record.sig_name]


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


def features_of(signals, names, rate=RATE):
    extractor = ECGFeatureExtractor().set_output(transform="pandas")
    return extractor.fit_transform(ECGRecords(signals, rate, lead_names=names))


@pytest.mark.parametrize("every", [50, 100, RATE])
def test_single_missing_samples_cost_nothing(good, every):
    signal, names = good
    scattered = signal.copy()
    scattered[names.index("V1"), ::every] = np.nan
    features = features_of(np.stack([signal, scattered]), names)
    assert_array_equal(features.loc[1].isna(), features.loc[0].isna())
    others = [name for name in features if not name.startswith("V1_")]
    near = np.isclose(features.loc[1, others], features.loc[0, others], rtol=0.05, atol=0.01)
    assert near.mean() > 0.98


def test_gaps_of_one_lead_cost_the_others_nothing(good):
    """A gap of a tenth of a second in every second: V1 itself keeps the beats between them."""
    signal, names = good
    times = np.arange(signal.shape[1])
    gaps = signal.copy()
    gaps[names.index("V1"), times % RATE < 50] = np.nan
    features = features_of(np.stack([signal, gaps]), names)
    others = [name for name in features if not name.startswith("V1_")]
    assert_array_equal(features.loc[1, others].isna(), features.loc[0, others].isna())
    r = [f"{name}_R_amplitude_mV" for name in names if name != "V1"]
    assert_allclose(features.loc[1, r], features.loc[0, r], atol=0.01)


def test_each_lead_with_a_gap_elsewhere_keeps_the_record(good):
    """Together the gaps touch every beat; each lead is measured on the beats that it shows."""
    signal, names = good
    gaps = signal.copy()
    for lead in range(12):
        gaps[lead, 400 * lead : 400 * lead + 300] = np.nan
    features = features_of(np.stack([signal, gaps]), names)
    assert features.loc[1, "n_beats"] == features.loc[0, "n_beats"]
    # The most deviant beat is not measured in the one or two leads that do not show it.
    assert features.loc[1].isna().sum() <= features.loc[0].isna().sum() + 2 * 15
    r = [f"{name}_R_amplitude_mV" for name in names]
    assert_allclose(features.loc[1, r], features.loc[0, r], atol=0.06)


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
    paced[:, at] += 0.35
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


@pytest.mark.parametrize("factor", [1e3, 1e-3])
def test_signals_in_other_units_are_named(good, factor):
    signal, names = good
    found, warned = findings(np.stack([signal, factor * signal]), names)
    assert {row for row in found if not row[1]} == {("b", "", "QRS of unlikely size")}
    assert "1 record is in doubt: QRS of unlikely size, is it in mV? (b)" in warned[0]


def test_records_without_a_whole_beat_are_named(good):
    """Gaps of all leads around every beat: the rhythm is there, and nothing else."""
    signal, names = good
    gaps = signal.copy()
    for peak in detect_r_peaks(signal, RATE):
        gaps[:, peak + 60 : peak + 90] = np.nan
    found, warned = findings(gaps[None], names)
    assert ("a", "", "no beat whole") in found
    assert "no beat whole (a)" in warned[0]


def test_padding_counts_as_flat_and_changes_no_beat(good):
    """Zeros behind the record, as fixed lengths bring them."""
    signal, names = good
    padded = np.concatenate([signal, np.zeros((12, 1000))], axis=1)
    records = ECGRecords([signal, padded], RATE, lead_names=names, ids=["a", "b"])
    extractor = ECGFeatureExtractor().set_output(transform="pandas").fit(records)
    features = extractor.transform(records)
    assert features.loc["b", "n_beats"] == features.loc["a", "n_beats"]
    r = [f"{name}_R_amplitude_mV" for name in names]
    assert_allclose(features.loc["b", r], features.loc["a", r], atol=0.03)
    report = extractor.quality_report(records)
    assert set(zip(report["id"], report["problem"], strict=True)) == {("b", "flat")}


def hum_of(signals, rate):
    extractor = ECGFeatureExtractor(groups=["quality"]).set_output(transform="pandas")
    records = ECGRecords(signals, rate)
    features = extractor.fit_transform(records)
    report = extractor.quality_report(records)
    return features, report[report["problem"] == "mains hum"]


def beats_at(rate, duration_s=10.0):
    times = np.arange(int(duration_s * rate)) / rate
    return times, sum(
        np.exp(-(((times - b) / 0.012) ** 2)) for b in np.arange(0.5, duration_s, 0.8)
    )


@pytest.mark.parametrize("rate", [150, 200, 250, 257, 360, 500, 1000])
@pytest.mark.parametrize("mains", [50, 60])
@pytest.mark.parametrize("off", [-0.1, 0.0])
def test_mains_hum_is_measured_and_named(rate, mains, off):
    """The first lead is clean, and the mains wander by a tenth of a Hz."""
    times, beats = beats_at(rate)
    amplitudes = np.array([0, 0.02, 0.1, 0.5])
    hum = np.sin(2 * np.pi * (mains + off) * times + 1)
    features, report = hum_of((beats + amplitudes[:, np.newaxis] * hum)[None], rate)
    assert features.loc[0, "mains_frequency_Hz"] == mains
    found = features.loc[0, [f"lead{i}_mains_hum_mV" for i in range(4)]].astype(float)
    assert_allclose(found, amplitudes, atol=0.006, rtol=0.04)
    assert report["lead"].tolist() == ["lead2", "lead3"]
    assert report["what_to_do"].str.contains(f"PowerlineFilter.{mains}.", regex=True).all()


@pytest.mark.parametrize("rate", [50, 100, 108])
def test_hum_cannot_be_seen_at_low_rates(rate):
    _, beats = beats_at(rate)
    features, report = hum_of(beats[None, None], rate)
    assert features[["mains_frequency_Hz", "lead0_mains_hum_mV"]].isna().all(axis=None)
    assert report.empty


@pytest.mark.parametrize("duration_s", [0.5, 1.0, 1.9])
def test_hum_of_short_records(duration_s):
    times = np.arange(int(duration_s * 500)) / 500
    features, _ = hum_of(0.2 * np.sin(2 * np.pi * 50 * times)[None, None], 500)
    expected = np.nan if duration_s < 1 else 0.2
    assert_allclose(features.loc[0, "lead0_mains_hum_mV"], expected, rtol=0.05)


def test_a_filter_takes_the_hum_away():
    times, beats = beats_at(500)
    humming = ECGRecords((beats + 0.3 * np.sin(2 * np.pi * 50 * times))[None, None], 500)
    _, report = hum_of(PowerlineFilter(50).fit_transform(humming).signals, 500)
    assert report.empty

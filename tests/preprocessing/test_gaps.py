"""Gaps cost a filter what was not recorded, and nothing else; and they can be filled."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ecg import ECGFeatureExtractor, ECGRecords
from sklearn_ecg.preprocessing import (
    BandpassFilter,
    BaselineFilter,
    FixedLength,
    GapFiller,
    LeadScaler,
    PowerlineFilter,
    Resampler,
)
from sklearn_ecg.preprocessing._gaps import recorded_or_short

DURATION_S = 6
FILTERS = [
    BandpassFilter(),
    BandpassFilter(low=None),
    BandpassFilter(high=None),
    BaselineFilter(),
    PowerlineFilter(50),
    PowerlineFilter(60, n_harmonics=1),
    Resampler(125),
    Resampler(100),
    Resampler(360),
    Resampler(1000),
]


def signals_at(rate):
    """Two records of two slow leads, whose lines across a gap of 20 ms miss little."""
    times = np.arange(DURATION_S * rate) / rate
    lead = 0.3 * np.sin(2 * np.pi * 1.1 * times) + 0.1 * np.sin(2 * np.pi * 2.3 * times)
    return np.stack([[lead, -lead], [0.5 * lead, 2 * lead]])


@pytest.mark.parametrize("transformer", FILTERS, ids=repr)
@pytest.mark.parametrize("rate", [257, 500])
@pytest.mark.parametrize("gap_ms", [1, 10, 20, 2000])
@pytest.mark.parametrize("place", ["start", "middle", "end"])
def test_only_what_was_not_recorded_is_missing(transformer, rate, gap_ms, place):
    signals = signals_at(rate)
    n_gap = max(1, gap_ms * rate // 1000)
    start = {"start": 0, "middle": 3 * rate + 7, "end": DURATION_S * rate - n_gap}[place]
    gaps = signals.copy()
    gaps[1, 0, start : start + n_gap] = np.nan
    expected = transformer.fit_transform(ECGRecords(signals, rate))
    found = transformer.fit_transform(ECGRecords(gaps, rate))
    new_rate = found.sampling_rate
    assert_array_equal(found.signals[0], expected.signals[0])
    assert_array_equal(found.signals[1, 1], expected.signals[1, 1])
    times = np.arange(found.n_times) / new_rate
    missing = np.isnan(found.signals[1, 0])
    is_gap = times >= (start - 0.5) / rate
    if place != "end":
        is_gap &= times <= (start + n_gap - 0.5) / rate
    assert not missing[~is_gap].any()
    if gap_ms <= 10:
        assert not missing.any()
        assert_allclose(found.signals[1, 0], expected.signals[1, 0], atol=0.02)
    else:
        assert abs(missing.sum() / new_rate - n_gap / rate) < 2 / min(rate, new_rate)
    far = np.abs(times - (start + n_gap / 2) / rate) > n_gap / rate / 2 + 2.5
    assert_allclose(found.signals[1, 0, far], expected.signals[1, 0, far], atol=0.05)


@pytest.mark.parametrize("transformer", FILTERS, ids=repr)
def test_a_lead_that_was_not_recorded_stays_missing(transformer):
    signals = signals_at(500)
    signals[0, 1] = np.nan
    found = transformer.fit_transform(ECGRecords(signals, 500)).signals
    assert np.isnan(found[0, 1]).all()
    assert np.isfinite(found[0, 0]).all() and np.isfinite(found[1]).all()


@pytest.mark.parametrize("transformer", FILTERS, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_form_of_signals_is_treated_alike(transformer, dtype):
    signals = signals_at(500).astype(dtype)
    signals[0, 0, 1000:1100] = np.nan
    signals[1, 1, 2000] = np.nan
    whole = transformer.fit_transform(ECGRecords(signals, 500)).signals
    parts = transformer.fit_transform(ECGRecords([signals[0], signals[1, :, :2900]], 500)).signals
    assert whole.dtype == parts[0].dtype == dtype
    assert_allclose(parts[0], whole[0], atol=1e-5)
    assert not np.isnan(parts[1]).any()


@pytest.mark.parametrize("rate", [50, 100, 200, 250, 360, 500, 1000])
@pytest.mark.parametrize("place", ["start", "middle", "end"])
def test_ten_milliseconds_or_one_sample_are_short(rate, place):
    longest, n_times = max(1, rate // 100), 200
    for n_gap in range(1, 2 * longest + 3):
        start = {"start": 0, "middle": 77, "end": n_times - n_gap}[place]
        finite = np.ones((2, 3, n_times), dtype=bool)
        finite[1, 2, start : start + n_gap] = False
        expected = np.ones_like(finite) if n_gap <= longest else finite
        assert_array_equal(recorded_or_short(finite, rate), expected)


@pytest.mark.parametrize("every", [2, 3, 50])
def test_scattered_samples_cost_nothing(every):
    signals = signals_at(500)
    gaps = signals.copy()
    gaps[..., 1::every] = np.nan
    found = BandpassFilter().fit_transform(ECGRecords(gaps, 500)).signals
    assert_allclose(
        found, BandpassFilter().fit_transform(ECGRecords(signals, 500)).signals, atol=0.02
    )


def test_filters_change_no_input():
    signals = signals_at(500)
    signals[0, 0, 5] = np.inf
    before = signals.copy()
    for transformer in (*FILTERS, GapFiller()):
        transformer.fit_transform(ECGRecords(signals, 500))
    assert_array_equal(signals, before)


@pytest.mark.parametrize("mark", [np.nan, np.inf, -np.inf])
def test_gaps_are_filled_by_lines(mark):
    signals = np.arange(24.0).reshape(1, 2, 12)
    gaps = signals.copy()
    gaps[0, 0, [0, 1, 5, 6, 7]] = mark
    gaps[0, 1, 9:] = mark
    filled = GapFiller().fit_transform(ECGRecords(gaps, 100, lead_names=["I", "II"]))
    assert filled.lead_names == ("I", "II")
    expected = signals.copy()
    expected[0, 0, :2] = 2
    expected[0, 1, 9:] = 20
    assert_allclose(filled.signals, expected)


@pytest.mark.parametrize(("parameters", "value"), [({}, 0.0), ({"missing_lead": np.nan}, np.nan)])
def test_leads_that_are_missing(parameters, value, rng):
    signals = rng.normal(size=(3, 2, 50))
    signals[1, 1] = np.nan
    signals[2] = np.inf
    filled = GapFiller(**parameters).fit_transform(signals)
    assert_array_equal(filled[0], signals[0])
    assert_array_equal(filled[1, 0], signals[1, 0])
    assert_array_equal(filled[1, 1], np.full(50, value))
    assert_array_equal(filled[2], np.full((2, 50), value))


def test_what_is_whole_stays_what_it_is(rng):
    signals = rng.normal(size=(3, 2, 50)).astype(np.float32)
    filled = GapFiller().fit_transform(ECGRecords(signals, 100)).signals
    assert filled.dtype == np.float32
    assert_array_equal(filled, signals)


@pytest.mark.parametrize("transformer", [FixedLength(40), LeadScaler()], ids=repr)
def test_others_keep_gaps_as_they_are(transformer, rng):
    signals = rng.normal(size=(2, 2, 50))
    signals[0, 1, 20:25] = np.nan
    found = transformer.fit_transform(ECGRecords(signals, 100)).signals
    assert np.isnan(found).sum() == np.isnan(found[0, 1]).sum() == 5


@pytest.mark.parametrize("transformer", [BandpassFilter(high=None), PowerlineFilter(50)], ids=repr)
def test_features_behind_a_filter_know_the_gaps(transformer, heart):
    signals = np.stack([heart(np.arange(0.4, 9.8, 0.8))[:2]] * 2)
    signals[0, 1, 2000:2300] = np.nan
    signals[0, 0, 100] = np.nan
    records = ECGRecords(signals, 500, lead_names=["I", "II"])
    extractor = ECGFeatureExtractor().set_output(transform="pandas").fit(records)
    found = extractor.transform(transformer.fit_transform(records))
    assert_allclose(found.loc[0, "n_beats"], found.loc[1, "n_beats"])
    r = ["I_R_amplitude_mV", "II_R_amplitude_mV"]
    assert_allclose(found.loc[0, r], found.loc[1, r], atol=0.02)

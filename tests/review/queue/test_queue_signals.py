"""Signals of records as bytes, and back."""

import numpy as np
import pytest

from sklearn_ecg.review.queue._signals import as_millivolt, pack_signals, unpack_signals


def there_and_back(signals):
    content, step_mv = pack_signals(signals)
    counts = unpack_signals(content, signals.shape[1])
    assert len(counts) == 2 * signals.size
    return as_millivolt(counts, *signals.shape, step_mv), step_mv


@pytest.mark.parametrize("shape", [(1, 1), (2, 5000), (12, 500)])
def test_a_microvolt_and_gaps_are_kept(shape, rng):
    signals = np.round(rng.normal(0, 1, shape), 3)
    signals[rng.random(shape) < 0.1] = np.nan
    back, step_mv = there_and_back(signals)
    assert step_mv == 0.001
    np.testing.assert_allclose(back, signals, atol=1e-12)


def test_counts_are_little_endian_lead_after_lead():
    content, _ = pack_signals(np.array([[0.5, np.nan], [-32.767, 32.767]]))
    assert unpack_signals(content, 2) == np.array([500, -32768, -32767, 32767], "<i2").tobytes()


@pytest.mark.parametrize("highest", [33, 400, 1e6])
def test_a_value_that_does_not_fit_makes_the_step_coarser(highest, rng):
    signals = rng.normal(0, 1, (2, 100))
    signals[0, 50] = -highest
    back, step_mv = there_and_back(signals)
    assert step_mv == pytest.approx(highest / 32767)
    np.testing.assert_allclose(back, signals, atol=0.51 * step_mv)
    assert not np.isnan(back).any()


def test_what_is_no_number_is_a_gap():
    back, _ = there_and_back(np.array([[np.inf, -np.inf, np.nan, 1.0]]))
    np.testing.assert_array_equal(back, [[np.nan, np.nan, np.nan, 1.0]])


def test_packed_signals_are_small(rng):
    times = np.arange(5000) / 500
    signals = np.round(np.sin(2 * np.pi * times)[np.newaxis] * np.ones((12, 1)), 3)
    assert len(pack_signals(signals)[0]) < 0.2 * 2 * signals.size

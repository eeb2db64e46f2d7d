"""Which beats have a P wave: cases counted by hand, and synthetic records whose waves are known."""

import numpy as np
import pytest

from benchmarks import _synthetic
from benchmarks._p_scores import found_in_leads, share_with_p
from benchmarks.p_waves import score_synthetic

R_PEAKS = np.array([500, 1000, 1500])


@pytest.mark.parametrize(
    ("n_leads", "n_showing", "share"),
    [(1, 1, 1), (1, 0, 0), (2, 1, 1), (3, 1, 1), (12, 4, 1), (12, 3, 0), (12, 0, 0)],
)
def test_a_third_of_the_leads_make_a_p_wave(n_leads, n_showing, share):
    p_peaks = [R_PEAKS - 80] * n_showing + [np.empty(0)] * (n_leads - n_showing)
    assert share_with_p(R_PEAKS, p_peaks, 500) == share


def test_a_p_wave_belongs_to_the_next_beat_within_half_a_second():
    # 510 ms before the first beat, 490 ms before the second, after the last.
    p_peaks = np.array([500 - 255, 1000 - 245, 1600])
    assert share_with_p(R_PEAKS, [p_peaks], 500) == pytest.approx(1 / 3)
    # In a fast heart the one before is nearer.
    assert share_with_p(np.array([500, 600]), [np.array([450])], 500) == 0.5


def test_without_beats_there_are_no_p_waves_before_them():
    assert share_with_p(np.empty(0), [np.array([100])], 500) == 0


def test_true_p_waves_are_found_by_a_third_of_the_leads():
    p_peaks = [np.array([100, 210]), np.array([104]), np.empty(0)]
    assert found_in_leads([100, 200, 300], p_peaks, 5).tolist() == [True, False, False]
    assert found_in_leads([], p_peaks, 5).tolist() == []


def rhythms(rng):
    yield _synthetic.sinus(80, 160)
    yield _synthetic.sinus(200, 120)
    for n_conducted in (1, 2, 3):
        yield _synthetic.second_degree(75, n_conducted, rng)
    yield _synthetic.third_degree(80, 37, rng)
    yield _synthetic.junctional(60)
    yield _synthetic.fibrillation(110, rng)


def test_synthetic_records_show_their_waves_where_they_say():
    rng = np.random.default_rng(0)
    for rhythm in rhythms(rng):
        signal = _synthetic.draw(rhythm, rng)
        assert signal.shape == (12, 2500) and np.isfinite(signal).all()
        np.testing.assert_allclose(signal[0] + signal[2], signal[1], atol=0.5)  # noise, wander
        size = np.ptp(signal, axis=0)
        for r_peak in rhythm.r_peaks[1:-1]:
            at = round(250 * r_peak)
            assert size[at - 15 : at + 30].max() > 2 * np.median(size)


def test_blocks_drop_the_beats_they_are_named_after():
    rng = np.random.default_rng(1)
    for n_conducted in (1, 2, 3):
        rhythm = _synthetic.second_degree(80, n_conducted, rng)
        assert (~rhythm.conducted)[n_conducted :: n_conducted + 1].all()
        assert len(rhythm.r_peaks) == rhythm.conducted.sum()
        pr = rhythm.r_peaks - rhythm.p_peaks[rhythm.conducted]
        assert (np.diff(pr[:n_conducted]) > 0).all()
    third = _synthetic.third_degree(95, 37, rng)
    assert len(third.p_peaks) > 2 * len(third.r_peaks) and not third.conducted.any()
    irregular = np.diff(_synthetic.fibrillation(90, rng).r_peaks)
    assert irregular.std() > 0.1 * irregular.mean()


@pytest.mark.parametrize("pr", [100, 200, 400])
def test_pr_is_from_the_onset_of_p_to_that_of_qrs(pr):
    rhythm = _synthetic.sinus(60, pr)
    distance = rhythm.r_peaks - rhythm.p_peaks
    np.testing.assert_allclose(distance, pr / 1000 + 0.04 - 0.045)


def test_what_is_found_of_synthetic_records_is_counted():
    rng = np.random.default_rng(2)
    for rhythm in rhythms(rng):
        r_peaks, p_peaks = 250 * rhythm.r_peaks, 250 * rhythm.p_peaks
        perfect = score_synthetic(rhythm, r_peaks, [p_peaks] * 12)
        assert perfect["beats"] == perfect["beats_found"] > 0 == perfect["beats_false"]
        assert perfect["p"] == perfect["p_found"] and perfect["blocked"] == perfect["blocked_found"]
        none = score_synthetic(rhythm, np.empty(0), [np.empty(0)] * 12)
        assert none["beats_found"] == none["p_found"] == none["blocked_found"] == 0
        assert none["p"] == perfect["p"] and none["share"] == 0
        late = score_synthetic(rhythm, r_peaks + 15, [p_peaks + 15] * 12)  # 60 ms
        assert late["beats_found"] == late["p_found"] == late["blocked_found"] == 0
        assert late["beats_false"] > 0
    # The beats without P waves have none, whatever is said of others.
    assert score_synthetic(_synthetic.junctional(60), r_peaks, [np.empty(0)])["p"] == 0


def test_p_waves_inside_qrs_complexes_are_not_asked_for():
    rhythm = _synthetic.third_degree(90, 37, np.random.default_rng(3))
    hidden = np.abs(rhythm.p_peaks[:, None] - rhythm.r_peaks).min(axis=1) < 0.05
    inside = (rhythm.p_peaks > 0.6) & (rhythm.p_peaks < 9.4)
    asked = score_synthetic(rhythm, np.empty(0), [np.empty(0)])["blocked"]
    assert 0 < asked <= (inside & ~hidden).sum() and hidden.any()

"""Tests of records that are put together from waves, against what was drawn for them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage

from benchmarks.wave_network import _composed, _pieces, _rhythms
from benchmarks.wave_network._composed import compose_records
from benchmarks.wave_network._examples import Example, bumps
from benchmarks.wave_network._pieces import cut_pieces, draw_complex, draw_leads, draw_p_wave

P, QRS, T = 1, 2, 3
RATE = 250
SEEDS = range(30)


@pytest.fixture
def quiet(monkeypatch):
    """Records without noise, and the rhythms that are drawn for them."""
    rhythms, draw = [], _composed.draw_rhythm

    def draw_and_keep(rng, seconds):
        rhythm = draw(rng, seconds)
        rhythm.between, rhythm.a_spikes, rhythm.v_spikes = "", False, False
        rhythms.append(rhythm)
        return rhythm

    monkeypatch.setattr(_composed, "draw_rhythm", draw_and_keep)
    monkeypatch.setattr(_composed, "_disturb", lambda rng, canvas: 0 * canvas.p_size)
    return rhythms


def test_a_composed_record_has_the_beats_of_its_rhythm(quiet):
    for record in compose_records([], 0, 40, seed=1):
        drawn = quiet.pop(0).beat_times
        beats = np.flatnonzero(record.beats > 0.99) / RATE
        # R lies within 0.2 s of the onset that was drawn, in the record or beyond an end of it.
        surely = drawn[(drawn > 0) & (drawn < 9.75)]
        assert len(surely) <= len(beats) <= np.count_nonzero((drawn > -0.25) & (drawn < 10))
        for onset in surely:
            assert ((beats >= onset - 0.01) & (beats < onset + 0.25)).any()


def test_waves_lie_where_the_signal_has_them(quiet):
    for record in compose_records([], 0, 40, seed=2):
        assert record.signal.shape == record.waves.shape == (12, 2500)
        assert np.isfinite(record.signal).all()
        slope = np.abs(np.gradient(record.signal.astype(float), axis=1))
        # The filter reaches a little beyond the waves.
        nothing = ~ndimage.binary_dilation(record.waves != 0, np.ones((1, 15)))
        for lead in range(12):
            is_qrs = record.waves[lead] == QRS
            if is_qrs.any() and nothing[lead].any():
                steepest = np.quantile(slope[lead, is_qrs], 0.9)
                assert steepest > 5 * np.median(slope[lead, nothing[lead]])
        at_beats = record.waves[:, record.beats > 0.99]
        assert (at_beats != 0).all() and (at_beats == QRS).any() == (at_beats.size > 0)


def test_standstill_has_no_beats_and_fibrillation_no_p_waves(quiet):
    named = {}
    for record in compose_records([], 0, 80, seed=3):
        named.setdefault(record.id.split(" as ")[1], []).append(record)
    assert set(named) > {"sinus", "third degree", "standstill", "fibrillation", "flutter"}
    for record in named["standstill"]:
        assert record.beats.max() == 0 and not np.isin(record.waves, (QRS, T)).any()
    for name in ("fibrillation", "flutter", "no P waves"):
        assert not any((record.waves == P).any() for record in named[name])


def test_a_p_wave_in_a_qrs_complex_is_not_marked(rng):
    leads = draw_leads(rng)
    canvas = _composed._Canvas(12)
    canvas.add_complex(draw_complex(rng, leads, wide=True), 5.0)
    without = canvas.waves.copy()
    canvas.add_p_wave(draw_p_wave(rng, leads), 5.04, 1.0)
    assert_array_equal(canvas.waves == QRS, without == QRS)
    canvas.add_p_wave(draw_p_wave(rng, leads), 3.0, 1.0)
    assert (canvas.waves[:, 750:800] == P).any()


@pytest.mark.parametrize("time", [-0.6, -0.05, 9.98, 10.5])
def test_waves_may_begin_or_end_outside_of_the_record(rng, time):
    leads, canvas = draw_leads(rng), _composed._Canvas(12)
    canvas.add_complex(draw_complex(rng, leads), time)
    canvas.add_p_wave(draw_p_wave(rng, leads), time, 1.0)
    canvas.add_spike(rng, time)
    inside = np.flatnonzero((canvas.waves != 0).any(axis=0))
    assert (np.minimum(inside, 2499 - inside) < 250).all()


def test_noise_that_hides_p_waves_takes_their_marks(quiet, monkeypatch):
    monkeypatch.setattr(_composed, "_disturb", lambda rng, canvas: 10 + canvas.p_size)
    records = compose_records([], 0, 10, seed=0)
    assert not any((record.waves == P).any() for record in records)
    assert any((record.waves == QRS).any() for record in records)


def test_what_is_composed_of_a_record_is_its_patients(rng):
    example = with_waves(rng, n_leads=2)
    composed = compose_records([example], 3, 2, seed=0)
    assert [record.patient for record in composed] == [*["qtdb 1"] * 3, "drawn 0", "drawn 1"]
    assert [len(record.signal) for record in composed] == [2, 2, 2, 12, 12]
    again = compose_records([example], 3, 2, seed=0)
    for one, other in zip(composed, again, strict=True):
        assert_array_equal(one.signal, other.signal)


# Pieces


def with_waves(rng, n_leads=12):
    """A marked record of ten beats, on a slope: its waves are bumps of known bounds and sizes."""
    n_times, times = 2500, np.arange(2500)
    signal = np.linspace(0, 0.5, n_times) * np.ones((n_leads, 1))
    waves, peaks = np.zeros(signal.shape, np.int8), np.zeros((2, *signal.shape), np.float32)
    r_peaks = 200 + 220 * np.arange(10)
    for kind, onset, offset, size in ((P, -45, -20, 0.2), (QRS, -10, 12, 1.0), (T, 40, 90, 0.4)):
        for r_peak in r_peaks:
            phase = np.clip((times - r_peak - onset) / (offset - onset), 0, 1)
            signal = signal + size * (0.5 - 0.5 * np.cos(2 * np.pi * phase))
            waves[:, r_peak + onset : r_peak + offset + 1] = kind
            if kind != QRS:
                bump = bumps([r_peak + (onset + offset) // 2], n_times)
                np.maximum(peaks[kind // 2], bump, out=peaks[kind // 2])
    return Example("qtdb", "1", "qtdb 1", signal, bumps(r_peaks, n_times), waves, peaks)


@pytest.mark.parametrize("n_leads", [2, 12])
def test_pieces_are_cut_out_with_their_marks_and_without_what_lies_below(rng, n_leads):
    p_waves, complexes = cut_pieces(with_waves(rng, n_leads))
    assert len(p_waves) == len(complexes) == 10
    for piece in p_waves:
        assert_array_equal(np.flatnonzero(piece.waves[0] == P) - piece.start, np.arange(26))
        assert set(np.unique(piece.waves)) <= {0, P}
        assert_allclose(piece.signal[:, [0, -1]], 0, atol=0.01)
        assert_allclose(piece.signal.max(axis=1), 0.2, atol=0.02)
        assert_allclose(piece.peak - piece.start, 12, atol=1)
    for piece in complexes:
        assert_array_equal(np.flatnonzero(piece.waves[0] == QRS) - piece.start, np.arange(23))
        assert_array_equal(np.flatnonzero(piece.waves[0] == T) - piece.start, np.arange(50, 101))
        assert piece.r_peak - piece.start == pytest.approx(10, abs=1)
        assert np.abs(piece.signal[0]).argmax() == pytest.approx(piece.r_peak, abs=2)


@pytest.mark.parametrize("seed", SEEDS)
def test_drawn_p_waves_stand_between_their_bounds(seed):
    rng = np.random.default_rng(seed)
    piece = draw_p_wave(rng, draw_leads(rng))
    inside = np.flatnonzero(np.abs(piece.signal).max(axis=0) > 1e-9)
    assert piece.start <= inside[0] and 0.05 < np.ptp(inside) / RATE < 0.17
    assert not piece.signal[piece.waves == 0].any()
    assert set(np.unique(piece.waves)) <= {-1, 0, P}
    shows = (piece.waves == P).any(axis=1)
    assert_array_equal(shows, np.ptp(piece.signal, axis=1) > _pieces._VISIBLE)
    assert piece.peak is None and piece.waves[:, piece.start].tolist() == [-1] * 12


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("wide", [False, True])
def test_drawn_complexes_stand_between_their_bounds(seed, wide):
    rng = np.random.default_rng(seed)
    piece = draw_complex(rng, draw_leads(rng), wide)
    for lead in piece.waves:
        qrs, t_wave = (np.flatnonzero(lead == kind) for kind in (QRS, T))
        if len(qrs) and len(t_wave):
            assert qrs[-1] < t_wave[0]
        assert not len(qrs) or (piece.start <= qrs[0] and qrs[-1] <= piece.bend)
    assert piece.start <= piece.r_peak <= piece.bend
    low, high = (0.12, 0.2) if wide else (0.06, 0.12)
    assert low - 0.004 <= (piece.bend - piece.start) / RATE <= high
    assert not piece.signal[:, : piece.start].any()


@pytest.mark.parametrize("factor", [0.45, 1.0, 1.5])
def test_a_stretched_piece_keeps_its_qrs_complex(rng, factor):
    piece = cut_pieces(with_waves(rng))[1][0]
    longer = piece.stretched(factor)
    before = slice(0, piece.bend)
    assert_allclose(longer.signal[:, before], piece.signal[:, before])
    assert_array_equal(longer.waves[:, before], piece.waves[:, before])
    n_after = longer.signal.shape[1] - piece.bend
    assert n_after == pytest.approx(factor * (piece.signal.shape[1] - piece.bend), abs=1)
    top = longer.signal[0, piece.bend :].argmax() + piece.bend
    assert longer.peak[0] == pytest.approx(top, abs=3)
    assert longer.waves[0, top] == T


# Rhythms


@pytest.mark.parametrize("kind", _rhythms._KINDS, ids=lambda kind: kind.__name__)
def test_rhythms_fill_the_record_in_the_order_of_time(kind):
    for seed in SEEDS:
        rhythm = kind(np.random.default_rng(seed), 10)
        for times, kinds in (
            (rhythm.p_times, rhythm.p_kind),
            (rhythm.beat_times, rhythm.beat_kind),
        ):
            assert len(times) == len(kinds) and (np.diff(times) > 0.1).all()
            assert set(kinds) <= {0, 1}
            if len(times):
                assert times[0] < 4 and times[-1] > 6
        assert len(rhythm.p_times) or len(rhythm.beat_times) or kind is _rhythms.standstill


@pytest.mark.parametrize("rate", [40, 70, 100])
def test_sinus_p_waves_come_before_their_beats(rate):
    for seed in SEEDS:
        rhythm = _rhythms.sinus(np.random.default_rng(seed), 10, rate=rate)
        p, beats = rhythm.p_times, rhythm.beat_times
        before = p[np.searchsorted(p, beats[rhythm.beat_kind == 0]) - 1]
        pr = beats[rhythm.beat_kind == 0] - before
        assert (pr > 0.06).all() and (pr < 0.5).all()
        # No other beat lies between the two, and the one before is over.
        place = np.searchsorted(beats, before)
        assert_array_equal(beats[place], beats[rhythm.beat_kind == 0])
        earlier = place > 0
        assert (before[earlier] - beats[place[earlier] - 1] > 0.12).all()


def test_blocks_drop_beats_and_complete_ones_have_rhythms_of_their_own():
    for seed in SEEDS:
        second = _rhythms.second_degree(np.random.default_rng(seed), 10)
        assert len(second.beat_times) < len(second.p_times)
        # Every beat has its P wave.
        place = np.searchsorted(second.p_times, second.beat_times) - 1
        assert (place >= 0).all() and (np.diff(place) > 0).all()
        third = _rhythms.third_degree(np.random.default_rng(seed), 10)
        apart = third.beat_times[:, np.newaxis] - third.p_times
        pr = np.where(apart > 0, apart, np.inf).min(axis=1)
        assert np.ptp(pr[np.isfinite(pr)]) > 0.02


def test_pacing_spikes_belong_to_what_is_paced():
    modes = set()
    for seed in range(60):
        rhythm = _rhythms.paced(np.random.default_rng(seed), 10)
        modes.add((rhythm.a_spikes, rhythm.v_spikes, len(rhythm.p_times) > 0))
        assert not rhythm.v_spikes or rhythm.beat_kind.all()
    expected = {(True, False, True), (False, True, True), (True, True, True), (False, True, False)}
    assert modes == expected

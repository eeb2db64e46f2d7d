"""Tests of R-peak detection, against the annotations of MIT-BIH and against closed forms."""

import numpy as np
import pytest
import wfdb

from sklearn_ecg.features import delineate, detect_r_peaks

BEATS = list("NLRBAaJSVrFejnE/fQ?")


def read_mitdb(folder, name, seconds=None):
    """The signal (n_leads, n_times) and the beats of a record."""
    path = str(folder / "mitdb" / name)
    end = None if seconds is None else int(seconds * 360)
    signal = wfdb.rdrecord(path, sampto=end).p_signal.T
    annotations = wfdb.rdann(path, "atr", sampto=end)
    return signal, annotations.sample[np.isin(annotations.symbol, BEATS)]


def f1_score(reference, found, tolerance):
    """F1 of a one-to-one matching of sorted samples, each to the first free one within reach."""
    matched, j = 0, 0
    for beat in reference:
        while j < len(found) and found[j] < beat - tolerance:
            j += 1
        if j < len(found) and found[j] <= beat + tolerance:
            matched += 1
            j += 1
    return 2 * matched / (len(reference) + len(found))


def pulses(rate, at_s, duration_s=10.0, width_s=0.015):
    times = np.arange(int(duration_s * rate)) / rate
    return sum(np.exp(-(((times - t) / width_s) ** 2)) for t in at_s)


# Normal rhythm, right bundle branch block, noise, ventricular ectopy, pacing.
@pytest.mark.parametrize("name", ["100", "118", "105", "208", "217"])
@pytest.mark.parametrize("leads", [slice(0, 1), slice(0, 2)])
def test_finds_the_annotated_beats(shared_data, name, leads):
    signal, beats = read_mitdb(shared_data, name)
    found = detect_r_peaks(signal[leads], 360)
    assert f1_score(beats, found, 0.15 * 360) > 0.97
    assert f1_score(beats, found, 0.05 * 360) > 0.93


def test_first_lead_of_many_patients(shared_data):
    names = ["101", "103", "113", "119", "123", "200", "209", "213", "219", "222", "232", "234"]
    scores = {"0.15": [], "0.05": []}
    for name in names:
        signal, beats = read_mitdb(shared_data, name, seconds=300)
        found = detect_r_peaks(signal[0], 360)
        for tolerance, values in scores.items():
            values.append(f1_score(beats, found, float(tolerance) * 360))
    assert np.mean(scores["0.15"]) > 0.995
    assert np.mean(scores["0.05"]) > 0.99


@pytest.mark.parametrize("rate", [100, 128, 250, 360, 500, 1000])
def test_the_same_beats_at_every_rate(rate):
    at_s = np.array([0.6, 1.4, 2.2, 2.8, 4.0, 4.8, 5.6, 6.4, 7.2, 8.0, 8.8, 9.6])
    found = detect_r_peaks(pulses(rate, at_s), rate)
    np.testing.assert_allclose(found / rate, at_s, atol=1.5 / min(rate, 250))
    assert found.dtype.kind == "i"


def test_neither_scale_nor_sign_matters(shared_data):
    signal, _ = read_mitdb(shared_data, "119", seconds=60)
    found = detect_r_peaks(signal, 360)
    np.testing.assert_array_equal(detect_r_peaks(1000 * signal, 360), found)
    np.testing.assert_allclose(len(detect_r_peaks(-signal, 360)), len(found), atol=1)


def test_leads_without_a_signal_have_no_vote(shared_data):
    signal, _ = read_mitdb(shared_data, "100", seconds=30)
    expected = detect_r_peaks(signal, 360)
    flat, missing = np.full((1, signal.shape[1]), 0.3), np.full((1, signal.shape[1]), np.nan)
    padded = np.concatenate([flat, signal, missing])
    np.testing.assert_array_equal(detect_r_peaks(padded, 360), expected)


def test_a_noisy_lead_does_no_harm(shared_data, rng):
    signal, beats = read_mitdb(shared_data, "100", seconds=120)
    noisy = np.concatenate([rng.normal(size=(3, signal.shape[1])), signal])
    assert f1_score(beats, detect_r_peaks(noisy, 360), 0.15 * 360) > 0.99


@pytest.mark.parametrize(
    "signal",
    [
        np.zeros((2, 3600)),
        np.full((2, 3600), np.nan),
        np.full(3600, 1.5),
        np.ones((1, 1)),
        np.zeros((0, 3600)),
        np.arange(20.0),
    ],
    ids=["flat", "nan", "constant", "one sample", "no leads", "too short"],
)
def test_records_without_beats_have_none(signal):
    found = detect_r_peaks(signal, 360)
    assert found.shape == (0,)
    assert found.dtype.kind == "i"


@pytest.mark.parametrize("n_leads", [1, 12])
@pytest.mark.parametrize("colour", ["white", "brown", "asystole"])
def test_noise_has_no_beats(rng, n_leads, colour):
    """Beats of ten seconds of no heart; what is left of them must be the exception."""
    n_beats = []
    for _ in range(10):
        noise = 0.005 * rng.normal(size=(n_leads, 5000))
        if colour == "brown":
            noise = np.cumsum(noise, axis=1)
        if colour == "asystole":
            noise += 0.3 * np.sin(np.arange(5000) / 500 * 2)
        n_beats.append(len(detect_r_peaks(noise, 500)))
    assert np.mean(n_beats) < 1


def test_silence_around_a_record_changes_nothing(shared_data):
    signal, _ = read_mitdb(shared_data, "100", seconds=4)
    found = detect_r_peaks(signal, 360)
    padded = np.zeros((2, 3600))
    padded[:, 1080 : 1080 + signal.shape[1]] = signal - signal.mean(axis=1, keepdims=True)
    inner = found[(found > 180) & (found < signal.shape[1] - 180)]
    again = detect_r_peaks(padded, 360) - 1080
    assert f1_score(inner, again[(again > 180) & (again < signal.shape[1] - 180)], 10) == 1


def test_a_gap_of_all_leads_is_bridged(shared_data):
    signal, _ = read_mitdb(shared_data, "100", seconds=30)
    expected = detect_r_peaks(signal, 360)
    middle = (expected[10] + expected[11]) // 2
    signal[:, middle : middle + 20] = np.nan
    np.testing.assert_allclose(detect_r_peaks(signal, 360), expected, atol=4)


def test_one_beat():
    np.testing.assert_allclose(detect_r_peaks(pulses(250, [0.5], 1.0), 250), [125], atol=1)


@pytest.mark.parametrize("function", [detect_r_peaks, delineate])
@pytest.mark.parametrize(
    ("signal", "sampling_rate", "message"),
    [
        (np.zeros((3, 2, 500)), 100, r"signal must be one record.*\(3, 2, 500\)"),
        (np.zeros((500, 2)), 100, r"more leads \(500\) than samples \(2\).*signal.T"),
        (np.zeros((2, 0)), 100, r"more leads \(2\) than samples \(0\)"),
        ([["a", "b"]], 100, "numbers in mV"),
        (np.zeros((2, 500)), 0, "sampling_rate must be a positive number.*got 0"),
        (np.zeros((2, 500)), None, "sampling_rate must be a positive number.*got None"),
        (np.zeros((2, 500)), np.inf, "sampling_rate must be a positive number.*got inf"),
    ],
)
def test_bad_input_is_named(function, signal, sampling_rate, message):
    with pytest.raises(ValueError, match=message):
        function(signal, sampling_rate)


def rmssd_ms(times_s):
    return 1000 * np.sqrt(np.mean(np.diff(times_s, n=2) ** 2))


@pytest.mark.parametrize("rate", [100, 128, 250, 360, 500, 1000])
@pytest.mark.parametrize("leads", [slice(0, 4), slice(0, 1), slice(1, 2)])
def test_an_exact_rhythm_has_no_variability(heart, rate, leads):
    """No beat lies on the grid of the network, and few on that of the record."""
    beats = np.arange(0.5, 29.5, 60 / 70)
    for noise_mv in (0.0, 0.01):
        signal = heart(beats, rate, duration_s=30, noise_mv=noise_mv)[leads]
        found = detect_r_peaks(signal, rate, between_samples=True)
        assert found.dtype == np.float64
        assert rmssd_ms(found / rate) < 0.5
        np.testing.assert_array_equal(detect_r_peaks(signal, rate), np.round(found))


@pytest.mark.parametrize("jitter_s", [0.002, 0.005, 0.02, 0.08])
def test_variability_is_neither_lost_nor_invented(heart, rng, jitter_s):
    beats = np.cumsum(np.append(0.5, 0.857 + jitter_s * rng.standard_normal(30)))
    signal = heart(beats, 500, duration_s=beats[-1] + 0.5)
    found = detect_r_peaks(signal, 500, between_samples=True) / 500
    np.testing.assert_allclose(np.diff(found), np.diff(beats), atol=0.001)


def test_r_peaks_are_whole_samples_of_the_record(heart):
    """Of all samples and not of every fourth only, and off by less than a millisecond."""
    beats = np.arange(0.5, 29.5, 60 / 70)
    found = detect_r_peaks(heart(beats, 1000, duration_s=30), 1000)
    assert found.dtype.kind == "i"
    assert len(np.unique(found % 4)) == 4
    assert rmssd_ms(found / 1000) < 1


def test_beats_of_two_shapes_and_one_alone(heart):
    """Each shape has its own mean; a beat without a like stays where it was found."""
    usual, wide = np.arange(0.5, 9.5, 1.6), np.arange(1.3, 9.3, 1.6)
    signal = heart(usual) + 1.5 * heart(wide, qrs_s=0.16, p_s=[])
    found = detect_r_peaks(signal, 500, between_samples=True) / 500
    assert rmssd_ms(found[::2]) < 0.5
    assert rmssd_ms(found[1::2]) < 0.5
    single = heart(usual) + 1.5 * heart(wide[2:3], qrs_s=0.16, p_s=[])
    found = detect_r_peaks(single, 500, between_samples=True) / 500
    assert np.abs(found - wide[2]).min() < 0.03


def test_the_marked_point_stays_the_r_peak(shared_data):
    for name in ("103", "123", "213", "234"):
        signal, beats = read_mitdb(shared_data, name, seconds=120)
        found = detect_r_peaks(signal, 360)
        nearest = found[np.abs(found[:, np.newaxis] - beats).argmin(axis=0)]
        assert abs(np.median(nearest - beats)) <= 1


@pytest.mark.parametrize("escape_bpm", [30, 38, 45])
@pytest.mark.parametrize("leads", [slice(0, 4), slice(0, 1), slice(1, 2)])
def test_blocked_p_waves_are_no_beats(heart, assert_beats, escape_bpm, leads):
    beats = np.arange(0.7, 9.9, 60 / escape_bpm)
    signal = heart(beats, p_s=np.arange(0.1, 9.9, 60 / 85), qt_s=0.46)
    assert_beats(detect_r_peaks(signal[leads], 500), beats, 500)


@pytest.mark.parametrize(("record", "n_beats"), [("00959", 6), ("00191", 5)])
def test_blocked_p_waves_of_patients_are_no_beats(shared_data, record, n_beats):
    path = shared_data / "ptb-xl" / "records100" / "00000" / f"{record}_lr"
    assert len(detect_r_peaks(wfdb.rdrecord(str(path)).p_signal.T, 100)) == n_beats


@pytest.mark.parametrize("bpm", [200, 220, 240, 260, 280])
@pytest.mark.parametrize("leads", [slice(0, 4), slice(0, 1), slice(1, 2)])
@pytest.mark.parametrize("rate", [100, 500])
def test_very_fast_hearts(heart, assert_beats, bpm, leads, rate):
    beats = np.arange(0.4, 9.8, 60 / bpm)
    signal = heart(beats, rate, p_s=[], qrs_s=0.07, qt_s=0.9 * 60 / bpm)
    assert_beats(detect_r_peaks(signal[leads], rate), beats, rate)


def test_what_is_masked_was_not_recorded(heart):
    signal = heart(np.arange(0.5, 9.8, 0.8))[:2]
    masked = np.ma.array(signal, mask=np.zeros(signal.shape, bool))
    masked[:, 2000:3500] = np.ma.masked
    expected = detect_r_peaks(masked.filled(np.nan), 500)
    np.testing.assert_array_equal(detect_r_peaks(masked, 500), expected)
    assert len(expected) < len(detect_r_peaks(signal, 500))


@pytest.mark.parametrize("rate", [100, 128, 250, 500])
@pytest.mark.parametrize("width_s", [0.02, 0.04, 0.06, 0.08])
def test_pulses_of_simulations_are_beats(rate, width_s):
    """On a line without noise, which is no gap."""
    signal = np.zeros(10 * rate)
    signal[rate // 2 :: rate] = 1.0
    n_pulse = max(3, round(width_s * rate) | 1)
    signal = np.convolve(signal, np.hanning(n_pulse + 2)[1:-1], mode="same")
    assert len(detect_r_peaks(signal, rate)) == 10

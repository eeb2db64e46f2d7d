"""Tests of what no heart writes: it makes no beats, costs none, and is told of."""

import itertools

import numpy as np
import pytest
import wfdb
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ecg import ECGFeatureExtractor, ECGRecords
from sklearn_ecg.features import detect_r_peaks
from sklearn_ecg.features._quality import CheckedSignal

BEATS = np.arange(0.6, 9.6, 0.857)
# One lead with a large R, one with a large S, all leads.
LEADS = [slice(0, 1), slice(1, 2), slice(0, 4)]


def with_spikes(signal, rate, at_s, size, width_ms, biphasic, gains):
    signal = signal.copy()
    width = max(1, round(width_ms * rate / 1000))
    size *= min(1, width_ms * rate / 1000)  # a sample sees its share of a shorter spike
    for sample in np.round(np.asarray(at_s) * rate).astype(int):
        signal[:, sample : sample + width] += size * gains[:, np.newaxis]
        if biphasic:
            signal[:, sample + width : sample + 2 * width] -= size * gains[:, np.newaxis]
    return signal


@pytest.mark.parametrize("rate", [250, 360, 500, 1000])
@pytest.mark.parametrize("chamber", ["atria", "ventricles", "both"])
def test_pacing_spikes_are_no_beats_and_are_counted(heart, assert_beats, rng, rate, chamber):
    qrs_s = 0.09 if chamber == "atria" else 0.14
    signal = heart(BEATS, rate, qrs_s=qrs_s)
    onset = BEATS - 0.45 * qrs_s
    at_s = {"atria": [onset - 0.18], "ventricles": [onset - 0.012]}
    at_s["both"] = at_s["atria"] + at_s["ventricles"]
    at_s = np.concatenate(at_s[chamber])
    kinds = [(1, 2, False), (3, 1, True), (10, 2, True), (10, 2, False)]
    for size, width, biphasic in kinds:
        gains = rng.uniform(0.5, 1, 4) * rng.choice([-1, 1], 4)
        paced = with_spikes(signal, rate, at_s, size, width, biphasic, gains)
        for leads in LEADS[::2]:
            assert_beats(detect_r_peaks(paced[leads], rate), BEATS, rate)
        assert CheckedSignal(paced, rate).n_spikes == len(at_s)
    weak = with_spikes(signal, rate, at_s, 0.5, 2, False, np.ones(4))
    assert CheckedSignal(weak, rate).n_spikes == len(at_s)


def test_spikes_of_some_leads_are_taken_out(heart):
    signal = heart(BEATS, 500)
    gains = np.array([1, 0, 0, -1])
    paced = with_spikes(signal, 500, BEATS - 0.23, 3, 2, False, gains)
    clean, mended = (CheckedSignal(x, 500).signal for x in (signal, paced))
    assert_allclose(mended, clean, atol=0.06)


def test_waves_are_measured_as_without_spikes(heart):
    signal = heart(BEATS, 500)
    paced = with_spikes(signal, 500, BEATS - 0.23, 4, 2, False, np.ones(4))
    records = ECGRecords(np.stack([signal, paced]), 500, lead_names=["II", "V1", "V2", "V5"])
    extractor = ECGFeatureExtractor(groups=["intervals", "quality"]).set_output(transform="pandas")
    features = extractor.fit_transform(records)
    assert_allclose(features["pacing_spikes_per_beat"], [0, 1])
    for name in ("PR_interval_ms", "P_duration_ms", "QRS_duration_ms", "QT_interval_ms"):
        assert_allclose(features.loc[1, name], features.loc[0, name], atol=4)
    problems = extractor.quality_report(records)
    assert problems.loc[problems["id"] == records.ids[1], "problem"].tolist() == ["pacing spikes"]


@pytest.mark.parametrize("rate", [100, 250, 360, 500, 1000])
@pytest.mark.parametrize("qrs_s", [0.045, 0.06, 0.09, 0.16])
def test_no_qrs_complex_is_a_spike_or_step(heart, rate, qrs_s):
    """Those of children are narrow and large."""
    signal = 2 * heart(BEATS, rate, qrs_s=qrs_s, noise_mv=0.005)
    checked = CheckedSignal(signal, rate)
    mean = signal.mean(axis=1, keepdims=True)
    assert_allclose(checked.signal, signal - mean, atol=1e-5)


def test_records_without_a_pacemaker_are_left_as_they_are(shared_data):
    """Of PTB-XL, at 500 Hz: hardly one sample in ten thousand changes."""
    changed = n_samples = 0
    for path in sorted((shared_data / "ptb-xl" / "records500" / "00000").glob("*.hea"))[:30]:
        signal = wfdb.rdrecord(str(path)[:-4]).p_signal.T
        checked = CheckedSignal(signal, 500)
        mean = signal.mean(axis=1, keepdims=True)
        change = np.diff(checked.signal - signal + mean)  # a step changes all that comes after it
        changed += np.count_nonzero(np.abs(change) > 0.01)
        n_samples += signal.size
        assert checked.n_spikes < 3
    assert changed < 1e-4 * n_samples


def test_paced_records_of_ludb_show_spikes(shared_data):
    def n_spikes(record):
        signal = wfdb.rdrecord(str(shared_data / "ludb" / "data" / str(record))).p_signal.T
        return CheckedSignal(signal, 500).n_spikes

    assert min(n_spikes(record) for record in (8, 34, 45, 74, 95, 104)) >= 5
    assert max(n_spikes(record) for record in range(10, 30)) <= 1


@pytest.mark.parametrize("rate", [100, 250, 500, 1000])
def test_calibration_pulses_are_no_beats(heart, assert_beats, rate):
    times = np.arange(10 * rate) / rate
    for first, beats in ((0.1, BEATS[BEATS > 1]), (9.55, BEATS[BEATS < 9.2])):
        signal = heart(beats, rate)
        pulse = (times >= first) & (times < first + 0.2)
        signal[:, pulse] += 1.0
        blank = heart(beats, rate)
        blank[:, times < 0.5 if first < 1 else times > 9.4] = 0
        blank[:, pulse] = 1.0
        for leads, record in itertools.product(LEADS, (signal, blank)):
            assert_beats(detect_r_peaks(record[leads] + 0.3, rate), beats, rate)


@pytest.mark.parametrize("rate", [100, 250, 1000])
@pytest.mark.parametrize("size", [0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("some", [False, True])
def test_steps_of_the_level_are_no_beats(heart, assert_beats, rate, size, some):
    """The second step stands beside a beat, which must not be lost."""
    signal = heart(BEATS, rate)
    gains = size * np.array([1, -0.8, 0.9, -1]) * ([0, 1, 0, 1] if some else [1, 1, 1, 1])
    for at_s in (2.82, BEATS[6] - 0.11, 7.0):
        signal[:, int(at_s * rate) :] += gains[:, np.newaxis]
    for leads in LEADS:
        assert_beats(detect_r_peaks(signal[leads], rate), BEATS, rate)


def rhythm(signal, rate):
    extractor = ECGFeatureExtractor(groups=["rhythm", "quality"]).set_output(transform="pandas")
    return extractor.fit_transform(ECGRecords(signal[np.newaxis], rate)).iloc[0]


FILLS = [np.nan, 0.0, "held", 5.0, -5.0]
# From and to, in s, and the offset of the signal.
DROPOUTS = [(0, 2, 0.5), (4.1, 4.6, 0.5), (2.0, 7.0, 0.0), (3.1, 5.3, 0.0), (7.5, 10, 0.5)]


@pytest.mark.filterwarnings("ignore:.*in doubt")
@pytest.mark.parametrize("rate", [100, 250, 1000])
@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("leads", [slice(0, 4), slice(0, 1)])
def test_values_held_in_all_leads_are_a_gap(heart, rate, fill, leads):
    for start, stop, offset in DROPOUTS:
        signal = heart(BEATS, rate)[leads] + offset
        gap = slice(int(start * rate), int(stop * rate))
        signal[:, gap] = signal[:, [gap.start]] if fill == "held" else fill
        found = detect_r_peaks(signal, rate) / rate
        kept = BEATS[np.abs(BEATS - (start + stop) / 2) > (stop - start) / 2 + 0.06]
        assert np.abs(kept[:, np.newaxis] - found).min(axis=1).max() < 0.05
        assert np.abs(found[:, np.newaxis] - BEATS).min(axis=1).max() < 0.06
        features = rhythm(signal, rate)
        assert_allclose(features["RR_longest_ratio"], 1, atol=0.05)
        assert features["pause_fraction"] == 0
        held = fill == fill
        missing = features.filter(like="missing_fraction")
        flat = features.filter(like="flat_fraction")
        assert_allclose(flat if held else missing, (stop - start) / 10, atol=0.01)
        assert_allclose(missing if held else flat, 0)
        # Zeros at the ends are padding, and no loss.
        is_padding = fill == 0 and (start == 0 or stop == 10)
        expected = (stop - start) / 10 if held and not is_padding else 0
        assert_allclose(features["dropout_fraction"], expected, atol=0.01)


@pytest.mark.parametrize("rate", [100, 250, 500, 1000])
@pytest.mark.parametrize("fill", FILLS)
def test_values_held_in_some_leads_cost_no_beat(heart, assert_beats, rate, fill):
    signal = heart(BEATS, rate) + 0.5
    for lead, (start, stop) in ((1, (3.0, 5.0)), (3, (6.0, 8.0))):
        gap = slice(int(start * rate), int(stop * rate))
        signal[lead, gap] = signal[lead, gap.start] if fill == "held" else fill
    assert_beats(detect_r_peaks(signal, rate), BEATS, rate)
    assert rhythm(signal, rate)["dropout_fraction"] == 0


@pytest.mark.filterwarnings("ignore:.*in doubt")
def test_two_dropouts_are_two_gaps(heart):
    signal = heart(BEATS) + 0.5
    signal[:, 1000:1600] = 0
    signal[:, 3200:3700] = 0
    features = rhythm(signal, 500)
    assert_allclose(features["dropout_fraction"], 0.22, atol=0.002)
    assert_allclose(features["heart_rate_bpm"], 70, atol=0.5)
    assert features["pause_fraction"] == 0


@pytest.mark.parametrize("rate", [100, 250, 1000])
@pytest.mark.parametrize("noise_mv", [0.01, 0.001, 0.0])
@pytest.mark.parametrize("pause_s", [3.0, 4.0])
def test_a_true_pause_stays_a_pause(heart, assert_beats, rate, noise_mv, pause_s):
    """Without any noise its line is constant too, but waves bend into it and out of it."""
    beats = np.concatenate([[0.6, 1.4, 2.2], 2.2 + pause_s + np.arange(4) * 0.8])
    for offset, leads in ((0.0, LEADS[2]), (0.5, LEADS[0])):
        signal = heart(beats, rate, noise_mv=noise_mv)[leads] + offset
        assert_beats(detect_r_peaks(signal, rate), beats[beats < 10], rate)
        features = rhythm(signal, rate)
        assert_allclose(features["RR_longest_ratio"], pause_s / 0.8, rtol=0.02)
        assert features["dropout_fraction"] == 0


def test_lines_between_beats_of_compressed_signals_are_no_gaps(shared_data):
    """Leads of LUDB stand still for half a second between beats."""
    for record in (41, 128, 134):
        signal = wfdb.rdrecord(str(shared_data / "ludb" / "data" / str(record))).p_signal.T
        assert CheckedSignal(signal, 500).recorded is None


def test_the_report_names_records_with_held_values(heart):
    signals = np.stack([heart(BEATS), heart(BEATS), heart(BEATS)])
    signals[1, :, 2000:3500] = 5.0
    signals[2, 1, 2000:2900] = 0.0
    records = ECGRecords(signals, 500, lead_names=["II", "V1", "V2", "V5"], ids=list("abc"))
    extractor = ECGFeatureExtractor().fit(records)
    with pytest.warns(UserWarning, match=r"1 record is in doubt: all leads held constant \(b\)"):
        extractor.transform(records)
    report = extractor.quality_report(records)
    found = report.loc[report["problem"].isin(["flat", "all leads held constant"])]
    assert found["id"].tolist() == ["b"] * 5 + ["c"]
    assert found["lead"].tolist() == ["", "II", "V1", "V2", "V5", "V1"]
    assert_allclose(found["value"], [0.3] * 5 + [0.18])
    assert found["what_to_do"].str.startswith("Taken as a gap").all()


def test_the_signal_that_was_given_is_left_alone(heart):
    signal = heart(BEATS).astype(np.float32)
    signal[:, 1500] += 3
    signal[:, 3000:] += 2
    before = signal.copy()
    CheckedSignal(signal, 500)
    assert_array_equal(signal, before)

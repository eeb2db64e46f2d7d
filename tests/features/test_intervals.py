"""Tests of intervals over all leads, of those of single leads, and of normal beats alone."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_ecg import ECGFeatureExtractor, ECGRecords
from sklearn_ecg.datasets import load_ludb, load_ludb_annotations, load_ptbxl

RATE = 500
TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
MEASURED = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
# Heights in mV of P, Q, R, S and T in the leads that a recorder measures.
HEIGHTS = np.array(
    [
        (0.08, -0.05, 0.7, -0.1, 0.2),
        (0.12, -0.08, 1.0, -0.15, 0.3),
        (0.05, 0.0, 0.2, -0.9, -0.05),
        (0.06, 0.0, 0.4, -1.3, 0.4),
        (0.07, 0.0, 0.7, -0.8, 0.5),
        (0.07, -0.03, 1.4, -0.4, 0.5),
        (0.07, -0.06, 1.3, -0.2, 0.4),
        (0.07, -0.08, 1.0, -0.1, 0.3),
    ]
)
HRV = ["NN_mean_ms", "NN_SD_ms", "NN_RMSSD_ms", "NN_pNN50"]


def wave(times, start, width):
    place = (times - start) / width
    return np.where((place > 0) & (place < 1), 0.5 - 0.5 * np.cos(2 * np.pi * place), 0)


def simulate(
    onsets, *, p=0.10, pr=0.16, qrs=0.09, qt=0.40, t=0.18, wide=(), without_p=(), seconds=10, seed=0
):
    """Twelve leads whose waves have the same bounds in all; times in s, from the QRS onset."""
    times = np.arange(seconds * RATE) / RATE
    leads = np.zeros((len(MEASURED), len(times)))
    for beat, onset in enumerate(onsets):
        is_wide = beat in wide
        # An ectopic beat of the ventricles is wide, upside down, and has no P wave.
        width, height = (0.16, -1.3) if is_wide else (qrs, 1.0)
        parts = [
            (0.0 if is_wide or beat in without_p else 1.0, onset - pr, p),
            (height, onset, 0.3 * width),
            (height, onset + 0.2 * width, 0.5 * width),
            (height, onset + 0.55 * width, 0.45 * width),
            (height, onset + qt - t, t),
        ]
        for (size, start, length), of_leads in zip(parts, HEIGHTS.T, strict=True):
            leads += size * of_leads[:, np.newaxis] * wave(times, start, length)
    leads += 0.005 * np.random.default_rng(seed).standard_normal(leads.shape)
    one, two = leads[:2]
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.concatenate([limb, leads[2:]])


def measure(signals, lead_names=TWELVE, rate=RATE):
    records = ECGRecords(np.stack(signals), rate, lead_names=lead_names)
    extractor = ECGFeatureExtractor(groups=["rhythm", "intervals"])
    return extractor.set_output(transform="pandas").fit_transform(records)


def regular(bpm, seconds=10):
    return np.arange(0.5, seconds - 0.5, 60 / bpm)


KNOWN = [
    {"bpm": 60},
    {"bpm": 60, "pr": 0.20, "p": 0.12, "qrs": 0.12, "qt": 0.44},
    {"bpm": 75, "pr": 0.14, "p": 0.09, "qrs": 0.08, "qt": 0.36},
    {"bpm": 60, "pr": 0.24, "p": 0.11},
    {"bpm": 90, "pr": 0.15, "qt": 0.34, "t": 0.16},
]


@pytest.mark.parametrize("leads", [TWELVE, ("II", "V2", "V5"), ("II", "V5"), ("II",)])
def test_intervals_of_known_waves(leads):
    rows = [TWELVE.index(lead) for lead in leads]
    signals = []
    for case in KNOWN:
        bounds = {name: value for name, value in case.items() if name != "bpm"}
        signals.append(simulate(regular(case["bpm"]), **bounds)[rows])
    features = measure(signals, leads)
    for name, column, usual, atol in (
        ("pr", "PR_interval_ms", 160, 16),
        ("p", "P_duration_ms", 100, 20),
        ("qrs", "QRS_duration_ms", 90, 20),
        ("qt", "QT_interval_ms", 400, 16),
    ):
        expected = [1000 * case.get(name, usual / 1000) for case in KNOWN]
        assert_allclose(features[column], expected, atol=atol, err_msg=column)
        # The bounds are the same in all leads, so a lead's own interval is that of all.
        if name != "qrs":
            assert_allclose(features[f"II_{column}"], features[column], atol=20, err_msg=column)


@pytest.mark.filterwarnings("ignore:.*limb leads contradict")  # LUDB scales each by itself
def test_durations_add_up(shared_data):
    features = measure(load_ludb(shared_data / "ludb")[::10].signals)
    assert features["QT_interval_ms"].notna().all()
    parts = features["QRS_duration_ms"] + features["ST_duration_ms"] + features["T_duration_ms"]
    assert_allclose(features["QT_interval_ms"], parts)
    assert_allclose(
        features["JT_interval_ms"], features["QT_interval_ms"] - features["QRS_duration_ms"]
    )
    assert_allclose(
        features["PR_interval_ms"], features["P_duration_ms"] + features["PR_segment_ms"]
    )
    assert (features["ST_duration_ms"] > 0).all()


def test_intervals_reach_from_the_earliest_lead_to_the_latest():
    """T ends 60 ms later, and QRS begins 20 ms earlier, in some leads than in the others."""
    onsets = regular(60)
    early, late = simulate(onsets, qt=0.36), simulate(onsets - 0.02, pr=0.14, qt=0.44)
    mixed = early.copy()
    mixed[6:10] = late[6:10]  # chest leads alone: the limb leads must agree with each other
    features = measure([early, late, mixed])
    short, long, both = features["QT_interval_ms"]
    assert short + 55 < long
    assert_allclose(both, long, atol=20)
    assert features.loc[2, "QT_dispersion_ms"] > 15
    assert features.loc[2, "I_QT_interval_ms"] + 40 < features.loc[2, "V2_QT_interval_ms"]


def test_a_lead_of_noise_moves_no_interval_far(rng):
    clean = simulate(regular(70), seed=1)
    noisy = clean.copy()
    noisy[11] += 0.4 * rng.standard_normal(noisy.shape[1])
    names = ["PR_interval_ms", "QRS_duration_ms", "QT_interval_ms", "P_duration_ms"]
    features = measure([clean, noisy])[names]
    assert_allclose(features.loc[1], features.loc[0], atol=20)


def test_ectopic_beats_do_not_count():
    onsets = regular(75)
    early = onsets.copy()
    early[[3, 7]] -= 0.25
    features = measure([simulate(onsets), simulate(early, wide=(3, 7))])
    for name in ("PR_interval_ms", "QRS_duration_ms", "QT_interval_ms", "PR_spread_ms"):
        assert_allclose(features.loc[1, name], features.loc[0, name], atol=8, err_msg=name)
    assert features.loc[1, "QRS_duration_max_ms"] > features.loc[1, "QRS_duration_ms"] + 20


@pytest.mark.parametrize("leads", [TWELVE, ("II", "V1")])
def test_no_p_interval_from_few_beats(leads):
    """A quarter of the beats with a P wave are too few, three quarters are enough."""
    onsets, rows = regular(75), [TWELVE.index(lead) for lead in leads]
    few, most = (
        [beat for beat in range(len(onsets)) if (beat % 4 == 0) != with_p]
        for with_p in (True, False)
    )
    signals = [simulate(onsets, without_p=without)[rows] for without in (few, most)]
    features = measure(signals, leads)
    names = ["P_duration_ms", "PR_interval_ms", "PR_segment_ms", "PR_spread_ms"]
    names += ["II_P_duration_ms", "II_PR_interval_ms"]
    assert features.loc[0, names].isna().all()
    assert features.loc[1, names].notna().all()
    assert (
        features[["QT_interval_ms", "QRS_duration_ms", "II_QT_interval_ms"]].notna().all(axis=None)
    )


def test_fibrillation_has_no_pr_and_sinus_rhythm_has(shared_data):
    records = load_ptbxl(shared_data / "ptb-xl", sampling_rate=100, task="rhythm")
    share = {}
    for rhythm, step in (("AFIB", 2), ("SR", 40)):
        with_it = records.labels[:, list(records.label_names).index(rhythm)] == 1
        features = measure(records[np.flatnonzero(with_it)[::step]].signals, rate=100)
        share[rhythm] = features["PR_interval_ms"].notna().mean()
    assert share["AFIB"] < 0.04
    assert share["SR"] > 0.85


def _marked(annotations):
    """QRS and QT in ms by the same rule on the cardiologists' marks of a record, in all leads."""
    qrs, t = (annotations[annotations["wave"] == wave] for wave in ("QRS", "T"))
    peaks = np.sort(qrs["peak"].dropna())
    durations = []
    for beat in np.split(peaks, np.flatnonzero(np.diff(peaks) > 0.2 * RATE) + 1):
        own = qrs[qrs["peak"].between(beat.min(), beat.max())]
        after = t[t["peak"].between(beat.max(), beat.max() + 0.6 * RATE)]
        after = after.sort_values("peak").groupby("lead").first()
        if len(own) >= 8 and len(after) >= 8:
            onset = own["onset"].quantile(0.1)
            durations.append([own["offset"].quantile(0.9), after["offset"].quantile(0.9)] - onset)
    return np.median(durations, axis=0) / RATE * 1000 if durations else [np.nan, np.nan]


@pytest.mark.filterwarnings("ignore:.*limb leads contradict")
def test_intervals_are_those_that_cardiologists_marked_in_all_leads(shared_data):
    folder = shared_data / "ludb"
    records, annotations = load_ludb(folder)[::6], load_ludb_annotations(folder)
    marked = [_marked(annotations[annotations["id"] == record]) for record in records.ids]
    found = measure(records.signals)[["QRS_duration_ms", "QT_interval_ms"]].to_numpy()
    apart = found - np.array(marked)
    assert np.isnan(apart).mean() < 0.1
    assert (np.abs(np.nanmean(apart, axis=0)) < 10).all()
    assert (np.nanstd(apart, axis=0) < [12, 20]).all()


def test_intervals_are_near_those_of_a_recorder(shared_data):
    """The values that the machine wrote beside the signal."""
    path = shared_data / "hospital" / "same-ecg.aecg.xml"
    if not path.exists():
        pytest.skip(f"{path} not found")
    root, ns = ET.parse(path).getroot(), "{urn:hl7-org:v3}"
    leads, printed = {}, {}
    for sequence in root.iter(f"{ns}sequence"):
        name = sequence.find(f"{ns}code").get("code").removeprefix("MDC_ECG_LEAD_")
        if sequence.find(f".//{ns}digits") is not None and name not in leads:
            digits = np.array(sequence.find(f".//{ns}digits").text.split(), float)
            leads[name] = digits * float(sequence.find(f".//{ns}scale").get("value")) / 1000
    for annotation in root.iter(f"{ns}annotation"):
        code = annotation.find(f"{ns}code").get("code")
        if code.startswith("MDC_ECG_TIME_PD_"):
            value = float(annotation.find(f"{ns}value").get("value"))
            printed.setdefault(code.removeprefix("MDC_ECG_TIME_PD_"), value)
    found = measure([np.stack(list(leads.values()))], list(leads)).loc[0]
    assert_allclose(found["PR_interval_ms"], printed["PR"], atol=10)
    assert_allclose(found["QRS_duration_ms"], printed["QRS"], atol=15)
    assert_allclose(found["QT_interval_ms"], printed["QT"], atol=25)
    assert_allclose(found["P_duration_ms"], printed["P"], atol=30)


def _sinus_rhythm(rng, seconds):
    rr = 0.85 + 0.02 * rng.standard_normal(int(seconds / 0.7))
    onsets = 0.6 + np.append(0, np.cumsum(rr))
    return onsets[onsets < seconds - 0.6]


@pytest.mark.parametrize("kind", ["ventricular", "atrial"])
@pytest.mark.parametrize("every", [7, 10])
def test_ectopic_beats_leave_the_variability_of_normal_ones(kind, every, rng):
    onsets = _sinus_rhythm(rng, 60)
    ectopic = np.arange(4, len(onsets) - 1, every)
    early = onsets.copy()
    early[ectopic] -= 0.3
    wide = ectopic if kind == "ventricular" else ()
    features = measure([simulate(onsets, seconds=60), simulate(early, wide=wide, seconds=60)])
    rr = 1000 * np.diff(onsets)
    expected = [rr.mean(), rr.std(ddof=1), np.sqrt((np.diff(rr) ** 2).mean())]
    # Without ectopic beats nothing is left out.
    assert features.loc[0, "NN_fraction"] == 1
    assert_allclose(features.loc[0, HRV[:3]].astype(float), expected, rtol=0.1)
    assert_allclose(features.loc[0, "NN_RMSSD_ms"], features.loc[0, "RR_RMSSD_ms"])
    assert_allclose(features.loc[1, HRV[:3]].astype(float), expected, rtol=0.25)
    assert features.loc[1, "NN_pNN50"] < 0.15
    assert features.loc[1, "RR_RMSSD_ms"] > 4 * expected[2]
    assert_allclose(features.loc[1, "NN_fraction"], 1 - 2 * len(ectopic) / len(rr), atol=0.03)


def test_too_few_normal_intervals_have_no_variability():
    bigeminy = regular(75)
    bigeminy[1::2] -= 0.25
    short = regular(60, seconds=3)
    features = measure([simulate(bigeminy, wide=range(1, 20, 2))])
    assert features.loc[0, "NN_fraction"] < 0.1
    assert features.loc[0, HRV].isna().all()
    features = measure([simulate(short, seconds=3)])
    assert features.loc[0, HRV].isna().all()

"""Simulated records, measured on the clean signal by means that know nothing of the simulator."""

import numpy as np
import pytest
from scipy.signal import find_peaks

from sklearn_ecg.datasets import make_ecg_records

RATE = 500
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


class Clean:
    """Noise-free records of a single finding each, with their beats."""

    def __init__(self):
        records, beats = make_ecg_records(
            360, noise=0, sampling_rate=RATE, random_state=7, return_beats=True
        )
        single = records.labels.sum(axis=1) == 1
        self.records = records[single]
        self.beats = dict(tuple(beats.groupby("id")))

    def of(self, label):
        """Yield (leads by name, beats) of the records whose only label is `label`."""
        records = self.records
        column = list(records.label_names).index(label)
        chosen = np.flatnonzero(records.labels[:, column] == 1)
        assert len(chosen) >= 8, label
        for i in chosen:
            leads = dict(zip(LEADS, records.signals[i].astype(float), strict=True))
            yield leads, self.beats[records.ids[i]]

    def beats_of(self, label, kind, after_s=0.5, before_s=9.3):
        """Yield (leads by name, beat) of beats that lie inside the record."""
        for leads, beats in self.of(label):
            inside = beats.qrs_onset_s.between(after_s, before_s) & (beats.kind == kind)
            for beat in beats[inside].itertuples():
                yield leads, beat


@pytest.fixture(scope="module")
def clean():
    return Clean()


def part(signal, start_s, stop_s):
    return signal[round(start_s * RATE) : round(stop_s * RATE)]


def at(signal, time_s):
    return signal[round(time_s * RATE)]


def qrs_width_ms(leads, beat):
    """Time between the first and the last steep slope (6 uV/ms) about the QRS complex."""
    start, stop = beat.qrs_onset_s - 0.02, beat.qrs_offset_s + 0.04
    slopes = [np.abs(np.diff(part(signal, start, stop))) * RATE for signal in leads.values()]
    steep = np.flatnonzero(np.max(slopes, axis=0) > 6)
    return (steep[-1] - steep[0]) / RATE * 1000


def r_times_s(leads):
    """QRS complexes, where the slopes of all leads together are steepest."""
    steepness = np.sum([np.abs(np.gradient(signal)) for signal in leads.values()], axis=0)
    smooth = np.convolve(steepness, np.ones(RATE // 10), mode="same")
    peaks, _ = find_peaks(smooth, height=0.35 * smooth.max(), distance=RATE // 4)
    return peaks / RATE


def pr_ms(leads, beat):
    """From the first rise of 12 uV in lead II, after 40 ms of silence, to the QRS onset."""
    before = part(leads["II"], beat.p_onset_s - 0.03, beat.qrs_onset_s)
    rise = np.flatnonzero(before > before[:5].mean() + 0.012)[0]
    return (len(before) - rise) / RATE * 1000


@pytest.mark.parametrize("noise", [0, 1.0])
def test_einthoven_and_goldberger(noise):
    records = make_ecg_records(18, noise=noise, random_state=0)
    I, II, III, aVR, aVL, aVF = records.signals[:, :6].swapaxes(0, 1)
    close = {"atol": 1e-6, "rtol": 0}
    np.testing.assert_allclose(III, II - I, **close)
    np.testing.assert_allclose(aVR, -(I + II) / 2, **close)
    np.testing.assert_allclose(aVL, I - II / 2, **close)
    np.testing.assert_allclose(aVF, II - I / 2, **close)
    assert np.abs(III).max() > 0.3


def test_qrs_width(clean):
    for label, kind, low, high in (
        ("Normal", "sinus", 60, 110),
        ("STE", "sinus", 60, 120),
        ("PAC", "PAC", 60, 115),
        ("LBBB", "sinus", 120, 190),
        ("RBBB", "sinus", 120, 180),
        ("PVC", "PVC", 120, 195),
    ):
        widths = np.array([qrs_width_ms(*pair) for pair in clean.beats_of(label, kind)])
        assert len(widths) >= 8
        assert (widths >= low).all() and (widths <= high).all(), (label, widths)


def test_pr_interval(clean):
    normal = np.array([pr_ms(*pair) for pair in clean.beats_of("Normal", "sinus")])
    late = np.array([pr_ms(*pair) for pair in clean.beats_of("I-AVB", "sinus")])
    assert (normal > 110).all() and (normal < 200).all()
    assert (late > 200).all() and (late < 320).all()


def test_rhythm(clean):
    def irregularity(label):
        cycles = [np.diff(r_times_s(leads)) for leads, _ in clean.of(label)]
        return np.array([c.std() / c.mean() for c in cycles])

    assert (irregularity("Normal") < 0.1).all()
    assert (irregularity("RBBB") < 0.1).all()
    assert (irregularity("AF") > 0.12).all()


def test_beats_are_where_they_are_said_to_be(clean):
    for label in ("Normal", "AF", "RBBB"):
        for leads, beats in clean.of(label):
            inside = beats[beats.qrs_onset_s.between(0.2, 9.6)]
            centres = (inside.qrs_onset_s + inside.qrs_offset_s).to_numpy() / 2
            nearest = np.abs(r_times_s(leads)[:, np.newaxis] - centres).min(axis=0)
            assert (nearest < 0.05).all()


def test_fibrillation_has_no_p_but_fibrillatory_waves(clean):
    for leads, beats in clean.of("AF"):
        assert beats.p_onset_s.isna().all()
        # Between the T wave and the next QRS complex lead V1 is never still.
        for beat, following in zip(beats[:-1].itertuples(), beats[1:].itertuples(), strict=True):
            if following.qrs_onset_s - beat.t_offset_s > 0.3:
                still = part(leads["V1"], beat.t_offset_s + 0.05, following.qrs_onset_s)
                assert np.ptp(still) > 0.03
    for leads, beats in clean.of("Normal"):
        beat = beats.iloc[2]
        assert np.ptp(part(leads["V1"], beat.p_onset_s - 0.06, beat.p_onset_s - 0.02)) < 0.01


def test_left_bundle_branch_block(clean):
    for leads, beat in clean.beats_of("LBBB", "sinus"):
        qrs = {name: part(s, beat.qrs_onset_s, beat.qrs_offset_s) for name, s in leads.items()}
        assert qrs["V1"].min() < -0.5 and qrs["V1"].max() < 0.1
        for lead in ("I", "V5", "V6"):
            assert qrs[lead].max() > 0.25 and qrs[lead].min() > -0.05
            assert len(find_peaks(qrs[lead], prominence=0.02)[0]) == 2
            assert at(leads[lead], beat.t_peak_s) < 0
        assert qrs["aVL"].max() > 0.15
        assert at(leads["V1"], beat.t_peak_s) > 0.1


def test_right_bundle_branch_block(clean):
    for leads, beat in clean.beats_of("RBBB", "sinus"):
        qrs = {name: part(s, beat.qrs_onset_s, beat.qrs_offset_s) for name, s in leads.items()}
        v1 = qrs["V1"]
        half = len(v1) // 2
        r, s, late = v1[: len(v1) // 4].max(), v1[:half].min(), v1[half:].max()
        assert r > 0.1 and s < -0.1 and late > r
        for lead in ("I", "V6"):
            assert qrs[lead][half:].min() < -0.1
            assert (qrs[lead][half:] < -0.05).sum() / RATE > 0.03
        assert at(leads["V1"], beat.t_peak_s) < 0 < at(leads["V6"], beat.t_peak_s)


def test_early_beats_and_their_pause(clean):
    """The beats about an early one are two cycles apart, or less if it reset the sinus node."""
    spans = {"PAC": [], "PVC": []}
    for kind, found in spans.items():
        for leads, beats in clean.of(kind):
            early = np.flatnonzero(beats.kind == kind)
            assert len(early) >= 1
            times = r_times_s(leads)
            onsets = beats.qrs_onset_s.to_numpy() + 0.05
            measured = times[np.abs(times[:, np.newaxis] - onsets).argmin(axis=0)]
            sinus = (beats.kind == "sinus").to_numpy()
            cycles = np.diff(measured)[sinus[1:] & sinus[:-1]]
            # A pause begins at an early beat, so it is none of these cycles.
            if not len(cycles):
                continue
            cycle = np.median(cycles)
            for k in early:
                if not (sinus[k - 1] and sinus[k + 1]):
                    continue
                before, at_beat, after = measured[k - 1 : k + 2]
                assert 0.4 * cycle < at_beat - before < 0.85 * cycle
                found.append((after - before) / cycle)
    assert len(spans["PAC"]) >= 8 and len(spans["PVC"]) >= 8
    assert max(spans["PAC"]) < 1.93 and min(spans["PAC"]) > 1.5
    assert np.median(spans["PAC"]) < 1.82
    assert np.allclose(spans["PVC"], 2, atol=0.15)
    assert np.median(spans["PVC"]) == pytest.approx(2, abs=0.03)


def test_premature_atrial_beats_follow_an_inverted_p(clean):
    for leads, beat in clean.beats_of("PAC", "PAC"):
        middle = (beat.p_onset_s + beat.p_offset_s) / 2
        edges = (at(leads["II"], beat.p_onset_s) + at(leads["II"], beat.p_offset_s)) / 2
        assert at(leads["II"], middle) < edges - 0.03
    for leads, beat in clean.beats_of("Normal", "sinus"):
        middle = (beat.p_onset_s + beat.p_offset_s) / 2
        assert at(leads["II"], middle) > 0.05


def test_premature_ventricular_beats_are_discordant(clean):
    for leads, beat in clean.beats_of("PVC", "PVC", before_s=9.0):
        assert np.isnan(beat.p_onset_s)
        for lead in ("V1", "V2"):
            qrs = part(leads[lead], beat.qrs_onset_s, beat.qrs_offset_s)
            deflection = qrs[np.abs(qrs).argmax()]
            assert np.sign(at(leads[lead], beat.t_peak_s)) == -np.sign(deflection)


def test_st_deviation_on_contiguous_leads(clean):
    regions = (("V1", "V2", "V3", "V4"), ("II", "III", "aVF"), ("I", "aVL", "V5", "V6"))
    regions = (*regions, ("V4", "V5", "V6"))

    def levels(label):
        for leads, beat in clean.beats_of(label, "sinus"):
            yield {name: at(signal, beat.qrs_offset_s + 0.06) for name, signal in leads.items()}

    for level in levels("STE"):
        assert any(sum(level[lead] > 0.1 for lead in region) >= 2 for region in regions)
        assert max(level.values()) > 0.2
    for level in levels("STD"):
        assert any(sum(level[lead] < -0.08 for lead in region) >= 2 for region in regions)
        assert max(level.values()) < 0.2
    for level in levels("Normal"):
        assert np.abs(list(level.values())).max() < 0.1


def test_findings_that_exclude_each_other_never_meet():
    records = make_ecg_records(400, duration_s=8, sampling_rate=100, random_state=1)
    table = records.to_frame()
    assert (table.loc[table["Normal"] == 1, list(records.label_names[1:])] == 0).all(axis=None)
    for first, second in (
        ("AF", "I-AVB"),
        ("AF", "PAC"),
        ("LBBB", "RBBB"),
        ("LBBB", "STD"),
        ("LBBB", "STE"),
        ("STD", "STE"),
    ):
        assert (table[first] * table[second]).sum() == 0
    assert (table[list(records.label_names)].sum() >= 40).all()
    assert ((table["PVC"] == 1) & (table["AF"] == 1)).any()
    assert (table[list(records.label_names)].sum(axis=1) >= 1).all()


def test_labels_tell_which_early_beats_there_are():
    records, beats = make_ecg_records(
        400, duration_s=8, sampling_rate=100, random_state=2, return_beats=True
    )
    for kind in ("PAC", "PVC"):
        has = set(beats.loc[beats.kind == kind, "id"])
        labelled = set(records.ids[records.labels[:, list(records.label_names).index(kind)] == 1])
        assert has == labelled


@pytest.mark.parametrize(("duration_s", "sampling_rate"), [(5, 100), (6.5, 257.5), (8, 100)])
def test_short_records_show_all_their_labels(duration_s, sampling_rate):
    records, beats = make_ecg_records(
        300,
        duration_s=duration_s,
        sampling_rate=sampling_rate,
        noise=0,
        random_state=5,
        return_beats=True,
    )
    assert records.n_times == round(duration_s * sampling_rate)
    table = records.to_frame()
    assert (table[list(records.label_names)].sum() >= 20).all()
    for kind in ("PAC", "PVC"):
        has = set(beats.loc[beats.kind == kind, "id"])
        assert has == set(table.index[table[kind] == 1])
    both = (table["PAC"] == 1) & (table["PVC"] == 1)
    assert both.any() == (duration_s >= 8)
    assert ((table["AF"] == 1) & (table["PVC"] == 1)).any()


def test_half_an_hour():
    records, beats = make_ecg_records(
        9, duration_s=1800, sampling_rate=100, leads=("II", "V1"), random_state=0, return_beats=True
    )
    assert records.shape == (9, 2, 180_000)
    assert np.isfinite(records.signals).all()
    main = np.array(records.label_names)[records.labels.argmax(axis=1)]
    for record, label in zip(records, main, strict=True):
        times = beats.loc[beats.id == record.ids[0], "qrs_onset_s"].to_numpy()
        # Beats to the very end, at a plausible rate.
        assert times.max() > 1797 and np.diff(times).max() < 4
        assert 45 * 30 < len(times) < 145 * 30
        early = (beats.loc[beats.id == record.ids[0], "kind"] == label).sum()
        if label in ("PAC", "PVC"):
            # One to three in ten seconds, in every part of the record.
            assert 100 < early < 600
    of_pvc = beats[beats.kind == "PVC"].groupby("id").qrs_onset_s
    assert (of_pvc.min() < 300).all() and (of_pvc.max() > 1500).all()


def test_patients_differ_in_form_and_are_true_to_themselves():
    """Height ratios of waves, which no gain of a lead changes, vary between patients alone."""
    records, beats = make_ecg_records(
        40, labels=("RBBB",), noise=0, records_per_patient=2, random_state=1, return_beats=True
    )
    ratios = []
    for i in range(len(records)):
        v1 = records.signals[i, 6].astype(float)
        inside = beats[(beats.id == records.ids[i]) & beats.qrs_onset_s.between(0.5, 9)]
        shapes = [part(v1, beat.qrs_onset_s, beat.qrs_offset_s) for beat in inside.itertuples()]
        ratios.append(np.median([s[: len(s) // 3].max() / s[len(s) // 2 :].max() for s in shapes]))
    ratios = np.reshape(ratios, (20, 2))
    within = np.abs(ratios[:, 0] - ratios[:, 1]).mean()
    between = ratios.mean(axis=1).std()
    assert between > 0.04 and between > 5 * within


def test_leads_come_off():
    options = {"n_records": 60, "duration_s": 5, "sampling_rate": 100, "random_state": 0}
    whole = make_ecg_records(**options)

    def off(lead_off, **more):
        records = make_ecg_records(**options, **more, lead_off=lead_off)
        flat = (records.signals == 0).all(axis=2)
        # All other leads, and the labels, are as they were.
        kept = [LEADS.index(lead) for lead in records.lead_names]
        np.testing.assert_array_equal(records.signals[~flat], whole.signals[:, kept][~flat])
        np.testing.assert_array_equal(records.labels, whole.labels)
        return flat

    assert not off(0).any()
    assert off(0.2).mean() == pytest.approx(0.2, abs=0.05)
    assert off(["V1", "aVR"]).all(axis=0).nonzero()[0].tolist() == [3, 6]
    assert off("V1").sum() == 60
    by_lead = off({"V1": 0.5, "II": 1.0}).mean(axis=0)
    assert by_lead[1] == 1 and 0.3 < by_lead[6] < 0.7 and by_lead.sum() == by_lead[[1, 6]].sum()
    # Which ones are off does not depend on which leads are asked for.
    np.testing.assert_array_equal(off(0.3, leads=("V1", "II")), off(0.3)[:, [6, 1]])


def test_seed_and_subsets():
    records = make_ecg_records(6, random_state=3)
    again = make_ecg_records(6, random_state=3)
    np.testing.assert_array_equal(records.signals, again.signals)
    np.testing.assert_array_equal(records.labels, again.labels)
    other = make_ecg_records(6, random_state=4)
    assert not np.array_equal(records.signals, other.signals)
    two = make_ecg_records(6, leads=("V1", "II"), random_state=3)
    assert two.lead_names == ("V1", "II")
    np.testing.assert_array_equal(two.signals, records.signals[:, [6, 1]])


def test_patients_and_metadata():
    records = make_ecg_records(
        7, records_per_patient=3, duration_s=9, sampling_rate=250, random_state=0
    )
    assert records.shape == (7, 12, 2250)
    assert records.sampling_rate == 250 and records.lead_names == LEADS
    assert records.signals.dtype == np.float32
    assert list(records.groups) == ["P0000"] * 3 + ["P0001"] * 3 + ["P0002"]
    assert records.ids[4] == "P0001-1"
    assert records.trusted is None
    assert not np.array_equal(records.signals[0], records.signals[1])
    assert np.isfinite(records.signals).all()


def test_noise_levels():
    options = {"n_records": 6, "random_state": 0, "labels": ("Normal",)}
    clean = make_ecg_records(noise=0, **options).signals

    def rms(noise):
        return (make_ecg_records(noise=noise, **options).signals[0] - clean[0]).std()

    # Noise draws random numbers too, so only the first record is the same but for its noise.
    first = make_ecg_records(noise={"mains": 0.1}, **options).signals[0, 0] - clean[0, 0]
    spectrum = np.abs(np.fft.rfft(first))
    assert np.fft.rfftfreq(len(first), 1 / 500)[spectrum.argmax()] == pytest.approx(50)
    assert rms(2.0) == pytest.approx(4 * rms(0.5), rel=1e-3)
    assert rms(1.0) < 0.15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_records": 0}, "n_records must be a positive integer; got 0"),
        ({"records_per_patient": 1.5}, "records_per_patient must be a positive integer"),
        ({"labels": ("Normal", "VT")}, "labels must be .* got \\('Normal', 'VT'\\)"),
        ({"labels": "AF"}, "labels must be a sequence"),
        ({"leads": ("II", "II")}, "leads must be a sequence of different names"),
        ({"duration_s": 4.9}, "duration_s must be at least 5 s"),
        ({"sampling_rate": 10}, "sampling_rate must be at least 50 Hz"),
        ({"noise": -1}, "noise must be a number from 0 on"),
        ({"noise": {"hum": 1}}, "noise must give mV"),
        ({"lead_off": 1.5}, r"lead_off must be a probability.*got 1\.5"),
        ({"lead_off": ["V7"]}, "leads among .*'V6'.*got .'V7'"),
        ({"lead_off": {"II": -0.1}}, "lead_off must be a probability"),
        ({"lead_off": "V1", "leads": ("I", "II")}, "leads among .'I', 'II'.; got 'V1'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_ecg_records(**{"n_records": 2, **arguments})


@pytest.mark.parametrize(
    "arguments",
    [{"n_records": 10**12}, {"duration_s": 1e12}, {"duration_s": 1e300}, {"sampling_rate": 1e13}],
)
def test_more_than_memory_holds_is_refused_at_once(arguments):
    with pytest.raises(ValueError, match=r"make_ecg_records.* GB, which does not fit"):
        make_ecg_records(**{"n_records": 2, **arguments})


@pytest.mark.parametrize("arguments", [{"n_records": True}, {"labels": 5}, {"leads": None}])
def test_arguments_of_another_kind_are_named(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        make_ecg_records(**{"n_records": 2, **arguments})

"""What benchmarks do besides scoring: peers, constant offsets, predictions out of fold."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks import _delineators, _fold_networks, delineation, r_peaks
from benchmarks._delineators import LeadByLead, NeuroKit, OpenECG, kept, look_at_all
from benchmarks._wave_scores import POINTS, SAMPLING_RATE, score_delineation
from benchmarks.p_waves import labelled_records
from benchmarks.wave_network import _examples
from benchmarks.wave_network._patients import deal_out
from sklearn_ecg.datasets import load_ludb, load_ludb_annotations


@pytest.fixture(scope="module")
def ludb(shared_data):
    records = load_ludb(shared_data / "ludb")[:3]
    annotations = load_ludb_annotations(shared_data / "ludb")
    return records, annotations[annotations["id"].isin(records.ids)]


def test_constant_offsets_are_median_distances_from_r():
    columns = ["id", "lead", "wave", "onset", "peak", "offset", "span_start", "span_stop"]
    rows = []
    for r, late in ((1000, 0), (1500, 4), (2000, 10)):
        rows.append((1, "I", "P", r - 80 + late, r - 60, r - 40, 0, 4000))
        rows.append((1, "I", "QRS", r - 20, r, r + 20, 0, 4000))
    annotations = pd.DataFrame(rows, columns=columns)
    # A T wave before the first beat belongs to none of those that are marked.
    for r in (500, 1000, 1500):
        annotations.loc[len(annotations)] = (1, "I", "T", r + 100, r + 150, r + 200, 0, 4000)
    peaks = delineation.marked_r_peaks(annotations)
    offsets = delineation.ConstantOffsets(annotations, peaks).offsets
    assert offsets["p_onset"] == -76 and offsets["p_peak"] == -60
    assert offsets["qrs_onset"] == -20 and offsets["t_peak"] == 150


def test_neurokit_finds_waves_and_breaks_down_without_stopping(ludb):
    records, annotations = ludb
    peaks = delineation.marked_r_peaks(annotations)
    neurokit = LeadByLead(NeuroKit("prominence"), SAMPLING_RATE, peaks)
    signal = np.array(records.signals[0], dtype=float)
    signal[0] = np.nan
    waves = neurokit(records.ids[0], signal, records.lead_names)
    assert neurokit.n_failed == 1
    own = annotations.query("id == @records.ids[0] and lead == 'II'")
    scores = score_delineation(own, waves)
    assert scores.loc["QRS on", "f1"] > 90 and scores.loc["T peak", "f1"] > 50


def test_waves_out_of_fold_are_scored_in_place_of_ours(ludb, tmp_path):
    _, annotations = ludb
    nothing = pd.DataFrame(columns=["id", "lead", *(column for *_, column in POINTS)])
    nothing.to_csv(tmp_path / "waves.csv", index=False)
    waves = delineation.read_predictions(tmp_path / "waves.csv")
    waves.attrs = {"seconds": [0.01], "n_failed": 0}
    result = delineation.measure("ours", waves, annotations)
    assert {values["detected"] for values in result["points"].values()} == {0}
    assert "| ours | -" in delineation.tables({"ours": result})


def test_r_peaks_out_of_fold_are_scored_in_place_of_ours(shared_data, tmp_path):
    file = tmp_path / "r_peaks.json"
    file.write_text(json.dumps({"first lead": {"100": [77, 370]}}))
    predictions = r_peaks.read_predictions(file)
    name = "sklearn_ecg, first lead"
    nothing = r_peaks.look_at_all(lambda *_: [], shared_data / "mitdb", ["100"])
    row = r_peaks.measure(name, nothing, shared_data / "mitdb", predictions[name])
    assert row["missed"] == 2273 - 2 and row["false"] == 0


def test_openecg_finds_waves_of_any_length_and_rate(ludb):
    pytest.importorskip("openecg")
    pytest.importorskip("ai_edge_litert")
    records, annotations = ludb
    openecg = OpenECG()
    lead = np.asarray(records.signals[0][1], dtype=float)
    own = annotations.query("id == @records.ids[0] and lead == 'II'")
    waves = openecg(lead, SAMPLING_RATE).assign(id=records.ids[0], lead="II")
    scores = score_delineation(own, waves)
    assert (scores["f1"] > 85).all()
    # Longer ones are stitched, shorter ones are padded; the unit is the signal's own sample.
    longer = openecg(np.tile(lead, 3)[:12_345], SAMPLING_RATE)["r_peak"].dropna()
    assert np.diff(longer).max() < 1.6 * np.diff(waves["r_peak"].dropna()).max()
    shorter = openecg(lead[:3000:2], SAMPLING_RATE / 2)["r_peak"].dropna()
    assert shorter.between(0, 1500).all() and len(shorter) > 3


def test_what_peers_found_is_kept_with_the_time_it_took(tmp_path, monkeypatch):
    monkeypatch.setattr(_delineators, "KEPT", tmp_path / "kept")
    seen = []

    def look():
        def method(record_id, signal, lead_names):
            seen.append(record_id)
            return pd.DataFrame({"id": record_id, "lead": lead_names, "p_peak": [10.0, np.nan]})

        return look_at_all(method, [(1, np.zeros((2, 100)), ("I", "II"))])

    first, again = (kept("A peer (1)", look, about="record 1") for _ in range(2))
    assert seen == [1] and again.equals(first)
    assert len(again.attrs["seconds"]) == 1 and again.attrs["n_failed"] == 0
    kept("A peer (1)", look, about="record 1", fresh=True)
    kept("another", look, about="record 1")
    # What was found in other records is no answer.
    kept("A peer (1)", look, about="record 2")
    assert seen == [1, 1, 1, 1]


def test_each_patient_gets_a_network_that_never_saw_them(monkeypatch):
    folds = {"mitdb 100": 3, "ludb 7": 0, "cpsc2018 A0007": 4}
    monkeypatch.setattr(_fold_networks, "deal_out", lambda: folds)
    network_of = _fold_networks.FoldNetworks()
    of_folds = {network_of(patient) for patient in folds}
    assert len(of_folds) == 3 and _fold_networks.default_network() not in of_folds
    assert network_of("somebody else") is _fold_networks.default_network()


def test_patients_go_by_the_names_that_training_gives_them(shared_data, monkeypatch):
    """A record of training that is looked up by another name would be seen by a network of it."""
    dealt = deal_out().keys()
    looked_up = {patient for _, _, patient, *_ in labelled_records(every=1)}
    assert len(looked_up) > 100 and looked_up <= dealt
    few = [(name, *(part[:40] for part in rest)) for name, *rest in _examples._rhythm_collections()]
    monkeypatch.setattr(_examples, "_rhythm_collections", lambda: few)
    examples = _examples.rhythm_examples()
    assert {example.source for example in examples} == {"ptb-xl", "cpsc2018", "cinc2017"}
    assert {example.patient for example in examples} <= dealt

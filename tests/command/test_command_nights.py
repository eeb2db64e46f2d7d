"""``sklearn-ecg predict``: night after night."""

import json
import shutil

import pandas as pd
import pytest

from sklearn_ecg import LabelCorrelationECGClassifier
from sklearn_ecg.command._lock import locked
from sklearn_ecg.datasets import load_ecg_files, load_wfdb, make_ecg_records, write_ecg_files


@pytest.fixture
def predict(run, night, model, tmp_path):
    """A night, as a function; it returns the tables of what was new and of all."""

    def work(*options, expected=0):
        out = tmp_path / "out"
        run("predict", night, model, "-o", out, *options, expected=expected)
        return [
            pd.read_csv(out / f"{prefix}probabilities.csv", index_col="id", keep_default_na=False)
            for prefix in ("new_", "")
        ]

    return work


def test_only_what_is_new_is_predicted(predict, exports, night, model, tmp_path):
    new, everything = predict()
    pd.testing.assert_frame_equal(new, everything)
    records = load_ecg_files(night)
    classifier = LabelCorrelationECGClassifier.load(model)
    expected = pd.DataFrame(classifier.predict_proba(records), records.ids, ["Normal", "AF"])
    pd.testing.assert_frame_equal(
        everything[["Normal", "AF"]], expected.rename_axis("id"), rtol=1e-4
    )
    labels = pd.read_csv(tmp_path / "out" / "labels.csv", index_col="id")
    assert (labels[["Normal", "AF"]] == (expected >= 0.5)).all(axis=None)
    assert len(predict()[0]) == 0

    another = sorted((exports / "exports").glob("*.xml"))[5]
    shutil.copy(another, night)
    new, later = predict()
    assert new.index.tolist() == [another.name]
    pd.testing.assert_frame_equal(later.loc[everything.index], everything)

    # What was exported again is new, and what is gone stays in the table.
    first, *others = sorted(night.glob("*.dcm"))
    shutil.copy(others[0], first)
    others[0].unlink()
    new, last = predict()
    assert new.index.tolist() == [first.name]
    assert sorted(last.index) == sorted(later.index)


def test_an_empty_night_is_fine(predict, night):
    for file in night.iterdir():
        file.unlink()
    new, everything = predict()
    assert len(new) == len(everything) == 0
    assert list(new.columns) == ["Normal", "AF", "problem", "model", "predicted_at"]
    shutil.rmtree(night)
    predict(expected=1)  # a drive that is not there is no empty night


def test_what_cannot_be_read_is_told_and_stops_nothing(predict, night, tmp_path):
    damaged = sorted(night.glob("*.dcm"))[0]
    damaged.write_bytes(damaged.read_bytes()[:2000])
    log = tmp_path / "log.jsonl"
    new, _ = predict("--log", log)
    assert len(new) == 3
    report = pd.read_csv(tmp_path / "out" / "report.csv")
    assert damaged.name in report["id"].tolist()
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert [event["event"] for event in events][:: len(events) - 1] == ["start", "end"]
    assert events[-1]["exit_code"] == 0
    assert events[-2] | {"time": ""} == {
        "time": "", "event": "predicted", "n_new": 3, "n_unreadable": 1,
    }  # fmt: skip
    predict("--log", log, "--strict", expected=3)
    last = json.loads(log.read_text().splitlines()[-1])
    assert last["exit_code"] == 3


def test_files_that_are_no_ecgs_are_no_reason_to_be_strict(predict, night, tmp_path):
    (night / "scan.pdf").write_bytes(b"%PDF-1.7\n")
    (night / "labels.csv").write_text("ecg,AF\na,1\n")
    (night / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    assert len(predict("--strict")[0]) == 4
    assert len(pd.read_csv(tmp_path / "out" / "report.csv").query("not kept")) == 3
    (night / "0001").write_bytes(b"")  # may have been an ECG
    predict("--strict", expected=3)


@pytest.mark.parametrize("options", [(), ("--anonymise", "key")])
def test_a_night_of_damaged_files_alone_is_told(predict, night, tmp_path, options, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text("kept in our safe\n")
    predict(*options)
    for file in night.iterdir():
        file.write_bytes(file.read_bytes()[:1000])
    new, everything = predict("--strict", *options, expected=3)
    assert (len(new), len(everything)) == (0, 4)
    report = (tmp_path / "out" / "report.csv").read_text()
    assert report.count("False") == 4
    assert ("P00" in report) == (not options)


def test_files_are_understood_as_they_were_in_training(predict, run, night, model, tmp_path):
    shutil.copytree(model, tmp_path / "of_beats")
    settings = tmp_path / "of_beats" / "settings.toml"
    text = settings.read_text().replace('waveform = "rhythm"', 'waveform = "median"')
    settings.write_text(text)
    command = "predict", night, tmp_path / "of_beats", "-o", tmp_path / "out"
    said = run(*command, "--strict", expected=3).stderr  # there are no median beats
    assert "As the model was trained: --waveform median" in said
    assert 'waveform = "median"' in (tmp_path / "out" / "settings.toml").read_text()
    said = run(*command, "--waveform", "rhythm", expected=2).stderr
    assert "was trained with --waveform median" in said


def test_two_runs_do_not_write_into_one_folder_at_a_time(predict, tmp_path, run, night, model):
    with locked(tmp_path / "out"):
        result = run("predict", night, model, "-o", tmp_path / "out", expected=4)
    assert "Another run is using" in result.stderr
    predict()


def test_a_table_of_something_else_is_named(predict, run, night, model, tmp_path):
    predict()
    (tmp_path / "out" / "probabilities.csv").write_text("broken\n1,2\n")
    said = run("predict", night, model, "-o", tmp_path / "out", expected=1).stderr
    assert "probabilities.csv is not a table of the model's labels, Normal, AF" in said


def test_another_model_predicts_all_of_them_anew(predict, night, model, tmp_path, run):
    predict()
    classifier = LabelCorrelationECGClassifier.load(model)
    classifier.thresholds = 0.9
    classifier.save(tmp_path / "other")
    before = pd.read_csv(tmp_path / "out" / "labels.csv", index_col="id")
    gone = sorted(night.iterdir())[0]
    gone.unlink()
    run("predict", night, tmp_path / "other", "-o", tmp_path / "out")
    assert len(pd.read_csv(tmp_path / "out" / "new_labels.csv")) == 3
    after = pd.read_csv(tmp_path / "out" / "labels.csv", index_col="id")
    pd.testing.assert_series_equal(after.loc[gone.name], before.loc[gone.name])
    assert after["model"].nunique() == 2


def test_a_folder_of_wfdb_records_is_read_as_any_other(run, model, tmp_path):
    records = make_ecg_records(2, leads=("II", "V1", "I"), sampling_rate=100, random_state=5)
    write_ecg_files(records, tmp_path / "wfdb")
    assert len(load_wfdb(tmp_path / "wfdb")) == 2
    run("predict", tmp_path / "wfdb", model, "-o", tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "probabilities.csv")
    assert len(table) == 2
    assert table["Normal"].notna().all()


def test_predictions_are_scored_with_intervals(run, exports, model, tmp_path):
    run("predict", exports / "exports", model, "-o", tmp_path / "out")
    result = run("evaluate", exports / "truth.csv", tmp_path / "out", "-o", tmp_path / "scores",
                 "--resamples", 50)  # fmt: skip
    scores = pd.read_csv(tmp_path / "scores" / "scores.csv").set_index("label")
    assert scores.loc["AF", "known"] == 40
    assert scores.loc["AF", "roc_auc_low"] <= scores.loc["AF", "roc_auc"] <= 1
    assert f"({scores.loc['macro avg', 'f1_low']:.3f} to" in result.stdout
    learned = pd.read_csv(model / "split.csv").query("part == 'training'")
    assert f"has learned from {len(learned)} of the 40 records" in result.stderr
    held_out = run("evaluate", exports / "truth.csv", tmp_path / "out", "--held-out")
    assert "learned from" not in held_out.stderr
    assert held_out.stdout.split("\n")[2].split()[2] == str(40 - len(learned))
    # Some of the records, with names of labels, and patients.
    (tmp_path / "some.csv").write_text("ecg,dx,who\nP0000-0,AF,p\nP0000-1,AF;x,p\nP0001-0,none,q\n")
    result = run("evaluate", tmp_path / "some.csv", tmp_path / "out", "--label-column", "dx",
                 "--separator", ";", "--patient-column", "who", "--quiet")  # fmt: skip
    assert result.stdout.split("\n")[2].split()[:3] == ["AF", "2", "3"]
    (tmp_path / "other.csv").write_text("ecg,x\nP0000-0,1\n")
    said = run("evaluate", tmp_path / "other.csv", tmp_path / "out", expected=1).stderr
    assert "have no label in common" in said


def test_what_was_predicted_stays_where_a_file_was_damaged_later(predict, night, tmp_path):
    predict()
    labels = (tmp_path / "out" / "labels.csv").read_text()
    damaged = sorted(night.glob("*.xml"))[0]
    text = damaged.read_text(encoding="latin-1")
    place = text.index("<WaveFormData>") + 40
    damaged.write_text(text[:place] + "!!!!" + text[place + 4 :], encoding="latin-1")
    new, _ = predict("--strict", expected=3)
    assert len(new) == 0
    assert (tmp_path / "out" / "labels.csv").read_text() == labels


def test_samples_that_turn_out_damaged_are_told_too(predict, night, run, tmp_path):
    damaged = sorted(night.glob("*.xml"))[0]
    text = damaged.read_text(encoding="latin-1")
    place = text.index("<WaveFormData>") + 40
    damaged.write_text(text[:place] + "!!!!" + text[place + 4 :], encoding="latin-1")
    new, _ = predict("--strict", expected=3)
    assert (new["problem"] != "").to_dict()[damaged.name]
    assert set(new.loc[damaged.name, ["Normal", "AF"]]) == {""}
    assert damaged.name in pd.read_csv(tmp_path / "out" / "report.csv")["id"].tolist()
    said = run("inspect", night, "--quiet").stdout
    assert "Cannot be read:\n" in said
    assert str(damaged) in said

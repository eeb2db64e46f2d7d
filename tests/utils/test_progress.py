"""What is said of progress: bars count records, and stages say their names."""

import time

import numpy as np
import pytest

from sklearn_ecg import AFPLabelCleaner, ECGFeatureExtractor, LabelCorrelationECGClassifier
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.shards import MeasureFeatures, run_shards
from sklearn_ecg.utils import progress


@pytest.fixture(scope="module")
def records():
    return make_ecg_records(20, leads=["II"], duration_s=5, sampling_rate=100, random_state=0)


@pytest.mark.parametrize("has_memory", [False, True])
def test_bars_count_records(records, tmp_path, capsys, has_memory):
    memory = tmp_path if has_memory else None
    ECGFeatureExtractor(memory=memory, verbose=1).fit_transform(records)
    shown = capsys.readouterr().err
    assert "Measuring records" in shown
    assert "20/20" in shown


def test_a_bar_over_shards_counts_what_is_left(records, tmp_path, capsys):
    run_shards(MeasureFeatures(), records[:4], tmp_path)
    assert capsys.readouterr().err == ""
    run_shards(MeasureFeatures(), records, tmp_path, verbose=1)
    assert "16/16" in capsys.readouterr().err
    run_shards(MeasureFeatures(), records, tmp_path, verbose=1)
    assert capsys.readouterr().err == ""


def test_each_stage_of_cleaning_says_its_name(capsys):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, size=(60, 1))
    X = rng.normal(3 * truth, 1, size=(60, 3))
    cleaner = AFPLabelCleaner(max_iter=1, random_state=0, verbose=1)
    cleaner.fit(X, truth, trusted=np.arange(60) < 30)
    stage = "Cleaning labels, round 1 of at most 1"
    said = [f"{stage}: growing trees", f"{stage}: comparing records", f"{stage}: weighing labels"]
    assert capsys.readouterr().err.splitlines() == said
    cleaner.set_params(verbose=0).fit(X, truth, trusted=np.arange(60) < 30)
    assert capsys.readouterr().err == ""


def test_training_and_prediction_show_bars_only_when_asked(records, capsys):
    classifier = LabelCorrelationECGClassifier(features=None, max_epochs=2, random_state=0)
    classifier.fit(records).predict(records)
    assert capsys.readouterr().err == ""
    classifier.set_params(verbose=1).fit(records)
    said = capsys.readouterr().err
    assert "Training, epochs: 100%" in said and "2/2" in said and "train_loss=" in said
    classifier.predict_proba(records)
    assert "Predicting, batches: 100%" in capsys.readouterr().err
    classifier.set_params(verbose=0).transform(records)
    assert capsys.readouterr().err == ""


def test_a_log_gets_lines_and_few_of_them(capsys):
    for _ in progress(range(300), description="Counting", verbose=1):
        time.sleep(0.001)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("Counting:   0%") and "300/300" in lines[1]
    assert not any("\r" in line for line in lines)


def test_a_terminal_gets_a_bar_in_place(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    list(progress(range(3), description="Counting", verbose=1))
    assert capsys.readouterr().err.startswith("\rCounting")

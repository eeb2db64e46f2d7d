"""What the page of PTB-XL says of its rows."""

import re

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_score, roc_auc_score

from benchmarks._compared import difference, left_out_of_differences, pack, unpack
from benchmarks.ptbxl import averaged, beside_published, table, with_labels_of_every_part
from sklearn_ecg import ECGRecords


@pytest.fixture
def scored(rng):
    labels = rng.integers(0, 2, size=(120, 3))
    return ECGRecords(np.zeros((120, 1, 10)), 100, labels=labels, groups=np.arange(120) // 2)


@pytest.fixture
def rows(rng, scored):
    found = []
    for name, noise in [("default", 0.6), ("another", 1.2)]:
        for seed in range(2 if name == "default" else 3):
            said = np.clip(0.3 + 0.4 * scored.labels + noise * rng.normal(size=(120, 3)), 0, 1)
            auc = roc_auc_score(scored.labels, said)
            row = {
                "network": name,
                "seed": seed,
                "auc": auc,
                "f1": 0.5,
                "probabilities": pack(said),
            }
            found.append(row | {"seconds": 3, "cpu_seconds": 2, "n_weights": 10})
    return found


def test_probabilities_survive_their_text(rng):
    probabilities = rng.random((7, 5))
    np.testing.assert_allclose(unpack(pack(probabilities), (7, 5)), probabilities, atol=5e-4)


def test_differences_are_means_over_the_seeds_that_both_have(rows, scored):
    by_name = {
        name: np.mean([row["auc"] for row in rows if row["network"] == name and row["seed"] < 2])
        for name in ("default", "another")
    }
    text = difference(rows, "another", scored, "roc_auc")
    number, low, high = map(float, re.findall(r"[-+]\d\.\d+", text))
    assert number == pytest.approx(by_name["another"] - by_name["default"], abs=1.5e-3)
    assert low < number < high < 0
    assert difference(rows, "default", scored, "roc_auc") == ""


def test_differences_leave_out_labels_of_too_few_patients(rows, scored):
    assert left_out_of_differences(scored) == ""
    labels = np.column_stack([scored.labels, np.zeros(len(scored), dtype=int)])
    labels[[0, 1, 40], 3] = 1
    rare = scored.with_labels(labels, label_names=["A", "B", "C", "rare"])
    wider = [
        row
        | {"probabilities": pack(np.insert(unpack(row["probabilities"], (120, 3)), 3, 0.5, axis=1))}
        for row in rows
    ]
    for metric in ("roc_auc", "f1_macro"):
        compared = difference(wider, "another", rare, metric)
        assert compared == difference(rows, "another", scored, metric)
    assert left_out_of_differences(rare).endswith("have, or lack: rare.")
    assert "or lack: rare." in table(wider, rare)
    assert difference(rows, "another", scored[:6], "roc_auc") == "too few patients"


def test_averaged_seeds_are_scored_as_one(rows, scored):
    auc = float(averaged(rows, "another", scored).split(",")[0])
    assert auc > max(row["auc"] for row in rows if row["network"] == "another")


def test_the_table_has_a_line_for_each_network(rows, scored):
    lines = table(rows, scored).split("\n\n")[0].splitlines()
    assert len(lines) == 2 + 2
    assert "0.5" in lines[2] and "default" in lines[2]


def test_scores_stand_beside_the_published_ones(rows, scored):
    text = beside_published(rows, scored, "superdiagnostic")
    lines = {
        line.split("|")[1].strip(): line.split("|")[2:-1]
        for line in text.splitlines()
        if line.startswith("|")
    }
    assert list(map(float, lines["published: Zhang, Sun (2024)"])) == [0.902, 0.783, 0.732, 0.754]
    said = [
        unpack(row["probabilities"], (120, 3)) >= 0.5 for row in rows if row["network"] == "default"
    ]
    accuracy = np.mean([accuracy_score(scored.labels.ravel(), p.ravel()) for p in said])
    precision = np.mean([precision_score(scored.labels, p, average="macro") for p in said])
    assert list(map(float, lines["default"][:2])) == pytest.approx([accuracy, precision], abs=6e-4)
    assert "published" not in beside_published(rows, scored, "rhythm").split("\n\n")[1]


def test_labels_that_cannot_be_scored_are_named():
    labels = np.array([[1, 1, 0, 1], [0, 0, 1, 1], [1, 0, 1, 0]])
    records = ECGRecords(
        np.zeros((3, 1, 10)), 100, labels=labels, label_names=["A", "B", "C", "D"], split=[1, 9, 10]
    )
    kept, said = with_labels_of_every_part(records)
    assert list(kept.label_names) == ["A"]
    assert said.endswith("has them: B, C, D.")
    whole, nothing = with_labels_of_every_part(kept)
    assert whole is kept and nothing == ""

"""The pages of the AFP paper's thresholds and ablations, on simulated tables."""

import json
import sys
from argparse import Namespace

import numpy as np
import pandas as pd
import pytest

from benchmarks import _afp, _report, afp_ablations, afp_thresholds
from sklearn_ecg import ECGRecords


@pytest.fixture
def table(rng):
    """Labels 0, 1, 2 and features: a record with 1 has 0 as well, one with 2 has nothing else."""
    labels = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1]] * 50, dtype=np.int8)
    records = ECGRecords(np.zeros((150, 1, 10)), 100, labels=labels, groups=np.arange(150))
    return records, labels @ rng.normal(0, 3, (3, 6)) + rng.normal(0, 1, (150, 6))


@pytest.fixture
def run(table, tmp_path, monkeypatch):
    """Run a benchmark with options, on the table and into a folder of the test's."""
    monkeypatch.setattr(_report, "RESULTS", tmp_path)
    monkeypatch.setattr(_afp, "load_features", lambda *_, **__: {"smit": table})

    def run(benchmark, *options):
        name = benchmark.__name__.rpartition(".")[2]
        monkeypatch.setattr(sys, "argv", [name, *options])
        benchmark.main()
        assert (tmp_path / f"{name}.svg").stat().st_size > 10_000
        rows = json.loads((tmp_path / f"{name}.json").read_text())["data"]
        return pd.DataFrame(rows), (tmp_path / f"{name}.md").read_text()

    return run


def test_noisy_copies_are_of_weak_records_and_those_that_are_measured_are_left_out(
    table, tmp_path, monkeypatch
):
    monkeypatch.setattr(_report, "RESULTS", tmp_path)
    labels = table[0].labels
    arguments = Namespace(first_seed=3, splits=2, rates=[0.1, 0.3])
    results = _report.Results("page", "afp_ablations", ("seed", "rate"))
    results.add({"seed": 3, "rate": 0.3})
    copies = list(_afp.unmeasured_copies(results, arguments, labels))
    assert [(copy["seed"], copy["rate"]) for copy, *_ in copies] == [(3, 0.1), (4, 0.1), (4, 0.3)]
    for copy, y_weak, trusted in copies:
        assert trusted.sum() == 50
        assert (y_weak[trusted] == labels[trusted]).all()
        removed = ((labels == 1) & (y_weak == 0)).sum() / labels[~trusted].sum()
        assert removed == pytest.approx(copy["rate"], abs=0.03)


def test_rules_are_counted_against_the_truth():
    cleaner = Namespace(
        provenance_=np.array(
            [
                ["trusted", "trusted", "trusted"],
                ["anchor", "included", "excluded"],
                ["confirmed", "included", "excluded"],
                ["confirmed", "confirmed", "undecided"],
            ]
        ),
        label_names_=np.array(["N", "V", "L"]),
        inclusion_rules_=pd.DataFrame({"source": ["N"]}),
        exclusion_rules_=pd.DataFrame({"label": ["N", "L"], "opposed": ["L", "N"]}),
    )
    weak = np.array([[1, 0, 1], [1, 0, 1], [0, 0, 1]])
    truth = np.array([[1, 1, 0], [0, 0, 1], [1, 0, 1]])
    weak_rows = np.array([False, True, True, True])
    counted = afp_thresholds.count(cleaner, truth, weak, weak_rows)
    assert counted == {
        "inclusion rules": 1,
        "exclusion rules": 2,
        # Two that were added and the one of the given ones that a rule confirmed.
        "included": 3,
        "included rightly": 1,
        "added": 2,
        "added rightly": 1,
        "dropped": 2,
        "dropped rightly": 1,
        "missing": 2,
        "wrong": 2,
        # Two records have N, two have L, and one of them has both.
        "apart": 4,
        "apart rightly": 2,
    }


def test_fewer_rules_pass_stricter_thresholds_and_a_second_run_measures_nothing(run, monkeypatch):
    rows, page = run(afp_thresholds, "--rates", "0.2", "--splits", "1")
    assert "](afp_thresholds.svg)" in page and "## ε" in page
    inclusion = rows[rows["swept"] != "max_exclusion"]
    for _, curve in inclusion.groupby(["swept", "held"]):
        assert curve["inclusion rules"].is_monotonic_decreasing
    exclusion = rows[rows["swept"] == "max_exclusion"]
    assert exclusion["exclusion rules"].is_monotonic_increasing
    # 2 never comes with 0 or 1; 1 comes with 0 in half of its records at least.
    assert rows["inclusion rules"].max() > 0 and exclusion["exclusion rules"].iloc[0] >= 4
    assert (exclusion["apart rightly"] == exclusion["apart"])[exclusion["value"] < 0.2].all()

    monkeypatch.setattr(afp_thresholds, "sweep", lambda *_: pytest.fail("measured again"))
    again, _ = run(afp_thresholds, "--rates", "0.2", "--splits", "1")
    pd.testing.assert_frame_equal(rows, again)


def test_ablations_are_paired_with_the_method_in_full(run):
    rows, page = run(afp_ablations, "--rates", "0.2", "--splits", "1")
    assert len(rows) == 5
    assert "6.21 to 10.17" in page and "](afp_ablations.svg)" in page
    f1 = rows.fillna("").set_index(["method", "without"])["weak"]
    assert f1["paper", ""] > f1["nothing", ""]
    lost = 100 * (f1["paper", ""] - f1["paper", "discriminators"])
    assert f"{lost:.2f}" in page.split("## Undecided as weak")[1].split("##")[0]


def test_undecided_labels_count_as_weak_or_as_absent():
    truth, weak = np.array([[1, 0], [1, 1], [0, 1]]), np.array([[1, 1], [1, 0], [0, 1]])
    scores = afp_ablations.score(truth, np.array([[-1, 0], [1, 1], [0, -1]]), weak)
    assert scores["weak"] == 1
    # Of the two records that have a label, one is found: recall 1/2, precision 1, of both labels.
    assert scores["absent"] == pytest.approx(2 / 3)


def test_nothing_is_lost_where_a_stage_changes_nothing():
    rows = [
        {"seed": 0, "rate": 0.1, "method": "paper", "without": without, "weak": f1}
        for without, f1 in ((None, 0.9), ("anchors", 0.8), ("rules", 0.9), ("discriminators", 0.95))
    ]
    lost = afp_ablations.lost_points(
        afp_ablations.by_variant(pd.DataFrame(rows), "undecided as weak")
    )
    assert lost.to_numpy()[0] == pytest.approx([10, 0, -5])

"""Every benchmark as a command: its options, the pages it made, its quick run, what it refuses."""

import importlib
import json
import pkgutil
import shlex
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import benchmarks
from benchmarks import (
    _data,
    _fold_networks,
    _million,
    _report,
    afp_comparisons,
    cleaning_speed,
    cleaning_stages,
    cleaning_thresholds,
    cross_validation,
    delineation,
    delineation_qtdb,
    downstream,
    feature_rates,
    feature_speed,
    few_trusted,
    growth,
    hospital_files,
    intervals,
    lead_reversal,
    many_labels,
    mixture,
    network_speed,
    p_waves,
    ptbxl,
    r_peaks,
    readers,
    reading,
    real_noise,
    review,
    smit,
    twelve_leads,
)
from sklearn_ecg import ECGRecords, features
from sklearn_ecg.datasets import load_ludb, make_ecg_records

COMMANDS = [
    module.name
    for module in pkgutil.iter_modules(benchmarks.__path__)
    if not module.name.startswith("_") and module.name != "networks"
]
PAGES = sorted((Path(__file__).parents[2] / "docs" / "results").glob("*.md"))


@pytest.fixture(scope="module")
def simulated():
    """Forty records of twenty patients, three leads, three labels, and a fold for each."""
    return make_ecg_records(
        40,
        labels=("Normal", "AF", "RBBB"),
        leads=("I", "II", "V1"),
        sampling_rate=100,
        random_state=0,
    )


def remade(records, **changes):
    kept = {"labels": records.labels, "label_names": records.label_names, "groups": records.groups}
    return ECGRecords(records.signals, records.sampling_rate, **(kept | changes))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a benchmark with options into a folder of the test's; return the page's text."""
    monkeypatch.setattr(_report, "RESULTS", tmp_path)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")

    def run(benchmark, *options, page=None):
        name = benchmark.__name__.rpartition(".")[2]
        monkeypatch.setattr(sys, "argv", [name, *options])
        benchmark.main()
        page = page or f"{name}_quick"
        return (tmp_path / f"{page}.md").read_text()

    return run


def module_of(command):
    name = "wave_network.__main__" if command == "wave_network" else command
    return importlib.import_module(f"benchmarks.{name}")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_lists_its_options(command, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [command, "--help"])
    with pytest.raises(SystemExit) as ended:
        module_of(command).main()
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "usage:" in said
    assert command == "wave_network" or "--quick" in said or command.startswith("network_speed")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_a_command_that_its_benchmark_takes(page, monkeypatch):
    # The page of a million records shows rows of growth.
    source = page.with_stem(page.stem.replace("million_records", "growth"))
    kept = json.loads(source.with_suffix(".json").read_text())
    assert kept["data"]
    for run in kept["runs"]:
        assert f"`{run['command']}`, {run['date']}, " in page.read_text()
        python, dash_m, module, *options = shlex.split(run["command"])
        assert (python, dash_m) == ("python", "-m")
        command = module.removeprefix("benchmarks.")
        assert command in COMMANDS
        monkeypatch.setattr(sys, "argv", [command, *options])
        module_of(command).parse_arguments()
    lines = page.read_text().splitlines()
    for plot in (line.split("](")[1].rstrip(")") for line in lines if line.startswith("![")):
        assert (page.parent / plot).exists()


def test_every_page_of_results_is_on_the_list_of_commands():
    listed = (Path(benchmarks.__path__[0]) / "README.md").read_text()
    assert [command for command in COMMANDS if f"`benchmarks.{command}`" not in listed] == []


@pytest.mark.parametrize(
    ("benchmark", "options"),
    [
        (smit, []),
        (twelve_leads, ["ptbxl"]),
        (twelve_leads, ["cpsc2018"]),
        (many_labels, []),
        (few_trusted, []),
        (real_noise, []),
        (readers, []),
        (review, []),
        (cleaning_stages, []),
        (cleaning_thresholds, []),
        (afp_comparisons, ["smit"]),
        (downstream, ["ptbxl"]),
        (ptbxl, []),
        (cross_validation, ["mitdb"]),
        (r_peaks, []),
        (delineation, []),
        (intervals, []),
        (delineation_qtdb, []),
        (p_waves, []),
        (feature_rates, []),
        (lead_reversal, []),
        (feature_speed, []),
        (reading, []),
        (hospital_files, []),
    ],
    ids=lambda value: value if isinstance(value, list) else value.__name__,
)
def test_missing_data_are_named_with_the_variable_to_set(benchmark, options, tmp_path, monkeypatch):
    monkeypatch.setenv("SKLEARN_ECG_DATA", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["benchmark", *options])
    with pytest.raises(SystemExit, match=r"is missing: set SKLEARN_ECG_DATA to the folder that"):
        benchmark.main()


def test_methods_are_compared_on_smit_and_on_twelve_leads(run, simulated, monkeypatch):
    methods = ["--methods", "do nothing", "DDF"]
    monkeypatch.setitem(_data.DATA, "smit", lambda: simulated)
    page = run(smit, "--quick", *methods)
    assert "10 records" in page and "| DDF " in page
    monkeypatch.setitem(_data.DATA, "ptbxl", lambda: simulated)
    page = run(twelve_leads, "ptbxl", "--quick", *methods, page="twelve_leads_ptbxl_quick")
    assert "10 records" in page and "20% |" in page.replace("   ", " ")


@pytest.fixture
def few_records(simulated, monkeypatch):
    """Simulated records in the place of all data that are cleaned."""
    for name in _data.DATA:
        monkeypatch.setitem(_data.DATA, name, lambda: simulated)


PEERS = ["--methods", "do nothing", "extra trees, Bayes, EM", "AFPLabelCleaner"]


def test_many_labels_show_both_means_and_how_right_the_changes_are(run, few_records, cache):
    page = run(many_labels, "--quick", *PEERS, *cache)
    scores, changes = page.split("Over splits:")
    line = next(line for line in scores.splitlines() if line.startswith("| AFPLabelCleaner"))
    weighted, macro = map(float, line.split("|")[2].split("/"))
    assert 0 <= weighted <= 1 and 0 <= macro <= 1
    line = next(line for line in changes.splitlines() if line.startswith("| AFPLabelCleaner"))
    assert float(line.split("|")[2]) == 0.2 and "`missing` held" in changes


def test_few_trusted_records_are_compared_by_share(run, few_records, cache):
    page = run(few_trusted, "--quick", *PEERS, *cache)
    assert "## SMIT, 20% swapped" in page and "## PTB-XL's superclasses, 20% swapped" in page
    header = next(line for line in page.splitlines() if "ours at 1%" in line)
    assert [cell.strip() for cell in header.split("|")[2:5]] == ["1%", "2%", "5%"]
    ahead = next(line for line in page.splitlines() if line.startswith("| do nothing"))
    assert float(ahead.split("|")[4]) >= -100


def test_stages_are_left_out_one_by_one(run, few_records, cache, monkeypatch):
    monkeypatch.setattr(cleaning_stages, "STAGES", {"label sets": {"joint": False}})
    page = run(cleaning_stages, "--quick", *cache)
    lines = [line for line in page.splitlines() if line.startswith("| PTB-XL's superclasses")]
    # Weighted and macro: the score in full, and what the stage is worth in points.
    assert len(lines) == 2
    for line in lines:
        full, worth = (float(cell) for cell in line.split("|")[2:4])
        assert 0 <= full <= 1 and -100 <= worth <= 100


def test_thresholds_are_drawn_through_the_default(run, few_records, cache, monkeypatch, tmp_path):
    monkeypatch.setattr(cleaning_thresholds, "PARAMETERS", {"min_confidence": (0.5, 0.8)})
    options = ["--situations", "CPSC2018", *cache]
    page = run(cleaning_thresholds, "--quick", *options)
    assert "](cleaning_thresholds_quick.svg)" in page
    assert (tmp_path / "cleaning_thresholds_quick.svg").stat().st_size > 5000
    lines = [line for line in page.splitlines() if "| min_confidence" in line]
    values = [line.split("|")[2].strip() for line in lines]
    assert values == ["0.5", "0.55", "0.8"]


def test_real_noise_is_scored_by_record(run, simulated, cache, monkeypatch):
    first = simulated.labels.copy()
    first[::5] = np.roll(first[::5], 1, axis=1)
    weak = simulated.with_labels(first)
    monkeypatch.setattr(real_noise, "read", lambda every: (weak, simulated.labels))
    page = run(real_noise, "--quick", *PEERS, *cache)
    line = next(line for line in page.splitlines() if line.startswith("| do nothing"))
    assert [cell.strip() for cell in line.split("|")[4:6]] == ["0", "0"]
    assert "Of 26 weak records" in page


def test_readers_are_combined_with_and_without_features(run, simulated, cache, monkeypatch, rng):
    gold = pd.DataFrame(rng.integers(0, 2, size=(60, 6)), columns=list(readers.LABELS))
    answers = {name: gold.copy() for name in readers.READERS["all six"]}
    answers["dnn"] = 1 - gold
    labels = rng.integers(0, 2, size=(40, 6))
    records = remade(simulated, labels=labels, label_names=list(readers.LABELS))
    monkeypatch.setattr(readers, "data_folder", lambda name: name)
    monkeypatch.setattr(readers, "read_code_test", lambda folder: (gold, answers))
    monkeypatch.setattr(readers, "read_ptbxl", lambda: records)
    alone = "the best reader by trusted records"
    majority = "majority vote, then extra trees, Bayes, EM"
    page = run(readers, "--quick", "--methods", alone, "majority vote", majority, *cache)
    parts = page.split("\n## ")[1:-1]  # the last says what measured them
    assert [part.splitlines()[0] for part in parts] == [
        "CODE, all six",
        "CODE, without cardiologists",
        "PTB-XL, all six",
        "PTB-XL, without cardiologists",
    ]
    for part in parts:
        for line in part.splitlines():
            # One of several who is always wrong is outvoted, and never chosen.
            if line.startswith((f"| {alone}", "| majority vote  ")):
                assert float(line.split("|")[2]) == 1 and float(line.split("|")[4]) == 0
    assert majority in parts[2] and majority not in parts[0]


def test_reviews_are_compared_by_number_of_answers(run, few_records, cache):
    page = run(review, "--quick", "--data", "smit", "--methods", "ours", "random", *cache)
    _, over_all, on_smit, _ = page.split("\n## ")
    assert over_all.startswith("All data, readers: never wrong")
    shares = ["0.25%", "0.50%", "1.00%", "2.00%", "4.00%"]
    header = next(line for line in over_all.splitlines() if line.startswith("| method"))
    assert [cell.strip() for cell in header.split("|")[2:-1]] == shares
    for method in ("ours", "random", "random, answers alone"):
        line = next(line for line in on_smit.splitlines() if line.startswith(f"| {method} "))
        cells = [tuple(map(float, cell.split("/"))) for cell in line.split("|")[2:-1]]
        assert len(cells) == 6 and all(0 <= f1 <= 1 and left >= 0 for f1, left in cells)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A folder that keeps the features of simulated records, so that they are measured once."""
    return ["--cache", str(tmp_path_factory.mktemp("cache"))]


@pytest.fixture
def comparisons(run, simulated, cache, monkeypatch):
    monkeypatch.setitem(_data.DATA, "smit", lambda: simulated)

    def compare(*options):
        options = ["smit", "--rates", "0.2", *cache, *options]
        return run(afp_comparisons, *options, page="afp_comparisons_smit")

    return compare


def test_a_third_is_trusted_in_turn_and_patients_stay_together(simulated):
    for by_patient in (False, True):
        rounds = np.array(list(afp_comparisons.rounds_of_trust(simulated, by_patient=by_patient)))
        assert (rounds.sum(axis=0) == 2).all()
        assert rounds.mean(axis=1) == pytest.approx(1 / 3, abs=0.07)
    patients = [set(simulated.groups[mask]) for mask in rounds]
    others = [set(simulated.groups[~mask]) for mask in rounds]
    assert not any(one & other for one, other in zip(patients, others, strict=True))


def test_comparisons_show_precision_and_recall_beside_the_papers_lead(comparisons):
    page = comparisons("--rounds", "2", "--methods", "do nothing", "DDF, as published")
    # The paper's lead over DDF at this noise, on its 12-lead records and on SMIT.
    assert "+14.25" in page and "+4.28" in page
    line = next(line for line in page.splitlines() if line.startswith("| do nothing"))
    precision, recall, f1 = map(float, line.split("|")[2:5])
    # A fifth of the labels is replaced: as many are wrong as are missing.
    assert recall == pytest.approx(0.8, abs=0.05)
    assert f1 == pytest.approx(2 * precision * recall / (precision + recall), abs=0.05)


def test_interrupted_comparisons_go_on_where_they_stopped(comparisons, monkeypatch, tmp_path):
    options = ["--rounds", "2", "--methods", "do nothing"]
    measured, clean = [], afp_comparisons.clean

    def clean_until_interrupted(*args, seed, **kwargs):
        measured.append(seed)
        if measured == [0, 1]:
            raise KeyboardInterrupt
        return clean(*args, seed=seed, **kwargs)

    monkeypatch.setattr(afp_comparisons, "clean", clean_until_interrupted)
    with pytest.raises(KeyboardInterrupt):
        comparisons(*options)
    assert len(json.loads((tmp_path / "afp_comparisons_smit.json").read_text())["data"]) == 1
    assert "2 of 6 rounds" in comparisons(*options)
    assert measured == [0, 1, 1]


def test_labels_too_rare_for_folds_are_said(comparisons, simulated, monkeypatch):
    labels = simulated.labels.copy()
    labels[np.flatnonzero(labels[:, 1])[3:], 1] = 0
    rare = simulated.with_labels(labels)
    monkeypatch.setitem(_data.DATA, "smit", lambda: rare)
    page = comparisons("--rounds", "1", "--methods", "do nothing")
    assert "Fewer records than folds have AF (3)." in page


def test_patients_are_asked_for_where_none_are_named(comparisons, simulated, monkeypatch):
    nameless = remade(simulated, groups=None)
    monkeypatch.setitem(_data.DATA, "smit", lambda: nameless)
    with pytest.raises(SystemExit, match="leave --by out"):
        comparisons("--by", "patient")


def test_classifiers_are_trained_on_weak_cleaned_and_true_labels(
    run, simulated, cache, monkeypatch
):
    monkeypatch.setitem(_data.DATA, "smit", lambda: simulated)
    network = downstream.CLASSIFIERS[downstream.NETWORK]
    monkeypatch.setitem(
        downstream.CLASSIFIERS,
        downstream.NETWORK,
        lambda seed: network(seed).set_params(max_epochs=1),
    )
    options = ["--splits", "1", "--rates", "0.4", "--methods", "DDF", *cache]
    page = run(downstream, *options, "--classifiers", "extra trees", "network", page="downstream")
    assert "extra trees, 40% swap" in page and "network, 40% swap" in page
    assert "3.13" in page.split("## macro F1")[0]
    rows = [line for line in page.splitlines() if line.startswith("| 40%")]
    # Three kinds of labels, by two classifiers, in five measures.
    assert len(rows) == 30


def test_networks_are_compared_on_the_folds_of_ptbxl_and_by_cross_validation(
    run, simulated, monkeypatch
):
    with_folds = remade(simulated, split=np.arange(len(simulated)) // 4 + 1)
    monkeypatch.setattr(ptbxl, "load_ptbxl", lambda *_, **__: with_folds)
    networks = ["--networks", "its backbone alone"]
    options = ["--quick", "--folder", ".", "--least", "3"]
    page = run(ptbxl, *options, *networks)
    assert "40 records of 20 patients, 10 folds; 3 labels" in page and "| 2 of 10 |" in page
    with pytest.raises(SystemExit, match="'a net of mine' is none of 'default', "):
        run(ptbxl, *options, "--networks", "a net of mine")
    monkeypatch.setattr(cross_validation, "LOADERS", {"cpsc2018": lambda _: simulated})
    monkeypatch.setattr(cross_validation, "PAPERS_PARTS", {"network": "small"})
    options = ["cpsc2018", "--quick", "--folder", ".", "--folds", "2", *networks]
    options += [cross_validation.PAPER]
    page = run(cross_validation, *options, page="cross_validation_cpsc2018_2_folds_quick")
    assert "40 records of 20 patients, 2 folds" in page
    assert f"| {cross_validation.PAPER} |" in page and "as its authors train" in page


def test_speed_and_growth_are_measured(run, monkeypatch):
    few = {"feature extraction": (4, 8), "mixture": (200, 400), "label cleaner": (60, 90)}
    few |= dict.fromkeys(list(growth.STAGES)[3:], (8, 16))
    monkeypatch.setattr(growth, "QUICK", {name: {"records": n} for name, n in few.items()})
    monkeypatch.setattr(growth, "in_own_process", lambda function, *args: function(*args))
    page = run(growth, "--quick")
    assert page.count("| records |") >= 5
    needs = run(growth, "--quick", page="million_records_quick")
    assert "| label cleaner " in needs and "extrapolated" in needs
    monkeypatch.setattr(cleaning_speed, "in_own_process", lambda function, *args: function(*args))
    options = ["--peer-sizes", "--repeats", "1", "--search-records", "0"]
    sizes = ["--sizes", "150x5x3", "300x5x3"]
    assert "time grows as" in run(cleaning_speed, *sizes, *options, page="cleaning_speed")


def test_growth_is_measured_once(run, monkeypatch, tmp_path):
    rows = [
        {"stage": stage, "grows": "records", "size": size, "seconds": size / 100, "GB": size / 1e6}
        for stage, sizes in growth.QUICK.items()
        for size in sizes["records"]
    ]
    measured = [row | {"run": 0} for row in rows]
    runs = [_report.this_run("growth")]
    (tmp_path / "growth_quick.json").write_text(json.dumps({"runs": runs, "data": measured}))
    monkeypatch.setattr(growth, "measure", lambda *_: pytest.fail("measured again"))
    page = run(growth, "--quick")
    assert page.count("| 1.00 ") >= len(growth.QUICK)
    needs = _million.needs(growth.pd.DataFrame(rows)).set_index("stage")
    # A hundred records a second are 2.78 hours for a million, by either way.
    cleaner = needs.loc["label cleaner"]
    assert cleaner["hours by the exponent"] == pytest.approx(1e4 / 3600)
    assert cleaner["hours in proportion"] == pytest.approx(1e4 / 3600)
    assert cleaner["GB by a line"] == pytest.approx(1)
    assert needs["hours in proportion"].max() == pytest.approx(_million.N_EPOCHS * 1e4 / 3600)


def test_mixtures_are_compared(run, monkeypatch):
    monkeypatch.setattr(mixture, "SIZES", [(2, 200, False)])
    monkeypatch.setattr(mixture, "N_TEST", 100)
    page = run(mixture, "--quick", "--seeds", "1")
    assert "The wrong model" in page


def test_speed_of_the_network_is_measured(run, monkeypatch):
    monkeypatch.setattr(network_speed, "_BATCH", 4)
    page = run(network_speed, "--quick", "--threads", "1")
    assert "| xresnet " in page and "Overhead" in page


def test_beats_and_waves_are_scored_on_what_is_there_of_the_data(
    run, shared_data, tmp_path, monkeypatch
):
    for part, record in (("ludb/data", "1"), ("mitdb", "100")):
        (tmp_path / part).mkdir(parents=True)
        for file in (shared_data / part).glob(f"{record}.*"):
            (tmp_path / part / file.name).symlink_to(file)
    (tmp_path / "ludb" / "ludb.csv").symlink_to(shared_data / "ludb" / "ludb.csv")
    monkeypatch.setenv("SKLEARN_ECG_DATA", str(tmp_path))
    monkeypatch.setattr(r_peaks, "peers", lambda slow: {})
    monkeypatch.setattr(delineation, "peers", lambda: {})
    assert "1 records" in run(r_peaks, "--quick")
    assert "constant offsets" in run(delineation, "--quick")
    assert "1000 Hz" in run(feature_rates, "--quick")


def test_swapped_electrodes_are_looked_for(run, shared_data, monkeypatch, tmp_path):
    monkeypatch.setattr(lead_reversal, "_SCATTER", tmp_path / "scatter.csv")
    page = run(lead_reversal, "--quick")
    assert "| CPSC2018, 500 Hz" in page and "LA/RA, %" in page
    lead_reversal.calibrate(load_ludb(shared_data / "ludb")[:6])
    rows = (tmp_path / "scatter.csv").read_text().splitlines()
    assert len(rows) == 41 and rows[0] == "part,lead,I,II,V1,V2,V3,V4,V5,V6"


def test_intervals_are_compared_with_marks_and_with_a_recorder(run, shared_data, monkeypatch):
    few = load_ludb(shared_data / "ludb")[:40]
    monkeypatch.setattr(intervals, "load_ludb", lambda _: few)
    monkeypatch.setattr(_fold_networks, "deal_out", lambda: {"ludb 1": 0})
    page = run(intervals, "--quick")
    assert "2 records of LUDB" in page and "| QT_interval_ms (2 records)" in page
    assert "| PR_interval_ms | 148 |" in " ".join(page.split())
    assert "| atrial fibrillation " in page
    assert "| 390-450 (men), 390-460 (women) |" in page


NETWORK = ["--network", str(Path(features.__file__).parent / "waves.safetensors")]


def test_waves_of_the_qt_database_are_scored(run, shared_data, tmp_path, monkeypatch, capsys):
    (tmp_path / "qtdb").mkdir()
    for record in ("sel100", "sel114"):
        for file in (shared_data / "qtdb").glob(f"{record}.*"):
            (tmp_path / "qtdb" / file.name).symlink_to(file)
    (tmp_path / "qtdb" / "RECORDS").write_text("sel100\nsel114\n")
    monkeypatch.setenv("SKLEARN_ECG_DATA", str(tmp_path))
    monkeypatch.setattr(delineation_qtdb, "peers", lambda stretches: {})
    page = run(delineation_qtdb, *NETWORK, page="delineation_qtdb")
    assert "2 records, 80 marked beats" in page and "| Martínez 2004, published |" in page
    scores = json.loads((tmp_path / "delineation_qtdb.json").read_text())["data"]["sklearn_ecg"]
    assert scores["points"]["QRS on"]["sensitivity"] > 95
    (tmp_path / "delineation_qtdb.md").unlink()
    monkeypatch.setattr(sys, "argv", ["delineation_qtdb", "--quick", "--ours-only", *NETWORK])
    delineation_qtdb.main()
    assert "## Sensitivity in per cent" in capsys.readouterr().out
    assert not list(tmp_path.glob("*.md"))


def test_p_waves_are_counted_by_rhythm(run, shared_data, monkeypatch):
    few = [
        record
        for record in p_waves.labelled_records(every=40)
        if record[1] in ("sinus rhythm", "atrial fibrillation")
    ]
    monkeypatch.setattr(p_waves, "labelled_records", lambda every: few)
    monkeypatch.setattr(p_waves, "_RATES", (60,))
    monkeypatch.setattr(p_waves, "peers", dict)
    page = run(p_waves, "--quick", *NETWORK)
    assert "| PTB-XL     | atrial fibrillation |" in page and "PR 160 ms" in page
    assert "| third-degree block " in page


def test_speed_of_features_and_of_reading_is_measured(run, shared_data, monkeypatch):
    few = load_ludb(shared_data / "ludb")[:6]
    monkeypatch.setattr(feature_speed, "load_ludb", lambda _: few)
    monkeypatch.setattr(feature_speed, "detect_by_sleepecg", lambda signal: None)
    ours = {name: way for name, way in feature_speed.WAYS.items() if name == "delineate"}
    monkeypatch.setattr(feature_speed, "WAYS", ours)
    assert "| delineate " in run(feature_speed, "--quick")
    monkeypatch.setattr(reading, "PARTS", {"PTB-XL, 500 Hz": ("ptb-xl", "records500")})
    monkeypatch.setattr(reading, "N_PTBXL", 2000)
    assert "| PTB-XL, 500 Hz |" in run(reading, "--quick")


def test_files_of_hospitals_are_read_and_damaged(run, shared_data, monkeypatch):
    monkeypatch.setattr(hospital_files, "QUICK", (9, 2))
    page = run(hospital_files, "--quick", "--runs", "1")
    rows = [line.split("|")[1:] for line in page.splitlines() if line.startswith("| ISHNE")]
    assert len(rows) == 2
    # Of two damaged files none may end otherwise than refused or read.
    assert sum(map(int, rows[1][2:5])) == 2 and int(rows[1][5]) == 0


def test_data_are_looked_for_where_the_variable_says(tmp_path, monkeypatch):
    (tmp_path / "mitdb").mkdir()
    monkeypatch.setenv("SKLEARN_ECG_DATA", str(tmp_path))
    assert _data.data_folder("mitdb") == tmp_path / "mitdb"

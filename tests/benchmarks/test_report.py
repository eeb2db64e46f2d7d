"""What a page says of who measured it: each row by its own run, nothing by one that did not."""

import datetime
import json
import subprocess
import sys

import pytest

from benchmarks import _report
from benchmarks._questions import head_of
from benchmarks._report import Results, provenance, write_results

PAGES = sorted(_report.RESULTS.glob("*.md"))


class Day(datetime.date):
    """Today, as the tests want it."""

    @classmethod
    def today(cls):
        return cls(2026, 11, 1)


class NextDay(Day):
    @classmethod
    def today(cls):
        return cls(2026, 11, 2)


@pytest.fixture(autouse=True)
def results_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(_report, "RESULTS", tmp_path)
    monkeypatch.setattr(_report, "_COMMIT", "1234567890")
    monkeypatch.setattr(_report.datetime, "date", Day)
    monkeypatch.setattr(sys, "argv", ["smit", "--splits", "1", "--cache", "/mine/features"])
    return tmp_path


def measure(rates, **options):
    """Measure the rates that the page lacks, as a benchmark does."""
    results = Results("page", "smit", ("method", "rate"), **options)
    settings = [{"method": "ours", "rate": rate} for rate in rates]
    unmeasured = results.unmeasured(settings)
    for setting in unmeasured:
        results.add(setting | {"f1": 1 - setting["rate"]})
    results.show("A title", lambda: f"{len(results.rows)} rows")
    return [setting["rate"] for setting in unmeasured]


def page(folder):
    return (folder / "page.md").read_text()


def test_a_page_tells_command_date_machine_versions_and_commit(results_folder):
    import numpy
    import sklearn

    import sklearn_ecg

    measure([0.1], packages=("no-such-package",))
    title, _, text, _, _, _, line = page(results_folder).splitlines()
    assert (title, text) == ("# A title", "1 rows")
    assert line.startswith("`python -m benchmarks.smit --splits 1 --cache cache`, 2026-11-01, ")
    for said in (
        f"Python {sys.version.split()[0]}, ",
        f"sklearn_ecg {sklearn_ecg.__version__}, ",
        f"numpy {numpy.__version__}, ",
        f"scikit-learn {sklearn.__version__}, no-such-package not installed, ",
    ):
        assert said in line
    assert line.endswith("commit 1234567890")


def test_a_run_that_measures_nothing_says_so_and_changes_no_page(
    results_folder, monkeypatch, capsys
):
    assert measure([0.1, 0.2]) == [0.1, 0.2]
    before = {file: file.read_bytes() for file in results_folder.iterdir()}
    monkeypatch.setattr(_report.datetime, "date", NextDay)
    monkeypatch.setattr(_report, "_COMMIT", "abcdefabcd")
    capsys.readouterr()
    assert measure([0.2]) == []
    said = capsys.readouterr().out
    assert "Nothing was measured: all 2 rows were at hand, measured on 2026-11-01." in said
    assert "--fresh" in said
    assert before == {file: file.read_bytes() for file in results_folder.iterdir()}


def test_rows_keep_the_run_that_measured_them(results_folder, monkeypatch):
    measure([0.1, 0.2])
    monkeypatch.setattr(_report.datetime, "date", NextDay)
    monkeypatch.setattr(sys, "argv", ["smit", "--splits", "2"])
    measure([0.1, 0.2, 0.3])
    *_, first, second = page(results_folder).splitlines()
    assert first.startswith(
        "* 2 of 3 rows; rate 0.1, 0.2: `python -m benchmarks.smit --splits 1 --cache cache`, "
        "2026-11-01, "
    )
    assert second.startswith(
        "* 1 of 3 rows; rate 0.3: `python -m benchmarks.smit --splits 2`, 2026-11-02, "
    )
    kept = json.loads((results_folder / "page.json").read_text())
    assert [row["run"] for row in kept["data"]] == [0, 0, 1]
    assert [run["date"] for run in kept["runs"]] == ["2026-11-01", "2026-11-02"]


def test_a_run_tells_its_minutes_and_goes_on_after_an_interruption(results_folder, monkeypatch):
    seconds = iter(range(0, 6000, 60))
    monkeypatch.setattr(_report.time, "perf_counter", lambda: next(seconds))
    measure([0.1, 0.2])
    measure([0.3])
    (run,) = json.loads((results_folder / "page.json").read_text())["runs"]
    assert run["minutes"] == 3
    assert ", 2026-11-01, 3 minutes, " in page(results_folder)


def test_a_page_says_at_its_head_what_it_answers(results_folder):
    write_results("afp_comparisons_smit", "A title", "text", {}, command="afp_comparisons")
    text = (results_folder / "afp_comparisons_smit.md").read_text()
    head = text.split("text")[0]
    assert "**Question**: " in head and "**Takes**: " in head
    assert "**Paper**: figures 22 to 24 of Han et al. (2023)." in head


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_each_page_has_its_head_and_ends_with_what_measured_it(path):
    text = path.read_text()
    head = head_of(path.stem)
    assert head and text.split("\n\n", 1)[1].startswith(head)
    measured_by = text.split("\n\n## Measured by\n\n")[1]
    # Growth has a second page of the same measurements.
    file = path.with_name(path.name.replace("million_records", "growth")).with_suffix(".json")
    assert all(run["command"] in measured_by for run in json.loads(file.read_text())["runs"])


def test_fresh_measures_all_again(results_folder, monkeypatch):
    measure([0.1, 0.2])
    monkeypatch.setattr(_report.datetime, "date", NextDay)
    assert measure([0.1], fresh=True) == [0.1]
    assert "2026-11-02" in page(results_folder) and "2026-11-01" not in page(results_folder)


def test_rows_are_kept_before_a_page_is_drawn(results_folder):
    Results("page", "smit", ("method", "rate")).add({"method": "ours", "rate": 0.1})
    assert not (results_folder / "page.md").exists()
    assert measure([0.1, 0.2]) == [0.2]
    assert "2 rows" in page(results_folder)


def test_a_page_that_is_missing_is_drawn_from_what_was_measured(results_folder):
    measure([0.1])
    (results_folder / "page.md").unlink()
    measure([0.1])
    assert "1 rows" in page(results_folder)


def test_a_page_shows_one_set_of_records(results_folder):
    measure([0.1], about={"smit": "40 records"})
    with pytest.raises(SystemExit, match="shows smit of 40 records, but at hand are 10 rec"):
        measure([0.1], about={"smit": "10 records"})
    # Other data beside them are none of their business.
    measure([0.2], about={"ptbxl": "10 records"})
    kept = json.loads((results_folder / "page.json").read_text())
    assert kept["about"] == {"smit": "40 records", "ptbxl": "10 records"}
    measure([0.1], about={"smit": "10 records"}, fresh=True)


def test_rows_of_another_page_are_taken_with_their_run(results_folder, monkeypatch, capsys):
    measure([0.1, 0.2], about={"smit": "40 records"})
    (results_folder / "page.json").rename(results_folder / "other.json")
    (results_folder / "page.md").unlink()
    monkeypatch.setattr(_report.datetime, "date", NextDay)
    taking = ["smit", "--take", "/mine/other.json", "/mine/more.json", "--splits", "1"]
    monkeypatch.setattr(sys, "argv", taking)
    measure([0.2, 0.3], about={"smit": "40 records"})
    for _ in range(2):
        results = Results("page", "smit", ("method", "rate"), about={"smit": "40 records"})
        results.take(results_folder / "other.json")
        results.show("A title", lambda results=results: f"{len(results.rows)} rows")
    said = capsys.readouterr().out
    assert "1 of 2 rows taken" in said and "0 of 2 rows taken" in said
    kept = json.loads((results_folder / "page.json").read_text())
    # What is here stays; what is taken is its own run's, of the day before.
    assert [(row["rate"], row["run"]) for row in kept["data"]] == [(0.2, 0), (0.3, 0), (0.1, 1)]
    assert [run["date"] for run in kept["runs"]] == ["2026-11-02", "2026-11-01"]
    assert "3 rows" in page(results_folder)
    assert "--take other.json more.json --splits 1`" in page(results_folder)
    others = Results("third", "smit", ("method", "rate"), about={"smit": "10 records"})
    with pytest.raises(SystemExit, match="shows smit of 40 records, but at hand are 10 records"):
        others.take(results_folder / "other.json")


def test_a_page_is_drawn_anew_where_it_is_asked_for(results_folder):
    measure([0.1])
    results = Results("page", "smit", ("method", "rate"))
    results.show("A title", lambda: "drawn anew")
    assert "1 rows" in page(results_folder)
    results.show("A title", lambda: "drawn anew", always=True)
    assert "drawn anew" in page(results_folder)


def test_what_is_measured_in_one_go_has_one_run(results_folder):
    write_results("page", "A title", "text", {"seconds": 3}, command="reading")
    kept = json.loads((results_folder / "page.json").read_text())
    assert kept["data"] == _report.read_data("page") == {"seconds": 3}
    assert len(kept["runs"]) == 1 and kept["runs"][0]["commit"] == "1234567890"
    assert "`python -m benchmarks.reading --splits 1" in page(results_folder)


def test_what_runs_have_in_common_is_not_said_of_each():
    run = {"command": "x", "date": "2026-11-01", "machine": "1 core", "python": "3", "commit": "c"}
    runs = [run | {"versions": {}}, run | {"versions": {"numpy": "2"}}]
    rows = [{"seed": seed, "rate": 0.1, "run": int(seed > 9)} for seed in range(11)]
    first, second = provenance(runs, rows, ("seed", "rate")).splitlines()
    assert first.startswith("* 10 of 11 rows; seed (10 values): `x`, ")
    assert second.startswith("* 1 of 11 rows; seed 10: `x`, ")
    assert "versions not recorded, commit c" in first and "numpy 2, commit c" in second


def test_the_commit_is_that_of_the_code():
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=_report.ROOT, capture_output=True, text=True
    )
    if head.returncode:
        pytest.skip("the code is in no git repository")
    commit, *changes = _report._commit().split(" ", 1)
    assert head.stdout.startswith(commit) and len(commit) >= 10
    assert changes in ([], ["with changes"])


def test_code_without_a_repository_has_no_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(_report, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert _report._commit() == "not recorded"

"""Benchmarks on other data: the user's own records, and pages that show some already."""

import sys

import pytest

from benchmarks import _report, afp_comparisons, cross_validation, twelve_leads

OWN = """
from sklearn_ecg.datasets import make_ecg_records

def load():
    return make_ecg_records(
        24, labels=("Normal", "AF"), leads=("II",), sampling_rate=100, random_state=0
    )

def few():
    return load()[:18]

def signals():
    return load().signals
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return ["--cache", str(tmp_path_factory.mktemp("features"))]


@pytest.fixture
def run(tmp_path, cache, monkeypatch):
    """Run a benchmark with options where the user's module lies; return the page's text."""
    monkeypatch.setattr(_report, "RESULTS", tmp_path)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    (tmp_path / "our_records.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "our_records", raising=False)

    def run(benchmark, *options, page=None):
        monkeypatch.setattr(sys, "argv", ["benchmark", *options, *cache])
        benchmark.main()
        return (tmp_path / f"{page}.md").read_text()

    return run


def test_own_records_are_named_by_a_function(run):
    options = ["our_records:load", "--rates", "0.2", "--methods", "do nothing"]
    page = run(twelve_leads, *options, "--splits", "1", page="twelve_leads_our_records_load")
    assert "# Label cleaning on our_records:load" in page and "24 records" in page
    page = run(afp_comparisons, *options, "--rounds", "1", page="afp_comparisons_our_records_load")
    assert "1 of 6 rounds" in page


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("our_records:nothing", "our_records:nothing was not found from"),
        ("no_such_module:load", "No module named 'no_such_module'"),
        ("our_records:signals", "must return ECGRecords with labels; got"),
    ],
)
def test_what_is_wrong_with_a_function_of_own_records_is_said(run, name, said):
    with pytest.raises(SystemExit, match=said):
        run(twelve_leads, name)


def test_data_that_nobody_knows_are_refused(run, capsys):
    with pytest.raises(SystemExit):
        run(cross_validation, "ptbxl")
    assert "'ptbxl' is none of cpsc2018, mitdb, nor MODULE:FUNCTION" in capsys.readouterr().err


def test_a_page_does_not_mix_records_of_two_data_sets(run):
    options = ["--rates", "0.2", "--splits", "1", "--methods", "do nothing", "--page", "mine"]
    run(twelve_leads, "our_records:load", *options, page="mine")
    with pytest.raises(
        SystemExit, match=r"shows data of 24 records.*, but at hand are 18 .*--fresh"
    ):
        run(twelve_leads, "our_records:few", *options, page="mine")
    assert "18 records" in run(twelve_leads, "our_records:few", *options, "--fresh", page="mine")


def test_folds_and_patients_have_pages_of_their_own(monkeypatch):
    pages = []
    for options in (["--folds", "5"], ["--folds", "10"], ["--every", "2"], ["--quick"]):
        monkeypatch.setattr(sys, "argv", ["cross_validation", "cpsc2018", *options])
        pages.append(cross_validation.page_of(cross_validation.parse_arguments()))
    start = "cross_validation_cpsc2018"
    assert pages == [start, f"{start}_10_folds", f"{start}_every_2", f"{start}_quick"]

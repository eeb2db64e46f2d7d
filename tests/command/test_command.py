"""The command as a whole: help, settings, messages."""

import subprocess
import sys
import tomllib
import warnings

import click
import pandas as pd
import pytest

from sklearn_ecg import command
from sklearn_ecg.command import _main


def test_help_is_there_and_loads_nothing_heavy():
    code = (
        "import sys; from sklearn_ecg.command import main; main(['--help'], standalone_mode=False);"
        "print([n for n in ('numpy', 'pandas', 'sklearn', 'torch') if n in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert shown.splitlines()[-1] == "[]"
    assert "Exit codes: 0 success" in shown
    by_module = subprocess.run(
        [sys.executable, "-m", "sklearn_ecg", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for name in _main.SUBCOMMANDS:
        assert f"  {name} " in by_module


@pytest.mark.parametrize("name", _main.SUBCOMMANDS)
def test_each_subcommand_has_help_with_an_example(run, name):
    shown = run(name, "--help").stdout
    assert f"Example: sklearn-ecg {name}" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["inspect", "nowhere"], 1, "Error: 'nowhere' is not there. Pass a folder of ECG files"),
        (["clean", "x", "none.csv", "-o", "o"], 2, "Path 'none.csv' does not exist"),
        (["clean", "x"], 2, "Missing option '-o' / '--out'"),
        (["tidy"], 2, "No such command 'tidy'"),
        (["card", "."], 1, "Error: There is no settings.toml"),
        (
            ["inspect", ".", "--sheet", "x/y.pdf"],
            2,
            "must be a .pdf file in an existing folder",
        ),
        (["inspect", ".", "--sheet", "x.png"], 2, "must be a .pdf file in an existing folder"),
        (["clean", "no", "labels.csv", "-o", "o", "-p", "cauton=1"], 2, "Did you mean 'caution'?"),
        (["evaluate", "labels.csv", "."], 1, "Error: There is no probabilities.csv"),
    ],
)
def test_a_mistake_is_one_line_and_a_code(run, tmp_path, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "labels.csv").write_text("id,AF\n1,1\n")
    said = run(*arguments, expected=code).stderr
    assert message in said.splitlines()[-1]
    assert "Traceback" not in said


def test_developers_see_where_an_error_arose(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    result = run("--traceback", "inspect", "nowhere", expected=1)
    assert isinstance(result.exception, FileNotFoundError)


def test_an_error_of_ours_says_so(run, monkeypatch, tmp_path):
    from sklearn_ecg import datasets

    def broken(*arguments, **options):
        raise KeyError("x")

    monkeypatch.setattr(datasets, "load_ecg_files", broken)
    said = run("inspect", tmp_path, "--quiet", expected=1).stderr
    assert said == f"Error: KeyError: 'x' (unexpected). {_main._HINT}\n"


def test_warnings_are_one_line_each_once(run, monkeypatch, tmp_path):
    from sklearn_ecg import datasets

    def warning(*arguments, **options):
        for _ in range(2):
            warnings.warn("two\n  lines", UserWarning, stacklevel=1)
        warnings.warn("of a library", DeprecationWarning, stacklevel=1)
        raise ValueError("enough")

    monkeypatch.setattr(datasets, "load_ecg_files", warning)
    said = run("inspect", tmp_path, "--quiet", expected=1).stderr
    assert said == "Warning: two lines\nError: enough\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[inspect]\nmax_record = 3",
            "unknown key 'max_record' in [inspect]. Did you mean 'max_re",
        ),
        ("[inspekt]", "unknown key 'inspekt'. Did you mean 'inspect'?"),
        ("max_records = 3", "Write options in the table of their subcommand, [inspect]"),
        ("[clean]\nseed = 3", "has no table [inspect]"),
        ("[inspect]\nfiles = 'x'", "files in [inspect]"),
        ("[inspect]\nmax_records = [3]", "must be a single value"),
        ("[inspect", "is not a TOML file"),
        ("inspect = 3", "has no table [inspect]"),
        ('[inspect]\nfiles = ["C:\\exports"]', "Write paths of Windows in single quotes"),
        ("[inspect]\nfiles = ['x']\nmax_records = 'many'", "Invalid value for '--max-records'"),
    ],
)
def test_wrong_settings_are_named(run, tmp_path, text, message):
    (tmp_path / "run.toml").write_text(text)
    result = run("inspect", "--settings", tmp_path / "run.toml", expected=2)
    assert message in " ".join(result.stderr.split())


def test_the_command_line_wins_over_settings(run, night, tmp_path):
    (tmp_path / "run.toml").write_text(f"[inspect]\nfiles = ['{night}']\nseed = 3\nquiet = true")
    run("inspect", "--settings", tmp_path / "run.toml", "-o", tmp_path / "out", "--seed", 5)
    with open(tmp_path / "out" / "settings.toml", "rb") as file:
        written = tomllib.load(file)
    assert written["inspect"]["seed"] == 5
    assert written["inspect"]["files"] == [str(night)]
    assert written["inspect"]["max_records"] == 100
    assert written["sklearn_ecg"]


def test_settings_of_another_version_are_told(run, night, tmp_path):
    text = f"sklearn_ecg = '0.0.1'\n[inspect]\nfiles = ['{night}']\nquiet = true"
    (tmp_path / "run.toml").write_text(text)
    said = run("inspect", "--settings", tmp_path / "run.toml").stderr
    assert "is of sklearn_ecg 0.0.1, and this is" in said


def test_quiet_is_silent_but_for_what_was_asked_for(run, night, tmp_path):
    result = run("inspect", night, "--quiet", "-o", tmp_path / "out")
    assert result.stderr == ""
    assert "Written" not in result.stdout


def test_inspect_counts_files_and_tells_ecgs_from_others(run, tmp_path):
    for number in range(30):
        (tmp_path / f"{number}.pdf").write_bytes(b"%PDF-1.7\n")
    (tmp_path / "a.dcm").write_bytes(b"DICM")
    said = run("inspect", tmp_path, "--quiet", expected=1).stdout
    lost, others = said.split("No ECGs:\n")
    assert lost.startswith(f"\nCannot be read:\n       1  {tmp_path / 'a.dcm'}")
    assert others.startswith("      30  ")


def test_long_recordings_are_cut_into_windows(run, night, tmp_path):
    run("inspect", night, "-o", tmp_path / "out", "--window", 5, "--quiet")
    records = pd.read_csv(tmp_path / "out" / "records.csv", dtype=str)
    assert len(records) == 2 * 4
    assert records["id"].str.endswith(("/000", "/001")).all()


def test_inspect_says_what_is_in_a_folder(run, night, tmp_path):
    (night / "readme.txt").write_text("ECGs of ward 3")
    result = run("inspect", night, "-o", tmp_path / "out", "--sheet", tmp_path / "sheet.pdf")
    said = " ".join(result.stdout.split())
    assert "Format: DICOM (2); GE MUSE XML (2)" in said
    assert "Stored rate, Hz: 100 (4) Stored leads: I, II, V1 (4)" in said
    assert "readme.txt is no ECG" in said
    assert "Age, years: 61 to 61, median 61 (2)" in said
    assert "4 drawn in" in said
    assert (tmp_path / "sheet.pdf").read_bytes().startswith(b"%PDF")
    names = {path.name for path in (tmp_path / "out").iterdir()} - {".lock"}
    assert names == {
        "summary.csv", "records.csv", "statements.csv", "report.csv", "settings.toml",
    }  # fmt: skip


def test_files_of_hospitals_are_inspected(run, shared_data):
    if not (shared_data / "hospital").is_dir():
        pytest.skip(f"{shared_data} has no folder hospital")
    said = run("inspect", shared_data / "hospital", "--quiet").stdout
    for name in ("DICOM (", "HL7 aECG (", "SCP-ECG (", "Philips XML ("):
        assert name in said
    assert "psg.edf holds no ECG lead" in said


def test_main_is_a_click_command():
    assert isinstance(command.main, click.Group)

"""The pages of docs/how_to run as they stand: each page's Python and commands, top to bottom."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sklearn_ecg.command import main
from sklearn_ecg.datasets import make_ecg_records, write_ecg_files
from tests.datasets.formats.test_scp import write_simple
from tests.datasets.formats.written_xml import (
    counts_of,
    muse_waveform,
    muse_xml,
    philips_beats,
    philips_rhythm,
    philips_xml,
    xli,
)

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted((DOCS / "how_to").glob("*.md"))
# Libraries that pages use and the extra "test" does not bring.
OPTIONAL = {"cleanlab", "imblearn", "mne"}
_BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def export_muse(folder):
    folder.mkdir()
    for i in range(3):
        beat = muse_waveform(counts_of(8, 600, i), kind="Median")
        text = muse_xml(beat, muse_waveform(counts_of(8, 5000, i)))
        (folder / f"{i}.xml").write_text(text, encoding="latin-1")


def export_philips(folder):
    folder.mkdir()
    for i in range(3):
        compressed = 'dataencoding="Base64" compression="XLI"'
        waves = philips_rhythm(xli(counts_of(12, 5500, i)), 5500, more=compressed)
        text = philips_xml(waves + philips_beats(counts_of(12, 600, i)))
        (folder / f"{i}.xml").write_text(text)


def export_scp(folder):
    folder.mkdir()
    for i in range(3):
        content, _ = write_simple(n_times=500 + i)
        (folder / f"{i}.scp").write_bytes(content)


def export_dicom(folder):
    pytest.importorskip("pydicom", reason="needs sklearn_ecg[hospital]")
    write_ecg_files(make_ecg_records(3, random_state=0), folder, "dicom")


def export_edf(folder):
    pytest.importorskip("edfio", reason="needs sklearn_ecg[hospital]")
    records = make_ecg_records(1, leads=("I", "II"), random_state=0)
    three_times = np.tile(records.signals, 3)[:, :, :-500]
    write_ecg_files(records.with_signals(three_times), folder, "edf")


# What lies in the folder "exports" of which a page tells.
EXPORTS = {
    "dicom": export_dicom,
    "ge_muse": export_muse,
    "holter": export_edf,
    "philips": export_philips,
    "scp_and_aecg": export_scp,
}

# Pages that bring the files for their commands; those of other pages are for a shell.
COMMANDS = {"hospital_files", *EXPORTS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # pages save models
    if page.stem in EXPORTS:
        EXPORTS[page.stem](tmp_path / "exports")
    text = page.read_text()
    blocks = list(_BLOCK.finditer(text))
    assert blocks, f"{page} has no code"
    names, skipped = {"__name__": "how_to"}, {}
    for block in blocks:
        language, code = block.groups()
        if language == "bash":
            if page.stem in COMMANDS:
                run_commands(code)
            continue
        # Lines of a traceback are those of the page.
        n_lines_before = text.count("\n", 0, block.start(2))
        try:
            exec(compile("\n" * n_lines_before + code, str(page), "exec"), names)
        except (ModuleNotFoundError, NameError) as error:
            # A library, or what a block that needs one would have made.
            if error.name not in OPTIONAL and not any(error.name in code for code in skipped):
                raise
            skipped[code] = f"line {n_lines_before + 1} needs {error.name}"
    if skipped:
        pytest.skip(f"all other blocks ran; not installed: {'; '.join(skipped.values())}")


def run_commands(code):
    """Run lines of sklearn-ecg; the desk is not opened, and other programs are not started."""
    for line in code.splitlines():
        program, *arguments = shlex.split(line, comments=True) or [""]
        if program == "sklearn-ecg" and arguments[0] != "review":
            result = CliRunner().invoke(main, arguments)
            assert result.exit_code == 0, f"{line}\n{result.output}"


def test_all_pages_are_listed():
    listed = re.findall(r"^how_to/(\w+)$", (DOCS / "guide.md").read_text(), re.MULTILINE)
    assert sorted(listed) == [page.stem for page in PAGES]

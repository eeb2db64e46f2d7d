"""The pages of docs/how_to run as they stand: each page's Python from top to bottom."""

import re
from pathlib import Path

import numpy as np
import pytest

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
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # pages save models
    if page.stem in EXPORTS:
        EXPORTS[page.stem](tmp_path / "exports")
    text = page.read_text()
    blocks = list(_BLOCK.finditer(text))
    assert blocks, f"{page} has no Python"
    names = {"__name__": "how_to"}
    for block in blocks:
        # Lines of a traceback are those of the page.
        n_lines_before = text.count("\n", 0, block.start(1))
        exec(compile("\n" * n_lines_before + block[1], str(page), "exec"), names)


def test_all_pages_are_listed():
    listed = re.findall(r"^how_to/(\w+)$", (DOCS / "index.md").read_text(), re.MULTILINE)
    assert sorted(listed) == [page.stem for page in PAGES]

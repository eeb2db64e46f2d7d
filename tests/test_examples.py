"""The examples have the form that the gallery wants, and the fastest of them run.

``make notebooks`` runs all of them as notebooks, and ``make docs`` as pages of the gallery.
"""

import ast
import re
import runpy
import warnings
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
FOLDER = PROJECT / "examples"
EXAMPLES = sorted(FOLDER.rglob("plot_*.py"))
FAST = ("plot_ecg_paper", "plot_table")
_CELL = re.compile(r"^# %%.*$", re.MULTILINE)
_PAGE = re.compile(r":doc:`(?:[^`<]*<)?/([^`>]+)>?`")
_OUTSIDE = re.compile(r"https?://|\bfetch_|\bload_(?:mitdb|ptbxl|cpsc2018|ludb|challenge)|[\"']/\w")


def name_of(path):
    return path.stem


def test_the_gallery_is_complete():
    assert len(EXAMPLES) >= 12
    # Pages, thumbnails and downloads of the gallery are known by the names of the files.
    assert len({path.name for path in EXAMPLES}) == len(EXAMPLES)
    for folder in {FOLDER, *(path.parent for path in EXAMPLES)}:
        title, line = (folder / "README.rst").read_text().splitlines()[:2]
        assert set(line) <= set("=-") and len(line) == len(title), folder


@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_an_example_is_prose_then_code_and_ends_with_what_to_take_away(path):
    source = path.read_text()
    docstring = ast.get_docstring(ast.parse(source))
    title, line, _, *prose = docstring.splitlines()
    assert line == "=" * len(title), "the docstring begins with a title and a line of ="
    assert len(title) <= 60, "the title must fit under the thumbnail"
    assert prose, "the docstring says what the reader gets"

    first, *cells = _CELL.split(source)
    assert first.count('"""') == 2 and first.rstrip().endswith('"""')
    assert len(cells) >= 4
    *steps, last = cells
    for cell in steps:
        assert ast.parse(cell).body, f"a cell without code:\n{cell}"
    assert not ast.parse(last).body and "# **Take away:**" in last
    assert _PAGE.search(last), "the last cell links to a page of the guide"


@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_an_example_needs_nothing_from_elsewhere_and_draws(path):
    source = path.read_text()
    assert not _OUTSIDE.search(source), _OUTSIDE.search(source)
    assert not re.search(r"sklearn_ecg[\w.]*\._\w", source), "an example uses public names alone"
    assert re.search(r"plt\.subplots|Display\.from_", source), "an example has a picture"


@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_links_of_an_example_lead_to_pages_of_the_guide(path):
    for page in _PAGE.findall(path.read_text()):
        assert (PROJECT / "docs" / f"{page}.md").is_file(), page


@pytest.mark.parametrize("name", FAST)
def test_a_fast_example_runs_anywhere_and_leaves_nothing_behind(name, tmp_path, monkeypatch):
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="needs sklearn_ecg[plotting]")
    (path,) = (path for path in EXAMPLES if path.stem == name)
    monkeypatch.chdir(tmp_path)
    pyplot.switch_backend("agg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runpy.run_path(str(path))
    assert pyplot.get_fignums()
    pyplot.close("all")
    assert not list(tmp_path.iterdir())

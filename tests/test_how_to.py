"""The pages of docs/how_to run as they stand: each page's Python from top to bottom."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted((DOCS / "how_to").glob("*.md"))
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # pages save models
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

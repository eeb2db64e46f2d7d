"""What the README says is so: its code, its links, its numbers, its commands; and the citation."""

import contextlib
import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from sklearn_ecg import __version__
from sklearn_ecg.command import main as command

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINKS = sorted(set(re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)|src=\"([^\"]*)\"", README)))
CLEANLAB = "cleanlab, flagged labels flipped"
# Of each row of the table: the page, which of its rows have a part, and the methods by column.
TABLE = [
    (
        "smit_quick",
        {"split": "patient"},
        ["do nothing", "CV-S1, as published", CLEANLAB, "AFPLabelCleaner"],
    ),
    (
        "smit",
        {"split": "patient"},
        ["do nothing", None, CLEANLAB, "AFPLabelCleaner"],
    ),
    ("twelve_leads_ptbxl", {}, ["do nothing", None, CLEANLAB, "AFPLabelCleaner"]),
    ("twelve_leads_cpsc2018", {}, ["do nothing", None, CLEANLAB, "AFPLabelCleaner"]),
    (
        "afp_comparisons_cpsc2018",
        {},
        ["do nothing", "CV-S1, as published", None, "AFPLabelCleaner"],
    ),
    (
        "readers",
        {"data": "CODE", "readers": "all six"},
        ["the best reader by trusted records", "majority vote", None, "AFPLabelCleaner"],
    ),
    (
        "readers",
        {"data": "CODE", "readers": "without cardiologists"},
        ["the best reader by trusted records", "majority vote", None, "AFPLabelCleaner"],
    ),
]


def block(language):
    return re.search(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)[1]


def table():
    """Return the cells of the table of methods, as they are written."""
    lines = README[README.index("| records |") :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")[1:]] for line in lines]


def measured(page, part):
    """Return the rows of a page of results that have the values of `part`."""
    results = json.loads((ROOT / "docs" / "results" / f"{page}.json").read_text())
    rows = pd.DataFrame(results["data"]).rename(columns={"F1": "f1", "round": "seed"})
    for column, value in part.items():
        rows = rows[rows[column] == value]
    return rows


@pytest.mark.parametrize("row", range(len(TABLE)), ids=[page for page, *_ in TABLE])
def test_numbers_of_the_table_are_those_of_the_results(row):
    page, part, methods = TABLE[row]
    rows = measured(page, part)
    splits = set()
    for cell, method in zip(table()[row], methods, strict=True):
        if method is None:
            assert cell == ""
            continue
        own = rows[rows["method"] == method]
        if "rate" in rows:
            own = own[own["rate"].isin([0.2, 0.4])]
            scores = own.groupby("rate")["f1"].mean()
        else:
            scores = [own["f1"].mean()]
        splits.add(tuple(sorted(own["seed"])))
        shown = " / ".join(f"{score:.3f}" for score in scores)
        assert cell.replace("**", "") == f"[{shown}](docs/results/{page}.md)"
    assert len(splits) == 1, "methods of a row are compared on the same splits"


def test_the_table_has_no_other_rows():
    assert len(table()) == len(TABLE)


def test_numbers_of_the_text_are_those_of_the_results():
    rows = measured("real_noise", {})
    rows = rows[rows["trusted_share"] == rows["trusted_share"].max()]
    check_pair(r"better macro F1", rows, "macro_f1", "extra trees, Bayes, EM")
    rows = measured("downstream", {"classifier": "extra trees", "rate": 0.2})
    check_pair(r"of MIT-BIH", rows, "macro F1", CLEANLAB)


def check_pair(words, rows, score, method):
    """Check the two numbers after some words: those of a method, and of ours."""
    scores = rows.groupby("method")[score].mean()
    found = re.search(rf"{words} \((?:macro F1 )?([\d.]+), ours\s([\d.]+)\)", README)
    assert found.groups() == tuple(f"{scores[name]:.3f}" for name in (method, "AFPLabelCleaner"))


def test_the_ten_lines_run_and_print_what_is_shown():
    code, shown = block("python"), block("text")
    assert len([line for line in code.splitlines() if line]) == 10
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    numbers = r"-?\d+(?:\.\d+)?"
    assert re.sub(numbers, "#", printed.getvalue()) == re.sub(numbers, "#", shown)
    # Other versions of what it rests on may round otherwise.
    expected = [float(number) for number in re.findall(numbers, shown)]
    found = [float(number) for number in re.findall(numbers, printed.getvalue())]
    assert found == pytest.approx(expected, rel=0.05, abs=2)


@pytest.mark.parametrize("link", LINKS, ids=lambda link: "".join(link))
def test_links_lead_somewhere(link):
    page, anchor, picture = link
    target = page or picture
    if target.startswith("https:"):
        return
    file = ROOT / (target or "README.md")
    assert file.exists()
    if anchor:
        headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
        slugs = {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}
        assert anchor in slugs


def test_the_commands_that_are_named_exist():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"\bmake ([a-z-]+)(?=`|\s+#)", README))
    assert {"demo", "desk", "test"} <= targets <= set(re.findall(r"^([a-z-]+):", makefile, re.M))
    named = set(re.findall(r"^sklearn-ecg (\w+)", README, re.MULTILINE))
    assert named and named <= set(command.list_commands(None))


def test_the_citation_names_this_version_and_both_papers():
    yaml = pytest.importorskip("yaml")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == __version__
    assert {"message", "title", "authors", "license", "repository-code"} <= set(citation)
    assert [paper["year"] for paper in citation["references"]] == [2023, 2024]
    setup = (ROOT / "setup.cfg").read_text()
    index = (ROOT / "docs" / "index.md").read_text()
    assert set(re.findall(r"https://github\.com/[\w/-]+", index)) == {citation["repository-code"]}
    assert f"url = {citation['repository-code']}\n" in setup
    assert f"license = {citation['license']}\n" in setup

"""Cards as Markdown and HTML: nothing in their text is taken for a command."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg.cards import Card

HOSTILE = "<script>alert(1)</script> a|b *c* [d](e)\nnext"


@pytest.fixture
def card():
    table = pd.DataFrame(
        {
            HOSTILE: [HOSTILE, "plain", None],
            "number": [1, 0.12345, np.nan],
            "yes": [True, np.False_, pd.NA],
        },
        index=pd.Index(["AF", "I-AVB", "_x_"], name="label"),
        dtype=object,
    )
    return Card(f"Card of {HOSTILE}", {"First": [HOSTILE, ["one", HOSTILE]], "Table": [table]})


def test_markdown_tables_keep_their_columns(card):
    lines = card.to_markdown().splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 5
    assert {row.replace(r"\|", "").count("|") for row in rows} == {5}
    assert rows[3] == "| I-AVB | plain | 0.123 | no |"
    assert rows[4] == "| _x_ | - | - | - |"
    assert rows[2].startswith(r"| AF | \<script>alert(1)\</script> a\|b \*c\* \[d\](e) next | 1 |")


def test_markdown_holds_titles_text_and_lists_in_order(card):
    text = str(card)
    places = [text.index(part) for part in ("# Card of", "## First", "- one", "## Table")]
    assert places == sorted(places)
    assert not any(line.startswith("next") for line in text.splitlines())


class Structure(HTMLParser):
    """Checks that tags close in the order in which they were opened."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_html_is_well_formed_and_escaped(card):
    structure = Structure()
    structure.feed(card.to_html())
    assert structure.open == []
    assert "script" not in structure.seen
    assert structure.seen.count("tr") == 4 and structure.seen.count("td") == 12
    assert structure.seen.count("li") == 2
    assert "<script>alert(1)</script> a|b *c* [d](e)\nnext" in structure.text


def test_notebooks_show_the_body_alone(card):
    shown = card._repr_html_()
    assert shown.startswith("<div>") and "<h1>" in shown and "<html" not in shown
    assert repr(card).startswith("Card('Card of") and "First, Table" in repr(card)


@pytest.mark.parametrize("name, start", [("a.md", "# Card of"), ("ä.HTML", "<!DOCTYPE html>")])
def test_saves_what_the_suffix_says(card, tmp_path, name, start):
    path = tmp_path / name
    card.save(path)
    assert path.read_text(encoding="utf-8").startswith(start)


def test_other_suffixes_are_refused(card, tmp_path):
    with pytest.raises(ValueError, match=r"path must end in \.md or \.html.*card\.pdf"):
        card.save(tmp_path / "card.pdf")
    assert not list(tmp_path.iterdir())


def test_intervals_in_html_stay_on_one_line():
    table = pd.DataFrame({"AUROC": ["0.793 (0.699 to 0.878)", "from 1 to 2"]})
    html = Card("Scores", {"Scores": [table]}).to_html()
    assert "<td>0.793 (0.699\u00a0to\u00a00.878)</td>" in html
    assert "<td>from 1 to 2</td>" in html

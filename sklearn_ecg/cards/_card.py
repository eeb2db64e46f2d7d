"""A page of text, lists and tables, as Markdown and as HTML."""

import os
import re
from html import escape
from numbers import Integral, Real
from pathlib import Path

import numpy as np
import pandas as pd

from sklearn_ecg.utils import whole_file

_STYLE = """\
body { font: 15px/1.45 sans-serif; color: #222; max-width: 66em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.7em; }
h2 { font-size: 1.25em; margin: 1.8em 0 0.5em; border-bottom: 2px solid #ddd; }
table { border-collapse: collapse; margin: 1em 0; font-size: 0.9em; }
table { font-variant-numeric: tabular-nums; }
th { vertical-align: bottom; border-bottom: 1px solid #888; color: #555; }
td { vertical-align: top; border-bottom: 1px solid #e2e2e2; }
th, td { padding: 3px 14px 3px 0; text-align: left; }
li { margin: 0.3em 0; }
"""


class Card:
    """A page with a title and sections of text, lists and tables.

    Parameters
    ----------
    title : str
        Title of the page.
    sections : dict of str to list
        Title and blocks of each section: a str is a paragraph, a list of str a list, a DataFrame a
        table. The index of a table is shown if it has a name.

    See Also
    --------
    model_card, cleaning_card : Functions that make cards.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ecg.cards import Card
    >>> table = pd.DataFrame({"records": [12]}, index=pd.Index(["AF"], name="label"))
    >>> card = Card("Test records", {"Labels": ["All from one ward.", table]})
    >>> print(card.to_markdown())
    # Test records
    <BLANKLINE>
    ## Labels
    <BLANKLINE>
    All from one ward.
    <BLANKLINE>
    | label | records |
    | --- | --- |
    | AF | 12 |
    <BLANKLINE>
    """

    def __init__(self, title, sections):
        self.title = title
        self.sections = sections

    def to_markdown(self):
        """Return the page as Markdown, with tables in GitHub's format.

        Returns
        -------
        str
        """
        parts = [f"# {_plain(self.title)}"]
        for title, blocks in self.sections.items():
            parts += [f"## {_plain(title)}", *map(_to_markdown, blocks)]
        return "\n\n".join(parts) + "\n"

    def to_html(self):
        """Return the page as an HTML document, without scripts or links to other files.

        Returns
        -------
        str
        """
        body = [f"<h1>{escape(self.title)}</h1>"]
        for title, blocks in self.sections.items():
            body += [f"<h2>{escape(title)}</h2>", *map(_to_html, blocks)]
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f"<title>{escape(self.title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
            + "\n".join(body)
            + "\n</body>\n</html>\n"
        )

    def save(self, path):
        """Write the page to a file.

        Parameters
        ----------
        path : path-like
            The file to write; its name must end in .md or .html.

        Raises
        ------
        ValueError
            If the name has another ending.
        """
        writers = {".md": self.to_markdown, ".html": self.to_html}
        suffix = Path(path).suffix.lower()
        if suffix not in writers:
            raise ValueError(
                f"path must end in .md or .html, the format to write; got {os.fspath(path)!r}."
            )
        with whole_file(path) as file:
            file.write(writers[suffix]().encode())

    def __str__(self):
        return self.to_markdown()

    def __repr__(self):
        return f"Card({self.title!r}: {', '.join(self.sections)})"

    def _repr_html_(self):
        body = self.to_html().partition("<body>")[2].partition("</body>")[0]
        return f"<div>{body}</div>"


def _to_markdown(block):
    if isinstance(block, str):
        return _plain(block)
    if isinstance(block, list):
        return "\n".join(f"- {_plain(item)}" for item in block)
    header, rows = _cells(block)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_plain, line))} |" for line in lines)


def _to_html(block):
    if isinstance(block, str):
        return f"<p>{escape(block)}</p>"
    if isinstance(block, list):
        return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in block) + "</ul>"
    header, rows = _cells(block)
    lines = ["".join(f"<th>{escape(cell)}</th>" for cell in header)]
    lines += ["".join(f"<td>{_unbroken(escape(cell))}</td>" for cell in row) for row in rows]
    return "<table>\n" + "\n".join(f"<tr>{line}</tr>" for line in lines) + "\n</table>"


def _unbroken(text):
    """Keep an interval on one line; a narrow column may break before the bracket."""
    return re.sub(r"\(([\d.+-]+) to ([\d.+-]+)\)", "(\\1\u00a0to\u00a0\\2)", text)


def _plain(text):
    """Escape characters with a meaning in Markdown, or in HTML within it."""
    return re.sub(r"([\\`*<|\[\]])", r"\\\1", " ".join(text.split()))


def _cells(table):
    """Return header and rows of a table as text."""
    if table.index.name is not None:
        table = table.reset_index()
    columns = [[_text(value) for value in table[name]] for name in table.columns]
    return [str(name) for name in table.columns], [list(row) for row in zip(*columns, strict=True)]


def _text(value):
    if isinstance(value, str):
        return value
    if value is None or value is pd.NA or (isinstance(value, Real) and np.isnan(value)):
        return "-"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, Integral) or not isinstance(value, Real):
        return str(value)
    return f"{value:.3f}"

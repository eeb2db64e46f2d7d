"""The glossary and the review desk call the same thing by the same words."""

import json
import re
from collections import defaultdict
from importlib import resources
from pathlib import Path

from sklearn_ecg.review.desk._words import _read

GLOSSARY = (Path(__file__).parents[1] / "docs" / "glossary.md").read_text(encoding="utf-8")
# Code or "", English, German, Chinese, meaning.
_ROW = re.compile(r"^\| (?:`(.+)` )?(.+) \| (.+)<br>(.+) \| (.+) \|$", re.MULTILINE)
ROWS = _ROW.findall(GLOSSARY)
LANGUAGES = ("en", "de", "zh")


def in_all_languages(texts_in):
    """Yield the (English, German, Chinese) of each key of what a function has for a language."""
    of = [texts_in(language) for language in LANGUAGES]
    return [tuple(texts[key] for texts in of) for key in of[0] if all(key in one for one in of)]


def texts_of_pages(language):
    """Return the texts of the desk's pages by the path to each."""

    def texts(node, path):
        if isinstance(node, str):
            return {path: node}
        return {
            key: text for name in node for key, text in texts(node[name], (*path, name)).items()
        }

    file = resources.files("sklearn_ecg.review.desk") / "languages" / f"{language}.json"
    return texts(json.loads(file.read_text(encoding="utf-8")), ())


def words_of_the_desk():
    """Return the translations that the desk knows of each English text, all in lower case."""
    found = in_all_languages(texts_of_pages)
    for name in ("labels", "features", "terms"):
        found += in_all_languages(lambda language, name=name: _read(name, language))
    known = defaultdict(set)
    for texts in found:
        # The words of a feature of each lead are those of the feature.
        en, *others = (re.sub(r" in \{lead\}|\{lead\}导联", "", text).lower() for text in texts)
        known[en].add(tuple(others))
    return known


def test_every_term_is_there_once_in_all_languages():
    assert f"{len(ROWS)} terms" in GLOSSARY
    assert len(ROWS) == GLOSSARY.count("<br>")
    english = [row[1].lower() for row in ROWS]
    assert sorted(set(english)) == sorted(english)
    assert all(row[-1].endswith((".", ".)")) for row in ROWS)


def test_terms_are_the_words_of_the_desk():
    known = words_of_the_desk()
    ours = {en.lower(): (de.lower(), zh.lower()) for _, en, de, zh, _ in ROWS}
    shared = ours.keys() & known.keys()
    assert len(shared) > 80
    assert not {term: known[term] for term in shared if ours[term] not in known[term]}


def test_codes_are_those_of_the_desk():
    labels = [_read("labels", language) for language in LANGUAGES]
    codes = {row[0]: row[1:4] for row in ROWS if row[0]}
    assert len(codes) > 50
    assert codes == {code: tuple(one.get(code) for one in labels) for code in codes}

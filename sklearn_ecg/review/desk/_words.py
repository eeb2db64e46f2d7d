"""Names of features and labels in the languages of the review desk."""

import csv
import functools
import re
from importlib import resources

from sklearn_ecg.features._catalogue import catalogue


@functools.cache
def words(language):
    """Return the names of features, labels, units and normal ranges.

    Parameters
    ----------
    language : {"en", "de", "zh"}

    Returns
    -------
    dict of str to dict of str to str
        ``"features"``: by the features' names. A feature of each lead begins with ``{lead}_``, and
        its words hold ``{lead}``. ``"labels"``: by codes, abbreviations and concepts of the
        vocabulary. ``"units"`` and ``"normal"``: by their form in the catalogue of features.
        Missing names stay as they are.

    Examples
    --------
    >>> from sklearn_ecg.review.desk._words import words
    >>> german = words("de")
    >>> german["features"]["QRS_duration_ms"], german["labels"]["AF"]
    ('QRS-Dauer', 'Vorhofflimmern')
    >>> german["features"]["{lead}_QRS_duration_ms"].format(lead="V1")
    'QRS-Dauer in V1'
    >>> german["normal"]["above 0.2"], german["units"]["years"]
    ('über 0,2', 'Jahre')
    """
    terms = _read("terms", language)
    units, ranges = ({getattr(one, name) for one in catalogue()} for name in ("unit", "normal"))
    return {
        "features": _read("features", language),
        "labels": _read("labels", language),
        "units": {unit: terms.get(unit, unit) for unit in sorted(units - {""})},
        "normal": {one: _range_in_words(one, terms, language) for one in sorted(ranges - {""})},
    }


def _read(name, language):
    """Return a table's column of a language, by its first column."""
    file = resources.files("sklearn_ecg.review.desk") / "languages" / f"{name}.csv"
    with file.open(encoding="utf-8", newline="") as handle:
        _, *languages = next(rows := csv.reader(handle))
        if language not in languages:
            known = ", ".join(languages)
            raise ValueError(f"There are no {name} in {language!r}; use one of {known}.")
        column = 1 + languages.index(language)
        return {row[0]: row[column] for row in rows}


def _range_in_words(text, terms, language):
    """Return a normal range as the language writes it: -0.05-0.1 has a dash of its own."""
    text = re.sub(r"(?<=\d)-(?=[-\d])", "–", text)
    text = re.sub(r"[a-z]+", lambda word: terms.get(word[0], word[0]), text)
    return re.sub(r"(\d)\.(\d)", r"\1,\2", text) if language == "de" else text

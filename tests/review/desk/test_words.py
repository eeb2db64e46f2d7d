import csv
import re
from importlib import resources

import pytest

from sklearn_ecg.datasets import load_vocabulary
from sklearn_ecg.datasets._simulated import LABELS
from sklearn_ecg.features._catalogue import catalogue
from sklearn_ecg.review.desk._words import words

LANGUAGES = ("en", "de", "zh")


def table(folder, name):
    with resources.files(f"sklearn_ecg.{folder}").joinpath(name).open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize("name", ["features", "labels", "terms"])
def test_every_row_has_words_of_every_language_once(name):
    rows = table("review.desk", f"languages/{name}.csv")
    assert all(text.strip() == text and text for row in rows for text in row.values())
    names = [next(iter(row.values())) for row in rows]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_feature_of_the_catalogue_has_words_and_no_other(language):
    features = words(language)["features"]
    per_lead = {f"{{lead}}_{one.name}" for one in catalogue() if one.of == "each lead"}
    assert set(features) == per_lead | {one.name for one in catalogue() if one.of != "each lead"}
    assert all((text.count("{lead}") == 1) == (name in per_lead) for name, text in features.items())


def test_every_label_that_records_may_bear_has_words():
    named, vocabulary = set(words("en")["labels"]), load_vocabulary()
    # Short numbers, of CPSC2018's classes and of AHA statements, may stand for anything.
    columns = ["code", "abbreviation", "concept", "superclass", "subclass", "challenge_2021"]
    labels = {part for one in vocabulary[columns].to_numpy().ravel() for part in one.split("|")}
    labels = {one for one in labels if not re.fullmatch(r"\d{0,3}", one)}
    labels |= {*LABELS, "N", "A", "O", "~"}
    assert not labels - named
    concepts = {
        c.strip("?") for row in table("datasets", "phrases.csv") for c in row["concepts"].split()
    }
    broader = {
        row[column] for row in table("datasets", "broader.csv") for column in ("narrow", "broad")
    }
    assert not (concepts | broader) - named


def test_words_agree_with_the_vocabulary():
    english, chinese = words("en")["labels"], words("zh")["labels"]
    scp = load_vocabulary("scp").set_index("code")
    brackets = str.maketrans("()", "（）")
    same = [c for c in scp.index if chinese[c] == scp.at[c, "name_zh"].translate(brackets)]
    assert len(same) > 65
    for system in ("cpsc2018", "snomed"):
        rows = load_vocabulary(system).itertuples()
        differ = [row.code for row in rows if english[row.abbreviation].lower() != row.name.lower()]
        assert len(differ) < 35, differ


def test_a_name_of_two_findings_says_both():
    labels = words("en")["labels"]
    assert labels["A"] == "atrial premature beat / atrial fibrillation (CinC 2017)"
    assert "anterior" in labels["AMI"] and "acute" in labels["AMI"]


@pytest.mark.parametrize(
    ("language", "feature", "label", "limits"),
    [
        ("en", "P duration", "left bundle branch block", "-0.05–0.1"),
        ("de", "P-Dauer", "Linksschenkelblock", "-0,05–0,1"),
        ("zh", "P波时限", "左束支传导阻滞", "-0.05–0.1"),
    ],
)
def test_words_as_cardiologists_write_them(language, feature, label, limits):
    found = words(language)
    assert found["features"]["P_duration_ms"] == feature
    assert found["labels"]["LBBB"] == label
    assert found["normal"]["-0.05-0.1"] == limits


def test_no_english_is_left_in_ranges():
    for text in words("zh")["normal"].values():
        assert not re.search("[a-z]", text), text
    german = words("de")["normal"]["above 0.5 (limb), 1.0 (chest)"]
    assert german == "über 0,5 (Extremitätenableitungen), 1,0 (Brustwandableitungen)"


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="There are no terms in 'fr'; use one of en, de, zh"):
        words("fr")

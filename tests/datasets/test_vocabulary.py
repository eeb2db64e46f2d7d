"""The vocabulary holds what publishers publish, and labels follow from it without guessing."""

import ast

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg import ECGRecords
from sklearn_ecg.datasets import codes_to_labels, load_vocabulary


@pytest.fixture(scope="module")
def vocabulary():
    return load_vocabulary()


def test_codes_are_unique_and_described_in_two_languages(vocabulary):
    assert not vocabulary.duplicated(["system", "code"]).any()
    for column in ("code", "abbreviation", "name", "name_zh", "superclass", "concept"):
        assert (vocabulary[column].str.strip() == vocabulary[column]).all(), column
        assert (vocabulary[column] != "").all(), column
    limits = vocabulary["code"].isin(["360", "361"]) & (vocabulary["system"] == "aha")
    assert vocabulary.loc[~limits, "name_zh"].str.contains("[\u4e00-\u9fff]").all()


def test_each_concept_has_one_superclass(vocabulary):
    assert (vocabulary.groupby("concept")["superclass"].nunique() == 1).all()


def test_scp_statements_are_those_of_ptb_xl(shared_data):
    published = pd.read_csv(
        shared_data / "ptb-xl" / "scp_statements.csv", index_col=0, keep_default_na=False
    )
    ours = load_vocabulary("scp").set_index("code")
    assert list(ours.index) == list(published.index)
    assert len(ours) == 71
    assert list(ours["subclass"]) == list(published["diagnostic_subclass"])
    for code, statement in published.iterrows():
        kinds = [kind for kind in ("diagnostic", "form", "rhythm") if str(statement[kind]) == "1.0"]
        assert ours.loc[code, "kinds"].split() == kinds
        if statement["diagnostic_class"]:
            assert ours.loc[code, "superclass"] == statement["diagnostic_class"]


def test_aha_codes_are_joined_to_scp_statements_as_ptb_xl_publishes(shared_data):
    published = pd.read_csv(
        shared_data / "ptb-xl" / "scp_statements.csv", index_col=0, keep_default_na=False, dtype=str
    )["AHA code"]
    # These two give AHA's modifiers "low amplitude" and "inversion", which mean less.
    published = published[published != ""].drop(["LOWT", "INVT"])
    concept = load_vocabulary().set_index(["system", "code"])["concept"]
    assert len(published) > 30
    for code, aha in published.items():
        assert concept["scp", code] == concept["aha", aha]


def test_the_challenges_classes(vocabulary):
    scored = vocabulary[vocabulary["challenge_2021"] != ""]
    assert set(scored["system"]) == {"snomed"}
    assert len(scored) == 30 and scored["challenge_2021"].nunique() == 26
    before = vocabulary[vocabulary["challenge_2020"] != ""]
    assert len(before) == 27 and before["challenge_2020"].nunique() == 24


@pytest.mark.parametrize(
    "first, second",
    [
        ("713427006", "59118001"),
        ("284470004", "63593006"),
        ("427172004", "17338001"),
        ("733534002", "164909002"),
    ],
)
def test_codes_that_the_challenge_scores_as_one(first, second):
    snomed = load_vocabulary("snomed").set_index("code")
    assert snomed.loc[first, "challenge_2021"] == snomed.loc[second, "challenge_2021"]
    assert snomed.loc[first, "concept"] == snomed.loc[second, "concept"]


def test_cpsc2018_joins_snomed_and_scp(vocabulary):
    by_system = {
        system: vocabulary[vocabulary["system"] == system].groupby("concept")["code"].agg(list)
        for system in ("cpsc2018", "snomed", "scp")
    }
    joined = pd.DataFrame(by_system).loc[by_system["cpsc2018"].index]
    assert joined.loc["RBBB"].tolist() == [["5"], ["713427006", "59118001"], ["CRBBB"]]
    assert joined.loc["STD"].tolist() == [["8"], ["429622005"], ["STD_"]]
    assert joined["scp"].notna().all()


def test_snomed_translations_exist(vocabulary):
    codes = set(vocabulary.loc[vocabulary["system"] == "snomed", "code"])
    assert set(vocabulary["snomed_ct"]) - {""} <= codes


def test_indicator_of_ptb_xl_agrees_with_a_plain_loop(shared_data):
    database = pd.read_csv(shared_data / "ptb-xl" / "ptbxl_database.csv", nrows=500)
    statements = pd.read_csv(shared_data / "ptb-xl" / "scp_statements.csv", index_col=0)
    codes = [list(ast.literal_eval(text)) for text in database["scp_codes"]]
    names = ["NORM", "MI", "STTC", "CD", "HYP"]
    labels, unknown = codes_to_labels(codes, "scp", by="superclass", label_names=names)
    for record, own in enumerate(codes):
        classes = {statements.loc[code, "diagnostic_class"] for code in own}
        assert list(labels.iloc[record]) == [int(name in classes) for name in names]
    assert unknown.empty


def test_unknown_codes_are_counted_and_not_guessed():
    labels, unknown = codes_to_labels(
        [["AFIB", "AFIBB"], "AFIBB", [], [" SR ", "NST"]], "scp", label_names=["SR", "AFIB"]
    )
    assert unknown.to_dict() == {"AFIBB": 2, "NST": 1}
    np.testing.assert_array_equal(labels, [[0, 1], [0, 0], [0, 0], [1, 0]])


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ("NORM", r"codes must be a sequence.*got 'NORM'\. For a single record pass \[codes\]"),
        ({"a": ["NORM"]}, "codes must be a sequence"),
        (None, "codes must be a sequence"),
        ([["NORM"], None], "record 1 has None. Use an empty list for a record without codes"),
        ([float("nan")], "record 0 has nan"),
        ([[["NORM"]]], r"record 0 has \[\['NORM'\]\]"),
        ([{"NORM": 100.0}], "record 0 has {'NORM': 100.0}"),
    ],
)
def test_what_is_no_code_is_refused(codes, message):
    with pytest.raises(TypeError, match=message):
        codes_to_labels(codes, "scp")


def test_codes_of_a_record_in_any_order():
    labels, _ = codes_to_labels([{"LVH", "AFIB"}, ("NORM",), set()], "scp")
    assert list(labels.columns) == ["NORM", "LVH", "AFIB"]
    np.testing.assert_array_equal(labels, [[0, 1, 1], [1, 0, 0], [0, 0, 0]])


def test_integers_are_codes():
    labels, unknown = codes_to_labels([1, [5, 2]], "cpsc2018", by="abbreviation")
    assert list(labels.columns) == ["Normal", "AF", "RBBB"]
    np.testing.assert_array_equal(labels, [[1, 0, 0], [0, 1, 1]])
    assert unknown.empty


def test_indicators_are_labels_of_records():
    labels, _ = codes_to_labels(["N", "V"], "mitbih")
    records = ECGRecords(np.zeros((2, 1, 10)), labels=labels)
    assert list(records.label_names) == ["N", "V"]


def test_bad_names_are_refused():
    with pytest.raises(ValueError, match=r"system must be one of .*'icd10'"):
        load_vocabulary("icd10")
    with pytest.raises(ValueError, match="by must be one of"):
        codes_to_labels([], "scp", by="klass")
    with pytest.raises(ValueError, match=r"does not hold \['NORMAL'\]"):
        codes_to_labels([["NORM"]], "scp", by="superclass", label_names=["NORMAL"])


def test_the_table_cannot_be_spoilt():
    load_vocabulary()["code"] = "?"
    assert "NORM" in set(load_vocabulary()["code"])

"""Statements of machines and readers: what they say, and what they leave open."""

import ast

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg import ECGRecords
from sklearn_ecg.datasets import label_sources, load_vocabulary, statements_to_labels
from sklearn_ecg.datasets._statements import _broader, _phrases, _read_data, normalise


def said(*statements):
    """Return the labels of one record that are not absent, and the statements not understood."""
    concepts = load_vocabulary()
    concepts = concepts["concept"][concepts["superclass"] != "MODIFIER"].unique()
    labels, unknown = statements_to_labels([statements], concepts)
    row = labels.loc[0]
    return {name: int(value) for name, value in row[row != 0].items()}, list(unknown.index)


@pytest.mark.parametrize(
    "statement, claims",
    [
        # GE 12SL
        ("Normal sinus rhythm", {"SR": 1}),
        ("Sinus rhythm with 1st degree A-V block", {"SR": 1, "1AVB": 1, "AVB": 1, "LPR": 1}),
        ("Atrial fibrillation with rapid ventricular response", {"AF": 1}),
        ("NON-SPECIFIC INTRAVENTRICULAR CONDUCTION DELAY", {"IVCD": 1}),
        ("RBBB and left anterior fascicular block", {"RBBB": 1, "LAFB": 1, "BBB": 1}),
        ("Incomplete left bundle branch block", {"ILBBB": 1, "BBB": 1}),
        ("Otherwise normal ECG", {"OTHERWISE_NORM": 1, "NORM": -1}),
        # Philips DXL, Mortara
        ("Sinus rhythm, normal P axis, V-rate 60-99", {"SR": 1}),
        ("ST elevation, anterior leads", {"STE": 1, "STAB": 1}),
        ("Supraventricular tachycardia", {"SVT": 1}),
        ("- NORMAL ECG -", {"NORM": 1}),
        ("Premature ventricular contraction(s)", {"PVC": 1, "PRC": 1}),
        ("Premature atrial complexes and PVCs", {"PAC": 1, "PVC": 1, "PRC": 1}),
        ("STD", {"STD": 1, "STAB": 1}),
        # German
        ("Sinusrhythmus, überdrehter Linkstyp", {"SR": 1, "LAD": 1}),
        ("unvollstaendiger Rechtsschenkelblock", {"IRBBB": 1, "BBB": 1}),
        ("Ventrikuläre Extrasystole(n)", {"PVC": 1, "PRC": 1}),
        ("EKG unauffällig", {"NORM": 1}),
        # Chinese
        ("窦性心律，完全性右束支传导阻滞", {"SR": 1, "RBBB": 1, "BBB": 1}),
        ("Ⅰ度房室传导阻滞", {"1AVB": 1, "AVB": 1, "LPR": 1}),
        ("II、III、aVF导联ST段压低", {"STD": 1, "STAB": 1}),
        # Codes
        ("scp:AFIB atrial fibrillation", {"AF": 1}),
        ("snomed:164889003", {"AF": 1}),
        ("muse:161 Atrial fibrillation", {"AF": 1}),
        ("mdc:MDC_ECG_RHY_SINUS_RHY Sinus Rhythm", {"SR": 1}),
    ],
)
def test_what_statements_say(statement, claims):
    assert said(statement) == (claims, [])


@pytest.mark.parametrize(
    "statement, doubtful, certain",
    [
        ("Possible Left atrial enlargement", "LAE", ""),
        ("Cannot rule out Inferior infarct , age undetermined", "IMI", ""),
        ("Anterior infarct cannot be excluded", "AMI", ""),
        ("T wave abnormality, consider lateral ischemia", "ISCLA", "TAB"),
        ("Minimal voltage criteria for LVH, may be normal variant", "LVH", "VCLVH"),
        ("Left atrial enlargement or left ventricular hypertrophy", "LAE LVH", ""),
        ("Left atrial enlargement and LVH cannot be excluded", "LAE LVH", ""),
        ("Borderline ECG", "NORM ABNORMAL", ""),
        ("AF?", "AF", ""),
        ("suspicious for AF", "AF", ""),
        ("ECG for AF", "AF", ""),
        ("Vorhofflimmern nicht bestätigt", "AF", ""),
        ("possible:2nd degree AV block", "2AVB AVB", ""),
        ("V.a. Vorderwandinfarkt", "AMI", ""),
        ("Sinusrhythmus inferiorer Infarkt möglich", "IMI", "SR"),
        ("moeglicher Hinterwandinfarkt", "IMI", ""),
        ("疑似心房颤动", "AF", ""),
        ("窦性心律，可能前壁心肌梗死", "AMI", "SR"),
        ("前壁心肌梗死待排", "AMI", ""),
        ("scp:IMI possible inferior infarct", "IMI", ""),
        # Two ECGs are compared
        ("Atrial fibrillation has replaced Sinus rhythm", "AF SR", ""),
        ("T wave inversion no longer evident in Lateral leads", "INVT", ""),
        ("When compared with ECG of 12-MAR-2010 11:32, ST elevation has decreased", "STE", ""),
        # How far the "no" reaches is not known
        ("No ST elevation, sinus rhythm", "SR", ""),
        ("Atrial fibrillation not present", "AF", ""),
    ],
)
def test_doubt_is_unknown(statement, doubtful, certain):
    # Another statement, of which nothing is unknown.
    claims, unknown = said("QT prolongation", statement)
    assert not unknown and claims["LQT"] == 1
    for name in doubtful.split():
        assert claims[name] == -1, name
    for name in certain.split():
        assert claims[name] == 1, name


@pytest.mark.parametrize(
    "statement, absent",
    [
        ("No evidence of left bundle branch block", "LBBB"),
        ("Sinus rhythm without ST elevation", "STE"),
        ("Kein Linksschenkelblock", "LBBB"),
        ("无ST段抬高", "STE"),
        ("Pas de fibrillation auriculaire", "AF"),
    ],
)
def test_denial_is_absence(statement, absent):
    claims, unknown = said(statement)
    assert absent not in claims and not unknown
    present = {"STE": "scp:STE_", "LBBB": "scp:CLBBB", "AF": "scp:AFIB"}[absent]
    assert said(statement, present)[0][absent] == -1


@pytest.mark.parametrize(
    "statement, mentioned",
    [
        ("Anterior and inferior infarct", "IMI"),
        ("Rechts- und Linksschenkelblock", "LBBB"),
        ("下壁及前壁心肌梗死", "AMI"),
        ("Right bundle branch block of the third kind", "RBBB"),
        ("Hemodynamically tolerated ventricular tachycardia", "VT"),
        ("dd:Vorderwandinfarkt Perikardtamponade", "AMI"),
        # Acute, or anterior
        ("AMI", ""),
        ("Sinusrhythmus, wahrsch. LSB", "LBBB"),
        ("susp. AF", "AF"),
    ],
)
def test_what_is_not_understood_is_not_guessed(statement, mentioned):
    claims, unknown = said("Sinus rhythm", statement)
    assert unknown == [statement] and claims["SR"] == 1
    assert not mentioned or claims[mentioned] == -1
    assert (np.array(list(said(statement)[0].values())) == -1).all()


def test_alternatives_and_marks_are_doubts():
    assert said("LBBB vs. IVCD")[0] == {"LBBB": -1, "IVCD": -1, "BBB": -1}
    assert said("Sinus rhythm, AF (-)")[0] == {"SR": 1, "AF": -1}
    assert said("大致正常心电图")[0] == {"NORM": -1, "ABNORMAL": -1}


@pytest.mark.parametrize(
    "statement", ["QTc within normal limits", "V-rate within normal limits", "心室率正常范围"]
)
def test_a_normal_measurement_is_no_normal_ecg(statement):
    assert said("Sinus rhythm", statement) == ({"SR": 1}, [])
    assert said("Sinus rhythm, within normal limits")[0] == {"SR": 1, "NORM": 1}


def test_another_statement_settles_a_doubt():
    assert said("Possible LVH", "Left ventricular hypertrophy")[0] == {"LVH": 1, "VH": 1}
    assert said("No LVH", "Left ventricular hypertrophy", "Normal axis")[0]["LVH"] == -1


def test_broader_and_narrower_terms():
    claims, _ = said("AV block")
    assert claims["AVB"] == 1 and claims["3AVB"] == claims["2AVB_I"] == -1
    assert claims["2AVB"] == -1 and "LBBB" not in claims
    claims, _ = said("2nd degree AV block (Mobitz I)")
    assert claims == {"2AVB_I": 1, "2AVB": 1, "AVB": 1}
    claims, _ = said("Possible anterior infarct")
    assert claims == {"AMI": -1, "MI": -1}
    claims, _ = said("Myocardial infarction, age undetermined")
    assert claims["MI"] == 1 and claims["IMI"] == claims["OLD_MI"] == -1


def test_records_and_columns():
    statements = pd.Series(
        ["Sinus rhythm. Normal ECG.", ("Vorhofflimmern\nLSB",), [], None, np.nan, "", "see above",
         "Unconfirmed", "See above; AF"],
        index=list("abcdefghi"),
    )  # fmt: skip
    labels, unknown = statements_to_labels(statements)
    assert list(labels.columns) == ["NORM", "LBBB", "SR", "AF"]
    assert labels.index.tolist() == list("abcdefghi")
    assert labels.to_numpy().tolist() == [
        [1, 0, 1, 0], [0, 1, 0, 1], *[[-1] * 4] * 6, [0, 0, 0, 1],
    ]  # fmt: skip
    assert unknown.to_dict() == {"see above": 1, "See above": 1}
    assert labels.dtypes.unique().tolist() == [np.dtype(np.int8)]


def test_names_of_labels():
    statements = [["Anterior infarct"], ["Possible anterior infarct", "LBBB"]]
    labels, _ = statements_to_labels(statements, by="superclass")
    assert labels.to_dict("list") == {"MI": [1, -1], "CD": [0, 1]}
    labels, _ = statements_to_labels(statements, ["CLBBB", "AMI"], by="code", system="scp")
    assert labels.to_numpy().tolist() == [[0, 1], [1, -1]]
    assert statements_to_labels([])[0].shape == (0, 0)


@pytest.mark.parametrize(
    "arguments, error, match",
    [
        (("Sinus rhythm",), TypeError, r"For a single record pass \[statements\]"),
        (([["Sinus rhythm", 7]],), TypeError, "record 0 has"),
        (([3],), TypeError, "record 0 has"),
        (([], ["Sinus rhythm"]), ValueError, "does not hold"),
        (([], "SR"), TypeError, "list of names"),
        (([], None, "colour"), ValueError, "'by' parameter"),
        (([], None, "code"), ValueError, "needs system"),
        (([], None, "code", "muse"), ValueError, "system must be one of"),
    ],
)
def test_wrong_arguments(arguments, error, match):
    with pytest.raises(error, match=match):
        statements_to_labels(*arguments)


def test_every_phrase_has_a_concept():

    known = set(load_vocabulary()["concept"])
    phrases, alone, _ = _phrases()
    for role, concepts in [*phrases.values(), *alone.values()]:
        assert {concept.lstrip("?") for concept in concepts} <= known
        assert role != "finding" or concepts
    assert {term for pair in _broader() for term in pair[:2]} <= known
    # A phrase that means two things would mean the last one read.
    table = _read_data("phrases.csv")
    table = table[table["role"] != "alone"]
    assert not table["phrase"].map(normalise).duplicated().any()


def test_long_texts_take_no_time():
    labels, unknown = statements_to_labels(["possible " * 20_000 + "anterior " * 20_000])
    assert labels.shape == (1, 0) and len(unknown) == 1


def test_sources():
    metadata = pd.DataFrame(
        {
            "machine_statements": [("Atrial fibrillation",), ("Sinus rhythm", "gibberish")],
            "reader_statements": [("AF", "gibberish"), ()],
            "technician_statements": [(), ()],
        }
    )
    records = ECGRecords(np.zeros((2, 1, 9)), 250, ids=["b", "a"], metadata=metadata)
    sources, unknown = label_sources(records)
    assert list(sources) == ["machine", "reader"]
    assert list(sources["machine"]) == list(sources["reader"]) == ["SR", "AF"]
    assert sources["machine"].loc["a"].tolist() == [1, 0]
    assert sources["reader"].to_numpy().tolist() == [[0, 1], [-1, -1]]
    assert unknown.to_dict() == {("machine", "gibberish"): 1, ("reader", "gibberish"): 1}
    with pytest.raises(ValueError, match="no column of statements"):
        label_sources(ECGRecords(np.zeros((2, 1, 9))))


def test_reports_of_ptb_xl(shared_data):
    """Cardiologists' codes of 250 records whose reports no phrase was written from."""
    table = pd.read_csv(
        shared_data / "ptb-xl" / "ptbxl_database_original_first_500.csv", keep_default_na=False
    )
    table = table[table["ecg_id"] % 2 == 0].reset_index()
    labels, unknown = statements_to_labels(table["report"], by="code", system="scp")
    codes = [ast.literal_eval(codes) for codes in table["scp_codes"]]
    for code, share in {"SR": 0.99, "NORM": 0.95, "SARRH": 0.9, "AFIB": 0.8}.items():
        found = labels[code] == 1
        is_right = [code in own for own in codes]
        assert np.mean(np.array(is_right)[found]) >= share, code
        assert not (labels[code] == 0)[is_right].mean() > 0.15, code
    assert len(unknown) < 80

"""Names of leads in the spellings of makers, countries and file formats."""

import pytest

from sklearn_ecg.utils import LEADS_12, canonical_lead, is_known_lead

LIMB = {"I": "1", "II": "2", "III": "3"}


def spellings(lead):
    """The ways in which files write one of the twelve leads."""
    known = {lead, lead.lower(), lead.upper(), f"{lead} ", f" {lead}", f"{lead}\xa0", f'"{lead}"'}
    if lead in LIMB:
        known |= {f"D{lead}", f"d{lead.lower()}", f"D {lead}", f"D{LIMB[lead]}", f"d{LIMB[lead]}"}
        known |= {{"I": "Ⅰ", "II": "Ⅱ", "III": "Ⅲ"}[lead], f"Lead {lead} (Einthoven)"}
    elif lead.startswith("a"):
        known |= {f"aV {lead[2]}", f"av{lead[2]}", f"AV-{lead[2]}", f"aV{lead[2].lower()}"}
        known |= {f"{lead}, augmented voltage, right"}
    else:
        known |= {f"C{lead[1]}", f"c{lead[1]}", f"C {lead[1]}", f"V-{lead[1]}", f"V_{lead[1]}"}
    for prefix in (
        "Lead ",
        "LEAD ",
        "lead_",
        "Lead-",
        "Lead: ",
        "ECG ",
        "ecg_",
        "EKG ",
        "ECG-",
        "ecg.",
    ):
        known |= {prefix + lead, prefix + lead.lower(), prefix + lead.upper()}
    known |= {f"ECG Lead {lead}", f"ecg_lead_{lead.lower()}", f"MDC_ECG_LEAD_{lead.upper()}"}
    known |= {f"MDC_ECG_ELEC_POTL_{lead.upper()}", f"{lead} ECG", f"Dérivation {lead}"}
    known |= {f"{lead} lead", f"{lead}_lead", f"Ableitung {lead}", f"Derivation {lead}"}
    return sorted(known)


@pytest.mark.parametrize("lead", LEADS_12)
def test_every_spelling_of_a_lead(lead):
    assert {canonical_lead(spelling) for spelling in spellings(lead)} == {lead}
    assert all(is_known_lead(spelling) for spelling in spellings(lead))


@pytest.mark.parametrize("number", range(1, 10))
def test_leads_of_the_right_side_and_the_back(number):
    for spelling in (
        f"v{number}r",
        f"V{number}R",
        f"Lead V{number}R",
        f"C{number}R",
        f"V{number} R",
    ):
        assert canonical_lead(spelling) == f"V{number}R"
    assert canonical_lead(f"c{number}") == f"V{number}"


@pytest.mark.parametrize("lead", ["MLI", "MLII", "MLIII", "MCL1", "MV1", "CM2", "CM5", "CC5", "X"])
def test_other_leads_remain_themselves(lead):
    assert canonical_lead(lead) == canonical_lead(lead.lower()) == lead
    assert is_known_lead(lead.lower())


@pytest.mark.parametrize("lead", ["-aVR", "-avr", "-AVR", "Lead -aVR"])
def test_an_inverted_lead_is_another_lead(lead):
    assert canonical_lead(lead) == "-aVR"


@pytest.mark.parametrize(
    "name",
    ["RESP", "ABP", "Pleth", "lead", "ECG", "ECG1", "ECG 2", "lead0", "lead1", "1", "V", "V10",
     "V0", "IV", "IIII", "I-II", "aV", "aVX", "DIV", "D4", "C10", "signal 1", "F4-M1", "VR", ""],
)  # fmt: skip
def test_what_is_no_known_lead_stays_as_it_is(name):
    assert canonical_lead(f" {name} ") == name
    assert not is_known_lead(name)

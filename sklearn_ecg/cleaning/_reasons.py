"""Reasons for a decision: the evidence in words, for a cardiologist to check."""

from collections import defaultdict

import pandas as pd

from sklearn_ecg.cleaning._evidence import describe_feature, find_evidence


def find_reasons(asked, fitted, patterns=None):
    """Return the reasons why labels were changed or left undecided.

    Parameters
    ----------
    asked, fitted, patterns
        As for `find_evidence`.

    Returns
    -------
    DataFrame of n_asked rows
        Columns because, swapped_with, rule, measurements, similar_with and similar_without, all
        text; "" if there is no reason of this kind.
    """
    evidence = find_evidence(asked, fitted, patterns, both_sides=False)
    labels = fitted.label_names[asked[1]]
    told = [_tell(label, pieces) for label, pieces in zip(labels, evidence, strict=True)]
    columns = ["because", "swapped_with", "rule", "measurements"]
    return pd.DataFrame(told, columns=[*columns, "similar_with", "similar_without"], dtype=object)


def _tell(label, evidence):
    """Return the columns of `find_reasons` for one label of a record."""
    of_kind = defaultdict(list)
    for piece in evidence:
        of_kind[piece["kind"]].append(piece)
    measured = [
        (piece["score"], measurement_in_words(piece, label)) for piece in of_kind["measurement"]
    ]
    decision = of_kind["decision"][0]
    is_open = decision["provenance"] == "undecided"
    speaking = [
        piece
        for piece in of_kind["rule"]
        if is_open or (piece["speaks"] == "for") == (decision["label"] == 1)
    ]
    surest = max(speaking, key=lambda piece: piece["accuracy"], default=None)
    rule = "" if surest is None else rule_in_words(surest, label)
    similar = of_kind["similar"][0] if of_kind["similar"] else {}
    return (
        _because(label, of_kind, rule, measured),
        of_kind["swap"][0]["with"] if of_kind["swap"] else "",
        rule,
        "; ".join(words for _, words in measured),
        *(", ".join(map(str, similar.get(side, ()))) for side in ("with_label", "without_label")),
    )


def _because(label, of_kind, rule, measured):
    """Return the main reasons in one sentence."""
    decision = of_kind["decision"][0]
    is_present = decision["label"] == 1
    if decision["provenance"] == "answered":
        return f"A person answered that {label} is {'present' if is_present else 'absent'}"
    if decision["provenance"] == "trusted":
        return f"{label} is trusted in this record, and was not questioned"
    if of_kind["unmeasured"]:
        return "None of the record's features could be measured"
    if of_kind["unlearned"]:
        return f"Too few records with or without {label} to learn it"
    is_open, clauses = decision["provenance"] == "undecided", []
    for swap in of_kind["swap"]:
        is_missing = swap["speaks"] == "for"
        gained, lost = (label, swap["with"]) if is_missing else (swap["with"], label)
        clauses.append(f"{'perhaps ' if is_open else ''}{lost} written in the place of {gained}")
    if rule:
        clauses.append(rule)
    if measured and is_open:
        for side, sign in (("for", 1), ("against", -1)):
            words = [text for score, text in measured if score * sign > 0]
            clauses += [f"{side} {label}: {words[0]}"] if words else []
    elif measured:
        clauses.append(measured[0][1])
    elif of_kind["uncompared"]:
        clauses.append(f"too few trusted records with or without {label} to compare with")
    else:
        clauses.append("no single measurement tells")
    return "; ".join(clauses)


def rule_in_words(rule, label):
    share = f"{100 * rule['accuracy']:.0f} % of trusted records"
    return f"{rule['by']} {rule['rule']} {label}, as in at least {share}"


def measurement_in_words(measurement, label):
    words = describe_feature(measurement["feature"])[0]
    unit = f" {measurement['unit']}" if measurement["unit"] else ""
    normal = f", normal {measurement['normal']}" if measurement["normal"] else ""
    usual = [
        " to ".join(map(_number, measurement[f"usual_{side}"])) for side in ("with", "without")
    ]
    usual = f"records with {label} {usual[0]}, without {usual[1]}"
    return f"{words} {_number(measurement['value'])}{unit} ({usual}{normal})"


def _number(value):
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"

"""cleaning_card: describe the changes of a label cleaner."""

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from sklearn_ecg.cards._card import Card
from sklearn_ecg.cards._facts import (
    estimator_facts,
    facts_table,
    listed,
    parameters_table,
    records_facts,
    with_notes,
)
from sklearn_ecg.cards._limits import cleaning_limits
from sklearn_ecg.metrics import label_cleaning_report
from sklearn_ecg.records import CleanedRecords
from sklearn_ecg.utils import align_labels, check_labels, trusted_labels

_REASONS = {
    "answered": "a person has answered whether the record has the label",
    "anchor": "the weak label lies in a pattern that trusted records share",
    "included": "an inclusion rule added the label",
    "excluded": "an exclusion rule removed the label",
    "confirmed": "nothing contradicts the weak label",
    "added": "the discriminators found the label present",
    "removed": "the discriminators or voters found the label absent",
    "undecided": "a person must decide",
}
_MOST_RULES = 20
_MOST_QUESTIONS = 10


def cleaning_card(cleaner, cleaned, *, y_true=None, min_trusted=10, title=None, notes=None) -> Card:
    """Describe the changes of a label cleaner, their reasons, and their limits.

    Parameters
    ----------
    cleaner : fitted label cleaner
        `AFPLabelCleaner`, `CrossValidationLabelCleaner` or `DensityLabelCleaner`.
    cleaned : CleanedRecords
        The result of its ``fit_transform``, ``transform`` or ``clean``.
    y_true : array-like or DataFrame of shape (n_records, n_labels), default=None
        True labels of the same records, if known. The card then counts the errors that were found,
        missed and made in weak labels.
    min_trusted : int, default=10
        Labels of fewer trusted records are named among the limits.
    title : str, default=None
        Title of the card; by default it names the class of the cleaner.
    notes : dict of str to str, default=None
        Titles and texts of your own first sections, for example where the labels come from, and
        who labelled the trusted records.

    Returns
    -------
    Card
        With ``to_markdown()``, ``to_html()`` and ``save(path)``.

    Raises
    ------
    TypeError
        If `cleaned` are not CleanedRecords, or `cleaner` is not a label cleaner.
    ValueError
        If the labels of `cleaner`, `cleaned` and `y_true` differ.

    See Also
    --------
    model_card : Describe a classifier.
    sklearn_ecg.CleanedRecords.changes : A table of all changed labels.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import AFPLabelCleaner
    >>> from sklearn_ecg.cards import cleaning_card
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.integers(0, 2, size=(300, 1))
    >>> X = rng.normal(3 * truth, 0.5, size=(300, 4))
    >>> trusted = np.arange(300) < 100
    >>> weak = truth.copy()
    >>> weak[100:140] = 1 - weak[100:140]
    >>> cleaner = AFPLabelCleaner(random_state=0)
    >>> cleaned = cleaner.fit_transform(X, weak, trusted=trusted)
    >>> card = cleaning_card(cleaner, cleaned, y_true=truth)
    >>> card.sections["Against the true labels"][1].loc["0", ["errors", "found", "made"]]
    errors    40.0
    found     40.0
    made       0.0
    Name: 0, dtype: float64
    """
    check_is_fitted(cleaner)
    _check_cleaned(cleaner, cleaned)
    if not isinstance(min_trusted, int | np.integer) or min_trusted < 1:
        raise ValueError(f"min_trusted must be an integer of at least 1; got {min_trusted!r}.")
    weak = np.ones(cleaned.labels.shape, dtype=bool)
    if cleaned.trusted is not None:
        weak = ~trusted_labels(cleaned.trusted, cleaned.n_labels)
    if y_true is not None:
        y_true = _check_truth(y_true, cleaned)
    sections = {
        "Cleaner": [facts_table(estimator_facts(cleaner))],
        "Records": [facts_table(records_facts(cleaned, cleaned.groups))],
        "Changes": [
            f"In the {weak.any(axis=1).sum()} records whose labels are not all trusted. Trusted "
            "labels are never changed.",
            _changes(cleaned, weak),
        ],
        "Why": [_reasons(cleaned, weak)],
        **_rules(cleaner),
        "Noise rates": [
            "Shares estimated by the cleaner. Missing: of the records that have the label, the "
            "share without it in the weak labels. Wrong: of the records that do not have the "
            "label, the share with it in the weak labels. Brackets hold 95 % intervals, if the "
            "cleaner estimates them.",
            _noise_rates(cleaner),
        ],
        **_for_a_person(cleaned, weak),
        **_truth_section(cleaned, weak, y_true),
        "Parameters": [parameters_table(cleaner)],
        "Limits": [cleaning_limits(cleaner, cleaned, weak, y_true is not None, min_trusted)],
    }
    title = f"Label-cleaning card: {type(cleaner).__name__}" if title is None else title
    return Card(title, with_notes(notes, sections))


def _check_cleaned(cleaner, cleaned):
    if not isinstance(cleaned, CleanedRecords):
        raise TypeError(
            "cleaned must be the CleanedRecords returned by the cleaner's fit_transform, transform "
            f"or clean; got {type(cleaned).__name__}."
        )
    if not hasattr(cleaner, "noise_rates_"):
        raise TypeError(
            f"cleaner must be a label cleaner such as AFPLabelCleaner; got "
            f"{type(cleaner).__name__}."
        )
    if not np.array_equal(cleaner.label_names_, cleaned.label_names):
        raise ValueError(
            f"cleaned has the labels {listed(cleaned.label_names)}, but the cleaner was fitted to "
            f"{listed(cleaner.label_names_)}."
        )


def _check_truth(y_true, cleaned):
    y_true, names = check_labels(y_true, n_records=len(cleaned), ids=cleaned.ids, name="y_true")
    return align_labels(y_true, names, cleaned.label_names, name="y_true", owner="the records have")


def _changes(cleaned, weak):
    before, after = cleaned.weak_labels, cleaned.labels
    counted = {
        "with it before": before == 1,
        "with it after": after == 1,
        "added": (after == 1) & (before != 1),
        "removed": (after == 0) & (before == 1),
        "undecided": cleaned.provenance == "undecided",
    }
    table = pd.DataFrame(
        {column: (mask & weak).sum(axis=0) for column, mask in counted.items()},
        index=pd.Index(cleaned.label_names, name="label"),
    )
    table.loc["all labels"] = table.sum()
    return table


def _reasons(cleaned, weak):
    provenance, before = cleaned.provenance[weak], cleaned.weak_labels[weak]
    was_known = before != -1
    differs = cleaned.labels[weak] != before
    confidence = cleaned.confidence[weak]
    rows = [
        (
            reason,
            meaning,
            (mask := provenance == reason).sum(),
            (mask & differs & was_known).sum(),
            (mask & differs & ~was_known).sum(),
            confidence[mask].mean() if mask.any() else np.nan,
        )
        for reason, meaning in _REASONS.items()
    ]
    columns = ["reason", "meaning", "labels", "changed", "unknown before", "mean confidence"]
    return pd.DataFrame(rows, columns=columns).set_index("reason")


def _rules(cleaner):
    """Return a section of the rules that are used, for cleaners that learn rules."""
    if not hasattr(cleaner, "inclusion_rules_"):
        return {}
    inclusion, exclusion = cleaner.inclusion_rules_, cleaner.exclusion_rules_
    firing = [rules[rules["fires"].astype(bool)] for rules in (inclusion, exclusion)]
    blocks = [
        f"{len(inclusion)} inclusion and {len(exclusion)} exclusion rules were found; "
        f"{len(firing[0])} and {len(firing[1])} of them are accurate enough on trusted records to "
        "be used. Accuracy is the lower 5 % bound on trusted records."
    ]
    columns = [
        ["source", "target", "support", "confidence", "kulczynski", "accuracy"],
        ["label", "opposed", "correlation", "accuracy"],
    ]
    for kind, rules, shown in zip(("inclusion", "exclusion"), firing, columns, strict=True):
        if len(rules):
            best = rules.sort_values("accuracy", ascending=False, kind="stable").head(_MOST_RULES)
            which = "All" if len(rules) <= _MOST_RULES else f"The {_MOST_RULES} most accurate"
            blocks += [f"{which} {kind} rules that fire:", best[shown].reset_index(drop=True)]
    return {"Rules": blocks}


def _noise_rates(cleaner):
    rates = cleaner.noise_rates_
    table = pd.DataFrame(index=pd.Index(rates.index, name="label"))
    for rate in ("missing", "wrong"):
        if f"{rate}_low" not in rates:
            table[rate] = rates[rate]
            continue
        table[rate] = [
            f"{value:.3f} ({low:.3f} to {high:.3f})" if np.isfinite(value) else "-"
            for value, low, high in rates[[rate, f"{rate}_low", f"{rate}_high"]].to_numpy()
        ]
    return table


def _for_a_person(cleaned, weak):
    """Return a section of the undecided labels, the least certain first."""
    record, label = np.nonzero((cleaned.provenance == "undecided") & weak)
    if not len(record):
        return {}
    order = np.argsort(cleaned.confidence[record, label], kind="stable")[:_MOST_QUESTIONS]
    record, label = record[order], label[order]
    table = pd.DataFrame(
        {
            "record": cleaned.ids[record],
            "label": cleaned.label_names[label],
            "weak label": cleaned.weak_labels[record, label],
            "confidence": cleaned.confidence[record, label],
        }
    )
    n_waiting = (cleaned.provenance[weak] == "undecided").sum()
    return {
        "For a person": [
            f"{n_waiting} labels are undecided; a person must decide them. The cleaner's "
            "undecided_ ranks those of its fit by the number of labels that an answer corrects. "
            "These are the least certain:",
            table,
        ]
    }


def _truth_section(cleaned, weak, y_true):
    if y_true is None:
        return {}
    known = weak.any(axis=1) & (y_true != -1).all(axis=1)
    if not known.any():
        return {}
    report = label_cleaning_report(
        y_true[known],
        cleaned.weak_labels[known],
        cleaned.labels[known],
        label_names=cleaned.label_names,
    )
    counts = ["support", "errors", "found", "missed", "made", "undecided"]
    report = report.astype(dict.fromkeys(counts, int))
    return {
        "Against the true labels": [
            f"On {known.sum()} records with known true labels whose labels are not all trusted. "
            "Undecided labels count as their weak labels.",
            report[["support", "weak_f1", "clean_f1", *counts[1:]]],
        ]
    }

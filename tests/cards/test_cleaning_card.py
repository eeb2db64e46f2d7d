"""The label-cleaning card: counts that agree with the records, and what was not checked."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import AFPLabelCleaner, CleanedRecords, ECGRecords
from sklearn_ecg.cards import cleaning_card
from sklearn_ecg.cleaning import CrossValidationLabelCleaner, DensityLabelCleaner
from sklearn_ecg.metrics import label_cleaning_report

NAMES = ["AF", "PVC", "STE"]


@pytest.fixture(scope="module")
def data():
    """Three labels, each to be seen in a column of its own; a third of the records is trusted."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, size=(360, 3))
    table = pd.DataFrame(rng.normal(3 * truth, 0.7), columns=["a", "b", "c"])
    trusted = np.arange(360) < 120
    wrong = (rng.random(truth.shape) < 0.15) & ~trusted[:, None]
    weak = pd.DataFrame(np.where(wrong, 1 - truth, truth), columns=NAMES)
    return table, weak, trusted, truth


@pytest.fixture(scope="module")
def cleaner():
    return AFPLabelCleaner(random_state=0)


@pytest.fixture(scope="module")
def cleaned(cleaner, data):
    table, weak, trusted, _ = data
    return cleaner.fit_transform(table, weak, trusted=trusted, groups=np.arange(360) // 2)


def limits(card):
    return " ".join(card.sections["Limits"][0])


def test_changes_are_those_of_the_cleaners_report(cleaner, cleaned):
    table = cleaning_card(cleaner, cleaned).sections["Changes"][1]
    report = cleaner.report()
    columns = ["with it before", "with it after", "added", "removed", "undecided"]
    np.testing.assert_array_equal(
        table.loc[NAMES, columns], report[["weak", "clean", "added", "removed", "undecided"]]
    )
    np.testing.assert_array_equal(table.loc["all labels"], table.loc[NAMES].sum())
    assert table.loc["all labels", "added"] > 10


def test_every_weak_label_has_a_reason(cleaner, cleaned):
    reasons = cleaning_card(cleaner, cleaned).sections["Why"][0]
    assert reasons["labels"].sum() == 240 * 3
    differs, was_known = cleaned.labels != cleaned.weak_labels, cleaned.weak_labels != -1
    assert reasons["changed"].sum() == (differs & was_known).sum()
    assert reasons["unknown before"].sum() == (differs & ~was_known).sum()
    for reason, row in reasons.iterrows():
        mask = cleaned.provenance[120:] == reason
        assert row["labels"] == mask.sum()
        if mask.any():
            mean = cleaned.confidence[120:][mask].mean()
            assert row["mean confidence"] == pytest.approx(mean)


def test_noise_rates_have_their_intervals(cleaner, cleaned):
    rates = cleaning_card(cleaner, cleaned).sections["Noise rates"][1]
    known = cleaner.noise_rates_.loc["PVC"]
    assert rates.loc["PVC", "missing"] == (
        f"{known['missing']:.3f} ({known['missing_low']:.3f} to {known['missing_high']:.3f})"
    )


def test_rules_that_fire_are_shown(cleaner, cleaned):
    class Ruled(AFPLabelCleaner):
        """Learns the rules that it is told."""

        @property
        def exclusion_rules_(self):
            rows = [("AF", "PVC", 0.0, 0.97, True), ("AF", "STE", 0.0, 0.5, False)]
            columns = ["label", "opposed", "correlation", "accuracy", "fires"]
            return pd.DataFrame(rows, columns=columns)

    ruled = Ruled()
    vars(ruled).update(vars(cleaner))
    blocks = cleaning_card(ruled, cleaned).sections["Rules"]
    assert "2 exclusion rules were found" in blocks[0]
    assert blocks[1] == "All exclusion rules that fire:"
    assert blocks[2]["opposed"].tolist() == ["PVC"]


def test_truth_is_scored_on_weak_records_alone(cleaner, cleaned, data):
    truth = pd.DataFrame(data[3], columns=NAMES)[["STE", "AF", "PVC"]]
    card = cleaning_card(cleaner, cleaned, y_true=truth)
    table = card.sections["Against the true labels"][1]
    expected = label_cleaning_report(
        data[3][120:], cleaned.weak_labels[120:], cleaned.labels[120:], label_names=NAMES
    )
    for column in table:
        np.testing.assert_allclose(table[column], expected[column])
    assert "240 records" in card.sections["Against the true labels"][0]
    assert "not measured" not in limits(card)


def test_without_truth_the_card_says_so(cleaner, cleaned):
    card = cleaning_card(cleaner, cleaned)
    assert "Against the true labels" not in card.sections
    assert "No true labels were given" in limits(card)
    assert "also learns their errors" in limits(card)
    assert "Patients are not known" not in limits(card)


def test_what_waits_for_a_person_is_shown(data):
    table, weak, trusted, _ = data
    gaps = table.copy()
    gaps.iloc[200:203] = np.nan
    cleaner = AFPLabelCleaner(random_state=0)
    cleaned = cleaner.fit_transform(gaps, weak, trusted=trusted)
    card = cleaning_card(cleaner, cleaned)
    shown = card.sections["For a person"][1]
    n_waiting = (cleaned.provenance == "undecided").sum()
    assert card.sections["For a person"][0].startswith(f"{n_waiting} labels are undecided")
    assert len(shown) == min(10, n_waiting) and shown["confidence"].is_monotonic_increasing
    assert "3 records could not be judged" in limits(card)
    assert "Patients are not known" in limits(card)


def test_labels_with_few_trusted_examples_are_named(cleaner, cleaned):
    counts = cleaned.labels[:120].sum(axis=0)
    card = cleaning_card(cleaner, cleaned, min_trusted=int(counts.min()) + 1)
    assert f"{NAMES[counts.argmin()]} ({counts.min()})" in limits(card)
    assert "Hardly checked" not in limits(cleaning_card(cleaner, cleaned))


def test_labels_that_could_not_be_learned_are_named(data):
    table, weak, trusted, _ = data
    rare = weak.assign(STE=0)
    cleaner = AFPLabelCleaner(random_state=0)
    with pytest.warns(UserWarning):
        cleaned = cleaner.fit_transform(table, rare, trusted=trusted)
    assert not cleaner.learned_[2]
    assert "too few examples to learn from: STE" in limits(cleaning_card(cleaner, cleaned))


def test_records_cleaned_afterwards(cleaner, cleaned, data):
    table, weak, _, _ = data
    new = cleaner.clean(table[200:], weak[200:])
    card = cleaning_card(cleaner, new)
    assert card.sections["Changes"][1].loc["AF", "with it before"] == weak["AF"][200:].sum()
    assert "None of these records is trusted" in limits(card)


@pytest.mark.parametrize(
    "other", [CrossValidationLabelCleaner(random_state=0, cv=3), DensityLabelCleaner()]
)
def test_filters_have_cards_too(other, data):
    table, weak, trusted, truth = data
    cleaned = other.fit_transform(table, weak, trusted=trusted)
    card = cleaning_card(other, cleaned, y_true=truth)
    assert "Rules" not in card.sections
    assert "does not search for missing labels" in limits(card)
    assert card.sections["Changes"][1].loc["all labels", "added"] == 0
    assert "<table>" in card.to_html()


def test_signals_tell_of_leads_and_rate(cleaner, cleaned):
    rng = np.random.default_rng(1)
    records = CleanedRecords(
        rng.normal(size=(360, 2, 50)), 250, lead_names=["I", "V1"], label_names=NAMES,
        labels=cleaned.labels, weak_labels=cleaned.weak_labels, groups=np.arange(360) // 3,
        provenance=cleaned.provenance, confidence=cleaned.confidence, trusted=cleaned.trusted,
    )  # fmt: skip
    facts = cleaning_card(cleaner, records).sections["Records"][0]["value"].to_dict()
    assert facts == {
        "records": "360", "patients": "120", "leads": "I, V1", "sampling rate": "250 Hz",
        "length": "0.2 s", "trusted": "120 of 360 records",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"cleaned": "labels"}, TypeError, "cleaned must be the CleanedRecords.*got str"),
        ({"cleaner": AFPLabelCleaner()}, NotFittedError, "not fitted"),
        ({"cleaner": StandardScaler().fit([[0], [1]])}, TypeError, "must be a label cleaner"),
        ({"y_true": np.zeros((360, 2))}, ValueError, "y_true has 2 labels, but the records have"),
        ({"y_true": np.zeros((3, 3))}, ValueError, "y_true has labels for 3 records"),
        (
            {"y_true": pd.DataFrame(np.zeros((360, 3)), columns=list("abc"))},
            ValueError,
            "y_true has the labels a, b, c, but the records have AF, PVC, STE",
        ),
        ({"min_trusted": 1.5}, ValueError, "min_trusted must be an integer"),
        ({"notes": ["text"]}, TypeError, "notes must be a dict"),
    ],
)
def test_bad_input_names_the_argument(cleaner, cleaned, arguments, error, message):
    with pytest.raises(error, match=message):
        cleaning_card(**{"cleaner": cleaner, "cleaned": cleaned, **arguments})


def test_records_with_other_labels_are_refused(cleaner, cleaned):
    other = CleanedRecords(
        np.zeros((360, 3)), labels=cleaned.labels, weak_labels=cleaned.weak_labels,
        provenance=cleaned.provenance, confidence=cleaned.confidence, label_names=list("abc"),
    )  # fmt: skip
    with pytest.raises(ValueError, match="cleaned has the labels a, b, c, but the cleaner"):
        cleaning_card(cleaner, other)
    plain = ECGRecords(np.zeros((3, 1, 9)), labels=np.zeros((3, 3)), label_names=NAMES)
    with pytest.raises(TypeError, match="got ECGRecords"):
        cleaning_card(cleaner, plain)


def test_records_that_were_all_taken_as_right_are_told_of(data):
    table, weak, _, _ = data
    cleaner = AFPLabelCleaner(random_state=0)
    card = cleaning_card(cleaner, cleaner.fit_transform(table, weak, trusted=True))
    facts = card.sections["Records"][0]["value"]
    assert facts["trusted"] == "all 360 records were taken as right; no label was checked"
    assert "In the 0 records whose labels are not all trusted" in card.sections["Changes"][0]
    assert "All records were taken as trusted: no label was checked" in limits(card)
    assert "could not be judged" not in limits(card)


def test_trust_per_label_is_counted_by_label(cleaner, cleaned, data):
    """Labels that are trusted are left out of every count, label by label."""
    trusted = np.repeat(cleaned.trusted[:, np.newaxis], 3, axis=1)
    trusted[120:240, 0] = trusted[120:180, 1] = True
    parts = {name: getattr(cleaned, name).copy() for name in ("labels", "provenance")}
    parts["labels"][trusted] = cleaned.weak_labels[trusted]
    parts["provenance"][trusted] = "trusted"
    of_labels = CleanedRecords(
        data[0], label_names=NAMES, weak_labels=cleaned.weak_labels, trusted=trusted,
        confidence=cleaned.confidence, groups=cleaned.groups, **parts,
    )  # fmt: skip
    card = cleaning_card(cleaner, of_labels, y_true=data[3])
    table = card.sections["Changes"][1]
    for j, name in enumerate(NAMES):
        rows = ~trusted[:, j]
        before, after = of_labels.weak_labels[rows, j], of_labels.labels[rows, j]
        assert table.loc[name, "with it before"] == (before == 1).sum()
        assert table.loc[name, "removed"] == ((before == 1) & (after == 0)).sum()
    assert card.sections["Why"][0]["labels"].sum() == (~trusted).sum()
    assert "240 records" in card.sections["Against the true labels"][0]
    facts = card.sections["Records"][0]["value"]
    assert facts["trusted"] == "120 of 360 records in all labels; 540 of 1080 labels"


def test_true_labels_find_their_records_by_index(cleaner, data):
    table, weak, trusted, truth = data
    ids = [f"r{i}" for i in range(360)]
    cleaned = cleaner.fit_transform(table.set_axis(ids), weak.set_axis(ids), trusted=trusted)
    y_true = pd.DataFrame(truth, ids, NAMES)
    expected = cleaning_card(cleaner, cleaned, y_true=truth)
    found = cleaning_card(cleaner, cleaned, y_true=y_true.iloc[::-1])
    section = "Against the true labels"
    pd.testing.assert_frame_equal(found.sections[section][1], expected.sections[section][1])
